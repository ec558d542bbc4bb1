/** Batches as the addon lays them out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { forEachRecord } from '../../src/dataplane/record-reader.ts';

interface WrittenRecord {
  readonly kind: number;
  readonly frame: Uint8Array;
  readonly frameLength: number;
  readonly nanoseconds: bigint;
  readonly tag?: bigint;
  /** name_offset, name_length, rdata_offset, rdata_length */
  readonly place?: readonly [number, number, number, number];
  readonly entry?: bigint;
  readonly endedRepeats?: number;
}

/** As C would write it on this machine: `struct record_header` and the frame, padded. */
function record(of: WrittenRecord): Uint8Array {
  const {
    kind,
    frame,
    frameLength,
    nanoseconds,
    tag = 0n,
    place = [0, 0, 0, 0],
    entry = 0n,
    endedRepeats = 0,
  } = of;
  const bytes = new Uint8Array(Math.ceil((48 + frame.length) / 8) * 8);
  bytes.set(new Uint8Array(BigUint64Array.of(nanoseconds, tag).buffer), 0);
  bytes.set(new Uint8Array(Uint16Array.from(place).buffer), 16);
  bytes.set(new Uint8Array(BigUint64Array.of(entry).buffer), 24);
  bytes.set(new Uint8Array(Uint32Array.of(endedRepeats, 3, frameLength).buffer), 32);
  bytes.set(new Uint8Array(Uint16Array.of(frame.length).buffer), 44);
  bytes[46] = kind;
  bytes.set(frame, 48);
  return bytes;
}

const batchOf = (...records: readonly WrittenRecord[]): ArrayBuffer =>
  Uint8Array.from(Buffer.concat(records.map(record))).buffer;

test('reads records of every kind and any padding, in order', () => {
  const frames = [0, 1, 7, 8, 9, 2048].map((length) =>
    Uint8Array.from({ length }, (_, index) => index & 0xff),
  );
  const batch = batchOf(
    ...frames.map((frame, index) => ({
      kind: index % 4,
      frame,
      frameLength: frame.length + index,
      nanoseconds: 1_792_000_000_123_999_000n,
    })),
  );
  const seen: unknown[] = [];
  forEachRecord(
    batch,
    batch.byteLength,
    'eth7',
    ({ kind, frame, frameLength, timestamp, interfaceName, answer }) =>
      seen.push({ kind, frame: frame.slice(), frameLength, timestamp, interfaceName, answer }),
  );
  const kinds = ['unknown', 'answer', 'fragment', 'unknown'];
  assert.deepEqual(
    seen,
    frames.map((frame, index) => ({
      kind: kinds[index % 4],
      frame,
      frameLength: frame.length + index,
      timestamp: 1_792_000_000_123,
      interfaceName: 'eth7',
      answer: undefined,
    })),
  );
});

test('says where an answer lies, and which entry begins and ends with it', () => {
  const common = { kind: 1, frame: new Uint8Array(64), frameLength: 64, nanoseconds: 0n };
  const batch = batchOf(
    {
      ...common,
      tag: 0xffff_ffff_ffff_ffffn,
      place: [54, 9, 73, 20],
      entry: 0xffff_03ff_0000_0002n,
      endedRepeats: 7,
    },
    {
      ...common,
      tag: 0x0000_0001_0000_0800n,
      place: [54, 9, 73, 20],
      entry: 0x0001_0002_0000_0001n,
    },
    { ...common, tag: 1n, place: [1, 2, 3, 4] },
  );
  const seen: unknown[] = [];
  forEachRecord(batch, batch.byteLength, 'eth0', ({ answer }) => {
    assert(answer !== undefined);
    const { tag, nameOffset, nameLength, rdataOffset, rdataLength, entry, ended } = answer;
    seen.push([tag, nameOffset, nameLength, rdataOffset, rdataLength, entry, ended]);
  });
  assert.deepEqual(seen, [
    [
      2 ** 53 - 1,
      54,
      9,
      73,
      20,
      0xffff_03ff_0000_0002n,
      { entry: 0xffff_03ff_0000_0001n, repeats: 7 },
    ],
    [2 ** 21 + 1, 54, 9, 73, 20, 0x0001_0002_0000_0001n, undefined],
    [0, 1, 2, 3, 4, undefined, undefined],
  ]);
});

test('an empty batch holds no records', () => {
  forEachRecord(new ArrayBuffer(64), 0, 'eth0', () => assert.fail('there is none'));
});
