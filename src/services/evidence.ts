/** Checking an evidence bundle, offline. */
import { readTextFile } from '../base/documents.ts';
import { isIntact, parseEvidence, type Evidence } from '../evidence/bundle.ts';
import { verifyEvidence, type Check } from '../evidence/verify.ts';
import { CHROME_LIST_KEY, parseListKey } from '../logs/signed-list.ts';

export interface CheckedEvidence {
  readonly evidence: Evidence;
  readonly text: string;
  readonly checks: readonly Check[];
  /** Whether all checks hold. */
  readonly stands: boolean;
}

/**
 * Reads and checks a bundle. `listKey` is a file with the key of a publisher whose log lists are
 * believed besides Chrome's. Throws CtgaError `bad-input` if a file cannot be read or is no bundle.
 */
export function checkEvidence(file: string, listKey: string | undefined): CheckedEvidence {
  const given = listKey === undefined ? [] : [parseListKey(readTextFile(listKey), listKey)];
  const text = readTextFile(file);
  const evidence = parseEvidence(text, file);
  const checks = [
    { what: 'the file is to the last bit as it was written', holds: isIntact(text, evidence) },
    ...verifyEvidence(evidence, [CHROME_LIST_KEY, ...given]),
  ];
  return { evidence, text, checks, stands: checks.every(({ holds }) => holds) };
}
