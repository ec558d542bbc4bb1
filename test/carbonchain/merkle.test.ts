// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Transaction } from '@scure/btc-signer';
import { doubleSha256, readHash, showHash, toHex } from '../../src/carbonchain/bytes.ts';
import { NETWORKS } from '../../src/carbonchain/header.ts';
import {
  branchOf,
  checkInclusion,
  merkleRoot,
  type Inclusion,
} from '../../src/carbonchain/merkle.ts';
import { isCoinbase, parseBlock, parseTransaction } from '../../src/carbonchain/transaction.ts';
import { blockOf, coinbase, headerAfter, payTo, transaction } from './blocks.ts';

const OWNER = '22'.repeat(20);
const some = (n: number): Uint8Array =>
  transaction([{ id: n.toString(16).padStart(64, '0') }], [payTo(OWNER)]);

/** A block's header and its transactions. */
function block(count: number): {
  header: Uint8Array;
  transactions: Uint8Array[];
  ids: Uint8Array[];
} {
  const transactions = [coinbase(1), ...Array.from({ length: count - 1 }, (_, i) => some(i + 1))];
  const ids = transactions.map((each) => parseTransaction(each).id);
  const root = merkleRoot(ids) ?? assert.fail('no root');
  return { header: headerAfter(NETWORKS.regtest.genesis.bytes, { root }), transactions, ids };
}

function inclusion(of: ReturnType<typeof block>, index: number): Inclusion {
  return {
    transaction: of.transactions[index] as Uint8Array,
    index,
    branch: branchOf(of.ids, index),
    coinbase: of.transactions[0] as Uint8Array,
    coinbaseBranch: branchOf(of.ids, 0),
  };
}

test("the first block's transaction is its root", () => {
  const first =
    '01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000';
  const parsed = parseTransaction(Buffer.from(first, 'hex'));
  assert.equal(
    showHash(parsed.id),
    '4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b',
  );
  assert.ok(isCoinbase(parsed));
  assert.equal(parsed.outputs[0]?.value, 5_000_000_000n);
  const { bytes } = NETWORKS.mainnet.genesis;
  assert.equal(toHex(merkleRoot([parsed.id]) as Uint8Array), toHex(bytes.subarray(36, 68)));
  assert.equal(parseBlock(blockOf(bytes, [Buffer.from(first, 'hex')])).transactions.length, 1);
});

test('witnesses are no part of an ID (BIP 143, the native P2WPKH example)', () => {
  const signed =
    '01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f00000000494830450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b55d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f32a8a0d5447a12fb1366d7f01cc44a0220573a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee0121025476c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee635711000000';
  const bytes = Buffer.from(signed, 'hex');
  const parsed = parseTransaction(bytes);
  // What a library that is not ours makes of it.
  assert.equal(showHash(parsed.id), Transaction.fromRaw(bytes).id);
  assert.equal(parsed.inputs.length, 2);
  // Without marker and flag, an empty stack, and one of a signature and a key.
  const stacks = 1 + (1 + 1 + 71 + 1 + 33);
  assert.equal(parsed.strippedLength, bytes.length - 2 - stacks);
});

test('what is no block or transaction is refused, wherever it ends', () => {
  const { header, transactions } = block(3);
  const whole = blockOf(header, transactions);
  for (let length = 0; length < whole.length; length++)
    assert.throws(() => parseBlock(whole.subarray(0, length)), /at byte/, `${length}`);
  assert.throws(() => parseBlock(Buffer.concat([whole, Uint8Array.of(0)])), /trailing/);
  const many = Buffer.concat([header, Buffer.from('ffffffffffffffffff', 'hex')]);
  assert.throws(() => parseBlock(many), /too-many/);
  const padded = Buffer.concat([header, Buffer.from('fd0300', 'hex'), ...transactions]);
  assert.throws(() => parseBlock(padded), /not-shortest/);
});

test('every transaction of blocks of many sizes is proven, and nothing else', () => {
  for (const count of [1, 2, 3, 4, 5, 7, 8, 13]) {
    const of = block(count);
    for (let index = 0; index < count; index++) {
      const fine = inclusion(of, index);
      assert.equal(typeof checkInclusion(of.header, fine), 'object', `${index} of ${count}`);
      for (const other of [index + 1, index ^ 1, index + 2 ** fine.branch.length, -1, 0.5])
        if (other !== index)
          assert.equal(
            typeof checkInclusion(of.header, { ...fine, index: other }),
            'string',
            `${other}`,
          );
      const changed = { ...fine, transaction: some(99) };
      assert.match(checkInclusion(of.header, changed) as string, /root/);
    }
  }
});

test('a leaf that the tree only repeats is not proven (CVE-2012-2459)', () => {
  const of = block(3);
  const last = inclusion(of, 2);
  // The branch of the fourth leaf, which is the third once more.
  assert.match(checkInclusion(of.header, { ...last, index: 3 }) as string, /repeats/);
  assert.equal(merkleRoot([...of.ids, of.ids[2] as Uint8Array]), undefined);
  assert.notEqual(merkleRoot(of.ids), undefined);
});

test('a transaction of 64 bytes proves nothing, and neither does an inner node', () => {
  // It could be two hashes: an inner node of the tree.
  const short = transaction([{}], [Uint8Array.of(0x51, 0x51, 0x51, 0x51)]);
  assert.equal(parseTransaction(short).strippedLength, 64);
  const ids = [parseTransaction(coinbase(1)).id, parseTransaction(short).id];
  const root = merkleRoot(ids) as Uint8Array;
  const header = headerAfter(NETWORKS.regtest.genesis.bytes, { root });
  const [branch, coinbaseBranch] = [branchOf(ids, 1), branchOf(ids, 0)];
  const proof = { transaction: short, index: 1, branch, coinbase: coinbase(1), coinbaseBranch };
  assert.match(checkInclusion(header, proof) as string, /64 bytes/);
  // A leaf below a real leaf: the way is longer than that of the first transaction.
  const victim = some(7);
  const inner = Buffer.concat([doubleSha256(victim), doubleSha256(some(8))]);
  const tree = [parseTransaction(coinbase(1)).id, doubleSha256(inner)];
  const forged = headerAfter(NETWORKS.regtest.genesis.bytes, { root: merkleRoot(tree) });
  const deeper = {
    transaction: victim,
    index: 2,
    branch: [doubleSha256(some(8)), tree[0] as Uint8Array],
    coinbase: coinbase(1),
    coinbaseBranch: [tree[1] as Uint8Array],
  };
  assert.match(checkInclusion(forged, deeper) as string, /height/);
});

test('a hash is shown in reverse', () => {
  const shown = '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206';
  assert.equal(showHash(readHash(shown) as Uint8Array), shown);
  assert.equal(toHex(readHash(shown) as Uint8Array).slice(0, 4), '0622');
  for (const wrong of ['', shown.slice(2), `${shown}00`, shown.replace('0', 'g')])
    assert.equal(readHash(wrong), undefined);
});
