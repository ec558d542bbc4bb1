// SPDX-License-Identifier: Apache-2.0
/** What an auditor fetches of a server that has one of the two endpoints alone. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { encodeBase64 } from '../../src/base/base64.ts';
import type { Fetch } from '../../src/http/request.ts';
import { audit, type AuditServiceEvent } from '../../src/services/audit.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { stateAt } from '../../src/store/state.ts';
import { eventually } from '../support/eventually.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-audit-'));
after(() => rmSync(directory, { recursive: true }));

test('a server without SCT feedback, or with a bomb in its place, is asked for tree heads all the same', async () => {
  const signer = new SigningLog();
  const head = signer.sign(3, treeOf(3).root(), BigInt(Date.now()));
  const sths = [{ log_id: encodeBase64(signer.key.logId), ...treeHeadToJson(head) }];
  // Ten megabytes of values, of which to make errors takes gigabytes.
  const bomb = Buffer.from(`{"sct_feedback":[${'0,'.repeat(5_000_000)}0]}`);
  const answer = (status: number, json: unknown): ReturnType<Fetch> =>
    Promise.resolve({ status, retryAfter: undefined, body: Buffer.from(JSON.stringify(json)) });
  const fetchAny: Fetch = (url) =>
    url.endsWith('/sth-pollination')
      ? answer(200, { sths })
      : url.startsWith('https://bomb.test')
        ? Promise.resolve({ status: 200, retryAfter: undefined, body: bomb })
        : answer(404, {});
  const events: AuditServiceEvent[] = [];
  const stop = new AbortController();
  const running = audit(
    {
      state: stateAt(directory),
      logs: [signer.asLog()],
      pools: ['https://pool.test', 'https://bomb.test'],
      listen: undefined,
      proxies: [{ host: '127.0.0.1', port: 1 }],
      open: () => ({ fetch: fetchAny, close: () => undefined }),
      every: 0.1,
      delay: 0,
      mix: 1,
      user: undefined,
      onEvent: (event) => events.push(event),
    },
    stop.signal,
    () => undefined,
  );
  for (const pool of ['https://pool.test', 'https://bomb.test']) {
    const polled = await eventually(
      () => events.find((each) => each.event === 'polled' && each.pool === pool),
      'the pool to be visited',
    );
    assert.deepEqual(polled, { event: 'polled', pool, scts: 0, heads: 1 });
  }
  stop.abort();
  await running;
  assert(events.some((each) => each.event === 'failed' && /more values/.test(each.message)));
  assert(events.some((each) => each.event === 'failed' && /HTTP 404/.test(each.message)));
});
