// SPDX-License-Identifier: Apache-2.0
/**
 * Certificates for the servers of a bus (RFC 5280), by an authority that certifies nothing else: a
 * member of the fleet knows its servers by it.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { der } from '../base/der.ts';

const ECDSA_WITH_SHA256 = der(0x30, hex('06082a8648ce3d040302'));
const COMMON_NAME = hex('0603550403');
const BASIC_CONSTRAINTS = hex('0603551d13');
const KEY_USAGE = hex('0603551d0f');
const EXTENDED_KEY_USAGE = hex('0603551d25');
const SUBJECT_ALT_NAME = hex('0603551d11');
const SUBJECT_KEY_ID = hex('0603551d0e');
const AUTHORITY_KEY_ID = hex('0603551d23');
const SERVER_AND_CLIENT = der(0x30, hex('06082b06010505070301'), hex('06082b06010505070302'));
const TRUE = der(0x01, Uint8Array.of(0xff));

export interface Certified {
  /** PEM. */
  readonly certificate: string;
  /** PKCS #8 in PEM. */
  readonly key: string;
}

/** A new authority, whose certificate lasts from `now` (ms since the epoch) for `days`. */
export function makeAuthority(name: string, now: number, days: number): Certified {
  const { privateKey, publicKey } = newKey();
  const extensions = [
    extension(BASIC_CONSTRAINTS, true, der(0x30, TRUE)),
    // keyCertSign and cRLSign.
    extension(KEY_USAGE, true, der(0x03, Uint8Array.of(1, 0x06))),
    extension(SUBJECT_KEY_ID, false, der(0x04, keyId(publicKey))),
  ];
  const subject = nameOf(name);
  const tbs = tbsOf({ issuer: subject, subject, publicKey, extensions, now, days });
  return { certificate: pem(signed(tbs, privateKey)), key: keyPem(privateKey) };
}

/**
 * A certificate for a server at this host, a DNS name or an address, which shows it to the other
 * servers too.
 */
export function certify(
  authority: Certified,
  issuer: string,
  host: string,
  now: number,
  days: number,
): Certified {
  const { privateKey, publicKey } = newKey();
  const subject = nameOf(host.slice(0, 64));
  const address = isIP(host) === 0 ? undefined : ipaddr.parse(host).toByteArray();
  const altName =
    address === undefined ? der(0x82, Buffer.from(host)) : der(0x87, Uint8Array.from(address));
  const extensions = [
    // digitalSignature.
    extension(KEY_USAGE, true, der(0x03, Uint8Array.of(7, 0x80))),
    extension(EXTENDED_KEY_USAGE, false, SERVER_AND_CLIENT),
    extension(SUBJECT_KEY_ID, false, der(0x04, keyId(publicKey))),
    extension(AUTHORITY_KEY_ID, false, der(0x30, der(0x80, keyId(createPublicKey(authority.key))))),
    extension(SUBJECT_ALT_NAME, false, der(0x30, altName)),
  ];
  const tbs = tbsOf({ issuer: nameOf(issuer), subject, publicKey, extensions, now, days });
  return {
    certificate: pem(signed(tbs, createPrivateKey(authority.key))),
    key: keyPem(privateKey),
  };
}

/** Names a key: RFC 7093, Section 2, its first method. */
function keyId(key: KeyObject): Uint8Array {
  const point = key.export({ type: 'spki', format: 'der' }).subarray(-65);
  return createHash('sha256').update(point).digest().subarray(0, 20);
}

function newKey(): { privateKey: KeyObject; publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
}

const DAY_MS = 86_400_000;

function tbsOf({
  issuer,
  subject,
  publicKey,
  extensions,
  now,
  days,
}: {
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Uint8Array[];
  readonly now: number;
  readonly days: number;
}): Uint8Array {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return der(
    0x30,
    der(0xa0, der(0x02, Uint8Array.of(2))),
    der(0x02, serial),
    ECDSA_WITH_SHA256,
    issuer,
    // From a week before, for servers and members whose clocks are behind.
    der(0x30, time(now - 7 * DAY_MS), time(now + days * DAY_MS)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(0x30, ...extensions)),
  );
}

function signed(tbs: Uint8Array, key: KeyObject): Uint8Array {
  const signature = sign('sha256', tbs, key);
  return der(0x30, tbs, ECDSA_WITH_SHA256, der(0x03, Uint8Array.of(0), signature));
}

/** UTCTime up to 2049, GeneralizedTime after (RFC 5280, Section 4.1.2.5). */
function time(at: number): Uint8Array {
  const digits = new Date(at).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return digits < '2050' ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits));
}

function nameOf(commonName: string): Uint8Array {
  return der(0x30, der(0x31, der(0x30, COMMON_NAME, der(0x0c, Buffer.from(commonName)))));
}

function extension(id: Uint8Array, isCritical: boolean, value: Uint8Array): Uint8Array {
  return der(0x30, id, ...(isCritical ? [TRUE] : []), der(0x04, value));
}

function pem(certificate: Uint8Array): string {
  const base64 = Buffer.from(certificate)
    .toString('base64')
    .replaceAll(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`;
}

function keyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function hex(text: string): Uint8Array {
  return Buffer.from(text, 'hex');
}
