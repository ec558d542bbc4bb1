// SPDX-License-Identifier: Apache-2.0
/** `ctga impact`: whom aggregation would protect, from measurements or by a model. */
import { Command } from 'commander';
import { impactSimulateCommand } from './impact-simulate.ts';
import { impactTraceroutesCommand } from './impact-traceroutes.ts';
import { impactWhereCommand } from './impact-where.ts';

export function impactCommand(): Command {
  return new Command('impact')
    .description('estimate whom aggregation would protect, and where to deploy it')
    .addCommand(impactTraceroutesCommand())
    .addCommand(impactSimulateCommand())
    .addCommand(impactWhereCommand());
}
