// SPDX-License-Identifier: Apache-2.0
/** Node's inspector, by which others could run code in a process: no signal and no variable opens it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { CTGA, ctgaProcess } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';

const OPTION = /(--inspect-port=\S+)/;
const launcher = readFileSync(CTGA, 'utf8');

test('the package starts Node as this checkout does', () => {
  const packaged = resolve(import.meta.dirname, '../../packaging/debian/ctga');
  const [, option] = OPTION.exec(readFileSync(packaged, 'utf8')) ?? [];
  assert.notEqual(option, undefined);
  assert.equal(option, OPTION.exec(launcher)?.[1]);
});

/** How many sockets the process listens at. */
function listening(pid: number): number {
  const sockets = readdirSync(`/proc/${pid}/fd`).map((fd) => target(`/proc/${pid}/fd/${fd}`));
  return ['tcp', 'tcp6']
    .flatMap((table) => readFileSync(`/proc/${pid}/net/${table}`, 'latin1').split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, , , state, , , , , , inode]) =>
        state === '0A' && sockets.includes(`socket:[${inode ?? ''}]`),
    ).length;
}

/** Where a descriptor leads, unless it was closed since it was listed. */
function target(descriptor: string): string | undefined {
  try {
    return readlinkSync(descriptor);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

describe('SIGUSR1', () => {
  // Before Node takes signals, while it loads the program, and later.
  for (const delay of [0, 10, 30, 100, 300])
    test(`${delay} ms after the start opens nothing`, async (t) => {
      const root = process.geteuid?.() === 0 ? ['--user', 'root'] : [];
      const args = ['web', '--listen', '127.0.0.1:0', '--state-dir', tmpdir(), ...root];
      const child = spawn(CTGA, args, {
        env: { ...process.env, CTGA_NODE: process.execPath },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      t.after(() => child.kill('SIGKILL'));
      let said = '';
      let isOver = false as boolean;
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const ended = new Promise((done) => child.once('close', done));
      void ended.then(() => (isOver = true));
      await sleep(delay);
      child.kill('SIGUSR1');
      await eventually(
        () => isOver || said.includes('The status page is at'),
        () => said,
      );
      assert.doesNotMatch(said, /Debugger listening/);
      if (!isOver) {
        child.kill('SIGUSR1');
        await eventually(
          () => said.split('Starting inspector on').length > (delay > 100 ? 2 : 1),
          () => said,
        );
        assert.equal(listening(child.pid ?? 0), 1);
      } else assert.equal(child.signalCode, 'SIGUSR1', said);
      child.kill('SIGTERM');
      await ended;
    });
});

test('NODE_OPTIONS opens none either', async () => {
  for (const option of ['--inspect', '--inspect=127.0.0.1:0', '--inspect-port=0 --inspect']) {
    const { code, stderr } = await ctgaProcess(['--version'], { env: { NODE_OPTIONS: option } });
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /Debugger listening/);
  }
});
