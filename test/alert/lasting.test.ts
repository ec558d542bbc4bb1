// SPDX-License-Identifier: Apache-2.0
/** Alerts over a store that fails now and then: none is lost, and none is sent for ever. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Alerter } from '../../src/alert/alerter.ts';
import { LastingAlerts } from '../../src/alert/lasting.ts';
import { StoreError } from '../../src/disk/error.ts';
import type { AlertStore, LookStore } from '../../src/store/alerts.ts';
import { memoryStore } from '../../src/store/state.ts';
import { fc } from '../support/random.ts';

const CHANNELS = ['mail', 'webhook'] as const;

/** A store in memory that can be made to fail, in its methods that write or in all. */
class Failing {
  fails: 'no' | 'writes' | 'all' = 'no';
  readonly inner = memoryStore().alerts;
  readonly alerts: AlertStore & LookStore = {
    raised: () => this.#read(() => this.inner.raised()),
    outbox: (channel) => this.#read(() => this.inner.outbox(channel)),
    raise: (...args) => this.#write(() => this.inner.raise(...args)),
    end: (...args) => this.#write(() => this.inner.end(...args)),
    dequeue: (...args) => this.#write(() => this.inner.dequeue(...args)),
    retryLater: (...args) => this.#write(() => this.inner.retryLater(...args)),
    lastCounts: () => this.#read(() => this.inner.lastCounts()),
    noteCounts: (...args) => this.#write(() => this.inner.noteCounts(...args)),
  };

  #read<T>(work: () => T): T {
    if (this.fails === 'all') throw new StoreError('store-failed', 'the disk is gone');
    return work();
  }

  #write(work: () => void): void {
    if (this.fails !== 'no') throw new StoreError('store-failed', 'the disk is full');
    work();
  }
}

type Step =
  | { readonly do: 'raise' | 'end'; readonly key: string }
  | {
      readonly do: 'deliver' | 'fail to deliver';
      readonly channel: (typeof CHANNELS)[number];
      /** Whether the store is given what waits while the channel sends. */
      readonly settled: boolean;
    }
  | { readonly do: 'store'; readonly fails: Failing['fails'] }
  | { readonly do: 'settle' };

const key = fc.constantFrom('a', 'b', 'c');
const channel = fc.constantFrom(...CHANNELS);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('raise' as const, 'end' as const), key }),
  fc.record({
    do: fc.constantFrom('deliver' as const, 'fail to deliver' as const),
    channel,
    settled: fc.boolean(),
  }),
  // A store that cannot be read either hides what it holds, so that is left to a test of its own.
  fc.record({
    do: fc.constant('store' as const),
    fails: fc.constantFrom('no' as const, 'writes' as const),
  }),
  fc.record({ do: fc.constant('settle' as const) }),
);

describe('alerts over a store that fails', () => {
  test('are raised, sent and ended as over one that does not', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const store = new Failing();
        const alerts = new LastingAlerts(store.alerts);
        const raised = new Set<string>();
        const pending = new Map(CHANNELS.map((name) => [name, [] as string[]]));
        let number = 0;
        const tell = (text: string): string => {
          const body = `${text} ${(number += 1)}`;
          for (const each of pending.values()) each.push(body);
          return body;
        };
        const bodies = (name: string): string[] => alerts.outbox(name).map(({ body }) => body);
        const check = (): void => {
          assert.deepEqual(
            alerts
              .raised()
              .map((each) => each.key)
              .sort(),
            [...raised].sort(),
          );
          for (const [name, expected] of pending) {
            assert.deepEqual(bodies(name).sort(), [...expected].sort());
            // Of one key, in the order in which it was told.
            for (const of of ['a', 'b', 'c']) {
              const isOf = (body: string): boolean => body.startsWith(of);
              assert.deepEqual(bodies(name).filter(isOf), expected.filter(isOf));
            }
          }
        };
        for (const each of steps) {
          switch (each.do) {
            case 'raise':
              if (raised.has(each.key)) break;
              raised.add(each.key);
              alerts.raise(
                { key: each.key, since: 1, message: each.key },
                tell(each.key),
                CHANNELS,
              );
              break;
            case 'end':
              if (raised.delete(each.key)) alerts.end(each.key, tell(each.key), CHANNELS, 2);
              break;
            case 'deliver': {
              const [first] = alerts.outbox(each.channel);
              if (first === undefined) break;
              alerts.send(first.id);
              if (each.settled) {
                alerts.settle();
                check();
              }
              alerts.dequeue(first.id);
              const left = pending.get(each.channel) ?? [];
              left.splice(left.indexOf(first.body), 1);
              break;
            }
            case 'fail to deliver': {
              const [first] = alerts.outbox(each.channel);
              if (first === undefined) break;
              alerts.retryLater(first.id, 1000);
              const again = alerts.outbox(each.channel).find(({ id }) => id === first.id);
              assert.equal(again?.due, 1000);
              assert(again.attempts > first.attempts);
              break;
            }
            case 'store':
              store.fails = each.fails;
              break;
            case 'settle':
              alerts.settle();
          }
          check();
        }
        store.fails = 'no';
        alerts.settle();
        check();
        for (const name of CHANNELS) for (const { id } of alerts.outbox(name)) alerts.dequeue(id);
        alerts.settle();
        // From now on the store alone knows which are raised.
        assert.deepEqual(
          store.inner
            .raised()
            .map((each) => each.key)
            .sort(),
          [...raised].sort(),
        );
      }),
    );
  });

  test('are sent once, though the store takes them while a slow channel sends', async () => {
    const store = new Failing();
    const sent: string[] = [];
    const sending: (() => void)[] = [];
    const slow = {
      kind: 'webhook' as const,
      name: 'webhook',
      send: ({ message }: { message: string }): Promise<void> => {
        sent.push(message);
        return new Promise((resolve) => sending.push(resolve));
      },
    };
    const inMemory = memoryStore();
    const alerter = new Alerter({
      store: Object.assign(inMemory, { alerts: store.alerts }),
      channels: [slow],
      onFailure: (message) => assert.fail(message),
    });
    const conditions = ['one', 'two'].map((name) => ({
      key: name,
      severity: 'critical' as const,
      message: name,
      remedy: 'None.',
    }));
    store.fails = 'writes';
    const first = alerter.tick(0, 0, conditions);
    assert.deepEqual(sent, ['one']);
    store.fails = 'no';
    await alerter.tick(1, 1, conditions);
    await alerter.tick(2, 2, conditions);
    assert.deepEqual(sent, ['one']);
    sending.shift()?.();
    await setImmediate();
    assert.deepEqual(sent, ['one', 'two']);
    sending.shift()?.();
    await first;
    for (const now of [3, 4, 5]) await alerter.tick(now, now, conditions);
    assert.deepEqual(sent, ['one', 'two']);
    assert.deepEqual(store.inner.outbox('webhook'), []);
    assert.equal(store.inner.raised().length, 2);
  });

  test('are raised and sent though the store cannot even be read', () => {
    const store = new Failing();
    const alerts = new LastingAlerts(store.alerts);
    store.fails = 'all';
    alerts.raise({ key: 'a', since: 1, message: 'A.' }, 'body', CHANNELS);
    assert.deepEqual(
      alerts.raised().map((each) => each.key),
      ['a'],
    );
    const [message] = alerts.outbox('mail');
    assert(message?.body === 'body');
    alerts.dequeue(message.id);
    assert.deepEqual(alerts.outbox('mail'), []);
    store.fails = 'no';
    alerts.settle();
    assert.deepEqual(store.inner.outbox('mail'), []);
    assert.equal(store.inner.outbox('webhook').length, 1);
  });
});
