// SPDX-License-Identifier: Apache-2.0
/** `ctga impact where`: what one operator's aggregators would cover, and what an attacker leaves. */
import { Command } from 'commander';
import { badInput } from '../base/errors.ts';
import { plural } from '../base/text.ts';
import { coveredWords, drawWhere, whereSections, whereTables } from '../impact/draw-where.ts';
import { noteOf } from '../impact/draw.ts';
import { neighboursOfMine, PLACES, where, type TargetView } from '../impact/where.ts';
import {
  asOption,
  givenModel,
  readModel,
  unknownAs,
  withModel,
  type ModelOptions,
} from './impact-model.ts';
import { prepareOutput, printTables, writePage } from './impact-output.ts';
import { repeated } from './options.ts';
import { endProgress, print, printJson, printProgress } from './output.ts';

interface WhereOptions extends ModelOptions {
  readonly mine: readonly (readonly number[])[];
  readonly peer: readonly number[];
  readonly output?: string;
}

export function impactWhereCommand(): Command {
  return withModel(
    new Command('where')
      .description(
        'what the aggregators of one operator would cover, and what one more neighbour adds',
      )
      .addOption(
        repeated(
          '--mine <asn>',
          'the AS where I aggregate, or several with commas; may be repeated',
          (text) => text.split(',').map(asOption),
        ).makeOptionMandatory(),
      ),
  )
    .addOption(
      repeated(
        '--peer <asn>',
        'also show what mine would cover if they peered with this AS; may be repeated',
        asOption,
      ),
    )
    .option('--output <dir>', 'write figures here, as SVG and on one page')
    .addHelpText(
      'after',
      `
Everything is by the model of: ctga impact simulate. An attacker may be elsewhere than the log: next to
the client, in ${PLACES} places that send fragments, or anywhere that avoids the most likely
aggregators, which are the first of --rank. docs/IMPACT.md says how that is modelled.

  ctga impact where --mine 2603 --graph 20180401.as-rel.txt.bz2 \\
    --targets google=15169 --probes probes.tsv --rank asnrank.json`,
    )
    .action(run);
}

async function run(options: WhereOptions): Promise<void> {
  const mine = [...new Set(options.mine.flat())];
  if (mine.length === 0) throw badInput('want at least one of --mine');
  for (const asn of options.peer)
    if (mine.includes(asn)) throw badInput(`--peer ${asn}: AS${asn} is one of --mine`);
  const input = await readModel(options);
  for (const [option, asns] of [
    ['--mine', mine],
    ['--peer', options.peer],
  ] as const)
    for (const asn of asns)
      if (!input.graph.placeOf.has(asn)) throw unknownAs(option, asn, options.graph);
  const neighbours = neighboursOfMine({ graph: input.graph, mine });
  for (const asn of options.peer) {
    const known = neighbours.find((each) => each.asn === asn);
    if (known !== undefined)
      throw badInput(`--peer ${asn}: AS${asn} is a ${known.is} of mine in the graph already`);
  }
  prepareOutput(options.output);
  const found = where({ ...input, mine, peers: [...new Set(options.peer)] }, (done) =>
    printProgress(`${done} of ${plural(input.runs, 'run')}`),
  );
  endProgress();
  const note = noteOf(found) ?? '';
  if (options.json === true) printJson(found);
  else for (const target of found.targets) printTarget(target, note);
  writePage(options.output, drawWhere(found, note), note, whereSections(found), [
    'where',
    ...['--mine', mine.join()],
    ...options.peer.flatMap((asn) => ['--peer', `${asn}`]),
    ...givenModel(options),
  ]);
}

/** Clients that a table of words has room for; JSON has all. */
const SHOWN = 20;

function printTarget(target: TargetView, note: string): void {
  const { coveredClients } = target;
  print(`${target.name}: ${coveredWords(target).replace(/^M/, 'm')}`);
  print(`${note}.`);
  if (coveredClients.length > 0) {
    const shown = coveredClients
      .slice(0, SHOWN)
      .map(({ asn, share }) =>
        share === 1 ? `AS${asn}` : `AS${asn} (${Math.round(100 * share)} % of runs)`,
      );
    const more = coveredClients.length - shown.length;
    print(`Covered: ${shown.join(', ')}${more > 0 ? `, and ${more} more (--json has all)` : ''}.`);
  }
  printTables(whereTables(target));
  print();
}
