// SPDX-License-Identifier: Apache-2.0
/** `ctga carbonchain`: data in packets in Bitcoin transactions. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { readBinaryFile } from '../base/documents.ts';
import { badFile, badInput } from '../base/errors.ts';
import { plural } from '../base/text.ts';
import type { Datapack } from '../carbonchain/reader.ts';
import type { Ledger } from '../ddt/ledger.ts';
import {
  chainOptions,
  chainPrinter,
  coinsOption,
  oncePrinter,
  tellWaiting,
  withChain,
  type ChainCommandOptions,
} from './chain-options.ts';
import type { ChainOptions } from '../services/ddt.ts';
import { print, printJson, printJsonLine } from './output.ts';
import { stopRequest } from './run.ts';

interface ReadOptions extends ChainCommandOptions {
  readonly id: number;
  readonly follow?: boolean;
}

interface WriteOptions extends ChainCommandOptions {
  readonly id: number;
  readonly fee: bigint;
}

export function carbonchainCommand(): Command {
  return new Command('carbonchain')
    .description("read and write Carbonchain's packets in a Bitcoin chain that ctga checks itself")
    .addCommand(readCommand())
    .addCommand(writeCommand())
    .addCommand(headersCommand());
}

/** The packet identifier of Carbonchain's sample application. */
const SAMPLE_ID = 0xfa;

function idOption(): Option {
  return new Option('--id <byte>', "the application's packet identifier, such as 0xdf for DDT")
    .argParser((text: string) => {
      const value = /^0x[0-9a-f]{1,2}$|^\d{1,3}$/i.test(text) ? Number(text) : 256;
      if (value < 256) return value;
      throw new InvalidArgumentError('want a byte, such as 0xdf or 223.');
    })
    .default(SAMPLE_ID, '0xfa');
}

/** In satoshi. Whoever means satoshi a byte would pay whole coins. */
const MAX_FEE = 1_000_000n;

export function feeOption(): Option {
  return new Option('--fee <btc>', 'what each transaction pays to who mines it, in BTC')
    .argParser((text: string) => {
      const [, whole, part = ''] = /^(\d)(?:\.(\d{1,8}))?$/.exec(text) ?? [];
      const satoshi = BigInt(`${whole ?? ''}${part.padEnd(8, '0')}`);
      if (whole === undefined || satoshi === 0n)
        throw new InvalidArgumentError('want BTC, such as 0.00002.');
      if (satoshi <= MAX_FEE) return satoshi;
      throw new InvalidArgumentError(
        'it is in BTC, not in satoshi: more than 0.01 is no fee for one transaction.',
      );
    })
    .default(2000n, '0.00002');
}

function readCommand(): Command {
  const read = new Command('read')
    .description('print the data that packets carry, once it counts: with 6 confirmations')
    .addOption(idOption())
    .option('--follow', 'go on, and print what comes');
  return withChain(read).action(runRead);
}

async function runRead(options: ReadOptions): Promise<void> {
  const chained = await chainOptions(
    options,
    chainPrinter(options.json, () => undefined),
  );
  const stop = stopRequest();
  const [{ ChainService }, { PacketReader }] = await Promise.all([
    import('../services/ddt.ts'),
    import('../carbonchain/reader.ts'),
  ]);
  let reader = new PacketReader(options.id);
  const printed = new Set<string>();
  const show = (datapack: Datapack): void => {
    const key = [datapack.rules, ...datapack.transactions].join(' ');
    if (!printed.has(key)) printDatapack(datapack, options.json);
    printed.add(key);
  };
  const service = await ChainService.open(chained, {
    connect: (...block) => reader.connect(...block).forEach(show),
    rebuild: ({ chain, store, height }) => {
      reader = new PacketReader(options.id);
      for (let at = chain.start; at <= height; at++)
        reader.connect(at, chain.medianTime(at), store.packets(at)).forEach(show);
    },
  });
  try {
    if (options.follow === true) await service.run(stop);
    else await service.catchUp(stop);
  } finally {
    await service.close();
  }
}

function printDatapack(datapack: Datapack, json: boolean | undefined): void {
  const { data, rules, version, owner, transactions, first, last } = datapack;
  if (json === true) {
    const hex = Buffer.from(data).toString('hex');
    return printJsonLine({ rules, version, owner, first, last, transactions, data: hex });
  }
  const bytes = Buffer.from(data);
  const text = bytes.toString('utf8');
  print(
    `Block${first === last ? ` ${first}` : `s ${first} to ${last}`}: ${plural(data.length, 'byte')} of ${owner} in ${plural(transactions.length, 'packet')} (version ${version}, ${rules} rules)`,
  );
  print(
    `  ${Buffer.from(text).equals(bytes) && /^\P{Cc}+$/u.test(text) ? text : bytes.toString('hex')}`,
  );
}

function writeCommand(): Command {
  const write = new Command('write')
    .description('write a file into the chain, 60 bytes a transaction')
    .argument('<file>', 'its bytes are written as they are')
    .addOption(idOption())
    .addOption(coinsOption().makeOptionMandatory())
    .addOption(feeOption());
  return withChain(write).action(runWrite);
}

async function runWrite(file: string, options: WriteOptions): Promise<void> {
  const { MAX_DATA } = await import('../carbonchain/packet.ts');
  const data = readBinaryFile(file);
  if (data.length === 0 || data.length > MAX_DATA)
    throw badInput(
      `${file} has ${plural(data.length, 'byte')}, and packets carry 1 to ${MAX_DATA}`,
    );
  await writeToChain(data, options);
}

function headersCommand(): Command {
  const headers = new Command('headers')
    .description(
      'write the headers of the chain, which were checked, to a file: for --headers of other commands, without a network',
    )
    .requiredOption('--output <file>', 'where they go, 80 bytes a block');
  return withChain(headers).action(runHeaders);
}

async function runHeaders(
  options: ChainCommandOptions & { readonly output: string },
): Promise<void> {
  const chained = await chainOptions(options, oncePrinter(options.json));
  const stop = stopRequest();
  const [{ ChainService }, { writeDurably }] = await Promise.all([
    import('../services/ddt.ts'),
    import('../disk/write.ts'),
  ]);
  const service = await ChainService.open(chained, {
    connect: () => undefined,
    rebuild: () => undefined,
  });
  try {
    await service.catchUp(stop);
    const { store, height } = service.follower;
    const { output } = options;
    try {
      writeDurably(output, Buffer.concat(store.headers()));
    } catch (error) {
      throw badFile('write', output, error);
    }
    if (options.json === true) printJson({ output, height });
    else print(`${output} has the headers up to block ${height}.`);
  } finally {
    await service.close();
  }
}

/**
 * Reads what is new of the chain, writes, and prints the IDs of the transactions. Rejects with CtgaError `bad-input`,
 * and nothing is paid, if the data is a command that `refusalIn` says is refused.
 */
export async function writeToChain(
  data: Uint8Array,
  {
    id,
    version,
    fee,
    refusalIn,
    ...options
  }: ChainCommandOptions & {
    id: number;
    version?: number;
    fee: bigint;
    refusalIn?: (ledger: Ledger) => string | undefined;
  },
): Promise<void> {
  const chained = await chainOptions(options, oncePrinter(options.json));
  const stop = stopRequest();
  const [{ openDdt }, { firstRefusal }] = await Promise.all([
    import('../services/ddt.ts'),
    import('../ddt/ledger.ts'),
  ]);
  // The IDs are printed below, once.
  const quiet: ChainOptions = {
    ...chained,
    onEvent: (event) => event.event === 'written' || chained.onEvent(event),
  };
  const { chain: service, ledger, ahead } = await openDdt(quiet);
  try {
    await service.catchUp(stop);
    const refusal = refusalIn && firstRefusal(refusalIn(ledger), refusalIn(ahead()));
    if (refusal !== undefined)
      throw badInput(
        `that would be refused: ${refusal}`,
        'A command is judged by what counts already: after six blocks.',
      );
    const transactions = await service.write(data, { id, version, fee });
    const waiting = await service.settle(transactions, stop);
    if (options.json === true) printJson({ transactions, waiting });
    else for (const transaction of transactions) print(transaction);
    tellWaiting(waiting);
  } finally {
    await service.close();
  }
}
