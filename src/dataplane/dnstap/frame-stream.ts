// SPDX-License-Identifier: Apache-2.0
/**
 * Frame Streams, the framing of dnstap (https://farsightsec.github.io/fstrm/): frames of a length
 * and so many bytes; a length of zero announces a control frame. Integers are big-endian, of 32
 * bits.
 */
import type { Wanting, Window } from '../capture/window.ts';

export const DNSTAP_CONTENT = 'protobuf:dnstap.Dnstap';

export const Control = { accept: 1, start: 2, stop: 3, ready: 4, finish: 5 } as const;
export type Control = (typeof Control)[keyof typeof Control];

/** The only field of a control frame. */
const CONTENT_TYPE = 1;
/** FSTRM_CONTROL_FRAME_LENGTH_MAX. */
const MAX_CONTROL = 512;
/** In bytes: a DNS message of 64 KiB, its question in another 64 KiB, and what is said of both. */
const MAX_FRAME = 256 * 1024;

/** What becomes of the frames of a stream. */
export interface FrameSink {
  /**
   * The data frame is bytes[start, end) of the window, behind the four bytes of its length. Valid
   * during the call.
   */
  frame(start: number, end: number): void;
  /** A data frame was too large to be anything, and was passed over. */
  tooLarge(): void;
  /** A control frame with its content types. Returns false to end the reading. */
  control(type: number, contentTypes: readonly string[]): boolean;
}

/**
 * Reads a stream to its end, or until the sink ends it. Throws the window's error for what is no
 * Frame Stream; `frames` of the sink before it were delivered.
 */
export function* readFrames(window: Window, sink: FrameSink): Wanting<void> {
  const { bytes } = window;
  for (let frames = 0; ;) {
    if (window.available < 4 && !(yield* window.need(4))) {
      if (window.available === 0) return;
      throw window.damage('a length is 4 bytes', `${window.available} are left`, frames);
    }
    const length = bytes.readUInt32BE(window.start);
    if (length === 0) {
      if (!(yield* readControl(window, sink, frames))) return;
      continue;
    }
    frames += 1;
    if (length > MAX_FRAME) {
      sink.tooLarge();
      if (!(yield* window.skip(4 + length)))
        throw window.damage(`the frame is ${length} bytes`, 'the stream ends before', frames - 1);
      continue;
    }
    if (window.available < 4 + length && !(yield* window.need(4 + length)))
      throw window.damage(
        `the frame is ${length} bytes`,
        `${window.available - 4} are left`,
        frames - 1,
      );
    const start = window.start + 4;
    window.start = start + length;
    sink.frame(start, start + length);
  }
}

function* readControl(window: Window, sink: FrameSink, frames: number): Wanting<boolean> {
  const { bytes } = window;
  if (!(yield* window.need(8)))
    throw window.damage('a control frame has a length', 'the stream ends before', frames);
  const length = bytes.readUInt32BE(window.start + 4);
  if (length < 4 || length > MAX_CONTROL)
    throw window.damage(
      `a control frame is 4 to ${MAX_CONTROL} bytes`,
      `this one claims ${length}`,
      frames,
    );
  if (!(yield* window.need(8 + length)))
    throw window.damage(`the control frame is ${length} bytes`, 'the stream ends before', frames);
  const frame = bytes.subarray(window.start + 8, window.start + 8 + length);
  const contentTypes: string[] = [];
  let at = 4;
  while (at + 8 <= length) {
    const size = frame.readUInt32BE(at + 4);
    if (frame.readUInt32BE(at) !== CONTENT_TYPE || size > length - at - 8) break;
    contentTypes.push(frame.toString('latin1', at + 8, at + 8 + size));
    at += 8 + size;
  }
  if (at !== length)
    throw window.damage('a control frame holds content types', 'this one something else', frames);
  window.start += 8 + length;
  return sink.control(frame.readUInt32BE(0), contentTypes);
}

/** A control frame, with the content type of dnstap if it is to name one. */
export function controlFrame(type: Control, namesContent: boolean): Buffer {
  const content = namesContent ? Buffer.from(DNSTAP_CONTENT, 'latin1') : undefined;
  const frame = Buffer.alloc(12 + (content === undefined ? 0 : 8 + content.length));
  frame.writeUInt32BE(frame.length - 8, 4);
  frame.writeUInt32BE(type, 8);
  if (content === undefined) return frame;
  frame.writeUInt32BE(CONTENT_TYPE, 12);
  frame.writeUInt32BE(content.length, 16);
  content.copy(frame, 20);
  return frame;
}
