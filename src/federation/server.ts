// SPDX-License-Identifier: Apache-2.0
/**
 * The HTTPS server of a member: peers, whom TLS tells by their keys, bring messages; anybody gets
 * updates. Bounded in all that a request can cost.
 */
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { listenAt, type Listening } from '../base/listen.ts';
import { FormatError } from '../base/cursor.ts';
import { bodyOf, pathOf, Refused, restOf, send } from '../http/serving.ts';
import { hex, readAll, readLong } from './bytes.ts';
import { Connections } from './connections.ts';
import type { Peer } from './member.ts';
import { MAX_MESSAGE } from './messages.ts';
import type { PolicyKeys } from './serve.ts';
import { keyOfCertificate } from './tls.ts';

export const MESSAGES_PATH = '/federation/v1/messages';
export const UPDATE_PATH = '/federation/v1/update';
/** The same by ML-DSA-44 keys is behind it. */
export const POLICY_PATH = '/federation/v1/policy';
const ML_DSA_44_POLICY_PATH = `${POLICY_PATH}-ml-dsa-44`;

/** Of strangers and peers together; who of them has how many, Connections decides. */
const MAX_CONNECTIONS = 2048;
export const MAX_BODY = MAX_MESSAGE + 1024;
const TEXT = 'text/plain; charset=utf-8';

export interface FederationServerOptions {
  readonly address: string;
  readonly port: number;
  /** In PEM. */
  readonly certificate: string;
  readonly privateKey: string;
  readonly isPeer: (peer: Peer) => boolean;
  readonly onMessage: (peer: Peer, bytes: Uint8Array) => void;
  /** Another whenever `update` or `policy` may give another text: they are not asked for it twice. */
  readonly version: () => string;
  /** The update as JSON, and the policy as text. */
  readonly update: () => string;
  readonly policy: (keys: PolicyKeys) => string;
  readonly metrics: {
    readonly contentType: string;
    render(): Promise<string>;
    countRequest(path: string, status: number): void;
  };
  readonly onError: (error: unknown) => void;
}

export class FederationServer {
  readonly #options: FederationServerOptions;
  readonly #server: Server;
  #at: Listening = { port: 0, url: '' };
  readonly #connections = new Connections();
  /** Who shows a certificate over a connection, once it was looked at. */
  readonly #shown = new WeakMap<Socket, Peer>();
  /** By path. */
  readonly #texts = new Map<string, { readonly version: string; readonly text: string }>();

  private constructor(options: FederationServerOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        cert: options.certificate,
        key: options.privateKey,
        minVersion: 'TLSv1.3',
        requestCert: true,
        // Whose certificate it is decides what may be done: see #peerOf.
        rejectUnauthorized: false,
        handshakeTimeout: 10_000,
        headersTimeout: 10_000,
        requestTimeout: 30_000,
        keepAliveTimeout: 150_000,
      },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.setTimeout(180_000);
    this.#server.on('tlsClientError', () => undefined);
    this.#server.on('connection', (socket: Socket) => this.#connections.accept(socket));
  }

  /** Rejects with CtgaError if it cannot listen at the address. */
  static async start(options: FederationServerOptions): Promise<FederationServer> {
    const server = new FederationServer(options);
    server.#at = await listenAt(server.#server, options, 'https');
    return server;
  }

  get at(): Listening {
    return this.#at;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#connections.end();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(request);
    const { metrics } = this.#options;
    try {
      await this.#handle(path, request, response);
    } catch (error) {
      await restOf(request);
      if (error instanceof Refused) send(response, error.status, `${error.message}\n`);
      else {
        this.#options.onError(error);
        if (!response.headersSent) send(response, 500, 'It cannot be done now.\n');
      }
    } finally {
      const isOurs = [MESSAGES_PATH, UPDATE_PATH, POLICY_PATH, ML_DSA_44_POLICY_PATH].includes(
        path,
      );
      metrics.countRequest(isOurs ? path : 'other', response.statusCode);
    }
  }

  async #handle(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { metrics, update, policy } = this.#options;
    const method = path === MESSAGES_PATH ? 'POST' : 'GET';
    const gets: Readonly<Record<string, () => Promise<readonly [string, string]>>> = {
      [UPDATE_PATH]: () => Promise.resolve([this.#textOf(path, update), 'application/json']),
      [POLICY_PATH]: () => Promise.resolve([this.#textOf(path, () => policy('ed25519')), TEXT]),
      [ML_DSA_44_POLICY_PATH]: () =>
        Promise.resolve([this.#textOf(path, () => policy('ml-dsa-44')), TEXT]),
      '/metrics': async () => [await metrics.render(), metrics.contentType],
    };
    const get = Object.hasOwn(gets, path) ? gets[path] : undefined;
    if (get === undefined && path !== MESSAGES_PATH) throw new Refused(404, 'Nothing is here.');
    if (request.method !== method) throw new Refused(405, `Only ${method}.`);
    if (get !== undefined) {
      const [body, type] = await get();
      return send(response, 200, body, type);
    }
    const peer = this.#shown.get(request.socket) ?? peerOf(request.socket);
    if (peer === undefined || !this.#options.isPeer(peer))
      throw new Refused(403, 'Members of the federation alone.');
    this.#shown.set(request.socket, peer);
    this.#connections.know(request.socket, peer);
    const body = await bodyOf(request, MAX_BODY);
    for (const bytes of messagesIn(body)) this.#options.onMessage(peer, bytes);
    response.writeHead(204).end();
  }

  #textOf(path: string, make: () => string): string {
    const version = this.#options.version();
    const known = this.#texts.get(path);
    if (known?.version === version) return known.text;
    const text = make();
    this.#texts.set(path, { version, text });
    return text;
  }
}

/** Whoever holds the key of the certificate that was shown: TLS has seen to that. */
function peerOf(socket: Socket): Peer | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const { raw } = socket.getPeerCertificate() as { raw?: Buffer };
  const key = raw && keyOfCertificate(raw);
  return key && hex(key);
}

/** Each behind its length. Throws Refused. */
function messagesIn(body: Uint8Array): Uint8Array[] {
  try {
    return readAll(new Uint8Array(body), (cursor) => {
      const messages: Uint8Array[] = [];
      while (!cursor.atEnd) messages.push(readLong(cursor));
      return messages;
    });
  } catch (error) {
    if (error instanceof FormatError) throw new Refused(400, 'These are no messages.');
    throw error;
  }
}
