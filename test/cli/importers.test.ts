// SPDX-License-Identifier: Apache-2.0
/**
 * Files in which nothing is: one rule for all that take files in. What says what it is may hold
 * nothing, and that is said. What nobody can tell, and a list that would be of no use, is refused with
 * exit code 2, before a store is made.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { RAW } from '../support/command-lines.ts';
import { ctga } from '../support/ctga.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
let count = 0;
const fileOf = (content: string | Uint8Array): string => {
  const path = join(directory, `file-${count++}`);
  writeFileSync(path, content);
  return path;
};

/** Of a capture in pcap without packets. */
const PCAP = Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex');

interface Case {
  readonly command: string;
  /** Whether it has a store. */
  readonly hasStore?: boolean;
  readonly refused: readonly string[];
  /** What may hold nothing, and what is said then. */
  readonly holds?: readonly [content: string | Uint8Array, says: RegExp];
}

const CASES: readonly Case[] = [
  {
    command: 'heads import',
    refused: ['', '\n', '[]', ' [\n] ', '{}', 'null', '0'],
    holds: ['{"sths": []}', /^No tree head is in what was given/],
  },
  {
    command: 'logs import',
    refused: ['', '\n', '[]', '{}', 'null', '{"operators": []}', '# nothing\n', 'logs/v0\n'],
  },
  {
    command: 'replay',
    refused: ['', '\n', '[]', '{}'],
    holds: [PCAP, /^0 packets, 0 verified tree heads\.\n$/],
  },
  { command: 'evidence verify', refused: ['', '\n', '[]', '{}', 'null'] },
  { command: 'evidence show', hasStore: false, refused: ['', '[]', '{}', 'null'] },
  { command: 'evidence report', refused: ['', '[]', '{}', 'null'] },
  {
    command: 'dns query argon2018.ct.googleapis.com --server 127.0.0.1:1 --since',
    refused: ['', '[]', '{}', '{"sths": []}'],
  },
];

test('ctga heads import says of the first elements of a wrong file why they are none, and counts the others', async () => {
  const path = fileOf(JSON.stringify(Array.from({ length: 500 }, (_, i) => i)));
  const state = join(directory, `state-${count++}`);
  const args = ['heads', 'import', path, '--state-dir', state];
  const { code, stdout, stderr } = await ctga(args);
  assert.equal(code, 2);
  assert.equal(stdout, 'No tree head is verified, and none is stored.\n');
  const lines = stderr.split('\n').filter((line) => line.startsWith('ctga: '));
  assert.equal(lines.length, 21);
  assert.equal(lines.at(-1), 'ctga: 480 more tree heads refused; --json lists all');
  const json = await ctga([...args, '--json']);
  assert.equal((JSON.parse(json.stdout) as { refused: string[] }).refused.length, 500);
});

for (const { command, hasStore = true, refused, holds } of CASES)
  describe(`ctga ${command}`, () => {
    const run = async (
      path: string,
    ): Promise<Awaited<ReturnType<typeof ctga>> & { state: string }> => {
      const state = join(directory, `state-${count++}`);
      const at = hasStore ? ['--state-dir', state] : [];
      return { ...(await ctga([...command.split(' '), path, ...at])), state };
    };

    for (const content of [...refused, undefined])
      test(`refuses ${content === undefined ? 'what is not there' : JSON.stringify(content)}`, async () => {
        const path = content === undefined ? join(directory, 'none') : fileOf(content);
        const { code, stdout, stderr, state } = await run(path);
        assert.equal(code, 2, stdout + stderr);
        assert(stderr.includes(path), stderr);
        assert.doesNotMatch(stderr, RAW);
        if (command !== 'replay' || content === undefined) assert(!existsSync(state), 'a store');
      });

    if (holds !== undefined)
      test('says that nothing is in what says what it is', async () => {
        const { code, stdout, stderr } = await run(fileOf(holds[0]));
        assert.equal(code, 0, stderr);
        assert.match(stdout, holds[1]);
      });
  });
