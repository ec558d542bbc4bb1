// SPDX-License-Identifier: Apache-2.0
/**
 * Commands that make files, on a disk that is full at whatever page: each says so in words, and when there
 * is room, the same command does what it is for. Needs root, to mount a small disk.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RAW } from '../support/command-lines.ts';
import { CTGA } from '../support/ctga.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const disk = join(directory, 'disk');
mkdirSync(disk);
const coins = join(directory, 'coins');
writeFileSync(coins, '01'.repeat(32));
/** Where it comes to the chain, no node is there. */
const CHAIN = ['--network', 'regtest', '--node', 'http://127.0.0.1:1', '--coins', coins];

/** Prints the exit code and what was said, with so many pages free, and then with room. */
const SCRIPT = `mount -t tmpfs -o size=256k none "$1" && cd "$1" || exit 99
pages=$2; shift 2
head -c $((256 * 1024 - pages * 4096)) /dev/zero >fill
"$@" 2>&1; echo "code $?"
rm fill
"$@" 2>&1; echo "code $?"`;

function onPages(pages: number, args: readonly string[]): RegExpExecArray {
  const { stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', 'sh', '-c', SCRIPT, 'sh', disk, `${pages}`, CTGA, ...args],
    { encoding: 'utf8' },
  );
  const found = /^([^]*)code (\d+)\n([^]*)code (\d+)\n$/.exec(stdout);
  return found ?? assert.fail(stdout + stderr);
}

const SMALL = ['--state-dir', 'state', '--user', 'root'];
for (const [args, most, later] of [
  [
    [
      'bench',
      'traffic',
      '--tool',
      'osnt',
      '--output',
      'bench',
      '--rates',
      '0,100',
      '--packets',
      '9',
    ],
    4,
    0,
  ],
  [['ddt', 'key', 'key'], 1, 0],
  [['federation', 'join', '--name', 'a', '--url', 'https://a.example/', ...SMALL], 1, 0],
  [['fleet', 'init', 'fleet', '--node', 'n1=127.0.0.1'], 8, 0],
  [['trust', 'key', 'new', 'user', '--key-file', 'key', ...CHAIN, '--state-dir', 'state'], 1, 1],
  [['trust', 'log', 'new', 'log', 'log.example.org/x'], 2, 0],
  [['witness', 'keygen', 'witness.example.org/w', ...SMALL], 2, 0],
] as const)
  test(`ctga ${args.slice(0, 3).join(' ')} on a full disk`, () => {
    for (let pages = 0; pages < most; pages++) {
      const [, first = '', code, second = '', secondCode] = onPages(pages, args);
      assert.match(code ?? '', /^[12]$/, `${pages} pages: ${first}`);
      assert.match(first, /the disk is full/);
      assert.doesNotMatch(first, RAW);
      assert.equal(secondCode, String(later), `${pages} pages: ${first}${second}`);
    }
  });
