// SPDX-License-Identifier: Apache-2.0
/**
 * A switch that `ctga p4 deploy --interface` starts: who can give it orders, and what is left of it
 * however it ends. What needs no real simple_switch is tried with programs in its place.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PROGRAM } from '../../src/p4/compile.ts';
import { Link, OBSERVER_ADDRESS, run } from '../dataplane/namespaces.ts';
import { CTGA, type Ran } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { noSimpleSwitch } from '../support/simple-switch.ts';

/** The observer's end is where the switch runs; its neighbour is the sender's. */
const link = new Link();
const IPV6 = 'fd00:99::1';
const PORT = 20_000 + (process.pid % 10_000);
const PAIR = `ctga-sw${PORT}`;
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
const thrift = ['--thrift', `127.0.0.1:${PORT}`];
const state = ['--state-dir', join(directory, 'state')];
const record = join(directory, `state/simple_switch-${PORT}.json`);
const deployment = [
  'p4',
  'deploy',
  '--interface',
  'sw0',
  '--interface',
  'sw1',
  ...thrift,
  ...state,
];

const there = (...args: readonly string[]): string[] => [
  `--net=/run/netns/${link.observer}`,
  '--',
  ...args,
];
const environment = (path = ''): NodeJS.ProcessEnv => ({
  ...process.env,
  CTGA_NODE: process.execPath,
  PATH: `${path}:${process.env['PATH'] ?? ''}`,
});

/** `path` is a directory of programs that come before all others. */
function ctga(args: readonly string[], path?: string): Ran {
  const { status, stdout, stderr } = spawnSync('nsenter', there(CTGA, ...args), {
    encoding: 'utf8',
    env: environment(path),
  });
  return { code: status, stdout, stderr };
}
const undeploy = (): Ran => ctga(['p4', 'undeploy', ...thrift, ...state]);
const has = (name: string): boolean => run('ip', '-n', link.observer, '-br', 'link').includes(name);
const pidOf = (): number => (JSON.parse(readFileSync(record, 'utf8')) as { pid: number }).pid;
/** What listens at the port, as iproute2 sees it. */
const listeners = (): string[] =>
  run('nsenter', ...there('ss', '-Hltn', `sport = :${PORT}`))
    .split('\n')
    .flatMap((line) => line.trim().split(/\s+/)[3] ?? []);

/** Why a neighbour does not get a connection; undefined if it gets one. */
function neighbourRefused(address: string): string | undefined {
  const program = `import socket, sys\ntry: socket.create_connection((sys.argv[1], ${PORT}), 10)\nexcept OSError as error: print(error)`;
  const args = [`--net=/run/netns/${link.sender}`, 'python3', '-c', program, address];
  return run('nsenter', ...args).trim() || undefined;
}

/** A program of this text in the place of simple_switch: the directory where it is. */
function inItsPlace(name: string, text: string): string {
  const path = join(directory, name);
  mkdirSync(path);
  writeFileSync(join(path, 'simple_switch'), text);
  chmodSync(join(path, 'simple_switch'), 0o755);
  return path;
}

/** Python that listens at every address at the port that simple_switch is told. */
const LISTENS = `import socket; s = socket.create_server(('', ${PORT})); print('bound', flush=True)\nwhile True: s.accept()[0].close()`;

before(() => {
  for (const n of [0, 1]) {
    run(
      'ip',
      '-n',
      link.observer,
      'link',
      'add',
      `sw${n}`,
      'type',
      'veth',
      'peer',
      'name',
      `host${n}`,
    );
    for (const name of [`sw${n}`, `host${n}`])
      run('ip', '-n', link.observer, 'link', 'set', name, 'up');
  }
  run('ip', '-n', link.observer, 'link', 'set', 'lo', 'up');
  for (const [namespace, name, address] of [
    [link.observer, link.interfaceName, IPV6],
    [link.sender, link.peerName, 'fd00:99::2'],
  ] as const)
    run('ip', '-n', namespace, 'address', 'add', `${address}/64`, 'dev', name, 'nodad');
});
after(() => {
  undeploy();
  link.remove();
  rmSync(directory, { recursive: true });
});

test('what does not take the library is ended before anybody gives it orders, and nothing is left', () => {
  const path = inItsPlace(
    'escapes',
    `#!/bin/sh
[ "$1" != --version ] || exit 0
echo $$ >${join(directory, 'escaped')}
unset LD_PRELOAD
exec python3 -c "${LISTENS}"
`,
  );
  const ran = ctga(deployment, path);
  assert.equal(ran.code, 1, ran.stdout);
  assert.match(ran.stderr, /simple_switch was ended: other machines could give it orders/);
  assert.match(ran.stderr, /linked statically.*\n?.*--cpu-port/);
  const pid = readFileSync(join(directory, 'escaped'), 'utf8').trim();
  assert(!existsSync(`/proc/${pid}`) || /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
  assert.deepEqual(listeners(), []);
  assert(!has(PAIR));
  assert(!existsSync(record));
});

test('another program at the port is named as what is wrong, and left alone', async () => {
  const other = spawn('nsenter', there('python3', '-c', LISTENS), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(other, 'exit');
  try {
    await once(other.stdout, 'data');
    const path = inItsPlace('never', '#!/bin/sh\n[ "$1" = --version ]\n');
    const ran = ctga(deployment, path);
    assert.equal(ran.code, 1, ran.stdout);
    assert.match(ran.stderr, new RegExp(`listens at port ${PORT} already does not answer`));
    assert.equal(other.exitCode, null);
    assert(!has(PAIR));
  } finally {
    other.kill('SIGKILL');
    await gone;
  }
});

for (const [name, message] of [
  ['lo', /loopback interface is down.*\n +.*ip link set lo up/],
  ['sw1', /sw1 is down.*\n +.*ip link set sw1 up/],
] as const)
  test(`where ${name} is down, that is what is said`, () => {
    run('ip', '-n', link.observer, 'link', 'set', name, 'down');
    try {
      const path = inItsPlace(`without-${name}`, '#!/bin/sh\n[ "$1" = --version ]\n');
      const ran = ctga(deployment, path);
      assert.equal(ran.code, 1, ran.stdout);
      assert.match(ran.stderr, message);
      assert(!has(PAIR));
    } finally {
      run('ip', '-n', link.observer, 'link', 'set', name, 'up');
    }
  });

describe('a real one', { skip: noSimpleSwitch }, () => {
  test('takes orders from this machine alone; nothing is left of one that was killed', () => {
    const first = ctga(deployment);
    assert.equal(first.code, 0, first.stderr);
    assert.deepEqual(listeners(), [`127.0.0.1:${PORT}`]);
    for (const address of [OBSERVER_ADDRESS, IPV6])
      assert.match(neighbourRefused(address) ?? 'it is connected', /refused/, address);
    process.kill(pidOf(), 'SIGKILL');
    const ended = undeploy();
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, /had ended by itself/);
    assert(!has(PAIR));
    assert(!existsSync(record));
    // There is nothing to undo any more, which is no success.
    assert.equal(undeploy().code, 1);
  });

  test('is ended again where it cannot be set up as it is asked for', () => {
    const ran = ctga([...deployment, '--route', '0=7']);
    assert.equal(ran.code, 2, ran.stdout);
    assert.match(ran.stderr, /port 7, which the switch does not have/);
    assert.deepEqual(listeners(), []);
    assert(!has(PAIR));
  });

  test('is started once by two deployments at once', async () => {
    const both = await Promise.all(
      [0, 1].map(async () => {
        const child = spawn('nsenter', there(CTGA, ...deployment), {
          env: environment(),
          stdio: ['ignore', 'inherit', 'pipe'],
        });
        let said = '';
        child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
        const [code] = (await once(child, 'close')) as [number | null];
        return { code, said };
      }),
    );
    for (const { code, said } of both)
      assert(code === 0 || /another ctga is setting this switch up/.test(said), said);
    assert(both.some(({ code }) => code === 0));
    assert.deepEqual(listeners(), [`127.0.0.1:${PORT}`]);
    assert.match(ctga(['p4', 'status', ...thrift]).stdout, /It looks for [1-9]\d* names/);
    assert.equal(
      undeploy().stdout.trim(),
      'The switch has ended, and with it the way between its interfaces.',
    );
  });

  test('that an earlier version left open to all is not taken for one that is not', async () => {
    run(
      'ip',
      '-n',
      link.observer,
      'link',
      'add',
      PAIR,
      'type',
      'veth',
      'peer',
      'name',
      `ctga-cpu${PORT}`,
    );
    for (const name of [PAIR, `ctga-cpu${PORT}`])
      run('ip', '-n', link.observer, 'link', 'set', name, 'up');
    const ports = ['sw0', 'sw1', PAIR].flatMap((name, port) => ['-i', `${port}@${name}`]);
    const old: ChildProcess = spawn(
      'nsenter',
      there('simple_switch', '--thrift-port', `${PORT}`, '--log-level', 'off', ...ports, PROGRAM),
      { stdio: 'ignore' },
    );
    const gone = once(old, 'exit');
    try {
      await eventually(() => ctga(['p4', 'status', ...thrift]).code === 0, 'the switch to answer');
      assert.equal(neighbourRefused(OBSERVER_ADDRESS), undefined);
      const ran = ctga(deployment);
      assert.equal(ran.code, 1, ran.stdout);
      assert.match(ran.stderr, /takes orders from other machines too/);
    } finally {
      old.kill('SIGKILL');
      await gone;
    }
  });
});
