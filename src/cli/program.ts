// SPDX-License-Identifier: Apache-2.0
/**
 * The command line, without a process. Each command has its own file with its options and what
 * it prints; the work is done elsewhere.
 */
import { Command, CommanderError } from 'commander';
import { cleanLines } from '../base/clean.ts';
import { badInput, ExitCode, type CtgaError } from '../base/errors.ts';
import { version } from '../version.ts';
import { alertCommand } from './alert.ts';
import { attachCommand } from './attach.ts';
import { benchCommand } from './bench.ts';
import { applyConfig, readConfig } from '../config/config.ts';
import { challengeCommand } from './challenge.ts';
import { configCommand } from './config.ts';
import { detachCommand } from './detach.ts';
import { dnsCommand } from './dns.ts';
import { doctorCommand } from './doctor.ts';
import { evidenceCommand } from './evidence.ts';
import { headsCommand } from './heads.ts';
import { labCommand } from './lab.ts';
import { logsCommand } from './logs.ts';
import { reportFailure } from './output.ts';
import { p4Command } from './p4.ts';
import { replayCommand } from './replay.ts';
import { asRun, currentIo, setCommand, setExitCode, type Io } from './run.ts';
import { statusCommand } from './status.ts';
import { storeCommand } from './store.ts';
import { webCommand } from './web.ts';

/**
 * Runs one command. `argv` are the arguments behind the program's name. Resolves to the exit code:
 * a failure is printed, never thrown. Without `io` the run is that of the process; runs with an Io
 * of their own do not disturb each other.
 */
export function runCtga(argv: readonly string[], io?: Io): Promise<number> {
  const end = argv.indexOf('--');
  const isJson = (end < 0 ? argv : argv.slice(0, end)).includes('--json');
  return asRun(io, isJson, async () => {
    const program = ctgaProgram();
    try {
      await program.parseAsync(argv, { from: 'user' });
    } catch (error) {
      // Help and version end here too, with exit code 0.
      const isUsage = error instanceof CommanderError && error.exitCode !== 0;
      if (!(error instanceof CommanderError)) setExitCode(reportFailure(error));
      // No command was named: the help that was printed says which there are.
      else if (error.code === 'commander.help') setExitCode(ExitCode.badInput);
      else if (isUsage) setExitCode(reportFailure(wrongUsage(error.message)));
    }
  });
}

/** What commander says, as all else that goes wrong is said. */
function wrongUsage(said: string): CtgaError {
  const [first = '', ...hints] = said.replace(/^error: /, '').split('\n');
  const value =
    /^(?:option|command-argument)(?: value)? .*?(?:--([\w-]+).*)?argument '(.*)' is invalid\. (.*)$/s;
  const [, option, given = '', want = ''] = value.exec(first) ?? [];
  const message =
    option === undefined
      ? first
      : `--${option} ${given}: ${want.replace(/\.$/, '').replace('Allowed choices are', 'want one of')}`;
  const hint = hints.map((line) => line.replace(/^\((.*)\)$/, '$1')).join(' ');
  return badInput(message, hint === '' ? undefined : hint);
}

function ctgaProgram(): Command {
  const program: Command = new Command('ctga')
    .description(
      'Catches Certificate Transparency logs that show different trees to different people. It copies the signed tree heads that pass this machine in plaintext, and asks the logs, off the path, to prove that all of them belong to one append-only log.',
    )
    .version(version)
    .option('--config <file>', 'read options from this file instead of /etc/ctga/ctga.toml')
    .addCommand(attachCommand())
    .addCommand(detachCommand())
    .addCommand(statusCommand())
    .addCommand(headsCommand())
    .addCommand(challengeCommand())
    .addCommand(evidenceCommand())
    .addCommand(logsCommand())
    .addCommand(dnsCommand())
    .addCommand(p4Command())
    .addCommand(replayCommand())
    .addCommand(labCommand())
    .addCommand(alertCommand())
    .addCommand(storeCommand())
    .addCommand(webCommand())
    .addCommand(configCommand(() => program))
    .addCommand(doctorCommand(() => program))
    .addCommand(benchCommand())
    .addHelpText(
      'after',
      `
First steps:
  sudo ctga lab run              see ctga catch a split view, in namespaces on this machine
  ctga doctor                    check whether this machine has what ctga needs
  sudo ctga attach eth0          watch an interface
  ctga replay capture.pcap       look for tree heads in a capture
  ctga challenge --once          ask the logs to prove that what was seen is consistent (by Tor)
  ctga status                    show interfaces, tree heads and verdicts
  ctga web                       show the same on a page for a browser

Exit codes: 0 success, 1 something failed, 2 wrong usage or input, 3 a split view is proven,
4 evidence holds, but no log list has its key.`,
    );
  const { stdout, stderr } = currentIo();
  for (const command of allCommands(program)) {
    command
      .exitOverride((error) => {
        setCommand(nameOf(command));
        throw error;
      })
      .configureOutput({
        // runCtga says it.
        outputError: () => undefined,
        writeOut: (text) => stdout.write(cleanLines(text)),
        writeErr: (text) => stderr.write(cleanLines(text)),
        getOutHelpWidth: () => stdout.columns ?? 80,
        getErrHelpWidth: () => stderr.columns ?? 80,
      });
  }
  program.hook('preAction', (_, command) => {
    setCommand(nameOf(command));
    // A file with a fault must not keep anybody from finding it.
    if (command.parent?.name() === 'config') return;
    const config = readConfig(program.opts<{ config?: string }>().config);
    if (config !== undefined) applyConfig(config, command);
    setCommand(nameOf(command), givenTo(command));
  });
  return program;
}

/** The options of a command that somebody gave, or the configuration, by name. */
function givenTo(command: Command): Record<string, unknown> {
  const config = command.optsWithGlobals<{ config?: string }>().config;
  const given: Record<string, unknown> = { config };
  for (const option of command.options)
    if (command.getOptionValueSource(option.attributeName()) !== 'default')
      given[option.name()] = command.getOptionValue(option.attributeName());
  return given;
}

/** As a person types it. */
function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}
