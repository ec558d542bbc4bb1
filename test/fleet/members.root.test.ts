// SPDX-License-Identifier: Apache-2.0
/**
 * Who may read what a member knows of the others, with directories and accounts as the package makes
 * them: `ctga web` and `ctga alert` read it while `ctga collect` writes, and after that was killed.
 * Needs root, to be other accounts.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  process.stdin.resume();`;
const READ = `${OPEN}
  console.log(MemberStore.openForReading(state)?.fleet()?.fleet);`;

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

test('what is known of members can be read by who may read the store, and by nobody else', async () => {
  const writer: ChildProcess = spawn(...as(ACCOUNT.fleet, [GROUP.readers, GROUP.writers], WRITE), {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  assert(writer.stdout);
  const [written] = (await once(writer.stdout, 'data')) as [Buffer];
  assert.equal(written.toString().trim(), 'written');
  const all = (): unknown[] => [
    read(ACCOUNT.web, GROUP.readers),
    read(ACCOUNT.alert, GROUP.readers),
    read(ACCOUNT.other, GROUP.other).read,
  ];
  const expected = [{ read: 'test', failed: false }, { read: 'test', failed: false }, ''];
  assert.deepEqual(all(), expected);
  writer.kill('SIGKILL');
  await once(writer, 'exit');
  assert.deepEqual(all(), expected);
  assert(readdirSync(own).includes('members.db'));
});
