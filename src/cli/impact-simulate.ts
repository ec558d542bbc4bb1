// SPDX-License-Identifier: Apache-2.0
/** `ctga impact simulate`: the paper's figures from a model of routing. */
import { Command } from 'commander';
import { plural } from '../base/text.ts';
import { simulate } from '../impact/model.ts';
import { givenModel, readModel, withModel, type ModelOptions } from './impact-model.ts';
import { prepareOutput, printFigures, writeFigures } from './impact-output.ts';
import { endProgress, printJson, printProgress, warn } from './output.ts';

interface SimulateOptions extends ModelOptions {
  readonly output?: string;
}

export function impactSimulateCommand(): Command {
  return withModel(
    new Command('simulate').description(
      'paths, and whom aggregators on them would cover, from a model of routing',
    ),
  )
    .option('--output <dir>', 'write the figures here, as SVG and on one page')
    .addHelpText(
      'after',
      `
Routes follow the rules of Gao and Rexford. A graph of ASes is not the Internet: every figure says
that it is a model's, and shows the middle of several runs with the band that they span. docs/IMPACT.md
compares with the paper's measurements.

  ctga impact simulate --graph 20180401.as-rel.txt.bz2 --targets google=15169 \\
    --probes probes.tsv --rank asnrank.json \\
    --calibrate google=1:27.0,2:51.8,3:15.7 --output figures`,
    )
    .action(run);
}

async function run(options: SimulateOptions): Promise<void> {
  const input = await readModel(options);
  prepareOutput(options.output);
  const all = input.runs * input.targets.length;
  const figures = simulate(input, (done) => printProgress(`${done} of ${plural(all, 'run')}`));
  endProgress();
  if (options.json === true) printJson(figures);
  else printFigures(figures);
  for (const { name, unrouted } of figures.targets)
    if (unrouted > 0) warn(`${name}: ${plural(unrouted, 'client')} without a route, left out`);
  writeFigures(options.output, figures, ['simulate', ...givenModel(options)]);
}
