/**
 * The XDP program on damaged frames, against a second implementation of its verdict.
 *
 * Deterministic: the same frames every time, and others with CTGA_SEED=<number>; the seed is printed.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';

import { xdpObjectPath } from '../../src/dataplane/addon.ts';
import { loadXdp, type LoadedXdp, type LoadXdpOptions } from '../../src/dataplane/xdp.ts';
import {
  dnsAnswer,
  encodeName,
  ethernet,
  EtherType,
  fragmentIpv4,
  fragmentIpv6,
  frameV4,
  frameV6,
  ipv4,
  ipv6,
  overPppoe,
  udp,
} from '../support/packets.ts';
import { accountingErrors, expectedOf, moved } from './verdict.ts';

const XDP_PASS = 2;
const TC_ACT_UNSPEC = 0xffff_ffff;
const THRESHOLD = 400;
/** BPF_PROG_TEST_RUN takes no frame that is shorter than an Ethernet header. */
const SHORTEST_FRAME = 14;
const MUTATIONS = Number(process.env['CTGA_MUTATIONS'] ?? 20_000);

const NAMES = ['sth.log.example', 'sth.a', 'sth'].map(encodeName);
const NAMES_HEX = new Set(NAMES.map((name) => Buffer.from(name).toString('hex')));

const answer = dnsAnswer({
  name: 'sTh.LoG.example',
  strings: ['x'.repeat(100), 'y'.repeat(60)],
  optSize: 1232,
});
const tags = [{ tpid: EtherType.vlan, vlanId: 5 }];
const seeds = [
  frameV4(answer),
  frameV6(answer),
  frameV4(answer, { tags, options: Uint8Array.of(7, 7, 4, 0, 0, 0, 0) }),
  frameV6(answer, { tags }),
  frameV4(dnsAnswer({ name: 'sth.a', padding: 700 })),
  frameV4(dnsAnswer({ name: 'sth.log.example', strings: ['z'.repeat(200)], compressed: true })),
  frameV6(answer, { tags: [...tags, ...tags] }),
  overPppoe(frameV4(answer)),
  ethernet({
    payload: ipv6({
      nextHeader: 0,
      payload: Uint8Array.from([
        60,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        17,
        1,
        ...new Uint8Array(14),
        ...udp({ payload: answer }),
      ]),
    }),
  }),
  ...fragmentIpv4(ipv4({ payload: udp({ payload: answer }) }), 64).map((payload) => ethernet({ payload })),
  ...fragmentIpv6(ipv6({ payload: udp({ payload: answer }) }), 64).map((payload) =>
    ethernet({ payload, tags }),
  ),
];

/** mulberry32: small, and the same everywhere. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** One to eight small faults: another byte, a flipped bit, a cut, bytes put in or taken out. */
function mutate(frame: Uint8Array, below: (limit: number) => number): Uint8Array {
  let bytes = [...frame];
  for (let faults = 1 + below(8); faults > 0; faults--) {
    const at = below(bytes.length);
    switch (below(6)) {
      case 0:
        bytes[at] = below(256);
        break;
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
        break;
      case 2:
        bytes[at] = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff][below(8)] ?? 0;
        break;
      case 3:
        bytes.splice(at, 0, ...bytes.slice(at, at + 1 + below(16)));
        break;
      case 4:
        bytes.splice(at, 1 + below(4));
        break;
      case 5:
        if (below(4) === 0) bytes = bytes.slice(0, at);
        break;
    }
    while (bytes.length < SHORTEST_FRAME) bytes.push(0);
  }
  return Uint8Array.from(bytes);
}

/** The program and the model on one frame. */
function check(xdp: LoadedXdp, frame: Uint8Array, linear: number): void {
  const counted = xdp.counters();
  const result = xdp.testRun(frame, 1, linear);
  const frameText = (): string => `frame ${Buffer.from(frame).toString('hex')}`;
  assert([XDP_PASS, TC_ACT_UNSPEC].includes(result.verdict), frameText());
  assert(Buffer.from(frame).equals(result.packet), `altered: ${frameText()}`);

  const { verdict, copied } = expectedOf(frame, NAMES_HEX, THRESHOLD);
  const outcome = copied > 0 ? { [`${verdict}Copied`]: 1 } : {};
  assert.deepEqual(moved(counted, xdp.counters()), { packets: 1, [verdict]: 1, ...outcome }, frameText());
}

/** `linear`: bytes in the frame's first buffer, 0 for all. See program.root.test.ts. */
const forms: readonly { readonly form: string; readonly options: LoadXdpOptions; readonly linear: number }[] =
  [
    { form: 'in one buffer', options: {}, linear: 0 },
    { form: 'in two buffers, 14 bytes in the first', options: {}, linear: 14 },
    { form: 'in two buffers, 70 bytes in the first', options: {}, linear: 70 },
    { form: 'read without CAP_PERFMON', options: { objectPath: xdpObjectPath(false) }, linear: 0 },
    { form: 'read as on Linux 5.15', options: { oldKernel: true }, linear: 0 },
    { form: 'at TC ingress', options: { hook: 'tc' }, linear: 0 },
  ];
for (const { form, options, linear } of forms) {
  const skip = linear !== 0 && !canSpread() && 'BPF_PROG_TEST_RUN of this kernel cannot spread a frame';
  describe(`the program on damaged frames ${form}`, { skip }, () => onDamagedFrames(options, linear));
}

function canSpread(): boolean {
  const xdp = loadXdp();
  try {
    xdp.testRun(frameV4(answer), 1, 14);
    return true;
  } catch {
    return false;
  } finally {
    xdp.close();
  }
}

function onDamagedFrames(options: LoadXdpOptions, linear: number): void {
  let xdp: LoadedXdp;
  before(() => {
    // Room for every frame of a test, were all of them copied in large records.
    xdp = loadXdp({
      ...options,
      ...{ threshold: THRESHOLD, ringBytes: 64 << 20 },
      ...{ seenMilliseconds: 0, answersPerSecond: 0, fragmentsPerSecond: 0 },
    });
    xdp.setKnownNames(NAMES);
  });
  after(() => xdp.close());

  /** Feeds the frames, then takes the copies: they must be the beginnings of what was fed, in order. */
  async function run(t: TestContext, all: readonly Uint8Array[]): Promise<void> {
    // BPF_PROG_TEST_RUN makes no socket buffer of a frame that ends within its IP header.
    const frames = options.hook === 'tc' ? all.filter(({ length }) => length >= SHORTEST_FRAME + 40) : all;
    const earlier = xdp.counters();
    for (const frame of frames) check(xdp, frame, linear);

    // Each kind has a ring of its own, and keeps its order there.
    const expected = { answer: [] as Uint8Array[], fragment: [] as Uint8Array[] };
    for (const frame of frames) {
      const { verdict, copied } = expectedOf(frame, NAMES_HEX, THRESHOLD);
      if (copied > 0) expected[verdict === 'answers' ? 'answer' : 'fragment'].push(frame.subarray(0, copied));
    }
    const delivered = { answer: 0, fragment: 0 };
    xdp.start(
      ({ kind, frame }) => {
        if (kind === 'unknown') assert.fail('a record of no kind');
        const wanted = expected[kind][delivered[kind]++] ?? new Uint8Array(0);
        assert(Buffer.from(frame).equals(wanted), `${kind}: ${Buffer.from(frame).toString('hex')}`);
      },
      () => undefined,
    );
    await xdp.stop();
    assert.deepEqual(delivered, { answer: expected.answer.length, fragment: expected.fragment.length });

    const counters = xdp.counters();
    assert.deepEqual(accountingErrors(counters), []);
    assert.equal(counters.packets - earlier.packets, BigInt(frames.length));
    t.diagnostic(
      `${frames.length} frames, ${delivered.answer} answers and ${delivered.fragment} fragments copied`,
    );
  }

  test('cut off at every length', async (t) => {
    const frames = seeds.flatMap((frame) =>
      Array.from({ length: frame.length - SHORTEST_FRAME + 1 }, (_, cut) =>
        frame.subarray(0, SHORTEST_FRAME + cut),
      ),
    );
    await run(t, frames);
  });

  test('cut off at every length, IP and UDP telling the truth about it', async (t) => {
    const frames = seeds.slice(0, 2).flatMap((frame) => {
      const isIpv4 = frame[12] === 0x08;
      const udpAt = 14 + (isIpv4 ? 20 : 40);
      return Array.from({ length: frame.length - udpAt - 7 }, (_, payload) => {
        const cut = frame.slice(0, udpAt + 8 + payload);
        const view = new DataView(cut.buffer);
        if (isIpv4) view.setUint16(16, 28 + payload);
        else view.setUint16(18, 8 + payload);
        view.setUint16(udpAt + 4, 8 + payload);
        return cut;
      });
    });
    await run(t, frames);
  });

  test('with random faults', async (t) => {
    const seed = Number(process.env['CTGA_SEED'] ?? 20180101);
    t.diagnostic(`CTGA_SEED=${seed}`);
    const below = random(seed);
    await run(
      t,
      Array.from({ length: MUTATIONS }, () => mutate(seeds[below(seeds.length)] ?? frameV4(answer), below)),
    );
  });
}
