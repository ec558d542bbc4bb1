// SPDX-License-Identifier: Apache-2.0
/**
 * The roster: who is in a federation, by which keys, and how many of them have to agree. It is a
 * file that each member and each client has, and is in force by the signatures of a threshold of the
 * roster before; the first is signed by all that are in it.
 */
import { createPublicKey, verify as verifyEd25519, type KeyObject } from 'node:crypto';
import * as z from 'zod';
import { badInput } from '../base/errors.ts';
import { encodeBase64 } from '../base/base64.ts';
import { describeIssue, parseJson } from '../base/documents.ts';
import { verify, type G2 } from '../bls/signatures.ts';
import { decodePublicKey, decodeSignature, isPossessed, standard } from '../bls/standard.ts';
import { base64Bytes } from '../statements/json.ts';
import { NOTE_KEY_TYPE, parseNoteKey, type NoteKey } from '../statements/note-key.ts';
import { Bits, hex, isSame, sha256 } from './bytes.ts';
import { signedBytes } from './statement.ts';

export const MAX_MEMBERS = 128;

export interface Member {
  readonly name: string;
  /** Where its peers and clients reach it: an https URL with a slash at its end. */
  readonly url: string;
  /** Ed25519, 32 bytes: signs what it tells its peers, and is the key of its TLS certificate. */
  readonly key: Uint8Array;
  /** BLS12-381, 96 bytes, and the proof that the member has its secret. */
  readonly bls: Uint8Array;
  readonly proof: Uint8Array;
  /** Of its cosignatures (c2sp.org/tlog-cosignature), one of each type at most. */
  readonly vkeys: readonly string[];
}

/** What a roster says. */
export interface RosterBody {
  /** What the federation is called; the same in all its rosters. */
  readonly name: string;
  /** 0, 1, 2 and so on. */
  readonly epoch: number;
  /** SHA-256 of the roster before; 32 zero bytes in the first. */
  readonly previous: Uint8Array;
  /** The first period that it is for; until then the one before is in force. */
  readonly start: number;
  /** So many members agree on a statement. */
  readonly threshold: number;
  /** Seconds. */
  readonly period: number;
  /** Milliseconds after which a member that says nothing is not waited for. */
  readonly patience: number;
  readonly members: readonly Member[];
}

export interface MultiSignature {
  /** Of the roster by which it is to be verified. */
  readonly signers: Bits;
  readonly signature: Uint8Array;
}

const FIRST = new Uint8Array(32);
/** Types of keys that cosign: what a plain one signs has no time in it. */
const COSIGNING: ReadonlySet<number> = new Set([NOTE_KEY_TYPE.cosignature, NOTE_KEY_TYPE.mlDsa44]);

/** A number of members as members themselves know each other: by their place in the roster. */
export type MemberIndex = number;

/** A roster that says what a roster may say: all keys are keys, and proven to be possessed. */
export class Roster {
  readonly body: RosterBody;
  /** SHA-256 of the body, by which signatures name the roster. */
  readonly hash: Uint8Array;
  readonly keys: readonly KeyObject[];
  readonly blsKeys: readonly G2[];
  readonly noteKeys: readonly (readonly NoteKey[])[];

  private constructor(
    body: RosterBody,
    blsKeys: readonly G2[],
    noteKeys: readonly (readonly NoteKey[])[],
  ) {
    this.body = body;
    this.hash = rosterHash(body);
    this.blsKeys = blsKeys;
    this.keys = body.members.map(({ key }) => ed25519Key(key));
    this.noteKeys = noteKeys;
  }

  /** Throws CtgaError `bad-input` with what is wrong. Takes some 25 ms a member. */
  static of(body: RosterBody): Roster {
    const { members, threshold, epoch, previous } = body;
    const wrong = (what: string): never => {
      throw badInput(`the roster of ${body.name}: ${what}`);
    };
    if (2 * threshold <= members.length)
      wrong(`a threshold of ${threshold} of ${members.length} is no majority: two could disagree`);
    if (threshold > members.length)
      wrong(`the threshold is ${threshold}, and there are ${members.length} members`);
    if ((epoch === 0) !== isSame(previous, FIRST))
      wrong('the first roster, and only that, has none before it');
    for (const [what, of] of [
      ['name', ({ name }: Member) => name],
      ['address', ({ url }: Member) => url],
      ['key', ({ key }: Member) => hex(key)],
      ['BLS key', ({ bls }: Member) => hex(bls)],
    ] as const)
      if (new Set(members.map(of)).size !== members.length) wrong(`two members have one ${what}`);
    const noteKeys = members.map(({ name, vkeys }) =>
      vkeys.map((each) => tryNoteKey(each) ?? wrong(`${name}: ${each} is no key of cosignatures`)),
    );
    // By the keys themselves: what Ed25519 signs has no name in it, so one key under two names would
    // be two cosignatures.
    const all = noteKeys.flat().map(({ publicKey }) => hex(publicKey));
    if (new Set(all).size !== all.length) wrong('two members have one verifier key');
    for (const [i, keys] of noteKeys.entries())
      if (new Set(keys.map(({ type }) => type)).size !== keys.length)
        wrong(`${members[i]?.name ?? ''}: it has two verifier keys of one type`);
    const blsKeys = members.map((member) => {
      const key = tryKey(member.bls) ?? wrong(`${member.name}: its BLS key is none`);
      if (!isPossessed(key, member.proof))
        wrong(`${member.name}: nothing proves that it has the secret of its BLS key`);
      return key;
    });
    try {
      return new Roster(body, blsKeys, noteKeys);
    } catch (error) {
      return wrong((error as Error).message);
    }
  }

  get size(): number {
    return this.body.members.length;
  }

  get threshold(): number {
    return this.body.threshold;
  }

  indexOf(key: Uint8Array): MemberIndex {
    return this.body.members.findIndex((member) => isSame(member.key, key));
  }

  /** Whether the member signed these bytes by its own key. */
  isSignedBy(member: MemberIndex, bytes: Uint8Array, signature: Uint8Array): boolean {
    const key = this.keys[member];
    return (
      key !== undefined && signature.length === 64 && verifyEd25519(null, bytes, key, signature)
    );
  }

  /** Whether all that are named signed these bytes together, by BLS; nobody at all did not. */
  isSignedTogether({ signers, signature }: MultiSignature, bytes: Uint8Array): boolean {
    try {
      const keys = signers.members().map((each) => {
        const key = this.blsKeys[each];
        if (key === undefined) throw new RangeError('is no member');
        return key;
      });
      return verify(standard, decodeSignature(signature), bytes, keys);
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }
}

function tryNoteKey(text: string): NoteKey | undefined {
  try {
    const key = parseNoteKey(text);
    return COSIGNING.has(key.type) ? key : undefined;
  } catch {
    return undefined;
  }
}

function tryKey(bytes: Uint8Array): G2 | undefined {
  try {
    return decodePublicKey(bytes);
  } catch {
    return undefined;
  }
}

/** The key in node:crypto's form; RFC 8410 has what precedes it. */
export function ed25519Key(key: Uint8Array): KeyObject {
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key]);
  return createPublicKey({ key: spki, format: 'der', type: 'spki' });
}

function ofBytes(length: number): z.ZodType<Uint8Array> {
  return base64Bytes.refine((bytes) => bytes.length === length, `is not ${length} bytes`);
}

const memberSchema = z
  .strictObject({
    name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'is no name of 1 to 63 letters'),
    url: z
      .string()
      .max(256)
      .refine(
        (text) => URL.canParse(text) && new URL(text).href === text && /^https:.*\/$/.test(text),
        'is no https URL with a slash at its end',
      ),
    key: ofBytes(32),
    bls: ofBytes(96),
    proof: ofBytes(48),
    vkeys: z.array(z.string().max(4096)).max(2),
  })
  .readonly();

const bodySchema = z
  .strictObject({
    format: z.literal('ctga-federation-roster'),
    version: z.literal(1),
    name: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, 'is no name of small letters and digits'),
    epoch: z
      .int()
      .min(0)
      .max(2 ** 31),
    previous: ofBytes(32),
    start: z
      .int()
      .min(0)
      .max(2 ** 48),
    threshold: z.int().min(1).max(MAX_MEMBERS),
    period: z.int().min(1).max(86_400),
    patience: z.int().min(50).max(600_000),
    members: z.array(memberSchema).min(1).max(MAX_MEMBERS),
  })
  .refine(({ patience, period }) => patience <= 1000 * period, 'patience is longer than a period');

const signatureSchema = z.strictObject({ signers: base64Bytes, signature: ofBytes(48) });

/** A member as `ctga federation init` writes it. Throws CtgaError `bad-input`. */
export function parseMember(text: string, name: string): Member {
  return parsed(memberSchema, parseJson(text, name), name);
}

/** The one text of a roster's body; its SHA-256 is what is signed. */
export function formatRosterBody(body: RosterBody): string {
  const { name, epoch, previous, start, threshold, period, patience, members } = body;
  const json = {
    format: 'ctga-federation-roster',
    version: 1,
    name,
    epoch,
    previous: encodeBase64(previous),
    start,
    threshold,
    period,
    patience,
    members: members.map(memberToJson),
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

export function memberToJson({ name, url, key, bls, proof, vkeys }: Member): unknown {
  const [k, b, p] = [key, bls, proof].map(encodeBase64);
  return { name, url, key: k, bls: b, proof: p, vkeys };
}

export function rosterHash(body: RosterBody): Uint8Array {
  return sha256(formatRosterBody(body));
}

/** A roster and who put it in force. */
export interface SignedRoster {
  readonly body: RosterBody;
  readonly signature: MultiSignature;
}

/** Throws CtgaError `bad-input`. The text of the body has to be the one that is written for it. */
export function parseRosterBody(text: string, name: string): RosterBody {
  const body = bodyOf(parseJson(text, name), name);
  if (formatRosterBody(body) !== text)
    throw badInput(`${name}: it is a roster, but not in the form that is signed`);
  return body;
}

function bodyOf(json: unknown, name: string): RosterBody {
  const { format: _, version: __, ...body } = parsed(bodySchema, json, name);
  return body;
}

export function formatSignedRoster({ body, signature }: SignedRoster): string {
  const json = {
    roster: JSON.parse(formatRosterBody(body)) as unknown,
    signers: encodeBase64(signature.signers.bytes),
    signature: encodeBase64(signature.signature),
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

/** Throws CtgaError `bad-input`; of the signature nothing is checked but its form. */
export function parseSignedRoster(text: string, name: string): SignedRoster {
  return signedRosterOf(parseJson(text, name), name);
}

export function signedRosterOf(json: unknown, name: string): SignedRoster {
  const { roster, ...signature } = parsed(
    signatureSchema.extend({ roster: z.unknown() }),
    json,
    name,
  );
  return {
    body: bodyOf(roster, name),
    signature: { signers: new Bits(signature.signers), signature: signature.signature },
  };
}

function parsed<T>(schema: z.ZodType<T>, json: unknown, name: string): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw badInput(`${name}: no roster of version 1: ${describeIssue(result.error)}`);
}

/** What is signed to put a roster in force. */
export function rosterBytes(body: RosterBody): Uint8Array {
  const roster = body.previous;
  return signedBytes({ purpose: 'roster', roster, period: 0, view: 0, body: rosterHash(body) });
}

/**
 * The roster that follows `before`, in force. The first has nothing before it, and all its members
 * signed it. Throws CtgaError `bad-input` where it does not follow.
 */
export function successor(before: Roster | undefined, { body, signature }: SignedRoster): Roster {
  const wrong = (what: string): never => {
    throw badInput(`the roster of ${body.name}, epoch ${body.epoch}: ${what}`);
  };
  if (before === undefined ? body.epoch !== 0 : body.epoch !== before.body.epoch + 1)
    wrong(`it does not follow epoch ${before?.body.epoch ?? 'none'}`);
  if (before !== undefined && !isSame(body.previous, before.hash))
    wrong('it follows another roster than the one before it');
  if (before !== undefined && body.name !== before.body.name)
    wrong(`it is of another federation than ${before.body.name}`);
  if (before !== undefined && body.start <= before.body.start)
    wrong('it is for no later periods than the one before it');
  if (before !== undefined && body.period !== before.body.period)
    wrong('a federation cannot change how long its periods are');
  // Before the proofs of possession, which take the most time.
  const count = signature.signers.count;
  const needed = before?.threshold ?? body.members.length;
  if (count < needed) wrong(`${count} have signed it, and it takes ${needed}`);
  if (before !== undefined && !before.isSignedTogether(signature, rosterBytes(body)))
    wrong('the signature is not of those that it names');
  const roster = Roster.of(body);
  if (before === undefined && !roster.isSignedTogether(signature, rosterBytes(body)))
    wrong('the signature is not of those that it names');
  return roster;
}
