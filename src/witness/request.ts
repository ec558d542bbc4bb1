// SPDX-License-Identifier: Apache-2.0
/**
 * The requests of c2sp.org/tlog-witness, read as strictly as the specification has them: it is text
 * that strangers send, and what a witness signs must have one reading. Pure.
 */
import { decodeBase64 } from '../base/base64.ts';
import { parseUint64 } from '../base/u64.ts';
import { toMerkleHash, type MerkleHash } from '../merkle/hash.ts';
import { isSubtree } from '../merkle/subtree.ts';
import { parseCheckpoint, type Checkpoint } from '../statements/checkpoint.ts';
import { isNoteName } from '../statements/note-key.ts';

/** "The client MUST NOT send more than 63 consistency proof lines." */
export const MAX_PROOF_LINES = 63;

/** The body of `POST add-checkpoint`. */
export interface AddCheckpoint {
  readonly old: bigint;
  readonly proof: readonly MerkleHash[];
  readonly checkpoint: Checkpoint;
}

/** The body of `POST sign-subtree`: the leaves start .. end - 1, a subtree within the checkpoint. */
export interface SignSubtree {
  readonly start: bigint;
  readonly end: bigint;
  readonly hash: MerkleHash;
  readonly proof: readonly MerkleHash[];
  readonly checkpoint: Checkpoint;
}

/** Throws RangeError with what is wrong: the answer is 400. */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint {
  const [[first = '', ...lines], note] = partsOf(body);
  const old = parseUint64(/^old (.+)$/.exec(first)?.[1] ?? '');
  if (old === undefined) throw new RangeError('line 1: want "old", a space and a tree size');
  return { old, proof: proofOf(lines, 2), checkpoint: parseWholeCheckpoint(note) };
}

/** Throws RangeError with what is wrong: the answer is 400. */
export function parseSignSubtree(body: Uint8Array): SignSubtree {
  const [[first = '', second = '', ...lines], note] = partsOf(body);
  const [, from = '', to = ''] = /^subtree (\S+) (\S+)$/.exec(first) ?? [];
  const [start, end] = [parseUint64(from), parseUint64(to)];
  if (start === undefined || end === undefined)
    throw new RangeError('line 1: want "subtree", a start and an end, each behind one space');
  if (!isSubtree(start, end)) throw new RangeError(`line 1: ${start} to ${end} is no subtree`);
  const hash = hashOf(second, 2);
  const proof = proofOf(lines, 3);
  const checkpoint = parseWholeCheckpoint(note);
  if (end > checkpoint.treeSize)
    throw new RangeError(`line 1: the subtree ends behind the tree of ${checkpoint.treeSize}`);
  return { start, end, hash, proof, checkpoint };
}

/** The lines above the first empty one, and the checkpoint below it. */
function partsOf(body: Uint8Array): [string[], string] {
  const text = utf8(body);
  const split = text.indexOf('\n\n');
  if (split < 0) throw new RangeError('no empty line in front of the checkpoint');
  return [text.slice(0, split).split('\n'), text.slice(split + 2)];
}

function utf8(bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new RangeError('not UTF-8');
  }
  // eslint-disable-next-line no-control-regex -- these are what it looks for
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text))
    throw new RangeError('there are control characters in it');
  return text;
}

function proofOf(lines: readonly string[], from: number): MerkleHash[] {
  if (lines.length > MAX_PROOF_LINES)
    throw new RangeError(`the proof has more than ${MAX_PROOF_LINES} lines`);
  return lines.map((line, i) => hashOf(line, from + i));
}

function hashOf(line: string, number: number): MerkleHash {
  const bytes = decodeBase64(line);
  if (bytes?.length !== 32) throw new RangeError(`line ${number}: want 32 bytes in base64`);
  return toMerkleHash(bytes);
}

/**
 * A checkpoint of which every line is as c2sp.org/signed-note and c2sp.org/tlog-checkpoint have it.
 * Readers of published checkpoints pass over lines that they do not understand; whoever signs does
 * not. Throws RangeError.
 */
export function parseWholeCheckpoint(note: string): Checkpoint {
  const checkpoint = parseCheckpoint(note);
  const { text, signatures } = checkpoint;
  if (text.split('\n').slice(0, -1).includes(''))
    throw new RangeError('the checkpoint has an empty line in its text');
  const lines = note.slice(text.length + 1, -1).split('\n');
  if (lines.length !== signatures.length || signatures.some(({ name }) => !isNoteName(name)))
    throw new RangeError('a line of the checkpoint is no signature: want "\u2014 name base64"');
  return checkpoint;
}
