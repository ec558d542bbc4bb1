/** `ctga lab`: a whole network in namespaces on this machine, with a log that shows a victim another tree. */
import { Command } from 'commander';
import { ExitCode } from '../errors.ts';
import { labDown, labUp, runLab } from '../lab/story.ts';
import { print, printJson } from './output.ts';

export function labCommand(): Command {
  const run = new Command('run')
    .description('build the lab, catch a split view in it, remove it (needs root, under a minute)')
    .option('--json', 'print the outcome as JSON; progress goes to stderr')
    .option('--state-dir <dir>', 'where heads and evidence of the lab are kept (default: /var/lib/ctga/lab)')
    .action(async (options: { json?: boolean; stateDir?: string }) => {
      const json = options.json === true;
      const result = await runLab({
        json,
        ...(options.stateDir === undefined ? {} : { stateDir: options.stateDir }),
      });
      if (json) printJson(result);
      if (!result.held) process.exitCode = ExitCode.failed;
    });
  const up = new Command('up')
    .description('build the lab and leave it standing')
    .option('--json', 'print JSON for scripts')
    .action(async ({ json }: { json?: boolean }) => say(await labUp(), json));
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
