// SPDX-License-Identifier: Apache-2.0
/**
 * Conditions that a person should know of, read from the store. A condition's key identifies it:
 * the alerter sends one alert when the key appears and one message when it disappears.
 */
import { basename } from 'node:path';
import { time } from '../base/text.ts';
import { logDescriptions } from '../store/known-logs.ts';
import { logIdText } from '../logs/log.ts';
import { isStale } from '../store/plane-state.ts';
import { MALFORMED } from '../statements/statement.ts';
import { NO_ROOM, NOT_STORED } from '../store/counters.ts';
import type { Store } from '../store/store.ts';

export type Severity = 'critical' | 'warning';

export interface Condition {
  readonly key: string;
  readonly severity: Severity;
  /** One sentence. */
  readonly message: string;
  /** What to do about it, in whole sentences. */
  readonly remedy: string;
}

/** The condition that copies are lost holds until none has been lost for this long. */
const CALM_MS = 15 * 60_000;

/** What conditions are read from. */
export type WatchedStore = Pick<
  Store,
  'counters' | 'evidence' | 'heads' | 'logs' | 'planes' | 'verdicts'
>;

/** Finds the conditions that hold. Remembers earlier counters, to see that copies are lost. */
export class Conditions {
  readonly #lost = new Map<string, { count: number; at: number | undefined }>();
  readonly #written = new Map<string, { updated: number; age: number; at: number }>();

  /**
   * Returns all that hold now: `now` is in ms since the epoch, `elapsed` by the monotonic clock.
   */
  present(store: WatchedStore, now: number, elapsed: number): Condition[] {
    return [
      ...forks(store),
      ...unprovable(store),
      ...malformed(store),
      ...stale(store),
      ...damaged(store),
      ...this.#backlog(store, elapsed),
      ...this.#interfaces(store, now, elapsed),
    ];
  }

  #interfaces(store: Pick<Store, 'planes'>, now: number, elapsed: number): Condition[] {
    return store.planes.all().flatMap(({ interface: name, state, updated }): Condition[] => {
      const { counters, blindSince } = state;
      const found: Condition[] = [];
      if (blindSince !== null)
        found.push(
          warning(
            `blind:${name}`,
            `ctga has seen no packet of ${name} since ${time(blindSince)}.`,
            'The interface went away, or somebody detached the program by force. See: ctga status',
          ),
        );
      else if (isStale(this.#ageOf(name, updated, now, elapsed)))
        found.push(
          warning(
            `blind:${name}`,
            `No observer has watched ${name} since ${time(updated)}.`,
            `Start one with: ctga attach ${name}. If you no longer want to watch it: ctga alert forget ${name}`,
          ),
        );
      const count = (counters['answersRingFull'] ?? 0) + (counters['fragmentsRingFull'] ?? 0);
      if (this.#isGrowing(name, count, elapsed))
        found.push(
          warning(
            `drops:${name}`,
            `Copies of packets are lost on ${name}, because the reader cannot keep up.`,
            'ctga status shows how many. Give the observer more CPU time, or lower --budget.',
          ),
        );
      return found;
    });
  }

  #backlog(store: Pick<Store, 'counters'>, elapsed: number): Condition[] {
    const totals = store.counters.totals();
    const count = (totals[NO_ROOM] ?? 0) + (totals[NOT_STORED] ?? 0);
    if (!this.#isGrowing(' backlog', count, elapsed)) return [];
    return [
      warning(
        'lost-copies',
        'The observer drops copied answers, because more wait than it can keep.',
        'Somebody may be flooding it with forgeries, or its disk may be full or too slow. ctga status counts the answers.',
      ),
    ];
  }

  /** Whether the count has grown of late. */
  #isGrowing(name: string, count: number, elapsed: number): boolean {
    const before = this.#lost.get(name);
    // The counters of an interface start again from zero when it is detached.
    if (before === undefined || count < before.count)
      this.#lost.set(name, { count, at: undefined });
    else if (count > before.count) this.#lost.set(name, { count, at: elapsed });
    const { at } = this.#lost.get(name) ?? {};
    return at !== undefined && elapsed - at < CALM_MS;
  }

  /**
   * Returns how many milliseconds ago an observer wrote: the first time by the wall clock, and from
   * then on by the monotonic clock.
   */
  #ageOf(name: string, updated: number, now: number, elapsed: number): number {
    const known = this.#written.get(name);
    if (known?.updated === updated) return known.age + (elapsed - known.at);
    const age = known === undefined ? now - updated : 0;
    this.#written.set(name, { updated, age, at: elapsed });
    return age;
  }
}

/** A proven split view never ends, because its evidence stays. */
function forks(store: Pick<Store, 'evidence' | 'logs'>): Condition[] {
  const evidence = store.evidence.all();
  if (evidence.length === 0) return [];
  const nameOf = logDescriptions(store);
  return evidence.map(({ path, logId, firstSize, secondSize }) =>
    splitView(path, nameOf(logId), firstSize, secondSize),
  );
}

/** That a log, by its name, signed trees of these sizes; the evidence is in the file at `path`. */
export function splitView(
  path: string,
  log: string,
  firstSize: bigint,
  secondSize: bigint,
): Condition {
  return {
    // Of the file's name alone, which tells one fork from another: its directory may be moved.
    key: `fork:${basename(path)}`,
    severity: 'critical',
    message: `SPLIT VIEW PROVEN: ${log} signed trees of size ${firstSize} and ${secondSize} that no append-only log can both have.`,
    remedy: `The evidence is in ${path}. Check it with: ctga evidence verify ${path}`,
  };
}

export const STORE_FAILED = 'store-failed';

/** That nothing can be written in the state directory, and why. */
export function storeFailed(directory: string, why: string): Condition {
  return {
    key: STORE_FAILED,
    severity: 'critical',
    message: `Nothing can be written in ${directory}: ${why}.`,
    remedy:
      'Make room on that disk, or make it writable. Until then tree heads wait in memory, and evidence takes room that is reserved for it.',
  };
}

function unprovable(store: Pick<Store, 'verdicts' | 'logs'>): Condition[] {
  const logs = store.verdicts.logsWith('unprovable');
  if (logs.length === 0) return [];
  const nameOf = logDescriptions(store);
  return logs.map((logId) =>
    warning(
      `unprovable:${logIdText(logId)}`,
      `${nameOf(logId)} has given no proof for a tree that it signed, for far too long.`,
      'ctga heads list shows which tree. This is not evidence yet, but may become evidence.',
    ),
  );
}

function stale(store: Pick<Store, 'logs'>): Condition[] {
  const logs = store.logs.stale();
  if (logs.length === 0) return [];
  const nameOf = logDescriptions(store);
  return logs.map(({ logId, reason }) =>
    warning(
      `stale-head:${logIdText(logId)}`,
      `${nameOf(logId)} ${reason}.`,
      'This is no evidence, because front ends lag, but a log that hides something does it too. See: ctga heads list',
    ),
  );
}

/** It never ends, because the head is kept: so it is told once. */
function malformed(store: Pick<Store, 'verdicts' | 'logs'>): Condition[] {
  const logs = store.verdicts.logsWith('malformed-head');
  if (logs.length === 0) return [];
  const nameOf = logDescriptions(store);
  return logs.map((logId) =>
    warning(
      `malformed-head:${logIdText(logId)}`,
      `${nameOf(logId)} signed a malformed tree head: ${MALFORMED}.`,
      'It is a mistake of the log and no split view. ctga heads list shows the head. Tell its operator.',
    ),
  );
}

function damaged(store: Pick<Store, 'heads'>): Condition[] {
  if (store.heads.damagedRows() === 0) return [];
  return [
    warning(
      'damaged-rows',
      'Rows of the store were damaged and are set aside.',
      'No log is accused for them. Look for faults of the disk and of memory; ctga store check says more.',
    ),
  ];
}

function warning(key: string, message: string, remedy: string): Condition {
  return { key, severity: 'warning', message, remedy };
}
