// SPDX-License-Identifier: Apache-2.0
/** The challenger as a service: a store in memory, a log in memory, and no process. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
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
import { damage } from '../support/damage.ts';
import { eventually } from '../support/eventually.ts';
import { FakeApi } from '../support/fake-api.ts';
import type { LogRows } from '../../src/follow/log-rows.ts';
import { HashTable } from '../support/known-hashes.ts';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { cosign, noteSigner } from '../../src/statements/cosignature.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { TiledFiles } from '../support/tiled-files.ts';

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

/** What is counted of asking a log. */
function counted(
  { hashes }: ChallengeServiceOptions,
  { key }: SigningLog,
): ReturnType<LogRows['visits']> {
  return hashes.rows({ key }).visits();
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

describe('cosignatures of witnesses', () => {
  for (const directQuestions of [false, true])
    test(`are told of once, below a static-ct checkpoint and in a view${directQuestions ? ', with direct questions' : ''}`, async () => {
      const signer = noteSigner('w.test', 'ML-DSA-44', Buffer.alloc(32, 1));
      const stranger = noteSigner('other.test', 'Ed25519 cosignature', Buffer.alloc(32, 2));
      const log = new SigningLog();
      const files = new TiledFiles(log, treeOf(40));
      const plain = log.checkpoint(40, treeOf(40).root(), files.timestamp);
      const forged = cosign(signer, parseCheckpoint(plain.replace('\n40\n', '\n41\n')), 7n);
      const body = (line: string): Buffer =>
        Buffer.from(plain + cosign(stranger, parseCheckpoint(plain), 8n) + line);
      files.instead = (path) =>
        path === 'checkpoint'
          ? {
              status: 200,
              retryAfter: undefined,
              body: body(cosign(signer, parseCheckpoint(plain), 9n)),
            }
          : undefined;
      const asLog = log.asLog({
        url: 'https://log.test/alpha/',
        api: 'static-ct',
        submissionUrl: 'https://log.test/alpha/',
      });
      const view = 'https://view.test';
      const fetch: Fetch = (url, options) =>
        url.startsWith(view)
          ? Promise.resolve({ status: 200, retryAfter: undefined, body: body(forged) })
          : files.fetch(url, options);
      const { options, store, events } = setting([asLog], fetch, {
        views: [view],
        witnesses: [signer.key],
        directQuestions,
        paths: 1,
      });
      see(store, log, 40);
      await challengeOnce({ ...options, maxDelay: 0 });
      const said = events
        .filter((each) => each.event === 'cosigned')
        .map(({ from, treeSize, witness, kind, valid, time }) =>
          [from, treeSize, witness, kind, valid, time].join(),
        );
      assert.deepEqual(
        said.sort(),
        [
          `${asLog.description},40,w.test,ML-DSA-44,true,9`,
          `${view},40,w.test,ML-DSA-44,false,7`,
        ].sort(),
      );
      // What a view says of a witness accuses no log.
      assert.deepEqual(store.evidence.all(), []);
    });
});

describe('a round', () => {
  for (const directQuestions of [false, true])
    test(`${directQuestions ? 'with direct questions: asks the logs that were seen' : 'asks every log, seen or not'}, says what that reveals, reports each verdict, and closes its identities`, async () => {
      const apis = [new FakeApi(treeOf(40)), new FakeApi(treeOf(50))];
      const [api = assert.fail(), unseen = assert.fail()] = apis;
      const unknown = new SigningLog();
      const logs = [
        api.log.asLog({ description: 'Seen', url: 'https://log.test/0/' }),
        unseen.log.asLog({ description: 'Unseen', url: 'https://log.test/1/', state: 'retired' }),
        new SigningLog().asLog({ description: 'None', url: 'https://ct.example.com/bogus/1/' }),
      ];
      const { options, store, events, closed } = setting(logs, fetchOf(apis), { directQuestions });
      see(store, api.log, 20);
      see(store, unknown, 5);
      const { verdicts, failed, evidence } = await challengeOnce({ ...options, maxDelay: 0 });
      const asked = directQuestions ? 1 : 2;
      assert.deepEqual([verdicts.consistent, failed, evidence], [asked + 1, 0, []]);
      assert(closed.length > 0 && closed.every((each) => each));
      const [notAsked, reveals, ...rest] = events;
      assert(notAsked?.event === 'not-asked' && notAsked.log === logIdText(unknown.key.logId));
      assert(reveals?.event === 'reveals' && reveals.whatWasSeen === directQuestions);
      assert.equal(reveals.logs, asked);
      const waits = rest.flatMap((each) => (each.event === 'waiting' ? [each.log] : []));
      assert.deepEqual(waits.sort(), directQuestions ? ['Seen'] : ['Seen', 'Unseen']);
      assert.deepEqual(
        rest.flatMap((each) =>
          each.event === 'verdict' && each.log === 'Seen' ? [[each.treeSize, each.against]] : [],
        ),
        [
          [40n, 40n],
          [20n, 40n],
        ],
      );
      assert.equal(unseen.requests.length > 0, !directQuestions);
      const { lastSuccess, visits, failed: failures } = counted(options, api.log) ?? {};
      assert.deepEqual([visits, failures, lastSuccess], [1, 0, NOW]);
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
    const visited = counted(options, log);
    assert.deepEqual([visited?.visits, visited?.failed, visited?.lastSuccess], [1, 1, undefined]);
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
    assert.equal(counted(options, log)?.failed, 1);
  });

  test('ends with what kept a log from being settled, after all were visited', async () => {
    const apis = [new FakeApi(treeOf(40)), new FakeApi(treeOf(40))];
    const logs = apis.map(({ log }, i) => log.asLog({ url: `https://log.test/${i}/` }));
    const { options, store } = setting(logs, fetchOf(apis));
    store.verdicts.setAll = () => {
      throw new StoreError('store-failed', 'the disk is full');
    };
    await assert.rejects(challengeOnce({ ...options, maxDelay: 0 }), /the disk is full/);
    assert(apis.every(({ requests }) => requests.includes('get-sth')));
  });

  test('lets a block be asked for that a tree of an earlier round waits for', async () => {
    const api = new FakeApi(treeOf(40));
    const log = api.log.asLog();
    const { options, store } = setting([log], api.fetch);
    see(store, api.log, 20);
    const head = api.log.verified(40, treeOf(40).root(), BigInt(NOW));
    const wanted: (readonly bigint[])[] = [];
    const visit: ChallengeServiceOptions['visit'] = (_, given) => {
      wanted.push(given.wanted());
      return Promise.resolve({
        heads: [head],
        current: head,
        forks: [],
        failures: [],
        notices: [],
      });
    };
    // Two heads of its were shown to everybody, and its entries are not here.
    const known = new HashTable({
      tree: treeOf(40),
      heads: [api.log.verified(30, treeOf(30).root()), head],
      outlook: (size) => (size < 30 ? 'needs-block' : 'here'),
    });
    const rows = (): LogRows => HashStore.inMemory().rows(log);
    const hashes = { of: () => known, rows } as unknown as HashStore;
    await challengeOnce({ ...options, visit, hashes, maxDelay: 0 });
    assert.deepEqual(wanted, [[20n]]);
  });
});

describe('left running', () => {
  test('with direct questions: asks every log in service as many, seen or not, until it is told to stop', async () => {
    const questions = 3;
    const apis = [new FakeApi(treeOf(40)), new FakeApi(treeOf(40)), new FakeApi(treeOf(40))];
    const { options, store, events, closed, stop } = setting(listedOf(apis), fetchOf(apis), {
      paths: 1,
      directQuestions: true,
      questions,
    });
    see(store, apis[0]?.log ?? assert.fail(), 20);
    const ended = challengeContinually({
      ...options,
      every: 0.02,
      onProxyFailed: () => assert.fail(),
    });
    const [seen, unseen, retired] = apis as [FakeApi, FakeApi, FakeApi];
    await eventually(
      () => headsOf(seen) > 3 && headsOf(unseen) > 3,
      () => `several challenges: ${JSON.stringify(apis.map(headsOf))}`,
    );
    stop.abort();
    await ended;
    assert.deepEqual(
      events.slice(0, 2).map(({ event }) => event),
      ['reveals', 'started'],
    );
    assert.deepEqual(events[1], { event: 'started', logs: 2, every: 0.02, questions });
    assert.equal(headsOf(retired), 0);
    for (const api of [seen, unseen]) {
      // The last challenge may have been broken off.
      const proofs = api.requests.length - headsOf(api);
      assert(headsOf(api) * questions - proofs <= questions && proofs <= headsOf(api) * questions);
    }
    assert(closed.every((each) => each));
  });

  test('visits every log that there is, seen or not, in service or not, until it is told to stop', async () => {
    const apis = [new FakeApi(treeOf(40)), new FakeApi(treeOf(40)), new FakeApi(treeOf(40))];
    const none = new SigningLog().asLog({ url: 'https://ct.example.com/bogus/1/' });
    const logs = [...listedOf(apis), none];
    const { options, store, events, closed, stop } = setting(logs, fetchOf(apis));
    see(store, apis[0]?.log ?? assert.fail(), 20);
    const ended = challengeContinually({
      ...options,
      every: 0.02,
      onProxyFailed: () => assert.fail(),
    });
    await eventually(
      () => apis.every((api) => headsOf(api) > 6),
      () => `several visits: ${JSON.stringify(apis.map(headsOf))}`,
    );
    await eventually(() => store.verdicts.counts().consistent === 4, 'verdicts');
    stop.abort();
    await ended;
    assert.deepEqual(events[0], { event: 'started', logs: 3, every: 0.02, questions: 2 });
    assert(closed.every((each) => each));
  });

  test('hashes that turn out damaged end it, and it begins anew with others', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const api = new FakeApi(treeOf(40));
    const { options, events } = setting([api.log.asLog()], api.fetch);
    const hashes = HashStore.open(directory);
    const ended = challengeContinually({
      ...options,
      hashes,
      every: 0.01,
      onProxyFailed: () => assert.fail(),
    });
    const isEnded = assert.rejects(ended, { code: 'store-damaged' });
    await eventually(
      () => headsOf(api) > 2,
      () => `visits: ${JSON.stringify(events)}`,
    );
    damage(join(directory, 'mirror.sqlite'));
    await isEnded;
    hashes.close();
    assert(existsSync(join(directory, 'mirror.sqlite.damaged')));
    const others = HashStore.open(directory);
    assert.equal(others.rows(api.log.asLog()).state(), undefined);
    others.close();
  });

  test('what fails in settling is said, and keeps no visit from being made', async () => {
    const api = new FakeApi(treeOf(40));
    let replaced = 0;
    const { options, store, events, stop } = setting([api.log.asLog()], api.fetch);
    const storeFile = { ...options.storeFile, replaceDamaged: () => void (replaced += 1) };
    const ended = challengeContinually({
      ...options,
      storeFile,
      every: 0.01,
      onProxyFailed: () => assert.fail(),
    });
    const record = store.heads.record.bind(store.heads);
    const said = (message: string): boolean =>
      events.some((each) => each.event === 'not-settled' && each.message === message);
    for (const error of [new TypeError('a bug'), new StoreError('store-failed', 'a full disk')]) {
      store.heads.record = () => {
        throw error;
      };
      await eventually(() => said(error.message), error.message);
    }
    store.heads.record = () => {
      throw new StoreError('store-damaged', 'the database is damaged');
    };
    await eventually(() => replaced > 1, 'damage twice');
    const visits = headsOf(api);
    await eventually(() => headsOf(api) > visits + 4, 'more visits');
    store.heads.record = record;
    await eventually(() => store.verdicts.counts().consistent === 1, 'a verdict');
    stop.abort();
    await ended;
  });

  test('what fails in the hash store is said, and keeps no visit from being made', async () => {
    const api = new FakeApi(treeOf(40));
    let visits = 0;
    const { options, events, stop } = setting([api.log.asLog()], api.fetch, {
      visit: () => {
        visits += 1;
        return Promise.reject(new StoreError('store-failed', 'mirror.sqlite: a full disk'));
      },
    });
    const ended = challengeContinually({
      ...options,
      every: 0.01,
      onProxyFailed: () => assert.fail(),
    });
    await eventually(() => visits > 3, 'visits');
    stop.abort();
    await ended;
    const said = events.find(({ event }) => event === 'not-settled');
    assert(said?.event === 'not-settled' && said.message === 'mirror.sqlite: a full disk');
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

  for (const directQuestions of [false, true])
    test(`ends for a bug in what asks logs${directQuestions ? ' directly, and goes on in another database when its own turns out damaged' : ''}`, async () => {
      const api = new FakeApi(treeOf(40));
      let failure: Error | undefined;
      const fetch: Fetch = (url) =>
        failure === undefined ? api.fetch(url) : Promise.reject(failure);
      let replaced = 0;
      const { options, store, stop } = setting([api.log.asLog()], fetch, { directQuestions });
      const storeFile = { ...options.storeFile, replaceDamaged: () => void (replaced += 1) };
      const ended = challengeContinually({
        ...options,
        storeFile,
        every: 0.01,
        onProxyFailed: () => assert.fail(),
      });
      if (directQuestions) {
        failure = new StoreError('store-damaged', 'the database is damaged');
        await eventually(() => replaced > 1, 'damage twice');
      }
      failure = new TypeError('a bug');
      await assert.rejects(ended, failure);
      stop.abort();
      store.close();
    });
});

/** Three logs, of which the last is out of service. */
function listedOf(apis: readonly FakeApi[]): Log[] {
  return apis.map(({ log }, i) =>
    log.asLog({ url: `https://log.test/${i}/`, state: i === 2 ? 'retired' : 'usable' }),
  );
}

function fetchOf(apis: readonly FakeApi[]): Fetch {
  return (url) => apis[Number(new URL(url).pathname.split('/')[1])]?.fetch(url) ?? assert.fail(url);
}

function headsOf({ requests }: FakeApi): number {
  return requests.filter((each) => each === 'get-sth').length;
}
