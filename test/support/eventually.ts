// SPDX-License-Identifier: Apache-2.0
/** Waiting for what happens by itself: in another process, a worker, a server. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Far longer than anything takes on a busy machine: it ends a wait for what never comes. */
const DEADLINE_MS = 120_000;
const PAUSE_MS = 20;

/**
 * Waits until `condition` gives something else than undefined or false, and resolves to that. After
 * two minutes it throws an error that says `what` was waited for, so that a test which hangs says
 * where. What `condition` throws ends the wait at once.
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  what: string | (() => string),
): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const result = await condition();
    if (result !== undefined && result !== false) return result as Exclude<T, undefined | false>;
    if (performance.now() > deadline) {
      const described = typeof what === 'string' ? what : what();
      throw new Error(`waited ${DEADLINE_MS / 1000} seconds in vain for ${described}`);
    }
    await sleep(PAUSE_MS);
  }
}
