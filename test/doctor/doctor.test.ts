// SPDX-License-Identifier: Apache-2.0
/** `ctga doctor`: each check on what is well and on what is not. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { checkKernel } from '../../src/dataplane/interface.ts';
import { checkProxy, checkStoreOf, programState } from '../../src/doctor/checks.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { ctga } from '../support/ctga.ts';
import { startMicrosocks } from '../support/microsocks.ts';
import { freePort } from '../support/ports.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

test('kernels: too old, and new', () => {
  assert.equal(checkKernel('5.10.0-30-amd64').state, 'failure');
  assert.equal(checkKernel('4.19.0').state, 'failure');
  assert.equal(checkKernel('6.1.0-56-amd64').state, 'well');
  assert.equal(checkKernel('6.18.44').state, 'well');
  assert.equal(checkKernel('5.15.0').state, 'failure');
  assert.equal(checkKernel('6.0.12').state, 'failure');
});

describe('the proxy', () => {
  test('that is one', async () => {
    const proxy = await startMicrosocks();
    assert.deepEqual(await checkProxy({ host: '127.0.0.1', port: proxy.port }), {
      what: `proxy 127.0.0.1:${proxy.port}`,
      state: 'well',
      found: 'speaks SOCKS5',
    });
    proxy.stop();
  });

  test('that is none', async () => {
    const found = await checkProxy({ host: '127.0.0.1', port: await freePort() });
    assert.equal(found.state, 'failure');
    assert.match(found.found, /connection refused/);
  });

  for (const [state, remedy] of [
    ['missing', /^Install tor: sudo apt install tor\./],
    ['installed', /^tor is installed and does not run\. Start it: sudo /],
    ['running', /^tor runs, but not there: see SocksPort/],
  ] as const)
    test(`that is none, tor being ${state}`, async () => {
      const { remedy: given = '' } = await checkProxy(
        { host: '127.0.0.1', port: await freePort() },
        () => state,
      );
      assert.match(given, remedy);
    });

  test('is told apart by whether its program is there, and runs', async () => {
    assert.equal(programState('no-such-program'), 'missing');
    const name = 'ctga-sleeps';
    const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    const before = process.env['PATH'];
    process.env['PATH'] = `${directory}:${before ?? ''}`;
    try {
      copyFileSync('/bin/sleep', join(directory, name));
      chmodSync(join(directory, name), 0o755);
      assert.equal(programState(name), 'installed');
      const child = spawn(join(directory, name), ['60']);
      await once(child, 'spawn');
      assert.equal(programState(name), 'running');
      child.kill();
      await once(child, 'exit');
      assert.equal(programState(name), 'installed');
    } finally {
      process.env['PATH'] = before;
      rmSync(directory, { recursive: true });
    }
  });

  for (const [what, reply] of [
    ['a web server', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['a server that offers nothing', '\x05\xff'],
    ['a server that hangs up', ''],
  ] as const)
    test(`that is ${what}`, async () => {
      const server: Server = createServer((socket) => {
        socket.on('error', () => undefined);
        if (reply === '') socket.end();
        else socket.write(Buffer.from(reply, 'latin1'));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      assert(typeof address === 'object' && address !== null);
      const found = await checkProxy({ host: '127.0.0.1', port: address.port });
      assert.equal(found.state, 'failure', found.found);
      server.close();
    });
});

test('the store: none yet, none where one was named, one that is whole, one that is damaged', () => {
  const state = stateAt(join(directory, 'below', 'state'));
  const about = (where = state): string | undefined =>
    checkStoreOf(where).find(({ what }) => what === 'store')?.state;
  assert.equal(about({ ...state, isNamed: false }), 'well');
  assert.equal(about(), 'failure');
  openForWriting(state).close();
  assert.equal(about(), 'well');
  writeFileSync(state.database, 'no database '.repeat(1000));
  assert.equal(about(), 'failure');
  assert.equal(checkStoreOf(state)[0]?.what, 'disk');
});

test('as a user has it: every thing has a line, and exit code 1 says that something must be done', async () => {
  const state = join(directory, 'state');
  mkdirSync(state);
  chmodSync(directory, 0o755);
  const proxy = `socks5h://127.0.0.1:${await freePort()}`;
  const ran = await ctga(['doctor', '--proxy', proxy, '--state-dir', state]);
  assert.equal(ran.code, 1, ran.stderr);
  for (const said of [
    /^well {5}kernel: Linux /m,
    /disk: \d+ MiB free in /,
    /configuration: none/,
    /^FAILS {4}proxy 127\.0\.0\.1:\d+: .*\n {9}.* name another proxy with --proxy/m,
  ])
    assert.match(ran.stdout, said);
  const json = await ctga(['doctor', '--json', '--proxy', proxy, '--state-dir', state]);
  const findings = JSON.parse(json.stdout) as { what: string; state: string }[];
  for (const what of ['kernel', 'BPF', 'disk', 'store', 'clock', 'configuration'])
    assert(
      findings.some((finding) => finding.what === what),
      what,
    );
  openForWriting(stateAt(state)).close();
  const server = await startMicrosocks();
  const well = await ctga([
    'doctor',
    '--proxy',
    `socks5h://127.0.0.1:${server.port}`,
    '--state-dir',
    state,
  ]);
  server.stop();
  assert.equal(well.code, 0, well.stdout);
});
