// SPDX-License-Identifier: Apache-2.0
/** Commands that say what a chain has say nothing if no node answers: it may have changed since they last read it. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { commandLines } from '../support/command-lines.ts';
import { ctga } from '../support/ctga.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-no-node-'));
after(() => rmSync(directory, { recursive: true }));
const { ARGUMENTS } = commandLines(directory);

for (const command of [
  ...[
    'carbonchain headers',
    'carbonchain read',
    'carbonchain write',
    'ddt show',
    'evidence anchor',
  ],
  ...['trust key new', 'trust prove', 'trust show', 'trust sign', 'trust verify'],
])
  test(`ctga ${command} fails, and says that no node told its chain`, async () => {
    const state = ['--state-dir', join(directory, 'state')];
    const args = [...command.split(' '), ...(ARGUMENTS[command] ?? assert.fail()), ...state];
    const { code, stdout, stderr } = await ctga(args);
    assert.equal(code, 1, stdout + stderr);
    assert.equal(stdout, '');
    assert.match(stderr, /ctga: no node told its chain.*\n {2}Start the node/);
    assert(!existsSync(join(directory, 'headers')));
  });
