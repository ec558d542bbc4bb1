// SPDX-License-Identifier: Apache-2.0
/**
 * A person who browses in the lab: Firefox with the extension, the client's daemon, and the web site
 * that they visit, first in the hands of somebody with a fraudulent certificate.
 */
import { generateKeyPairSync } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Duplex } from 'node:stream';
import { join } from 'node:path';
import { encodeBase64 } from '../base/base64.ts';
import { CtgaError } from '../base/errors.ts';
import { projectRoot } from '../base/project-root.ts';
import { loaderOptions, scriptPath } from '../base/scripts.ts';
import { Authority } from './certificates.ts';
import type { LogControl } from './control.ts';
import { firefoxCommand, Marionette, marionettePort, prepareProfile } from './firefox.ts';
import type { Audience } from './log.ts';
import { ADDRESS, type LabNetwork } from './network.ts';
import { must, start, stop, untilReady, type Service } from './processes.ts';
import { ctgaCommand, SITE_NAME, type LabFiles } from './services.ts';

const POOL = '127.0.0.1:8421';

export class Browsing {
  /** Pools, the site and the log's API are trusted by who trusts the certificates in this file. */
  readonly roots: string;
  readonly #network: LabNetwork;
  readonly #files: LabFiles;
  readonly #directory: string;
  readonly #authority = new Authority("The lab's CA");
  #site: Service | undefined;
  #client: Service | undefined;
  #firefox: Marionette | undefined;

  constructor(network: LabNetwork, files: LabFiles) {
    this.#network = network;
    this.#files = files;
    this.#directory = join(files.services, 'browsing');
    mkdirSync(this.#directory, { recursive: true, mode: 0o755 });
    this.roots = join(this.#directory, 'roots.pem');
    writeFileSync(this.roots, readFileSync(files.certificate, 'utf8') + pem(this.#authority.der));
  }

  /** The directory of the client's store. */
  get state(): string {
    return join(this.#directory, 'client');
  }

  /**
   * From now on the site has a new certificate, which the log promised to have in the tree that
   * `audience` sees. `pool`: whether the site passes on to one.
   */
  async showSite(log: LogControl, audience: Audience, pool: boolean): Promise<void> {
    if (this.#site !== undefined) await stop(this.#site);
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const { entry, finish } = this.#authority.draft([SITE_NAME], { publicKey });
    const { sct } = await log.tell({
      do: 'promise',
      issuerKeyHash: encodeBase64(entry.issuerKeyHash),
      tbsCertificate: encodeBase64(entry.tbsCertificate),
      audience,
    });
    const chain = join(this.#directory, `${audience}.pem`);
    const key = join(this.#directory, `${audience}.key`);
    const leaf = finish([Buffer.from(sct ?? '', 'base64')]);
    writeFileSync(chain, pem(leaf) + pem(this.#authority.der));
    writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const site = start(
      'the site',
      [
        process.execPath,
        ...loaderOptions(),
        scriptPath('lab/site'),
        chain,
        key,
        ...(pool ? [`http://${POOL}`] : []),
      ],
      this.#network.in('site'),
      { logPath: join(this.#directory, 'site.log') },
    );
    this.#site = site;
    await untilReady(site, () => this.#listens(443));
  }

  async startPool(): Promise<void> {
    const { command, surroundings } = ctgaCommand(
      [
        ...['pool', 'serve', '--domain', SITE_NAME, '--listen', POOL],
        ...['--log-list', this.#files.logList, '--state-dir', join(this.#directory, 'pool')],
      ],
      this.#network,
      { role: 'site' },
    );
    const logPath = join(this.#directory, 'pool.log');
    const service = start('ctga pool serve', command, surroundings, { logPath });
    await untilReady(service, () => this.#listens(8421));
  }

  /** Whether the pool has an SCT. */
  async poolHasScts(): Promise<boolean> {
    const script = `fetch('http://${POOL}/.well-known/ct/v1/collected-sct-feedback')
      .then((response) => response.json())
      .then(({ sct_feedback: { length } }) => console.log(length))`;
    const found = await must(process.execPath, ['-e', script], this.#network.in('site'));
    return Number(found) > 0;
  }

  /** Starts the client's daemon, and Firefox with the extension. */
  async start(): Promise<void> {
    const home = join(this.#directory, 'home');
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const options = { role: 'client', env: { HOME: home } } as const;
    const state = ['--state-dir', this.state];
    const install = ctgaCommand(['client', 'install', ...state], this.#network, options);
    await must(install.command[0], install.command.slice(1), install.surroundings);
    const run = ctgaCommand(
      [
        ...['client', 'run', ...state, '--log-list', this.#files.logList],
        ...['--resolver', ADDRESS.resolver, '--interval', '1', '--max-delay', '1'],
      ],
      this.#network,
      options,
    );
    this.#client = start('ctga client', run.command, run.surroundings, {
      logPath: join(this.#directory, 'client.log'),
    });
    this.#firefox = await this.#startFirefox(home);
    await this.#firefox.trust(this.#authority.der);
    const extension = join(this.#directory, 'extension');
    cpSync(join(projectRoot(), 'extension'), extension, { recursive: true });
    writeFileSync(join(extension, 'logs.json'), logsOf(this.#files.logList));
    await this.#firefox.install(extension);
  }

  async visitSite(): Promise<void> {
    await this.#firefox?.visit(`https://${SITE_NAME}/`);
  }

  /** Ends the client's daemon and Firefox. */
  async stop(): Promise<void> {
    await this.#firefox?.quit();
    if (this.#client !== undefined) await stop(this.#client);
  }

  async #startFirefox(home: string): Promise<Marionette> {
    const profile = join(this.#directory, 'profile');
    prepareProfile(profile);
    const resolv = join(this.#directory, 'resolv.conf');
    const nsswitch = join(this.#directory, 'nsswitch.conf');
    writeFileSync(resolv, `nameserver ${ADDRESS.resolver}\n`);
    writeFileSync(nsswitch, 'hosts: files dns\n');
    const script = `mount --bind "$1" /etc/resolv.conf && mount --bind "$2" /etc/nsswitch.conf &&
      shift 2 && exec "$@"`;
    const where = this.#network.in('client', { HOME: home });
    const command = ['sh', '-c', script, 'sh', resolv, nsswitch, ...firefoxCommand(profile)];
    const service = start('Firefox', ['unshare', '--mount', ...command], where, {
      logPath: join(this.#directory, 'firefox.log'),
    });
    await untilReady(service, () => marionettePort(profile) !== undefined);
    // Only in its namespace can one connect with it.
    const port = marionettePort(profile) ?? 0;
    const through = `exec 3<>/dev/tcp/127.0.0.1/${port}; cat <&3 & exec cat >&3`;
    const relay = start('the way to Firefox', ['bash', '-c', through], where, {
      logPath: join(this.#directory, 'relay.log'),
      pipeInput: true,
      pipeOutput: true,
    });
    const { stdin, stdout } = relay.child;
    if (stdin === null || stdout === null) throw new Error('its input and output are pipes');
    return Marionette.open(Duplex.from({ writable: stdin, readable: stdout }));
  }

  /** Whether anything in the site's namespace listens at this port. */
  async #listens(port: number): Promise<boolean> {
    const found = await must('ss', ['-Hltn', `sport = :${port}`], this.#network.in('site'));
    return found.trim() !== '';
  }
}

/** What the extension knows of the logs of a list. */
function logsOf(logList: string): string {
  const { operators } = JSON.parse(readFileSync(logList, 'utf8')) as {
    operators: { logs: { key: string }[]; tiled_logs: { key: string }[] }[];
  };
  const logs = operators.flatMap((operator) => [...operator.logs, ...operator.tiled_logs]);
  if (logs.length === 0) throw new CtgaError('bad-input', `${logList} has no log`);
  return JSON.stringify({ logs: logs.map(({ key }) => ({ key })) });
}

function pem(der: Uint8Array): string {
  return `-----BEGIN CERTIFICATE-----\n${encodeBase64(der)}\n-----END CERTIFICATE-----\n`;
}
