// SPDX-License-Identifier: Apache-2.0
/**
 * Captures in pcap and pcapng, from bytes as they come.
 *
 * Every length in a capture is somebody's claim: one that cannot hold ends the reading with an
 * error that names packet and byte, after all packets before it have been delivered. Packets of a
 * link type that is not read are passed over and counted.
 */
import { badInput } from '../../base/errors.ts';
import { classicFormat, readClassic } from './classic.ts';
import type { CaptureSummary, Delivery } from './delivery.ts';
import { CONVERT, nameOfLinkType } from './link-types.ts';
import { CapturePacket, type LinkType } from './packet.ts';
import { readPcapng, SECTION_HEADER } from './pcapng.ts';
import { Window, type Wanting } from './window.ts';

/** libpcap's MAXIMUM_SNAPLEN: no tool writes larger packets for the link types read here. */
const MAX_PACKET = 262_144;

export class CaptureReader implements Delivery {
  readonly packet: CapturePacket;
  readonly maxPacket = MAX_PACKET;
  readonly #name: string;
  readonly #onPacket: (packet: CapturePacket) => void;
  readonly #window: Window;
  readonly #reading: Wanting<void>;
  readonly #unread = new Map<number, number>();
  readonly #notes = new Set<string>();
  #cut = 0;

  /**
   * `name` says in messages what is read. `onPacket` gets the same object again and again, valid
   * during the call.
   */
  constructor(name: string, onPacket: (packet: CapturePacket) => void) {
    this.#name = name;
    this.#onPacket = onPacket;
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
    for (let taken = 0; taken < chunk.length;) {
      taken += this.#window.fill(chunk.subarray(taken));
      if (this.#reading.next().done === true) return;
    }
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
    else throw this.#notCapture(`it begins with 0x${magic.toString(16).padStart(8, '0')}`);
  }

  #notCapture(why: string): Error {
    return badInput(
      `${this.#name}: not a capture file: ${why}`,
      'Give a file in pcap or pcapng format, as tcpdump -w and Wireshark write them.',
    );
  }
}
