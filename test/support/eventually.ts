// SPDX-License-Identifier: Apache-2.0
/** Waiting for what happens by itself: in another process, a worker, a server. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Far longer than anything takes on a busy machine: it ends a wait for what never comes. */
const DEADLINE_MS = 120_000;
const PAUSE_MS = 20;

/**
 * Waits until `condition` gives something else than undefined or false, and resolves to that. After
 * two minutes, or `deadline` ms, it throws an error that says `what` was waited for, so that a test
 * which hangs says where. What `condition` throws ends the wait at once.
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  what: string | (() => string),
  deadline = DEADLINE_MS,
): Promise<Exclude<T, undefined | false>> {
  const end = performance.now() + deadline;
  for (;;) {
    const result = await condition();
    if (result !== undefined && result !== false) return result as Exclude<T, undefined | false>;
    if (performance.now() > end) {
      const described = typeof what === 'string' ? what : what();
      throw new Error(`waited ${deadline / 1000} seconds in vain for ${described}`);
    }
    await sleep(PAUSE_MS);
  }
}
