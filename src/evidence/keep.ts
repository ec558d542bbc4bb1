// SPDX-License-Identifier: Apache-2.0
/**
 * Writing down a fork: from two trees to an evidence file that the store knows of. Whoever proves a
 * fork of what is in the store comes through here.
 */
import type { Log } from '../logs/log.ts';
import type { TreeRoot } from '../statements/statement.ts';
import type { StoredTree } from '../store/heads.ts';
import type { Store } from '../store/store.ts';
import { makeEvidence, type ListedTree } from './bundle.ts';
import type { Finding } from './judge.ts';
import { signedHeadOf } from './stored.ts';
import { writeEvidence } from './write.ts';

/**
 * Writes the evidence of a fork and returns its path. `first` and `second` are in the order of
 * their sizes, and at most one of them is what a list says. The file is verified and durably on the
 * disk before the store, or anybody else, hears of it. `onWritten` is called in between, with its
 * path: a store that cannot take it, and throws, is no reason not to tell of the fork.
 *
 * Returns undefined where the log did not sign a tree as the store has it now: that tree was
 * damaged, is set aside, and accuses nobody. Throws StoreError `store-failed`; calling it again is
 * safe.
 */
export function keepEvidence(
  store: Pick<Store, 'evidence' | 'heads'>,
  directory: string,
  log: Log,
  [first, second]:
    readonly [StoredTree, StoredTree | ListedTree] | readonly [ListedTree, StoredTree],
  finding: Finding,
  now: number,
  onWritten: (path: string) => void = () => undefined,
): string | undefined {
  const exhibits = [first, second].map((tree) =>
    'list' in tree ? tree : signedHeadOf(store, log, tree, now),
  );
  const [one, other] = exhibits;
  if (one === undefined || other === undefined) return undefined;
  const path = writeEvidence(directory, makeEvidence(log, one, other, finding, now));
  onWritten(path);
  if ('list' in first) store.evidence.add(path, second as StoredTree, first, now);
  else store.evidence.add(path, first, second, now);
  return path;
}

/** What a verdict says of a tree that contradicts the final tree in a list. */
export function contradictionOf({ treeSize }: TreeRoot): string {
  return `contradicts the final tree, of size ${treeSize}, in the log list`;
}

/**
 * As keepEvidence, of a tree that contradicts the final tree which a signed list names for its log;
 * the two may be of any sizes.
 */
export function keepListEvidence(
  store: Pick<Store, 'evidence' | 'heads'>,
  directory: string,
  log: Log,
  tree: StoredTree,
  listed: ListedTree,
  finding: Finding,
  now: number,
  onWritten?: (path: string) => void,
): string | undefined {
  const pair =
    tree.treeSize < listed.treeSize ? ([tree, listed] as const) : ([listed, tree] as const);
  return keepEvidence(store, directory, log, pair, finding, now, onWritten);
}
