// SPDX-License-Identifier: Apache-2.0
/** The lab's log: tree heads that verify, entries that parse, and two trees under one key. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { Authority } from '../../src/lab/certificates.ts';
import { LabLog } from '../../src/lab/log.ts';
import { equalHash, hashLeaf } from '../../src/merkle/hash.ts';
import { foldConsistency } from '../../src/merkle/proof.ts';
import { leafHashOf, parseSct, verifySct } from '../../src/scts/sct.ts';
import { treeHeadSchema } from '../../src/statements/json.ts';
import { parseTreeHeadText } from '../../src/statements/text.ts';
import type { Statement } from '../../src/statements/statement.ts';
import { verifyStatement } from '../../src/statements/verify.ts';
import { fc } from '../support/random.ts';

/** The head that a text carries, refused if it carries none. */
function headOf(text: string): Statement {
  const parsed = parseTreeHeadText(text);
  assert.equal(parsed.kind, 'tree head');
  return (parsed as { head: Statement }).head;
}

describe('signed tree heads', () => {
  test('both forms carry the same head, and it verifies', () => {
    const log = new LabLog();
    log.grow(5);
    const fromJson = treeHeadSchema.parse(log.treeHeadJson());
    assert.deepEqual(headOf(log.treeHeadText()), fromJson);
    assert.equal(fromJson.treeSize, 5n);
    assert.ok(verifyStatement(fromJson, log.key));
  });

  test('stay the same bytes until the tree grows', () => {
    const log = new LabLog();
    log.grow(1);
    const before = log.treeHeadText();
    assert.equal(log.treeHeadText(), before);
    log.grow(1);
    assert.notEqual(log.treeHeadText(), before);
  });

  test('have rising timestamps though the clock stands still', () => {
    const log = new LabLog({ now: () => 1_000 });
    const first = log.grow(1);
    const second = log.grow(1);
    assert.ok(second.timestamp > first.timestamp);
  });

  test('the empty tree has one too', () => {
    const log = new LabLog();
    assert.ok(verifyStatement(log.tree().signedTreeHead, log.key));
  });

  test('a given key is used, and only P-256 is taken', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    assert.deepEqual(new LabLog({ privateKey }).key.logId, new LabLog({ privateKey }).key.logId);
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    assert.throws(() => new LabLog({ privateKey: rsa.privateKey }), /P-256 only/);
  });
});

test('entries are MerkleTreeLeaf structures around DER (RFC 6962, Section 3.4)', () => {
  const log = new LabLog({ now: () => 1_234_567_890_123 });
  log.grow(300); // past serial numbers of one byte
  const leaves = log.tree().entries(0, 300);
  assert.equal(leaves.length, 300);
  leaves.forEach((leaf, index) => {
    const bytes = Buffer.from(leaf);
    assert.deepEqual([...bytes.subarray(0, 2)], [0, 0], 'version v1, timestamped_entry');
    assert.equal(bytes.readBigUInt64BE(2), 1_234_567_890_123n);
    assert.equal(bytes.readUInt16BE(10), 0, 'x509_entry');
    const length = bytes.readUIntBE(12, 3);
    assert.equal(bytes.length, 15 + length + 2, 'certificate, then empty extensions');
    assert.equal(bytes.readUInt16BE(15 + length), 0);
    const certificate = bytes.subarray(15, 15 + length);
    assert.equal(certificate[0], 0x30);
    assert.equal(certificate[1], certificate.length - 2);
    assert.equal(certificate[2], 0x02);
    const serial = certificate.subarray(4, 4 + (certificate[3] ?? 0));
    assert.equal(Number(`0x${serial.toString('hex')}`), index);
    assert.ok((serial[0] ?? 0) < 0x80, 'positive');
    assert.ok(serial.length === 1 || serial[0] !== 0 || (serial[1] ?? 0) >= 0x80, 'shortest form');
    assert.equal(log.tree().indexOf(hashLeaf(leaf)), index);
  });
  assert.equal(log.tree().indexOf(hashLeaf(new Uint8Array(3))), undefined);
});

describe('equivocation', () => {
  test('the victim sees another tree under the same key, the public sees its own', () => {
    const log = new LabLog();
    log.grow(10);
    const honest = log.treeHeadText('public');
    assert.equal(log.treeHeadText('victim'), honest);
    log.equivocate(7, 10);
    assert.ok(log.equivocating);
    assert.equal(log.treeHeadText('public'), honest);
    const shown = headOf(log.treeHeadText('victim'));
    assert.ok(verifyStatement(shown, log.key));
    assert.equal(shown.treeSize, 10n);
    assert.ok(!equalHash(shown.rootHash, log.tree('public').root(10)));
    log.stopEquivocating();
    assert.equal(log.treeHeadText('victim'), honest);
  });

  test('both trees keep growing, each by itself', () => {
    const log = new LabLog();
    log.grow(4);
    log.equivocate(3, 5);
    log.grow(6, 'public');
    log.grow(1, 'victim');
    assert.equal(log.tree('public').size, 10);
    assert.equal(log.tree('victim').size, 6);
  });

  test('the trees share the first entries and no root after them, and each is append-only', () => {
    const sizes = fc
      .tuple(
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
      )
      .map(([fromSize, own, more]) => ({
        fromSize,
        forkSize: fromSize + own,
        grown: fromSize + own + more,
      }));
    const log = new LabLog();
    log.grow(60);
    fc.assert(
      fc.property(sizes, ({ fromSize, forkSize, grown }) => {
        log.equivocate(fromSize, forkSize);
        log.grow(grown - forkSize, 'victim');
        const [shown, victim] = [log.tree('public'), log.tree('victim')];
        for (let size = 0; size <= grown; size++) {
          assert.equal(
            equalHash(shown.root(size), victim.root(size)),
            size <= fromSize,
            `size ${size}`,
          );
        }
        const folded = foldConsistency(
          BigInt(forkSize),
          BigInt(grown),
          victim.root(forkSize),
          victim.consistencyProof(forkSize, grown),
        );
        assert.deepEqual(folded, {
          kind: 'folded',
          firstRoot: victim.root(forkSize),
          secondRoot: victim.root(grown),
        });
      }),
    );
  });

  const impossible = [
    { name: 'a fork beyond the public tree', from: 9, to: 12 },
    { name: 'a fork without entries of its own', from: 5, to: 5 },
    { name: 'a negative size', from: -1, to: 5 },
    { name: 'half an entry', from: 1, to: 2.5 },
  ];
  for (const { name, from, to } of impossible) {
    test(`${name} is refused`, () => {
      const log = new LabLog();
      log.grow(8);
      assert.throws(() => log.equivocate(from, to), RangeError);
      assert.ok(!log.equivocating);
    });
  }
});

test('growing by nothing is refused', () => {
  assert.throws(() => new LabLog().grow(0), RangeError);
});

describe('a promise', () => {
  const { entry } = new Authority().draft(['shop.test']);

  test('verifies, and is kept: the leaf is at the index that the SCT says', () => {
    const log = new LabLog();
    log.grow(300);
    const sct = parseSct(log.promise(entry));
    assert(verifySct(sct, entry, log.key));
    assert.deepEqual([...sct.extensions], [0, 0, 5, 0, 0, 0, 1, 44]);
    assert.equal(log.tree().indexOf(leafHashOf(sct, entry)), 300);
    assert.equal(log.tree().signedTreeHead.treeSize, 301n);
  });

  test('to the victim is not kept in the public tree', () => {
    const log = new LabLog();
    log.grow(10);
    log.equivocate(8, 12);
    const leaf = leafHashOf(parseSct(log.promise(entry, 'victim')), entry);
    assert.equal(log.tree('victim').indexOf(leaf), 12);
    log.grow(10);
    assert.equal(log.tree().indexOf(leaf), undefined);
  });
});
