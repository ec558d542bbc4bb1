// SPDX-License-Identifier: Apache-2.0
/**
 * What other stores concluded of trees, in SQLite: table words. A word has its row whether or not the
 * tree is known here, so it makes no difference which of the two comes first.
 */
import { originOf, type ForeignVerdict, type ToldVerdict } from '../exchange.ts';
import type { Connection, NoParameters, Statement } from './connection.ts';
import { treeKey, type TreeKey } from './rows.ts';

// The last of what a store said counts, in whatever order it comes.
const PUT = `INSERT INTO words
    (log_id, tree_size, root_hash, host, store, verdict, reason, epoch, sequence, is_early)
  VALUES (@logId, @treeSize, @rootHash, @host, @store, @verdict, @reason, @epoch, @sequence, NOT EXISTS (
    SELECT 1 FROM trees WHERE log_id = @logId AND tree_size = @treeSize AND root_hash = @rootHash))
  ON CONFLICT DO UPDATE SET verdict = excluded.verdict, reason = excluded.reason,
      epoch = excluded.epoch, sequence = excluded.sequence
    WHERE (excluded.epoch, excluded.sequence) >= (words.epoch, words.sequence)`;
const SELECT = `SELECT trees.id AS tree, host, store, words.verdict, words.reason
  FROM words JOIN trees USING (log_id, tree_size, root_hash) WHERE words.verdict IS NOT NULL`;
const ALL = `${SELECT} ORDER BY tree, host, store`;
const OF = `${SELECT} AND trees.id IN (SELECT value FROM json_each(@trees)) ORDER BY tree, host, store`;
const COUNT_EARLY = 'SELECT count(*) AS count FROM words WHERE host = @host AND is_early';
const LARGEST = `SELECT log_id FROM words WHERE host = @host AND is_early
  GROUP BY log_id ORDER BY count(*) DESC LIMIT 1`;
const FORGET = `DELETE FROM words WHERE (log_id, tree_size, root_hash, host, store) IN (
  SELECT log_id, tree_size, root_hash, host, store FROM words
  WHERE host = @host AND is_early AND log_id = @logId ORDER BY tree_size LIMIT @limit)`;

/**
 * So many words of one host wait for their trees, of 200 bytes each; more than the trees of sixteen
 * logs in a day. Those that go are of the smallest trees of the log that has most, so no host takes
 * the room of another's, and no log that of another.
 */
const MOST_EARLY = 32_768;
/** SQLite's integers end there. */
const LAST_EPOCH = 2n ** 63n - 1n;

interface WordRow {
  readonly tree: number;
  readonly host: string;
  readonly store: string;
  readonly verdict: string;
  readonly reason: string | null;
}

type Word = TreeKey & {
  readonly host: string;
  readonly store: string;
  readonly verdict: string | undefined;
  readonly reason: string | undefined;
  readonly epoch: bigint;
  readonly sequence: bigint;
};

export class SqliteWords {
  readonly #connection: Connection;
  readonly #put: Statement<Word>;
  readonly #all: Statement<NoParameters, WordRow>;
  readonly #of: Statement<{ trees: string }, WordRow>;
  readonly #countEarly: Statement<{ host: string }, { readonly count: number }>;
  readonly #largest: Statement<{ host: string }, { readonly log_id: Buffer }>;
  readonly #forget: Statement<{ host: string; logId: Buffer; limit: number }>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#put = connection.statement(PUT);
    this.#all = connection.statement(ALL);
    this.#of = connection.statement(OF);
    this.#countEarly = connection.statement(COUNT_EARLY);
    this.#largest = connection.statement(LARGEST);
    this.#forget = connection.statement(FORGET);
  }

  put(told: readonly ToldVerdict[], mostEarly = MOST_EARLY): void {
    this.#connection.transaction(() => {
      for (const { head, origin, verdict, reason, place } of told) {
        const { epoch, sequence } = place ?? { epoch: 0n, sequence: 0n };
        this.#put.run({
          ...treeKey(head),
          ...origin,
          verdict,
          reason,
          epoch: epoch < LAST_EPOCH ? epoch : LAST_EPOCH,
          sequence: sequence < LAST_EPOCH ? sequence : LAST_EPOCH,
        });
      }
      for (const host of new Set(told.map(({ origin }) => origin.host)))
        this.#bound(host, mostEarly);
    });
  }

  #bound(host: string, most: number): void {
    const over = (this.#countEarly.get({ host })?.count ?? 0) - most;
    for (let gone = 0; gone < over;) {
      const logId = this.#largest.get({ host })?.log_id;
      if (logId === undefined) return;
      // In steps, so that two logs that have equally many lose equally many.
      gone += this.#forget.run({ host, logId, limit: Math.ceil((over - gone) / 4) });
    }
  }

  /** By the ID of the tree, of those that are known here. */
  all(): Map<number, ForeignVerdict[]> {
    return byTree(this.#all.all({}));
  }

  /** The same, of these trees alone. */
  of(trees: readonly number[]): Map<number, ForeignVerdict[]> {
    return byTree(this.#of.all({ trees: JSON.stringify(trees) }));
  }
}

function byTree(rows: readonly WordRow[]): Map<number, ForeignVerdict[]> {
  const found = new Map<number, ForeignVerdict[]>();
  for (const { tree, host, store, verdict, reason } of rows) {
    // A damaged row names nobody.
    const origin = originOf(`${host}/${store}:-`)?.origin;
    if (origin === undefined) continue;
    const word = { origin, verdict, reason: reason ?? undefined };
    found.set(tree, [...(found.get(tree) ?? []), word]);
  }
  return found;
}
