// SPDX-License-Identifier: Apache-2.0
/**
 * What Certificate Transparency needs of an X.509 certificate: whose it is, the SCTs in it, and the
 * precertificate that those are about.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { Constructed, fromBER, OctetString, Primitive, type BaseBlock } from 'asn1js';
import { FormatError } from '../base/cursor.ts';
import { parseSctList, type LogEntry } from './sct.ts';

/** Object identifiers in DER. RFC 6962, Section 3.3: the extension with the list of SCTs. */
const SCT_LIST = '060a2b06010401d679020402';
/** RFC 5280, Section 4.2.1.6. */
const SUBJECT_ALT_NAME = '0603551d11';
const DNS_NAME_TAG = 2;
/** The tags of TBSCertificate's version and of its extensions, and of a SEQUENCE, in DER. */
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const SEQUENCE = 0x30;
/** In bytes. Real ones have some 2,000, and logs take up to 2^24 - 1. */
const MAX_CERTIFICATE = 65_536;

export class Certificate {
  /** As it came. */
  readonly der: Uint8Array;
  readonly #x509: X509Certificate;
  /** The fields of the TBSCertificate, each in DER as it came. */
  readonly #fields: readonly Uint8Array[];
  /** Each with its tag and length; the object identifier in DER, in hexadecimal. */
  readonly #extensions: readonly { readonly id: string; readonly block: BaseBlock }[];

  /** Throws FormatError unless `der` is one certificate, and OpenSSL can read it. */
  constructor(der: Uint8Array) {
    if (der.length > MAX_CERTIFICATE) throw new FormatError('certificate-too-large', 0);
    this.der = der;
    try {
      this.#x509 = new X509Certificate(der);
    } catch {
      throw new FormatError('bad-certificate', 0);
    }
    const [tbs] = childrenOf(parse(der));
    const fields = childrenOf(tbs);
    this.#fields = fields.map(bytesOf);
    const last = fields.at(-1);
    const list = bytesOf(last)[0] === EXTENSIONS ? childrenOf(last)[0] : undefined;
    this.#extensions = (list === undefined ? [] : childrenOf(list)).map((block) => ({
      id: hex(bytesOf(childrenOf(block)[0])),
      block,
    }));
  }

  /** The DNS names that it is for, in lower case; those with a wildcard begin with `*.`. */
  get dnsNames(): string[] {
    const value = this.#valueOf(SUBJECT_ALT_NAME);
    if (value === undefined) return [];
    return childrenOf(parse(value)).flatMap((name) =>
      name instanceof Primitive && name.idBlock.tagNumber === DNS_NAME_TAG
        ? Buffer.from(name.valueBlock.valueHexView).toString('latin1').toLowerCase()
        : [],
    );
  }

  /** The serialized SCTs in it. Throws FormatError if there is something else in their place. */
  get embeddedScts(): Uint8Array[] {
    const value = this.#valueOf(SCT_LIST);
    if (value === undefined) return [];
    const list = parse(value);
    if (!(list instanceof OctetString)) throw new FormatError('bad-certificate', 0);
    return parseSctList(list.valueBlock.valueHexView);
  }

  /** Whether it says that `issuer` issued it, and the key of `issuer` signed it. */
  isIssuedBy(issuer: Certificate): boolean {
    try {
      return this.#x509.checkIssued(issuer.#x509) && this.#x509.verify(issuer.#x509.publicKey);
    } catch {
      return false;
    }
  }

  /** The entry for SCTs that came beside it, by TLS or OCSP. */
  get entry(): LogEntry {
    return { type: 'x509', certificate: this.der };
  }

  /**
   * The entry for SCTs inside it (RFC 6962, Section 3.2): its TBSCertificate without the extension
   * that holds them, and the hash of its issuer's key. All else is as it came, to the last bit: a log may
   * have signed what is no DER. Undefined if no SCTs are inside.
   */
  precertificateEntry(issuerKeyHash: Uint8Array): LogEntry | undefined {
    if (!this.#extensions.some(({ id }) => id === SCT_LIST)) return undefined;
    const rest = this.#extensions.filter(({ id }) => id !== SCT_LIST);
    const extensions = wrap(EXTENSIONS, [
      wrap(
        SEQUENCE,
        rest.map(({ block }) => bytesOf(block)),
      ),
    ]);
    const fields = this.#fields.slice(0, -1);
    return {
      type: 'precert',
      issuerKeyHash,
      tbsCertificate: wrap(SEQUENCE, rest.length === 0 ? fields : [...fields, extensions]),
    };
  }

  /** SHA-256 of its SubjectPublicKeyInfo, as it came. */
  get keyHash(): Uint8Array {
    // The first field, the version, may be left out (RFC 5280, Section 4.1).
    const hasVersion = this.#fields[0]?.[0] === VERSION;
    const spki = this.#fields[hasVersion ? 6 : 5];
    return createHash('sha256')
      .update(spki ?? '')
      .digest();
  }

  /** What an extension's OCTET STRING holds. */
  #valueOf(wanted: string): Uint8Array | undefined {
    const [found, another] = this.#extensions.filter(({ id }) => id === wanted);
    if (another !== undefined) throw new FormatError('extension-twice', 0);
    if (found === undefined) return undefined;
    const value = childrenOf(found.block).at(-1);
    if (!(value instanceof OctetString)) throw new FormatError('bad-certificate', 0);
    return value.valueBlock.valueHexView;
  }
}

/** Throws FormatError unless there is one value and nothing behind it. */
function parse(bytes: Uint8Array): BaseBlock {
  const { offset, result } = fromBER(bytes);
  if (offset !== bytes.length) throw new FormatError('bad-certificate', 0);
  return result;
}

function childrenOf(block: BaseBlock | undefined): BaseBlock[] {
  if (!(block instanceof Constructed)) throw new FormatError('bad-certificate', 0);
  return block.valueBlock.value;
}

function bytesOf(block: BaseBlock | undefined): Uint8Array {
  if (block === undefined) throw new FormatError('bad-certificate', 0);
  return block.valueBeforeDecodeView;
}

/** A value in DER with this tag, of these parts. */
function wrap(tag: number, parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const { length } = content;
  const octets = [length >> 16, length >> 8, length].map((each) => each & 255);
  const significant = octets.slice(length > 65_535 ? 0 : length > 255 ? 1 : 2);
  const head = length < 128 ? [length] : [0x80 + significant.length, ...significant];
  return Buffer.concat([Uint8Array.of(tag, ...head), content]);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
