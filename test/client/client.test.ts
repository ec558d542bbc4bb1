// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga client run` with logs of the test's own, whose zones real DNS servers answer for, and with a
 * browser's messages at its socket.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { decode, encode, RECURSION_AVAILABLE } from 'dns-packet';
import { encodeBase64 } from '../../src/base/base64.ts';
import { collect } from '../../src/client/collect.ts';
import { frame, FrameReader } from '../../src/client/frames.ts';
import { ClientStore, type HeadRow } from '../../src/client/store.ts';
import { DnsServer } from '../../src/dns/server.ts';
import { logIdText, type Log } from '../../src/logs/log.ts';
import type { MerkleHash } from '../../src/merkle/hash.ts';
import { MerkleTree } from '../../src/merkle/tree.ts';
import { Authority as NameServer, type ZoneSource } from '../../src/mirror/authority.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import type { Statement } from '../../src/statements/statement.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { ctga, startCtga, type Running } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
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
      ...['--resolver', `127.0.0.1:${port}`, '--interval', '0.2', '--max-delay', '0.2'],
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

  for (const [what, first, second] of [
    ['one size', 100, 100],
    ['another size', 77, 130],
    ['a power of two before', 64, 130],
    ['a power of two and the next', 64, 65],
  ] as const)
    test(`convicts a log that shows another tree, ${what}, with evidence`, async () => {
      const zone = new Zone();
      zone.tree = treeOf(first, 'a');
      await withZone(zone, async (client) => {
        const { browser } = client;
        await browser.until(({ logs }) => logs[0]?.state === 'consistent', 'a head');
        zone.tree = treeOf(second, 'b');
        const { findings } = await browser.until(
          (status) => status.findings.length > 0,
          'a finding',
        );
        const { evidence = '', log } = findings[0] ?? {};
        assert.equal(log, 'the-forked');
        const verified = await ctga(['evidence', 'verify', evidence, '--log-list', client.list]);
        assert.equal(verified.code, 0, verified.stdout + verified.stderr);
        const shown = await ctga(['client', 'status', '--state-dir', client.state]);
        assert.equal(shown.code, 3);
        assert.match(shown.stdout, /SPLIT VIEW PROVEN: The log "The forked log" signed/);
        assert.equal(await client.stop(), 3);
        assert.match(client.running.said(), /"event":"fork-proven"/);
        // Whoever looks at the state directory is told of it too.
        const status = await ctga(['status', '--json', '--state-dir', client.state]);
        const told = JSON.parse(status.stdout) as {
          evidence: string[];
          conditions: { key: string; severity: string }[];
        };
        assert.deepEqual(told.evidence, [evidence]);
        assert.equal(told.conditions.filter(({ severity }) => severity === 'critical').length, 1);
        const listed = await ctga(['evidence', 'list', '--state-dir', client.state]);
        assert.equal(listed.code, 0, listed.stdout + listed.stderr);
      });
    });

  test('says it once of each fork, at whatever start', async () => {
    const zone = new Zone();
    await withZone(zone, async (client) => {
      await client.browser.until(({ logs }) => logs[0]?.state === 'consistent', 'a head');
      zone.tree = treeOf(100, 'b');
      await client.browser.until(({ findings }) => findings.length > 0, 'a finding');
      await client.stop();
      const again = await start(client.given, client.state);
      const { findings } = await again.browser.until(() => true, 'a status');
      assert.equal(findings.length, 1);
      // It goes on to ask, as every client does: what it asks does not tell what it knows.
      const before = zone.asked.length;
      await eventually(() => zone.asked.length > before, 'the next question');
      assert.equal(await again.stop(), 3);
      assert.doesNotMatch(again.running.said(), /fork-proven/);
    });
  });

  for (const [what, lie] of [
    ['garbage in place of a head', (zone: Zone) => void (zone.lie = 'x'.repeat(300))],
    ['an empty text', (zone: Zone) => void (zone.lie = '')],
    [
      'a head that another log signed',
      (zone: Zone) => {
        const tree = treeOf(120, 'b');
        zone.lie = formatTreeHeadText(new SigningLog().sign(120, tree.root(), BigInt(Date.now())));
      },
    ],
    [
      'a head with one bit changed',
      (zone: Zone) => {
        const { signature, ...head } = zone.log.sign(120, treeOf(120).root(), BigInt(Date.now()));
        zone.lie = formatTreeHeadText({ ...head, treeSize: 121n, signature });
      },
    ],
    [
      'proofs of another tree',
      (zone: Zone) => {
        zone.grow(20);
        zone.proven = treeOf(120, 'b');
      },
    ],
    [
      'proofs of another tree, from a size that is a power of two',
      (zone: Zone) => {
        zone.tree = treeOf(128);
        zone.proven = treeOf(200, 'b');
      },
    ],
    [
      'a tree of no entries, with a root that cannot be',
      (zone: Zone) => {
        zone.lie = formatTreeHeadText(zone.log.sign(0, treeOf(1).root(), BigInt(Date.now())));
      },
    ],
  ] as const)
    test(`convicts nobody for ${what}`, async () => {
      const zone = new Zone();
      await withZone(zone, async (client) => {
        await client.browser.until(({ logs }) => logs[0]?.state === 'consistent', 'a head');
        const before = zone.asked.length;
        lie(zone);
        // Three turns with the lie.
        await eventually(
          () => zone.asked.slice(before).filter((name) => name === 'sth').length > 2,
          'its questions',
        );
        const { findings, logs } = await client.browser.until(() => true, 'a status');
        assert.deepEqual(findings, []);
        assert(logs[0]?.state === 'consistent' || logs[0]?.state === 'unproven');
        assert.equal(await client.stop(), 0);
      });
    });

  test('goes on where the resolver answers nothing, NXDOMAIN or a wildcard', async () => {
    for (const port of [1, await wildcard()]) {
      const client = await start(['--resolver', `127.0.0.1:${port}`]);
      const { logs, findings } = await client.browser.until(
        (status) => status.logs.every(({ state }) => state === 'no-answer'),
        'no answer',
      );
      assert.equal(logs.length, 3);
      assert.deepEqual(findings, []);
      assert.equal(await client.stop(), 0);
    }
  });

  describe('an SCT', () => {
    let client: Client & { readonly zone: Zone };
    let stopZone: () => Promise<void>;
    before(async () => {
      const zone = new Zone();
      ({ client, stop: stopZone } = await beginZone(zone));
      await client.browser.until(({ logs: all }) => all[0]?.state === 'consistent', 'a head');
    });
    after(async () => {
      await client.stop();
      await stopZone();
    });
    const became = (origin: string, is: (state: string, why: string) => boolean): Promise<Status> =>
      client.browser.until(
        ({ scts }) => scts.some((each) => each.origin === origin && is(each.state, each.why)),
        `the SCT of ${origin}`,
      );

    test('whose log still has time is waiting, and asked about by nobody', async () => {
      const origin = 'https://early.example';
      const { zone } = client;
      const { message, leaves } = visitOf(zone, origin, BigInt(Date.now() - DAY / 2));
      client.browser.say(message);
      await became(origin, (state, why) => state === 'waiting' && /^The log has until/.test(why));
      const leaf = Buffer.from(leaves[0] ?? assert.fail()).toString('hex');
      assert(!zone.asked.includes(`hash ${leaf}`));
    });

    test('that the log did not include is unprovable, said aloud, and accuses nobody', async () => {
      const origin = 'https://missing.example';
      const { zone, browser, running, state } = client;
      browser.say(visitOf(zone, origin).message);
      await became(origin, (now) => now === 'unprovable');
      const shown = await ctga(['client', 'status', '--state-dir', state]);
      assert.equal(shown.code, 1);
      assert.match(shown.stdout, /https:\/\/missing\.example +the-forked +unprovable/);
      assert.match(running.said(), /"state":"unprovable"/);
      assert.deepEqual((await browser.until(() => true, 'a status')).findings, []);
    });

    test('of which the DNS gives proofs of another tree is contradicted, and accuses nobody', async () => {
      const origin = 'https://lied.example';
      const { zone, browser } = client;
      const { message, leaves } = visitOf(zone, origin);
      include(zone, leaves);
      const { size } = zone.tree;
      await browser.until(({ logs: [log] }) => log?.size === size, 'the tree with it');
      const lies = new MerkleTree();
      for (let i = 0; i < size; i++) lies.append(treeOf(1, `lie ${i}`).leafHash(0));
      zone.proven = lies;
      browser.say(message);
      await became(origin, (now) => now === 'contradicted');
      assert.deepEqual((await browser.until(() => true, 'a status')).findings, []);
      // When the lie ends, the proof is found.
      zone.proven = undefined;
      await became(origin, (now) => now === 'included');
    });

    test('of an unknown log is discarded, and of a forger told', async () => {
      const origin = 'https://forged.example';
      const { zone, browser } = client;
      const stranger = new SigningLog();
      const certificate = ca.issue(['forged.example'], { timestamp: 1n });
      const entry = { type: 'x509', certificate } as const;
      const foreign = stranger.promise(entry, 1n);
      const forged = Buffer.from(zone.log.promise(entry, 1n));
      forged.writeUInt8((forged.at(-1) ?? 0) ^ 1, forged.length - 1);
      const scts = [foreign, forged, Buffer.from('no SCT')].map((each) => encodeBase64(each));
      browser.say({ type: 'seen', origin, chain: [encodeBase64(certificate)], scts });
      const { discarded, scts: kept } = await became(origin, (now) => now === 'bad-signature');
      assert.deepEqual(discarded, { malformed: 1, 'unknown-log': 1 });
      assert.equal(kept.filter((each) => each.origin === origin).length, 1);
    });

    test('is forgotten with its site, from the disk too', async () => {
      const origin = 'https://forgotten-site.example';
      const { zone, browser, state } = client;
      browser.say(visitOf(zone, origin, BigInt(Date.now())).message);
      browser.say({ type: 'feedback', origin, outcome: 'sent', status: 200 });
      await became(origin, (now) => now === 'waiting');
      const onDisk = (): boolean =>
        ['', '-wal'].some((suffix) =>
          readFileSync(join(state, `client/client.sqlite${suffix}`)).includes('forgotten-site'),
        );
      assert(onDisk());
      browser.say({ type: 'forget', origin });
      const { scts, feedback } = await browser.until(
        (status) => !status.scts.some((each) => each.origin === origin),
        'it to be forgotten',
      );
      assert(!onDisk());
      assert(scts.length > 0);
      assert.deepEqual(feedback, []);
      browser.say({ type: 'forget-all' });
      await browser.until((status) => status.scts.length === 0, 'all to be forgotten');
    });
  });

  describe('with a pool', () => {
    const poolPort = freePort();
    let pool: Running;
    const zone = new Zone();
    let begun: Awaited<ReturnType<typeof beginZone>>;
    before(async () => {
      begun = await beginZone(zone, ['--pool', `http://127.0.0.1:${await poolPort}`]);
      pool = startCtga([
        ...['pool', 'serve', '--domain', 'www.example.net', '--log-list', begun.client.list],
        ...['--listen', `127.0.0.1:${await poolPort}`, '--state-dir', join(directory, 'pool')],
      ]);
      await pool.until(() => pool.said().includes('The pool is at '), 'to listen');
    });
    after(async () => {
      await begun.client.stop();
      await begun.stop();
      await pool.stop();
    });
    /** What the pool gives for these heads. */
    const bring = async (
      ...heads: readonly Statement[]
    ): Promise<readonly { tree_size: number }[]> => {
      const sths = heads.map((head) => ({
        log_id: logIdText(zone.log.key.logId),
        sth_version: 0,
        ...treeHeadToJson(head),
      }));
      const answer = await fetch(
        `http://127.0.0.1:${await poolPort}/.well-known/ct/v1/sth-pollination`,
        {
          method: 'POST',
          body: JSON.stringify({ sths }),
          headers: { 'content-type': 'application/json' },
        },
      );
      return ((await answer.json()) as { sths: { tree_size: number }[] }).sths;
    };
    const sign = (size: number, tree = zone.tree, at = Date.now()): Statement =>
      zone.log.sign(size, tree.root(size), BigInt(at));

    test('gives what it has by DNS', async () => {
      await eventually(
        async () => (await bring()).some(({ tree_size: size }) => size === zone.tree.size),
        'its head in the pool',
      );
    });

    test('takes what is fresh, has DNS prove it, and knows no other', async () => {
      await bring(sign(50), sign(40, zone.tree, Date.now() - 15 * DAY));
      await eventually(() => zone.asked.includes('consistency 50 100'), 'the proof of 50');
      assert(!zone.asked.some((name) => name.startsWith('consistency 40 ')));
      const heads = (): HeadRow[] => {
        const store = ClientStore.openForReading(join(begun.client.state, 'client'));
        const rows = store?.heads(zone.log.key.logId) ?? [];
        store?.close();
        return rows;
      };
      // It is passed on from now on, as are its own.
      await eventually(
        () => heads().some(({ treeSize, isConsistent }) => treeSize === 50n && isConsistent),
        'the head to be proven',
      );
      assert(!heads().some(({ treeSize }) => treeSize === 40n));
    });

    test('convicts a log by a head that somebody else was shown', async () => {
      await bring(sign(70, treeOf(70, 'b')));
      const { findings } = await begun.client.browser.until(
        (status) => status.findings.length > 0,
        'a finding',
      );
      const { evidence = '' } = findings[0] ?? {};
      const verified = await ctga([
        'evidence',
        'verify',
        evidence,
        '--log-list',
        begun.client.list,
      ]);
      assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    });
  });

  /** A client of one log, called forked, that this zone is of. */
  async function beginZone(
    zone: Zone,
    more: readonly string[] = [],
  ): Promise<{
    client: Client & { zone: Zone; list: string; given: string[] };
    stop: () => Promise<void>;
  }> {
    const server = new DnsServer(
      new NameServer({ zones: new Map([['forked.example', zone]]), ttl: 0 }),
    );
    const { port: at } = await server.listen({ address: '127.0.0.1', port: 0 });
    const file = join(directory, `list-${count++}.json`);
    writeFileSync(file, logListOf({ forked: zone.log }));
    const given = ['--log-list', file, '--resolver', `127.0.0.1:${at}`, ...more];
    const begun = await start(given);
    return { client: { ...begun, zone, list: file, given }, stop: () => server.close() };
  }

  async function withZone(
    zone: Zone,
    work: (client: Client & { list: string; given: string[] }) => Promise<void>,
  ): Promise<void> {
    const { client, stop } = await beginZone(zone);
    try {
      await work(client);
    } finally {
      await client.stop();
      await stop();
    }
  }

  function visitOf(
    { log }: Zone,
    origin: string,
    timestamp = BigInt(Date.now() - 2 * DAY),
  ): { readonly message: Record<string, unknown>; readonly leaves: MerkleHash[] } {
    const der = ca.issue([new URL(origin).hostname], { logs: [log], timestamp });
    const chain = [der, ca.der];
    const known = new Map([[logIdText(log.key.logId), log.asLog()]]);
    const { promised } = collect({ type: 'seen', origin, chain, scts: [] }, known);
    return {
      message: { type: 'seen', origin, chain: chain.map(encodeBase64) },
      leaves: promised.map(({ leafHash }) => leafHash),
    };
  }

  /** The port of a resolver that has the same text for every name. */
  async function wildcard(): Promise<number> {
    const answers = { respond: answerAll };
    const server = new DnsServer(answers);
    after(() => server.close());
    return (await server.listen({ address: '127.0.0.1', port: 0 })).port;
  }
});

function answerAll(query: Uint8Array): Promise<Buffer> {
  const { id = 0, questions = [] } = decode(Buffer.from(query));
  const [question] = questions;
  return Promise.resolve(
    encode({
      type: 'response',
      id,
      flags: RECURSION_AVAILABLE,
      questions,
      answers: [{ type: 'TXT', name: question?.name ?? '', ttl: 1, data: 'v=spf1 -all' }],
    }),
  );
}
