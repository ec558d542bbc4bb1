// SPDX-License-Identifier: Apache-2.0
/**
 * The command line, as tests run it.
 *
 * `ctga(args)` and `startCtga(args)` run it inside the test's own process, which takes
 * milliseconds. `ctgaProcess(args)` starts the real launcher, which takes about a second of CPU:
 * use it, or spawn CTGA yourself, only where the process is the point (signals, kill -9,
 * privileges, its environment, the launcher).
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { runCtga } from '../../src/cli/program.ts';
import { eventually } from './eventually.ts';

/** The launcher. */
export const CTGA = resolve(import.meta.dirname, '../../bin/ctga');

export interface Ran {
  /** The exit code; null for a process that a signal ended. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that goes on until it is told to end. */
export interface Running {
  /** What it has written so far, stdout and stderr as they came. */
  readonly said: () => string;
  /** Waits until a condition holds; fails if the command ends first. */
  readonly until: (condition: () => boolean, what: string) => Promise<void>;
  /** Resolves when it has ended. */
  readonly ended: Promise<Ran>;
  /** Asks it to end, as SIGTERM would, and waits for the end. */
  readonly stop: () => Promise<Ran>;
}

/** Runs a command in this process, to its end. */
export function ctga(args: readonly string[]): Promise<Ran> {
  return begin(args).ended;
}

/** Starts a command in this process that goes on by itself. */
export function startCtga(args: readonly string[]): Running {
  const stop = new AbortController();
  const { said, ended } = begin(args, stop.signal);
  let end: Ran | undefined;
  void ended.then((ran) => (end = ran));
  return {
    said,
    ended,
    until: async (condition, what) => {
      await eventually(
        () => {
          if (condition()) return true;
          assert.equal(end, undefined, `ctga ended before ${what}:\n${said()}`);
          return false;
        },
        () => `${what}; ctga has said:\n${said()}`,
      );
    },
    stop: () => {
      stop.abort();
      return ended;
    },
  };
}

function begin(
  args: readonly string[],
  signal = new AbortController().signal,
): { said: () => string; ended: Promise<Ran> } {
  let [stdout, stderr, said] = ['', '', ''];
  const io = {
    stdout: { write: (text: string) => void ((stdout += text), (said += text)) },
    stderr: { write: (text: string) => void ((stderr += text), (said += text)) },
    signal,
  };
  const ended = runCtga([...args, ...stayWhoWeAre(args)], io);
  return { said: () => said, ended: ended.then((code) => ({ code, stdout, stderr })) };
}

/** As root, these commands become another account, for good: not in the process of a test. */
function stayWhoWeAre([command, sub]: readonly string[]): string[] {
  const gaveUpRoot =
    command === 'challenge' ||
    command === 'collect' ||
    (command === 'fleet' && sub === 'publish') ||
    command === 'web' ||
    (command === 'witness' && (sub === 'serve' || sub === 'keygen')) ||
    ((command === 'alert' || command === 'audit' || command === 'federation') && sub === 'run') ||
    (command === 'federation' && sub === 'join') ||
    ((command === 'dns' || command === 'pool') && sub === 'serve') ||
    (command === 'dns' && sub === 'publish');
  return gaveUpRoot && process.geteuid?.() === 0 ? ['--user', 'root'] : [];
}

/** Runs a command as a process of its own. */
export function ctgaProcess(
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
