// SPDX-License-Identifier: Apache-2.0
/**
 * Logs that nobody here wrote, as tests run them on loopback: the Go CT log (CTFE over Trillian), of
 * RFC 6962, and Tessera's, of static-ct. run.ts builds them.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { MerkleHash } from '../../src/merkle/hash.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
import { SigningLog } from '../support/signing-log.ts';

/** A log in operation. */
export interface RunningLog {
  /** Ends in '/'. */
  readonly url: string;
  /** Takes this many certificates in, and returns when its head has them. */
  grow(certificates: number): Promise<void>;
  /** The same with entries that are no certificates, for thousands of them. */
  fill(entries: number): Promise<void>;
  /** Its head as it publishes it: an answer to get-sth, or a checkpoint. */
  head(): Promise<string>;
  /** Stops it and starts it again, on what it had written. */
  restart(): Promise<RunningLog>;
}

/** A kind of log: makes one, and copies of it that go on with one key and one beginning. */
export interface Kind {
  readonly name: string;
  readonly api: 'logs' | 'tiled_logs';
  make(): Promise<RunningLog>;
  /** Two logs of one key, with the first few entries in common. */
  makeTwo(common: number): Promise<[RunningLog, RunningLog]>;
  /** SubjectPublicKeyInfo, in DER. */
  readonly key: Uint8Array;
  /** A head that the log's key signed now, in the form in which the log publishes its own. */
  forge(treeSize: number, rootHash: MerkleHash): string;
}

const BINARIES = resolve(import.meta.dirname, '../../build/interop');
const directory = mkdtempSync(join(tmpdir(), 'ctga-interop-'));
// As root, the challenger becomes nobody, who must be able to walk in here.
chmodSync(directory, 0o755);
const running = new Set<ChildProcess>();
let number = 0;

/** A path in the directory of these tests that nothing has used yet. */
export const fresh = (name: string): string => join(directory, `${name}-${++number}`);

/** Ends every log and removes their files. */
export function removeLogs(): void {
  for (const child of running) child.kill('SIGKILL');
  rmSync(directory, { recursive: true });
}

/** The origin of its checkpoints. */
export const TILED_ORIGIN = 'interop.example.org/tiled';

export interface TiledOptions {
  /** Seconds between two collections of partial tiles that full ones have replaced; 0: never. */
  readonly collected?: number;
}

export class Tiled implements Kind {
  readonly name = "Tessera's, static-ct";
  readonly api = 'tiled_logs';
  readonly #authority = new Authority();
  readonly #signing = new SigningLog();
  readonly #collected: number;
  readonly key = this.#signing.key.spki;
  /** A policy (c2sp.org/tlog-policy) with the witnesses that it asks before it publishes. */
  policy: string | undefined;

  constructor({ collected = 0 }: TiledOptions = {}) {
    this.#collected = collected;
  }

  make(): Promise<RunningLog> {
    return this.#open(fresh('tiles'));
  }

  async makeTwo(common: number): Promise<[RunningLog, RunningLog]> {
    const [one, other] = [fresh('tiles'), fresh('tiles')];
    const log = await this.#open(one);
    await log.grow(common);
    // At rest: nothing is written while it is copied.
    const again = await log.restart();
    cpSync(one, other, { recursive: true });
    return [again, await this.#open(other)];
  }

  forge(treeSize: number, rootHash: MerkleHash): string {
    return this.#signing.checkpoint(treeSize, rootHash, BigInt(Date.now()));
  }

  async #open(tiles: string): Promise<RunningLog> {
    const keyFile = fresh('key.der');
    writeFileSync(keyFile, this.#signing.pkcs8());
    const about = [keyFile, TILED_ORIGIN, String(this.#collected)];
    if (this.policy !== undefined) {
      const policyFile = fresh('policy');
      writeFileSync(policyFile, this.policy);
      about.push(policyFile);
    }
    const [child, address] = await start('tiled', tiles, ...about);
    const url = `http://${address}/`;
    return {
      url,
      grow: async (certificates) => {
        for (let i = 0; i < certificates; i++) await post(`${url}add`, this.#authority.issue());
      },
      fill: (entries) => post(`${url}fill?entries=${entries}`),
      head: async () => (await fetch(`${url}checkpoint`)).text(),
      restart: async () => {
        await stop(child);
        return this.#open(tiles);
      },
    };
  }
}

export interface ClassicOptions {
  /** The most entries of one answer to get-entries. */
  readonly maxGetEntries?: number;
}

export class Classic implements Kind {
  readonly name = 'the Go CT log, RFC 6962';
  readonly api = 'logs';
  readonly #authority = new Authority();
  readonly #signing = new SigningLog();
  readonly #maxGetEntries: number;
  readonly key = this.#signing.key.spki;

  constructor({ maxGetEntries = 1000 }: ClassicOptions = {}) {
    this.#maxGetEntries = maxGetEntries;
  }

  async make(): Promise<RunningLog> {
    const [, line] = await start('backend');
    const [address = '', tree = '', fill = ''] = line.split(' ');
    return this.#front(address, tree, fill);
  }

  /**
   * Its storage is in memory, so the beginning is given to both: the same certificates, one by one.
   */
  async makeTwo(common: number): Promise<[RunningLog, RunningLog]> {
    const logs: [RunningLog, RunningLog] = [await this.make(), await this.make()];
    const certificates = Array.from({ length: common }, () => this.#authority.issue());
    for (const { url } of logs)
      for (const certificate of certificates) await this.#add(url, certificate);
    return logs;
  }

  forge(treeSize: number, rootHash: MerkleHash): string {
    const head = this.#signing.sign(treeSize, rootHash, BigInt(Date.now()));
    return JSON.stringify(treeHeadToJson(head));
  }

  /** The front end, which can be started again while the back end goes on. */
  async #front(backend: string, tree: string, fill: string): Promise<RunningLog> {
    const port = await freePort();
    const config = fresh('ctfe.cfg');
    const bytes = [...this.#signing.pkcs8()]
      .map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`)
      .join('');
    writeFileSync(
      config,
      `config {
        log_id: ${tree}
        prefix: "interop"
        roots_pem_file: "${this.#authority.certificate}"
        private_key: { [type.googleapis.com/keyspb.PrivateKey] { der: "${bytes}" } }
        max_merge_delay_sec: 86400
        expected_merge_delay_sec: 1
      }`,
    );
    const args = [
      ['--log_config', config],
      ['--log_rpc_server', backend],
      ['--http_endpoint', `127.0.0.1:${port}`],
      ['--get_sth_interval', '0'],
      ['--max_get_entries', String(this.#maxGetEntries)],
    ].flat();
    const child = spawn(join(BINARIES, 'ct_server'), args, { stdio: ['ignore', 'ignore', 'pipe'] });
    running.add(child);
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const url = `http://127.0.0.1:${port}/interop/`;
    const head = async (): Promise<string> => (await fetch(`${url}ct/v1/get-sth`)).text();
    await eventually(async () => {
      assert.equal(child.exitCode, null, errors);
      return (await head().catch(() => '')).includes('tree_size');
    }, 'a first tree head of ct_server');
    return {
      url,
      head,
      grow: async (certificates) => {
        for (let i = 0; i < certificates; i++) await this.#add(url, this.#authority.issue());
      },
      fill: (entries) => post(`http://${fill}/fill?entries=${entries}`),
      restart: async () => {
        await stop(child);
        return this.#front(backend, tree, fill);
      },
    };
  }

  /**
   * add-chain (RFC 6962, Section 4.1); returns when the tree has grown, so that entries keep their
   * order.
   */
  async #add(url: string, certificate: Uint8Array): Promise<void> {
    const size = async (): Promise<number> =>
      ((await (await fetch(`${url}ct/v1/get-sth`)).json()) as { tree_size: number }).tree_size;
    const before = await size();
    const root = new X509Certificate(readFileSync(this.#authority.certificate)).raw;
    const chain = [certificate, root].map((each) => Buffer.from(each).toString('base64'));
    await post(`${url}ct/v1/add-chain`, JSON.stringify({ chain }));
    await eventually(async () => (await size()) !== before, 'a tree that has grown');
  }
}

/** A certificate authority and certificates of its, by openssl. */
export class Authority {
  readonly certificate = fresh('ca.pem');
  readonly #key = fresh('ca.key');

  constructor() {
    const files = ['-keyout', this.#key, '-out', this.certificate];
    this.#openssl('-x509', ...files, '-subj', '/CN=Interop CA');
  }

  /** A certificate in DER. */
  issue(): Uint8Array {
    const file = fresh('leaf.pem');
    const issuer = ['-CA', this.certificate, '-CAkey', this.#key];
    const extensions = ['extendedKeyUsage=serverAuth', 'basicConstraints=critical,CA:FALSE'];
    const uses = extensions.flatMap((extension) => ['-addext', extension]);
    const subject = ['-subj', `/CN=host${number}.example.org`];
    this.#openssl('-x509', ...issuer, ...uses, ...subject, '-keyout', '/dev/null', '-out', file);
    return new X509Certificate(readFileSync(file)).raw;
  }

  #openssl(...args: readonly string[]): void {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'];
    const { status, stderr } = spawnSync('openssl', ['req', ...key, ...args], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  }
}

async function post(url: string, body?: Uint8Array | string): Promise<void> {
  const answer = await fetch(url, { method: 'POST', body: body ?? null });
  assert.equal(answer.status, 200, await answer.text());
}

/** Starts a program and returns it with the first line that it prints. */
async function start(program: string, ...args: readonly string[]): Promise<[ChildProcess, string]> {
  const child = spawn(join(BINARIES, program), args, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  let said = '';
  for await (const chunk of child.stdout.iterator({
    destroyOnReturn: false,
  }) as AsyncIterable<Buffer>) {
    said += chunk.toString();
    if (said.includes('\n')) break;
  }
  assert(said.includes('\n'), errors);
  return [child, said.trim()];
}

async function stop(child: ChildProcess): Promise<void> {
  const gone = new Promise((done) => child.once('exit', done));
  child.kill('SIGTERM');
  await gone;
  running.delete(child);
}
