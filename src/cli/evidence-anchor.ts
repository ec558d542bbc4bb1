// SPDX-License-Identifier: Apache-2.0
/** `ctga evidence anchor`: evidence, and what else is in files, in a chain from which nobody can take it. */
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { Command } from 'commander';
import { readBinaryFile } from '../base/documents.ts';
import { badFile, badInput, ExitCode } from '../base/errors.ts';
import { FormatError } from '../base/cursor.ts';
import { partsOf } from '../base/read-file.ts';
import { plural, utc } from '../base/text.ts';
import { feeOption } from './carbonchain.ts';
import {
  chainOptions,
  coinsOption,
  oncePrinter,
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
  const digests = files.map(digestOf);
  if (options.check === true) return check(files, digests, options);
  if (options.node.length === 0 || options.coins === undefined)
    throw badInput('want --node URL and --coins FILE');
  const [{ anchor, forgetAnchor, isAnchoring, untaken }, { ChainService }, { writeDurably }] =
    await Promise.all([
      import('../services/anchor.ts'),
      import('../services/ddt.ts'),
      import('../disk/write.ts'),
    ]);
  const tell = oncePrinter(options.json);
  const chained = await chainOptions(options, (event) => {
    if (event.event !== 'written') tell(event);
  });
  const stop = stopRequest();
  const { directory = '' } = chained;
  if (!isAnchoring(directory, options.network, digests)) mayWriteStamps(files);
  const chain = await ChainService.open(chained, {
    connect: () => undefined,
    rebuild: () => undefined,
  });
  try {
    const onSent = ({ transaction, bytes }: { transaction: string; bytes: number }): void =>
      tellProgress(`Transaction ${transaction} (${plural(bytes, 'byte')}) waits for six blocks.`);
    const { fee } = options;
    const onUntaken = (file: string): void => warn(untaken(file));
    const done = await anchor(chain, directory, { digests, fee, onSent, onUntaken }, stop);
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

/** Stamps that a message names. */
const SHOWN = 8;

/** Before anything is paid. What has a stamp already was there earlier than another one would say. */
function mayWriteStamps(files: readonly string[]): void {
  const stamped = files.map((file) => `${file}.ots`).filter((path) => existsSync(path));
  if (stamped.length > 0)
    throw badInput(
      `there ${stamped.length === 1 ? 'is a stamp' : 'are stamps'} already: ${stamped.slice(0, SHOWN).join(', ')}${stamped.length > SHOWN ? `, and ${stamped.length - SHOWN} more` : ''}`,
      'Leave these files out, since an older stamp says more (--check checks it), or move the stamps away.',
    );
  for (const file of files)
    try {
      accessSync(dirname(file), constants.W_OK);
    } catch (error) {
      throw badFile('write', `${file}.ots`, error);
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
      ots = readOts(readBinaryFile(path));
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
    return chainOfHeaders(
      readBinaryFile(headers),
      network,
      since,
      Date.now() / 1000,
      `the headers in ${headers}`,
    );
  }
  if (node.length === 0) throw badInput('--check wants --node URL, or --headers FILE');
  const { ChainService } = await import('../services/ddt.ts');
  const chained = await chainOptions(options, oncePrinter(options.json));
  const stop = stopRequest();
  const chain = await ChainService.open(chained, {
    connect: () => undefined,
    rebuild: () => undefined,
  });
  try {
    await chain.catchUp(stop);
    return chain.follower.chain;
  } finally {
    await chain.close();
  }
}

/** The SHA-256 of a file that may be larger than memory. */
function digestOf(file: string): Uint8Array {
  const hash = createHash('sha256');
  try {
    for (const part of partsOf(file, Infinity)) hash.update(part);
  } catch (error) {
    throw badFile('read', file, error);
  }
  return hash.digest();
}
