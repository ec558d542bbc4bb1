// SPDX-License-Identifier: Apache-2.0
/**
 * Checks an evidence bundle offline, believing nothing in it but the arithmetic.
 *
 * Evidence accuses somebody, so ECDSA signatures are checked by two independent implementations:
 * OpenSSL (through node:crypto) and @noble/curves. docs/verify-evidence.sh is the third way,
 * without ctga.
 */
import { verify } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { messageOf } from '../base/errors.ts';
import { equalHash } from '../merkle/hash.ts';
import { encodePromise } from '../scts/sct.ts';
import { isCheckpointKey, toLogKey, type CheckpointKey, type LogKey } from '../statements/key.ts';
import { subtreeMessage } from '../statements/cosignature.ts';
import { mlDsa44ByNoble, mlDsa44ByOpenSsl } from '../statements/ml-dsa.ts';
import { encodeSignedData, type Statement } from '../statements/statement.ts';
import { openDigitallySigned, verifyStatement } from '../statements/verify.ts';
import {
  isListed,
  type Evidence,
  type Exhibit,
  type ForkEvidence,
  type PromiseEvidence,
} from './bundle.ts';
import { judgePromise } from './promise.ts';
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
  const { log } = evidence;
  let key: LogKey;
  try {
    key = toLogKey(log.key);
  } catch (error) {
    return [{ what: `the key is a log's public key: ${messageOf(error)}`, holds: false }];
  }
  return [
    { what: 'the log ID is the SHA-256 of the key', holds: equalHash(key.logId, log.logId) },
    ...(evidence.kind === 'fork'
      ? checkFork(evidence, key, listKeys)
      : checkPromise(evidence, key)),
  ];
}

function checkPromise({ promise, head, proof, derivation }: PromiseEvidence, key: LogKey): Check[] {
  const signed = encodePromise(promise, promise.entry);
  const judgement = judgePromise(promise, head, proof);
  const what = {
    'promise-broken': `the promised entry is number ${derivation.leafIndex}, and the tree of size ${head.treeSize} has another there`,
    kept: 'the promise is broken (the tree has the promised entry)',
    'nothing-shown': `the promise is shown to be broken (${'reason' in judgement ? judgement.reason : ''})`,
  }[judgement.verdict];
  const checks: Check[] = [
    {
      what: `the log signed the promise (an SCT) with the timestamp ${promise.timestamp}`,
      holds: isSignedBy(key, signed, promise.signature),
    },
    checkHead(head, key),
    { what, holds: judgement.verdict === 'promise-broken' },
  ];
  if (judgement.verdict === 'promise-broken') {
    const { leafIndex, leafHash } = judgement.promised;
    const same = leafIndex === derivation.leafIndex && equalHash(leafHash, derivation.leafHash);
    checks.push({ what: DERIVED, holds: same });
  }
  return checks;
}

const DERIVED = 'the derivation in the file is the one computed here';

function checkHead(head: Statement, key: LogKey): Check {
  return {
    what: `the log signed the tree head of size ${head.treeSize}`,
    holds: isCheckpointKey(key)
      ? isCheckpointBy(key, head)
      : isSignedBy(key, encodeSignedData(head), head.signature),
  };
}

function checkFork(evidence: ForkEvidence, key: LogKey, listKeys: readonly Uint8Array[]): Check[] {
  const { first, second, proof, derivation } = evidence;
  const checks: Check[] = [
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
    checks.push({ what: DERIVED, holds: same });
  }
  return checks;
}

function checkExhibit(exhibit: Exhibit, key: LogKey, listKeys: readonly Uint8Array[]): Check[] {
  const { treeSize } = exhibit;
  if (!isListed(exhibit)) return [checkHead(exhibit, key)];
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

function conclusion({ first, second }: ForkEvidence, judgement: Judgement): string {
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

/** By two implementations, of which either might have a fault. */
function isSignedBy(key: LogKey, signed: Uint8Array, digitallySigned: Uint8Array): boolean {
  if (isCheckpointKey(key)) return false; // only CT logs promise
  const signature = openDigitallySigned(digitallySigned, key.algorithm);
  if (signature === undefined || !verify('sha256', signed, key.publicKey, signature)) return false;
  if (key.algorithm !== 'ecdsa-p256') return true;
  // A P-256 SubjectPublicKeyInfo ends in the uncompressed point: 04 || x(32) || y(32) (RFC 5480,
  // Section 2.2).
  const point = key.spki.subarray(-65);
  // Logs sign with any s; only blockchains ask for the lower one of the two.
  return p256.verify(signature, signed, point, { format: 'der', lowS: false });
}

/** As isSignedBy, of a log that signs checkpoints. */
function isCheckpointBy(key: CheckpointKey, head: Statement): boolean {
  if (verifyStatement(head, key) === undefined) return false;
  if (key.algorithm === 'ml-dsa-44') {
    // The first was this one where Node's OpenSSL has no ML-DSA: then there is no second.
    if (mlDsa44ByOpenSsl() === undefined) return true;
    const [at, signature] = [head.signature.subarray(0, 8), head.signature.subarray(8)];
    const time = new DataView(at.buffer, at.byteOffset).getBigUint64(0);
    const subtree = { origin: key.origin, start: 0n, end: head.treeSize, hash: head.rootHash };
    const message = subtreeMessage(key.noteKey.name, subtree, time);
    return (
      message !== undefined && mlDsa44ByNoble.verify(signature, message, key.noteKey.publicKey)
    );
  }
  const [text, signature] = [head.signature.subarray(0, -64), head.signature.subarray(-64)];
  return ed25519.verify(signature, text, key.noteKey.publicKey, { zip215: false });
}
