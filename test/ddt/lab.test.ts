// SPDX-License-Identifier: Apache-2.0
/** The miner of `ctga ddt lab`, on a machine where btcd does not always answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mineWhatWaits } from '../../src/services/ddt-lab.ts';

test('a node that does not answer is asked again, and what waits is mined', async () => {
  const stop = new AbortController();
  const told: string[] = [];
  const mined: number[] = [];
  let asked = 0;
  const node = {
    call: () => {
      asked++;
      if (asked === 1) return Promise.reject(new Error('no answer within 30 s'));
      return Promise.resolve(asked === 2 ? [] : ['a transaction']);
    },
    mine: (count: number) => {
      mined.push(count);
      stop.abort();
      return Promise.resolve([]);
    },
  };
  await mineWhatWaits(node, stop.signal, (event) => {
    told.push('message' in event ? event.message : event.event);
  });
  assert.deepEqual(told, ['mining: no answer within 30 s']);
  assert.deepEqual(mined, [6]);
});
