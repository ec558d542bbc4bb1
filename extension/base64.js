// SPDX-License-Identifier: Apache-2.0
// @ts-check
/** Bytes as base64 (RFC 4648, Section 4). */

/** @param {Uint8Array} bytes */
export function toBase64(bytes) {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/**
 * Throws if `text` is something else.
 *
 * @param {string} text
 */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
