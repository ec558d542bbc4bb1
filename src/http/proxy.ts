/**
 * The challenger's only way out: a SOCKS5 proxy that resolves names itself (socks5h).
 *
 * An Identity is one set of random SOCKS credentials, which Tor turns into a circuit of its own
 * (IsolateSOCKSAuth). Identities never share connections, and there is no way around the proxy: if
 * it is down, nothing is sent. request.ts says what a request looks like. (Paper, Section 3.3:
 * challenges must not be linkable to the packet processor.)
 */
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import { SocksClient, SocksClientError } from 'socks';
import { badInput, messageOf } from '../base/errors.ts';
import { HttpError, ProxyError } from './error.ts';
import { bareHost, DEADLINE_MS, httpFetch, type Fetch, type HttpOptions } from './request.ts';

export interface ProxyAddress {
  readonly host: string;
  readonly port: number;
}

export interface Identity {
  /** Goes through the proxy, which resolves names. */
  readonly fetch: Fetch;
  /** Ends its connections; requests under way fail. */
  close(): void;
}

/** Where Tor listens by default. */
export const DEFAULT_PROXY = 'socks5h://127.0.0.1:9050';

/** Throws CtgaError `bad-input` unless `text` is socks5h://HOST:PORT. */
export function parseProxy(text: string): ProxyAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'socks5h:' || url.hostname === '' || url.port === '') {
    throw badInput(
      `--proxy ${text}: want socks5h://HOST:PORT`,
      `With the h, the proxy resolves names, so that no DNS query gives the challenger away. Tor's is ${DEFAULT_PROXY}.`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw badInput('--proxy: ctga draws new credentials for each batch, so none can be given');
  }
  return { host: bareHost(url.hostname), port: Number(url.port) };
}

export function openIdentity(proxy: ProxyAddress, options: HttpOptions = {}): Identity {
  const connections = new Connections(proxy);
  const agents = {
    'http:': new ProxyAgent(connections, false),
    'https:': new ProxyAgent(connections, true),
  };
  return {
    fetch: httpFetch(agents, options),
    close: () => {
      for (const agent of Object.values(agents)) agent.destroy();
      connections.destroy();
    },
  };
}

/**
 * Node's own agent, with connections through the proxy: one at a time, kept for the next request of
 * this identity. Node's client is built in, so it reads no file after the challenger has given up
 * root.
 */
class ProxyAgent extends http.Agent {
  readonly #connections: Connections;
  readonly #secure: boolean;

  constructor(connections: Connections, secure: boolean) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#connections = connections;
    this.#secure = secure;
    // What http.request and https.request ask an agent for.
    Object.assign(
      this,
      secure ? { protocol: 'https:', defaultPort: 443 } : { protocol: 'http:', defaultPort: 80 },
    );
  }

  /** Called by Node, which takes the socket through the callback. */
  override createConnection(
    options: http.ClientRequestArgs,
    done: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const host = bareHost(options.host ?? '');
    const failed = (error: unknown): void => (done as (error: unknown) => void)(error);
    this.#connections
      .open(host, Number(options.port ?? options.defaultPort))
      .then((socket) => (this.#secure ? startTls(socket, host) : socket))
      .then((socket) => done(null, socket), failed);
  }
}

/** All sockets of one identity, so that closing it ends them, whatever they are waiting for. */
class Connections {
  readonly #proxy: ProxyAddress;
  readonly #credentials = {
    userId: randomBytes(12).toString('hex'),
    password: randomBytes(12).toString('hex'),
  };
  readonly #sockets = new Set<Socket>();

  constructor(proxy: ProxyAddress) {
    this.#proxy = proxy;
  }

  /** Connects to `host`, whose name the proxy resolves. Rejects with HttpError or ProxyError. */
  async open(host: string, port: number): Promise<Socket> {
    const existing_socket = await this.#dial();
    try {
      const proxy = { ...this.#proxy, type: 5 as const, ...this.#credentials };
      const destination = { host, port };
      await SocksClient.createConnection({
        command: 'connect',
        proxy,
        destination,
        existing_socket,
        timeout: DEADLINE_MS,
      });
      return existing_socket;
    } catch (error) {
      existing_socket.destroy();
      const message = messageOf(error);
      // The proxy is there and says that it cannot reach the host: that is about the host.
      if (error instanceof SocksClientError && message.includes('rejected connection'))
        throw new HttpError(
          'http-no-answer',
          `the proxy cannot reach ${host}:${port} (${message})`,
        );
      throw this.#unavailable(error);
    }
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #dial(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#proxy.port, this.#proxy.host);
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      const failed = (error: Error): void => reject(this.#unavailable(error));
      socket.once('error', failed);
      socket.once('connect', () => {
        socket.off('error', failed);
        resolve(socket);
      });
    });
  }

  #unavailable(cause: unknown): ProxyError {
    const { host, port } = this.#proxy;
    return new ProxyError(
      'proxy-unavailable',
      `no SOCKS5 proxy answers at ${host}:${port}: ${messageOf(cause)}`,
      {
        remedy:
          'Start it (for Tor: systemctl start tor) or name another with --proxy. Nothing was sent: logs are never asked directly.',
        cause,
      },
    );
  }
}

/**
 * Verifies certificates against the system's roots and NODE_EXTRA_CA_CERTS. Offers HTTP/1.1 alone.
 */
function startTls(socket: Socket, host: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // The name in the certificate; an address is no server name (RFC 6066, Section 3).
    const name = isIP(host) === 0 ? { servername: host } : { host };
    const secured = tlsConnect({ socket, ...name, ALPNProtocols: ['http/1.1'] }, () => {
      secured.off('error', reject);
      resolve(secured);
    });
    secured.once('error', reject);
  });
}
