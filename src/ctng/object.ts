// SPDX-License-Identifier: Apache-2.0
/**
 * CTng's gossip objects (github.com/jik18001/CTng at c09f05e, gossip/gossip_object.go): what
 * loggers, CAs, monitors and gossipers tell each other, its JSON, and the text that is signed. Pure.
 */
import { goFields, parseGo, writeGo, type GoValue } from './go-json.ts';

/** By the last three digits of their URLs. */
export const TYPES = {
  STH: '101',
  REV: '102',
  ACC: '103',
  CON: '104',
  STH_FRAG: '201',
  REV_FRAG: '202',
  ACC_FRAG: '203',
  CON_FRAG: '204',
  STH_FULL: '301',
  REV_FULL: '302',
  ACC_FULL: '303',
  CON_FULL: '304',
} as const;
export type TypeName = keyof typeof TYPES;
export type Subject = 'STH' | 'REV' | 'ACC' | 'CON';

const NAMES = Object.keys(TYPES) as TypeName[];
const TYPE_BASE = 'http://ctng.uconn.edu/';
const APPLICATION = 'CTng';
/** A proof of misbehaviour that a threshold has signed is of no period. */
export const FOR_EVER = '0';

/** An object whose form is right. Nothing is said of its signatures. */
export interface GossipObject {
  readonly type: TypeName;
  /** The minute of the hour, or FOR_EVER. */
  readonly period: string;
  /** Who signed it, as "localhost:8080"; empty where the signatures say it (CON, *_FULL). */
  readonly signer: string;
  /** Of *_FULL, those who signed. Go has a map of numbers here. */
  readonly signers: readonly string[] | undefined;
  /** The second is empty but in CON and CON_FRAG. */
  readonly signature: readonly [string, string];
  readonly timestamp: string;
  readonly cryptoScheme: string;
  /** The first is whom the object is about. */
  readonly payload: readonly [string, string, string];
}

/** "STH" of STH, STH_FRAG and STH_FULL. */
export function subjectOf(type: TypeName): Subject {
  return type.slice(0, 3) as Subject;
}

/** What a signature of the object is over; in CON it is what fragments sign. */
export function messageOf({ payload }: GossipObject): string {
  return payload.join('');
}

/** The key of the stores that have one object of a type about an entity: Gossip_ID. */
export function idOf({ period, type, payload: [entity] }: GossipObject): string {
  return JSON.stringify([period, type, entity]);
}

/** The key of the stores that have one for each signer: Gossip_Counter_ID. */
export function counterIdOf({ period, type, payload: [entity], signer }: GossipObject): string {
  return JSON.stringify([period, type, entity, signer]);
}

/** As json.Marshal writes it. */
export function encodeObject(object: GossipObject): string {
  return writeGo(goObject(object));
}

/** As the programs' files have them: json.MarshalIndent of a list. */
export function encodeObjects(objects: readonly GossipObject[]): string {
  return writeGo(objects.map(goObject), true);
}

function goObject(object: GossipObject): Parameters<typeof writeGo>[0] {
  const { period, type, signer, signers, signature, timestamp, cryptoScheme, payload } = object;
  return {
    application: APPLICATION,
    period,
    type: TYPE_BASE + TYPES[type],
    signer,
    signers:
      signers === undefined ? null : new Map(signers.map((each, i) => [String(i), each] as const)),
    signature,
    timestamp,
    crypto_scheme: cryptoScheme,
    payload,
  };
}

/**
 * Reads one object. Go's reader leaves out what it does not know and takes the empty value for what
 * is missing, and so does this. Throws SyntaxError for what is no JSON, and RangeError, whose
 * message says of the object what is wrong with it.
 */
export function decodeObject(text: string): GossipObject {
  return objectOf(parseGo(text));
}

/** Reads a file of them. Throws as decodeObject does. */
export function decodeObjects(text: string): GossipObject[] {
  const documents = parseGo(text);
  if (!Array.isArray(documents)) throw new RangeError('is no list of objects');
  return documents.map(objectOf);
}

const FIELDS = [
  'application',
  'period',
  'type',
  'signer',
  'signers',
  'signature',
  'timestamp',
  'crypto_scheme',
  'payload',
] as const;

function objectOf(document: unknown): GossipObject {
  const fields = goFields(document, FIELDS);
  const text = (name: (typeof FIELDS)[number]): string => textOf(fields[name] ?? '', name);
  const application = text('application');
  if (application !== APPLICATION)
    throw new RangeError(`is of the application '${application}', want '${APPLICATION}'`);
  const url = text('type');
  const type = NAMES.find((name) => url === TYPE_BASE + TYPES[name]);
  if (type === undefined) throw new RangeError(`has the type '${url}', which CTng does not know`);
  const [first = '', second = ''] = texts(fields.signature ?? [], 'signature');
  const [entity = '', ...more] = texts(fields.payload ?? [], 'payload');
  const object: GossipObject = {
    type,
    period: text('period'),
    signer: text('signer'),
    signers: fields.signers === undefined ? undefined : signersOf(fields.signers),
    signature: [first, second],
    timestamp: text('timestamp'),
    cryptoScheme: text('crypto_scheme'),
    payload: [entity, more[0] ?? '', more[1] ?? ''],
  };
  const wrong = wrongIn(object);
  if (wrong !== undefined) throw new RangeError(wrong);
  return object;
}

/** In characters. The ids of 1,000 signers are shorter, and no program writes a longer time. */
const MAX_SIGNATURE = 65_536;
const MAX_TIMESTAMP = 64;

/**
 * What no honest program writes. Most of it is not signed, so that one fault in it would otherwise
 * go unnoticed.
 */
function wrongIn(object: GossipObject): string | undefined {
  const { type, period, signer, signers, signature, cryptoScheme, payload } = object;
  const [kind, subject] = [TYPES[type][0], subjectOf(type)];
  if (payload[0] === '') return 'is about nobody';
  if (object.timestamp.length > MAX_TIMESTAMP) return 'has a timestamp that is no time';
  if (signature.some(({ length }) => length > MAX_SIGNATURE)) return 'has too long a signature';
  if (signature[0] === '') return 'has no signature';
  if (!/^(?:[0-9]|[1-5][0-9])$/.test(period)) return `has the period '${period}', want 0 to 59`;
  if (type === 'CON_FULL' && period !== FOR_EVER) return 'is for ever, and has a period';
  if ((subject === 'STH' || subject === 'REV') && kind === '1' && signer !== payload[0])
    return `is about ${payload[0]}, and signed by ${signer}`;
  if (subject === 'ACC' && payload[1] + payload[2] !== '') return 'accuses, and says more';
  if (subject === 'CON' ? payload[1] === payload[2] : false) return 'has no two statements';
  const isSigned = kind === '2' || (kind === '1' && type !== 'CON');
  if (isSigned !== (signer !== '')) return isSigned ? 'has no signer' : 'has a signer';
  if ((kind === '3') !== (signers !== undefined && signers.length > 0))
    return kind === '3' ? 'has no signers' : 'has signers';
  const hasTwo = type === 'CON' || type === 'CON_FRAG';
  if (hasTwo !== (signature[1] !== '')) return `has ${hasTwo ? 'one signature' : 'two signatures'}`;
  // The programs write "bls" as well as "BLS".
  const scheme = kind === '1' ? (type === 'CON' ? '' : 'RSA') : 'BLS';
  if (cryptoScheme.toUpperCase() !== scheme) return `is signed by '${cryptoScheme}'`;
  return undefined;
}

function textOf(value: unknown, name: string): string {
  if (typeof value === 'string') return value;
  throw new RangeError(`${name} is no text`);
}

function texts(value: unknown, name: string): string[] {
  if (!Array.isArray(value)) throw new RangeError(`${name} is no list`);
  return value.map((each) => textOf(each ?? '', name));
}

function signersOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RangeError('signers is no object');
  // JavaScript has such keys in the order of their numbers, as who wrote them has.
  return Object.entries(value).map(([key, signer]) => {
    if (!/^\d{1,9}$/.test(key)) throw new RangeError('signers has a key that is no number');
    return textOf(signer, 'signers');
  });
}

/** What an object's `signature` says in CTng's own strings. */
export interface Signature {
  readonly bytes: Uint8Array;
  /** One, but in *_FULL. */
  readonly ids: readonly string[];
}

/** `{"sig":"..","id":".."}` */
export function rsaSignatureText({ bytes, ids }: Signature): string {
  return `{"sig":"${hex(bytes)}","id":"${ids[0] ?? ''}"}`;
}

/** `{"sign":"..","id":".."}` */
export function fragmentText({ bytes, ids }: Signature): string {
  return `{"sign":"${hex(bytes)}","id":"${ids[0] ?? ''}"}`;
}

/** `{"sign":"..", "ids":[..]}`, with this space; the ids in the order of their characters. */
export function fullText({ bytes, ids }: Signature): string {
  return `{"sign":"${hex(bytes)}", "ids":${writeGo([...ids].sort())}}`;
}

/** Reads any of the three. Throws RangeError. */
export function readSignature(text: string): Signature {
  try {
    const { sig, sign, id, ids } = goFields(parseGo(text), ['sig', 'sign', 'id', 'ids']);
    const digits = textOf(sig ?? sign, 'sig');
    if (!/^(?:[0-9a-fA-F]{2})+$/.test(digits)) throw new RangeError('its bytes are no hex');
    const list = ids === undefined ? [textOf(id, 'id')] : texts(ids, 'ids');
    return { bytes: Buffer.from(digits, 'hex'), ids: list };
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new RangeError('its signature is no JSON', { cause: error });
    throw error;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** A statement that a logger or a CA signed: what STH and REV have, and what CON has two of. */
export interface Statement {
  readonly subject: 'STH' | 'REV';
  /** The fields of its JSON, which is signed with it. */
  readonly fields: Readonly<Record<string, unknown>>;
  /**
   * The period that it says itself, if it does: the object's is not signed. The Go programs' CA
   * states the one in which it was started.
   */
  readonly period: string | undefined;
}

/**
 * What `entity` stated by signing `message`, or undefined if that is no statement. A monitor's
 * signature over an accusation is none, although nothing in what is signed says which it is.
 */
export function statementOf(entity: string, message: string): Statement | undefined {
  if (!message.startsWith(entity)) return undefined;
  const rest = message.slice(entity.length);
  const isRev = rest.startsWith('CRV');
  let fields: unknown;
  try {
    fields = parseGo(isRev ? rest.slice(3) : rest);
  } catch {
    return undefined;
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) return undefined;
  const known = fields as Record<string, unknown>;
  const head = known['SRH'] as Record<string, unknown> | null | undefined;
  const said = isRev ? head?.['Period'] : known['Timestamp'];
  // Other loggers state a date there.
  const period = typeof said === 'string' && /^[0-5]?[0-9]$/.test(said) ? said : undefined;
  return { subject: isRev ? 'REV' : 'STH', fields: known, period };
}

/**
 * Whether two statements of one entity cannot both be true: of the same kind and, as far as they
 * say so, of the same period, they state different things. Spaces and the time of signing do not
 * count.
 */
export function isConflict(first: Statement, second: Statement): boolean {
  if (first.subject !== second.subject) return false;
  if (first.period !== undefined && second.period !== undefined && first.period !== second.period)
    return false;
  return stated(first) !== stated(second);
}

function stated({ subject, fields }: Statement): string {
  const entries = Object.entries(fields).filter(
    ([name]) => subject === 'REV' || name !== 'Timestamp',
  );
  return writeGo(sorted(Object.fromEntries(entries)) as GoValue);
}

/** With the fields of all objects in the order of their names. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([name, each]) => [name, sorted(each)]));
}
