// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga client run` with logs of the test's own, whose zones real DNS servers answer for, and with a
 * browser's messages at its socket.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { encodeBase64 } from '../../src/base/base64.ts';
import { collect } from '../../src/client/collect.ts';
import { frame, FrameReader } from '../../src/client/frames.ts';
import { DnsServer } from '../../src/dns/server.ts';
import { logIdText, type Log } from '../../src/logs/log.ts';
import type { MerkleHash } from '../../src/merkle/hash.ts';
import { MerkleTree } from '../../src/merkle/tree.ts';
import { Authority as NameServer, type ZoneSource } from '../../src/mirror/authority.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { ctga, startCtga, type Running } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';

const DAY = 86_400_000;

/** A log and the zone in which it is asked, which tell whatever a test has them tell. */
class Zone implements ZoneSource {
  readonly log = new SigningLog();
  tree: MerkleTree = treeOf(100);
  /** The tree of which proofs are given, where it is another. */
  proven: MerkleTree | undefined;
  /** What stands in the place of a tree head. */
  lie: string | undefined;
  /** The names of which somebody asked, without their zone. */
  readonly asked: string[] = [];

  treeHead(): string {
    this.asked.push('sth');
    return (
      this.lie ??
      formatTreeHeadText(this.log.sign(this.tree.size, this.tree.root(), BigInt(Date.now())))
    );
  }

  readonly proofs = {
    leafIndex: (hash: MerkleHash): Promise<bigint> => {
      this.asked.push(`hash ${Buffer.from(hash).toString('hex')}`);
      const { size } = this.tree;
      const leaves = Array.from({ length: size }, (_, i) => this.tree.leafHash(i));
      const index = leaves.findIndex((each) => Buffer.from(each).equals(hash));
      return index < 0 ? Promise.reject(new Error('none')) : Promise.resolve(BigInt(index));
    },
    consistency: (first: bigint, second: bigint): Promise<MerkleHash[]> => {
      this.asked.push(`consistency ${first} ${second}`);
      const tree = this.proven ?? this.tree;
      return Promise.resolve(tree.consistencyProof(Number(first), Number(second)));
    },
    inclusion: (index: bigint, size: bigint): Promise<MerkleHash[]> => {
      this.asked.push(`tree ${index} ${size}`);
      const tree = this.proven ?? this.tree;
      return Promise.resolve(tree.inclusionProof(Number(index), Number(size)));
    },
  };

  /** Another tree of more entries, of which this one's are the first. */
  grow(more: number): void {
    const grown = new MerkleTree();
    for (let i = 0; i < this.tree.size; i++) grown.append(this.tree.leafHash(i));
    for (let i = 0; i < more; i++) grown.append(treeOf(1, `more ${i}`).leafHash(0));
    this.tree = grown;
  }
}

interface Status {
  readonly type: string;
  readonly message?: string;
  readonly logs: readonly {
    readonly name: string;
    readonly state: string;
    readonly size?: number;
  }[];
  readonly scts: readonly {
    readonly origin: string;
    readonly log: string;
    readonly state: string;
    readonly why: string;
  }[];
  readonly more: number;
  readonly discarded: Readonly<Record<string, number>>;
  readonly findings: readonly { readonly log: string; readonly evidence: string }[];
  readonly feedback: readonly unknown[];
}

/** The browser's end of the daemon's socket. */
class Browser {
  readonly #socket: Socket;
  readonly messages: Status[] = [];

  constructor(path: string) {
    const reader = new FrameReader();
    this.#socket = connect(path)
      .on('error', () => undefined)
      .on('data', (bytes: Buffer) => {
        for (const body of reader.take(bytes))
          this.messages.push(JSON.parse(body.toString()) as Status);
      });
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  say(message: unknown): void {
    this.#socket.write(frame(JSON.stringify(message)));
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Asks until the answer is such. */
  async until(is: (status: Status) => boolean, what: string): Promise<Status> {
    return eventually(
      async () => {
        const before = this.messages.length;
        this.say({ type: 'status' });
        const status = await eventually(
          () => this.messages.slice(before).find(({ type }) => type === 'status'),
          'an answer',
        );
        return is(status) && status;
      },
      () => `${what}; the last status is ${JSON.stringify(this.messages.at(-1))}`,
    );
  }

  async untilError(is: RegExp): Promise<void> {
    await eventually(
      () => this.messages.some(({ type, message }) => type === 'error' && is.test(message ?? '')),
      String(is),
    );
  }

  close(): void {
    this.#socket.destroy();
  }
}

describe('the client', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-client-'));
  const zones = { alpha: new Zone(), beta: new Zone(), gamma: new Zone() };
  const list = join(directory, 'list.json');
  const ca = new Authority();
  const dns = new DnsServer(
    new NameServer({
      zones: new Map(Object.entries(zones).map(([name, zone]) => [`${name}.example`, zone])),
      ttl: 0,
    }),
  );
  let port = 0;
  let count = 0;

  before(async () => {
    ({ port } = await dns.listen({ address: '127.0.0.1', port: 0 }));
    writeFileSync(
      list,
      logListOf(Object.fromEntries(Object.entries(zones).map(([name, { log }]) => [name, log]))),
    );
  });
  after(async () => {
    await dns.close();
    rmSync(directory, { recursive: true });
  });

  const logs = (): Map<string, Log> =>
    new Map(
      Object.values(zones).map(({ log }) => [logIdText(log.key.logId), log.asLog()] as const),
    );

  interface Client {
    readonly state: string;
    readonly running: Running;
    readonly browser: Browser;
    /** What it printed, by line. */
    readonly events: () => Record<string, unknown>[];
    readonly stop: () => Promise<number | null>;
  }

  async function start(
    given: readonly string[] = [],
    state = join(directory, `state-${count++}`),
  ): Promise<Client> {
    const running = startCtga([
      ...['client', 'run', '--json', '--log-list', list, '--state-dir', state],
      ...['--resolver', `127.0.0.1:${port}`, '--interval', '1', '--max-delay', '0'],
      ...given,
    ]);
    await running.until(() => running.said().includes('"listening"'), 'word that it listens');
    const browser = new Browser(join(state, 'client/socket'));
    return {
      state,
      running,
      browser,
      events: () =>
        running
          .said()
          .split('\n')
          .filter((line) => line.startsWith('{'))
          .map((line) => JSON.parse(line) as Record<string, unknown>),
      stop: async () => {
        browser.close();
        return (await running.stop()).code;
      },
    };
  }

  /** A certificate with an SCT of each log, and the message that a browser sends of it. */
  function visit(
    origin: string,
    of: readonly Zone[],
    timestamp = BigInt(Date.now() - 2 * DAY),
  ): { readonly message: Record<string, unknown>; readonly leaves: MerkleHash[] } {
    const der = ca.issue([new URL(origin).hostname], { logs: of.map(({ log }) => log), timestamp });
    const chain = [der, ca.der];
    const { promised } = collect({ type: 'seen', origin, chain, scts: [] }, logs());
    assert.equal(promised.length, of.length);
    return {
      message: { type: 'seen', origin, chain: chain.map(encodeBase64) },
      leaves: promised.map(({ leafHash }) => leafHash),
    };
  }

  /** Puts leaves into a zone's tree, behind what it has. */
  function include({ tree }: Zone, leaves: readonly MerkleHash[]): void {
    for (const leaf of leaves) tree.append(leaf);
  }

  test('proves heads consistent and SCTs included, by DNS alone', async () => {
    const { alpha, beta } = zones;
    const origin = 'https://www.example.net';
    const { message, leaves } = visit(origin, [alpha, beta]);
    const client = await start();
    const { browser } = client;
    await browser.until(
      (status) => status.logs.filter(({ state }) => state === 'consistent').length === 3,
      'a head of each log',
    );
    alpha.grow(20);
    include(alpha, leaves.slice(0, 1));
    include(beta, leaves.slice(1));
    browser.say(message);
    const { scts, findings } = await browser.until(
      (status) =>
        status.scts.length === 2 && status.scts.every(({ state }) => state === 'included'),
      'both SCTs included',
    );
    assert.deepEqual([...scts].map(({ log }) => log).sort(), ['the-alpha', 'the-beta']);
    assert.deepEqual(findings, []);
    const shown = await ctga(['client', 'status', '--json', '--state-dir', client.state]);
    assert.equal(shown.code, 0, shown.stderr);
    assert.equal((JSON.parse(shown.stdout) as { running: boolean }).running, true);
    assert.equal(await client.stop(), 0);
    // Nobody else may look.
    assert.equal(statSync(join(client.state, 'client')).mode & 0o777, 0o700);
    const again = await ctga([
      ...['client', 'status', '--json', '--state-dir', client.state, '--log-list', list],
    ]);
    assert.equal(again.code, 0, again.stderr);
    const { running, scts: kept } = JSON.parse(again.stdout) as Status & { running: boolean };
    assert.equal(running, false);
    assert.deepEqual(
      kept.map(({ state }) => state),
      ['included', 'included'],
    );
  });
});
