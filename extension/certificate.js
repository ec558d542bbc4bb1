// SPDX-License-Identifier: Apache-2.0
// @ts-check
/**
 * The SCTs inside a certificate, and which of them a known log signed (RFC 6962, Sections 3.2 and
 * 3.3). A site chooses these bytes, so every length is held against the bytes that are there.
 * Beside Web Crypto, which checks the signatures, nothing here is the browser's.
 */
import { fromBase64, toBase64 } from './base64.js';

/** Bytes are not what RFC 5280 and RFC 6962 say. */
export class FormatError extends Error {}

/** In bytes, of a certificate. Real ones have some 2,000. */
const MAX_CERTIFICATE = 65_536;

/** Tags in DER. */
const SEQUENCE = 0x30;
const OCTET_STRING = 0x04;
const INTEGER = 0x02;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
/** The object identifier 1.3.6.1.4.1.11129.2.4.2 in DER: the list of SCTs. */
const SCT_LIST = '060a2b06010401d679020402';

/** RFC 5246, Section 7.4.1.4.1: the only hash that RFC 6962 has, and its two signatures. */
const SHA256 = 4;
const RSA = 1;
const ECDSA = 3;
/** Object identifiers in DER: rsaEncryption, and id-ecPublicKey with prime256v1. */
const KEYS = [
  {
    marker: '06092a864886f70d010101',
    signature: RSA,
    algorithm: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  },
  {
    marker: '06072a8648ce3d020106082a8648ce3d030107',
    signature: ECDSA,
    algorithm: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  },
];

/** Reads bytes one after the other; throws FormatError where there are too few. */
class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  get atEnd() {
    return this.at === this.bytes.length;
  }

  /** @param {number} length */
  take(length) {
    if (length > this.bytes.length - this.at) throw new FormatError('ends early');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** @param {number} octets at most 4 */
  uint(octets) {
    return this.take(octets).reduce((sum, octet) => sum * 256 + octet, 0);
  }

  /** What stands behind its length in two octets. */
  vector() {
    return this.take(this.uint(2));
  }

  /**
   * The next value in DER: its tag, what it holds, and all of it as it came. No tag of a certificate
   * has more than one octet, and no length more than three.
   */
  value() {
    const start = this.at;
    const tag = this.uint(1);
    const short = this.uint(1);
    if ((tag & 0x1f) === 0x1f || short === 0x80 || short > 0x83) throw new FormatError('no DER');
    const content = this.take(short < 0x80 ? short : this.uint(short - 0x80));
    return { tag, content, whole: this.bytes.subarray(start, this.at) };
  }
}

/**
 * The values one after the other that are all of `bytes`.
 *
 * @param {Uint8Array} bytes
 */
function valuesIn(bytes) {
  const reader = new Reader(bytes);
  const values = [];
  while (!reader.atEnd) values.push(reader.value());
  return values;
}

/**
 * What the one value that is all of `bytes` holds.
 *
 * @param {Uint8Array} bytes
 * @param {number} tag
 */
function only(bytes, tag) {
  const [value, more] = valuesIn(bytes);
  if (value?.tag !== tag || more !== undefined) throw new FormatError('another value is expected');
  return value.content;
}

/**
 * The fields of a TBSCertificate, its extensions, and its key, each in DER as it came.
 *
 * @param {Uint8Array} der
 */
function parse(der) {
  if (der.length > MAX_CERTIFICATE) throw new FormatError('too large');
  const [tbs] = valuesIn(only(der, SEQUENCE));
  if (tbs?.tag !== SEQUENCE) throw new FormatError('no TBSCertificate');
  const fields = valuesIn(tbs.content);
  const last = fields.at(-1);
  const extensions =
    last?.tag === EXTENSIONS
      ? valuesIn(only(last.content, SEQUENCE)).map(({ content, whole }) => {
          const parts = valuesIn(content);
          const [id, value] = [parts[0], parts.at(-1)];
          if (id === undefined || value?.tag !== OCTET_STRING)
            throw new FormatError('no extension');
          return { id: hex(id.whole), value: value.content, whole };
        })
      : undefined;
  // The version may be left out (RFC 5280, Section 4.1).
  const key = fields[fields[0]?.tag === VERSION ? 6 : 5];
  if (key?.tag !== SEQUENCE) throw new FormatError('no public key');
  return { fields, extensions, key: key.whole };
}

/**
 * The serialized SCTs inside a certificate, and the TBSCertificate of the precertificate that they
 * are about: without the extension that holds them, and else as it came. Undefined if there are
 * none. Throws FormatError.
 *
 * @param {Uint8Array} der
 */
export function embedded(der) {
  const { fields, extensions = [] } = parse(der);
  const [list, another] = extensions.filter(({ id }) => id === SCT_LIST);
  if (another !== undefined) throw new FormatError('SCTs twice');
  if (list === undefined) return undefined;
  const reader = new Reader(only(list.value, OCTET_STRING));
  const inner = new Reader(reader.vector());
  if (!reader.atEnd) throw new FormatError('bytes behind the SCTs');
  const scts = [];
  // However many: whoever has a certificate made could else hide one behind others. The size of a
  // certificate bounds them.
  while (!inner.atEnd) scts.push(inner.vector());
  const rest = extensions.filter((extension) => extension !== list).map(({ whole }) => whole);
  const wrapped = rest.length === 0 ? [] : [wrap(EXTENSIONS, [wrap(SEQUENCE, rest)])];
  const tbsCertificate = wrap(SEQUENCE, [
    ...fields.slice(0, -1).map(({ whole }) => whole),
    ...wrapped,
  ]);
  return { scts, tbsCertificate };
}

/**
 * Throws FormatError unless all of `bytes` is one SCT of version 1 (RFC 6962, Section 3.2):
 * version(1) = 0, log_id(32), timestamp(8), extensions<0..2^16-1>, hash(1), algorithm(1),
 * signature<0..2^16-1>.
 *
 * @param {Uint8Array} bytes
 */
export function parseSct(bytes) {
  const reader = new Reader(bytes);
  if (reader.uint(1) !== 0) throw new FormatError('no SCT of version 1');
  const logId = reader.take(32);
  const timestamp = reader.take(8);
  const extensions = reader.vector();
  const algorithm = reader.take(2);
  const signature = reader.vector();
  if (!reader.atEnd) throw new FormatError('bytes behind the SCT');
  return { logId: toBase64(logId), timestamp, extensions, algorithm, signature };
}

/** The logs whose SCTs count. */
export class KnownLogs {
  /** The key of each by its log ID in base64. */
  #keys = /** @type {Map<string, Uint8Array>} */ (new Map());

  /** @param {readonly string[]} keys SubjectPublicKeyInfo in base64 */
  async add(keys) {
    for (const key of keys) {
      const spki = fromBase64(key);
      this.#keys.set(toBase64(new Uint8Array(await digest(spki))), spki);
    }
  }

  get size() {
    return this.#keys.size;
  }

  /**
   * The SCTs inside the first certificate of the chain that a known log signed; what is not as the
   * RFCs have it counts as none.
   *
   * @param {readonly Uint8Array[]} chain in DER
   * @returns {Promise<Uint8Array[]>} serialized
   */
  async sctsOf(chain) {
    const [leaf, issuer] = chain;
    if (leaf === undefined || issuer === undefined) return [];
    try {
      const found = embedded(leaf);
      if (found === undefined) return [];
      const issuerKeyHash = new Uint8Array(await digest(parse(issuer).key));
      const good = [];
      for (const sct of found.scts)
        if (await this.#signed(sct, issuerKeyHash, found.tbsCertificate)) good.push(sct);
      return good;
    } catch (error) {
      if (error instanceof FormatError) return [];
      throw error;
    }
  }

  /**
   * @param {Uint8Array} bytes
   * @param {Uint8Array} issuerKeyHash
   * @param {Uint8Array} tbsCertificate
   */
  async #signed(bytes, issuerKeyHash, tbsCertificate) {
    let sct;
    try {
      sct = parseSct(bytes);
    } catch (error) {
      // Another version of SCT beside those that are understood.
      if (error instanceof FormatError) return false;
      throw error;
    }
    const spki = this.#keys.get(sct.logId);
    if (spki === undefined) return false;
    const text = hex(spki);
    const kind = KEYS.find(({ marker }) => text.includes(marker));
    if (kind === undefined || sct.algorithm[0] !== SHA256 || sct.algorithm[1] !== kind.signature)
      return false;
    const signature = kind.signature === ECDSA ? rawSignature(sct.signature) : sct.signature;
    if (signature === undefined) return false;
    // version, signature_type = certificate_timestamp; entry_type = precert_entry
    const signed = concat([
      Uint8Array.of(0, 0),
      sct.timestamp,
      Uint8Array.of(0, 1),
      issuerKeyHash,
      behindLength(tbsCertificate, 3),
      behindLength(sct.extensions, 2),
    ]);
    const { subtle } = globalThis.crypto;
    const key = await subtle.importKey('spki', copy(spki), kind.algorithm, false, ['verify']);
    return subtle.verify(kind.algorithm, key, copy(signature), copy(signed));
  }
}

/**
 * r and s of ECDSA-Sig-Value (RFC 3279, Section 2.2.3), each in 32 octets, as Web Crypto wants them.
 *
 * @param {Uint8Array} der
 */
function rawSignature(der) {
  try {
    const numbers = valuesIn(only(der, SEQUENCE)).map(({ tag, content }) => {
      const start = content.findIndex((octet) => octet !== 0);
      const digits = start < 0 ? content.subarray(content.length) : content.subarray(start);
      if (tag !== INTEGER || digits.length > 32) throw new FormatError('no number of P-256');
      return concat([new Uint8Array(32 - digits.length), digits]);
    });
    return numbers.length === 2 ? concat(numbers) : undefined;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/**
 * A value in DER with this tag, of these parts.
 *
 * @param {number} tag
 * @param {readonly Uint8Array[]} parts
 */
function wrap(tag, parts) {
  const content = concat(parts);
  const { length } = content;
  const octets = length < 128 ? 0 : length < 256 ? 1 : length < 65_536 ? 2 : 3;
  const head = octets === 0 ? Uint8Array.of(length) : uint(length, octets);
  return concat([Uint8Array.of(tag, ...(octets === 0 ? [] : [0x80 + octets])), head, content]);
}

/**
 * @param {Uint8Array} bytes
 * @param {number} octets
 */
function behindLength(bytes, octets) {
  return concat([uint(bytes.length, octets), bytes]);
}

/**
 * @param {number} value
 * @param {number} octets
 */
function uint(value, octets) {
  return Uint8Array.from({ length: octets }, (_, i) => (value >> (8 * (octets - 1 - i))) & 255);
}

/** @param {readonly Uint8Array[]} parts */
function concat(parts) {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** @param {Uint8Array} bytes */
function digest(bytes) {
  return globalThis.crypto.subtle.digest('SHA-256', copy(bytes));
}

/**
 * Web Crypto takes no bytes of memory that may be shared.
 *
 * @param {Uint8Array} bytes
 */
function copy(bytes) {
  return new Uint8Array(bytes);
}

/** @param {Uint8Array} bytes */
function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
