// SPDX-License-Identifier: Apache-2.0
/**
 * Services that are asked to end while they start: at whatever moment that is, they end well, say
 * nothing that alarms, and leave no connection, timer or socket behind. And commands that were to
 * find something out, and were interrupted: they do not end as if all was well.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { RAW } from '../support/command-lines.ts';
import { CTGA, ctga, startCtga, type Ran } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { makeMember } from '../support/federation-store.ts';

const root = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(root, { recursive: true, force: true }));
const at = (name: string): string => join(root, name);
const state = (name: string): string[] => ['--state-dir', at(name)];

/** Nobody listens there. */
const NOWHERE = 'socks5h://127.0.0.1:1';
const LISTEN = ['--listen', '127.0.0.1:0'];
/** The process of a test stays who it is. */
const AS_ROOT = process.geteuid?.() === 0 ? ['--user', 'root'] : [];
const CHAIN = ['--network', 'regtest', '--node', 'http://127.0.0.1:1'];

/** What goes on until it is asked to end, by the words of the command; each needs no root. */
const SERVICES: Readonly<Record<string, readonly string[]>> = {
  web: [...LISTEN, ...state('web')],
  'alert run': state('alert'),
  'pool serve': ['--domain', 'www.example.net', ...LISTEN, ...state('pool')],
  'audit run': ['--proxy', NOWHERE, ...LISTEN, ...state('audit')],
  'dns serve': ['--zone-suffix', 'ct.example.net', '--proxy', NOWHERE, ...LISTEN, ...state('dns')],
  'dns publish': [
    ...['--zone-suffix', 'ct.example.net', '--proxy', NOWHERE, '--zone-file', at('zone')],
    ...['--template', at('template'), ...state('publish')],
  ],
  challenge: ['--proxy', NOWHERE, ...state('challenge')],
  'client run': ['--resolver', '127.0.0.1:1', '--max-delay', '0.1', ...state('client')],
  'evidence keep': [...state('evidence'), ...AS_ROOT],
  'witness serve': [...LISTEN, ...state('witness')],
  'federation run': ['--proxy', NOWHERE, ...LISTEN, ...state('federation')],
  'ddt serve': [...CHAIN, ...LISTEN, ...state('ddt')],
  'trust log serve': [at('log'), '--policy', at('policy'), ...LISTEN],
  collect: ['--bus', 'tls://127.0.0.1:1', '--fleet', at('fleet/members/hub'), ...state('collect')],
  'fleet publish': [
    ...['--bus', 'tls://127.0.0.1:1', '--fleet', at('fleet/members/site'), ...state('site')],
  ],
};

before(async () => {
  const must = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await ctga(args);
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  writeFileSync(at('heads'), '{"sths": []}');
  for (const name of ['web', 'once']) await must('heads', 'import', at('heads'), ...state(name));
  writeFileSync(at('template'), '@ 3600 SOA ns a 1 3600 600 1209600 300\n');
  await must('witness', 'keygen', 'witness.test/w', ...state('witness'));
  const made = await must('trust', 'log', 'new', at('log'), 'log.test/t', '--json');
  const { vkey } = JSON.parse(made) as { vkey: string };
  writeFileSync(at('policy'), `log ${vkey} http://127.0.0.1:1/\nquorum none\n`);
  makeMember(at('federation'), Math.floor(Date.now() / 1000) - 600);
  await must('fleet', 'init', at('fleet'), '--node', 'n1=127.0.0.1');
  for (const [name, role] of [
    ['hub', 'collector'],
    ['site', 'site'],
  ] as const)
    await must('fleet', 'join', name, '--role', role, '--dir', at('fleet'));
});

/** What keeps the process alive: servers, connections, children. */
function held(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((kind) => /Server|Socket|UDP|Pipe|Process|Timeout/.test(kind))
    .sort();
}

function socketsIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(directory, path), { throwIfNoEntry: false })?.isSocket(),
  );
}

/** How often the event loop turns before it is asked to end. */
const TURNS = [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144];

describe('a service that is asked to end while it starts', () => {
  for (const [words, args] of Object.entries(SERVICES))
    test(`ends well and leaves nothing: ctga ${words}`, async () => {
      for (const turns of TURNS) {
        const before = held();
        const service = startCtga([...words.split(' '), ...args]);
        for (let i = 0; i < turns; i++) await new Promise(setImmediate);
        const { code, stderr } = await service.stop();
        const when = `after ${turns} turns: ${stderr}`;
        assert.equal(code, 0, when);
        assert.doesNotMatch(stderr, RAW, when);
        await eventually(
          () => held().join() === before.join(),
          () => `${when}: it left ${held().join()}, and there was ${before.join()}`,
        );
        assert.deepEqual(socketsIn(root), [], when);
      }
    });
});

/** Sends the process a signal as soon as it minds it, and the same once more. */
const SOONEST = (signal: string): string =>
  `process.on('newListener', (name) => {
    if (name !== 'SIGTERM') return;
    setImmediate(() => process.kill(process.pid, '${signal}'));
    setTimeout(() => process.kill(process.pid, '${signal}'), 100);
  });`;

async function signalled(
  signal: string,
  args: readonly string[],
): Promise<Ran & { readonly signal: unknown }> {
  const child = spawn(CTGA, args, {
    env: {
      ...process.env,
      CTGA_NODE: process.execPath,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(SOONEST(signal))}`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code, by] = (await once(child, 'close')) as [number | null, unknown];
  return { code, stdout, stderr, signal: by };
}

describe('a process that gets a signal as soon as it minds it', () => {
  const stays = new Set(['client run', 'ddt serve', 'trust log serve', 'evidence keep']);
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'];
  for (const [i, [words, args]] of Object.entries(SERVICES).entries()) {
    const signal = signals[i % signals.length] ?? '';
    test(`ends well: ctga ${words}, ${signal}`, async () => {
      const user = stays.has(words) ? [] : AS_ROOT;
      const ended = await signalled(signal, [...words.split(' '), ...args, ...user]);
      assert.deepEqual([ended.code, ended.signal], [0, null], ended.stderr);
      assert.doesNotMatch(ended.stderr, RAW);
    });
  }

  test('ends well, and what it has started with it: ctga attach', async () => {
    const socket = at('dnstap.sock');
    for (const signal of signals) {
      const args = ['attach', `dnstap:${socket}`, ...state('attach'), ...AS_ROOT];
      const ended = await signalled(signal, args);
      assert.deepEqual([ended.code, ended.signal], [0, null], ended.stderr);
      assert.doesNotMatch(ended.stderr, RAW);
      const { stdout } = spawnSync('pgrep', ['-f', '--', socket], { encoding: 'utf8' });
      assert.equal(stdout, '', 'a process goes on');
      assert.deepEqual(socketsIn(root), []);
    }
  });
});

describe('what was to find something out, and was interrupted', () => {
  /** A node that says nothing until it is told to. */
  const silent = createServer();
  before(async () => {
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
  });
  after(() => {
    silent.closeAllConnections();
    silent.close();
  });

  const DIGEST = `sha256:${'ab'.repeat(32)}`;
  for (const words of [
    ['trust', 'verify', DIGEST, 'user/image:tag', '--root-key', `02${'79'.repeat(32)}`],
    ['trust', 'show', 'user'],
    ['ddt', 'show', 'user'],
    ['carbonchain', 'read'],
    ['carbonchain', 'headers', '--output', at('headers')],
    ['trust', 'prove', 'user/image:tag', '--output', at('proof')],
  ])
    test(`does not end as if it had: ctga ${words.slice(0, 2).join(' ')}`, async () => {
      const { port } = silent.address() as AddressInfo;
      const asked = once(silent, 'request');
      const running = startCtga([
        ...words,
        ...['--network', 'regtest', '--node', `http://127.0.0.1:${port}`, ...state('interrupted')],
      ]);
      await asked;
      const stopping = running.stop();
      silent.closeAllConnections();
      const { code, stdout, stderr } = await stopping;
      assert.equal(code, 1, stdout + stderr);
      assert.equal(stdout, '');
      assert.match(stderr, /^ctga: interrupted, so nobody knows what the chain has now$/m);
    });

  test('does not end as if it had: ctga challenge --once', async () => {
    const running = startCtga([
      ...[
        'challenge',
        '--once',
        '--proxy',
        `socks5h://127.0.0.1:${(silent.address() as AddressInfo).port}`,
      ],
      ...state('once'),
    ]);
    const { code, stderr } = await running.stop();
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^ctga: interrupted before all logs were asked/m);
  });
});
