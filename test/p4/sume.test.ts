// SPDX-License-Identifier: Apache-2.0
/**
 * The program for NetFPGA SUME: the project that is laid out, its types by p4c's front end, and its
 * logic by its twin for v1model in a real simple_switch. There is no board and no SDNet here.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { encodeName } from '../../src/dns/name.ts';
import { TRAFFIC_ZONES } from '../../src/traffic/traffic.ts';
import { BMV2_API, EXACT } from '../../src/p4/bmv2-api.ts';
import { checkSume, compilerVersion, P4_SOURCES } from '../../src/p4/compile.ts';
import type { P4Counters } from '../../src/p4/simple-switch.ts';
import { sumeKeyOf, sumeVectors, writeSumeProject } from '../../src/p4/sume.ts';
import { ThriftConnection } from '../../src/p4/thrift-call.ts';
import { capturedFrames, cutOff, cutOffTruly, damaged, seeds, seedsOf } from '../support/corpus.ts';
import {
  dnsAnswer,
  ethernet,
  fragmentIpv4,
  fragmentIpv6,
  frameV4,
  ipv4,
  ipv6,
} from '../support/packets.ts';
import { noSimpleSwitch, runSwitch, type Switched } from '../support/simple-switch.ts';
import { expectedOf } from '../xdp/verdict.ts';
import { fateOf } from './fate.ts';
import { SEED } from '../support/random.ts';

/** A name that the board can look for: sth, and four labels of 16 bytes. */
const NAME = `sth.${TRAFFIC_ZONES[0] ?? ''}`;
const KNOWN = encodeName(NAME);
const THRESHOLD = 400;
const KEYS = [0x1e3779b9n, 0x05ebca6bn] as const;

test('a key is made of four labels of 16 bytes, whatever their case', () => {
  const key = sumeKeyOf(KNOWN);
  assert.equal(key?.length, 48);
  assert.deepEqual(
    sumeKeyOf(encodeName(NAME).map((byte, i) => (i > 4 && byte > 0x60 ? byte - 0x20 : byte))),
    key,
  );
  for (const zone of TRAFFIC_ZONES.slice(1))
    assert.notDeepEqual(sumeKeyOf(encodeName(`sth.${zone}`)), key);
  const label = 'x'.repeat(16);
  for (const other of [
    'sth.log.example',
    `sth.${label}.${label}.${label}`,
    `sth.${'y'.repeat(15)}.z.${label}.${label}.${label}`,
  ])
    assert.equal(sumeKeyOf(encodeName(other)), undefined, other);
});

test('the project has all that P4->NetFPGA’s make files look for', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const left = writeSumeProject(directory, [encodeName('sth.log.example')]);
  assert.equal(left.length, 1);
  const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
  const readAll = (name: string): void => {
    for (const [, file] of read(name).matchAll(/#include "(.*)"/g))
      readAll(join(dirname(name), file ?? ''));
  };
  readAll('src/ctga.p4');
  assert.match(
    read('src/commands.txt'),
    /^table_cam_add_entry route forward 0b00000001 => 0b00000100$/m,
  );
  assert.equal(
    read('src/commands.txt').match(/known_names known 0x[0-9a-f]{96} =>/g)?.length,
    TRAFFIC_ZONES.length,
  );
  const vectors = sumeVectors();
  const [input, expected] = ['in', 'expect'].map((name) =>
    read(`testdata/Tuple_${name}.txt`).trimEnd().split('\n'),
  );
  assert.equal(input?.length, vectors.length);
  for (const [i, { frame, port, goesTo }] of vectors.entries()) {
    // 128 bits, of which the last four bytes are destination, source and length.
    const source = (1 << (2 * port)).toString(16).padStart(2, '0');
    const length = frame.length.toString(16).padStart(4, '0');
    assert.equal(input[i], `${'0'.repeat(26)}${source}${length}`);
    assert.equal(
      expected?.[i],
      `${'0'.repeat(64)} ${'0'.repeat(24)}${goesTo.toString(16).padStart(2, '0')}${source}${length}`,
    );
  }
  // Every packet leaves at the neighbour of its port; half of them go to the host too.
  const bytes = (name: string): number =>
    readFileSync(join(directory, `testdata/${name}.pcap`)).length;
  assert.equal(bytes('nf0_applied'), bytes('nf1_expected'));
  assert(bytes('dma0_expected') < bytes('nf0_applied') && bytes('dma1_expected') > 24);
  rmSync(directory, { recursive: true });
});

const noChecker =
  spawnSync('p4test', ['--version']).error !== undefined &&
  "p4c's p4test is not on PATH: the types of p4/sume are NOT checked";
test('p4c’s front end finds no fault with it, and does with a fault', { skip: noChecker }, () => {
  assert.equal(checkSume(), true);
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  for (const name of ['sume', 'shared'])
    cpSync(join(P4_SOURCES, name), join(directory, name), { recursive: true });
  const main = join(directory, 'sume/main.p4');
  writeFileSync(
    main,
    readFileSync(main, 'utf8').replace('sume_metadata.src_port << 1', 'sume_metadata.pkt_len'),
  );
  assert.throws(() => checkSume(join(directory, 'sume')), /p4test refuses [^]*pkt_len/);
  rmSync(directory, { recursive: true });
});

const noTwin =
  noSimpleSwitch === false && compilerVersion() === undefined
    ? 'the twin does NOT run: p4c is not on PATH'
    : noSimpleSwitch;
describe('its twin', { skip: noTwin }, () => {
  let directory: string;
  let twin: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    twin = join(directory, 'twin.json');
    const args = ['--std', 'p4-16', '-o', twin, 'sume/twin.p4'];
    const { status, stderr } = spawnSync('p4c-bm2-ss', args, { cwd: P4_SOURCES, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.equal(stderr, '');
  });
  after(() => rmSync(directory, { recursive: true }));

  /** Everything comes in at nf0 and leaves at nf1; `mask` is one less than a power of two. */
  async function pass(
    frames: readonly Uint8Array[],
    mask = 0,
  ): Promise<Switched & { counters: P4Counters }> {
    let counters: P4Counters | undefined;
    const switched = await runSwitch(
      twin,
      frames,
      async (_, port) => {
        const connection = await ThriftConnection.connect('127.0.0.1', port);
        const add = (
          table: string,
          key: Uint8Array,
          action: string,
          action_data: readonly Uint8Array[],
        ): Promise<unknown> =>
          connection.call('bm_mt_add_entry', BMV2_API.bm_mt_add_entry, {
            cxt_id: 0,
            table_name: table,
            match_key: [{ type: EXACT, exact: { key } }],
            action_name: `CtgaIngress.${action}`,
            action_data,
            options: {},
          });
        const write = (register: string, index: number, value: bigint): Promise<unknown> =>
          connection.call('bm_register_write', BMV2_API.bm_register_write, {
            cxt_id: 0,
            register_array_name: `CtgaIngress.${register}`,
            index,
            value,
          });
        await add('route', Uint8Array.of(0b001), 'route.forward', [Uint8Array.of(0b100)]);
        await add('known_names', sumeKeyOf(KNOWN) ?? new Uint8Array(0), 'known_names.known', []);
        await write('sampling_mask', 0, BigInt(mask));
        for (const [index, key] of KEYS.entries()) await write('keys', index, key);
        connection.close();
      },
      async (plane) => void (counters = await plane.counters()),
    );
    assert(counters !== undefined);
    assert.equal(switched.forwarded.length, frames.length);
    for (const [i, frame] of frames.entries())
      assert(
        Buffer.from(frame).equals(switched.forwarded[i] ?? new Uint8Array(0)),
        `frame ${i} came out as another`,
      );
    return { ...switched, counters };
  }

  /** What the board does not look behind: options and extension headers, and what they carry. */
  function isBeyondFormat(frame: Uint8Array): boolean {
    let at = 12;
    const isTag = (type: number): boolean =>
      [0x8100, 0x88a8, 0x9100, 0x9200, 0x9300].includes(type);
    for (let tags = 0; tags < 3 && isTag(u16(frame, at)); tags++) at += 4;
    at += 2;
    if (u16(frame, at - 2) === 0x8864) at += 8;
    const [version, ihl] = [(frame[at] ?? 0) >> 4, (frame[at] ?? 0) & 15];
    if (version === 4) return ihl !== 5;
    return [0, 43, 60].includes(frame[at + 6] ?? 0);
  }
  const u16 = (frame: Uint8Array, at: number): number =>
    ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0);

  test('copies what XDP copies, as far as its formats go, and lets everything through', async (context) => {
    const good = seedsOf(NAME);
    const frames = [
      ...good,
      ...cutOff(good),
      ...cutOffTruly(good),
      ...damaged(4000, SEED, good),
      ...seeds,
      ...damaged(1000, SEED),
      ...capturedFrames(),
    ];
    const { copied, counters } = await pass(frames);
    const known = new Set([Buffer.from(KNOWN).toString('hex')]);
    const wanted = frames.filter(
      (frame) => !isBeyondFormat(frame) && expectedOf(frame, known, THRESHOLD).copied > 0,
    );
    // The board folds a whole byte more than letters: other names may be copied, which the control
    // plane refuses.
    const hex = (frame: Uint8Array): string => Buffer.from(frame).toString('hex');
    let next = 0;
    let others = 0;
    for (const copy of copied) {
      if (hex(copy) === hex(wanted[next] ?? new Uint8Array(0))) next++;
      else {
        others++;
        assert.equal(expectedOf(copy, known, THRESHOLD).verdict, 'unknownName');
      }
    }
    assert.equal(next, wanted.length, `copy ${next} is missing`);
    assert(others * 20 < copied.length, `${others} of ${copied.length} copies are of other names`);
    assert.equal(counters.answersCopied + counters.fragmentsCopied, BigInt(copied.length));
    assert.equal(
      Object.values(counters).reduce((sum, count) => sum + count, 0n),
      BigInt(frames.length),
    );
    const beyond = frames.filter(isBeyondFormat).length;
    context.diagnostic(
      `${frames.length} frames (${beyond} of formats that the board passes by), ${wanted.length} copies, ${others} of other names`,
    );
  });

  test('does with the test vectors what they say', async () => {
    const frames = sumeVectors().map(({ frame }) => frame);
    const { counters, copied } = await pass(frames);
    // One of the 16 names is known here.
    const answers = sumeVectors().filter(
      ({ frame, goesTo }) => frame.length > 100 && (goesTo & 0xaa) !== 0,
    );
    assert.equal(
      counters.answersCopied,
      BigInt(answers.filter(({ frame }) => Buffer.from(frame).includes(Buffer.from(KNOWN))).length),
    );
    const fragments = sumeVectors().filter(
      ({ frame, goesTo }) => frame.length < 100 && (goesTo & 0xaa) !== 0,
    );
    assert.equal(counters.fragmentsCopied, BigInt(fragments.length));
    assert.equal(copied.length, Number(counters.answersCopied + counters.fragmentsCopied));
  });

  test('copies every n-th answer, and all fragments of a datagram or none', async () => {
    const answers = Array.from({ length: 32 }, () => frameV4(dnsAnswer({ name: NAME })));
    const datagrams = Array.from({ length: 256 }, (_, identification) => [
      ...fragmentIpv4(ipv4({ payload: new Uint8Array(200), identification }), 64),
      ...fragmentIpv6(ipv6({ payload: new Uint8Array(200) }), 64, identification),
    ]).flat();
    const { copied, counters } = await pass(
      [...answers, ...datagrams.map((payload) => ethernet({ payload }))],
      3,
    );
    assert.equal(counters.answersCopied, 8n);
    const whole = new Map<string, number>();
    for (const copy of copied.slice(8)) {
      const packet = Buffer.from(copy).subarray(14);
      const id =
        (packet[0] ?? 0) >> 4 === 4
          ? `4 ${packet.readUInt16BE(4)}`
          : `6 ${packet.readUInt32BE(44)}`;
      whole.set(id, (whole.get(id) ?? 0) + 1);
    }
    assert([...whole.values()].every((fragments) => fragments === 4));
    // A quarter of 512, give or take five standard deviations, and those that a second
    // implementation says.
    assert(Math.abs(whole.size - 128) < 50, `${whole.size} of 512 datagrams`);
    const key = (KEYS[1] << 32n) | KEYS[0];
    const chosen = datagrams
      .map((packet) => Buffer.from(packet))
      .filter((packet) => (fateOf(key, packet) & 3) === 0);
    assert.deepEqual(
      copied.slice(8).map((copy) => Buffer.from(copy).subarray(14)),
      chosen,
    );
  });
});
