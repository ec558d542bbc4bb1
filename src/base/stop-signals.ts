// SPDX-License-Identifier: Apache-2.0
/** The signals by which a person or a service manager asks a process to end: see signal(7). */

import type { Socket } from 'node:net';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * What sends a signal often sends it twice: timeout(1) to its child and to the child's group, npm
 * and a terminal to the same process. So a second one counts only if it comes later than this.
 */
const ONE_REQUEST_MS = 1000;

/** The variable that has a process end with its standard input, as by SIGTERM. */
export const ENDS_WITH_INPUT = 'CTGA_ENDS_WITH_INPUT';

/**
 * Returns an AbortSignal that the first SIGINT, SIGTERM or SIGHUP aborts. The process survives
 * these signals until a second has passed since, so call it before you make anything that has to be
 * taken down again. From then on they end the process at once, as a second Ctrl-C should.
 */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const release = onStopSignals(() => {
    if (stop.signal.aborted) return;
    stop.abort();
    setTimeout(release, ONE_REQUEST_MS).unref();
  });
  if (process.env[ENDS_WITH_INPUT] !== undefined)
    (process.stdin as Socket)
      .resume()
      .once('close', () => process.emit('SIGTERM', 'SIGTERM'))
      .unref();
  return stop.signal;
}

/**
 * Calls `stop` for every SIGINT, SIGTERM and SIGHUP, none of which ends the process, until the
 * function that it returns is called. For work that must not be cut short by a second Ctrl-C.
 */
export function onStopSignals(stop: (signal: NodeJS.Signals) => void): () => void {
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
  return () => {
    for (const signal of STOP_SIGNALS) process.off(signal, stop);
  };
}

/** Resolves when `signal` is aborted; at once if it has been. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true });
  });
}
