// SPDX-License-Identifier: Apache-2.0
import { ml_dsa44 } from '@noble/post-quantum/ml-dsa.js';
import { shake128 } from '@noble/hashes/sha3.js';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { EMPTY_ROOT } from '../../src/merkle/hash.ts';
import { parseCheckpoint, type Checkpoint } from '../../src/statements/checkpoint.ts';
import {
  cosign,
  cosignSubtree,
  generateSignerKey,
  noteSigner,
  parseSignerKey,
  subtreeMessage,
  verifyCosignature,
  verifySubtreeCosignature,
  type NoteSignerType,
} from '../../src/statements/cosignature.ts';
import { mlDsa44ByNoble, mlDsa44ByOpenSsl, type MlDsa44 } from '../../src/statements/ml-dsa.ts';
import { formatNoteKey, parseNoteKey, toNoteKey } from '../../src/statements/note-key.ts';
import { checkSignatures } from '../../src/statements/signature-lines.ts';
import { treeOf } from '../support/signing-log.ts';
import { MLDSA_CHECKPOINT, MLDSA_LOG } from '../support/torchwood-mldsa.ts';

const SEED = Buffer.alloc(32, 7);
const TIME = 1_700_000_000n;

/** A note with the lines given, over a tree of nine leaves. */
function note(lines: string, extension = ''): Checkpoint {
  const root = Buffer.from(treeOf(9).root(9)).toString('base64');
  return parseCheckpoint(`test/log\n9\n${root}\n${extension}\n${lines}`);
}
/** Something to sign: the line in it is of nobody. */
const unsigned = (extension = ''): Checkpoint => note('\u2014 nobody AAAAAAA=\n', extension);

const parse = (line: string): { body: Uint8Array } => {
  const [signature] = note(line).signatures;
  assert.ok(signature);
  return signature;
};

describe('a cosignature', () => {
  const kinds: [NoteSignerType, bigint | undefined][] = [
    ['Ed25519', undefined],
    ['Ed25519 cosignature', TIME],
    ['ML-DSA-44', TIME],
  ];
  for (const [type, time] of kinds)
    test(`of type ${type} is made and verified, and a changed one is not good`, () => {
      const signer = noteSigner('witness.test', type, SEED);
      const line = cosign(signer, unsigned(), TIME);
      const [checked] = checkSignatures(note(line), [signer.key]);
      assert.deepEqual(checked, { name: 'witness.test', kind: type, valid: true, time });
      const other = noteSigner('witness.test', type, Buffer.alloc(32, 8));
      assert.equal(checkSignatures(note(line), [other.key])[0]?.valid, undefined);
      const forged = note(line);
      const body = forged.signatures[0]?.body;
      assert.ok(body);
      for (const at of [0, 7, 8, body.length - 1]) {
        const kept = body[at] ?? 0;
        body[at] = kept ^ 1;
        assert.equal(checkSignatures(forged, [signer.key])[0]?.valid, false, `byte ${at}`);
        body[at] = kept;
      }
      assert.equal(checkSignatures(forged, [signer.key])[0]?.valid, true);
    });

  test('covers extension lines by Ed25519, and by ML-DSA-44 is not made over them', () => {
    const ed25519 = noteSigner('witness.test', 'Ed25519 cosignature', SEED);
    const line = cosign(ed25519, unsigned('more\n'), TIME);
    assert.equal(checkSignatures(note(line, 'more\n'), [ed25519.key])[0]?.valid, true);
    assert.equal(checkSignatures(note(line, 'less\n'), [ed25519.key])[0]?.valid, false);
    assert.equal(checkSignatures(note(line), [ed25519.key])[0]?.valid, false);
    const mlDsa = noteSigner('witness.test', 'ML-DSA-44', SEED);
    assert.throws(() => cosign(mlDsa, unsigned('more\n'), TIME), /extension lines/);
  });

  test('is for one name where it is by ML-DSA-44, and cannot say so by Ed25519', () => {
    for (const [type, isGood] of [
      ['ML-DSA-44', false],
      ['Ed25519 cosignature', true],
    ] as const) {
      const { body } = parse(cosign(noteSigner('a.test', type, SEED), unsigned(), TIME));
      const { key } = noteSigner('b.test', type, SEED);
      assert.equal(verifyCosignature(key, body, unsigned()), isGood, type);
    }
  });

  test('has a time of at most 2^63 - 1, and may have none by ML-DSA-44', () => {
    for (const type of ['ML-DSA-44', 'Ed25519 cosignature'] as const) {
      const signer = noteSigner('a.test', type, SEED);
      for (const time of [0n, 2n ** 63n - 1n]) {
        const { body } = parse(cosign(signer, unsigned(), time));
        assert.equal(verifyCosignature(signer.key, body, unsigned()), true);
      }
      assert.throws(() => cosign(signer, unsigned(), 2n ** 63n), RangeError);
    }
  });

  test('is not made for an origin above 255 bytes by ML-DSA-44', () => {
    const signer = noteSigner('a.test', 'ML-DSA-44', SEED);
    const long = { ...unsigned(), origin: 'o'.repeat(256) };
    assert.throws(() => cosign(signer, long, TIME), /cannot be cosigned/);
    assert.equal(verifyCosignature(signer.key, new Uint8Array(2428), long), false);
  });

  test('is for a name of at most 255 bytes by ML-DSA-44, whose length has one byte', () => {
    for (const [length, isMade] of [
      [255, true],
      [256, false],
      [256 + 'a.test'.length, false],
    ] as const) {
      const signer = noteSigner('n'.repeat(length), 'ML-DSA-44', SEED);
      if (isMade) assert.notEqual(cosign(signer, unsigned(), TIME), '');
      else assert.throws(() => cosign(signer, unsigned(), TIME), /cannot be cosigned/);
    }
  });

  test("is none by a key that signs a log's checkpoints, whatever it signed", () => {
    const { sign } = noteSigner('a.test', 'Ed25519 cosignature', SEED);
    const { key } = noteSigner('a.test', 'Ed25519', SEED);
    const time = Buffer.alloc(8);
    const signed = Buffer.from(`cosignature/v1\ntime 0\n${unsigned().text}`);
    const body = Buffer.concat([time, sign(signed)]);
    assert.equal(verifyCosignature({ ...key, type: 4 }, body, unsigned()), true);
    assert.equal(verifyCosignature(key, body, unsigned()), false);
  });

  test('of any length is told good or bad, and nothing is thrown', () => {
    for (const type of ['Ed25519 cosignature', 'ML-DSA-44'] as const)
      for (const length of [0, 1, 7, 8, 9, 71, 72, 73, 2427, 2428, 2429])
        assert.equal(
          verifyCosignature(noteSigner('a', type, SEED).key, new Uint8Array(length), unsigned()),
          false,
        );
  });
});

describe('a cosignature of a subtree', () => {
  const signer = noteSigner('witness.test', 'ML-DSA-44', SEED);
  const subtree = { origin: 'test/log', start: 4n, end: 8n, hash: treeOf(4).root(4) };

  test('is made and verified, with a time of 0', () => {
    const { body } = parse(cosignSubtree(signer, subtree));
    assert.equal(verifySubtreeCosignature(signer.key, body, subtree), true);
    for (const other of [{ start: 5n }, { end: 7n }, { origin: 'test/lag' }, { hash: EMPTY_ROOT }])
      assert.equal(verifySubtreeCosignature(signer.key, body, { ...subtree, ...other }), false);
    assert.equal(subtreeMessage('witness.test', subtree, 1n), undefined);
  });

  test('from 0 is the cosignature of the checkpoint', () => {
    const whole = { origin: 'test/log', start: 0n, end: 9n, hash: treeOf(9).root(9) };
    const { body } = parse(cosign(signer, unsigned(), TIME));
    assert.equal(verifySubtreeCosignature(signer.key, body, whole), true);
    assert.equal(
      verifyCosignature(signer.key, parse(cosignSubtree(signer, whole)).body, unsigned()),
      true,
    );
  });

  test('is not made where there is none: no leaves with a hash, a wrong order, an Ed25519 key', () => {
    const none = { ...subtree, start: 5n, end: 5n };
    assert.throws(() => cosignSubtree(signer, none), /cannot be cosigned/);
    const { body } = parse(cosignSubtree(signer, { ...none, hash: EMPTY_ROOT }));
    assert.equal(verifySubtreeCosignature(signer.key, body, { ...none, hash: EMPTY_ROOT }), true);
    assert.throws(() => cosignSubtree(signer, { ...subtree, end: 3n }), /cannot be cosigned/);
    const nameless = { ...subtree, origin: '' };
    assert.throws(() => cosignSubtree(signer, nameless), /cannot be cosigned/);
    const ed25519 = noteSigner('a', 'Ed25519 cosignature', SEED);
    assert.throws(() => cosignSubtree(ed25519, subtree), /ML-DSA-44/);
    const message = subtreeMessage('a', subtree, 0n) ?? new Uint8Array();
    const signed = Buffer.concat([Buffer.alloc(8), ed25519.sign(message)]);
    assert.equal(verifySubtreeCosignature(ed25519.key, signed, subtree), false);
  });
});

describe("a signer's key", () => {
  for (const type of ['Ed25519', 'Ed25519 cosignature', 'ML-DSA-44'] as const)
    test(`of type ${type} is written and read`, () => {
      const text = generateSignerKey('witness.test/w1', type);
      const { key } = parseSignerKey(`${text}\n`);
      assert.deepEqual(parseNoteKey(formatNoteKey(key)), key);
      assert.equal(formatNoteKey(key), formatNoteKey(parseSignerKey(text).key));
      assert.notEqual(text, generateSignerKey('witness.test/w1', type));
    });

  test('that was changed is refused, and what is said does not have the key', () => {
    const text = generateSignerKey('witness.test', 'ML-DSA-44');
    // Base64 has plus signs too.
    const secret = text.split('+').slice(4).join('+');
    for (const changed of [
      text.replace('witness', 'w1tness'),
      text.slice(0, -4),
      text.replace('PRIVATE', 'PUBLIC'),
      text.replace(/\+[0-9a-f]{8}\+/, '+00000000+'),
      `${text}AAAA`,
    ])
      assert.throws(
        () => parseSignerKey(changed),
        (error: Error) =>
          error instanceof RangeError && !error.message.includes(secret.slice(4, 20)),
        changed.replace(secret, '...'),
      );
  });

  test('has a name that notes allow', () => {
    for (const name of ['', 'a b', 'a+b', 'a\u00a0b', 'a\u2028b', 'a\u3000b', 'a\u0085b', 'a\tb'])
      assert.throws(() => noteSigner(name, 'Ed25519', SEED), /name of a key/, JSON.stringify(name));
    for (const name of ['ex\u00e4mple.test/\u4e16', '\ufeffa', 'a/b?c=d'])
      assert.equal(noteSigner(name, 'Ed25519', SEED).key.name, name);
  });
});

describe('ML-DSA-44', () => {
  test("verifies torchwood's log with a time of 0, and with a bit changed does not", () => {
    const key = parseNoteKey(MLDSA_LOG);
    const [checked] = checkSignatures(parseCheckpoint(MLDSA_CHECKPOINT), [key]);
    assert.deepEqual(checked, { name: key.name, kind: 'ML-DSA-44', valid: true, time: 0n });
    const changed = parseCheckpoint(MLDSA_CHECKPOINT.replace('\n1\n', '\n2\n'));
    assert.equal(checkSignatures(changed, [key])[0]?.valid, false);
    assert.equal(formatNoteKey(key), MLDSA_LOG);
  });

  // NIST's ACVP-Server, ML-DSA-keyGen-FIPS204, tgId 1: the seed, and SHA-256 of the public key that
  // is given there.
  const keys: [string, string, string][] = [
    [
      'tcId 1',
      '93ef2e6ef1fb08999d142abe0295482370d3f43bdb254a78e2b0d5168eca065f',
      '6995b20ecd5cde41719035028a712ccf35b1adf53b913030423d9d6fa188d673',
    ],
    [
      'tcId 2',
      'd6a5d2325b94ca1b993a0151e24ab95b396f415831dc14a08404820ae58a2ad1',
      '51bced8954e17da402e93fc5275f723aed1b9101bdf4fac5afc2b5c227d9e674',
    ],
  ];
  const makers = { noble: mlDsa44ByNoble, OpenSSL: mlDsa44ByOpenSsl() };
  for (const [maker, mlDsa44] of Object.entries(makers)) {
    const skip = mlDsa44 === undefined && `OpenSSL ${process.versions.openssl} has no ML-DSA`;
    for (const [name, seed, digest] of keys)
      test(`by ${maker} makes NIST's key of ${name}`, { skip }, () => {
        const made = mlDsa44?.signer(Buffer.from(seed, 'hex')).publicKey ?? new Uint8Array();
        assert.equal(createHash('sha256').update(made).digest('hex'), digest);
      });
  }

  for (const [maker, mlDsa44] of Object.entries(makers))
    test(`by ${maker} says no to keys and signatures of another length`, (t) => {
      if (mlDsa44 === undefined) return t.skip('there is none');
      for (const [signature, key] of [
        [2419, 1312],
        [2421, 1312],
        [0, 1312],
        [2420, 1311],
        [2420, 0],
      ] as const)
        assert.equal(
          mlDsa44.verify(new Uint8Array(signature), Buffer.from('x'), new Uint8Array(key)),
          false,
        );
    });

  test('by noble and by OpenSSL agree: keys, signatures of either, and what is refused', (t) => {
    const openSsl: MlDsa44 | undefined = mlDsa44ByOpenSsl();
    if (openSsl === undefined) {
      t.skip(`OpenSSL ${process.versions.openssl} has no ML-DSA`);
      return;
    }
    const noble = mlDsa44ByNoble;
    for (let i = 0; i < 8; i++) {
      const seed = createHash('sha256').update(String(i)).digest();
      const message = Buffer.alloc(i * 37, i);
      const a: ReturnType<MlDsa44['signer']> = noble.signer(seed);
      const b: ReturnType<MlDsa44['signer']> = openSsl.signer(seed);
      assert.deepEqual(a.publicKey, b.publicKey);
      for (const signature of [a.sign(message), b.sign(message)]) {
        const changed = Uint8Array.from(signature);
        const at = (i * 611) % changed.length;
        changed[at] = (changed[at] ?? 0) ^ 1;
        for (const { verify } of [noble, openSsl]) {
          assert.equal(verify(signature, message, a.publicKey), true);
          assert.equal(verify(changed, message, a.publicKey), false);
          assert.equal(verify(signature, Buffer.from('no'), a.publicKey), false);
          assert.equal(verify(signature.subarray(1), message, a.publicKey), false);
          assert.equal(verify(signature, message, a.publicKey.subarray(1)), false);
        }
      }
    }
  });

  test("by noble gives C2SP/CCTV's accumulated result of 100 keys and signatures", () => {
    const seeds = shake128.create({ dkLen: 32 });
    const all = shake128.create({ dkLen: 32 });
    for (let i = 0; i < 100; i++) {
      const { publicKey, secretKey } = ml_dsa44.keygen(seeds.xof(32));
      const signature = ml_dsa44.sign(new Uint8Array(), secretKey, { extraEntropy: false });
      assert.equal(mlDsa44ByNoble.verify(signature, new Uint8Array(), publicKey), true);
      all.update(publicKey).update(signature);
    }
    const result = Buffer.from(all.xof(32)).toString('hex');
    assert.equal(result, 'd51148e1f9f4fa1a723a6cf42e25f2a99eb5c1b378b3d2dbbd561b1203beeae4');
  });
});

describe('keys with one name and key ID', () => {
  test('are tried one after another', () => {
    const signer = noteSigner('witness.test', 'Ed25519 cosignature', SEED);
    const other = noteSigner('witness.test', 'Ed25519 cosignature', Buffer.alloc(32, 8)).key;
    const colliding = { ...other, keyId: signer.key.keyId };
    const line = cosign(signer, unsigned(), TIME);
    for (const keys of [
      [colliding, signer.key],
      [signer.key, colliding],
    ])
      assert.equal(checkSignatures(note(line), keys)[0]?.valid, true);
    assert.equal(checkSignatures(note(line), [colliding])[0]?.valid, false);
  });

  test('do not have one where the type differs', () => {
    const { key } = noteSigner('a', 'Ed25519', SEED);
    assert.notDeepEqual(toNoteKey('a', 4, key.publicKey).keyId, key.keyId);
  });
});
