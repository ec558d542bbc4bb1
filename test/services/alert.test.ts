// SPDX-License-Identifier: Apache-2.0
/** `ctga alert run` without a process: a store, clocks and channels of the test's own. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import {
  commandChannel,
  mailChannel,
  webhookChannel,
  type Alert,
  type Channel,
} from '../../src/alert/channels.ts';
import { beat } from '../../src/alert/heartbeat.ts';
import { listenAt } from '../../src/base/listen.ts';
import { directWay } from '../../src/http/request.ts';
import { federationEvidenceIn } from '../../src/federation/directory.ts';
import { MemberStore } from '../../src/fleet/members.ts';
import { poolEvidenceIn } from '../../src/pool/directory.ts';
import { AlertService, sendAlerts, testChannels } from '../../src/services/alert.ts';
import { openDatabase } from '../../src/store/sqlite/open.ts';
import {
  openForWriting,
  stateAt,
  storeFiles,
  storeExists,
  type State,
} from '../../src/store/state.ts';
import { makeEvidence } from '../../src/evidence/bundle.ts';
import { judgeWithoutProof } from '../../src/evidence/judge.ts';
import { chainEvidence, writeEvidence } from '../../src/evidence/write.ts';
import { accusation, head } from '../federation/network.ts';
import { eventually } from '../support/eventually.ts';
import { makeMember } from '../support/federation-store.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { planeState } from '../support/plane-state.ts';

const log = new SigningLog();

/** Writes the evidence of a split view as an observer does that cannot write its store. */
function proveFork({ evidence }: Pick<State, 'evidence'>): string {
  const [first, second] = ['a', 'b'].map((branch) => log.verified(3, treeOf(3, branch).root()));
  assert(first !== undefined && second !== undefined);
  const finding = judgeWithoutProof(first, second);
  assert(finding?.verdict === 'fork-proven');
  const named = log.asLog({ description: 'A log' });
  return writeEvidence(evidence, makeEvidence(named, first, second, finding, START));
}

const UNHEARD_OF = {
  heard: [],
  allowance: { left: 1, at: 1, number: 1 },
  clockOff: 0,
  batches: 1,
  waiting: 0,
  givenUp: 0,
};

const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;

describe('the alert service', () => {
  let state: State;
  let service: AlertService;
  let now: number;
  let sent: Alert[];
  let warnings: string[];
  let beats: number;
  let chains: { readonly length: number }[];
  let heartbeatFails: boolean;

  const channel: Channel = {
    kind: 'command',
    name: 'test',
    send: (alert) => {
      sent.push(alert);
      return Promise.resolve();
    },
  };

  function putPlane(blindSince: number | null): void {
    const store = openForWriting(state);
    store.planes.put('eth0', planeState({ blindSince }), now);
    store.close();
  }

  const anew = (): AlertService =>
    new AlertService({
      state,
      channels: [channel],
      heartbeat: {
        send: (chain) => {
          if (chain !== undefined) chains.push(chain);
          beats += 1;
          return heartbeatFails ? Promise.reject(new Error('away')) : Promise.resolve();
        },
        every: 5 * MINUTE,
      },
      clock: { now: () => now, elapsed: () => now - START },
      warn: (message) => void warnings.push(message),
    });

  beforeEach(() => {
    state = stateAt(mkdtempSync(join(tmpdir(), 'ctga-test-')));
    [now, sent, warnings, beats, heartbeatFails] = [START, [], [], 0, false];
    chains = [];
    service = anew();
  });
  afterEach(() => {
    service.close();
    rmSync(state.directory, { recursive: true });
  });

  test('tells of a split view that a pool found', async () => {
    const path = proveFork({ evidence: poolEvidenceIn(state.directory) });
    await service.look();
    await service.look();
    assert.deepEqual(
      sent.map(({ key, remedy }) => [key, remedy.includes(path)]),
      [[`fork:${basename(path)}`, true]],
    );
  });

  test('tells of what a federation found, of its silence, and of members that lie', async () => {
    const path = proveFork({ evidence: federationEvidenceIn(state.directory) });
    const first = Math.floor(START / MINUTE);
    const member = makeMember(state.directory, first);
    member.state(first, accusation(1));
    const told = async (): Promise<string[]> => {
      now += MINUTE;
      await service.look();
      return sent.splice(0).map(({ event, key }) => `${event} ${key}`);
    };
    const accused = `federation-accused:${Buffer.alloc(32, 2).toString('base64')}`;
    assert.deepEqual(await told(), [`alert fork:${basename(path)}`, `alert ${accused}`]);
    member.state(first + 1, head(1, 5));
    assert.deepEqual(await told(), [`recovery ${accused}`]);
    member.convict();
    assert.deepEqual(await told(), ['alert federation-member:a']);
    now += 15 * MINUTE;
    assert.deepEqual(await told(), ['alert federation-silent']);
    member.state(Math.floor(now / MINUTE), head(1, 6));
    assert.deepEqual(await told(), ['recovery federation-silent']);
    assert.deepEqual(warnings, []);
  });

  test('tells of what a fleet lost while no alerter ran', async () => {
    const members = MemberStore.open(state.directory);
    const hear = (missing: number): void =>
      members.put([{ ...UNHEARD_OF, member: 'ams', lastHeard: now, missing }], new Map());
    members.putFleet({
      fleet: 'test',
      self: 'hub',
      intervalSeconds: 10,
      members: [
        { name: 'hub', role: 'collector' },
        { name: 'ams', role: 'site' },
      ],
    });
    hear(7);
    await service.look();
    service.close();
    now += MINUTE;
    hear(8);
    service = anew();
    await service.look();
    now += 16 * MINUTE;
    hear(8);
    await service.look();
    assert.deepEqual(
      sent.map(({ event, key }) => `${event} ${key}`),
      ['alert fleet-missing:ams', 'recovery fleet-missing:ams'],
    );
    members.close();
  });

  test('tells of evidence that is missing, changed or not in the chain, and of a chain that was cut', async () => {
    const path = proveFork(state);
    await service.look();
    assert.deepEqual(
      sent.map(({ severity }) => severity),
      ['critical'],
    );
    assert.equal(chains.at(-1)?.length, 1);
    sent = [];
    const bytes = readFileSync(path);
    const chain = join(state.evidence, 'chain.txt');
    const lines = readFileSync(chain);
    const faults = async (): Promise<string[]> => {
      now += 5 * MINUTE;
      // What is being kept just then is no fault: only what was so at the last look too.
      await service.look();
      await service.look();
      return sent
        .splice(0)
        .filter(({ key }) => !key.startsWith('fork:'))
        .map(({ event, message }) => `${event} ${message}`);
    };
    const name = basename(path);
    rmSync(path);
    assert.deepEqual(await faults(), [
      `alert The evidence ${name} is in the chain and is missing.`,
    ]);
    writeFileSync(path, `${bytes.toString()} `);
    assert.match(
      (await faults()).join(),
      /alert .* was changed.*recovery .*missing|recovery .*missing.*alert .* was changed/,
    );
    rmSync(path);
    writeFileSync(path, bytes);
    assert.match((await faults()).join(), /recovery .* was changed/);
    writeFileSync(join(state.evidence, 'forged.json'), '{}');
    assert.deepEqual(await faults(), ['alert The evidence forged.json is not in the chain.']);
    writeFileSync(chain, lines.subarray(0, 40));
    assert.match((await faults()).join(), /chain of evidence is broken: its last line, .* is gone/);
    writeFileSync(chain, lines);
    await faults();
    // One that was made anew hangs together, and is another.
    rmSync(chain);
    chainEvidence(state.evidence);
    assert.deepEqual(await faults(), []);
    writeFileSync(chain, lines.toString().replace(name, `x${name}`));
    assert.match((await faults()).join(), /is gone/);
  });

  test('sends heartbeats at their interval, and none while an interface is blind', async () => {
    putPlane(null);
    await service.look();
    now += MINUTE;
    await service.look();
    assert.equal(beats, 1);
    now += 5 * MINUTE;
    putPlane(START);
    await service.look();
    assert.deepEqual(
      sent.map(({ event }) => event),
      ['alert'],
    );
    assert.equal(beats, 1, 'blind');
    now += 5 * MINUTE;
    putPlane(null);
    await service.look();
    assert.deepEqual(
      sent.map(({ event }) => event),
      ['alert', 'recovery'],
    );
    assert.equal(beats, 2);
  });

  test('goes on when a heartbeat fails', async () => {
    heartbeatFails = true;
    await service.look();
    assert.deepEqual(warnings, ['the heartbeat failed: away']);
  });

  test('goes on in a new store when the old one was removed', async () => {
    await service.look();
    for (const file of storeFiles(state)) rmSync(file, { force: true });
    putPlane(START);
    await service.look();
    assert.deepEqual(
      sent.map(({ key }) => key),
      ['blind:eth0'],
    );
  });

  test('one slow channel holds up neither the others nor the heartbeat', async () => {
    const [fast, slow]: [string[], string[]] = [[], []];
    let release = (): void => assert.fail('nothing was sent');
    const channels: Channel[] = [
      {
        kind: 'command',
        name: 'slow',
        send: ({ event, key }) => {
          slow.push(`${event} ${key}`);
          return new Promise((resolve) => (release = resolve));
        },
      },
      {
        kind: 'command',
        name: 'fast',
        send: ({ event, key }) => Promise.resolve(void fast.push(`${event} ${key}`)),
      },
    ];
    const other = new AlertService({
      state,
      channels,
      heartbeat: { send: () => Promise.resolve(void (beats += 1)), every: MINUTE },
      clock: { now: () => now, elapsed: () => now - START },
      warn: (message) => void warnings.push(message),
    });
    putPlane(START);
    const first = other.look();
    await new Promise(setImmediate);
    now += MINUTE;
    putPlane(null);
    await other.look();
    assert.deepEqual(fast, ['alert blind:eth0', 'recovery blind:eth0']);
    assert.deepEqual(slow, ['alert blind:eth0']);
    assert.equal(beats, 1);
    release();
    await new Promise(setImmediate);
    release();
    await first;
    assert.deepEqual(slow, ['alert blind:eth0']);
    const last = other.look();
    release();
    await last;
    assert.deepEqual(slow, fast);
    other.close();
  });

  describe('while nothing can be written', () => {
    /** As root, a directory's mode forbids nothing: what is written there fails as on a full disk. */
    function breakDisk(): () => void {
      const probe = join(state.directory, `probe.${process.pid}.tmp`);
      mkdirSync(probe);
      const other = openDatabase(state.database);
      other.exec('BEGIN IMMEDIATE');
      return () => {
        rmSync(probe, { recursive: true });
        other.close();
      };
    }

    test('says so, and of split views, without a store, and sends no heartbeat', async () => {
      await service.look();
      assert.equal(beats, 1);
      const mend = breakDisk();
      now += 5 * MINUTE;
      await service.look();
      const evidence = proveFork(state);
      await service.look();
      await service.look();
      assert.deepEqual(
        sent.map(({ event, key }) => `${event} ${key}`),
        ['alert store-failed', `alert fork:${basename(evidence)}`],
      );
      assert.match(sent[0]?.message ?? '', /^Nothing can be written in /);
      assert.match(
        sent[1]?.message ?? '',
        /^SPLIT VIEW PROVEN: A log signed trees of size 3 and 3 /,
      );
      now += 5 * MINUTE;
      await service.look();
      assert.equal(beats, 1);
      mend();
      await service.look();
      now += 5 * MINUTE;
      await service.look();
      assert.equal(beats, 2);
      assert.deepEqual(
        sent.slice(2).map(({ event, key }) => `${event} ${key}`),
        ['recovery store-failed'],
      );
      // Over a restart, the split view is not told again.
      service.close();
      service = anew();
      await service.look();
      assert.equal(sent.length, 3);
    });
  });

  test('becomes its account before it opens the store, and ends when it is told to', async () => {
    const stop = new AbortController();
    const done: string[] = [];
    const fresh = stateAt(join(state.directory, 'fresh'));
    const running = sendAlerts(
      {
        state: fresh,
        user: 'somebody',
        channels: [channel],
        heartbeat: { send: () => Promise.resolve(), every: MINUTE },
        clock: { now: () => now, elapsed: () => 0 },
        warn: (message) => void warnings.push(message),
        onStarted: () => void done.push('started'),
      },
      stop.signal,
      (_, user) => {
        done.push(`${user ?? ''}, ${storeExists(fresh) ? 'late' : 'in time'}`);
        return user;
      },
    );
    stop.abort();
    await running;
    assert.deepEqual([done, warnings], [['somebody, in time', 'started'], []]);
  });

  test('gives up commands and mail that go on when it is to end', async () => {
    const at = (name: string): string => join(state.directory, name);
    const long = (name: string): string =>
      `trap 'echo >${at(name)}-ended; exit 1' TERM; echo >${at(name)}-begun; sleep 86400 & wait`;
    writeFileSync(at('sendmail'), `#!/bin/sh\n${long('mail')}\n`, { mode: 0o700 });
    const over = new AbortController();
    const heartbeat = {
      fetch: () => Promise.reject(new Error('nobody asks')),
      command: long('beat'),
      stop: over.signal,
    };
    proveFork(state);
    const stop = new AbortController();
    const running = sendAlerts(
      {
        state,
        user: undefined,
        channels: [
          commandChannel(long('command')),
          mailChannel('somebody@example.net', at('sendmail'), at('no-helper')),
        ],
        heartbeat: { send: () => beat(heartbeat), every: MINUTE, close: () => over.abort() },
        clock: { now: () => now, elapsed: () => 0 },
        warn: (message) => void warnings.push(message),
        onStarted: () => undefined,
      },
      stop.signal,
      () => undefined,
    );
    const names = ['beat', 'command', 'mail'];
    await eventually(() => names.every((name) => existsSync(`${at(name)}-begun`)), 'all to begin');
    stop.abort();
    await running;
    for (const name of names)
      await eventually(() => existsSync(`${at(name)}-ended`), `${name} to be told to end`);
    assert.deepEqual(warnings, []);
  });

  test('gives up a webhook and a heartbeat that do not answer when it is to end, and says nothing', async () => {
    const asked: string[] = [];
    const silent = createServer(({ url = '' }) => void asked.push(url));
    const { url } = await listenAt(silent, { address: '127.0.0.1', port: 0 });
    const { fetch, close } = directWay({ allowPrivateAddress: true });
    const webhook = webhookChannel({
      url: `${url}hook`,
      secret: undefined,
      allowPrivateAddress: true,
    });
    const path = proveFork(state);
    const stop = new AbortController();
    try {
      const running = sendAlerts(
        {
          state,
          user: undefined,
          channels: [webhook],
          heartbeat: { send: () => beat({ url: `${url}beat`, fetch }), every: MINUTE, close },
          clock: { now: () => now, elapsed: () => 0 },
          warn: (message) => void warnings.push(message),
          onStarted: () => undefined,
        },
        stop.signal,
        () => undefined,
      );
      await eventually(() => asked.length === 2, 'both to be asked');
      stop.abort();
      await running;
    } finally {
      silent.close();
      silent.closeAllConnections();
    }
    assert.deepEqual(asked.sort(), ['/beat', '/hook']);
    assert.deepEqual(warnings, []);
    // It goes out at the next start.
    const store = openForWriting(state);
    const [queued, ...more] = store.alerts.outbox(webhook.name);
    store.close();
    assert.match(queued?.body ?? '', new RegExp(basename(path)));
    assert.deepEqual(more, []);
  });

  test('starts with a database that is damaged, and says what became of it', () => {
    const damaged = stateAt(mkdtempSync(join(tmpdir(), 'ctga-test-')));
    writeFileSync(damaged.database, 'not a database, and not an empty file either'.repeat(100));
    const said: string[] = [];
    const other = new AlertService({
      state: damaged,
      channels: [],
      heartbeat: { send: () => Promise.resolve(), every: MINUTE },
      clock: { now: () => now, elapsed: () => 0 },
      warn: (message) => void said.push(message),
    });
    other.close();
    rmSync(damaged.directory, { recursive: true });
    assert.match(said.join('\n'), /it is kept as .*a new one is started/);
  });
});

test('a test of channels says of each whether it delivered', async () => {
  const results = await testChannels(
    [
      { kind: 'command', name: 'works', send: () => Promise.resolve() },
      { kind: 'command', name: 'fails', send: () => Promise.reject(new Error('down')) },
    ],
    START,
  );
  assert.deepEqual(results, [
    { channel: 'works', error: null },
    { channel: 'fails', error: 'down' },
  ]);
});
