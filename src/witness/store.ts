// SPDX-License-Identifier: Apache-2.0
/**
 * What a witness has cosigned, and what it refused though its log had signed it: `witness.sqlite` in
 * its directory.
 *
 * **It never forgets.** `make` makes it once, with the keys; `open` takes nothing but that file, whole,
 * and for those keys. Whatever is committed survives a power cut, and what is read of it is believed
 * only with the witness's own cosignature on it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { decodeBase64, encodeBase64 } from '../base/base64.ts';
import { badInput } from '../base/errors.ts';
import { StoreError } from '../disk/error.ts';
import { syncDirectory } from '../disk/directory.ts';
import { SqliteFile, type SqliteKind } from '../disk/sqlite-file.ts';
import { parseCheckpoint, type Checkpoint } from '../statements/checkpoint.ts';
import { timeOfCosignature, verifyCosignature } from '../statements/cosignature.ts';
import type { NoteKey } from '../statements/note-key.ts';

const FORGOTTEN =
  'Put back the newest copy of the directory only if nothing was cosigned since. A witness that does not know what it cosigned could cosign a second history: begin with new keys, in another directory.';

const DATABASE: SqliteKind = {
  version: 1,
  schema: `
    -- The verifier keys whose witness this is.
    CREATE TABLE keys (vkey TEXT PRIMARY KEY) STRICT;
    -- The last checkpoint that was cosigned, with its log's lines and this witness's.
    CREATE TABLE cosigned (origin TEXT PRIMARY KEY, note TEXT NOT NULL) STRICT;
    -- Those that were cosigned lately, with their log's lines alone.
    CREATE TABLE past (id INTEGER PRIMARY KEY, origin TEXT NOT NULL, size TEXT NOT NULL,
      note TEXT NOT NULL, UNIQUE (origin, size)) STRICT;
    -- A checkpoint that its log signed and that was refused, and what had been cosigned. state: open,
    -- malformed, fork-proven.
    CREATE TABLE refused (id INTEGER PRIMARY KEY, origin TEXT NOT NULL, note TEXT NOT NULL,
      cosigned TEXT NOT NULL, status INTEGER NOT NULL, proof TEXT NOT NULL, at INTEGER NOT NULL,
      tree TEXT NOT NULL, state TEXT NOT NULL, evidence TEXT, UNIQUE (origin, tree)) STRICT;
    CREATE INDEX refused_by_state ON refused (state, origin);
  `,
  synchronous: 'FULL',
  // The witness would cosign a second history.
  ifRemoved: undefined,
  ifDamaged: FORGOTTEN,
};

/** Of one log. A log has to sign each of them, so that only one that misbehaves comes near. */
const MAX_REFUSED = 1000;
/** One is enough, unless the database was damaged there. */
const MAX_RIVALS = 10;
/** Of one log: what is refused can be held against these. */
const MAX_PAST = 1000;

/** The checkpoint of an origin that was cosigned last. */
export interface Cosigned extends Checkpoint {
  /** With the lines of the log's keys, and the cosignatures that were given. */
  readonly note: string;
  /** When it was cosigned, in seconds since the epoch. */
  readonly time: bigint;
}

/** open: nothing shows yet whether one history has both. */
export type RefusedState = 'open' | 'malformed' | 'fork-proven';

/** A checkpoint that its log signed and that was refused. */
export interface RefusedCheckpoint {
  readonly id: number;
  readonly origin: string;
  /** With the lines of the log's keys alone. */
  readonly note: string;
  /** What it is held against: what had been cosigned for the origin then, or empty: nothing had. */
  readonly cosigned: string;
  /** The status of the answer. */
  readonly status: number;
  /** Hashes that lead from that to this one, 32 bytes each, in base64, one a line. */
  readonly proof: string;
  /** In ms since the epoch. */
  readonly at: number;
  readonly state: RefusedState;
  /** The path of the evidence. */
  readonly evidence: string | null;
}

export class WitnessStore {
  readonly #file: SqliteFile;
  readonly #own: NoteKey;

  private constructor(file: SqliteFile, own: NoteKey) {
    this.#file = file;
    this.#own = own;
  }

  /** Whether there is one, or was. */
  static isIn(directory: string): boolean {
    return existsSync(pathIn(directory));
  }

  /**
   * Makes the store of a witness with these verifier keys. Throws CtgaError `bad-input` where there is
   * one, and StoreError `store-failed`.
   */
  static make(directory: string, vkeys: readonly string[]): void {
    if (WitnessStore.isIn(directory))
      throw badInput(
        `there is a witness in ${directory} already`,
        'A witness with new keys begins in another directory: name one with --state-dir.',
      );
    const file = SqliteFile.open(pathIn(directory), DATABASE);
    try {
      file.transaction(() => {
        for (const vkey of vkeys) file.statement('INSERT INTO keys VALUES (?)').run(vkey);
      });
    } finally {
      file.close();
    }
    syncDirectory(directory);
  }

  /**
   * Opens the store of the witness with these verifier keys; `own` is the Ed25519 one, which cosigned
   * all that is in it. Throws StoreError `store-damaged` or `store-failed` where it is not there, not
   * whole, or another witness's. `readonly`: nothing can be written.
   */
  static open(
    directory: string,
    vkeys: readonly string[],
    own: NoteKey,
    readonly = false,
  ): WitnessStore {
    const path = pathIn(directory);
    if (!existsSync(path))
      throw new StoreError(
        'store-failed',
        `there are keys in ${directory}, but no witness.sqlite`,
        { remedy: FORGOTTEN },
      );
    const file = SqliteFile.openWhole(path, DATABASE, readonly);
    const rows = file.attempt(() => file.statement('SELECT vkey FROM keys').all()) as {
      vkey: string;
    }[];
    if (
      rows
        .map(({ vkey }) => vkey)
        .sort()
        .join() !== [...vkeys].sort().join()
    ) {
      file.close();
      throw new StoreError('store-failed', `${path} is of a witness with other keys`, {
        remedy: 'Put back the keys that belong to it. What one witness cosigned binds no other.',
      });
    }
    return new WitnessStore(file, own);
  }

  /** See SqliteFile.damage. */
  get damage(): AbortSignal {
    return this.#file.damage;
  }

  close(): void {
    this.#file.close();
  }

  /** The checkpoint of an origin that was cosigned last. Throws StoreError. */
  cosigned(origin: string): Cosigned | undefined {
    const row = this.#file.attempt(() =>
      this.#file.statement('SELECT note FROM cosigned WHERE origin = ?').get(origin),
    ) as { readonly note: string } | undefined;
    return row && this.#read(origin, row.note);
  }

  /** Those of which something was cosigned. Throws StoreError. */
  origins(): string[] {
    const rows = this.#file.attempt(() =>
      this.#file.statement('SELECT origin FROM cosigned ORDER BY origin').all(),
    ) as { readonly origin: string }[];
    return rows.map(({ origin }) => origin);
  }

  /** All that was cosigned last, whichever logs are known now. Throws StoreError. */
  all(): Cosigned[] {
    return this.origins().flatMap((origin) => this.cosigned(origin) ?? []);
  }

  /**
   * Replaces what was cosigned last for the origin by the notes that `decide` makes, in one
   * transaction with reading what it is given: `note` has all lines, `logNote` those of the log alone.
   * Once this returns they survive a power cut; until then, and if it throws, nothing of it is there
   * and nobody may be told. Without `made` nothing changes. Throws StoreError.
   */
  update<T extends { readonly made?: { readonly note: string; readonly logNote: string } }>(
    origin: string,
    decide: (latest: Cosigned | undefined) => T,
  ): T {
    return this.#file.transaction(() => {
      const result = decide(this.cosigned(origin));
      if (result.made === undefined) return result;
      const { note, logNote } = result.made;
      this.#file
        .statement(
          'INSERT INTO cosigned VALUES (?, ?) ON CONFLICT DO UPDATE SET note = excluded.note',
        )
        .run(origin, note);
      this.#file
        .statement('INSERT INTO past (origin, size, note) VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
        .run(origin, note.split('\n')[1], logNote);
      this.#file
        .statement(
          `DELETE FROM past WHERE origin = ? AND id <=
            (SELECT id FROM past WHERE origin = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
        )
        .run(origin, origin, MAX_PAST);
      return result;
    });
  }

  /** What was cosigned for an origin at this size, with its log's lines alone, if it is still here. */
  past(origin: string, treeSize: bigint): string | undefined {
    const row = this.#file.attempt(() =>
      this.#file
        .statement('SELECT note FROM past WHERE origin = ? AND size = ?')
        .get(origin, String(treeSize)),
    ) as { readonly note: string } | undefined;
    return row?.note;
  }

  /**
   * Keeps a refused checkpoint, once for each tree, or what has become of one that is kept. Where there
   * are as many of the log as are kept, one that convicts it takes the place of one that nothing shows
   * yet. Returns whether all are kept. Throws StoreError.
   */
  keep(refused: Omit<RefusedCheckpoint, 'id'>): boolean {
    const { origin, note, cosigned, status, proof, at, state, evidence } = refused;
    return this.#file.transaction(() => {
      const former = this.stateOf(refused);
      if (former === 'open' && state !== 'open')
        this.#file
          .statement(
            `UPDATE refused SET cosigned = ?, proof = ?, state = ?, evidence = ?
              WHERE origin = ? AND tree = ?`,
          )
          .run(cosigned, proof, state, evidence, origin, treeIn(note));
      if (former !== undefined) return true;
      const { n } = this.#file
        .statement('SELECT count(*) AS n FROM refused WHERE origin = ?')
        .get(origin) as { readonly n: number };
      const isFull = n >= MAX_REFUSED;
      if (isFull && (state !== 'fork-proven' || !this.#makeRoom(origin))) return false;
      this.#file
        .statement(
          `INSERT INTO refused (origin, note, cosigned, status, proof, at, tree, state, evidence)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(origin, note, cosigned, status, proof, at, treeIn(note), state, evidence);
      return !isFull;
    });
  }

  #makeRoom(origin: string): boolean {
    const { changes } = this.#file
      .statement(
        `DELETE FROM refused WHERE id =
          (SELECT id FROM refused WHERE origin = ? AND state <> 'fork-proven' ORDER BY id LIMIT 1)`,
      )
      .run(origin);
    return changes > 0;
  }

  /** Whether as many checkpoints as are kept of a log convict it. Throws StoreError. */
  isFullOfForks(origin: string): boolean {
    const { n } = this.#file.attempt(() =>
      this.#file
        .statement("SELECT count(*) AS n FROM refused WHERE origin = ? AND state = 'fork-proven'")
        .get(origin),
    ) as { readonly n: number };
    return n >= MAX_REFUSED;
  }

  /** What is known of a refused checkpoint of this tree, if it was kept. */
  stateOf({ origin, note }: Pick<RefusedCheckpoint, 'origin' | 'note'>): RefusedState | undefined {
    const row = this.#file.attempt(() =>
      this.#file
        .statement('SELECT state FROM refused WHERE origin = ? AND tree = ?')
        .get(origin, treeIn(note)),
    ) as { readonly state: RefusedState } | undefined;
    return row?.state;
  }

  /** Refused checkpoints of the same size with another root, of the same log. Throws StoreError. */
  rivals({ origin, note }: Pick<RefusedCheckpoint, 'origin' | 'note'>): RefusedCheckpoint[] {
    const tree = treeIn(note);
    const [size = ''] = tree.split(' ');
    return this.#file.attempt(
      () =>
        this.#file
          .statement(
            `SELECT * FROM refused WHERE origin = ? AND tree BETWEEN ? AND ? AND tree <> ?
              AND state <> 'malformed' ORDER BY id LIMIT ?`,
          )
          .all(origin, `${size} `, `${size} ~`, tree, MAX_RIVALS) as RefusedCheckpoint[],
    );
  }

  /** Refused checkpoints of which nothing shows yet whether one history has them. */
  open(): RefusedCheckpoint[] {
    return this.#file.attempt(
      () =>
        this.#file
          .statement("SELECT * FROM refused WHERE state = 'open' ORDER BY id")
          .all() as RefusedCheckpoint[],
    );
  }

  /** How many refused checkpoints there are in each state. */
  counts(): Record<RefusedState, number> {
    const rows = this.#file.attempt(() =>
      this.#file.statement('SELECT state, count(*) AS n FROM refused GROUP BY state').all(),
    ) as { readonly state: RefusedState; readonly n: number }[];
    const counts = { open: 0, malformed: 0, 'fork-proven': 0 };
    for (const { state, n } of rows) counts[state] = n;
    return counts;
  }

  /** Of one that is proven consistent with what was cosigned. */
  drop(id: number): void {
    this.#file.attempt(() => this.#file.statement('DELETE FROM refused WHERE id = ?').run(id));
  }

  #read(origin: string, note: string): Cosigned {
    const checkpoint = parsed(note);
    const own = checkpoint?.signatures.find(
      ({ name, keyId, body }) =>
        name === this.#own.name &&
        Buffer.compare(keyId, this.#own.keyId) === 0 &&
        verifyCosignature(this.#own, body, checkpoint),
    );
    if (checkpoint === undefined || own === undefined || checkpoint.origin !== origin)
      throw new StoreError(
        'store-damaged',
        `what was cosigned for "${origin}" has no cosignature of this witness that verifies`,
        { remedy: FORGOTTEN },
      );
    return { ...checkpoint, note, time: timeOfCosignature(own.body) ?? 0n };
  }
}

/** Size and root, in one spelling. */
function treeIn(note: string): string {
  const [, size = '', root = ''] = note.split('\n');
  return `${size} ${encodeBase64(decodeBase64(root) ?? new Uint8Array())}`;
}

function pathIn(directory: string): string {
  return join(directory, 'witness.sqlite');
}

function parsed(note: string): Checkpoint | undefined {
  try {
    return parseCheckpoint(note);
  } catch {
    return undefined;
  }
}
