// SPDX-License-Identifier: Apache-2.0
/**
 * What is carried over from a damaged database: genuine tree heads, nothing else, and all that can
 * be read.
 */
import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { RecordContext } from '../../src/evidence/record.ts';
import type { Store } from '../../src/store/store.ts';
import { StoreInUse } from '../../src/upkeep/in-use.ts';
import { checkStore } from '../../src/upkeep/maintenance.ts';
import { openDatabase } from '../../src/store/sqlite/open.ts';
import { salvage } from '../../src/upkeep/salvage.ts';
import { memoryStore, openForWriting, type State, stateAt } from '../../src/store/state.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const PAGE = 4096;
const HEADS = 300;
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const log = new SigningLog();
const good = stateAt(join(directory, 'good'));

const into = (store: Store, now: number): RecordContext & { store: Store } => ({
  store,
  evidenceDirectory: join(directory, 'evidence'),
  logs: [],
  now,
});

before(() => {
  const store = openForWriting(good);
  store.logs.put([log.asLog()]);
  const tree = treeOf(HEADS);
  for (let size = 1; size <= HEADS; size++) {
    const head = log.verified(size, tree.root(size), BigInt(size));
    for (const source of ['eth0', 'eth1'])
      store.heads.record([{ head, source, firstSeen: size, lastSeen: size + 1, count: size }]);
  }
  store.close();
});

describe('a damaged database', () => {
  test('with any page flipped gives every tree head that it still has, and none that no log signed', (context) => {
    const bytes = readFileSync(good.database);
    let [whole, fewest, sum] = [0, HEADS, 0];
    const pages = bytes.length / PAGE;
    for (let page = 0; page < pages; page++) {
      const state: State = stateAt(join(directory, `page ${page}`));
      mkdirSync(state.directory);
      const flipped = Buffer.from(bytes);
      for (let at = page * PAGE; at < (page + 1) * PAGE; at++)
        flipped[at] = (flipped[at] ?? 0) ^ 0xff;
      writeFileSync(state.database, flipped);
      const said: string[] = [];
      const { store } = new StoreInUse({ state, onSetAside: (message) => void said.push(message) });
      const wasReplaced = said.length > 0;
      const heads = store.heads.latest().length;
      store.close();
      // What a quick check does not see is found when it is read.
      if (!wasReplaced) continue;
      assert.deepEqual(checkStore(state).faults, [], `page ${page}`);
      if (heads === HEADS) whole += 1;
      // Without its first page it is no database; the others hold some of the heads each.
      if (page > 0) fewest = Math.min(fewest, heads);
      sum += heads;
      const aside =
        readdirSync(state.directory).find((name) => /\.damaged-[0-9TZ-]+$/.test(name)) ?? '';
      assert.deepEqual(readFileSync(join(state.directory, aside)), flipped);
      rmSync(state.directory, { recursive: true });
    }
    context.diagnostic(
      `${pages} pages: all ${HEADS} heads in ${whole}, ${fewest} at least, ${Math.round(sum / pages)} on average`,
    );
    assert(whole > pages / 4 && sum > (pages * HEADS) / 2);
  });

  test('that is whole gives all, seen when and where they were, and no verdict', () => {
    const path = join(directory, 'whole.db');
    copyFileSync(good.database, path);
    const store = memoryStore();
    assert.equal(salvage(path, into(store, 0)), HEADS);
    const before = openForWriting(good);
    assert.equal(store.exchange.identity(), before.exchange.identity(), 'others know it again');
    before.close();
    const heads = store.heads.latest();
    assert.deepEqual(
      heads.map(({ treeSize, sources, firstSeen, lastSeen, count }) =>
        [treeSize, sources.join(), firstSeen, lastSeen, count].join(' '),
      ),
      Array.from(
        { length: HEADS },
        (_, i) => `${i + 1} eth0,eth1 ${i + 1} ${i + 2} ${2 * (i + 1)}`,
      ),
    );
    store.close();
  });

  test('that somebody has changed gives no head that its log has not signed, and no nonsense', () => {
    const path = join(directory, 'changed.db');
    copyFileSync(good.database, path);
    const changed = openDatabase(path);
    changed.exec(`
      UPDATE trees SET root_hash = zeroblob(32) WHERE id = 1;
      UPDATE trees SET root_hash = x'00' WHERE id = 2;
      UPDATE trees SET tree_size = 'many' WHERE id = 3;
      UPDATE tree_heads SET timestamp = '-1' WHERE id = 4;
      UPDATE tree_heads SET signature = zeroblob(0) WHERE id = 5;
      UPDATE trees SET log_id = zeroblob(32) WHERE id = 6;
      UPDATE sightings SET count = -1 WHERE tree_head = 7;
      UPDATE sightings SET source = char(27) || source WHERE tree_head = 8;
      UPDATE trees SET verdict = 'fork-proven' WHERE id = 9;
      DELETE FROM sightings WHERE tree_head = 10;`);
    changed.close();
    const store = memoryStore();
    assert.equal(salvage(path, into(store, 77)), HEADS - 6);
    const heads = store.heads.latest();
    assert.equal(heads[0]?.treeSize, 7n);
    assert.deepEqual(
      [7n, 8n, 10n].map((size) => heads.find(({ treeSize }) => treeSize === size)?.sources.join()),
      ['salvaged', 'salvaged', 'salvaged'],
    );
    assert.equal(store.verdicts.counts()['fork-proven'], 0);
    store.close();
  });

  for (const [name, content] of [
    ['empty', ''],
    ['text', 'no database'.repeat(1000)],
  ] as const)
    test(`that is ${name} gives nothing`, () => {
      const path = join(directory, `${name}.db`);
      writeFileSync(path, content);
      const store = memoryStore();
      assert.equal(salvage(path, into(store, 0)), 0);
      assert.equal(salvage(join(directory, 'nowhere.db'), into(store, 0)), 0);
      store.close();
    });
});
