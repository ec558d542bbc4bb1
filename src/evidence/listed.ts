/**
 * What a log list says of a log that is read-only, as evidence: the list's signature stands for its
 * final tree.
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

/** The newest signed list on record that has the final tree of this log as it is in force. */
export function findSignedList(store: Store, { key, finalTree }: Log): SignedList | undefined {
  if (finalTree === undefined) return undefined;
  for (const { json, signed } of store.logs.lists()) {
    const list = signed && { json, ...signed };
    if (list !== undefined && lists(list, key.logId, finalTree)) return list;
  }
  return undefined;
}

/**
 * Whether the signature is that of the key, and the list has this tree as the log's final one.
 * Never throws.
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

/** As keepEvidence, for a tree of the log's own and what a list says. Returns the file's path. */
export function keepListEvidence(
  store: Store,
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
