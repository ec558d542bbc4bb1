// SPDX-License-Identifier: Apache-2.0
/**
 * Debian's resolvers, each with the configuration that docs/RESOLVERS.md gives, asked over every
 * transport that it serves: the answer arrives as dnstap. No other names are made known to it.
 */
import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { DnstapPlane } from '../../src/dataplane/dnstap.ts';
import { parseTreeHeadAnswer } from '../../src/sources/ct-over-dns/answer.ts';
import { eventually } from '../support/eventually.ts';
import { encodeName } from '../support/packets.ts';
import { freePort } from '../support/ports.ts';
import { needs, startAuthority, type Unbound } from '../support/unbound.ts';
import { answersTo } from '../support/xdp.ts';

const RECIPES = readFileSync(join(import.meta.dirname, '../../docs/RESOLVERS.md'), 'utf8');
const ZONE = 'log.example';
const TEXT = '224556042.1520614811284.a root.a signature';
const TRANSPORTS = { udp: [], tcp: ['+tcp'], tls: ['+tls'], https: ['+https'] } as const;
type Transport = keyof typeof TRANSPORTS;

interface Resolver {
  readonly program: string;
  readonly debianPackage: string;
  /** The file that the documentation has a section of. */
  readonly config: string;
  /** All of its configuration but what the documentation says. */
  readonly rest: (place: Place) => string;
  readonly args: (place: Place) => readonly string[];
  readonly transports: readonly Transport[];
}

/** Where a resolver of the test runs. */
interface Place {
  readonly directory: string;
  readonly config: string;
  readonly ports: Readonly<Record<Transport, number>>;
  readonly authority: number;
  readonly key: string;
  readonly certificate: string;
}

const ALL: readonly Transport[] = ['udp', 'tcp', 'tls', 'https'];
const resolvers: readonly Resolver[] = [
  {
    program: 'unbound',
    debianPackage: 'unbound',
    config: 'unbound.conf',
    rest: ({ directory, ports, authority, key, certificate }) => `server:
  interface: 127.0.0.1@${ports.udp}
  interface: 127.0.0.1@${ports.tls}
  interface: 127.0.0.1@${ports.https}
  tls-port: ${ports.tls}
  https-port: ${ports.https}
  tls-service-key: "${key}"
  tls-service-pem: "${certificate}"
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "${directory}"
  pidfile: ""
  use-syslog: no
  module-config: "iterator"
  do-not-query-localhost: no
  local-zone: "example." transparent
stub-zone:
  name: "${ZONE}"
  stub-addr: 127.0.0.1@${authority}
remote-control:
  control-enable: no
`,
    args: ({ config }) => ['-c', config],
    transports: ALL,
  },
  {
    program: 'kresd',
    debianPackage: 'knot-resolver',
    config: 'kresd.conf',
    rest: ({ ports, authority, key, certificate }) => `
net.listen('127.0.0.1', ${ports.udp}, { kind = 'dns' })
net.listen('127.0.0.1', ${ports.tls}, { kind = 'tls' })
net.listen('127.0.0.1', ${ports.https}, { kind = 'doh2' })
net.tls('${certificate}', '${key}')
cache.size = 10 * MB
trust_anchors.remove('.')
policy.add(policy.suffix(policy.STUB('127.0.0.1@${authority}'), { todname('${ZONE}') }))
`,
    args: ({ config, directory }) => ['-n', '-c', config, directory],
    transports: ALL,
  },
  {
    program: 'named',
    debianPackage: 'bind9',
    config: 'named.conf.options',
    rest: ({ directory, ports, authority, key, certificate }) => `
tls local { key-file "${key}"; cert-file "${certificate}"; };
controls { };
zone "${ZONE}" { type forward; forward only; forwarders { 127.0.0.1 port ${authority}; }; };
options {
  directory "${directory}";
  pid-file none;
  session-keyfile none;
  listen-on-v6 { none; };
  listen-on port ${ports.udp} { 127.0.0.1; };
  listen-on port ${ports.tls} tls local { 127.0.0.1; };
  listen-on port ${ports.https} tls local http default { 127.0.0.1; };
  recursion yes;
  dnssec-validation no;
  empty-zones-enable no;
  SECTION
};
`,
    args: ({ config }) => ['-f', '-c', config],
    transports: ALL,
  },
  {
    program: 'dnsdist',
    debianPackage: 'dnsdist',
    config: 'dnsdist.conf',
    rest: ({ ports, authority, key, certificate }) => `
setLocal('127.0.0.1:${ports.udp}')
addTLSLocal('127.0.0.1:${ports.tls}', '${certificate}', '${key}')
addDOHLocal('127.0.0.1:${ports.https}', '${certificate}', '${key}', '/dns-query')
newServer('127.0.0.1:${authority}'):setUp()
`,
    args: ({ config }) => ['--supervised', '--disable-syslog', '-C', config],
    transports: ALL,
  },
];

/** What the documentation says to add to the file of this name, with the test's socket. */
function section(file: string, socket: string): string {
  const named = RECIPES.split(`${file}\``)[1] ?? '';
  const [, text] = /^```[a-z]*\n(.*?)\n```$/ms.exec(named) ?? [];
  if (text === undefined) assert.fail(`docs/RESOLVERS.md has no section for ${file}`);
  assert(text.includes('/run/ctga/dnstap.sock'), text);
  return text.replaceAll('/run/ctga/dnstap.sock', socket);
}

let authority: Unbound;
const top = mkdtempSync(join(tmpdir(), 'ctga-resolvers-'));
chmodSync(top, 0o755);
const [key, certificate] = [join(top, 'key.pem'), join(top, 'certificate.pem')];
const skip = needs('kdig', 'knot-dnsutils') || needs('unbound', 'unbound');

describe('resolvers', { skip }, () => {
  before(async () => {
    // prettier-ignore
    const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-keyout', key, '-out', certificate];
    assert.equal(spawnSync('openssl', args).status, 0);
    chmodSync(key, 0o644);
    authority = await startAuthority(
      ZONE,
      `$ORIGIN ${ZONE}.\n$TTL 60\n@ SOA ns a 1 60 60 60 60\n@ NS ns\nns A 127.0.0.1\n${ALL.map((each) => `sth.${each} TXT "${TEXT} over ${each}"`).join('\n')}\n`,
    );
  });
  after(async () => {
    await authority.stop();
    rmSync(top, { recursive: true });
  });

  for (const resolver of resolvers) {
    const { program, debianPackage, config: name } = resolver;
    describe(program, { skip: needs(program, debianPackage) }, () => {
      let plane: DnstapPlane;
      let process: ChildProcess;
      let said = '';
      let place: Place;
      const texts: string[] = [];

      before(async () => {
        const directory = mkdtempSync(join(top, `${program}-`));
        const [udp, tls, https] = [await freePort(), await freePort(), await freePort()];
        place = {
          directory,
          config: join(directory, 'config'),
          ports: { udp, tcp: udp, tls, https },
          authority: authority.port,
          key,
          certificate,
        };
        const socket = join(directory, 'dnstap.sock');
        plane = await DnstapPlane.listen('dnstap', { path: socket }, {});
        plane.setMatchRules(answersTo(ALL.map((each) => encodeName(`sth.${each}.${ZONE}`))));
        plane.start(
          ({ frame }) => {
            const answer = parseTreeHeadAnswer(frame);
            if (answer.kind === 'answer') texts.push(...answer.texts.map(String));
          },
          () => undefined,
        );
        const rest = resolver.rest(place);
        const added = section(name, socket);
        writeFileSync(
          place.config,
          rest.includes('SECTION') ? rest.replace('SECTION', added) : `${rest}\n${added}\n`,
        );
        process = spawn(program, resolver.args(place), {
          env: {
            ...globalThis.process.env,
            PATH: `${globalThis.process.env['PATH'] ?? ''}:/usr/sbin`,
          },
          cwd: directory,
        });
        process.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
        process.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
        await eventually(
          () => Number(plane.counters().packets) > 0 || ask(place, 'udp', 'tcp').then(() => false),
          () => `${program} sends dnstap; it said:\n${said}`,
        );
      });
      after(async () => {
        plane.close();
        const gone = process.exitCode === null ? once(process, 'exit') : undefined;
        process.kill();
        await gone;
      });

      for (const transport of resolver.transports)
        test(`answers over ${transport} are seen`, async () => {
          const answer = await ask(place, transport, transport);
          assert.match(answer, new RegExp(`over ${transport}`), said);
          const expected = `${TEXT} over ${transport}`;
          await eventually(
            () => texts.includes(expected),
            () => `${transport}: ${texts.join('; ')}; it said:\n${said}`,
          );
        });
    });
  }
});

async function ask(place: Place, over: Transport, name: Transport): Promise<string> {
  // prettier-ignore
  const args = ['@127.0.0.1', '-p', String(place.ports[over]), ...TRANSPORTS[over], '+short', '+timeout=5', '+retry=0', 'TXT', `sth.${name}.${ZONE}`];
  const { stdout } = await promisify(execFile)('kdig', args).catch(() => ({ stdout: '' }));
  return stdout;
}
