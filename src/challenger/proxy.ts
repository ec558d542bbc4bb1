/**
 * The challenger's only way out: a SOCKS5 proxy that resolves names itself (socks5h).
 *
 * One Identity is one set of random SOCKS credentials, which Tor turns into a circuit of its own
 * (IsolateSOCKSAuth). Connections are never shared between identities, headers are constant, redirects are
 * not followed, bytes and time are capped, and there is no way around the proxy: if it is down, nothing
 * is sent. (Paper, Section 3.3: challenges must not be linkable to the packet processor.)
 */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { SocksClient, SocksClientError } from 'socks';
import { Agent, request } from 'undici';
import { CtgaError, badInput, messageOf } from '../errors.ts';
import { LogError, type Fetch } from '../logs/client.ts';

export interface ProxyAddress {
  readonly host: string;
  readonly port: number;
}

export interface Identity {
  readonly fetch: Fetch;
  /** Ends its connections; in-flight requests fail. */
  close(): Promise<void>;
}

/** Where Tor listens by default. */
export const DEFAULT_PROXY = 'socks5h://127.0.0.1:9050';

/** One request, from connecting to the last byte. Tor circuits can take tens of seconds to build. */
const DEADLINE_MS = 90_000;
/** The longest proof is 129 hashes, some 6 KB; entries are not asked for. */
const MAX_BODY_BYTES = 256 * 1024;
/** The same for every log and every installation. */
const HEADERS = { accept: '*/*', 'user-agent': 'Mozilla/5.0' };

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
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) };
}

export function openIdentity(proxy: ProxyAddress): Identity {
  const credentials = { userId: randomBytes(12).toString('hex'), password: randomBytes(12).toString('hex') };
  const agent = new Agent({
    connections: 1,
    pipelining: 1,
    connect: (options, callback) => {
      const host = options.hostname.replace(/^\[|\]$/g, '');
      const secure = options.protocol === 'https:';
      connectThrough(proxy, credentials, host, Number(options.port) || (secure ? 443 : 80))
        .then((socket) => (secure ? startTls(socket, host) : socket))
        .then(
          (socket) => callback(null, socket),
          (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), null),
        );
    },
  });
  return { fetch: (url) => get(agent, url), close: () => agent.destroy() };
}

async function get(dispatcher: Agent, url: string): ReturnType<Fetch> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  try {
    const { statusCode, headers, body } = await request(url, { dispatcher, signal, headers: HEADERS });
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > MAX_BODY_BYTES)
        throw new LogError('log-unavailable', `the answer is longer than ${MAX_BODY_BYTES} bytes`);
      chunks.push(chunk);
    }
    const retryAfter = headers['retry-after'];
    return {
      status: statusCode,
      retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
      body: Buffer.concat(chunks).toString('utf8'),
    };
  } catch (error) {
    if (error instanceof CtgaError) throw error;
    if (signal.aborted) throw new LogError('log-unavailable', `no answer within ${DEADLINE_MS / 1000} s`);
    throw new LogError('log-unavailable', messageOf(error));
  }
}

async function connectThrough(
  proxy: ProxyAddress,
  credentials: { userId: string; password: string },
  host: string,
  port: number,
): Promise<Socket> {
  try {
    const { socket } = await SocksClient.createConnection({
      proxy: { ...proxy, type: 5, ...credentials },
      command: 'connect',
      destination: { host, port },
      timeout: DEADLINE_MS,
    });
    return socket;
  } catch (error) {
    const message = messageOf(error);
    // The proxy is there and says that it cannot reach the log: that is about the log.
    if (error instanceof SocksClientError && message.includes('rejected connection')) {
      throw new LogError('log-unavailable', `the proxy cannot reach ${host}:${port} (${message})`);
    }
    throw new CtgaError(
      'proxy-unavailable',
      `no SOCKS5 proxy answers at ${proxy.host}:${proxy.port}: ${message}`,
      {
        remedy:
          'Start it (for Tor: systemctl start tor) or name another with --proxy. Nothing was sent: logs are never asked directly.',
        cause: error,
      },
    );
  }
}

/** Certificates are verified against the system's roots and NODE_EXTRA_CA_CERTS; HTTP/1.1 only. */
function startTls(socket: Socket, servername: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const secured = tlsConnect({ socket, servername, ALPNProtocols: ['http/1.1'] }, () => resolve(secured));
    secured.once('error', reject);
  });
}
