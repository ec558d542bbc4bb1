/**
 * Room that is kept back for evidence: when the disk is full, this file goes, and what proves a
 * split view is written in its place. A disk is full of sightings before it is of proofs.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A bundle has some 10 KiB, and the database needs a few pages to take note of it. */
const RESERVE_BYTES = 1 << 20;

function reserveIn(directory: string): string {
  return join(directory, 'reserve');
}

/** Puts the room aside, if there is any; without it things are as they would be anyway. */
export function makeReserve(directory: string): void {
  const path = reserveIn(directory);
  if (existsSync(path)) return;
  try {
    // Random, or a file system that packs files would keep next to nothing.
    writeFileSync(path, randomBytes(RESERVE_BYTES));
  } catch {
    rmSync(path, { force: true });
  }
}

/**
 * Gives the room up for the evidence in `evidenceDirectory`. Returns false where there is none
 * left.
 */
export function spendReserve(evidenceDirectory: string): boolean {
  const path = reserveIn(dirname(evidenceDirectory));
  if (!existsSync(path)) return false;
  rmSync(path, { force: true });
  return true;
}
