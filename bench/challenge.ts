/**
 * How fast heads become verdicts: a log of a million entries on this machine, over HTTP and a real
 * SOCKS proxy, and what each head costs in questions and bytes.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { challengeLog } from '../src/challenger/challenge.ts';
import { openIdentity } from '../src/http/proxy.ts';
import { hashLeaf } from '../src/merkle/hash.ts';
import { MerkleTree } from '../src/merkle/tree.ts';
import { memoryStore } from '../src/store/state.ts';
import { treeHeadToJson } from '../src/statements/json.ts';
import { startMicrosocks } from '../test/support/microsocks.ts';
import { SigningLog } from '../test/support/signing-log.ts';
import { TiledFiles } from '../test/support/tiled-files.ts';

export interface Challenged {
  readonly api: 'rfc6962' | 'static-ct';
  readonly leaves: number;
  readonly heads: number;
  readonly headsPerMinute: number;
  /** Asked of the log, per head; and bytes of answers, headers left out. */
  readonly requestsPerHead: number;
  readonly bytesPerHead: number;
  /** What came of it: all must be consistent. */
  readonly consistent: number;
}

/** Heads of random sizes, all at once, of a log of either kind. */
export async function measureChallenge(leaves: number, heads: number): Promise<Challenged[]> {
  const tree = new MerkleTree();
  for (let i = 0; i < leaves; i++) tree.append(hashLeaf(Buffer.from(`entry ${i}`)));
  const sizes = new Set<number>();
  while (sizes.size < heads) sizes.add(1 + Math.floor(Math.random() * (leaves - 1)));
  const microsocks = await startMicrosocks();
  const results: Challenged[] = [];
  try {
    for (const api of ['rfc6962', 'static-ct'] as const) {
      const signing = new SigningLog();
      const files = new TiledFiles(signing, tree);
      let [requests, bytes] = [0, 0];
      const server = createServer((request, response) => {
        const { pathname, searchParams } = new URL(request.url ?? '', 'http://log');
        const answer =
          api === 'static-ct'
            ? files.read(pathname.slice(1)).body
            : apiAnswer(signing, tree, pathname, searchParams);
        requests += 1;
        bytes += answer.length;
        response.end(answer);
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const store = memoryStore();
      const now = Date.now();
      store.heads.record(
        Array.from(sizes, (size) => ({
          head: signing.verified(size, tree.root(size)),
          source: 'bench',
          firstSeen: now,
          lastSeen: now,
          count: 1,
        })),
      );
      const identity = openIdentity(
        { host: '127.0.0.1', port: microsocks.port },
        { allowPrivateAddress: true },
      );
      const began = performance.now();
      const failure = await challengeLog(signing.asLog({ api, url }), {
        store,
        evidenceDirectory: '/nonexistent',
        paths: [identity.fetch],
        now: Date.now,
        ignoreBackOff: true,
        signal: new AbortController().signal,
        onVerdict: () => undefined,
        onNotice: () => undefined,
      });
      const minutes = (performance.now() - began) / 60_000;
      if (failure !== undefined) throw failure;
      identity.close();
      server.close();
      results.push({
        api,
        leaves,
        heads,
        headsPerMinute: Math.round(heads / minutes),
        requestsPerHead: requests / heads,
        bytesPerHead: Math.round(bytes / heads),
        // The log's own current head is consistent too.
        consistent: store.verdicts.counts().consistent - 1,
      });
    }
  } finally {
    microsocks.stop();
  }
  return results;
}

function apiAnswer(
  signing: SigningLog,
  tree: MerkleTree,
  path: string,
  query: URLSearchParams,
): Buffer {
  if (path.endsWith('/get-sth'))
    return Buffer.from(
      JSON.stringify(treeHeadToJson(signing.sign(tree.size, tree.root(tree.size)))),
    );
  const proof = tree.consistencyProof(Number(query.get('first')), Number(query.get('second')));
  return Buffer.from(
    JSON.stringify({ consistency: proof.map((hash) => Buffer.from(hash).toString('base64')) }),
  );
}
