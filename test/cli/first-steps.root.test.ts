// SPDX-License-Identifier: Apache-2.0
/**
 * README's first block on a real interface, typed as it stands: in namespaces of its own, with an
 * eth0, an empty /var/lib and /run, and no Tor. `sudo` is what is left out: this is root.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { CTGA } from '../support/ctga.ts';

const README = readFileSync(resolve(import.meta.dirname, '../../README.md'), 'utf8');
const [, block = ''] =
  /^## Watching a real interface\n\n```[a-z]*\n(.*?)^```$/ms.exec(README) ?? [];

/** Each as typed, with its exit code after it; attach is left by Ctrl-C once it watches. */
function script(lines: readonly string[]): string {
  const typed = lines.map((line) => line.replace(/^sudo /, '').replace(/ +#.*$/, ''));
  return `
set -u
mount -t tmpfs tmpfs /var/lib && mount -t tmpfs tmpfs /run && mount -t bpf bpf /sys/fs/bpf
ip link set lo up
ip link add eth0 type veth peer name far0
ip link set eth0 up && ip link set far0 up
${typed
  .map((line) =>
    line.startsWith('ctga attach')
      ? `${line} >/run/attach 2>&1 & pid=$!
for i in $(seq 600); do grep -q Watching /run/attach && break; kill -0 $pid 2>/dev/null || break; sleep 0.1; done
kill -INT $pid; wait $pid; echo "== $? ${line}"; cat /run/attach`
      : `${line} >/run/said 2>&1; echo "== $? ${line}"; cat /run/said`,
  )
  .join('\n')}
`;
}

test('README: watching a real interface', () => {
  const lines = block.split('\n').filter((line) => line !== '');
  assert(lines.length >= 5, block);
  const { stdout, stderr } = spawnSync(
    'unshare',
    ['--net', '--mount', '--propagation', 'private', 'sh', '-c', script(lines)],
    {
      encoding: 'utf8',
      env: {
        ...process.env,
        PATH: `${dirname(CTGA)}:${process.env['PATH'] ?? ''}`,
        CTGA_NODE: process.execPath,
        HOME: join('/run', 'home'),
      },
    },
  );
  const ended = [...stdout.matchAll(/^== (\d+) (.*)$/gm)].map(([line]) => line.slice(3));
  assert.deepEqual(
    ended,
    [
      '0 ctga attach eth0',
      '0 ctga status',
      '0 ctga heads list',
      // There is nothing to ask about, or no Tor to ask through: which of them is said.
      ended[3] ?? '',
      '0 ctga detach eth0',
    ],
    stdout + stderr,
  );
  assert.match(ended[3] ?? '', /^[01] ctga challenge --once$/, stdout);
  assert.match(stdout, /^Watching eth0 \(/m);
  assert.match(stdout, /^eth0: .*\n/m, 'status names the interface');
  assert.match(stdout, /127\.0\.0\.1:9050|Tor|no tree head/i);
  assert.doesNotMatch(stdout + stderr, /this is a bug|ENOENT|EACCES/);
});
