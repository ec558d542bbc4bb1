// SPDX-License-Identifier: Apache-2.0
/** Removing what labs leave in files: stores, evidence and log lists. */
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { CtgaError } from '../base/errors.ts';
import { LabFiles } from './services.ts';

/** Where an earlier version had it. */
export const EARLIER_LAB_DIRECTORY = '/var/lib/ctga/lab';

export interface Cleaned {
  readonly directory: string;
  /** What is in the directory and no lab made, by name; it stays. */
  readonly left: readonly string[];
}

/**
 * Removes what labs left in a directory, and the directory if nothing else is in it. Returns
 * undefined if no lab has left anything there. Throws CtgaError `not-permitted` if this account may
 * not look or remove, and `bad-input` if the directory is that of a store, whose evidence is no
 * lab's.
 */
export function cleanLab(directory: string): Cleaned | undefined {
  const { services, state, evidence, logList } = new LabFiles(directory);
  try {
    const names = readdirSync(directory);
    const made = [services, state, evidence, logList];
    if (names.some((name) => name.startsWith('ctga.db')))
      throw new CtgaError('bad-input', `${directory} is the directory of a store, not of a lab`, {
        remedy: 'That of a lab has its store in a directory "state".',
      });
    if (!existsSync(logList)) return undefined;
    for (const path of made) rmSync(path, { recursive: true, force: true });
    const left = readdirSync(directory).sort();
    if (left.length === 0) rmdirSync(directory);
    return { directory, left };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    throw new CtgaError('not-permitted', `this account may not remove ${directory}`, {
      remedy: 'Run the command with sudo.',
      cause: error,
    });
  }
}
