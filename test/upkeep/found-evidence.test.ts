// SPDX-License-Identifier: Apache-2.0
/** Evidence files that a database does not know of: recorded again, if they hold. */
import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  formatEvidence,
  makeEvidence,
  parseEvidence,
  type ListedTree,
} from '../../src/evidence/bundle.ts';
import { recordFoundEvidence } from '../../src/upkeep/found-evidence.ts';
import { judgeProof, judgeWithoutProof } from '../../src/evidence/judge.ts';
import { writeEvidence } from '../../src/evidence/write.ts';
import { checkStore } from '../../src/upkeep/maintenance.ts';
import { openForWriting, stateAt, type State } from '../../src/store/state.ts';
import type { VerifiedStatement } from '../../src/statements/statement.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const log = new SigningLog();
const [tree, other] = [treeOf(60, 'a', 20), treeOf(60, 'b', 20)];
const head = (size: number, of = tree): VerifiedStatement =>
  log.verified(size, of.root(size), BigInt(size));

function listed(size: number): ListedTree {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  const final = { tree_size: size, sha256_root_hash: base64(other.root(size)) };
  const entry = {
    description: 'A log',
    url: 'https://log.test/',
    log_id: base64(log.key.logId),
    key: base64(log.key.spki),
    state: { readonly: { timestamp: '2026-01-01T00:00:00Z', final_tree_head: final } },
  };
  const json = Buffer.from(JSON.stringify({ operators: [{ name: 'Op', logs: [entry] }] }));
  const signature = createSign('sha256').update(json).sign(privateKey);
  const key = publicKey.export({ format: 'der', type: 'spki' });
  return { treeSize: BigInt(size), rootHash: other.root(size), list: { json, signature, key } };
}

function put(
  state: State,
  first: VerifiedStatement | ListedTree,
  second: VerifiedStatement | ListedTree,
): string {
  // As the log that has the second tree answers.
  const answering = Buffer.from(tree.root(Number(second.treeSize))).equals(second.rootHash)
    ? tree
    : other;
  const hashes = answering.consistencyProof(Number(first.treeSize), Number(second.treeSize));
  const judgement =
    judgeWithoutProof(first, second) ?? judgeProof(first, second, { kind: 'consistency', hashes });
  assert(judgement.verdict === 'fork-proven');
  return writeEvidence(state.evidence, makeEvidence(log.asLog(), first, second, judgement, 1_000));
}

describe('evidence on disk that is not on record', () => {
  // Nobody signed it: whoever could write it there would else keep what is proven off the record.
  for (const created of ['', 'never', '0000-00-00', '1899-01-01T00:00:00Z', '9999-12-31T00:00:00Z'])
    test(`is recorded as found now if it says that it was "${created}"`, () => {
      const state = stateAt(join(directory, `at-${created}`));
      const path = put(state, head(40, other), head(50));
      writeFileSync(
        path,
        formatEvidence({ ...parseEvidence(readFileSync(path, 'utf8'), path), created }),
      );
      const store = openForWriting(state);
      const before = Date.now();
      recordFoundEvidence(store, state.evidence);
      const [record, ...others] = store.evidence.all();
      assert(record !== undefined && others.length === 0);
      assert(record.created >= before && record.created <= Date.now(), `${record.created}`);
      store.close();
    });

  for (const [name, first, second, accused] of [
    ['of two trees of one size', head(50), head(50, other), [50n, other.root(50)]],
    ['of two sizes', head(40, other), head(50), [40n, other.root(40)]],
    ["of a tree and a list's", head(40), listed(50), [40n, tree.root(40)]],
    ["of a list's tree and a later one", listed(40), head(50), [50n, tree.root(50)]],
  ] as const)
    test(`is recorded, with its verdict, once: ${name}`, () => {
      const state = stateAt(join(directory, name));
      const path = put(state, first, second);
      const store = openForWriting(state);
      for (let i = 0; i < 2; i++) recordFoundEvidence(store, state.evidence);
      assert.deepEqual(
        store.evidence
          .all()
          .map((record) => [record.path, record.firstSize, record.secondSize].map(String)),
        [[path, ...sizesOf(store.evidence.all()[0]?.firstSize, first, second)].map(String)],
      );
      const convicted = store.heads
        .trees(log.key.logId)
        .filter(({ verdict }) => verdict === 'fork-proven');
      assert.deepEqual(
        convicted.map(({ treeSize, rootHash }) => [treeSize, new Uint8Array(rootHash)]),
        [[accused[0], new Uint8Array(accused[1])]],
      );
      assert.deepEqual(store.evidence.missing(), []);
      store.close();
      assert.deepEqual(checkStore(state).faults, []);
    });

  test('is left alone where it does not hold', () => {
    const state = stateAt(join(directory, 'bad'));
    const path = put(state, head(50), head(50, other));
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('"tree_size": 50', '"tree_size": 51'));
    writeFileSync(join(state.evidence, 'empty.json'), '');
    writeFileSync(join(state.evidence, 'notes.txt'), text);
    const store = openForWriting(state);
    recordFoundEvidence(store, state.evidence);
    assert.equal(store.evidence.all().length, 0);
    assert.equal(store.heads.count(), 0);
    store.close();
  });

  test('may be nowhere', () => {
    const store = openForWriting(stateAt(join(directory, 'none')));
    recordFoundEvidence(store, join(directory, 'none/evidence'));
    store.close();
  });
});

/** On record the log's own tree comes first. */
function sizesOf(
  recorded: bigint | undefined,
  first: VerifiedStatement | ListedTree,
  second: VerifiedStatement | ListedTree,
): bigint[] {
  const sizes = [first.treeSize, second.treeSize];
  return recorded === first.treeSize ? sizes : sizes.reverse();
}
