// SPDX-License-Identifier: Apache-2.0
/** What the daemon takes out of what a browser was shown, and what nobody can hide from it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { collect } from '../../src/client/collect.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { logIdText } from '../../src/logs/log.ts';
import { SigningLog } from '../support/signing-log.ts';

const ca = new Authority();
const signer = new SigningLog();
const origin = 'https://www.example.net';
const collected = (certificate: Uint8Array, log = signer.asLog()): ReturnType<typeof collect> =>
  collect(
    { type: 'seen', origin, chain: [certificate, ca.der], scts: [] },
    new Map([[logIdText(log.key.logId), log]]),
  );

describe('what the client collects', () => {
  test('has an SCT behind however many others', () => {
    const { entry, finish } = ca.draft(['www.example.net']);
    const junk = Array.from({ length: 1000 }, () => Uint8Array.of(0));
    const foreign = new SigningLog();
    const strange = Array.from({ length: 70 }, (_, i) => foreign.promise(entry, BigInt(i)));
    const found = collected(finish([...junk, ...strange, signer.promise(entry, 7n)]));
    assert.deepEqual(
      found.promised.map(({ time }) => time),
      [7n],
    );
    assert.deepEqual(found.discarded, { 'unknown-log': 70, malformed: 1000 });
  });

  for (const [what, extensions] of [
    ['an index of four octets', Uint8Array.of(0, 0, 4, 0, 0, 0, 7)],
    ['half an extension', Uint8Array.of(0, 0)],
    ['its index twice', Uint8Array.of(0, 0, 5, 0, 0, 0, 0, 7, 0, 0, 5, 0, 0, 0, 0, 7)],
    ['no index', new Uint8Array()],
  ] as const)
    test(`holds a static-ct log to a promise with ${what}`, () => {
      const log = { ...signer.asLog(), api: 'static-ct' } as const;
      const found = collected(
        ca.issue(['www.example.net'], { logs: [signer], sctExtensions: extensions }),
        log,
      );
      assert.deepEqual(
        found.promised.map(({ leafIndex }) => leafIndex),
        [undefined],
      );
      assert.deepEqual(found.discarded, { 'unknown-log': 0, malformed: 0 });
    });
});
