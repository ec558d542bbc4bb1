// SPDX-License-Identifier: Apache-2.0
/**
 * `node --import tsx packaging/extension.ts` writes extension/logs.json, the logs whose SCTs the
 * Firefox extension keeps: those that are built into ctga. `… LOG-LIST FILE` writes those of a log
 * list (schema v3) instead, for a network with logs of its own.
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { encodeBase64 } from '../src/base/base64.ts';
import { builtinLogs } from '../src/logs/builtin.ts';
import type { Log } from '../src/logs/log.ts';
import { readLogList } from '../src/logs/list.ts';

/** What extension/logs.json has to be for these logs. */
export function extensionLogs(logs: readonly Log[]): string {
  const listed = logs.map(({ description, key }) => ({
    name: description,
    key: encodeBase64(key.spki),
  }));
  return `${JSON.stringify({ logs: listed }, null, 2)}\n`;
}

if (process.argv[1] === import.meta.filename) {
  const [list, file = resolve(import.meta.dirname, '../extension/logs.json')] =
    process.argv.slice(2);
  const logs = list === undefined ? builtinLogs() : readLogList(list).logs;
  writeFileSync(file, extensionLogs(logs));
}
