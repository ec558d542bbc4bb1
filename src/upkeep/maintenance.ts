// SPDX-License-Identifier: Apache-2.0
/**
 * Looking after a store: whether it is whole, making it smaller, copying it while it is in use,
 * writing it out as text. None of these makes a store: where there is none, each throws StoreError
 * `store-failed`.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { encodeBase64 } from '../base/base64.ts';
import { inSteps } from '../base/steps.ts';
import { plural } from '../base/text.ts';
import { badInput, CtgaError, messageOf } from '../base/errors.ts';
import { StoreError } from '../disk/error.ts';
import { verifyStored } from '../evidence/stored.ts';
import { faultOf } from '../evidence/write.ts';
import { logIdText } from '../logs/log.ts';
import { knownLogs } from '../store/known-logs.ts';
import {
  isDamage,
  memoryStore,
  noStore,
  openForWriting,
  storeExists,
  type State,
} from '../store/state.ts';
import { recordFoundEvidence } from './found-evidence.ts';
import { StoreInUse } from './in-use.ts';
import { countReadable } from './salvage.ts';
import type { StoreWithFile } from '../store/file.ts';
import type { Store } from '../store/store.ts';

function openExisting(state: State): StoreWithFile {
  if (storeExists(state)) return openForWriting(state);
  throw noStore(state);
}

export interface StoreCheck {
  /** What is wrong, one clause each; nothing if all is well. */
  readonly faults: readonly string[];
  readonly treeHeads: number;
  readonly sightings: number;
  readonly evidence: number;
  /**
   * Of a store that is too damaged to be used: how many tree heads can still be read, and are
   * carried over into a new store when it is set aside. Undefined for one that can be used.
   */
  readonly readable?: number;
  /** Rows that turned out to be damaged, and are out of use. */
  readonly setAside: number;
  readonly bytes: number;
}

/** Reads all of the store and of the evidence. Throws CtgaError where no store can be opened. */
export function checkStore(state: State): StoreCheck {
  let store: StoreWithFile;
  try {
    store = openExisting(state);
  } catch (error) {
    if (isDamage(error) && storeExists(state)) return damagedCheck(state, error);
    throw error;
  }
  try {
    const recorded = store.evidence.all().map(({ path }) => path);
    const files = evidenceFiles(state.evidence);
    const evidenceFaults = [...new Set([...recorded, ...files])].flatMap((path) => {
      const fault = evidenceFault(path);
      return fault === undefined ? [] : [`${path}: ${fault}`];
    });
    return {
      faults: [...store.file.faults(), ...headFaults(store), ...evidenceFaults],
      treeHeads: store.heads.count(),
      sightings: store.file.sightings(),
      evidence: files.length,
      setAside: store.heads.damagedRows(),
      bytes: store.file.bytes(),
    };
  } finally {
    store.close();
  }
}

function damagedCheck({ database, evidence }: State, error: StoreError): StoreCheck {
  const readable = countReadable(database, memoryStore(), Date.now());
  const files = evidenceFiles(evidence);
  return {
    faults: [error.message],
    readable,
    treeHeads: readable,
    sightings: 0,
    evidence: files.length,
    setAside: 0,
    bytes: statSync(database).size,
  };
}

/**
 * Sets a damaged store aside, makes a new one with what can be read of it, and records the evidence
 * files again. `onSetAside` is told in sentences, and not called if nothing is damaged; `onProgress`
 * in a clause how far that is. Throws StoreError
 * `store-failed` where there is no store, and never was one, or where it cannot be written.
 */
export function salvageStore(
  state: State,
  onSetAside: (message: string) => void,
  onProgress: (how: string) => void,
): void {
  if (!storeExists(state)) {
    const missing = noStore(state);
    if (missing.code !== 'store-damaged') throw missing;
  }
  const onOpened = (store: Store): void => recordFoundEvidence(store, state.evidence);
  const storeFile = new StoreInUse({ state, onSetAside, onOpened, onProgress });
  storeFile.store.close();
}

/** Heads that cannot be read, or that their log did not sign as they are. */
function headFaults(store: Pick<Store, 'heads' | 'logs'>): string[] {
  const logs = knownLogs(store, undefined, () => undefined);
  const byId = new Map(logs.map((log) => [logIdText(log.key.logId), log]));
  const strangers = new Set<string>();
  let [unreadable, unsigned] = [store.heads.count(), 0];
  for (const head of store.heads.all()) {
    unreadable -= 1;
    const id = logIdText(head.logId);
    const log = byId.get(id);
    if (log !== undefined) unsigned += verifyStored(head, log) === undefined ? 1 : 0;
    else if (!strangers.has(id)) {
      // Where a known log signed the head of an unknown one, it is the ID that was changed.
      strangers.add(id);
      unsigned += logs.some((each) => verifyStored(head, each) !== undefined) ? 1 : 0;
    }
  }
  const faults: string[] = [];
  if (unreadable > 0) faults.push(`${unreadable} tree heads cannot be read with their sightings`);
  if (unsigned > 0) faults.push(`${unsigned} tree heads are not what their logs signed`);
  return faults;
}

function evidenceFiles(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(directory, name));
}

function evidenceFault(path: string): string | undefined {
  try {
    return faultOf(readFileSync(path, 'utf8'));
  } catch (error) {
    return messageOf(error);
  }
}

/** Sightings that are rolled up in the first step. */
const FIRST_STEP = 500;

/**
 * Rolls up sightings older than `before` (ms since the epoch), then gives back what the store does
 * not need; see StoreFile.compact. Others can write meanwhile. Returns how many sightings were
 * rolled up, and bytes before and after. `onProgress` is told in a clause how far that is.
 */
export async function compactStore(
  state: State,
  before: number,
  onProgress: (how: string) => void,
): Promise<{
  readonly rolledUp: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}> {
  const store = openExisting(state);
  try {
    const bytesBefore = store.file.bytes();
    let rolledUp = 0;
    await inSteps(FIRST_STEP, (size) => {
      const done = store.heads.rollUp(before, size);
      rolledUp += done;
      onProgress(`${plural(rolledUp, 'sighting')} rolled up`);
      return done === size;
    });
    await store.file.compact(
      (share) => onProgress(`${Math.round(share * 100)} % of the unused pages given back`),
      () => onProgress('writing the store of an earlier version anew, once; others wait'),
    );
    return { rolledUp, bytesBefore, bytesAfter: store.file.bytes() };
  } finally {
    store.close();
  }
}

/**
 * Copies the store to `file` while it is in use: see StoreFile.copyTo. Rejects with CtgaError
 * `bad-input` if the file exists, and with StoreError if it cannot be written.
 */
export async function backupStore(
  state: State,
  file: string,
  onProgress: (share: number) => void,
): Promise<void> {
  if (existsSync(file)) throw badInput(`${file} exists`, 'Name a file that does not exist yet.');
  const store = openExisting(state);
  try {
    await store.file.copyTo(file, onProgress);
  } catch (error) {
    if (error instanceof CtgaError) throw error;
    throw new StoreError('store-failed', `cannot back up to ${file}: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    store.close();
  }
}

/** The lines of an export, each an object: logs, tree heads with verdicts, evidence, counts. */
export function* exportStore(
  state: State,
): Generator<Readonly<Record<string, unknown>>, void, undefined> {
  const store = openExisting(state);
  try {
    for (const { key, ...log } of store.logs.all())
      yield { type: 'log', logId: logIdText(key.logId), key: encodeBase64(key.spki), ...log };
    for (const head of store.heads.all()) {
      const {
        logId,
        treeSize,
        timestamp,
        rootHash,
        signature,
        sources,
        headFirstSeen,
        lastSeen,
        count,
      } = head;
      yield {
        type: 'tree-head',
        logId: logIdText(logId),
        treeSize,
        timestamp,
        rootHash: encodeBase64(rootHash),
        signature: encodeBase64(signature),
        sources,
        firstSeen: headFirstSeen,
        lastSeen,
        count,
        verdict: head.verdict,
        reason: head.reason,
      };
    }
    for (const { logId, ...record } of store.evidence.all())
      yield { type: 'evidence', logId: logIdText(logId), ...record };
    for (const [name, count] of Object.entries(store.counters.totals()))
      yield { type: 'count', name, count };
  } finally {
    store.close();
  }
}
