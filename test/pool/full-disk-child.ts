// SPDX-License-Identifier: Apache-2.0
/**
 * Run by full-disk.root.test.ts on a small disk of its own: `full-disk-child.ts DIRECTORY` serves a
 * pool there, fills the disk, brings it SCTs and a forked tree head, makes room again, brings them
 * once more, and prints what became of it all as JSON.
 */
import { appendFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { encodeBase64 } from '../../src/base/base64.ts';
import { directWay } from '../../src/http/request.ts';
import { Certificate } from '../../src/scts/certificate.ts';
import { servePool, type PoolEvent } from '../../src/services/pool.ts';
import type { Statement } from '../../src/statements/statement.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { stateAt } from '../../src/store/state.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const [, , directory = ''] = process.argv;
const log = new SigningLog();
const authority = new Authority();
const events: PoolEvent[] = [];
const stop = new AbortController();
const serving = servePool(
  {
    state: stateAt(join(directory, 'state')),
    address: '127.0.0.1',
    port: 0,
    domains: ['www.example.net'],
    logs: [log.asLog()],
    auditors: [],
    way: directWay({}),
    user: undefined,
    onEvent: (event) => events.push(event),
  },
  stop.signal,
  () => undefined,
);
const base = await eventually(() => {
  const [first] = events;
  return first?.event === 'listening' && `${first.url}.well-known/ct/v1`;
}, 'the pool to listen');

const post = async (path: string, json: unknown): Promise<string> => {
  const { status, headers } = await fetch(`${base}/${path}`, {
    method: 'POST',
    body: JSON.stringify(json),
    headers: { 'content-type': 'application/json' },
  });
  const after = headers.get('retry-after');
  return `${status}${after === null ? '' : `, again in ${after}`}`;
};
const feedback = (): unknown => {
  const leaf = authority.issue(['www.example.net'], { logs: [log] });
  return {
    sct_feedback: [
      {
        x509_chain: [leaf, authority.der].map(encodeBase64),
        sct_data: new Certificate(leaf).embeddedScts.map(encodeBase64),
      },
    ],
  };
};
const now = BigInt(Date.now());
const pollen = (head: Statement): unknown => ({
  sths: [{ sth_version: 0, log_id: encodeBase64(log.key.logId), ...treeHeadToJson(head) }],
});
const [one, other] = ['a', 'b'].map((branch) => log.sign(5, treeOf(5, branch).root(), now));
if (one === undefined || other === undefined) throw new Error('no heads');
const collected = async (): Promise<number> => {
  const answer = await fetch(`${base}/collected-sct-feedback`);
  return ((await answer.json()) as { sct_feedback: unknown[] }).sct_feedback.length;
};

const before = [await post('sct-feedback', feedback()), await post('sth-pollination', pollen(one))];
const filler = join(directory, 'filler');
for (const bytes of [65536, 4096, 1])
  try {
    for (;;) appendFileSync(filler, Buffer.alloc(bytes));
  } catch {
    // It is full, to the last byte.
  }
// What SQLite has room for in its journal is used up first.
let full = '';
for (let i = 0; i < 10_000 && !full.startsWith('503'); i++)
  full = await post('sct-feedback', feedback());
const there = await collected();
const whileFull = [
  full,
  await post('sth-pollination', pollen(other)),
  // Whatever needs no room is as ever.
  await post('sth-pollination', { sths: [] }),
  String((await fetch(new URL('/metrics', base))).status),
];
const [proven] = events.flatMap((event) => (event.event === 'fork-proven' ? event.evidence : []));
const evidence = proven !== undefined && existsSync(proven);
rmSync(filler);
const later = [
  await post('sct-feedback', feedback()),
  await post('sth-pollination', pollen(other)),
];
const kept = (await collected()) - there;
stop.abort();
await serving;
console.log(JSON.stringify({ before, whileFull, evidence, later, kept }));
