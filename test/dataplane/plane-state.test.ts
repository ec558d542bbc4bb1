import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePlaneState, encodePlaneState, isStale } from '../../src/dataplane/plane-state.ts';
import { planeState } from '../support/plane-state.ts';

test('what is written of a plane is read as it was', () => {
  const text = planeState({ counters: { packets: 7 }, blindSince: 1_800_000_000_000 });
  const state = decodePlaneState(text);
  assert(state !== undefined);
  assert.equal(state.counters['packets'], 7);
  assert.equal(state.blindSince, 1_800_000_000_000);
  assert.equal(encodePlaneState(state), text);
});

for (const text of ['', 'null', '{}', '{"mode":"native"}', planeState({}).replace('400', '"400"')])
  test(`what another version wrote is not read: ${text.slice(0, 30)}`, () => {
    assert.equal(decodePlaneState(text), undefined);
  });

test('a state is stale after a minute, for everybody', () => {
  assert.deepEqual([0, 60_000, 60_001].map(isStale), [false, false, true]);
});
