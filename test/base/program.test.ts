// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runProgram } from '../../src/base/program.ts';
import { eventually } from '../support/eventually.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

/** Far longer than the minute that a program may take. */
const LONG = 'sleep 86400';
const shell = (command: string, stop?: AbortSignal): Promise<void> =>
  runProgram('/bin/sh', ['-c', command], '', { CTGA_DIRECTORY: directory }, stop);

/** Neither there, nor dead and not yet waited for. */
function hasEnded(pid: string): boolean {
  const state = existsSync(`/proc/${pid}/stat`) && readFileSync(`/proc/${pid}/stat`, 'utf8');
  return state === false || / Z /.test(state);
}

test('says how a program ended, and the last line that it wrote', async () => {
  await shell('true');
  await assert.rejects(shell('echo first; echo last >&2; exit 3'), /exit code 3: last$/);
  await assert.rejects(runProgram(join(directory, 'none'), [], '', {}), /there is no program/);
});

for (const [what, signal, command] of [
  ['a program', 'SIGTERM', `echo $$ >"$CTGA_DIRECTORY/pid"; exec ${LONG}`],
  ['what a shell has started', 'SIGTERM', `${LONG} & echo $! >"$CTGA_DIRECTORY/pid"; wait`],
  [
    'what takes no SIGTERM',
    'SIGKILL',
    `trap '' TERM; echo $$ >"$CTGA_DIRECTORY/pid"; ${LONG}; ${LONG}`,
  ],
] as const)
  test(`is given up at once: ${what}`, async () => {
    rmSync(join(directory, 'pid'), { force: true });
    const stop = new AbortController();
    const running = assert.rejects(shell(command, stop.signal), { message: signal });
    const pid = await eventually(() => {
      const path = join(directory, 'pid');
      return existsSync(path) && readFileSync(path, 'utf8').trim();
    }, 'it to run');
    stop.abort();
    await running;
    await eventually(() => hasEnded(pid), 'it to end');
  });

test('is not waited for where it leaves behind what goes on in a session of its own', async () => {
  const stop = new AbortController();
  const path = join(directory, 'left');
  const running = assert.rejects(
    shell(`setsid ${LONG} & echo $! >"${path}"; wait`, stop.signal),
    /SIGTERM/,
  );
  const pid = await eventually(
    () => existsSync(path) && readFileSync(path, 'utf8').trim(),
    'it to run',
  );
  stop.abort();
  await running;
  process.kill(Number(pid));
});

test('begins nothing that was given up before', async () => {
  await assert.rejects(shell(LONG, AbortSignal.abort()), /SIGTERM/);
});
