// SPDX-License-Identifier: Apache-2.0
/**
 * Which trees are called consistent. The pure part by tables, and the whole against a log that lies
 * in any order: two heads that contradict each other are never both consistent, not for a moment.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { challengeLog, type ChallengeContext } from '../../src/challenger/challenge.ts';
import { Links, type LinkedTree } from '../../src/challenger/links.ts';
import type { HttpAnswer } from '../../src/http/request.ts';
import { hashLeaf } from '../../src/merkle/hash.ts';
import { memoryStore } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import type { Verdict } from '../../src/store/verdicts.ts';
import { FakeApi, json } from '../support/fake-api.ts';
import { fc } from '../support/random.ts';
import { SigningLog, treeOf, type LogTree } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;

describe('links', () => {
  /** Trees by size, which is their ID too: the verdict of each and the size it is linked to. */
  function linksOf(trees: Readonly<Record<number, readonly [Verdict, link?: number]>>): {
    readonly links: Links<LinkedTree>;
    readonly tree: (size: number) => LinkedTree;
  } {
    const all = Object.entries(trees).map(([size, [verdict, provenAgainst]]) => ({
      id: Number(size),
      treeSize: BigInt(size),
      rootHash: hashLeaf(Buffer.from(size)),
      verdict,
      provenAgainst,
    }));
    const tree = (size: number): LinkedTree => all.find(({ id }) => id === size) ?? assert.fail();
    return { links: new Links<LinkedTree>(all), tree };
  }
  const ids = (trees: readonly LinkedTree[]): number[] => trees.map(({ id }) => id);

  test('that lead to one top are of one chain; a tree that extends one of it is not', () => {
    const { links, tree } = linksOf({
      10: ['consistent', 20],
      15: ['consistent', 30],
      20: ['consistent', 30],
      30: ['consistent', 30],
      // As an earlier version wrote it: proven against a smaller tree.
      40: ['consistent', 30],
    });
    assert.deepEqual(ids(links.strays()), [40]);
    assert(links.isLinked(tree(15)) && !links.isLinked(tree(40)));
  });

  test('the link of a tree that contradicts another is none', () => {
    const { links, tree } = linksOf({
      10: ['consistent', 20],
      20: ['fork-proven', 30],
      30: ['consistent', 30],
      31: ['consistent', 31],
    });
    assert.deepEqual(ids(links.waiting()), ids(links.waiting().filter(({ id }) => id !== 20)));
    assert(!(links.isLinked(tree(10)) && links.isLinked(tree(30))));
  });

  test('the next pair: down from the nearest of the chain, and up from the nearest above it', () => {
    const { links, tree } = linksOf({
      10: ['pending'],
      20: ['consistent', 40],
      30: ['pending'],
      40: ['consistent', 40],
      50: ['pending'],
      60: ['fork-proven', 40],
      70: ['pending'],
      80: ['skewed'],
    });
    const pair = (size: number): number[] => ids(links.pairFor(tree(size)) ?? []);
    assert.deepEqual(pair(10), [10, 20]);
    assert.deepEqual(pair(30), [30, 40]);
    assert.deepEqual(pair(50), [40, 50]);
    assert.deepEqual(pair(70), [50, 70]);
    assert.deepEqual(pair(80), [70, 80]);
    links.link(tree(70), tree(80));
    assert.deepEqual(pair(80), [50, 70]);
    links.link(tree(50), tree(70));
    assert.deepEqual(pair(80), [40, 50]);
    assert.deepEqual(ids(links.admissible(tree(40))), []);
    links.link(tree(40), tree(50));
    assert.deepEqual(ids(links.admissible(tree(40))), [50, 70, 80]);
  });

  test('above the current tree all are consistent together or not at all', () => {
    const { links, tree } = linksOf({ 40: ['consistent', 40], 50: ['pending'], 60: ['pending'] });
    links.link(tree(40), tree(50));
    assert.deepEqual(ids(links.admissible(tree(40))), []);
    // The log has grown past the first of them.
    assert.deepEqual(ids(links.admissible(tree(50))), [50]);
    links.link(tree(50), tree(60));
    assert.deepEqual(ids(links.admissible(tree(40))), [50, 60]);
  });
});

const SIZE = 40;
/** Histories of one log that part from each other at 8 and at 20 entries. */
const branches: readonly LogTree[] = [
  treeOf(SIZE, 'a', 20),
  treeOf(SIZE, 'b', 20),
  treeOf(SIZE, 'c', 8),
];
const branchOfRoot = new Map<string, number>();
for (const [i, branch] of branches.entries())
  for (let size = 0; size <= SIZE; size++)
    branchOfRoot.set(`${size} ${Buffer.from(branch.root(size)).toString('hex')}`, i);

interface Rooted {
  readonly treeSize: bigint;
  readonly rootHash: Uint8Array;
}

function contradict(a: Rooted, b: Rooted): boolean {
  const [first, second] = a.treeSize <= b.treeSize ? [a, b] : [b, a];
  const key = `${second.treeSize} ${Buffer.from(second.rootHash).toString('hex')}`;
  const branch = branches[branchOfRoot.get(key) ?? -1] ?? assert.fail('no such tree');
  return !Buffer.from(branch.root(Number(first.treeSize))).equals(first.rootHash);
}

/** No two heads that contradict each other are both consistent. */
function check(store: Store, { key }: SigningLog): void {
  const consistent = store.heads.trees(key.logId).filter(({ verdict }) => verdict === 'consistent');
  for (const [i, a] of consistent.entries())
    for (const b of consistent.slice(i + 1))
      assert(!contradict(a, b), `${a.treeSize} and ${b.treeSize} are both consistent`);
}

/** The store, which is checked after each write, and fails at the `lives`-th to come. */
function checked(store: Store, log: SigningLog, lives = Infinity): Store {
  let left = lives;
  const checking = (write: () => void): void => {
    if (--left < 0) throw new Error('killed');
    write();
    check(store, log);
  };
  const verdicts: Store['verdicts'] = {
    set: (...written) => checking(() => store.verdicts.set(...written)),
    setAll: (...written) => checking(() => store.verdicts.setAll(...written)),
    pages: (...asked) => store.verdicts.pages(...asked),
    counts: () => store.verdicts.counts(),
    logsWith: (verdict) => store.verdicts.logsWith(verdict),
  };
  return new Proxy(store, {
    get: (target, name, receiver) =>
      name === 'verdicts' ? verdicts : (Reflect.get(target, name, receiver) as unknown),
  });
}

function contextOf(
  store: Store,
  api: FakeApi,
  more: Partial<ChallengeContext> = {},
): ChallengeContext {
  return {
    store,
    evidenceDirectory: directory,
    paths: [api.fetch],
    onNotice: () => undefined,
    onVerdict: () => undefined,
    signal: new AbortController().signal,
    now: () => NOW,
    sleep: () => Promise.resolve(),
    ignoreBackOff: true,
    ...more,
  };
}

function see(store: Store, log: SigningLog, branch: number, size: number, at = NOW): void {
  const root = (branches[branch] ?? assert.fail()).root(size);
  const head = log.verified(size, root, BigInt(at));
  store.heads.record([{ head, source: 'eth0', firstSeen: at, lastSeen: at, count: 1 }]);
}

type Moment =
  | { readonly kind: 'see'; readonly branch: number; readonly size: number }
  | { readonly kind: 'turn'; readonly branch: number; readonly size: number }
  | { readonly kind: 'answer'; readonly how: (typeof ANSWERS)[number] }
  | { readonly kind: 'wait' }
  | { readonly kind: 'challenge'; readonly questions: number | undefined; readonly lives: number };

const ANSWERS = [
  'honestly',
  'from another branch',
  'refuses',
  'garbage',
  'fails',
  'sometimes',
] as const;
const branch = fc.nat({ max: branches.length - 1 });
const size = fc.integer({ min: 0, max: SIZE });
const moment: fc.Arbitrary<Moment> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('see' as const), branch, size }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('turn' as const), branch, size }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      how: fc.constantFrom(...ANSWERS),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'wait' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('challenge' as const),
      questions: fc.constantFrom(undefined, 1, 2, 4),
      lives: fc.oneof(fc.constant(Infinity), fc.nat({ max: 4 })),
    }),
  },
);

/** What a log does is up to it; what is called consistent is not. */
async function play(history: readonly Moment[]): Promise<{ store: Store; api: FakeApi }> {
  const [store, api] = [memoryStore(), new FakeApi(branches[0] ?? assert.fail(), 10)];
  let now = NOW;
  let how: (typeof ANSWERS)[number] = 'honestly';
  let asked = 0;
  api.instead = (endpoint, query): HttpAnswer | undefined => {
    if (endpoint !== 'get-sth-consistency') return undefined;
    asked += 1;
    const [first, second] = [Number(query.get('first')), Number(query.get('second'))];
    const no = (status: number): HttpAnswer => ({
      status,
      body: Buffer.alloc(0),
      retryAfter: undefined,
    });
    const from = (tree: LogTree): HttpAnswer =>
      json({
        consistency: tree
          .consistencyProof(first, second)
          .map((hash) => Buffer.from(hash).toString('base64')),
      });
    switch (how) {
      case 'honestly':
        // It has all its histories at hand, and proves what it can.
        return from(api.tree);
      case 'from another branch':
        return from(branches[asked % branches.length] ?? api.tree);
      case 'refuses':
        return no(400);
      case 'garbage':
        return json({ consistency: [] });
      case 'fails':
        return no(500);
      case 'sometimes':
        return asked % 2 === 0 ? no(404) : from(branches[asked % 3] ?? api.tree);
    }
  };
  for (const each of history) {
    switch (each.kind) {
      case 'see':
        see(store, api.log, each.branch, each.size, now);
        break;
      case 'turn':
        api.tree = branches[each.branch] ?? api.tree;
        api.size = each.size;
        break;
      case 'answer':
        how = each.how;
        break;
      case 'wait':
        now += 30 * HOUR;
        break;
      case 'challenge': {
        const { questions, lives } = each;
        const context = contextOf(checked(store, api.log, lives), api, {
          ...(questions !== undefined && { questions }),
          now: () => now,
        });
        await challengeLog(api.log.asLog(), context).catch((error: unknown) => {
          if (!(error instanceof Error && error.message === 'killed')) throw error;
        });
        check(store, api.log);
        break;
      }
    }
  }
  return { store, api };
}

describe('whatever a log shows, answers and takes back, and whenever the process is killed', () => {
  test('no two heads that contradict each other are both consistent', () =>
    fc.assert(
      fc.asyncProperty(fc.array(moment, { maxLength: 24 }), async (history) => {
        await play(history);
      }),
      { numRuns: 400 },
    ));

  test('a log that then answers honestly ends with a verdict on every tree', () =>
    fc.assert(
      fc.asyncProperty(fc.array(moment, { maxLength: 12 }), async (history) => {
        const { store, api } = await play([
          ...history,
          { kind: 'answer', how: 'honestly' },
          { kind: 'turn', branch: 0, size: SIZE },
          ...Array.from({ length: 3 }, () => ({
            kind: 'challenge' as const,
            questions: undefined,
            lives: Infinity,
          })),
        ]);
        const trees = store.heads.trees(api.log.key.logId);
        const open = trees.filter(({ verdict }) => verdict === 'pending' || verdict === 'skewed');
        assert.deepEqual(
          open.map(({ treeSize, verdict }) => [treeSize, verdict]),
          [],
        );
        const isTorn = trees.some((a) => trees.some((b) => contradict(a, b)));
        assert.equal(store.evidence.all().length > 0, isTorn);
      }),
      { numRuns: 150 },
    ));
});

describe('two branches above the tree that the log admits to', () => {
  const [public_, other] = [treeOf(7000, 'a', 4000), treeOf(7000, 'b', 4000)];

  /** The log is at 5000, was seen at 6000 and at 7000, and answers in this way. */
  async function above(
    instead: FakeApi['instead'],
    roots: readonly (readonly [size: number, tree: LogTree])[] = [
      [6000, public_],
      [7000, other],
    ],
    now = NOW,
  ): Promise<{ readonly found: [number, Verdict][]; readonly asked: string[]; store: Store }> {
    const [store, api] = [memoryStore(), new FakeApi(public_, 5000)];
    for (const [size, tree] of roots) {
      const head = api.log.verified(size, tree.root(size), BigInt(NOW));
      const seen = { source: 'eth0', firstSeen: NOW, lastSeen: NOW, count: 1 };
      store.heads.record([{ head, ...seen }]);
    }
    api.instead = instead;
    await challengeLog(api.log.asLog(), contextOf(store, api, { now: () => now }));
    const found = store.heads
      .trees(api.log.key.logId)
      .map(({ treeSize, verdict }): [number, Verdict] => [Number(treeSize), verdict]);
    return { found, asked: api.requests, store };
  }
  /** Proves to each victim what it was shown, and what is between the two as `between` says. */
  const proving =
    (between: HttpAnswer | LogTree): FakeApi['instead'] =>
    (endpoint, query) => {
      if (endpoint !== 'get-sth-consistency') return undefined;
      const [first, second] = [Number(query.get('first')), Number(query.get('second'))];
      const tree = first === 6000 ? between : second === 7000 ? other : public_;
      if (!('consistencyProof' in tree)) return tree;
      const hashes = tree.consistencyProof(first, second);
      return json({ consistency: hashes.map((hash) => Buffer.from(hash).toString('base64')) });
    };
  const refusal = { status: 400, body: Buffer.from('no'), retryAfter: undefined };

  test('are asked to prove each other: a fork where it does, and both are of it', async () => {
    const { found, asked, store } = await above(proving(other));
    assert(asked.includes('get-sth-consistency first=6000&second=7000'), asked.join());
    assert.deepEqual(found, [
      [5000, 'consistent'],
      [6000, 'fork-proven'],
      [7000, 'fork-proven'],
    ]);
    assert.equal(store.evidence.all().length, 1);
  });

  for (const [how, between, want] of [
    ['refuses', refusal, 'skewed'],
    ['proves nothing', public_, 'bad-proof'],
    ['says nothing', { ...refusal, status: 500 }, 'unreachable'],
  ] as const) {
    test(`are neither consistent where it ${how}`, async () => {
      const { found, asked } = await above(proving(between));
      assert(asked.includes('get-sth-consistency first=6000&second=7000'), asked.join());
      assert.deepEqual(found, [
        [5000, 'consistent'],
        [6000, 'skewed'],
        [7000, want],
      ]);
    });
  }

  test('are unprovable where it goes on refusing beyond its MMD', async () => {
    const { found } = await above(proving(refusal), undefined, NOW + 25 * HOUR);
    assert.deepEqual(found.at(-1), [7000, 'unprovable']);
    assert(found.every(([size, verdict]) => size === 5000 || verdict !== 'consistent'));
  });

  test('of one history are consistent, both at once', async () => {
    const { found } = await above(
      (endpoint, query) => {
        if (endpoint !== 'get-sth-consistency') return undefined;
        const [first, second] = [Number(query.get('first')), Number(query.get('second'))];
        const hashes = public_.consistencyProof(first, second);
        return json({ consistency: hashes.map((hash) => Buffer.from(hash).toString('base64')) });
      },
      [
        [6000, public_],
        [7000, public_],
      ],
    );
    assert.deepEqual(
      found,
      [5000, 6000, 7000].map((size) => [size, 'consistent']),
    );
  });

  test('that an earlier version called consistent, both against 5000, are so no longer', async () => {
    const [store, api] = [memoryStore(), new FakeApi(public_, 5000)];
    await challengeLog(api.log.asLog(), contextOf(store, api));
    const [base] = store.heads.trees(api.log.key.logId);
    for (const [size, tree] of [
      [6000, public_],
      [7000, other],
    ] as const) {
      const head = api.log.verified(size, tree.root(size), BigInt(NOW));
      store.heads.record([{ head, source: 'eth0', firstSeen: NOW, lastSeen: NOW, count: 1 }]);
      const verdict = { verdict: 'consistent', provenAgainst: base?.id } as const;
      store.verdicts.set(store.heads.treeOf(head), NOW, verdict);
    }
    api.instead = (endpoint) => (endpoint === 'get-sth' ? undefined : { ...refusal, status: 500 });
    await challengeLog(api.log.asLog(), contextOf(store, api));
    const left = store.heads
      .trees(api.log.key.logId)
      .filter(({ treeSize, verdict }) => treeSize > 5000n && verdict === 'consistent');
    assert(left.length < 2, `${left.length} branches are consistent`);
  });
});
