// SPDX-License-Identifier: Apache-2.0
/**
 * Where data planes are pinned, and who finds them there: by network namespace and interface index,
 * in namespaces that each have an eth0.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';

import { openForWriting, stateAt } from '../../src/store/state.ts';
import { CTGA, type Ran } from '../support/ctga.ts';
import { dnsAnswer, frameV4 } from '../support/packets.ts';
import { Child, Link, pinsIn, PINS_ROOT, run } from './namespaces.ts';

const NAME = 'sth.log.example';
const frame = frameV4(dnsAnswer({ name: NAME, strings: ['1.2.3.4'] }));
const state = mkdtempSync(join(tmpdir(), 'ctga-test-'));
// Where a store is named, one is expected.
openForWriting(stateAt(state)).close();
after(() => rmSync(state, { recursive: true }));

let near: Link;
let far: Link;
let children: Child[];
/** What this test left at places of an earlier version. */
let named: string[];

beforeEach(() => {
  [near, far, children, named] = [new Link('eth0'), new Link('eth0'), [], []];
});
afterEach(async () => {
  for (const child of children) await child.kill();
  for (const each of [near, far]) {
    each.detach();
    each.remove();
  }
  for (const pins of named) rmSync(pins, { recursive: true, force: true });
});

function childOf({ observer }: Link): Child {
  const child = new Child(observer);
  children.push(child);
  return child;
}

const XDP = { mode: 'native' } as const;
const FILTER = { mode: 'tc', oldKernel: true } as const;

/** Attaches, copies so many answers, and ends without a word. */
async function leaveAttached(
  link: Link,
  answers: number,
  options: typeof XDP | typeof FILTER = XDP,
): Promise<void> {
  const child = childOf(link);
  await child.attach(options, link);
  await child.ask({ method: 'known', names: [NAME] });
  await link.sendFrames(Array.from({ length: answers }, () => frame));
  await child.kill('SIGKILL');
}

function ctga(link: Link, ...args: readonly string[]): Ran {
  const there = [`--net=/run/netns/${link.observer}`, '--', CTGA, ...args, '--state-dir', state];
  const env = { ...process.env, CTGA_NODE: process.execPath };
  const { status, stdout, stderr } = spawnSync('nsenter', there, { encoding: 'utf8', env });
  return { code: status, stdout, stderr };
}

interface Status {
  readonly dataPlanes: readonly { readonly interface: string; readonly attached: boolean }[];
  readonly elsewhere: readonly string[];
}
function statusOf(link: Link): { here: string[]; elsewhere: readonly string[] } {
  const { stdout, stderr } = ctga(link, 'status', '--json');
  assert.equal(stderr, '');
  const { dataPlanes, elsewhere } = JSON.parse(stdout) as Status;
  return {
    here: dataPlanes.map(({ interface: name, attached }) => (attached ? name : `${name}, blind`)),
    elsewhere,
  };
}

/** As the version before pinned it: by the name of the interface, without notes. */
function pinByName(link: Link): string {
  const [from, to] = [link.pins ?? assert.fail(), join(PINS_ROOT, link.interfaceName)];
  for (const note of ['interface', 'namespace', 'why']) unlinkSync(join(from, note));
  renameSync(from, to);
  named.push(to);
  return to;
}

function rename(link: Link, from: string, to: string): void {
  for (const change of [['down'], ['name', to]])
    run('ip', '-n', link.observer, 'link', 'set', from, ...change);
  run('ip', '-n', link.observer, 'link', 'set', to, 'up');
}

test('two namespaces with an eth0 each: each sees and detaches its own', async () => {
  const [one, other] = [childOf(near), childOf(far)];
  await one.attach({}, near);
  await other.attach({}, far);
  await one.ask({ method: 'known', names: [NAME] });
  await near.sendFrames([frame, frame]);
  assert.equal((await one.ask({ method: 'state' })).counters.packets >= 2n, true);
  assert.equal((await other.ask({ method: 'state' })).counters.answers, 0n);
  assert.equal((await one.ask({ method: 'state' })).counters.answersCopied, 2n);
  const nearName = `${near.namespaceInode}/eth0`;
  const farName = `${far.namespaceInode}/eth0`;
  for (const [link, elsewhere] of [
    [near, farName],
    [far, nearName],
  ] as const) {
    const status = statusOf(link);
    assert.deepEqual(status.here, ['eth0']);
    assert(status.elsewhere.includes(elsewhere));
  }

  const all = ctga(near, 'detach', '--all');
  assert.match(all.stdout, new RegExp(`^Detached from eth0\\.\nLeft in .*: .*${farName}`));
  assert.deepEqual([near.xdp(), near.pins], [undefined, undefined]);
  const none = ctga(near, 'detach', 'eth0');
  assert.equal(none.code, 1);
  assert.match(none.stderr, /ctga is not attached to eth0/);
  assert.equal((await other.ask({ method: 'state' })).attached, true);

  assert.equal(ctga(near, 'detach', farName).stdout, `Detached from ${farName}.\n`);
  assert.deepEqual([far.xdp(), far.pins], [undefined, undefined]);
});

test('a filter of another namespace is its own to remove: that is said, and where', async () => {
  await leaveAttached(far, 0, FILTER);
  const name = `${far.namespaceInode}/eth0`;
  const refused = ctga(near, 'detach', name);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, new RegExp(`nsenter --net=/run/netns/${far.observer} ctga detach`));
  assert.equal(ctga(far, 'detach', 'eth0').code, 0);
  assert.deepEqual(pinsIn(far.observer), []);
});

test('an interface that is renamed goes on under its present name, with one program', async () => {
  const first = childOf(near);
  await first.attach({}, near);
  await first.ask({ method: 'known', names: [NAME] });
  await near.sendFrames([frame]);
  const { pins } = near;
  rename(near, 'eth0', 'wan0');
  assert.deepEqual(statusOf(near).here, ['wan0']);
  const attach = { method: 'attach', options: { interfaceName: 'wan0' } } as const;
  await assert.rejects(childOf(near).ask(attach), /another process already observes wan0/);
  await assert.rejects(childOf(near).attach({}, near), /no network interface named eth0/);
  await near.sendFrames([frame]);
  assert.equal(near.attached()?.link.attached, true);
  assert.equal(near.attached()?.counters.answersCopied, 2n);
  await first.kill('SIGKILL');

  const { tookOver, formerName } = await childOf(near).ask(attach);
  assert.deepEqual([tookOver, formerName], [true, 'eth0']);
  assert.deepEqual(pinsIn(near.observer), [pins]);
  assert.equal(near.attached()?.counters.answersCopied, 2n);
  const old = ctga(near, 'detach', 'eth0');
  assert.match(old.stderr, /ctga is not attached to eth0/);
  assert.equal(ctga(near, 'detach', 'wan0').code, 0);
  assert.deepEqual(pinsIn(near.observer), []);
});

test('one that comes back with another index takes over what its name left', async () => {
  await leaveAttached(near, 3);
  const { pins } = near;
  near.deleteInterfaces();
  run('ip', '-n', near.observer, 'link', 'add', 'other0', 'type', 'bridge'); // takes the next index
  near.addInterfaces();
  assert.deepEqual(statusOf(near).here, ['eth0, blind']);
  await childOf(near).attach({}, near);
  assert.equal(near.attached()?.counters.answersCopied, 3n);
  assert.notEqual(near.pins, pins);
  assert.equal(pinsIn(near.observer).length, 1);
});

test('one that moves to another namespace is taken over there', async () => {
  await leaveAttached(near, 1);
  run('ip', '-n', near.observer, 'link', 'set', 'eth0', 'netns', far.observer, 'name', 'moved0');
  run('ip', '-n', far.observer, 'link', 'set', 'moved0', 'up');
  const attach = { method: 'attach', options: { interfaceName: 'moved0' } } as const;
  const { tookOver } = await childOf(far).ask(attach);
  assert.equal(tookOver, true);
  assert.deepEqual(pinsIn(near.observer), []);
  assert.equal(far.attached()?.counters.answersCopied, 1n);
});

test('the pins of a namespace that ended are not those of one with its number', async () => {
  await leaveAttached(near, 2);
  const note = join(near.pins ?? assert.fail(), 'namespace');
  const cookie = readlinkSync(note);
  near.deleteInterfaces();
  unlinkSync(note);
  symlinkSync(`${cookie}0`, note);
  const { pins } = near;
  const index = /-(\d+)$/.exec(pins ?? '')?.[1] ?? assert.fail();
  assert.deepEqual(statusOf(near).here, []);
  near.addInterfaces(index);
  assert.equal((await childOf(near).attach({}, near)).tookOver, false);
  assert.deepEqual(pinsIn(near.observer), [pins]);
  assert.equal(near.attached()?.counters.answersCopied, 0n);
  assert.equal(readlinkSync(note), cookie);
});

describe('pins that the version before made by name', () => {
  for (const options of [XDP, FILTER])
    test(`are seen, and taken over with their counters (${options.mode})`, async () => {
      await leaveAttached(near, 5, options);
      const byName = pinByName(near);
      assert.deepEqual(statusOf(near), { here: ['eth0'], elsewhere: statusOf(near).elsewhere });
      const child = childOf(near);
      assert.equal((await child.attach({}, near)).tookOver, true);
      assert.equal((await child.ask({ method: 'state' })).counters.answersCopied, 5n);
      assert.equal(existsSync(byName), false);
      assert.equal(pinsIn(near.observer).length, 1);
      assert.equal(ctga(near, 'detach', 'eth0').code, 0);
      assert.deepEqual(pinsIn(near.observer), []);
    });

  test('are removed by detach, in their own namespace alone', async () => {
    await leaveAttached(near, 1);
    const byName = pinByName(near);
    assert.deepEqual(statusOf(far).here, []);
    assert(statusOf(far).elsewhere.includes('unknown/eth0'));
    assert.match(ctga(far, 'detach', '--all').stdout, /^Nothing was attached\./);
    const child = childOf(far);
    assert.equal((await child.attach({}, far)).tookOver, false);
    assert.deepEqual([existsSync(byName), near.xdp() !== undefined], [true, true]);
    assert.equal(ctga(near, 'detach', 'eth0').code, 0);
    assert.deepEqual([existsSync(byName), near.xdp()], [false, undefined]);
    assert.equal((await child.ask({ method: 'state' })).attached, true);
  });

  test('of an interface that came back meanwhile are taken over too', async () => {
    await leaveAttached(near, 4);
    const byName = pinByName(near);
    near.deleteInterfaces();
    assert.deepEqual(statusOf(near).here, ['eth0, blind']);
    near.addInterfaces();
    await childOf(near).attach({}, near);
    assert.equal(existsSync(byName), false);
    assert.equal(near.attached()?.counters.answersCopied, 4n);
  });
});

/** Attaches over a BPF file system of its own that anybody may list and write to. */
function onOpenMount(prepare: string): string {
  const module = new URL('../../src/dataplane/xdp.ts', import.meta.url).href;
  const attach = `import { attachXdp } from '${module}';
    try { attachXdp({ interfaceName: 'eth0' }).close(); console.log('attached'); } catch (error) { console.log(error.message); }`;
  const script = `
    mount -t bpf bpf /sys/fs/bpf
    ${prepare}
    "$0" --import tsx --input-type=module -e "$1"
    stat -c '%a %U' /sys/fs/bpf /sys/fs/bpf/ctga /sys/fs/bpf/ctga/netns-*
    setpriv --reuid=nobody --clear-groups ls /sys/fs/bpf/ctga >/dev/null 2>&1 && echo listed by anybody
    true`;
  const inside = ['unshare', '--mount', 'sh', '-c', script, process.execPath, attach];
  return run('nsenter', `--net=/run/netns/${near.observer}`, ...inside);
}

describe('where everybody may look into the BPF file system', () => {
  test('nobody may look into the directories of ctga', () => {
    assert.equal(onOpenMount(''), 'attached\n1777 root\n700 root\n700 root\n');
    assert.equal(
      onOpenMount('mkdir -m 777 /sys/fs/bpf/ctga'),
      'attached\n1777 root\n700 root\n700 root\n',
    );
  });

  test('a directory that somebody else has made is refused', () => {
    assert.match(
      onOpenMount('mkdir /sys/fs/bpf/ctga; chown nobody /sys/fs/bpf/ctga'),
      /^use \/sys\/fs\/bpf\/ctga, which belongs to the account 65534: /,
    );
    assert.equal(near.xdp(), undefined);
  });
});
