// SPDX-License-Identifier: Apache-2.0
/** Others' views of the logs: what is asked, what is believed, and what convicts a log. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { challengeLog } from '../../src/challenger/challenge.ts';
import { viewThrough } from '../../src/challenger/pollinate.ts';
import { parseEvidence } from '../../src/evidence/bundle.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import type { Pollinated } from '../../src/exchange/pollination.ts';
import { fetchViews, viewUrl } from '../../src/exchange/views.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import { HttpError } from '../../src/http/error.ts';
import type { Fetch, HttpAnswer } from '../../src/http/request.ts';
import type { Log } from '../../src/logs/log.ts';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { cosign, noteSigner } from '../../src/statements/cosignature.ts';
import { memoryStore } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import type { Verdict } from '../../src/store/verdicts.ts';
import { CheckpointFiles } from '../support/checkpoint-files.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const NOW = 1_800_000_000_000;
const honest = treeOf(700, 'a', 300);
const forked = treeOf(700, 'b', 300);
const WITNESS = 'https://witness.test/w1';
const DISTRIBUTOR = 'https://distributor.test/distributor/v0';
const hex = (text: string): string => createHash('sha256').update(text).digest('hex');

const tlog = new CheckpointLog();
const go = new CheckpointLog({ name: 'sum.test', origin: 'go.sum database tree' });
const ct = new SigningLog();
/** Where it takes submissions makes its origin. */
const ctAsLog = ct.asLog({ api: 'static-ct', submissionUrl: 'https://ct.test/2026/' });
const nowhere = new SigningLog().asLog({ api: 'static-ct' });
const LOGS: readonly Log[] = [tlog.asLog(), go.asLog({ url: '' }), ctAsLog, nowhere];

/** With a witness's line, as whoever shows it has it. */
function cosigned(note: string): string {
  const signer = noteSigner('w.test', 'Ed25519 cosignature', Buffer.alloc(32, 1));
  return `${note}${cosign(signer, parseCheckpoint(note), BigInt(NOW / 1000))}`;
}

interface Seen {
  readonly requests: readonly string[];
  readonly result: Pollinated | undefined;
  readonly failures: readonly string[];
}

async function look(
  store: Store,
  url: string,
  files: Readonly<Record<string, string>>,
  { logs = LOGS, instead }: { logs?: readonly Log[]; instead?: HttpAnswer | HttpError } = {},
): Promise<Seen> {
  const requests: string[] = [];
  const failures: string[] = [];
  let result: Pollinated | undefined;
  const fetch: Fetch = (asked, { maxBytes } = {}) => {
    requests.push(asked);
    assert(asked.endsWith('/logs') || (maxBytes ?? Infinity) <= 1024 * 1024, 'no end to an answer');
    if (instead instanceof Error) return Promise.reject(instead);
    const body = files[asked.slice(url.length + 1)];
    const status = body === undefined ? 404 : 200;
    return Promise.resolve(
      instead ?? { status, retryAfter: undefined, body: Buffer.from(body ?? '') },
    );
  };
  await viewThrough(url, {
    store,
    evidenceDirectory: directory,
    hashes: HashStore.inMemory(),
    known: () => logs,
    proxies: [{ host: 'proxy.test', port: 1 }],
    open: () => ({ fetch, close: () => undefined }),
    chance: () => 0,
    now: () => NOW,
    signal: new AbortController().signal,
    onPollinated: () => assert.fail('it is a view'),
    onViewed: (viewed) => {
      result = viewed;
    },
    onPollinationFailed: (_, { message }) => void failures.push(message),
  });
  return { requests: requests.sort(), result, failures };
}

const numbers = ({ result }: Seen): number[] | undefined =>
  result && [result.sent, result.received, result.fresh, result.refused];

function assertEvidence(store: Store): void {
  const [record, ...more] = store.evidence.all();
  assert.ok(record !== undefined && more.length === 0);
  const checks = verifyEvidence(parseEvidence(readFileSync(record.path, 'utf8'), record.path));
  assert.deepEqual(
    checks.filter(({ holds }) => !holds),
    [],
  );
}

const found = (store: Store, { key }: Pick<Log, 'key'>): [number, Verdict][] =>
  store.heads.trees(key.logId).map(({ treeSize, verdict }) => [Number(treeSize), verdict]);

const at = (origin: string): string => `${hex(origin)}/checkpoint`;
const ofTlog = (size: number, tree = honest): string =>
  cosigned(tlog.checkpoint(size, tree.root(size)));

describe('a view', () => {
  test("of a witness is asked for every log with an origin, CT's too, and what it has is kept", async () => {
    const store = memoryStore();
    const seen = await look(store, WITNESS, {
      [at('log.test/beta')]: ofTlog(650),
      [at('ct.test/2026')]: cosigned(ct.checkpoint(9, honest.root(9), BigInt(NOW))),
    });
    assert.deepEqual(
      seen.requests,
      ['log.test/beta', 'go.sum database tree', 'ct.test/2026']
        .map((each) => `${WITNESS}/${at(each)}`)
        .sort(),
    );
    assert.deepEqual(numbers(seen), [3, 2, 2, 0]);
    assert.deepEqual(found(store, tlog), [[650, 'pending']]);
    assert.deepEqual(found(store, ctAsLog), [[9, 'pending']]);
    const [head] = store.heads.latest(-1);
    assert.deepEqual(head?.sources, ['view:witness.test']);
  });

  test('of a distributor is asked for the logs that it lists, by their IDs', async () => {
    const store = memoryStore();
    // From github.com/transparency-dev/formats, log.ID: SHA-256 of "o:" and the origin.
    const id = hex('o:go.sum database tree');
    const seen = await look(store, DISTRIBUTOR, {
      logs: JSON.stringify([id, 'ff'.repeat(32)]),
      [`logs/${id}/checkpoint.1`]: cosigned(go.checkpoint(9, honest.root(9))),
    });
    assert.deepEqual(seen.requests, [
      `${DISTRIBUTOR}/logs`,
      `${DISTRIBUTOR}/logs/${id}/checkpoint.1`,
    ]);
    assert.deepEqual(numbers(seen), [1, 1, 1, 0]);
  });

  test('has one checkpoint of a log with two keys, and both count', async () => {
    const second = new CheckpointLog();
    const logs = [tlog.asLog(), second.asLog()];
    const note = ofTlog(650);
    const text = note.slice(0, note.indexOf('\n\n') + 1);
    const both = `${note}${second.line(text, 650n, honest.root(650))}`;
    const store = memoryStore();
    const seen = await look(store, WITNESS, { [at('log.test/beta')]: both }, { logs });
    assert.equal(seen.requests.length, 1);
    assert.deepEqual(numbers(seen), [1, 2, 2, 0]);
    for (const log of logs) assert.deepEqual(found(store, log), [[650, 'pending']]);
  });

  test('is asked for a thousand logs in one visit, in an order that chance draws', async () => {
    const url = (i: number): string => `https://log-${i}.test/`;
    const logs = Array.from({ length: 1001 }, (_, i) => ct.asLog({ url: url(i) }));
    const [one, other] = [0, 0.5].map((chance) => {
      const asked: string[] = [];
      const fetch: Fetch = (path) => {
        asked.push(path);
        return Promise.resolve({ status: 404, retryAfter: undefined, body: Buffer.alloc(0) });
      };
      return { asked, done: fetchViews(WITNESS, fetch, logs, () => chance) };
    });
    assert(one !== undefined && other !== undefined);
    assert.deepEqual([(await one.done).asked, (await other.done).asked], [1000, 1000]);
    assert.equal(new Set(one.asked).size, 1000);
    assert.notDeepEqual(one.asked, other.asked);
  });

  test('is asked the same, whatever was seen', async () => {
    const [empty, full] = [memoryStore(), memoryStore()];
    for (const size of [1, 9, 650]) {
      const head = tlog.verified(size, forked.root(size));
      full.heads.record([{ head, source: 'eth0', firstSeen: NOW, lastSeen: NOW, count: 1 }]);
    }
    const files = { [at('log.test/beta')]: ofTlog(650) };
    const requests = async (store: Store): Promise<readonly string[]> =>
      (await look(store, WITNESS, files)).requests;
    assert.deepEqual(await requests(empty), await requests(full));
  });

  const lies: [string, string][] = [
    ['nothing', ''],
    ['a page', '<html>'],
    ['another root', ofTlog(650).replace(/\n650\n/, '\n651\n')],
    ["another log's checkpoint", cosigned(go.checkpoint(650, forked.root(650)))],
    ['the witness alone', ofTlog(650).replace(/\u2014 log.test.*\n/, '')],
    ['the key of a stranger', cosigned(new CheckpointLog().checkpoint(650, forked.root(650)))],
  ];
  for (const [what, answer] of lies)
    test(`that gives ${what} accuses nobody`, async () => {
      const store = memoryStore();
      await look(store, WITNESS, { [at('log.test/beta')]: ofTlog(650) });
      const seen = await look(store, WITNESS, { [at('log.test/beta')]: answer });
      assert.deepEqual(numbers(seen), [3, 0, 0, 1]);
      assert.deepEqual(store.evidence.all(), []);
      assert.deepEqual(found(store, tlog), [[650, 'pending']]);
    });

  test('that fails says so, and the log is not blamed', async () => {
    const answers: [HttpAnswer | HttpError, RegExp][] = [
      [{ status: 500, retryAfter: undefined, body: Buffer.alloc(0) }, /HTTP 500/],
      [new HttpError('http-no-answer', 'no answer'), /no answer/],
    ];
    for (const url of [WITNESS, DISTRIBUTOR])
      for (const [instead, reason] of answers) {
        const { result, failures } = await look(memoryStore(), url, {}, { instead });
        assert.equal(result, undefined);
        assert.match(failures.join(), reason);
      }
    const noList = await look(memoryStore(), DISTRIBUTOR, { logs: '{"logs":1}' });
    assert.match(noList.failures.join(), /no list of logs/);
  });
});

describe('two cosigned views', () => {
  test('with one size and two roots are evidence at once, of a log without a URL too', async () => {
    for (const [log, origin] of [
      [tlog, 'log.test/beta'],
      [go, 'go.sum database tree'],
    ] as const) {
      const store = memoryStore();
      const show = (tree: typeof honest): Record<string, string> => ({
        [at(origin)]: cosigned(log.checkpoint(650, tree.root(650))),
      });
      await look(store, WITNESS, show(honest));
      assert.deepEqual(store.evidence.all(), []);
      const seen = await look(store, 'https://other.test', show(forked));
      assert.equal(seen.result?.evidence.length, 1);
      assertEvidence(store);
    }
  });

  test('of two histories are, when the log is asked', async () => {
    const store = memoryStore();
    await look(store, WITNESS, { [at('log.test/beta')]: ofTlog(650, forked) });
    await look(store, 'https://other.test', { [at('log.test/beta')]: ofTlog(660) });
    const files = new CheckpointFiles(tlog, honest);
    await challengeLog(files.asLog(), {
      store,
      evidenceDirectory: directory,
      paths: [files.fetch],
      now: () => NOW,
      signal: new AbortController().signal,
      onNotice: () => undefined,
      onVerdict: () => undefined,
      ignoreBackOff: true,
    });
    assert.deepEqual(found(store, tlog), [
      [650, 'fork-proven'],
      [660, 'consistent'],
      [700, 'consistent'],
    ]);
    assertEvidence(store);
  });

  test('of which one lags, or that share a key and no origin, accuse nobody', async () => {
    const store = memoryStore();
    const other = new CheckpointLog({ origin: 'other.test', sharing: tlog });
    const logs = [tlog.asLog(), other.asLog()];
    await look(store, WITNESS, { [at('log.test/beta')]: ofTlog(600) }, { logs });
    await look(
      store,
      'https://other.test',
      {
        [at('log.test/beta')]: ofTlog(650),
        [at('other.test')]: cosigned(other.checkpoint(600, forked.root(600))),
      },
      { logs },
    );
    assert.deepEqual(store.evidence.all(), []);
  });
});

test('the URL of a view is http(s), and has no query', () => {
  assert.equal(viewUrl('https://Witness.test/w1//'), 'https://witness.test/w1');
  assert.equal(viewUrl('http://127.0.0.1:8423'), 'http://127.0.0.1:8423');
  for (const text of ['x', 'ftp://host/', 'https://host/?a', 'https://host/#a'])
    assert.throws(() => viewUrl(text), TypeError);
});
