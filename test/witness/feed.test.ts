// SPDX-License-Identifier: Apache-2.0
/** Logs that call no witness are fetched from: by get-sth, and by tiles. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { askerOf } from '../../src/ask/asker-of.ts';
import { LogError } from '../../src/ask/asker.ts';
import { feed, settle } from '../../src/witness/feed.ts';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import type { Log } from '../../src/logs/log.ts';
import type { Fetch } from '../../src/http/request.ts';
import type { LogTree } from '../support/signing-log.ts';
import { FakeApi } from '../support/fake-api.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { TiledFiles } from '../support/tiled-files.ts';
import { makeWitness, validKinds } from './harness.ts';

const ORIGIN = 'log.test/alpha';
const tree = treeOf(700, 'a', 5);
const fork = treeOf(700, 'b', 5);

interface Fed {
  readonly log: Log;
  readonly fetch: Fetch;
  readonly requests: readonly string[];
  show(size: number, of?: LogTree): void;
}

function rfc6962(): Fed {
  const api = new FakeApi(tree, 0);
  return {
    log: api.log.asLog(),
    fetch: api.fetch,
    requests: api.requests,
    show: (size, of = tree) => Object.assign(api, { size, tree: of }),
  };
}

function staticCt(): Fed {
  const signing = new SigningLog();
  const files = new TiledFiles(signing, tree, 0);
  return {
    log: signing.asLog({ api: 'static-ct', submissionUrl: `https://${ORIGIN}/` }),
    fetch: files.fetch,
    requests: files.requests,
    show: (size, of = tree) => Object.assign(files, { size, tree: of }),
  };
}

for (const [name, make] of [
  ['RFC 6962', rfc6962],
  ['static-ct', staticCt],
] as const)
  describe(`a log of ${name}`, () => {
    test('is cosigned as it grows, with its own signature on the checkpoint', async (t) => {
      const log = make();
      const made = makeWitness([log.log]);
      t.after(() => made.end());
      for (const size of [3, 3, 8, 600]) {
        log.show(size);
        const answer = await feed(made, ORIGIN, log.log, askerOf(log.log, log.fetch));
        assert.equal(answer?.status, 200, answer?.body);
        const { note = '' } = made.store.cosigned(ORIGIN) ?? {};
        assert(note.endsWith(answer.body));
        const { treeSize, signatures } = parseCheckpoint(note);
        assert.deepEqual([treeSize, signatures.length], [BigInt(size), 3]);
        assert.equal(validKinds(made, note, answer.body).length, 2);
      }
      assert.deepEqual([made.events, made.errors], [[], []]);
    });

    test('that lags has to prove the older tree, and then nothing is kept of it', async (t) => {
      const log = make();
      const made = makeWitness([log.log]);
      t.after(() => made.end());
      const asker = (): ReturnType<typeof askerOf> => askerOf(log.log, log.fetch);
      log.show(9);
      await feed(made, ORIGIN, log.log, asker());
      log.show(6);
      assert.equal(await feed(made, ORIGIN, log.log, asker()), undefined);
      assert.equal(made.store.counts().open, 1);
      log.show(9);
      await settle(made.convictions, ORIGIN, asker());
      assert.deepEqual(made.store.counts(), { open: 0, malformed: 0, 'fork-proven': 0 });
      assert.equal(made.store.cosigned(ORIGIN)?.treeSize, 9n);
      assert.deepEqual(made.events, []);
    });

    for (const [first, second] of [
      [9, 9],
      [9, 20],
      [8, 20],
      [20, 9],
    ] as const)
      test(`that shows ${first} and then ${second} of another history is not cosigned, and convicted`, async (t) => {
        const log = make();
        const made = makeWitness([log.log]);
        t.after(() => made.end());
        const asker = (): ReturnType<typeof askerOf> => askerOf(log.log, log.fetch);
        log.show(first);
        await feed(made, ORIGIN, log.log, asker());
        const before = made.store.cosigned(ORIGIN)?.note;
        log.show(second, fork);
        await feed(made, ORIGIN, log.log, asker());
        if (second < first) {
          log.show(first, fork);
          await feed(made, ORIGIN, log.log, asker());
        }
        await settle(made.convictions, ORIGIN, asker());
        assert.equal(made.store.cosigned(ORIGIN)?.note, before, 'it is not cosigned');
        assert.equal(made.events.length, 1, JSON.stringify(made.events));
      });
  });

test('a log that is left out, for another has its origin, is not held against that one', async (t) => {
  const [log, other] = [rfc6962(), rfc6962()];
  const made = makeWitness([log.log, other.log]);
  t.after(() => made.end());
  assert.match(made.warnings.join(), /another log has its origin/);
  const visit = (from: Fed, size: number, of: LogTree): Promise<unknown> => {
    from.show(size, of);
    return feed(made, ORIGIN, from.log, askerOf(from.log, from.fetch));
  };
  await visit(log, 6, tree);
  await visit(log, 9, tree);
  await visit(other, 6, fork);
  await visit(other, 12, fork).catch(() => undefined);
  assert.deepEqual(made.events, []);
  assert.deepEqual(made.store.counts(), { open: 0, malformed: 0, 'fork-proven': 0 });
});

test('a tree that a log shows to everybody and does not prove is kept, and proven later', async (t) => {
  const log = rfc6962();
  const made = makeWitness([log.log]);
  t.after(() => made.end());
  log.show(9);
  await feed(made, ORIGIN, log.log, askerOf(log.log, log.fetch));
  log.show(20, fork);
  const refusing: Fetch = (url, ...rest) =>
    url.includes('consistency')
      ? Promise.reject(new LogError('log-refused', 'not now'))
      : log.fetch(url, ...rest);
  await assert.rejects(feed(made, ORIGIN, log.log, askerOf(log.log, refusing)), LogError);
  assert.equal(made.store.counts().open, 1);
  await settle(made.convictions, ORIGIN, askerOf(log.log, log.fetch));
  assert.deepEqual(made.store.counts(), { open: 0, malformed: 0, 'fork-proven': 1 });
});
