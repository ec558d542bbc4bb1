// SPDX-License-Identifier: Apache-2.0
/** The response in a dnstap frame. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '../../support/random.ts';
import { DnstapFrame, MALFORMED, NO_RESPONSE } from '../../../src/dataplane/dnstap/message.ts';
import { bytesField, dnstapFrame, MessageType, varintField } from '../../support/dnstap.ts';

const RESPONSE = Buffer.from('a response');

function read(frame: Uint8Array): string {
  const reader = new DnstapFrame();
  const found = reader.read(frame, 0, frame.length);
  return found === ''
    ? Buffer.from(frame.subarray(reader.start, reader.end)).toString('latin1')
    : found;
}

describe('types of messages', () => {
  for (const [name, type] of Object.entries(MessageType)) {
    const isTaken = /^(auth|resolver|client|forwarder|stub)Response$/.test(name);
    test(`${name}: ${isTaken ? 'taken' : 'passed by'}`, () =>
      assert.equal(read(dnstapFrame(RESPONSE, { type })), isTaken ? 'a response' : NO_RESPONSE));
  }
});

describe('other frames', () => {
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ['nothing', new Uint8Array(0), NO_RESPONSE],
    ['of another kind', dnstapFrame(RESPONSE, { kind: 2 }), NO_RESPONSE],
    ['without a message', varintField(15, 1), NO_RESPONSE],
    ['a message without a response', bytesField(14, varintField(1, 6)), NO_RESPONSE],
    ['a message that is a number', varintField(14, 6), NO_RESPONSE],
    [
      'a response that is a number',
      bytesField(14, Buffer.concat([varintField(1, 6), varintField(14, 1)])),
      NO_RESPONSE,
    ],
    ['field 0', Buffer.of(2, 0), MALFORMED],
    ['a group', Buffer.of(11, 12), MALFORMED],
    ['wire type 7', Buffer.of(15), MALFORMED],
    ['a number of eleven bytes', Buffer.alloc(12, 0x88), MALFORMED],
    ['a length beyond the frame', Buffer.of(0x72, 200, 1), MALFORMED],
    [
      'a length beyond memory',
      Buffer.of(0x72, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
      MALFORMED,
    ],
  ];
  for (const [name, frame, found] of cases)
    test(`${name}: ${found}`, () => assert.equal(read(frame), found));
});

test('every frame that is cut is refused or passed by', () => {
  const frame = dnstapFrame(RESPONSE);
  for (let length = 0; length < frame.length; length++)
    if (read(frame.subarray(0, length)) === 'a response')
      // Only the kind of the frame, which stands last, may be missing.
      assert(length >= frame.length - 2, `cut to ${length}`);
});

test('fields that are not known are passed over, in any order', () => {
  const unknown = [
    varintField(200, 2 ** 40),
    bytesField(3, Buffer.from('extra')),
    Buffer.concat([Buffer.of(0x91, 0x06), Buffer.alloc(8)]), // field 98, 64 bits
  ];
  const known = dnstapFrame(RESPONSE);
  for (const field of unknown) {
    assert.equal(read(Buffer.concat([field, known])), 'a response');
    assert.equal(read(Buffer.concat([known, field])), 'a response');
  }
});

test('never throws, and finds nothing outside the frame', () => {
  const reader = new DnstapFrame();
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(20),
      fc.nat(20),
      (bytes, before, after) => {
        const start = Math.min(before, bytes.length);
        const end = Math.max(start, bytes.length - after);
        if (reader.read(bytes, start, end) !== '') return;
        assert(reader.start >= start && reader.end <= end && reader.start <= reader.end);
      },
    ),
  );
});
