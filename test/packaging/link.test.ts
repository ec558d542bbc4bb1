// SPDX-License-Identifier: Apache-2.0
/** Which checkout `ctga` on PATH starts when there are several (bin/link, run by bin/setup). */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '../..');

describe('ctga on PATH', () => {
  let directory: string;
  beforeEach(() => {
    directory = realpathSync(mkdtempSync(join(tmpdir(), 'ctga-link-')));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  /** A checkout that prints its own name when it is started. */
  function checkout(name: string): string {
    const bin = join(directory, name, 'bin');
    mkdirSync(bin, { recursive: true });
    cpSync(join(ROOT, 'bin/link'), join(bin, 'link'));
    writeFileSync(join(bin, 'ctga'), `#!/bin/sh\necho '${name}' with "$CTGA_NODE"\n`, {
      mode: 0o755,
    });
    return join(directory, name);
  }
  const launcher = (): string => join(directory, 'path/ctga');
  function link(root: string, { node = '/node', unlessOwned = false, onPath = true } = {}): string {
    const args = [join(root, 'bin/link'), node, join(directory, 'path')];
    const { status, stderr } = spawnSync('sh', unlessOwned ? [...args, 'unless-owned'] : args, {
      encoding: 'utf8',
      env: { PATH: `/usr/bin:/bin${onPath ? `:${directory}/path` : ''}` },
    });
    assert.equal(status, 0, stderr);
    return stderr;
  }
  const started = (): string => spawnSync(launcher(), { encoding: 'utf8' }).stdout.trim();

  test('is the first checkout, and nothing is said the second time', () => {
    const one = checkout('one');
    assert.match(link(one, { unlessOwned: true }), /now on PATH/);
    assert.equal(started(), 'one with /node');
    assert.equal(link(one, { unlessOwned: true }), '');
  });

  test('is said not to be there where PATH lacks the directory', () => {
    const said = link(checkout('one'), { onPath: false });
    assert.match(said, /path, which is not on your PATH: add it, or use .*path\/ctga$/m);
  });

  test('stays the first one when tests run in another, which says so', () => {
    const [one, two] = [checkout('one'), checkout('with a space')];
    link(one);
    assert.match(link(two, { unlessOwned: true }), new RegExp(`left alone: .* ${one};`));
    assert.equal(started(), 'one with /node');
  });

  test('is the one in which a person runs `npm run setup`, which says what it replaced', () => {
    const [one, two] = [checkout('with a space'), checkout('two')];
    link(one);
    assert.match(link(two), new RegExp(`instead of the checkout in ${one}`));
    assert.equal(started(), 'two with /node');
  });

  test('is another one once the first is gone, and takes a new node', () => {
    const [one, two] = [checkout('one'), checkout('two')];
    link(one);
    rmSync(one, { recursive: true });
    link(two, { unlessOwned: true });
    assert.equal(started(), 'two with /node');
    link(two, { unlessOwned: true, node: '/newer' });
    assert.equal(started(), 'two with /newer');
  });

  test('says what to do where its checkout is gone', () => {
    const one = checkout('one');
    link(one);
    rmSync(one, { recursive: true });
    const { status, stderr } = spawnSync(launcher(), { encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`^ctga: the checkout ${one} is gone.*\\n  .*npm run setup\n$`));
  });

  const isRoot = process.geteuid?.() === 0;
  test(
    'says so where other accounts may not enter its checkout, at set-up and to them',
    { skip: isRoot ? false : 'needs root, whose launcher is for everybody' },
    () => {
      chmodSync(directory, 0o755);
      const home = join(directory, 'home');
      const one = checkout('home/one');
      assert.doesNotMatch(link(one), /may not enter/);
      chmodSync(home, 0o700);
      rmSync(launcher());
      assert.match(
        link(one),
        new RegExp(`only root can run it: others may not enter ${home}$`, 'm'),
      );
      assert.equal(started(), 'home/one with /node');
      const other = spawnSync(launcher(), { encoding: 'utf8', cwd: '/', uid: 65_534, gid: 65_534 });
      assert.equal(other.status, 1);
      assert.match(other.stderr, /^ctga: .*may not enter it\n {2}Run it with sudo/);
      // A home of somebody else, who is root by sudo.
      chownSync(home, 65_534, 65_534);
      rmSync(launcher());
      assert.match(link(one), /only \w+ and root can run it/);
    },
  );

  test('is left to a program that is not ours', () => {
    const one = checkout('one');
    mkdirSync(join(directory, 'path'));
    writeFileSync(launcher(), '#!/bin/sh\necho theirs\n', { mode: 0o755 });
    assert.match(link(one), /is not ours/);
    assert.equal(started(), 'theirs');
  });

  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const [name, part] of [
    ['setup', undefined],
    ['test', 'test'],
    ['demo', 'lab'],
    ['bench', 'tools'],
    ['package:deb', 'package'],
    ['test:interop', 'tools'],
    ['test:sanitized', 'tools'],
    ['test:kernels', 'tools'],
  ] as const)
    test(`npm run ${name} sets up ${part ?? 'everything'}`, () => {
      assert.equal(/^sh bin\/setup ?(\w+)?/.exec(scripts[name] ?? '')?.[1], part);
    });
});
