// SPDX-License-Identifier: Apache-2.0
/** `ctga p4` as a user runs it, on a real simple_switch where there is one. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CtgaError } from '../../src/base/errors.ts';
import { exclusively } from '../../src/base/exclusive.ts';
import { captureFile } from '../../src/traffic/traffic.ts';
import { PROGRAM } from '../../src/p4/compile.ts';
import { nameOfPlace } from '../../src/p4/simple-switch.ts';
import { ctga } from '../support/ctga.ts';
import { freePort } from '../support/ports.ts';
import {
  connected,
  noGrpcSwitch,
  noSimpleSwitch,
  startGrpcSwitch,
} from '../support/simple-switch.ts';
import { eventually } from '../support/eventually.ts';

test('no switch: a sentence and a remedy, exit code 1', async () => {
  const ran = await ctga(['p4', 'status', '--thrift', `127.0.0.1:${await freePort()}`]);
  assert.equal(ran.code, 1);
  assert.match(
    ran.stderr,
    /no switch answers at 127\.0\.0\.1:.*\n {2}Start simple_switch with --thrift-port/,
  );
  assert.equal((await ctga(['p4', 'deploy', '--route', '0-1'])).code, 2);
});

test('interfaces that make no wire, and options that do not go together, are refused', async () => {
  for (const [args, message] of [
    [['--interface', 'a'], /one interface/],
    [['--interface', 'a', '--interface', 'b', '--interface', 'a'], /a is named twice/],
    [['--interface', 'a', '--interface', 'b', '--cpu-port', 'c'], /a port of its own for copies/],
    [['--interface', 'a', '--interface', 'b', '--p4runtime', 'h:1'], /no P4Runtime server/],
  ] as const) {
    const ran = await ctga(['p4', 'deploy', ...args]);
    assert.equal(ran.code, 2, ran.stdout);
    assert.match(ran.stderr, message);
  }
});

test('while one ctga sets a switch up, another does nothing, and says why', async () => {
  const port = await freePort();
  const holds = `ctga-switch-${nameOfPlace({ host: '127.0.0.1', port })}`;
  await exclusively(holds, new CtgaError('busy', 'it is held'), async () => {
    // By another of this machine's names too.
    for (const host of ['127.0.0.1', 'localhost'])
      for (const command of ['deploy', 'undeploy']) {
        const ran = await ctga(['p4', command, '--thrift', `${host}:${port}`]);
        assert.equal(ran.code, 1, ran.stdout);
        assert.match(ran.stderr, /another ctga is setting this switch up/);
      }
  });
});

describe('a running switch', { skip: noSimpleSwitch }, () => {
  test('is set up; again changes nothing; another number of names is applied in place', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    const port = await freePort();
    for (const number of [0, 1, 2])
      writeFileSync(join(directory, `p${number}_in.pcap`), captureFile([]));
    const interfaces = [0, 1, 2].flatMap((number) => [
      '-i',
      `${number}@${join(directory, `p${number}`)}`,
    ]);
    const child = spawn(
      'simple_switch',
      ['--use-files', '600', '--thrift-port', `${port}`, ...interfaces, PROGRAM],
      { cwd: directory, stdio: 'ignore' },
    );
    const gone = new Promise((resolve) => child.once('exit', resolve));
    try {
      const at = ['--thrift', `127.0.0.1:${port}`];
      const state = ['--state-dir', join(directory, 'state')];
      await eventually(
        async () => (await ctga(['p4', 'status', ...at])).code === 0,
        'simple_switch to answer',
      );
      const interfaceOf = (number: number): string => join(directory, `p${number}`);
      const refused: readonly (readonly [string, readonly string[], RegExp])[] = [
        ['no port is guessed', [], /not said where copies leave\n.*p2 \(port 2\)/],
        ['a port that is not there', ['--cpu-port', 'nowhere'], /no interface named nowhere/],
        ["a host's port", ['--cpu-port', interfaceOf(1)], /frames take it, by a route/],
        [
          'a route to nowhere',
          ['--cpu-port', interfaceOf(2), '--route', '0=7'],
          /port 7, which the switch does not have/,
        ],
        ['two routes for one', ['--route', '0=1', '--route', '0=2'], /two routes .* port 0/],
        [
          'more ports of answers than it holds',
          [
            '--cpu-port',
            interfaceOf(2),
            ...Array.from({ length: 17 }, (_, i) => ['--port', `${i + 53}`]).flat(),
          ],
          /17 ports of answers: the switch can hold 16/,
        ],
        [
          'a route back out where it came in',
          ['--cpu-port', interfaceOf(2), '--route', '0=1', '--route', '1=1'],
          /a route sends what comes in at port 1 back out there/,
        ],
        [
          'more names than it holds',
          [
            '--cpu-port',
            interfaceOf(2),
            ...Array.from({ length: 4100 }, (_, i) => [
              '--zone',
              `z${i}.example.org=Tuscolo2026h2`,
            ]).flat(),
          ],
          /\d{4} names: the switch can hold 4096/,
        ],
      ];
      for (const [what, args, message] of refused) {
        const ran = await ctga(['p4', 'deploy', ...at, ...state, ...args]);
        assert.equal(ran.code, 2, what);
        assert.match(ran.stderr, message, what);
        assert.match((await ctga(['p4', 'status', ...at])).stdout, /It looks for 0 names\./, what);
      }
      const cpu = ['--cpu-port', interfaceOf(2)];
      const first = await ctga(['p4', 'deploy', '--json', ...at, ...state, ...cpu]);
      assert.equal(first.code, 0, first.stderr);
      const { loaded, names } = JSON.parse(first.stdout) as { loaded: boolean; names: number };
      assert.equal(loaded, false, 'it was started with this program');
      assert(names > 20, `${names}`);
      assert.match((await ctga(['p4', 'deploy', ...at, ...state])).stdout, /was there already/);
      await ctga(['p4', 'deploy', ...at, ...state, '--zone', 'rome.ct.example.org=Tuscolo2026h2']);
      const status = JSON.parse((await ctga(['p4', 'status', '--json', ...at])).stdout) as {
        names: { name: string }[];
      };
      assert.match(
        (await ctga(['p4', 'deploy', ...at, ...state])).stdout,
        /It looks no longer for 1 name: sth\.rome\.ct\.example\.org\./,
      );
      assert.equal(status.names.length, names + 1);
      assert(status.names.some(({ name }) => name === 'sth.rome.ct.example.org'));
      assert.equal((await ctga(['p4', 'undeploy', ...at])).code, 0);
      assert.equal((await ctga(['p4', 'undeploy', ...at])).code, 0);
      assert.match((await ctga(['p4', 'status', ...at])).stdout, /It looks for 0 names\./);
    } finally {
      child.kill('SIGKILL');
      await gone;
      rmSync(directory, { recursive: true });
    }
  });
});

describe('a switch that speaks P4Runtime', { skip: noGrpcSwitch }, () => {
  test('is given the program, set up, asked, and told to copy nothing', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    const [thrift, port] = [await freePort(), await freePort()];
    for (const number of [0, 1, 2])
      writeFileSync(join(directory, `p${number}_in.pcap`), captureFile([]));
    const interfaces = [0, 1, 2].flatMap((number) => ['-i', `${number}@p${number}`]);
    const child = startGrpcSwitch(['--use-files', '600', ...interfaces], thrift, port, directory);
    const gone = new Promise((resolve) => child.once('exit', resolve));
    try {
      const place = { host: '127.0.0.1', port, device: 0 };
      (await connected(child, place)).close();
      const at = ['--p4runtime', `127.0.0.1:${port}`];
      const state = ['--state-dir', join(directory, 'state')];
      const deploy = (...args: string[]): ReturnType<typeof ctga> =>
        ctga(['p4', 'deploy', ...at, ...state, ...args]);
      const refused: readonly (readonly [readonly string[], RegExp])[] = [
        [[], /not said where copies leave\n.*number of a port/],
        [['--cpu-port', 'p2'], /does not say which port p2 is/],
        [['--cpu-port', '1'], /cannot leave at port 1: frames take it, by a route/],
        [['--interface', 'a', '--interface', 'b'], /has no P4Runtime server/],
      ];
      for (const [args, message] of refused) {
        const ran = await deploy(...args);
        assert.equal(ran.code, 2, ran.stderr);
        assert.match(ran.stderr, message);
        const asked = await ctga(['p4', 'status', ...at]);
        assert.match(asked.stderr, /does not run ctga's program/, 'nothing was touched');
      }
      assert.match((await deploy('--cpu-port', '2')).stdout, /^Loaded the program\./);
      assert.match((await deploy()).stdout, /was there already.*port 2/);
      await deploy('--zone', 'rome.ct.example.org=Tuscolo2026h2');
      const status = JSON.parse((await ctga(['p4', 'status', '--json', ...at])).stdout) as {
        names: { name: string }[];
      };
      assert(status.names.some(({ name }) => name === 'sth.rome.ct.example.org'));
      const elsewhere = await ctga(['p4', 'status', '--p4runtime', `127.0.0.1:${port}/7`]);
      assert.equal(elsewhere.code, 1);
      assert.equal((await ctga(['p4', 'undeploy', ...at])).code, 0);
      assert.equal((await ctga(['p4', 'undeploy', ...at])).code, 0);
      assert.match((await ctga(['p4', 'status', ...at])).stdout, /It looks for 0 names\./);
    } finally {
      child.kill('SIGKILL');
      await gone;
      rmSync(directory, { recursive: true });
    }
  });
});
