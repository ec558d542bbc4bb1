// SPDX-License-Identifier: Apache-2.0
/**
 * Room that is reserved for evidence. When sightings have filled the disk, ctga gives up a part of
 * the reserve and writes the proof of a split view in its place.
 *
 * The reserve is a directory of small files, so that giving one up frees room and an inode for one
 * piece of evidence, and little more: whoever fills the disk would take the rest.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDirectory } from './directory.ts';

/** Evidence has some 10 KiB; with a signed list in it, it has some 500 KiB, and takes many. */
const PART_BYTES = 64 << 10;
const PARTS = 32;

function reserveIn(directory: string): string {
  return join(directory, 'reserve');
}

/** Sets room aside in the directory, as far as the disk has it. Throws nothing. */
export function makeReserve(directory: string): void {
  const path = reserveIn(directory);
  try {
    // Earlier versions had one file there.
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) rmSync(path);
    makeDirectory(path);
    const present = new Set(readdirSync(path));
    for (let part = 0; part < PARTS; part++)
      if (!present.has(String(part)) && !makePart(join(path, String(part)))) return;
  } catch {
    // Without it, evidence needs room like everything else.
  }
}

function makePart(path: string): boolean {
  try {
    // Random, because zeros would take up no room in a file system that compresses.
    writeFileSync(path, randomBytes(PART_BYTES), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return true; // another process made it
    rmSync(path, { force: true });
    return false;
  }
}

/**
 * Gives up a part of what is reserved for evidence, in its directory or in the state directory that
 * this is in. Returns false if nothing is left of it.
 */
export function spendReserve(evidenceDirectory: string): boolean {
  return [evidenceDirectory, dirname(evidenceDirectory)].some((directory) => {
    const path = reserveIn(directory);
    try {
      const [part] = readdirSync(path);
      if (part === undefined) return false;
      rmSync(join(path, part));
      return true;
    } catch {
      return false;
    }
  });
}
