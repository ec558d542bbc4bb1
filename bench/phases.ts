// SPDX-License-Identifier: Apache-2.0
/**
 * Whether what was measured in some phases differs from what was measured in others. What is near in
 * time is alike, whatever the cause, so that a test that takes each value for a draw of its own finds
 * differences everywhere. Here the phases are what is drawn: their labels are exchanged at random, and
 * p is the share of exchanges after which the distributions are as far apart. Pure.
 */
import { percentile } from './statistics.ts';

export interface Phase {
  /** In the unit of the samples' times. */
  readonly from: number;
  readonly to: number;
  readonly isMuch: boolean;
}

export interface Difference {
  readonly samples: number;
  /** Medians of the phases without and with. */
  readonly nothing: number;
  readonly much: number;
  /** Kolmogorov and Smirnov's: the largest distance of the two distributions. */
  readonly distance: number;
  readonly p: number;
}

const EXCHANGES = 2000;

/** `random` is in [0, 1). Samples of no phase are left out. */
export function byPhases(
  samples: readonly { readonly at: number; readonly value: number }[],
  phases: readonly Phase[],
  random: () => number = Math.random,
): Difference {
  const sorted = samples
    .map(({ at, value }) => ({
      value,
      phase: phases.findIndex(({ from, to }) => at >= from && at < to),
    }))
    .filter(({ phase }) => phase >= 0)
    .sort((a, b) => a.value - b.value);
  const labels = phases.map(({ isMuch }) => isMuch);
  const values = (isMuch: boolean): number[] =>
    sorted.filter(({ phase }) => labels[phase] === isMuch).map(({ value }) => value);
  const [nothing, much] = [values(false), values(true)];
  if (nothing.length === 0 || much.length === 0) {
    const isEmpty = sorted.length === 0;
    return {
      samples: sorted.length,
      nothing: NaN,
      much: NaN,
      distance: isEmpty ? 0 : 1,
      p: isEmpty ? 1 : 0,
    };
  }
  const distance = distanceOf(sorted, labels);
  let asFar = 0;
  for (let i = 0; i < EXCHANGES; i++)
    if (distanceOf(sorted, shuffled(labels, random)) >= distance) asFar += 1;
  return {
    samples: sorted.length,
    nothing: percentile(nothing, 0.5),
    much: percentile(much, 0.5),
    distance,
    p: (asFar + 1) / (EXCHANGES + 1),
  };
}

function distanceOf(
  sorted: readonly { readonly value: number; readonly phase: number }[],
  labels: readonly boolean[],
): number {
  let total = 0;
  for (const { phase } of sorted) if (labels[phase] === true) total += 1;
  const [perMuch, perNothing] = [1 / total, 1 / (sorted.length - total)];
  let [apart, largest] = [0, 0];
  for (let i = 0; i < sorted.length; i++) {
    apart += labels[sorted[i]?.phase ?? 0] === true ? perMuch : -perNothing;
    if (sorted[i]?.value !== sorted[i + 1]?.value) largest = Math.max(largest, Math.abs(apart));
  }
  return largest;
}

function shuffled<T>(all: readonly T[], random: () => number): T[] {
  const mixed = [...all];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [mixed[i], mixed[j]] = [mixed[j] as T, mixed[i] as T];
  }
  return mixed;
}
