// SPDX-License-Identifier: Apache-2.0
/**
 * Evidence against logs that sign checkpoints: from two of them to a bundle that stands, and what
 * accuses nobody.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  exhibitsOf,
  formatEvidence,
  isListed,
  makeEvidence,
  parseEvidence,
  signerOf,
} from '../../src/evidence/bundle.ts';
import { judgeProof } from '../../src/evidence/judge.ts';
import { recordHeads } from '../../src/evidence/record.ts';
import { formatReport } from '../../src/evidence/report.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import { faultOf, writeEvidence } from '../../src/evidence/write.ts';
import type { MerkleHash } from '../../src/merkle/hash.ts';
import { checkpointOf } from '../../src/statements/checkpoint.ts';
import type { VerifiedStatement } from '../../src/statements/statement.ts';
import { memoryStore } from '../../src/store/state.ts';
import { recordFoundEvidence } from '../../src/upkeep/found-evidence.ts';
import { ctga } from '../support/ctga.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const NOW = 1_800_000_000_000;
const [one, other] = [treeOf(40, 'a', 3), treeOf(40, 'b', 3)];
const ed25519 = new CheckpointLog();
const mlDsa = new CheckpointLog({ algorithm: 'ml-dsa-44' });
const sighting = { source: 'eth0', firstSeen: NOW, lastSeen: NOW, count: 1 };

function record(
  name: string,
  heads: readonly (readonly [CheckpointLog, VerifiedStatement])[],
): string[] {
  const store = memoryStore();
  const evidenceDirectory = join(directory, name);
  const logs = heads.map(([log]) => log.asLog());
  const forks = heads.flatMap(([, head]) => {
    const context = { store, evidenceDirectory, logs, now: NOW };
    const recorded = recordHeads(context, [{ head, ...sighting }]);
    assert.equal(recorded.failure, undefined);
    return recorded.forks;
  });
  store.close();
  return forks.map(({ evidence }) => evidence);
}

describe('two roots for one size', () => {
  for (const log of [ed25519, mlDsa])
    test(`convict a log with a key of ${log.key.algorithm}, and the store finds it again`, async () => {
      const { algorithm } = log.key;
      const heads = [log.verified(40, one.root()), log.verified(40, other.root())];
      const paths = record(
        algorithm,
        heads.map((head) => [log, head] as const),
      );
      assert.equal(paths.length, 1);
      const [path = ''] = paths;
      const text = readFileSync(path, 'utf8');
      const { version } = JSON.parse(text) as { readonly version: number };
      assert.equal(version, 2);
      assert.equal(faultOf(text), undefined);
      const evidence = parseEvidence(text, path);
      assert.deepEqual(signerOf(evidence), log.key);
      const notes = exhibitsOf(evidence).map((each) =>
        isListed(each) ? assert.fail() : checkpointOf(each, log.key),
      );
      assert(notes.every((note) => note?.startsWith(`${log.origin}\n40\n`)));
      // An older copy of the store is told of it by the file alone.
      const store = memoryStore();
      recordFoundEvidence(store, join(directory, algorithm));
      assert.deepEqual(
        store.evidence.all().map((found) => basename(found.path)),
        [basename(path)],
      );
      const [tree] = store.heads.treesOfSize(log.key.logId, 40n);
      assert(tree !== undefined);
      store.close();
      const checks = verifyEvidence(evidence);
      for (const format of ['markdown', 'html'] as const) {
        const file = { name: 'x.json', sha256: '' };
        const report = formatReport(evidence, { known: undefined, format, checks, file });
        assert(report.includes(log.origin));
      }
      const shown = await ctga(['evidence', 'show', path]);
      assert.equal(shown.code, 0);
      assert(shown.stdout.includes(`origin      "${log.origin}"`));
      assert(shown.stdout.includes(log.vkey));
      const empty = join(directory, `empty-${algorithm}`);
      assert.equal((await ctga(['evidence', 'verify', path, '--state-dir', empty])).code, 4);
    });

  test('accuse nobody where one is of another origin, of the same key', () => {
    const shared = new CheckpointLog({ sharing: ed25519, origin: 'log.test/gamma' });
    const heads = [
      [ed25519, ed25519.verified(40, one.root())],
      [shared, shared.verified(40, other.root())],
    ] as const;
    assert.deepEqual(record('origins', heads), []);
    // Nor can a file say so: the checkpoint of the other origin is none of this log.
    const evidence = evidenceOf(ed25519, heads[0][1], ed25519.verified(40, other.root()));
    const json = JSON.parse(evidence) as { second: { checkpoint: string } };
    json.second.checkpoint = Buffer.from(shared.checkpoint(40, other.root())).toString('base64');
    assert.throws(() => parseEvidence(JSON.stringify(json), 'file'), /second.checkpoint/);
  });

  test('accuse nobody where they are one root, whatever extension lines and times say', () => {
    for (const log of [ed25519, mlDsa]) {
      const heads = [
        log.verified(40, one.root(), { extension: 'one\n', time: 1n }),
        log.verified(40, one.root(), { extension: 'other\n', time: 2n }),
      ];
      const paths = record(
        'extensions',
        heads.map((head) => [log, head] as const),
      );
      assert.deepEqual(paths, []);
    }
  });

  test('accuse nobody of the empty tree', () => {
    const heads = [one, other].map((tree) => [ed25519, ed25519.verified(0, tree.root())] as const);
    assert.deepEqual(record('empty', heads), []);
  });
});

function evidenceOf(
  log: CheckpointLog,
  first: VerifiedStatement,
  second: VerifiedStatement,
): string {
  const derivation = { firstRoot: second.rootHash, secondRoot: second.rootHash };
  const finding = { proof: { kind: 'none' }, derivation } as const;
  return formatEvidence(makeEvidence(log.asLog(), first, second, finding, NOW));
}

describe('a smaller tree that is no prefix', () => {
  for (const log of [ed25519, mlDsa])
    test(`convicts by the log's own proof: ${log.key.algorithm}`, () => {
      const verified = (size: number, root: MerkleHash): VerifiedStatement =>
        log.verified(size, root);
      const [first, second] = [verified(21, other.root(21)), verified(40, one.root(40))];
      const hashes = one.consistencyProof(21, 40);
      const finding = judgeProof(first, second, { kind: 'consistency', hashes });
      assert(finding.verdict === 'fork-proven');
      const evidence = makeEvidence(log.asLog(), first, second, finding, NOW);
      const path = writeEvidence(join(directory, 'proofs'), evidence);
      assert.equal(faultOf(readFileSync(path, 'utf8')), undefined);
      // With the honest tree in its place the same file proves nothing.
      const honest = { ...evidence, first: verified(21, one.root(21)) };
      assert(faultOf(formatEvidence(honest)) !== undefined);
      assert.throws(() => writeEvidence(join(directory, 'proofs'), honest), /no evidence/);
    });
});

test('a file of version 2 that is none says which field is wrong', async () => {
  const log = new CheckpointLog();
  const text = evidenceOf(log, log.verified(40, one.root()), log.verified(40, other.root()));
  const json = JSON.parse(text) as Record<'log' | 'first' | 'second', Record<string, string>>;
  const stranger = Buffer.from(new CheckpointLog().checkpoint(40, one.root())).toString('base64');
  for (const [changed, fault] of [
    [{ ...json, log: { ...json.log, key: 'AAAA' } }, /log\.key/],
    [{ ...json, first: { ...json.first, checkpoint: 'AAAA' } }, /first\.checkpoint/],
    [{ ...json, second: { ...json.second, checkpoint: stranger } }, /second\.checkpoint/],
    [{ ...json, first: { ...json.first, checkpoint: undefined } }, /first\.checkpoint/],
  ] as const) {
    const path = join(directory, 'wrong.json');
    writeFileSync(path, JSON.stringify(changed));
    const { code, stderr } = await ctga(['evidence', 'verify', path]);
    assert.equal(code, 2);
    assert.match(stderr, fault);
    assert.match(stderr, /no evidence of version 2/);
  }
});
