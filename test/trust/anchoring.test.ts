// SPDX-License-Identifier: Apache-2.0
/** `ctga trust log serve` puts its tree into a chain once a period, whatever happens in between. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { sha256, toHex as hex } from '../../src/carbonchain/bytes.ts';
import { NETWORKS } from '../../src/carbonchain/header.ts';
import { readOts } from '../../src/carbonchain/ots.ts';
import { readPurse } from '../../src/carbonchain/send.ts';
import { encodeCommand, signCommand } from '../../src/ddt/version1.ts';
import { parsePolicy } from '../../src/statements/policy.ts';
import { serveTrustLog, type TrustLogEvent } from '../../src/services/trust-log.ts';
import { networkOfLog } from '../../src/trust/log-entry.ts';
import { idOf } from '../carbonchain/blocks.ts';
import { Miner } from '../carbonchain/miner.ts';
import { eventually } from '../support/eventually.ts';
import { OwnLog, signed, signing } from './logs.ts';

const network = NETWORKS.regtest;
const own = readPurse('01'.repeat(32), network);
const ONE = `sha256:${'ab'.repeat(32)}`;
/** In seconds: many of them go by in the test. */
const PERIOD = 0.2;

function anchoredLog(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-anchoring-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const log = OwnLog.make(t);
  log.grow(signing({}));
  const node = new Miner(own.owner);
  const policy = parsePolicy(Buffer.from(`log ${log.vkey}\nquorum none\n`));
  const events: TrustLogEvent[] = [];
  let stop = new AbortController();
  let ended: Promise<void> = Promise.resolve();
  const start = async (): Promise<void> => {
    stop = new AbortController();
    const from = events.length;
    const chain = { network, nodes: [node], directory, purse: own, onEvent: () => undefined };
    ended = serveTrustLog(
      {
        directory: log.path,
        address: '127.0.0.1',
        port: 0,
        policy,
        fetch: () => Promise.reject(new Error('there is no witness')),
        refresh: 600,
        anchoring: { chain, period: PERIOD, fee: 2000n, every: 10 },
        onEvent: (event) => events.push(event),
      },
      stop.signal,
    );
    await eventually(
      () => events.slice(from).some(({ event }) => event === 'listening'),
      'the log',
    );
  };
  const end = async (): Promise<void> => {
    stop.abort();
    await ended;
  };
  t.after(end);
  const of = <E extends TrustLogEvent['event']>(name: E): Extract<TrustLogEvent, { event: E }>[] =>
    events.filter((each) => each.event === name) as Extract<TrustLogEvent, { event: E }>[];
  const many = async <E extends TrustLogEvent['event']>(name: E, count: number) =>
    eventually(
      () => of(name).length >= count && of(name)[count - 1],
      () => `${count} x ${name}: ${JSON.stringify(events)}`,
    );
  const add = async (tag: string, serial: number): Promise<void> => {
    const { url } = of('listening').at(-1) as { url: string };
    const [command, key] = signed(tag, ONE, serial);
    const bytes = encodeCommand(signCommand(command, key, networkOfLog(log.key)));
    const answer = await fetch(`${url}add`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ command: hex(bytes) }),
    });
    assert.equal(answer.status, 200, await answer.text());
  };
  const file = (name: string): string => join(log.path, 'public', name);
  /** The stamp of a size leads from the checkpoint beside it to a block that the node has. */
  const holds = (size: number, height: number): void => {
    const ots = readOts(readFileSync(file(`anchors/${size}.ots`)));
    assert.equal(hex(ots.digest), hex(sha256(readFileSync(file(`anchors/${size}`)))));
    assert.deepEqual(
      ots.blocks.map((block) => [block.height, hex(block.root)]),
      [[height, node.rootAt(height)]],
    );
    assert.equal(readFileSync(file('anchor'), 'utf8').trim(), String(size));
  };
  return { node, start, end, of, many, add, file, holds };
}

test('a log is anchored once it is there, and again each period in which it grew', async (t) => {
  const { node, start, of, many, add, file, holds } = anchoredLog(t);
  await start();
  assert.equal((await many('anchoring', 1)).size, 2);
  // It does not count before six blocks have it.
  node.mine(node.sent.slice(0, 1));
  for (let i = 0; i < 4; i++) node.mine();
  await sleep(100);
  assert.deepEqual([of('anchored'), existsSync(file('anchor'))], [[], false]);
  node.mine();
  const { size, height } = await many('anchored', 1);
  assert.equal(size, 2);
  holds(2, height);
  // Periods go by in which nothing was added: nobody pays for what is there already.
  await sleep(5 * 1000 * PERIOD);
  assert.equal(of('anchoring').length, 1);
  // What is added in a period goes in by one transaction, however much it is.
  await add('v1', 3);
  const second = await many('anchoring', 2);
  assert.notEqual(second.transaction, of('anchoring')[0]?.transaction);
  await add('v2', 4);
  await add('v3', 5);
  node.settle();
  holds(second.size, (await many('anchored', 2)).height);
  const third = await many('anchoring', 3);
  assert.equal(third.size, 5);
  assert.equal(node.settle().length, 1);
  holds(5, (await many('anchored', 3)).height);
  await sleep(5 * 1000 * PERIOD);
  assert.equal(of('anchoring').length, 3);
  assert.deepEqual(of('failed'), []);
});

test('who ends in between goes on with what was paid for, and a block that leaves takes nothing', async (t) => {
  const { node, start, end, many, holds } = anchoredLog(t);
  await start();
  const { transaction: paid } = await many('anchoring', 1);
  await end();
  await start();
  const again = await many('anchoring', 2);
  assert.deepEqual([again.size, again.transaction], [2, paid]);
  // It is in a block with four above it, and the blocks leave the chain; others come, without it.
  const ids = node.settle();
  assert.deepEqual(ids, [paid]);
  node.undo(6, ids);
  for (let i = 0; i < 7; i++) node.mine([], 1);
  await sleep(100);
  node.settle(1);
  const { height } = await many('anchored', 1);
  holds(2, height);
  assert.deepEqual(new Set(node.sent.map(idOf)), new Set([paid]), 'one transaction was ever made');
});
