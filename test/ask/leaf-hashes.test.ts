// SPDX-License-Identifier: Apache-2.0
/** Leaf hashes over each of the askers: which requests they take, and what hostile answers become. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LogError } from '../../src/ask/asker.ts';
import { CtOverDnsAsker } from '../../src/ask/ct-over-dns.ts';
import { inParallel } from '../../src/ask/parallel.ts';
import { Rfc6962Asker } from '../../src/ask/rfc6962.ts';
import { TiledAsker } from '../../src/ask/tiled.ts';
import type { HttpAnswer } from '../../src/http/request.ts';
import { FakeApi, json } from '../support/fake-api.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { TiledFiles } from '../support/tiled-files.ts';

const SIZE = 1000;
const log = new SigningLog();
const tree = treeOf(2000);
const want = (start: number, end: number): Uint8Array =>
  Uint8Array.from(
    Buffer.concat(Array.from({ length: end - start }, (_, i) => tree.leafHash(start + i))),
  );

const tiled = (files: TiledFiles): TiledAsker =>
  new TiledAsker('https://log.test/alpha/', log.key, files.fetch);
const rfc6962 = ({ fetch }: FakeApi): Rfc6962Asker =>
  new Rfc6962Asker('https://log.test/alpha/', fetch);

const answer = (status: number, body: string | Uint8Array = ''): HttpAnswer => ({
  status,
  retryAfter: undefined,
  body: Buffer.from(body),
});

const RANGES = [
  [0, 1],
  [0, 256],
  [0, 257],
  [255, 257],
  [256, 512],
  [300, 301],
  [767, 1000],
  [768, 1000],
  [999, 1000],
  [0, SIZE],
] as const;

describe('of a static-ct log', () => {
  for (const [start, end] of RANGES) {
    test(`[${start}, ${end})`, async () => {
      const files = new TiledFiles(log, tree, SIZE);
      const found = await tiled(files).leafHashes(BigInt(start), BigInt(end), BigInt(SIZE));
      assert.deepEqual(found, want(start, end));
      const tiles = ['000', '001', '002', '003.p/232'].slice(start >> 8, ((end - 1) >> 8) + 1);
      assert.deepEqual(
        files.requests,
        tiles.map((each) => `tile/0/${each}`),
      );
    });
  }

  test('the last tile has the width of the tree, though it is full by now', async () => {
    const files = new TiledFiles(log, tree);
    const found = await tiled(files).leafHashes(768n, 770n, BigInt(SIZE));
    assert.deepEqual(found, want(768, 770));
    assert.deepEqual(files.requests, ['tile/0/003.p/232']);
  });

  test('the full tile is taken where the partial one is gone', async () => {
    const files = new TiledFiles(log, tree);
    files.instead = (path) => (path.includes('.p/') ? answer(404) : undefined);
    assert.deepEqual(await tiled(files).leafHashes(700n, 1000n, BigInt(SIZE)), want(700, 1000));
    assert.deepEqual(files.requests, ['tile/0/002', 'tile/0/003.p/232', 'tile/0/003']);
  });

  test('a tile is fetched once with its audit path; of a long range the tiles at its ends are kept', async () => {
    const files = new TiledFiles(log, tree, SIZE);
    const asker = tiled(files);
    await asker.leafHashes(256n, 512n, BigInt(SIZE));
    await asker.inclusionProof({ leafIndex: 256n, leafHash: undefined }, BigInt(SIZE));
    const times = (tile: string): number => files.requests.filter((path) => path === tile).length;
    assert.equal(times('tile/0/001'), 1);
    await asker.leafHashes(0n, 1000n, BigInt(SIZE));
    await asker.leafHashes(0n, 1000n, BigInt(SIZE));
    assert.deepEqual([times('tile/0/000'), times('tile/0/001'), times('tile/0/002')], [1, 1, 2]);
  });

  const failures = [
    ['gone', answer(404), 'log-refused'],
    ['a page', answer(200, '<html>'), 'log-unavailable'],
    ['a hash too many', answer(200, new Uint8Array(257 * 32)), 'log-unavailable'],
    ['busy', answer(429), 'log-unavailable'],
  ] as const;
  for (const [name, reply, code] of failures) {
    test(`a tile that is ${name}`, async () => {
      const files = new TiledFiles(log, tree, SIZE);
      files.instead = (path) => (path === 'tile/0/001' ? reply : undefined);
      await assert.rejects(tiled(files).leafHashes(0n, 1000n, BigInt(SIZE)), { code });
    });
  }
});

describe('of an RFC 6962 log', () => {
  for (const limit of [1, 30, 64, 256, 1000]) {
    for (const [start, end] of RANGES) {
      test(`[${start}, ${end}), ${limit} entries at a time`, async () => {
        const api = new FakeApi(tree, SIZE);
        api.entriesLimit = limit;
        const found = await rfc6962(api).leafHashes(BigInt(start), BigInt(end), BigInt(SIZE));
        assert.deepEqual(found, want(start, end));
      });
    }
  }

  /** The queries of a range when the log gives no entries beyond a multiple of its limit. */
  async function asked(limit: number, start: number, end: number): Promise<string[]> {
    const api = new FakeApi(tree);
    api.instead = (_, query) => {
      const from = Number(query.get('start'));
      api.entriesLimit = limit - (from % limit);
      return undefined;
    };
    const found = await rfc6962(api).leafHashes(BigInt(start), BigInt(end), 2000n);
    assert.deepEqual(found, want(start, end));
    return api.requests.map((each) => each.replace(/^get-entries start=(\d+)&end=/, '$1-'));
  }

  test('a limit is found out, and kept to from then on', async () => {
    const requests = await asked(32, 5, 1000);
    // The first two pieces are asked for before an answer has told the limit.
    assert.deepEqual(requests.slice(0, 3), ['5-255', '256-511', '32-255']);
    const rest = requests.map((each) => each.split('-').map(Number)).slice(16);
    assert(
      rest.every(([from = 0, to = 0]) => from % 32 === 0 && to - from < 32),
      requests.join(),
    );
    assert.equal(new Set(requests.map((each) => each.split('-')[0])).size, 32);
  });

  test('an answer that ends at a multiple of a large limit tells of no small one', async () => {
    assert.deepEqual(await asked(1000, 700, 1400), [
      '700-767',
      '768-1023',
      '1000-1023',
      '1024-1279',
      '1280-1399',
    ]);
  });

  const failures: readonly (readonly [string, HttpAnswer, LogError['code'], RegExp])[] = [
    ['400', answer(400, 'need more'), 'log-refused', /HTTP 400/],
    ['500', answer(500), 'log-unavailable', /HTTP 500/],
    ['a page', answer(200, '<html>'), 'log-unavailable', /not JSON/],
    ['null', json(null), 'log-unavailable', /entries: is no list/],
    ['no list', json({ entries: { length: 1 } }), 'log-unavailable', /entries: is no list/],
    ['null for entries', json({ entries: null }), 'log-unavailable', /entries: is no list/],
    ['nothing', json({ entries: [] }), 'log-unavailable', /0 entries, want 1 to 2/],
    [
      'too many',
      json({ entries: Array.from({ length: 3 }, () => ({ leaf_input: 'AAAA' })) }),
      'log-unavailable',
      /3 entries, want 1 to 2/,
    ],
    ['an entry that is null', json({ entries: [null] }), 'log-unavailable', /entries\[0\]/],
    [
      'an entry that is none',
      json({ entries: [{ leaf_input: 'AAAA' }, { leaf_input: 7 }] }),
      'log-unavailable',
      /entries\[1\]\.leaf_input: is not padded base64/,
    ],
    [
      'odd base64',
      json({ entries: [{ leaf_input: 'AA=A' }] }),
      'log-unavailable',
      /entries\[0\]\.leaf_input: is not padded base64/,
    ],
  ];
  for (const [name, reply, code, says] of failures) {
    test(`an answer of ${name}`, async () => {
      const api = new FakeApi(tree, SIZE);
      api.instead = () => reply;
      await assert.rejects(rfc6962(api).leafHashes(3n, 5n, 1000n), (error: unknown) => {
        assert(error instanceof LogError);
        assert.equal(error.code, code);
        assert.match(error.message, /^get-entries: /);
        assert.match(error.message, says);
        return true;
      });
    });
  }

  test('its answers may be larger than any other', async () => {
    let most: number | undefined;
    const api = new FakeApi(tree, SIZE);
    const asker = new Rfc6962Asker('https://log.test/', (url, options) => {
      most = options?.maxBytes;
      return api.fetch(url);
    });
    await asker.leafHashes(0n, 5n, 1000n);
    assert.equal(most, 16 * 1024 * 1024);
    await asker.treeHead();
    assert.equal(most, undefined);
  });
});

test('a zone of CT-over-DNS refuses', async () => {
  const asker = new CtOverDnsAsker('log.example', log.key, () => assert.fail());
  await assert.rejects(asker.leafHashes(), { code: 'log-refused' });
});

for (const asker of [tiled(new TiledFiles(log, tree)), rfc6962(new FakeApi(tree))]) {
  test(`ranges that are none are a bug of the caller: ${asker.constructor.name}`, async () => {
    for (const [start, end, size] of [
      [-1n, 5n, 10n],
      [5n, 5n, 10n],
      [6n, 5n, 10n],
      [5n, 11n, 10n],
      [0n, 1n, 0n],
    ] as const)
      await assert.rejects(asker.leafHashes(start, end, size), RangeError, `${start}, ${end}`);
  });
}

test('in parallel: no more than allowed, in order, and none after a failure', async () => {
  const begun: number[] = [];
  let [now, most] = [0, 0];
  const work = async (item: number): Promise<void> => {
    begun.push(item);
    most = Math.max(most, (now += 1));
    await new Promise((resolve) => setImmediate(resolve));
    now -= 1;
    if (item === 4) throw new Error('four');
  };
  await inParallel([0, 1, 2, 3], 3, work);
  assert.deepEqual([begun, most], [[0, 1, 2, 3], 3]);
  const many = Array.from({ length: 100 }, (_, i) => i);
  await assert.rejects(inParallel(many, 3, work), /four/);
  assert.equal(now, 0);
  assert(begun.length < 15);
});
