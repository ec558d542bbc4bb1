// SPDX-License-Identifier: Apache-2.0
/** What monitoring is told beyond what the status page shows. */
import { basename, join } from 'node:path';
import { processUsage, type ProcessUsage } from '../base/process-usage.ts';
import { bytesIn } from '../disk/probe.ts';
import type { EvidenceReport } from '../evidence/directory.ts';
import type { VisitedLog } from '../follow/followed-logs.ts';
import { logIdText } from '../logs/log.ts';
import { BLIND } from '../store/counters.ts';
import { logDescriptions } from '../store/known-logs.ts';
import { storeFiles, type State } from '../store/state.ts';
import type { Store } from '../store/store.ts';

/** How much evidence of a log has a series of its own: a log can sign any number of trees. */
const EVIDENCE_OF_A_LOG = 16;

export interface NamedLog {
  /** Its description. */
  readonly log: string;
  readonly logId: string;
}

export interface Measurements {
  /** The first evidence of each log, by file name, and when it was found. */
  readonly evidence: readonly (NamedLog & { readonly name: string; readonly created: number })[];
  /** How many pieces of evidence there are of each log, however many. */
  readonly evidenceOf: readonly (NamedLog & { readonly count: number })[];
  /** The chain of evidence, and how many files of evidence are in which state but "kept". */
  readonly chain: { readonly length: number; readonly faults: Readonly<Record<string, number>> };
  /** Distinct tree heads of each log since the store was made. */
  readonly headsOf: readonly (NamedLog & { readonly count: number })[];
  /** Logs that show a tree head that is older or smaller than it may be. */
  readonly stale: readonly NamedLog[];
  readonly visited: readonly VisitedLog[];
  readonly damagedRows: number;
  /** Alerts that were raised and have not ended. */
  readonly alerts: number;
  /** For how long packets passed unseen, in milliseconds, by interface. */
  readonly blind: Readonly<Record<string, number>>;
  /** Bytes on the disk, by what takes them; without what this account may not look at. */
  readonly bytes: Readonly<Record<string, number>>;
  readonly process: ProcessUsage;
}

export function measure(
  store: Pick<Store, 'alerts' | 'counters' | 'evidence' | 'heads' | 'logs'>,
  state: State,
  visited: readonly VisitedLog[],
  report: EvidenceReport | undefined,
): Measurements {
  const nameOf = logDescriptions(store);
  const heads = new Map<string, NamedLog & { count: number }>();
  for (const { logId, heads: count } of store.heads.days(0)) {
    const id = logIdText(logId);
    const log = heads.get(id) ?? { log: nameOf(logId), logId: id, count: 0 };
    heads.set(id, { ...log, count: log.count + count });
  }
  const evidence = new Map<string, (NamedLog & { name: string; created: number })[]>();
  for (const { path, logId, created } of store.evidence.all()) {
    const id = logIdText(logId);
    const ofLog = evidence.get(id) ?? [];
    evidence.set(id, ofLog);
    ofLog.push({ log: nameOf(logId), logId: id, name: basename(path), created });
  }
  return {
    evidence: [...evidence.values()].flatMap((ofLog) => ofLog.slice(0, EVIDENCE_OF_A_LOG)),
    evidenceOf: [...evidence.values()].flatMap((ofLog) => {
      const [first] = ofLog;
      return first === undefined
        ? []
        : [{ log: first.log, logId: first.logId, count: ofLog.length }];
    }),
    chain: chainOf(report),
    headsOf: [...heads.values()],
    stale: store.logs.stale().map(({ logId }) => ({ log: nameOf(logId), logId: logIdText(logId) })),
    visited,
    damagedRows: store.heads.damagedRows(),
    alerts: store.alerts.raised().length,
    blind: store.counters.bySource(BLIND),
    bytes: bytesOf(state),
    process: processUsage(),
  };
}

function chainOf(report: EvidenceReport | undefined): Measurements['chain'] {
  const faults: Record<string, number> = { missing: 0, changed: 0, unreadable: 0, unknown: 0 };
  for (const { state } of report?.files ?? [])
    if (state in faults) faults[state] = (faults[state] ?? 0) + 1;
  return { length: report?.length ?? 0, faults: { ...faults, chain: report?.faults.length ?? 1 } };
}

function bytesOf(state: State): Record<string, number> {
  const { directory, evidence } = state;
  const hashes = ['', '-wal', '-shm'].map((suffix) => join(directory, `mirror.sqlite${suffix}`));
  const paths = {
    database: storeFiles(state),
    evidence: [evidence],
    backlog: [join(directory, 'backlog')],
    hashes,
  };
  return Object.fromEntries(
    Object.entries(paths).flatMap(([part, files]) => {
      const sizes = files.map(bytesIn);
      const known = sizes.filter((size) => size !== undefined);
      return known.length < sizes.length
        ? []
        : [[part, known.reduce((sum, size) => sum + size, 0)]];
    }),
  );
}
