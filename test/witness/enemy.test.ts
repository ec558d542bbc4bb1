// SPDX-License-Identifier: Apache-2.0
/**
 * The enemies of a witness: a log that wants two histories cosigned, whoever wants an honest log to be
 * accused, and whoever wants to hold up a log.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { checkEvidence } from '../../src/services/evidence.ts';
import type { Log } from '../../src/logs/log.ts';
import type { MerkleHash } from '../../src/merkle/hash.ts';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { originHash } from '../../src/witness/witness.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { fc } from '../support/random.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { addBody, makeWitness, validKinds, type Harness } from './harness.ts';

const SCRIPT = resolve(import.meta.dirname, '../../docs/verify-evidence.sh');
const [SIZE, COMMON] = [24, 5];
const trees = [treeOf(SIZE, 'a', COMMON), treeOf(SIZE, 'b', COMMON)] as const;
const [tree, fork] = trees;

interface Signer {
  checkpoint(size: number, root: MerkleHash): string;
  asLog(): Log;
}
const KINDS: readonly (readonly [name: string, make: () => Signer])[] = [
  ['Ed25519', () => new CheckpointLog()],
  ['ML-DSA-44', () => new CheckpointLog({ algorithm: 'ml-dsa-44' })],
  ['RFC 6962 with P-256', () => new SigningLog()],
  ['RFC 6962 with RSA', () => new SigningLog('rsa')],
];

function witnessOf(t: TestContext, ...logs: readonly Log[]): Harness {
  const made = makeWitness(logs);
  t.after(() => made.end());
  return made;
}

function tell(made: Harness, old: number, proof: readonly MerkleHash[], note: string): number {
  return made.witness.addCheckpoint(addBody(old, proof, note)).status;
}

function proofOf(of: typeof tree, old: number, size: number): MerkleHash[] {
  return old > 0 && old < size ? of.consistencyProof(old, size) : [];
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

describe('a log that wants two roots of one size', () => {
  test('gets one history cosigned, whatever it brings in whatever order, restarts between', () => {
    const request = fc.record({
      of: fc.constantFrom<0 | 1>(0, 1),
      size: fc.nat(SIZE),
      /** Undefined: what was cosigned last. */
      old: fc.option(fc.nat(SIZE), { nil: undefined }),
      proofOf: fc.constantFrom<0 | 1>(0, 1),
      /** Of which size the proof begins; undefined: the old one. */
      from: fc.option(fc.integer({ min: 1, max: SIZE }), { nil: undefined }),
      restart: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 25 }), (requests) => {
        const log = new CheckpointLog();
        let made = makeWitness([log.asLog()]);
        try {
          const given = new Map<number, string>();
          let latest = 0;
          for (const { of, size, old = latest, proofOf: by, from = old, restart } of requests) {
            if (restart) made = made.restart();
            const root = trees[of].root(size);
            const proof = proofOf(trees[by], from, size);
            const note = log.checkpoint(size, root);
            const answer = made.witness.addCheckpoint(addBody(old, proof, note));
            if (answer.status !== 200) continue;
            assert.equal(given.get(size) ?? base64(root), base64(root), `two roots of ${size}`);
            assert.equal(validKinds(made, note, answer.body).length, 2);
            given.set(size, base64(root));
            assert(size >= latest);
            latest = size;
          }
          // All of them are of one of the two histories.
          const is = (of: typeof tree): boolean =>
            [...given].every(([size, root]) => root === base64(of.root(size)));
          assert(is(tree) || is(fork), JSON.stringify([...given]));
        } finally {
          made.end();
        }
      }),
      { numRuns: 25 },
    );
  });

  test('gains nothing by a proof that is good and goes on, is cut short, or is of other sizes', (t) => {
    for (const [name, make] of KINDS) {
      const log = make();
      const checkpoint = (size: number, of: typeof tree): string =>
        log.checkpoint(size, of.root(size));
      const made = witnessOf(t, log.asLog());
      assert.equal(tell(made, 0, [], checkpoint(6, tree)), 200);
      const proof = tree.consistencyProof(6, 21);
      const [first] = proof;
      assert(first !== undefined);
      const bad: readonly (readonly [string, readonly MerkleHash[]])[] = [
        ['one hash more', [...proof, first]],
        ['63 hashes', Array.from({ length: 63 }, (_, i) => proof[i] ?? first)],
        ['one less', proof.slice(0, -1)],
        ['none', []],
        ['from 5', tree.consistencyProof(5, 21)],
        ['to 20', tree.consistencyProof(6, 20)],
        ['in another order', proof.toReversed()],
        ['of the other history', fork.consistencyProof(6, 21)],
      ];
      for (const [what, hashes] of bad)
        assert.equal(tell(made, 6, hashes, checkpoint(21, tree)), 422, `${name}: ${what}`);
      const many = Array.from({ length: 64 }, () => first);
      assert.equal(tell(made, 6, many, checkpoint(21, tree)), 400, name);
      assert.equal(tell(made, 6, proof, checkpoint(21, fork)), 422, name);
      assert.equal(made.store.cosigned([...made.logs.keys()][0] ?? '')?.treeSize, 6n);
      assert.equal(tell(made, 6, proof, checkpoint(21, tree)), 200, name);
    }
  });

  test('is known under its own origin alone, to the byte', (t) => {
    const log = new CheckpointLog({ name: 'log.test/\u00e9', origin: 'log.test/\u00e9 x' });
    const made = witnessOf(t, log.asLog());
    assert.equal(tell(made, 0, [], log.checkpoint(6, tree.root(6))), 200);
    for (const origin of [
      `${log.origin} `,
      ` ${log.origin}`,
      `${log.origin}\u00a0`,
      `${log.origin}/`,
      `${log.origin}.`,
      log.origin.normalize('NFD'),
      log.origin.toUpperCase(),
      log.origin.replace(' x', '\u2003x'),
      log.origin.replace('x', '\u0445'),
      `${log.origin}\u200b`,
      `\ufeff${log.origin}`,
      `${log.origin}\u2028`,
      `${log.origin}\u0085`,
      `https://${log.origin}`,
      'constructor',
      '__proto__',
    ]) {
      // It signs that text with its own key, under its own name.
      const text = `${origin}\n6\n${base64(fork.root(6))}\n`;
      const note = `${text}\n${log.line(text, 6n, fork.root(6))}`;
      assert.equal(tell(made, 0, [], note), 404, JSON.stringify(origin));
      assert.equal(made.witness.published(originHash(origin)), undefined);
    }
    assert.equal(tell(made, 6, [], log.checkpoint(6, fork.root(6)).replace(' x\n', ' x\r\n')), 400);
    assert.equal(tell(made, 6, [], log.checkpoint(6, fork.root(6))), 422);
  });

  test('cannot have what it signed under one origin cosigned under another that shares its key', (t) => {
    for (const algorithm of ['ed25519', 'ml-dsa-44'] as const) {
      const one = new CheckpointLog({ algorithm, origin: 'log.test/one' });
      const two = new CheckpointLog({ origin: 'log.test/two', sharing: one });
      const made = witnessOf(t, one.asLog(), two.asLog());
      assert.equal(tell(made, 0, [], one.checkpoint(6, tree.root(6))), 200);
      const moved = two.checkpoint(6, fork.root(6)).replace(two.origin, one.origin);
      assert.equal(tell(made, 6, [], moved), 403, algorithm);
      assert.equal(
        tell(made, 0, [], one.checkpoint(6, tree.root(6)).replace(one.origin, two.origin)),
        403,
      );
      // They are two logs, and contradict each other in nothing.
      assert.equal(tell(made, 0, [], two.checkpoint(6, fork.root(6))), 200);
      assert.deepEqual(made.events, []);
    }
  });

  test('is one log if it is of CT, whose signatures name no origin: the second is not witnessed', (t) => {
    const log = new SigningLog();
    const renamed = log.asLog({ url: 'https://log.test/renamed/' });
    const made = witnessOf(t, log.asLog(), renamed);
    assert.deepEqual([...made.logs.keys()], ['log.test/alpha']);
    assert.match(made.warnings.join(), /the log "log\.test\/alpha" has its key: not witnessed/);
    const keys = [log.asLog(), new SigningLog().asLog({ url: renamed.url })];
    assert.equal(witnessOf(t, ...keys).logs.size, 2, 'another key may have that origin');
  });

  test('has its extension lines cosigned as it signed them, twice the same line too, and no second root', (t) => {
    const log = new CheckpointLog();
    const made = witnessOf(t, log.asLog());
    for (const extension of ['more\n', 'more\nmore\n', 'more\nmore\nmore \n']) {
      const note = log.checkpoint(6, tree.root(6), { extension });
      const answer = made.witness.addCheckpoint(addBody(extension === 'more\n' ? 0 : 6, [], note));
      assert.equal(answer.status, 200, answer.body);
      assert.equal(validKinds(made, note, answer.body).length, 1, 'over these very lines');
      const published = made.witness.published(originHash(log.origin)) ?? '';
      assert.equal(parseCheckpoint(published).text, parseCheckpoint(note).text);
    }
    const other = log.checkpoint(6, fork.root(6), { extension: 'more\n' });
    assert.equal(tell(made, 6, [], other), 422);
    const added = log.checkpoint(6, tree.root(6)).replace('\n\n', '\nmore\n\n');
    assert.equal(tell(made, 6, [], added), 403, 'whoever adds a line that it did not sign');
  });

  test('hides its line among ten thousand others in vain', (t) => {
    const log = new CheckpointLog();
    const made = witnessOf(t, log.asLog());
    const [head = '', line = ''] = log.checkpoint(6, tree.root(6)).split('\n\n');
    const noise = (n: number): string =>
      Array.from({ length: n }, (_, i) => `\u2014 n${i} AAAAAAA=\n`).join('');
    assert.equal(tell(made, 0, [], `${head}\n\n${noise(10_000)}${line}`), 400);
    assert.equal(tell(made, 0, [], `${head}\n\n${line}${noise(10_000)}`), 400);
    const own = line.repeat(99);
    assert.equal(
      tell(made, 0, [], `${head}\n\n${noise(50)}${own.slice(0, line.length * 49)}`),
      200,
    );
    const published = made.witness.published(originHash(log.origin)) ?? '';
    assert.equal(parseCheckpoint(published).signatures.length, 3, 'one line of each key is kept');
  });
});

describe('an honest log', () => {
  test('is never accused, whatever strangers make of all that it ever signed', () => {
    const request = fc.record({
      /** Above what was cosigned last, or any. */
      size: fc.oneof(fc.integer({ min: -3, max: -1 }), fc.nat(SIZE)),
      /** Undefined: what was cosigned last. */
      old: fc.option(fc.nat(SIZE), { nil: undefined, freq: 2 }),
      /** Nodes of its own tree or of another, in any order. Undefined: the proof. */
      hashes: fc.option(
        fc.array(
          fc.record({ of: fc.constantFrom<0 | 1>(0, 1), leaf: fc.boolean(), at: fc.nat(SIZE - 1) }),
          { maxLength: 6 },
        ),
        { nil: undefined },
      ),
      spoil: fc.oneof(
        { weight: 3, arbitrary: fc.constant('') },
        fc.constantFrom('size', 'root', 'line', 'origin', 'stranger', 'sharing'),
      ),
      restart: fc.boolean(),
    });
    const log = new CheckpointLog();
    const sharing = new CheckpointLog({ origin: 'log.test/another', sharing: log });
    const stranger = new CheckpointLog();
    const notes = Array.from({ length: SIZE + 1 }, (_, n) => log.checkpoint(n, tree.root(n)));
    const counts = new Map<number, number>();
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 20 }), (requests) => {
        let made = makeWitness([log.asLog(), sharing.asLog()]);
        const seen = made.events;
        try {
          for (const { size: drawn, old: drawnOld, hashes, spoil, restart } of requests) {
            const latest = Number(made.store.cosigned(log.origin)?.treeSize ?? 0n);
            const size = drawn < 0 ? Math.min(SIZE, latest - drawn) : drawn;
            const old = drawnOld ?? latest;
            const note = spoilt(notes[size] ?? '', spoil, size);
            const proof =
              hashes?.map(({ of, leaf, at }) =>
                leaf ? trees[of].leafHash(at) : trees[of].root(at + 1),
              ) ?? proofOf(tree, old, size);
            const status = tell(made, old, proof, note);
            counts.set(status, (counts.get(status) ?? 0) + 1);
            if (restart) made = made.restart();
            made.convictions.settleAll();
          }
          assert.deepEqual([...seen, ...made.events], []);
          assert.equal(made.store.counts()['fork-proven'], 0);
          assert(!existsSync(made.evidence) || readdirSync(made.evidence).length === 0);
        } finally {
          made.end();
        }
      }),
      { numRuns: 40 },
    );
    for (const status of [200, 400, 403, 409, 422])
      assert((counts.get(status) ?? 0) > 0, `${status}: ${JSON.stringify([...counts])}`);

    function spoilt(note: string, how: string, size: number): string {
      switch (how) {
        case 'size':
          return note.replace(/\n\d+\n/, `\n${size + 1}\n`);
        case 'root':
          return note.replace(base64(tree.root(size)), base64(fork.root(size)));
        case 'line':
          return note.replace(/.{8}\n$/, 'AAAAAAA=\n');
        case 'origin':
          return note.replace(log.origin, sharing.origin);
        case 'stranger':
          // Of the same name and origin, with a key of its own.
          return stranger.checkpoint(size, fork.root(size));
        case 'sharing':
          return sharing.checkpoint(size, fork.root(size)).replace(sharing.origin, log.origin);
        default:
          return note;
      }
    }
  });

  for (const [name, make] of KINDS)
    test(`of ${name} is not convicted by a second checkpoint that it did not sign`, (t) => {
      const [honest, enemy] = [make(), make()];
      const made = witnessOf(t, honest.asLog());
      assert.equal(tell(made, 0, [], honest.checkpoint(9, tree.root(9))), 200);
      const mine = honest.checkpoint(9, tree.root(9));
      const theirs = enemy.checkpoint(9, fork.root(9));
      const [, line = ''] = mine.split('\n\n');
      const [text = '', their = ''] = theirs.split('\n\n');
      for (const note of [theirs, `${text}\n\n${line}`, `${text}\n\n${their}${line}`])
        assert.equal(tell(made, 9, [], note), 403);
      assert.deepEqual(made.events, []);
      assert.deepEqual(made.store.counts(), { open: 0, malformed: 0, 'fork-proven': 0 });
    });
});

for (const [name, make] of KINDS)
  test(`what convicts a log of ${name} is verified by ctga and by the shell script`, (t) => {
    const log = make();
    const checkpoint = (size: number, of: typeof tree): string =>
      log.checkpoint(size, of.root(size));
    const made = witnessOf(t, log.asLog());
    assert.equal(tell(made, 0, [], checkpoint(6, tree)), 200);
    assert.equal(tell(made, 6, [], checkpoint(6, fork)), 422);
    const proof = fork.consistencyProof(6, 21);
    assert.equal(tell(made, 6, proof, checkpoint(21, fork)), 422);
    const files = readdirSync(made.evidence).filter((each) => each.endsWith('.json'));
    assert.equal(files.length, 2);
    const knows = spawnSync('openssl', ['list', '-public-key-algorithms'], { encoding: 'utf8' });
    const isKnown = name !== 'ML-DSA-44' || /ml-dsa-44/i.test(knows.stdout);
    for (const file of files) {
      const path = join(made.evidence, file);
      assert(checkEvidence(path, undefined).stands);
      assert.equal(
        spawnSync('sh', [SCRIPT, path]).status,
        isKnown ? 4 : 5,
        readFileSync(path, 'utf8'),
      );
    }
  });

test('nobody holds up a log by bringing what it published, with old sizes and bad proofs', (t) => {
  const log = new CheckpointLog();
  const rate = { perSecond: 1, burst: 3 };
  const made = makeWitness([log.asLog()], { growing: rate, repeating: rate });
  t.after(() => made.end());
  const bring = (old: number, size: number, proof = proofOf(tree, old, size)): number =>
    tell(made, old, proof, log.checkpoint(size, tree.root(size)));
  assert.equal(bring(0, 6), 200);
  for (let i = 0; i < 50; i++) {
    assert.equal(bring(6, 9, []), 422);
    assert.equal(bring(0, 9), 409);
    assert.equal(bring(0, 6), 409);
    assert.equal(bring(6, 6), 200, 'of this very second: the lines that it has');
  }
  assert.deepEqual([bring(6, 7), bring(7, 8), bring(8, 9)], [200, 200, 429]);
});
