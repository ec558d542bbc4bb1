import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { challengeLog } from '../../src/challenger/challenge.ts';
import { parseEvidence } from '../../src/evidence/bundle.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import { LogError, parseRetryAfter, type Fetch, type HttpAnswer } from '../../src/logs/client.ts';
import { EMPTY_ROOT, type MerkleHash } from '../../src/merkle/hash.ts';
import { MerkleTree } from '../../src/merkle/tree.ts';
import { openDatabase } from '../../src/store/open.ts';
import { Store, type Verdict } from '../../src/store/store.ts';
import { treeHeadToJson } from '../../src/treehead/json.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { TiledFiles } from '../support/tiled-files.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const NOW = 1_800_000_000_000;
const base64 = (hash: Uint8Array): string => Buffer.from(hash).toString('base64');

/**
 * A log's API in memory, so that every order of sizes can be tried quickly. The real thing, over HTTPS and
 * a real SOCKS proxy, is asked in test/cli/challenge.test.ts.
 */
class FakeApi {
  readonly log = new SigningLog();
  readonly requests: string[] = [];
  tree: MerkleTree;
  size: number;
  /** Answers instead of the log where it returns something. */
  instead: (endpoint: string, query: URLSearchParams) => HttpAnswer | LogError | undefined = () => undefined;

  constructor(tree: MerkleTree, size = tree.size) {
    this.tree = tree;
    this.size = size;
  }

  readonly fetch: Fetch = (url) => {
    const { pathname, searchParams: query } = new URL(url);
    const endpoint = pathname.split('/').at(-1) ?? '';
    this.requests.push(`${endpoint}${query.size > 0 ? ` ${query.toString()}` : ''}`);
    const instead = this.instead(endpoint, query);
    if (instead instanceof LogError) return Promise.reject(instead);
    return Promise.resolve(instead ?? this.#answer(endpoint, query));
  };

  #answer(endpoint: string, query: URLSearchParams): HttpAnswer {
    const [first, second] = [Number(query.get('first')), Number(query.get('second'))];
    switch (endpoint) {
      case 'get-sth':
        return json(treeHeadToJson(this.log.sign(this.size, this.tree.root(this.size))));
      case 'get-sth-consistency':
        if (first <= 0 || first > second || second > this.size)
          return { status: 400, retryAfter: undefined, body: Buffer.from('no') };
        return json({ consistency: this.tree.consistencyProof(first, second).map(base64) });
      case 'get-proof-by-hash': {
        const size = Number(query.get('tree_size'));
        const index = Array.from({ length: size }, (_, i) => i).find(
          (i) => base64(this.tree.leafHash(i)) === query.get('hash'),
        );
        if (index === undefined) return { status: 404, retryAfter: undefined, body: Buffer.from('no') };
        return json({ leaf_index: index, audit_path: this.tree.inclusionProof(index, size).map(base64) });
      }
      default:
        return { status: 404, retryAfter: undefined, body: Buffer.alloc(0) };
    }
  }
}

function json(body: unknown): HttpAnswer {
  return { status: 200, retryAfter: undefined, body: Buffer.from(JSON.stringify(body)) };
}

function newStore(): Store {
  return new Store(openDatabase(':memory:'));
}

function see(store: Store, log: SigningLog, size: number, root: MerkleHash, at = NOW): void {
  store.recordSightings([
    { head: log.verified(size, root, BigInt(at)), source: 'eth0', firstSeen: at, lastSeen: at, count: 1 },
  ]);
}

async function challenge(
  store: Store,
  api: FakeApi,
  now = NOW,
  ignoreBackOff = true,
): Promise<LogError | undefined> {
  return challengeLog(api.log.asLog(), {
    store,
    evidenceDirectory: directory,
    fetch: api.fetch,
    now: () => now,
    onVerdict: () => undefined,
    ignoreBackOff,
  });
}

/** Verdicts by size, smallest first. */
function verdicts(store: Store, api: FakeApi): [number, Verdict][] {
  return store.trees(api.log.key.logId).map(({ treeSize, verdict }) => [Number(treeSize), verdict]);
}

describe('challenging an honest log', () => {
  test('proves all its heads with one proof each, and asks for nothing twice', async () => {
    const [store, api] = [newStore(), new FakeApi(treeOf(200), 150)];
    for (const size of [1, 2, 3, 64, 65, 100, 149]) see(store, api.log, size, api.tree.root(size));
    await challenge(store, api);
    assert(verdicts(store, api).every(([, verdict]) => verdict === 'consistent'));
    assert.deepEqual(api.requests, [
      'get-sth',
      'get-sth-consistency first=149&second=150',
      'get-sth-consistency first=100&second=149',
      'get-sth-consistency first=65&second=100',
      'get-sth-consistency first=64&second=65',
      'get-sth-consistency first=3&second=64',
      'get-sth-consistency first=2&second=3',
      'get-sth-consistency first=1&second=2',
    ]);
    api.requests.length = 0;
    see(store, api.log, 80, api.tree.root(80));
    api.size = 200;
    await challenge(store, api);
    assert.deepEqual(api.requests, [
      'get-sth',
      'get-sth-consistency first=150&second=200',
      'get-sth-consistency first=80&second=100',
    ]);
    assert.deepEqual(store.evidence(), []);
  });

  test('of size 0 and with equal trees under several timestamps asks for no proof', async () => {
    const [store, api] = [newStore(), new FakeApi(treeOf(20))];
    see(store, api.log, 0, EMPTY_ROOT);
    see(store, api.log, 20, api.tree.root(20), NOW - 5);
    see(store, api.log, 20, api.tree.root(20), NOW - 7);
    await challenge(store, api);
    assert.deepEqual(verdicts(store, api), [
      [0, 'consistent'],
      [20, 'consistent'],
    ]);
    assert.deepEqual(api.requests, ['get-sth']);
  });

  test('whose front end lags: skewed until the MMD has passed, then unprovable, consistent once it catches up', async () => {
    const [store, api] = [newStore(), new FakeApi(treeOf(50), 30)];
    see(store, api.log, 40, api.tree.root(40));
    await challenge(store, api);
    assert.deepEqual(verdicts(store, api), [
      [30, 'consistent'],
      [40, 'skewed'],
    ]);
    await challenge(store, api, NOW + 86_400_001);
    assert.deepEqual(verdicts(store, api), [
      [30, 'consistent'],
      [40, 'unprovable'],
    ]);
    api.size = 50;
    await challenge(store, api, NOW + 86_400_002);
    assert.deepEqual(verdicts(store, api), [
      [30, 'consistent'],
      [40, 'consistent'],
      [50, 'consistent'],
    ]);
  });

  test('never ends in a fork, whatever sizes were seen and in what order they are asked', async () => {
    const tree = treeOf(130);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.integer({ min: 0, max: 130 }), { maxLength: 8 }), {
          minLength: 1,
          maxLength: 4,
        }),
        async (rounds) => {
          const [store, api] = [newStore(), new FakeApi(tree, 0)];
          for (const sizes of rounds) {
            for (const size of sizes) see(store, api.log, size, tree.root(size));
            api.size = Math.max(1, api.size, ...sizes);
            await challenge(store, api);
          }
          assert(verdicts(store, api).every(([, verdict]) => verdict === 'consistent'));
          assert.deepEqual(store.evidence(), []);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('challenging a log that showed another tree', () => {
  const SHARED = 10;

  async function fork(
    size: number,
    current: number,
    options: { branchAt?: number } = {},
  ): Promise<{ store: Store; api: FakeApi }> {
    const branchAt = options.branchAt ?? SHARED;
    const [store, api] = [newStore(), new FakeApi(treeOf(150, 'public', branchAt), current)];
    for (const seen of [5, 20, 33].filter((each) => each < current))
      see(store, api.log, seen, api.tree.root(seen));
    see(store, api.log, size, treeOf(150, 'victim', branchAt).root(size));
    await challenge(store, api);
    return { store, api };
  }

  // Powers of two, their neighbours, the current size and one below it.
  for (const [size, current] of [
    [40, 100],
    [16, 100],
    [32, 33],
    [64, 100],
    [64, 65],
    [64, 66],
    [99, 100],
    [100, 100],
    [128, 150],
  ] as const) {
    test(`of size ${size} while it is at ${current}: fork-proven, with evidence, and the rest stays consistent`, async () => {
      const { store, api } = await fork(size, current);
      const forked = verdicts(store, api).filter(([, verdict]) => verdict !== 'consistent');
      assert.deepEqual(forked, [[size, 'fork-proven']]);
      const [record, ...more] = store.evidence();
      assert(record !== undefined);
      assert.deepEqual(more, []);
      const checks = verifyEvidence(parseEvidence(readFileSync(record.path, 'utf8'), record.path));
      assert.deepEqual(
        checks.filter(({ holds }) => !holds),
        [],
      );
    });
  }

  for (const size of [1, 2]) {
    test(`of size ${size}, different from the first leaf on`, async () => {
      const { store, api } = await fork(size, 100, { branchAt: 0 });
      assert.deepEqual(
        verdicts(store, api).filter(([, verdict]) => verdict !== 'consistent'),
        [[size, 'fork-proven']],
      );
    });
  }

  test('larger than the one it admits to: skewed, and fork-proven once it has grown past it', async () => {
    const { store, api } = await fork(120, 100);
    assert.deepEqual(verdicts(store, api).at(-1), [120, 'skewed']);
    assert.deepEqual(store.evidence(), []);
    api.size = 130;
    await challenge(store, api);
    assert.deepEqual(
      verdicts(store, api).filter(([, verdict]) => verdict !== 'consistent'),
      [[120, 'fork-proven']],
    );
  });

  test('and then turns its public API to that tree as well: what was proven before convicts it', async () => {
    const [store, api] = [newStore(), new FakeApi(treeOf(150, 'public', SHARED), 60)];
    await challenge(store, api);
    see(store, api.log, 30, api.tree.root(30));
    await challenge(store, api);
    assert(verdicts(store, api).every(([, verdict]) => verdict === 'consistent'));
    api.tree = treeOf(150, 'other', SHARED);
    api.size = 90;
    await challenge(store, api);
    assert.deepEqual(verdicts(store, api), [
      [30, 'fork-proven'],
      [60, 'fork-proven'],
      [90, 'consistent'],
    ]);
    assert.equal(store.evidence().length, 2);
  });
});

describe('challenging a log that answers badly', () => {
  async function against(
    instead: FakeApi['instead'],
    size = 20,
  ): Promise<{ store: Store; api: FakeApi; failure: LogError | undefined }> {
    const [store, api] = [newStore(), new FakeApi(treeOf(50))];
    see(store, api.log, size, api.tree.root(size));
    api.instead = instead;
    const failure = await challenge(store, api);
    return { store, api, failure };
  }
  const garbage = { consistency: [EMPTY_ROOT, EMPTY_ROOT, EMPTY_ROOT, EMPTY_ROOT, EMPTY_ROOT].map(base64) };
  const onProof =
    (answer: HttpAnswer | LogError): FakeApi['instead'] =>
    (endpoint) =>
      endpoint === 'get-sth' ? undefined : answer;
  const answer = (status: number, body: string, retryAfter?: string): HttpAnswer => ({
    status,
    body: Buffer.from(body),
    retryAfter,
  });

  const cases: { name: string; instead: FakeApi['instead']; want: Verdict; says: RegExp; size?: number }[] = [
    {
      name: 'with 500',
      instead: onProof(answer(500, 'oops')),
      want: 'unreachable',
      says: /get-sth-consistency: HTTP 500/,
    },
    {
      name: 'with 503 to everything',
      instead: () => answer(503, ''),
      want: 'unreachable',
      says: /get-sth: HTTP 503/,
    },
    { name: 'with 429', instead: onProof(answer(429, '', '120')), want: 'unreachable', says: /HTTP 429/ },
    {
      name: 'with HTML',
      instead: onProof(answer(200, '<html>\u001b[2Jhello')),
      want: 'unreachable',
      says: /not JSON \("<html> \[2Jhello"\)/,
    },
    { name: 'with a redirect', instead: onProof(answer(302, '')), want: 'unreachable', says: /HTTP 302/ },
    {
      name: 'with JSON of another form',
      instead: onProof(json({ proof: [] })),
      want: 'unreachable',
      says: /consistency: /,
    },
    {
      name: 'with hashes of 31 bytes',
      instead: onProof(json({ consistency: [Buffer.alloc(31).toString('base64')] })),
      want: 'unreachable',
      says: /32 bytes/,
    },
    {
      name: 'with ten thousand hashes',
      instead: onProof(json({ consistency: Array(10_000).fill(base64(EMPTY_ROOT)) })),
      want: 'unreachable',
      says: /consistency/,
    },
    {
      name: 'with nothing',
      instead: onProof(new LogError('log-unavailable', 'no answer within 90 s')),
      want: 'unreachable',
      says: /no answer/,
    },
    { name: 'with 400', instead: onProof(answer(400, 'bad')), want: 'skewed', says: /HTTP 400 \("bad"\)/ },
    {
      name: 'with an empty proof',
      instead: onProof(json({ consistency: [] })),
      want: 'bad-proof',
      says: /the proof is empty/,
    },
    { name: 'with a made-up proof', instead: onProof(json(garbage)), want: 'bad-proof', says: /./ },
    {
      name: 'with a made-up proof for a power of two',
      instead: onProof(json(garbage)),
      want: 'bad-proof',
      says: /./,
      size: 16,
    },
  ];
  for (const { name, instead, want, says, size } of cases) {
    test(`${name}: ${want}, never a fork`, async () => {
      const { store, api } = await against(instead, size);
      const tree = store.trees(api.log.key.logId).find(({ treeSize }) => treeSize === BigInt(size ?? 20));
      assert.equal(tree?.verdict, want);
      assert.match(tree.reason ?? '', says);
      assert.deepEqual(store.evidence(), []);
    });
  }

  test('with a head of another key: nothing is believed', async () => {
    const { store, api, failure } = await against((endpoint) =>
      endpoint === 'get-sth' ? json(treeHeadToJson(new SigningLog().sign(50, treeOf(50).root()))) : undefined,
    );
    assert.match(failure?.message ?? '', /not signed by its key/);
    assert.deepEqual(verdicts(store, api), [[20, 'unreachable']]);
  });

  test('with Retry-After: it is left alone that long, and asked again after', async () => {
    const { store, api } = await against(onProof(answer(429, '', '120')));
    api.requests.length = 0;
    api.instead = () => undefined;
    const failure = await challenge(store, api, NOW + 119_000);
    assert.match(failure?.message ?? '', /asked not to be asked before/);
    assert.deepEqual(api.requests, []);
    assert.equal(await challenge(store, api, NOW + 121_000), undefined);
    assert(verdicts(store, api).every(([, verdict]) => verdict === 'consistent'));
  });

  test('backs off: not asked about that head again within half a minute, unless told to', async () => {
    const { store, api } = await against(onProof(json({ consistency: [] })));
    api.instead = () => undefined;
    await challenge(store, api, NOW + 29_000, false);
    assert.equal(verdicts(store, api)[0]?.[1], 'bad-proof');
    await challenge(store, api, NOW + 29_000, true);
    assert.equal(verdicts(store, api)[0]?.[1], 'consistent');
  });

  test('what was proven before stays proven', async () => {
    const [store, api] = [newStore(), new FakeApi(treeOf(50))];
    see(store, api.log, 20, api.tree.root(20));
    await challenge(store, api);
    api.instead = () => answer(500, '');
    await challenge(store, api);
    assert.deepEqual(verdicts(store, api), [
      [20, 'consistent'],
      [50, 'consistent'],
    ]);
  });
});

test('Retry-After is seconds or a date, and a day at most', () => {
  const cases: [string, number | undefined][] = [
    ['120', 120_000],
    ['0', 0],
    ['99999999999', 86_400_000],
    [new Date(NOW + 60_000).toUTCString(), 60_000],
    [new Date(NOW - 60_000).toUTCString(), 0],
    ['soon', undefined],
  ];
  for (const [value, want] of cases) assert.equal(parseRetryAfter(value, NOW), want, value);
});

describe('challenging a static-ct log', () => {
  const tree = treeOf(3000, 'a', 700);
  const forked = treeOf(3000, 'b', 700);

  async function challengeFiles(
    files: TiledFiles,
    seen: readonly (readonly [size: number, root: MerkleHash])[],
    now = NOW,
  ): Promise<{ readonly store: Store; readonly failure: LogError | undefined }> {
    const store = newStore();
    for (const [size, root] of seen) see(store, files.log, size, root);
    const failure = await challengeLog(files.log.asLog({ api: 'static-ct' }), {
      store,
      evidenceDirectory: directory,
      fetch: files.fetch,
      now: () => now,
      onVerdict: () => undefined,
      ignoreBackOff: true,
    });
    return { store, failure };
  }
  const found = (store: Store, { log }: TiledFiles): [number, Verdict][] =>
    store.trees(log.key.logId).map(({ treeSize, verdict }) => [Number(treeSize), verdict]);

  test('that is honest: every head is consistent', async () => {
    const files = new TiledFiles(new SigningLog(), tree);
    const sizes = [1, 2, 3, 255, 256, 257, 1024, 2999];
    const { store } = await challengeFiles(
      files,
      sizes.map((size) => [size, tree.root(size)]),
    );
    assert.deepEqual(
      found(store, files),
      [...sizes, 3000].map((size) => [size, 'consistent']),
    );
  });

  test('that showed another tree: a fork, at every size, with evidence that stands', async () => {
    // Powers of two and their neighbours need other proofs than the rest.
    for (const size of [701, 1000, 1024, 1025, 2048, 2999, 3000]) {
      const files = new TiledFiles(new SigningLog(), tree);
      const { store } = await challengeFiles(files, [[size, forked.root(size)]]);
      assert(
        found(store, files).some(([at, verdict]) => at === size && verdict === 'fork-proven'),
        `size ${size}: ${JSON.stringify(found(store, files))}`,
      );
      const [{ path } = { path: '' }] = store.evidence();
      const checks = verifyEvidence(parseEvidence(readFileSync(path, 'utf8'), path));
      assert(
        checks.every(({ holds }) => holds),
        `size ${size}`,
      );
    }
  });

  test('whose tiles lead to no signed root: a bad proof, never a fork', async () => {
    const files = new TiledFiles(new SigningLog(), tree);
    const tiles = new TiledFiles(files.log, forked);
    files.instead = (path) => (path === 'checkpoint' ? undefined : tiles.read(path));
    const { store } = await challengeFiles(files, [[1000, tree.root(1000)]]);
    assert.deepEqual(found(store, files)[0], [1000, 'bad-proof']);
  });

  test('that lost its tiles: skewed for as long as its MMD, then unprovable', async () => {
    const files = new TiledFiles(new SigningLog(), tree);
    files.instead = (path) =>
      path === 'checkpoint' ? undefined : { status: 404, retryAfter: undefined, body: Buffer.alloc(0) };
    const seen = [[1000, tree.root(1000)]] as const;
    assert.deepEqual(found((await challengeFiles(files, seen)).store, files)[0], [1000, 'skewed']);
    const later = NOW + 2 * 86_400_000;
    assert.deepEqual(found((await challengeFiles(files, seen, later)).store, files)[0], [1000, 'unprovable']);
  });
});
