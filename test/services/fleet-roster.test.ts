// SPDX-License-Identifier: Apache-2.0
/**
 * What a collector does whose roster is edited while it runs, and what it says of a disk that is full:
 * by a clock and a bus of the test's own.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { nkeys } from '@nats-io/transport-node';
import { Packer } from '../../src/fleet/batch.ts';
import { BusError } from '../../src/fleet/bus.ts';
import type { Message } from '../../src/fleet/collector.ts';
import { MemberStore } from '../../src/fleet/members.ts';
import { formatRoster, type Roster } from '../../src/fleet/roster.ts';
import { runMember, type FleetEvent, type MemberBus } from '../../src/services/fleet.ts';
import { stateAt } from '../../src/store/state.ts';
import { eventually } from '../support/eventually.ts';
import { member, rosterOf, type TestMember } from '../support/fleet-members.ts';

const BEGAN = 1_700_000_000_000;
const [hub, ams, ber] = [member('hub', 'collector'), member('ams'), member('ber')];

/** A collector that runs, for as long as somebody moves its clock. */
class RunningHub {
  readonly events: FleetEvent[] = [];
  /** The members of each roster for which the bus was made ready. */
  readonly prepared: string[][] = [];
  readonly members: () => MemberStore | undefined;
  mayPrepare = true;
  readonly #directory: string;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  #elapsed = 0;
  #sleepers: { readonly until: number; readonly wake: () => void }[] = [];
  #take: (messages: readonly Message[]) => void = () => undefined;
  #number = 0;

  static async begin(t: TestContext, roster: Roster): Promise<RunningHub> {
    const running = new RunningHub(t, roster);
    await eventually(() => running.#sleepers.length > 0, 'the collector to run');
    return running;
  }

  private constructor(t: TestContext, roster: Roster) {
    const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    this.#directory = directory;
    const pem = hub.key.export({ type: 'pkcs8', format: 'pem' }).toString();
    writeFileSync(join(directory, 'member.key'), pem);
    writeFileSync(join(directory, 'bus.nkey'), nkeys.createUser().getSeed());
    this.put(formatRoster(roster));
    const state = stateAt(join(directory, 'state'));
    this.members = () => MemberStore.openForReading(state.directory);
    const bus: MemberBus = {
      isUp: true,
      connect: () => Promise.resolve(),
      publish: () => Promise.resolve(),
      prepare: ({ members }) => {
        if (!this.mayPrepare) return Promise.reject(new BusError('bus-refused', 'no majority'));
        this.prepared.push(members.map(({ name }) => name));
        return Promise.resolve();
      },
      consume: (take, signal) => {
        this.#take = take;
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
      },
      close: () => Promise.resolve(),
    };
    this.#ended = runMember(
      {
        ...{ state, roles: ['collector'], servers: [], directory },
        user: process.geteuid?.() === 0 ? 'root' : undefined,
        onEvent: (event) => this.events.push(event),
        warn: (message) => assert.fail(message),
      },
      this.#stop.signal,
      {
        now: () => BEGAN + this.#elapsed,
        elapsed: () => this.#elapsed,
        becomeAccount: () => undefined,
        openBus: () => bus,
        sleep: (milliseconds, signal) =>
          new Promise((wake) => {
            this.#sleepers.push({ until: this.#elapsed + Math.max(0, milliseconds), wake });
            if (signal.aborted) wake();
            signal.addEventListener('abort', () => wake(), { once: true });
          }),
      },
    );
    t.after(async () => {
      this.#stop.abort();
      await this.#ended;
      rmSync(directory, { recursive: true });
    });
  }

  put(text: string): void {
    writeFileSync(join(this.#directory, 'fleet.json'), text);
  }

  /** Whoever sleeps shortest wakes up first, when nobody does anything any more. */
  async pass(seconds: number): Promise<void> {
    const end = this.#elapsed + seconds * 1000;
    for (;;) {
      for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
      const next = this.#sleepers.toSorted((a, b) => a.until - b.until)[0];
      if (next === undefined || next.until > end) break;
      this.#sleepers = this.#sleepers.filter((each) => each !== next);
      this.#elapsed = Math.max(this.#elapsed, next.until);
      next.wake();
    }
    this.#elapsed = end;
  }

  /** The bus brings what a member says. */
  bring({ name, key }: TestMember, bytes?: Uint8Array): void {
    const number = ++this.#number;
    const envelope = { epoch: 1n, sequence: BigInt(number), store: 'aaaaaaaa', clock: BEGAN };
    const said = { ...envelope, previous: undefined, givenUp: 0, waiting: 0, member: name };
    const batch = bytes ?? new Packer(8192).seal(said, key);
    this.#take([{ member: name, bytes: batch, storedAt: BEGAN + this.#elapsed, number }]);
  }

  of(event: FleetEvent['event']): string[] {
    return this.events.flatMap((each) =>
      each.event !== event ? [] : 'message' in each ? [each.message] : [JSON.stringify(each)],
    );
  }
}

test('a roster that becomes half a file while a collector runs is told once in ten minutes', async (t) => {
  const all = rosterOf([hub, ams], 10);
  const running = await RunningHub.begin(t, all);
  await running.pass(61);
  running.put(formatRoster(all).slice(0, 300));
  await running.pass(600);
  assert.equal(running.of('failed').length, 1, running.of('failed').join('\n'));
  assert.match(running.of('failed')[0] ?? '', /it ends in the middle: until that is mended/);
  running.bring(ams);
  assert.deepEqual(running.of('refused'), [], 'who was in it is heard');
  running.put(formatRoster(rosterOf([hub, ams, ber], 10)));
  await running.pass(120);
  running.bring(ber);
  assert.deepEqual(running.of('refused'), [], 'and who joined when it was whole again');
});

test('who joins while the bus has no majority gets a place on it when it has', async (t) => {
  const running = await RunningHub.begin(t, rosterOf([hub, ams], 10));
  await running.pass(30);
  assert.deepEqual(running.prepared.splice(0), [['hub', 'ams']]);
  running.mayPrepare = false;
  running.put(formatRoster(rosterOf([hub, ams, ber], 10)));
  await running.pass(300);
  assert.deepEqual(running.of('failed'), ['no majority']);
  running.mayPrepare = true;
  await running.pass(200);
  assert.deepEqual(running.prepared, [['hub', 'ams', 'ber']]);
  assert.deepEqual(running.of('mended'), ['no majority']);
});

test('who was taken out is not told to be silent, nor who was never let say anything', async (t) => {
  const running = await RunningHub.begin(t, rosterOf([hub, ams, ber], 10));
  await running.pass(30);
  running.bring(ams);
  running.bring(ber, new Uint8Array(8192));
  running.put(formatRoster(rosterOf([hub, ber], 10)));
  await running.pass(600);
  assert.deepEqual(running.of('silent'), []);
  const members = running.members();
  assert(members);
  assert.deepEqual(
    members.fleet()?.members.map(({ name }) => name),
    ['hub', 'ber'],
  );
  members.close();
});

test('what is refused is told once in an hour, however much of it comes', async (t) => {
  const running = await RunningHub.begin(t, rosterOf([hub, ams], 10));
  await running.pass(30);
  for (let i = 0; i < 360; i++) {
    running.bring(ams, new Uint8Array(8192));
    await running.pass(10);
  }
  const { length } = running.of('refused');
  assert(length === 1 || length === 2, `${length} times`);
});
