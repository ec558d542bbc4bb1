// SPDX-License-Identifier: Apache-2.0
/** A federation of four processes over HTTPS on loopback, by the commands that people use. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { once } from 'node:events';
import { judgeWithoutProof } from '../../src/evidence/judge.ts';
import { formatEvidence, makeEvidence } from '../../src/evidence/bundle.ts';
import { writeEvidence } from '../../src/evidence/write.ts';
import { formatUpdate, parseUpdate } from '../../src/federation/update.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import { checkSignatures } from '../../src/statements/signature-lines.ts';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { parseNoteKey } from '../../src/statements/note-key.ts';
import { toMerkleHash } from '../../src/merkle/hash.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { CTGA, ctga, startCtga } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { noMicrosocks, startMicrosocks, type Microsocks } from '../support/microsocks.ts';
import { freePort } from '../support/ports.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';

const NAMES = ['a', 'b', 'c', 'd'] as const;
/** Seconds, and ms. */
const [PERIOD, PATIENCE] = [6, 3000];
const directory = mkdtempSync(join(tmpdir(), 'ctga-federation-'));
const file = (name: string): string => join(directory, name);
const stateOf = (name: string): string => file(`state-${name}`);

interface Process {
  readonly child: ChildProcess;
  said: string;
}

const running = new Map<string, Process>();

async function must(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await ctga(args);
  assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

function start(name: string, port: number, ...more: readonly string[]): void {
  const asRoot = process.geteuid?.() === 0 ? ['--user', 'root'] : [];
  const child = spawn(
    CTGA,
    [
      ...['federation', 'run', '--listen', `127.0.0.1:${port}`],
      ...['--log-list', file('logs.json'), '--state-dir', stateOf(name), ...asRoot, ...more],
    ],
    { env: { ...process.env, CTGA_NODE: process.execPath }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const begun: Process = { child, said: '' };
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (begun.said += chunk.toString()));
  running.set(name, begun);
}

async function end(name: string, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  const { child } = running.get(name) ?? {};
  running.delete(name);
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

interface Tcp {
  readonly local: string;
  readonly remote: string;
  readonly inode: string;
}

/** Connections over IPv4 that are open, as the kernel has them. */
function connections(): Tcp[] {
  const endpoint = (text: string): string => {
    const [address = '', port = ''] = text.split(':');
    const bytes = Buffer.from(address, 'hex').reverse();
    return `${[...bytes].join('.')}:${parseInt(port, 16)}`;
  };
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state]) => state === '01')
    .map(([, local = '', remote = '', , , , , , , inode = '']) => ({
      local: endpoint(local),
      remote: endpoint(remote),
      inode,
    }));
}

/** Where a process has connected to, other than those who connected to it. */
function reachedBy(pid: number, ownPort: number): string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return []; // closed meanwhile
      }
    }),
  );
  return connections()
    .filter(({ inode, local }) => inodes.has(inode) && !local.endsWith(`:${ownPort}`))
    .map(({ remote }) => remote);
}

function get(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, rejectUnauthorized: false, agent: false };
    const sent = request(options, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.once('end', () => resolve(body));
    });
    sent.once('error', reject);
    sent.end();
  });
}

/** Puts heads of a log into what a challenger has fetched, as proven. */
function show(name: string, log: SigningLog, ...sizes: readonly number[]): void {
  mkdirSync(stateOf(name), { recursive: true });
  const hashes = HashStore.open(stateOf(name));
  const rows = hashes.rows(log.asLog());
  const heads = sizes.map((size) =>
    rows.putHead(log.verified(size, treeOf(size).root(), BigInt(1_700_000_000_000 + size)), size),
  );
  heads.slice(1).forEach((head, i) => {
    const before = heads[i];
    if (before !== undefined) rows.link(before, head);
  });
  rows.addVisit(Date.now(), true);
  hashes.close();
}

describe('a federation', { timeout: 600_000 }, () => {
  after(async () => {
    await Promise.all([...running.keys()].map((name) => end(name, 'SIGKILL')));
    proxy?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const [alpha, beta] = [new SigningLog(), new SigningLog()];
  const ports = new Map<string, number>();
  let proxy: Microsocks | undefined;
  const portOf = (name: string): number => ports.get(name) ?? 0;
  const planted = alpha.verified(117, treeOf(117).root(), 1_700_000_777_777n);

  const updateOf = async (
    name: string,
    isWanted: (update: ReturnType<typeof parseUpdate>) => boolean,
    what: string,
  ): Promise<string> =>
    eventually(
      async () => {
        const text = await get(portOf(name), '/federation/v1/update').catch(() => undefined);
        return text !== undefined && isWanted(parseUpdate(text, 'update')) && text;
      },
      () => `${what}; ${[...running].map(([each, { said }]) => `${each}: ${said}`).join('\n')}`,
    );

  test('begins by commands, and agrees', async () => {
    writeFileSync(file('logs.json'), logListOf({ alpha, beta }));
    for (const name of NAMES) {
      ports.set(name, await freePort());
      const url = `https://127.0.0.1:${portOf(name)}/`;
      const state = ['--state-dir', stateOf(name)];
      writeFileSync(
        file(`${name}.json`),
        await must('federation', 'join', '--name', name, '--url', url, ...state),
      );
      assert.equal(statSync(join(stateOf(name), 'federation/keys.json')).mode & 0o777, 0o600);
    }
    const members = NAMES.map((name) => file(`${name}.json`));
    // Long enough for a machine that does much else.
    const short = ['--every', `${PERIOD}`, '--patience', `${PATIENCE}`];
    writeFileSync(
      file('draft.json'),
      await must('federation', 'init', '--federation', 'demo', ...short, ...members),
    );
    for (const name of NAMES)
      writeFileSync(
        file(`${name}.sig`),
        await must('federation', 'join', file('draft.json'), '--state-dir', stateOf(name)),
      );
    const signatures = NAMES.map((name) => file(`${name}.sig`));
    const few = await ctga([
      ...['federation', 'init', '--draft', file('draft.json')],
      ...signatures.slice(1),
    ]);
    assert.equal(few.code, 2);
    assert.match(few.stderr, /3 have signed it, and it takes 4/);
    writeFileSync(
      file('roster.json'),
      await must('federation', 'init', '--draft', file('draft.json'), ...signatures),
    );
    for (const name of NAMES) {
      await must('federation', 'join', file('roster.json'), '--state-dir', stateOf(name));
      show(name, alpha, 100, 130);
      show(name, beta, 5, 7);
    }
    // Seen on the wire by one of them, and by nobody else.
    const store = openForWriting(stateAt(stateOf('a')));
    const now = Date.now();
    store.heads.record([
      { head: planted, source: 'eth0', firstSeen: now, lastSeen: now, count: 1 },
    ]);
    store.close();
    for (const name of NAMES.slice(0, 3)) start(name, portOf(name));
    const text = await updateOf(
      'a',
      ({ certificates, checkpoints }) =>
        certificates.length > 0 && checkpoints.every((note) => note.split('\n').length > 11),
      'an update with all cosignatures',
    );
    writeFileSync(file('update.json'), text);
  });

  test('what it says is checked offline, and what was changed does not hold', async () => {
    const args = ['federation', 'verify', '--roster', file('roster.json')];
    const said = await must(...args, file('update.json'));
    assert.match(said, /head 130 {2}by a, b, c/);
    assert.match(said, /The update holds\./);
    const update = parseUpdate(readFileSync(file('update.json'), 'utf8'), 'update');
    const [certificate] = update.certificates;
    assert.ok(certificate !== undefined);
    const changes = {
      period: { ...certificate, period: certificate.period + 1 },
      size: {
        ...certificate,
        items: certificate.items.map(({ statement, attachment }) => ({
          attachment,
          statement:
            statement.kind === 'head'
              ? { ...statement, treeSize: statement.treeSize + 1n }
              : statement,
        })),
      },
    };
    for (const [what, changed] of Object.entries(changes)) {
      writeFileSync(file('changed.json'), formatUpdate({ ...update, certificates: [changed] }));
      const { code, stdout } = await ctga([...args, file('changed.json')]);
      assert.equal(code, 1, what);
      assert.match(stdout, /FAILED .*\n[^]*The update does not hold\./, what);
    }
    const other = await ctga([
      ...['federation', 'verify', '--roster', file('other.json'), file('update.json')],
    ]);
    assert.equal(other.code, 2, 'a roster that is not there');
  });

  test('its checkpoints have a quorum of cosignatures, by the policy that it gives', async () => {
    const policy = await get(portOf('b'), '/federation/v1/policy');
    assert.match(policy, /^group demo.quorum 3 a.w b.w c.w d.w\nquorum demo.quorum\n$/m);
    const strong = await get(portOf('b'), '/federation/v1/policy-ml-dsa-44');
    const own = await must(
      ...['federation', 'status', '--policy', '--log-list', file('logs.json')],
      ...['--state-dir', stateOf('a')],
    );
    assert.equal(own, policy);
    // What is missing is no wrong use: no script may take it for a federation without statements.
    const missing = await ctga(['federation', 'status', '--json', '--state-dir', file('nowhere')]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /"there is no member of a federation in /);
    assert.equal([...policy.matchAll(/^witness /gm)].length, 4);
    const keys = [...`${policy}${strong}`.matchAll(/^witness \S+ (\S+) /gm)].map(([, key]) =>
      parseNoteKey(key ?? ''),
    );
    assert.equal(keys.length, 8);
    const update = parseUpdate(readFileSync(file('update.json'), 'utf8'), 'update');
    assert.equal(update.checkpoints.length, 2);
    for (const note of update.checkpoints) {
      const good = checkSignatures(parseCheckpoint(note), keys).filter(({ valid }) => valid);
      assert.equal(good.length, 6);
      assert.equal(good.filter(({ kind }) => kind === 'ML-DSA-44').length, 3);
    }
  });

  test('openssl counts the cosignatures, and misses one that was changed', () => {
    const script = join(import.meta.dirname, '../../docs/verify-federation.sh');
    const check = (update: string): { status: number | null; said: string } => {
      const { status, stdout } = spawnSync('sh', [script, file('roster.json'), file(update)]);
      return { status, said: stdout.toString() };
    };
    const good = check('update.json');
    assert.equal(good.status, 0, good.said);
    assert.match(good.said, /^holds {2}log\.test\/alpha, size 130: 3 members .* takes 3$/m);
    const text = readFileSync(file('update.json'), 'utf8');
    writeFileSync(file('changed.json'), text.replace('alpha\\n130\\n', 'alpha\\n131\\n'));
    assert.notEqual(readFileSync(file('changed.json'), 'utf8'), text);
    assert.match(check('changed.json').said, /^FAILS {2}.*size 131: 0 members/m);
    writeFileSync(file('changed.json'), text.replace(/\n {2}"checkpoints": \[[^]*?\n {2}\]/, ''));
    assert.equal(check('changed.json').status, 1);
  });

  test('one that comes later has it all, and one that is killed goes on', async () => {
    proxy = noMicrosocks === false ? await startMicrosocks('127.0.0.9') : undefined;
    start('d', portOf('d'), ...(proxy ? ['--proxy', `socks5h://127.0.0.1:${proxy.port}`] : []));
    await updateOf('d', ({ certificates }) => certificates.length > 0, 'what d has learned');
    await end('a', 'SIGKILL');
    for (const name of NAMES) show(name, alpha, 100, 130, 150);
    start('a', portOf('a'));
    for (const name of NAMES)
      await updateOf(
        name,
        ({ certificates }) =>
          certificates.some(({ items }) =>
            items.some(({ statement }) => statement.kind === 'head' && statement.treeSize === 150n),
          ),
        `the tree of 150 entries at ${name}`,
      );
  });

  test(
    'the others see one that has a proxy where its proxy is',
    { skip: noMicrosocks },
    async () => {
      // Each tells each once a period at least, over one connection that stays open.
      const seenBy = (name: string): string[] =>
        connections()
          .filter(({ local }) => local === `127.0.0.1:${portOf(name)}`)
          .map(({ remote }) => remote.replace(/:.*/, ''));
      for (const name of NAMES.slice(0, 3))
        await eventually(() => seenBy(name).includes('127.0.0.9'), `d at ${name}, by its proxy`);
      const pid = running.get('d')?.child.pid ?? 0;
      const reached = reachedBy(pid, portOf('d'));
      assert(reached.length > 0);
      assert.deepEqual([...new Set(reached)], [`127.0.0.1:${proxy?.port ?? 0}`]);
      // What has no proxy does not come from there, so the test would see it.
      assert(!reachedBy(running.get('b')?.child.pid ?? 0, portOf('b')).includes(reached[0] ?? ''));
    },
  );

  test('a client takes what it says, from one member that it need not trust', async () => {
    const args = ['--log-list', file('logs.json'), '--state-dir', file('client'), '--json'];
    const from = ['--federation', `https://127.0.0.1:${portOf('d')}`, '--interval', '1'];
    const alone = await ctga(['client', 'run', ...args, ...from]);
    assert.equal(alone.code, 2);
    assert.match(alone.stderr, /--federation and --federation-roster go together/);
    const client = startCtga([
      ...['client', 'run', ...args, ...from, '--federation-roster', file('roster.json')],
    ]);
    try {
      await client.until(
        () => /"event":"federation".*"statements":2.*"taken":2/.test(client.said()),
        'what the federation states',
      );
      const statuses = [await must('client', 'status', ...args.slice(0, 4))];
      await client.stop();
      statuses.push(await must('client', 'status', ...args.slice(0, 4)));
      for (const status of statuses)
        assert.match(
          status.replace(/\s+/g, ' '),
          new RegExp(
            `The federation demo, epoch 0: 2 statements, the last of 20.* UTC; from https://127.0.0.1:${portOf('d')}/, at 20.* UTC\\.`,
          ),
        );
    } finally {
      await client.stop();
    }
  });

  test('evidence of one convicts the log with all', async () => {
    const [one, other] = [
      beta.verified(9, treeOf(9).root(), 1n),
      beta.verified(9, treeOf(9, 'b').root(), 2n),
    ];
    const finding = judgeWithoutProof(one, other);
    assert.ok(finding?.verdict === 'fork-proven');
    const log = beta.asLog({ description: 'The beta log' });
    writeEvidence(stateAt(stateOf('c')).evidence, makeEvidence(log, one, other, finding, 0));
    const text = await updateOf('b', ({ evidence }) => evidence.length > 0, 'the evidence at b');
    writeFileSync(file('convicts.json'), text);
    const { code, stdout } = await ctga([
      ...['federation', 'verify', '--roster', file('roster.json'), file('convicts.json')],
    ]);
    assert.equal(code, 3);
    assert.match(stdout, /SPLIT VIEW PROVEN: the log [0-9a-f]{64}$/m);
    // Whoever hands an update over can put in what convicts a log of his own, by whatever name.
    const own = new SigningLog();
    const [left, right] = ['a', 'b'].map((branch) =>
      own.verified(9, treeOf(9, branch).root(), 1n),
    ) as [typeof one, typeof one];
    const forged = judgeWithoutProof(left, right);
    assert.ok(forged?.verdict === 'fork-proven');
    const bundle = makeEvidence(own.asLog({ description: 'The beta log' }), left, right, forged, 0);
    const update = parseUpdate(text, 'update');
    writeFileSync(
      file('own.json'),
      formatUpdate({ ...update, evidence: [formatEvidence(bundle)] }),
    );
    const said = await ctga([
      ...['federation', 'verify', '--roster', file('roster.json'), file('own.json')],
    ]);
    assert.match(
      said.stdout,
      /SPLIT VIEW PROVEN: the log [0-9a-f]{64}, of which the federation states nothing: is it one/,
    );
  });

  test('a new roster is in force by a threshold of the old one, and is told on', async () => {
    const from = Math.floor(Date.now() / 1000 / PERIOD) + 5;
    const init = ['federation', 'init', '--after', file('roster.json')];
    const three = NAMES.slice(0, 3).map((name) => file(`${name}.json`));
    writeFileSync(
      file('draft2.json'),
      await must(
        ...init,
        '--threshold',
        '2',
        '--start',
        String(from),
        '--patience',
        '500',
        ...three,
      ),
    );
    for (const name of ['a', 'b', 'd'])
      writeFileSync(
        file(`${name}2.sig`),
        await must('federation', 'join', file('draft2.json'), '--state-dir', stateOf(name)),
      );
    const combine = [...init, '--draft', file('draft2.json')];
    const two = await ctga([...combine, file('a2.sig'), file('d2.sig')]);
    assert.equal(two.code, 2);
    assert.match(two.stderr, /2 have signed it, and it takes 3/);
    // One of the three does not agree, and need not; one of those who do is out of it then.
    writeFileSync(
      file('roster2.json'),
      await must(...combine, file('a2.sig'), file('b2.sig'), file('d2.sig')),
    );
    await must('federation', 'join', file('roster2.json'), '--state-dir', stateOf('b'));
    for (const name of NAMES)
      await updateOf(name, ({ rosters }) => rosters.length === 2, `the new roster at ${name}`);
    // A tree that two know is agreed on by the new threshold, and would not be by the old one.
    for (const name of ['a', 'c']) show(name, alpha, 100, 130, 150, 170);
    const text = await updateOf(
      'b',
      ({ certificates }) =>
        certificates.some(
          ({ period, items }) =>
            period >= from &&
            items.some(({ statement }) => statement.kind === 'head' && statement.treeSize === 170n),
        ),
      'the tree of 170 entries at one that does not know it',
    );
    writeFileSync(file('later.json'), text);
    // Who is no member any more is told no more.
    const told = parseUpdate(await get(portOf('d'), '/federation/v1/update'), 'update');
    assert(told.certificates.every(({ period }) => period < from));
    // Who trusts the first roster follows.
    for (const roster of ['roster.json', 'roster2.json']) {
      const args = ['federation', 'verify', '--roster', file(roster), file('later.json')];
      const { code, stdout } = await ctga(args);
      assert.equal(code, 3, stdout);
      assert.match(stdout, /head 170 {2}by a, c$/m);
    }
  });

  test('strangers are told nothing but updates, and bring nothing', async () => {
    const refused = await new Promise<number | undefined>((resolve, reject) => {
      const sent = request(
        {
          host: '127.0.0.1',
          port: portOf('b'),
          path: '/federation/v1/messages',
          method: 'POST',
          rejectUnauthorized: false,
          agent: false,
        },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      sent.once('error', reject);
      sent.end('x');
    });
    assert.equal(refused, 403);
    assert.match(await get(portOf('b'), '/metrics'), /ctga_federation_statements 2/);
    assert.match(await get(portOf('b'), '/etc'), /Nothing is here/);
  });

  test('what an authority revoked is stated by those who are told of it, and known to all', async () => {
    const ca = new CheckpointLog({ name: 'ca.example/revocations' });
    const published = createServer((_, response) =>
      response.end(ca.checkpoint(3, toMerkleHash(new Uint8Array(32).fill(7)))),
    );
    published.listen(0, '127.0.0.1');
    await once(published, 'listening');
    try {
      const { port } = published.address() as AddressInfo;
      writeFileSync(file('authorities'), `${ca.vkey} http://127.0.0.1:${port}/revocations\n`);
      for (const name of ['b', 'c']) {
        await end(name);
        start(name, portOf(name), '--authorities', file('authorities'));
      }
      const text = await updateOf(
        'a',
        ({ certificates }) =>
          certificates.some(({ items }) =>
            items.some(({ statement }) => statement.kind === 'revocations'),
          ),
        'what is revoked, at one that is not told of the authority',
      );
      writeFileSync(file('revoked.json'), text);
      const { stdout } = await ctga([
        ...['federation', 'verify', '--roster', file('roster.json'), file('revoked.json')],
      ]);
      assert.match(stdout, /revocations {2}by b, c$/m);
      assert.match(stdout, /The update holds\./);
    } finally {
      published.close();
    }
  });

  test('a head that was seen on the wire alone is nowhere', async () => {
    const root = Buffer.from(planted.rootHash);
    const signature = Buffer.from(planted.signature);
    const marks = [root, signature].flatMap((bytes) => [
      bytes,
      Buffer.from(bytes.toString('base64')),
      Buffer.from(bytes.toString('hex')),
    ]);
    const outputs: Buffer[] = [];
    for (const name of NAMES) {
      for (const path of ['/federation/v1/update', '/federation/v1/policy', '/metrics'])
        outputs.push(Buffer.from(await get(portOf(name), path)));
      outputs.push(Buffer.from(running.get(name)?.said ?? ''));
      await end(name);
      const own = join(stateOf(name), 'federation');
      for (const each of readdirSync(own))
        if (statSync(join(own, each)).isFile()) outputs.push(readFileSync(join(own, each)));
    }
    // The test would find it: the tree that was shown to all is there.
    const shown = Buffer.from(treeOf(150).root());
    assert.ok(outputs.some((output) => output.includes(shown)));
    for (const output of outputs)
      for (const mark of marks) assert.ok(!output.includes(mark), 'the planted head leaked');
  });
});
