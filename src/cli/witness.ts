// SPDX-License-Identifier: Apache-2.0
/** `ctga witness`: cosigns checkpoints of logs, each of which proves that it extends the one before. */
import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import { badInput } from '../base/errors.ts';
import { plural, time } from '../base/text.ts';
import { DEFAULT_PROXY, parseProxy } from '../http/proxy-address.ts';
import { logsInForce } from '../services/log-lists.ts';
import type { WitnessEvent } from '../services/witness.ts';
import { ownDirectory, stateAt, type State } from '../store/state.ts';
import { ownWitness, SYSTEM_WITNESS } from '../witness/directory.ts';
import { parseListen, repeated, seconds, type Listen } from './options.ts';
import { checkCommand, withNextCommands } from './next.ts';
import { print, printJson, printJsonLine, warn } from './output.ts';
import { stopRequest } from './run.ts';
import { witnessVerifyCommand } from './witness-verify.ts';

interface WitnessOption {
  readonly stateDir?: string;
  readonly json?: boolean;
  readonly user?: string;
}

interface ServeOptions extends WitnessOption {
  readonly listen: Listen;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly logList: readonly string[];
  readonly feed?: number | true;
  readonly proxy?: readonly string[];
}

const FEED_SECONDS = 3600;

export function witnessCommand(): Command {
  return new Command('witness')
    .description(
      'a witness of transparency logs (c2sp.org/tlog-witness): it cosigns a checkpoint only if its log proves that it extends the one before',
    )
    .addCommand(keygenCommand())
    .addCommand(serveCommand())
    .addCommand(witnessVerifyCommand());
}

function withWitness(command: Command): Command {
  return command
    .option(
      '--state-dir <dir>',
      `the directory of the witness, which is not that of an observer (default: ${SYSTEM_WITNESS} for root and if it is there, else ~/.local/state/ctga-witness)`,
    )
    .option('--user <name>', 'if started as root: the account to run as (default: ctga-witness)')
    .option('--json', 'print JSON for scripts');
}

function keygenCommand(): Command {
  const keygen = new Command('keygen')
    .description(
      'make the two keys of a witness, Ed25519 and ML-DSA-44, which are never printed, and print their verifier keys',
    )
    .argument(
      '<name>',
      'a URL without scheme, such as witness.example.org/w1; the keys are called NAME/ed25519 and NAME/ml-dsa-44',
      keyName,
    )
    .addHelpText(
      'after',
      `
The keys are in the directory "witness" of the state directory, with mode 0600, beside the store of what
they cosigned. Keep the two together: a witness whose store is lost or set back could cosign a second
history, so it begins anew with new keys. For example:
  sudo ctga witness keygen witness.example.org/w1`,
    );
  return withWitness(keygen).action(runKeygen);
}

function serveCommand(): Command {
  const serve = new Command('serve')
    .description('answer logs that submit checkpoints, with cosignatures of both keys')
    .addOption(
      new Option('--listen <address:port>', 'where it listens')
        .argParser(parseListen)
        .default({ address: '127.0.0.1', port: 8423 }, '127.0.0.1:8423'),
    )
    .option(
      '--tls-cert <file>',
      'serve HTTPS with this certificate and its chain, in PEM; without it a web server has to be in front',
    )
    .option('--tls-key <file>', "the certificate's key, in PEM")
    .addOption(
      repeated(
        '--log-list <file>',
        'cosign the logs of this list; may be repeated',
        String,
        'those imported into the state directory, and the built-in ones',
      ),
    )
    .addOption(
      new Option(
        '--feed [seconds]',
        `also visit every log through a SOCKS proxy, about every so many seconds (default: ${FEED_SECONDS}), and cosign what it publishes: for logs that call no witness`,
      ).argParser(seconds),
    )
    .addOption(
      new Option(
        '--proxy <url>',
        `SOCKS5 proxy for --feed, which is the only way out; may be repeated (default: ${DEFAULT_PROXY})`,
      ).argParser((url: string, previous: readonly string[] | undefined) => [
        ...(previous ?? []),
        url,
      ]),
    )
    .addHelpText(
      'after',
      `
  POST /add-checkpoint           a log submits a checkpoint with a consistency proof
  POST /sign-subtree             a subtree of a cosigned checkpoint is signed, by ML-DSA-44
  GET  /<SHA-256 of the origin>/checkpoint   what was cosigned last
  GET  /                         a page with its verifier keys, its logs, and when each was cosigned
  GET  /metrics                  for Prometheus; not for outside
A checkpoint that is refused though its log signed it is kept with the one that it contradicts. Where
that convicts the log, evidence is written: see ctga evidence list. docs/WITNESS.md has the lines for
nginx. To try it:
  ctga witness keygen witness.example.org/w1
  ctga witness serve
  ctga logs import --help        which lists of logs there are`,
    );
  return withWitness(serve).action(runServe);
}

async function runKeygen(name: string, { stateDir, user, json }: WitnessOption): Promise<void> {
  const { makeWitness } = await import('../services/witness.ts');
  const state = witnessState(stateDir);
  const vkeys = makeWitness(state, name, user);
  if (json === true) return printJson({ directory: state.directory, vkeys });
  print(`Made the keys of a witness in ${state.directory}. Whoever relies on it needs:`);
  for (const vkey of vkeys) print(`  ${vkey}`);
  print(withNextCommands('Start it: ctga witness serve'));
}

async function runServe(options: ServeOptions): Promise<void> {
  const { listen, tlsCert, tlsKey, logList, user, feed } = options;
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw badInput('--tls-cert and --tls-key go together', 'Name both files, or neither.');
  const state = witnessState(options.stateDir);
  const proxies = (options.proxy ?? [DEFAULT_PROXY]).map(parseProxy);
  const [{ serveWitness }, { openIdentity: open }] = await Promise.all([
    import('../services/witness.ts'),
    import('../http/proxy.ts'),
  ]);
  const lists = logList.length === 0 ? [undefined] : logList;
  const logs = lists.flatMap((list) => logsInForce(state, list, warn));
  await serveWitness(
    {
      state,
      logs,
      ...listen,
      tls:
        tlsCert === undefined || tlsKey === undefined
          ? undefined
          : { certificate: tlsCert, key: tlsKey },
      feedEvery: feed === true ? FEED_SECONDS : feed,
      proxies,
      open,
      user,
      onEvent: options.json === true ? printJsonLine : printEvent,
    },
    stopRequest(),
  );
}

function witnessState(directory: string | undefined): State {
  if (directory !== undefined) return stateAt(directory);
  const isSystem = process.geteuid?.() === 0 || existsSync(SYSTEM_WITNESS);
  return stateAt(isSystem ? SYSTEM_WITNESS : ownWitness(ownDirectory()));
}

function printEvent(event: WitnessEvent): void {
  switch (event.event) {
    case 'listening':
      print(`The witness is at ${event.url} for ${plural(event.logs, 'log')} (Ctrl-C ends it).`);
      for (const vkey of event.vkeys) print(`  ${vkey}`);
      return;
    case 'cosigned':
      return print(`${time(Date.now())}  ${event.origin}: cosigned at size ${event.size}`);
    case 'fork-proven':
      print(`${time(Date.now())}  SPLIT VIEW PROVEN: ${event.origin}`);
      return print(
        event.evidence === undefined
          ? '  Two keys of the log signed one history each; both checkpoints are kept.'
          : `  Check the evidence with: ${checkCommand(event.evidence)}`,
      );
    case 'left-out':
    case 'failed':
      return warn(event.message);
  }
}

function keyName(text: string): string {
  if (/^[^\s+]+$/u.test(text)) return text;
  throw new InvalidArgumentError('want a URL without scheme, such as witness.example.org/w1.');
}
