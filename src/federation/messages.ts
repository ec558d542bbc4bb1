// SPDX-License-Identifier: Apache-2.0
/**
 * What members tell each other. In a view of a period, its leader and the others:
 *
 *   everybody → leader   ready: what I could state, and what I am locked on
 *   leader → everybody   proposal
 *   everybody → leader   vote: which of it I can state
 *   leader → everybody   lock: a threshold of votes; from here on I vote against nothing of it
 *   everybody → leader   statements: my BLS signature of what I state
 *   leader → everybody   certificate: the signatures, added up
 *
 * so that each member sends and receives as much as there is to state, and the leader n times that.
 * Beside that, sets are reconciled (reconcile.ts): compare, want, objects.
 */
import type { ByteCursor } from '../base/cursor.ts';
import { FormatError } from '../base/cursor.ts';
import {
  Bits,
  concat,
  isSame,
  list,
  long,
  readAll,
  readList,
  readLong,
  readNumber,
  u16,
  u32,
  u64,
  u8,
} from './bytes.ts';
import { encodeGroups, readGroups, type Group } from './certificate.ts';
import type { MemberIndex, Roster } from './roster.ts';
import {
  encodeProposed,
  proposalDigest,
  readAllProposed,
  signedBytes,
  voteBody,
  type Proposed,
} from './statement.ts';

/** A proposal's digest, and its leader's signature. */
export interface ProposalHeader {
  readonly view: number;
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
}

/** Members who voted for the same statements of a proposal. */
export interface Votes {
  readonly mask: Bits;
  /** By member. */
  readonly signatures: ReadonlyMap<MemberIndex, Uint8Array>;
}

/** That a threshold voted for each of the chosen statements of a proposal. */
export interface Lock {
  readonly header: ProposalHeader;
  readonly chosen: Bits;
  readonly votes: readonly Votes[];
}

/** A lock with what was proposed: whoever has it needs nothing else to be convinced. */
export interface WholeLock extends Lock {
  readonly items: readonly Proposed[];
}

interface InView {
  readonly period: number;
  readonly view: number;
}

export type RoundMessage = InView &
  (
    | {
        readonly kind: 'ready';
        readonly candidates: readonly Proposed[];
        /** The last proposal that one has seen. */
        readonly seen: ProposalHeader | undefined;
        readonly locks: readonly WholeLock[];
      }
    | {
        readonly kind: 'proposal';
        readonly items: readonly Proposed[];
        readonly signature: Uint8Array;
        /** Why others may be locked on these items. */
        readonly locks: readonly WholeLock[];
      }
    | {
        readonly kind: 'vote';
        readonly digest: Uint8Array;
        readonly mask: Bits;
        readonly signature: Uint8Array;
      }
    | { readonly kind: 'lock'; readonly lock: Lock; readonly count: number }
    | {
        readonly kind: 'statements';
        /** Which of what was proposed. */
        readonly mask: Bits;
        readonly count: number;
        readonly signature: Uint8Array;
      }
    | {
        readonly kind: 'certificate';
        readonly digest: Uint8Array;
        readonly chosen: Bits;
        readonly count: number;
        /** Their masks are of the chosen statements alone. */
        readonly groups: readonly Group[];
      }
  );

/** A part of a set, from `from` up to and without `to` (undefined: to its end). */
export interface SetRange {
  readonly from: Uint8Array;
  readonly to: Uint8Array | undefined;
  /** Either all IDs in it, or how many there are and a hash of them. */
  readonly has: readonly Uint8Array[] | { readonly count: number; readonly hash: Uint8Array };
}

export interface SetObject {
  readonly id: Uint8Array;
  readonly bytes: Uint8Array;
}

export type SetMessage =
  | { readonly kind: 'compare'; readonly ranges: readonly SetRange[] }
  | { readonly kind: 'want'; readonly ids: readonly Uint8Array[] }
  | { readonly kind: 'objects'; readonly objects: readonly SetObject[] };

export type Message = RoundMessage | SetMessage;

const KINDS: readonly Message['kind'][] = [
  'ready',
  'proposal',
  'vote',
  'lock',
  'statements',
  'certificate',
  'compare',
  'want',
  'objects',
];

export const ID_BYTES = 41;
/** In one message. */
export const MAX_IDS = 512;
const MAX_RANGES = 256;
const MAX_OBJECTS = 256;
const MAX_LOCKS = 16;
/** What a member takes from a peer at once, in bytes. */
export const MAX_MESSAGE = 4 * 2 ** 20;
/** The same of what is about a round. */
export const MAX_ROUND_MESSAGE = 2 ** 20;
/** Of the roster's hash: tells apart, and proves nothing. */
const ROSTER_BYTES = 8;

export function encodeMessage(message: Message, roster: Roster): Uint8Array {
  const front = [u8(KINDS.indexOf(message.kind)), roster.hash.subarray(0, ROSTER_BYTES)];
  if ('period' in message) front.push(u64(message.period), u32(message.view));
  return concat([...front, ...bodyOf(message)]);
}

function bodyOf(message: Message): Uint8Array[] {
  switch (message.kind) {
    case 'ready': {
      const { candidates, seen, locks } = message;
      return [
        list(candidates.map(encodeProposed)),
        list(seen === undefined ? [] : [encodeHeader(seen)]),
        list(locks.map(encodeWholeLock)),
      ];
    }
    case 'proposal': {
      const { items, signature, locks } = message;
      return [list(items.map(encodeProposed)), signature, list(locks.map(encodeWholeLock))];
    }
    case 'vote':
      return [message.digest, long(message.mask.bytes), message.signature];
    case 'lock':
      return [u16(message.count), encodeLock(message.lock)];
    case 'statements':
      return [u16(message.count), message.mask.bytes, message.signature];
    case 'certificate': {
      const { digest, count, chosen, groups } = message;
      return [digest, u16(count), chosen.bytes, encodeGroups(groups)];
    }
    case 'compare':
      return [list(message.ranges.map(encodeRange))];
    case 'want':
      return [list([...message.ids])];
    case 'objects':
      return [list(message.objects.map(({ id, bytes }) => concat([id, long(bytes)])))];
  }
}

/** Throws FormatError for what is no message of a member of this roster. */
export function decodeMessage(bytes: Uint8Array, roster: Roster): Message {
  return readAll(bytes, (cursor) => readMessage(cursor, roster));
}

/** Whether it was sent by one who has this roster in force. */
export function isOfRoster(bytes: Uint8Array, { hash }: Roster): boolean {
  return isSame(bytes.subarray(1, 1 + ROSTER_BYTES), hash.subarray(0, ROSTER_BYTES));
}

function readMessage(cursor: ByteCursor, { size }: Roster): Message {
  const { position } = cursor;
  const kind = KINDS[cursor.u8()];
  cursor.skip(ROSTER_BYTES);
  switch (kind) {
    case undefined:
      throw new FormatError('kind', position);
    case 'compare':
      return { kind, ranges: readRanges(cursor) };
    case 'want':
      return { kind, ids: readList(cursor, MAX_IDS, () => cursor.take(ID_BYTES).slice()) };
    case 'objects': {
      const read = (): SetObject => ({
        id: cursor.take(ID_BYTES).slice(),
        bytes: readLong(cursor),
      });
      return { kind, objects: readList(cursor, MAX_OBJECTS, read) };
    }
    default: {
      const inView = { period: readNumber(cursor), view: cursor.u32() };
      return { ...inView, ...readOfView(cursor, kind, inView, size) } as RoundMessage;
    }
  }
}

function readOfView(
  cursor: ByteCursor,
  kind: RoundMessage['kind'],
  { view }: InView,
  size: number,
): Record<string, unknown> {
  switch (kind) {
    case 'ready': {
      const candidates = readAllProposed(cursor);
      const [seen] = readList(cursor, 1, () => readHeader(cursor));
      return { kind, candidates, seen, locks: readLocks(cursor, size) };
    }
    case 'proposal': {
      const items = readAllProposed(cursor);
      const signature = cursor.take(64).slice();
      return { kind, items, signature, locks: readLocks(cursor, size) };
    }
    case 'vote': {
      const digest = cursor.take(32).slice();
      const mask = new Bits(readLong(cursor));
      return { kind, digest, mask, signature: cursor.take(64).slice() };
    }
    case 'lock': {
      const count = cursor.u16();
      return { kind, count, lock: readLock(cursor, view, count, size) };
    }
    case 'statements': {
      const count = cursor.u16();
      const mask = Bits.read(cursor, count);
      return { kind, count, mask, signature: cursor.take(48).slice() };
    }
    case 'certificate': {
      const digest = cursor.take(32).slice();
      const count = cursor.u16();
      const chosen = Bits.read(cursor, count);
      return { kind, digest, count, chosen, groups: readGroups(cursor, chosen.count, size) };
    }
  }
}

function encodeHeader({ view, digest, signature }: ProposalHeader): Uint8Array {
  return concat([u32(view), digest, signature]);
}

function readHeader(cursor: ByteCursor): ProposalHeader {
  const view = cursor.u32();
  return { view, digest: cursor.take(32).slice(), signature: cursor.take(64).slice() };
}

function encodeLock({ header, chosen, votes }: Lock): Uint8Array {
  const groups = votes.map(({ mask, signatures }) =>
    concat([mask.bytes, list([...signatures].map(([m, each]) => concat([u16(m), each])))]),
  );
  return concat([header.digest, header.signature, chosen.bytes, list(groups)]);
}

function readLock(cursor: ByteCursor, view: number, count: number, size: number): Lock {
  const header = { view, digest: cursor.take(32).slice(), signature: cursor.take(64).slice() };
  const chosen = Bits.read(cursor, count);
  const votes = readList(cursor, size, () => ({
    mask: Bits.read(cursor, count),
    signatures: new Map(
      readList(cursor, size, () => [cursor.u16(), cursor.take(64).slice()] as const),
    ),
  }));
  return { header, chosen, votes };
}

export function encodeWholeLock(lock: WholeLock): Uint8Array {
  const { header, items } = lock;
  return concat([u32(header.view), list(items.map(encodeProposed)), encodeLock(lock)]);
}

export function readWholeLock(cursor: ByteCursor, size: number): WholeLock {
  const view = cursor.u32();
  const items = readAllProposed(cursor);
  return { items, ...readLock(cursor, view, items.length, size) };
}

function readLocks(cursor: ByteCursor, size: number): WholeLock[] {
  return readList(cursor, MAX_LOCKS, () => readWholeLock(cursor, size));
}

function encodeRange({ from, to, has }: SetRange): Uint8Array {
  const bound = (id: Uint8Array): Uint8Array => concat([u8(id.length), id]);
  return concat([
    bound(from),
    bound(to ?? new Uint8Array(0)),
    ...('hash' in has ? [u8(0), u32(has.count), has.hash] : [u8(1), list([...has])]),
  ]);
}

/** One behind the other: of ranges that lie in each other, each would be looked through. */
function readRanges(cursor: ByteCursor): SetRange[] {
  const { position } = cursor;
  const ranges = readList(cursor, MAX_RANGES, () => readRange(cursor));
  ranges.forEach(({ from }, i) => {
    const before = ranges[i - 1];
    if (i > 0 && (before?.to === undefined || Buffer.compare(before.to, from) > 0))
      throw new FormatError('ranges', position);
  });
  return ranges;
}

function readRange(cursor: ByteCursor): SetRange {
  const bound = (): Uint8Array => {
    const { position } = cursor;
    const length = cursor.u8();
    if (length > ID_BYTES) throw new FormatError('bound', position);
    return cursor.take(length).slice();
  };
  const from = bound();
  const to = bound();
  const { position } = cursor;
  const form = cursor.u8();
  if (form > 1) throw new FormatError('range', position);
  const has =
    form === 0
      ? { count: cursor.u32(), hash: cursor.take(16).slice() }
      : readList(cursor, MAX_IDS, () => cursor.take(ID_BYTES).slice());
  return { from, to: to.length === 0 ? undefined : to, has };
}

/** What a leader signs of a proposal. */
export function proposalBytes(
  { hash: roster }: Roster,
  period: number,
  { view, digest }: Pick<ProposalHeader, 'view' | 'digest'>,
): Uint8Array {
  return signedBytes({ purpose: 'proposal', roster, period, view, body: digest });
}

/** What a member signs of a vote. */
export function voteBytes(
  { hash: roster }: Roster,
  period: number,
  { view, digest }: Pick<ProposalHeader, 'view' | 'digest'>,
  mask: Bits,
): Uint8Array {
  const body = voteBody(digest, mask.bytes);
  return signedBytes({ purpose: 'vote', roster, period, view, body });
}

/**
 * Whether a threshold of the roster voted for each of the chosen statements. Who leads a view is
 * for the caller to know.
 */
export function isLocked(roster: Roster, period: number, lock: WholeLock): boolean {
  const { header, chosen, votes, items } = lock;
  if (!isSame(proposalDigest(items), header.digest)) return false;
  const voters = votes.flatMap(({ signatures }) => [...signatures.keys()]);
  if (new Set(voters).size !== voters.length) return false;
  const isEnough = (item: number): boolean =>
    votes.reduce((sum, { mask, signatures }) => sum + (mask.has(item) ? signatures.size : 0), 0) >=
    roster.threshold;
  if (chosen.count === 0 || !chosen.members().every(isEnough)) return false;
  return votes.every(({ mask, signatures }) =>
    [...signatures].every(([member, signature]) =>
      roster.isSignedBy(member, voteBytes(roster, period, header, mask), signature),
    ),
  );
}
