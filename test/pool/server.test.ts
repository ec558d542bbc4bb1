// SPDX-License-Identifier: Apache-2.0
/** The endpoints of a pool over HTTP: both drafts, and whatever hostile clients send. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { directFetch, type Fetch } from '../../src/http/request.ts';
import { FeedbackChecks } from '../../src/pool/feedback.ts';
import { PoolMetrics } from '../../src/pool/metrics.ts';
import { HeadPool } from '../../src/pool/pollination.ts';
import { auditorUrl } from '../../src/pool/auditor-url.ts';
import { push } from '../../src/pool/push.ts';
import { PoolServer } from '../../src/pool/server.ts';
import { PoolStore } from '../../src/pool/store.ts';
import { exchangeHeads } from '../../src/exchange/pollination.ts';
import { Certificate } from '../../src/scts/certificate.ts';
import { encodeBase64 } from '../../src/base/base64.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const log = new SigningLog();
const authority = new Authority();
const PATH = '/.well-known/ct/v1';
const PATH_05 = '/.well-known/ct-gossip/v1';
const leaf = authority.issue(['www.example.net'], { logs: [log] });
const elsewhere = authority.issue(['www.example.org'], { logs: [log] });
const sctsOf = (der: Uint8Array): string[] => new Certificate(der).embeddedScts.map(encodeBase64);
const item = (der: Uint8Array, scts = sctsOf(der)): unknown => ({
  x509_chain: [der, authority.der].map(encodeBase64),
  sct_data: scts,
});
const feedback = (...items: unknown[]): string => JSON.stringify({ sct_feedback: items });
const pemOf = (der: Uint8Array): string =>
  `-----BEGIN CERTIFICATE-----\n${encodeBase64(der)}\n-----END CERTIFICATE-----\n`;
const sth = (size: number, of = log): Record<string, unknown> => ({
  sth_version: 0,
  log_id: encodeBase64(of.key.logId),
  ...treeHeadToJson(of.sign(size, treeOf(size).root(), BigInt(Date.now() - 60_000))),
});

class Served {
  readonly store = PoolStore.inMemory();
  readonly metrics = new PoolMetrics(() => ({ pairs: this.store.pairs(), heads: this.heads.size }));
  readonly heads = new HeadPool({
    store: this.store,
    logs: [log.asLog()],
    evidence: '/nowhere',
    onFork: () => assert.fail(),
    onFailure: (error) => assert.fail(String(error)),
  });
  #server: PoolServer | undefined;

  async start(): Promise<void> {
    this.#server = await PoolServer.start({
      address: '127.0.0.1',
      port: 0,
      store: this.store,
      checks: new FeedbackChecks(['www.example.net'], [log.asLog()]),
      heads: this.heads,
      metrics: this.metrics,
      onError: (error) => assert.fail(String(error)),
    });
  }

  get port(): number {
    return this.#server?.at.port ?? assert.fail();
  }

  get base(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  post(path: string, body: string, type = 'application/json'): Promise<Response> {
    return fetch(`${this.base}${path}`, {
      method: 'POST',
      body,
      headers: { 'content-type': type },
    });
  }

  async collected(path = PATH): Promise<unknown> {
    const response = await fetch(`${this.base}${path}/collected-sct-feedback`);
    assert.equal(response.status, 200);
    return response.json();
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.store.close();
  }
}

describe('a pool over HTTP', () => {
  const pool = new Served();
  before(() => pool.start());
  after(() => pool.stop());

  test('has nothing at first, in both drafts', async () => {
    assert.deepEqual(await pool.collected(), { sct_feedback: [] });
    assert.deepEqual(await pool.collected(PATH_05), []);
  });

  test('takes feedback and gives it, in either draft, to the last bit', async () => {
    const body = JSON.stringify([
      {
        x509_chain: [pemOf(leaf), pemOf(authority.der)],
        sct_data_v1: sctsOf(leaf),
        sct_data_v2: [],
      },
    ]);
    for (const [path, text] of [
      [PATH, feedback(item(leaf))],
      [PATH, feedback(item(leaf))],
      [PATH_05, body],
    ] as const) {
      const response = await pool.post(`${path}/sct-feedback`, text);
      assert.equal(response.status, 200);
      assert.equal(await response.text(), '{}\n', 'the same for what was there');
    }
    assert.deepEqual(await pool.collected(), { sct_feedback: [item(leaf)] });
    const [given] = (await pool.collected(PATH_05)) as { x509_chain: string[] }[];
    const chain = (given?.x509_chain ?? []).map((text) => text.replace(/-----[^-]*-----|\s/g, ''));
    assert.deepEqual(chain, [leaf, authority.der].map(encodeBase64));
  });

  const many = (count: number): string[] =>
    Array.from({ length: count }, () => sctsOf(leaf)[0] ?? '');
  const HOSTILE: readonly (readonly [what: string, status: number, body: string, type?: string])[] =
    [
      ['no JSON', 400, '{'],
      ['other JSON', 400, '{"sct_feedback":7}'],
      ['a list', 400, '[]'],
      ['null', 400, 'null'],
      ['no base64', 400, feedback({ x509_chain: ['!'], sct_data: [] })],
      ['an empty chain', 400, feedback({ x509_chain: [], sct_data: [] })],
      ['broken DER', 400, feedback({ x509_chain: ['MAAA'], sct_data: sctsOf(leaf) })],
      ['a broken SCT', 400, feedback(item(leaf, ['AAAA']))],
      ['another server', 403, feedback(item(elsewhere))],
      [
        'a chain of 50',
        400,
        feedback({
          x509_chain: Array.from({ length: 50 }, () => encodeBase64(authority.der)),
          sct_data: sctsOf(leaf),
        }),
      ],
      ['257 SCTs', 413, feedback(item(leaf, many(257)))],
      [
        '100,000 chains',
        413,
        feedback(
          ...Array.from({ length: 100_000 }, () => ({ x509_chain: ['MAAA'], sct_data: [] })),
        ),
      ],
      ['half a million values', 413, `{"sct_feedback":[${'0,'.repeat(500_000)}0]}`],
      ['10 MB', 413, `"${'x'.repeat(10_000_000)}"`],
      ['a form', 415, 'a=b', 'application/x-www-form-urlencoded'],
      ['deep nesting', 400, `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
      ['a prototype', 400, '{"__proto__":{"sct_feedback":[]}}'],
    ];
  for (const [what, status, body, type] of HOSTILE)
    test(`answers ${status} to feedback with ${what}, and keeps nothing`, async () => {
      const before = pool.store.pairs();
      const response = await pool.post(`${PATH}/sct-feedback`, body, type);
      assert.equal(response.status, status, await response.text());
      assert.equal(pool.store.pairs(), before);
    });

  test('answers 404 and 405, and says what is allowed', async () => {
    assert.equal((await fetch(`${pool.base}/`)).status, 404);
    const wrong = await fetch(`${pool.base}${PATH}/sct-feedback`);
    assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'POST']);
    assert.equal((await pool.post(`${PATH}/collected-sct-feedback`, '{}')).status, 405);
  });

  test('exchanges heads with whom speaks the draft; ctga does', async () => {
    const first = await pool.post(
      `${PATH}/sth-pollination`,
      JSON.stringify({ sths: [sth(3), {}, 7] }),
    );
    assert.deepEqual(await first.json(), { sths: [] }, 'what is brought is not given back at once');
    const allowed = directFetch({ allowPrivateAddress: true });
    const url = `${pool.base}${PATH}/sth-pollination`;
    const exchanged = await exchangeHeads(url, allowed, [], [log.asLog()]);
    assert.deepEqual(
      exchanged.received.heads.map(({ head }) => head.treeSize),
      [3n],
    );
    const { log_id: _, sth_version: __, ...bare } = sth(4);
    const second = await pool.post(
      `${PATH_05}/sth-pollination`,
      JSON.stringify({ v1: [bare], v2: [] }),
    );
    const answer = (await second.json()) as { v1: { tree_size: number }[]; v2: unknown[] };
    assert.deepEqual([answer.v1.map((each) => each.tree_size), answer.v2], [[3], []]);
    assert.equal(pool.heads.size, 2);
    const tooMany = JSON.stringify({ sths: Array.from({ length: 501 }, () => ({})) });
    assert.equal((await pool.post(`${PATH}/sth-pollination`, tooMany)).status, 413);
  });

  test('pushes to an auditor what it was not sent, once', async () => {
    const auditor = new Served();
    await auditor.start();
    try {
      const allowed = directFetch({ allowPrivateAddress: true });
      const url = `${auditor.base}${PATH}/sct-feedback`;
      assert.equal(await push(pool.store, url, allowed), 1);
      assert.equal(await push(pool.store, url, allowed), 0);
      assert.deepEqual(await auditor.collected(), await pool.collected());
      await assert.rejects(push(pool.store, `${auditor.base}/nowhere`, allowed), /HTTP 404/);
    } finally {
      await auditor.stop();
    }
    assert.equal(
      auditorUrl('https://auditor.example'),
      'https://auditor.example/ct/v1/sct-feedback',
    );
  });

  test('pushes the rest past what an auditor refuses, or is too much for one request', async () => {
    const store = PoolStore.inMemory();
    const pairOf = (text: string, size = 1): Parameters<PoolStore['addPairs']>[0][number] => ({
      chain: [new Uint8Array(size), Buffer.from(text)],
      sct: Buffer.from(text),
    });
    // A client brings 120 of a log that the auditor does not know, and chains that are large, first.
    const unknown = Array.from({ length: 120 }, (_, i) => pairOf(`unknown ${i}`));
    const large = Array.from({ length: 8 }, (_, i) => pairOf(`large ${i}`, 700_000));
    store.addPairs([...unknown, ...large, pairOf('victim')]);
    const got: string[] = [];
    const auditor: Fetch = (_, { post = '' } = {}) => {
      const { sct_feedback: items } = JSON.parse(post) as {
        sct_feedback: { sct_data: string[] }[];
      };
      const scts = items.flatMap((each) => each.sct_data).map((each) => atob(each));
      const known = scts.filter((each) => !each.startsWith('unknown'));
      const status = post.length > 2 ** 20 ? 413 : known.length === 0 ? 400 : 200;
      if (status === 200) got.push(...known);
      return Promise.resolve({ status, retryAfter: undefined, body: Buffer.alloc(0) });
    };
    let refused = 0;
    await push(store, 'https://a.example/', auditor, () => void (refused += 1));
    assert.deepEqual(got.toSorted(), [...large.keys()].map((i) => `large ${i}`).concat('victim'));
    assert(refused > 60, `${refused}`);
    assert.equal(await push(store, 'https://a.example/', auditor), 0);
    // One that fails for another reason has all of it again.
    const away: Fetch = () =>
      Promise.resolve({ status: 503, retryAfter: undefined, body: Buffer.alloc(0) });
    await assert.rejects(push(store, 'https://b.example/', away), /HTTP 503/);
    assert.equal(store.unpushed('https://b.example/', 1000).submitted.length, 129);
  });

  test('sends what it collected to four at once, and tells a fifth to come again', async () => {
    // More than fits into the buffers of connections that nobody reads.
    const chain = [leaf, new Uint8Array(2 ** 20)];
    const scts = Array.from({ length: 16 }, (_, i) => Uint8Array.of(i));
    pool.store.addPairs(scts.map((sct) => ({ chain: [...chain, sct], sct })));
    const ask = `GET ${PATH}/collected-sct-feedback HTTP/1.1\r\nHost: x\r\n\r\n`;
    const silent = Array.from({ length: 4 }, () => {
      const socket = connect(pool.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(ask);
      return socket;
    });
    // Each has its answer, of which it reads no more than a buffer takes.
    await Promise.all(silent.map((socket) => once(socket, 'readable')));
    try {
      const fifth = await fetch(`${pool.base}${PATH}/collected-sct-feedback`);
      await fifth.body?.cancel();
      assert.deepEqual([fifth.status, fifth.headers.get('retry-after')], [503, '60']);
      assert.equal((await pool.post(`${PATH}/sth-pollination`, '{"sths":[]}')).status, 200);
    } finally {
      for (const socket of silent) socket.destroy();
    }
    await eventually(
      async () => (await fetch(`${pool.base}${PATH}/collected-sct-feedback`)).status === 200,
      'the others to be over',
    );
  });

  test('counts what became of everything', async () => {
    const text = await pool.metrics.render();
    for (const line of [
      'ctga_pool_scts_total{outcome="kept"} 1',
      'ctga_pool_scts_total{outcome="known"} 2',
      'ctga_pool_scts_total{outcome="other-name"} 1',
      'ctga_pool_tree_heads_total{outcome="malformed"} 2',
      'ctga_pool_tree_heads_total{outcome="kept"} 2',
      'ctga_pool_kept_scts 17',
      `ctga_pool_requests_total{path="${PATH}/sct-feedback",status="413"} 4`,
    ])
      assert(text.split('\n').includes(line), `${line}\n${text}`);
  });

  test('outlives connections that send half of something, or nothing', async () => {
    const head = `POST ${PATH}/sct-feedback HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
    const sockets = ['', 'GET', head, `${head}Content-Length: 100\r\n\r\n{`].map((text) => {
      const socket = connect(pool.port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(text);
      return socket;
    });
    assert.equal((await pool.post(`${PATH}/sct-feedback`, feedback(item(leaf)))).status, 200);
    for (const socket of sockets) socket.destroy();
    assert.equal((await pool.post(`${PATH}/sct-feedback`, feedback(item(leaf)))).status, 200);
  });
});
