// SPDX-License-Identifier: Apache-2.0
/** CTng's programs on loopback: the recorded run against ours, hostile input, and what they keep. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readGossiperConfig, readMonitorConfig } from '../../src/ctng/config.ts';
import { signaturesBy } from '../../src/ctng/crypto.ts';
import { Outbox, Turns } from '../../src/ctng/endpoint.ts';
import { Gossiper } from '../../src/ctng/gossiper.ts';
import { startGossiper, startMonitor, type NodeEvent } from '../../src/ctng/nodes.ts';
import {
  decodeObject,
  encodeObject,
  encodeObjects,
  fullText,
  type GossipObject,
} from '../../src/ctng/object.ts';
import { Periods } from '../../src/ctng/periods.ts';
import { freeNames, sampleFiles, writeSample, type Names } from '../../src/ctng/sample.ts';
import { ctga } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { needsShared, readShared, sharedPath } from '../support/shared.ts';

test('the sample run holds', async () => {
  const run = await ctga(['ctng', 'sample-run', '--period', '10s', '--periods', '2', '--json']);
  assert.equal(run.code, 0, run.stdout + run.stderr);
  const { held, counters } = JSON.parse(run.stdout) as {
    held: boolean;
    counters: Record<string, unknown>[][];
  };
  assert(held);
  // As on the slides, but for what may come a little later there.
  for (const run of counters)
    assert.deepEqual(Object.values(run[1] ?? {}).slice(2), [1, 2, 8, 2, 0, 4, 8, 2, 0, 2, 4, 1]);
});

test('gossiper 1, told what the recorded run told it', { skip: needsShared('ctng') }, () => {
  const config = readGossiperConfig(
    sharedPath('ctng/gossiper_pub_config.json') ?? '',
    sharedPath('ctng/gossiper1-config.json') ?? '',
    sharedPath('ctng/gossiper1-crypto.json') ?? '',
  );
  let now = 13 * 60_000;
  const due: { at: number; work: () => void }[] = [];
  const said: GossipObject[] = [];
  const gossiper = new Gossiper({
    signatures: signaturesBy(config.keys),
    periods: new Periods(60_000, () => now),
    later: (work) => due.push({ at: now + config.gossipWait * 1000, work }),
    gossip: (object) => said.push(object),
    toOwner: () => undefined,
  });
  const start = now;
  const advance = (to: number): void => {
    for (;;) {
      due.sort((a, b) => a.at - b.at);
      const [next] = due;
      if (next === undefined || next.at > to) break;
      due.shift();
      now = next.at;
      next.work();
    }
    now = to;
  };
  const counted: unknown[] = [];
  const theirs: GossipObject[] = [];
  for (const line of readShared('ctng/messages.jsonl').toString().trim().split('\n')) {
    const { seconds, to } = JSON.parse(line) as { seconds: number; to: number };
    const object = decodeObject(line.slice(line.indexOf('"object":') + 9, -1));
    while (seconds * 1000 > (counted.length + 0.5) * 60_000) {
      advance(start + (counted.length + 0.5) * 60_000);
      counted.push(Object.values(gossiper.counters()).slice(2).join());
      gossiper.wipe();
    }
    advance(start + seconds * 1000);
    if (to === 8080) assert.notEqual(gossiper.take(object).kind, 'refused', encodeObject(object));
    if (to === 8082 && object.signer === 'localhost:8080') theirs.push(object);
  }
  assert.deepEqual(counted, ['1,1,4,2,0,2,4,2,0,1,2,1', '1,2,8,2,0,4,8,2,0,2,4,1']);
  // BLS has one signature of a message: it said what the Go program said.
  const parts = new Set(said.map(({ type, signature }) => type + signature[0]));
  assert(theirs.length > 4);
  for (const { type, signature } of theirs) assert(parts.has(type + signature[0]), type);
});

test('who sends a flood waits for itself, and others do not', async () => {
  const turns = new Turns();
  const order: string[] = [];
  const runs: Promise<number>[] = [];
  for (let i = 0; i < 300; i++) runs.push(turns.run('flood', 1, () => order.push('flood')));
  runs.push(turns.run('honest', 1, () => order.push('honest')));
  const done = await Promise.allSettled(runs);
  assert.equal(done.filter(({ status }) => status === 'rejected').length, 44);
  assert.deepEqual(order.slice(0, 3), ['flood', 'honest', 'flood']);
  assert.equal(order.length, 257);
});

test('what waits is bounded by its size too', async () => {
  const turns = new Turns();
  const size = 2 ** 18;
  const [own, all] = [2 ** 21 / size, 2 ** 25 / size];
  const runs: Promise<number>[] = [];
  for (let i = 0; i < own + 1; i++) runs.push(turns.run('flood', size, () => i));
  for (let i = 0; i < all; i++) runs.push(turns.run(`${i}`, size, () => i));
  const refused = (await Promise.allSettled(runs)).map(({ status }) => status === 'rejected');
  assert(refused[own]);
  assert.equal(refused.filter(Boolean).length, 1 + own);
  // What has been checked counts no more.
  assert.equal(await turns.run('flood', size, () => 7), 7);
});

test('a peer that does not answer loses the oldest of what it is to be told', async () => {
  let answer = (): void => undefined;
  const told: string[] = [];
  const outbox = new Outbox('http://peer/', async (_url, { post } = {}) => {
    told.push(String(post).slice(0, 3));
    await new Promise<void>((resolve) => (answer = resolve));
    return { status: 200, body: Buffer.alloc(0), headers: {} } as never;
  });
  const count = 100;
  for (let i = 0; i < count; i++) outbox.tell(String(i).padEnd(2 ** 18));
  await eventually(() => (answer(), told.length === 65), 'the newest');
  answer();
  // The first was under way, and of the others 2^24 characters are kept.
  assert.deepEqual([told[0], told[1], told.at(-1)], ['0  ', '36 ', '99 ']);
});

test('networks that run beside each other have no port in common', async () => {
  const sets = await freeNames(40);
  const ports = sets.flatMap((names) => Object.values(names).flat() as string[]);
  assert.equal(ports.length, 560);
  assert.equal(new Set(ports).size, ports.length);
});

describe('on the network', () => {
  let directory: string;
  let names: Names;
  const periods = new Periods();
  const files = (kind: 'gossiper' | 'monitor', i: number): [string, string, string] =>
    sampleFiles(kind, i).map((path) => join(directory, path)) as [string, string, string];
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    [names] = (await freeNames(1)) as [Names];
    await writeSample(directory, names, 60);
  });
  after(() => rmSync(directory, { recursive: true }));

  /** What two gossipers have signed against Logger 1. */
  function conviction(): GossipObject {
    const [logger = ''] = names.loggers;
    const [one, other] = ['x', 'y'].map(
      (root) => `${logger}{"Timestamp":"13","RootHash":"${root}","TreeSize":0}`,
    ) as [string, string];
    const payload = [logger, one, other] as const;
    const all = [1, 3].map((i) => signaturesBy(readGossiperConfig(...files('gossiper', i)).keys));
    const parts = all.map((each) => each.signPart(payload.join('')));
    return {
      type: 'CON_FULL',
      period: '0',
      signer: '',
      signers: all.map(({ self }) => self),
      signature: [fullText(all[0]?.combine(parts) ?? { bytes: new Uint8Array(), ids: [] }), ''],
      timestamp: periods.timestamp,
      cryptoScheme: 'BLS',
      payload,
    };
  }

  interface Said {
    readonly status: number;
    readonly body: string;
  }

  function post(to: string, path: string, body: string, from = '127.0.0.1'): Promise<Said> {
    return new Promise((resolve, reject) => {
      const asking = request(`http://${to}${path}`, {
        method: 'POST',
        localAddress: from,
        family: 4,
        agent: false,
      });
      asking.once('error', reject);
      asking.once('response', (response: IncomingMessage) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.once('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      });
      asking.end(body);
    });
  }

  const PUSH = '/gossip/push-data';

  test('a gossiper says what is wrong with what it is sent, and bounds it', async () => {
    const gossiper = names.gossipers[0] ?? '';
    const config = readGossiperConfig(...files('gossiper', 1));
    const node = await startGossiper(config, join(directory, 'g1'), { periods, onEvent: ignore });
    try {
      const accusation: GossipObject = {
        type: 'ACC',
        period: String(periods.current),
        signer: names.monitors[1] ?? '',
        signers: undefined,
        signature: [`{"sig":"00","id":"${names.monitors[1] ?? ''}"}`, ''],
        timestamp: periods.timestamp,
        cryptoScheme: 'RSA',
        payload: [names.loggers[0] ?? '', '', ''],
      };
      const cases: [path: string, body: string, status: number, want: RegExp][] = [
        [PUSH, '{', 400, /no JSON/],
        [PUSH, 'x'.repeat(2 ** 20 + 1), 413, /larger than/],
        [PUSH, '{"application":"CTng"}', 200, /The object has the type ''/],
        [PUSH, encodeObject(accusation), 200, /The object has a signature of something else/],
        ['/gossip/other', '{}', 404, /Nothing is here/],
        ['/gossip/', '{}', 405, /Only GET/],
      ];
      for (const [path, body, status, want] of cases) {
        const said = await post(gossiper, path, body);
        assert.equal(said.status, status, body.slice(0, 80));
        assert.match(said.body, want);
      }
    } finally {
      await node.stop();
    }
  });

  test('connections that one address opens by the hundred keep nobody else out', async () => {
    const gossiper = names.gossipers[0] ?? '';
    const config = readGossiperConfig(...files('gossiper', 1));
    const node = await startGossiper(config, join(directory, 'g1'), { periods, onEvent: ignore });
    let closed = 0;
    const held = Array.from({ length: 600 }, () =>
      connect({ port: config.port, host: '127.0.0.1', localAddress: '127.0.0.2' })
        .on('error', () => undefined)
        .on('close', () => (closed += 1)),
    );
    try {
      await eventually(() => closed === 600 - 64, 'those above the limit are closed');
      assert.equal((await post(gossiper, PUSH, '{')).status, 400);
    } finally {
      for (const socket of held) socket.destroy();
      await node.stop();
    }
  });

  test('whom they have convicted they know when they are started again', async () => {
    const at = join(directory, 'kept');
    const config = readGossiperConfig(...files('gossiper', 1));
    const gossiper = names.gossipers[0] ?? '';
    for (const want of [/^$/, /already stored/]) {
      const node = await startGossiper(config, at, { periods, onEvent: ignore });
      assert.match((await post(gossiper, PUSH, encodeObject(conviction()))).body, want);
      await node.stop();
    }
    const file = join(at, 'CONFLICT_POM.json');
    assert.equal(readFileSync(file, 'utf8').match(/"type"/g)?.length, 1);
    // A file that somebody has changed convicts nobody, and is said.
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replaceAll('"y\\"', '"z\\"').replaceAll('\\"y\\"', '\\"z\\"'),
    );
    const events: NodeEvent[] = [];
    const node = await startGossiper(config, at, {
      periods,
      onEvent: (event) => events.push(event),
    });
    await node.stop();
    assert(
      events.some((event) => event.event === 'failed' && /is left out/.test(event.why)),
      JSON.stringify(events),
    );
  });

  test('a monitor takes nothing unchecked, accuses nobody for what others send, and tells clients', async () => {
    const heard: string[] = [];
    const updates: string[] = [];
    const listen = async (
      port: number,
      into: string[],
    ): Promise<ReturnType<typeof createServer>> => {
      const server = createServer((asked, response) => {
        let text = '';
        asked.on('data', (chunk: Buffer) => (text += chunk.toString()));
        asked.once('end', () => (into.push(text), response.end()));
      }).listen(port, '127.0.0.1');
      await once(server, 'listening');
      return server;
    };
    const config = readMonitorConfig(...files('monitor', 1));
    const [monitor = '', logger = ''] = [names.monitors[0], names.loggers[0]];
    const gossiper = await listen(Number(config.gossiper.replace(/.*:/, '')), heard);
    const client = await listen(0, updates);
    const at = join(directory, 'm1');
    // Its clock stands still in a period, so it asks nobody, and of what it says all is of others.
    const middle = 60_000 * (Math.floor(Date.now() / 60_000) + 0.5);
    const still = new Periods(60_000, () => middle);
    const node = await startMonitor(config, at, { periods: still, onEvent: ignore });
    try {
      const from = '/monitor/recieve-gossip-from-gossiper';
      const full = conviction();
      const forged = {
        ...full,
        payload: [logger, full.payload[1], full.payload[1].replace('x', 'w')] as const,
      };
      assert.match((await post(monitor, from, encodeObject(forged))).body, /of something else/);
      const head: GossipObject = {
        ...full,
        type: 'STH',
        signer: logger,
        signers: undefined,
        period: '13',
        signature: [`{"sig":"00","id":"${logger}"}`, ''],
        cryptoScheme: 'RSA',
        payload: [logger, full.payload[1].slice(logger.length), ''],
      };
      const invalid = await post(monitor, '/monitor/recieve-gossip', encodeObject(head));
      assert.match(invalid.body, /of something else/);
      assert.deepEqual(await post(monitor, from, encodeObject(full)), { status: 200, body: '' });
      assert.equal(readFileSync(join(at, 'CONFLICT_POM.json'), 'utf8'), encodeObjects([full]));

      const { port } = client.address() as AddressInfo;
      const query = (host: string): string =>
        JSON.stringify({ Client_URL: host, LastUpdatePeriod: '0' });
      const update = await post(monitor, '/monitor/get-updates', query(`127.0.0.1:${port}`));
      const { PoMs, MonitorID, PoMsig } = JSON.parse(update.body) as Record<string, unknown>;
      assert.deepEqual(PoMs, [JSON.parse(encodeObject(full))]);
      assert.equal(MonitorID, monitor);
      assert.match(String(PoMsig), /^\{"sig":"[0-9a-f]{512}"/);
      await eventually(() => updates.length === 1, 'the update at the client');
      assert.equal(updates[0], update.body);
      // Somebody else names the client, and it is sent nothing.
      await post(monitor, '/monitor/get-updates', query(`127.0.0.1:${port}`), '127.0.0.2');
      assert.equal((await post(monitor, '/monitor/get-updates', '{}')).status, 400);
      assert.equal((await post(monitor, '/monitor/checkforme', '{}')).status, 200);
      await node.stop();
      assert.equal(updates.length, 1);
      assert.deepEqual(heard, []);
    } finally {
      await node.stop();
      gossiper.close();
      client.close();
    }
  });

  test('one that asks accuses who does not answer as asked, and nobody who is convicted', async () => {
    const config = readMonitorConfig(...files('monitor', 3));
    const answer = { body: '' };
    const logger = createServer((_, response) => response.end(answer.body));
    const [, port = ''] = /:(\d+)$/.exec(config.loggers[0] ?? '') ?? [];
    await once(logger.listen(Number(port), '127.0.0.1'), 'listening');
    const at = join(directory, 'm3');
    const ask = async (count: number): Promise<Map<string, string>> => {
      const accused = new Map<string, string>();
      const onEvent = (event: NodeEvent): void => {
        if (event.event === 'accused') accused.set(event.entity, event.why);
      };
      const node = await startMonitor(config, at, { periods, onEvent }, 'once');
      await eventually(() => accused.size >= count, 'who is mute is accused');
      await node.stop();
      return accused;
    };
    try {
      const silent = await ask(4);
      assert.match(silent.get(config.loggers[0] ?? '') ?? '', /no JSON/);
      answer.body = encodeObject(conviction());
      assert.match((await ask(4)).get(config.loggers[0] ?? '') ?? '', /answers with CON_FULL/);
      writeFileSync(join(at, 'CONFLICT_POM.json'), encodeObjects([conviction()]));
      assert(!(await ask(3)).has(config.loggers[0] ?? ''));
    } finally {
      logger.close();
    }
  });
});

function ignore(): void {}
