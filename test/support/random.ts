// SPDX-License-Identifier: Apache-2.0
/**
 * Chance in tests, decided beforehand: the same in every run, unless CTGA_TEST_SEED=<number> asks
 * for another. Tests take fast-check from here, so that its seed is this one too; what it prints of
 * a property that fails has the seed in it, and test/run.ts prints it for the rest.
 */
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import fc from 'fast-check';

export const SEED = Number(process.env['CTGA_TEST_SEED'] ?? 20180101);
if (!Number.isSafeInteger(SEED)) throw new RangeError('CTGA_TEST_SEED: want a whole number');

fc.configureGlobal({ seed: SEED, numRuns: 250 });
export { fc };

/** mulberry32: small, and the same everywhere. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/**
 * From now on Math.random and crypto.randomInt are decided by `seed` too, for code that draws by
 * itself, until the function returned is called.
 */
export function fixChance(seed: number): () => void {
  const draw = random(seed);
  const { randomInt } = crypto;
  const { random: mathRandom } = Math;
  const fixed = (a: number, b?: number): number =>
    b === undefined ? Math.floor(fraction() * a) : a + Math.floor(fraction() * (b - a));
  const fraction = (): number => draw(2 ** 32) / 2 ** 32;
  Object.assign(crypto, { randomInt: fixed });
  Object.assign(Math, { random: fraction });
  syncBuiltinESMExports();
  return () => {
    Object.assign(crypto, { randomInt });
    Object.assign(Math, { random: mathRandom });
    syncBuiltinESMExports();
  };
}
