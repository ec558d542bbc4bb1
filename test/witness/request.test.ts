// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseAddCheckpoint, parseSignSubtree } from '../../src/witness/request.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { treeOf } from '../support/signing-log.ts';

const log = new CheckpointLog();
const root = treeOf(5).root();
const note = log.checkpoint(5, root);
const hash = Buffer.from(root).toString('base64');
const [text = '', line = ''] = note.split('\n\n');

describe('add-checkpoint', () => {
  test('is read: old size, hashes, and the checkpoint with all its lines', () => {
    const { old, proof, checkpoint } = parseAddCheckpoint(
      Buffer.from(`old 3\n${hash}\n${hash}\n\n${note}`),
    );
    assert.deepEqual([old, proof, checkpoint.treeSize], [3n, [root, root], 5n]);
    assert.equal(checkpoint.text, `${text}\n`);
    assert.equal(parseAddCheckpoint(Buffer.from(`old 0\n\n${note}`)).proof.length, 0);
    const most = `${hash}\n`.repeat(63);
    assert.equal(parseAddCheckpoint(Buffer.from(`old 3\n${most}\n${note}`)).proof.length, 63);
    const max = 2n ** 64n - 1n;
    assert.equal(parseAddCheckpoint(Buffer.from(`old ${max}\n\n${note}`)).old, max);
  });

  for (const [what, body] of [
    ['nothing', ''],
    ['no old size', `\n\n${note}`],
    ['another word', `new 3\n\n${note}`],
    ['two spaces', `old  3\n\n${note}`],
    ['a space behind', `old 3 \n\n${note}`],
    ['a tab', `old\t3\n\n${note}`],
    ['a leading zero', `old 03\n\n${note}`],
    ['a sign', `old +3\n\n${note}`],
    ['2^64', `old 18446744073709551616\n\n${note}`],
    ['hexadecimal', `old 0x3\n\n${note}`],
    ['other digits', `old \u0663\n\n${note}`],
    ['no empty line', `old 3\n${note}`],
    ['CR LF', `old 3\r\n\r\n${note.replaceAll('\n', '\r\n')}`],
    ['64 hashes', `old 3\n${`${hash}\n`.repeat(64)}\n${note}`],
    ['a short hash', `old 3\nabcd\n\n${note}`],
    ['a hash without padding', `old 3\n${hash.slice(0, -1)}\n\n${note}`],
    ['a hash with a space', `old 3\n ${hash}\n\n${note}`],
    ['base64url', `old 3\n${hash.replaceAll(/[A-Z]/g, '-')}\n\n${note}`],
    ['no checkpoint', 'old 3\n\n'],
    ['no signature', `old 3\n\n${text}\n`],
    ['no signature but the empty line', `old 3\n\n${text}\n\n`],
    ['no newline at the end', `old 3\n\n${note.slice(0, -1)}`],
    ['two newlines at the end', `old 3\n\n${note}\n`],
    ['a line that is no signature', `old 3\n\n${note}garbage\n`],
    ['a line that is no signature, first', `old 3\n\n${text}\n\ngarbage\n${line}`],
    ['a hyphen for the dash', `old 3\n\n${text}\n\n- ${line.slice(2)}`],
    ['a name with a plus', `old 3\n\n${note}\u2014 a+b ${hash}\n`],
    ['a name with a space of Unicode', `old 3\n\n${note}\u2014 a\u2003b ${hash}\n`],
    ['a name with a next-line character', `old 3\n\n${note}\u2014 a\u0085b ${hash}\n`],
    ['an empty signature', `old 3\n\n${note}\u2014 name \n`],
    ['a signature of four bytes', `old 3\n\n${note}\u2014 name AAAAAA==\n`],
    ['a signature without padding', `old 3\n\n${note}\u2014 name AAAAAAA\n`],
    ['an empty line in the text', `old 3\n\n${text}\n\nmore\n\n${line}`],
    ['an empty origin', `old 3\n\n\n5\n${hash}\n\n${line}`],
    ['a size that is none', `old 3\n\n${log.origin}\nfive\n${hash}\n\n${line}`],
    ['a size with a leading zero', `old 3\n\n${log.origin}\n05\n${hash}\n\n${line}`],
    ['a root of 31 bytes', `old 3\n\n${log.origin}\n5\n${hash.slice(4)}\n\n${line}`],
    ['a NUL', `old 3\n\n${log.origin}\n5\n${hash}\nmo\0re\n\n${line}`],
    ['a mark of byte order', `\ufeffold 3\n\n${note}`],
  ] as const)
    test(`is refused with ${what}`, () =>
      assert.throws(() => parseAddCheckpoint(Buffer.from(body)), RangeError));

  test('is refused with what is no UTF-8', () => {
    const [before, behind] = [`old 3\n\n${log.origin}\n5\n${hash}\n`, `\n\n${line}`];
    for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]])
      assert.throws(
        () =>
          parseAddCheckpoint(
            Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(behind)]),
          ),
        /UTF-8/,
      );
  });
});

describe('sign-subtree', () => {
  test('is read', () => {
    const read = parseSignSubtree(Buffer.from(`subtree 4 5\n${hash}\n${hash}\n\n${note}`));
    assert.deepEqual([read.start, read.end, read.hash, read.proof], [4n, 5n, root, [root]]);
  });

  for (const [what, body] of [
    ['a subtree that is none', `subtree 1 3\n${hash}\n\n${note}`],
    ['an empty one', `subtree 4 4\n${hash}\n\n${note}`],
    ['one that ends behind the tree', `subtree 4 6\n${hash}\n\n${note}`],
    ['a leading zero', `subtree 04 5\n${hash}\n\n${note}`],
    ['one number', `subtree 4\n${hash}\n\n${note}`],
    ['three numbers', `subtree 4 5 6\n${hash}\n\n${note}`],
    ['two spaces', `subtree 4  5\n${hash}\n\n${note}`],
    ['no hash', `subtree 4 5\n\n${note}`],
    ['no checkpoint', `subtree 4 5\n${hash}\n`],
    ['64 hashes', `subtree 4 5\n${hash}\n${`${hash}\n`.repeat(64)}\n${note}`],
  ] as const)
    test(`is refused with ${what}`, () =>
      assert.throws(() => parseSignSubtree(Buffer.from(body)), RangeError));
});
