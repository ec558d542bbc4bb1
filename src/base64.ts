/**
 * Strict base64: RFC 4648, Section 4, padded, canonical. Buffer.from accepts nearly anything, so that one
 * hash would have many spellings; every outside document of ctga is read through this instead.
 */

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The bytes, or undefined where `text` is not the one canonical encoding of any bytes. */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (!BASE64.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  // Trailing bits that encode nothing must be zero, or two spellings would mean one value.
  if (bytes.toString('base64') !== text) return undefined;
  return new Uint8Array(bytes);
}

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
