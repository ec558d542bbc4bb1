// SPDX-License-Identifier: Apache-2.0
/** Founding a fleet, and having members join it: the files that each machine gets. */
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { readBinaryFile } from '../base/documents.ts';
import { badFile, badInput, CtgaError } from '../base/errors.ts';
import { alone, lockOf } from '../disk/lock.ts';
import { writeDurably } from '../disk/write.ts';
import { nodeConfig, NODE_FILES, usersConfig } from './bus-config.ts';
import { certify, makeAuthority } from './certificates.ts';
import {
  DEFAULT_LEASE_SECONDS,
  faultOf,
  FILES,
  formatRoster,
  publicBytes,
  readRoster,
  type BusNode,
  type MemberRole,
  type Roster,
} from './roster.ts';

const AUTHORITY_KEY = 'ca.key';
const DAYS = 3650;

export const DEFAULT_INTERVAL_SECONDS = 10;
export const DEFAULT_BATCH_BYTES = 8192;

export interface Founded {
  /** The directories to bring to the machines of the bus. */
  readonly nodes: readonly { readonly name: string; readonly directory: string }[];
}

/**
 * Makes the directory of a fleet: its roster, the authority of its bus, and a directory for each
 * server. Throws CtgaError `bad-input` where there is one already, no fleet has such nodes, or it cannot
 * be written.
 */
export function foundFleet(
  directory: string,
  name: string,
  nodes: readonly BusNode[],
  now: number,
): Founded {
  if (existsSync(join(directory, FILES.roster)))
    throw badInput(`${directory} has a fleet already`, 'Add to it with: ctga fleet join NAME');
  const roster: Roster = {
    format: 'ctga-fleet',
    version: 1,
    name,
    intervalSeconds: DEFAULT_INTERVAL_SECONDS,
    batchBytes: DEFAULT_BATCH_BYTES,
    leaseSeconds: DEFAULT_LEASE_SECONDS,
    nodes: [...nodes],
    members: [],
  };
  expectReadable(roster);
  const issuer = `The fleet ${name}`;
  const authority = makeAuthority(issuer, now, DAYS);
  write(join(directory, AUTHORITY_KEY), authority.key, true);
  write(join(directory, FILES.authority), authority.certificate);
  const made = nodes.map((node) => {
    const own = nodeDirectory(directory, node);
    const { certificate, key } = certify(authority, issuer, node.host, now, DAYS);
    write(join(own, NODE_FILES.config), nodeConfig(roster, node));
    write(join(own, NODE_FILES.users), usersConfig(roster));
    write(join(own, NODE_FILES.certificate), certificate);
    write(join(own, NODE_FILES.key), key, true);
    write(join(own, NODE_FILES.authority), authority.certificate);
    return { name: node.name, directory: own };
  });
  // The last, so that what was left unfinished is begun anew.
  write(join(directory, FILES.roster), formatRoster(roster));
  return { nodes: made };
}

export interface Joined {
  /** The directory to bring to the member's machine. */
  readonly directory: string;
  /** The bus, as --publish and --bus want it. */
  readonly bus: string;
  /** The roster, which collectors need anew, and the file of users, which every server does. */
  readonly roster: string;
  readonly users: readonly string[];
}

/**
 * Adds a member, with keys of its own; several that join at once do so one after the other. Throws
 * CtgaError `bad-input` where the fleet has one of that name, or a file cannot be read or written.
 */
export function joinFleet(directory: string, name: string, role: MemberRole): Joined {
  // Before a lock is made there.
  readRoster(directory);
  const path = join(directory, FILES.roster);
  try {
    return alone(path, () => joinAlone(directory, name, role));
  } catch (error) {
    throw error instanceof CtgaError ? error : badFile('write', lockOf(path), error);
  }
}

function joinAlone(directory: string, name: string, role: MemberRole): Joined {
  const before = readRoster(directory);
  if (before.members.some((member) => member.name === name))
    throw badInput(`the fleet ${before.name} has a member called ${name}`, 'Give another name.');
  const { privateKey } = generateKeyPairSync('ed25519');
  const user = nkeys.createUser();
  const roster: Roster = {
    ...before,
    members: [
      ...before.members,
      { name, role, key: Buffer.from(publicBytes(privateKey)), nkey: user.getPublicKey() },
    ],
  };
  expectReadable(roster);
  const own = join(directory, 'members', name);
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  write(join(own, FILES.memberKey), pem, true);
  write(join(own, FILES.nkey), `${Buffer.from(user.getSeed()).toString('latin1')}\n`, true);
  write(join(own, FILES.authority), readText(join(directory, FILES.authority)));
  // Whoever hears must know whom: those that are here already too.
  const rosters = roster.members.map((member) => join(directory, 'members', member.name));
  for (const each of rosters)
    if (existsSync(each)) write(join(each, FILES.roster), formatRoster(roster));
  const users = roster.nodes.map((node) => join(nodeDirectory(directory, node), NODE_FILES.users));
  for (const file of users) write(file, usersConfig(roster));
  write(join(directory, FILES.roster), formatRoster(roster));
  return { directory: own, bus: busOf(roster), roster: join(directory, FILES.roster), users };
}

/** Before anything is written: nobody could join, or be a member of, what cannot be read. */
function expectReadable(roster: Roster): void {
  const fault = faultOf(roster);
  if (fault !== undefined) throw badInput(`that is more than a fleet can be: ${fault}`);
}

export function busOf({ nodes }: Roster): string {
  const hosts = nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`);
  return `tls://${hosts.join(',')}`;
}

function nodeDirectory(directory: string, { name }: BusNode): string {
  return join(directory, 'nodes', name);
}

function write(path: string, content: string, isSecret = false): void {
  // For nobody else from its first moment on.
  const mask = process.umask(isSecret ? 0o077 : 0o022);
  try {
    writeDurably(path, content);
    if (isSecret) chmodSync(path, 0o600);
  } catch (error) {
    throw badFile('write', path, error);
  } finally {
    process.umask(mask);
  }
}

function readText(path: string): string {
  return readBinaryFile(path).toString();
}
