// SPDX-License-Identifier: Apache-2.0
/**
 * A DNS server: UDP and TCP sockets in front of a responder (RFC 1035, Section 4.2; RFC 7766).
 */
import { once } from 'node:events';
import { createServer, isIP, type Server, type Socket } from 'node:net';
import { constants } from 'node:os';
import { badInput, CtgaError, messageOf } from '../base/errors.ts';
import { isNativeError } from '../native/addon.ts';
import { clientOf, clientOfBytes, type Client, type RateLimit } from './rate-limit.ts';
import { frameMessage, framedMessages } from './tcp-framing.ts';
import { addressBytes, clientOfPeer, ownAddress, UdpSocket, type UdpClient } from './udp.ts';

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** What the server knows about a query besides its bytes. */
export interface Exchange {
  readonly client: { readonly address: string };
  /** Where the query was sent to, if known: the address of the zone's one name server. */
  readonly serverAddress?: string | undefined;
  readonly transport: 'udp' | 'tcp';
  /**
   * Pad the response to this many bytes, if the client speaks EDNS (which padding needs) and takes
   * messages of that size.
   */
  readonly padTo?: number | undefined;
  /**
   * The client asks too often. It gets an empty response that tells it to ask over TCP, where
   * nobody can forge a source address.
   */
  readonly overLimit?: boolean;
}

/** What answers queries; it knows nothing of sockets. */
export interface Responder {
  /**
   * The response over UDP to the bytes of a query, if it is ready: the one that `respond` would
   * give, whoever asks. It keeps nothing of the bytes.
   */
  ready?(query: Uint8Array): Buffer | undefined;
  /**
   * Resolves to the response to the bytes of a query, or to undefined if the server should stay
   * silent. It never rejects because of what is in the bytes.
   */
  respond(query: Uint8Array, exchange: Exchange): Promise<Buffer | undefined>;
}

export interface DnsServerOptions {
  /** If it is not given, the server limits nobody. */
  readonly limit?: RateLimit;
  /**
   * Called with each UDP response. It returns true if it sends the response itself, for instance in
   * IP fragments of a chosen size. `server` is the address that the server was told to listen on.
   */
  readonly transmit?: (response: Uint8Array, client: UdpClient, server: Endpoint) => boolean;
  /**
   * Pad UDP responses to this many bytes (EDNS padding, RFC 7830). A response to a client without
   * EDNS cannot be padded, and no response gets larger than the client takes.
   */
  readonly padTo?: (client: UdpClient) => number | undefined;
}

/**
 * Over TCP, a query has to arrive whole within this time, and so has the client's acknowledgement
 * of a response. Single bytes do not extend it. RFC 7766, Section 6.2.3, suggests seconds; a client
 * that is slower connects again.
 */
const TCP_PATIENCE_MS = 10_000;
const MAX_TCP_CONNECTIONS = 256;
/** A client is what the rate limit calls one. A resolver needs a few connections. */
const MAX_TCP_CONNECTIONS_OF_A_CLIENT = 16;
/**
 * The most questions that may wait for the responder. The server drops more, as any busy server
 * does.
 */
const MAX_UDP_IN_FLIGHT = 1024;

export class DnsServer {
  readonly #responder: Responder;
  readonly #options: DnsServerOptions;
  #udp: UdpSocket | undefined;
  #tcp: Server | undefined;
  /** The client of each connection; the one that was served longest ago is first. */
  readonly #connections = new Map<Socket, Client>();
  #inFlight = 0;

  constructor(responder: Responder, options: DnsServerOptions = {}) {
    this.#responder = responder;
    this.#options = options;
  }

  /**
   * Listens on UDP and TCP. Port 0 takes a port that is free for both. Rejects with CtgaError if
   * the address is not an IP address of this host, is taken, or may not be used.
   */
  async listen(endpoint: Endpoint): Promise<{ readonly port: number }> {
    const version = isIP(endpoint.address);
    if (version === 0) throw badInput(`"${endpoint.address}" is not an IP address`);
    if (this.#udp !== undefined) throw new Error('the server is listening already');
    // For port 0, UDP chooses. Another process may have that port for TCP, so try again.
    for (let attempts = endpoint.port === 0 ? 8 : 1; ; attempts--) {
      try {
        await this.#bind(endpoint);
        return { port: this.#udpSocket().port };
      } catch (error) {
        await this.close();
        if (attempts === 1 || errnoOf(error) !== constants.errno.EADDRINUSE)
          throw bindFailure(endpoint, error);
      }
    }
  }

  /** Stops listening and closes all connections. Questions under way get no answer. */
  async close(): Promise<void> {
    const [udp, tcp] = [this.#udp, this.#tcp];
    this.#udp = undefined;
    this.#tcp = undefined;
    for (const connection of this.#connections.keys()) connection.destroy();
    udp?.close();
    if (tcp?.listening === true) await new Promise((done) => tcp.close(done));
  }

  async #bind(endpoint: Endpoint): Promise<void> {
    const udp = new UdpSocket(endpoint, (query, peer) =>
      this.#onDatagram(udp, query, peer, endpoint),
    );
    this.#udp = udp;

    const tcp = createServer({ allowHalfOpen: true }, (socket) => void this.#serveTcp(socket));
    this.#tcp = tcp;
    tcp.listen(udp.port, endpoint.address);
    await once(tcp, 'listening');
    tcp.on('error', () => undefined); // a connection that was gone before it was accepted
  }

  #onDatagram(udp: UdpSocket, query: Uint8Array, peer: Uint8Array, bound: Endpoint): void {
    const { limit, padTo, transmit } = this.#options;
    const permission = limit?.ask(clientOfBytes(addressBytes(peer))) ?? 'answer';
    if (permission === 'nothing') return;
    if (permission === 'answer' && padTo === undefined && transmit === undefined) {
      const response = this.#responder.ready?.(query);
      if (response !== undefined) return udp.send(response, peer);
    }
    if (this.#inFlight >= MAX_UDP_IN_FLIGHT) return;
    // The next batch will be where these are.
    const [bytes, from] = [Uint8Array.from(query), Uint8Array.from(peer)];
    void this.#answerUdp(udp, bytes, from, bound, permission === 'over TCP');
  }

  async #answerUdp(
    udp: UdpSocket,
    query: Uint8Array,
    peer: Uint8Array,
    bound: Endpoint,
    overLimit: boolean,
  ): Promise<void> {
    this.#inFlight += 1;
    try {
      const client = clientOfPeer(peer);
      const response = await this.#responder.respond(query, {
        client,
        serverAddress: ownAddress(peer) ?? bound.address,
        transport: 'udp',
        overLimit,
        padTo: this.#options.padTo?.(client),
      });
      if (response === undefined || udp !== this.#udp) return;
      const server = { address: bound.address, port: udp.port };
      if (this.#options.transmit?.(response, client, server) === true) return;
      udp.send(response, peer);
    } finally {
      this.#inFlight -= 1;
    }
  }

  /** Answers one question after the other, and reads no further while it does. */
  async #serveTcp(socket: Socket): Promise<void> {
    const client = { address: socket.remoteAddress ?? '' };
    this.#admit(socket, clientOf(client.address));
    const exchange = { client, serverAddress: socket.localAddress, transport: 'tcp' } as const;
    let patience: NodeJS.Timeout | undefined;
    const wait = (): void => {
      clearTimeout(patience);
      patience = setTimeout(() => socket.destroy(), TCP_PATIENCE_MS);
    };
    try {
      wait();
      for await (const query of framedMessages(socket)) {
        clearTimeout(patience);
        // Nobody can forge the address of a connection, so a client that asks too much there gets
        // no answer at all.
        if (this.#options.limit?.ask(clientOf(client.address)) === 'nothing') return;
        const response = await this.#responder.respond(query, exchange);
        if (response === undefined) return; // nothing that a client of ours would send
        wait();
        await write(socket, response);
        this.#served(socket);
        wait();
      }
    } catch {
      // The client is gone, so there is nobody to tell.
    } finally {
      clearTimeout(patience);
      this.#connections.delete(socket);
      socket.destroy();
    }
  }

  /**
   * Makes room for a new connection. If the client has its share already, its own oldest connection
   * is closed; if the server is full, the oldest of all is. So nobody can keep others out by
   * holding connections open.
   */
  #admit(socket: Socket, client: Client): void {
    const all = [...this.#connections.keys()];
    const ofClient = all.filter((each) => this.#connections.get(each) === client);
    const crowd =
      ofClient.length >= MAX_TCP_CONNECTIONS_OF_A_CLIENT
        ? ofClient
        : all.length >= MAX_TCP_CONNECTIONS
          ? all
          : [];
    for (const oldest of crowd.slice(0, 1)) {
      this.#connections.delete(oldest);
      oldest.destroy();
    }
    this.#connections.set(socket, client);
  }

  /** Puts a connection behind those that were served before it. */
  #served(socket: Socket): void {
    const client = this.#connections.get(socket);
    if (client === undefined) return;
    this.#connections.delete(socket);
    this.#connections.set(socket, client);
  }

  #udpSocket(): UdpSocket {
    if (this.#udp === undefined) throw new Error('the server is not listening');
    return this.#udp;
  }
}

function write(socket: Socket, response: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(frameMessage(response), (error) => (error ? reject(error) : resolve()));
  });
}

/** What the system refused, to UDP or to TCP, as a positive number. */
function errnoOf(error: unknown): number | undefined {
  if (isNativeError(error)) return error.errno;
  const { errno } = error as NodeJS.ErrnoException;
  return errno === undefined ? undefined : -errno;
}

function bindFailure({ address, port }: Endpoint, error: unknown): CtgaError {
  if (error instanceof CtgaError) return error as CtgaError;
  const { EACCES, EADDRINUSE } = constants.errno;
  const [code, remedy]: ['not-permitted' | 'busy' | 'bad-input', string] =
    errnoOf(error) === EACCES
      ? ['not-permitted', 'Ports below 1024 need root or CAP_NET_BIND_SERVICE.']
      : errnoOf(error) === EADDRINUSE
        ? ['busy', 'Choose another port, or stop what listens there.']
        : ['bad-input', 'Give an address of this host.'];
  return new CtgaError(code, `cannot listen on ${address} port ${port}: ${messageOf(error)}`, {
    remedy,
    cause: error,
  });
}
