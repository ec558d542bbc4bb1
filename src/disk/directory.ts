// SPDX-License-Identifier: Apache-2.0
/** Directories: making them, sharing their files among accounts, and syncing them. */
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { StoreError } from './error.ts';

/**
 * Makes the directory and those that are missing above it, with this mode. They survive a power cut once it
 * returns. Throws StoreError `store-failed` if something else is there or on the way, and else the
 * system's error if it cannot make them.
 *
 * It does not use mkdirSync's `recursive`: under a parent in which nothing can be made, such as
 * /proc, that takes ENOENT for a missing parent and never returns.
 */
export function makeDirectory(path: string, mode = 0o777): void {
  try {
    makeOne(path, mode);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') throw noDirectory(fileAbove(path), error);
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeDirectory(dirname(path), mode);
    makeOne(path, mode);
  }
}

/** What is on the way to a path and is no directory. */
function fileAbove(path: string): string {
  const above = dirname(path);
  try {
    return statSync(above, { throwIfNoEntry: false })?.isDirectory() === false
      ? above
      : fileAbove(above);
  } catch {
    return fileAbove(above); // the file is above this, too
  }
}

function noDirectory(path: string, cause: unknown): StoreError {
  const leadsNowhere = statSync(path, { throwIfNoEntry: false }) === undefined;
  return new StoreError(
    'store-failed',
    `${path} is ${leadsNowhere ? 'a link that leads nowhere' : 'not a directory'}`,
    { remedy: 'Name a directory with --state-dir.', cause },
  );
}

function makeOne(path: string, mode: number): void {
  try {
    mkdirSync(path, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // Of a link, what it leads to counts.
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
    throw noDirectory(path, error);
  }
  syncDirectory(dirname(path));
}

/**
 * Gives an open file that was made in `directory` to the accounts that the directory belongs to: to
 * its owner if root made the file, and, whatever the umask says, to its group if the group may write
 * in the directory; nobody but its owner may write it if not.
 */
export function share(file: number, directory: string): void {
  const { uid, gid, mode } = statSync(directory);
  if (process.geteuid?.() === 0 && uid !== 0) fchownSync(file, uid, gid);
  const own = fstatSync(file).mode;
  if ((mode & 0o020) !== 0) fchmodSync(file, 0o660);
  else if ((own & 0o022) !== 0) fchmodSync(file, own & 0o755);
}

/**
 * Makes an empty file if there is none, and gives it to everybody who may write in the directory, and
 * to nobody else, also where an earlier ctga did otherwise. SQLite would let only its owner write it,
 * whatever the umask allows the group.
 */
export function makeShared(path: string): void {
  let file: number;
  try {
    file = openSync(path, 'ax', 0o666);
  } catch (error) {
    // It is there, perhaps since another process was faster; a link that leads nowhere is an error.
    if (existsSync(path)) return keepFromOthers(path);
    throw error;
  }
  try {
    share(file, dirname(path));
  } finally {
    closeSync(file);
  }
}

/**
 * Lets nobody but its owner write a file in a directory in which nobody else may. Throws nothing: it may
 * be for its owner alone to change.
 */
export function keepFromOthers(path: string): void {
  try {
    if ((statSync(dirname(path)).mode & 0o020) !== 0) return;
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { mode, nlink } = fstatSync(file);
      if (nlink === 1 && (mode & 0o022) !== 0) fchmodSync(file, mode & 0o755);
    } finally {
      closeSync(file);
    }
  } catch {
    // It is no worse than it was.
  }
}

/** Debian's nogroup and Linux's overflow group, which nobody is made a member of. */
const NOGROUP = 65_534;

/**
 * What somebody does who may not read, or write, what is in this directory of a store. It speaks of
 * a group only where the directory lets one in: a store that a checkout made as root belongs to
 * nobody's group, and somebody's own to no group at all.
 */
export function remedyToEnter(directory: string, by: 'read' | 'write' = 'read'): string {
  if (!letsGroupIn(directory)) return 'Run it with sudo.';
  return by === 'read'
    ? 'Run it with sudo, or as a member of the group that the directory belongs to (ctga).'
    : 'Run it with sudo, or as a member of the group that may write it (ctga-store).';
}

function letsGroupIn(directory: string): boolean {
  try {
    const { gid, mode } = statSync(directory);
    return gid !== 0 && gid !== NOGROUP && (mode & 0o070) !== 0;
  } catch {
    return true; // it is in a directory that is closed itself, which may be the group's
  }
}

/** Once this returns, files made, renamed and removed in the directory survive a power cut so. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/**
 * Leaves empty files beside an SQLite database that was closed, in a directory that others may enter.
 * SQLite takes its own away with the last connection, and whoever may not write in the directory
 * cannot read the database without them.
 */
export function leaveReadable(database: string): void {
  try {
    if ((statSync(dirname(database)).mode & 0o011) === 0) return;
    for (const suffix of ['-wal', '-shm']) makeShared(database + suffix);
  } catch {
    // Then it is read by whoever may write.
  }
}
