// SPDX-License-Identifier: Apache-2.0
/**
 * An observer while the wall clock is set, far ahead and far back: the real program, with
 * libfaketime under it.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openForReading, stateAt } from '../../src/store/state.ts';
import { checkStore } from '../../src/upkeep/maintenance.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { Link, OBSERVER_ADDRESS, PEER_ADDRESS } from '../dataplane/namespaces.ts';
import { CTGA } from '../support/ctga.ts';
import { dnsAnswer, ethernet, fragmentIpv4, ipv4, udp } from '../support/packets.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';
import { eventually } from '../support/eventually.ts';

const library = findLibrary();
const noFaketime =
  library === undefined && 'libfaketime is not installed: apt-get install faketime';

/** Days that the clock is off by, one after another. */
const STEPS = [0, 3650, -18_000, 1, -1, 0];

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
chmodSync(directory, 0o755);
const clock = join(directory, 'clock');
const setClock = (days: number): void =>
  writeFileSync(clock, `${days < 0 ? '' : '+'}${days}d\n`, { mode: 0o644 });
const log = new SigningLog();
let link: Link;

const addresses = { source: PEER_ADDRESS, destination: OBSERVER_ADDRESS };

function packet(treeSize: number): Uint8Array {
  const text = formatTreeHeadText(log.sign(treeSize, treeOf(3).root(), BigInt(treeSize)));
  const payload = dnsAnswer({ name: 'sth.log.example', strings: [text], compressed: true });
  return ipv4({ ...addresses, payload: udp({ ...addresses, destinationPort: 40_000, payload }) });
}

function toEverybody(payload: Uint8Array): Uint8Array {
  return ethernet({ payload }).fill(0xff, 0, 6);
}

const whole = (treeSize: number): Uint8Array[] => [toEverybody(packet(treeSize))];
const inFragments = (treeSize: number): Uint8Array[] =>
  fragmentIpv4(packet(treeSize), 64).map(toEverybody);

before(() => {
  link = new Link();
  writeFileSync(join(directory, 'list.json'), logListOf({ log }));
  setClock(0);
});
after(() => {
  link.remove();
  rmSync(directory, { recursive: true });
});

test(
  'a clock that is set loses nothing, whole or in fragments, and makes no blind time',
  { skip: noFaketime },
  async (context) => {
    const state = stateAt(join(directory, 'state'));
    const child = spawn(
      'nsenter',
      [
        `--net=/run/netns/${link.observer}`,
        '--',
        CTGA,
        'attach',
        link.interfaceName,
        '--json',
        '--state-dir',
        state.directory,
        '--log-list',
        join(directory, 'list.json'),
      ],
      {
        env: {
          ...process.env,
          CTGA_NODE: process.execPath,
          LD_PRELOAD: library,
          FAKETIME_TIMESTAMP_FILE: clock,
          FAKETIME_NO_CACHE: '1',
          FAKETIME_DONT_FAKE_MONOTONIC: '1',
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const until = async (what: RegExp): Promise<void> => {
      await eventually(
        () => {
          assert.equal(child.exitCode, null, said);
          return what.test(said);
        },
        () => `${what}; ctga has said:\n${said}`,
      );
    };
    await until(/"attached"/);

    for (const [i, days] of STEPS.entries()) {
      setClock(days);
      await link.sendFrames([...whole(2 * i + 1), ...inFragments(2 * i + 2)]);
      await until(new RegExp(`"treeSize": ?"?${2 * i + 2}\\b`));
      // The interface goes away, and the clock is set before it is there again.
      link.deleteInterfaces();
      await until(new RegExp(`("blind"[^]*){${i + 1}}`));
      setClock(days + 1000);
      link.addInterfaces();
      await until(new RegExp(`("seeing-again"[^]*){${i + 1}}`));
    }
    child.kill('SIGTERM');
    assert.equal(await ended, 0, said);
    link.detach();

    const store = openForReading(state);
    const sizes = store.heads.latest().map(({ treeSize }) => Number(treeSize));
    store.close();
    assert.deepEqual(
      sizes.sort((a, b) => a - b),
      Array.from({ length: 2 * STEPS.length }, (_, i) => i + 1),
    );
    const blind = [...said.matchAll(/"blindMilliseconds": ?(-?\d+)/g)].map(([, each]) =>
      Number(each),
    );
    context.diagnostic(`blind for ${blind.join(', ')} ms`);
    assert.equal(blind.length, STEPS.length);
    for (const milliseconds of blind)
      assert(milliseconds >= 0 && milliseconds < 600_000, `${milliseconds} ms`);
    assert.deepEqual(checkStore(state).faults, []);
  },
);

function findLibrary(): string | undefined {
  const { stdout } = spawnSync('sh', ['-c', 'ls /usr/lib/*/faketime/libfaketimeMT.so.1'], {
    encoding: 'utf8',
  });
  return stdout.split('\n')[0] === '' ? undefined : stdout.split('\n')[0];
}
