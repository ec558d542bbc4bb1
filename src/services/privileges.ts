// SPDX-License-Identifier: Apache-2.0
/**
 * Giving up root for good. The observer parses what anybody sends and the challenger parses what
 * hostile logs answer. Neither needs root for that: each needs the store and what it has opened
 * already, and the challenger a TCP connection to its proxy.
 */
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
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { addon, type AccountIds } from '../native/addon.ts';
import { CtgaError, badInput, messageOf } from '../base/errors.ts';
import { makeDirectory } from '../disk/directory.ts';
import { hashStoreFiles } from '../follow/hash-store.ts';
import { memoryStore, storeFiles, type State } from '../store/state.ts';

/**
 * The accounts that a process becomes: the first of them that exists. The package makes one for the
 * observer and one for the challenger; both are in the group, by which they share the store.
 */
const OBSERVER_ACCOUNTS = ['ctga', 'nobody'] as const;
const CHALLENGER_ACCOUNTS = ['ctga-challenger', 'ctga', 'nobody'] as const;
const GROUP = 'ctga';

/**
 * How a service gives up root, if it has it: `user` is the account that was named, or undefined.
 * Returns the name of the account that the process became, or undefined if it is not root. A test
 * puts another in its place, so that the process that runs the tests keeps its rights.
 */
export type BecomeAccount = (state: State, user: string | undefined) => string | undefined;

export const becomeObserver: BecomeAccount = (state, user) =>
  dropPrivileges(state, user, OBSERVER_ACCOUNTS);
export const becomeChallenger: BecomeAccount = (state, user) =>
  dropPrivileges(state, user, CHALLENGER_ACCOUNTS);
/** sendmail has to become another group, or root, to reach its queue. */
export const becomeAlerter: BecomeAccount = (state, user) =>
  dropPrivileges(state, user, CHALLENGER_ACCOUNTS, { programsMayGain: true });

interface Account extends AccountIds {
  readonly name: string;
}

/**
 * Makes a process that runs as root run as `user` or, if that is undefined, as the first of
 * `accounts` that exists, and hands the state directory over to that account first. A `user` of
 * root is taken at its word: nothing changes. Returns the account's name, or undefined if this
 * process is not root and stays what it is.
 *
 * With `programsMayGain`, programs that this process runs may gain rights by their set-user-ID bit,
 * as sendmail must; otherwise neither they nor this process can ever gain any.
 *
 * Throws CtgaError: 'bad-input' if there is no such account, or if `user` is given without root;
 * 'kernel' if the accounts cannot be looked up; 'not-permitted' if the state directory cannot be
 * handed over or the account cannot reach it.
 */
export function dropPrivileges(
  state: State,
  user: string | undefined,
  accounts: readonly string[],
  { programsMayGain = false }: { readonly programsMayGain?: boolean } = {},
): string | undefined {
  if (process.geteuid?.() !== 0) {
    if (user !== undefined)
      throw badInput(
        '--user needs root, which this process is not',
        'Leave it out: it runs as you.',
      );
    return undefined;
  }
  const account = findAccount(user === undefined ? accounts : [user]);
  if (account.uid === 0) return account.name;
  const group = lookUp(`getent group ${GROUP}`, () => addon().group(GROUP));
  const shared = { ...account, gid: group ?? account.gid };
  shareState(state, shared);
  // These load on first use what the account may not be able to read: the database engine in this
  // checkout, and the certificates that NODE_EXTRA_CA_CERTS names. So they are used now.
  memoryStore().close();
  createSecureContext();
  becomeUser(shared, programsMayGain);
  try {
    accessSync(state.directory, constants.R_OK | constants.W_OK | constants.X_OK);
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
 * Hands the state directory, both stores and the evidence to the account and its group, so that each
 * account of the group can write what another has made.
 */
function shareState(state: State, account: Account): void {
  const { directory, evidence } = state;
  makeDirectory(evidence);
  process.umask(0o007);
  // The state directory itself may be a link: whoever runs this process says where it is. Links in
  // it are not followed, because the account may have put them there.
  handOver(realpathSync(directory), account, 0o2770);
  handOver(evidence, account, 0o2770);
  const bundles = readdirSync(evidence).map((name) => join(evidence, name));
  for (const path of [...storeFiles(state), ...hashStoreFiles(directory), ...bundles])
    handOver(path, account, 0o660);
}

/**
 * Makes a file or directory the account's and its group's, with this mode; a file that another
 * account has made keeps its owner. It changes only what is otherwise: the package has made all
 * this already, and a service may lack the rights. It leaves links alone, hard ones too: by a link,
 * whoever can write the directory could have root give away any file of the machine. A file that
 * does not exist is passed over, because those of the store come and go.
 */
function handOver(path: string, { name, uid, gid }: Account, mode: number): void {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (['ENOENT', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) return;
    throw error;
  }
  let isShared = false;
  try {
    const now = fstatSync(file);
    if (!now.isDirectory() && !(now.isFile() && now.nlink === 1)) return;
    isShared = now.gid === gid && now.uid !== 0;
    if (!isShared) fchownSync(file, now.isFile() && now.uid !== 0 ? now.uid : uid, gid);
    if ((now.mode & 0o7777) !== mode || !isShared) fchmodSync(file, mode);
  } catch (error) {
    // The group can read it. If that is not enough, whoever needs more will say so.
    if (isShared) return;
    throw new CtgaError(
      'not-permitted',
      `cannot hand ${path} over to ${name}: ${messageOf(error)}`,
      { remedy: `As root: chown ${uid}:${gid} ${path} && chmod ${mode.toString(8)} ${path}` },
    );
  } finally {
    closeSync(file);
  }
}

/** The first of these accounts that exists. */
function findAccount(names: readonly string[]): Account {
  for (const name of names) {
    const ids = lookUp(`getent passwd ${name}`, () => addon().account(name));
    if (ids !== undefined) return { name, ...ids };
  }
  throw badInput(
    `no account is called "${names.at(-1) ?? ''}"`,
    'Make one: adduser --system --group ctga',
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

function becomeUser({ name, uid, gid }: Account, programsMayGain: boolean): void {
  try {
    addon().becomeUser(uid, gid, programsMayGain);
  } catch (error) {
    if (error instanceof CtgaError) throw error;
    throw new CtgaError('not-permitted', `cannot become ${name}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
