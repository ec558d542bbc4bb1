// SPDX-License-Identifier: Apache-2.0
/**
 * A real disk that is full (a small tmpfs): split views are proven all the same, and heads that
 * could not be written are when there is room again. Needs root, to mount.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { onSmallDisk } from '../support/small-disk.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

describe('on a disk without', () => {
  for (const [what, size] of [
    ['bytes', 'size=8m'],
    ['inodes', 'nr_inodes=100'],
  ] as const) {
    test(`${what}, every split view is proven at once and no head is lost`, () => {
      const child = new URL('full-disk-child.ts', import.meta.url).pathname;
      assert.deepEqual(onSmallDisk(directory, size, [child, directory, what]), {
        code: 'ENOSPC',
        // The database is open, and needs no inode.
        failed: what === 'bytes',
        whileFull: 5,
        later: { forks: 5, evidence: 5, heads: 10 },
        faults: [],
      });
    });
  }
});
