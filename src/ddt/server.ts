// SPDX-License-Identifier: Apache-2.0
/**
 * The REST API of DDT (seed 003, table 7; ruqqq/ddt 1116f0b, http.go), on loopback: its routes, statuses
 * and answers, but no private key. What is written has to be signed before it comes here.
 *
 * Beside them, `?set=1` asks for what version 1 has, and {"command": HEX} writes a signed command of either
 * set.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { CtgaError, messageOf } from '../base/errors.ts';
import { listenAt, type Listening } from '../base/listen.ts';
import { fromHex, toHex } from '../carbonchain/bytes.ts';
import { HURRY, keepRoom } from '../http/crowd.ts';
import { bodyOf, Refused, restOf, send } from '../http/serving.ts';
import { isPublicKey, verifyAsOriginal } from './keys.ts';
import type { Ledger } from './ledger.ts';
import { nameOf, showName, type Name } from './names.ts';
import {
  coveredDigestBytes,
  decodeOriginal,
  encodeOriginal,
  splitDigest,
  type KeyCommand,
  type MetadataCommand,
  type OriginalCommand,
  type OriginalError,
  type RootKeyCommand,
} from './original.ts';
import { decodeCommand, type Command } from './version1.ts';

export interface DdtServerOptions {
  readonly address: string;
  readonly port: number;
  readonly ledger: Ledger;
  /** Whether the ledger has what the chain has now: if not, what it shows may have been revoked since. */
  readonly isUpToDate: () => boolean;
  /**
   * Writes a signed command to the chain; resolves to the IDs of its transactions. Undefined if there are no
   * coins to pay with.
   */
  readonly write:
    | ((command: Uint8Array, version: 0 | 1, fee: bigint | undefined) => Promise<readonly string[]>)
    | undefined;
  readonly onError: (error: unknown) => void;
}

const MAX_BODY = 2 ** 18;
/** How many connections may wait with their request, and how many more for their answer. */
const MAX_WAITING = 512;
/** The most that a client may have us pay for a transaction, in satoshi. */
const MAX_FEE = 100_000n;
const SATOSHI = 1e8;

/** Why no private key is taken, for whoever sends one as the original's clients do. */
export const NO_PRIVATE_KEYS =
  'this service takes no private key: whoever runs it, or reads its traffic, could sign as you. Sign where the key is, with: ctga ddt sign';
/** Why nothing is shown that may be revoked. */
const NOT_UP_TO_DATE =
  'the chain is not read up to now, or no node tells it: what is known of it may have been revoked since';
/** What a signature of the original is worth. */
export const NOT_COVERED = 'signed, but the digest is not covered';

/** The original's words for what a client does wrong. */
const ERRORS = {
  name: 'Name has to be in the format of {username}/{image name}:{tag name}',
  publicKey: 'Public key (compressed) has to be 33 bytes',
  digests: 'Digests cannot be empty',
  digest: 'Digests should be in the format {crypto func}:{hash}',
  noAccess: 'Private key has no access',
  rootKeyMissing: 'Root key does not exist',
  keyMissing: 'Key does not exist',
  keyNotFound: 'Key not found',
  rootKeyNotFound: 'Root Key not found',
  noMetadata: 'Signature does not exist',
} as const;

/** What its handlers say where its chain reader says something else. */
function inItsWords(error: OriginalError, isMetadata: boolean): string {
  if (error === 'Signature failed to match root key') return ERRORS.noAccess;
  if (error === 'Root Key not found') return ERRORS.rootKeyMissing;
  if (error === 'Key not found') return isMetadata ? ERRORS.keyMissing : ERRORS.rootKeyMissing;
  return error;
}

/** Where a request is about: a user, an image or a tag. */
interface Place {
  readonly user: string;
  readonly image?: string;
  readonly tag?: string;
}

export class DdtServer {
  readonly #options: DdtServerOptions;
  readonly #server: Server;
  #at: Listening = { port: 0, url: '' };

  private constructor(options: DdtServerOptions) {
    this.#options = options;
    this.#server = createServer(HURRY, (request, response) => {
      this.#answer(request, response).catch(options.onError);
    });
    keepRoom(this.#server, MAX_WAITING);
  }

  /** Rejects with CtgaError if it cannot listen there, or if that is not loopback. */
  static async start(options: DdtServerOptions): Promise<DdtServer> {
    if (!isLoopback(options.address))
      throw new CtgaError(
        'bad-input',
        `${options.address} is no loopback address: whoever reaches this service spends its coins`,
      );
    const server = new DdtServer(options);
    server.#at = await listenAt(server.#server, options);
    return server;
  }

  get at(): Listening {
    return this.#at;
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      sendJson(response, 200, await this.#respond(request));
    } catch (error) {
      await restOf(request);
      if (response.headersSent || response.destroyed) return;
      if (error instanceof Refused) {
        for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
        return sendJson(response, error.status, { error: error.message });
      }
      // A failure that a person can read: no coins, no node.
      if (error instanceof CtgaError) return sendJson(response, 400, { error: error.message });
      sendJson(response, 500, { error: 'this service failed' });
      this.#options.onError(error);
    }
  }

  async #respond(request: IncomingMessage): Promise<unknown> {
    // The page of another host must not make a browser write (DNS rebinding).
    const host = (request.headers.host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
    if (host !== 'localhost' && !isLoopback(host)) throw new Refused(403, 'this is another host');
    const url = URL.parse(request.url ?? '/', 'http://localhost');
    if (url === null) throw new Refused(400, ERRORS.name);
    for (const name of url.searchParams.keys())
      if (isPrivateKeyField(name)) throw new Refused(400, NO_PRIVATE_KEYS);
    const method = request.method ?? '';
    const words = wordsOf(url.pathname);
    const [first = ''] = words;
    if (words.length === 1 && method === 'GET' && first === 'createKeyPair')
      throw new Refused(400, NO_PRIVATE_KEYS);
    const isOriginal = url.searchParams.get('set') !== '1';
    if (method === 'GET') {
      const place = placeOf(words);
      this.#requireUpToDate();
      return isOriginal ? this.#show(place) : this.#showVersion1(place);
    }
    if (method !== 'POST' && method !== 'DELETE')
      throw new Refused(405, 'Method Not Allowed', { allow: 'GET, POST, DELETE' });
    const fields = await fieldsOf(request);
    if (words.length === 1 && method === 'POST' && first === 'signMessage')
      throw new Refused(400, NO_PRIVATE_KEYS);
    if (words.length === 1 && method === 'POST' && first === 'verifyMessage') return verify(fields);
    const place = placeOf(words);
    this.#requireUpToDate();
    return { txIds: await this.#write(method, place, fields, request.headers['x-btc-fee']) };
  }

  #requireUpToDate(): void {
    if (!this.#options.isUpToDate())
      throw new Refused(503, NOT_UP_TO_DATE, { 'retry-after': '10' });
  }

  async #write(
    method: 'POST' | 'DELETE',
    place: Place,
    fields: Fields,
    fee: string | string[] | undefined,
  ): Promise<readonly string[]> {
    const { ledger, write } = this.#options;
    const given = fields['command'];
    let command: OriginalCommand;
    if (typeof given === 'string') {
      const bytes = fromHex(given) ?? new Uint8Array();
      const version1 = decodeCommand(bytes);
      if (version1 !== undefined) {
        if (!isAt(version1, method, place))
          throw new Refused(400, 'the command is for another route');
        const refusal = ledger.state.refusalOf(version1, ledger.time);
        if (refusal !== undefined) throw new Refused(400, refusal);
        return this.#pay(write, bytes, 1, fee);
      }
      const original = decodeOriginal(bytes);
      if (original === undefined) throw new Refused(400, 'the command is malformed');
      if (!isAt(textsOf(original), method, place))
        throw new Refused(400, 'the command is for another route');
      command = original;
    } else command = commandOf(method, place, fields);
    const refusal = ledger.original.refusalOf(command);
    if (refusal !== undefined) throw new Refused(400, inItsWords(refusal, 'tag' in command));
    return this.#pay(write, encodeOriginal(command), 0, fee);
  }

  async #pay(
    write: DdtServerOptions['write'],
    bytes: Uint8Array,
    version: 0 | 1,
    fee: string | string[] | undefined,
  ): Promise<readonly string[]> {
    if (write === undefined)
      throw new Refused(400, 'this service has no coins to pay with: start it with --coins FILE');
    return write(bytes, version, feeOf(fee));
  }

  /** As the original answers. */
  #show({ user: username, image: imageName, tag: tagName }: Place): unknown {
    const { original } = this.#options.ledger;
    const user = nameOf(username);
    if (imageName === undefined) {
      const rootKey = original.rootKeys.get(user);
      if (rootKey === undefined) throw new Refused(400, ERRORS.rootKeyNotFound);
      const images: string[] = [];
      const registeredRepo: string[] = [];
      for (const [image, keys] of sorted(original.keys.get(user))) {
        if (keys.size > 0) registeredRepo.push(showName(image));
        for (const [tag] of sorted(original.metadata.get(user)?.get(image)))
          images.push(`${showName(image)}:${showName(tag)}`);
      }
      return { publicKey: toHex(rootKey), images, registeredRepo };
    }
    const image = nameOf(imageName);
    if (tagName === undefined) {
      const keys = original.keys.get(user)?.get(image);
      if (keys === undefined) throw new Refused(400, ERRORS.keyNotFound);
      if (keys.size === 0) throw new Refused(404, ERRORS.keyNotFound);
      const publicKeys = [...keys].map(([keyId, { publicKey, signature }]) => {
        const status = original.keyStatus({ user, image, keyId });
        return [keyId, { publicKey: toHex(publicKey), signature: toHex(signature), status }];
      });
      return { publicKeys: Object.fromEntries(publicKeys) as unknown };
    }
    const at = { user, image, tag: nameOf(tagName) };
    const metadata = original.metadataOf(at);
    if (metadata === undefined) throw new Refused(400, ERRORS.noMetadata);
    const covered = coveredDigestBytes({ kind: 'register-metadata', ...at, ...metadata });
    return {
      name: `${username}/${imageName}:${tagName}`,
      hashes: metadata.digests,
      // The original has it as a signed byte.
      keyId: (metadata.keyId << 24) >> 24,
      signature: toHex(metadata.signature),
      status: original.metadataStatus(at),
      coveredDigestBytes: covered,
      note: NOT_COVERED,
    };
  }

  #showVersion1({ user: username, image: imageName, tag: tagName }: Place): unknown {
    const { state, time } = this.#options.ledger;
    const user = state.users.get(username);
    if (user === undefined) throw new Refused(404, ERRORS.rootKeyNotFound);
    if (imageName === undefined) {
      const images = [...user.images].flatMap(([image, { tags }]) =>
        Array.from(tags.keys(), (tag) => `${image}:${tag}`),
      );
      const publicKey = user.rootKey === undefined ? null : toHex(user.rootKey);
      return { publicKey, images, registeredRepo: [...user.images.keys()] };
    }
    if (tagName === undefined) {
      const keys = user.images.get(imageName)?.keys;
      if (keys === undefined || keys.size === 0) throw new Refused(404, ERRORS.keyNotFound);
      const publicKeys = [...keys].map(([keyId, { publicKey, until }]) => [
        keyId,
        { publicKey: toHex(publicKey), until },
      ]);
      return { publicKeys: Object.fromEntries(publicKeys) as unknown };
    }
    const metadata = state.metadataOf(username, imageName, tagName);
    if (metadata === undefined) throw new Refused(404, ERRORS.noMetadata);
    const { digests, keyId, publicKey, until } = metadata;
    return {
      name: `${username}/${imageName}:${tagName}`,
      hashes: digests,
      keyId,
      publicKey: toHex(publicKey),
      until,
      status: state.statusOf(username, metadata, time),
    };
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** Go reads the names of fields in any case. */
function isPrivateKeyField(name: string): boolean {
  return name.toLowerCase().replaceAll(/[_-]/g, '') === 'privatekey';
}

/** The object in a request's body. A browser cannot send this type to another host unasked. */
async function fieldsOf(request: IncomingMessage): Promise<Fields> {
  if (!/^application\/json(?:\s*;|$)/i.test(request.headers['content-type'] ?? ''))
    throw new Refused(415, 'Unsupported Media Type');
  const body = await bodyOf(request, MAX_BODY);
  let fields: unknown;
  try {
    fields = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new Refused(400, messageOf(error));
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw new Refused(400, 'want an object');
  for (const [name, value] of Object.entries(fields))
    if (isPrivateKeyField(name) && value !== '') throw new Refused(400, NO_PRIVATE_KEYS);
  return fields as Fields;
}

function wordsOf(path: string): string[] {
  try {
    return path.slice(1).split('/').map(decodeURIComponent);
  } catch {
    throw new Refused(400, ERRORS.name);
  }
}

/** As the original: what has exactly one colon is a tag of an image. */
function placeOf(words: readonly string[]): Place {
  const [user = '', name, ...more] = words;
  if (more.length > 0) throw new Refused(404, 'Not Found');
  if (user === '' || name === '') throw new Refused(400, ERRORS.name);
  if (name === undefined) return { user };
  const [image = '', tag, ...rest] = name.split(':');
  if (tag === undefined || rest.length > 0) return { user, image: name };
  if (image === '' || tag === '') throw new Refused(400, ERRORS.name);
  return { user, image, tag };
}

function isAt(
  command: { readonly kind: string } & Place,
  method: string,
  { user, image, tag }: Place,
): boolean {
  const isDeletion = command.kind.startsWith('delete-');
  return (
    isDeletion === (method === 'DELETE') &&
    command.user === user &&
    command.image === image &&
    command.tag === tag
  );
}

function textsOf(command: OriginalCommand | Command): { readonly kind: string } & Place {
  const text = (name: string): string => showName(name as Name);
  return {
    kind: command.kind,
    user: text(command.user),
    ...('image' in command && { image: text(command.image) }),
    ...('tag' in command && { tag: text(command.tag) }),
  };
}

/** The command that the fields of a request describe, as the original's clients send them. */
function commandOf(
  method: 'POST' | 'DELETE',
  { user, image, tag }: Place,
  fields: Fields,
): OriginalCommand {
  const does = method === 'POST' ? 'register' : 'delete';
  const given = fields['signature'];
  const isSigned = image !== undefined || method === 'DELETE';
  const signature = typeof given === 'string' ? fromHex(given, 64) : undefined;
  if (isSigned && signature === undefined)
    throw new Refused(400, `want a "signature" of 64 bytes in hexadecimal; ${NO_PRIVATE_KEYS}`);
  const common = { user: nameOf(user), signature: signature ?? new Uint8Array(64) };
  const keyId = keyIdOf(fields['keyId']);
  if (image !== undefined && tag !== undefined) {
    const kind: MetadataCommand['kind'] = `${does}-metadata`;
    const digests = does === 'register' ? digestsOf(fields['digests']) : [];
    return { kind, ...common, image: nameOf(image), tag: nameOf(tag), keyId, digests };
  }
  const publicKey =
    typeof fields['publicKey'] === 'string' ? fromHex(fields['publicKey'], 33) : undefined;
  if (publicKey === undefined || !isPublicKey(publicKey)) throw new Refused(400, ERRORS.publicKey);
  if (image === undefined) {
    const kind: RootKeyCommand['kind'] = `${does}-root-key`;
    return { kind, ...common, publicKey };
  }
  const kind: KeyCommand['kind'] = `${does}-key`;
  return { kind, ...common, publicKey, image: nameOf(image), keyId };
}

function keyIdOf(value: unknown): number {
  if (value === undefined || value === null) return 0;
  if (Number.isInteger(value) && Number(value) >= -128 && Number(value) < 256)
    return Number(value) & 0xff;
  throw new Refused(400, 'want a "keyId" from 0 to 255');
}

function digestsOf(value: unknown): string[] {
  if (!Array.isArray(value) || value.length === 0) throw new Refused(400, ERRORS.digests);
  return value.map((digest: unknown) => {
    if (typeof digest !== 'string' || splitDigest(digest) === undefined)
      throw new Refused(400, ERRORS.digest);
    return digest.toLowerCase();
  });
}

/** BTC for each transaction, in satoshi; undefined for the usual. */
function feeOf(header: string | string[] | undefined): bigint | undefined {
  const fee = Number(header);
  if (typeof header !== 'string' || header.trim() === '' || !(fee > 0)) return undefined;
  const satoshi = BigInt(Math.round(Math.min(fee, 1) * SATOSHI));
  if (satoshi <= MAX_FEE) return satoshi;
  throw new Refused(400, `X-BTC-FEE is more than ${Number(MAX_FEE) / SATOSHI} BTC a transaction`);
}

/** The original's /verifyMessage: a signature over the first 32 bytes of a message. */
function verify(fields: Fields): unknown {
  const text = (name: string): string => {
    const value = fields[name];
    return typeof value === 'string' ? value : '';
  };
  const message =
    text('messageHex') === '' ? Buffer.from(text('message')) : fromHex(text('messageHex'));
  if (message === undefined || message.length === 0) throw new Refused(400, 'Empty message');
  const publicKey = fromHex(text('publicKey'), 33);
  const signature = fromHex(text('signature'), 64);
  const verified =
    publicKey !== undefined &&
    signature !== undefined &&
    verifyAsOriginal(signature, message, publicKey);
  return { signature: text('signature'), verified };
}

function* sorted<Value>(of: ReadonlyMap<Name, Value> | undefined): Iterable<[Name, Value]> {
  // Of strings with one character a byte, the usual order is that of the bytes.
  yield* [...(of ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
}

function isLoopback(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, JSON.stringify(value, undefined, 2), 'application/json; charset=utf-8');
}
