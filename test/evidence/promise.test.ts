// SPDX-License-Identifier: Apache-2.0
/** Broken promises: who breaks one is convicted, an honest log never is, and no bit may be another. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  formatEvidence,
  isIntact,
  makePromiseEvidence,
  parseEvidence,
  sealed,
  type PromiseEvidence,
} from '../../src/evidence/bundle.ts';
import { judgePromise, promisedLeafOf } from '../../src/evidence/promise.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import { hashLeaf, toMerkleHash } from '../../src/merkle/hash.ts';
import { FormatError } from '../../src/base/cursor.ts';
import {
  encodePromise,
  leafHashOf,
  leafIndexOf,
  parseSct,
  type LogEntry,
} from '../../src/scts/sct.ts';
import { promiseOf, brokenPromise } from '../support/promises.ts';
import { fc } from '../support/random.ts';
import { indexExtension, LogTree, SigningLog } from '../support/signing-log.ts';

const log = new SigningLog();
const x509: LogEntry = { type: 'x509', certificate: Buffer.from('a certificate') };
const precert: LogEntry = {
  type: 'precert',
  issuerKeyHash: hashLeaf(Buffer.from('a key')),
  tbsCertificate: Buffer.from('a precertificate'),
};
const stands = (evidence: PromiseEvidence): boolean =>
  verifyEvidence(evidence).every(({ holds }) => holds);

describe('the leaf index in the extensions of an SCT', () => {
  const hex = (text: string): Uint8Array => Buffer.from(text, 'hex');
  for (const [what, extensions, index] of [
    ['alone', '0000050000000007', 7n],
    ['the largest', '000005ffffffffff', 2n ** 40n - 1n],
    ['behind another extension', '0100020000' + '0000050000000007', 7n],
    ['before another', '0000050000000007' + '010000', 7n],
    ['missing', '', undefined],
    ['missing beside others', '010000', undefined],
    ['of four octets', '00000400000007', 'bad-length'],
    ['of six octets', '000006000000000007', 'bad-length'],
    ['twice', '0000050000000007'.repeat(2), 'extension-twice'],
    ['beside another extension twice', '010000010000' + '0000050000000007', 'extension-twice'],
    ['cut off', '00000500000000', 'truncated'],
    ['with a byte behind it', '0000050000000007' + '00', 'truncated'],
  ] as const)
    test(what, () => {
      if (typeof index !== 'string') assert.equal(leafIndexOf(hex(extensions)), index);
      else
        assert.throws(
          () => leafIndexOf(hex(extensions)),
          (error) => error instanceof FormatError && error.reason === index,
        );
    });
});

describe('a promise', () => {
  test('signs the leaf to the last bit', () => {
    for (const entry of [x509, precert]) {
      const sct = parseSct(log.promise(entry, 1_700_000_000_000n, indexExtension(5)));
      assert.deepEqual(leafHashOf(sct, entry), hashLeaf(encodePromise(sct, entry)));
    }
  });

  test('of an honest log is never broken, whatever proof is shown', () => {
    const garbage = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 9 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.nat(),
        fc.nat(),
        fc.constantFrom(x509, precert),
        garbage,
        fc.nat(),
        (size, at, elsewhere, entry, hashes, bit) => {
          const index = at % size;
          const promise = promiseOf(log, entry, index);
          const leaf = encodePromise(promise, entry);
          const tree = new LogTree(size, (i) => (i === index ? leaf : Buffer.from(`leaf ${i}`)));
          const head = log.verified(size, tree.root());
          const other = elsewhere % size;
          const path = tree.inclusionProof(index, size);
          const flipped = path.map((hash) => toMerkleHash(hash));
          const [first] = flipped;
          if (first !== undefined) first[bit % 32] = (first[bit % 32] ?? 0) ^ (1 << (bit % 8));
          const random = hashes.map((hash) => toMerkleHash(hash));
          for (const proof of [
            { leafHash: tree.leafHash(index), hashes: path },
            { leafHash: tree.leafHash(other), hashes: tree.inclusionProof(other, size) },
            { leafHash: hashLeaf(Buffer.from('other')), hashes: path },
            { leafHash: tree.leafHash(index), hashes: flipped },
            { leafHash: random[0] ?? tree.root(), hashes: random },
            // Nodes above the leaves are not leaves.
            ...(path.length > 0 && path[0] !== undefined
              ? [{ leafHash: path[0], hashes: path.slice(1) }]
              : []),
          ]) {
            const { verdict } = judgePromise(promise, head, proof);
            assert.notEqual(verdict, 'promise-broken');
          }
          assert.equal(
            judgePromise(promise, head, { leafHash: tree.leafHash(index), hashes: path }).verdict,
            'kept',
          );
        },
      ),
    );
  });

  test('is not broken by a tree that is not larger than the place', () => {
    const tree = new LogTree(5, (i) => Buffer.from(`leaf ${i}`));
    const judged = judgePromise(promiseOf(log, x509, 5), log.verified(5, tree.root()), {
      leafHash: tree.leafHash(4),
      hashes: tree.inclusionProof(4, 5),
    });
    assert.deepEqual(judged, {
      verdict: 'nothing-shown',
      reason: 'a tree of size 5 has no leaf 5',
    });
  });

  test('without a place is none that can be judged', () => {
    const { extensions: _, ...promise } = promiseOf(log, x509, 5);
    assert.equal(
      promisedLeafOf({ ...promise, extensions: new Uint8Array() }),
      'the SCT has no leaf index',
    );
    assert.match(
      JSON.stringify(promisedLeafOf({ ...promise, extensions: Uint8Array.of(0) })),
      /malformed: truncated/,
    );
  });

  test('that is broken convicts, in every place of trees of every size', () => {
    for (const size of [1, 2, 3, 7, 8, 9, 64, 65])
      for (const index of new Set([0, 1, size >> 1, size - 2, size - 1]))
        if (index >= 0 && index < size)
          for (const entry of [x509, precert]) {
            const evidence = brokenPromise(log, { entry, index, size });
            assert(stands(evidence), `${index} of ${size}`);
            const text = formatEvidence(evidence);
            assert(isIntact(text, parseEvidence(text, 'it')));
          }
    assert(stands(brokenPromise(new SigningLog('rsa'), { entry: precert, index: 3, size: 9 })));
  });
});

describe('evidence of a broken promise', () => {
  for (const [name, entry] of [
    ['a certificate', x509],
    ['a precertificate', precert],
  ] as const)
    test(`with any bit of ${name}'s flipped does not stand`, () => {
      const evidence = brokenPromise(log, { entry, index: 2, size: 3 });
      const json = JSON.parse(formatEvidence(evidence)) as Record<string, Record<string, unknown>>;
      let tried = 0;
      for (const section of ['log', 'promise', 'head', 'proof', 'derivation'])
        for (const [field, value] of Object.entries(json[section] ?? {}))
          // Of the second what it does not share with the first: each check costs two signatures.
          for (const changed of name === 'a certificate' || /entry|issuer/.test(field)
            ? flips(section, field, value)
            : []) {
            tried += 1;
            const mutant = { ...json, [section]: { ...json[section], [field]: changed } };
            const { digest: _, ...rest } = mutant;
            const text = sealed(JSON.stringify(rest, null, 2));
            assert(!holds(text), `${section}.${field}: ${String(changed)}`);
          }
      assert(tried > 300, `${tried}`);
    });

  test('with any bit of the file flipped does not stand', () => {
    const text = Buffer.from(
      formatEvidence(brokenPromise(log, { entry: x509, index: 2, size: 5 })),
    );
    for (let bit = 0; bit < text.length * 8; bit++) {
      text[bit >> 3] = (text[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      let intact = false;
      try {
        intact = isIntact(text.toString(), parseEvidence(text.toString(), 'it'));
      } catch {
        // It is no bundle any more.
      }
      assert(!intact, `bit ${bit}`);
      text[bit >> 3] = (text[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    }
  });

  test('of a tree that has the entry does not stand, nor of another log', () => {
    const evidence = brokenPromise(log, { entry: x509, index: 2, size: 5 });
    const promise = promiseOf(log, x509, 2);
    const leaf = encodePromise(promise, x509);
    const tree = new LogTree(5, (i) => (i === 2 ? leaf : Buffer.from(`leaf ${i}`)));
    const kept = makePromiseEvidence(
      log.asLog(),
      promise,
      log.verified(5, tree.root()),
      { leafHash: tree.leafHash(2), hashes: tree.inclusionProof(2, 5) },
      { leafIndex: 2n, leafHash: tree.leafHash(2) },
      0,
    );
    assert(!stands(kept));
    assert(!stands({ ...evidence, head: new SigningLog().sign(5, evidence.head.rootHash) }));
    assert(!stands({ ...evidence, promise: promiseOf(new SigningLog(), x509, 2) }));
    // Signed, but for another certificate.
    assert(!stands({ ...evidence, promise: { ...evidence.promise, entry: precert } }));
  });
});

/** A field with each of its bits flipped; numbers have some 40. The key's name and URL are no proof. */
function* flips(section: string, field: string, value: unknown): Generator {
  if (section === 'log' && (field === 'description' || field === 'url')) return;
  if (typeof value === 'number') {
    for (let bit = 0; bit < 40; bit++) yield Number(BigInt(value) ^ (1n << BigInt(bit)));
  } else if (Array.isArray(value)) {
    for (const [i, each] of value.entries())
      for (const changed of flips(section, field, each)) yield value.with(i, changed);
  } else if (field === 'kind' || field === 'entry_type') {
    yield 'none';
    yield value === 'x509' ? 'precert' : 'x509';
  } else {
    const bytes = Buffer.from(String(value), 'base64');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      yield flipped.toString('base64');
    }
  }
}

function holds(text: string): boolean {
  try {
    const evidence = parseEvidence(text, 'it');
    return isIntact(text, evidence) && verifyEvidence(evidence).every(({ holds: each }) => each);
  } catch {
    return false;
  }
}
