// SPDX-License-Identifier: Apache-2.0
/** Tree heads in files: each form, whose they are, and what is refused. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readTreeHeads } from '../../src/exchange/files.ts';
import { logIdText } from '../../src/logs/log.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const alpha = new SigningLog();
const beta = new SigningLog('rsa');
const tlog = new CheckpointLog();
const mlDsa = new CheckpointLog({ algorithm: 'ml-dsa-44' });
const logs = [
  alpha.asLog(),
  beta.asLog({ description: 'Beta log' }),
  tlog.asLog({ description: 'Gamma log' }),
  mlDsa.asLog({ description: 'Delta log' }),
];
const root = treeOf(9).root();
const json = treeHeadToJson(alpha.sign(9, root));
const gossiped = (log: SigningLog, more: object = {}): object => ({
  sth_version: 0,
  log_id: logIdText(log.key.logId),
  ...treeHeadToJson(log.sign(9, root)),
  ...more,
});

const cases: {
  readonly name: string;
  readonly text: string;
  readonly only?: boolean;
  readonly heads: readonly string[];
  readonly refused: readonly RegExp[];
}[] = [
  {
    name: 'a pollination',
    text: JSON.stringify({
      sths: [
        gossiped(alpha),
        gossiped(beta, { timestamp: 5 }),
        gossiped(new SigningLog()),
        gossiped(alpha, { sth_version: 1 }),
        gossiped(alpha, { tree_size: -1 }),
        'nothing',
        gossiped(beta),
      ],
    }),
    heads: [logs[0]?.description ?? '', 'Beta log'],
    refused: [
      /file: sths\[1\]: the signature is not by "Beta log"$/,
      /file: sths\[2\]: no log with ID .* is known/,
      /file: sths\[3\]: sth_version: /,
      /file: sths\[4\]: tree_size: /,
      /file: sths\[5\]: /,
    ],
  },
  {
    name: 'a list alone',
    text: JSON.stringify([gossiped(beta)]),
    heads: ['Beta log'],
    refused: [],
  },
  {
    name: 'a get-sth answer, if it is said whose',
    text: JSON.stringify(json),
    only: true,
    heads: [logs[0]?.description ?? ''],
    refused: [],
  },
  {
    name: 'a get-sth answer of nobody named',
    text: JSON.stringify(json),
    heads: [],
    refused: [/file: it has no log_id: say whose it is with --log$/],
  },
  {
    name: 'JSON of something else',
    text: '{"operators": []}',
    heads: [],
    refused: [/file: tree_size: /],
  },
  { name: 'a checkpoint', text: beta.checkpoint(9, root), heads: ['Beta log'], refused: [] },
  {
    name: 'a checkpoint of a log that is no CT log',
    text: tlog.checkpoint(9, root),
    heads: ['Gamma log'],
    refused: [],
  },
  {
    name: 'a checkpoint with lines of two keys of a log',
    text: `${tlog.checkpoint(9, root)}${mlDsa.checkpoint(9, root).split('\n\n')[1] ?? ''}`,
    heads: ['Gamma log', 'Delta log'],
    refused: [],
  },
  {
    name: 'a checkpoint of its origin by the key of another',
    text: new CheckpointLog().checkpoint(9, root),
    heads: [],
    refused: [/file: no known log signed the checkpoint of "log\.test\/beta"/],
  },
  {
    name: 'what a store exports of logs that are no CT logs',
    text: JSON.stringify({
      sths: [tlog, mlDsa].map((log) => ({
        log_id: logIdText(log.key.logId),
        ...treeHeadToJson(log.verified(9, root)),
      })),
    }),
    heads: ['Gamma log', 'Delta log'],
    refused: [],
  },
  {
    name: 'a checkpoint that was changed',
    text: beta.checkpoint(9, root).replace('\n9\n', '\n8\n'),
    heads: [],
    refused: [/file: the signature is not by "Beta log"$/],
  },
  {
    name: 'a checkpoint of an unknown log',
    text: new SigningLog().checkpoint(9, root),
    heads: [],
    refused: [/file: no known log signed the checkpoint of "log\.test\/alpha"/],
  },
];
for (const { name, text, only = false, heads, refused } of cases) {
  test(`${name}: ${heads.length} taken, ${refused.length} refused`, () => {
    const path = join(directory, 'file');
    writeFileSync(path, text);
    const result = readTreeHeads(path, logs, only ? logs[0] : undefined);
    assert.match(result.source, /^import:file#[0-9a-f]{8}$/);
    assert.deepEqual(
      result.heads.map(({ log }) => log.description),
      heads,
    );
    assert.equal(result.refused.length, refused.length, result.refused.join('\n'));
    refused.forEach((reason, i) => assert.match(result.refused[i] ?? '', reason));
  });
}

test('a file of none of the forms is bad input', () => {
  const path = join(directory, 'noise');
  writeFileSync(path, 'noise\n');
  assert.throws(() => readTreeHeads(path, logs, undefined), {
    code: 'bad-input',
    message: /neither JSON nor a checkpoint/,
  });
  writeFileSync(path, '\n');
  assert.throws(() => readTreeHeads(path, logs, undefined), { message: /noise: is empty$/ });
  writeFileSync(path, ' [ ]\n');
  assert.throws(() => readTreeHeads(path, logs, undefined), {
    code: 'bad-input',
    message: /an empty list, of nobody knows what/,
  });
});

test('what is nested however deeply is refused, and the rest is taken', () => {
  const path = join(directory, 'deep');
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  writeFileSync(path, `{"sths": [${deep}, ${JSON.stringify(gossiped(alpha))}]}`);
  const { heads, refused } = readTreeHeads(path, logs, undefined);
  assert.equal(heads.length, 1);
  assert.match(refused.join(), /sths\[0\]: it is nested too deeply$/);
});
