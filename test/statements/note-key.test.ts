// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { ml_dsa44 } from '@noble/post-quantum/ml-dsa.js';
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { describe, test } from 'node:test';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { parseNoteKey, toNoteKey } from '../../src/statements/note-key.ts';
import { checkSignatures } from '../../src/statements/signature-lines.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

/**
 * From Sunlight's tests (FiloSottile/sunlight, cmd/skylight/testdata/witness, ISC): a checkpoint
 * with a cosignature, and the key that its witness publishes.
 */
const WITNESS = 'witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN';
const COSIGNED = `rome2026h1.example.org
300
lCkHUpkmVBEms2r2T1K6Og69+wUuuN3MIEW1/ezu2v0=

— rome2026h1.example.org kVB1JgAAAZtxtEwABAMARzBFAiEAi+mTa2xjL1IdWpH82OeciGsGvwRAP+f1WkfKaSZCfFECIHoNPZ/Q3y6UNzvKOO9cuLr6V16vPNfhwhle9f6r5H/Z
— witness.example.org uKLPIAAAAABpVGeAhm2bOvKc3LaB9PFN1ruG19Y5yqslmcAAbhftnn1Zznmo0LXFZq4LGvqKqLX8jWlwLKasxEGTLIqAVusneCBmBw==
`;

describe('signature lines', () => {
  test('a cosignature that others made verifies, and says when it was made', () => {
    const checked = checkSignatures(parseCheckpoint(COSIGNED), [parseNoteKey(WITNESS)]);
    assert.deepEqual(checked, [
      { name: 'rome2026h1.example.org', kind: 'RFC 6962', valid: undefined, time: undefined },
      {
        name: 'witness.example.org',
        kind: 'Ed25519 cosignature',
        valid: true,
        time: 1_767_139_200n,
      },
    ]);
  });

  test('and does not with another text, time or signature', () => {
    const changed = [
      COSIGNED.replace('\n300\n', '\n301\n'),
      COSIGNED.replace('uKLPIAAAAABpVGeA', 'uKLPIAAAAABpVGeB'),
      COSIGNED.replace('VusneCBmBw==', 'VusneCBmBg=='),
    ];
    for (const note of changed)
      assert.equal(
        checkSignatures(parseCheckpoint(note), [parseNoteKey(WITNESS)])[1]?.valid,
        false,
      );
  });

  test('Ed25519 over the note, ML-DSA-44 by its length, noise: each is told', () => {
    const log = new SigningLog();
    const note = log.checkpoint(9, treeOf(9).root(9));
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const key = vkey('log.test/alpha', 1, publicKey);
    const { text } = parseCheckpoint(note);
    const ed25519 = sign(null, Buffer.from(text), privateKey);
    const line = (id: Uint8Array, body: Uint8Array): string =>
      `— log.test/alpha ${Buffer.concat([id, body]).toString('base64')}\n`;
    const all = `${note}${line(parseNoteKey(key).keyId, ed25519)}${line(Buffer.alloc(4, 9), Buffer.alloc(2420))}`;
    const checked = checkSignatures(parseCheckpoint(all), [parseNoteKey(key)]);
    assert.deepEqual(
      checked.map(({ kind, valid }) => [kind, valid]),
      [
        ['unknown', undefined],
        ['RFC 6962', undefined],
        ['Ed25519', true],
        ['ML-DSA-44', undefined],
      ],
    );
  });

  test('ML-DSA-44 verifies over size, root, origin, name and time, and with no bit changed', () => {
    const name = 'witness.test';
    const { publicKey, secretKey } = ml_dsa44.keygen(new Uint8Array(32).fill(7));
    const bytes = Buffer.concat([Uint8Array.of(6), publicKey]);
    const keyId = createHash('sha256').update(`${name}\n`).update(bytes).digest().subarray(0, 4);
    const key = parseNoteKey(`${name}+${keyId.toString('hex')}+${bytes.toString('base64')}`);
    const root = treeOf(9).root(9);
    const time = Buffer.from('0000000065a0b1c2', 'hex');
    // Typed in from c2sp.org/tlog-cosignature, byte by byte.
    const message = Buffer.concat([
      Buffer.from('737562747265652f76310a00', 'hex'), // subtree/v1, newline, zero
      Buffer.from('0c7769746e6573732e74657374', 'hex'), // 12, witness.test
      time,
      Buffer.from('08746573742f6c6f67', 'hex'), // 8, test/log
      Buffer.from('00000000000000000000000000000009', 'hex'),
      root,
    ]);
    const signature = ml_dsa44.sign(message, secretKey);
    const note = (size: number, body: Uint8Array): string =>
      `test/log\n${size}\n${Buffer.from(root).toString('base64')}\n\n— ${name} ${Buffer.concat([keyId, body]).toString('base64')}\n`;
    const check = (text: string): (boolean | undefined)[] =>
      checkSignatures(parseCheckpoint(text), [key]).map(({ valid }) => valid);
    const body = Buffer.concat([time, signature]);
    assert.deepEqual(check(note(9, body)), [true]);
    assert.deepEqual(check(note(8, body)), [false]);
    assert.deepEqual(check(note(9, body).replace('test/log', 'test/lag')), [false]);
    assert.deepEqual(check(note(9, signature)), [false]);
    for (const at of [7, 8, 1000, body.length - 1]) {
      const changed = Buffer.from(body);
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.deepEqual(check(note(9, changed)), [false], `byte ${at}`);
    }
    const [checked] = checkSignatures(parseCheckpoint(note(9, body)), [key]);
    assert.deepEqual([checked?.kind, checked?.time], ['ML-DSA-44', 0x65a0b1c2n]);
  });
});

function vkey(name: string, type: number, publicKey: KeyObject): string {
  const bytes = Buffer.from([
    type,
    ...publicKey.export({ format: 'der', type: 'spki' }).subarray(-32),
  ]);
  const id = createHash('sha256').update(`${name}\n`).update(bytes).digest('hex').slice(0, 8);
  return `${name}+${id}+${bytes.toString('base64')}`;
}

describe('a verifier key', () => {
  const refused: [string, string, RegExp][] = [
    ['of nothing', '', /want NAME\+KEYID/],
    ['with another name', WITNESS.replace('witness', 'wittness'), /key ID should be/],
    ['with another key', WITNESS.replace('BFLN', 'BFLM'), /key ID should be/],
    [
      'of a type that nobody knows',
      vkey('x', 9, generateKeyPairSync('ed25519').publicKey),
      /type 9 are not known/,
    ],
  ];
  for (const [type, length] of [
    [1, 32],
    [4, 32],
    [6, 1312],
  ] as const)
    test(`of type ${type} has ${length} bytes`, () => {
      assert.equal(toNoteKey('x', type, new Uint8Array(length)).publicKey.length, length);
      for (const other of [0, length - 1, length + 1])
        assert.throws(
          () => toNoteKey('x', type, new Uint8Array(other)),
          new RegExp(`the key is ${other} bytes, want ${length}`),
        );
    });

  for (const [what, text, reason] of refused)
    test(`${what} is refused`, () => assert.throws(() => parseNoteKey(text), reason));
});
