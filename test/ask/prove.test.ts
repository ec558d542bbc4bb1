// SPDX-License-Identifier: Apache-2.0
/** prove() over each of the three askers, of a log in memory. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LogError, type Asker } from '../../src/ask/asker.ts';
import { CtOverDnsAsker } from '../../src/ask/ct-over-dns.ts';
import { prove } from '../../src/ask/prove.ts';
import { Rfc6962Asker } from '../../src/ask/rfc6962.ts';
import { TiledAsker } from '../../src/ask/tiled.ts';
import { EMPTY_ROOT } from '../../src/merkle/hash.ts';
import type { TreeRoot } from '../../src/statements/statement.ts';
import { CT_ZONE, ctZone } from '../support/ct-zone.ts';
import { FakeApi } from '../support/fake-api.ts';
import { SigningLog, treeOf, type LogTree } from '../support/signing-log.ts';
import { TiledFiles } from '../support/tiled-files.ts';

const SIZE = 40;
const log = new SigningLog();

const askers: readonly (readonly [name: string, of: (tree: LogTree) => Asker])[] = [
  ['RFC 6962', (tree) => new Rfc6962Asker('https://log.test/', new FakeApi(tree).fetch)],
  [
    'static-ct',
    (tree) => {
      const files = new TiledFiles(log, tree);
      return new TiledAsker('https://log.test/alpha/', log.key, files.fetch);
    },
  ],
  ['CT-over-DNS', (tree) => new CtOverDnsAsker(CT_ZONE, log.key, ctZone(log, tree))],
];

const rootOf = (tree: LogTree, size: number): TreeRoot => ({
  treeSize: BigInt(size),
  rootHash: tree.root(size),
});

for (const [name, askerOf] of askers) {
  describe(`over ${name}`, () => {
    const tree = treeOf(SIZE);
    const asker = askerOf(tree);

    test('trees of one log are consistent, at every pair of sizes', async () => {
      for (let n = 0; n <= SIZE; n++) {
        for (let m = 0; m <= n; m++) {
          const found = await prove(asker, rootOf(tree, m), rootOf(tree, n));
          assert.equal(found.verdict, 'consistent', `${m}, ${n}`);
        }
      }
    });

    test('a fork is proven, at every pair of sizes and wherever it is', async () => {
      for (let fork = 0; fork < SIZE; fork++) {
        // The first tree is of another branch, which leaves the one that the log shows at `fork`.
        const [shown, other] = [treeOf(SIZE, 'a', fork), treeOf(SIZE, 'b', fork)];
        const asker = askerOf(shown);
        for (let n = fork + 1; n <= SIZE; n++) {
          for (let m = fork + 1; m <= n; m++) {
            const found = await prove(asker, rootOf(other, m), rootOf(shown, n));
            assert.equal(found.verdict, 'fork-proven', `${m}, ${n}, fork after ${fork}`);
          }
        }
      }
    });

    test('proofs of another tree than the signed one are bad, and prove nothing', async () => {
      const other = askerOf(treeOf(SIZE, 'b'));
      for (let n = 2; n <= SIZE; n++) {
        for (let m = 1; m < n; m++) {
          const found = await prove(other, rootOf(tree, m), rootOf(tree, n));
          assert.equal(found.verdict, 'bad-proof', `${m}, ${n}`);
        }
      }
    });

    test('a leaf is found by its hash, or that is refused', async () => {
      const found = asker.leafProof(tree.leafHash(17), 30n);
      if (name === 'static-ct') return assert.rejects(found, { code: 'log-refused' });
      assert.deepEqual(await found, { leafIndex: 17n, path: tree.inclusionProof(17, 30) });
    });

    test('its head is the one that was signed', async () => {
      const head = await asker.treeHead();
      assert.deepEqual([head.treeSize, head.rootHash], [BigInt(SIZE), tree.root()]);
    });

    test('sizes without a proof are a bug of the caller', async () => {
      for (const [first, second] of [
        [0n, 5n],
        [5n, 5n],
        [6n, 5n],
      ] as const) {
        const asked = async (): Promise<unknown> => asker.consistencyProof(first, second);
        await assert.rejects(asked, RangeError, `${first}, ${second}`);
      }
      const leaf = { leafIndex: 5n, leafHash: undefined };
      await assert.rejects(async () => asker.inclusionProof(leaf, 5n), RangeError);
    });
  });
}

describe('questions are counted, and can be refused', () => {
  const [tree, other] = [treeOf(SIZE), treeOf(SIZE, 'b')];
  const asker = new Rfc6962Asker('https://log.test/', new FakeApi(tree).fetch);
  const cases: readonly (readonly [first: TreeRoot, n: number, questions: number])[] = [
    [rootOf(tree, 0), 9, 0],
    [{ treeSize: 0n, rootHash: tree.root(1) }, 9, 0],
    [rootOf(other, 9), 9, 0],
    [rootOf(tree, 7), 9, 1],
    [rootOf(tree, 8), 9, 1],
    [rootOf(other, 7), 9, 1],
    [rootOf(other, 8), 9, 2],
    [rootOf(other, 4), 9, 2],
    [rootOf(other, 1), 9, 2],
  ];
  for (const [first, n, questions] of cases) {
    test(`from ${first.treeSize} to ${n}: ${questions}`, async () => {
      let count = 0;
      await prove(asker, first, rootOf(tree, n), { onQuestion: () => (count += 1) });
      assert.equal(count, questions);
    });
  }

  test('what the counter throws, prove() rejects with, and the log is not asked', async () => {
    const enough = new Error('enough');
    const never: Asker = {
      treeHead: () => assert.fail(),
      consistencyProof: () => assert.fail(),
      inclusionProof: () => assert.fail(),
      leafProof: () => assert.fail(),
      leafHashes: () => assert.fail(),
    };
    const onQuestion = (): never => {
      throw enough;
    };
    const [first, second] = [rootOf(tree, 3), rootOf(tree, 9)];
    await assert.rejects(prove(never, first, second, { onQuestion }), enough);
  });
});

describe('CT-over-DNS in parts', () => {
  const tree = treeOf(SIZE);
  const [first, second] = [rootOf(tree, 5), rootOf(tree, 40)];
  const answering = (text: Uint8Array | string): CtOverDnsAsker =>
    new CtOverDnsAsker('log.example', log.key, () => Promise.resolve([Buffer.from(text)]));

  test('a part with more hashes than the proof has: a bad proof', async () => {
    const found = await prove(answering(Buffer.alloc(32 * 7)), rootOf(tree, 3), rootOf(tree, 4));
    assert.deepEqual(found, { verdict: 'bad-proof', reason: '7 hashes, want 3' });
  });

  for (const [what, text] of [
    ['nothing', ''],
    ['half a hash', Buffer.alloc(16)],
  ] as const) {
    test(`a part with ${what}: the log is unavailable`, async () => {
      await assert.rejects(prove(answering(text), first, second), LogError);
    });
  }

  for (const index of ['', '-1', '007', '18446744073709551616', '40']) {
    test(`an index of ${JSON.stringify(index)}: the log is unavailable`, async () => {
      const asked = answering(index).leafProof(EMPTY_ROOT, 40n);
      await assert.rejects(asked, { code: 'log-unavailable' });
    });
  }
});
