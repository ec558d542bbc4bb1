// SPDX-License-Identifier: Apache-2.0
/** What is in the place of a store's file and is none: nothing waits for it, or takes it for empty. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ctga } from '../support/ctga.ts';

const root = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(root, { recursive: true }));
const heads = join(root, 'heads.json');
writeFileSync(heads, '{"sths": []}');

const COMMANDS = [
  ...['status', 'heads list', 'heads export', 'evidence list', 'alert list', 'logs list'],
  ...['store check', 'store compact', 'store export', 'store salvage', 'alert forget eth0'],
  `heads import ${heads}`,
];

for (const [what, make] of Object.entries({
  'a pipe': (path: string) => execFileSync('mkfifo', [path]),
  'a directory': (path: string) => mkdirSync(path),
  'a device': (path: string) => symlinkSync('/dev/zero', path),
}))
  describe(`in the place of a store, ${what}`, () => {
    const state = join(root, what.replace(' ', '-'));
    mkdirSync(state);
    make(join(state, 'ctga.db'));
    for (const words of COMMANDS)
      test(`is none to ctga ${words.replace(root, '')}`, async () => {
        const { code, stdout, stderr } = await ctga([...words.split(' '), '--state-dir', state]);
        assert.equal(code, 1, stdout + stderr);
        assert.equal(
          stderr,
          `ctga: ${state}/ctga.db is no file, and so no store\n  Move it away, or name another directory with --state-dir.\n`,
        );
      });
  });
