// SPDX-License-Identifier: Apache-2.0
/**
 * Where copies of a switch leave: never where frames do, whatever a real simple_switch did before
 * and in whichever state it is in between. And which zones it was deployed with.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CtgaError } from '../../src/base/errors.ts';
import { BMV2_API } from '../../src/p4/bmv2-api.ts';
import { PROGRAM } from '../../src/p4/compile.ts';
import { choosePorts, deploy, withSwitch, type SwitchSetUp } from '../../src/p4/deploy.ts';
import { keepZones, keptZones } from '../../src/p4/switch-zones.ts';
import { ThriftConnection } from '../../src/p4/thrift-call.ts';
import { captureFile } from '../../src/traffic/traffic.ts';
import { freePort } from '../support/ports.ts';
import { connected, noSimpleSwitch } from '../support/simple-switch.ts';

const host = '127.0.0.1';
/** ctga's mirroring session. */
const SESSION = 250;

/** A switch with three ports and this program, which takes another one. */
async function withRunning(
  program: string,
  work: (port: number, interfaceOf: (number: number) => string) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const interfaceOf = (number: number): string => join(directory, `p${number}`);
  for (const number of [0, 1, 2]) writeFileSync(`${interfaceOf(number)}_in.pcap`, captureFile([]));
  const file = join(directory, 'program.json');
  writeFileSync(file, program);
  const port = await freePort();
  const ports = [0, 1, 2].flatMap((number) => ['-i', `${number}@${interfaceOf(number)}`]);
  const swap = ['--', '--enable-swap'];
  const child = spawn(
    'simple_switch',
    ['--use-files', '600', '--thrift-port', `${port}`, ...ports, file, ...swap],
    { cwd: directory, stdio: 'ignore' },
  );
  const gone = once(child, 'exit');
  try {
    (await connected(child, { host, port })).close();
    await work(port, interfaceOf);
  } finally {
    child.kill('SIGKILL');
    await gone;
    rmSync(directory, { recursive: true });
  }
}

const setUp: SwitchSetUp = {
  cpuInterface: undefined,
  everyNth: 1,
  threshold: 400,
  answerPorts: [53],
  names: [],
  routes: new Map([[0, 2]]),
};

async function mirror(port: number, config: { port?: number; mgid?: number }): Promise<void> {
  const connection = await ThriftConnection.connect(host, port);
  const method = BMV2_API.mirroring_session_add;
  await connection.call('mirroring_session_add', method, { mirror_id: SESSION, config });
  connection.close();
}

describe('ports that are', () => {
  const three = new Map([
    [0, 'a'],
    [1, 'b'],
    [2, 'c'],
  ]);
  const wire = new Map([
    [0, 1],
    [1, 0],
  ]);
  const ask = (
    interfaces: ReadonlyMap<number, string> | undefined,
    named: string | undefined,
    present: number | undefined,
    { routes = wire, names = 0, answerPorts = 1 } = {},
  ): number =>
    choosePorts(
      {
        cpuInterface: named,
        routes,
        answerPorts: Array<number>(answerPorts).fill(53),
        names: Array<Uint8Array>(names).fill(new Uint8Array(1)),
      },
      interfaces,
      present,
    );

  type Asked = Parameters<typeof ask>;
  const taken: [string, number, ...Asked][] = [
    ['named', 2, three, 'c', undefined],
    ['named in the place of the present one', 2, three, 'c', 1],
    ['present', 2, three, undefined, 2],
    ['named by a number', 510, undefined, '510', undefined],
    ['present, of a switch that says no names', 2, undefined, undefined, 2],
  ];
  for (const [what, port, ...asked] of taken)
    test(`${what}, are taken`, () => assert.equal(ask(...asked), port));

  const refused: [string, RegExp, ...Asked][] = [
    ['not said', /not said where copies leave/, three, undefined, undefined],
    ['not there', /no interface named d/, three, 'd', 2],
    ['gone', /leave at port 7, which the switch does not have/, three, undefined, 7],
    ['routed', /frames take it, by a route/, three, 'b', undefined],
    ['routed now', /frames take it, by a route/, three, undefined, 1],
    ['no number', /does not say which port c is/, undefined, 'c', undefined],
    ['no number of 9 bits', /which port 511 is/, undefined, '511', undefined],
    ['routed, by a number', /frames take it, by a route/, undefined, '1', undefined],
    ['not said, of no names', /not said where copies leave/, undefined, undefined, undefined],
    ['routed, and not there', /port 5, which/, three, 'c', 2, { routes: new Map([[0, 5]]) }],
    [
      'their own ways back',
      /port 0 back out there/,
      undefined,
      '2',
      2,
      { routes: new Map([[0, 0]]) },
    ],
    [
      'for too many names',
      /4097 names: the switch can hold 4096/,
      undefined,
      '2',
      2,
      { names: 4097 },
    ],
    ['for too many answers', /17 ports of answers/, three, 'c', 2, { answerPorts: 17 }],
  ];
  for (const [what, message, ...asked] of refused)
    test(`${what}, are refused`, () =>
      assert.throws(
        () => ask(...asked),
        (error) => error instanceof CtgaError && message.test(error.message),
      ));

  test('full to the last place, are taken', () =>
    assert.equal(ask(three, 'c', undefined, { names: 4096, answerPorts: 16 }), 2));
});

test('the zones of a switch are found by whatever name this machine has', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  try {
    const zones = { zones: ['a.example=Log'], zoneSuffix: 'example' };
    keepZones(directory, { host: 'localhost', port: 9090 }, zones);
    for (const name of ['127.0.0.1', 'localhost', '::1'])
      assert.deepEqual(keptZones(directory, { host: name, port: 9090 }), zones);
    for (const other of [
      { host: 'h', port: 9090 },
      { host, port: 9091 },
      { host, port: 9090, device: 0 },
    ])
      assert.equal(keptZones(directory, other), undefined);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

describe('a switch', { skip: noSimpleSwitch }, () => {
  const own = readFileSync(PROGRAM, 'utf8');

  test('that runs another program: where that one copies to is not taken over', () =>
    withRunning(own.replaceAll('CtgaIngress.verdicts', 'Another.counter'), async (port, of) => {
      await mirror(port, { port: 1 });
      await assert.rejects(deploy({ host, port }, setUp), /not said where copies leave/);
      const named = { ...setUp, cpuInterface: of(1) };
      assert.deepEqual(await deploy({ host, port }, named), {
        loaded: true,
        cpuPort: 1,
        routes: setUp.routes,
        names: { added: [], removed: [] },
      });
      // Now it is the one that was named.
      assert.equal((await deploy({ host, port }, setUp)).cpuPort, 1);
    }));

  test('keeps the routes that it has, unless it is given others, and begins as a wire', () =>
    withRunning(own, async (port, of) => {
      const place = { host, port };
      const given = { ...setUp, cpuInterface: of(2), routes: undefined };
      const wire = new Map([
        [0, 1],
        [1, 0],
      ]);
      assert.deepEqual((await deploy(place, given)).routes, wire);
      const oneWay = new Map([[1, 0]]);
      await deploy(place, { ...given, routes: oneWay });
      assert.deepEqual((await deploy(place, given)).routes, oneWay);
      assert.deepEqual(await withSwitch(place, (plane) => plane.routes()), oneWay);
      // They are held against where copies are to leave as well.
      await assert.rejects(deploy(place, { ...given, cpuInterface: of(1) }), /frames take it/);
    }));

  test('that copies to a group of ports too: that ends', () =>
    withRunning(own, async (port, of) => {
      await mirror(port, { port: 1, mgid: 7 });
      await assert.rejects(deploy({ host, port }, setUp), /not said where copies leave/);
      await deploy({ host, port }, { ...setUp, cpuInterface: of(1) });
      const connection = await ThriftConnection.connect(host, port);
      const method = BMV2_API.mirroring_session_get;
      const session = await connection.call('mirroring_session_get', method, {
        mirror_id: SESSION,
      });
      connection.close();
      assert.equal(session.mgid, undefined);
      assert.equal(session.port, 1);
    }));

  test('whose ports change their roles copies nothing until the last frame has left them', () =>
    withRunning(own, async (port, of) => {
      const calls: string[] = [];
      const proxy = createServer((client) => {
        const server = connect(port, host);
        client.on('data', (bytes) =>
          calls.push(...(bytes.toString('latin1').match(/(?<=:)[a-z_0-9]+/g) ?? [])),
        );
        client.pipe(server).pipe(client);
        for (const end of [client, server]) end.on('error', () => undefined);
      });
      proxy.listen(0, host);
      await once(proxy, 'listening');
      const through = { host, port: (proxy.address() as AddressInfo).port };
      try {
        const before = { ...setUp, cpuInterface: of(2), routes: new Map([[0, 1]]) };
        await deploy(through, before);
        calls.length = 0;
        await deploy(through, { ...setUp, cpuInterface: of(1), routes: new Map([[0, 2]]) });
        const [stopped, route, copies] = [
          calls.indexOf('mirroring_session_delete'),
          calls.indexOf('bm_mt_modify_entry'),
          calls.indexOf('mirroring_session_add'),
        ];
        assert(0 <= stopped && stopped < route && route < copies, calls.join(' '));
        // The same again touches neither.
        calls.length = 0;
        await deploy(through, { ...setUp, cpuInterface: of(1), routes: new Map([[0, 2]]) });
        assert.doesNotMatch(calls.join(' '), /session_(add|delete)|_entry/);
      } finally {
        proxy.close();
      }
      assert.equal(await withSwitch({ host, port }, (plane) => plane.cpuPort()), 1);
    }));
});
