/** The signals by which a person or a service manager asks a process to end: see signal(7). */

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Returns an AbortSignal that the first SIGINT, SIGTERM or SIGHUP aborts. Until then the process
 * survives these signals, so call it before you make anything that has to be taken down again.
 * Each of them is caught once: a second Ctrl-C ends the process at once.
 */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of STOP_SIGNALS) process.once(signal, () => stop.abort());
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
