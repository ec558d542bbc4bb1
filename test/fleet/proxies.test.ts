// SPDX-License-Identifier: Apache-2.0
/**
 * Two challengers of a fleet as they are run, one of which has a proxy that leads nowhere: its logs go
 * to the other, and come back when the proxy leads there again. No time is held against a limit here;
 * test/fleet/leases.test.ts and way-out.test.ts say how long each may take, by clocks of their own.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { noNats } from '../support/bus.ts';
import { TestChallengers, type Started } from '../support/challengers.ts';
import { eventually } from '../support/eventually.ts';
import { noMicrosocks, startMicrosocks } from '../support/microsocks.ts';

/** Each is to ask three, and so many have to be silent before a way is held to be lost. */
const LOGS = 6;

/** Questions that nobody answers, 90 s each: one that was open, those that tried the way, and a margin. */
const SILENT_QUESTIONS_MS = 5 * 90_000;

/** 'silent': it accepts each connection and says nothing. 'refuses': it speaks SOCKS5, and reaches nobody. */
type Fault = 'silent' | 'refuses' | 'gone';

/** A SOCKS5 proxy on one port, whatever is wrong with it. */
class Proxy {
  readonly port: number;
  readonly #real: number;
  #server: Server;
  #fault: Fault | undefined;
  #connections = 0;
  readonly #sockets = new Set<Socket>();

  static async start(t: TestContext, fault: Fault): Promise<Proxy> {
    const microsocks = await startMicrosocks();
    t.after(() => microsocks.stop());
    const proxy = new Proxy(await listening(0), microsocks.port);
    t.after(() => proxy.#close());
    await proxy.become(fault);
    return proxy;
  }

  private constructor(server: Server, real: number) {
    this.port = (server.address() as AddressInfo).port;
    this.#real = real;
    this.#server = server;
  }

  /** Connections that asked for something, or waited in vain. */
  get connections(): number {
    return this.#connections;
  }

  /** Undefined: it works. Connections that were open are reset. */
  async become(fault: Fault | undefined): Promise<void> {
    await this.#close();
    this.#fault = fault;
    if (fault === 'gone') return;
    this.#server = await listening(this.port);
    this.#server.on('connection', (socket) => this.#serve(socket));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
    // Whether somebody listens is looked up by connecting; a question says something.
    socket.once('data', () => (this.#connections += 1));
    if (this.#fault === 'silent') return;
    if (this.#fault === 'refuses') {
      // Username and password, which are right; then: general SOCKS server failure (RFC 1928, 1929).
      const answers = ['0502', '0100', '05010001000000000000'];
      socket.on('data', () => socket.write(Buffer.from(answers.shift() ?? '', 'hex')));
      return;
    }
    const real = connect(this.#real, '127.0.0.1');
    this.#sockets.add(real);
    real.on('error', () => socket.destroy()).on('close', () => this.#sockets.delete(real));
    socket.on('close', () => real.destroy());
    socket.pipe(real).pipe(socket);
  }

  async #close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }
}

async function listening(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}

function leases({ events }: Started): { log: string; isHeld: boolean; at: number }[] {
  return events.flatMap(({ event, at }) =>
    event['event'] === 'lease'
      ? { log: String(event['log']), isHeld: event['isHeld'] === true, at }
      : [],
  );
}

/** What it holds by what it said. */
function held(challenger: Started): Set<string> {
  const all = new Set<string>();
  for (const { log, isHeld } of leases(challenger))
    if (isHeld) all.add(log);
    else all.delete(log);
  return all;
}

describe(
  'a challenger whose proxy leads nowhere',
  { skip: noNats || noMicrosocks, concurrency: true },
  () => {
    for (const [fault, notice] of [
      ['gone', 'no-way-out'],
      ['refuses', 'leads-nowhere'],
      ['silent', 'leads-nowhere'],
    ] as const)
      test(`leaves its logs to the other, where it ${fault === 'gone' ? 'is gone' : fault === 'silent' ? 'accepts connections and says nothing' : 'reaches nobody'}, and takes them again`, async (t) => {
        const challengers = await TestChallengers.found(t, LOGS);
        const [east, west] = [
          await challengers.join('east', 'challenger'),
          await challengers.join('west', 'challenger'),
        ];
        challengers.handOver(east, west);
        const microsocks = await startMicrosocks();
        t.after(() => microsocks.stop());
        const proxy = await Proxy.start(t, 'gone');
        // It works at first, so that each has its share.
        await proxy.become(undefined);
        const cutOff = challengers.challenge(east, proxy.port);
        const other = challengers.challenge(west, microsocks.port);
        const said = (): string => `${cutOff.said()}\n${other.said()}`;
        const share = new Set([0, 2, 4]);
        const asksItsShare = (since: number): boolean =>
          [...share].every((log) => challengers.askedBy('east', since).has(log));
        await eventually(() => asksItsShare(0) && held(cutOff).size === share.size, said);
        await eventually(() => held(other).size === LOGS - share.size, said);

        await proxy.become(fault);
        const since = Date.now();
        // A question that nobody answers is given up after 90 s, and so is the one with which the way is tried.
        await eventually(
          () => cutOff.events.some(({ event }) => event['event'] === notice),
          said,
          SILENT_QUESTIONS_MS,
        );
        const asks = proxy.connections;
        await eventually(
          () => fault !== 'silent' || proxy.connections > asks,
          said,
          SILENT_QUESTIONS_MS,
        );
        await eventually(
          () => challengers.askedBy('west', since).size === LOGS,
          said,
          SILENT_QUESTIONS_MS,
        );
        for (const log of share) {
          const name = `Log ${log}`;
          const taken = leases(other).find((each) => each.log === name && each.at >= since);
          const left = leases(cutOff).find(
            (each) => each.log === name && !each.isHeld && each.at >= since,
          );
          assert(taken?.isHeld === true && left !== undefined, said());
          // Two streams: which is read first is chance.
          assert(left.at < taken.at + 100, `${name} was taken before it was left`);
        }

        await proxy.become(undefined);
        const healed = Date.now();
        await eventually(() => asksItsShare(healed), said, SILENT_QUESTIONS_MS);
        await eventually(() => held(other).size === LOGS - share.size, said);
      });
  },
);
