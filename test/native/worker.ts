// SPDX-License-Identifier: Apache-2.0
/** A worker that reads a ring buffer when its environment ends, in the way it is told. */
import { parentPort, workerData } from 'node:worker_threads';

import { addon } from '../../src/native/addon.ts';
import { xdpObjectPath } from '../../src/dataplane/xdp-object.ts';
import { dnsAnswer, encodeName, frameV4 } from '../support/packets.ts';
import { COPY_ALL, XDP_HERE } from '../support/xdp.ts';

const plane = addon().load({
  objectPath: xdpObjectPath(),
  ringBytes: 1 << 20,
  settings: { ...COPY_ALL, wakeupBytes: 0 },
  ...XDP_HERE,
});
plane.setPorts([53]);
plane.setKnownNames([encodeName('sth.log.example')]);
plane.start(() => {
  parentPort?.postMessage('reading');
  if (workerData === 'exit') process.exit(0);
  if (workerData === 'return') plane.stop();
});
plane.testRun(frameV4(dnsAnswer()), 100, 0);
