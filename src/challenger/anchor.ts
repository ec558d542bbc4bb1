/** The log's current head, which its other trees are held against. */
import { LOG_API_SOURCE, LogError, type Asker } from '../ask/asker.ts';
import { CtgaError, messageOf } from '../base/errors.ts';
import { recordHeads } from '../evidence/record.ts';
import type { Log } from '../logs/log.ts';
import { isMalformed, MALFORMED, type VerifiedStatement } from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';
import type { StoredTree } from '../store/heads.ts';
import type { ChallengeContext } from './challenge.ts';

export interface Anchor {
  readonly current: StoredTree;
  /** When the log signed it, by the log's own clock. */
  readonly timestamp: bigint;
  /** The one that showed the head: the front end behind it can prove it. */
  readonly asker: Asker;
}

/**
 * Asks for the log's head on every path at once, verifies what comes and stores it. The largest
 * tree is the current one; the others are challenged like any other. A malformed head is stored and
 * is otherwise as good as none. Rejects with LogError or ProxyError where no path gave a head, and
 * with the signal's reason if that was given.
 */
export async function askForHead(
  log: Log,
  askers: readonly Asker[],
  { store, evidenceDirectory, now, signal, onNotice, onVerdict }: ChallengeContext,
): Promise<Anchor> {
  const asked = await Promise.allSettled(
    askers.map(async (asker) => ({ asker, head: await verifiedHead(log, asker) })),
  );
  signal.throwIfAborted();
  const answers: Answer[] = [];
  const failures: Error[] = [];
  for (const each of asked) {
    if (each.status === 'fulfilled') answers.push(each.value);
    else if (each.reason instanceof CtgaError) failures.push(each.reason);
    else throw each.reason; // a bug
  }
  const seen = { source: LOG_API_SOURCE, firstSeen: now(), lastSeen: now(), count: 1 };
  const { forks, failure } = recordHeads(
    { store, evidenceDirectory, logs: [log], now: now(), accused: 'earlier' },
    answers.map(({ head }) => ({ head, ...seen })),
  );
  for (const { log: of, treeSize: against, tree, evidence } of forks)
    onVerdict({ log: of, tree, verdict: 'fork-proven', reason: undefined, against, evidence });
  if (failure !== undefined)
    onNotice(log, `evidence of a split view is still to be written: ${messageOf(failure)}`);
  if (answers.some(({ head }) => isMalformed(head)))
    failures.push(
      new LogError('log-unavailable', `the log's tree head is malformed: ${MALFORMED}`, {
        remedy: 'This accuses the log of nothing. Its operator should know of it.',
      }),
    );
  const [first, ...others] = answers.filter(({ head }) => !isMalformed(head));
  if (first === undefined) {
    // A proxy that is down says nothing about the log, so that is what matters.
    const failure = failures.find((each) => !(each instanceof LogError)) ?? failures[0];
    throw failure ?? new RangeError('no path to ask on');
  }
  for (const { message } of failures)
    onNotice(log, `one of ${askers.length} paths gave no tree head: ${message}`);
  const { asker, head } = others.reduce(
    (best, each) => (each.head.treeSize > best.head.treeSize ? each : best),
    first,
  );
  return { current: store.heads.treeOf(head), timestamp: head.timestamp, asker };
}

interface Answer {
  readonly asker: Asker;
  readonly head: VerifiedStatement;
}

async function verifiedHead(log: Log, asker: Asker): Promise<VerifiedStatement> {
  const head = verifyStatement(await asker.treeHead(), log.key);
  if (head === undefined)
    throw new LogError('log-unavailable', "the log's tree head is not signed by its key");
  return head;
}
