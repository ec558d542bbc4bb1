// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { frameMessage, framedMessages } from '../../src/dns/tcp-framing.ts';
import { fc } from '../support/random.ts';

async function read(chunks: readonly Uint8Array[]): Promise<Buffer[]> {
  const messages: Buffer[] = [];
  const buffers = chunks.map((chunk) => Buffer.from(chunk));
  for await (const message of framedMessages(Readable.from(buffers))) messages.push(message);
  return messages;
}

test('messages come out as they went in, wherever the connection is cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }),
      fc.integer({ min: 1, max: 40 }),
      async (messages, size) => {
        const bytes = Buffer.concat(messages.map(frameMessage));
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
          bytes.subarray(i * size, (i + 1) * size),
        );
        assert.deepEqual(
          await read(chunks),
          messages.map((message) => Buffer.from(message)),
        );
      },
    ),
  );
});

test('the longest message fits, a longer one is a bug, and half a message is none', async () => {
  const longest = Buffer.alloc(65_535, 7);
  assert.deepEqual(await read([frameMessage(longest)]), [longest]);
  assert.throws(() => frameMessage(Buffer.alloc(65_536)), RangeError);
  assert.deepEqual(await read([frameMessage(Buffer.alloc(10)).subarray(0, 11)]), []);
  assert.deepEqual(await read([Buffer.of(0)]), []);
});
