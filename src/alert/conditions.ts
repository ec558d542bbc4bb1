// SPDX-License-Identifier: Apache-2.0
/**
 * Conditions that a person should know of, read from the store. A condition's key identifies it:
 * the alerter sends one alert when the key appears and one message when it disappears.
 */
import { basename } from 'node:path';
import { plural, shellWord, time } from '../base/text.ts';
import { logDescriptions } from '../store/known-logs.ts';
import { logIdText } from '../logs/log.ts';
import { isStale } from '../store/plane-state.ts';
import { MALFORMED } from '../statements/statement.ts';
import type { EvidenceRecord } from '../store/evidence.ts';
import { BLIND, LOST_AT_END, NO_ROOM, NOT_STORED, UNREADABLE } from '../store/counters.ts';
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

interface LossOf<Message> {
  /** What it is called in an alert's key. */
  readonly key: string;
  /** The counters that grow. */
  readonly of: readonly string[];
  readonly message: Message;
  readonly remedy: string;
}

/** What an interface loses, by the counters of its data plane. */
export const PLANE_LOSSES: readonly LossOf<(name: string) => string>[] = [
  {
    key: 'drops',
    of: ['answersRingFull', 'fragmentsRingFull'],
    message: (name) => `Copies of packets are lost on ${name}, because the reader cannot keep up.`,
    remedy: 'ctga status shows how many. Give the observer more CPU time, or lower --budget.',
  },
  {
    key: 'too-large',
    of: ['answersTooLarge'],
    message: (name) => `Answers on ${name} to names that are watched are too large to be copied.`,
    remedy:
      'A log that makes its answers so large hides them. Capture some (tcpdump -i, udp port 53) and read them with: ctga replay',
  },
];

/** What is lost after it was copied, by the counters of the store. */
export const LOSSES: readonly LossOf<string>[] = [
  {
    key: 'lost-copies',
    of: [NO_ROOM, NOT_STORED],
    message: 'The observer drops copied answers, because more wait than it can keep.',
    remedy:
      'Somebody may be flooding it with forgeries, or its disk may be full or too slow. ctga status counts the answers.',
  },
  {
    key: 'left-behind',
    of: [LOST_AT_END],
    message: 'An observer ended with copied answers that no disk took.',
    remedy:
      'Make room in the state directory, and give ctga attach a --spool directory on another disk.',
  },
  {
    key: 'lost-backlog',
    of: [UNREADABLE],
    message: 'Copied answers that waited on the disk to be verified could not be read again.',
    remedy:
      'A crash cuts the last one of a file at most. If there are more, look for faults of the disk: ctga store check',
  },
  {
    key: 'lost-fragments',
    of: ['packet: datagramEvicted', 'packet: fragmentOverBudget', 'packet: fragmentTooMany'],
    message: 'IP fragments that were copied are given up, because more come than memory holds.',
    remedy:
      'Somebody may be flooding it with fragments: ctga status counts them. Tree heads that come whole are still seen. Drop fragments of unknown senders before this machine.',
  },
];

function sum(counters: Readonly<Record<string, number>>, names: readonly string[]): number {
  return names.reduce((total, name) => total + (counters[name] ?? 0), 0);
}

/** The condition that copies are lost holds until none has been lost for this long. */
const CALM_MS = 15 * 60_000;

/** Logs are down now and then; a split view by one that stays away waits for its proof. */
const SILENT_MS = 6 * 3_600_000;

/** What conditions are read from. */
export type WatchedStore = Pick<
  Store,
  'counters' | 'evidence' | 'heads' | 'logs' | 'planes' | 'verdicts'
>;

/** Finds the conditions that hold. Remembers earlier counters, to see that copies are lost. */
export class Conditions {
  #isFirst: boolean;
  readonly #counts = new Map<string, { count: number; at: number | undefined }>();
  /** Since when an interface has copied too little, by the monotonic clock. */
  readonly #low = new Map<string, number>();
  /** Since when a log could not be asked, by the monotonic clock. */
  readonly #silence = new Map<string, number>();
  readonly #written = new Map<string, { updated: number; age: number; at: number }>();

  /** `lastCounts`: what counters() returned to whoever looked before, if anybody did. */
  constructor(lastCounts: ReadonlyMap<string, number> = new Map()) {
    this.#isFirst = lastCounts.size === 0;
    for (const [name, count] of lastCounts) this.#counts.set(name, { count, at: undefined });
  }

  /** The counters as the last look saw them, by what they are called in keys. */
  counts(): Map<string, number> {
    return new Map([...this.#counts].map(([name, { count }]) => [name, count]));
  }

  /**
   * Returns all that hold now: `now` is in ms since the epoch, `elapsed` by the monotonic clock.
   */
  present(store: WatchedStore, now: number, elapsed: number): Condition[] {
    const found = [
      ...proven(store),
      ...promises(store),
      ...unprovable(store),
      ...malformed(store),
      ...this.#silent(store, elapsed),
      ...stale(store),
      ...damaged(store),
      ...this.#lost(store, elapsed),
      ...this.#gaps(store, elapsed),
      ...this.#interfaces(store, now, elapsed),
    ];
    this.#isFirst = false;
    return found;
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
            state.mode === 'dnstap'
              ? 'No resolver is connected to it, or ctga attach, which listens there, has ended. See: docs/RESOLVERS.md'
              : 'The interface went away, or somebody detached the program by force. See: ctga status',
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
      for (const { key, of, message, remedy } of PLANE_LOSSES)
        if (this.#isGrowing(`${key}:${name}`, sum(counters, of), elapsed))
          found.push(warning(`${key}:${name}`, message(name), remedy));
      if (this.#isLow(name, state.settings.answersShare, elapsed))
        found.push(
          warning(
            `coverage:${name}`,
            `Fewer than half of the tree heads that pass ${name} are copied.`,
            'Somebody floods it with answers, or --every-nth or --budget of ctga attach is too low. ctga status shows which.',
          ),
        );
      return found;
    });
  }

  #lost(store: Pick<Store, 'counters'>, elapsed: number): Condition[] {
    const totals = store.counters.totals();
    return LOSSES.flatMap(({ key, of, message, remedy }) =>
      this.#isGrowing(key, sum(totals, of), elapsed) ? [warning(key, message, remedy)] : [],
    );
  }

  #gaps(store: Pick<Store, 'counters'>, elapsed: number): Condition[] {
    return Object.entries(store.counters.bySource(BLIND)).flatMap(([name, milliseconds]) =>
      this.#isGrowing(`gap:${name}`, milliseconds, elapsed)
        ? [
            warning(
              `gap:${name}`,
              `Packets of ${name} passed unseen for a while.`,
              'It is watched again, but tree heads that passed meanwhile are missing. ctga status counts the time. Find out what took the interface, or the program on it, away.',
            ),
          ]
        : [],
    );
  }

  /** Trees of these logs have no verdict, because nobody could ask them, for too long. */
  #silent(store: Pick<Store, 'verdicts' | 'logs'>, elapsed: number): Condition[] {
    const logs = store.verdicts.logsWith('unreachable');
    const ids = new Set(logs.map(logIdText));
    for (const id of this.#silence.keys()) if (!ids.has(id)) this.#silence.delete(id);
    const long = logs.filter((logId) => {
      const id = logIdText(logId);
      const since = this.#silence.get(id) ?? elapsed;
      this.#silence.set(id, since);
      return elapsed - since >= SILENT_MS;
    });
    if (long.length === 0) return [];
    const nameOf = logDescriptions(store);
    return long.map((logId) =>
      warning(
        `unreachable:${logIdText(logId)}`,
        `${nameOf(logId)} could not be asked for hours, and tree heads of it are not verified.`,
        'Look whether the log is down, or the proxy: ctga doctor --logs',
      ),
    );
  }

  #isLow(name: string, share: number, elapsed: number): boolean {
    if (share >= 0.5) {
      this.#low.delete(name);
      return false;
    }
    const since = this.#low.get(name) ?? elapsed;
    this.#low.set(name, since);
    return elapsed - since >= CALM_MS;
  }

  /** Whether the count has grown of late. */
  #isGrowing(name: string, count: number, elapsed: number): boolean {
    const before = this.#counts.get(name);
    // What is there at the first look may be old. A counter that comes later begins at zero, and
    // those of an interface do so again when it is detached.
    const from = before === undefined || count < before.count ? 0 : before.count;
    const grew = count > from && !(before === undefined && this.#isFirst);
    this.#counts.set(name, { count, at: grew ? elapsed : before?.at });
    const { at } = this.#counts.get(name) ?? {};
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

/** What is proven never ends, because its evidence stays. */
function proven(store: Pick<Store, 'evidence' | 'logs'>): Condition[] {
  const evidence = store.evidence.all();
  if (evidence.length === 0) return [];
  const nameOf = logDescriptions(store);
  return evidence.map((record) => provenCondition({ ...record, log: nameOf(record.logId) }));
}

/** What evidence shows of a log, by its name: see EvidenceRecord. */
export function provenCondition({
  kind,
  path,
  log,
  firstSize,
  secondSize,
}: Pick<EvidenceRecord, 'kind' | 'path' | 'firstSize' | 'secondSize'> & {
  readonly log: string;
}): Condition {
  return {
    // Of the file's name alone, which tells one finding from another: its directory may be moved.
    key: `${kind === 'fork' ? 'fork' : 'promise'}:${basename(path)}`,
    severity: 'critical',
    message:
      kind === 'fork'
        ? `SPLIT VIEW PROVEN: ${log} signed trees of size ${firstSize} and ${secondSize} that no append-only log can both have.`
        : `BROKEN PROMISE PROVEN: ${log} promised a certificate to be entry ${firstSize} of its tree, and signed a tree of size ${secondSize} in which that is another.`,
    remedy: `The evidence is in ${path}. Check it with: ctga evidence verify ${shellWord(path)}`,
  };
}

/** What is wrong with kept evidence, by a sentence, which is also what tells it from others. */
export function evidenceFault(sentence: string): Condition {
  return {
    key: `evidence-fault:${sentence}`,
    severity: 'critical',
    message: sentence,
    remedy:
      'Somebody, or the disk, changed what is never changed. Look with: ctga evidence list. Bring the file back from a copy, and hold the head of the chain that you noted against the chain: docs/EVIDENCE.md says how.',
  };
}

/** The auditor found it, and no signature proves it: a front end may lag, or hide something. */
function promises(store: Pick<Store, 'logs'>): Condition[] {
  const logs = store.logs.unprovable();
  if (logs.length === 0) return [];
  const nameOf = logDescriptions(store);
  return logs.map(({ logId, count, reason }) =>
    warning(
      `promises:${logIdText(logId)}`,
      `${nameOf(logId)} cannot show ${plural(count, 'certificate')} that it promised, although its maximum merge delay has passed: ${reason}.`,
      'This is no evidence, because a front end may lag, but a log that hides something does it too. See: ctga audit status',
    ),
  );
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
