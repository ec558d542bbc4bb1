// SPDX-License-Identifier: Apache-2.0
/**
 * Every way in for tree heads convicts a log that signed two roots for one size, at once and
 * without asking it: the second head may come by any way, after a first one that came by any other.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { challengeLog } from '../../src/challenger/challenge.ts';
import { parseEvidence } from '../../src/evidence/bundle.ts';
import { recordHeads, settleContradictions } from '../../src/evidence/record.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import { exchangeHeads, recordExchanged } from '../../src/exchange/pollination.ts';
import { HttpError } from '../../src/http/error.ts';
import type { Fetch } from '../../src/http/request.ts';
import { Observer } from '../../src/observer/observer.ts';
import { importTreeHeads } from '../../src/services/heads.ts';
import { CtOverDns } from '../../src/sources/ct-over-dns/source.ts';
import type { Statement } from '../../src/statements/statement.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { verifyStatement } from '../../src/statements/verify.ts';
import { memoryStore, openForWriting, stateAt } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import { salvage } from '../../src/upkeep/salvage.ts';
import { ctga } from '../support/ctga.ts';
import { FakeApi, json } from '../support/fake-api.ts';
import { dnsAnswer, frameV4 } from '../support/packets.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
let used = 0;
const newDirectory = (): string => {
  const path = join(directory, String(++used));
  mkdirSync(path);
  return path;
};

const NOW = 1_800_000_000_000;
const log = new SigningLog();
const [one, other] = [treeOf(9, 'a'), treeOf(9, 'b')];
const [first, second] = [log.sign(9, one.root()), log.sign(9, other.root())] as const;
const sighting = { source: 'eth0', firstSeen: NOW, lastSeen: NOW, count: 1 };
const sthOf = (head: Statement): Record<string, unknown> => ({
  log_id: Buffer.from(log.key.logId).toString('base64'),
  ...treeHeadToJson(head),
});

interface Place {
  readonly store: Store;
  readonly evidenceDirectory: string;
}
const newPlace = (): Place => ({
  store: memoryStore(),
  evidenceDirectory: join(newDirectory(), 'evidence'),
});

/** Every way by which a head may enter, each with a head that was verified nowhere before. */
const ENTRANCES: Readonly<Record<string, (place: Place, head: Statement) => unknown>> = {
  'a data plane'({ store, evidenceDirectory }, head) {
    const observer = new Observer({
      sources: [new CtOverDns(new Map([['alpha.example', log.asLog()]]))],
      store,
      evidenceDirectory,
      onEvent: () => undefined,
    });
    const strings = [formatTreeHeadText(head)];
    const frame = frameV4(dnsAnswer({ name: 'sth.alpha.example', strings }));
    observer.receive({
      kind: 'unknown',
      frame,
      frameLength: frame.length,
      timestamp: NOW,
      interfaceName: 'eth0',
    });
    observer.endBatch(NOW);
  },
  'a file'({ store, evidenceDirectory }, head) {
    const path = join(newDirectory(), 'heads.json');
    writeFileSync(path, JSON.stringify({ sths: [sthOf(head)] }));
    const options = { logs: [log.asLog()], witnesses: [], evidenceDirectory, now: NOW };
    importTreeHeads(() => store, [path], options);
  },
  async 'a pollinator'({ store, evidenceDirectory }, head) {
    const answer = json({ sths: [{ sth_version: 0, ...sthOf(head) }] });
    const logs = [log.asLog()];
    const fetch: Fetch = () => Promise.resolve(answer);
    const exchanged = await exchangeHeads('https://pool.test/', fetch, [], logs);
    recordExchanged(exchanged, { store, evidenceDirectory, logs, now: NOW });
  },
  async "the log's API, which answers nothing but get-sth"({ store, evidenceDirectory }, head) {
    const api = new FakeApi(one, 9, log);
    api.instead = (endpoint) =>
      endpoint === 'get-sth'
        ? json(treeHeadToJson(head))
        : new HttpError('http-bad-answer', 'HTTP 500');
    await challengeLog(log.asLog(), {
      store,
      evidenceDirectory,
      paths: [api.fetch],
      onNotice: () => undefined,
      onVerdict: () => undefined,
      signal: new AbortController().signal,
      now: () => NOW,
      ignoreBackOff: true,
    });
  },
  'a damaged store'({ store, evidenceDirectory }, head) {
    const state = stateAt(newDirectory());
    const damaged = openForWriting(state);
    damaged.logs.put([log.asLog()]);
    damaged.heads.record([{ ...sighting, head: verifyStatement(head, log.key) ?? assert.fail() }]);
    damaged.close();
    // A store that took over knows its logs from the list that the observer was given.
    store.logs.put([log.asLog()]);
    salvage(state.database, { store, evidenceDirectory, logs: [], now: NOW });
  },
};

/** Its methods as an object's own properties, by which one can be put in another's place. */
function bound<T extends object>(role: T): T {
  return new Proxy(role, {
    ownKeys: () => Object.getOwnPropertyNames(Object.getPrototypeOf(role)),
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    get: (of, name) => {
      const value: unknown = Reflect.get(of, name, of);
      return typeof value === 'function' ? (value as () => unknown).bind(of) : value;
    },
  });
}

function evidenceIn(path: string): readonly string[] {
  return readdirSync(path)
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(path, name));
}

function assertConvicted({ store, evidenceDirectory }: Place): void {
  const [path, ...more] = evidenceIn(evidenceDirectory);
  assert(path !== undefined, 'there is evidence');
  assert.deepEqual(more, []);
  const checks = verifyEvidence(parseEvidence(readFileSync(path, 'utf8'), path));
  assert(checks.every(({ holds }) => holds));
  assert.deepEqual(
    store.evidence.all().map((record) => record.path),
    [path],
  );
  assert(store.verdicts.counts()['fork-proven'] > 0);
  assert.deepEqual(store.evidence.missing(), []);
}

describe('two roots for one size', () => {
  for (const [from, enter] of Object.entries(ENTRANCES)) {
    for (const [then, enterNext] of Object.entries(ENTRANCES)) {
      test(`one by ${from}, one by ${then}`, async () => {
        const place = newPlace();
        await enter(place, first);
        assert.deepEqual(place.store.evidence.all(), []);
        await enterNext(place, second);
        assertConvicted(place);
        await enter(place, first);
        await enterNext(place, second);
        assertConvicted(place);
      });
    }
  }

  test('a thousand of them make evidence of each, and not of each pair', () => {
    const place = newPlace();
    const roots = Array.from({ length: 100 }, (_, i) => treeOf(3, `${i}`).root());
    const heads = roots.map((root) => ({ ...sighting, head: log.verified(3, root) }));
    const { forks, failure } = recordHeads({ ...place, logs: [log.asLog()], now: NOW }, heads);
    assert.equal(failure, undefined);
    assert(forks.length < 400);
    assert.equal(place.store.verdicts.counts()['fork-proven'], 99);
  });

  test('of a log that is known only later: evidence then', () => {
    const place = newPlace();
    const heads = [first, second].map((head) => ({
      ...sighting,
      head: verifyStatement(head, log.key) ?? assert.fail(),
    }));
    const unknown = { ...place, logs: [], now: NOW };
    assert.deepEqual(recordHeads(unknown, heads).forks, []);
    place.store.logs.put([log.asLog()]);
    assert.equal(settleContradictions(unknown).forks.length, 1);
    assertConvicted(place);
  });

  for (const role of ['verdicts', 'evidence'] as const)
    test(`whose ${role} the store does not take are told all the same, and again until it does`, () => {
      const place = newPlace();
      const { store } = place;
      const refusal = (): never => assert.fail('the disk is full');
      const full = {
        heads: store.heads,
        logs: store.logs,
        verdicts: { ...bound(store.verdicts), ...(role === 'verdicts' && { set: refusal }) },
        evidence: { ...bound(store.evidence), ...(role === 'evidence' && { add: refusal }) },
      };
      const heads = [one, other].map((tree) => ({
        ...sighting,
        head: log.verified(9, tree.root()),
      }));
      const context = { ...place, logs: [log.asLog()], now: NOW };
      const { forks, failure } = recordHeads({ ...context, store: full }, heads);
      assert.equal(forks.length, 1);
      assert.match(String(failure), /full/);
      assert.equal(settleContradictions(context).forks.length, 1);
      assertConvicted(place);
    });

  test('that cannot be written down now are written down later, by any other way in', async () => {
    const place = newPlace();
    // A file where the directory is to be: it can neither be made nor written to, even by root.
    writeFileSync(place.evidenceDirectory, '');
    const enter = ENTRANCES['a file'] ?? assert.fail();
    await enter(place, first);
    await enter(place, second);
    assert.deepEqual(place.store.evidence.all(), []);
    assert.equal(place.store.evidence.missing().length, 1);
    rmSync(place.evidenceDirectory);
    await ENTRANCES['a pollinator']?.(place, log.sign(3, one.root(3)));
    assertConvicted(place);
  });
});

test('a head that contradicts the final tree in a signed list is evidence at once', () => {
  const place = newPlace();
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  const finalTree = { treeSize: 9n, rootHash: other.root() };
  const final = { tree_size: 9, sha256_root_hash: base64(finalTree.rootHash) };
  const { key: logKey, description, url } = log.asLog();
  const entry = {
    description,
    url,
    log_id: base64(logKey.logId),
    key: base64(logKey.spki),
    state: { readonly: { timestamp: '2026-01-01T00:00:00Z', final_tree_head: final } },
  };
  const list = Buffer.from(JSON.stringify({ operators: [{ name: 'Op', logs: [entry] }] }));
  const signature = createSign('sha256').update(list).sign(privateKey);
  const key = publicKey.export({ format: 'der', type: 'spki' });
  const context = { ...place, logs: [log.asLog({ finalTree })], now: NOW };
  const sightings = [{ ...sighting, head: log.verified(9, one.root()) }];
  // An unsigned list accuses nobody.
  assert.deepEqual(recordHeads(context, sightings).forks, []);
  const signed = { signature, key };
  place.store.logs.put([], { source: 'x', json: list, signed, etag: undefined, fetched: NOW });
  const later = [{ ...sighting, head: log.verified(9, one.root(), 5n) }];
  assert.equal(recordHeads(context, later).forks.length, 1);
  assert.equal(place.store.verdicts.counts()['fork-proven'], 1);
  assert.equal(evidenceIn(place.evidenceDirectory).length, 1);
});

describe('ctga heads import', () => {
  const importing = (state: string, ...files: string[]): ReturnType<typeof ctga> =>
    ctga([
      'heads',
      'import',
      ...files,
      '--state-dir',
      state,
      '--log-list',
      join(directory, 'list'),
    ]);

  test('of both says so, exits with 3, and the second time it is old', async () => {
    const state = newDirectory();
    writeFileSync(join(directory, 'list'), logListOf({ alpha: log }));
    const path = join(state, 'heads.json');
    writeFileSync(path, JSON.stringify({ sths: [sthOf(first), sthOf(second)] }));
    const ran = await importing(state, path);
    assert.equal(ran.code, 3, ran.stderr);
    assert.match(ran.stdout, /SPLIT VIEW PROVEN: The alpha log signed two trees of size 9/);
    const again = await importing(state, path);
    assert.equal(again.code, 0);
    assert.doesNotMatch(again.stdout, /SPLIT VIEW/);
    assert.equal(evidenceIn(join(state, 'evidence')).length, 1);
  });

  test('that cannot write the evidence says so, and the next one writes it', async () => {
    const state = newDirectory();
    const path = join(state, 'heads.json');
    writeFileSync(path, JSON.stringify({ sths: [sthOf(first), sthOf(second)] }));
    writeFileSync(join(state, 'evidence'), '');
    const ran = await importing(state, path);
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /proof of a split view.*still to be written/);
    rmSync(join(state, 'evidence'));
    assert.equal((await importing(state, path)).code, 3);
    assert.equal(evidenceIn(join(state, 'evidence')).length, 1);
  });
});

test('nothing else records heads: lint says so', () => {
  const root = resolve(import.meta.dirname, '../..');
  const text = `import type { Store } from '../store/store.ts';
export const f = (store: Store): void => { store.heads.record([]); };
export const g = (store: Store): void => { const { heads } = store; heads.record([]); };
`;
  const { stdout } = spawnSync(
    'npx',
    ['eslint', '--stdin', '--stdin-filename', 'src/upkeep/salvage.ts'],
    { cwd: root, encoding: 'utf8', input: text },
  );
  assert.match(stdout, /^ +2:.*recordHeads[^]*^ +3:.*recordHeads/m);
});

test('of two trees of one size each store has one file of one name, whichever it knew first', () => {
  const names = [
    [one, other],
    [other, one],
  ].map((trees) => {
    const { store, evidenceDirectory } = newPlace();
    const context = { store, evidenceDirectory, logs: [log.asLog()], now: NOW };
    for (const tree of trees)
      recordHeads(context, [{ head: log.verified(9, tree.root()), ...sighting }]);
    return readdirSync(evidenceDirectory).filter((name) => name.endsWith('.json'));
  });
  assert.equal(names[0]?.length, 1);
  assert.deepEqual(names[0], names[1]);
});
