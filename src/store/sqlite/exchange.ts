// SPDX-License-Identifier: Apache-2.0
/** What passes between stores, in SQLite: tables identity and imported; words.ts has what they say. */
import {
  IDENTITY_DIGITS,
  isIdentity,
  originOf,
  type ExchangeStore,
  type ExportedHead,
  type ExportedSighting,
  type ForeignVerdict,
  type Origin,
  type ToldVerdict,
} from '../exchange.ts';
import { ROLLED_UP, type Sighting } from '../heads.ts';
import type { Connection, NoParameters, Statement } from './connection.ts';
import type { SqliteDamagedRows } from './damaged-rows.ts';
import { padded, toHead, toTree, type TreeRow } from './rows.ts';
import { SqliteWords } from './words.ts';

const HEAD = 'SELECT trees.*, h.id AS head_id, h.timestamp, h.signature';
const COLUMNS = `${HEAD},
    (SELECT json_group_array(json_array(source, first_seen, last_seen, count))
      FROM sightings WHERE tree_head = h.id) AS sightings,
    (SELECT json_group_array(json_array(origin, count)) FROM imported WHERE tree_head = h.id) AS imported
  FROM tree_heads h JOIN trees ON trees.id = h.tree`;
const EXPORTS = `${COLUMNS}
  WHERE EXISTS (SELECT 1 FROM sightings WHERE tree_head = h.id AND last_seen >= @since)
  ORDER BY h.id`;
const EXPORT = `${COLUMNS} WHERE h.id = @id`;
const EXPORT_BARE = `${HEAD}, '[]' AS sightings, '[]' AS imported
  FROM tree_heads h JOIN trees ON trees.id = h.tree WHERE h.id = @id`;
const HEAD_ID = 'SELECT id FROM tree_heads WHERE tree = @tree AND timestamp = @timestamp';
const CREDITED = 'SELECT count FROM imported WHERE tree_head = @head AND origin = @origin';
const CREDIT = `INSERT INTO imported (tree_head, origin, count) VALUES (@head, @origin, @count)
  ON CONFLICT DO UPDATE SET count = max(count, excluded.count)`;
const SEEN_BEFORE = 'SELECT count FROM sightings WHERE tree_head = @head AND source = @source';
interface ExportRow extends TreeRow {
  readonly head_id: number;
  readonly timestamp: string;
  readonly signature: Buffer;
  /** JSON. */
  readonly sightings: string;
  /** JSON. */
  readonly imported: string;
}

type SightingTuple = [source: string, firstSeen: number, lastSeen: number, count: number];

export class SqliteExchange implements ExchangeStore {
  readonly #damaged: SqliteDamagedRows;
  readonly #identity: Statement<NoParameters, { readonly id: string }>;
  readonly #adopt: Statement<{ identity: string }>;
  readonly #exports: Statement<{ since: number }, ExportRow>;
  readonly #export: Readonly<Record<'whole' | 'bare', Statement<{ id: number }, ExportRow>>>;
  readonly #headId: Statement<{ tree: number; timestamp: string }, { readonly id: number }>;
  readonly #credited: Statement<{ head: number; origin: string }, { readonly count: number }>;
  readonly #credit: Statement<{ head: number; origin: string; count: number }>;
  readonly #seenBefore: Statement<{ head: number; source: string }, { readonly count: number }>;
  readonly #words: SqliteWords;

  constructor(connection: Connection, damagedRows: SqliteDamagedRows) {
    this.#damaged = damagedRows;
    this.#identity = connection.statement('SELECT id FROM identity');
    this.#adopt = connection.statement('UPDATE identity SET id = @identity');
    this.#exports = connection.statement(EXPORTS);
    this.#export = { whole: connection.statement(EXPORT), bare: connection.statement(EXPORT_BARE) };
    this.#headId = connection.statement(HEAD_ID);
    this.#credited = connection.statement(CREDITED);
    this.#credit = connection.statement(CREDIT);
    this.#seenBefore = connection.statement(SEEN_BEFORE);
    this.#words = new SqliteWords(connection);
  }

  identity(): string {
    return this.#identity.get({})?.id.slice(0, IDENTITY_DIGITS) ?? '0'.repeat(IDENTITY_DIGITS);
  }

  adopt(identity: string): void {
    this.#adopt.run({ identity });
  }

  *exports(since: number): Generator<ExportedHead, void, undefined> {
    for (const row of this.#exports.iterate({ since })) {
      const exported = this.#exported(row);
      if (exported !== undefined) yield exported;
    }
  }

  /**
   * These heads as `exports` has them, by their IDs; without those that are not there any more. 'bare':
   * without sightings, which may be thousands.
   */
  exportsOf(ids: readonly number[], how: 'whole' | 'bare' = 'whole'): Map<number, ExportedHead> {
    const rows = ids.flatMap((id) => this.#export[how].get({ id }) ?? []);
    return new Map(
      rows.flatMap((row) => {
        const exported = this.#exported(row);
        return exported === undefined ? [] : [[row.head_id, exported]];
      }),
    );
  }

  #exported(row: ExportRow): ExportedHead | undefined {
    const tree = this.#damaged.readable({ kind: 'tree', id: row.id }, () => toTree(row));
    return (
      tree &&
      this.#damaged.readable({ kind: 'head', id: row.head_id }, () => {
        const { timestamp, signature } = toHead(row);
        return { ...tree, timestamp, signature, sightings: sightingsOf(row) };
      })
    );
  }

  /** For one transaction that records these sightings. */
  credits(sightings: readonly Sighting[]): Credits {
    return new Credits(sightings, this.identity(), {
      headId: (tree, timestamp) => this.#headId.get({ tree, timestamp })?.id ?? 0,
      credited: (head, origin) => this.#credited.get({ head, origin })?.count ?? 0,
      credit: (head, origin, count) => void this.#credit.run({ head, origin, count }),
      seenBefore: (head, source) => this.#seenBefore.get({ head, source })?.count ?? 0,
    });
  }

  putVerdicts(told: readonly ToldVerdict[], mostEarly?: number): void {
    this.#words.put(told, mostEarly);
  }

  foreignVerdicts(trees?: readonly number[]): Map<number, ForeignVerdict[]> {
    return trees === undefined ? this.#words.all() : this.#words.of(trees);
  }
}

interface Ledger {
  readonly headId: (tree: number, timestamp: string) => number;
  readonly credited: (head: number, origin: string) => number;
  readonly credit: (head: number, origin: string, count: number) => void;
  readonly seenBefore: (head: number, source: string) => number;
}

/**
 * How much of what others counted is still to be added here. What was added is known by head and
 * origin, not by source: either store may roll sightings up.
 */
class Credits {
  readonly #ledger: Ledger;
  readonly #identity: string;
  /** What an origin has counted of a head, by all sources. */
  readonly #totals = new Map<string, number>();
  readonly #left = new Map<string, number>();

  constructor(sightings: readonly Sighting[], identity: string, ledger: Ledger) {
    this.#identity = identity;
    this.#ledger = ledger;
    for (const sighting of sightings) {
      if (sighting.origin === undefined) continue;
      const key = keyOf(sighting);
      this.#totals.set(key, (this.#totals.get(key) ?? 0) + sighting.count);
    }
  }

  /** How many of the sightings are to be added. */
  take(sighting: Sighting, tree: number, isNew: boolean): number {
    const { origin, source, count } = sighting;
    if (origin === undefined) return count;
    const key = keyOf(sighting);
    const head = this.#ledger.headId(tree, padded(sighting.head.timestamp));
    const left = this.#left.get(key) ?? this.#begin(key, head, origin, isNew);
    const isItsOwn = originOf(source)?.origin.store === origin;
    const before = isItsOwn ? this.#ledger.seenBefore(head, source) : 0;
    const added = Math.min(left, Math.max(0, count - before));
    this.#left.set(key, left - added);
    return added;
  }

  #begin(key: string, head: number, origin: string, isNew: boolean): number {
    const total = this.#totals.get(key) ?? 0;
    if (origin === this.#identity) return isNew ? total : 0;
    const credited = this.#ledger.credited(head, origin);
    this.#ledger.credit(head, origin, total);
    return Math.max(0, total - credited);
  }
}

function keyOf({ head, origin }: Sighting): string {
  const { logId, treeSize, timestamp, rootHash } = head;
  const tree = Buffer.concat([logId, rootHash]).toString('latin1');
  return `${treeSize} ${timestamp} ${origin ?? ''} ${tree}`;
}

/**
 * By the store that counted them. Of what was rolled up here, each other store has what its sources
 * lack of all that came from it; the rest is this store's own.
 */
function sightingsOf(row: ExportRow): ExportedSighting[] {
  const rows = JSON.parse(row.sightings) as SightingTuple[];
  const imported = new Map(JSON.parse(row.imported) as [string, number][]);
  const found: ExportedSighting[] = [];
  const hosts = new Map<string, Origin>();
  let rolledUp: ExportedSighting | undefined;
  for (const [label, firstSeen, lastSeen, count] of rows) {
    const { origin, source } = originOf(label) ?? { origin: undefined, source: label };
    const sighting = { origin, source, firstSeen, lastSeen, count };
    if (label === ROLLED_UP) {
      rolledUp = sighting;
      continue;
    }
    found.push(sighting);
    if (origin === undefined) continue;
    hosts.set(origin.store, origin);
    imported.set(origin.store, (imported.get(origin.store) ?? count) - count);
  }
  if (rolledUp === undefined) return found;
  let own = rolledUp.count;
  for (const [store, lacking] of imported) {
    if (lacking <= 0 || !isIdentity(store)) continue;
    own -= lacking;
    const origin = hosts.get(store) ?? { store, host: 'unknown' };
    found.push({ ...rolledUp, origin, count: lacking });
  }
  return own > 0 ? [...found, { ...rolledUp, count: own }] : found;
}
