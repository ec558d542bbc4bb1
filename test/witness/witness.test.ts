// SPDX-License-Identifier: Apache-2.0
/** What a witness answers, keeps and proves, for logs with every kind of key. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { encodeBase64 } from '../../src/base/base64.ts';
import { faultOf } from '../../src/evidence/write.ts';
import type { Log } from '../../src/logs/log.ts';
import { EMPTY_ROOT, hashLeaf, toMerkleHash, type MerkleHash } from '../../src/merkle/hash.ts';
import { MerkleTree } from '../../src/merkle/tree.ts';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { verifySubtreeCosignature } from '../../src/statements/cosignature.ts';
import { isNamedBy } from '../../src/statements/signature-lines.ts';
import { originHash, type Answer } from '../../src/witness/witness.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { SigningLog } from '../support/signing-log.ts';
import { addBody, makeWitness, validKinds, type Harness } from './harness.ts';

interface Signer {
  readonly name: string;
  readonly origin: string;
  readonly log: Log;
  checkpoint(size: number, root: MerkleHash): string;
}

const ct = (name: string, log: SigningLog): Signer => ({
  name,
  origin: 'log.test/alpha',
  log: log.asLog(),
  checkpoint: (size, root) => log.checkpoint(size, root),
});
const other = (name: string, log: CheckpointLog): Signer => ({
  name,
  origin: log.origin,
  log: log.asLog(),
  checkpoint: (size, root) => log.checkpoint(size, root),
});
const KINDS: readonly Signer[] = [
  other('Ed25519', new CheckpointLog()),
  other('Ed25519, of an origin that is not its name', new CheckpointLog({ origin: 'a b c+d' })),
  other('ML-DSA-44', new CheckpointLog({ algorithm: 'ml-dsa-44' })),
  ct('RFC 6962 with P-256', new SigningLog()),
  ct('RFC 6962 with RSA', new SigningLog('rsa')),
];
const [ED25519] = KINDS as [Signer];

/** Two histories that are one up to leaf `common`. */
function trees(size: number, common = 0): [MerkleTree, MerkleTree] {
  const [one, two] = [new MerkleTree(), new MerkleTree()];
  for (let i = 0; i < size; i++) {
    one.append(hashLeaf(Buffer.from(`${i}`)));
    two.append(hashLeaf(Buffer.from(i < common ? `${i}` : `other ${i}`)));
  }
  return [one, two];
}

class Asking {
  readonly made: Harness;
  readonly #by: Signer;

  constructor(t: TestContext, by: Signer, made = makeWitness([by.log])) {
    this.made = made;
    this.#by = by;
    t.after(() => made.end());
  }

  /** Brings the tree of this size, with the proof from `old`; or another proof. */
  bring(tree: MerkleTree, size: number, old: number, proof?: readonly MerkleHash[]): Answer {
    const hashes = proof ?? (old > 0 && old < size ? tree.consistencyProof(old, size) : []);
    return this.made.witness.addCheckpoint(
      addBody(old, hashes, this.#by.checkpoint(size, tree.root(size))),
    );
  }

  status(...args: Parameters<Asking['bring']>): number {
    return this.bring(...args).status;
  }

  evidence(): string[] {
    return this.made.events.flatMap((event) =>
      event.event === 'fork-proven' && event.evidence !== undefined ? event.evidence : [],
    );
  }
}

for (const by of KINDS)
  describe(`a log that signs by ${by.name}`, () => {
    test('grows, is cosigned by both keys, and can be fetched as it was', (t) => {
      const asking = new Asking(t, by);
      const { made } = asking;
      const [tree] = trees(20);
      assert.equal(made.witness.published(originHash(by.origin)), undefined);
      let old = 0;
      for (const size of [0, 1, 2, 3, 8, 8, 13, 20]) {
        const checkpoint = by.checkpoint(size, tree.root(size));
        const proof = old > 0 && old < size ? tree.consistencyProof(old, size) : [];
        const answer = made.witness.addCheckpoint(addBody(old, proof, checkpoint));
        assert.equal(answer.status, 200, `${size}: ${answer.body}`);
        const kinds = validKinds(made, checkpoint, answer.body);
        assert.deepEqual(
          kinds.map(({ kind }) => kind),
          ['Ed25519 cosignature', 'ML-DSA-44'],
        );
        assert.equal(answer.body.split('\n').length, 3, 'nothing but its own lines');
        const published = made.witness.published(originHash(by.origin)) ?? '';
        assert(published.endsWith(answer.body), 'what was answered is what is published');
        assert.equal(parseCheckpoint(published).signatures.length, 3, "and the log's line");
        old = size;
      }
      const again = made.restart();
      assert.equal(again.store.cosigned(by.origin)?.treeSize, 20n);
      again.store.close();
      assert.deepEqual(made.events, []);
    });

    test('is told by its status what is wrong', (t) => {
      const asking = new Asking(t, by);
      const [tree, fork] = trees(20, 5);
      assert.equal(asking.bring(tree, 5, 4).body, '0\n');
      assert.equal(asking.status(tree, 5, 0, tree.consistencyProof(4, 5)), 422);
      assert.equal(asking.status(tree, 6, 0), 200);
      assert.equal(asking.status(tree, 5, 6), 400);
      const conflict = asking.bring(tree, 9, 5);
      assert.deepEqual(
        [conflict.status, conflict.body, conflict.type],
        [409, '6\n', 'text/x.tlog.size'],
      );
      assert.equal(asking.status(tree, 9, 6, []), 422);
      assert.equal(asking.status(tree, 9, 6, tree.consistencyProof(5, 9)), 422);
      assert.equal(asking.status(fork, 6, 6), 422);
      assert.equal(asking.status(fork, 9, 6), 422);
      assert.equal(asking.status(tree, 6, 6, [tree.leafHash(0)]), 422);
      assert.equal(asking.status(tree, 6, 6), 200);
      assert.equal(asking.status(tree, 9, 6), 200);
    });

    test('is not believed without a signature, with a bad one, or of another origin', (t) => {
      const asking = new Asking(t, by);
      const [tree] = trees(3);
      const note = by.checkpoint(3, tree.root());
      const tell = (checkpoint: string): number =>
        asking.made.witness.addCheckpoint(addBody(0, [], checkpoint)).status;
      const [text = '', lines = ''] = note.split('\n\n');
      const own = lines.trim().split('\n').at(-1) ?? '';
      const [dash = '', name = '', signed = ''] = own.split(' ');
      assert.equal(tell(note.replaceAll(by.origin, 'log.test/unknown')), 404);
      const bytes = Buffer.from(signed, 'base64');
      bytes[40] = (bytes[40] ?? 0) ^ 1;
      const spoiled = `${dash} ${name} ${bytes.toString('base64')}\n`;
      assert.equal(tell(`${text}\n\n${spoiled}`), 403, 'a bit flipped');
      assert.equal(
        tell(`${text}\n\n${own}\n${spoiled}`),
        403,
        'a good line does not mend a bad one',
      );
      assert.equal(tell(`${text}\n\n${spoiled}${own}\n`), 403, 'nor in front of it');
      assert.equal(tell(`${text}\n\n${dash} ${name} ${signed.slice(0, 8)}\n`), 403, 'cut short');
      bytes[0] = (bytes[0] ?? 0) ^ 1;
      const unknown = `${dash} ${name} ${bytes.toString('base64')}\n`;
      assert.equal(tell(`${text}\n\n${unknown}`), 403, 'a key ID that nobody has');
      assert.equal(tell(note.replace('\n3\n', '\n4\n')), 403, 'another size');
      assert.equal(tell(`${text}\n\n${dash} other ${signed}\n`), 403, 'under another name');
      assert.equal(asking.made.store.origins().length, 0);
      assert.equal(tell(`${text}\n\n${unknown}${own}\n${own}\n`), 200, 'unknown lines are ignored');
      assert.equal(asking.made.store.cosigned(by.origin)?.signatures.length, 3);
    });

    test('never has two roots of one size cosigned, and is convicted by its own material', (t) => {
      const asking = new Asking(t, by);
      const { made } = asking;
      const [tree, fork] = trees(20, 2);
      assert.equal(asking.status(tree, 6, 0), 200);
      assert.equal(asking.status(fork, 6, 6), 422, 'two roots of one size');
      assert.equal(asking.evidence().length, 1);
      assert.equal(asking.status(fork, 9, 6), 422, 'its proof leads from another tree to this one');
      assert.equal(asking.evidence().length, 2);
      assert.equal(asking.status(tree, 11, 6), 200);
      assert.equal(asking.status(fork, 6, 0), 409, 'known already');
      assert.equal(asking.evidence().length, 2);
      assert.equal(asking.status(fork, 11, 0), 409, 'of the size that was cosigned last');
      assert.equal(asking.evidence().length, 3);
      assert.equal(asking.status(fork, 7, 0), 409, 'nothing shows that yet');
      assert.equal(asking.evidence().length, 3);
      assert.deepEqual(made.store.counts(), { open: 1, malformed: 0, 'fork-proven': 3 });
      const files = readdirSync(made.evidence).filter((name) => name.endsWith('.json'));
      assert.equal(files.length, 3);
      for (const name of files)
        assert.equal(faultOf(readFileSync(join(made.evidence, name), 'utf8')), undefined);
      assert.deepEqual(made.errors, []);
    });

    test('with a wrong root of size 0 is refused, which accuses it of nothing', (t) => {
      const asking = new Asking(t, by);
      const wrong = toMerkleHash(new Uint8Array(32));
      const tell = (old: number, size: number, root: MerkleHash): number =>
        asking.made.witness.addCheckpoint(addBody(old, [], by.checkpoint(size, root))).status;
      // What ML-DSA-44 signs of an empty tree has no other root (c2sp.org/tlog-cosignature).
      const [refused, malformed] = by.name === 'ML-DSA-44' ? [403, 0] : [422, 1];
      assert.equal(tell(0, 0, wrong), refused);
      assert.equal(tell(0, 0, EMPTY_ROOT), 200);
      assert.equal(tell(0, 0, wrong), refused);
      assert.equal(tell(0, 0, EMPTY_ROOT), 200);
      assert.deepEqual(asking.made.store.counts(), { open: 0, malformed, 'fork-proven': 0 });
      assert.deepEqual(asking.evidence(), []);
    });
  });

describe('refused checkpoints', () => {
  test('an honest log that asks with old sizes is never accused, and what is proven is not kept', async (t) => {
    const asking = new Asking(t, ED25519);
    const { made } = asking;
    const [tree] = trees(40);
    assert.equal(asking.status(tree, 8, 0), 200);
    assert.equal(asking.status(tree, 12, 0), 409);
    assert.equal(asking.status(tree, 5, 0), 409);
    assert.equal(asking.status(tree, 8, 0), 409, 'the very tree');
    assert.equal(asking.status(tree, 12, 8, tree.consistencyProof(7, 12)), 422, 'a bad proof');
    assert.equal(made.store.counts().open, 2);
    assert.equal(asking.status(tree, 12, 8), 200);
    made.convictions.settleAll();
    assert.equal(made.store.counts().open, 1, 'of size 12 is told now');
    await made.convictions.settle(ED25519.origin, () => Promise.resolve({ verdict: 'consistent' }));
    assert.deepEqual(made.store.counts(), { open: 0, malformed: 0, 'fork-proven': 0 });
    assert.deepEqual([made.events, made.errors], [[], []]);
  });

  test('from a power of two, only what the log says when asked decides; evidence comes then', async (t) => {
    const asking = new Asking(t, ED25519);
    const { made } = asking;
    const [tree, fork] = trees(20, 2);
    assert.equal(asking.status(tree, 8, 0), 200);
    assert.equal(asking.status(fork, 12, 8), 422);
    assert.deepEqual([made.store.counts().open, asking.evidence()], [1, []]);
    await made.convictions.settle(ED25519.origin, async (_, first, second) => {
      assert.deepEqual([first.treeSize, second.treeSize], [8n, 12n]);
      const { prove } = await import('../../src/ask/prove.ts');
      const asker = {
        consistencyProof: (m: bigint, n: bigint) =>
          Promise.resolve(fork.consistencyProof(Number(m), Number(n))),
        inclusionProof: () => Promise.reject(new Error('not asked')),
      };
      return prove(asker, first, second);
    });
    assert.equal(asking.evidence().length, 1);
    assert.deepEqual(made.store.counts(), { open: 0, malformed: 0, 'fork-proven': 1 });
  });

  test('one that is cosigned later with another root convicts', (t) => {
    const asking = new Asking(t, ED25519);
    const [tree, fork] = trees(20, 2);
    assert.equal(asking.status(tree, 4, 0), 200);
    assert.equal(asking.status(fork, 9, 0), 409);
    assert.equal(asking.status(tree, 9, 4), 200);
    asking.made.convictions.settleAll();
    assert.equal(asking.evidence().length, 1);
  });

  test('a log with two keys that sign one history each is told of, though no evidence has room for both', (t) => {
    const [one, two] = [new CheckpointLog(), new CheckpointLog()];
    const [tree, fork] = trees(6, 2);
    const made = makeWitness([one.asLog(), two.asLog()]);
    t.after(() => made.end());
    const tell = (old: number, log: CheckpointLog, of: MerkleTree): number =>
      made.witness.addCheckpoint(addBody(old, [], log.checkpoint(6, of.root()))).status;
    assert.equal(tell(0, two, tree), 200);
    assert.equal(tell(6, one, fork), 422);
    assert.deepEqual(made.events, [
      { event: 'fork-proven', origin: one.origin, evidence: undefined },
    ]);
    assert.equal(made.store.counts()['fork-proven'], 1);
  });
});

describe('extension lines', () => {
  const extension = 'more\n';
  const [tree] = trees(3);
  test('are cosigned by Ed25519 alone, which covers them', (t) => {
    const log = new CheckpointLog();
    const made = makeWitness([log.asLog()]);
    t.after(() => made.end());
    const note = log.checkpoint(3, tree.root(), { extension });
    const { status, body } = made.witness.addCheckpoint(addBody(0, [], note));
    assert.equal(status, 200);
    assert.deepEqual(
      validKinds(made, note, body).map(({ kind }) => kind),
      ['Ed25519 cosignature'],
    );
    assert.equal(body.trim().split('\n').length, 1);
  });

  for (const by of KINDS.slice(2))
    test(`that the log's ${by.name} does not cover are refused: anybody can add them`, (t) => {
      const made = makeWitness([by.log]);
      t.after(() => made.end());
      const note = by.checkpoint(3, tree.root()).replace('\n\n', `\n${extension}\n`);
      assert.equal(made.witness.addCheckpoint(addBody(0, [], note)).status, 403);
    });
});

describe('a root that is spelt oddly in base64, with bits behind its end', () => {
  const [tree] = trees(3);
  /** The last character before the padding has two bits that mean nothing. */
  const odd = (root: MerkleHash): string =>
    Buffer.from(root)
      .toString('base64')
      .replace(/(.)=$/, (_, last: string) => {
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
        return `${alphabet[alphabet.indexOf(last) + 1] ?? ''}=`;
      });
  for (const by of KINDS)
    test(`is cosigned only if the log's ${by.name} covers it, and is no other tree`, (t) => {
      const made = makeWitness([by.log]);
      t.after(() => made.end());
      const [plain, root] = [by.checkpoint(3, tree.root()), tree.root()];
      const spelt = plain.replace(Buffer.from(root).toString('base64'), odd(root));
      assert.deepEqual(parseCheckpoint(spelt).rootHash, root);
      assert.equal(made.witness.addCheckpoint(addBody(0, [], spelt)).status, 403);
      assert.equal(made.witness.addCheckpoint(addBody(0, [], plain)).status, 200);
    });
});

describe('time', () => {
  test('never goes back, and the same text in the same second has the same answer', (t) => {
    const asking = new Asking(t, ED25519);
    const { made } = asking;
    const [tree] = trees(9);
    const timeOf = (answer: Answer, size: number): bigint | undefined =>
      validKinds(made, ED25519.checkpoint(size, tree.root(size)), answer.body)[0]?.time;
    const first = asking.bring(tree, 5, 0);
    assert.equal(timeOf(first, 5), 1_750_000_000n);
    assert.deepEqual(asking.bring(tree, 5, 5), first);
    made.clock.now += 1000;
    assert.equal(timeOf(asking.bring(tree, 5, 5), 5), 1_750_000_001n);
    made.clock.now -= 3_600_000;
    assert.equal(timeOf(asking.bring(tree, 9, 5), 9), 1_750_000_001n);
  });

  test('is never 0, with a clock that begins at 1970 or before', (t) => {
    for (const now of [0, -5000]) {
      const asking = new Asking(t, ED25519);
      const [tree] = trees(5);
      asking.made.clock.now = now;
      const note = ED25519.checkpoint(5, tree.root(5));
      const kinds = validKinds(asking.made, note, asking.bring(tree, 5, 0).body);
      assert.deepEqual(
        kinds.map(({ time }) => time),
        [1n, 1n],
      );
    }
  });
});

describe("the witness's own name in what others bring", () => {
  test('a forged line of its own neither spoils a checkpoint nor stays in it', (t) => {
    const asking = new Asking(t, ED25519);
    const { made } = asking;
    const [tree] = trees(9);
    const forged = [made.keys.ed25519.key, made.keys.mlDsa44.key].map(({ name, keyId }) => {
      const body = Buffer.concat([keyId, Buffer.alloc(72)]);
      return `\u2014 ${name} ${encodeBase64(body)}\n`;
    });
    const note = `${ED25519.checkpoint(4, tree.root(4))}${forged.join('')}`;
    assert.equal(made.witness.addCheckpoint(addBody(0, [], note)).status, 200);
    assert.equal(asking.status(tree, 9, 4), 200);
    assert.equal(made.store.cosigned(ED25519.origin)?.signatures.length, 3);
  });

  test('a log of that origin is not witnessed', (t) => {
    const log = new CheckpointLog({ name: 'witness.test/w/ed25519' });
    const made = makeWitness([log.asLog()]);
    t.after(() => made.end());
    assert.equal(made.logs.size, 0);
    assert.match(made.warnings.join(), /is the name of a key of this witness/);
  });
});

describe('sign-subtree', () => {
  const [tree] = trees(13);
  const leaf = (index: number): Buffer => Buffer.from(tree.leafHash(index));
  /** Of the leaves 12 to 13 in 13, and of all. */
  const proof = tree.inclusionProof(12, 13);

  function ask(t: TestContext): {
    made: Harness;
    cosigned: string;
    tell: (range: string, hash: Uint8Array, hashes: readonly Uint8Array[], note: string) => Answer;
  } {
    const { made } = new Asking(t, ED25519);
    const note = ED25519.checkpoint(13, tree.root());
    const { body } = made.witness.addCheckpoint(addBody(0, [], note));
    return {
      made,
      cosigned: `${note}${body}`,
      tell: (range, hash, hashes, checkpoint) =>
        made.witness.signSubtree(
          Buffer.from(
            `subtree ${range}\n${encodeBase64(hash)}\n${hashes.map((each) => `${encodeBase64(each)}\n`).join('')}\n${checkpoint}`,
          ),
        ),
    };
  }

  test('is answered with one line of the ML-DSA-44 key, whose time is 0', (t) => {
    const { made, cosigned, tell } = ask(t);
    for (const [range, start, end, hash, hashes] of [
      ['12 13', 12n, 13n, tree.leafHash(12), proof],
      ['0 13', 0n, 13n, tree.root(), []],
    ] as const) {
      const { status, body } = tell(range, hash, hashes, cosigned);
      assert.equal(status, 200, body);
      const { key } = made.keys.mlDsa44;
      const { signatures } = parseCheckpoint(`${cosigned.split('\n\n')[0] ?? ''}\n\n${body}`);
      assert.equal(signatures.length, 1);
      const [line] = signatures;
      assert(line !== undefined && isNamedBy(line, key));
      assert(
        verifySubtreeCosignature(key, line.body, { origin: ED25519.origin, start, end, hash }),
      );
      assert.deepEqual(line.body.slice(0, 8), new Uint8Array(8));
    }
  });

  test('is refused by the status that the specification has', (t) => {
    const { made, cosigned, tell } = ask(t);
    const [text = '', lines = ''] = cosigned.split('\n\n');
    const [logLine = '', ed25519 = '', mlDsa44 = ''] = lines.trim().split('\n');
    const status = (...args: Parameters<typeof tell>): number => tell(...args).status;
    assert.equal(status('1 3', leaf(1), [], cosigned), 400);
    assert.equal(status('12 14', leaf(12), proof, cosigned), 400);
    assert.equal(status('12 13', leaf(11), proof, cosigned), 422);
    assert.equal(status('12 13', leaf(12), proof.slice(1), cosigned), 422);
    assert.equal(status('12 13', leaf(12), proof, `${text}\n\n${logLine}\n`), 403);
    assert.equal(status('12 13', leaf(12), proof, `${text}\n\n${ed25519}\n`), 403);
    assert.equal(status('12 13', leaf(12), proof, `${text}\n\n${mlDsa44}\n`), 200);
    const elsewhere = cosigned.replaceAll(ED25519.origin, 'log.test/unknown');
    assert.equal(status('12 13', leaf(12), proof, elsewhere), 404);
    const other = cosigned.replace('\n13\n', '\n14\n');
    assert.equal(status('12 13', leaf(12), proof, other), 403, 'not what was cosigned');
    assert.equal(made.store.cosigned(ED25519.origin)?.treeSize, 13n);
  });
});

describe('limits', () => {
  test('of a tree that is cosigned again with other texts; another log is not touched', (t) => {
    const [one, two] = [new CheckpointLog(), new CheckpointLog({ name: 'log.test/gamma' })];
    const made = makeWitness([one.asLog(), two.asLog()], { repeating: { perSecond: 1, burst: 2 } });
    t.after(() => made.end());
    const [tree] = trees(9);
    const tell = (log: CheckpointLog, size: number, old: number, extension = ''): Answer =>
      made.witness.addCheckpoint(
        addBody(
          old,
          old > 0 && old < size ? tree.consistencyProof(old, size) : [],
          log.checkpoint(size, tree.root(size), { extension }),
        ),
      );
    assert.equal(tell(one, 4, 0).status, 200);
    const statuses = ['a\n', 'b\n', 'c\n'].map((extension) => tell(one, 4, 4, extension).status);
    assert.deepEqual(statuses, [200, 200, 429]);
    assert.equal(tell(one, 4, 4, 'c\n').retryAfter, 1);
    assert.equal(tell(one, 4, 4, 'b\n').status, 200, 'the very text of this second');
    assert.equal(tell(two, 4, 0).status, 200);
    assert.equal(tell(one, 9, 4).status, 200, 'it grows all the same');
    made.clock.now += 1000;
    assert.equal(tell(one, 9, 9, 'd\n').status, 200);
  });

  test('of a log that grows too often: it stays at what was cosigned, and may repeat that', (t) => {
    const [one, two] = [new CheckpointLog(), new CheckpointLog({ name: 'log.test/gamma' })];
    const made = makeWitness([one.asLog(), two.asLog()], { growing: { perSecond: 1, burst: 2 } });
    t.after(() => made.end());
    const [tree] = trees(9);
    const tell = (log: CheckpointLog, size: number, old: number): number => {
      const proof = old > 0 && old < size ? tree.consistencyProof(old, size) : [];
      const note = log.checkpoint(size, tree.root(size));
      return made.witness.addCheckpoint(addBody(old, proof, note)).status;
    };
    assert.deepEqual([tell(one, 3, 0), tell(one, 4, 3), tell(one, 5, 4)], [200, 200, 429]);
    assert.equal(made.store.cosigned(one.origin)?.treeSize, 4n);
    assert.deepEqual([tell(one, 4, 4), tell(two, 3, 0)], [200, 200]);
    made.clock.now += 1000;
    assert.equal(tell(one, 5, 4), 200);
  });
});

test('an origin for which ML-DSA-44 has no room is cosigned by Ed25519 alone', (t) => {
  const log = new CheckpointLog({ name: 'o'.repeat(256) });
  const made = makeWitness([log.asLog()]);
  t.after(() => made.end());
  const [tree] = trees(3);
  const note = log.checkpoint(3, tree.root());
  const { status, body } = made.witness.addCheckpoint(addBody(0, [], note));
  assert.equal(status, 200);
  const kinds = validKinds(made, note, body).map(({ kind }) => kind);
  assert.deepEqual(kinds, ['Ed25519 cosignature']);
});

test('of two CT logs, or of a CT log and another one, of one origin the first is witnessed', (t) => {
  const first = new SigningLog().asLog();
  const strangers = [
    new SigningLog().asLog(),
    new CheckpointLog({ origin: 'log.test/alpha' }).asLog(),
  ];
  const made = makeWitness([first, ...strangers]);
  t.after(() => made.end());
  assert.deepEqual(
    made.logs.get('log.test/alpha')?.keys.map(({ log }) => log),
    [first],
  );
  const reversed = makeWitness([...strangers].reverse());
  t.after(() => reversed.end());
  assert.deepEqual(
    reversed.logs.get('log.test/alpha')?.keys.map(({ log }) => log),
    strangers.slice(1),
  );
  assert.equal(
    made.warnings.filter((line) => line.includes('another log has its origin')).length,
    2,
  );
});
