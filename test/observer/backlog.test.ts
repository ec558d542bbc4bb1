// SPDX-License-Identifier: Apache-2.0
/** What was copied and cannot be verified now waits, and nothing of it is lost in silence. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Backlog, type WaitingClaim } from '../../src/observer/backlog.ts';
import { Observer } from '../../src/observer/observer.ts';
import { VerifierPool } from '../../src/observer/verifier-pool.ts';
import type { Settle, Verifier } from '../../src/observer/verifier.ts';
import { CtOverDns } from '../../src/sources/ct-over-dns/source.ts';
import type { Statement } from '../../src/statements/statement.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { verifyStatement } from '../../src/statements/verify.ts';
import { NO_ROOM, UNREADABLE } from '../../src/store/counters.ts';
import { memoryStore } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import { dnsAnswer, frameV4 } from '../support/packets.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
let used = 0;
const newDirectory = (): string => join(directory, String(++used));

const [alpha, beta] = [new SigningLog(), new SigningLog()];
const zones = new Map([
  ['alpha.example', alpha.asLog()],
  ['beta.example', beta.asLog({ description: 'Beta' })],
]);
const root = treeOf(3).root();
const NOW = 1_800_000_000_000;

/** Has room for `room` statements of a log, and checks some whenever it is told. */
class Slow implements Verifier {
  readonly waiting: { readonly id: string; readonly settle: () => void }[] = [];
  readonly #room: number;
  constructor(room = 256) {
    this.#room = room;
  }
  submit(log: ReturnType<SigningLog['asLog']>, head: Statement, settle: Settle): boolean {
    const id = Buffer.from(log.key.logId).toString('hex');
    if (this.waiting.filter((each) => each.id === id).length >= this.#room) return false;
    this.waiting.push({ id, settle: () => settle(verifyStatement(head, log.key)) });
    return true;
  }
  /** Of each log in turn, as the pool does. */
  check(count: number): void {
    for (let i = 0; i < count; i++) {
      const at = this.waiting.findIndex(({ id }) => i % 2 === 0 || id !== this.waiting[0]?.id);
      for (const { settle } of this.waiting.splice(Math.max(0, at), 1)) settle();
    }
  }
}

function observe(
  store: Store,
  verifier: Verifier,
  backlog: Backlog | undefined,
  onFailure: (message: string) => void = (message) => assert.fail(message),
): Observer {
  const observer = new Observer({
    sources: [new CtOverDns(zones)],
    store,
    evidenceDirectory: join(directory, 'evidence'),
    onEvent: (event) => event.event === 'store-failed' && onFailure(event.message),
    verifier,
    backlog,
  });
  observer.beginPlane('eth0', false);
  return observer;
}

function see(observer: Observer, head: Statement, zone = 'alpha'): void {
  const frame = frameV4(
    dnsAnswer({ name: `sth.${zone}.example`, strings: [formatTreeHeadText(head)] }),
  );
  observer.receive({
    kind: 'unknown',
    frame,
    frameLength: frame.length,
    timestamp: NOW,
    interfaceName: 'eth0',
  });
}

const signed = Array.from({ length: 5000 }, (_, i) => alpha.sign(i + 1, root));
const forgery = (i: number): Statement => ({ ...alpha.sign(1, root), treeSize: BigInt(1e6 + i) });
const filesIn = (path: string): string[] => (existsSync(path) ? readdirSync(path) : []);

/** Until nothing waits any more; fails after more rounds than there is work for. */
function drain(observer: Observer, verifier: Slow, count = 8, most = 10_000): void {
  for (let round = 0; round < most; round++) {
    observer.endBatch(NOW);
    if (verifier.waiting.length === 0) return;
    verifier.check(count);
  }
  assert.fail('something waits for ever');
}

describe('5,000 tree heads of one log at once', () => {
  test('are all verified and stored, and nothing is left on the disk', () => {
    const [store, verifier, path] = [memoryStore(), new Slow(), newDirectory()];
    const observer = observe(store, verifier, new Backlog(path, 2));
    for (const head of signed) see(observer, head);
    observer.endBatch(NOW);
    assert(filesIn(path).length > 0);
    drain(observer, verifier);
    assert.equal(store.heads.count(), 5000);
    assert.deepEqual(filesIn(path), []);
    assert.equal(observer.counts()['tree heads'], 5000);
  });

  test('are verified by the thread, too', async () => {
    const [store, path] = [memoryStore(), newDirectory()];
    const pool = new VerifierPool(() => observer.endBatch(NOW));
    const observer = observe(store, pool, new Backlog(path, 2));
    try {
      for (const head of signed) see(observer, head);
      await pool.idle();
      await turn();
      observer.endBatch(NOW);
      assert.equal(store.heads.count(), 5000);
      assert.deepEqual(filesIn(path), []);
    } finally {
      await pool.close();
    }
  });

  for (const [when, checked] of [
    ['at once', 0],
    ['in the middle', 2000],
  ] as const)
    test(`with a kill ${when}: all that waited on the disk is there in the end`, () => {
      const [store, path] = [memoryStore(), newDirectory()];
      const [before, verifier] = [new Slow(), new Slow()];
      const killed = observe(store, before, new Backlog(path, 2));
      for (const head of signed) see(killed, head);
      for (let i = 0; i < checked; i += 8) {
        killed.endBatch(NOW);
        before.check(8);
      }
      killed.endBatch(NOW);
      // The disk may have the last line in part.
      const last = filesIn(path).sort().at(-1);
      assert(last !== undefined);
      appendFileSync(join(path, last), '{"form":"ct-over-dns","byt');
      const observer = observe(store, verifier, new Backlog(path, 2));
      drain(observer, verifier);
      assert.equal(observer.counts()[UNREADABLE], 1);
      // Those that the first one's verifier had in memory before anything waited are lost by a
      // kill.
      assert(store.heads.count() >= 5000 - (checked === 0 ? 256 : 0), `${store.heads.count()}`);
      assert.deepEqual(filesIn(path), []);
    });

  test('wait in memory if the disk takes nothing, and this is said once', () => {
    const [store, verifier, path] = [memoryStore(), new Slow(), newDirectory()];
    writeFileSync(path, '');
    const said: string[] = [];
    const observer = observe(store, verifier, new Backlog(path, 2), (message) =>
      said.push(message),
    );
    for (const head of signed) see(observer, head);
    drain(observer, verifier);
    assert.equal(store.heads.count(), 5000);
    assert.equal(said.length, 1);
  });

  test('are left to the next process by one that ends', () => {
    const [store, path] = [memoryStore(), newDirectory()];
    const [before, verifier] = [new Slow(), new Slow()];
    const ending = observe(store, before, new Backlog(path, 2));
    for (const head of signed) see(ending, head);
    ending.leaveBacklog();
    drain(ending, before);
    assert(store.heads.count() < 600);
    const observer = observe(store, verifier, new Backlog(path, 2));
    drain(observer, verifier);
    assert.equal(store.heads.count(), 5000);
  });
});

describe('a flood of forgeries for one log', () => {
  const LIMIT = 400_000;

  test('takes no room from another log, and what it loses is counted', () => {
    const [store, verifier, path] = [memoryStore(), new Slow(16), newDirectory()];
    const observer = observe(store, verifier, new Backlog(path, 2, LIMIT));
    for (let i = 0; i < 3000; i++) see(observer, forgery(i));
    for (let i = 1; i <= 200; i++) see(observer, beta.sign(i, root), 'beta');
    const lost = observer.counts()[NO_ROOM] ?? 0;
    assert(lost > 1000);
    let bytes = 0;
    observer.endBatch(NOW);
    for (const name of filesIn(path)) bytes += name.length;
    assert(bytes > 0);
    drain(observer, verifier);
    assert.equal(store.heads.count(), 200);
    assert.equal(observer.counts()[NO_ROOM], lost);
    assert.equal(observer.counts()['tree head: bad signature'], 3000 - lost);
  });

  test('does not keep the other log waiting', () => {
    const [store, verifier, path] = [memoryStore(), new Slow(16), newDirectory()];
    const observer = observe(store, verifier, new Backlog(path, 2));
    for (let i = 0; i < 3000; i++) see(observer, forgery(i));
    see(observer, beta.sign(9, root), 'beta');
    observer.endBatch(NOW);
    verifier.check(4);
    observer.endBatch(NOW);
    assert.equal(store.heads.count(), 1);
  });

  test('does not keep its own genuine heads out: they have their turn, in order', () => {
    const [store, verifier, path] = [memoryStore(), new Slow(16), newDirectory()];
    const observer = observe(store, verifier, new Backlog(path, 2));
    for (let i = 0; i < 3000; i++) {
      see(observer, forgery(i));
      if (i % 100 === 0) see(observer, signed[i] ?? assert.fail());
    }
    drain(observer, verifier);
    assert.equal(store.heads.count(), 30);
  });
});

test('a backlog is a queue for each log, whatever the order in which it is put and taken', () => {
  const path = newDirectory();
  const claim = (at: number): WaitingClaim => ({
    form: 'ct-over-dns',
    bytes: Buffer.from(`${at}`),
    seen: { source: 'bmv2:9090/~', at, count: 1, reassembled: 0 },
  });
  const backlog = new Backlog(path, 1);
  const taken: number[] = [];
  const take = (most: number): void => {
    for (const queue of backlog.waiting())
      for (let i = 0; i < most; i++) {
        const next = queue.next();
        if (next === undefined) break;
        taken.push(next.seen.at);
        queue.take()();
      }
    backlog.stored();
  };
  let put = 0;
  for (const [puts, takes] of [
    [5, 2],
    [1, 9],
    [3000, 7],
    [0, 2000],
    [10, 20],
  ] as const) {
    for (let i = 0; i < puts; i++) backlog.put('bG9n', claim(put++));
    backlog.flush();
    take(takes);
  }
  const next = new Backlog(path, 1);
  next.resume('bmv2:9090/~');
  next.resume('eth0');
  const rest: number[] = [];
  for (const queue of next.waiting())
    for (let each = queue.next(); each !== undefined; each = queue.next()) {
      rest.push(each.seen.at);
      queue.take()();
    }
  next.stored();
  // A file that was begun is read again from its beginning.
  assert.deepEqual(
    [...new Set([...taken, ...rest])],
    Array.from({ length: put }, (_, i) => i),
  );
  assert.deepEqual(filesIn(path), []);
});
