// SPDX-License-Identifier: Apache-2.0
/**
 * Vectors, proofs, tiles and checkpoints that others made: test/vectors/README.md, and for more of
 * them ../shared/data/README.md, say whose.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { decodeBase64 } from '../../src/base/base64.ts';
import { judgeProof, judgeWithoutProof } from '../../src/evidence/judge.ts';
import { equalHash, toMerkleHash, type MerkleHash } from '../../src/merkle/hash.ts';
import { foldConsistency, foldInclusion } from '../../src/merkle/proof.ts';
import { TiledTree, tilePath } from '../../src/merkle/tiles.ts';
import { parseCheckpoint, treeHeadOf } from '../../src/statements/checkpoint.ts';
import { treeHeadSchema } from '../../src/statements/json.ts';
import { toLogKey } from '../../src/statements/key.ts';
import { toLogId } from '../../src/statements/statement.ts';
import { verifyStatement } from '../../src/statements/verify.ts';
import { needsShared, readShared, sharedPath } from '../support/shared.ts';
import { readVector } from '../support/vectors.ts';

const MERKLE = 'vectors/transparency-dev-merkle';
const bytes = (text: string | null): Uint8Array => decodeBase64(text ?? '') ?? new Uint8Array(0);
const json = (path: string): unknown => JSON.parse(readShared(path).toString()) as unknown;

/**
 * Our functions take hashes of 32 bytes and sizes in order; what has others is refused before it
 * gets to them.
 */
function hashesOf(texts: readonly string[] | null): MerkleHash[] | undefined {
  const all = (texts ?? []).map(bytes);
  return all.every(({ length }) => length === 32) ? all.map(toMerkleHash) : undefined;
}

function isConsistent(
  m: number,
  n: number,
  rootM: Uint8Array,
  rootN: Uint8Array,
  proof: readonly string[] | null,
): boolean {
  const hashes = hashesOf(proof);
  // Roots of equal sizes are only compared there, whatever they are.
  if (m === n && m > 0 && rootM.length !== 32)
    return equalHash(rootM, rootN) && hashes?.length === 0;
  if (hashes === undefined || rootM.length !== 32 || rootN.length !== 32 || m <= 0 || m > n)
    return false;
  const [first, second] = [
    { treeSize: BigInt(m), rootHash: toMerkleHash(rootM) },
    { treeSize: BigInt(n), rootHash: toMerkleHash(rootN) },
  ];
  if (m === n)
    return judgeWithoutProof(first, second)?.verdict === 'consistent' && hashes.length === 0;
  return judgeProof(first, second, { kind: 'consistency', hashes }).verdict === 'consistent';
}

function isIncluded(
  index: number,
  size: number,
  leaf: Uint8Array,
  root: Uint8Array,
  proof: readonly string[] | null,
): boolean {
  const hashes = hashesOf(proof);
  if (hashes === undefined || leaf.length !== 32 || index < 0 || index >= size) return false;
  const folded = foldInclusion(BigInt(index), BigInt(size), toMerkleHash(leaf), hashes);
  return folded.kind === 'folded' && equalHash(folded.root, root);
}

describe('vectors of transparency-dev/merkle', { skip: needsShared(MERKLE) }, () => {
  const files = (kind: string): string[] =>
    readdirSync(join(sharedPath(MERKLE) ?? '', 'testdata', kind), {
      recursive: true,
      encoding: 'utf8',
    })
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(MERKLE, 'testdata', kind, name));

  test('of consistency', () => {
    const all = files('consistency');
    assert(all.length >= 90, `${all.length}`);
    for (const file of all) {
      const each = json(file) as Record<'size1' | 'size2', number> &
        Record<'root1' | 'root2', string | null> & { proof: string[] | null; wantErr: boolean };
      const found = isConsistent(
        each.size1,
        each.size2,
        bytes(each.root1),
        bytes(each.root2),
        each.proof,
      );
      assert.equal(found, !each.wantErr, file);
    }
  });

  test('of inclusion', () => {
    const all = files('inclusion');
    assert(all.length >= 90, `${all.length}`);
    for (const file of all) {
      const each = json(file) as Record<'leafIdx' | 'treeSize', number> &
        Record<'root' | 'leafHash', string | null> & { proof: string[] | null; wantErr: boolean };
      const found = isIncluded(
        each.leafIdx,
        each.treeSize,
        bytes(each.leafHash),
        bytes(each.root),
        each.proof,
      );
      assert.equal(found, !each.wantErr, file);
    }
  });
});

describe('proofs of small trees, whole and with one fault each', () => {
  interface Vector {
    readonly what: string;
    readonly proof: readonly string[];
    readonly valid: boolean;
  }
  const vectors = readVector('merkle.json') as {
    consistency: (Vector & Record<'size1' | 'size2', number> & Record<'root1' | 'root2', string>)[];
    inclusion: (Vector &
      Record<'leaf_index' | 'tree_size', number> &
      Record<'leaf_hash' | 'root', string>)[];
  };

  test('of consistency', () => {
    assert(vectors.consistency.length > 100);
    for (const { what, size1, size2, root1, root2, proof, valid } of vectors.consistency) {
      const found = isConsistent(size1, size2, bytes(root1), bytes(root2), proof);
      assert.equal(found, valid, `from ${size1} to ${size2}, ${what}`);
    }
  });

  test('of inclusion', () => {
    assert(vectors.inclusion.length > 60);
    for (const vector of vectors.inclusion) {
      const { what, leaf_index: index, tree_size: size, leaf_hash: leaf, root } = vector;
      const found = isIncluded(index, size, bytes(leaf), bytes(root), vector.proof);
      assert.equal(found, vector.valid, `of leaf ${index} in ${size}, ${what}`);
    }
  });
});

describe('real proofs', () => {
  const vectors = readVector('real-proofs.json') as {
    consistency: {
      first: { tree_size: number; sha256_root_hash: string };
      second: unknown;
      key: string;
      proof: string[];
    }[];
    inclusion: {
      key: string;
      sth: unknown;
      leaf_index: number;
      leaf_hash: string;
      audit_path: string[];
    }[];
    yeti2022: { key: string; first: unknown; second: unknown };
  };

  test('of consistency, to heads that verify', () => {
    assert.equal(vectors.consistency.length, 2);
    for (const { first, second, key, proof } of vectors.consistency) {
      const head = verifyStatement(treeHeadSchema.parse(second), toLogKey(bytes(key)));
      assert(head !== undefined);
      const root = bytes(first.sha256_root_hash);
      const [m, n] = [first.tree_size, Number(head.treeSize)];
      assert(isConsistent(m, n, root, head.rootHash, proof));
      assert(!isConsistent(m, n, head.rootHash, root, proof));
    }
  });

  test('of inclusion, in heads that verify', () => {
    assert.equal(vectors.inclusion.length, 2);
    for (const { key, sth, leaf_index: index, leaf_hash: leaf, audit_path } of vectors.inclusion) {
      const head = verifyStatement(treeHeadSchema.parse(sth), toLogKey(bytes(key)));
      assert(head !== undefined);
      const size = Number(head.treeSize);
      assert(isIncluded(index, size, bytes(leaf), head.rootHash, audit_path));
      assert(!isIncluded(index + 1, size, bytes(leaf), head.rootHash, audit_path));
    }
  });

  test('the heads of Yeti 2022 are no split view', () => {
    const { key, first, second } = vectors.yeti2022;
    const [one, other] = [first, second].map((each) =>
      verifyStatement(treeHeadSchema.parse(each), toLogKey(bytes(key))),
    );
    assert(one !== undefined && other !== undefined);
    // Of different sizes: no verdict without a proof.
    assert.equal(judgeWithoutProof(one, other), undefined);
  });
});

describe("Tessera's tiles", { skip: needsShared('checkpoints/tessera/testdata/log') }, () => {
  const log = 'checkpoints/tessera/testdata/log';
  const sizes = Array.from({ length: 15 }, (_, i) => i + 1);
  const rootAt = (size: number): MerkleHash => {
    const [, , root = ''] = readShared(`${log}/checkpoint.${size}`).toString().split('\n');
    return toMerkleHash(bytes(root));
  };
  const treeAt = (size: number): TiledTree =>
    new TiledTree(BigInt(size), (place) =>
      Promise.resolve(readShared(`${log}/${tilePath(place)}`)),
    );

  test('lead to the roots in its checkpoints, from every size to every other', async () => {
    for (const n of sizes) {
      for (const m of sizes.filter((size) => size < n)) {
        const proof = await treeAt(n).consistencyProof(BigInt(m));
        const folded = foldConsistency(BigInt(m), BigInt(n), rootAt(m), proof);
        assert(folded.kind === 'folded', `${m} to ${n}`);
        assert.deepEqual(folded.secondRoot, rootAt(n), `${m} to ${n}`);
        assert.deepEqual(folded.firstRoot, rootAt(m), `${m} to ${n}`);
      }
    }
  });
});

describe(
  "certspotter's checkpoints",
  { skip: needsShared('checkpoints/certspotter_checkpoint_cases.json') },
  () => {
    test('parse, or do not, as there', () => {
      const cases = json('checkpoints/certspotter_checkpoint_cases.json') as {
        log_id: string;
        must_parse: string[];
        must_fail: string[];
      };
      const logId = toLogId(bytes(cases.log_id));
      for (const note of cases.must_parse)
        assert(treeHeadOf(parseCheckpoint(note), logId) !== undefined, note);
      for (const note of cases.must_fail) {
        let head: unknown;
        try {
          head = treeHeadOf(parseCheckpoint(note), logId);
        } catch (error) {
          assert(error instanceof RangeError);
        }
        assert.equal(head, undefined, note);
      }
    });
  },
);
