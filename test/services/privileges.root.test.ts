// SPDX-License-Identifier: Apache-2.0
/**
 * What a process may do that has given root up by dropPrivileges: tried in a real one, as root
 * would be needed for each.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { evidenceFileName, makeEvidence } from '../../src/evidence/bundle.ts';
import { judgeWithoutProof } from '../../src/evidence/judge.ts';
import { writeEvidence } from '../../src/evidence/write.ts';
import { openForWriting, stateAt, type State } from '../../src/store/state.ts';
import type { VerifiedStatement } from '../../src/statements/statement.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
chmodSync(directory, 0o755);
after(() => rmSync(directory, { recursive: true }));

/** Each is an expression that must throw. */
const ESCAPES: Readonly<Record<string, string>> = {
  'becoming root again': 'process.setuid(0)',
  "taking root's group": 'process.setgid(0)',
  "taking root's groups": 'process.setgroups([0])',
  "reading what is root's": "fs.readFileSync('/etc/shadow')",
  'writing where programs lie': "fs.writeFileSync('/usr/local/bin/ctga-test', '')",
  'looking at pinned maps': "fs.readdirSync('/sys/fs/bpf/ctga')",
  'signalling somebody else': 'process.kill(1, 0)',
  'loading a BPF program': 'xdp.loadXdp()',
  attaching: "xdp.attachXdp({ interfaceName: 'lo' })",
  'a raw socket':
    "child.execFileSync('python3', ['-c', 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)'], { stdio: 'pipe' })",
  'a program with the set-user-ID bit':
    "child.execFileSync('/bin/su', ['-c', 'true'], { stdio: 'pipe', input: '' })",
  'a namespace of the host':
    "child.execFileSync('nsenter', ['--net=/proc/1/ns/net', 'true'], { stdio: 'pipe' })",
  'a port below 1024 of the host, unless the host lets everybody': 'bindLow()',
};

describe('a process that has given root up', () => {
  let results: Record<string, string>;
  before(() => {
    // As attaching makes it. The file system itself may be open to everybody.
    mkdirSync('/sys/fs/bpf/ctga', { recursive: true, mode: 0o700 });
    const script = `
      import * as fs from 'node:fs';
      import * as child from 'node:child_process';
      import * as xdp from '${new URL('../../src/dataplane/xdp.ts', import.meta.url).href}';
      import { dropPrivileges } from '${new URL('../../src/services/privileges.ts', import.meta.url).href}';
      import { openForWriting, stateAt } from '${new URL('../../src/store/state.ts', import.meta.url).href}';
      const state = stateAt(${JSON.stringify(join(directory, 'state'))});
      const account = dropPrivileges(state, undefined, { accounts: ['nobody'] });
      fs.writeFileSync(state.directory + '/mine', 'x');
      const open = openForWriting(state);
      open.counters.add('test', { x: 1 });
      const bindLow = () => {
        if (Number(fs.readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'latin1')) <= 53) throw new Error('everybody may');
        child.execFileSync('python3', ['-c', 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 53))'], { stdio: 'pipe' });
      };
      const journals = ['', '-wal', '-shm'].map((end) => (fs.statSync(state.database + end).mode & 0o777).toString(8));
      const results = { account, journals: journals.join(' ') };
      for (const [name, attempt] of Object.entries({
        ${Object.entries(ESCAPES)
          .map(([name, code]) => `${JSON.stringify(name)}: () => ${code}`)
          .join(',\n')}
      })) {
        try { attempt(); results[name] = 'DONE'; } catch (error) { results[name] = String(error.message).split('\\n')[0]; }
      }
      console.log(JSON.stringify(results));`;
    const args = ['--import', 'tsx', '--input-type=module', '-e', script];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    results = JSON.parse(stdout) as Record<string, string>;
  });

  for (const escape of Object.keys(ESCAPES))
    test(`is refused ${escape}`, (context) => {
      assert.notEqual(results[escape], undefined);
      assert.notEqual(results[escape], 'DONE');
      context.diagnostic(results[escape] ?? '');
    });

  test('keeps its state, which the group may write and nobody else read', () => {
    assert.equal(results['account'], 'nobody');
    const state = join(directory, 'state');
    assert.equal(results['journals'], '660 660 660');
    assert.equal(readFileSync(join(state, 'mine'), 'latin1'), 'x');
    // Whoever knows the name of the evidence may pass through to it.
    assert.equal(statSync(state).mode & 0o7777, 0o2771);
    assert.equal(statSync(join(state, 'evidence')).mode & 0o7777, 0o2775);
    assert.equal(statSync(join(state, 'mine')).mode & 0o7777, 0o660);
  });
});

describe('an observer that has given root up', () => {
  const DENIED: Readonly<Record<string, string>> = {
    'running a program': "const { error } = child.spawnSync('/bin/true'); if (error) throw error;",
    'signalling another process of its account':
      "process.kill(Number(process.argv[2]), 'SIGCONT');",
    'a TCP connection':
      "await new Promise((done, fail) => net.connect(9, '127.0.0.1').once('connect', done).once('error', (error) => (error.code === 'ECONNREFUSED' ? done() : fail(error))));",
    'a TCP listener':
      "await new Promise((done, fail) => net.createServer().once('error', fail).listen(0, '127.0.0.1', done));",
    'a UDP socket':
      "await new Promise((done, fail) => dgram.createSocket('udp4').once('error', fail).bind(0, '127.0.0.1', done));",
    'a UNIX listener':
      "await new Promise((done, fail) => net.createServer().once('error', fail).listen(state.directory + '/listener', done));",
  };
  const tried = (withoutNetwork: boolean): Record<string, string> => {
    const script = `
      import * as fs from 'node:fs';
      import * as child from 'node:child_process';
      import * as net from 'node:net';
      import * as dgram from 'node:dgram';
      import { Worker } from 'node:worker_threads';
      import { becomeObserver } from '${new URL('../../src/services/privileges.ts', import.meta.url).href}';
      import { openForWriting, stateAt } from '${new URL('../../src/store/state.ts', import.meta.url).href}';
      const state = stateAt(${JSON.stringify(join(directory, 'confined'))});
      // A thread that is there before.
      const early = new Worker("const { parentPort } = require('node:worker_threads'); parentPort.once('message', () => { const { error } = require('node:child_process').spawnSync('/bin/true'); parentPort.postMessage(String(error?.code)); })", { eval: true });
      await new Promise((done) => early.once('online', done));
      becomeObserver(state, 'nobody', ${String(withoutNetwork)});
      const results = {};
      ${Object.entries(DENIED)
        .map(
          ([name, code]) =>
            `try { ${code} results[${JSON.stringify(name)}] = 'DONE'; } catch (error) { results[${JSON.stringify(name)}] = String(error.code); }`,
        )
        .join('\n')}
      results.early = await new Promise((done) => { early.once('message', done); early.postMessage('try'); });
      // What it has to be able to do.
      const store = openForWriting(state);
      store.counters.add('test', { x: 1 });
      store.close();
      results.worker = await new Promise((done) => new Worker('1', { eval: true }).once('exit', done));
      results.seccomp = fs.readdirSync('/proc/self/task').map((thread) => /Seccomp:\\s+(\\d)/.exec(fs.readFileSync('/proc/self/task/' + thread + '/status', 'latin1'))[1]).join('');
      // Others of its account may not read its memory.
      results.owner = fs.statSync('/proc/self/mem').uid;
      // Those that are left are pairs of AF_UNIX.
      const open = fs.readdirSync('/proc/self/fd').flatMap((fd) => { try { return /^socket:\\[(.*)\\]/.exec(fs.readlinkSync('/proc/self/fd/' + fd))?.[1] ?? []; } catch { return []; } });
      const others = ['tcp', 'tcp6', 'udp', 'udp6', 'netlink', 'packet', 'raw'].map((table) => fs.readFileSync('/proc/self/net/' + table, 'latin1')).join('').split(/\\s+/);
      results.sockets = open.filter((inode) => others.includes(inode)).length;
      console.log(JSON.stringify(results));
      process.exit();`;
    const file = join(directory, 'confined.mts');
    writeFileSync(file, script);
    const other = spawn('setpriv', [
      '--reuid=65534',
      '--clear-groups',
      '--regid=65534',
      'sleep',
      '60',
    ]);
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', file, String(other.pid)],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );
    other.kill();
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout) as Record<string, string>;
  };

  test('runs nothing, reaches nobody, and works', () => {
    const { worker, seccomp, sockets, owner, ...denied } = tried(true);
    assert.equal(worker, 0);
    assert.equal(owner, 0);
    assert.match(seccomp ?? '', /^2+$/);
    assert.deepEqual(denied, {
      'running a program': 'EPERM',
      'signalling another process of its account': 'EPERM',
      'a TCP connection': 'EAFNOSUPPORT',
      'a TCP listener': 'EAFNOSUPPORT',
      'a UDP socket': 'EAFNOSUPPORT',
      'a UNIX listener': 'EPERM',
      early: 'EPERM',
    });
    assert.equal(sockets, 0);
  });

  test('connects to a P4 switch and listens to resolvers, where it watches them', () => {
    const { 'a TCP connection': connection, 'a TCP listener': listener } = tried(false);
    assert.deepEqual([connection, listener], ['DONE', 'DONE']);
  });
});

test('evidence and a database that root made are handed over', () => {
  const state = join(directory, 'old');
  const make = `
    import * as fs from 'node:fs';
    import { dropPrivileges } from '${new URL('../../src/services/privileges.ts', import.meta.url).href}';
    import { openForWriting, stateAt } from '${new URL('../../src/store/state.ts', import.meta.url).href}';
    const state = stateAt(${JSON.stringify(state)});
    openForWriting(state).close();
    fs.mkdirSync(state.evidence);
    fs.writeFileSync(state.evidence + '/old.json', '{}');
    dropPrivileges(state, undefined, { accounts: ['nobody'] });
    openForWriting(state).close();
    fs.writeFileSync(state.evidence + '/new.json', '');`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', make];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const { uid, mode } = statSync(join(state, 'evidence/old.json'));
  assert.deepEqual([uid === 0, mode & 0o777], [false, 0o444]);
});

describe('a directory of another account, as root', () => {
  const secret = join(directory, 'secret');
  const modeOf = (path: string): string => {
    const { uid, mode } = statSync(path);
    return `${uid} ${(mode & 0o7777).toString(8)}`;
  };
  const dropping = ({ directory: path }: State): string => `
    import { dropPrivileges } from '${new URL('../../src/services/privileges.ts', import.meta.url).href}';
    import { stateAt } from '${new URL('../../src/store/state.ts', import.meta.url).href}';
    try { dropPrivileges(stateAt(${JSON.stringify(path)}), 'nobody', { accounts: [] }); }
    catch (error) { console.log(error.message, error.remedy); process.exit(1); }`;
  /** As an account would leave it that somebody has taken over. */
  function prepared(name: string): { state: State; drop: () => void } {
    writeFileSync(secret, 'secret', { mode: 0o600 });
    const state = stateAt(join(directory, name));
    const drop = (): void => {
      const args = ['--import', 'tsx', '--input-type=module', '-e', dropping(state)];
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    };
    drop();
    return { state, drop };
  }

  test('no link in it has root give a file of the machine away', () => {
    const { state, drop } = prepared('links');
    symlinkSync(secret, join(state.evidence, 'symbolic.json'));
    linkSync(secret, join(state.evidence, 'hard.json'));
    symlinkSync(secret, state.database);
    symlinkSync('nowhere', `${state.database}-wal`);
    drop();
    assert.equal(modeOf(secret), '0 600');
    rmSync(state.evidence, { recursive: true });
    const elsewhere = join(directory, 'elsewhere');
    mkdirSync(elsewhere, { mode: 0o700 });
    symlinkSync(elsewhere, state.evidence);
    drop();
    assert.equal(modeOf(elsewhere), '0 700');
  });

  test("what root makes in it is the account's, and no link has root write elsewhere", () => {
    const { state } = prepared('made');
    const { uid } = statSync(state.directory);
    assert.notEqual(uid, 0);
    const store = openForWriting(state);
    store.counters.add('test', { x: 1 });
    for (const end of ['', '-wal', '-shm'])
      assert.equal(modeOf(state.database + end), `${uid} 660`, end);
    const log = new SigningLog();
    const heads = [treeOf(3), treeOf(3, 'b')].map((tree) => log.verified(3, tree.root())) as [
      VerifiedStatement,
      VerifiedStatement,
    ];
    const judgement = judgeWithoutProof(...heads);
    assert(judgement?.verdict === 'fork-proven');
    store.heads.record(
      heads.map((head) => ({ head, source: 'x', firstSeen: 1, lastSeen: 1, count: 1 })),
    );
    const evidence = makeEvidence(log.asLog(), ...heads, judgement, 1);
    const temporary = join(state.evidence, `${evidenceFileName(evidence)}.${process.pid}.tmp`);
    symlinkSync(secret, temporary);
    const path = writeEvidence(state.evidence, evidence);
    store.close();
    assert.equal(modeOf(path), `${uid} 444`);
    assert.equal(readFileSync(secret, 'latin1'), 'secret');
  });

  test('what the account has made is no reason to end, where root may not change it', () => {
    const { state } = prepared('kept');
    const { uid, gid } = statSync(state.directory);
    const path = join(state.evidence, 'fork.json');
    writeFileSync(path, '{}', { mode: 0o640 });
    chownSync(path, uid, gid);
    const args = [
      '--bounding-set=-chown,-fowner',
      process.execPath,
      '--import',
      'tsx',
      '--input-type=module',
    ];
    const { status, stderr } = spawnSync('setpriv', [...args, '-e', dropping(state)], {
      encoding: 'utf8',
    });
    assert.equal(stderr, '');
    assert.equal(status, 0);
    assert.equal(modeOf(path), `${uid} 640`);
  });

  test('what it cannot hand over is named, with the command that does', () => {
    const { state } = prepared('refused');
    writeFileSync(state.database, '');
    const args = [
      '--bounding-set=-chown',
      process.execPath,
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
    ];
    const { stdout, stderr } = spawnSync('setpriv', [...args, dropping(state)], {
      encoding: 'utf8',
    });
    assert.equal(stderr, '');
    assert.match(stdout, /^cannot hand .*ctga\.db over to nobody: .* As root: chown \d+:\d+ /);
  });
});
