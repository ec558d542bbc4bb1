// SPDX-License-Identifier: Apache-2.0
/**
 * A server that many slow clients cannot fill. One that is full turns new clients away and keeps those
 * that send a request over minutes, or none (slowloris). This one closes the connection that has kept it
 * waiting for longest. Who asks at once is answered before so many others have come.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** For a server's first argument: how soon it asks who is slow to go, in milliseconds. */
export const HURRY = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
} as const;

/**
 * At most `most` connections wait for a request, or for the rest of one, and at most as many for their answer:
 * whoever has waited longest on either side goes. For before the server listens.
 */
export function keepRoom(server: Server, most: number): void {
  // Since when they wait is their order.
  const asking = new Set<Socket>();
  const asked = new Set<Socket>();
  const move = (socket: Socket, from: Set<Socket>, to: Set<Socket>): void => {
    from.delete(socket);
    if (socket.destroyed) return;
    to.delete(socket);
    to.add(socket);
    const [oldest] = to;
    if (to.size > most) oldest?.destroy();
  };
  server.on('connection', (socket: Socket) => {
    socket.once('close', () => {
      asking.delete(socket);
      asked.delete(socket);
    });
    move(socket, asked, asking);
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    // Node reads what nobody read when the answer is out, and says then that it has ended.
    request.once('end', () => {
      if (!response.writableFinished) move(socket, asking, asked);
    });
    response.once('finish', () => move(socket, asked, asking));
  });
}
