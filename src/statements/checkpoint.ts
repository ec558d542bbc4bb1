// SPDX-License-Identifier: Apache-2.0
/**
 * Tree heads as checkpoints: signed notes (c2sp.org/signed-note, c2sp.org/tlog-checkpoint) with an
 * RFC6962NoteSignature line (c2sp.org/static-ct-api):
 *
 *   origin \n size \n base64 root \n [extension lines] \n \n — name base64(keyID(4) || timestamp(8)
 *   || DigitallySigned) \n
 *
 * The key ID is SHA-256(name || 0x0A || 0x05 || log ID)[:4], and so says which line the log made.
 * Other lines (of witnesses, of other algorithms, of noise) are ignored, as the note format
 * demands.
 */
import { createHash } from 'node:crypto';
import { decodeBase64, encodeBase64 } from '../base/base64.ts';
import { parseUint64 } from '../base/u64.ts';
import { toMerkleHash, type MerkleHash } from '../merkle/hash.ts';
import { isCheckpointKey, type CheckpointKey, type LogKey } from './key.ts';
import { checkSignatures, isNamedBy } from './signature-lines.ts';
import type { LogId, Statement } from './statement.ts';

const ED25519_LENGTH = 64;
const ML_DSA_44_LENGTH = 2420;
/** A time, in seconds, stands before the signature of ML-DSA-44. */
const TIME_LENGTH = 8;
/** Each check of ML-DSA-44 takes milliseconds. */
const MAX_OWN_LINES = 4;
const MAX_UINT64 = 2n ** 64n - 1n;

/** The type of the signatures of CT logs (c2sp.org/signed-note). */
export const RFC6962_NOTE_SIGNATURE = 0x05;
/** Far above what any log publishes. It limits the work that a hostile file can cause. */
const MAX_SIGNATURE_LINES = 100;

export interface Checkpoint {
  /** What was signed: all up to the blank line, with the newline that ends its last line. */
  readonly text: string;
  readonly origin: string;
  readonly treeSize: bigint;
  readonly rootHash: MerkleHash;
  readonly signatures: readonly NoteSignature[];
}

export interface NoteSignature {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly body: Uint8Array;
}

/** Throws RangeError with the number of the line and what was expected there. */
export function parseCheckpoint(note: string): Checkpoint {
  const split = note.lastIndexOf('\n\n');
  if (split < 0) throw new RangeError('no blank line between text and signatures');
  const [origin = '', size = '', root = ''] = note.slice(0, split).split('\n');
  if (origin === '') throw new RangeError('line 1: the origin is empty');
  const treeSize = parseUint64(size);
  if (treeSize === undefined)
    throw new RangeError('line 2: want the tree size in decimal without leading zeros');
  const rootHash = decodeBase64(root);
  if (rootHash?.length !== 32) throw new RangeError('line 3: want 32 bytes of root hash in base64');
  const block = note.slice(split + 2);
  if (block === '' || !block.endsWith('\n'))
    throw new RangeError('the note does not end in a signature line');
  const lines = block.slice(0, -1).split('\n');
  if (lines.length > MAX_SIGNATURE_LINES)
    throw new RangeError(`more than ${MAX_SIGNATURE_LINES} signature lines`);
  // A malformed signature line must not hide the log's own, which a client that looks for nothing
  // else would find.
  const signatures = lines.flatMap((line) => signatureOf(line) ?? []);
  if (signatures.length === 0) throw new RangeError('no signature line: want "— name base64"');
  return {
    text: note.slice(0, split + 1),
    origin,
    treeSize,
    rootHash: toMerkleHash(rootHash),
    signatures,
  };
}

function signatureOf(line: string): NoteSignature | undefined {
  const [, name, encoded] = /^\u2014 (\S+) (\S+)$/u.exec(line) ?? [];
  const bytes = encoded === undefined ? undefined : decodeBase64(encoded);
  if (name === undefined || bytes === undefined || bytes.length < 5) return undefined;
  return { name, keyId: bytes.subarray(0, 4), body: bytes.subarray(4) };
}

/**
 * The tree head that the log with this ID claims to have signed in the checkpoint, if there is one.
 */
export function treeHeadOf(checkpoint: Checkpoint, logId: LogId): Statement | undefined {
  for (const { name, keyId, body } of checkpoint.signatures) {
    if (body.length <= 8 || !noteKeyId(name, logId).equals(keyId)) continue;
    const timestamp = new DataView(body.buffer, body.byteOffset).getBigUint64(0);
    const { treeSize, rootHash } = checkpoint;
    return { treeSize, timestamp, rootHash, signature: body.slice(8) };
  }
  return undefined;
}

/** The key ID of a CT log's lines under this name (c2sp.org/static-ct-api, "Checkpoints"). */
export function noteKeyId(name: string, logId: LogId): Buffer {
  const hash = createHash('sha256')
    .update(name)
    .update(Uint8Array.of(0x0a, RFC6962_NOTE_SIGNATURE))
    .update(logId);
  return hash.digest().subarray(0, 4);
}

/**
 * The checkpoint as a statement of the log of `key`, which is no CT log; undefined where it is of
 * another origin, or has no line of the log's. `signature` of such a statement is all that is needed
 * to check it, and to write the checkpoint again:
 *
 * - Ed25519: the signed text, in UTF-8, and the 64 bytes of the signature. `timestamp` is 0, for
 *   nothing that is signed says it.
 * - ML-DSA-44: the time in seconds (8 bytes) and the signature. It covers no extension lines, so
 *   they are left out.
 *
 * Of several lines of the log's the first good one is taken: one that is not must not hide it.
 */
export function checkpointStatement(
  checkpoint: Checkpoint,
  key: CheckpointKey,
): Statement | undefined {
  const { noteKey, algorithm } = key;
  const length = algorithm === 'ed25519' ? ED25519_LENGTH : TIME_LENGTH + ML_DSA_44_LENGTH;
  const own = checkpoint.signatures
    .filter((line) => isNamedBy(line, noteKey) && line.body.length === length)
    .slice(0, MAX_OWN_LINES);
  if (checkpoint.origin !== key.origin) return undefined;
  const taken =
    own.length > 1
      ? own.find(
          (line) => checkSignatures({ ...checkpoint, signatures: [line] }, [noteKey])[0]?.valid,
        )
      : undefined;
  const line = taken ?? own[0];
  if (line === undefined) return undefined;
  const { treeSize, rootHash } = checkpoint;
  return algorithm === 'ed25519'
    ? {
        treeSize,
        timestamp: 0n,
        rootHash,
        signature: Uint8Array.from(Buffer.concat([Buffer.from(checkpoint.text), line.body])),
      }
    : { treeSize, timestamp: millisecondsOf(line.body), rootHash, signature: line.body };
}

/**
 * The statement that was read of this checkpoint of the log of `key`, with the lines of others below
 * it, each one once. Throws RangeError for bytes that are no checkpoint.
 */
export function withOthers<T extends Statement>(statement: T, note: Uint8Array, key: LogKey): T {
  const { text, signatures } = parseCheckpoint(Buffer.from(note).toString('utf8'));
  const isOwn = (line: NoteSignature): boolean =>
    isCheckpointKey(key)
      ? isNamedBy(line, key.noteKey)
      : noteKeyId(line.name, key.logId).equals(line.keyId);
  const others = signatures.filter((line) => !isOwn(line)).map(formatSignature);
  return { ...statement, text, others: [...new Set(others)] };
}

/** The line, with its newline, as c2sp.org/signed-note has it. */
export function formatSignature({ name, keyId, body }: NoteSignature): string {
  return `\u2014 ${name} ${encodeBase64(Buffer.concat([keyId, body]))}\n`;
}

/** The time of a signature of ML-DSA-44; what no clock will show is as late as can be said. */
function millisecondsOf(body: Uint8Array): bigint {
  const time = new DataView(body.buffer, body.byteOffset).getBigUint64(0) * 1000n;
  return time > MAX_UINT64 ? MAX_UINT64 : time;
}

/**
 * The checkpoint that a statement of the log of `key` is, with the log's line alone: what
 * `checkpointStatement` makes a statement of. Undefined where `signature` is no such thing.
 */
export function checkpointOf(head: Statement, key: CheckpointKey): string | undefined {
  const bytes = Buffer.from(head.signature);
  const split = key.algorithm === 'ed25519' ? bytes.length - ED25519_LENGTH : 0;
  if (split < 0) return undefined;
  const { origin, noteKey } = key;
  const text =
    key.algorithm === 'ed25519'
      ? bytes.toString('utf8', 0, split)
      : `${origin}\n${head.treeSize}\n${encodeBase64(head.rootHash)}\n`;
  const line = encodeBase64(Buffer.concat([noteKey.keyId, bytes.subarray(split)]));
  const note = `${text}\n\u2014 ${noteKey.name} ${line}\n`;
  return sameStatement(note, head, key) ? note : undefined;
}

function sameStatement(note: string, head: Statement, key: CheckpointKey): boolean {
  try {
    const again = checkpointStatement(parseCheckpoint(note), key);
    return again !== undefined && isSameHead(again, head);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function isSameHead(one: Statement, other: Statement): boolean {
  const bytesOf = ({ treeSize, timestamp, rootHash, signature }: Statement): string =>
    `${treeSize} ${timestamp} ${encodeBase64(rootHash)} ${encodeBase64(signature)}`;
  return bytesOf(one) === bytesOf(other);
}

/** Whether the log of `key` signed the checkpoint that the statement is. */
export function isSignedCheckpoint(head: Statement, key: CheckpointKey): boolean {
  const note = checkpointOf(head, key);
  if (note === undefined) return false;
  return checkSignatures(parseCheckpoint(note), [key.noteKey])[0]?.valid === true;
}
