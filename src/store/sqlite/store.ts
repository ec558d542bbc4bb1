// SPDX-License-Identifier: Apache-2.0
/** The store in SQLite: one connection, and every role over it. */
import { leaveReadable } from '../../disk/directory.ts';
import type { StoreWithFile } from '../file.ts';
import { SqliteAlerts } from './alerts.ts';
import { Connection } from './connection.ts';
import { SqliteCounters } from './counters.ts';
import { SqliteEvidence } from './evidence.ts';
import { SqliteExchange } from './exchange.ts';
import { SqliteDamagedRows } from './damaged-rows.ts';
import { fileAt, SqliteFile, type FileIdentity, type OpenedFile } from './file.ts';
import { SqliteHeads } from './heads.ts';
import { SqliteLogs } from './logs.ts';
import { SqlitePlanes } from './planes.ts';
import { SqlitePublishing } from './publishing.ts';
import { isOutdated } from './read-only.ts';
import { SqliteVerdicts } from './verdicts.ts';

export class SqliteStore implements StoreWithFile {
  readonly heads: SqliteHeads;
  readonly verdicts: SqliteVerdicts;
  readonly evidence: SqliteEvidence;
  readonly logs: SqliteLogs;
  readonly planes: SqlitePlanes;
  readonly alerts: SqliteAlerts;
  readonly counters: SqliteCounters;
  readonly exchange: SqliteExchange;
  readonly publishing: SqlitePublishing;
  readonly file: SqliteFile;
  protected readonly damagedRows: SqliteDamagedRows;
  readonly #connection: Connection;
  readonly #path: string;
  #openedFile: FileIdentity | undefined;

  /** `opened` is the database at `path`. It has no file if it is in memory. */
  constructor(path: string, { database, file }: OpenedFile) {
    const connection = new Connection(database);
    this.#connection = connection;
    this.#path = path;
    this.#openedFile = file;
    this.damagedRows = new SqliteDamagedRows(connection);
    this.exchange = new SqliteExchange(connection, this.damagedRows);
    this.heads = new SqliteHeads(connection, this.damagedRows, this.exchange);
    this.verdicts = new SqliteVerdicts(connection, this.damagedRows);
    this.evidence = new SqliteEvidence(connection, this.damagedRows, path);
    this.logs = new SqliteLogs(connection);
    this.planes = new SqlitePlanes(connection);
    this.alerts = new SqliteAlerts(connection);
    this.counters = new SqliteCounters(connection);
    this.publishing = new SqlitePublishing(connection, this.exchange, this.evidence);
    this.file = new SqliteFile(connection, path);
  }

  protected get openedFile(): FileIdentity | undefined {
    return this.#openedFile;
  }

  protected goOnIn({ database, file }: OpenedFile): void {
    this.damagedRows.forget();
    this.#connection.exchange(database);
    this.#openedFile = file;
  }

  changes(): number {
    return this.#connection.attempt(
      () => this.#connection.database.pragma('data_version', { simple: true }) as number,
    );
  }

  isInPlace(): boolean {
    return fileAt(this.#path) === this.#openedFile && !isOutdated(this.#connection.database);
  }

  close(): void {
    try {
      this.damagedRows.settle();
    } catch {
      // Who may only read, or has no room, leaves it to others.
    }
    const { memory, readonly } = this.#connection.database;
    this.#connection.close();
    if (!memory && !readonly) leaveReadable(this.#path);
  }
}
