/** Evidence files on the disk. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { StoreError } from '../disk/error.ts';
import { spendReserve } from '../disk/reserve.ts';
import { writeDurably } from '../disk/write.ts';
import { evidenceFileName, formatEvidence, type Evidence } from './bundle.ts';

/**
 * Writes evidence into the directory and returns its path. The file survives a power cut once this
 * returns. A fork that has a file already keeps the first one. When the disk is full, the room that
 * was reserved is used. Throws CtgaError `store-failed`.
 */
export function writeEvidence(directory: string, evidence: Evidence): string {
  const path = join(directory, evidenceFileName(evidence));
  if (existsSync(path)) return path;
  try {
    const text = formatEvidence(evidence);
    try {
      writeDurably(path, text);
    } catch (error) {
      const isFull = (error as NodeJS.ErrnoException).code === 'ENOSPC';
      if (!isFull || !spendReserve(directory)) throw error;
      writeDurably(path, text);
    }
  } catch (error) {
    throw new StoreError('store-failed', `cannot write evidence to ${path}: ${messageOf(error)}`, {
      remedy: `Make room on that disk or make ${directory} writable. Both tree heads are kept and the evidence is written again at the next start.`,
      cause: error,
    });
  }
  return path;
}
