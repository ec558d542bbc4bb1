// SPDX-License-Identifier: Apache-2.0
/** What CTng's nodes have in common on the network: they answer, and they tell others. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { CtgaError, messageOf } from '../base/errors.ts';
import { listenAt } from '../base/listen.ts';
import type { Fetch } from '../http/request.ts';
import { bodyOf, pathOf, Refused, restOf, send, stopServer } from '../http/serving.ts';
import { decodeObject, type GossipObject } from './object.ts';

/** In bytes. An object with a revocation vector has some 2,300. */
const MAX_BODY = 2 ** 18;
/** Objects that wait to be checked: of one address, and of all. */
const MAX_WAITING = 256;
const MAX_WAITING_OF_ALL = 4096;
/** Characters of them. */
const MAX_SIZE = 2 ** 21;
const MAX_SIZE_OF_ALL = 2 ** 25;
/** Between two objects that are checked, in milliseconds. */
const PAUSE_MS = 2;
/** Connections: of one address, and of all. A peer has one or two. */
const MAX_CONNECTIONS = 64;
const MAX_CONNECTIONS_OF_ALL = 512;
/** Objects that wait to be told to one peer, and characters of them. */
const MAX_UNTOLD = 4096;
const MAX_UNTOLD_SIZE = 2 ** 24;

export interface Answer {
  readonly body: string;
  readonly type?: string;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  /** May throw Refused. */
  readonly answer: (body: string, request: IncomingMessage) => Answer | Promise<Answer>;
}

export interface Endpoint {
  /** Ends when what is under way is answered, or after a second. */
  readonly stop: () => Promise<void>;
}

/**
 * Answers at the node's own port: on loopback alone if its name is localhost, else on all addresses.
 * Routes are by their paths, which may have a slash at their end. Rejects with CtgaError if it
 * cannot listen.
 */
export async function startEndpoint(
  { self, port }: { readonly self: string; readonly port: number },
  routes: Readonly<Record<string, Route>>,
  onError: (error: unknown) => void,
): Promise<Endpoint> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const path = pathOf(request).replace(/\/$/, '');
      const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
      if (route === undefined) throw new Refused(404, 'Nothing is here.');
      if (request.method !== route.method)
        throw new Refused(405, `Only ${route.method}.`, { allow: route.method });
      const body = route.method === 'GET' ? '' : (await bodyOf(request, MAX_BODY)).toString();
      const given = await route.answer(body, request);
      send(response, 200, given.body, given.type);
    } catch (error) {
      await restOf(request);
      if (response.headersSent || response.destroyed) return void response.destroy();
      if (!(error instanceof Refused)) {
        onError(error);
        return send(response, 500, 'That failed.\n');
      }
      for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
      send(response, error.status, `${error.message}\n`);
    }
  };
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout: 30_000 },
    (request, response) => void answer(request, response),
  );
  server.maxConnections = MAX_CONNECTIONS_OF_ALL;
  server.setTimeout(60_000);
  limitEachAddress(server);
  const { hostname } = new URL(`http://${self}`);
  const host = hostname.replace(/^\[|\]$/g, '');
  const address = isIP(host) === 0 ? (host === 'localhost' ? '127.0.0.1' : '::') : host;
  try {
    await listenAt(server, { address, port });
  } catch (error) {
    throw new CtgaError('busy', messageOf(error), {
      remedy: `The configuration of ${self} has this port. Stop what uses it.`,
      cause: error,
    });
  }
  return { stop: () => stopServer(server, 1000) };
}

/** Whoever opens many connections leaves those of others alone. */
function limitEachAddress(server: Server): void {
  const open = new Map<string, number>();
  server.on('connection', (socket) => {
    const address = socket.remoteAddress ?? '';
    const count = open.get(address) ?? 0;
    if (count >= MAX_CONNECTIONS) return void socket.destroy();
    open.set(address, count + 1);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left > 0) open.set(address, left);
      else open.delete(address);
    });
  });
}

/** The object in a body. Throws Refused with what is wrong with it. */
export function objectIn(body: string): GossipObject {
  try {
    return decodeObject(body);
  } catch (error) {
    if (error instanceof SyntaxError) throw new Refused(400, `The body is no JSON.`);
    // The Go programs say of an object that does not count why, with 200.
    if (error instanceof RangeError) throw new Refused(200, `The object ${error.message}.`);
    throw error;
  }
}

/**
 * Work that takes long, in turns: one piece of each address after the other, so that whoever sends
 * much waits for itself. What comes when too much waits is refused.
 */
export class Turns {
  readonly #waiting = new Map<string, Piece[]>();
  #count = 0;
  #size = 0;
  #isBusy = false;

  /**
   * What waits has so many characters in it. Rejects with Refused if too much waits, and with what
   * the work throws.
   */
  run<T>(address: string, size: number, work: () => T): Promise<T> {
    const own = this.#waiting.get(address) ?? [];
    const ownSize = own.reduce((sum, each) => sum + each.size, size);
    const isTooMuch = own.length >= MAX_WAITING || this.#count >= MAX_WAITING_OF_ALL;
    if (isTooMuch || ownSize > MAX_SIZE || this.#size + size > MAX_SIZE_OF_ALL)
      return Promise.reject(
        new Refused(503, 'Too many objects wait to be checked.', { 'retry-after': '5' }),
      );
    this.#waiting.set(address, own);
    this.#count += 1;
    this.#size += size;
    const done = new Promise<T>((resolve, reject) => {
      own.push({ size, run: () => Promise.resolve().then(work).then(resolve, reject) });
    });
    if (!this.#isBusy) this.#next();
    return done;
  }

  /** Forgets what waits. */
  close(): void {
    this.#waiting.clear();
  }

  #next(): void {
    const [first] = this.#waiting;
    this.#isBusy = first !== undefined;
    if (first === undefined) return;
    // A signature takes some hundredths of a second. In between connections are taken up, of which
    // Node takes one a turn of its loop: else a flood of them would be waited for, piece by piece.
    setTimeout(() => {
      const [address, own] = first;
      this.#waiting.delete(address);
      const piece = own.shift();
      if (own.length > 0) this.#waiting.set(address, own);
      this.#count -= 1;
      this.#size -= piece?.size ?? 0;
      if (piece !== undefined) void piece.run().then(() => this.#next());
    }, PAUSE_MS);
  }
}

interface Piece {
  readonly size: number;
  readonly run: () => Promise<void>;
}

/** Tells one peer what it is given, one after the other. A peer that does not answer loses the oldest. */
export class Outbox {
  readonly #url: string;
  readonly #fetch: Fetch;
  readonly #onChange: (isReached: boolean, why: string) => void;
  #untold: string[] = [];
  #size = 0;
  #isBusy = false;
  #isReached: boolean | undefined;

  /** `onChange` is called when the peer answers for the first time, and no more, and again. */
  constructor(
    url: string,
    fetch: Fetch,
    onChange: (isReached: boolean, why: string) => void = () => undefined,
  ) {
    this.#url = url;
    this.#fetch = fetch;
    this.#onChange = onChange;
  }

  tell(text: string): void {
    this.#untold.push(text);
    this.#size += text.length;
    while (this.#untold.length > MAX_UNTOLD || this.#size > MAX_UNTOLD_SIZE) this.#shift();
    if (!this.#isBusy) void this.#tellAll();
  }

  close(): void {
    this.#untold = [];
    this.#size = 0;
  }

  #shift(): string | undefined {
    const text = this.#untold.shift();
    this.#size -= text?.length ?? 0;
    return text;
  }

  async #tellAll(): Promise<void> {
    this.#isBusy = true;
    for (let text = this.#shift(); text !== undefined; text = this.#shift()) {
      try {
        await this.#post(text);
        this.#change(true, '');
      } catch (error) {
        this.#change(false, messageOf(error));
      }
    }
    this.#isBusy = false;
  }

  /** A connection that was kept may be closed by now, and nothing comes of telling twice. */
  async #post(text: string): Promise<void> {
    try {
      await this.#fetch(this.#url, { post: text });
    } catch (error) {
      if (this.#isReached !== true) throw error;
      await this.#fetch(this.#url, { post: text });
    }
  }

  #change(isReached: boolean, why: string): void {
    if (this.#isReached === isReached) return;
    this.#isReached = isReached;
    this.#onChange(isReached, why);
  }
}
