// SPDX-License-Identifier: Apache-2.0
/**
 * Trees of the store whose heads are verified again when they decide something. A disk, or memory,
 * can change a bit of what was written, and a changed root beside a genuine one would look like a
 * fork. What the log did not sign is damage: it is set aside, and accuses nobody.
 */
import { BoundedMap } from '../base/bounded-map.ts';
import { equalHash } from '../merkle/hash.ts';
import type { Log } from '../logs/log.ts';
import {
  encodeSignedData,
  type Statement,
  type VerifiedStatement,
} from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';
import type { StoredTree } from '../store/heads.ts';
import type { Store } from '../store/store.ts';

/** Why a row was set aside. */
export const NOT_SIGNED = 'its log did not sign this';

/** Heads that were verified by this process, to the last bit: some 300 bytes each. */
const verified = new BoundedMap<string, VerifiedStatement>(8192);

/** A head of the store, if the log signed what the store has; otherwise undefined. */
export function verifyStored(head: Statement, { key }: Log): VerifiedStatement | undefined {
  const name = Buffer.concat([key.logId, encodeSignedData(head), head.signature]).toString(
    'latin1',
  );
  const known = verified.get(name) ?? verifyStatement(head, key);
  if (known !== undefined) verified.set(name, known);
  return known;
}

/**
 * The head of a recorded tree that its log signed first. Heads that it did not sign are set aside;
 * where none is left, so is the tree, and this returns undefined.
 */
export function signedHeadOf(
  store: Pick<Store, 'heads'>,
  log: Log,
  tree: StoredTree,
  now: number,
): VerifiedStatement | undefined {
  for (const head of store.heads.headsOf(tree)) {
    const signed = verifyStored(head, log);
    // What was read of the tree before may be another than is read now, where an index is damaged.
    if (signed?.treeSize === tree.treeSize && equalHash(signed.rootHash, tree.rootHash))
      return signed;
    store.heads.setAside({ kind: 'head', id: head.id }, NOT_SIGNED, now);
  }
  store.heads.setAside({ kind: 'tree', id: tree.id }, NOT_SIGNED, now);
  return undefined;
}

/** The trees of a log that it signed, by size; see HeadStore.trees. Sets the others aside. */
export function signedTrees(store: Pick<Store, 'heads'>, log: Log, now: number): StoredTree[] {
  return store.heads
    .trees(log.key.logId)
    .filter((tree) => signedHeadOf(store, log, tree, now) !== undefined);
}
