// SPDX-License-Identifier: Apache-2.0
/**
 * Tree heads in JSON: `get-sth` answers (RFC 6962, Section 4.3) and STH pollination
 * (draft-linus-trans-gossip-ct-02, Section 5.2.3), which adds log_id and sth_version.
 */
import * as z from 'zod';
import { decodeBase64, encodeBase64 } from '../base/base64.ts';
import { parseUint64 } from '../base/u64.ts';
import { toMerkleHash } from '../merkle/hash.ts';
import { toLogId, type Statement } from './statement.ts';

/**
 * JSON.parse rounds numbers above 2^53. No log is near that; a string of digits is read as well.
 */
export const uint64 = z
  .union([z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER), z.string()])
  .transform((value, context) => {
    const number = typeof value === 'number' ? BigInt(value) : parseUint64(value);
    if (number !== undefined) return number;
    context.addIssue({ code: 'custom', message: 'is not a whole number from 0 to 2^64 - 1' });
    return z.NEVER;
  });

export const base64Bytes = z.string().transform((text, context) => {
  const bytes = decodeBase64(text);
  if (bytes !== undefined) return bytes;
  context.addIssue({ code: 'custom', message: 'is not padded base64' });
  return z.NEVER;
});

export const hashBytes = base64Bytes
  .refine((bytes) => bytes.length === 32, 'is not 32 bytes')
  .transform((bytes) => toMerkleHash(bytes));

/** The answer to get-sth. Parses to a Statement. */
export const treeHeadSchema = z
  .object({
    tree_size: uint64,
    timestamp: uint64,
    sha256_root_hash: hashBytes,
    tree_head_signature: base64Bytes,
  })
  .transform((json): Statement => ({
    treeSize: json.tree_size,
    timestamp: json.timestamp,
    rootHash: json.sha256_root_hash,
    signature: json.tree_head_signature,
  }));

/** What an element of a pollination's `sths` has besides the get-sth JSON: which log it is of. */
export const attributionSchema = z.object({
  sth_version: z.literal(0).optional(),
  log_id: base64Bytes
    .refine((bytes) => bytes.length === 32, 'is not 32 bytes')
    .transform((bytes) => toLogId(bytes)),
});

/** The JSON of get-sth. Sizes and times that JSON numbers cannot hold are written as strings. */
export function treeHeadToJson(head: Statement): Record<string, number | string> {
  return {
    tree_size: jsonInteger(head.treeSize),
    timestamp: jsonInteger(head.timestamp),
    sha256_root_hash: encodeBase64(head.rootHash),
    tree_head_signature: encodeBase64(head.signature),
  };
}

export function jsonInteger(value: bigint): number | string {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
}
