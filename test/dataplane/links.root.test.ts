// SPDX-License-Identifier: Apache-2.0
/**
 * Interfaces whose frames do not begin with Ethernet: read at TC ingress, or refused. Packets go
 * through a tun device, which gives the kernel what a program writes.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';

import type { AttachXdpOptions } from '../../src/dataplane/xdp.ts';
import { DatagramDecoder } from '../../src/packet/decode.ts';
import { cutOff, damaged, NAMES, NAMES_HEX, seeds } from '../support/corpus.ts';
import { dnsAnswer, ipv4, ipv6, udp } from '../support/packets.ts';
import { SEED } from '../support/random.ts';
import { accountingErrors, expectedOf, moved } from '../xdp/verdict.ts';
import { Child, Link, run } from './namespaces.ts';

const NAME = 'sth.log.example';
const THRESHOLD = 400;

/** A tun device. What is written to it arrives there, with the EtherType that is said. */
class Tun {
  readonly name = 'tun0';
  readonly #python: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;

  constructor(namespace: string) {
    const program = `
import fcntl, os, struct, subprocess, sys
tun = os.open('/dev/net/tun', os.O_RDWR)
fcntl.ioctl(tun, 0x400454ca, struct.pack('16sH', b'tun0', 1))  # TUNSETIFF, IFF_TUN
link = lambda state: subprocess.run(['ip', 'link', 'set', 'tun0', state], check=True)
link('up')
print(flush=True)
for line in sys.stdin:
    do, *words = line.split()
    if do == 'type':
        link('down')
        fcntl.ioctl(tun, 0x400454cd, int(words[0]))  # TUNSETLINK
        link('up')
    else:
        for word in words: os.write(tun, bytes.fromhex(word))
    print(flush=True)
`;
    const args = [`--net=/run/netns/${namespace}`, 'python3', '-c', program];
    this.#python = spawn('nsenter', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#python.stdout })[Symbol.asyncIterator]();
  }

  async isReady(): Promise<void> {
    const { done } = await this.#answers.next();
    assert.notEqual(done, true, 'no tun device could be made');
  }

  async #ask(...words: readonly string[]): Promise<void> {
    this.#python.stdin.write(`${words.join(' ')}\n`);
    await this.isReady();
  }

  /** An ARPHRD type. */
  setType(type: number): Promise<void> {
    return this.#ask('type', `${type}`);
  }

  /** Ethernet frames, without all of their header but the EtherType. */
  async receive(frames: readonly Uint8Array[]): Promise<void> {
    for (let at = 0; at < frames.length; at += 100) {
      const some = frames
        .slice(at, at + 100)
        .map((frame) => Buffer.from(frame).toString('hex', 12));
      await this.#ask('write', ...some.map((hex) => `0000${hex}`));
    }
  }

  async remove(): Promise<void> {
    const gone = once(this.#python, 'exit');
    this.#python.stdin.end();
    await gone;
  }
}

const answer = dnsAnswer({ name: NAME, strings: ['1.2.3.4'] });
/** A frame as the observer gets it: behind an Ethernet header of no addresses. */
function behindNothing(packet: Uint8Array): Uint8Array {
  const etherType = (packet[0] ?? 0) >> 4 === 6 ? [0x86, 0xdd] : [0x08, 0x00];
  return Uint8Array.from([...new Uint8Array(12), ...etherType, ...packet]);
}
const answers = [
  behindNothing(ipv4({ payload: udp({ payload: answer }) })),
  behindNothing(
    ipv6({
      payload: udp({ payload: answer, source: '2001:db8::53', destination: '2001:db8:1::7' }),
    }),
  ),
];

let link: Link;
let tun: Tun;
let child: Child;

async function make(): Promise<void> {
  link = new Link();
  tun = new Tun(link.observer);
  await tun.isReady();
  child = new Child(link.observer);
}

async function remove(): Promise<void> {
  await child.kill();
  link.detach();
  await tun.remove();
  link.remove();
}

function attach(options: Partial<AttachXdpOptions> = {}) {
  const copyAll = { seenMilliseconds: 0, answersPerSecond: 0, fragmentsPerSecond: 0 };
  return child.ask({
    method: 'attach',
    options: {
      ...copyAll,
      threshold: THRESHOLD,
      ringBytes: 16 << 20,
      ...options,
      interfaceName: 'tun0',
    },
  });
}

describe('a tun device', () => {
  beforeEach(make);
  afterEach(remove);

  test('is read at TC ingress: 20 of 20 answers', async () => {
    assert.match((await attach()).mode, /^tcx?$/);
    await child.ask({ method: 'known', names: [NAME] });
    await child.ask({ method: 'start' });
    await tun.receive(Array.from({ length: 10 }, () => answers).flat());
    const packets = await child.ask({ method: 'packets', atLeast: 20 });
    const decoder = new DatagramDecoder();
    for (const [i, { frame, frameLength }] of packets.entries()) {
      assert.deepEqual(Uint8Array.from(frame), answers[i % 2]);
      assert.equal(frameLength, answers[i % 2]?.length);
      assert.deepEqual(decoder.push(frame, 0, 'tun0')?.payload, answer);
    }
    const { counters, attached } = await child.ask({ method: 'state' });
    assert.equal(attached, true);
    assert.equal(counters.answersCopied, 20n);
    assert.equal(counters.notIp, 0n);
  });

  test('is taken over, and is still read', async () => {
    await attach();
    await child.ask({ method: 'known', names: [NAME] });
    await tun.receive(answers);
    await child.kill('SIGKILL');
    child = new Child(link.observer);
    assert.equal((await attach()).tookOver, true);
    await tun.receive(answers);
    assert.equal((await child.ask({ method: 'state' })).counters.answersCopied, 4n);
  });

  test('is refused where XDP is asked for', async () => {
    for (const mode of ['native', 'generic'] as const)
      await assert.rejects(attach({ mode }), {
        code: 'bad-input',
        message: 'frames on tun0 begin with IP, and XDP reads Ethernet',
      });
    await assert.rejects(attach({ atCpuPort: true }), { code: 'bad-input' });
    assert.equal(link.pins, undefined);
  });

  for (const [type, name] of [
    [803, 'type 803 (IEEE 802.11)'],
    [32, 'type 32 (InfiniBand)'],
    [280, 'type 280 (CAN)'],
    [65_533, 'type 65533'],
  ] as const)
    test(`is refused where its link layer cannot be read: ${name}`, async () => {
      await tun.setType(type);
      await assert.rejects(attach(), {
        code: 'bad-input',
        message: `tun0 has a link layer that ctga cannot read: ${name}`,
      });
      assert.equal(link.pins, undefined);
    });

  test('of another type all of a sudden is blind, and says so', async () => {
    await attach();
    assert.equal((await child.ask({ method: 'state' })).attached, true);
    for (const type of [1, 803]) {
      await tun.setType(type);
      assert.equal((await child.ask({ method: 'state' })).attached, false);
    }
    await tun.setType(512); // PPP
    assert.equal((await child.ask({ method: 'state' })).attached, true);
  });
});

/** Makes the device t0 there; false if this kernel has no such devices. */
function addDevice(namespace: string, ...args: readonly string[]): boolean {
  const command = ['-n', namespace, 'link', 'add', 't0', 'type', ...args];
  return spawnSync('ip', command, { stdio: 'ignore' }).status === 0;
}

describe('a tunnel', () => {
  beforeEach(() => {
    link = new Link();
  });
  // After a test that skips itself, what is to be done after each is not done.
  const removeAll = async (started?: Child): Promise<void> => {
    await started?.kill();
    link.detach();
    link.remove();
  };

  const [here, there] = ['10.99.0.1', '10.99.0.2'];
  const ends = (local: string, remote: string): string[] => ['local', local, 'remote', remote];
  const ipsec = (direction: 'in' | 'out', of: readonly string[]): string[][] => [
    [
      ...['xfrm', 'state', 'add', 'src', there, 'dst', here, 'proto', 'esp', 'spi', '1'],
      ...['mode', 'tunnel', ...of, 'auth', 'hmac(sha1)', `0x${'01'.repeat(20)}`],
      ...['enc', 'ecb(cipher_null)', ''],
    ],
    [
      ...['xfrm', 'policy', 'add', 'dir', direction, ...of],
      ...['tmpl', 'src', there, 'dst', here, 'proto', 'esp', 'mode', 'tunnel'],
    ],
  ];
  const devices: readonly {
    readonly name: string;
    readonly observer: readonly string[];
    readonly sender: readonly string[];
    readonly ipsec?: readonly string[];
  }[] = [
    ...['ipip', 'gre', 'sit'].map((kind) => ({
      name: kind,
      observer: [kind, ...(kind === 'sit' ? ['mode', 'any'] : []), ...ends(here, there)],
      sender: [kind, ...(kind === 'sit' ? ['mode', 'any'] : []), ...ends(there, here)],
    })),
    // These two have something in front of IP: the outer headers, and Ethernet.
    {
      name: 'gre from anybody',
      observer: ['gre', 'local', here, 'key', '7'],
      sender: ['gre', ...ends(there, here), 'key', '7'],
    },
    {
      name: 'xfrm, of IPsec',
      observer: ['xfrm', 'dev', 'lo', 'if_id', '9'],
      sender: ['xfrm', 'dev', 'lo', 'if_id', '9'],
      ipsec: ['if_id', '9'],
    },
  ];
  for (const { name, observer, sender, ipsec: of } of devices)
    test(`is read: ${name}`, async (t) => {
      if (!addDevice(link.observer, ...observer) || !addDevice(link.sender, ...sender)) {
        await removeAll();
        return t.skip(`this kernel has no ${name} devices, so they are NOT tried`);
      }
      child = new Child(link.observer);
      t.after(() => removeAll(child));
      for (const [namespace, address, direction] of [
        [link.observer, '10.98.0.1', 'in'],
        [link.sender, '10.98.0.2', 'out'],
      ] as const) {
        if (of !== undefined)
          for (const command of ipsec(direction, of)) run('ip', '-n', namespace, ...command);
        run('ip', '-n', namespace, 'address', 'add', `${address}/24`, 'dev', 't0');
        run('ip', '-n', namespace, 'link', 'set', 't0', 'up');
      }
      const options = { seenMilliseconds: 0, interfaceName: 't0' };
      assert.match((await child.ask({ method: 'attach', options })).mode, /^tcx?$/);
      await child.ask({ method: 'known', names: [NAME] });
      await child.ask({ method: 'start' });
      const program = [
        'import socket, sys',
        's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
        "s.bind(('10.98.0.2', 53))",
        "for i in range(20): s.sendto(bytes.fromhex(sys.argv[1]), ('10.98.0.1', 40000))",
      ].join('\n');
      const hex = Buffer.from(answer).toString('hex');
      run('nsenter', `--net=/run/netns/${link.sender}`, 'python3', '-c', program, hex);
      const packets = await child.ask({ method: 'packets', atLeast: 20 });
      const decoder = new DatagramDecoder();
      for (const { frame } of packets)
        assert.deepEqual(decoder.push(frame, 0, 't0')?.payload, answer);
      assert.equal((await child.ask({ method: 'state' })).counters.answersCopied, 20n);
    });
});

describe('damaged packets on a tun device', () => {
  before(make);
  after(remove);

  test(`are judged as behind Ethernet (CTGA_TEST_SEED=${SEED})`, async (t) => {
    await attach();
    await child.ask({ method: 'known', names: ['sth.log.example', 'sth.a', 'sth'] });
    assert.equal(NAMES.length, 3);
    // The kernel takes a tag off before TC, and no empty packet.
    const hasTag = (frame: Uint8Array): boolean =>
      [0x8100, 0x88a8].includes(((frame[12] ?? 0) << 8) | (frame[13] ?? 0));
    const frames = [...seeds, ...cutOff(), ...damaged(10_000, SEED)]
      .filter((frame) => !hasTag(frame) && frame.length > 14)
      .map((frame) => Uint8Array.from([...new Uint8Array(12), ...frame.subarray(12)]));
    const expected = frames.map((frame) => expectedOf(frame, NAMES_HEX, THRESHOLD));
    const idle = (await child.ask({ method: 'state' })).counters;
    await child.ask({ method: 'start' });
    await tun.receive(frames);

    const { counters } = await child.ask({ method: 'state' });
    assert.deepEqual(accountingErrors(counters), []);
    const wanted: Record<string, number> = { packets: frames.length };
    for (const { verdict, copied } of expected)
      for (const name of copied > 0 ? [verdict, `${verdict}Copied`] : [verdict])
        wanted[name] = (wanted[name] ?? 0) + 1;
    // IPv6 itself sends nothing to a tun device that comes back.
    assert.deepEqual(moved(idle, counters), wanted);

    const copies = frames.flatMap((frame, i) => {
      const copied = expected[i]?.copied ?? 0;
      return copied > 0 ? [Buffer.from(frame.subarray(0, copied)).toString('hex')] : [];
    });
    const packets = await child.ask({ method: 'packets', atLeast: copies.length });
    const got = packets.map(({ frame }) => Buffer.from(frame).toString('hex'));
    assert.deepEqual(got.sort(), copies.sort());
    t.diagnostic(`${frames.length} packets, ${copies.length} copies`);
  });
});
