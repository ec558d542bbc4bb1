// SPDX-License-Identifier: Apache-2.0
/** `ctga lab log`, which is asked to end while its log starts: the log ends with it. Needs root. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ADDRESS } from '../../src/lab/network.ts';
import { CTGA } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true, force: true }));

/** Processes of the log, by the directory that is among their arguments. */
function logs(): number[] {
  const { stdout } = spawnSync('pgrep', ['-f', '--', `lab/authority.*${directory}`], {
    encoding: 'utf8',
  });
  return stdout.split('\n').filter(Boolean).map(Number);
}

test('a log that has just been started ends with the command that started it', async () => {
  const script = `ip link set lo up && ip addr add ${ADDRESS.authority}/32 dev lo && ip addr add ${ADDRESS.api}/32 dev lo && exec "$0" lab log --state-dir "$1"`;
  const child = spawn('unshare', ['--net', 'sh', '-c', script, CTGA, directory], {
    env: { ...process.env, CTGA_NODE: process.execPath },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, 'close') as Promise<[number | null]>;
  await eventually(
    () => logs().length > 0,
    () => `the log: ${said}`,
  );
  child.kill('SIGTERM');
  const [code] = await ended;
  const left = logs();
  for (const pid of left) process.kill(pid);
  assert.deepEqual(left, []);
  assert.equal(code, 0, said);
});
