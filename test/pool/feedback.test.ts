// SPDX-License-Identifier: Apache-2.0
/** The checks on SCT feedback: the draft's three, by a table, and what convicts is never refused. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FeedbackChecks, MAX_CHAIN, type Refusal } from '../../src/pool/feedback.ts';
import { parseSct } from '../../src/scts/sct.ts';
import { Certificate } from '../../src/scts/certificate.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { SigningLog } from '../support/signing-log.ts';

const log = new SigningLog();
const rsaLog = new SigningLog('rsa');
const stranger = new SigningLog();
const authority = new Authority();
const other = new Authority('Another CA');
const checks = new FeedbackChecks(
  ['www.example.net', '*.hosts.example.net'],
  [log.asLog(), rsaLog.asLog()],
);
const ours = authority.issue(['www.example.net'], { logs: [log, rsaLog, stranger] });
const [embedded, embeddedRsa, unknown] = new Certificate(ours).embeddedScts as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const beside = log.promise({ type: 'x509', certificate: ours }, 1n);
const changed = Uint8Array.from(embedded, (byte, i) => (i === 40 ? byte ^ 1 : byte));
const named = (...names: string[]): Uint8Array => authority.issue(names, { logs: [log] });
const sctsOf = (der: Uint8Array): Uint8Array[] => new Certificate(der).embeddedScts;

const CASES: readonly (readonly [
  what: string,
  chain: readonly Uint8Array[],
  scts: readonly Uint8Array[],
  kept: number,
  refused: Partial<Record<Refusal, number>>,
])[] = [
  ['SCTs inside', [ours, authority.der], [embedded, embeddedRsa], 2, {}],
  ['an SCT beside the certificate', [ours, authority.der], [beside], 1, {}],
  ['an SCT beside a certificate alone', [ours], [beside], 1, {}],
  ['an SCT inside, without the issuer', [ours], [embedded], 0, { 'bad-signature': 1 }],
  ['an SCT of no known log', [ours, authority.der], [unknown], 0, { 'unknown-log': 1 }],
  ['one bit flipped', [ours, authority.der], [changed], 0, { 'bad-signature': 1 }],
  [
    'some good, some bad',
    [ours, authority.der],
    [embedded, changed, new Uint8Array(3)],
    1,
    { 'bad-signature': 1, malformed: 1 },
  ],
  [
    'an SCT of another certificate',
    [named('www.example.net'), authority.der],
    [embedded],
    0,
    { 'bad-signature': 1 },
  ],
  ['an issuer that did not issue it', [ours, other.der], [embedded], 0, { 'broken-chain': 1 }],
  [
    'a chain that goes on in vain',
    [ours, authority.der, other.der],
    [embedded],
    0,
    { 'broken-chain': 1 },
  ],
  ['no SCT', [ours, authority.der], [], 0, {}],
  ['no certificate', [new Uint8Array(10)], [embedded], 0, { malformed: 1 }],
  [
    'a long chain',
    [ours, ...Array.from({ length: MAX_CHAIN }, () => authority.der)],
    [embedded, embeddedRsa],
    0,
    { malformed: 2 },
  ],
];

describe('SCT feedback', () => {
  for (const [what, chain, scts, kept, refused] of CASES)
    test(what, () => {
      const checked = checks.check({ chain, scts });
      assert.equal(checked.pairs.length, kept);
      assert.deepEqual(Object.fromEntries(checked.refused), refused);
      for (const pair of checked.pairs) assert.deepEqual(pair.chain, chain);
    });

  const NAMES: readonly (readonly [names: string[], isOurs: boolean])[] = [
    [['WWW.example.NET'], true],
    [['elsewhere.example', 'www.example.net'], true],
    [['*.example.net'], true],
    [['a.hosts.example.net'], true],
    [['*.hosts.example.net'], true],
    [['hosts.example.net'], false],
    [['a.b.hosts.example.net'], false],
    [['*.a.hosts.example.net'], false],
    [['example.net'], false],
    [['wwww.example.net'], false],
    [['www.example.net.evil.example'], false],
    [['*.net'], false],
  ];
  for (const [names, isOurs] of NAMES)
    test(`of a certificate for ${names.join(', ')} is ${isOurs ? '' : 'not '}for this server`, () => {
      const der = named(...names);
      const { pairs, refused } = checks.check({ chain: [der, authority.der], scts: sctsOf(der) });
      assert.equal(pairs.length, isOurs ? 1 : 0);
      assert.deepEqual(Object.fromEntries(refused), isOurs ? {} : { 'other-name': 1 });
    });

  test('has the timestamp that the log signed', () => {
    assert.equal(parseSct(embedded).timestamp, 1_700_000_000_000n);
  });
});
