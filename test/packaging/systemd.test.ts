// SPDX-License-Identifier: Apache-2.0
/**
 * The systemd units: what systemd-analyze says of them, and whether the program does what they ask
 * of it.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { CTGA, ctga } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';

const UNITS = resolve(import.meta.dirname, '../../packaging/systemd');
const units = readdirSync(UNITS);
/** Of a person's own manager, which can take less away. */
const USER_UNIT = resolve(import.meta.dirname, '../../packaging/systemd-user/ctga-client.service');
const noSystemd =
  spawnSync('systemd-analyze', ['--version']).error !== undefined &&
  'systemd-analyze is not on PATH';

/** Exposure at most, as systemd-analyze rates it. What lets sendmail be what it is has more. */
const EXPOSURE: Readonly<Record<string, number>> = {
  'ctga-observer@.service': 2,
  'ctga-resolver.service': 1,
  'ctga-challenger.service': 2,
  'ctga-evidence.service': 1.5,
  'ctga-dns.service': 2,
  'ctga-web.service': 2,
  'ctga-pool.service': 2,
  'ctga-audit.service': 2,
  'ctga-federation.service': 2,
  'ctga-witness.service': 2,
  'ctga-alert.service': 2,
  'ctga-collect.service': 2,
  'ctga-fleet-challenger.service': 2,
  'ctga-publish.service': 2,
  'ctga-bus.service': 2,
  'ctga-mail@.service': 3,
};

test('every unit is rated here', () => {
  const services = units.filter((unit) => unit.endsWith('.service'));
  assert.deepEqual(services.sort(), Object.keys(EXPOSURE).sort());
});

test('whoever reads the keys of a member of a fleet does not wait for another unit to let it', () => {
  for (const unit of ['collect', 'publish', 'fleet-challenger', 'alert']) {
    const text = readFileSync(join(UNITS, `ctga-${unit}.service`), 'utf8');
    assert.match(text, /^ExecStartPre=-\+.*chgrp -R ctga-fleet \/etc\/ctga\/fleet/m, unit);
    assert.match(text, /^ExecStartPre=-\+.*chmod -R g\+rX,o-rwx \/etc\/ctga\/fleet/m, unit);
  }
});

describe('systemd-analyze', { skip: noSystemd }, () => {
  for (const [unit, most] of Object.entries(EXPOSURE))
    test(`${unit} is exposed less than ${most}`, (context) => {
      const args = ['security', '--offline=true', '--json=off', join(UNITS, unit)];
      const { stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
      const [, exposure] =
        /Overall exposure level for \S+: ([\d.]+)/.exec(stdout) ?? assert.fail(stderr);
      context.diagnostic(`exposure ${exposure ?? ''}`);
      assert(Number(exposure) < most, stdout);
    });

  test('finds no key or value that it does not know', () => {
    const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    for (const unit of units) {
      // The program is not installed here: what is said of it is not what is asked.
      const text = readFileSync(join(UNITS, unit), 'utf8').replace(
        /\/usr\/(bin\/ctga|sbin\/nats-server)/,
        '/bin/true',
      );
      writeFileSync(join(directory, unit.replace('@.', '@eth0.')), text);
    }
    // What a socket starts is looked for beside it.
    writeFileSync(
      join(directory, 'ctga-mail@.service'),
      readFileSync(join(UNITS, 'ctga-mail@.service')),
    );
    for (const unit of units) {
      const file = join(directory, unit.replace('@.', '@eth0.'));
      const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
        encoding: 'utf8',
      });
      const ours = stderr.split('\n').filter((line) => line.includes(file));
      assert.deepEqual(ours, []);
    }
    rmSync(directory, { recursive: true });
  });

  test('finds none in what docs/FLEET.md has a challenger of a fleet add', () => {
    const docs = resolve(import.meta.dirname, '../../docs/FLEET.md');
    const [, added = ''] =
      /systemctl edit ctga-fleet-challenger\n(\[Service\]\n[^`]+)```/.exec(
        readFileSync(docs, 'utf8'),
      ) ?? assert.fail('it has none');
    const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    const file = join(directory, 'ctga-fleet-challenger.service');
    const unit = readFileSync(join(UNITS, 'ctga-fleet-challenger.service'), 'utf8');
    writeFileSync(file, `${unit.replace('/usr/bin/ctga', '/bin/true')}\n${added}`);
    const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
      encoding: 'utf8',
    });
    assert.deepEqual(
      stderr.split('\n').filter((line) => line.includes(file)),
      [],
    );
    // It holds it to addresses as the unit of a challenger that is alone is held to this machine.
    const alone = readFileSync(join(UNITS, 'ctga-challenger.service'), 'utf8').split('\n');
    for (const line of added.trim().split('\n').slice(0, 3)) assert(alone.includes(line), line);
    rmSync(directory, { recursive: true });
  });

  test('finds none in the unit for a person', () => {
    const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    const file = join(directory, 'ctga-client.service');
    writeFileSync(file, readFileSync(USER_UNIT, 'utf8').replace('/usr/bin/ctga', '/bin/true'));
    const { stderr } = spawnSync('systemd-analyze', ['--user', 'verify', '--man=no', file], {
      encoding: 'utf8',
    });
    assert.deepEqual(
      stderr.split('\n').filter((line) => line.includes(file)),
      [],
    );
    rmSync(directory, { recursive: true });
  });
});

test('what the units start are commands that there are', async () => {
  const files = [...units.map((unit) => join(UNITS, unit)), USER_UNIT];
  for (const unit of files) {
    const [, words] = /^ExecStart=\/usr\/bin\/ctga (.*)$/m.exec(readFileSync(unit, 'utf8')) ?? [];
    if (words === undefined) continue;
    const { code } = await ctga([...words.replace('%I', 'eth0').trim().split(' '), '--help']);
    assert.equal(code, 0, unit);
  }
});

test('a service manager is told that it is ready, alive and ending, as sd_notify(3) has it', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  chmodSync(directory, 0o777); // for the account that root becomes
  const state = join(directory, 'state');
  mkdirSync(state); // as the package does; the store itself comes with the first observer
  chmodSync(state, 0o777);
  const socket = join(directory, 'notify');
  // In systemd's place, which is not the init of every machine: a datagram socket that prints what
  // it gets.
  const listener = spawn('python3', [
    '-u',
    '-c',
    `import os, socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind('${socket}'); os.chmod('${socket}', 0o666); print('bound')
while True: print(repr(s.recv(4096).decode()))`,
  ]);
  t.after(() => listener.kill());
  let told = '';
  listener.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()));
  const until = async (what: RegExp): Promise<void> => {
    await eventually(
      () => what.test(told),
      () => `${what}, to be told: ${told}`,
    );
  };
  await until(/bound/);
  const child = spawn(CTGA, ['web', '--listen', '127.0.0.1:0', '--state-dir', state], {
    env: {
      ...process.env,
      CTGA_NODE: process.execPath,
      NOTIFY_SOCKET: socket,
      WATCHDOG_USEC: '200000',
    },
    stdio: 'ignore',
  });
  t.after(() => child.kill('SIGKILL'));
  const ended = new Promise((done) => child.once('close', done));
  await until(/READY=1\\nSTATUS=at http:\/\/127\.0\.0\.1:\d+\//);
  await until(/(WATCHDOG=1'\s+'?){3}/);
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
  await until(/STOPPING=1/);
  assert.match(told.slice(told.indexOf('STOPPING')), /^STOPPING=1'\s*$/, 'nothing after the end');
  rmSync(directory, { recursive: true, force: true });
});
