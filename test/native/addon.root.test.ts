// SPDX-License-Identifier: Apache-2.0
/**
 * The addon in the life of a JavaScript environment: garbage collection, workers, exits, throwing
 * callbacks.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { addon, isNativeError, type AddonDataPlane } from '../../src/native/addon.ts';
import { xdpObjectPath } from '../../src/dataplane/xdp-object.ts';
import { dnsAnswer, encodeName, frameV4 } from '../support/packets.ts';
import { COPY_ALL, XDP_HERE } from '../support/xdp.ts';

const frame = frameV4(dnsAnswer());

/** Node 20 does not run TypeScript in a worker, even where the process does. */
const BOOTSTRAP = `
  import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => {
    register();
    return import(${JSON.stringify(import.meta.resolve('./worker.ts'))});
  });`;

function load(): AddonDataPlane {
  const plane = addon().load({
    objectPath: xdpObjectPath(),
    ringBytes: 1 << 20,
    settings: COPY_ALL,
    ...XDP_HERE,
  });
  plane.setPorts([53]);
  plane.setKnownNames([encodeName('sth.log.example')]);
  return plane;
}

/** Runs child.ts in a process of its own; returns what it printed. Fails where it crashed. */
function child(scenario: string, ...nodeOptions: readonly string[]): string {
  const args = [...nodeOptions, '--import', 'tsx', join(import.meta.dirname, 'child.ts'), scenario];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
  });
  assert.deepEqual({ status, signal }, { status: 0, signal: null }, stderr);
  return stdout.trim();
}

describe('delivery', () => {
  test('comes by itself, and so does the tail that stays below the wake-up threshold', async () => {
    const plane = load();
    let bytes = 0;
    const enough = new Promise<void>((resolve) => {
      plane.start((_, length) => {
        bytes += length;
        if (bytes === 20 * 160) resolve();
      });
    });
    plane.testRun(frame, 19, 0);
    plane.testRun(frame, 1, 0);
    await enough; // a record is 48 + 110 bytes, padded to 8; nothing is drained by hand
    plane.stop();
    plane.close();
  });

  test('may be stopped from within, and started again', async () => {
    const plane = load();
    for (let round = 0; round < 3; round++) {
      plane.testRun(frame, 10, 0);
      const stopped = new Promise<void>((resolve) => {
        plane.start(() => {
          plane.stop();
          resolve();
        });
      });
      await stopped;
    }
    plane.close();
  });

  test('may be closed from within', async () => {
    const plane = load();
    plane.testRun(frame, 10, 0);
    await new Promise<void>((resolve) => {
      plane.start(() => {
        plane.close();
        resolve();
      });
    });
    assert.throws(() => plane.counters(), /closed/);
  });

  test('drains all that waits when it is stopped, over many batches', () => {
    const plane = addon().load({
      objectPath: xdpObjectPath(),
      ringBytes: 16 << 20,
      settings: COPY_ALL,
      ...XDP_HERE,
    });
    plane.setPorts([53]);
    plane.setKnownNames([encodeName('sth.log.example')]);
    plane.testRun(frame, 20_000, 0);
    let bytes = 0;
    let batches = 0;
    plane.start((_, length) => {
      bytes += length;
      batches++;
    });
    plane.stop();
    assert.equal(bytes, 20_000 * 160);
    assert(batches > 1, `${batches} batches`);
    plane.close();
  });

  test('leaves what the callback throws to uncaughtException, and goes on', () => {
    assert.equal(child('throwing callback'), 'caught 3');
  });
});

describe('the end of an environment', () => {
  for (const how of ['exit', 'terminate', 'return'] as const) {
    test(`a worker that reads ends by ${how}`, async () => {
      const worker = new Worker(BOOTSTRAP, { eval: true, workerData: how });
      // Before its message is waited for: both may come at once.
      const ended = once(worker, 'exit');
      await once(worker, 'message');
      if (how === 'terminate') await worker.terminate();
      assert.deepEqual(await ended, [how === 'terminate' ? 1 : 0]);
    });
  }

  test('the process exits while it reads', () => {
    assert.equal(child('exit while reading'), 'reading');
  });

  test('a process with nothing left to do ends, though a plane was never closed', () => {
    assert.equal(child('forgotten plane'), 'done');
  });
});

test('garbage collection closes what was forgotten, and never what reads', () => {
  assert.equal(child('garbage', '--expose-gc'), 'forgotten closed, reading kept, stopped closed');
});

describe('errors', () => {
  test('carry a code, errno and what libbpf said', () => {
    const options = {
      objectPath: join(import.meta.dirname, 'child.ts'),
      ringBytes: 65536,
      settings: COPY_ALL,
      ...XDP_HERE,
    };
    assert.throws(
      () => addon().load(options),
      (error: unknown) =>
        isNativeError(error) && error.code === 'not-set-up' && /ELF|elf/.test(error.log),
    );
    assert.throws(
      () => addon().load({ ...options, objectPath: xdpObjectPath(), ringBytes: 0 }),
      (error: unknown) => isNativeError(error) && error.code === 'kernel' && error.errno > 0,
    );
  });

  test('refuse names that are none', () => {
    const plane = load();
    for (const name of [new Uint8Array(0), new Uint8Array(256)]) {
      assert.throws(
        () => plane.setKnownNames([name]),
        (error: unknown) => isNativeError(error) && error.code === 'bad-input',
      );
    }
    assert.equal(plane.knownNameCount(), 1);
    plane.close();
  });

  test('refuse more names than the map holds, and take as many as it holds', () => {
    const plane = load();
    const names = Array.from({ length: 4097 }, (_, index) => encodeName(`sth.n${index}.example`));
    assert.throws(
      () => plane.setKnownNames(names),
      (error: unknown) => isNativeError(error) && error.code === 'bad-input',
    );
    assert.equal(plane.knownNameCount(), 1);
    plane.setKnownNames(names.slice(1));
    assert.equal(plane.knownNameCount(), 4096);
    plane.setKnownNames(names.slice(0, 4096));
    assert.equal(plane.knownNameCount(), 4096);
    plane.close();
  });

  test('values of the wrong type are TypeErrors', () => {
    const plane = load();
    const wrong = plane as unknown as Record<string, (value?: unknown) => void>;
    for (const [method, value] of [
      ['setKnownNames', 'sth.log.example'],
      ['setKnownNames', [1]],
      ['setSettings', undefined],
      ['setSettings', { threshold: -1, everyNth: 1, wakeupBytes: 1 }],
      ['start', {}],
      ['testRun', [1, 2, 3]],
    ] as const) {
      assert.throws(() => wrong[method]?.call(plane, value), TypeError, method);
    }
    plane.close();
  });
});
