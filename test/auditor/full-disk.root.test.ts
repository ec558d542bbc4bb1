// SPDX-License-Identifier: Apache-2.0
/**
 * An auditor on a real disk that is full (a small tmpfs): clients are told to come again, and all is
 * as before when there is room. Needs root, to mount.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

test('an auditor on a full disk', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const shell = `mount -t tmpfs -o size=8m none "$1" && exec "$2" --import tsx "$3" "$1"`;
  const child = new URL('full-disk-child.ts', import.meta.url).pathname;
  const args = ['--mount', 'sh', '-c', shell, 'sh', directory, process.execPath, child];
  const { status, stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' });
  rmSync(directory, { recursive: true });
  assert.equal(status, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), {
    before: '200',
    full: '503, again in 60',
    metrics: 200,
    later: '200',
    evidence: true,
  });
});
