// SPDX-License-Identifier: Apache-2.0
/** `ctga trust log`: a small transparency log for commands about keys and images. */
import { Command, Option } from 'commander';
import { badInput } from '../base/errors.ts';
import { plural, time } from '../base/text.ts';
import type { TrustLogEvent } from '../services/trust-log.ts';
import { feeOption } from './carbonchain.ts';
import {
  chainOptions,
  chainPrinter,
  coinsOption,
  withChain,
  type ChainCommandOptions,
} from './chain-options.ts';
import { parseListen, wholeNumber, type Listen } from './options.ts';
import { print, printJson, printJsonLine, warn } from './output.ts';
import { readPolicy } from './place-options.ts';
import { stopRequest } from './run.ts';

export function logCommand(): Command {
  return new Command('log')
    .description('run a small transparency log in which keys and images are signed within seconds')
    .addCommand(
      new Command('new')
        .description('make a log and its key, and print its verifier key')
        .argument('<directory>', 'where it lies')
        .argument('<name>', 'a URL without scheme, such as log.example.org/trust')
        .option('--json', 'print JSON for scripts')
        .action(runNew),
    )
    .addCommand(serveCommand());
}

async function runNew(
  directory: string,
  name: string,
  { json }: { readonly json?: boolean },
): Promise<void> {
  const [{ LogStore }, { formatNoteKey }] = await Promise.all([
    import('../trust/log-store.ts'),
    import('../statements/note-key.ts'),
  ]);
  const vkey = formatNoteKey(LogStore.make(directory, name).key);
  if (json === true) return printJson({ directory, vkey });
  print(`Made a log in ${directory}. Its key lies there; a policy for it has the line:`);
  print(`log ${vkey} https://${name}`);
}

interface ServeOptions extends ChainCommandOptions {
  readonly policy: string;
  readonly listen: Listen;
  readonly refresh: number;
  readonly anchorEvery: number;
  readonly fee: bigint;
}

function serveCommand(): Command {
  const serve = new Command('serve')
    .description(
      'take commands, have the log cosigned by its witnesses, publish it, and with --node anchor it in a chain',
    )
    .argument('<directory>', 'as ctga trust log new made it')
    .requiredOption(
      '--policy <file>',
      'a trust policy with the log and its witnesses, with their URLs; nothing is published without its quorum',
    )
    .addOption(
      new Option('--listen <address:port>', 'where it listens; a web server has to be in front')
        .argParser(parseListen)
        .default({ address: '127.0.0.1', port: 8424 }, '127.0.0.1:8424'),
    )
    .addOption(
      new Option('--refresh <seconds>', 'how often the witnesses say anew that nothing was added')
        .argParser(wholeNumber(1, 86_400))
        .default(600),
    )
    .addOption(
      new Option('--anchor-every <seconds>', 'how often the log is anchored, in one transaction')
        .argParser(wholeNumber(1, 31_536_000))
        .default(86_400),
    )
    .addOption(coinsOption())
    .addOption(feeOption())
    .addHelpText(
      'after',
      `
  GET  /checkpoint, /tile/...    the log, as c2sp.org/tlog-tiles has it
  GET  /anchor, /anchors/SIZE    the last tree that is in the chain, and its OpenTimestamps file (.ots)
  POST /add                      a signed command, as {"command": HEX}
To try it:
  ctga trust log new DIRECTORY log.example.org/trust`,
    );
  return withChain(serve, 'optional').action(runServe);
}

async function runServe(directory: string, options: ServeOptions): Promise<void> {
  const { listen, refresh, anchorEvery: period, fee, node, coins, json } = options;
  if (node.length > 0 !== (coins !== undefined))
    throw badInput('--node and --coins go together', 'Name both to anchor the log, or neither.');
  const [{ serveTrustLog }, { directFetch }, policy] = await Promise.all([
    import('../services/trust-log.ts'),
    import('../http/request.ts'),
    readPolicy(options.policy),
  ]);
  const tellChain = chainPrinter(json, () => undefined);
  const stateDir = options.stateDir ?? directory;
  const chain =
    node.length === 0
      ? undefined
      : await chainOptions({ ...options, stateDir }, (event) => {
          if (event.event !== 'written') tellChain(event);
        });
  await serveTrustLog(
    {
      directory,
      ...listen,
      policy,
      fetch: directFetch({ allowPrivateAddress: true, deadline: 10_000 }),
      refresh,
      anchoring: chain && { chain, period, fee },
      onEvent: json === true ? printJsonLine : printEvent,
    },
    stopRequest(),
  );
}

function printEvent(event: TrustLogEvent): void {
  const now = time(Date.now());
  switch (event.event) {
    case 'listening':
      print(`The log is at ${event.url} (Ctrl-C ends it).`);
      return print(`  ${event.vkey}`);
    case 'published':
      return print(
        `${now}  published: ${plural(event.size, 'entry', 'entries')}, ${plural(event.cosignatures, 'cosignature')}`,
      );
    case 'waiting':
      for (const fault of event.faults) warn(fault);
      return;
    case 'anchoring':
      return print(
        `${now}  the tree of ${plural(event.size, 'entry', 'entries')} goes into the chain: ${event.transaction}`,
      );
    case 'anchored':
      return print(
        `${now}  the tree of ${plural(event.size, 'entry', 'entries')} is in block ${event.height}`,
      );
    case 'failed':
      return warn(event.message);
  }
}
