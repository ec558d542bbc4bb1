// SPDX-License-Identifier: Apache-2.0
/** `ctga evidence anchor`: evidence, and what else is in files, in a chain from which nobody can take it. */
import { existsSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import { badFile, badInput, ExitCode } from '../base/errors.ts';
import { FormatError } from '../base/cursor.ts';
import { plural, utc } from '../base/text.ts';
import { feeOption } from './carbonchain.ts';
import {
  chainOptions,
  chainPrinter,
  coinsOption,
  withChain,
  type ChainCommandOptions,
} from './chain-options.ts';
import { print, printJson, tellProgress, warn } from './output.ts';
import { setExitCode, stopRequest } from './run.ts';

interface AnchorOptions extends ChainCommandOptions {
  readonly fee: bigint;
  readonly check?: boolean;
  readonly headers?: string;
}

export function anchorCommand(): Command {
  const anchor = new Command('anchor')
    .description(
      'put the hash of files into a Bitcoin chain, all in one transaction, and write an OpenTimestamps file FILE.ots beside each; with --check, check these: exit code 0 if all hold',
    )
    .argument('<files...>', 'evidence, statements of a federation, or any others')
    .option('--check', 'check FILE.ots against the chain, or against --headers without a network')
    .option(
      '--headers <file>',
      'with --check: the headers, as ctga carbonchain headers writes them',
    )
    .addOption(coinsOption())
    .addOption(feeOption())
    .addHelpText(
      'after',
      `
It waits for six blocks, about an hour on mainnet. If it is interrupted, the same command goes on and pays
once. Nothing but a hash of hashes is published. Any client of OpenTimestamps checks the .ots files too:
  ots verify FILE.ots`,
    );
  return withChain(anchor, 'optional').action(runAnchor);
}

async function runAnchor(files: readonly string[], options: AnchorOptions): Promise<void> {
  const { sha256 } = await import('../carbonchain/bytes.ts');
  const digests = files.map((file) => sha256(read(file)));
  if (options.check === true) return check(files, digests, options);
  if (options.headers !== undefined) throw badInput('--headers is for --check');
  if (options.node.length === 0 || options.coins === undefined)
    throw badInput('want --node URL and --coins FILE');
  const stop = stopRequest();
  const [{ anchor, forgetAnchor }, { ChainService }, { writeDurably }] = await Promise.all([
    import('../services/anchor.ts'),
    import('../services/ddt.ts'),
    import('../disk/write.ts'),
  ]);
  const tell = chainPrinter(options.json, () => undefined);
  const chained = await chainOptions(options, (event) => {
    if (event.event !== 'written') tell(event);
  });
  const { directory = '' } = chained;
  const chain = await ChainService.open(chained, {
    connect: () => undefined,
    rebuild: () => undefined,
  });
  try {
    const onSent = ({ transaction, bytes }: { transaction: string; bytes: number }): void =>
      tellProgress(`Transaction ${transaction} (${plural(bytes, 'byte')}) waits for six blocks.`);
    const { fee } = options;
    const done = await anchor(chain, directory, { digests, fee, onSent }, stop);
    if (done === undefined) {
      setExitCode(ExitCode.failed);
      return warn('it is not in the chain yet: run the same command again to go on');
    }
    const { height, transaction, stamps } = done;
    for (const [i, stamp] of stamps.entries()) {
      const path = `${files[i] ?? ''}.ots`;
      try {
        writeDurably(path, stamp);
      } catch (error) {
        throw badFile('write', path, error);
      }
    }
    forgetAnchor(directory, options.network, digests);
    const written = files.map((file) => `${file}.ots`);
    if (options.json === true) return printJson({ height, transaction, written });
    print(`${plural(files.length, 'file')} in block ${height}, by transaction ${transaction}:`);
    for (const path of written) print(`  ${path}`);
  } finally {
    await chain.close();
  }
}

interface Checked {
  readonly file: string;
  readonly height: number | null;
  readonly time: string | null;
  /** Why it does not hold, as a clause. */
  readonly fault: string | null;
}

async function check(
  files: readonly string[],
  digests: readonly Uint8Array[],
  options: AnchorOptions,
): Promise<void> {
  const [{ readOts }, { anchoredIn }, { sameBytes }] = await Promise.all([
    import('../carbonchain/ots.ts'),
    import('../trust/log-proof.ts'),
    import('../carbonchain/bytes.ts'),
  ]);
  const chain = await headersOf(options);
  const checked = files.map((file, i): Checked => {
    const none = { file, height: null, time: null };
    const path = `${file}.ots`;
    if (!existsSync(path)) return { ...none, fault: `there is no ${path}` };
    let ots;
    try {
      ots = readOts(read(path));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return { ...none, fault: `${path} is no OpenTimestamps file` };
    }
    if (!sameBytes(ots.digest, digests[i] as Uint8Array))
      return { ...none, fault: `${path} is of another file, or this one was changed` };
    const found = anchoredIn(ots.blocks, chain);
    if (found === undefined) {
      const blocks = ots.blocks.map(({ height }) => height).join(', ');
      const fault =
        blocks === ''
          ? `${path} names no block: ots upgrade completes it`
          : `the chain has not what ${path} says of block ${blocks}`;
      return { ...none, fault };
    }
    const { height, time } = found;
    return { file, height, time: new Date(time * 1000).toISOString(), fault: null };
  });
  if (checked.some(({ fault }) => fault !== null)) setExitCode(ExitCode.failed);
  const { height: last } = chain;
  if (options.json === true) return printJson({ height: last, files: checked });
  for (const { file, height, time, fault } of checked) {
    if (fault !== null || height === null || time === null) {
      warn(`${file}: ${fault ?? ''}`);
      continue;
    }
    const above = last - height + 1;
    const settled =
      above < 6 ? `; only ${plural(above, 'block')} so far: it may leave the chain` : '';
    print(`${file} was there at ${utc(Date.parse(time))}: block ${height} has it${settled}.`);
  }
}

async function headersOf(options: AnchorOptions) {
  const { headers, network, since, node } = options;
  const { chainOfHeaders } = await import('../trust/proof.ts');
  if (headers !== undefined) {
    if (node.length > 0) throw badInput('--headers asks no node', 'Leave --node out.');
    return chainOfHeaders(read(headers), network, since, Date.now() / 1000);
  }
  if (node.length === 0) throw badInput('--check wants --node URL, or --headers FILE');
  const stop = stopRequest();
  const { ChainService } = await import('../services/ddt.ts');
  const chained = await chainOptions(
    options,
    chainPrinter(options.json, () => undefined),
  );
  const chain = await ChainService.open(chained, {
    connect: () => undefined,
    rebuild: () => undefined,
  });
  try {
    await chain.round(stop);
    return chain.follower.chain;
  } finally {
    await chain.close();
  }
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw badFile('read', file, error);
  }
}
