// SPDX-License-Identifier: Apache-2.0
/** Tree heads from files into a store and out of it again. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { exportTreeHeads, importTreeHeads, type Imported } from '../../src/services/heads.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { memoryStore } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import { fc } from '../support/random.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const [log, stranger] = [new SigningLog(), new SigningLog()];
const options = {
  logs: [log.asLog()],
  witnesses: [],
  now: 1_700_000_000_000,
  evidenceDirectory: join(directory, 'evidence'),
};
let files = 0;
function file(text: string): string {
  const path = join(directory, String(++files));
  writeFileSync(path, text);
  return path;
}
const headOf = (signer: SigningLog, size: number): Record<string, unknown> => ({
  log_id: Buffer.from(log.key.logId).toString('base64'),
  ...treeHeadToJson(signer.sign(size, treeOf(size).root())),
});

test('what is exported can be imported elsewhere, and is new there once', () => {
  const sths = [1, 2, 3].map((size) => headOf(log, size));
  const here = memoryStore();
  importTreeHeads(() => here, [file(JSON.stringify({ sths }))], options);
  const exported = file([...exportTreeHeads(here, 'here')].join(''));
  const there = memoryStore();
  const imported = importTreeHeads(() => there, [exported], options);
  assert.deepEqual(imported, {
    verified: 3,
    new: 3,
    sightings: 3,
    provenElsewhere: [],
    refused: [],
    signatures: [],
    forks: [],
    evidenceFailure: undefined,
  });
  const again = importTreeHeads(() => there, [exported], options);
  assert.deepEqual([again.verified, again.new, again.sightings], [3, 0, 0]);
  assert.deepEqual(
    there.logs.all().map(({ description }) => description),
    [log.asLog().description],
    'the challenger knows the log too',
  );
});

const heads = [1, 2, 3].map((size) => log.verified(size, treeOf(size).root()));
const record = (store: Store, head: number, source: string, at: number, count: number): void => {
  const seen = { source, firstSeen: at, lastSeen: at, count };
  store.heads.record([{ head: heads[head] ?? assert.fail('no head'), ...seen }]);
};
function carry(from: Store, to: Store, name: string, since?: number): Imported {
  return importTreeHeads(
    () => to,
    [file([...exportTreeHeads(from, name, since)].join(''))],
    options,
  );
}

test('where, when and how often is carried over, and by whom', () => {
  const [north, south, there] = [memoryStore(), memoryStore(), memoryStore()];
  record(north, 0, 'eth0', 5, 2);
  record(north, 0, 'eth1', 9, 1);
  record(south, 0, 'eth0', 7, 4);
  carry(north, there, 'router');
  carry(south, there, 'router');
  const [only, ...others] = there.heads.latest();
  assert.deepEqual(others, []);
  const label = (store: Store, source: string): string =>
    `router/${store.exchange.identity()}:${source}`;
  assert.deepEqual(
    [...(only?.sources ?? [])].sort(),
    [label(north, 'eth0'), label(north, 'eth1'), label(south, 'eth0')].sort(),
  );
  assert.deepEqual([only?.count, only?.headFirstSeen, only?.lastSeen], [7, 5, 9]);
  record(north, 0, 'eth0', 30, 3);
  record(north, 1, 'eth0', 10, 1);
  const newer = carry(north, there, 'router', 20);
  assert.deepEqual([newer.verified, newer.new, newer.sightings], [1, 0, 3]);
  assert.equal(there.heads.latest()[0]?.lastSeen, 30);
});

test('of several exports of one store in one import, each sighting counts once', () => {
  const [here, there] = [memoryStore(), memoryStore()];
  const exported = (): string => file([...exportTreeHeads(here, 'router')].join(''));
  record(here, 0, 'eth0', 5, 2);
  const earlier = exported();
  record(here, 0, 'eth0', 9, 3);
  const later = exported();
  const { new: isNew, sightings } = importTreeHeads(
    () => there,
    [earlier, later, earlier],
    options,
  );
  assert.deepEqual([isNew, sightings], [1, 5]);
  assert.equal(there.heads.latest()[0]?.count, 5);
});

test('a verdict is carried over as what another store says, and decides nothing here', () => {
  const [here, there] = [memoryStore(), memoryStore()];
  record(here, 0, 'eth0', 5, 1);
  record(here, 1, 'eth0', 5, 1);
  const [tree, forked] = here.heads.trees(log.key.logId);
  assert(tree !== undefined && forked !== undefined);
  here.verdicts.set(tree, 6, { verdict: 'consistent', provenAgainst: tree.id });
  here.verdicts.set(forked, 6, { verdict: 'fork-proven', reason: 'the list' });
  const { provenElsewhere } = carry(here, there, 'router 1');
  assert.deepEqual(provenElsewhere, [
    { host: 'router-1', log: log.asLog().description, treeSize: forked.treeSize },
  ]);
  for (const each of there.heads.trees(log.key.logId)) {
    assert.equal(each.verdict, 'pending');
    const told = (there.exchange.foreignVerdicts().get(each.id) ?? []).map(
      ({ origin, verdict, reason }) => [origin.host, verdict, reason],
    );
    const isFirst: boolean = each.treeSize === tree.treeSize;
    assert.deepEqual(told, [
      isFirst ? ['router-1', 'consistent', undefined] : ['router-1', 'fork-proven', 'the list'],
    ]);
  }
  assert.deepEqual(carry(there, here, 'there').provenElsewhere, []);
});

test('each store knows all that reached it, once, by whatever ways and however often', () => {
  const store = fc.nat({ max: 2 });
  const step = fc.oneof(
    fc.record({
      do: fc.constant('see' as const),
      store,
      head: fc.nat({ max: 2 }),
      source: fc.constantFrom('eth0', 'eth1'),
      at: fc.nat({ max: 100 }),
      count: fc.integer({ min: 1, max: 5 }),
    }),
    fc.record({ do: fc.constant('roll up' as const), store, before: fc.nat({ max: 120 }) }),
    fc.record({ do: fc.constant('carry' as const), store, to: store }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const stores = [memoryStore(), memoryStore(), memoryStore()] as const;
      // By store, by the store that saw, by head.
      const known = [0, 1, 2].map(() => [0, 1, 2].map(() => [0, 0, 0]));
      const of = (a: number, b: number, head: number): number => known[a]?.[b]?.[head] ?? 0;
      const set = (a: number, b: number, head: number, value: number): void => {
        (known[a]?.[b] ?? [])[head] = value;
      };
      for (const each of steps) {
        const here = stores[each.store] ?? assert.fail();
        if (each.do === 'see') {
          record(here, each.head, each.source, each.at, each.count);
          set(
            each.store,
            each.store,
            each.head,
            of(each.store, each.store, each.head) + each.count,
          );
        } else if (each.do === 'roll up') here.heads.rollUp(each.before, 100);
        else {
          carry(here, stores[each.to] ?? assert.fail(), `host${each.store}`);
          for (const seer of [0, 1, 2])
            for (const head of [0, 1, 2])
              set(
                each.to,
                seer,
                head,
                Math.max(of(each.store, seer, head), of(each.to, seer, head)),
              );
        }
        for (const [index, there] of stores.entries()) {
          const counts = new Map(
            there.heads.latest().map((head) => [Number(head.treeSize), head.count]),
          );
          for (const head of [0, 1, 2])
            assert.equal(
              counts.get(head + 1) ?? 0,
              [0, 1, 2].reduce((sum, seer) => sum + of(index, seer, head), 0),
            );
        }
      }
      for (const each of stores) each.close();
    }),
    { numRuns: 60 },
  );
});

test('where something was seen is no way to forge a line, and what cannot be read loses no head', () => {
  const seen = {
    store: '01234567',
    host: 'a',
    source: 'eth0',
    first_seen: 1,
    last_seen: 2,
    count: 1,
  };
  for (const [what, entry] of Object.entries({
    'another line': { ...seen, source: 'eth0\nSPLIT VIEW' },
    'an escape sequence': { ...seen, source: '\u001b]0;x' },
    'a host that is a path': { ...seen, host: '../x' },
    'a time that is none': { ...seen, last_seen: 9e15 },
    'times in the wrong order': { ...seen, first_seen: 3 },
    'fewer than none': { ...seen, count: -1 },
  })) {
    const store = memoryStore();
    const sths = [{ ...headOf(log, 1), seen: [entry] }];
    const { verified, refused } = importTreeHeads(
      () => store,
      [file(JSON.stringify({ sths }))],
      options,
    );
    assert.equal(verified, 1, what);
    assert.match(refused.join(), /sths\[0\]: where it was seen cannot be read: seen\[0\]/);
    assert.match(store.heads.latest()[0]?.sources.join() ?? '', /^import:[0-9]+#[0-9a-f]{8}$/);
  }
});

test('an empty store is an empty list', () => {
  const { sths } = JSON.parse([...exportTreeHeads(memoryStore(), 'here')].join('')) as {
    sths: unknown;
  };
  assert.deepEqual(sths, []);
});

test('what does not verify is refused and named, and the rest is recorded', () => {
  const store = memoryStore();
  const sths = [headOf(log, 1), headOf(stranger, 2)];
  const { verified, refused } = importTreeHeads(
    () => store,
    [file(JSON.stringify({ sths }))],
    options,
  );
  assert.equal(verified, 1);
  assert.match(refused.join(), /sths\[1\]/);
  assert.equal(store.heads.count(), 1);
});

test('one file that holds no tree heads keeps all from being recorded', () => {
  const store = memoryStore();
  const good = file(JSON.stringify({ sths: [headOf(log, 1)] }));
  assert.throws(() => importTreeHeads(() => store, [good, file('{')], options), /not JSON/);
  assert.equal(store.heads.count(), 0);
});
