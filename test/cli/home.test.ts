// SPDX-License-Identifier: Apache-2.0
/** Homes in which nothing can be made, that are no paths, or that nobody has. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { stateHome } from '../../src/base/home.ts';
import { CTGA } from '../support/ctga.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

function setEnvironment(given: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(given))
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
}

test('a path that is not absolute is no home', () => {
  const before = { HOME: process.env['HOME'], XDG_STATE_HOME: process.env['XDG_STATE_HOME'] };
  const own = join(userInfo().homedir, '.local/state');
  try {
    for (const [home, xdg, expected] of [
      ['/home/a', undefined, '/home/a/.local/state'],
      ['/home/a', '/var/a', '/var/a'],
      ['/home/a', '', '/home/a/.local/state'],
      ['/home/a', 'a', '/home/a/.local/state'],
      ['', undefined, own],
      ['a', 'a', own],
      [undefined, undefined, own],
    ] as const) {
      const given = { HOME: home, XDG_STATE_HOME: xdg };
      setEnvironment(given);
      assert.equal(stateHome(), expected, JSON.stringify(given));
    }
  } finally {
    setEnvironment(before);
  }
});

const graph = join(directory, 'graph');
writeFileSync(graph, '1|2|-1\n');
const heads = join(directory, 'heads');
writeFileSync(heads, '{"sths": []}');
const probes = join(directory, 'probes');
writeFileSync(probes, '1 1\n');
const SIMULATE = ['impact', 'simulate', '--graph', graph, '--targets', '2', '--probes', probes];

/** Under /proc nothing can be made, and what tries again and again never ends. */
const COMMANDS: readonly (readonly [code: number, args: readonly string[]])[] = [
  // Both write where nobody named a file: that cannot be wrong use.
  [1, ['client', 'install', '--state-dir', '/proc/state']],
  [1, ['client', 'install', '--state-dir', directory]],
  [2, [...SIMULATE, '--output', '/proc/figures']],
  [1, ['heads', 'import', heads, '--state-dir', '/proc/state']],
];
for (const [expected, args] of COMMANDS)
  test(`${args.slice(0, 2).join(' ')} ends where nothing can be made: ${args.slice(2).join(' ')}`, async () => {
    const child = spawn(CTGA, args, {
      cwd: directory,
      env: { ...process.env, HOME: '/proc', CTGA_NODE: process.execPath },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const late = setTimeout(() => child.kill('SIGKILL'), 60_000);
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    clearTimeout(late);
    assert.equal(code, expected, said);
    assert.match(said, /^ctga: .+\n {2}/);
    assert(!existsSync(join(directory, '.local')));
  });
