// SPDX-License-Identifier: Apache-2.0
/**
 * Two clients are served different digests for one tag, each with a log's word that its digest is the one
 * that everybody sees. The log's checkpoints come to both by DNS, where ctga copies them: two roots of one
 * size convict the log, offline, and the evidence says so to both.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { encodeResponse } from '../../src/dns/encode.ts';
import { encodeName } from '../../src/dns/name.ts';
import { checkpointRdata } from '../../src/sources/checkpoints/text.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { ctga } from '../support/ctga.ts';
import { dnstapFile, dnstapFrame } from '../support/dnstap.ts';
import { LogTree } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-split-'));
after(() => rmSync(directory, { recursive: true }));
const log = new CheckpointLog({ name: 'images.test/alice' });
const keys = join(directory, 'keys');
writeFileSync(keys, `${log.vkey}\n`);
const NAME = 'checkpoint.images.example';

/** What a log has in this place if it signed this digest for the tag, after others. */
const line = (i: number, digest: string): string =>
  i === 8 ? `alice/app:v1 ${digest}` : `alice/app:v0.${i} sha256:${'0'.repeat(64)}`;
const treeWith = (digest: string): LogTree => new LogTree(9, (i) => Buffer.from(line(i, digest)));

/** The answer by which a client gets the checkpoint of a tree. */
function answer(tree: LogTree): Buffer {
  const name = encodeName(NAME);
  const rdata = checkpointRdata(log.verified(tree.size, tree.root()), log.key, 1100);
  return encodeResponse({
    id: 7,
    opcode: 0,
    authoritative: true,
    truncated: false,
    recursionDesired: false,
    rcode: 0,
    question: { name, type: 16, class: 1, wire: Buffer.concat([name, Uint8Array.of(0, 16, 0, 1)]) },
    answers: [{ labelsAbove: 0, type: 16, ttl: 300, rdata }],
    authorities: [],
    edns: undefined,
  });
}

/** Has ctga see what the clients were answered; `evidence` are the files that it wrote. */
async function seen(
  name: string,
  answers: readonly Buffer[],
): Promise<{ code: number | null; said: string; evidence: string[] }> {
  const state = join(directory, name);
  const file = join(directory, `${name}.fstrm`);
  writeFileSync(file, dnstapFile(answers.map((each) => dnstapFrame(each, { protocol: 2 }))));
  const zone = ['--zone', `images.example=${log.origin}`];
  const ran = await ctga(['replay', '--state-dir', state, '--log-list', keys, ...zone, file]);
  const evidence = readdirSync(state, { recursive: true, encoding: 'utf8' })
    .filter((each) => /evidence.*\.json$/.test(each))
    .map((each) => join(state, each));
  return { code: ran.code, said: ran.stdout + ran.stderr, evidence };
}

const [one, other] = [`sha256:${'ab'.repeat(32)}`, `sha256:${'cd'.repeat(32)}`];

test('two clients that were served different digests for one tag are told so', async () => {
  const { code, said, evidence } = await seen('split', [
    answer(treeWith(one)),
    answer(treeWith(other)),
  ]);
  assert.equal(code, 3, said);
  assert.doesNotMatch(said, /1970/, 'its checkpoints say no time');
  assert.equal(evidence.length, 1, said);
  const verify = (...more: string[]) => ctga(['evidence', 'verify', evidence[0] ?? '', ...more]);
  const verified = await verify('--log-list', keys);
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  assert.match(verified.stdout, /images\.test\/alice/);
  // To who knows the log's key from nowhere, anybody may have made it.
  assert.equal((await verify()).code, 4);
});

test('two clients that were served one digest are told nothing', async () => {
  const { code, said, evidence } = await seen('honest', [
    answer(treeWith(one)),
    answer(treeWith(one)),
  ]);
  assert.equal(code, 0, said);
  assert.deepEqual(evidence, []);
});

test('a tag that is signed anew is no split view: the log has both, one behind the other', async () => {
  const grown = new LogTree(10, (i) =>
    Buffer.from(i === 9 ? `alice/app:v1 ${other}` : line(i, one)),
  );
  const { code, said, evidence } = await seen('grown', [answer(treeWith(one)), answer(grown)]);
  assert.equal(code, 0, said);
  assert.deepEqual(evidence, []);
});
