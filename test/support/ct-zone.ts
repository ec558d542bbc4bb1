// SPDX-License-Identifier: Apache-2.0
/** What a CT-over-DNS zone of a log answers, without the DNS; test/cli/dns.test.ts has it with. */
import assert from 'node:assert/strict';
import type { TxtLookup } from '../../src/ask/ct-over-dns.ts';
import type { MerkleHash } from '../../src/merkle/hash.ts';
import type { MerkleTree } from '../../src/merkle/tree.ts';
import { readCtQuestion, type CtQuestion } from '../../src/sources/ct-over-dns/question.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import type { SigningLog } from './signing-log.ts';

export const CT_ZONE = 'log.example';
/** Hashes that an answer holds, so that most proofs need several. */
const PART = 3;

export function ctZone(log: SigningLog, tree: MerkleTree): TxtLookup {
  return (name) => {
    const labels = name.slice(0, -`.${CT_ZONE}`.length).split('.');
    const question = readCtQuestion(labels.map((label) => Buffer.from(label)));
    assert(question !== undefined, name);
    return Promise.resolve([answerOf(log, tree, question)]);
  };
}

function answerOf(log: SigningLog, tree: MerkleTree, question: CtQuestion): Uint8Array {
  const from = (start: number, proof: readonly MerkleHash[]): Buffer =>
    Buffer.concat(proof.slice(start, start + PART));
  switch (question.kind) {
    case 'tree head':
      return Buffer.from(formatTreeHeadText(log.sign(tree.size, tree.root())));
    case 'checkpoint':
      return assert.fail('a CT log has no checkpoint there');
    case 'leaf index':
      return Buffer.from(String(indexOf(tree, question.leafHash)));
    case 'consistency': {
      const { first, second, start } = question;
      return from(start, tree.consistencyProof(Number(first), Number(second)));
    }
    case 'inclusion': {
      const { leafIndex, treeSize, start } = question;
      return from(start, tree.inclusionProof(Number(leafIndex), Number(treeSize)));
    }
  }
}

function indexOf(tree: MerkleTree, leafHash: MerkleHash): number {
  const leaves = Array.from({ length: tree.size }, (_, i) => tree.leafHash(i));
  return leaves.findIndex((each) => Buffer.from(each).equals(leafHash));
}
