/**
 * What is worth waking somebody for, as it stands in the store. Each has a key: it is told once,
 * and once when it is over.
 */
import { time } from '../base/text.ts';
import { logDescriptions } from '../store/known-logs.ts';
import { logIdText } from '../logs/log.ts';
import type { Store } from '../store/store.ts';
import { z } from 'zod';

export type Severity = 'critical' | 'warning';

export interface Condition {
  readonly key: string;
  readonly severity: Severity;
  /** One sentence. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy: string;
}

const planeSchema = z.object({
  counters: z.record(z.string(), z.number()),
  blindSince: z.number().nullable(),
});

/** An observer writes every ten seconds; a restart takes a few. */
const STALE_MS = 60_000;
/** Copies that were lost are told until none was for so long. */
const CALM_MS = 15 * 60_000;

/** Remembers what counters were, to tell when copies are lost. */
export class Conditions {
  readonly #lost = new Map<string, { count: number; at: number | undefined }>();
  readonly #written = new Map<string, { updated: number; age: number; at: number }>();

  /** All that hold at `now` (ms since the epoch), which is `elapsed` by the monotonic clock. */
  present(store: Store, now: number, elapsed: number): Condition[] {
    return [...forks(store), ...unprovable(store), ...this.#interfaces(store, now, elapsed)];
  }

  #interfaces(store: Store, now: number, elapsed: number): Condition[] {
    return store.planes.all().flatMap(({ interface: name, state, updated }): Condition[] => {
      const parsed = planeSchema.safeParse(JSON.parse(state));
      if (!parsed.success) return [];
      const { counters, blindSince } = parsed.data;
      const found: Condition[] = [];
      if (blindSince !== null)
        found.push(
          warning(
            `blind:${name}`,
            `Nothing is looked at on ${name} since ${time(blindSince)}.`,
            'The interface went away, or the program was taken off by force: ctga status.',
          ),
        );
      else if (this.#ageOf(name, updated, now, elapsed) > STALE_MS)
        found.push(
          warning(
            `blind:${name}`,
            `No observer has watched ${name} since ${time(updated)}.`,
            `Start it again: ctga attach ${name}. If it is to be watched no more: ctga alert forget ${name}.`,
          ),
        );
      const count = (counters['answersRingFull'] ?? 0) + (counters['fragmentsRingFull'] ?? 0);
      const before = this.#lost.get(name);
      // Counting begins anew when an interface is detached.
      if (before === undefined || count < before.count)
        this.#lost.set(name, { count, at: undefined });
      else if (count > before.count) this.#lost.set(name, { count, at: elapsed });
      const { at } = this.#lost.get(name) ?? {};
      if (at !== undefined && elapsed - at < CALM_MS)
        found.push(
          warning(
            `drops:${name}`,
            `Copies find no room on ${name}: the reader does not keep up.`,
            'ctga status has the counts; a larger share of a CPU, or a lower --budget, helps.',
          ),
        );
      return found;
    });
  }

  /**
   * How long ago an observer wrote. The wall clock says so once, and the monotonic one from then
   * on.
   */
  #ageOf(name: string, updated: number, now: number, elapsed: number): number {
    const known = this.#written.get(name);
    if (known?.updated === updated) return known.age + (elapsed - known.at);
    const age = known === undefined ? now - updated : 0;
    this.#written.set(name, { updated, age, at: elapsed });
    return age;
  }
}

/** Evidence stays: a proven split view is never over. */
function forks(store: Store): Condition[] {
  const evidence = store.evidence.all();
  if (evidence.length === 0) return [];
  const nameOf = logDescriptions(store);
  return evidence.map(({ path, logId, firstSize, secondSize }) => ({
    key: `fork:${path}`,
    severity: 'critical',
    message: `SPLIT VIEW PROVEN: ${nameOf(logId)} signed trees of size ${firstSize} and ${secondSize} that no append-only log can both have.`,
    remedy: `The evidence is ${path}; check it with: ctga evidence verify ${path}`,
  }));
}

function unprovable(store: Store): Condition[] {
  const logs = store.verdicts.logsWith('unprovable');
  if (logs.length === 0) return [];
  const nameOf = logDescriptions(store);
  return logs.map((logId) =>
    warning(
      `unprovable:${logIdText(logId)}`,
      `${nameOf(logId)} has no proof for a tree that it signed, long after it must.`,
      'ctga heads list says which. It is no evidence yet, and may be on the way to some.',
    ),
  );
}

function warning(key: string, message: string, remedy: string): Condition {
  return { key, severity: 'warning', message, remedy };
}
