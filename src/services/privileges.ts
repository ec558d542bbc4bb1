// SPDX-License-Identifier: Apache-2.0
/**
 * Giving up root for good. The observer parses what anybody sends and the challenger parses what
 * hostile logs answer. Neither needs root for that: each needs the store and what it has opened
 * already, and the challenger a TCP connection to its proxy.
 */
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  openSync,
  readdirSync,
  realpathSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { addon, type AccountIds } from '../native/addon.ts';
import { CtgaError, badInput, messageOf } from '../base/errors.ts';
import { shellWord } from '../base/text.ts';
import { makeDirectory } from '../disk/directory.ts';
import { lockOf } from '../disk/lock.ts';
import { CHAIN } from '../evidence/chain.ts';
import { federationIn } from '../federation/directory.ts';
import { hashStoreFiles } from '../follow/hash-store.ts';
import { publishedIn } from '../mirror/directory.ts';
import { auditorIn } from '../auditor/directory.ts';
import { fleetIn } from '../fleet/directory.ts';
import { poolIn } from '../pool/directory.ts';
import { witnessIn } from '../witness/directory.ts';
import { memoryStore, storeFiles, type State } from '../store/state.ts';

/**
 * What a service becomes when it is started as root. The package makes an account for each, so that
 * none may signal or trace another. Whoever is in the group `ctga` may read the store, and whoever
 * is in `ctga-store` may write it.
 */
export interface Role {
  /** The first of them that exists. */
  readonly accounts: readonly string[];
  /** It reads the store and writes nothing in it. */
  readonly onlyReads?: boolean;
  /** A directory of its own in the state directory, which it makes if it is missing. */
  readonly own?: string;
}

const EVIDENCE_ACCOUNT = 'ctga-evidence';
const WITNESS_ACCOUNT = 'ctga-witness';
const READERS = 'ctga';
const WRITERS = 'ctga-store';
const role = (service: string): string[] => [`ctga-${service}`, 'ctga', 'nobody'];

/**
 * How a service gives up root, if it has it: `user` is the account that was named, or undefined.
 * Returns the name of the account that the process became, or undefined if it is not root. A test
 * puts another in its place, so that the process that runs the tests keeps its rights.
 */
export type BecomeAccount = (state: State, user: string | undefined) => string | undefined;

/**
 * A process that has given up root is confined too: it runs no program, signals nobody, and, with
 * `withoutNetwork`, opens no socket but those of AF_UNIX and listens at none (native/core/seccomp.hpp).
 */
export function becomeObserver(
  state: State,
  user: string | undefined,
  withoutNetwork: boolean,
): string | undefined {
  const account = dropPrivileges(state, user, { accounts: role('observer') });
  if (account !== undefined && process.geteuid?.() !== 0) confine(withoutNetwork);
  return account;
}

function confine(withoutNetwork: boolean): void {
  try {
    addon().confine(withoutNetwork);
  } catch (error) {
    throw new CtgaError('not-permitted', messageOf(error), {
      remedy:
        'Have the sandbox around ctga allow seccomp(2), in a systemd unit with SystemCallFilter=seccomp.',
      cause: error,
    });
  }
}

export const becomeChallenger: BecomeAccount = (state, user) =>
  dropPrivileges(state, user, { accounts: role('challenger') });
export const becomeAlerter: BecomeAccount = (state, user) =>
  dropPrivileges(state, user, { accounts: role('alert') }, { programsMayGain: true });
export const becomeWeb: BecomeAccount = (state, user) =>
  dropPrivileges(state, user, { accounts: role('web'), onlyReads: true });
export const becomeNameServer: BecomeAccount = (state, user) =>
  dropPrivileges(state, user, {
    accounts: role('dns'),
    onlyReads: true,
    own: publishedIn(state.directory),
  });

/** It keeps evidence, and puts down in the store what it found. */
export const becomeAuditor: BecomeAccount = (state, user) =>
  dropPrivileges(state, user, { accounts: role('audit'), own: auditorIn(state.directory) });

/** As BecomeAccount; `runsPrograms`: what it runs may gain rights, as sudo must. */
export const becomePublisher = (
  state: State,
  user: string | undefined,
  runsPrograms: boolean,
): string | undefined =>
  dropPrivileges(
    state,
    user,
    { accounts: role('dns'), onlyReads: true, own: publishedIn(state.directory) },
    { programsMayGain: runsPrograms },
  );

/** It hears verdicts and evidence, or of a collector all that sites saw, and writes them in the store. */
export const becomeFleetMember: BecomeAccount = (state, user) =>
  dropPrivileges(state, user, { accounts: role('fleet'), own: fleetIn(state.directory) });

export const becomePool: BecomeAccount = (state, user) =>
  dropPrivileges(state, user, {
    accounts: role('pool'),
    onlyReads: true,
    own: poolIn(state.directory),
  });

export const becomeFederation: BecomeAccount = (state, user) =>
  dropPrivileges(state, user, {
    accounts: role('federation'),
    onlyReads: true,
    own: federationIn(state.directory),
  });

/** As BecomeAccount, of the writer, which has the directory of evidence and no other. */
export type BecomeWriter = (directory: string, user: string | undefined) => string | undefined;

/**
 * Makes the directory the writer's: nobody else can write in it, and whoever may write in the store
 * may reach the socket there, because what is made there has that group.
 */
export const becomeEvidenceWriter: BecomeWriter = (directory, user) => {
  makeDirectory(directory);
  if (!isRoot(user)) return undefined;
  const account = findAccount(user === undefined ? [EVIDENCE_ACCOUNT] : [user]);
  if (account.uid === 0) return account.name;
  const group = findGroup(WRITERS) ?? findGroup(READERS);
  handOver(
    directory,
    { ...account, gid: group ?? account.gid },
    group === undefined ? 0o755 : 0o2755,
  );
  process.umask(0o077);
  becomeUser(account, [account.gid], false);
  return account.name;
};

/**
 * A witness has a state directory of its own, which no other account of ctga's writes in, and is in
 * none of the groups that may read what was seen.
 */
export const becomeWitness: BecomeAccount = (state, user) => {
  if (!isRoot(user)) return undefined;
  const account = findAccount([user ?? WITNESS_ACCOUNT]);
  if (account.uid === 0) return account.name;
  const { directory, evidence } = state;
  const own = witnessIn(directory);
  for (const path of [own, evidence]) makeDirectory(path);
  handOver(realpathSync(directory), account, 0o750);
  handOver(own, account, 0o700);
  handOver(evidence, account, 0o755);
  // Root may have imported logs.
  for (const path of storeFiles(state)) handOver(path, account, 0o640);
  memoryStore().close();
  createSecureContext();
  process.umask(0o027);
  becomeUser(account, [account.gid], false);
  try {
    accessSync(own, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    throw new CtgaError(
      'not-permitted',
      `this runs as ${account.name}, which cannot reach ${own}`,
      {
        remedy:
          'Open the directory above it (chmod o+x), name another one with --state-dir, or another account with --user.',
      },
    );
  }
  return account.name;
};

interface Account extends AccountIds {
  readonly name: string;
}

/** Who may do what in the state directory. */
interface Sharing {
  /** The group that may write; undefined if there is none and the account is alone. */
  readonly writers: number | undefined;
  /** The group that may only read; undefined if there is none. */
  readonly readers: number | undefined;
}

/**
 * Makes a process that runs as root run as `user` or, if that is undefined, as the first of the
 * role's accounts that exists, and shares the state directory first. A `user` of root is taken at
 * its word: nothing changes. Returns the account's name, or undefined if this process is not root
 * and stays what it is.
 *
 * With `programsMayGain`, programs that this process runs may gain rights by their set-user-ID bit,
 * as sendmail must; otherwise neither they nor this process can ever gain any.
 *
 * Throws CtgaError: 'bad-input' if there is no such account, or if `user` is given without root;
 * 'kernel' if the accounts cannot be looked up; 'not-permitted' if the state directory cannot be
 * shared or the account cannot reach it.
 */
export function dropPrivileges(
  state: State,
  user: string | undefined,
  { accounts, onlyReads = false, own }: Role,
  { programsMayGain = false }: { readonly programsMayGain?: boolean } = {},
): string | undefined {
  if (!isRoot(user)) return undefined;
  const account = findAccount(user === undefined ? accounts : [user]);
  if (account.uid === 0) return account.name;
  const readers = findGroup(READERS);
  const sharing = { readers, writers: findGroup(WRITERS) ?? readers };
  const mayRead = shareState(state, account, sharing, onlyReads);
  if (own !== undefined) {
    makeDirectory(own);
    handOver(own, account, 0o2750);
  }
  const groups = [readers ?? account.gid];
  if (!(onlyReads && mayRead)) groups.unshift(sharing.writers ?? account.gid);
  // These load on first use what the account may not be able to read: the database engine in this
  // checkout, and the certificates that NODE_EXTRA_CA_CERTS names. So they are used now.
  memoryStore().close();
  createSecureContext();
  becomeUser(account, [...new Set(groups)], programsMayGain);
  try {
    accessSync(state.directory, constants.R_OK | constants.X_OK | (onlyReads ? 0 : constants.W_OK));
  } catch {
    throw new CtgaError(
      'not-permitted',
      `this runs as ${account.name}, which cannot reach ${state.directory}`,
      {
        remedy:
          'A directory above it is closed to others: open it (chmod o+x), name another directory with --state-dir, or another account with --user.',
      },
    );
  }
  return account.name;
}

/**
 * Shares the state directory, both stores and the evidence: all accounts of one group can write
 * what another has made, and those of the other group can read it. Returns false if the latter
 * cannot be had, on a disk without access control lists.
 */
function shareState(
  state: State,
  account: Account,
  { writers, readers }: Sharing,
  onlyReads: boolean,
): boolean {
  const { directory, evidence } = state;
  // Elsewhere, evidence belongs to the writer.
  const isOurs = dirname(evidence) === directory;
  makeDirectory(isOurs ? evidence : directory);
  process.umask(0o007);
  // Whoever only reads is to own nothing here: root keeps it.
  const owner = {
    ...account,
    uid: onlyReads && writers !== undefined ? 0 : account.uid,
    gid: writers ?? account.gid,
  };
  const others = readers === writers ? undefined : readers;
  const lists = new ReadingList(others, onlyReads);
  const give = (path: string, mode: number): void =>
    handOver(path, owner, mode, (file, isNew) => lists.add(file, isNew));
  // The state directory itself may be a link: whoever runs this process says where it is. Links in
  // it are not followed, because the account may have put them there.
  give(realpathSync(directory), 0o2771);
  for (const path of [...storeFiles(state), ...hashStoreFiles(directory)]) give(path, 0o660);
  if (isOurs) shareEvidence(evidence, owner);
  return lists.isWhole;
}

/** Evidence is for everybody to read. */
function shareEvidence(evidence: string, owner: Account): void {
  handOver(evidence, owner, 0o2775);
  for (const name of readdirSync(evidence)) {
    if (name.endsWith('.json')) handOver(join(evidence, name), owner, 0o444);
    if (name === CHAIN) handOver(join(evidence, name), owner, 0o664);
    if (name === lockOf(CHAIN)) handOver(join(evidence, name), owner, 0o660);
  }
}

/** Lets a group read, by access control lists (acl(5)). */
class ReadingList {
  readonly #group: number | undefined;
  readonly #always: boolean;
  isWhole = true;

  /** `always`: also what was shared with the writers before. */
  constructor(group: number | undefined, always: boolean) {
    this.#group = group;
    this.#always = always;
  }

  add(file: number, isNew: boolean): void {
    if (this.#group === undefined || !(isNew || this.#always) || !this.isWhole) return;
    const entry = `g:${this.#group}:rX`;
    const lists = fstatSync(file).isDirectory() ? `${entry},d:${entry}` : entry;
    // By its descriptor, since another file may have its name by now.
    const { status } = spawnSync('setfacl', ['-m', lists, '/proc/self/fd/3'], {
      stdio: ['ignore', 'ignore', 'ignore', file],
    });
    this.isWhole = status === 0;
  }
}

/**
 * Gives a file or directory to a group, with this mode, and to the account if it is root's. It
 * changes only what is otherwise: the package has made all this already, and a service may lack the
 * rights. It leaves links alone, hard ones too: by a link, whoever can write the directory could
 * have root give away any file of the machine. A file that does not exist is passed over, because
 * those of the store come and go. `onShared` gets the open file.
 */
function handOver(
  path: string,
  { name, uid, gid }: Account,
  mode: number,
  onShared: (file: number, isNew: boolean) => void = () => undefined,
): void {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (['ENOENT', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) return;
    throw error;
  }
  let isOfGroup = false;
  try {
    const now = fstatSync(file);
    if (!now.isDirectory() && !(now.isFile() && now.nlink === 1)) return;
    isOfGroup = now.gid === gid && (now.uid !== 0 || (now.mode & 0o070) === (mode & 0o070));
    if (!isOfGroup) fchownSync(file, now.uid === 0 ? uid : now.uid, gid);
    if ((now.mode & 0o7777) !== mode || !isOfGroup) fchmodSync(file, mode);
    onShared(file, !isOfGroup);
  } catch (error) {
    // The group can read it. If that is not enough, whoever needs more will say so.
    if (isOfGroup) return;
    throw new CtgaError(
      'not-permitted',
      `cannot hand ${path} over to ${name}: ${messageOf(error)}`,
      {
        remedy: `As root: chown ${uid}:${gid} ${shellWord(path)} && chmod ${mode.toString(8)} ${shellWord(path)}`,
      },
    );
  } finally {
    closeSync(file);
  }
}

/**
 * Checks that `user` can be become, before anything is made. Throws CtgaError `bad-input` if not,
 * and `kernel` if the accounts cannot be looked up.
 */
export function checkAccount(user: string): void {
  if (process.geteuid?.() !== 0) throw userNeedsRoot();
  findAccount([user]);
}

function userNeedsRoot(): CtgaError {
  return badInput('--user needs root, which this process is not', 'Leave it out: it runs as you.');
}

function findGroup(name: string): number | undefined {
  return lookUp(`getent group ${name}`, () => addon().group(name));
}

/** Throws CtgaError 'bad-input' where it is not, and is to become another. */
function isRoot(user: string | undefined): boolean {
  if (process.geteuid?.() === 0) return true;
  if (user !== undefined) throw userNeedsRoot();
  return false;
}

/** Whether adduser makes an account of this name, whose own rules they are. */
const isPlainName = (name: string): boolean => /^[a-z][a-z0-9-]*$/.test(name);

/** The first of these accounts that exists. */
function findAccount(names: readonly string[]): Account {
  for (const name of names) {
    const ids = lookUp(`getent passwd ${name}`, () => addon().account(name));
    if (ids !== undefined) return { name, ...ids };
  }
  const name = names.at(-1) ?? '';
  throw badInput(
    `no account is called "${name}"`,
    `Make one: sudo adduser --system --group ${isPlainName(name) ? name : 'ctga'}`,
  );
}

/**
 * A directory service that does not answer is a failure, not an account that does not exist: the
 * process must not run as nobody because LDAP is down. `command` asks the same by hand.
 */
function lookUp<Found>(command: string, find: () => Found): Found {
  try {
    return find();
  } catch (error) {
    if (error instanceof CtgaError) throw error;
    throw new CtgaError('kernel', `cannot ${messageOf(error)}`, {
      remedy: `See what this says: ${command}`,
      cause: error,
    });
  }
}

/** The first of the groups is that of what the process makes. */
function becomeUser(
  { name, uid }: Account,
  groups: readonly number[],
  programsMayGain: boolean,
): void {
  try {
    addon().becomeUser(uid, groups, programsMayGain);
  } catch (error) {
    if (error instanceof CtgaError) throw error;
    throw new CtgaError('not-permitted', `cannot become ${name}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
