// SPDX-License-Identifier: Apache-2.0
/**
 * Log lists, files and servers of an enemy. Whatever they are called and say, every command prints
 * as many lines as for plain ones, and nothing that a terminal acts on.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { cleanJson } from '../../src/base/clean.ts';
import { logIdText } from '../../src/logs/log.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { ctga, startCtga } from '../support/ctga.ts';
import { HOSTILE, HOSTILE_NAME, unshowableIn } from '../support/hostile.ts';
import { noMicrosocks, startMicrosocks } from '../support/microsocks.ts';
import { planeState } from '../support/plane-state.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const root = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(root, { recursive: true }));

const VERIFIER = resolve(import.meta.dirname, '../../docs/verify-evidence.sh');
const log = new SigningLog();
const other = new SigningLog();

/** A place for files and a store whose names all have `name` in them. */
function stage(name: string): {
  readonly file: (kind: string, content: string) => string;
  readonly state: string;
} {
  const directory = join(root, name);
  mkdirSync(directory);
  const file = (kind: string, content: string): string => {
    const path = join(directory, `${kind} ${name}`);
    writeFileSync(path, content);
    return path;
  };
  return { file, state: join(directory, 'state') };
}

interface Said {
  readonly args: readonly string[];
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs every command that prints what others wrote. */
async function everything(text: string, name: string): Promise<Said[]> {
  const { file, state } = stage(name);
  const said: Said[] = [];
  const run = async (...args: readonly string[]): Promise<void> => {
    said.push({ args, ...(await ctga(args)) });
  };
  const at = ['--state-dir', state];
  const entry = (of: SigningLog, more: object): object => ({
    description: text,
    key: Buffer.from(of.key.spki).toString('base64'),
    log_id: logIdText(of.key.logId),
    url: 'https://log.test/a/',
    ...more,
  });
  const list = file(
    'list',
    JSON.stringify({
      operators: [
        { name: text, logs: [entry(log, {}), entry(other, { url: undefined }), entry(log, {})] },
      ],
    }),
  );
  const badZone = file(
    'zone',
    JSON.stringify({ operators: [{ name: text, logs: [entry(log, { dns: text })] }] }),
  );
  await run('logs', 'import', list, ...at);
  await run('logs', 'import', badZone, ...at);
  await run('logs', 'import', list, '--signature', list, ...at);
  await run('logs', 'list', ...at);
  await run('logs', 'list', '--json', ...at);
  await run('logs', 'list', '--log-list', list, ...at);
  await run('logs', 'list', '--zone', `${text.replaceAll('\0', '')}=x`, ...at);
  await run('logs', 'list', '--zone', `a.example=no ${text.replaceAll('\0', '')}`, ...at);
  const head = (branch: string): object => ({
    log_id: logIdText(log.key.logId),
    ...treeHeadToJson(log.sign(9, treeOf(9, branch).root())),
  });
  const forged = { ...head('c'), tree_size: 10 };
  const gossip = file('heads', JSON.stringify({ sths: [head('a'), head('b'), forged, text] }));
  await run('heads', 'import', gossip, ...at);
  const good = file('good', JSON.stringify({ sths: [head('a'), head('b'), forged] }));
  await run('heads', 'import', good, ...at);
  await run('heads', 'list', ...at);
  await run('heads', 'list', '--json', ...at);
  await run('heads', 'export', ...at);
  const store = openForWriting(stateAt(state));
  store.planes.put(name, planeState({ blindSince: 1 }), 1);
  store.counters.add(name, { [text]: 7 });
  store.close();
  await run('status', ...at);
  await run('status', '--json', ...at);
  await run('store', 'check', ...at);
  await run('store', 'export', ...at);
  const evidence =
    readdirSync(join(state, 'evidence')).find((each) => each.startsWith('fork-')) ?? '';
  const bundle = file('fork', readFileSync(join(state, 'evidence', evidence), 'utf8'));
  await run('evidence', 'list', ...at);
  await run('evidence', 'list', '--json', ...at);
  await run('evidence', 'show', bundle);
  await run('evidence', 'show', '--json', bundle);
  await run('evidence', 'verify', bundle, ...at);
  await run('evidence', 'verify', '--json', bundle, ...at);
  await run('evidence', 'report', bundle, ...at);
  await run('evidence', 'report', '--format', 'html', bundle, ...at);
  await run('evidence', 'report', bundle, '--output', file('report', ''), ...at);
  for (const whose of [[], [list]]) {
    const args = [VERIFIER, bundle, ...whose];
    const { stdout, stderr, status } = spawnSync('sh', args, { encoding: 'utf8' });
    assert.equal(status, whose.length === 0 ? 4 : 0, stdout + stderr);
    said.push({ args, stdout, stderr });
  }
  const bad = file(
    'config',
    `[status]\n${cleanJson(JSON.stringify(text.replaceAll(/[^\0-\uffff]/gu, '')))} = 1\n`,
  );
  await run('config', 'check', bad);
  await run('--config', bad, 'status', ...at);
  await run('--config', bad, 'doctor', ...at);
  await run('--config', `${bad} is not there`, 'config', 'check');
  await run('replay', `${list} is not there`, ...at);
  await run('replay', list, ...at);
  await run('logs', 'import', `${list} is not there`, ...at);
  // What a glob may make of a file's name.
  await run('status', `--${name}`);
  await run(name);
  await run('alert', 'forget', name, ...at);
  await run('p4', 'deploy', name);
  const alerts = startCtga([
    'alert',
    'run',
    '--command',
    'env >&2; echo "$CTGA_MESSAGE" >&2; exit 1',
    ...at,
  ]);
  await alerts.until(
    () => /SPLIT VIEW PROVEN.*\n(.*\n)*.*trying again/.test(alerts.said()),
    'an alert',
  );
  said.push({ args: ['alert', 'run'], ...(await alerts.stop()) });
  await run('alert', 'list', ...at);
  await run('alert', 'list', '--json', ...at);
  return said;
}

describe('what others wrote', () => {
  test('is printed as plain text is, by every command', async () => {
    const plain = await everything('A log called plain "quoted" \\ `x` $(x) end', 'f plain');
    const hostile = await everything(HOSTILE, HOSTILE_NAME);
    for (const [i, { args, stdout, stderr }] of hostile.entries()) {
      const what = JSON.stringify(args);
      assert.equal(unshowableIn(stdout + stderr), '', what);
      // What is long goes on in lines that begin with a space.
      const lines = (said: Said | undefined): (number | undefined)[] =>
        [said?.stdout, said?.stderr].map(
          (text) => text?.split('\n').filter((line) => !line.startsWith(' ')).length,
        );
      // What else this machine watches comes and goes.
      if (!args.some((each) => each === 'status' || each === 'doctor'))
        assert.deepEqual(
          lines({ args, stdout, stderr }),
          lines(plain[i]),
          `${what}\n${stdout}${stderr}`,
        );
      assert(!/^(ctga: SPLIT|<0>forged|forged)/m.test(stdout + stderr), what);
    }
  });
});

describe('what a server says', { skip: noMicrosocks }, () => {
  test('is printed as plain text is', async () => {
    const microsocks = await startMicrosocks();
    let answer = '';
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(answer));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    try {
      const body = JSON.stringify({ operators: [{ name: HOSTILE, logs: [] }], [HOSTILE]: HOSTILE });
      for (answer of [
        `HTTP/1.1 500 ${HOSTILE}\r\n\r\n`,
        `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
        `HTTP/1.1 302 Found\r\nLocation: ${HOSTILE}\r\n\r\n`,
        `HTTP/1.1 200 OK\r\nContent-Encoding: \u001b[31m\u202e\r\nContent-Length: 1\r\n\r\nx`,
        HOSTILE,
        '',
      ]) {
        const ran = await ctga([
          ...['logs', 'update', '--from', `http://127.0.0.1:${port}/\u001b[31m\u202e`],
          ...['--proxy', `socks5h://127.0.0.1:${microsocks.port}`, '--allow-private-address'],
          ...['--state-dir', join(root, 'server')],
        ]);
        assert.notEqual(ran.code, 0);
        assert.equal(unshowableIn(ran.stdout + ran.stderr), '', JSON.stringify(answer));
        assert(!/^(ctga: SPLIT|<0>forged)/m.test(ran.stderr), ran.stderr);
      }
    } finally {
      server.close();
      microsocks.stop();
    }
  });
});
