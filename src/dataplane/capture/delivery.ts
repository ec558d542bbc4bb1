// SPDX-License-Identifier: Apache-2.0
/** What is made of a capture's packets: by the formats' readers, and in sum. */
import type { CapturePacket, LinkType } from './packet.ts';

/** What the formats do with what they find. */
export interface Delivery {
  readonly packet: CapturePacket;
  /** In bytes. */
  readonly maxPacket: number;
  /** Delivers the `length` bytes at `at` in the buffer. */
  deliver(link: LinkType, at: number, length: number, frameLength: number): void;
  /** Counts a packet whose link type is not read. */
  skip(linkNumber: number): void;
  /** Remembers a sentence about the file, once. */
  note(sentence: string): void;
}

/** What was in a capture beside the packets that were delivered. */
export interface CaptureSummary {
  /** All packets, with those that were not read. */
  readonly packets: number;
  /** Packets of which the capture holds less than was on the wire. */
  readonly cut: number;
  /** How many packets were not read, by the number of their link type. */
  readonly unread: ReadonlyMap<number, number>;
  /** Sentences about what is wrong with the capture and did not keep it from being read. */
  readonly notes: readonly string[];
}
