// SPDX-License-Identifier: Apache-2.0
/** A static-ct log asked for its head and for proofs; the log is files in memory. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LogError } from '../../src/ask/asker.ts';
import { TiledAsker } from '../../src/ask/tiled.ts';
import type { HttpAnswer } from '../../src/http/request.ts';
import { isInService } from '../../src/logs/log.ts';
import { TiledFiles } from '../support/tiled-files.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const log = new SigningLog();
const tree = treeOf(70_000);

function clientOf(files: TiledFiles): TiledAsker {
  return new TiledAsker('https://log.test/alpha/', log.key, files.fetch, () => 0);
}

const answer = (
  status: number,
  body: string | Uint8Array = '',
  retryAfter?: string,
): HttpAnswer => ({ status, body: Buffer.from(body), retryAfter });

test('its head is the line that its key signed, whatever other lines there are', async () => {
  const head = await clientOf(new TiledFiles(log, tree, 300)).treeHead();
  assert.equal(head.treeSize, 300n);
  assert.deepEqual(head.rootHash, tree.root(300));
});

describe('proofs', () => {
  test('are those of RFC 6962', async () => {
    const client = clientOf(new TiledFiles(log, tree));
    assert.deepEqual(
      await client.consistencyProof(300n, 65_000n),
      tree.consistencyProof(300, 65_000),
    );
    const leaf = { leafIndex: 9n, leafHash: tree.leafHash(9) };
    assert.deepEqual(await client.inclusionProof(leaf, 10n), tree.inclusionProof(9, 10));
  });

  test('fetch no tile twice', async () => {
    const files = new TiledFiles(log, tree);
    const client = clientOf(files);
    await client.consistencyProof(60_000n, 65_000n);
    const { length } = files.requests;
    await client.consistencyProof(60_000n, 65_000n);
    assert.equal(files.requests.length, length);
    assert.equal(new Set(files.requests).size, length);
  });

  test('take the full tile where the partial one is gone', async () => {
    const files = new TiledFiles(log, tree);
    files.instead = (path) =>
      path.includes('.p/') && path.startsWith('tile/0/') ? answer(404) : undefined;
    assert.deepEqual(
      await clientOf(files).consistencyProof(300n, 1000n),
      tree.consistencyProof(300, 1000),
    );
    assert(files.requests.includes('tile/0/003'), files.requests.join());
  });
});

describe('what says nothing about the log is told apart from a refusal', () => {
  const cases: readonly {
    readonly name: string;
    readonly instead: TiledFiles['instead'];
    readonly code: LogError['code'];
    readonly says: RegExp;
  }[] = [
    {
      name: 'no tile',
      instead: () => answer(404),
      code: 'log-refused',
      says: /^tile\/\d\/\d+: HTTP 404$/,
    },
    { name: 'gone', instead: () => answer(410), code: 'log-refused', says: /HTTP 410$/ },
    {
      name: 'busy',
      instead: () => answer(429, '', '7'),
      code: 'log-unavailable',
      says: /HTTP 429$/,
    },
    { name: 'broken', instead: () => answer(500), code: 'log-unavailable', says: /HTTP 500$/ },
    {
      name: 'a page instead of a tile',
      instead: () => answer(200, '<html>'),
      code: 'log-unavailable',
      says: /6 bytes, want \d+$/,
    },
    {
      name: 'a tile cut short',
      instead: () => answer(200, new Uint8Array(31)),
      code: 'log-unavailable',
      says: /31 bytes, want \d+$/,
    },
  ];
  for (const { name, instead, code, says } of cases) {
    test(name, async () => {
      const files = new TiledFiles(log, tree);
      files.instead = instead;
      await assert.rejects(clientOf(files).consistencyProof(300n, 1000n), (error: unknown) => {
        assert(error instanceof LogError);
        assert.equal(error.code, code);
        assert.match(error.message, says);
        assert.equal(error.retryAfter, name === 'busy' ? 7000 : undefined);
        return true;
      });
    });
  }

  const heads: readonly (readonly [name: string, body: string, says: RegExp])[] = [
    ['a page', '<html>', /^checkpoint: no blank line/],
    [
      'another log',
      new SigningLog().checkpoint(5, tree.root(5)),
      /^checkpoint: no signature line of this log$/,
    ],
    [
      'a size of -1',
      log.checkpoint(5, tree.root(5)).replace('\n5\n', '\n-1\n'),
      /^checkpoint: line 2/,
    ],
  ];
  for (const [name, body, says] of heads) {
    test(`a checkpoint of ${name}`, async () => {
      const files = new TiledFiles(log, tree);
      files.instead = () => answer(200, body);
      await assert.rejects(clientOf(files).treeHead(), (error: unknown) => {
        assert(error instanceof LogError && error.code === 'log-unavailable');
        assert.match(error.message, says);
        return true;
      });
    });
  }
});

test('a log without a URL is asked nothing', async () => {
  const asker = new TiledAsker('', log.key, () => assert.fail('it is asked'));
  await assert.rejects(asker.treeHead(), { code: 'log-unavailable', message: /at which URL/ });
  assert.equal(isInService({ state: 'usable', url: '' }), false);
});
