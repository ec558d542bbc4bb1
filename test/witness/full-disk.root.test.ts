// SPDX-License-Identifier: Apache-2.0
/**
 * A witness on a real disk that is full (a small tmpfs): nothing is cosigned that it could forget, a
 * second history convicts its log all the same, also after a restart, and all is as before when there
 * is room. Needs root, to mount.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { onSmallDisk } from '../support/small-disk.ts';

test('a witness on a full disk', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const child = new URL('full-disk-child.ts', import.meta.url).pathname;
  const found = onSmallDisk(directory, 'size=8m', [child, directory]);
  rmSync(directory, { recursive: true });
  assert.deepEqual(found, {
    before: ['200', '200'],
    whileFull: {
      growing: '503, again in 60',
      published: 'what was answered last',
      reading: ['200', '200'],
    },
    restarted: { growing: '503, again in 60', published: 'what was answered last' },
    evidence: true,
    later: ['200', '200'],
    inTheEnd: 'what was answered last',
    open: 0,
  });
});
