/**
 * Reassembly of IP fragments: RFC 791, Section 3.2 and RFC 8200, Section 4.5.
 *
 * This reads other people's packets, so what matters is that an attacker can neither hide a
 * datagram from us that its receiver gets, nor make us spend without limit:
 *
 * - A fragment that is impossible by itself is discarded alone. If it took its datagram with it,
 *   one such packet sent ahead would hide a tree head from us.
 * - Fragments that contradict each other abandon the datagram, as receivers do.
 * - Late duplicates of a finished datagram begin a new one, which times out. To remember finished
 *   keys would lose the next datagram wherever identifications are reused quickly (RFC 4963).
 * - Bytes and datagrams are bounded, in all and for each source, and so are the fragments of a
 *   datagram, which bounds the work as well (CVE-2018-5391).
 *
 * There is no list of holes (RFC 815): the pieces of a datagram are disjoint, so it is whole when
 * their lengths add up to its end. The caller says what time it is.
 */
import { FragmentKey } from './fragment-key.ts';
import type { IpFragment, IpPacket } from './ip.ts';
import { IpProtocol } from './ip.ts';

export interface ReassemblyLimits {
  /** Milliseconds from a datagram's first fragment; never extended. */
  readonly timeout: number;
  /** Memory in all, in bytes: the payload, and FRAGMENT_OVERHEAD for each fragment. */
  readonly bytes: number;
  /** Datagrams in all, with abandoned ones. */
  readonly datagrams: number;
  /**
   * The same for one source: an IPv4 address, or an IPv6 /64, in which a host may choose its
   * address freely.
   */
  readonly bytesPerSource: number;
  readonly datagramsPerSource: number;
  readonly fragmentsPerDatagram: number;
}

export const DEFAULT_LIMITS: ReassemblyLimits = {
  // Resolvers give up on an answer after a few seconds. With the 60 s of RFC 8200, Section 4.5,
  // more identifications would come round again before the old datagram is dropped.
  timeout: 15_000,
  bytes: 8 * 1024 * 1024,
  // The tail of every large answer is a small fragment, which is copied and waits in vain: the
  // start is too large to be copied.
  datagrams: 4096,
  bytesPerSource: 2 * 1024 * 1024,
  datagramsPerSource: 512,
  // An answer of 2048 bytes and its UDP header in the smallest fragments there are, of 8 bytes. No
  // larger answer is a tree head, and with fragments of 1280 bytes this is beyond any datagram.
  fragmentsPerDatagram: (2048 + 8) / 8,
};

/**
 * About what a held fragment costs beside its bytes, so that a flood of fragments of 8 bytes is
 * charged for what it weighs.
 */
export const FRAGMENT_OVERHEAD = 192;

/** The part of the budget that only datagrams known to matter may use. */
const RESERVED_PART = 1 / 4;

const MAX_IP_LENGTH = 65_535;

/** What became of a fragment that did not complete a datagram. */
export type FragmentOutcome =
  /** Kept until the rest has come. */
  | 'fragmentHeld'
  /** The same bytes at the same place as before: discarded alone. */
  | 'fragmentDuplicate'
  /** Of an abandoned datagram: discarded. */
  | 'fragmentOfAbandoned'
  /** Without a payload. This and the next three are discarded alone. */
  | 'fragmentEmpty'
  /** Not the last, but not a multiple of 8 bytes long. */
  | 'fragmentMisaligned'
  /** Reaches beyond the 65,535 bytes of the largest packet ("ping of death"). */
  | 'fragmentBeyondMaximum'
  /** An IPv6 first fragment that does not hold all headers (RFC 7112). */
  | 'fragmentHeaderChainCut'
  /**
   * Covers bytes that another fragment covers ("teardrop"), equal ones or not. This and all that
   * follow abandon the datagram.
   */
  | 'fragmentOverlap'
  /** There are two ends, data beyond the end, or more to come where the end was. */
  | 'fragmentConflictingEnd'
  /** An IPv6 first fragment that turns out not to be of UDP. */
  | 'fragmentNotUdp'
  /** More fragments than the limit. */
  | 'fragmentTooMany'
  /** The datagram alone does not fit the budget. */
  | 'fragmentOverBudget';

/** Why a datagram was given up that no fragment of its own is to blame for. */
export type ReassemblyEvent =
  | 'datagramTimedOut'
  | 'datagramEvictedForBytes'
  | 'datagramEvictedForCount'
  | 'datagramEvictedForSource';

/** The payload of a reassembled IP packet. */
export interface ReassembledPayload {
  readonly bytes: Uint8Array;
  /** Where the UDP header begins, after extension headers. */
  readonly start: number;
  readonly fragments: number;
}

/** Whether a datagram matters, by the bytes after the UDP header in its first fragment. */
export type Tracked = (payloadStart: Uint8Array) => boolean;

interface Piece {
  readonly start: number;
  readonly bytes: Uint8Array;
}

interface Source {
  readonly key: string;
  bytes: number;
  /** Oldest first. */
  readonly datagrams: Set<Datagram>;
}

interface Datagram {
  readonly key: string;
  readonly source: Source;
  readonly since: number;
  pool: Pool;
  /** Disjoint and in order; empty once the datagram is abandoned. */
  pieces: Piece[];
  abandoned: boolean;
  /** The sum of the lengths of the pieces. */
  received: number;
  /** What it takes of the budget, in bytes. */
  charged: number;
  /** Known once the last fragment has come. */
  end: number | undefined;
  /** Where the furthest fragment ends that is not the last; the datagram's end lies beyond. */
  reached: number;
  /** Where the UDP header begins. Known once the first fragment has come. */
  upperOffset: number;
}

/** A part of the budget. */
class Pool {
  /** In the order in which they came into the pool, which is the order of eviction. */
  readonly datagrams = new Set<Datagram>();
  bytes = 0;
  readonly maxBytes: number;
  readonly maxDatagrams: number;

  constructor(limits: ReassemblyLimits, part: number) {
    this.maxBytes = Math.floor(limits.bytes * part);
    this.maxDatagrams = Math.max(1, Math.floor(limits.datagrams * part));
  }
}

export class Reassembler {
  readonly #limits: ReassemblyLimits;
  readonly #count: (event: ReassemblyEvent) => void;
  readonly #tracked: Tracked | undefined;
  readonly #ordinary: Pool;
  readonly #reserved: Pool;
  readonly #datagrams = new Map<string, Datagram>();
  readonly #sources = new Map<string, Source>();

  constructor(
    limits: ReassemblyLimits,
    count: (event: ReassemblyEvent) => void,
    tracked?: Tracked,
  ) {
    this.#limits = limits;
    this.#count = count;
    this.#tracked = tracked;
    this.#ordinary = new Pool(limits, tracked === undefined ? 1 : 1 - RESERVED_PART);
    this.#reserved = new Pool(limits, RESERVED_PART);
  }

  get pending(): { readonly datagrams: number; readonly bytes: number } {
    return {
      datagrams: this.#ordinary.datagrams.size + this.#reserved.datagrams.size,
      bytes: this.#ordinary.bytes + this.#reserved.bytes,
    };
  }

  /**
   * Adds a copy of one fragment, and returns the payload if it completes one. `network` is the
   * interface with its VLANs: only fragments of one network are put together. `now` is in
   * milliseconds.
   */
  add(
    packet: IpPacket,
    fragment: IpFragment,
    network: string,
    now: number,
  ): ReassembledPayload | FragmentOutcome {
    this.expire(now);
    const start = fragment.offset;
    const length = packet.payloadEnd - packet.payloadStart;
    const end = start + length;
    // RFC 8200, Section 4.5, of a fragment by itself. "If the length of a fragment [...] is not a
    // multiple of 8 octets and the M flag of that fragment is 1, then that fragment must be
    // discarded"; so must one with which the packet "would exceed 65,535 octets". "If the first
    // fragment does not include all headers through an Upper-Layer header, then that fragment
    // should be discarded" (RFC 7112).
    if (length === 0) return 'fragmentEmpty';
    if (fragment.more && length % 8 !== 0) return 'fragmentMisaligned';
    if (fragment.headerLength + end > MAX_IP_LENGTH) return 'fragmentBeyondMaximum';
    if (start === 0 && fragment.upperOffset === undefined) return 'fragmentHeaderChainCut';

    const datagram = this.#find(packet, fragment, network, now);
    if (datagram.abandoned) return 'fragmentOfAbandoned';
    if (start === 0 && packet.protocol !== IpProtocol.udp)
      return this.#abandon(datagram, 'fragmentNotUdp');
    if (contradictsEnd(datagram, end, fragment.more)) {
      return this.#abandon(datagram, 'fragmentConflictingEnd');
    }

    const bytes = packet.bytes.subarray(packet.payloadStart, packet.payloadEnd);
    const { pieces } = datagram;
    const index = firstNotBefore(pieces, start);
    const next = pieces[index];
    // RFC 8200, Section 4.5: "an implementation may choose to detect this case and drop exact
    // duplicate fragments while keeping the other fragments belonging to the same packet".
    if (next?.start === start && equal(next.bytes, bytes)) return 'fragmentDuplicate';
    const previous = pieces[index - 1];
    const overlaps =
      (next !== undefined && next.start < end) ||
      (previous !== undefined && previous.start + previous.bytes.length > start);
    // RFC 8200, Section 4.5: "If any of the fragments being reassembled overlap with any other
    // fragments being reassembled for the same packet, reassembly of that packet must be
    // abandoned". IPv4 has no such rule (RFC 791 lets the later copy win); Linux abandons there
    // too.
    if (overlaps) return this.#abandon(datagram, 'fragmentOverlap');
    if (pieces.length >= this.#limits.fragmentsPerDatagram)
      return this.#abandon(datagram, 'fragmentTooMany');

    if (start === 0) {
      datagram.upperOffset = fragment.upperOffset ?? 0;
      if (this.#tracked?.(bytes.subarray(datagram.upperOffset + 8)) === true)
        this.#reserve(datagram);
    }
    if (!this.#charge(datagram, length + FRAGMENT_OVERHEAD)) {
      return this.#abandon(datagram, 'fragmentOverBudget');
    }
    // Not slice(), which on a Buffer makes a view: the frame is not ours to keep.
    pieces.splice(index, 0, { start, bytes: new Uint8Array(bytes) });
    datagram.received += length;
    if (fragment.more) datagram.reached = Math.max(datagram.reached, end);
    else datagram.end = end;
    if (datagram.received !== datagram.end) return 'fragmentHeld';

    this.#remove(datagram);
    return {
      bytes: join(pieces, datagram.end),
      start: datagram.upperOffset,
      fragments: pieces.length,
    };
  }

  /**
   * Drops datagrams that are older than the time-out, as `add` does too. They are in the order in
   * which they came, so this looks at no more than one that it keeps. Where the clock has jumped,
   * the order is another, and `add` judges each datagram by its own age.
   */
  expire(now: number): void {
    for (const pool of [this.#ordinary, this.#reserved]) {
      for (const datagram of pool.datagrams) {
        if (!this.#isOld(datagram, now)) break;
        this.#timeOut(datagram);
      }
    }
  }

  #isOld(datagram: Datagram, now: number): boolean {
    // A wall clock may be set back, and captures are not quite in order: a datagram from far in the
    // future is old as well.
    return Math.abs(now - datagram.since) >= this.#limits.timeout;
  }

  #timeOut(datagram: Datagram): void {
    if (!datagram.abandoned) this.#count('datagramTimedOut'); // else it was counted already
    this.#remove(datagram);
  }

  #find(packet: IpPacket, fragment: IpFragment, network: string, now: number): Datagram {
    const key = new FragmentKey(packet, fragment, network);
    const found = this.#datagrams.get(key.datagram);
    if (found !== undefined) {
      if (!this.#isOld(found, now)) return found;
      this.#timeOut(found);
    }

    const sourceKey = key.source;
    const known = this.#sources.get(sourceKey);
    if (known !== undefined && known.datagrams.size >= this.#limits.datagramsPerSource) {
      this.#evictOldest(known.datagrams, 'datagramEvictedForSource');
    }
    const pool = this.#ordinary;
    if (pool.datagrams.size >= pool.maxDatagrams) {
      this.#evictOldest(pool.datagrams, 'datagramEvictedForCount');
    }
    // Looked up again, because a source goes with its last datagram.
    const source = this.#sources.get(sourceKey) ?? {
      key: sourceKey,
      bytes: 0,
      datagrams: new Set(),
    };
    const datagram: Datagram = {
      key: key.datagram,
      source,
      since: now,
      pool,
      pieces: [],
      abandoned: false,
      received: 0,
      charged: 0,
      end: undefined,
      reached: 0,
      upperOffset: 0,
    };
    this.#sources.set(sourceKey, source);
    source.datagrams.add(datagram);
    pool.datagrams.add(datagram);
    this.#datagrams.set(datagram.key, datagram);
    return datagram;
  }

  /**
   * Makes room for `bytes` more in `datagram` by evicting others, the oldest first. Returns false
   * if it would not fit even alone.
   */
  #charge(datagram: Datagram, bytes: number): boolean {
    const { pool, source } = datagram;
    const limit = Math.min(pool.maxBytes, this.#limits.bytesPerSource);
    if (datagram.charged + bytes > limit) return false;
    while (source.bytes + bytes > this.#limits.bytesPerSource) {
      this.#evictOldest(source.datagrams, 'datagramEvictedForSource', datagram);
    }
    while (pool.bytes + bytes > pool.maxBytes) {
      this.#evictOldest(pool.datagrams, 'datagramEvictedForBytes', datagram);
    }
    pool.bytes += bytes;
    source.bytes += bytes;
    datagram.charged += bytes;
    return true;
  }

  /** Moves a datagram into the part of the budget that a flood of other fragments cannot use. */
  #reserve(datagram: Datagram): void {
    const pool = this.#reserved;
    if (datagram.pool === pool || datagram.charged > pool.maxBytes) return;
    datagram.pool.datagrams.delete(datagram);
    datagram.pool.bytes -= datagram.charged;
    if (pool.datagrams.size >= pool.maxDatagrams) {
      this.#evictOldest(pool.datagrams, 'datagramEvictedForCount');
    }
    while (pool.bytes + datagram.charged > pool.maxBytes) {
      this.#evictOldest(pool.datagrams, 'datagramEvictedForBytes');
    }
    datagram.pool = pool;
    pool.datagrams.add(datagram);
    pool.bytes += datagram.charged;
  }

  #evictOldest(oldestFirst: Iterable<Datagram>, why: ReassemblyEvent, kept?: Datagram): void {
    for (const datagram of oldestFirst) {
      if (datagram === kept) continue;
      this.#count(why);
      this.#remove(datagram);
      return;
    }
  }

  /**
   * Gives the memory back and keeps the key until the time-out, so that the rest cannot begin the
   * datagram anew. RFC 5722, Section 4: "the entire datagram (and any constituent fragments,
   * including those not yet received) MUST be silently discarded".
   */
  #abandon(datagram: Datagram, why: FragmentOutcome): FragmentOutcome {
    datagram.abandoned = true;
    datagram.pieces = [];
    this.#release(datagram);
    return why;
  }

  #remove(datagram: Datagram): void {
    this.#release(datagram);
    datagram.pool.datagrams.delete(datagram);
    this.#datagrams.delete(datagram.key);
    const { source } = datagram;
    source.datagrams.delete(datagram);
    if (source.datagrams.size === 0) this.#sources.delete(source.key);
  }

  #release(datagram: Datagram): void {
    datagram.pool.bytes -= datagram.charged;
    datagram.source.bytes -= datagram.charged;
    datagram.charged = 0;
  }
}

function contradictsEnd(datagram: Datagram, end: number, more: boolean): boolean {
  if (more) return datagram.end !== undefined && end >= datagram.end;
  return datagram.end === undefined ? end <= datagram.reached : end !== datagram.end;
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

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
