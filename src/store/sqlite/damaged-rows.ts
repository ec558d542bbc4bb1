// SPDX-License-Identifier: Apache-2.0
/**
 * Rows that are not what was written: a bit of the disk or of memory was flipped. They are taken
 * out of their tables, with all that hangs on them, and kept as JSON in the table damaged_rows.
 *
 * Reading must not write, so a row that a role cannot read is noted first, and set aside with the
 * next transaction or when the store is closed.
 */
import type { DamagedRow } from '../damaged-rows.ts';
import type { Connection, NoParameters, Statement } from './connection.ts';

const TREE_ROW = `SELECT *, 'tree' AS kind FROM trees WHERE id = @id`;
const TREE_OF_HEAD = 'SELECT tree FROM tree_heads WHERE id = @id';
const HEADS_OF = 'SELECT * FROM tree_heads WHERE tree = @id';
const HEAD_ROW = 'SELECT * FROM tree_heads WHERE id = @id';
const SIGHTINGS_OF = 'SELECT * FROM sightings WHERE tree_head = @id';
const KEEP = `INSERT INTO damaged_rows (content, reason, set_aside) VALUES (@content, @reason, @now)`;
const DROP_HEAD = [
  'DELETE FROM seen_entries WHERE tree_head = @id',
  'DELETE FROM sightings WHERE tree_head = @id',
  'DELETE FROM imported WHERE tree_head = @id',
  'DELETE FROM unpublished_heads WHERE tree_head = @id',
  'DELETE FROM given_up_heads WHERE tree_head = @id',
  'DELETE FROM tree_heads WHERE id = @id',
];
/** A verdict that rests on the tree is open again; evidence that names it is found on the disk. */
const DROP_TREE = [
  'DELETE FROM contradictions WHERE first = @id OR second = @id',
  'DELETE FROM evidence WHERE first = @id OR second = @id',
  `UPDATE trees SET verdict = CASE verdict WHEN 'malformed-head' THEN verdict ELSE 'pending' END,
     proven_against = NULL, ask_after = NULL WHERE proven_against = @id`,
  'DELETE FROM trees WHERE id = @id',
];

type ById<Row = never> = Statement<{ id: number }, Row>;

export class SqliteDamagedRows {
  /** Told of each row that was set aside, in a sentence. */
  onSetAside: (message: string) => void = () => undefined;
  readonly #connection: Connection;
  readonly #noted = new Map<string, DamagedRow & { readonly reason: string }>();
  readonly #tree: ById<object>;
  readonly #treeOfHead: ById<{ readonly tree: number }>;
  readonly #headsOf: ById<{ readonly id: number }>;
  readonly #head: ById<object>;
  readonly #sightingsOf: ById<object>;
  readonly #keep: Statement<{ content: string; reason: string; now: number }>;
  readonly #dropHead: readonly ById[];
  readonly #dropTree: readonly ById[];
  readonly #count: Statement<NoParameters, { readonly count: number }>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#tree = connection.statement(TREE_ROW);
    this.#treeOfHead = connection.statement(TREE_OF_HEAD);
    this.#headsOf = connection.statement(HEADS_OF);
    this.#head = connection.statement(HEAD_ROW);
    this.#sightingsOf = connection.statement(SIGHTINGS_OF);
    this.#keep = connection.statement(KEEP);
    this.#dropHead = DROP_HEAD.map((sql) => connection.statement(sql));
    this.#dropTree = DROP_TREE.map((sql) => connection.statement(sql));
    this.#count = connection.statement('SELECT count(*) AS count FROM damaged_rows');
  }

  count(): number {
    return this.#count.get({})?.count ?? 0;
  }

  /** What `read` makes of a row; undefined, and noted, where it throws because of what is in it. */
  readable<T>(row: DamagedRow, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof SyntaxError)) throw error;
      this.#noted.set(`${row.kind} ${row.id}`, { ...row, reason: error.message });
      return undefined;
    }
  }

  /** Sets aside what was noted. */
  settle(): void {
    for (const [key, row] of this.#noted) {
      this.setAside(row, row.reason, Date.now());
      this.#noted.delete(key);
    }
  }

  /** Forgets what was noted of another file. */
  forget(): void {
    this.#noted.clear();
  }

  setAside(row: DamagedRow, reason: string, now: number): void {
    const isThere = this.#connection.transaction(() =>
      row.kind === 'tree'
        ? this.#takeTree(row.id, reason, now)
        : this.#takeHead(row.id, reason, now),
    );
    if (isThere)
      this.onSetAside(
        `a damaged ${row.kind === 'tree' ? 'tree' : 'tree head'} in the store was set aside: ${reason}`,
      );
  }

  #takeTree(id: number, reason: string, now: number): boolean {
    const tree = this.#tree.get({ id });
    if (tree === undefined) return false;
    for (const head of this.#headsOf.all({ id })) this.#takeOneHead(head.id, reason, now);
    this.#put(tree, reason, now);
    for (const drop of this.#dropTree) drop.run({ id });
    return true;
  }

  /** With its last head goes a tree. */
  #takeHead(id: number, reason: string, now: number): boolean {
    const tree = this.#treeOfHead.get({ id })?.tree;
    if (tree === undefined) return false;
    this.#takeOneHead(id, reason, now);
    if (this.#headsOf.all({ id: tree }).length === 0) this.#takeTree(tree, reason, now);
    return true;
  }

  #takeOneHead(id: number, reason: string, now: number): void {
    this.#put(
      { ...this.#head.get({ id }), kind: 'head', sightings: this.#sightingsOf.all({ id }) },
      reason,
      now,
    );
    for (const drop of this.#dropHead) drop.run({ id });
  }

  #put(row: object, reason: string, now: number): void {
    const content = JSON.stringify(row, (_, value: unknown) => {
      const isBuffer =
        typeof value === 'object' &&
        value !== null &&
        'type' in value &&
        value.type === 'Buffer' &&
        'data' in value;
      return isBuffer ? Buffer.from(value.data as number[]).toString('hex') : value;
    });
    this.#keep.run({ content, reason, now });
  }
}
