// SPDX-License-Identifier: Apache-2.0
/** A process that may open only a few files: a sentence with its remedy, or it raises the limit. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { CTGA } from '../support/ctga.ts';

for (const [limit, ...args] of [
  [16, 'status'],
  [20, 'attach', 'lo'],
  [32, 'web'],
  [64, 'heads', 'list'],
  [255, 'alert', 'run'],
] as const)
  test(`with ${limit} descriptors "ctga ${args.join(' ')}" ends in no stack`, () => {
    const shell = `ulimit -n ${limit}; exec "$0" "$@"`;
    // Who may raise the limit is shown the help.
    const { status, stderr } = spawnSync('sh', ['-c', shell, CTGA, ...args, '--help'], {
      encoding: 'utf8',
    });
    if (status === 0) return;
    assert.equal(status, 1);
    assert.equal(
      stderr,
      `ctga: this process may open only ${limit} files at a time, and ctga needs 256\n` +
        '  Raise the limit, with: ulimit -n 1024, or LimitNOFILE=1024 in a systemd unit.\n',
    );
  });
