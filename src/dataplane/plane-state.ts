/**
 * What an observer writes down of each plane that it watches, for those who may not look at the
 * plane itself: the status page, the metrics, the alerts. The store keeps it as text.
 */
import { z } from 'zod';
import type { DataPlane, DataPlaneCounters } from './types.ts';

/** An observer writes this often, in milliseconds. */
export const PLANE_STATE_MS = 10_000;
/**
 * In milliseconds. Nobody watches a plane whose state is older: an observer that is started again
 * takes some seconds, and more if its database is large.
 */
const STALE_MS = 60_000;

const schema = z.object({
  /** As in DataPlane. */
  mode: z.string(),
  /** How many names are looked for. */
  names: z.number(),
  /** As in DataPlaneCounters. */
  counters: z.record(z.string(), z.number()),
  /** How the plane chooses what to copy, and what share of the latest matches it copied. */
  settings: z.object({
    answersPerSecond: z.number(),
    fragmentsPerSecond: z.number(),
    answersShare: z.number(),
    fragmentsShare: z.number(),
    threshold: z.number(),
    everyNth: z.number(),
  }),
  /** Since when no packet is looked at, in ms since the epoch; null while packets are. */
  blindSince: z.number().nullable(),
});

export type PlaneState = Readonly<z.infer<typeof schema>>;

/** The present state of a plane; undefined for one that neither counts nor selects. */
export function planeStateOf(
  plane: DataPlane,
  names: number,
  blindSince: number | undefined,
): PlaneState | undefined {
  const [counters, settings] = [plane.counters(), plane.settings()];
  if (counters === undefined || settings === undefined) return undefined;
  return {
    mode: plane.mode,
    names,
    counters: asNumbers(counters),
    settings,
    blindSince: blindSince ?? null,
  };
}

export function encodePlaneState(state: PlaneState): string {
  return JSON.stringify(schema.parse(state));
}

/** Undefined for a text that another version of ctga wrote in another form. */
export function decodePlaneState(text: string): PlaneState | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/**
 * Whether a state that was written `age` milliseconds ago is too old for a plane that is watched.
 */
export function isStale(age: number): boolean {
  return age > STALE_MS;
}

function asNumbers(counters: DataPlaneCounters): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counters).map(([name, count]: [string, bigint]) => [name, Number(count)]),
  );
}
