// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseLogList } from '../../src/logs/list.ts';
import { originOf as originOfLog, type Log } from '../../src/logs/log.ts';
import { noteSigner } from '../../src/statements/cosignature.ts';
import { verifyClaim } from '../../src/statements/claim.ts';
import { isCheckpointKey, toCtKey, toLogKey } from '../../src/statements/key.ts';
import { formatNoteKey, toNoteKey } from '../../src/statements/note-key.ts';
import {
  REKOR_CHECKPOINT,
  REKOR_VKEY,
  SIGSUM_CHECKPOINT,
  SIGSUM_KEY,
  SIGSUM_ORIGIN,
  SUMDB_CHECKPOINT,
  SUMDB_LATER,
  SUMDB_VKEY,
} from '../support/real-checkpoints.ts';
import { SigningLog, treeOf, vkeyOf } from '../support/signing-log.ts';
import { MLDSA_CHECKPOINT, MLDSA_LOG } from '../support/torchwood-mldsa.ts';

const vkey = (name: string, type: 'Ed25519' | 'ML-DSA-44' | 'Ed25519 cosignature', n = 1): string =>
  formatNoteKey(noteSigner(name, type, Buffer.alloc(32, n)).key);
const SIGSUM_VKEY = formatNoteKey(toNoteKey(SIGSUM_ORIGIN, 1, Buffer.from(SIGSUM_KEY, 'hex')));

function originOf({ key }: Log): string {
  assert.ok(isCheckpointKey(key));
  return key.origin;
}

const told = (logs: readonly Log[]): string[][] =>
  logs.map((log) => [originOf(log), log.url, log.api, log.key.algorithm]);

describe('lines of verifier keys', () => {
  test('say by their URL how a log is asked', () => {
    const lines: [string, string, string, string][] = [
      [SUMDB_VKEY, 'go.sum database tree', 'https://sum.golang.org/', 'sumdb'],
      [
        `${SUMDB_VKEY} https://sum.golang.google.cn`,
        'go.sum database tree',
        'https://sum.golang.google.cn/',
        'sumdb',
      ],
      [
        `${SUMDB_VKEY} https://mirror.test/x/checkpoint`,
        'go.sum database tree',
        'https://mirror.test/x/',
        'tlog-tiles',
      ],
      [
        `${vkey('sums.test', 'Ed25519')} https://sums.test/latest`,
        'go.sum database tree',
        'https://sums.test/',
        'sumdb',
      ],
      [
        `${REKOR_VKEY} https://log2025-1.rekor.sigstore.dev`,
        'log2025-1.rekor.sigstore.dev',
        'https://log2025-1.rekor.sigstore.dev/api/v2/',
        'tlog-tiles',
      ],
      [
        `${REKOR_VKEY}\thttps://log2025-1.rekor.sigstore.dev/api/v2/checkpoint`,
        'log2025-1.rekor.sigstore.dev',
        'https://log2025-1.rekor.sigstore.dev/api/v2/',
        'tlog-tiles',
      ],
      [
        `${vkey('log.test/a', 'ML-DSA-44')} https://log.test/a`,
        'log.test/a',
        'https://log.test/a/',
        'tlog-tiles',
      ],
      [
        `${vkey('log.test/a', 'Ed25519')} https://log.example.com/a/`,
        'log.test/a',
        'https://log.example.com/a/',
        'tlog-tiles',
      ],
      [`  ${SIGSUM_VKEY} \r`, SIGSUM_ORIGIN, '', 'tlog-tiles'],
    ];
    for (const [line, origin, url, api] of lines) {
      const { kind, logs, leftOut } = parseLogList(`# logs\n\n${line}\n`, 'x');
      assert.deepEqual([kind, leftOut], ['verifier keys', []], line);
      assert.deepEqual(
        told(logs).map((each) => each.slice(0, 3)),
        [[origin, url, api]],
        line,
      );
    }
  });

  test('that ctga cannot use are left out, with the reason', () => {
    const good = vkey('log.test/a', 'Ed25519');
    const cases: [string, RegExp][] = [
      [vkey('w.test', 'Ed25519 cosignature'), /^line 2: a key of type 4 is a witness's/],
      [good.replace('log.test', 'log.tset'), /^line 2: its key ID should be/],
      [good, /^line 2: the list has this log already/],
      [`${good.replace('log.test', 'x')} https://x`, /key ID should be/],
      [`${vkey('b', 'Ed25519', 2)} https://user:secret@log.test/`, /its URL is malformed/],
      [`${vkey('b', 'Ed25519', 2)} gopher://log.test/`, /its URL is malformed/],
      [`${vkey('b', 'Ed25519', 2)} https://log.test/ more`, /and no more/],
      ['nonsense', /want NAME\+KEYID\+BASE64/],
    ];
    for (const [line, reason] of cases) {
      const { logs, leftOut } = parseLogList(`${good}\n${line}\n`, 'x');
      assert.equal(logs.length, 1, line);
      assert.equal(leftOut.length, 1, line);
      assert.match(leftOut[0] ?? '', reason);
    }
    assert.throws(
      () => parseLogList(vkey('w.test', 'Ed25519 cosignature'), 'keys.txt'),
      /keys\.txt: has no log that ctga can use; line 1: a key of type 4/,
    );
  });

  test('with one key and two origins are two logs, as are two keys of one origin', () => {
    const list = `logs/v0\nvkey ${vkey('k', 'Ed25519')}\norigin a\nvkey ${vkey('k', 'Ed25519')}\norigin b\nvkey ${vkey('k', 'Ed25519', 2)}\norigin b\n`;
    const { logs, leftOut } = parseLogList(list, 'x');
    assert.deepEqual([logs.map(originOf), leftOut], [['a', 'b', 'b'], []]);
    assert.equal(new Set(logs.map(({ key }) => Buffer.from(key.logId).toString('hex'))).size, 3);
  });
});

describe('a list of the witness network', () => {
  // From torchwood v0.10.0 (BSD), cmd/litewitness/testdata/loglist.txt.
  const LIST = `#
# List:      10qps-100klogs
# Revision:  123
#
logs/v0

# gentest seed 467e9782a4eaa2bca9c9f5bcb067fb7bce1bfcae7b18f27bac0900ad93825300
vkey sigsum.org/v1/tree/f48d4a1d0c6370ec189dc537f648ef3bb347b012fbd3c899a630a4cd2e9b8702+9bc54c7f+AVv6q3xDaHxI2aTemqEb7W6ZcbO7QbTqTr20thOqfqsw
qpd 86400
contact https://tlog.foo.org/contact
unknown
foo bar

vkey sigsum.org/v1/tree/2ef59132082631d13e353b5ae49b22bc51a9bd59f41a2d570960a9658c1ed151+e2137795+ATp+37IPHc3SbPGzFMyZmPTOUlClk6PYPH+Ce5JiCb/h
origin example.com/foo
qpd 24
contact sysadmin (at) bar.org
`;

  test('gives logs by key and origin, and passes over what it does not know', () => {
    const { kind, logs, leftOut } = parseLogList(LIST, 'x');
    assert.deepEqual([kind, leftOut], ['witness network list', []]);
    assert.deepEqual(logs.map(originOf), [
      'sigsum.org/v1/tree/f48d4a1d0c6370ec189dc537f648ef3bb347b012fbd3c899a630a4cd2e9b8702',
      'example.com/foo',
    ]);
    assert.deepEqual(
      logs.map(({ url }) => url),
      ['', ''],
    );
  });

  test('may have spaces in an origin, a URL, and logs at private addresses', () => {
    const { logs } = parseLogList(
      `logs/v0\nvkey ${SUMDB_VKEY}\norigin go.sum database tree\nurl http://127.0.0.1/latest\nallow_private_address true\n`,
      'x',
    );
    assert.deepEqual(told(logs), [
      ['go.sum database tree', 'http://127.0.0.1/', 'sumdb', 'ed25519'],
    ]);
    assert.equal(logs[0]?.allowPrivateAddress, true);
  });
});

describe('a policy', () => {
  test('gives its logs, and not its witnesses', () => {
    const { kind, logs } = parseLogList(
      `log ${vkey('log.test/a', 'Ed25519')} https://log.test/a\n\tlog ${MLDSA_LOG}\nwitness w ${vkey('w.test', 'Ed25519 cosignature')}\nquorum w\n`,
      'x',
    );
    assert.equal(kind, 'policy');
    assert.deepEqual(told(logs), [
      ['log.test/a', 'https://log.test/a/', 'tlog-tiles', 'ed25519'],
      ['example.com/mldsa-log', '', 'tlog-tiles', 'ml-dsa-44'],
    ]);
  });

  test('that is none is refused whole, with the line', () => {
    assert.throws(
      () => parseLogList(`log ${vkey('a', 'Ed25519')}\nquorum w\n`, 'p.policy'),
      /p\.policy: line 2: no line before defines "w"/,
    );
  });
});

describe('the checkpoints of real logs', () => {
  const logs: [string, string, bigint, bigint][] = [
    [SUMDB_VKEY, SUMDB_CHECKPOINT, 35_225_469n, 0n],
    [SUMDB_VKEY, SUMDB_LATER, 72_097_574n, 0n],
    [REKOR_VKEY, REKOR_CHECKPOINT, 139_911_860n, 0n],
    [SIGSUM_VKEY, SIGSUM_CHECKPOINT, 1n, 0n],
    [MLDSA_LOG, MLDSA_CHECKPOINT, 1n, 0n],
  ];
  for (const [key, checkpoint, size, timestamp] of logs)
    test(`${key.split('+', 1).join('')}, size ${size}: verifies, and changed does not`, () => {
      const [log] = parseLogList(key, 'x').logs;
      assert.ok(log);
      const claim = (text: string): ReturnType<typeof verifyClaim> =>
        verifyClaim({ log, bytes: Buffer.from(text), form: 'checkpoint' });
      const verified = claim(checkpoint);
      assert.ok(verified.kind === 'verified');
      assert.deepEqual(
        [verified.statement.treeSize, verified.statement.timestamp],
        [size, timestamp],
      );
      assert.equal(claim(checkpoint.replace(`\n${size}\n`, `\n${size + 1n}\n`)).kind, 'refused');
      assert.equal(claim(checkpoint.replace(/^/, 'x')).kind, 'refused');
      // As it goes through a store.
      assert.deepEqual(toLogKey(log.key.spki).logId, log.key.logId);
    });
});

describe('a verifier key of a CT log', () => {
  const name = 'ct.test/2026h2';
  const keys = { 'P-256': new SigningLog(), RSA: new SigningLog('rsa') };

  for (const [algorithm, ct] of Object.entries(keys))
    test(`with ${algorithm} is a static-ct log, in both forms, with a URL and without`, () => {
      const network = `logs/v0\n\nvkey ${ct.vkey(name)}\nqpd 86400\ncontact x\n`;
      const lines = `${ct.vkey(name)} https://mon.test/2026h2/checkpoint\n`;
      for (const [text, url] of [
        [network, ''],
        [`${network}origin ${name}\nurl https://mon.test/2026h2\n`, 'https://mon.test/2026h2/'],
        [lines, 'https://mon.test/2026h2/'],
      ] as const) {
        const { logs, leftOut } = parseLogList(text, 'list');
        assert.deepEqual(leftOut, []);
        const [log = assert.fail()] = logs;
        assert.deepEqual([log.url, log.api, log.description], [url, 'static-ct', name]);
        assert(!isCheckpointKey(log.key));
        assert.deepEqual(log.key.spki, ct.key.spki);
        assert.equal(originOfLog(log), name);
      }
    });

  test('is read whole, whatever pluses its base64 has', () => {
    // 0xfb 0xef 0xbe is "++++" in base64.
    const head = Buffer.from(
      '30820122300d06092a864886f70d01010105000382010f003082010a0282010100',
      'hex',
    );
    const tail = Buffer.from('0203010001', 'hex');
    const modulus = Buffer.alloc(256, Buffer.from('efbefb', 'hex'));
    modulus[255] = 1;
    const pluses = vkeyOf(toCtKey(Buffer.concat([head, modulus, tail])), name);
    assert.match(pluses, /\+{9}/);
    assert.deepEqual(parseLogList(pluses, 'list').leftOut, []);
  });

  test('is that by which the log signs its checkpoints', () => {
    const ct = new SigningLog();
    const [log = assert.fail()] = parseLogList(ct.vkey(), 'list').logs;
    const bytes = Buffer.from(ct.checkpoint(9, treeOf(9).root()));
    assert.equal(verifyClaim({ log, bytes, form: 'checkpoint' }).kind, 'verified');
  });

  const ct = keys['P-256'];
  const hostile: [string, string, RegExp][] = [
    [
      'of another key ID',
      ct.vkey(name).replace(/\+(.)/, (_, c) => `+${c === '0' ? '1' : '0'}`),
      /key ID/,
    ],
    ['cut short', ct.vkey(name).slice(0, -8), /SubjectPublicKeyInfo|DER/],
    ['with nothing behind the type', `${name}+00000000+BQ==`, /SubjectPublicKeyInfo|DER/],
    [
      'with the log ID instead of its key',
      `${name}+00000000+${Buffer.alloc(33, 5).toString('base64')}`,
      /SubjectPublicKeyInfo|DER/,
    ],
    [
      'of another origin',
      `logs/v0\nvkey ${ct.vkey(name)}\norigin other.test\n`,
      /origin of a CT log/,
    ],
    ['with a URL that is none', `${ct.vkey(name)} ftp://x/`, /URL/],
  ];
  for (const [what, text, reason] of hostile)
    test(`${what} is left out`, () => {
      const good = vkey('log.test/a', 'Ed25519');
      const { logs, leftOut } = parseLogList(
        text.startsWith('logs/v0') ? `${text}vkey ${good}\n` : `${good}\n${text}\n`,
        'list',
      );
      assert.equal(logs.length, 1);
      assert.match(leftOut.join(), reason);
    });
});
