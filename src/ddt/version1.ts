// SPDX-License-Identifier: Apache-2.0
/**
 * Version 1 of the commands, beside the original's and with its faults fixed; docs/DDT.md has the format. Pure.
 *
 * - A signature covers the whole command, the network and the set of commands it belongs to.
 * - A serial number, which rises for each signer, keeps an old command from being written once more.
 * - A root key can be replaced by one that signs too. Deleting it ends all that hangs on it, and the name: nobody
 *   else can take it.
 * - Keys and metadata may have an end.
 */
import { ByteCursor, FormatError } from '../base/cursor.ts';
import { sameBytes, toHex } from '../carbonchain/bytes.ts';
import {
  isPublicKey,
  PUBLIC_KEY_LENGTH,
  SIGNATURE_LENGTH,
  signTagged,
  verifyTagged,
  type KeyPair,
} from './keys.ts';
import { KINDS } from './kinds.ts';

/** What the signatures are for, and of nothing else. */
const TAG = 'ctga/ddt/1';
/** With this tag a new root key signs that it takes over. */
const TAG_NEW_KEY = 'ctga/ddt/1/new-root-key';

/** The first byte is the place in KINDS plus this, which no command of the original has. */
const FIRST_KIND = 16;

interface Common {
  readonly user: string;
  /** Greater than that of the signer's last command; by habit the Unix time in milliseconds. */
  readonly serial: number;
}
/** Unix seconds; 0 means that there is no end. */
interface Ending {
  readonly until: number;
}
interface OfImage extends Common {
  readonly image: string;
  /** From 0 to 255. */
  readonly keyId: number;
}

export type UnsignedCommand =
  | (Common & { readonly kind: 'register-root-key'; readonly publicKey: Uint8Array })
  | (Common & {
      readonly kind: 'replace-root-key';
      readonly publicKey: Uint8Array;
      /** The new key's signature. */
      readonly consent: Uint8Array;
    })
  | (Common & { readonly kind: 'delete-root-key' })
  | (OfImage & Ending & { readonly kind: 'register-key'; readonly publicKey: Uint8Array })
  | (OfImage & { readonly kind: 'delete-key' })
  | (OfImage &
      Ending & {
        readonly kind: 'register-metadata';
        readonly tag: string;
        /** As sha256:HEX or sha512:HEX, in small letters. */
        readonly digests: readonly string[];
      })
  | (OfImage & { readonly kind: 'delete-metadata'; readonly tag: string });

export type Command = UnsignedCommand & { readonly signature: Uint8Array };

const ALGORITHMS = [
  { name: 'sha256', length: 32 },
  { name: 'sha512', length: 64 },
] as const;

type Fault = 'kind' | 'name' | 'serial' | 'key' | 'digests' | 'trailing';

/** Undefined for what is no command of version 1, to the last byte. */
export function decodeCommand(data: Uint8Array): Command | undefined {
  try {
    const cursor = new ByteCursor(data);
    const command = decode(cursor);
    const signature = Uint8Array.from(cursor.take(SIGNATURE_LENGTH));
    if (!cursor.atEnd) throw new FormatError<Fault>('trailing', cursor.position);
    return { ...command, signature };
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function decode(cursor: ByteCursor): UnsignedCommand {
  const kind = KINDS[cursor.u8() - FIRST_KIND];
  if (kind === undefined) throw new FormatError<Fault>('kind', 0);
  const serial = cursor.u32() * 2 ** 32 + cursor.u32();
  if (!Number.isSafeInteger(serial)) throw new FormatError<Fault>('serial', 1);
  const common = { user: readName(cursor), serial };
  switch (kind) {
    case 'register-root-key':
      return { kind, ...common, publicKey: readKey(cursor) };
    case 'replace-root-key': {
      const publicKey = readKey(cursor);
      return {
        kind,
        ...common,
        publicKey,
        consent: Uint8Array.from(cursor.take(SIGNATURE_LENGTH)),
      };
    }
    case 'delete-root-key':
      return { kind, ...common };
    default: {
      const ofImage = { ...common, image: readName(cursor), keyId: cursor.u8() };
      if (kind === 'delete-key') return { kind, ...ofImage };
      if (kind === 'register-key')
        return { kind, ...ofImage, until: cursor.u32(), publicKey: readKey(cursor) };
      const tag = readName(cursor);
      if (kind === 'delete-metadata') return { kind, ...ofImage, tag };
      return { kind, ...ofImage, tag, until: cursor.u32(), digests: readDigests(cursor) };
    }
  }
}

function readName(cursor: ByteCursor): string {
  const at = cursor.position;
  const bytes = cursor.take(cursor.u8());
  const name = Buffer.from(bytes).toString('utf8');
  if (!isName(name) || !sameBytes(Buffer.from(name), bytes))
    throw new FormatError<Fault>('name', at);
  return name;
}

/** 1 to 255 bytes of UTF-8 without control characters. */
export function isName(text: string): boolean {
  const bytes = Buffer.from(text);
  return (
    bytes.length > 0 &&
    bytes.length <= 255 &&
    bytes.toString() === text &&
    !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)
  );
}

function readKey(cursor: ByteCursor): Uint8Array {
  const at = cursor.position;
  const key = Uint8Array.from(cursor.take(PUBLIC_KEY_LENGTH));
  if (!isPublicKey(key)) throw new FormatError<Fault>('key', at);
  return key;
}

function readDigests(cursor: ByteCursor): string[] {
  const at = cursor.position;
  const count = cursor.u8();
  if (count === 0) throw new FormatError<Fault>('digests', at);
  return Array.from({ length: count }, () => {
    const algorithm = ALGORITHMS[cursor.u8()];
    if (algorithm === undefined) throw new FormatError<Fault>('digests', at);
    return `${algorithm.name}:${toHex(cursor.take(algorithm.length))}`;
  });
}

/** @throws RangeError for what decodeCommand would not read */
export function encodeUnsigned(command: UnsignedCommand): Uint8Array {
  const { kind, user, serial } = command;
  const head = Buffer.alloc(9);
  head.writeUInt8(KINDS.indexOf(kind) + FIRST_KIND);
  if (!Number.isSafeInteger(serial) || serial < 0) throw new RangeError(`bad serial ${serial}`);
  head.writeBigUInt64BE(BigInt(serial), 1);
  const parts: Uint8Array[] = [head, named(user)];
  if ('image' in command) parts.push(named(command.image), Uint8Array.of(command.keyId));
  if ('tag' in command) parts.push(named(command.tag));
  if ('until' in command) {
    const until = Buffer.alloc(4);
    until.writeUInt32BE(command.until);
    parts.push(until);
  }
  if ('publicKey' in command) parts.push(command.publicKey);
  if ('consent' in command) parts.push(command.consent);
  if ('digests' in command) {
    parts.push(Uint8Array.of(command.digests.length));
    for (const digest of command.digests) parts.push(encodeDigest(digest));
  }
  const bytes = Buffer.concat(parts);
  if (decodeCommand(Buffer.concat([bytes, Buffer.alloc(SIGNATURE_LENGTH)])) === undefined)
    throw new RangeError('a name, key or digest cannot be in a command');
  return bytes;
}

export function encodeCommand(command: Command): Uint8Array {
  return Buffer.concat([encodeUnsigned(command), command.signature]);
}

function named(name: string): Uint8Array {
  const bytes = Buffer.from(name);
  if (bytes.length > 255) throw new RangeError(`a name has at most 255 bytes, not ${bytes.length}`);
  return Buffer.concat([Uint8Array.of(bytes.length), bytes]);
}

/** Whether it is a digest that version 1 can carry. */
export function isDigest(text: string): boolean {
  return /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(text);
}

function encodeDigest(digest: string): Uint8Array {
  if (!isDigest(digest)) throw new RangeError(`'${digest}' is no digest such as sha256:HEX`);
  const [name = '', hex = ''] = digest.split(':');
  const place = ALGORITHMS.findIndex((each) => each.name === name);
  return Buffer.concat([Uint8Array.of(place), Buffer.from(hex, 'hex')]);
}

/** The time in milliseconds, or what comes behind the last serial if a clock was ahead. */
export function serialAfter(last: number): number {
  return Math.min(Math.max(Date.now(), last + 1), Number.MAX_SAFE_INTEGER);
}

/** `network` is the hash of its first block, as Bitcoin shows it: a signature is for one network. */
export function signCommand(command: UnsignedCommand, key: KeyPair, network: string): Command {
  const parts = [Buffer.from(network, 'hex'), encodeUnsigned(command)];
  return { ...command, signature: signTagged(TAG, parts, key) };
}

/** A command that replaces the root key of `user`, signed by both keys. */
export function signReplacement(
  { user, serial }: Common,
  { from, to }: { readonly from: KeyPair; readonly to: KeyPair },
  network: string,
): Command {
  const { publicKey } = to;
  const parts = consentParts({ user, serial, publicKey }, from.publicKey, network);
  const consent = signTagged(TAG_NEW_KEY, parts, to);
  return signCommand({ kind: 'replace-root-key', user, serial, publicKey, consent }, from, network);
}

/** It names the key that is replaced: nobody else who has the name somewhere can use the consent. */
function consentParts(
  { user, serial, publicKey }: Common & { readonly publicKey: Uint8Array },
  replaced: Uint8Array,
  network: string,
): Uint8Array[] {
  const unsigned = encodeUnsigned({ kind: 'register-root-key', user, serial, publicKey });
  return [Buffer.from(network, 'hex'), replaced, unsigned];
}

interface HeldKey extends Ending {
  readonly publicKey: Uint8Array;
  /** Which of the user's root keys registered it, by its place, and when, in Unix seconds. */
  readonly by: number;
  readonly since: number;
}

export interface SignedMetadata extends Ending {
  readonly keyId: number;
  /** Of the tagging key that signed it. */
  readonly publicKey: Uint8Array;
  readonly digests: readonly string[];
  /** Whether its key was deleted, or replaced by another. */
  readonly isRevoked: boolean;
}

interface Image {
  readonly keys: Map<number, HeldKey>;
  /** The last serial of each key, by its public key in hexadecimal: it outlives the registration. */
  readonly serials: Map<string, number>;
  readonly tags: Map<string, SignedMetadata>;
}

interface User {
  /** Undefined once it was deleted. */
  rootKey: Uint8Array | undefined;
  /** All that it had, the first one first, each with the serial of the command that brought it. */
  readonly rootKeys: { readonly publicKey: Uint8Array; readonly serial: number }[];
  serial: number;
  readonly images: Map<string, Image>;
}

export type Refusal =
  | 'the name is taken'
  | 'the root key is missing'
  | 'the key is missing'
  | 'the key has expired'
  | 'the metadata is missing'
  | 'the signature is wrong'
  | 'the new root key has not signed'
  | 'it was signed before the block that is trusted'
  | 'the serial is not greater than the last one';

export type Status = 'SIGNATURE_VALID' | 'ROOT_KEY_MISSING' | 'KEY_MISSING' | 'EXPIRED';

/**
 * What a key may have registered later than its successor's serial says, in seconds: block times are not the time
 * of day.
 */
const TOLERANCE = 600;

/** What the commands of version 1 have left. */
export class State {
  readonly #network: string;
  readonly #after: number;
  readonly users = new Map<string, User>();

  /**
   * Where the commands before a time are not known, `after` is that time, in Unix milliseconds: a registration whose
   * serial is not greater may be an old one that somebody has written once more, and leads to nothing.
   */
  constructor(network: string, after = -1) {
    this.#network = network;
    this.#after = after;
  }

  /** Executes a command unless it is refused; then it returns why. `now` is in Unix seconds. */
  apply(command: Command, now: number): Refusal | undefined {
    const refusal = this.refusalOf(command, now);
    if (refusal === undefined) this.#execute(command, now);
    return refusal;
  }

  refusalOf(command: Command, now: number): Refusal | undefined {
    const { kind } = command;
    const user = this.users.get(command.user);
    if (kind === 'register-root-key') {
      if (user !== undefined) return 'the name is taken';
      if (!this.#isSigned(command, command.publicKey)) return 'the signature is wrong';
      return command.serial > this.#after
        ? undefined
        : 'it was signed before the block that is trusted';
    }
    if (user?.rootKey === undefined) return 'the root key is missing';
    if (kind === 'register-metadata' || kind === 'delete-metadata') {
      const image = user.images.get(command.image);
      const key = image?.keys.get(command.keyId);
      if (image === undefined || key === undefined) return 'the key is missing';
      if (!this.#isSigned(command, key.publicKey)) return 'the signature is wrong';
      if (hasEnded(key, now)) return 'the key has expired';
      if (command.serial <= (image.serials.get(toHex(key.publicKey)) ?? -1))
        return 'the serial is not greater than the last one';
      return kind === 'register-metadata' || image.tags.has(command.tag)
        ? undefined
        : 'the metadata is missing';
    }
    if (!this.#isSigned(command, user.rootKey)) return 'the signature is wrong';
    if (command.serial <= user.serial) return 'the serial is not greater than the last one';
    if (kind === 'replace-root-key') {
      const parts = consentParts(command, user.rootKey, this.#network);
      return verifyTagged(TAG_NEW_KEY, parts, command.consent, command.publicKey)
        ? undefined
        : 'the new root key has not signed';
    }
    const isMissing =
      kind === 'delete-key' && user.images.get(command.image)?.keys.has(command.keyId) !== true;
    return isMissing ? 'the key is missing' : undefined;
  }

  #isSigned(command: Command, publicKey: Uint8Array): boolean {
    const parts = [Buffer.from(this.#network, 'hex'), encodeUnsigned(command)];
    return verifyTagged(TAG, parts, command.signature, publicKey);
  }

  #execute(command: Command, now: number): void {
    const { kind, serial } = command;
    if (kind === 'register-root-key') {
      const { publicKey: rootKey } = command;
      return void this.users.set(command.user, {
        rootKey,
        rootKeys: [{ publicKey: rootKey, serial }],
        serial,
        images: new Map(),
      });
    }
    const user = this.users.get(command.user) as User;
    if (kind === 'delete-root-key') {
      user.rootKey = undefined;
      for (const { keys } of user.images.values()) keys.clear();
      return;
    }
    if (kind === 'replace-root-key') {
      user.rootKey = command.publicKey;
      user.rootKeys.push({ publicKey: command.publicKey, serial });
      user.serial = serial;
      return;
    }
    const image = user.images.get(command.image) ?? {
      keys: new Map<number, HeldKey>(),
      serials: new Map<string, number>(),
      tags: new Map<string, SignedMetadata>(),
    };
    user.images.set(command.image, image);
    if (kind === 'register-key' || kind === 'delete-key') {
      user.serial = serial;
      const { keyId } = command;
      const publicKey = kind === 'register-key' ? command.publicKey : undefined;
      for (const [tag, metadata] of image.tags)
        if (metadata.keyId === keyId && !isSameKey(metadata, publicKey))
          image.tags.set(tag, { ...metadata, isRevoked: true });
      if (kind === 'register-key')
        image.keys.set(keyId, {
          publicKey: command.publicKey,
          until: command.until,
          by: user.rootKeys.length - 1,
          since: now,
        });
      else image.keys.delete(keyId);
      return;
    }
    const { keyId, tag } = command;
    const { publicKey } = image.keys.get(keyId) as HeldKey;
    image.serials.set(toHex(publicKey), serial);
    if (kind === 'delete-metadata') return void image.tags.delete(tag);
    const { digests, until } = command;
    image.tags.set(tag, { keyId, publicKey, digests, until, isRevoked: false });
  }

  metadataOf(user: string, image: string, tag: string): SignedMetadata | undefined {
    return this.users.get(user)?.images.get(image)?.tags.get(tag);
  }

  /** The place of a root key among those that the user has had; -1 if it is none of them. */
  placeOfRootKey(user: string, publicKey: Uint8Array): number {
    const held = this.users.get(user)?.rootKeys ?? [];
    return held.findIndex((each) => sameBytes(each.publicKey, publicKey));
  }

  /**
   * Whether a tagging key was registered by a root key from before the one at `known`, and later than its successor
   * says that it took over. Where nothing is left out that is refused. Whoever leaves out how a stolen root key was
   * replaced, and writes that once more behind what it signs now, comes to it.
   */
  isOfReplacedKey(user: string, image: string, keyId: number, known: number): boolean {
    const held = this.users.get(user);
    const key = held?.images.get(image)?.keys.get(keyId);
    if (held === undefined || key === undefined || key.by >= known) return false;
    const { serial = 0 } = held.rootKeys[key.by + 1] ?? {};
    return (key.since - TOLERANCE) * 1000 > serial;
  }

  /** The last serial of the root key's name, or of a tagging key of an image; -1 if it has signed nothing. */
  lastSerial(
    user: string,
    of?: { readonly image: string; readonly publicKey: Uint8Array },
  ): number {
    const held = this.users.get(user);
    if (of === undefined) return held?.serial ?? -1;
    return held?.images.get(of.image)?.serials.get(toHex(of.publicKey)) ?? -1;
  }

  /**
   * What metadata is worth now. What a key signed before it expired stays; what a key signed that was
   * deleted, or replaced by another, does not, also if the key comes back.
   */
  statusOf(user: string, metadata: SignedMetadata, now: number): Status {
    if (this.users.get(user)?.rootKey === undefined) return 'ROOT_KEY_MISSING';
    if (metadata.isRevoked) return 'KEY_MISSING';
    return hasEnded(metadata, now) ? 'EXPIRED' : 'SIGNATURE_VALID';
  }
}

function isSameKey({ publicKey }: SignedMetadata, key: Uint8Array | undefined): boolean {
  return key !== undefined && sameBytes(publicKey, key);
}

export function hasEnded({ until }: Ending, now: number): boolean {
  return until !== 0 && now >= until;
}
