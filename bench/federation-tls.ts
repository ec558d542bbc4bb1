// SPDX-License-Identifier: Apache-2.0
/**
 * The same as bench/federation.ts over real connections: each member has its HTTPS server and its
 * connections to all others on loopback, as `ctga federation run` has, in one process. So all members
 * share the CPU of one thread, and time is the wall's. Bytes are those of the sockets, with TLS and
 * HTTP in them.
 */
import diagnostics from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { hex } from '../src/federation/bytes.ts';
import { Member, type Input, type Output } from '../src/federation/member.ts';
import { Peers } from '../src/federation/peers.ts';
import { Roster } from '../src/federation/roster.ts';
import type { Observer } from '../src/federation/round.ts';
import { FederationServer } from '../src/federation/server.ts';
import { MemoryStore } from '../src/federation/store.ts';
import { certificateOf } from '../src/federation/tls.ts';
import { keysOf, rosterBody, type Keys } from '../test/federation/network.ts';
import { observerOf, thresholdFor } from '../test/support/federation.ts';
import { LOGS, type FaultKind } from './federation.ts';

/** Seconds; and ms. A thread that all members share is slow, which is no silence. */
const PERIOD = 20;
const PATIENCE_MS = 4000;
const PARTITION_MS = 5000;
const WARM_UP = 2;
const MEASURED = 2;

export interface TlsAgreement {
  readonly members: number;
  readonly f: number;
  readonly threshold: number;
  readonly fault: FaultKind;
  /** Until the last honest member has verified what is agreed on; of a partition, from its end. In ms. */
  readonly convergence: number;
  /** Of all bytes on the sockets, a member's share in a period. */
  readonly bytes: number;
  /** Of what this process computed, a member's share in a period, in ms. */
  readonly cpu: number;
}

/** All bytes on connections that servers of this process took, in both directions. */
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
          isCosigned: () => true,
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

/** The slowest of some periods; what is sent and computed is their mean. */
export async function measureOverTls(
  members: number,
  f: number,
  fault: FaultKind,
): Promise<TlsAgreement> {
  const threshold = thresholdFor(members, f);
  const keys = keysOf(members);
  const agreed = new Map<string, { statements: number; at: number }>();
  const wire = new Wire();
  const stations = keys.map(
    (each, i) =>
      new Station(each, (period, statements) => {
        const known = agreed.get(`${period} ${i}`)?.statements ?? 0;
        agreed.set(`${period} ${i}`, { statements: known + statements, at: Date.now() });
      }),
  );
  try {
    const urls = await Promise.all(stations.map((each) => each.listen()));
    const body = rosterBody(keys, { threshold, period: PERIOD, patience: PATIENCE_MS });
    const roster = Roster.of({
      ...body,
      members: body.members.map((each, i) => ({ ...each, url: urls[i] ?? each.url })),
    });
    const failing = fault === 'none' || fault === 'partition' ? 0 : f;
    for (const [i, station] of stations.entries()) {
      const twoFaced = fault === 'equivocating' && i < failing;
      if (fault === 'silent' && i < failing) continue;
      const behind = twoFaced ? [0, 1] : [0];
      station.begin(
        roster,
        behind.map((each) => observerOf(LOGS, each)),
      );
    }
    const honest = stations.map((_, i) => i).filter((i) => i >= failing);
    const first = Math.floor(Date.now() / 1000 / PERIOD) + 1 + WARM_UP;
    await sleep(first * PERIOD * 1000 - Date.now() - 500);
    if (fault === 'falling silent')
      for (const each of stations.slice(0, failing)) each.fallSilent();
    const before = { bytes: wire.bytes, cpu: process.cpuUsage() };
    let convergence = 0;
    for (let period = first; period < first + MEASURED; period++) {
      const start = period * PERIOD * 1000;
      const from = fault === 'partition' ? start + PARTITION_MS : start;
      if (fault === 'partition')
        for (const [i, station] of stations.entries())
          station.reaches = (place) => place % 2 === i % 2;
      await sleep(from - Date.now());
      for (const station of stations) station.reaches = () => true;
      await sleep((period + 1) * PERIOD * 1000 - Date.now() - 500);
      for (const i of honest) {
        const known = agreed.get(`${period} ${i}`);
        const took = known?.statements === LOGS ? known.at - from : Infinity;
        convergence = Math.max(convergence, took);
      }
    }
    const { user, system } = process.cpuUsage(before.cpu);
    const share = honest.length * MEASURED;
    return {
      members,
      f,
      threshold,
      fault,
      convergence,
      bytes: (wire.bytes - before.bytes) / share,
      cpu: (user + system) / 1000 / share,
    };
  } finally {
    await Promise.all(stations.map((each) => each.stop()));
    wire.stop();
  }
}

/** By size, and with faults in the largest federation; fewer of both if quick. */
export async function measureFederationOverTls(
  isQuick: boolean,
  say: (what: string) => void,
): Promise<TlsAgreement[]> {
  const runs: [number, number, FaultKind][] = isQuick
    ? [[4, 1, 'none']]
    : [
        [4, 1, 'none'],
        [8, 2, 'none'],
        [16, 5, 'none'],
        [32, 10, 'none'],
        [32, 1, 'silent'],
        [32, 8, 'silent'],
        [32, 8, 'falling silent'],
        [32, 8, 'equivocating'],
        [32, 10, 'partition'],
      ];
  const found: TlsAgreement[] = [];
  for (const [size, f, fault] of runs) {
    say(`  over TLS: ${size} members, f = ${f}, ${fault}`);
    found.push(await measureOverTls(size, f, fault));
  }
  return found;
}
