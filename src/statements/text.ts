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

export function parseTreeHeadText(text: string): ParsedTreeHead {
  const [size, time, root, signed, ...rest] = text.split('.');
  if (
    size === undefined ||
    time === undefined ||
    root === undefined ||
    signed === undefined ||
    rest.length > 0
  ) {
    return { kind: 'refused', reason: 'not four fields' };
  }
  const treeSize = parsePaddedUint64(size);
  if (treeSize === undefined) return { kind: 'refused', reason: 'bad tree size' };
  const timestamp = parsePaddedUint64(time);
  if (timestamp === undefined) return { kind: 'refused', reason: 'bad timestamp' };
  const rootHash = decodeBase64(root);
  if (rootHash?.length !== 32) return { kind: 'refused', reason: 'bad root hash' };
  const signature = decodeBase64(signed);
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
 * Leading zeros are accepted on purpose, up to 32 digits in all. Clients accept them, and the
 * signature covers the number and not how it is written, so a log could otherwise hide a tree head
 * from ctga by writing 007.
 */
function parsePaddedUint64(text: string): bigint | undefined {
  return /^[0-9]{1,32}$/.test(text) ? parseUint64(text.replace(/^0+(?=[0-9])/, '')) : undefined;
}
