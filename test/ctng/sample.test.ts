// SPDX-License-Identifier: Apache-2.0
/** The configuration that the sample run writes. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodePublicKey } from '../../src/bls/herumi.ts';
import type { G2 } from '../../src/bls/signatures.ts';
import { readGossiperConfig } from '../../src/ctng/config.ts';
import { freeNames, sampleFiles, writeSample, type Names } from '../../src/ctng/sample.ts';
import { BLS_PUBLIC } from './vectors.ts';

/**
 * Whether keys three and four are those that gossipers one and two can work out: the Go programs'
 * dealer takes the coefficients of its polynomial for the keys of the first two, and the others are
 * its values at their names (crypto/bls.go, GenerateThresholdKeypairs; blsSecretKeyShare).
 */
function liesOnOneLine(keys: ReadonlyMap<string, G2>): boolean {
  const [[, one], [, two], ...others] = [...keys] as [[string, G2], [string, G2], [string, G2]];
  return others.some(([name, key]) => {
    const at = BigInt(`0x${Buffer.from(name).toString('hex')}`);
    return key.equals(one.add(two.multiply(at)));
  });
}

test('two gossipers together know no key of a third; those that the Go programs deal out do', async () => {
  const theirs = Object.entries(BLS_PUBLIC).map(
    ([name, key]) => [name, decodePublicKey(Buffer.from(key, 'base64'))] as const,
  );
  assert(liesOnOneLine(new Map(theirs)));
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  try {
    const [names] = (await freeNames(1)) as [Names];
    await writeSample(directory, names, 60);
    const [a, b, c] = sampleFiles('gossiper', 1).map((path) => join(directory, path));
    const { blsPublic } = readGossiperConfig(a ?? '', b ?? '', c ?? '').keys;
    const inOrder = names.gossipers.map((name) => [name, blsPublic.get(name) as G2] as const);
    assert.equal(blsPublic.size, 4);
    assert(!liesOnOneLine(new Map(inOrder)));
  } finally {
    rmSync(directory, { recursive: true });
  }
});
