// SPDX-License-Identifier: Apache-2.0
/** `ctga dns serve` without a process: a log in memory, a clock, and a resolver on loopback. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Log } from '../../src/logs/log.ts';
import { FollowedHashes } from '../../src/mirror/followed.ts';
import { PublishedHeads } from '../../src/mirror/published.ts';
import { DnsService, servedZones, type DnsServiceEvent } from '../../src/services/serve.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const HOUR = 3_600_000;
const signing = new SigningLog();
const log = signing.asLog({ description: "A 'Rome' log" });

describe('the DNS service', () => {
  test('publishes a tree head, no newer one within the hour, and tells what it does', async () => {
    let now = 0;
    let size = 40;
    const events: DnsServiceEvent[] = [];
    const start = (): Promise<DnsService> =>
      DnsService.start({
        zones: new Map([
          ['ct.test', undefined],
          ['rome.ct.test', log],
        ]),
        published: new PublishedHeads(directory),
        followed: new FollowedHashes(directory, () => 0),
        fetchFor: () => () => {
          const head = signing.sign(size, treeOf(size).root());
          const body = Buffer.from(JSON.stringify(treeHeadToJson(head)));
          return Promise.resolve({ status: 200, body, etag: undefined, retryAfter: undefined });
        },
        interval: HOUR,
        answersPerSecond: 100,
        listen: [{ address: '127.0.0.1', port: 0 }],
        addresses: [],
        now: () => now,
        onEvent: (event) => events.push(event),
      });
    const sizeServed = async (): Promise<string | undefined> => {
      const listening = events.findLast((event) => event.event === 'listening');
      const resolver = new Resolver({ timeout: 5000, tries: 2 });
      resolver.setServers([`127.0.0.1:${listening?.port ?? 0}`]);
      const [[text = ''] = []] = await resolver.resolveTxt('sth.rome.ct.test');
      return text.split('.')[0];
    };
    const service = await start();
    assert.equal(await sizeServed(), '40');
    await service.close();
    size = 50;
    now = HOUR - 1;
    const again = await start();
    assert.equal(await sizeServed(), '40', 'a restart does not make it publish sooner');
    await again.close();
    assert.deepEqual(
      events.map(({ event }) => event),
      ['listening', 'published', 'listening'],
    );
  });

  test('that cannot listen somewhere listens nowhere', async () => {
    const events: DnsServiceEvent[] = [];
    await assert.rejects(
      DnsService.start({
        zones: new Map([['ct.test', undefined]]),
        published: new PublishedHeads(directory),
        followed: new FollowedHashes(directory, () => 0),
        fetchFor: () => () => Promise.reject(new Error('nothing is asked')),
        interval: HOUR,
        answersPerSecond: 100,
        listen: [
          { address: '127.0.0.1', port: 0 },
          { address: '192.0.2.1', port: 0 }, // RFC 5737: no host has it
        ],
        addresses: [],
        now: () => 0,
        onEvent: (event) => events.push(event),
      }),
      /192\.0\.2\.1/,
    );
    // The port of the first is free again.
    const [listening] = events;
    assert(listening?.event === 'listening');
    const socket = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject).bind(listening.port, '127.0.0.1', resolve);
    });
    socket.close();
  });
});

describe('the zones that are served', () => {
  const listed: Log = { ...log, dns: 'rome.of.its.operator.example' };
  const cases: [string, Parameters<typeof servedZones>[1], string[]][] = [
    [
      'below a suffix, but not the zone of a list',
      { zones: [], zoneSuffix: 'CT.example.net.' },
      ['ct.example.net', 'rome.ct.example.net'],
    ],
    ['by hand', { zones: ['mine.example=rome'] }, ['mine.example']],
    [
      'both',
      { zones: ['mine.example=rome'], zoneSuffix: 'ct.example.net' },
      ['ct.example.net', 'rome.ct.example.net', 'mine.example'],
    ],
  ];
  for (const [name, options, want] of cases)
    test(name, () => {
      const zones = servedZones([listed], options);
      assert.deepEqual([...zones.keys()], want);
      assert.equal(zones.get(want.at(-1) ?? ''), listed, 'the log itself, as it is listed');
    });

  test('none is an error that says what to give', () => {
    assert.throws(() => servedZones([log], { zones: [] }), /in which zone/);
  });
});
