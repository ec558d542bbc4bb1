// SPDX-License-Identifier: Apache-2.0
/** Frame Streams from bytes as they come. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '../../support/random.ts';
import { CtgaError } from '../../../src/base/errors.ts';
import { Window } from '../../../src/dataplane/capture/window.ts';
import { Control, controlFrame, readFrames } from '../../../src/dataplane/dnstap/frame-stream.ts';
import { CONTENT, control, dataFrame, dnstapFile, START } from '../../support/dnstap.ts';

/** What is read of a stream that comes in these chunks, as text; and the error that ended it. */
function read(chunks: readonly Uint8Array[]): { found: string[]; error: string | undefined } {
  const window = new Window('the stream');
  const found: string[] = [];
  const reading = readFrames(window, {
    frame: (start, end) => found.push(window.bytes.toString('hex', start, end)),
    tooLarge: () => found.push('too large'),
    control: (type, contentTypes) => {
      found.push(`control ${type} ${contentTypes.join(',')}`);
      return type !== Control.stop;
    },
  });
  try {
    for (const chunk of chunks)
      for (let taken = 0; taken < chunk.length;) {
        taken += window.fill(chunk.subarray(taken));
        if (reading.next().done === true) return { found, error: undefined };
      }
    window.isComplete = true;
    reading.next();
    return { found, error: undefined };
  } catch (error) {
    assert(error instanceof CtgaError, String(error));
    return { found, error: error.message };
  }
}

test('reads the same however the bytes come, one by one too', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 }),
      (frames, sizes) => {
        const bytes = dnstapFile(frames);
        const chunks: Uint8Array[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = sizes[i % sizes.length] as number;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        const expected = [
          `control 2 ${CONTENT}`,
          ...frames.map((frame) => Buffer.from(frame).toString('hex')),
          'control 3 ',
        ];
        assert.deepEqual(read(chunks), { found: expected, error: undefined });
        assert.deepEqual(read([bytes]).found, expected);
      },
    ),
  );
});

test('a frame that is too large to be anything is passed over, and the next is read', () => {
  const huge = Buffer.alloc(300 * 1024, 7);
  const { found } = read([Buffer.concat([START, dataFrame(huge), dataFrame(Buffer.of(1, 2))])]);
  assert.deepEqual(found.slice(1), ['too large', '0102']);
});

describe('what is no Frame Stream ends the reading with a sentence', () => {
  const cases: readonly (readonly [string, Buffer, RegExp])[] = [
    ['a length that is cut', Buffer.of(0, 0), /2 are left/],
    ['a frame that is cut', Buffer.concat([START, Buffer.of(0, 0, 0, 9, 1)]), /is 9 bytes/],
    ['a control frame without a type', Buffer.from('0000000000000000', 'hex'), /claims 0/],
    ['a control frame of 600 bytes', Buffer.from('0000000000000258', 'hex'), /claims 600/],
    ['a control frame with other fields', tampered(15, 9), /content types/],
    ['a content type that is longer than its frame', tampered(19, 0xff), /content types/],
    ['an announced control frame that is missing', Buffer.alloc(4), /ends before/],
  ];
  for (const [name, bytes, message] of cases)
    test(name, () => assert.match(read([bytes]).error ?? '', message));
});

function tampered(at: number, byte: number): Buffer {
  const bytes = Buffer.from(START);
  bytes[at] = byte;
  return bytes;
}

test('whatever comes is read or refused, and nothing is thrown but that', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
      read([Buffer.concat([START, bytes])]);
      read([bytes]);
    }),
  );
});

test('writes control frames as the peers of the tests do', () => {
  assert.deepEqual(controlFrame(Control.accept, true), control(1, CONTENT));
  assert.deepEqual(controlFrame(Control.finish, false), control(5));
});
