// SPDX-License-Identifier: Apache-2.0
/** A real disk that is soon full: a small tmpfs. Needs root, to mount. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

/**
 * Runs node with a tmpfs of these mount options (tmpfs(5)) over the directory, in a mount namespace
 * that ends with it. Returns what it prints, which has to be JSON; fails unless its exit code is 0.
 */
export function onSmallDisk(
  directory: string,
  options: string,
  nodeArguments: readonly string[],
): unknown {
  const shell = 'mount -t tmpfs -o "$2" none "$1" && shift 2 && exec "$@"';
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    [
      ...['--mount', 'sh', '-c', shell, 'sh', directory, options],
      ...[process.execPath, '--import', 'tsx', ...nodeArguments],
    ],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}
