// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isRefusal } from '../../src/ask/asker.ts';
import { prove } from '../../src/ask/prove.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import { visit, type FollowOptions, type Visit } from '../../src/follow/follower.ts';
import type { Fetch } from '../../src/http/request.ts';
import type { Log } from '../../src/logs/log.ts';
import { equalHash } from '../../src/merkle/hash.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { FakeApi } from '../support/fake-api.ts';
import { fc, random, SEED } from '../support/random.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { TiledFiles } from '../support/tiled-files.ts';

const DAY = 86_400_000;

/** Either kind of log in memory, and somebody who follows it. */
class Following {
  readonly log: Log;
  readonly hashes = HashStore.inMemory();
  now = 1_800_000_000_000;
  readonly api: FakeApi | TiledFiles;
  readonly #chance: () => number;

  constructor(api: FakeApi | TiledFiles, seed = SEED) {
    this.api = api;
    this.log = api.log.asLog({ api: api instanceof TiledFiles ? 'static-ct' : 'rfc6962' });
    const below = random(seed);
    this.#chance = () => below(2 ** 30) / 2 ** 30;
  }

  visit(more: Partial<FollowOptions> & { readonly fetch?: Fetch } = {}): Promise<Visit> {
    this.now += 3_600_000;
    return visit(this.log, {
      hashes: this.hashes,
      open: () => ({ fetch: more.fetch ?? this.api.fetch, close: () => undefined }),
      paths: 2,
      budget: 64_000_000,
      window: 14 * DAY,
      blocks: 2,
      now: () => this.now,
      chance: this.#chance,
      sleep: () => Promise.resolve(),
      signal: new AbortController().signal,
      wanted: () => [],
      ...more,
    });
  }
}

const KINDS = ['static-ct', 'rfc6962'] as const;

/** A tree that is long over, and its key. */
const OLD = treeOf(3500);
const LOG = new SigningLog();

/** Whitespace after JSON is JSON; a tile with anything after it is none. */
function padding(kind: (typeof KINDS)[number]): Buffer {
  return Buffer.alloc(kind === 'rfc6962' ? 40_000 : 0, ' ');
}

function follow(kind: (typeof KINDS)[number], size: number, of = 3000): Following {
  const tree = treeOf(of);
  return new Following(
    kind === 'static-ct' ? new TiledFiles(new SigningLog(), tree, size) : new FakeApi(tree, size),
  );
}

/** Every size has the root that the log's tree has, and a proof that convinces. */
async function assertKnows(
  { api, hashes, log }: Following,
  sizes: Iterable<number>,
): Promise<void> {
  const known = hashes.of(log);
  for (const size of sizes) {
    const rootHash = api.tree.root(size);
    const found = known.comparison(BigInt(size));
    assert.ok(found !== undefined, `size ${size} is not known`);
    assert.ok(equalHash(found.root, rootHash), `size ${size} has another root`);
    if (size === 0) continue;
    const tree = { treeSize: BigInt(size), rootHash };
    assert.equal((await prove(found.asker, tree, found.against)).verdict, 'consistent');
    const other = { ...tree, rootHash: api.tree.root(size - 1) };
    if (BigInt(size) < found.against.treeSize)
      assert.equal(
        (await prove(found.asker, other, found.against)).verdict,
        'fork-proven',
        `${size}`,
      );
  }
}

/** Every size up to 300, and of the larger ones every eleventh. */
function all(size: number): number[] {
  const sizes = Array.from({ length: size + 1 }, (_, i) => i);
  return sizes.filter((each) => each <= 300 || each === size || each % 11 === 0);
}

for (const kind of KINDS)
  describe(`following a ${kind} log`, () => {
    for (const size of [1, 2, 63, 64, 65, 255, 256, 257, 300, 512, 1000])
      test(`a log of ${size} entries is held whole after one visit`, async () => {
        const following = follow(kind, size, 1200);
        const { current, failures, forks, notices } = await following.visit();
        assert.deepEqual({ failures, forks, notices }, { failures: [], forks: [], notices: [] });
        assert.equal(current?.treeSize, BigInt(size));
        await assertKnows(following, all(size));
        assert.equal(following.hashes.of(following.log).outlook(BigInt(size + 1)), 'beyond');
      });

    test('a first visit that breaks off is continued by the next, a minute later', async () => {
      const following = follow(kind, 1500);
      // An RFC 6962 log gives the newest leaves and some of the older ones.
      let left = 25;
      const broken = await following.visit({
        fetch: (url, options) =>
          left-- > 0
            ? following.api.fetch(url, options)
            : Promise.resolve({ status: 500, retryAfter: undefined, body: Buffer.alloc(0) }),
      });
      assert.equal(broken.failures.length, kind === 'rfc6962' ? 1 : 0);
      following.now -= 3_540_000;
      assert.deepEqual((await following.visit()).failures, []);
      await assertKnows(following, all(1500));
    });

    test('an empty log is followed', async () => {
      const following = follow(kind, 0);
      assert.deepEqual((await following.visit()).failures, []);
      following.api.size = 3;
      assert.deepEqual((await following.visit()).failures, []);
      await assertKnows(following, all(3));
    });

    test('a log that grows is held whole, in steps of any size, and its heads are linked', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 4 }),
          async (steps) => {
            const following = follow(kind, 1);
            for (const step of steps) {
              following.api.size = Math.min(3000, following.api.size + step);
              const { failures, forks } = await following.visit();
              assert.deepEqual({ failures, forks }, { failures: [], forks: [] });
            }
            if (steps.length === 0) return;
            const { size } = following.api;
            await assertKnows(
              following,
              [0, 1, 2, 255, 256, size >> 1, size - 1, size].filter((n) => n >= 0 && n <= size),
            );
            const links = following.hashes.of(following.log).publicLinks();
            assert.equal(
              links.length,
              new Set(
                steps.map((_, i) =>
                  steps.slice(0, i + 1).reduce((a, b) => Math.min(3000, a + b), 1),
                ),
              ).size - 1,
            );
          },
        ),
        { numRuns: 25, seed: SEED },
      );
    });

    test('an old tree is fetched backwards, as far as the budget allows, until it is held whole', async () => {
      const following = follow(kind, 3000);
      // Of a leaf: 32 bytes of a tile, or some 100 bytes of an entry without a certificate.
      const budget = kind === 'static-ct' ? 30_000 : 200_000;
      const held: bigint[] = [];
      for (let i = 0; i < 60; i++) {
        following.now += 3 * 3_600_000;
        const { failures } = await following.visit({ budget, blocks: 0 });
        assert.deepEqual(failures, []);
        const { start = -1n } = following.hashes.rows(following.log).state()?.held ?? {};
        held.push(start);
        const { bytes } = following.hashes.rows(following.log).usage(following.now);
        // What is under way when the budget ends is finished.
        assert.ok(bytes <= budget + 20_000, `${bytes} bytes in a day`);
        if (start === 0n) break;
        assert.equal(following.hashes.of(following.log).outlook(5n), 'coming');
      }
      assert.ok(held.length > 2, 'it was all fetched at once');
      assert.deepEqual(held.at(-1), 0n);
      await assertKnows(following, [0, 1, 2, 3, 255, 256, 257, 1024, 2047, 2999, 3000]);
    });

    test('a log that outgrows the budget is asked for blocks, and for leaves again when it is slow', async () => {
      const following = follow(kind, 2000, 6000);
      const budget = kind === 'static-ct' ? 40_000 : 100_000;
      const window = 2 * DAY;
      await following.visit({ budget, window });
      const { hashes, log, api } = following;
      api.size = 5000;
      const grown = await following.visit({ budget, window });
      assert.match(grown.notices.join(), /has grown by .* wait for blocks/);
      assert.deepEqual(grown.failures, []);
      assert.equal(hashes.rows(log).state()?.mode, 'blocks');
      const size = 3333;
      assert.equal(hashes.of(log).outlook(BigInt(size)), 'needs-block');
      let visits = 0;
      while (hashes.of(log).comparison(BigInt(size)) === undefined) {
        assert.ok(++visits < 1000, 'its block never came');
        const { failures } = await following.visit({
          budget: 1e9,
          window,
          wanted: () => [BigInt(size)],
        });
        assert.deepEqual(failures, []);
        if (hashes.rows(log).state()?.mode === 'leaves') break;
      }
      // The log has not grown since.
      assert.equal(hashes.rows(log).state()?.mode, 'leaves');
      await assertKnows(following, [size, 4999, 5000]);
    });

    test('a budget that is spent for today costs nothing of what is held', async () => {
      const following = follow(kind, 1000);
      const [budget, rows] = [1e9, following.hashes.rows(following.log)];
      await following.visit({ budget });
      rows.addUsage(following.now, { bytes: budget, followed: budget });
      for (let i = 0; i < 3; i++) {
        following.now += 3_600_000;
        following.api.size += 300;
        await following.visit({ budget });
        assert.deepEqual([rows.state()?.mode, rows.state()?.held?.start], ['blocks', 0n]);
      }
      following.now += DAY;
      await following.visit({ budget });
      assert.deepEqual([rows.state()?.mode, rows.state()?.held?.end], ['leaves', 1900n]);
    });

    test('the block of a tree that waits takes the free place of a batch, and no other', async () => {
      await fc.assert(
        fc.asyncProperty(fc.integer(), fc.integer({ min: 0, max: 3400 }), async (seed, size) => {
          const runs = [];
          for (const wanted of [[], [BigInt(size)], [3_000_000n, BigInt(size), 77n]]) {
            const following = new Following(
              kind === 'static-ct' ? new TiledFiles(LOG, OLD, 3500) : new FakeApi(OLD, 3500, LOG),
              seed,
            );
            const circuits: string[][] = [];
            for (let i = 0; i < 33; i++) {
              const open = (): { fetch: Fetch; close: () => void } => {
                const circuit: string[] = [];
                circuits.push(circuit);
                const fetch: Fetch = (url, options) => {
                  circuit.push(url);
                  return following.api.fetch(url, options);
                };
                return { fetch, close: () => undefined };
              };
              await following.visit({ open, budget: 1, wanted: () => wanted });
              await following.visit({ open, budget: 1e9, wanted: () => wanted });
            }
            runs.push(circuits.map((circuit) => circuit.join(' ')));
          }
          const [none = [], one = [], several = []] = runs;
          for (const some of [one, several]) {
            assert.equal(some.length, none.length);
            const other = some.filter((circuit, i) => circuit !== none[i]);
            assert.ok(other.length <= 2, `${other.length} circuits differ: ${other.join()}`);
          }
        }),
        { numRuns: 6, seed: SEED },
      );
    });

    for (const [name, change] of [
      ['grows on another branch', 1200],
      ['shows another tree of the same size', 1000],
    ] as const)
      test(`a log that ${name} convicts itself, and is followed on the new branch`, async () => {
        const following = follow(kind, 1000);
        await following.visit();
        following.api.tree = treeOf(2000, 'b', 700);
        following.api.size = change;
        const { forks } = await following.visit();
        const sizes = forks.map(({ first, second }) => [first.treeSize, second.treeSize]);
        assert.deepEqual(sizes, [[1000n, BigInt(change)]]);
        following.api.size = 1300;
        const after = [await following.visit(), await following.visit()];
        assert.deepEqual(
          after.flatMap(({ forks: more, failures }) => [...more, ...failures]),
          [],
        );
        await assertKnows(following, [1, 699, 1000, 1200, 1300]);
      });

    test('a log that shows a smaller tree again is no worse for it', async () => {
      const following = follow(kind, 1000);
      await following.visit();
      following.api.size = 900;
      const { current, failures, forks } = await following.visit();
      assert.deepEqual(
        { size: current?.treeSize, failures, forks },
        { size: 900n, failures: [], forks: [] },
      );
      await assertKnows(following, all(1000));
      assert.equal(following.hashes.of(following.log).publicLinks().length, 1);
    });

    test('a log that once signs a size that it never reaches is followed all the same', async () => {
      const following = follow(kind, 1000);
      await following.visit();
      const { api, log, hashes } = following;
      const absurd: Fetch = async (url, options) => {
        if (!/checkpoint|get-sth$/.test(url)) return api.fetch(url, options);
        const root = api.tree.root(17);
        const body =
          kind === 'static-ct'
            ? api.log.checkpoint(2 ** 40, root)
            : JSON.stringify(treeHeadToJson(api.log.sign(2 ** 40, root)));
        return { status: 200, retryAfter: undefined, body: Buffer.from(body) };
      };
      const { failures, forks } = await following.visit({ fetch: absurd });
      assert.deepEqual(forks, []);
      assert.ok(failures.length > 0);
      api.size = 1400;
      await following.visit();
      await assertKnows(following, all(1400));
      assert.equal(hashes.of(log).outlook(1401n), 'beyond');
    });

    test('one public head that the log cannot prove keeps no other from being linked', async () => {
      const following = follow(kind, 2000, 6000);
      const { api, hashes, log } = following;
      await following.visit({ budget: 1e5, window: DAY });
      api.size = 5000;
      const options = { budget: 1e4, window: DAY, blocks: 0 };
      await following.visit(options);
      assert.equal(hashes.rows(log).state()?.mode, 'blocks');
      const bogus = api.log.verified(4999, api.tree.root(1));
      hashes.rows(log).putHead(bogus, following.now + 1);
      for (const size of [5200, 5300, 5500]) {
        api.size = size;
        await following.visit({ ...options, budget: 1e5 });
      }
      const linked = hashes
        .of(log)
        .publicLinks()
        .map(([first]) => first.treeSize);
      assert.ok(linked.includes(5200n) && linked.includes(5300n), linked.join());
      assert.ok(!linked.includes(4999n) || kind === 'static-ct', linked.join());
    });

    test('a log that gives no hashes at all says so', async () => {
      const following = follow(kind, 700);
      const none: Fetch = (url, options) =>
        /checkpoint|get-sth$/.test(url)
          ? following.api.fetch(url, options)
          : Promise.resolve({ status: 404, retryAfter: undefined, body: Buffer.from('') });
      const { current, stuck } = await following.visit({ fetch: none });
      assert.equal(current?.treeSize, 700n);
      assert.ok(isRefusal(stuck));
      assert.equal((await following.visit()).stuck, undefined);
    });

    test('what a block costs changes nothing that is asked later', async () => {
      const transcripts = [];
      for (const wanted of [[], [70n]]) {
        const following = new Following(
          kind === 'static-ct' ? new TiledFiles(LOG, OLD, 3500) : new FakeApi(OLD, 3500, LOG),
          7,
        );
        const asked: string[][] = [];
        for (let i = 0; i < 80; i++) {
          const visit: string[] = [];
          asked.push(visit);
          const fetch: Fetch = async (url, options) => {
            visit.push(url);
            const answer = await following.api.fetch(url, options);
            // The log makes what it looks for large.
            const isMarked = /tile\/0\/000$|start=64&/.test(url);
            return isMarked
              ? { ...answer, body: Buffer.concat([answer.body, padding(kind)]) }
              : answer;
          };
          await following.visit({ fetch, budget: 50_000, window: DAY / 2, wanted: () => wanted });
        }
        transcripts.push(
          asked.map((visit) => visit.filter((url) => !/tile\/0|entries|proof-by/.test(url)).length),
        );
      }
      assert.deepEqual(transcripts[0], transcripts[1]);
    });

    test('hashes that do not lead to the signed root are refused, and fetched again', async () => {
      const following = follow(kind, 1000);
      await following.visit();
      const honest = following.api.tree;
      // The head is of the honest tree, and what is served is not.
      const lies: Fetch = async (url, options) => {
        if (/checkpoint|get-sth$/.test(url)) return following.api.fetch(url, options);
        following.api.tree = treeOf(1500, 'lie', 1000);
        try {
          return await following.api.fetch(url, options);
        } finally {
          following.api.tree = honest;
        }
      };
      following.api.size = 1500;
      const { failures, forks } = await following.visit({ fetch: lies });
      assert.deepEqual(forks, []);
      assert.ok(failures.length > 0);
      await assertKnows(following, all(1000));
      assert.deepEqual((await following.visit()).failures, []);
      await assertKnows(following, all(1500));
    });

    test('hashes that a disk changed are fetched again, and accuse nobody', async () => {
      const following = follow(kind, 1000);
      await following.visit();
      const rows = following.hashes.rows(following.log);
      for (const tile of [1n, 3n]) {
        const leaves = Uint8Array.from(rows.tile(tile) ?? []);
        leaves[40] = (leaves[40] ?? 0) ^ 1;
        rows.putTile(tile, leaves, rows.tileHash(tile));
      }
      const known = following.hashes.of(following.log);
      for (const size of all(1000)) {
        const found = known.comparison(BigInt(size));
        const rootHash = following.api.tree.root(size);
        if (found === undefined || equalHash(found.root, rootHash) || size === 0) continue;
        // A root that differs convicts nobody, because the proof does not lead to the signed one.
        const { verdict } = await prove(
          found.asker,
          { treeSize: BigInt(size), rootHash },
          found.against,
        );
        assert.notEqual(verdict, 'fork-proven');
      }
      following.api.size = 1200;
      const visits = [await following.visit(), await following.visit()];
      assert.deepEqual(
        visits.flatMap(({ forks }) => forks),
        [],
      );
      await assertKnows(following, all(1200));
    });
  });

test('every place of a batch is asked for, of blocks that the window will not have', async () => {
  const following = new Following(new TiledFiles(LOG, OLD, 3500));
  for (let i = 0; i < 40; i++) {
    following.now += DAY;
    const circuits: string[][] = [];
    const open = (): { fetch: Fetch; close: () => void } => {
      const circuit: string[] = [];
      circuits.push(circuit);
      const fetch: Fetch = (url, options) => {
        circuit.push(url);
        return following.api.fetch(url, options);
      };
      return { fetch, close: () => undefined };
    };
    await following.visit({ open, budget: 50_000, window: 2 * DAY, blocks: 1 });
    const { mode, target = 0n } = following.hashes.rows(following.log).state() ?? {};
    assert.deepEqual([mode, circuits.length], ['leaves', 3], `visit ${i}`);
    const [, tile] = /tile\/0\/(\d+)$/.exec(circuits[2]?.[0] ?? '') ?? [];
    assert.ok(Number(tile) * 256 < Number(target), `tile ${tile ?? ''}, target ${target}`);
  }
});
