import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { LogError, type Asker } from '../../src/ask/asker.ts';
import type { MerkleHash } from '../../src/merkle/hash.ts';
import { Mirror, type MirrorOptions, type Published } from '../../src/mirror/mirror.ts';
import { PublishedHeads } from '../../src/mirror/published.ts';
import { parseTreeHeadText } from '../../src/statements/text.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const HOUR = 3_600_000;
const tree = treeOf(100);

/** A log in memory, and what it was asked. */
class Asked implements Asker {
  readonly signing = new SigningLog();
  readonly questions: string[] = [];
  size = 40;
  failure: LogError | undefined;
  signer = this.signing;

  #ask<T>(question: string, answer: T): Promise<T> {
    this.questions.push(question);
    return this.failure === undefined ? Promise.resolve(answer) : Promise.reject(this.failure);
  }
  treeHead(): ReturnType<Asker['treeHead']> {
    return this.#ask('head', this.signer.sign(this.size, tree.root(this.size)));
  }
  consistencyProof(first: bigint, second: bigint): Promise<MerkleHash[]> {
    return this.#ask(`${first}-${second}`, tree.consistencyProof(Number(first), Number(second)));
  }
  inclusionProof({ leafIndex }: { leafIndex: bigint }, size: bigint): Promise<MerkleHash[]> {
    return this.#ask(
      `leaf ${leafIndex} of ${size}`,
      tree.inclusionProof(Number(leafIndex), Number(size)),
    );
  }
  leafProof(hash: MerkleHash, size: bigint): ReturnType<Asker['leafProof']> {
    const index = tree.indexOf(Buffer.from(hash).toString('base64')) ?? -1;
    return this.#ask('hash', {
      leafIndex: BigInt(index),
      path: tree.inclusionProof(index, Number(size)),
    });
  }
  leafHashes(): Promise<never> {
    return Promise.reject(new Error('a mirror asks for no leaf hashes'));
  }
}

function mirrorOf(client: Asked, now: () => number, more: Partial<MirrorOptions> = {}): Mirror {
  const log = client.signing.asLog();
  const nothing = (): void => undefined;
  return new Mirror({
    log,
    client,
    interval: HOUR,
    now,
    last: undefined,
    onPublished: nothing,
    onFailed: nothing,
    ...more,
  });
}

async function sizeOf(mirror: Mirror): Promise<number> {
  const answer = parseTreeHeadText(await mirror.treeHead());
  return answer.kind === 'tree head' ? Number(answer.head.treeSize) : assert.fail(answer.reason);
}
/** What was begun in the background is over. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('what is published of a log', () => {
  test('is one head an hour, however often it is asked and however the log grows', async () => {
    const client = new Asked();
    let now = 0;
    const mirror = mirrorOf(client, () => now);
    assert.equal(await sizeOf(mirror), 40);
    for (client.size = 41; client.size < 60; client.size++) {
      now += HOUR / 20;
      assert.equal(await sizeOf(mirror), 40);
    }
    assert.deepEqual(client.questions, ['head']);
    now += HOUR / 20;
    // Whoever asks first does not wait for the log.
    assert.equal(await sizeOf(mirror), 40);
    await settle();
    assert.equal(await sizeOf(mirror), 60);
    assert.deepEqual(client.questions, ['head', 'head']);
  });

  test('stays while the log fails, shrinks or signs with another key; it is asked again later and later', async () => {
    const client = new Asked();
    let now = 0;
    const failures: string[] = [];
    const mirror = mirrorOf(client, () => now, {
      onFailed: (_, { message }) => failures.push(message),
    });
    await mirror.treeHead();
    client.size = 39;
    now = HOUR;
    await mirror.treeHead();
    await settle();
    client.size = 50;
    client.signer = new SigningLog();
    now += 30_000;
    await mirror.treeHead();
    await settle();
    client.signer = client.signing;
    client.failure = new LogError('log-unavailable', 'HTTP 429', { retryAfter: 7_200_000 });
    now += 60_000;
    await mirror.treeHead();
    await settle();
    assert.equal(client.questions.length, 4);
    assert.match(
      failures.join(),
      /size 39 is smaller than the one published, of 40,.*not signed by its key,HTTP 429/,
    );
    client.failure = undefined;
    now += 7_100_000;
    assert.equal(await sizeOf(mirror), 40);
    await settle();
    assert.equal(client.questions.length, 4, 'it asked to be left alone for longer');
    now += 100_000;
    await mirror.treeHead();
    await settle();
    assert.equal(await sizeOf(mirror), 50);
  });

  test('is nothing before the first head: an error, and one question to the log for all who ask', async () => {
    const client = new Asked();
    client.failure = new LogError('log-unavailable', 'away');
    const mirror = mirrorOf(client, () => 0);
    await Promise.all(
      Array.from({ length: 20 }, () => assert.rejects(mirror.treeHead(), /no tree head/)),
    );
    await assert.rejects(mirror.treeHead());
    assert.deepEqual(client.questions, ['head']);
  });
});

describe('proofs', () => {
  test('are asked once, of published trees alone; a refusal is remembered for a minute', async () => {
    const client = new Asked();
    let now = 0;
    const { proofs } = mirrorOf(client, () => now);
    await assert.rejects(
      Promise.resolve().then(() => proofs.consistency(3n, 40n)),
      /no tree of size 40 was published/,
    );
    const mirror = mirrorOf(client, () => now);
    await mirror.treeHead();
    client.questions.length = 0;
    for (let i = 0; i < 5; i++)
      assert.deepEqual(await mirror.proofs.consistency(3n, 40n), tree.consistencyProof(3, 40));
    await assert.rejects(
      Promise.resolve().then(() => mirror.proofs.consistency(3n, 41n)),
      /no tree of size 41/,
    );
    assert.deepEqual(client.questions, ['3-40']);

    client.failure = new LogError('log-refused', 'HTTP 400');
    for (let i = 0; i < 5; i++)
      await assert.rejects(Promise.resolve().then(() => mirror.proofs.consistency(4n, 40n)));
    assert.deepEqual(client.questions, ['3-40', '4-40']);
    client.failure = undefined;
    now += 61_000;
    assert.deepEqual(await mirror.proofs.consistency(4n, 40n), tree.consistencyProof(4, 40));
  });

  test('of a leaf found by its hash: index and path with one question', async () => {
    const client = new Asked();
    const mirror = mirrorOf(client, () => 0);
    assert.equal(await mirror.proofs.leafIndex(tree.leafHash(17)), 17n);
    assert.deepEqual(await mirror.proofs.inclusion(17n, 40n), tree.inclusionProof(17, 40));
    assert.deepEqual(client.questions, ['head', 'hash']);
  });
});

describe('what was published', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  after(() => rmSync(directory, { recursive: true }));

  test('is known to the next server: it publishes no other head within the hour', async () => {
    const client = new Asked();
    const log = client.signing.asLog();
    const first = new PublishedHeads(directory, [log]);
    await mirrorOf(client, () => 1000, {
      onPublished: (_, published: Published) => first.put(log, published),
    }).treeHead();
    client.size = 50;
    const last = new PublishedHeads(directory, [log]).get(log);
    assert.equal(last?.at, 1000);
    const second = mirrorOf(client, () => HOUR, { last });
    assert.equal(await sizeOf(second), 40);
    assert.deepEqual(client.questions, ['head']);
  });

  test('of a file that is damaged, or has what the log did not sign, is nothing', () => {
    const [client, other] = [new Asked(), new Asked()];
    const log = client.signing.asLog();
    const heads = new PublishedHeads(directory, [log]);
    heads.put(log, { head: other.signing.verified(9, tree.root(9)), at: 5 });
    assert.equal(new PublishedHeads(directory, [log]).get(log), undefined);
    writeFileSync(join(directory, 'dns-published.json'), '{"');
    assert.equal(new PublishedHeads(directory, [log]).get(log), undefined);
  });
});
