// SPDX-License-Identifier: Apache-2.0
/**
 * Tree heads as CT-over-DNS carries them (draft-ct-over-dns-01, "STH Query"):
 *
 *   tree_size.timestamp.sha256_root_hash.tree_head_signature
 *
 * Two decimals, then two fields in padded base64. Base64 has no '.', so a text can be split in one
 * way only.
 */
import { decodeBase64, encodeBase64 } from '../base/base64.ts';
import { parseUint64 } from '../base/u64.ts';
import { toMerkleHash } from '../merkle/hash.ts';
import type { Statement } from './statement.ts';

export interface TreeHeadRefusal {
  readonly kind: 'refused';
  readonly reason:
    'not four fields' | 'bad tree size' | 'bad timestamp' | 'bad root hash' | 'bad signature field';
}
export type ParsedTreeHead =
  { readonly kind: 'tree head'; readonly head: Statement } | TreeHeadRefusal;

/**
 * Reads the tree head at the beginning of a text. What follows the signature is left alone, because
 * clients do so (certificate-transparency-go): a log could otherwise hide a tree head from ctga by
 * a character behind it.
 */
export function parseTreeHeadText(text: string): ParsedTreeHead {
  const [size, time, root, signed] = text.split('.', 4);
  if (size === undefined || time === undefined || root === undefined || signed === undefined)
    return { kind: 'refused', reason: 'not four fields' };
  const treeSize = parsePaddedUint64(size);
  if (treeSize === undefined) return { kind: 'refused', reason: 'bad tree size' };
  const timestamp = parsePaddedUint64(time);
  if (timestamp === undefined) return { kind: 'refused', reason: 'bad timestamp' };
  const rootHash = decodeBase64(root);
  if (rootHash?.length !== 32) return { kind: 'refused', reason: 'bad root hash' };
  const signature = decodeBase64(/^[A-Za-z0-9+/=]*/.exec(signed)?.[0] ?? '');
  if (signature === undefined || signature.length < 4)
    return { kind: 'refused', reason: 'bad signature field' };
  return {
    kind: 'tree head',
    head: { treeSize, timestamp, rootHash: toMerkleHash(rootHash), signature },
  };
}

export function formatTreeHeadText(head: Statement): string {
  return [
    head.treeSize,
    head.timestamp,
    encodeBase64(head.rootHash),
    encodeBase64(head.signature),
  ].join('.');
}

/**
 * Leading zeros are accepted on purpose, however many. Clients accept them, and the signature
 * covers the number and not how it is written, so a log could otherwise hide a tree head from ctga
 * by writing 007.
 */
function parsePaddedUint64(text: string): bigint | undefined {
  return parseUint64(text.replace(/^0+(?=[0-9])/, ''));
}
