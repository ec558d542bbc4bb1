// SPDX-License-Identifier: Apache-2.0
/** Chance that a log cannot foretell. */
import { randomInt } from 'node:crypto';

/**
 * 0 <= x < 1, from the system's generator: its numbers cannot be foretold from earlier ones, as
 * those of Math.random can.
 */
export function uniform(): number {
  return randomInt(2 ** 32) / 2 ** 32;
}

/** A whole number from 0 to `count` - 1, each as likely as any other. `chance` as `uniform`. */
export function drawn(count: number, chance = uniform): number {
  return Math.floor(chance() * count);
}

/** The items in an order of which each is as likely as any other. `chance` as `uniform`. */
export function shuffled<T>(items: readonly T[], chance = uniform): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = drawn(i + 1, chance);
    const [a, b] = [result[i], result[j]];
    if (a !== undefined && b !== undefined) [result[i], result[j]] = [b, a];
  }
  return result;
}
