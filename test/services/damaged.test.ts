// SPDX-License-Identifier: Apache-2.0
/**
 * Services whose own database is damaged while they run: each ends, and says what was found and what
 * becomes of it; started again, each begins anew, but the witness, who may not.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { nkeys } from '@nats-io/transport-node';
import { StoreError } from '../../src/disk/error.ts';
import { realSleep, systemClock } from '../../src/base/clock.ts';
import { NETWORKS } from '../../src/carbonchain/header.ts';
import { BusError } from '../../src/fleet/bus.ts';
import { formatRoster } from '../../src/fleet/roster.ts';
import { directWay } from '../../src/http/request.ts';
import { audit } from '../../src/services/audit.ts';
import { runClient } from '../../src/services/client.ts';
import { serveDdt } from '../../src/services/ddt.ts';
import { servePool } from '../../src/services/pool.ts';
import { runFederation } from '../../src/services/federation.ts';
import { runMember, type MemberBus } from '../../src/services/fleet.ts';
import { makeWitness, serveWitness } from '../../src/services/witness.ts';
import { stateAt, type State } from '../../src/store/state.ts';
import { FakeNode } from '../carbonchain/blocks.ts';
import { ctga } from '../support/ctga.ts';
import { damage } from '../support/damage.ts';
import { eventually } from '../support/eventually.ts';
import { member, rosterOf } from '../support/fleet-members.ts';
import { SigningLog } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const log = new SigningLog().asLog();
const bitcoin = new FakeNode('node');
for (let i = 0; i < 3; i++) bitcoin.mine([]);
const LOOPBACK = { address: '127.0.0.1', port: 0 };
const nobody = (): undefined => undefined;
interface Told {
  readonly event: string;
  readonly url?: string;
}

const BUS_AWAY: MemberBus = {
  isUp: false,
  connect: () => Promise.reject(new BusError('bus-unreachable', 'nobody is there')),
  publish: () => Promise.reject(new BusError('bus-unreachable', 'nobody is there')),
  prepare: () => Promise.resolve(),
  consume: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

interface Service {
  readonly name: string;
  readonly database: string;
  readonly mayBeginAnew: boolean;
  /** What has to be there before it starts. */
  readonly prepare?: (state: State) => unknown;
  readonly run: (
    state: State,
    onEvent: (event: Told) => unknown,
    stop: AbortSignal,
  ) => Promise<unknown>;
  /** What it tells when it has its database open. */
  readonly begun: string;
  /** Has it look into the database. */
  readonly poke?: (url: string) => Promise<unknown>;
}

const SERVICES: readonly Service[] = [
  {
    name: 'pool',
    database: 'pool/pool.sqlite',
    mayBeginAnew: true,
    run: (state, onEvent, stop) =>
      servePool(
        {
          ...LOOPBACK,
          state,
          domains: ['www.example.net'],
          logs: [log],
          auditors: [],
          way: directWay({}),
          user: undefined,
          onEvent,
        },
        stop,
        nobody,
      ),
    begun: 'listening',
    poke: (url) => fetch(`${url}.well-known/ct/v1/collected-sct-feedback`),
  },
  {
    name: 'witness',
    database: 'witness/witness.sqlite',
    mayBeginAnew: false,
    prepare: (state) => makeWitness(state, 'witness.test/w', undefined, nobody),
    run: (state, onEvent, stop) =>
      serveWitness(
        {
          ...LOOPBACK,
          state,
          logs: [log],
          tls: undefined,
          feedEvery: undefined,
          proxies: [],
          open: () => directWay({}),
          user: undefined,
          onEvent,
        },
        stop,
        nobody,
      ),
    begun: 'listening',
    poke: (url) => fetch(`${url}metrics`),
  },
  {
    name: 'auditor',
    database: 'audit/audit.sqlite',
    mayBeginAnew: true,
    run: (state, onEvent, stop) =>
      audit(
        {
          state,
          logs: [log],
          pools: [],
          listen: LOOPBACK,
          proxies: [],
          open: () => directWay({}),
          every: 1000,
          delay: 0,
          mix: 100_000,
          user: undefined,
          onEvent,
        },
        stop,
        nobody,
      ),
    begun: 'listening',
  },
  {
    name: 'client',
    database: 'client/client.sqlite',
    mayBeginAnew: true,
    run: (state, onEvent, stop) =>
      runClient(
        {
          state,
          logs: [log],
          zones: new Map(),
          resolvers: () => [],
          interval: 1000,
          maxDelay: 86_400_000,
          pools: ['https://pool.test/'],
          pollinateVisited: false,
          openWay: () => directWay({}),
          onEvent,
        },
        stop,
      ),
    begun: 'listening',
  },
  {
    name: 'member of a fleet',
    database: 'fleet/members.db',
    mayBeginAnew: true,
    prepare: ({ directory: state }) => {
      const site = member('router');
      const key = site.key.export({ type: 'pkcs8', format: 'pem' }).toString();
      writeFileSync(join(state, 'fleet.json'), formatRoster(rosterOf([site], 10)));
      writeFileSync(join(state, 'member.key'), key);
      writeFileSync(join(state, 'bus.nkey'), nkeys.createUser().getSeed());
    },
    run: (state, onEvent, stop) =>
      runMember(
        {
          state,
          roles: ['site'],
          servers: [],
          directory: state.directory,
          user: undefined,
          onEvent,
          warn: () => undefined,
        },
        stop,
        {
          ...systemClock,
          becomeAccount: nobody,
          openBus: () => BUS_AWAY,
          sleep: (milliseconds, signal) => realSleep(Math.min(20, milliseconds), signal),
        },
      ),
    begun: 'started',
  },
  {
    name: 'member of a federation',
    database: 'federation/federation.sqlite',
    mayBeginAnew: true,
    prepare: makeFederation,
    run: (state, onEvent, stop) =>
      runFederation(
        { ...LOOPBACK, state, logs: [log], proxy: undefined, user: undefined, onEvent },
        stop,
        nobody,
      ),
    begun: 'listening',
  },
  {
    name: 'reader of a Bitcoin chain',
    database: 'chain-regtest.db',
    mayBeginAnew: true,
    run: (state, onEvent, stop) =>
      serveDdt(
        {
          ...LOOPBACK,
          network: NETWORKS.regtest,
          nodes: [bitcoin],
          directory: state.directory,
          onEvent,
          every: 20,
        },
        stop,
      ),
    begun: 'listening',
  },
];

/** Of four, of whom one runs; whoever begins anew joins anew. */
async function makeFederation(state: State): Promise<void> {
  const at = (name: string): string => join(state.directory, name);
  const must = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await ctga(['federation', ...args]);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const all = ['a', 'b', 'c', 'd'].map((name) => ({
    name,
    state: ['--state-dir', name === 'a' ? state.directory : at(name)],
  }));
  for (const [i, { name, state: own }] of all.entries()) {
    const url = `https://127.0.0.1:${10_001 + i}/`;
    writeFileSync(at(`${name}.json`), await must('join', '--name', name, '--url', url, ...own));
  }
  const members = all.map(({ name }) => at(`${name}.json`));
  writeFileSync(
    at('draft'),
    await must('init', '--federation', 'test', '--every', '2', ...members),
  );
  for (const { name, state: own } of all)
    writeFileSync(at(`${name}.sig`), await must('join', at('draft'), ...own));
  const signatures = all.map(({ name }) => at(`${name}.sig`));
  writeFileSync(at('roster'), await must('init', '--draft', at('draft'), ...signatures));
  for (const { state: own } of all) await must('join', at('roster'), ...own);
}

describe('a database that is damaged while it is in use ends the service', () => {
  for (const [i, each] of SERVICES.entries())
    test(`of a ${each.name}`, { timeout: 600_000 }, async () => {
      const state = stateAt(join(directory, String(i)));
      mkdirSync(state.directory);
      await each.prepare?.(state);
      const path = join(state.directory, each.database);
      const told: Told[] = [];
      const running = each.run(state, (event) => told.push(event), new AbortController().signal);
      let failure: unknown;
      running.catch((error: unknown) => (failure = error));
      const begun = await eventually(
        () => told.find(({ event }) => event === each.begun),
        () => `it to begin: ${JSON.stringify(told)} ${String(failure)}`,
      );
      damage(path);
      await eventually(
        async () => {
          if (failure === undefined) await each.poke?.(begun.url ?? '').catch(() => undefined);
          return failure !== undefined;
        },
        () => `it to end: ${JSON.stringify(told)}`,
      );
      assert(failure instanceof StoreError, String(failure));
      assert.equal(failure.code, 'store-damaged');
      assert(failure.message.startsWith(`${path} is damaged: `), failure.message);
      assert.match(failure.remedy ?? '', each.mayBeginAnew ? /begins anew: / : /with new keys/);
      assert.equal(existsSync(`${path}.damaged`), each.mayBeginAnew);
      if (!each.mayBeginAnew)
        return assert.rejects(
          each.run(state, () => undefined, new AbortController().signal),
          { code: 'store-damaged' },
        );
      if (each.prepare === makeFederation)
        await ctga([
          ...[
            'federation',
            'join',
            join(state.directory, 'roster'),
            '--state-dir',
            state.directory,
          ],
        ]);
      const stop = new AbortController();
      const again: Told[] = [];
      const second = each.run(state, (event) => again.push(event), stop.signal);
      await Promise.race([
        second,
        eventually(() => again.some(({ event }) => event === each.begun), 'it to begin anew'),
      ]);
      stop.abort();
      await second;
    });
});
