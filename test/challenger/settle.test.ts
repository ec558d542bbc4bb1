// SPDX-License-Identifier: Apache-2.0
/** Settling: verdicts from hashes that are here, and what becomes of trees whose hashes are not. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { LogError } from '../../src/ask/asker.ts';
import { Settler, type SettleContext } from '../../src/challenger/settle.ts';
import type { TreeVerdict } from '../../src/challenger/verdicts.ts';
import { parseEvidence } from '../../src/evidence/bundle.ts';
import { judgeProof } from '../../src/evidence/judge.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import type { Visit } from '../../src/follow/follower.ts';
import type { Outlook } from '../../src/follow/known-hashes.ts';
import { ProxyError } from '../../src/http/error.ts';
import type { Log } from '../../src/logs/log.ts';
import { EMPTY_ROOT, equalHash, toMerkleHash, type MerkleHash } from '../../src/merkle/hash.ts';
import type { TreeRoot, VerifiedStatement } from '../../src/statements/statement.ts';
import { memoryStore } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import type { Verdict } from '../../src/store/verdicts.ts';
import { HashTable, type HashTableOptions } from '../support/known-hashes.ts';
import { fc } from '../support/random.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const SIZE = 70;
const honest = treeOf(SIZE, 'a', 20);
const forked = treeOf(SIZE, 'b', 20);

/** A log, a store, and a settler that remembers from one settling to the next. */
class Bench {
  readonly signer = new SigningLog();
  readonly store: Store = memoryStore();
  readonly verdicts: TreeVerdict[] = [];
  readonly notices: string[] = [];
  readonly context: SettleContext;
  readonly settler: Settler;
  readonly log: Log;
  now = NOW;
  /** What the log has shown to everybody. */
  readonly heads: VerifiedStatement[] = [];

  constructor(log: Partial<Log> = {}) {
    this.log = this.signer.asLog(log);
    this.context = {
      store: this.store,
      evidenceDirectory: directory,
      now: () => this.now,
      signal: new AbortController().signal,
      onVerdict: (verdict) => void this.verdicts.push(verdict),
      onNotice: (_, message) => void this.notices.push(message),
    };
    this.settler = new Settler(this.context);
  }

  see(size: number, root = honest.root(size)): this {
    const head = this.signer.verified(size, root, BigInt(this.now));
    const { now } = this;
    this.store.heads.record([{ head, source: 'eth0', firstSeen: now, lastSeen: now, count: 1 }]);
    return this;
  }

  /** A visit on which the log shows a tree of this size to everybody. */
  show(size: number, root = honest.root(size)): Visit {
    const head = this.signer.verified(size, root, BigInt(this.now));
    this.heads.push(head);
    return visitWith({ heads: [head], current: head });
  }

  known(options: Partial<HashTableOptions> = {}): HashTable {
    return new HashTable({ tree: honest, heads: this.heads, ...options });
  }

  async settle(visit?: Visit, options?: Partial<HashTableOptions>): Promise<void> {
    await this.settler.settle(this.log, this.known(options), visit);
  }

  /** Verdicts by size, smallest first. */
  found(): [number, Verdict][] {
    return this.store.heads
      .trees(this.log.key.logId)
      .map(({ treeSize, verdict }) => [Number(treeSize), verdict]);
  }

  evidence(): string[] {
    return this.store.evidence.all().map(({ path }) => path);
  }
}

const visitWith = (visit: Partial<Visit>): Visit => ({
  heads: [],
  current: undefined,
  forks: [],
  failures: [],
  notices: [],
  ...visit,
});

function assertStands(path: string): void {
  const checks = verifyEvidence(parseEvidence(readFileSync(path, 'utf8'), path));
  assert.deepEqual(
    checks.filter(({ holds }) => !holds),
    [],
  );
}

describe('an honest log', () => {
  test('has every tree consistent from hashes, in one settling, and the next has nothing to do', async () => {
    const bench = new Bench();
    for (const size of [0, 1, 2, 31, 32, 33, 64]) bench.see(size);
    await bench.settle(bench.show(65));
    const sizes = [0, 1, 2, 31, 32, 33, 64, 65];
    assert.deepEqual(
      bench.found(),
      sizes.map((size) => [size, 'consistent']),
    );
    assert.deepEqual(
      bench.verdicts.map(({ tree, against }) => [tree.treeSize, against]),
      sizes.toReversed().map((size) => [BigInt(size), 65n]),
    );
    const before = bench.store.heads.trees(bench.log.key.logId);
    await bench.settle(visitWith({ current: bench.heads[0] }));
    assert.deepEqual(bench.store.heads.trees(bench.log.key.logId), before);
    assert.deepEqual([bench.evidence(), bench.notices], [[], []]);
  });

  test('that grows keeps one chain, and its earlier trees are written once', async () => {
    const bench = new Bench();
    bench.see(20);
    await bench.settle(bench.show(30));
    await bench.settle(bench.show(40));
    await bench.settle(bench.see(35).show(50));
    const trees = bench.store.heads.trees(bench.log.key.logId);
    assert(trees.every(({ verdict }) => verdict === 'consistent'));
    const idOf = (size: bigint): number | undefined =>
      trees.find(({ treeSize }) => treeSize === size)?.id;
    assert.deepEqual(
      trees.map(({ treeSize, provenAgainst, attempts }) => [treeSize, provenAgainst, attempts]),
      [
        [20n, idOf(30n), 1],
        [30n, idOf(40n), 2],
        [35n, idOf(50n), 1],
        [40n, idOf(50n), 2],
        [50n, idOf(50n), 1],
      ],
    );
  });

  test('settled without a visit: what the hashes have, and nothing of what they lack', async () => {
    const bench = new Bench();
    bench.show(40);
    bench.show(50);
    bench.see(30).see(10);
    await bench.settle(undefined, { outlook: (size) => (size < 20 ? 'needs-block' : 'here') });
    assert.deepEqual(bench.found(), [
      [10, 'pending'],
      [30, 'consistent'],
      [40, 'consistent'],
      [50, 'consistent'],
    ]);
    assert.equal(
      bench.verdicts.some(({ verdict }) => verdict === 'pending'),
      false,
    );
    assert.deepEqual(bench.settler.wanted(bench.log), [10n]);
  });

  test('whose store is new while its hashes are not: the public heads are recorded again', async () => {
    const bench = new Bench();
    for (const size of [10, 20, 30]) bench.show(size);
    await bench.settle(visitWith({ current: bench.heads.at(-1), heads: bench.heads.slice(-1) }));
    assert.deepEqual(bench.found(), [
      [10, 'consistent'],
      [20, 'consistent'],
      [30, 'consistent'],
    ]);
  });

  test('that signed an empty tree with a wrong root: malformed, said, and no fork', async () => {
    const bench = new Bench();
    const wrong = bench.signer.verified(0, toMerkleHash(new Uint8Array(32)));
    bench.see(0, EMPTY_ROOT).see(7);
    const failures = [new LogError('log-unavailable', "the log's tree head is malformed")];
    await bench.settle(visitWith({ heads: [wrong], failures }));
    const verdicts = (): Verdict[] => bench.found().map(([, verdict]) => verdict);
    assert.deepEqual(verdicts(), ['unreachable', 'malformed-head', 'unreachable']);
    const shown = bench.show(9);
    await bench.settle({ ...shown, heads: [wrong, ...shown.heads], failures });
    assert.deepEqual(verdicts(), ['consistent', 'malformed-head', 'consistent', 'consistent']);
    assert.match(bench.notices.join(), /malformed/);
    assert.deepEqual(bench.evidence(), []);
  });
});

describe('a log with two histories', () => {
  for (const size of [21, 32, 40, 64, 69, 70])
    test(`that showed another tree of size ${size}: fork-proven, and the evidence stands`, async () => {
      const bench = new Bench();
      bench.see(size, forked.root(size)).see(12).see(33);
      await bench.settle(bench.show(70));
      const verdicts = new Map(bench.found().filter(([, verdict]) => verdict !== 'consistent'));
      assert.deepEqual([...verdicts], [[size, 'fork-proven']]);
      const [path = assert.fail(), ...more] = bench.evidence();
      assert.deepEqual(more, []);
      assertStands(path);
      assert.equal(bench.verdicts.filter(({ evidence }) => evidence === path).length, 1);
      await bench.settle(bench.show(70));
      assert.equal(bench.evidence().length, 1);
    });

  test('of which the public sees the second: the chain begins again there', async () => {
    const bench = new Bench();
    bench.see(12).see(25);
    await bench.settle(bench.show(30));
    bench.heads.length = 0;
    await bench.settle(bench.show(40, forked.root(40)), { tree: forked });
    assert.deepEqual(bench.found(), [
      [12, 'consistent'],
      [25, 'fork-proven'],
      [30, 'fork-proven'],
      [40, 'consistent'],
    ]);
    for (const path of bench.evidence()) assertStands(path);
  });

  test('that shows both on one visit: evidence of what the visit found', async () => {
    const bench = new Bench();
    await bench.settle(bench.show(30));
    const other = bench.signer.verified(35, forked.root(35));
    const visit = bench.show(40);
    const [first, second] = [other, visit.current ?? assert.fail()];
    const hashes = honest.consistencyProof(35, 40);
    const finding = judgeProof(first, second, { kind: 'consistency', hashes });
    assert(finding.verdict === 'fork-proven');
    // The hashes themselves have nothing for this size.
    const outlook = (size: number): Outlook => (size === 35 ? 'needs-block' : 'here');
    await bench.settle(
      { ...visit, heads: [other, ...visit.heads], forks: [{ first, second, finding }] },
      { outlook },
    );
    assert.deepEqual(bench.found(), [
      [30, 'consistent'],
      [35, 'fork-proven'],
      [40, 'consistent'],
    ]);
    for (const path of bench.evidence()) assertStands(path);
    assert.equal(bench.evidence().length, 1);
  });
});

describe('trees whose hashes are not here', () => {
  const REASONS = {
    coming: /yet to be fetched/,
    'needs-block': /its turn comes among the blocks/,
    refused: /--direct-questions/,
    beyond: /larger than every tree/,
  };
  for (const [outlook, at, then] of [
    ['coming', 'pending', 'pending'],
    ['needs-block', 'pending', 'pending'],
    ['refused', 'skewed', 'unprovable'],
    ['beyond', 'skewed', 'unprovable'],
  ] as const)
    test(`${outlook}: ${at}, after the log's patience ${then}; written once each time`, async () => {
      const bench = new Bench();
      const size = outlook === 'beyond' ? 60 : 30;
      bench.see(size);
      const options = { outlook: (each: number): Outlook => (each === 30 ? outlook : 'here') };
      const settle = async (): Promise<void> => bench.settle(bench.show(50), options);
      const tree = (): { verdict: Verdict; reason: string | undefined; attempts: number } =>
        bench.store.heads
          .trees(bench.log.key.logId)
          .find(({ treeSize }) => treeSize === BigInt(size)) ?? assert.fail();
      for (const [days, verdict, attempts] of [
        [0, at, 1],
        [0, at, 1],
        [2, then, at === then ? 1 : 2],
        [0, then, at === then ? 1 : 2],
      ] as const) {
        bench.now += days * DAY;
        await settle();
        assert.deepEqual([tree().verdict, tree().attempts], [verdict, attempts]);
        assert.match(tree().reason ?? '', REASONS[outlook]);
      }
      assert.deepEqual(
        bench.settler.wanted(bench.log),
        outlook === 'needs-block' ? [BigInt(size)] : [],
      );
      // And what comes in the end decides.
      await bench.settle(bench.show(65));
      assert.equal(tree().verdict, 'consistent');
      assert.deepEqual(bench.settler.wanted(bench.log), []);
    });

  test('the one that has waited longest is wanted first', async () => {
    const bench = new Bench();
    const outlook = (size: number): Outlook => (size < 40 ? 'needs-block' : 'here');
    for (const size of [30, 12, 25]) {
      bench.see(size);
      bench.now += 1;
    }
    await bench.settle(bench.show(50), { outlook });
    assert.deepEqual(bench.settler.wanted(bench.log), [30n, 12n, 25n]);
    assert.deepEqual(bench.settler.wanted(new SigningLog().asLog()), []);
  });

  test('no path gave a head: unreachable, once, but what the hashes have is settled', async () => {
    const bench = new Bench();
    bench.show(40);
    bench.show(50);
    bench.see(30).see(60);
    const failures = [new LogError('log-unavailable', 'get-sth: HTTP 503')];
    for (let i = 0; i < 2; i++) await bench.settle(visitWith({ failures }));
    assert.deepEqual(bench.found(), [
      [30, 'consistent'],
      [40, 'consistent'],
      [50, 'consistent'],
      [60, 'unreachable'],
    ]);
    assert.equal(bench.verdicts.filter(({ verdict }) => verdict === 'unreachable').length, 1);
  });

  test('the proxy is down: that is not said of the log', async () => {
    const bench = new Bench();
    bench.see(60);
    const failures = [new ProxyError('proxy-unavailable', 'nobody there')];
    await bench.settle(visitWith({ failures }));
    assert.deepEqual(bench.found(), [[60, 'pending']]);
  });

  test('what failed beside a head that came is said, and each notice once', async () => {
    const bench = new Bench();
    const failures = [1, 2, 3].map((n) => new LogError('log-unavailable', `tile ${n}`));
    for (let i = 0; i < 2; i++)
      await bench.settle({ ...bench.show(50), failures, notices: ['costs more than its budget'] });
    const failed = 'did not answer everything: tile 1; and 2 more like it';
    assert.deepEqual(bench.notices, ['costs more than its budget', failed, failed]);
  });
});

describe('the chain so far', () => {
  /** A chain up to 40, of which the largest tree was public or only seen. */
  async function chained(isPublic: boolean): Promise<Bench> {
    const bench = new Bench();
    bench.see(20);
    await bench.settle(bench.show(40));
    if (!isPublic) {
      // As the direct way leaves it, where the largest tree was proven above the log's own.
      const [seen = assert.fail(), top = assert.fail()] = bench.store.heads.trees(
        bench.log.key.logId,
      );
      bench.store.verdicts.set(top, NOW, { verdict: 'consistent', provenAgainst: undefined });
      assert.equal(seen.provenAgainst, top.id);
    }
    bench.heads.length = 0;
    return bench;
  }
  const outlook = (size: number): Outlook => (size <= 40 ? 'needs-block' : 'here');

  test('of a tree that was only seen and is not known: begins again at the public tree', async () => {
    const bench = await chained(false);
    await bench.settle(bench.show(50), { outlook });
    assert.deepEqual(bench.found(), [
      [20, 'pending'],
      [40, 'pending'],
      [50, 'consistent'],
    ]);
    assert.deepEqual(bench.settler.wanted(bench.log), [40n]);
  });

  test('of a public tree that may yet be known: waits for it, for the time that the log has', async () => {
    const bench = await chained(true);
    bench.show(50);
    bench.see(45);
    await bench.settle(bench.show(51), { outlook });
    assert.deepEqual(bench.found(), [
      [20, 'consistent'],
      [40, 'consistent'],
      [45, 'pending'],
      [50, 'pending'],
      [51, 'pending'],
    ]);
    assert.deepEqual(bench.settler.wanted(bench.log), [40n]);
    bench.now += 2 * DAY;
    await bench.settle(bench.show(52), { outlook });
    assert.deepEqual(
      bench.found().map(([, verdict]) => verdict),
      ['pending', 'pending', 'consistent', 'consistent', 'consistent', 'consistent'],
    );
    await bench.settle(bench.show(52));
    assert(bench.found().every(([, verdict]) => verdict === 'consistent'));
  });

  test('of a public tree whose hashes came: goes on, and nothing else of it is written', async () => {
    const bench = await chained(true);
    await bench.settle(bench.show(50));
    assert(bench.found().every(([, verdict]) => verdict === 'consistent'));
    assert.equal(bench.store.heads.trees(bench.log.key.logId)[0]?.attempts, 1);
  });

  test('with a log that shows a smaller tree than before: it is linked, and that is said', async () => {
    const bench = new Bench();
    await bench.settle(bench.show(30));
    await bench.settle(bench.show(50));
    bench.now += 2 * DAY;
    const smaller = bench.signer.verified(40, honest.root(40), BigInt(bench.now));
    await bench.settle(visitWith({ heads: [smaller], current: smaller }));
    assert(bench.found().every(([, verdict]) => verdict === 'consistent'));
    assert.match(
      bench.notices.join(),
      /shows a tree of size 40, although it had signed one of size 50/,
    );
  });
});

describe('a final tree in the log list', () => {
  const listed = (size: number, root: MerkleHash): Partial<Log> => ({
    state: 'readonly',
    finalTree: { treeSize: BigInt(size), rootHash: root },
  });

  for (const [what, size, root, shown, notices] of [
    ['that the log reached', 50, honest.root(50), 50, []],
    ['below the public one', 40, honest.root(40), 50, []],
    ['that the public one contradicts', 40, forked.root(40), 50, [/contradicts.*not signed/]],
    ['of another root for its size', 50, forked.root(50), 50, [/contradicts.*not signed/]],
    ['that it does not show', 60, honest.root(60), 50, [/cannot be held against its final tree/]],
  ] as const)
    test(what, async () => {
      const bench = new Bench(listed(size, root));
      for (const days of [0, 2, 0]) {
        bench.now += days * DAY;
        await bench.settle(bench.show(shown));
      }
      assert.equal(bench.notices.length, notices.length, bench.notices.join());
      for (const [i, notice] of notices.entries()) assert.match(bench.notices[i] ?? '', notice);
      assert.deepEqual(bench.evidence(), []);
    });

  test('that only a block brings is wanted before all that was seen', async () => {
    const bench = new Bench(listed(40, honest.root(40)));
    bench.see(30);
    await bench.settle(bench.show(50), { outlook: (size) => (size < 50 ? 'needs-block' : 'here') });
    assert.deepEqual(bench.settler.wanted(bench.log), [40n, 30n]);
  });
});

describe('settling that fails', () => {
  test('for one tree: the others have their verdicts, and it is said', async () => {
    const bench = new Bench();
    bench.see(20).see(30).see(40);
    const known = bench.known();
    const visit = bench.show(50);
    const comparison = known.comparison.bind(known);
    known.comparison = (size) => {
      if (size === 30n) throw new TypeError('a bug');
      return comparison(size);
    };
    await assert.rejects(bench.settler.settle(bench.log, known, visit), /a bug/);
    assert.deepEqual(bench.found(), [
      [20, 'consistent'],
      [30, 'pending'],
      [40, 'consistent'],
      [50, 'consistent'],
    ]);
  });

  test('is broken off between two turns, and goes on where it was', async () => {
    const stop = new AbortController();
    const bench = new Bench();
    const settler = new Settler({ ...bench.context, signal: stop.signal });
    const sizes = Array.from({ length: 50 }, (_, i) => i + 1);
    for (const size of sizes) bench.see(size);
    const visit = bench.show(SIZE);
    const known = bench.known();
    const comparison = known.comparison.bind(known);
    known.comparison = (size) => {
      if (size === 25n) {
        stop.abort();
        const until = performance.now() + 10;
        while (performance.now() < until);
      }
      return comparison(size);
    };
    await assert.rejects(settler.settle(bench.log, known, visit), { name: 'AbortError' });
    const done = bench.found().filter(([, verdict]) => verdict === 'consistent').length;
    assert(done >= 26 && done < 50, `${done}`);
    await bench.settle(bench.show(SIZE));
    assert(bench.found().every(([, verdict]) => verdict === 'consistent'));
  });
});

const OUTLOOKS = ['here', 'here', 'coming', 'needs-block', 'refused'] as const;
const branches: readonly (typeof honest)[] = [honest, forked, treeOf(SIZE, 'c', 8)];

interface Round {
  readonly seen: readonly (readonly [branch: number, size: number])[];
  readonly grown: number;
  readonly outlooks: readonly Outlook[];
  readonly days: number;
  /** The branch that the log shows to everybody. */
  readonly shown: number;
}

const rounds = (mostBranch: number, mostShown = 0): fc.Arbitrary<Round[]> =>
  fc.array(
    fc.record({
      seen: fc.array(
        fc.tuple(fc.integer({ min: 0, max: mostBranch }), fc.integer({ min: 0, max: SIZE })),
        { maxLength: 8 },
      ),
      grown: fc.integer({ min: 0, max: 25 }),
      outlooks: fc.array(fc.constantFrom(...OUTLOOKS), {
        minLength: SIZE + 1,
        maxLength: SIZE + 1,
      }),
      days: fc.integer({ min: 0, max: 2 }),
      shown: fc.integer({ min: 0, max: mostShown }),
    }),
    { minLength: 1, maxLength: 5 },
  );

/** Settles round after round; `check` is told what is known. */
async function play(
  played: readonly Round[],
  check: (bench: Bench, known: HashTable) => void,
): Promise<void> {
  const bench = new Bench();
  let size = 1;
  let tree = honest;
  for (const { seen, grown, outlooks, days, shown } of played) {
    bench.now += days * DAY;
    for (const [branch, of] of seen) bench.see(of, branches[branch]?.root(of));
    size = Math.min(SIZE, size + grown);
    // Whoever follows the log begins anew where its trees contradict each other.
    if (tree !== branches[shown]) bench.heads.length = 0;
    tree = branches[shown] ?? honest;
    const visit = bench.show(size, tree.root(size));
    const known = bench.known({ tree, outlook: (each) => outlooks[each] ?? 'here' });
    await bench.settler.settle(bench.log, known, visit);
    check(bench, known);
  }
}

describe('whatever was seen, and whatever is known', () => {
  test('an honest log is accused of nothing, and what is known of it is consistent', async () => {
    await fc.assert(
      fc.asyncProperty(rounds(0), (played) =>
        play(played, (bench, known) => {
          assert.deepEqual(bench.evidence(), []);
          for (const [size, verdict] of bench.found()) {
            assert.notEqual(verdict, 'fork-proven');
            const isKnown = known.comparison(BigInt(size)) !== undefined;
            if (isKnown) assert.equal(verdict, 'consistent', `${size}`);
          }
        }),
      ),
      { numRuns: 30 },
    );
  });

  test('a fork is convicted where it is known, and nothing off the public tree is consistent', async () => {
    await fc.assert(
      fc.asyncProperty(rounds(branches.length - 1), (played) =>
        play(played, (bench, known) => {
          const trees = bench.store.heads.trees(bench.log.key.logId);
          for (const { treeSize, rootHash, verdict } of trees) {
            const isPublic = Buffer.from(rootHash).equals(honest.root(Number(treeSize)));
            if (verdict === 'consistent') assert(isPublic, `${treeSize}`);
            if (known.comparison(treeSize) !== undefined && !isPublic)
              assert.equal(verdict, 'fork-proven', `${treeSize}`);
          }
          const convicted = trees.filter(({ verdict }) => verdict === 'fork-proven').length;
          assert(bench.evidence().length >= Number(convicted > 0));
          for (const path of bench.evidence()) assertStands(path);
        }),
      ),
      { numRuns: 30 },
    );
  });

  test('of a log that turns from one history to another, no two trees are consistent that contradict each other', async () => {
    const isOf = (branch: (typeof branches)[number], { treeSize, rootHash }: TreeRoot): boolean =>
      equalHash(branch.root(Number(treeSize)), rootHash);
    await fc.assert(
      fc.asyncProperty(rounds(branches.length - 1, branches.length - 1), (played) =>
        play(played, (bench) => {
          const consistent = bench.store.heads
            .trees(bench.log.key.logId)
            .filter(({ verdict }) => verdict === 'consistent');
          assert(
            branches.some((branch) => consistent.every((tree) => isOf(branch, tree))),
            consistent.map(({ treeSize }) => treeSize).join(),
          );
          for (const path of bench.evidence()) assertStands(path);
        }),
      ),
      { numRuns: 40 },
    );
  });
});
