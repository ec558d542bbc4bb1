// SPDX-License-Identifier: Apache-2.0
/**
 * The cosignatures (c2sp.org/tlog-cosignature) of a federation's members: each stated head is a
 * checkpoint, which its members sign as any witness does, so that a client with a policy
 * (c2sp.org/tlog-policy) needs to know nothing of federations.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { encodeBase64 } from '../base/base64.ts';
import { originOf, type Log } from '../logs/log.ts';
import { toMerkleHash } from '../merkle/hash.ts';
import { checkpointOf, parseCheckpoint, type Checkpoint } from '../statements/checkpoint.ts';
import { cosign, hasExtensionLines, type NoteSigner } from '../statements/cosignature.ts';
import { isCheckpointKey } from '../statements/key.ts';
import { NOTE_KEY_TYPE, parseNoteKey, type NoteKey } from '../statements/note-key.ts';
import { checkSignatures } from '../statements/signature-lines.ts';
import type { Statement as SignedHead } from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';
import { concat, hex, long, readAll, readLong, readU64, sha256, u64 } from './bytes.ts';
import { FormatError } from '../base/cursor.ts';
import type { Member } from './roster.ts';
import type { Proposed } from './statement.ts';

/** Of all heads of a period by one member, as JSON. */
const MAX_BYTES = 4 * 2 ** 20;

/** The attachment of a head: when the log signed it, and its signature. */
export function attachmentOf({ timestamp, signature }: SignedHead): Uint8Array {
  return concat([u64(timestamp), long(signature)]);
}

/** The head as its log signed it; undefined where this log did not. */
export function signedHeadOf(
  { statement, attachment }: Proposed,
  log: Log,
): ReturnType<typeof verifyStatement> {
  if (statement.kind !== 'head' || hex(statement.id) !== hex(log.key.logId)) return undefined;
  try {
    const { timestamp, signature } = readAll(attachment, (cursor) => ({
      timestamp: readU64(cursor),
      signature: readLong(cursor),
    }));
    const { treeSize } = statement;
    const rootHash = toMerkleHash(statement.rootHash);
    return verifyStatement({ treeSize, timestamp, rootHash, signature }, log.key);
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** The checkpoint of a stated head, with the log's own line; undefined where it has none. */
export function checkpointFor(proposed: Proposed, log: Log): string | undefined {
  const head = signedHeadOf(proposed, log);
  if (head === undefined) return undefined;
  if (isCheckpointKey(log.key)) return checkpointOf(head, log.key);
  // RFC6962NoteSignature: c2sp.org/static-ct-api.
  const origin = originOf(log);
  if (origin === undefined || !/^[^\s+\p{Cc}]+$/u.test(origin)) return undefined;
  const id = sha256(`${origin}\n`, Uint8Array.of(0x05), log.key.logId).subarray(0, 4);
  const line = encodeBase64(concat([id, u64(head.timestamp), head.signature]));
  return `${origin}\n${head.treeSize}\n${encodeBase64(head.rootHash)}\n\n\u2014 ${origin} ${line}\n`;
}

/**
 * The lines that the cosigners put under each of the heads, by log ID, as bytes: JSON, deflated (RFC
 * 1951), since a quarter of base64 says nothing, and these are most of what members send.
 */
export function cosignAll(
  stated: readonly Proposed[],
  logs: ReadonlyMap<string, Log>,
  cosigners: readonly NoteSigner[],
  time: bigint,
): Uint8Array {
  const lines: Record<string, string> = {};
  for (const [id, { checkpoint }] of checkpointsOf(stated, logs))
    lines[id] = cosigners
      .filter(({ key }) => key.type !== NOTE_KEY_TYPE.mlDsa44 || !hasExtensionLines(checkpoint))
      .map((cosigner) => cosign(cosigner, checkpoint, time))
      .join('');
  return new Uint8Array(deflateRawSync(JSON.stringify(lines), { level: 9 }));
}

export interface CheckpointText {
  /** With the log's own line alone. */
  readonly note: string;
  readonly checkpoint: Checkpoint;
}

/** The checkpoints of the heads among what is stated, by log ID in hexadecimal. */
export function checkpointsOf(
  stated: readonly Proposed[],
  logs: ReadonlyMap<string, Log>,
): Map<string, CheckpointText> {
  const found = new Map<string, CheckpointText>();
  for (const proposed of stated) {
    const log = logs.get(hex(proposed.statement.id));
    const note = log && checkpointFor(proposed, log);
    if (note !== undefined)
      found.set(hex(proposed.statement.id), { note, checkpoint: parseCheckpoint(note) });
  }
  return found;
}

/** Whether these are cosignatures of this member, each of a known head, and at least one. */
export function areCosignatures(
  { vkeys }: Pick<Member, 'vkeys'>,
  stated: readonly Proposed[],
  logs: ReadonlyMap<string, Log>,
  bytes: Uint8Array,
): boolean {
  if (bytes.length > MAX_BYTES) return false;
  const keys = vkeys.map(parseNoteKey);
  const lines = linesIn(bytes);
  if (lines === undefined) return false;
  const checkpoints = checkpointsOf(stated, logs);
  const known = [...lines].filter(([id]) => checkpoints.has(id));
  return (
    known.length > 0 &&
    known.every(([id, text]) => {
      const { checkpoint } = checkpoints.get(id) ?? {};
      return checkpoint !== undefined && areGood(checkpoint, text, keys);
    })
  );
}

function areGood(checkpoint: Checkpoint, lines: string, keys: readonly NoteKey[]): boolean {
  try {
    const { signatures } = parseCheckpoint(`${checkpoint.text}\n${lines}`);
    if (signatures.length > keys.length) return false;
    if (`${lines.split('\n').length - 1}` !== `${signatures.length}`) return false;
    return checkSignatures({ ...checkpoint, signatures }, keys).every(({ valid }) => valid);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The lines by log ID; undefined where it is something else. */
export function linesIn(bytes: Uint8Array): Map<string, string> | undefined {
  try {
    const text = inflateRawSync(bytes, { maxOutputLength: MAX_BYTES }).toString('utf8');
    const json: unknown = JSON.parse(text);
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
    const entries = Object.entries(json);
    return entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')
      ? new Map(entries)
      : undefined;
  } catch {
    return undefined;
  }
}
