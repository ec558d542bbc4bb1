// SPDX-License-Identifier: Apache-2.0
/**
 * A configuration that this account may not read: never passed over in silence. Each command runs
 * in a mount namespace with an /etc/ctga of its own. Needs root, to become somebody who may not read.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CTGA, type Ran } from '../support/ctga.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
chmodSync(directory, 0o755);
after(() => rmSync(directory, { recursive: true }));

const credentials = join(directory, 'credentials');
mkdirSync(credentials);
writeFileSync(
  join(credentials, 'ctga.toml'),
  '[challenge]\nproxy = ["http://not-socks.example"]\n[web]\nlisten = "nowhere"\n',
);

/** As nobody, where /etc/ctga/ctga.toml has `text` and this mode. */
function ctgaWith(text: string, mode: string, args: readonly string[], env = {}): Ran {
  const script = `set -e
    for file in passwd group nsswitch.conf; do cp /etc/$file "$1"; done
    mount -t tmpfs -o mode=755 tmpfs /etc
    cp "$1"/passwd "$1"/group "$1"/nsswitch.conf /etc
    mkdir /etc/ctga; printf "$2" >/etc/ctga/ctga.toml; chmod $3 /etc/ctga/ctga.toml
    shift 3; exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"`;
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', 'sh', '-c', script, 'sh', directory, text, mode, CTGA, ...args],
    {
      encoding: 'utf8',
      timeout: 60_000,
      env: {
        ...process.env,
        NODE_EXTRA_CA_CERTS: undefined,
        HOME: directory,
        CTGA_NODE: process.execPath,
        ...env,
      },
    },
  );
  return { code: status, stdout, stderr };
}

const REFUSED =
  /ctga: cannot read \/etc\/ctga\/ctga\.toml: .*\n.*LoadCredential=ctga\.toml:\/etc\/ctga\/ctga\.toml/;
const STATE = ['--state-dir', directory];

for (const command of [
  ['challenge', '--once', ...STATE],
  ['web', ...STATE],
  ['alert', 'run', ...STATE],
  ['alert', 'test', ...STATE],
  ['dns', 'serve', '--zone-suffix', 'x.test', '--listen', '127.0.0.1:0', ...STATE],
  ['pool', 'serve', '--domain', 'www.example.net', '--listen', '127.0.0.1:0', ...STATE],
  ['witness', 'serve', '--listen', '127.0.0.1:0', ...STATE],
  ['evidence', 'keep', ...STATE],
  ['attach', 'lo', ...STATE],
])
  test(`${command.slice(0, 2).join(' ')} refuses to run without it, and says what to do`, () => {
    const { code, stderr } = ctgaWith('[challenge]\n', '600', command);
    assert.match(stderr, REFUSED);
    assert.equal(code, 2);
  });

const ELSEWHERE =
  /^ctga: cannot read \/etc\/ctga\/ctga\.toml: .*; it may say where to look\n {2}Run the command with sudo, .* with (--\S+(?: and --\S+)?)\.\n {2}See: /;

for (const [command, left] of [
  [['status'], '--state-dir'],
  [['status', '--json'], undefined],
  [['heads', 'list'], '--state-dir'],
  [['evidence', 'list'], '--state-dir'],
  [['alert', 'list'], '--state-dir'],
  [['store', 'check'], '--state-dir'],
  [['logs', 'list'], '--state-dir and --zone'],
  [['logs', 'list', ...STATE], '--zone'],
  [['replay', 'none.pcap', '--zone', 'a.example=Argon2018'], '--state-dir'],
] as const)
  test(`${command.join(' ')} does not look at what the file may say is the wrong store`, () => {
    const { code, stdout, stderr } = ctgaWith('[status]\nstate-dir = "/x"\n', '600', command);
    if (left !== undefined) assert.equal(ELSEWHERE.exec(stderr)?.[1], left, stderr);
    assert.deepEqual([code, stdout], [2, '']);
  });

for (const command of [
  ['logs', 'list', '--zone', 'a.example=Argon2018', ...STATE],
  ['lab', 'down', '--json'],
  ['bench', 'traffic', '--tool', 'osnt', '--output', join(directory, 'bench'), '--rates', '0'],
])
  test(`${command.slice(0, 2).join(' ')}, which was told all that counts, warns that it goes without it`, () => {
    const { stderr } = ctgaWith('', '600', command);
    assert.match(stderr, /cannot read \/etc\/ctga\/ctga\.toml: .*; this command goes without it/);
  });

test('doctor says what to do about it, and does not call that well', () => {
  const { code, stdout } = ctgaWith('', '600', ['doctor', ...STATE]);
  assert.match(stdout, /^FAILS +configuration: cannot read .*\n +Let this account read it, run/m);
  assert.equal(code, 1);
});

test('as a credential it is obeyed, and the file where that may be read', () => {
  const env = { CREDENTIALS_DIRECTORY: credentials };
  const asked = ctgaWith('', '600', ['challenge', '--once', ...STATE], env);
  assert.match(asked.stderr, /--proxy http:\/\/not-socks\.example: want socks5h/);
  assert.match(ctgaWith('', '600', ['web', ...STATE], env).stderr, /ctga\.toml:4: listen/);
  const open = ctgaWith('[web]\nhost = 3.5\nx = 1\n', '644', ['web', ...STATE], env);
  assert.match(open.stderr, /ctga\.toml:3: x: ctga web has no such option/);
});

test('a directory that may not be entered is not one without a file', () => {
  const { code, stderr } = ctgaWith('', '600 /etc/ctga', ['web', ...STATE]);
  assert.match(stderr, REFUSED);
  assert.equal(code, 2);
});
