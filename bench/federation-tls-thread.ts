// SPDX-License-Identifier: Apache-2.0
/**
 * Some members of bench/federation-tls.ts, in a thread of their own: each has its HTTPS server, and
 * its connections to all others. What they are to do is told by messages, and so is what they did.
 */
import { createPrivateKey, sign } from 'node:crypto';
import diagnostics from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { sign as signBls } from '../src/bls/signatures.ts';
import { encodeSignature, standard } from '../src/bls/standard.ts';
import { hex } from '../src/federation/bytes.ts';
import { Member, type Input, type Output } from '../src/federation/member.ts';
import { Peers } from '../src/federation/peers.ts';
import { Roster, type RosterBody } from '../src/federation/roster.ts';
import type { Observer } from '../src/federation/round.ts';
import { FederationServer } from '../src/federation/server.ts';
import { MemoryStore } from '../src/federation/store.ts';
import { certificateOf } from '../src/federation/tls.ts';
import type { Keys } from '../test/federation/network.ts';
import { observerOf } from '../test/support/federation.ts';
import { LOGS } from './federation.ts';

/** A member's keys, as one thread hands them to another. */
export interface SentKeys {
  readonly key: Uint8Array;
  /** PEM. */
  readonly privateKey: string;
  readonly secret: bigint;
}

export interface ThreadData {
  /** Those of its members, by their place in the roster. */
  readonly keys: ReadonlyMap<number, SentKeys>;
}

export type ToThread =
  /** `behind`: by place, how many periods late each face of a member sees the logs. */
  | {
      readonly kind: 'begin';
      readonly body: RosterBody;
      readonly behind: ReadonlyMap<number, readonly number[]>;
    }
  | { readonly kind: 'fall-silent'; readonly places: readonly number[] }
  | { readonly kind: 'part'; readonly isParted: boolean }
  | { readonly kind: 'count' }
  | { readonly kind: 'stop' };

export type FromThread =
  | { readonly kind: 'listening'; readonly urls: ReadonlyMap<number, string> }
  | { readonly kind: 'done' }
  | { readonly kind: 'counted'; readonly bytes: number }
  | {
      readonly kind: 'agreed';
      readonly place: number;
      readonly period: number;
      readonly statements: number;
      readonly at: number;
    };

/** All bytes on connections that servers of this thread took, in both directions. */
class Wire {
  readonly #sockets = new Set<Socket>();
  #closed = 0;
  readonly #onSocket = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#closed += socket.bytesRead + socket.bytesWritten;
      this.#sockets.delete(socket);
    });
  };

  constructor() {
    diagnostics.subscribe('net.server.socket', this.#onSocket);
  }

  get bytes(): number {
    const open = [...this.#sockets].map(({ bytesRead, bytesWritten }) => bytesRead + bytesWritten);
    return open.reduce((sum, each) => sum + each, this.#closed);
  }

  stop(): void {
    diagnostics.unsubscribe('net.server.socket', this.#onSocket);
  }
}

/** A member, or a liar with two faces, of which peers with even and odd places see one each. */
class Station {
  readonly #keys: Keys;
  readonly #onCertified: (period: number, statements: number) => void;
  #server: FederationServer | undefined;
  #peers: Peers | undefined;
  #faces: Member[] = [];
  #timer: NodeJS.Timeout | undefined;
  #places = new Map<string, number>();
  /** Whether it may tell a peer, by its place. */
  reaches: (place: number) => boolean = () => true;

  constructor(keys: Keys, onCertified: (period: number, statements: number) => void) {
    this.#keys = keys;
    this.#onCertified = onCertified;
  }

  async listen(): Promise<string> {
    const { key, privateKey } = this.#keys;
    this.#server = await FederationServer.start({
      address: '127.0.0.1',
      port: 0,
      certificate: certificateOf('m', key, privateKey),
      privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
      isPeer: (peer) => this.#places.has(peer),
      onMessage: (peer, bytes) => this.#give({ kind: 'message', peer, bytes }),
      version: () => '',
      update: () => '',
      policy: () => '',
      metrics: {
        contentType: 'text/plain',
        render: () => Promise.resolve(''),
        countRequest: () => undefined,
      },
      onError: (error) => {
        throw error;
      },
    });
    return this.#server.at.url;
  }

  begin(roster: Roster, observers: readonly Observer[]): void {
    const { key, privateKey, signer } = this.#keys;
    this.#places = new Map(roster.body.members.map((each, place) => [hex(each.key), place]));
    this.#peers = new Peers({
      certificate: certificateOf('m', key, privateKey),
      privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
      proxy: undefined,
      deadline: 60_000,
      onSent: () => undefined,
      onFailure: () => undefined,
    });
    this.#peers.set(roster.body.members.filter((each) => hex(each.key) !== hex(key)));
    this.#faces = observers.map(
      (observer) =>
        new Member({
          rosters: [roster],
          key,
          signer,
          observer,
          convicts: () => undefined,
          goodCosignatures: (_, __, bytes) => bytes,
          store: new MemoryStore(),
          random: Math.random,
        }),
    );
    this.#give({ kind: 'time' });
  }

  /** Says and does nothing any more, and answers all the same: whoever is silent is not refused. */
  fallSilent(): void {
    clearTimeout(this.#timer);
    this.#faces = [];
  }

  #give(input: Input): void {
    for (const [i, face] of this.#faces.entries())
      for (const output of face.handle(input, Date.now())) this.#follow(output, i);
    clearTimeout(this.#timer);
    const next = Math.min(...this.#faces.map(({ wakeAt }) => wakeAt));
    if (!Number.isFinite(next)) return;
    this.#timer = setTimeout(() => this.#give({ kind: 'time' }), Math.max(1, next - Date.now()));
  }

  #follow(output: Output, face: number): void {
    if (output.kind === 'certified')
      this.#onCertified(output.certificate.period, output.stated.length);
    if (output.kind !== 'send') return;
    const place = this.#places.get(output.peer) ?? 0;
    const isTold = this.#faces.length === 1 || place % this.#faces.length === face;
    if (isTold && this.reaches(place)) this.#peers?.send(output.peer, output.bytes);
  }

  async stop(): Promise<void> {
    this.fallSilent();
    this.#peers?.close();
    await this.#server?.stop();
  }
}

const { keys: sent } = workerData as ThreadData;
const wire = new Wire();
const tell = (message: FromThread): void => parentPort?.postMessage(message);
const stations = new Map(
  [...sent].map(([place, { key, privateKey: pem, secret }]) => {
    const privateKey = createPrivateKey(pem);
    const signer = {
      sign: (bytes: Uint8Array) => new Uint8Array(sign(null, bytes, privateKey)),
      signBls: (bytes: Uint8Array) => encodeSignature(signBls(standard, secret, bytes)),
    };
    const station = new Station({ key, privateKey, secret, signer }, (period, statements) =>
      tell({ kind: 'agreed', place, period, statements, at: Date.now() }),
    );
    return [place, station];
  }),
);

async function obey(message: ToThread): Promise<void> {
  switch (message.kind) {
    case 'begin': {
      const roster = Roster.of(message.body);
      for (const [place, station] of stations) {
        const observers = message.behind.get(place) ?? [];
        if (observers.length > 0)
          station.begin(
            roster,
            observers.map((each) => observerOf(LOGS, each)),
          );
      }
      return tell({ kind: 'done' });
    }
    case 'fall-silent':
      for (const place of message.places) stations.get(place)?.fallSilent();
      return;
    case 'part':
      for (const [place, station] of stations)
        station.reaches = (to) => !message.isParted || to % 2 === place % 2;
      return;
    case 'count':
      return tell({ kind: 'counted', bytes: wire.bytes });
    case 'stop':
      await Promise.all([...stations.values()].map((each) => each.stop()));
      wire.stop();
      parentPort?.close();
  }
}

parentPort?.on('message', (message: ToThread) => void obey(message));
const urls = await Promise.all(
  [...stations].map(async ([place, station]) => [place, await station.listen()] as const),
);
tell({ kind: 'listening', urls: new Map(urls) });
