// SPDX-License-Identifier: Apache-2.0
/**
 * What one packet costs on each path, against an empty program, a floor, and the program of the
 * paper where its source is given: BPF_PROG_TEST_RUN, all programs in turn, several times over, so
 * that the machine's moods fall on all of them alike. bench/cost/runner.cc does the running.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { projectRoot } from '../src/base/project-root.ts';
import { xdpObjectPath } from '../src/dataplane/xdp-object.ts';
import { encodeName } from '../src/dns/name.ts';
import { dnsAnswer, frameV4 } from '../test/support/packets.ts';
import {
  addressAnswer,
  answer,
  fragment,
  KNOWN_NAMES,
  LOGS,
  notIp,
  smallUdp,
  tcp,
  unknownAnswer,
} from './frames.ts';
import { table } from './report.ts';
import { percentile } from './statistics.ts';

/** The programs that every row has. */
export const [EMPTY, FLOOR, CTGA] = ['empty', 'floor', 'ctga'] as const;
/** The paper's, whose reader sleeps until the buffer is half full, as its own does. */
export const PAPER = 'paper';
/** The paper's, whose reader each copy wakes, as libbpf has it unless told. */
export const PAPER_WOKEN = 'paper-woken';
/** What `--against` gives. */
export const AGAINST = 'against';

export interface PathCost {
  readonly path: string;
  /** By program, nanoseconds a packet: the tenth percentile of the rounds. */
  readonly ns: Readonly<Record<string, number>>;
  /**
   * What the empty program takes longer on this path than on the first, because packets are varied
   * or runs are short: it is not in `ns`.
   */
  readonly around: number;
}

interface Path {
  readonly path: string;
  readonly frame: Uint8Array;
  /** Packets of one run; those that are copied must fit the ring, which is read between the runs. */
  readonly packets: number;
  /** See runner.cc. */
  readonly keys?: Readonly<Record<string, number>>;
  /** Where the paper's program takes another path (it knows no repeats), it has no figure. */
  readonly hasPaper?: boolean;
  /** What must become of every packet, or the figures would be of another thing. */
  readonly fate?: 'copied' | 'seen' | 'overBudget' | 'ringFull';
}

const MANY = 200_000;
const FITS_THE_RING = 7000;
const DAY = 86_400_000;
const known = answer(LOGS[0] ?? '');
const txt = (name: string): Uint8Array =>
  frameV4(dnsAnswer({ name, strings: [HEAD], compressed: true, optSize: 1232 }));
/** As large as a usual tree head. */
const HEAD = `314423677.1529398586228.${'r'.repeat(43)}=.${'s'.repeat(96)}`;
/** As the paper's examples: 284 bytes on the wire with their tree heads. */
const REAL = 'sth.rocketeer.ct.googleapis.com';
/** A checkpoint's, of as many bytes. */
const CHECKPOINT = 'checkpoint.keteer.ct.google.com';
const ofLength = (bytes: number): string => {
  const labels = ['sth'];
  for (let left = bytes - 5; left > 1; left -= Math.min(63, left))
    labels.push('n'.repeat(Math.min(62, left - 1)));
  return labels.join('.');
};
const FORTY_LABELS = ['sth', ...Array.from({ length: 39 }, (_, i) => 'abcdef'[i % 6])].join('.');
/** Where the RDATA of `known` says something else in every tree head; and an IP identification. */
const [TEXT, IDENTIFICATION] = [Buffer.from(known).indexOf('0.15294867') + 20, 18];

const PATHS: readonly Path[] = [
  { path: 'not IP', frame: notIp(), packets: MANY },
  { path: 'TCP', frame: tcp(), packets: MANY },
  { path: 'UDP from another port', frame: smallUdp(), packets: MANY },
  { path: 'DNS answer, type A', frame: addressAnswer(), packets: MANY },
  { path: '`xth.` TXT, 411 B', frame: answer(LOGS[0]?.replace('sth', 'xth') ?? ''), packets: MANY },
  { path: 'unknown `sth.` TXT, 284 B', frame: txt(REAL.replace('ee', 'ea')), packets: MANY },
  {
    path: 'unknown `checkpoint.`, 284 B',
    frame: txt(CHECKPOINT.replace('ee', 'ea')),
    packets: MANY,
  },
  { path: 'unknown `sth.` TXT, 411 B', frame: unknownAnswer(), packets: MANY },
  ...[64, 128, 250].map((bytes) => ({
    path: `unknown, a name of ${bytes} B`,
    frame: txt(ofLength(bytes)),
    packets: MANY,
  })),
  { path: 'unknown, 40 labels', frame: txt(FORTY_LABELS), packets: MANY },
  {
    path: 'known, seen, 284 B',
    frame: txt(REAL),
    packets: MANY,
    keys: { seen: DAY },
    hasPaper: false,
    fate: 'seen',
  },
  {
    path: 'known `checkpoint.`, seen, 284 B',
    frame: txt(CHECKPOINT),
    packets: MANY,
    keys: { seen: DAY },
    hasPaper: false,
    fate: 'seen',
  },
  {
    path: 'known, seen, 411 B',
    frame: known,
    packets: MANY,
    keys: { seen: DAY },
    hasPaper: false,
    fate: 'seen',
  },
  { path: 'known, sampled out', frame: known, packets: MANY, keys: { nth: 2e9 } },
  {
    path: 'known, over budget',
    frame: known,
    packets: MANY,
    keys: { answers: 1 },
    hasPaper: false,
  },
  {
    path: 'known, ring full',
    frame: known,
    packets: MANY,
    keys: { full: 1, letters: TEXT, seen: DAY },
    hasPaper: false,
  },
  { path: 'copy, the same answer', frame: known, packets: FITS_THE_RING, fate: 'copied' },
  {
    path: 'copy, every answer distinct',
    frame: known,
    packets: FITS_THE_RING,
    keys: { letters: TEXT, seen: DAY },
    fate: 'copied',
  },
  {
    path: 'fragment, over budget',
    frame: fragment(),
    packets: MANY,
    keys: { number: IDENTIFICATION, fragments: 1 },
    hasPaper: false,
  },
  {
    path: 'fragment, copied',
    frame: fragment(),
    packets: FITS_THE_RING,
    keys: { number: IDENTIFICATION },
    fate: 'copied',
  },
  {
    path: 'fragment, ring full',
    frame: fragment(),
    packets: MANY,
    keys: { full: 1, number: IDENTIFICATION },
    hasPaper: false,
  },
];

export interface CostOptions {
  /** The paper's program: the directory `xdp` of github.com/rgdd/ctga. */
  readonly paper?: string | undefined;
  /** Another object with ctga's maps. */
  readonly against?: string | undefined;
  readonly rounds: number;
}

const built = (file: string): string => join(projectRoot(), 'build/bench', file);

/** Throws Error where a packet did not take its path: then the figures would be of another thing. */
export function measureCost({ paper, against, rounds }: CostOptions): PathCost[] {
  const programs: { name: string; kind: string; object: string }[] = [
    { name: EMPTY, kind: 'ctga', object: built('empty.bpf.o') },
    { name: FLOOR, kind: 'ctga', object: built('floor.bpf.o') },
    { name: CTGA, kind: 'ctga', object: xdpObjectPath() },
  ];
  if (against !== undefined) programs.push({ name: AGAINST, kind: 'ctga', object: against });
  if (paper !== undefined) {
    const object = compilePaper(paper);
    programs.push({ name: PAPER, kind: 'paper', object });
    programs.push({ name: PAPER_WOKEN, kind: 'paper-woken', object });
  }
  const plan = [
    `rounds ${rounds}`,
    ...KNOWN_NAMES.concat([REAL, CHECKPOINT].map(encodeName)).map((name) => `known ${hex(name)}`),
    ...programs.map(({ name, kind, object }) => `program ${name} ${kind} ${object}`),
    ...PATHS.map(planOf),
  ];
  const output = execFileSync(built('cost'), [built('vary.bpf.o')], {
    input: `${plan.join('\n')}\n`,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'inherit'],
    maxBuffer: 1 << 28,
  });
  const results = output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as RunnerResult);
  return PATHS.map((path, row) =>
    costOf(
      path,
      results.filter((each) => each.row === row),
      results,
    ),
  );
}

function planOf({ frame, packets, keys = {}, hasPaper = true, fate }: Path, row: number): string {
  const without = [
    ...(hasPaper ? [] : [PAPER]),
    // It differs from the other in copies alone.
    ...(hasPaper && fate === 'copied' ? [] : [PAPER_WOKEN]),
  ];
  return [
    `row ${row} ${packets} ${hex(frame)}`,
    ...Object.entries(keys).map(([key, value]) => `${key}=${value}`),
    ...without.map((name) => `without=${name}`),
  ].join(' ');
}

interface RunnerResult {
  readonly row: number;
  readonly program: string;
  /** Copies that were read, and what the program's counters say. */
  readonly read: number;
  readonly copied: number;
  readonly seen: number;
  readonly overBudget: number;
  readonly ringFull: number;
  /** Nanoseconds a packet, by round. */
  readonly ns: readonly number[];
}

const low = (sample: readonly number[]): number => percentile(sample, 0.1);

function costOf(
  { path, packets, fate }: Path,
  mine: readonly RunnerResult[],
  all: readonly RunnerResult[],
): PathCost {
  const emptyOf = (results: readonly RunnerResult[]): number =>
    low(results.find(({ program }) => program === EMPTY)?.ns ?? []);
  const around = emptyOf(mine) - emptyOf(all);
  for (const result of mine) {
    const sent = packets * result.ns.length;
    const is = result.program === CTGA && fate !== undefined ? result[fate] : sent;
    const read = result.program.startsWith(PAPER) || result.program === CTGA ? result.read : sent;
    // The first packets are copied before they are seen.
    if (is < sent - 100 || (fate === 'copied' && read !== sent))
      throw new Error(`${path}: of ${sent} packets ${is} were ${String(fate)}, ${read} read`);
  }
  return {
    path,
    around,
    ns: Object.fromEntries(mine.map(({ program, ns }) => [program, low(ns) - around])),
  };
}

/** Markdown: a row for each path, a column for each program, and what the issue of cost asks of them. */
export function costTable(costs: readonly PathCost[]): string {
  const programs = [EMPTY, FLOOR, CTGA, AGAINST, PAPER, PAPER_WOKEN].filter((name) =>
    costs.some(({ ns }) => name in ns),
  );
  const ratio = (ns: PathCost['ns'], to: string): string => {
    const [ours, theirs] = [ns[CTGA], ns[to]];
    return ours === undefined || theirs === undefined ? '' : (ours / theirs).toFixed(2);
  };
  return table(
    ['path', ...programs, ...programs.filter((name) => name !== CTGA).map((to) => `ctga : ${to}`)],
    costs.map(({ path, ns }) => [
      path,
      ...programs.map((name) => ns[name]?.toFixed(1) ?? ''),
      ...programs.filter((name) => name !== CTGA).map((to) => ratio(ns, to)),
    ]),
  );
}

/** Markdown: what ctga's paths cost to each other, and copies to the paper's, above an empty program. */
export function ratioTable(costs: readonly PathCost[]): string {
  const of = (path: string, program: string): number =>
    costs.find((each) => each.path === path)?.ns[program] ?? NaN;
  const between = [
    ['`xth.` TXT, 411 B', 'unknown `sth.` TXT, 411 B'],
    ['known, seen, 284 B', 'unknown `sth.` TXT, 284 B'],
    ['known, seen, 411 B', 'unknown `sth.` TXT, 411 B'],
    ['known, over budget', 'copy, every answer distinct'],
    ['known, ring full', 'copy, every answer distinct'],
    ['fragment, over budget', 'fragment, copied'],
    ['fragment, ring full', 'fragment, copied'],
  ] as const;
  const copy = 'copy, every answer distinct';
  const above = (program: string): number => of(copy, program) - of(copy, EMPTY);
  return table(
    ['what', 'ratio'],
    [
      ...between.map(([path, to]) => [
        `${path} : ${to}`,
        (of(path, CTGA) / of(to, CTGA)).toFixed(2),
      ]),
      ...[PAPER, PAPER_WOKEN].map((to) => [
        `${copy}, above empty, ctga : ${to}`,
        (above(CTGA) / above(to)).toFixed(3),
      ]),
    ].filter(([, ratio]) => ratio !== 'NaN'),
  );
}

/**
 * Compiles the program of the paper, as it is but for its maps: libbpf takes them only as BTF
 * describes them, so each definition of the old kind becomes one of the new kind with its name and
 * numbers. Returns the object's path.
 */
function compilePaper(source: string): string {
  const directory = built('paper');
  mkdirSync(directory, { recursive: true });
  for (const file of ['xdp_sample_pkts_kern.h', 'xdp_sample_pkts_kern.c'])
    writeFileSync(join(directory, file), modernise(readFileSync(join(source, file), 'utf8')));
  const object = join(directory, 'paper.bpf.o');
  const multiarch = `/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;
  const flags = ['-target', 'bpf', '-mcpu=v3', '-O2', '-g', '-w', '-I', directory];
  const types = ['u8', 'u16', 'u32', 'u64'].map((type) => `-D${type}=__${type}`);
  execFileSync('clang', [
    ...flags,
    ...types,
    '-idirafter',
    multiarch,
    '-c',
    join(directory, 'xdp_sample_pkts_kern.c'),
    '-o',
    object,
  ]);
  return object;
}

function modernise(text: string): string {
  return text
    .replace(
      /struct bpf_map_def SEC\("maps"\) (\w+) = \{([^}]*)\};/g,
      (_, name: string, fields: string) => {
        const members = [...fields.matchAll(/\.(\w+)\s*=\s*([^,\n]+)/g)].map(
          ([, field = '', value = '']) => `__uint(${field}, ${value});`,
        );
        return `struct { ${members.join(' ')} } ${name} SEC(".maps");`;
      },
    )
    .replace(/#include (<uapi\/linux\/bpf\.h>|<linux\/ptrace\.h>)\n/g, '')
    .replace('#include "bpf_helpers.h"', '#include <bpf/bpf_helpers.h>')
    .replace('SEC("xdp_sample")', 'SEC("xdp.frags")');
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
