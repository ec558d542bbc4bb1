// SPDX-License-Identifier: Apache-2.0
/**
 * What is predicted is what is measured: thirty ASes, each a network namespace, with the routes that
 * the simulator has; ctga attached in some of them; and one tree head for each client, sent from the
 * target's AS. Which clients' heads each aggregator has is what `ctga impact where` said.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { graphOf, graphReader, type Edge } from '../../src/impact/graph.ts';
import { crossed, runOf } from '../../src/impact/model.ts';
import type { Where } from '../../src/impact/where.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { run } from '../dataplane/namespaces.ts';
import { ctga, CTGA } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { dnsAnswer } from '../support/packets.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
chmodSync(directory, 0o755);
const prefix = `ctga-test-${process.pid}-as`;
const namespace = (asn: number): string => `${prefix}${asn}`;
const made: string[] = [];
const running = new Set<ChildProcess>();
after(async () => {
  for (const child of running) {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'close');
  }
  for (const name of made) run('ip', 'netns', 'delete', name);
  rmSync(directory, { recursive: true });
});

const TARGET = 30;
/**
 * Three ASes at the top peer with each other. Below them are six, of which some have two of them for
 * providers and peer; below these are the clients, some with two providers; 30 is the target.
 */
const RELATIONSHIPS = [
  '1|2|0 1|3|0 2|3|0 1|4|-1 1|5|-1 2|5|-1 2|6|-1 2|7|-1 3|8|-1 3|9|-1 1|9|-1 4|5|0 6|7|0 8|9|0 5|6|0',
  '4|10|-1 4|11|-1 4|12|-1 5|12|-1 5|13|-1 5|14|-1 6|14|-1 6|15|-1 6|16|-1 7|17|-1 7|18|-1 8|19|-1',
  '8|20|-1 8|21|-1 9|21|-1 9|22|-1 9|23|-1 10|24|-1 13|25|-1 17|26|-1 19|27|-1 20|28|-1 22|29|-1',
  '7|30|-1 9|30|-1 18|30|0 16|26|0',
].join(' ');
const MINE = [2, 5, 9, 17];
const CLIENTS = Array.from({ length: TARGET - 1 }, (_, i) => i + 1);

/** The address of an AS, and of the end of its link to the next AS and of the other end. */
const own = (asn: number): string => `10.0.${asn}.1`;
const ends = (asn: number): readonly [string, string] => [`10.1.${asn}.1`, `10.1.${asn}.2`];

/** Runs commands of ip in a namespace at once. */
function ip(asn: number, ...commands: readonly string[]): void {
  const { status, stderr } = spawnSync('ip', ['-n', namespace(asn), '-batch', '-'], {
    input: commands.map((line) => `${line}\n`).join(''),
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
}

/** A namespace for each AS, links along the routes alone, and these routes both ways. */
function build(paths: ReadonlyMap<number, readonly number[]>): void {
  for (const asn of [...CLIENTS, TARGET]) {
    run('ip', 'netns', 'add', namespace(asn));
    made.push(namespace(asn));
    ip(asn, 'link set lo up', `address add ${own(asn)}/32 dev lo`);
    run('ip', 'netns', 'exec', namespace(asn), 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
  }
  for (const [asn, path] of paths) {
    const next = path[1] ?? TARGET;
    const [near, far] = ends(asn);
    ip(asn, `link add above type veth peer name to${asn} netns ${namespace(next)}`);
    ip(asn, `address add ${near}/30 dev above`, 'link set above up');
    ip(next, `address add ${far}/30 dev to${asn}`, `link set to${asn} up`);
    ip(asn, `route add default via ${far} src ${own(asn)}`);
  }
  // The way back: each AS on a client's path sends to it by the AS that is nearer to it.
  for (const [client, path] of paths)
    for (const [i, nearer] of path.entries())
      ip(path[i + 1] ?? TARGET, `route add ${own(client)}/32 via ${ends(nearer)[0]}`);
}

/** Sends datagrams from port 53 of the target, each to its AS, in order. */
function send(messages: readonly (readonly [asn: number, payload: Uint8Array])[]): void {
  const program = [
    'import socket, sys, time',
    's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
    's.bind((sys.argv[1], 53))',
    'for line in sys.stdin:',
    '  to, payload = line.split(); s.sendto(bytes.fromhex(payload), (to, 5353)); time.sleep(0.005)',
  ].join('\n');
  const { status, stderr } = spawnSync(
    'nsenter',
    [`--net=/run/netns/${namespace(TARGET)}`, 'python3', '-c', program, own(TARGET)],
    {
      input: messages
        .map(([asn, payload]) => `${own(asn)} ${Buffer.from(payload).toString('hex')}\n`)
        .join(''),
      encoding: 'utf8',
    },
  );
  assert.equal(status, 0, stderr);
}

/** `ctga attach` in an AS, on all of its links. */
class Aggregator {
  readonly asn: number;
  readonly #state: string;
  readonly #child: ChildProcess;
  #said = '';

  constructor(asn: number, list: string) {
    this.asn = asn;
    this.#state = join(directory, `state-${asn}`);
    const links = run('ip', '-n', namespace(asn), '-brief', 'link', 'show', 'type', 'veth')
      .split('\n')
      .flatMap((line) => /^(\w+)/.exec(line)?.[1] ?? []);
    this.#child = spawn(
      'nsenter',
      [
        `--net=/run/netns/${namespace(asn)}`,
        CTGA,
        ...['attach', ...links, '--state-dir', this.#state, '--log-list', list],
      ],
      { env: { ...process.env, CTGA_NODE: process.execPath }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    running.add(this.#child);
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
  }

  async watches(): Promise<void> {
    await eventually(
      () => {
        assert.equal(this.#child.exitCode, null, this.#said);
        return /Watching/.test(this.#said);
      },
      () => `AS${this.asn} watches; ctga has said:\n${this.#said}`,
    );
  }

  /** The sizes of the trees whose heads it has; each client's is the client's AS. */
  async sizes(): Promise<Set<number>> {
    const { stdout } = await ctga(['heads', 'list', '--state-dir', this.#state, '--json']);
    const found = [...stdout.matchAll(/"treeSize": "?(\d+)"?/g)];
    return new Set(found.map(([, size]) => Number(size)));
  }

  async detach(): Promise<void> {
    this.#child.kill('SIGTERM');
    await once(this.#child, 'close');
    running.delete(this.#child);
    const net = `--net=/run/netns/${namespace(this.asn)}`;
    run('nsenter', net, CTGA, 'detach', '--all', '--state-dir', this.#state);
  }
}

test('thirty ASes: each aggregator has the heads of the clients that it was said to cover', async (t) => {
  const edges: Edge[] = [];
  const reader = graphReader(edges);
  for (const [i, line] of RELATIONSHIPS.split(' ').entries()) reader.line(line, i + 1);
  reader.end();
  const graph = graphOf(edges);
  const model = runOf(graph, { name: 'target', asn: TARGET, directPeering: 0 }, 0);
  const paths = new Map(
    CLIENTS.map((client) => [client, crossed(model, client) ?? assert.fail(`AS${client}`)]),
  );
  build(paths);

  const log = new SigningLog();
  const list = join(directory, 'list.json');
  writeFileSync(list, logListOf({ log }));
  const aggregators = MINE.map((asn) => new Aggregator(asn, list));
  for (const aggregator of aggregators) await aggregator.watches();
  const head = (size: number): Uint8Array =>
    dnsAnswer({
      name: 'sth.log.example',
      strings: [formatTreeHeadText(log.sign(size, treeOf(3).root(), BigInt(size)))],
    });
  // The last ones are for the aggregators' own ASes: who has that has all that came before it.
  const last = (asn: number): number => 1000 + asn;
  send([
    ...CLIENTS.map((client) => [client, head(client)] as const),
    ...MINE.map((asn) => [asn, head(last(asn))] as const),
  ]);

  const measured = new Map<number, number[]>();
  for (const aggregator of aggregators) {
    let sizes = new Set<number>();
    await eventually(
      async () => (sizes = await aggregator.sizes()).has(last(aggregator.asn)),
      () => `AS${aggregator.asn} has its own head; it has ${[...sizes].join()}`,
    );
    measured.set(
      aggregator.asn,
      [...sizes].filter((size) => size < 1000).sort((a, b) => a - b),
    );
  }
  for (const aggregator of aggregators) await aggregator.detach();

  const file = (name: string, lines: readonly (number | string)[]): string => {
    const path = join(directory, name);
    writeFileSync(path, `${lines.join('\n')}\n`);
    return path;
  };
  const inputs = [
    ...['--graph', file('graph', RELATIONSHIPS.split(' ')), '--probes', file('probes', CLIENTS)],
    ...['--targets', `${TARGET}`, '--runs', '1', '--json'],
  ];
  const predicted = async (...mine: readonly number[]): Promise<number[]> => {
    const { code, stdout, stderr } = await ctga([
      'impact',
      'where',
      '--mine',
      mine.join(),
      ...inputs,
    ]);
    assert.equal(code, 0, stderr);
    const { targets } = JSON.parse(stdout) as Where;
    return targets.flatMap((each) => each.coveredClients.map(({ asn }) => asn));
  };
  for (const [asn, heads] of measured) {
    t.diagnostic(`AS${asn}: heads of ${heads.join(', ')}`);
    assert.deepEqual(heads, await predicted(asn), `AS${asn}`);
  }
  const all = [...new Set([...measured.values()].flat())].sort((a, b) => a - b);
  assert.deepEqual(all, await predicted(...MINE));
  t.diagnostic(`${all.length} of ${CLIENTS.length} clients are covered`);
  // Neither all nor nobody, or there were nothing to be wrong about.
  assert(all.length > 5 && all.length < CLIENTS.length - 3, all.join());
  for (const client of CLIENTS)
    assert.equal(
      all.includes(client),
      paths.get(client)?.some((asn) => MINE.includes(asn)),
      `AS${client}`,
    );
});
