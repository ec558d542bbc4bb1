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
import { FRAME_BYTES, TRAFFIC_NAMES, TRAFFIC_ZONES } from '../../src/traffic/traffic.ts';
import { BMV2_API, EXACT } from '../../src/p4/bmv2-api.ts';
import { checkSume, compilerVersion, P4_SOURCES } from '../../src/p4/compile.ts';
import type { P4Counters } from '../../src/p4/simple-switch.ts';
import { nameEntries } from '../../src/p4/name-tables.ts';
import { SUME_NAMES, sumeVectors, writeSumeProject } from '../../src/p4/sume.ts';
import { ThriftConnection } from '../../src/p4/thrift-call.ts';
import {
  capturedFrames,
  cutOff,
  cutOffTruly,
  damaged,
  NAMES as CORPUS_NAMES,
  seeds,
  seedsOf,
} from '../support/corpus.ts';
import {
  dnsAnswer,
  ethernet,
  fragmentIpv4,
  fragmentIpv6,
  frameV4,
  ipv4,
  ipv6,
} from '../support/packets.ts';
import { noSimpleSwitch, runPorts } from '../support/simple-switch.ts';
import { u16 } from '../dns/messages.ts';
import { fateOf } from './fate.ts';
import { answersAmongOthers, counterOf, isCopied, NAMES_OF_EVERY_FORM } from './pieces.ts';
import { SEED } from '../support/random.ts';

/** One of the paper's names: sth, and four labels of 16 bytes. */
const NAME = `sth.${TRAFFIC_ZONES[0] ?? ''}`;
const KNOWN = encodeName(NAME);
const THRESHOLD = 400;
/** Of the twin alone: ctga itself writes no register. */
const REGISTER_WRITE = {
  service: 'standard',
  takes: {
    cxt_id: [1, 'i32'],
    register_array_name: [2, 'string'],
    index: [3, 'i32'],
    value: [4, 'i64'],
  },
  refusals: { 1: 'INVALID_REGISTER_NAME', 2: 'INVALID_INDEX', 3: 'ERROR' },
} as const;
const KEYS = [0x1e3779b9n, 0x05ebca6bn] as const;

test('the project has all that P4->NetFPGA’s make files look for', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const real = ['sth.pilot.ct.googleapis.com', 'sth.log.example'].map(encodeName);
  const long = encodeName(`sth.${'x'.repeat(60)}.${'y'.repeat(62)}`);
  assert.deepEqual(writeSumeProject(directory, [...real, long]), [long]);
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
  // Of all names the last bytes, and what 32 of them begin with.
  const commands = read('src/commands.txt').split('\n');
  const last = commands.filter((line) =>
    /^table_cam_add_entry known_names_4 part_4 \d+( 0x[0-9a-f]{16}){4} => \d+$/.test(line),
  );
  assert.equal(last.length, TRAFFIC_ZONES.length + real.length);
  assert(
    commands.includes(
      `table_cam_add_entry known_names_1 part_1 3 0x${Buffer.from('\x03log\x07exa').toString('hex')} 0x${Buffer.from('mple').toString('hex')}00000000 0x${'0'.repeat(16)} 0x${'0'.repeat(16)} => ${TRAFFIC_ZONES.length + 2}`,
    ),
  );
  const vectors = sumeVectors(real);
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
  // Every packet leaves at the neighbour of its port; half of them go to the host too, from each.
  const bytes = (name: string): number =>
    readFileSync(join(directory, `testdata/${name}.pcap`)).length;
  for (const port of [0, 1, 2, 3]) {
    assert.equal(bytes(`nf${port}_applied`), bytes(`nf${port ^ 1}_expected`));
    assert(bytes(`dma${port}_expected`) < bytes(`nf${port}_applied`));
    assert(bytes(`dma${port}_expected`) > 24 + 16 * (16 + FRAME_BYTES.fragments));
  }
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

  /** What is on its ports 0 to 3, and where the copies of each leave. */
  const DMA = [4, 5, 6, 7];

  /**
   * `inputs` come in at nf0, nf1 and so on, and leave at the neighbour; `mask` is one less than a
   * power of two. `copied` is by port.
   */
  async function pass(
    inputs: readonly (readonly Uint8Array[])[],
    names: readonly Uint8Array[],
    mask = 0,
  ): Promise<{ readonly copied: Uint8Array[][]; readonly counters: P4Counters }> {
    let counters: P4Counters | undefined;
    const nothing: Uint8Array[] = [];
    const ports = [0, 1, 2, 3].map((port) => inputs[port] ?? nothing);
    const { entries, left } = nameEntries(names, SUME_NAMES);
    assert.deepEqual(left, []);
    const { left: out } = await runPorts(
      twin,
      [...ports, ...DMA.map(() => nothing)],
      async (_, port) => {
        const connection = await ThriftConnection.connect('127.0.0.1', port);
        const add = (
          table: string,
          key: readonly Uint8Array[],
          action: string,
          action_data: readonly Uint8Array[],
        ): Promise<unknown> =>
          connection.call('bm_mt_add_entry', BMV2_API.bm_mt_add_entry, {
            cxt_id: 0,
            table_name: table,
            match_key: key.map((each) => ({ type: EXACT, exact: { key: each } })),
            action_name: `CtgaIngress.${action}`,
            action_data,
            options: {},
          });
        const write = (register: string, index: number, value: bigint): Promise<unknown> =>
          connection.call('bm_register_write', REGISTER_WRITE, {
            cxt_id: 0,
            register_array_name: `CtgaIngress.${register}`,
            index,
            value,
          });
        for (const from of [0, 1, 2, 3])
          await add('route', [Uint8Array.of(1 << (2 * from))], 'route.forward', [
            Uint8Array.of(1 << (2 * (from ^ 1))),
          ]);
        for (const { table, soFar, words, id } of entries)
          await add(`known_names_${table}`, [u16(soFar), ...words], `known_names.part_${table}`, [
            u16(id),
          ]);
        for (const [from, to] of DMA.entries())
          await connection.call('mirroring_session_add', BMV2_API.mirroring_session_add, {
            mirror_id: 250 + from,
            config: { port: to },
          });
        await write('sampling_mask', 0, BigInt(mask));
        for (const [index, key] of KEYS.entries()) await write('keys', index, key);
        connection.close();
      },
      async (plane) => void (counters = await plane.counters()),
    );
    assert(counters !== undefined);
    for (const [port, frames] of ports.entries()) assertUnaltered(frames, out[port ^ 1] ?? []);
    return { copied: DMA.map((port) => out[port] ?? []), counters };
  }

  function assertUnaltered(frames: readonly Uint8Array[], left: readonly Uint8Array[]): void {
    assert.equal(left.length, frames.length);
    for (const [i, frame] of frames.entries())
      assert(Buffer.from(frame).equals(left[i] ?? nothing), `frame ${i} came out as another`);
  }
  const nothing = new Uint8Array(0);

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
    const { copied, counters } = await pass([frames], [KNOWN, ...CORPUS_NAMES]);
    const names = new Set(
      [KNOWN, ...CORPUS_NAMES].map((name) => Buffer.from(name).toString('hex')),
    );
    const expected = frames.map((frame) => counterOf(frame, names, THRESHOLD));
    const wanted = frames.filter((_, i) => isCopied(expected[i]));
    assert.deepEqual(copied, [wanted.map((frame) => Buffer.from(frame)), [], [], []]);
    for (const [name, count] of Object.entries(counters))
      assert.equal(count, BigInt(expected.filter((each) => each === name).length), name);
    context.diagnostic(`${frames.length} frames, ${wanted.length} copies, every counter the same`);
  });

  test('finds names of every form, in any case, and no others', async (context) => {
    let copies = 0;
    for (let from = 0; from < NAMES_OF_EVERY_FORM.length; from += SUME_NAMES) {
      const names = NAMES_OF_EVERY_FORM.slice(from, from + SUME_NAMES);
      const { frames, wanted } = answersAmongOthers(names);
      const { copied } = await pass([frames], names.map(encodeName));
      assert.deepEqual(
        copied[0],
        wanted.map((frame) => Buffer.from(frame)),
      );
      copies += wanted.length;
    }
    context.diagnostic(`${NAMES_OF_EVERY_FORM.length} names, ${copies} copies`);
  });

  test('does with the test vectors what they say, at every port', async () => {
    const real = ['sth.pilot.ct.googleapis.com', 'sth.log.example'].map(encodeName);
    const vectors = sumeVectors([...real, ...real, ...real]);
    const inputs = [0, 1, 2, 3].map((port) =>
      vectors.filter((vector) => vector.port === port).map(({ frame }) => frame),
    );
    const { copied, counters } = await pass(inputs, [...TRAFFIC_NAMES, ...real]);
    for (const [port, copies] of copied.entries()) {
      const wanted = vectors.filter(({ goesTo }) => (goesTo & (2 << (2 * port))) !== 0);
      assert(wanted.length > 16);
      assert.deepEqual(
        copies,
        wanted.map(({ frame }) => Buffer.from(frame)),
      );
    }
    assert.equal(counters.answersCopied + counters.fragmentsCopied, BigInt(copied.flat().length));
  });

  test('copies every n-th answer, and all fragments of a datagram or none', async () => {
    const answers = Array.from({ length: 32 }, () => frameV4(dnsAnswer({ name: NAME })));
    const datagrams = Array.from({ length: 256 }, (_, identification) => [
      ...fragmentIpv4(ipv4({ payload: new Uint8Array(200), identification }), 64),
      ...fragmentIpv6(ipv6({ payload: new Uint8Array(200) }), 64, identification),
    ]).flat();
    const { copied: byPort, counters } = await pass(
      [[...answers, ...datagrams.map((payload) => ethernet({ payload }))]],
      [KNOWN],
      3,
    );
    const [copied = []] = byPort;
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
