// SPDX-License-Identifier: Apache-2.0
/** Logs that are no CT logs are challenged as CT logs are: verdicts, evidence, what is asked. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { challengeLog } from '../../src/challenger/challenge.ts';
import { Visits } from '../../src/challenger/visits.ts';
import { parseEvidence } from '../../src/evidence/bundle.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import { headsToShare } from '../../src/exchange/pollination.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import type { MerkleHash } from '../../src/merkle/hash.ts';
import type { VerifiedStatement } from '../../src/statements/statement.ts';
import { memoryStore } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import type { Verdict } from '../../src/store/verdicts.ts';
import { CheckpointFiles } from '../support/checkpoint-files.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { random, SEED } from '../support/random.ts';
import { treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const NOW = 1_800_000_000_000;
const SIZE = 700;
const honest = treeOf(SIZE, 'a', 300);
const forked = treeOf(SIZE, 'b', 300);

type Way = 'by what every log shows' | 'by direct questions';

class Setting {
  readonly files: CheckpointFiles;
  readonly store: Store = memoryStore();
  readonly hashes = HashStore.inMemory();
  readonly notices: string[] = [];
  readonly failures: string[] = [];

  constructor(files: CheckpointFiles) {
    this.files = files;
  }

  see(head: VerifiedStatement): void {
    this.store.heads.record([{ head, source: 'eth0', firstSeen: NOW, lastSeen: NOW, count: 1 }]);
  }

  async challenge(way: Way): Promise<void> {
    const below = random(SEED);
    const common = {
      store: this.store,
      evidenceDirectory: directory,
      now: () => NOW,
      signal: new AbortController().signal,
      onNotice: (_: unknown, message: string) => void this.notices.push(message),
      onVerdict: () => undefined,
      sleep: () => Promise.resolve(),
    };
    if (way === 'by direct questions') {
      const paths = [this.files.fetch];
      const failed = await challengeLog(this.files.asLog(), {
        ...common,
        paths,
        ignoreBackOff: true,
      });
      if (failed !== undefined) this.failures.push(failed.message);
      return;
    }
    const visits = new Visits({
      ...common,
      hashes: this.hashes,
      paths: 2,
      budget: 64_000_000,
      window: 14 * 86_400_000,
      blocks: 2,
      chance: () => below(2 ** 30) / 2 ** 30,
      proxies: [{ host: 'proxy.test', port: 1 }],
      open: () => ({ fetch: this.files.fetch, close: () => undefined }),
      onVisited: () => undefined,
      onLogFailed: (_, error) => void this.failures.push(error.message),
      onFailed: (_, error) => assert.ifError(error),
    });
    await visits.ask(this.files.asLog());
    await visits.settled();
  }

  found(): [number, Verdict][] {
    return this.store.heads
      .trees(this.files.log.key.logId)
      .map(({ treeSize, verdict }) => [Number(treeSize), verdict]);
  }
}

const LOGS = [
  ['ed25519', 'tlog-tiles'],
  ['ml-dsa-44', 'tlog-tiles'],
  ['ed25519', 'sumdb'],
] as const;

for (const [algorithm, form] of LOGS)
  for (const way of ['by what every log shows', 'by direct questions'] as const)
    describe(`a log of ${form} that signs with ${algorithm}, ${way}`, () => {
      const log = new CheckpointLog({
        algorithm,
        ...(form === 'sumdb' && { name: 'sum.test', origin: 'go.sum database tree' }),
      });
      const setting = (): Setting => new Setting(new CheckpointFiles(log, honest, form));

      test('and is honest: every tree is consistent, and nothing is said of its age', async () => {
        const each = setting();
        const sizes = [0, 1, 255, 256, 257, 699];
        for (const size of sizes)
          each.see(log.verified(size, honest.root(size), { time: BigInt(NOW / 1000) }));
        await each.challenge(way);
        assert.deepEqual(
          each.found(),
          [...sizes, SIZE].map((size) => [size, 'consistent']),
        );
        assert.deepEqual(each.failures, []);
        if (algorithm === 'ed25519') assert.deepEqual(each.notices, []);
        const head = form === 'sumdb' ? 'latest' : 'checkpoint';
        const tile = form === 'sumdb' ? /^tile\/8\/\d\// : /^tile\/\d\/\d/;
        assert.ok(each.files.requests.every((path) => path === head || tile.test(path)));
      });

      test('and shows two histories: that is proven, and the evidence stands by itself', async () => {
        const each = setting();
        each.see(log.verified(650, forked.root(650)));
        each.see(log.verified(299, honest.root(299)));
        await each.challenge(way);
        assert.deepEqual(each.found(), [
          [299, 'consistent'],
          [650, 'fork-proven'],
          [SIZE, 'consistent'],
        ]);
        const [record, ...more] = each.store.evidence.all();
        assert.ok(record !== undefined && more.length === 0);
        const text = readFileSync(record.path, 'utf8');
        const checks = verifyEvidence(parseEvidence(text, record.path));
        assert.deepEqual(
          checks.filter(({ holds }) => !holds),
          [],
        );
      });

      test('and signs two roots for one size: that is proven without a question', async () => {
        const each = setting();
        each.see(log.verified(SIZE, forked.root(SIZE)));
        await each.challenge(way);
        assert.deepEqual(
          each
            .found()
            .map(([, verdict]) => verdict)
            .sort(),
          ['consistent', 'fork-proven'],
        );
      });

      test('and pollinates none of its heads', async () => {
        const each = setting();
        await each.challenge(way);
        assert.deepEqual(headsToShare(each.hashes, [each.files.asLog()], NOW), []);
      });
    });

describe('a log is accused of nothing', () => {
  const challenged = async (
    files: CheckpointFiles,
    heads: readonly VerifiedStatement[],
  ): Promise<Setting> => {
    const each = new Setting(files);
    for (const head of heads) each.see(head);
    await each.challenge('by direct questions');
    await each.challenge('by what every log shows');
    return each;
  };

  test('by a log of the same key and another origin', async () => {
    const one = new CheckpointLog({ origin: 'one.test' });
    const other = new CheckpointLog({ origin: 'other.test', sharing: one });
    const each = await challenged(new CheckpointFiles(one, honest), [
      one.verified(650, honest.root(650)),
      other.verified(650, forked.root(650)),
    ]);
    assert.deepEqual(each.found(), [
      [650, 'consistent'],
      [SIZE, 'consistent'],
    ]);
    assert.deepEqual(each.store.evidence.all(), []);
  });

  test('by extension lines that differ, or times', async () => {
    for (const algorithm of ['ed25519', 'ml-dsa-44'] as const) {
      const log = new CheckpointLog({ algorithm });
      const root: MerkleHash = honest.root(650);
      const each = await challenged(new CheckpointFiles(log, honest), [
        log.verified(650, root, { extension: 'one\n' }),
        log.verified(650, root, { extension: 'two\n', time: 0n }),
        log.verified(650, root, { time: 2n ** 63n - 1n }),
      ]);
      assert.deepEqual(each.found(), [
        [650, 'consistent'],
        [SIZE, 'consistent'],
      ]);
      assert.deepEqual(each.store.evidence.all(), []);
    }
  });

  test('for a tree of size 0 with another root', async () => {
    const log = new CheckpointLog();
    const each = await challenged(new CheckpointFiles(log, honest), [
      log.verified(0, honest.root(1)),
    ]);
    assert.deepEqual(each.found()[0], [0, 'malformed-head']);
    assert.deepEqual(each.store.evidence.all(), []);
  });

  test('for tiles that lead nowhere', async () => {
    const log = new CheckpointLog();
    const files = new CheckpointFiles(log, forked);
    const fetch = files.fetch;
    const lying = Object.assign(new CheckpointFiles(log, honest), {
      fetch: ((url, options) =>
        url.endsWith('checkpoint')
          ? new CheckpointFiles(log, honest).fetch(url, options)
          : fetch(url, options)) satisfies CheckpointFiles['fetch'],
    });
    const each = await challenged(lying, [log.verified(650, honest.root(650))]);
    assert.deepEqual(each.store.evidence.all(), []);
    assert.ok(each.found().every(([, verdict]) => verdict !== 'fork-proven'));
  });
});
