// SPDX-License-Identifier: Apache-2.0
/**
 * Where in a dnstap frame the DNS response lies: dnstap.proto
 * (https://github.com/dnstap/dnstap.pb), in Protocol Buffers' wire format.
 *
 * Of all that a resolver tells, three fields of a message are read: its type, the time of the
 * response and the response. Who asked, from what address and port, is passed over unread.
 */

/** Fields of Dnstap. */
const MESSAGE = 14;
const TYPE = 15;
/** The only type of Dnstap. */
const TYPE_MESSAGE = 1;
/** Fields of Message. */
const MESSAGE_TYPE = 1;
const RESPONSE_SECONDS = 12;
const RESPONSE = 14;
/** Message.Type: AUTH, RESOLVER, CLIENT, FORWARDER and STUB, each of them _RESPONSE. */
const RESPONSES: ReadonlySet<number> = new Set([2, 4, 6, 8, 10]);

const VARINT = 0;
const FIXED_64 = 1;
const BYTES = 2;
const FIXED_32 = 5;

/** The frame is no message that tells a response: what a resolver sent is passed by. */
export const NO_RESPONSE = 'no response';
/** The frame is not in Protocol Buffers' wire format. */
export const MALFORMED = 'malformed';

/** Reads frame after frame: one object serves all, so that a frame allocates nothing. */
export class DnstapFrame {
  /** The response is bytes[start, end) after `read`. */
  start = 0;
  end = 0;
  /** Seconds since the epoch, as the resolver has them; 0 if it does not say. */
  seconds = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #value = 0;
  #valueStart = 0;
  #kind = 0;

  /** Finds the response in bytes[start, end). Never throws for what is in there. */
  read(bytes: Uint8Array, start: number, end: number): typeof NO_RESPONSE | typeof MALFORMED | '' {
    this.#bytes = bytes;
    let type = TYPE_MESSAGE;
    let message = -1;
    let messageEnd = -1;
    for (this.#at = start; this.#at < end;) {
      const field = this.#field(end);
      if (field < 0) return MALFORMED;
      if (field === TYPE && this.#kind === VARINT) type = this.#value;
      if (field !== MESSAGE || this.#kind !== BYTES) continue;
      message = this.#valueStart;
      messageEnd = this.#at;
    }
    if (type !== TYPE_MESSAGE || message < 0) return NO_RESPONSE;
    return this.#readMessage(message, messageEnd);
  }

  #readMessage(start: number, end: number): typeof NO_RESPONSE | typeof MALFORMED | '' {
    let type = 0;
    this.start = -1;
    this.seconds = 0;
    for (this.#at = start; this.#at < end;) {
      const field = this.#field(end);
      if (field < 0) return MALFORMED;
      if (this.#kind === VARINT) {
        if (field === MESSAGE_TYPE) type = this.#value;
        else if (field === RESPONSE_SECONDS) this.seconds = this.#value;
      } else if (field === RESPONSE && this.#kind === BYTES) {
        this.start = this.#valueStart;
        this.end = this.#at;
      }
    }
    return this.start >= 0 && RESPONSES.has(type) ? '' : NO_RESPONSE;
  }

  /** Moves past a field and returns its number; -1 if it is none. */
  #field(end: number): number {
    if (!this.#varint(end)) return -1;
    const field = Math.floor(this.#value / 8);
    const kind = (this.#kind = this.#value % 8);
    if (field === 0) return -1;
    if (kind === VARINT) return this.#varint(end) ? field : -1;
    if (kind === BYTES && !this.#varint(end)) return -1;
    const length =
      kind === BYTES ? this.#value : kind === FIXED_64 ? 8 : kind === FIXED_32 ? 4 : Infinity;
    if (length > end - this.#at) return -1;
    this.#valueStart = this.#at;
    this.#at += length;
    return field;
  }

  /** Reads at most ten bytes, as a 64-bit number has; what is above 2^53 is inexact. */
  #varint(end: number): boolean {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10 && this.#at < end; i++) {
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.#value = value;
        return true;
      }
      scale *= 128;
    }
    return false;
  }
}
