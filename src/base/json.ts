// SPDX-License-Identifier: Apache-2.0
/** JSON as ctga writes it. */
import { encodeBase64 } from './base64.ts';
import { cleanJson } from './clean.ts';

/**
 * Writes bigints as numbers if a double holds them exactly, and else as decimal strings; bytes as
 * base64. With `indent`, each value is on its own line. Characters that a terminal would act on are
 * escaped.
 */
export function toJson(value: unknown, indent?: number): string {
  return cleanJson(
    JSON.stringify(
      value,
      (_key, item: unknown) => {
        if (typeof item === 'bigint')
          return item <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(item) : item.toString();
        if (item instanceof Uint8Array) return encodeBase64(item);
        return item;
      },
      indent,
    ),
  );
}

/**
 * Whether there are more than `most` of these characters of ASCII in a text. JSON of a megabyte can have
 * half a million values, and what reads it then takes seconds and hundreds of megabytes: whoever takes
 * JSON from strangers counts its commas first, or its brackets too.
 */
export function hasMore(text: Uint8Array, most: number, of: string): boolean {
  const wanted = new Uint8Array(256);
  for (const each of Buffer.from(of)) wanted[each] = 1;
  let count = 0;
  for (const byte of text) count += wanted[byte] ?? 0;
  return count > most;
}
