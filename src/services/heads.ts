// SPDX-License-Identifier: Apache-2.0
/** Tree heads in files: into the store, and out of it. */
import { messageOf } from '../base/errors.ts';
import { toJson } from '../base/json.ts';
import { recordHeads, type RecordContext } from '../evidence/record.ts';
import { readTreeHeads, type ImportResult } from '../exchange/files.ts';
import { provenanceToJson, toHost, type Provenance } from '../exchange/provenance.ts';
import { logIdText } from '../logs/log.ts';
import { findLog } from '../logs/zones.ts';
import type { Log } from '../logs/log.ts';
import { treeHeadToJson } from '../statements/json.ts';
import type { NoteKey } from '../statements/note-key.ts';
import type { CheckedSignature } from '../statements/signature-lines.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import { originOf, sourceOf, type ForeignVerdict } from '../store/exchange.ts';
import { ROLLED_UP, type Sighting } from '../store/heads.ts';
import type { Store } from '../store/store.ts';

export interface ImportOptions {
  /** The logs whose tree heads are accepted. */
  readonly logs: readonly Log[];
  /** What names the log of files that name none; see `findLog`. */
  readonly log?: string;
  /** Whose cosignatures of checkpoints are verified. */
  readonly witnesses: readonly NoteKey[];
  readonly evidenceDirectory: string;
  readonly now: number;
  /** Told in a clause how far it is, where there is much to do. */
  readonly onProgress?: (how: string) => void;
}

export interface Imported {
  readonly verified: number;
  /** How many of them the store did not have. */
  readonly new: number;
  /** Sightings that were added: none of those that were imported before. */
  readonly sightings: number;
  /** Trees of which another store says that it has evidence, which no file of tree heads holds. */
  readonly provenElsewhere: readonly {
    readonly host: string;
    /** The log's description. */
    readonly log: string;
    readonly treeSize: bigint;
  }[];
  /** One sentence for each tree head that was refused. */
  readonly refused: readonly string[];
  readonly signatures: readonly CheckedSignature[];
  /** Forks that the tree heads prove by themselves, of which there was no evidence yet. */
  readonly forks: readonly ImportedFork[];
  /** Why evidence of a fork could not be written; the next command or service tries again. */
  readonly evidenceFailure: string | undefined;
}

export interface ImportedFork {
  /** The log's description. */
  readonly log: string;
  readonly treeSize: bigint;
  /** The path of the evidence. */
  readonly evidence: string;
}

const NOTHING = {
  verified: 0,
  new: 0,
  sightings: 0,
  provenElsewhere: [],
  forks: [],
  evidenceFailure: undefined,
} as const;

/** Storing fewer is done before anybody could read of it. */
const MANY = 1000;

/**
 * Verifies the tree heads of some files, records them in the store that `open` then opens, and writes
 * evidence of what they contradict. Throws CtgaError `bad-input`, and records nothing, if one of them is no file of tree heads. A file
 * that says that it is one may hold none: where it is quiet, nothing was seen.
 */
export function importTreeHeads(
  open: () => RecordContext['store'] & Pick<Store, 'exchange'>,
  files: readonly string[],
  { logs, log, witnesses, evidenceDirectory, now, onProgress }: ImportOptions,
): Imported {
  const only = log === undefined ? undefined : findLog(logs, log);
  const results = files.map((file) =>
    readTreeHeads(file, logs, only, witnesses, (done, all) =>
      onProgress?.(`${file}: ${done} of ${all} tree heads verified`),
    ),
  );
  const refused = results.flatMap((each) => each.refused);
  const signatures = results.flatMap((each) => each.signatures);
  // Of what is all refused, no store is made.
  if (refused.length > 0 && results.every(({ heads }) => heads.length === 0))
    return { ...NOTHING, refused, signatures };
  const store = open();
  const own = store.exchange.identity();
  // Challenging the tree heads takes their logs, which may be of a list that was given only now.
  store.logs.put(results.flatMap(({ heads }) => heads.map((imported) => imported.log)));
  const context = { store, evidenceDirectory, logs, now };
  // File by file: of two that hold the same sightings, only what the second has more is counted.
  const recorded = results.map(({ source, heads }) => {
    if (heads.length > MANY) onProgress?.(`storing ${heads.length} tree heads`);
    return recordHeads(
      context,
      heads.flatMap(({ head, provenance }) => sightingsOf(head, provenance, { source, own, now })),
    );
  });
  const forks = recorded.flatMap((each) => each.forks);
  const failure = recorded.find((each) => each.failure !== undefined)?.failure;
  const verdicts = results.flatMap(foreignVerdicts).filter(({ origin }) => origin.store !== own);
  store.exchange.putVerdicts(verdicts);
  return {
    verified: results.reduce((sum, { heads }) => sum + heads.length, 0),
    new: recorded.reduce((sum, { newHeads }) => sum + newHeads.size, 0),
    sightings: recorded.reduce((sum, { counted }) => sum + counted, 0),
    provenElsewhere: verdicts
      .filter(({ verdict }) => verdict === 'fork-proven')
      .map(({ origin, head, log: { description } }) => ({
        host: origin.host,
        log: description,
        treeSize: head.treeSize,
      })),
    refused,
    signatures,
    forks: forks.map(({ log: { description }, treeSize, evidence }) => ({
      log: description,
      treeSize,
      evidence,
    })),
    evidenceFailure: failure === undefined ? undefined : messageOf(failure),
  };
}

/** The same sightings are counted once, however often they are imported. */
function sightingsOf(
  head: VerifiedStatement,
  provenance: Provenance | undefined,
  { source, own, now }: { readonly source: string; readonly own: string; readonly now: number },
): Sighting[] {
  const { seen = [] } = provenance ?? {};
  if (seen.length === 0)
    return [{ head, source, origin: source, firstSeen: now, lastSeen: now, count: 1 }];
  return seen
    .map(({ origin, ...each }) => ({
      ...each,
      head,
      origin: origin.store,
      source: origin.store === own ? each.source : sourceOf(origin, each.source),
    }))
    .sort((a, b) => Number(isRolledUp(a)) - Number(isRolledUp(b)));
}

/** Last comes what cannot be told apart any more. */
function isRolledUp({ source }: Sighting): boolean {
  return (originOf(source)?.source ?? source) === ROLLED_UP;
}

function foreignVerdicts({
  exporter,
  heads,
}: ImportResult): (ForeignVerdict & { head: VerifiedStatement; log: Log })[] {
  if (exporter === undefined) return [];
  return heads.flatMap(({ head, log, provenance: { verdict, reason } = {} }) =>
    verdict === undefined ? [] : [{ head, log, origin: exporter, verdict, reason }],
  );
}

/**
 * Every tree head that was seen at `since` or later (ms since the epoch) as one JSON document in
 * parts, for STH pollination (draft-linus-trans-gossip-ct-02, Section 5.2.3), with where and how
 * often each was seen and the verdicts on them. There may be more than memory holds.
 */
export function* exportTreeHeads(
  store: Pick<Store, 'exchange'>,
  machine: string,
  since = 0,
): Generator<string> {
  const exporter = { store: store.exchange.identity(), host: toHost(machine) };
  yield `{"exporter": ${toJson(exporter)}, "sths": [`;
  let separator = '\n';
  for (const head of store.exchange.exports(since)) {
    const seen = head.sightings.map((each) => ({ ...each, origin: each.origin ?? exporter }));
    const json = {
      sth_version: 0,
      log_id: logIdText(head.logId),
      ...treeHeadToJson(head),
      ...provenanceToJson({ seen, verdict: head.verdict, reason: head.reason }),
    };
    yield `${separator}  ${toJson(json)}`;
    separator = ',\n';
  }
  yield '\n]}\n';
}
