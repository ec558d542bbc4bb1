// SPDX-License-Identifier: Apache-2.0
/**
 * What a witness manages: cosignatures a second by each kind of key, and `ctga witness serve`, a process
 * of its own, under a hundred logs that grow at once, each over a connection of its own.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseCheckpoint } from '../src/statements/checkpoint.ts';
import {
  cosign,
  generateSignerKey,
  parseSignerKey,
  verifyCosignature,
  type NoteSignerType,
} from '../src/statements/cosignature.ts';
import { CheckpointLog } from '../test/support/checkpoint-log.ts';
import { CTGA, ctgaProcess } from '../test/support/ctga.ts';
import { freePort } from '../test/support/ports.ts';
import { treeOf } from '../test/support/signing-log.ts';
import { addBody } from '../test/witness/harness.ts';
import { cpuSecondsOf } from './cpu.ts';

export interface WitnessSigning {
  readonly key: string;
  readonly signed: number;
  readonly verified: number;
}

export interface WitnessLoad {
  readonly logs: number;
  readonly requests: number;
  readonly cosignedPerSecond: number;
  readonly cosignedPerCpuSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Those that were not cosigned. */
  readonly others: number;
}

/** One thread of this Node, a second each. */
export function measureSigning(milliseconds: number): WitnessSigning[] {
  const log = new CheckpointLog();
  const checkpoint = parseCheckpoint(log.checkpoint(5, treeOf(5).root()));
  return (['Ed25519 cosignature', 'ML-DSA-44'] satisfies NoteSignerType[]).map((type) => {
    const signer = parseSignerKey(generateSignerKey('bench.test/w', type));
    let time = 1n;
    let body = new Uint8Array();
    const signed = perSecond(milliseconds, () => {
      const line = cosign(signer, checkpoint, time++);
      body = new Uint8Array(Buffer.from(line.split(' ')[2] ?? '', 'base64').subarray(4));
    });
    const verified = perSecond(milliseconds, () => {
      if (!verifyCosignature(signer.key, body, checkpoint)) throw new Error('not its own');
    });
    return { key: type, signed, verified };
  });
}

function perSecond(milliseconds: number, work: () => void): number {
  const start = performance.now();
  let times = 0;
  while (performance.now() - start < milliseconds) {
    work();
    times += 1;
  }
  return Math.round((times / (performance.now() - start)) * 1000);
}

/** Each of `count` logs grows `growths` times, as fast as it is answered. */
export async function measureLogs(count: number, growths: number): Promise<WitnessLoad> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-bench-'));
  const logs = Array.from(
    { length: count },
    (_, i) => new CheckpointLog({ name: `log.test/${i}` }),
  );
  const list = join(directory, 'logs.txt');
  writeFileSync(list, logs.map(({ vkey }) => `${vkey}\n`).join(''));
  const asRoot = process.geteuid?.() === 0 ? ['--user', 'root'] : [];
  const about = ['--state-dir', join(directory, 'state'), ...asRoot];
  const made = await ctgaProcess(['witness', 'keygen', 'bench.test/w', ...about]);
  if (made.code !== 0) throw new Error(made.stderr);
  const port = await freePort();
  const args = ['--listen', `127.0.0.1:${port}`, '--log-list', list, ...about];
  const child = spawn(CTGA, ['witness', 'serve', ...args], { stdio: 'ignore' });
  const { pid } = child;
  const agent = new Agent({ keepAlive: true, maxSockets: count });
  try {
    if (pid === undefined) throw new Error('ctga witness serve does not start');
    while ((await send(agent, port, 0, undefined)) !== 200) await sleep(50);
    const tree = treeOf(growths + 1);
    // What takes long to make is made before.
    const bodies = logs.map((log) =>
      Array.from({ length: growths }, (_, i) =>
        addBody(
          i,
          i > 0 ? tree.consistencyProof(i, i + 1) : [],
          log.checkpoint(i + 1, tree.root(i + 1)),
        ),
      ),
    );
    const [before, start] = [cpuSecondsOf(pid), performance.now()];
    const took: number[] = [];
    let others = 0;
    await Promise.all(
      bodies.map(async (ofLog, client) => {
        for (const body of ofLog) {
          const began = performance.now();
          if ((await send(agent, port, client, body)) === 200) took.push(performance.now() - began);
          else others += 1;
        }
      }),
    );
    const seconds = (performance.now() - start) / 1000;
    took.sort((a, b) => a - b);
    const at = (share: number): number =>
      Math.round((took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0) * 10) / 10;
    return {
      logs: count,
      requests: count * growths,
      cosignedPerSecond: Math.round(took.length / seconds),
      cosignedPerCpuSecond: Math.round(took.length / Math.max(0.01, cpuSecondsOf(pid) - before)),
      p50: at(0.5),
      p99: at(0.99),
      others,
    };
  } finally {
    agent.destroy();
    child.kill('SIGTERM');
    await new Promise((done) => child.once('exit', done));
    rmSync(directory, { recursive: true });
  }
}

/** The status; 0 if there is no answer. Each log is a client of its own, behind a web server. */
function send(
  agent: Agent,
  port: number,
  client: number,
  body: Buffer | undefined,
): Promise<number> {
  return new Promise((done) => {
    const [method, path] = body === undefined ? ['GET', '/'] : ['POST', '/add-checkpoint'];
    const headers = { 'x-forwarded-for': `10.0.${client >> 8}.${client & 255}` };
    const sent = request({ agent, host: '127.0.0.1', port, path, method, headers }, (response) => {
      response.resume().once('close', () => done(response.statusCode ?? 0));
    });
    sent.once('error', () => done(0));
    sent.end(body);
  });
}
