// SPDX-License-Identifier: Apache-2.0
/**
 * The verifier and the script that needs no ctga say the same of every bundle: of good ones, and of
 * hundreds in which a field was changed, added or removed and the digest made anew.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { formatEvidence, makeEvidence, sealed } from '../../src/evidence/bundle.ts';
import { judgeProof, judgeWithoutProof } from '../../src/evidence/judge.ts';
import { checkEvidence } from '../../src/services/evidence.ts';
import type { LogEntry } from '../../src/scts/sct.ts';
import { brokenPromise } from '../support/promises.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';

const SCRIPT = resolve(import.meta.dirname, '../../docs/verify-evidence.sh');
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const [honest, other] = [treeOf(40, 'a', 3), treeOf(40, 'b', 3)];
const [ecdsa, rsa] = [new SigningLog(), new SigningLog('rsa')];
const list = join(directory, 'list.json');
const tiled = new SigningLog();
writeFileSync(list, logListOf({ ecdsa, rsa }, { tiled }));

function bundle(log: SigningLog, m: number, n: number): string {
  const [first, second] = [log.verified(m, other.root(m)), log.verified(n, honest.root(n))];
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

function write(name: string, json: Json): string {
  const { digest: _, ...rest } = json;
  const path = join(directory, name);
  writeFileSync(path, sealed(JSON.stringify(rest, null, 2)));
  return path;
}

/** 0, 4 or, whatever else is wrong, 1. */
function verified(path: string): number {
  try {
    const { stands, known } = checkEvidence(path, undefined, { logList: list });
    return stands ? (known === undefined ? 4 : 0) : 1;
  } catch {
    return 1;
  }
}

/** The script's exit codes, of all files in one shell. */
async function scripted(paths: readonly string[]): Promise<number[]> {
  const loop = 'for file in "$@"; do sh "$SCRIPT" "$file" "$LIST" >/dev/null 2>&1; echo $?; done';
  const { stdout } = await promisify(execFile)('sh', ['-c', loop, 'sh', ...paths], {
    env: { ...process.env, SCRIPT, LIST: list },
  });
  return stdout.trim().split('\n').map(Number);
}

describe('the verifier and the script agree', () => {
  // Each script takes some fifty processes, so of two kinds every fifth mutant is tried.
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
      const cases = [['nothing changed', json] as [string, Json], ...mutants(json)].filter(
        (_, i) => i % step === 0,
      );
      const paths = cases.map(([, changed], i) => write(`${n}-${m}-${i}.json`, changed));
      const wanted = paths.map(verified);
      const found = await scripted(paths);
      assert.equal(wanted[0], 0);
      const differing = cases.flatMap(([what], i) =>
        wanted[i] === found[i]
          ? []
          : [`${what}: ${wanted[i] ?? ''} by ctga, ${found[i] ?? ''} by the script`],
      );
      assert.deepEqual(differing, []);
    });

  for (const [type, step] of [
    ['precert', 4],
    ['x509', 9],
  ] as const)
    test(`of a broken promise of ${type}, whole and with each field changed`, async () => {
      const json = JSON.parse(promise(tiled, type)) as Json;
      const cases = [['nothing changed', json] as [string, Json], ...mutants(json)].filter(
        (_, i) => i % step === 0,
      );
      const paths = cases.map(([, changed], i) => write(`${type}-${i}.json`, changed));
      const wanted = paths.map(verified);
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
    assert.deepEqual(paths.map(verified), [1, 4, 4, 0, 0]);
    assert.deepEqual(await scripted(paths), [1, 4, 4, 0, 0]);
  });

  test('of a key that is in no list', async () => {
    const stranger = new SigningLog();
    const path = join(directory, 'stranger.json');
    writeFileSync(path, bundle(stranger, 20, 20));
    assert.deepEqual([verified(path), await scripted([path])], [4, [4]]);
  });
});
