// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_UINT64, parseUint64 } from '../../src/base/u64.ts';
import { fc } from '../support/random.ts';

test('a number has one spelling', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: MAX_UINT64 }), (value) => {
      assert.equal(parseUint64(value.toString()), value);
      assert.equal(parseUint64(`0${value}`), undefined);
    }),
  );
});

for (const text of ['', '-1', '+1', ' 1', '1 ', '1e3', '0x1', '1.0', '٣', `${MAX_UINT64 + 1n}`])
  test(`${JSON.stringify(text)} is no number`, () => assert.equal(parseUint64(text), undefined));
