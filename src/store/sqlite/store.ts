/**
 * What ctga remembers: logs, tree heads, sightings, verdicts, where the evidence lies.
 *
 * Several processes use one store: observers write heads and sightings, the challenger verdicts.
 * Every write is one short transaction.
 */
import { toMerkleHash, type MerkleHash } from '../../merkle/hash.ts';
import { toLogKey } from '../../statements/key.ts';
import type { Log, LogState } from '../../logs/log.ts';
import {
  toLogId,
  type LogId,
  type TreeRoot,
  type VerifiedStatement,
} from '../../statements/statement.ts';
import type { Connection, PreparedStatement } from './open.ts';

const VERDICTS = [
  'pending',
  'consistent',
  'fork-proven',
  'bad-proof',
  'unprovable',
  'skewed',
  'unreachable',
] as const;
/** docs/ARCHITECTURE.md says what each means; only `fork-proven` accuses anybody. */
export type Verdict = (typeof VERDICTS)[number];

/**
 * How often one tree head was seen by one source since the last write. Times in ms since the epoch.
 */
export interface Sighting {
  readonly head: VerifiedStatement;
  readonly source: string;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly count: number;
}

/**
 * An answer that a data plane only counts while it comes again (DataPlane.seen), and how much of
 * that count is in the sightings of its head.
 */
export interface StoredSeenEntry {
  readonly source: string;
  readonly entry: bigint;
  readonly head: VerifiedStatement;
  readonly credited: number;
}

export interface SeenEntryChanges {
  readonly put: readonly StoredSeenEntry[];
  readonly over: readonly { readonly source: string; readonly entry: bigint }[];
}

export interface StoredTree {
  readonly id: number;
  readonly logId: LogId;
  readonly treeSize: bigint;
  readonly rootHash: MerkleHash;
  readonly firstSeen: number;
  readonly verdict: Verdict;
  readonly reason: string | undefined;
  /**
   * The tree that it was proven a prefix of; its own id for a head that the log itself called
   * current.
   */
  readonly provenAgainst: number | undefined;
  readonly attempts: number;
  readonly askedAt: number | undefined;
  readonly askAfter: number | undefined;
}

export interface HeadSummary extends StoredTree {
  readonly timestamp: bigint;
  readonly signature: Uint8Array;
  readonly sources: readonly string[];
  readonly headFirstSeen: number;
  readonly lastSeen: number;
  readonly count: number;
}

export interface EvidenceRecord {
  readonly path: string;
  readonly logId: LogId;
  readonly firstSize: bigint;
  readonly secondSize: bigint;
  readonly created: number;
}

/** What is to be sent; times in ms since the epoch. */
export interface QueuedAlert {
  readonly id: number;
  readonly body: string;
  readonly attempts: number;
  readonly due: number;
}

/** A log list as it was published. */
export interface StoredLogList {
  /** Where it came from: an URL or a file. */
  readonly source: string;
  readonly json: Buffer;
  /** If it was signed, and that was verified: the signature and the SubjectPublicKeyInfo. */
  readonly signed: { readonly signature: Buffer; readonly key: Buffer } | undefined;
  readonly etag: string | undefined;
  readonly fetched: number;
}

export interface VerdictUpdate {
  readonly verdict: Verdict;
  readonly reason?: string;
  readonly provenAgainst?: number;
  /** Not to be asked again before this time; absent: decided, or ask whenever. */
  readonly askAfter?: number;
}

interface TreeRow {
  id: number;
  log_id: Buffer;
  tree_size: string;
  root_hash: Buffer;
  first_seen: number;
  verdict: Verdict;
  reason: string | null;
  proven_against: number | null;
  attempts: number;
  asked_at: number | null;
  ask_after: number | null;
}

interface LogRow {
  key: Buffer;
  description: string;
  url: string;
  api: Log['api'];
  mmd: number;
  dns: string | null;
  state: LogState | null;
  final_size: string | null;
  final_root: Buffer | null;
  allow_private_address: number;
}

interface HeadRow extends TreeRow {
  timestamp: string;
  signature: Buffer;
  sources: string;
  head_first_seen: number;
  last_seen: number;
  count: number;
}

const NO_CHANGES: SeenEntryChanges = { put: [], over: [] };

/** What is run for every batch of sightings, prepared once. */
function prepareStatements(db: Connection): {
  readonly putTree: PreparedStatement<[Buffer, string, Buffer, number]>;
  readonly findTree: PreparedStatement<[Buffer, string, Buffer], TreeRow>;
  readonly putHead: PreparedStatement<[number, string, Buffer]>;
  readonly putSighting: PreparedStatement<[string, number, number, number, number, string]>;
  readonly putDay: PreparedStatement<[Buffer, number, number, number]>;
  readonly putSeenEntry: PreparedStatement<
    [string, bigint, number, Buffer, string, Buffer, string]
  >;
  readonly dropSeenEntry: PreparedStatement<[string, bigint]>;
} {
  return {
    putTree: db.prepare(
      'INSERT INTO trees (log_id, tree_size, root_hash, first_seen) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    findTree: db.prepare(
      'SELECT * FROM trees WHERE log_id = ? AND tree_size = ? AND root_hash = ?',
    ),
    putHead: db.prepare(
      'INSERT INTO tree_heads (tree, timestamp, signature) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    putSighting: db.prepare(
      `INSERT INTO sightings (tree_head, source, first_seen, last_seen, count)
       SELECT id, ?, ?, ?, ? FROM tree_heads WHERE tree = ? AND timestamp = ?
       ON CONFLICT (tree_head, source) DO UPDATE SET count = count + excluded.count,
         first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen)`,
    ),
    putDay: db.prepare(
      `INSERT INTO days (log_id, day, heads, sightings) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
         heads = heads + excluded.heads, sightings = sightings + excluded.sightings`,
    ),
    putSeenEntry: db.prepare(
      `INSERT INTO seen_entries (source, entry, credited, tree_head)
       SELECT ?, ?, ?, tree_heads.id FROM tree_heads JOIN trees ON trees.id = tree_heads.tree
       WHERE log_id = ? AND tree_size = ? AND root_hash = ? AND timestamp = ?
       ON CONFLICT (source, entry) DO UPDATE SET credited = excluded.credited, tree_head = excluded.tree_head`,
    ),
    dropSeenEntry: db.prepare('DELETE FROM seen_entries WHERE source = ? AND entry = ?'),
  };
}

export class Store {
  #db: Connection;
  #statements: ReturnType<typeof prepareStatements>;

  constructor(database: Connection) {
    this.#db = database;
    this.#statements = prepareStatements(database);
  }

  close(): void {
    this.#db.close();
  }

  /** Goes on in another database, in place of one that is no good any more. */
  renew(database: Connection): void {
    const old = this.#db;
    this.#db = database;
    this.#statements = prepareStatements(database);
    // SQLite leaves the journal of a file alone that is not where it was.
    old.close();
  }

  /** Another number each time that another connection has written. */
  version(): number {
    return this.#db.pragma('data_version', { simple: true }) as number;
  }

  /**
   * Adds to what is known; a log already there takes what is new, and keeps its key and its zone if
   * there is no other.
   */
  putLogs(logs: readonly Log[]): void {
    const put = this.#db.prepare(
      `INSERT INTO logs (log_id, key, description, url, api, mmd, dns, state, final_size, final_root, allow_private_address)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (log_id) DO UPDATE SET description = excluded.description, url = excluded.url,
         api = excluded.api, mmd = excluded.mmd, dns = coalesce(excluded.dns, dns), state = excluded.state,
         final_size = excluded.final_size, final_root = excluded.final_root,
         allow_private_address = excluded.allow_private_address`,
    );
    this.#db.transaction(() => {
      for (const log of logs) {
        const { key, description, url, api, mmd, dns, state, finalTree, allowPrivateAddress } = log;
        put.run(
          Buffer.from(key.logId),
          Buffer.from(key.spki),
          description,
          url,
          api,
          mmd,
          dns ?? null,
          state ?? null,
          finalTree === undefined ? null : padded(finalTree.treeSize),
          finalTree === undefined ? null : Buffer.from(finalTree.rootHash),
          allowPrivateAddress === true ? 1 : 0,
        );
      }
    })();
  }

  logs(): Log[] {
    return this.#db
      .prepare<[], LogRow>('SELECT * FROM logs ORDER BY description')
      .all()
      .map(({ key, description, url, api, mmd, dns, state, ...row }) => ({
        key: toLogKey(key),
        description,
        url,
        api,
        mmd,
        dns: dns ?? undefined,
        state: state ?? undefined,
        finalTree:
          row.final_size === null || row.final_root === null
            ? undefined
            : { treeSize: BigInt(row.final_size), rootHash: toMerkleHash(row.final_root) },
        allowPrivateAddress: row.allow_private_address !== 0,
      }));
  }

  /** What was last taken in from a source of lists, such as an URL. */
  logList(source: string): StoredLogList | undefined {
    return this.logLists().find((each) => each.source === source);
  }

  logLists(): StoredLogList[] {
    return this.#db
      .prepare<
        [],
        {
          source: string;
          json: Buffer;
          signature: Buffer | null;
          key: Buffer | null;
          etag: string | null;
          fetched: number;
        }
      >('SELECT * FROM log_lists ORDER BY fetched DESC')
      .all()
      .map(({ source, json, signature, key, etag, fetched }) => ({
        source,
        json,
        fetched,
        signed: signature === null || key === null ? undefined : { signature, key },
        etag: etag ?? undefined,
      }));
  }

  putLogList({ source, json, signed, etag, fetched }: StoredLogList): void {
    this.#db
      .prepare(
        `INSERT INTO log_lists (source, json, signature, key, etag, fetched) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET json = excluded.json, signature = excluded.signature, key = excluded.key,
           etag = excluded.etag, fetched = excluded.fetched`,
      )
      .run(source, json, signed?.signature ?? null, signed?.key ?? null, etag ?? null, fetched);
  }

  /**
   * Records a batch of sightings, and what was credited of them to answers that are only counted,
   * in one transaction. Returns those whose tree head was not known before.
   */
  recordSightings<T extends Sighting>(
    sightings: readonly T[],
    changes: SeenEntryChanges = NO_CHANGES,
  ): { newHeads: ReadonlySet<T> } {
    const { putHead, putSighting, putDay, putSeenEntry, dropSeenEntry } = this.#statements;
    const record = this.#db.transaction(() => {
      const newHeads = new Set<T>();
      const days = new Days();
      for (const sighting of sightings) {
        const { head, source, firstSeen, lastSeen, count } = sighting;
        const tree = this.#putTree(head, firstSeen);
        const timestamp = padded(head.timestamp);
        const added = putHead.run(tree.id, timestamp, Buffer.from(head.signature));
        if (added.changes > 0) newHeads.add(sighting);
        putSighting.run(source, firstSeen, lastSeen, count, tree.id, timestamp);
        days.add(head.logId, lastSeen, added.changes, count);
      }
      for (const [logId, day, heads, count] of days.rows()) putDay.run(logId, day, heads, count);
      for (const { source, entry } of changes.over)
        dropSeenEntry.run(source, BigInt.asIntN(64, entry));
      for (const { source, entry, head, credited } of changes.put) {
        putSeenEntry.run(
          source,
          BigInt.asIntN(64, entry),
          credited,
          ...treeKey(head),
          padded(head.timestamp),
        );
      }
      return { newHeads };
    });
    // Immediate: it will write, and waiting for the other writer at the start cannot end in
    // SQLITE_BUSY_SNAPSHOT.
    return record.immediate();
  }

  /** What was credited of one source's seen_entries; see SeenEntryChanges. */
  seenEntries(source: string): StoredSeenEntry[] {
    const rows = this.#db
      .prepare<
        [string],
        {
          entry: bigint;
          credited: bigint;
          log_id: Buffer;
          tree_size: string;
          root_hash: Buffer;
          timestamp: string;
          signature: Buffer;
        }
      >(
        `SELECT entry, credited, log_id, tree_size, root_hash, timestamp, signature
         FROM seen_entries JOIN tree_heads ON tree_heads.id = seen_entries.tree_head JOIN trees ON trees.id = tree_heads.tree
         WHERE source = ?`,
      )
      .safeIntegers()
      .all(source);
    return rows.map((row) => ({
      source,
      entry: BigInt.asUintN(64, row.entry),
      credited: Number(row.credited),
      // Only verified heads get in, so what comes out was verified.
      head: {
        logId: toLogId(row.log_id),
        treeSize: BigInt(row.tree_size),
        rootHash: toMerkleHash(row.root_hash),
        timestamp: BigInt(row.timestamp),
        signature: new Uint8Array(row.signature),
        __verified: true,
      },
    }));
  }

  /** The seen_entries of a data plane that is gone mean nothing to the next one on the interface. */
  forgetSeenEntries(source: string): void {
    this.#db.prepare('DELETE FROM seen_entries WHERE source = ?').run(source);
  }

  #putTree(head: VerifiedStatement, firstSeen: number): StoredTree {
    this.#statements.putTree.run(...treeKey(head), firstSeen);
    return this.findTree(head);
  }

  /** The tree of a head that was recorded. */
  findTree(head: VerifiedStatement): StoredTree {
    const row = this.#statements.findTree.get(...treeKey(head));
    if (row === undefined) throw new Error(`tree of size ${head.treeSize} was never recorded`);
    return toTree(row);
  }

  /** A log's trees by size, smallest first. */
  trees(logId: LogId): StoredTree[] {
    return this.#db
      .prepare<[Buffer], TreeRow>('SELECT * FROM trees WHERE log_id = ? ORDER BY tree_size, id')
      .all(Buffer.from(logId))
      .map(toTree);
  }

  /** IDs of all logs of which a tree is known. */
  logsWithTrees(): LogId[] {
    return this.#db
      .prepare<[], { log_id: Buffer }>('SELECT DISTINCT log_id FROM trees')
      .all()
      .map((row) => toLogId(row.log_id));
  }

  /** The earliest signed head of a tree; every tree has one. */
  headOf(tree: StoredTree): VerifiedStatement {
    const row = this.#db
      .prepare<[number], { timestamp: string; signature: Buffer }>(
        'SELECT timestamp, signature FROM tree_heads WHERE tree = ? ORDER BY timestamp LIMIT 1',
      )
      .get(tree.id);
    if (row === undefined) throw new Error(`tree ${tree.id} has no head`);
    const { logId, treeSize, rootHash } = tree;
    // Only verified heads get in, so what comes out was verified.
    return {
      logId,
      treeSize,
      rootHash,
      timestamp: BigInt(row.timestamp),
      signature: new Uint8Array(row.signature),
      __verified: true,
    };
  }

  /** Pairs of trees of one size with different roots about which no evidence is on record. */
  sameSizeForksWithoutEvidence(): [StoredTree, StoredTree][] {
    const pairs = this.#db
      .prepare<[], { a: number; b: number }>(
        `SELECT a.id AS a, b.id AS b FROM trees a JOIN trees b
           ON a.log_id = b.log_id AND a.tree_size = b.tree_size AND a.id < b.id
         WHERE NOT EXISTS (SELECT 1 FROM evidence e WHERE e.first = a.id AND e.second = b.id)`,
      )
      .all();
    const byId = this.#db.prepare<[number], TreeRow>('SELECT * FROM trees WHERE id = ?');
    return pairs.flatMap(({ a, b }) => {
      const [first, second] = [byId.get(a), byId.get(b)];
      return first === undefined || second === undefined ? [] : [[toTree(first), toTree(second)]];
    });
  }

  setVerdict(tree: StoredTree, now: number, update: VerdictUpdate): void {
    this.#db
      .prepare(
        'UPDATE trees SET verdict = ?, reason = ?, proven_against = ?, asked_at = ?, ask_after = ?, attempts = attempts + 1 WHERE id = ?',
      )
      .run(
        update.verdict,
        update.reason ?? null,
        update.provenAgainst ?? null,
        now,
        update.askAfter ?? null,
        tree.id,
      );
  }

  /**
   * The file must be on disk already. `second` may be known from elsewhere than a tree head: then
   * it has no id.
   */
  addEvidence(
    path: string,
    first: StoredTree,
    second: TreeRoot & { readonly id?: number },
    created: number,
  ): void {
    this.#db
      .prepare(
        `INSERT INTO evidence (path, log_id, first, second, first_size, second_size, created)
         VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      )
      .run(
        path,
        Buffer.from(first.logId),
        first.id,
        second.id ?? null,
        padded(first.treeSize),
        padded(second.treeSize),
        created,
      );
  }

  evidence(): EvidenceRecord[] {
    return this.#db
      .prepare<
        [],
        { path: string; log_id: Buffer; first_size: string; second_size: string; created: number }
      >(
        'SELECT path, log_id, first_size, second_size, created FROM evidence ORDER BY created, path',
      )
      .all()
      .map((row) => ({
        path: row.path,
        logId: toLogId(row.log_id),
        firstSize: BigInt(row.first_size),
        secondSize: BigInt(row.second_size),
        created: row.created,
      }));
  }

  /**
   * The `limit` tree heads that were new last, each with its sightings summed, by log and size. All
   * unless told.
   */
  heads(limit = -1): HeadSummary[] {
    return this.#db
      .prepare<[number], HeadRow>(
        `${HEADS} WHERE tree_heads.id IN (SELECT id FROM tree_heads ORDER BY id DESC LIMIT ?)
         GROUP BY tree_heads.id ORDER BY log_id, tree_size, timestamp`,
      )
      .all(limit)
      .map(toHead);
  }

  /**
   * Every tree head in the order in which they were new, one at a time: there may be more than
   * memory holds.
   */
  *everyHead(): Generator<HeadSummary, void, undefined> {
    const rows = this.#db.prepare<[], HeadRow>(
      `${HEADS} GROUP BY tree_heads.id ORDER BY tree_heads.id`,
    );
    for (const row of rows.iterate()) yield toHead(row);
  }

  /**
   * New tree heads and sightings by log and day, from day `first` on; a day is UTC, counted from
   * 1970.
   */
  days(
    first: number,
  ): {
    readonly logId: LogId;
    readonly day: number;
    readonly heads: number;
    readonly sightings: number;
  }[] {
    return this.#db
      .prepare<[number], { log_id: Buffer; day: number; heads: number; sightings: number }>(
        'SELECT * FROM days WHERE day >= ? ORDER BY log_id, day',
      )
      .all(first)
      .map(({ log_id, day, heads, sightings }) => ({
        logId: toLogId(log_id),
        day,
        heads,
        sightings,
      }));
  }

  /**
   * What an observer knows of its data planes, by interface: JSON, as `ctga status --json` has it.
   */
  putDataPlane(interfaceName: string, state: string, updated: number): void {
    this.#db
      .prepare(
        `INSERT INTO data_planes (interface, state, updated) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET state = excluded.state, updated = excluded.updated`,
      )
      .run(interfaceName, state, updated);
  }

  dataPlanes(): { readonly interface: string; readonly state: string; readonly updated: number }[] {
    return this.#db
      .prepare<[], { interface: string; state: string; updated: number }>(
        'SELECT interface, state, updated FROM data_planes ORDER BY interface',
      )
      .all();
  }

  /**
   * Sightings by a source that has not seen a head since `before` (ms since the epoch) become part
   * of one sum for that head, `limit` of them at most, oldest first. Tree heads stay, and how often
   * each was seen. Returns how many were rolled up.
   */
  rollUp(before: number, limit: number): number {
    const old = this.#db.prepare<
      [number, number],
      { tree_head: number; source: string; first_seen: number; last_seen: number; count: number }
    >(
      `SELECT * FROM sightings WHERE last_seen < ? AND source <> '${ROLLED_UP}' ORDER BY last_seen LIMIT ?`,
    );
    const add = this.#db.prepare<[number, number, number, number]>(
      `INSERT INTO sightings (tree_head, source, first_seen, last_seen, count) VALUES (?, '${ROLLED_UP}', ?, ?, ?)
       ON CONFLICT (tree_head, source) DO UPDATE SET count = count + excluded.count,
         first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen)`,
    );
    const drop = this.#db.prepare<[number, string]>(
      'DELETE FROM sightings WHERE tree_head = ? AND source = ?',
    );
    return this.#db
      .transaction(() => {
        const rows = old.all(before, limit);
        for (const { tree_head, source, first_seen, last_seen, count } of rows) {
          add.run(tree_head, first_seen, last_seen, count);
          drop.run(tree_head, source);
        }
        return rows.length;
      })
      .immediate();
  }

  /** Distinct tree heads. */
  headCount(): number {
    return (
      this.#db.prepare<[], { count: number }>('SELECT count(*) AS count FROM tree_heads').get()
        ?.count ?? 0
    );
  }

  /** Trees by verdict. */
  verdicts(): Record<Verdict, number> {
    const counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<
      Verdict,
      number
    >;
    for (const row of this.#db
      .prepare<[], { verdict: Verdict; count: number }>(
        'SELECT verdict, count(*) AS count FROM trees GROUP BY verdict',
      )
      .all()) {
      counts[row.verdict] = row.count;
    }
    return counts;
  }

  /** IDs of the logs that have a tree with this verdict. */
  logsWithVerdict(verdict: Verdict): LogId[] {
    return this.#db
      .prepare<[Verdict], { log_id: Buffer }>('SELECT DISTINCT log_id FROM trees WHERE verdict = ?')
      .all(verdict)
      .map((row) => toLogId(row.log_id));
  }

  /** What somebody was told, and is not over. */
  alerts(): { readonly key: string; readonly since: number; readonly message: string }[] {
    return this.#db
      .prepare<[], { key: string; since: number; message: string }>(
        'SELECT key, since, message FROM alerts',
      )
      .all();
  }

  /** From now on it is on record, and to be sent over each channel. */
  raiseAlert(
    key: string,
    message: string,
    body: string,
    channels: readonly string[],
    now: number,
  ): void {
    const raise = this.#db.prepare(
      'INSERT INTO alerts (key, since, message) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#db
      .transaction(() => {
        if (raise.run(key, now, message).changes > 0) this.#enqueue(body, channels, now);
      })
      .immediate();
  }

  endAlert(key: string, body: string, channels: readonly string[], now: number): void {
    const end = this.#db.prepare('DELETE FROM alerts WHERE key = ?');
    this.#db
      .transaction(() => {
        if (end.run(key).changes > 0) this.#enqueue(body, channels, now);
      })
      .immediate();
  }

  #enqueue(body: string, channels: readonly string[], now: number): void {
    const put = this.#db.prepare(
      'INSERT INTO outbox (channel, body, queued, due) VALUES (?, ?, ?, ?)',
    );
    for (const channel of channels) put.run(channel, body, now, now);
  }

  /** What is to be sent over a channel, in order. */
  outbox(channel: string): QueuedAlert[] {
    return this.#db
      .prepare<[string], QueuedAlert>(
        'SELECT id, body, attempts, due FROM outbox WHERE channel = ? ORDER BY id LIMIT 100',
      )
      .all(channel);
  }

  dequeue(id: number): void {
    this.#db.prepare('DELETE FROM outbox WHERE id = ?').run(id);
  }

  retryLater(id: number, due: number): void {
    this.#db
      .prepare('UPDATE outbox SET attempts = attempts + 1, due = ? WHERE id = ?')
      .run(due, id);
  }

  /** Of an interface that is to be watched no more. Returns false where it was not on record. */
  forgetDataPlane(interfaceName: string): boolean {
    return (
      this.#db.prepare('DELETE FROM data_planes WHERE interface = ?').run(interfaceName).changes > 0
    );
  }

  /** When a log asked not to be asked again before (Retry-After), in ms since the epoch. */
  quietUntil(logId: LogId): number {
    const row = this.#db
      .prepare<[Buffer], { until: number }>('SELECT until FROM quiet_logs WHERE log_id = ?')
      .get(Buffer.from(logId));
    return row?.until ?? 0;
  }

  setQuietUntil(logId: LogId, until: number): void {
    this.#db
      .prepare(
        'INSERT INTO quiet_logs (log_id, until) VALUES (?, ?) ON CONFLICT DO UPDATE SET until = excluded.until',
      )
      .run(Buffer.from(logId), until);
  }

  /** Adds to the lasting counters of one source. */
  addCounts(source: string, counts: Readonly<Record<string, number>>): void {
    const add = this.#db.prepare(
      'INSERT INTO counters (source, name, count) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count',
    );
    this.#db.transaction(() => {
      for (const [name, count] of Object.entries(counts))
        if (count !== 0) add.run(source, name, count);
    })();
  }

  /** Counters summed over sources. */
  counts(): Record<string, number> {
    const rows = this.#db
      .prepare<[], { name: string; count: number }>(
        'SELECT name, sum(count) AS count FROM counters GROUP BY name ORDER BY name',
      )
      .all();
    return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
  }
}

const HEADS = `SELECT trees.*, tree_heads.timestamp, tree_heads.signature, group_concat(source, char(10)) AS sources,
    min(sightings.first_seen) AS head_first_seen, max(last_seen) AS last_seen, sum(count) AS count
  FROM tree_heads JOIN trees ON trees.id = tree JOIN sightings ON tree_head = tree_heads.id`;

/** Source of sightings of which only the sum was kept. */
export const ROLLED_UP = 'rolled up';

const DAY_MS = 86_400_000;

/** What a batch adds to each day. */
class Days {
  readonly #sums = new Map<string, [Buffer, number, number, number]>();

  add(logId: LogId, at: number, heads: number, sightings: number): void {
    const [id, day] = [Buffer.from(logId), Math.floor(at / DAY_MS)];
    const key = `${id.toString('latin1')} ${day}`;
    const [, , ...sum] = this.#sums.get(key) ?? [id, day, 0, 0];
    this.#sums.set(key, [id, day, sum[0] + heads, sum[1] + sightings]);
  }

  rows(): Iterable<[Buffer, number, number, number]> {
    return this.#sums.values();
  }
}

function treeKey(head: VerifiedStatement): [Buffer, string, Buffer] {
  return [Buffer.from(head.logId), padded(head.treeSize), Buffer.from(head.rootHash)];
}

function padded(value: bigint): string {
  return value.toString().padStart(20, '0');
}

function toHead(row: HeadRow): HeadSummary {
  return {
    ...toTree(row),
    timestamp: BigInt(row.timestamp),
    signature: new Uint8Array(row.signature),
    sources: row.sources.split('\n'),
    headFirstSeen: row.head_first_seen,
    lastSeen: row.last_seen,
    count: row.count,
  };
}

function toTree(row: TreeRow): StoredTree {
  return {
    id: row.id,
    logId: toLogId(row.log_id),
    treeSize: BigInt(row.tree_size),
    rootHash: toMerkleHash(row.root_hash),
    firstSeen: row.first_seen,
    verdict: row.verdict,
    reason: row.reason ?? undefined,
    provenAgainst: row.proven_against ?? undefined,
    attempts: row.attempts,
    askedAt: row.asked_at ?? undefined,
    askAfter: row.ask_after ?? undefined,
  };
}
