// SPDX-License-Identifier: Apache-2.0
/** `ctga trust key`: root keys and tagging keys, from their beginning to their end. */
import { existsSync } from 'node:fs';
import { Command, Option } from 'commander';
import { badFile, badInput, CtgaError } from '../base/errors.ts';
import type { KeyPair } from '../ddt/keys.ts';
import type { Command as Version1, UnsignedCommand } from '../ddt/version1.ts';
import { writeSecret } from '../disk/write.ts';
import type { Place, Written } from '../services/trust-place.ts';
import { readText, tellWaiting } from './chain-options.ts';
import { dateOption, wholeNumber } from './options.ts';
import { print, printJson } from './output.ts';
import { openPlace, withWritingPlace, type WritingOptions } from './place-options.ts';
import { stopRequest } from './run.ts';

const NAME = 'USER for the root key, USER/IMAGE for a tagging key';

interface KeyOptions extends WritingOptions {
  readonly keyFile: string;
  readonly rootKeyFile?: string;
  readonly keyId?: number;
  readonly until: number;
}

export function keyCommand(): Command {
  return new Command('key')
    .description('make keys and register them, replace them, and revoke them')
    .addCommand(
      withWritingPlace(
        new Command('new')
          .description(
            'register a root key for a user, or a tagging key for an image; it is made if its file is not there',
          )
          .argument('<name>', NAME)
          .addOption(keyFileOption('the key; its file is made with mode 0600'))
          .addOption(rootKeyFileOption())
          .addOption(keyIdOption("which of the image's tagging keys it becomes (default: 0)"))
          .addOption(untilOption()),
      ).action(runNew),
    )
    .addCommand(
      withWritingPlace(
        new Command('rotate')
          .description(
            'put a new key in the place of another: what the old one signed stays valid, and it can sign no more',
          )
          .argument('<name>', NAME)
          .addOption(keyFileOption('the new key; its file is made with mode 0600'))
          .addOption(rootKeyFileOption())
          .addOption(keyIdOption("which of the image's tagging keys is replaced"))
          .addOption(untilOption()),
      ).action(runRotate),
    )
    .addCommand(
      withWritingPlace(
        new Command('revoke')
          .description(
            'end a key and all that it signed, for good: of a user all keys, and nobody gets the name again',
          )
          .argument('<name>', NAME)
          .addOption(rootKeyFileOption())
          .addOption(keyIdOption("which of the image's tagging keys it is")),
      ).action(runRevoke),
    );
}

function keyFileOption(what: string): Option {
  return new Option('--key-file <file>', what).makeOptionMandatory();
}

function rootKeyFileOption(): Option {
  return new Option('--root-key-file <file>', "the user's root key, which signs this");
}

function keyIdOption(what: string): Option {
  return new Option('--key-id <n>', what).argParser(wholeNumber(0, 255));
}

function untilOption(): Option {
  return dateOption('when a tagging key ends: then it signs no more, and what it signed stays');
}

/** Throws CtgaError `bad-input` unless it is USER or USER/IMAGE. */
async function placeOf(text: string): Promise<{ user: string; image: string | undefined }> {
  const { isName } = await import('../ddt/version1.ts');
  const [, user = '', image] = /^([^/]+)(?:\/(.+))?$/s.exec(text) ?? [];
  if (isName(user) && (image === undefined || (isName(image) && !/:[^/]*$/.test(image))))
    return { user, image };
  throw badInput(`'${text}' is no name: want USER or USER/IMAGE`);
}

async function keyIn(file: string, option: string): Promise<KeyPair> {
  const { readPrivateKey } = await import('../ddt/keys.ts');
  const key = readPrivateKey(readText(file));
  if (key !== undefined) return key;
  throw badInput(`the file of ${option} has no private key in it: 64 hexadecimal digits`);
}

/** The key in the file, which is made if there is none; after a failure one begins again with it. */
async function keyAt(file: string): Promise<KeyPair> {
  if (existsSync(file)) return keyIn(file, '--key-file');
  const { newKeyPair } = await import('../ddt/keys.ts');
  const key = newKeyPair();
  try {
    writeSecret(file, `${Buffer.from(key.privateKey).toString('hex')}\n`);
  } catch (error) {
    throw badFile('write', file, error);
  }
  return key;
}

async function rootKeyOf({ rootKeyFile }: KeyOptions): Promise<KeyPair> {
  if (rootKeyFile === undefined) throw badInput('want --root-key-file: the root key signs this');
  return keyIn(rootKeyFile, '--root-key-file');
}

/** Signs commands of a user's root key one after the other, and writes them if the place takes them now. */
async function write(
  place: Place,
  user: string,
  commands: readonly ((serial: number) => Version1)[],
): Promise<Written[]> {
  const [{ encodeCommand, serialAfter }, { refusalAt }] = await Promise.all([
    import('../ddt/version1.ts'),
    import('../services/trust-place.ts'),
  ]);
  let serial = place.coming.lastSerial(user);
  const signed = commands.map((sign) => sign((serial = serialAfter(serial))));
  const [first] = signed;
  const now = Math.max(place.time, Math.floor(Date.now() / 1000));
  const refusal = first && refusalAt(place, first, now);
  if (refusal !== undefined)
    throw new CtgaError('bad-input', `that would be refused: ${refusal}`, {
      remedy: 'In a chain, what was written counts after six blocks: wait for them.',
    });
  const written: Written[] = [];
  for (const command of signed) written.push(await place.write(encodeCommand(command)));
  return written;
}

async function signerFor(
  place: Place,
  key: KeyPair,
): Promise<(command: UnsignedCommand) => Version1> {
  const { signCommand } = await import('../ddt/version1.ts');
  return (command) => signCommand(command, key, place.network);
}

function tell(
  options: KeyOptions,
  say: { readonly lines: readonly string[]; readonly json: Readonly<Record<string, unknown>> },
  written: readonly Written[],
): void {
  tellWaiting(written.flatMap(({ waiting }) => waiting));
  if (options.json === true)
    return printJson({ ...say.json, written: written.map(({ json }) => json) });
  for (const line of say.lines) print(line);
  for (const { lines } of written) for (const line of lines) print(`  ${line}`);
}

/** Opens the place for the time of some work. */
async function at<T>(options: KeyOptions, work: (place: Place) => Promise<T>): Promise<T> {
  const place = await openPlace(options, stopRequest());
  try {
    return await work(place);
  } finally {
    await place.close();
  }
}

async function runNew(name: string, options: KeyOptions): Promise<void> {
  const { user, image } = await placeOf(name);
  const { keyFile, keyId = 0, until } = options;
  const root = image === undefined ? undefined : await rootKeyOf(options);
  const key = await keyAt(keyFile);
  const { publicKey } = key;
  await at(options, async (place) => {
    const sign = await signerFor(place, root ?? key);
    const held = image === undefined ? undefined : place.coming.users.get(user)?.images.get(image);
    if (held?.keys.has(keyId) === true)
      throw badInput(
        `${name} has a tagging key ${keyId} already`,
        'Replace it with ctga trust key rotate, or name another with --key-id.',
      );
    const same = idOf(held?.keys, publicKey);
    if (same !== undefined)
      throw badInput(
        `${keyFile} has the tagging key ${same} of ${name} already`,
        'Name another file: whoever revokes a key has to revoke it under every number.',
      );
    const written = await write(place, user, [
      (serial) =>
        image === undefined
          ? sign({ kind: 'register-root-key', user, serial, publicKey })
          : sign({ kind: 'register-key', user, image, keyId, serial, until, publicKey }),
    ]);
    const hex = Buffer.from(publicKey).toString('hex');
    const what = image === undefined ? 'The root key' : `Tagging key ${keyId}`;
    const line = `${what} of ${name} is ${hex}, in ${keyFile}. It was written:`;
    tell(options, { lines: [line], json: { name, publicKey: hex, keyFile, keyId } }, written);
  });
}

async function runRotate(name: string, options: KeyOptions): Promise<void> {
  const { user, image } = await placeOf(name);
  const root = await rootKeyOf(options);
  const { keyFile, until } = options;
  const next = await keyAt(keyFile);
  await at(options, async (place) => {
    const sign = await signerFor(place, root);
    if (image === undefined) {
      if (Buffer.compare(next.publicKey, root.publicKey) === 0)
        throw badInput(`${keyFile} has the root key itself`, 'Name another file.');
      const { signReplacement } = await import('../ddt/version1.ts');
      const written = await write(place, user, [
        (serial) => signReplacement({ user, serial }, { from: root, to: next }, place.network),
      ]);
      const hex = Buffer.from(next.publicKey).toString('hex');
      const line = `The root key of ${name} becomes ${hex}, in ${keyFile}. It was written:`;
      return tell(options, { lines: [line], json: { name, publicKey: hex, keyFile } }, written);
    }
    const keys = place.coming.users.get(user)?.images.get(image)?.keys ?? new Map<number, never>();
    const now = Math.floor(Date.now() / 1000);
    const { hasEnded } = await import('../ddt/version1.ts');
    // Whoever was interrupted between the two commands goes on with the second one.
    const begun = idOf(keys, next.publicKey);
    const inUse = [...keys].filter(([, key]) => !hasEnded(key, now)).map(([id]) => id);
    const [only, ...more] = inUse.length > 1 ? inUse.filter((id) => id !== begun) : inUse;
    const keyId = options.keyId ?? (more.length === 0 ? only : undefined);
    const old = keyId === undefined ? undefined : keys.get(keyId);
    if (keyId === undefined || old === undefined)
      throw badInput(
        inUse.length === 0
          ? `${name} has no tagging key that is in use`
          : `${name} has the tagging keys ${inUse.join(', ')}: say which one with --key-id`,
      );
    const free = begun ?? Array.from({ length: 256 }, (_, id) => id).find((id) => !keys.has(id));
    if (free === undefined) throw badInput(`${name} has 256 tagging keys, and no room for another`);
    const { publicKey } = next;
    if (Buffer.compare(publicKey, old.publicKey) === 0)
      throw badInput(`${keyFile} has the tagging key ${keyId} itself`, 'Name another file.');
    const registered = begun === undefined ? undefined : keys.get(begun);
    if (registered !== undefined && hasEnded(registered, now))
      throw badInput(
        `${keyFile} has the tagging key ${begun ?? ''}, which has ended`,
        'Name another file.',
      );
    const of = { kind: 'register-key', user, image } as const;
    // By the clock that judges it, if ours is ahead; 0 would be never.
    const ended = Math.max(1, Math.min(now, place.time));
    const register = (serial: number): Version1 =>
      sign({ ...of, keyId: free, serial, until, publicKey });
    const written = await write(place, user, [
      ...(registered === undefined ? [register] : []),
      // The same key once more, with an end: what it signed stays valid.
      (serial) => sign({ ...of, keyId, serial, until: ended, publicKey: old.publicKey }),
    ]);
    const hex = Buffer.from(publicKey).toString('hex');
    const lines = [
      `Tagging key ${free} of ${name} is ${hex}, in ${keyFile}, and key ${keyId} signs no more. What key ${keyId} signed stays valid; to end that too: ctga trust key revoke --key-id ${keyId}. It was written:`,
    ];
    tell(
      options,
      { lines, json: { name, publicKey: hex, keyFile, keyId: free, ended: keyId } },
      written,
    );
  });
}

/** Under which number an image has a tagging key. */
function idOf(
  keys: ReadonlyMap<number, { readonly publicKey: Uint8Array }> | undefined,
  publicKey: Uint8Array,
): number | undefined {
  const found = [...(keys ?? [])].find(
    ([, held]) => Buffer.compare(held.publicKey, publicKey) === 0,
  );
  return found?.[0];
}

async function runRevoke(name: string, options: KeyOptions): Promise<void> {
  const { user, image } = await placeOf(name);
  const root = await rootKeyOf(options);
  await at(options, async (place) => {
    const sign = await signerFor(place, root);
    let what = `The root key of ${name}, all tagging keys and all that they signed end, for good.`;
    let revoke = (serial: number): Version1 => sign({ kind: 'delete-root-key', user, serial });
    let keyId: number | null = null;
    if (image !== undefined) {
      const only = keyToRevoke(place, { name, user, image }, options.keyId);
      keyId = only;
      what = `Tagging key ${only} of ${name} and all that it signed end.`;
      revoke = (serial) => sign({ kind: 'delete-key', user, image, keyId: only, serial });
    }
    const written = await write(place, user, [revoke]);
    const lines = [
      `${what} Proofs that were made before do not know it: verify with --whole and --max-age. It was written:`,
    ];
    tell(options, { lines, json: { name, keyId } }, written);
  });
}

/** The tagging key that is named, or the only one. Throws CtgaError `bad-input`. */
function keyToRevoke(
  { coming }: Place,
  { name, user, image }: { readonly name: string; readonly user: string; readonly image: string },
  keyId: number | undefined,
): number {
  const keys = [...(coming.users.get(user)?.images.get(image)?.keys.keys() ?? [])];
  const [only, ...more] = keys;
  const found = keyId ?? (more.length === 0 ? only : undefined);
  if (found !== undefined) return found;
  throw badInput(
    keys.length === 0
      ? `${name} has no tagging key`
      : `${name} has the tagging keys ${keys.join(', ')}: say which one with --key-id`,
  );
}
