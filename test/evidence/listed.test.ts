// SPDX-License-Identifier: Apache-2.0
/** Evidence against a log that is read-only, with the signed list in it; and bundles as reports. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createSign, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  formatEvidence,
  makeEvidence,
  parseEvidence,
  type Evidence,
  type ForkEvidence,
  type ListedTree,
} from '../../src/evidence/bundle.ts';
import { judgeProof, judgeWithoutProof, type Judgement } from '../../src/evidence/judge.ts';
import { formatReport } from '../../src/evidence/report.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import type { Log } from '../../src/logs/log.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const SCRIPT = resolve(import.meta.dirname, '../../docs/verify-evidence.sh');
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const listKey = publicKey.export({ format: 'der', type: 'spki' });
const log = new SigningLog();
const [tree, other] = [treeOf(60, 'a', 20), treeOf(60, 'b', 20)];
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** A signed list in which the log ends at the other tree of that size. */
function listed(size: number, indentation?: number): ListedTree {
  const final = { tree_size: size, sha256_root_hash: base64(other.root(size)) };
  const entry = (of: SigningLog): Record<string, unknown> => ({
    description: 'A log',
    log_id: base64(of.key.logId),
    key: base64(of.key.spki),
    url: 'https://log.test/',
    state: { readonly: { timestamp: '2026-01-01T00:00:00Z', final_tree_head: final } },
  });
  const list = { operators: [{ name: 'Op', logs: [entry(new SigningLog()), entry(log)] }] };
  const json = Buffer.from(JSON.stringify(list, undefined, indentation));
  const signature = createSign('sha256').update(json).sign(privateKey);
  return {
    treeSize: BigInt(size),
    rootHash: other.root(size),
    list: { json, signature, key: listKey },
  };
}

function judge(
  first: Parameters<typeof judgeProof>[0],
  second: Parameters<typeof judgeProof>[1],
): Judgement {
  const [m, n] = [Number(first.treeSize), Number(second.treeSize)];
  const settled = judgeWithoutProof(first, second);
  return (
    settled ??
    judgeProof(first, second, { kind: 'consistency', hashes: tree.consistencyProof(m, n) })
  );
}

function evidenceAt(
  finalSize: number,
  size: number,
  options: { indentation?: number; of?: Log } = {},
): ForkEvidence {
  const [first, second] = [
    listed(finalSize, options.indentation),
    log.verified(size, tree.root(size)),
  ];
  const judgement = judge(first, second);
  assert.equal(judgement.verdict, 'fork-proven');
  return makeEvidence(options.of ?? log.asLog(), first, second, judgement, 0);
}
const stands = (evidence: Evidence): boolean =>
  verifyEvidence(evidence, [listKey]).every(({ holds }) => holds);

function script(text: string): number | null {
  const file = join(directory, 'evidence.json');
  writeFileSync(file, text);
  return spawnSync('sh', [SCRIPT, file]).status;
}

describe('evidence with a log list in it', () => {
  for (const [finalSize, size] of [
    [40, 40],
    [40, 60],
    [33, 59],
  ] as const) {
    test(`of a log that ended at ${finalSize} and is at ${size}: two ways of checking agree`, () => {
      for (const indentation of [0, 2]) {
        const text = formatEvidence(evidenceAt(finalSize, size, { indentation }));
        assert(stands(parseEvidence(text, 'it')));
        assert.equal(script(text), 4);
      }
    });
  }

  test('of a list that nobody told to believe does not stand', () =>
    assert(verifyEvidence(evidenceAt(40, 60)).some(({ holds }) => !holds)));

  test('with another tree than the list has, another list, or another log, does not stand', () => {
    const evidence = evidenceAt(40, 60);
    const first = evidence.first as ListedTree;
    const wrong: ForkEvidence[] = [
      { ...evidence, first: { ...first, treeSize: 39n } },
      { ...evidence, first: { ...first, rootHash: other.root(39) } },
      { ...evidence, first: { ...first, list: listed(41).list } },
      {
        ...evidence,
        first: { ...first, list: { ...first.list, json: Buffer.from('{"operators": []}') } },
      },
      { ...evidence, second: { ...first, treeSize: 60n } },
    ];
    for (const each of wrong) {
      assert(!stands(each));
      assert.notEqual(script(formatEvidence(each)), 0);
    }
  });

  test('does not stand with any bit of the list, its signature or its key changed', () => {
    const evidence = evidenceAt(40, 60);
    const first = evidence.first as ListedTree;
    for (const part of ['json', 'signature', 'key'] as const) {
      const bytes = Buffer.from(first.list[part]);
      // Every bit of the signature; of the others, one in every byte.
      for (let bit = 0; bit < bytes.length * 8; bit += part === 'signature' ? 1 : 7) {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const list = { ...first.list, [part]: flipped };
        assert(!stands({ ...evidence, first: { ...first, list } }), `${part}, bit ${bit}`);
      }
    }
  });
});

describe('a report', () => {
  const known = {
    api: 'rfc6962' as const,
    description: 'A known log',
    url: 'https://log.test/',
    list: 'a list',
  };
  const file = { name: 'fork.json', sha256: 'ab'.repeat(32) };
  const hostile = log.asLog({
    description: '<script>alert(1)</script> | [x](javascript:y)\n# Title',
    url: 'https://log.test/"><b>',
  });
  const evidence = evidenceAt(40, 60, { of: hostile });
  const checks = verifyEvidence(evidence, [listKey]);

  test('in HTML has what is known, loads nothing, and takes nothing of the log for markup', () => {
    const html = formatReport(evidence, { format: 'html', checks, file, known });
    for (const known of [
      'fork.json',
      'ab'.repeat(32),
      base64(tree.root(60)),
      base64(other.root(40)),
    ])
      assert(html.includes(known), known);
    assert(html.includes("default-src 'none'"));
    assert.doesNotMatch(html, /<script|<b>|<a |src=|href=/);
  });

  test('in Markdown likewise', () => {
    const text = formatReport(evidence, { format: 'markdown', checks, file, known });
    assert.match(text, /\\<script\\>alert\(1\)/);
    assert.doesNotMatch(text, /^# Title/m);
    assert.match(text, /\\\[x\\\]/);
    assert.match(text, /^- holds: the log signed the tree head of size 60$/m);
  });

  test('of evidence that does not stand says so first', () => {
    const text = formatReport(evidence, {
      format: 'markdown',
      checks: verifyEvidence(evidence),
      file,
      known,
    });
    assert.match(text, /^# .*\n\nTHE EVIDENCE DOES NOT STAND/);
  });
});
