// SPDX-License-Identifier: Apache-2.0
/**
 * How much of what could be tried a run tries. Some tests go through hundreds of cases, each of
 * which takes processes of its own: all of them with CTGA_TEST_WHOLE=1, as before a release, and
 * otherwise a share of them, which CTGA_TEST_SHARE=<number> chooses: .ci/run gives each commit
 * another.
 */
import { random } from './random.ts';

export const WHOLE = process.env['CTGA_TEST_WHOLE'] === '1';

/** Which share of the cases this run tries. */
export const SHARE = Number(process.env['CTGA_TEST_SHARE'] ?? 0);
if (!Number.isSafeInteger(SHARE)) throw new RangeError('CTGA_TEST_SHARE: want a whole number');

/** Chooses what is in a share: the same again with the same CTGA_TEST_SHARE. */
export const chooser = (): ((below: number) => number) => random(SHARE);

/** Every `of`-th of the cases, from a place by chance; all of them in a whole run. */
export function share<T>(cases: readonly T[], of: number): T[] {
  if (WHOLE) return [...cases];
  const first = chooser()(of);
  return cases.filter((_, i) => i % of === first);
}
