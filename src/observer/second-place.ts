// SPDX-License-Identifier: Apache-2.0
/**
 * A second place for what the state directory's disk does not take: evidence, and what was seen and
 * could not be stored when the observer ended. The next observer takes it up.
 */
import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { makeDirectory } from '../disk/directory.ts';

/** One for each account. */
export function defaultSecondPlace(): string {
  return join(tmpdir(), `ctga-spool-${process.geteuid?.() ?? 0}`);
}

/**
 * Makes the directory if there is none. Returns false where it cannot be used: it cannot be made,
 * or another account could write in it, and could have put there whatever it likes.
 */
export function isUsable(directory: string): boolean {
  try {
    if (!existsSync(directory)) {
      makeDirectory(dirname(directory));
      mkdirSync(directory, { mode: 0o700 });
    }
    const found = lstatSync(directory);
    return found.isDirectory() && found.uid === process.geteuid?.() && (found.mode & 0o022) === 0;
  } catch {
    return false;
  }
}
