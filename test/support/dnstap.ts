// SPDX-License-Identifier: Apache-2.0
/** dnstap as resolvers write it: frames in Protocol Buffers' wire format, in Frame Streams. */
import { CLIENT_V4 } from './packets.ts';

/** Message.Type of dnstap.proto. */
export const MessageType = {
  authQuery: 1,
  authResponse: 2,
  resolverQuery: 3,
  resolverResponse: 4,
  clientQuery: 5,
  clientResponse: 6,
  forwarderResponse: 8,
  stubResponse: 10,
  toolResponse: 12,
  updateResponse: 14,
} as const;

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}

export function varintField(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

export function bytesField(field: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
}

function fixed32Field(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return Buffer.concat([varint(field * 8 + 5), bytes]);
}

export interface DnstapOptions {
  readonly type?: number;
  readonly address?: string;
  readonly port?: number;
  /** Message.SocketProtocol; 1 is UDP, 2 TCP, and 3, DNS over TLS, unless told. */
  readonly protocol?: number;
  readonly seconds?: number;
  /** Dnstap.type; 1, a message, unless told. */
  readonly kind?: number;
}

/** A frame that tells a response, with the fields that Debian's unbound and BIND write. */
export function dnstapFrame(response: Uint8Array, options: DnstapOptions = {}): Buffer {
  const { type = MessageType.clientResponse, address = CLIENT_V4, port = 4242, kind = 1 } = options;
  const message = Buffer.concat([
    varintField(1, type),
    varintField(2, 1),
    varintField(3, options.protocol ?? 3),
    bytesField(4, Buffer.from(address.split('.').map(Number))),
    varintField(6, port),
    varintField(12, options.seconds ?? 1_520_614_811),
    fixed32Field(13, 284_000_000),
    bytesField(14, response),
  ]);
  return Buffer.concat([
    bytesField(1, Buffer.from('resolver.example')),
    bytesField(14, message),
    varintField(15, kind),
  ]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function dataFrame(frame: Uint8Array): Buffer {
  return Buffer.concat([u32(frame.length), frame]);
}

export const CONTENT = 'protobuf:dnstap.Dnstap';

export function control(type: number, ...contentTypes: readonly string[]): Buffer {
  const fields = contentTypes.flatMap((text) => [u32(1), u32(text.length), Buffer.from(text)]);
  const frame = Buffer.concat([u32(type), ...fields]);
  return Buffer.concat([u32(0), u32(frame.length), frame]);
}

export const START = control(2, CONTENT);
export const STOP = control(3);

/** A stream without handshake, as fstrm_capture writes it to a file. */
export function dnstapFile(frames: readonly Uint8Array[]): Buffer {
  return Buffer.concat([START, ...frames.map(dataFrame), STOP]);
}
