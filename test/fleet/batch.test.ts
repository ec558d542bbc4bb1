// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import {
  isMemberName,
  LEAST_BATCH,
  LONGEST_SOURCE,
  MOST_COUNTED,
  MOST_SOURCES,
  openBatch,
  Packer,
  type Envelope,
  type PublishedHead,
} from '../../src/fleet/batch.ts';
import { VERDICTS } from '../../src/store/verdicts.ts';
import { fc } from '../support/random.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const log = new SigningLog();
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const keyOf = (member: string): typeof publicKey | undefined =>
  member === 'site-1' ? publicKey : undefined;

const envelope: Envelope = {
  member: 'site-1',
  epoch: 1_700_000_000_000n,
  sequence: 7n,
  previous: { epoch: 1_600_000_000_000n, sequence: 3n },
  store: '0123abcd',
  clock: 1_700_000_000_123,
  givenUp: 4,
  waiting: 5,
};

const headArbitrary = fc
  .record({
    size: fc.integer({ min: 1, max: 50 }),
    verdict: fc.constantFrom(...VERDICTS),
    reason: fc.option(fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme-ascii' }), {
      nil: undefined,
    }),
    sightings: fc.array(
      fc
        .record({
          source: fc.string({ minLength: 1, maxLength: 50, unit: 'grapheme-ascii' }),
          firstSeen: fc.nat(),
          more: fc.nat(),
          count: fc.integer({ min: 1, max: MOST_COUNTED }),
        })
        .map(({ more, ...each }) => ({ ...each, lastSeen: each.firstSeen + more })),
      { maxLength: MOST_SOURCES },
    ),
  })
  .map(({ size, ...rest }): PublishedHead => {
    const { logId, treeSize, timestamp, rootHash, signature } = log.verified(
      size,
      treeOf(size).root(),
    );
    return {
      kind: 'head',
      logId,
      statement: { treeSize, timestamp, rootHash, signature: Uint8Array.from(signature) },
      ...rest,
    };
  });

describe('a batch', () => {
  test('gives back what was put into it, and is always of one size', () => {
    fc.assert(
      fc.property(fc.array(headArbitrary, { maxLength: 60 }), (heads) => {
        const packer = new Packer(LEAST_BATCH);
        const packed = heads.filter((head) => packer.addHead(head));
        const bytes = packer.seal(envelope, privateKey);
        assert.equal(bytes.length, LEAST_BATCH);
        assert.deepEqual(openBatch(bytes, LEAST_BATCH, keyOf), { envelope, items: packed });
      }),
      { numRuns: 100 },
    );
  });

  test('has room for the largest head there is', () => {
    const rsa = log.sign(1, treeOf(1).root());
    const head: PublishedHead = {
      kind: 'head',
      logId: log.key.logId,
      statement: { ...rsa, signature: new Uint8Array(4 + 1024) },
      verdict: 'unprovable',
      reason: 'r'.repeat(500),
      sightings: Array.from({ length: MOST_SOURCES }, () => ({
        source: 's'.repeat(LONGEST_SOURCE),
        firstSeen: 1,
        lastSeen: 2,
        count: 3,
      })),
    };
    assert(new Packer(LEAST_BATCH).addHead(head));
  });

  test('cuts a reason that is too long between two characters', () => {
    const packer = new Packer(LEAST_BATCH);
    const { logId, ...statement } = log.verified(1, treeOf(1).root());
    const reason = `x${'\u00e4'.repeat(200)}`;
    packer.addHead({ kind: 'head', logId, statement, verdict: 'skewed', reason, sightings: [] });
    const opened = openBatch(packer.seal(envelope, privateKey), LEAST_BATCH, keyOf);
    assert(typeof opened !== 'string');
    const [item] = opened.items;
    assert(item?.kind === 'head');
    assert.equal(item.reason, `x${'\u00e4'.repeat(124)}`);
  });

  test('holds as much of a file as there is room for', () => {
    const file = Buffer.alloc(20_000, 'evidence');
    const digest = Buffer.alloc(32, 1);
    const parts: Buffer[] = [];
    for (let offset = 0; offset < file.length;) {
      const packer = new Packer(LEAST_BATCH);
      const added = packer.addChunk(digest, file, offset);
      assert(added > 7000 || offset + added === file.length);
      const opened = openBatch(packer.seal(envelope, privateKey), LEAST_BATCH, keyOf);
      assert(typeof opened !== 'string');
      const [item] = opened.items;
      assert(item?.kind === 'chunk' && item.offset === offset && item.length === file.length);
      parts.push(Buffer.from(item.bytes));
      offset += added;
    }
    assert.deepEqual(Buffer.concat(parts), file);
  });

  test('is refused with any bit changed', () => {
    const packer = new Packer(LEAST_BATCH);
    const { logId, ...statement } = log.verified(1, treeOf(1).root());
    packer.addHead({
      kind: 'head',
      logId,
      statement,
      verdict: 'pending',
      reason: undefined,
      sightings: [{ source: 'eth0', firstSeen: 1, lastSeen: 2, count: 3 }],
    });
    const bytes = packer.seal(envelope, privateKey);
    fc.assert(
      fc.property(fc.nat({ max: bytes.length * 8 - 1 }), (bit) => {
        const changed = Uint8Array.from(bytes);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        assert.equal(typeof openBatch(changed, LEAST_BATCH, keyOf), 'string');
      }),
      { numRuns: 500 },
    );
  });

  test('is refused, and nothing is thrown, whatever its member signed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.nat({ max: 0xffff_ffff }),
        (items, said) => {
          const bytes = Buffer.from(new Packer(LEAST_BATCH).seal(envelope, privateKey));
          bytes.writeUInt32BE(said % 3 === 0 ? said : items.length, 104);
          bytes.set(items, 108);
          bytes.set(sign(null, bytes.subarray(0, -64), privateKey), LEAST_BATCH - 64);
          const opened = openBatch(bytes, LEAST_BATCH, keyOf);
          assert(typeof opened === 'string' || said % 3 !== 0 || said === items.length);
        },
      ),
      { numRuns: 500 },
    );
  });

  for (const [what, change, reason] of [
    [
      'of another length',
      (b: Buffer) => b.subarray(1),
      'it has another size than batchBytes in fleet.json here',
    ],
    ['of another version', (b: Buffer) => b.fill('2', 11, 12), 'it is no batch of this version'],
    ['of nobody', (b: Buffer) => b.fill(0, 16, 48), 'its member has no name'],
    ['of a stranger', (b: Buffer) => b.fill('x', 16, 17), 'nobody of this name is in the fleet'],
    ['that another signed', (b: Buffer) => b.fill(7, 8180), 'its member did not sign it'],
  ] as const)
    test(`${what} is refused`, () => {
      const bytes = Buffer.from(new Packer(LEAST_BATCH).seal(envelope, privateKey));
      assert.equal(openBatch(change(bytes), LEAST_BATCH, keyOf), reason);
    });
});

test('names of members', () => {
  for (const good of ['a', 'site-1', 'x'.repeat(32)]) assert(isMemberName(good), good);
  for (const bad of ['', '-a', 'a-', 'A', 'a.b', 'a*', '>', 'x'.repeat(33), 'a\n'])
    assert(!isMemberName(bad), bad);
});
