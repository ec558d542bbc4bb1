/**
 * Making directories, and having what is in them on the disk. mkdirSync's own `recursive` never
 * returns where a parent exists in which nothing can be made (/proc, for one): it takes ENOENT for
 * "make the parent first" for ever.
 */
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
 * Makes `path` and what is missing above it; nothing if it is there. Throws the system's error
 * otherwise.
 */
export function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeDirectory(dirname(path));
    try {
      mkdirSync(path);
    } catch (again) {
      if ((again as NodeJS.ErrnoException).code !== 'EEXIST') throw again;
    }
  }
}

/**
 * What is made in a directory that several accounts share by their group is theirs too, whatever
 * the umask is; and what root makes in somebody else's is that account's. `file` is open.
 */
export function share(file: number, directory: string): void {
  const { uid, gid, mode } = statSync(directory);
  if (process.geteuid?.() === 0 && uid !== 0) fchownSync(file, uid, gid);
  if ((mode & 0o020) !== 0) fchmodSync(file, 0o660);
}

/** What was made, renamed and removed in it is so after a power cut too. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
