// SPDX-License-Identifier: Apache-2.0
/** Writing values in DER (X.690). */

export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const short = length.subarray(length.findIndex((octet) => octet !== 0));
  const head = content.length < 128 ? [content.length] : [0x80 | short.length, ...short];
  return Buffer.concat([Uint8Array.of(tag, ...head), content]);
}
