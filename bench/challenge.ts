// SPDX-License-Identifier: Apache-2.0
/**
 * How fast stored heads become verdicts: by the hashes of the log that are here, and by asking about
 * each head. The log is on this machine, over HTTP and a real SOCKS proxy.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { challengeLog } from '../src/challenger/challenge.ts';
import { Settler } from '../src/challenger/settle.ts';
import type { VerdictContext } from '../src/challenger/verdicts.ts';
import { visit } from '../src/follow/follower.ts';
import { HashStore } from '../src/follow/hash-store.ts';
import { openIdentity, type Identity } from '../src/http/proxy.ts';
import type { Log } from '../src/logs/log.ts';
import { openForWriting, stateAt } from '../src/store/state.ts';
import type { Store } from '../src/store/store.ts';
import { FakeApi } from '../test/support/fake-api.ts';
import { startMicrosocks, type Microsocks } from '../test/support/microsocks.ts';
import { SigningLog, treeOf, type LogTree } from '../test/support/signing-log.ts';
import { TiledFiles } from '../test/support/tiled-files.ts';

type Api = Log['api'];

export interface Challenged {
  readonly api: Api;
  readonly way: 'hashes' | 'questions';
  readonly entries: number;
  readonly heads: number;
  readonly headsPerMinute: number;
  /** What the log is asked, and bytes of its answers, headers left out. */
  readonly requests: number;
  readonly bytes: number;
  /** How long it takes to fetch the hashes of all entries; 0 where none are. */
  readonly secondsToFetch: number;
  /** What came of it: all must be consistent. */
  readonly consistent: number;
}

const NOW = Date.now();
const DAY_MS = 86_400_000;

/**
 * Heads of random sizes, all stored before anything is asked, of a log of either kind: `heads` of
 * them for the hashes, a tenth for the questions.
 */
export async function measureChallenge(entries: number, heads: number): Promise<Challenged[]> {
  const tree = treeOf(entries);
  const microsocks = await startMicrosocks();
  const results: Challenged[] = [];
  try {
    for (const api of ['rfc6962', 'static-ct'] as const)
      for (const way of ['questions', 'hashes'] as const)
        results.push(
          await measure(api, way, tree, way === 'hashes' ? heads : heads / 10, microsocks),
        );
  } finally {
    microsocks.stop();
  }
  return results;
}

async function measure(
  api: Api,
  way: Challenged['way'],
  tree: LogTree,
  heads: number,
  microsocks: Microsocks,
): Promise<Challenged> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-bench-'));
  const served = await ServedLog.listen(api, tree);
  const state = stateAt(directory);
  const store = openForWriting(state);
  const identities: Identity[] = [];
  const open = (): Identity => {
    const proxy = { host: '127.0.0.1', port: microsocks.port };
    const identity = openIdentity(proxy, { allowPrivateAddress: true });
    identities.push(identity);
    return identity;
  };
  try {
    see(store, served, randomSizes(heads, tree.size));
    const context: VerdictContext = {
      store,
      evidenceDirectory: state.evidence,
      now: Date.now,
      onVerdict: () => undefined,
      onNotice: () => undefined,
    };
    const run = way === 'hashes' ? settle : ask;
    const { seconds, secondsToFetch } = await run(served.log, context, open, directory);
    return {
      api,
      way,
      entries: tree.size,
      heads,
      headsPerMinute: Math.round((heads / seconds) * 60),
      requests: served.requests,
      bytes: served.bytes,
      secondsToFetch,
      // The log's own current head is consistent too.
      consistent: store.verdicts.counts().consistent - 1,
    };
  } finally {
    for (const identity of identities) identity.close();
    served.close();
    store.close();
    rmSync(directory, { recursive: true });
  }
}

interface Took {
  readonly seconds: number;
  readonly secondsToFetch: number;
}

/** Follows the log, which fetches all of it, and then settles what was seen. */
async function settle(
  log: Log,
  context: VerdictContext,
  open: () => Identity,
  directory: string,
): Promise<Took> {
  const hashes = HashStore.open(directory);
  const { signal } = new AbortController();
  const settler = new Settler({ ...context, signal });
  let began = performance.now();
  const visited = await visit(log, {
    hashes,
    open,
    paths: 2,
    budget: 1e12,
    window: 14 * DAY_MS,
    blocks: 0,
    now: Date.now,
    chance: Math.random,
    sleep: (milliseconds) => sleep(milliseconds),
    signal,
    wanted: () => [],
  });
  for (const failure of visited.failures) throw failure;
  const secondsToFetch = (performance.now() - began) / 1000;
  began = performance.now();
  await settler.settle(log, hashes.of(log), visited);
  const seconds = (performance.now() - began) / 1000;
  hashes.close();
  return { seconds, secondsToFetch };
}

/** Asks about each head, as with --direct-questions. */
async function ask(log: Log, context: VerdictContext, open: () => Identity): Promise<Took> {
  const began = performance.now();
  const failure = await challengeLog(log, {
    ...context,
    paths: [open().fetch],
    ignoreBackOff: true,
    signal: new AbortController().signal,
  });
  if (failure !== undefined) throw failure;
  return { seconds: (performance.now() - began) / 1000, secondsToFetch: 0 };
}

function randomSizes(count: number, below: number): number[] {
  const sizes = new Set<number>();
  while (sizes.size < count) sizes.add(1 + Math.floor(Math.random() * (below - 1)));
  return [...sizes];
}

function see(store: Store, { signing, tree }: ServedLog, sizes: readonly number[]): void {
  store.heads.record(
    sizes.map((size) => ({
      head: signing.verified(size, tree.root(size), BigInt(NOW)),
      source: 'bench',
      firstSeen: NOW,
      lastSeen: NOW,
      count: 1,
    })),
  );
}

/** A log that counts what it is asked. */
class ServedLog {
  readonly signing: SigningLog;
  readonly tree: LogTree;
  readonly log: Log;
  requests = 0;
  bytes = 0;
  readonly #server: Server;

  static async listen(api: Api, tree: LogTree): Promise<ServedLog> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ServedLog(api, tree, server);
  }

  private constructor(api: Api, tree: LogTree, server: Server) {
    this.#server = server;
    this.tree = tree;
    const answering = new FakeApi(tree);
    answering.timestamp = BigInt(NOW);
    answering.entriesLimit = 256;
    this.signing = answering.log;
    const files = new TiledFiles(answering.log, tree);
    const fetch = api === 'static-ct' ? files.fetch : answering.fetch;
    server.on('request', (request, response) => {
      void fetch(`https://log.test/alpha${request.url ?? '/'}`).then(({ status, body }) => {
        this.requests += 1;
        this.bytes += body.length;
        response.writeHead(status, { 'content-length': body.length }).end(body);
      });
    });
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/`;
    this.log = answering.log.asLog({ api, url, allowPrivateAddress: true });
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
