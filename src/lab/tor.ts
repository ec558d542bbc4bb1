// SPDX-License-Identifier: Apache-2.0
/**
 * A private Tor network of real tor processes: one client, and three directory authorities that are
 * also relays and exits, the smallest number for a path of three. All of them are in one namespace,
 * the relays on its loopback interface.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CtgaError } from '../base/errors.ts';
import {
  isOnPath,
  must,
  start,
  stop,
  untilReady,
  type Service,
  type Surroundings,
} from './processes.ts';
import { TorControl } from './tor-control.ts';

export interface TorOptions {
  /** The directory for keys, state and logs; it is made if it does not exist. */
  readonly directory: string;
  readonly surroundings: Surroundings;
  /** Where the client offers SOCKS5. */
  readonly socks: { readonly address: string; readonly port: number };
  /** A name server that the exits can reach. */
  readonly nameServer: string;
  readonly onProgress: (what: string) => void;
}

const AUTHORITIES = [0, 1, 2];
const FIRST_PORT = 28_000;

export class TorNetwork {
  readonly control: TorControl;
  readonly services: readonly Service[];
  readonly #clientLog: string;

  private constructor(control: TorControl, services: readonly Service[], clientLog: string) {
    this.control = control;
    this.services = services;
    this.#clientLog = clientLog;
  }

  /**
   * Resolves when the client can build circuits. If it rejects (CtgaError, with the end of a log),
   * no tor process is running.
   */
  static async start(options: TorOptions): Promise<TorNetwork> {
    const { directory, surroundings, onProgress } = options;
    if (!isOnPath('tor') || !isOnPath('tor-gencert'))
      throw new CtgaError('not-set-up', 'tor is not installed', {
        remedy: 'Install it with: sudo apt-get install --no-install-recommends tor',
      });
    mkdirSync(directory, { recursive: true });
    const empty = join(directory, 'empty');
    writeFileSync(empty, ''); // tor does not accept /dev/null as a configuration
    onProgress('making the keys of three directory authorities');
    const authorities: string[] = [];
    for (const i of AUTHORITIES)
      authorities.push(await makeAuthority(i, directory, empty, surroundings));
    writeFileSync(join(directory, 'resolv.conf'), `nameserver ${options.nameServer}\n`);

    await justAfterVote();
    const services: Service[] = [];
    const run = (name: string, lines: readonly string[]): Service => {
      const home = makeHome(directory, name);
      const torrc = join(home, 'torrc');
      writeFileSync(
        torrc,
        `${[...COMMON, `DataDirectory ${home}`, ...authorities, ...lines].join('\n')}\n`,
      );
      const logPath = join(home, 'log');
      const service = start(name, ['tor', '-f', torrc, '--defaults-torrc', empty], surroundings, {
        logPath,
      });
      services.push(service);
      return service;
    };
    try {
      for (const i of AUTHORITIES) run(`tor authority ${i}`, authorityConfiguration(i, directory));
      const socket = join(makeHome(directory, 'tor client'), 'control');
      const client = run('tor client', clientConfiguration(options, socket));
      let control: TorControl | undefined;
      await untilReady(client, async () => {
        control ??= existsSync(socket)
          ? await TorControl.connect(socket).catch(() => undefined)
          : undefined;
        return control !== undefined;
      });
      if (control === undefined) throw new Error('ready without a connection');
      await bootstrap(client, control, onProgress);
      return new TorNetwork(control, services, client.logPath);
    } catch (error) {
      await Promise.all(services.map(stop));
      throw error;
    }
  }

  /**
   * What TestSocks has logged: the number of connections by name, which tor resolves, and warnings
   * about connections that reveal an address.
   */
  socksUse(): { readonly byName: number; readonly unsafe: readonly string[] } {
    const lines = readFileSync(this.#clientLog, 'utf8').split('\n');
    return {
      byName: lines.filter((line) =>
        line.includes('instructed Tor to take care of the DNS resolution'),
      ).length,
      unsafe: lines.filter((line) => /only an IP address|unsafe socks/i.test(line)),
    };
  }
}

const COMMON = [
  'TestingTorNetwork 1',
  'AssumeReachable 1',
  'Log notice stdout',
  'ShutdownWaitLength 0',
  'AvoidDiskWrites 1',
  // The smallest values that tor allows.
  'TestingV3AuthInitialVotingInterval 5',
  'TestingV3AuthInitialVoteDelay 2',
  'TestingV3AuthInitialDistDelay 2',
  'V3AuthVotingInterval 10',
  'V3AuthVoteDelay 2',
  'V3AuthDistDelay 2',
];

const nickname = (i: number): string => `auth${i}`;
const orPort = (i: number): number => FIRST_PORT + 10 * i;
const dirPort = (i: number): number => orPort(i) + 1;

function authorityConfiguration(i: number, directory: string): string[] {
  return [
    `Nickname ${nickname(i)}`,
    'Address 127.0.0.1',
    'SocksPort 0',
    `ORPort 127.0.0.1:${orPort(i)}`,
    `DirPort 127.0.0.1:${dirPort(i)}`,
    'AuthoritativeDirectory 1',
    'V3AuthoritativeDirectory 1',
    'ContactInfo lab@ctga.test',
    'TestingDirAuthVoteExit *',
    'TestingDirAuthVoteGuard *',
    'TestingMinExitFlagThreshold 0',
    'ExitRelay 1',
    'ExitPolicyRejectPrivate 0',
    'ExitPolicy accept *:*',
    'IPv6Exit 0',
    // No look-ups but the challenger's: by default tor tests whether its name server lies.
    'ServerDNSDetectHijacking 0',
    'ServerDNSAllowBrokenConfig 1',
    'ServerDNSTestAddresses',
    `ServerDNSResolvConfFile ${join(directory, 'resolv.conf')}`,
  ];
}

function clientConfiguration({ socks }: TorOptions, controlSocket: string): string[] {
  return [
    'Nickname client',
    'ORPort 0',
    'ClientRejectInternalAddresses 0',
    `SocksPort ${socks.address}:${socks.port} IsolateSOCKSAuth`,
    // Refuse connections of programs that resolved the name themselves, and log all others.
    'SafeSocks 1',
    'TestSocks 1',
    `ControlPort unix:${controlSocket}`,
  ];
}

function makeHome(directory: string, name: string): string {
  const home = join(directory, name.replaceAll(' ', '-'));
  mkdirSync(home, { recursive: true });
  chmodSync(home, 0o700);
  return home;
}

/** Makes an authority's keys. Returns the DirAuthority line that tells others about it. */
async function makeAuthority(
  i: number,
  directory: string,
  empty: string,
  surroundings: Surroundings,
): Promise<string> {
  const home = makeHome(directory, `tor authority ${i}`);
  const keys = join(home, 'keys');
  mkdirSync(keys, { recursive: true, mode: 0o700 });
  const file = (name: string): string => join(keys, `authority_${name}`);
  await must(
    'tor-gencert',
    [
      '--create-identity-key',
      '--passphrase-fd',
      '0',
      '-m',
      '12',
      '-a',
      `127.0.0.1:${dirPort(i)}`,
      '-i',
      file('identity_key'),
      '-s',
      file('signing_key'),
      '-c',
      file('certificate'),
    ],
    surroundings,
    { input: 'lab\n' },
  );
  const [, identity = ''] =
    /^fingerprint (\S+)/m.exec(readFileSync(file('certificate'), 'utf8')) ?? [];
  const printed = await must(
    'tor',
    [
      '--list-fingerprint',
      '--quiet',
      '-f',
      empty,
      '--defaults-torrc',
      empty,
      '--DataDirectory',
      home,
      '--ORPort',
      String(orPort(i)),
      '--Nickname',
      nickname(i),
      // tor prints its fingerprint only if it knows some authority.
      '--TestingTorNetwork',
      '1',
      '--DirAuthority',
      `x 127.0.0.1:1 ${'0'.repeat(40)}`,
    ],
    surroundings,
  );
  const fingerprint = (/^\S+ ([0-9A-F ]{40,})$/m.exec(printed)?.[1] ?? '').replaceAll(' ', '');
  return `DirAuthority ${nickname(i)} orport=${orPort(i)} no-v2 v3ident=${identity} 127.0.0.1:${dirPort(i)} ${fingerprint}`;
}

/**
 * Authorities vote every five seconds, at second 3 of each five. Relays that start just before a
 * vote publish too late for it, and the next vote that counts comes ten seconds later.
 */
async function justAfterVote(): Promise<void> {
  await sleep((5000 + 3200 - (Date.now() % 5000)) % 5000);
}

async function bootstrap(
  client: Service,
  control: TorControl,
  onProgress: (what: string) => void,
): Promise<void> {
  let last = '';
  await untilReady(client, async () => {
    const { percent, summary } = await control.bootstrapped();
    const line = `tor has bootstrapped to ${percent} % (${summary})`;
    if (line !== last) onProgress(line);
    last = line;
    await sleep(90);
    return percent === 100;
  });
}
