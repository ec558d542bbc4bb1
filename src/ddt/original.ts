// SPDX-License-Identifier: Apache-2.0
/**
 * The commands of DDT as they are (seed 003, tables 6 and 9 to 11; ruqqq/ddt 1116f0b, commands.go), and what
 * they do. All lengths are of 4 bytes, little-endian, although the tables say one. Pure.
 *
 * A signature covers the first 32 bytes of a command, so practically never a digest: whoever has seen
 * one signed command can write another with other digests, keys or tags. Where the original crashes over what
 * is in the chain, the command is refused here.
 */
import { ByteCursor, FormatError } from '../base/cursor.ts';
import { fromHex, toHex } from '../carbonchain/bytes.ts';
import {
  isPublicKey,
  PUBLIC_KEY_LENGTH,
  SIGNATURE_LENGTH,
  SIGNED_BY_ORIGINAL,
  signAsOriginal,
  verifyAsOriginal,
  type KeyPair,
} from './keys.ts';
import { ORIGINAL_KINDS } from './kinds.ts';
import { bytesOfName, nameFrom, type Name } from './names.ts';

export interface RootKeyCommand {
  readonly kind: 'register-root-key' | 'delete-root-key';
  readonly user: Name;
  readonly publicKey: Uint8Array;
  /** Of a registration it is not written. */
  readonly signature: Uint8Array;
}

export interface KeyCommand {
  readonly kind: 'register-key' | 'delete-key';
  readonly user: Name;
  readonly publicKey: Uint8Array;
  readonly image: Name;
  /** From 0 to 255; the original shows those above 127 as negative in some places. */
  readonly keyId: number;
  readonly signature: Uint8Array;
}

export interface MetadataCommand {
  readonly kind: 'register-metadata' | 'delete-metadata';
  readonly user: Name;
  readonly image: Name;
  readonly tag: Name;
  readonly keyId: number;
  /** As ALGORITHM:HEX. */
  readonly digests: readonly string[];
  readonly signature: Uint8Array;
}

export type OriginalCommand = RootKeyCommand | KeyCommand | MetadataCommand;

/** What the original crashes over, beside what is cut off. */
type Fault = 'empty-name' | 'long-name' | 'bad-digest';

/** bolt has no longer keys. */
const MAX_NAME = 32_768;

/**
 * Undefined for what the original does not recognise, and for what it crashes over. Bytes behind the
 * command are ignored, as they are there.
 */
export function decodeOriginal(data: Uint8Array): OriginalCommand | undefined {
  const kind = ORIGINAL_KINDS[data[0] ?? -1];
  if (kind === undefined) return undefined;
  try {
    return decode(kind, new ByteCursor(data, 1));
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function decode(kind: OriginalCommand['kind'], cursor: ByteCursor): OriginalCommand {
  const user = readName(cursor);
  if (kind === 'register-root-key' || kind === 'delete-root-key') {
    const publicKey = Uint8Array.from(cursor.take(PUBLIC_KEY_LENGTH));
    const signature =
      kind === 'delete-root-key' ? readSignature(cursor) : new Uint8Array(SIGNATURE_LENGTH);
    return { kind, user, publicKey, signature };
  }
  if (kind === 'register-key' || kind === 'delete-key') {
    const publicKey = Uint8Array.from(cursor.take(PUBLIC_KEY_LENGTH));
    const image = readName(cursor);
    return { kind, user, publicKey, image, keyId: cursor.u8(), signature: readSignature(cursor) };
  }
  const image = readName(cursor);
  const tag = readName(cursor);
  const keyId = cursor.u8();
  const count = u32(cursor);
  const digests: string[] = [];
  // Two bytes each at least: what claims more ends where the data does.
  while (digests.length < count) digests.push(readDigest(cursor));
  return { kind, user, image, tag, keyId, digests, signature: readSignature(cursor) };
}

function u32(cursor: ByteCursor): number {
  const [a, b, c, d] = cursor.take(4) as unknown as [number, number, number, number];
  return a + b * 0x100 + c * 0x1_0000 + d * 0x100_0000;
}

function readName(cursor: ByteCursor): Name {
  const at = cursor.position;
  const length = u32(cursor);
  if (length === 0) throw new FormatError<Fault>('empty-name', at);
  if (length > MAX_NAME) throw new FormatError<Fault>('long-name', at);
  return nameFrom(cursor.take(length));
}

function readSignature(cursor: ByteCursor): Uint8Array {
  return Uint8Array.from(cursor.take(SIGNATURE_LENGTH));
}

function readDigest(cursor: ByteCursor): string {
  const at = cursor.position;
  const part = (): Uint8Array => {
    const length = cursor.u8();
    if (length > 127) throw new FormatError<Fault>('bad-digest', at);
    return cursor.take(length);
  };
  const algorithm = Buffer.from(part()).toString('latin1');
  if (algorithm.includes(':')) throw new FormatError<Fault>('bad-digest', at);
  return `${algorithm}:${toHex(part())}`;
}

/** @throws RangeError if a digest is not ALGORITHM:HEX, or too long */
export function encodeOriginal(command: OriginalCommand): Uint8Array {
  const { kind, user, signature } = command;
  const parts = [Uint8Array.of(ORIGINAL_KINDS.indexOf(kind)), named(user)];
  if ('image' in command) {
    const { image, keyId } = command;
    if ('publicKey' in command) parts.push(command.publicKey, named(image), Uint8Array.of(keyId));
    else {
      const { tag, digests } = command;
      parts.push(named(image), named(tag), Uint8Array.of(keyId), littleEndian(digests.length));
      for (const digest of digests) parts.push(...encodeDigest(digest));
    }
    parts.push(signature);
  } else {
    parts.push(command.publicKey);
    if (kind === 'delete-root-key') parts.push(signature);
  }
  return Buffer.concat(parts);
}

function littleEndian(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function named(name: Name): Uint8Array {
  return Buffer.concat([littleEndian(name.length), bytesOfName(name)]);
}

/** The two parts of ALGORITHM:HEX; undefined if it is something else, or cannot be read back. */
export function splitDigest(digest: string): [algorithm: Uint8Array, hash: Uint8Array] | undefined {
  const [algorithm = '', hex = '', ...more] = digest.split(':');
  const hash = fromHex(hex);
  const name = Buffer.from(algorithm, 'latin1');
  if (more.length > 0 || !digest.includes(':') || hash === undefined) return undefined;
  return hash.length < 128 && name.length < 128 ? [name, hash] : undefined;
}

function encodeDigest(digest: string): Uint8Array[] {
  const parts = splitDigest(digest);
  if (parts === undefined) throw new RangeError(`'${digest}' is not ALGORITHM:HEX`);
  return parts.flatMap((part) => [Uint8Array.of(part.length), part]);
}

/** What a command's signature is made over, of which only the first 32 bytes count. */
export function messageOf(command: OriginalCommand): Uint8Array {
  return encodeOriginal({ ...command, signature: new Uint8Array(SIGNATURE_LENGTH) });
}

export function signOriginal<Command extends OriginalCommand>(
  command: Omit<Command, 'signature'>,
  key: KeyPair,
): Command {
  const unsigned = { ...command, signature: new Uint8Array(SIGNATURE_LENGTH) } as Command;
  return { ...unsigned, signature: signAsOriginal(messageOf(unsigned), key) };
}

/** How many of the bytes of a command's digests its signature covers. */
export function coveredDigestBytes(command: MetadataCommand): number {
  const { user, image, tag, digests } = command;
  let at = 1 + 4 + user.length + 4 + image.length + 4 + tag.length + 1 + 4;
  let covered = 0;
  for (const digest of digests) {
    const [algorithm = new Uint8Array(), hash = new Uint8Array()] = splitDigest(digest) ?? [];
    at += 1 + algorithm.length + 1;
    covered += Math.max(0, Math.min(hash.length, SIGNED_BY_ORIGINAL - at));
    at += hash.length;
  }
  return covered;
}

/** The original's own words for why a command is refused. */
export type OriginalError =
  | 'Signature cannot be empty'
  | 'Signature failed to match root key'
  | 'Username already taken'
  | 'Key not found'
  | 'Root Key not found'
  | 'Signature does not exist';

export interface RegisteredKey {
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
}

export type Metadata = Pick<MetadataCommand, 'keyId' | 'digests' | 'signature'>;

/** The statuses of the original's REST API. */
export type OriginalStatus =
  'ROOT_KEY_MISSING' | 'KEY_MISSING' | 'SIGNATURE_INVALID' | 'SIGNATURE_VALID' | 'UNABLE_TO_VERIFY';

/** What the commands that were executed have left: the original's database. */
export class OriginalState {
  readonly rootKeys = new Map<Name, Uint8Array>();
  /** By user, image and key ID. An image stays when its last key is deleted. */
  readonly keys = new Map<Name, Map<Name, Map<number, RegisteredKey>>>();
  /** By user, image and tag. */
  readonly metadata = new Map<Name, Map<Name, Map<Name, Metadata>>>();

  /** Executes a command unless it is refused; then it returns why. */
  apply(command: OriginalCommand): OriginalError | undefined {
    const refusal = this.refusalOf(command);
    if (refusal === undefined) this.#execute(command);
    return refusal;
  }

  /** Why the original would refuse a command now (its Validate). */
  refusalOf(command: OriginalCommand): OriginalError | undefined {
    const { user, signature } = command;
    const isSignedBy = (key: Uint8Array): boolean =>
      verifyAsOriginal(signature, messageOf(command), key);
    if (!('image' in command)) {
      const isDeletion = command.kind === 'delete-root-key';
      const key = this.rootKeys.get(user);
      if (key === undefined) return isDeletion ? 'Key not found' : undefined;
      if (isSignedBy(key)) return undefined;
      // No registration in the chain has a signature, so a name that is taken stays taken.
      return isDeletion ? 'Signature failed to match root key' : 'Username already taken';
    }
    const isEmpty = signature.every((byte) => byte === 0);
    if (!('tag' in command)) {
      const root = this.rootKeys.get(user);
      if (root === undefined) return 'Root Key not found';
      if (isEmpty) return 'Signature cannot be empty';
      if (!isSignedBy(root)) return 'Signature failed to match root key';
      const isThere = this.keyOf(command) !== undefined;
      return command.kind === 'register-key' || isThere ? undefined : 'Key not found';
    }
    const key = this.keyOf(command);
    if (key === undefined) return 'Key not found';
    if (isEmpty) return 'Signature cannot be empty';
    if (!isSignedBy(key.publicKey)) return 'Signature failed to match root key';
    const isThere = this.metadataOf(command) !== undefined;
    return command.kind === 'register-metadata' || isThere ? undefined : 'Signature does not exist';
  }

  #execute(command: OriginalCommand): void {
    const { kind, user } = command;
    switch (kind) {
      case 'register-root-key':
        return void this.rootKeys.set(user, command.publicKey);
      case 'delete-root-key':
        return void this.rootKeys.delete(user);
      case 'register-key': {
        const { publicKey, signature, image, keyId } = command;
        const images = inner(this.keys, user);
        return void inner(images, image).set(keyId, { publicKey, signature });
      }
      case 'delete-key':
        return void this.keys.get(user)?.get(command.image)?.delete(command.keyId);
      case 'register-metadata': {
        const { image, tag, keyId, digests, signature } = command;
        const images = inner(this.metadata, user);
        return void inner(images, image).set(tag, { keyId, digests, signature });
      }
      case 'delete-metadata':
        return void this.metadata.get(user)?.get(command.image)?.delete(command.tag);
    }
  }

  keyOf({
    user,
    image,
    keyId,
  }: {
    user: Name;
    image: Name;
    keyId: number;
  }): RegisteredKey | undefined {
    return this.keys.get(user)?.get(image)?.get(keyId);
  }

  metadataOf({ user, image, tag }: { user: Name; image: Name; tag: Name }): Metadata | undefined {
    return this.metadata.get(user)?.get(image)?.get(tag);
  }

  /** The status of a key that is there. */
  keyStatus(at: { user: Name; image: Name; keyId: number }): OriginalStatus {
    const root = this.rootKeys.get(at.user);
    const key = this.keyOf(at);
    if (root === undefined) return 'ROOT_KEY_MISSING';
    if (key === undefined) return 'UNABLE_TO_VERIFY';
    const message = messageOf({ kind: 'register-key', ...at, ...key });
    return isPublicKey(root) && verifyAsOriginal(key.signature, message, root)
      ? 'SIGNATURE_VALID'
      : 'SIGNATURE_INVALID';
  }

  /** The status of metadata that is there. It says nothing of the root key, which may be deleted. */
  metadataStatus(at: { user: Name; image: Name; tag: Name }): OriginalStatus {
    const metadata = this.metadataOf(at);
    if (metadata === undefined) return 'UNABLE_TO_VERIFY';
    if (!this.keys.has(at.user)) return 'ROOT_KEY_MISSING';
    const key = this.keyOf({ ...at, keyId: metadata.keyId });
    if (key === undefined) return 'KEY_MISSING';
    const message = messageOf({ kind: 'register-metadata', ...at, ...metadata });
    return verifyAsOriginal(metadata.signature, message, key.publicKey)
      ? 'SIGNATURE_VALID'
      : 'SIGNATURE_INVALID';
  }
}

function inner<Key, InnerKey, Value>(
  outer: Map<Key, Map<InnerKey, Value>>,
  key: Key,
): Map<InnerKey, Value> {
  const found = outer.get(key) ?? new Map<InnerKey, Value>();
  outer.set(key, found);
  return found;
}
