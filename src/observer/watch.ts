/**
 * Keeps an observer fed by data planes until it is told to stop.
 */
import type { DataPlane } from '../dataplane/types.ts';
import type { Store } from '../store/store.ts';
import type { Observer } from './observer.ts';

/** Counters are written this often, not with every batch: a flood of nonsense must not become a flood of fsyncs. */
const HOUSEKEEPING_MS = 10_000;
const COUNTS_SOURCE = 'observer';

/** Resolves when `signal` is aborted, everything already copied is stored and delivery has ended. */
export async function watch(
  planes: readonly DataPlane[],
  observer: Observer,
  store: Store,
  signal: AbortSignal,
): Promise<void> {
  const names = observer.knownNames();
  for (const plane of planes) {
    plane.setKnownNames(names);
    plane.start(
      (packet) => observer.receive(packet),
      () => observer.endBatch(Date.now()),
    );
  }
  const counts = new CountsWriter(observer, store);
  const timer = setInterval(() => {
    observer.endBatch(Date.now());
    counts.write();
  }, HOUSEKEEPING_MS);
  try {
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    clearInterval(timer);
    for (const plane of planes) await plane.stop();
    observer.endBatch(Date.now());
    counts.write();
  }
}

/** Adds to the store what an observer counted since the last time. */
export class CountsWriter {
  readonly #observer: Observer;
  readonly #store: Store;
  #written: Record<string, number> = {};

  constructor(observer: Observer, store: Store) {
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
      this.#store.addCounts(COUNTS_SOURCE, Object.fromEntries(added));
      this.#written = counts;
    } catch {
      // The disk is full or the database busy: the next write brings these counts too.
    }
  }
}
