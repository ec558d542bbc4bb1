/**
 * The XDP data plane on a real kernel and a veth pair: attaching, copying, taking over, detaching.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, test } from 'node:test';

import { detachElsewhere, listElsewhere } from '../../src/dataplane/xdp.ts';
import { CtgaError } from '../../src/base/errors.ts';
import { dnsAnswer, ethernet, EtherType, fragmentIpv4, ipv4, udp } from '../support/packets.ts';
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

beforeEach(() => {
  link = new Link();
  children = [];
});

afterEach(async () => {
  for (const child of children) await child.kill();
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

describe('on a veth pair', () => {
  test('copies what dig is answered, in whatever case, and nothing else', async () => {
    await sender().ask({ method: 'serve', address: PEER_ADDRESS });
    const plane = observer();
    const attached = await plane.attach({}, link);
    assert.equal(attached.mode, 'native');
    assert.equal(attached.tookOver, false);
    assert.equal(link.xdp()?.mode, XDP_NATIVE);
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
    await plane.attach({}, link);
    await plane.ask({ method: 'known', names: [NAME] });
    await plane.ask({ method: 'start' });

    const tagged = answerFrame(NAME, [{ tpid: EtherType.vlan, vlanId: 12 }]);
    const fragments = fragmentIpv4(answerFrame().subarray(14), 48).map((payload) =>
      ethernet({ payload }),
    );
    const sent = [tagged, ...fragments.reverse()];
    await link.sendFrames(sent);

    const packets = await plane.ask({ method: 'packets', atLeast: sent.length });
    assert.deepEqual(
      packets.map(({ frame }) => Buffer.from(frame).toString('hex')),
      sent.map((frame) => Buffer.from(frame).toString('hex')),
    );
    assert.deepEqual(
      packets.map(({ kind }) => kind),
      ['answer', ...fragments.map(() => 'fragment')],
    );
  });

  test('counts what found no room while nobody read, and every packet arrived', async () => {
    const plane = observer();
    await plane.attach({ ringBytes: 65536 }, link);
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
    await plane.attach({ ringBytes: 65536, ...limits }, link);
    await plane.ask({ method: 'known', names: [NAME] });
    // Answers of 300 kinds, each several times; fragments of many datagrams, whose fates differ;
    // what is neither.
    const rounds = Array.from({ length: 3000 }, (_, i) => [
      answerFrame(NAME, [], `${i % 300} is the text of this answer`),
      ...fragmentIpv4(ipv4({ payload: new Uint8Array(96), identification: i }), 48).map((payload) =>
        ethernet({ payload }),
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

  test('goes on after kill -9, and the next process takes over counters and copies', async () => {
    const first = observer();
    await first.attach({}, link);
    await first.ask({ method: 'known', names: [NAME] });
    await first.ask({ method: 'start' });
    await link.sendFrames([answerFrame()]);
    await first.ask({ method: 'packets', atLeast: 1 });
    const { prog } = link.xdp() ?? assert.fail('not attached');
    await first.kill('SIGKILL');

    assert.equal(link.xdp()?.prog.id, prog.id, 'the program stays');
    await link.sendFrames(repeated(answerFrame('StH.log.example'), 5));
    assert.equal(link.attached()?.counters.answersCopied, 6n);

    const second = observer();
    const taken = await second.attach({ threshold: 500 }, link);
    assert.equal(taken.tookOver, true);
    assert.deepEqual(taken.replacedMaps, []);
    assert.notEqual(link.xdp()?.prog.id, prog.id, 'the program was updated');
    await second.ask({ method: 'start' });
    assert.equal((await second.ask({ method: 'packets', atLeast: 5 })).length, 5);
    await link.sendFrames([answerFrame()]);
    assert.equal((await second.ask({ method: 'packets', atLeast: 6 })).length, 6);

    const { attached, counters, seen } = await second.ask({ method: 'state' });
    assert.equal(attached, true);
    assert.equal(counters.answersCopied, 7n);
    assert.equal(seen?.settings.threshold, 500);
    assert.equal(seen.knownNames, 1);
    assert.equal(seen.link.mode, 'native');
    assert.deepEqual(accountingErrors(counters), []);
  });

  test('loses no packet while one process after another takes over', async () => {
    let plane = observer();
    await plane.attach({}, link);
    await plane.ask({ method: 'known', names: [NAME] });
    for (let round = 1; round <= 3; round++) {
      const sending = link.sendFrames(repeated(answerFrame(), 200), 4);
      await plane.kill();
      plane = observer();
      assert.equal((await plane.attach({}, link)).tookOver, true);
      await sending;
    }
    assert.equal(await link.arrivedDatagrams(600), 600);
    assert.equal((await plane.ask({ method: 'state' })).counters.answersCopied, 600n);
  });

  test('makes a ring buffer of another size anew, and keeps the rest', async () => {
    const first = observer();
    await first.attach({ ringBytes: 65536 }, link);
    await first.ask({ method: 'known', names: [NAME] });
    await link.sendFrames([answerFrame()]);
    await first.kill();

    const second = observer();
    const taken = await second.attach({ ringBytes: 131072 }, link);
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
    await first.attach({}, link);
    link.deleteInterfaces();
    assert.equal((await first.ask({ method: 'state' })).attached, false);
    assert.equal(link.attached()?.link.attached, false);
    await first.kill();

    link.addInterfaces();
    const taken = await observer().attach({}, link);
    assert.equal(taken.tookOver, false);
    assert.equal(link.xdp()?.mode, XDP_NATIVE);
  });

  test('detaching leaves nothing', async () => {
    const plane = observer();
    const { bpfFiles } = await plane.attach({}, link);
    // Neither program nor link is held by the process: when the pins go, so do they.
    assert.deepEqual([...new Set(bpfFiles)], ['bpf-map']);
    const name = `${link.namespaceInode}/${link.interfaceName}`;
    assert(listElsewhere().includes(name));

    detachElsewhere(name); // from another process and another namespace, while the first one observes
    assert.equal(link.xdp(), undefined);
    assert.equal(link.pins, undefined);
    assert.equal(link.attached(), undefined);
    assert(!listElsewhere().includes(name));
    assert.equal((await plane.ask({ method: 'state' })).attached, false);
    assert.throws(
      () => detachElsewhere(name),
      (error: unknown) => error instanceof CtgaError && error.code === 'not-attached',
    );
    await plane.kill();

    const again = observer();
    assert.equal((await again.attach({}, link)).tookOver, false);
    await again.ask({ method: 'detach' });
    assert.equal(link.xdp(), undefined);
    assert.equal(link.pins, undefined);
  });
});

/** Somebody else's: the id of an XDP program that `ip` attached. */
function putForeignProgram(): number {
  const object = ['object', 'build/xdp/ctga.bpf.o', 'section', 'xdp'];
  run('ip', '-n', link.observer, 'link', 'set', 'dev', link.interfaceName, 'xdp', ...object);
  return link.xdp()?.prog.id ?? assert.fail('ip attached nothing');
}

const FOREIGN_FILTER = ['bpf', 'direct-action', 'object', 'build/xdp/ctga.bpf.o', 'section', 'tc'];

/** What TC knows at the interface's ingress. */
function filters(): string {
  return run('tc', '-n', link.observer, 'filter', 'show', 'dev', link.interfaceName, 'ingress');
}
const qdiscs = (): string =>
  run('tc', '-n', link.observer, 'qdisc', 'show', 'dev', link.interfaceName);

describe('at TC ingress', () => {
  test('copies where a foreign XDP program is, which stays; says why; detaching leaves nothing but it', async () => {
    const foreign = putForeignProgram();
    const plane = observer();
    const { mode, refusal } = await plane.attach({}, link);
    assert.equal(mode, 'tc');
    assert.match(
      refusal ?? '',
      new RegExp(`already runs the XDP program "ctga" \\(id ${foreign}\\)`),
    );
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
    assert.deepEqual([seen?.link.attached, seen?.link.mode], [true, 'tc']);
    await plane.ask({ method: 'detach' });
    assert.doesNotMatch(filters(), /bpf/);
    assert.doesNotMatch(qdiscs(), /clsact/);
    assert.equal(link.pins, undefined);
    assert.equal(link.xdp()?.prog.id, foreign);
  });

  test('is taken over in place, and kept although XDP would be possible by now', async () => {
    const first = observer();
    assert.equal((await first.attach({ mode: 'tc' }, link)).mode, 'tc');
    await first.ask({ method: 'known', names: [NAME] });
    await link.sendFrames(repeated(answerFrame(), 3));
    await first.kill('SIGKILL');
    await link.sendFrames(repeated(answerFrame(), 4));

    const second = observer();
    const taken = await second.attach({}, link);
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
    await plane.attach({ mode: 'tc' }, link);
    await plane.ask({ method: 'detach' });
    assert.match(qdiscs(), /clsact/);
    assert.match(tc('filter', 'show', 'dev', link.interfaceName, 'egress'), /direct-action/);
  });

  test('leaves a qdisc of its own that others use by now', async () => {
    const plane = observer();
    await plane.attach({ mode: 'tc' }, link);
    const tc = (...args: readonly string[]): string => run('tc', '-n', link.observer, ...args);
    tc('filter', 'add', 'dev', link.interfaceName, 'ingress', 'prio', '9', ...FOREIGN_FILTER);
    await plane.ask({ method: 'detach' });
    assert.doesNotMatch(filters(), /pref 1 /);
    assert.match(filters(), /pref 9 .*direct-action/);
  });

  test('notices that its filter was removed by force, and attaches anew', async () => {
    const plane = observer();
    await plane.attach({ mode: 'tc' }, link);
    run('tc', '-n', link.observer, 'qdisc', 'del', 'dev', link.interfaceName, 'clsact');
    assert.equal((await plane.ask({ method: 'state' })).attached, false);
    await plane.kill();
    const again = await observer().attach({ mode: 'tc' }, link);
    assert.deepEqual([again.mode, again.tookOver], ['tc', false]);
  });
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
