// SPDX-License-Identifier: Apache-2.0
/** Tree heads in files: into the store, and out of it. */
import { messageOf } from '../base/errors.ts';
import { toJson } from '../base/json.ts';
import { recordHeads, type RecordContext } from '../evidence/record.ts';
import { readTreeHeads } from '../exchange/files.ts';
import { logIdText } from '../logs/log.ts';
import { findLog } from '../logs/zones.ts';
import type { Log } from '../logs/log.ts';
import { treeHeadToJson } from '../statements/json.ts';
import type { CheckedSignature, NoteKey } from '../statements/note-key.ts';
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
}

export interface Imported {
  readonly verified: number;
  /** How many of them the store did not have. */
  readonly new: number;
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

/**
 * Verifies the tree heads of some files, records them, and writes evidence of what they contradict.
 * Throws CtgaError `bad-input`, and records nothing, if a file holds no tree heads at all.
 */
export function importTreeHeads(
  store: RecordContext['store'],
  files: readonly string[],
  { logs, log, witnesses, evidenceDirectory, now }: ImportOptions,
): Imported {
  const only = log === undefined ? undefined : findLog(logs, log);
  const results = files.map((file) => readTreeHeads(file, logs, only, witnesses));
  const sightings = results.flatMap(({ source, heads }) =>
    heads.map(({ head }) => ({ head, source, firstSeen: now, lastSeen: now, count: 1 })),
  );
  // Challenging the tree heads takes their logs, which may be of a list that was given only now.
  store.logs.put(results.flatMap(({ heads }) => heads.map((imported) => imported.log)));
  const context = { store, evidenceDirectory, logs, now };
  const { newHeads, forks, failure } = recordHeads(context, sightings);
  return {
    verified: sightings.length,
    new: newHeads.size,
    refused: results.flatMap(({ refused }) => refused),
    signatures: results.flatMap(({ signatures }) => signatures),
    forks: forks.map(({ log: { description }, treeSize, evidence }) => ({
      log: description,
      treeSize,
      evidence,
    })),
    evidenceFailure: failure === undefined ? undefined : messageOf(failure),
  };
}

/**
 * Every tree head as one JSON document in parts, for STH pollination
 * (draft-linus-trans-gossip-ct-02, Section 5.2.3). There may be more than memory holds.
 */
export function* exportTreeHeads(store: Pick<Store, 'heads'>): Generator<string> {
  yield '{"sths": [';
  let separator = '\n';
  for (const head of store.heads.all()) {
    const json = { sth_version: 0, log_id: logIdText(head.logId), ...treeHeadToJson(head) };
    yield `${separator}  ${toJson(json)}`;
    separator = ',\n';
  }
  yield '\n]}\n';
}
