// SPDX-License-Identifier: Apache-2.0
/** `ctga pool serve` without a process: what it pushes, and how it ends. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { encodeBase64 } from '../../src/base/base64.ts';
import { messageOf } from '../../src/base/errors.ts';
import { listenAt } from '../../src/base/listen.ts';
import { directWay, type Fetch, type Way } from '../../src/http/request.ts';
import { Certificate } from '../../src/scts/certificate.ts';
import { servePool, type PoolEvent } from '../../src/services/pool.ts';
import { stateAt } from '../../src/store/state.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { SigningLog } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

test('a push under way ends with the pool, says nothing, and goes out again', async () => {
  const log = new SigningLog();
  const authority = new Authority();
  const leaf = authority.issue(['www.example.net'], { logs: [log] });
  const body = JSON.stringify({
    sct_feedback: [
      {
        x509_chain: [leaf, authority.der].map(encodeBase64),
        sct_data: new Certificate(leaf).embeddedScts.map(encodeBase64),
      },
    ],
  });
  const asked: string[] = [];
  // It says nothing until it is told to.
  let answer = (_: ServerResponse): void => undefined;
  const auditor = createServer((request: IncomingMessage, response) => {
    let text = '';
    request.on('data', (part: Buffer) => (text += part.toString()));
    request.on('end', () => {
      asked.push(text);
      answer(response);
    });
  });
  const { url: auditorUrl } = await listenAt(auditor, { address: '127.0.0.1', port: 0 });

  const failures: string[] = [];
  const way = (): Way => {
    const { fetch, close } = directWay({ allowPrivateAddress: true });
    const watched: Fetch = (url, options) =>
      fetch(url, options).catch((error: unknown) => {
        failures.push(messageOf(error));
        throw error;
      });
    return { fetch: watched, close };
  };
  const events: PoolEvent[] = [];
  const stop = new AbortController();
  const serve = (signal: AbortSignal): Promise<void> =>
    servePool(
      {
        state: stateAt(directory),
        address: '127.0.0.1',
        port: 0,
        domains: ['www.example.net'],
        logs: [log.asLog()],
        auditors: [auditorUrl],
        way: way(),
        user: undefined,
        onEvent: (event) => events.push(event),
        pushEvery: () => 20,
      },
      signal,
      () => undefined,
    );
  try {
    const first = serve(stop.signal);
    await eventually(() => events.length === 1, 'the pool to listen');
    const [listening] = events;
    assert(listening?.event === 'listening');
    const brought = await fetch(`${listening.url}.well-known/ct/v1/sct-feedback`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(brought.status, 200);
    await eventually(() => asked.length === 1, 'the auditor to be asked');
    stop.abort();
    await first;
    assert.equal(failures.length, 1);
    assert.doesNotMatch(failures.join(), /no answer within/);
    assert.deepEqual(
      events.map(({ event }) => event),
      ['listening'],
    );
    answer = (response) => response.end();
    const again = new AbortController();
    const second = serve(again.signal);
    await eventually(() => events.some(({ event }) => event === 'pushed'), 'it to be pushed');
    assert.deepEqual(
      asked.map((text) => JSON.parse(text) as unknown),
      [JSON.parse(body), JSON.parse(body)],
    );
    again.abort();
    await second;
  } finally {
    auditor.close();
    auditor.closeAllConnections();
  }
});
