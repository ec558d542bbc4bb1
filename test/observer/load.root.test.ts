// SPDX-License-Identifier: Apache-2.0
/**
 * An observer under a flood of fragments, unknown names, false signatures and other traffic, with
 * genuine heads now and then: memory stays flat, every genuine head is stored, every packet is
 * accounted for. CTGA_LOAD_SECONDS says how long: 20 unless told, 3600 for the hour.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openForReading, stateAt } from '../../src/store/state.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { Link, OBSERVER_ADDRESS, PEER_ADDRESS } from '../dataplane/namespaces.ts';
import { CTGA } from '../support/ctga.ts';
import { dnsAnswer, ethernet, fragmentIpv4, IpProtocol, ipv4, udp } from '../support/packets.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';
import { accountingErrors } from '../xdp/verdict.ts';
import { eventually } from '../support/eventually.ts';

const SECONDS = Number(process.env['CTGA_LOAD_SECONDS'] ?? 20);
/** Each is sent five times: once may be over budget in a flood, and that would be counted. */
const HEADS = 30;
const TIMES = 5;

/**
 * What may come in MiB and is no leak. Live: what waits for fragments, as they are charged 16
 * (DEFAULT_LIMITS), and to be verified. Resident: what the allocators keep besides.
 */
const BOUNDED = { live: 28, rss: 64 };

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
chmodSync(directory, 0o755); // for the account that the observer becomes
const [honest, attacked] = [new SigningLog(), new SigningLog()] as const;
let link: Link;

before(() => {
  link = new Link();
  writeFileSync(join(directory, 'list.json'), logListOf({ honest, attacked }));
});
after(() => {
  link.remove();
  rmSync(directory, { recursive: true });
});

const addresses = { source: PEER_ADDRESS, destination: OBSERVER_ADDRESS };

function toEverybody(payload: Uint8Array): string {
  const frame = ethernet({ payload });
  frame.fill(0xff, 0, 6);
  return Buffer.from(frame).toString('hex');
}

function answer(name: string, text: string): string {
  const message = dnsAnswer({ name, strings: [text], compressed: true });
  return toEverybody(
    ipv4({
      ...addresses,
      payload: udp({ ...addresses, destinationPort: 40_000, payload: message }),
    }),
  );
}

function head(log: SigningLog, name: string, size: number): string {
  return answer(
    `sth.${name}.example`,
    formatTreeHeadText(log.sign(size, treeOf(3).root(), BigInt(size))),
  );
}

/** A signature that is another's: well formed, and false. */
function forgery(i: number): string {
  const { signature } = honest.sign(i, treeOf(3).root(), 1n);
  const text = formatTreeHeadText({ ...attacked.sign(i + 1, treeOf(3).root(), 1n), signature });
  return answer('sth.attacked.example', text);
}

const SENDER = `
import json, socket, sys, time
job = json.load(sys.stdin)
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
flood = [bytes.fromhex(f) for f in job['flood']]
heads = [bytes.fromhex(f) for f in job['heads']]
begin, sent, next_head, at = time.monotonic(), 0, 0, 0
while True:
    elapsed = time.monotonic() - begin
    while next_head < len(heads) and elapsed >= job['seconds'] * next_head / len(heads):
        s.send(heads[next_head]); next_head += 1; sent += 1
    if elapsed >= job['seconds']: break
    for _ in range(200):
        try: s.send(flood[at % len(flood)]); sent += 1
        except OSError: pass
        at += 1
print(sent)`;

/**
 * In the observer: collects garbage when asked, and says how much is left, in bytes. What the system
 * says that a process has goes up and down by half with when Node happens to collect.
 */
const MEASURE = `
import { isMainThread } from 'node:worker_threads';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
if (isMainThread) {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  process.on('SIGUSR2', () => {
    collect();
    const { rss, heapUsed, external } = process.memoryUsage();
    process.stderr.write(JSON.stringify({ rss, live: heapUsed + external }) + '\\n');
  });
}`;

interface Measured {
  readonly rss: number;
  readonly live: number;
}

test(`${SECONDS} seconds of everything at once`, async (context) => {
  const flood = Array.from({ length: 4000 }, (_, i) => [
    ...fragmentIpv4(
      ipv4({ ...addresses, payload: new Uint8Array(120), identification: i }),
      64,
    ).map(toEverybody),
    answer(`sth.unknown${i}.example`, 'x'),
    forgery(i),
    toEverybody(ipv4({ ...addresses, protocol: IpProtocol.tcp, payload: new Uint8Array(40) })),
  ]).flat();
  const genuine = Array.from({ length: HEADS }, (_, i) => [
    head(honest, 'honest', i + 1),
    head(attacked, 'attacked', i + 1),
  ]).flat();
  // One round after another, so that no repeat is close to the one before.
  const heads = Array.from({ length: TIMES }, () => genuine).flat();

  const child = spawn(
    'nsenter',
    [
      `--net=/run/netns/${link.observer}`,
      '--',
      CTGA,
      'attach',
      link.interfaceName,
      '--json',
      '--state-dir',
      join(directory, 'state'),
      '--log-list',
      join(directory, 'list.json'),
      '--seen',
      '0',
    ],
    {
      env: {
        ...process.env,
        CTGA_NODE: process.execPath,
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(MEASURE)}`,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const measured: Measured[] = [];
  createInterface(child.stderr).on('line', (line) => {
    if (line.startsWith('{"rss":')) measured.push(JSON.parse(line) as Measured);
    else process.stderr.write(`${line}\n`);
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-10_000)));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await eventually(() => {
    assert.equal(child.exitCode, null, said);
    return said.includes('"attached"');
  }, 'ctga to attach');

  const ticks = (): number => {
    const fields = readFileSync(`/proc/${child.pid ?? 0}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  const sampling = setInterval(() => child.kill('SIGUSR2'), SECONDS * 50);
  const begun = ticks();
  const sender = spawn(
    'nsenter',
    [`--net=/run/netns/${link.sender}`, 'python3', '-c', SENDER, link.peerName],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  let sent = '';
  sender.stdout.on('data', (chunk: Buffer) => (sent += chunk.toString()));
  const done = new Promise((resolve) => sender.once('close', resolve));
  sender.stdin.end(JSON.stringify({ flood, heads, seconds: SECONDS }));
  await done;
  const cpu = (ticks() - begun) / 100 / SECONDS;
  clearInterval(sampling);
  // What was copied is read, and what waits is checked, before it ends.
  await sleep(1000);
  const counters = link.attached()?.counters ?? assert.fail();
  child.kill('SIGTERM');
  assert.equal(await ended, 0, said);
  link.detach();

  assert.deepEqual(accountingErrors(counters), []);
  // Its own little traffic besides: neighbour discovery.
  assert(counters.packets >= BigInt(sent.trim()), `${counters.packets} counted of ${sent}`);
  const store = openForReading(stateAt(join(directory, 'state')));
  const stored = store.heads
    .latest()
    .map(({ logId, treeSize }) => `${Buffer.from(logId).toString('hex').slice(0, 8)} ${treeSize}`);
  const counts = store.counters.totals();
  store.close();
  const missing = (log: SigningLog): number[] =>
    Array.from({ length: HEADS }, (_, i) => i + 1).filter(
      (size) =>
        !stored.includes(`${Buffer.from(log.key.logId).toString('hex').slice(0, 8)} ${size}`),
    );
  context.diagnostic(`${sent.trim()} packets, ${JSON.stringify(counts)}`);
  assert.deepEqual(missing(honest), [], 'of the log that nobody forges');
  assert.deepEqual(missing(attacked), [], 'of the log that is forged');

  // The least, since what waits for its turn is no leak.
  const mebibytes = (part: keyof Measured, from: number, to: number): number => {
    const values = measured
      .slice(Math.floor(measured.length * from), Math.ceil(measured.length * to))
      .map((each) => each[part] / (1 << 20));
    assert(values.length > 1, 'it was not measured');
    return Math.min(...values);
  };
  context.diagnostic(`${(cpu * 100).toFixed(0)} % of a core`);
  for (const part of ['live', 'rss'] as const) {
    const [early, late] = [mebibytes(part, 0.25, 0.5), mebibytes(part, 0.75, 1)];
    context.diagnostic(`${part}: ${Math.round(early)} MiB, then ${Math.round(late)} MiB`);
    assert(late < early * 1.25 + BOUNDED[part], `${part} grew from ${early} to ${late} MiB`);
  }
});
