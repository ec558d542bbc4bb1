// SPDX-License-Identifier: Apache-2.0
/**
 * Base64 with required padding: RFC 4648, Section 4. Buffer.from alone accepts nearly anything, so
 * every outside document of ctga is read through this instead. Trailing bits are not compared with
 * zero: values are compared as bytes, never as text, and a log must not escape notice by an odd
 * spelling.
 */

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The bytes, or undefined where `text` is not padded base64. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  // Encoding it again takes a tenth of the expression's time, which answers with entries feel.
  const isValid = bytes.toString('base64') === text || BASE64.test(text);
  return isValid ? new Uint8Array(bytes) : undefined;
}

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
