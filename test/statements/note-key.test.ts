import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { describe, test } from 'node:test';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { checkSignatures, parseNoteKey } from '../../src/statements/note-key.ts';
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
  for (const [what, text, reason] of refused)
    test(`${what} is refused`, () => assert.throws(() => parseNoteKey(text), reason));
});
