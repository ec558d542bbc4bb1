// SPDX-License-Identifier: Apache-2.0
/** Running another program to its end. */
import { spawn } from 'node:child_process';
import { CtgaError, messageOf } from './errors.ts';

/** For how long a program may run. */
export const COMMAND_MS = 60_000;

/**
 * Runs a program to its end, for a minute at most. Rejects with CtgaError if it fails: how it
 * ended, and the last line that it wrote.
 */
export function runProgram(
  file: string,
  args: readonly string[],
  input: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: 'pipe' });
    // Not spawn's own timeout, which keeps waiting if the program does not exist.
    const patience = setTimeout(() => child.kill('SIGKILL'), COMMAND_MS);
    let complaint = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on(
        'data',
        (chunk: Buffer) => (complaint = `${complaint}${chunk.toString()}`.slice(-500)),
      );
    child.stdin.on('error', () => undefined); // it need not read its input
    child.once('error', (error) => {
      clearTimeout(patience);
      reject(new CtgaError('kernel', `${file}: ${messageOf(error)}`, { cause: error }));
    });
    child.once('close', (code, signal) => {
      clearTimeout(patience);
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
