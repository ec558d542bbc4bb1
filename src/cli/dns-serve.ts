// SPDX-License-Identifier: Apache-2.0
/** `ctga dns serve`: tree heads and proofs of logs over DNS. */
import { isIP } from 'node:net';
import { Command, InvalidArgumentError } from 'commander';
import { plural, time } from '../base/text.ts';
import type { Endpoint } from '../dns/server.ts';
import { parseProxy } from '../http/proxy-address.ts';
import { isInService } from '../logs/log.ts';
import { findLog, parseZone } from '../logs/zones.ts';
import type { DnsServiceEvent } from '../services/serve.ts';
import { logWays } from './log-ways.ts';
import { logsInForce } from '../services/log-lists.ts';
import { stateAt } from '../store/state.ts';
import {
  endpoint,
  repeated,
  seconds,
  wholeNumber,
  withLogs,
  withState,
  type LogOptions,
  type StateOption,
} from './options.ts';
import { print, printJsonLine, warn } from './output.ts';
import { ofThisRun, stopRequest } from './run.ts';

interface ServeOptions extends StateOption, LogOptions {
  readonly log: readonly string[];
  readonly listen: readonly Endpoint[];
  readonly nsAddress: readonly string[];
  readonly proxy?: string;
  readonly every: number;
  readonly rate: number;
  readonly user?: string;
  readonly proofs?: string;
}

/** In seconds, between two tree heads of a log. */
export const LEAST_INTERVAL = 3600;

export function dnsServeCommand(): Command {
  const serve = new Command('serve')
    .description(
      'serve tree heads and proofs of logs over DNS, so that the logs do not learn what clients ask',
    )
    .addOption(
      repeated('--log <name>', 'a log to serve; may be repeated', String, 'every log in service'),
    )
    .addOption(
      repeated(
        '--listen <address>',
        'ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT; may be repeated',
        endpoint,
        'all, port 53',
      ),
    )
    .addOption(
      repeated(
        '--ns-address <address>',
        'an address of this server, for the A and AAAA records of its zones; may be repeated',
        ipAddress,
      ),
    )
    .option(
      '--proofs <host>',
      'serve proofs alone, in the zones that ctga dns publish delegates to this host; its tree heads are taken from the state directory',
    )
    .option('--proxy <url>', 'ask the logs through this SOCKS5 proxy instead of directly')
    .option(
      '--every <seconds>',
      'the least time between two tree heads of a log; at least an hour',
      headInterval,
      LEAST_INTERVAL,
    )
    .option(
      '--rate <n>',
      'answers a second to one client, and five times as many in a burst',
      wholeNumber(1, 100_000),
      20,
    )
    .option(
      '--user <name>',
      'if started as root: the account to run as, once it listens (default: ctga-dns if it exists, else ctga, else nobody)',
    )
    .addHelpText(
      'after',
      `
Each log is at NAME.ZONE, where ZONE is the argument of --zone-suffix, and answers
(draft-ct-over-dns-01):
  sth.NAME.ZONE                                    its tree head, of a CT log
  checkpoint.NAME.ZONE                             its checkpoint, of any other log
  START.FIRST.SECOND.sth-consistency.NAME.ZONE     a consistency proof, 7 hashes at a time
  HASH.hash.NAME.ZONE                              the index of a leaf, by its hash in base32
  START.INDEX.SIZE.tree.NAME.ZONE                  an inclusion proof
Delegate the zone to this host with an NS record and an address of the name server. To try it first:
  ctga dns serve --zone-suffix ct.example.net --listen 127.0.0.1:5300
  ctga dns query tuscolo2027h1.ct.example.net --server 127.0.0.1:5300`,
    );
  return withLogs(withState(serve)).action(runServer);
}

async function runServer(options: ServeOptions): Promise<void> {
  const { FollowedHashes } = await import('../mirror/followed.ts');
  const { PublishedHeads } = await import('../mirror/published.ts');
  const { becomeNameServer } = await import('../services/privileges.ts');
  const { DnsService, everyAddress, servedZones } = await import('../services/serve.ts');
  const state = stateAt(options.stateDir);
  const known = logsInForce(state, options.logList, warn);
  const logs =
    options.log.length > 0
      ? options.log.map((name) => findLog(known, name))
      : known.filter(isInService);
  const zones = servedZones(logs, { zones: options.zone, zoneSuffix: options.zoneSuffix });
  const proxy = options.proxy === undefined ? undefined : parseProxy(options.proxy);
  const stop = stopRequest();
  const ways = await logWays(proxy);
  const service = await DnsService.start({
    zones,
    published: new PublishedHeads(state.directory),
    followed: new FollowedHashes(state.directory, Date.now),
    fetchFor: ways.fetchFor,
    interval: options.every * 1000,
    answersPerSecond: options.rate,
    proofsAt: options.proofs === undefined ? undefined : parseZone(options.proofs, '--proofs'),
    listen: options.listen.length > 0 ? options.listen : [everyAddress()],
    addresses: options.nsAddress,
    now: Date.now,
    onEvent: ofThisRun(options.json === true ? printJsonLine : printEvent),
    becomeAccount: () => becomeNameServer(state, options.user),
  });
  try {
    await service.run(stop);
  } finally {
    ways.close();
  }
}

function printEvent(event: DnsServiceEvent): void {
  switch (event.event) {
    case 'listening': {
      const { address, port, zones } = event;
      const server = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address;
      print(`Listening on ${address} port ${port}, for ${plural(zones.length, 'zone')}.`);
      const zone = zones.at(-1) ?? '';
      const question = zones.some((each) => each.startsWith('tree.'))
        ? `SOA ${zone}`
        : `TXT sth.${zone}`;
      return print(`  Try: dig @${server} -p ${port} ${question}`);
    }
    case 'published':
      return print(
        `${time(Date.now())}  ${event.log}: published its tree of size ${event.treeSize}`,
      );
    case 'log-failed':
      return warn(`${event.log}: ${event.message}`);
  }
}

export function ipAddress(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError('want an IPv4 or IPv6 address.');
  return text;
}

export function headInterval(text: string): number {
  const value = seconds(text);
  if (value < LEAST_INTERVAL)
    throw new InvalidArgumentError(
      'want 3600 or more: tree heads that change more often can mark the clients that get them.',
    );
  return value;
}
