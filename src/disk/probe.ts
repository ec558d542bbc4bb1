// SPDX-License-Identifier: Apache-2.0
/** Whether a disk takes anything, and how much. */
import { readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryOf } from './write.ts';

/** As much as a piece of evidence takes, at most, without a list in it. */
const PROBE_BYTES = 32 << 10;

/**
 * Writes a file in the directory and removes it. Returns why that failed, as the system's error;
 * undefined if it did not.
 */
export function writeProbe(directory: string): unknown {
  const path = temporaryOf(join(directory, 'probe'));
  try {
    try {
      writeFileSync(path, Buffer.alloc(PROBE_BYTES, 'ctga'));
    } finally {
      rmSync(path, { force: true });
    }
    return undefined;
  } catch (error) {
    return error;
  }
}

/** How much a disk still takes, for accounts other than root. */
export interface DiskRoom {
  readonly freeBytes: number;
  /** Undefined for a file system that makes inodes as they are needed, such as btrfs. */
  readonly freeInodes: number | undefined;
}

/** Of the disk that a directory is on; undefined where the system does not say. */
export function roomIn(directory: string): DiskRoom | undefined {
  try {
    const { bavail, bsize, files, ffree } = statfsSync(directory);
    return { freeBytes: bavail * bsize, freeInodes: files === 0 ? undefined : ffree };
  } catch {
    return undefined;
  }
}

/**
 * The bytes of a file, or of all files in a directory; 0 if it is not there, undefined if it may
 * not be looked at.
 */
export function bytesIn(path: string): number | undefined {
  try {
    const stats = statSync(path);
    if (!stats.isDirectory()) return stats.size;
    return readdirSync(path).reduce((sum, name) => sum + (bytesIn(join(path, name)) ?? 0), 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 0 : undefined;
  }
}
