// SPDX-License-Identifier: Apache-2.0
/**
 * Our reassembly against the Linux kernel's: the same fragments go to both, and a UDP socket must
 * get what we put together. Needs root.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { DatagramDecoder } from '../../src/packet/decode.ts';
import { fc } from '../support/random.ts';
import {
  concat,
  ethernet,
  fragmentIpv4,
  fragmentIpv6,
  ipv4,
  ipv6,
  ipv6Fragment,
  udp,
} from '../support/packets.ts';

type Version = 4 | 6;
const NAMESPACE = `ctga-test-${process.pid}-frag`;
const ADDRESS = { 4: '127.0.0.1', 6: '::1' } as const;

let peer: ChildProcessByStdio<Writable, Readable, null> | undefined;
let answers: AsyncIterator<string>;

before(() => {
  execFileSync('ip', ['netns', 'add', NAMESPACE]);
  const inside = [`--net=/run/netns/${NAMESPACE}`];
  execFileSync('nsenter', [...inside, 'ip', 'link', 'set', 'lo', 'up']);
  // All cases come from one address, so Linux would take their fragments for hopelessly disordered.
  for (const [name, value] of [
    ['ipv4/ipfrag_max_dist', 0],
    ['ipv4/ipfrag_high_thresh', 64 << 20],
    ['ipv6/ip6frag_high_thresh', 64 << 20],
  ] as const) {
    const setting = `echo ${value} >/proc/sys/net/${name}`;
    execFileSync('nsenter', [...inside, 'sh', '-c', setting]);
  }
  const script = join(import.meta.dirname, 'kernel-peer.ts');
  peer = spawn('nsenter', [...inside, process.execPath, '--import', 'tsx', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  answers = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
});

after(async () => {
  if (peer?.exitCode === null) {
    const gone = once(peer, 'exit');
    peer.stdin.end();
    await gone;
  }
  execFileSync('ip', ['netns', 'delete', NAMESPACE]);
});

async function byKernel(packets: readonly Uint8Array[]): Promise<string[]> {
  assert.ok(peer);
  peer.stdin.write(
    `${JSON.stringify(packets.map((packet) => Buffer.from(packet).toString('hex')))}\n`,
  );
  const answer = await answers.next();
  assert.ok(answer.done !== true, 'the peer has gone');
  return JSON.parse(answer.value) as string[];
}

function byUs(packets: readonly Uint8Array[]): string[] {
  const decoder = new DatagramDecoder();
  return packets.flatMap((payload) => {
    const datagram = decoder.push(ethernet({ payload }), 0, 'lo');
    // A socket gets no datagram whose checksum is bad; we do, marked.
    if (datagram === undefined || datagram.checksum === 'bad') return [];
    return [Buffer.from(datagram.payload).toString('hex')];
  });
}

let nextIdentification = 1;
/** One for each case, so that what one leaves behind cannot meet another. */
function identification(): number {
  nextIdentification = (nextIdentification % 0xffff) + 1;
  return nextIdentification;
}

function addressed(version: Version) {
  return { source: ADDRESS[version], destination: ADDRESS[version] };
}

function udpOf(
  version: Version,
  payload: Uint8Array,
  checksum: 'full' | 'none' = 'full',
): Uint8Array {
  return udp({ payload, destinationPort: 5300, checksum, ...addressed(version) });
}

function piece(
  version: Version,
  id: number,
  bytes: Uint8Array,
  fragmentOffset: number,
  moreFragments: boolean,
): Uint8Array {
  const options = {
    payload: bytes,
    fragmentOffset,
    moreFragments,
    identification: id,
    ...addressed(version),
  };
  return version === 4 ? ipv4(options) : ipv6Fragment(options);
}

/** Deterministic, so that a failure can be run again: a linear congruential generator. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
}

function shuffled<T>(items: readonly T[], random: (below: number) => number): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = random(i + 1);
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}

for (const version of [4, 6] as const) {
  describe(`IPv${version}`, () => {
    test('every fragment size, last half first', async () => {
      const payload = Uint8Array.from({ length: 1000 }, (_, i) => (i * 31) & 0xff);
      for (let size = 8; size <= 1000; size += 8) {
        const packet =
          version === 4
            ? ipv4({
                payload: udpOf(4, payload),
                identification: identification(),
                ...addressed(4),
              })
            : ipv6({ payload: udpOf(6, payload), ...addressed(6) });
        const fragments =
          version === 4 ? fragmentIpv4(packet, size) : fragmentIpv6(packet, size, identification());
        const half = fragments.length >>> 1;
        const packets = [...fragments.slice(half), ...fragments.slice(0, half)];
        const expected = [Buffer.from(payload).toString('hex')];
        assert.deepEqual(await byKernel(packets), expected, `size ${size}: the kernel`);
        assert.deepEqual(byUs(packets), expected, `size ${size}: us`);
      }
    });

    test('legal fragments in any order, with duplicates', async () => {
      for (let seed = 0; seed < 300; seed++) {
        const random = randomFrom(seed);
        const bytes = udpOf(
          version,
          Uint8Array.from({ length: 1 + random(600) }, () => random(256)),
        );
        const id = identification();
        const borders = [0];
        while ((borders.at(-1) ?? 0) < bytes.length)
          borders.push((borders.at(-1) ?? 0) + 8 * (1 + random(12)));
        const fragments = borders.slice(0, -1).map((start, i) => {
          const end = Math.min(borders[i + 1] ?? 0, bytes.length);
          return piece(version, id, bytes.subarray(start, end), start, end < bytes.length);
        });
        const packets = shuffled([...fragments, ...fragments.slice(0, random(4))], random);
        const kernel = await byKernel(packets);
        assert.ok(kernel.length >= 1, `seed ${seed}`);
        assert.deepEqual(byUs(packets), kernel, `seed ${seed}`);
      }
    });

    test('any fragments: what the kernel yields, we yield, and nothing else', async () => {
      /** 40 bytes after the UDP header, without a checksum where that is allowed. */
      const bytes = udpOf(
        version,
        Uint8Array.from({ length: 40 }, (_, i) => i * 5 + 1),
        version === 4 ? 'none' : 'full',
      );
      const part = fc.record({
        start: fc.nat(5),
        units: fc.integer({ min: 1, max: 6 }),
        /** Most are pieces of one datagram: only some lie about their length and their end. */
        fault: fc.nat(19),
        other: fc.nat(255),
        rank: fc.nat(),
      });
      /** Two parts that fit, and what comes in between. */
      const cases = fc
        .record({
          cut: fc.integer({ min: 1, max: 5 }),
          ranks: fc.tuple(fc.nat(), fc.nat()),
          others: fc.array(part, { maxLength: 5 }),
        })
        .map(({ cut, ranks: [first, second], others }) =>
          [
            { start: 0, units: cut, fault: 0, other: 0, rank: first },
            { start: cut, units: 6 - cut, fault: 0, other: 0, rank: second },
            ...others,
          ].sort((a, b) => a.rank - b.rank),
        );
      const seen = { both: 0, twice: 0, neither: 0 };
      await fc.assert(
        fc.asyncProperty(cases, async (parts) => {
          const id = identification();
          const packets = parts.map(({ start, units, fault, other }) => {
            const from = start * 8;
            let end = Math.min(from + units * 8, bytes.length);
            let more = end < bytes.length;
            if (fault === 1) end += 8;
            if (fault === 2) end -= 1 + (other % 7);
            if (fault === 3) end = from;
            if (fault === 4) more = !more;
            const offset = fault === 5 ? 65_528 - from : from;
            const content = new Uint8Array(Math.max(0, end - from));
            content.set(bytes.subarray(from, end));
            if (fault > 15) content.fill(other, from === 0 ? 8 : 0);
            return piece(version, id, content, offset, more);
          });
          const [kernel, ours] = [await byKernel(packets), byUs(packets)];
          if (kernel.length > 1) seen.twice += 1;
          else if (kernel.length === 1) seen.both += 1;
          else seen.neither += 1;
          assert.deepEqual(ours, kernel);
        }),
        { numRuns: 3000 },
      );
      // The test says something only where it met all three.
      assert.ok(
        Object.values(seen).every((count) => count > 20),
        JSON.stringify(seen),
      );
    });

    test('what begins anew after a contradiction', async () => {
      const bytes = udpOf(
        version,
        Uint8Array.from({ length: 40 }, (_, i) => i),
      );
      const [first, second] = [
        [0, 16],
        [8, 48],
      ] as const;
      const id = identification();
      const packets = [first, second, [0, 8], [8, 48]].map(([start = 0, end = 0]) =>
        piece(version, id, bytes.subarray(start, end), start, end < 48),
      );
      const expected = [Buffer.from(bytes.subarray(8)).toString('hex')];
      assert.deepEqual(byUs(packets), expected);
      assert.deepEqual(await byKernel(packets), expected);
    });

    test('bytes beyond the UDP length are ignored by both', async () => {
      const payload = Uint8Array.from({ length: 21 }, (_, i) => i);
      const bytes = concat(udpOf(version, payload), new Uint8Array(11));
      const id = identification();
      const packets = [
        piece(version, id, bytes.subarray(16), 16, false),
        piece(version, id, bytes.subarray(0, 16), 0, true),
      ];
      assert.deepEqual(byUs(packets), [Buffer.from(payload).toString('hex')]);
      assert.deepEqual(await byKernel(packets), byUs(packets));
    });
  });
}

test('IPv6 atomic fragments are whole to both', async () => {
  const bytes = udpOf(6, Uint8Array.of(1, 2, 3));
  const packets = [piece(6, 77, bytes, 0, false)];
  assert.deepEqual(byUs(packets), ['010203']);
  assert.deepEqual(await byKernel(packets), ['010203']);
});
