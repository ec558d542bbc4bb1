// SPDX-License-Identifier: Apache-2.0
/** Removing what labs leave in files: stores, evidence and log lists. */
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { badInput, CtgaError } from '../base/errors.ts';
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
    refuseStore(directory, names);
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

/** Its evidence is real. */
function refuseStore(directory: string, names: readonly string[]): void {
  if (names.some((name) => name.startsWith('ctga.db')))
    throw badInput(
      `${directory} is the directory of a store, not of a lab`,
      'That of a lab has its store in a directory "state".',
    );
}

/**
 * Where a lab keeps its files, for one that begins, which removes the services' and the store of the
 * lab before. Throws CtgaError `bad-input` if the directory is that of a store, or if what would be
 * removed may be somebody else's: no lab's log list is beside it, and things that no lab made are.
 */
export function filesForLab(directory: string): LabFiles {
  const files = new LabFiles(directory);
  const names = existsSync(directory) ? readdirSync(directory) : [];
  refuseStore(directory, names);
  const isLeft = (path: string): boolean => names.includes(basename(path));
  const old = [files.services, files.state].find(isLeft);
  const made = [files.services, files.state, files.evidence, files.logList].map((path) =>
    basename(path),
  );
  const isShared = names.some((name) => !made.includes(name));
  if (old !== undefined && isShared && !isLeft(files.logList))
    throw badInput(
      `${old} may not be a lab's, and a lab would remove it`,
      'Name a directory for the lab alone with --state-dir.',
    );
  return files;
}
