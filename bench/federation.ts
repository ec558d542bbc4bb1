// SPDX-License-Identifier: Apache-2.0
/**
 * How long a federation takes to agree in a period, and what each member sends and computes for that.
 * The members are the real code (src/federation) and say their real bytes; the wire is in this
 * process, and each member has a CPU of its own, which is charged for what handling takes here. So
 * convergence is what as many machines as this one would take on a network of no latency.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { hex } from '../src/federation/bytes.ts';
import { attachmentOf, cosignAll } from '../src/federation/cosignatures.ts';
import { toMerkleHash } from '../src/merkle/hash.ts';
import { generateSignerKey, parseSignerKey } from '../src/statements/cosignature.ts';
import type { TlsAgreement } from './federation-tls.ts';
import { table } from './report.ts';
import {
  FIRST_PERIOD,
  observerOf,
  PERIOD_MS,
  thresholdFor,
  TimedNetwork,
} from '../test/support/federation.ts';
import { SigningLog } from '../test/support/signing-log.ts';

export const FAULTS = {
  none: 'nobody fails',
  cosigned: 'nobody fails, and each tells all others its cosignatures, by Ed25519 and ML-DSA-44',
  silent: 'f say nothing, as in the periods before',
  'falling silent': 'f say nothing from this period on',
  equivocating: 'f have two faces from this period on, of which each half sees one',
  partition: 'two halves hear nothing of each other for eleven seconds',
} as const;
export type FaultKind = keyof typeof FAULTS;

export interface Agreement {
  readonly members: number;
  readonly f: number;
  readonly threshold: number;
  readonly fault: FaultKind;
  /** Until the last honest member has verified what is agreed on; of a partition, from its end. In ms. */
  readonly convergence: number;
  /** Of an honest member, on average, in the whole period: sent, in bytes, and ms of CPU. */
  readonly messages: number;
  readonly bytes: number;
  /** Of the one that sent the most. */
  readonly mostBytes: number;
  readonly cpu: number;
}

export const LOGS = 8;
/** Until everything is compiled, and it is known who is silent. */
const WARM_UP = 4;
const PARTITION_MS = 11_000;

/** How many bytes a member's cosignatures of all heads of a period have. */
function cosignedBytes(): number {
  const root = toMerkleHash(new Uint8Array(32));
  const all = Array.from({ length: LOGS }, (_, i) => {
    const log = new SigningLog();
    const head = log.verified(1_000_000 + i, root);
    const { logId: id, treeSize, rootHash } = head;
    const statement = { kind: 'head', id, treeSize, rootHash } as const;
    const named = log.asLog({ url: `https://log${i}.example/2026h1/` });
    return { named, item: { statement, attachment: attachmentOf(head) } };
  });
  const cosigners = [
    generateSignerKey('member.example/a', 'Ed25519 cosignature'),
    generateSignerKey('member.example/a/ml-dsa-44', 'ML-DSA-44'),
  ].map(parseSignerKey);
  const logs = new Map(all.map(({ named }) => [hex(named.key.logId), named]));
  const items = all.map(({ item }) => item);
  return cosignAll(items, logs, cosigners, 1_700_000_000n).length;
}

/** The worst of so many periods after each other; what is sent is their mean. */
export function measureAgreement(
  members: number,
  f: number,
  fault: FaultKind,
  periods: number,
): Agreement {
  const threshold = thresholdFor(members, f);
  const network = new TimedNetwork({
    size: members,
    threshold,
    isCharged: true,
    ...(fault === 'cosigned' ? { cosignatures: cosignedBytes() } : {}),
  });
  const all = network.keys.map((_, i) => i);
  const failing = all.filter((i) => i < f);
  const isHonest = fault === 'none' || fault === 'cosigned' || fault === 'partition';
  const honest = isHonest ? all : all.slice(f);
  network.start(fault === 'silent' ? honest : all);
  let period = FIRST_PERIOD;
  for (let i = 0; i < WARM_UP; i++) network.runPeriod(period++);
  network.forgetAccounts();
  let convergence = 0;
  for (let i = 0; i < periods; i++, period++) {
    const start = period * PERIOD_MS;
    if (i === 0 && (fault === 'falling silent' || fault === 'equivocating'))
      for (const each of failing) {
        network.stop(each);
        if (fault === 'equivocating')
          network.startTwins(each, [observerOf(LOGS), observerOf(LOGS, 1)]);
      }
    if (fault === 'partition')
      network.fate = (from, to) =>
        network.now < start + PARTITION_MS && from % 2 !== to % 2 ? 'lost' : 0;
    network.runPeriod(period);
    const from = fault === 'partition' ? start + PARTITION_MS : start;
    convergence = Math.max(convergence, network.agreedAt(period, LOGS, honest) - from);
  }
  const mean = (of: (account: (typeof network.accounts)[number]) => number): number =>
    honest.reduce((sum, i) => sum + of(network.accounts[i] as never), 0) / honest.length / periods;
  return {
    members,
    f,
    threshold,
    fault,
    convergence,
    messages: mean(({ messages }) => messages),
    bytes: mean(({ bytes }) => bytes),
    mostBytes: Math.max(...honest.map((i) => network.accounts[i]?.bytes ?? 0)) / periods,
    cpu: mean(({ cpu }) => cpu),
  };
}

/** As many members, and as many faults, as CTngV3's own measurements have; fewer of both if quick. */
export function measureFederation(isQuick: boolean, say: (what: string) => void): Agreement[] {
  const sizes = isQuick ? [4, 5] : [4, 8, 16, 32];
  const largest = Math.max(...sizes);
  const failing = isQuick ? [1] : [1, 2, 4, 8];
  const periods = isQuick ? 1 : 3;
  const inEach = (fault: FaultKind): [number, number, FaultKind][] =>
    sizes.map((size) => [size, Math.floor((size - 1) / 3), fault]);
  const byF = (fault: FaultKind): [number, number, FaultKind][] =>
    failing.map((f) => [largest, f, fault]);
  const runs = [
    ...inEach('none'),
    ...byF('none'),
    ...byF('silent'),
    ...byF('falling silent'),
    ...byF('equivocating'),
    ...inEach('partition'),
    ...inEach('cosigned'),
  ];
  return runs.map(([size, f, fault]) => {
    say(`  ${size} members, f = ${f}: ${FAULTS[fault]}`);
    return measureAgreement(size, f, fault, periods);
  });
}

/** With what power of the number of members something grows, by least squares over logarithms. */
export function exponentOf(points: readonly (readonly [x: number, y: number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (at: 0 | 1): number => logs.reduce((sum, each) => sum + each[at], 0) / logs.length;
  const [mx, my] = [mean(0), mean(1)];
  const covariance = logs.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  return covariance / logs.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}

/** A run of CTngV3, as bench/ctngv3/run.py prints it. */
export interface CtngV3Run {
  readonly n: number;
  readonly mal: number;
  readonly certs: number;
  readonly bin: string;
  readonly waits: readonly string[];
  /** Whether all monitors had all heads signed. */
  readonly all: boolean;
  /** In seconds. */
  readonly wall: number;
  readonly bytes_member: number;
  readonly requests_member: number;
  readonly cpu_member: number;
}

export function readCtngV3(file: string): CtngV3Run[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as CtngV3Run);
}

/** What the same takes over real connections, and CTngV3's best beside it. */
function tlsSections(overTls: readonly TlsAgreement[], theirs: readonly CtngV3Run[]): string[] {
  const best = (n: number): number =>
    Math.min(...theirs.filter((each) => each.n === n).map((each) => each.bytes_member));
  const honest = overTls.filter(({ fault }) => fault === 'none');
  const most = honest.at(-1);
  return [
    '## Over HTTPS on loopback\n',
    table(
      [
        'members',
        'f',
        'threshold',
        'fault',
        'ms',
        'bytes',
        'CPU ms',
        "CTngV3's best bytes to these",
      ],
      overTls.map((each) => [
        `${each.members}`,
        `${each.f}`,
        `${each.threshold}`,
        each.fault,
        each.convergence.toFixed(0),
        each.bytes.toFixed(0),
        each.cpu.toFixed(0),
        each.fault === 'none' && Number.isFinite(best(each.members))
          ? (best(each.members) / each.bytes).toFixed(0)
          : '',
      ]),
    ),
    `The members share ${availableParallelism()} CPUs, in as many threads: time is the wall's, and about what all of them compute by these. Bytes are what is on the sockets, with TLS and HTTP: a member's share of both directions. Who is silent says nothing, and takes what it is told.\n`,
    ...(most === undefined
      ? []
      : [
          `What ${most.members} members compute in a period is ${((most.members * most.cpu) / 1000).toFixed(1)} s, which these CPUs do in ${((most.members * most.cpu) / 1000 / availableParallelism()).toFixed(1)} s at the least; with a CPU each the first table counts.\n`,
        ]),
    ...(honest.length > 1
      ? [
          `Bytes a member and period grow as n^${exponentOf(honest.map(({ members, bytes }) => [members, bytes])).toFixed(2)}, over all connections.\n`,
        ]
      : []),
  ];
}

/** The sections of the report: ours by size and by f, with what was aimed at, and CTngV3's beside. */
export function federationSections(
  agreements: readonly Agreement[],
  overTls: readonly TlsAgreement[],
  theirs: readonly CtngV3Run[],
): string[] {
  const honest = agreements.filter(({ fault }) => fault === 'none');
  const largest = Math.max(...honest.map(({ members }) => members));
  const sizes = honest.slice(0, new Set(honest.map(({ members }) => members)).size);
  const growth = exponentOf(sizes.map(({ members, bytes }) => [members, bytes]));
  const growthOfMost = exponentOf(sizes.map(({ members, mostBytes }) => [members, mostBytes]));
  const cosigned = agreements.filter(({ fault }) => fault === 'cosigned');
  const growthOfCosigned = exponentOf(cosigned.map(({ members, bytes }) => [members, bytes]));
  const byF = agreements.filter(
    ({ members, fault }) => members === largest && (fault === 'none' || fault === 'silent'),
  );
  const times = byF.map(({ convergence }) => convergence);
  const sections = [
    '# A federation: how long it takes to agree, and what a member sends and computes\n',
    table(
      ['members', 'f', 'threshold', 'fault', 'ms', 'messages', 'bytes', 'most bytes', 'CPU ms'],
      agreements.map((each) => [
        `${each.members}`,
        `${each.f}`,
        `${each.threshold}`,
        each.fault,
        each.convergence.toFixed(0),
        each.messages.toFixed(1),
        each.bytes.toFixed(0),
        each.mostBytes.toFixed(0),
        each.cpu.toFixed(0),
      ]),
    ),
    `${LOGS} logs. Of each row the slowest of some periods is given, and of what a member sends in a period the mean.\n`,
    Object.entries(FAULTS)
      .map(([name, what]) => `- ${name}: ${what}`)
      .join('\n'),
    `\nBytes that agreeing takes a member in a period grow as n^${growth.toFixed(2)}, those of who leads as n^${growthOfMost.toFixed(2)}, and with cosignatures as n^${growthOfCosigned.toFixed(2)}.`,
    `With ${largest} members, f from 1 on, silent or not, convergence is ${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)} ms.\n`,
  ];
  sections.push(...tlsSections(overTls, theirs));
  if (theirs.length === 0) return sections;
  const ours = (n: number): Agreement | undefined => sizes.find(({ members }) => members === n);
  const rows = [...new Set(theirs.map(({ n }) => n))].sort((a, b) => a - b);
  const cells = (of: CtngV3Run | undefined): string[] =>
    of === undefined
      ? ['', '', '', '']
      : [
          `${of.wall.toFixed(1)}${of.all ? '' : ' (not all)'}`,
          `${of.bytes_member}`,
          `${of.requests_member}`,
          of.cpu_member.toFixed(2),
        ];
  const find = (n: number, isShipped: boolean): CtngV3Run | undefined =>
    theirs.filter((each) => each.n === n && each.bin.includes('race') === isShipped).at(-1);
  const best = (n: number): number =>
    Math.min(...theirs.filter((each) => each.n === n).map((each) => each.bytes_member));
  return [
    ...sections,
    '## Beside CTngV3\n',
    table(
      [
        'members',
        ...['as shipped', 'no -race, waits of 1 s', 'ours'].flatMap((which) => [
          `${which}: s`,
          'bytes',
          'messages',
          'CPU s',
        ]),
        'their best bytes to ours',
        'and with cosignatures',
      ],
      rows.map((n) => {
        const own = ours(n);
        return [
          `${n}`,
          ...cells(find(n, true)),
          ...cells(find(n, false)),
          ...(own === undefined
            ? ['', '', '', '', '', '']
            : [
                (own.convergence / 1000).toFixed(2),
                own.bytes.toFixed(0),
                own.messages.toFixed(1),
                (own.cpu / 1000).toFixed(3),
                (best(n) / own.bytes).toFixed(0),
                (best(n) / (cosigned.find(({ members }) => members === n)?.bytes ?? NaN)).toFixed(
                  1,
                ),
              ]),
        ];
      }),
    ),
    'Theirs are real processes that share the CPUs of this machine, ours have one each.',
  ];
}
