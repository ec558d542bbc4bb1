// SPDX-License-Identifier: Apache-2.0
/** Batches as the addon lays them out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { forEachRecord } from '../../src/dataplane/record-reader.ts';
import { fc } from '../support/random.ts';

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

/** What handlers read of a record. */
function readAll(batch: ArrayBuffer, length: number): { frames: number; bytes: number } {
  const read = { frames: 0, bytes: 0 };
  forEachRecord(batch, length, 'eth0', (packet) => {
    const { frame, answer, timestamp, frameLength, kind } = packet;
    assert(frame.byteOffset + frame.length <= length, 'a frame that goes on behind the batch');
    assert([typeof timestamp, typeof frameLength, typeof kind].join() === 'number,number,string');
    if (answer !== undefined) assert(answer.tag + answer.rdataOffset >= 0);
    read.frames++;
    read.bytes += frame.length;
  });
  return read;
}

test('a batch that is cut short holds the records before the cut', () => {
  const frames = [0, 1, 8, 100, 2048].map((length) => new Uint8Array(length));
  const batch = batchOf(
    ...frames.map((frame) => ({ kind: 1, frame, frameLength: 1, nanoseconds: 0n })),
  );
  let [end, whole] = [0, 0];
  for (const { length } of frames) {
    const next = end + 48 + length;
    for (let cut = end; cut < next; cut++) assert.equal(readAll(batch, cut).frames, whole);
    whole++;
    assert.equal(readAll(batch, next).frames, whole);
    end += Math.ceil((48 + length) / 8) * 8;
  }
});

test('bytes that no addon wrote are read to their end at most', () => {
  const hostile = fc.record({
    bytes: fc.uint8Array({ minLength: 0, maxLength: 400 }),
    lengths: fc.array(fc.constantFrom(0, 1, 7, 8, 40, 2048, 2049, 65535), { maxLength: 8 }),
    cut: fc.nat(500),
  });
  fc.assert(
    fc.property(hostile, ({ bytes, lengths, cut }) => {
      const batch = new ArrayBuffer(bytes.length);
      new Uint8Array(batch).set(bytes);
      let at = 0;
      for (const length of lengths) {
        if (at + 48 > bytes.length) break;
        new Uint16Array(batch, at + 44, 1)[0] = length;
        at += 48 + ((length + 7) & ~7);
      }
      const end = Math.min(cut, bytes.length);
      const { frames, bytes: read } = readAll(batch, end);
      assert(frames * 48 + read <= end);
    }),
    { numRuns: 2000 },
  );
});
