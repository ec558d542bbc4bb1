/**
 * Giving up root for good. The observer parses what anybody sends, the challenger what hostile logs
 * answer; neither needs more than the store, what it has opened already, and the challenger a TCP
 * connection to its proxy.
 */
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  openSync,
  readFileSync,
  readdirSync,
  realpathSync,
} from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { addon } from '../native/addon.ts';
import { CtgaError, badInput, messageOf } from '../base/errors.ts';
import { makeDirectory } from '../disk/directory.ts';
import { openDatabase } from '../store/sqlite/open.ts';
import type { State } from '../store/state.ts';

/** Who parses: each process its own account, if there is one; they share the store by the group. */
export const OBSERVER_ACCOUNTS = ['ctga', 'nobody'] as const;
export const CHALLENGER_ACCOUNTS = ['ctga-challenger', 'ctga', 'nobody'] as const;
const GROUP = 'ctga';

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * As root, becomes `user`, or the first of `accounts` that there is, and hands the state directory
 * over before; root still reads and writes there. Returns the account's name, or undefined where
 * this process is not root and stays who it is. `root` as a user is respected. `programsMayGain`:
 * what it runs may have more rights than itself, as sendmail must.
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
  const names = user === undefined ? accounts : [user];
  const account = names.map(findAccount).find((each) => each !== undefined);
  if (account === undefined)
    throw badInput(
      `no account is called "${names.at(-1) ?? ''}"`,
      'Make one: adduser --system --group ctga',
    );
  if (account.uid === 0) return account.name;
  const shared = { ...account, gid: findGroup(GROUP) ?? account.gid };
  shareState(state, shared);
  // What is loaded only when first used is loaded now: the account may not be able to read this
  // checkout, nor the certificates that NODE_EXTRA_CA_CERTS names.
  openDatabase(':memory:').close();
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

/**
 * What one account of the group makes, another can write: SQLite gives its journals the mode of the
 * database.
 */
function shareState({ directory, database, evidence }: State, account: Account): void {
  makeDirectory(evidence);
  process.umask(0o007);
  // Where the state directory lies is for whoever runs this to say; what is in it may be anything.
  own(realpathSync(directory), account, 0o2770);
  own(evidence, account, 0o2770);
  const files = [database, `${database}-wal`, `${database}-shm`];
  for (const path of [...files, ...readdirSync(evidence).map((name) => join(evidence, name))])
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

/** From /etc/passwd (passwd(5)): name:password:uid:gid:... */
function findAccount(name: string): Account | undefined {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [account, , uid, gid] = line.split(':');
    if (account === name) return { name, uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

/** From /etc/group (group(5)): name:password:gid:... */
function findGroup(name: string): number | undefined {
  for (const line of readFileSync('/etc/group', 'utf8').split('\n')) {
    const [group, , gid] = line.split(':');
    if (group === name) return Number(gid);
  }
  return undefined;
}
