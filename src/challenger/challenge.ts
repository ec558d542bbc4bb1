// SPDX-License-Identifier: Apache-2.0
/**
 * One challenge of one log: every tree that it ever signed in front of us must be a prefix of its
 * current one.
 *
 * The challenge asks for the log's head on several paths at once (anchor.ts), holds it against the
 * final tree that a log list names (final-tree.ts), goes down from it by size (walk.ts), and
 * records what it finds (verdicts.ts).
 *
 * With a fixed number of questions, trees that find no place wait for the next challenge, and cover
 * questions take the places that no tree needs: the log cannot tell how much was seen.
 */
import { askerOf } from '../ask/asker-of.ts';
import { LogError } from '../ask/asker.ts';
import { Courtesy } from '../ask/courtesy.ts';
import { signedTrees } from '../evidence/stored.ts';
import { hasCome, realSleep, type Sleep } from '../base/clock.ts';
import { plural } from '../base/text.ts';
import type { Fetch } from '../http/request.ts';
import { MAX_RETRY_AFTER } from '../http/retry-after.ts';
import type { Log } from '../logs/log.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import type { StoredTree } from '../store/heads.ts';
import { askForHead } from './anchor.ts';
import { Links } from './links.ts';
import { Questions } from './questions.ts';
import { noteStaleness } from './shown.ts';
import { staleness } from './staleness.ts';
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
  /** How to wait, a short Retry-After for one; a real wait unless given. */
  readonly sleep?: Sleep;
  /** Told of the heads that the log showed and signed, on each path. */
  readonly onShown?: (log: Log, heads: readonly VerifiedStatement[]) => void;
  /** Breaks the challenge off: what has not been answered by then stays as it was. */
  readonly signal: AbortSignal;
}

/**
 * Challenges the log, and stores and reports each verdict as it is reached. Returns the first error
 * because of which the log could not be asked something. Rejects only with ProxyError, where the
 * store fails, and with anything if the signal was given.
 */
export async function challengeLog(
  log: Log,
  context: ChallengeContext,
): Promise<LogError | undefined> {
  const { store, now, paths, signal, sleep = realSleep } = context;
  const { logId } = log.key;
  const quietUntil = store.logs.quietUntil(logId);
  if (!hasCome(quietUntil, now(), MAX_RETRY_AFTER)) return leaveOut(log, quietUntil, context);
  const courtesy = new Courtesy(now, (wait) => sleep(wait, signal));
  const askers = paths.map((fetch) => askerOf(log, courtesy.fetch(fetch), now));
  try {
    const { current, timestamp, asker } = await askForHead(log, askers, context);
    const trees = signedTrees(store, log, now());
    noteStaleness(log, staleness(log, { current, timestamp }, trees, now()), context);
    const links = new Links(trees);
    const failure = await new Walk({
      log,
      current,
      links,
      questions: new Questions(asker, context.questions),
      verdicts: new Verdicts(log, context, links),
      now,
      isQuiet: () => courtesy.isQuiet,
    }).run();
    signal.throwIfAborted();
    keepQuiet(log, courtesy, store);
    return failure;
  } catch (error) {
    if (!(error instanceof LogError) || signal.aborted) throw error;
    keepQuiet(log, courtesy, store);
    unreachable(log, error, context, () => true);
    return error;
  }
}

/** The log gave nothing: that is the state of all trees that wait for a proof and are due. */
function unreachable(
  log: Log,
  { message }: LogError,
  context: ChallengeContext,
  isMeant: (tree: StoredTree) => boolean,
): void {
  const links = new Links(signedTrees(context.store, log, context.now()));
  const verdicts = new Verdicts(log, context, links);
  for (const tree of links.trees) {
    const waits = tree.verdict !== 'consistent' && tree.verdict !== 'fork-proven';
    if (waits && isMeant(tree) && verdicts.isDue(tree))
      verdicts.unproven(tree, tree, 'no-answer', message);
  }
}

/** The log asked to be left alone, so it is asked nothing; trees that are new know it too. */
function leaveOut(log: Log, until: number, context: ChallengeContext): LogError {
  const waiting = new Links(signedTrees(context.store, log, context.now())).waiting().length;
  const left =
    waiting === 0 ? '' : `; ${plural(waiting, 'tree')} of it cannot be proven until then`;
  const message = `the log asked not to be asked before ${new Date(until).toISOString()}${left}`;
  const error = new LogError('log-unavailable', message);
  unreachable(log, error, context, ({ verdict }) => verdict === 'pending');
  return error;
}

/** What the log asked for outlasts this challenge. */
function keepQuiet(
  log: Log,
  { quietUntil, isQuiet }: Courtesy,
  store: ChallengeContext['store'],
): void {
  if (isQuiet) store.logs.setQuietUntil(log.key.logId, quietUntil);
}
