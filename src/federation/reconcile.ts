// SPDX-License-Identifier: Apache-2.0
/**
 * Range-based set reconciliation: two who compare hashes of ranges of their sets, and split those
 * that differ, find what each of them lacks for the price of the difference, and nobody is sent what
 * he has. Nothing is remembered of whom one talks to. Pure.
 */
import { hex, sha256 } from './bytes.ts';
import { ID_BYTES, MAX_IDS, type SetRange } from './messages.ts';

/** A range of so few is listed. */
const FEW = 24;
/** Into so many a range is split. */
const BRANCHES = 16;

/** IDs of 41 bytes in their order: a kind, a 64-bit number, and 32 bytes. */
export class IdSet {
  readonly #ids: string[] = [];

  get size(): number {
    return this.#ids.length;
  }

  has(id: Uint8Array): boolean {
    const key = hex(id);
    return this.#ids[this.#place(key)] === key;
  }

  add(id: Uint8Array): void {
    const key = hex(id);
    const place = this.#place(key);
    if (this.#ids[place] !== key) this.#ids.splice(place, 0, key);
  }

  delete(id: Uint8Array): void {
    const key = hex(id);
    const place = this.#place(key);
    if (this.#ids[place] === key) this.#ids.splice(place, 1);
  }

  /** From `from` up to and without `to`; undefined: to the end. */
  between(from: Uint8Array, to: Uint8Array | undefined): Uint8Array[] {
    return this.#slice(from, to).map(bytesOf);
  }

  /** The whole set as one range, with which a comparison begins. */
  whole(): SetRange {
    return this.#summary(new Uint8Array(0), undefined);
  }

  /** What is to be said of a range that a peer has told of, and what follows from it. */
  compare({ from, to, has }: SetRange): Difference {
    const mine = this.#slice(from, to);
    if ('hash' in has) {
      if (has.count === mine.length && hex(has.hash) === hashOf(mine)) return NONE;
      if (mine.length <= FEW || has.count === 0) return { ...NONE, ranges: this.#listed(from, to) };
      return { ...NONE, ranges: this.#split(from, to, mine) };
    }
    const theirs = new Set(has.map(hex));
    const known = new Set(mine);
    return {
      ranges: [],
      missing: [...theirs].filter((id) => !known.has(id) && isWithin(id, from, to)).map(bytesOf),
      surplus: mine.filter((id) => !theirs.has(id)).map(bytesOf),
    };
  }

  #summary(from: Uint8Array, to: Uint8Array | undefined): SetRange {
    const ids = this.#slice(from, to);
    const hash = new Uint8Array(Buffer.from(hashOf(ids), 'hex'));
    return { from, to, has: { count: ids.length, hash } };
  }

  /** As many as a message holds are listed, and the others summed up. */
  #listed(from: Uint8Array, to: Uint8Array | undefined): SetRange[] {
    const ids = this.between(from, to);
    const next = ids[MAX_IDS];
    if (next === undefined) return [{ from, to, has: ids }];
    return [{ from, to: next, has: ids.slice(0, MAX_IDS) }, this.#summary(next, to)];
  }

  #split(from: Uint8Array, to: Uint8Array | undefined, ids: readonly string[]): SetRange[] {
    const step = Math.ceil(ids.length / BRANCHES);
    const bounds = [from];
    for (let i = step; i < ids.length; i += step) bounds.push(bytesOf(ids[i] ?? ''));
    return bounds.map((bound, i) => this.#summary(bound, bounds[i + 1] ?? to));
  }

  #slice(from: Uint8Array, to: Uint8Array | undefined): string[] {
    const end = to === undefined ? this.#ids.length : this.#place(hex(to));
    return this.#ids.slice(this.#place(hex(from)), end);
  }

  /** Of the first that is not below `key`. */
  #place(key: string): number {
    let [low, high] = [0, this.#ids.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ids[middle] ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export interface Difference {
  /** To be told to the peer. */
  readonly ranges: readonly SetRange[];
  /** What the peer has and we lack. */
  readonly missing: readonly Uint8Array[];
  /** What we have and the peer lacks. */
  readonly surplus: readonly Uint8Array[];
}

const NONE: Difference = { ranges: [], missing: [], surplus: [] };

function hashOf(ids: readonly string[]): string {
  return hex(sha256(ids.join('')).subarray(0, 16));
}

function isWithin(id: string, from: Uint8Array, to: Uint8Array | undefined): boolean {
  return id.length === 2 * ID_BYTES && id >= hex(from) && (to === undefined || id < hex(to));
}

function bytesOf(id: string): Uint8Array {
  return new Uint8Array(Buffer.from(id, 'hex'));
}
