/**
 * Which logs are in force: a list given for this run, else the imported ones over the built-in ones.
 */
import type { Store } from '../store/store.ts';
import { builtinLogs } from './builtin.ts';
import { readLogList } from './list.ts';
import { logIdText, type Log } from './log.ts';

/** `warn` is told of each log of the given list that is of no use. */
export function knownLogs(store: Store, listPath: string | undefined, warn: (line: string) => void): Log[] {
  if (listPath !== undefined) {
    const { logs, leftOut } = readLogList(listPath);
    for (const line of leftOut) warn(`${listPath}: left out: ${line}`);
    return [...logs];
  }
  const logs = new Map<string, Log>();
  for (const log of [...builtinLogs(), ...store.logs()]) logs.set(logIdText(log.key.logId), log);
  return [...logs.values()];
}
