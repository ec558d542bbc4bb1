// SPDX-License-Identifier: Apache-2.0
/** `ctga impact traceroutes`: the paper's figures from traceroutes of RIPE Atlas. */
import { Command, InvalidArgumentError } from 'commander';
import { badInput } from '../base/errors.ts';
import { plural } from '../base/text.ts';
import { Fault } from '../impact/fault.ts';
import { readExchanges, readProbes, readRanking, readResults, readRibs } from '../impact/files.ts';
import { Measurement, type Target } from '../impact/measure.ts';
import { parsePrefix, type Prefix } from '../impact/prefix.ts';
import { parseTraceroute } from '../impact/traceroute.ts';
import { prepareOutput, printFigures, showReading, writeFigures } from './impact-output.ts';
import { repeated } from './options.ts';
import { endProgress, note, print, printJson, warn } from './output.ts';

interface TraceroutesOptions {
  readonly rib: readonly string[];
  readonly target: readonly (readonly [name: string, prefix: Prefix, text: string])[];
  readonly ixps?: string;
  readonly probes?: string;
  readonly rank?: string;
  readonly output?: string;
  readonly json?: boolean;
}

export function impactTraceroutesCommand(): Command {
  return new Command('traceroutes')
    .description('paths, and whom aggregators on them would cover, from traceroutes of RIPE Atlas')
    .argument('<file...>', 'results of RIPE Atlas, or - for standard input')
    .addOption(
      repeated(
        '--rib <file>',
        'which AS has a prefix: a RIB in MRT, or a file of pyasn; may be repeated',
        (text) => text,
      ).makeOptionMandatory(),
    )
    .addOption(
      repeated(
        '--target <name=prefix>',
        'what traceroutes went to, as google=216.239.34.64/32; may be repeated, also for one name',
        target,
      ).makeOptionMandatory(),
    )
    .option('--ixps <file>', "exchange points: CAIDA's, PeeringDB's, or lines PREFIX NUMBER")
    .option(
      '--probes <file>',
      "the probes' ASes, as lines PROBE AS (default: by a probe's address)",
    )
    .option(
      '--rank <file>',
      "ASes in CAIDA's order: its array, its lines of JSON, or one AS a line",
    )
    .option('--output <dir>', 'write the figures here, as SVG and on one page')
    .option('--json', 'print JSON for scripts')
    .addHelpText(
      'after',
      `
Reads one JSON object a line, or an array of them, as the API of RIPE Atlas gives them, compressed
with gzip, zstd, xz, lz4 or bzip2 if that program is installed, and RIBs as RouteViews and RIPE RIS
publish them. A path is the set of ASes or exchange points whose addresses answered, without the
target's own AS; a client is covered if a path of it crosses one that aggregates. docs/IMPACT.md has
the rules.

  ctga impact traceroutes results.jsonl.gz --rib rib.20180312.1400.bz2 \\
    --target google=216.239.34.64/32 --target nordunet=194.68.13.48/32 \\
    --ixps ix-asns.jsonl --rank asnrank.json --output figures`,
    )
    .action(run);
}

/** Parses NAME=PREFIX; the name becomes a part of file names. */
function target(text: string): readonly [string, Prefix, string] {
  const [, name, prefix] = /^([\w.-]{1,32})=(.+)$/.exec(text) ?? [];
  if (name === undefined || prefix === undefined)
    throw new InvalidArgumentError(
      'want NAME=PREFIX, the name being of letters, digits, dots and dashes.',
    );
  try {
    return [name, parsePrefix(prefix), prefix];
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Fault).message}.`);
  }
}

async function run(files: readonly string[], options: TraceroutesOptions): Promise<void> {
  if (options.rib.length === 0 || options.target.length === 0)
    throw badInput('want at least one --rib and one --target');
  const byName = new Map<string, Prefix[]>();
  for (const [name, prefix] of options.target)
    byName.set(name, [...(byName.get(name) ?? []), prefix]);
  const targets = Array.from(byName, ([name, prefixes]): Target => ({ name, prefixes }));
  const probes = options.probes === undefined ? undefined : await readProbes(options.probes);
  const ranking = options.rank === undefined ? undefined : await readRanking(options.rank, note);
  const exchanges = options.ixps === undefined ? undefined : await readExchanges(options.ixps);
  const rib = await readRibs(
    options.rib,
    showReading(() => 'prefixes'),
  ).finally(endProgress);
  prepareOutput(options.output);
  const measurement = new Measurement({ rib, exchanges, targets, probes, ranking });
  const { counts } = measurement;
  const show = showReading(() => plural(counts.traceroutes, 'traceroute'));
  for (const file of files)
    await readResults(file, (json) => measurement.add(parseTraceroute(json)), show).finally(
      endProgress,
    );
  const figures = figuresOf(measurement);
  if (options.json === true)
    printJson({ ...figures, counts, exchanges: exchanges && Object.fromEntries(exchanges.names) });
  else {
    printFigures(figures);
    print(
      `${plural(counts.traceroutes, 'traceroute')}: ${counts.failed} failed, ${counts.otherTargets} to other targets, ${counts.legacy} in a form from before 2012.`,
    );
  }
  if (figures.unknownProbes > 0)
    warn(
      `${plural(figures.unknownProbes, 'probe')} left out: no prefix or probe file has their AS`,
    );
  const given = (option: string, path: string | undefined): string[] =>
    path === undefined ? [] : [`--${option}`, path];
  writeFigures(options.output, figures, [
    'traceroutes',
    ...files,
    ...options.rib.flatMap((path) => given('rib', path)),
    ...options.target.flatMap(([name, , text]) => given('target', `${name}=${text}`)),
    ...given('ixps', options.ixps),
    ...given('probes', options.probes),
    ...given('rank', options.rank),
  ]);
}

function figuresOf(measurement: Measurement): ReturnType<Measurement['figures']> {
  try {
    return measurement.figures();
  } catch (error) {
    throw error instanceof Fault ? badInput(error.message, error.remedy) : error;
  }
}
