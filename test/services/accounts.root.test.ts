// SPDX-License-Identifier: Apache-2.0
/**
 * Accounts that are not in /etc/passwd: each test runs in a mount namespace whose nsswitch.conf(5)
 * names a second source, libnss-extrausers, which stands for LDAP, SSSD or systemd's DynamicUser.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

const FILES = '/var/lib/extrausers';
const UID = 4242;
const GID = 4343;
const skip =
  !existsSync(FILES) && 'libnss-extrausers is not installed: apt-get install libnss-extrausers';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
chmodSync(directory, 0o755);
after(() => rmSync(directory, { recursive: true }));

const accounts = join(directory, 'accounts');
mkdirSync(accounts);
// Longer than any buffer that a look-up begins with.
const long = 'x'.repeat(100_000);
const members = Array.from({ length: 20_000 }, (_, i) => `member${i}`).join();
writeFileSync(
  join(accounts, 'passwd'),
  `ctga-elsewhere:x:${UID}:${GID}::/:/bin/false\nctga-long:x:4244:4345:${long}:/:/bin/false\n`,
);
writeFileSync(join(accounts, 'group'), `ctga:x:${GID}:\nctga-members:x:4346:${members}\n`);

/** What answers no question: opening these files fails, as asking a directory that is down does. */
const broken = join(directory, 'broken');
mkdirSync(broken);
for (const name of ['passwd', 'group']) symlinkSync(name, join(broken, name));

/** The JSON that `script` prints, where the accounts of the machine and those of `source` exist. */
function where(source: string, script: string): unknown {
  const nsswitch = join(directory, 'nsswitch.conf');
  writeFileSync(nsswitch, 'passwd: files extrausers\ngroup: extrausers files\n');
  const shell = `mount --bind "$1" /etc/nsswitch.conf && mount --bind "$2" ${FILES} && exec "$3" --import tsx --input-type=module -e "$4"`;
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', 'sh', '-c', shell, 'sh', nsswitch, source, process.execPath, PRELUDE + script],
    { encoding: 'utf8' },
  );
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

const module = (path: string): string => new URL(`../../src/${path}`, import.meta.url).href;
const PRELUDE = `
  import { addon } from '${module('native/addon.ts')}';
  import { dropPrivileges } from '${module('services/privileges.ts')}';
  import { stateAt } from '${module('store/state.ts')}';
  const state = stateAt(${JSON.stringify(join(directory, 'state'))});
  const failureOf = (work) => {
    try { return { returned: work() ?? null }; }
    catch ({ code, message, remedy, errno }) { return { code, message, remedy, errno }; }
  };
  const print = (value) => console.log(JSON.stringify(value));`;

describe('accounts that are not in /etc/passwd', { skip }, () => {
  test('are found, with their group; what no source has is undefined', () => {
    const found = where(
      accounts,
      `print([
        addon().account('ctga-elsewhere'), addon().account('root'), addon().account('ctga-nowhere') ?? null,
        addon().group('ctga'), addon().group('root'), addon().group('ctga-nowhere') ?? null,
      ]);`,
    );
    const ids = [{ uid: UID, gid: GID }, { uid: 0, gid: 0 }, null];
    assert.deepEqual(found, [...ids, GID, 0, null]);
  });

  test('are found however long their entries', () => {
    const found = where(
      accounts,
      "print([addon().account('ctga-long'), addon().group('ctga-members')]);",
    );
    assert.deepEqual(found, [{ uid: 4244, gid: 4345 }, 4346]);
  });

  test('a process becomes one of them', () => {
    const result = where(
      accounts,
      `const account = dropPrivileges(state, undefined, { accounts: ['ctga-nowhere', 'ctga-elsewhere', 'nobody'] });
      print([account, process.getuid(), process.getgid(), process.getgroups()]);`,
    );
    assert.deepEqual(result, ['ctga-elsewhere', UID, GID, [GID]]);
  });

  test('one that does not exist is named', () => {
    const result = where(
      accounts,
      "print(failureOf(() => dropPrivileges(state, 'ctga-nowhere', { accounts: [] })));",
    );
    assert.deepEqual(result, {
      code: 'bad-input',
      message: 'no account is called "ctga-nowhere"',
      remedy: 'Make one: sudo adduser --system --group ctga-nowhere',
    });
  });
});

describe('a source of accounts that does not answer', { skip }, () => {
  test('is a failure, and not an account that does not exist', () => {
    const [account, local] = where(
      broken,
      "print([failureOf(() => addon().account('ctga-elsewhere')), addon().account('nobody').uid]);",
    ) as [Record<string, unknown>, number];
    assert.match(
      String(account['message']),
      /^look up the account ctga-elsewhere: Too many levels/,
    );
    assert.equal(account['errno'], 40);
    assert.notEqual(local, 0);
  });

  test('keeps the process from running as nobody instead', () => {
    const result = where(
      broken,
      `const failure = failureOf(() => dropPrivileges(state, undefined, { accounts: ['ctga-elsewhere', 'nobody'] }));
      print({ ...failure, uid: process.getuid() });`,
    );
    assert.deepEqual(result, {
      code: 'kernel',
      message: 'cannot look up the account ctga-elsewhere: Too many levels of symbolic links',
      remedy: 'See what this says: getent passwd ctga-elsewhere',
      uid: 0,
    });
  });
});
