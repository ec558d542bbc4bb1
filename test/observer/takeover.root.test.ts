// SPDX-License-Identifier: Apache-2.0
/**
 * Sightings over the life of processes: real packets, the real program, `ctga attach` killed and
 * started again.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openForReading, stateAt } from '../../src/store/state.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { Link, OBSERVER_ADDRESS, PEER_ADDRESS } from '../dataplane/namespaces.ts';
import { CTGA } from '../support/ctga.ts';
import { dnsAnswer, ethernet, ipv4, udp } from '../support/packets.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';
import { eventually } from '../support/eventually.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
chmodSync(directory, 0o755); // for the account that the observer becomes
const log = new SigningLog();
const tree = treeOf(9);
const running = new Set<ChildProcess>();
let link: Link;

before(() => {
  link = new Link();
  writeFileSync(join(directory, 'list.json'), logListOf({ alpha: log }));
});
after(() => {
  for (const child of running) child.kill('SIGKILL');
  link.detach();
  link.remove();
  rmSync(directory, { recursive: true });
});

/** The answer as it comes from a resolver: other ID, case and TTL each time do not matter here. */
function frameOf(size: number, timestamp?: bigint): Uint8Array {
  const addresses = { source: PEER_ADDRESS, destination: OBSERVER_ADDRESS };
  const message = dnsAnswer({
    name: 'sth.alpha.example',
    strings: [formatTreeHeadText(log.sign(size, tree.root(size), timestamp))],
    compressed: true,
  });
  const payload = udp({ ...addresses, destinationPort: 40_000, payload: message });
  const frame = ethernet({ payload: ipv4({ ...addresses, payload }) });
  frame.fill(0xff, 0, 6);
  return frame;
}

async function attach(): Promise<ChildProcess> {
  const child = spawn(
    'nsenter',
    [
      `--net=/run/netns/${link.observer}`,
      '--',
      CTGA,
      'attach',
      link.interfaceName,
      '--state-dir',
      join(directory, 'state'),
      '--log-list',
      join(directory, 'list.json'),
    ],
    { env: { ...process.env, CTGA_NODE: process.execPath }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  running.add(child);
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await eventually(() => {
    assert.equal(child.exitCode, null, said);
    return said.includes('Ctrl-C');
  }, 'ctga to attach');
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = new Promise((resolve) => child.once('close', resolve));
  // nsenter becomes ctga, and ctga node: all of them are this process.
  child.kill(signal);
  await ended;
  running.delete(child);
}

/** Sightings by tree size, as they are on disk. */
function stored(): Record<string, number> {
  const store = openForReading(stateAt(join(directory, 'state')));
  const counts = store.heads
    .latest()
    .map(({ treeSize, count }) => [String(treeSize), count] as const);
  store.close();
  return Object.fromEntries(counts);
}

/** Until the program has looked at so many answers. */
async function matched(answers: bigint): Promise<void> {
  await eventually(
    () => (link.attached()?.counters.answers ?? 0n) >= answers,
    `${answers} answers to be counted`,
  );
}

test('every sighting counts once, though most were only counted in the kernel and the reader was killed', async () => {
  const [first, second] = [frameOf(5), frameOf(6)];
  const times = (frame: Uint8Array, count: number): Uint8Array[] =>
    Array.from({ length: count }, () => frame);

  const killed = await attach();
  await link.sendFrames(times(first, 30));
  await matched(30n);
  await eventually(
    () => existsSync(join(directory, 'state', 'ctga.db')) && (stored()['5'] ?? 0) > 0,
    'the tree of size 5 in the store',
  );
  await end(killed, 'SIGKILL');

  // Nobody reads: a head that is new waits in the ring, and repeats in the cache.
  await link.sendFrames([...times(first, 20), ...times(second, 25)]);
  await matched(75n);

  const next = await attach();
  await link.sendFrames([...times(first, 10), ...times(second, 5)]);
  await matched(90n);
  await end(next, 'SIGTERM');

  assert.deepEqual(stored(), { '5': 60, '6': 30 });
  const { answersSeen = 0n, answersCopied = 0n } = link.attached()?.counters ?? {};
  assert.equal(answersSeen + answersCopied, 90n);
  assert(answersSeen >= 80n, `${answersSeen} were only counted`);
  assert.equal(
    spawnSync('ip', ['-n', link.observer, 'link', 'show', link.interfaceName]).status,
    0,
  );
});

test('1,300 tree heads that pass while nobody reads are all there when somebody does', async () => {
  const distinct = Array.from({ length: 1300 }, (_, i) =>
    frameOf(7, 1_700_000_000_000n + BigInt(i)),
  );
  const heads = (): number => {
    const store = openForReading(stateAt(join(directory, 'state')));
    const count = store.heads.latest().filter(({ treeSize }) => treeSize === 7n).length;
    store.close();
    return count;
  };
  await end(await attach(), 'SIGKILL');
  const before = link.attached()?.counters ?? assert.fail();
  for (let i = 0; i < distinct.length; i += 100) await link.sendFrames(distinct.slice(i, i + 100));
  await matched(before.answers + 1300n);
  const next = await attach();
  const { answersRingFull, answersOverBudget } = link.attached()?.counters ?? assert.fail();
  const missed = Number(
    answersRingFull - before.answersRingFull + answersOverBudget - before.answersOverBudget,
  );
  assert.equal(missed, 0);
  await eventually(
    () => heads() === 1300,
    () => `1,300 heads in the store, which has ${heads()}`,
  );
  await end(next, 'SIGTERM');
  assert.deepEqual(readdirSync(join(directory, 'state', 'backlog')), []);
});
