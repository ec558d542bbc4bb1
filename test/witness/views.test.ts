// SPDX-License-Identifier: Apache-2.0
/** Witnesses that run, as `ctga challenge --view` asks them over HTTP. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { viewThrough } from '../../src/challenger/pollinate.ts';
import { parseEvidence } from '../../src/evidence/bundle.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import { viewUrl } from '../../src/exchange/views.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import { directFetch } from '../../src/http/request.ts';
import type { Log } from '../../src/logs/log.ts';
import { cosignaturesOf, type CheckedCosignature } from '../../src/statements/cosigned.ts';
import { memoryStore } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import { WitnessMetrics } from '../../src/witness/metrics.ts';
import { WitnessServer } from '../../src/witness/server.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { addBody, makeWitness, type Harness } from './harness.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const [honest, forked] = [treeOf(60, 'a', 20), treeOf(60, 'b', 20)];
const ct = new SigningLog();
const logs = {
  ct: {
    log: ct.asLog({ api: 'static-ct', submissionUrl: 'https://log.test/alpha/' }),
    note: (size: number, tree = honest) => ct.checkpoint(size, tree.root(size)),
  },
  ...Object.fromEntries(
    (['ed25519', 'ml-dsa-44'] as const).map((algorithm) => {
      const log = new CheckpointLog({ algorithm, name: `log.test/${algorithm}` });
      const note = (size: number, tree = honest): string => log.checkpoint(size, tree.root(size));
      return [algorithm, { log: log.asLog(), note }];
    }),
  ),
} as Record<string, { log: Log; note: (size: number, tree?: typeof honest) => string }>;
const known = Object.values(logs).map(({ log }) => log);

interface Running extends Harness {
  readonly url: string;
}
const ends: (() => Promise<void>)[] = [];
after(async () => {
  for (const end of ends) await end();
});

/** A witness that listens, and has cosigned what it was brought. */
async function witnessOf(notes: readonly string[]): Promise<Running> {
  const made = makeWitness(known);
  const server = await WitnessServer.start({
    address: '127.0.0.1',
    port: 0,
    tls: undefined,
    witness: made.witness,
    perClient: { perSecond: 1000, burst: 10_000 },
    metrics: new WitnessMetrics(made.store),
    page: () => '',
    onError: (error) => assert.fail(String(error)),
  });
  ends.push(async () => {
    await server.stop();
    made.end();
  });
  for (const note of notes) {
    const response = await fetch(`${server.at.url}add-checkpoint`, {
      method: 'POST',
      body: addBody(0, [], note),
    });
    assert.equal(response.status, 200, await response.text());
  }
  return { ...made, url: viewUrl(server.at.url) };
}

async function view(store: Store, { url, keys }: Running): Promise<CheckedCosignature[]> {
  const cosigned: CheckedCosignature[] = [];
  await viewThrough(url, {
    store,
    evidenceDirectory: directory,
    hashes: HashStore.inMemory(),
    known: () => known,
    proxies: [{ host: 'proxy.test', port: 1 }],
    open: () => ({ fetch: directFetch({ allowPrivateAddress: true }), close: () => undefined }),
    now: Date.now,
    signal: new AbortController().signal,
    onPollinated: () => assert.fail('it is a view'),
    onViewed: ({ refused }) => assert.equal(refused, 0),
    onSeenAt: (_, heads) => {
      for (const { head } of heads)
        cosigned.push(...cosignaturesOf(head, [keys.ed25519.key, keys.mlDsa44.key]));
    },
    onPollinationFailed: (_, error) => assert.fail(error),
  });
  return cosigned;
}

describe('two witnesses that run', () => {
  test('and cosigned one history are views that agree, with lines of both keys', async () => {
    const store = memoryStore();
    const all = Object.values(logs);
    for (const size of [40, 50]) {
      const witness = await witnessOf(all.map(({ note }) => note(size)));
      const cosigned = await view(store, witness);
      assert.equal(cosigned.length, 2 * all.length);
      assert(cosigned.every(({ valid, time }) => valid && time > 0n));
    }
    assert.deepEqual(store.evidence.all(), []);
    assert.equal(store.heads.count(), 2 * all.length);
  });

  for (const [kind, { note }] of Object.entries(logs))
    test(`and cosigned two trees of a log (${kind}) are evidence against it`, async () => {
      const store = memoryStore();
      await view(store, await witnessOf([note(40)]));
      assert.deepEqual(store.evidence.all(), []);
      await view(store, await witnessOf([note(40, forked)]));
      const [record, ...more] = store.evidence.all();
      assert(record !== undefined && more.length === 0);
      const checks = verifyEvidence(parseEvidence(readFileSync(record.path, 'utf8'), record.path));
      assert.deepEqual(
        checks.filter(({ holds }) => !holds),
        [],
      );
    });
});
