// SPDX-License-Identifier: Apache-2.0
/**
 * A log of trust that forks, end to end: its witness convicts it, and so does `ctga challenge` with what a
 * client of it kept. The evidence is such that `ctga evidence verify` takes it, from a file, offline.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ctga, startCtga, type Ran, type Running } from '../support/ctga.ts';
import { noMicrosocks, startMicrosocks } from '../support/microsocks.ts';
import { OwnLog, servedLog, signed, signing } from './logs.ts';

const [ONE, OTHER] = [`sha256:${'ab'.repeat(32)}`, `sha256:${'cd'.repeat(32)}`];

function directoryFor(t: TestContext): (name: string) => string {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-fork-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return (name) => join(directory, name);
}

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await ctga(args);
  assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`);
  return stdout.trim();
}

type Event = Readonly<Record<string, unknown>>;
const events = ({ said }: Running, name: string): Event[] =>
  said()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Event)
    .filter(({ event }) => event === name);
async function event(running: Running, name: string): Promise<Event> {
  await running.until(() => events(running, name).length > 0, name);
  return events(running, name)[0] as Event;
}

const evidenceIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => /evidence.*\.json$/.test(name))
    .map((name) => join(directory, name));

/** Evidence is what accuses this log, and to who does not know its key it is nobody's. */
async function convicts(evidence: string, keys: string): Promise<void> {
  const ran: Ran = await ctga(['evidence', 'verify', evidence, '--log-list', keys]);
  assert.equal(ran.code, 0, ran.stdout + ran.stderr);
  assert.match(ran.stdout, /log\.test\/trust/);
  assert.equal((await ctga(['evidence', 'verify', evidence])).code, 4);
}

for (const [what, more] of [
  ['of the size that it cosigned', []],
  ['that is larger, with a proof of its own', [signed('v3', OTHER, 9), signed('v4', OTHER, 10)]],
] as const)
  test(`a witness convicts a log that asks it for another tree, ${what}`, async (t) => {
    const at = directoryFor(t);
    const log = OwnLog.make(t);
    log.grow(signing({ v1: ONE }));
    const fork = log.copy();
    writeFileSync(at('keys'), `${log.vkey}\n`);
    const state = ['--state-dir', at('witness')];
    await run('logs', 'import', at('keys'), ...state);
    const keygen = await run('witness', 'keygen', 'witness.test/w', ...state, '--json');
    const { vkeys } = JSON.parse(keygen) as { vkeys: string[] };
    const witness = startCtga(['witness', 'serve', '--listen', '127.0.0.1:0', '--json', ...state]);
    t.after(() => witness.stop());
    const { url } = await event(witness, 'listening');
    const policy = `log ${log.vkey} http://127.0.0.1:1/\nwitness W ${vkeys[0] ?? ''} ${String(url)}\nquorum W\n`;
    writeFileSync(at('policy'), policy);
    /** Has the log ask its witness, by `ctga trust log serve`, until it got or did not get what it wants. */
    const asks = async (which: OwnLog, name: 'published' | 'waiting'): Promise<Event> => {
      const words = ['trust', 'log', 'serve', which.path, '--policy', at('policy'), '--json'];
      const running = startCtga([...words, '--listen', '127.0.0.1:0']);
      try {
        return await event(running, name);
      } finally {
        await running.stop();
      }
    };
    // Five: from a tree of a power of two, a proof says nothing of its root (RFC 9162, Section 2.1.4).
    log.grow([signed('v2', ONE, 7), signed('v2', ONE, 8)]);
    assert.equal((await asks(log, 'published'))['size'], 5);
    fork.grow([signed('v2', ONE, 7), signed('v2', OTHER, 8), ...more]);
    const before = fork.checkpoint;
    const { faults } = await asks(fork, 'waiting');
    assert.match(JSON.stringify(faults), /it answered 422|it answered 409/);
    assert.equal(fork.checkpoint, before, 'without its quorum nothing is published');
    const { evidence } = await event(witness, 'fork-proven');
    assert.equal(typeof evidence, 'string');
    await convicts(String(evidence), at('keys'));
    // The other tree is refused from now on, and the true one is not.
    assert.equal((await asks(log, 'published'))['size'], 5);
    assert.equal(events(witness, 'fork-proven').length, 1);
  });

test(
  'ctga challenge convicts it with the two checkpoints that a client of it kept',
  { skip: noMicrosocks },
  async (t) => {
    const at = directoryFor(t);
    const microsocks = await startMicrosocks();
    t.after(() => microsocks.stop());
    const log = OwnLog.make(t);
    log.grow(signing({ v1: ONE }));
    const fork = log.copy();
    log.grow([signed('v2', ONE, 8)]);
    fork.grow([signed('v2', OTHER, 8), signed('v3', OTHER, 9)]);
    const served = await servedLog(t);
    writeFileSync(at('policy'), `log ${log.vkey} ${served.url}\nquorum none\n`);
    const list = `logs/v0\n\nvkey ${log.vkey}\nurl ${served.url}\nallow_private_address true\n`;
    writeFileSync(at('logs'), list);
    served.show(log);
    const place = ['--policy', at('policy'), '--state-dir', at('client')];
    const verify = (digest: string, tag: string): Promise<Ran> =>
      ctga(['trust', 'verify', digest, `alice/app:${tag}`, ...place]);
    assert.equal((await verify(ONE, 'v2')).code, 0);
    served.show(fork);
    const split = await verify(OTHER, 'v2');
    assert.equal(split.code, 1);
    assert.match(split.stderr, /SPLIT VIEW: the log log\.test\/trust signed a tree of 4 entries/);
    // It says what to do with what it kept, and that convicts the log.
    const [before = '', now = ''] = ['before', 'now'].map(
      (name) => new RegExp(`\\S+-${name}\\.checkpoint`).exec(split.stderr)?.[0],
    );
    const state = ['--state-dir', at('state'), '--log-list', at('logs')];
    await run('heads', 'import', before, now, ...state);
    const proxy = ['--proxy', `socks5h://127.0.0.1:${microsocks.port}`];
    const ran = await ctga(['challenge', '--once', '--max-delay', '0', ...proxy, ...state]);
    assert.equal(ran.code, 3, ran.stdout + ran.stderr);
    const [evidence, ...more] = evidenceIn(at('state'));
    assert.deepEqual(more, []);
    await convicts(evidence ?? '', at('logs'));
  },
);

test('an honest log that grows is accused by nobody', { skip: noMicrosocks }, async (t) => {
  const at = directoryFor(t);
  const microsocks = await startMicrosocks();
  t.after(() => microsocks.stop());
  const log = OwnLog.make(t);
  log.grow(signing({ v1: ONE }));
  const served = await servedLog(t);
  served.show(log);
  const list = `logs/v0\n\nvkey ${log.vkey}\nurl ${served.url}\nallow_private_address true\n`;
  writeFileSync(at('logs'), list);
  writeFileSync(at('before'), log.checkpoint);
  log.grow([signed('v1', OTHER, 8)]);
  const state = ['--state-dir', at('state'), '--log-list', at('logs')];
  await run('heads', 'import', at('before'), ...state);
  const proxy = ['--proxy', `socks5h://127.0.0.1:${microsocks.port}`];
  const ran = await ctga(['challenge', '--once', '--max-delay', '0', ...proxy, ...state]);
  assert.equal(ran.code, 0, ran.stdout + ran.stderr);
  assert.deepEqual(evidenceIn(at('state')), []);
});
