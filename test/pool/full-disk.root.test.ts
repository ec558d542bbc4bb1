// SPDX-License-Identifier: Apache-2.0
/**
 * A pool on a real disk that is full (a small tmpfs): clients are told to come again, a split view
 * is proven all the same, and all is as before when there is room. Needs root, to mount.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { onSmallDisk } from '../support/small-disk.ts';

test('a pool on a full disk', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const child = new URL('full-disk-child.ts', import.meta.url).pathname;
  const found = onSmallDisk(directory, 'size=8m', [child, directory]);
  rmSync(directory, { recursive: true });
  assert.deepEqual(found, {
    before: ['200', '200'],
    // The room that was reserved for evidence takes the head, too.
    whileFull: ['503, again in 60', '200', '200', '200'],
    evidence: true,
    later: ['200', '200'],
    kept: 1,
  });
});
