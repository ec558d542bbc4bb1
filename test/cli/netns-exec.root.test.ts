// SPDX-License-Identifier: Apache-2.0
/**
 * `ip netns exec NAME ctga ...` cannot see what is attached: each command says so, and with which it
 * can. None says that nothing is attached. Needs root.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hidingNamespace } from '../../src/dataplane/netns-exec.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { CTGA, type Ran } from '../support/ctga.ts';

const name = `ctga-test-${process.pid}`;
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
const state = ['--state-dir', join(directory, 'state')];
const env = { ...process.env, CTGA_NODE: process.execPath };
const WAYS = {
  'ip netns exec': ['ip', 'netns', 'exec', name],
  nsenter: ['nsenter', `--net=/run/netns/${name}`],
} as const;

function ctgaBy(way: keyof typeof WAYS, ...args: readonly string[]): Ran {
  const [command, ...words] = WAYS[way];
  const { status, stdout, stderr } = spawnSync(command, [...words, CTGA, ...args], {
    encoding: 'utf8',
    env,
  });
  return { code: status, stdout, stderr };
}

describe('ip netns exec', () => {
  before(() => {
    execFileSync('ip', ['netns', 'add', name]);
    execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  });
  after(() => {
    ctgaBy('nsenter', 'detach', '--all', ...state);
    execFileSync('ip', ['netns', 'delete', name]);
    rmSync(directory, { recursive: true });
  });

  const REFUSED = `ctga: "ip netns exec" hides what is attached, and its pins\n  Enter the namespace with: nsenter --net=/run/netns/${name} ctga ...\n`;

  for (const args of [
    ['attach', 'lo', ...state],
    ['detach', 'lo'],
    ['detach', '--all'],
  ])
    test(`ctga ${args.slice(0, 2).join(' ')} refuses there, and says what does it`, () => {
      const { code, stdout, stderr } = ctgaBy('ip netns exec', ...args);
      assert.deepEqual([code, stdout, stderr], [1, '', REFUSED]);
    });

  test('ctga status does not know there what is attached, and knows it by nsenter', () => {
    openForWriting(stateAt(join(directory, 'state'))).close();
    const there = ctgaBy('ip netns exec', 'status', ...state);
    assert.match(there.stdout, /^Interfaces: not known \("ip netns exec" hides what is attached/);
    assert.doesNotMatch(there.stdout, /Interfaces: none/);
    assert.equal(there.code, 1);
    const inside = ctgaBy('nsenter', 'status', ...state);
    assert.match(inside.stdout, /^Interfaces: none/);
    assert.equal(inside.code, 0);
  });
});

describe('the /sys of ip netns exec', () => {
  const host = 'sysfs /sys sysfs rw 0 0\nbpf /sys/fs/bpf bpf rw,mode=700 0 0\n';
  const exists = (path: string): boolean => path === '/run/netns/blue';
  for (const [what, mounts, hides] of [
    ['a host', host, undefined],
    ['its own', `${host}blue /sys sysfs rw 0 0\n`, 'blue'],
    ['its own alone', 'blue /sys sysfs rw 0 0\n', 'blue'],
    ['its own, with a BPF file system', `blue /sys sysfs rw 0 0\nbpf /sys/fs/bpf bpf rw 0 0\n`],
    ['one of another name', 'none /sys sysfs rw 0 0\n', undefined],
    ['nothing', '', undefined],
  ] as const)
    test(`is told from ${what === 'its own' ? 'a host’s' : what}`, () =>
      assert.equal(hidingNamespace(mounts, exists), hides));
});
