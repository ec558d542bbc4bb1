// SPDX-License-Identifier: Apache-2.0
/**
 * The lab's RFC 6962 API: proofs that verify, errors that logs give, and misbehaviour on request.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { decodeBase64 } from '../../src/base/base64.ts';
import { TiledAsker } from '../../src/ask/tiled.ts';
import { LabApi, makeCertificate, MAX_ENTRIES, type LabCertificate } from '../../src/lab/api.ts';
import { LabLog } from '../../src/lab/log.ts';
import { hashLeaf, toMerkleHash, type MerkleHash } from '../../src/merkle/hash.ts';
import { foldConsistency, foldInclusion } from '../../src/merkle/proof.ts';
import { treeHeadSchema } from '../../src/statements/json.ts';
import { verifyStatement } from '../../src/statements/verify.ts';
import { eventually } from '../support/eventually.ts';

const HOST_NAME = 'log.ctga.test';
const SIZE = 100;

interface Response {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly retryAfter: string | undefined;
  readonly text: string;
  readonly body: Buffer;
}

const directory = mkdtempSync(join(tmpdir(), 'ctga-api-test-'));
const log = new LabLog();
let certificate: LabCertificate;
let api: LabApi;

before(async () => {
  log.grow(SIZE);
  certificate = await makeCertificate(directory, HOST_NAME);
  api = await LabApi.listen({
    log,
    certificate,
    submissionPath: '/lab/',
    host: '127.0.0.1',
    port: 0,
  });
});
afterEach(() => api.misbehave(undefined));
after(async () => {
  await api.close();
  rmSync(directory, { recursive: true });
});

/** Verifies the certificate for the log's name, as the challenger does. */
function ask(
  path: string,
  options: { method?: string; signal?: AbortSignal } = {},
): Promise<Response> {
  return new Promise((resolve, reject) => {
    request(
      new URL(path, api.url),
      {
        ...options,
        ca: readFileSync(certificate.certificatePath),
        servername: HOST_NAME,
        agent: false,
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            contentType: response.headers['content-type'],
            retryAfter: response.headers['retry-after'],
            text: Buffer.concat(parts).toString(),
            body: Buffer.concat(parts),
          }),
        );
      },
    )
      .on('error', reject)
      .end();
  });
}

async function askJson(path: string): Promise<Record<string, unknown>> {
  const response = await ask(path);
  assert.equal(response.status, 200, response.text);
  assert.equal(response.contentType, 'application/json');
  return JSON.parse(response.text) as Record<string, unknown>;
}

function hashes(value: unknown): MerkleHash[] {
  return (value as string[]).map((text) => toMerkleHash(decodeBase64(text) ?? new Uint8Array()));
}

test('get-sth answers the head that the log signed, of the public tree', async () => {
  const head = treeHeadSchema.parse(await askJson('ct/v1/get-sth'));
  assert.deepEqual(head, log.tree().signedTreeHead);
  assert.ok(verifyStatement(head, log.key));
  log.equivocate(50, 90);
  assert.deepEqual(treeHeadSchema.parse(await askJson('ct/v1/get-sth')), head);
  log.stopEquivocating();
});

test('a checkpoint and tiles show the same tree, as a static-ct log does', async () => {
  const asker = new TiledAsker(api.url, log.key, async (url) => {
    const response = await ask(url);
    return { status: response.status, retryAfter: undefined, body: response.body };
  });
  const head = await asker.treeHead();
  const { others, text, ...signed } = head;
  assert.deepEqual(signed, log.tree().signedTreeHead);
  assert.deepEqual(others, []);
  assert.match(text ?? '', /^log\.invalid\n100\n/);
  assert.ok(verifyStatement(head, log.key));
  assert.deepEqual(await asker.consistencyProof(77n, 100n), log.tree().consistencyProof(77, 100));
  assert.deepEqual(
    await asker.inclusionProof({ leafIndex: 41n, leafHash: undefined }, 100n),
    log.tree().inclusionProof(41, 100),
  );
  for (const path of ['tile/0/000', 'tile/0/000.p/101', 'tile/1/000.p/1', 'tile/0/001.p/1'])
    assert.equal((await ask(path)).status, 404, path);
});

for (const [first, second] of [
  [1, 100],
  [63, 64],
  [64, 100],
  [77, 99],
] as const) {
  test(`get-sth-consistency proves ${first} to ${second}`, async () => {
    const { consistency } = await askJson(
      `ct/v1/get-sth-consistency?first=${first}&second=${second}`,
    );
    const [firstRoot, secondRoot] = [log.tree().root(first), log.tree().root(second)];
    const folded = foldConsistency(BigInt(first), BigInt(second), firstRoot, hashes(consistency));
    assert.deepEqual(folded, { kind: 'folded', firstRoot, secondRoot });
  });
}

test('get-sth-consistency between equal sizes is an empty proof', async () => {
  assert.deepEqual(await askJson('ct/v1/get-sth-consistency?first=9&second=9'), {
    consistency: [],
  });
});

test('get-entries and get-proof-by-hash lead from the leaf to the root', async () => {
  const { entries } = await askJson('ct/v1/get-entries?start=41&end=42');
  const [entry, ...others] = entries as { leaf_input: string; extra_data: string }[];
  assert.equal(others.length, 1);
  assert.equal(entry?.extra_data, 'AAAA');
  const leafHash = hashLeaf(decodeBase64(entry.leaf_input) ?? new Uint8Array());
  const hash = encodeURIComponent(Buffer.from(leafHash).toString('base64'));
  const proof = await askJson(`ct/v1/get-proof-by-hash?hash=${hash}&tree_size=77`);
  assert.equal(proof.leaf_index, 41);
  const folded = foldInclusion(41n, 77n, leafHash, hashes(proof.audit_path));
  assert.deepEqual(folded, { kind: 'folded', root: log.tree().root(77) });
});

test('get-entries gives fewer than asked for: no more than fit, none past the tree', async () => {
  const many = await askJson(`ct/v1/get-entries?start=0&end=${SIZE - 1}`);
  assert.equal((many.entries as unknown[]).length, MAX_ENTRIES);
  const last = await askJson(`ct/v1/get-entries?start=${SIZE - 2}&end=${SIZE + 1000}`);
  assert.equal((last.entries as unknown[]).length, 2);
});

describe('refusals are JSON with a reason', () => {
  const unknown = encodeURIComponent(Buffer.alloc(32).toString('base64'));
  const known = (index: number): string =>
    encodeURIComponent(
      Buffer.from(hashLeaf(log.tree().entries(index, index + 1)[0] ?? new Uint8Array())).toString(
        'base64',
      ),
    );
  const cases = [
    {
      name: 'a consistency proof from the empty tree',
      ask: () => 'ct/v1/get-sth-consistency?first=0&second=5',
      status: 400,
      reason: /at least 1/,
    },
    {
      name: 'a consistency proof backwards',
      ask: () => 'ct/v1/get-sth-consistency?first=6&second=5',
      status: 400,
      reason: /greater than/,
    },
    {
      name: 'a consistency proof beyond the tree',
      ask: () => 'ct/v1/get-sth-consistency?first=1&second=101',
      status: 400,
      reason: /beyond the tree size 100/,
    },
    {
      name: 'a size left out',
      ask: () => 'ct/v1/get-sth-consistency?first=1',
      status: 400,
      reason: /decimal integers/,
    },
    {
      name: 'a negative size',
      ask: () => 'ct/v1/get-sth-consistency?first=-1&second=2',
      status: 400,
      reason: /decimal integers/,
    },
    {
      name: 'a size in another notation',
      ask: () => 'ct/v1/get-sth-consistency?first=1e1&second=20',
      status: 400,
      reason: /decimal integers/,
    },
    {
      name: 'the proof of an unknown hash',
      ask: () => `ct/v1/get-proof-by-hash?hash=${unknown}&tree_size=100`,
      status: 404,
      reason: /no entry/,
    },
    {
      name: 'the proof of an entry that was not there yet',
      ask: () => `ct/v1/get-proof-by-hash?hash=${known(9)}&tree_size=9`,
      status: 404,
      reason: /first 9/,
    },
    {
      name: 'an inclusion proof beyond the tree',
      ask: () => `ct/v1/get-proof-by-hash?hash=${known(9)}&tree_size=101`,
      status: 400,
      reason: /beyond/,
    },
    {
      name: 'a hash that is none',
      ask: () => 'ct/v1/get-proof-by-hash?hash=AAAA&tree_size=9',
      status: 400,
      reason: /32 bytes/,
    },
    {
      name: 'entries past the tree',
      ask: () => 'ct/v1/get-entries?start=100&end=120',
      status: 400,
      reason: /beyond/,
    },
    {
      name: 'entries backwards',
      ask: () => 'ct/v1/get-entries?start=5&end=4',
      status: 400,
      reason: /greater than/,
    },
    {
      name: 'an endpoint that is none',
      ask: () => 'ct/v1/get-roots',
      status: 404,
      reason: /no such endpoint/,
    },
    {
      name: 'an endpoint outside the prefix',
      ask: () => '/ct/v1/get-sth',
      status: 404,
      reason: /no such endpoint/,
    },
  ];
  for (const { name, ask: path, status, reason } of cases) {
    test(`${name}: ${status}`, async () => {
      const response = await ask(path());
      assert.equal(response.status, status);
      const body = JSON.parse(response.text) as { success: boolean; error_message: string };
      assert.equal(body.success, false);
      assert.match(body.error_message, reason);
    });
  }

  test('405 for anything but GET', async () => {
    assert.equal((await ask('ct/v1/get-sth', { method: 'POST' })).status, 405);
  });
});

describe('misbehaviour', () => {
  test('html', async () => {
    api.misbehave({ kind: 'html' });
    const response = await ask('ct/v1/get-sth');
    assert.equal(response.status, 200);
    assert.equal(response.contentType, 'text/html');
    assert.match(response.text, /^<!DOCTYPE html>/);
  });

  test('server-error', async () => {
    api.misbehave({ kind: 'server-error' });
    assert.equal((await ask('ct/v1/get-sth')).status, 500);
  });

  test('rate-limit', async () => {
    api.misbehave({ kind: 'rate-limit', retryAfterSeconds: 7 });
    const response = await ask('ct/v1/get-sth');
    assert.deepEqual([response.status, response.retryAfter], [429, '7']);
  });

  test('hang: the request arrives and nothing comes back', async () => {
    api.misbehave({ kind: 'hang' });
    const before = api.requests;
    const abort = new AbortController();
    const answer = ask('ct/v1/get-sth', { signal: abort.signal }).then(
      () => 'answered',
      () => 'nothing',
    );
    await eventually(() => api.requests > before, 'the request');
    abort.abort();
    assert.equal(await answer, 'nothing');
  });

  test('garbage-proof: as long as the right one, and wrong on both sides', async () => {
    const path = 'ct/v1/get-sth-consistency?first=77&second=99';
    const right = hashes((await askJson(path)).consistency);
    api.misbehave({ kind: 'garbage-proof' });
    const garbage = hashes((await askJson(path)).consistency);
    assert.equal(garbage.length, right.length);
    const folded = foldConsistency(77n, 99n, log.tree().root(77), garbage);
    if (folded.kind === 'malformed') assert.fail(folded.reason);
    assert.notDeepEqual(folded.firstRoot, log.tree().root(77));
    assert.notDeepEqual(folded.secondRoot, log.tree().root(99));
  });
});
