// SPDX-License-Identifier: Apache-2.0
/**
 * Which logs are in force: those of a list given for this run; without one the built-in logs, and
 * the imported ones, which take precedence.
 */
import type { Store } from './store.ts';
import { builtinLogs } from '../logs/builtin.ts';
import { readListedLogs } from '../logs/list.ts';
import type { LogId } from '../statements/statement.ts';
import { logIdText, logLabels, type Log } from '../logs/log.ts';

/**
 * Returns the logs in force. Calls `warn` for each log of the given list that was left out. Throws
 * CtgaError `bad-input` where the list cannot be read.
 */
export function knownLogs(
  store: Pick<Store, 'logs'>,
  listPath: string | undefined,
  warn: (line: string) => void,
): Log[] {
  if (listPath !== undefined) return [...readListedLogs(listPath, warn)];
  const logs = new Map<string, Log>();
  for (const log of [...builtinLogs(), ...store.logs.all()])
    logs.set(logIdText(log.key.logId), log);
  return [...logs.values()];
}

/** As logDescriptions, with the names of `ctga logs list`, which are short. */
export function logNames(store: Pick<Store, 'logs'>): (logId: LogId) => string {
  const labels = logLabels(knownLogs(store, undefined, () => undefined));
  const names = new Map(Array.from(labels, ([log, label]) => [logIdText(log.key.logId), label]));
  return (logId) => names.get(logIdText(logId)) ?? logIdText(logId);
}

/**
 * Reads the descriptions of the logs in force once. The function returned describes a log by its
 * ID: by its description, or by the ID itself in base64 if no such log is known.
 */
export function logDescriptions(store: Pick<Store, 'logs'>): (logId: LogId) => string {
  const logs = knownLogs(store, undefined, () => undefined);
  const names = new Map(logs.map((log) => [logIdText(log.key.logId), log.description]));
  return (logId) => names.get(logIdText(logId)) ?? logIdText(logId);
}
