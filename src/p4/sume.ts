// SPDX-License-Identifier: Apache-2.0
/**
 * The program for the NetFPGA SUME board as a project of P4->NetFPGA: sources, table commands and
 * test vectors, laid out as its make files look for them. Building it takes Xilinx's SDNet and
 * Vivado.
 */
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  answerFrameFor,
  captureFile,
  trafficFrames,
  trafficMatches,
  TRAFFIC_KINDS,
  TRAFFIC_NAMES,
} from '../traffic/traffic.ts';
import { P4_SOURCES } from './compile.ts';
import { nameEntries, type NameEntry } from './name-tables.ts';

/** How many names the board's tables hold: KNOWN_NAMES in p4/sume/main.p4. */
export const SUME_NAMES = 128;

/** One bit a port, from the right: nf0, the DMA port of nf0, nf1 and so on. */
const portBit = (port: number): number => 1 << (2 * port);
const inHex = (bytes: Buffer): string => `0x${bytes.toString('hex')}`;
const binary = (ports: number): string => `0b${ports.toString(2).padStart(8, '0')}`;

/**
 * Frames that come in at a port leave at its neighbour: a wire between nf0 and nf1, and one between
 * nf2 and nf3.
 */
const WIRES = [
  [0, 1],
  [1, 0],
  [2, 3],
  [3, 2],
] as const;

/** The commands that fill the tables, one a line, as the scripts of P4->NetFPGA read them. */
function sumeCommands(entries: readonly NameEntry[]): string {
  const routes = WIRES.map(
    ([from, to]) =>
      `table_cam_add_entry route forward ${binary(portBit(from))} => ${binary(portBit(to))}`,
  );
  const known = entries.map(({ table, soFar, words, id }) => {
    const key = [`${soFar}`, ...words.map(inHex)];
    return `table_cam_add_entry known_names_${table} part_${table} ${key.join(' ')} => ${id}`;
  });
  return `${[...routes, ...known].join('\n')}\n`;
}

/** A frame of the test vectors: where it comes in, and where it must leave. */
export interface SumeVector {
  readonly frame: Uint8Array;
  readonly port: number;
  /** One-hot ports. */
  readonly goesTo: number;
}

const VECTORS = 64;

/**
 * The paper's traffic, half of which matches, and an answer for each of `names`, which are known.
 * The frames come in at each port in turn, those that match and those that do not.
 */
export function sumeVectors(names: readonly Uint8Array[]): SumeVector[] {
  const traffic = TRAFFIC_KINDS.flatMap((kind) =>
    [...trafficFrames(kind, 50, VECTORS)].map((frame, i) => ({
      frame,
      matches: trafficMatches(50, i),
      turn: i >> 1,
    })),
  );
  const answers = names.map((name, turn) => ({
    frame: answerFrameFor(name, turn),
    matches: true,
    turn,
  }));
  return [...traffic, ...answers].map(({ frame, matches, turn }) => {
    const [port, to] = WIRES[turn % WIRES.length] ?? WIRES[0];
    const copy = matches ? portBit(port) << 1 : 0;
    return { frame, port, goesTo: portBit(to) | copy };
  });
}

/** The fields of the tuser bus with their widths in bits, the highest first. */
const TUPLE = [
  ['dma_q_size', 16],
  ['nf3_q_size', 16],
  ['nf2_q_size', 16],
  ['nf1_q_size', 16],
  ['nf0_q_size', 16],
  ['send_dig_to_cpu', 8],
  ['drop', 8],
  ['dst_port', 8],
  ['src_port', 8],
  ['pkt_len', 16],
] as const;
const DIGEST_DIGITS = 64;

function tuple(values: Partial<Record<(typeof TUPLE)[number][0], number>>): string {
  return TUPLE.map(([field, bits]) =>
    (values[field] ?? 0).toString(16).padStart(bits / 4, '0'),
  ).join('');
}

/**
 * Writes the project into `directory`: src/ctga.p4 and the files that it includes,
 * src/commands.txt, and testdata/ with captures and tuples. The tables get the names of the paper's
 * traffic besides `names`. Returns those of `names` that the program cannot look for.
 */
export function writeSumeProject(directory: string, names: readonly Uint8Array[]): Uint8Array[] {
  const [source, shared, testdata] = ['src', 'shared', 'testdata'].map((name) =>
    join(directory, name),
  ) as [string, string, string];
  for (const each of [source, shared, testdata]) mkdirSync(each, { recursive: true });
  for (const [from, to] of [
    ['sume', source],
    ['shared', shared],
  ] as const) {
    const files = readdirSync(join(P4_SOURCES, from)).filter((name) => name.endsWith('.p4'));
    for (const file of files) {
      // P4->NetFPGA looks for a program that is named like its project.
      const name = file === 'main.p4' ? 'ctga.p4' : file;
      if (file !== 'twin.p4') copyFileSync(join(P4_SOURCES, from, file), join(to, name));
    }
  }
  const { entries, left } = nameEntries([...TRAFFIC_NAMES, ...names], SUME_NAMES);
  writeFileSync(join(source, 'commands.txt'), sumeCommands(entries));
  writeTestData(testdata, sumeVectors(names.filter((name) => !left.includes(name))));
  return left;
}

function writeTestData(directory: string, vectors: readonly SumeVector[]): void {
  const capture = (name: string, chosen: readonly SumeVector[]): void =>
    writeFileSync(join(directory, `${name}.pcap`), captureFile(chosen.map(({ frame }) => frame)));
  // For the pipeline alone, which emits each packet once, with all its ports in the tuple beside
  // it.
  capture('src', vectors);
  capture('dst', vectors);
  // For the whole board, by interface.
  for (const port of [0, 1, 2, 3]) {
    capture(
      `nf${port}_applied`,
      vectors.filter((vector) => vector.port === port),
    );
    capture(
      `nf${port}_expected`,
      vectors.filter(({ goesTo }) => (goesTo & portBit(port)) !== 0),
    );
    capture(
      `dma${port}_expected`,
      vectors.filter(({ goesTo }) => (goesTo & (portBit(port) << 1)) !== 0),
    );
  }
  const lines = (line: (vector: SumeVector) => string): string =>
    vectors.map((vector) => `${line(vector)}\n`).join('');
  writeFileSync(
    join(directory, 'Tuple_in.txt'),
    lines(({ frame, port }) => tuple({ src_port: portBit(port), pkt_len: frame.length })),
  );
  writeFileSync(
    join(directory, 'Tuple_expect.txt'),
    lines(
      ({ frame, port, goesTo }) =>
        `${'0'.repeat(DIGEST_DIGITS)} ${tuple({ dst_port: goesTo, src_port: portBit(port), pkt_len: frame.length })}`,
    ),
  );
  writeFileSync(
    join(directory, 'Makefile'),
    `# Packets for the simulation of the pipeline, from the captures beside it.
PCAP2AXI = \${SUME_SDNET}/bin/pcap2axi --bus_width 256

all: Packet_in.axi Packet_expect.axi

Packet_in.axi: src.pcap
\t$(PCAP2AXI) --output $@ $<

Packet_expect.axi: dst.pcap
\t$(PCAP2AXI) --output $@ $<

clean:
\trm -f *.axi

.PHONY: all clean
`,
  );
}
