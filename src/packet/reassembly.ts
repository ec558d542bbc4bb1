// SPDX-License-Identifier: Apache-2.0
/**
 * Reassembly of IP fragments: RFC 791, Section 3.2 and RFC 8200, Section 4.5.
 *
 * What a receiver puts together must be put together here, or somebody could show a receiver what we
 * do not see. So each fragment is judged as Linux judges it (net/ipv4/ip_fragment.c,
 * net/ipv6/reassembly.c and net/ipv4/inet_fragment.c of 6.18), and the tests compare:
 *
 * - What comes first stays: fragments within bytes that are held already are ignored.
 * - Fragments that contradict each other end the datagram, and all of it is forgotten: what comes
 *   then begins anew. RFC 5722 would discard that too, and one spoofed pair sent ahead would hide a
 *   tree head.
 * - Late duplicates of a finished datagram begin a new one, which times out. To remember finished
 *   keys would lose the next datagram wherever identifications are reused quickly (RFC 4963).
 *
 * Where Linux is the stricter one, which it is about memory, the disorder of one sender's fragments
 * (ipfrag_max_dist) and ECN, we yield what it does not. Memory is bounded here as well, and whoever
 * takes most of it gives way. So are the fragments of a datagram, which bounds the work
 * (CVE-2018-5391).
 *
 * There is no list of holes (RFC 815): the pieces of a datagram are disjoint, so it is whole when
 * their lengths add up to its end. The caller says what time it is.
 */
import type { ReassemblyKey } from './fragment-key.ts';
import type { IpFragment, IpPacket } from './ip.ts';
import { IpProtocol } from './ip.ts';

export interface ReassemblyLimits {
  /** Milliseconds from a datagram's first fragment, never extended; by the length of addresses. */
  readonly timeouts: Readonly<Record<4 | 16, number>>;
  /**
   * Memory in all, in bytes: the payload, FRAGMENT_OVERHEAD for each fragment, and
   * DATAGRAM_OVERHEAD for each datagram.
   */
  readonly bytes: number;
  readonly fragmentsPerDatagram: number;
}

export const DEFAULT_LIMITS: ReassemblyLimits = {
  // What Linux waits: ipfrag_time, and ip6frag_time, which is that of RFC 8200, Section 4.5.
  timeouts: { 4: 30_000, 16: 60_000 },
  // The tail of every large answer is a small fragment, which is copied and waits in vain: the
  // start is too large to be copied.
  bytes: 16 * 1024 * 1024,
  // An answer of 2048 bytes and its UDP header in the smallest fragments there are, of 8 bytes. No
  // larger answer is a tree head, and with fragments of 1280 bytes this is beyond any datagram.
  fragmentsPerDatagram: (2048 + 8) / 8,
};

/**
 * About what a held fragment costs beside its bytes, so that a flood of fragments of 8 bytes is
 * charged for what it weighs; and what a datagram costs beside its fragments.
 */
export const FRAGMENT_OVERHEAD = 192;
export const DATAGRAM_OVERHEAD = 1024;

/** The part of the budget that only datagrams known to matter may use. */
const RESERVED_PART = 1 / 4;

/**
 * What sources take of the budget is compared in steps of so many bytes, two usual answers in
 * parts: otherwise an answer of three fragments would give way to a flood of single ones.
 */
const FAIR_STEP = 4096;

const MAX_IP_LENGTH = 65_535;

/** What became of a fragment that did not complete a datagram. */
export type FragmentOutcome =
  /** Kept until the rest has come. */
  | 'fragmentHeld'
  /** Within bytes that came before, whatever it says: discarded alone. */
  | 'fragmentDuplicate'
  /** Of IPv6: not the last, but not a multiple of 8 bytes long. Discarded alone. */
  | 'fragmentMisaligned'
  /**
   * Reaches beyond the 65,535 bytes of the largest packet ("ping of death"). In IPv6 it is discarded
   * alone; in IPv4 its datagram ends when it is complete.
   */
  | 'fragmentBeyondMaximum'
  /** An IPv6 first fragment that does not hold all headers (RFC 7112): discarded alone. */
  | 'fragmentHeaderChainCut'
  /** Without a payload. This and all that follow end the datagram. */
  | 'fragmentEmpty'
  /** Covers bytes that another fragment covers, and others as well ("teardrop"). */
  | 'fragmentOverlap'
  /** There are two ends, or data beyond the end. */
  | 'fragmentConflictingEnd'
  /** It completes an IPv6 packet that turns out not to be of UDP. */
  | 'fragmentNotUdp'
  /** More fragments than the limit. */
  | 'fragmentTooMany'
  /** The datagram alone does not fit the budget. */
  | 'fragmentOverBudget';

/** Why a datagram was given up that no fragment of its own is to blame for. */
export type ReassemblyEvent =
  | 'datagramTimedOut'
  /** For want of memory: its source took most of it. */
  | 'datagramEvicted';

/** The payload of a reassembled IP packet. */
export interface ReassembledPayload {
  readonly bytes: Uint8Array;
  /** Where the UDP header begins, after extension headers. */
  readonly start: number;
  readonly fragments: number;
}

/** Whether a datagram matters, by the bytes after the UDP header in its first fragment. */
export type Tracked = (payloadStart: Uint8Array) => boolean;

/**
 * Bytes without a hole, made of pieces that came in order at the end of what was there. Linux takes
 * a fragment for a duplicate if it lies within one of these.
 */
interface Run {
  readonly start: number;
  end: number;
}

interface Piece {
  readonly start: number;
  readonly bytes: Uint8Array;
  readonly run: Run;
  /** See IpPacket. */
  readonly hops: number;
  /** How many pieces came before. */
  readonly order: number;
}

/** What is held of a datagram. */
export interface HeldDatagram {
  readonly protocol: number;
  readonly upperOffset: number;
  /** In the order in which they came. */
  readonly pieces: readonly {
    readonly start: number;
    readonly bytes: Uint8Array;
    readonly hops: number;
    /** Whether the datagram ends with it. */
    readonly isLast: boolean;
  }[];
}

interface Datagram {
  readonly key: string;
  readonly source: string;
  readonly hops: number;
  readonly since: number;
  readonly timeout: number;
  pool: Pool;
  /** Disjoint and in order. */
  readonly pieces: Piece[];
  /** The sum of the lengths of the pieces. */
  received: number;
  /** What it takes of the budget, in bytes. */
  charged: number;
  /** Where the furthest fragment ends; the datagram's end once the last one has come. */
  end: number;
  hasLast: boolean;
  /** Where the header of `protocol` begins. Known once the first fragment has come. */
  upperOffset: number;
  protocol: number;
}

interface Source {
  readonly key: string;
  bytes: number;
  /** Oldest first. */
  readonly datagrams: Set<Datagram>;
}

/** A part of the budget. Whoever takes most of it gives way; of equals, each in turn. */
class Pool {
  bytes = 0;
  datagrams = 0;
  readonly maxBytes: number;
  readonly #sources = new Map<string, Source>();
  /** By what they take, in steps; in each, whoever is to give way first. */
  readonly #ranks: Set<Source>[] = [];

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  add(datagram: Datagram): void {
    const source = this.#sources.get(datagram.source) ?? {
      key: datagram.source,
      bytes: 0,
      datagrams: new Set(),
    };
    this.#sources.set(source.key, source);
    source.datagrams.add(datagram);
    this.datagrams += 1;
    this.charge(datagram, datagram.charged);
  }

  /** Room must have been made. */
  charge({ source: key }: Datagram, bytes: number): void {
    const source = this.#sources.get(key) as Source;
    const before = source.bytes;
    this.bytes += bytes;
    source.bytes += bytes;
    if (before !== 0 && rankOf(before) === rankOf(source.bytes)) return;
    this.#ranks[rankOf(before)]?.delete(source);
    this.#enter(source);
  }

  remove(datagram: Datagram): void {
    const source = this.#sources.get(datagram.source) as Source;
    source.datagrams.delete(datagram);
    this.datagrams -= 1;
    this.#ranks[rankOf(source.bytes)]?.delete(source);
    this.bytes -= datagram.charged;
    source.bytes -= datagram.charged;
    if (source.datagrams.size === 0) this.#sources.delete(source.key);
    else this.#enter(source);
    while (this.#ranks.at(-1)?.size === 0) this.#ranks.pop();
  }

  /** The oldest datagram of whoever takes most, but for `kept`; undefined if there is no other. */
  toEvict(kept: Datagram): Datagram | undefined {
    for (let rank = this.#ranks.length - 1; rank >= 0; rank--)
      for (const { datagrams } of this.#ranks[rank] ?? [])
        for (const datagram of datagrams) if (datagram !== kept) return datagram;
    return undefined;
  }

  #enter(source: Source): void {
    const rank = rankOf(source.bytes);
    while (this.#ranks.length <= rank) this.#ranks.push(new Set());
    this.#ranks[rank]?.add(source);
  }
}

function rankOf(bytes: number): number {
  return Math.floor(bytes / FAIR_STEP);
}

export class Reassembler {
  readonly #limits: ReassemblyLimits;
  readonly #count: (event: ReassemblyEvent) => void;
  readonly #tracked: Tracked | undefined;
  readonly #ordinary: Pool;
  readonly #reserved: Pool;
  readonly #datagrams = new Map<string, Datagram>();
  /** By the length of addresses, and so by time-out, in the order in which they came. */
  readonly #waiting = { 4: new Set<Datagram>(), 16: new Set<Datagram>() };

  constructor(
    limits: ReassemblyLimits,
    count: (event: ReassemblyEvent) => void,
    tracked?: Tracked,
  ) {
    this.#limits = limits;
    this.#count = count;
    this.#tracked = tracked;
    const reserved = tracked === undefined ? 0 : Math.floor(limits.bytes * RESERVED_PART);
    this.#ordinary = new Pool(limits.bytes - reserved);
    this.#reserved = new Pool(reserved);
  }

  get pending(): { readonly datagrams: number; readonly bytes: number } {
    return {
      datagrams: this.#ordinary.datagrams + this.#reserved.datagrams,
      bytes: this.#ordinary.bytes + this.#reserved.bytes,
    };
  }

  /**
   * Adds a copy of one fragment, and returns the payload if it completes one: those with one key are
   * put together. `now` is in milliseconds.
   */
  add(
    key: ReassemblyKey,
    packet: IpPacket,
    fragment: IpFragment,
    now: number,
  ): ReassembledPayload | FragmentOutcome {
    this.expire(now);
    const { offset: start, more } = fragment;
    let end = start + packet.payloadEnd - packet.payloadStart;
    if (packet.addressLength === 4) {
      // RFC 791 has no rule for these; Linux cuts them to size.
      if (more) end -= end % 8;
    } else {
      // RFC 8200, Section 4.5: "If the length of a fragment [...] is not a multiple of 8 octets and
      // the M flag of that fragment is 1, then that fragment must be discarded"; so must one with
      // which the packet "would exceed 65,535 octets". "If the first fragment does not include all
      // headers through an Upper-Layer header, then that fragment should be discarded".
      if (more && end % 8 !== 0) return 'fragmentMisaligned';
      if (end > MAX_IP_LENGTH) return 'fragmentBeyondMaximum';
      if (start === 0 && fragment.upperOffset === undefined) return 'fragmentHeaderChainCut';
    }

    const datagram = this.#find(key, packet, now);
    if (contradictsEnd(datagram, end, more)) return this.#end(datagram, 'fragmentConflictingEnd');
    datagram.end = Math.max(datagram.end, end);
    datagram.hasLast ||= !more;
    if (end === start) return this.#end(datagram, 'fragmentEmpty');

    const { pieces } = datagram;
    const index = firstNotBefore(pieces, start);
    const [previous, next] = [pieces[index - 1], pieces[index]];
    // A fragment within a run begins at a piece of it or behind one.
    const around = next?.start === start ? next.run : previous?.run;
    if (around !== undefined && around.start <= start && end <= around.end)
      return 'fragmentDuplicate';
    const previousEnd = previous === undefined ? 0 : previous.start + previous.bytes.length;
    if (previousEnd > start || (next !== undefined && next.start < end))
      return this.#end(datagram, 'fragmentOverlap');
    if (pieces.length >= this.#limits.fragmentsPerDatagram)
      return this.#end(datagram, 'fragmentTooMany');

    const bytes = packet.bytes.subarray(packet.payloadStart, packet.payloadStart + end - start);
    if (start === 0) {
      datagram.upperOffset = fragment.upperOffset ?? 0;
      datagram.protocol = packet.protocol;
      if (this.#tracked?.(bytes.subarray(datagram.upperOffset + 8)) === true)
        this.#reserve(datagram);
    }
    datagram.received += end - start;
    const isWhole = datagram.hasLast && datagram.received === datagram.end;
    // What completes a datagram is not held, so no other has to go for it.
    if (!isWhole && !this.#charge(datagram, end - start + FRAGMENT_OVERHEAD))
      return this.#end(datagram, 'fragmentOverBudget');
    const extended = next === undefined && previousEnd === start ? previous?.run : undefined;
    if (extended !== undefined) extended.end = end;
    // Not slice(), which on a Buffer makes a view: the frame is not ours to keep.
    pieces.splice(index, 0, {
      start,
      bytes: isWhole ? bytes : new Uint8Array(bytes),
      run: extended ?? { start, end },
      hops: packet.hops,
      order: pieces.length,
    });
    if (!isWhole) return 'fragmentHeld';

    this.#remove(datagram);
    if (fragment.headerLength + datagram.end > MAX_IP_LENGTH) return 'fragmentBeyondMaximum';
    if (datagram.protocol !== IpProtocol.udp) return 'fragmentNotUdp';
    return {
      bytes: join(pieces, datagram.end),
      start: datagram.upperOffset,
      fragments: pieces.length,
    };
  }

  /** What is held under this key, if the first fragment of that had another number of hops left. */
  heldWithOthers(
    { datagram: key }: ReassemblyKey,
    hops: number,
    now: number,
  ): HeldDatagram | undefined {
    const found = this.#datagrams.get(key);
    if (found === undefined || found.hops === hops || isOld(found, now)) return undefined;
    const { protocol, upperOffset, hasLast, end } = found;
    const inOrder = found.pieces.toSorted((a, b) => a.order - b.order);
    const pieces = inOrder.map(({ start, bytes, hops }) => ({
      start,
      bytes,
      hops,
      isLast: hasLast && start + bytes.length === end,
    }));
    return { protocol, upperOffset, pieces };
  }

  /**
   * Drops datagrams that are older than the time-out, as `add` does too. They are in the order in
   * which they came, so this looks at no more than two that it keeps. Where the clock has jumped,
   * the order is another, and `add` judges each datagram by its own age.
   */
  expire(now: number): void {
    for (const waiting of Object.values(this.#waiting)) {
      for (const datagram of waiting) {
        if (!isOld(datagram, now)) break;
        this.#timeOut(datagram);
      }
    }
  }

  #timeOut(datagram: Datagram): void {
    this.#count('datagramTimedOut');
    this.#remove(datagram);
  }

  #find(key: ReassemblyKey, packet: IpPacket, now: number): Datagram {
    const found = this.#datagrams.get(key.datagram);
    if (found !== undefined) {
      if (!isOld(found, now)) return found;
      this.#timeOut(found);
    }
    const datagram: Datagram = {
      key: key.datagram,
      source: key.source,
      hops: packet.hops,
      since: now,
      timeout: this.#limits.timeouts[packet.addressLength],
      pool: this.#ordinary,
      pieces: [],
      received: 0,
      charged: 0,
      end: 0,
      hasLast: false,
      upperOffset: 0,
      protocol: packet.protocol,
    };
    datagram.pool.add(datagram);
    this.#waiting[packet.addressLength].add(datagram);
    this.#datagrams.set(datagram.key, datagram);
    return datagram;
  }

  /**
   * Makes room for a fragment of `bytes` in `datagram` by evicting others. Returns false if it would
   * not fit even alone.
   */
  #charge(datagram: Datagram, bytes: number): boolean {
    const { pool } = datagram;
    const charge = datagram.charged === 0 ? bytes + DATAGRAM_OVERHEAD : bytes;
    if (datagram.charged + charge > pool.maxBytes) return false;
    this.#makeRoom(pool, charge, datagram);
    pool.charge(datagram, charge);
    datagram.charged += charge;
    return true;
  }

  /** Moves a datagram into the part of the budget that a flood of other fragments cannot use. */
  #reserve(datagram: Datagram): void {
    const pool = this.#reserved;
    if (datagram.charged > pool.maxBytes) return;
    datagram.pool.remove(datagram);
    this.#makeRoom(pool, datagram.charged, datagram);
    datagram.pool = pool;
    pool.add(datagram);
  }

  #makeRoom(pool: Pool, bytes: number, kept: Datagram): void {
    while (pool.bytes + bytes > pool.maxBytes) {
      const evicted = pool.toEvict(kept);
      if (evicted === undefined) return;
      this.#count('datagramEvicted');
      this.#remove(evicted);
    }
  }

  #end(datagram: Datagram, why: FragmentOutcome): FragmentOutcome {
    this.#remove(datagram);
    return why;
  }

  #remove(datagram: Datagram): void {
    datagram.pool.remove(datagram);
    this.#datagrams.delete(datagram.key);
    for (const waiting of Object.values(this.#waiting)) waiting.delete(datagram);
  }
}

function isOld(datagram: Datagram, now: number): boolean {
  // A wall clock may be set back, and captures are not quite in order: a datagram from far in the
  // future is old as well.
  return Math.abs(now - datagram.since) >= datagram.timeout;
}

/**
 * Nothing may lie beyond the end, and there is one end. More may come of a datagram that ends where
 * the last fragment does: then that one is a duplicate.
 */
function contradictsEnd({ end: reached, hasLast }: Datagram, end: number, more: boolean): boolean {
  return more ? hasLast && end > reached : end < reached || (hasLast && end !== reached);
}

/** The index of the first piece that starts at `start` or later. */
function firstNotBefore(pieces: readonly Piece[], start: number): number {
  let [low, high] = [0, pieces.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pieces[middle] as Piece).start < start) low = middle + 1;
    else high = middle;
  }
  return low;
}

function join(pieces: readonly Piece[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (const piece of pieces) bytes.set(piece.bytes, piece.start);
  return bytes;
}
