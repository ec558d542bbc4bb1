// SPDX-License-Identifier: Apache-2.0
/** The lab's namespaces and veth pairs: made, counted, removed, also after a crash. Needs root. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe, test } from 'node:test';
import { ADDRESS, LabNetwork, PROXY_PORT } from '../../src/lab/network.ts';
import { must, run, start, stop, untilReady, type Surroundings } from '../../src/lab/processes.ts';

const names = {
  lab: `ctga-test-${process.pid}-net`,
  interfacePrefix: `n${process.pid % 1_000_000}-`,
};
const network = new LabNetwork(names);
const directory = mkdtempSync(join(tmpdir(), 'ctga-network-test-'));

afterEach(() => network.down());
after(() => rmSync(directory, { recursive: true }));

const ROLES = ['client', 'resolver', 'router', 'log', 'challenger', 'proxy'] as const;

function namespacesLeft(): string[] {
  return ROLES.map((role) => network.namespace(role)).filter((name) =>
    existsSync(`/run/netns/${name}`),
  );
}

/** Sends one UDP datagram from inside; the exit code says whether the kernel took it. */
async function sendUdp(from: Surroundings, address: string, port: number): Promise<number> {
  const script = `const socket = require('node:dgram').createSocket('udp4');
    socket.send('x', ${port}, '${address}', (error) => { socket.close(); process.exitCode = error ? 1 : 0; });`;
  return (await run(process.execPath, ['-e', script], from)).exitCode;
}

/** Tries a TCP connection from inside and reports how it ended. */
async function connect(from: Surroundings, address: string, port: number): Promise<string> {
  const script = `const socket = require('node:net').connect(${port}, '${address}');
    socket.setTimeout(1000, () => { console.log('silence'); socket.destroy(); });
    socket.on('connect', () => { console.log('connected'); socket.destroy(); });
    socket.on('error', (error) => console.log(error.code));`;
  return (await must(process.execPath, ['-e', script], from)).trim();
}

test('up makes the two paths, down leaves nothing, and both may be repeated', async () => {
  await network.up();
  assert.equal(namespacesLeft().length, ROLES.length);
  // A closed port refuses: the packet went there and the answer came back.
  assert.equal(await connect(network.in('client'), ADDRESS.resolver, 9), 'ECONNREFUSED');
  assert.equal(await connect(network.in('resolver'), ADDRESS.authority, 9), 'ECONNREFUSED');
  assert.equal(await connect(network.in('proxy'), ADDRESS.api, 9), 'ECONNREFUSED');
  await network.up();
  assert.equal(await connect(network.in('resolver'), ADDRESS.authority, 9), 'ECONNREFUSED');
  await network.down();
  assert.deepEqual(namespacesLeft(), []);
  assert.ok(!network.exists);
  await network.down();
});

test('the router forwards and nobody else does', async () => {
  await network.up();
  for (const role of ROLES) {
    const forwards = (
      await must('cat', ['/proc/sys/net/ipv4/ip_forward'], network.in(role))
    ).trim();
    assert.equal(forwards, role === 'router' ? '1' : '0', role);
  }
});

describe('the challenger', () => {
  test('reaches the proxy alone; whatever else it sends is counted and dropped', async () => {
    await network.up();
    assert.deepEqual(await network.challengerPackets(), { toProxy: 0, toBus: 0, stray: 0 });

    assert.equal(
      await connect(network.in('challenger'), ADDRESS.proxy, PROXY_PORT),
      'ECONNREFUSED',
    );
    const counted = await network.challengerPackets();
    assert.ok(counted.toProxy > 0);
    assert.equal(counted.stray, 0);

    // The log itself, a resolver on the loopback address, and another port of the proxy.
    const strays = [
      [ADDRESS.api, 443],
      ['127.0.0.53', 53],
      [ADDRESS.proxy, 53],
    ] as const;
    for (const [address, port] of strays) {
      const before = await network.challengerPackets();
      await sendUdp(network.in('challenger'), address, port);
      const after = await network.challengerPackets();
      assert.equal(after.stray, before.stray + 1, `${address}:${port}`);
      assert.equal(after.toProxy, before.toProxy);
    }
    assert.equal(await connect(network.in('challenger'), ADDRESS.api, 443), 'silence');
  });
});

describe('after a crash', () => {
  test('the next run removes what was left, processes included', async () => {
    const script = join(directory, 'crash.ts');
    const module = (name: string): string =>
      JSON.stringify(join(import.meta.dirname, `../../src/lab/${name}.ts`));
    writeFileSync(
      script,
      `import { LabNetwork } from ${module('network')};
       import { start } from ${module('processes')};
       void (async () => {
         const network = new LabNetwork(${JSON.stringify(names)});
         await network.up();
         const service = start('sleeper', ['sleep', '600'], network.in('log'), { logPath: '${directory}/log' });
         console.log(service.pid);
         setInterval(() => {}, 1000);
       })();`,
    );
    const crashing = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const left = await new Promise<number>((resolve) =>
      crashing.stdout.once('data', (pid) => resolve(Number(pid))),
    );
    const gone = new Promise((resolve) => crashing.once('exit', resolve));
    crashing.kill('SIGKILL');
    await gone;
    assert.equal(namespacesLeft().length, ROLES.length);
    assert.ok(existsSync(`/proc/${left}`), 'the service outlived the crash');

    await network.up();
    assert.ok(!runs(left), 'and is ended by the next run');
    assert.equal(await connect(network.in('resolver'), ADDRESS.authority, 9), 'ECONNREFUSED');
  });

  test("a stranger's process in a namespace of the lab is left alone", async () => {
    await network.up();
    const stranger = spawn('nsenter', [
      `--net=/run/netns/${network.namespace('client')}`,
      'sleep',
      '600',
    ]);
    try {
      await network.down();
      assert.ok(runs(stranger.pid ?? 0));
      await network.up();
      assert.equal(await connect(network.in('client'), ADDRESS.resolver, 9), 'ECONNREFUSED');
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  test('half a network is no obstacle', async () => {
    await must('ip', ['netns', 'add', network.namespace('proxy')], { lab: names.lab });
    await network.up();
    assert.equal(await connect(network.in('proxy'), ADDRESS.api, 9), 'ECONNREFUSED');
  });
});

describe('processes', () => {
  const here = { lab: names.lab };

  test('a service that ends before it is ready says what it printed', async () => {
    const service = start('brief', ['sh', '-c', 'echo no such luck >&2; exit 7'], here, {
      logPath: join(directory, 'brief'),
    });
    await assert.rejects(
      untilReady(service, () => false),
      /brief ended with exit code 7: no such luck/,
    );
  });

  test('stop asks first, then insists', async () => {
    const logPath = join(directory, 'stubborn');
    const script = 'trap "" TERM; echo ready; while :; do sleep 0.1; done';
    const stubborn = start('stubborn', ['sh', '-c', script], here, { logPath });
    await untilReady(stubborn, () => readFileSync(logPath, 'utf8').includes('ready'));
    assert.equal(await stop(stubborn), undefined);
    assert.equal(stubborn.child.signalCode, 'SIGKILL');
  });

  test('a failing command is one sentence', async () => {
    await assert.rejects(
      must('ip', ['netns', 'exec'], { ...here, namespace: `${names.lab}-none` }),
      { name: 'CtgaError', message: /nsenter: cannot open \/run\/netns\// },
    );
  });
});

/** Zombies have ended, though /proc still lists them. */
function runs(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
