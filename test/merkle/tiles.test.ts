// SPDX-License-Identifier: Apache-2.0
/** Proofs made of tiles, against those that a whole tree in memory gives. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TiledTree, tilePath, TILE_WIDTH, type TilePlace } from '../../src/merkle/tiles.ts';
import { readTile, treeOf } from '../support/signing-log.ts';
import { fc } from '../support/random.ts';

describe('tile paths', () => {
  const cases: readonly (readonly [place: TilePlace, path: string])[] = [
    [{ level: 0, index: 0n, width: 256 }, 'tile/0/000'],
    [{ level: 0, index: 5n, width: 1 }, 'tile/0/005.p/1'],
    [{ level: 1, index: 999n, width: 255 }, 'tile/1/999.p/255'],
    [{ level: 0, index: 1000n, width: 256 }, 'tile/0/x001/000'],
    // The examples of c2sp.org/tlog-tiles.
    [{ level: 0, index: 1234067n, width: 256 }, 'tile/0/x001/x234/067'],
    [{ level: 3, index: 1234067n, width: 8 }, 'tile/3/x001/x234/067.p/8'],
  ];
  for (const [place, path] of cases) test(path, () => assert.equal(tilePath(place), path));
});

describe('proofs made of tiles are those of the tree', () => {
  const tree = treeOf(70_000);
  const tiled = (size: number): TiledTree =>
    new TiledTree(BigInt(size), (place) => Promise.resolve(readTile(tree, place)));

  const check = async (first: number, second: number): Promise<void> => {
    assert.deepEqual(
      await tiled(second).consistencyProof(BigInt(first)),
      tree.consistencyProof(first, second),
      `${first} to ${second}`,
    );
    assert.deepEqual(
      await tiled(second).inclusionProof(BigInt(first)),
      tree.inclusionProof(first, second),
      `leaf ${first} in ${second}`,
    );
  };

  test('for every pair of small sizes', async () => {
    for (let second = 2; second <= 40; second++) {
      for (let first = 1; first < second; first++) await check(first, second);
    }
  });
  test('at the edges of tiles', async () => {
    const edges = [1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_792, 70_000];
    for (const second of edges)
      for (const first of edges) if (first < second) await check(first, second);
  });
  test('for any sizes', () =>
    fc.assert(
      fc.asyncProperty(fc.nat({ max: 69_998 }), fc.nat({ max: 69_999 }), async (a, b) => {
        const [first, second] = [Math.min(a, b) + 1, Math.max(a, b) + 1];
        if (first < second) await check(first, second);
      }),
      { numRuns: 200 },
    ));

  test('no tile is asked for that the tree does not have, nor one of no width', async () => {
    const asked: TilePlace[] = [];
    const size = 65_536 + 256 + 3;
    const watching = new TiledTree(BigInt(size), (place) => {
      asked.push(place);
      return Promise.resolve(readTile(tree, place));
    });
    for (const first of [1, 3, 256, 300, 65_536, 65_600, 65_793])
      await watching.consistencyProof(BigInt(first));
    assert(asked.length > 0);
    for (const { level, index, width } of asked) {
      const hashes = Math.floor(size / TILE_WIDTH ** level);
      assert(
        width >= 1 && Number(index) * TILE_WIDTH + width <= hashes,
        `level ${level}, ${index}, ${width}`,
      );
      assert(
        width === TILE_WIDTH || Number(index) * TILE_WIDTH + width === hashes,
        'all there is of a partial tile',
      );
    }
  });

  test('sizes without a proof are refused', async () => {
    for (const first of [0n, 10n, 11n])
      await assert.rejects(tiled(10).consistencyProof(first), RangeError);
    for (const index of [-1n, 10n])
      await assert.rejects(tiled(10).inclusionProof(index), RangeError);
  });
});
