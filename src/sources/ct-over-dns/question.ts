// SPDX-License-Identifier: Apache-2.0
/**
 * What is asked of a log in front of its zone (draft-ct-over-dns-01), as labels to questions and
 * back:
 *
 *   sth                                   the tree head
 *   checkpoint                            the checkpoint of a log that is no CT log: docs/DNS.md,
 *                                         not the draft
 *   START.FIRST.SECOND.sth-consistency    hashes of a consistency proof, from the START-th on
 *   HASH.hash                             the index of a leaf, by its hash in unpadded base32
 *                                         (RFC 4648)
 *   START.INDEX.SIZE.tree                 hashes of an inclusion proof, from the START-th on
 *
 * Numbers are decimal, without leading zeros. Pure.
 */
import { parseUint64 } from '../../base/u64.ts';
import { toMerkleHash, type MerkleHash } from '../../merkle/hash.ts';
import { MAX_PROOF_LENGTH } from '../../merkle/proof.ts';

export type CtQuestion =
  | { readonly kind: 'tree head' }
  | { readonly kind: 'checkpoint' }
  | {
      readonly kind: 'consistency';
      readonly start: number;
      readonly first: bigint;
      readonly second: bigint;
    }
  | { readonly kind: 'leaf index'; readonly leafHash: MerkleHash }
  | {
      readonly kind: 'inclusion';
      readonly start: number;
      readonly leafIndex: bigint;
      readonly treeSize: bigint;
    };

/**
 * `labels` are those in front of the zone, in lower case. Undefined where they are no question of
 * the draft's.
 */
export function readCtQuestion(labels: readonly Uint8Array[]): CtQuestion | undefined {
  const texts = labels.map((label) => Buffer.from(label).toString('latin1'));
  const [a, b, c] = texts;
  switch (`${texts.length} ${texts.at(-1) ?? ''}`) {
    case '1 sth':
      return { kind: 'tree head' };
    case '1 checkpoint':
      return { kind: 'checkpoint' };
    case '2 hash': {
      const leafHash = decodeBase32(a ?? '');
      return leafHash?.length === 32
        ? { kind: 'leaf index', leafHash: toMerkleHash(leafHash) }
        : undefined;
    }
    case '4 sth-consistency': {
      const [start, first, second] = [readStart(a), readUint64(b), readUint64(c)];
      if (start === undefined || first === undefined || second === undefined) return undefined;
      return first > 0n && first < second
        ? { kind: 'consistency', start, first, second }
        : undefined;
    }
    case '4 tree': {
      const [start, leafIndex, treeSize] = [readStart(a), readUint64(b), readUint64(c)];
      if (start === undefined || leafIndex === undefined || treeSize === undefined)
        return undefined;
      return leafIndex < treeSize ? { kind: 'inclusion', start, leafIndex, treeSize } : undefined;
    }
    default:
      return undefined;
  }
}

/** The labels of a question, as text in front of a zone. */
export function formatCtQuestion(question: CtQuestion): string {
  switch (question.kind) {
    case 'tree head':
      return 'sth';
    case 'checkpoint':
      return 'checkpoint';
    case 'leaf index':
      return `${encodeBase32(question.leafHash)}.hash`;
    case 'consistency':
      return `${question.start}.${question.first}.${question.second}.sth-consistency`;
    case 'inclusion':
      return `${question.start}.${question.leafIndex}.${question.treeSize}.tree`;
  }
}

function readStart(text: string | undefined): number | undefined {
  const value = readUint64(text);
  return value === undefined || value >= MAX_PROOF_LENGTH ? undefined : Number(value);
}

function readUint64(text: string | undefined): bigint | undefined {
  return text === undefined ? undefined : parseUint64(text);
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

function encodeBase32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => ALPHABET[Number.parseInt(five.padEnd(5, '0'), 2)])
    .join('');
}

/**
 * Undefined for other characters, and where bits are left over that are not zero: one spelling for
 * one hash.
 */
function decodeBase32(text: string): Uint8Array | undefined {
  if (!/^[a-z2-7]+$/.test(text)) return undefined;
  const bits = Array.from(text, (each) => ALPHABET.indexOf(each).toString(2).padStart(5, '0')).join(
    '',
  );
  const whole = Math.floor(bits.length / 8) * 8;
  if (bits.length - whole >= 5 || bits.slice(whole).includes('1')) return undefined;
  return Uint8Array.from(bits.slice(0, whole).match(/.{8}/g) ?? [], (byte) =>
    Number.parseInt(byte, 2),
  );
}
