// SPDX-License-Identifier: Apache-2.0
/** The commands of ruqqq/ddt 1116f0b: what it wrote, and what it would do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { packetsOf } from '../../src/carbonchain/packet.ts';
import { newKeyPair, readPrivateKey, verifyAsOriginal, type KeyPair } from '../../src/ddt/keys.ts';
import { nameOf } from '../../src/ddt/names.ts';
import {
  coveredDigestBytes,
  decodeOriginal,
  encodeOriginal,
  messageOf,
  OriginalState,
  signOriginal,
  type KeyCommand,
  type MetadataCommand,
  type OriginalCommand,
  type RootKeyCommand,
} from '../../src/ddt/original.ts';

const user = nameOf('TestUser');
const image = nameOf('TestImage');
const tag = nameOf('TestTag');
/** The key of the original's own test (commands_test.go). */
const KEY = readPrivateKey(
  'fe90f04022ee37dfb4ccae2c9d2610932a1c7bd8f92b0a2e05cf8c7031ad5b1c',
) as KeyPair;
const DIGESTS = [
  'eed4da4937cb562e9005f3c66eb8c3abc14bb95ad497c03dc89d66bcd172fc7f',
  'b6ca02dfe5e62c58dacb1dec16eb42ed35761c15562485f9da9364bb7c90b9b3',
  'afbfb84fad8a4d9a9818efcb4f084bde4b14934c91a531ae344814a5191a2eb6',
  '41829a143bccc7bee3849353e1ce4358d4cf1c7481f236d8194ea36113bf73d9',
  '86726b2a83fc76e0eeabb1ae34b1a128e1bb41d1efc2242c0a39cd7b94ca2b98',
  '5b0e63da2fb4bc9917bb6d00046cc7db229c15649cabe61439a6b2c0f01c5bf9',
  'c418a51fc08117c4b436d1c4317dc4c567f1874abb9d7297b8d794ce3ac59407',
  'eae6e471b603f3df6028a2a932a211707ce4032ab223e352b82ef62821d30a4c',
].map((each) => `sha256:${each}`);
const name = (text: string): string =>
  `${text.length.toString(16).padStart(2, '0')}000000${Buffer.from(text).toString('hex')}`;
/** What the original's own test wrote, in one run of it. */
const METADATA = [
  '04',
  name('TestUser'),
  name('TestImage'),
  name('TestTag'),
  '00',
  '08000000',
  ...DIGESTS.map((each) => `0673686132353620${each.slice(7)}`),
  '56785390ffc9594f1ee9e5e2d098d03bad68ae7361b24a3949fde8554e7e281b',
  '5dd8fd1c5f6446ee1406ad7be019d8895ff18e04be21514a12522cdc533f3bf5',
].join('');
/** What its NewKeyCommandFromKeyRequest made with the same key. */
const REGISTER_KEY = [
  '02',
  name('TestUser'),
  '023f00e77837b341841f587385594951d65179364c2d435d44457df19797012975',
  name('TestImage'),
  '00',
  '785c8dc1a6c0eec3a8ecf78d4c7bcd6f5f418dcf831a5a0cc92b8ee56ad92d52',
  'f44bfcde5a7c9708096bbf51403d2fca4d3e2fecede0bce714706b0c3758af54',
].join('');

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const decoded = (bytes: Uint8Array): OriginalCommand =>
  decodeOriginal(bytes) ?? assert.fail('no command');

const rootOf = (key: KeyPair): RootKeyCommand => ({
  kind: 'register-root-key',
  user,
  publicKey: key.publicKey,
  signature: new Uint8Array(64),
});
const keyBy = (
  root: KeyPair,
  key: KeyPair,
  kind: KeyCommand['kind'] = 'register-key',
): KeyCommand =>
  signOriginal<KeyCommand>({ kind, user, publicKey: key.publicKey, image, keyId: 0 }, root);
const metadataBy = (
  key: KeyPair,
  kind: MetadataCommand['kind'] = 'register-metadata',
  digests = DIGESTS,
): MetadataCommand =>
  signOriginal<MetadataCommand>({ kind, user, image, tag, keyId: 0, digests }, key);
const deletionBy = (root: KeyPair): RootKeyCommand =>
  signOriginal<RootKeyCommand>({ kind: 'delete-root-key', user, publicKey: root.publicKey }, root);

test("the original's 426 bytes are read, verified and written, in 8 packets", () => {
  const bytes = hex(METADATA);
  assert.equal(bytes.length, 426);
  assert.equal(packetsOf(bytes, { id: 0xdf }).length, 8);
  const command = decoded(bytes) as MetadataCommand;
  assert.deepEqual(
    { ...command, signature: undefined },
    {
      kind: 'register-metadata',
      user,
      image,
      tag,
      keyId: 0,
      digests: DIGESTS,
      signature: undefined,
    },
  );
  assert.deepEqual(encodeOriginal(command), bytes);
  assert.ok(verifyAsOriginal(command.signature, messageOf(command), KEY.publicKey));
});

test("the original's key command is read, verified and written (table 10)", () => {
  const command = decoded(hex(REGISTER_KEY)) as KeyCommand;
  assert.deepEqual(command.publicKey, Uint8Array.from(KEY.publicKey));
  assert.deepEqual(encodeOriginal(command), hex(REGISTER_KEY));
  assert.ok(verifyAsOriginal(command.signature, messageOf(command), KEY.publicKey));
});

test('a root key command has a signature only to delete (table 9)', () => {
  const register = encodeOriginal(rootOf(KEY));
  assert.deepEqual(register, Buffer.concat([hex(`00${name('TestUser')}`), KEY.publicKey]));
  const deletion = encodeOriginal(deletionBy(KEY));
  assert.equal(deletion.length, register.length + 64);
  for (const bytes of [register, deletion]) assert.deepEqual(encodeOriginal(decoded(bytes)), bytes);
});

test('a signature covers 32 bytes, and no digest', () => {
  const command = metadataBy(KEY);
  assert.equal(coveredDigestBytes(command), 0);
  const forged = { ...command, digests: [`sha256:${'ab'.repeat(32)}`] };
  assert.ok(verifyAsOriginal(forged.signature, messageOf(forged), KEY.publicKey));
  const renamed = { ...command, tag: nameOf('Terrible') };
  assert.equal(
    verifyAsOriginal(renamed.signature, messageOf(renamed), KEY.publicKey),
    false,
    'its length is covered',
  );
  assert.ok(
    verifyAsOriginal(
      command.signature,
      messageOf({ ...command, tag: nameOf('TeSTING') }),
      KEY.publicKey,
    ),
  );
  const short = { ...command, user: nameOf('u'), image: nameOf('i'), tag: nameOf('t') };
  assert.equal(coveredDigestBytes(short), 3);
});

test('either value of s is taken, and a short r only in its place', () => {
  const command = metadataBy(KEY);
  const high = Uint8Array.from(command.signature);
  const s =
    secp256k1.Point.Fn.ORDER - BigInt(`0x${Buffer.from(high.subarray(32)).toString('hex')}`);
  high.set(hex(s.toString(16).padStart(64, '0')), 32);
  assert.ok(verifyAsOriginal(high, messageOf(command), KEY.publicKey));
  for (const signature of [new Uint8Array(64), new Uint8Array(64).fill(255)])
    assert.equal(verifyAsOriginal(signature, messageOf(command), KEY.publicKey), false);
});

test('what the original crashes over is no command, wherever it is cut off', () => {
  for (const whole of [METADATA, REGISTER_KEY].map(hex)) {
    for (let length = 0; length < whole.length; length++)
      assert.equal(decodeOriginal(whole.subarray(0, length)), undefined, `${length}`);
    assert.notEqual(
      decodeOriginal(Buffer.concat([whole, hex('00ff')])),
      undefined,
      'more is ignored',
    );
  }
  const cases: [string, string][] = [
    ['no command of that number', '06'],
    ['an empty name', `00${name('')}${'02'.repeat(33)}`],
    ['a name longer than all there is', `00ffffffff${'02'.repeat(33)}`],
    ['a digest count of billions', `04${name('u')}${name('i')}${name('t')}00ffffffff0673`],
    ['a negative length', `04${name('u')}${name('i')}${name('t')}000100000080${'00'.repeat(200)}`],
    [
      'a colon in an algorithm',
      `04${name('u')}${name('i')}${name('t')}0001000000013a00${'00'.repeat(64)}`,
    ],
  ];
  for (const [what, bytes] of cases) assert.equal(decodeOriginal(hex(bytes)), undefined, what);
});

test('names are bytes: what is no UTF-8 comes back', () => {
  const bytes = Buffer.concat([hex('0002000000ff80'), KEY.publicKey]);
  assert.deepEqual(encodeOriginal(decoded(bytes)), bytes);
});

test('the commands do what they do there (table 6)', () => {
  const [root, key, thief] = [newKeyPair(), newKeyPair(), newKeyPair()];
  const state = new OriginalState();
  const at = { user, image, tag };
  const steps: [string, OriginalCommand, string | undefined][] = [
    ['a key without root key', keyBy(root, key), 'Root Key not found'],
    ['a deletion of nothing', deletionBy(root), 'Key not found'],
    ['a root key', rootOf(root), undefined],
    ['a name that is taken', rootOf(thief), 'Username already taken'],
    ['the same once more: it carries no signature', rootOf(root), 'Username already taken'],
    ['metadata without key', metadataBy(key), 'Key not found'],
    ['a key by another root', keyBy(thief, key), 'Signature failed to match root key'],
    [
      'a key that is not signed',
      { ...keyBy(root, key), signature: new Uint8Array(64) },
      'Signature cannot be empty',
    ],
    ['a deletion of a key that is not there', keyBy(root, key, 'delete-key'), 'Key not found'],
    ['a key', keyBy(root, key), undefined],
    ['metadata by another key', metadataBy(thief), 'Signature failed to match root key'],
    [
      'a deletion of no metadata',
      metadataBy(key, 'delete-metadata', []),
      'Signature does not exist',
    ],
    ['metadata', metadataBy(key), undefined],
    ['its deletion', metadataBy(key, 'delete-metadata', []), undefined],
    ['a replay, which is accepted', metadataBy(key), undefined],
    [
      'the deletion of the root key by another',
      deletionBy(thief),
      'Signature failed to match root key',
    ],
    ['the deletion of the root key', deletionBy(root), undefined],
  ];
  for (const [what, command, want] of steps) {
    // Through its bytes, as from the chain.
    assert.equal(state.apply(decoded(encodeOriginal(command))), want, what);
  }
  assert.equal(
    state.metadataStatus(at),
    'SIGNATURE_VALID',
    'what hangs on a deleted root key stays',
  );
  assert.equal(state.keyStatus({ ...at, keyId: 0 }), 'ROOT_KEY_MISSING');
  assert.equal(state.apply(rootOf(thief)), undefined, 'and the name is free for anybody');
  assert.equal(state.keyStatus({ ...at, keyId: 0 }), 'SIGNATURE_INVALID');
  assert.equal(state.apply(keyBy(thief, thief)), undefined);
  assert.equal(state.metadataStatus(at), 'SIGNATURE_INVALID');
  assert.equal(state.apply(keyBy(thief, thief, 'delete-key')), undefined);
  assert.equal(state.metadataStatus(at), 'KEY_MISSING');
  assert.equal(state.metadataStatus({ ...at, tag: nameOf('other') }), 'UNABLE_TO_VERIFY');
});

test('a root key that is no point takes its name, and verifies nothing', () => {
  const state = new OriginalState();
  for (const publicKey of [new Uint8Array(33), new Uint8Array(33).fill(255)]) {
    const owner = nameOf(`u${publicKey.join('')}`);
    assert.equal(state.apply({ ...rootOf(KEY), user: owner, publicKey }), undefined);
    assert.equal(
      state.apply({ ...keyBy(KEY, KEY), user: owner }),
      'Signature failed to match root key',
    );
  }
});
