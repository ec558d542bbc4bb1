// SPDX-License-Identifier: Apache-2.0
/**
 * What a keeper does for an observer that somebody has taken over: nothing that it was not told at
 * its start.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KeeperTask } from '../../src/dataplane/keeper.ts';
import { listAttached } from '../../src/dataplane/xdp.ts';
import { eventually } from '../support/eventually.ts';
import { Child, Link } from './namespaces.ts';

let link: Link;
let other: Link;
const children: Child[] = [];
before(async () => {
  [link, other] = [new Link(), new Link()];
  for (const each of [link, other]) {
    const child = new Child(each.observer);
    children.push(child);
    await child.attach({}, each);
  }
});
after(async () => {
  for (const child of children) await child.kill();
  for (const each of [link, other]) each.detach();
  link.remove();
  other.remove();
});

const KEEPER = resolve(import.meta.dirname, '../../src/dataplane/keeper-process.ts');

/** One that was told to keep the data plane of `link`, which its observer says that it has made. */
function start(): { keeper: ChildProcess; events: () => Promise<unknown[]> } {
  const watched = {
    options: { interfaceName: link.interfaceName },
    pinDirectory: link.pins ?? '',
    mtu: undefined,
  };
  const task: KeeperTask = { links: [watched], made: [link.interfaceName] };
  const args = [process.execPath, '--import', 'tsx', KEEPER, JSON.stringify(task)];
  const keeper = spawn('nsenter', [`--net=/run/netns/${link.observer}`, ...args], {
    stdio: ['pipe', 'inherit', 'inherit', 'pipe'],
  });
  let told = '';
  keeper.stdio[3]?.on('data', (chunk: Buffer) => (told += chunk.toString()));
  return {
    keeper,
    events: async () => {
      assert.deepEqual(await once(keeper, 'close'), [0, null]);
      return told
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as unknown);
    },
  };
}

/** What a keeper of an earlier version obeyed, and what reads like an order to Node itself. */
const ORDERS = [
  { do: 'remove', interfaces: [] as string[] },
  { do: 'check' },
  { do: 'watch', links: [{ options: { interfaceName: 'lo' }, pinDirectory: '' }] },
  { event: 'detached' },
  { cmd: 'NODE_HANDLE', type: 'net.Socket' },
];

test('it obeys nothing that an observer says who parses, and detaches nothing at its end', async () => {
  const { keeper, events } = start();
  keeper.stdin?.write('.');
  for (const each of [link, other])
    for (const order of ORDERS)
      keeper.stdin?.write(
        `${JSON.stringify('interfaces' in order ? { ...order, interfaces: [each.interfaceName, `../ctga/${each.interfaceName}`] } : order)}\n`,
      );
  keeper.stdin?.write(Buffer.alloc(1 << 20, '{"'));
  // As often as a keeper looks, and more.
  await sleep(1000);
  keeper.stdin?.end();
  assert.deepEqual(await events(), []);
  assert.notEqual(link.pins, undefined);
  assert.notEqual(other.pins, undefined);
  assert(!listAttached().includes('lo'));
});

test('it goes on keeping when its observer does not read, and ends with it', async () => {
  const { keeper, events } = start();
  keeper.stdin?.write('.');
  keeper.stdio[3]?.destroy();
  link.deleteInterfaces();
  await sleep(600);
  link.addInterfaces();
  await eventually(
    () => link.attached()?.link.attached === true,
    () => 'the plane to be attached again',
  );
  keeper.stdin?.destroy();
  assert.deepEqual(await events(), []);
});

test('what was made by an observer that ends before it parses anything is taken off', async () => {
  const { keeper, events } = start();
  await sleep(600);
  keeper.stdin?.end();
  assert.deepEqual(await events(), []);
  assert.equal(link.pins, undefined);
  assert.notEqual(other.pins, undefined);
});
