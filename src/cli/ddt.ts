// SPDX-License-Identifier: Apache-2.0
/** `ctga ddt`: keys and signed metadata of images in a Bitcoin chain (Decentralised Docker Trust). */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { badFile, badInput, ExitCode } from '../base/errors.ts';
import { plural, time } from '../base/text.ts';
import type { NetworkName } from '../carbonchain/header.ts';
import type { KeyPair } from '../ddt/keys.ts';
import { KINDS, type Kind } from '../ddt/kinds.ts';
import type { Executed, Ledger } from '../ddt/ledger.ts';
import type {
  KeyCommand,
  MetadataCommand,
  OriginalCommand,
  RootKeyCommand,
} from '../ddt/original.ts';
import type { Command as Version1Command } from '../ddt/version1.ts';
import { writeSecret } from '../disk/write.ts';
import { btcdOption, btcdProgram } from './btcd-option.ts';
import { feeOption, writeToChain } from './carbonchain.ts';
import {
  chainOptions,
  chainPrinter,
  coinsOption,
  networkOption,
  notBefore,
  readText,
  withChain,
  withLedger,
  type ChainCommandOptions,
} from './chain-options.ts';
import { date, parseListen, repeated, wholeNumber, type Listen } from './options.ts';
import { print, printJson, printJsonLine, tellProgress } from './output.ts';
import { setExitCode, stopRequest } from './run.ts';

export function ddtCommand(): Command {
  return new Command('ddt')
    .description(
      "keys and signed digests of images in a Bitcoin chain, by DDT's commands and by a version of them with their faults fixed",
    )
    .addCommand(keyCommand())
    .addCommand(signCommand())
    .addCommand(sendCommand())
    .addCommand(showCommand())
    .addCommand(serveCommand())
    .addCommand(labCommand());
}

function keyCommand(): Command {
  return new Command('key')
    .description('make a key, write it to a file that only you can read, and print its public part')
    .argument('<file>', 'where the private key goes; it must not be there yet')
    .option('--json', 'print JSON for scripts')
    .action(async (file: string, { json }: { json?: boolean }) => {
      const { newKeyPair } = await import('../ddt/keys.ts');
      const { privateKey, publicKey } = newKeyPair();
      if (existsSync(file)) throw badInput(`${file} is there already, and is not overwritten`);
      try {
        writeSecret(file, `${hex(privateKey)}\n`);
      } catch (error) {
        throw badFile('write', file, error);
      }
      if (json === true) printJson({ file, publicKey: hex(publicKey) });
      else print(hex(publicKey));
    });
}

interface SignOptions {
  readonly keyFile: string;
  readonly newKeyFile?: string;
  readonly publicKey?: Uint8Array;
  readonly keyId: number;
  readonly digest: readonly string[];
  readonly until: number;
  readonly serial?: number;
  readonly set: 'original' | '1';
  readonly network: NetworkName;
  readonly json?: boolean;
}

function signCommand(): Command {
  return new Command('sign')
    .description('sign a command with a key that stays here, and print it in hexadecimal')
    .argument('<command>', KINDS.join(', '), signKind)
    .argument('<name>', 'USER, USER/IMAGE for a tagging key, USER/IMAGE:TAG for metadata')
    .addOption(
      new Option(
        '--key-file <file>',
        'sign with this: the root key for what is about keys, a tagging key for metadata',
      ).makeOptionMandatory(),
    )
    .addOption(new Option('--new-key-file <file>', 'the key that takes over from the root key'))
    .addOption(
      new Option('--public-key <hex>', 'the tagging key that is registered or deleted').argParser(
        publicKey,
      ),
    )
    .addOption(
      new Option('--key-id <n>', "which of an image's tagging keys it is")
        .argParser(wholeNumber(0, 255))
        .default(0),
    )
    .addOption(
      repeated('--digest <algorithm:hex>', 'a digest of the metadata; may be repeated', digest),
    )
    .addOption(
      new Option(
        '--until <date>',
        'when the key or the metadata ends, such as 2027-06-30 (version 1)',
      )
        .argParser(date)
        .default(0, 'never'),
    )
    .addOption(
      new Option(
        '--serial <n>',
        "greater than that of the signer's last command (version 1; default: the time in milliseconds)",
      ).argParser(wholeNumber(1)),
    )
    .addOption(
      new Option('--set <name>', 'whose commands: original, or 1 for those with the faults fixed')
        .choices(['original', '1'])
        .default('1'),
    )
    .addOption(networkOption())
    .option('--json', 'print JSON for scripts, with the body that the REST API takes')
    .action(runSign);
}

function signKind(text: string): Kind {
  const kind = KINDS.find((each) => each === text);
  if (kind !== undefined) return kind;
  throw new InvalidArgumentError(`want one of ${KINDS.join(', ')}.`);
}

function publicKey(text: string): Uint8Array {
  if (/^0[23][0-9a-f]{64}$/i.test(text)) return Uint8Array.from(Buffer.from(text, 'hex'));
  throw new InvalidArgumentError('want a compressed public key: 02 or 03, and 64 digits.');
}

function digest(text: string): string {
  if (/^[\w+.-]{1,127}:(?:[0-9a-f]{2}){1,127}$/.test(text)) return text;
  throw new InvalidArgumentError('want ALGORITHM:HEX, such as sha256:9f86...');
}

/** USER, USER/IMAGE or USER/IMAGE:TAG, of which a command needs one. Throws CtgaError `bad-input`. */
function placeOf(kind: Kind, text: string): { user: string; image: string; tag: string } {
  const [, user = '', image = '', tag = ''] =
    /^([^/]+)(?:\/(.+?)(?::([^:/]+))?)?$/.exec(text) ?? [];
  const form = kind.endsWith('root-key')
    ? 'USER'
    : kind.endsWith('-key')
      ? 'USER/IMAGE'
      : 'USER/IMAGE:TAG';
  const found =
    tag !== '' ? 'USER/IMAGE:TAG' : image !== '' ? 'USER/IMAGE' : user !== '' ? 'USER' : '';
  if (found !== form) throw badInput(`${kind} wants ${form}, not '${text}'`);
  return { user, image, tag };
}

async function runSign(kind: Kind, name: string, options: SignOptions): Promise<void> {
  const place = placeOf(kind, name);
  const bytes =
    options.set === '1'
      ? await version1(kind, place, options)
      : await original(kind, place, options);
  if (options.json !== true) return print(hex(bytes));
  const path = [place.user, place.image].filter((each) => each !== '').join('/');
  const method = kind.startsWith('delete') ? 'DELETE' : 'POST';
  const route = `/${path}${place.tag === '' ? '' : `:${place.tag}`}`;
  printJson({ command: hex(bytes), method, route, body: { command: hex(bytes) } });
}

async function keyIn(text: string, option: string): Promise<KeyPair> {
  const { readPrivateKey } = await import('../ddt/keys.ts');
  const key = readPrivateKey(text);
  if (key !== undefined) return key;
  throw badInput(`the file of ${option} has no private key in it: 64 hexadecimal digits`);
}

/** The tagging key that a command is about. */
function named({ publicKey: key }: SignOptions, kind: Kind): Uint8Array {
  if (key !== undefined) return key;
  throw badInput(`${kind} wants --public-key`);
}

async function version1(
  kind: Kind,
  { user, image, tag }: { user: string; image: string; tag: string },
  options: SignOptions,
): Promise<Uint8Array> {
  const key = await keyIn(readText(options.keyFile), '--key-file');
  const [{ encodeCommand, isDigest, signCommand: sign, signReplacement }, { NETWORKS }] =
    await Promise.all([import('../ddt/version1.ts'), import('../carbonchain/header.ts')]);
  const network = NETWORKS[options.network].genesis.hash;
  const { keyId, until, digest: digests, serial = Date.now() } = options;
  const common = { user, serial };
  const command = async (): Promise<Version1Command> => {
    switch (kind) {
      case 'register-root-key':
        return sign({ kind, ...common, publicKey: key.publicKey }, key, network);
      case 'replace-root-key': {
        if (options.newKeyFile === undefined) throw badInput(`${kind} wants --new-key-file`);
        const to = await keyIn(readText(options.newKeyFile), '--new-key-file');
        return signReplacement(common, { from: key, to }, network);
      }
      case 'delete-root-key':
        return sign({ kind, ...common }, key, network);
      case 'register-key':
        return sign(
          { kind, ...common, image, keyId, until, publicKey: named(options, kind) },
          key,
          network,
        );
      case 'delete-key':
        return sign({ kind, ...common, image, keyId }, key, network);
      case 'register-metadata':
        for (const each of digests)
          if (!isDigest(each)) throw badInput(`${each} is no sha256 or sha512 digest`);
        if (digests.length === 0) throw badInput(`${kind} wants --digest`);
        return sign({ kind, ...common, image, keyId, tag, until, digests }, key, network);
      case 'delete-metadata':
        return sign({ kind, ...common, image, keyId, tag }, key, network);
    }
  };
  try {
    return encodeCommand(await command());
  } catch (error) {
    if (error instanceof RangeError) throw badInput(error.message);
    throw error;
  }
}

async function original(
  kind: Kind,
  { user, image, tag }: { user: string; image: string; tag: string },
  options: SignOptions,
): Promise<Uint8Array> {
  if (kind === 'replace-root-key')
    throw badInput(
      "the original's commands replace no root key: a registration carries no signature there",
    );
  const key = await keyIn(readText(options.keyFile), '--key-file');
  const [{ encodeOriginal, signOriginal }, { nameOf }] = await Promise.all([
    import('../ddt/original.ts'),
    import('../ddt/names.ts'),
  ]);
  const { keyId, digest: digests } = options;
  const common = { user: nameOf(user) };
  const command = (): OriginalCommand => {
    if (kind === 'register-root-key')
      return { kind, ...common, publicKey: key.publicKey, signature: new Uint8Array(64) };
    if (kind === 'delete-root-key')
      return signOriginal<RootKeyCommand>({ kind, ...common, publicKey: key.publicKey }, key);
    const ofImage = { ...common, image: nameOf(image), keyId };
    if (kind === 'register-key' || kind === 'delete-key')
      return signOriginal<KeyCommand>({ kind, ...ofImage, publicKey: named(options, kind) }, key);
    if (kind === 'register-metadata' && digests.length === 0)
      throw badInput(`${kind} wants --digest`);
    return signOriginal<MetadataCommand>({ kind, ...ofImage, tag: nameOf(tag), digests }, key);
  };
  return encodeOriginal(command());
}

interface SendOptions extends ChainCommandOptions {
  readonly fee: bigint;
}

function sendCommand(): Command {
  const send = new Command('send')
    .description('write a signed command into the chain, without a service in between')
    .argument('<command>', 'as ctga ddt sign prints it')
    .addOption(coinsOption().makeOptionMandatory())
    .addOption(feeOption());
  return withChain(send).action(async (text: string, options: SendOptions) => {
    const bytes = Buffer.from(/^(?:[0-9a-f]{2})+$/i.test(text) ? text : '', 'hex');
    const [{ decodeCommand }, { decodeOriginal }, { DDT_ID: id }] = await Promise.all([
      import('../ddt/version1.ts'),
      import('../ddt/original.ts'),
      import('../ddt/ledger.ts'),
    ]);
    const command = decodeCommand(bytes);
    const old = command === undefined ? decodeOriginal(bytes) : undefined;
    if (command === undefined && old === undefined)
      throw badInput('that is no command of DDT in hexadecimal', 'Make one with: ctga ddt sign');
    const version = command === undefined ? 0 : 1;
    const refusalIn = ({ state, original, time: last }: Ledger): string | undefined => {
      const now = Math.max(last, Math.floor(Date.now() / 1000));
      if (command !== undefined) return state.refusalOf(command, now);
      return old && original.refusalOf(old);
    };
    await writeToChain(bytes, { ...options, id, version, refusalIn });
  });
}

function showCommand(): Command {
  const show = new Command('show')
    .description('show what the chain says of a user, an image or a tag, in both sets of commands')
    .argument('<name>', 'USER, USER/IMAGE or USER/IMAGE:TAG');
  return withChain(show).action(async (name: string, options: ChainCommandOptions) => {
    await withLedger(options, (ledger, isBehind) => printShown(name, ledger, isBehind, options));
  });
}

async function printShown(
  name: string,
  ledger: Ledger,
  isBehind: boolean,
  options: ChainCommandOptions,
): Promise<void> {
  const { shownOf } = await import('../ddt/shown.ts');
  const shown = shownOf(ledger, name);
  if (shown.lines.length === 0) setExitCode(ExitCode.failed);
  const { height } = ledger;
  if (options.json === true)
    return printJson({ height, isBehind, since: options.since?.height ?? null, ...shown.json });
  print(
    `As of block ${height}${isBehind ? ', which is not the last one' : ''}, whose time is ${time(ledger.time * 1000)}${notBefore(options)}:`,
  );
  for (const line of shown.lines) print(line);
  if (shown.lines.length === 0) print(`The chain says nothing of ${name}.`);
}

interface ServeOptions extends ChainCommandOptions {
  readonly listen: Listen;
}

/** Where the original listens. */
const DEFAULT_LISTEN = { address: '127.0.0.1', port: 1323 };

function listenOption(): Option {
  return new Option('--listen <address:port>', 'where it answers; loopback alone')
    .argParser(parseListen)
    .default(DEFAULT_LISTEN, '127.0.0.1:1323');
}

function serveCommand(): Command {
  const serve = new Command('serve')
    .description(
      "follow the chain, and answer on loopback as DDT's service does, but for private keys",
    )
    .addOption(listenOption())
    .addOption(coinsOption())
    .addHelpText(
      'after',
      `
  GET, POST, DELETE  /USER              the root key
  GET, POST, DELETE  /USER/IMAGE        tagging keys
  GET, POST, DELETE  /USER/IMAGE:TAG    signed metadata
What is written has to be signed with ctga ddt sign; a private key in a request is refused. ?set=1
asks for version 1. docs/DDT.md has it all.`,
    );
  return withChain(serve).action(async (options: ServeOptions) => {
    const { serveDdt } = await import('../services/ddt.ts');
    const chained = await chainOptions(options, chainPrinter(options.json, printer(options.json)));
    await serveDdt({ ...chained, ...options.listen }, stopRequest());
  });
}

function printer(json: boolean | undefined): (event: { executed: Executed }) => void {
  return ({ executed }) => {
    const { set, height, command, refusal, datapack } = executed;
    const { first, last, transactions } = datapack;
    const kind = command?.kind ?? null;
    if (json === true)
      return printJsonLine({
        event: 'executed',
        set,
        height,
        kind,
        refusal: refusal ?? null,
        first,
        last,
        transactions,
      });
    const what = `${kind ?? 'what is no command'} (${set}, ${plural(transactions.length, 'transaction')} from block ${first})`;
    print(
      `${time(Date.now())}  ${refusal === undefined ? 'executed' : 'refused'}: ${what}${refusal === undefined ? '' : `: ${refusal}`}`,
    );
  };
}

interface LabOptions {
  readonly btcd?: string;
  readonly listen: Listen;
  readonly json?: boolean;
}

function labCommand(): Command {
  return new Command('lab')
    .description(
      'start btcd in regtest and the service on top of it, with coins, and mine what is written',
    )
    .addOption(btcdOption())
    .addOption(listenOption())
    .option('--json', 'print JSON for scripts, one object a line')
    .action(runLab);
}

async function runLab(options: LabOptions): Promise<void> {
  const stop = stopRequest();
  const { playLab } = await import('../services/ddt-lab.ts');
  const btcd = await btcdProgram(options.btcd);
  const directory = mkdtempSync(join(tmpdir(), 'ctga-ddt-'));
  try {
    await playLab(
      {
        btcd,
        directory,
        ...options.listen,
        onEvent: chainPrinter(options.json, printer(options.json)),
        onReady: (lab) => {
          if (options.json === true) return printJsonLine({ event: 'ready', ...lab });
          tellProgress('btcd runs in regtest; its blocks are mined when something is written.');
          print(`Its RPC is at ${lab.node}, with the name and password in ${lab.auth}.`);
          print(`The key of its coins is in ${lab.coins}. All of it goes when the lab ends.`);
        },
      },
      stop,
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
