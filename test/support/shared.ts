// SPDX-License-Identifier: Apache-2.0
/** Real data beside the project. Tests may read it where it is and must pass where it is not. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const DATA = resolve(import.meta.dirname, '../../../shared/data');

/** The path of a shared data file, or undefined where this checkout has none. */
export function sharedPath(relative: string): string | undefined {
  const path = join(DATA, relative);
  return existsSync(path) ? path : undefined;
}

/** `skip` value for node:test: false where the data is there, else the reason. */
export function needsShared(relative: string): false | string {
  return sharedPath(relative) === undefined
    ? `no ../shared/data/${relative} beside this checkout`
    : false;
}

export function readShared(relative: string): Buffer {
  return readFileSync(join(DATA, relative));
}
