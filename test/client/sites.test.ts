// SPDX-License-Identifier: Apache-2.0
/** What goes to sites that were visited, and what a visit changes of what is asked. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeBase64 } from '../../src/base/base64.ts';
import { frame } from '../../src/client/frames.ts';
import { DnsServer } from '../../src/dns/server.ts';
import type { HttpAnswer } from '../../src/http/request.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { Authority as NameServer } from '../../src/mirror/authority.ts';
import { runClient, type ClientEvent } from '../../src/services/client.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { stateAt } from '../../src/store/state.ts';
import { eventually } from '../support/eventually.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

test('a site that was visited gets heads alone, once, and no question follows the visit', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-client-'));
  const log = new SigningLog();
  const ca = new Authority();
  const asked: string[] = [];
  const none = (name: string) => (): Promise<never> => {
    asked.push(name);
    return Promise.reject(new Error('none'));
  };
  const zone = {
    treeHead: (): string => {
      asked.push('head');
      return formatTreeHeadText(log.sign(64, treeOf(64).root(), BigInt(Date.now())));
    },
    proofs: { leafIndex: none('hash'), consistency: none('consistency'), inclusion: none('tree') },
  };
  const dns = new DnsServer(new NameServer({ zones: new Map([['log.example', zone]]), ttl: 0 }));
  const { port } = await dns.listen({ address: '127.0.0.1', port: 0 });
  const requests: { readonly to: string; readonly url: string; readonly body: string }[] = [];
  const notFound: HttpAnswer = { status: 404, retryAfter: undefined, body: Buffer.alloc(0) };
  const known = log.asLog();
  const events: ClientEvent[] = [];
  const stop = new AbortController();
  const running = runClient(
    {
      state: stateAt(directory),
      logs: [known],
      zones: new Map([[known, 'log.example']]),
      resolvers: () => [{ address: '127.0.0.1', port }],
      interval: 50,
      maxDelay: 86_400_000,
      pools: [],
      pollinateVisited: true,
      openWay: (to) => ({
        fetch: (url, options) => {
          requests.push({ to, url, body: String(options?.post) });
          return Promise.resolve(notFound);
        },
        close: () => undefined,
      }),
      onEvent: (event) => void events.push(event),
      // Sites within a second, and SCTs within a minute.
      chance: () => 0.0005,
    },
    stop.signal,
  );
  try {
    await eventually(() => asked.length > 2, 'heads');
    const origin = 'https://www.example.net';
    const chain = [ca.issue(['www.example.net'], { logs: [log], timestamp: 1n }), ca.der];
    const socket = connect(join(directory, 'client/socket'));
    const message = { type: 'seen', origin, chain: chain.map(encodeBase64) };
    socket.write(frame(JSON.stringify(message)));
    const [request] = await eventually(() => requests.length > 0 && requests, 'a request');
    assert.equal(request?.to, 'site');
    assert.equal(request.url, `${origin}/.well-known/ct/v1/sth-pollination`);
    const { sths, ...rest } = JSON.parse(request.body) as { sths: Record<string, unknown>[] };
    assert.deepEqual(rest, {});
    assert(sths.length > 0);
    for (const sth of sths)
      assert.deepEqual(Object.keys(sth).sort(), [
        'log_id',
        'sha256_root_hash',
        'sth_version',
        'timestamp',
        'tree_head_signature',
        'tree_size',
      ]);
    const before = asked.length;
    await eventually(() => asked.length > before + 10, 'more heads');
    assert.equal(requests.length, 1, 'it answered 404');
    assert.deepEqual([...new Set(asked)], ['head']);
    assert.deepEqual(
      events.filter(({ event }) => event === 'failed'),
      [],
    );
    socket.destroy();
  } finally {
    stop.abort();
    await running;
    await dns.close();
    rmSync(directory, { recursive: true });
  }
});
