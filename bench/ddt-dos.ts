// SPDX-License-Identifier: Apache-2.0
/**
 * A good client of Notary, of DDT's REST service and of a chain, beside slow ones (seed 003, section 3.2 and
 * appendix B), on one machine: what it gets in so many seconds.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent as HttpAgent, get as getHttp } from 'node:http';
import { Agent as HttpsAgent, get as getHttps } from 'node:https';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../src/base/free-port.ts';
import { findBtcd } from '../src/carbonchain/btcd.ts';
import { table } from './report.ts';

const CTGA = resolve(import.meta.dirname, '../bin/ctga');
/** The thesis's numbers of connections, and what its client got (appendix B, the means of five runs). */
export const CONNECTIONS = [0, 100, 250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000];
export const THESIS = {
  America: [275.4, 200.2, 103, 66.2, 31.8, 19.8, 13.2, 5.8, 2.6, 0],
  Japan: [817.6, 428.6, 226.4, 110.6, 43.8, 18.4, 18.4, 7, 3.4, 0.4],
};

/** What gets something: answers of Notary and of the REST service; runs of `ctga trust verify` by a node, and offline. */
export const CURVES = ['notary', 'rest', 'node', 'offline'] as const;
export type Curve = (typeof CURVES)[number];
export const isCurve = (text: string): text is Curve => CURVES.some((each) => each === text);

interface DosRow {
  readonly connections: number;
  /** Of them, how many the server held at the end. */
  readonly open: number;
  /** What a good client got in 60 seconds, calculated from the seconds that were measured. */
  readonly got: number;
}

/** One curve, measured in one go: in this order, with nobody else at the beginning and at the end. */
export interface DosCurve {
  readonly date: string;
  readonly seconds: number;
  readonly rows: readonly DosRow[];
}

export type DosResults = Partial<Readonly<Record<Curve, DosCurve>>>;

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

/**
 * Measures some curves, one after the other, and tells of each as soon as it is whole. The numbers of clients
 * are taken in a mixed order between two times without any, so that a machine that grows warm or busy is seen
 * and not taken for an attack.
 */
export async function measureDos(
  {
    curves,
    connections,
    seconds,
  }: { curves: readonly Curve[]; connections: readonly number[]; seconds: number },
  say: (what: string) => void,
  onCurve: (curve: Curve, measured: DosCurve) => void,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-dos-'));
  const started: ChildProcess[] = [];
  try {
    const notary = curves.includes('notary') ? await startNotary(directory, started) : undefined;
    const lab = curves.some((each) => each !== 'notary')
      ? await startLab(directory, started)
      : undefined;
    for (const curve of curves) {
      const [attacked, isTls] = curve === 'notary' ? [notary, true] : [lab, false];
      const port = attacked?.port as number;
      const work = (time: number): Promise<number> => {
        if (curve === 'notary') return answers(`https://127.0.0.1:${port}${SNAPSHOT}`, time);
        const { verify, chain, offline } = lab as Lab;
        return curve === 'rest'
          ? answers(`http://127.0.0.1:${port}/alice/app:v1?set=1`, time)
          : runs([...verify, ...(curve === 'node' ? chain : offline)], time);
      };
      // What is compiled and kept at first is not the attack's doing.
      await work(Math.min(10, seconds));
      const rows: DosRow[] = [];
      for (const count of mixed(connections)) {
        say(`  ${curve}: ${count} slow clients`);
        // Those that were slow before have to be gone, also for the server.
        for (const since = Date.now(); accepted(port) > 0 && Date.now() - since < AT_MOST_MS;)
          await sleep(500);
        const { got, open } = await besides(count, { port, isTls }, () => work(seconds));
        rows.push({ connections: count, open, got: Math.round((got * 600) / seconds) / 10 });
        say(`    ${JSON.stringify(rows.at(-1))}`);
      }
      onCurve(curve, { date: new Date().toISOString(), seconds, rows });
    }
  } finally {
    for (const child of started.reverse()) await end(child);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Nobody, then from the lower and the upper half by turns, and nobody again. */
export function mixed(connections: readonly number[]): number[] {
  const some = connections.filter((count) => count > 0).toSorted((a, b) => a - b);
  const half = Math.ceil(some.length / 2);
  const [few, many] = [some.slice(0, half), some.slice(half).toReversed()];
  return [0, ...few.flatMap((count, i) => [count, ...many.slice(i, i + 1)]), 0];
}

/** What a curve has at a number: at 0, the mean of the beginning and the end. */
export function at(curve: DosCurve | undefined, connections: number): DosRow | undefined {
  const rows = curve?.rows.filter((each) => each.connections === connections) ?? [];
  const [first] = rows;
  if (first === undefined) return undefined;
  return { ...first, got: rows.reduce((sum, { got }) => sum + got, 0) / rows.length };
}

const NAMES: Readonly<Record<Curve, string>> = {
  notary: 'Notary',
  rest: 'REST',
  node: 'verify by a node',
  offline: 'verify offline',
};

const thousands = (value: number): string => Math.round(value).toLocaleString('en');

export function dosSections(results: DosResults): string[] {
  const measured = CURVES.filter((curve) => results[curve] !== undefined);
  const numbers = CONNECTIONS.filter((count) =>
    measured.some((curve) => at(results[curve], count) !== undefined),
  );
  const share = (got: number, most: number): string => `${Math.round((100 * got) / most)} %`;
  const cells = (curve: Curve, count: number): string[] => {
    const [row, alone] = [at(results[curve], count), at(results[curve], 0)];
    if (row === undefined || alone === undefined) return ['', '', ''];
    return [thousands(row.got), share(row.got, alone.got), thousands(row.open)];
  };
  const theirs = (list: readonly number[], count: number): string =>
    share(list[CONNECTIONS.indexOf(count)] ?? 0, list[0] ?? 1);
  const drift = measured.map((curve) => {
    const { rows = [], seconds = 0, date = '' } = results[curve] ?? {};
    const alone = rows
      .filter(({ connections }) => connections === 0)
      .map(({ got }) => thousands(got));
    return `${NAMES[curve]} ${alone.join(' and ')} (${seconds} s each, ${date.slice(0, 10)})`;
  });
  return [
    '# A good client beside slow ones: what it gets in 60 seconds\n',
    `Notary and REST: answers of 2xx, on one connection. Verify: runs of \`ctga trust verify\` that say TRUSTED, one after the other, each a process of its own, while the REST service has the slow clients. Behind each its share of what the curve has without slow clients, and how many of these the server held at the end (open). Each curve was measured in one go, the numbers in a mixed order; without slow clients at its beginning and its end: ${drift.join('; ')}.\n\n![A good client beside slow ones](ddt-dos.svg)\n`,
    table(
      [
        'slow clients',
        ...measured.flatMap((curve) => [NAMES[curve], '', 'open']),
        'thesis, America',
        'thesis, Japan',
      ],
      numbers.map((count) => [
        thousands(count),
        ...measured.flatMap((curve) => cells(curve, count)),
        theirs(THESIS.America, count),
        theirs(THESIS.Japan, count),
      ]),
    ),
  ];
}

/** Every curve as a share of what it has without slow clients, so that different machines compare. */
export function dosLines(
  results: DosResults,
): { name: string; points: (readonly [number, number])[] }[] {
  // The axis is logarithmic: at 0 is nobody, and at 100 are 32,000.
  const x = (count: number): number =>
    count === 0 ? 0 : 10 + (90 * Math.log2(count / 100)) / Math.log2(320);
  const line = (name: string, got: (count: number) => number | undefined) => {
    const alone = got(0) ?? 1;
    const points = CONNECTIONS.flatMap((count) => {
      const value = got(count);
      return value === undefined ? [] : [[x(count), (100 * value) / alone] as const];
    });
    return { name, points };
  };
  const theirs = (list: readonly number[]) => (count: number) => list[CONNECTIONS.indexOf(count)];
  return [
    ...CURVES.filter((curve) => results[curve] !== undefined).map((curve) =>
      line(`${NAMES[curve]}, here`, (count) => at(results[curve], count)?.got),
    ),
    line('Notary, thesis, America', theirs(THESIS.America)),
    line('Notary, thesis, Japan', theirs(THESIS.Japan)),
  ];
}

const SNAPSHOT = '/v2/test/collection/_trust/tuf/snapshot.json';

/** No more get in when for so long none did; and so long it takes at most. */
const SETTLED_MS = 5_000;
const AT_MOST_MS = 60_000;

/** Does `work` beside so many slow clients. */
async function besides<T>(
  count: number,
  { port, isTls }: { readonly port: number; readonly isTls: boolean },
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
    const state = { started: 0 };
    child.stdout.on('data', (part: Buffer) => {
      const line = part.toString().trim().split('\n').at(-1) ?? '';
      if (line.startsWith('{') && line.endsWith('}')) Object.assign(state, JSON.parse(line));
    });
    return { child, state, share };
  });
  try {
    while (attackers.some(({ state, share }) => state.started < share)) await sleep(100);
    // The last ones need a moment, as many as get in.
    for (let before = -1, since = Date.now(), began = since; ; await sleep(500)) {
      const now = accepted(port);
      if (now > before) [before, since] = [now, Date.now()];
      if (now >= count || Date.now() - since > SETTLED_MS || Date.now() - began > AT_MOST_MS) break;
    }
    const got = await work();
    return { got, open: accepted(port) };
  } finally {
    for (const { child } of attackers) await end(child);
  }
}

/** As /proc/net/tcp has it. */
const LISTENING = '0A';

/** How many connections a server of this machine holds: those that a process has, ended by their client or not. */
function accepted(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = readFileSync('/proc/net/tcp', 'latin1').split('\n');
  return lines.filter((line) => {
    const [, from = '', , state, , , , , , inode] = line.trim().split(/\s+/);
    return from.endsWith(local) && state !== LISTENING && inode !== '0';
  }).length;
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

interface Lab {
  readonly port: number;
  readonly verify: readonly string[];
  readonly chain: readonly string[];
  readonly offline: readonly string[];
}

/** btcd with the REST service, and an image that is signed there. */
async function startLab(directory: string, started: ChildProcess[]): Promise<Lab> {
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
