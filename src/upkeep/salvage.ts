/**
 * Carrying over what can still be read of a damaged store: its tree heads, each believed for its
 * signature alone. A damaged page may hold anything, so no verdict is carried over, and no number
 * but when and how often a head was seen, as far as that makes sense.
 */
import { logIdText } from '../logs/log.ts';
import { recordHeads, type RecordContext } from '../evidence/record.ts';
import { toLogKey, type LogKey } from '../statements/key.ts';
import { verifyStatement } from '../statements/verify.ts';
import type { DamagedHead, DamagedStore } from '../store/damaged.ts';
import type { Sighting } from '../store/heads.ts';
import { knownLogs } from '../store/known-logs.ts';
import { openDamaged } from '../store/state.ts';
import type { Store } from '../store/store.ts';

/**
 * Whoever salvages has packets to read, and a watchdog. The newest heads come first; in this time
 * some 10^5 are verified.
 */
const LONGEST_MS = 10_000;
const AT_ONCE = 500;
/** The source where a head was seen, if that cannot be read. */
const SOURCE = 'salvaged';

/**
 * Brings tree heads of the damaged store at `path` into another; returns how many. Throws only what
 * that one throws.
 */
export function salvage(path: string, context: RecordContext): number {
  const damaged = orNothing(() => openDamaged(path));
  if (damaged === undefined) return 0;
  try {
    return carryOver(damaged, context);
  } finally {
    damaged.close();
  }
}

function carryOver(damaged: DamagedStore, context: RecordContext): number {
  const { store, now } = context;
  const keys = keysOf(damaged, store);
  const end = performance.now() + LONGEST_MS;
  let carried = 0;
  let batch: Sighting[] = [];
  const record = (): void => {
    if (batch.length > 0) recordHeads(context, batch);
    batch = [];
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
