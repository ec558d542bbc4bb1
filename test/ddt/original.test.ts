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
import * as WRITTEN from '../../src/trust-lab/original.ts';

const user = nameOf('TestUser');
const image = nameOf('TestImage');
const tag = nameOf('TestTag');
/** The key of the original's own test (commands_test.go). */
const KEY = readPrivateKey(
  'fe90f04022ee37dfb4ccae2c9d2610932a1c7bd8f92b0a2e05cf8c7031ad5b1c',
) as KeyPair;
const { DIGESTS, REGISTER_KEY } = WRITTEN;
const METADATA = WRITTEN.registerMetadata();
const name = (text: string): string =>
  `${text.length.toString(16).padStart(2, '0')}000000${Buffer.from(text).toString('hex')}`;

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
