// SPDX-License-Identifier: Apache-2.0
/**
 * The challenger's only way out: a SOCKS5 proxy that resolves names itself (socks5h).
 *
 * An Identity is one set of random SOCKS credentials, which Tor turns into a circuit of its own
 * (IsolateSOCKSAuth). Identities never share connections, and there is no way around the proxy: if
 * it is down, nothing is sent. curl.ts says what a request looks like. (Paper, Section 3.3:
 * challenges must not be linkable to the packet processor.)
 */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { SocksClient, SocksClientError } from 'socks';
import { messageOf } from '../base/errors.ts';
import { connectTcp, Connections } from './connections.ts';
import { HttpError, ProxyError } from './error.ts';
import type { ProxyAddress } from './proxy-address.ts';
import { DEADLINE_MS, tlsOf, wayOver, type HttpOptions, type Way } from './request.ts';

/** A way through the proxy, which resolves names. */
export type Identity = Way;

export function openIdentity(proxy: ProxyAddress, options: HttpOptions = {}): Identity {
  const credentials = {
    userId: randomBytes(12).toString('hex'),
    password: randomBytes(12).toString('hex'),
  };
  const connections = new Connections(
    (host, port, signal) => dialThrough(proxy, credentials, { host, port }, signal),
    DEADLINE_MS,
    tlsOf(options),
  );
  return wayOver(connections, options);
}

/** Whether somebody listens at the proxy's address within so many ms. It is asked for nothing. */
export async function isListening(proxy: ProxyAddress, patience: number): Promise<boolean> {
  try {
    const socket = await connectTcp({ ...proxy, signal: AbortSignal.timeout(patience) });
    socket.destroy();
    return true;
  } catch {
    return false;
  }
}

/** Connects to a host, whose name the proxy resolves. Rejects with HttpError or ProxyError. */
async function dialThrough(
  proxy: ProxyAddress,
  credentials: { readonly userId: string; readonly password: string },
  destination: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<Socket> {
  let socket: Socket | undefined;
  try {
    socket = await connectTcp({ ...proxy, signal });
    await SocksClient.createConnection({
      command: 'connect',
      proxy: { ...proxy, type: 5, ...credentials },
      destination,
      existing_socket: socket,
      timeout: DEADLINE_MS,
    });
    return socket;
  } catch (error) {
    socket?.destroy();
    const message = messageOf(error);
    // The proxy is there and says that it cannot reach the host: that is about the host.
    if (error instanceof SocksClientError && message.includes('rejected connection')) {
      const { host, port } = destination;
      throw new HttpError('http-no-answer', `the proxy cannot reach ${host}:${port} (${message})`);
    }
    throw new ProxyError(
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
