// SPDX-License-Identifier: Apache-2.0
/**
 * Several processes in one store whose file is set aside or replaced: each goes on in the one that
 * is there.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { StoreInUse } from '../../src/upkeep/in-use.ts';
import { fileAt, moveAside } from '../../src/store/sqlite/file.ts';
import { openForReading, openForWriting, stateAt, type State } from '../../src/store/state.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const log = new SigningLog();
let made = 0;

describe('a store in use', () => {
  const said: string[] = [];
  const open = (state: State): StoreInUse =>
    new StoreInUse({
      state,
      onSetAside: (message) => void said.push(message),
      onOpened: (store) => store.logs.put([log.asLog()]),
    });
  const fresh = (): State => stateAt(join(directory, String(++made)));
  const see = ({ store }: StoreInUse, size: number): void =>
    void store.heads.record([
      {
        head: log.verified(size, treeOf(size).root()),
        source: 'eth0',
        firstSeen: size,
        lastSeen: size,
        count: 1,
      },
    ]);
  const sizes = (state: State): number[] => {
    const store = openForReading(state);
    const seen = store.heads.latest().map(({ treeSize }) => Number(treeSize));
    store.close();
    return seen.sort((a, b) => a - b);
  };
  const asides = (state: State): string[] =>
    readdirSync(state.directory).filter((name) => /\.damaged-[0-9TZ-]+$/.test(name));

  test('goes on in what another process has put in its place, whose journal is left alone', () => {
    const state = fresh();
    const [ours, theirs] = [open(state), open(state)];
    see(ours, 1);
    theirs.replaceDamaged();
    see(theirs, 2);
    // Ours still has the old file open, whose journal has the name that the new one's has.
    assert.equal(ours.follow(), true);
    assert.equal(ours.follow(), false);
    see(ours, 3);
    see(theirs, 4);
    ours.store.close();
    see(theirs, 5);
    // The first was carried over.
    assert.deepEqual(sizes(state), [1, 2, 3, 4, 5]);
    theirs.store.close();
    assert.deepEqual(sizes(state), [1, 2, 3, 4, 5]);
    const [aside = ''] = asides(state);
    assert.deepEqual(sizes({ ...state, database: join(state.directory, aside) }), [1]);
  });

  test('is set aside once, whoever else finds it damaged', () => {
    const state = fresh();
    const all = [open(state), open(state), open(state)];
    said.length = 0;
    for (const each of all) each.replaceDamaged();
    assert.equal(said.length, 1);
    assert.equal(asides(state).length, 1);
    all.forEach((each, i) => see(each, i + 1));
    assert.deepEqual(sizes(state), [1, 2, 3]);
    for (const { store } of all) store.close();
  });

  test('is a restored copy from the moment that it is there', () => {
    const state = fresh();
    const ours = open(state);
    see(ours, 1);
    const backup = fresh();
    const other = openForWriting(backup);
    other.heads.record([
      {
        head: log.verified(7, treeOf(7).root()),
        source: 'eth0',
        firstSeen: 7,
        lastSeen: 7,
        count: 1,
      },
    ]);
    other.close();
    for (const name of ['-wal', '-shm'])
      renameSync(state.database + name, `${state.database}.old${name}`);
    renameSync(backup.database, state.database);
    ours.follow();
    see(ours, 8);
    ours.store.close();
    assert.deepEqual(sizes(state), [7, 8]);
  });

  test('never takes the place of what was set aside before, whatever the clock says', () => {
    const state = fresh();
    const contents = ['one', 'two', 'three'].map((text) => Buffer.alloc(100, text));
    const names = contents.map((content) => {
      openForWriting(state).close();
      writeFileSync(state.database, content);
      return moveAside(state.database, fileAt(state.database), 0);
    });
    assert.equal(new Set(names).size, 3);
    assert.equal(asides(state).length, 3);
  });

  test('knows its logs in a new one too', () => {
    const state = fresh();
    const ours = open(state);
    ours.replaceDamaged();
    assert.equal(ours.store.logs.all().length, 1);
    ours.store.close();
  });

  test('is moved aside only as long as it is the file in place', () => {
    const state = fresh();
    openForWriting(state).close();
    const [damaged, aside] = [fileAt(state.database), `${state.database}.damaged-`];
    assert(moveAside(state.database, damaged)?.startsWith(aside));
    assert.equal(moveAside(state.database, damaged), undefined, 'nothing is in place');
    openForWriting(state).close();
    assert.equal(moveAside(state.database, damaged), undefined, 'another one is in place');
    assert.equal(asides(state).length, 1);
  });

  test('is one for two processes that start on a damaged one at once', () => {
    const state = fresh();
    open(state).store.close();
    writeFileSync(state.database, Buffer.alloc(8192, 'noise'));
    const url = (path: string): string => new URL(`../../src/${path}`, import.meta.url).href;
    const script = `
      import { StoreInUse } from '${url('upkeep/in-use.ts')}';
      import { stateAt } from '${url('store/state.ts')}';
      const inUse = new StoreInUse({ state: stateAt(process.argv[1]), onSetAside: (message) => console.log(message) });
      inUse.store.counters.add('test', { ['process ' + process.argv[2]]: 1 });
      inUse.follow();
      inUse.store.close();`;
    const node = `exec '${process.execPath}' --import tsx --input-type=module -e "$0" "$1"`;
    const { stdout, status, stderr } = spawnSync(
      'sh',
      ['-c', `(${node} 1) & (${node} 2) & wait`, script, state.directory],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, stderr);
    assert.equal(stderr, '');
    assert.equal(stdout.trim().split('\n').length, 1, stdout);
    assert.equal(asides(state).length, 1);
  });
});
