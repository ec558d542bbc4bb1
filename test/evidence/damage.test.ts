// SPDX-License-Identifier: Apache-2.0
/**
 * A bit that a disk or memory changed in the store accuses nobody. Every single bit of what is
 * signed is flipped in turn, and each path that writes evidence is run over it.
 */
import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { challengeLog, type ChallengeContext } from '../../src/challenger/challenge.ts';
import { Settler } from '../../src/challenger/settle.ts';
import { signedTrees } from '../../src/evidence/stored.ts';
import { Observer, type ObserverEvent } from '../../src/observer/observer.ts';
import { CtOverDns } from '../../src/sources/ct-over-dns/source.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { MEMORY, openDatabase } from '../../src/store/sqlite/open.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import { isDamage, openForWriting, stateAt, type State } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import { recordFoundEvidence } from '../../src/upkeep/found-evidence.ts';
import { StoreInUse } from '../../src/upkeep/in-use.ts';
import { checkStore } from '../../src/upkeep/maintenance.ts';
import { FakeApi } from '../support/fake-api.ts';
import { HashTable } from '../support/known-hashes.ts';
import { dnsAnswer, frameV4 } from '../support/packets.ts';
import { treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

/** Nobody is accused, so nothing makes it. */
const EVIDENCE = join(directory, 'evidence');
const NOW = 1_800_000_000_000;
const api = new FakeApi(treeOf(40), 40);
const { log: signer, tree } = api;
const log = signer.asLog();
const seen = { source: 'eth0', firstSeen: NOW, lastSeen: NOW, count: 1 };
const HEADS = [17, 32, 40].map((size) => signer.verified(size, tree.root(size), BigInt(NOW)));

/** What is signed, by column. */
const COLUMNS: readonly (readonly [table: string, column: string, bits: number])[] = [
  ['trees', 'log_id', 256],
  ['trees', 'tree_size', 160],
  ['trees', 'root_hash', 256],
  ['tree_heads', 'timestamp', 160],
  ['tree_heads', 'signature', 72 * 8],
];

/** Flips one bit of a row: of the second tree and its head, and of a log's or a list's only row. */
function flip(database: Database.Database, table: string, column: string, bit: number): void {
  const id = table.startsWith('tree') ? 2 : 1;
  const row = database.prepare(
    `SELECT typeof(${column}) AS type, CAST(${column} AS BLOB) AS bytes FROM ${table} WHERE rowid = ?`,
  );
  const { type, bytes } = row.get(id) as { type: string; bytes: Buffer };
  const at = (bit >> 3) % bytes.length;
  bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
  const value = type === 'text' ? bytes.toString('latin1') : bytes;
  database.prepare(`UPDATE ${table} SET ${column} = ? WHERE rowid = ?`).run(value, id);
}

let number = 0;
/** Fills a store with the log, three heads of its and their seen entries, all honest. */
function fill(store: Store): void {
  store.logs.put([log]);
  const put = HEADS.map((head, i) => ({ source: 'eth0', entry: BigInt(i), head, credited: 1 }));
  store.heads.record(
    HEADS.map((head) => ({ head, ...seen })),
    { put, over: [] },
  );
}

const HONEST = ((): Buffer => {
  const database = openDatabase(MEMORY);
  fill(new SqliteStore(MEMORY, { database, file: undefined }));
  return database.serialize();
})();

/** Such a store, but for one bit. In memory, so that every bit can be tried. */
function damagedStore(table: string, column: string, bit: number): Store {
  const database = new Database(HONEST);
  const store = new SqliteStore(MEMORY, { database, file: undefined });
  flip(database, table, column, bit);
  return store;
}

function stateOnDisk(): State {
  const state = stateAt(join(directory, `state${number++}`));
  const store = openForWriting(state);
  fill(store);
  store.close();
  return state;
}

function observerOf(
  store: Store,
  storeFile?: StoreInUse,
): { observer: Observer; events: ObserverEvent[] } {
  const events: ObserverEvent[] = [];
  const observer = new Observer({
    sources: [new CtOverDns(new Map([['alpha.example', log]]))],
    store,
    storeFile,
    evidenceDirectory: EVIDENCE,
    onEvent: (event) => events.push(event),
  });
  return { observer, events };
}

/** All that was seen is seen again. */
function seeAll(observer: Observer): void {
  observer.beginPlane('eth0', true);
  for (const head of HEADS) {
    const strings = formatTreeHeadText(head).match(/.{1,255}/g) ?? [];
    const frame = frameV4(dnsAnswer({ name: 'sth.alpha.example', strings }));
    const frameLength = frame.length;
    observer.receive({
      kind: 'unknown',
      frame,
      frameLength,
      timestamp: NOW,
      interfaceName: 'eth0',
    });
  }
  observer.endBatch(NOW);
}

function challengeContext(store: Store): ChallengeContext {
  return {
    store,
    evidenceDirectory: EVIDENCE,
    paths: [api.fetch],
    now: () => NOW + 1,
    signal: new AbortController().signal,
    onVerdict: () => undefined,
    onNotice: () => undefined,
    ignoreBackOff: true,
  };
}

function assertNobodyAccused(store: Store, what: string): void {
  assert.equal(existsSync(EVIDENCE), false, what);
  assert.deepEqual(store.evidence.all(), [], what);
  assert.equal(store.verdicts.counts()['fork-proven'], 0, what);
}

describe('one flipped bit in the store', () => {
  for (const [table, column, bits] of COLUMNS) {
    test(`of ${column}: the observer accuses nobody and goes on`, () => {
      for (let bit = 0; bit < bits; bit++) {
        const store = damagedStore(table, column, bit);
        const { observer, events } = observerOf(store);
        seeAll(observer);
        const others = events.filter(({ event }) => event !== 'tree-head');
        assert.deepEqual(others, [], `bit ${bit}`);
        assertNobodyAccused(store, `bit ${bit}`);
        assert.equal(signedTrees(store, log, NOW).length, 3, `bit ${bit}`);
        store.close();
      }
    });

    test(`of ${column}: the challenger accuses nobody, and says nothing is consistent that is not`, async () => {
      for (let bit = 0; bit < bits; bit++) {
        const store = damagedStore(table, column, bit);
        await challengeLog(log, {
          ...challengeContext(store),
          onVerdict: ({ verdict }) => assert.equal(verdict, 'consistent', `bit ${bit}`),
        });
        assertNobodyAccused(store, `bit ${bit}`);
        for (const { treeSize, rootHash } of store.heads.trees(log.key.logId))
          assert.deepEqual(rootHash, tree.root(Number(treeSize)), `bit ${bit}`);
        store.heads.record([]);
        // A log ID that nobody has hides the row: it decides nothing, and `store check` finds it.
        if (column !== 'log_id') assert.equal(store.heads.damagedRows() > 0, true, `bit ${bit}`);
        store.close();
      }
    });

    test(`of ${column}: what is settled from hashes is right, and nobody is accused`, async () => {
      const heads = [40].map((size) => signer.verified(size, tree.root(size), BigInt(NOW)));
      for (let bit = 0; bit < bits; bit++) {
        const store = damagedStore(table, column, bit);
        const settler = new Settler({
          ...challengeContext(store),
          onVerdict: ({ verdict }) => assert.equal(verdict, 'consistent', `bit ${bit}`),
        });
        const shown = { heads, current: heads[0], forks: [], failures: [], notices: [] };
        await settler.settle(log, new HashTable({ tree, heads }), shown);
        assertNobodyAccused(store, `bit ${bit}`);
        for (const { treeSize, rootHash } of store.heads.trees(log.key.logId))
          assert.deepEqual(rootHash, tree.root(Number(treeSize)), `bit ${bit}`);
        store.close();
      }
    });

    test(`of ${column}: store check finds it`, () => {
      for (const bit of [0, 3, bits - 1]) {
        const state = stateOnDisk();
        const database = new Database(state.database);
        flip(database, table, column, bit);
        database.close();
        assert.notDeepEqual(checkStore(state).faults, [], `bit ${bit}`);
        rmSync(state.directory, { recursive: true });
      }
    });
  }

  test('of the file, where the root of a tree is, in its row or in the index: nobody is accused', async () => {
    const [, { rootHash } = assert.fail()] = HEADS;
    let places = 0;
    for (let place = 0; place <= places; place++)
      for (const bit of [0, 5, 77, 131, 255]) {
        const state = stateOnDisk();
        const file = readFileSync(state.database);
        const found = [];
        for (let at = file.indexOf(rootHash); at >= 0; at = file.indexOf(rootHash, at + 1))
          found.push(at);
        places = found.length - 1;
        const at = (found[place] ?? assert.fail()) + (bit >> 3);
        file[at] = (file[at] ?? 0) ^ (1 << (bit & 7));
        writeFileSync(state.database, file);
        const said: string[] = [];
        const onSetAside = (message: string): void => void said.push(message);
        const storeFile = new StoreInUse({ state, onSetAside });
        const { store } = storeFile;
        for (let round = 0; round < 2; round++)
          try {
            await challengeLog(log, challengeContext(store));
          } catch (error) {
            assert(isDamage(error), String(error));
            storeFile.replaceDamaged();
          }
        const { observer, events } = observerOf(store, storeFile);
        seeAll(observer);
        assert.deepEqual(
          events.filter(({ event }) => event !== 'tree-head'),
          [],
        );
        assertNobodyAccused(store, `place ${place}, bit ${bit}: ${said.join()}`);
        store.close();
        rmSync(state.directory, { recursive: true });
      }
    assert.equal(places, 1);
  });

  test("of what is on record of a read-only log's end: nobody is accused", async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = publicKey.export({ format: 'der', type: 'spki' });
    const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
    const final = { tree_size: 30, sha256_root_hash: base64(tree.root(30)) };
    const entry = {
      description: 'A log',
      url: 'https://log.test/alpha/',
      log_id: base64(log.key.logId),
      key: base64(log.key.spki),
      state: { readonly: { timestamp: '2026-01-01T00:00:00Z', final_tree_head: final } },
    };
    const json = Buffer.from(JSON.stringify({ operators: [{ name: 'Op', logs: [entry] }] }));
    const signed = { signature: createSign('sha256').update(json).sign(privateKey), key };
    const ended = { ...log, finalTree: { treeSize: 30n, rootHash: tree.root(30) } };
    const columns = [
      ['logs', 'final_root', 256],
      ['logs', 'final_size', 160],
      ['logs', 'key', 91 * 8],
      ['log_lists', 'json', 64],
      ['log_lists', 'signature', 64],
      ['log_lists', 'key', 64],
    ] as const;
    for (const [table, column, bits] of columns)
      for (let bit = 0; bit < bits; bit += 3) {
        const database = openDatabase(MEMORY);
        const store = new SqliteStore(MEMORY, { database, file: undefined });
        store.logs.put([ended], { source: 'x', json, signed, etag: undefined, fetched: NOW });
        store.heads.record(HEADS.map((head) => ({ head, ...seen })));
        flip(database, table, column, bit);
        for (const known of store.logs.all()) await challengeLog(known, challengeContext(store));
        assertNobodyAccused(store, `${column}, bit ${bit}`);
        store.close();
      }
  });

  test('of evidence on the disk: nothing is recorded, and a damaged row of genuine evidence is found again', () => {
    const state = stateAt(join(directory, `state${number++}`));
    const store = openForWriting(state);
    store.logs.put([log]);
    const other = signer.verified(32, treeOf(32, 'b').root(), BigInt(NOW));
    store.heads.record([...HEADS, other].map((head) => ({ head, ...seen })));
    const events: ObserverEvent[] = [];
    new Observer({
      sources: [new CtOverDns(new Map([['alpha.example', log]]))],
      store,
      evidenceDirectory: state.evidence,
      onEvent: (event) => events.push(event),
    });
    assert.equal(events[0]?.event, 'fork-proven');
    const [forked] = store.heads
      .trees(log.key.logId)
      .filter(({ verdict }) => verdict === 'fork-proven');
    assert(forked !== undefined);
    store.heads.setAside({ kind: 'tree', id: forked.id }, 'a test', NOW);
    assert.deepEqual(store.evidence.all(), []);
    assert.deepEqual(store.file.faults(), []);
    recordFoundEvidence(store, state.evidence);
    assert.equal(store.evidence.all().length, 1);
    assert.equal(store.verdicts.counts()['fork-proven'], 1);
    assert.equal(store.heads.damagedRows(), 2);
    store.close();
  });
});
