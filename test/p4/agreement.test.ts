// SPDX-License-Identifier: Apache-2.0
/**
 * The P4 program in a real simple_switch on the frames that the XDP program is tested with
 * (test/xdp/fuzz.root.test.ts), against the same model of the verdict: the same copies, the same
 * order, and every frame out as it came in.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { builtWith, compile, compilerVersion, PROGRAM } from '../../src/p4/compile.ts';
import {
  CPU_HEADER_BYTES,
  MAX_P4_NAME,
  SimpleSwitch,
  type P4Counters,
} from '../../src/p4/simple-switch.ts';
import {
  capturedFrames,
  cutOff,
  cutOffTruly,
  damaged,
  NAMES,
  NAMES_HEX,
  seeds,
} from '../support/corpus.ts';
import {
  dnsAnswer,
  encodeName,
  ethernet,
  fragmentIpv4,
  fragmentIpv6,
  frameV4,
  ipv4,
  ipv6,
} from '../support/packets.ts';
import {
  noGrpcSwitch,
  noSimpleSwitch,
  runSwitch,
  type Speaks,
  type Switched,
} from '../support/simple-switch.ts';
import { expectedOf, type Expectation } from '../xdp/verdict.ts';
import { fateOf, halfSipHash13 } from './fate.ts';
import { SEED } from '../support/random.ts';

const THRESHOLD = 400;
const KEY = 0x0123_4567_89ab_cdefn;

async function pass(
  frames: readonly Uint8Array[],
  everyNth = 1,
  names = NAMES,
  speaks: Speaks = 'Thrift',
  program = PROGRAM,
): Promise<Switched & { counters: P4Counters }> {
  let counters: P4Counters | undefined;
  const switched = await runSwitch(
    program,
    frames,
    async (plane) => {
      await plane.setRoutes(new Map([[0, 1]]));
      await plane.setSampling({ everyNth, threshold: THRESHOLD, key: KEY });
      await plane.setAnswerPorts([53]);
      await plane.setKnownNames(names);
    },
    async (plane) => void (counters = await plane.counters()),
    speaks,
  );
  assert(counters !== undefined);
  return { ...switched, counters };
}

function assertUnaltered(frames: readonly Uint8Array[], { forwarded }: Switched): void {
  assert.equal(forwarded.length, frames.length);
  for (const [i, frame] of frames.entries())
    assert(
      Buffer.from(frame).equals(forwarded[i] ?? new Uint8Array(0)),
      `frame ${i} came out as another`,
    );
}

test('HalfSipHash-1-3 of 0, 1, 2, … is what Linux has (lib/test_siphash.c)', () => {
  const [key, input] = [Buffer.from([0, 1, 2, 3, 4, 5, 6, 7]), Buffer.from([0, 1, 2, 3])];
  const hashes = [0, 1, 2, 3, 4].map((length) => halfSipHash13(key, input.subarray(0, length)));
  assert.deepEqual(hashes, [0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6]);
});

/** What is expected of a switch, which looks at responses alone, and at no compressed name. */
function knownAlone(frame: Uint8Array): Expectation {
  const expected = expectedOf(frame, NAMES_HEX, THRESHOLD);
  const { atSwitch } = expected;
  return atSwitch === undefined ? expected : { verdict: atSwitch, copied: 0 };
}

/** The program as p4c compiles it here, if that is not the version that compiled it before. */
const version = compilerVersion();
const isOther = version !== undefined && version !== builtWith().p4c;
const fresh = join(mkdtempSync(join(tmpdir(), 'ctga-p4c-')), 'ctga.json');
if (isOther) writeFileSync(fresh, compile().json);
after(() => rmSync(dirname(fresh), { recursive: true }));

const runs: readonly (readonly [string, Speaks, string, false | string])[] = [
  ['told by Thrift', 'Thrift', PROGRAM, noSimpleSwitch],
  ['told by P4Runtime', 'P4Runtime', PROGRAM, noGrpcSwitch],
  ['compiled by this p4c', 'Thrift', fresh, noSimpleSwitch],
];
for (const [how, speaks, program, skip] of runs.filter((run) => isOther || run[2] === PROGRAM))
  test(
    `${how}, agrees with the XDP program on good, cut and damaged frames`,
    { skip },
    async (context) => {
      context.diagnostic(`CTGA_TEST_SEED=${SEED}`);
      const frames = [
        ...seeds,
        ...cutOff(),
        ...cutOffTruly(),
        ...damaged(5000, SEED),
        ...capturedFrames(),
      ];
      const switched = await pass(frames, 1, NAMES, speaks, program);
      assertUnaltered(frames, switched);
      const expected = frames.map((frame) => [frame, knownAlone(frame)] as const);
      const copies = expected.filter(([, { copied }]) => copied > 0);
      assert.equal(switched.copied.length, copies.length);
      for (const [i, [frame, { verdict, copied }]] of copies.entries()) {
        const copy = Buffer.from(switched.copied[i] ?? []);
        assert(copy.subarray(CPU_HEADER_BYTES).equals(frame.subarray(0, copied)), `copy ${i}`);
        // Ingress port 0, the reason, version 1, the frame's length on the wire.
        const reason = verdict === 'answers' ? 1 : 2;
        assert.deepEqual(
          [...copy.subarray(0, 6)],
          [0, 0, reason, 1, frame.length >> 8, frame.length & 0xff],
        );
      }

      const count = (verdict: Expectation['verdict']): bigint =>
        BigInt(expected.filter(([, each]) => each.verdict === verdict).length);
      const { counters } = switched;
      for (const verdict of ['notIp', 'otherPort'] as const)
        assert.equal(counters[verdict], count(verdict), verdict);
      assert.equal(counters.answersCopied, count('answers'));
      assert.equal(counters.fragmentsCopied, count('fragments'));
      // The parser takes extension headers and labels whole, so one that is cut short is malformed
      // whatever would follow it; and a name is unknown to XDP before its type is looked at.
      const others = ['malformed', 'notUdp', 'notTreeHead', 'unknownName'] as const;
      assert.equal(
        others.reduce((sum, verdict) => sum + counters[verdict], 0n),
        others.reduce((sum, verdict) => sum + count(verdict), 0n),
      );
      assert(counters.malformed >= count('malformed'));
      assert(counters.unknownName <= count('unknownName'));
      context.diagnostic(`${frames.length} frames, ${copies.length} copies`);
    },
  );

describe('the P4 program', { skip: noSimpleSwitch }, () => {
  test('knows a name of 128 bytes in any case, and not its neighbours', async () => {
    const labels = ['sth', ...[63, 56].map((length) => 'x'.repeat(length))];
    const longest = encodeName(labels.join('.'));
    assert(longest.length <= MAX_P4_NAME);
    const names = [
      labels.join('.'),
      labels.join('.').toUpperCase(),
      `${labels.join('.')}y`,
      labels.slice(1).join('.'),
    ];
    const frames = names.map((name) => frameV4(dnsAnswer({ name })));
    const switched = await pass(frames, 1, [longest]);
    assertUnaltered(frames, switched);
    assert.equal(switched.counters.answersCopied, 2n);
  });

  test('knows names of checkpoints, and not their neighbours', async () => {
    const known = ['checkpoint.log.example', 'sth.log.example'];
    const frames = [
      ...known,
      'CHECKpoint.LOG.example',
      'checkpoint.other.example',
      'chequepoin.log.example',
      'checkpoints.log.example',
      'checkpoint',
    ].map((name) => frameV4(dnsAnswer({ name })));
    const switched = await pass(frames, 1, known.map(encodeName));
    assertUnaltered(frames, switched);
    const { answersCopied, unknownName, notTreeHead } = switched.counters;
    assert.deepEqual([answersCopied, unknownName, notTreeHead], [3n, 3n, 1n]);
  });

  test('takes the same names from two processes at once', async () => {
    const names = Array.from({ length: 50 }, (_, n) => encodeName(`sth.log${n}.example`));
    const fill = async (plane: SimpleSwitch, port: number): Promise<void> => {
      const other = await SimpleSwitch.connect({ host: '127.0.0.1', port });
      await Promise.all([plane, other].map((each) => each.setKnownNames(names)));
      other.close();
    };
    await runSwitch(PROGRAM, [], fill, async (plane) => {
      assert.equal((await plane.knownNames()).length, names.length);
    });
  });

  test('copies every n-th answer, and all fragments of a datagram or none', async () => {
    const answers = Array.from({ length: 30 }, () =>
      frameV4(dnsAnswer({ name: 'sth.log.example' })),
    );
    const datagrams = Array.from({ length: 120 }, (_, identification) => [
      ...fragmentIpv4(ipv4({ payload: new Uint8Array(200), identification }), 64),
      ...fragmentIpv6(ipv6({ payload: new Uint8Array(200) }), 64, identification),
    ]).flat();
    const frames = [...answers, ...datagrams.map((payload) => ethernet({ payload }))];
    const switched = await pass(frames, 3);
    assertUnaltered(frames, switched);
    const { counters } = switched;
    assert.equal(counters.answersCopied, 10n);
    assert.equal(counters.answersSampledOut, 20n);
    // 240 datagrams of four fragments: about a third of them, and whole.
    const whole = new Map<string, number>();
    for (const copy of switched.copied.filter((each) => each[2] === 2)) {
      const packet = Buffer.from(copy).subarray(CPU_HEADER_BYTES + 14);
      const isIpv4 = (packet[0] ?? 0) >> 4 === 4;
      const id = isIpv4 ? `4 ${packet.readUInt16BE(4)}` : `6 ${packet.readUInt32BE(44)}`;
      whole.set(id, (whole.get(id) ?? 0) + 1);
    }
    assert([...whole.values()].every((fragments) => fragments === 4));
    assert(whole.size > 40 && whole.size < 130, `${whole.size} of 240 datagrams`);
    // And those that a second implementation says.
    const chosen = datagrams
      .map((packet) => Buffer.from(packet))
      .filter((packet) => (BigInt(fateOf(KEY, packet)) * 3n) >> 32n === 0n);
    assert.deepEqual(
      switched.copied
        .filter((each) => each[2] === 2)
        .map((copy) => Buffer.from(copy).subarray(CPU_HEADER_BYTES + 14)),
      chosen,
    );
    assert.equal(counters.fragmentsCopied + counters.fragmentsSampledOut, BigInt(datagrams.length));
  });
});
