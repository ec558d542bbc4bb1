// SPDX-License-Identifier: Apache-2.0
/**
 * Datagrams among whose fragments some may never come to the receiver.
 *
 * A router takes one from each packet's time to live, and drops what has none left. So somebody can
 * send a fragment that passes ctga and ends before the receiver, which then puts together what ctga
 * takes for contradictions ("Insertion, Evasion, and Denial of Service", Ptacek and Newsham, 1998).
 * What comes to the receiver is what has so many hops left, or more. So where fragments of one
 * datagram differ in that, those that have as many as one of them are put together by themselves, for
 * each of them.
 *
 * Honest senders' fragments do not differ, so all this costs nothing until some do. Then it is
 * bounded: whoever has the fewest hops left gives way, since the receiver gets those with more.
 */
import type { FragmentKey } from './fragment-key.ts';
import type { IpFragment, IpPacket } from './ip.ts';
import {
  FRAGMENT_OVERHEAD,
  Reassembler,
  type HeldDatagram,
  type ReassembledPayload,
  type ReassemblyLimits,
} from './reassembly.ts';

/** Of a datagram: as many numbers of hops, and fragments, are kept. */
const MOST_NUMBERS = 8;
const MOST_FRAGMENTS = 64;
/** The part of the memory for fragments that is for these, twice: as they came, and put together. */
const PART = 1 / 8;

interface Kept {
  readonly packet: IpPacket;
  readonly fragment: IpFragment;
}

interface Mixed {
  readonly since: number;
  readonly timeout: number;
  /** In the order in which they came. */
  readonly fragments: Kept[];
  /** The numbers of hops for which there is a reassembly. */
  readonly numbers: number[];
  bytes: number;
}

export class ReassemblerByHops {
  readonly #timeouts: ReassemblyLimits['timeouts'];
  readonly #maxBytes: number;
  readonly #reassembler: Reassembler;
  /** Oldest first. */
  readonly #mixed = new Map<string, Mixed>();
  #bytes = 0;

  constructor(limits: ReassemblyLimits) {
    this.#timeouts = limits.timeouts;
    this.#maxBytes = Math.floor(limits.bytes * PART);
    this.#reassembler = new Reassembler({ ...limits, bytes: this.#maxBytes }, () => undefined);
  }

  /** The memory that is taken, in bytes as they are charged. */
  get pendingBytes(): number {
    return this.#bytes + this.#reassembler.pending.bytes;
  }

  /**
   * Adds a copy of one fragment, if its datagram is a mixed one. `heldOf` says what is held of that
   * with another number of hops left (Reassembler.heldWithOthers). Returns what it completes, each
   * payload once.
   */
  add(
    key: FragmentKey,
    packet: IpPacket,
    fragment: IpFragment,
    heldOf: () => HeldDatagram | undefined,
    now: number,
  ): readonly ReassembledPayload[] {
    if (this.#mixed.size > 0) this.expire(now);
    const mixed = this.#mixed.get(key.datagram);
    const held = mixed === undefined ? heldOf() : undefined;
    if (mixed === undefined && held === undefined) return [];
    const before = held === undefined ? [] : keptOf(held, packet, fragment);
    const added = [...before, { packet: copyOf(packet), fragment }];
    return this.#add(mixed ?? this.#begin(key, packet, now), key, added, now);
  }

  /** Forgets what is old: no receiver waits for more of it. */
  expire(now: number): void {
    this.#reassembler.expire(now);
    for (const [key, { since, timeout }] of this.#mixed) {
      if (Math.abs(now - since) < timeout) break;
      this.#forget(key);
    }
  }

  #begin({ datagram }: FragmentKey, { addressLength }: IpPacket, now: number): Mixed {
    const timeout = this.#timeouts[addressLength];
    const mixed = { since: now, timeout, fragments: [], numbers: [], bytes: 0 };
    this.#mixed.set(datagram, mixed);
    return mixed;
  }

  #add(mixed: Mixed, key: FragmentKey, added: readonly Kept[], now: number): ReassembledPayload[] {
    const whole: ReassembledPayload[] = [];
    for (const kept of added) {
      const { hops } = kept.packet;
      if (!mixed.numbers.includes(hops)) this.#open(mixed, key, hops, now);
      for (const number of mixed.numbers) {
        if (number > hops) continue;
        const result = this.#put(key, number, kept, now);
        if (typeof result !== 'string' && !whole.some((each) => isSame(each, result)))
          whole.push(result);
      }
      this.#keep(mixed, kept);
    }
    while (this.#bytes > this.#maxBytes) {
      const [oldest] = this.#mixed.keys();
      if (oldest === undefined) break;
      this.#forget(oldest);
    }
    return whole;
  }

  /** Begins a reassembly of what has so many hops left with what came before. */
  #open({ numbers, fragments }: Mixed, key: FragmentKey, hops: number, now: number): void {
    if (numbers.length >= MOST_NUMBERS) {
      const least = Math.min(...numbers);
      if (hops < least) return;
      numbers.splice(numbers.indexOf(least), 1);
    }
    numbers.push(hops);
    for (const kept of fragments) if (kept.packet.hops >= hops) this.#put(key, hops, kept, now);
  }

  #put(
    key: FragmentKey,
    number: number,
    { packet, fragment }: Kept,
    now: number,
  ): ReturnType<Reassembler['add']> {
    return this.#reassembler.add(key.withHops(number), packet, fragment, now);
  }

  #keep(mixed: Mixed, kept: Kept): void {
    this.#charge(mixed, kept, 1);
    mixed.fragments.push(kept);
    if (mixed.fragments.length <= MOST_FRAGMENTS) return;
    const least = Math.min(...mixed.fragments.map(({ packet }) => packet.hops));
    const [dropped] = mixed.fragments.splice(
      mixed.fragments.findIndex(({ packet }) => packet.hops === least),
      1,
    );
    if (dropped !== undefined) this.#charge(mixed, dropped, -1);
  }

  #charge(mixed: Mixed, { packet }: Kept, sign: 1 | -1): void {
    const bytes = sign * (packet.bytes.length + FRAGMENT_OVERHEAD);
    mixed.bytes += bytes;
    this.#bytes += bytes;
  }

  #forget(key: string): void {
    this.#bytes -= this.#mixed.get(key)?.bytes ?? 0;
    this.#mixed.delete(key);
  }
}

/** With the payload alone, since the frame is not ours to keep. */
function copyOf(packet: IpPacket): IpPacket {
  // Not slice(), which on a Buffer makes a view.
  const bytes = new Uint8Array(packet.bytes.subarray(packet.payloadStart, packet.payloadEnd));
  return { ...packet, bytes, payloadStart: 0, payloadEnd: bytes.length };
}

/** The fragments that a datagram is held in, as the last of them, `fragment`, says of all. */
function keptOf(held: HeldDatagram, packet: IpPacket, fragment: IpFragment): Kept[] {
  return held.pieces.map(({ start, bytes, hops, isLast }) => ({
    packet: {
      ...packet,
      hops,
      protocol: held.protocol,
      bytes,
      payloadStart: 0,
      payloadEnd: bytes.length,
    },
    fragment: {
      ...fragment,
      offset: start,
      more: !isLast,
      upperOffset: start === 0 ? held.upperOffset : undefined,
    },
  }));
}

export function isSame(a: ReassembledPayload, b: ReassembledPayload): boolean {
  return a.start === b.start && Buffer.compare(a.bytes, b.bytes) === 0;
}
