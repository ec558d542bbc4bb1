// SPDX-License-Identifier: Apache-2.0
/** What an operator wants to know at a glance, read from the store. */
import { basename } from 'node:path';
import type { Condition } from '../alert/conditions.ts';
import type { DiskRoom } from '../disk/probe.ts';
import type { FleetOverview } from '../fleet/overview.ts';
import type { FollowedLog } from '../follow/followed-logs.ts';
import { logDescriptions } from '../store/known-logs.ts';
import { logIdText } from '../logs/log.ts';
import type { LogId } from '../statements/statement.ts';
import type { EvidenceKind } from '../store/evidence.ts';
import type { ForeignVerdict } from '../store/exchange.ts';
import type { HeadSummary } from '../store/heads.ts';
import { isStale, type PlaneState } from '../store/plane-state.ts';
import type { Store } from '../store/store.ts';
import type { Verdict } from '../store/verdicts.ts';

export interface InterfaceOverview extends PlaneState {
  readonly interface: string;
  /** When its observer last wrote, in ms since the epoch. */
  readonly updated: number;
  readonly isStale: boolean;
}

export interface LogOverview {
  readonly logId: string;
  readonly name: string;
  /** New tree heads on each of the last DAYS days; the last number is today's. */
  readonly heads: readonly number[];
  readonly sightings: readonly number[];
}

export interface RecentHead extends HeadSummary {
  readonly log: string;
  /** What others concluded of its tree, which is their word. */
  readonly elsewhere: readonly ForeignVerdict[];
}

export interface EvidenceOverview {
  /** The name of the file. */
  readonly name: string;
  readonly log: string;
  readonly kind: EvidenceKind;
  /** As in EvidenceRecord. */
  readonly firstSize: bigint;
  readonly secondSize: bigint;
  readonly created: number;
}

export interface Overview {
  readonly generated: number;
  /** What a person should know of, as the alerts tell it. */
  readonly conditions: readonly Condition[];
  readonly interfaces: readonly InterfaceOverview[];
  readonly treeHeads: number;
  readonly verdicts: Readonly<Record<Verdict, number>>;
  readonly recent: readonly RecentHead[];
  /** The logs that were seen, busiest first. */
  readonly logs: readonly LogOverview[];
  readonly evidence: readonly EvidenceOverview[];
  /** The chain of evidence; undefined where it cannot be read. */
  readonly chain: { readonly length: number; readonly head: string } | undefined;
  /** What the observer counted and did not store, by reason. */
  readonly counts: Readonly<Record<string, number>>;
  /** What following the logs costs; none where no challenger runs here. */
  readonly following: readonly FollowedLog[];
  /** The fleet that the store is of; undefined where it is of none. */
  readonly fleet: FleetOverview | undefined;
  /** Of the disk that the store is on; undefined where the system does not say. */
  readonly room: DiskRoom | undefined;
}

export const DAYS = 30;
const RECENT = 20;
const DAY_MS = 86_400_000;

export function overviewOf(
  store: Store,
  {
    now,
    ...others
  }: Pick<Overview, 'conditions' | 'chain' | 'following' | 'fleet' | 'room'> & {
    readonly now: number;
  },
): Overview {
  const nameOf = logDescriptions(store);
  return {
    generated: now,
    ...others,
    interfaces: store.planes
      .all()
      .map(({ interface: name, state, updated }) => ({
        ...state,
        interface: name,
        updated,
        isStale: isStale(now - updated),
      })),
    treeHeads: store.heads.count(),
    verdicts: store.verdicts.counts(),
    recent: recentOf(store, nameOf),
    logs: logsOf(store, now, nameOf),
    evidence: store.evidence
      .all()
      .map(({ kind, path, logId, firstSize, secondSize, created }) => ({
        kind,
        name: basename(path),
        log: nameOf(logId),
        firstSize,
        secondSize,
        created,
      }))
      .reverse(),
    counts: store.counters.totals(),
  };
}

function recentOf(
  { heads, exchange }: Pick<Store, 'heads' | 'exchange'>,
  nameOf: (logId: LogId) => string,
): RecentHead[] {
  const latest = heads.latest(RECENT);
  const elsewhere = exchange.foreignVerdicts(latest.map(({ id }) => id));
  return latest
    .map((head) => ({ ...head, log: nameOf(head.logId), elsewhere: elsewhere.get(head.id) ?? [] }))
    .sort((a, b) => b.headFirstSeen - a.headFirstSeen);
}

function logsOf(
  store: Pick<Store, 'heads'>,
  now: number,
  nameOf: (logId: LogId) => string,
): LogOverview[] {
  const today = Math.floor(now / DAY_MS);
  const logs = new Map<string, { name: string; heads: number[]; sightings: number[] }>();
  for (const { logId, day, heads, sightings } of store.heads.days(today - DAYS + 1)) {
    const at = day - (today - DAYS + 1);
    if (at >= DAYS) continue; // recorded while the clock was ahead
    const id = logIdText(logId);
    const log = logs.get(id) ?? {
      name: nameOf(logId),
      heads: new Array<number>(DAYS).fill(0),
      sightings: new Array<number>(DAYS).fill(0),
    };
    log.heads[at] = heads;
    log.sightings[at] = sightings;
    logs.set(id, log);
  }
  const sum = (numbers: readonly number[]): number =>
    numbers.reduce((total, each) => total + each, 0);
  return [...logs]
    .map(([logId, log]) => ({ logId, ...log }))
    .sort((a, b) => sum(b.heads) - sum(a.heads) || a.name.localeCompare(b.name));
}
