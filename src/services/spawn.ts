// SPDX-License-Identifier: Apache-2.0
/**
 * Starts another command as a process of its own, which gives up root before it talks to anybody.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { realSleep, type Sleep } from '../base/clock.ts';
import { ExitCode, messageOf } from '../base/errors.ts';
import { scriptPath } from '../base/scripts.ts';
import { ENDS_WITH_INPUT } from '../base/stop-signals.ts';

/** What a service manager told this process alone: see sd_notify(3). */
const OF_THIS_PROCESS = new Set(['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']);

/**
 * `args` are the program's, with the command among them. Its output goes where ours
 * goes. It ends when its standard input does: when the caller ends that, or ends itself. Once both
 * have given up root, one may not signal the other.
 */
export function spawnBeside(args: readonly string[]): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !OF_THIS_PROCESS.has(name));
  return spawn(process.execPath, [...process.execArgv, scriptPath('cli/main'), ...args], {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { ...Object.fromEntries(inherited), [ENDS_WITH_INPUT]: '1' },
  });
}

/** Before what has ended is started again, as the units of the package wait. */
const PAUSE_MS = 10_000;

export interface KeepOptions {
  /** spawnBeside, but in tests. */
  readonly start: () => Pick<ChildProcess, 'once' | 'stdin'>;
  /** Told how it ended, such as "by a signal", each time that it is to be started again. */
  readonly onEnded: (how: string) => void;
  /** A real wait unless given. */
  readonly sleep?: Sleep;
}

/**
 * Keeps a process beside this one until `stop` is aborted: whenever it ends it is started again, some
 * seconds later. Resolves when it has ended for good: by `stop`, to 'stopped'; or because it says that
 * it was started wrongly, which does not mend itself, to 'refused' if that was its first start, and to
 * 'lost' if it ran before, as where root has read for it what nobody else may.
 */
export async function keepBeside(
  { start, onEnded, sleep = realSleep }: KeepOptions,
  stop: AbortSignal,
): Promise<'stopped' | 'refused' | 'lost'> {
  for (let starts = 1; ; starts++) {
    const child = start();
    const end = (): void => void child.stdin?.end();
    stop.addEventListener('abort', end, { once: true });
    if (stop.aborted) end();
    const code = await exitOf(child);
    stop.removeEventListener('abort', end);
    if (stop.aborted) return 'stopped';
    if (code === ExitCode.badInput) return starts === 1 ? 'refused' : 'lost';
    onEnded(typeof code === 'number' ? `with exit code ${code}` : code);
    // An aborted sleep rejects.
    await sleep(PAUSE_MS, stop).catch(() => undefined);
    if (isAborted(stop)) return 'stopped';
  }
}

/** Its exit code, or why it has none. */
async function exitOf(child: Pick<ChildProcess, 'once'>): Promise<number | string> {
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code ?? 'by a signal'));
    // There is no process: too many of them run, for one.
    child.once('error', (error) => resolve(`before it began: ${messageOf(error)}`));
  });
}

/** It may have been since the last look at it. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
