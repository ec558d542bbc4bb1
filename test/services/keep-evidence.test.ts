// SPDX-License-Identifier: Apache-2.0
/** The writer of evidence: what it takes, from whom, and what no client can do to it. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { formatEvidence, makeEvidence, sealed } from '../../src/evidence/bundle.ts';
import { EvidenceReader, faultsOf } from '../../src/evidence/directory.ts';
import { handOver, MOST_BYTES, socketIn } from '../../src/evidence/hand-over.ts';
import { judgeWithoutProof } from '../../src/evidence/judge.ts';
import { isEvidence } from '../../src/evidence/write.ts';
import { EvidenceWriter } from '../../src/evidence/writer.ts';
import { stateAt } from '../../src/store/state.ts';
import { ctga } from '../support/ctga.ts';
import { fc } from '../support/random.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const root = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(root, { recursive: true }));
let used = 0;
const newDirectory = (): string => join(root, String(++used));

const log = new SigningLog();
function bundle(size: number, of = log): string {
  const [first, second] = ['a', 'b'].map((branch) =>
    of.verified(size, treeOf(size, branch).root()),
  );
  assert(first !== undefined && second !== undefined);
  const finding = judgeWithoutProof(first, second);
  assert(finding?.verdict === 'fork-proven');
  return formatEvidence(makeEvidence(of.asLog(), first, second, finding, 1));
}
const namesIn = (directory: string): string[] =>
  existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.json')) : [];

describe('the writer', () => {
  test('keeps evidence once, and the chain names it', () => {
    const directory = newDirectory();
    const writer = new EvidenceWriter(directory, []);
    const answers = [bundle(3), bundle(4), bundle(3)].map((text) => writer.take(text));
    assert(answers.every((answer) => 'kept' in answer));
    assert.deepEqual(answers[2], answers[0]);
    const report = new EvidenceReader(directory).read();
    assert.deepEqual([report.length, faultsOf(report)], [2, []]);
  });

  test('refuses what is no evidence, whatever it is', () => {
    const directory = newDirectory();
    const writer = new EvidenceWriter(directory, []);
    const good = bundle(3);
    const { digest: _, ...json } = JSON.parse(good) as Record<string, unknown>;
    const forged = (change: Record<string, unknown>): string =>
      sealed(JSON.stringify({ ...json, ...change }, null, 2));
    const same = forged({ second: json['first'] });
    for (const text of [
      '',
      'no JSON',
      '{}',
      '['.repeat(1 << 20),
      `${good} `,
      good.replace('"created": "', '"created": "x'),
      same,
      forged({ log: { ...(json['log'] as object), log_id: 'AAAA' } }),
      forged({ version: 2 }),
      forged({
        proof: { kind: 'consistency', hashes: Array(100).fill('A'.repeat(43) + '=') },
        second: json['first'],
      }),
    ])
      assert('refused' in writer.take(text), text.slice(0, 80));
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 32, max: 126 }), (at, code) => {
        const text = good.slice(0, at) + String.fromCharCode(code) + good.slice(at + 1);
        fc.pre(text !== good);
        assert('refused' in writer.take(text));
      }),
      { numRuns: 60 },
    );
    assert.deepEqual(namesIn(directory), []);
  });

  test('keeps no more of a log than its share, whatever keys somebody makes', () => {
    const directory = newDirectory();
    const built = new SigningLog();
    const share = { files: 3, bytes: 1 << 20 };
    const shares = { known: share, unknown: { ...share, files: 2 }, allUnknown: share };
    const writer = new EvidenceWriter(directory, [built.asLog()], shares);
    const take = (text: string, by = writer): boolean => 'kept' in by.take(text);
    const sizes = [2, 3, 4, 5];
    assert.deepEqual(
      sizes.map((size) => take(bundle(size))),
      [true, true, false, false],
    );
    const others = [new SigningLog(), new SigningLog()];
    assert.deepEqual(
      others.map((other) => take(bundle(2, other))),
      [true, false],
    );
    // Somebody's flood takes nothing from a log that is built in.
    assert.deepEqual(
      sizes.map((size) => take(bundle(size, built))),
      [true, true, true, false],
    );
    // What is there counts after a restart too, and may be handed over again.
    const next = new EvidenceWriter(directory, [built.asLog()], shares);
    assert.deepEqual(
      [take(bundle(2), next), take(bundle(6), next), take(bundle(7, built), next)],
      [true, false, false],
    );
    const small = new EvidenceWriter(newDirectory(), [], {
      ...shares,
      unknown: { files: 9, bytes: 2000 },
    });
    assert.deepEqual([take(bundle(2), small), take(bundle(3), small)], [true, false]);
  });
});

describe('ctga evidence keep', () => {
  const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
  // Root would become the writer's account, which there is not here.
  const AS_ROOT = process.geteuid?.() === 0 ? ['--user', 'root'] : [];
  async function start(stateDirectory: string): Promise<ChildProcess> {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', MAIN, 'evidence', 'keep', '--state-dir', stateDirectory, ...AS_ROOT],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    after(() => child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    return child;
  }

  test('takes bundles over its socket, from whoever may reach that, through everything', async () => {
    const { directory, evidence } = stateAt(newDirectory());
    const socket = socketIn(evidence);
    const child = await start(directory);
    const first = handOver(evidence, bundle(3));
    assert(existsSync(join(evidence, first)));
    assert.throws(() => handOver(evidence, 'rubbish'), /refused|bundle|JSON/);
    assert.throws(() => handOver(evidence, 'x'.repeat(MOST_BYTES + 1)), /larger/);
    // Who connects and says nothing, or half, holds up nobody.
    const idle = Array.from({ length: 100 }, (_, i) => {
      const each = connect(socket).on('error', () => undefined);
      if (i % 2 === 0) each.write('{"format":');
      return each;
    });
    await Promise.all(idle.map((each) => once(each, 'connect')));
    assert.equal(
      handOver(evidence, bundle(4)),
      namesIn(evidence).find((name) => name.includes('-4-4-')),
    );
    for (const each of idle) each.destroy();
    const second = await ctga(['evidence', 'keep', '--state-dir', directory, ...AS_ROOT]);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /another writer/);
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.throws(() => handOver(evidence, bundle(5)), /refused/);
    const again = await start(directory);
    assert.equal(handOver(evidence, bundle(3)), first);
    handOver(evidence, bundle(5));
    const report = new EvidenceReader(evidence).read();
    assert.deepEqual([report.length, faultsOf(report)], [3, []]);
    again.kill('SIGTERM');
    assert.deepEqual(await once(again, 'exit'), [0, null]);
  });

  test('is not waited for again and again where it hangs', async () => {
    const directory = newDirectory();
    mkdirSync(directory);
    // It listens, and this process is too busy to accept.
    const server = createServer().listen(socketIn(directory));
    await once(server, 'listening');
    const from = performance.now();
    for (let i = 0; i < 50; i++) assert.throws(() => handOver(directory, bundle(3)), /timed out/i);
    const waited = performance.now() - from;
    server.close();
    // Once, and not fifty times: each would be a second.
    assert(waited < 25_000, `${waited} ms`);
  });
});

describe('ctga evidence list and verify', () => {
  test('say what is missing, changed or unknown, and so does the exit code', async () => {
    const state = stateAt(newDirectory());
    const writer = new EvidenceWriter(state.evidence, []);
    for (const size of [3, 4, 5]) writer.take(bundle(size));
    const list = async (...args: string[]): ReturnType<typeof ctga> => {
      mkdirSync(state.directory, { recursive: true });
      return await ctga(['evidence', 'list', '--state-dir', state.directory, ...args]);
    };
    assert.equal((await ctga(['store', 'check', '--state-dir', state.directory])).code, 1);
    (await import('../../src/store/state.ts')).openForWriting(state).close();
    const well = await list('--json');
    assert.equal(well.code, 0, well.stderr);
    const { chain, evidence, faults } = JSON.parse(well.stdout) as {
      chain: { length: number; head: string };
      evidence: { path: string; state: string }[];
      faults: string[];
    };
    assert.deepEqual(
      [chain.length, faults, evidence.map(({ state: each }) => each)],
      [3, [], ['kept', 'kept', 'kept']],
    );
    const [missing = '', changed = '', kept = ''] = evidence.map(({ path }) => path);
    rmSync(missing);
    rmSync(changed);
    writeFileSync(changed, readFileSync(kept));
    writeFileSync(join(state.evidence, 'fork-unknown.json'), '{}');
    const ill = await list();
    assert.equal(ill.code, 1);
    assert.match(ill.stderr, new RegExp(`${basename(missing)} is in the chain and is missing`));
    assert.match(ill.stderr, new RegExp(`${basename(changed)} was changed`));
    assert.match(ill.stderr, /fork-unknown\.json is not in the chain/);
    assert.match(ill.stdout, new RegExp(chain.head));
    // It holds, and is not what was kept under this name.
    assert(isEvidence(readFileSync(changed, 'utf8')));
    const verified = await ctga(['evidence', 'verify', changed]);
    assert.equal(verified.code, 1);
    assert.match(
      verified.stdout,
      /FAILS {2}the file is the one that the chain beside it has as number 2/,
    );
    assert.equal((await ctga(['evidence', 'verify', kept])).code, 4);
  });
});

test('a log key that is no key of a log is refused by the writer too', () => {
  const { publicKey } = generateKeyPairSync('ed25519');
  const text = bundle(3).replace(
    Buffer.from(log.key.spki).toString('base64'),
    publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
  );
  assert('refused' in new EvidenceWriter(newDirectory(), []).take(text));
});
