// SPDX-License-Identifier: Apache-2.0
/** Long work on what others wait for, in steps between which they have their turn. */
import { setTimeout as sleep } from 'node:timers/promises';

/** In milliseconds: about as long takes a step, and as long at least the others have. */
const STEP_MS = 40;
const LARGEST = 65_536;

/**
 * Calls `step` with how much it may do at once, until it returns false: nothing is left. That
 * grows and shrinks with how long a step takes, beginning at `size`.
 */
export async function inSteps(size: number, step: (size: number) => boolean): Promise<void> {
  for (;;) {
    const begin = performance.now();
    if (!step(size)) return;
    const took = performance.now() - begin;
    if (took > 2 * STEP_MS) size = Math.max(1, size >> 1);
    else if (took < STEP_MS / 2) size = Math.min(LARGEST, size * 2);
    await sleep(Math.max(took, STEP_MS));
  }
}
