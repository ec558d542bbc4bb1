// SPDX-License-Identifier: Apache-2.0
/**
 * The connections of one identity, each host's apart: HTTP/2 where the server agrees, else HTTP/1.1,
 * as curl has it. No two identities share one.
 */
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls';
import { addon } from '../native/addon.ts';
import { tlsOptions, type Request } from './curl.ts';
import { HttpError, notOursToAsk } from './error.ts';
import { Http1 } from './http1.ts';
import { Http2 } from './http2.ts';
import { Unanswered, type Response } from './response.ts';
import { bareHost } from './targets.ts';

/**
 * Opens a TCP connection to a name or an address (without brackets); who resolves the name depends.
 * Gives up when `signal` is aborted.
 */
export type Dial = (host: string, port: number, signal: AbortSignal) => Promise<Socket>;

/** A TCP connection. Rejects with what Node failed with. */
export function connectTcp(options: TcpNetConnectOpts): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(options);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/**
 * The most connections to one host over HTTP/1.1. `curl --parallel` opens as many as its user
 * allows; over HTTP/2 it has one, like us.
 */
export const MAX_CONNECTIONS = 4;

export class Connections {
  readonly #dial: Dial;
  readonly #patience: number;
  readonly #tls: ConnectionOptions;
  readonly #hosts = new Map<string, Host>();
  #isClosed = false;

  /** A connection has to be open within `patience`, in milliseconds. `tls` is beside curl's options. */
  constructor(dial: Dial, patience: number, tls: ConnectionOptions = {}) {
    this.#dial = dial;
    this.#patience = patience;
    this.#tls = tls;
  }

  /** Rejects with Unanswered, with what `dial` rejects with, or with what Node failed with. */
  send(request: Request, signal: AbortSignal): Promise<Response> {
    if (this.#isClosed)
      return Promise.reject(new HttpError('http-no-answer', 'the connections were closed'));
    if (request.maySend?.() === false) return Promise.reject(notOursToAsk());
    const { origin } = request.url;
    const host =
      this.#hosts.get(origin) ?? new Host(request.url, this.#dial, this.#patience, this.#tls);
    this.#hosts.set(origin, host);
    return host.send(request, signal);
  }

  /** For good: requests under way fail, and so do later ones. */
  close(): void {
    this.#isClosed = true;
    for (const host of this.#hosts.values()) host.close();
  }
}

class Host {
  readonly #url: URL;
  readonly #dial: Dial;
  readonly #patience: number;
  readonly #tls: ConnectionOptions;
  readonly #http1: Http1;
  #http2: Http2 | undefined;
  /** Whether the server was found to speak HTTP/1.1. It may still turn to HTTP/2. */
  #isHttp1: boolean;
  /** The first connection, if it is not there yet. It tells what the server speaks. */
  #first: Promise<void> | undefined;
  readonly #attempts = new Set<AbortController>();
  readonly #sockets = new Set<Socket>();
  /** The ticket that the server gave us for a shorter handshake. */
  #session: Buffer | undefined;

  constructor(url: URL, dial: Dial, patience: number, tls: ConnectionOptions) {
    this.#url = url;
    this.#dial = dial;
    this.#patience = patience;
    this.#tls = tls;
    this.#isHttp1 = url.protocol === 'http:';
    this.#http1 = new Http1(async () => {
      const socket = await this.#open();
      if (!speaksHttp2(socket)) return socket;
      this.#http2 = new Http2(socket, this.#url);
      throw new Unanswered('', { cause: new Error('the server turned to HTTP/2') });
    }, MAX_CONNECTIONS);
  }

  async send(request: Request, signal: AbortSignal): Promise<Response> {
    const isFresh = !this.#isHttp1 && this.#http2?.isOpen !== true;
    if (isFresh && this.#first === undefined) return this.#sendFirst(request, signal);
    if (this.#first !== undefined) await before(signal, this.#first);
    return this.#sendNow(request, signal, isFresh);
  }

  /** Others wait until there is a connection, and over HTTP/1.1 for the answer; so do curl's. */
  #sendFirst(request: Request, signal: AbortSignal): Promise<Response> {
    const connected = this.#connect();
    const answered = before(signal, connected).then(() => this.#sendNow(request, signal, true));
    this.#first = connected
      .then(() => (this.#isHttp1 ? answered.then(ignore, ignore) : undefined))
      .finally(() => (this.#first = undefined));
    this.#first.catch(ignore);
    return answered;
  }

  async #sendNow(request: Request, signal: AbortSignal, isFresh: boolean): Promise<Response> {
    if (request.maySend?.() === false) throw notOursToAsk();
    if (this.#http2?.isOpen === true) return this.#http2.send(request, signal, isFresh);
    if (this.#isHttp1) return this.#http1.send(request, signal);
    throw new Error('the server closed the connection at once');
  }

  close(): void {
    for (const attempt of this.#attempts)
      attempt.abort(new HttpError('http-no-answer', 'the connection was given up'));
    this.#http2?.close();
    // Over HTTP/1.1, curl says goodbye (close_notify) before it hangs up.
    for (const socket of this.#sockets) socket.destroySoon();
    this.#http1.close();
  }

  async #connect(): Promise<void> {
    const socket = await this.#open();
    if (speaksHttp2(socket)) {
      this.#http2 = new Http2(socket, this.#url);
    } else {
      this.#isHttp1 = true;
      this.#http1.adopt(socket);
    }
  }

  /** Connects and, for https:, agrees on TLS. */
  async #open(): Promise<Socket> {
    const attempt = new AbortController();
    const { signal } = attempt;
    this.#attempts.add(attempt);
    const late = new HttpError('http-no-answer', `no connection within ${this.#patience / 1000} s`);
    const timer = setTimeout(() => attempt.abort(late), this.#patience);
    try {
      const { hostname, port, protocol } = this.#url;
      const [host, isSecure] = [bareHost(hostname), protocol === 'https:'];
      const dialled = await this.#dial(host, Number(port || (isSecure ? 443 : 80)), signal);
      // Whoever uses it hears of it as well.
      dialled.on('error', () => undefined);
      dialled.setNoDelay(true);
      const socket = isSecure ? await this.#startTls(dialled, host, signal) : dialled;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      return socket;
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      clearTimeout(timer);
      this.#attempts.delete(attempt);
    }
  }

  /** Verifies certificates against Node's roots and NODE_EXTRA_CA_CERTS, unless it is not to. */
  #startTls(socket: Socket, host: string, signal: AbortSignal): Promise<TLSSocket> {
    beLikeCurl();
    return new Promise((resolve, reject) => {
      const session = this.#session;
      const secured = tls.connect({ ...tlsOptions(host), ...this.#tls, socket, session }, () => {
        signal.removeEventListener('abort', giveUp);
        // OpenSSL lets curl use a ticket once.
        if (this.#session === session) this.#session = undefined;
        resolve(secured);
      });
      const giveUp = (): void => void secured.destroy(signal.reason as Error);
      signal.addEventListener('abort', giveUp);
      secured.on('error', reject);
      secured.on('session', (given) => (this.#session = given));
    });
  }
}

/**
 * One extension of curl's ClientHello is beyond Node's options (post_handshake_auth), so the addon
 * sees to it. Where there is no addon, the ClientHello has not got it; nothing depends on that.
 */
function beLikeCurl(): void {
  try {
    addon().offerPostHandshakeAuth();
  } catch {
    // `ctga doctor` tells of an addon that is not there.
  }
}

function ignore(): void {}

function speaksHttp2(socket: Socket): boolean {
  return (socket as Partial<TLSSocket>).alpnProtocol === 'h2';
}

/** Waits for `promise`, and rejects with the signal's reason if that comes first. */
function before<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
