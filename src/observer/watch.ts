/**
 * Keeps an observer fed by data planes until it is told to stop.
 */
import { BudgetControl, type Delivered } from '../dataplane/budget.ts';
import type { DataPlane } from '../dataplane/types.ts';
import type { StoreInUse } from '../upkeep/in-use.ts';
import type { Store } from '../store/store.ts';
import type { Observer } from './observer.ts';

/** Repeats are credited and budgets adjusted this often. */
const HEARTBEAT_MS = 1000;
/**
 * Counters are written this often, not with every batch: a flood of nonsense must not become a
 * flood of fsyncs.
 */
const HOUSEKEEPING_MS = 10_000;
const COUNTS_SOURCE = 'observer';
/**
 * Sightings are rolled up in small pieces: the store is the observer's, and packets wait for it.
 */
const ROLL_UP_AT_ONCE = 1000;

export interface WatchOptions {
  /** Resolves when no signature is still being checked. */
  readonly settled?: () => Promise<void>;
  /** Since when (ms since the epoch) an interface has been blind; undefined while it is not. */
  readonly blindSince?: (interfaceName: string) => number | undefined;
  /** Of a store that others use too. */
  readonly storeFile?: StoreInUse;
  /** Sightings older than that are rolled up; undefined: never. */
  readonly keepMilliseconds?: number | undefined;
}

/**
 * Resolves when `signal` is aborted, everything already copied is stored and delivery has ended.
 */
export async function watch(
  planes: readonly DataPlane[],
  observer: Observer,
  store: Pick<Store, 'counters' | 'heads' | 'planes'>,
  signal: AbortSignal,
  { settled = () => Promise.resolve(), blindSince, keepMilliseconds, storeFile }: WatchOptions = {},
): Promise<void> {
  const { matchRules } = observer;
  const feeds = planes.map((plane) => {
    observer.beginPlane(plane.interfaceName, plane.keepsSeenEntries);
    plane.setMatchRules(matchRules);
    return new Feed(plane, observer);
  });
  const counts = new CountsWriter(observer, store);
  const heartbeat = setInterval(() => {
    for (const feed of feeds) feed.beat();
    observer.endBatch(Date.now());
  }, HEARTBEAT_MS);
  const keepHouse = (): void => {
    onlyIfPossible(() => storeFile?.follow());
    counts.write();
    writePlanes(planes, matchRules.dnsNames.length, store, blindSince);
    if (keepMilliseconds !== undefined) rollUp(store, Date.now() - keepMilliseconds);
  };
  keepHouse();
  const housekeeping = setInterval(keepHouse, HOUSEKEEPING_MS);
  try {
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    clearInterval(heartbeat);
    clearInterval(housekeeping);
    for (const feed of feeds) await feed.stop();
    await settled();
    observer.endBatch(Date.now());
    counts.write();
    writePlanes(planes, matchRules.dnsNames.length, store, blindSince);
  }
}

/** For the status page and the like, which may not look into the kernel. */
function writePlanes(
  planes: readonly DataPlane[],
  names: number,
  store: Pick<Store, 'planes'>,
  blindSince: WatchOptions['blindSince'],
): void {
  for (const plane of planes) {
    const { interfaceName, mode } = plane;
    const counters = Object.fromEntries(
      Object.entries(plane.counters()).map(([name, count]: [string, bigint]) => [
        name,
        Number(count),
      ]),
    );
    const state = {
      mode,
      names,
      counters,
      settings: plane.settings(),
      blindSince: blindSince?.(interfaceName) ?? null,
    };
    onlyIfPossible(() => store.planes.put(interfaceName, JSON.stringify(state), Date.now()));
  }
}

function rollUp(store: Pick<Store, 'heads'>, before: number): void {
  onlyIfPossible(() => store.heads.rollUp(before, ROLL_UP_AT_ONCE));
}

/** The disk is full or the database busy: these can wait for the next time. */
function onlyIfPossible(work: () => unknown): void {
  try {
    work();
  } catch {
    // As said.
  }
}

/** One data plane while it is read. */
class Feed {
  readonly #plane: DataPlane;
  readonly #observer: Observer;
  readonly #budget: BudgetControl | undefined;
  readonly #delivered: { -readonly [Kind in keyof Delivered]: number } = {
    answers: 0,
    fragments: 0,
  };

  constructor(plane: DataPlane, observer: Observer) {
    this.#plane = plane;
    this.#observer = observer;
    const usual = plane.copyBudget();
    this.#budget = usual && new BudgetControl(usual);
    plane.start(
      (packet) => {
        if (packet.kind === 'fragment') this.#delivered.fragments += 1;
        else this.#delivered.answers += 1;
        observer.receive(packet);
      },
      () => observer.endBatch(Date.now()),
    );
  }

  /** The interface may be gone: then there is nothing to credit and nothing to adjust. */
  beat(): void {
    const present = this.#plane.copyBudget();
    if (this.#budget !== undefined && present !== undefined) {
      const next = this.#budget.next(present, this.#plane.counters(), { ...this.#delivered });
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
    this.#observer.repeats(this.#plane.interfaceName, this.#plane.seen(), Date.now());
  }
}

/** Adds to the store what an observer counted since the last time. */
class CountsWriter {
  readonly #observer: Observer;
  readonly #store: Pick<Store, 'counters'>;
  #written: Record<string, number> = {};

  constructor(observer: Observer, store: Pick<Store, 'counters'>) {
    this.#observer = observer;
    this.#store = store;
  }

  write(): void {
    const counts = this.#observer.counts();
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
