// SPDX-License-Identifier: Apache-2.0
/**
 * Who is in a fleet: the file `fleet.json`, which `ctga fleet init` begins and `ctga fleet join` adds
 * to. It holds no secret; whoever can change a collector's copy decides whose word counts there.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import * as z from 'zod';
import { badInput, messageOf } from '../base/errors.ts';
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
    .regex(/^U[A-Z2-7]{55}$/, 'is no public NKEY of a user')
    .optional(),
});

const nodeSchema = z.object({
  name,
  /** A DNS name or an address. */
  host: z.string().regex(/^[A-Za-z0-9._:-]{1,253}$/),
  port: z.number().int().min(1).max(65_535),
  clusterPort: z.number().int().min(1).max(65_535),
});

const rosterSchema = z.object({
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
});

export type Roster = z.infer<typeof rosterSchema>;
export type RosterMember = Roster['members'][number];
export type BusNode = Roster['nodes'][number];

/** Throws CtgaError `bad-input` naming the file, the place in it, what is wrong there and what to do. */
export function readRoster(directory: string): Roster {
  const path = join(directory, FILES.roster);
  const text = readTextFile(path);
  let json: unknown;
  try {
    json = parseJson(text, path);
  } catch (error) {
    throw badInput(messageOf(error), MEND);
  }
  const parsed = rosterSchema.safeParse(json);
  if (!parsed.success)
    throw badInput(`${path}: ${describeIssue(parsed.error)}${nameAt(json, parsed.error)}`, MEND);
  const fault = repeatedIn(parsed.data);
  if (fault !== undefined) throw badInput(`${path}: ${fault}`, MEND);
  return parsed.data;
}

/** Why the file of this roster could not be read again, as a clause; undefined where it could. */
export function faultOf(roster: Roster): string | undefined {
  const parsed = rosterSchema.safeParse(JSON.parse(formatRoster(roster)));
  return parsed.success ? repeatedIn(parsed.data) : describeIssue(parsed.error);
}

const MEND = 'Mend it there, or copy the file from where "ctga fleet join" keeps it.';

/** Of the member or node in which the first fault is, where it has a name: nobody counts to the 437th. */
function nameAt(json: unknown, { issues: [issue] }: z.ZodError): string {
  const [list = '', index = ''] = issue?.path ?? [];
  const named = propertyOf(propertyOf(propertyOf(json, list), index), 'name');
  return typeof named === 'string' && isMemberName(named) ? ` (of ${named})` : '';
}

function propertyOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<PropertyKey, unknown>>)[key]
    : undefined;
}

/** What two of the roster have that only one may; undefined where all is well. */
function repeatedIn({ nodes, members }: Roster): string | undefined {
  return (
    repeated('nodes', nodes, 'name', (node) => node.name) ??
    repeated('nodes', nodes, 'host', ({ host, port }) => `${host} ${port}`) ??
    repeated('members', members, 'name', (member) => member.name) ??
    repeated('members', members, 'key', ({ key }) => Buffer.from(key).toString('base64')) ??
    repeated('members', members, 'nkey', ({ nkey }) => nkey)
  );
}

function repeated<T extends { readonly name: string }>(
  list: string,
  all: readonly T[],
  field: string,
  of: (one: T) => string | undefined,
): string | undefined {
  const first = new Map<string, string>();
  for (const [i, one] of all.entries()) {
    const value = of(one);
    if (value === undefined) continue;
    const before = first.get(value);
    if (before !== undefined) return `${list}[${i}].${field}: ${one.name} has that of ${before}`;
    first.set(value, `${list}[${i}], ${one.name}`);
  }
  return undefined;
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
