// SPDX-License-Identifier: Apache-2.0
/** Log lists without a process: what is taken in, and what is refused. */
import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, test } from 'node:test';
import type { Fetch } from '../../src/http/request.ts';
import { logIdText } from '../../src/logs/log.ts';
import type { Publisher } from '../../src/logs/publishers.ts';
import { fetchUpdate, importLogList } from '../../src/services/log-lists.ts';
import { memoryStore } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import { SigningLog } from '../support/signing-log.ts';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const key = publicKey.export({ format: 'der', type: 'spki' });
const sign = (json: string): Buffer => createSign('sha256').update(json).sign(privateKey);

const log = new SigningLog();
const listOf = (day: string, state: string): string =>
  JSON.stringify({
    log_list_timestamp: `${day}T00:00:00Z`,
    operators: [
      {
        name: 'Op',
        logs: [
          {
            description: 'Alpha',
            key: Buffer.from(log.key.spki).toString('base64'),
            log_id: logIdText(log.key.logId),
            url: 'https://ct.example.edu/',
            state: { [state]: { timestamp: '2026-01-01T00:00:00Z' } },
          },
        ],
      },
    ],
  });

const url = 'https://lists.test/list.json';
const publisher: Publisher = {
  name: 'the test',
  url,
  signed: { url: 'https://lists.test/list.sig', key },
};
const serving =
  (json: string): Fetch =>
  (asked) =>
    Promise.resolve({
      status: 200,
      retryAfter: undefined,
      body: asked === url ? Buffer.from(json) : sign(json),
    });

let store: Store;
beforeEach(() => (store = memoryStore()));
const states = (): (string | undefined)[] => store.logs.all().map(({ state }) => state);
const update = (json: string): ReturnType<typeof fetchUpdate> =>
  fetchUpdate(store, publisher, serving(json), 0);

describe('an update', () => {
  test('changes nothing until it is taken in', async () => {
    const first = await update(listOf('2026-05-01', 'usable'));
    assert.deepEqual(
      first?.changes.map(({ change, log: { description } }) => `${change} ${description}`),
      ['added Alpha'],
    );
    assert.equal(first.signed, true);
    assert.deepEqual(states(), []);
    first.takeIn();
    assert.deepEqual(states(), ['usable']);
    const second = await update(listOf('2026-06-01', 'readonly'));
    assert.deepEqual(second?.changes[0]?.fields, ['state: usable -> readonly']);
    second.takeIn();
    assert.deepEqual(states(), ['readonly']);
  });

  test('to a list that is older than the last one is refused, however good its signature', async () => {
    (await update(listOf('2026-06-01', 'readonly')))?.takeIn();
    await assert.rejects(update(listOf('2026-05-31', 'usable')), {
      code: 'bad-input',
      message: /is of 2026-05-31T00:00:00\.000Z, but the last one was of 2026-06-01/,
    });
    assert.deepEqual(states(), ['readonly']);
    (await update(listOf('2026-06-01', 'retired')))?.takeIn();
    assert.deepEqual(states(), ['retired'], 'of the same time: no roll-back');
  });
});

describe('an import', () => {
  const json = Buffer.from(listOf('2026-05-01', 'usable'));

  test('takes in a list with or without a signature', () => {
    importLogList(() => store, { name: 'list.json', json }, 0);
    assert.deepEqual(states(), ['usable']);
    const signed = { name: 'list.sig', signature: sign(json.toString()), key };
    importLogList(() => store, { name: 'list.json', json, signed }, 0);
    assert.deepEqual(store.logs.list('list.json')?.signed, { signature: signed.signature, key });
  });

  test('takes in nothing if the signature is not the publisher’s', () => {
    const signed = { name: 'list.sig', signature: sign('another list'), key };
    assert.throws(
      () => importLogList(() => store, { name: 'list.json', json, signed }, 0),
      /list\.sig is not the signature of list\.json/,
    );
    assert.deepEqual(states(), []);
  });
});
