// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { builtinLogs } from '../../src/logs/builtin.ts';
import { parseLogList, readLogList } from '../../src/logs/list.ts';
import { logIdText, logLabel, type Log } from '../../src/logs/log.ts';
import { findLog, parseZone, zonesOf } from '../../src/logs/zones.ts';
import { needsShared, sharedPath } from '../support/shared.ts';
import { CHROME_LIST, vectorPath } from '../support/vectors.ts';
import { SigningLog } from '../support/signing-log.ts';

const log = new SigningLog();
const key = Buffer.from(log.key.spki).toString('base64');
const logId = logIdText(log.key.logId);

function list(...logs: Record<string, unknown>[]): string {
  return JSON.stringify({ operators: [{ name: 'Op', logs }] });
}

describe('a log list', () => {
  test('is read, with the zone of a log where it names one', () => {
    const { logs, leftOut } = parseLogList(
      list({
        description: "Op 'Alpha' log",
        log_id: logId,
        key,
        url: 'log.example/alpha',
        mmd: 60,
        dns: 'Alpha.CT.example.',
      }),
      'x',
    );
    assert.deepEqual(leftOut, []);
    const [only] = logs;
    assert.deepEqual(only?.url, 'https://log.example/alpha/');
    assert.equal(only.dns, 'alpha.ct.example');
    assert.equal(only.mmd, 60);
    assert.equal(logLabel(only), 'alpha');
  });

  test('may begin with a byte order mark and have fields of its publisher', () => {
    const text = JSON.stringify({
      assetVersion: 7,
      operators: [
        { name: 'Op', email: [], logs: [{ key, url: 'https://a/', log_type: 'prod', x: {} }] },
      ],
    });
    assert.equal(parseLogList(`\ufeff${text}\n`, 'x').logs.length, 1);
  });

  test('reads tiled logs by their monitoring prefix', () => {
    const text = JSON.stringify({
      operators: [
        {
          name: 'Op',
          tiled_logs: [
            { description: 'T', key, submission_url: 'https://a/', monitoring_url: 'https://m' },
          ],
        },
      ],
    });
    const [only] = parseLogList(text, 'x').logs;
    assert.equal(only?.api, 'static-ct');
    assert.equal(only.url, 'https://m/');
  });

  const other = logIdText(new SigningLog().key.logId);
  const refused: [string, string, RegExp][] = [
    ['that is not JSON', '{]', /list\.json: not JSON/],
    [
      'that is cut short',
      list({ key }).slice(0, -20),
      /list\.json: not JSON: it ends in the middle/,
    ],
    ['that is empty', '\ufeff\n', /list\.json: is empty/],
    ['that is a web page', ' <!DOCTYPE html><p>Not found', /is a web page/],
    ['that is compressed', gzipSync(list({ key })).toString('utf8'), /compressed with gzip/],
    ['that is an array', '[]', /is an array, not a log list/],
    [
      "in Google's first form",
      JSON.stringify({
        logs: [{ description: 'Old', key, url: 'a.example', operated_by: [0] }],
        operators: [{ name: 'Op', id: 0 }],
      }),
      /list\.json: is a log list in Google's first form \(schema v1/,
    ],
    ['without logs', '{"operators": []}', /list\.json: has no log that ctga can use$/],
    [
      'without a log of use',
      list({ description: 'A', key }),
      /no log that ctga can use; Op, logs\[0\] "A": it has no URL/,
    ],
    ['without operators', '{}', /list\.json: operators: /],
    [
      'with a log that has no key',
      list({ description: 'A' }),
      /list\.json: operators\[0\]\.logs\[0\]\.key: /,
    ],
    [
      'with a key that is not base64',
      list({ key: '!!' }),
      /operators\[0\]\.logs\[0\]\.key: is not padded base64/,
    ],
    [
      'with a wrong log ID',
      list({ description: 'A', key, log_id: other, url: 'https://a/' }),
      /Op, logs\[0\] "A": its log_id is not the SHA-256 of its key, which is /,
    ],
    [
      'with a zone that is none',
      list({ description: 'A', key, url: 'https://a/', dns: 'a..b' }),
      /"a\.\.b" is not a DNS zone/,
    ],
  ];
  for (const [name, text, want] of refused)
    test(`${name} is refused`, () => assert.throws(() => parseLogList(text, 'list.json'), want));

  test('that cannot be read is refused', () =>
    assert.throws(() => readLogList('/nonexistent/list.json'), /cannot read/));

  test('leaves out what is of no use, and says so', () => {
    const ed25519 = 'MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=';
    const { logs, leftOut } = parseLogList(
      list(
        { description: 'A', key: ed25519, url: 'https://a/' },
        { description: 'B', key },
        { description: 'C', key, url: 'https://c/' },
        { description: 'D', key, url: 'https://d/' },
      ),
      'x',
    );
    assert.deepEqual(
      logs.map(({ description }) => description),
      ['C'],
    );
    assert.equal(leftOut.length, 3);
    assert.match(leftOut[0] ?? '', /"A": key is ed25519/);
    assert.match(leftOut[1] ?? '', /"B": it has no URL/);
    assert.match(leftOut[2] ?? '', /"D": "C" has the same key/);
  });
});

describe('the built-in logs', () => {
  test("have Rocketeer under its old zone, and every key's log ID is its own", () => {
    const logs = builtinLogs();
    assert.equal(new Set(logs.map(({ key: { logId: id } }) => logIdText(id))).size, logs.length);
    const rocketeer = zonesOf(logs, { zones: [] }).get('rocketeer.ct.googleapis.com');
    assert.equal(
      rocketeer === undefined ? '' : logIdText(rocketeer.key.logId),
      '7ku9t3XOYLrhQmkfq+GeZqMPfl+wctiDAMR7iXqo/cs=',
    );
  });
});

describe('zones', () => {
  const alpha = log.asLog({ description: "Op 'Alpha2026h1' log" });
  const beta = new SigningLog().asLog({ description: "Op 'Beta' log", dns: 'beta.example' });
  const logs = [alpha, beta];

  test('come from the list, a suffix and the command line', () => {
    const zones = zonesOf(logs, {
      zones: ['sth.Rome.example.=alpha2026', `x.example=${logIdText(beta.key.logId)}`],
      zoneSuffix: 'ct.example',
    });
    assert.deepEqual(
      [...zones].map(([zone, { description }]) => `${zone} ${description}`),
      [
        "beta.example Op 'Beta' log",
        "alpha2026h1.ct.example Op 'Alpha2026h1' log",
        "beta.ct.example Op 'Beta' log",
        "rome.example Op 'Alpha2026h1' log",
        "x.example Op 'Beta' log",
      ],
    );
  });

  test('of logs that share a name are told apart by their log IDs', () => {
    const twin = new SigningLog().asLog({ description: alpha.description });
    const zones = [...zonesOf([alpha, twin, beta], { zones: [], zoneSuffix: 'x' })].filter(
      ([zone]) => zone.endsWith('.x'),
    );
    const id = (log: Log): string => Buffer.from(log.key.logId).toString('hex').slice(0, 8);
    assert.deepEqual(zones, [
      [`alpha2026h1-${id(alpha)}.x`, alpha],
      [`alpha2026h1-${id(twin)}.x`, twin],
      ['beta.x', beta],
    ]);
  });

  const refused: [string, () => unknown, RegExp][] = [
    ['a pair without =', () => zonesOf(logs, { zones: ['rome.example'] }), /want ZONE=LOG/],
    [
      'an unknown log',
      () => zonesOf(logs, { zones: ['rome.example=gamma'] }),
      /no log is called "gamma"/,
    ],
    [
      'an ambiguous log',
      () => findLog(logs, 'op'),
      /could be "Op 'Alpha2026h1' log", "Op 'Beta' log"/,
    ],
    ['a label of 64 letters', () => parseZone(`${'a'.repeat(64)}.example`, 'here'), /here: /],
    [
      'a name too long',
      () => parseZone(Array(30).fill('abcdefgh').join('.'), 'here'),
      /is not a DNS zone/,
    ],
  ];
  for (const [name, work, want] of refused) test(`refuse ${name}`, () => assert.throws(work, want));
});

describe('real lists', () => {
  const chrome = vectorPath(CHROME_LIST.json);
  for (const [name, atLeast] of [
    ['v88.0', 40],
    ['v83.1', 100],
    ['v89.25', 40],
    ['crtsh/v3/all', 150],
  ] as const) {
    const shared = `loglists/${name}/all_logs_list.json`;
    const skip = name !== 'v88.0' && needsShared(shared);
    test(`${name} is read whole, and a name can be derived for every log`, { skip }, () => {
      const path = name === 'v88.0' ? chrome : sharedPath(shared);
      const { logs, leftOut } = readLogList(path ?? assert.fail());
      assert(logs.length >= atLeast, `${logs.length}`);
      assert.deepEqual(
        leftOut.filter(
          (line) => !/no URL|placeholder: https:\/\/ct\.example\.com\/bogus\//.test(line),
        ),
        [],
      );
      for (const each of logs) assert.match(logLabel(each), /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
    });
  }

  test("Chrome's gives every log a zone of its own below a suffix", () => {
    const { logs } = readLogList(chrome);
    const below = [...zonesOf(logs, { zones: [], zoneSuffix: 'ct.example.net' }).keys()].filter(
      (zone) => zone.endsWith('.ct.example.net'),
    );
    assert.equal(below.length, logs.length);
  });

  test('one byte of a key changed is refused', () => {
    const text = readFileSync(chrome, 'utf8');
    const wrong = text.replace(
      /"key": "(.{100})(.)/,
      (_, head: string, c: string) => `"key": "${head}${c === 'A' ? 'B' : 'A'}`,
    );
    assert.notEqual(wrong, text);
    assert.throws(() => parseLogList(wrong, 'x'), /not the SHA-256 of its key/);
  });
});
