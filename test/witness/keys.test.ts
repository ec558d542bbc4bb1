// SPDX-License-Identifier: Apache-2.0
/** Keys of a witness that are not taken, or not made. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeKeys, readKeys } from '../../src/witness/keys.ts';

const root = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(root, { recursive: true }));
const madeIn = (name: string): string => {
  const directory = join(root, name);
  makeKeys(directory, 'witness.test/w');
  return directory;
};

test('a key behind a link is none: whoever made the link may own what it leads to', () => {
  const directory = madeIn('link');
  renameSync(join(directory, 'ed25519.key'), join(root, 'elsewhere'));
  symlinkSync(join(root, 'elsewhere'), join(directory, 'ed25519.key'));
  assert.throws(() => readKeys(directory), /ed25519\.key is a link/);
});

test('one key in the place of the other is refused', () => {
  const directory = madeIn('exchanged');
  const [one, other] = ['ed25519.key', 'ml-dsa-44.key'].map((name) => join(directory, name));
  renameSync(one ?? '', join(root, 'between'));
  renameSync(other ?? '', one ?? '');
  renameSync(join(root, 'between'), other ?? '');
  assert.throws(() => readKeys(directory), /whose name does not end in \/ed25519/);
});

test('a key that is there is never replaced, not even if it is the only one', () => {
  const directory = madeIn('there');
  rmSync(join(directory, 'ed25519.key'));
  const kept = readFileSync(join(directory, 'ml-dsa-44.key'));
  assert.throws(() => makeKeys(directory, 'witness.test/w'), /there is a key in .*ml-dsa-44\.key/);
  assert.deepEqual(readFileSync(join(directory, 'ml-dsa-44.key')), kept);
});

test('a name has room in what ML-DSA-44 signs, or no key is made', () => {
  makeKeys(join(root, 'longest'), 'n'.repeat(245));
  for (const name of ['n'.repeat(246), '\u00e8'.repeat(123), 'a b', 'a+b', ''])
    assert.throws(() => makeKeys(join(root, 'none'), name), /cannot be the name of a witness/);
  assert.throws(() => readKeys(join(root, 'none')), /there is no key in/);
});

test('a pipe in the place of a key is none, and nobody waits for what comes out of it', () => {
  const directory = madeIn('pipe');
  rmSync(join(directory, 'ed25519.key'));
  execFileSync('mkfifo', ['-m', '600', join(directory, 'ed25519.key')]);
  assert.throws(() => readKeys(directory), /ed25519\.key: it is no file/);
});
