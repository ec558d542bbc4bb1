// SPDX-License-Identifier: Apache-2.0
/** A store whose database was emptied or removed is not taken for one that is new. */
import assert from 'node:assert/strict';
import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { recordHeads } from '../../src/evidence/record.ts';
import { openForWriting, stateAt, type State } from '../../src/store/state.ts';
import { recordFoundEvidence } from '../../src/upkeep/found-evidence.ts';
import { StoreInUse } from '../../src/upkeep/in-use.ts';
import { ctga } from '../support/ctga.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const root = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(root, { recursive: true }));
const log = new SigningLog();
const good = stateAt(join(root, 'good'));
{
  const store = openForWriting(good);
  store.logs.put([log.asLog()]);
  const { forks } = recordHeads(
    { store, evidenceDirectory: good.evidence, logs: [log.asLog()], now: 1 },
    ['a', 'b'].map((branch) => {
      const head = log.verified(3, treeOf(3, branch).root());
      return { head, source: 'eth0', firstSeen: 1, lastSeen: 1, count: 1 };
    }),
  );
  store.close();
  assert.equal(forks.length, 1);
}

const ways: Record<string, (state: State) => void> = {
  'cut to 0 bytes': ({ database }) => truncateSync(database),
  removed: ({ database }) => rmSync(database),
  // All of a young store is in its journal.
  'left without its journal': ({ database }) => {
    rmSync(database);
    const empty = new Database(database);
    empty.pragma('journal_mode = WAL');
    empty.close();
  },
};

for (const [how, damage] of Object.entries(ways))
  describe(`a database that was ${how}`, () => {
    const fresh = (name: string): State => {
      const state = stateAt(join(root, `${how} ${name}`));
      cpSync(good.directory, state.directory, { recursive: true });
      damage(state);
      return state;
    };

    test('is said by every command, and none says that all is well', async () => {
      const { directory } = fresh('commands');
      for (const command of [
        'status',
        'heads list',
        'heads export',
        'evidence list',
        'alert list',
        'store check',
        'store export',
      ]) {
        const ran = await ctga([...command.split(' '), '--state-dir', directory]);
        assert.equal(ran.code, 1, command);
        assert.match(
          ran.stderr,
          /is gone: |holds nothing, though there was a store in this place/,
          command,
        );
      }
    });

    test('is said by who starts anew, once, and the evidence is on record again', () => {
      const state = fresh('services');
      for (const expected of [1, 0]) {
        const said: string[] = [];
        const { store } = new StoreInUse({
          state,
          onSetAside: (message) => void said.push(message),
          onOpened: (opened) => recordFoundEvidence(opened, state.evidence),
        });
        assert.equal(said.length, expected, said.join('\n'));
        assert.equal(store.evidence.all().length, 1);
        store.close();
      }
    });

    test('is begun anew by "ctga store salvage", which says so', async () => {
      const { directory } = fresh('salvage');
      const salvage = ['store', 'salvage', '--state-dir', directory];
      const ran = await ctga(salvage);
      assert.equal(ran.code, 0, ran.stderr);
      assert.match(ran.stdout, /holds nothing, though there was a store in this place/);
      assert.match((await ctga(salvage)).stdout, /not damaged: nothing was set aside/);
      assert.equal((await ctga(['store', 'check', '--state-dir', directory])).code, 0);
    });
  });

test('a database that somebody was killed while making is new', () => {
  const state = stateAt(join(root, 'killed'));
  mkdirSync(state.directory);
  writeFileSync(state.database, '');
  const { store } = new StoreInUse({ state, onSetAside: (message) => assert.fail(message) });
  store.close();
});

test('a damaged database says how much of it can be read, and is salvaged', async () => {
  const state = stateAt(join(root, 'damaged'));
  cpSync(good.directory, state.directory, { recursive: true });
  const database = new Database(state.database);
  const [found] = database
    .prepare<[], { rootpage: number }>("SELECT rootpage FROM sqlite_schema WHERE name = 'alerts'")
    .all();
  const page = database.pragma('page_size', { simple: true }) as number;
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
  const file = openSync(state.database, 'r+');
  writeSync(file, Buffer.alloc(page, 0xa5), 0, page, ((found?.rootpage ?? 0) - 1) * page);
  closeSync(file);
  const check = await ctga(['store', 'check', '--state-dir', state.directory]);
  assert.equal(check.code, 1);
  assert.match(check.stderr, /is damaged: /);
  assert.match(check.stdout, /2 tree heads can still be read\. .*ctga store salvage/);
  const salvage = await ctga(['store', 'salvage', '--state-dir', state.directory]);
  assert.match(salvage.stdout, /it is kept as .*\n2 tree heads carried over/);
  assert.equal((await ctga(['store', 'check', '--state-dir', state.directory])).code, 0);
});
