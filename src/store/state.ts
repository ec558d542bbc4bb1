/**
 * Where one installation keeps what it knows: a directory with the database and the evidence files.
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { openDatabase } from './sqlite/open.ts';
import type { Store } from './store.ts';
import { SqliteStore } from './sqlite/store.ts';

export { isDamage } from './sqlite/open.ts';

export interface State {
  readonly directory: string;
  readonly database: string;
  readonly evidence: string;
}

/**
 * root keeps state for the machine, anybody else for himself (XDG Base Directory, XDG_STATE_HOME).
 */
export function stateAt(directory: string | undefined): State {
  const root = resolve(directory ?? defaultDirectory());
  return { directory: root, database: join(root, 'ctga.db'), evidence: join(root, 'evidence') };
}

function defaultDirectory(): string {
  if (process.geteuid?.() === 0) return '/var/lib/ctga';
  return join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local/state'), 'ctga');
}

/**
 * For commands that only show: an installation that has seen nothing yet is empty, and stays
 * unmade.
 */
export function openForReading(state: State): Store {
  return new SqliteStore(openDatabase(existsSync(state.database) ? state.database : ':memory:'));
}

/**
 * For commands that add a little and then end: damage stops them. What runs for long: in-use.ts.
 */
export function openForWriting(state: State): Store {
  return new SqliteStore(openDatabase(state.database));
}

/** A store that is in memory alone and ends with its use. */
export function memoryStore(): Store {
  return new SqliteStore(openDatabase(':memory:'));
}
