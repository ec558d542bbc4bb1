/**
 * Which logs are in force: a list given for this run, else the imported ones over the built-in
 * ones.
 */
import type { Store } from './sqlite/store.ts';
import { builtinLogs } from '../logs/builtin.ts';
import { readLogList } from '../logs/list.ts';
import type { LogId } from '../statements/statement.ts';
import { logIdText, type Log } from '../logs/log.ts';

/** `warn` is told of each log of the given list that is of no use. */
export function knownLogs(
  store: Store,
  listPath: string | undefined,
  warn: (line: string) => void,
): Log[] {
  if (listPath !== undefined) {
    const { logs, leftOut } = readLogList(listPath);
    for (const line of leftOut) warn(`${listPath}: left out: ${line}`);
    return [...logs];
  }
  const logs = new Map<string, Log>();
  for (const log of [...builtinLogs(), ...store.logs()]) logs.set(logIdText(log.key.logId), log);
  return [...logs.values()];
}

/**
 * What each log in force is called; others by their ID. As things are now, for as many as are asked
 * for.
 */
export function logNameById(store: Store): (logId: LogId) => string {
  const logs = knownLogs(store, undefined, () => undefined);
  const names = new Map(logs.map((log) => [logIdText(log.key.logId), log.description]));
  return (logId) => names.get(logIdText(logId)) ?? logIdText(logId);
}
