/**
 * Puts evidence on the disk so that a power cut right afterwards does not lose it:
 * temporary file, fsync, rename, fsync of the directory.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { CtgaError, messageOf } from '../base/errors.ts';
import { makeDirectory, share, syncDirectory } from '../disk/directory.ts';
import { spendReserve } from '../disk/reserve.ts';
import { evidenceFileName, formatEvidence, type Evidence } from './bundle.ts';

/** Returns the path. A fork already on file keeps its first file. */
export function writeEvidence(directory: string, evidence: Evidence): string {
  const path = join(directory, evidenceFileName(evidence));
  if (existsSync(path)) return path;
  try {
    makeDirectory(directory);
    const text = formatEvidence(evidence);
    try {
      writeDurably(path, text);
    } catch (error) {
      const isFull = (error as NodeJS.ErrnoException).code === 'ENOSPC';
      if (!isFull || !spendReserve(directory)) throw error;
      writeDurably(path, text);
    }
  } catch (error) {
    throw new CtgaError('store-failed', `cannot write evidence to ${path}: ${messageOf(error)}`, {
      remedy: `Make room on that disk or make ${directory} writable. Both tree heads are kept and the evidence is written again at the next start.`,
      cause: error,
    });
  }
  return path;
}

function writeDurably(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    // Of a process that is no more, or a link of somebody who would have root write elsewhere.
    rmSync(temporary, { force: true });
    const file = openSync(temporary, 'wx', 0o644);
    try {
      writeFileSync(file, text);
      share(file, dirname(path));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncDirectory(dirname(path));
}
