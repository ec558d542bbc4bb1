// SPDX-License-Identifier: Apache-2.0
/**
 * A store that another process holds for long: what is copied meanwhile waits, in memory and in the
 * backlog, and is all there afterwards. Needs root, to attach.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '../../src/store/sqlite/open.ts';
import { openForReading, stateAt } from '../../src/store/state.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { Link, OBSERVER_ADDRESS, PEER_ADDRESS } from '../dataplane/namespaces.ts';
import { CTGA } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { dnsAnswer, ethernet, ipv4, udp } from '../support/packets.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';

/** So long the store is held, in milliseconds; and so often answers pass, each with its own head. */
const HELD_MS = 26_000;
const EVERY_MS = 100;
const AT_ONCE = 100;

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
chmodSync(directory, 0o755); // for the account that the observer becomes
const state = stateAt(join(directory, 'state'));
const log = new SigningLog();
const tree = treeOf(9);
let link: Link;
let observer: ChildProcess | undefined;

before(() => {
  link = new Link();
  writeFileSync(join(directory, 'list.json'), logListOf({ alpha: log }));
});
after(() => {
  observer?.kill('SIGKILL');
  link.detach();
  link.remove();
  rmSync(directory, { recursive: true });
});

let heads = 0;
function frame(): Uint8Array {
  const addresses = { source: PEER_ADDRESS, destination: OBSERVER_ADDRESS };
  heads += 1;
  const message = dnsAnswer({
    name: 'sth.alpha.example',
    strings: [formatTreeHeadText(log.sign(7, tree.root(7), 1_700_000_000_000n + BigInt(heads)))],
  });
  const payload = udp({ ...addresses, destinationPort: 40_000, payload: message });
  const made = ethernet({ payload: ipv4({ ...addresses, payload }) });
  made.fill(0xff, 0, 6);
  return made;
}

function stored(): number {
  const store = openForReading(state);
  const count = store.heads.count();
  store.close();
  return count;
}

test('a store that is held for 26 s loses nothing of what is copied', async () => {
  const namespace = `--net=/run/netns/${link.observer}`;
  const args = ['attach', link.interfaceName, '--state-dir', state.directory];
  const list = ['--log-list', join(directory, 'list.json')];
  let said = '';
  observer = spawn('nsenter', [namespace, '--', CTGA, ...args, ...list], {
    env: { ...process.env, CTGA_NODE: process.execPath },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [observer.stdout, observer.stderr])
    stream?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await eventually(() => {
    assert.equal(observer?.exitCode, null, said);
    return said.includes('Ctrl-C');
  }, 'ctga to attach');
  await link.sendFrames([frame()]);
  await eventually(() => existsSync(state.database) && stored() === 1, 'the first head');

  const holder = openDatabase(state.database);
  holder.exec('BEGIN IMMEDIATE');
  const end = performance.now() + HELD_MS;
  while (performance.now() < end) {
    await link.sendFrames(Array.from({ length: AT_ONCE }, frame));
    await sleep(EVERY_MS);
  }
  assert.equal(stored(), 1, 'the store was not held');
  holder.exec('ROLLBACK');
  holder.close();

  await eventually(
    () => stored() === heads,
    () => `${heads} heads in the store, of which there are ${stored()}; ctga has said:\n${said}`,
  );
  const { answersOverBudget, answersRingFull, answers } = link.attached()?.counters ?? {};
  assert.deepEqual([answers, answersOverBudget, answersRingFull], [BigInt(heads), 0n, 0n]);
  assert.match(said, /store/);
});
