// SPDX-License-Identifier: Apache-2.0
/** An installation of ctga as it runs: its command line over a state directory of its own. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CTGA, ctgaProcess, type Ran } from '../support/ctga.ts';
import { fresh, type Kind } from './peers.ts';

const SCRIPT = resolve(import.meta.dirname, '../../docs/verify-evidence.sh');
const NAME = 'Interop';

export class Installation {
  readonly #stateDirectory = fresh('state');
  readonly #kind: Kind;
  readonly #proxy: string;

  /** It reaches logs through the SOCKS proxy at this port of 127.0.0.1 alone. */
  constructor(kind: Kind, proxyPort: number) {
    mkdirSync(this.#stateDirectory);
    this.#kind = kind;
    this.#proxy = `socks5h://127.0.0.1:${proxyPort}`;
  }

  /** Takes in a head as the log publishes it. */
  async see(head: string): Promise<void> {
    const file = fresh('head');
    writeFileSync(file, head);
    // The list has to name some URL; it is asked nothing here.
    const list = this.#list('http://127.0.0.1:1/');
    const about = ['--log', NAME, '--log-list', list];
    const ran = await ctgaProcess(['heads', 'import', file, ...about, ...this.#state()]);
    assert.equal(ran.code, 0, ran.stderr);
  }

  /** Challenges the log at this URL once. */
  challenge(url: string, ...more: readonly string[]): Promise<Ran> {
    return ctgaProcess(['challenge', '--once', '--max-delay', '0', ...this.#how(url), ...more]);
  }

  /** Challenges the log at this URL until `isEnough` says so, every second on average. */
  async challengeUntil(
    isEnough: () => boolean,
    url: string,
    ...more: readonly string[]
  ): Promise<Ran> {
    const child = spawn(CTGA, ['challenge', '--every', '1', ...this.#how(url), ...more], {
      env: { ...process.env, CTGA_NODE: process.execPath },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const asked = setInterval(() => isEnough() && child.kill('SIGTERM'), 20);
    const code = await new Promise<number | null>((done) => child.once('close', done));
    clearInterval(asked);
    return { code, stdout, stderr };
  }

  #how(url: string): string[] {
    return ['--json', '--log-list', this.#list(url), '--proxy', this.#proxy, ...this.#state()];
  }

  #state(): string[] {
    return ['--state-dir', this.#stateDirectory];
  }

  #list(url: string): string {
    const file = fresh('list.json');
    const entry = {
      description: NAME,
      key: Buffer.from(this.#kind.key).toString('base64'),
      allow_private_address: true,
      ...(this.#kind.api === 'logs' ? { url } : { monitoring_url: url }),
    };
    writeFileSync(file, JSON.stringify({ operators: [{ name: 'Op', [this.#kind.api]: [entry] }] }));
    return file;
  }
}

export interface SaidVerdict {
  readonly treeSize: number;
  readonly verdict: string;
}

/** The verdicts that a challenge reported, in their order. */
export function verdictsOf({ stdout }: Ran): SaidVerdict[] {
  return stdout
    .split('\n')
    .filter((line) => line.includes('"verdict"'))
    .map((line) => JSON.parse(line) as SaidVerdict);
}

/** Every evidence that `ctga challenge --once` named stands, by ctga and by the script. */
export async function checkEvidence({ stdout }: Ran): Promise<void> {
  const summary = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { evidence: string[] };
  assert(summary.evidence.length > 0, stdout);
  for (const path of summary.evidence) {
    const state = ['--state-dir', resolve(path, '../..')];
    assert.equal((await ctgaProcess(['evidence', 'verify', path, ...state])).code, 0, path);
    assert.equal(spawnSync('sh', [SCRIPT, path]).status, 4, path);
  }
}
