// SPDX-License-Identifier: Apache-2.0
/**
 * Keeps an observer fed by data planes until it is told to stop.
 */
import { aborted } from '../base/stop-signals.ts';
import { BudgetControl, type Delivered } from '../dataplane/budget.ts';
import type { DataPlane } from '../dataplane/types.ts';
import { PLANE_STATE_MS } from '../store/plane-state.ts';
import type { Store } from '../store/store.ts';
import type { StoreInUse } from '../upkeep/in-use.ts';
import type { Observer } from './observer.ts';
import { planeStateOf } from './plane-state.ts';

/** Repeats are credited and budgets adjusted this often. */
const HEARTBEAT_MS = 1000;
/** A data plane draws new keys this often: each answer that still passes is copied once more. */
const KEYS_MS = 60_000;
/** So long, what waits is verified before the end. */
const LONGEST_STOP_MS = 10_000;
const COUNTS_SOURCE = 'observer';
/** Sightings rolled up at once: packets wait for it. */
const ROLL_UP_AT_ONCE = 1000;

export interface WatchOptions {
  /** Called when the planes look for what they were told to, and before anything is delivered. */
  readonly onStarted?: () => void;
  /** Resolves when no signature is being checked any more. */
  readonly settled?: () => Promise<void>;
  /** Since when (ms since the epoch) a plane has been blind; undefined while it is not. */
  readonly blindSince?: (interfaceName: string) => number | undefined;
  /** Whether somebody else took a plane off, so that nobody is to miss it. */
  readonly isDetached?: (interfaceName: string) => boolean;
  /** What the interface of a plane is called now; its name unless given. */
  readonly presentName?: (interfaceName: string) => string;
  /** The file of a store that others use too. */
  readonly storeFile?: StoreInUse;
  /** Sightings older than that are rolled up; none if undefined. */
  readonly keepMilliseconds?: number | undefined;
  /** Ms since the epoch; Date.now unless given. */
  readonly now?: () => number;
}

/**
 * Starts the planes' delivery. Resolves when `signal` has been aborted, all that was copied is
 * stored or waits in the backlog, and delivery has ended.
 */
export async function watch(
  planes: readonly DataPlane[],
  observer: Observer,
  store: Pick<Store, 'counters' | 'heads' | 'planes'>,
  signal: AbortSignal,
  options: WatchOptions = {},
): Promise<void> {
  const {
    onStarted,
    settled,
    blindSince,
    isDetached,
    presentName,
    keepMilliseconds,
    storeFile,
    now = Date.now,
  } = options;
  const { matchRules } = observer;
  const feeds = planes.map((plane) => {
    observer.beginPlane(plane.interfaceName, plane.keepsSeenEntries);
    plane.setMatchRules(matchRules);
    return new Feed(plane, observer, now);
  });
  onStarted?.();
  const counts = new CountsWriter(observer, planes, store);
  const writeDown = (): void => {
    counts.write();
    for (const plane of planes) {
      const { interfaceName } = plane;
      const blind = blindSince?.(interfaceName);
      const state = planeStateOf(plane, matchRules.dnsNames.length, blind);
      if (state === undefined) continue;
      const name = presentName?.(interfaceName) ?? interfaceName;
      ifPossible(() => {
        if (isDetached?.(interfaceName) === true) return store.planes.forget(name);
        if (name !== interfaceName) store.planes.forget(interfaceName);
        store.planes.put(name, state, now());
      });
    }
  };
  // Not with every batch: a flood of nonsense must not become a flood of fsyncs.
  const upkeep = (): void => {
    ifPossible(() => storeFile?.follow());
    ifPossible(() => storeFile?.refillReserve());
    // Each of these would wait for the store in its turn, and nothing is read meanwhile.
    if (observer.storeWaits) return;
    writeDown();
    if (keepMilliseconds !== undefined)
      ifPossible(() => store.heads.rollUp(now() - keepMilliseconds, ROLL_UP_AT_ONCE));
  };
  upkeep();
  const upkeepTimer = setInterval(upkeep, PLANE_STATE_MS);
  const keysTimer = setInterval(() => {
    for (const plane of planes) ifPossible(() => plane.redrawKeys?.());
  }, KEYS_MS);
  const heartbeat = setInterval(() => {
    for (const feed of feeds) feed.beat();
    observer.endBatch(now());
  }, HEARTBEAT_MS);
  try {
    await aborted(signal);
  } finally {
    clearInterval(heartbeat);
    clearInterval(upkeepTimer);
    clearInterval(keysTimer);
    for (const feed of feeds) await feed.stop();
    // A large backlog is left to the next process: whoever stops this one does not wait for hours.
    const deadline = setTimeout(() => observer.leaveBacklog(), LONGEST_STOP_MS);
    await settled?.();
    clearTimeout(deadline);
    observer.leaveBacklog();
    observer.endBatch(now());
    writeDown();
  }
}

/** Leaves work for the next time if the disk is full or the database is busy. */
function ifPossible(work: () => unknown): void {
  try {
    work();
  } catch {
    // There is a next time.
  }
}

/** One data plane while it is read. */
class Feed {
  readonly #plane: DataPlane;
  readonly #observer: Observer;
  readonly #budget: BudgetControl | undefined;
  readonly #now: () => number;
  readonly #delivered: { -readonly [Kind in keyof Delivered]: number } = {
    answers: 0,
    fragments: 0,
  };

  constructor(plane: DataPlane, observer: Observer, now: () => number) {
    this.#plane = plane;
    this.#observer = observer;
    this.#now = now;
    const usual = plane.copyBudget();
    this.#budget = usual && new BudgetControl(usual);
    plane.start(
      (packet) => {
        if (packet.kind === 'fragment') this.#delivered.fragments += 1;
        else this.#delivered.answers += 1;
        observer.receive(packet);
      },
      (time) => observer.endBatch(time),
    );
  }

  /** Adjusts the budget to how the observer keeps up, and credits repeats. */
  beat(): void {
    const [present, counters] = [this.#plane.copyBudget(), this.#plane.counters()];
    if (this.#budget !== undefined && present !== undefined && counters !== undefined) {
      const next = this.#budget.next(present, counters, { ...this.#delivered });
      const keys = Object.keys(next) as (keyof typeof next)[];
      if (keys.some((key) => next[key] !== present[key])) this.#plane.setCopyBudget(next);
    }
    this.#creditRepeats();
  }

  async stop(): Promise<void> {
    await this.#plane.stop();
    this.#creditRepeats();
  }

  #creditRepeats(): void {
    this.#observer.repeats(this.#plane.interfaceName, this.#plane.seen(), this.#now());
  }
}

/** Adds to the store what an observer and its planes counted since the last time. */
class CountsWriter {
  readonly #observer: Observer;
  readonly #planes: readonly DataPlane[];
  readonly #store: Pick<Store, 'counters'>;
  #written: Record<string, number> = {};

  constructor(observer: Observer, planes: readonly DataPlane[], store: Pick<Store, 'counters'>) {
    this.#observer = observer;
    this.#planes = planes;
    this.#store = store;
  }

  write(): void {
    const counts = this.#observer.counts();
    for (const plane of this.#planes)
      for (const [name, count] of Object.entries(plane.otherCounts?.() ?? {}))
        counts[name] = (counts[name] ?? 0) + count;
    const added = Object.entries(counts).map(
      ([name, count]) => [name, count - (this.#written[name] ?? 0)] as const,
    );
    if (added.every(([, count]) => count === 0)) return;
    try {
      this.#store.counters.add(COUNTS_SOURCE, Object.fromEntries(added));
      this.#written = counts;
    } catch {
      // The disk is full or the database busy: the next write brings these counts too.
    }
  }
}
