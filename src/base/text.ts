// SPDX-License-Identifier: Apache-2.0
/** Counts and times as people read them. */

/** A time in ms since the epoch as "2026-11-20 21:48:03 UTC"; as "N ms" if no date is that far. */
export function time(milliseconds: number | bigint): string {
  const date = new Date(Number(milliseconds));
  if (Number.isNaN(date.getTime())) return `${milliseconds} ms`;
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** As `time`, for a column whose title says that it is UTC. */
export function utc(milliseconds: number | bigint): string {
  return time(milliseconds).replace(/ UTC$/, '');
}

/** "1 log", "2 logs". */
export function plural(count: number | bigint, one: string, many = `${one}s`): string {
  return `${count} ${BigInt(count) === 1n ? one : many}`;
}

/** "12 MB": millions of bytes, with a decimal below ten. */
export function megabytes(bytes: number): string {
  const millions = bytes / 1_000_000;
  return `${millions < 10 ? Math.round(millions * 10) / 10 : Math.round(millions)} MB`;
}

/** A word as a POSIX shell takes it. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
