// SPDX-License-Identifier: Apache-2.0
/**
 * Who may read what a member knows of the others, with directories and accounts as the package makes
 * them: `ctga web` and `ctga alert` read it while `ctga collect` writes, after that was killed, and
 * after it was stopped; and they cannot write it. Needs root, to be other accounts.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { after, test } from 'node:test';

/** Accounts and groups that no machine has: ctga-fleet, ctga-web and ctga-alert, and somebody else. */
const ACCOUNT = { fleet: 64_001, web: 64_002, alert: 64_003, other: 64_004 };
/** `ctga`, whose members may read, and `ctga-store`, whose members may write. */
const GROUP = { readers: 64_011, writers: 64_012, other: 64_013 };

const state = mkdtempSync(join(tmpdir(), 'ctga-test-'));
const own = join(state, 'fleet');
mkdirSync(own);
chownSync(state, 0, GROUP.writers);
chmodSync(state, 0o2775);
chownSync(own, ACCOUNT.fleet, GROUP.readers);
chmodSync(own, 0o2750);
after(() => rmSync(state, { recursive: true }));

const module = new URL('../../src/fleet/members.ts', import.meta.url).href;
const OPEN = `import { MemberStore } from '${module}';
  process.umask(0o007);
  const [, state] = process.argv;`;
const WRITE = `${OPEN}
  const members = MemberStore.open(state);
  members.putFleet({ fleet: 'test', self: 'hub', intervalSeconds: 10, members: [] });
  console.log('written');
  process.stdin.resume().on('end', () => members.close());`;
const READ = `${OPEN}
  console.log(MemberStore.openForReading(state)?.fleet()?.fleet);`;
const CHANGE = `import { openSync, readdirSync } from 'node:fs';
  const [, state] = process.argv;
  for (const name of readdirSync(state + '/fleet'))
    try {
      openSync(state + '/fleet/' + name, 'r+');
      console.log(name);
    } catch (error) {
      console.log(error.code);
    }`;

function as(account: number, groups: readonly number[], script: string): [string, string[]] {
  const [first = GROUP.other] = groups;
  const who = [`--reuid=${account}`, `--regid=${first}`, `--groups=${groups.join()}`];
  const node = ['--import', 'tsx', '--input-type=module', '-e', script, state];
  return ['setpriv', [...who, process.execPath, ...node]];
}

function read(account: number, group: number): { read: string; failed: boolean } {
  const { status, stdout } = spawnSync(...as(account, [group], READ), { encoding: 'utf8' });
  return { read: stdout.trim(), failed: status !== 0 };
}

/** Returns when it has been written. */
async function write(): Promise<ChildProcess & { readonly stdin: Writable }> {
  const writer = spawn(...as(ACCOUNT.fleet, [GROUP.readers, GROUP.writers], WRITE), {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  after(() => writer.kill('SIGKILL'));
  const [written] = (await once(writer.stdout, 'data')) as [Buffer];
  assert.equal(written.toString().trim(), 'written');
  return writer;
}

/** Reads it as each account that may, and as one that may not. */
function readByAll(): unknown[] {
  return [
    read(ACCOUNT.web, GROUP.readers),
    read(ACCOUNT.alert, GROUP.readers),
    read(ACCOUNT.other, GROUP.other).read,
  ];
}

test('what is known of members can be read by who may read the store, and by nobody else', async () => {
  const expected = [{ read: 'test', failed: false }, { read: 'test', failed: false }, ''];
  const first = await write();
  assert.deepEqual(readByAll(), expected, 'while it is written');
  first.kill('SIGKILL');
  await once(first, 'exit');
  assert.deepEqual(readByAll(), expected, 'after what writes it was killed');

  const second = await write();
  second.stdin.end();
  await once(second, 'exit');
  assert.deepEqual(readByAll(), expected, 'after what writes it was stopped');

  const { stdout } = spawnSync(...as(ACCOUNT.web, [GROUP.readers], CHANGE), { encoding: 'utf8' });
  assert.deepEqual(stdout.trim().split('\n'), ['EACCES', 'EACCES', 'EACCES']);
  assert(readdirSync(own).includes('members.db'));
});
