/** The Debian package, in a Debian of its own (debootstrap): installed, used, upgraded, removed, purged, and what is left. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Ran } from '../support/ctga.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** What apt here takes Debian from; the mirror that everybody has otherwise. */
function mirror(): string {
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', '$(REPO_URI) $(ORIGIN)'], {
    encoding: 'utf8',
  });
  return /^(\S+) Debian$/m.exec(stdout)?.[1] ?? 'http://deb.debian.org/debian/';
}

describe('the Debian package', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-deb-'));
  const debian = join(directory, 'debian');
  let deb: string;
  let pristine: ReadonlySet<string>;

  /** In the Debian, with a /proc of its own. */
  function inside(command: string): Ran {
    const args = [
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      `--mount-proc=${debian}/proc`,
      'chroot',
      debian,
    ];
    const { status, stdout, stderr } = spawnSync('unshare', [...args, 'sh', '-c', command], {
      encoding: 'utf8',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
    });
    return { code: status, stdout, stderr };
  }
  function must(command: string): string {
    const { code, stdout, stderr } = inside(command);
    assert.equal(code, 0, `${command}: ${stdout}${stderr}`);
    return stdout;
  }
  /** Everything that is there, but for what apt and dpkg note down, and what other packages do. */
  function files(): Set<string> {
    const lines = must('find / -xdev -not -path "/proc/*" -not -path "/tmp/*"').split('\n');
    return new Set(
      lines.filter(
        (path) =>
          !/^\/(run|var\/(lib\/(dpkg|apt)|cache|log)|etc\/(passwd|group|shadow|gshadow)-|dev)/.test(path),
      ),
    );
  }

  before(() => {
    const release =
      /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'bookworm';
    execFileSync('debootstrap', ['--variant=minbase', release, debian, mirror()], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    deb = execFileSync(process.execPath, ['--import', 'tsx', 'packaging/build.ts'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    // What it depends on comes from here: the Debian in there need not know how.
    const depends =
      /^Depends: (.*)$/m.exec(execFileSync('dpkg-deb', ['--field', deb], { encoding: 'utf8' }))?.[1] ?? '';
    const packages = depends.split(',').map((name) => name.trim());
    const missing = packages.filter(
      (name) => inside(`dpkg-query -W -f '\${db:Status-Status}' ${name}`).stdout !== 'installed',
    );
    const sources = join(directory, 'apt');
    mkdirSync(sources);
    const options = [
      '-o',
      `Dir::State::status=${debian}/var/lib/dpkg/status`,
      '-o',
      `Dir::Cache::archives=${sources}/`,
      ...['-o', 'APT::Sandbox::User=root'],
    ];
    mkdirSync(join(sources, 'partial'));
    execFileSync(
      'apt-get',
      ['-q', '-y', '--download-only', '--no-install-recommends', ...options, 'install', ...missing],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    mkdirSync(join(debian, 'tmp/debs'));
    execFileSync('sh', ['-c', `cp ${sources}/*.deb ${debian}/tmp/debs/ && cp ${deb} ${debian}/tmp/`]);
    must('dpkg -i /tmp/debs/*.deb');
    pristine = files();
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  const install = (): string => must(`dpkg -i /tmp/${basename(deb)}`);

  test('installs: the program runs, its accounts and directories are there', () => {
    install();
    assert.match(must('ctga --version'), /^\d+\.\d+\.\d+\n$/);
    assert.match(must('ctga logs list'), /argon/);
    assert.equal(must('ctga config check'), '/etc/ctga/ctga.toml: every key and value is meant.\n');
    assert.equal(must('stat -c "%U:%G %a" /var/lib/ctga'), 'ctga:ctga 2770\n');
    assert.match(must('id ctga-challenger'), /\(ctga-challenger\) gid=\d+\(ctga\)/);
    assert(!existsSync(join(debian, 'usr/lib/ctga/node_modules/tsx')));
    // As whom the services run: what one makes, the other writes.
    must(`echo '{"sths": []}' > /tmp/sths`);
    for (const account of ['ctga', 'ctga-challenger'])
      must(
        `umask 007; setpriv --reuid=${account} --regid=ctga --clear-groups ctga heads import /tmp/sths --state-dir /var/lib/ctga`,
      );
    assert.match(must('ctga store check --state-dir /var/lib/ctga'), /all whole/);
  });

  test('has a man page that groff has nothing against, and completion', () => {
    const page = join(debian, 'usr/share/man/man1/ctga.1.gz');
    const { stdout, stderr } = spawnSync('man', ['--warnings=w', '-l', page], {
      encoding: 'utf8',
      env: { ...process.env, MANWIDTH: '100', LC_ALL: 'C.UTF-8' },
    });
    assert.equal(stderr, '');
    for (const said of ['ctga attach', '--cpu-interface', 'ctga dns serve', '/etc/ctga/ctga.toml'])
      assert(stdout.includes(said), said);
    const complete = (words: readonly string[]): string[] => {
      const script = `. ${debian}/usr/share/bash-completion/completions/ctga; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _ctga; echo "\${COMPREPLY[@]}"`;
      return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split(' ');
    };
    assert.deepEqual(complete(['ctga', 'sto']), ['store']);
    assert(complete(['ctga', 'store', '']).includes('backup'));
    assert.deepEqual(complete(['ctga', 'attach', 'eth0', '--thr']), ['--threshold']);
    assert.deepEqual(complete(['ctga', 'dns', 'serve', '--zone-s']), ['--zone-suffix']);
  });

  test('upgrades: what was configured and what is kept stays', () => {
    must('printf "[attach]\\nbudget = 7\\n" > /etc/ctga/ctga.toml');
    const [stage, newer] = [join(directory, 'stage'), join(debian, 'tmp/newer.deb')];
    execFileSync('dpkg-deb', ['-R', deb, stage]);
    const control = join(stage, 'DEBIAN/control');
    writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: (.*)$/m, 'Version: $1+1'));
    execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', stage, newer], { stdio: 'ignore' });
    must('dpkg -i /tmp/newer.deb');
    assert.match(must("dpkg-query -W -f '${Version} ${db:Status-Status}' ctga"), /\+1 installed$/);
    assert.equal(must('cat /etc/ctga/ctga.toml'), '[attach]\nbudget = 7\n');
    assert.match(must('ctga store check --state-dir /var/lib/ctga'), /all whole/);
  });

  test('removed, keeps what was configured and seen; purged, keeps evidence alone', () => {
    must('echo "{}" > /var/lib/ctga/evidence/fork.json');
    must('dpkg -r ctga');
    assert.notEqual(inside('ctga --version').code, 0);
    assert(
      existsSync(join(debian, 'etc/ctga/ctga.toml')) && existsSync(join(debian, 'var/lib/ctga/ctga.db')),
    );
    const { stderr } = inside('dpkg -P ctga');
    assert.match(stderr, /evidence of split views stays in \/var\/lib\/ctga\/evidence/);
    assert.deepEqual([...files()].filter((path) => !pristine.has(path)).sort(), [
      '/var/lib/ctga',
      '/var/lib/ctga/evidence',
      '/var/lib/ctga/evidence/fork.json',
    ]);
    assert.equal(statSync(join(debian, 'var/lib/ctga/evidence/fork.json')).uid, 0);
  });

  test('purged without evidence, leaves nothing: no file, no account', () => {
    rmSync(join(debian, 'var/lib/ctga'), { recursive: true });
    install();
    must('dpkg -P ctga');
    assert.deepEqual(
      [...files()].filter((path) => !pristine.has(path)),
      [],
    );
    assert.equal(inside('getent passwd ctga ctga-challenger || getent group ctga').code, 2);
  });
});
