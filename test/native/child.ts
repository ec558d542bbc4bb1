// SPDX-License-Identifier: Apache-2.0
/** Scenarios that take a process of their own; see addon.root.test.ts. */
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { addon, type AddonDataPlane } from '../../src/native/addon.ts';
import { xdpObjectPath } from '../../src/dataplane/xdp-object.ts';
import { dnsAnswer, encodeName, frameV4 } from '../support/packets.ts';
import { COPY_ALL, XDP_HERE } from '../support/xdp.ts';
import { eventually } from '../support/eventually.ts';

const frame = frameV4(dnsAnswer());

function load(): AddonDataPlane {
  const settings = { ...COPY_ALL, wakeupBytes: 0 };
  const plane = addon().load({
    objectPath: xdpObjectPath(),
    ringBytes: 1 << 20,
    settings,
    ...XDP_HERE,
  });
  plane.setPorts([53]);
  plane.setKnownNames([encodeName('sth.log.example')]);
  return plane;
}

function openPrograms(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:bpf-prog';
    } catch {
      return false; // the descriptor of this very directory
    }
  }).length;
}

async function collectGarbage(): Promise<void> {
  for (let round = 0; round < 5; round++) {
    globalThis.gc?.();
    await sleep(10); // finalizers run from the event loop
  }
}

const scenarios: Record<string, () => Promise<void> | void> = {
  async 'throwing callback'() {
    let caught = 0;
    process.on('uncaughtException', () => caught++);
    const plane = load();
    plane.start(() => {
      throw new Error('from the callback');
    });
    for (let round = 1; round <= 3; round++) {
      plane.testRun(frame, 1, 0);
      await eventually(() => caught >= round, `the exception of round ${round}`);
    }
    plane.close();
    console.log(`caught ${caught}`);
  },

  'exit while reading'() {
    const plane = load();
    plane.start(() => {
      console.log('reading');
      process.exit(0);
    });
    plane.testRun(frame, 100, 0);
  },

  'forgotten plane'() {
    load().testRun(frame, 100, 0);
    console.log('done');
  },

  async garbage() {
    for (let count = 0; count < 20; count++) load();
    await collectGarbage();
    const forgotten = openPrograms();

    const reading = new WeakRef(load());
    reading.deref()?.start(() => undefined);
    await collectGarbage();
    const kept = openPrograms();

    reading.deref()?.stop();
    await collectGarbage();
    const stopped = openPrograms();
    console.log(
      forgotten === 0 && kept === 1 && stopped === 0
        ? 'forgotten closed, reading kept, stopped closed'
        : `programs open: ${forgotten}, ${kept}, ${stopped}`,
    );
  },
};

await scenarios[process.argv[2] ?? '']?.();
