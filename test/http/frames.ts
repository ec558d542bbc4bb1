// SPDX-License-Identifier: Apache-2.0
/** HTTP/2 frames (RFC 9113, Section 4), for servers that do what no library's would. */

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export const TYPES = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  goaway: 7,
  windowUpdate: 8,
} as const;
export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
/** Flags: of DATA and HEADERS; of HEADERS and PUSH_PROMISE; of SETTINGS. */
export const END_STREAM = 1;
export const END_HEADERS = 4;
export const ACK = 1;

const HEADER_BYTES = 9;

export function frame(
  type: keyof typeof TYPES,
  flags = 0,
  stream = 0,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = TYPES[type];
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** The whole frames at the beginning of `bytes`, and how many bytes they are. */
export function parseFrames(bytes: Buffer): { frames: Frame[]; length: number } {
  const frames: Frame[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= bytes.length) {
    const end = at + HEADER_BYTES + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    frames.push({
      type: bytes.readUInt8(at + 3),
      flags: bytes.readUInt8(at + 4),
      stream: bytes.readUInt32BE(at + 5),
      payload: bytes.subarray(at + HEADER_BYTES, end),
    });
    at = end;
  }
  return { frames, length: at };
}

export function uint32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32BE(value, 4 * i));
  return bytes;
}

/** A header of HPACK that is in no table (RFC 7541, Section 6.2.2), with Huffman coding off. */
export function literal(name: string, value: string): Buffer {
  return Buffer.concat([Uint8Array.of(0), string(name), string(value)]);
}

function string(text: string): Buffer {
  const length = [Math.min(text.length, 127)];
  let rest = text.length - 127;
  if (rest >= 0) {
    for (; rest >= 128; rest >>= 7) length.push((rest % 128) + 128);
    length.push(rest);
  }
  return Buffer.concat([Uint8Array.from(length), Buffer.from(text, 'latin1')]);
}
