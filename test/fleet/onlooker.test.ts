// SPDX-License-Identifier: Apache-2.0
/**
 * What an onlooker between a site and the bus could see if it knew what the bytes are: the lengths of
 * all that is said, each way. The times are in test/services/fleet.test.ts, by a clock that no busy
 * machine disturbs.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { runMember } from '../../src/services/fleet.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { noNats, TestFleet } from '../support/bus.ts';
import { eventually } from '../support/eventually.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const log = new SigningLog();
const BATCHES = 25;
const DUPLICATE = ',"duplicate": true';

/**
 * The lengths of what is said in NATS's protocol, by what it is: a line, and of a message its content
 * as well. Of a subject, what numbers it.
 */
function saidIn(bytes: Buffer): Map<string, Set<number>> {
  const said = new Map<string, Set<number>>();
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) break;
    const line = bytes.toString('latin1', at, end);
    const [verb = '', subject = ''] = line.split(' ');
    const content = /^(H?PUB|H?MSG)$/.test(verb) ? Number(line.split(' ').at(-1)) + 2 : 0;
    const isNumbered = /^\$JS\.ACK|^_INBOX/.test(subject);
    const what =
      verb === 'SUB' || content === 0
        ? verb
        : `${verb} ${isNumbered ? subject.slice(0, 7) : subject}`;
    const lengths = said.get(what) ?? new Set();
    const text = bytes.toString('latin1', end + 2, end + 2 + content);
    // A machine that is busy with other tests may answer late, and is told once more.
    const isMore = text.includes(DUPLICATE) ? DUPLICATE.length : 0;
    // How many batches there were, which is chance there, has more or fewer digits.
    const digits = /"seq": ?(\d+)/.exec(text)?.[1]?.length ?? 0;
    if (!text.includes('consumer_info'))
      said.set(what, lengths.add(end + 2 + content - at - isMore - digits));
    at = end + 2 + content;
  }
  return said;
}

/** Passes everything on, and keeps it. */
async function tap(
  t: TestContext,
  port: number,
): Promise<{ port: number; out: () => Buffer; back: () => Buffer }> {
  const [out, back]: [Buffer[], Buffer[]] = [[], []];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const bus = connect(port, '127.0.0.1');
    for (const socket of [client, bus]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.on('data', (chunk) => (out.push(chunk), bus.write(chunk)));
    bus.on('data', (chunk) => (back.push(chunk), client.write(chunk)));
    client.on('close', () => bus.destroy());
    bus.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    port: (server.address() as AddressInfo).port,
    out: () => Buffer.concat(out),
    back: () => Buffer.concat(back),
  };
}

/** What passes between a site and the bus while so many heads come in, again and again. */
async function lineOf(
  t: TestContext,
  heads: number,
): Promise<Record<'out' | 'back', Map<string, Set<number>>>> {
  const fleet = await TestFleet.found(t, 1);
  const [hub, site] = [fleet.join('hub', 'collector'), fleet.join('site', 'site')];
  // In the clear, for this test to read: TLS adds as many bytes each time.
  const config = join(fleet.directory, 'nodes/n1/nats-server.conf');
  writeFileSync(config, readFileSync(config, 'utf8').replace(/^tls: \{[^}]*\}/m, ''));
  await fleet.start('n1');
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const [server] = fleet.servers;
  assert(server);
  const line = await tap(t, server.port);
  const [stop, stopHub] = [new AbortController(), new AbortController()];
  const run = (
    role: 'site' | 'collector',
    own: string,
    port: number,
    signal: AbortSignal,
  ): Promise<void> =>
    runMember(
      {
        state: stateAt(join(directory, role)),
        roles: [role],
        servers: [{ ...server, port, isPlain: true }],
        directory: own,
        user: process.geteuid?.() === 0 ? 'root' : undefined,
        onEvent: () => undefined,
        warn: () => undefined,
      },
      signal,
    );
  const collecting = run('collector', hub, server.port, stopHub.signal);
  const publishing = run('site', site, line.port, stop.signal);
  const store = openForWriting(stateAt(join(directory, 'site')));
  store.logs.put([
    { key: log.key, description: 'Log', url: 'https://log.test/', api: 'rfc6962', mmd: 86_400 },
  ]);
  let size = 1;
  const feeding = setInterval(() => {
    if (heads === 0) return;
    const seen = Array.from({ length: heads }, () =>
      log.verified(size, treeOf(size++ % 50).root()),
    );
    store.heads.record(
      seen.map((head) => ({ head, source: 'eth0', firstSeen: 1, lastSeen: 1, count: 1 })),
    );
  }, 50);
  try {
    const published = (): number =>
      line.out().toString('latin1').split('HPUB _R_.ctga.sites').length - 1;
    await eventually(() => published() >= BATCHES, 'so many batches to pass');
    if (heads > 0) assert(store.publishing.state()?.epoch !== 0n);
  } finally {
    clearInterval(feeding);
    store.close();
    stop.abort();
    stopHub.abort();
    await Promise.all([publishing, collecting]);
  }
  return { out: saidIn(line.out()), back: saidIn(line.back()) };
}

test(
  'the line of a site that sees much is as that of one that sees nothing',
  { skip: noNats },
  async (t) => {
    const busy = await lineOf(t, 20);
    const idle = await lineOf(t, 0);
    // Of a connection's own beginning the ports and times have more or fewer digits.
    const ofBatches = (said: Map<string, Set<number>>): [string, number[]][] =>
      [...said]
        .filter(([what]) => /^H?(PUB|MSG) /.test(what))
        .map(([what, lengths]): [string, number[]] => [what, [...lengths].sort()])
        .sort();
    assert.deepEqual(ofBatches(busy.out), ofBatches(idle.out));
    assert.deepEqual(ofBatches(busy.back), ofBatches(idle.back));
    assert.equal(busy.out.get('HPUB _R_.ctga.sites.site')?.size, 1);
  },
);
