// SPDX-License-Identifier: Apache-2.0
/**
 * A resolver's answers on their way to a collector, through processes as they are run: `ctga attach
 * --publish`, a bus, `ctga collect`, which is killed meanwhile.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { CaptureReader } from '../../src/dataplane/capture/reader.ts';
import { noNats, TestFleet } from '../support/bus.ts';
import { ctga, CTGA } from '../support/ctga.ts';
import { dnstapFile, dnstapFrame } from '../support/dnstap.ts';
import { eventually } from '../support/eventually.ts';
import { readVector } from '../support/vectors.ts';

const { list, captures } = readVector('captures.json') as {
  list: unknown;
  captures: readonly { name: string; bytes: string }[];
};
/** An account without rights. */
const NOBODY = 65534;
const isRoot = process.geteuid?.() === 0;

/** The DNS message of a capture that has the tree head in one UDP datagram. */
function message(): Uint8Array {
  const { bytes = '' } = captures.find(({ name }) => name.includes('rrsig')) ?? {};
  let found: Uint8Array | undefined;
  const reader = new CaptureReader('capture', (packet) => {
    const at = packet.payloadAt + ((packet.bytes[packet.payloadAt] as number) & 0x0f) * 4 + 8;
    found = Uint8Array.from(packet.bytes.subarray(at, packet.payloadEnd));
  });
  reader.push(Buffer.from(bytes, 'base64'));
  reader.end();
  assert(found !== undefined);
  return found;
}

interface Started {
  readonly child: ChildProcess;
  readonly said: () => string;
}

function start(home: string, args: readonly string[]): Started {
  const child = spawn(CTGA, args, {
    env: { ...process.env, CTGA_NODE: process.execPath, HOME: home },
    ...(isRoot && { uid: NOBODY, gid: NOBODY }),
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return { child, said: () => said };
}

/** Ids of processes that have such an argument. */
function running(argument: string): string[] {
  const { stdout } = spawnSync('pgrep', ['-f', '--', argument], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line !== '');
}

test(
  'attach tells a collector what it sees, which is killed meanwhile',
  { skip: noNats },
  async (t) => {
    const fleet = await TestFleet.found(t, 1);
    const [hub, site] = [fleet.join('hub', 'collector'), fleet.join('router1', 'site')];
    const home = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    // What a failure leaves running, and what that started, write in it.
    t.after(() => {
      for (const pid of running(home)) process.kill(Number(pid), 'SIGKILL');
      rmSync(home, { recursive: true, force: true, maxRetries: 20 });
    });
    chmodSync(home, 0o777);
    for (const directory of [hub, site, fleet.directory, join(fleet.directory, 'members')]) {
      chmodSync(directory, 0o755);
      if (isRoot) spawnSync('chown', ['-R', String(NOBODY), directory]);
    }
    await fleet.start('n1');
    const logList = join(home, 'list.json');
    writeFileSync(logList, JSON.stringify(list));
    const [there, here] = [join(home, 'hub'), join(home, 'router1')];
    mkdirSync(there);
    const imported = await ctga(['logs', 'import', logList, '--state-dir', there]);
    assert.equal(imported.code, 0, imported.stderr);
    if (isRoot) spawnSync('chown', ['-R', String(NOBODY), there]);
    const collect = (): Started =>
      start(home, ['collect', '--bus', fleet.url, '--fleet', hub, '--state-dir', there]);
    let collector = collect();
    // Whoever looks as root at the moment in which another account opens the database may be in its way.
    const isOpen = async (): Promise<void> => {
      await eventually(
        () => collector.said().includes('a collector of'),
        () => collector.said(),
      );
    };
    await isOpen();
    const socket = join(home, 'dnstap.sock');
    const observer = start(home, [
      ...['attach', `dnstap:${socket}`, '--state-dir', here, '--log-list', logList],
      ...['--spool', join(home, 'spool'), '--publish', fleet.url, '--fleet', site],
    ]);
    const said = (): string => `${observer.said()}\n${collector.said()}`;
    await eventually(() => observer.said().includes('Watching dnstap:'), said);
    const frame = dnstapFrame(message());
    const resolver = connect(socket);
    resolver.write(dnstapFile([frame, frame, frame]).subarray(0, -12)); // it goes on
    const seen = async (
      directory: string,
    ): Promise<{ sources: string[]; count: number } | undefined> => {
      const { stdout } = await ctga(['heads', 'list', '--json', '--state-dir', directory]);
      return (JSON.parse(stdout || '[]') as { sources: string[]; count: number }[])[0];
    };
    await eventually(async () => (await seen(there))?.count === 3, said);
    assert.match((await seen(there))?.sources.join() ?? '', /^router1\/[0-9a-f]{8}:dnstap:/);

    collector.child.kill('SIGKILL');
    await once(collector.child, 'exit');
    resolver.write(
      dnstapFile([frame, frame])
        .subarray(0, -12)
        .subarray(-2 * (frame.length + 4)),
    );
    await eventually(async () => (await seen(here))?.count === 5, said);
    collector = collect();
    await isOpen();
    await eventually(async () => (await seen(there))?.count === 5, said);

    // What the killed one had and did not confirm comes later than the rest.
    let status = '';
    await eventually(
      async () => {
        status = (await ctga(['fleet', 'status', '--json', '--state-dir', there])).stdout;
        const { members } = JSON.parse(status) as {
          members: { member: string; missing: number; refused: object }[];
        };
        return isDeepStrictEqual(
          members.map(({ member, missing, refused }) => [member, missing, refused]),
          [['router1', 0, {}]],
        );
      },
      () => `none to be missing: ${status}\n${said()}`,
    );
    const people = await ctga(['fleet', 'status', '--state-dir', there]);
    assert.match(people.stdout, /^router1 /m);

    resolver.destroy();
    assert.equal(running(here).length >= 2, true);
    observer.child.kill('SIGTERM');
    const [code] = (await once(observer.child, 'exit')) as [number | null];
    assert.equal(code, 0, said());
    // What was started beside it ends with it.
    await eventually(() => running(here).length === 0, said);
  },
);
