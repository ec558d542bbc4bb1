// SPDX-License-Identifier: Apache-2.0
/** What hostile clients send to an auditor: a status, and nothing kept. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AuditMetrics } from '../../src/auditor/metrics.ts';
import { startAuditServer } from '../../src/auditor/server.ts';
import { encodeBase64 } from '../../src/base/base64.ts';
import { directWay } from '../../src/http/request.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { auditorUrl } from '../../src/pool/auditor-url.ts';
import { FeedbackChecks } from '../../src/pool/feedback.ts';
import type { JsonServer } from '../../src/pool/json-server.ts';
import { push } from '../../src/pool/push.ts';
import { PoolStore } from '../../src/pool/store.ts';
import { Certificate } from '../../src/scts/certificate.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { FakeApi } from '../support/fake-api.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { Harness } from './harness.ts';

const [log, stranger] = [new SigningLog(), new SigningLog()];
const authority = new Authority();
const issued = (by: SigningLog): Uint8Array => authority.issue(['www.example.net'], { logs: [by] });
const sctsOf = (der: Uint8Array): string[] => new Certificate(der).embeddedScts.map(encodeBase64);
const item = (der: Uint8Array, scts = sctsOf(der)): unknown => ({
  x509_chain: [der, authority.der].map(encodeBase64),
  sct_data: scts,
});
const sth = (by: SigningLog, size = 3): unknown => ({
  log_id: encodeBase64(by.key.logId),
  ...treeHeadToJson(by.sign(size, treeOf(size).root(), BigInt(Date.now() - 60_000))),
});
const body = (scts: unknown[] | undefined, heads?: unknown[]): string =>
  JSON.stringify({ sct_feedback: scts, sths: heads });

describe('an auditor over HTTP', () => {
  const listed = log.asLog();
  const harness = new Harness({
    logs: [{ log: listed, fetch: new FakeApi(treeOf(9), 9, log).fetch }],
    mix: 50,
  });
  let server: JsonServer | undefined;
  before(async () => {
    server = await startAuditServer({
      address: '127.0.0.1',
      port: 0,
      checks: new FeedbackChecks(undefined, [listed]),
      take: (pairs, heads) => harness.auditor.takeSubmitted(pairs, heads),
      share: () => harness.auditor.headsToShare(Infinity),
      metrics: new AuditMetrics(harness.store),
      onError: (error) => assert.fail(String(error)),
    });
  });
  after(() => server?.stop());
  const at = (): string => server?.at.url ?? assert.fail();
  const post = (
    text: string,
    path = 'ct/v1/sct-feedback',
    type = 'application/json',
  ): Promise<Response> =>
    fetch(`${at()}${path}`, { method: 'POST', body: text, headers: { 'content-type': type } });

  const leaf = issued(log);
  for (const [what, status, text, kept] of [
    ['SCTs', 200, body([item(leaf)]), '1 mixing; '],
    ['the same again', 200, body([item(leaf)]), '1 mixing; '],
    ['heads', 200, body(undefined, [sth(log)]), '1 mixing; 1 mixing'],
    ['both', 200, body([item(issued(log))], [sth(log, 4)]), '2 mixing; 2 mixing'],
    ['nothing of either', 200, body([], []), '2 mixing; 2 mixing'],
    [
      'a good one among bad ones',
      200,
      body([item(issued(stranger)), item(issued(log))]),
      '3 mixing; 2 mixing',
    ],
    ['another log', 400, body([item(issued(stranger))]), '3 mixing; 2 mixing'],
    [
      'a head that is not signed',
      400,
      body([], [{ ...(sth(log) as object), timestamp: 1 }]),
      '3 mixing; 2 mixing',
    ],
    ['a head that is none', 400, body([], [7]), '3 mixing; 2 mixing'],
    [
      'an SCT for another certificate',
      400,
      body([item(leaf, sctsOf(issued(log)))]),
      '3 mixing; 2 mixing',
    ],
    ['no JSON', 400, '{', '3 mixing; 2 mixing'],
    ['neither', 400, '{}', '3 mixing; 2 mixing'],
    ['a list', 400, '[]', '3 mixing; 2 mixing'],
    ['257 SCTs', 413, body([item(leaf, Array<string>(257).fill('AAAA'))]), '3 mixing; 2 mixing'],
    ['501 heads', 413, body([], Array<number>(501).fill(7)), '3 mixing; 2 mixing'],
    ['10 MB', 413, `"${'x'.repeat(10_000_000)}"`, '3 mixing; 2 mixing'],
  ] as const)
    test(`answers ${status} to ${what}`, async () => {
      const response = await post(text);
      assert.equal(response.status, status, await response.text());
      assert.equal(harness.counts, kept);
    });

  test('answers 404, 405 and 415, and counts', async () => {
    assert.equal((await fetch(at())).status, 404);
    assert.equal((await fetch(`${at()}ct/v1/sct-feedback`)).status, 405);
    assert.equal((await post('a=b', undefined, 'text/plain')).status, 415);
    const text = await (await fetch(`${at()}metrics`)).text();
    for (const line of [
      'ctga_audit_scts{state="mixing"} 3',
      'ctga_audit_tree_heads{state="convicted"} 0',
      'ctga_audit_requests_total{path="/ct/v1/sct-feedback",status="413"} 3',
    ])
      assert(text.split('\n').includes(line), `${line}\n${text}`);
  });

  test('gives to whoever pollinates what the logs showed, and not what others brought', async () => {
    harness.show(listed, log, 9, treeOf(9).root());
    const response = await post(
      JSON.stringify({ sths: [sth(log, 7)] }),
      '.well-known/ct/v1/sth-pollination',
    );
    const { sths } = (await response.json()) as { sths: { tree_size: number }[] };
    assert.deepEqual(
      sths.map(({ tree_size: size }) => size),
      [9],
    );
  });

  test('takes what a pool pushes', async () => {
    const pool = PoolStore.inMemory();
    const checks = new FeedbackChecks(['www.example.net'], [listed]);
    const chain = [issued(log), authority.der];
    pool.addPairs(
      checks.check({ chain, scts: new Certificate(chain[0] ?? leaf).embeddedScts }).pairs,
    );
    const { fetch: way, close } = directWay({ allowPrivateAddress: true });
    const before = harness.store.counts().scts.mixing;
    assert.equal(await push(pool, auditorUrl(at()), way), 1);
    assert.equal(harness.store.counts().scts.mixing, before + 1);
    close();
    pool.close();
  });
});
