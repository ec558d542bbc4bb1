// SPDX-License-Identifier: Apache-2.0
/** Cosignatures as members tell them each other. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { concat, hex, list } from '../../src/federation/bytes.ts';
import {
  attachmentOf,
  checkpointFor,
  cosignAll,
  goodCosignatures,
  linesOf,
} from '../../src/federation/cosignatures.ts';
import { toMerkleHash } from '../../src/merkle/hash.ts';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { cosign, generateSignerKey, parseSignerKey } from '../../src/statements/cosignature.ts';
import { formatNoteKey } from '../../src/statements/note-key.ts';
import { checkSignatures } from '../../src/statements/signature-lines.ts';
import { SigningLog } from '../support/signing-log.ts';

const log = new SigningLog();
const named = log.asLog({ url: 'https://log.example/' });
const head = log.verified(7, toMerkleHash(new Uint8Array(32)));
const { logId: id, treeSize, rootHash } = head;
const stated = [
  { statement: { kind: 'head', id, treeSize, rootHash } as const, attachment: attachmentOf(head) },
];
const logs = new Map([[hex(id), named]]);
const cosigners = [
  generateSignerKey('m.example/a', 'Ed25519 cosignature'),
  generateSignerKey('m.example/a/ml-dsa-44', 'ML-DSA-44'),
].map(parseSignerKey);
const keys = cosigners.map(({ key }) => key);
const member = { vkeys: keys.map(formatNoteKey) };
const bytes = cosignAll(stated, logs, cosigners, 1_700_000_000n);
/** Time, number of heads, ID, which keys, Ed25519, ML-DSA-44. */
const [MASK, ED25519, ML_DSA] = [18, 19, 83];

function changed(at: number, to: (was: number) => number): Uint8Array {
  const wrong = new Uint8Array(bytes);
  wrong[at] = to(wrong[at] ?? 0);
  return wrong;
}

/** What is said of several heads. */
function joined(...all: readonly Uint8Array[]): Uint8Array {
  return concat([bytes.subarray(0, 8), list(all.map((each) => each.subarray(10)))]);
}

describe('cosignatures', () => {
  test('are taken as they were made, and by the keys of the member alone', () => {
    assert.deepEqual(goodCosignatures(member, stated, logs, bytes), bytes);
    const others = { vkeys: member.vkeys.toReversed() };
    assert.equal(goodCosignatures(others, stated, logs, bytes), 'false');
    assert.equal(goodCosignatures({ vkeys: [] }, stated, logs, bytes), 'false');
    assert.equal(goodCosignatures(member, [], logs, bytes), 'unknown');
    assert.equal(goodCosignatures(member, stated, new Map(), bytes), 'unknown');
  });

  test('are the lines that the keys sign a checkpoint by', () => {
    const note = checkpointFor(stated[0] as (typeof stated)[0], named) ?? '';
    const want = cosigners.map((each) => cosign(each, parseCheckpoint(note), 1_700_000_000n));
    const lines = linesOf(bytes, keys, hex(id));
    assert.deepEqual(
      lines.split('\n').map((line) => line.split(' ').slice(0, 2)),
      want
        .join('')
        .split('\n')
        .map((line) => line.split(' ').slice(0, 2)),
    );
    const checked = checkSignatures(parseCheckpoint(note + lines), keys);
    assert.deepEqual(
      checked.slice(1).map(({ valid, time }) => [valid, time]),
      [
        [true, 1_700_000_000n],
        [true, 1_700_000_000n],
      ],
    );
    assert.equal(linesOf(bytes, keys, '00'.repeat(32)), '');
    assert.equal(linesOf(Uint8Array.of(1), keys, hex(id)), '');
  });

  test('are hardly larger than their signatures', () => {
    assert.equal(bytes.length, 64 + 2420 + 19);
  });

  // Else the update of whoever keeps them, in which they come to be shown, would not hold.
  test('of heads that nobody can check yet are neither kept nor passed on', () => {
    const unknown = changed(10, (was) => was ^ 1);
    assert.deepEqual(goodCosignatures(member, stated, logs, joined(bytes, unknown)), bytes);
    assert.deepEqual(goodCosignatures(member, stated, logs, joined(unknown, bytes)), bytes);
    assert.equal(goodCosignatures(member, stated, logs, unknown), 'unknown');
  });

  test('by one of two keys are those of that one', () => {
    const mask = changed(MASK, () => 1).subarray(0, ML_DSA);
    assert.deepEqual(goodCosignatures(member, stated, logs, mask), mask);
    assert.equal(linesOf(mask, keys, hex(id)).split('\n').length, 2);
    const none = changed(MASK, () => 0).subarray(0, ED25519);
    assert.equal(goodCosignatures(member, stated, logs, none), 'unknown');
  });

  for (const [what, wrong] of [
    ['nothing', new Uint8Array()],
    ['an end that is missing', bytes.subarray(0, -1)],
    ['more behind the end', concat([bytes, Uint8Array.of(0)])],
    ['another time', changed(7, (was) => was ^ 1)],
    ['a bit of Ed25519 that is wrong', changed(ED25519, (was) => was ^ 1)],
    ['a bit of ML-DSA-44 that is wrong', changed(ML_DSA, (was) => was ^ 1)],
    ['a key that it has not', changed(MASK, () => 7)],
    ['a head more than there is', changed(9, () => 2)],
    ['one head twice', joined(bytes, bytes)],
    [
      'one head twice, of which one is false',
      joined(
        bytes,
        changed(ED25519, (was) => was ^ 1),
      ),
    ],
  ] as const)
    test(`are none with ${what}`, () =>
      assert.equal(goodCosignatures(member, stated, logs, wrong), 'false'));

  test("of one member are not another's, by either key", () => {
    const other = [
      generateSignerKey('m.example/b', 'Ed25519 cosignature'),
      generateSignerKey('m.example/b/ml-dsa-44', 'ML-DSA-44'),
    ].map((each) => formatNoteKey(parseSignerKey(each).key));
    for (const vkeys of [
      other,
      [member.vkeys[0] ?? '', other[1] ?? ''],
      [other[0] ?? '', member.vkeys[1] ?? ''],
    ])
      assert.equal(goodCosignatures({ vkeys }, stated, logs, bytes), 'false');
  });
});
