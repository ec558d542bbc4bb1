// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run bench [-- PART...] [--quick] [--against OBJECT.o] [--paper DIRECTORY] [--packets N]
 * [--games N] [--seconds N] [--connections N,N] [--curves NAME,NAME] [--ctngv3 FILE]
 * [--only PIECE,PIECE] [--rows N] [--store DIRECTORY]`, as root.
 * Parts: cost, throughput, latency, distinguisher, unaltered, challenge, follow, wire, drain, replay,
 * dnstap, dns, start, pool, store, p4, game, impact, federation, witness, ddt-dos, fleet; all unless told, and only
 * `ddt-dos`, `dns`, `federation`, `fleet`, `game`, `impact`, `pool` and `witness` need no root. Each writes results/PART.md and
 * results/PART.json, and plots beside.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measureChallenge } from './challenge.ts';
import { costTable, measureCost, ratioTable } from './cost.ts';
import {
  CONNECTIONS,
  CURVES,
  dosLines,
  dosSections,
  isCurve,
  measureDos,
  missingForDos,
  type DosResults,
} from './ddt-dos.ts';
import { measureDns, missingDnsTool } from './dns.ts';
import { measureDnstap } from './dnstap.ts';
import { measureDrain } from './drain.ts';
import { measureFederationOverTls } from './federation-tls.ts';
import { federationSections, measureFederation, readCtngV3 } from './federation.ts';
import {
  FLEET_PIECES,
  fleetSections,
  measurePiece,
  missingFor,
  type FleetPieces,
} from './fleet.ts';
import { gameSections, measureGame } from './game.ts';
import { measureFollowing } from './follow.ts';
import { measureImpact } from './impact.ts';
import { measureP4, missingP4Tools } from './p4.ts';
import { measurePool } from './pool.ts';
import { measureLogs, measureSigning } from './witness.ts';
import { decodedRate, measureReplay } from './replay.ts';
import { measureAtRest, measureStarts } from './start.ts';
import { measureStore } from './store.ts';
import { measureWire } from './wire.ts';
import { linePlot, table } from './report.ts';
import { TRAFFIC_KINDS } from '../src/traffic/traffic.ts';
import {
  checkUnaltered,
  distinguish,
  latency,
  SETTINGS,
  sweep,
  throughput,
  visibleChanges,
} from './veth.ts';

// A reader that leaves early, such as `head`, keeps nothing from being measured and written down.
process.stdout.on('error', () => undefined);
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    against: { type: 'string' },
    paper: { type: 'string' },
    packets: { type: 'string' },
    games: { type: 'string' },
    seconds: { type: 'string' },
    connections: { type: 'string' },
    curves: { type: 'string' },
    ctngv3: { type: 'string' },
    only: { type: 'string' },
    rows: { type: 'string' },
    store: { type: 'string' },
    help: { type: 'boolean', default: false },
    output: { type: 'string', default: join(import.meta.dirname, 'results') },
  },
});
const PARTS = [
  'cost',
  'throughput',
  'latency',
  'distinguisher',
  'unaltered',
  'challenge',
  'follow',
  'wire',
  'drain',
  'replay',
  'dnstap',
  'dns',
  'start',
  'pool',
  'store',
  'p4',
  'game',
  'impact',
  'federation',
  'witness',
  'ddt-dos',
  'fleet',
];
if (values.help) {
  console.log(
    `npm run bench [-- PART...] [--quick] [--output DIRECTORY] [--against OBJECT.o] [--paper DIRECTORY]
    [--packets N] [--games N] [--seconds N] [--connections N,N] [--curves NAME,NAME]
    [--ctngv3 FILE] [--only PIECE,PIECE] [--rows N] [--store DIRECTORY]
Parts: ${PARTS.join(', ')}; all unless told. docs/BENCH.md has what each of them measures.`,
  );
  process.exit(0);
}
const unknown = positionals.filter((part) => !PARTS.includes(part));
if (unknown.length > 0) fail(`no part named ${unknown.join(', ')}: want ${PARTS.join(', ')}`, 2);
const chosen = PARTS.filter((part) => positionals.length === 0 || positionals.includes(part));
/** Whether to measure a part, which is begun then; asked once for each, in the order of PARTS. */
function wanted(part: string): boolean {
  const at = chosen.indexOf(part);
  if (at >= 0) say(`part ${at + 1} of ${chosen.length}: ${part}`);
  return at >= 0;
}
const needsNoRoot =
  positionals.length > 0 &&
  positionals.every((part) =>
    ['ddt-dos', 'dns', 'federation', 'fleet', 'game', 'impact', 'pool', 'witness'].includes(part),
  );
if (!needsNoRoot && process.geteuid?.() !== 0)
  fail('the bench loads BPF programs and makes network namespaces: run it as root', 1);
const { quick } = values;
/** Says how far it is, to somebody who looks. */
const say = (what: string): void => {
  if (process.stderr.isTTY) warn(what);
};
const warn = (what: string): void => console.error(`bench: ${what}`);

function fail(message: string, code: number): never {
  console.error(`bench: ${message}`);
  process.exit(code);
}

const machine = `Linux ${release()}, ${cpus().length} x ${cpus()[0]?.model ?? 'CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
/** Writes a part down as soon as it is there, beside what other runs left of other parts. */
function report(part: string, data: unknown, ...sections: readonly string[]): void {
  mkdirSync(values.output, { recursive: true });
  const date = new Date().toISOString();
  const head = `${machine}, ${date.slice(0, 10)}${quick ? ', **a quick run: figures mean little**' : ''}. See ../../docs/BENCH.md.\n`;
  const text = [...sections.slice(0, 1), head, ...sections.slice(1)].join('\n');
  writeFileSync(join(values.output, `${part}.md`), `${text}\n`);
  writeFileSync(
    join(values.output, `${part}.json`),
    `${JSON.stringify({ date, machine, quick, data }, undefined, 2)}\n`,
  );
  console.log(text);
}

if (!needsNoRoot) execFileSync('make', ['-s', '-C', join(import.meta.dirname, 'baseline')]);
if (wanted('cost')) {
  say('  a packet, by path');
  const { paper = process.env['CTGA_PAPER'], against } = values;
  if (paper === undefined)
    warn(
      "without --paper (or CTGA_PAPER), a copy of github.com/rgdd/ctga's xdp, there is no column of the paper's program",
    );
  const costs = measureCost({
    paper: paper && resolve(paper),
    against: against && resolve(against),
    rounds: quick ? 3 : 31,
  });
  report(
    'cost',
    costs,
    '# Cost of a packet, in nanoseconds\n',
    costTable(costs),
    ratioTable(costs),
  );
}
for (const measure of [throughput(1), latency(quick ? 200 : 5000)]) {
  if (!wanted(measure.name)) continue;
  if (measure.name === 'throughput' && spawnSync('tcpreplay', ['--version']).error !== undefined)
    fail('throughput needs tcpreplay: apt-get install tcpreplay', 1);
  if (spawnSync('tcpdump', ['--version']).error !== undefined)
    fail(`${measure.name} needs tcpdump: apt-get install tcpdump`, 1);
  say('  against match rate');
  const rates = quick ? [0, 100] : Array.from({ length: 11 }, (_, i) => i * 10);
  const swept = await sweep(measure, rates, quick ? 1 : 3, (what) => say(`  ${what}`));
  const title = measure.name.replace(/^./, (first) => first.toUpperCase());
  const sections = [`# ${title}: ${measure.unit}, and to no program\n`];
  mkdirSync(values.output, { recursive: true });
  for (const kind of TRAFFIC_KINDS) {
    const mine = swept.filter((each) => each.kind === kind);
    const plot = `${measure.name}-${kind}.svg`;
    sections.push(
      `## ${kind}\n\n![${kind}](${plot})\n`,
      table(
        ['match rate', ...SETTINGS.map(({ name }) => name)],
        rates.map((rate) => [
          `${rate} %`,
          ...SETTINGS.map(({ name }) => {
            const found = mine.find((each) => each.rate === rate && each.setting === name);
            return found === undefined
              ? ''
              : `${Math.round(found.value)} (${found.ratio.toFixed(2)})`;
          }),
        ]),
      ),
    );
    const lines = SETTINGS.map(({ name }) => ({
      name,
      points: mine
        .filter(({ setting }) => setting === name)
        .map(({ rate, value }) => [rate, value / 1000] as const),
    }));
    const label =
      measure.name === 'latency' ? 'microseconds' : 'thousand packets a second of CPU time';
    writeFileSync(
      join(values.output, plot),
      linePlot(`${title}, ${kind}`, 'match rate, %', label, lines),
    );
  }
  report(measure.name, swept, ...sections);
}
if (wanted('distinguisher')) {
  const found = await distinguish(quick ? 3 : 24, quick ? 200 : 3000, (what) => say(`  ${what}`));
  const visible = await visibleChanges();
  report(
    'distinguisher',
    { tests: found, visible },
    '# Distinguisher\n',
    table(
      [
        'samples',
        'measure',
        'first',
        'second',
        'p (Mann-Whitney)',
        'p (Kolmogorov-Smirnov)',
        "Cliff's delta",
      ],
      found.map((each) => [
        each.what,
        each.measure,
        `${each.first}`,
        `${each.second}`,
        each.mannWhitney.toFixed(3),
        each.kolmogorovSmirnov.toFixed(3),
        each.effect.toFixed(2),
      ]),
    ),
    visible.length === 0
      ? '\nAttaching changes neither an offload nor an MTU.'
      : `\nWhat attaching changes:\n\n${table(
          ['device', 'what', 'before', 'after'],
          visible.map(({ device, what, before, after }) => [device, what, before, after]),
        )}`,
  );
}
if (wanted('unaltered')) {
  const count = Number(values.packets ?? (quick ? 2000 : 1_000_000));
  say(`  ${count} packets, every fourth malformed: unaltered and in order?`);
  const { sent, lost, altered, reordered, perSecond } = await checkUnaltered(count);
  report(
    'unaltered',
    { sent, lost, altered, reordered, perSecond },
    '# Unaltered\n',
    `${sent} packets, every fourth malformed: ${lost} lost, ${altered} altered, ${reordered} batches reordered.`,
  );
  if (lost + altered + reordered > 0) process.exitCode = 1;
}
if (wanted('challenge')) {
  say('  stored heads to verdicts');
  const found = await measureChallenge(quick ? 10_000 : 1_000_000, quick ? 1000 : 20_000);
  report(
    'challenge',
    found,
    '# From stored heads to verdicts on this machine, through a SOCKS proxy\n',
    table(
      ['API', 'by', 'entries', 'heads', 'heads a minute', 'requests', 'bytes', 'seconds to fetch'],
      found.map((each) => [
        each.api,
        each.way,
        `${each.entries}`,
        `${each.heads}`,
        `${each.headsPerMinute}`,
        `${each.requests}`,
        `${each.bytes}`,
        each.way === 'hashes' ? each.secondsToFetch.toFixed(1) : '',
      ]),
    ),
  );
  if (found.some(({ heads, consistent }) => heads !== consistent)) process.exitCode = 1;
}
if (wanted('follow')) {
  say('  days of a clock of its own');
  const found = await measureFollowing(quick ? 1000 : 1);
  report(
    'follow',
    found,
    '# Following a log from nothing on, by the day\n',
    table(
      [
        'API',
        'entries a day',
        'day',
        'mode',
        'visits',
        'requests',
        'MB',
        'leaves held',
        'MB on disk',
      ],
      found.map((each) => [
        each.api,
        `${each.perDay}`,
        `${each.day}`,
        each.mode,
        `${each.visits}`,
        `${each.requests}`,
        (each.bytes / 1e6).toFixed(1),
        `${each.held}`,
        (each.disk / 1e6).toFixed(1),
      ]),
    ),
  );
}
if (wanted('wire')) {
  say('  a tile, by what stands between');
  const found = await measureWire(quick ? 16 : 96, quick ? 1 : 3);
  report(
    'wire',
    found,
    '# A hash tile of a log on this machine, by what stands between\n',
    table(
      ['protocol', 'at once', 'way', 'ms a tile', 'x no proxy'],
      found.map(({ protocol, atOnce, way, ms, ratio }) => [
        protocol,
        `${atOnce}`,
        way,
        ms.toFixed(2),
        ratio.toFixed(1),
      ]),
    ),
  );
}
if (wanted('drain')) {
  const rates = [
    await measureDrain(
      'to a decision, 16 tree heads again and again',
      quick ? 16_000 : 10_000_000,
      16,
    ),
    await measureDrain('to a stored tree head, every one new', quick ? 500 : 20_000, Infinity),
  ];
  report(
    'drain',
    rates,
    '# Drain, one core\n',
    table(
      ['what', 'records', 'lost', 'records a second', 'MiB before, most, after'],
      rates.map((each) => [
        each.what,
        `${each.records}`,
        `${each.lost}`,
        `${each.recordsPerSecond}`,
        each.memory.join(', '),
      ]),
    ),
  );
  if (rates.some(({ lost }) => lost > 0)) process.exitCode = 1;
}
if (wanted('replay')) {
  const rates = await measureReplay(quick ? 20_000 : 500_000, quick ? 1 : 3);
  report(
    'replay',
    rates,
    '# Captures, one core: packets a second of CPU time\n',
    table(
      ['traffic', 'reader', 'CPU seconds', 'packets a second', 'x every packet decoded'],
      rates.map(({ traffic, reader, seconds, packetsPerSecond }) => [
        traffic,
        reader,
        seconds.toFixed(2),
        `${packetsPerSecond}`,
        (packetsPerSecond / decodedRate(rates, traffic)).toFixed(1),
      ]),
    ),
  );
}
if (wanted('dnstap')) {
  const rates = await measureDnstap(quick ? 50_000 : 2_000_000);
  report(
    'dnstap',
    rates,
    '# A resolver: frames a second of CPU time, all threads together\n',
    table(
      ['traffic', 'frames', 'lost', 'CPU seconds', 'frames a CPU second', 'frames a second'],
      rates.map((rate) => [
        rate.traffic,
        `${rate.frames}`,
        `${rate.lost}`,
        rate.cpuSeconds.toFixed(2),
        `${rate.framesPerCpuSecond}`,
        `${rate.framesPerSecond}`,
      ]),
    ),
  );
  if (rates.some(({ lost }) => lost > 0)) process.exitCode = 1;
}
if (wanted('dns')) {
  const missing = missingDnsTool();
  if (missing !== undefined)
    fail(`dns needs ${missing}: apt-get install dnsperf nsd bind9-dnsutils`, 1);
  const rates = await measureDns(quick ? 1 : 10, quick ? 1 : 5);
  report(
    'dns',
    rates,
    '# Questions for tree heads and proofs over UDP, one core\n',
    table(
      ['server', 'a second', 'x NSD', 'a CPU second', 'x NSD', 'lost'],
      rates.map((each) => [
        each.server,
        `${each.perSecond}`,
        each.ratio.toFixed(2),
        `${each.perCpuSecond}`,
        each.cpuRatio.toFixed(2),
        `${each.lost}`,
      ]),
    ),
  );
}
if (wanted('pool')) {
  const loads = await measurePool(quick ? 500 : 20_000);
  report(
    'pool',
    loads,
    '# A pool for gossip under load, sixteen connections at once\n',
    table(
      ['load', 'requests', 'answers', 'requests a CPU second', 'RSS in MiB', 'disk in MiB'],
      loads.map((each) => [
        each.load,
        `${each.requests}`,
        each.statuses,
        `${each.requestsPerCpuSecond}`,
        `${each.residentMebibytes}`,
        `${each.diskMebibytes}`,
      ]),
    ),
  );
}
if (wanted('witness')) {
  const signing = measureSigning(quick ? 200 : 2000);
  const loads = [await measureLogs(1, quick ? 10 : 60), await measureLogs(100, quick ? 2 : 6)];
  report(
    'witness',
    { node: process.version, signing, loads },
    `# A witness: cosignatures, and logs that grow at once (Node ${process.version})\n`,
    `${table(
      ['key', 'cosignatures a second', 'verified a second'],
      signing.map(({ key, signed, verified }) => [key, `${signed}`, `${verified}`]),
    )}\n\n${table(
      [
        'logs at once',
        'requests',
        'cosigned a second',
        'a CPU second',
        'p50 ms',
        'p99 ms',
        'others',
      ],
      loads.map((each) => [
        `${each.logs}`,
        `${each.requests}`,
        `${each.cosignedPerSecond}`,
        `${each.cosignedPerCpuSecond}`,
        `${each.p50}`,
        `${each.p99}`,
        `${each.others}`,
      ]),
    )}`,
  );
}
if (wanted('start')) {
  say('  each command, and memory at rest');
  const starts = await measureStarts(quick ? 1 : 3);
  const resting = await measureAtRest();
  report(
    'start',
    { starts, resting },
    '# Starting: time of a start, and memory\n',
    table(
      ['command', 'CPU ms', 'to node -e 0', 'wall ms', 'peak MiB'],
      starts.map(({ command, cpuMilliseconds, toNode, wallMilliseconds, memory }) => [
        command,
        cpuMilliseconds.toFixed(0),
        toNode.toFixed(2),
        wallMilliseconds.toFixed(0),
        memory.toFixed(0),
      ]),
    ),
    '\n## At rest\n',
    table(
      ['process', 'RSS MiB', 'PSS MiB'],
      resting.map(({ process, rss, pss }) => [process, rss.toFixed(0), pss.toFixed(0)]),
    ),
  );
}
if (wanted('store')) {
  const sightings = quick ? 100_000 : 10_000_000;
  const { timings, mebibytes } = measureStore(sightings, (what) => say(`  ${what}`));
  report(
    'store',
    { sightings, mebibytes, timings },
    `# A store of ${sightings} sightings (${mebibytes} MiB), in milliseconds\n`,
    table(
      ['what', 'empty', 'large'],
      timings.map(({ what, empty, large }) => [what, empty.toFixed(1), large.toFixed(1)]),
    ),
  );
}
if (wanted('p4')) {
  const missing = missingP4Tools();
  if (missing.length > 0 && positionals.length > 0)
    fail(`p4 needs ${missing.join(' and ')} on PATH`, 1);
  if (missing.length > 0) warn(`p4 is left out: ${missing.join(' and ')} not on PATH`);
  else {
    const found = await measureP4(
      quick ? [0, 100] : [0, 10, 50, 100],
      quick ? 2000 : 20_000,
      quick ? 1 : 5,
      (what) => say(`  ${what}`),
    );
    report(
      'p4',
      found,
      "# bmv2's simple_switch: frames a second of a router that looks at nothing, and of ctga's program\n",
      table(
        ['frames', 'match rate', 'router', 'ctga', 'ratio'],
        found.map(({ kind, rate, router, ctga, ratio }) => [
          kind,
          `${rate} %`,
          `${router}`,
          `${ctga}`,
          ratio.toFixed(2),
        ]),
      ),
    );
  }
}
if (wanted('game')) {
  const games = quick ? 140 : Number(values.games ?? 10_000);
  if (!Number.isSafeInteger(games) || games < 140) fail('--games: want a number, 140 or more', 2);
  say(`  ${games} of each kind`);
  const results = await measureGame({ games, say });
  report(
    'game',
    results.map(({ kind, way, all }) => ({ kind, way, all: Object.fromEntries(all) })),
    ...gameSections(results),
  );
}
if (wanted('impact')) {
  const rates = await measureImpact(quick ? [10_000] : [100_000, 1_000_000, 10_000_000], (what) =>
    say(`  ${what}`),
  );
  report(
    'impact',
    rates,
    '# From traceroutes to figures, one process\n',
    table(
      ['traceroutes', 'MB', 'seconds', 'traceroutes a second', 'most memory, MiB'],
      rates.map((rate) => [
        `${rate.traceroutes}`,
        `${rate.megabytes}`,
        rate.seconds.toFixed(1),
        `${rate.perSecond}`,
        `${rate.mebibytes}`,
      ]),
    ),
  );
}
if (wanted('federation')) {
  const agreements = measureFederation(quick, say);
  const theirs = values.ctngv3 === undefined ? [] : readCtngV3(values.ctngv3);
  const overTls = await measureFederationOverTls(quick, say);
  report(
    'federation',
    { agreements, overTls, theirs },
    ...federationSections(agreements, overTls, theirs),
  );
}
if (wanted('ddt-dos')) {
  const missing = missingForDos();
  if (missing !== undefined && positionals.includes('ddt-dos')) fail(missing, 1);
  else if (missing !== undefined) say(`  left out: ${missing}`);
  else {
    const seconds = quick ? 2 : Number(values.seconds ?? 60);
    if (!(seconds >= 1 && seconds <= 600)) fail('--seconds: want a number from 1 to 600', 2);
    const connections = values.connections?.split(',').map(Number) ?? (quick ? [100] : CONNECTIONS);
    if (!connections.every((count) => CONNECTIONS.includes(count)))
      fail(`--connections: want some of ${CONNECTIONS.join(',')}`, 2);
    const curves = (values.curves?.split(',') ?? [...CURVES]).filter(isCurve);
    if (curves.length !== (values.curves?.split(',') ?? CURVES).length)
      fail(`--curves: want some of ${CURVES.join(',')}`, 2);
    const path = join(values.output, 'ddt-dos.json');
    // After each curve, beside those that another run measured.
    await measureDos({ curves, connections, seconds }, say, (curve, measured) => {
      const before = existsSync(path)
        ? (JSON.parse(readFileSync(path, 'utf8')) as { data: DosResults | unknown[] }).data
        : {};
      // Before, a list had all curves, and the number without slow clients was cold.
      const results = { ...(!Array.isArray(before) && before), [curve]: measured };
      mkdirSync(values.output, { recursive: true });
      const plot = linePlot(
        'A good client beside slow ones',
        'slow clients, on a logarithmic scale: none at 0, 100 at 10, 32,000 at 100',
        '% of what it gets without them',
        dosLines(results),
      );
      writeFileSync(join(values.output, 'ddt-dos.svg'), plot);
      report('ddt-dos', results, ...dosSections(results));
    });
  }
}
if (wanted('fleet')) {
  const asked = values.only?.split(',') ?? FLEET_PIECES;
  const strange = asked.filter((piece) => !FLEET_PIECES.some((each) => each === piece));
  if (strange.length > 0) fail(`--only: want some of ${FLEET_PIECES.join(',')}`, 2);
  const rows = Number(values.rows ?? (quick ? 1e5 : 1e6));
  if (!(rows >= 1e5 && rows <= 1e9)) fail('--rows: want a number from 1e5 to 1e9', 2);
  // What other runs measured stays, with its date.
  const path = join(values.output, 'fleet.json');
  type Measured = Partial<FleetPieces> & { dates?: Readonly<Record<string, string>> };
  let measured: Measured = existsSync(path)
    ? (JSON.parse(readFileSync(path, 'utf8')) as { data: Measured }).data
    : {};
  for (const piece of FLEET_PIECES.filter((each) => asked.includes(each))) {
    const missing = missingFor(piece);
    if (missing !== undefined && values.only !== undefined) fail(`${piece}: ${missing}`, 1);
    if (missing !== undefined) {
      warn(`fleet: ${piece} is left out: ${missing}`);
      continue;
    }
    say(`  ${piece}`);
    const found = await measurePiece(piece, {
      isQuick: quick,
      rows,
      store: values.store,
      say: (what) => say(`  ${what}`),
    });
    const dates = { ...measured.dates, [piece]: new Date().toISOString() };
    measured = { ...measured, [piece]: found, dates };
    report(
      'fleet',
      measured,
      '# A fleet: sites of one process, a bus of three servers, a collector\n',
      ...fleetSections(measured),
    );
  }
}
