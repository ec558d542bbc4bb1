// SPDX-License-Identifier: Apache-2.0
/** `ctga trust`: images that are signed in a Bitcoin chain, and whether one is. */
import { randomBytes } from 'node:crypto';
import { Command, InvalidArgumentError, Option } from 'commander';
import { badFile, badInput, ExitCode } from '../base/errors.ts';
import { utc } from '../base/text.ts';
import type { NetworkName } from '../carbonchain/header.ts';
import type { Ledger } from '../ddt/ledger.ts';
import { feeOption, writeToChain } from './carbonchain.ts';
import {
  chainOptions,
  chainPrinter,
  coinsOption,
  readText,
  withChain,
  type ChainCommandOptions,
} from './chain-options.ts';
import { wholeNumber } from './options.ts';
import { print, printJson } from './output.ts';
import { setExitCode, stopRequest } from './run.ts';
import { hookCommand } from './trust-hook.ts';

const NAME = 'USER/IMAGE:TAG, under which it is signed';
const IMAGE =
  'oci:DIRECTORY[:NAME], oci-archive:FILE[:NAME], docker://HOST/NAME[:TAG] (by skopeo) or sha256:HEX';

export function trustCommand(): Command {
  return new Command('trust')
    .description(
      'sign container images in a Bitcoin chain, and verify them, also without a network',
    )
    .addCommand(nameCommand())
    .addCommand(signCommand())
    .addCommand(proveCommand())
    .addCommand(verifyCommand())
    .addCommand(hookCommand())
    .addHelpText(
      'after',
      `
The keys are those of ctga ddt: make them with ctga ddt key, register them with ctga ddt sign and
send, replace or revoke them the same way. docs/TRUST.md has the whole story.`,
    );
}

function saltOption(): Option {
  return new Option(
    '--salt <hex>',
    'the name is published as hashes with this salt, as ctga trust name makes them',
  ).argParser((text: string) => {
    if (/^(?:[0-9a-f]{2}){16,64}$/i.test(text)) return Uint8Array.from(Buffer.from(text, 'hex'));
    throw new InvalidArgumentError('want 16 to 64 bytes in hexadecimal.');
  });
}

function nameCommand(): Command {
  return new Command('name')
    .description('print what a name is published as if nobody is to read it, and the salt')
    .argument('<name>', 'USER/IMAGE:TAG')
    .addOption(saltOption())
    .option('--json', 'print JSON for scripts')
    .action(
      async (
        text: string,
        { salt = randomBytes(16), json }: { salt?: Uint8Array; json?: boolean },
      ) => {
        const { parseTrustName, publishedName } = await import('../trust/names.ts');
        const { user, image, tag } = publishedName(parseTrustName(text), salt);
        const published = {
          image: `${user}/${image}`,
          name: `${user}/${image}:${tag}`,
          salt: Buffer.from(salt).toString('hex'),
        };
        if (json === true) return printJson(published);
        print(`The image, for its tagging keys: ${published.image}`);
        print(`The name: ${published.name}`);
        print(`The salt, for whoever is to verify it: ${published.salt}`);
      },
    );
}

interface SignOptions extends ChainCommandOptions {
  readonly keyFile: string;
  readonly keyId: number;
  readonly salt?: Uint8Array;
  readonly fee: bigint;
}

function signCommand(): Command {
  const sign = new Command('sign')
    .description("sign an image's digest with a tagging key, and write it into the chain")
    .argument('<image>', IMAGE)
    .argument('<name>', NAME)
    .addOption(
      new Option('--key-file <file>', "the tagging key's private part").makeOptionMandatory(),
    )
    .addOption(
      new Option('--key-id <n>', 'which of the tagging keys of the image it is')
        .argParser(wholeNumber(0, 255))
        .default(0),
    )
    .addOption(saltOption())
    .addOption(coinsOption().makeOptionMandatory())
    .addOption(feeOption());
  return withChain(sign).action(runSign);
}

async function runSign(image: string, text: string, options: SignOptions): Promise<void> {
  const stop = stopRequest();
  const [
    { digestOfImage },
    names,
    { encodeCommand, signCommand: signWith },
    { readPrivateKey },
    { NETWORKS },
    { DDT_ID: id },
  ] = await Promise.all([
    import('../trust/image.ts'),
    import('../trust/names.ts'),
    import('../ddt/version1.ts'),
    import('../ddt/keys.ts'),
    import('../carbonchain/header.ts'),
    import('../ddt/ledger.ts'),
  ]);
  const name = names.publishedName(names.parseTrustName(text), options.salt);
  const key = readPrivateKey(readText(options.keyFile));
  if (key === undefined)
    throw badInput('the file of --key-file has no private key in it: 64 hexadecimal digits');
  // What is wrong with the other options is said before the image is read.
  await chainOptions(options, () => undefined);
  const digest = await digestOfImage(image);
  const { keyId } = options;
  const unsigned = {
    kind: 'register-metadata',
    ...name,
    serial: Date.now(),
    keyId,
    until: 0,
    digests: [digest],
  } as const;
  const command = signWith(unsigned, key, NETWORKS[options.network].genesis.hash);
  if (options.json !== true) print(`Signed ${digest}, in these transactions:`);
  await writeToChain(encodeCommand(command), { ...options, id, version: 1 }, stop);
}

interface ProveOptions extends ChainCommandOptions {
  readonly salt?: Uint8Array;
  readonly output: string;
}

function proveCommand(): Command {
  const prove = new Command('prove')
    .description('write a proof of what the chain says of a name, to be verified without a network')
    .argument('<name>', NAME)
    .requiredOption('--output <file>', 'where the proof goes')
    .addOption(saltOption());
  return withChain(prove).action(async (text: string, options: ProveOptions) => {
    const stop = stopRequest();
    const [{ prove: proofOf }, { parseTrustName, publishedName }, { writeDurably }] =
      await Promise.all([
        import('../services/trust.ts'),
        import('../trust/names.ts'),
        import('../disk/write.ts'),
      ]);
    const { salt, output } = options;
    const name = publishedName(parseTrustName(text), salt);
    const chained = await chainOptions(
      options,
      chainPrinter(options.json, () => undefined),
    );
    const proof = await proofOf(chained, name, salt, stop);
    try {
      writeDurably(output, proof);
    } catch (error) {
      throw badFile('write', output, error);
    }
    if (options.json === true) printJson({ output, bytes: proof.length });
    else print(`${output} has the proof (${proof.length} bytes).`);
  });
}

interface VerifyOptions extends Omit<ChainCommandOptions, 'node'> {
  readonly node: readonly URL[];
  readonly network: NetworkName;
  readonly proof?: string;
  readonly rootKey?: Uint8Array;
  readonly salt?: Uint8Array;
}

function verifyCommand(): Command {
  const verify = new Command('verify')
    .description('whether the chain has this image under this name: exit code 0 if so, else 1')
    .argument('<image>', IMAGE)
    .argument('<name>', NAME)
    .option('--proof <file>', 'use this proof, and no network; needs --root-key')
    .addOption(
      new Option(
        '--root-key <hex>',
        'a root key that the name has or had, from whoever signs; without it, whoever was first has the name',
      ).argParser((text: string) => {
        if (/^0[23][0-9a-f]{64}$/i.test(text)) return Uint8Array.from(Buffer.from(text, 'hex'));
        throw new InvalidArgumentError('want a compressed public key: 02 or 03, and 64 digits.');
      }),
    )
    .addOption(saltOption());
  return withChain(verify, 'optional').action(runVerify);
}

async function runVerify(image: string, text: string, options: VerifyOptions): Promise<void> {
  const stop = stopRequest();
  const [{ digestOfImage }, { parseTrustName }, { judge, ledgerOf, readProof }] = await Promise.all(
    [import('../trust/image.ts'), import('../trust/names.ts'), import('../trust/proof.ts')],
  );
  const name = parseTrustName(text);
  const now = Date.now() / 1000;
  const { proof: file, rootKey, since } = options;
  if (file === undefined && options.node.length === 0)
    throw badInput('want --node URL, or --proof FILE for no network at all');
  let { salt } = options;
  let ledger: Ledger;
  let isBehind = false;
  if (file !== undefined) {
    const proof = readProof(readText(file));
    if (rootKey === undefined)
      throw badInput(
        '--proof wants --root-key: a proof cannot show that nobody else had the name before',
        'Get the root key from whoever signs, once.',
      );
    if (proof.network !== options.network)
      throw badInput(
        `the proof is of ${proof.network}, not of ${options.network}`,
        `To accept it, say --network ${proof.network}.`,
      );
    salt ??= proof.salt;
    ledger = ledgerOf(proof, since, now);
  } else {
    const { openDdt } = await import('../services/ddt.ts');
    const chained = await chainOptions(
      options,
      chainPrinter(options.json, () => undefined),
    );
    const { chain, ledger: read } = await openDdt(chained);
    try {
      await chain.round(stop);
      isBehind = chain.follower.isBehind;
    } finally {
      await chain.close();
    }
    ledger = read;
  }
  const digest = await digestOfImage(image);
  const verdict = judge(ledger, { name, salt, digest, now, rootKey });
  if (!verdict.trusted) setExitCode(ExitCode.failed);
  const { height, time } = ledger;
  const asOf = { height, time: new Date(time * 1000).toISOString() };
  if (options.json === true) {
    const why = verdict.trusted ? null : verdict.why;
    return printJson({ trusted: verdict.trusted, why, digest, asOf, isBehind });
  }
  print(
    verdict.trusted ? `TRUSTED: ${digest} is signed as ${text}.` : `NOT TRUSTED: ${verdict.why}`,
  );
  print(
    `As of block ${height}, whose time is ${utc(time * 1000)}; what was revoked later is not known here.`,
  );
}
