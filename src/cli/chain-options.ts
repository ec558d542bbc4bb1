// SPDX-License-Identifier: Apache-2.0
/** Options of commands that follow a Bitcoin chain. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { readBinaryFile } from '../base/documents.ts';
import { badInput, ExitCode } from '../base/errors.ts';
import { plural, time } from '../base/text.ts';
import type { Start } from '../carbonchain/follow.ts';
import type { NetworkName } from '../carbonchain/header.ts';
import type { Ledger } from '../ddt/ledger.ts';
import type { ChainEvent, ChainOptions } from '../services/ddt.ts';
import { stateAt } from '../store/state.ts';
import { repeated, withState, type StateOption } from './options.ts';
import { note, print, printJsonLine, warn } from './output.ts';
import { setExitCode, stopRequest } from './run.ts';

export interface ChainCommandOptions extends StateOption {
  readonly network: NetworkName;
  readonly node: readonly URL[];
  readonly nodeAuth?: string;
  readonly since?: Start;
  readonly coins?: string;
}

const NETWORK_NAMES: readonly NetworkName[] = [
  'mainnet',
  'testnet3',
  'testnet4',
  'regtest',
  'simnet',
];

export function networkOption(): Option {
  return new Option(
    '--network <name>',
    "Bitcoin's network: mainnet, testnet3, testnet4, regtest or simnet",
  )
    .argParser((text: string) => {
      const found = NETWORK_NAMES.find((name) => name === text);
      if (found !== undefined) return found;
      throw new InvalidArgumentError(`want one of ${NETWORK_NAMES.join(', ')}.`);
    })
    .default('mainnet', 'mainnet');
}

export function coinsOption(): Option {
  return new Option(
    '--coins <file>',
    'pay with the coins of the key in this file: wallet import format, or 64 hexadecimal digits',
  );
}

/** A file's text. Throws CtgaError `bad-input`, before anything is touched. */
export function readText(file: string): string {
  return readBinaryFile(file).toString().trim();
}

/** `nodes` says whether a node has to be named. */
export function withChain(command: Command, nodes: 'needed' | 'optional' = 'needed'): Command {
  return withState(
    command
      .addOption(networkOption())
      .addOption(
        repeated(
          '--node <url>',
          'ask this bitcoind or btcd by JSON-RPC, such as http://127.0.0.1:8332; may be repeated, and the chain with the most work wins',
          nodeUrl,
        ).makeOptionMandatory(nodes === 'needed'),
      )
      .addOption(
        new Option(
          '--node-auth <file>',
          'one line NAME:PASSWORD for the nodes, such as .cookie of bitcoind',
        ),
      )
      .addOption(
        new Option(
          '--since <height:hash>',
          'trust this block and read what comes after it, instead of all from the first; 2016 has to divide the height',
        ).argParser(parseStart),
      ),
  );
}

function nodeUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && ['http:', 'https:'].includes(url.protocol)) return url;
  throw new InvalidArgumentError('want a URL such as http://127.0.0.1:8332.');
}

function readAuth(file: string): string {
  const text = readText(file);
  if (/^[^:\n]+:[^\n]+$/.test(text)) return text;
  throw badInput(`${file} is not one line NAME:PASSWORD`);
}

function parseStart(text: string): Start {
  const [, height, hash] = /^(\d{1,9}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (height !== undefined && hash !== undefined) return { height: Number(height), hash };
  throw new InvalidArgumentError('want HEIGHT:HASH, such as 0:0000...');
}

/** What the options say, with connections of its own. Throws CtgaError `bad-input`. */
export async function chainOptions(
  { network: name, node, nodeAuth, since: start, coins, stateDir }: ChainCommandOptions,
  onEvent: (event: ChainEvent) => void,
): Promise<ChainOptions> {
  const [{ NETWORKS, PERIOD }, { nodeAt }, { directFetch }, { readPurse }] = await Promise.all([
    import('../carbonchain/header.ts'),
    import('../carbonchain/node.ts'),
    import('../http/request.ts'),
    import('../carbonchain/send.ts'),
  ]);
  const network = NETWORKS[name];
  if (start !== undefined && start.height % PERIOD !== 0 && !network.isFixed)
    throw badInput(
      `the height of --since has to be one that ${PERIOD} divides, not ${start.height}`,
    );
  const purse = coins === undefined ? undefined : readPurse(readText(coins), network, coins);
  const [user = '', ...password] = nodeAuth === undefined ? [] : readAuth(nodeAuth).split(':');
  const fetch = directFetch({ allowPrivateAddress: true, deadline: 30_000 });
  const nodes = node.map((url) => {
    const withAuth = new URL(url);
    if (nodeAuth !== undefined) {
      withAuth.username = encodeURIComponent(user);
      withAuth.password = encodeURIComponent(password.join(':'));
    }
    return nodeAt(withAuth, fetch);
  });
  return { network, nodes, start, directory: stateAt(stateDir).directory, purse, onEvent };
}

/** Reads the chain up to now, and resolves to what `use` makes of it; `isBehind` as the follower says. */
export async function withLedger<T>(
  options: ChainCommandOptions,
  use: (ledger: Ledger, isBehind: boolean) => T | Promise<T>,
): Promise<T> {
  const { openDdt } = await import('../services/ddt.ts');
  const chained = await chainOptions(options, oncePrinter(options.json));
  const stop = stopRequest();
  const { chain, ledger } = await openDdt(chained);
  try {
    await chain.catchUp(stop);
    return await use(ledger, chain.follower.isBehind);
  } finally {
    await chain.close();
  }
}

/** What to say behind what a chain has if a block is trusted: whoever had a name before may be left out. */
export function notBefore({ since }: ChainCommandOptions): string {
  if (since === undefined || since.height === 0) return '';
  return `; what was written up to block ${since.height} is not known here`;
}

/** Says so, and ends with exit code 1, if no node has some of the transactions that were written. */
export function tellWaiting(waiting: readonly string[]): void {
  if (waiting.length === 0) return;
  setExitCode(ExitCode.failed);
  warn(
    `no node has ${plural(waiting.length, 'transaction')} of these yet, and until one has it, what was written does not count. Whatever ctga does next with this chain and state directory passes them on: ctga ddt show, say, when the next block has come.`,
  );
}

/** Tells of it for commands that print one result: what happened to the chain is no part of that, and goes to stderr. */
export function oncePrinter(json: boolean | undefined): (event: ChainEvent) => void {
  const print = chainPrinter(json, () => undefined);
  return (event) => {
    if (event.event !== 'reorganised') return print(event);
    note(`${reorganised(event)}.`);
  };
}

function reorganised({ depth, fork }: { readonly depth: number; readonly fork: number }): string {
  return `${plural(depth, 'block')} left the chain above ${fork}, and what they had is undone`;
}

/** Tells of what happens while a chain is followed. */
export function chainPrinter(
  json: boolean | undefined,
  onExecuted: (event: Extract<ChainEvent, { event: 'executed' }>) => void,
): (event: ChainEvent) => void {
  return (event) => {
    const now = time(Date.now());
    switch (event.event) {
      case 'executed':
        return onExecuted(event);
      case 'lied':
        return warn(`the node ${event.node} is not to be believed: ${event.why}`);
      case 'failed':
        return warn(event.message);
      case 'overtaken':
        return warn(
          `other transactions have spent the coins of ${event.transactions.join(', ')}: what was to be written by these does not count. Write it anew.`,
        );
    }
    if (json === true) return printJsonLine(event);
    switch (event.event) {
      case 'reorganised':
        return print(`${now}  ${reorganised(event)}.`);
      case 'written':
        return print(`${now}  written in ${plural(event.transactions.length, 'transaction')}`);
      case 'listening':
        return print(`DDT's REST API is at ${event.url} (Ctrl-C ends it).`);
    }
  };
}
