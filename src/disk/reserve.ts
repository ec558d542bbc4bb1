/**
 * A file that keeps room for evidence. When the disk is full, ctga deletes the file and writes in
 * its place what proves a split view: sightings fill a disk long before proofs do.
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
    // Random, because a file system that compresses would keep next to nothing of zeros.
    writeFileSync(path, randomBytes(RESERVE_BYTES));
  } catch {
    rmSync(path, { force: true });
  }
}

/** Gives the room up for evidence. Returns false where none is left. */
export function spendReserve(evidenceDirectory: string): boolean {
  const path = reserveIn(dirname(evidenceDirectory));
  if (!existsSync(path)) return false;
  rmSync(path, { force: true });
  return true;
}
