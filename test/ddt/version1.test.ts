// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { NETWORKS } from '../../src/carbonchain/header.ts';
import { packetsOf } from '../../src/carbonchain/packet.ts';
import { newKeyPair, type KeyPair } from '../../src/ddt/keys.ts';
import { decodeOriginal } from '../../src/ddt/original.ts';
import {
  decodeCommand,
  encodeCommand,
  encodeUnsigned,
  isName,
  signCommand,
  signReplacement,
  State,
  type Command,
  type UnsignedCommand,
} from '../../src/ddt/version1.ts';

const NETWORK = NETWORKS.regtest.genesis.hash;
const [root, key, thief] = [newKeyPair(), newKeyPair(), newKeyPair()] as [
  KeyPair,
  KeyPair,
  KeyPair,
];
const DIGEST = `sha256:${'ab'.repeat(32)}`;
const user = 'alice';
const image = 'example/app';
const tag = 'v1';
const keyId = 0;
const NOW = 1_800_000_000;

const sign = (command: UnsignedCommand, by: KeyPair, network = NETWORK): Command =>
  signCommand(command, by, network);
const registerRoot = (serial: number, by = root): Command =>
  sign({ kind: 'register-root-key', user, serial, publicKey: by.publicKey }, by);
const deleteRoot = (serial: number, by = root): Command =>
  sign({ kind: 'delete-root-key', user, serial }, by);
const registerKey = (serial: number, { of = key, by = root, until = 0 } = {}): Command =>
  sign({ kind: 'register-key', user, serial, image, keyId, until, publicKey: of.publicKey }, by);
const deleteKey = (serial: number, by = root): Command =>
  sign({ kind: 'delete-key', user, serial, image, keyId }, by);
const register = (serial: number, { by = key, until = 0, digests = [DIGEST] } = {}): Command =>
  sign({ kind: 'register-metadata', user, serial, image, keyId, tag, until, digests }, by);
const withdraw = (serial: number, by = key): Command =>
  sign({ kind: 'delete-metadata', user, serial, image, keyId, tag }, by);

/** A state after these commands, all of which have to be accepted; each goes through its bytes. */
function after(...commands: Command[]): State {
  const state = new State(NETWORK);
  for (const command of commands) assert.equal(through(state, command), undefined, command.kind);
  return state;
}
function through(state: State, command: Command, now = NOW): string | undefined {
  return state.apply(decodeCommand(encodeCommand(command)) ?? assert.fail('not decoded'), now);
}
function status(state: State, now = NOW): string {
  const metadata = state.metadataOf(user, image, tag);
  return metadata === undefined ? 'none' : state.statusOf(user, metadata, now);
}
const usual = (): State => after(registerRoot(1), registerKey(2), register(3));

const ALL: Command[] = [
  registerRoot(1),
  signReplacement({ user, serial: 2 }, { from: root, to: thief }, NETWORK),
  deleteRoot(3),
  registerKey(4, { until: NOW }),
  deleteKey(5),
  register(2 ** 53 - 1, { digests: [DIGEST, `sha512:${'cd'.repeat(64)}`], until: NOW }),
  withdraw(7),
];

test('every command comes back from its bytes, and from no part or addition', () => {
  for (const command of ALL) {
    const bytes = encodeCommand(command);
    assert.deepEqual(decodeCommand(bytes), {
      ...command,
      signature: Uint8Array.from(command.signature),
    });
    for (let length = 0; length < bytes.length; length++)
      assert.equal(decodeCommand(bytes.subarray(0, length)), undefined);
    assert.equal(decodeCommand(Buffer.concat([bytes, Uint8Array.of(0)])), undefined);
    assert.equal(decodeOriginal(bytes), undefined, 'the original recognises none');
  }
});

test("an image's digest takes 3 transactions, where the original takes 8", () => {
  assert.equal(packetsOf(encodeCommand(register(NOW * 1000)), { id: 0xdf }).length, 3);
});

test('every bit of every command is covered by its signature', () => {
  const setup = (command: Command): State =>
    command.kind === 'register-root-key' ? new State(NETWORK) : usual();
  for (const command of [
    registerRoot(1),
    deleteRoot(9),
    registerKey(9),
    deleteKey(9),
    register(9),
    withdraw(9),
  ]) {
    assert.equal(through(setup(command), command), undefined);
    const bytes = encodeCommand(command);
    for (let bit = 0; bit < bytes.length * 8; bit += 5) {
      const changed = Uint8Array.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      const read = decodeCommand(changed);
      if (read !== undefined)
        assert.notEqual(setup(command).apply(read, NOW), undefined, `${command.kind} ${bit}`);
    }
  }
});

test('a signature is for one network, one use and one form', () => {
  const state = usual();
  const other = sign(
    { kind: 'delete-root-key', user, serial: 9 },
    root,
    NETWORKS.mainnet.genesis.hash,
  );
  assert.equal(through(state, other), 'the signature is wrong');
  const { signature, ...rest } = deleteRoot(9);
  const s =
    secp256k1.Point.Fn.ORDER - BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`);
  const high = Uint8Array.from(signature);
  high.set(Buffer.from(s.toString(16).padStart(64, '0'), 'hex'), 32);
  assert.equal(through(state, { ...rest, signature: high }), 'the signature is wrong', 'malleable');
  const plain = secp256k1.sign(encodeUnsigned(rest), root.privateKey);
  assert.equal(
    through(state, { ...rest, signature: plain }),
    'the signature is wrong',
    'no domain',
  );
  // Numbers that are none of the group, and DER in as many bytes.
  const order = Buffer.from(secp256k1.Point.Fn.ORDER.toString(16).padStart(64, '0'), 'hex');
  const [r, low] = [signature.subarray(0, 32), signature.subarray(32)];
  const none = Buffer.alloc(32);
  const der = secp256k1.Signature.fromBytes(signature).toBytes('der');
  for (const [what, bytes] of [
    ['nothing', [none, none]],
    ['r is 0', [none, low]],
    ['s is 0', [r, none]],
    ['r is the order', [order, low]],
    ['s is the order', [r, order]],
    ['all ones', [Buffer.alloc(64, 255)]],
    ['r and s change places', [low, r]],
    ['DER', [der.subarray(0, 64)]],
    ['the end of DER', [der.subarray(-64)]],
  ] as const)
    assert.equal(
      through(state, { ...rest, signature: Uint8Array.from(Buffer.concat(bytes)) }),
      'the signature is wrong',
      what,
    );
  for (const whole of [der, Buffer.concat([signature, Buffer.of(0)]), signature.subarray(0, 63)])
    assert.equal(decodeCommand(Buffer.concat([encodeUnsigned(rest), whole])), undefined);
  assert.equal(through(state, { ...rest, signature }), undefined, 'the right one, after all');
});

test('a command is executed once, and none after a later one', () => {
  const state = usual();
  for (const again of [register(3), register(2), withdraw(3)])
    assert.match(through(state, again) ?? '', /serial/);
  assert.equal(through(state, withdraw(10)), undefined);
  assert.equal(status(state), 'none');
  assert.match(through(state, register(3)) ?? '', /serial/, 'what was withdrawn stays so');
  assert.match(through(state, registerKey(2)) ?? '', /serial/);
  assert.equal(through(state, deleteKey(11)), undefined);
  assert.match(through(state, registerKey(2)) ?? '', /serial/);
});

test('only who may signs', () => {
  for (const command of [
    deleteRoot(9, thief),
    registerKey(9, { by: thief }),
    registerKey(9, { by: key }),
    deleteKey(9, key),
    register(9, { by: thief }),
    register(9, { by: root }),
    withdraw(9, thief),
  ])
    assert.equal(through(usual(), command), 'the signature is wrong', command.kind);
  assert.equal(through(usual(), registerRoot(9, thief)), 'the name is taken');
  const unsigned = { ...registerRoot(1), signature: registerRoot(1, thief).signature };
  assert.equal(
    through(new State(NETWORK), unsigned),
    'the signature is wrong',
    'a key that another has',
  );
});

test('deleting the root key ends what hangs on it, and the name is nobody\u2019s', () => {
  const state = usual();
  assert.equal(status(state), 'SIGNATURE_VALID');
  assert.equal(through(state, deleteRoot(9)), undefined);
  assert.equal(status(state), 'ROOT_KEY_MISSING');
  for (const command of [registerRoot(10), registerRoot(10, thief)])
    assert.equal(through(state, command), 'the name is taken');
  for (const command of [registerKey(10), register(10), withdraw(10)])
    assert.equal(through(state, command), 'the root key is missing');
});

test('a root key is replaced by one that agrees, and what hangs on it stays', () => {
  const state = usual();
  const next = newKeyPair();
  const replacement = signReplacement({ user, serial: 9 }, { from: root, to: next }, NETWORK);
  const forced = sign(
    {
      kind: 'replace-root-key',
      user,
      serial: 9,
      publicKey: next.publicKey,
      consent: new Uint8Array(64).fill(1),
    },
    root,
  );
  assert.equal(through(state, forced), 'the new root key has not signed');
  assert.equal(through(state, replacement), undefined);
  assert.equal(status(state), 'SIGNATURE_VALID');
  assert.equal(
    through(state, deleteRoot(10)),
    'the signature is wrong',
    'the old one signs no more',
  );
  assert.equal(through(state, deleteKey(10, next)), undefined);
  assert.equal(status(state), 'KEY_MISSING');
});

test('what a deleted or replaced key signed stays revoked, also if the key comes back', () => {
  for (const end of [deleteKey(9), registerKey(9, { of: thief })]) {
    const state = usual();
    assert.equal(through(state, end), undefined);
    assert.equal(status(state), 'KEY_MISSING');
    assert.equal(through(state, registerKey(10)), undefined);
    assert.equal(status(state), 'KEY_MISSING');
    assert.equal(through(state, register(11)), undefined);
    assert.equal(status(state), 'SIGNATURE_VALID');
  }
  const same = usual();
  assert.equal(through(same, registerKey(9, { until: NOW + 9 })), undefined);
  assert.equal(status(same), 'SIGNATURE_VALID', 'a longer life for the same key');
});

test('keys and metadata end', () => {
  const state = after(
    registerRoot(1),
    registerKey(2, { until: NOW + 10 }),
    register(3, { until: NOW + 20 }),
  );
  assert.equal(status(state, NOW + 19), 'SIGNATURE_VALID', 'it was signed in time');
  assert.equal(status(state, NOW + 20), 'EXPIRED');
  assert.equal(through(state, register(4), NOW + 10), 'the key has expired');
  assert.equal(through(state, register(4), NOW + 9), undefined);
});

test('names that cannot be told apart, and digests that are none, are refused', () => {
  for (const name of ['', 'a\nb', 'a\u200bb', '\u202ea', 'x'.repeat(256), '\ud800'])
    assert.equal(isName(name), false, JSON.stringify(name));
  for (const name of ['a', 'library/hello', '\u00e4\u6f22', 'x'.repeat(255)])
    assert.ok(isName(name));
  for (const digests of [
    [],
    ['sha256:ab'],
    ['md5:ab'],
    [DIGEST.toUpperCase()],
    Array<string>(256).fill(DIGEST),
  ])
    assert.throws(() => register(1, { digests }), `${digests.length}`);
});
