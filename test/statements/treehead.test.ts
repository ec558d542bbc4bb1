// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, test } from 'node:test';
import { decodeBase64 } from '../../src/base/base64.ts';
import { verifyClaim } from '../../src/statements/claim.ts';
import { parseCheckpoint, treeHeadOf } from '../../src/statements/checkpoint.ts';
import { attributionSchema, treeHeadSchema, treeHeadToJson } from '../../src/statements/json.ts';
import { toCtKey } from '../../src/statements/key.ts';
import { formatTreeHeadText, parseTreeHeadText } from '../../src/statements/text.ts';
import { MAX_UINT64 } from '../../src/base/u64.ts';
import { toLogId } from '../../src/statements/statement.ts';
import { verifyStatement } from '../../src/statements/verify.ts';
import { needsShared, readShared } from '../support/shared.ts';
import { readVector } from '../support/vectors.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { fc } from '../support/random.ts';

const ROOT = 'uEM4ZVdEWUXnGqNzFiaWEwEW8keaU8HUdah+X4UQSHo=';
const SIGNED =
  'BAMARjBEAiBvy2bp3DLPLHjAlTEVTcn5W/QBYUjBz8xJDGsuorhppwIgUPm+sLrKeBuETSMYFsPdwuGzd/u8Y2GNs9kfVDFv1PY=';
/** Google Rocketeer, March 2018: the head in certificate-transparency-go's dnsclient_test.go. */
const ROCKETEER =
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEIFsYyDzBi7MxCAC/oJBXK7dHjG+1aLCOkHjpoHPqTyghLpzA9BYbqvnV16mAw04vUjyYASVGJCUoI3ctBcJAeg==';

const key = (text: string): ReturnType<typeof toCtKey> =>
  toCtKey(decodeBase64(text) ?? assert.fail());

describe('a tree head in DNS text', () => {
  const cases: { name: string; text: string; want: string }[] = [
    {
      name: 'as the log wrote it',
      text: `224556042.1520614811284.${ROOT}.${SIGNED}`,
      want: 'tree head',
    },
    {
      name: 'with leading zeros, which clients accept too',
      text: `000224556042.01520614811284.${ROOT}.${SIGNED}`,
      want: 'tree head',
    },
    { name: 'empty', text: '', want: 'not four fields' },
    {
      name: 'with a field too few',
      text: `224556042.1520614811284.${ROOT}`,
      want: 'not four fields',
    },
    ...['.x', '!', ' ', '\n', '\0', '\xe9', '-more'].map((rest) => ({
      name: `with ${JSON.stringify(rest)} behind it, which clients leave alone`,
      text: `224556042.1520614811284.${ROOT}.${SIGNED}${rest}`,
      want: 'tree head',
    })),
    {
      name: 'with something before it',
      text: ` 224556042.1520614811284.${ROOT}.${SIGNED}`,
      want: 'bad tree size',
    },
    {
      name: 'with a letter in the size',
      text: `22x4556042.1520614811284.${ROOT}.${SIGNED}`,
      want: 'bad tree size',
    },
    {
      name: 'with a size of 2^64',
      text: `18446744073709551616.1.${ROOT}.${SIGNED}`,
      want: 'bad tree size',
    },
    { name: 'with a signed size', text: `-1.1.${ROOT}.${SIGNED}`, want: 'bad tree size' },
    {
      name: 'with a size of 10,000 digits',
      text: `${'9'.repeat(10_000)}.1.${ROOT}.${SIGNED}`,
      want: 'bad tree size',
    },
    { name: 'with no timestamp', text: `224556042..${ROOT}.${SIGNED}`, want: 'bad timestamp' },
    {
      name: 'with a root of 3 bytes',
      text: `224556042.1520614811284.AQID.${SIGNED}`,
      want: 'bad root hash',
    },
    {
      name: 'with a root that is not base64',
      text: `224556042.1520614811284.${ROOT.replace('u', '-')}.${SIGNED}`,
      want: 'bad root hash',
    },
    {
      name: 'with letters behind the signature',
      text: `224556042.1520614811284.${ROOT}.${SIGNED}XXX`,
      want: 'bad signature field',
    },
    {
      name: 'with an empty signature',
      text: `224556042.1520614811284.${ROOT}.`,
      want: 'bad signature field',
    },
  ];
  for (const { name, text, want } of cases) {
    test(name, () => {
      const parsed = parseTreeHeadText(text);
      assert.equal(parsed.kind === 'refused' ? parsed.reason : parsed.kind, want);
      if (parsed.kind === 'refused') return;
      assert.equal(parsed.head.treeSize, 224556042n);
      const verified = verifyStatement(parsed.head, key(ROCKETEER));
      assert(verified !== undefined);
      assert.equal(
        Buffer.from(verified.logId).toString('base64'),
        '7ku9t3XOYLrhQmkfq+GeZqMPfl+wctiDAMR7iXqo/cs=',
      );
      assert.equal(formatTreeHeadText(parsed.head), `224556042.1520614811284.${ROOT}.${SIGNED}`);
    });
  }

  test('of the largest numbers there are goes there and back', () => {
    const head = new SigningLog().sign(MAX_UINT64, treeOf(3).root(), MAX_UINT64);
    const parsed = parseTreeHeadText(formatTreeHeadText(head));
    assert(parsed.kind === 'tree head');
    assert.deepEqual(parsed.head, head);
  });

  test('never throws, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fc.string(), { maxLength: 6 }).map((parts) => parts.join('.')),
        ),
        (text) => void parseTreeHeadText(text),
      ),
    );
  });
});

describe('a signature', () => {
  const root = treeOf(9).root();
  for (const algorithm of ['ecdsa-p256', 'rsa'] as const) {
    test(`by ${algorithm} verifies, and covers size, time and root`, () => {
      const log = new SigningLog(algorithm);
      const head = log.sign(9, root);
      assert(verifyStatement(head, log.key) !== undefined);
      assert.equal(verifyStatement({ ...head, treeSize: 10n }, log.key), undefined);
      assert.equal(verifyStatement({ ...head, timestamp: 1n }, log.key), undefined);
      assert.equal(verifyStatement({ ...head, rootHash: treeOf(8).root() }, log.key), undefined);
      assert.equal(verifyStatement(head, new SigningLog(algorithm).key), undefined);
    });
  }

  const log = new SigningLog();
  const good = log.sign(9, root).signature;
  const cases: [string, Uint8Array][] = [
    ['with another hash named', good.with(0, 2)],
    ['with another algorithm named', good.with(1, 1)],
    ['with a length that lies', good.with(3, (good[3] ?? 0) - 1)],
    ['with a byte after it', Uint8Array.from([...good, 0])],
    ['cut short', good.slice(0, -1)],
    ['of four bytes', good.slice(0, 4)],
    ['of nothing', new Uint8Array(0)],
  ];
  for (const [name, signature] of cases) {
    test(`${name} is refused`, () =>
      assert.equal(verifyStatement({ ...log.sign(9, root), signature }, log.key), undefined));
  }
});

describe('a log key', () => {
  const cases: [string, string, RegExp][] = [
    ['of nonsense', 'AAAA', /not a SubjectPublicKeyInfo/],
    // P-384 and Ed25519 public keys, made with openssl for this test.
    [
      'on P-384',
      'MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEMuCR3RhQ9ftiH43/mzVOMAlVSCOdMFmUeLD8bzLBBJn7z29g+H7ORC6COz6pctP90RCpKCQykc24QbWvvT+8fLXjbnPfNDOyb3NGcVM9n2hkhnUvRAULs5XvR8AfnVPz',
      /ec secp384r1, want ECDSA P-256/,
    ],
    [
      'on Ed25519',
      'MCowBQYDK2VwAyEAaFr+jh7PZnDfph9CNB7WZH6usfX3lldSjNwnQlb3LqQ=',
      /ed25519, want ECDSA P-256/,
    ],
  ];
  for (const [name, text, want] of cases)
    test(`${name} is refused`, () => assert.throws(() => key(text), want));

  // The usual encodings are judged without OpenSSL, which says here what is right.
  const byOpenssl = (der: Uint8Array): KeyObject =>
    createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
  function isKeyToOpenssl(der: Uint8Array): boolean {
    try {
      const { asymmetricKeyType: type, asymmetricKeyDetails: details } = byOpenssl(der);
      if (type === 'ec') return details?.namedCurve === 'prime256v1';
      return type === 'rsa' && (details?.modulusLength ?? 0) >= 2048;
    } catch {
      return false;
    }
  }
  const pairs = [
    ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'ecdsa-p256'],
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }), 'rsa'],
  ] as const;
  for (const [name, { publicKey }, algorithm] of pairs) {
    const der = publicKey.export({ format: 'der', type: 'spki' });
    test(`of ${name} is what OpenSSL takes it for`, () => {
      const made = toCtKey(der);
      assert.equal(made.algorithm, algorithm);
      assert(made.publicKey.equals(publicKey));
    });
    test(`of ${name} with any one byte changed is taken if OpenSSL takes it`, () => {
      for (let at = 0; at < der.length; at++) {
        const changed = Uint8Array.from(der, (byte, i) => (i === at ? byte ^ 0x81 : byte));
        const isKey = isKeyToOpenssl(changed);
        if (isKey) assert(toCtKey(changed).publicKey.equals(byOpenssl(changed)), `byte ${at}`);
        else assert.throws(() => toCtKey(changed), RangeError, `byte ${at}`);
      }
    });
  }
  test('on P-256 has coordinates below the prime', () => {
    const { publicKey } = pairs[0][1];
    const der = Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' }));
    assert.throws(() => toCtKey(der.fill(0xff, -64)), /not a SubjectPublicKeyInfo/);
  });
});

describe('a checkpoint', () => {
  const cases: [string, string, RegExp][] = [
    ['with no blank line', 'a\n1\nAAAA\n', /no blank line/],
    ['with no origin', '\n1\nAAAA\n\n— a AAAAAAA=\n', /line 1/],
    ['with a size of 01', `a\n01\n${ROOT}\n\n— a AAAAAAA=\n`, /line 2/],
    ['with a short root', 'a\n1\nAAAA\n\n— a AAAAAAA=\n', /line 3/],
    ['with no signature', `a\n1\n${ROOT}\n\n`, /does not end in a signature line/],
    [
      'with a signature line of another form',
      `a\n1\n${ROOT}\n\n- a AAAAAAA=\n`,
      /no signature line/,
    ],
    ['with a signature too short', `a\n1\n${ROOT}\n\n— a AAAAAA==\n`, /no signature line/],
  ];
  for (const [name, note, want] of cases)
    test(`${name} is refused`, () => assert.throws(() => parseCheckpoint(note), want));
});

describe('a gossiped tree head', () => {
  test('beyond what JSON numbers hold is taken as a string only', () => {
    const log = new SigningLog();
    const json = treeHeadToJson(log.sign(2n ** 60n, treeOf(3).root()));
    assert.equal(json['tree_size'], '1152921504606846976');
    const log_id = Buffer.from(log.key.logId).toString('base64');
    assert.equal(treeHeadSchema.parse(json).treeSize, 2n ** 60n);
    assert.equal(treeHeadSchema.safeParse({ ...json, tree_size: 2 ** 60 }).success, false);
    const { log_id: id } = attributionSchema.parse({ sth_version: 0, log_id, ...json });
    assert.deepEqual(id, toLogId(log.key.logId));
    assert.equal(attributionSchema.safeParse({ sth_version: 1, log_id, ...json }).success, false);
  });
});

describe('real tree heads', () => {
  interface RealHead {
    log_id: string;
    key: string;
    tree_size: number;
    timestamp: number;
    sha256_root_hash: string;
    tree_head_signature: string;
  }

  test('of real logs all verify', () => {
    const heads = readVector('tree-heads.json') as RealHead[];
    assert.equal(heads.length, 12);
    for (const head of heads) {
      const logKey = key(head.key);
      assert.deepEqual(attributionSchema.parse(head).log_id, logKey.logId);
      const claim = { log: { key: logKey }, bytes: Buffer.from(JSON.stringify(head)) };
      const verified = verifyClaim({ ...claim, form: 'get-sth' });
      assert.equal(verified.kind, 'verified');
      const grown = Buffer.from(JSON.stringify({ ...head, tree_size: head.tree_size + 1 }));
      assert.notEqual(verifyClaim({ ...claim, bytes: grown, form: 'get-sth' }).kind, 'verified');
    }
  });

  test('in DNS texts: as it is, and with one fault each', () => {
    const { texts, key: logKey } = readVector('dns-texts.json') as {
      key: string;
      texts: { what: string; strings: string[]; want: string }[];
    };
    for (const { what, strings, want } of texts) {
      const parsed = parseTreeHeadText(strings.join(''));
      const isSigned =
        parsed.kind === 'tree head' && verifyStatement(parsed.head, key(logKey)) !== undefined;
      const found = isSigned ? 'verified' : parsed.kind === 'refused' ? 'refused' : 'not signed';
      assert.equal(found, want, what);
    }
  });

  test(
    'in the 13 texts of the reference DNS client get its verdicts',
    { skip: needsShared('ct-over-dns/sth_txt_cases.json') },
    () => {
      const { cases } = JSON.parse(readShared('ct-over-dns/sth_txt_cases.json').toString()) as {
        cases: { name: string; txt_strings: string[] | null; valid: boolean }[];
      };
      assert.equal(cases.length, 13);
      for (const { name, txt_strings, valid } of cases) {
        const parsed = parseTreeHeadText((txt_strings ?? []).join(''));
        assert.equal(
          parsed.kind === 'tree head' && verifyStatement(parsed.head, key(ROCKETEER)) !== undefined,
          valid,
          name,
        );
      }
    },
  );
});

describe('real checkpoints', () => {
  const all = readVector('checkpoints.json') as {
    name: string;
    key: string;
    verifies: boolean;
    checkpoint: string;
  }[];
  for (const { name, key: text, verifies, checkpoint } of all) {
    test(`${name} ${verifies ? 'verifies' : 'does not verify'}`, () => {
      const logKey = key(text);
      const head = treeHeadOf(parseCheckpoint(checkpoint), logKey.logId);
      assert.equal(head !== undefined && verifyStatement(head, logKey) !== undefined, verifies);
    });
  }
});
