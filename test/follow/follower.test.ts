import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { prove } from '../../src/ask/prove.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import { visit, type FollowOptions, type Visit } from '../../src/follow/follower.ts';
import type { Fetch } from '../../src/http/request.ts';
import type { Log } from '../../src/logs/log.ts';
import { equalHash } from '../../src/merkle/hash.ts';
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

const all = (size: number): number[] => Array.from({ length: size + 1 }, (_, i) => i);

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
  });
