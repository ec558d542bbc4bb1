/** A capture file as a data plane. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CtgaError } from '../../src/base/errors.ts';
import { CapturePlane } from '../../src/dataplane/capture.ts';
import { captureFile } from '../../src/traffic/traffic.ts';
import { frameV4 } from '../support/packets.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const PACKETS = 2500;
const bytes = captureFile(Array.from({ length: PACKETS }, () => frameV4(new Uint8Array(8))));

function planeOf(content: Uint8Array): CapturePlane {
  const path = join(directory, 'some.pcap');
  writeFileSync(path, content);
  return new CapturePlane(path);
}

/** Counts what is delivered. */
function reading(plane: CapturePlane): { packets: number; batches: number } {
  const delivered = { packets: 0, batches: 0 };
  plane.start(
    () => (delivered.packets += 1),
    () => (delivered.batches += 1),
  );
  return delivered;
}

test('delivers every packet in batches, and is finished', async () => {
  const plane = planeOf(bytes);
  const delivered = reading(plane);
  assert(delivered.packets < PACKETS, 'others have their turn in between');
  await plane.finished;
  assert.deepEqual(delivered, { packets: PACKETS, batches: 3 });
});

test('delivers what is before the damage in a file, and then says what is wrong', async () => {
  const plane = planeOf(bytes.subarray(0, bytes.length - 1));
  const delivered = reading(plane);
  await assert.rejects(
    plane.finished,
    (error) => error instanceof CtgaError && error.code === 'bad-input',
  );
  assert.equal(delivered.packets, PACKETS - 1);
});

test('a handler that throws ends it', async () => {
  const plane = planeOf(bytes);
  plane.start(
    () => {
      throw new Error('from the handler');
    },
    () => undefined,
  );
  await assert.rejects(plane.finished, /from the handler/);
});

test('can be stopped, before it was started and while it reads', async () => {
  await planeOf(bytes).stop();
  const plane = planeOf(bytes);
  const delivered = reading(plane);
  await plane.stop();
  assert.deepEqual(delivered, { packets: 1000, batches: 2 });
});
