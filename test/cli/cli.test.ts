// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { logIdText } from '../../src/logs/log.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { ctga, ctgaProcess, type Ran } from '../support/ctga.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { readVector } from '../support/vectors.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const log = new SigningLog();
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
};
const listOf = (entry: Record<string, unknown>): string =>
  JSON.stringify({
    operators: [
      {
        name: 'Test',
        logs: [{ description: "Test 'Alpha' log", url: 'https://log.test/', ...entry }],
      },
    ],
  });
const key = Buffer.from(log.key.spki).toString('base64');
const logList = file(
  'list.json',
  listOf({ key, log_id: logIdText(log.key.logId), dns: 'alpha.example' }),
);
/** RFC 6962, Section 3.2. */
const logIdOf = (spki: string): string =>
  createHash('sha256').update(Buffer.from(spki, 'base64')).digest('base64');
const state = (name: string): string[] => ['--state-dir', join(directory, name)];

/** What a person must be told: a sentence, no stack. */
function assertClear({ stderr }: Ran, says: RegExp): void {
  assert.match(stderr, says);
  assert.doesNotMatch(stderr, /\n\s+at .*\d+:\d+|this is a bug/);
}

describe('the command line', () => {
  test('explains itself', async () => {
    const { code, stdout } = await ctga(['--help']);
    assert.equal(code, 0);
    for (const word of [
      'attach',
      'detach',
      'status',
      'heads',
      'challenge',
      'evidence',
      'logs',
      'replay',
      'lab',
      'Exit codes',
    ]) {
      assert.match(stdout, new RegExp(word));
    }
    const { version } = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    ) as { version: string };
    assert.equal((await ctga(['--version'])).stdout.trim(), version);
  });

  test('ends, as a process, with the exit code of its command', async () => {
    const ran = await ctgaProcess([
      'logs',
      'list',
      '--zone',
      'a.example=nobody',
      ...state('wrong'),
    ]);
    assert.equal(ran.code, 2);
    assertClear(ran, /no log is called "nobody"/);
  });

  const wrong: [string, string[], RegExp][] = [
    ['an unknown command', ['atach'], /unknown command 'atach'/],
    ['an unknown option', ['status', '--bogus'], /unknown option '--bogus'/],
    ['a missing argument', ['replay'], /missing required argument 'file'/],
    ['a number that is none', ['attach', 'eth0', '--every-nth', '0'], /want a whole number from 1/],
    [
      'a proxy of another kind',
      ['challenge', '--once', '--proxy', 'http://127.0.0.1:1'],
      /want socks5h:\/\/HOST:PORT/,
    ],
    [
      'a proxy that resolves nothing',
      ['challenge', '--once', '--proxy', 'socks5://127.0.0.1:1'],
      /want socks5h:\/\//,
    ],
    [
      'a capture that is not there',
      ['replay', '/nonexistent.pcap'],
      /cannot read \/nonexistent\.pcap/,
    ],
    ['a capture that is none', ['replay', logList], /not a capture file/],
    ['evidence that is none', ['evidence', 'verify', logList], /no evidence of version 1: format/],
    [
      'a list with a wrong key',
      [
        'logs',
        'import',
        file('wrong.json', listOf({ key, log_id: logIdText(new SigningLog().key.logId) })),
      ],
      /wrong\.json: Test, logs\[0\] "Test 'Alpha' log": its log_id is not the SHA-256/,
    ],
    [
      'tree heads that are none',
      ['heads', 'import', file('noise', 'noise\n')],
      /neither JSON nor a checkpoint/,
    ],
    [
      'a zone for nobody',
      ['logs', 'list', '--zone', 'a.example=nobody'],
      /no log is called "nobody"/,
    ],
  ];
  for (const [name, args, says] of wrong) {
    test(`refuses ${name} with exit code 2 and a sentence`, async () => {
      const withState =
        ['status', 'evidence', 'atach', 'attach'].includes(args[0] ?? '') || args.length === 1
          ? args
          : [...args, ...state('wrong')];
      const ran = await ctga(withState);
      assert.equal(ran.code, 2, ran.stderr);
      assertClear(ran, says);
    });
  }
});

describe('tree heads by hand', () => {
  const root = treeOf(30).root();
  const gossip = file(
    'gossip.json',
    JSON.stringify({
      sths: [
        { sth_version: 0, log_id: logIdText(log.key.logId), ...treeHeadToJson(log.sign(30, root)) },
        {
          sth_version: 0,
          log_id: logIdText(log.key.logId),
          ...treeHeadToJson({ ...log.sign(30, root), timestamp: 5n }),
        },
        {
          sth_version: 0,
          log_id: logIdText(new SigningLog().key.logId),
          ...treeHeadToJson(log.sign(30, root)),
        },
      ],
    }),
  );

  test('are verified one by one; what is refused is named and the rest is kept', async () => {
    const at = state('heads');
    const ran = await ctga(['heads', 'import', gossip, '--log-list', logList, ...at]);
    assert.equal(ran.code, 2);
    assertClear(ran, /gossip\.json: sths\[1\]: the signature is not by "Test 'Alpha' log"/);
    assert.match(ran.stderr, /sths\[2\]: no log with ID .* is known/);
    assert.match(ran.stdout, /1 tree head verified, 1 of them new/);
    const heads = JSON.parse((await ctga(['heads', 'list', '--json', ...at])).stdout) as Record<
      string,
      unknown
    >[];
    assert.equal(heads.length, 1);
    assert.equal(heads[0]?.['log'], "Test 'Alpha' log");
    assert.equal(heads[0]['treeSize'], 30);
    assert.equal(heads[0]['verdict'], 'pending');
    assert.match(
      (await ctga(['heads', 'list', ...at])).stdout,
      /alpha +30 .* pending +import:gossip\.json\n +#[0-9a-f]{8}\n/,
    );
  });

  test('are exported and imported elsewhere', async () => {
    const exported = await ctga(['heads', 'export', ...state('heads')]);
    const ran = await ctga([
      'heads',
      'import',
      file('exported.json', exported.stdout),
      '--log-list',
      logList,
      ...state('elsewhere'),
    ]);
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stdout, /1 tree head verified, 1 of them new/);
  });

  test('of a get-sth answer need to be told whose', async () => {
    const getSth = file('get-sth.json', JSON.stringify(treeHeadToJson(log.sign(30, root))));
    const without = await ctga([
      'heads',
      'import',
      getSth,
      '--log-list',
      logList,
      ...state('get-sth'),
    ]);
    assert.equal(without.code, 2);
    assertClear(without, /it has no log_id: say whose it is with --log/);
    const withLog = await ctga([
      'heads',
      'import',
      getSth,
      '--log',
      'alpha',
      '--log-list',
      logList,
      ...state('get-sth'),
    ]);
    assert.equal(withLog.code, 0, withLog.stderr);
  });

  test('of real checkpoints are taken by those who know the log', async () => {
    const [first] = readVector('checkpoints.json') as { key: string; checkpoint: string }[];
    const { key: logKey, checkpoint } = first ?? assert.fail();
    const path = file('rome.checkpoint', checkpoint);
    const unknown = await ctga(['heads', 'import', path, ...state('checkpoint')]);
    assert.equal(unknown.code, 2);
    assertClear(unknown, /no known log signed the checkpoint of/);
    const rome = file('rome.json', listOf({ key: logKey, log_id: logIdOf(logKey) }));
    const known = await ctga(['heads', 'import', path, '--log-list', rome, ...state('checkpoint')]);
    assert.equal(known.code, 0, known.stderr);
  });
});

describe('a damaged database', () => {
  test('stops commands that show, with exit code 1 and the remedy', async () => {
    const at = join(directory, 'damaged');
    assert.equal((await ctga(['logs', 'import', logList, '--state-dir', at])).code, 0);
    writeFileSync(join(at, 'ctga.db'), 'no database '.repeat(1000));
    const ran = await ctga(['heads', 'list', '--state-dir', at]);
    assert.equal(ran.code, 1);
    assertClear(ran, /ctga\.db is damaged: .*\n {2}Evidence files are untouched/);
    const json = await ctga(['heads', 'list', '--json', '--state-dir', at]);
    assert.equal((JSON.parse(json.stderr) as { error: string }).error, 'store-damaged');
  });
});

describe('logs', () => {
  test('are imported and listed, with their zones', async () => {
    const at = state('logs');
    const ran = await ctga(['logs', 'import', logList, ...at]);
    assert.match(ran.stdout, /1 log imported/);
    assert.match((await ctga(['logs', 'list', ...at])).stdout, /alpha +rfc6962 +- +alpha\.example/);
    const suffixed = await ctga([
      'logs',
      'list',
      '--json',
      '--log-list',
      logList,
      '--zone-suffix',
      'ct.example',
      ...at,
    ]);
    assert.deepEqual((JSON.parse(suffixed.stdout) as { zones: string[] }[])[0]?.zones, [
      'alpha.example',
      'alpha.ct.example',
    ]);
  });
});

// As root, unprivileged.root.test.ts tries this as nobody.
if (process.geteuid?.() !== 0) {
  test('attaching without root is refused with exit code 1 and the remedy', async () => {
    const ran = await ctga(['attach', 'lo', ...state('no-root')]);
    assert.equal(ran.code, 1, ran.stderr);
    assertClear(
      ran,
      /^ctga: (not permitted: .*\n {2}Run it as root|.* is not built: .*\n {2}Build it with)/,
    );
  });
}
