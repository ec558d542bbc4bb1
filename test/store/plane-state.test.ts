// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { decodePlaneState, encodePlaneState, isStale } from '../../src/store/plane-state.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { planeState } from '../support/plane-state.ts';

const STATE = planeState({ counters: { packets: 7 }, blindSince: 1_800_000_000_000 });
const TEXT = encodePlaneState(STATE);

test('what is written of a plane is read as it was', () => {
  assert.deepEqual(decodePlaneState(TEXT), STATE);
});

const others = ['', 'null', '{}', '{"mode":"native"}', TEXT.replace('400', '"400"')];
for (const text of others)
  test(`what another version wrote is not read: ${text.slice(0, 30)}`, () => {
    assert.equal(decodePlaneState(text), undefined);
  });

test('a plane of which another version wrote is left out, and the others are there', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const state = stateAt(directory);
  const store = openForWriting(state);
  store.planes.put('eth0', STATE, 1);
  store.planes.put('eth1', STATE, 2);
  const database = new Database(state.database);
  database.exec(`UPDATE data_planes SET state = '{}' WHERE interface = 'eth0'`);
  database.close();
  assert.deepEqual(store.planes.all(), [{ interface: 'eth1', state: STATE, updated: 2 }]);
  store.close();
  rmSync(directory, { recursive: true });
});

test('a state is stale after a minute, for everybody', () => {
  assert.deepEqual([0, 60_000, 60_001].map(isStale), [false, false, true]);
});
