/** Directories: making them, sharing what is in them, and having it on the disk. */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes the directory and those that are missing above it. What it made survives a power cut once
 * it returns. Does nothing where something is at `path` already; throws the system's error
 * otherwise.
 *
 * Why not mkdirSync's `recursive`: where a parent exists in which nothing can be made (/proc, for
 * one) it takes ENOENT for a missing parent and never returns.
 */
export function makeDirectory(path: string): void {
  try {
    makeOne(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeDirectory(dirname(path));
    makeOne(path);
  }
}

function makeOne(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw error;
  }
  syncDirectory(dirname(path));
}

/**
 * Gives an open file that was made in `directory` to those whose directory it is: to its owner
 * where root made the file, and to the group, whatever the umask says, where the group may write
 * there.
 */
export function share(file: number, directory: string): void {
  const { uid, gid, mode } = statSync(directory);
  if (process.geteuid?.() === 0 && uid !== 0) fchownSync(file, uid, gid);
  if ((mode & 0o020) !== 0) fchmodSync(file, 0o660);
}

/** What was made, renamed and removed in a directory survives a power cut once this returns. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
