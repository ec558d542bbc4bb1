/**
 * The challenger's only way out: a SOCKS5 proxy that resolves names itself (socks5h).
 *
 * One Identity is one set of random SOCKS credentials, which Tor turns into a circuit of its own
 * (IsolateSOCKSAuth). Connections are never shared between identities, headers are constant, redirects are
 * not followed, bytes and time are capped, and there is no way around the proxy: if it is down, nothing
 * is sent. (Paper, Section 3.3: challenges must not be linkable to the packet processor.)
 */
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { SocksClient, SocksClientError } from 'socks';
import { CtgaError, badInput, messageOf } from '../errors.ts';
import { LogError, type Fetch, type FetchOptions, type HttpAnswer } from '../logs/client.ts';
import { isPrivateHost } from './targets.ts';

export interface ProxyAddress {
  readonly host: string;
  readonly port: number;
}

export interface Identity {
  readonly fetch: Fetch;
  /** Ends its connections; in-flight requests fail. */
  close(): void;
}

/** Where Tor listens by default. */
export const DEFAULT_PROXY = 'socks5h://127.0.0.1:9050';

/** One request, from connecting to the last byte. Tor circuits can take tens of seconds to build. */
const DEADLINE_MS = 90_000;
/** The longest proof is 129 hashes, some 6 KB; entries are not asked for. */
const MAX_BODY_BYTES = 256 * 1024;
/** The same for every log and every installation. */
const HEADERS = { accept: '*/*', 'accept-encoding': 'gzip', 'user-agent': 'Mozilla/5.0' };

/** Throws CtgaError `bad-input` unless `text` is socks5h://HOST:PORT. */
export function parseProxy(text: string): ProxyAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'socks5h:' || url.hostname === '' || url.port === '') {
    throw badInput(
      `--proxy ${text}: want socks5h://HOST:PORT`,
      `The h is for names resolved at the proxy, so that no DNS query gives the challenger away. Tor's is ${DEFAULT_PROXY}.`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw badInput('--proxy: credentials are drawn anew for each batch and cannot be given');
  }
  return { host: bareHost(url.hostname), port: Number(url.port) };
}

export interface IdentityOptions {
  /** Only for logs whose list says so. */
  readonly allowPrivateAddress?: boolean | undefined;
}

export function openIdentity(proxy: ProxyAddress, options: IdentityOptions = {}): Identity {
  const connections = new Connections(proxy);
  const agents = { 'http:': new ProxyAgent(connections, false), 'https:': new ProxyAgent(connections, true) };
  return {
    fetch: (address, request = {}) => {
      const url = new URL(address);
      if (options.allowPrivateAddress !== true && isPrivateHost(bareHost(url.hostname)))
        return Promise.reject(
          new LogError(
            'log-unavailable',
            `${url.hostname} is no public address: nothing was sent. A log list can allow it: "allow_private_address": true`,
          ),
        );
      return send(url, agents, request);
    },
    close: () => {
      for (const agent of Object.values(agents)) agent.destroy();
      connections.destroy();
    },
  };
}

type Agents = Record<'http:' | 'https:', ProxyAgent>;

/** URLs have IPv6 addresses in brackets. */
const bareHost = (host: string): string => host.replace(/^\[|\]$/g, '');

function send(
  url: URL,
  agents: Agents,
  { ifNoneMatch, post, maxBytes = MAX_BODY_BYTES }: FetchOptions,
): Promise<HttpAnswer> {
  const secure = url.protocol === 'https:';
  const signal = AbortSignal.timeout(DEADLINE_MS);
  return new Promise<HttpAnswer>((resolve, reject) => {
    const headers = {
      ...HEADERS,
      ...(ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch }),
      ...(post === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const method = post === undefined ? 'GET' : 'POST';
    const options = { agent: agents[secure ? 'https:' : 'http:'], headers, method, signal };
    const request = secure ? https.request(url, options) : http.request(url, options);
    request.once('error', (error) => reject(asFailure(error, signal)));
    request.once('response', (response) => {
      readBody(response, maxBytes).then(
        (body) => {
          const { 'retry-after': retryAfter, etag } = response.headers;
          resolve({ status: response.statusCode ?? 0, retryAfter, etag, body });
        },
        (error: unknown) => reject(asFailure(error, signal)),
      );
    });
    request.end(post);
  });
}

async function readBody(response: http.IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes)
      throw new LogError('log-unavailable', `the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  const encoding = response.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return body;
  if (encoding !== 'gzip') throw new LogError('log-unavailable', `the answer is packed as '${encoding}'`);
  return gunzipSync(body, { maxOutputLength: maxBytes });
}

function asFailure(error: unknown, deadline: AbortSignal): CtgaError {
  if (error instanceof CtgaError) return error;
  if (deadline.aborted) return new LogError('log-unavailable', `no answer within ${DEADLINE_MS / 1000} s`);
  return new LogError('log-unavailable', messageOf(error));
}

/**
 * Node's own agent with connections through the proxy: one at a time, kept for the next request of this
 * identity. Node's client is built in, so it needs no file once the challenger has given up root.
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

/** Every socket of one identity, so that closing it ends them whatever they are waiting for. */
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

  /** A stream to `host`, whose name the proxy resolves. */
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
      // The proxy is there and says that it cannot reach the log: that is about the log.
      if (error instanceof SocksClientError && message.includes('rejected connection')) {
        throw new LogError('log-unavailable', `the proxy cannot reach ${host}:${port} (${message})`);
      }
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

  #unavailable(cause: unknown): CtgaError {
    const { host, port } = this.#proxy;
    return new CtgaError(
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

/** Certificates are verified against the system's roots and NODE_EXTRA_CA_CERTS; HTTP/1.1 only. */
function startTls(socket: Socket, host: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // A name to be verified; RFC 6066, Section 3 has none for addresses.
    const name = isIP(host) === 0 ? { servername: host } : { host };
    const secured = tlsConnect({ socket, ...name, ALPNProtocols: ['http/1.1'] }, () => {
      secured.off('error', reject);
      resolve(secured);
    });
    secured.once('error', reject);
  });
}
