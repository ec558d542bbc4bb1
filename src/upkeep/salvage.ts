// SPDX-License-Identifier: Apache-2.0
/**
 * Carries over what can still be read of a damaged store: tree heads, each trusted for its
 * signature alone. A damaged page may hold anything, so verdicts are not carried over, and of the
 * numbers only when and how often a head was seen, if they make sense.
 */
import { plural } from '../base/text.ts';
import { logIdText } from '../logs/log.ts';
import { recordHeads, type RecordContext } from '../evidence/record.ts';
import { toLogKey, type LogKey } from '../statements/key.ts';
import { verifyStatement } from '../statements/verify.ts';
import type { DamagedHead, DamagedStore } from '../store/damaged.ts';
import { isIdentity } from '../store/exchange.ts';
import type { Sighting } from '../store/heads.ts';
import { knownLogs } from '../store/known-logs.ts';
import { openDamaged } from '../store/state.ts';
import type { Store } from '../store/store.ts';

/**
 * In milliseconds. The process that salvages has packets to read, and a watchdog. The newest heads
 * come first; some 10^5 can be verified in this time.
 */
const LONGEST_MS = 10_000;
const AT_ONCE = 500;
/** The source where a head was seen, if that cannot be read. */
const SOURCE = 'salvaged';

/**
 * Copies tree heads from the damaged store at `path` into the one that replaces it, and its
 * identity, so that other stores do not count again what they have of it. Returns how many heads;
 * `onProgress` is told in a clause how many there are so far.
 * Throws only what the other store throws.
 */
export function salvage(
  path: string,
  context: RecordContext & { readonly store: Pick<Store, 'exchange'> },
  onProgress?: (how: string) => void,
): number {
  const damaged = orNothing(() => openDamaged(path));
  if (damaged === undefined) return 0;
  try {
    const identity = damaged.identity();
    if (identity !== undefined && isIdentity(identity)) context.store.exchange.adopt(identity);
    return carryOver(damaged, context, onProgress);
  } finally {
    damaged.close();
  }
}

/**
 * How many tree heads can still be read of the damaged store at `path`, and verify with the keys
 * that are known. Changes nothing; looks for ten seconds at most.
 */
export function countReadable(path: string, store: Pick<Store, 'logs'>, now: number): number {
  const damaged = orNothing(() => openDamaged(path));
  if (damaged === undefined) return 0;
  try {
    const keys = keysOf(damaged, store);
    const end = performance.now() + LONGEST_MS;
    let count = 0;
    for (const found of damaged.heads()) {
      if (performance.now() >= end) break;
      const sightings = found && orNothing(() => believed(found, keys, now));
      if (sightings !== undefined && sightings.length > 0) count += 1;
    }
    return count;
  } finally {
    damaged.close();
  }
}

function carryOver(
  damaged: DamagedStore,
  context: RecordContext,
  onProgress?: (how: string) => void,
): number {
  const { store, now } = context;
  const keys = keysOf(damaged, store);
  const end = performance.now() + LONGEST_MS;
  let carried = 0;
  let batch: Sighting[] = [];
  const record = (): void => {
    if (batch.length > 0) recordHeads(context, batch);
    batch = [];
    onProgress?.(`${plural(carried, 'tree head')} carried over`);
  };
  for (const found of damaged.heads()) {
    if (performance.now() >= end) break;
    const sightings = found && orNothing(() => believed(found, keys, now));
    if (sightings === undefined || sightings.length === 0) continue;
    batch.push(...sightings);
    carried += 1;
    if (batch.length >= AT_ONCE) record();
  }
  record();
  return carried;
}

/** The sightings of a head whose signature verifies; none of any other. */
function believed(
  { logId, statement, sightings }: DamagedHead,
  keys: ReadonlyMap<string, LogKey>,
  now: number,
): Sighting[] {
  const key = keys.get(Buffer.from(logId).toString('base64'));
  const head = key && verifyStatement(statement, key);
  if (head === undefined) return [];
  const seen = sightings.filter(makesSense);
  const unknown = { source: SOURCE, firstSeen: now, lastSeen: now, count: 1 };
  return (seen.length > 0 ? seen : [unknown]).map((each) => ({ ...each, head }));
}

/** By log ID: the keys that the damaged store has, and those that are known anyway. */
function keysOf(damaged: DamagedStore, store: Pick<Store, 'logs'>): Map<string, LogKey> {
  const read = damaged.logKeys().flatMap((key) => orNothing(() => toLogKey(key)) ?? []);
  const known = knownLogs(store, undefined, () => undefined).map(({ key }) => key);
  return new Map([...known, ...read].map((key) => [logIdText(key.logId), key]));
}

function makesSense({ source, firstSeen, lastSeen, count }: Omit<Sighting, 'head'>): boolean {
  return (
    /^[\x21-\x7e][\x20-\x7e]{0,199}$/.test(source) &&
    [firstSeen, lastSeen, count].every((each) => Number.isSafeInteger(each) && each >= 0) &&
    firstSeen <= lastSeen &&
    count > 0
  );
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
