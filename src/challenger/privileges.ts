/**
 * Giving up root for good. The challenger parses what hostile logs answer and needs nothing but the store
 * and a TCP connection to its proxy.
 */
import { accessSync, chownSync, constants, existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { addon } from '../dataplane/addon.ts';
import { CtgaError, badInput, messageOf } from '../errors.ts';
import { makeDirectory } from '../store/directory.ts';
import { openDatabase } from '../store/open.ts';
import type { State } from '../store/state.ts';

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * As root, becomes `user` (default: `ctga` where there is such an account, else `nobody`) and hands the
 * state directory over first; root still reads and writes there. Returns the account's name, or undefined
 * where this process is not root and stays who it is.
 */
export function dropPrivileges(state: State, user: string | undefined): string | undefined {
  if (process.geteuid?.() !== 0) {
    if (user !== undefined)
      throw badInput(
        '--user needs root, which this process is not',
        'Leave it out: the challenger runs as you.',
      );
    return undefined;
  }
  const account = user === undefined ? (findAccount('ctga') ?? findAccount('nobody')) : findAccount(user);
  if (account === undefined)
    throw badInput(`no account is called "${user ?? 'nobody'}"`, 'Make one: adduser --system --group ctga');
  makeDirectory(state.evidence);
  for (const path of ownedPaths(state)) chownSync(path, account.uid, account.gid);
  // What is loaded only when first used is loaded now: the account may not be able to read this checkout, nor
  // the certificates that NODE_EXTRA_CA_CERTS names.
  openDatabase(':memory:').close();
  createSecureContext();
  becomeUser(account);
  try {
    accessSync(state.directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    throw new CtgaError(
      'not-permitted',
      `${account.name}, as whom the challenger runs, cannot reach ${state.directory}`,
      {
        remedy:
          'A directory above it is closed to others: open it (chmod o+x), or name another with --state-dir, or another account with --user.',
      },
    );
  }
  return account.name;
}

function becomeUser({ name, uid, gid }: Account): void {
  try {
    addon().becomeUser(uid, gid);
  } catch (error) {
    if (error instanceof CtgaError) throw error;
    throw new CtgaError('not-permitted', `cannot become ${name}: ${messageOf(error)}`, { cause: error });
  }
}

function ownedPaths({ directory, database, evidence }: State): string[] {
  const files = [database, `${database}-wal`, `${database}-shm`].filter((path) => existsSync(path));
  return [directory, evidence, ...files, ...readdirSync(evidence).map((name) => join(evidence, name))];
}

/** From /etc/passwd (passwd(5)): name:password:uid:gid:... */
function findAccount(name: string): Account | undefined {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [account, , uid, gid] = line.split(':');
    if (account === name) return { name, uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}
