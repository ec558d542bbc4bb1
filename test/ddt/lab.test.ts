// SPDX-License-Identifier: Apache-2.0
/** The miner of `ctga ddt lab`, on a machine where btcd does not always answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mineWhatWaits } from '../../src/services/ddt-lab.ts';

/** A node with a mempool, in which something comes at certain heights while its block is mined. */
function nodeWith(coming: readonly number[]) {
  const blocks: string[][] = [];
  const mempool: string[] = ['first'];
  return {
    blocks,
    call: (method: string, hash?: unknown): Promise<unknown> => {
      if (method === 'getrawmempool') return Promise.resolve([...mempool]);
      assert.equal(method, 'getblock');
      return Promise.resolve({ tx: ['coinbase', ...(blocks[Number(hash)] ?? [])] });
    },
    mine: (count: number): Promise<string[]> => {
      const mined: string[] = [];
      for (let i = 0; i < count; i++) {
        const height = blocks.length;
        if (coming.includes(height)) mempool.push(`while ${height} is mined`);
        blocks.push(mempool.splice(0));
        mined.push(`${height}`);
      }
      return Promise.resolve(mined);
    },
  };
}

for (const coming of [[], [0], [1], [3], [5], [2, 4, 9], [5, 10, 15]])
  test(`what comes into blocks ${coming.join(', ')} while they are mined counts too`, async () => {
    const stop = new AbortController();
    const node = nodeWith(coming);
    let idle = 0;
    const call = (method: string, ...params: unknown[]): Promise<unknown> => {
      // It has nothing to do any more.
      if (method === 'getrawmempool' && node.blocks.length > 0 && ++idle === 2) stop.abort();
      return node.call(method, ...params);
    };
    await mineWhatWaits({ ...node, call }, stop.signal, () => assert.fail('nothing fails'));
    const last = node.blocks.findLastIndex((each) => each.length > 0);
    assert.equal(node.blocks.length - last, 6, 'as many as make the last one count, and no more');
    assert.equal(node.blocks.flat().length, 1 + coming.length);
  });

test('a node that does not answer is asked again, and what it mined in silence counts', async () => {
  const stop = new AbortController();
  const told: string[] = [];
  const node = nodeWith([]);
  let asked = 0;
  await mineWhatWaits(
    {
      call: async (method, ...params) => {
        if (method === 'getrawmempool') {
          asked++;
          if (asked === 1) throw new Error('no answer within 30 s');
          if (asked === 4) stop.abort();
        }
        return node.call(method, ...params);
      },
      mine: async (count) => {
        const mined = await node.mine(count);
        if (node.blocks.length === 1) throw new Error('no answer either');
        return mined;
      },
    },
    stop.signal,
    (event) => {
      told.push('message' in event ? event.message : event.event);
    },
  );
  assert.deepEqual(told, ['mining: no answer within 30 s', 'mining: no answer either']);
  assert.deepEqual(node.blocks[0], ['first']);
  assert(node.blocks.length >= 6, `${node.blocks.length} blocks`);
});
