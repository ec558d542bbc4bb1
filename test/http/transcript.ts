// SPDX-License-Identifier: Apache-2.0
/** What a client shows to a server: its ClientHello, its TLS records, and what is in them. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';

export interface ShownConnection {
  /** The first record. */
  hello: Buffer;
  /** What was in the records with application data, one by one. */
  readonly records: Buffer[];
  /** The lengths of all records, as they were on the wire. */
  readonly lengths: number[];
}

export interface Transcript {
  readonly port: number;
  readonly connections: readonly ShownConnection[];
  /** Waits until all connections have ended. */
  readonly ended: () => Promise<void>;
  readonly close: () => void;
}

/**
 * A server that speaks `protocol` and answers every request. With `closes`, it closes an HTTP/1.1
 * connection after the answer.
 */
export async function startTranscript(
  protocol: 'h2' | 'http/1.1',
  options: TlsOptions,
  closes = false,
): Promise<Transcript> {
  const connections: ShownConnection[] = [];
  const web =
    protocol === 'h2'
      ? createHttp2Server((_, response) => response.end('hello'))
      : createHttpServer((_, response) => {
          if (closes) response.setHeader('connection', 'close');
          response.end('hello');
        });
  const webPort = await listen(web);
  // By the port that they have on the way from the front to the end of TLS.
  const byPort = new Map<number, ShownConnection>();
  const secure = createTlsServer({ ...options, ALPNProtocols: [protocol] }, (socket) => {
    const shown = byPort.get(socket.remotePort ?? 0);
    const upstream = connect(webPort, '127.0.0.1');
    socket.on('data', (bytes: Buffer) => {
      shown?.records.push(bytes);
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => socket.write(bytes));
    socket.once('end', () => upstream.end());
    upstream.once('end', () => socket.end());
    for (const each of [socket, upstream]) each.on('error', () => undefined);
  });
  const securePort = await listen(secure);
  let open = 0;
  const front = createServer({ allowHalfOpen: true }, (client) => {
    open += 1;
    const shown: ShownConnection = { hello: Buffer.alloc(0), records: [], lengths: [] };
    connections.push(shown);
    const upstream = connect(securePort, '127.0.0.1', () => {
      byPort.set(upstream.localPort ?? 0, shown);
      let rest = Buffer.alloc(0);
      client.on('data', (bytes: Buffer) => {
        if (shown.hello.length === 0) shown.hello = bytes;
        rest = Buffer.concat([rest, bytes]);
        while (rest.length >= 5 && rest.length >= 5 + rest.readUInt16BE(3)) {
          const length = rest.readUInt16BE(3);
          shown.lengths.push(length);
          rest = rest.subarray(5 + length);
        }
        upstream.write(bytes);
      });
    });
    upstream.on('data', (bytes) => client.write(bytes));
    upstream.once('end', () => client.end());
    upstream.on('error', () => undefined);
    client.once('end', () => upstream.end());
    client.on('error', () => undefined);
    client.once('close', () => {
      open -= 1;
      upstream.destroy();
      front.emit('one less');
    });
  });
  const port = await listen(front);
  return {
    port,
    connections,
    ended: async () => {
      while (open > 0) await once(front, 'one less');
    },
    close: () => {
      for (const server of [front, secure, web]) server.close();
    },
  };
}

async function listen(server: Pick<Server, 'listen' | 'address'>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
