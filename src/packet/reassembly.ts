/**
 * Reassembly of IP fragments: RFC 791, Section 3.2 and RFC 8200, Section 4.5, as strictly as a
 * reader of other people's packets should: RFC 5722 (overlaps), RFC 6946 (atomic fragments), RFC
 * 7112 (header chains), RFC 1858 and RFC 3128 (tiny fragments), RFC 4963 (identifications come
 * round again).
 *
 * A fragment that is impossible by itself (empty, misaligned, beyond 65,535 bytes, headers cut) is
 * discarded alone: if it took its datagram with it, one such packet sent ahead would hide a tree
 * head from us that the receiver still gets. Fragments that contradict each other (overlaps, two
 * ends) abandon the datagram, and the key is remembered until the time-out so that the rest cannot
 * start it anew (RFC 5722). Late duplicates of a finished datagram begin a new one that times out:
 * to remember finished keys as well would lose the next datagram wherever identifications are
 * reused quickly (RFC 4963).
 *
 * Everything that an attacker can make grow is bounded: bytes, datagrams, both for each source, and
 * fragments for each datagram, which bounds the work as well (CVE-2018-5391). No clock of its own.
 */
import type { IpFragment, IpPacket } from './ip.ts';
import { IpProtocol } from './ip.ts';

export interface ReassemblyLimits {
  /** Milliseconds from a datagram's first fragment; never extended. */
  readonly timeout: number;
  /** Memory in all: payload, and FRAGMENT_OVERHEAD for each fragment. */
  readonly bytes: number;
  /** Datagrams in all, abandoned ones included. */
  readonly datagrams: number;
  /**
   * Both of these for one source: an IPv4 address, or an IPv6 /64, within which a host may choose
   * freely.
   */
  readonly bytesPerSource: number;
  readonly datagramsPerSource: number;
  readonly fragmentsPerDatagram: number;
}

export const DEFAULT_LIMITS: ReassemblyLimits = {
  // Resolvers give an answer up after a few seconds. RFC 8200's 60 s would only let more
  // identifications recur.
  timeout: 15_000,
  bytes: 8 * 1024 * 1024,
  // The tail of every large answer is a small fragment whose start is too large to be copied: it
  // waits in vain.
  datagrams: 4096,
  bytesPerSource: 2 * 1024 * 1024,
  datagramsPerSource: 512,
  // An answer of 2048 bytes and its UDP header in the smallest fragments there are, 8 bytes each.
  // No larger answer is a tree head; with 1280-byte fragments this is beyond any datagram there can
  // be.
  fragmentsPerDatagram: (2048 + 8) / 8,
};

/**
 * What a held fragment costs beside its bytes, about; so a flood of 8-byte fragments is charged for
 * its weight.
 */
export const FRAGMENT_OVERHEAD = 192;

/** Of the budget, the part that only datagrams known to matter may use. */
const RESERVED_PART = 1 / 4;

const MAX_IP_LENGTH = 65_535;

/** What became of a fragment that did not complete a datagram. */
export type FragmentOutcome =
  /** Kept until the rest has come. */
  | 'fragmentHeld'
  /** The same bytes at the same place as before: ignored. */
  | 'fragmentDuplicate'
  /** Of an abandoned datagram: discarded. */
  | 'fragmentOfAbandoned'
  /** Discarded alone, as are the next three: without a payload. */
  | 'fragmentEmpty'
  /** Not the last, but not a multiple of 8 bytes long. */
  | 'fragmentMisaligned'
  /** Reaches beyond 65,535 bytes ("ping of death"). */
  | 'fragmentBeyondMaximum'
  /** An IPv6 first fragment that does not hold all headers (RFC 7112). */
  | 'fragmentHeaderChainCut'
  /**
   * From here on, what abandons a datagram. Shares bytes with another fragment ("teardrop"), even
   * equal ones.
   */
  | 'fragmentOverlap'
  /** Two ends, data beyond the end, or more to come where the end was. */
  | 'fragmentConflictingEnd'
  /** An IPv6 first fragment that turns out not to be of UDP. */
  | 'fragmentNotUdp'
  /** More fragments than the limit. */
  | 'fragmentTooMany'
  /** The datagram alone does not fit the budget. */
  | 'fragmentOverBudget';

/** What became of datagrams without a frame of their own to blame. */
export type ReassemblyEvent =
  | 'datagramTimedOut'
  | 'datagramEvictedForBytes'
  | 'datagramEvictedForCount'
  | 'datagramEvictedForSource';

/** A datagram put together: what the IP header's fragments carried. */
export interface ReassembledPayload {
  readonly bytes: Uint8Array;
  /** Where the UDP header begins, after extension headers. */
  readonly start: number;
  readonly fragments: number;
}

/**
 * Tells, by the bytes after the UDP header in a first fragment, that the datagram is one to keep if
 * possible.
 */
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
  /** Disjoint, by start. Empty once abandoned. */
  pieces: Piece[];
  abandoned: boolean;
  /**
   * Sum of the pieces' lengths: since they are disjoint, the datagram is whole when this reaches
   * `end`.
   */
  received: number;
  charged: number;
  /** Known from the last fragment. */
  end: number | undefined;
  /** Where the furthest fragment that is not the last ends: the end lies beyond. */
  reached: number;
  upperOffset: number;
}

/**
 * A part of the budget. Datagrams are in the order they entered it, which is the order they are
 * evicted in.
 */
class Pool {
  readonly datagrams = new Map<string, Datagram>();
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
   * Takes one fragment, by copy. `network` tells networks apart in which the same addresses may
   * mean different hosts: interface and VLANs.
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
    if (next?.start === start && equal(next.bytes, bytes)) return 'fragmentDuplicate';
    const previous = pieces[index - 1];
    const overlaps =
      (next !== undefined && next.start < end) ||
      (previous !== undefined && previous.start + previous.bytes.length > start);
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
    // Not slice(): on a Buffer that is a view, and the frame is not ours to keep.
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
   * Drops what is older than the time-out; add() does so too. Datagrams are held in order of
   * arrival, so this costs no more than what it drops; should the clock have jumped, add() still
   * sees each datagram's own age.
   */
  expire(now: number): void {
    for (const pool of [this.#ordinary, this.#reserved]) {
      for (const datagram of pool.datagrams.values()) {
        if (!this.#isOld(datagram, now)) break;
        this.#timeOut(datagram);
      }
    }
  }

  #isOld(datagram: Datagram, now: number): boolean {
    // A wall clock may be set back, and captures are not quite in order: far in the future is old
    // as well.
    return Math.abs(now - datagram.since) >= this.#limits.timeout;
  }

  #timeOut(datagram: Datagram): void {
    if (!datagram.abandoned) this.#count('datagramTimedOut'); // an abandoned one was counted when it was
    this.#remove(datagram);
  }

  #find(packet: IpPacket, fragment: IpFragment, network: string, now: number): Datagram {
    const { bytes, addressesAt, addressLength } = packet;
    // RFC 791: source, destination, protocol (only UDP gets here), identification. RFC 8200: the
    // same without the protocol. The addresses' length keeps the two apart.
    const addresses = latin1(bytes, addressesAt, addressesAt + 2 * addressLength);
    const key = `${network}/${addressLength}/${fragment.identification}/${addresses}`;
    const found = this.#ordinary.datagrams.get(key) ?? this.#reserved.datagrams.get(key);
    if (found !== undefined) {
      if (!this.#isOld(found, now)) return found;
      this.#timeOut(found);
    }

    const sourceKey = `${network}/${addresses.slice(0, addressLength === 4 ? 4 : 8)}`;
    let source = this.#sources.get(sourceKey);
    if (source !== undefined && source.datagrams.size >= this.#limits.datagramsPerSource) {
      this.#evictOldest(source.datagrams.values(), 'datagramEvictedForSource');
    }
    const pool = this.#ordinary;
    if (pool.datagrams.size >= pool.maxDatagrams) {
      this.#evictOldest(pool.datagrams.values(), 'datagramEvictedForCount');
    }
    // Looked up again: the last datagram of a source takes the source with it.
    source = this.#sources.get(sourceKey) ?? { key: sourceKey, bytes: 0, datagrams: new Set() };
    const datagram: Datagram = {
      key,
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
    pool.datagrams.set(key, datagram);
    return datagram;
  }

  /**
   * Makes room for `bytes` more in `datagram`, oldest out first; false if it would not fit even
   * alone.
   */
  #charge(datagram: Datagram, bytes: number): boolean {
    const { pool, source } = datagram;
    const limit = Math.min(pool.maxBytes, this.#limits.bytesPerSource);
    if (datagram.charged + bytes > limit) return false;
    while (source.bytes + bytes > this.#limits.bytesPerSource) {
      this.#evictOldest(source.datagrams.values(), 'datagramEvictedForSource', datagram);
    }
    while (pool.bytes + bytes > pool.maxBytes) {
      this.#evictOldest(pool.datagrams.values(), 'datagramEvictedForBytes', datagram);
    }
    pool.bytes += bytes;
    source.bytes += bytes;
    datagram.charged += bytes;
    return true;
  }

  /**
   * Moves a datagram into the part of the budget that a flood of unknown fragments cannot touch.
   */
  #reserve(datagram: Datagram): void {
    const pool = this.#reserved;
    if (datagram.pool === pool || datagram.charged > pool.maxBytes) return;
    datagram.pool.datagrams.delete(datagram.key);
    datagram.pool.bytes -= datagram.charged;
    if (pool.datagrams.size >= pool.maxDatagrams) {
      this.#evictOldest(pool.datagrams.values(), 'datagramEvictedForCount');
    }
    while (pool.bytes + datagram.charged > pool.maxBytes) {
      this.#evictOldest(pool.datagrams.values(), 'datagramEvictedForBytes');
    }
    datagram.pool = pool;
    pool.datagrams.set(datagram.key, datagram);
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

  /** Gives the memory back and keeps the key, until the time-out. */
  #abandon(datagram: Datagram, why: FragmentOutcome): FragmentOutcome {
    datagram.abandoned = true;
    datagram.pieces = [];
    this.#release(datagram);
    return why;
  }

  #remove(datagram: Datagram): void {
    this.#release(datagram);
    datagram.pool.datagrams.delete(datagram.key);
    datagram.source.datagrams.delete(datagram);
    if (datagram.source.datagrams.size === 0) this.#sources.delete(datagram.source.key);
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

/** Bytes as a string that can be part of a key. */
function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at] as number);
  return text;
}
