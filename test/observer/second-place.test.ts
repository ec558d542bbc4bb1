// SPDX-License-Identifier: Apache-2.0
/** Which directories serve as a second place. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { isUsable } from '../../src/observer/second-place.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

test('a directory that is not there yet is made, with those above it, for the account alone', () => {
  const made = join(directory, 'above', 'made');
  assert.equal(isUsable(made), true);
  assert.equal(statSync(made).mode & 0o777, 0o700);
  assert.equal(isUsable(made), true, 'again');
});

const UNUSABLE: Readonly<Record<string, (path: string) => void>> = {
  'in which others may write': (path) => {
    mkdirSync(path);
    chmodSync(path, 0o777);
  },
  'in which its group may write': (path) => {
    mkdirSync(path);
    chmodSync(path, 0o770);
  },
  'that is a link, of whomever': (path) => {
    mkdirSync(`${path}-target`, { mode: 0o700 });
    symlinkSync(`${path}-target`, path);
  },
  'that is a link to nothing': (path) => symlinkSync(`${path}-target`, path),
  'that is a file': (path) => writeFileSync(path, ''),
};

for (const [what, make] of Object.entries(UNUSABLE))
  test(`not one ${what}`, () => {
    const path = join(directory, what.replaceAll(/\W/g, '-'));
    make(path);
    assert.equal(isUsable(path), false);
  });

for (const path of ['/proc/ctga', '/proc/self/ctga', '/proc/ctga/spool', '/dev/null/ctga'])
  test(`not ${path}, where nobody can make one: that ends nothing`, () => {
    assert.equal(isUsable(path), false);
  });
