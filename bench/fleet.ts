// SPDX-License-Identifier: Apache-2.0
/**
 * A fleet as it grows: many sites over a bus of three real servers, and a collector. What passes, what
 * it costs each part, how that grows with sites and with logs, how long a split view takes to be known
 * everywhere, what an onlooker can tell, and how long each page takes over a collector's store. It is
 * measured in pieces, each of which is written down with its own date.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../src/store/sqlite/open.ts';
import { openForWriting, stateAt } from '../src/store/state.ts';
import { SigningLog, treeOf } from '../test/support/signing-log.ts';
import { exponent } from './exponent.ts';
import { BenchFleet } from './fleet-bus.ts';
import { measureConvergence, type Convergence } from './fleet-convergence.ts';
import { measureLoad, type FleetCost, type FleetLoad } from './fleet-load.ts';
import { measureOnlooker, missingForOnlooker, type Onlooker } from './fleet-onlooker.ts';
import {
  fillFleetStore,
  findFleetStore,
  SIGHTINGS_A_ROW,
  splitViews,
  timePages,
  timeQueries,
  type FleetStoreSize,
  type PageTiming,
} from './fleet-store.ts';
import { measureTaking, type Taking } from './fleet-take.ts';
import { table } from './report.ts';

export interface FleetPieces {
  readonly sites: readonly FleetCost[];
  readonly logs: readonly FleetCost[];
  readonly rates: readonly FleetCost[];
  readonly taking: readonly Taking[];
  readonly convergence: readonly Convergence[];
  readonly onlooker: Onlooker;
  readonly store: {
    readonly size: FleetStoreSize;
    readonly sightings: number;
    readonly bytes: number;
    /** Bytes of a site's own store for each head, with one sighting of it. */
    readonly siteBytesAHead: number;
    readonly pages: readonly PageTiming[];
    readonly queries: readonly PageTiming[];
  };
}
export type FleetPiece = keyof FleetPieces;
export const FLEET_PIECES: readonly FleetPiece[] = [
  'sites',
  'logs',
  'rates',
  'taking',
  'convergence',
  'onlooker',
  'store',
];

export interface FleetBench {
  readonly isQuick: boolean;
  /** Of the store whose pages are timed. */
  readonly rows: number;
  /** Where that store is, or is made and stays; undefined: it is made, and removed. */
  readonly store: string | undefined;
  readonly say: (what: string) => void;
}

/** What three servers, a collector and all sites have two cores for. */
const PACED: readonly Pick<FleetLoad, 'sites' | 'intervalSeconds'>[] = [
  { sites: 10, intervalSeconds: 1 },
  { sites: 100, intervalSeconds: 10 },
  { sites: 1000, intervalSeconds: 60 },
];
const USUAL = { sites: 10, logs: 16, headsPerMinute: 1, backlog: 0, batchBytes: 8192 };

/** Why a piece cannot be measured here; undefined where it can. */
export function missingFor(piece: FleetPiece): string | undefined {
  return piece === 'onlooker' ? missingForOnlooker() : undefined;
}

export async function measurePiece<P extends FleetPiece>(
  piece: P,
  bench: FleetBench,
): Promise<FleetPieces[P]> {
  return MEASURES[piece](bench);
}

const MEASURES: { readonly [P in FleetPiece]: (bench: FleetBench) => Promise<FleetPieces[P]> } = {
  sites: (bench) => costs(bench, bench.isQuick ? PACED.slice(0, 1) : PACED),
  logs: (bench) =>
    costs(
      bench,
      (bench.isQuick ? [10, 30] : [10, 100, 1000]).map((logs) => ({ logs, intervalSeconds: 1 })),
    ),
  rates: (bench) =>
    costs(bench, [
      { headsPerMinute: 100, intervalSeconds: 10 },
      { headsPerMinute: 100, intervalSeconds: 10, batchBytes: 65_536 },
      // As many as two cores take, and all batches full, as a hundred times as many heads make them.
      ...(bench.isQuick
        ? []
        : [
            { sites: 100, intervalSeconds: 1 },
            { sites: 1000, intervalSeconds: 60, backlog: 400 },
          ]),
    ]),
  taking: () => Promise.resolve(measureTaking([0, 3, 20, 40])),
  // Two fleets at a time: most of the time both wait.
  convergence: ({ isQuick }) =>
    Promise.all(
      (isQuick ? [3] : [10, 100]).map((sites) =>
        convergenceOf(sites, isQuick ? 1 : 10, isQuick ? 2 : 5),
      ),
    ),
  onlooker: ({ isQuick, say }) =>
    measureOnlooker(
      {
        heads: 20,
        intervalSeconds: 1,
        phases: isQuick ? 4 : 16,
        intervalsAPhase: isQuick ? 10 : 16,
      },
      say,
    ),
  store: measureStore,
};

async function costs(
  { isQuick, say }: FleetBench,
  loads: readonly Partial<FleetLoad>[],
): Promise<FleetCost[]> {
  const found: FleetCost[] = [];
  for (const load of loads) {
    const { intervalSeconds = 10 } = load;
    const seconds = isQuick ? 20 : Math.max(60, intervalSeconds);
    found.push(await measureLoad({ ...USUAL, intervalSeconds, ...load, seconds }, say));
  }
  return found;
}

async function convergenceOf(
  sites: number,
  intervalSeconds: number,
  splits: number,
): Promise<Convergence> {
  const fleet = await BenchFleet.found({ sites, logs: 1 }, { intervalSeconds, batchBytes: 8192 });
  try {
    await fleet.bus.start(...fleet.bus.nodes);
    fleet.startCollector();
    await fleet.untilStreams();
    return await measureConvergence(fleet, splits, intervalSeconds);
  } finally {
    await fleet.end();
  }
}

async function measureStore({ rows, store: kept, say }: FleetBench): Promise<FleetPieces['store']> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-bench-'));
  try {
    let store = kept === undefined ? undefined : findFleetStore(kept);
    if (store === undefined) {
      say(`  a store of ${rows} rows`);
      store = fillFleetStore(kept ?? join(directory, 'store'), { sites: 1000, logs: 16, rows });
      splitViews(store, 4);
    }
    say('  asking it');
    const pages = await timePages(store);
    const queries = await timeQueries(store);
    const { size, bytes } = store;
    const siteBytesAHead = bytesAHead(join(directory, 'site'));
    return { size, bytes, sightings: size.rows * SIGHTINGS_A_ROW, siteBytesAHead, pages, queries };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const HEADS_OF_SITE = 2304;

/** Of a store that publishes, when all is told. */
function bytesAHead(directory: string): number {
  mkdirSync(directory, { recursive: true });
  const state = stateAt(directory);
  const store = openForWriting(state);
  store.publishing.begin('sightings', 0);
  const signer = new SigningLog();
  const root = treeOf(1).root();
  const empty = pagesIn(state.database);
  const seen = { source: 'eth0', firstSeen: 1, lastSeen: 1, count: 1 };
  for (let size = 1; size <= HEADS_OF_SITE; size++)
    store.heads.record([{ head: signer.verified(size, root, BigInt(size)), ...seen }]);
  for (let waiting = store.publishing.next(100); waiting.length > 0;) {
    store.publishing.arrived(
      waiting.map(({ mark }) => mark),
      { epoch: 1n, sequence: 0n },
    );
    waiting = store.publishing.next(100);
  }
  const grown = pagesIn(state.database) - empty;
  store.close();
  return grown / HEADS_OF_SITE;
}

/** Bytes of the pages of a database that are in use, wherever they are at present. */
function pagesIn(path: string): number {
  const db = openDatabase(path);
  const number = (name: string): number => Number(db.pragma(name, { simple: true }));
  const bytes = number('page_size') * (number('page_count') - number('freelist_count'));
  db.close();
  return bytes;
}

const round = (value: number | null, digits = 1): string =>
  value !== null && Number.isFinite(value) ? value.toFixed(digits) : '-';

type Column = readonly [what: string, of: (cost: FleetCost) => number, digits: number];
const PASSING: readonly Column[] = [
  ['sites', ({ load }) => load.sites, 0],
  ['logs', ({ load }) => load.logs, 0],
  ['heads a log and minute', ({ load }) => load.headsPerMinute, 0],
  ['waiting at first', ({ load }) => load.backlog, 0],
  ['batch', ({ load }) => load.batchBytes, 0],
  ['interval s', ({ load }) => load.intervalSeconds, 0],
  ['batches/s in', ({ inPerSecond }) => inPerSecond, 1],
  ['through', ({ throughPerSecond }) => throughPerSecond, 1],
  ['% of the schedule', ({ shareSent }) => shareSent * 100, 0],
  ['ack p50 ms', ({ ackP50 }) => ackP50, 1],
  ['ack p99 ms', ({ ackP99 }) => ackP99, 1],
  ['heads/s told a site', ({ toldPerSiteSecond }) => toldPerSiteSecond, 2],
  ['% of all wait', ({ waitingShare }) => waitingShare * 100, 0],
];
const COSTS: readonly Column[] = [
  ['s to found', ({ founding }) => founding, 0],
  ['idle CPU %: a server', ({ idleServer }) => idleServer * 100, 1],
  ['CPU ms a batch: a server', ({ batchCpu }) => batchCpu.server, 1],
  ['collector', ({ batchCpu }) => batchCpu.collector, 1],
  ['a site', ({ batchCpu }) => batchCpu.site, 1],
  ['MiB: a server', ({ memory }) => memory.server, 0],
  ['collector', ({ memory }) => memory.collector, 0],
  ['a site', ({ memory }) => memory.site, 1],
  ['MB a site-day: a server', ({ batchDisk }) => (batchDisk * 8640) / 1e6, 0],
  ['MiB to agree by', ({ agreeing }) => agreeing, 0],
];

function passing(costs: readonly FleetCost[]): string {
  return table(
    PASSING.map(([what]) => what),
    costs.map((cost) => PASSING.map(([, of, digits]) => round(of(cost), digits))),
  );
}

/** `of`: by what it grows; the last row has the exponents. */
function growing(
  costs: readonly FleetCost[],
  name: string,
  of: (cost: FleetCost) => number,
): string {
  return table(
    [name, ...COSTS.map(([what]) => what)],
    [
      ...costs.map((cost) => [
        `${of(cost)}`,
        ...COSTS.map(([, get, digits]) => round(get(cost), digits)),
      ]),
      [
        'exponent',
        ...COSTS.map(([, get]) => round(exponent(costs.map((cost) => [of(cost), get(cost)])), 2)),
      ],
    ],
  );
}

function timings(rows: readonly PageTiming[]): string {
  return table(
    ['what', 'median ms', 'worst ms', 'CPU ms'],
    rows.map(({ what, ...each }) => [
      what,
      ...[each.median, each.worst, each.cpu].map((value) => round(value)),
    ]),
  );
}

const SECTIONS: { readonly [P in FleetPiece]: (measured: FleetPieces[P]) => string[] } = {
  sites: (costs) => [
    '## By sites: what passes, and what it costs\n',
    passing(costs),
    growing(costs, 'sites', ({ load }) => load.sites),
  ],
  logs: (costs) => [
    '## By logs: what passes, and what it costs\n',
    passing(costs),
    growing(costs, 'logs', ({ load }) => load.logs),
  ],
  rates: (costs) => ['## A hundred times as many heads, and as much as passes\n', passing(costs)],
  taking: (taking) => [
    '## What a batch costs a collector, alone\n',
    table(
      ['heads in it', 'CPU ms'],
      taking.map(({ heads, cpu }) => [`${heads}`, round(cpu, 2)]),
    ),
  ],
  convergence: (found) => [
    '## From a split view seen at one site to the evidence at all\n',
    table(
      ['sites', 'splits', 'interval s', 'p50 s', 'p99 s'],
      found.map((each) => [
        ...[each.sites, each.splits, each.intervalSeconds].map(String),
        ...[each.p50, each.p99].map((value) => round(value)),
      ]),
    ),
  ],
  onlooker: ({ heads, intervalSeconds, phases, told }) => [
    `## What an onlooker can tell of ${heads} heads an interval of ${intervalSeconds} s, in ${phases} phases\n`,
    table(
      ['link', 'way', 'what', 'samples', 'nothing seen', 'much seen', 'distance', 'p'],
      told.map((each) => [
        each.link,
        each.way,
        each.feature,
        `${each.samples}`,
        ...[each.nothing, each.much].map((value) =>
          round(value, each.feature.endsWith('es') && !each.feature.startsWith('answer') ? 0 : 2),
        ),
        round(each.distance, 3),
        each.p.toPrecision(2),
      ]),
    ),
    `Of ${told.length} comparisons, ${told.filter(({ p }) => p < 0.05).length} have p below 0.05 and the least is ${Math.min(...told.map(({ p }) => p)).toPrecision(2)}; chance alone has ${round(told.length * 0.05)} below 0.05.\n`,
  ],
  store: ({ size, sightings, bytes, siteBytesAHead, pages, queries }) => [
    `## A collector's store of ${size.rows} rows (${sightings} sightings), of ${size.sites} sites: ${round(bytes / 2 ** 20, 0)} MiB\n`,
    `${round(bytes / size.rows)} bytes a row at the collector, ${round(siteBytesAHead)} bytes a head at a site.\n`,
    timings(pages),
    timings(queries),
  ],
};

/** Of those pieces that were measured, in whatever run. */
export function fleetSections(measured: Partial<FleetPieces>): string[] {
  return FLEET_PIECES.flatMap((piece) => sectionsOf(piece, measured[piece]));
}

function sectionsOf<P extends FleetPiece>(piece: P, found: FleetPieces[P] | undefined): string[] {
  return found === undefined ? [] : SECTIONS[piece](found);
}
