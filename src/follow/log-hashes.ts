// SPDX-License-Identifier: Apache-2.0
/** What is known of one log at one moment: KnownHashes over the rows of the hash store. */
import { LogError } from '../ask/asker.ts';
import type { Log } from '../logs/log.ts';
import type { MerkleHash } from '../merkle/hash.ts';
import {
  consistencyRanges,
  hashesOfRanges,
  inclusionRanges,
  rootOf,
  type KnownRange,
  type Range,
} from '../merkle/ranges.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import { blockLeaves, blockOf, knownOfBlock } from './block.ts';
import type { LogRows, PublicHead } from './log-rows.ts';
import type { Comparison, KnownHashes, Outlook } from './known-hashes.ts';
import { HASH_BYTES, TILE_LEAVES, type LogState } from './log-state.ts';
import { knownOf, Tiles } from './subtrees.ts';

/** What following a log costs and holds, for people. */
export interface FollowSummary {
  readonly mode: LogState['mode'];
  /** The largest public tree. */
  readonly publicSize: bigint;
  /** The leaves of the window, start .. end - 1; undefined: none. */
  readonly held: { readonly start: bigint; readonly end: bigint } | undefined;
  /** Today, in UTC. */
  readonly requests: number;
  readonly bytes: number;
  /** The most bytes a day. */
  readonly budget: number;
  /** What fetching all that is new takes in a day, in bytes; undefined where it is not known yet. */
  readonly growth: number | undefined;
}

export class LogHashes implements KnownHashes {
  readonly #log: Pick<Log, 'api'>;
  readonly #rows: LogRows;
  readonly #state: LogState | undefined;
  #heads: PublicHead[] | undefined;
  #held: { readonly known: KnownRange; readonly head: PublicHead } | undefined;

  /** `state` is the one in `rows` unless given. */
  constructor(log: Pick<Log, 'api'>, rows: LogRows, state = rows.state()) {
    this.#log = log;
    this.#rows = rows;
    this.#state = state;
    const { held } = state ?? {};
    const head = held && rows.head(held.head);
    if (held !== undefined && head !== undefined)
      this.#held = { known: knownOf(held, new Tiles(rows, held)), head };
  }

  /**
   * The largest head that the last visit was shown; undefined for a log that was never followed.
   * It may be smaller than earlier ones: a log that once signed a size that it never reaches is
   * followed all the same.
   */
  get shown(): PublicHead | undefined {
    return this.#state && this.#rows.head(this.#state.shown);
  }

  comparison(size: bigint): Comparison | undefined {
    return this.inWindow(size) ?? this.#inBlock(size);
  }

  /**
   * As `comparison`, from the window alone, which is the same whatever was seen. Blocks are not: who
   * is told which of them are here can try the sizes that he has shown to somebody.
   */
  inWindow(size: bigint): Comparison | undefined {
    const { held } = this.#state ?? {};
    return held !== undefined && this.#held !== undefined && size >= held.start && size <= held.end
      ? comparisonOf(this.#held.known, size, this.#held.head.head)
      : undefined;
  }

  /**
   * The leaf at an index of the window, and its audit path in the tree of `head`, without a question.
   * Undefined where its hash is not here.
   */
  leaf(
    index: bigint,
  ):
    | {
        readonly head: VerifiedStatement;
        readonly leafHash: MerkleHash;
        readonly hashes: MerkleHash[];
      }
    | undefined {
    const { held } = this.#state ?? {};
    if (held === undefined || this.#held === undefined) return undefined;
    const {
      known,
      head: { head },
    } = this.#held;
    if (index < held.start || index >= held.end || index >= head.treeSize) return undefined;
    const leafHash = known(index, index + 1n);
    const hashes = hashesOfRanges(known, inclusionRanges(index, head.treeSize));
    return leafHash && hashes && { head, leafHash, hashes };
  }

  /** The leaves of the window that have one of these hashes, in hexadecimal, by their index. */
  async find(wanted: ReadonlySet<string>): Promise<Map<string, bigint>> {
    const found = new Map<string, bigint>();
    const { held } = this.#state ?? {};
    if (held === undefined || wanted.size === 0) return found;
    for (let tile = held.start / TILE_LEAVES; tile * TILE_LEAVES < held.end; tile++) {
      const leaves = Buffer.from(this.#rows.tile(tile) ?? []);
      for (let at = 0; at < leaves.length; at += HASH_BYTES) {
        const hash = leaves.toString('hex', at, at + HASH_BYTES);
        if (wanted.has(hash)) found.set(hash, tile * TILE_LEAVES + BigInt(at / HASH_BYTES));
      }
      // A window may have 100,000 tiles.
      if (tile % 64n === 0n) await new Promise(setImmediate);
    }
    return found;
  }

  outlook(size: bigint): Outlook {
    if (this.comparison(size) !== undefined) return 'here';
    const shown = this.shown?.head.treeSize ?? 0n;
    if (this.#state === undefined || size > shown) return 'beyond';
    const { mode, held, target } = this.#state;
    const isAhead = mode === 'leaves' && (held === undefined || size > held.end);
    const isBehind = mode === 'leaves' && size >= target;
    const start = blockOf(size, this.#log);
    if (isAhead || isBehind || start + blockLeaves(this.#log) > shown) return 'coming';
    return this.#rows.block(start) === undefined ? 'needs-block' : 'refused';
  }

  publicLinks(): (readonly [first: VerifiedStatement, second: VerifiedStatement])[] {
    const byId = new Map(this.#publicHeads().map((each) => [each.id, each]));
    return this.#publicHeads()
      .toSorted((a, b) => a.seen - b.seen || a.id - b.id)
      .flatMap(({ head, next }) => {
        const second = byId.get(next ?? 0)?.head;
        return second === undefined ? [] : [[head, second] as const];
      });
  }

  /** Undefined for a log that was never followed. */
  summary(now: number): FollowSummary | undefined {
    const { shown } = this;
    if (this.#state === undefined || shown === undefined) return undefined;
    const { requests, bytes } = this.#rows.usage(now);
    const { mode, held, bytesPerLeaf, budget, growth } = this.#state;
    return {
      mode,
      publicSize: shown.head.treeSize,
      held: held && { start: held.start, end: held.end },
      requests,
      bytes,
      budget,
      growth: growth === undefined ? undefined : growth * bytesPerLeaf,
    };
  }

  #publicHeads(): readonly PublicHead[] {
    return (this.#heads ??= this.#rows.heads());
  }

  /** A block says everything of the sizes from its first leaf to behind its last. */
  #inBlock(size: bigint): Comparison | undefined {
    const start = blockOf(size, this.#log);
    const leaves = blockLeaves(this.#log);
    for (const each of start === size && start > 0n ? [start, start - leaves] : [start]) {
      const block = this.#rows.block(each);
      const head = block && this.#rows.head(block.head)?.head;
      if (block === undefined || head === undefined || block.leaves.length === 0) continue;
      const found = comparisonOf(knownOfBlock(block, this.#log, head.treeSize), size, head);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

function comparisonOf(
  known: KnownRange,
  size: bigint,
  against: VerifiedStatement,
): Comparison | undefined {
  const root = rootOf(known, size);
  if (root === undefined) return undefined;
  const prove = (ranges: readonly Range[]): Promise<MerkleHash[]> => {
    const hashes = hashesOfRanges(known, ranges);
    return hashes === undefined
      ? Promise.reject(new LogError('log-refused', 'a hash that the proof needs is not here'))
      : Promise.resolve(hashes);
  };
  const asker = {
    consistencyProof: (first: bigint, second: bigint) => prove(consistencyRanges(first, second)),
    inclusionProof: ({ leafIndex }: { readonly leafIndex: bigint }, treeSize: bigint) =>
      prove(inclusionRanges(leafIndex, treeSize)),
  };
  return { root, against, asker };
}
