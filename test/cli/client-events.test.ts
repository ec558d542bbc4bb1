// SPDX-License-Identifier: Apache-2.0
/** What `ctga client run` prints of visits: nothing that a journal could tell of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printEvent } from '../../src/cli/client.ts';
import { asRun } from '../../src/cli/run.ts';
import type { ClientEvent } from '../../src/services/client.ts';

const origin = 'https://visited.example';
const pool = 'https://pool.example/';

async function printed(event: ClientEvent): Promise<string> {
  let text = '';
  const all = { write: (more: string) => (text += more) };
  await asRun({ stdout: all, stderr: all }, false, () => {
    printEvent(event, [pool]);
    return Promise.resolve();
  });
  return text;
}

test('no site that was visited is named, and the pools that were asked for are', async () => {
  for (const state of ['included', 'unprovable', 'contradicted'] as const) {
    const text = await printed({ event: 'sct', log: 'A log', state, origin, why: 'So it is.' });
    assert.match(text, new RegExp(`An SCT of A log is ${state}\\. So it is\\.`));
    assert.doesNotMatch(text, /visited\.example/);
    assert.equal(text.includes('ctga client status'), state !== 'included');
  }
  const exchanged = { event: 'pollinated', given: 1, taken: 0 } as const;
  assert.match(
    await printed({ ...exchanged, url: origin }),
    /a site that was visited: gave 1 tree/,
  );
  assert.match(await printed({ ...exchanged, url: pool }), /https:\/\/pool\.example\/: gave/);
});
