// SPDX-License-Identifier: Apache-2.0
/** `ctga attach`, `status` and `detach` as root, on a veth pair in namespaces of the test's own. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  chmodSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, afterEach, before, describe, test } from 'node:test';
import { pinsIn } from '../dataplane/namespaces.ts';
import { checkpointAnswer } from '../support/checkpoint-answer.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { CTGA, type Ran } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { ethernet, fragmentIpv4, frameV4, frameV6, ipv4, udp } from '../support/packets.ts';
import { treeOf } from '../support/signing-log.ts';

const id = `ctga-test-${process.pid}`;
const [near, far] = [`ctn${process.pid}`.slice(0, 15), `ctf${process.pid}`.slice(0, 15)];
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
chmodSync(directory, 0o755);
/** An account without rights. */
const NOBODY = 65534;
/** Where it is pinned; undefined where it is not. */
const pins = (): string | undefined => pinsIn(id)[0];

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  assert.equal(status, 0, `ip ${args.join(' ')}: ${stderr}`);
}

const inNamespace = (args: readonly string[]): string[] => [
  `--net=/run/netns/${id}`,
  '--',
  CTGA,
  ...args,
];
const environment = { ...process.env, CTGA_NODE: process.execPath };

function ctgaThere(...args: string[]): Ran {
  const { status, stdout, stderr } = spawnSync('nsenter', inNamespace(args), {
    encoding: 'utf8',
    env: environment,
  });
  return { code: status, stdout, stderr };
}

/** A running `ctga attach`, and what it printed so far. */
class Watching {
  readonly child: ChildProcess;
  said = '';
  readonly ended: Promise<number | null>;

  constructor(...args: string[]) {
    this.child = spawn(
      'nsenter',
      inNamespace(['attach', near, '--state-dir', join(directory, 'state'), ...args]),
      { env: environment, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.said += chunk.toString()));
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
    running.add(this);
  }

  async until(what: RegExp): Promise<void> {
    await eventually(
      () => {
        assert.equal(this.child.exitCode, null, this.said);
        return what.test(this.said);
      },
      () => `${what}; ctga has said:\n${this.said}`,
    );
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal);
    running.delete(this);
    return this.ended;
  }
}

/** Sends each line of its input, in hexadecimal, as a frame from the interface. */
const SEND_FRAMES = `
import socket, sys
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind((sys.argv[1], 0))
for line in sys.stdin:
    out.send(bytes.fromhex(line))
`;

const running = new Set<Watching>();

before(() => {
  ip('netns', 'add', id);
  ip('link', 'add', near, 'netns', id, 'type', 'veth', 'peer', 'name', far, 'netns', id);
  ip('-n', id, 'link', 'set', near, 'up');
  ip('-n', id, 'link', 'set', far, 'up');
});
afterEach(async () => {
  for (const watching of running) await watching.stop('SIGKILL');
  if (pins() !== undefined) ctgaThere('detach', near);
});
after(() => {
  ip('netns', 'del', id);
  rmSync(directory, { recursive: true });
});

describe('ctga attach', () => {
  test('without any configuration starts, and says what it watches and what to do next', async () => {
    const watching = new Watching();
    await watching.until(/Ctrl-C/);
    assert.match(
      watching.said,
      new RegExp(`Watching ${near} \\(TC ingress\\): \\d+ DNS names of \\d+ logs\\.`),
    );
    assert.match(watching.said, /Why there: it costs less than XDP on veth, which is software\./);
    assert.match(watching.said, /ctga status/);
    const status = ctgaThere('status', '--json', '--state-dir', join(directory, 'state'));
    const { dataPlanes } = JSON.parse(status.stdout) as {
      dataPlanes: {
        interface: string;
        attached: boolean;
        mode: string;
        why: string;
        knownNames: number;
      }[];
    };
    const plane = dataPlanes.find((each) => each.interface === near);
    assert.equal(plane?.attached, true);
    assert.equal(plane.mode, 'tcx');
    assert.match(plane.why, /^it costs less than XDP on veth/);
    assert(plane.knownNames > 30);
    assert.equal(await watching.stop('SIGINT'), 0, watching.said);
    assert.match(watching.said, /Stopped\.\n {2}The data plane goes on copying/);
    assert.notEqual(pins(), undefined);
  });

  test('again takes over; detach leaves nothing', async () => {
    const first = new Watching();
    await first.until(/Ctrl-C/);
    await first.stop();
    const second = new Watching();
    await second.until(/taken over as it was/);
    assert.equal(await second.stop(), 0);
    const detached = ctgaThere('detach', near);
    assert.equal(detached.code, 0, detached.stderr);
    assert.equal(pins(), undefined);
    const again = ctgaThere('detach', near);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /ctga is not attached to/);
  });

  test('twice at once is refused: two readers would share the copies', async () => {
    const first = new Watching();
    await first.until(/Ctrl-C/);
    const second = ctgaThere('attach', near, '--state-dir', join(directory, 'state'));
    assert.equal(second.code, 1);
    assert.match(second.stderr, /another process already observes/);
    assert.notEqual(pins(), undefined);
  });

  test('to no such interface: exit code 1, one sentence, and those named before it are let go again', () => {
    const ran = ctgaThere('attach', near, 'nosuch0', '--state-dir', join(directory, 'state'));
    assert.equal(ran.code, 1);
    assert.match(ran.stderr, /there is no network interface named nosuch0\n {2}/);
    assert.doesNotMatch(ran.stderr, /\n\s+at /);
    assert.equal(pins(), undefined);
  });

  test('with a log list that is wrong: exit code 2, and nothing stays attached', () => {
    const list = join(directory, 'wrong.json');
    writeFileSync(list, '{"operators": [{"name": "X", "logs": [{"key": "!"}]}]}');
    const ran = ctgaThere(
      'attach',
      near,
      '--log-list',
      list,
      '--state-dir',
      join(directory, 'state'),
    );
    assert.equal(ran.code, 2);
    assert.match(ran.stderr, /wrong\.json: operators\[0\]\.logs\[0\]\.key: is not padded base64/);
    assert.equal(pins(), undefined);
  });

  test('over a damaged database sets it aside and goes on', async () => {
    const state = join(directory, 'damaged');
    const first = new Watching('--state-dir', state);
    await first.until(/Ctrl-C/);
    await first.stop();
    writeFileSync(join(state, 'ctga.db'), 'no database '.repeat(1000));
    const second = new Watching('--state-dir', state);
    await second.until(/Ctrl-C/);
    assert.match(second.said, /is damaged: .*; it is kept as .*, and a new one is started/);
    assert.equal(
      // With the journal that was beside it.
      readdirSync(state).filter((name) => /^ctga\.db\.damaged-.*(?<!-wal|-shm)$/.test(name)).length,
      1,
    );
    assert.equal(await second.stop(), 0);
  });

  test('an interface that went away and came back is watched again, and the time in between is told', async () => {
    const watching = new Watching();
    await watching.until(/Ctrl-C/);
    ip('-n', id, 'link', 'delete', near);
    await watching.until(new RegExp(`${near} is blind since`));
    ip('link', 'add', near, 'netns', id, 'type', 'veth', 'peer', 'name', far, 'netns', id);
    ip('-n', id, 'link', 'set', near, 'up');
    ip('-n', id, 'link', 'set', far, 'up');
    await watching.until(
      new RegExp(`${near} is watched again \\(TC ingress\\), after \\d+\\.\\d s`),
    );
    const { dataPlanes, counts } = JSON.parse(
      ctgaThere('status', '--json', '--state-dir', join(directory, 'state')).stdout,
    ) as { dataPlanes: { interface: string; attached: boolean }[]; counts: Record<string, number> };
    assert.equal(dataPlanes.find((each) => each.interface === near)?.attached, true);
    assert((counts['blind, in milliseconds'] ?? 0) > 0);
    assert.equal(await watching.stop(), 0, watching.said);
  });

  test('what cannot be attached again is said, and tried again until it can', async () => {
    const watching = new Watching('--mode', 'native');
    await watching.until(/Ctrl-C/);
    ip('-n', id, 'link', 'delete', near);
    // A bridge runs no XDP program in native mode.
    ip('-n', id, 'link', 'add', near, 'type', 'bridge');
    await watching.until(new RegExp(`${near} is still blind: .*native mode`));
    ip('-n', id, 'link', 'delete', near);
    ip('link', 'add', near, 'netns', id, 'type', 'veth', 'peer', 'name', far, 'netns', id);
    ip('-n', id, 'link', 'set', near, 'up');
    ip('-n', id, 'link', 'set', far, 'up');
    await watching.until(new RegExp(`${near} is watched again \\(XDP, native mode\\)`));
    assert.equal(await watching.stop(), 0, watching.said);
  });

  test('`ctga detach` of a blind interface is minded too', async () => {
    const watching = new Watching('--mode', 'native');
    await watching.until(/Ctrl-C/);
    ip('-n', id, 'link', 'delete', near);
    ip('-n', id, 'link', 'add', near, 'type', 'bridge');
    await watching.until(new RegExp(`${near} is still blind`));
    assert.equal(ctgaThere('detach', near).code, 0);
    assert.equal(await watching.ended, 0, watching.said);
    running.delete(watching);
    assert.equal(pins(), undefined);
    ip('-n', id, 'link', 'delete', near);
    ip('link', 'add', near, 'netns', id, 'type', 'veth', 'peer', 'name', far, 'netns', id);
    ip('-n', id, 'link', 'set', near, 'up');
    ip('-n', id, 'link', 'set', far, 'up');
  });

  test('a link detached by force is noticed and made anew; so is a changed MTU', async () => {
    const watching = new Watching();
    await watching.until(/Ctrl-C/);
    ip('-n', id, 'link', 'set', near, 'mtu', '1400');
    await watching.until(/the MTU is 1400 now, and was 1500/);
    const args = ['link', 'detach', 'pinned', join(pins() ?? assert.fail(), 'link')];
    const { status, stderr } = spawnSync('bpftool', args, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    await watching.until(new RegExp(`${near} is watched again`));
    assert.equal(await watching.stop(), 0, watching.said);
    ip('-n', id, 'link', 'set', near, 'mtu', '1500');
  });

  test('a program that gets before it is told of and overtaken; the next one is only told of', async () => {
    const watching = new Watching();
    await watching.until(/Ctrl-C/);
    const script = join(import.meta.dirname, '../dataplane/tcx.py');
    const putBefore = async (): Promise<ChildProcess> => {
      const accept = ['python3', script, near, '0', 'before'];
      const other = spawn('nsenter', [`--net=/run/netns/${id}`, ...accept], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      others.push(other);
      await once(other.stdout, 'data');
      return other;
    };
    const others: ChildProcess[] = [];
    const status = (): string =>
      ctgaThere('status', '--state-dir', join(directory, 'state')).stdout;
    const hidden = /IT SEES ONLY WHAT THESE LET PASS: the tcx program "somebody" \(id \d+\)$/m;
    try {
      await putBefore();
      await watching.until(/the tcx program "somebody" \(id \d+\) came first .* first again/);
      assert.doesNotMatch(status(), hidden);
      await putBefore();
      assert.match(status(), hidden);
    } finally {
      for (const other of others) other.kill();
    }
    assert.equal(await watching.stop(), 0, watching.said);
  });

  test('an interface that is renamed is followed, and attached again under its present name', async () => {
    const watching = new Watching();
    await watching.until(/Ctrl-C/);
    const renamed = `${near}x`.slice(-15);
    ip('-n', id, 'link', 'set', near, 'down');
    ip('-n', id, 'link', 'set', near, 'name', renamed);
    await watching.until(new RegExp(`${near} is named ${renamed} now, and watched as before`));
    const args = ['link', 'detach', 'pinned', join(pins() ?? assert.fail(), 'link')];
    assert.equal(spawnSync('bpftool', args).status, 0);
    await watching.until(new RegExp(`${near} is watched again`));
    const { dataPlanes } = JSON.parse(
      ctgaThere('status', '--json', '--state-dir', join(directory, 'state')).stdout,
    ) as { dataPlanes: { interface: string; attached: boolean }[] };
    assert.deepEqual(
      dataPlanes.map(({ interface: name, attached }) => [name, attached]),
      [[renamed, true]],
    );
    assert.equal(await watching.stop(), 0, watching.said);
    assert.match(watching.said, new RegExp(`"ctga attach --state-dir \\S+ ${renamed}" takes over`));
    assert.equal(ctgaThere('detach', renamed).code, 0);
    ip('-n', id, 'link', 'set', renamed, 'name', near);
    ip('-n', id, 'link', 'set', near, 'up');
  });

  test('`ctga detach` meanwhile is minded: nothing is attached again, and there is nothing left to do', async () => {
    const watching = new Watching();
    await watching.until(/Ctrl-C/);
    assert.equal(ctgaThere('detach', near).code, 0);
    assert.equal(await watching.ended, 0);
    running.delete(watching);
    assert.match(watching.said, new RegExp(`${near} was detached: it is left alone from now on`));
    assert.equal(pins(), undefined);
  });

  test('`ctga detach` right before it is stopped is minded as well', async () => {
    const watching = new Watching();
    await watching.until(/Ctrl-C/);
    // The keeper looks four times a second: held up meanwhile, it has not seen it yet.
    const keeper = keeperOf(watching.child.pid ?? assert.fail());
    process.kill(keeper, 'SIGSTOP');
    try {
      assert.equal(ctgaThere('detach', near).code, 0);
      watching.child.kill('SIGTERM');
      await sleep(500);
    } finally {
      process.kill(keeper, 'SIGCONT');
    }
    assert.equal(await watching.ended, 0, watching.said);
    running.delete(watching);
    assert(watching.said.endsWith('\nStopped.\n'), watching.said);
  });

  for (const mode of ['tc', 'generic'])
    test(`sees checkpoints of a log that is no CT log, whole and in fragments, with --mode ${mode}`, async () => {
      const [log, stranger] = [new CheckpointLog(), new CheckpointLog()];
      const tree = treeOf(9);
      const keys = join(directory, `keys-${mode}`);
      writeFileSync(keys, `${log.vkey}\n`);
      const state = join(directory, `checkpoints-${mode}`);
      const watching = new Watching(
        ...['--mode', mode, '--state-dir', state, '--log-list', keys],
        ...['--zone', `beta.example=${log.origin}`],
      );
      await watching.until(/Ctrl-C/);
      const answer = (size: number, of = log, witnesses = 0): Buffer =>
        checkpointAnswer('beta.example', of.verified(size, tree.root(size)), of.key, witnesses);
      const large = ipv4({ payload: udp({ payload: answer(3, log, 6) }) });
      const frames = [
        frameV4(answer(5, stranger)),
        frameV4(answer(1)),
        frameV6(answer(2, log, 2)),
        ...fragmentIpv4(large, 376).map((payload) => ethernet({ payload })),
      ];
      const sent = spawnSync(
        'nsenter',
        [`--net=/run/netns/${id}`, '--', 'python3', '-c', SEND_FRAMES, far],
        { input: frames.map((frame) => `${Buffer.from(frame).toString('hex')}\n`).join('') },
      );
      assert.equal(sent.status, 0, sent.stderr.toString());
      await eventually(
        () => {
          const { stdout } = ctgaThere('heads', 'list', '--json', '--state-dir', state);
          const sizes = (JSON.parse(stdout) as { treeSize: number }[]).map(
            ({ treeSize }) => treeSize,
          );
          return sizes.sort().join() === '1,2,3';
        },
        () => `three checkpoints; ctga has said:\n${watching.said}`,
      );
      assert.equal(await watching.stop(), 0, watching.said);
    });

  test('at TC ingress, from another port, without a cache: as told, and status shows it', async () => {
    const watching = new Watching(
      '--mode',
      'tc',
      '--port',
      '53',
      '--port',
      '5353',
      '--seen',
      '0',
      '--budget',
      '70',
    );
    await watching.until(/Ctrl-C/);
    assert.match(watching.said, new RegExp(`Watching ${near} \\(TC ingress\\)`));
    const { stdout } = ctgaThere('status', '--state-dir', join(directory, 'state'));
    assert.match(stdout, new RegExp(`${near}: TC ingress, \\d+ names, UDP from port 53, 5353`));
    for (const row of [
      /^MATCHES +ANSWERS +FRAGMENTS$/m,
      /^all +0 +0$/m,
      /^of the latest, copied +100 % +100 %$/m,
      /^most copies a second and CPU +70 +70$/m,
    ])
      assert.match(stdout, row);
    assert.equal(await watching.stop(), 0, watching.said);
  });

  test('without root but with CAP_BPF and CAP_NET_ADMIN, where root made a place for the pins', () => {
    const [root, file] = ['/sys/fs/bpf/ctga', '/sys/fs/bpf'];
    mkdirSync(root, { recursive: true });
    const [owner, mode] = [statSync(root), statSync(file).mode & 0o7777];
    const state = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    chownSync(state, NOBODY, NOBODY);
    // What root watches besides is closed to the account, and in nobody's way.
    const others = ['--state-dir', join(directory, 'others')];
    const briefly = ['timeout', '--signal=INT', '4', CTGA, 'attach', far, ...others];
    spawnSync('nsenter', [`--net=/run/netns/${id}`, '--', ...briefly], { env: environment });
    assert.match(ctgaThere('status', ...others).stdout, new RegExp(`^${far}: `, 'm'));
    chownSync(root, NOBODY, NOBODY);
    chmodSync(file, 0o711);
    try {
      const caps = '-all,+bpf,+net_admin';
      const { stdout, stderr } = spawnSync(
        'nsenter',
        [
          `--net=/run/netns/${id}`,
          '--',
          'setpriv',
          `--reuid=${NOBODY}`,
          `--regid=${NOBODY}`,
          '--clear-groups',
          `--bounding-set=${caps}`,
          `--inh-caps=${caps}`,
          `--ambient-caps=${caps}`,
          'timeout',
          '--signal=INT',
          '10',
          CTGA,
          'attach',
          near,
          '--state-dir',
          state,
        ],
        { encoding: 'utf8', env: environment },
      );
      assert.match(stdout, new RegExp(`Watching ${near} \\(TC ingress\\)`), stderr);
      assert.match(stdout, /Stopped\.\n {2}The data plane goes on copying/);
      ctgaThere('detach', near);
      ctgaThere('detach', far);
    } finally {
      chownSync(root, owner.uid, owner.gid);
      chmodSync(file, mode);
      rmSync(state, { recursive: true });
    }
  });

  test('once attached it has given root up, all but the keeper; --user names another account', async () => {
    for (const [args, uid] of [
      [[], NOBODY],
      [['--user', 'daemon'], 1],
    ] as const) {
      const watching = new Watching(...args);
      await watching.until(/Ctrl-C/);
      assertPowerless(`${watching.child.pid ?? 0}`, uid);
      // It counts, sets budgets and drains all the same.
      ip('-n', id, 'address', 'replace', '10.98.0.2/24', 'dev', far);
      await sleep(1200);
      assert.equal(await watching.stop(), 0, watching.said);
      const { treeHeads } = JSON.parse(
        ctgaThere('status', '--json', '--state-dir', join(directory, 'state')).stdout,
      ) as { treeHeads: number };
      assert.equal(treeHeads, 0);
    }
    assert.equal(ctgaThere('attach', near, '--user', 'nobody-of-that-name').code, 2);
  });

  test('with --challenge starts a challenger that has given root up, and ends it too', async () => {
    const watching = new Watching('--challenge', '--proxy', 'socks5h://127.0.0.1:1');
    await watching.until(/Visiting \d+ logs/);
    const challenger = processes().find(
      ({ command }) => command.includes('challenge') && command.includes(join(directory, 'state')),
    );
    assert(challenger !== undefined);
    assertPowerless(challenger.pid, NOBODY);
    assert.equal(await watching.stop(), 0, watching.said);
    await eventually(() => !existsSync(`/proc/${challenger.pid}`), 'the end of the challenger');
  });
});

/** The child that keeps the data planes of an observer attached. */
function keeperOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ');
  const keeper = children.find((child) =>
    readFileSync(`/proc/${child}/cmdline`, 'latin1').includes('keeper-process'),
  );
  return Number(keeper ?? assert.fail(`${pid} has no keeper`));
}

/** No thread of it is root, has a capability or a group of root's, or may get any. */
function assertPowerless(pid: string, uid: number): void {
  const threads = readdirSync(`/proc/${pid}/task`).map((tid) =>
    readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8'),
  );
  assert(threads.length > 1);
  for (const status of threads) {
    assert.match(status, new RegExp(`^Uid:(\\s+${uid}){4}$`, 'm'));
    for (const set of ['CapEff', 'CapPrm', 'CapInh', 'CapAmb'])
      assert.match(status, new RegExp(`^${set}:\\s+0+$`, 'm'));
    assert.match(status, /^Groups:\s+(?!0\b)\d+\s*$/m);
  }
  assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^NoNewPrivs:\s+1$/m);
}

/** Children of the processes that this test started are found by their arguments. */
function processes(): { pid: string; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return /main\.(?:ts|cjs) challenge/.test(command) ? [{ pid, command }] : [];
      } catch {
        return [];
      }
    });
}
