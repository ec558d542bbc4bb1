// SPDX-License-Identifier: Apache-2.0
/**
 * Other devices than veth, and other people's XDP programs by libxdp. What the machine has not (a
 * device of a kind, xdp-tools) is skipped, with a word.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, test, type TestContext } from 'node:test';

import type { LinkState } from '../../src/dataplane/xdp.ts';
import { dnsAnswer, ethernet, ipv4, udp } from '../support/packets.ts';
import { Child, Link, OBSERVER_ADDRESS, PEER_ADDRESS, run } from './namespaces.ts';

const NAME = 'sth.log.example';

let link: Link;
let children: Child[];

beforeEach(() => {
  // Without a dot, which xdp-filter has no use for.
  link = new Link('watched0');
  children = [];
});

afterEach(async () => {
  for (const child of children) await child.kill();
  link.detach();
  link.remove();
});

function observer(): Child {
  const child = new Child(link.observer);
  children.push(child);
  return child;
}

function answerFrame(): Uint8Array {
  const addresses = { source: PEER_ADDRESS, destination: OBSERVER_ADDRESS };
  const message = dnsAnswer({ name: NAME, strings: ['1.2.3.4'] });
  const payload = udp({ ...addresses, destinationPort: 40_000, payload: message });
  const frame = ethernet({ payload: ipv4({ ...addresses, payload }) });
  frame.fill(0xff, 0, 6); // to everybody, so that the receiving host takes it
  return frame;
}

function inObserver(...command: readonly string[]): { status: number | null; stderr: string } {
  return spawnSync('nsenter', [`--net=/run/netns/${link.observer}`, ...command], {
    encoding: 'utf8',
  });
}

/** An answer that comes in is copied once, however it came. */
async function copies(plane: Child): Promise<void> {
  const before = (await plane.ask({ method: 'state' })).counters.answersCopied;
  await link.sendFrames([answerFrame()]);
  const { counters } = await plane.ask({ method: 'state' });
  assert.equal(counters.answersCopied, before + 1n);
}

describe('netkit', () => {
  for (const role of ['primary', 'peer'] as const)
    test(`its ${role} is watched by a tcx link`, async (context: TestContext) => {
      link.deleteInterfaces();
      const { observer: ours, sender: theirs, interfaceName, peerName } = link;
      const [primary, first, peer, second] =
        role === 'primary'
          ? [ours, interfaceName, theirs, peerName]
          : [theirs, peerName, ours, interfaceName];
      const made = spawnSync('ip', ['-n', primary, 'link', 'add', first, 'type', 'netkit']);
      if (made.status !== 0) return context.skip('SKIPPED: this kernel has no netkit (Linux 6.7)');
      run('ip', '-n', primary, 'link', 'set', 'nk0', 'netns', peer, 'name', second);
      run('ip', '-n', ours, 'address', 'add', `${OBSERVER_ADDRESS}/24`, 'dev', interfaceName);
      run('ip', '-n', ours, 'link', 'set', interfaceName, 'up');
      run('ip', '-n', theirs, 'link', 'set', peerName, 'up');

      const plane = observer();
      const { mode, why } = await plane.attach({}, link);
      assert.equal(mode, 'tcx');
      assert.match(why ?? '', /netkit/);
      await plane.ask({ method: 'known', names: [NAME] });
      await copies(plane);
      await plane.kill();
      const next = observer();
      assert.equal((await next.attach({}, link)).tookOver, true);
      await copies(next);
    });
});

describe('kinds of software devices', () => {
  for (const [kind, ...options] of [
    ['bridge'],
    ['bond'],
    ['macvlan'],
    ['vlan', 'id', '7'],
    ['dummy'],
    ['vxlan', 'id', '7', 'dstport', '4789', 'local', OBSERVER_ADDRESS],
    ['vrf', 'table', '7'],
    ['ipvlan'],
  ] as const)
    test(`${kind}: TC ingress, no offload changes, and detaching leaves nothing`, async (context) => {
      const name = 'other0';
      const below = ['macvlan', 'vlan', 'ipvlan'].includes(kind)
        ? ['link', link.interfaceName]
        : [];
      const add = ['link', 'add', name, ...below, 'type', kind, ...options];
      const made = spawnSync('ip', ['-n', link.observer, ...add]);
      if (made.status !== 0) return context.skip(`SKIPPED: this kernel makes no ${kind}`);
      const offloads = (): string =>
        run('nsenter', `--net=/run/netns/${link.observer}`, 'ethtool', '-k', name);
      const before = offloads();
      const plane = observer();
      const attached = await plane.ask({ method: 'attach', options: { interfaceName: name } });
      assert.equal(attached.mode, 'tcx');
      assert.equal(attached.why, `it costs less than XDP on ${kind}, which is software`);
      assert.equal(offloads(), before);
      await plane.ask({ method: 'detach' });
      assert.equal(link.pins, undefined);
    });
});

test('attaching to veth leaves the offloads of both ends as they were', async () => {
  const offloads = (): string[] =>
    [
      [link.observer, link.interfaceName],
      [link.sender, link.peerName],
    ].map(([namespace = '', name = '']) =>
      run('nsenter', `--net=/run/netns/${namespace}`, 'ethtool', '-k', name),
    );
  const before = offloads();
  await observer().attach({}, link);
  assert.deepEqual(offloads(), before);
});

describe('xdp-tools', () => {
  const missing = spawnSync('xdp-loader', ['--help']).error !== undefined;
  const skip = missing ? 'SKIPPED: xdp-filter and xdp-loader are missing (xdp-tools)' : false;

  function filter(command: 'load' | 'unload', ...options: readonly string[]): void {
    const done = inObserver('xdp-filter', command, link.interfaceName, ...options);
    assert.equal(done.status, 0, done.stderr);
  }

  /** Whether libxdp's dispatcher runs on the interface: it takes a kernel with freplace. */
  function isDispatched(): boolean {
    return link.xdp()?.prog.name === 'xdp_dispatcher';
  }

  /** Has libxdp load a program, and says so where it could not be in a dispatcher. */
  function loadFilter(context: TestContext): boolean {
    filter('load', '-m', 'native');
    if (isDispatched()) return true;
    context.diagnostic('NOT JOINED: this kernel refuses freplace, so libxdp has no dispatcher');
    return false;
  }

  async function watch(mode?: 'native' | 'generic'): Promise<Child> {
    const plane = observer();
    await plane.attach(mode === undefined ? {} : { mode }, link);
    await plane.ask({ method: 'known', names: [NAME] });
    await copies(plane);
    return plane;
  }

  const linkOf = async (plane: Child): Promise<LinkState | undefined> =>
    (await plane.ask({ method: 'state' })).seen?.link;

  test('xdp-filter first: ctga joins it, and sees what it drops', { skip }, async (context) => {
    const canJoin = loadFilter(context);
    const plane = await watch();
    const state = await linkOf(plane);
    if (!canJoin) {
      assert.equal(state?.mode, 'tcx');
      assert.match(state.why, /already runs the XDP program "xdpfilt_/);
      assert.match(state.behind.join(), /^the XDP program "xdpfilt_/);
    } else {
      assert.deepEqual([state?.mode, state?.dispatched, state?.behind], ['native', true, []]);
      assert.match(state?.why ?? '', /^libxdp's dispatcher is there, and ctga runs first in it$/);
      const drop = ['xdp-filter', 'port', '53', '-m', 'src', '-p', 'udp'];
      assert.equal(inObserver(...drop).status, 0);
      await copies(plane);
      await plane.kill();
      const next = observer();
      assert.equal((await next.attach({}, link)).tookOver, true);
      await copies(next);
      assert.equal((await linkOf(next))?.dispatched, true);
    }
    await (children.at(-1) ?? plane).ask({ method: 'detach' });
    assert.equal(link.pins, undefined);
    assert.notEqual(link.xdp(), undefined, 'xdp-filter stays');
    filter('unload');
    assert.equal(link.xdp(), undefined);
  });

  test('ctga first, at TC: xdp-filter comes and goes beside it', { skip }, async () => {
    const plane = await watch();
    filter('load', '-m', 'native');
    await copies(plane);
    const state = await linkOf(plane);
    assert.deepEqual([state?.mode, state?.attached, state?.behind.length], ['tcx', true, 1]);
    filter('unload');
    assert.equal(link.xdp(), undefined);
    await copies(plane);
  });

  for (const mode of ['native', 'generic'] as const)
    test(
      `ctga first, at XDP (${mode}): xdp-filter joins, and leaves`,
      { skip },
      async (context) => {
        const plane = await watch(mode);
        const first = await linkOf(plane);
        if (!isDispatched()) {
          assert.equal(first?.dispatched, false);
          assert.match(first.why, /no other XDP program can run beside it \(libxdp/);
          return context.diagnostic('NOT JOINED: this kernel refuses freplace');
        }
        filter('load', '-m', mode === 'native' ? 'native' : 'skb');
        await copies(plane);
        const drop = ['xdp-filter', 'port', '53', '-m', 'src', '-p', 'udp'];
        assert.equal(inObserver(...drop).status, 0);
        await copies(plane);
        assert.deepEqual(await linkOf(plane), { ...first, attached: true });
        filter('unload');
        await copies(plane);
        // Another mode is another dispatcher, and `tc` none.
        const other = observer();
        await plane.kill();
        const changed = await other.attach(
          { mode: mode === 'native' ? 'generic' : 'native' },
          link,
        );
        assert.equal(changed.tookOver, false);
        await copies(other);
        await other.kill();
        const tc = observer();
        assert.equal((await tc.attach({ mode: 'tc' }, link)).mode, 'tcx');
        assert.equal(link.xdp(), undefined);
        await copies(tc);
      },
    );

  test(
    'without CAP_SYS_ADMIN, which libxdp needs, all is as without a dispatcher, and that is said',
    { skip },
    async (context) => {
      const rights = ['--bounding-set=-all,+bpf,+net_admin,+perfmon', '--inh-caps=-all'];
      const limited = (): Child => {
        const child = new Child(link.observer, ['setpriv', ...rights]);
        children.push(child);
        return child;
      };
      const first = limited();
      const { why } = await first.attach({ mode: 'native' }, link);
      assert.match(
        why ?? '',
        /no other XDP program can run beside it \(libxdp needs CAP_SYS_ADMIN\)$/,
      );
      await first.ask({ method: 'detach' });
      const isThere = loadFilter(context);
      const beside = await limited().attach({}, link);
      assert.equal(beside.mode, 'tcx');
      if (isThere)
        assert.match(beside.why ?? '', /which ctga cannot join \(libxdp needs CAP_SYS_ADMIN\)$/);
      filter('unload');
    },
  );

  test(
    'who takes the whole dispatcher off leaves ctga blind until it attaches again',
    { skip },
    async (context) => {
      const plane = await watch('native');
      if (!isDispatched()) return context.diagnostic('NOT JOINED: this kernel refuses freplace');
      assert.equal(inObserver('xdp-loader', 'unload', '--all', link.interfaceName).status, 0);
      assert.equal((await linkOf(plane))?.attached, false);
      await plane.kill();
      const next = observer();
      await next.attach({ mode: 'native' }, link);
      await copies(next);
      assert.equal((await linkOf(next))?.dispatched, true);
      await next.ask({ method: 'detach' });
      assert.equal(link.xdp(), undefined);
    },
  );
});
