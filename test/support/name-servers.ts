// SPDX-License-Identifier: Apache-2.0
/** Debian's authoritative servers on loopback, each with one zone. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { eventually } from './eventually.ts';
import { freePort } from './ports.ts';
import { needs } from './unbound.ts';

const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`;
const env = { ...process.env, PATH };

export interface NameServer {
  readonly address: string;
  readonly port: number;
  readonly pid: number;
  readonly directory: string;
  /** What has the server read its zone file again; a line for a shell. */
  readonly reload: string;
  /** What it has written to its log. */
  readonly said: () => string;
  readonly stop: () => Promise<void>;
}

export interface ServerOptions {
  /** Without the last dot. */
  readonly zone: string;
  /** The zone file as the server finds it at its start; it is `zone` in its directory. */
  readonly records: string;
  /** Who may update the zone; see TsigKey in src/dns/tsig.ts. */
  readonly key?: { readonly name: string; readonly secret: string };
  /** Of Knot: signs the zone itself, at once or as it answers. */
  readonly signs?: 'zone' | 'answers';
  readonly address?: string;
  readonly port?: number;
  /** What it is started by, such as nsenter or taskset. */
  readonly prefix?: readonly string[];
}

export type ServerKind = 'nsd' | 'knot' | 'bind' | 'powerdns';

/** `skip` values for node:test. */
export const SERVER_NEEDS: Readonly<Record<ServerKind, false | string>> = {
  nsd: needs('nsd', 'nsd'),
  knot: needs('knotd', 'knot'),
  bind: needs('named', 'bind9'),
  powerdns: needs('pdns_server', 'pdns-server') || needs('pdnsutil', 'pdns-backend-sqlite3'),
};

interface Place extends ServerOptions {
  readonly directory: string;
  readonly address: string;
  readonly port: number;
}

interface Kind {
  /** Writes its configuration, and returns its command and that which reloads it. */
  prepare(place: Place): { readonly command: readonly string[]; readonly reload: string };
}

const KINDS: Readonly<Record<ServerKind, Kind>> = {
  nsd: {
    prepare: ({ zone, directory, address, port }) => {
      const config = join(directory, 'nsd.conf');
      writeFileSync(
        config,
        `server:
  ip-address: ${address}@${port}
  server-count: 1
  username: ""
  chroot: ""
  zonesdir: "${directory}"
  database: ""
  zonelistfile: "${directory}/zone.list"
  xfrdfile: "${directory}/xfrd.state"
  xfrdir: "${directory}"
  pidfile: "${directory}/nsd.pid"
  rrl-ratelimit: 0
remote-control:
  control-enable: yes
  control-interface: "${directory}/control"
zone:
  name: "${zone}"
  zonefile: "zone"
`,
      );
      return {
        command: ['nsd', '-d', '-c', config],
        reload: `nsd-control -c ${config} reload ${zone}`,
      };
    },
  },
  knot: {
    prepare: ({ zone, directory, address, port, key, signs }) => {
      const config = join(directory, 'knot.conf');
      const module = signs === 'answers' ? '    module: mod-onlinesign/online\n' : '';
      writeFileSync(
        config,
        `server:
    rundir: ${directory}
    listen: ${address}@${port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: ${directory}/db
log:
  - target: stderr
    any: info
${
  key === undefined
    ? ''
    : `key:
  - id: ${key.name}
    algorithm: hmac-sha256
    secret: ${key.secret}
acl:
  - id: publisher
    key: ${key.name}
    action: update
`
}policy:
  - id: one-key
    algorithm: ecdsap256sha256
    single-type-signing: on
mod-onlinesign:
  - id: online
    policy: one-key
zone:
  - domain: ${zone}
    storage: ${directory}
    file: zone
    zonefile-load: ${signs === 'zone' ? 'difference-no-serial' : 'whole'}
    journal-content: ${signs === 'zone' ? 'all' : 'changes'}
    zonefile-sync: -1
${key === undefined ? '' : '    acl: publisher\n'}${signs === 'zone' ? '    dnssec-signing: on\n    dnssec-policy: one-key\n' : ''}${module}`,
      );
      return {
        command: ['knotd', '-c', config],
        reload: `knotc -s ${directory}/knot.sock zone-reload ${zone}`,
      };
    },
  },
  bind: {
    prepare: ({ zone, directory, address, port, key }) => {
      const config = join(directory, 'named.conf');
      const control = join(directory, 'rndc.key');
      writeFileSync(
        control,
        `key "control" { algorithm hmac-sha256; secret "${Buffer.alloc(32, 7).toString('base64')}"; };\n`,
      );
      writeFileSync(
        config,
        `include "${control}";
${key === undefined ? '' : `key "${key.name}" { algorithm hmac-sha256; secret "${key.secret}"; };`}
controls { inet ${address} port ${port + 1} allow { any; } keys { "control"; }; };
options {
  directory "${directory}";
  listen-on port ${port} { ${address}; };
  listen-on-v6 { none; };
  pid-file none;
  session-keyfile none;
  lock-file none;
  recursion no;
  notify no;
  dnssec-validation no;
};
zone "${zone}" {
  type primary;
  file "zone";
  ${key === undefined ? '' : `allow-update { key "${key.name}"; };`}
};
`,
      );
      return {
        command: ['named', '-g', '-n', '1', '-c', config],
        reload: `rndc -k ${control} -s ${address} -p ${port + 1} reload ${zone}`,
      };
    },
  },
  powerdns: {
    prepare: ({ zone, directory, address, port, key }) => {
      const database = join(directory, 'pdns.sqlite3');
      const opened = new Database(database);
      opened.exec(POWERDNS_SCHEMA);
      opened.close();
      writeFileSync(
        join(directory, 'pdns.conf'),
        `launch=gsqlite3
gsqlite3-database=${database}
local-address=${address}
local-port=${port}
socket-dir=${directory}
dnsupdate=yes
allow-dnsupdate-from=127.0.0.0/8
daemon=no
guardian=no
`,
      );
      const util = (...args: readonly string[]): void => {
        const { status, stderr } = spawnSync('pdnsutil', [`--config-dir=${directory}`, ...args], {
          encoding: 'utf8',
          env,
        });
        assert.equal(status, 0, `pdnsutil ${args.join(' ')}: ${stderr}`);
      };
      util('load-zone', zone, join(directory, 'zone'));
      if (key !== undefined) {
        util('import-tsig-key', key.name, 'hmac-sha256', key.secret);
        util('set-meta', zone, 'TSIG-ALLOW-DNSUPDATE', key.name);
      }
      return { command: ['pdns_server', `--config-dir=${directory}`], reload: 'false' };
    },
  },
};

export async function startServer(kind: ServerKind, options: ServerOptions): Promise<NameServer> {
  const directory = mkdtempSync(join(tmpdir(), `ctga-${kind}-`));
  mkdirSync(join(directory, 'db'));
  writeFileSync(join(directory, 'zone'), options.records);
  const address = options.address ?? '127.0.0.1';
  const port = options.port ?? (await freePort());
  const { command, reload } = KINDS[kind].prepare({ ...options, directory, address, port });
  const [file = '', ...args] = [...(options.prefix ?? []), ...command];
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (said += text.toString()));
  const gone = once(child, 'exit');
  let ended = false;
  void gone.then(() => (ended = true));
  const stop = async (): Promise<void> => {
    if (!ended) child.kill();
    await gone;
    rmSync(directory, { recursive: true });
  };
  try {
    const [enter = 'dig', ...rest] = options.prefix ?? [];
    if (rest.length > 0) rest.push('dig');
    await eventually(
      () => {
        assert(!ended, `${kind} has ended: ${said}`);
        const ask = [`@${address}`, '-p', `${port}`, '+tries=1', '+timeout=1', options.zone, 'SOA'];
        const { stdout } = spawnSync(enter, [...rest, ...ask], { encoding: 'utf8', env });
        return /status: NOERROR[^]*ANSWER: [1-9]/.test(stdout);
      },
      () => `${kind} to answer: ${said}`,
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { address, port, pid: child.pid ?? 0, directory, reload, said: () => said, stop };
}

/** What PowerDNS 4.7 asks of the tables that its package ships. */
const POWERDNS_SCHEMA = `
CREATE TABLE domains (id INTEGER PRIMARY KEY, name VARCHAR(255) NOT NULL COLLATE NOCASE,
  master VARCHAR(128), last_check INTEGER, type VARCHAR(8) NOT NULL, notified_serial INTEGER,
  account VARCHAR(40), options VARCHAR(65535), catalog VARCHAR(255));
CREATE UNIQUE INDEX name_index ON domains(name);
CREATE TABLE records (id INTEGER PRIMARY KEY, domain_id INTEGER, name VARCHAR(255),
  type VARCHAR(10), content VARCHAR(65535), ttl INTEGER, prio INTEGER, disabled BOOLEAN DEFAULT 0,
  ordername VARCHAR(255), auth BOOL DEFAULT 1);
CREATE TABLE supermasters (ip VARCHAR(64), nameserver VARCHAR(255), account VARCHAR(40));
CREATE TABLE comments (id INTEGER PRIMARY KEY, domain_id INTEGER, name VARCHAR(255),
  type VARCHAR(10), modified_at INT, account VARCHAR(40), comment VARCHAR(65535));
CREATE TABLE domainmetadata (id INTEGER PRIMARY KEY, domain_id INT, kind VARCHAR(32), content TEXT);
CREATE TABLE cryptokeys (id INTEGER PRIMARY KEY, domain_id INT, flags INT, active BOOL,
  published BOOL DEFAULT 1, content TEXT);
CREATE TABLE tsigkeys (id INTEGER PRIMARY KEY, name VARCHAR(255), algorithm VARCHAR(50),
  secret VARCHAR(255));
CREATE UNIQUE INDEX namealgoindex ON tsigkeys(name, algorithm);
`;
