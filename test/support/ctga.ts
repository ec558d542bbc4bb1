/** Runs the real command line, as a user would. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

export const CTGA = resolve(import.meta.dirname, '../../bin/ctga');

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function ctga(
  args: readonly string[],
  options: { env?: Record<string, string> } = {},
): Promise<Ran> {
  return new Promise((done, failed) => {
    const child = spawn(CTGA, args, {
      env: { ...process.env, CTGA_NODE: process.execPath, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('error', failed);
    child.once('close', (code) => done({ code, stdout, stderr }));
  });
}
