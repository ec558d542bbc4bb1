// SPDX-License-Identifier: Apache-2.0
/** Evidence files on the disk. */
import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { StoreError } from '../disk/error.ts';
import { CHROME_LIST_KEY } from '../logs/signed-list.ts';
import {
  evidenceFileName,
  exhibitsOf,
  formatEvidence,
  isIntact,
  isListed,
  parseEvidence,
  type Evidence,
} from './bundle.ts';
import { chainUp, keepFile } from './directory.ts';
import { handOver, socketIn } from './hand-over.ts';
import { verifyEvidence } from './verify.ts';

/**
 * Writes evidence into the directory, itself or through the writer that the directory belongs to
 * (`ctga evidence keep`), and returns its path. What is written was verified as `ctga evidence
 * verify` does it, from the text that goes into the file. The file survives a power cut once this
 * returns. A fork that has a file already keeps it if it holds. When the disk is full, the room that
 * was reserved is used. Throws StoreError `store-failed`, and writes nothing, where the evidence
 * does not hold or the file cannot be written.
 */
export function writeEvidence(directory: string, evidence: Evidence): string {
  const name = evidenceFileName(evidence);
  const text = formatEvidence(evidence);
  const fault = faultOf(text);
  if (fault !== undefined)
    throw new StoreError('store-failed', `what looked like a fork is no evidence: ${fault}`, {
      remedy: 'This is a mistake of ctga or of this machine, and accuses no log. Please report it.',
    });
  try {
    const kept = belongsToWriter(directory)
      ? handOver(directory, text)
      : keepFile(directory, { name, text, holds: isEvidence });
    return join(directory, kept);
  } catch (error) {
    throw new StoreError(
      'store-failed',
      `cannot write evidence to ${join(directory, name)}: ${messageOf(error)}`,
      {
        remedy: `Make room on that disk or make ${directory} writable; where a writer keeps it, see: systemctl status ctga-evidence. Both tree heads are kept and the evidence is written again at the next start.`,
        cause: error,
      },
    );
  }
}

/** Has the chain of the directory name all evidence in it that holds. Throws nothing. */
export function chainEvidence(directory: string): void {
  if (!belongsToWriter(directory)) chainUp(directory, isEvidence);
}

/** Whether another account keeps the directory's evidence: it has a socket there. */
function belongsToWriter(directory: string): boolean {
  if (!existsSync(socketIn(directory))) return false;
  return lstatSync(directory).uid !== process.geteuid?.();
}

/**
 * Why a bundle does not hold; undefined: it does. Whoever's list is in it is believed, because the
 * operator took that list in. Throws CtgaError `bad-input` for what is no bundle.
 */
export function faultOf(text: string): string | undefined {
  const evidence = parseEvidence(text, 'it');
  const lists = exhibitsOf(evidence).flatMap((each) => (isListed(each) ? [each.list.key] : []));
  const failed = verifyEvidence(evidence, [CHROME_LIST_KEY, ...lists]).find((each) => !each.holds);
  if (failed !== undefined) return failed.what;
  return isIntact(text, evidence) ? undefined : 'it was changed since it was written';
}

/** Whether a file's text is evidence that holds. */
export function isEvidence(text: string): boolean {
  try {
    return faultOf(text) === undefined;
  } catch {
    return false;
  }
}
