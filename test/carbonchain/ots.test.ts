// SPDX-License-Identifier: Apache-2.0
/** OpenTimestamps files: what python-opentimestamps makes of ours, and what hostile ones do to us. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FormatError } from '../../src/base/cursor.ts';
import { doubleSha256, sha256, toHex } from '../../src/carbonchain/bytes.ts';
import {
  gather,
  MAX_OTS_BYTES,
  newNonce,
  readOts,
  stepsInBlock,
  writeOts,
} from '../../src/carbonchain/ots.ts';
import { merkleRoot } from '../../src/carbonchain/merkle.ts';
import { fc } from '../support/random.ts';

const MAGIC = '004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294';
const HEAD = `${MAGIC}0108`;
const BLOCK = '000588960d73d71901';
const DIGEST = '11'.repeat(32);

const read = (hex: string): ReturnType<typeof readOts> => readOts(Buffer.from(hex, 'hex'));

test('each of many digests leads to one root in a block', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 30 }),
      fc.nat(),
      (n, m, at) => {
        const digests = Array.from({ length: n }, (_, i) => sha256(Uint8Array.of(i)));
        const { root, steps } = gather(digests.map((digest) => ({ digest, nonce: newNonce() })));
        const transaction = Buffer.concat([Buffer.alloc(60, 1), root, Buffer.alloc(4)]);
        const index = at % m;
        const ids = Array.from({ length: m }, (_, i) =>
          i === index ? doubleSha256(transaction) : sha256(Uint8Array.of(i, 1)),
        );
        const above = stepsInBlock(root, transaction, ids, index);
        for (const [i, digest] of digests.entries()) {
          const { digest: found, blocks } = readOts(
            writeOts(digest, [...(steps[i] ?? []), ...above], 300_000),
          );
          assert.deepEqual(toHex(found), toHex(digest));
          assert.deepEqual(
            blocks.map(({ height }) => height),
            [300_000],
          );
          assert.equal(
            toHex(blocks[0]?.root ?? new Uint8Array()),
            toHex(merkleRoot(ids) ?? new Uint8Array()),
          );
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('one stamp says nothing of the other digests', () => {
  const digests = [sha256(Uint8Array.of(1)), sha256(Uint8Array.of(2))];
  const { steps } = gather(digests.map((digest) => ({ digest, nonce: newNonce() })));
  const stamp = toHex(writeOts(digests[0] as Uint8Array, steps[0] ?? [], 1));
  // Who guesses the other file cannot tell whether its hash is beside this one.
  assert.equal(stamp.includes(toHex(digests[1] as Uint8Array)), false);
  assert.equal(stamp.includes(toHex(sha256(digests[1] as Uint8Array))), false);
});

test('what is read of files that others make', () => {
  for (const [name, hex, want] of [
    ['a block at once', `${HEAD}${DIGEST}${BLOCK}0164`, [[100, DIGEST]]],
    [
      'a calendar and a block',
      `${HEAD}${DIGEST}ff0083dfe30d2ef90c8e0201aa${BLOCK}0164`,
      [[100, DIGEST]],
    ],
    ['another chain', `${HEAD}${DIGEST}0006869a0d73d71b450164`, []],
    ['below SHA-1, which is not worked out', `${HEAD}${DIGEST}02f00101${BLOCK}0164`, []],
    ['a message that is no root', `${HEAD}${DIGEST}f00101${BLOCK}0164`, []],
    ['a high block', `${HEAD}${DIGEST}${BLOCK}03a08d06`, [[100_000, DIGEST]]],
  ] as const) {
    const found = read(hex).blocks.map(({ height, root }) => [height, toHex(root)]);
    assert.deepEqual(found, want, name);
  }
});

test('what is no file is refused, and costs little', () => {
  const deep = `${HEAD}${DIGEST}${'08'.repeat(300)}${BLOCK}0164`;
  const long = `${HEAD}${DIGEST}${`f0ff1f${'00'.repeat(4095)}`.repeat(2)}${BLOCK}0164`;
  for (const [name, hex, why] of [
    ['nothing', '', 'truncated'],
    ['another file', '00'.repeat(100), 'magic'],
    ['another version', `${MAGIC}0208${DIGEST}${BLOCK}0164`, 'version'],
    ['of SHA-1', `${MAGIC}0102${DIGEST}${BLOCK}0164`, 'not-sha256'],
    ['cut off', `${HEAD}${DIGEST}${BLOCK}`, 'truncated'],
    ['something behind', `${HEAD}${DIGEST}${BLOCK}016400`, 'trailing'],
    ['an unknown step', `${HEAD}${DIGEST}55${BLOCK}0164`, 'step'],
    ['two forks', `${HEAD}${DIGEST}ffff${BLOCK}0164`, 'step'],
    ['300 steps', deep, 'too-deep'],
    ['a long message', long, 'too-long'],
    ['nothing to append', `${HEAD}${DIGEST}f000${BLOCK}0164`, 'too-long'],
    ['a huge length', `${HEAD}${DIGEST}f0ffffffffff7f${BLOCK}0164`, 'too-long'],
    ['a huge height', `${HEAD}${DIGEST}${BLOCK}06ffffffffff7f`, 'too-long'],
    ['a huge file', '00'.repeat(MAX_OTS_BYTES + 1), 'too-long'],
  ] as const)
    assert.throws(
      () => read(hex),
      (error) => error instanceof FormatError && error.reason === why,
      name,
    );
  const start = Buffer.from(`${HEAD}${DIGEST}`, 'hex');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        readOts(Buffer.concat([start, bytes]));
      } catch (error) {
        assert(error instanceof FormatError);
      }
    }),
  );
});
