// SPDX-License-Identifier: Apache-2.0
/**
 * An auditor on a real disk that is full (a small tmpfs): clients are told to come again, and all is
 * as before when there is room. Needs root, to mount.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { onSmallDisk } from '../support/small-disk.ts';

test('an auditor on a full disk', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const child = new URL('full-disk-child.ts', import.meta.url).pathname;
  const found = onSmallDisk(directory, 'size=8m', [child, directory]);
  rmSync(directory, { recursive: true });
  assert.deepEqual(found, {
    before: '200',
    full: '503, again in 60',
    metrics: 200,
    later: '200',
    evidence: true,
  });
});
