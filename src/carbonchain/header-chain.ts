// SPDX-License-Identifier: Apache-2.0
/**
 * The headers of one chain, from one that is trusted on: each follows from the one before by the
 * network's rules, and a branch with more work takes the place of what it forks from. Pure.
 */
import {
  bitsAfter,
  hasWork,
  parseHeader,
  PERIOD,
  TIME_WARP,
  workOf,
  type Header,
  type Network,
  type Placed,
} from './header.ts';
import { HEADER_LENGTH } from './transaction.ts';

export interface ChainHeader extends Header {
  readonly height: number;
}

/** What became of headers that somebody offered. */
export type Offered =
  /** The chain goes on with them, above the block at `fork`. */
  | { readonly is: 'taken'; readonly fork: number }
  /** They are valid, and the chain has as much work or more above the block at `fork`. */
  | { readonly is: 'lighter'; readonly fork: number }
  /** They break a rule, as a clause; nothing has changed. */
  | { readonly is: 'invalid'; readonly height: number; readonly why: string };

/** How far ahead of the clock a block's time may be, in seconds. */
export const MAX_AHEAD = 2 * 60 * 60;
const MEDIAN_OF = 11;
/** Headers that are looked at together. */
const PART = 2000;

export class HeaderChain {
  readonly network: Network;
  /** The height of the first header, which is trusted. */
  readonly start: number;
  /** All headers, one behind the other; a mainnet of them takes some 75 MB. */
  #bytes: Buffer;
  #count = 1;

  /**
   * `first` is the genesis block's unless a later one is trusted. That one has to begin a period of
   * one difficulty, because the next difficulty follows from it.
   */
  constructor(network: Network, first: { header: Uint8Array; height: number }) {
    if (first.height % PERIOD !== 0 && !network.isFixed)
      throw new RangeError(`want a height that ${PERIOD} divides, not ${first.height}`);
    this.network = network;
    this.start = first.height;
    this.#bytes = Buffer.alloc(1024 * HEADER_LENGTH);
    this.#bytes.set(parseHeader(first.header).bytes);
  }

  /** The height of the last header. */
  get height(): number {
    return this.start + this.#count - 1;
  }

  /** The work of all blocks, in hashes. */
  get work(): bigint {
    let work = 0n;
    for (let i = 0; i < this.#count; i++)
      work += workOf(this.#bytes.readUInt32LE(i * HEADER_LENGTH + 72));
    return work;
  }

  /** Undefined if the chain has none at this height. */
  at(height: number): ChainHeader | undefined {
    const i = height - this.start;
    if (i < 0 || i >= this.#count) return undefined;
    const bytes = this.#bytes.subarray(i * HEADER_LENGTH, (i + 1) * HEADER_LENGTH);
    return { ...parseHeader(bytes), height };
  }

  get tip(): ChainHeader {
    return this.at(this.height) as ChainHeader;
  }

  /** The median time of the eleven blocks up to this height (BIP 113), in Unix seconds. */
  medianTime(height: number): number {
    const times: number[] = [];
    for (let at = height; at > height - MEDIAN_OF && at >= this.start; at--)
      times.push(this.#bytes.readUInt32LE((at - this.start) * HEADER_LENGTH + 68));
    times.sort((a, b) => a - b);
    return times[times.length >> 1] as number;
  }

  /**
   * Takes headers that follow each other, the first of them behind the block at height `after`, if
   * all are valid and the chain has less work above the fork than they. `now` is in Unix seconds.
   */
  offer(offered: readonly Uint8Array[], after: number, now: number): Offered {
    let fork = after;
    while (fork < after + offered.length && this.#has(offered[fork - after], fork + 1)) fork++;
    const branch = new Branch(this, fork);
    for (const bytes of offered.slice(fork - after)) {
      const why = branch.add(parseHeader(bytes), now);
      if (why !== undefined) return { is: 'invalid', height: branch.height + 1, why };
    }
    let ours = 0n;
    for (let height = fork + 1; height <= this.height; height++)
      ours += workOf((this.at(height) as ChainHeader).bits);
    if (branch.work <= ours) return { is: 'lighter', fork };
    this.#count = fork + 1 - this.start;
    for (const { bytes } of branch.headers) this.#append(bytes);
    return { is: 'taken', fork };
  }

  /**
   * Takes headers that go on where the chain ends, a part at a time: a whole mainnet would not fit in
   * memory as a branch. What came before an invalid one is taken.
   */
  extend(headers: readonly Uint8Array[], now: number): Offered {
    let offered: Offered = { is: 'lighter', fork: this.height };
    for (let i = 0; i < headers.length; i += PART) {
      offered = this.offer(headers.slice(i, i + PART), this.height, now);
      if (offered.is !== 'taken') break;
    }
    return offered;
  }

  #has(bytes: Uint8Array | undefined, height: number): boolean {
    const i = (height - this.start) * HEADER_LENGTH;
    return (
      bytes !== undefined &&
      height <= this.height &&
      Buffer.compare(this.#bytes.subarray(i, i + HEADER_LENGTH), bytes) === 0
    );
  }

  #append(bytes: Uint8Array): void {
    const at = this.#count++ * HEADER_LENGTH;
    if (at === this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(at)]);
    this.#bytes.set(bytes, at);
  }
}

/** Headers above a block of the chain, which are not (yet) part of it. */
class Branch {
  readonly headers: Header[] = [];
  work = 0n;
  readonly #chain: HeaderChain;
  readonly #fork: number;

  constructor(chain: HeaderChain, fork: number) {
    this.#chain = chain;
    this.#fork = fork;
  }

  get height(): number {
    return this.#fork + this.headers.length;
  }

  /** Adds a header; if it breaks a rule, returns which, as a clause. */
  add(header: Header, now: number): string | undefined {
    const { network } = this.#chain;
    const last = this.#at(this.height);
    if (header.previous !== last.hash) return 'does not follow the one before';
    const at = (height: number): Placed => this.#at(height);
    if (header.bits !== bitsAfter(last, header.time, at, network))
      return 'has another difficulty than the rules give it';
    if (!hasWork(header, network)) return 'has not the work that it claims';
    if (header.time <= this.#medianTime()) return 'is not later than those before it';
    if (
      network.hasBip94 &&
      last.height % PERIOD === PERIOD - 1 &&
      header.time < last.time - TIME_WARP
    )
      return 'begins a period too long before the last one ended';
    if (header.time > now + MAX_AHEAD)
      return "is more than two hours ahead of this machine's clock, unless that is slow";
    this.headers.push(header);
    this.work += workOf(header.bits);
    return undefined;
  }

  #at(height: number): ChainHeader {
    if (height <= this.#fork) return this.#chain.at(height) as ChainHeader;
    return { ...(this.headers[height - this.#fork - 1] as Header), height };
  }

  #medianTime(): number {
    const times: number[] = [];
    for (let at = this.height; at > this.height - MEDIAN_OF && at >= this.#chain.start; at--)
      times.push(this.#at(at).time);
    times.sort((a, b) => a - b);
    return times[times.length >> 1] as number;
  }
}
