// SPDX-License-Identifier: Apache-2.0
/** `ctga trust`: images that are signed in a Bitcoin chain or a log, and whether one is. */
import { randomBytes } from 'node:crypto';
import { Command, InvalidArgumentError, Option } from 'commander';
import { readBinaryFile } from '../base/documents.ts';
import { badFile, badInput, ExitCode } from '../base/errors.ts';
import { plural, utc } from '../base/text.ts';
import type { Ledger } from '../ddt/ledger.ts';
import type { Place } from '../services/trust-place.ts';
import type { RunCtga } from '../trust-lab/desk.ts';
import type { TrustName } from '../trust/names.ts';
import { chainOptions, oncePrinter, readText, tellWaiting, withLedger } from './chain-options.ts';
import { dateOption, wholeNumber } from './options.ts';
import { print, printJson } from './output.ts';
import {
  ageOption,
  logOptions,
  openPlace,
  readPolicy,
  withPlace,
  withWritingPlace,
  type PlaceOptions,
  type WritingOptions,
} from './place-options.ts';
import { setExitCode, stopRequest } from './run.ts';
import { hookCommand } from './trust-hook.ts';
import { keyCommand } from './trust-key.ts';
import { labCommand } from './trust-lab.ts';
import { logCommand } from './trust-log.ts';
import { showCommand } from './trust-show.ts';

const NAME = 'USER/IMAGE:TAG, under which it is signed';
const IMAGE =
  'oci:DIRECTORY[:NAME], oci-archive:FILE[:NAME], docker://HOST/NAME[:TAG] (by skopeo) or sha256:HEX';

/** `runCtga` is for the lab, which types commands. */
export function trustCommand(runCtga: RunCtga): Command {
  return new Command('trust')
    .description(
      'sign container images in a Bitcoin chain or a transparency log, and verify them, also without a network',
    )
    .addCommand(keyCommand())
    .addCommand(nameCommand())
    .addCommand(signCommand())
    .addCommand(proveCommand())
    .addCommand(verifyCommand())
    .addCommand(showCommand())
    .addCommand(hookCommand())
    .addCommand(logCommand())
    .addCommand(labCommand(runCtga))
    .addHelpText(
      'after',
      `
Each of them works on a chain (--node), which takes an hour and asks nobody, or on a transparency log
(--policy), which takes seconds and asks its witnesses. docs/TRUST.md compares them.`,
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

interface SignOptions extends WritingOptions {
  readonly keyFile: string;
  readonly keyId?: number;
  readonly salt?: Uint8Array;
  readonly until: number;
}

function signCommand(): Command {
  const sign = new Command('sign')
    .description("sign an image's digest with a tagging key, and write it into a chain or a log")
    .argument('<image>', IMAGE)
    .argument('<name>', NAME)
    .addOption(
      new Option('--key-file <file>', "the tagging key's private part").makeOptionMandatory(),
    )
    .addOption(
      new Option(
        '--key-id <n>',
        'which of the tagging keys of the image it is (default: the one with this key)',
      ).argParser(wholeNumber(0, 255)),
    )
    .addOption(dateOption('when the signature ends'))
    .addOption(saltOption());
  return withWritingPlace(sign).action(runSign);
}

async function runSign(image: string, text: string, options: SignOptions): Promise<void> {
  const [
    { digestOfImage },
    names,
    { encodeCommand, serialAfter, signCommand: signWith },
    { readPrivateKey },
    { refusalAt },
  ] = await Promise.all([
    import('../trust/image.ts'),
    import('../trust/names.ts'),
    import('../ddt/version1.ts'),
    import('../ddt/keys.ts'),
    import('../services/trust-place.ts'),
  ]);
  const name = names.publishedName(names.parseTrustName(text), options.salt);
  const key = readPrivateKey(readText(options.keyFile));
  if (key === undefined)
    throw badInput('the file of --key-file has no private key in it: 64 hexadecimal digits');
  const stop = stopRequest();
  const place = await openPlace(options, stop);
  try {
    const keyId = options.keyId ?? keyIdOf(place.state, name, key.publicKey);
    const digest = await digestOfImage(image, stop);
    const last = place.coming.lastSerial(name.user, { ...name, publicKey: key.publicKey });
    const unsigned = {
      kind: 'register-metadata',
      ...name,
      serial: serialAfter(last),
      keyId,
      until: options.until,
      digests: [digest],
    } as const;
    const command = signWith(unsigned, key, place.network);
    const now = Math.max(place.time, Math.floor(Date.now() / 1000));
    const refusal = refusalAt(place, command, now);
    if (refusal !== undefined) throw badInput(`the signature would be refused: ${refusal}`);
    const { lines, json, waiting } = await place.write(encodeCommand(command));
    tellWaiting(waiting);
    if (options.json === true) return printJson({ digest, ...json });
    print(`Signed ${digest}. It was written:`);
    for (const line of lines) print(line);
  } finally {
    await place.close();
  }
}

/** Throws CtgaError `bad-input` if it is no tagging key of the image now. */
function keyIdOf(
  state: Place['state'],
  { user, image }: { readonly user: string; readonly image: string },
  publicKey: Uint8Array,
): number {
  for (const [keyId, held] of state.users.get(user)?.images.get(image)?.keys ?? [])
    if (Buffer.compare(held.publicKey, publicKey) === 0) return keyId;
  throw badInput(
    `the key of --key-file is no tagging key of ${user}/${image}`,
    'Register it: ctga trust key new. In a chain that counts after six blocks.',
  );
}

interface ProveOptions extends PlaceOptions {
  readonly whole?: boolean;
  readonly salt?: Uint8Array;
  readonly output: string;
}

function proveCommand(): Command {
  const prove = new Command('prove')
    .description(
      'write a proof of what a chain or a log says of a name, to be verified without a network',
    )
    .argument('<name>', NAME)
    .requiredOption('--output <file>', 'where the proof goes')
    .option('--whole', 'of a log: with all its entries, so that no revocation can be left out')
    .addOption(saltOption());
  return withPlace(prove).action(async (text: string, options: ProveOptions) => {
    const [{ parseTrustName, publishedName }, { writeDurably }] = await Promise.all([
      import('../trust/names.ts'),
      import('../disk/write.ts'),
    ]);
    const { salt, output } = options;
    const name = publishedName(parseTrustName(text), salt);
    const proof =
      options.policy === undefined
        ? await proveInChain(options, name)
        : await proveInLog(options, name);
    try {
      writeDurably(output, proof);
    } catch (error) {
      throw badFile('write', output, error);
    }
    if (options.json === true) printJson({ output, bytes: proof.length });
    else print(`${output} has the proof (${proof.length} bytes).`);
  });
}

async function proveInChain(options: ProveOptions, name: TrustName): Promise<string> {
  if (options.node.length === 0)
    throw badInput('want --node URL for a chain, or --policy FILE for a transparency log');
  if (options.whole === true) throw badInput('--whole is for a log: no proof has a whole chain');
  const [{ prove }, { readProof }] = await Promise.all([
    import('../services/trust.ts'),
    import('../trust/proof.ts'),
  ]);
  const chained = await chainOptions(options, oncePrinter(options.json));
  const proof = await prove(chained, name, options.salt, stopRequest());
  if (readProof(proof).transactions.length > 0) return proof;
  throw badInput(
    `the chain says nothing of ${name.user}`,
    'What was written counts after six blocks, and with --since only what comes behind that block.',
  );
}

async function proveInLog(options: ProveOptions, name: TrustName): Promise<Uint8Array> {
  const [{ readRemembered }, { writeLogProof }] = await Promise.all([
    import('../services/trust-place.ts'),
    import('../trust/log-proof.ts'),
  ]);
  const view = await readRemembered(await logOptions(options));
  const proof = writeLogProof(view, name, options.salt, options.whole);
  if (proof !== undefined) return proof;
  throw badInput(`the log ${view.key.name} says nothing of ${name.user}`);
}

interface VerifyOptions extends PlaceOptions {
  readonly proof?: string;
  readonly offline?: boolean;
  readonly whole?: boolean;
  readonly headers?: string;
  readonly rootKey?: Uint8Array;
  readonly salt?: Uint8Array;
  readonly maxAge?: number;
}

function verifyCommand(): Command {
  const verify = new Command('verify')
    .description(
      'whether a chain or a log has this image under this name: exit code 0 if so, else 1',
    )
    .argument('<image>', IMAGE)
    .argument('<name>', NAME)
    .option('--proof <file>', 'use this proof, and no network; needs --root-key')
    .option('--offline', 'ask nobody: the same as --proof, which it needs')
    .option(
      '--headers <file>',
      'the headers of a chain, as ctga carbonchain headers writes them, for the anchor in the proof of a log',
    )
    .addOption(
      new Option(
        '--root-key <hex>',
        'a root key that the name has or had, from whoever signs; without it, whoever was first has the name',
      ).argParser((text: string) => {
        if (/^0[23][0-9a-f]{64}$/i.test(text)) return Uint8Array.from(Buffer.from(text, 'hex'));
        throw new InvalidArgumentError('want a compressed public key: 02 or 03, and 64 digits.');
      }),
    )
    .addOption(ageOption())
    .option(
      '--whole',
      'do not trust a proof from which whoever made it may have left a revocation out: only one of a whole log',
    )
    .addOption(saltOption());
  return withPlace(verify).action(runVerify);
}

/** What a verdict is given on, and as of when. */
interface Basis {
  readonly state: Place['state'];
  /** Its own clock, in Unix seconds. */
  readonly time: number;
  /** Unix seconds as of which it is known what was revoked; undefined if nobody says. */
  readonly asOf: number | undefined;
  readonly salt: Uint8Array | undefined;
  /** Whether nothing up to then can have been left out. */
  readonly isWhole: boolean;
  /** Why nothing is trusted by it, as a sentence, if that is so. */
  readonly doubt?: string | undefined;
  /** Of what that is known, as the beginning of a sentence. */
  readonly as: string;
  readonly lines: readonly string[];
  readonly json: Readonly<Record<string, unknown>>;
}

async function runVerify(image: string, text: string, options: VerifyOptions): Promise<void> {
  const [{ digestOfImage }, { parseTrustName }, { judge }] = await Promise.all([
    import('../trust/image.ts'),
    import('../trust/names.ts'),
    import('../trust/proof.ts'),
  ]);
  const name = parseTrustName(text);
  const now = Date.now() / 1000;
  const { proof, policy, rootKey, maxAge } = options;
  if (proof === undefined && options.offline === true)
    throw badInput(
      '--offline wants --proof FILE',
      'Make one where there is a network: ctga trust prove.',
    );
  if (options.offline === true && image.startsWith('docker:'))
    throw badInput(
      '--offline asks nobody, and docker:// asks a registry',
      'Name the image by its digest, or copy it into a layout: skopeo copy --preserve-digests.',
    );
  if (proof === undefined && policy === undefined && options.node.length === 0)
    throw badInput('want --node URL or --policy FILE, or --proof FILE for no network at all');
  if (proof !== undefined && rootKey === undefined)
    throw badInput(
      '--proof wants --root-key: a proof cannot show that nobody else had the name before',
      'Get the root key from whoever signs, once.',
    );
  if (options.since !== undefined && options.since.height > 0 && rootKey === undefined)
    throw badInput(
      '--since wants --root-key: who had the name before that block is not known',
      'Get the root key from whoever signs, once; or leave --since out.',
    );
  if (options.headers !== undefined && (proof === undefined || policy === undefined))
    throw badInput('--headers goes with --proof and --policy: a proof from a chain has its own');
  const basis = await (proof !== undefined
    ? policy === undefined
      ? chainProof(proof, options, now)
      : logProof(proof, policy, options, now)
    : policy === undefined
      ? chainNow(options)
      : logNow(options));
  const digest = await digestOfImage(image, stopRequest());
  const { salt, asOf } = basis;
  // What came before a block that is trusted is left out of the chain, too.
  const isWhole = basis.isWhole && (policy !== undefined || (options.since?.height ?? 0) === 0);
  const judged = judge(basis, { name, salt, digest, now, rootKey, isWhole });
  const age = asOf === undefined ? undefined : Math.max(0, Math.floor(now - asOf));
  const isOld = maxAge !== undefined && (age === undefined || age > maxAge);
  const doubt = isOld
    ? 'What is known is older than --max-age allows.'
    : options.whole === true && !basis.isWhole
      ? 'A revocation may have been left out of the proof, and --whole does not allow that.'
      : basis.doubt;
  const verdict =
    judged.trusted && doubt !== undefined ? { trusted: false as const, why: doubt } : judged;
  if (!verdict.trusted) setExitCode(ExitCode.failed);
  if (options.json === true) {
    const why = verdict.trusted ? null : verdict.why;
    return printJson({
      trusted: verdict.trusted,
      why,
      digest,
      age: age ?? null,
      whole: basis.isWhole,
      ...basis.json,
    });
  }
  print(
    verdict.trusted ? `TRUSTED: ${digest} is signed as ${text}.` : `NOT TRUSTED: ${verdict.why}`,
  );
  for (const line of basis.lines) print(line);
  const ago = age === undefined ? '' : ` (${shownAge(age)} ago)`;
  const left = basis.isWhole ? 'later' : 'later, or left out of the proof,';
  print(`${basis.as}${ago}; what was revoked ${left} is not known here.`);
}

function shownAge(seconds: number): string {
  if (seconds < 2 * 3600) return plural(Math.floor(seconds / 60), 'minute');
  if (seconds < 2 * 86_400) return plural(Math.floor(seconds / 3600), 'hour');
  return plural(Math.floor(seconds / 86_400), 'day');
}

function ofChain(
  { state, time, height }: Ledger,
  salt: Uint8Array | undefined,
  { isBehind, isWhole }: { readonly isBehind: boolean; readonly isWhole: boolean },
): Basis {
  const asOf = { height, time: new Date(time * 1000).toISOString() };
  const behind = isBehind ? ', which is not the last one' : '';
  const as = `As of block ${height}${behind}, whose time is ${utc(time * 1000)}`;
  const doubt = isBehind
    ? 'The chain goes on, and no node gives its next block, in which it may be revoked.'
    : undefined;
  return { state, time, asOf: time, salt, isWhole, doubt, as, lines: [], json: { asOf, isBehind } };
}

async function chainNow(options: VerifyOptions): Promise<Basis> {
  return withLedger(options, (ledger, isBehind) =>
    ofChain(ledger, options.salt, { isBehind, isWhole: !isBehind }),
  );
}

async function chainProof(file: string, options: VerifyOptions, now: number): Promise<Basis> {
  const { ledgerOf, readProof } = await import('../trust/proof.ts');
  const proof = readProof(readText(file));
  if (proof.network !== options.network)
    throw badInput(
      `the proof is of ${proof.network}, not of ${options.network}`,
      `To accept it, say --network ${proof.network}.`,
    );
  const ledger = ledgerOf(proof, options.since, now);
  return ofChain(ledger, options.salt ?? proof.salt, { isBehind: false, isWhole: false });
}

function ofLog(
  log: {
    readonly origin: string;
    readonly treeSize: bigint;
    readonly state: { readonly state: Place['state']; readonly time: number };
    readonly seen: number | undefined;
    readonly isWhole: boolean;
  },
  salt: Uint8Array | undefined,
): Basis {
  const { origin, treeSize, seen, isWhole } = log;
  const { state, time } = log.state;
  const asOf = seen;
  const at = asOf === undefined ? null : new Date(asOf * 1000).toISOString();
  const as =
    asOf === undefined
      ? `As of ${treeSize} entries of ${origin}; the policy wants no witness, so nobody says when`
      : `As of ${treeSize} entries of ${origin}, which a quorum of its witnesses saw at ${utc(asOf * 1000)}`;
  const json = { asOf: { log: origin, treeSize: treeSize.toString(), time: at } };
  return { state, time, asOf, salt, isWhole, as, lines: [], json };
}

async function logNow(options: VerifyOptions): Promise<Basis> {
  const { readRemembered } = await import('../services/trust-place.ts');
  const { checkpoint, state, seen } = await readRemembered(await logOptions(options));
  const { origin, treeSize } = checkpoint;
  return ofLog({ origin, treeSize, state, seen, isWhole: true }, options.salt);
}

async function logProof(
  file: string,
  policy: string,
  options: VerifyOptions,
  now: number,
): Promise<Basis> {
  const [{ anchoredIn, readLogProof }, { chainOfHeaders }] = await Promise.all([
    import('../trust/log-proof.ts'),
    import('../trust/proof.ts'),
  ]);
  const proof = readLogProof(readBinaryFile(file), await readPolicy(policy));
  const basis = ofLog(proof, options.salt ?? proof.salt);
  const { anchor } = proof;
  const { headers, network, since } = options;
  if (headers === undefined) return basis;
  const chain = chainOfHeaders(
    readBinaryFile(headers),
    network,
    since,
    now,
    `the headers in ${headers}`,
  );
  const found = anchor && anchoredIn(anchor.blocks, chain);
  if (anchor === undefined || found === undefined)
    return {
      ...basis,
      lines: ['These headers have no anchor of the log.'],
      json: { ...basis.json, anchor: null },
    };
  const { height, time } = found;
  const line = `The first ${anchor.treeSize} entries of the log are in block ${height} of ${network}, whose time is ${utc(time * 1000)}.`;
  const shown = {
    treeSize: anchor.treeSize.toString(),
    height,
    time: new Date(time * 1000).toISOString(),
  };
  return { ...basis, lines: [line], json: { ...basis.json, anchor: shown } };
}
