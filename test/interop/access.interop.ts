// SPDX-License-Identifier: Apache-2.0
/**
 * A log that hands each of five networks an honest head of another size, and looks for the networks
 * in its own access log. The real `ctga challenge` runs over the store of each network, and over an
 * empty one, against one log that grows and restarts; every run comes through a front end of its
 * own, so that this adversary knows even which run is which. What it is asked must be the same in
 * all of them.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { hashLeaf } from '../../src/merkle/hash.ts';
import { eventually } from '../support/eventually.ts';
import { startMicrosocks, type Microsocks } from '../support/microsocks.ts';
import { FrontEnd, type Access } from './access-log.ts';
import { checkEvidence, Installation, verdictsOf, type SaidVerdict } from './installation.ts';
import { Classic, removeLogs, Tiled, type Kind, type RunningLog } from './peers.ts';

let microsocks: Microsocks;
const fronts: FrontEnd[] = [];

before(async () => {
  microsocks = await startMicrosocks();
});
after(() => {
  for (const front of fronts) front.close();
  microsocks.stop();
  removeLogs();
});

/**
 * By how much the log grows before each head that it hands out: a full tile and some, in the next
 * tile, the end of a tile, its neighbour, and further on.
 */
const GROWTH = [300, 468, 256, 1, 1475];
/** By how much it grows before each visit: to a tile's middle, to its end, and past the next. */
const VISITS = [37, 23, 600];

/** Who asks: the challenger over one store, by a front end of its own. */
interface Run {
  readonly name: string;
  readonly installation: Installation;
  readonly front: FrontEnd;
  readonly seen: readonly number[];
  readonly verdicts: SaidVerdict[];
  /** What the log saw, a visit after the other. */
  readonly visits: Access[][];
}

const sizeOf = (head: string): number =>
  head.startsWith('{')
    ? (JSON.parse(head) as { tree_size: number }).tree_size
    : Number(head.split('\n')[1]);

async function newRun(
  name: string,
  kind: Kind,
  upstream: string,
  heads: readonly string[],
): Promise<Run> {
  const installation = new Installation(kind, microsocks.port);
  for (const head of heads) await installation.see(head);
  const front = await FrontEnd.start(upstream);
  fronts.push(front);
  return { name, installation, front, seen: heads.map(sizeOf), verdicts: [], visits: [] };
}

/** Every run visits the log in the state in which it now is. */
async function visit(runs: readonly Run[], log: RunningLog, how: readonly string[]): Promise<void> {
  await Promise.all(
    runs.map(async ({ installation, front, visits, verdicts }) => {
      front.upstream = log.url;
      const ran = await installation.challenge(front.url, ...how);
      assert([0, 3].includes(ran.code ?? -1), ran.stdout + ran.stderr);
      verdicts.push(...verdictsOf(ran));
      if (ran.code === 3) await checkEvidence(ran);
      visits.push(front.take());
    }),
  );
}

/**
 * What was asked. In which order, and on which of a way's few connections, is a matter of how long
 * answers take.
 */
function asked(accesses: readonly Access[]): string[] {
  return accesses
    .map(({ path, headers, status }) => `${path} ${status} ${headers.join('|')}`)
    .sort();
}

/** The numbers of entries that a request gives away. */
function sizesIn(path: string): number[] {
  return [...path.matchAll(/(?:first|second|tree_size)=(\d+)/g)].map(([, size]) => Number(size));
}

/** The tile's level and width, where it is a partial one. */
function partialTile(path: string): { level: number; width: number } | undefined {
  const [, level, width] = /tile\/(\d)\/.*\.p\/(\d+)$/.exec(path) ?? [];
  return level === undefined ? undefined : { level: Number(level), width: Number(width) };
}

/** No request names a size, or tells one by a tile's width, that the log did not show to all. */
function assertPublic(accesses: readonly Access[], shown: ReadonlySet<number>): void {
  for (const { path } of accesses) {
    for (const size of sizesIn(path)) assert(shown.has(size), path);
    const partial = partialTile(path);
    const widths = [...shown].map((size) => Math.floor(size / 256 ** (partial?.level ?? 0)) % 256);
    assert(partial === undefined || widths.includes(partial.width), path);
  }
}

function lastVerdicts({ verdicts }: Run): Map<number, string> {
  return new Map(verdicts.map(({ treeSize, verdict }) => [treeSize, verdict]));
}

/** Throws AssertionError where the log was not asked the same by all. */
function assertAlike(runs: readonly Run[], shown: ReadonlySet<number>): void {
  const [first] = runs;
  for (const { name, visits } of runs) {
    for (const [i, accesses] of visits.entries()) {
      const theirs = asked(first?.visits[i] ?? []);
      assert.deepEqual(asked(accesses), theirs, `${name}, visit ${i + 1}`);
      assertPublic(accesses, shown);
    }
  }
}

/** A log that grows, with a run for each of the networks, one for none, and one for all. */
async function fiveNetworks(
  kind: Kind,
  growths: readonly number[],
  ...how: readonly string[]
): Promise<{ readonly runs: readonly Run[]; readonly shown: ReadonlySet<number> }> {
  let log = await kind.make();
  const heads: string[] = [];
  for (const growth of GROWTH) {
    await log.fill(growth);
    heads.push(await log.head());
  }
  const runs = [await newRun('nothing', kind, log.url, [])];
  for (const head of heads) runs.push(await newRun(`${sizeOf(head)}`, kind, log.url, [head]));
  runs.push(await newRun('all', kind, log.url, heads));
  const shown = new Set<number>();
  for (const growth of growths) {
    await log.fill(growth);
    if (growth === 23) log = await log.restart();
    shown.add(sizeOf(await log.head()));
    await visit(runs, log, how);
  }
  return { runs, shown };
}

for (const kind of [new Tiled(), new Classic()] as const) {
  describe(kind.name, () => {
    test('five networks, five heads: the log is asked the same of each, and of none', async (context) => {
      const { runs, shown } = await fiveNetworks(kind, VISITS);
      assertAlike(runs, shown);
      for (const run of runs) {
        const verdicts = lastVerdicts(run);
        for (const size of run.seen)
          assert.equal(verdicts.get(size), 'consistent', `${run.name}: ${size}`);
      }
      const requests = runs.map(({ visits }) => visits.map(({ length }) => length).join(' '));
      context.diagnostic(`requests, visit by visit: ${[...new Set(requests)].join('; ')}`);
    });

    test('the same with direct questions: the log tells the networks apart', async () => {
      const { runs, shown } = await fiveNetworks(kind, [37], '--direct-questions');
      assert.throws(() => assertAlike(runs, shown), assert.AssertionError);
      const seen = new Set(runs.map(({ visits }) => asked(visits[0] ?? []).join('\n')));
      // Two neighbours are in one tile.
      assert(seen.size >= GROWTH.length, `${seen.size} of ${runs.length}`);
    });

    test('left running: the same requests, whatever is seen, and when', async () => {
      const log = await kind.make();
      const heads: string[] = [];
      for (const growth of GROWTH) {
        await log.fill(growth);
        heads.push(await log.head());
      }
      heads.push(kind.forge(1000, hashLeaf(randomBytes(32))));
      const [none, all] = [
        await newRun('nothing', kind, log.url, []),
        await newRun('all and a forgery', kind, log.url, heads),
      ];
      let isOver = false;
      const going = [none, all].map(({ installation, front }) =>
        installation.challengeUntil(() => isOver, front.url),
      );
      const shown = new Set<number>();
      for (const growth of VISITS) {
        await log.fill(growth);
        shown.add(sizeOf(await log.head()));
        for (const { front } of [none, all]) {
          // Two visits that began after the log had grown, with two requests for its head in each.
          const before = headRequests(front.accesses);
          await eventually(() => headRequests(front.accesses) >= before + 8, 'visits');
        }
      }
      isOver = true;
      const [, ran] = await Promise.all(going);
      const [ofNone, ofAll] = [none, all].map(({ front }) =>
        [
          ...new Set(front.accesses.map(({ path, headers }) => `${path} ${headers.join('|')}`)),
        ].sort(),
      );
      assert.deepEqual(ofAll, ofNone);
      for (const { front } of [none, all]) assertPublic(front.accesses, shown);
      assert(ran !== undefined);
      const verdicts = verdictsOf(ran);
      const ofForged = verdicts.filter(({ verdict }) => verdict === 'fork-proven');
      assert.deepEqual(
        ofForged.map(({ treeSize }) => treeSize),
        [1000],
      );
      for (const head of heads.slice(0, -1)) {
        const ofIt = verdicts.filter(({ treeSize }) => treeSize === sizeOf(head));
        assert.equal(ofIt.at(-1)?.verdict, 'consistent');
      }
    });

    test('a forked head is convicted, and the log is asked no more than without it', async () => {
      const log = await kind.make();
      await log.fill(1000);
      const forged = kind.forge(777, hashLeaf(randomBytes(32)));
      const runs = [
        await newRun('nothing', kind, log.url, []),
        await newRun('777', kind, log.url, [forged]),
      ];
      const shown = new Set<number>();
      for (const growth of [24, 300]) {
        await log.fill(growth);
        shown.add(sizeOf(await log.head()));
        await visit(runs, log, []);
      }
      assertAlike(runs, shown);
      assert.equal(
        runs[1]?.verdicts.some(({ verdict }) => verdict === 'fork-proven'),
        true,
      );
    });
  });
}

function headRequests(accesses: readonly Access[]): number {
  return accesses.filter(({ path }) => /checkpoint$|get-sth$/.test(path)).length;
}
