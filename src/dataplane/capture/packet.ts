// SPDX-License-Identifier: Apache-2.0
/**
 * A packet of a capture: a place in the reader's buffer, and what the link layer says of it.
 *
 * One object serves all packets of a file, so that a packet that nobody wants allocates nothing.
 */
/** What packets of a capture begin with: see link-types.ts. */
export interface LinkType {
  readonly isEthernet?: boolean;
  /** Tells the packet what it carries, and where. Leaves it CUT if its header is not whole. */
  locate(packet: CapturePacket): void;
}

/** Turns the two 32-bit halves of a time in a file into milliseconds since the epoch. */
export type Clock = (high: number, low: number) => number;

/** An `etherType` for packets that end before their link layer says what they carry. */
export const CUT = -1;

const ETHERNET_HEADER = 14;

export class CapturePacket {
  /** The reader's buffer; valid only until the next packet. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The byte order of the file at this place. */
  littleEndian = false;
  /** 1 for the first packet, as tcpdump and Wireshark count. */
  index = 0;
  /** The packet, with its link layer, is bytes[start, end). */
  start = 0;
  end = 0;
  /** Bytes that the packet had on the wire, with the link layer that the capture has. */
  frameLength = 0;
  /** EtherType of what the link layer carries, which may be a VLAN tag or PPPoE; or CUT. */
  etherType = CUT;
  /** The carried packet is bytes[payloadAt, payloadEnd). */
  payloadAt = 0;
  payloadEnd = 0;
  #isEthernet = false;
  #high = 0;
  #low = 0;
  #clock: Clock = () => 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Milliseconds since the epoch. A packet without a time has that of the packet before. */
  get timestamp(): number {
    return this.#clock(this.#high, this.#low);
  }

  setTime(clock: Clock, high: number, low: number): void {
    this.#clock = clock;
    this.#high = high;
    this.#low = low;
  }

  /** Takes bytes[start, end) as the next packet. */
  place(link: LinkType, start: number, end: number, frameLength: number): void {
    this.index += 1;
    this.start = start;
    this.end = end;
    this.frameLength = frameLength;
    this.etherType = CUT;
    this.payloadAt = end;
    this.payloadEnd = end;
    this.#isEthernet = link.isEthernet === true;
    link.locate(this);
  }

  /** Whether `length` bytes of the packet begin at `at`. */
  has(at: number, length: number): boolean {
    return at + length <= this.payloadEnd;
  }

  u16(at: number): number {
    return this.view.getUint16(at);
  }

  /** What the link layer carries begins at `at`. */
  carries(etherType: number, at: number): void {
    this.etherType = etherType;
    this.payloadAt = at;
  }

  /**
   * IP begins at `at`. The version is read from there, since the numbers that link layers have for
   * IPv6 differ from system to system.
   */
  carriesIp(at: number): void {
    if (this.has(at, 1)) this.carries((this.bytes[at] as number) >>> 4 === 6 ? 0x86dd : 0x0800, at);
  }

  /**
   * The packet as an Ethernet frame, with a header of zeros unless it has one. It is a view that
   * ends with the next packet, or a copy.
   */
  frame(): Uint8Array {
    const { bytes, start, end, etherType, payloadAt, payloadEnd } = this;
    if (this.#isEthernet) return bytes.subarray(start, end);
    if (etherType === CUT) return new Uint8Array(0);
    const frame = new Uint8Array(ETHERNET_HEADER + payloadEnd - payloadAt);
    const view = new DataView(frame.buffer);
    view.setUint16(12, etherType);
    frame.set(bytes.subarray(payloadAt, payloadEnd), ETHERNET_HEADER);
    return frame;
  }
}
