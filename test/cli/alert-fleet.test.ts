// SPDX-License-Identifier: Apache-2.0
/**
 * Two alerters of a fleet over a bus of real servers: a split view that both know is told by one, and
 * by the other if that one is killed.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { judgeWithoutProof } from '../../src/evidence/judge.ts';
import { keepEvidence } from '../../src/evidence/keep.ts';
import { Bus, readCredentials } from '../../src/fleet/bus.ts';
import { readRoster } from '../../src/fleet/roster.ts';
import { entryKey } from '../../src/fleet/tellers.ts';
import { openForReading, openForWriting, stateAt, type State } from '../../src/store/state.ts';
import { noNats, TestFleet } from '../support/bus.ts';
import { CTGA } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const log = new SigningLog();
const asLog = log.asLog({ description: 'A log' });

/** The same at whoever proves it: its file is named after the two trees. */
function proveFork({ evidence, ...state }: State, size: number): void {
  const store = openForWriting({ evidence, ...state });
  store.logs.put([asLog]);
  for (const branch of ['a', 'b']) {
    const head = log.verified(size, treeOf(size, branch).root());
    store.heads.record([{ head, source: 'x', firstSeen: 1, lastSeen: 1, count: 1 }]);
  }
  const [pair] = store.evidence.missing();
  assert(pair !== undefined);
  const judgement = judgeWithoutProof(...pair);
  assert(judgement?.verdict === 'fork-proven');
  keepEvidence(store, evidence, asLog, pair, judgement, 1);
  store.close();
}

class Alerter {
  readonly state: State;
  readonly #args: readonly string[];
  readonly #home: string;
  #child: ChildProcess | undefined;
  said = '';

  constructor(home: string, name: string, fleet: TestFleet, told: string) {
    this.#home = home;
    const directory = fleet.join(name, 'collector');
    this.state = stateAt(join(home, name));
    openForWriting(this.state).close();
    // It says first that it begins, and goes on when nothing holds it.
    const script = join(home, `${name}.sh`);
    writeFileSync(
      script,
      `echo $$ >${home}/${name}.pid
echo "$CTGA_KEY" >>${home}/${name}.begun
while [ -e ${home}/${name}.held ]; do sleep 0.1; done
echo "${name} $CTGA_EVENT $CTGA_KEY" >>${told}
`,
    );
    this.#args = [
      ...['alert', 'run', '--state-dir', this.state.directory, '--command', `sh ${script}`],
      ...['--bus', fleet.url, '--fleet', directory],
      ...(process.geteuid?.() === 0 ? ['--user', 'root'] : []),
    ];
  }

  start(): void {
    const child = spawn(CTGA, this.#args, {
      env: { ...process.env, CTGA_NODE: process.execPath, HOME: this.#home },
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (this.said += chunk.toString()));
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Of what it knows to have been told, by itself or another. */
  knows(): string[] {
    const store = openForReading(this.state);
    try {
      return store.alerts.raised().map(({ key }) => key);
    } finally {
      store.close();
    }
  }

  waiting(): number {
    const store = openForReading(this.state);
    try {
      return store.alerts.outbox(`command ${this.#args[5] ?? ''}`).length;
    } finally {
      store.close();
    }
  }
}

test(
  'a split view is alerted once for the fleet, by another if one is killed',
  { skip: noNats },
  async (t) => {
    const home = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    chmodSync(home, 0o755);
    const told = join(home, 'told');
    appendFileSync(told, '');
    const lines = (): string[] =>
      readFileSync(told, 'utf8')
        .split('\n')
        .filter((line) => line !== '');
    const fleet = await TestFleet.found(t, 3);
    const [a, b] = ['hub1', 'hub2'].map((name) => new Alerter(home, name, fleet, told)) as [
      Alerter,
      Alerter,
    ];
    t.after(async () => {
      for (const each of [a, b]) await each.kill();
      rmSync(home, { recursive: true, force: true });
    });
    await fleet.start('n1', 'n2', 'n3');
    const said = (): string => `${lines().join('; ')}\n1: ${a.said}\n2: ${b.said}`;
    a.start();
    b.start();

    for (const each of [a, b]) proveFork(each.state, 5);
    await eventually(() => a.knows().length === 1 && b.knows().length === 1, said);
    const [key = ''] = a.knows();
    assert.match(key, /^fork:/);
    await eventually(() => lines().length > 0, said);
    assert.deepEqual(
      lines().map((line) => line.slice(5)),
      [`alert ${key}`],
      said(),
    );

    // One of them has begun to tell of another when it is killed, and a server of the bus with it.
    writeFileSync(join(home, 'hub1.held'), '');
    proveFork(a.state, 7);
    const begun = join(home, 'hub1.begun');
    const second = (): boolean => existsSync(begun) && /-7-7-/.test(readFileSync(begun, 'utf8'));
    await eventually(second, said);
    proveFork(b.state, 7);
    await a.kill();
    await fleet.kill('n2');
    // What it ran does not tell either: its shell waits for a file that it will not see go.
    spawnSync('sh', ['-c', `kill -9 $(cat ${join(home, 'hub1.pid')})`]);
    await eventually(() => b.knows().length === 2, said);
    await eventually(() => lines().length === 2, said);
    assert.match(lines()[1] ?? '', /^hub2 alert fork:.*-7-7-/);

    // It is back, and finds in its store that it was to tell: another has told it.
    rmSync(join(home, 'hub1.held'));
    assert.equal(a.waiting(), 1);
    a.start();
    await eventually(() => a.waiting() === 0, said);
    assert.equal(lines().length, 2, said());

    // Whoever has the keys of a site can neither read nor write what they agree by.
    const site = fleet.join('router1', 'site');
    const bus = new Bus({
      servers: fleet.servers,
      credentials: readCredentials(site),
      member: 'router1',
      role: 'site',
    });
    t.after(() => bus.close());
    await eventually(
      () =>
        bus.connect().then(
          () => true,
          () => false,
        ),
      said,
    );
    await assert.rejects(async () => {
      const entries = await bus.alertEntries(readRoster(site), 2000);
      await entries.put(entryKey('fork:x'), 'x', 0);
    }, /bus/);
  },
);
