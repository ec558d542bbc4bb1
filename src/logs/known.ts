/**
 * Which logs are in force: a list given for this run, else the imported ones over the built-in ones.
 */
import type { Store } from '../store/store.ts';
import { builtinLogs } from './builtin.ts';
import { readLogList } from './list.ts';
import { logIdText, type Log } from './log.ts';

export function knownLogs(store: Store, listPath: string | undefined): Log[] {
  if (listPath !== undefined) return [...readLogList(listPath).logs];
  const logs = new Map<string, Log>();
  for (const log of [...builtinLogs(), ...store.logs()]) logs.set(logIdText(log.key.logId), log);
  return [...logs.values()];
}
