// SPDX-License-Identifier: Apache-2.0
/** What runs beside a service, and ends: started again, but for what would only end again. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { ChildProcess } from 'node:child_process';
import { keepBeside } from '../../src/services/spawn.ts';

/** A process of which the test says when and how it ends. */
class Child extends EventEmitter {
  readonly stdin = new PassThrough();
}

class Kept {
  readonly children: Child[] = [];
  readonly told: string[] = [];
  readonly waits: number[] = [];
  readonly stop = new AbortController();
  readonly outcome = keepBeside(
    {
      start: () => {
        const child = new Child();
        this.children.push(child);
        return child as unknown as ChildProcess;
      },
      onEnded: (how) => this.told.push(how),
      sleep: (milliseconds) => {
        this.waits.push(milliseconds);
        return Promise.resolve();
      },
    },
    this.stop.signal,
  );

  /** The process that runs ends in this way; resolves when another runs, or none is to. */
  async end(event: 'exit' | 'error', how: number | null | Error): Promise<void> {
    const before = this.children.length;
    this.children.at(-1)?.emit(event, how);
    for (let turns = 0; turns < 20 && this.children.length === before; turns++)
      await Promise.resolve();
  }
}

test('what ends by a signal, by a failure or before it began is started again, some time later', async () => {
  const kept = new Kept();
  await kept.end('exit', null);
  await kept.end('exit', 1);
  await kept.end('error', new Error('too many processes'));
  await kept.end('exit', 0);
  assert.equal(kept.children.length, 5);
  assert.deepEqual(kept.told, [
    'by a signal',
    'with exit code 1',
    'before it began: too many processes',
    'with exit code 0',
  ]);
  for (const wait of kept.waits) assert(wait >= 1000, 'it would be started all the time');
  kept.stop.abort();
  assert(kept.children.at(-1)?.stdin.writableEnded, 'it was not asked to end');
  await kept.end('exit', 0);
  assert.equal(await kept.outcome, 'stopped');
  assert.equal(kept.children.length, 5);
});

for (const [before, outcome] of [
  [0, 'refused'],
  [2, 'lost'],
] as const)
  test(`what was started wrongly, after ${before} starts, is not started again`, async () => {
    const kept = new Kept();
    for (let i = 0; i < before; i++) await kept.end('exit', null);
    await kept.end('exit', 2);
    assert.equal(await kept.outcome, outcome);
    assert.equal(kept.children.length, before + 1);
  });

test('nothing is started any more where the service ends while it waits', async () => {
  const child = new Child();
  const stop = new AbortController();
  let starts = 0;
  const outcome = keepBeside(
    {
      start: () => {
        starts += 1;
        return child as unknown as ChildProcess;
      },
      onEnded: () => stop.abort(),
    },
    stop.signal,
  );
  child.emit('exit', 1);
  assert.equal(await outcome, 'stopped');
  assert.equal(starts, 1);
});
