// SPDX-License-Identifier: Apache-2.0
/**
 * The window: all leaves of a log from some one on, whose hashes are fetched forwards to the newest
 * public tree, and backwards as far as the budget allows. What is fetched is checked against a
 * signed root before it counts.
 */
import type { Asker } from '../ask/asker.ts';
import { megabytes } from '../base/text.ts';
import { isTiled, type Log } from '../logs/log.ts';
import { equalHash } from '../merkle/hash.ts';
import { hashesOfRanges, perfectRanges, rootOf } from '../merkle/ranges.ts';
import { foldRow } from '../merkle/tiles.ts';
import { audit, nodesOfPath } from './block.ts';
import { FOLLOWED_SHARE } from './growth.ts';
import type { LogRows, PublicHead } from './log-rows.ts';
import {
  HASH_BYTES,
  TILE_LEAVES,
  type KnownNode,
  type LogState,
  type Stretch,
} from './log-state.ts';
import { knownOf, Tiles } from './subtrees.ts';

export interface WindowOptions {
  readonly log: Pick<Log, 'api'>;
  readonly rows: LogRows;
  /** The one that showed the head. */
  readonly asker: Asker;
  /** The largest public head; its tree is not empty. */
  readonly head: PublicHead;
  readonly state: LogState;
  /** Entries a day; undefined where it cannot be told yet. */
  readonly growth: number | undefined;
  /** How many bytes of today's budget are left. */
  readonly left: () => number;
  /** Bytes a day. */
  readonly budget: number;
  /** For how many days hashes are kept. */
  readonly days: number;
}

/** Hashes that do not lead to the root that the log signed. */
export interface Mismatch {
  /** The head to which those that were here before lead; undefined if there were none. */
  readonly held: PublicHead | undefined;
  readonly head: PublicHead;
  /** Whether those that were here do not even lead to their own head any more. */
  readonly isOurs: boolean;
}

/** Leaves that are fetched before they are checked and written down: 2 MB of hashes at most. */
const MAX_STEP = 65_536n;
const STEP_BYTES = 4 * 1024 * 1024;
const DAY_MS = 86_400_000;
export class Window {
  /** Why the steps ended before all was fetched, if it was because of hashes that lead nowhere. */
  mismatch: Mismatch | undefined;
  readonly #options: WindowOptions;
  #state: LogState;
  #tiles: Tiles;

  constructor(options: WindowOptions) {
    this.#options = options;
    this.#state = options.state;
    this.#tiles = new Tiles(options.rows, { end: options.state.held?.end ?? 0n });
  }

  /**
   * Fetches what there is to fetch, and yields the state after each step, when all of it is on the
   * disk. Rejects as the asker does; what was yielded before stays.
   */
  async *steps(): AsyncGenerator<LogState, void, undefined> {
    if (this.outgrown !== undefined) return;
    this.#choose();
    yield this.#state;
    if (this.#state.mode === 'blocks') return;
    if (!this.#isWhole()) return this.#mismatch();
    const allowance = this.#allowance();
    const before = this.#options.left();
    if (this.#state.held === undefined) yield* this.#step(() => this.#start(allowance));
    while (this.#isBehind()) yield* this.#step(() => this.#forward());
    const spent = (): number => before - this.#options.left();
    while (this.#reaches(allowance - spent()))
      yield* this.#step(() => this.#backward(allowance - spent()));
    if (this.mismatch !== undefined) return;
    // What a leaf costs is known better now.
    this.#aim();
    this.#prune();
    this.#options.rows.setState(this.#state);
    yield this.#state;
  }

  /** What is new takes more than is left of the budget: why, as the end of a sentence. */
  get outgrown(): string | undefined {
    const { budget, left } = this.#options;
    const need = this.#need();
    if (this.#state.mode === 'blocks' || need <= Math.max(0, left())) return undefined;
    return `has grown by ${megabytes(need)} of ${this.#what()} since they were fetched last, and ${megabytes(left())} are left of today's budget of ${megabytes(budget)}: its tree heads wait for blocks from now on (--budget gives it more)`;
  }

  /** How many bytes it takes to hold all leaves up to the newest. */
  #need(): number {
    const { held, bytesPerLeaf } = this.#state;
    return held === undefined
      ? 0
      : Number(this.#options.head.head.treeSize - held.end) * bytesPerLeaf;
  }

  /** Chooses the mode, and how far back the window should reach. */
  #choose(): void {
    const { budget, growth, left } = this.#options;
    const { bytesPerLeaf } = this.#state;
    let { mode, held } = this.#state;
    const isSlow = growth !== undefined && growth * bytesPerLeaf < budget * FOLLOWED_SHARE;
    const isBehind = this.#need() > left();
    // Where today's budget is spent, tomorrow's may still be enough to go on with what is held.
    if (mode === 'blocks' && isSlow && !(isBehind && left() < budget / 2)) {
      mode = 'leaves';
      if (isBehind) held = this.#drop(held);
    }
    this.#state = { ...this.#state, mode, held };
    this.#aim();
    this.#options.rows.setState(this.#state);
  }

  /** The window reaches back to the first leaf of a log whose history it has room for. */
  #aim(): void {
    const { budget, days, growth, head } = this.#options;
    const { bytesPerLeaf, held, target } = this.#state;
    const { treeSize } = head.head;
    const first = aligned(treeSize - BigInt(Math.ceil(budget / 2 / bytesPerLeaf)));
    const isSmall = Number(treeSize) * bytesPerLeaf <= budget * days;
    // A log that takes nearly all of the budget leaves nothing for what is older.
    const isFast = (growth ?? 0) * bytesPerLeaf > budget * 0.9;
    const other = held === undefined ? first : target === 0n || isFast ? held.start : target;
    this.#state = { ...this.#state, target: isSmall ? 0n : other };
  }

  #what(): string {
    return isTiled(this.#options.log) ? 'hashes' : 'entries';
  }

  #drop(held: Stretch | undefined): undefined {
    const { rows } = this.#options;
    if (held !== undefined) rows.forgetTiles(held.start / TILE_LEAVES, held.end / TILE_LEAVES + 1n);
  }

  /**
   * How many bytes of today may be spent on what is new or old. What the log grows by in a day is
   * kept for that, and three quarters of the budget until that is known.
   */
  #allowance(): number {
    const { budget, growth, left } = this.#options;
    const { bytesPerLeaf, held } = this.#state;
    if (growth === undefined)
      return Math.max(0, held === undefined ? left() / 4 : left() - (budget * 3) / 4);
    return Math.max(0, (left() - growth * bytesPerLeaf) / 2);
  }

  /** Whether every full tile of the window is there. */
  #isWhole(): boolean {
    const { held } = this.#state;
    if (held === undefined) return true;
    const [from, to] = [held.start / TILE_LEAVES, held.end / TILE_LEAVES];
    return this.#options.rows.countFullTiles(from, to) === Number(to - from);
  }

  #isBehind(): boolean {
    const { held } = this.#state;
    const { head } = this.#options;
    if (this.mismatch !== undefined || held === undefined) return false;
    if (held.end === head.head.treeSize && held.head !== head.id) {
      this.#mismatch();
      return false;
    }
    return held.end < head.head.treeSize;
  }

  #reaches(bytes: number): boolean {
    const { held, target, bytesPerLeaf } = this.#state;
    if (this.mismatch !== undefined || held === undefined) return false;
    return held.start > target && bytes >= Number(TILE_LEAVES) * bytesPerLeaf;
  }

  async *#step(work: () => Promise<boolean>): AsyncGenerator<LogState, void, undefined> {
    if (await work()) yield this.#state;
    else this.#mismatch();
  }

  #mismatch(): void {
    const { head, rows } = this.#options;
    const { held } = this.#state;
    const before = held && rows.head(held.head);
    const root =
      held && before && rootOf(knownOf(held, new Tiles(rows, held)), before.head.treeSize);
    const isOurs =
      held !== undefined &&
      (!this.#isWhole() ||
        root === undefined ||
        before === undefined ||
        !equalHash(root, before.head.rootHash));
    this.mismatch = { held: before, head, isOurs };
  }

  /** How many leaves are fetched at once. */
  #size(bytes = STEP_BYTES): bigint {
    const leaves = aligned(
      BigInt(Math.floor(Math.min(bytes, STEP_BYTES) / this.#state.bytesPerLeaf)),
    );
    return leaves < TILE_LEAVES ? TILE_LEAVES : leaves > MAX_STEP ? MAX_STEP : leaves;
  }

  /** The newest leaves: the window begins with them. */
  async #start(bytes: number): Promise<boolean> {
    const { asker, head } = this.#options;
    const { treeSize } = head.head;
    const { target } = this.#state;
    const before = aligned(treeSize - 1n) - this.#size(bytes) + TILE_LEAVES;
    const start = before > target ? before : target;
    const leaves = await this.#fetch(start, treeSize, treeSize);
    const path = Buffer.concat(await audit(asker, start, leaves, treeSize));
    const nodes = nodesOfPath(start, treeSize, path).filter(([, to]) => to <= start);
    return this.#commit({ start, end: treeSize, nodes, head: head.id }, start, leaves);
  }

  async #forward(): Promise<boolean> {
    const { asker, head } = this.#options;
    const { held } = this.#state;
    if (held === undefined) return true;
    const { treeSize } = head.head;
    const next = aligned(held.end) + this.#size();
    const end = next < treeSize ? next : treeSize;
    const leaves = await this.#fetch(held.end, end, treeSize);
    const nodes = held.nodes.filter(([, to]) => to <= held.start);
    if (end < treeSize) {
      // What lies right of the last leaf's path is all that lies behind it.
      const last = leaves.subarray(-HASH_BYTES);
      const path = Buffer.concat(await audit(asker, end - 1n, last, treeSize));
      nodes.push(...nodesOfPath(end - 1n, treeSize, path).filter(([from]) => from >= end));
    }
    return this.#commit({ start: held.start, end, nodes, head: head.id }, held.end, leaves);
  }

  async #backward(bytes: number): Promise<boolean> {
    const { asker, rows } = this.#options;
    const { held, target } = this.#state;
    const head = held && rows.head(held.head);
    if (held === undefined || head === undefined) return false;
    const { treeSize } = head.head;
    const before = held.start - this.#size(bytes);
    const start = before > target ? before : target;
    const leaves = await this.#fetch(start, held.start, treeSize);
    const path = Buffer.concat(await audit(asker, start, leaves, treeSize));
    const nodes = [
      ...nodesOfPath(start, treeSize, path).filter(([, to]) => to <= start),
      ...held.nodes.filter(([from]) => from >= held.end),
    ];
    return this.#commit({ ...held, start, nodes }, start, leaves);
  }

  /** Fetches leaf hashes, and learns what they cost. */
  async #fetch(start: bigint, end: bigint, treeSize: bigint): Promise<Uint8Array> {
    const { asker, left, log } = this.#options;
    const before = left();
    const leaves = await asker.leafHashes(start, end, treeSize);
    const cost = (before - left()) / Number(end - start);
    // A partial tile, or an answer from memory, says nothing of what a leaf costs.
    if (!isTiled(log) && cost > HASH_BYTES) this.#state = { ...this.#state, bytesPerLeaf: cost };
    return leaves;
  }

  /**
   * Writes leaves down, from leaf `at` on, if the stretch then leads to the root of its head.
   * Returns whether it does.
   */
  #commit(held: Stretch, at: bigint, leaves: Uint8Array): boolean {
    const { rows } = this.#options;
    const state = { ...this.#state, held };
    try {
      rows.transaction(() => {
        this.#put(at, leaves);
        rows.setState(state);
        this.#tiles.extendTo(held.end);
        const head = rows.head(held.head)?.head;
        const root = head && rootOf(knownOf(held, this.#tiles), head.treeSize);
        if (root === undefined || !equalHash(root, head?.rootHash ?? root))
          throw new LeadsNowhere();
      });
    } catch (error) {
      this.#tiles = new Tiles(rows, { end: this.#state.held?.end ?? 0n });
      if (error instanceof LeadsNowhere) return false;
      throw error;
    }
    this.#state = state;
    return true;
  }

  #put(at: bigint, leaves: Uint8Array): void {
    const { rows } = this.#options;
    const tileBytes = Number(TILE_LEAVES) * HASH_BYTES;
    const first = at / TILE_LEAVES;
    const head = Number(at % TILE_LEAVES) * HASH_BYTES;
    const bytes =
      head === 0
        ? leaves
        : Buffer.concat([(rows.tile(first) ?? NOTHING).subarray(0, head), leaves]);
    for (let from = 0, tile = first; from < bytes.length; from += tileBytes, tile += 1n) {
      const row = bytes.subarray(from, from + tileBytes);
      rows.putTile(tile, row, row.length === tileBytes ? foldRow(row) : undefined);
    }
  }

  /** Forgets what is older than the window, some at a time, unless there is room for all. */
  #prune(): void {
    const { days, head, rows } = this.#options;
    const { held, target } = this.#state;
    if (held === undefined || target === 0n) return;
    const before = head.seen - days * DAY_MS;
    const old = rows.heads().findLast(({ seen }) => seen <= before);
    const start = old && aligned(old.head.treeSize);
    if (start === undefined || start - held.start < MAX_STEP || start >= held.end) return;
    const ranges = perfectRanges(start);
    const hashes = hashesOfRanges(knownOf(held, this.#tiles), ranges);
    if (hashes === undefined) return;
    const nodes: KnownNode[] = hashes.map((hash, i) => [
      ranges[i]?.[0] ?? 0n,
      ranges[i]?.[1] ?? 0n,
      hash,
    ]);
    nodes.push(...held.nodes.filter(([from]) => from >= held.end));
    const state = { ...this.#state, target: start, held: { ...held, start, nodes } };
    rows.transaction(() => {
      rows.forgetTiles(held.start / TILE_LEAVES, start / TILE_LEAVES);
      rows.setState(state);
    });
    this.#state = state;
  }
}

class LeadsNowhere extends Error {}

const NOTHING = new Uint8Array();

/** Rounded down to the beginning of a tile; 0 for what is below that. */
function aligned(leaf: bigint): bigint {
  return leaf <= 0n ? 0n : leaf - (leaf % TILE_LEAVES);
}
