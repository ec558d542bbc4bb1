// SPDX-License-Identifier: Apache-2.0
/**
 * Captures in pcap and pcapng, and dnstap in Frame Streams, from bytes as they come.
 *
 * Every length in a capture is somebody's claim: one that cannot hold ends the reading with an
 * error that names packet and byte, after all packets before it have been delivered. Packets of a
 * link type that is not read are passed over and counted.
 */
import { badInput } from '../../base/errors.ts';
import { Control, DNSTAP_CONTENT, readFrames } from '../dnstap/frame-stream.ts';
import { DnstapFrame, MALFORMED, NO_RESPONSE } from '../dnstap/message.ts';
import { classicFormat, readClassic } from './classic.ts';
import type { CaptureSummary, Delivery } from './delivery.ts';
import { CONVERT, nameOfLinkType } from './link-types.ts';
import { CapturePacket, type LinkType } from './packet.ts';
import { readPcapng, SECTION_HEADER } from './pcapng.ts';
import { Window, type Wanting } from './window.ts';

/** Frame Streams begin with a control frame, which an impossible length announces. */
const FRAME_STREAM = 0;
const inSeconds = (seconds: number): number => seconds * 1000;

/** libpcap's MAXIMUM_SNAPLEN: no tool writes larger packets for the link types read here. */
const MAX_PACKET = 262_144;

/** What is made of the frames of a capture by a resolver. Called with the reader's `packet`. */
export interface FrameHandler {
  /** A DNS response is bytes[start, end) of the packet's buffer. */
  response(packet: CapturePacket, start: number, end: number): void;
  /** A frame tells something else, or is none. */
  other(kind: typeof NO_RESPONSE | typeof MALFORMED): void;
}

export class CaptureReader implements Delivery {
  readonly packet: CapturePacket;
  readonly maxPacket = MAX_PACKET;
  readonly #name: string;
  readonly #onPacket: (packet: CapturePacket) => void;
  readonly #frames: FrameHandler | undefined;
  readonly #window: Window;
  readonly #reading: Wanting<void>;
  readonly #unread = new Map<number, number>();
  readonly #notes = new Set<string>();
  #cut = 0;

  /**
   * `name` says in messages what is read. The handlers get the same object again and again, valid
   * during the call.
   */
  constructor(name: string, onPacket: (packet: CapturePacket) => void, frames?: FrameHandler) {
    this.#name = name;
    this.#onPacket = onPacket;
    this.#frames = frames;
    this.#window = new Window(name);
    this.packet = new CapturePacket(this.#window.bytes);
    this.#reading = this.#read();
  }

  get summary(): CaptureSummary {
    return {
      packets: this.packet.index,
      cut: this.#cut,
      unread: this.#unread,
      notes: [...this.#notes],
    };
  }

  /**
   * Reads on. Throws CtgaError `bad-input` if this is no capture or is damaged, and what `onPacket`
   * throws; it may not be called again then.
   */
  push(chunk: Uint8Array): void {
    this.#window.feed(chunk, this.#reading);
  }

  /** To be called when all bytes have come. Throws as push does. */
  end(): void {
    this.#window.isComplete = true;
    this.#reading.next();
    const [unread] = this.#unread.keys();
    const skipped = [...this.#unread.values()].reduce((sum, count) => sum + count, 0);
    if (unread !== undefined && skipped === this.packet.index)
      throw badInput(
        `${this.#name}: link type ${[...this.#unread.keys()].map(nameOfLinkType).join(', ')} cannot be read`,
        CONVERT,
      );
  }

  deliver(link: LinkType, at: number, length: number, frameLength: number): void {
    if (length < frameLength) this.#cut += 1;
    this.packet.place(link, at, at + length, frameLength);
    this.#onPacket(this.packet);
  }

  skip(linkNumber: number): void {
    this.packet.index += 1;
    this.#unread.set(linkNumber, (this.#unread.get(linkNumber) ?? 0) + 1);
  }

  note(sentence: string): void {
    this.#notes.add(sentence);
  }

  *#read(): Wanting<void> {
    const window = this.#window;
    if (!(yield* window.need(4))) throw this.#notCapture(`it has ${window.available} bytes`);
    const start = window.bytes.subarray(window.start, window.start + 4);
    const magic = start.readUInt32BE();
    const classic = classicFormat(start);
    if (classic !== undefined) yield* readClassic(window, classic, this);
    else if (magic === SECTION_HEADER) yield* readPcapng(window, this);
    else if (magic === FRAME_STREAM) yield* this.#readDnstap();
    else throw this.#notCapture(`it begins with 0x${magic.toString(16).padStart(8, '0')}`);
  }

  /** A file of Frame Streams, as fstrm_capture writes it. */
  *#readDnstap(): Wanting<void> {
    const { packet } = this;
    const { bytes } = this.#window;
    const frame = new DnstapFrame();
    let last: number | undefined;
    yield* readFrames(this.#window, {
      frame: (start, end) => {
        packet.index += 1;
        const found = frame.read(bytes, start, end);
        if (found !== '') return this.#frames?.other(found);
        if (frame.seconds > 0) packet.setTime(inSeconds, frame.seconds, 0);
        this.#frames?.response(packet, frame.start, frame.end);
      },
      tooLarge: () => {
        packet.index += 1;
        this.#frames?.other(MALFORMED);
      },
      control: (type, contentTypes) => {
        last = type;
        if (
          type === Control.start &&
          contentTypes.length > 0 &&
          !contentTypes.includes(DNSTAP_CONTENT)
        )
          throw this.#notCapture(`its frames are ${contentTypes.join(', ')}`);
        return true;
      },
    });
    if (last === Control.start)
      this.note('the stream has no end: what was written last may be missing');
  }

  #notCapture(why: string): Error {
    return badInput(
      `${this.#name}: not a capture file: ${why}`,
      'Give a file in pcap or pcapng format, as tcpdump -w and Wireshark write them, or dnstap in Frame Streams, as fstrm_capture writes it.',
    );
  }
}
