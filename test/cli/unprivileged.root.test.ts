// SPDX-License-Identifier: Apache-2.0
/**
 * ctga with fewer rights than the tests have, out of a checkout mounted where the test wants it.
 *
 * The challenger gives up root, and then may not be able to read the checkout that it runs from:
 * one below /root, say. Everything it needs has to be loaded by then.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { logIdText } from '../../src/logs/log.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const checkout = resolve(import.meta.dirname, '../..');
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
chmodSync(directory, 0o755);
const closed = join(directory, 'closed', 'ctga');
const open = join(directory, 'open', 'ctga');
for (const [path, mode] of [
  [closed, 0o700],
  [open, 0o755],
] as const) {
  mkdirSync(path, { recursive: true });
  chmodSync(dirname(path), mode);
}
after(() => rmSync(directory, { recursive: true }));

/**
 * ctga out of the checkout mounted at `at`, in a mount namespace of its own, started through
 * `launcher`.
 */
function ctga(
  at: string,
  launcher: string,
  ...args: string[]
): { status: number | null; stdout: string; stderr: string } {
  const script = `mount --bind "$0" "$1" && at=$1 && shift && exec ${launcher} sh "$at/bin/ctga" "$@"`;
  return spawnSync('unshare', ['--mount', 'sh', '-c', script, checkout, at, ...args], {
    encoding: 'utf8',
    // The esbuild that tsx starts wants to be able to enter the working directory.
    cwd: '/',
    env: { ...process.env, HOME: directory, CTGA_NODE: process.execPath },
  });
}

const NOBODY = 'setpriv --reuid=65534 --regid=65534 --clear-groups';
for (const [name, args] of [
  ['attaching', ['attach', 'lo', '--state-dir', join(directory, 'no-root')]],
  ['the lab', ['lab', 'run']],
] as const) {
  test(`${name} without root is refused with exit code 1, one sentence and the remedy`, () => {
    const ran = ctga(open, NOBODY, ...args);
    assert.equal(ran.status, 1, ran.stderr);
    assert.match(ran.stderr, /^ctga: .*(not permitted|needs root).*\n {2}Run .*sudo/i);
    assert.equal(ran.stderr.trim().split('\n').length, 2, ran.stderr);
  });
}

test('status without root says that it could not look at interfaces, and what helps', () => {
  const { status, stdout } = ctga(open, NOBODY, 'status');
  assert.equal(status, 1, 'no script is told that all is well');
  assert.match(
    stdout,
    /^Interfaces: not known \(not permitted: [^)]+\)\n {2}Run it as root, for instance with sudo\.\n/,
  );
  assert.doesNotMatch(stdout, /Interfaces: none/);
  const forScripts = ctga(open, NOBODY, 'status', '--json');
  assert.equal(forScripts.status, 1);
  const json = JSON.parse(forScripts.stdout) as Record<string, unknown>;
  assert.match(String(json['dataPlanesUnknown']), /^not permitted: /);
  assert.equal(json['dataPlanesRemedy'], 'Run it as root, for instance with sudo.');
});

test('the challenger opens its store, asks and concludes from a checkout that only root can read', async () => {
  const log = new SigningLog();
  const file = (name: string, content: unknown): string => {
    writeFileSync(join(directory, name), JSON.stringify(content));
    return join(directory, name);
  };
  const state = ['--state-dir', join(directory, 'state')];
  const entry = {
    description: 'Test log',
    key: Buffer.from(log.key.spki).toString('base64'),
    url: 'https://log.test/',
    allow_private_address: true,
  };
  const list = ['--log-list', file('list.json', { operators: [{ name: 'Test', logs: [entry] }] })];
  const head = {
    log_id: logIdText(log.key.logId),
    ...treeHeadToJson(log.sign(3, treeOf(3).root())),
  };
  assert.equal(
    ctga(closed, '', 'heads', 'import', file('heads.json', { sths: [head] }), ...list, ...state)
      .status,
    0,
  );

  // A port where nobody listens: the challenger gets as far as its first connection, through all of
  // its code.
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : assert.fail();
  await new Promise((closing) => server.close(closing));
  const proxy = ['--proxy', `socks5h://127.0.0.1:${port}`];
  const ran = ctga(
    closed,
    '',
    'challenge',
    '--once',
    '--max-delay',
    '0',
    ...proxy,
    ...list,
    ...state,
  );
  assert.equal(ran.status, 1);
  assert.match(ran.stderr, /^ctga: no SOCKS5 proxy answers at 127\.0\.0\.1/);
});
