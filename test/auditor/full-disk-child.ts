// SPDX-License-Identifier: Apache-2.0
/**
 * Run by full-disk.root.test.ts on a small disk of its own: `full-disk-child.ts DIRECTORY` runs an
 * auditor there, fills the disk, sends it SCTs and has a log break a promise, makes room again, and
 * prints what became of it all as JSON.
 */
import { appendFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { encodeBase64 } from '../../src/base/base64.ts';
import { HttpError } from '../../src/http/error.ts';
import type { Fetch } from '../../src/http/request.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { Certificate } from '../../src/scts/certificate.ts';
import { audit, type AuditServiceEvent } from '../../src/services/audit.ts';
import { stateAt } from '../../src/store/state.ts';
import { eventually } from '../support/eventually.ts';
import { indexExtension, SigningLog, treeOf } from '../support/signing-log.ts';
import { TiledFiles } from '../support/tiled-files.ts';

const [, , directory = ''] = process.argv;
const signer = new SigningLog();
const log = signer.asLog({ api: 'static-ct' });
const files = new TiledFiles(signer, treeOf(9));
const authority = new Authority();
const feedback = (): unknown => {
  const leaf = authority.issue(['www.example.net'], {
    logs: [signer],
    sctExtensions: indexExtension(5),
  });
  return {
    sct_feedback: [
      {
        x509_chain: [leaf, authority.der].map(encodeBase64),
        sct_data: new Certificate(leaf).embeddedScts.map(encodeBase64),
      },
    ],
  };
};
/** What the pool collected. */
let collected: unknown = { sct_feedback: [] };
const fetchAny: Fetch = (url, options) => {
  if (url.startsWith('https://log.test/')) return files.fetch(url, options);
  if (!url.endsWith('collected-sct-feedback'))
    return Promise.reject(new HttpError('http-no-answer', 'nobody'));
  const body = Buffer.from(JSON.stringify(collected));
  return Promise.resolve({ status: 200, retryAfter: undefined, body });
};
const events: AuditServiceEvent[] = [];
const stop = new AbortController();
const running = audit(
  {
    state: stateAt(join(directory, 'state')),
    logs: [log],
    pools: ['https://pool.test'],
    listen: { address: '127.0.0.1', port: 0 },
    proxies: [{ host: '127.0.0.1', port: 1 }],
    open: () => ({ fetch: fetchAny, close: () => undefined }),
    every: 0.1,
    delay: 0,
    mix: 100_000,
    user: undefined,
    onEvent: (event) => events.push(event),
  },
  stop.signal,
  () => undefined,
);
const url = await eventually(() => {
  const [first] = events;
  return first?.event === 'listening' && first.url;
}, 'the auditor to listen');
const post = async (): Promise<string> => {
  const { status, headers } = await fetch(`${url}ct/v1/sct-feedback`, {
    method: 'POST',
    body: JSON.stringify(feedback()),
    headers: { 'content-type': 'application/json' },
  });
  const after = headers.get('retry-after');
  return `${status}${after === null ? '' : `, again in ${after}`}`;
};

const before = await post();
const filler = join(directory, 'filler');
for (const bytes of [65536, 4096, 1])
  try {
    for (;;) appendFileSync(filler, Buffer.alloc(bytes));
  } catch {
    // It is full, to the last byte.
  }
// What SQLite has room for in its journal is used up first.
let full = '';
for (let i = 0; i < 10_000 && !full.startsWith('503'); i++) full = await post();
const metrics = (await fetch(`${url}metrics`)).status;
collected = feedback();
await eventually(() => events.some(({ event }) => event === 'failed'), 'it to fail');
rmSync(filler);
const later = await post();
const evidence = await eventually(
  () => events.flatMap((event) => (event.event === 'convicted' ? event.evidence : []))[0],
  'the conviction',
);
stop.abort();
await running;
console.log(JSON.stringify({ before, full, metrics, later, evidence: existsSync(evidence) }));
