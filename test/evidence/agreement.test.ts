// SPDX-License-Identifier: Apache-2.0
/**
 * The verifier and the script that needs no ctga say the same of every bundle: of good ones, and of
 * hundreds in which a field was changed, added or removed and the digest made anew.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { formatEvidence, makeEvidence, sealed } from '../../src/evidence/bundle.ts';
import { judgeProof, judgeWithoutProof } from '../../src/evidence/judge.ts';
import type { VerifiedStatement } from '../../src/statements/statement.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { checkEvidence } from '../../src/services/evidence.ts';
import type { LogEntry } from '../../src/scts/sct.ts';
import { brokenPromise } from '../support/promises.ts';
import { share } from '../support/share.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';

const SCRIPT = resolve(import.meta.dirname, '../../docs/verify-evidence.sh');
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const [honest, other] = [treeOf(40, 'a', 3), treeOf(40, 'b', 3)];
const [ecdsa, rsa] = [new SigningLog(), new SigningLog('rsa')];
const list = join(directory, 'list.json');
const tiled = new SigningLog();
writeFileSync(list, logListOf({ ecdsa, rsa }, { tiled }));

const checkpoints = {
  ed25519: new CheckpointLog({ origin: 'an "origin" of its own, \u00e8' }),
  mlDsa: new CheckpointLog({ algorithm: 'ml-dsa-44', name: 'log.test/gamma' }),
};
const keys = join(directory, 'keys');
writeFileSync(
  keys,
  `logs/v0\n\nvkey ${checkpoints.ed25519.vkey}\nqpd 7\norigin ${checkpoints.ed25519.origin}\n\nvkey ${checkpoints.mlDsa.vkey}\n`,
);

function bundle(log: SigningLog | CheckpointLog, m: number, n: number): string {
  return bundleOf(log, log.verified(m, other.root(m)), log.verified(n, honest.root(n)));
}

function bundleOf(
  log: SigningLog | CheckpointLog,
  first: VerifiedStatement,
  second: VerifiedStatement,
): string {
  const [m, n] = [Number(first.treeSize), Number(second.treeSize)];
  const found =
    judgeWithoutProof(first, second) ??
    judgeProof(first, second, { kind: 'consistency', hashes: honest.consistencyProof(m, n) });
  assert(found.verdict === 'fork-proven');
  return formatEvidence(makeEvidence(log.asLog(), first, second, found, 0));
}

type Json = Record<string, unknown>;

function promise(log: SigningLog, type: 'x509' | 'precert', index = 21): string {
  const entry: LogEntry =
    type === 'x509'
      ? { type, certificate: Buffer.from('a certificate') }
      : { type, issuerKeyHash: honest.root(1), tbsCertificate: Buffer.from('of a certificate') };
  return formatEvidence(brokenPromise(log, { entry, index, size: 40 }));
}

/** A JSON value, other values in its place. */
function othersOf(value: unknown): unknown[] {
  if (typeof value === 'number')
    return [value + 1, 0, -1, 1.5, `${value}`, `0${value}`, 2 ** 53, null];
  if (typeof value !== 'string') return [null, 7, 'text', [], {}];
  const swapped = value.replace(/^./, (c) => (c === 'A' ? 'B' : 'A'));
  return [
    '',
    swapped,
    `${value} `,
    `${value}"`,
    value.slice(0, -4),
    `${value}AAAA`,
    'inclusion',
    'x509',
    'none',
    7,
    null,
  ];
}

/** Bundles with one change each; `path` names what was changed. */
function* mutants(json: Json, at = ''): Generator<[what: string, json: Json]> {
  for (const [name, value] of Object.entries(json)) {
    if (at === '' && name === 'digest') continue;
    const what = `${at}${name}`;
    const without = Object.fromEntries(Object.entries(json).filter(([each]) => each !== name));
    yield [`${what} removed`, without];
    yield [
      `${what}: a field before it`,
      Object.fromEntries(
        Object.entries(json).flatMap((each) => (each[0] === name ? [['extra', 1], each] : [each])),
      ),
    ];
    if (Array.isArray(value)) {
      for (let i = 0; i <= value.length; i++) {
        yield [`${what}[${i}] left out`, { ...json, [name]: value.toSpliced(i, 1) }];
        yield [`${what}[${i}] put in`, { ...json, [name]: value.toSpliced(i, 0, value[0]) }];
      }
      for (const each of othersOf(value[0]))
        yield [`${what}[0]: ${String(each)}`, { ...json, [name]: value.with(0, each) }];
    } else if (typeof value === 'object' && value !== null)
      for (const [inner, changed] of mutants(value as Json, `${what}.`))
        yield [inner, { ...json, [name]: changed }];
    else
      for (const each of othersOf(value))
        yield [`${what}: ${String(each)}`, { ...json, [name]: each }];
  }
}

/** Each script takes some fifty processes, so not all are tried: one in `step`, or fewer. */
function some(all: Iterable<[string, Json]>, step: number): [string, Json][] {
  return share(
    [...all].filter((_, i) => i % step === 0),
    4,
  );
}

function write(name: string, json: Json): string {
  const { digest: _, ...rest } = json;
  const path = join(directory, name);
  writeFileSync(path, sealed(JSON.stringify(rest, null, 2)));
  return path;
}

/** 0, 4 or, whatever else is wrong, 1. */
function verified(path: string, logList = list): number {
  try {
    const { stands, known } = checkEvidence(path, undefined, { logList });
    return stands ? (known === undefined ? 4 : 0) : 1;
  } catch {
    return 1;
  }
}

/** The script's exit codes, of all files in one shell. */
async function scripted(paths: readonly string[], whose = list): Promise<number[]> {
  const loop = 'for file in "$@"; do sh "$SCRIPT" "$file" "$LIST" >/dev/null 2>&1; echo $?; done';
  const { stdout } = await promisify(execFile)('sh', ['-c', loop, 'sh', ...paths], {
    env: { ...process.env, SCRIPT, LIST: whose },
  });
  return stdout.trim().split('\n').map(Number);
}

describe('the verifier and the script agree', () => {
  for (const [name, log, m, n, step] of [
    ['one size', ecdsa, 20, 20, 5],
    ['a consistency proof', ecdsa, 21, 40, 1],
    ['a successor, of RSA', rsa, 8, 40, 5],
  ] as const)
    test(`of ${name}, whole and with each field changed`, async () => {
      let text: string;
      try {
        text = bundle(log, m, n);
      } catch {
        // A power of two takes the second proof, which holds the smaller tree as a node.
        const [first, second] = [log.verified(m, other.root(m)), log.verified(n, honest.root(n))];
        const hashes = honest.consistencyProof(m + 1, n);
        const found = judgeProof(first, second, { kind: 'successor-consistency', hashes });
        assert(found.verdict === 'fork-proven');
        text = formatEvidence(makeEvidence(log.asLog(), first, second, found, 0));
      }
      const json = JSON.parse(text) as Json;
      const cases: [string, Json][] = [['nothing changed', json], ...some(mutants(json), step)];
      const paths = cases.map(([, changed], i) => write(`${n}-${m}-${i}.json`, changed));
      const wanted = paths.map((path) => verified(path));
      const found = await scripted(paths);
      assert.equal(wanted[0], 0);
      const differing = cases.flatMap(([what], i) =>
        wanted[i] === found[i]
          ? []
          : [`${what}: ${wanted[i] ?? ''} by ctga, ${found[i] ?? ''} by the script`],
      );
      assert.deepEqual(differing, []);
    });

  const opensslKnows = async (algorithm: string): Promise<boolean> => {
    const { stdout } = await promisify(execFile)('openssl', ['list', '-public-key-algorithms']);
    return stdout.toLowerCase().includes(algorithm);
  };

  /** A checkpoint's evidence, as `mutants` changes it: also within the base64 of what was signed. */
  function* mutantsWithin(json: Json): Generator<[what: string, json: Json]> {
    yield* mutants(json);
    const { first, log } = json as Record<'first' | 'log', Record<string, string>>;
    const within = (text: string, change: (decoded: string) => string): string =>
      Buffer.from(change(Buffer.from(text, 'base64').toString('latin1')), 'latin1').toString(
        'base64',
      );
    const changes: readonly (readonly [string, (text: string) => string])[] = [
      ['a line more', (text) => text.replace('\n\n', '\nmore\n\n')],
      ['a blank line more', (text) => `\n${text}`],
      ['an end of line more', (text) => `${text}\n`],
      ['no end of line', (text) => text.slice(0, -1)],
      ['another origin', (text) => text.replace(/^./, 'x')],
      ['a zero before the size', (text) => text.replace(/\n(\d+)\n/, '\n0$1\n')],
      ['a carriage return', (text) => text.replace(/\n(\d+)\n/, '\n$1\r\n')],
      ['a byte that is no UTF-8', (text) => text.replace(/^./, '\xff')],
      ['a control character', (text) => text.replace(/^./, '\x07')],
      ['a C1 control character', (text) => text.replace(/^./, '\xc2\x85')],
      ['a space in the name', (text) => text.replace('log.test/', 'log test/')],
      ['a wide space in the name', (text) => text.replaceAll('log.test/', 'log\xe3\x80\x80/')],
      ['the line twice', (text) => `${text}${text.slice(text.lastIndexOf('\n\n') + 2)}`],
      ['another key ID', (text) => text.replace(/[0-9a-f]{8}/, '00000000')],
    ];
    for (const [what, change] of changes) {
      const checkpoint = within(first.checkpoint ?? '', change);
      yield [`first.checkpoint: ${what}`, { ...json, first: { ...first, checkpoint } }];
      const key = within(log.key ?? '', change);
      const logId = createHash('sha256').update(Buffer.from(key, 'base64')).digest('base64');
      yield [`log.key: ${what}`, { ...json, log: { ...log, key, log_id: logId } }];
    }
  }

  for (const [name, log, m, step] of [
    ['of one size of Ed25519', checkpoints.ed25519, 40, 4],
    ['with a proof of Ed25519', checkpoints.ed25519, 21, 9],
    ['with a proof of ML-DSA-44', checkpoints.mlDsa, 21, 9],
  ] as const)
    test(`of checkpoints ${name}, whole and with each field changed`, async (t) => {
      const json = JSON.parse(bundle(log, m, 40)) as Json;
      const all = [...mutantsWithin(json)];
      const cases: [string, Json][] = [
        ['nothing changed', json],
        ...some(all, step),
        ...all.filter(([what]) => m === 40 && what.includes(': a')),
      ];
      const paths = cases.map(([, changed], i) => write(`c-${m}-${step}-${i}.json`, changed));
      const wanted = paths.map((path) => (verified(path) === 1 ? 1 : 0));
      const found = await scripted(paths, keys);
      assert.equal(wanted[0], 0);
      const knows = log === checkpoints.ed25519 || (await opensslKnows('ml-dsa-44'));
      if (!knows) t.diagnostic("this machine's openssl has no ML-DSA: the script is to say so");
      const differing = cases.flatMap(([what], i) =>
        wanted[i] === found[i] || (!knows && found[i] === 5)
          ? []
          : [`${what}: ${wanted[i] ?? ''} by ctga, ${found[i] ?? ''} by the script`],
      );
      assert.deepEqual(differing, []);
      if (!knows) assert.equal(found[0], 5);
    });

  test('of checkpoints whose spelling, extension lines and times are the log\u2019s own', async () => {
    const { ed25519, mlDsa } = checkpoints;
    const extended = { extension: 'as the log likes\n\nwith a blank line\n' };
    const bundles = [
      bundleOf(
        ed25519,
        ed25519.verified(40, other.root(40), extended),
        ed25519.verified(40, honest.root(40)),
      ),
      bundleOf(
        mlDsa,
        mlDsa.verified(40, other.root(40), { ...extended, time: 0n }),
        mlDsa.verified(40, honest.root(40)),
      ),
    ];
    const paths = bundles.map((text, i) => {
      const path = join(directory, `extended-${i}.json`);
      writeFileSync(path, text);
      return path;
    });
    assert.deepEqual(
      paths.map((path) => verified(path)),
      [4, 4],
    );
    assert.deepEqual(await scripted(paths, keys), [0, (await opensslKnows('ml-dsa-44')) ? 0 : 5]);
  });

  test('of checkpoints of a log that is not listed with that key and that origin', async () => {
    const { ed25519 } = checkpoints;
    const strangers = [
      new CheckpointLog(),
      new CheckpointLog({ sharing: ed25519, origin: 'another origin' }),
      new CheckpointLog({ origin: ed25519.origin }),
    ];
    const paths = strangers.map((log, i) => {
      const path = join(directory, `stranger-${i}.json`);
      writeFileSync(path, bundle(log, 40, 40));
      return path;
    });
    assert.deepEqual(
      paths.map((path) => verified(path, keys)),
      [4, 4, 4],
    );
    assert.deepEqual(await scripted(paths, keys), [4, 4, 4]);
  });

  test('of whose key it is, in every form of a list of keys', async () => {
    const { ed25519 } = checkpoints;
    const own = new CheckpointLog({ name: 'log.test/own' });
    const sums = new CheckpointLog({ name: 'sums.test', origin: 'go.sum database tree' });
    const stranger = new CheckpointLog({ name: 'log.test/own' });
    const paths = [ecdsa, ed25519, own, sums].map((log, i) => {
      const path = join(directory, `listed-${i}.json`);
      writeFileSync(path, bundle(log, 40, 40));
      return path;
    });
    const sumdb = 'https://sums.test/latest';
    const lists: [string, string, number[]][] = [
      ['a log list', logListOf({ ecdsa }), [0, 4, 4, 4]],
      ['lines', `# ${sums.vkey} ${sumdb}\n\n  ${own.vkey}`, [4, 4, 0, 4]],
      ['CRLF', `${stranger.vkey}\r\n${own.vkey}\r\n`, [4, 4, 0, 4]],
      ['URLs', `${own.vkey} https://log.test/\n${sums.vkey}\t${sumdb}\n`, [4, 4, 0, 0]],
      ['a name that is not its origin', `${sums.vkey}\n${ed25519.vkey}\n`, [4, 4, 4, 4]],
      [
        'a list of the witness network',
        `logs/v0\n\nvkey ${own.vkey}\nqpd 7\n\nvkey ${ed25519.vkey}\norigin  ${ed25519.origin} \nvkey ${sums.vkey}\nurl ${sumdb}\n`,
        [4, 0, 0, 0],
      ],
      ['the verifier key of a CT log', `${ecdsa.vkey()} https://ct.test/\n`, [0, 4, 4, 4]],
      ['another key beside it', `${rsa.vkey()}\n# ${ecdsa.vkey()}\n`, [4, 4, 4, 4]],
      ['a CT log in a list of the network', `logs/v0\n\nvkey ${ecdsa.vkey()}\n`, [0, 4, 4, 4]],
      [
        'one in which an origin comes twice',
        `logs/v0\nvkey ${own.vkey}\norigin other\norigin ${own.origin}\nvkey ${ed25519.vkey}\norigin ${ed25519.origin}\norigin other\n`,
        [4, 0, 4, 4],
      ],
      [
        'a policy',
        `log ${own.vkey} https://log.test/\nlog\t${sums.vkey} ${sumdb}\nquorum none\n`,
        [4, 4, 0, 0],
      ],
    ];
    for (const [what, text, wanted] of share(lists, 2)) {
      const logList = join(directory, 'whose');
      writeFileSync(logList, text);
      const byCtga = paths.map((path) => verified(path, logList));
      assert.deepEqual(byCtga, wanted, `${what}, by ctga`);
      assert.deepEqual(await scripted(paths, logList), wanted, `${what}, by the script`);
    }
  });

  for (const [type, step] of [
    ['precert', 4],
    ['x509', 9],
  ] as const)
    test(`of a broken promise of ${type}, whole and with each field changed`, async () => {
      const json = JSON.parse(promise(tiled, type)) as Json;
      const cases: [string, Json][] = [['nothing changed', json], ...some(mutants(json), step)];
      const paths = cases.map(([, changed], i) => write(`${type}-${i}.json`, changed));
      const wanted = paths.map((path) => verified(path));
      const found = await scripted(paths);
      assert.equal(wanted[0], 0);
      const differing = cases.flatMap(([what], i) =>
        wanted[i] === found[i]
          ? []
          : [`${what}: ${wanted[i] ?? ''} by ctga, ${found[i] ?? ''} by the script`],
      );
      assert.deepEqual(differing, []);
    });

  test('of broken promises of a log without the static-ct API, in no list, of RSA, at the edges', async () => {
    const bundles = [
      promise(ecdsa, 'x509'),
      promise(new SigningLog(), 'x509'),
      promise(new SigningLog('rsa'), 'precert'),
      promise(tiled, 'x509', 0),
      promise(tiled, 'precert', 39),
    ];
    const paths = bundles.map((text, i) => {
      const path = join(directory, `promise-${i}.json`);
      writeFileSync(path, text);
      return path;
    });
    assert.deepEqual(
      paths.map((path) => verified(path)),
      [1, 4, 4, 0, 0],
    );
    assert.deepEqual(await scripted(paths), [1, 4, 4, 0, 0]);
  });

  test('of a key that is in no list', async () => {
    const stranger = new SigningLog();
    const path = join(directory, 'stranger.json');
    writeFileSync(path, bundle(stranger, 20, 20));
    assert.deepEqual([verified(path), await scripted([path])], [4, [4]]);
  });
});
