// SPDX-License-Identifier: Apache-2.0
/** Importing log lists: from a file, or from a publisher that has a newer one. */
import { badInput } from '../base/errors.ts';
import { plural, time } from '../base/text.ts';
import type { Fetch } from '../http/request.ts';
import { BUILTIN_PUBLISHED, builtinLogs } from '../logs/builtin.ts';
import { changesOf, type LogChange } from '../logs/changes.ts';
import { parseLogList, type LogList, type Progress } from '../logs/list.ts';
import { fetchList, type Publisher } from '../logs/publishers.ts';
import { isSignedList } from '../logs/signed-list.ts';
import { logIdText, type Log } from '../logs/log.ts';
import { knownLogs } from '../store/known-logs.ts';
import { openForReading, type State } from '../store/state.ts';
import type { Store } from '../store/store.ts';

/**
 * The logs of the list that is given for this run, else those in force in the store (see
 * knownLogs). Makes no store.
 */
export function logsInForce(
  state: State,
  listPath: string | undefined,
  warn: (line: string) => void,
): Log[] {
  const store = openForReading(state, { mayBeMissing: true });
  try {
    return knownLogs(store, listPath, warn);
  } finally {
    store.close();
  }
}

export interface LogListFile {
  readonly name: string;
  readonly json: Buffer;
  /** What must be the publisher's signature over `json`, and the key of that publisher. */
  readonly signed?: { readonly name: string; readonly signature: Buffer; readonly key: Buffer };
}

export interface ImportedLogList extends LogList {
  /** What importing it has changed about the logs that were known. */
  readonly changes: readonly LogChange[];
}

export interface ImportListOptions {
  readonly mayBeOlder?: boolean | undefined;
  readonly onProgress?: Progress | undefined;
}

/**
 * Imports the list of a file into the store that `open` opens once the list is read. Throws CtgaError
 * `bad-input`, and imports nothing, if it is not a log list, if its signature is not the publisher's,
 * or if it would change logs of which a newer list
 * has told, unless it `mayBeOlder`.
 */
export function importLogList(
  open: () => Pick<Store, 'logs'>,
  { name, json, signed }: LogListFile,
  now: number,
  { mayBeOlder = false, onProgress }: ImportListOptions = {},
): ImportedLogList {
  if (signed !== undefined && !isSignedList(json, signed.signature, signed.key))
    throw badInput(
      `${signed.name} is not the signature of ${name}`,
      'Fetch the list and its signature again, at the same time. ctga used nothing of this list.',
    );
  const list = parseLogList(json.toString('utf8'), name, onProgress);
  const store = open();
  const known = knownLogs(store, undefined, () => undefined);
  const changes = changesOf(known, list.logs);
  if (!mayBeOlder) refuseToSetBack(store, name, list, changes);
  // The list's own bytes are kept: a signed list is evidence of where a read-only log ends.
  const stored = { source: name, json, signed, etag: undefined, fetched: now };
  store.logs.put(list.logs, stored, list.published);
  return { ...list, changes };
}

/** What a newer list has said of a log is not taken back in passing. */
function refuseToSetBack(
  store: Pick<Store, 'logs'>,
  name: string,
  { published }: LogList,
  changes: readonly LogChange[],
): void {
  const changed = changes.filter(({ change }) => change === 'changed').map(({ log }) => log);
  if (published === undefined || changed.length === 0) return;
  const builtin = new Set(builtinLogs().map(({ key }) => logIdText(key.logId)));
  const newer = changed
    .map(({ key: { logId } }) => {
      const builtinDate = builtin.has(logIdText(logId)) ? BUILTIN_PUBLISHED : 0;
      return Math.max(store.logs.listedAt(logId) ?? 0, builtinDate);
    })
    .filter((told) => told > published);
  if (newer.length === 0) return;
  throw badInput(
    `${name} is of ${time(published)} and would change ${plural(newer.length, 'log')} of which a newer list has told, of ${time(Math.max(...newer))}`,
    'ctga used nothing of this list. Import a newer one, or say --allow-older.',
  );
}

/** A list that is newer than the last one of its publisher. */
export interface LogListUpdate {
  readonly list: LogList;
  /** What importing it would change about the logs that are known now. */
  readonly changes: readonly LogChange[];
  /** Whether its publisher signed it. */
  readonly signed: boolean;
  /** Imports the list. The store must still be open. */
  readonly takeIn: () => void;
}

/**
 * Fetches a publisher's list without importing it; undefined if it has not changed. Rejects as
 * `fetchList` does, and with CtgaError `bad-input` if the list is older than the last one: a good
 * signature does not say that there is no newer list, and an old one would take back what has been
 * said since.
 */
export async function fetchUpdate(
  store: Pick<Store, 'logs'>,
  publisher: Publisher,
  fetch: Fetch,
  now: number,
): Promise<LogListUpdate | undefined> {
  const source = publisher.url;
  const last = store.logs.list(source);
  const fetched = await fetchList(publisher, fetch, last?.etag);
  if (fetched === undefined) return undefined;
  const list = parseLogList(fetched.json.toString('utf8'), source);
  if (last !== undefined) refuseOlder(list, parseLogList(last.json.toString('utf8'), source));
  return {
    list,
    changes: changesOf(
      knownLogs(store, undefined, () => undefined),
      list.logs,
    ),
    signed: fetched.signed !== undefined,
    takeIn: () => store.logs.put(list.logs, { source, ...fetched, fetched: now }, list.published),
  };
}

function refuseOlder({ published: offered }: LogList, { published: last }: LogList): void {
  if (offered === undefined || last === undefined || offered >= last) return;
  throw badInput(
    `the list that is offered is of ${new Date(offered).toISOString()}, but the last one was of ${new Date(last).toISOString()}`,
    'Try again later. If this lasts, somebody is holding newer lists back. ctga used nothing of this list.',
  );
}
