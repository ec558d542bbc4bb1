// SPDX-License-Identifier: Apache-2.0
/**
 * Evidence files that the store does not know, because it replaced a damaged store or is an older
 * copy. Without this nobody would be told of them, and a file that proves a split view must not be
 * lost in a directory.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { remedyToEnter } from '../disk/directory.ts';
import { StoreError } from '../disk/error.ts';
import { equalHash } from '../merkle/hash.ts';
import { recordHeads, type RecordContext } from '../evidence/record.ts';
import type { LogId, VerifiedStatement } from '../statements/statement.ts';
import type { Store } from '../store/store.ts';
import { toLogKey } from '../statements/key.ts';
import { verifyStatement } from '../statements/verify.ts';
import { exhibitsOf, foundAt, isListed, parseEvidence, type Evidence } from '../evidence/bundle.ts';
import { faultOf } from '../evidence/write.ts';

/** The source under which its tree heads are recorded. */
export const FOUND_IN_EVIDENCE = 'evidence';

/**
 * Records the evidence files in the directory that stand and are not on record. `ctga store check`
 * says what is wrong with the others. It never throws because of a file: one that could not be
 * recorded now is found the next time.
 */
export function recordFoundEvidence(
  store: Pick<Store, 'evidence' | 'heads' | 'logs' | 'verdicts'>,
  directory: string,
): void {
  for (const path of unrecordedFiles(store, directory)) recordFile(store, directory, path);
}

/** As `recordFoundEvidence`, of one file in the directory; what else is there costs nothing. */
export function recordFile(
  store: Pick<Store, 'evidence' | 'heads' | 'logs' | 'verdicts'>,
  directory: string,
  path: string,
): void {
  const evidence = readEvidence(path);
  try {
    if (evidence !== undefined)
      record({ store, evidenceDirectory: directory, logs: [], now: Date.now() }, path, evidence);
  } catch {
    // The disk is full, or another process is writing.
  }
}

/** Evidence that the store does not know, because it could not be written when it was found. */
export class UnrecordedEvidence {
  /** What was read of files that are not on record. */
  #read = new Map<string, Evidence | undefined>();

  /** By path. Reads each file once. Throws what EvidenceStore.all throws. */
  in(store: Pick<Store, 'evidence'>, directory: string): Map<string, Evidence> {
    const paths = unrecordedFiles(store, directory);
    this.#read = new Map(
      paths.map((path) => [path, this.#read.has(path) ? this.#read.get(path) : readEvidence(path)]),
    );
    return new Map([...this.#read].flatMap(([path, found]) => (found ? [[path, found]] : [])));
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    throw new StoreError('store-failed', `cannot read ${directory}: ${messageOf(error)}`, {
      remedy: remedyToEnter(directory),
      cause: error,
    });
  }
}

function unrecordedFiles({ evidence }: Pick<Store, 'evidence'>, directory: string): string[] {
  if (!existsSync(directory)) return [];
  const known = new Set(evidence.all().map(({ path }) => path));
  return namesIn(directory)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(directory, name))
    .filter((path) => !known.has(path));
}

/** Undefined if the file proves nothing. */
function readEvidence(path: string): Evidence | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    return faultOf(text) === undefined ? parseEvidence(text, path) : undefined;
  } catch {
    return undefined;
  }
}

function record(context: RecordContext, path: string, evidence: Evidence): void {
  const key = toLogKey(evidence.log.key);
  const at = foundAt(evidence, context.now);
  const exhibits = exhibitsOf(evidence);
  const heads = exhibits.flatMap((exhibit) =>
    isListed(exhibit) ? [] : (verifyStatement(exhibit, key) ?? []),
  );
  const seen = { source: FOUND_IN_EVIDENCE, firstSeen: at, lastSeen: at, count: 1 };
  recordHeads(
    context,
    heads.map((head) => ({ head, ...seen })),
    { beforeSettling: () => addEvidence(context.store, path, key.logId, heads, evidence, at) },
  );
}

function addEvidence(
  store: RecordContext['store'],
  path: string,
  logId: LogId,
  heads: readonly VerifiedStatement[],
  evidence: Evidence,
  at: number,
): void {
  const trees = heads.flatMap(
    ({ treeSize, rootHash }) =>
      store.heads.treesOfSize(logId, treeSize).find((tree) => equalHash(tree.rootHash, rootHash)) ??
      [],
  );
  if (evidence.kind === 'promise-broken') {
    const [tree] = trees;
    if (tree !== undefined)
      store.evidence.addPromise(path, tree, evidence.derivation.leafIndex, at);
    return;
  }
  const [one, other = exhibitsOf(evidence).find(isListed)] = trees;
  if (one === undefined || other === undefined) return;
  store.evidence.add(path, one, other, at);
  // The accused tree is the one that it was when the fork was found: of two trees of one size the
  // second, and else the smaller one, for which there is no proof.
  const against = 'id' in other ? other : undefined;
  const [accused, provenAgainst] =
    against?.treeSize === one.treeSize ? [against, one.id] : [one, against?.id];
  store.verdicts.set(accused, at, { verdict: 'fork-proven', provenAgainst });
}
