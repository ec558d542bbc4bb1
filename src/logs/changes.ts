// SPDX-License-Identifier: Apache-2.0
/** What a new log list would change, to be shown before the list is taken in. Pure. */
import { equalHash } from '../merkle/hash.ts';
import { logIdText, type Log } from './log.ts';

export interface LogChange {
  readonly change: 'added' | 'changed';
  readonly log: Log;
  /** The fields of a changed log, each as "state: usable -> readonly". */
  readonly fields: readonly string[];
}

/**
 * Compares the logs of a new list with the known ones. Known logs that are not in the list stay as
 * they are, since what they signed can still be audited. A list cannot change a log's key, because
 * the log ID is the key's hash.
 */
export function changesOf(known: readonly Log[], listed: readonly Log[]): LogChange[] {
  const byId = new Map(known.map((log) => [logIdText(log.key.logId), log]));
  return listed.flatMap((log): LogChange[] => {
    const old = byId.get(logIdText(log.key.logId));
    if (old === undefined) return [{ change: 'added', log, fields: [] }];
    const fields = fieldsChanged(old, log);
    return fields.length === 0 ? [] : [{ change: 'changed', log, fields }];
  });
}

type Comparable = string | number | bigint | boolean | undefined;

function fieldsChanged(old: Log, log: Log): string[] {
  const fields: string[] = [];
  const compare = (name: string, before: Comparable, after: Comparable): void => {
    if (before !== after)
      fields.push(`${name}: ${String(before ?? 'none')} -> ${String(after ?? 'none')}`);
  };
  compare('description', old.description, log.description);
  // If the list has no URL, the log keeps the one that it has.
  if (log.url !== '') {
    compare('url', old.url || undefined, log.url);
    compare('api', old.api, log.api);
  }
  compare('mmd', old.mmd, log.mmd);
  compare('state', old.state, log.state);
  // If the list has no zone, the log keeps the one that it has.
  if (log.dns !== undefined) compare('dns', old.dns, log.dns);
  compare(
    'allow_private_address',
    old.allowPrivateAddress ?? false,
    log.allowPrivateAddress ?? false,
  );
  const [before, after] = [old.finalTree, log.finalTree];
  compare('final tree size', before?.treeSize, after?.treeSize);
  if (before !== undefined && after !== undefined && !equalHash(before.rootHash, after.rootHash))
    fields.push('final tree root: ANOTHER ROOT than before');
  return fields;
}
