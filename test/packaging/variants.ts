// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run test:packages`: the packages that deb.root.test.ts does not build. The one for Debian 13
 * is installed beside Debian 13's own Node (debootstrap, which needs root), and that for arm64 runs
 * under qemu's user emulation.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runner } from '../../packaging/start.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { captureFile } from '../../src/traffic/traffic.ts';
import { dnsAnswer, ethernet, ipv4, udp } from '../support/packets.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';
import { Debian, namesIn } from './debian.ts';
import { paragraphs } from './debian-copyright.ts';

const ROOT = resolve(import.meta.dirname, '../..');

function build(...args: readonly string[]): string {
  return execFileSync(process.execPath, ['--import', 'tsx', 'packaging/build.ts', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
}
const field = (deb: string, name: string): string =>
  execFileSync('dpkg-deb', ['--field', deb, name], { encoding: 'utf8' }).trim();

/** A log's list, and a capture in which one of its heads goes by. */
function writeSighting(directory: string): void {
  const log = new SigningLog();
  const head = formatTreeHeadText(log.sign(7, treeOf(3).root(), 7n));
  const payload = udp({ payload: dnsAnswer({ name: 'sth.log.example', strings: [head] }) });
  const frame = ethernet({ payload: ipv4({ payload }) });
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'list.json'), logListOf({ log }));
  writeFileSync(join(directory, 'a.pcap'), captureFile([frame]));
}
const REPLAY = ['replay', 'a.pcap', '--log-list', 'list.json', '--state-dir', 'state'];

test("the package for Debian 13 is run by Debian 13's own Node", async () => {
  const deb = build('--node', 'debian');
  assert.match(field(deb, 'Version'), /^[\d.]+\+libnode115$/);
  const depends = field(deb, 'Depends');
  for (const needed of ['libnode115', 'nodejs (>= 20.19)', 'nodejs (<< 21~)', 'libc6 (>= 2.'])
    assert(depends.includes(needed), depends);
  const debian = new Debian(['ca-certificates', ...namesIn(depends)], 'trixie');
  try {
    execFileSync('cp', [deb, join(debian.root, 'srv')]);
    writeSighting(join(debian.root, 'srv/seen'));
    debian.must(`dpkg -i /srv/${basename(deb)}`);
    assert.match(debian.must('node --version'), /^v20\./);
    assert.match(debian.must('ctga --version'), /^\d+\.\d+\.\d+\n$/);
    assert.match(debian.must(`cd /srv/seen && ctga ${REPLAY.join(' ')}`), /1 verified tree head\./);
    assert.match(debian.must('ctga store check --state-dir /srv/seen/state'), /all whole/);
    debian.must(
      `cd /usr/lib/ctga && node -e "require('./build/native/Release/ctga.node'); require('raw-socket')"`,
    );
    assert(debian.inside('test -e /usr/lib/ctga/node').code !== 0);
    const copyright = paragraphs(debian.must('cat /usr/share/doc/ctga/copyright'));
    assert(copyright.every(({ Files }) => Files !== 'usr/lib/ctga/node'));
  } finally {
    await debian.remove();
  }
});

describe('the package for arm64', () => {
  const emulator = runner('arm64');
  let directory: string;
  let lib: string;
  let deb: string;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'ctga-arm64-'));
    deb = build('--arch', 'arm64');
    execFileSync('dpkg-deb', ['-x', deb, directory]);
    lib = join(directory, 'usr/lib/ctga');
    writeSighting(join(directory, 'seen'));
  });
  after(() => rmSync(directory, { recursive: true }));
  function run(...args: readonly string[]): string {
    const [program = '', ...before] = emulator ?? assert.fail('Debian has qemu-user-static');
    const { status, stdout, stderr } = spawnSync(program, [...before, join(lib, 'node'), ...args], {
      cwd: join(directory, 'seen'),
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin' },
    });
    assert.equal(status, 0, stderr);
    return stdout;
  }
  const ctga = (...args: readonly string[]): string =>
    run(join(lib, 'build/js/cli/main.cjs'), ...args);

  test('says so, and is so', () => {
    assert.equal(field(deb, 'Architecture'), 'arm64');
    assert.match(field(deb, 'Depends'), /libc6 \(>= 2\.\d+\).*libstdc\+\+6 \(>= /);
    for (const file of [
      'node',
      'build/native/Release/ctga.node',
      'build/native/Release/loopback.so',
      'node_modules/better-sqlite3/build/Release/better_sqlite3.node',
      'node_modules/raw-socket/build/Release/raw.node',
    ]) {
      const header = execFileSync('readelf', ['-h', join(lib, file)], { encoding: 'utf8' });
      assert.match(header, /Machine: +AArch64/, file);
    }
  });

  test('starts, loads all that is compiled, and reads a capture', () => {
    assert.match(ctga('--version'), /^\d+\.\d+\.\d+\n$/);
    const load = `require('${lib}/build/native/Release/ctga.node'); require('${lib}/node_modules/raw-socket'); console.log(process.arch)`;
    assert.equal(run('-e', load), 'arm64\n');
    assert.match(ctga(...REPLAY), /1 verified tree head\./);
    assert.match(ctga('store', 'check', '--state-dir', 'state'), /all whole/);
  });
});
