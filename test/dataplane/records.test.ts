/** Batches as the addon lays them out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { forEachRecord } from '../../src/dataplane/records.ts';

function record(kind: number, frame: Uint8Array, frameLength: number, nanoseconds: bigint): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((24 + frame.length) / 8) * 8);
  // As C would on this machine.
  bytes.set(new Uint8Array(BigUint64Array.of(nanoseconds).buffer), 0);
  bytes.set(new Uint8Array(Uint32Array.of(3, frameLength).buffer), 8);
  bytes.set(new Uint8Array(Uint16Array.of(frame.length).buffer), 16);
  bytes[18] = kind;
  bytes.set(frame, 24);
  return bytes;
}

test('reads records of every kind and any padding, in order', () => {
  const frames = [0, 1, 7, 8, 9, 2048].map((length) =>
    Uint8Array.from({ length }, (_, index) => index & 0xff),
  );
  const records = frames.map((frame, index) =>
    record(index % 4, frame, frame.length + index, 1_792_000_000_123_999_000n),
  );
  const seen: unknown[] = [];
  forEachRecord(Uint8Array.from(Buffer.concat(records)).buffer, (kind, frame, frameLength, timestamp) =>
    seen.push({ kind, frame: frame.slice(), frameLength, timestamp }),
  );
  const kinds = ['unknown', 'answer', 'fragment', 'unknown'];
  assert.deepEqual(
    seen,
    frames.map((frame, index) => ({
      kind: kinds[index % 4],
      frame,
      frameLength: frame.length + index,
      timestamp: 1_792_000_000_123,
    })),
  );
});

test('an empty batch holds no records', () => {
  forEachRecord(new ArrayBuffer(0), () => assert.fail('there is none'));
});
