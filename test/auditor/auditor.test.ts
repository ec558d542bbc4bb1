// SPDX-License-Identifier: Apache-2.0
/** What an auditor concludes of logs that keep their promises, break them, are slow, lie and are silent. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { AuditStore } from '../../src/auditor/store.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import { visit } from '../../src/follow/follower.ts';
import { HttpError } from '../../src/http/error.ts';
import { toMerkleHash } from '../../src/merkle/hash.ts';
import { MerkleTree } from '../../src/merkle/tree.ts';
import { encodePromise, leafHashOf, parseSct } from '../../src/scts/sct.ts';
import { realEntries } from '../support/data-tile.ts';
import { FakeApi } from '../support/fake-api.ts';
import { fc } from '../support/random.ts';
import { indexExtension, LogTree, SigningLog, treeOf } from '../support/signing-log.ts';
import { TiledFiles } from '../support/tiled-files.ts';
import { DAY, Harness, HOUR, pairOf } from './harness.ts';

const NOW = 1_800_000_000_000;
const SIZE = 300;
const INDEX = 257;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A tree with the promised leaf of `name` at INDEX, and the pair that promises it. */
function kept(
  log: ReturnType<SigningLog['asLog']>,
  signer: SigningLog,
  timestamp: number,
  extensions?: Uint8Array,
): { readonly pair: ReturnType<typeof pairOf>; readonly tree: LogTree } {
  const pair = pairOf(log, signer, 'a certificate', timestamp, extensions);
  const leaf = encodePromise(pair.promise, pair.promise.entry);
  return { pair, tree: new LogTree(SIZE, (i) => (i === INDEX ? leaf : Buffer.from(`leaf ${i}`))) };
}

describe('a log by RFC 6962', () => {
  const signer = new SigningLog();
  const log = signer.asLog();
  const start = (api: FakeApi, timestamp = NOW - 2 * DAY): Harness => {
    const harness = new Harness({ logs: [{ log, fetch: api.fetch }], now: NOW, delay: HOUR });
    harness.show(log, signer, api.size, api.tree.root(api.size), NOW);
    harness.auditor.takePublic('pool', [kept(log, signer, timestamp).pair]);
    return harness;
  };

  test('that has the leaf has kept its promise, and is not asked again', async () => {
    const api = new FakeApi(kept(log, signer, NOW - 2 * DAY).tree, SIZE, signer);
    const harness = start(api);
    await harness.pass(DAY);
    assert.equal(harness.counts, '1 proven; ');
    assert.equal(harness.out.filter((each) => each.includes('get-proof-by-hash')).length, 1);
    harness.auditor.takePublic('pool', [kept(log, signer, NOW - 2 * DAY).pair]);
    await harness.pass(DAY);
    assert.equal(harness.out.filter((each) => each.includes('get-proof-by-hash')).length, 1);
  });

  test('is not asked before its maximum merge delay has passed, nor about a tree of before', async () => {
    const api = new FakeApi(kept(log, signer, NOW).tree, SIZE, signer);
    const harness = start(api, NOW);
    await harness.pass(DAY - 1);
    assert.equal(harness.counts, '1 waiting; ');
    await harness.pass(3 * HOUR);
    assert.deepEqual(
      harness.out.filter((each) => each.includes('get-proof-by-hash')),
      [],
    );
    const before = api.tree;
    api.tree = new LogTree(SIZE + 1, (i) => (i < SIZE ? before.entry(i) : Buffer.from('more')));
    api.size = SIZE + 1;
    harness.show(log, signer, SIZE + 1, api.tree.root(), NOW + DAY + HOUR);
    await harness.pass(2 * HOUR);
    assert.equal(harness.counts, '1 proven; 1 proven');
  });

  for (const [what, instead, reason] of [
    [
      'does not find it',
      { status: 404, retryAfter: undefined, body: Buffer.from('not found') },
      'get-proof-by-hash: HTTP 404 ("not found")',
    ],
    [
      'gives another proof',
      {
        status: 200,
        retryAfter: undefined,
        body: Buffer.from(
          JSON.stringify({
            leaf_index: 3,
            audit_path: treeOf(SIZE)
              .inclusionProof(3, SIZE)
              .map((h) => Buffer.from(h).toString('base64')),
          }),
        ),
      },
      'the proof for size 300 leads to another root than the one signed',
    ],
    [
      'gives half a proof',
      {
        status: 200,
        retryAfter: undefined,
        body: Buffer.from(JSON.stringify({ leaf_index: 3, audit_path: [] })),
      },
      'the proof for size 300 has 0 hashes, want 9',
    ],
  ] as const)
    test(`that ${what} is unprovable the third time, and not accused`, async () => {
      const api = new FakeApi(treeOf(SIZE), SIZE, signer);
      api.instead = (endpoint) => (endpoint === 'get-proof-by-hash' ? instead : undefined);
      const harness = start(api);
      for (let i = 0; i < 2; i++) {
        harness.now = harness.auditor.nextDue() ?? harness.now;
        while (harness.store.dueScts(harness.now, 1).length === 0) {
          await harness.auditor.work();
          harness.now = harness.auditor.nextDue() ?? assert.fail();
        }
        await harness.auditor.work();
        assert.equal(harness.counts.split(';')[0], '1 waiting');
      }
      await harness.pass(DAY);
      assert.equal(harness.counts.split(';')[0], '1 unprovable');
      assert.deepEqual(harness.events, [
        { event: 'unprovable', log: log.description, what: 'sct', reason },
      ]);
      assert.deepEqual(harness.store.unprovable(), [{ logId: log.key.logId, count: 1, reason }]);
      assert.deepEqual(harness.evidence, []);
      // It may show it after all.
      api.instead = () => undefined;
      api.tree = kept(log, signer, NOW - 2 * DAY).tree;
      api.size = SIZE + 1;
      const { tree } = api;
      api.tree = new LogTree(SIZE + 1, (i) => (i < SIZE ? tree.entry(i) : Buffer.from('more')));
      harness.show(log, signer, SIZE + 1, api.tree.root());
      await harness.pass(DAY);
      assert.equal(harness.counts.split(';')[0], '1 proven');
    });

  test('that is retired, or signs a time that never comes, is not asked, and nothing is said of it', async () => {
    const retired = { ...log, state: 'retired' } as const;
    const api = new FakeApi(treeOf(SIZE), SIZE, signer);
    const harness = new Harness({ logs: [{ log: retired, fetch: api.fetch }], now: NOW });
    harness.auditor.takePublic(
      'pool',
      [kept(log, signer, NOW - 9 * DAY).pair],
      [{ head: signer.sign(3, treeOf(3).root(), BigInt(NOW - 9 * DAY)), logId: undefined }],
    );
    await harness.pass(9 * DAY);
    assert.deepEqual(
      [harness.counts, harness.out, harness.events],
      ['1 waiting; 1 waiting', [], []],
    );
    const other = start(api);
    const never = { ...pairOf(log, signer, 'never', NOW), promise: futurePromise(signer) };
    other.auditor.takePublic('pool', [never]);
    await other.pass(DAY);
    assert.equal(other.store.counts().scts.waiting, 1, 'that one alone');
  });

  test('that does not answer is unprovable after its maximum merge delay, and not before', async () => {
    const api = new FakeApi(treeOf(SIZE), SIZE, signer);
    api.instead = () => new HttpError('http-no-answer', 'no answer within 90 s');
    const harness = start(api, NOW - 10 * DAY);
    await harness.pass(DAY);
    assert.deepEqual([harness.counts.split(';')[0], harness.events], ['1 waiting', []]);
    await harness.pass(DAY);
    assert.equal(harness.counts.split(';')[0], '1 unprovable');
    assert.deepEqual(
      harness.events.map((event) => event.event === 'unprovable' && event.reason),
      ['get-proof-by-hash: no answer within 90 s'],
    );
  });

  test('whose hashes are here is not asked', async () => {
    const { tree, pair } = kept(log, signer, NOW - 2 * DAY);
    const api = new FakeApi(tree, SIZE, signer);
    const hashes = HashStore.inMemory();
    await visit(log, {
      hashes,
      open: () => ({ fetch: api.fetch, close: () => undefined }),
      paths: 1,
      budget: 1e9,
      window: 14 * DAY,
      blocks: 0,
      now: () => NOW,
      chance: () => 0.5,
      sleep: () => Promise.resolve(),
      signal: new AbortController().signal,
      wanted: () => [],
    });
    const harness = new Harness({
      logs: [{ log, fetch: api.fetch }],
      now: NOW,
      delay: 2 * HOUR,
      hashes,
    });
    harness.auditor.takePublic('pool', [pair, pairOf(log, signer, 'not there', NOW - 2 * DAY)]);
    harness.show(log, signer, SIZE, tree.root(), NOW);
    await harness.pass(2 * HOUR);
    const asked = harness.out.filter((each) => each.includes('get-proof-by-hash'));
    assert.equal(harness.counts.split(';')[0], '1 waiting, 1 proven');
    assert(asked.length > 0);
    const hash = encodeURIComponent(
      Buffer.from(leafHashOf(pair.promise, pair.promise.entry)).toString('base64'),
    );
    assert(
      asked.every((each) => !each.includes(hash)),
      'of the one that is here',
    );
  });
});

describe('what is kept', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  after(() => rmSync(directory, { recursive: true }));
  const signer = new SigningLog();
  const log = signer.asLog();
  const { pair, tree } = kept(log, signer, NOW - 2 * DAY);
  const { fetch } = new FakeApi(tree, SIZE, signer);
  const head = signer.sign(SIZE, tree.root(), BigInt(NOW - HOUR));
  const bring = ({ auditor }: Harness): void =>
    auditor.takePublic('pool', [pair], [{ head, logId: log.key.logId }]);
  const over = (
    store: AuditStore,
    logs: ConstructorParameters<typeof Harness>[0]['logs'],
    now: number,
  ): Harness => new Harness({ logs, now, delay: HOUR, store });

  test('of a log that is in no list for a while is checked when it is again', async () => {
    const store = AuditStore.inMemory();
    bring(over(store, [{ log, fetch }], NOW));
    const without = over(store, [], NOW);
    await without.pass(DAY);
    assert.equal(without.counts, '1 waiting; 1 waiting');
    const harness = over(store, [{ log, fetch }], NOW + DAY);
    harness.show(log, signer, SIZE, tree.root(), NOW + DAY);
    await harness.pass(DAY);
    assert.equal(harness.counts, '1 proven; 1 proven');
  });

  test('is not called proven when a bit of it changes: it is said, and checked when it comes again', async () => {
    let store = AuditStore.open(directory);
    bring(over(store, [{ log, fetch }], NOW));
    store.close();
    const file = new Database(join(directory, 'audit.sqlite'));
    for (const table of ['scts', 'heads']) {
      const row = file.prepare(`SELECT signature FROM ${table}`).get() as { signature: Buffer };
      row.signature.writeUInt8(row.signature.readUInt8(20) ^ 1, 20);
      file.prepare(`UPDATE ${table} SET signature = ?`).run(row.signature);
    }
    file.close();
    store = AuditStore.open(directory);
    const harness = over(store, [{ log, fetch }], NOW);
    harness.show(log, signer, SIZE, tree.root(), NOW);
    await harness.pass(DAY);
    assert.equal(harness.counts, '; ');
    assert.deepEqual(
      harness.events.map(
        (each) => each.event === 'failed' && /changed on the disk/.test(each.message),
      ),
      [true, true],
    );
    bring(harness);
    await harness.pass(DAY);
    assert.equal(harness.counts, '1 proven; 1 proven');
    store.close();
  });
});

/** With the last time that there is. */
function futurePromise(signer: SigningLog): ReturnType<typeof pairOf>['promise'] {
  const entry = { type: 'x509', certificate: Buffer.from('never') } as const;
  return { ...parseSct(signer.promise(entry, 2n ** 64n - 1n)), entry };
}

describe('a log that signs no new trees any more', () => {
  for (const api of ['rfc6962', 'static-ct'] as const)
    test(`and has the ${api} API is unprovable once it has had its delay twice, and not accused`, async () => {
      const signer = new SigningLog();
      const log = signer.asLog({ api });
      const extensions = api === 'static-ct' ? indexExtension(SIZE) : undefined;
      const { pair, tree } = kept(log, signer, NOW, extensions);
      const { fetch } =
        api === 'static-ct' ? new TiledFiles(signer, tree) : new FakeApi(tree, SIZE, signer);
      const harness = new Harness({ logs: [{ log, fetch }], now: NOW, delay: HOUR });
      harness.show(log, signer, SIZE, tree.root(), NOW - 1);
      harness.auditor.takePublic('pool', [pair]);
      await harness.pass(DAY);
      assert.equal(harness.counts, '1 waiting; ');
      await harness.pass(DAY + 3 * HOUR);
      assert.equal(harness.counts, '1 unprovable; ');
      assert.deepEqual(
        [harness.events.map(({ event }) => event), harness.evidence],
        [['unprovable'], []],
      );
    });
});

describe('a static-ct log', () => {
  const signer = new SigningLog();
  const log = signer.asLog({ api: 'static-ct' });
  const start = (files: TiledFiles, pair: ReturnType<typeof pairOf>): Harness => {
    const harness = new Harness({ logs: [{ log, fetch: files.fetch }], now: NOW, delay: HOUR });
    harness.show(log, signer, files.size, files.tree.root(files.size), NOW);
    harness.auditor.takePublic('pool', [pair]);
    return harness;
  };

  test('that has the leaf has kept its promise; it is asked for tiles, and at once', async () => {
    const { pair, tree } = kept(log, signer, NOW, indexExtension(INDEX));
    const harness = start(new TiledFiles(signer, tree), pair);
    await harness.pass(HOUR);
    assert.equal(harness.counts, '1 proven; ');
    assert(
      harness.out.every((each) => each.includes('/tile/')),
      harness.out.join('\n'),
    );
  });

  test('that has another leaf there is convicted', async () => {
    const { pair } = kept(log, signer, NOW, indexExtension(INDEX));
    const harness = start(new TiledFiles(signer, treeOf(SIZE)), pair);
    await harness.pass(HOUR);
    assert.equal(harness.counts, '1 convicted; ');
    const [evidence] = harness.evidence;
    assert(evidence?.kind === 'promise-broken');
    assert.deepEqual(
      [evidence.derivation.leafIndex, evidence.proof.leafHash],
      [BigInt(INDEX), treeOf(SIZE).leafHash(INDEX)],
    );
  });

  for (const [what, extensions, reason] of [
    ['no index', new Uint8Array(), /has no leaf index/],
    ['a broken index', Uint8Array.of(0, 0, 1, 0), /malformed: bad-length/],
    ['an index beyond its tree', indexExtension(SIZE), /is 300, and the tree has 300 entries/],
  ] as const)
    test(`whose promise has ${what} is unprovable, once it is time`, async () => {
      const { pair, tree } = kept(log, signer, NOW, extensions);
      const harness = start(new TiledFiles(signer, tree), pair);
      await harness.pass(DAY - HOUR);
      assert.equal(harness.counts.split(';')[0], '1 waiting');
      await harness.pass(DAY);
      assert.equal(harness.counts.split(';')[0], '1 unprovable');
      assert.match(harness.store.unprovable()[0]?.reason ?? '', reason);
      assert.deepEqual(harness.evidence, []);
    });

  test('is never convicted by what somebody between answers in its place', async () => {
    const { pair, tree } = kept(log, signer, NOW, indexExtension(INDEX));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(2 ** 20),
        fc.constantFrom('flip', 'cut', 'other'),
        async (at, how) => {
          const files = new TiledFiles(signer, tree);
          const others = new TiledFiles(signer, treeOf(SIZE));
          files.instead = (path) => {
            const answer = how === 'other' ? others.read(path) : files.read(path);
            const body = Buffer.from(answer.body);
            if (how === 'flip' && body.length > 0) {
              const byte = at % body.length;
              body[byte] = (body[byte] ?? 0) ^ (1 << (at & 7));
            }
            return {
              ...answer,
              body: how === 'cut' ? body.subarray(0, at % (body.length + 1)) : body,
            };
          };
          const harness = start(files, pair);
          await harness.pass(3 * DAY);
          assert.deepEqual(harness.evidence, []);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('whose promise a disk has changed is not accused', async () => {
    const { pair } = kept(log, signer, NOW, indexExtension(INDEX));
    const certificate = Buffer.from('another certificate');
    const changed = {
      ...pair,
      promise: { ...pair.promise, entry: { type: 'x509', certificate } as const },
    };
    const harness = start(new TiledFiles(signer, treeOf(SIZE)), changed);
    await harness.pass(DAY);
    assert.deepEqual(harness.evidence, []);
    assert.deepEqual(
      harness.events.map(({ event }) => event),
      ['failed'],
    );
  });

  test(
    'of whose real entries each is in its place, says its real tree',
    { skip: realEntries === undefined && 'the real entries are NOT tried: there is no ../shared' },
    async (context) => {
      const { entries = [], hashes = new Uint8Array() } = realEntries ?? {};
      const tree = new MerkleTree();
      for (let at = 0; at < hashes.length; at += 32)
        tree.append(toMerkleHash(hashes.subarray(at, at + 32)));
      // Its key is its own: what the SCTs promise is real, their signatures are the test's.
      const pairs = entries.map(({ sct, entry }) => {
        const bytes = signer.promise(entry, sct.timestamp, sct.extensions);
        return { chain: [], sct: bytes, log, promise: { ...parseSct(bytes), entry } };
      });
      const [first] = pairs;
      assert(first !== undefined);
      const harness = start(new TiledFiles(signer, tree), first);
      harness.auditor.takePublic('pool', pairs);
      await harness.pass(HOUR);
      // The last ten are there twice: in a full tile, and in the partial one of before.
      const distinct = new Set(pairs.map(({ promise }) => hex(leafHashOf(promise, promise.entry))));
      assert(distinct.size >= 1024);
      assert.equal(harness.counts, `${distinct.size} proven; `);
      context.diagnostic(`${entries.length} entries, ${distinct.size} of them different`);
    },
  );
});

describe('heads', () => {
  const signer = new SigningLog();
  const log = signer.asLog();
  const [tree, other] = [treeOf(64), treeOf(64, 'b', 9)];
  const api = (): FakeApi => new FakeApi(tree, 64, signer);
  const brought = (
    size: number,
    of = tree,
  ): { head: ReturnType<SigningLog['sign']>; logId: typeof log.key.logId } => ({
    head: signer.sign(size, of.root(size), BigInt(NOW - HOUR)),
    logId: log.key.logId,
  });

  test('of the log are proven, and those of another history convict it', async () => {
    const fake = api();
    const harness = new Harness({ logs: [{ log, fetch: fake.fetch }], now: NOW, delay: HOUR });
    harness.show(log, signer, 64, tree.root());
    harness.auditor.takePublic(
      'pool',
      [],
      [brought(20), brought(33), brought(21, other), brought(64, other)],
    );
    await harness.pass(HOUR);
    assert.equal(
      harness.counts,
      '; 3 proven, 2 convicted'.replace('3', '2').replace('2 proven', '2 proven'),
    );
    assert.deepEqual(
      harness.evidence.map(({ kind }) => kind),
      ['fork', 'fork'],
    );
  });

  for (const [what, is, fetch] of [
    [
      'refuses every proof',
      log,
      () => Promise.resolve({ status: 404, retryAfter: undefined, body: Buffer.from('no') }),
    ],
    ['does not answer', log, () => Promise.reject(new HttpError('http-no-answer', 'nobody'))],
    ['is retired', { ...log, state: 'retired' }, api().fetch],
  ] as const)
    test(`two of one size convict a log that ${what}, whatever pools they come from`, async () => {
      const harness = new Harness({ logs: [{ log: is, fetch }], now: NOW, delay: HOUR });
      harness.show(is, signer, 64, tree.root());
      harness.auditor.takePublic('one', [], [brought(20)]);
      await harness.pass(2 * HOUR);
      assert.deepEqual(harness.evidence, []);
      harness.auditor.takePublic('other', [], [brought(20, other)]);
      await harness.pass(2 * HOUR);
      assert.match(harness.counts, /[12] convicted/);
      assert(harness.evidence.every(({ kind }) => kind === 'fork'));
    });

  test('of one client convict nobody before they have mixed', async () => {
    const fake = api();
    const harness = new Harness({ logs: [{ log, fetch: fake.fetch }], now: NOW, delay: HOUR });
    harness.auditor.takePublic('one', [], [brought(20)]);
    harness.auditor.takeSubmitted([], [brought(20, other)]);
    await harness.pass(2 * HOUR);
    assert.equal(harness.evidence.length, 0);
    harness.auditor.takeSubmitted([], [brought(21)]);
    harness.auditor.takeSubmitted([], [brought(22)]);
    await harness.pass(2 * HOUR);
    assert.match(harness.counts, /[12] convicted/);
  });

  test('that are larger than any the log shows wait, and are unprovable in the end', async () => {
    const fake = api();
    const harness = new Harness({ logs: [{ log, fetch: fake.fetch }], now: NOW, delay: HOUR });
    harness.show(log, signer, 50, tree.root(50));
    harness.auditor.takePublic('pool', [], [brought(60)]);
    await harness.pass(DAY - 2 * HOUR);
    assert.match(harness.counts, /1 waiting/);
    await harness.pass(DAY);
    assert.match(harness.counts, /1 unprovable/);
    harness.show(log, signer, 64, tree.root(64));
    await harness.pass(DAY);
    assert.doesNotMatch(harness.counts, /unprovable|waiting/);
  });

  test('of no known log, and malformed ones, are passed over', () => {
    const harness = new Harness({ logs: [{ log, fetch: api().fetch }], now: NOW });
    const stranger = new SigningLog();
    harness.auditor.takePublic(
      'pool',
      [],
      [
        { head: stranger.sign(3, tree.root(3)), logId: stranger.key.logId },
        { head: stranger.sign(3, tree.root(3)), logId: undefined },
        { head: signer.sign(0, tree.root(3)), logId: undefined },
      ],
    );
    assert.equal(harness.counts, '; ');
  });
});
