// SPDX-License-Identifier: Apache-2.0
/**
 * Tree heads that somebody brings as files: STH pollination (draft-linus-trans-gossip-ct-02,
 * Section 5.2.3), an answer to get-sth, or a checkpoint. A file makes claims like any other source:
 * they are verified in the same way, and the logs are asked about them in the same way.
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import * as z from 'zod';
import { badInput, messageOf } from '../base/errors.ts';
import { describeIssue, parseJson, readTextFile } from '../base/documents.ts';
import { logIdText, type Log } from '../logs/log.ts';
import {
  checkpointStatement,
  parseCheckpoint,
  treeHeadOf,
  type Checkpoint,
} from '../statements/checkpoint.ts';
import { BAD_SIGNATURE, verifyClaim, type Claim } from '../statements/claim.ts';
import { attributionSchema, treeHeadSchema } from '../statements/json.ts';
import { isCheckpointKey } from '../statements/key.ts';
import type { NoteKey } from '../statements/note-key.ts';
import { checkSignatures, type CheckedSignature } from '../statements/signature-lines.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import { exporterOf, provenanceOf, type Exporter, type Provenance } from './provenance.ts';

/** Told how many of the tree heads of a file have been verified, now and then. */
export type Progress = (done: number, all: number) => void;

/** So many are verified between two reports: some tenths of a second. */
const REPORT_EVERY = 1000;

const FORMS = 'Give a JSON of tree heads ({"sths": [...]}), a get-sth answer or a checkpoint.';

export interface ImportedHead {
  readonly head: VerifiedStatement;
  readonly log: Log;
  /** Undefined where the file has none: a get-sth answer, or a checkpoint. */
  readonly provenance: Provenance | undefined;
}

export interface ImportedHeads {
  readonly heads: readonly ImportedHead[];
  /** One sentence for each tree head that was refused. */
  readonly refused: readonly string[];
  /** Of a checkpoint: its signature lines, checked with the witnesses' keys. */
  readonly signatures: readonly CheckedSignature[];
}

export interface ImportResult extends ImportedHeads {
  /** Names the file by its name and content. */
  readonly source: string;
  /** The store that wrote the file; undefined if something else did. */
  readonly exporter: Exporter | undefined;
}

/**
 * Reads and verifies the tree heads in a file. `only` is the log that is meant where the file names
 * none: a get-sth answer has no log ID. Throws CtgaError `bad-input` if the file cannot be read or
 * has none of the three forms, as an empty list has none.
 */
export function readTreeHeads(
  path: string,
  logs: readonly Log[],
  only: Log | undefined,
  witnesses: readonly NoteKey[] = [],
  onProgress?: Progress,
): ImportResult {
  const text = readTextFile(path);
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 8);
  const source = `import:${basename(path)}#${digest}`;
  if (text.trim() === '') throw badInput(`${path}: is empty`, FORMS);
  if (!/^\s*[[{]/.test(text))
    return { source, exporter: undefined, ...fromCheckpoint(text, path, logs, witnesses) };
  const document = parseJson(text, path);
  if (Array.isArray(document) && document.length === 0)
    throw badInput(`${path}: an empty list, of nobody knows what`, FORMS);
  const exporter = exporterOf(document);
  return { source, exporter, ...treeHeadsFromJson(text, path, logs, only, onProgress) };
}

/**
 * Reads and verifies the tree heads in a JSON document: `{"sths": [...]}`, the list alone, or one
 * tree head. `where` says in messages where the document is from. Throws CtgaError `bad-input` if
 * the text is no JSON.
 */
export function treeHeadsFromJson(
  text: string,
  where: string,
  logs: readonly Log[],
  only: Log | undefined,
  onProgress?: Progress,
): ImportedHeads {
  const json = parseJson(text, where);
  const list = z
    .union([
      z.object({ sths: z.array(z.unknown()) }).transform(({ sths }) => sths),
      z.array(z.unknown()),
    ])
    .safeParse(json);
  const byId = new Map(logs.map((log) => [logIdText(log.key.logId), log]));
  const claims = list.success
    ? // JSON.parse keeps no spelling, so elements of a list are written anew.
      list.data.map((item, i) => ({
        where: `${where}: sths[${i}]`,
        claim: claimOf(item, spelled(item), byId, only),
        item,
      }))
    : [{ where, claim: claimOf(json, Buffer.from(text), byId, only) }];
  return { ...verifyAll(claims, onProgress), signatures: [] };
}

/** The JSON of an element; undefined for lists in lists without an end, which nobody can spell. */
function spelled(item: unknown): Uint8Array | undefined {
  try {
    return Buffer.from(JSON.stringify(item));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Returns the reason, as a string, where it cannot be told which log's claim `bytes` are. */
function claimOf(
  json: unknown,
  bytes: Uint8Array | undefined,
  logs: ReadonlyMap<string, Log>,
  only: Log | undefined,
): Claim<Log> | string {
  if (bytes === undefined) return 'it is nested too deeply';
  if (typeof json !== 'object' || json === null || !('log_id' in json)) {
    if (only !== undefined) return { log: only, bytes, form: 'get-sth' };
    const { error } = treeHeadSchema.safeParse(json);
    return error ? describeIssue(error) : 'it has no log_id: say whose it is with --log';
  }
  const attribution = attributionSchema.safeParse(json);
  if (!attribution.success) return describeIssue(attribution.error);
  const id = logIdText(attribution.data.log_id);
  const log = logs.get(id);
  return log === undefined
    ? `no log with ID ${id} is known: import a log list that has it`
    : { log, bytes, form: 'get-sth' };
}

function fromCheckpoint(
  text: string,
  path: string,
  logs: readonly Log[],
  witnesses: readonly NoteKey[],
): ImportedHeads {
  let checkpoint: Checkpoint;
  try {
    checkpoint = parseCheckpoint(text);
  } catch (error) {
    throw badInput(`${path}: neither JSON nor a checkpoint: ${messageOf(error)}`, FORMS);
  }
  // One note may have lines of several logs' keys: of one log's two, for instance.
  const signers = logs.filter(({ key }) =>
    isCheckpointKey(key)
      ? checkpointStatement(checkpoint, key) !== undefined
      : treeHeadOf(checkpoint, key.logId) !== undefined,
  );
  const claims: (Claim<Log> | string)[] = signers.map((log) => ({
    log,
    bytes: Buffer.from(text),
    form: 'checkpoint' as const,
  }));
  if (claims.length === 0)
    claims.push(
      `no known log signed the checkpoint of "${checkpoint.origin}": import a log list that has it`,
    );
  return {
    ...verifyAll(claims.map((claim) => ({ where: path, claim }))),
    signatures: checkSignatures(checkpoint, witnesses),
  };
}

function verifyAll(
  claims: readonly {
    readonly where: string;
    readonly claim: Claim<Log> | string;
    /** What it was read from, where that may say where it was seen. */
    readonly item?: unknown;
  }[],
  onProgress?: Progress,
): Pick<ImportedHeads, 'heads' | 'refused'> {
  const heads: ImportedHead[] = [];
  const refused: string[] = [];
  for (const [done, { where, claim, item }] of claims.entries()) {
    if (done % REPORT_EVERY === 0 && done > 0) onProgress?.(done, claims.length);
    const verified = typeof claim === 'string' ? claim : verify(claim);
    const found = item === undefined ? undefined : provenanceOf(item);
    if (typeof verified === 'string') refused.push(`${where}: ${verified}`);
    else if (typeof found !== 'string') heads.push({ ...verified, provenance: found });
    else {
      // Its signature speaks for it all the same.
      refused.push(`${where}: where it was seen cannot be read: ${found}`);
      heads.push({ ...verified, provenance: undefined });
    }
  }
  return { heads, refused };
}

function verify(claim: Claim<Log>): Omit<ImportedHead, 'provenance'> | string {
  const { log } = claim;
  const verified = verifyClaim(claim);
  if (verified.kind === 'verified') return { head: verified.statement, log };
  return verified.reason === BAD_SIGNATURE
    ? `the signature is not by "${log.description}"`
    : verified.reason;
}
