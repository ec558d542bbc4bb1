// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';

/** A process that says when it is asked to stop, and takes its time over it. */
const childThatTakes = (milliseconds: number): string => `
  import { stopSignal } from ${JSON.stringify(new URL('../../src/base/stop-signals.ts', import.meta.url).href)};
  const stop = stopSignal();
  stop.addEventListener('abort', () => {
    console.log('stopping');
    setTimeout(() => console.log('stopped') ?? process.exit(0), ${milliseconds});
  });
  setInterval(() => undefined, 1000);
  console.log('ready');`;

class Child {
  readonly process: ChildProcess;
  said = '';
  readonly ended: Promise<unknown[]>;

  constructor(milliseconds: number) {
    const args = ['--import', 'tsx', '--input-type=module', '--eval', childThatTakes(milliseconds)];
    this.process = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.said += text));
    this.ended = once(this.process, 'close');
  }

  async until(word: string): Promise<void> {
    while (!this.said.includes(word)) await once(this.process.stdout ?? assert.fail(), 'data');
  }
}

describe('a request to stop', () => {
  test('may come twice, as timeout(1) and npm send it: the process still ends in its own time', async () => {
    const child = new Child(300);
    await child.until('ready');
    child.process.kill('SIGINT');
    await child.until('stopping');
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGINT'] as const) child.process.kill(signal);
    assert.deepEqual(await child.ended, [0, null]);
    assert.equal(child.said, 'ready\nstopping\nstopped\n');
  });

  test('that is repeated later ends the process at once', async () => {
    const child = new Child(3_600_000);
    await child.until('ready');
    child.process.kill('SIGINT');
    await child.until('stopping');
    const again = setInterval(() => child.process.kill('SIGINT'), 200);
    assert.deepEqual(await child.ended, [null, 'SIGINT']);
    clearInterval(again);
    assert.doesNotMatch(child.said, /stopped/);
  });
});
