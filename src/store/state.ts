/**
 * Where one installation keeps what it knows: a directory with the database and the evidence files.
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { CtgaError } from '../errors.ts';
import { openDatabase, setAside } from './open.ts';
import { makeReserve } from './reserve.ts';
import { Store } from './store.ts';

export interface State {
  readonly directory: string;
  readonly database: string;
  readonly evidence: string;
}

/** root keeps state for the machine, anybody else for himself (XDG Base Directory, XDG_STATE_HOME). */
export function stateAt(directory: string | undefined): State {
  const root = resolve(directory ?? defaultDirectory());
  return { directory: root, database: join(root, 'ctga.db'), evidence: join(root, 'evidence') };
}

function defaultDirectory(): string {
  if (process.geteuid?.() === 0) return '/var/lib/ctga';
  return join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local/state'), 'ctga');
}

/** For commands that only show: an installation that has seen nothing yet is empty, and stays unmade. */
export function openForReading(state: State): Store {
  return new Store(openDatabase(existsSync(state.database) ? state.database : ':memory:'));
}

/** For commands that add a little and then end: damage stops them. */
export function openForWriting(state: State): Store {
  return new Store(openDatabase(state.database));
}

/** The same for a store that is in use: what is written next goes into a new database. Throws where none can be made. */
export function renewDamaged(state: State, store: Store, onSetAside: (message: string) => void): void {
  store.renew(() => {
    const aside = setAside(state.database, Date.now());
    onSetAside(`the database ${state.database} is damaged; it is kept as ${aside}, and a new one is started`);
    return openDatabase(state.database);
  });
}

/**
 * For the observer and the challenger, which must go on: a damaged database is set aside under a new name,
 * and `onSetAside` is told. Nothing is deleted, and evidence is in files of its own.
 */
export function openOrStartAnew(state: State, onSetAside: (message: string) => void): Store {
  const open = (): Store => {
    const store = new Store(openDatabase(state.database, true));
    makeReserve(state.directory);
    return store;
  };
  try {
    return open();
  } catch (error) {
    if (!(error instanceof CtgaError && error.code === 'store-damaged')) throw error;
    const aside = setAside(state.database, Date.now());
    onSetAside(`${error.message}; it is kept as ${aside}, and a new one is started`);
    return open();
  }
}
