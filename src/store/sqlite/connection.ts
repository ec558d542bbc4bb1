// SPDX-License-Identifier: Apache-2.0
/**
 * One connection to SQLite. Its database may be exchanged for another while it is in use, and
 * prepared statements go on working. Errors of SQLite become the store's own (errors.ts).
 */
import type Database from 'better-sqlite3';
import { asStoreError, damaged } from './errors.ts';
import { faultIn, mayComeOfDamage } from './suspicion.ts';

export class Connection {
  #database: Database.Database;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  get database(): Database.Database {
    return this.#database;
  }

  /**
   * Named parameters and columns are properties of `Parameters` and `Row`. A statement without
   * parameters is run with `{}`.
   */
  statement<Parameters extends object, Row = never>(sql: string): Statement<Parameters, Row> {
    return new Statement(this, sql);
  }

  /**
   * Commits what `work` does, or undoes it if it throws. It waits for other writers before it reads
   * anything: a transaction that reads first and then writes could end in SQLITE_BUSY_SNAPSHOT.
   */
  transaction<T>(work: () => T): T {
    return this.attempt(() => this.#database.transaction(work).immediate());
  }

  attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const known = asStoreError(error, this.#database.name);
      if (known !== error || !mayComeOfDamage(error) || this.#database.inTransaction) throw known;
      // What ctga writes cannot fail so: either the file is not what was written, or this is a bug.
      const fault = faultIn(this.#database);
      throw fault === undefined ? error : damaged(this.#database.name, fault, error);
    }
  }

  /** Goes on in another database and closes the old one. */
  exchange(database: Database.Database): void {
    const old = this.#database;
    this.#database = database;
    // SQLite does not touch the journal of a file that is no longer where it was opened.
    old.close();
  }

  close(): void {
    this.#database.close();
  }
}

/** Prepared at its first use, once for each database. */
class Statement<Parameters extends object, Row = never> {
  readonly #connection: Connection;
  readonly #sql: string;
  #preparedFor: Database.Database | undefined;
  #prepared: Database.Statement<object[], Row> | undefined;

  constructor(connection: Connection, sql: string) {
    this.#connection = connection;
    this.#sql = sql;
  }

  /** Returns how many rows were changed. */
  run(parameters: Parameters): number {
    return this.#connection.attempt(() => this.#prepare().run(parameters).changes);
  }

  get(parameters: Parameters): Row | undefined {
    return this.#connection.attempt(() => this.#prepare().get(parameters));
  }

  all(parameters: Parameters): Row[] {
    return this.#connection.attempt(() => this.#prepare().all(parameters));
  }

  *iterate(parameters: Parameters): Generator<Row, void, undefined> {
    const rows = this.#connection.attempt(() => this.#prepare().iterate(parameters));
    try {
      for (;;) {
        const next = this.#connection.attempt(() => rows.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      rows.return?.();
    }
  }

  #prepare(): Database.Statement<object[], Row> {
    const { database } = this.#connection;
    if (this.#prepared === undefined || this.#preparedFor !== database) {
      this.#prepared = database.prepare<object[], Row>(this.#sql);
      this.#preparedFor = database;
    }
    return this.#prepared;
  }
}
export type { Statement };

export type NoParameters = Readonly<Record<string, never>>;
