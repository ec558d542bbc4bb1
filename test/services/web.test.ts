// SPDX-License-Identifier: Apache-2.0
/** `ctga web` without a process: it listens until it is told to stop. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { serveStatusPage } from '../../src/services/web.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

test('the status page is there until it is stopped', async () => {
  const stop = new AbortController();
  const became: unknown[] = [];
  let serving = Promise.resolve();
  const url = await new Promise<string>((resolve, reject) => {
    serving = serveStatusPage(
      {
        state: stateAt(directory),
        address: '127.0.0.1',
        port: 0,
        hosts: [],
        version: '0',
        user: 'somebody',
        onListening: resolve,
      },
      stop.signal,
      (_, user) => {
        became.push(user);
        return user;
      },
    );
    serving.catch(reject);
  });
  assert.deepEqual(became, ['somebody']);
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
  const missing = await fetch(`${url}healthz`);
  assert.deepEqual(
    [missing.status, await missing.text()],
    [503, `there is no store in ${directory}\n`],
  );
  openForWriting(stateAt(directory)).close();
  assert.equal(await (await fetch(`${url}healthz`)).text(), 'well\n');
  stop.abort();
  await serving;
  await assert.rejects(fetch(url));
});
