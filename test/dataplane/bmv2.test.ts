// SPDX-License-Identifier: Apache-2.0
/** How a P4 switch is looked after, without one. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { CtgaError } from '../../src/base/errors.ts';
import { SwitchSupervisor, type SupervisedSwitch } from '../../src/dataplane/bmv2.ts';
import type { SupervisionEvent } from '../../src/dataplane/sight.ts';
import { encodeName } from '../support/packets.ts';
import type { NameChange, P4Counters } from '../../src/p4/simple-switch.ts';

describe('a switch that is looked after', () => {
  const rules = { udpSourcePorts: [53, 5353], dnsNames: [new Uint8Array(20), new Uint8Array(200)] };
  let isThere: boolean;
  let change: NameChange;
  let told: string[];
  let events: SupervisionEvent[];
  let supervisor: SwitchSupervisor;

  /** A switch in which nothing is set yet. */
  function connect(): Promise<SupervisedSwitch> {
    const answer = <T>(value: T): Promise<T> =>
      isThere ? Promise.resolve(value) : Promise.reject(new CtgaError('kernel', 'it is gone'));
    return answer({
      close: () => undefined,
      counters: () => answer({} as P4Counters), // that there are any is all that is asked
      cpuPort: () => answer(2),
      setAnswerPorts: (ports) => answer(void told.push(`ports ${ports.join(' ')}`)),
      setSampling: ({ everyNth }) => answer(void told.push(`one in ${everyNth}`)),
      setKnownNames: (names) => {
        told.push(`${names.length} name`);
        return answer(change);
      },
    });
  }

  beforeEach(async () => {
    [isThere, told, events] = [true, [], []];
    change = { added: [], removed: [] };
    supervisor = new SwitchSupervisor({
      interfaceName: 'copies',
      connect,
      sampling: { everyNth: 3, threshold: 400 },
      rules,
      onEvent: (event) => events.push(event),
    });
    await supervisor.check();
  });
  afterEach(() => supervisor.stop());

  test('is told the rules, less the names that it cannot hold', () => {
    assert.deepEqual(told, ['ports 53 5353', 'one in 3', '1 name']);
    assert.deepEqual(events, []);
  });

  test('has its key drawn anew when that is due, and once', async () => {
    told = [];
    await supervisor.check();
    assert.deepEqual(told, []);
    supervisor.redrawKey();
    await supervisor.check();
    await supervisor.check();
    assert.deepEqual(told, ['one in 3']);
  });

  test('has its key drawn when it is back, if it was not there before', async () => {
    isThere = false;
    supervisor.redrawKey();
    await supervisor.check();
    told = [];
    isThere = true;
    await supervisor.check();
    await supervisor.check();
    assert.deepEqual(told, ['ports 53 5353', 'one in 3', '1 name']);
  });

  test('is said to look for other names, where it did not look for the same', async () => {
    assert.deepEqual(events, [], 'it looked for the same');
    isThere = false;
    await supervisor.check();
    [isThere, events] = [true, []];
    change = { added: [encodeName('sth.a.example')], removed: [encodeName('sth.b.example')] };
    await supervisor.check();
    assert.deepEqual(events[0], {
      event: 'names-changed',
      interface: 'copies',
      added: ['sth.a.example'],
      removed: ['sth.b.example'],
    });
  });

  test('is blind since a moment ago when it goes away, and told anew when it is back', async () => {
    const before = Date.now();
    isThere = false;
    await supervisor.check();
    await supervisor.check();
    assert.deepEqual(
      events.map(({ event }) => event),
      ['blind', 'still-blind'],
    );
    const [blind] = events;
    assert(blind?.event === 'blind');
    // It was found to see a moment before `before`, and not at the time of the epoch.
    assert(Math.abs(blind.since - before) < 60_000, new Date(blind.since).toISOString());
    told = [];
    isThere = true;
    await supervisor.check();
    assert.equal(events.at(-1)?.event, 'seeing-again');
    assert.deepEqual(told, ['ports 53 5353', 'one in 3', '1 name']);
  });
});
