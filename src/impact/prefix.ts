// SPDX-License-Identifier: Apache-2.0
/**
 * Addresses, prefixes, and tables that give the longest prefix of an address. Pure.
 *
 * An IPv4 address is a number, an IPv6 address a bigint. A table is made flat before it is used:
 * prefixes nest or are disjoint, so they cut the addresses into ranges, each with the value of the
 * longest prefix that has it.
 */
import ipaddr from 'ipaddr.js';
import { Fault, shown } from './fault.ts';

export type Address = number | bigint;

export interface Prefix {
  /** The first address. */
  readonly start: Address;
  readonly length: number;
}

/** Throws Fault for anything but an address of one of both families. */
export function parseAddress(text: string): Address {
  const four = parseIPv4(text);
  if (four !== undefined) return four;
  if (!text.includes(':') || !ipaddr.IPv6.isValid(text))
    throw new Fault(`${shown(text)} is no IP address`);
  return ipaddr.IPv6.parse(text).parts.reduce((sum, part) => (sum << 16n) | BigInt(part), 0n);
}

/** Dotted decimals alone: neither octal nor shorter forms. */
function parseIPv4(text: string): number | undefined {
  let address = 0;
  let octet = -1;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 46) {
      if (octet < 0) return undefined;
      address = address * 256 + octet;
      octet = -1;
      dots++;
    } else if (code >= 48 && code <= 57 && octet !== 0) {
      octet = (octet < 0 ? 0 : octet * 10) + code - 48;
      if (octet > 255) return undefined;
    } else return undefined;
  }
  return dots === 3 && octet >= 0 ? address * 256 + octet : undefined;
}

/** Throws Fault for anything but ADDRESS/LENGTH; bits behind the length must be 0. */
export function parsePrefix(text: string): Prefix {
  const [, address = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  if (address === '') throw new Fault(`${shown(text)} is no prefix: want ADDRESS/LENGTH`);
  const start = parseAddress(address);
  const length = Number(digits);
  const most = typeof start === 'number' ? 32 : 128;
  if (length > most) throw new Fault(`${shown(text)} is no prefix: its length is above ${most}`);
  const isAligned =
    typeof start === 'number'
      ? start % 2 ** (32 - length) === 0
      : (start & ((1n << BigInt(128 - length)) - 1n)) === 0n;
  if (!isAligned) throw new Fault(`${shown(text)} is no prefix: it has bits behind its length`);
  return { start, length };
}

/** RFC 1918, Section 3: the addresses that the paper calls private. */
export function isPrivate(address: Address): boolean {
  if (typeof address !== 'number') return false;
  const first = address >>> 24;
  return first === 10 || address >>> 20 === 0xac1 /* 172.16/12 */ || address >>> 16 === 0xc0a8;
}

interface Ranges<A extends Address> {
  /** Ascending. A range goes up to the next one's start. */
  readonly starts: readonly A[] | Float64Array;
  readonly values: Float64Array;
}

/** Values by prefix. A value is a number that is not 0: what no prefix has is 0. */
export class PrefixTable {
  readonly #four = new Map<number, number>();
  readonly #six = new Map<bigint, number>();
  #ranges: { readonly four: Ranges<number>; readonly six: Ranges<bigint> } | undefined;

  get size(): number {
    return this.#four.size + this.#six.size;
  }

  /** The value that this very prefix has already; 0 if it has none. */
  valueOf({ start, length }: Prefix): number {
    return (
      (typeof start === 'number'
        ? this.#four.get(start * 64 + length)
        : this.#six.get((start << 8n) | BigInt(length))) ?? 0
    );
  }

  /** Sets the value of a prefix. */
  set({ start, length }: Prefix, value: number): void {
    this.#ranges = undefined;
    if (typeof start === 'number') this.#four.set(start * 64 + length, value);
    else this.#six.set((start << 8n) | BigInt(length), value);
  }

  /** The value of the longest prefix that has the address; 0 if none has it. */
  find(address: Address): number {
    this.#ranges ??= this.#flatten();
    return typeof address === 'number'
      ? findIn(this.#ranges.four, address)
      : findIn(this.#ranges.six, address);
  }

  /**
   * The IPv4 addresses of each value's prefixes, each address once: the size of an AS as pyasn's
   * get_as_size has it.
   */
  ipv4Space(): Map<number, number> {
    const ends = new Map<number, number>();
    const space = new Map<number, number>();
    for (const [start, length, value] of this.#sortedFour()) {
      // Longer prefixes come behind those that have them.
      if (start < (ends.get(value) ?? 0)) continue;
      const size = 2 ** (32 - length);
      ends.set(value, start + size);
      space.set(value, (space.get(value) ?? 0) + size);
    }
    return space;
  }

  #sortedFour(): (readonly [start: number, length: number, value: number])[] {
    // By start, and of those that start together, the shorter first.
    return Array.from(this.#four, ([key, value]) => ({ key, value }))
      .sort((a, b) => a.key - b.key)
      .map(({ key, value }) => [Math.floor(key / 64), key % 64, value] as const);
  }

  #flatten(): { four: Ranges<number>; six: Ranges<bigint> } {
    const four = flatten(
      this.#sortedFour().map(([start, length, value]) => ({
        start,
        end: start + 2 ** (32 - length),
        value,
      })),
      0,
    );
    const six = flatten(
      Array.from(this.#six, ([key, value]) => ({ key, value }))
        .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
        .map(({ key, value }) => {
          const start = key >> 8n;
          return { start, end: start + (1n << (128n - (key & 255n))), value };
        }),
      0n,
    );
    return { four: { starts: Float64Array.from(four.starts), values: four.values }, six };
  }
}

function flatten<A extends Address>(
  sorted: readonly { readonly start: A; readonly end: A; readonly value: number }[],
  zero: A,
): { starts: A[]; values: Float64Array } {
  const starts: A[] = [zero];
  const values: number[] = [0];
  const put = (start: A, value: number): void => {
    if (starts[starts.length - 1] === start) values[values.length - 1] = value;
    else {
      starts.push(start);
      values.push(value);
    }
  };
  /** The prefixes that the sweep is in, the longest last. */
  const open: { end: A; value: number }[] = [];
  const closeUntil = (until: A | undefined): void => {
    for (;;) {
      const last = open[open.length - 1];
      if (last === undefined || (until !== undefined && last.end > until)) return;
      open.pop();
      put(last.end, open[open.length - 1]?.value ?? 0);
    }
  };
  for (const { start, end, value } of sorted) {
    closeUntil(start);
    put(start, value);
    open.push({ end, value });
  }
  closeUntil(undefined);
  return { starts, values: Float64Array.from(values) };
}

function findIn<A extends Address>({ starts, values }: Ranges<A>, address: A): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((starts[middle] as A) <= address) low = middle;
    else high = middle - 1;
  }
  return values[low] ?? 0;
}
