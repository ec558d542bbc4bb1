// SPDX-License-Identifier: Apache-2.0
/**
 * The lab's services, each a real process in its namespace: unbound as the victim's resolver,
 * microsocks as the challenger's proxy, and the log with its CT-over-DNS server (authority.ts). It
 * also runs `ctga` itself, as an operator would.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../base/project-root.ts';
import { loaderOptions, scriptPath } from '../base/scripts.ts';
import { makeCertificate, type LabCertificate } from './api.ts';
import { LogControl, type LogState } from './control.ts';
import { ADDRESS, PROXY_PORT, type LabNetwork, type Role } from './network.ts';
import { TorNetwork } from './tor.ts';
import { must, start, stop, untilReady, type Service, type Surroundings } from './processes.ts';

/**
 * The log's host name, which is also its zone, as with `rocketeer.ct.googleapis.com`: its tree
 * heads are the TXT records of sth.<zone>.
 */
export const LOG_NAME = 'log.ctga.test';
/** A web site that the client visits. */
export const SITE_NAME = 'shop.ctga.test';
/** The path of the log's API; many logs have one. */
export const SUBMISSION_PATH = '/lab/';

/** The files of one lab. */
export class LabFiles {
  readonly directory: string;
  /** The files of the services; each lab makes them again. */
  readonly services: string;
  /** The store of ctga; each lab makes a new one, because each lab has another log. */
  readonly state: string;
  /** The evidence of all labs, which stays. */
  readonly evidence: string;
  readonly certificate: string;
  readonly logSocket: string;
  readonly logList: string;

  constructor(directory: string) {
    this.directory = directory;
    this.services = join(directory, 'services');
    this.state = join(directory, 'state');
    this.evidence = join(directory, 'evidence');
    this.certificate = join(this.services, 'api-certificate.pem');
    this.logSocket = join(this.services, 'log.sock');
    this.logList = join(directory, 'log-list.json');
  }
}

/**
 * Debian's AppArmor profile lets unbound read and write only here and in /etc/unbound. Each lab has
 * one directory.
 */
function unboundDirectory(network: LabNetwork): string {
  return join('/var/lib/unbound', network.names.lab);
}

/** Removes the services' files outside the lab's directory. */
export function removeServiceFiles(network: LabNetwork): void {
  rmSync(unboundDirectory(network), { recursive: true, force: true });
}

export interface LabServicesOptions {
  /** Whether the challenger's proxy is a private Tor network instead of microsocks. */
  readonly tor: boolean;
  /** Whether the log is one of static-ct-api, by which a broken promise can be proven. */
  readonly isStatic?: boolean;
  /** Called with what is being done, if it takes long. */
  readonly onProgress: (what: string) => void;
}

export class LabServices {
  readonly log: LogControl;
  readonly tor: TorNetwork | undefined;
  readonly #running: readonly Service[];

  private constructor(log: LogControl, tor: TorNetwork | undefined, running: readonly Service[]) {
    this.log = log;
    this.tor = tor;
    this.#running = running;
  }

  /**
   * Starts all services and resolves when all of them answer. If it rejects (CtgaError), none of
   * them is running.
   */
  static async start(
    network: LabNetwork,
    files: LabFiles,
    options: LabServicesOptions = { tor: false, onProgress: () => undefined },
  ): Promise<LabServices> {
    for (const old of [files.services, files.state]) rmSync(old, { recursive: true, force: true });
    // The challenger gives up root and must still read the certificate. openssl has made the key
    // readable for root alone.
    mkdirSync(files.services, { recursive: true, mode: 0o755 });
    const certificate = await makeCertificate(files.services, LOG_NAME);
    const running: Service[] = [];
    try {
      running.push(startLog(network.in('log'), files, certificate));
      running.push(startResolver(network, 'resolver', ADDRESS.resolver, ADDRESS.authority));
      const tor = options.tor ? await startTor(network, files, running, options) : undefined;
      if (tor === undefined) running.push(startMicrosocks(network, files));
      const [logService, unbound] = running as [Service, Service];
      await untilReady(unbound, () => listens(unbound.pid, 'udp', ADDRESS.resolver, 53));
      const proxy = running.at(-1) ?? logService;
      await untilReady(proxy, () => listens(proxy.pid, 'tcp', ADDRESS.proxy, PROXY_PORT));
      const log = await readyLog(logService, files, options.isStatic === true);
      return new LabServices(log, tor, running);
    } catch (error) {
      await Promise.all(running.map(stop));
      throw error;
    }
  }

  /** Leaves the services running after this process; the next `lab down` or `lab run` ends them. */
  leaveRunning(): void {
    this.log.close();
    this.tor?.control.close();
    for (const { child } of this.#running) child.unref();
  }

  async stop(): Promise<void> {
    this.log.close();
    this.tor?.control.close();
    await Promise.all(this.#running.map(stop));
  }
}

/** At `publicAddresses` its name server shows everybody the public tree. */
export function startLog(
  where: Surroundings,
  files: LabFiles,
  certificate: LabCertificate,
  publicAddresses: readonly string[] = [],
): Service {
  return start(
    'the log',
    [
      process.execPath,
      ...loaderOptions(),
      scriptPath('lab/authority'),
      files.logSocket,
      certificate.certificatePath,
      certificate.keyPath,
      ...publicAddresses,
    ],
    where,
    { logPath: join(files.services, 'log.log') },
  );
}

/** The log list exists as soon as the log answers. */
export async function readyLog(
  service: Service,
  files: LabFiles,
  isStatic = false,
): Promise<LogControl> {
  // The log opens its socket last, when it already answers both DNS and HTTPS.
  let log: LogControl | undefined;
  await untilReady(service, async () => {
    log = await LogControl.connect(files.logSocket).catch(() => undefined);
    return log !== undefined;
  });
  if (log === undefined) throw new Error('ready without a connection');
  writeFileSync(files.logList, logListOf(await log.tell({ do: 'state' }), isStatic));
  return log;
}

/**
 * Starts only the log, in a network that somebody else made and that has its addresses
 * (ADDRESS.authority, ADDRESS.api). Rejects with CtgaError if it does not start.
 */
export async function startLogAlone(files: LabFiles): Promise<Service> {
  rmSync(files.services, { recursive: true, force: true });
  mkdirSync(files.services, { recursive: true, mode: 0o755 });
  const certificate = await makeCertificate(files.services, LOG_NAME);
  const service = startLog({ lab: 'ctga-lab-log' }, files, certificate);
  try {
    (await readyLog(service, files)).close();
    return service;
  } catch (error) {
    await stop(service);
    throw error;
  }
}

function startUnbound(network: LabNetwork, role: Role, address: string, more: string): Service {
  const directory = join(unboundDirectory(network), role);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const configuration = join(directory, 'unbound.conf');
  writeFileSync(configuration, unboundConfiguration(directory, address, more));
  return start(
    `unbound (${role})`,
    ['unbound', '-d', '-p', '-c', configuration],
    network.in(role),
    { logPath: join(directory, 'unbound.log') },
  );
}

function unboundConfiguration(directory: string, address: string, more: string): string {
  return `server:
  directory: "${directory}"
  # It runs as root in its own namespace, for a few seconds.
  username: ""
  chroot: ""
  use-syslog: no
  num-threads: 1
  interface: ${address}
  access-control: ${address}/30 allow
  do-ip6: no
  module-config: "iterator"
${more}
remote-control:
  control-enable: no
`;
}

/** The resolver of a path, which asks the log's name server at `authority`. */
export function startResolver(
  network: LabNetwork,
  role: Role,
  address: string,
  authority: string,
): Service {
  const configuration = `${RESOLVER_CONFIGURATION}\n  stub-addr: ${authority}`;
  return startUnbound(network, role, address, configuration);
}

const RESOLVER_CONFIGURATION = `
  # Names reach the authority in mixed case, as most of the Internet's do.
  use-caps-for-id: yes
  # Every question goes to the authority: the log signs a new head between any two.
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  # Nobody else is asked: what a browser looks up by itself does not exist.
  local-zone: "." static
  local-zone: "ctga.test." transparent
  local-data: "${SITE_NAME}. A ${ADDRESS.siteForClient}"
stub-zone:
  name: "${LOG_NAME}"`;

/** The name server that Tor's exits ask. It knows only the log. */
async function startTor(
  network: LabNetwork,
  files: LabFiles,
  running: Service[],
  { onProgress }: LabServicesOptions,
): Promise<TorNetwork> {
  const nameServer = '127.0.0.1';
  const knows = `  local-zone: "test." static\n  local-data: "${LOG_NAME}. A ${ADDRESS.api}"
  local-data: "${SITE_NAME}. A ${ADDRESS.siteForProxy}"`;
  const unbound = startUnbound(network, 'proxy', nameServer, knows);
  running.push(unbound);
  await untilReady(unbound, () => listens(unbound.pid, 'udp', nameServer, 53));
  const tor = await TorNetwork.start({
    directory: join(files.services, 'tor'),
    surroundings: network.in('proxy'),
    socks: { address: ADDRESS.proxy, port: PROXY_PORT },
    nameServer,
    onProgress,
  });
  // The client is the last one.
  running.push(...tor.services);
  return tor;
}

/**
 * Only the proxy can look up the log's name: the names are in two files that are mounted over /etc
 * in the mount namespace of this one process.
 */
export function startMicrosocks(
  network: LabNetwork,
  files: LabFiles,
  role: Role = 'proxy',
  address: string = ADDRESS.proxy,
): Service {
  const hosts = join(files.services, 'hosts');
  const nsswitch = join(files.services, 'nsswitch.conf');
  writeFileSync(
    hosts,
    `127.0.0.1 localhost\n${ADDRESS.api} ${LOG_NAME}\n${ADDRESS.siteForProxy} ${SITE_NAME}\n`,
  );
  writeFileSync(nsswitch, 'hosts: files\n');
  const script = `mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/nsswitch.conf &&
    exec microsocks -i "$3" -p "$4"`;
  return start(
    `microsocks (${role})`,
    ['unshare', '--mount', 'sh', '-c', script, 'sh', hosts, nsswitch, address, String(PROXY_PORT)],
    network.in(role),
    { logPath: join(files.services, `microsocks-${role}.log`) },
  );
}

/**
 * Whether a process in the network namespace of `pid` listens on this address, or on all. It reads
 * /proc, because the lab counts packets and must not see any from a test connection.
 */
export function listens(
  pid: number,
  protocol: 'tcp' | 'udp',
  address: string,
  port: number,
): boolean {
  let table: string;
  try {
    table = readFileSync(`/proc/${pid}/net/${protocol}`, 'latin1');
  } catch {
    return false; // it has just ended, which untilReady notices
  }
  // proc(5): the address is a word in host order, in hexadecimal. The machines that we know are
  // little-endian.
  const word = Buffer.from(address.split('.').map(Number)).reverse().toString('hex');
  const local = `${word}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
  return table.split('\n').some((line) => {
    const [, localAddress, remoteAddress] = line.trim().split(/\s+/);
    return localAddress === local && remoteAddress === '00000000:0000';
  });
}

/** Chrome's log list, schema v3, with the zone of the log's tree heads in `dns`. */
function logListOf({ key, logId }: LogState, isStatic: boolean): string {
  const log = {
    description: "The lab's log",
    log_id: logId,
    key,
    [isStatic ? 'monitoring_url' : 'url']: `https://${LOG_NAME}${SUBMISSION_PATH}`,
    mmd: 86_400,
    state: { usable: { timestamp: new Date().toISOString() } },
    dns: LOG_NAME,
    allow_private_address: true,
  };
  const list = {
    version: '1',
    operators: [
      {
        name: 'ctga lab',
        email: [],
        logs: isStatic ? [] : [log],
        tiled_logs: isStatic ? [log] : [],
      },
    ],
  };
  return `${JSON.stringify(list, null, 2)}\n`;
}

/**
 * Asks a resolver, the victim's by default, for the log's tree head, as its client. Returns the TXT data with its
 * strings joined.
 */
export async function digTreeHead(
  network: LabNetwork,
  client: Role = 'client',
  resolver: string = ADDRESS.resolver,
): Promise<string> {
  const args = [`@${resolver}`, '+short', '+tries=2', '+time=5', 'TXT', `sth.${LOG_NAME}.`];
  const printed = await must('dig', args, network.in(client));
  // dig prints each character-string in quotes. A tree head contains nothing that dig escapes.
  return [...printed.matchAll(/"([^"]*)"/g)].map(([, text]) => text).join('');
}

/** The command line and the surroundings of `ctga ARGS` in a namespace of the lab. */
export function ctgaCommand(
  args: readonly string[],
  network: LabNetwork,
  options: { readonly role?: Role; readonly env?: Readonly<Record<string, string>> } = {},
): { readonly command: readonly [string, ...string[]]; readonly surroundings: Surroundings } {
  const env = { CTGA_NODE: process.execPath, ...options.env };
  return {
    command: ['sh', join(projectRoot(), 'bin', 'ctga'), ...args],
    surroundings:
      options.role === undefined ? { lab: network.names.lab, env } : network.in(options.role, env),
  };
}
