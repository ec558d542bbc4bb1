// SPDX-License-Identifier: Apache-2.0
/**
 * Other devices than veth, and other people's XDP programs by libxdp. What the machine has not (a
 * device of a kind, xdp-tools) is skipped, with a word.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, test, type TestContext } from 'node:test';

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

  test(
    'xdp-filter first, then ctga: both run, and status says what is before it',
    { skip },
    async () => {
      const { interfaceName } = link;
      assert.equal(inObserver('xdp-filter', 'load', interfaceName, '-m', 'native').status, 0);
      const plane = observer();
      const { mode, why } = await plane.attach({}, link);
      assert.equal(mode, 'tcx');
      assert.match(why ?? '', /already runs the XDP program "(xdp_dispatcher|xdpfilt_)/);
      await plane.ask({ method: 'known', names: [NAME] });
      await copies(plane);
      const { seen } = await plane.ask({ method: 'state' });
      assert.match(seen?.link.behind.join() ?? '', /^the XDP program "(xdp_dispatcher|xdpfilt_)/);
      await plane.ask({ method: 'detach' });
      assert.notEqual(link.xdp(), undefined, 'xdp-filter stays');
      assert.equal(inObserver('xdp-filter', 'unload', interfaceName).status, 0);
    },
  );

  test(
    'ctga first, then xdp-filter: both run, and ctga stays when that goes',
    { skip },
    async () => {
      const { interfaceName } = link;
      const plane = observer();
      await plane.attach({}, link);
      await plane.ask({ method: 'known', names: [NAME] });
      await copies(plane);
      assert.equal(inObserver('xdp-filter', 'load', interfaceName, '-m', 'native').status, 0);
      await copies(plane);
      const { seen } = await plane.ask({ method: 'state' });
      assert.deepEqual([seen?.link.attached, seen?.link.behind.length], [true, 1]);
      assert.equal(inObserver('xdp-filter', 'unload', interfaceName).status, 0);
      assert.equal(link.xdp(), undefined);
      await copies(plane);
    },
  );
});
