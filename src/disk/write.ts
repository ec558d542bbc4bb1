// SPDX-License-Identifier: Apache-2.0
/** Writing that survives a power cut. */
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDirectory, share, syncDirectory } from './directory.ts';

/**
 * Puts a file with this content at `path`, in place of the one that is there. When it returns, the
 * file survives a power cut. Until then, and if it throws, `path` is the old file or the whole new
 * one, never a part of it. Makes the directories above that are missing.
 *
 * Accounts that may write in the directory may write the file (see `share`), and all others may
 * read it. Of two processes that write the same path, the later one wins. Throws the system's
 * error.
 */
export function writeDurably(path: string, content: string | Uint8Array): void {
  const directory = dirname(path);
  makeDirectory(directory);
  const temporary = temporaryOf(path);
  tidyOnce(directory);
  try {
    // An earlier process may have left it. Or it is a link with which somebody wants to make root
    // write elsewhere.
    rmSync(temporary, { force: true });
    const file = openSync(temporary, 'wx', 0o644);
    try {
      writeFileSync(file, content);
      share(file, directory);
    } finally {
      closeSync(file);
    }
    moveDurably(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw naming(path, error);
  }
}

/**
 * Makes a file with this content that its owner alone may read. When it returns, the file survives a power
 * cut; if it throws, there is none, so that whoever made room may try again. Throws the system's error, EEXIST
 * where there is one.
 */
export function writeSecret(path: string, content: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    try {
      writeFileSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    syncDirectory(dirname(path));
  } catch (error) {
    rmSync(path, { force: true });
    throw naming(path, error);
  }
}

/** The system's error with the file's name, which it lacks if the file was open. */
function naming(path: string, error: unknown): unknown {
  const { errno, path: named } = error as NodeJS.ErrnoException;
  return errno === undefined || named !== undefined
    ? error
    : Object.assign(error as Error, { path });
}

/** The name under which this process writes what is to be at `path`. */
export function temporaryOf(path: string): string {
  return `${path}.${process.pid}.tmp`;
}

/**
 * Removes what processes that were killed while they wrote have left in a directory: files under
 * `temporaryOf` names of processes that are no more. Throws nothing.
 */
export function tidy(directory: string): void {
  try {
    for (const name of readdirSync(directory)) {
      const [, pid] = /\.([0-9]+)\.tmp(?:-journal|-wal|-shm)?$/.exec(name) ?? [];
      if (pid !== undefined && !isRunning(Number(pid)))
        rmSync(join(directory, name), { force: true });
    }
  } catch {
    // It is no obstacle, and another process may have the right.
  }
}

const tidied = new Set<string>();

function tidyOnce(directory: string): void {
  if (tidied.has(directory)) return;
  tidied.add(directory);
  tidy(directory);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/**
 * As writeDurably, for a file that was written elsewhere in the same directory: `from` becomes
 * `path`.
 */
export function moveDurably(from: string, path: string): void {
  // A rename may reach the disk before the file's content does.
  const file = openSync(from, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(from, path);
  syncDirectory(dirname(path));
}
