// SPDX-License-Identifier: Apache-2.0
/**
 * What a member of a federation keeps, in SQLite: `federation.sqlite` in its directory. A member that
 * loses it may contradict itself in the period that it is in, and learns the rest from its peers.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SqliteFile, type SqliteKind } from '../disk/sqlite-file.ts';
import { concat, hex, list, readAll, readList, u32, u64 } from './bytes.ts';
import type { Forgotten, MemberStore } from './member.ts';
import { encodeWholeLock, readWholeLock } from './messages.ts';
import type { Roster } from './roster.ts';
import type { KeptRound } from './round.ts';

const DATABASE: SqliteKind = {
  version: 1,
  schema: `
    -- See KeptRound. size: of the roster.
    CREATE TABLE rounds (period INTEGER PRIMARY KEY, size INTEGER NOT NULL, kept BLOB NOT NULL) STRICT;
    CREATE TABLE rosters (epoch INTEGER PRIMARY KEY, roster TEXT NOT NULL) STRICT;
    -- Put here by a person, to be taken in by the member that runs.
    CREATE TABLE pending (epoch INTEGER PRIMARY KEY, roster TEXT NOT NULL) STRICT;
    CREATE TABLE certificates (id INTEGER PRIMARY KEY, period INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;
    CREATE INDEX certificates_by_period ON certificates (period);
    CREATE TABLE objects (id BLOB PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;
  `,
  synchronous: 'FULL',
  ifRemoved:
    'the member takes no part in the period that it is in, is given its rosters again by "ctga federation join ROSTER", and fetches what was stated from its peers',
};

export class FederationStore implements MemberStore {
  readonly #file: SqliteFile;

  private constructor(file: SqliteFile) {
    this.#file = file;
  }

  /**
   * Opens the store in a member's directory, and makes it if there is none; a damaged one is set
   * aside. Throws StoreError `store-failed` if it cannot.
   */
  static open(directory: string): FederationStore {
    return new FederationStore(SqliteFile.open(pathIn(directory), DATABASE));
  }

  static isIn(directory: string): boolean {
    return existsSync(pathIn(directory));
  }

  /** Undefined if there is none. Throws StoreError `store-failed` if it cannot be read. */
  static openForReading(directory: string): FederationStore | undefined {
    const file = SqliteFile.openForReading(pathIn(directory), DATABASE);
    return file && new FederationStore(file);
  }

  static inMemory(): FederationStore {
    return new FederationStore(SqliteFile.inMemory(DATABASE));
  }

  /** See SqliteFile.damage. */
  get damage(): AbortSignal {
    return this.#file.damage;
  }

  close(): void {
    this.#file.close();
  }

  keptRound(period: number): KeptRound | undefined {
    const [row] = this.#all('SELECT size, kept FROM rounds WHERE period = ?', period) as {
      size: number;
      kept: Buffer;
    }[];
    if (row === undefined) return undefined;
    return readAll(new Uint8Array(row.kept), (cursor) => ({
      period,
      view: cursor.u32(),
      locks: readList(cursor, 512, () => readWholeLock(cursor, row.size)),
    }));
  }

  keepRound({ period, view, locks }: KeptRound, { size }: Roster): void {
    const kept = concat([u32(view), list(locks.map(encodeWholeLock))]);
    this.#run(
      `INSERT INTO rounds VALUES (?, ?, ?)
        ON CONFLICT DO UPDATE SET size = excluded.size, kept = excluded.kept`,
      period,
      size,
      kept,
    );
  }

  rosters(): string[] {
    const rows = this.#all('SELECT roster FROM rosters ORDER BY epoch') as { roster: string }[];
    return rows.map(({ roster }) => roster);
  }

  addRoster(epoch: number, text: string): void {
    this.#run('INSERT INTO rosters VALUES (?, ?)', epoch, text);
  }

  pendingRoster(epoch: number): string | undefined {
    const [row] = this.#all('SELECT roster FROM pending WHERE epoch = ?', epoch) as {
      roster: string;
    }[];
    return row?.roster;
  }

  putPendingRoster(epoch: number, text: string): void {
    this.#run('INSERT OR REPLACE INTO pending VALUES (?, ?)', epoch, text);
  }

  periods(): number[] {
    const rows = this.#all('SELECT DISTINCT period FROM certificates ORDER BY period');
    return (rows as { period: number }[]).map(({ period }) => period);
  }

  /** Those that have more than one. */
  crowdedPeriods(): number[] {
    const rows = this.#all(
      'SELECT period FROM certificates GROUP BY period HAVING count(*) > 1 ORDER BY period',
    );
    return (rows as { period: number }[]).map(({ period }) => period);
  }

  certificates(period: number): Uint8Array[] {
    const rows = this.#all('SELECT bytes FROM certificates WHERE period = ? ORDER BY id', period);
    return (rows as { bytes: Buffer }[]).map(({ bytes }) => new Uint8Array(bytes));
  }

  addCertificate(period: number, bytes: Uint8Array): void {
    this.#run('INSERT INTO certificates (period, bytes) VALUES (?, ?)', period, bytes);
  }

  forgetBefore(period: number, kind: Forgotten): void {
    if (period <= 0) return;
    if (kind === 'rounds') return this.#run('DELETE FROM rounds WHERE period < ?', period);
    if (kind === 'certificates')
      return this.#run('DELETE FROM certificates WHERE period < ?', period);
    // See idOf: cosignatures are kind 5.
    this.#run(
      'DELETE FROM objects WHERE id >= ? AND id < ?',
      Buffer.of(5),
      Buffer.concat([Buffer.of(5), u64(period)]),
    );
  }

  objects(): Uint8Array[] {
    const rows = this.#all('SELECT id FROM objects ORDER BY id') as { id: Buffer }[];
    return rows.map(({ id }) => new Uint8Array(id));
  }

  object(id: Uint8Array): Uint8Array | undefined {
    const [row] = this.#all('SELECT bytes FROM objects WHERE id = ?', Buffer.from(id)) as {
      bytes: Buffer;
    }[];
    return row && new Uint8Array(row.bytes);
  }

  putObject(id: Uint8Array, bytes: Uint8Array): void {
    this.#run('INSERT OR REPLACE INTO objects VALUES (?, ?)', Buffer.from(id), Buffer.from(bytes));
  }

  #all(sql: string, ...values: readonly unknown[]): unknown[] {
    return this.#file.attempt(() => this.#file.statement(sql).all(...values));
  }

  #run(sql: string, ...values: readonly unknown[]): void {
    this.#file.attempt(() => this.#file.statement(sql).run(...values));
  }
}

function pathIn(directory: string): string {
  return join(directory, 'federation.sqlite');
}

/** A store as long as the process, for simulations of many members. */
export class MemoryStore implements MemberStore {
  readonly #rounds = new Map<number, KeptRound>();
  readonly #rosters: string[] = [];
  readonly #certificates = new Map<number, Uint8Array[]>();
  readonly #objects = new Map<string, Uint8Array>();

  keptRound(period: number): KeptRound | undefined {
    return this.#rounds.get(period);
  }

  keepRound(kept: KeptRound): void {
    this.#rounds.set(kept.period, kept);
  }

  rosters(): readonly string[] {
    return this.#rosters;
  }

  addRoster(epoch: number, text: string): void {
    this.#rosters[epoch] = text;
  }

  periods(): number[] {
    return [...this.#certificates.keys()].sort((a, b) => a - b);
  }

  certificates(period: number): readonly Uint8Array[] {
    return this.#certificates.get(period) ?? [];
  }

  addCertificate(period: number, bytes: Uint8Array): void {
    this.#certificates.set(period, [...this.certificates(period), bytes]);
  }

  forgetBefore(period: number, kind: Forgotten): void {
    if (kind !== 'cosignatures') {
      const map = kind === 'rounds' ? this.#rounds : this.#certificates;
      for (const each of map.keys()) if (each < period) map.delete(each);
      return;
    }
    const bound = hex(concat([Uint8Array.of(5), u64(Math.max(0, period))]));
    for (const id of this.#objects.keys())
      if (id.startsWith('05') && id < bound) this.#objects.delete(id);
  }

  objects(): Uint8Array[] {
    return [...this.#objects.keys()].sort().map((id) => new Uint8Array(Buffer.from(id, 'hex')));
  }

  object(id: Uint8Array): Uint8Array | undefined {
    return this.#objects.get(hex(id));
  }

  putObject(id: Uint8Array, bytes: Uint8Array): void {
    this.#objects.set(hex(id), bytes);
  }
}
