/**
 * Evidence from log lists: what a signed list says of a read-only log's final tree stands beside a
 * tree head of the log.
 */
import { equalHash } from '../merkle/hash.ts';
import { parseLogList } from '../logs/list.ts';
import { isSignedList } from '../logs/signed-list.ts';
import type { Log } from '../logs/log.ts';
import type { StoredTree } from '../store/heads.ts';
import type { Store } from '../store/store.ts';
import type { LogId, TreeRoot } from '../statements/statement.ts';
import { makeEvidence, type ListedTree, type SignedList } from './bundle.ts';
import type { Finding } from './judge.ts';
import { writeEvidence } from './write.ts';

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

/** As keepEvidence, for a tree of the log and what a list says of it. Returns the file's path. */
export function keepListEvidence(
  store: Pick<Store, 'evidence' | 'heads'>,
  directory: string,
  log: Log,
  tree: StoredTree,
  listed: ListedTree,
  finding: Finding,
  now: number,
): string {
  const head = store.heads.earliestOf(tree);
  const [first, second] = head.treeSize < listed.treeSize ? [head, listed] : [listed, head];
  const path = writeEvidence(directory, makeEvidence(log, first, second, finding, now));
  store.evidence.add(path, tree, listed, now);
  return path;
}
