// SPDX-License-Identifier: Apache-2.0
/**
 * A pool on a real disk that is full (a small tmpfs): clients are told to come again, a split view
 * is proven all the same, and all is as before when there is room. Needs root, to mount.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

test('a pool on a full disk', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const shell = `mount -t tmpfs -o size=8m none "$1" && exec "$2" --import tsx "$3" "$1"`;
  const child = new URL('full-disk-child.ts', import.meta.url).pathname;
  const args = ['--mount', 'sh', '-c', shell, 'sh', directory, process.execPath, child];
  const { status, stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' });
  rmSync(directory, { recursive: true });
  assert.equal(status, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), {
    before: ['200', '200'],
    // The room that was reserved for evidence takes the head, too.
    whileFull: ['503, again in 60', '200', '200', '200'],
    evidence: true,
    later: ['200', '200'],
    kept: 1,
  });
});
