// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { LogError, type Asker } from '../../src/ask/asker.ts';
import { StoreError } from '../../src/disk/error.ts';
import { readTreeHeads } from '../../src/exchange/files.ts';
import type { MerkleHash } from '../../src/merkle/hash.ts';
import { Mirror, type MirrorOptions } from '../../src/mirror/mirror.ts';
import {
  HourlyPublication,
  MAX_SIZES,
  type HourlyOptions,
  type Published,
} from '../../src/mirror/publication.ts';
import { publishedIn } from '../../src/mirror/directory.ts';
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
    return this.#ask('head', this.signer.sign(this.size, tree.root(Math.min(this.size, 100))));
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

function mirrorOf(
  client: Asked,
  now: () => number,
  more: Partial<MirrorOptions & HourlyOptions> = {},
): Mirror {
  const log = client.signing.asLog();
  const nothing = (): undefined => undefined;
  const publication = new HourlyPublication({
    log,
    client,
    interval: HOUR,
    now,
    last: undefined,
    onPublished: nothing,
    onFailed: nothing,
    ...more,
  });
  return new Mirror({ log, client, hashes: nothing, now, publication, onFailed: nothing, ...more });
}

async function sizeOf(mirror: Mirror): Promise<number> {
  const answer = parseTreeHeadText(await mirror.treeHead());
  return answer.kind === 'tree head' ? Number(answer.head.treeSize) : assert.fail(answer.reason);
}
/** A mirror that has published trees of these sizes, one an hour; the log's questions are cleared. */
async function publishing(
  client: Asked,
  sizes: readonly number[],
): Promise<{ mirror: Mirror; clock: { now: number } }> {
  const clock = { now: 0 };
  const mirror = mirrorOf(client, () => clock.now);
  for (const size of sizes) {
    client.size = size;
    await mirror.treeHead();
    await settle();
    clock.now += HOUR;
  }
  client.questions.length = 0;
  return { mirror, clock };
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
  test('are asked once; a refusal is remembered for a minute', async () => {
    const client = new Asked();
    const { mirror, clock } = await publishing(client, [3, 4, 40]);
    for (let i = 0; i < 5; i++)
      assert.deepEqual(await mirror.proofs.consistency(3n, 40n), tree.consistencyProof(3, 40));
    assert.deepEqual(client.questions, ['3-40']);

    client.failure = new LogError('log-refused', 'HTTP 400');
    for (let i = 0; i < 5; i++) {
      await assert.rejects(async () => mirror.proofs.consistency(4n, 40n));
      await assert.rejects(mirror.proofs.leafIndex(tree.leafHash(5)));
    }
    assert.deepEqual(client.questions, ['3-40', '4-40', 'hash']);
    client.failure = undefined;
    clock.now += 61_000;
    assert.deepEqual(await mirror.proofs.consistency(4n, 40n), tree.consistencyProof(4, 40));
  });

  test('are of published trees alone: the log never sees a size that only one client may have', async () => {
    const client = new Asked();
    const published = [8n, 20n, 40n];
    const { mirror } = await publishing(client, published.map(Number));
    for (let second = 0n; second <= 45n; second++) {
      for (let first = 0n; first <= 45n; first++) {
        // 9 decides about 8, whose own proof says nothing: 8 is a power of two.
        const isAnswered = published.includes(second) && [...published, 9n].includes(first);
        const answer = await mirror.proofs.consistency(first, second);
        assert.equal(answer !== undefined, isAnswered && first < second, `${first}-${second}`);
      }
      const path = await mirror.proofs.inclusion(30n, second);
      assert.equal(path !== undefined, second === 40n, `leaf 30 of ${second}`);
    }
    const sizes = new Set(
      client.questions.flatMap((each) => each.match(/\d+$/)?.map(BigInt) ?? []),
    );
    assert.deepEqual([...sizes], [20n, 40n]);
    assert.deepEqual(
      new Set(client.questions.flatMap((each) => /^(\d+)-/.exec(each)?.[1] ?? [])),
      new Set(['8', '9', '20']),
    );
  });

  test('are for nobody who has a tree that was published too long ago', async () => {
    const client = new Asked();
    const head = client.signing.verified(MAX_SIZES, tree.root());
    const sizes = new Set(Array.from({ length: MAX_SIZES }, (_, i) => BigInt(i + 1)));
    let now = 0;
    const mirror = mirrorOf(client, () => now, { last: { head, at: 0, sizes } });
    // The log has no such tree, and says so where it is asked.
    const isAnswered = (first: bigint): Promise<boolean> =>
      mirror.proofs.consistency(first, BigInt(MAX_SIZES)).then(
        (proof) => proof !== undefined,
        () => true,
      );
    assert(await isAnswered(7n));
    // A log that does not grow takes no other size's place.
    for (const [grown, isLeft] of [
      [0, true],
      [1, true],
      [100, true],
      [101, true],
      [102, true],
      [103, true],
      [104, true],
      [105, false],
    ] as const) {
      client.size = MAX_SIZES + grown;
      now += HOUR;
      await mirror.treeHead();
      await settle();
      assert.equal(await isAnswered(7n), isLeft, `after ${grown}`);
      assert(await isAnswered(8n));
    }
  });

  test('too many at once are refused, and can be asked for again', async () => {
    const client = new Asked();
    const { mirror } = await publishing(client, [40]);
    const answers = await Promise.allSettled(
      Array.from({ length: 40 }, async (_, i) => mirror.proofs.inclusion(BigInt(i), 40n)),
    );
    assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 16);
    assert.deepEqual(await mirror.proofs.inclusion(39n, 40n), tree.inclusionProof(39, 40));
  });

  test('of a leaf found by its hash: index and path with one question', async () => {
    const client = new Asked();
    const mirror = mirrorOf(client, () => 0);
    assert.equal(await mirror.proofs.leafIndex(tree.leafHash(17)), 17n);
    assert.deepEqual(await mirror.proofs.inclusion(17n, 40n), tree.inclusionProof(17, 40));
    assert.equal(await mirror.proofs.leafIndex(tree.leafHash(17)), 17n);
    assert.deepEqual(client.questions, ['head', 'hash']);
  });
});

describe('what was published', () => {
  let directory = '';
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'ctga-test-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  test('is known to the next server: it publishes no other head within the hour', async () => {
    const client = new Asked();
    const log = client.signing.asLog();
    const first = new PublishedHeads(directory);
    await mirrorOf(client, () => 1000, {
      onPublished: (_, published: Published) => first.put(log, published),
    }).treeHead();
    client.size = 50;
    const last = new PublishedHeads(directory).get(log);
    assert.equal(last?.at, 1000);
    const second = mirrorOf(client, () => HOUR, { last });
    assert.equal(await sizeOf(second), 40);
    assert.deepEqual(client.questions, ['head']);
  });

  test('stays provable by the servers after it', async () => {
    const client = new Asked();
    const log = client.signing.asLog();
    const published = new PublishedHeads(directory);
    for (const [i, size] of [30, 40, 50].entries()) {
      client.size = size;
      const mirror = mirrorOf(client, () => i * HOUR, {
        last: published.get(log),
        onPublished: (_, each: Published) => published.put(log, each),
      });
      await mirror.treeHead();
      await settle();
    }
    const last = published.get(log);
    assert.deepEqual(last?.sizes, new Set([30n, 40n, 50n]));
    const { proofs } = mirrorOf(client, () => 3 * HOUR, { last });
    assert.deepEqual(await proofs.consistency(30n, 50n), tree.consistencyProof(30, 50));
  });

  test('is what is on the disk: nobody gets a head that could not be written down', async () => {
    const client = new Asked();
    let isFull = false;
    let now = 0;
    const mirror = mirrorOf(client, () => now, {
      onPublished: () => {
        if (isFull) throw new StoreError('store-failed', 'the disk is full');
      },
    });
    assert.equal(await sizeOf(mirror), 40);
    isFull = true;
    client.size = 50;
    now = HOUR;
    await mirror.treeHead();
    await settle();
    assert.equal(await sizeOf(mirror), 40);
  });

  test('can be imported, to be judged', () => {
    const client = new Asked();
    const log = client.signing.asLog();
    const head = client.signing.verified(9, tree.root(9));
    new PublishedHeads(directory).put(log, { head, at: 5, sizes: new Set([7n, 9n]) });
    const [file = assert.fail()] = readdirSync(publishedIn(directory));
    const { heads, refused } = readTreeHeads(join(publishedIn(directory), file), [log], undefined);
    assert.deepEqual([heads.map((each) => each.head.treeSize), refused], [[9n], []]);
  });

  test('of a file that is damaged, or has what the log did not sign, is nothing', () => {
    const [client, other] = [new Asked(), new Asked()];
    const log = client.signing.asLog();
    const heads = new PublishedHeads(directory);
    heads.put(log, { head: other.signing.verified(9, tree.root(9)), at: 5, sizes: new Set([9n]) });
    assert.equal(new PublishedHeads(directory).get(log), undefined);
    const [file = assert.fail()] = readdirSync(publishedIn(directory));
    writeFileSync(join(publishedIn(directory), file), '{"');
    assert.equal(new PublishedHeads(directory).get(log), undefined);
  });
});
