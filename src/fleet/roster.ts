// SPDX-License-Identifier: Apache-2.0
/**
 * Who is in a fleet: the file `fleet.json`, which `ctga fleet init` begins and `ctga fleet join` adds
 * to. It holds no secret; whoever can change a collector's copy decides whose word counts there.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import * as z from 'zod';
import { badInput } from '../base/errors.ts';
import { describeIssue, parseJson, readTextFile } from '../base/documents.ts';
import { base64Bytes } from '../statements/json.ts';
import { isMemberName, LEAST_BATCH, MOST_BATCH } from './batch.ts';

/**
 * A site tells what it saw; a collector has in one store what all sites saw; a challenger does as
 * well, and asks the logs that it holds a lease of. Both tell all others what was concluded.
 */
export const ROLES = ['site', 'collector', 'challenger'] as const;
export type MemberRole = (typeof ROLES)[number];

/** What members tell is of two kinds: what was seen, and what was concluded of it. */
export type Told = 'sightings' | 'findings';

export function tells(role: MemberRole): Told {
  return role === 'site' ? 'sightings' : 'findings';
}

/** Of findings everybody hears; of sightings those alone who collect them. */
export function hears(role: MemberRole): readonly Told[] {
  return role === 'site' ? ['findings'] : ['sightings', 'findings'];
}

/** Names of files in the directory of a fleet, of a member, or of a node of its bus. */
export const FILES = {
  roster: 'fleet.json',
  memberKey: 'member.key',
  nkey: 'bus.nkey',
  certificate: 'bus.pem',
  certificateKey: 'bus.key',
  authority: 'ca.pem',
} as const;

const name = z.string().refine(isMemberName, 'is not 1 to 32 of a-z, 0-9 and -');

export const DEFAULT_LEASE_SECONDS = 120;

/** What stands before the 32 bytes of an Ed25519 key: RFC 8410, Section 4. */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

const memberSchema = z.object({
  name,
  role: z.enum(ROLES),
  /** Of Ed25519, 32 bytes, with which it signs batches. */
  key: base64Bytes.refine(({ length }) => length === 32, 'is not 32 bytes'),
  /** Its public NKEY, by which the bus knows it; undefined where it has a certificate. */
  nkey: z
    .string()
    .regex(/^U[A-Z2-7]{55}$/)
    .optional(),
});

const nodeSchema = z.object({
  name,
  /** A DNS name or an address. */
  host: z.string().regex(/^[A-Za-z0-9._:-]{1,253}$/),
  port: z.number().int().min(1).max(65_535),
  clusterPort: z.number().int().min(1).max(65_535),
});

const rosterSchema = z
  .object({
    format: z.literal('ctga-fleet'),
    version: z.literal(1),
    name,
    /** Between two batches of a member. */
    intervalSeconds: z.number().min(0.05).max(3600),
    batchBytes: z.number().int().min(LEAST_BATCH).max(MOST_BATCH),
    /** In which a challenger that died is replaced; see lease.ts. */
    leaseSeconds: z.number().min(1).max(86_400).default(DEFAULT_LEASE_SECONDS),
    nodes: z.array(nodeSchema).min(1).max(9),
    members: z.array(memberSchema).max(100_000),
  })
  .refine(({ nodes }) => isEachOnce(nodes), 'two nodes have one name')
  .refine(({ members }) => isEachOnce(members), 'two members have one name');

export type Roster = z.infer<typeof rosterSchema>;
export type RosterMember = Roster['members'][number];
export type BusNode = Roster['nodes'][number];

function isEachOnce(named: readonly { readonly name: string }[]): boolean {
  return new Set(named.map((each) => each.name)).size === named.length;
}

/** Throws CtgaError `bad-input` naming the file and what is wrong in it. */
export function readRoster(directory: string): Roster {
  const path = join(directory, FILES.roster);
  const parsed = rosterSchema.safeParse(parseJson(readTextFile(path), path));
  if (parsed.success) return parsed.data;
  throw badInput(`${path}: ${describeIssue(parsed.error)}`);
}

export function formatRoster(roster: Roster): string {
  const members = roster.members.map(({ key, ...member }) => ({
    ...member,
    key: Buffer.from(key).toString('base64'),
  }));
  return `${JSON.stringify({ ...roster, members }, null, 2)}\n`;
}

/** The keys of members, by name. */
export function keysOf(members: readonly RosterMember[]): ReadonlyMap<string, KeyObject> {
  return new Map(
    members.map((member) => {
      const der = Buffer.concat([ED25519_SPKI, member.key]);
      return [member.name, createPublicKey({ key: der, format: 'der', type: 'spki' })];
    }),
  );
}

/** The 32 bytes of an Ed25519 key's public half. */
export function publicBytes(key: KeyObject): Uint8Array {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return spki.subarray(ED25519_SPKI.length);
}

export interface Membership {
  readonly roster: Roster;
  readonly member: RosterMember;
  /** Ed25519. */
  readonly key: KeyObject;
}

/**
 * The member whose directory it is: the one in the roster with its key. Throws CtgaError `bad-input`
 * where there is none, or its role is none of these.
 */
export function readMembership(
  directory: string,
  ...roles: readonly [MemberRole, ...MemberRole[]]
): Membership {
  const roster = readRoster(directory);
  const path = join(directory, FILES.memberKey);
  const pem = readTextFile(path);
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw badInput(`${path}: no private key in PEM`);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw badInput(`${path}: no key of Ed25519`);
  const own = Buffer.from(publicBytes(key));
  const member = roster.members.find((each) => own.equals(each.key));
  if (member === undefined)
    throw badInput(
      `${join(directory, FILES.roster)} has no member with the key in ${FILES.memberKey}`,
      'Copy both from where "ctga fleet join" made them.',
    );
  if (!roles.includes(member.role))
    throw badInput(
      `${member.name} is a ${member.role} of the fleet, and not a ${roles.join(' or a ')}`,
      `Make one with: ctga fleet join NAME --role ${roles[0]}`,
    );
  return { roster, member, key };
}
