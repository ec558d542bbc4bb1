// SPDX-License-Identifier: Apache-2.0
/**
 * The HTTP interface of a log of trust: what c2sp.org/tlog-tiles has for reading, and `POST /add` with
 * `{"command": HEX}`. A command that would not be executed is refused, so that strangers cannot fill the
 * log with what nobody reads; how many they may add is limited by a rate
 * for each.
 */
import { readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { listenAt, type Listening } from '../base/listen.ts';
import { fromHex } from '../carbonchain/bytes.ts';
import { clientOf, Limit, senderOf } from '../http/limits.ts';
import { bodyOf, pathOf, Refused, restOf, send, stopServer } from '../http/serving.ts';
import { MAX_COMMAND } from './log-entry.ts';

/** Hexadecimal, and the JSON around it. */
const MAX_BODY = 2 * MAX_COMMAND + 100;
/** Of one client: a command a second, and so many at once, say after a release of many images. */
const ADDED = { perSecond: 1, burst: 100 };
/** What lies in `public`: nothing else is read, whatever a path says. */
const FILES =
  /^\/(?:checkpoint|anchor|anchors\/\d{1,16}(?:\.ots)?|tile\/(?:\d|entries)\/(?:x\d{3}\/){0,4}\d{3}(?:\.p\/\d{1,3})?)$/;

/** What became of a command. */
export interface Added {
  readonly index: number;
  /** Whether a checkpoint is published that has it. */
  readonly published: boolean;
}

export interface LogServerOptions {
  readonly address: string;
  readonly port: number;
  /** The directory that is served. */
  readonly directory: string;
  /** Rejects with Refused. */
  readonly add: (command: Uint8Array) => Promise<Added>;
  readonly onError: (error: unknown) => void;
}

export class LogServer {
  readonly #options: LogServerOptions;
  readonly #server: Server;
  readonly #adding = new Limit(ADDED);
  #at: Listening = { port: 0, url: '' };

  private constructor(options: LogServerOptions) {
    this.#options = options;
    const times = {
      headersTimeout: 10_000,
      requestTimeout: 10_000,
      keepAliveTimeout: 75_000,
      connectionsCheckingInterval: 1000,
    };
    this.#server = createServer(times, (request, response) => void this.#answer(request, response));
    this.#server.maxConnections = 1024;
  }

  /** Rejects with CtgaError if it cannot listen at the address. */
  static async start(options: LogServerOptions): Promise<LogServer> {
    const server = new LogServer(options);
    server.#at = await listenAt(server.#server, options);
    return server;
  }

  get at(): Listening {
    return this.#at;
  }

  stop(): Promise<void> {
    return stopServer(this.#server);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#serve(request, response);
    } catch (error) {
      await restOf(request);
      if (error instanceof Refused) {
        for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
        return send(response, error.status, `${error.message}\n`);
      }
      this.#options.onError(error);
      send(response, 500, 'That failed here.\n');
    }
  }

  #limit(request: IncomingMessage): void {
    const wait = this.#adding.take(clientOf(senderOf(request)), Date.now());
    if (wait === undefined) return;
    throw new Refused(429, `Too often. Come again in ${wait} s.`, { 'retry-after': String(wait) });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(request);
    if (path === '/add') {
      if (request.method !== 'POST') throw new Refused(405, 'Want POST.');
      // No page in a browser sends this to another site without asking first.
      if (request.headers['content-type'] !== 'application/json')
        throw new Refused(415, 'Want application/json.');
      this.#limit(request);
      const added = await this.#options.add(commandIn(await bodyOf(request, MAX_BODY)));
      return send(response, 200, `${JSON.stringify(added)}\n`, 'application/json');
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') throw new Refused(405, 'Want GET.');
    if (!FILES.test(path)) throw new Refused(404, 'There is nothing here.');
    const file = join(this.#options.directory, path);
    // Read at once: a checkpoint may be replaced between a look at its length and at its content.
    const isFile = statSync(file, { throwIfNoEntry: false })?.isFile() === true;
    if (!isFile) throw new Refused(404, 'There is nothing here.');
    const body = readFileSync(file);
    response.writeHead(200, {
      'content-type':
        path === '/checkpoint' ? 'text/plain; charset=utf-8' : 'application/octet-stream',
      'content-length': body.length,
      'x-content-type-options': 'nosniff',
      'cache-control': path.startsWith('/tile/')
        ? 'public, max-age=31536000, immutable'
        : 'no-store',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }
}

function commandIn(body: Buffer): Uint8Array {
  try {
    const { command } = JSON.parse(body.toString('utf8')) as { command: unknown };
    const bytes = typeof command === 'string' ? fromHex(command) : undefined;
    if (bytes !== undefined && bytes.length > 0) return bytes;
  } catch {
    // It is told below.
  }
  throw new Refused(400, 'Want {"command": HEX}, the command as ctga ddt sign prints it.');
}
