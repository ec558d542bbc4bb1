// SPDX-License-Identifier: Apache-2.0
/**
 * When a collector does what may wait: in small steps, each of them halfway between two times at which
 * something goes out. A step on a slow disk then delays neither a batch nor an answer, whose times
 * would tell of it. Pure.
 */

/** So often in an interval what was heard is taken in: halfway between the times that batches may have. */
export const MOMENTS_AN_INTERVAL = 20;
/** Sightings that a collector rolls up in a minute: more than a thousand sites tell of sixteen logs meanwhile. */
const ROLLED_UP_A_MINUTE = 20_000;
/** Each step waits for the disk, so they are not more frequent than that. */
const LEAST_BETWEEN_MS = 250;

export interface Steps {
  /** When the first is, and how long it is to the next, in ms from when the member began. */
  readonly first: number;
  readonly every: number;
  /** Sightings in each. */
  readonly rows: number;
}

/** Of a fleet with so long an interval, in milliseconds. */
export function stepsOf(interval: number): Steps {
  // Moments are at odd multiples of this, and batches at even ones.
  const between = interval / MOMENTS_AN_INTERVAL / 2;
  const gap = between / Math.max(1, Math.round(between / LEAST_BETWEEN_MS));
  const every = gap * Math.ceil(LEAST_BETWEEN_MS / gap - 1e-9);
  return { first: gap / 2, every, rows: Math.ceil((ROLLED_UP_A_MINUTE * every) / 60_000) };
}

/** When the next is, at a time of the same clock. Whoever wakes up early does not meet one twice. */
export function nextStep({ first, every }: Steps, at: number): number {
  return first + (Math.round((at - first) / every) + 1) * every;
}
