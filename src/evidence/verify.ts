// SPDX-License-Identifier: Apache-2.0
/**
 * Checks an evidence bundle offline, believing nothing in it but the arithmetic.
 *
 * Evidence accuses somebody, so ECDSA signatures are checked by two independent implementations:
 * OpenSSL (through node:crypto) and @noble/curves. docs/verify-evidence.sh is the third way,
 * without ctga.
 */
import { p256 } from '@noble/curves/nist.js';
import { messageOf } from '../base/errors.ts';
import { equalHash } from '../merkle/hash.ts';
import { toLogKey, type LogKey } from '../statements/key.ts';
import { encodeSignedData, type Statement } from '../statements/statement.ts';
import { openDigitallySigned, verifyStatement } from '../statements/verify.ts';
import { isListed, type Evidence, type Exhibit } from './bundle.ts';
import { CHROME_LIST_KEY, fingerprintOf } from '../logs/signed-list.ts';
import { lists } from './listed.ts';
import { judgeProof, judgeWithoutProof, type Judgement } from './judge.ts';

export interface Check {
  readonly what: string;
  readonly holds: boolean;
}

/**
 * Every check in order; the evidence stands only if all hold. Stops after the first that makes the
 * rest moot. `listKeys` are the keys, as SubjectPublicKeyInfo, whose word on final trees is taken.
 */
export function verifyEvidence(
  evidence: Evidence,
  listKeys: readonly Uint8Array[] = [CHROME_LIST_KEY],
): Check[] {
  const { log, first, second, proof, derivation } = evidence;
  let key: LogKey;
  try {
    key = toLogKey(log.key);
  } catch (error) {
    return [{ what: `the key is a log's public key: ${messageOf(error)}`, holds: false }];
  }
  const checks: Check[] = [
    { what: 'the log ID is the SHA-256 of the key', holds: equalHash(key.logId, log.logId) },
    ...[first, second].flatMap((exhibit) => checkExhibit(exhibit, key, listKeys)),
    // Two lists that differ accuse no log.
    ...(isListed(first) && isListed(second)
      ? [{ what: 'one of the trees is signed by the log', holds: false }]
      : []),
  ];
  if (first.treeSize > second.treeSize)
    return [...checks, { what: 'the heads are in order of size', holds: false }];
  const judgement = judgeWithoutProof(first, second) ?? judgeProof(first, second, proof);
  checks.push({
    what: conclusion(evidence, judgement),
    holds: judgement.verdict === 'fork-proven',
  });
  if (judgement.verdict === 'fork-proven') {
    const { firstRoot, secondRoot } = judgement.derivation;
    const same =
      equalHash(firstRoot, derivation.firstRoot) && equalHash(secondRoot, derivation.secondRoot);
    checks.push({ what: 'the derivation in the file is the one computed here', holds: same });
  }
  return checks;
}

function checkExhibit(exhibit: Exhibit, key: LogKey, listKeys: readonly Uint8Array[]): Check[] {
  const { treeSize } = exhibit;
  if (!isListed(exhibit))
    return [
      { what: `the log signed the tree head of size ${treeSize}`, holds: isSigned(exhibit, key) },
    ];
  const { list } = exhibit;
  const trusted = listKeys.some((each) => equalHash(each, list.key));
  const whose = equalHash(CHROME_LIST_KEY, list.key)
    ? "Chrome's key"
    : `the key ${fingerprintOf(list.key)}`;
  return [
    {
      what: `${whose}, which signed the log list, is one that is trusted for lists`,
      holds: trusted,
    },
    {
      what: `a log list with a good signature has the log's final tree at size ${treeSize}`,
      holds: lists(list, key.logId, exhibit),
    },
  ];
}

function conclusion({ first, second }: Evidence, judgement: Judgement): string {
  switch (judgement.verdict) {
    case 'fork-proven':
      return first.treeSize === second.treeSize
        ? `both are of size ${first.treeSize} and their roots differ`
        : `the log's proof leads to the second root and shows another root for size ${first.treeSize} than the log signed`;
    case 'consistent':
      return 'the heads contradict each other (they are consistent)';
    case 'malformed-head':
      return `the smaller tree has an entry (${judgement.reason}, which accuses nobody)`;
    case 'undecided':
      return `the proof decides anything (size ${first.treeSize} is a power of two, and it does not)`;
    case 'bad-proof':
      return `the proof shows a fork (${judgement.reason})`;
  }
}

function isSigned(head: Statement, key: LogKey): boolean {
  if (verifyStatement(head, key) === undefined) return false;
  if (key.algorithm !== 'ecdsa-p256') return true;
  const signature = openDigitallySigned(head.signature, key.algorithm);
  // A P-256 SubjectPublicKeyInfo ends in the uncompressed point: 04 || x(32) || y(32) (RFC 5480,
  // Section 2.2).
  const point = key.spki.subarray(-65);
  // Logs sign with any s; only blockchains ask for the lower one of the two.
  return (
    signature !== undefined &&
    p256.verify(signature, encodeSignedData(head), point, { format: 'der', lowS: false })
  );
}
