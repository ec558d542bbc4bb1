// SPDX-License-Identifier: Apache-2.0
/**
 * The cosignatures (c2sp.org/tlog-cosignature) of a federation's members: each stated head is a
 * checkpoint, which its members sign as any witness does, so that a client with a policy
 * (c2sp.org/tlog-policy) needs to know nothing of federations.
 */
import { decodeBase64, encodeBase64 } from '../base/base64.ts';
import { originOf, type Log } from '../logs/log.ts';
import { toMerkleHash } from '../merkle/hash.ts';
import {
  checkpointOf,
  formatSignature,
  parseCheckpoint,
  type Checkpoint,
} from '../statements/checkpoint.ts';
import {
  cosign,
  hasExtensionLines,
  verifyCosignature,
  type NoteSigner,
} from '../statements/cosignature.ts';
import { isCheckpointKey } from '../statements/key.ts';
import {
  ML_DSA_44_BYTES,
  NOTE_KEY_TYPE,
  parseNoteKey,
  type NoteKey,
} from '../statements/note-key.ts';
import type { Statement as SignedHead } from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';
import {
  concat,
  hex,
  list,
  long,
  readAll,
  readList,
  readLong,
  readU64,
  sha256,
  u64,
  u8,
} from './bytes.ts';
import { FormatError } from '../base/cursor.ts';
import type { Member } from './roster.ts';
import { MAX_STATEMENTS, type Proposed } from './statement.ts';

const SHORT_ID_BYTES = 8;
/** Of a signature, by the type of its key: a roster has keys of no other. */
const LENGTHS: Readonly<Record<number, number>> = {
  [NOTE_KEY_TYPE.cosignature]: 64,
  [NOTE_KEY_TYPE.mlDsa44]: ML_DSA_44_BYTES.signature,
};

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
 * What the cosigners put under each of the heads. These are most of what members send, so there is
 * little in it but the signatures: the time (8 bytes), and behind their number (2 bytes) of each head
 * the first 8 bytes of its log's ID, by which of the member's keys it is signed (a byte, bit *i* for
 * key *i*), and these signatures.
 */
export function cosignAll(
  stated: readonly Proposed[],
  logs: ReadonlyMap<string, Log>,
  cosigners: readonly NoteSigner[],
  time: bigint,
): Uint8Array {
  const heads = new Map<string, Cosigned>();
  for (const [id, { checkpoint }] of checkpointsOf(stated, logs))
    heads.set(
      shortOf(id),
      cosigners.map((cosigner) =>
        cosigner.key.type === NOTE_KEY_TYPE.mlDsa44 && hasExtensionLines(checkpoint)
          ? undefined
          : signatureIn(cosign(cosigner, checkpoint, time)),
      ),
    );
  return encode({ time, heads });
}

/** A head's signatures by each of the keys that made one. */
type Cosigned = readonly (Uint8Array | undefined)[];

interface Cosignatures {
  readonly time: bigint;
  /** By log, see shortOf. */
  readonly heads: ReadonlyMap<string, Cosigned>;
}

/** Enough of a log's ID, in hexadecimal, to tell it from others that a member knows. */
function shortOf(id: string): string {
  return id.slice(0, 2 * SHORT_ID_BYTES);
}

/** Behind name, key ID (4 bytes) and time (8). */
function signatureIn(line: string): Uint8Array {
  const body = decodeBase64(line.trimEnd().split(' ').at(-1) ?? '') ?? new Uint8Array(0);
  return body.slice(12);
}

function encode({ time, heads }: Cosignatures): Uint8Array {
  const all = [...heads].map(([id, signatures]) => {
    const mask = signatures.reduce((sum, each, i) => sum | (each === undefined ? 0 : 1 << i), 0);
    return concat([bytesOf(id), u8(mask), ...signatures.flatMap((each) => each ?? [])]);
  });
  return concat([u64(time), list(all)]);
}

function read(bytes: Uint8Array, keys: readonly NoteKey[]): Cosignatures | undefined {
  try {
    return readAll(bytes, (cursor) => {
      const time = readU64(cursor);
      const heads = new Map<string, Cosigned>();
      readList(cursor, MAX_STATEMENTS, () => {
        const { position } = cursor;
        const id = hex(cursor.take(SHORT_ID_BYTES));
        const mask = cursor.u8();
        if (heads.has(id) || mask >> keys.length !== 0) throw new FormatError('head', position);
        const signatures = keys.map(({ type }, i) =>
          (mask & (1 << i)) === 0 ? undefined : cursor.take(LENGTHS[type] ?? 0).slice(),
        );
        heads.set(id, signatures);
      });
      return { time, heads };
    });
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
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

/**
 * Of cosignatures of this member those that are of known heads, if all of these are good: whoever
 * kept or passed on what he cannot check would answer for it. Else that they are false, or that none
 * of them is of a known head.
 */
export function goodCosignatures(
  { vkeys }: Pick<Member, 'vkeys'>,
  stated: readonly Proposed[],
  logs: ReadonlyMap<string, Log>,
  bytes: Uint8Array,
): Uint8Array | 'false' | 'unknown' {
  const keys = vkeys.map(parseNoteKey);
  const said = read(bytes, keys);
  if (said === undefined) return 'false';
  const { time } = said;
  const heads = new Map<string, Cosigned>();
  for (const [id, { checkpoint }] of checkpointsOf(stated, logs)) {
    const signatures = said.heads.get(shortOf(id));
    if (signatures === undefined || signatures.every((each) => each === undefined)) continue;
    const areGood = signatures.every((each, i) => {
      const key = keys[i];
      const body = each && concat([u64(time), each]);
      return body === undefined || key === undefined || verifyCosignature(key, body, checkpoint);
    });
    if (!areGood) return 'false';
    heads.set(shortOf(id), signatures);
  }
  return heads.size === 0 ? 'unknown' : encode({ time, heads });
}

/** The lines under the head of a log by its ID in hexadecimal, by a member with these keys. */
export function linesOf(bytes: Uint8Array, keys: readonly NoteKey[], id: string): string {
  const { time, heads } = read(bytes, keys) ?? { time: 0n, heads: new Map<string, Cosigned>() };
  return (heads.get(shortOf(id)) ?? [])
    .map((signature, i) => {
      const key = keys[i];
      if (signature === undefined || key === undefined) return '';
      return formatSignature({ ...key, body: concat([u64(time), signature]) });
    })
    .join('');
}

function bytesOf(id: string): Uint8Array {
  return new Uint8Array(Buffer.from(id, 'hex'));
}
