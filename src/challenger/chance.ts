/** Chance that a log cannot foretell. */
import { randomInt } from 'node:crypto';

/**
 * 0 <= x < 1, from the system's generator: its numbers cannot be foretold from earlier ones, as
 * those of Math.random can.
 */
export function uniform(): number {
  return randomInt(2 ** 32) / 2 ** 32;
}

/** The items in an order of which each is as likely as any other. */
export function shuffled<T>(items: readonly T[]): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = randomInt(i + 1);
    const [a, b] = [result[i], result[j]];
    if (a !== undefined && b !== undefined) [result[i], result[j]] = [b, a];
  }
  return result;
}
