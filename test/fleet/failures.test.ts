// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failures } from '../../src/fleet/failures.ts';

const MINUTE = 60_000;

function failing(): { said: string[]; failures: Failures; pass: (ms: number) => void } {
  let at = 5;
  const said: string[] = [];
  const failures = new Failures(
    ({ event, message }) => said.push(`${event}: ${message}`),
    () => at,
  );
  return { said, failures, pass: (ms) => (at += ms) };
}

test('a disk that is full is told once, whatever fails for it and however often, and when it is over', () => {
  const { said, failures, pass } = failing();
  for (let i = 0; i < 1000; i++) {
    failures.failed('taking', 'the disk is full');
    failures.failed('store', i % 2 === 0 ? 'the disk is full' : 'disk I/O error');
    pass(5000);
    failures.look();
  }
  assert.deepEqual(said.splice(0), ['failed: the disk is full']);
  pass(10 * MINUTE);
  failures.look();
  assert.deepEqual(said, [], 'nobody knows yet that it works');
  failures.works('taking');
  failures.look();
  assert.deepEqual(said, [], 'something else fails for the same reason');
  failures.works('store');
  failures.look();
  failures.look();
  assert.deepEqual(said.splice(0), ['mended: the disk is full']);
  failures.failed('taking', 'the disk is full');
  assert.deepEqual(said, ['failed: the disk is full']);
});

test('a disk that takes one batch and not the next is told once', () => {
  const { said, failures, pass } = failing();
  for (let i = 0; i < 500; i++) {
    if (i % 3 === 0) failures.works('taking');
    else failures.failed('taking', 'the disk is full');
    pass(10_000);
    failures.look();
  }
  assert.deepEqual(said, ['failed: the disk is full']);
});

test('what is told again and again is news once in an hour', () => {
  const { failures, pass } = failing();
  let told = 0;
  for (let second = 0; second < 24 * 3600; second++) {
    if (failures.isNews('mallory sends too much')) told += 1;
    pass(1000);
  }
  assert.equal(told, 24);
});
