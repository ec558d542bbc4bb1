// SPDX-License-Identifier: Apache-2.0
/** Logs in SQLite: tables logs, log_lists, quiet_logs, stale_heads and unprovable_promises. */
import { logIdText, type Log, type LogState } from '../../logs/log.ts';
import { equalHash, toMerkleHash } from '../../merkle/hash.ts';
import { toLogKey } from '../../statements/key.ts';
import { toLogId, type LogId } from '../../statements/statement.ts';
import type { LogStore, StaleHead, StoredLogList, UnprovablePromises } from '../logs.ts';
import type { Connection, NoParameters, Statement } from './connection.ts';
import { padded, unpadded } from './rows.ts';

const PUT = `INSERT INTO logs (log_id, key, description, url, api, mmd, dns, state, final_size,
    final_root, allow_private_address, listed, submission_url)
  VALUES (@logId, @spki, @description, @url, @api, @mmd, @dns, @state, @finalSize, @finalRoot,
    @allowPrivateAddress, @listed, @submissionUrl)
  ON CONFLICT (log_id) DO UPDATE SET key = excluded.key, description = excluded.description,
    url = iif(excluded.url = '', url, excluded.url), api = iif(excluded.url = '', api, excluded.api), mmd = excluded.mmd, dns = coalesce(excluded.dns, dns),
    state = excluded.state, final_size = excluded.final_size, final_root = excluded.final_root,
    allow_private_address = excluded.allow_private_address, listed = coalesce(excluded.listed, listed),
    submission_url = coalesce(excluded.submission_url, submission_url)`;
const PUT_LIST = `INSERT INTO log_lists (source, json, signature, key, etag, fetched)
  VALUES (@source, @json, @signature, @key, @etag, @fetched)
  ON CONFLICT DO UPDATE SET json = excluded.json, signature = excluded.signature,
    key = excluded.key, etag = excluded.etag, fetched = excluded.fetched`;
const SET_QUIET_UNTIL = `INSERT INTO quiet_logs (log_id, until) VALUES (@logId, @until)
  ON CONFLICT DO UPDATE SET until = excluded.until`;
const PUT_STALE = `INSERT INTO stale_heads (log_id, since, reason) VALUES (@logId, @now, @reason)
  ON CONFLICT DO NOTHING`;

const PUT_UNPROVABLE = `INSERT INTO unprovable_promises VALUES (@logId, @count, @since, @reason)
  ON CONFLICT (log_id) DO UPDATE SET count = excluded.count, reason = excluded.reason`;

interface NewLog extends Pick<Log, 'description' | 'url' | 'api' | 'mmd'> {
  readonly logId: Uint8Array;
  readonly spki: Uint8Array;
  readonly submissionUrl: string | undefined;
  readonly dns: string | undefined;
  readonly state: LogState | undefined;
  readonly finalSize: string | undefined;
  readonly finalRoot: Uint8Array | undefined;
  readonly allowPrivateAddress: number;
  readonly listed: number | undefined;
}

interface LogRow extends Pick<Log, 'description' | 'url' | 'api' | 'mmd'> {
  readonly log_id: Buffer;
  readonly key: Buffer;
  readonly submission_url: string | null;
  readonly dns: string | null;
  readonly state: LogState | null;
  readonly final_size: string | null;
  readonly final_root: Buffer | null;
  readonly allow_private_address: number;
}

interface ListRow {
  readonly source: string;
  readonly json: Buffer;
  readonly signature: Buffer | null | undefined;
  readonly key: Buffer | null | undefined;
  readonly etag: string | null | undefined;
  readonly fetched: number;
}

export class SqliteLogs implements LogStore {
  readonly #connection: Connection;
  readonly #put: Statement<NewLog>;
  readonly #putList: Statement<ListRow>;
  readonly #listedAt: Statement<{ logId: LogId }, { readonly listed: number | null }>;
  readonly #all: Statement<NoParameters, LogRow>;
  readonly #lists: Statement<NoParameters, ListRow>;
  readonly #quietUntil: Statement<{ logId: LogId }, { readonly until: number }>;
  readonly #setQuietUntil: Statement<{ logId: LogId; until: number }>;
  readonly #putStale: Statement<{ logId: LogId; now: number; reason: string }>;
  readonly #dropStale: Statement<{ logId: LogId }>;
  readonly #stale: Statement<NoParameters, Omit<StaleHead, 'logId'> & { log_id: Buffer }>;

  readonly #putUnprovable: Statement<UnprovablePromises>;
  readonly #dropUnprovable: Statement<{ logId: LogId }>;
  readonly #unprovable: Statement<
    NoParameters,
    Omit<UnprovablePromises, 'logId'> & { log_id: Buffer }
  >;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#put = connection.statement(PUT);
    this.#putList = connection.statement(PUT_LIST);
    this.#listedAt = connection.statement('SELECT listed FROM logs WHERE log_id = @logId');
    this.#all = connection.statement('SELECT * FROM logs ORDER BY description');
    this.#lists = connection.statement('SELECT * FROM log_lists ORDER BY fetched DESC');
    this.#quietUntil = connection.statement('SELECT until FROM quiet_logs WHERE log_id = @logId');
    this.#setQuietUntil = connection.statement(SET_QUIET_UNTIL);
    this.#putStale = connection.statement(PUT_STALE);
    this.#dropStale = connection.statement('DELETE FROM stale_heads WHERE log_id = @logId');
    this.#stale = connection.statement('SELECT * FROM stale_heads');
    this.#putUnprovable = connection.statement(PUT_UNPROVABLE);
    this.#dropUnprovable = connection.statement(
      'DELETE FROM unprovable_promises WHERE log_id = @logId',
    );
    this.#unprovable = connection.statement('SELECT * FROM unprovable_promises');
  }

  put(logs: readonly Log[], list?: StoredLogList, published?: number): void {
    this.#connection.transaction(() => {
      for (const log of logs) this.#put.run({ ...toNewLog(log), listed: published });
      if (list !== undefined) this.#putList.run(toListRow(list));
    });
  }

  listedAt(logId: LogId): number | undefined {
    return this.#listedAt.get({ logId })?.listed ?? undefined;
  }

  all(): Log[] {
    return this.#all.all({}).flatMap((row) => toLog(row) ?? []);
  }

  list(source: string): StoredLogList | undefined {
    return this.lists().find((each) => each.source === source);
  }

  lists(): StoredLogList[] {
    return this.#lists
      .all({})
      .map(({ signature, key, etag, ...list }) => ({
        ...list,
        signed: signature && key ? { signature, key } : undefined,
        etag: etag ?? undefined,
      }));
  }

  quietUntil(logId: LogId): number {
    return this.#quietUntil.get({ logId })?.until ?? 0;
  }

  setQuietUntil(logId: LogId, until: number): void {
    this.#setQuietUntil.run({ logId, until });
  }

  setStale(logId: LogId, now: number, reason: string | undefined): boolean {
    const changed =
      reason === undefined
        ? this.#dropStale.run({ logId })
        : this.#putStale.run({ logId, now, reason });
    return changed > 0;
  }

  stale(): StaleHead[] {
    return this.#stale
      .all({})
      .map(({ log_id, since, reason }) => ({ logId: toLogId(log_id), since, reason }));
  }

  setUnprovable(promises: readonly UnprovablePromises[]): void {
    this.#connection.transaction(() => {
      const still = new Set(promises.map(({ logId }) => logIdText(logId)));
      for (const { logId } of this.unprovable())
        if (!still.has(logIdText(logId))) this.#dropUnprovable.run({ logId });
      for (const each of promises) this.#putUnprovable.run(each);
    });
  }

  unprovable(): UnprovablePromises[] {
    return this.#unprovable
      .all({})
      .map(({ log_id, ...row }) => ({ logId: toLogId(log_id), ...row }));
  }
}

function toNewLog({ key, finalTree, ...log }: Log): Omit<NewLog, 'listed'> {
  return {
    logId: key.logId,
    spki: key.spki,
    description: log.description,
    url: log.url,
    api: log.api,
    mmd: log.mmd,
    submissionUrl: log.submissionUrl,
    dns: log.dns,
    state: log.state,
    finalSize: finalTree && padded(finalTree.treeSize),
    finalRoot: finalTree?.rootHash,
    allowPrivateAddress: log.allowPrivateAddress === true ? 1 : 0,
  };
}

/** Undefined for a damaged row: importing the log again puts it right. */
function toLog(row: LogRow): Log | undefined {
  try {
    return readLog(row);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readLog({ log_id, key: spki, ...row }: LogRow): Log {
  const { description, url, api, mmd, dns, state, final_size: size, final_root: root } = row;
  const key = toLogKey(spki);
  if (!equalHash(key.logId, log_id)) throw new RangeError('the key is not that of the log ID');
  return {
    key,
    description,
    url,
    api,
    mmd,
    submissionUrl: row.submission_url ?? undefined,
    dns: dns ?? undefined,
    state: state ?? undefined,
    finalTree:
      size === null || root === null
        ? undefined
        : { treeSize: unpadded(size), rootHash: toMerkleHash(root) },
    allowPrivateAddress: row.allow_private_address !== 0,
  };
}

function toListRow({ source, json, signed, etag, fetched }: StoredLogList): ListRow {
  return { source, json, signature: signed?.signature, key: signed?.key, etag, fetched };
}
