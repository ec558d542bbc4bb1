// SPDX-License-Identifier: Apache-2.0
/**
 * Who signs what in CTng: loggers, CAs and monitors with RSA (PKCS #1 v1.5, SHA-256), gossipers with
 * BLS. A signature counts only for whom it names, who must be whom the object names: the Go programs
 * leave that out, so that any key signs for anybody. Pure.
 */
import {
  createPrivateKey,
  createPublicKey,
  sign as signRsa,
  verify as verifyRsa,
  type KeyObject,
} from 'node:crypto';
import { decodeSignature, encodeSignature, herumi } from '../bls/herumi.ts';
import { aggregate, sign, verify, type G1, type G2 } from '../bls/signatures.ts';
import {
  isConflict,
  messageOf,
  readSignature,
  statementOf,
  subjectOf,
  TYPES,
  type GossipObject,
  type Signature,
} from './object.ts';

/** What a node can check and sign. */
export interface Signatures {
  /** The node itself, as "localhost:8080". */
  readonly self: string;
  /** So many gossipers sign together. */
  readonly threshold: number;
  /** Whether it is a logger, a CA or a monitor whose key is known. */
  knows(entity: string): boolean;
  /** Why the object's signatures do not count, or undefined if they do. */
  fault(object: GossipObject): string | undefined;
  /** This node's part of a threshold signature. */
  signPart(message: string): Signature;
  /** One signature of several parts over one message, each of which has been checked. */
  combine(parts: readonly Signature[]): Signature;
  /** This node's signature with RSA. */
  sign(message: string): Signature;
}

export interface Keys {
  readonly self: string;
  readonly threshold: number;
  readonly rsaPrivate: KeyObject;
  readonly rsaPublic: ReadonlyMap<string, KeyObject>;
  readonly blsSecret: bigint;
  readonly blsPublic: ReadonlyMap<string, G2>;
}

export function signaturesBy(keys: Keys): Signatures {
  const { self, threshold, rsaPrivate, rsaPublic, blsSecret, blsPublic } = keys;

  function rsaFault(text: string, message: string, signer: string): string | undefined {
    const { bytes, ids } = readSignature(text);
    const key = rsaPublic.get(signer);
    if (key === undefined) return `is signed by ${signer}, whose key is not known here`;
    if (ids.length !== 1 || ids[0] !== signer)
      return `is signed by ${ids.join(' and ')}, not by ${signer}`;
    return verifyRsa('sha256', Buffer.from(message), key, bytes) ? undefined : NOT_ITS;
  }

  function blsFault({ bytes, ids }: Signature, message: string): string | undefined {
    const keysOfAll: G2[] = [];
    for (const id of ids) {
      const key = blsPublic.get(id);
      if (key === undefined) return `is signed by ${id}, whose key is not known here`;
      keysOfAll.push(key);
    }
    return verify(herumi, decodeSignature(bytes), Buffer.from(message), keysOfAll)
      ? undefined
      : NOT_ITS;
  }

  function statedFault(object: GossipObject): string | undefined {
    const [entity] = object.payload;
    const statement = statementOf(entity, messageOf(object));
    if (statement?.subject !== subjectOf(object.type)) return 'states nothing';
    // In front of what it is about, nothing else is signed that says for when.
    const said = statement.subject === 'STH' ? statement.period : undefined;
    if (said !== undefined && said !== object.period)
      return `says that it is of period ${said}, and is sent as of ${object.period}`;
    return undefined;
  }

  function conflictFault({ payload, signature }: GossipObject): string | undefined {
    const [entity, ...messages] = payload;
    const [first, second] = messages.map((message) => statementOf(entity, message));
    if (first === undefined || second === undefined || !isConflict(first, second))
      return 'has no two statements that contradict each other';
    return rsaFault(signature[0], payload[1], entity) ?? rsaFault(signature[1], payload[2], entity);
  }

  function faultOf(object: GossipObject): string | undefined {
    const { type, signer, signature, signers = [] } = object;
    const message = messageOf(object);
    if (subjectOf(type) === 'CON' && !hasConflict(object))
      return 'has no two statements that contradict each other';
    if (TYPES[type].startsWith('2')) {
      const part = readSignature(signature[0]);
      if (part.ids.length !== 1 || part.ids[0] !== signer)
        return `is signed by ${part.ids.join(' and ')}, not by ${signer}`;
      return blsFault(part, message);
    }
    if (TYPES[type].startsWith('3')) {
      const full = readSignature(signature[0]);
      const ids = new Set(full.ids);
      if (ids.size !== full.ids.length || ids.size < threshold)
        return `is signed by ${ids.size}, want ${threshold}`;
      if (signers.length !== ids.size || !signers.every((each) => ids.has(each)))
        return 'names others than those who signed';
      return blsFault(full, message);
    }
    if (type === 'CON') return conflictFault(object);
    return (
      (type === 'ACC' ? undefined : statedFault(object)) ?? rsaFault(signature[0], message, signer)
    );
  }

  return {
    self,
    threshold,
    knows: (entity) => rsaPublic.has(entity),
    fault(object) {
      try {
        return faultOf(object);
      } catch (error) {
        if (error instanceof RangeError) return error.message;
        throw error;
      }
    },
    signPart: (message) => ({
      bytes: encodeSignature(sign(herumi, blsSecret, Buffer.from(message))),
      ids: [self],
    }),
    combine: (parts) => ({
      bytes: encodeSignature(aggregate(parts.map(({ bytes }): G1 => decodeSignature(bytes)))),
      ids: parts.flatMap(({ ids }) => ids),
    }),
    sign: (message) => rsaSignature(message, self, rsaPrivate),
  };
}

/** The parts and the whole of a CON have its two statements, and no longer both signatures. */
function hasConflict({ payload: [entity, ...messages] }: GossipObject): boolean {
  const [first, second] = messages.map((message) => statementOf(entity, message));
  return first !== undefined && second !== undefined && isConflict(first, second);
}

const NOT_ITS = 'has a signature of something else';

export function rsaSignature(message: string, id: string, key: KeyObject): Signature {
  return { bytes: signRsa('sha256', Buffer.from(message), key), ids: [id] };
}

/** Go's rsa.PublicKey. Throws RangeError for what is none. */
export function rsaPublicKey({ N, E }: { N: bigint; E: bigint }): KeyObject {
  return rsaKey(() =>
    createPublicKey({ key: { kty: 'RSA', n: base64Url(N), e: base64Url(E) }, format: 'jwk' }),
  );
}

/** Go's rsa.PrivateKey of two primes. Throws RangeError for what is none. */
export function rsaPrivateKey({
  N,
  E,
  D,
  Primes: [p = 0n, q = 0n, ...more],
}: {
  N: bigint;
  E: bigint;
  D: bigint;
  Primes: readonly bigint[];
}): KeyObject {
  if (more.length > 0 || p < 3n || q < 3n || p * q !== N)
    throw new RangeError('is not the product of its two primes');
  if ((D * E) % (p - 1n) !== 1n || (D * E) % (q - 1n) !== 1n)
    throw new RangeError('has a D that does not belong to E');
  const [dp, dq, qi] = [D % (p - 1n), D % (q - 1n), inverse(q, p)];
  const numbers = { n: N, e: E, d: D, p, q, dp, dq, qi };
  const jwk = Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [name, base64Url(value)]),
  );
  return rsaKey(() => createPrivateKey({ key: { kty: 'RSA', ...jwk }, format: 'jwk' }));
}

/** Real keys have 2,048 bits. What is shorter signs nothing, and what is longer takes long. */
function rsaKey(make: () => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = make();
  } catch (cause) {
    throw new RangeError('is no RSA key', { cause });
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < 2047 || bits > 8192) throw new RangeError(`has ${bits} bits, want 2048`);
  return key;
}

/** By Euclid: the inverse of `value` modulo a prime. */
function inverse(value: bigint, prime: bigint): bigint {
  let [r0, r1, t0, t1] = [prime, value % prime, 0n, 1n];
  while (r1 > 0n) {
    const quotient = r0 / r1;
    [r0, r1, t0, t1] = [r1, r0 - quotient * r1, t1, t0 - quotient * t1];
  }
  return ((t0 % prime) + prime) % prime;
}

function base64Url(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url');
}
