// SPDX-License-Identifier: Apache-2.0
/** The SCTs that the extension takes out of certificates, compared with what src/scts does. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { toBase64, fromBase64 } from '../../extension/base64.js';
import { embedded, FormatError, KnownLogs, parseSct } from '../../extension/certificate.js';
import { extensionLogs } from '../../packaging/extension.ts';
import { encodeBase64 } from '../../src/base/base64.ts';
import { builtinLogs } from '../../src/logs/builtin.ts';
import { Certificate } from '../../src/scts/certificate.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { fc } from '../support/random.ts';
import { REAL } from '../support/real-certificate.ts';
import { SigningLog } from '../support/signing-log.ts';

const authority = new Authority();
const known = new SigningLog();
const rsa = new SigningLog('rsa');
const stranger = new SigningLog();
const leaf = authority.issue(['www.example.net'], { logs: [known, stranger, rsa] });

async function logsOf(...logs: readonly SigningLog[]): Promise<KnownLogs> {
  const all = new KnownLogs();
  await all.add(logs.map(({ key }) => encodeBase64(key.spki)));
  return all;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('the SCTs in a certificate', () => {
  test('and its precertificate are what src/scts has', () => {
    const found = embedded(leaf);
    const certificate = new Certificate(leaf);
    assert.deepEqual(found?.scts.map(hex), certificate.embeddedScts.map(hex));
    const entry = certificate.precertificateEntry(new Uint8Array(32));
    assert(entry?.type === 'precert');
    assert.equal(hex(found.tbsCertificate), hex(entry.tbsCertificate));
    assert.equal(embedded(authority.der), undefined);
  });

  test('of 2018 are those of the precertificate that two public logs signed', () => {
    const found = embedded(fromBase64(REAL.certificate));
    assert.equal(found?.scts.length, 2);
    const hash = createHash('sha256').update(found.tbsCertificate).digest('base64');
    assert.equal(hash, REAL.tbsCertificate);
    const ids = REAL.keys.map((key) =>
      createHash('sha256').update(fromBase64(key)).digest('base64'),
    );
    assert.deepEqual(found.scts.map((sct) => parseSct(sct).logId).sort(), ids.sort());
  });

  test('count if a known log signed them for this very certificate', async () => {
    const logs = await logsOf(known, rsa);
    const [first = '', , third = ''] = new Certificate(leaf).embeddedScts.map(hex);
    assert.deepEqual((await logs.sctsOf([leaf, authority.der])).map(hex), [first, third]);
    assert.deepEqual(await logs.sctsOf([leaf]), [], 'nobody knows who issued it');
    const another = new Authority('Another CA').der;
    assert.deepEqual(await logs.sctsOf([leaf, another]), [], 'of another issuer');
    assert.deepEqual(await (await logsOf()).sctsOf([leaf, authority.der]), [], 'no log is known');
  });

  test('with one bit changed anywhere count only where the log did not sign that bit', async () => {
    const logs = await logsOf(known, rsa);
    const signed = embedded(leaf)?.tbsCertificate;
    const genuine = new Set(embedded(leaf)?.scts.map(hex));
    assert(signed !== undefined);
    await fc.assert(
      fc.asyncProperty(fc.nat(leaf.length * 8 - 1), async (bit) => {
        const changed = Uint8Array.from(leaf);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const scts = await logs.sctsOf([changed, authority.der]);
        for (const sct of scts) assert(genuine.has(hex(sct)));
        if (scts.length > 0)
          assert.equal(hex(embedded(changed)?.tbsCertificate ?? signed), hex(signed));
      }),
    );
  });

  test('are found or refused, whatever the bytes', () => {
    const tried = (bytes: Uint8Array): void => {
      for (const read of [embedded, parseSct])
        try {
          read(bytes);
        } catch (error) {
          assert(error instanceof FormatError, String(error));
        }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), tried));
    fc.assert(
      fc.property(fc.nat(leaf.length), fc.uint8Array({ maxLength: 8 }), (at, bytes) =>
        tried(Buffer.concat([leaf.subarray(0, at), bytes, leaf.subarray(at + bytes.length)])),
      ),
    );
    tried(new Uint8Array(70_000));
    // A thousand values inside each other: it goes one level down for what it looks for, no deeper.
    tried(Buffer.alloc(65_000, Uint8Array.of(0x30, 0x83, 0, 0xfd, 0xe0)));
  });

  test('are found behind however many others', async () => {
    const junk = Array.from({ length: 1000 }, () => Uint8Array.of(0));
    const hidden = authority.draft(['www.example.net']);
    const many = hidden.finish([...junk, known.promise(hidden.entry, 1n)]);
    const found = await (await logsOf(known)).sctsOf([many, authority.der]);
    assert.deepEqual(found.map(hex), new Certificate(many).embeddedScts.slice(1000).map(hex));
    const signed = authority.draft(['www.example.net']);
    const scts = Array.from({ length: 300 }, (_, i) => known.promise(signed.entry, BigInt(i)));
    const crowded = signed.finish(scts);
    assert.equal((await (await logsOf(known)).sctsOf([crowded, authority.der])).length, 300);
  });

  test('base64 goes there and back', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        assert.equal(toBase64(bytes), encodeBase64(bytes));
        assert.deepEqual(fromBase64(toBase64(bytes)), bytes);
      }),
    );
  });
});

test('the logs that the extension knows are those that are built in', async () => {
  const path = resolve(import.meta.dirname, '../../extension/logs.json');
  const text = readFileSync(path, 'utf8');
  assert.equal(text, extensionLogs(builtinLogs()), 'run: node --import tsx packaging/extension.ts');
  const logs = new KnownLogs();
  await logs.add((JSON.parse(text) as { logs: { key: string }[] }).logs.map(({ key }) => key));
  assert.equal(logs.size, builtinLogs().length);
});
