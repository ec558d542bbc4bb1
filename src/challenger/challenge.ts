/**
 * One challenge of one log: every tree that it ever signed in front of us must be a prefix of its
 * current one.
 *
 * The challenge asks for the log's head on several paths at once (anchor.ts), holds it against the
 * final tree that a log list names (final-tree.ts), goes down from it by size (walk.ts), and records
 * what it finds (verdicts.ts).
 *
 * With a fixed number of questions, trees that find no place wait for the next challenge, and cover
 * questions take the places that no tree needs: the log cannot tell how much was seen.
 */
import { askerOf } from '../ask/asker-of.ts';
import { LogError } from '../ask/asker.ts';
import { hasCome } from '../base/clock.ts';
import type { Fetch } from '../http/request.ts';
import { MAX_RETRY_AFTER } from '../http/retry-after.ts';
import type { Log } from '../logs/log.ts';
import { askForHead } from './anchor.ts';
import { compareWithFinalTree } from './final-tree.ts';
import { Questions } from './questions.ts';
import { Verdicts, type VerdictContext } from './verdicts.ts';
import { Walk } from './walk.ts';

export interface ChallengeContext extends VerdictContext {
  /**
   * Ways to the log, each with an identity of its own; one at least. All are asked for the log's
   * head, and one of them for proofs.
   */
  readonly paths: readonly Fetch[];
  /** How many proofs to ask for, neither more nor fewer; not given: one for each tree. */
  readonly questions?: number;
  /** Breaks the challenge off: what has not been answered by then stays as it was. */
  readonly signal: AbortSignal;
}

/**
 * Challenges the log, and stores and reports each verdict as it is reached. Returns the error that
 * ended the challenge early, if the log could not be asked. Rejects only with ProxyError, where the
 * store fails, and with anything if the signal was given.
 */
export async function challengeLog(
  log: Log,
  context: ChallengeContext,
): Promise<LogError | undefined> {
  const { store, now, paths, signal } = context;
  const { logId } = log.key;
  const quietUntil = store.logs.quietUntil(logId);
  if (!hasCome(quietUntil, now(), MAX_RETRY_AFTER))
    return new LogError(
      'log-unavailable',
      `the log asked not to be asked before ${new Date(quietUntil).toISOString()}`,
    );
  const verdicts = new Verdicts(log, context);
  const askers = paths.map((fetch) => askerOf(log, fetch, now));
  let walk: Walk | undefined;
  try {
    const { current, asker } = await askForHead(log, askers, context);
    const questions = new Questions(asker, context.questions);
    walk = new Walk(current, questions, verdicts);
    await compareWithFinalTree(log, current, store.heads.trees(logId), questions, verdicts);
    await walk.descend(store.heads.trees(logId));
    if (context.questions !== undefined) await walk.cover(store.heads.trees(logId));
    return undefined;
  } catch (error) {
    if (!(error instanceof LogError) || signal.aborted) throw error;
    if (error.retryAfter !== undefined) store.logs.setQuietUntil(logId, now() + error.retryAfter);
    // Without an answer, this is the state of every tree that still waits for one.
    for (const tree of store.heads.trees(logId)) {
      const waits = tree.verdict !== 'consistent' && tree.verdict !== 'fork-proven';
      if (waits && walk?.links(tree) !== true && verdicts.isDue(tree))
        verdicts.unproven(tree, walk?.anchor ?? tree, 'no-answer', error.message);
    }
    return error;
  }
}
