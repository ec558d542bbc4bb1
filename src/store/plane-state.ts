// SPDX-License-Identifier: Apache-2.0
/**
 * What an observer writes down of each data plane that it watches, for processes that may not look
 * at the plane itself: the status page, the metrics, the alerts.
 */
import * as z from 'zod';

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
  /** What the observer takes of the machine: see ProcessUsage. Earlier versions do not say. */
  process: z
    .object({
      pid: z.number(),
      cpuSeconds: z.number(),
      residentBytes: z.number(),
      openDescriptors: z.number().optional(),
      startTime: z.number(),
    })
    .optional(),
  /** Since when no packet is looked at, in ms since the epoch; null while packets are. */
  blindSince: z.number().nullable(),
});

export type PlaneState = Readonly<z.infer<typeof schema>>;

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
