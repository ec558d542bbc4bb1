// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  evidenceFileName,
  formatEvidence,
  makeEvidence,
  isIntact,
  parseEvidence,
  sealed,
  type ForkEvidence,
} from '../../src/evidence/bundle.ts';
import { judgeProof, judgeWithoutProof, type Judgement } from '../../src/evidence/judge.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import { writeEvidence } from '../../src/evidence/write.ts';
import { CtgaError } from '../../src/base/errors.ts';
import { EMPTY_ROOT, hashLeaf, toMerkleHash, type MerkleHash } from '../../src/merkle/hash.ts';
import type { MerkleTree } from '../../src/merkle/tree.ts';
import { ctga } from '../support/ctga.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const SCRIPT = resolve(import.meta.dirname, '../../docs/verify-evidence.sh');
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

/** Judges heads against what an honest server of `served` answers, as the challenger does. */
function challenge(
  m: number,
  rootM: MerkleHash,
  n: number,
  rootN: MerkleHash,
  served: MerkleTree,
): Judgement {
  const first = { treeSize: BigInt(m), rootHash: rootM };
  const second = { treeSize: BigInt(n), rootHash: rootN };
  const settled = judgeWithoutProof(first, second);
  if (settled !== undefined) return settled;
  const judgement = judgeProof(first, second, {
    kind: 'consistency',
    hashes: served.consistencyProof(m, n),
  });
  if (judgement.verdict !== 'undecided') return judgement;
  const { next } = judgement;
  if (next.kind === 'successor-consistency') {
    return judgeProof(first, second, {
      kind: next.kind,
      hashes: served.consistencyProof(Number(next.first), n),
    });
  }
  const index =
    Array.from({ length: n }, (_, i) => i).find((i) =>
      Buffer.from(served.leafHash(i)).equals(next.leafHash),
    ) ?? assert.fail();
  return judgeProof(first, second, {
    kind: 'inclusion',
    leafHash: next.leafHash,
    hashes: served.inclusionProof(index, n),
  });
}

describe('judge', () => {
  const honest = treeOf(40, 'a', 5);
  const forked = treeOf(40, 'b', 5);

  test('heads of one tree are consistent, at every pair of sizes', () => {
    for (let n = 1; n <= 40; n++) {
      for (let m = 0; m <= n; m++) {
        assert.equal(
          challenge(m, honest.root(m), n, honest.root(n), honest).verdict,
          'consistent',
          `${m}, ${n}`,
        );
      }
    }
  });

  test('a head of another tree is convicted by the log itself, at every pair of sizes', () => {
    for (let n = 6; n <= 40; n++) {
      for (let m = 6; m <= n; m++) {
        assert.equal(
          challenge(m, forked.root(m), n, honest.root(n), honest).verdict,
          'fork-proven',
          `${m}, ${n}`,
        );
      }
    }
    // Sizes 1, 2 and 4 are powers of two within what both trees share: make them differ from leaf 0
    // on.
    const foreign = treeOf(5, 'c');
    for (const m of [1, 2, 3, 4, 5]) {
      for (let n = m; n <= 40; n++) {
        assert.equal(
          challenge(m, foreign.root(m), n, honest.root(n), honest).verdict,
          'fork-proven',
          `${m}, ${n}`,
        );
      }
    }
  });

  test('a proof from another tree than the one signed is never evidence', () => {
    for (let n = 7; n <= 40; n++) {
      for (let m = 6; m < n; m++) {
        // The log serves the fork while the second head is the honest one.
        assert.equal(
          challenge(m, honest.root(m), n, honest.root(n), forked).verdict,
          'bad-proof',
          `${m}, ${n}`,
        );
      }
    }
  });

  test('a garbled or empty proof is never evidence', () => {
    const first = { treeSize: 13n, rootHash: forked.root(13) };
    const second = { treeSize: 40n, rootHash: honest.root(40) };
    const proof = honest.consistencyProof(13, 40);
    for (const hashes of [
      [],
      proof.slice(1),
      proof.slice(0, -1),
      [...proof, EMPTY_ROOT],
      proof.with(2, EMPTY_ROOT),
    ]) {
      assert.equal(judgeProof(first, second, { kind: 'consistency', hashes }).verdict, 'bad-proof');
    }
  });

  test('an empty tree with a root of its own is malformed, and no fork from anything', () => {
    const zero = toMerkleHash(new Uint8Array(32));
    const one = honest.root(1);
    const pairs: readonly (readonly [MerkleHash, number, MerkleHash, Judgement['verdict']])[] = [
      [EMPTY_ROOT, 9, honest.root(9), 'consistent'],
      [EMPTY_ROOT, 0, EMPTY_ROOT, 'consistent'],
      [zero, 9, honest.root(9), 'malformed-head'],
      [zero, 0, zero, 'malformed-head'],
      [zero, 0, EMPTY_ROOT, 'malformed-head'],
      [EMPTY_ROOT, 0, zero, 'malformed-head'],
      [zero, 0, one, 'malformed-head'],
    ];
    for (const [first, n, second, verdict] of pairs)
      assert.equal(challenge(0, first, n, second, honest).verdict, verdict);
  });

  test('second questions only fit the sizes they were made for', () => {
    const second = { treeSize: 40n, rootHash: honest.root(40) };
    for (const treeSize of [1n, 3n, 39n]) {
      const hashes = honest.consistencyProof(Number(treeSize) + (treeSize === 39n ? 0 : 1), 40);
      assert.equal(
        judgeProof({ treeSize, rootHash: forked.root(7) }, second, {
          kind: 'successor-consistency',
          hashes,
        }).verdict,
        'bad-proof',
      );
    }
    const leafHash = hashLeaf(Buffer.from('a 7'));
    const path = honest.inclusionProof(7, 40);
    assert.equal(
      judgeProof({ treeSize: 7n, rootHash: forked.root(7) }, second, {
        kind: 'inclusion',
        leafHash,
        hashes: path,
      }).verdict,
      'bad-proof',
    );
  });
});

describe('evidence', () => {
  const honest = treeOf(300, 'a', 3);
  const forked = treeOf(300, 'b', 3);
  const foreign = treeOf(2, 'c');

  function evidenceOf(m: number, rootM: MerkleHash, n: number, log: SigningLog): ForkEvidence {
    const judgement = challenge(m, rootM, n, honest.root(n), honest);
    assert(judgement.verdict === 'fork-proven');
    return makeEvidence(
      log.asLog(),
      log.verified(m, rootM, 1_700_000_000_123n),
      log.verified(n, honest.root(n)),
      judgement,
      0,
    );
  }

  const log = new SigningLog();
  const cases: { name: string; kind: string; evidence: ForkEvidence }[] = [
    { name: 'one size', kind: 'none', evidence: evidenceOf(77, forked.root(77), 77, log) },
    {
      name: 'sizes 77 and 300',
      kind: 'consistency',
      evidence: evidenceOf(77, forked.root(77), 300, log),
    },
    {
      name: 'sizes 299 and 300',
      kind: 'consistency',
      evidence: evidenceOf(299, forked.root(299), 300, log),
    },
    {
      name: 'a power of two',
      kind: 'successor-consistency',
      evidence: evidenceOf(64, forked.root(64), 300, log),
    },
    {
      name: 'a power of two, and two more',
      kind: 'successor-consistency',
      evidence: evidenceOf(256, forked.root(256), 258, log),
    },
    {
      name: 'a power of two, and one more',
      kind: 'inclusion',
      evidence: evidenceOf(256, forked.root(256), 257, log),
    },
    { name: 'size 1', kind: 'inclusion', evidence: evidenceOf(1, foreign.root(1), 300, log) },
    {
      name: 'size 2',
      kind: 'successor-consistency',
      evidence: evidenceOf(2, foreign.root(2), 300, log),
    },
    {
      name: 'an RSA log',
      kind: 'consistency',
      evidence: evidenceOf(77, forked.root(77), 300, new SigningLog('rsa')),
    },
  ];

  for (const { name, kind, evidence } of cases) {
    test(`of ${name} stands, by ctga and by openssl alone`, () => {
      assert.equal(evidence.proof.kind, kind);
      const path = writeEvidence(directory, evidence);
      const again = parseEvidence(readFileSync(path, 'utf8'), path);
      assert.deepEqual(
        verifyEvidence(again).filter(({ holds }) => !holds),
        [],
      );
      const script = spawnSync('sh', [SCRIPT, path], { encoding: 'utf8' });
      assert.equal(script.status, 4, script.stdout + script.stderr);
      assert.match(script.stdout, /UNKNOWN KEY/);
    });
  }

  const flip = (text: string): string => text.replace(/^./, (c) => (c === 'A' ? 'B' : 'A'));
  const [, , typical] = cases;
  const json = JSON.parse(formatEvidence(typical?.evidence ?? assert.fail())) as Record<
    string,
    Record<string, unknown>
  >;
  const tampered: { name: string; change: (copy: typeof json) => void }[] = [
    {
      name: 'another root',
      change: (copy) =>
        void (copy['first'] = {
          ...copy['first'],
          sha256_root_hash: flip(String(copy['first']?.['sha256_root_hash'])),
        }),
    },
    {
      name: 'another size',
      change: (copy) => void (copy['first'] = { ...copy['first'], tree_size: 76 }),
    },
    {
      name: 'another time',
      change: (copy) => void (copy['second'] = { ...copy['second'], timestamp: 1 }),
    },
    {
      name: 'another key',
      change: (copy) =>
        void (copy['log'] = {
          ...copy['log'],
          key: Buffer.from(new SigningLog().key.spki).toString('base64'),
        }),
    },
    { name: 'the same head twice', change: (copy) => void (copy['first'] = { ...copy['second'] }) },
    {
      name: 'heads swapped',
      change: (copy) =>
        ([copy['first'], copy['second']] = [copy['second'] ?? {}, copy['first'] ?? {}]),
    },
    {
      name: 'a proof cut short',
      change: (copy) =>
        void (copy['proof'] = {
          kind: 'consistency',
          hashes: (copy['proof']?.['hashes'] as string[]).slice(1),
        }),
    },
    {
      name: 'a proof of another kind',
      change: (copy) => void (copy['proof'] = { ...copy['proof'], kind: 'successor-consistency' }),
    },
    { name: 'no proof', change: (copy) => void (copy['proof'] = { kind: 'none' }) },
    {
      // Base64 leaves spare bits in the last character: the same bytes must not pass for two roots.
      name: 'one root in two spellings',
      change: (copy) => {
        const root = String(copy['second']?.['sha256_root_hash']);
        copy['first'] = {
          ...copy['second'],
          sha256_root_hash: root.replace(
            /(.)=$/,
            (_, c: string) => `${String.fromCharCode(c.charCodeAt(0) + 1)}=`,
          ),
        };
      },
    },
  ];

  for (const { name, change } of tampered) {
    test(`with ${name} does not stand, by ctga or by openssl alone`, () => {
      const copy = structuredClone(json);
      delete copy['digest'];
      change(copy);
      const path = join(directory, 'tampered.json');
      writeFileSync(path, sealed(JSON.stringify(copy, null, 2)));
      const checks = verifyEvidence(parseEvidence(readFileSync(path, 'utf8'), path));
      assert(checks.some(({ holds }) => !holds));
      const script = spawnSync('sh', [SCRIPT, path], { encoding: 'utf8' });
      assert.notEqual(script.status, 0, script.stdout);
      assert.match(script.stdout, /FAILS/);
    });
  }

  test('with any bit of its file changed does not stand', async () => {
    const text = Buffer.from(formatEvidence(typical?.evidence ?? assert.fail()));
    assert(isIntact(text.toString(), parseEvidence(text.toString(), 'it')));
    for (let bit = 0; bit < text.length * 8; bit++) {
      const flipped = Buffer.from(text);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      let stands = false;
      try {
        stands = isIntact(flipped.toString(), parseEvidence(flipped.toString(), 'it'));
      } catch (error) {
        assert(error instanceof CtgaError);
      }
      assert(!stands, `bit ${bit}`);
    }
    // The command and the script look at the same: a hundred bits, spread over the file.
    const path = join(directory, 'flipped.json');
    for (let i = 0; i < 100; i++) {
      const flipped = Buffer.from(text);
      const bit = Math.floor((i * text.length * 8) / 100);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      writeFileSync(path, flipped);
      assert.notEqual(spawnSync('sh', [SCRIPT, path]).status, 0, `bit ${bit}`);
      if (i % 20 === 0)
        assert.notEqual((await ctga(['evidence', 'verify', path])).code, 0, `bit ${bit}`);
    }
  });

  test('of an empty tree does not stand, whatever was signed for it', () => {
    const zero = toMerkleHash(new Uint8Array(32));
    const path = join(directory, 'empty.json');
    for (const [first, n, second] of [
      [zero, 77, honest.root(77)],
      [EMPTY_ROOT, 77, honest.root(77)],
      [zero, 0, EMPTY_ROOT],
      [EMPTY_ROOT, 0, zero],
      [zero, 0, forked.root(1)],
    ] as const) {
      const evidence: ForkEvidence = {
        ...(typical?.evidence ?? assert.fail()),
        first: log.sign(0, first),
        second: log.sign(n, second),
        proof: { kind: 'none' },
        derivation: { firstRoot: EMPTY_ROOT, secondRoot: second },
      };
      assert(verifyEvidence(evidence).some(({ holds }) => !holds));
      writeFileSync(path, formatEvidence(evidence));
      assert.equal(spawnSync('sh', [SCRIPT, path]).status, 1);
    }
  });

  test('of consistent heads does not stand', () => {
    const consistent: ForkEvidence = {
      ...(typical?.evidence ?? assert.fail()),
      first: log.sign(77, honest.root(77)),
      proof: { kind: 'consistency', hashes: honest.consistencyProof(77, 300) },
    };
    assert(verifyEvidence(consistent).some(({ holds }) => !holds));
    const path = join(directory, 'consistent.json');
    writeFileSync(path, formatEvidence(consistent));
    assert.notEqual(spawnSync('sh', [SCRIPT, path]).status, 0);
  });

  test('found again is one file, and no temporary file stays', () => {
    const evidence = typical?.evidence ?? assert.fail();
    assert.equal(
      writeEvidence(directory, evidence),
      writeEvidence(directory, { ...evidence, created: 'later' }),
    );
    const names = readdirSync(directory);
    assert.equal(names.filter((name) => name === evidenceFileName(evidence)).length, 1);
    assert.deepEqual(
      names.filter((name) => name.endsWith('.tmp')),
      [],
    );
  });

  test('of another form is refused by field', () => {
    assert.throws(() => parseEvidence('{}', 'x.json'), /x\.json: no evidence of version 1: format/);
    assert.throws(() => parseEvidence('nonsense', 'x.json'), /x\.json: not JSON/);
  });
});
