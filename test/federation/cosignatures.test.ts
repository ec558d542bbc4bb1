// SPDX-License-Identifier: Apache-2.0
/** Cosignatures as members tell them each other. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { hex } from '../../src/federation/bytes.ts';
import {
  areCosignatures,
  attachmentOf,
  cosignAll,
  linesIn,
} from '../../src/federation/cosignatures.ts';
import { toMerkleHash } from '../../src/merkle/hash.ts';
import { generateSignerKey, parseSignerKey } from '../../src/statements/cosignature.ts';
import { formatNoteKey } from '../../src/statements/note-key.ts';
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
const member = { vkeys: cosigners.map(({ key }) => formatNoteKey(key)) };
const bytes = cosignAll(stated, logs, cosigners, 1_700_000_000n);
const packed = (json: unknown): Uint8Array => new Uint8Array(deflateRawSync(JSON.stringify(json)));

describe('cosignatures', () => {
  test('are taken as they were made, and by the keys of the member alone', () => {
    assert(areCosignatures(member, stated, logs, bytes));
    const others = { vkeys: [member.vkeys[1] ?? ''] };
    assert(!areCosignatures(others, stated, logs, bytes));
    assert(!areCosignatures(member, [], logs, bytes));
    assert.deepEqual(
      [...(linesIn(bytes) ?? [])].map(([of]) => of),
      [hex(id)],
    );
  });

  test('are hardly larger than their signatures', () => {
    assert(bytes.length < 1.1 * (64 + 2420), `${bytes.length}`);
  });

  const lines = linesIn(bytes)?.get(hex(id)) ?? '';
  for (const [what, wrong] of [
    ['nothing', new Uint8Array()],
    ['no deflated text', Uint8Array.from(Buffer.from(JSON.stringify({ [hex(id)]: lines })))],
    ['something else', packed([lines])],
    ['a line that is wrong', packed({ [hex(id)]: lines.replace(/.{9}\n$/, 'AAAAAAAA=\n') })],
    ['a line too many', packed({ [hex(id)]: lines + lines })],
    ['a log that is unknown alone', packed({ ['00'.repeat(32)]: lines })],
    // A thousand times as large as it looks.
    ['what would fill memory', packed({ [hex(id)]: ' '.repeat(2 ** 26) })],
  ] as const)
    test(`are none with ${what}`, () => assert(!areCosignatures(member, stated, logs, wrong)));
});
