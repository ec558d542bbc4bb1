// SPDX-License-Identifier: Apache-2.0
/** Proofs from the hashes that `ctga challenge` keeps: the log is asked nothing, and learns nothing. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { askerOf } from '../../src/ask/asker-of.ts';
import { fetchBlock } from '../../src/follow/block.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import { visit } from '../../src/follow/follower.ts';
import { newPattern } from '../../src/follow/pattern.ts';
import type { Log } from '../../src/logs/log.ts';
import { FollowedHashes } from '../../src/mirror/followed.ts';
import type { Comparison } from '../../src/follow/known-hashes.ts';
import { Mirror } from '../../src/mirror/mirror.ts';
import { HourlyPublication } from '../../src/mirror/publication.ts';
import { FakeApi } from '../support/fake-api.ts';
import { random, SEED } from '../support/random.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { TiledFiles } from '../support/tiled-files.ts';

const DAY = 86_400_000;
/** What the server has published, and what it publishes when it is asked. */
const [OLD, SIZE] = [450, 600];
const tree = treeOf(SIZE + 300);

const apis = {
  'static-ct': () => new TiledFiles(new SigningLog(), tree, SIZE),
  rfc6962: () => new FakeApi(tree, SIZE),
} as const;

for (const [kind, make] of Object.entries(apis)) {
  describe(`a ${kind} log that is followed in the same state directory`, () => {
    let directory: string;
    let api: FakeApi | TiledFiles;
    let log: Log;
    let now: number;
    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
      api = make();
      log = api.log.asLog({ api: kind as Log['api'] });
      now = 1_800_000_000_000;
    });
    afterEach(() => rmSync(directory, { recursive: true }));

    /** Visits it once, as the challenger does. */
    async function follow(): Promise<void> {
      const hashes = HashStore.open(directory);
      const below = random(SEED);
      try {
        await visit(log, {
          hashes,
          open: () => ({ fetch: api.fetch, close: () => undefined }),
          paths: 1,
          budget: 64_000_000,
          window: 14 * DAY,
          blocks: 2,
          now: () => now,
          chance: () => below(2 ** 30) / 2 ** 30,
          sleep: () => Promise.resolve(),
          signal: new AbortController().signal,
          wanted: () => [],
        });
      } finally {
        hashes.close();
      }
    }

    async function mirror(
      onFailed = (message: string): unknown => assert.fail(message),
    ): Promise<Mirror> {
      const followed = new FollowedHashes(directory, () => now);
      const options = {
        log,
        client: askerOf(log, api.fetch),
        now: () => now,
        onFailed: (_: unknown, { message }: Error) => void onFailed(message),
      };
      const publication = new HourlyPublication({
        ...options,
        interval: DAY,
        last: { head: api.log.verified(OLD, tree.root(OLD)), at: 0, sizes: new Set([BigInt(OLD)]) },
        onPublished: () => undefined,
      });
      const hashes = (size: bigint): Comparison | undefined => followed.comparison(log, size);
      const made = new Mirror({ ...options, publication, hashes });
      await made.treeHead();
      await new Promise(setImmediate);
      api.requests.length = 0;
      return made;
    }

    test('every proof within the window is made here, of trees that were not published too', async () => {
      await follow();
      const { proofs } = await mirror();
      for (const [first, second] of [
        [1, 2],
        [255, 256],
        [256, 257],
        [3, SIZE],
        [SIZE - 1, SIZE],
        [300, 511],
      ] as const)
        assert.deepEqual(
          await proofs.consistency(BigInt(first), BigInt(second)),
          tree.consistencyProof(first, second),
        );
      for (const [leaf, size] of [
        [0, 1],
        [17, 300],
        [SIZE - 1, SIZE],
      ] as const)
        assert.deepEqual(
          await proofs.inclusion(BigInt(leaf), BigInt(size)),
          tree.inclusionProof(leaf, size),
        );
      // The log has grown since: of that nothing is here.
      api.size = SIZE + 200;
      assert.equal(await proofs.consistency(3n, BigInt(SIZE + 100)), undefined);
      assert.deepEqual(api.requests, []);
    });

    test('what was fetched since is seen ten minutes later', async () => {
      const { proofs } = await mirror();
      assert.equal(await proofs.consistency(3n, 500n), undefined);
      await follow();
      api.requests.length = 0;
      assert.equal(await proofs.consistency(3n, 500n), undefined);
      now += 600_000;
      assert.deepEqual(await proofs.consistency(3n, 500n), tree.consistencyProof(3, 500));
      assert.deepEqual(api.requests, []);
    });

    test('a file that is damaged, or is not there, is no hindrance', async () => {
      writeFileSync(join(directory, 'mirror.sqlite'), 'x'.repeat(10_000));
      const { proofs } = await mirror();
      const asked = (): Promise<unknown> => proofs.consistency(BigInt(OLD), BigInt(SIZE));
      assert.deepEqual(await asked(), tree.consistencyProof(OLD, SIZE));
      rmSync(join(directory, 'mirror.sqlite'));
      now += 600_000;
      assert.deepEqual(await asked(), tree.consistencyProof(OLD, SIZE));
      assert.notDeepEqual(api.requests, []);
      assert.deepEqual(readdirSync(directory), []);
    });

    test('of another tree than the published one they are of no use, and that is said', async () => {
      const other = treeOf(SIZE, 'b', 10);
      const theirs = api.tree;
      api.tree = other;
      await follow();
      api.tree = theirs;
      const said: string[] = [];
      const { proofs } = await mirror((message) => said.push(message));
      assert.deepEqual(
        await proofs.consistency(BigInt(OLD), BigInt(SIZE)),
        tree.consistencyProof(OLD, SIZE),
      );
      assert.equal(await proofs.consistency(3n, 40n), undefined);
      assert.equal(said.length, 1);
      assert.match(said[0] ?? '', /of size 600 is another than .* ctga heads import$/);
    });

    // A block may have been fetched because a head of its sizes was seen.
    test('blocks that the challenger asked for answer nobody', async () => {
      const hashes = HashStore.open(directory);
      const rows = hashes.rows(log);
      const top = rows.putHead(api.log.verified(SIZE, tree.root(SIZE)), now);
      rows.setState({
        mode: 'blocks',
        shown: top.id,
        target: BigInt(SIZE),
        bytesPerLeaf: 32,
        budget: 1_000_000,
        pattern: newPattern(() => 0.5),
      });
      rows.putBlock(await fetchBlock(log, askerOf(log, api.fetch), top, 0n));
      assert.notEqual(hashes.of(log).comparison(40n), undefined);
      hashes.close();
      const { proofs } = await mirror();
      assert.equal(await proofs.consistency(3n, 40n), undefined);
      assert.equal(await proofs.inclusion(3n, 40n), undefined);
      assert.deepEqual(api.requests, []);
    });
  });
}
