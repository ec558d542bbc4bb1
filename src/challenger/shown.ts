// SPDX-License-Identifier: Apache-2.0
/** What a log itself showed when it was asked: its tree head, on each of several paths. */
import { LOG_API_SOURCE, LogError } from '../ask/asker.ts';
import { messageOf } from '../base/errors.ts';
import { recordHeads } from '../evidence/record.ts';
import type { Log } from '../logs/log.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import type { VerdictContext } from './verdicts.ts';

/** Records the heads, and reports what they contradict by themselves. */
export function recordShown(
  log: Log,
  heads: readonly VerifiedStatement[],
  { store, evidenceDirectory, now, onNotice, onVerdict }: VerdictContext,
): void {
  const at = now();
  const { forks, failure } = recordHeads(
    { store, evidenceDirectory, logs: [log], now: at, accused: 'earlier' },
    heads.map((head) => ({ head, source: LOG_API_SOURCE, firstSeen: at, lastSeen: at, count: 1 })),
  );
  for (const { log: of, treeSize: against, tree, evidence } of forks)
    onVerdict({ log: of, tree, verdict: 'fork-proven', reason: undefined, against, evidence });
  if (failure !== undefined)
    onNotice(log, `evidence of a split view is still to be written: ${messageOf(failure)}`);
}

/**
 * Which of the failures tells why no path gave a head: a proxy that is down says nothing about the
 * log, so that is what matters.
 */
export function decidingFailure(failures: readonly Error[]): Error | undefined {
  return failures.find((each) => !(each instanceof LogError)) ?? failures[0];
}

/** Says aloud that the log shows a stale head, once until it ends, and that it has ended. */
export function noteStaleness(
  log: Log,
  reason: string | undefined,
  { store, now, onNotice }: Pick<VerdictContext, 'store' | 'now' | 'onNotice'>,
): void {
  if (store.logs.setStale(log.key.logId, now(), reason))
    onNotice(log, reason === undefined ? 'shows a current tree head again' : reason);
}
