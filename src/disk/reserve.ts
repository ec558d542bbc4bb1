/**
 * A file that reserves room for evidence. When sightings have filled the disk, ctga deletes the
 * file and writes the proof of a split view in its place.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Evidence has some 10 KiB, and the store needs a few pages to record it. */
const RESERVE_BYTES = 1 << 20;

function reserveIn(directory: string): string {
  return join(directory, 'reserve');
}

/** Sets room aside in the state directory, if the disk has that much; otherwise does nothing. */
export function makeReserve(directory: string): void {
  const path = reserveIn(directory);
  if (existsSync(path)) return;
  try {
    // Random, because zeros would take up no room in a file system that compresses.
    writeFileSync(path, randomBytes(RESERVE_BYTES));
  } catch {
    rmSync(path, { force: true });
  }
}

/** Frees the reserved room for evidence. Returns false if there is none. */
export function spendReserve(evidenceDirectory: string): boolean {
  const path = reserveIn(dirname(evidenceDirectory));
  if (!existsSync(path)) return false;
  rmSync(path, { force: true });
  return true;
}
