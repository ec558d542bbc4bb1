// SPDX-License-Identifier: Apache-2.0
/**
 * A good client of Notary, of DDT's REST service and of a chain, beside slow ones (seed 003, section 3.2 and
 * appendix B), on one machine: what it gets in so many seconds.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent as HttpAgent, get as getHttp } from 'node:http';
import { Agent as HttpsAgent, get as getHttps } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findBtcd } from '../src/carbonchain/btcd.ts';
import { table } from './report.ts';

const CTGA = resolve(import.meta.dirname, '../bin/ctga');
/** The thesis's numbers of connections, and what its client got (appendix B, the means of five runs). */
export const CONNECTIONS = [0, 100, 250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000];
export const THESIS = {
  America: [275.4, 200.2, 103, 66.2, 31.8, 19.8, 13.2, 5.8, 2.6, 0],
  Japan: [817.6, 428.6, 226.4, 110.6, 43.8, 18.4, 18.4, 7, 3.4, 0.4],
};

export interface DosResult {
  readonly connections: number;
  /** Of them, how many were open at the end of a measurement: at Notary, and at the REST service. */
  readonly open: { readonly notary: number; readonly rest: number };
  /** What a good client got in 60 seconds, calculated from the seconds that were measured. */
  readonly notary: number;
  readonly rest: number;
  readonly node: number;
  readonly offline: number;
}

/** What is missing here to measure it, as a sentence; undefined if nothing is. */
export function missingForDos(): string | undefined {
  if (findBtcd() === undefined) return 'ddt-dos needs btcd: name it with CTGA_BTCD';
  for (const program of ['notary', 'notary-server', 'notary-signer', 'openssl'])
    try {
      execFileSync('which', [program], { stdio: 'ignore' });
    } catch {
      return 'ddt-dos needs Notary: apt-get install notary';
    }
  return undefined;
}

export async function measureDos(
  { connections, seconds }: { connections: readonly number[]; seconds: number },
  say: (what: string) => void,
  onResults: (results: readonly DosResult[]) => void,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-dos-'));
  const started: ChildProcess[] = [];
  try {
    const notary = await startNotary(directory, started);
    const lab = await startLab(directory, started);
    const results: DosResult[] = [];
    for (const count of connections) {
      say(`  ${count} slow clients of Notary`);
      const atNotary = await besides(count, notary.port, true, () =>
        answers(`https://127.0.0.1:${notary.port}${SNAPSHOT}`, seconds),
      );
      say(`  ${count} slow clients of the REST service`);
      const atRest = await besides(count, lab.port, false, async () => ({
        rest: await answers(`http://127.0.0.1:${lab.port}/alice/app:v1?set=1`, seconds),
        node: await runs([...lab.verify, ...lab.chain], seconds),
        offline: await runs([...lab.verify, ...lab.offline], seconds),
      }));
      const a60 = (value: number): number => Math.round((value * 600) / seconds) / 10;
      results.push({
        connections: count,
        open: { notary: atNotary.open, rest: atRest.open },
        notary: a60(atNotary.got),
        rest: a60(atRest.got.rest),
        node: a60(atRest.got.node),
        offline: a60(atRest.got.offline),
      });
      say(`    ${JSON.stringify(results.at(-1))}`);
      onResults(results);
    }
  } finally {
    for (const child of started.reverse()) await end(child);
    rmSync(directory, { recursive: true, force: true });
  }
}

export function dosSections(results: readonly DosResult[], seconds: number): string[] {
  const of = (list: readonly number[], count: number): string =>
    `${list[CONNECTIONS.indexOf(count)] ?? ''}`;
  return [
    '# A good client beside slow ones: what it gets in 60 seconds\n',
    `Measured for ${seconds} seconds each. Notary and REST: answers of 2xx, on one connection. By a node, offline: runs of \`ctga trust verify\` that say TRUSTED, one after the other, each a process of its own, while the REST service has the slow clients. Open: slow connections at the end.\n\n![A good client beside slow ones](ddt-dos.svg)\n`,
    table(
      [
        'slow clients',
        'Notary',
        'open',
        'REST',
        'open',
        'by a node',
        'offline',
        'thesis, America',
        'thesis, Japan',
      ],
      results.map((each) => [
        `${each.connections}`,
        `${each.notary}`,
        `${each.open.notary}`,
        `${each.rest}`,
        `${each.open.rest}`,
        `${each.node}`,
        `${each.offline}`,
        of(THESIS.America, each.connections),
        of(THESIS.Japan, each.connections),
      ]),
    ),
  ];
}

/** Every curve as a share of the most that there was with any number, so that different machines compare. */
export function dosLines(
  results: readonly DosResult[],
): { name: string; points: (readonly [number, number])[] }[] {
  // The axis is logarithmic: at 0 is nobody, and at 100 are 32,000.
  const x = (count: number): number =>
    count === 0 ? 0 : 10 + (90 * Math.log2(count / 100)) / Math.log2(320);
  const line = (name: string, points: readonly (readonly [number, number])[]) => ({
    name,
    points: points.map(
      ([count, value]) =>
        [x(count), (100 * value) / Math.max(...points.map(([, each]) => each), 1e-9)] as const,
    ),
  });
  const mine = (what: 'notary' | 'rest' | 'node' | 'offline') =>
    results.map((each) => [each.connections, each[what]] as const);
  const theirs = (list: readonly number[]) =>
    CONNECTIONS.map((count, i) => [count, list[i] ?? 0] as const);
  return [
    line('Notary here', mine('notary')),
    line('REST here', mine('rest')),
    line('ctga trust verify by a node', mine('node')),
    line('ctga trust verify offline', mine('offline')),
    line('Notary, thesis, America', theirs(THESIS.America)),
    line('Notary, thesis, Japan', theirs(THESIS.Japan)),
  ];
}

const SNAPSHOT = '/v2/test/collection/_trust/tuf/snapshot.json';

/** Does `work` beside so many slow clients. */
async function besides<T>(
  count: number,
  port: number,
  isTls: boolean,
  work: () => Promise<T>,
): Promise<{ got: T; open: number }> {
  if (count === 0) return { got: await work(), open: 0 };
  // In several processes, each of which may open so many files.
  const shares = Array.from({ length: Math.ceil(count / 8000) }, (_, i) =>
    Math.min(8000, count - 8000 * i),
  );
  const attackers = shares.map((share, i) => {
    const args = [
      join(import.meta.dirname, 'slow-clients.ts'),
      `${port}`,
      `${share}`,
      `127.0.1.${i + 1}`,
    ];
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', ...args, ...(isTls ? ['--tls'] : [])],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    const state = { started: 0, open: 0 };
    child.stdout.on('data', (part: Buffer) => {
      const line = part.toString().trim().split('\n').at(-1) ?? '';
      if (line.startsWith('{') && line.endsWith('}')) Object.assign(state, JSON.parse(line));
    });
    return { child, state, share };
  });
  try {
    while (attackers.some(({ state, share }) => state.started < share)) await sleep(100);
    // The last ones need a moment, as many as get in.
    await sleep(2000);
    const got = await work();
    const open = attackers.reduce((sum, { state }) => sum + state.open, 0);
    return { got, open };
  } finally {
    for (const { child } of attackers) await end(child);
  }
}

/** How many answers of 2xx one connection gets, one after the other. */
async function answers(url: string, seconds: number): Promise<number> {
  const isTls = url.startsWith('https:');
  const agent = isTls
    ? new HttpsAgent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false })
    : new HttpAgent({ keepAlive: true, maxSockets: 1 });
  const until = Date.now() + seconds * 1000;
  let count = 0;
  while (Date.now() < until) {
    const isFine = await new Promise<boolean>((done) => {
      const signal = AbortSignal.timeout(Math.max(1, until - Date.now()));
      const request = (isTls ? getHttps : getHttp)(url, { agent, signal }, (response) => {
        const { statusCode = 0 } = response;
        response
          .on('end', () => done(statusCode >= 200 && statusCode < 300))
          .on('error', () => done(false));
        response.resume();
      });
      request.on('error', () => done(false));
    });
    if (isFine) count++;
    else await sleep(100);
  }
  agent.destroy();
  return count;
}

/** How many runs of a command fit into the time, one after the other. Rejects if one does not end with 0. */
async function runs(args: readonly string[], seconds: number): Promise<number> {
  const began = performance.now();
  for (let count = 1; ; count++) {
    const child = spawn(CTGA, args, {
      stdio: 'ignore',
      env: { ...process.env, CTGA_NODE: process.execPath },
    });
    const code = await new Promise((done) => child.once('close', done));
    if (code !== 0) throw new Error(`ctga ${args.join(' ')} ended with ${String(code)}`);
    const taken = (performance.now() - began) / 1000;
    // The last run goes over the end, and counts for the time that it took.
    if (taken >= seconds) return (count * seconds) / taken;
  }
}

function ctga(...args: string[]): string {
  return execFileSync(CTGA, args, {
    encoding: 'utf8',
    env: { ...process.env, CTGA_NODE: process.execPath },
  }).trim();
}

/** Notary's signer and server with storage in memory, as the thesis set them up, and a collection in it. */
async function startNotary(directory: string, started: ChildProcess[]): Promise<{ port: number }> {
  const at = (name: string): string => join(directory, name);
  const openssl = (...args: string[]): void =>
    void execFileSync('openssl', args, { stdio: 'ignore' });
  openssl(
    ...'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca'.split(' '),
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.crt'),
  );
  writeFileSync(
    at('ext'),
    'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n',
  );
  openssl(
    ...'req -newkey rsa:2048 -nodes -subj /CN=localhost'.split(' '),
    '-keyout',
    at('tls.key'),
    '-out',
    at('tls.csr'),
  );
  openssl(
    ...'x509 -req -days 2 -CAcreateserial'.split(' '),
    '-in',
    at('tls.csr'),
    '-CA',
    at('ca.crt'),
    '-CAkey',
    at('ca.key'),
    '-extfile',
    at('ext'),
    '-out',
    at('tls.crt'),
  );
  const [port, signerPort] = [await freePort(), await freePort()];
  const files = { tls_cert_file: at('tls.crt'), tls_key_file: at('tls.key') };
  const logging = { level: 'fatal' };
  writeFileSync(
    at('signer.json'),
    JSON.stringify({
      server: { grpc_addr: `127.0.0.1:${signerPort}`, ...files, client_ca_file: at('ca.crt') },
      logging,
      storage: { backend: 'memory' },
    }),
  );
  writeFileSync(
    at('server.json'),
    JSON.stringify({
      server: { http_addr: `127.0.0.1:${port}`, ...files },
      trust_service: {
        type: 'remote',
        hostname: '127.0.0.1',
        port: `${signerPort}`,
        key_algorithm: 'ecdsa',
        tls_ca_file: at('ca.crt'),
        tls_client_cert: at('tls.crt'),
        tls_client_key: at('tls.key'),
      },
      logging,
      storage: { backend: 'memory' },
    }),
  );
  const start = (program: string, config: string): void =>
    // As many files as this account may have open.
    void started.push(
      spawn('sh', ['-c', 'ulimit -n $(ulimit -Hn); exec "$@"', 'sh', program, '-config', config], {
        stdio: 'ignore',
      }),
    );
  start('notary-signer', at('signer.json'));
  await reached(signerPort);
  start('notary-server', at('server.json'));
  await reached(port);
  mkdirSync(at('notary'));
  const secret = 'a passphrase of a bench';
  const env = { ...process.env };
  for (const role of ['ROOT', 'TARGETS', 'SNAPSHOT', 'DELEGATION'])
    env[`NOTARY_${role}_PASSPHRASE`] = secret;
  const words = [
    '-s',
    `https://127.0.0.1:${port}`,
    '--tlscacert',
    at('ca.crt'),
    '-d',
    at('notary'),
  ];
  execFileSync('notary', [...words, 'init', '-p', 'test/collection'], { env, stdio: 'ignore' });
  return { port };
}

/** btcd with the REST service, and an image that is signed there. */
async function startLab(
  directory: string,
  started: ChildProcess[],
): Promise<{ port: number; verify: string[]; chain: string[]; offline: string[] }> {
  const at = (name: string): string => join(directory, name);
  const lab = spawn(CTGA, ['ddt', 'lab', '--listen', '127.0.0.1:0', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, CTGA_NODE: process.execPath },
  });
  started.push(lab);
  let said = '';
  lab.stdout.on('data', (part: Buffer) => (said += part.toString()));
  const lines = (): Record<string, string>[] =>
    said
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Record<string, string>);
  const event = async (what: string, many = 1): Promise<Record<string, string>> => {
    for (;;) {
      const found = lines().filter((each) => each['event'] === what);
      if (found.length >= many) return found.at(-1) as Record<string, string>;
      if (lab.exitCode !== null) throw new Error('the lab ended');
      await sleep(100);
    }
  };
  const url = new URL((await event('listening'))['url'] ?? '');
  const { node = '', auth = '', coins = '' } = await event('ready');
  const rootKey = ctga('ddt', 'key', at('root.key'));
  const tagging = ctga('ddt', 'key', at('tagging.key'));
  const digest = `sha256:${'ab'.repeat(32)}`;
  const root = ['--key-file', at('root.key')];
  const chain = [
    '--network',
    'regtest',
    '--node',
    node,
    '--node-auth',
    auth,
    '--state-dir',
    at('state'),
  ];
  let executed = 0;
  for (const args of [
    ['register-root-key', 'alice', ...root],
    ['register-key', 'alice/app', ...root, '--public-key', tagging],
    ['register-metadata', 'alice/app:v1', '--key-file', at('tagging.key'), '--digest', digest],
  ]) {
    const command = ctga('ddt', 'sign', ...args, '--network', 'regtest');
    ctga('ddt', 'send', command, '--coins', coins, ...chain);
    await event('executed', ++executed);
  }
  ctga('trust', 'prove', 'alice/app:v1', '--output', at('proof'), ...chain);
  return {
    port: Number(url.port),
    verify: ['trust', 'verify', digest, 'alice/app:v1', '--root-key', rootKey],
    chain,
    offline: ['--network', 'regtest', '--proof', at('proof')],
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

async function reached(port: number): Promise<void> {
  const { connect } = await import('node:net');
  for (;;) {
    const isThere = await new Promise<boolean>((done) => {
      const socket = connect(port, '127.0.0.1', () => (socket.destroy(), done(true)));
      socket.once('error', () => done(false));
    });
    if (isThere) return;
    await sleep(100);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once('exit', done));
  child.stdin?.end();
  child.kill();
  await ended;
}
