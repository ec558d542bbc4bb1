// SPDX-License-Identifier: Apache-2.0
/** SCTs and the entries that they are about, against what others made. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { FormatError } from '../../src/base/cursor.ts';
import { Certificate } from '../../src/scts/certificate.ts';
import { leafHashOf, leafIndexOf, parseSct, parseSctList, verifySct } from '../../src/scts/sct.ts';
import { toLogKey } from '../../src/statements/key.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { realEntries } from '../support/data-tile.ts';
import { fc } from '../support/random.ts';
import { REAL } from '../support/real-certificate.ts';
import { SigningLog } from '../support/signing-log.ts';

/**
 * A certificate, its SCT and its leaf hash from github.com/google/certificate-transparency-go,
 * testdata/certs.go (TestCertPEM, TestCertProof, TestCertB64LeafHash), and the log's key.
 */
const GO = {
  key: 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEmXg8sUUzwBYaWrRb+V0IopzQ6o3UyEJ04r5ZrRXGdpYM8K+hB0pXrGRLI0eeWz+3skXrS0IO83AhA3GpRL6s6w==',
  certificate:
    'MIICyjCCAjOgAwIBAgIBBjANBgkqhkiG9w0BAQUFADBVMQswCQYDVQQGEwJHQjEkMCIGA1UEChMbQ2VydGlmaWNhdGUgVHJhbnNwYXJlbmN5IENBMQ4wDAYDVQQIEwVXYWxlczEQMA4GA1UEBxMHRXJ3IFdlbjAeFw0xMjA2MDEwMDAwMDBaFw0yMjA2MDEwMDAwMDBaMFIxCzAJBgNVBAYTAkdCMSEwHwYDVQQKExhDZXJ0aWZpY2F0ZSBUcmFuc3BhcmVuY3kxDjAMBgNVBAgTBVdhbGVzMRAwDgYDVQQHEwdFcncgV2VuMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCx+jeTYRH4eS2iCBw/5BklAIUx3H8sZXvZ4d5HBBYLTJ8Z1UraRHBATBxRNBuPH3U43d0o2aykg2n8VkbdzHYX+BaKrltB1DMx/KLa38gE1XIIlJBh+e75AspHzojGROAA8G7uzKvcndL2iiLMsJ3Hbg28c1J3ZbGjeoxnYlPcwQIDAQABo4GsMIGpMB0GA1UdDgQWBBRqDZgqO2LES20u9Om7egGqnLeY4jB9BgNVHSMEdjB0gBRfnYgNyHPmVNT4DdjmsMEktEfDVaFZpFcwVTELMAkGA1UEBhMCR0IxJDAiBgNVBAoTG0NlcnRpZmljYXRlIFRyYW5zcGFyZW5jeSBDQTEOMAwGA1UECBMFV2FsZXMxEDAOBgNVBAcTB0VydyBXZW6CAQAwCQYDVR0TBAIwADANBgkqhkiG9w0BAQUFAAOBgQAXHNhKrEFKmgMPIqrI9oiwgbJwm4SLTlURQGzXB/7QKFl6n678Lu4peNYzqqwU7TI1GX2ofg9xuIdfGsnniygXSd3t0Afj7PUGRfjL9mclbNahZHteEyA7uFgt59Zpb2VtHGC5X0Vrf88zhXGQjxxpcn0kxPzNJJKVeVgU0drA5g==',
  sct: '00df1c2ec11500945247a96168325ddc5c7959e8f7c6d388fc002e0bbd3f74d7640000013ddb27ded900000403004730450220606e10ae5c2d5a1b0aed49dc4937f48de71a4e9784e9c208dfbfe9ef536cf7f2022100beb29c72d7d06d61d06bdb38a069469aa86fe12e18bb7cc45689a2c0187ef5a5',
  leafHash: 'BKZLZGMbAnDW0gQWjNJNCyS2IgweWn76YW3tFlu3AuY=',
};
/**
 * An SCT that Sunlight (filippo.io/sunlight, of July 2026) gave for a certificate of a root of its own, as
 * the third entry of a new log; and the third leaf hash in that log's tile.
 */
const SUNLIGHT = {
  key: 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEi2mg8GYVwHYEyXVK9BApTagFapR3M6cDN7brn8q/kUJLskDp7pDSoo5F1TGrAzkWF/lVTO6ZlFXW/1usaKw4Iw==',
  certificate:
    'MIIBpjCCAUugAwIBAgIUPLUlIQDLIfUyLArx+dc4abjKHe0wCgYIKoZIzj0EAwIwGDEWMBQGA1UEAwwNQXVkaXQgVGVzdCBDQTAeFw0yNjExMjYxNTE0MjNaFw0yNjEyMjYxNTE0MjNaMBkxFzAVBgNVBAMMDnczLmV4YW1wbGUubmV0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAESWesvaYkrz3oABDs/XlKzLi4CGXi6hsEznSUX7kAgHQ5xHHNSlIdktBPgwfAvt0ZEZ2CzHEgMZevEbC9zv+koqNyMHAwGQYDVR0RBBIwEIIOdzMuZXhhbXBsZS5uZXQwEwYDVR0lBAwwCgYIKwYBBQUHAwEwHQYDVR0OBBYEFNewcwe+3RMEhV7bzmZC6Z7wRa3zMB8GA1UdIwQYMBaAFH+hZPO9yV0XuWsejsyEr7k1uNWtMAoGCCqGSM49BAMCA0kAMEYCIQD4rhYQ+Ns+gjQk7IQcM0cJ3yoB1Y044PIOXE02dFmXSQIhAJ0vNFuaRmGkofe2jndMT9MvsR19fl/5wHZleSXYKCGb',
  sct: 'AOeP4NmkHHDuCF2bYh8Bt4FEjZcOr5uKJtC4W08eYcD5AAABohhsjxEACAAABQAAAAACBAMARzBFAiAzrlnhuigEP9Jwm4+8yHiB1OFnnWUJzaPQIYb+cOlJmwIhAN/W2xqs3bML0o2b4felTx4o0x7d8cwxVZRvY3keDGlu',
  leafHash: 'SkiTb1l+E2jyQj2rQdxDzVF7IDlPHCqqt56bahSsPZc=',
};
const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

describe('an SCT', () => {
  const sct = Buffer.from(GO.sct, 'hex');
  const key = toLogKey(fromBase64(GO.key));
  const certificate = new Certificate(fromBase64(GO.certificate));

  test('of certificate-transparency-go verifies, and promises the leaf that it says', () => {
    const parsed = parseSct(sct);
    assert.deepEqual(parsed.logId, key.logId);
    assert(verifySct(parsed, certificate.entry, key));
    const hash = Buffer.from(leafHashOf(parsed, certificate.entry)).toString('base64');
    assert.equal(hash, GO.leafHash);
  });

  test('of Sunlight has the place and the hash of the leaf that is in its tree', () => {
    const promise = parseSct(fromBase64(SUNLIGHT.sct));
    const { entry } = new Certificate(fromBase64(SUNLIGHT.certificate));
    assert(verifySct(promise, entry, toLogKey(fromBase64(SUNLIGHT.key))));
    assert.equal(leafIndexOf(promise.extensions), 2n);
    const hash = Buffer.from(leafHashOf(promise, entry)).toString('base64');
    assert.equal(hash, SUNLIGHT.leafHash);
  });

  test('with any bit flipped verifies no more', () => {
    for (let bit = 0; bit < sct.length * 8; bit++) {
      const flipped = Buffer.from(sct);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const holds = ((): boolean => {
        try {
          return verifySct(parseSct(flipped), certificate.entry, key);
        } catch (error) {
          assert(error instanceof FormatError);
          return false;
        }
      })();
      assert(!holds, `bit ${bit}`);
    }
  });

  test('of anything else is refused, by a FormatError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const parse of [parseSct, parseSctList, (each: Uint8Array) => new Certificate(each)])
          try {
            parse(bytes);
          } catch (error) {
            assert(error instanceof FormatError, String(error));
          }
      }),
    );
    for (let length = 0; length < sct.length; length++)
      assert.throws(() => parseSct(sct.subarray(0, length)), FormatError, `${length} bytes`);
    assert.throws(() => parseSct(Buffer.concat([sct, Buffer.of(0)])), FormatError);
  });
});

describe('a certificate', () => {
  const log = new SigningLog();
  const authority = new Authority();
  const issuer = new Certificate(authority.der);

  test('with SCTs inside gives the entry that the log signed', () => {
    const der = authority.issue(['www.example.net', '*.example.net'], { logs: [log] });
    const certificate = new Certificate(der);
    assert.deepEqual(certificate.dnsNames, ['www.example.net', '*.example.net']);
    assert(certificate.isIssuedBy(issuer) && !issuer.isIssuedBy(certificate));
    const [embedded] = certificate.embeddedScts;
    assert(embedded !== undefined);
    const sct = parseSct(embedded);
    const entry = certificate.precertificateEntry(issuer.keyHash);
    assert(entry !== undefined && verifySct(sct, entry, log.key));
    assert(!verifySct(sct, certificate.entry, log.key), 'it is about the precertificate');
    const wrong = certificate.precertificateEntry(new Uint8Array(32));
    assert(wrong !== undefined && !verifySct(sct, wrong, log.key), 'of this issuer alone');
  });

  test('of 2018 gives the precertificate that two public logs signed, to the last bit', () => {
    const certificate = new Certificate(fromBase64(REAL.certificate));
    const entry = certificate.precertificateEntry(fromBase64(REAL.issuerKeyHash));
    assert(entry?.type === 'precert');
    const hash = createHash('sha256').update(entry.tbsCertificate).digest('base64');
    assert.equal(hash, REAL.tbsCertificate);
    const keys = REAL.keys.map((key) => toLogKey(fromBase64(key)));
    assert.deepEqual(
      certificate.embeddedScts
        .map(parseSct)
        .map((sct, i) => keys[i] && verifySct(sct, entry, keys[i])),
      [true, true],
    );
  });

  test('without SCTs has no precertificate', () => {
    const certificate = new Certificate(authority.issue(['www.example.net'], {}));
    assert.deepEqual(certificate.embeddedScts, []);
    assert.equal(certificate.precertificateEntry(issuer.keyHash), undefined);
  });

  test('that is broken anywhere gives a FormatError at most', () => {
    const der = authority.issue(['www.example.net'], { logs: [log] });
    fc.assert(
      fc.property(fc.nat(der.length * 8 - 1), fc.nat(der.length), (bit, cut) => {
        const flipped = Buffer.from(der);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        for (const bytes of [flipped, der.subarray(0, cut)])
          try {
            const certificate = new Certificate(bytes);
            assert(Array.isArray(certificate.dnsNames) && Array.isArray(certificate.embeddedScts));
            certificate.precertificateEntry(issuer.keyHash);
            certificate.isIssuedBy(issuer);
          } catch (error) {
            assert(error instanceof FormatError, String(error));
          }
      }),
    );
    assert.throws(() => new Certificate(Buffer.concat([der, Buffer.of(0)])), FormatError);
  });
});

test(
  'real entries of a static-ct log have the leaf hashes that its tree has',
  { skip: realEntries === undefined && 'the real entries are NOT tried: there is no ../shared' },
  (context) => {
    const { entries = [], hashes } = realEntries ?? {};
    const computed = entries.map(({ sct, entry }) => leafHashOf(sct, entry));
    assert.deepEqual(Buffer.concat(computed), hashes);
    context.diagnostic(`${entries.length} entries`);
  },
);
