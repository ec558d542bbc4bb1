// SPDX-License-Identifier: Apache-2.0
/** Whether a disk takes anything, and how much. */
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** As much as a piece of evidence takes, at most, without a list in it. */
const PROBE_BYTES = 32 << 10;

/**
 * Writes a file in the directory and removes it. Returns why that failed, as the system's error;
 * undefined if it did not.
 */
export function writeProbe(directory: string): unknown {
  const path = join(directory, `probe.${process.pid}.tmp`);
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
