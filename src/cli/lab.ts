// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga lab`: a network in namespaces on this machine, with a log that shows one client another
 * tree.
 */
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { LogError } from '../ask/asker.ts';
import { ExitCode, messageOf } from '../base/errors.ts';
import { aborted } from '../base/stop-signals.ts';
import { shellWord } from '../base/text.ts';
import type { LabDataPlane } from '../lab/network.ts';
import { LogControl, parseCommand } from '../lab/control.ts';
import { stop } from '../lab/processes.ts';
import { LabFiles, startLogAlone } from '../lab/services.ts';
import { DEFAULT_LAB_DIRECTORY, labClean, labDown, labUp, runLab } from '../lab/story.ts';
import { withNextCommands } from './next.ts';
import { print, printJson, tellProgress, warn } from './output.ts';
import { setExitCode, stopRequest } from './run.ts';

interface RunOptions {
  readonly json?: boolean;
  readonly stateDir?: string;
  readonly tor?: boolean;
  readonly dataPlane: LabDataPlane;
  readonly client: 'dig' | 'firefox';
  readonly fleet?: boolean;
}

export function labCommand(): Command {
  const run = new Command('run')
    .description(
      'build the lab, catch a split view in it and remove it (needs root and less than a minute)',
    )
    .option('--json', 'print the outcome as JSON, and progress on standard error')
    .option('--state-dir <dir>', "the directory of the lab's store (default: /var/lib/ctga-lab)")
    .option('--tor', 'challenge through a private Tor network (takes half a minute more)')
    .addOption(
      new Option(
        '--data-plane <which>',
        "the data plane on the path: XDP, or P4 in bmv2's simple_switch",
      )
        .choices(['xdp', 'bmv2'])
        .default('xdp'),
    )
    .addOption(
      new Option(
        '--client <which>',
        "who asks on the victim's side: dig, or a person with Firefox and ctga client",
      )
        .choices(['dig', 'firefox'])
        .default('dig'),
    )
    .addOption(
      new Option(
        '--fleet',
        'a fleet instead: three routers, two challengers and a bus of three servers (takes some two minutes)',
      ).conflicts(['tor', 'dataPlane', 'client']),
    )
    .action(async (options: RunOptions) => {
      const json = options.json === true;
      const onLine = json ? tellProgress : print;
      if (options.fleet === true) {
        const { runFleetLab } = await import('../lab/fleet-story.ts');
        const played = await runFleetLab({ stateDir: options.stateDir, onLine });
        if (json) printJson(played);
        if (!played.held) setExitCode(ExitCode.failed);
        return;
      }
      const result = await runLab({
        tor: options.tor === true,
        dataPlane: options.dataPlane,
        firefox: options.client === 'firefox',
        stateDir: options.stateDir,
        onLine,
      });
      if (json) printJson(result);
      if (!result.held) setExitCode(ExitCode.failed);
    });
  const up = new Command('up')
    .description('build the lab and leave it standing')
    .option('--tor', "use a private Tor network as the challenger's proxy")
    .option('--json', 'print JSON for scripts')
    .action(async ({ json, tor }: { json?: boolean; tor?: boolean }) =>
      say(await labUp({ tor: tor === true, onProgress: warn }), json),
    );
  const down = new Command('down')
    .description('remove everything that belongs to a lab')
    .option('--json', 'print JSON for scripts')
    .action(async ({ json }: { json?: boolean }) => say(await labDown(), json));
  const clean = new Command('clean')
    .description('remove what labs left: their stores, their evidence, and a lab that stands')
    .option('--state-dir <dir>', "the directory of the lab's store (default: /var/lib/ctga-lab)")
    .option('--json', 'print JSON for scripts')
    .action(async ({ json, stateDir }: { json?: boolean; stateDir?: string }) => {
      const cleaned = await labClean(stateDir);
      if (json === true) return printJson({ cleaned });
      if (cleaned.length === 0) print('No lab has left anything.');
      for (const { directory, left } of cleaned)
        print(
          left.length === 0
            ? `Removed ${directory}.`
            : `Removed what labs left in ${directory}, and left what is not theirs: ${left.join(', ')}.`,
        );
    });
  const log = new Command('log')
    .description(
      "run only the lab's log, in a network of your own that has its addresses (p4/mininet)",
    )
    .option(
      '--state-dir <dir>',
      'the directory for its log list and certificate',
      DEFAULT_LAB_DIRECTORY,
    )
    .action(runLog);
  const tell = new Command('tell')
    .description("tell the lab's log what to do, and print its state afterwards")
    .argument(
      '<json>',
      'such as {"do":"grow","count":5} or {"do":"equivocate","fromSize":8,"treeSize":12}',
    )
    .option('--state-dir <dir>', "the lab's directory", DEFAULT_LAB_DIRECTORY)
    .action(async (json: string, { stateDir }: { stateDir: string }) =>
      printJson(await tellLog(json, stateDir)),
    );
  return new Command('lab')
    .description(
      'run a network in namespaces with client, resolver, router, proxy, challenger, and a log that can equivocate',
    )
    .addCommand(run)
    .addCommand(up)
    .addCommand(down)
    .addCommand(clean)
    .addCommand(log)
    .addCommand(tell);
}

async function runLog({ stateDir }: { stateDir: string }): Promise<void> {
  const files = new LabFiles(resolve(stateDir));
  // Before it is started: it goes on by itself.
  const asked = stopRequest();
  const service = await startLogAlone(files);
  print(
    withNextCommands(
      `The log answers. Watch it with --log-list ${shellWord(files.logList)}, and control it with: ctga lab tell`,
    ),
  );
  const ended = new Promise((resolve) => service.child.once('exit', resolve));
  await Promise.race([aborted(asked), ended]);
  await stop(service);
  if (asked.aborted) return;
  warn(`the log ended by itself: ${service.logPath} may say why`);
  setExitCode(ExitCode.failed);
}

async function tellLog(json: string, stateDir: string): Promise<unknown> {
  const command = parseCommand(json);
  const { logSocket } = new LabFiles(resolve(stateDir));
  const log = await LogControl.connect(logSocket).catch((cause: unknown) => {
    throw new LogError(
      'log-unavailable',
      `no lab's log listens at ${logSocket}: ${messageOf(cause)}`,
      { remedy: 'Start one with: sudo ctga lab up', cause },
    );
  });
  try {
    return await log.tell(command);
  } finally {
    log.close();
  }
}

/** A message may have several lines. */
export function say(message: string, json: boolean | undefined): void {
  if (json === true) printJson({ message });
  else for (const line of message.split('\n')) print(line);
}
