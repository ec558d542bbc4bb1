// SPDX-License-Identifier: Apache-2.0
/** What set-up compiles, and when bin/ctga runs it: never in place of sources that are newer. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Checked } from '../../src/observer/verifier-pool.ts';
import { runCtga } from '../../src/cli/program.ts';
import { version } from '../../src/version.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const temporary = mkdtempSync(join(tmpdir(), 'ctga-compile-'));
after(() => rmSync(temporary, { recursive: true }));

/** A checkout in a directory whose name a shell would take apart. */
function checkout(name: string): string {
  const root = join(temporary, name);
  for (const each of ['src', 'bin', 'packaging', 'docs', 'package.json', 'package-lock.json'])
    cpSync(join(ROOT, each), join(root, each), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  return root;
}

function compile(root: string): void {
  execFileSync(process.execPath, ['--import', 'tsx', 'packaging/bundle.ts', 'build/js'], {
    cwd: root,
  });
}

const ctga = (root: string, ...args: string[]): string =>
  execFileSync(join(root, 'bin/ctga'), args, {
    cwd: '/',
    encoding: 'utf8',
    env: { ...process.env, CTGA_NODE: process.execPath },
  });

describe('bin/ctga', () => {
  const root = checkout('ctga (1)');
  const main = join(root, 'build/js/cli/main.cjs');
  const file = join(root, 'src/base/text.ts');
  before(() => {
    compile(root);
    // What is compiled tells itself from the source.
    writeFileSync(main, "console.log('compiled');\n");
  });

  test('runs what was compiled', () => assert.equal(ctga(root, '--version'), 'compiled\n'));

  /** Everything but the time at which the inode changed is as before. */
  function keepingTimes(change: () => void): void {
    const { atime, mtime } = statSync(file);
    change();
    utimesSync(file, atime, mtime);
  }
  const changes: Record<string, () => void> = {
    'a file was edited': () => writeFileSync(file, `${readFileSync(file, 'utf8')}// more\n`),
    'a file was edited and is as large and as old as before': () =>
      keepingTimes(() => writeFileSync(file, readFileSync(file, 'utf8').replace('// ', '//-'))),
    'an older file took its place': () => {
      cpSync(file, `${file}.old`, { preserveTimestamps: true });
      renameSync(`${file}.old`, file);
    },
    'a file was added': () => writeFileSync(join(root, 'src/base/more.ts'), 'export {};\n'),
    'a file was removed': () => rmSync(join(root, 'src/web/assets/page.css')),
    'the packages are others': () => {
      const lock = join(root, 'package-lock.json');
      writeFileSync(lock, readFileSync(lock));
    },
    'nothing was compiled': () => rmSync(join(root, 'build'), { recursive: true }),
  };
  for (const [what, change] of Object.entries(changes)) {
    test(`runs the sources where ${what}`, () => {
      const list = execFileSync('sh', [join(root, 'bin/sources')]);
      writeFileSync(join(root, 'build/js/sources'), list);
      assert.equal(ctga(root, '--version'), 'compiled\n');
      change();
      assert.equal(ctga(root, '--version'), `${version}\n`);
    });
  }
});

describe('the compiled program', () => {
  const root = checkout('whole');
  before(() => compile(root));

  async function helpFromSource(...args: string[]): Promise<string> {
    let printed = '';
    const stream = { write: (text: string) => (printed += text) };
    await runCtga([...args, '--help'], { stdout: stream, stderr: stream });
    return printed;
  }

  test('has every command that the source has', async () => {
    const help = await helpFromSource();
    assert.equal(ctga(root, '--help'), help);
    const [, list = ''] = /^Commands:\n((?: .*\n)+)/m.exec(help) ?? [];
    const names = [...list.matchAll(/^ {2}(\S+)/gm)].map(([, name = '']) => name);
    assert(names.length > 10);
    for (const name of names) {
      if (name === 'help') continue;
      const own = ctga(root, name, '--help');
      assert.match(own, new RegExp(`^Usage: ctga ${name} `));
      assert.equal(own, await helpFromSource(name));
    }
  });

  test('knows the options of all commands where it checks a configuration', () => {
    const file = join(temporary, 'ctga.toml');
    writeFileSync(file, '[attach]\nbudget = 7\n[dns.serve]\nzone-suffix = "ct.example.net"\n');
    assert.match(ctga(root, 'config', 'check', file), /every key and value is right/);
  });

  describe('what V8 compiled of it', () => {
    const [code, cache] = ['main.code.cjs', 'main.cache'].map((name) =>
      join(root, 'build/js/cli', name),
    ) as [string, string];
    /** Whether V8 takes the cache in a process of these options. */
    const isTaken = (...options: string[]): string =>
      execFileSync(
        process.execPath,
        [
          ...options,
          '--print',
          `const { readFileSync } = require('node:fs');
          const source = readFileSync(process.argv[1], 'latin1');
          const cachedData = readFileSync(process.argv[2]);
          !new (require('node:vm').Script)(source, { cachedData }).cachedDataRejected`,
          '--',
          code,
          cache,
        ],
        { encoding: 'utf8' },
      ).trim();

    test('is taken by this Node, started as bin/ctga and the keeper start it', () => {
      assert.equal(isTaken(), 'true');
      assert.equal(isTaken('--inspect-port=240.0.0.1:1024'), 'true');
    });
    test('may be cut off, empty or missing', () => {
      const whole = readFileSync(cache);
      for (const part of [whole.subarray(0, 1000), Buffer.alloc(0)]) {
        writeFileSync(cache, part);
        assert.equal(isTaken(), 'false');
        assert.equal(ctga(root, '--version'), `${version}\n`);
      }
      rmSync(cache);
      assert.equal(ctga(root, '--version'), `${version}\n`);
      writeFileSync(cache, whole);
    });
  });

  test('checks signatures on a thread', async () => {
    const worker = new Worker(join(root, 'build/js/observer/verify-worker.cjs'));
    worker.postMessage([]);
    const [{ heads }] = (await once(worker, 'message')) as [Checked];
    assert.deepEqual(heads, []);
    await worker.terminate();
  });
});
