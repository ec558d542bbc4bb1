/** `ctga lab`: a whole network in namespaces on this machine, with a log that shows a victim another tree. */
import { Command, Option } from 'commander';
import { ExitCode } from '../errors.ts';
import type { LabDataPlane } from '../lab/network.ts';
import { labDown, labUp, runLab } from '../lab/story.ts';
import { print, printJson, warn } from './output.ts';

interface RunOptions {
  readonly json?: boolean;
  readonly stateDir?: string;
  readonly tor?: boolean;
  readonly dataPlane: LabDataPlane;
}

export function labCommand(): Command {
  const run = new Command('run')
    .description('build the lab, catch a split view in it, remove it (needs root, under a minute)')
    .option('--json', 'print the outcome as JSON; progress goes to stderr')
    .option('--state-dir <dir>', 'where heads and evidence of the lab are kept (default: /var/lib/ctga/lab)')
    .option('--tor', 'challenge through a private Tor network, started for it (takes half a minute more)')
    .addOption(
      new Option('--data-plane <which>', "what sits on the path: XDP, or P4 in bmv2's simple_switch")
        .choices(['xdp', 'bmv2'])
        .default('xdp'),
    )
    .action(async (options: RunOptions) => {
      const json = options.json === true;
      const result = await runLab({
        json,
        tor: options.tor === true,
        dataPlane: options.dataPlane,
        ...(options.stateDir === undefined ? {} : { stateDir: options.stateDir }),
      });
      if (json) printJson(result);
      if (!result.held) process.exitCode = ExitCode.failed;
    });
  const up = new Command('up')
    .description('build the lab and leave it standing')
    .option('--tor', "the challenger's proxy is a private Tor network")
    .option('--json', 'print JSON for scripts')
    .action(async ({ json, tor }: { json?: boolean; tor?: boolean }) =>
      say(await labUp({ tor: tor === true, onProgress: warn }), json),
    );
  const down = new Command('down')
    .description('remove everything that a lab left behind')
    .option('--json', 'print JSON for scripts')
    .action(async ({ json }: { json?: boolean }) => say(await labDown(), json));
  return new Command('lab')
    .description(
      'a network in namespaces with a log that can equivocate: client, resolver, router, log, proxy, challenger',
    )
    .addCommand(run)
    .addCommand(up)
    .addCommand(down);
}

function say(message: string, json: boolean | undefined): void {
  if (json === true) printJson({ message });
  else print(message);
}
