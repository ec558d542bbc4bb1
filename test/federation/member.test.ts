// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agreed, Network, type Node } from './network.ts';

const FAST = { patience: 300 };
const periodOf = (network: Network): number =>
  Math.floor(network.now / (network.roster.body.period * 1000));

/** What all of them hold for agreed in a period, which has to be the same. */
function common(nodes: readonly Node[], period: number): string[] {
  const [first = [], ...others] = nodes.map((node) => agreed(node, period));
  for (const other of others) assert.deepEqual(other, first);
  return first;
}

test('members agree at once, without a time-out', () => {
  const network = new Network({ count: 4, logs: 3, changes: FAST });
  const period = periodOf(network);
  network.run(50);
  assert.equal(common(network.nodes, period).length, 3);
});

test('as many may be silent as the threshold leaves, also the first leaders', () => {
  const network = new Network({ count: 7, logs: 2, changes: FAST });
  for (const silent of [0, 1]) network.node(silent).isUp = false;
  for (let i = 0; i < 4; i++) {
    const period = periodOf(network);
    network.run(5000);
    assert.equal(common(network.nodes.slice(2), period).length, 2);
    network.runToNextPeriod();
  }
});

test('one more silent, and nothing is stated', () => {
  const network = new Network({ count: 4, logs: 1, changes: FAST });
  for (const silent of [0, 1]) network.node(silent).isUp = false;
  const period = periodOf(network);
  network.run(20_000);
  assert.deepEqual(common(network.nodes.slice(2), period), []);
});

test('the newest tree that a threshold has seen is stated', () => {
  const network = new Network({ count: 4, logs: 1, changes: FAST });
  const sizes = [100, 130, 120, 110];
  network.nodes.forEach(({ found }, i) => found.logs.set(0, sizes[i] ?? 0));
  const period = periodOf(network);
  network.run(2000);
  assert.match(common(network.nodes, period).join(), /^log 01 head (100|110) /);
});

test('an accusation takes a threshold to begin and to end', () => {
  const network = new Network({ count: 4, logs: 1, changes: FAST });
  const say = (...silent: readonly number[]): string => {
    network.nodes.forEach(({ found }, i) => found.logs.set(0, silent.includes(i) ? 'silent' : 100));
    network.runToNextPeriod();
    const period = periodOf(network);
    network.run(5000);
    return common(network.nodes, period).join();
  };
  assert.match(say(), /head 100/);
  assert.match(say(0), /head 100/);
  assert.equal(say(0, 1), '', 'two of four are no threshold for either');
  assert.match(say(0, 1, 2), /accusation/);
  const [latest] = network.node(3).member.latest();
  assert.equal(latest?.item.statement.kind, 'accusation');
  assert.equal(say(0, 1), '');
  assert.equal(network.node(3).member.latest()[0]?.item.statement.kind, 'accusation');
  assert.match(say(0), /head 100/);
  assert.equal(network.node(3).member.latest()[0]?.item.statement.kind, 'head');
});

test('who was away a week has it all, and is sent nothing twice', () => {
  const network = new Network({ count: 4, logs: 1, changes: { ...FAST, period: 1 } });
  const away = network.node(3);
  away.isUp = false;
  const first = periodOf(network);
  for (let i = 0; i < 40; i++) network.runToNextPeriod();
  const last = periodOf(network) - 1;
  away.isUp = true;
  network.run(4000);
  for (let period = first; period <= last; period++)
    assert.equal(common(network.nodes, period).length, 1, `period ${period}`);
  const before = network.nodes.map(({ sent }) => sent.bytes);
  network.run(2000);
  const after = network.nodes.map(({ sent }, i) => sent.bytes - (before[i] ?? 0));
  assert.ok(Math.max(...after) < 20_000, `they send ${after.join(', ')} bytes in two periods`);
});

test('evidence reaches all, convicts for ever, and no more heads of that log are stated', () => {
  const network = new Network({ count: 4, logs: 2, changes: FAST });
  network.run(1000);
  network.give(network.node(2), { kind: 'evidence', bytes: Uint8Array.of(0xbb, 0) });
  network.runToNextPeriod();
  const period = periodOf(network);
  network.run(5000);
  assert.match(common(network.nodes, period).join(), /^log 02 head 100 \w+$/);
  for (const { member } of network.nodes) assert.equal(member.evidence().size, 1);
  // What convicts nobody is nothing.
  network.give(network.node(1), { kind: 'evidence', bytes: Uint8Array.of(1) });
  assert.equal(network.node(1).member.evidence().size, 1);
});
