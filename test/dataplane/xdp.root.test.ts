// SPDX-License-Identifier: Apache-2.0
/**
 * The XDP data plane on a real kernel and a veth pair: attaching, copying, taking over, detaching.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';

import { detachElsewhere, listElsewhere, loadXdp } from '../../src/dataplane/xdp.ts';
import { CtgaError } from '../../src/base/errors.ts';
import { DatagramDecoder } from '../../src/packet/decode.ts';
import { dnsAnswer, ethernet, EtherType, fragmentIpv4, ipv4, udp } from '../support/packets.ts';
import { compileMutant } from '../xdp/mutant.ts';
import { accountingErrors } from '../xdp/verdict.ts';
import { Child, Link, OBSERVER_ADDRESS, PEER_ADDRESS, run } from './namespaces.ts';
import { eventually } from '../support/eventually.ts';

const NAME = 'sth.log.example';
const XDP_NATIVE = 1;
const XDP_GENERIC = 2;
/** Nobody listens there. */
const PORT = 40000;

let link: Link;
let children: Child[];
let removals: (() => Promise<void>)[];

beforeEach(() => {
  link = new Link();
  children = [];
  removals = [];
});

afterEach(async () => {
  for (const child of children) await child.kill();
  for (const remove of removals) await remove();
  link.detach();
  link.remove();
});

function observer(...prefix: readonly string[]): Child {
  const child = new Child(link.observer, prefix);
  children.push(child);
  return child;
}

function sender(): Child {
  const child = new Child(link.sender);
  children.push(child);
  return child;
}

async function fails(work: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  await assert.rejects(work, (error: Error & { code?: string; remedy?: string }) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    assert(error.remedy !== undefined, 'no remedy');
    return true;
  });
}

function throwsCode(work: () => unknown, code: string): void {
  assert.throws(work, (error) => error instanceof CtgaError && error.code === code);
}

function answerFrame(
  name = NAME,
  tags: { tpid: number; vlanId: number }[] = [],
  text = '1.2.3.4',
): Uint8Array {
  const addresses = { source: PEER_ADDRESS, destination: OBSERVER_ADDRESS };
  const datagram = udp({
    ...addresses,
    destinationPort: PORT,
    payload: dnsAnswer({ name, strings: [text] }),
  });
  const frame = ethernet({ tags, payload: ipv4({ ...addresses, payload: datagram }) });
  frame.fill(0xff, 0, 6); // to everybody, so that the receiving host takes it
  return frame;
}

const repeated = (frame: Uint8Array, times: number): Uint8Array[] =>
  Array.from({ length: times }, () => frame);

function dig(name: string): void {
  const args = [
    `--net=/run/netns/${link.observer}`,
    'dig',
    `@${PEER_ADDRESS}`,
    name,
    'TXT',
    '+short',
  ];
  const { stdout, stderr } = spawnSync('nsenter', args, { encoding: 'utf8' });
  assert.equal(stdout, '"1.2.3.4"\n', `dig got no answer: ${stderr}`);
}

const FOREIGN_FILTER = ['bpf', 'direct-action', 'object', 'build/xdp/ctga.bpf.o', 'section', 'tc'];

/** What TC knows at the interface's ingress. */
function filters(): string {
  return run('tc', '-n', link.observer, 'filter', 'show', 'dev', link.interfaceName, 'ingress');
}
const qdiscs = (): string =>
  run('tc', '-n', link.observer, 'qdisc', 'show', 'dev', link.interfaceName);

const inObserver = (command: string, ...args: readonly string[]): string[] => [
  'nsenter',
  `--net=/run/netns/${link.observer}`,
  command,
  ...args,
];
const TCX = join(import.meta.dirname, 'tcx.py');

/** The IDs of the programs at TC ingress, in the order in which they run. */
function tcxPrograms(): number[] {
  const [command = '', ...args] = inObserver('python3', TCX, link.interfaceName);
  const ids = run(command, ...args).trim();
  return ids === '' ? [] : ids.split(' ').map(Number);
}

/** Somebody else's program there, by a tcx link; see tcx.py. Returns what takes it off. */
async function putTcx(verdict: number, where: 'before' | 'after'): Promise<() => Promise<void>> {
  const [command = '', ...args] = inObserver('python3', TCX, link.interfaceName);
  const python = spawn(command, [...args, `${verdict}`, where], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(python, 'exit');
  const remove = async (): Promise<void> => {
    python.stdin.end();
    await ended;
  };
  await once(python.stdout, 'data');
  removals.push(remove);
  return remove;
}

/** Where the program may be, and how it gets there. */
const HOOKS = [
  { hook: 'XDP', mode: 'native', options: { mode: 'native' } },
  { hook: 'a tcx link', mode: 'tcx', options: {} },
  { hook: 'a clsact filter', mode: 'tc', options: { oldKernel: true } },
] as const;

for (const { hook, mode, options } of HOOKS)
  describe(`on a veth pair, by ${hook}`, () => {
    test('copies what dig is answered, in whatever case, and nothing else', async () => {
      await sender().ask({ method: 'serve', address: PEER_ADDRESS });
      const plane = observer();
      const attached = await plane.attach(options, link);
      assert.equal(attached.mode, mode);
      assert.equal(attached.tookOver, false);
      assert.equal(link.xdp()?.mode, mode === 'native' ? XDP_NATIVE : undefined);
      await plane.ask({ method: 'known', names: [NAME] });
      await plane.ask({ method: 'start' });

      const before = Date.now();
      dig('sTH.loG.eXample');
      dig('sth.other.example');
      dig(NAME);
      const packets = await plane.ask({ method: 'packets', atLeast: 2 });
      await plane.ask({ method: 'stop' });

      assert.equal(packets.length, 2);
      assert(
        Buffer.from(packets[0]?.frame ?? []).includes('loG'),
        'the case of the name on the wire is kept',
      );
      for (const { kind, frame, frameLength, interfaceName, timestamp } of packets) {
        assert.equal(kind, 'answer');
        assert.equal(interfaceName, link.interfaceName);
        assert.equal(frame.length, frameLength);
        assert(
          timestamp >= before - 11 && timestamp <= Date.now(),
          new Date(timestamp).toISOString(),
        );
      }
      const { counters } = await plane.ask({ method: 'state' });
      assert.equal(counters.answersCopied, 2n);
      assert.equal(counters.unknownName, 1n);
      assert.deepEqual(accountingErrors(counters), []);
    });

    test('copies below a VLAN tag, and fragments in the order they came', async () => {
      const plane = observer();
      await plane.attach(options, link);
      await plane.ask({ method: 'known', names: [NAME] });
      await plane.ask({ method: 'start' });

      const tagged = answerFrame(NAME, [{ tpid: EtherType.vlan, vlanId: 12 }]);
      const fragments = fragmentIpv4(answerFrame().subarray(14), 48).map((payload) =>
        ethernet({ payload }),
      );
      const sent = [tagged, ...fragments.reverse()];
      await link.sendFrames(sent);

      const packets = await plane.ask({ method: 'packets', atLeast: sent.length });
      // The kernel takes the outer tag off before TC sees the frame.
      const untagged = Buffer.from(answerFrame()).toString('hex');
      const [first = '', ...others] = sent.map((frame) => Buffer.from(frame).toString('hex'));
      assert.deepEqual(
        packets.map(({ frame }) => Buffer.from(frame).toString('hex')),
        [mode === 'native' ? first : untagged, ...others],
      );
      assert.deepEqual(
        packets.map(({ kind }) => kind),
        ['answer', ...fragments.map(() => 'fragment')],
      );
    });

    test('counts what found no room while nobody read, and every packet arrived', async () => {
      const plane = observer();
      await plane.attach({ ...options, ringBytes: 65536 }, link);
      await plane.ask({ method: 'known', names: [NAME] });
      await link.sendFrames(repeated(answerFrame(), 400));
      assert.equal(await link.arrivedDatagrams(400), 400);

      const { counters } = await plane.ask({ method: 'state' });
      assert.equal(counters.answers, 400n);
      assert.equal(counters.answersCopied, 341n);
      assert.equal(counters.answersRingFull, 59n);
      await plane.ask({ method: 'start' });
      assert.equal((await plane.ask({ method: 'packets', atLeast: 341 })).length, 341);
    });

    test('accounts for every packet at any moment of a flood that nobody reads', async () => {
      const plane = observer();
      const limits = {
        seenMilliseconds: 300,
        answersPerSecond: 2000,
        fragmentsPerSecond: 20_000,
        everyNth: 2,
      };
      await plane.attach({ ...options, ringBytes: 65536, ...limits }, link);
      await plane.ask({ method: 'known', names: [NAME] });
      // Answers, each eight times in a row: however slowly they are sent, some repeat soon enough to
      // be seen entries; fragments of many datagrams, whose fates differ; what is neither.
      const rounds = Array.from({ length: 3000 }, (_, i) => [
        answerFrame(NAME, [], `${i >> 3} is the text of this answer`),
        ...fragmentIpv4(ipv4({ payload: new Uint8Array(96), identification: i }), 48).map(
          (payload) => ethernet({ payload }),
        ),
        answerFrame('sth.stranger.example'),
      ]).flat();
      const flood = { over: false };
      const sending = link.sendFrames(rounds).then(() => (flood.over = true));
      let looks = 0;
      const totals = new Set<bigint>();
      while (!flood.over) {
        const { counters } = await plane.ask({ method: 'state' });
        assert.deepEqual(accountingErrors(counters), []);
        totals.add(counters.packets);
        looks += 1;
      }
      await sending;
      let counters = (await plane.ask({ method: 'state' })).counters;
      // The namespace has a little traffic of its own: IPv6 neighbour discovery, which is no UDP.
      await eventually(async () => {
        counters = (await plane.ask({ method: 'state' })).counters;
        return counters.packets - counters.notUdp >= BigInt(rounds.length);
      }, 'all frames to be counted');
      assert.equal(counters.packets - counters.notUdp - counters.notIp, BigInt(rounds.length));
      assert.equal(counters.answers, 3000n);
      assert.equal(counters.unknownName, 3000n);
      assert(looks > 3 && totals.size > 3, `${looks} looks, ${totals.size} of them different`);
      const kinds = ['answersCopied', 'answersSampledOut', 'answersSeen'] as const;
      for (const name of [
        ...kinds,
        'fragmentsCopied',
        'fragmentsSampledOut',
        'fragmentsRingFull',
      ] as const) {
        assert(counters[name] > 0n, `${name} is 0`);
      }
      await plane.ask({ method: 'start' });
      const copied = Number(counters.answersCopied + counters.fragmentsCopied);
      assert.equal((await plane.ask({ method: 'packets', atLeast: copied })).length, copied);
    });

    test('goes on after kill -9, and the next process takes over counters and copies', async () => {
      const first = observer();
      await first.attach(options, link);
      await first.ask({ method: 'known', names: [NAME] });
      await first.ask({ method: 'start' });
      await link.sendFrames([answerFrame()]);
      await first.ask({ method: 'packets', atLeast: 1 });
      const { programId } = link.attached()?.link ?? assert.fail('not attached');
      await first.kill('SIGKILL');

      assert.equal(link.attached()?.link.programId, programId, 'the program stays');
      await link.sendFrames(repeated(answerFrame('StH.log.example'), 5));
      assert.equal(link.attached()?.counters.answersCopied, 6n);

      const second = observer();
      const taken = await second.attach({ ...options, threshold: 500 }, link);
      assert.equal(taken.tookOver, true);
      assert.deepEqual(taken.replacedMaps, []);
      assert.notEqual(link.attached()?.link.programId, programId, 'the program was updated');
      await second.ask({ method: 'start' });
      assert.equal((await second.ask({ method: 'packets', atLeast: 5 })).length, 5);
      await link.sendFrames([answerFrame()]);
      assert.equal((await second.ask({ method: 'packets', atLeast: 6 })).length, 6);

      const { attached, counters, seen } = await second.ask({ method: 'state' });
      assert.equal(attached, true);
      assert.equal(counters.answersCopied, 7n);
      assert.equal(seen?.settings.threshold, 500);
      assert.equal(seen.knownNames, 1);
      assert.equal(seen.link.mode, mode);
      assert.deepEqual(accountingErrors(counters), []);
    });

    test('loses no packet while one process after another takes over', async () => {
      let plane = observer();
      await plane.attach(options, link);
      await plane.ask({ method: 'known', names: [NAME] });
      for (let round = 1; round <= 3; round++) {
        const sending = link.sendFrames(repeated(answerFrame(), 200), 4);
        await plane.kill();
        plane = observer();
        assert.equal((await plane.attach(options, link)).tookOver, true);
        await sending;
      }
      assert.equal(await link.arrivedDatagrams(600), 600);
      assert.equal((await plane.ask({ method: 'state' })).counters.answersCopied, 600n);
    });

    test('makes a ring buffer of another size anew, and keeps the rest', async () => {
      const first = observer();
      await first.attach({ ...options, ringBytes: 65536 }, link);
      await first.ask({ method: 'known', names: [NAME] });
      await link.sendFrames([answerFrame()]);
      await first.kill();

      const second = observer();
      const taken = await second.attach({ ...options, ringBytes: 131072 }, link);
      assert.deepEqual(
        [taken.tookOver, taken.replacedMaps],
        [true, ['answer_ring', 'fragment_ring']],
      );
      await second.ask({ method: 'start' });
      await link.sendFrames([answerFrame('STH.LOG.EXAMPLE')]);
      const packets = await second.ask({ method: 'packets', atLeast: 1 });
      assert(
        Buffer.from(packets[0]?.frame ?? []).includes('EXAMPLE'),
        'the new ring holds what is copied now',
      );
      const { counters, seen } = await second.ask({ method: 'state' });
      assert.equal(counters.answersCopied, 2n);
      assert.equal(seen?.ringBytes, 131072);
      assert.equal(seen.knownNames, 1);
    });

    test('notices that the interface went away, and attaches anew where it came back', async () => {
      const first = observer();
      await first.attach(options, link);
      link.deleteInterfaces();
      assert.equal((await first.ask({ method: 'state' })).attached, false);
      assert.equal(link.attached()?.link.attached, false);
      await first.kill();

      link.addInterfaces();
      const taken = await observer().attach(options, link);
      assert.deepEqual([taken.tookOver, taken.mode], [false, mode]);
    });

    test('detaching leaves nothing', async () => {
      const plane = observer();
      const { bpfFiles } = await plane.attach(options, link);
      // Neither program nor link is held by the process: when the pins go, so do they.
      assert.deepEqual([...new Set(bpfFiles)], ['bpf-map']);
      const name = `${link.namespaceInode}/${link.interfaceName}`;
      assert(listElsewhere().includes(name));

      // From another process, while the first one observes; and but for filters from another
      // namespace.
      if (mode === 'tc') {
        throwsCode(() => detachElsewhere(name), 'busy');
        await plane.ask({ method: 'detach' });
      } else {
        detachElsewhere(name);
        assert.equal((await plane.ask({ method: 'state' })).attached, false);
      }
      assert.equal(link.xdp(), undefined);
      assert.deepEqual(tcxPrograms(), []);
      assert.doesNotMatch(qdiscs(), /clsact/);
      assert.equal(link.pins, undefined);
      assert.equal(link.attached(), undefined);
      assert(!listElsewhere().includes(name));
      throwsCode(() => detachElsewhere(name), 'not-attached');
      await plane.kill();

      const again = observer();
      assert.equal((await again.attach(options, link)).tookOver, false);
      await again.ask({ method: 'detach' });
      assert.equal(link.xdp(), undefined);
      assert.deepEqual(tcxPrograms(), []);
      assert.equal(link.pins, undefined);
    });
  });

describe('on a veth pair', () => {
  test('attaches in generic mode if told, and changes mode if told', async () => {
    const plane = observer();
    assert.equal((await plane.attach({ mode: 'generic' }, link)).mode, 'generic');
    assert.equal(link.xdp()?.mode, XDP_GENERIC);
    await plane.ask({ method: 'known', names: [NAME] });
    await plane.ask({ method: 'start' });
    await link.sendFrames([answerFrame()]);
    assert.equal((await plane.ask({ method: 'packets', atLeast: 1 })).length, 1);
    await plane.kill();

    const native = await observer().attach({ mode: 'native' }, link);
    assert.deepEqual([native.mode, native.tookOver], ['native', false]);
    assert.equal(link.xdp()?.mode, XDP_NATIVE);
  });
});

/** Somebody else's: the id of an XDP program that `ip` attached. */
function putForeignProgram(): number {
  const object = ['object', 'build/xdp/ctga.bpf.o', 'section', 'xdp.frags'];
  run('ip', '-n', link.observer, 'link', 'set', 'dev', link.interfaceName, 'xdp', ...object);
  return link.xdp()?.prog.id ?? assert.fail('ip attached nothing');
}

describe('at TC ingress', () => {
  const FILTER = { mode: 'tc', oldKernel: true } as const;

  test('copies where a foreign XDP program is, which stays; says why; detaching leaves nothing but it', async () => {
    const foreign = putForeignProgram();
    const plane = observer();
    const { mode, why } = await plane.attach({}, link);
    assert.equal(mode, 'tcx');
    assert.match(why ?? '', new RegExp(`already runs the XDP program "ctga" \\(id ${foreign}\\)`));
    await plane.ask({ method: 'known', names: [NAME] });
    await plane.ask({ method: 'start' });
    const tagged = answerFrame(NAME, [{ tpid: EtherType.vlan, vlanId: 12 }]);
    const fragments = fragmentIpv4(answerFrame().subarray(14), 48).map((payload) =>
      ethernet({ payload }),
    );
    await link.sendFrames([answerFrame(), answerFrame('sTH.LOG.example'), tagged, ...fragments]);
    const packets = await plane.ask({ method: 'packets', atLeast: 3 + fragments.length });
    assert.equal(packets.filter(({ kind }) => kind === 'answer').length, 3);
    assert.equal(packets.filter(({ kind }) => kind === 'fragment').length, fragments.length);
    assert.equal(await link.arrivedDatagrams(2), 2, 'the host took in what was looked at');

    const { attached, seen } = await plane.ask({ method: 'state' });
    assert.equal(attached, true);
    assert.deepEqual([seen?.link.attached, seen?.link.mode], [true, 'tcx']);
    assert.deepEqual(seen?.link.behind, [`the XDP program "ctga" (id ${foreign})`]);
    assert.equal(seen.link.overtaken, false, 'an XDP program cannot be overtaken from here');
    await plane.ask({ method: 'detach' });
    assert.deepEqual(tcxPrograms(), []);
    assert.equal(link.pins, undefined);
    assert.equal(link.xdp()?.prog.id, foreign);
  });

  test('is taken over in place, and kept although XDP would be possible by now', async () => {
    const first = observer();
    assert.equal((await first.attach(FILTER, link)).mode, 'tc');
    await first.ask({ method: 'known', names: [NAME] });
    await link.sendFrames(repeated(answerFrame(), 3));
    await first.kill('SIGKILL');
    await link.sendFrames(repeated(answerFrame(), 4));

    const second = observer();
    const taken = await second.attach({ oldKernel: true }, link);
    assert.deepEqual([taken.mode, taken.tookOver, taken.replacedMaps], ['tc', true, []]);
    await second.ask({ method: 'start' });
    assert.equal((await second.ask({ method: 'packets', atLeast: 7 })).length, 7);
    assert.equal(filters().match(/direct-action/g)?.length, 1);

    await second.kill();
    const third = await observer().attach({ mode: 'native' }, link);
    assert.deepEqual([third.mode, third.tookOver], ['native', false]);
    assert.doesNotMatch(filters(), /bpf/);
    assert.doesNotMatch(qdiscs(), /clsact/);
  });

  test('leaves the qdisc and the filters of others alone', async () => {
    const tc = (...args: readonly string[]): string => run('tc', '-n', link.observer, ...args);
    tc('qdisc', 'add', 'dev', link.interfaceName, 'clsact');
    tc('filter', 'add', 'dev', link.interfaceName, 'egress', ...FOREIGN_FILTER);
    const plane = observer();
    await plane.attach(FILTER, link);
    await plane.ask({ method: 'detach' });
    assert.match(qdiscs(), /clsact/);
    assert.match(tc('filter', 'show', 'dev', link.interfaceName, 'egress'), /direct-action/);
  });

  test('leaves a qdisc of its own that others use by now', async () => {
    const plane = observer();
    await plane.attach(FILTER, link);
    const tc = (...args: readonly string[]): string => run('tc', '-n', link.observer, ...args);
    tc('filter', 'add', 'dev', link.interfaceName, 'ingress', 'prio', '9', ...FOREIGN_FILTER);
    await plane.ask({ method: 'detach' });
    assert.doesNotMatch(filters(), /pref 1 /);
    assert.match(filters(), /pref 9 .*direct-action/);
  });

  test('notices that its filter was removed by force, and attaches anew', async () => {
    const plane = observer();
    await plane.attach(FILTER, link);
    run('tc', '-n', link.observer, 'qdisc', 'del', 'dev', link.interfaceName, 'clsact');
    assert.equal((await plane.ask({ method: 'state' })).attached, false);
    await plane.kill();
    const again = await observer().attach(FILTER, link);
    assert.deepEqual([again.mode, again.tookOver], ['tc', false]);
  });

  test('a filter of an earlier version becomes a tcx link, and no packet passes unseen meanwhile', async () => {
    const first = observer();
    await first.attach(FILTER, link);
    await first.ask({ method: 'known', names: [NAME] });
    const sending = link.sendFrames(repeated(answerFrame(), 200), 4);
    await first.kill();
    const second = observer();
    const taken = await second.attach({}, link);
    assert.deepEqual([taken.mode, taken.tookOver], ['tcx', true]);
    await sending;
    assert.equal(await link.arrivedDatagrams(200), 200);
    const { counters } = await second.ask({ method: 'state' });
    // For a moment, packets pass both.
    assert(counters.answersCopied >= 200n && counters.answersCopied <= 203n);
    assert.equal(tcxPrograms().length, 1);
    assert.doesNotMatch(filters(), /bpf/);
    assert.doesNotMatch(qdiscs(), /clsact/);
  });

  const [NEXT, PASS, DROP] = [-1, 0, 2];
  for (const { verdict, what, arrived } of [
    { verdict: NEXT, what: 'hands packets on', arrived: 3 },
    { verdict: PASS, what: 'accepts every packet', arrived: 3 },
    { verdict: DROP, what: 'drops every packet', arrived: 0 },
  ])
    test(`sees every packet although a tcx program that was there before ${what}`, async () => {
      const remove = await putTcx(verdict, 'before');
      const plane = observer();
      await plane.attach({}, link);
      await putTcx(verdict, 'after');
      await plane.ask({ method: 'known', names: [NAME] });
      await link.sendFrames(repeated(answerFrame(), 3));
      const { counters, seen } = await plane.ask({ method: 'state' });
      assert.equal(counters.answersCopied, 3n);
      assert.deepEqual([seen?.link.behind, seen?.link.overtaken], [[], false]);
      const [ours, ...others] = tcxPrograms();
      assert.equal(ours, seen?.link.programId);
      assert.equal(others.length, 2);
      if (arrived > 0) assert.equal(await link.arrivedDatagrams(arrived), arrived);

      // In both orders.
      if (verdict === PASS) await remove();
      await plane.ask({ method: 'detach' });
      assert.deepEqual(tcxPrograms(), verdict === PASS ? others.slice(1) : others);
    });

  for (const { verdict, what } of [
    { verdict: PASS, what: 'passes' },
    { verdict: DROP, what: 'drops' },
  ])
    test(`sees what a clsact filter ${what}`, async () => {
      const tc = (...args: readonly string[]): string => run('tc', '-n', link.observer, ...args);
      tc('qdisc', 'add', 'dev', link.interfaceName, 'clsact');
      const always = ['prio', '1', 'bpf', 'direct-action', 'bytecode', `1,6 0 0 ${verdict},`];
      tc('filter', 'add', 'dev', link.interfaceName, 'ingress', ...always);
      const plane = observer();
      assert.equal((await plane.attach({}, link)).mode, 'tcx');
      await plane.ask({ method: 'known', names: [NAME] });
      await link.sendFrames([answerFrame()]);
      assert.equal((await plane.ask({ method: 'state' })).counters.answersCopied, 1n);
      await plane.ask({ method: 'detach' });
      assert.match(filters(), /bytecode/);
    });

  test('whoever gets before it is noticed, and is behind it after the next attach', async () => {
    const first = observer();
    await first.attach({}, link);
    await first.ask({ method: 'known', names: [NAME] });
    await putTcx(PASS, 'before');
    await link.sendFrames([answerFrame()]);
    const hidden = await first.ask({ method: 'state' });
    assert.equal(hidden.counters.answersCopied, 0n, 'it is blind now');
    assert.equal(hidden.seen?.link.overtaken, true);
    assert.match(hidden.seen.link.behind.join(), /^the tcx program "somebody" \(id \d+\)$/);
    await first.kill();

    const second = observer();
    const taken = await second.attach({}, link);
    assert.deepEqual([taken.mode, taken.tookOver, taken.replacedMaps], ['tcx', true, []]);
    await link.sendFrames([answerFrame()]);
    const { counters, seen } = await second.ask({ method: 'state' });
    assert.deepEqual([counters.answersCopied, seen?.link.overtaken], [1n, false]);
    assert.equal(tcxPrograms().length, 2);
  });
});

/** Sends `messages` from port 53 in one call: UDP_SEGMENT, which veth hands on as one packet. */
function sendMerged(from: string, to: string, messages: readonly Uint8Array[]): void {
  const program = [
    'import socket, sys',
    'source, to, size, data = sys.argv[1:]',
    'family = socket.AF_INET6 if ":" in to else socket.AF_INET',
    's = socket.socket(family, socket.SOCK_DGRAM)',
    's.setsockopt(17, 103, int(size))',
    's.bind((source, 53))',
    `s.sendto(bytes.fromhex(data), (to, ${PORT}))`,
  ].join('\n');
  const size = `${messages[0]?.length ?? 0}`;
  const data = Buffer.concat(messages).toString('hex');
  const there = [`--net=/run/netns/${link.sender}`, 'python3', '-c', program];
  run('nsenter', ...there, from, to, size, data);
}

describe('datagrams that were merged into one packet', () => {
  const OTHERS = ['sth.other.example', 'sth.more.example', 'www.example'];
  for (const { version, from, to } of [
    { version: 4, from: PEER_ADDRESS, to: OBSERVER_ADDRESS },
    { version: 6, from: 'fd00::2', to: 'fd00::1' },
  ])
    for (const { hook, options } of HOOKS)
      test(`over IPv${version}: each is seen, by ${hook}`, async () => {
        for (const [namespace, name, address] of [
          [link.observer, link.interfaceName, 'fd00::1'],
          [link.sender, link.peerName, 'fd00::2'],
        ] as const)
          run('ip', '-n', namespace, 'address', 'add', `${address}/64`, 'dev', name, 'nodad');
        const plane = observer();
        await plane.attach(options, link);
        await plane.ask({ method: 'known', names: [NAME] });
        await plane.ask({ method: 'start' });
        // The genuine ones are neither first nor last but in between, and one is shorter at the end.
        const message = (name: string, text: string): Uint8Array =>
          dnsAnswer({ name, strings: [text.padEnd(200 - 2 * name.length, 'x')] });
        const ours = [1, 2, 3].map((i) => message(NAME, `${i}`));
        const short = dnsAnswer({ name: NAME, strings: ['4'] });
        const [a, b, c] = OTHERS.map((name) => message(name, 'z'));
        const all = [a, ours[0], b, ours[1], ours[2], c, short] as Uint8Array[];
        assert.equal(new Set(all.slice(0, -1).map(({ length }) => length)).size, 1);
        sendMerged(from, to, all);

        const packets = await plane.ask({ method: 'packets', atLeast: 4 });
        const decoder = new DatagramDecoder();
        const found = packets.map(({ frame, frameLength }) => {
          assert.equal(frame.length, frameLength);
          const payload = decoder.push(frame, 0, hook)?.payload ?? new Uint8Array();
          return Buffer.from(payload).toString('hex');
        });
        assert.equal(decoder.counters.checksumBad, 0);
        assert.deepEqual(
          found,
          [...ours, short].map((each) => Buffer.from(each).toString('hex')),
        );
        const { counters } = await plane.ask({ method: 'state' });
        assert.equal(counters.answersCopied, 4n);
        assert.equal(counters.unknownName, 2n);
        assert.equal(counters.notTreeHead, 1n);
        assert.deepEqual(accountingErrors(counters), []);
      });
});

test('where the verifier gives up on merged datagrams, TC ingress goes without that part, and says so', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  try {
    // A million instructions are all that it goes through.
    const begins = 'constants.parts_merged)\n\t\tobserve(ctx, HOOK_SEGMENT);';
    const loop = 'for (__u32 i = 0; i < 400000; i++)\n\t\tasm volatile("" : "+r"(i));';
    const objectPath = compileMutant(
      directory,
      'ctga.bpf.c',
      begins,
      `constants.parts_merged) {
		${loop}
		observe(ctx, HOOK_SEGMENT);
	}`,
    );
    assert.throws(() => loadXdp({ objectPath, hook: 'tc' }).close(), /too large|too long/i);
    const plane = observer();
    const { mode, why } = await plane.attach({ objectPath }, link);
    const reason = "this kernel's verifier leaves no room to tell apart datagrams that were merged";
    assert.deepEqual(
      [mode, why],
      ['tcx', `it costs less than XDP on veth, which is software; ${reason}`],
    );
    await plane.ask({ method: 'known', names: [NAME] });
    await link.sendFrames([answerFrame(NAME)]);
    const { counters, seen } = await plane.ask({ method: 'state' });
    assert.equal(counters.answersCopied, 1n);
    assert.match(seen?.link.why ?? '', new RegExp(reason));
    // Said once, however often it is attached.
    await plane.kill();
    assert.equal((await observer().attach({ objectPath }, link)).why, why);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

describe('refuses, in one sentence and with a remedy', () => {
  test('a mode that a foreign program is in the way of; the program stays', async () => {
    const foreign = putForeignProgram();
    for (const mode of ['native', 'generic'] as const) {
      await fails(
        observer().attach({ mode }, link),
        'foreign-xdp-program',
        new RegExp(`already runs the XDP program "ctga" \\(id ${foreign}\\)`),
      );
    }
    assert.equal(link.xdp()?.prog.id, foreign);
    assert.equal(link.pins, undefined, 'no empty directory is left');
  });

  test('a second observer of one interface', async () => {
    const first = observer();
    await first.attach({}, link);
    await fails(observer().attach({}, link), 'busy', /another process already observes/);
    assert.equal((await first.ask({ method: 'state' })).attached, true);
  });

  test('an interface that does not exist', async () => {
    const attach = observer().ask({ method: 'attach', options: { interfaceName: 'ctga-none' } });
    await fails(attach, 'no-such-interface', /no network interface named ctga-none/);
    assert.equal(link.pins, undefined);
  });

  test('a user without privileges', async () => {
    const plane = observer('setpriv', '--bounding-set=-all', '--inh-caps=-all');
    await fails(plane.attach({}, link), 'not-permitted', /not permitted/);
    assert.equal(link.xdp(), undefined);
  });
});
