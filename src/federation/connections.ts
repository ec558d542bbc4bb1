// SPDX-License-Identifier: Apache-2.0
/**
 * Who is connected. Anybody can be as many strangers as he likes, so strangers take their places from
 * each other alone, and so do the connections of one peer. A connection is a stranger's until a peer,
 * whom TLS tells by its key, has sent something over it.
 */
import type { Socket } from 'node:net';
import type { Peer } from './member.ts';

const MAX_STRANGERS = 512;
/** It has one, and after that broke without a word another; of each one body is read at a time. */
const MAX_OF_PEER = 2;

type Open = Map<string, Socket>;

export class Connections {
  readonly #strangers: Open = new Map();
  readonly #ofPeers = new Map<Peer, Open>();

  /** Takes in a connection as soon as it is accepted, and ends the oldest where it is one too many. */
  accept(socket: Socket): void {
    const from = placeOf(socket);
    // Gone already.
    if (from === undefined) return void socket.destroy();
    add(this.#strangers, from, socket, MAX_STRANGERS);
    socket.once('close', () => {
      for (const open of [this.#strangers, ...this.#ofPeers.values()])
        if (open.get(from) === socket) open.delete(from);
    });
  }

  /** That it is a peer who sends over an accepted connection; to say it again changes nothing. */
  know(tls: Socket, peer: Peer): void {
    const from = placeOf(tls);
    const socket = from === undefined ? undefined : this.#strangers.get(from);
    if (from === undefined || socket === undefined) return;
    this.#strangers.delete(from);
    const open = this.#ofPeers.get(peer) ?? new Map<string, Socket>();
    this.#ofPeers.set(peer, open);
    add(open, from, socket, MAX_OF_PEER);
  }

  /** Ends all of them: also those over which nobody has begun to speak TLS, which no HTTP server knows. */
  end(): void {
    for (const open of [this.#strangers, ...this.#ofPeers.values()])
      for (const socket of open.values()) socket.destroy();
  }
}

/** TLS and what is below it have one place. */
function placeOf({ remoteAddress, remotePort, localAddress }: Socket): string | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return `${remoteAddress} ${remotePort} ${localAddress ?? ''}`;
}

function add(open: Open, from: string, socket: Socket, most: number): void {
  open.set(from, socket);
  const [oldest] = open;
  if (open.size <= most || oldest === undefined) return;
  const [place, first] = oldest;
  open.delete(place);
  first.destroy();
}
