// SPDX-License-Identifier: Apache-2.0
/** DNS messages on a TCP connection: each follows its length in two bytes (RFC 1035, 4.2.2). */

/**
 * Length and message in one buffer, to be written at once: RFC 7766, Section 8 asks for this, so
 * that the two do not become two packets. Requires at most 65,535 bytes.
 */
export function frameMessage(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(2 + message.length);
  framed.writeUInt16BE(message.length);
  framed.set(message, 2);
  return framed;
}

/**
 * Yields each message of a connection, however the connection is cut into chunks. Reads no further
 * while the caller works on a message. An incomplete message at the end is left out. Passes on
 * whatever `chunks` rejects with.
 */
export async function* framedMessages(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let buffered: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    buffered = Buffer.concat([buffered, chunk]);
    while (buffered.length >= 2) {
      const end = 2 + buffered.readUInt16BE(0);
      if (buffered.length < end) break;
      yield buffered.subarray(2, end);
      buffered = buffered.subarray(end);
    }
  }
}
