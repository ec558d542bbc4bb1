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
import { memoryStore, storeFiles, type State } from '../store/state.ts';

/**
 * The accounts that a process becomes: the first of them that exists. The package makes one for the
 * observer and one for the challenger; both are in the group, by which they share the store.
 */
export const OBSERVER_ACCOUNTS = ['ctga', 'nobody'] as const;
export const CHALLENGER_ACCOUNTS = ['ctga-challenger', 'ctga', 'nobody'] as const;
const GROUP = 'ctga';

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
  // What is loaded only when first used is loaded now: the account may not be able to read this
  // checkout, nor the certificates that NODE_EXTRA_CA_CERTS names.
  memoryStore().close();
  createSecureContext();
  becomeUser(shared, programsMayGain);
  try {
    accessSync(state.directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    throw new CtgaError(
      'not-permitted',
      `${account.name}, as whom this runs, cannot reach ${state.directory}`,
      {
        remedy:
          'A directory above it is closed to others: open it (chmod o+x), or name another with --state-dir, or another account with --user.',
      },
    );
  }
  return account.name;
}

/** Lets every account of the group write what any of them makes. */
function shareState(state: State, account: Account): void {
  const { directory, evidence } = state;
  makeDirectory(evidence);
  process.umask(0o007);
  // Where the state directory lies is for whoever runs this to say; what is in it may be anything.
  own(realpathSync(directory), account, 0o2770);
  own(evidence, account, 0o2770);
  for (const path of [
    ...storeFiles(state),
    ...readdirSync(evidence).map((name) => join(evidence, name)),
  ])
    own(path, account, 0o660);
}

/**
 * Hands a file that root has made, or a directory, to the account. Only where it is otherwise: a
 * service may lack the rights, and the package has made it so. Whoever can write the directory
 * could have root give him any file of the machine by a link: links are left alone, hard ones too.
 * Journals come and go.
 */
function own(path: string, { name, uid, gid }: Account, mode: number): void {
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
    // Whose it is, the group can read it; what else is wanted of it will show.
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
