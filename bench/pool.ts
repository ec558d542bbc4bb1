// SPDX-License-Identifier: Apache-2.0
/**
 * What a pool takes under load, honest and hostile: requests a second of its CPU time, and its
 * memory at the end of each kind. `ctga pool serve` runs as a process of its own.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeBase64 } from '../src/base/base64.ts';
import { Certificate } from '../src/scts/certificate.ts';
import { treeHeadToJson } from '../src/statements/json.ts';
import { Authority } from '../src/lab/certificates.ts';
import { freePort } from '../test/support/ports.ts';
import { CTGA } from '../test/support/ctga.ts';
import { logListOf, SigningLog, treeOf } from '../test/support/signing-log.ts';
import { cpuSecondsOf } from './cpu.ts';

export interface PoolLoad {
  readonly load: string;
  readonly requests: number;
  /** The statuses of the answers. */
  readonly statuses: string;
  readonly requestsPerCpuSecond: number;
  readonly residentMebibytes: number;
  /** Of all that the pool has on the disk. */
  readonly diskMebibytes: number;
}

const PATH = '/.well-known/ct/v1';
const AT_ONCE = 16;

const [log, stranger] = [new SigningLog(), new SigningLog()];
const authority = new Authority();
const issued = (name: string, by: SigningLog): unknown => {
  const leaf = authority.issue([name], { logs: [by] });
  return {
    x509_chain: [leaf, authority.der].map(encodeBase64),
    sct_data: new Certificate(leaf).embeddedScts.map(encodeBase64),
  };
};
const feedback = (...items: unknown[]): string => JSON.stringify({ sct_feedback: items });
const sth = (size: number, by: SigningLog, signer = by): unknown => ({
  sth_version: 0,
  log_id: encodeBase64(by.key.logId),
  ...treeHeadToJson(signer.sign(size, treeOf(1).root(), BigInt(Date.now() - size * 1000))),
});
const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));

const ONE = issued('www.example.net', log);
const LOADS: readonly (readonly [
  load: string,
  share: number,
  path: string,
  body: (i: number) => string | undefined,
])[] = [
  ['heads asked for, none brought', 1, 'sth-pollination', () => '{"sths":[]}'],
  [
    'ten good heads, known',
    0.2,
    'sth-pollination',
    (() => {
      const body = JSON.stringify({ sths: times(10, (i) => sth(i + 1, log)) });
      return () => body;
    })(),
  ],
  [
    '500 forged heads',
    0.02,
    'sth-pollination',
    (() => {
      const body = JSON.stringify({ sths: times(500, (i) => sth(i + 1, log, stranger)) });
      return () => body;
    })(),
  ],
  ['an SCT that is known', 0.5, 'sct-feedback', () => feedback(ONE)],
  [
    'a new certificate with a good SCT',
    0.2,
    'sct-feedback',
    () => feedback(issued('www.example.net', log)),
  ],
  [
    '256 SCTs that nobody signed',
    0.02,
    'sct-feedback',
    (() => {
      const {
        x509_chain: chain,
        sct_data: [sct = ''],
      } = ONE as { x509_chain: string[]; sct_data: string[] };
      const wrong = Buffer.from(sct, 'base64');
      wrong[40] = (wrong[40] ?? 0) ^ 1;
      const body = feedback({
        x509_chain: chain,
        sct_data: times(256, () => wrong.toString('base64')),
      });
      return () => body;
    })(),
  ],
  [
    "other people's certificates",
    0.2,
    'sct-feedback',
    (() => {
      const body = feedback(issued('www.example.org', log));
      return () => body;
    })(),
  ],
  [
    'bodies of 10 MB',
    0.01,
    'sct-feedback',
    (() => {
      const body = `"${'x'.repeat(1e7)}"`;
      return () => body;
    })(),
  ],
  ['all feedback fetched', 0.005, 'collected-sct-feedback', () => undefined],
];

/** `requests` of the quickest kind, and fewer of the others. */
export async function measurePool(requests: number): Promise<PoolLoad[]> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-bench-'));
  const list = join(directory, 'list.json');
  writeFileSync(list, logListOf({ alpha: log }));
  const port = await freePort();
  const options = `pool serve --domain www.example.net --listen 127.0.0.1:${port} --log-list ${list} --state-dir ${directory}/state`;
  const asRoot = process.geteuid?.() === 0 ? ['--user', 'root'] : [];
  const child = spawn(CTGA, [...options.split(' '), ...asRoot], { stdio: 'ignore' });
  const { pid } = child;
  try {
    if (pid === undefined) throw new Error('ctga pool serve does not start');
    while (!(await answers(port))) await sleep(20);
    const loads: PoolLoad[] = [];
    for (const [load, share, path, body] of LOADS) {
      const count = Math.max(10, Math.round(requests * share));
      // What takes long to make is made before.
      const bodies = times(Math.min(count, path === 'sct-feedback' ? count : 1), body);
      const statuses = new Map<number, number>();
      // The pool closes connections that were idle while the bodies were made.
      const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
      const before = cpuSecondsOf(pid);
      let next = 0;
      await Promise.all(
        times(AT_ONCE, async () => {
          for (let i = next++; i < count; i = next++) {
            const status = await send(agent, port, `${PATH}/${path}`, bodies[i % bodies.length]);
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
          }
        }),
      );
      agent.destroy();
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      loads.push({
        load,
        requests: count,
        statuses: [...statuses].map(([each, n]) => `${n} x ${each || 'closed'}`).join(', '),
        requestsPerCpuSecond: Math.round(count / Math.max(0.01, cpuSecondsOf(pid) - before)),
        residentMebibytes: Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024),
        diskMebibytes: Math.ceil(
          ['', '-wal', '-shm']
            .map((end) => statSync(join(directory, `state/pool/pool.sqlite${end}`)).size)
            .reduce((sum, size) => sum + size) /
            2 ** 20,
        ),
      });
    }
    return loads;
  } finally {
    child.kill('SIGTERM');
    await new Promise((done) => child.once('exit', done));
    rmSync(directory, { recursive: true });
  }
}

async function answers(port: number): Promise<boolean> {
  return (await send(undefined, port, '/metrics', undefined)) === 200;
}

/** The status of the answer; 0 if the connection was closed instead. */
function send(
  agent: Agent | undefined,
  port: number,
  path: string,
  body: string | undefined,
): Promise<number> {
  return new Promise((done) => {
    const method = body === undefined ? 'GET' : 'POST';
    const headers = { 'content-type': 'application/json' };
    const sent = request({ agent, host: '127.0.0.1', port, path, method, headers }, (response) => {
      response.resume().once('close', () => done(response.statusCode ?? 0));
    });
    sent.once('error', () => done(0));
    sent.end(body);
  });
}
