// SPDX-License-Identifier: Apache-2.0
/**
 * The loggers and CAs of CTng's local network (testData/fakeLogger and fakeCA). They state something
 * for each of the 60 periods, whatever anybody does, and may misbehave. Pure, but for what they
 * count.
 */
import { createHash } from 'node:crypto';
import type { EntityConfig } from './config.ts';
import { rsaSignature } from './crypto.ts';
import { writeGo } from './go-json.ts';
import { messageOf, rsaSignatureText, type GossipObject } from './object.ts';
import type { Periods } from './periods.ts';

/** As the Go programs number them when they ask. */
export const BEHAVIOURS = {
  1: 'answers everybody the same',
  2: 'split world: one requester of so many gets another statement',
  3: 'does not answer one requester of so many',
  4: 'answers nobody',
} as const;
export type Behaviour = keyof typeof BEHAVIOURS;

export interface EntityOptions {
  readonly kind: 'logger' | 'ca';
  readonly config: EntityConfig;
  readonly behaviour: Behaviour;
  readonly periods: Periods;
}

/** What answers one request: an object, or nothing, as of a server that is there and mute. */
export function answersOf({
  kind,
  config,
  behaviour,
  periods,
}: EntityOptions): () => GossipObject | undefined {
  const state = kind === 'logger' ? treeHead : revocations;
  let requests = 0;
  return () => {
    const isTurn = requests % config.misbehaviorInterval === 0;
    requests += 1;
    if (behaviour === 4 || (behaviour === 3 && isTurn)) return undefined;
    return state(config, periods.current, behaviour === 2 && isTurn ? 2 : 1);
  };
}

function treeHead(config: EntityConfig, period: number, version: number): GossipObject {
  const head = { Timestamp: String(period), RootHash: rootHash(period, version), TreeSize: 0 };
  return signed(config, 'STH', period, head.Timestamp, [config.signer, writeGo(head), '']);
}

/** Bytes of a certificate revocation vector, in which each certificate has a bit. */
const VECTOR_BYTES = 1024;

function revocations(config: EntityConfig, period: number, version: number): GossipObject {
  const rev = {
    Day: 1,
    Delta_CRV: deltaOf(config, period, version).toString('base64'),
    SRH: { RootHash: rootHash(period, version), TreeSize: 0, Period: String(period) },
  };
  return signed(config, 'REV', period, '', [config.signer, 'CRV', writeGo(rev)]);
}

/**
 * What is revoked in the period. It follows from the key, so that a CA that is started again in a
 * period states the same as before; the Go programs' CA draws anew, and contradicts itself.
 */
function deltaOf({ seed, revoked }: EntityConfig, period: number, version: number): Buffer {
  const delta = Buffer.alloc(VECTOR_BYTES);
  for (let i = 0; i < revoked; i++) {
    const drawn = createHash('sha256').update(`${seed} ${period} ${version} ${i}`).digest();
    const at = drawn.readUInt16BE(0) % VECTOR_BYTES;
    delta[at] = (delta[at] ?? 0) | (1 << ((drawn[2] ?? 0) & 7));
  }
  return delta;
}

/** As the Go programs make them up. */
function rootHash(period: number, version: number): string {
  return createHash('sha256')
    .update(`Root Hash${(period + 7) * (24 + version)}`)
    .digest('hex');
}

function signed(
  { signer, key }: EntityConfig,
  type: 'STH' | 'REV',
  period: number,
  timestamp: string,
  payload: [string, string, string],
): GossipObject {
  const unsigned: GossipObject = {
    type,
    period: String(period),
    signer,
    signers: undefined,
    signature: ['', ''],
    timestamp,
    cryptoScheme: 'RSA',
    payload,
  };
  const signature = rsaSignature(messageOf(unsigned), signer, key);
  return { ...unsigned, signature: [rsaSignatureText(signature), ''] };
}
