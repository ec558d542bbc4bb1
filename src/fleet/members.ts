// SPDX-License-Identifier: Apache-2.0
/**
 * What one member knows of the others: how far each was heard, what was refused of it, and under
 * which identity its sightings are counted here. An SQLite file in the state directory.
 */
import { join } from 'node:path';
import { IDENTITY_DIGITS } from '../store/exchange.ts';
import { SqliteFile, type SqliteKind } from '../disk/sqlite-file.ts';
import { fleetIn } from './directory.ts';
import { tells, type MemberRole, type Told } from './roster.ts';
import type { Allowance, Heard, Hole } from './sequence.ts';

const KIND: SqliteKind = {
  version: 1,
  // What is in it is behind the store and never ahead: what is lost is heard again.
  synchronous: 'NORMAL',
  ifRemoved: 'then it is not known which batches of a fleet are missing',
  schema: `
    CREATE TABLE members (
      member     TEXT PRIMARY KEY,
      -- JSON; see sequence.ts.
      heard      TEXT NOT NULL,
      left       REAL NOT NULL,
      at         REAL NOT NULL,
      number     INTEGER NOT NULL,
      -- When the bus had its last batch, in ms since the epoch, and by how much its own clock was ahead.
      last_heard INTEGER NOT NULL,
      clock_off  INTEGER NOT NULL,
      batches    INTEGER NOT NULL,
      missing    INTEGER NOT NULL,
      waiting    INTEGER NOT NULL,
      given_up   INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE refused (
      member TEXT NOT NULL,
      reason TEXT NOT NULL,
      count  INTEGER NOT NULL,
      PRIMARY KEY (member, reason)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE origins (
      member TEXT NOT NULL,
      store  TEXT NOT NULL,
      origin TEXT NOT NULL UNIQUE,
      PRIMARY KEY (member, store)
    ) STRICT, WITHOUT ROWID;
  `,
  // One row: JSON, a KnownFleet. When something was last heard of each store, in days since 1970. And by how much the clock of each stream was behind that of this machine.
  later: `
    CREATE TABLE IF NOT EXISTS fleet (
      id    INTEGER PRIMARY KEY CHECK (id = 0),
      known TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS origin_days (
      member TEXT NOT NULL,
      store  TEXT NOT NULL,
      day    INTEGER NOT NULL,
      PRIMARY KEY (member, store)
    ) STRICT, WITHOUT ROWID;
    DROP TABLE IF EXISTS bus_clock;
    CREATE TABLE IF NOT EXISTS bus_clocks (
      told   TEXT PRIMARY KEY,
      behind INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
  `,
};

/** The fleet as the roster of this member has it, for whoever may not read the roster. */
export interface KnownFleet {
  readonly fleet: string;
  /** The name of the member that keeps this. */
  readonly self: string;
  readonly intervalSeconds: number;
  readonly members: readonly { readonly name: string; readonly role: MemberRole }[];
}

export interface MemberState {
  readonly member: string;
  readonly heard: Heard;
  readonly allowance: Allowance;
  readonly lastHeard: number;
  readonly clockOff: number;
  /** That were taken in. */
  readonly batches: number;
  /** That were sent and never came. */
  readonly missing: number;
  /** Heads that wait at the member, and that it gave up in all, as it last said. */
  readonly waiting: number;
  readonly givenUp: number;
}

interface MemberRow {
  readonly member: string;
  readonly heard: string;
  readonly left: number;
  readonly at: number;
  readonly number: number;
  readonly last_heard: number;
  readonly clock_off: number;
  readonly batches: number;
  readonly missing: number;
  readonly waiting: number;
  readonly given_up: number;
}

/**
 * So many stores of one member are told apart at a time: one that loses its store each time that its
 * machine starts has as many in a while, and one that has as many in a day lies.
 */
const MOST_STORES = 64;

export class MemberStore {
  readonly #file: SqliteFile;

  private constructor(file: SqliteFile) {
    this.#file = file;
  }

  /** Throws StoreError `store-failed`. */
  static open(stateDirectory: string): MemberStore {
    return new MemberStore(SqliteFile.open(pathIn(stateDirectory), KIND));
  }

  /** Undefined if there is none. Throws StoreError `store-failed` if it cannot be read. */
  static openForReading(stateDirectory: string): MemberStore | undefined {
    const file = SqliteFile.openForReading(pathIn(stateDirectory), KIND);
    return file && new MemberStore(file);
  }

  static inMemory(): MemberStore {
    return new MemberStore(SqliteFile.inMemory(KIND));
  }

  /** By name. */
  members(): MemberState[] {
    const rows = this.#file.attempt(() =>
      this.#file.statement('SELECT * FROM members ORDER BY member').all(),
    ) as MemberRow[];
    return rows.map((row) => ({
      member: row.member,
      heard: heardIn(row.heard),
      allowance: { left: row.left, at: row.at, number: row.number },
      lastHeard: row.last_heard,
      clockOff: row.clock_off,
      batches: row.batches,
      missing: row.missing,
      waiting: row.waiting,
      givenUp: row.given_up,
    }));
  }

  /**
   * Puts down what became of some batches, in one transaction. `busBehind`: by how much the clock of
   * a stream was behind this machine's when the last of them came, in ms.
   */
  put(
    members: Iterable<MemberState>,
    refused: ReadonlyMap<string, ReadonlyMap<string, number>>,
    busBehind: ReadonlyMap<Told, number> = new Map(),
  ): void {
    this.#file.transaction(() => {
      for (const [told, behind] of busBehind)
        this.#file
          .statement('INSERT OR REPLACE INTO bus_clocks (told, behind) VALUES (?, ?)')
          .run(told, behind);
      const put = this.#file.statement(
        `INSERT OR REPLACE INTO members (member, heard, left, at, number, last_heard, clock_off, batches, missing, waiting, given_up)
         VALUES (@member, @heard, @left, @at, @number, @lastHeard, @clockOff, @batches, @missing, @waiting, @givenUp)`,
      );
      for (const { heard, allowance, ...state } of members)
        put.run({ ...state, ...allowance, heard: heardText(heard) });
      const count = this.#file.statement(
        `INSERT INTO refused (member, reason, count) VALUES (@member, @reason, @count)
         ON CONFLICT DO UPDATE SET count = count + excluded.count`,
      );
      for (const [member, reasons] of refused)
        for (const [reason, times] of reasons) count.run({ member, reason, count: times });
    });
  }

  /** Puts down who is in the fleet, in place of what was put down before. */
  putFleet(fleet: KnownFleet): void {
    this.#file.transaction(() =>
      this.#file
        .statement('INSERT OR REPLACE INTO fleet (id, known) VALUES (0, ?)')
        .run(JSON.stringify(fleet)),
    );
  }

  /** Undefined where the member was never run by a ctga that puts it down. */
  fleet(): KnownFleet | undefined {
    const [row] = this.#tableOf('fleet') as { known: string }[];
    return row && (JSON.parse(row.known) as KnownFleet);
  }

  /**
   * By how much the clock of the bus, as it has what members of this role tell, was behind this machine's
   * when something was last heard, in ms: with it, times of the bus and of this machine may be compared. 0
   * where nobody knows.
   */
  busBehind(role: MemberRole): number {
    const clocks = this.#tableOf('bus_clocks') as { told: Told; behind: number }[];
    return clocks.find(({ told }) => told === tells(role))?.behind ?? 0;
  }

  /** A reader makes no tables. */
  #tableOf(table: 'fleet' | 'bus_clocks'): unknown[] {
    return this.#file.attempt(() => {
      const made = this.#file.statement('SELECT 1 FROM sqlite_master WHERE name = ?').get(table);
      return made === undefined ? [] : this.#file.statement(`SELECT * FROM ${table}`).all();
    });
  }

  /** How often something of a member was refused, by reason. */
  refused(member: string): Record<string, number> {
    const rows = this.#file.attempt(() =>
      this.#file
        .statement('SELECT reason, count FROM refused WHERE member = ? ORDER BY reason')
        .all(member),
    ) as { reason: string; count: number }[];
    return Object.fromEntries(rows.map(({ reason, count }) => [reason, count]));
  }

  /** The same of all members at once. */
  refusedOfAll(): Map<string, Record<string, number>> {
    const rows = this.#file.attempt(() =>
      this.#file
        .statement('SELECT member, reason, count FROM refused ORDER BY member, reason')
        .all(),
    ) as { member: string; reason: string; count: number }[];
    const all = new Map<string, Record<string, number>>();
    for (const { member, reason, count } of rows)
      all.set(member, { ...all.get(member), [reason]: count });
    return all;
  }

  /**
   * The identity under which the sightings of a member's store are counted: that store's own, unless
   * another member claims it too, or it is `own`, this store's; then one that nobody has. So nobody
   * can take the place of another's store. Undefined where the member has claimed too many on one
   * `day`; else the one that was not heard of for longest makes room.
   */
  originOf(
    member: string,
    store: string,
    own: string,
    draw: () => string,
    day: number,
  ): string | undefined {
    const known = this.#origin(member, store);
    if (known?.day === day) return known.origin;
    return this.#file.transaction(() => {
      if (known === undefined && !this.#hasRoom(member, day)) return undefined;
      this.#file
        .statement('INSERT OR REPLACE INTO origin_days (member, store, day) VALUES (?, ?, ?)')
        .run(member, store, day);
      if (known !== undefined) return known.origin;
      const put = this.#file.statement(
        'INSERT OR IGNORE INTO origins (member, store, origin) VALUES (?, ?, ?)',
      );
      for (let origin = store; ; origin = draw()) {
        if (origin.length !== IDENTITY_DIGITS) throw new RangeError(`${origin} is no identity`);
        if (origin !== own && put.run(member, store, origin).changes > 0) return origin;
      }
    });
  }

  #hasRoom(member: string, day: number): boolean {
    const all = this.#file
      .statement(
        `SELECT store, coalesce(day, -1) AS day FROM origins LEFT JOIN origin_days USING (member, store)
         WHERE member = ? ORDER BY coalesce(day, -1)`,
      )
      .all(member) as { store: string; day: number }[];
    const [oldest] = all;
    if (oldest === undefined || all.length < MOST_STORES) return true;
    if (oldest.day === day) return false;
    for (const table of ['origins', 'origin_days'])
      this.#file
        .statement(`DELETE FROM ${table} WHERE member = ? AND store = ?`)
        .run(member, oldest.store);
    return true;
  }

  #origin(member: string, store: string): { origin: string; day: number | null } | undefined {
    return this.#file.attempt(() =>
      this.#file
        .statement(
          `SELECT origin, day FROM origins LEFT JOIN origin_days USING (member, store)
           WHERE member = ? AND store = ?`,
        )
        .get(member, store),
    ) as { origin: string; day: number | null } | undefined;
  }

  /** See SqliteFile.damage. */
  get damage(): AbortSignal {
    return this.#file.damage;
  }

  close(): void {
    this.#file.close();
  }
}

function heardText(heard: Heard): string {
  return JSON.stringify(
    heard.map(({ epoch, sequence, holes }) => [
      epoch.toString(),
      sequence.toString(),
      holes.map((hole) => hole.map(String)),
    ]),
  );
}

function heardIn(text: string): Heard {
  const epochs = JSON.parse(text) as [string, string, [string, string][]][];
  return epochs.map(([epoch, sequence, holes]) => ({
    epoch: BigInt(epoch),
    sequence: BigInt(sequence),
    holes: holes.map(([first, last]): Hole => [BigInt(first), BigInt(last)]),
  }));
}

function pathIn(stateDirectory: string): string {
  return join(fleetIn(stateDirectory), 'members.db');
}
