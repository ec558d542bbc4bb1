// SPDX-License-Identifier: Apache-2.0
/** System calls of a program, as strace sees them. */
import { spawnSync } from 'node:child_process';

/** `skip` value for node:test. */
export const noStrace: false | string =
  spawnSync('strace', ['-V']).error === undefined
    ? false
    : 'strace is not on PATH (sudo npm run setup)';

export interface SystemCall {
  readonly name: string;
  /** Strings as bytes, everything else as it is written. */
  readonly args: readonly (string | Buffer)[];
  readonly result: number;
}

/** Parses what `strace -xx` wrote of one thread; calls that never returned are left out. */
export function parseTrace(text: string): SystemCall[] {
  return text.split('\n').flatMap((line): SystemCall[] => {
    const [, name, list, result] = /^(\w+)\((.*)\)\s+= (-?\d+)/.exec(line) ?? [];
    if (name === undefined || list === undefined) return [];
    const args = [...list.matchAll(/\s*(?:"((?:\\x[0-9a-f]{2})*)"|([^,]+))/g)].map(
      ([, bytes, other]) =>
        bytes === undefined
          ? (other ?? '').trim()
          : Buffer.from(bytes.replaceAll('\\x', ''), 'hex'),
    );
    return [{ name, args: args.filter((arg) => arg !== ''), result: Number(result) }];
  });
}
