// SPDX-License-Identifier: Apache-2.0
/**
 * The HTTP interface of a witness (c2sp.org/tlog-witness), behind a web server or with TLS of its own.
 * One request can cost 64 KiB and some signatures, and each client a few of them a second.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import { listenAt, type Listening } from '../base/listen.ts';
import { plural } from '../base/text.ts';
import { StoreError } from '../disk/error.ts';
import { bodyOf, pathOf, Refused, restOf, send, stopServer } from '../http/serving.ts';
import { clientOf, Limit, senderOf, type Rate } from '../http/limits.ts';
import type { WitnessMetrics } from './metrics.ts';
import type { Answer, Witness } from './witness.ts';

/** In bytes: 63 hashes, and a checkpoint with as many signatures of ML-DSA-44 as fit. */
const MAX_BODY = 64 * 1024;
const RETRY_AFTER_SECONDS = '60';

export interface WitnessServerOptions {
  readonly address: string;
  readonly port: number;
  /** Certificate and key; undefined: a web server is in front of it. */
  readonly tls: SecureContextOptions | undefined;
  readonly witness: Witness;
  /** How many requests a client may send. */
  readonly perClient: Rate;
  readonly metrics: WitnessMetrics;
  /** HTML. */
  readonly page: () => string;
  /** Called with an error that is nobody's outside. */
  readonly onError: (error: unknown) => void;
}

export class WitnessServer {
  readonly #options: WitnessServerOptions;
  readonly #server: Server | ReturnType<typeof createTlsServer>;
  readonly #clients: Limit;
  #at: Listening = { port: 0, url: '' };
  #last: Promise<void> = Promise.resolve();

  private constructor(options: WitnessServerOptions) {
    this.#options = options;
    this.#clients = new Limit(options.perClient);
    // Whoever is slow is told so (408) soon after the time is over.
    const times = {
      headersTimeout: 10_000,
      requestTimeout: 10_000,
      keepAliveTimeout: 75_000,
      connectionsCheckingInterval: 1000,
    };
    const answer = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#answer(request, response);
    this.#server =
      options.tls === undefined
        ? createServer(times, answer)
        : createTlsServer({ ...times, ...options.tls, minVersion: 'TLSv1.2' }, answer);
    this.#server.maxConnections = 1024;
    // One that reads nothing of its answer gives its place to others.
    this.#server.setTimeout(90_000);
  }

  /** Rejects with CtgaError if it cannot listen at the address. */
  static async start(options: WitnessServerOptions): Promise<WitnessServer> {
    const server = new WitnessServer(options);
    const scheme = options.tls === undefined ? 'http' : 'https';
    server.#at = await listenAt(server.#server, options, scheme);
    return server;
  }

  get at(): Listening {
    return this.#at;
  }

  /** Takes another certificate and key for connections from now on. Throws if they are none. */
  renew(tls: SecureContextOptions): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext(tls);
  }

  async stop(): Promise<void> {
    await stopServer(this.#server);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(request);
    const name = nameOf(path);
    try {
      if (name !== 'metrics') this.#limit(request);
      await this.#serve(name, path, request, response);
    } catch (error) {
      // A web server in between that is still sending may not see an answer that comes before.
      await restOf(request);
      this.#fail(response, error);
    } finally {
      this.#options.metrics.countRequest(name, response.statusCode);
    }
  }

  async #serve(
    name: EndpointName,
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { witness, metrics, page } = this.#options;
    switch (name) {
      case 'add-checkpoint':
      case 'sign-subtree': {
        requireMethod(request, ['POST']);
        const body = await bodyOf(request, MAX_BODY);
        await this.#turn();
        const answer =
          name === 'add-checkpoint' ? witness.addCheckpoint(body) : witness.signSubtree(body);
        if (answer.refusal !== undefined) metrics.countRefusal(answer.refusal);
        return give(response, answer);
      }
      case 'checkpoint': {
        requireMethod(request, ['GET', 'HEAD']);
        const note = witness.published(path.slice(1, 65));
        if (note === undefined) throw new Refused(404, 'Nothing was cosigned for this origin.');
        return send(response, 200, note);
      }
      case 'page':
        requireMethod(request, ['GET', 'HEAD']);
        response.setHeader(
          'content-security-policy',
          "default-src 'none'; style-src 'unsafe-inline'",
        );
        return send(response, 200, page(), 'text/html; charset=utf-8');
      case 'metrics':
        requireMethod(request, ['GET', 'HEAD']);
        if (!this.#isFromHere(request)) throw new Refused(404, 'Nothing is here.');
        return send(response, 200, await metrics.render(), metrics.contentType);
      case 'other':
        throw new Refused(404, 'Nothing is here.');
    }
  }

  /**
   * One signature at a time, in the order of the requests, and new connections in between: Node takes
   * one of them in each round of its loop, so that a hundred would wait behind those that are there.
   */
  #turn(): Promise<void> {
    this.#last = this.#last.then(() => new Promise((resolve) => setImmediate(resolve)));
    return this.#last;
  }

  /** A web server in front of it passes nothing on that it does not say so of. */
  #isFromHere({ socket, headers }: IncomingMessage): boolean {
    if (headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined) return false;
    return /^(::ffff:)?127\.|^::1$/.test(socket.remoteAddress ?? '');
  }

  /** Of a web server in front of it, whoever that has the request from. */
  #limit(request: IncomingMessage): void {
    const address =
      this.#options.tls === undefined ? senderOf(request) : (request.socket.remoteAddress ?? '');
    const wait = this.#clients.take(clientOf(address), Date.now());
    if (wait === undefined) return;
    this.#options.metrics.countRefusal('too-often');
    throw new Refused(429, `Too often. Come again in ${plural(wait, 'second')}.`, {
      'retry-after': String(wait),
    });
  }

  #fail(response: ServerResponse, error: unknown): void {
    if (response.headersSent || response.destroyed) return void response.destroy();
    if (error instanceof Refused) {
      for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
      return send(response, error.status, `${error.message}\n`);
    }
    this.#options.onError(error);
    const isStore = error instanceof StoreError;
    if (isStore) response.setHeader('retry-after', RETRY_AFTER_SECONDS);
    send(response, isStore ? 503 : 500, 'It cannot be kept now, so nothing was cosigned.\n');
  }
}

/** By which requests are counted. */
export type EndpointName =
  'add-checkpoint' | 'sign-subtree' | 'checkpoint' | 'page' | 'metrics' | 'other';

function nameOf(path: string): EndpointName {
  if (path === '/add-checkpoint' || path === '/sign-subtree' || path === '/metrics')
    return path.slice(1) as EndpointName;
  if (path === '/') return 'page';
  return /^\/[0-9a-f]{64}\/checkpoint$/.test(path) ? 'checkpoint' : 'other';
}

function requireMethod({ method = '' }: IncomingMessage, allowed: readonly string[]): void {
  if (!allowed.includes(method))
    throw new Refused(405, `Only ${allowed.join(', ')}.`, { allow: allowed.join(', ') });
}

function give(response: ServerResponse, { status, body, type, retryAfter }: Answer): void {
  if (retryAfter !== undefined) response.setHeader('retry-after', String(retryAfter));
  send(response, status, body, type);
}
