// SPDX-License-Identifier: Apache-2.0
/** Evidence files on the disk. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { StoreError } from '../disk/error.ts';
import { spendReserve } from '../disk/reserve.ts';
import { writeDurably } from '../disk/write.ts';
import { CHROME_LIST_KEY } from '../logs/signed-list.ts';
import {
  evidenceFileName,
  formatEvidence,
  isIntact,
  isListed,
  parseEvidence,
  type Evidence,
} from './bundle.ts';
import { verifyEvidence } from './verify.ts';

/**
 * Writes evidence into the directory and returns its path. What is written was verified as `ctga
 * evidence verify` does it, from the text that goes into the file. The file survives a power cut
 * once this returns. A fork that has a file already keeps it if it holds. When the disk is full,
 * the room that was reserved is used. Throws StoreError `store-failed`, and writes nothing, where
 * the evidence does not hold or the file cannot be written.
 */
export function writeEvidence(directory: string, evidence: Evidence): string {
  const path = join(directory, evidenceFileName(evidence));
  const text = formatEvidence(evidence);
  const fault = faultOf(text);
  if (fault !== undefined)
    throw new StoreError('store-failed', `what looked like a fork is no evidence: ${fault}`, {
      remedy: 'This is a mistake of ctga or of this machine, and accuses no log. Please report it.',
    });
  if (existsSync(path) && holds(path)) return path;
  try {
    writeWithReserve(directory, path, text);
  } catch (error) {
    throw new StoreError('store-failed', `cannot write evidence to ${path}: ${messageOf(error)}`, {
      remedy: `Make room on that disk or make ${directory} writable. Both tree heads are kept and the evidence is written again at the next start.`,
      cause: error,
    });
  }
  return path;
}

/** There may be no bytes left, no inodes, or none of either for this account. */
const FULL = new Set(['ENOSPC', 'EDQUOT']);

function writeWithReserve(directory: string, path: string, text: string): void {
  for (;;) {
    try {
      return writeDurably(path, text);
    } catch (error) {
      const isFull = FULL.has((error as NodeJS.ErrnoException).code ?? '');
      if (!isFull || !spendReserve(directory)) throw error;
    }
  }
}

/**
 * Why a bundle does not hold; undefined: it does. Whoever's list is in it is believed, because the
 * operator took that list in. Throws CtgaError `bad-input` for what is no bundle.
 */
export function faultOf(text: string): string | undefined {
  const evidence = parseEvidence(text, 'it');
  const lists = [evidence.first, evidence.second].flatMap((each) =>
    isListed(each) ? [each.list.key] : [],
  );
  const failed = verifyEvidence(evidence, [CHROME_LIST_KEY, ...lists]).find((each) => !each.holds);
  if (failed !== undefined) return failed.what;
  return isIntact(text, evidence) ? undefined : 'it was changed since it was written';
}

function holds(path: string): boolean {
  try {
    return faultOf(readFileSync(path, 'utf8')) === undefined;
  } catch {
    return false;
  }
}
