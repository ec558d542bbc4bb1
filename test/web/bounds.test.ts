// SPDX-License-Identifier: Apache-2.0
/**
 * What the pages of a large store cost: they have a bounded size and a bounded number of queries,
 * however many logs, heads and forks there are.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Database from 'better-sqlite3';
import { toMerkleHash } from '../../src/merkle/hash.ts';
import { toLogId, type LogId, type VerifiedStatement } from '../../src/statements/statement.ts';
import type { Sighting } from '../../src/store/heads.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { WebServer } from '../../src/web/server.ts';
import { planeState } from '../support/plane-state.ts';

const LOGS = 1_000;
const HEADS_OF_A_LOG = 100;
const FORKS = 500;
/** So many logs are recorded in one transaction. */
const BATCH = 50;

const root = mkdtempSync(join(tmpdir(), 'ctga-test-'));
const state = stateAt(join(root, 'state'));
let server: WebServer;
let queries = 0;

/** Nobody verifies them here: the store keeps what it is given. */
function sightingsOf(logId: LogId, of: number, now: number): Sighting[] {
  return Array.from({ length: HEADS_OF_A_LOG }, (_, i) => {
    const at = now - (HEADS_OF_A_LOG - i) * 20_000_000 - of * 1000;
    const head = {
      logId,
      treeSize: BigInt(1000 * i + 1),
      timestamp: BigInt(at),
      rootHash: toMerkleHash(createHash('sha256').update(`${of} ${i}`).digest()),
      signature: new Uint8Array(70),
    } as unknown as VerifiedStatement;
    return { head, source: 'eth0', firstSeen: at, lastSeen: at, count: 1 };
  });
}

before(async () => {
  const store = openForWriting(state);
  const now = Date.now();
  const logs = Array.from({ length: LOGS }, () => toLogId(randomBytes(32)));
  for (let begin = 0; begin < LOGS; begin += BATCH)
    store.heads.record(
      logs.slice(begin, begin + BATCH).flatMap((logId, i) => sightingsOf(logId, begin + i, now)),
    );
  const updates = logs.slice(0, FORKS).map((logId, of) => {
    const [first, second] = store.heads.trees(logId);
    assert(first !== undefined && second !== undefined);
    store.evidence.add(join(state.evidence, `fork-${of}.json`), first, second, now - of);
    return { tree: second, update: { verdict: 'fork-proven' as const } };
  });
  store.verdicts.setAll(updates, now);
  for (let i = 0; i < 100; i++) store.planes.put(`veth${i}`, planeState({}), now - 3_600_000);
  store.close();

  // Every query of this process is counted, whoever makes it.
  const database = new Database(':memory:');
  const prototype = Object.getPrototypeOf(database.prepare('SELECT 1')) as Record<
    string,
    (...parameters: unknown[]) => unknown
  >;
  database.close();
  for (const method of ['all', 'get', 'iterate'] as const) {
    const original = prototype[method];
    prototype[method] = function (this: unknown, ...parameters: unknown[]) {
      queries += 1;
      return original?.apply(this, parameters);
    };
  }
  const options = { state, address: '127.0.0.1', port: 0, hosts: [], version: '0' };
  server = await WebServer.start(options);
});
after(async () => {
  await server.stop();
  rmSync(root, { recursive: true });
});

for (const [path, kilobytes, mostQueries] of [
  ['/', 150, 100],
  ['/evidence', 100, 150],
  ['/evidence?page=25', 100, 150],
  ['/logs', 300, 100],
  ['/logs?page=20', 300, 100],
] as const)
  test(`${path} has at most ${kilobytes} kB and needs at most ${mostQueries} queries`, async () => {
    queries = 0;
    const response = await fetch(`http://127.0.0.1:${server.at.port}${path}`);
    const text = await response.text();
    assert.equal(response.status, 200);
    const size = Buffer.byteLength(text);
    assert(size < kilobytes * 1000, `it has ${size} bytes`);
    assert(queries > 0 && queries <= mostQueries, `it needs ${queries} queries`);
  });

test('who asks again at once gets what was made, whatever the number of listeners', async () => {
  const { url } = server.at;
  await (await fetch(url)).text();
  queries = 0;
  const began = performance.now();
  const pages = await Promise.all(
    Array.from({ length: 50 }, async () => (await fetch(url)).text()),
  );
  assert.equal(new Set(pages.map((page) => page.length)).size, 1);
  const seconds = Math.ceil((performance.now() - began) / 1000);
  assert(queries <= 100 * (seconds + 1), `${queries} queries in ${seconds} s`);
});

test('every fork can be reached, one page after the other', async () => {
  let path: string | undefined = '/evidence';
  const found = new Set<string>();
  while (path !== undefined) {
    const text = await (await fetch(`http://127.0.0.1:${server.at.port}${path}`)).text();
    for (const [name] of text.matchAll(/fork-\d+\.json/g)) found.add(name);
    path = /href="(\/evidence\?page=\d+)"[^>]*>Next</.exec(text)?.[1];
  }
  assert.equal(found.size, FORKS);
});
