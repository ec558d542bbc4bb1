// SPDX-License-Identifier: Apache-2.0
/** What a client's store says, for the browser and for `ctga client status`. */
import { plural } from '../base/text.ts';
import { logIdText, logLabels, type Log } from '../logs/log.ts';
import type { LogStatus, StatusMessage } from './messages.ts';
import type { ClientStore, HeadRow } from './store.ts';

const MOST_SCTS = 500;
const MOST_FEEDBACK = 100;

/** `zones` leads from a log to the zone in which it is asked. */
export function statusOf(
  store: ClientStore,
  logs: readonly Log[],
  zones: ReadonlyMap<Log, string>,
  mostScts = MOST_SCTS,
): StatusMessage {
  const labels = logLabels(logs);
  const names = new Map(logs.map((log) => [logIdText(log.key.logId), labels.get(log) ?? '']));
  const nameOf = (logId: Log['key']['logId']): string =>
    names.get(logIdText(logId)) ?? logIdText(logId);
  const findings = store
    .findings()
    .map(({ logId, what, evidence }) => ({ what, log: nameOf(logId), evidence }));
  const convicted = new Set(findings.map(({ log }) => log));
  const scts = store
    .scts(mostScts)
    .map(({ origin, logId, time, state, why }) => ({
      origin,
      log: nameOf(logId),
      time,
      state,
      why,
    }));
  return {
    type: 'status',
    logs: logs.map((log) => logStatus(store, log, nameOf(log.key.logId), zones, convicted)),
    scts,
    more: store.countScts() - scts.length,
    discarded: store.discarded(),
    findings,
    feedback: store.feedback(MOST_FEEDBACK),
    federations: store.federations().map(({ roster: _, ...federation }) => federation),
  };
}

function logStatus(
  store: ClientStore,
  log: Log,
  name: string,
  zones: ReadonlyMap<Log, string>,
  convicted: ReadonlySet<string>,
): LogStatus {
  const { logId } = log.key;
  const heads = store.heads(logId);
  const unproven = heads.filter(({ isConsistent }) => !isConsistent).length;
  const newest = heads
    .filter(({ source }) => source === 'dns')
    .reduce<HeadRow | undefined>(
      (last, each) => (last === undefined || each.timestamp > last.timestamp ? each : last),
      undefined,
    );
  const known = store.logOf(logId);
  return {
    name,
    id: logIdText(logId),
    size: newest?.treeSize,
    time: newest?.timestamp,
    ...stateOf(),
  };

  function stateOf(): Pick<LogStatus, 'state' | 'why'> {
    if (convicted.has(name))
      return { state: 'contradicts', why: 'It signed trees that contradict each other.' };
    if (!zones.has(log))
      return { state: 'no-zone', why: 'No DNS zone with its tree heads is known.' };
    if (known === undefined) return { state: 'unasked', why: 'It was not asked yet.' };
    if (newest === undefined || known.answered === undefined)
      return { state: 'no-answer', why: known.why };
    if (!newest.isConsistent) return { state: 'unproven', why: known.why };
    if (known.why !== '') return { state: 'consistent', why: known.why };
    return {
      state: 'consistent',
      why:
        unproven === 0
          ? 'All its tree heads are of one append-only log.'
          : `Its newest tree head is of one append-only log with those before; of ${plural(unproven, 'other')} that came no proof was given yet.`,
    };
  }
}
