// SPDX-License-Identifier: Apache-2.0
/**
 * The command line, without a process. Each command has its own file with its options and what
 * it prints; the work is done elsewhere.
 */
import { Command, CommanderError, type Option } from 'commander';
import { cleanLines } from '../base/clean.ts';
import { badInput, ExitCode, messageOf, type CtgaError } from '../base/errors.ts';
import { version } from '../version.ts';
import { applyConfig, readConfig, type ConfigFile } from '../config/config.ts';
import { refuseIdleOptions } from './idle-options.ts';
import { meantBy } from './meant.ts';
import { note, reportFailure, warn } from './output.ts';
import { refill } from './refill.ts';
import {
  asRun,
  currentIo,
  currentRun,
  setCommand,
  setExitCode,
  type Io,
  type Output,
} from './run.ts';

interface Entry {
  /** What `ctga --help` says of it. */
  readonly summary: string;
  /** Loads the command and all that it works with before it acts. */
  readonly load: () => Promise<Command>;
}

/**
 * The commands by their names. A run loads the one that it runs: loading all of them takes longer
 * than most of them run.
 */
const COMMANDS: Readonly<Record<string, Entry>> = {
  attach: {
    summary: 'watch interfaces: copy tree heads that pass by, verify and store them (needs root)',
    load: async () => (await import('./attach.ts')).attachCommand(),
  },
  detach: {
    summary: 'stop watching; what was seen is kept',
    load: async () => (await import('./detach.ts')).detachCommand(),
  },
  status: {
    summary: 'show interfaces and their counters, tree heads, verdicts and evidence',
    load: async () => (await import('./status.ts')).statusCommand(),
  },
  heads: {
    summary: 'list, export or import signed tree heads',
    load: async () => (await import('./heads.ts')).headsCommand(),
  },
  challenge: {
    summary: 'ask the logs for proofs through a SOCKS proxy, and prove split views',
    load: async () => (await import('./challenge.ts')).challengeCommand(),
  },
  evidence: {
    summary: 'list, show, verify and report proofs of split views',
    load: async () => (await import('./evidence.ts')).evidenceCommand(),
  },
  logs: {
    summary: 'list logs, and update or import log lists',
    load: async () => (await import('./logs.ts')).logsCommand(),
  },
  dns: {
    summary: 'serve tree heads and proofs of logs over DNS, or ask for them',
    load: async () => (await import('./dns.ts')).dnsCommand(),
  },
  pool: {
    summary:
      'serve the gossip endpoints of an HTTPS server: SCT feedback, and a pool of tree heads',
    load: async () => (await import('./pool.ts')).poolCommand(),
  },
  client: {
    summary:
      'check over DNS, for one person, what the browser was shown, and that logs are append-only',
    load: async () => (await import('./client.ts')).clientCommand(),
  },
  audit: {
    summary: 'have the logs prove what pools collected and clients saw',
    load: async () => (await import('./audit.ts')).auditCommand(),
  },
  witness: {
    summary: 'cosign checkpoints of transparency logs that prove to be append-only',
    load: async () => (await import('./witness.ts')).witnessCommand(),
  },
  collect: {
    summary: 'take in what the sites of a fleet saw, and tell them what is concluded',
    load: async () => (await import('./collect.ts')).collectCommand(),
  },
  fleet: {
    summary: 'found a fleet of sites and collectors over a bus, and see how its members are',
    load: async () => (await import('./fleet.ts')).fleetCommand(),
  },
  federation: {
    summary: 'vouch with other organisations for what logs showed, trusting none of them',
    load: async () => (await import('./federation.ts')).federationCommand(),
  },
  ctng: {
    summary:
      'take part in CTng, or play its sample run: monitors and gossipers that vouch together',
    load: async () => (await import('./ctng.ts')).ctngCommand(),
  },
  carbonchain: {
    summary: 'read and write data in Bitcoin transactions, in packets of Carbonchain',
    load: async () => (await import('./carbonchain.ts')).carbonchainCommand(),
  },
  ddt: {
    summary: 'keys and signed digests of container images in a Bitcoin chain',
    load: async () => (await import('./ddt.ts')).ddtCommand(),
  },
  trust: {
    summary: 'sign container images in a Bitcoin chain, and verify them, also offline',
    load: async () => (await import('./trust.ts')).trustCommand(runCtga),
  },
  p4: {
    summary: 'set up the data plane in P4, for bmv2 and NetFPGA SUME',
    load: async () => (await import('./p4.ts')).p4Command(),
  },
  replay: {
    summary: 'look for tree heads in captures, verify and store them',
    load: async () => (await import('./replay.ts')).replayCommand(),
  },
  lab: {
    summary: 'run a network in namespaces with a log that can equivocate',
    load: async () => (await import('./lab.ts')).labCommand(),
  },
  alert: {
    summary: 'send mail, call webhooks and run commands for split views and failures',
    load: async () => (await import('./alert.ts')).alertCommand(),
  },
  store: {
    summary: 'check, compact, export or back up the store',
    load: async () => (await import('./store.ts')).storeCommand(),
  },
  web: {
    summary: 'serve a status page, metrics and a health check',
    load: async () => (await import('./web.ts')).webCommand(),
  },
  config: {
    summary: 'check the configuration file',
    load: async () => (await import('./config.ts')).configCommand(ctgaProgram),
  },
  doctor: {
    summary: 'check whether this machine has what ctga needs',
    load: async () => (await import('./doctor.ts')).doctorCommand(ctgaProgram),
  },
  impact: {
    summary: 'estimate whom aggregation would protect, and where to deploy it',
    load: async () => (await import('./impact.ts')).impactCommand(),
  },
  bench: {
    summary: 'write traffic to measure ctga with',
    load: async () => (await import('./bench.ts')).benchCommand(),
  },
};

/**
 * Runs one command. `argv` are the arguments behind the program's name. Resolves to the exit code:
 * a failure is printed, never thrown. Without `io` the run is that of the process; runs with an Io
 * of their own do not disturb each other.
 */
export function runCtga(argv: readonly string[], io?: Io): Promise<number> {
  const end = argv.indexOf('--');
  const isJson = (end < 0 ? argv : argv.slice(0, end)).includes('--json');
  return asRun(io, isJson, async () => {
    try {
      const words = withoutHelpCommand(argv);
      const program = await ctgaProgram(words);
      await program.parseAsync(withoutVainHelp(program, words), { from: 'user' });
    } catch (error) {
      // Help and version end here too, with exit code 0.
      const isUsage = error instanceof CommanderError && error.exitCode !== 0;
      if (!(error instanceof CommanderError)) setExitCode(reportFailure(error));
      // No command was named: the help that was printed says which there are.
      else if (isUsage && error.code === 'commander.help') setExitCode(ExitCode.badInput);
      else if (isUsage) setExitCode(reportFailure(wrongUsage(error.message)));
    }
  });
}

/**
 * `help heads list` as `heads list --help`, and `version` as `--version`; of a command that there is
 * not, commander says so.
 */
function withoutHelpCommand(argv: readonly string[]): readonly string[] {
  const [first, name, ...more] = argv;
  if (first === 'version' && argv.length === 1) return ['--version'];
  if (first !== 'help' || name === undefined || name === 'help') return argv;
  return Object.hasOwn(COMMANDS, name) ? [name, ...more, '--help'] : [name, ...more];
}

/** Without --help where a word is no command: commander would show the help of the one above it. */
function withoutVainHelp(program: Command, words: readonly string[]): readonly string[] {
  let command = program;
  for (let i = 0; i < words.length && command.commands.length > 0; i++) {
    const word = words[i] ?? '';
    if (word === '--' || word === 'help') break;
    if (word.startsWith('-')) {
      if (command.options.some(({ long, required }) => long === word && required)) i += 1;
      continue;
    }
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) return words.filter((each) => each !== '--help' && each !== '-h');
    command = next;
  }
  return words;
}

/** What commander says, as all else that goes wrong is said. */
function wrongUsage(said: string): CtgaError {
  // A suggestion has a line of its own; what was typed may have others.
  const [first = '', ...hints] = said.replace(/^error: /, '').split(/\n(?=\(Did you mean .*\)$)/);
  const value = /^option(?: value)? .*?(?:--([\w-]+).*)?argument '(.*)' is invalid\. (.*)$/s;
  const operand = /^command-argument value '(.*)' is invalid for argument '(.*)'\. (.*)$/s;
  const [, option, given = '', want = ''] = value.exec(first) ?? [];
  const [, text = '', argument, wanted = ''] = operand.exec(first) ?? [];
  const message =
    argument !== undefined
      ? `${argument} ${text}: ${wanted.replace(/\.$/, '')}`
      : option === undefined
        ? first
        : `--${option} ${given}: ${want.replace(/\.$/, '').replace('Allowed choices are', 'want one of')}`;
  const hint = hintFor(first) ?? hints.map((line) => line.replace(/^\((.*)\)$/, '$1')).join(' ');
  return badInput(message, hint === '' ? undefined : hint);
}

/** For words that others have for what ctga does. */
function hintFor(said: string): string | undefined {
  const [, word = ''] = /^unknown (?:command|option) '(.*)'$/s.exec(said) ?? [];
  const [, ...group] = currentRun().command.split(' ');
  const commands = meantBy([...group, word].join(' '));
  if (commands.length === 0) return undefined;
  return `Did you mean ${commands.length === 1 ? '' : 'one of '}${commands.join(', ')}?`;
}

/** The program with every command whole. */
export function wholeProgram(): Promise<Command> {
  return ctgaProgram(Object.keys(COMMANDS));
}

/**
 * The program, for a run with these arguments. Each command that an argument names is whole; of the
 * others there is what the program's help says of them.
 */
export async function ctgaProgram(argv: readonly string[]): Promise<Command> {
  const program: Command = new Command('ctga')
    .description(
      'Catches Certificate Transparency logs that show different trees to different people. It copies the signed tree heads that pass this machine in plaintext, and asks the logs, off the path, to prove that all of them belong to one append-only log.',
    )
    .version(version)
    .option('--config <file>', 'read options from this file instead of /etc/ctga/ctga.toml')
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
    )
    .configureHelp({ subcommandTerm: (command) => command.name() });
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    const command = argv.includes(name) ? await load() : new Command(name);
    program.addCommand(command.summary(summary));
  }
  const { stdout, stderr } = currentIo();
  const needed = new Set<Option>();
  for (const command of allCommands(program)) {
    // commander would ask for them before it was looked into the configuration.
    for (const option of command.options.filter(({ mandatory }) => mandatory)) {
      option.mandatory = false;
      needed.add(option);
    }
    command
      .exitOverride((error) => {
        setCommand(nameOf(command));
        throw error;
      })
      .configureOutput({
        // runCtga says it.
        outputError: () => undefined,
        writeOut: (text) => stdout.write(refill(cleanLines(text), widthOf(stdout))),
        writeErr: (text) => stderr.write(refill(cleanLines(text), widthOf(stderr))),
        getOutHelpWidth: () => widthOf(stdout),
        getErrHelpWidth: () => widthOf(stderr),
      });
  }
  program.hook('preAction', async (_, command) => {
    setCommand(nameOf(command));
    // A file with a fault must not keep anybody from finding it.
    if (command.parent?.name() === 'config') return;
    const config = configFor(command, program.opts<{ config?: string }>().config);
    if (config !== undefined) applyConfig(config, command);
    refuseEmpty(command);
    for (const option of command.options)
      if (needed.has(option) && isMissing(command.getOptionValue(option.attributeName())))
        throw wrongUsage(`required option '${option.flags}' not specified`);
    refuseIdleOptions(nameOf(command).replace(/^ctga /, ''), command);
    setCommand(
      nameOf(command),
      givenTo(command),
      new Set(command.options.map((option) => option.name())),
    );
    await sayWhichStore(command);
  });
  return program;
}

/** What an option or argument of such a name wants. */
const WANTED = [
  [/^(?:dir|directory|files?|path)$/, 'a path'],
  [/^command$/, 'a command'],
] as const;

/** An empty name is a variable that was never set; as a directory it would be the one that we are in. */
function refuseEmpty(command: Command): void {
  const { options, registeredArguments, processedArgs } = command;
  const named = [
    ...options.map((option) => {
      const [, kind = ''] = /<(.*)>/.exec(option.flags) ?? [];
      const value: unknown = command.getOptionValue(option.attributeName());
      return [kind, `--${option.name()}`, value] as const;
    }),
    ...registeredArguments.map((argument, i) => {
      const value: unknown = processedArgs[i];
      return [argument.name(), `the argument ${argument.name()}`, value] as const;
    }),
  ];
  for (const [kind, name, value] of named) {
    const [, wanted] = WANTED.find(([kinds]) => kinds.test(kind)) ?? [];
    const isEmpty = [value].flat().some((each) => typeof each === 'string' && each.trim() === '');
    if (wanted !== undefined && isEmpty) throw badInput(`${name} is empty: want ${wanted}`);
  }
}

/** Says it where it is not the machine's, and nobody has named it in this command. */
async function sayWhichStore(command: Command): Promise<void> {
  const source = command.getOptionValueSource('stateDir');
  const hasStore = command.options.some(({ long }) => long === '--state-dir');
  // The client has one of its own, and that of the machine is nothing to it.
  const parent = command.parent?.name();
  if (!hasStore || source === 'cli' || parent === 'lab' || parent === 'client') return;
  // Not before: commands without a store do without its engine.
  const { stateAt, SYSTEM_DIRECTORY } = await import('../store/state.ts');
  const { directory } = stateAt(command.opts<{ stateDir?: string }>().stateDir);
  if (directory === SYSTEM_DIRECTORY) return;
  note(
    source === 'config'
      ? `the store is that in ${directory}, as the configuration says`
      : `the store is your own, in ${directory}: there is none in ${SYSTEM_DIRECTORY}`,
  );
}

/** One that may be repeated has a list without it. */
function isMissing(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
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

/** Of help, which is prose: lines of more than a hundred characters are hard to read. */
function widthOf({ columns = 80 }: Output): number {
  return Math.min(columns, 100);
}

/** As a person types it. */
function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

/**
 * What runs for long, under an account that the file may name, or asks somebody: without the file it
 * might do so past the proxy.
 */
function isService(command: Command): boolean {
  const has = (long: string): boolean => command.options.some((option) => option.long === long);
  return has('--user') || has('--webhook');
}

/** Options that say where to look, and what for, each with those that do so in its place. */
const LOOKING = [['state-dir'], ['zone', 'zone-suffix']] as const;
/**
 * They look at a file that is named, and ask the store at most whose key it has; or they are for one
 * person, whose things are elsewhere.
 */
const LOOK_ELSEWHERE = /^ctga (doctor|evidence (verify|report)|client .*)$/;

/**
 * The options with which this run would look elsewhere than the file says, maybe, and so find
 * nothing: whoever asks must not be told then that all is well.
 */
function leftToConfig(command: Command): string[] {
  if (LOOK_ELSEWHERE.test(nameOf(command))) return [];
  return LOOKING.flatMap((names) => {
    const options = command.options.filter((option) =>
      names.some((name) => name === option.name()),
    );
    const isGiven = options.some(
      (option) => command.getOptionValueSource(option.attributeName()) === 'cli',
    );
    return isGiven || options.length === 0 ? [] : [`--${names[0]}`];
  });
}

function configFor(command: Command, path: string | undefined): ConfigFile | undefined {
  try {
    return readConfig(path);
  } catch (error) {
    const { cause } = error as CtgaError;
    const mayNot = (cause as NodeJS.ErrnoException | undefined)?.code === 'EACCES';
    if (path !== undefined || !mayNot || isService(command)) throw error;
    const left = leftToConfig(command);
    if (left.length > 0)
      throw badInput(
        `${messageOf(error)}; it may say where to look`,
        `Run the command with sudo, let this account read the file, or say it yourself with ${left.join(' and ')}.`,
      );
    warn(`${messageOf(error)}; this command goes without it`);
    return undefined;
  }
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}
