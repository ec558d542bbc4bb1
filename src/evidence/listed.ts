// SPDX-License-Identifier: Apache-2.0
/**
 * Evidence from log lists: what a signed list says of a read-only log's final tree stands beside a
 * tree head of the log.
 */
import { equalHash } from '../merkle/hash.ts';
import { parseLogList } from '../logs/list.ts';
import { isSignedList } from '../logs/signed-list.ts';
import type { Log } from '../logs/log.ts';
import type { Store } from '../store/store.ts';
import type { LogId, TreeRoot } from '../statements/statement.ts';
import type { SignedList } from './bundle.ts';

/**
 * Returns the newest signed list on record that names this log's final tree, or undefined where no
 * list does.
 */
export function findSignedList(
  store: Pick<Store, 'logs'>,
  { key, finalTree }: Log,
): SignedList | undefined {
  if (finalTree === undefined) return undefined;
  for (const { json, signed } of store.logs.lists()) {
    const list = signed && { json, ...signed };
    if (list !== undefined && lists(list, key.logId, finalTree)) return list;
  }
  return undefined;
}

/**
 * Whether the list is signed with its key and names this tree as the log's final one. Never throws.
 */
export function lists(list: SignedList, logId: LogId, tree: TreeRoot): boolean {
  if (!isSignedList(list.json, list.signature, list.key)) return false;
  try {
    const text = Buffer.from(list.json).toString('utf8');
    const log = parseLogList(text, 'log list').logs.find((each) =>
      equalHash(each.key.logId, logId),
    );
    const final = log?.finalTree;
    return final?.treeSize === tree.treeSize && equalHash(final.rootHash, tree.rootHash);
  } catch {
    return false;
  }
}
