// SPDX-License-Identifier: Apache-2.0
/** Requests to a log that asks to be left alone, several of them at once. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Courtesy } from '../../src/ask/courtesy.ts';
import { TiledAsker } from '../../src/ask/tiled.ts';
import type { Fetch, HttpAnswer } from '../../src/http/request.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { TiledFiles } from '../support/tiled-files.ts';

const log = new SigningLog();
const tree = treeOf(5000);

const answer = (status: number, retryAfter?: string): HttpAnswer => ({
  status,
  retryAfter,
  body: Buffer.alloc(0),
});

/** A tiled log, and a clock that waits move on. */
class Setting {
  readonly files = new TiledFiles(log, tree);
  readonly waits: number[] = [];
  now = 1_800_000_000_000;

  /** A client with an identity of its own. */
  asker(): TiledAsker {
    const courtesy = new Courtesy(
      () => this.now,
      async (milliseconds) => {
        this.waits.push(milliseconds);
        await new Promise((resolve) => setImmediate(resolve));
        this.now += milliseconds;
      },
    );
    // An answer takes a moment, so that several requests are under way.
    const fetch: Fetch = async (url) => {
      const found = this.files.fetch(url);
      await new Promise((resolve) => setImmediate(resolve));
      return found;
    };
    return new TiledAsker('https://log.test/alpha/', log.key, courtesy.fetch(fetch));
  }

  /** The numbers of the requests, from 1 on, that get this answer. */
  instead(reply: HttpAnswer, when: (n: number) => boolean): void {
    let n = 0;
    this.files.instead = () => (when(++n) ? reply : undefined);
  }
}

const hashes = (asker: TiledAsker): Promise<Uint8Array> => asker.leafHashes(0n, 5000n, 5000n);
const TILES = 20;

describe('a log that asks one of several requests under way to wait', () => {
  for (const [asks, wait] of [
    ['2', 2100],
    ['0', 100],
    // It does not say how long.
    [undefined, 5100],
  ] as const) {
    test(`for ${asks ?? '?'} seconds: all wait once, and only that one is sent again`, async () => {
      const setting = new Setting();
      setting.instead(answer(429, asks), (n) => n === 4);
      assert.equal((await hashes(setting.asker())).length, 5000 * 32);
      assert.deepEqual(setting.waits, [wait]);
      assert.equal(setting.files.requests.length, TILES + 1);
    });
  }

  test('all of them for two seconds: they wait two seconds, not two each', async () => {
    const setting = new Setting();
    setting.instead(answer(503, '2'), (n) => n <= 6);
    await hashes(setting.asker());
    assert.deepEqual(setting.waits, [2100]);
  });

  test('for an hour: what is under way ends, and nothing more is sent', async () => {
    const setting = new Setting();
    setting.instead(answer(429, '3600'), (n) => n === 4);
    const asker = setting.asker();
    await assert.rejects(hashes(asker), { code: 'log-unavailable', message: /HTTP 429/ });
    const sent = setting.files.requests.length;
    assert(sent <= 4 + 6, `${sent} requests`);
    await assert.rejects(asker.treeHead(), /asked not to be asked before/);
    assert.equal(setting.files.requests.length, sent);
    assert.deepEqual(setting.waits, []);
  });

  test('for an hour, after another for two seconds', async () => {
    const setting = new Setting();
    let n = 0;
    setting.files.instead = () => {
      n += 1;
      return n === 4 ? answer(429, '2') : n === 5 ? answer(429, '3600') : undefined;
    };
    await assert.rejects(hashes(setting.asker()), { code: 'log-unavailable' });
    assert(setting.files.requests.length <= 4 + 6, setting.files.requests.join());
  });

  test('without end: half a minute is waited in all', async () => {
    const setting = new Setting();
    setting.instead(answer(429, '2'), (n) => n > 3);
    const began = setting.now;
    await assert.rejects(hashes(setting.asker()), /HTTP 429/);
    assert(setting.now - began <= 30_000, `${setting.now - began} ms`);
  });
});

test('what one identity is asked holds for no other', async () => {
  const setting = new Setting();
  setting.instead(answer(429, '3600'), (n) => n === 1);
  const [silenced, other] = [setting.asker(), setting.asker()];
  await assert.rejects(silenced.treeHead(), /HTTP 429/);
  assert.equal((await other.treeHead()).treeSize, 5000n);
  await assert.rejects(silenced.treeHead(), /asked not to be asked before/);
});
