/** What a new log list changes, for a person to see before it takes effect. Pure. */
import { equalHash } from '../merkle/hash.ts';
import { logIdText, type Log } from './log.ts';

export interface LogChange {
  readonly change: 'added' | 'changed';
  readonly log: Log;
  /** Of a changed log: each field as "state: usable -> readonly". */
  readonly fields: readonly string[];
}

/**
 * What becomes of `known` if `listed` is taken in. Logs that are no longer listed stay as they are,
 * since what they signed can still be audited; and no list changes a key, of which the log ID is
 * the hash.
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
  compare('url', old.url, log.url);
  compare('api', old.api, log.api);
  compare('mmd', old.mmd, log.mmd);
  compare('state', old.state, log.state);
  // A zone stays where the list has none.
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
