// SPDX-License-Identifier: Apache-2.0
/** Several requests at once. */

/**
 * Does `work` for each item, in their order and for at most `most` of them at once. Rejects with
 * what the first of them to fail rejects with; it then begins no more, and settles when those under
 * way have ended. An item is drawn from `items` only when its work begins.
 */
export async function inParallel<T>(
  items: Iterable<T>,
  most: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const lane = async (): Promise<void> => {
    while (failures.length === 0) {
      const next = iterator.next();
      if (next.done === true) return;
      try {
        await work(next.value);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: most }, lane));
  if (failures.length > 0) throw failures[0];
}
