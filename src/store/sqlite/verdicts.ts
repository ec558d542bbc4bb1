/** Verdicts in SQLite: columns of the table trees. */
import { toLogId, type LogId } from '../../statements/statement.ts';
import type { StoredTree } from '../heads.ts';
import { VERDICTS, type Verdict, type VerdictStore, type VerdictUpdate } from '../verdicts.ts';
import type { Connection, NoParameters, Statement } from './connection.ts';
import { treeKey, type TreeKey } from './rows.ts';

const SET = `UPDATE trees SET verdict = @verdict, reason = @reason,
    proven_against = (SELECT id FROM trees WHERE id = @provenAgainst),
    asked_at = @now, ask_after = @askAfter, attempts = attempts + 1
  WHERE id = @id AND log_id = @logId AND tree_size = @treeSize AND root_hash = @rootHash
    AND (verdict <> 'fork-proven' OR @verdict = 'fork-proven')`;

interface Update extends TreeKey {
  readonly id: number;
  readonly now: number;
  readonly verdict: Verdict;
  readonly reason: string | undefined;
  readonly provenAgainst: number | undefined;
  readonly askAfter: number | undefined;
}

export class SqliteVerdicts implements VerdictStore {
  readonly #connection: Connection;
  readonly #set: Statement<Update>;
  readonly #counts: Statement<NoParameters, { readonly verdict: Verdict; readonly count: number }>;
  readonly #logsWith: Statement<{ verdict: Verdict }, { readonly log_id: Buffer }>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#set = connection.statement(SET);
    this.#counts = connection.statement(
      'SELECT verdict, count(*) AS count FROM trees GROUP BY verdict',
    );
    this.#logsWith = connection.statement(
      'SELECT DISTINCT log_id FROM trees WHERE verdict = @verdict',
    );
  }

  set(tree: StoredTree, now: number, update: VerdictUpdate): void {
    const { verdict, reason, provenAgainst, askAfter } = update;
    this.#set.run({ ...treeKey(tree), id: tree.id, now, verdict, reason, provenAgainst, askAfter });
  }

  setAll(
    updates: readonly { readonly tree: StoredTree; readonly update: VerdictUpdate }[],
    now: number,
  ): void {
    this.#connection.transaction(() => {
      for (const { tree, update } of updates) this.set(tree, now, update);
    });
  }

  counts(): Record<Verdict, number> {
    const none = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0]));
    const some = Object.fromEntries(
      this.#counts.all({}).map(({ verdict, count }) => [verdict, count]),
    );
    return { ...none, ...some } as Record<Verdict, number>;
  }

  logsWith(verdict: Verdict): LogId[] {
    return this.#logsWith.all({ verdict }).map((row) => toLogId(row.log_id));
  }
}
