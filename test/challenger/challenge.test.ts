// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { challengeLog, type ChallengeContext } from '../../src/challenger/challenge.ts';
import { parseEvidence } from '../../src/evidence/bundle.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import type { LogError } from '../../src/ask/asker.ts';
import { HttpError } from '../../src/http/error.ts';
import type { Fetch, HttpAnswer } from '../../src/http/request.ts';
import { parseRetryAfter } from '../../src/http/retry-after.ts';
import { parseLogList } from '../../src/logs/list.ts';
import type { Log } from '../../src/logs/log.ts';
import { EMPTY_ROOT, toMerkleHash, type MerkleHash } from '../../src/merkle/hash.ts';
import { memoryStore } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import type { Verdict } from '../../src/store/verdicts.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { FakeApi, json } from '../support/fake-api.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { TiledFiles } from '../support/tiled-files.ts';
import { fc } from '../support/random.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const NOW = 1_800_000_000_000;
const base64 = (hash: Uint8Array): string => Buffer.from(hash).toString('base64');

function newStore(): Store {
  return memoryStore();
}

function see(store: Store, log: SigningLog, size: number, root: MerkleHash, at = NOW): void {
  store.heads.record([
    {
      head: log.verified(size, root, BigInt(at)),
      source: 'eth0',
      firstSeen: at,
      lastSeen: at,
      count: 1,
    },
  ]);
}

async function challenge(
  store: Store,
  api: FakeApi,
  now = NOW,
  ignoreBackOff = true,
): Promise<LogError | undefined> {
  return challengeWith(store, api, { now: () => now, ignoreBackOff });
}

function challengeWith(
  store: Store,
  api: FakeApi,
  {
    log = api.log.asLog(),
    ...options
  }: Partial<ChallengeContext> & { readonly log?: Log | undefined },
): Promise<LogError | undefined> {
  return challengeLog(log, {
    store,
    evidenceDirectory: directory,
    paths: [api.fetch],
    onNotice: () => undefined,
    signal: new AbortController().signal,
    now: () => NOW,
    onVerdict: () => undefined,
    ignoreBackOff: true,
    sleep: () => Promise.resolve(),
    ...options,
  });
}

/** Verdicts by size, smallest first. */
function verdicts(store: Store, api: FakeApi): [number, Verdict][] {
  return store.heads
    .trees(api.log.key.logId)
    .map(({ treeSize, verdict }) => [Number(treeSize), verdict]);
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
    assert.deepEqual(store.evidence.all(), []);
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

  test('that signed an empty tree with a wrong root: malformed, no anchor, and no fork', async () => {
    const zero = toMerkleHash(new Uint8Array(32));
    const [store, api] = [newStore(), new FakeApi(treeOf(20), 0)];
    see(store, api.log, 0, EMPTY_ROOT);
    see(store, api.log, 7, api.tree.root(7));
    api.instead = (endpoint) =>
      endpoint === 'get-sth' ? json(treeHeadToJson(api.log.sign(0, zero))) : undefined;
    const failure = await challenge(store, api);
    assert.match(failure?.message ?? '', /malformed/);
    const others = store.heads.trees(api.log.key.logId).map(({ verdict }) => verdict);
    assert.deepEqual(others, ['unreachable', 'malformed-head', 'unreachable']);
    // It is the same on one path of two, and when the log has been repaired.
    const repaired = new FakeApi(api.tree, 9, api.log);
    const notices: string[] = [];
    await challengeWith(store, repaired, {
      paths: [api.fetch, repaired.fetch],
      onNotice: (_, message) => void notices.push(message),
    });
    assert.match(notices.join(), /malformed/);
    const after = store.heads.trees(api.log.key.logId).map(({ verdict }) => verdict);
    assert.deepEqual(after, ['consistent', 'malformed-head', 'consistent', 'consistent']);
    assert.deepEqual(store.evidence.all(), []);
    assert.deepEqual(store.evidence.missing(), []);
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
          assert.deepEqual(store.evidence.all(), []);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a fixed number of questions', () => {
  const proofs = ({ requests }: FakeApi): string[] => requests.filter((each) => each !== 'get-sth');

  test('is asked whatever was seen: trees that find no place wait, and places without a tree go to cover', async () => {
    for (const seen of [[], [149], [1, 2, 3, 64, 65, 100, 149]]) {
      const [store, api] = [newStore(), new FakeApi(treeOf(200), 150)];
      for (const size of seen) see(store, api.log, size, api.tree.root(size));
      for (let round = 0; round < 4; round++) {
        api.requests.length = 0;
        assert.equal(await challengeWith(store, api, { questions: 3 }), undefined);
        assert.equal(proofs(api).length, 3, `${seen.join()}: ${api.requests.join()}`);
        api.size += 1;
      }
      assert(verdicts(store, api).every(([, verdict]) => verdict === 'consistent'));
    }
  });

  test('of a log that refuses cover questions changes no verdict, and its number stays', async () => {
    const [store, api] = [newStore(), new FakeApi(treeOf(20), 15)];
    see(store, api.log, 7, api.tree.root(7));
    await challenge(store, api);
    api.requests.length = 0;
    api.instead = (endpoint) =>
      endpoint === 'get-sth'
        ? undefined
        : { status: 400, retryAfter: undefined, body: Buffer.from('no') };
    await challengeWith(store, api, { questions: 5 });
    assert.equal(proofs(api).length, 5);
    assert.deepEqual(verdicts(store, api), [
      [7, 'consistent'],
      [15, 'consistent'],
    ]);
  });
});

describe('several paths to one log', () => {
  const front = (api: FakeApi, size: number, tree = api.tree): Fetch => {
    const other = new FakeApi(tree, size, api.log);
    return other.fetch;
  };

  test('that agree, or lag: every head is recorded and proven', async () => {
    const [store, api] = [newStore(), new FakeApi(treeOf(50), 40)];
    const [lagging, ahead] = [front(api, 33), front(api, 45)];
    await challengeWith(store, api, { paths: [lagging, api.fetch, ahead] });
    assert.deepEqual(verdicts(store, api), [
      [33, 'consistent'],
      [40, 'consistent'],
      [45, 'consistent'],
    ]);
  });

  test('of which one shows another tree: a fork, nobody having seen anything', async () => {
    const [store, api] = [newStore(), new FakeApi(treeOf(50, 'a', 20), 40)];
    await challengeWith(store, api, { paths: [api.fetch, front(api, 37, treeOf(50, 'b', 20))] });
    assert.deepEqual(verdicts(store, api), [
      [37, 'fork-proven'],
      [40, 'consistent'],
    ]);
  });

  test('of which one fails: that is said, and the others do', async () => {
    const [store, api] = [newStore(), new FakeApi(treeOf(50), 40)];
    const notices: string[] = [];
    const failing: Fetch = () => Promise.reject(new HttpError('http-no-answer', 'socket hang up'));
    await challengeWith(store, api, {
      paths: [failing, api.fetch],
      onNotice: (_, message) => notices.push(message),
    });
    assert.deepEqual(verdicts(store, api), [[40, 'consistent']]);
    assert.deepEqual(notices, ['one of 2 paths gave no tree head: get-sth: socket hang up']);
  });
});

describe('a log that is read-only', () => {
  const tree = treeOf(60, 'a', 20);
  const other = treeOf(60, 'b', 20);
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const listKey = publicKey.export({ format: 'der', type: 'spki' });

  /** A challenge of a log at `size` whose list says that it ends at `final`. */
  async function challengeListed(
    size: number,
    [finalSize, finalRoot]: readonly [number, MerkleHash],
    signed: boolean,
  ): Promise<{ found: [number, Verdict][]; notices: string[]; evidence: string[] }> {
    const [store, api] = [newStore(), new FakeApi(tree, size)];
    const list = {
      operators: [
        {
          name: 'Op',
          logs: [
            {
              key: Buffer.from(api.log.key.spki).toString('base64'),
              url: 'https://log.test/alpha/',
              state: {
                readonly: {
                  timestamp: '2026-01-01T00:00:00Z',
                  final_tree_head: { tree_size: finalSize, sha256_root_hash: base64(finalRoot) },
                },
              },
            },
          ],
        },
      ],
    };
    const json = Buffer.from(JSON.stringify(list));
    const signature = createSign('sha256').update(json).sign(privateKey);
    const given = signed ? { signature, key: listKey } : undefined;
    store.logs.put([], { source: 'test', json, signed: given, etag: undefined, fetched: NOW });
    const notices: string[] = [];
    const [log] = parseLogList(json.toString(), 'test').logs;
    await challengeWith(store, api, { log, onNotice: (_, message) => notices.push(message) });
    return {
      found: verdicts(store, api),
      notices,
      evidence: store.evidence.all().map(({ path }) => path),
    };
  }

  for (const size of [40, 50, 32, 60]) {
    for (const finalSize of [40, 32, 55]) {
      test(`at ${size}, and to end at ${finalSize}: well if it is one tree`, async () => {
        const { found, notices } = await challengeListed(
          size,
          [finalSize, tree.root(finalSize)],
          true,
        );
        assert.deepEqual(found, [[size, 'consistent']]);
        // A log that has not got there yet cannot prove it, and that accuses nobody.
        const refused = size < finalSize;
        assert.equal(notices.length, refused ? 1 : 0, notices.join());
        if (refused) assert.match(notices[0] ?? '', /refuses a proof between its tree of size/);
      });
      if (size < finalSize) continue;
      test(`at ${size}, and to have ended at another tree of ${finalSize}: evidence, with the list in it`, async () => {
        const { found, evidence } = await challengeListed(
          size,
          [finalSize, other.root(finalSize)],
          true,
        );
        assert.deepEqual(found, [[size, 'fork-proven']]);
        const text = readFileSync(evidence[0] ?? '', 'utf8');
        const bundle = parseEvidence(text, 'it');
        assert(verifyEvidence(bundle, [listKey]).every(({ holds }) => holds));
        // Whose lists are believed is for the reader to say.
        const failing = verifyEvidence(bundle).filter(({ holds }) => !holds);
        assert.match(
          failing.map(({ what }) => what).join(),
          /^the key [0-9a-f]{64}, which signed the log list/,
        );
        assert.match(text, /contradicts its final tree of size/);
      });
    }
  }

  test('by a list that nobody signed: that is said, and no fork', async () => {
    const { found, notices, evidence } = await challengeListed(40, [40, other.root(40)], false);
    assert.deepEqual(found, [[40, 'consistent']]);
    assert.match(
      notices.join(),
      /contradicts the final tree, of size 40, in the log list, which is not signed/,
    );
    assert.deepEqual(evidence, []);
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
      const [record, ...more] = store.evidence.all();
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
    assert.deepEqual(store.evidence.all(), []);
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
    assert.equal(store.evidence.all().length, 2);
  });
});

describe('a tree that evidence accuses', () => {
  // The fork is above 200: the log proves smaller trees to be prefixes of either tree of 257.
  const [a, b] = [treeOf(257, 'a', 200), treeOf(257, 'b', 200)];
  for (const [name, order] of [
    ['the second', [a, b, a, b]],
    ['the first', [b, a, a, b]],
    ['both in turns', [a, a, b, b, a]],
  ] as const) {
    test(`stays fork-proven while the log shows ${name}, whatever is proven together with it`, async () => {
      const [store, log] = [newStore(), new SigningLog()];
      let accused: number[] = [];
      for (const [i, tree] of order.entries()) {
        see(store, log, 100 + i, a.root(100 + i));
        await challenge(store, new FakeApi(tree, 257, log));
        const forked = store.heads
          .trees(log.key.logId)
          .filter(({ verdict }) => verdict === 'fork-proven')
          .map(({ id }) => id);
        assert(
          accused.every((id) => forked.includes(id)),
          'evidence is there, and no verdict says so',
        );
        accused = forked;
      }
      assert(accused.length > 0);
      assert.equal(store.evidence.all().length, 1);
    });
  }
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
  const garbage = {
    consistency: [EMPTY_ROOT, EMPTY_ROOT, EMPTY_ROOT, EMPTY_ROOT, EMPTY_ROOT].map(base64),
  };
  const onProof =
    (answer: HttpAnswer | HttpError): FakeApi['instead'] =>
    (endpoint) =>
      endpoint === 'get-sth' ? undefined : answer;
  const answer = (status: number, body: string, retryAfter?: string): HttpAnswer => ({
    status,
    body: Buffer.from(body),
    retryAfter,
  });

  const cases: {
    name: string;
    instead: FakeApi['instead'];
    want: Verdict;
    says: RegExp;
    size?: number;
  }[] = [
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
    {
      name: 'with 429',
      instead: onProof(answer(429, '', '120')),
      want: 'unreachable',
      says: /HTTP 429/,
    },
    {
      name: 'with HTML',
      instead: onProof(answer(200, '<html>\u001b[2Jhello')),
      want: 'unreachable',
      says: /not JSON \("<html> \[2Jhello"\)/,
    },
    {
      name: 'with a redirect',
      instead: onProof(answer(302, '')),
      want: 'unreachable',
      says: /HTTP 302/,
    },
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
      instead: onProof(new HttpError('http-no-answer', 'no answer within 90 s')),
      want: 'unreachable',
      says: /no answer/,
    },
    {
      name: 'with 400',
      instead: onProof(answer(400, 'bad')),
      want: 'skewed',
      says: /HTTP 400 \("bad"\)/,
    },
    {
      name: 'with an empty proof',
      instead: onProof(json({ consistency: [] })),
      want: 'bad-proof',
      says: /0 hashes, want \d+/,
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
      const tree = store.heads
        .trees(api.log.key.logId)
        .find(({ treeSize }) => treeSize === BigInt(size ?? 20));
      assert.equal(tree?.verdict, want);
      assert.match(tree.reason ?? '', says);
      assert.deepEqual(store.evidence.all(), []);
    });
  }

  test('with a head of another key: nothing is believed', async () => {
    const { store, api, failure } = await against((endpoint) =>
      endpoint === 'get-sth'
        ? json(treeHeadToJson(new SigningLog().sign(50, treeOf(50).root())))
        : undefined,
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

  for (const [how, reply] of [
    ['HTTP 404', answer(404, '')],
    ['a proof of something else', json({ consistency: [base64(EMPTY_ROOT)] })],
  ] as const) {
    test(`with its head and for ever with ${how} for a proof: unprovable, once its MMD has passed`, async () => {
      const { store, api } = await against(onProof(reply));
      assert.notEqual(verdicts(store, api)[0]?.[1], 'unprovable');
      await challenge(store, api, NOW + 86_400_001);
      assert.deepEqual(verdicts(store, api)[0], [20, 'unprovable']);
      api.instead = () => undefined;
      await challenge(store, api, NOW + 86_400_002);
      assert.deepEqual(verdicts(store, api)[0], [20, 'consistent']);
    });
  }

  for (const [how, reply] of [
    ['HTTP 403', answer(403, '')],
    ['HTTP 429', answer(429, '')],
    ['HTTP 500', answer(500, '')],
    ['HTML', answer(200, '<html>')],
    ['a redirect', answer(302, '')],
    ['nothing', new HttpError('http-no-answer', 'no answer within 90 s')],
  ] as const) {
    test(`with its head and for ever with ${how} for a proof: unreachable, for strangers can bring that about`, async () => {
      const { store, api } = await against(onProof(reply));
      await challenge(store, api, NOW + 86_400_001);
      assert.deepEqual(verdicts(store, api)[0], [20, 'unreachable']);
    });
  }

  test('that was unprovable and then answers nothing: it stays unprovable', async () => {
    const { store, api } = await against(onProof(answer(404, '')));
    await challenge(store, api, NOW + 86_400_001);
    api.instead = onProof(answer(500, ''));
    await challenge(store, api, NOW + 86_400_002);
    assert.deepEqual(verdicts(store, api)[0], [20, 'unprovable']);
    api.instead = () => answer(500, '');
    await challenge(store, api, NOW + 86_400_003);
    assert.deepEqual(verdicts(store, api)[0], [20, 'unprovable']);
  });

  test('for a moment is not accused of anything, however soon it promises to merge', async () => {
    const [store, api] = [newStore(), new FakeApi(treeOf(50))];
    see(store, api.log, 20, api.tree.root(20));
    api.instead = onProof(answer(404, ''));
    const log = api.log.asLog({ mmd: 60 });
    await challengeWith(store, api, { log, now: () => NOW + 3_599_000 });
    assert.deepEqual(verdicts(store, api)[0], [20, 'skewed']);
    await challengeWith(store, api, { log, now: () => NOW + 3_601_000 });
    assert.deepEqual(verdicts(store, api)[0], [20, 'unprovable']);
  });

  test('with nothing at all, not even a head: unreachable for as long as that lasts', async () => {
    const { store, api } = await against(() => answer(500, ''));
    await challenge(store, api, NOW + 864_000_000);
    assert.deepEqual(verdicts(store, api), [[20, 'unreachable']]);
  });

  test('backs off: not asked about that head again within half a minute, unless told to', async () => {
    const { store, api } = await against(onProof(json({ consistency: [] })));
    api.instead = () => undefined;
    await challenge(store, api, NOW + 29_000, false);
    assert.equal(verdicts(store, api)[0]?.[1], 'bad-proof');
    await challenge(store, api, NOW + 29_000, true);
    assert.equal(verdicts(store, api)[0]?.[1], 'consistent');
  });

  test('while the clock was years ahead: is asked again when the clock is right', async () => {
    const [store, api] = [newStore(), new FakeApi(treeOf(50))];
    see(store, api.log, 20, api.tree.root(20));
    const years = NOW + 10 * 365 * 86_400_000;
    api.instead = onProof(json({ consistency: [] }));
    await challenge(store, api, years);
    api.instead = () => answer(429, '', '120');
    await challenge(store, api, years + 86_400_000 * 2);
    api.instead = () => undefined;
    assert.equal(await challenge(store, api, NOW + 60_000, false), undefined);
    assert(verdicts(store, api).every(([, verdict]) => verdict === 'consistent'));
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
      paths: [files.fetch],
      onNotice: () => undefined,
      signal: new AbortController().signal,
      now: () => now,
      onVerdict: () => undefined,
      ignoreBackOff: true,
    });
    return { store, failure };
  }
  const found = (store: Store, { log }: TiledFiles): [number, Verdict][] =>
    store.heads.trees(log.key.logId).map(({ treeSize, verdict }) => [Number(treeSize), verdict]);

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
      const [{ path } = { path: '' }] = store.evidence.all();
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
      path === 'checkpoint'
        ? undefined
        : { status: 404, retryAfter: undefined, body: Buffer.alloc(0) };
    const seen = [[1000, tree.root(1000)]] as const;
    assert.deepEqual(found((await challengeFiles(files, seen)).store, files)[0], [1000, 'skewed']);
    const later = NOW + 2 * 86_400_000;
    assert.deepEqual(found((await challengeFiles(files, seen, later)).store, files)[0], [
      1000,
      'unprovable',
    ]);
  });
});
