// SPDX-License-Identifier: Apache-2.0
/** The little statistics that the bench needs. Pure. */

/**
 * The value below which a share `p` (0 to 1) of the sample lies, by the nearest rank. Requires a
 * sample.
 */
export function percentile(sample: readonly number[], p: number): number {
  const sorted = [...sample].sort((a, b) => a - b);
  const rank = Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1));
  const value = sorted[rank];
  if (value === undefined) throw new RangeError('an empty sample has no percentiles');
  return value;
}

export function median(sample: readonly number[]): number {
  return percentile(sample, 0.5);
}

export interface TwoSampleTest {
  /**
   * Chance of so large a difference, or a larger one, if both samples came from one distribution.
   */
  readonly p: number;
  /**
   * -1 to 1: how much likelier a value of the second sample is above one of the first than below
   * (Cliff's delta).
   */
  readonly effect: number;
}

/**
 * Mann and Whitney's U test, two-sided, by the normal approximation with ties corrected; from 8
 * values on each side it is good enough. Knows nothing of the distributions' form.
 */
export function mannWhitney(first: readonly number[], second: readonly number[]): TwoSampleTest {
  const [m, n] = [first.length, second.length];
  const all = [
    ...first.map((value) => ({ value, side: 0 })),
    ...second.map((value) => ({ value, side: 1 })),
  ];
  all.sort((a, b) => a.value - b.value);
  let [rankSum, ties] = [0, 0];
  for (let i = 0; i < all.length;) {
    let end = i;
    while (end < all.length && all[end]?.value === all[i]?.value) end++;
    const rank = (i + 1 + end) / 2; // the mean of ranks i + 1 .. end
    for (let j = i; j < end; j++) if (all[j]?.side === 1) rankSum += rank;
    ties += (end - i) ** 3 - (end - i);
    i = end;
  }
  const u = rankSum - (n * (n + 1)) / 2;
  const total = m + n;
  const variance = ((m * n) / 12) * (total + 1 - ties / (total * (total - 1)));
  const z = variance === 0 ? 0 : (Math.abs(u - (m * n) / 2) - 0.5) / Math.sqrt(variance);
  return { p: z <= 0 ? 1 : 2 * upperTail(z), effect: (2 * u) / (m * n) - 1 };
}

/**
 * Kolmogorov and Smirnov's test: the largest distance between the two distributions, and its
 * asymptotic p.
 */
export function kolmogorovSmirnov(
  first: readonly number[],
  second: readonly number[],
): { p: number; distance: number } {
  const [a, b] = [[...first].sort((x, y) => x - y), [...second].sort((x, y) => x - y)];
  let [i, j, distance] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const value = Math.min(a[i] ?? Infinity, b[j] ?? Infinity);
    while (a[i] === value) i++;
    while (b[j] === value) j++;
    distance = Math.max(distance, Math.abs(i / a.length - j / b.length));
  }
  const effective = Math.sqrt((a.length * b.length) / (a.length + b.length));
  const lambda = (effective + 0.12 + 0.11 / effective) * distance;
  let p = 0;
  for (let k = 1; k <= 100; k++) p += 2 * (-1) ** (k - 1) * Math.exp(-2 * (k * lambda) ** 2);
  return { p: lambda < 0.2 ? 1 : Math.min(1, Math.max(0, p)), distance };
}

/**
 * P(Z > z) of the standard normal distribution, z >= 0: Abramowitz and Stegun 26.2.17, to 7.5e-8.
 */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const series =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}
