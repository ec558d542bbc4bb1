// SPDX-License-Identifier: Apache-2.0
/** Files that somebody names: nothing that is none has ctga wait, or read on for ever. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { readBinaryFile } from '../../src/base/documents.ts';
import { FileInput } from '../../src/base/file-input.ts';
import { bytesOf } from '../../src/base/read-file.ts';
import { CTGA, type Ran } from '../support/ctga.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const fileOf = (name: string, content: string): string => {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
};
let count = 0;
const pipe = (): string => {
  const path = join(directory, `pipe-${count++}`);
  execFileSync('mkfifo', [path]);
  return path;
};
const socket = join(directory, 'socket');
const server = createServer().listen(socket);
after(() => server.close());
const huge = fileOf('huge', '');
truncateSync(huge, 2 ** 31);

/** The same by whatever reads files: at once, or as they come. */
const WAYS = {
  'at once': async (path: string) => Promise.resolve(readBinaryFile(path)),
  'as it comes': async (path: string) => {
    const input = new FileInput(path);
    const parts: Uint8Array[] = [];
    for await (const part of input.chunks()) parts.push(part);
    return Buffer.concat(parts);
  },
};

for (const [way, read] of Object.entries(WAYS))
  describe(`what is read ${way}`, () => {
    for (const [path, says] of [
      [directory, 'it is a directory'],
      ['/dev/zero', 'it is a device, of which nobody knows an end'],
      ['/dev/full', 'it is a device, of which nobody knows an end'],
      [socket, 'it is a socket'],
      ['/proc/self/mem', 'it is of the kernel, and cannot be read as a file'],
      [join(directory, 'none'), 'there is no such file or directory'],
    ] as const)
      test(`is not ${path.replace(directory, '')}: ${says}`, async () => {
        await assert.rejects(read(path), {
          code: 'bad-input',
          message: `cannot read ${path}: ${says}`,
          remedy: /^(Name a file|Check the name and the directory)\.$/,
        });
      });

    test('is no pipe into which nobody writes', async () => {
      const path = pipe();
      await assert.rejects(read(path), {
        code: 'bad-input',
        message: `cannot read ${path}: it is a pipe into which nobody writes`,
        remedy: 'Start first what writes into it, or name a file.',
      });
    });

    test('is a pipe, however late and slowly somebody writes, and whatever', async () => {
      for (const [script, size] of [
        ['sleep 0.2; exec >"$0"; printf x', 1],
        ['exec >"$0"; printf x; sleep 2; printf y', 2],
        ['exec >"$0"; sleep 2; printf x', 1],
        ['exec >"$0"; head -c 300000 /dev/zero', 300_000],
        ['exec >"$0"', 0],
      ] as const) {
        const path = pipe();
        const writer = spawn('sh', ['-c', script, path], { stdio: 'ignore' });
        const ended = once(writer, 'close');
        if (size === 0) {
          // Who has gone before anybody looked cannot be told from who never came.
          await read(path).then(
            (bytes) => assert.equal(bytes.length, 0),
            (error: unknown) => assert.match(String(error), /into which nobody writes/),
          );
        } else assert.equal((await read(path)).length, size, script);
        await ended;
      }
    });

    test('is a file that the kernel makes up, and the empty device', async () => {
      assert.match((await read('/proc/version')).toString(), /^Linux version /);
      assert.equal((await read('/dev/null')).length, 0);
    });

    test('is an empty file, and one of many parts', async () => {
      assert.equal((await read(fileOf('empty', ''))).length, 0);
      const text = 'abc'.repeat(1_000_000);
      assert.equal((await read(fileOf('long', text))).toString(), text);
    });
  });

describe('what is read at once', () => {
  test('is no larger than a string, or than it may be', () => {
    assert.throws(() => bytesOf(huge), { message: 'it is larger than 537 MB' });
    assert.throws(() => bytesOf(fileOf('four', 'four'), 3), { message: 'it is larger than 0 MB' });
    assert.equal(bytesOf(fileOf('three', 'all'), 3).length, 3);
    // Its size is not known before.
    assert.throws(() => bytesOf('/proc/version', 3), { message: 'it is larger than 0 MB' });
  });
});

/** Runs ctga with its input from what a shell gives it. */
async function ran(script: string, ...args: readonly string[]): Promise<Ran> {
  const child = spawn('sh', ['-c', script, CTGA, ...args], {
    env: { ...process.env, CTGA_NODE: process.execPath },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.end('[log]\n');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

describe('standard input by name', () => {
  const file = fileOf('config.toml', '[log]\n');
  for (const [what, script] of [
    ['a socket', '"$0" config check /dev/stdin'],
    ['a pipe', 'cat "$1" | "$0" config check /dev/stdin'],
    ['a pipe by another number', 'cat "$1" | "$0" config check /dev/fd/3 3<&0 </dev/null'],
    ['a file', '"$0" config check /dev/stdin <"$1"'],
  ] as const)
    test(`is read where it is ${what}`, async () => {
      const { code, stderr } = await ran(script, file);
      assert.equal(code, 2);
      assert.match(stderr, /^ctga: .*:1: .*log/);
    });

  test('is empty where it is closed, and no directory', async () => {
    assert.equal((await ran('"$0" config check /dev/stdin <&-')).code, 0);
    const { code, stderr } = await ran('"$0" config check /dev/stdin <"$1"', directory);
    assert.equal(code, 2);
    assert.match(stderr, /^ctga: cannot read \/dev\/stdin: it is a directory\n {2}Name a file\.\n/);
  });
});
