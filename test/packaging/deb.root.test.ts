// SPDX-License-Identifier: Apache-2.0
/**
 * The Debian package, in a Debian of its own (debootstrap): installed, used, its services run by
 * systemd and broken in every way, upgraded while they run, removed, purged, and what is left.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { Link, OBSERVER_ADDRESS, PEER_ADDRESS } from '../dataplane/namespaces.ts';
import { dataFrame, dnstapFrame, START, STOP } from '../support/dnstap.ts';
import { dnsAnswer, ethernet, ipv4, udp } from '../support/packets.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';
import { paragraphs } from './debian-copyright.ts';
import { Debian, namesIn } from './debian.ts';
import {
  ELSEWHERE,
  HERE,
  INTRUDE,
  PROBE,
  refusedAnyway,
  sandboxFaults,
  WAYS_IN,
} from './sandbox.ts';
import { eventually } from '../support/eventually.ts';

const ROOT = resolve(import.meta.dirname, '../..');

describe('the Debian package', () => {
  let debian: Debian;
  let deb: string;
  let pristine: ReadonlySet<string>;
  const must = (command: string): string => debian.must(command);

  before(() => {
    debian = new Debian(['systemd', 'udev', 'iproute2', 'dma']);
    deb = execFileSync(process.execPath, ['--import', 'tsx', 'packaging/build.ts'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    const depends =
      /^Depends: (.*)$/m.exec(
        execFileSync('dpkg-deb', ['--field', deb], { encoding: 'utf8' }),
      )?.[1] ?? '';
    debian.installFromHere([...namesIn(depends), 'nats-server']);
    execFileSync('cp', [deb, join(debian.root, 'srv')]);
    pristine = debian.files();
  });
  after(() => debian.remove());

  const install = (): string => must(`dpkg -i /srv/${basename(deb)}`);

  /** The package once more, as a later version; its path in there. */
  function newer(addition: string): string {
    const [stage, path] = [join(debian.beside, `stage${addition}`), `/srv/newer${addition}.deb`];
    execFileSync('dpkg-deb', ['-R', deb, stage]);
    const control = join(stage, 'DEBIAN/control');
    writeFileSync(
      control,
      readFileSync(control, 'utf8').replace(/^Version: (.*)$/m, `Version: $1+${addition}`),
    );
    const args = ['--root-owner-group', '-Znone', '--build', stage, join(debian.root, path)];
    execFileSync('dpkg-deb', args, { stdio: 'ignore' });
    return path;
  }

  test('upgrades from the version whose services shared accounts: each reads and writes what it did', () => {
    const stage = join(debian.beside, 'former');
    execFileSync('dpkg-deb', ['-R', deb, stage]);
    const control = join(stage, 'DEBIAN/control');
    writeFileSync(
      control,
      readFileSync(control, 'utf8').replace(/^Version: .*$/m, 'Version: 0.0.1'),
    );
    writeFileSync(join(stage, 'DEBIAN/postinst'), FORMER_POSTINST);
    execFileSync(
      'dpkg-deb',
      ['--root-owner-group', '-Znone', '--build', stage, join(debian.root, 'srv/former.deb')],
      { stdio: 'ignore' },
    );
    must('dpkg -i /srv/former.deb');
    must(`echo '{"sths": []}' > /tmp/sths`);
    const as = (account: string): string =>
      `umask 007; cd /var/lib/ctga; setpriv --reuid=${account} --regid=ctga --clear-groups`;
    // As the former version left it: the group of all may write.
    must(`${as('ctga')} ctga heads import /tmp/sths --state-dir /var/lib/ctga`);
    must(`${as('ctga')} sh -c 'mkdir backlog reserve; echo > backlog/1; echo > evidence/old.txt'`);
    must(`${as('ctga-challenger')} sh -c 'echo > mirror.sqlite; echo {} > dns-published-00.json'`);
    must('echo secret > /root/secret; chmod 600 /root/secret');
    must(
      `${as('ctga')} sh -c 'ln -s /root/secret evidence/link; ln -s /root/secret dns-published-01.json; ln -s /root dns'`,
    );
    install();
    const owners = must(
      'cd /var/lib/ctga; rm mirror.sqlite; rm dns-published-01.json evidence/link; stat -c "%n %U:%G %a" . evidence evidence/old.txt backlog backlog/1 reserve ctga.db dns/* /root/secret',
    );
    assert.equal(
      owners,
      `. root:ctga-store 2770
evidence root:ctga-store 2770
evidence/old.txt ctga-observer:ctga-store 660
backlog ctga-observer:ctga-store 2770
backlog/1 ctga-observer:ctga-store 660
reserve ctga-observer:ctga-store 2770
ctga.db ctga-observer:ctga-store 660
dns/dns-published-00.json ctga-dns:ctga 640
/root/secret root:root 600
`,
    );
    assert.equal(debian.inside('getent passwd ctga').code, 2);
    must('rm /var/lib/ctga/evidence/old.txt /root/secret; rm -r /var/lib/ctga/backlog');
  });

  test('installs: the program runs, its accounts and directories are there', () => {
    install();
    assert.match(must('ctga --version'), /^\d+\.\d+\.\d+\n$/);
    assert.match(must('ctga logs list'), /argon/);
    assert.equal(must('ctga config check'), '/etc/ctga/ctga.toml: every key and value is right.\n');
    assert.equal(must('stat -c "%U:%G %a" /var/lib/ctga'), 'root:ctga-store 2770\n');
    assert(existsSync(join(debian.root, 'usr/lib/ctga/build/native/Release/loopback.so')));
    assert(!existsSync(join(debian.root, 'usr/lib/ctga/node_modules/tsx')));
    // What root makes, and whom the services run as, the others write.
    must(`echo '{"sths": []}' > /tmp/sths`);
    must('ctga heads import /tmp/sths');
    const as = (account: string): string =>
      `umask 007; setpriv --reuid=${account} --regid=ctga --init-groups`;
    const list = 'ctga heads list --state-dir /var/lib/ctga';
    for (const account of [
      'ctga-observer',
      'ctga-challenger',
      'ctga-audit',
      'ctga-fleet',
      'ctga-alert',
    ]) {
      must(`${as(account)} ctga heads import /tmp/sths --state-dir /var/lib/ctga`);
      must(`${as(account)} ${list}`);
    }
    for (const account of ['ctga-web', 'ctga-dns', 'ctga-pool', 'ctga-federation']) {
      must(`${as(account)} ${list}`);
      for (const file of ['ctga.db', 'ctga.db-wal', 'ctga.db-shm', 'evidence/x', 'x'])
        assert.notEqual(
          debian.inside(`${as(account)} sh -c 'echo >> /var/lib/ctga/${file}'`).code,
          0,
          `${account} wrote ${file}`,
        );
      assert.notEqual(debian.inside(`${as(account)} rm -f /var/lib/ctga/ctga.db`).code, 0);
    }
    for (const service of ['dns', 'pool', 'audit', 'federation', 'fleet'])
      must(`${as(`ctga-${service}`)} touch /var/lib/ctga/${service}/x`);
    // What was seen must not come near what a witness signs.
    for (const account of ['ctga-mail', 'ctga-witness', 'ctga-bus', 'nobody'])
      assert.notEqual(
        debian.inside(`setpriv --reuid=${account} --clear-groups --regid=nogroup ${list}`).code,
        0,
      );
    assert.match(must('ctga store check --state-dir /var/lib/ctga'), /all whole/);
  });

  test('has the license of each module, and depends on versions of libraries', () => {
    const modules = must(
      "find /usr/lib/ctga/node_modules -name package.json -path '*/node_modules/*'",
    )
      .trim()
      .split('\n')
      .map((path) => dirname(path))
      .filter((path) => /node_modules\/(@[^/]+\/)?[^/]+$/.test(path));
    assert(modules.length > 20);
    const copyright = paragraphs(must('cat /usr/share/doc/ctga/copyright'));
    for (const module of modules) {
      const files = readdirSync(join(debian.root, module));
      assert(
        files.some((name) => /^licen[cs]e/i.test(name)),
        module,
      );
      assert(
        copyright.some(({ Files }) => Files === `${module.slice(1)}/*`),
        module,
      );
    }
    const node = copyright.find(({ Files }) => Files === 'usr/lib/ctga/node')?.License ?? '';
    for (const part of ['Node.js contributors', 'OpenSSL', 'ICU', 'libuv', 'V8'])
      assert(node.includes(part), part);
    const depends = must("dpkg-query -W -f '${Depends}' ctga");
    for (const library of ['libc6', 'libstdc++6', 'libbpf1', 'libgcc-s1'])
      assert(depends.includes(`${library} (>= `), depends);
  });

  test('has a man page that groff has nothing against, and completion', () => {
    const page = join(debian.root, 'usr/share/man/man1/ctga.1.gz');
    const { stdout, stderr } = spawnSync('man', ['--warnings=w', '-l', page], {
      encoding: 'utf8',
      env: { ...process.env, MANWIDTH: '100', LC_ALL: 'C.UTF-8' },
    });
    assert.equal(stderr, '');
    for (const said of ['ctga attach', '--cpu-interface', 'ctga dns serve', '/etc/ctga/ctga.toml'])
      assert(stdout.includes(said), said);
    const complete = (words: readonly string[]): string[] => {
      const script = `. ${debian.root}/usr/share/bash-completion/completions/ctga; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _ctga; echo "\${COMPREPLY[@]}"`;
      return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split(' ');
    };
    assert.deepEqual(complete(['ctga', 'sto']), ['store']);
    assert(complete(['ctga', 'store', '']).includes('backup'));
    assert.deepEqual(complete(['ctga', 'attach', 'eth0', '--thr']), ['--threshold']);
    assert.deepEqual(complete(['ctga', 'dns', 'serve', '--zone-s']), ['--zone-suffix']);
  });

  test('upgrades: what was configured and what is kept stays', () => {
    must('printf "[attach]\\nbudget = 7\\n" > /etc/ctga/ctga.toml');
    must(`dpkg -i ${newer('1')}`);
    assert.match(must("dpkg-query -W -f '${Version} ${db:Status-Status}' ctga"), /\+1 installed$/);
    assert.equal(must('cat /etc/ctga/ctga.toml'), '[attach]\nbudget = 7\n');
    assert.match(must('ctga store check --state-dir /var/lib/ctga'), /all whole/);
  });

  describe('its services, run by systemd', () => {
    const log = new SigningLog();
    const units = [
      'ctga-challenger',
      'ctga-dns',
      'ctga-web',
      'ctga-pool',
      'ctga-audit',
      'ctga-federation',
      'ctga-witness',
      'ctga-alert',
    ];
    const listeners: ChildProcess[] = [];
    let link: Link;
    let observer: string;
    let size = 0;
    /** Connections to what is in the proxy's place, which takes them and ends them. */
    let proxied = 0;

    /** A federation of one: as root, by the commands of docs/FEDERATION.md. */
    function foundFederation(): void {
      must('ctga federation join --name a --url https://a.example:8443/ > /tmp/a.json');
      must('ctga federation init --federation demo /tmp/a.json > /tmp/draft.json');
      must('ctga federation join /tmp/draft.json > /tmp/a.sig');
      must('ctga federation init --draft /tmp/draft.json /tmp/a.sig > /tmp/roster.json');
      must('ctga federation join /tmp/roster.json');
    }

    /** A tree head goes by, which nobody saw before. Its tree's size. */
    async function headPasses({ treeSize = ++size, tree = treeOf(3) } = {}): Promise<number> {
      const text = formatTreeHeadText(log.sign(treeSize, tree.root(), BigInt(treeSize)));
      const addresses = { source: PEER_ADDRESS, destination: OBSERVER_ADDRESS };
      const payload = dnsAnswer({ name: 'sth.log.example', strings: [text], compressed: true });
      const frame = ethernet({
        payload: ipv4({
          ...addresses,
          payload: udp({ ...addresses, destinationPort: 40_000, payload }),
        }),
      });
      frame.fill(0xff, 0, 6);
      await link.sendFrames([frame]);
      return treeSize;
    }
    const isStored = (treeSize: number): boolean =>
      (JSON.parse(must('ctga heads list --json')) as { treeSize: number }[]).some(
        (head) => head.treeSize === treeSize,
      );
    const packets = (): number =>
      (
        JSON.parse(must('ctga status --json')) as {
          dataPlanes: [{ counters: { packets: number } }];
        }
      ).dataPlanes[0].counters.packets;
    async function until(what: () => boolean): Promise<void> {
      await eventually(what, `what ${String(what)} says`);
    }
    const property = (unit: string, name: string): string =>
      must(`systemctl show -P ${name} ${unit}`).trim();
    /** Settings besides the packaged ones, as an administrator gives them. */
    function dropIn(unit: string, lines: string): void {
      must(`mkdir -p /etc/systemd/system/${unit}.service.d`);
      debian.write(`etc/systemd/system/${unit}.service.d/test.conf`, lines);
      must('systemctl daemon-reload');
    }

    before(async () => {
      link = new Link();
      observer = `ctga-observer@${link.interfaceName}`;
      debian.write('etc/ctga/list.json', logListOf({ log }));
      debian.write(
        'etc/ctga/ctga.toml',
        '[attach]\nlog-list = "/etc/ctga/list.json"\n[alert.run]\nmail = ["root"]\n[challenge]\nevery = 60\n',
      );
      for (const [namespace, { address, port }] of [
        [link.observer, HERE],
        [link.sender, ELSEWHERE],
      ] as const) {
        const program = `import socket; s = socket.create_server(('${address}', ${port})); print('bound', flush=True)
while True: s.accept()[0].close(); print('accepted', flush=True)`;
        const args = [`--net=/run/netns/${namespace}`, 'python3', '-c', program];
        execFileSync('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
        const listener = spawn('nsenter', args, { stdio: ['ignore', 'pipe', 'inherit'] });
        listeners.push(listener);
        await new Promise((resolve) => listener.stdout.once('data', resolve));
        if (port === HERE.port) listener.stdout.on('data', () => (proxied += 1));
      }
      await debian.boot(link.observer);
    });
    after(async () => {
      for (const listener of listeners) listener.kill();
      await debian.halt();
      link.remove();
    });

    test('start, and say so, but for one that is not configured, which is not tried again and again', () => {
      must(`systemctl enable --now ${observer} ctga-challenger ctga-web ctga-alert`);
      assert.notEqual(debian.inside('systemctl enable --now ctga-dns').code, 0);
      assert.equal(property('ctga-dns', 'ActiveState'), 'failed');
      assert.match(
        must('journalctl -u ctga-dns -o cat'),
        /not clear in which zone to serve the logs/,
      );
      debian.write(
        'etc/ctga/ctga.toml',
        `${readFileSync(join(debian.root, 'etc/ctga/ctga.toml'), 'utf8')}[dns.serve]\nzone-suffix = "ct.test"\n[pool.serve]\ndomain = "www.example.net"\n`,
      );
      // Addresses of webhooks are secrets.
      must('chmod 600 /etc/ctga/ctga.toml');
      must('systemctl reset-failed ctga-dns && systemctl start ctga-dns');
      must('systemctl enable --now ctga-pool ctga-audit');
      assert.notEqual(debian.inside('systemctl start ctga-witness').code, 0, 'it has no keys');
      must('ctga witness keygen witness.example.org/w1');
      must('systemctl reset-failed ctga-witness && systemctl enable --now ctga-witness');
      assert.notEqual(debian.inside('systemctl start ctga-federation').code, 0, 'it has no keys');
      foundFederation();
      must('systemctl reset-failed ctga-federation && systemctl enable --now ctga-federation');
      must(`systemctl restart ${observer} ctga-challenger ctga-web ctga-alert`);
      // The observer wants what keeps its evidence.
      for (const unit of [observer, ...units, 'ctga-evidence'])
        assert.equal(property(unit, 'ActiveState'), 'active', unit);
      assert.equal(property(observer, 'StatusText'), `watching ${link.interfaceName}`);
      assert.equal(property('ctga-web', 'StatusText'), 'at http://127.0.0.1:8420/');
      assert.equal(property('ctga-pool', 'StatusText'), 'at http://127.0.0.1:8421/');
      assert.equal(property('ctga-audit', 'StatusText'), 'auditing, at http://127.0.0.1:8422/');
      assert.equal(property('ctga-witness', 'StatusText'), 'at http://127.0.0.1:8423/');
      assert.equal(property('ctga-federation', 'StatusText'), 'at https://127.0.0.1:8443/');
      assert.match(
        must('cd /var/lib/ctga/federation && stat -c "%U:%G %a" . keys.json federation.sqlite'),
        /^ctga-federation:ctga 2750\nctga-federation:ctga 600\nctga-federation:ctga 6[46]0\n$/,
      );
      // No log answers here, which its member says after some periods.
      assert.match(
        must('ctga doctor || true'),
        /federation: (?:nothing was stated yet|The federation demo accuses the log )/,
      );
      assert.match(
        must(
          'stat -c "%U:%G %a" /var/lib/ctga-witness/witness /var/lib/ctga-witness/witness/*.key',
        ),
        /^ctga-witness:ctga-witness 700\n(ctga-witness:ctga-witness 600\n){2}$/,
      );
    });

    test('see a tree head, and store it', async () => {
      const treeSize = await headPasses();
      await until(() => isStored(treeSize));
      assert.match(must('ctga status'), new RegExp(`${link.interfaceName}: TC ingress`));
    });

    test('do their work: the page and its metrics, the DNS, questions through the proxy', async () => {
      const there = (...command: readonly string[]): string => {
        const args = [`--net=/run/netns/${link.observer}`, ...command];
        const { status, stdout, stderr } = spawnSync('nsenter', args, { encoding: 'utf8' });
        assert.equal(status, 0, stderr);
        return stdout;
      };
      const get = (path: string): string =>
        there(
          'python3',
          '-c',
          `import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8420${path}').read().decode())`,
        );
      assert.match(get('/'), /<html/);
      assert.match(get('/metrics'), /^ctga_tree_heads 1$/m);
      const pollinated = there(
        'curl',
        ...['-s', '-d', '{"sths":[]}', '-H', 'Content-Type: application/json'],
        'http://127.0.0.1:8421/.well-known/ct/v1/sth-pollination',
      );
      assert.equal(pollinated, '{"sths":[]}');
      assert.match(
        must('stat -c "%U:%G %a" /var/lib/ctga/pool /var/lib/ctga/pool/pool.sqlite'),
        /^ctga-pool:ctga 2750\nctga-pool:ctga 6[46]0\n$/,
      );
      assert.equal(get('/healthz').trim(), 'well');
      assert.match(there('dig', '@127.0.0.1', '+noall', '+answer', 'ct.test', 'SOA'), /\bSOA\b/);
      await until(() => proxied > 0);
    });

    test('run as they must: no capability, no way to one, a filter of system calls', () => {
      const account = (name: string): string => must(`id -u ${name}`).trim();
      const expected: Record<string, string> = {
        [observer]: account('ctga-observer'),
        ...Object.fromEntries(units.map((unit) => [unit, account(unit)])),
      };
      for (const [unit, uid] of Object.entries(expected)) {
        const [main = 0] = debian.processesOf(unit);
        for (const status of statusesOf(main)) {
          assert.match(
            status,
            new RegExp(`^Uid:\\s+${uid}\\s+${uid}\\s+${uid}\\s+${uid}$`, 'm'),
            unit,
          );
          assert.match(status, /^Seccomp:\s+2$/m, unit);
          const bindsPorts = unit === 'ctga-dns' ? '0000000000000400' : '0000000000000000';
          assert.match(status, new RegExp(`^CapEff:\\s+${bindsPorts}$`, 'm'), unit);
          assert.match(status, /^NoNewPrivs:\s+1$/m, unit);
        }
      }
      // The keeper: of root's rights, those that attaching takes.
      const [, keeper, ...others] = debian.processesOf(observer);
      assert.deepEqual(others, []);
      for (const status of statusesOf(keeper ?? 0)) {
        assert.match(status, /^CapEff:\s+000000c0000010c0$/m);
        assert.match(status, /^NoNewPrivs:\s+1$/m);
        assert.match(status, /^Seccomp:\s+2$/m);
      }
    });

    test(
      'cannot be left by a program in their place',
      { skip: process.arch !== 'x64' && 'system calls are numbered as on x86-64' },
      () => {
        for (const directory of ['home', 'root', 'tmp'])
          debian.write(`${directory}/secret`, 'secret');
        debian.write('opt/probe.pl', PROBE);
        const free = must(
          'unshare --mount perl /opt/probe.pl; rm /var/lib/ctga/probe-* /var/lib/ctga/dns/probe /var/lib/ctga/pool/probe /var/lib/ctga/federation/probe /tmp/probe-*',
        );
        // Nothing is learnt where no sandbox is needed for the refusal.
        assert.deepEqual(refusedAnyway(free), [], free);
        for (const unit of [
          'observer@',
          'challenger',
          'dns',
          'web',
          'pool',
          'audit',
          'federation',
          'witness',
          'alert',
          'collect',
          'fleet-challenger',
          'publish',
        ]) {
          const service = unit.replace('@', '');
          const text = readFileSync(
            join(debian.root, `lib/systemd/system/ctga-${unit}.service`),
            'utf8',
          )
            .replace(/^ExecStart=.*$/m, 'ExecStart=/usr/bin/perl /opt/probe.pl')
            .replace(/^Type=.*$/m, 'Type=oneshot')
            .replace(/^(Restart|Watchdog|Requires=sys|After=sys|Conflicts).*\n/gm, '');
          debian.write(`etc/systemd/system/probe-${service}.service`, text);
          must(`systemctl daemon-reload && systemctl start probe-${service}`);
          must('journalctl --sync');
          const printed = must(`journalctl -u probe-${service} -o cat --identifier perl`);
          assert.deepEqual(sandboxFaults(service, printed), [], `${service}: ${printed}`);
        }
        must(
          'rm /etc/systemd/system/probe-* /opt/probe.pl /home/secret /root/secret /tmp/secret /var/lib/ctga/probe-* /var/lib/ctga/dns/probe /var/lib/ctga/pool/probe',
        );
        must('systemctl daemon-reload');
      },
    );

    test(
      'can do nothing to each other: no signal, no trace, from any account to any process, with and without the sandbox',
      { skip: process.arch !== 'x64' && 'system calls are numbered as on x86-64' },
      (context) => {
        debian.write('opt/intrude.pl', INTRUDE);
        const pids = new Map(
          [observer, ...units].map((unit) => [unit.replace(/@.*/, ''), property(unit, 'MainPID')]),
        );
        const parser = pids.get('ctga-observer') ?? '';
        pids.set('keeper', must(`cat /proc/${parser}/task/${parser}/children`).trim());
        const faults: string[] = [];
        const rows: string[] = [];
        for (const account of ACCOUNTS) {
          const as = `setpriv --reuid=${account} --regid=ctga --init-groups`;
          const others = [...pids].filter(([name]) => name !== account);
          const attempt = `perl /opt/intrude.pl ${others.map(([, pid]) => pid).join(' ')}`;
          const results: [from: string, printed: string][] = [
            ['account', must(`${as} ${attempt}`)],
          ];
          const unit = account === 'ctga-observer' ? 'ctga-observer@' : account;
          if (pids.has(account)) {
            const text = readFileSync(
              join(debian.root, `lib/systemd/system/${unit}.service`),
              'utf8',
            )
              // The process that parses, and not the one that still is root.
              .replace(
                /^ExecStart=.*$/m,
                `ExecStart=${unit.endsWith('@') ? `/usr/bin/${as} ` : ''}/usr/bin/${attempt}`,
              )
              .replace(/^Type=.*$/m, 'Type=oneshot')
              .replace(/^(Restart|Watchdog|Requires=sys|After=sys).*\n/gm, '');
            debian.write(`etc/systemd/system/intrude-${account}.service`, text);
            must(`systemctl daemon-reload && systemctl start intrude-${account}`);
            must('journalctl --sync');
            results.push([
              'service',
              must(
                `journalctl -u intrude-${account} -o cat --identifier perl --identifier setpriv`,
              ),
            ]);
          }
          for (const [from, printed] of results)
            for (const [name, pid] of others) {
              const errors = WAYS_IN.map((way) => {
                const [, errno = 'missing'] =
                  new RegExp(`^${pid} ${way}: (.*)$`, 'm').exec(printed) ?? [];
                const error = ERRNO_NAMES.get(Number(errno)) ?? errno;
                if (!['EPERM', 'EACCES', 'ESRCH', 'ENOENT'].includes(error))
                  faults.push(`${from} ${account} -> ${name}: ${way}: ${error}`);
                return `${way} ${error}`;
              });
              rows.push(`${from} ${account} -> ${name}: ${errors.join(', ')}`);
            }
        }
        for (const row of rows) context.diagnostic(row);
        assert.deepEqual(faults, []);
        // As root, and each as itself: what listens for a debugger opens nowhere.
        for (const pid of pids.values()) must(`kill -USR1 ${pid}`);
        for (const unit of units)
          must(
            `setpriv --reuid=${unit} --regid=ctga --clear-groups sh -c 'kill -USR1 ${pids.get(unit) ?? ''}'`,
          );
        for (const [name, pid] of pids)
          if (name !== 'keeper')
            assert.equal(property(name === 'ctga-observer' ? observer : name, 'MainPID'), pid);
        const listening = must('cat /proc/net/tcp /proc/net/tcp6');
        assert.doesNotMatch(listening, /:(240D|0400) \S+ 0A/i);
        must('rm /etc/systemd/system/intrude-* /opt/intrude.pl; systemctl daemon-reload');
      },
    );

    test('killed, start again, and what went by meanwhile is stored', async () => {
      const [main = 0] = debian.processesOf(observer);
      process.kill(main, 'SIGKILL');
      const treeSize = await headPasses();
      await until(() => isStored(treeSize));
      assert.notEqual(property(observer, 'MainPID'), '0');
      assert.equal(property(observer, 'NRestarts'), '1');
    });

    test('hanging, are ended by the watchdog, and start again', async () => {
      dropIn('ctga-web', '[Service]\nWatchdogSec=2\nRestartSec=1\n');
      must('systemctl restart ctga-web');
      const [main = 0] = debian.processesOf('ctga-web');
      process.kill(main, 'SIGSTOP');
      await until(() => property('ctga-web', 'NRestarts') === '1');
      assert.match(must('journalctl -u ctga-web -o cat'), /Watchdog timeout/);
      await until(() => property('ctga-web', 'ActiveState') === 'active');
    });

    test('wait for an interface that goes away, and go on when it is there again', async () => {
      const before = property(observer, 'MainPID');
      link.deleteInterfaces();
      await until(
        () =>
          must('ctga status --json').includes('"blind"') ||
          /blind|not attached/i.test(must('ctga status')),
      );
      link.addInterfaces();
      await until(() => must('ctga status').includes(`${link.interfaceName}: TC ingress`));
      const treeSize = await headPasses();
      await until(() => isStored(treeSize));
      assert.equal(property(observer, 'MainPID'), before);
    });

    test('tell root by mail of a split view, which takes a sendmail of another group, and journald how grave it is', async () => {
      const treeSize = await headPasses();
      await headPasses({ treeSize, tree: treeOf(4) });
      await until(() => /SPLIT VIEW PROVEN/.test(debian.inside('cat /var/mail/root').stdout));
      must('journalctl --sync');
      const told = must('journalctl -u ctga-alert -o json')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { PRIORITY: string; MESSAGE: string });
      assert.equal(told.find(({ MESSAGE }) => /SPLIT VIEW PROVEN/.test(MESSAGE))?.PRIORITY, '2');
    });

    test('are upgraded while they run: the data plane goes on, and counts on', async () => {
      const before = new Map([observer, ...units].map((unit) => [unit, property(unit, 'MainPID')]));
      const counted = packets();
      assert(counted > 0);
      must(`dpkg -i ${newer('2')}`);
      for (const [unit, pid] of before) {
        assert.equal(
          property(unit, 'ActiveState'),
          'active',
          must(`journalctl -u ${unit} -n 30 -o cat`),
        );
        assert.notEqual(property(unit, 'MainPID'), pid, unit);
      }
      assert(packets() >= counted);
      const treeSize = await headPasses();
      await until(() => isStored(treeSize));
    });

    test('stop at once and cleanly, and start with the machine', async () => {
      must(`systemctl stop ${observer} ${units.join(' ')}`);
      for (const unit of [observer, ...units])
        assert.equal(
          property(unit, 'Result'),
          'success',
          must(`journalctl -u ${unit} -n 30 -o cat`),
        );
      await debian.halt();
      await debian.boot(link.observer);
      await until(() =>
        [observer, ...units].every((unit) => property(unit, 'ActiveState') === 'active'),
      );
      const treeSize = await headPasses();
      await until(() => isStored(treeSize));
    });

    test('take what a resolver tells, whatever account it has, and store it', async () => {
      must('systemctl enable --now ctga-resolver');
      assert.equal(property('ctga-resolver', 'ActiveState'), 'active');
      assert.equal(
        must('stat -c "%a %U" /run/ctga /run/ctga/dnstap.sock'),
        '755 ctga-observer\n666 ctga-observer\n',
      );
      const treeSize = ++size;
      const text = formatTreeHeadText(log.sign(treeSize, treeOf(3).root(), BigInt(treeSize)));
      const answer = dnsAnswer({ name: 'sth.log.example', strings: [text] });
      const stream = Buffer.concat([START, dataFrame(dnstapFrame(answer)), STOP]);
      debian.write('srv/stream', stream.toString('hex'));
      must('chmod 644 /srv/stream');
      const program = `my $s = IO::Socket::UNIX->new(Peer => "/run/ctga/dnstap.sock") or die $!; open my $f, "/srv/stream"; print $s pack("H*", <$f>)`;
      must(
        `setpriv --reuid=nobody --regid=nogroup --clear-groups perl -MIO::Socket::UNIX -e '${program}'`,
      );
      await until(() => isStored(treeSize));
      const [main = 0] = debian.processesOf('ctga-resolver');
      for (const status of statusesOf(main)) assert.match(status, /^CapEff:\s+0{16}$/m);
      // It makes its socket again whenever it starts.
      process.kill(main, 'SIGKILL');
      await until(() => ![main, 0].includes(debian.processesOf('ctga-resolver')[0] ?? 0));
      await until(() => debian.inside('test -S /run/ctga/dnstap.sock').code === 0);
    });

    test('run a fleet: a server of its bus, a site, a collector, and a challenger with its share', async () => {
      const said = (unit: string): string =>
        must(`journalctl --sync; journalctl -u ${unit} -o cat`);
      const configured = readFileSync(join(debian.root, 'etc/ctga/ctga.toml'), 'utf8');
      must('ctga fleet init /root/fleet --node n1=127.0.0.1');
      // So that the test is not long.
      must(
        `sed -i 's/"leaseSeconds": *120/"leaseSeconds":12/; s/"intervalSeconds": *10/"intervalSeconds":1/' /root/fleet/fleet.json`,
      );
      assert.match(must('cat /root/fleet/fleet.json'), /"leaseSeconds":12[^0]/);
      const [site, hub, east] = ['site', 'collector', 'challenger'].map((role) => {
        must(`ctga fleet join a-${role} --dir /root/fleet --role ${role}`);
        return `rm -rf /etc/ctga/fleet && cp -r /root/fleet/members/a-${role} /etc/ctga/fleet`;
      });
      // With the rights that root's umask left, as somebody brings them.
      must('cp -r /root/fleet/nodes/n1 /etc/ctga-bus');
      must('systemctl start nats-server');
      must('systemctl enable --now ctga-bus');
      assert.notEqual(property('nats-server', 'ActiveState'), 'active', 'it has the port');
      assert.equal(must('stat -c "%U %a" /var/lib/ctga-bus'), 'ctga-bus 700\n');

      // With no bus named, nobody asks any log alone.
      must(east ?? '');
      assert.notEqual(debian.inside('systemctl start ctga-fleet-challenger').code, 0);
      assert.equal(property('ctga-fleet-challenger', 'NRestarts'), '0');
      assert.match(said('ctga-fleet-challenger'), /--fleet counts only with --subscribe/);
      must('systemctl reset-failed ctga-fleet-challenger');
      const bus = 'tls://127.0.0.1';
      debian.write(
        'etc/ctga/ctga.toml',
        `${configured.replace('[challenge]', `[challenge]\nsubscribe = "${bus}"`)}[fleet.publish]\nbus = "${bus}"\n[collect]\nbus = "${bus}"\n`,
      );
      must('ctga config check');

      must(site ?? '');
      // A store is a site's or a collector's; the other of this machine is that of the challenger.
      dropIn(
        'ctga-publish',
        '[Service]\nExecStart=\nExecStart=/usr/bin/ctga fleet publish --state-dir /var/lib/ctga/fleet/site\n',
      );
      must('systemctl start ctga-publish');
      await until(() => /bytes every 1 s/.test(said('ctga-publish')));
      must('systemctl stop ctga-publish');
      assert.equal(property('ctga-publish', 'Result'), 'success', said('ctga-publish'));

      must(east ?? '');
      must('systemctl start ctga-fleet-challenger');
      assert.equal(property('ctga-challenger', 'ActiveState'), 'inactive', 'two would ask');
      // The bus has its streams from it, and it the logs from the bus.
      await until(() => /asked from here from now on/.test(said('ctga-fleet-challenger')));
      const asked = proxied;
      await until(() => proxied > asked);
      const account = must('id -u ctga-fleet').trim();
      const processes = (): number[] => debian.processesOf('ctga-fleet-challenger');
      assert.equal(processes().length, 2);
      for (const pid of processes())
        for (const status of statusesOf(pid)) {
          assert.match(status, new RegExp(`^Uid:\\s+${account}\\s+${account}\\s+${account}`, 'm'));
          assert.match(status, /^CapEff:\s+0{16}$/m);
          assert.match(status, /^Seccomp:\s+2$/m);
        }
      // Its keys are for root and its own group alone.
      assert.match(must('stat -c "%U:%G %a" /etc/ctga/fleet/member.key'), /^root:ctga-fleet 640$/m);
      // What hears the fleet dies, and is there again; the challenger went on.
      const [main = 0, beside = 0] = processes();
      process.kill(beside, 'SIGKILL');
      await until(() => processes().length === 2 && !processes().includes(beside));
      assert.equal(
        property('ctga-fleet-challenger', 'MainPID'),
        property('ctga-fleet-challenger', 'ExecMainPID'),
      );
      assert.equal(processes()[0], main);
      assert.equal(property('ctga-fleet-challenger', 'NRestarts'), '0');
      assert.match(said('ctga-fleet-challenger'), /what hears the fleet ended by a signal/);
      assert.doesNotMatch(must('journalctl -o cat'), /reception only permitted for main PID/);
      must('systemctl stop ctga-fleet-challenger');
      assert.equal(
        property('ctga-fleet-challenger', 'Result'),
        'success',
        said('ctga-fleet-challenger'),
      );

      // A collector, over the same store.
      must(hub ?? '');
      must('systemctl start ctga-collect');
      await until(() => /bytes every 1 s/.test(said('ctga-collect')));
      must('ctga fleet status');
      // A challenger that is alone, again.
      debian.write('etc/ctga/ctga.toml', configured);
      must('systemctl stop ctga-collect ctga-bus');
      assert.equal(property('ctga-bus', 'Result'), 'success', said('ctga-bus'));
      must('systemctl start ctga-challenger');
      must('rm -r /etc/ctga/fleet /root/fleet /etc/systemd/system/ctga-publish.service.d');
    });

    test('are gone when it is removed, and nothing is attached', () => {
      must('dpkg -r ctga');
      assert.equal(must('systemctl list-units --plain --no-legend "ctga-*"'), '');
      assert.equal(link.xdp(), undefined);
      install();
      must('rm -r /etc/systemd/system/ctga-web.service.d');
    });
  });

  test('removed, keeps what was configured and seen; purged, keeps evidence alone', () => {
    const kept = join(debian.root, 'var/lib/ctga-evidence');
    const [evidence = ''] = readdirSync(kept).filter((name) => name.endsWith('.json'));
    assert.match(evidence, /^fork-/);
    const listed = must('ctga evidence list');
    assert.match(listed, / kept$/m);
    must('dpkg -r ctga');
    assert.notEqual(debian.inside('ctga --version').code, 0);
    assert(
      existsSync(join(debian.root, 'etc/ctga/ctga.toml')) &&
        existsSync(join(debian.root, 'var/lib/ctga/ctga.db')),
    );
    const { stderr } = debian.inside('dpkg -P ctga');
    assert.match(stderr, /evidence of split views stays in \/var\/lib\/ctga-evidence/);
    assert.deepEqual([...debian.files()].filter((path) => !pristine.has(path)).sort(), [
      '/var/lib/ctga-evidence',
      '/var/lib/ctga-evidence/chain.txt',
      '/var/lib/ctga-evidence/chain.txt-lock',
      `/var/lib/ctga-evidence/${evidence}`,
    ]);
    assert.equal(statSync(join(kept, evidence)).uid, 0);
  });

  test('purged without evidence, leaves nothing: no file, no account', () => {
    rmSync(join(debian.root, 'var/lib/ctga-evidence'), { recursive: true });
    install();
    must('dpkg -P ctga');
    assert.deepEqual(
      [...debian.files()].filter((path) => !pristine.has(path)),
      [],
    );
    assert.equal(
      debian.inside("getent passwd | grep '^ctga' || getent group | grep '^ctga'").code,
      1,
    );
  });
});

const ACCOUNTS = [
  'observer',
  'challenger',
  'alert',
  'dns',
  'web',
  'pool',
  'audit',
  'federation',
  'witness',
  'fleet',
  'bus',
  'evidence',
  'mail',
].map((service) => `ctga-${service}`);
const ERRNO_NAMES = new Map(
  Object.entries(constants.errno).map(([name, number]) => [number, name]),
);

/** /proc/PID/task/TID/status of every thread. */
function statusesOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1'),
  );
}

/** That made one account for the observer and the page, and one for all else. */
const FORMER_POSTINST = `#!/bin/sh
set -e
getent group ctga >/dev/null || addgroup --quiet --system ctga
for account in ctga ctga-challenger; do
	getent passwd "$account" >/dev/null ||
		adduser --quiet --system --ingroup ctga --home /var/lib/ctga --no-create-home "$account"
done
for directory in /var/lib/ctga /var/lib/ctga/evidence; do
	[ -d "$directory" ] || mkdir "$directory"
	chown ctga:ctga "$directory"
	chmod 2770 "$directory"
done
`;
