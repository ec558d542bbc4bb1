/** The challenger as a service: a store in memory, a log in memory, and no process. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import { StoreError } from '../../src/disk/error.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import { ProxyError } from '../../src/http/error.ts';
import type { Fetch } from '../../src/http/request.ts';
import { logIdText, type Log } from '../../src/logs/log.ts';
import {
  challengeContinually,
  challengeOnce,
  openChallengerStore,
  type ChallengeEvent,
  type ChallengeServiceOptions,
} from '../../src/services/challenge.ts';
import { memoryStore, stateAt, storeExists } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import { eventually } from '../support/eventually.ts';
import { FakeApi } from '../support/fake-api.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const NOW = 1_800_000_000_000;
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

/** A schedule that a failed test leaves running must not keep this file from ending. */
const running: AbortController[] = [];
afterEach(() => {
  for (const stop of running.splice(0)) stop.abort();
});

interface Setting {
  readonly options: ChallengeServiceOptions;
  readonly store: Store;
  readonly events: ChallengeEvent[];
  /** One entry for each identity that was opened: whether it is closed. */
  readonly closed: boolean[];
  readonly stop: AbortController;
}

function setting(
  logs: readonly Log[],
  fetch: Fetch,
  more: Partial<ChallengeServiceOptions> = {},
): Setting {
  const store = memoryStore();
  const [events, closed]: [ChallengeEvent[], boolean[]] = [[], []];
  const stop = new AbortController();
  running.push(stop);
  const options: ChallengeServiceOptions = {
    storeFile: { store, use: (work) => work(), replaceDamaged: () => assert.fail('damaged') },
    evidenceDirectory: directory,
    known: () => logs,
    proxies: [{ host: 'proxy.test', port: 1 }],
    open: () => {
      const i = closed.push(false) - 1;
      return { fetch, close: () => void (closed[i] = true) };
    },
    paths: 2,
    hashes: HashStore.inMemory(),
    pollinators: [],
    now: () => NOW,
    signal: stop.signal,
    onEvent: (event) => void events.push(event),
    ...more,
  };
  return { options, store, events, closed, stop };
}

function see(store: Store, log: SigningLog, size: number, root = treeOf(size).root()): void {
  const head = log.verified(size, root, BigInt(NOW));
  store.heads.record([{ head, source: 'eth0', firstSeen: NOW, lastSeen: NOW, count: 1 }]);
}

test('the challenger becomes its account before it opens its store', () => {
  const state = stateAt(join(directory, 'state'));
  const { store } = openChallengerStore(
    state,
    undefined,
    (said) => assert.fail(said),
    (of, user) => {
      assert.deepEqual([storeExists(of), user], [false, undefined]);
      return user;
    },
  );
  store.close();
  assert(storeExists(state));
});

describe('a round', () => {
  test('asks the logs that were seen, reports each verdict, and closes its identities', async () => {
    const api = new FakeApi(treeOf(40));
    const [unseen, unknown] = [new SigningLog(), new SigningLog()];
    const logs = [api.log.asLog(), unseen.asLog({ description: 'Unseen' })];
    const { options, store, events, closed } = setting(logs, api.fetch);
    see(store, api.log, 20);
    see(store, unknown, 5);
    const { verdicts, failed, evidence } = await challengeOnce({ ...options, maxDelay: 0 });
    assert.deepEqual([verdicts.consistent, failed, evidence], [2, 0, []]);
    assert.deepEqual(closed, [true, true]);
    const [notAsked, waiting, ...rest] = events;
    assert(notAsked?.event === 'not-asked' && notAsked.log === logIdText(unknown.key.logId));
    assert.deepEqual(waiting, { event: 'waiting', log: api.log.asLog().description, seconds: 0 });
    assert.deepEqual(
      rest.map((each) => (each.event === 'verdict' ? [each.treeSize, each.against] : each)),
      [
        [40n, 40n],
        [20n, 40n],
      ],
    );
  });

  test('has evidence of a fork on disk when it reports it', async () => {
    const api = new FakeApi(treeOf(40));
    const { options, store, events } = setting([api.log.asLog()], api.fetch);
    see(store, api.log, 20, treeOf(20, 'b').root());
    const { verdicts, evidence } = await challengeOnce({ ...options, maxDelay: 0 });
    assert.equal(verdicts['fork-proven'], 1);
    const fork = events.find((each) => each.event === 'verdict' && each.treeSize === 20n);
    assert(fork?.event === 'verdict');
    assert.deepEqual(evidence, [fork.evidence]);
  });

  test('counts logs and pollinators that could not be asked', async () => {
    const log = new SigningLog();
    const fetch: Fetch = (url) =>
      Promise.resolve({ status: 503, retryAfter: undefined, body: Buffer.from(url) });
    const url = 'https://pollen.test/';
    const { options, store, events } = setting([log.asLog()], fetch, { pollinators: [url] });
    see(store, log, 20);
    const { verdicts, failed } = await challengeOnce({ ...options, maxDelay: 0 });
    assert.deepEqual([failed, verdicts.unreachable], [2, 1]);
    const failures = events.filter((each) => each.event === 'log-failed');
    assert.deepEqual(
      failures.map(({ log, code }) => [log, code]),
      [
        [url, 'http-bad-answer'],
        [log.asLog().description, 'log-unavailable'],
      ],
    );
  });

  test('ends if the proxy does not answer', async () => {
    const log = new SigningLog();
    const error = new ProxyError('proxy-unavailable', 'nobody there');
    const { options, store, closed } = setting([log.asLog()], () => Promise.reject(error));
    see(store, log, 20);
    await assert.rejects(challengeOnce({ ...options, maxDelay: 0 }), error);
    assert.deepEqual(closed, [true, true]);
  });
});

describe('left running', () => {
  const questions = 3;

  test('asks every log in service as many questions, seen or not, until it is told to stop', async () => {
    const apis = [new FakeApi(treeOf(40)), new FakeApi(treeOf(40)), new FakeApi(treeOf(40))];
    const logs = apis.map(({ log }, i) =>
      log.asLog({ url: `https://log.test/${i}/`, state: i === 2 ? 'retired' : 'usable' }),
    );
    const fetch: Fetch = (url) =>
      apis[Number(new URL(url).pathname.split('/')[1])]?.fetch(url) ?? assert.fail(url);
    const { options, store, events, closed, stop } = setting(logs, fetch, { paths: 1 });
    see(store, apis[0]?.log ?? assert.fail(), 20);
    const ended = challengeContinually({
      ...options,
      every: 0.02,
      questions,
      onProxyFailed: () => assert.fail(),
    });
    const heads = (api: FakeApi): number =>
      api.requests.filter((each) => each === 'get-sth').length;
    const [seen, unseen, retired] = apis as [FakeApi, FakeApi, FakeApi];
    await eventually(
      () => heads(seen) > 3 && heads(unseen) > 3,
      () => `several challenges: ${JSON.stringify(apis.map(heads))}`,
    );
    stop.abort();
    await ended;
    assert.deepEqual(events[0], { event: 'started', logs: 2, every: 0.02, questions });
    assert.equal(heads(retired), 0);
    for (const api of [seen, unseen]) {
      // The last challenge may have been broken off.
      const proofs = api.requests.length - heads(api);
      assert(heads(api) * questions - proofs <= questions && proofs <= heads(api) * questions);
    }
    assert(closed.every((each) => each));
  });

  test('says once that the proxy does not answer, and again after it has', async () => {
    const api = new FakeApi(treeOf(40));
    let isDown = true;
    const fetch: Fetch = (url) =>
      isDown ? Promise.reject(new ProxyError('proxy-unavailable', 'nobody there')) : api.fetch(url);
    const { options, events, closed, stop } = setting([api.log.asLog()], fetch);
    let said = 0;
    const ended = challengeContinually({
      ...options,
      every: 0.01,
      questions,
      onProxyFailed: () => (said += 1),
    });
    const opened = (count: number): Promise<void> => {
      const enough = closed.length + count;
      return eventually(() => closed.length >= enough, `${count} more identities`).then(
        () => undefined,
      );
    };
    await opened(8);
    assert.equal(said, 1);
    isDown = false;
    await eventually(() => events.some(({ event }) => event === 'verdict'), 'a verdict');
    isDown = true;
    await eventually(() => said === 2, 'the second time');
    await opened(8);
    assert.equal(said, 2);
    stop.abort();
    await ended;
  });

  test('goes on in another database when its own turns out damaged, and ends for a bug', async () => {
    const api = new FakeApi(treeOf(40));
    let failure: Error | undefined;
    const fetch: Fetch = (url) =>
      failure === undefined ? api.fetch(url) : Promise.reject(failure);
    let replaced = 0;
    const { options, store, stop } = setting([api.log.asLog()], fetch);
    const storeFile = { ...options.storeFile, replaceDamaged: () => void (replaced += 1) };
    const ended = challengeContinually({
      ...options,
      storeFile,
      every: 0.01,
      questions,
      onProxyFailed: () => assert.fail(),
    });
    failure = new StoreError('store-damaged', 'the database is damaged');
    await eventually(() => replaced > 1, 'damage twice');
    failure = new TypeError('a bug');
    await assert.rejects(ended, failure);
    stop.abort();
    store.close();
  });
});
