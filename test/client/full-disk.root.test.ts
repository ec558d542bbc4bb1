// SPDX-License-Identifier: Apache-2.0
/**
 * A client on a real disk that is full (a small tmpfs): the browser is told, a split view is proven
 * all the same, and all is as before when there is room. Needs root, to mount.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

test('a client on a full disk', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const shell = `mount -t tmpfs -o size=8m none "$1" && exec "$2" --import tsx "$3" "$1"`;
  const child = new URL('full-disk-child.ts', import.meta.url).pathname;
  const args = ['--mount', 'sh', '-c', shell, 'sh', directory, process.execPath, child];
  const { status, stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' });
  rmSync(directory, { recursive: true });
  assert.equal(status, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), {
    before: 'kept',
    whileFull: 'error',
    holds: true,
    later: 'kept',
    isForkProven: true,
  });
});
