// SPDX-License-Identifier: Apache-2.0
/**
 * From traceroutes to the paper's figures, by the paper's rules (Section 5; its analyze.py). Pure.
 *
 * - A path is the set of ASes of all addresses that answered. Private addresses, those that no
 *   prefix has, and the destination's own AS are dropped. An IXP path is the set of exchange points.
 * - Failed traceroutes give no path. Of several probes in one AS the one with the fewest failures
 *   stays; of equals, the one with more traceroutes, then the lower number. Probes whose AS nobody
 *   knows are left out.
 *
 * What is kept grows with the probes and the actors that they cross, not with the traceroutes.
 */
import {
  coverageFigures,
  LONGEST,
  shares,
  type ActorKind,
  type Figures,
  type TargetFigures,
} from './figures.ts';
import type { View } from './coverage.ts';
import { Fault } from './fault.ts';
import { isPrivate, parseAddress, PrefixTable, type Address, type Prefix } from './prefix.ts';
import type { Exchanges, ProbeAs } from './tables.ts';
import { LEGACY, type Traceroute } from './traceroute.ts';

export interface Target {
  readonly name: string;
  readonly prefixes: readonly Prefix[];
}

export interface MeasureInput {
  readonly rib: PrefixTable;
  readonly exchanges: Exchanges | undefined;
  readonly targets: readonly Target[];
  /** The probes' ASes; of one that is not there, and without it of all, by the probe's address. */
  readonly probes: ReadonlyMap<number, ProbeAs> | undefined;
  readonly ranking: readonly number[] | undefined;
}

/** What became of the traceroutes that are in no figure. */
export interface Counts {
  traceroutes: number;
  failed: number;
  /** To addresses that are in no target's prefixes, or to none. */
  otherTargets: number;
  /** In a form from before firmware 4460. */
  legacy: number;
}

/** The AS and the exchange point of an address; 0 if there is none. */
interface Place {
  readonly asn: number;
  readonly exchange: number;
}

/** Addresses whose places are remembered: routers answer again and again. */
const REMEMBERED = 1 << 18;

export class Measurement {
  readonly counts: Counts = { traceroutes: 0, failed: 0, otherTargets: 0, legacy: 0 };
  readonly #input: MeasureInput;
  readonly #targetOf = new PrefixTable();
  /** By the places of the targets. */
  readonly #probes: Map<number, ProbeRecord>[];
  readonly #places = new Map<string, Place>();

  constructor(input: MeasureInput) {
    this.#input = input;
    this.#probes = input.targets.map(() => new Map<number, ProbeRecord>());
    for (const [i, { prefixes }] of input.targets.entries())
      for (const prefix of prefixes) this.#targetOf.set(prefix, i + 1);
  }

  /** Throws Fault for an address that is none. */
  add(traceroute: Traceroute | typeof LEGACY): void {
    this.counts.traceroutes++;
    if (traceroute === LEGACY) {
      this.counts.legacy++;
      return;
    }
    const { destination, probe } = traceroute;
    const target = destination === undefined ? 0 : this.#targetOf.find(parseAddress(destination));
    const probes = this.#probes[target - 1];
    if (destination === undefined || probes === undefined) {
      this.counts.otherTargets++;
      return;
    }
    let record = probes.get(probe);
    if (record === undefined) probes.set(probe, (record = new ProbeRecord()));
    if (record.asn === 0) record.asn = this.#asOf(traceroute);
    if (!traceroute.isSuccess) {
      this.counts.failed++;
      record.failures++;
      return;
    }
    const own = this.#placeOf(destination).asn;
    const ases: number[] = [];
    const exchanges: number[] = [];
    for (const address of traceroute.addresses) {
      const { asn, exchange } = this.#placeOf(address);
      if (asn > 0 && asn !== own && !ases.includes(asn)) ases.push(asn);
      if (exchange > 0 && !exchanges.includes(exchange)) exchanges.push(exchange);
    }
    record.paths++;
    record.as.add(ases);
    record.ixp.add(exchanges);
  }

  #asOf({ probe, from }: Traceroute): number {
    const known = this.#input.probes?.get(probe)?.asn;
    return known ?? (from === undefined ? 0 : Math.max(0, this.#placeOf(from).asn));
  }

  #placeOf(text: string): Place {
    const known = this.#places.get(text);
    if (known !== undefined) return known;
    const address: Address = parseAddress(text);
    const place = {
      asn: isPrivate(address) ? 0 : this.#input.rib.find(address),
      exchange: this.#input.exchanges?.table.find(address) ?? 0,
    };
    if (this.#places.size >= REMEMBERED) this.#places.clear();
    this.#places.set(text, place);
    return place;
  }

  /** Throws Fault if no target has a client. */
  figures(): Figures & { readonly unknownProbes: number } {
    const space = this.#input.rib.ipv4Space();
    const all = this.#input.targets.map(({ name }, i) =>
      this.#target(name, this.#probes[i] ?? new Map<number, ProbeRecord>(), space),
    );
    if (all.every(({ figures }) => figures.clients === 0))
      throw new Fault('no successful traceroute to a target comes from a probe of a known AS', {
        remedy:
          'Name the prefixes that the traceroutes went to as --target NAME=PREFIX, and a --rib of their time.',
      });
    return {
      kind: 'measured',
      runs: 1,
      targets: all.map(({ figures }) => figures),
      unknownProbes: all.reduce((sum, { unknown }) => sum + unknown, 0),
    };
  }

  #target(
    name: string,
    probes: ReadonlyMap<number, ProbeRecord>,
    spaceOf: ReadonlyMap<number, number>,
  ): { figures: TargetFigures; unknown: number } {
    const withPaths = [...probes].filter(([, { paths }]) => paths > 0);
    const best = new Map<number, [probe: number, record: ProbeRecord]>();
    for (const [probe, record] of withPaths) {
      const other = best.get(record.asn);
      if (record.asn > 0 && (other === undefined || isBetter([probe, record], other)))
        best.set(record.asn, [probe, record]);
    }
    const records = [...best]
      .sort(([a], [b]) => a - b)
      .map(([asn, [, record]]) => ({ asn, record, space: spaceOf.get(asn) ?? 0 }));
    const space = records.map((each) => each.space);
    const kinds: readonly (readonly [ActorKind, 'as' | 'ixp'])[] =
      this.#input.exchanges === undefined
        ? [['AS', 'as']]
        : [
            ['AS', 'as'],
            ['IXP', 'ixp'],
          ];
    const sum = (of: (paths: Paths) => readonly number[], key: 'as' | 'ixp'): readonly number[] =>
      records.reduce<readonly number[]>(
        (total, { record }) => of(record[key]).map((count, i) => count + (total[i] ?? 0)),
        [],
      );
    const spaceSum = space.reduce((total, each) => total + each, 0);
    const figures: TargetFigures = {
      name,
      clients: records.length,
      space: spaceSum,
      spaceShare: spaceSum / 2 ** 32,
      lengths: kinds.map(([actor, key]) => ({
        actor,
        series: { values: shares(sum((paths) => paths.lengths, key)) },
      })),
      stability: kinds.map(([actor, key]) => ({
        actor,
        series: {
          values: shares(
            sum(
              ({ distinct }) => Array.from({ length: LONGEST }, (_, i) => +(distinct === i + 1)),
              key,
            ),
          ),
        },
      })),
      coverage: kinds.flatMap(([actor, key]) =>
        coverageFigures(
          actor,
          records.map(({ record }) => record[key].view(record.paths)),
          space,
          actor === 'AS' ? this.#input.ranking : undefined,
        ),
      ),
    };
    return { figures, unknown: withPaths.filter(([, { asn }]) => asn <= 0).length };
  }
}

function isBetter(
  [probe, record]: [number, ProbeRecord],
  [otherProbe, other]: [number, ProbeRecord],
): boolean {
  if (record.failures !== other.failures) return record.failures < other.failures;
  return record.paths === other.paths ? probe < otherProbe : record.paths > other.paths;
}

/** What one probe's traceroutes to one target showed. */
class ProbeRecord {
  /** 0 as long as nobody knows it. */
  asn = 0;
  failures = 0;
  paths = 0;
  readonly as = new Paths();
  readonly ixp = new Paths();
}

/** The paths of one probe: how long, how many that differ, and what they cross. */
class Paths {
  readonly lengths: number[] = Array.from({ length: LONGEST + 1 }, () => 0);
  readonly #crossed = new Map<number, number>();
  /** As many as a figure tells apart. */
  readonly #distinct = new Set<string>();

  get distinct(): number {
    return this.#distinct.size;
  }

  add(actors: number[]): void {
    const length = Math.min(actors.length, LONGEST);
    this.lengths[length] = (this.lengths[length] ?? 0) + 1;
    for (const actor of actors) this.#crossed.set(actor, (this.#crossed.get(actor) ?? 0) + 1);
    if (this.#distinct.size < LONGEST) this.#distinct.add(actors.sort((a, b) => a - b).join());
  }

  view(paths: number): View {
    return {
      actors: [...this.#crossed.keys()],
      shares: Array.from(this.#crossed.values(), (count) => count / paths),
    };
  }
}
