// SPDX-License-Identifier: Apache-2.0
/** `ctga collect`: what all sites of a fleet saw, in one store. */
import { Command } from 'commander';
import {
  busOption,
  FLEET_DIRECTORY,
  runFleetMember,
  type FleetMemberOptions,
} from './fleet-member.ts';
import { withState } from './options.ts';

export function collectCommand(): Command {
  const collect = new Command('collect')
    .description(
      'take in what the sites of a fleet saw, verify it again, and tell them what is concluded',
    )
    .addOption(busOption().makeOptionMandatory())
    .option(
      '--fleet <dir>',
      'the directory of this collector, as "ctga fleet join" made it',
      FLEET_DIRECTORY,
    )
    .option(
      '--user <name>',
      'if started as root: the account to run as (default: ctga-fleet if it exists, else ctga, else nobody)',
    )
    .addHelpText(
      'after',
      `
The store is one as any other: "ctga challenge", "ctga web" and "ctga alert run" work with it, with the
same --state-dir, and a source is named after its site. It is for collecting alone: what this machine
sees by itself belongs into another store.
Of what a site says, heads count by their logs' signatures and evidence by what it shows. How often
something was seen is that site's word, and how much a site may say is limited. See docs/FLEET.md.`,
    );
  return withState(collect).action((options: FleetMemberOptions) =>
    runFleetMember(['collector', 'challenger'], options),
  );
}
