// SPDX-License-Identifier: Apache-2.0
/** What goes to an endpoint that collects tree heads: the same bytes, whatever was seen. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LOG_API_SOURCE } from '../../src/ask/asker.ts';
import { pollinateThrough, type PollinateOptions } from '../../src/challenger/pollinate.ts';
import { StoreError } from '../../src/disk/error.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import { visit } from '../../src/follow/follower.ts';
import type { Fetch } from '../../src/http/request.ts';
import { logIdText, type Log } from '../../src/logs/log.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import type { VerifiedStatement } from '../../src/statements/statement.ts';
import { memoryStore } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import { FakeApi } from '../support/fake-api.ts';
import { fc, random, SEED } from '../support/random.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;
const tree = treeOf(200);

const apis = [new FakeApi(tree, 40), new FakeApi(tree, 60)];
const logs = apis.map(({ log }, i) => log.asLog({ url: `https://log.test/${i}/` }));
/** In a list, but it never answers; what is known of it was seen in passing. */
const silent = new SigningLog();
const listed: readonly Log[] = [...logs, silent.asLog({ url: 'https://log.test/silent/' })];

/** What both logs showed at three visits. */
const hashes = HashStore.inMemory();
for (const [i, log] of logs.entries())
  for (let hours = 3; hours > 0; hours--) {
    const api = apis[i] ?? assert.fail();
    const below = random(SEED + hours);
    api.size += 10;
    api.timestamp = BigInt(NOW - hours * HOUR);
    await visit(log, {
      hashes,
      open: () => ({ fetch: api.fetch, close: () => undefined }),
      paths: 1,
      budget: 64_000_000,
      window: 14 * 24 * HOUR,
      blocks: 0,
      now: () => NOW - hours * HOUR,
      chance: () => below(2 ** 30) / 2 ** 30,
      sleep: () => Promise.resolve(),
      signal: new AbortController().signal,
      wanted: () => [],
    });
  }

interface Pollination {
  /** What was posted, that the way was closed, and what was reported, in order. */
  readonly events: readonly string[];
  readonly body: string;
}

/** What the challenger does with a pollinator over this store. */
async function pollination(
  store: PollinateOptions['store'],
  answer = '{"sths":[]}',
): Promise<Pollination> {
  const events: string[] = [];
  let posted = '';
  const fetch: Fetch = (url, { post = '' } = {}) => {
    events.push(url);
    posted = post;
    return Promise.resolve({ status: 200, retryAfter: undefined, body: Buffer.from(answer) });
  };
  await pollinateThrough('https://pool.test/', {
    store,
    evidenceDirectory: '/nonexistent',
    hashes,
    known: () => listed,
    proxies: [{ host: 'proxy.test', port: 1 }],
    open: () => ({ fetch, close: () => void events.push('closed') }),
    now: () => NOW,
    signal: new AbortController().signal,
    onPollinated: ({ received }) => void events.push(`${received} received`),
    onViewed: () => assert.fail('it is no view'),
    onPollinationFailed: (_, { code }) => void events.push(code),
  });
  return { events, body: posted };
}

/** The bytes that it posts. */
async function posted(store: Store): Promise<string> {
  const { events, body } = await pollination(store);
  assert.deepEqual(events, ['https://pool.test/', 'closed', '0 received']);
  return body;
}

function record(store: Store, source: string, heads: readonly VerifiedStatement[], at = NOW): void {
  store.heads.record(
    heads.map((head) => ({ head, source, firstSeen: at, lastSeen: at, count: 1 })),
  );
}

/** The heads that the logs showed, signed once more: ECDSA has many signatures for one head. */
const again = apis.flatMap(({ log: signing }, i) =>
  hashes
    .rows(logs[i] ?? assert.fail())
    .heads()
    .map(({ head: { treeSize, rootHash, timestamp } }) =>
      signing.verified(treeSize, rootHash, timestamp),
    ),
);

describe('what is sent to a pollinator', () => {
  test('is the newest heads that the logs showed to everybody, as they signed them', async () => {
    const { sths } = JSON.parse(await posted(memoryStore())) as {
      sths: { log_id: string; tree_size: number; tree_head_signature: string }[];
    };
    assert.deepEqual(
      sths.map(({ log_id, tree_size }) => [log_id, tree_size]),
      logs.flatMap(({ key }, i) =>
        [30, 20, 10].map((grown) => [logIdText(key.logId), 40 + 20 * i + grown]),
      ),
    );
  });

  const seen: Record<string, (store: Store) => void> = {
    'the same heads, on the wire before, with other signatures': (store) =>
      record(store, 'eth0', again, NOW - 10 * HOUR),
    'the same heads, from the API in the store, with other signatures': (store) =>
      record(store, LOG_API_SOURCE, again.toReversed()),
    'newer heads': (store) =>
      record(
        store,
        'eth0',
        apis.map(({ log }) => log.verified(150, tree.root(150), BigInt(NOW))),
      ),
    'heads of a log that shows none': (store) =>
      record(store, 'eth0', [silent.verified(5, tree.root(5), BigInt(NOW))]),
    'more heads than anybody looks through': (store) => {
      const { log } = apis[0] ?? assert.fail();
      const head = log.verified(150, tree.root(150), BigInt(NOW));
      const flood = Array.from({ length: 10_001 }, (_, i) => ({
        ...head,
        timestamp: BigInt(NOW + i),
      }));
      record(store, LOG_API_SOURCE, again);
      record(store, 'eth0', flood);
    },
  };
  for (const [name, see] of Object.entries(seen))
    test(`is the same where this was seen: ${name}`, async () => {
      const store = memoryStore();
      see(store);
      assert.equal(await posted(store), await posted(memoryStore()));
    });

  test('is the same whatever was seen', async () => {
    const nothing = await posted(memoryStore());
    const head = fc.record({
      of: fc.constantFrom(...apis.map(({ log }) => log), silent),
      size: fc.integer({ min: 0, max: 200 }),
      at: fc.integer({ min: -20 * 24, max: 1 }),
      source: fc.constantFrom('eth0', LOG_API_SOURCE, 'pollination:pool.test'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(head), async (heads) => {
        const store = memoryStore();
        for (const { of, size, at, source } of heads)
          record(store, source, [of.verified(size, tree.root(size), BigInt(NOW + at * HOUR))]);
        assert.equal(await posted(store), nothing);
      }),
      { numRuns: 50 },
    );
  });
});

describe('what comes from a pollinator', () => {
  const head = silent.verified(9, tree.root(9), BigInt(NOW));
  const answer = JSON.stringify({
    sths: [{ log_id: logIdText(silent.key.logId), ...treeHeadToJson(head) }],
  });

  test('is recorded when the way to it is closed: how long that takes is for nobody to see', async () => {
    const store = memoryStore();
    const { events } = await pollination(store, answer);
    assert.deepEqual(events, ['https://pool.test/', 'closed', '1 received']);
    assert.equal(store.heads.count(), 1);
  });

  test('ends nothing where it cannot be recorded', async () => {
    const store = memoryStore();
    const heads: Store['heads'] = Object.create(store.heads, {
      record: {
        value: () => {
          throw new StoreError('store-failed', 'the disk is full');
        },
      },
    }) as Store['heads'];
    const { evidence, logs: known, verdicts } = store;
    const { events } = await pollination({ heads, evidence, logs: known, verdicts }, answer);
    assert.deepEqual(events, ['https://pool.test/', 'closed', 'store-failed']);
  });
});
