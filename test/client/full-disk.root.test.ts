// SPDX-License-Identifier: Apache-2.0
/**
 * A client on a real disk that is full (a small tmpfs): the browser is told, a split view is proven
 * all the same, and all is as before when there is room. Needs root, to mount.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { onSmallDisk } from '../support/small-disk.ts';

test('a client on a full disk', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const child = new URL('full-disk-child.ts', import.meta.url).pathname;
  const found = onSmallDisk(directory, 'size=8m', [child, directory]);
  rmSync(directory, { recursive: true });
  assert.deepEqual(found, {
    before: 'kept',
    whileFull: 'error',
    holds: true,
    later: 'kept',
    isForkProven: true,
  });
});
