// SPDX-License-Identifier: Apache-2.0
/** When each log's trees were seen, and what was concluded of them: the lanes of the picture. */
import { logIdText } from '../logs/log.ts';
import type { LogId } from '../statements/statement.ts';
import type { TimelineSlot } from '../store/heads.ts';
import type { Store } from '../store/store.ts';
import { DAYS, type LogOverview, type Overview } from './overview.ts';

export interface Timeline {
  /** The stretch of time that all lanes show, in ms since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly lanes: readonly Lane[];
  /** How many logs there are, with a lane here or not. */
  readonly logs: number;
}

export interface Lane {
  readonly log: string;
  readonly slots: readonly TimelineSlot[];
  /** What was counted by day; undefined if nothing was seen of late. */
  readonly days: LogOverview | undefined;
}

export const SLOTS = 48;
const DAY_MS = 86_400_000;
/** Of which a person should see the lane first, the worst first. */
const NOTABLE = ['fork-proven', 'unprovable', 'malformed-head'] as const;

/**
 * The lanes of `limit` logs from number `offset` on: logs of which something is to be seen first,
 * and then the busiest. Costs a look-up for each log of these.
 */
export function timelineOf(
  store: Pick<Store, 'heads' | 'verdicts'>,
  overview: Pick<Overview, 'logs' | 'generated'>,
  nameOf: (logId: LogId) => string,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): Timeline {
  const { from, to } = stretch(store.heads.span(), overview.generated);
  const days = new Map(overview.logs.map((log, rank) => [log.logId, { log, rank }]));
  const notable = new Map<string, number>();
  for (const [rank, verdict] of NOTABLE.entries())
    for (const logId of store.verdicts.logsWith(verdict)) {
      const id = logIdText(logId);
      if (!notable.has(id)) notable.set(id, rank);
    }
  const logs = store.heads.logIds().map((logId) => {
    const id = logIdText(logId);
    return {
      logId,
      id,
      log: nameOf(logId),
      notable: notable.get(id) ?? NOTABLE.length,
      busy: days.get(id)?.rank ?? days.size,
    };
  });
  logs.sort(
    (a, b) =>
      a.notable - b.notable || a.busy - b.busy || (a.log < b.log ? -1 : Number(a.log > b.log)),
  );
  return {
    from,
    to,
    logs: logs.length,
    lanes: logs
      .slice(offset, offset + limit)
      .map(({ logId, id, log }) => ({
        log,
        slots: store.heads.timeline(logId, from, to, SLOTS),
        days: days.get(id)?.log,
      })),
  };
}

/** At most so many days, the last of them; and a second at least. */
function stretch(
  span: { readonly from: number; readonly to: number } | undefined,
  now: number,
): { from: number; to: number } {
  const to = Math.min(span?.to ?? now, now); // a clock may have been ahead
  const from = Math.max(Math.min(span?.from ?? now, to), to - DAYS * DAY_MS);
  return to - from < 1000 ? { from: to - 1000, to } : { from, to };
}
