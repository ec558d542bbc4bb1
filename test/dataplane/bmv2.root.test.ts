// SPDX-License-Identifier: Apache-2.0
/**
 * Copies of a P4 switch, as they arrive at its CPU port: frames with the switch's header on a real
 * veth pair, and where there is a simple_switch, the whole of `ctga p4 deploy` and `ctga attach
 * bmv2:PORT` in a namespace.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CTGA, type Ran } from '../support/ctga.ts';
import { dnsAnswer, ethernet, fragmentIpv4, frameV4, ipv4, udp } from '../support/packets.ts';
import { noGrpcSwitch, noSimpleSwitch, startGrpcSwitch } from '../support/simple-switch.ts';
import { Child, Link, OBSERVER_ADDRESS, PEER_ADDRESS, run } from './namespaces.ts';
import { eventually } from '../support/eventually.ts';

const NAME = 'sth.log.example';
const answer = frameV4(dnsAnswer({ name: NAME }), {
  source: PEER_ADDRESS,
  destination: OBSERVER_ADDRESS,
});
answer.fill(0xff, 0, 6); // to everybody, so that the receiving host takes it
const fragments = fragmentIpv4(
  ipv4({ payload: udp({ payload: dnsAnswer({ name: NAME }) }) }),
  48,
).map((payload) => ethernet({ payload }));

/** Whether a process has ended; nobody may have waited for it yet. */
function hasEnded(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return true;
  }
}

/** A frame as it arrives at the CPU port: behind a cpu_t of p4/bmv2/types.p4. */
function copyOf(frame: Uint8Array, reason: number): Uint8Array {
  const header = Buffer.alloc(12);
  [header[1], header[2], header[3]] = [1, reason, 1];
  header.writeUInt16BE(frame.length, 4);
  return Buffer.concat([header, frame]);
}

test('copies of a switch come without their header, and whatever else comes goes on', async () => {
  const link = new Link();
  const child = new Child(link.observer);
  try {
    await child.attach({ atCpuPort: true }, link);
    await child.ask({ method: 'known', names: [NAME] });
    await child.ask({ method: 'start' });
    const copies = [copyOf(answer, 1), ...fragments.map((frame) => copyOf(frame, 2))];
    // The plain answer is no copy: it is neither read nor kept from whoever it is for.
    await link.sendFrames([answer, ...copies]);
    const packets = await child.ask({ method: 'packets', atLeast: copies.length });
    const hex = (frame: Uint8Array): string => Buffer.from(frame).toString('hex');
    assert.deepEqual(
      packets.map(({ kind, frame }) => [kind, hex(frame)]),
      [['answer', hex(answer)], ...fragments.map((frame) => ['fragment', hex(frame)])],
    );
    const { seen, counters } = await child.ask({ method: 'state' });
    assert.equal(seen?.link.atCpuPort, true);
    assert.equal(counters.packets, BigInt(copies.length));
    assert.equal(await link.arrivedDatagrams(1), 1);
    await child.ask({ method: 'detach' });
  } finally {
    await child.kill();
    link.detach();
    link.remove();
  }
});

test('an interface that was watched is told to read copies, by XDP alone', async () => {
  const link = new Link();
  const [plain, copies] = [new Child(link.observer), new Child(link.observer)];
  try {
    await plain.attach({ mode: 'native' }, link);
    // Ours for another purpose is ours: it is told to read copies from now on.
    await plain.kill();
    assert.equal((await copies.attach({ atCpuPort: true }, link)).tookOver, true);
    assert.equal((await copies.ask({ method: 'state' })).seen?.link.atCpuPort, true);
    await copies.ask({ method: 'detach' });
    await assert.rejects(copies.attach({ atCpuPort: true, mode: 'tc' }, link), /CPU port/);
  } finally {
    await plain.kill();
    await copies.kill();
    link.remove();
  }
});

describe('a switch between two interfaces', { skip: noSimpleSwitch }, () => {
  const id = `ctga-test-p4-${process.pid}`;
  const THRIFT = 20_000 + (process.pid % 10_000);
  const copies = `ctga-cpu${THRIFT}`;
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  chmodSync(directory, 0o755); // for the account that the observer becomes
  const state = ['--state-dir', directory];
  const thrift = ['--thrift', `127.0.0.1:${THRIFT}`];
  const log = ['--zone', 'log.example=Tuscolo2026h2'];
  const environment = { ...process.env, CTGA_NODE: process.execPath };

  const there = (...args: string[]): string[] => [`--net=/run/netns/${id}`, '--', ...args];
  function ctga(...args: string[]): Ran {
    const { status, stdout, stderr } = spawnSync('nsenter', there(CTGA, ...args), {
      encoding: 'utf8',
      env: environment,
    });
    return { code: status, stdout, stderr };
  }
  const deploy = (): Ran =>
    ctga(
      'p4',
      'deploy',
      '--interface',
      'sw0',
      '--interface',
      'sw1',
      '--json',
      ...thrift,
      ...state,
      ...log,
    );

  let watching: Watching | undefined;

  before(() => {
    run('ip', 'netns', 'add', id);
    for (const n of [0, 1]) {
      run('ip', '-n', id, 'link', 'add', `sw${n}`, 'type', 'veth', 'peer', 'name', `host${n}`);
      for (const name of [`sw${n}`, `host${n}`]) run('ip', '-n', id, 'link', 'set', name, 'up');
    }
    run('ip', '-n', id, 'link', 'set', 'lo', 'up');
  });
  after(async () => {
    await watching?.stop();
    spawnSync('nsenter', there(CTGA, 'p4', 'undeploy', ...thrift, ...state), { env: environment });
    run('ip', 'netns', 'delete', id);
    rmSync(directory, { recursive: true });
  });

  test('is started, attached to, missed when it goes, and used again when it is back', async () => {
    const first = deploy();
    assert.equal(first.code, 0, first.stderr);
    assert.equal((JSON.parse(first.stdout) as { cpuPort: number }).cpuPort, 2);
    assert.equal(deploy().code, 0, 'again: the same switch');

    watching = new Watching(
      // The zones are those that the switch was deployed with.
      spawn('nsenter', there(CTGA, 'attach', `bmv2:${THRIFT}`, '--json', ...state), {
        env: environment,
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    await watching.until(/"event":"attached".*"mode":"bmv2"/);
    // The switch is told what to look for by whoever watches, and copies it.
    await watching.delivers();

    assert.doesNotMatch(watching.said, /names-changed/);

    const started = (): { pid: number } =>
      JSON.parse(readFileSync(join(directory, `simple_switch-${THRIFT}.json`), 'utf8')) as {
        pid: number;
      };
    const { pid } = started();
    process.kill(pid, 'SIGKILL');
    await watching.until(/"event":"blind"/);
    const second = deploy();
    assert.equal(second.code, 0, second.stderr);
    const { pid: another } = started();
    assert.notEqual(another, pid);
    await watching.until(/"event":"seeing-again"/);
    await watching.delivers();

    assert.match(ctga('p4', 'status', ...thrift).stdout, /Of the copies, \d+ arrived/);
    assert.match(ctga('status', ...state).stdout, new RegExp(`${copies}: copies of a P4 switch`));
    assert.equal(await watching.stop(), 0, watching.said);
    const detached = ctga('detach', `bmv2:${THRIFT}`);
    assert.equal(detached.stdout, `Detached from ${copies}.\n`, detached.stderr);
    assert.equal(ctga('p4', 'undeploy', ...thrift, ...state).code, 0);
    assert(hasEnded(another), 'the switch has ended');
    assert(!run('ip', '-n', id, '-br', 'link').includes(copies), 'the veth pair is gone');
    const gone = ctga('attach', `bmv2:${THRIFT}`, ...state);
    assert.equal(gone.code, 1);
    assert.match(gone.stderr, /no switch answers/);
  });

  test(
    'a switch of P4Runtime is watched, missed, and set up again when it is back',
    { skip: noGrpcSwitch },
    async () => {
      const [cpu, ourEnd, port] = ['cpu0', 'copies0', THRIFT + 1];
      run(
        'ip',
        '-n',
        id,
        'link',
        'add',
        cpu,
        'mtu',
        '9000',
        'type',
        'veth',
        'peer',
        'name',
        ourEnd,
      );
      for (const name of [cpu, ourEnd]) run('ip', '-n', id, 'link', 'set', name, 'up');
      const at = ['--p4runtime', `127.0.0.1:${port}`];
      const plane = `p4runtime:127.0.0.1:${port}`;
      const other = ['--state-dir', join(directory, 'other')];
      const start = async (): Promise<ChildProcess> => {
        const ports = ['sw0', 'sw1', cpu].flatMap((name, number) => ['-i', `${number}@${name}`]);
        const child = startGrpcSwitch(ports, THRIFT, port, directory, ['nsenter', ...there()]);
        await eventually(
          () => ctga('p4', 'deploy', ...at, ...other, ...log, '--cpu-port', '2').code === 0,
          'the switch to take the program',
        );
        return child;
      };
      let child = await start();
      const ended = (): Promise<unknown> => once(child, 'exit');
      let observer: Watching | undefined;
      try {
        const unnamed = ctga('attach', plane, ...other);
        assert.equal(unnamed.code, 1);
        assert.match(unnamed.stderr, /--cpu-interface/);
        observer = new Watching(
          spawn(
            'nsenter',
            there(CTGA, 'attach', plane, '--cpu-interface', ourEnd, '--json', ...other),
            { env: environment, stdio: ['ignore', 'pipe', 'pipe'] },
          ),
          ourEnd,
          other,
        );
        await observer.until(/"event":"attached".*"mode":"bmv2"/);
        await observer.delivers();
        const gone = ended();
        child.kill('SIGKILL');
        await gone;
        await observer.until(/"event":"blind"/);
        child = await start();
        await observer.until(/"event":"seeing-again"/);
        await observer.delivers();
        assert.equal(await observer.stop(), 0, observer.said);
        assert.equal(ctga('detach', ourEnd).code, 0);
      } finally {
        await observer?.stop();
        const gone = ended();
        if (child.exitCode === null && child.kill('SIGKILL')) await gone;
        run('ip', '-n', id, 'link', 'delete', cpu);
      }
    },
  );

  test('errors name the cause: no such interface, one interface, no switch', () => {
    const nosuch = ctga(
      'p4',
      'deploy',
      '--interface',
      'sw0',
      '--interface',
      'nosuch0',
      ...thrift,
      ...state,
    );
    assert.equal(nosuch.code, 1);
    assert.match(nosuch.stderr, /nosuch0/);
    assert.equal(ctga('p4', 'deploy', '--interface', 'sw0', ...thrift, ...state).code, 2);
    assert.equal(ctga('attach', 'bmv2:nowhere', ...state).code, 2);
    assert(!run('ip', '-n', id, '-br', 'link').includes(copies));
  });

  class Watching {
    readonly #child: ChildProcess;
    readonly #copies: string;
    readonly #state: readonly string[];
    readonly #ended: Promise<number | null>;
    said = '';

    constructor(child: ChildProcess, copiesAt = copies, stateOf: readonly string[] = state) {
      this.#child = child;
      this.#copies = copiesAt;
      this.#state = stateOf;
      for (const stream of [child.stdout, child.stderr])
        stream?.on('data', (chunk: Buffer) => (this.said += chunk.toString()));
      this.#ended = new Promise((resolve) => child.once('close', resolve));
    }

    async until(what: RegExp): Promise<void> {
      await eventually(
        () => {
          assert.equal(this.#child.exitCode, null, this.said);
          return what.test(this.said);
        },
        () => `${what}; ctga has said:\n${this.said}`,
      );
    }

    /** Sends the answer at one side until the program at the CPU port has counted it. */
    async delivers(): Promise<void> {
      const hex = Buffer.from(answer).toString('hex');
      const program = `import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('host0', 0)); s.send(bytes.fromhex('${hex}'))`;
      const before = this.#answers();
      await eventually(() => {
        spawnSync('nsenter', there('python3', '-c', program));
        return this.#answers() > before;
      }, 'the answer to be counted');
    }

    #answers(): number {
      const { dataPlanes } = JSON.parse(ctga('status', '--json', ...this.#state).stdout) as {
        dataPlanes: { interface: string; counters: { answers: number } }[];
      };
      return dataPlanes.find((plane) => plane.interface === this.#copies)?.counters.answers ?? 0;
    }

    stop(): Promise<number | null> {
      this.#child.kill('SIGTERM');
      return this.#ended;
    }
  }
});
