// SPDX-License-Identifier: Apache-2.0
/** The process: what becomes of its output where nobody takes it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { CTGA } from '../support/ctga.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
openForWriting(stateAt(directory)).close();
after(() => rmSync(directory, { recursive: true }));

describe('output that nobody takes', () => {
  for (const [redirection, code, says] of [
    ['>&-', 0, /^$/],
    ['2>&-', 0, /^$/],
    ['<&-', 0, /^$/],
    ['>/dev/full', 1, /^ctga: the output is lost: the disk is full, or has no inode left\n$/],
    ['2>/dev/full', 0, /^$/],
    ['>/dev/full 2>&1', 1, /^$/],
    ['| true; exit 0', 0, /^$/],
  ] as const)
    test(`ends in no stack: ${redirection}`, () => {
      const script = `"$0" logs list --state-dir "$1" ${redirection}`;
      const { status, stderr } = spawnSync('sh', ['-c', script, CTGA, directory], {
        encoding: 'utf8',
        env: { ...process.env, CTGA_NODE: process.execPath },
      });
      assert.match(stderr, says);
      assert.equal(status, code);
    });
});
