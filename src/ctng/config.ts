// SPDX-License-Identifier: Apache-2.0
/**
 * The configuration files of CTng's programs, as they are (config/types.go, crypto/types.go,
 * testData/fakeLogger and fakeCA). Fields that those programs do not read are left alone.
 */
import type { KeyObject } from 'node:crypto';
import { readTextFile } from '../base/documents.ts';
import { badInput, messageOf } from '../base/errors.ts';
import { jsonFault } from '../base/json-fault.ts';
import { decodePublicKey, decodeSecret, herumi } from '../bls/herumi.ts';
import { publicKeyOf, type G2 } from '../bls/signatures.ts';
import { rsaPrivateKey, rsaPublicKey, type Keys } from './crypto.ts';
import { goFields, parseGo } from './go-json.ts';

export interface GossiperConfig {
  readonly keys: Keys;
  /** Those it tells, as "localhost:8081". */
  readonly peers: readonly string[];
  /** Its monitor. */
  readonly owner: string;
  readonly port: number;
  /** Seconds until it signs what it has heard. */
  readonly gossipWait: number;
  /** Seconds between two rounds of its work. */
  readonly mmd: number;
}

export interface MonitorConfig {
  readonly keys: Keys;
  /** Those it asks. */
  readonly loggers: readonly string[];
  readonly cas: readonly string[];
  /** Those from which it passes on what others bring. */
  readonly allLoggers: readonly string[];
  readonly allCas: readonly string[];
  readonly gossiper: string;
  readonly port: number;
  readonly mmd: number;
}

/** A logger or a CA. */
export interface EntityConfig {
  /** As "localhost:9000". */
  readonly signer: string;
  readonly port: number;
  readonly key: KeyObject;
  /** A secret of it, from which a CA draws what is revoked. */
  readonly seed: string;
  /** Every so many requests it misbehaves, if it does. */
  readonly misbehaviorInterval: number;
  /** Of a CA: so many certificates are revoked in a period. */
  readonly revoked: number;
}

/** Throws CtgaError `bad-input` with the file and the field. */
export function readGossiperConfig(
  publicFile: string,
  privateFile: string,
  cryptoFile: string,
): GossiperConfig {
  const common = new Fields(publicFile, ['Gossip_wait_time', 'MMD']);
  const own = new Fields(privateFile, ['Connected_Gossipers', 'Owner_URL', 'Port']);
  return {
    keys: readKeys(cryptoFile),
    peers: own.hosts('Connected_Gossipers'),
    owner: own.host('Owner_URL'),
    port: own.port('Port'),
    gossipWait: common.whole('Gossip_wait_time', 0, 3600),
    mmd: common.whole('MMD', 1, 86_400),
  };
}

/** Throws CtgaError `bad-input` with the file and the field. */
export function readMonitorConfig(
  publicFile: string,
  privateFile: string,
  cryptoFile: string,
): MonitorConfig {
  const common = new Fields(publicFile, ['All_CA_URLs', 'All_Logger_URLs', 'MMD']);
  const own = new Fields(privateFile, ['CA_URLs', 'Logger_URLs', 'Gossiper_URL', 'Port']);
  return {
    keys: readKeys(cryptoFile),
    loggers: own.hosts('Logger_URLs'),
    cas: own.hosts('CA_URLs'),
    allLoggers: common.hosts('All_Logger_URLs'),
    allCas: common.hosts('All_CA_URLs'),
    gossiper: own.host('Gossiper_URL'),
    port: own.port('Port'),
    mmd: common.whole('MMD', 1, 86_400),
  };
}

/** A logger's file, or a CA's. Throws CtgaError `bad-input` with the file and the field. */
export function readEntityConfig(file: string): EntityConfig {
  const fields = new Fields(file, ['Signer', 'Port', 'Private', 'MisbehaviorInterval', 'NRevoke']);
  const secret = fields.read('Private', privateNumbers);
  return {
    signer: fields.host('Signer'),
    port: fields.port('Port'),
    key: fields.read('Private', () => rsaPrivateKey(secret)),
    seed: secret.D.toString(16),
    misbehaviorInterval: fields.whole('MisbehaviorInterval', 1, 1_000_000, 1),
    revoked: fields.whole('NRevoke', 0, 1_000_000, 0),
  };
}

const CRYPTO_FIELDS = [
  'SelfID',
  'Threshold',
  'SignScheme',
  'ThresholdScheme',
  'SignaturePublicMap',
  'RSAPrivateKey',
  'ThresholdPublicMap',
  'ThresholdSecretKey',
] as const;

function readKeys(file: string): Keys {
  const fields = new Fields(file, CRYPTO_FIELDS);
  for (const [name, want] of [
    ['SignScheme', 'rsa'],
    ['ThresholdScheme', 'bls'],
  ] as const)
    fields.read(name, (value) => {
      if (value !== want) throw new RangeError(`want '${want}'`);
    });
  const self = fields.host('SelfID');
  const blsPublic = fields.read('ThresholdPublicMap', (value) => mapOf(value, blsKey));
  const threshold = fields.whole('Threshold', 2, 1000);
  if (threshold > blsPublic.size)
    throw badInput(`${file}: Threshold: is ${threshold}, of ${blsPublic.size} who sign`);
  const blsSecret = fields.read('ThresholdSecretKey', (value) => decodeSecret(base64(value)));
  const own = blsPublic.get(self);
  if (own !== undefined && !publicKeyOf(herumi, blsSecret).equals(own))
    throw badInput(`${file}: ThresholdSecretKey: is not that of ${self} in ThresholdPublicMap`);
  return {
    self,
    threshold,
    rsaPrivate: fields.read('RSAPrivateKey', (value) => rsaPrivateKey(privateNumbers(value))),
    rsaPublic: fields.read('SignaturePublicMap', (value) =>
      mapOf(value, (each) => rsaPublicKey(numbersOf(each, ['N', 'E']))),
    ),
    blsSecret,
    blsPublic,
  };
}

/** A file's fields, each of which is checked when it is read. */
class Fields<Name extends string> {
  readonly #file: string;
  readonly #fields: Partial<Record<Name, unknown>>;

  constructor(file: string, names: readonly Name[]) {
    this.#file = file;
    const text = readTextFile(file);
    try {
      this.#fields = goFields(parseGo(text), names);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw badInput(`${file}: ${messageOf(error)}`);
      const what = error.cause === undefined ? jsonFault(text).what : error.message;
      throw badInput(`${file}: not JSON: ${what}`);
    }
  }

  read<T>(name: Name, parse: (value: unknown) => T): T {
    const value = this.#fields[name];
    if (value === undefined) throw badInput(`${this.#file}: there is no ${name}`);
    try {
      return parse(value);
    } catch (error) {
      if (error instanceof RangeError) throw badInput(`${this.#file}: ${name}: ${error.message}`);
      throw error;
    }
  }

  whole(name: Name, min: number, max: number, missing?: number): number {
    if (this.#fields[name] === undefined && missing !== undefined) return missing;
    return this.read(name, (value) => {
      if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max)
        return value;
      throw new RangeError(`want a whole number from ${min} to ${max}`);
    });
  }

  port(name: Name): number {
    return this.read(name, (value) => {
      const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : 0;
      if (port >= 1 && port <= 65_535) return port;
      throw new RangeError('want a port such as "8080"');
    });
  }

  host(name: Name): string {
    return this.read(name, host);
  }

  hosts(name: Name): string[] {
    return this.read(name, (value) => {
      if (!Array.isArray(value)) throw new RangeError('want a list');
      return [...new Set(value.map(host))];
    });
  }
}

function host(value: unknown): string {
  if (typeof value === 'string' && URL.canParse(`http://${value}`) && /^[^\s/?#@]+$/.test(value))
    return value;
  throw new RangeError('want HOST:PORT, such as "localhost:8080"');
}

function mapOf<T>(value: unknown, parse: (value: unknown) => T): Map<string, T> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RangeError('want an object');
  return new Map(
    Object.entries(value).map(([name, each]) => {
      try {
        return [name, parse(each)];
      } catch (error) {
        throw new RangeError(`${name}: ${messageOf(error)}`, { cause: error });
      }
    }),
  );
}

function blsKey(value: unknown): G2 {
  return decodePublicKey(base64(value));
}

function base64(value: unknown): Buffer {
  if (typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value))
    return Buffer.from(value, 'base64');
  throw new RangeError('want base64');
}

/** Of Go's rsa.PrivateKey. What it has computed beforehand is computed anew. */
function privateNumbers(value: unknown): { N: bigint; E: bigint; D: bigint; Primes: bigint[] } {
  const { Primes } = goFields(value, ['Primes']);
  if (!Array.isArray(Primes)) throw new RangeError('Primes: want a list');
  return { ...numbersOf(value, ['N', 'E', 'D']), Primes: Primes.map(whole) };
}

function numbersOf<Name extends string>(
  value: unknown,
  names: readonly Name[],
): Record<Name, bigint> {
  const fields = goFields(value, names);
  return Object.fromEntries(names.map((name) => [name, whole(fields[name])])) as Record<
    Name,
    bigint
  >;
}

function whole(value: unknown): bigint {
  if (typeof value === 'bigint' && value > 0n) return value;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return BigInt(value);
  throw new RangeError('want a whole number');
}
