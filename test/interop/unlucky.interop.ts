// SPDX-License-Identifier: Apache-2.0
/**
 * Following real logs (src/follow) as an unlucky user does: they start, stop and collect tiles, are
 * of awkward sizes, limit what they give, and stand behind front ends that are broken, behind or
 * busy. Whatever happens, no log is accused, and once it is over everything is known: the root of
 * every tree that the log ever signed in front of us, computed here, is the one that it signed.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { visit, type FollowOptions, type Visit } from '../../src/follow/follower.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import { uniform } from '../../src/base/chance.ts';
import { openIdentity } from '../../src/http/proxy.ts';
import type { Log } from '../../src/logs/log.ts';
import { parseCheckpoint, treeHeadOf } from '../../src/statements/checkpoint.ts';
import { treeHeadSchema } from '../../src/statements/json.ts';
import { toLogKey } from '../../src/statements/key.ts';
import type { Statement } from '../../src/statements/statement.ts';
import { eventually } from '../support/eventually.ts';
import { startMicrosocks, type Microsocks } from '../support/microsocks.ts';
import { FrontEnd, type Answer } from './access-log.ts';
import { Classic, removeLogs, Tiled, type Kind, type RunningLog } from './peers.ts';

const DAY = 86_400_000;
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

/** Somebody who follows a log through a front end, and every head that the log itself had. */
class Follower {
  readonly front: FrontEnd;
  readonly heads: Statement[] = [];
  readonly #log: Log;
  readonly #hashes = HashStore.inMemory();
  #running: RunningLog;
  #now = Date.now();

  private constructor(kind: Kind, running: RunningLog, front: FrontEnd) {
    this.#running = running;
    this.front = front;
    this.#log = {
      key: toLogKey(Buffer.from(kind.key)),
      description: 'Interop',
      url: front.url,
      api: kind.api === 'logs' ? 'rfc6962' : 'static-ct',
      mmd: 86_400,
      allowPrivateAddress: true,
    };
  }

  static async of(kind: Kind, running?: RunningLog): Promise<Follower> {
    running ??= await kind.make();
    const front = await FrontEnd.start(running.url);
    fronts.push(front);
    return new Follower(kind, running, front);
  }

  async fill(entries: number): Promise<void> {
    await this.#running.fill(entries);
    const head = await this.#running.head();
    const parsed = head.startsWith('{')
      ? treeHeadSchema.parse(JSON.parse(head))
      : treeHeadOf(parseCheckpoint(head), this.#log.key.logId);
    assert(parsed !== undefined);
    this.heads.push(parsed);
  }

  async restart(): Promise<void> {
    this.#running = await this.#running.restart();
    this.front.upstream = this.#running.url;
  }

  /** A day after the last visit. */
  visit(options: Partial<FollowOptions> = {}): Promise<Visit> {
    this.#now += DAY;
    const proxy = { host: '127.0.0.1', port: microsocks.port };
    return visit(this.#log, {
      hashes: this.#hashes,
      open: () => openIdentity(proxy, { allowPrivateAddress: true }),
      paths: 2,
      budget: 64_000_000,
      window: 14 * DAY,
      blocks: 2,
      now: () => this.#now,
      chance: uniform,
      sleep: async (milliseconds) => {
        await sleep(milliseconds);
        this.#now += milliseconds;
      },
      signal: new AbortController().signal,
      wanted: () => [],
      ...options,
    });
  }

  knows(size: bigint): boolean {
    return this.#hashes.of(this.#log).comparison(size) !== undefined;
  }

  /** Every head of the log is known, with the root that it signed. */
  assertKnowsAll(): void {
    const known = this.#hashes.of(this.#log);
    for (const { treeSize, rootHash } of this.heads) {
      // The tree without entries needs no proof.
      if (treeSize === 0n) continue;
      const root = known.comparison(treeSize)?.root;
      assert.equal(hex(root), hex(rootHash), `root of size ${treeSize}`);
    }
  }
}

const hex = (bytes: Uint8Array | undefined): string =>
  bytes === undefined ? 'not known' : Buffer.from(bytes).toString('hex');

const messages = ({ failures }: Visit): string => failures.map(String).join('\n');

function assertQuiet(seen: Visit): void {
  assert.deepEqual(seen.failures, [], messages(seen));
  assert.deepEqual(seen.forks, []);
}

/** What a front end does for one visit to requests for leaves, and at times for heads. */
const FAULTS: readonly {
  readonly name: string;
  readonly instead: (front: FrontEnd) => FrontEnd['instead'];
  /** The visit succeeds all the same. */
  readonly isHarmless?: boolean;
}[] = [
  { name: '404 for the leaves', instead: () => leaves(() => ({ status: 404 })) },
  { name: '400 for the leaves', instead: () => leaves(() => ({ status: 400 })) },
  { name: '500 for the leaves', instead: () => leaves(() => ({ status: 500 })) },
  {
    name: 'HTML for the leaves',
    instead: () => leaves(() => ({ status: 200, body: '<html>busy</html>' })),
  },
  { name: 'nothing for the leaves', instead: () => leaves(() => ({ status: 200 })) },
  {
    name: 'leaves cut short',
    instead: () => leaves(async (theirs) => ({ status: 200, body: half(await theirs()) })),
  },
  {
    name: 'the connection ends among the leaves',
    instead: () => leaves(async (theirs) => ({ status: 0, body: half(await theirs()) })),
  },
  {
    name: 'other leaves',
    instead: () => leaves(async (theirs) => ({ status: 200, body: changed(await theirs()) })),
  },
  {
    name: 'every third request for leaves fails',
    instead: () => {
      let count = 0;
      return leaves((theirs) => (++count % 3 === 0 ? { status: 503 } : theirs()));
    },
  },
  {
    name: 'a request to wait a while among the leaves',
    instead: () => {
      let count = 0;
      return leaves((theirs) =>
        ++count % 4 === 1 ? { status: 429, headers: { 'retry-after': '0' } } : theirs(),
      );
    },
    isHarmless: true,
  },
  {
    name: 'a request to wait for long',
    instead: () => leaves(() => ({ status: 429, headers: { 'retry-after': '86400' } })),
  },
  {
    name: 'no answer for the head on one path',
    instead: () => {
      let count = 0;
      return (asked, theirs) => (isHead(asked.path) && count++ === 0 ? { status: 502 } : theirs());
    },
  },
];

const isHead = (path: string): boolean => /checkpoint$|get-sth$/.test(path);
const isLeaves = (path: string): boolean => /get-entries|tile\/0\//.test(path);

function leaves(
  answer: (theirs: () => Promise<Answer>) => Promise<Answer> | Answer,
): FrontEnd['instead'] {
  return ({ path }, theirs) => (isLeaves(path) ? answer(theirs) : undefined);
}

async function answerOf(url: string): Promise<Answer> {
  const answer = await fetch(url);
  return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) };
}

const bytesOf = ({ body = '' }: Answer): Buffer => Buffer.from(body);

function half(answer: Answer): Buffer {
  const bytes = bytesOf(answer);
  return bytes.subarray(0, bytes.length >> 1);
}

/** The same in form, with other hashes of leaves. */
function changed(answer: Answer): Buffer | string {
  const bytes = bytesOf(answer);
  if (!bytes.subarray(0, 2).equals(Buffer.from('{"')))
    return Buffer.from(bytes.map((byte) => byte ^ 1));
  const { entries } = JSON.parse(bytes.toString()) as { entries: { leaf_input: string }[] };
  return JSON.stringify({
    entries: entries.map((entry) => ({
      ...entry,
      leaf_input: Buffer.from(`not ${entry.leaf_input}`).toString('base64'),
    })),
  });
}

for (const kind of [new Tiled({ collected: 0.2 }), new Classic({ maxGetEntries: 32 })] as const) {
  describe(kind.name, () => {
    test('of every awkward size, over restarts', async () => {
      const follower = await Follower.of(kind);
      const { heads } = follower;
      for (const size of [0, 1, 255, 256, 257, 511, 512, 513, 4096, 65_535, 65_536, 65_537]) {
        await follower.fill(size - Number(heads.at(-1)?.treeSize ?? 0n));
        if (size % 256 === 1) await follower.restart();
        const seen = await follower.visit();
        assertQuiet(seen);
        assert.equal(seen.current?.treeSize, BigInt(size));
        follower.assertKnowsAll();
      }
    });

    test('heads between the visits', async () => {
      const follower = await Follower.of(kind);
      for (const growth of [[300], [1, 2, 250], [256, 700, 1], [0]]) {
        for (const entries of growth) await follower.fill(entries);
        assertQuiet(await follower.visit());
        follower.assertKnowsAll();
      }
    });

    for (const { name, instead, isHarmless = false } of FAULTS) {
      test(name, async () => {
        const follower = await Follower.of(kind);
        for (const before of [0, 700]) {
          await follower.fill(before);
          assertQuiet(await follower.visit());
          await follower.fill(777);
          follower.front.instead = instead(follower.front);
          follower.front.take();
          const unlucky = await follower.visit();
          assert.deepEqual(unlucky.forks, []);
          assert.equal(unlucky.failures.length === 0, isHarmless, messages(unlucky));
          assert.ok(follower.front.take().length < 200);
          follower.front.instead = () => undefined;
          assertQuiet(await follower.visit());
          follower.assertKnowsAll();
        }
      });
    }

    test('a visit that is broken off among the leaves', async () => {
      const follower = await Follower.of(kind);
      for (const growth of [700, 900]) {
        await follower.fill(growth);
        const stop = new AbortController();
        follower.front.instead = leaves((theirs) => {
          stop.abort();
          return theirs();
        });
        await assert.rejects(follower.visit({ signal: stop.signal }));
        follower.front.instead = () => undefined;
        assertQuiet(await follower.visit());
        follower.assertKnowsAll();
      }
    });

    test('a head shown so late that its partial tiles are gone', async () => {
      const follower = await Follower.of(kind);
      const path = kind.api === 'logs' ? 'ct/v1/get-sth' : 'checkpoint';
      await follower.fill(700);
      const old = await (await fetch(`${follower.front.url}${path}`)).text();
      await follower.fill(3000);
      if (kind.api === 'tiled_logs')
        await eventually(
          async () => (await fetch(`${follower.front.url}tile/0/002.p/188`)).status === 404,
          'the log to collect a partial tile',
        );
      follower.heads.pop();
      follower.front.instead = (asked) =>
        asked.path === path ? { status: 200, body: old } : undefined;
      const seen = await follower.visit();
      assertQuiet(seen);
      assert.equal(seen.current?.treeSize, 700n);
      follower.assertKnowsAll();
    });

    test('a log that is too large for the budget gives blocks', async () => {
      const follower = await Follower.of(kind);
      for (const growth of [63, 1, 236, 4700, 15_000, 20_000]) await follower.fill(growth);
      // All but the newest few tiles are out of reach.
      const wanted = follower.heads.slice(0, -1).map(({ treeSize }) => treeSize);
      // Each of five batches of 64 blocks has a place for one of them.
      for (let i = 0; i < 500; i++) {
        const seen = await follower.visit({
          budget: 1_000_000,
          window: DAY,
          blocks: 64,
          wanted: () => wanted.filter((size) => !follower.knows(size)),
        });
        assert.deepEqual(seen.failures, [], messages(seen));
        if (wanted.every((size) => follower.knows(size))) break;
      }
      follower.assertKnowsAll();
    });

    test('two copies of one key, on one path each and in turn: the log convicts itself', async () => {
      const [one, other] = await kind.makeTwo(3);
      const follower = await Follower.of(kind, one);
      await one.fill(400);
      await other.fill(300);
      let count = 0;
      follower.front.instead = ({ path }) =>
        isHead(path) && count++ % 2 === 1 ? answerOf(`${other.url}${path}`) : undefined;
      const both = await follower.visit();
      assert.equal(both.forks.length, 1, messages(both));
      // Then it shows one history alone, and then the other.
      for (const { url } of [one, other]) {
        follower.front.upstream = url;
        follower.front.instead = () => undefined;
        await follower.visit();
      }
      await other.fill(500);
      const later = await follower.visit();
      assert.deepEqual(later.failures, [], messages(later));
      assert.equal(later.current?.treeSize, 803n);
    });

    test('the log is behind on one path, and on all of them', async () => {
      const follower = await Follower.of(kind);
      const { front } = follower;
      const path = kind.api === 'logs' ? 'ct/v1/get-sth' : 'checkpoint';
      await follower.fill(700);
      const old = await (await fetch(`${front.url}${path}`)).text();
      assertQuiet(await follower.visit());
      await follower.fill(100);
      for (const behind of [1, 2]) {
        let count = 0;
        front.instead = (asked) =>
          asked.path === path && count++ < behind ? { status: 200, body: old } : undefined;
        const seen = await follower.visit();
        assertQuiet(seen);
        assert.equal(seen.current?.treeSize, behind === 1 ? 800n : 700n);
        follower.assertKnowsAll();
      }
    });
  });
}
