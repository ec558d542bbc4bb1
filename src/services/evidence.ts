// SPDX-License-Identifier: Apache-2.0
/**
 * Checking an evidence bundle, offline, and saying whose key is in it; and what there is of evidence.
 */
import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CtgaError, messageOf } from '../base/errors.ts';
import { time } from '../base/text.ts';
import { builtinLogs } from '../logs/builtin.ts';
import { parseLogList, readLogList } from '../logs/list.ts';
import type { Log } from '../logs/log.ts';
import { equalHash } from '../merkle/hash.ts';
import { logIdOf } from '../statements/key.ts';
import { remedyToEnter } from '../disk/directory.ts';
import { StoreError } from '../disk/error.ts';
import { EvidenceReader, faultsOf, inChain, type EvidenceReport } from '../evidence/directory.ts';
import type { EvidenceRecord } from '../store/evidence.ts';
import { openForReading, stateAt, type State } from '../store/state.ts';
import type { Store } from '../store/store.ts';
import type { KnownKey } from '../evidence/report.ts';
import { readTextFile } from '../base/documents.ts';
import { isIntact, parseEvidence, type Evidence } from '../evidence/bundle.ts';
import { verifyEvidence, type Check } from '../evidence/verify.ts';
import { CHROME_LIST_KEY, parseListKey } from '../logs/signed-list.ts';

export interface CheckedEvidence {
  readonly evidence: Evidence;
  readonly text: string;
  readonly checks: readonly Check[];
  /** Whether all checks hold. */
  readonly stands: boolean;
  /** The log that has the key; undefined: no list has it, so anybody may have made the bundle. */
  readonly known: KnownKey | undefined;
}

export interface KeySources {
  /** A file with a list of logs; given, it is the only list that counts. */
  readonly logList?: string;
  /** The state whose imported lists count, besides the built-in one; see `stateAt`. */
  readonly stateDir?: string;
}

/**
 * Reads and checks a bundle. `listKey` is a file with the key of a publisher whose log lists are
 * believed besides Chrome's. Throws CtgaError `bad-input` if a file cannot be read or is no bundle.
 */
export function checkEvidence(
  file: string,
  listKey: string | undefined,
  sources: KeySources = {},
): CheckedEvidence {
  const given = listKey === undefined ? [] : [parseListKey(readTextFile(listKey), listKey)];
  const text = readTextFile(file);
  const evidence = parseEvidence(text, file);
  const checks = [
    { what: 'the file is to the last bit as it was written', holds: isIntact(text, evidence) },
    ...verifyEvidence(evidence, [CHROME_LIST_KEY, ...given]),
  ];
  const link = inChain(dirname(resolve(file)), basename(file), text);
  if (link !== undefined)
    checks.push({
      what: `the file is the one that the chain beside it has as number ${link.index}`,
      holds: link.isUnchanged,
    });
  const known = knownKey(evidence.log.key, sources);
  // Only static-ct says what the extensions of an SCT mean, and binds no other log to it.
  if (evidence.kind === 'promise-broken' && known !== undefined)
    checks.push({
      what: `the log has the static-ct API, says ${known.list}`,
      holds: known.api === 'static-ct',
    });
  const stands = checks.every(({ holds }) => holds);
  return { evidence, text, checks, stands, known };
}

/** Where the key is listed: in the list that was given, or else in imported and built-in ones. */
function knownKey(spki: Uint8Array, { logList, stateDir }: KeySources): KnownKey | undefined {
  const logId = logIdOf(spki);
  const find = (logs: readonly Log[], list: string): KnownKey | undefined => {
    const log = logs.find(({ key }) => equalHash(key.logId, logId));
    return log && { description: log.description, url: log.url, api: log.api, list };
  };
  const dated = (name: string, published: number | undefined): string =>
    `${name}, ${published === undefined ? 'without a date' : `of ${time(published)}`}`;
  if (logList !== undefined) {
    const { logs, published } = readLogList(logList);
    return find(logs, dated(logList, published));
  }
  return (
    inStore(stateDir, (store) => {
      for (const { source, json, fetched } of store.logs.lists()) {
        const { logs, published } = parseLogList(json.toString('utf8'), source);
        const known = find(logs, dated(source, published ?? fetched));
        if (known !== undefined) return known;
      }
      return find(store.logs.all(), 'a list that this installation was given');
    }) ?? find(builtinLogs(), "ctga's built-in list")
  );
}

/** Undefined where the store cannot be read: checking needs none. */
function inStore<T>(
  stateDir: string | undefined,
  read: (store: Pick<Store, 'logs'>) => T | undefined,
): T | undefined {
  try {
    const store = openForReading(stateAt(stateDir));
    try {
      return read(store);
    } finally {
      store.close();
    }
  } catch (error) {
    if (error instanceof CtgaError) return undefined;
    throw error;
  }
}

export interface ListedEvidence {
  readonly path: string;
  readonly state: EvidenceReport['files'][number]['state'];
  /** Its number in the chain; undefined of a file that the chain does not have. */
  readonly index: number | undefined;
  /** What the store knows of it; undefined of a file that it does not know. */
  readonly record: EvidenceRecord | undefined;
}

export interface EvidenceList {
  readonly evidence: readonly ListedEvidence[];
  readonly chain: Pick<EvidenceReport, 'length' | 'head'>;
  /** What is wrong, one sentence each; nothing if all that is known is there and unchanged. */
  readonly faults: readonly string[];
}

/** A file that is being kept just now is not in the chain yet. */
const KEEPING_MS = 500;

/**
 * All evidence that the store, the chain or the directory know of. Rejects with StoreError
 * `store-failed` where one of them cannot be read.
 */
export async function listEvidence(state: State): Promise<EvidenceList> {
  const store = openForReading(state);
  const records = store.evidence.all();
  store.close();
  const reader = new EvidenceReader(state.evidence);
  let report = read(reader, state.evidence);
  if (report.files.some((file) => file.state === 'unknown')) {
    await sleep(KEEPING_MS);
    report = read(reader, state.evidence);
  }
  const files = new Map(report.files.map((file) => [file.name, file]));
  const recorded = new Set(records.map(({ path }) => basename(path)));
  const evidence = records.map((record): ListedEvidence => {
    const { path } = record;
    const file = files.get(basename(path));
    if (file !== undefined) return { ...file, path: resolve(state.evidence, file.name), record };
    // It may lie in a second place.
    return { path, state: existsSync(path) ? 'unknown' : 'missing', index: undefined, record };
  });
  return {
    evidence: [
      ...evidence,
      ...report.files
        .filter(({ name }) => !recorded.has(name))
        .map((file) => ({ ...file, path: resolve(state.evidence, file.name), record: undefined })),
    ],
    chain: { length: report.length, head: report.head },
    faults: [
      ...faultsOf(report),
      ...evidence
        .filter(({ path }) => !files.has(basename(path)))
        .map(({ path, state: how }) =>
          how === 'missing'
            ? `The evidence ${path}, which the store knows, is missing.`
            : `The evidence ${path} is not in the chain.`,
        ),
    ],
  };
}

function read(reader: EvidenceReader, directory: string): EvidenceReport {
  try {
    return reader.read();
  } catch (error) {
    throw new StoreError('store-failed', `cannot read ${directory}: ${messageOf(error)}`, {
      remedy: remedyToEnter(directory),
      cause: error,
    });
  }
}
