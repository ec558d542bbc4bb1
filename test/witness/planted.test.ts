// SPDX-License-Identifier: Apache-2.0
/**
 * A log shows one client a tree head that nobody else has, and looks whether it turns up anywhere. Here
 * it is in the store of the very state directory that the witness has: no
 * answer, no request to the log, no line printed and no byte of the witness's own files has it.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeWitness, serveWitness, type WitnessEvent } from '../../src/services/witness.ts';
import type { Fetch } from '../../src/http/request.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { eventually } from '../support/eventually.ts';
import { FakeApi } from '../support/fake-api.ts';
import { treeOf } from '../support/signing-log.ts';
import { addBody } from './harness.ts';

/** No other size is like it, nor part of one. */
const PLANTED = 7_654_321;
const tree = treeOf(400);
const planted = treeOf(7, 'planted').root();

/** The root in the forms in which bytes are written, and the size. */
function marksOf(root: Uint8Array, size: number): string[] {
  const base64 = Buffer.from(root).toString('base64');
  return [
    base64,
    encodeURIComponent(base64),
    Buffer.from(root).toString('base64url'),
    Buffer.from(root).toString('hex'),
    Buffer.from(root).toString('latin1'),
    `${size}`,
  ];
}

function filesIn(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    return statSync(path).isDirectory() ? filesIn(path) : path;
  });
}

/** All that leaves a witness in a state directory where `seen` was seen, for an hour of requests. */
async function outputsWith(
  seen: readonly { readonly size: number; readonly root: typeof planted }[],
  isFeeding = true,
): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const state = stateAt(directory);
  const api = new FakeApi(tree, 100);
  const log = api.log.asLog();
  const store = openForWriting(state);
  store.logs.put([log]);
  for (const { size, root } of seen) {
    const head = api.log.verified(size, root, BigInt(Date.now()));
    store.heads.record([{ head, source: 'eth0', firstSeen: 1, lastSeen: 1, count: 1 }]);
  }
  store.close();
  const outputs: string[] = [...makeWitness(state, 'witness.test/w', undefined, () => undefined)];
  const events: WitnessEvent[] = [];
  const stop = new AbortController();
  const fetchLog: Fetch = (url, options) => {
    outputs.push(`asked: ${url} ${JSON.stringify(options ?? {})}`);
    return api.fetch(url, options);
  };
  const serving = serveWitness(
    {
      state,
      logs: [log],
      address: '127.0.0.1',
      port: 0,
      tls: undefined,
      feedEvery: isFeeding ? 0.05 : undefined,
      proxies: [{ host: '127.0.0.1', port: 1 }],
      open: () => ({ fetch: fetchLog, close: () => undefined }),
      user: undefined,
      onEvent: (event) => events.push(event),
    },
    stop.signal,
    () => undefined,
  );
  try {
    const url = await eventually(() => {
      const found = events.find((event) => event.event === 'listening');
      return found?.event === 'listening' && found.url;
    }, 'the witness to listen');
    const ask = async (path: string, body?: Buffer): Promise<void> => {
      const init = body === undefined ? {} : { method: 'POST', body };
      const response = await fetch(`${url}${path}`, init);
      const headers = [...response.headers].filter(([name]) => name !== 'date');
      outputs.push(`${response.status} ${JSON.stringify(headers)} ${await response.text()}`);
    };
    const hash = createHash('sha256').update('log.test/alpha').digest('hex');
    for (const [old, size] of [
      [0, 40],
      [0, 60],
      [40, 60],
      [60, 50],
      [50, 90],
    ] as const) {
      const proof = old > 0 && old < size ? tree.consistencyProof(old, size) : [];
      await ask('add-checkpoint', addBody(old, proof, api.log.checkpoint(size, tree.root(size))));
      await ask(`${hash}/checkpoint`);
    }
    const asked = (): number => outputs.filter((each) => each.startsWith('asked: ')).length;
    const shown = isFeeding ? [120, 240, 399] : [];
    for (const size of shown) {
      api.size = size;
      const before = asked();
      await eventually(() => asked() > before + 3, 'the log to be asked');
      await ask(`${hash}/checkpoint`);
    }
    const old = shown.at(-1) ?? 90;
    const last = addBody(
      old,
      tree.consistencyProof(old, 400),
      api.log.checkpoint(400, tree.root()),
    );
    await ask('add-checkpoint', last);
    for (const path of [`${hash}/checkpoint`, '', 'metrics', 'nothing']) await ask(path);
  } finally {
    stop.abort();
    await serving;
  }
  const files = filesIn(join(directory, 'witness')).map((path) => readFileSync(path, 'latin1'));
  rmSync(directory, { recursive: true });
  return [...outputs, ...files, JSON.stringify(events)].join('\n');
}

test('a tree head that one client was shown turns up in nothing that a witness says', async () => {
  const outputs = await outputsWith([{ size: PLANTED, root: planted }]);
  for (const mark of marksOf(planted, PLANTED)) assert(!outputs.includes(mark), mark);
  // And these are found where they are.
  const [base64 = ''] = marksOf(tree.root(400), 400);
  assert(outputs.includes(base64), 'a tree that the log submitted');
  assert(outputs.includes(Buffer.from(tree.root(399)).toString('base64')), 'and one that it shows');
  assert.match(outputs, /asked: .*get-sth-consistency\?first=\d+&second=399/);
});

test('a log that brings other trees than it showed one client is answered as where nobody saw that', async () => {
  const seen = [40, 60, 90, 400].map((size) => ({ size, root: treeOf(size, 'planted').root() }));
  const [told, untold] = [await outputsWith(seen, false), await outputsWith([], false)];
  const answers = (outputs: string): string[] => outputs.match(/^\d{3}(?= \[\[)/gm) ?? [];
  assert.deepEqual(answers(told), answers(untold));
  assert(answers(told).filter((status) => status === '200').length > 6, answers(told).join());
  // The tree head in the store and the one that is cosigned convict the log, but not here.
  for (const outputs of [told, untold]) assert(!outputs.includes('"event":"fork-proven"'));
});
