// SPDX-License-Identifier: Apache-2.0
/** Running another program to its end. */
import { spawn } from 'node:child_process';
import { CtgaError, messageOf } from './errors.ts';

/** For how long a program may run. */
export const COMMAND_MS = 60_000;

/** What a program gets from SIGTERM to SIGKILL. */
const GRACE_MS = 500;

/**
 * Runs a program, with all that it starts, to its end, for a minute at most, or until `stop` is
 * aborted. Rejects with CtgaError if it fails: how it ended, and the last line that it wrote.
 */
export function runProgram(
  file: string,
  args: readonly string[],
  input: string,
  env: Readonly<Record<string, string>>,
  stop?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    // The leader of a group: what a shell has started does not end with the shell.
    const child = spawn(file, args, {
      env: { ...process.env, ...env },
      stdio: 'pipe',
      detached: true,
    });
    const kill = (signal: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
      } catch {
        // All of it has ended.
      }
      // What has a group of its own may hold these open.
      for (const stream of child.stdio) stream?.destroy();
    };
    // Not spawn's own timeout, which keeps waiting if the program does not exist.
    let patience = setTimeout(() => kill('SIGKILL'), COMMAND_MS);
    const giveUp = (): void => {
      kill('SIGTERM');
      clearTimeout(patience);
      patience = setTimeout(() => kill('SIGKILL'), GRACE_MS);
    };
    if (stop?.aborted === true) giveUp();
    else stop?.addEventListener('abort', giveUp);
    const over = (): void => {
      clearTimeout(patience);
      stop?.removeEventListener('abort', giveUp);
    };
    let complaint = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on(
        'data',
        (chunk: Buffer) => (complaint = `${complaint}${chunk.toString()}`.slice(-500)),
      );
    child.stdin.on('error', () => undefined); // it need not read its input
    child.once('error', (error) => {
      over();
      reject(new CtgaError('kernel', `${file}: ${messageOf(error)}`, { cause: error }));
    });
    child.once('close', (code, signal) => {
      over();
      if (code === 0) resolve();
      else
        reject(
          new CtgaError(
            'kernel',
            `${signal === null ? `exit code ${code ?? 'unknown'}` : signal}${complaint === '' ? '' : `: ${complaint.trim().split('\n').at(-1) ?? ''}`}`,
          ),
        );
    });
    child.stdin.end(input);
  });
}
