// SPDX-License-Identifier: Apache-2.0
/**
 * Sending to peers: one connection to each, kept open, over a proxy or directly; what is to be sent
 * to one that is slow waits for itself, and is bounded.
 */
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:https';
import type { Socket } from 'node:net';
import {
  connect as connectTls,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { SocksClient } from 'socks';
import type { ProxyAddress } from '../http/proxy-address.ts';
import { bareHost } from '../http/targets.ts';
import { concat, hex, isSame, long } from './bytes.ts';
import type { Peer } from './member.ts';
import { MAX_MESSAGE } from './messages.ts';
import type { Member } from './roster.ts';
import { MESSAGES_PATH } from './server.ts';
import { keyOfCertificate } from './tls.ts';

/** Of one peer: what it does not take is forgotten, the oldest first; sets are compared later. */
const MAX_WAITING_BYTES = 8 * 2 ** 20;

export interface PeersOptions {
  /** In PEM. */
  readonly certificate: string;
  readonly privateKey: string;
  readonly proxy: ProxyAddress | undefined;
  /** Milliseconds after which a peer that does not answer is given up for now. */
  readonly deadline: number;
  readonly onSent: (peer: Peer, bytes: number) => void;
  readonly onFailure: (peer: Peer, error: unknown) => void;
}

interface Line {
  readonly member: Member;
  readonly agent: Agent;
  waiting: Uint8Array[];
  isBusy: boolean;
}

export class Peers {
  readonly #options: PeersOptions;
  readonly #lines = new Map<Peer, Line>();
  /** What is shown to all peers: to make it takes as long as a handshake. */
  readonly #context: SecureContext;
  #isClosed = false;

  constructor(options: PeersOptions) {
    this.#options = options;
    const { certificate: cert, privateKey: key } = options;
    this.#context = createSecureContext({ cert, key, minVersion: 'TLSv1.3' });
  }

  /** Those who are sent to from now on. */
  set(members: readonly Member[]): void {
    const keys = new Set(members.map(({ key }) => hex(key)));
    for (const [peer, { agent, member }] of this.#lines) {
      const isSameUrl = members.some(({ key, url }) => hex(key) === peer && url === member.url);
      if (keys.has(peer) && isSameUrl) continue;
      agent.destroy();
      this.#lines.delete(peer);
    }
    for (const member of members) {
      const peer = hex(member.key);
      if (!this.#lines.has(peer))
        this.#lines.set(peer, { member, agent: this.#agentTo(member), waiting: [], isBusy: false });
    }
  }

  send(peer: Peer, bytes: Uint8Array): void {
    const line = this.#lines.get(peer);
    if (line === undefined || this.#isClosed) return;
    line.waiting.push(bytes);
    let left = MAX_WAITING_BYTES;
    line.waiting = line.waiting
      .toReversed()
      .filter((each) => (left -= each.length) >= 0)
      .reverse();
    // What is said in one turn goes in one request.
    if (!line.isBusy) setImmediate(() => void this.#flush(peer, line));
  }

  close(): void {
    this.#isClosed = true;
    for (const { agent } of this.#lines.values()) agent.destroy();
    this.#lines.clear();
  }

  async #flush(peer: Peer, line: Line): Promise<void> {
    if (line.isBusy) return;
    line.isBusy = true;
    try {
      while (line.waiting.length > 0 && this.#lines.get(peer) === line) {
        const parts: Uint8Array[] = [];
        let left = MAX_MESSAGE;
        while (
          line.waiting[0] !== undefined &&
          (parts.length === 0 || line.waiting[0].length <= left)
        ) {
          const next = line.waiting.shift();
          if (next === undefined) break;
          left -= next.length;
          parts.push(long(next));
        }
        const body = concat(parts);
        await this.#post(line, body);
        this.#options.onSent(peer, body.length);
      }
    } catch (error) {
      // What was on its way is lost, and what waits is old by the time that the peer is back.
      line.waiting = [];
      if (!this.#isClosed) this.#options.onFailure(peer, error);
    } finally {
      line.isBusy = false;
    }
  }

  #post({ member, agent }: Line, body: Uint8Array): Promise<void> {
    const url = new URL(MESSAGES_PATH.slice(1), member.url);
    return new Promise((resolve, reject) => {
      const sent = request(
        url,
        {
          method: 'POST',
          agent,
          headers: { 'content-length': body.length },
          signal: AbortSignal.timeout(this.#options.deadline),
        },
        (response) => {
          response.resume();
          response.once('end', () =>
            response.statusCode === 204
              ? resolve()
              : reject(new Error(`HTTP ${response.statusCode ?? 0}`)),
          );
          response.once('error', reject);
        },
      );
      sent.once('error', reject);
      sent.end(body);
    });
  }

  #agentTo(member: Member): Agent {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { hostname, port } = new URL(member.url);
    const destination = { host: bareHost(hostname), port: Number(port || 443) };
    Object.assign(agent, {
      createConnection: (
        _: unknown,
        done: (error: Error | null, socket?: TLSSocket) => void,
      ): void => {
        this.#connect(member, destination).then(
          (socket) => done(null, socket),
          (error: unknown) => done(error as Error),
        );
      },
    });
    return agent;
  }

  async #connect(
    { key, name }: Member,
    destination: { readonly host: string; readonly port: number },
  ): Promise<TLSSocket> {
    const { proxy, deadline } = this.#options;
    let tunnel: Socket | undefined;
    if (proxy !== undefined) {
      const made = await SocksClient.createConnection({
        // Of each its own circuit, where the proxy is Tor (IsolateSOCKSAuth).
        proxy: { ...proxy, type: 5, userId: name, password: hex(randomBytes(12)) },
        command: 'connect',
        destination,
        timeout: deadline,
      });
      tunnel = made.socket;
    }
    return new Promise((resolve, reject) => {
      const socket = connectTls({
        ...(tunnel === undefined ? destination : { socket: tunnel }),
        secureContext: this.#context,
        // The key is pinned by the roster, and no authority has a part in it.
        rejectUnauthorized: false,
      });
      socket.setTimeout(deadline, () => socket.destroy(new Error('it says nothing')));
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        const { raw } = socket.getPeerCertificate() as { raw?: Buffer };
        const shown = raw && keyOfCertificate(raw);
        if (shown === undefined || !isSame(shown, key)) {
          socket.destroy();
          return reject(new Error(`whoever answers there has not the key of ${name}`));
        }
        socket.setTimeout(0);
        socket.off('error', reject);
        socket.on('error', () => undefined);
        resolve(socket);
      });
    });
  }
}
