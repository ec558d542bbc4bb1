// SPDX-License-Identifier: Apache-2.0
/** The Retry-After header (RFC 9110, Section 10.2.3). */

/** A server must not silence its client by asking for years: it gets a day at most. */
export const MAX_RETRY_AFTER = 86_400_000;

/**
 * Milliseconds to wait, 0 .. MAX_RETRY_AFTER, from the header's seconds or HTTP date. Undefined
 * where there is no header, or where it is neither. `now` is in milliseconds since the epoch.
 */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const wait = /^\s*[0-9]+\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), MAX_RETRY_AFTER);
}
