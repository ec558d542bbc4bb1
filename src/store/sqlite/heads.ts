// SPDX-License-Identifier: Apache-2.0
/** Heads in SQLite: tables trees, tree_heads, sightings, days and seen_entries. */
import { equalHash } from '../../merkle/hash.ts';
import {
  isMalformed,
  MALFORMED,
  toLogId,
  type LogId,
  type VerifiedStatement,
} from '../../statements/statement.ts';
import {
  ROLLED_UP,
  type HeadStore,
  type HeadSummary,
  type LogDay,
  type SeenEntryChanges,
  type Sighting,
  type StoredHead,
  type StoredSeenEntry,
  type StoredTree,
  type TimelineSlot,
} from '../heads.ts';
import { damaged } from './errors.ts';
import type { DamagedRow } from '../damaged-rows.ts';
import { VERDICTS, type Verdict } from '../verdicts.ts';
import type { Connection, NoParameters, Statement } from './connection.ts';
import type { SqliteDamagedRows } from './damaged-rows.ts';
import type { SqliteExchange } from './exchange.ts';
import {
  isLogId,
  padded,
  toTree,
  toHead,
  treeKey,
  unpadded,
  type SignedRow,
  type TreeKey,
  type TreeRow,
} from './rows.ts';

interface HeadRow extends TreeRow {
  readonly head_id: number;
  readonly timestamp: string;
  readonly signature: Buffer;
  readonly sources: string;
  readonly head_first_seen: number;
  readonly last_seen: number;
  readonly count: number;
}

interface SightingRow {
  readonly tree_head: number;
  readonly source: string;
  readonly first_seen: number;
  readonly last_seen: number;
  readonly count: number;
}

interface DayRow {
  readonly log_id: Buffer;
  readonly day: number;
  readonly heads: number;
  readonly sightings: number;
}

const DAY_MS = 86_400_000;
/** No sum is more, whatever was made up elsewhere: past 2^63 SQLite has none, which looks like damage. */
const added = (column: string): string =>
  `${column} = min(${column} + excluded.${column}, ${Number.MAX_SAFE_INTEGER})`;
const NO_CHANGES: SeenEntryChanges = { put: [], over: [] };

const PUT_TREE = `INSERT INTO trees (log_id, tree_size, root_hash, first_seen, verdict, reason)
  VALUES (@logId, @treeSize, @rootHash, @firstSeen, @verdict, @reason) RETURNING id`;
const TREE_OF = `SELECT * FROM trees
  WHERE log_id = @logId AND tree_size = @treeSize AND root_hash = @rootHash`;
const TREES_OF_SIZE = `SELECT * FROM trees
  WHERE log_id = @logId AND tree_size = @treeSize ORDER BY id`;
const TREE_ID = `SELECT id FROM trees
  WHERE log_id = @logId AND tree_size = @treeSize AND root_hash = @rootHash`;
const PUT_HEAD = `INSERT INTO tree_heads (tree, timestamp, signature)
  VALUES (@tree, @timestamp, @signature) ON CONFLICT DO NOTHING`;
const PUT_SIGHTING = `INSERT INTO sightings (tree_head, source, first_seen, last_seen, count)
  SELECT id, @source, @firstSeen, @lastSeen, @count FROM tree_heads
    WHERE tree = @tree AND timestamp = @timestamp
  ON CONFLICT (tree_head, source) DO UPDATE SET ${added('count')},
    first_seen = min(first_seen, excluded.first_seen),
    last_seen = max(last_seen, excluded.last_seen)`;
const PUT_DAY = `INSERT INTO days (log_id, day, heads, sightings)
  VALUES (@logId, @day, @heads, @sightings)
  ON CONFLICT DO UPDATE SET heads = heads + excluded.heads, ${added('sightings')}`;
const PUT_SEEN_ENTRY = `INSERT INTO seen_entries (source, entry, credited, tree_head)
  SELECT @source, @entry, @credited, tree_heads.id
    FROM tree_heads JOIN trees ON trees.id = tree_heads.tree
    WHERE log_id = @logId AND tree_size = @treeSize AND root_hash = @rootHash
      AND timestamp = @timestamp
  ON CONFLICT (source, entry) DO UPDATE
    SET credited = excluded.credited, tree_head = excluded.tree_head`;
const DROP_SEEN_ENTRY = 'DELETE FROM seen_entries WHERE source = @source AND entry = @entry';
const SEEN_ENTRIES = `SELECT CAST(entry AS TEXT) AS entry, credited, tree_heads.id AS head_id, log_id, tree_size, root_hash,
    timestamp, signature
  FROM seen_entries
    JOIN tree_heads ON tree_heads.id = seen_entries.tree_head
    JOIN trees ON trees.id = tree_heads.tree
  WHERE source = @source`;
// One look into the index for each log, however many trees there are.
const LOG_IDS = `WITH RECURSIVE logs (log_id) AS (
    SELECT min(log_id) FROM trees
    UNION ALL SELECT (SELECT min(log_id) FROM trees WHERE log_id > logs.log_id) FROM logs
      WHERE logs.log_id IS NOT NULL)
  SELECT log_id FROM logs WHERE log_id IS NOT NULL`;
const HEADS_OF = `SELECT tree_heads.id AS head_id, log_id, tree_size, root_hash, timestamp, signature
  FROM tree_heads JOIN trees ON trees.id = tree WHERE tree = @id ORDER BY timestamp`;
const SUMMARIES = `SELECT trees.*, tree_heads.id AS head_id, tree_heads.timestamp, tree_heads.signature,
    json_group_array(source) AS sources, min(sightings.first_seen) AS head_first_seen,
    max(last_seen) AS last_seen, CAST(min(total(count), ${Number.MAX_SAFE_INTEGER}) AS INTEGER) AS count
  FROM tree_heads JOIN trees ON trees.id = tree JOIN sightings ON tree_head = tree_heads.id`;
const LATEST = `${SUMMARIES}
  WHERE tree_heads.id IN (SELECT id FROM tree_heads ORDER BY id DESC LIMIT @limit)
  GROUP BY tree_heads.id ORDER BY log_id, tree_size, timestamp`;
const HEADS_OF_TREE = `${SUMMARIES}
  WHERE trees.id = @id GROUP BY tree_heads.id ORDER BY timestamp LIMIT @limit`;
const NEWEST = 'SELECT * FROM trees ORDER BY id DESC LIMIT @limit';
// One row with all of them: a fleet has thousands, and each row costs as much as a few hundred bytes.
const SOURCES_OF_TREE = `SELECT json_group_array(source) AS sources FROM (
  SELECT DISTINCT source FROM sightings WHERE tree_head IN (
    SELECT id FROM tree_heads WHERE tree = @id ORDER BY timestamp DESC LIMIT @heads))`;
// By the primary key of sightings, however many there are.
const SOURCES_UNDER = `SELECT source FROM sightings WHERE source >= @from AND source < @to
    AND tree_head = (SELECT tree_heads.id FROM tree_heads JOIN trees ON trees.id = tree
      WHERE log_id = @logId AND tree_size = @treeSize AND root_hash = @rootHash
        AND timestamp = @timestamp)
  ORDER BY source LIMIT @limit`;
/** So many trees are looked at for those that are consistent. */
const NEIGHBOURS = 256;
const CONSISTENT_BELOW = `SELECT * FROM (
    SELECT * FROM trees WHERE log_id = @logId AND tree_size < @treeSize
    ORDER BY tree_size DESC LIMIT ${NEIGHBOURS})
  WHERE verdict = 'consistent' ORDER BY tree_size DESC LIMIT @limit`;
// Each is one look into an index. The name is part of the text as below.
const SPAN = `SELECT
  (SELECT first_seen FROM trees ORDER BY id LIMIT 1) AS first_tree,
  (SELECT min(last_seen) FROM sightings WHERE source <> '${ROLLED_UP}') AS first_sighting,
  (SELECT max(last_seen) FROM sightings WHERE source <> '${ROLLED_UP}') AS last_sighting`;
/** So many of a log's trees are on its timeline, the largest, and all that were proven a fork. */
const ON_TIMELINE = 10_000;
// One number for a slot and a verdict: whatever has to be sorted is small. What is no verdict is NULL.
const VERDICT_BITS = 16;
const SLOT_AND_VERDICT = `(CASE WHEN first_seen < @from THEN -1
      ELSE CAST(min(@slots - 1, (first_seen - @from) * @slots / (@to - @from)) AS INTEGER) END) * ${VERDICT_BITS}
    + CASE verdict ${VERDICTS.map((verdict, i) => `WHEN '${verdict}' THEN ${i}`).join(' ')} END`;
const TIMELINE = `WITH shown AS (
    SELECT * FROM (SELECT ${SLOT_AND_VERDICT} AS place, tree_size FROM trees WHERE log_id = @logId
      ORDER BY tree_size DESC LIMIT ${ON_TIMELINE})
      WHERE place & ${VERDICT_BITS - 1} <> ${VERDICTS.indexOf('fork-proven')}
    UNION ALL SELECT ${SLOT_AND_VERDICT}, tree_size FROM trees
      WHERE verdict = 'fork-proven' AND log_id = @logId)
  SELECT place, count(*) AS trees, max(tree_size) AS largest FROM shown
  WHERE place IS NOT NULL GROUP BY place`;
const ALL = `${SUMMARIES} GROUP BY tree_heads.id ORDER BY tree_heads.id`;
// The name is part of the text: with a parameter, SQLite would not use the index on times.
const OLD_SIGHTINGS = `SELECT tree_head, source, first_seen, last_seen, count FROM sightings
  WHERE last_seen < @before AND source <> '${ROLLED_UP}' ORDER BY last_seen LIMIT @limit`;
const ADD_TO_SUM = `INSERT INTO sightings (tree_head, source, first_seen, last_seen, count)
  VALUES (@tree_head, '${ROLLED_UP}', @first_seen, @last_seen, @count)
  ON CONFLICT (tree_head, source) DO UPDATE SET ${added('count')},
    first_seen = min(first_seen, excluded.first_seen),
    last_seen = max(last_seen, excluded.last_seen)`;
const DROP_SIGHTING = 'DELETE FROM sightings WHERE tree_head = @tree_head AND source = @source';

interface SpanRow {
  readonly first_tree: number | null;
  readonly first_sighting: number | null;
  readonly last_sighting: number | null;
}

interface TimelineRow {
  /** Of the slot and the verdict. */
  readonly place: number;
  readonly trees: number;
  readonly largest: string;
}

interface NewTree extends TreeKey {
  readonly firstSeen: number;
  readonly verdict: Verdict;
  readonly reason: string | undefined;
}

type HeadKey = TreeKey & { readonly timestamp: string };

export class SqliteHeads implements HeadStore {
  readonly #connection: Connection;
  readonly #damaged: SqliteDamagedRows;
  readonly #exchange: SqliteExchange;
  readonly #putTree: Statement<NewTree, { readonly id: number }>;
  readonly #treeOf: Statement<TreeKey, TreeRow>;
  readonly #treeId: Statement<TreeKey, { readonly id: number }>;
  readonly #putHead: Statement<{ tree: number; timestamp: string; signature: Uint8Array }>;
  readonly #putSighting: Statement<
    { tree: number; timestamp: string } & Pick<
      Sighting,
      'source' | 'firstSeen' | 'lastSeen' | 'count'
    >
  >;
  readonly #putDay: Statement<LogDay>;
  readonly #putSeenEntry: Statement<HeadKey & { source: string; entry: bigint; credited: number }>;
  readonly #dropSeenEntry: Statement<{ source: string; entry: bigint }>;
  readonly #seenEntries: Statement<
    { source: string },
    SignedRow & { readonly entry: string; readonly credited: number }
  >;
  readonly #forgetSeenEntries: Statement<{ source: string }>;
  readonly #trees: Statement<{ logId: LogId }, TreeRow>;
  readonly #treesOfSize: Statement<Pick<TreeKey, 'logId' | 'treeSize'>, TreeRow>;
  readonly #logIds: Statement<NoParameters, { readonly log_id: Buffer }>;
  readonly #headsOf: Statement<{ id: number }, SignedRow>;
  readonly #latest: Statement<{ limit: number }, HeadRow>;
  readonly #headSummaries: Statement<{ id: number; limit: number }, HeadRow>;
  readonly #newest: Statement<{ limit: number }, TreeRow>;
  readonly #sourcesOfTree: Statement<{ id: number; heads: number }, { readonly sources: string }>;
  readonly #sourcesUnder: Statement<
    HeadKey & { from: string; to: string; limit: number },
    { readonly source: string }
  >;
  readonly #consistentBelow: Statement<{ logId: LogId; treeSize: string; limit: number }, TreeRow>;
  readonly #span: Statement<NoParameters, SpanRow>;
  readonly #timeline: Statement<
    { logId: LogId; from: number; to: number; slots: number },
    TimelineRow
  >;
  readonly #all: Statement<NoParameters, HeadRow>;
  readonly #count: Statement<NoParameters, { readonly count: number }>;
  readonly #days: Statement<{ first: number }, DayRow>;
  readonly #oldSightings: Statement<{ before: number; limit: number }, SightingRow>;
  readonly #addToSum: Statement<SightingRow>;
  readonly #dropSighting: Statement<SightingRow>;

  constructor(connection: Connection, damagedRows: SqliteDamagedRows, exchange: SqliteExchange) {
    this.#connection = connection;
    this.#damaged = damagedRows;
    this.#exchange = exchange;
    this.#putTree = connection.statement(PUT_TREE);
    this.#treeOf = connection.statement(TREE_OF);
    this.#treeId = connection.statement(TREE_ID);
    this.#putHead = connection.statement(PUT_HEAD);
    this.#putSighting = connection.statement(PUT_SIGHTING);
    this.#putDay = connection.statement(PUT_DAY);
    this.#putSeenEntry = connection.statement(PUT_SEEN_ENTRY);
    this.#dropSeenEntry = connection.statement(DROP_SEEN_ENTRY);
    this.#seenEntries = connection.statement(SEEN_ENTRIES);
    this.#forgetSeenEntries = connection.statement(
      'DELETE FROM seen_entries WHERE source = @source',
    );
    this.#treesOfSize = connection.statement(TREES_OF_SIZE);
    this.#trees = connection.statement(
      'SELECT * FROM trees WHERE log_id = @logId ORDER BY tree_size, id',
    );
    this.#logIds = connection.statement(LOG_IDS);
    this.#headsOf = connection.statement(HEADS_OF);
    this.#latest = connection.statement(LATEST);
    this.#headSummaries = connection.statement(HEADS_OF_TREE);
    this.#newest = connection.statement(NEWEST);
    this.#sourcesOfTree = connection.statement(SOURCES_OF_TREE);
    this.#sourcesUnder = connection.statement(SOURCES_UNDER);
    this.#consistentBelow = connection.statement(CONSISTENT_BELOW);
    this.#span = connection.statement(SPAN);
    this.#timeline = connection.statement(TIMELINE);
    this.#all = connection.statement(ALL);
    this.#count = connection.statement('SELECT count(*) AS count FROM tree_heads');
    this.#days = connection.statement(
      'SELECT * FROM days WHERE day >= @first ORDER BY log_id, day',
    );
    this.#oldSightings = connection.statement(OLD_SIGHTINGS);
    this.#addToSum = connection.statement(ADD_TO_SUM);
    this.#dropSighting = connection.statement(DROP_SIGHTING);
  }

  record<T extends Sighting>(
    sightings: readonly T[],
    changes: SeenEntryChanges = NO_CHANGES,
  ): { newHeads: ReadonlySet<T>; counted: number } {
    this.#damaged.settle();
    return this.#connection.transaction(() => {
      const newHeads = new Set<T>();
      const days = new Days();
      let counted = 0;
      const credits = this.#exchange.credits(sightings);
      for (const sighting of sightings) {
        const { tree, isNew } = this.#putHeadOf(sighting);
        if (isNew) newHeads.add(sighting);
        const count = credits.take(sighting, tree, isNew);
        counted += count;
        if (count > 0) this.#putSightings(sighting, tree, count);
        days.add(sighting, isNew, count);
      }
      for (const day of days.sums()) this.#putDay.run(day);
      for (const { source, entry } of changes.over)
        this.#dropSeenEntry.run({ source, entry: BigInt.asIntN(64, entry) });
      for (const { source, entry, head, credited } of changes.put) {
        const timestamp = padded(head.timestamp);
        const key = { ...treeKey(head), timestamp };
        this.#putSeenEntry.run({ ...key, source, entry: BigInt.asIntN(64, entry), credited });
      }
      return { newHeads, counted };
    });
  }

  /** Returns the ID of the tree, and whether the tree head was not known before. */
  #putHeadOf({ head, firstSeen }: Sighting): { tree: number; isNew: boolean } {
    const tree = this.#putTreeOf(head, firstSeen);
    const timestamp = padded(head.timestamp);
    const added = this.#putHead.run({ tree, timestamp, signature: head.signature });
    return { tree, isNew: added > 0 };
  }

  #putSightings(sighting: Sighting, tree: number, count: number): void {
    const { head, source, firstSeen, lastSeen } = sighting;
    const timestamp = padded(head.timestamp);
    this.#putSighting.run({ tree, timestamp, source, firstSeen, lastSeen, count });
  }

  /** Returns the ID of the tree, which is new or known. */
  #putTreeOf(head: VerifiedStatement, firstSeen: number): number {
    const key = treeKey(head);
    const row =
      this.#treeId.get(key) ?? this.#putTree.get({ ...key, firstSeen, ...verdictOn(head) });
    if (row === undefined) throw new Error(`tree of size ${head.treeSize} was not recorded`);
    return row.id;
  }

  treeOf(head: VerifiedStatement): StoredTree {
    const tree = this.find(head);
    if (tree === undefined) throw new Error(`tree of size ${head.treeSize} was never recorded`);
    return tree;
  }

  find(head: VerifiedStatement): StoredTree | undefined {
    const row = this.#treeOf.get(treeKey(head));
    if (row === undefined) return undefined;
    const tree = this.#tree(row);
    // It was found by an index. If its row says otherwise, one of the two is damaged.
    if (tree?.treeSize !== head.treeSize || !equalHash(tree.rootHash, head.rootHash))
      throw damaged(this.#connection.database.name, `tree ${row.id} is not what its index says`);
    return tree;
  }

  trees(logId: LogId): StoredTree[] {
    return this.#trees.all({ logId }).flatMap((row) => this.#tree(row) ?? []);
  }

  treesOfSize(logId: LogId, treeSize: bigint): StoredTree[] {
    const rows = this.#treesOfSize.all({ logId, treeSize: padded(treeSize) });
    return rows.flatMap((row) => this.#tree(row) ?? []);
  }

  #tree(row: TreeRow): StoredTree | undefined {
    return this.#damaged.readable({ kind: 'tree', id: row.id }, () => toTree(row));
  }

  logIds(): LogId[] {
    return this.#logIds.all({}).flatMap((row) => (isLogId(row.log_id) ? toLogId(row.log_id) : []));
  }

  headsOf({ id }: StoredTree): StoredHead[] {
    return this.#headsOf.all({ id }).flatMap((row) => this.#head(row) ?? []);
  }

  setAside(row: DamagedRow, reason: string, now: number): void {
    this.#damaged.setAside(row, reason, now);
  }

  damagedRows(): number {
    return this.#damaged.count();
  }

  latest(limit?: number): HeadSummary[] {
    return this.#latest.all({ limit: limit ?? -1 }).flatMap((row) => this.#summary(row) ?? []);
  }

  *all(): Generator<HeadSummary, void, undefined> {
    for (const row of this.#all.iterate({})) {
      const summary = this.#summary(row);
      if (summary !== undefined) yield summary;
    }
  }

  count(): number {
    return this.#count.get({})?.count ?? 0;
  }

  days(first: number): LogDay[] {
    return this.#days
      .all({ first })
      .filter(({ log_id }) => isLogId(log_id))
      .map(({ log_id, ...day }) => ({ logId: toLogId(log_id), ...day }));
  }

  headSummaries({ id }: Pick<StoredTree, 'id'>, limit: number): HeadSummary[] {
    return this.#headSummaries.all({ id, limit }).flatMap((row) => this.#summary(row) ?? []);
  }

  newest(limit: number): StoredTree[] {
    return this.#newest.all({ limit }).flatMap((row) => this.#tree(row) ?? []);
  }

  sourcesOf({ id }: Pick<StoredTree, 'id'>, heads: number): string[] {
    return JSON.parse(this.#sourcesOfTree.get({ id, heads })?.sources ?? '[]') as string[];
  }

  sourcesUnder(head: VerifiedStatement, prefix: string, limit: number): string[] {
    const key = { ...treeKey(head), timestamp: padded(head.timestamp) };
    // What begins so is less than this, and more than nothing else.
    const to = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
    return this.#sourcesUnder.all({ ...key, from: prefix, to, limit }).map(({ source }) => source);
  }

  consistentBelow(logId: LogId, size: bigint, limit: number): StoredTree[] {
    return this.#consistentBelow
      .all({ logId, treeSize: padded(size), limit })
      .flatMap((row) => this.#tree(row) ?? [])
      .reverse();
  }

  span(): { from: number; to: number } | undefined {
    const times = Object.values(this.#span.get({}) ?? {}).filter(
      (time) => typeof time === 'number',
    );
    return times.length === 0 ? undefined : { from: Math.min(...times), to: Math.max(...times) };
  }

  timeline(logId: LogId, from: number, to: number, slots: number): TimelineSlot[] {
    const asked = { logId, from, to: Math.max(to, from + 1), slots };
    return this.#timeline.all(asked).flatMap(({ place, trees, largest }) => {
      const slot = Math.floor(place / VERDICT_BITS);
      const verdict = VERDICTS[place - slot * VERDICT_BITS];
      try {
        return verdict === undefined ? [] : [{ slot, verdict, trees, largest: unpadded(largest) }];
      } catch {
        return []; // a damaged row: it is set aside where it is read whole
      }
    });
  }

  rollUp(before: number, limit: number): number {
    return this.#connection.transaction(() => {
      const old = this.#oldSightings.all({ before, limit });
      for (const sighting of old) {
        this.#addToSum.run(sighting);
        this.#dropSighting.run(sighting);
      }
      return old.length;
    });
  }

  seenEntries(source: string): StoredSeenEntry[] {
    return this.#seenEntries.all({ source }).flatMap(({ entry, credited, ...row }) => {
      const head = this.#head(row);
      return head === undefined
        ? []
        : [{ source, entry: BigInt.asUintN(64, BigInt(entry)), credited, head }];
    });
  }

  forgetSeenEntries(source: string): void {
    this.#forgetSeenEntries.run({ source });
  }

  #head(row: SignedRow): StoredHead | undefined {
    return this.#damaged.readable({ kind: 'head', id: row.head_id }, () => toHead(row));
  }

  #summary(row: HeadRow): HeadSummary | undefined {
    const tree = this.#damaged.readable({ kind: 'tree', id: row.id }, () => toTree(row));
    return (
      tree && this.#damaged.readable({ kind: 'head', id: row.head_id }, () => toSummary(tree, row))
    );
  }
}

/** The verdict with which a tree begins. */
function verdictOn(head: VerifiedStatement): Pick<NewTree, 'verdict' | 'reason'> {
  return isMalformed(head)
    ? { verdict: 'malformed-head', reason: MALFORMED }
    : { verdict: 'pending', reason: undefined };
}

/** What a batch adds to each day. */
class Days {
  readonly #sums = new Map<string, LogDay>();

  add({ head: { logId }, lastSeen }: Sighting, isNew: boolean, count: number): void {
    const day = Math.floor(lastSeen / DAY_MS);
    const key = `${Buffer.from(logId).toString('latin1')} ${day}`;
    const { heads = 0, sightings = 0 } = this.#sums.get(key) ?? {};
    this.#sums.set(key, {
      logId,
      day,
      heads: heads + (isNew ? 1 : 0),
      sightings: Math.min(sightings + count, Number.MAX_SAFE_INTEGER),
    });
  }

  sums(): Iterable<LogDay> {
    return this.#sums.values();
  }
}

function toSummary(tree: StoredTree, row: HeadRow): HeadSummary {
  return {
    ...tree,
    timestamp: unpadded(row.timestamp),
    signature: new Uint8Array(row.signature),
    sources: JSON.parse(row.sources) as string[],
    headFirstSeen: row.head_first_seen,
    lastSeen: row.last_seen,
    count: row.count,
  };
}
