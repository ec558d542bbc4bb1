// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { FetchOptions } from '../../src/http/curl.ts';
import type { Fetch } from '../../src/http/request.ts';
import { changesOf } from '../../src/logs/changes.ts';
import { fetchList, publisherOf } from '../../src/logs/publishers.ts';
import { CHROME_LIST_KEY, fingerprintOf, isSignedList } from '../../src/logs/signed-list.ts';
import { EMPTY_ROOT } from '../../src/merkle/hash.ts';
import { needsShared, sharedPath } from '../support/shared.ts';
import { CHROME_LIST, vectorPath } from '../support/vectors.ts';
import { SigningLog } from '../support/signing-log.ts';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = publicKey.export({ format: 'der', type: 'spki' });
const sign = (bytes: string | Buffer): Buffer =>
  createSign('sha256').update(bytes).sign(privateKey);

describe("a list's signature", () => {
  test('is that of these very bytes', () => {
    const json = Buffer.from('{"operators": []}');
    assert(isSignedList(json, sign(json), key));
    for (let bit = 0; bit < json.length * 8; bit++) {
      const flipped = Buffer.from(json);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert(!isSignedList(flipped, sign(json), key));
    }
    assert(!isSignedList(json, sign(json), CHROME_LIST_KEY));
    assert(!isSignedList(json, Buffer.alloc(0), key));
    assert(!isSignedList(json, sign(json), Buffer.from('no key')));
  });

  // SHA-256 of the DER in googlechrome.github.io/CertificateTransparency/log_lists.html's
  // log_list_pubkey.pem.
  test("Chrome's key is the published one", () =>
    assert.equal(
      fingerprintOf(CHROME_LIST_KEY),
      'f1d8b68e50210d8e73d9a3e97f571773c52d7f28c0b1a71beee81d8562e6fd85',
    ));

  const isGood = (path: string, signaturePath: string): void => {
    const [json, signature] = [readFileSync(path), readFileSync(signaturePath)];
    assert(isSignedList(json, signature, CHROME_LIST_KEY));
    json[1000] = (json[1000] ?? 0) ^ 1;
    assert(!isSignedList(json, signature, CHROME_LIST_KEY));
  };
  test("Chrome's of v88.0 is good", () =>
    isGood(vectorPath(CHROME_LIST.json), vectorPath(CHROME_LIST.signature)));
  for (const version of ['v83.1', 'v89.25']) {
    const skip = needsShared(`loglists/${version}/all_logs_list.json`);
    test(`Chrome's of ${version} is good`, { skip }, () => {
      const path = sharedPath(`loglists/${version}/all_logs_list.json`) ?? assert.fail();
      isGood(path, path.replace(/json$/, 'sig'));
    });
  }
});

describe('fetching a list', () => {
  const json = '{"operators": []}';
  const asked: [string, FetchOptions][] = [];
  const serving =
    (files: Record<string, { status?: number; body?: string | Buffer; etag?: string }>): Fetch =>
    (url, options = {}) => {
      asked.push([url, options]);
      const { status = 200, body = '', etag } = files[url] ?? { status: 404 };
      const unchanged = etag !== undefined && options.ifNoneMatch === etag;
      return Promise.resolve({
        status: unchanged ? 304 : status,
        retryAfter: undefined,
        etag,
        body: Buffer.from(body),
      });
    };
  const [list, signature] = ['https://l.example/x/list.json', 'https://l.example/x/list.sig'];

  test('asks for what is newer only', async () => {
    const fetch = serving({ [list]: { body: json, etag: '"7"' } });
    const first = await fetchList(publisherOf(list, undefined), fetch, undefined);
    assert.deepEqual(first, { json: Buffer.from(json), etag: '"7"', signed: undefined });
    assert.equal(await fetchList(publisherOf(list, undefined), fetch, '"7"'), undefined);
    assert.equal(asked.at(-1)?.[1].ifNoneMatch, '"7"');
  });

  test('wants the signature of whoever was named', async () => {
    const publisher = publisherOf(list, key);
    const good = serving({ [list]: { body: json }, [signature]: { body: sign(json) } });
    assert.deepEqual((await fetchList(publisher, good, undefined))?.signed, {
      signature: sign(json),
      key,
    });
    const bad = serving({ [list]: { body: `${json} ` }, [signature]: { body: sign(json) } });
    await assert.rejects(fetchList(publisher, bad, undefined), {
      code: 'bad-input',
      message: /not signed by/,
    });
    const none = serving({ [list]: { body: json } });
    await assert.rejects(fetchList(publisher, none, undefined), {
      code: 'http-bad-answer',
      message: /list\.sig: HTTP 404/,
    });
  });

  test("Chrome's is signed by Chrome, Apple's by nobody, and others need an URL", () => {
    assert.equal(publisherOf('chrome', undefined).signed?.key, CHROME_LIST_KEY);
    assert.equal(publisherOf('apple', undefined).signed, undefined);
    assert.throws(() => publisherOf('chrome', key), /leave out --list-key/);
    assert.throws(() => publisherOf('chrom', undefined), { code: 'bad-input' });
    assert.throws(() => publisherOf('file:///etc/passwd', undefined), { code: 'bad-input' });
  });
});

describe('what a list changes', () => {
  const [alpha, beta] = [new SigningLog(), new SigningLog()];
  const finalTree = { treeSize: 7n, rootHash: EMPTY_ROOT };

  test('is named field by field; what is no longer listed stays', () => {
    const known = [
      alpha.asLog({ description: 'Alpha', state: 'usable', dns: 'a.example' }),
      beta.asLog({}),
    ];
    const listed = [
      alpha.asLog({ description: 'Alpha', state: 'readonly', finalTree }),
      new SigningLog().asLog({}),
    ];
    const changes = changesOf(known, listed);
    assert.deepEqual(
      changes.map(({ change, fields }) => [change, fields]),
      [
        ['changed', ['state: usable -> readonly', 'final tree size: none -> 7']],
        ['added', []],
      ],
    );
    assert.deepEqual(changesOf(listed, listed), []);
  });
});
