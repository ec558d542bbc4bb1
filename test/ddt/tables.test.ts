// SPDX-License-Identifier: Apache-2.0
/**
 * The tables of seed 003, typed in, and bytes cut up by them: each field has to be what our readers find
 * there. Tables 2 to 5 are Bitcoin's structures (appendix C), 6 to 11 DDT's (appendix D); 7 has every one
 * of its routes in server.test.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc64 } from '../../src/carbonchain/crc64.ts';
import { NETWORKS, parseHeader } from '../../src/carbonchain/header.ts';
import { decodePacket, packetsOf } from '../../src/carbonchain/packet.ts';
import { parseTransaction } from '../../src/carbonchain/transaction.ts';
import { newKeyPair, type KeyPair } from '../../src/ddt/keys.ts';
import { nameOf } from '../../src/ddt/names.ts';
import { ORIGINAL_KINDS } from '../../src/ddt/kinds.ts';
import {
  decodeOriginal,
  encodeOriginal,
  OriginalState,
  signOriginal,
  type KeyCommand,
  type MetadataCommand,
  type OriginalCommand,
  type RootKeyCommand,
} from '../../src/ddt/original.ts';

/** A field's name, and its bytes: so many, or as many as another one before it says. */
type Row = readonly [field: string, size: number | string];

/** The fields of a table in these bytes, all of which they have to take up. */
function cut(bytes: Uint8Array, rows: readonly Row[]): (field: string) => Buffer {
  const fields = new Map<string, Buffer>();
  const field = (name: string): Buffer => fields.get(name) ?? assert.fail(`no field ${name}`);
  let at = 0;
  for (const [name, size] of rows) {
    const length = typeof size === 'number' ? size : littleEndian(field(size));
    assert.ok(at + length <= bytes.length, `${name} is cut off`);
    fields.set(name, Buffer.from(bytes.subarray(at, at + length)));
    at += length;
  }
  assert.equal(at, bytes.length, 'nothing is left over');
  return field;
}

function littleEndian(bytes: Buffer): number {
  return bytes.readUIntLE(0, bytes.length);
}

const user = nameOf('alice');
const image = nameOf('app');
const tag = nameOf('v1');
const [root, key, other] = [newKeyPair(), newKeyPair(), newKeyPair()];
const DIGESTS = [`sha256:${'ab'.repeat(32)}`, `sha512:${'cd'.repeat(64)}`];

const rootKey = (kind: RootKeyCommand['kind'], by: KeyPair): RootKeyCommand =>
  kind === 'register-root-key'
    ? { kind, user, publicKey: by.publicKey, signature: new Uint8Array(64) }
    : signOriginal({ kind, user, publicKey: by.publicKey }, by);
const taggingKey = (kind: KeyCommand['kind'], by: KeyPair, keyId = 7): KeyCommand =>
  signOriginal({ kind, user, image, keyId, publicKey: key.publicKey }, by);
const metadata = (kind: MetadataCommand['kind'], by: KeyPair, digests = DIGESTS): MetadataCommand =>
  signOriginal({ kind, user, image, tag, keyId: 7, digests }, by);
const decoded = (command: OriginalCommand): OriginalCommand =>
  decodeOriginal(encodeOriginal(command)) ?? assert.fail('no command');

test('table 2: a block, whose header is six fields of 80 bytes', () => {
  const { bytes, previous, time, bits } = NETWORKS.mainnet.genesis;
  const fields = cut(bytes, [
    ['Version', 4],
    ['HashPrevBlock', 32],
    ['HashMerkleRoot', 32],
    ['Time', 4],
    ['Bits', 4],
    ['Nonce', 4],
  ]);
  assert.equal(littleEndian(fields('Version')), 1);
  assert.equal(fields('HashPrevBlock').reverse().toString('hex'), previous);
  assert.equal(
    fields('HashMerkleRoot').reverse().toString('hex'),
    '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b',
  );
  assert.equal(littleEndian(fields('Time')), time);
  assert.equal(littleEndian(fields('Bits')), bits);
  assert.equal(littleEndian(fields('Nonce')), 2_083_236_893);
  assert.deepEqual(parseHeader(bytes).bytes, Uint8Array.from(bytes));
});

test('tables 3 to 5: a transaction, its inputs and its outputs', () => {
  const [script, pays] = [
    Buffer.from('0401020304', 'hex'),
    Buffer.from('76a914' + '33'.repeat(20) + '88ac', 'hex'),
  ];
  const input = Buffer.concat([
    Buffer.alloc(32, 0x11),
    Buffer.from('07000000', 'hex'),
    Buffer.of(script.length),
    script,
    Buffer.from('feffffff', 'hex'),
  ]);
  const output = Buffer.concat([
    Buffer.from('e803000000000000', 'hex'),
    Buffer.of(pays.length),
    pays,
  ]);
  const transaction = Buffer.concat([
    Buffer.from('01000000', 'hex'),
    Buffer.of(1),
    input,
    Buffer.of(1),
    output,
    Buffer.from('2a000000', 'hex'),
  ]);
  cut(transaction, [
    ['Version', 4],
    ['TransactionInCount', 1],
    ['TransactionIn', input.length],
    ['TransactionOutCount', 1],
    ['TransactionOut', output.length],
    ['Locktime', 4],
  ]);
  const from = cut(input, [
    ['PrevOutputHash', 32],
    ['PrevOutputIndex', 4],
    ['ScriptLength', 1],
    ['SignatureScript', 'ScriptLength'],
    ['Sequence', 4],
  ]);
  const to = cut(output, [
    ['Value', 8],
    ['ScriptLength', 1],
    ['Script', 'ScriptLength'],
  ]);
  const parsed = parseTransaction(transaction);
  assert.deepEqual(parsed.inputs, [
    { id: from('PrevOutputHash'), index: littleEndian(from('PrevOutputIndex')) },
  ]);
  assert.equal(parsed.outputs.length, 1);
  assert.equal(parsed.outputs[0]?.value, 1000n);
  assert.deepEqual(parsed.outputs[0].script, to('Script'));
});

test('table 6: the commands, and what the code of the original does where the table says something else', () => {
  assert.deepEqual(
    ORIGINAL_KINDS.map((kind, number) => [number, kind]),
    [
      [0, 'register-root-key'],
      [1, 'delete-root-key'],
      [2, 'register-key'],
      [3, 'delete-key'],
      [4, 'register-metadata'],
      [5, 'delete-metadata'],
    ],
  );
  const state = new OriginalState();
  const does = (command: OriginalCommand): string | undefined => state.apply(decoded(command));
  // "Registers the root key to the specified username if username is not used."
  assert.equal(does(rootKey('register-root-key', root)), undefined);
  // "Otherwise, replace the root key if the existing key can be verified": a registration has no signature to do so by.
  assert.equal(does(rootKey('register-root-key', other)), 'Username already taken');
  // "Register the key to the specified repository if it can be verified by the root key."
  assert.equal(does(taggingKey('register-key', other)), 'Signature failed to match root key');
  assert.equal(does(taggingKey('register-key', root)), undefined);
  // "... if the tagging key used can be verified."
  assert.equal(does(metadata('register-metadata', other)), 'Signature failed to match root key');
  assert.equal(does(metadata('register-metadata', key)), undefined);
  assert.deepEqual(state.metadataOf({ user, image, tag })?.digests, DIGESTS);
  assert.equal(does(metadata('delete-metadata', other, [])), 'Signature failed to match root key');
  assert.equal(does(metadata('delete-metadata', key, [])), undefined);
  assert.equal(state.metadataOf({ user, image, tag }), undefined);
  assert.equal(does(metadata('register-metadata', key)), undefined);
  // "If the key ... can be verified by the root key for the specified username, delete the key."
  assert.equal(does(taggingKey('delete-key', other)), 'Signature failed to match root key');
  assert.equal(does(taggingKey('delete-key', root)), undefined);
  assert.equal(state.metadataStatus({ user, image, tag }), 'KEY_MISSING');
  assert.equal(does(taggingKey('register-key', root)), undefined);
  // "... delete all key and signatures generated by the root key": the code deletes the root key alone.
  assert.equal(does(rootKey('delete-root-key', other)), 'Signature failed to match root key');
  assert.equal(does(rootKey('delete-root-key', root)), undefined);
  assert.equal(state.rootKeys.size, 0);
  assert.equal(state.metadataStatus({ user, image, tag }), 'SIGNATURE_VALID');
});

test('table 8: a packet', () => {
  const data = Buffer.from(Array.from({ length: 100 }, (_, i) => i));
  const packets = packetsOf(data, { id: 0xdf });
  assert.equal(packets.length, 2);
  for (const [i, bytes] of packets.entries()) {
    const fields = cut(bytes, [
      ['id', 1],
      ['version', 1],
      ['sequence', 2],
      ['checksum', 8],
      ['nextChecksum', 8],
      ['data', i === 0 ? 60 : 40],
    ]);
    const zeroed = Uint8Array.from(bytes).fill(0, 4, 12);
    const next = packets[i + 1];
    assert.equal(fields('id')[0], 0xdf);
    assert.equal(fields('version')[0], 0);
    assert.equal(littleEndian(fields('sequence')), i, 'from 0');
    assert.equal(fields('checksum').readBigUInt64BE(), crc64(zeroed), 'with this field as zeros');
    assert.deepEqual(
      fields('nextChecksum'),
      Buffer.from(next?.subarray(4, 12) ?? new Uint8Array(8)),
      'zeros if none',
    );
    assert.deepEqual(fields('data'), data.subarray(i * 60, i * 60 + 60));
    assert.notEqual(decodePacket(bytes), undefined);
  }
  const [row] = packetsOf(new Uint8Array(60), { id: 1 });
  assert.equal(row?.length, 80, 'all that an OP_RETURN output had room for');
});

/** What the tables say is one byte, is four in the code. */
const LENGTH = 4;

test('table 9: a root key command; what deletes one has a signature besides', () => {
  const rows: Row[] = [
    ['cmd', 1],
    ['len', LENGTH],
    ['userName', 'len'],
    ['pubKey', 33],
  ];
  for (const [kind, number] of [
    ['register-root-key', 0],
    ['delete-root-key', 1],
  ] as const) {
    const command = rootKey(kind, root);
    const fields = cut(encodeOriginal(command), number === 0 ? rows : [...rows, ['sig', 64]]);
    assert.equal(fields('cmd')[0], number);
    assert.equal(fields('userName').toString(), 'alice');
    assert.deepEqual(fields('pubKey'), Buffer.from(root.publicKey));
    if (number === 1) assert.deepEqual(fields('sig'), Buffer.from(command.signature));
    assert.deepEqual(decoded(command), {
      ...command,
      publicKey: Uint8Array.from(root.publicKey),
      signature: Uint8Array.from(command.signature),
    });
  }
});

test('table 10: a tagging key command, whose public key stands before the image and not behind the ID', () => {
  for (const [kind, number] of [
    ['register-key', 2],
    ['delete-key', 3],
  ] as const) {
    const command = taggingKey(kind, root);
    const fields = cut(encodeOriginal(command), [
      ['cmd', 1],
      ['len', LENGTH],
      ['userName', 'len'],
      ['pubKey', 33],
      ['len of image', LENGTH],
      ['imageName', 'len of image'],
      ['id', 1],
      ['sig', 64],
    ]);
    assert.equal(fields('cmd')[0], number);
    assert.equal(fields('userName').toString(), 'alice');
    assert.equal(fields('imageName').toString(), 'app');
    assert.equal(fields('id')[0], 7);
    assert.deepEqual(fields('pubKey'), Buffer.from(key.publicKey));
    assert.deepEqual(fields('sig'), Buffer.from(command.signature));
  }
});

test('table 11: a metadata command, whose data is a list of digests', () => {
  for (const [kind, number] of [
    ['register-metadata', 4],
    ['delete-metadata', 5],
  ] as const) {
    const command = metadata(kind, key);
    const fields = cut(encodeOriginal(command), [
      ['cmd', 1],
      ['len', LENGTH],
      ['userName', 'len'],
      ['len of image', LENGTH],
      ['imageName', 'len of image'],
      ['len of tag', LENGTH],
      ['tagName', 'len of tag'],
      ['id', 1],
      ['count', LENGTH],
      ...DIGESTS.flatMap((_, i): Row[] => [
        [`len of algorithm ${i}`, 1],
        [`algorithm ${i}`, `len of algorithm ${i}`],
        [`len of hash ${i}`, 1],
        [`hash ${i}`, `len of hash ${i}`],
      ]),
      ['sig', 64],
    ]);
    assert.equal(fields('cmd')[0], number);
    assert.equal(fields('tagName').toString(), 'v1');
    assert.equal(fields('id')[0], 7);
    assert.equal(littleEndian(fields('count')), DIGESTS.length);
    for (const [i, digest] of DIGESTS.entries())
      assert.equal(
        `${fields(`algorithm ${i}`).toString()}:${fields(`hash ${i}`).toString('hex')}`,
        digest,
      );
    assert.deepEqual(fields('sig'), Buffer.from(command.signature));
  }
});
