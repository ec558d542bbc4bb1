// SPDX-License-Identifier: Apache-2.0
/**
 * From copied frames to whole UDP datagrams: Ethernet, IPv4 and IPv6, reassembly, UDP.
 *
 * Nothing here throws, whatever the bytes are. The caller says what time it is.
 */
import { ByteCursor } from '../base/cursor.ts';
import { isSame, ReassemblerByHops } from './by-hops.ts';
import { EtherType, parseEthernet } from './ethernet.ts';
import { FragmentKey } from './fragment-key.ts';
import { parseIpv4, type Ipv4Refusal } from './ipv4.ts';
import { parseIpv6, type Ipv6Refusal } from './ipv6.ts';
import {
  DEFAULT_LIMITS,
  Reassembler,
  type FragmentOutcome,
  type ReassembledPayload,
  type ReassemblyEvent,
  type ReassemblyLimits,
  type Tracked,
} from './reassembly.ts';
import { parseUdp, type UdpDatagram } from './udp.ts';

export type { ReassemblyLimits, UdpDatagram };

/** What became of a frame. Each frame adds one to exactly one of these counters. */
export type FrameOutcome =
  /** It was a whole datagram, which was returned. */
  | 'datagramWhole'
  /** It completed a datagram, which was returned. */
  | 'datagramReassembled'
  | 'ethernetTruncated'
  /** It has another EtherType, more than three VLAN tags, or PPPoE with something else than IP. */
  | 'notIp'
  | Ipv4Refusal
  | Ipv6Refusal
  /** The UDP length is less than its header, or more than IP carried. */
  | 'udpBadLength'
  | FragmentOutcome;

/** What checksums said of packets that were not refused for them: see parseIpv4 and UdpChecksum. */
export type ChecksumNote =
  'ipv4ChecksumAbsent' | 'checksumAbsent' | 'checksumPseudoHeaderOnly' | 'checksumBad';

export type DecodeCounter = FrameOutcome | ReassemblyEvent | ChecksumNote;

export interface DecoderOptions {
  readonly limits?: Partial<ReassemblyLimits> | undefined;
  /** A part of the reassembly budget is kept for datagrams that it says matter. */
  readonly tracked?: Tracked | undefined;
  /** Accepts IPv4 packets whose header checksum is 0, as in captures made on the sender. */
  readonly acceptsNoIpv4Checksum?: boolean | undefined;
}

/** Turns copied frames into whole UDP datagrams. */
export class DatagramDecoder {
  readonly #counters = zeroCounters();
  readonly #reassembler: Reassembler;
  readonly #byHops: ReassemblerByHops;
  #others: readonly UdpDatagram[] = [];
  readonly #acceptsNoIpv4Checksum: boolean;

  constructor({ limits, tracked, acceptsNoIpv4Checksum = false }: DecoderOptions = {}) {
    this.#acceptsNoIpv4Checksum = acceptsNoIpv4Checksum;
    const all = { ...DEFAULT_LIMITS, ...limits };
    this.#byHops = new ReassemblerByHops(all);
    this.#reassembler = new Reassembler(
      all,
      (event) => {
        this.#counters[event]++;
      },
      tracked,
    );
  }

  get counters(): Readonly<Record<DecodeCounter, number>> {
    return this.#counters;
  }

  /** Datagrams that wait for fragments, and the bytes charged for them. */
  get pending(): { readonly datagrams: number; readonly bytes: number } {
    const { datagrams, bytes } = this.#reassembler.pending;
    return { datagrams, bytes: bytes + this.#byHops.pendingBytes };
  }

  /**
   * Returns the datagram if this frame is or completes one; otherwise undefined, and one counter
   * says why.
   *
   * `now` is in milliseconds. Only fragments from one interface are put together: another may lead
   * to another network with the same addresses. Nothing of `frame` is kept, but the payload of a
   * datagram that came whole is a view of it.
   */
  push(frame: Uint8Array, now: number, interfaceName: string): UdpDatagram | undefined {
    this.#others = [];
    const result = this.#decode(frame, now, interfaceName);
    if (typeof result === 'string') {
      this.#counters[result]++;
      return undefined;
    }
    this.#counters[result.fragments === 1 ? 'datagramWhole' : 'datagramReassembled']++;
    if (result.checksum === 'absent') this.#counters.checksumAbsent++;
    else if (result.checksum === 'pseudo-header-only') this.#counters.checksumPseudoHeaderOnly++;
    else if (result.checksum === 'bad') this.#counters.checksumBad++;
    return result;
  }

  /**
   * What the last frame completed besides what was returned: its receiver may have got one of these,
   * if not all fragments came as far (ReassemblerByHops). Almost always nothing.
   */
  get others(): readonly UdpDatagram[] {
    return this.#others;
  }

  /** Drops datagrams that have waited too long. To be called now and then when nothing arrives. */
  expire(now: number): void {
    this.#reassembler.expire(now);
    this.#byHops.expire(now);
  }

  #decode(frame: Uint8Array, now: number, interfaceName: string): UdpDatagram | FrameOutcome {
    const cursor = new ByteCursor(frame);
    const link = parseEthernet(cursor);
    if (link === undefined) return 'ethernetTruncated';
    const packet =
      link.etherType === EtherType.ipv4
        ? parseIpv4(cursor, this.#acceptsNoIpv4Checksum)
        : link.etherType === EtherType.ipv6
          ? parseIpv6(cursor)
          : 'notIp';
    if (typeof packet === 'string') return packet;
    if (packet.lacksChecksum) this.#counters.ipv4ChecksumAbsent++;
    if (packet.fragment === undefined) {
      return parseUdp(packet, frame, packet.payloadStart, packet.payloadEnd, 1);
    }
    const { fragment } = packet;
    // Nobody vouches for a fragment without a checksum, so it goes with others of its kind alone.
    const network = `${interfaceName}/${link.network}${packet.lacksChecksum ? '/unchecked' : ''}`;
    const key = new FragmentKey(packet, fragment, network);
    const byHops = this.#byHops.add(
      key,
      packet,
      fragment,
      () => this.#reassembler.heldWithOthers(key, packet.hops, now),
      now,
    );
    const whole = this.#reassembler.add(key, packet, fragment, now);
    const read = ({ bytes, start, fragments }: ReassembledPayload): UdpDatagram | 'udpBadLength' =>
      parseUdp(packet, bytes, start, bytes.length, fragments);
    if (typeof whole !== 'string') {
      const others = byHops.filter((each) => !isSame(each, whole)).map(read);
      this.#others = others.filter((each) => typeof each !== 'string');
      return read(whole);
    }
    const [first = whole, ...others] = byHops.map(read);
    this.#others = others.filter((each) => typeof each !== 'string');
    return first;
  }
}

function zeroCounters(): Record<DecodeCounter, number> {
  return {
    datagramWhole: 0,
    datagramReassembled: 0,
    ethernetTruncated: 0,
    notIp: 0,
    ipv4Truncated: 0,
    ipv4BadHeader: 0,
    ipv4BadChecksum: 0,
    ipv6Truncated: 0,
    ipv6BadHeader: 0,
    notUdp: 0,
    udpBadLength: 0,
    fragmentHeld: 0,
    fragmentEmpty: 0,
    fragmentMisaligned: 0,
    fragmentBeyondMaximum: 0,
    fragmentDuplicate: 0,
    fragmentOverlap: 0,
    fragmentConflictingEnd: 0,
    fragmentHeaderChainCut: 0,
    fragmentNotUdp: 0,
    fragmentTooMany: 0,
    fragmentOverBudget: 0,
    datagramTimedOut: 0,
    datagramEvicted: 0,
    ipv4ChecksumAbsent: 0,
    checksumAbsent: 0,
    checksumPseudoHeaderOnly: 0,
    checksumBad: 0,
  };
}
