// SPDX-License-Identifier: Apache-2.0
/**
 * Which challenger asks which log: a lease of each log, in a key-value store that replaces an entry
 * only if it is still the one that was read (compare-and-set). Pure.
 *
 * No two clocks are compared, since they may be a day apart (Gray and Cheriton, "Leases", SOSP 1989).
 * A holder counts from when it sent what the store then took; another, from when it first saw the
 * entry that it would replace, which is later; and the other waits longer than the holder holds. So
 * the store's own expiry is of no use here: each server of a bus lets entries expire by its own
 * clock. How fast clocks go may differ by a third.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';

/** An entry of the store. */
export interface Entry {
  /** Which no other state of the entry has had. */
  readonly revision: number;
  readonly text: string;
}

/** In milliseconds. */
export interface Terms {
  /** Between two looks at all leases. */
  readonly poll: number;
  /** For so long after it sent what the store took, a holder may ask. */
  readonly hold: number;
  /** For so long another must have seen one entry before it takes its place. */
  readonly wait: number;
}

/** `seconds`: in which a holder that died is replaced, by another that looks at every `poll`. */
export function termsOf(seconds: number): Terms {
  const lease = seconds * 1000;
  return { poll: lease / 12, hold: lease / 2, wait: (lease * 3) / 4 };
}

/** A block of a log that is asked for because a tree waits for it, and by whom. */
export interface Claim {
  readonly by: string;
  /** Of its first entry. */
  readonly start: bigint;
}

export interface LeaseValue {
  /** Undefined: nobody, and whoever wants it may take it at once. */
  readonly holder: string | undefined;
  /** Drawn when its process began: another process of the same name is another holder. */
  readonly run: string;
  readonly seconds: number;
  /** The oldest first. */
  readonly claims: readonly Claim[];
}

/** Each text is so long, whatever is in it. */
export const LEASE_BYTES = 768;
/** Of a log's blocks. By then the oldest was asked for weeks ago. */
export const MOST_CLAIMS = 32;

const leaseSchema = z.object({
  holder: z.string().max(32),
  run: z.string().max(32),
  seconds: z.number().min(1).max(86_400),
  by: z.array(z.string().max(32)).max(MOST_CLAIMS),
  claims: z
    .array(z.tuple([z.number().int().min(0), z.string().regex(/^[0-9]{1,16}$/)]))
    .max(MOST_CLAIMS),
});

export function formatLease({ holder = '', run, seconds, claims }: LeaseValue): string {
  for (let kept = claims.slice(-MOST_CLAIMS); ; kept = kept.slice(1)) {
    const by = [...new Set(kept.map((each) => each.by))];
    const numbered = kept.map((each) => [by.indexOf(each.by), each.start.toString()]);
    const text = JSON.stringify({ holder, run, seconds, by, claims: numbered });
    if (text.length <= LEASE_BYTES) return text.padEnd(LEASE_BYTES);
  }
}

/** What nobody of us wrote is somebody's, who is waited for as others are. */
export function parseLease(text: string): LeaseValue {
  const read = leaseSchema.safeParse(jsonIn(text));
  if (!read.success) return { holder: '?', run: '', seconds: 1, claims: [] };
  const { holder, run, seconds, by, claims } = read.data;
  return {
    holder: holder === '' ? undefined : holder,
    run,
    seconds,
    claims: claims.map(([i, start]) => ({ by: by[i] ?? '?', start: BigInt(start) })),
  };
}

/** All of both, the oldest first, each once: who claimed a block first has it. */
export function allClaims(one: readonly Claim[], other: readonly Claim[]): Claim[] {
  const all = new Map<bigint, Claim>();
  for (const each of [...one, ...other]) if (!all.has(each.start)) all.set(each.start, each);
  return [...all.values()].slice(-MOST_CLAIMS);
}

/** That a challenger is there, and which logs it knows. */
export interface Presence {
  /** Empty: it said that it ends. */
  readonly run: string;
  readonly seconds: number;
  /** So many hexadecimal digits of each log's ID, one after the other. */
  readonly logs: string;
}
const DIGITS = 8;
/** Logs that a presence names. Who has more shares those alone that it names. */
const MOST_NAMED = 1000;

const presenceSchema = z.object({
  run: z.string().max(32),
  seconds: z.number().min(1).max(86_400),
  logs: z.string().regex(/^[0-9a-f]*$/),
});

export function formatPresence(run: string, seconds: number, logs: readonly string[]): string {
  const named = logs.slice(0, MOST_NAMED).map((log) => log.slice(0, DIGITS));
  return JSON.stringify({ run, seconds, logs: named.join('') });
}

export function parsePresence(text: string): Presence | undefined {
  return presenceSchema.safeParse(jsonIn(text)).data;
}

export function knows({ logs }: Presence, log: string): boolean {
  for (let at = 0; at < logs.length; at += DIGITS)
    if (log.startsWith(logs.slice(at, at + DIGITS))) return true;
  return false;
}

/**
 * Who of those that are there is to ask the log: the same one whoever computes it, each about as many
 * logs, and if one goes only its logs go to others (rendezvous hashing).
 */
export function preferred(log: string, challengers: readonly string[]): string | undefined {
  let best: { readonly name: string; readonly rank: string } | undefined;
  for (const name of challengers) {
    const rank = createHash('sha256').update(`${log} ${name}`).digest('hex');
    if (best === undefined || rank > best.rank) best = { name, rank };
  }
  return best?.name;
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
