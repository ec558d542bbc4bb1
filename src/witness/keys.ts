// SPDX-License-Identifier: Apache-2.0
/**
 * The two keys of a witness, each in a file that nobody but its account can read, with a name of its
 * own. They are never printed; their verifier keys are for everybody.
 */
import { constants } from 'node:fs';
import { closeSync, existsSync, fstatSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { badInput, CtgaError, messageOf } from '../base/errors.ts';
import { makeDirectory } from '../disk/directory.ts';
import { writeSecret } from '../disk/write.ts';
import { generateSignerKey, parseSignerKey, type NoteSigner } from '../statements/cosignature.ts';
import { formatNoteKey, isNoteName } from '../statements/note-key.ts';

/** By the last part of the key's name, which is its file's name too. */
const KINDS = { ed25519: 'Ed25519 cosignature', 'ml-dsa-44': 'ML-DSA-44' } as const;
type Kind = keyof typeof KINDS;

/** What a cosignature of ML-DSA-44 has room for (c2sp.org/tlog-cosignature), less the suffix. */
const MAX_NAME_BYTES = 245;

export interface WitnessKeys {
  readonly ed25519: NoteSigner;
  readonly mlDsa44: NoteSigner;
}

/** Both, as a policy has them: NAME+KEYID+BASE64. */
export function verifierKeysOf({ ed25519, mlDsa44 }: WitnessKeys): string[] {
  return [ed25519, mlDsa44].map(({ key }) => formatNoteKey(key));
}

/**
 * Makes both keys, under the names NAME/ed25519 and NAME/ml-dsa-44, in files of mode 0600 in the
 * directory, which is made if it is missing. They survive a power cut once it returns.
 *
 * Throws CtgaError `bad-input` for a name that notes do not allow, or where one of the files is there:
 * a key that may have signed is never replaced.
 */
export function makeKeys(directory: string, name: string): WitnessKeys {
  if (!isNoteName(name) || Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw badInput(
      `"${name}" cannot be the name of a witness: want a URL without scheme, such as witness.example.org/w1`,
      `It has no spaces and no plus, and at most ${MAX_NAME_BYTES} bytes.`,
    );
  const kinds = Object.keys(KINDS) as Kind[];
  const there = kinds.map((kind) => fileOf(directory, kind)).find((path) => existsSync(path));
  if (there !== undefined)
    throw badInput(
      `there is a key in ${there} already`,
      'A witness with new keys begins in another directory: name one with --state-dir.',
    );
  makeDirectory(directory);
  const written: string[] = [];
  try {
    for (const kind of kinds) {
      const path = fileOf(directory, kind);
      writeSecret(path, `${generateSignerKey(`${name}/${kind}`, KINDS[kind])}\n`);
      written.push(path);
    }
  } catch (error) {
    // One of them alone would stand in the way of both.
    for (const path of written) rmSync(path);
    throw error;
  }
  return readKeys(directory);
}

/**
 * Reads them. Throws CtgaError `bad-input` where there are none, where one is not what `makeKeys`
 * writes, or where others than the file's owner may read one.
 */
export function readKeys(directory: string): WitnessKeys {
  return { ed25519: readKey(directory, 'ed25519'), mlDsa44: readKey(directory, 'ml-dsa-44') };
}

/** Whether there is any key. */
export function hasKeys(directory: string): boolean {
  return Object.keys(KINDS).some((kind) => existsSync(fileOf(directory, kind as Kind)));
}

function fileOf(directory: string, kind: Kind): string {
  return join(directory, `${kind}.key`);
}

function readKey(directory: string, kind: Kind): NoteSigner {
  const path = fileOf(directory, kind);
  let signer: NoteSigner;
  try {
    signer = parseSignerKey(readSecret(path));
  } catch (error) {
    if (error instanceof CtgaError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw badInput(`there is no key in ${path}`, 'Make keys: ctga witness keygen NAME');
    if ((error as NodeJS.ErrnoException).code === 'EACCES')
      throw badInput(`cannot read ${path}: ${messageOf(error)}`, 'Ask as root, or as its account.');
    if ((error as NodeJS.ErrnoException).code === 'ELOOP')
      throw badInput(
        `${path} is a link, and no key is read through one`,
        'Put the key itself there.',
      );
    throw badInput(
      `${path}: ${messageOf(error)}`,
      'Put back the file that "ctga witness keygen" wrote.',
    );
  }
  if (!signer.key.name.endsWith(`/${kind}`))
    throw badInput(`${path} has the key "${signer.key.name}", whose name does not end in /${kind}`);
  return signer;
}

function readSecret(path: string): string {
  // A pipe in its place would have this wait.
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = fstatSync(file);
    if (!found.isFile()) throw new Error('it is no file');
    const mode = found.mode & 0o777;
    if ((mode & 0o077) !== 0)
      throw badInput(
        `${path} has mode ${mode.toString(8)}: others than its owner may read the key or write it`,
        `Close it: chmod 600 ${path}. If anybody may have read it, begin with new keys.`,
      );
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}
