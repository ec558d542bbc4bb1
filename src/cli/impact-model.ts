// SPDX-License-Identifier: Apache-2.0
/** What `ctga impact simulate` and `where` have in common: their options, and the files behind them. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { badInput } from '../base/errors.ts';
import { plural } from '../base/text.ts';
import { asNumber } from '../impact/fault.ts';
import { LONGEST } from '../impact/figures.ts';
import { readGraph, readProbes, readRanking, readSpace } from '../impact/files.ts';
import { fitDirectPeering, type ModelInput, type ModelTarget } from '../impact/model.ts';
import { repeated, wholeNumber } from './options.ts';
import { endProgress, note, printProgress, tellProgress, warn } from './output.ts';

export interface ModelOptions {
  readonly graph: string;
  readonly targets: readonly (readonly NamedAs[])[];
  readonly probes: string;
  readonly rank?: string;
  readonly space?: string;
  readonly directPeering?: number;
  readonly calibrate: readonly Calibration[];
  readonly runs: number;
  readonly json?: boolean;
}

interface NamedAs {
  readonly name: string;
  readonly asn: number;
}

interface Calibration {
  readonly text: string;
  readonly name: string;
  /** Shares of paths by how many ASes they cross. */
  readonly lengths: ReadonlyMap<number, number>;
}

/** Eleven runs have a middle one. */
const RUNS = 11;

export function withModel(command: Command): Command {
  return command
    .requiredOption('--graph <file>', "relationships of ASes: CAIDA's serial-1 or serial-2")
    .addOption(
      repeated(
        '--targets <asn>',
        'the AS of a log, or several with commas, perhaps with names: google=15169; may be repeated',
        namedAses,
      ).makeOptionMandatory(),
    )
    .requiredOption('--probes <file>', 'where clients are: lines PROBE AS, or one AS a line')
    .option(
      '--rank <file>',
      "ASes in CAIDA's order: its array, its lines of JSON, or one AS a line",
    )
    .option(
      '--space <file>',
      'how much IPv4 space an AS has: lines AS SIZE, a RIB in MRT, or a file of pyasn',
    )
    .addOption(
      new Option(
        '--direct-peering <share>',
        'the share of ASes, from 0 to 1, that peer with each target beside what the graph has (default: 0)',
      ).argParser(share),
    )
    .addOption(
      repeated(
        '--calibrate <name=lengths>',
        "find a target's share by the measured lengths of paths, in percent by the ASes that they cross: google=1:27.0,2:51.8,3:15.7; may be repeated",
        calibration,
      ),
    )
    .option(
      '--runs <n>',
      'how often the model runs, with other ties each time',
      wholeNumber(1, 1001),
      RUNS,
    )
    .option('--json', 'print JSON for scripts');
}

function namedAses(text: string): NamedAs[] {
  return text.split(',').map((each) => {
    const [, name, asn] = /^([\w.-]{1,32})=(.+)$/.exec(each) ?? [];
    const number = asOption(asn ?? each);
    return { name: name ?? `AS${number}`, asn: number };
  });
}

/** Parses an AS number of an option. */
export function asOption(text: string): number {
  try {
    return asNumber(text);
  } catch {
    throw new InvalidArgumentError('want an AS number, such as 15169.');
  }
}

function share(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value <= 1) return value;
  throw new InvalidArgumentError('want a share from 0 to 1.');
}

function calibration(text: string): Calibration {
  const [, name, list] = /^([\w.-]{1,32})=(.+)$/.exec(text) ?? [];
  const lengths = new Map<number, number>();
  for (const part of (list ?? '').split(',')) {
    const [, length, percent] = /^(\d):(\d+(?:\.\d+)?)$/.exec(part) ?? [];
    const [key, value] = [Number(length), Number(percent) / 100];
    if (length === undefined || key > LONGEST || value > 1 || lengths.has(key)) break;
    lengths.set(key, value);
  }
  const sum = [...lengths.values()].reduce((total, each) => total + each, 0);
  if (name === undefined || lengths.size !== (list ?? '').split(',').length || sum > 1.0005)
    throw new InvalidArgumentError(
      `want NAME=LENGTH:PERCENT,..., each length from 0 to ${LONGEST} (and more) once, and 100 percent at most.`,
    );
  return { text, name, lengths };
}

/** Reads all files, finds what is to be calibrated, and says what of the clients is left out. */
export async function readModel(options: ModelOptions): Promise<ModelInput> {
  const named = options.targets.flat();
  const names = new Set(named.map(({ name }) => name));
  if (named.length === 0) throw badInput('want at least one of --targets');
  if (names.size < named.length) throw badInput('--targets: two have the same name');
  for (const { name } of options.calibrate)
    if (!names.has(name))
      throw badInput(
        `--calibrate ${name}: there is no target of that name`,
        `There are: ${[...names].join(', ')}.`,
      );
  if (options.calibrate.length > 0 && options.directPeering !== undefined)
    throw badInput('--calibrate finds what --direct-peering says: want one of them');
  const graph = await readGraph(options.graph);
  for (const { asn } of named)
    if (!graph.placeOf.has(asn)) throw unknownAs('--targets', asn, options.graph);
  const probes = await readProbes(options.probes);
  const ranking = options.rank === undefined ? undefined : await readRanking(options.rank, note);
  const space = options.space === undefined ? undefined : await readSpace(options.space);
  const clients = new Set<number>();
  const unknown = new Map<number, number>();
  for (const { asn, line } of probes.values())
    if (graph.placeOf.has(asn)) clients.add(asn);
    else if (!unknown.has(asn)) unknown.set(asn, line);
  const [first] = unknown;
  if (first !== undefined)
    warn(
      `${plural(unknown.size, 'AS', 'ASes')} of clients ${unknown.size === 1 ? 'is' : 'are'} not in the graph and left out: first AS${first[0]} (${options.probes}, line ${first[1]})`,
    );
  if (clients.size === 0)
    throw badInput(`${options.probes}: no AS of a client is in ${options.graph}`);
  const sorted = [...clients].sort((a, b) => a - b);
  const targets = named.map(({ name, asn }): ModelTarget => {
    const wanted = options.calibrate.find((each) => each.name === name);
    if (wanted === undefined) return { name, asn, directPeering: options.directPeering ?? 0 };
    printProgress(`${name}: calibrating`);
    const { share: found, error } = fitDirectPeering(graph, asn, sorted, wanted.lengths);
    endProgress();
    tellProgress(
      `${name}: paths are nearest to those measured if ${(100 * found).toFixed(1)} % of all ASes peer with it directly; they still differ by ${(100 * error).toFixed(1)} points`,
    );
    return { name, asn, directPeering: found };
  });
  return { graph, targets, clients: sorted, space, ranking, runs: options.runs };
}

/** The options again, as somebody would type them. */
export function givenModel(options: ModelOptions): string[] {
  const given = (option: string, value: string | number | undefined): string[] =>
    value === undefined ? [] : [`--${option}`, `${value}`];
  return [
    ...given('graph', options.graph),
    ...options.targets.flat().flatMap(({ name, asn }) => given('targets', `${name}=${asn}`)),
    ...given('probes', options.probes),
    ...given('rank', options.rank),
    ...given('space', options.space),
    ...given('direct-peering', options.directPeering),
    ...options.calibrate.flatMap(({ text }) => given('calibrate', text)),
    ...given('runs', options.runs),
  ];
}

/** An AS of an option that the graph does not have. */
export function unknownAs(option: string, asn: number, graph: string): Error {
  return badInput(`${option} ${asn}: AS${asn} is not in ${graph}`, 'Take a graph that has it.');
}
