// SPDX-License-Identifier: Apache-2.0
/** A certification authority of one's own, which has logs sign what it issues. */
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { der } from '../base/der.ts';
import type { LogEntry } from '../scts/sct.ts';

interface Issued {
  /** Each puts an SCT into the certificate. */
  readonly logs?: readonly {
    promise(entry: LogEntry, timestamp: bigint, extensions?: Uint8Array): Uint8Array;
  }[];
  /** Of the SCTs, in ms since the epoch. */
  readonly timestamp?: bigint;
  /** Of the SCTs. */
  readonly sctExtensions?: Uint8Array;
  /** More extensions, each an object identifier in DER and a value. */
  readonly extensions?: readonly (readonly [id: string, value: Uint8Array])[];
  /** The public key of the certificate, for who has the private one; a new one by default. */
  readonly publicKey?: KeyObject;
}

const SHA256_WITH_ECDSA = der(0x30, hex('06082a8648ce3d040302'));

export class Authority {
  /** Its own certificate, signed by itself. */
  readonly der: Uint8Array;
  readonly #privateKey: KeyObject;
  readonly #spki: Uint8Array;
  readonly #name: Uint8Array;

  constructor(name = 'Test CA') {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    this.#privateKey = privateKey;
    this.#spki = publicKey.export({ type: 'spki', format: 'der' });
    this.#name = nameOf(name);
    const isCa = extension('0603551d13', der(0x30, der(0x01, Uint8Array.of(0xff))));
    this.der = this.#signed(this.#tbs(this.#name, this.#spki, [isCa]));
  }

  /** A certificate in DER for these DNS names. */
  issue(
    names: readonly string[],
    { logs = [], timestamp = 1_700_000_000_000n, sctExtensions, ...more }: Issued,
  ): Uint8Array {
    const { entry, finish } = this.draft(names, more);
    return finish(logs.map((log) => log.promise(entry, timestamp, sctExtensions)));
  }

  /** A certificate for these DNS names that waits for the SCTs that logs give for `entry`. */
  draft(
    names: readonly string[],
    {
      extensions = [],
      publicKey = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey,
    }: Pick<Issued, 'extensions' | 'publicKey'> = {},
  ): {
    readonly entry: Extract<LogEntry, { type: 'precert' }>;
    /** The certificate in DER, with these serialized SCTs in it. */
    readonly finish: (scts: readonly Uint8Array[]) => Uint8Array;
  } {
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    const subjectAltName = extension(
      '0603551d11',
      der(0x30, ...names.map((name) => der(0x82, Buffer.from(name)))),
    );
    const own = [subjectAltName, ...extensions.map(([id, value]) => extension(id, value))];
    const serial = randomBytes(8);
    const subject = nameOf(names[0] ?? 'nobody');
    const tbs = (all: readonly Uint8Array[]): Uint8Array => this.#tbs(subject, spki, all, serial);
    return {
      entry: {
        type: 'precert',
        issuerKeyHash: createHash('sha256').update(this.#spki).digest(),
        tbsCertificate: tbs(own),
      },
      finish: (scts) => {
        if (scts.length === 0) return this.#signed(tbs(own));
        const list = der(0x04, vector(Buffer.concat(scts.map(vector))));
        return this.#signed(tbs([...own, extension('060a2b06010401d679020402', list)]));
      },
    };
  }

  #tbs(
    subject: Uint8Array,
    spki: Uint8Array,
    extensions: readonly Uint8Array[],
    serial = randomBytes(8),
  ): Uint8Array {
    const time = (text: string): Uint8Array => der(0x17, Buffer.from(text));
    return der(
      0x30,
      der(0xa0, der(0x02, Uint8Array.of(2))),
      der(0x02, Uint8Array.of(1), serial),
      SHA256_WITH_ECDSA,
      this.#name,
      der(0x30, time('200101000000Z'), time('490101000000Z')),
      subject,
      spki,
      der(0xa3, der(0x30, ...extensions)),
    );
  }

  #signed(tbs: Uint8Array): Uint8Array {
    const signature = sign('sha256', tbs, this.#privateKey);
    return der(0x30, tbs, SHA256_WITH_ECDSA, der(0x03, Uint8Array.of(0), signature));
  }
}

function nameOf(commonName: string): Uint8Array {
  const attribute = der(0x30, hex('0603550403'), der(0x0c, Buffer.from(commonName)));
  return der(0x30, der(0x31, attribute));
}

function extension(id: string, value: Uint8Array): Uint8Array {
  return der(0x30, hex(id), der(0x04, value));
}

/** Behind its length in two octets. */
function vector(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes]);
}

function hex(text: string): Uint8Array {
  return Buffer.from(text, 'hex');
}
