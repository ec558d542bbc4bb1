// SPDX-License-Identifier: Apache-2.0
/**
 * The same as bench/federation.ts over real connections: each member has its HTTPS server and its
 * connections to all others on loopback, as `ctga federation run` has. The members are spread among
 * as many threads as there are CPUs, so that they share these and nothing else, and time is the
 * wall's. Bytes are those of the sockets, with TLS and HTTP in them.
 */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { startThread } from '../src/base/thread.ts';
import { keysOf, rosterBody } from '../test/federation/network.ts';
import { thresholdFor } from '../test/support/federation.ts';
import type { FromThread, SentKeys, ThreadData, ToThread } from './federation-tls-thread.ts';
import { LOGS, type FaultKind } from './federation.ts';

/** Seconds; and ms. Of CPUs that many members share one that is slow is not silent. */
const PERIOD = 8;
/** Of a quick run, which may be on a machine that does much else. */
const QUICK_PERIOD = 20;
const PATIENCE_MS = 4000;
/** It ends before the second view begins. */
const PARTITION_MS = 3000;
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
  /** Of what all threads computed, a member's share in a period, in ms. */
  readonly cpu: number;
}

/** Members in threads, told what to do. */
class Threads {
  readonly #workers: readonly Worker[];

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers;
  }

  /** Resolves to them and where their members listen, by place. */
  static async start(
    keys: readonly SentKeys[],
    onMessage: (message: FromThread) => void,
  ): Promise<{ threads: Threads; urls: ReadonlyMap<number, string> }> {
    const count = Math.min(availableParallelism(), keys.length);
    const workers = Array.from({ length: count }, (_, thread) => {
      const mine = [...keys.entries()].filter(([place]) => place % count === thread);
      const data: ThreadData = { keys: new Map(mine) };
      return startThread('../bench/federation-tls-thread', data);
    });
    const urls = new Map<number, string>();
    const threads = new Threads(workers);
    await threads.#answers((message) => {
      if (message.kind === 'listening')
        for (const [place, url] of message.urls) urls.set(place, url);
    });
    for (const worker of workers) worker.on('message', onMessage);
    return { threads, urls };
  }

  tell(message: ToThread): void {
    for (const worker of this.#workers) worker.postMessage(message);
  }

  async begin(message: Extract<ToThread, { kind: 'begin' }>): Promise<void> {
    const begun = this.#answers(() => undefined);
    this.tell(message);
    await begun;
  }

  /** All bytes on the wire so far. */
  async bytes(): Promise<number> {
    let bytes = 0;
    const counted = Promise.all(
      this.#workers.map(async (worker) => {
        for (;;) {
          const [message] = (await once(worker, 'message')) as [FromThread];
          if (message.kind === 'counted') return void (bytes += message.bytes);
        }
      }),
    );
    this.tell({ kind: 'count' });
    await counted;
    return bytes;
  }

  async #answers(take: (message: FromThread) => void): Promise<void> {
    await Promise.all(
      this.#workers.map(async (worker) => {
        const [message] = (await once(worker, 'message')) as [FromThread];
        take(message);
      }),
    );
  }

  async stop(): Promise<void> {
    const ended = this.#workers.map((worker) => once(worker, 'exit'));
    this.tell({ kind: 'stop' });
    await Promise.all(ended);
  }
}

/** The slowest of some periods; what is sent and computed is their mean. */
export async function measureOverTls(
  members: number,
  f: number,
  fault: FaultKind,
  seconds = PERIOD,
): Promise<TlsAgreement> {
  const threshold = thresholdFor(members, f);
  const keys = keysOf(members);
  const agreed = new Map<string, { statements: number; at: number }>();
  const sent = keys.map(({ key, privateKey, secret }): SentKeys => ({
    key,
    privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    secret,
  }));
  const { threads, urls } = await Threads.start(sent, (message) => {
    if (message.kind !== 'agreed') return;
    const { place, period, statements, at } = message;
    const known = agreed.get(`${period} ${place}`)?.statements ?? 0;
    agreed.set(`${period} ${place}`, { statements: known + statements, at });
  });
  try {
    const body = rosterBody(keys, { threshold, period: seconds, patience: PATIENCE_MS });
    const named = body.members.map((each, i) => ({ ...each, url: urls.get(i) ?? each.url }));
    const failing = fault === 'none' || fault === 'partition' ? 0 : f;
    const behind = keys.map((_, i): [number, number[]] => {
      if (i >= failing || fault === 'falling silent') return [i, [0]];
      return [i, fault === 'silent' ? [] : [0, 1]];
    });
    await threads.begin({
      kind: 'begin',
      body: { ...body, members: named },
      behind: new Map(behind),
    });
    const honest = keys.map((_, i) => i).filter((i) => i >= failing);
    const first = Math.floor(Date.now() / 1000 / seconds) + 1 + WARM_UP;
    await sleep(first * seconds * 1000 - Date.now() - 500);
    if (fault === 'falling silent')
      threads.tell({ kind: 'fall-silent', places: keys.map((_, i) => i).slice(0, failing) });
    const before = { bytes: await threads.bytes(), cpu: process.cpuUsage() };
    let convergence = 0;
    for (let period = first; period < first + MEASURED; period++) {
      const start = period * seconds * 1000;
      const from = fault === 'partition' ? start + PARTITION_MS : start;
      if (fault === 'partition') threads.tell({ kind: 'part', isParted: true });
      await sleep(from - Date.now());
      threads.tell({ kind: 'part', isParted: false });
      await sleep((period + 1) * seconds * 1000 - Date.now() - 500);
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
      bytes: ((await threads.bytes()) - before.bytes) / share,
      cpu: (user + system) / 1000 / share,
    };
  } finally {
    await threads.stop();
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
    found.push(await measureOverTls(size, f, fault, isQuick ? QUICK_PERIOD : PERIOD));
  }
  return found;
}
