// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { endianness } from 'node:os';
import { describe, test } from 'node:test';
import { fc } from '../support/random.ts';
import { frame, FrameReader, MAX_MESSAGE } from '../../src/client/frames.ts';

describe('frames', () => {
  test('have the length in the byte order of the machine', () => {
    const little = [2, 0, 0, 0, 0x7b, 0x7d];
    const want = endianness() === 'LE' ? little : [0, 0, 0, 2, 0x7b, 0x7d];
    assert.deepEqual([...frame('{}')], want);
  });

  test('come out whole, however they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 300 })),
        fc.array(fc.nat(40)),
        (texts, cuts) => {
          const all = Buffer.concat(texts.map(frame));
          const reader = new FrameReader();
          const got: string[] = [];
          for (let at = 0, i = 0; at < all.length; i++) {
            const length = cuts.length === 0 ? all.length : (cuts[i % cuts.length] ?? 0) + 1;
            for (const body of reader.take(all.subarray(at, at + length)))
              got.push(body.toString());
            at += length;
          }
          assert.deepEqual(got, texts);
          assert(!reader.isAmidst);
        },
      ),
    );
  });

  test('of more than 1 MiB are refused before their bytes come', () => {
    const head = frame('').subarray(0, 4);
    if (endianness() === 'LE') head.writeUInt32LE(MAX_MESSAGE + 1);
    else head.writeUInt32BE(MAX_MESSAGE + 1);
    assert.throws(() => [...new FrameReader().take(head)], RangeError);
    assert.throws(() => frame('x'.repeat(MAX_MESSAGE + 1)), RangeError);
    assert.equal(frame('x'.repeat(MAX_MESSAGE)).length, MAX_MESSAGE + 4);
  });
});
