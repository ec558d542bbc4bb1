/**
 * Tree heads brought by hand, as files: STH pollination (draft-linus-trans-gossip-ct-02, Section
 * 5.2.3), a get-sth answer, or a checkpoint. They are verified like any other and challenged like
 * any other.
 */
import { basename } from 'node:path';
import { z } from 'zod';
import { badInput, messageOf } from '../base/errors.ts';
import { describeIssue, parseJson, readTextFile } from '../base/documents.ts';
import { logIdText, type Log } from '../logs/log.ts';
import { parseCheckpoint, treeHeadOf } from '../statements/checkpoint.ts';
import { checkSignatures, type CheckedSignature, type NoteKey } from '../statements/note-key.ts';
import { gossipedTreeHeadSchema, treeHeadSchema } from '../statements/json.ts';
import type { Statement, VerifiedStatement } from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';

export interface ImportedHead {
  readonly head: VerifiedStatement;
  readonly log: Log;
}

export interface ImportResult {
  readonly source: string;
  readonly heads: readonly ImportedHead[];
  /** One sentence for each tree head that was not taken. */
  readonly refused: readonly string[];
  /** Of a checkpoint: its signature lines, held against the witnesses' keys. */
  readonly signatures: readonly CheckedSignature[];
}

/**
 * Reads a file against the logs known. `only` is the log meant where the file does not say (get-sth
 * has no log ID). Throws CtgaError `bad-input` where the file is of none of the three forms.
 */
export function readTreeHeads(
  path: string,
  logs: readonly Log[],
  only: Log | undefined,
  witnesses: readonly NoteKey[] = [],
): ImportResult {
  const text = readTextFile(path);
  const source = `import:${basename(path)}`;
  return /^\s*[[{]/.test(text)
    ? { source, ...fromJson(text, path, logs, only) }
    : { source, ...fromCheckpoint(text, path, logs, witnesses) };
}

type Taken = Omit<ImportResult, 'source'>;

/**
 * Tree heads in JSON; `path` says in messages where they are from. Throws CtgaError `bad-input`
 * where it is none.
 */
export function fromJson(
  text: string,
  path: string,
  logs: readonly Log[],
  only: Log | undefined,
): Taken {
  const json = parseJson(text, path);
  const elements = z
    .union([
      z.object({ sths: z.array(z.unknown()) }).transform(({ sths }) => sths),
      z.array(z.unknown()),
    ])
    .safeParse(json);
  const items = elements.success ? elements.data : [json];
  const byId = new Map(logs.map((log) => [logIdText(log.key.logId), log]));
  const heads: ImportedHead[] = [];
  const refused: string[] = [];
  items.forEach((item, i) => {
    const where = elements.success ? `${path}: sths[${i}]` : path;
    const read = readOne(item, byId, only);
    const verified = typeof read === 'string' ? read : verifyFor(read.log, read.head);
    if (typeof verified === 'string') refused.push(`${where}: ${verified}`);
    else heads.push(verified);
  });
  return { heads, refused, signatures: [] };
}

function readOne(
  item: unknown,
  logs: ReadonlyMap<string, Log>,
  only: Log | undefined,
): { log: Log; head: Statement } | string {
  const hasLogId = typeof item === 'object' && item !== null && 'log_id' in item;
  if (!hasLogId) {
    const parsed = treeHeadSchema.safeParse(item);
    if (!parsed.success) return describeIssue(parsed.error);
    return only === undefined
      ? 'it has no log_id: say whose it is with --log'
      : { log: only, head: parsed.data };
  }
  const parsed = gossipedTreeHeadSchema.safeParse(item);
  if (!parsed.success) return describeIssue(parsed.error);
  const log = logs.get(logIdText(parsed.data.logId));
  return log === undefined
    ? `no log with ID ${logIdText(parsed.data.logId)} is known: import a log list that has it`
    : { log, head: parsed.data.head };
}

function fromCheckpoint(
  text: string,
  path: string,
  logs: readonly Log[],
  witnesses: readonly NoteKey[],
): Taken {
  let checkpoint: ReturnType<typeof parseCheckpoint>;
  try {
    checkpoint = parseCheckpoint(text);
  } catch (error) {
    throw badInput(
      `${path}: neither JSON nor a checkpoint: ${messageOf(error)}`,
      'Give a JSON of tree heads ({"sths": [...]}), a get-sth answer or a checkpoint.',
    );
  }
  const signatures = checkSignatures(checkpoint, witnesses);
  for (const log of logs) {
    const head = treeHeadOf(checkpoint, log.key.logId);
    if (head === undefined) continue;
    const verified = verifyFor(log, head);
    return typeof verified === 'string'
      ? { heads: [], refused: [`${path}: ${verified}`], signatures }
      : { heads: [verified], refused: [], signatures };
  }
  return {
    heads: [],
    signatures,
    refused: [
      `${path}: no known log signed the checkpoint of "${checkpoint.origin}": import a log list that has it`,
    ],
  };
}

function verifyFor(log: Log, head: Statement): ImportedHead | string {
  const verified = verifyStatement(head, log.key);
  return verified === undefined
    ? `the signature is not by "${log.description}"`
    : { head: verified, log };
}
