// SPDX-License-Identifier: Apache-2.0
/** `sudo npm test` in a home directory of mode 0700, as Debian makes them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

test('a checkout that only its owner may enter is tested where everybody may', () => {
  const checkout = resolve(import.meta.dirname, '..');
  const home = mkdtempSync(join(tmpdir(), 'ctga-home-'));
  const place = join(home, 'ctga (1)');
  mkdirSync(place);
  // Somebody's: root without its capabilities may not enter it either.
  chownSync(home, 65_534, 65_534);
  try {
    const script = 'mount --bind "$0" "$1" && cd "$1" && exec "$2" --import tsx test/run.ts $3';
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      // These give up root, and then start programs of the checkout.
      ['--mount', 'sh', '-c', script, checkout, place, process.execPath, 'xdp unprivileged'],
      { encoding: 'utf8', env },
    );
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /^[1-9]\d* passed, 0 failed, 0 skipped$/m);
  } finally {
    rmSync(home, { recursive: true });
  }
});
