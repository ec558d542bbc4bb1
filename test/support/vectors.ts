// SPDX-License-Identifier: Apache-2.0
/** Facts from outside that are in this repository: test/vectors/README.md says what and whence. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const CHROME_LIST = { json: 'chrome-v88.0.json', signature: 'chrome-v88.0.sig' } as const;

export function vectorPath(name: string): string {
  return join(resolve(import.meta.dirname, '../vectors'), name);
}

export function readVector(name: string): unknown {
  return JSON.parse(readFileSync(vectorPath(name), 'utf8')) as unknown;
}
