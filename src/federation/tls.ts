// SPDX-License-Identifier: Apache-2.0
/**
 * TLS between members: each shows a certificate over the key that the roster has of it, and nothing
 * else is looked at. No certificate authority has a part in it.
 */
import { sign, X509Certificate, type KeyObject } from 'node:crypto';

/** DER: tag, length, content. */
function der(tag: number, ...content: readonly (Uint8Array | number[])[]): Buffer {
  const body = Buffer.concat(content.map((each) => Buffer.from(each)));
  const length =
    body.length < 128
      ? [body.length]
      : body.length < 256
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

const SEQUENCE = 0x30;
/** id-Ed25519, RFC 8410. */
const ED25519 = der(SEQUENCE, [0x06, 0x03, 0x2b, 0x65, 0x70]);
const COMMON_NAME = [0x06, 0x03, 0x55, 0x04, 0x03];

/**
 * A certificate (RFC 5280, version 1) in PEM of an Ed25519 key of 32 bytes, signed by itself, for
 * ever. It is the same each time it is made.
 */
export function certificateOf(name: string, key: Uint8Array, privateKey: KeyObject): string {
  const common = der(SEQUENCE, COMMON_NAME, der(0x0c, Buffer.from(name)));
  const subject = der(SEQUENCE, der(0x31, common));
  const time = (text: string): Buffer => der(0x18, Buffer.from(text));
  const body = der(
    SEQUENCE,
    der(0x02, [1]),
    ED25519,
    subject,
    // "No well-defined expiration date": RFC 5280, Section 4.1.2.5.
    der(SEQUENCE, time('20200101000000Z'), time('99991231235959Z')),
    subject,
    der(SEQUENCE, ED25519, der(0x03, [0], key)),
  );
  const certificate = der(SEQUENCE, body, ED25519, der(0x03, [0], sign(null, body, privateKey)));
  const lines = certificate.toString('base64').replace(/(.{64})/g, '$1\n');
  return `-----BEGIN CERTIFICATE-----\n${lines.trimEnd()}\n-----END CERTIFICATE-----\n`;
}

/** The 32 bytes of the Ed25519 key of a certificate in DER; undefined if it has another. */
export function keyOfCertificate(raw: Uint8Array): Uint8Array | undefined {
  try {
    const { publicKey } = new X509Certificate(raw);
    if (publicKey.asymmetricKeyType !== 'ed25519') return undefined;
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    return new Uint8Array(spki.subarray(-32));
  } catch {
    return undefined;
  }
}
