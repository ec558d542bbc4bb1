// SPDX-License-Identifier: Apache-2.0
/**
 * A real resolver on loopback that mixes the case of names ("0x20") and finds one zone at a server
 * of the test's.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './ports.ts';

const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`;

/** `skip` value for node:test. */
export function needs(program: string, debianPackage: string): false | string {
  const found =
    spawnSync('sh', ['-c', `command -v ${program}`], { env: { ...process.env, PATH } }).status ===
    0;
  return found ? false : `${program} is not installed: apt-get install ${debianPackage}`;
}

export interface Unbound {
  readonly port: number;
  stop(): Promise<void>;
}

/** `zone` is below `test.`, and its server is at this port of 127.0.0.1. */
export function startUnbound(zone: string, serverPort: number): Promise<Unbound> {
  return startWith(`stub-zone:
      name: "${zone}"
      stub-addr: 127.0.0.1@${serverPort}
      stub-no-cache: yes
    `);
}

/** The authority of `zone`, which is in master file format (RFC 1035, Section 5). */
export async function startAuthority(zone: string, records: string): Promise<Unbound> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-unbound-'));
  const file = join(directory, 'zone');
  writeFileSync(file, records);
  const unbound = await startWith(`auth-zone:
      name: "${zone}"
      zonefile: "${file}"
      for-upstream: no
    `);
  return {
    ...unbound,
    stop: async () => {
      await unbound.stop();
      rmSync(directory, { recursive: true });
    },
  };
}

/**
 * A resolver that validates: it finds `zone` at a port of 127.0.0.1, and trusts its `anchor` (records
 * of DNSKEY). What `zone` delegates it finds at other ports.
 */
export function startValidator({
  zone,
  port,
  anchor,
  delegated,
}: {
  readonly zone: string;
  readonly port: number;
  readonly anchor: string;
  readonly delegated: readonly { readonly zone: string; readonly port: number }[];
}): Promise<Unbound> {
  const stubs = [{ zone, port }, ...delegated].map(
    (each) => `stub-zone:
      name: "${each.zone}"
      stub-addr: 127.0.0.1@${each.port}
      stub-no-cache: yes
`,
  );
  const anchors = anchor
    .split('\n')
    .filter(Boolean)
    .map((line) => `      trust-anchor: "${line.replaceAll(/\s+/g, ' ')}"\n`);
  return startWith(
    stubs.join(''),
    `      module-config: "validator iterator"\n${anchors.join('')}`,
  );
}

/** `zones` are sections of its configuration; `more` is of its first one, in place of no validation. */
async function startWith(
  zones: string,
  more = '      module-config: "iterator"\n',
): Promise<Unbound> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-unbound-'));
  const port = await freePort();
  const config = join(directory, 'unbound.conf');
  writeFileSync(
    config,
    `server:
      interface: 127.0.0.1
      port: ${port}
      do-ip6: no
      do-daemonize: no
      username: ""
      chroot: ""
      directory: "${directory}"
      pidfile: ""
      use-syslog: no
      logfile: ""
      use-caps-for-id: yes
      do-not-query-localhost: no
${more}      local-zone: "test." transparent
      num-threads: 1
    ${zones}
    remote-control:
      control-enable: no
    `,
  );
  const unbound = spawn('unbound', ['-c', config], {
    env: { ...process.env, PATH },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  for await (const chunk of unbound.stderr.iterator({
    destroyOnReturn: false,
  }) as AsyncIterable<Buffer>) {
    log += chunk.toString();
    if (log.includes('start of service')) break;
  }
  assert.match(log, /start of service/);
  return {
    port,
    stop: async () => {
      const gone = once(unbound, 'exit');
      unbound.kill();
      await gone;
      rmSync(directory, { recursive: true });
    },
  };
}
