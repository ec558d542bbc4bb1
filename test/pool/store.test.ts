// SPDX-License-Identifier: Apache-2.0
/** What a pool keeps: no more than it may, fairly, and nothing that tells who came when. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { POOL_LIMITS, PoolStore } from '../../src/pool/store.ts';
import type { Pair } from '../../src/pool/feedback.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const pair = (leaf: string, sct: string, issuer = 'issuer'): Pair => ({
  chain: [bytes(leaf), bytes(issuer)],
  sct: bytes(sct),
});
const kept = (store: PoolStore): string[] =>
  [...store.feedback()].flatMap(({ chain, scts }) =>
    scts.map((sct) => [...chain, sct].map((each) => Buffer.from(each).toString()).join(' ')),
  );

describe('a pool', () => {
  test('keeps each pair of SCT and chain once, and other chains of the SCT up to a bound', () => {
    const store = PoolStore.inMemory();
    const chains = ['a', 'b', 'c', 'd', 'e'].map((issuer) => pair('leaf', 'sct', issuer));
    assert.deepEqual(store.addPairs([pair('leaf', 'sct'), pair('leaf', 'sct')]), ['kept', 'known']);
    assert.deepEqual(store.addPairs(chains), [
      'kept',
      'kept',
      'kept',
      'too-many-chains',
      'too-many-chains',
    ]);
    assert.deepEqual(store.addPairs([pair('leaf', 'another')]), ['kept']);
    assert.equal(store.pairs(), 5);
  });

  test('gives them in one order, in whatever order they came', () => {
    const all = Array.from({ length: 40 }, (_, i) => pair(`leaf ${i % 13}`, `sct ${i}`));
    const [one, other] = [PoolStore.inMemory(), PoolStore.inMemory()];
    one.addPairs(all);
    for (const each of all.toReversed()) other.addPairs([each]);
    assert.equal(kept(one).length, 40);
    assert.deepEqual(kept(one), kept(other));
  });

  test('that is full drops what floods it, and never what is rare', () => {
    const store = PoolStore.inMemory({ ...POOL_LIMITS, pairs: 50 });
    store.addPairs([pair('rare', 'sct'), pair('seldom', 'sct 1'), pair('seldom', 'sct 2')]);
    for (let i = 0; i < 500; i++) store.addPairs([pair('flood', `sct ${i}`)]);
    assert.equal(store.pairs(), 50);
    const left = kept(store);
    assert(
      left.includes('rare issuer sct') &&
        left.filter((each) => each.startsWith('seldom')).length === 2,
    );
    // By chance, not the oldest: of 500 the last 47 alone would be left in turn.
    assert(left.some((each) => Number(/^flood issuer sct (\d+)$/.exec(each)?.[1] ?? 500) < 400));
  });

  test('has no more bytes of chains than it may', () => {
    const store = PoolStore.inMemory({ ...POOL_LIMITS, chainBytes: 10_000 });
    for (let i = 0; i < 100; i++) store.addPairs([pair(`leaf ${i}`, 'sct', 'x'.repeat(1000))]);
    assert(store.pairs() <= 9 && store.pairs() >= 8, `${store.pairs()}`);
  });

  test('has no more bytes of SCTs than it may: what a log signs has up to 64 KiB', () => {
    const store = PoolStore.inMemory({ ...POOL_LIMITS, chainBytes: 10_000 });
    store.addPairs([pair('rare', 'sct')]);
    for (let i = 0; i < 100; i++) store.addPairs([pair('flood', `${i} ${'x'.repeat(1000)}`)]);
    assert(store.pairs() <= 10 && store.pairs() >= 9, `${store.pairs()}`);
    assert(kept(store).includes('rare issuer sct'));
  });

  test('drops of what is large first, where it is bytes that there are too many of', () => {
    const store = PoolStore.inMemory({ ...POOL_LIMITS, chainBytes: 10_000 });
    store.addPairs([pair('victim', 'sct 1'), pair('victim', 'sct 2')]);
    // Certificates with one SCT each, and chains that whoever floods has made large.
    for (let i = 0; i < 100; i++) store.addPairs([pair(`${i}`, 'sct', `${i}`.repeat(1000))]);
    assert.equal(kept(store).filter((each) => each.startsWith('victim')).length, 2);
  });

  test('remembers over a restart what each auditor was sent', () => {
    const first = PoolStore.open(directory);
    first.addPairs([pair('a', '1'), pair('b', '2'), pair('c', '3')]);
    const { submitted, upTo } = first.unpushed('https://one.example/', 2);
    assert.equal(submitted.length, 2);
    first.setPushed('https://one.example/', upTo);
    first.close();
    const second = PoolStore.open(directory);
    const left = (auditor: string): number => second.unpushed(auditor, 10).submitted.length;
    assert.deepEqual([left('https://one.example/'), left('https://other.example/')], [1, 3]);
    assert.deepEqual(kept(second).length, 3);
    second.close();
  });
});
