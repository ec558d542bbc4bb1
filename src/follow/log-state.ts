// SPDX-License-Identifier: Apache-2.0
/** What following a log has to remember between visits. */
import * as z from 'zod';
import { decodeBase64, encodeBase64 } from '../base/base64.ts';
import { toMerkleHash, type MerkleHash } from '../merkle/hash.ts';

/** A tree this large is not followed: nobody has fetched, or ever will fetch, as many entries. */
export const MAX_FOLLOWED_SIZE = 2n ** 48n;

/** Leaves whose hashes are kept together: those of one level-0 tile. */
export const TILE_LEAVES = 256n;
export const HASH_BYTES = 32;

/** The hash of a range of leaves: [start, end, MTH(D[start:end])]. */
export type KnownNode = readonly [start: bigint, end: bigint, hash: MerkleHash];

/** Consecutive leaves whose hashes are here, and what ties them to a signed root. */
export interface Stretch {
  /** A multiple of TILE_LEAVES, or of the size of a block. */
  readonly start: bigint;
  readonly end: bigint;
  /** Nodes left and right of the leaves: with these they lead to the root of the head's tree. */
  readonly nodes: readonly KnownNode[];
  /** The ID of a public head. */
  readonly head: number;
}

/** What is asked for next; see pattern.ts. */
export interface Pattern {
  /** 0 <= x < 1 each. */
  readonly draws: readonly number[];
  /** Which of the draws makes place for a block that waits. */
  readonly free: number;
  /** Which of the draws is next. */
  readonly next: number;
}

export interface LogState {
  /** Whether all leaves of a window are fetched, or only blocks of leaves here and there. */
  readonly mode: 'leaves' | 'blocks';
  /** The ID of the largest head that the last visit was shown. */
  readonly shown: number;
  /** What is here of all leaves of a window; undefined: nothing. */
  readonly held?: Stretch | undefined;
  /** Down to which leaf the window is to be extended. */
  readonly target: bigint;
  /** What a leaf hash costs to fetch, in bytes, so far as the log's answers have shown. */
  readonly bytesPerLeaf: number;
  /** Entries a day; undefined where it cannot be told yet. */
  readonly growth?: number | undefined;
  /** Bytes a day that the last visit had for this log. */
  readonly budget: number;
  readonly pattern: Pattern;
}

const size = z
  .string()
  .regex(/^[0-9]{1,15}$/)
  .transform(BigInt);

const node = z
  .tuple([size, size, z.string()])
  .transform(([start, end, text], context): KnownNode => {
    const hash = decodeBase64(text);
    if (hash?.length === 32) return [start, end, toMerkleHash(hash)];
    context.addIssue('not a hash');
    return z.NEVER;
  });

const stretch = z.object({ start: size, end: size, nodes: z.array(node), head: z.number().int() });

const schema = z.object({
  mode: z.enum(['leaves', 'blocks']),
  shown: z.number().int(),
  held: stretch.optional(),
  target: size,
  bytesPerLeaf: z.number().positive(),
  growth: z.number().optional(),
  budget: z.number().nonnegative(),
  pattern: z.object({
    draws: z.array(z.number().min(0).max(1)).min(1),
    free: z.number().int().nonnegative(),
    next: z.number().int().nonnegative(),
  }),
});

/** Undefined for what no version of ctga wrote: following begins anew. */
export function parseLogState(text: string): LogState | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export function formatLogState(state: LogState): string {
  return JSON.stringify(state, (_, value: unknown) => {
    if (typeof value === 'bigint') return value.toString();
    return value instanceof Uint8Array ? encodeBase64(value) : value;
  });
}
