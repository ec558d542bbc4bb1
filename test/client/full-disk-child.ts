// SPDX-License-Identifier: Apache-2.0
/**
 * Run by full-disk.root.test.ts on a small disk of its own: `full-disk-child.ts DIRECTORY` runs a
 * client there, fills the disk, brings it a chain and has the log fork, makes room again, and
 * prints what became of it all as JSON.
 */
import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { encodeBase64 } from '../../src/base/base64.ts';
import { frame, FrameReader } from '../../src/client/frames.ts';
import { DnsServer } from '../../src/dns/server.ts';
import { isEvidence } from '../../src/evidence/write.ts';
import { directWay } from '../../src/http/request.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { Authority as NameServer } from '../../src/mirror/authority.ts';
import { runClient, type ClientEvent } from '../../src/services/client.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { stateAt } from '../../src/store/state.ts';
import { FENCE, statusAfterAll } from '../support/client-status.ts';
import { eventually } from '../support/eventually.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const [, , directory = ''] = process.argv;
const log = new SigningLog();
const ca = new Authority();
let branch = 'a';
let questions = 0;
const treeHead = (): string => {
  questions += 1;
  return formatTreeHeadText(log.sign(64, treeOf(64, branch).root(), BigInt(Date.now())));
};
const dns = new DnsServer(
  new NameServer({ zones: new Map([['log.example', { treeHead }]]), ttl: 0 }),
);
const { port } = await dns.listen({ address: '127.0.0.1', port: 0 });
const events: ClientEvent[] = [];
const stop = new AbortController();
const state = stateAt(join(directory, 'state'));
const known = log.asLog();
const running = runClient(
  {
    state,
    logs: [known],
    zones: new Map([[known, 'log.example']]),
    resolvers: () => [{ address: '127.0.0.1', port }],
    interval: 200,
    maxDelay: 200,
    pools: [],
    pollinateVisited: false,
    openWay: () => directWay({}),
    onEvent: (event) => void events.push(event),
  },
  stop.signal,
);
await eventually(() => events.some(({ event }) => event === 'head'), 'a head');

const answers: { type: string; message?: string; scts?: { origin: string }[] }[] = [];
const reader = new FrameReader();
const socket = connect(join(state.directory, 'client/socket')).on('data', (bytes: Buffer) => {
  for (const body of reader.take(bytes))
    answers.push(JSON.parse(body.toString()) as (typeof answers)[number]);
});
const say = (message: unknown): void => void socket.write(frame(JSON.stringify(message)));
let sites = 0;
/** Brings a chain, and says whether it was kept. */
const bring = async (): Promise<string> => {
  const origin = `https://${sites++}.example`;
  const timestamp = BigInt(Date.now());
  const chain = [ca.issue([new URL(origin).hostname], { logs: [log], timestamp }), ca.der];
  const from = answers.length;
  say({ type: 'seen', origin, chain: chain.map(encodeBase64) });
  const { scts } = await statusAfterAll(say, answers);
  const all = answers.slice(from);
  if (all.some(({ type, message }) => type === 'error' && message !== FENCE)) return 'error';
  return scts?.some((each) => each.origin === origin) === true ? 'kept' : 'lost';
};
const filler = join(directory, 'filler');
const fill = (): void => {
  for (const bytes of [65_536, 4096, 1])
    try {
      for (;;) appendFileSync(filler, Buffer.alloc(bytes));
    } catch {
      // It is full.
    }
};

const before = await bring();
fill();
const whileFull = await bring();
const asked = questions;
await eventually(() => questions > asked + 2, 'the next questions');
branch = 'b';
const found = await eventually(
  () => events.find((event) => event.event === 'fork-proven'),
  'the fork to be proven',
);
const holds = isEvidence(readFileSync(found.evidence, 'utf8'));
rmSync(filler);
const later = await bring();
socket.destroy();
stop.abort();
const { isForkProven } = await running;
await dns.close();
console.log(JSON.stringify({ before, whileFull, holds, later, isForkProven }));
