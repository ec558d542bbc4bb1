// SPDX-License-Identifier: Apache-2.0
/**
 * Logs that ask to be left alone, or fail at one question, in the middle of a challenge: what can
 * be finished is, nothing is sent that should not be, and nobody else's requests make a log
 * unprovable.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { challengeLog, type ChallengeContext } from '../../src/challenger/challenge.ts';
import type { LogError } from '../../src/ask/asker.ts';
import type { HttpAnswer } from '../../src/http/request.ts';
import type { Log } from '../../src/logs/log.ts';
import { memoryStore } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import type { Verdict } from '../../src/store/verdicts.ts';
import { FakeApi } from '../support/fake-api.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { TiledFiles } from '../support/tiled-files.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const tree = treeOf(3000);

/** A store that has seen these sizes, and challenges with a clock that waits move on. */
class Setting {
  readonly store: Store = memoryStore();
  readonly waits: number[] = [];
  readonly log: Log;
  now = NOW;
  readonly #fetches: ChallengeContext['paths'];

  constructor(
    signing: SigningLog,
    log: Log,
    fetches: ChallengeContext['paths'],
    sizes: readonly number[],
  ) {
    this.log = log;
    this.#fetches = fetches;
    for (const size of sizes) {
      const head = signing.verified(size, tree.root(size), BigInt(NOW));
      this.store.heads.record([{ head, source: 'eth0', firstSeen: NOW, lastSeen: NOW, count: 1 }]);
    }
  }

  challenge(questions?: number): Promise<LogError | undefined> {
    return challengeLog(this.log, {
      store: this.store,
      evidenceDirectory: directory,
      paths: this.#fetches,
      questions,
      onNotice: () => undefined,
      onVerdict: () => undefined,
      signal: new AbortController().signal,
      now: () => this.now,
      sleep: (milliseconds) => {
        this.waits.push(milliseconds);
        this.now += milliseconds;
        return Promise.resolve();
      },
      ignoreBackOff: true,
    });
  }

  get verdicts(): [number, Verdict][] {
    return this.store.heads
      .trees(this.log.key.logId)
      .map(({ treeSize, verdict }) => [Number(treeSize), verdict]);
  }
}

const answer = (status: number, retryAfter?: string): HttpAnswer => ({
  status,
  retryAfter,
  body: Buffer.alloc(0),
});

function rfc6962(sizes: readonly number[]): { setting: Setting; api: FakeApi } {
  const api = new FakeApi(tree);
  return { setting: new Setting(api.log, api.log.asLog(), [api.fetch], sizes), api };
}

/** Answers so where `when` holds, which is asked about each request by its number, from 1 on. */
function instead(api: FakeApi, reply: HttpAnswer, when: (n: number) => boolean): void {
  let n = 0;
  api.instead = () => (when(++n) ? reply : undefined);
}

describe('a log that asks to be left alone', () => {
  for (const [n, what] of [
    [1, 'its tree head'],
    [2, 'a proof'],
  ] as const) {
    test(`for two seconds at ${what}: that is waited out, and all is proven`, async () => {
      const { setting, api } = rfc6962([1000, 2000]);
      instead(api, answer(429, '2'), (at) => at === n);
      assert.equal(await setting.challenge(), undefined);
      assert(setting.verdicts.every(([, verdict]) => verdict === 'consistent'));
      assert.deepEqual(setting.waits, [2100]);
      assert.equal(api.requests.length, 4);
    });
  }

  test('without end, two seconds at a time: half a minute is waited in all', async () => {
    const { setting, api } = rfc6962([1000, 2000]);
    instead(api, answer(503, '2'), (at) => at > 1);
    const failure = await setting.challenge(4);
    assert.match(failure?.message ?? '', /HTTP 503/);
    assert(setting.now - NOW <= 30_000, `${setting.now - NOW} ms`);
    assert(api.requests.length < 25, `${api.requests.length} requests`);
  });

  for (const questions of [undefined, 4]) {
    test(`for an hour in the middle (questions: ${questions ?? 'all'}): nothing more is sent, and it is said until when`, async () => {
      const { setting, api } = rfc6962([1000, 2000, 2500]);
      instead(api, answer(429, '3600'), (at) => at === 3);
      await setting.challenge(questions);
      assert.equal(api.requests.length, 3);
      assert.deepEqual(setting.verdicts.map(([, verdict]) => verdict).sort(), [
        'consistent',
        'consistent',
        'unreachable',
        'unreachable',
      ]);
      api.requests.length = 0;
      const failure = await setting.challenge(questions);
      assert.match(
        failure?.message ?? '',
        /asked not to be asked before 20\S+Z; 2 trees of it cannot be proven until then$/,
      );
      assert.deepEqual(api.requests, []);
      setting.now += 3_600_000;
      assert.equal(await setting.challenge(questions), undefined);
      assert(setting.verdicts.every(([, verdict]) => verdict === 'consistent'));
    });
  }

  test('for years: a day it is, and a tree seen meanwhile is unreachable', async () => {
    const { setting, api } = rfc6962([1000]);
    instead(api, answer(429, '999999999999'), () => true);
    await setting.challenge();
    setting.now += DAY - 1000;
    const head = api.log.verified(1500, tree.root(1500), BigInt(NOW));
    const seen = { source: 'eth0', firstSeen: setting.now, lastSeen: setting.now, count: 1 };
    setting.store.heads.record([{ head, ...seen }]);
    const { length } = api.requests;
    await setting.challenge();
    assert.equal(api.requests.length, length);
    assert.deepEqual(setting.verdicts, [
      [1000, 'unreachable'],
      [1500, 'unreachable'],
    ]);
    setting.now += 2000;
    await setting.challenge();
    assert.equal(api.requests.length, length + 1);
  });

  test('because of strangers, each day for a month: it is never unprovable', async () => {
    const { setting, api } = rfc6962([1000, 2000]);
    // Sometimes its tree head comes through and sometimes a proof does.
    for (let day = 0; day < 30; day++) {
      instead(api, answer(429, day % 3 === 0 ? '3600' : undefined), (at) => at > day % 3);
      await setting.challenge(4);
      assert(!setting.verdicts.some(([, verdict]) => verdict === 'unprovable'), `day ${day}`);
      setting.now += DAY;
    }
  });

  test('whose tiles are here already: what they prove is proven', async () => {
    const files = new TiledFiles(new SigningLog(), tree);
    const log = files.log.asLog({ api: 'static-ct' });
    const setting = new Setting(files.log, log, [files.fetch], [2990, 2991, 5]);
    let tiles = 0;
    files.instead = (path) => {
      if (path === 'checkpoint') return undefined;
      tiles += 1;
      // The two large trees share their tiles; the small one needs others.
      return tiles > 2 ? answer(429, '3600') : undefined;
    };
    await setting.challenge();
    const sent = files.requests.length;
    assert.deepEqual(setting.verdicts, [
      [5, 'unreachable'],
      [2990, 'consistent'],
      [2991, 'consistent'],
      [3000, 'consistent'],
    ]);
    assert(sent <= 4, files.requests.join());
  });
});

describe('one question that fails', () => {
  const failures: readonly (readonly [string, HttpAnswer, Verdict])[] = [
    ['500', answer(500), 'unreachable'],
    ['403', answer(403), 'unreachable'],
    ['404', answer(404), 'skewed'],
    ['HTML', { ...answer(200), body: Buffer.from('<html>') }, 'unreachable'],
  ];
  for (const questions of [undefined, 8]) {
    for (const [name, reply, want] of failures) {
      test(`with ${name} (questions: ${questions ?? 'all'}): all others are asked`, async () => {
        const { setting, api } = rfc6962([500, 1000, 1500, 2000, 2500]);
        api.instead = (_, query) => (query.get('first') === '1500' ? reply : undefined);
        await setting.challenge(questions);
        assert.deepEqual(
          setting.verdicts.filter(([, verdict]) => verdict !== 'consistent'),
          [[1500, want]],
        );
      });
    }
  }

  test('for a tile: the trees that need no such tile are proven', async () => {
    const files = new TiledFiles(new SigningLog(), tree);
    const log = files.log.asLog({ api: 'static-ct' });
    const setting = new Setting(files.log, log, [files.fetch], [300, 700, 1300, 2900]);
    files.instead = (path) => (path.startsWith('tile/0/002') ? answer(500) : undefined);
    await setting.challenge();
    assert.deepEqual(setting.verdicts, [
      [300, 'consistent'],
      [700, 'unreachable'],
      [1300, 'consistent'],
      [2900, 'consistent'],
      [3000, 'consistent'],
    ]);
  });

  test('time after time, with all questions: three in a row end it, and the rest is unreachable', async () => {
    const { setting, api } = rfc6962(Array.from({ length: 50 }, (_, i) => 10 * i + 5));
    instead(api, answer(500), (at) => at > 1);
    await setting.challenge();
    assert.equal(api.requests.length, 4);
    assert.equal(setting.verdicts.filter(([, verdict]) => verdict === 'unreachable').length, 50);
  });

  test('time after time, with a number of questions: that many are asked all the same', async () => {
    const { setting, api } = rfc6962(Array.from({ length: 50 }, (_, i) => 10 * i + 5));
    instead(api, answer(500), (at) => at > 1);
    await setting.challenge(8);
    assert.equal(api.requests.length, 9);
  });
});
