/** Writing that survives a power cut. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory, share, syncDirectory } from './directory.ts';

/**
 * Puts a file with this content at `path`, in place of what is there. When it returns, the file is
 * on the disk and survives a power cut. Until then, and where it throws, `path` has what it had
 * before or the new file, whole: never a part of it. Makes the directories above that are missing.
 *
 * The file belongs to who may write in its directory (see `share`), and others may read it. Of two
 * processes that write the same path, the later one wins. Throws the system's error.
 */
export function writeDurably(path: string, content: string | Uint8Array): void {
  const directory = dirname(path);
  makeDirectory(directory);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    // A process that has ended may have left it; or it is a link by which somebody would have root
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
    throw error;
  }
}

/**
 * As writeDurably, for a file that was written elsewhere in the same directory: `from` becomes
 * `path`.
 */
export function moveDurably(from: string, path: string): void {
  // A rename may reach the disk before what is in the file does.
  const file = openSync(from, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(from, path);
  syncDirectory(dirname(path));
}
