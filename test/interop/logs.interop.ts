/**
 * ctga against logs that nobody here wrote: the Go CT log (CTFE over Trillian), of RFC 6962, and
 * Tessera's, of static-ct. They grow by real certificates, are stopped and started, and are copied
 * to equivocate: one key, two histories. Heads are imported as files, and challenged by the real
 * `ctga challenge` through microsocks.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  X509Certificate,
} from 'node:crypto';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ctgaProcess, type Ran } from '../support/ctga.ts';
import { freePort, startMicrosocks, type Microsocks } from '../support/microsocks.ts';
import { eventually } from '../support/eventually.ts';

const BINARIES = resolve(import.meta.dirname, '../../build/interop');
const SCRIPT = resolve(import.meta.dirname, '../../docs/verify-evidence.sh');
const directory = mkdtempSync(join(tmpdir(), 'ctga-interop-'));
// As root, the challenger becomes nobody, who must be able to walk in here.
chmodSync(directory, 0o755);
const running = new Set<ChildProcess>();
let microsocks: Microsocks;
let number = 0;
const fresh = (name: string): string => join(directory, `${name}-${++number}`);

before(async () => {
  microsocks = await startMicrosocks();
});
after(() => {
  for (const child of running) child.kill('SIGKILL');
  microsocks.stop();
  rmSync(directory, { recursive: true });
});

/** A certificate authority and certificates of its, by openssl. */
class Authority {
  readonly certificate = fresh('ca.pem');
  readonly #key = fresh('ca.key');

  constructor() {
    this.#openssl(
      '-x509',
      '-keyout',
      this.#key,
      '-out',
      this.certificate,
      '-subj',
      '/CN=Interop CA',
    );
  }

  /** A certificate in DER. */
  issue(): Buffer {
    const file = fresh('leaf.pem');
    const issuer = ['-CA', this.certificate, '-CAkey', this.#key];
    const uses = [
      '-addext',
      'extendedKeyUsage=serverAuth',
      '-addext',
      'basicConstraints=critical,CA:FALSE',
    ];
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

/** A log in operation. */
interface Running {
  readonly url: string;
  /** Takes this many certificates in, and returns when its head has them. */
  grow(certificates: number): Promise<void>;
  /** Its head as it publishes it: an answer to get-sth, or a checkpoint. */
  head(): Promise<string>;
  /** Stops it and starts it again, on what it had written. */
  restart(): Promise<Running>;
}

/** A kind of log: makes one, and copies of it that go on with one key and one beginning. */
interface Kind {
  readonly name: string;
  readonly api: 'logs' | 'tiled_logs';
  make(): Promise<Running>;
  /** Two logs of one key, with the first few entries in common. */
  makeTwo(common: number): Promise<[Running, Running]>;
  /** SubjectPublicKeyInfo, in DER. */
  readonly key: Buffer;
}

const newKey = (): Buffer =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    format: 'der',
    type: 'pkcs8',
  });
const publicOf = (key: Buffer): Buffer =>
  createPublicKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' })).export({
    format: 'der',
    type: 'spki',
  });

class Tiled implements Kind {
  readonly name = "Tessera's, static-ct";
  readonly api = 'tiled_logs';
  readonly #authority = new Authority();
  readonly #private = newKey();
  readonly key = publicOf(this.#private);

  make(): Promise<Running> {
    return this.#open(fresh('tiles'));
  }

  async makeTwo(common: number): Promise<[Running, Running]> {
    const [one, other] = [fresh('tiles'), fresh('tiles')];
    const log = await this.#open(one);
    await log.grow(common);
    // At rest: nothing is written while it is copied.
    const again = await log.restart();
    cpSync(one, other, { recursive: true });
    return [again, await this.#open(other)];
  }

  async #open(tiles: string): Promise<Running> {
    const keyFile = fresh('key.der');
    writeFileSync(keyFile, this.#private);
    const [child, address] = await start('tiled', tiles, keyFile, 'interop.example.org/tiled');
    const url = `http://${address}/`;
    return {
      url,
      grow: async (certificates) => {
        for (let i = 0; i < certificates; i++) {
          const { status } = await fetch(`${url}add`, {
            method: 'POST',
            body: this.#authority.issue(),
          });
          assert.equal(status, 200);
        }
      },
      head: async () => (await fetch(`${url}checkpoint`)).text(),
      restart: async () => {
        await stop(child);
        return this.#open(tiles);
      },
    };
  }
}

class Classic implements Kind {
  readonly name = 'the Go CT log, RFC 6962';
  readonly api = 'logs';
  readonly #authority = new Authority();
  readonly #private = newKey();
  readonly key = publicOf(this.#private);

  async make(): Promise<Running> {
    const [, line] = await start('backend');
    const [address = '', tree = ''] = line.split(' ');
    return this.#front(address, tree);
  }

  /**
   * Its storage is in memory, so the beginning is given to both: the same certificates, one by one.
   */
  async makeTwo(common: number): Promise<[Running, Running]> {
    const logs: [Running, Running] = [await this.make(), await this.make()];
    const certificates = Array.from({ length: common }, () => this.#authority.issue());
    for (const { url } of logs)
      for (const certificate of certificates) await this.#add(url, certificate);
    return logs;
  }

  /** The front end, which can be started again while the back end goes on. */
  async #front(backend: string, tree: string): Promise<Running> {
    const port = await freePort();
    const config = fresh('ctfe.cfg');
    const bytes = [...this.#private]
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
      '--log_config',
      config,
      '--log_rpc_server',
      backend,
      '--http_endpoint',
      `127.0.0.1:${port}`,
    ];
    const child = spawn(join(BINARIES, 'ct_server'), [...args, '--get_sth_interval', '0'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
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
      restart: async () => {
        await stop(child);
        return this.#front(backend, tree);
      },
    };
  }

  /**
   * add-chain (RFC 6962, Section 4.1); returns when the tree has grown, so that entries keep their
   * order.
   */
  async #add(url: string, certificate: Buffer): Promise<void> {
    const size = async (): Promise<number> =>
      ((await (await fetch(`${url}ct/v1/get-sth`)).json()) as { tree_size: number }).tree_size;
    const before = await size();
    const root = new X509Certificate(readFileSync(this.#authority.certificate)).raw;
    const chain = [certificate, root].map((each) => each.toString('base64'));
    const answer = await fetch(`${url}ct/v1/add-chain`, {
      method: 'POST',
      body: JSON.stringify({ chain }),
    });
    assert.equal(answer.status, 200, await answer.text());
    await eventually(async () => (await size()) !== before, 'a tree that has grown');
  }
}

/** One installation of ctga: imports heads, challenges. */
class Installation {
  readonly #state = ['--state-dir', fresh('state')];
  readonly #kind: Kind;

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  async see(log: Running): Promise<void> {
    const file = fresh('head');
    writeFileSync(file, await log.head());
    const ran = await ctgaProcess([
      'heads',
      'import',
      file,
      '--log',
      'Interop',
      '--log-list',
      this.#list(log),
      ...this.#state,
    ]);
    assert.equal(ran.code, 0, ran.stderr);
  }

  challenge(log: Running): Promise<Ran> {
    const proxy = ['--proxy', `socks5h://127.0.0.1:${microsocks.port}`];
    const how = ['--once', '--json', '--max-delay', '0', '--log-list', this.#list(log)];
    return ctgaProcess(['challenge', ...how, ...proxy, ...this.#state]);
  }

  #list({ url }: Running): string {
    const file = fresh('list.json');
    const where = this.#kind.api === 'logs' ? { url } : { monitoring_url: url };
    const entry = {
      description: 'Interop',
      key: this.#kind.key.toString('base64'),
      allow_private_address: true,
      ...where,
    };
    writeFileSync(file, JSON.stringify({ operators: [{ name: 'Op', [this.#kind.api]: [entry] }] }));
    return file;
  }
}

const verdicts = ({ stdout }: Ran): unknown[] =>
  stdout
    .split('\n')
    .filter((line) => line.includes('"verdict"'))
    .map((line) => (JSON.parse(line) as { verdict: string }).verdict);

async function checkEvidence({ stdout }: Ran): Promise<void> {
  const summary = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { evidence: string[] };
  assert(summary.evidence.length > 0, stdout);
  for (const path of summary.evidence) {
    assert.equal(
      (await ctgaProcess(['evidence', 'verify', path, '--state-dir', resolve(path, '../..')])).code,
      0,
      path,
    );
    assert.equal(spawnSync('sh', [SCRIPT, path]).status, 4, path);
  }
}

for (const kind of [new Tiled(), new Classic()]) {
  describe(kind.name, () => {
    test('as it grows, and over a restart: every head is proven', async () => {
      const ours = new Installation(kind);
      let log = await kind.make();
      for (const growth of [1, 1, 1, 1, 3, 1]) {
        await log.grow(growth);
        await ours.see(log);
      }
      const before = await ours.challenge(log);
      assert.equal(before.code, 0, before.stdout + before.stderr);
      log = await log.restart();
      await log.grow(5);
      await ours.see(log);
      await log.grow(4);
      const after = await ours.challenge(log);
      assert.equal(after.code, 0, after.stdout + after.stderr);
      const all = [...verdicts(before), ...verdicts(after)];
      assert(all.length >= 8 && all.every((verdict) => verdict === 'consistent'), all.join());
    });

    for (const [which, one, other] of [
      ['of one size', 3, 3],
      ['the hidden one smaller', 6, 2],
      ['the hidden one larger', 2, 6],
      ['forked at a power of two', 4, 0],
    ] as const) {
      test(`two copies of one key that go on differently, ${which}: proven, with evidence that stands`, async () => {
        const ours = new Installation(kind);
        const [shown, hidden] = await kind.makeTwo(3);
        await hidden.grow(other + 1);
        await shown.grow(one + 1);
        await ours.see(hidden);
        let ran = await ours.challenge(shown);
        if (other > one) {
          // The log that is asked has no such tree yet: that accuses nobody, until it grows past
          // it.
          assert.equal(ran.code, 0, ran.stdout);
          assert(verdicts(ran).includes('skewed'), ran.stdout);
          await shown.grow(other - one + 1);
          ran = await ours.challenge(shown);
        }
        assert.equal(ran.code, 3, ran.stdout + ran.stderr);
        assert(verdicts(ran).includes('fork-proven'), ran.stdout);
        await checkEvidence(ran);
      });
    }
  });
}
