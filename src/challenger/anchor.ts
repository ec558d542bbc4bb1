// SPDX-License-Identifier: Apache-2.0
/** The log's current head, which its other trees are held against. */
import { LogError, type Asker } from '../ask/asker.ts';
import { askForSignedHead } from '../ask/signed-head.ts';
import { CtgaError } from '../base/errors.ts';
import type { Log } from '../logs/log.ts';
import { isMalformed, MALFORMED, type VerifiedStatement } from '../statements/statement.ts';
import type { StoredTree } from '../store/heads.ts';
import type { ChallengeContext } from './challenge.ts';
import { decidingFailure, recordShown } from './shown.ts';

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
  context: ChallengeContext,
): Promise<Anchor> {
  const { store, signal, onNotice } = context;
  const asked = await Promise.allSettled(
    askers.map(async (asker) => ({ asker, head: await askForSignedHead(log, asker) })),
  );
  signal.throwIfAborted();
  const answers: Answer[] = [];
  const failures: Error[] = [];
  for (const each of asked) {
    if (each.status === 'fulfilled') answers.push(each.value);
    else if (each.reason instanceof CtgaError) failures.push(each.reason);
    else throw each.reason; // a bug
  }
  const heads = answers.map(({ head }) => head);
  context.onShown?.(log, heads);
  recordShown(log, heads, context);
  if (answers.some(({ head }) => isMalformed(head))) failures.push(malformedHead());
  const [first, ...others] = answers.filter(({ head }) => !isMalformed(head));
  if (first === undefined) throw decidingFailure(failures) ?? new RangeError('no path to ask on');
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

function malformedHead(): LogError {
  return new LogError('log-unavailable', `the log's tree head is malformed: ${MALFORMED}`, {
    remedy: 'This accuses the log of nothing. Its operator should know of it.',
  });
}
