// SPDX-License-Identifier: Apache-2.0
/** Where the things of one account are. */
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { badInput } from './errors.ts';

/**
 * The home directory of this account: what HOME says, or the account database where that is no
 * absolute path. Throws CtgaError `bad-input` where neither knows one.
 */
export function homeDirectory(): string {
  for (const look of [homedir, () => userInfo().homedir])
    try {
      const home = look();
      if (isAbsolute(home)) return home;
    } catch {
      // An account that no database knows, as in some containers.
    }
  throw badInput(
    'this account has no home directory, so it is not clear where its store is',
    'Set HOME, or name a directory with --state-dir.',
  );
}

/**
 * The directory of the account's state: XDG_STATE_HOME if it is an absolute path, since others are to
 * be ignored (XDG Base Directory Specification), else ~/.local/state.
 */
export function stateHome(): string {
  const given = process.env['XDG_STATE_HOME'] ?? '';
  return isAbsolute(given) ? given : join(homeDirectory(), '.local/state');
}
