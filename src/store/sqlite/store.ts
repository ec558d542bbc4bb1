/** The store in SQLite: one connection, and every role over it. */
import type Database from 'better-sqlite3';
import type { Store } from '../store.ts';
import { SqliteAlerts } from './alerts.ts';
import { Connection } from './connection.ts';
import { SqliteCounters } from './counters.ts';
import { SqliteEvidence } from './evidence.ts';
import { SqliteHeads } from './heads.ts';
import { SqliteLogs } from './logs.ts';
import { SqlitePlanes } from './planes.ts';
import { SqliteVerdicts } from './verdicts.ts';

export class SqliteStore implements Store {
  readonly heads: SqliteHeads;
  readonly verdicts: SqliteVerdicts;
  readonly evidence: SqliteEvidence;
  readonly logs: SqliteLogs;
  readonly planes: SqlitePlanes;
  readonly alerts: SqliteAlerts;
  readonly counters: SqliteCounters;
  readonly #connection: Connection;

  constructor(database: Database.Database) {
    const connection = new Connection(database);
    this.#connection = connection;
    this.heads = new SqliteHeads(connection);
    this.verdicts = new SqliteVerdicts(connection);
    this.evidence = new SqliteEvidence(connection);
    this.logs = new SqliteLogs(connection);
    this.planes = new SqlitePlanes(connection);
    this.alerts = new SqliteAlerts(connection);
    this.counters = new SqliteCounters(connection);
  }

  changes(): number {
    return this.#connection.database.pragma('data_version', { simple: true }) as number;
  }

  /** Goes on in another database, in place of one that is no good any more. */
  exchange(database: Database.Database): void {
    this.#connection.exchange(database);
  }

  close(): void {
    this.#connection.close();
  }
}
