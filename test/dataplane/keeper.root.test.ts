// SPDX-License-Identifier: Apache-2.0
/**
 * What a keeper does for an observer that somebody has taken over: nothing that it was not told
 * before.
 */
import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KeeperRequest } from '../../src/dataplane/keeper.ts';
import { listAttached } from '../../src/dataplane/xdp.ts';
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

function start(): { keeper: ChildProcess; ask: (request: KeeperRequest) => void } {
  const keeper = fork(resolve(import.meta.dirname, '../../src/dataplane/keeper-process.ts'), {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return { keeper, ask: (request) => void keeper.send(request) };
}

test('it keeps what it is told first alone, detaches nothing else, and ends with its observer', async () => {
  const { keeper, ask } = start();
  const plane = ({ interfaceName, pins = '' }: Link) => ({
    options: { interfaceName },
    pinDirectory: pins,
    mtu: undefined,
  });
  const events: unknown[] = [];
  keeper.on('message', (message) => events.push(message));
  ask({ do: 'watch', links: [plane(link)] });
  ask({
    do: 'watch',
    links: [plane(other), { options: { interfaceName: 'lo' }, pinDirectory: '', mtu: undefined }],
  });
  const answered = once(keeper, 'message');
  ask({
    do: 'remove',
    interfaces: [other.interfaceName, `../ctga/${other.interfaceName}`, link.interfaceName],
  });
  await answered;
  assert.notEqual(other.pins, undefined);
  assert.equal(link.pins, undefined);
  // As often as a keeper looks, and more.
  await sleep(1000);
  assert(!listAttached().includes('lo'));
  assert.deepEqual(events, [{ event: 'removed' }]);
  const ended = once(keeper, 'exit');
  keeper.disconnect();
  assert.deepEqual(await ended, [0, null]);
});
