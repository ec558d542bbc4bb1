// SPDX-License-Identifier: Apache-2.0
/** What a fleet is told, in SQLite: tables publishing and unpublished_heads, and of evidence its rounds. */
import { StoreError } from '../../disk/error.ts';
import type { LogId } from '../../statements/statement.ts';
import type {
  EvidenceToTell,
  Mark,
  Published,
  PublishingState,
  PublishingStore,
  WaitingHead,
} from '../publishing.ts';
import type { Connection, NoParameters, Statement } from './connection.ts';
import type { SqliteEvidence } from './evidence.ts';
import type { SqliteExchange } from './exchange.ts';

const BEGIN = 'INSERT INTO publishing (id, what) VALUES (1, @what) ON CONFLICT DO NOTHING';
const TO_TELL = `FROM tree_heads h JOIN trees ON trees.id = tree
  WHERE @what = 'sightings' OR verdict <> 'pending'`;
const MARK_LAST = `INSERT INTO unpublished_heads (tree_head, log_id, marks)
  SELECT id, log_id, 1 FROM (SELECT h.id, log_id ${TO_TELL} ORDER BY h.id DESC LIMIT @most)
  ORDER BY id`;
const STATE = `SELECT what, CAST(epoch AS TEXT) AS epoch, CAST(sequence AS TEXT) AS sequence,
  given_up AS givenUp, told_again AS toldAgain FROM publishing`;
// One look into the index for each log.
const LOGS = `WITH RECURSIVE logs (log_id) AS (
    SELECT min(log_id) FROM unpublished_heads
    UNION ALL SELECT (SELECT min(u.log_id) FROM unpublished_heads u WHERE u.log_id > logs.log_id)
      FROM logs WHERE logs.log_id IS NOT NULL)
  SELECT log_id FROM logs WHERE log_id IS NOT NULL`;
const OF_LOG = `SELECT tree_head AS treeHead, marks, turn FROM unpublished_heads
  WHERE log_id = @logId ORDER BY turn LIMIT @limit`;
const TAKE_OUT = 'DELETE FROM unpublished_heads WHERE tree_head = @treeHead AND marks = @marks';
const NOTE = `UPDATE publishing SET epoch = @epoch, sequence = @sequence,
  told_again = coalesce(@toldAgain, told_again)`;
/** So many trees are looked at for one batch, whether or not they were judged. */
const PAGE = 1024;
const PAGE_OF_TREES = `SELECT id, verdict FROM trees WHERE id > @after ORDER BY id LIMIT ${PAGE}`;
const END_OF_PAGE = `SELECT max(id) AS id FROM (${PAGE_OF_TREES})`;
// Of a fork the evidence goes round, which says more.
const JUDGED = `SELECT page.id AS tree,
    (SELECT id FROM tree_heads WHERE tree = page.id ORDER BY timestamp DESC LIMIT 1) AS treeHead
  FROM (${PAGE_OF_TREES}) AS page WHERE verdict NOT IN ('pending', 'fork-proven')
  ORDER BY page.id LIMIT @limit`;
const NEXT_EPOCH = `SELECT CAST(max(@now, begun + 1, epoch + 1) AS TEXT) AS epoch FROM publishing`;
const BEGIN_EPOCH = 'UPDATE publishing SET begun = @epoch';
const LAST_OF_LOG =
  'SELECT tree_head, turn FROM unpublished_heads WHERE log_id = @logId ORDER BY turn DESC LIMIT @limit';
const LARGEST = `SELECT log_id FROM unpublished_heads GROUP BY log_id ORDER BY count(*) DESC LIMIT 1`;
const GIVE_UP = `DELETE FROM unpublished_heads WHERE turn IN (SELECT turn FROM (${LAST_OF_LOG}))`;
// One that is seen again waits again, and may be given up again: it is one head all the same.
const COUNT_ONCE = 'INSERT OR IGNORE INTO given_up_heads (tree_head)';
const COUNT_LAST = `${COUNT_ONCE} SELECT tree_head FROM (${LAST_OF_LOG})`;
const COUNT_ONE = `${COUNT_ONCE} SELECT @treeHead`;
const COUNT_EARLIER = `${COUNT_ONCE} SELECT h.id ${TO_TELL} ORDER BY h.id DESC LIMIT -1 OFFSET @most`;
const COUNT_GIVEN_UP = 'UPDATE publishing SET given_up = given_up + @count';
interface Row {
  readonly what: Published;
  readonly epoch: string;
  readonly sequence: string;
  readonly givenUp: number;
  readonly toldAgain: number;
}

type TurnRow = Mark & { readonly turn: number };

export class SqlitePublishing implements PublishingStore {
  readonly #connection: Connection;
  readonly #exchange: SqliteExchange;
  readonly #evidence: SqliteEvidence;
  readonly #begin: Statement<{ what: Published }>;
  readonly #markLast: Statement<{ what: Published; most: number }>;
  readonly #countEarlier: Statement<{ what: Published; most: number }>;
  readonly #state: Statement<NoParameters, Row>;
  readonly #waiting: Statement<NoParameters, { readonly count: number }>;
  readonly #logs: Statement<NoParameters, { readonly log_id: Buffer }>;
  readonly #ofLog: Statement<{ logId: Buffer; limit: number }, TurnRow>;
  readonly #takeOut: Statement<Mark>;
  readonly #note: Statement<{ epoch: bigint; sequence: bigint; toldAgain: number | undefined }>;
  readonly #nextEpoch: Statement<{ now: bigint }, { readonly epoch: string }>;
  readonly #beginEpoch: Statement<{ epoch: bigint }>;
  readonly #endOfPage: Statement<{ after: number }, { readonly id: number | null }>;
  readonly #judged: Statement<
    { after: number; limit: number },
    { readonly tree: number; readonly treeHead: number | null }
  >;
  readonly #largest: Statement<NoParameters, { readonly log_id: Buffer }>;
  readonly #giveUp: Statement<{ logId: Buffer; limit: number }>;
  readonly #countLast: Statement<{ logId: Buffer; limit: number }>;
  readonly #countOne: Statement<{ treeHead: number }>;
  readonly #countGivenUp: Statement<{ count: number }>;

  constructor(connection: Connection, exchange: SqliteExchange, evidence: SqliteEvidence) {
    this.#connection = connection;
    this.#exchange = exchange;
    this.#evidence = evidence;
    this.#begin = connection.statement(BEGIN);
    this.#markLast = connection.statement(MARK_LAST);
    this.#countEarlier = connection.statement(COUNT_EARLIER);
    this.#state = connection.statement(STATE);
    this.#waiting = connection.statement('SELECT count(*) AS count FROM unpublished_heads');
    this.#logs = connection.statement(LOGS);
    this.#ofLog = connection.statement(OF_LOG);
    this.#takeOut = connection.statement(TAKE_OUT);
    this.#note = connection.statement(NOTE);
    this.#nextEpoch = connection.statement(NEXT_EPOCH);
    this.#beginEpoch = connection.statement(BEGIN_EPOCH);
    this.#endOfPage = connection.statement(END_OF_PAGE);
    this.#judged = connection.statement(JUDGED);
    this.#largest = connection.statement(LARGEST);
    this.#giveUp = connection.statement(GIVE_UP);
    this.#countLast = connection.statement(COUNT_LAST);
    this.#countOne = connection.statement(COUNT_ONE);
    this.#countGivenUp = connection.statement(COUNT_GIVEN_UP);
  }

  begin(what: Published, most: number): void {
    if (this.#state.get({}) === undefined)
      this.#connection.transaction(() => {
        if (this.#begin.run({ what }) === 0) return;
        this.#markLast.run({ what, most });
        this.#countGivenUp.run({ count: this.#countEarlier.run({ what, most }) });
      });
    const state = this.state();
    if (state?.what === what) return;
    throw new StoreError(
      'store-failed',
      what === 'sightings'
        ? `${this.#connection.database.name} collects what other stores saw: no site can publish it`
        : `${this.#connection.database.name} is a site's, which publishes it: it cannot collect too`,
      { remedy: 'Give a collector a directory of its own with --state-dir.' },
    );
  }

  beginEpoch(now: number): bigint {
    const epoch = BigInt(
      this.#nextEpoch.get({ now: BigInt(Math.trunc(now)) })?.epoch ?? Math.trunc(now),
    );
    try {
      this.#beginEpoch.run({ epoch });
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
    }
    return epoch;
  }

  state(): PublishingState | undefined {
    const row = this.#state.get({});
    return row && { ...row, epoch: BigInt(row.epoch), sequence: BigInt(row.sequence) };
  }

  waiting(): number {
    return this.#waiting.get({})?.count ?? 0;
  }

  next(limit: number): WaitingHead[] {
    const logs = this.#logs.all({}).map(({ log_id: logId }) => this.#ofLog.all({ logId, limit }));
    const marks = inTurn(logs).slice(0, limit);
    const heads = this.#exchange.exportsOf(marks.map(({ treeHead }) => treeHead));
    // One that was set aside meanwhile, because it is damaged, waits no more.
    for (const mark of marks) if (!heads.has(mark.treeHead)) this.#takeOut.run(mark);
    return marks.flatMap(({ treeHead, marks: count }) => {
      const head = heads.get(treeHead);
      return head === undefined ? [] : [{ head, mark: { treeHead, marks: count } }];
    });
  }

  arrived(
    marks: readonly Mark[],
    {
      epoch,
      sequence,
      toldAgain,
    }: Pick<PublishingState, 'epoch' | 'sequence'> & { readonly toldAgain?: number },
  ): void {
    this.#connection.transaction(() => {
      for (const mark of marks) this.#takeOut.run(mark);
      this.#note.run({ epoch, sequence, toldAgain });
    });
  }

  again(after: number, limit: number): ReturnType<PublishingStore['again']> {
    const judged = this.#judged.all({ after, limit });
    const heads = this.#exchange.exportsOf(
      judged.flatMap(({ treeHead }) => treeHead ?? []),
      'bare',
    );
    const last = judged.at(-1)?.tree;
    const upTo = judged.length === limit ? last : this.#endOfPage.get({ after })?.id;
    return { heads: [...heads.values()], upTo: upTo ?? 0 };
  }

  giveUp(most: number): number {
    const over = this.waiting() - most;
    if (over <= 0) return 0;
    return this.#connection.transaction(() => {
      let [gone, counted] = [0, 0];
      while (gone < over) {
        const logId = this.#largest.get({})?.log_id;
        if (logId === undefined) break;
        // In steps, so that two logs that have equally many lose equally many.
        const last = { logId, limit: Math.max(1, Math.ceil((over - gone) / 4)) };
        counted += this.#countLast.run(last);
        gone += this.#giveUp.run(last);
      }
      this.#countGivenUp.run({ count: counted });
      return gone;
    });
  }

  dropOne(mark: Mark): void {
    this.#connection.transaction(() => {
      if (this.#takeOut.run(mark) > 0)
        this.#countGivenUp.run({ count: this.#countOne.run({ treeHead: mark.treeHead }) });
    });
  }

  nextEvidence(after?: LogId): EvidenceToTell | undefined {
    const firsts = this.#evidence.firstOfEachLog();
    const last =
      after === undefined ? -1 : firsts.findLastIndex(({ logId }) => !isLater(logId, after));
    const inTurn = [...firsts.slice(last + 1), ...firsts.slice(0, last + 1)];
    return (
      inTurn.find(({ isFirst }) => isFirst) ??
      inTurn.find(({ rounds }) => rounds === 0) ??
      inTurn[0]
    );
  }

  evidenceArrived(path: string): void {
    this.#evidence.toldOnceMore(path);
  }
}

function isLater(logId: LogId, than: LogId): boolean {
  return Buffer.compare(logId, than) > 0;
}

/** The first of each, then the second of each, and so on. */
function inTurn<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i) =>
    lists.flatMap((list) => list.slice(i, i + 1)),
  ).flat();
}
