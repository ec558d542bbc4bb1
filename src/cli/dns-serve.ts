/** `ctga dns serve`: logs' tree heads and proofs in the DNS. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { Command, InvalidArgumentError } from 'commander';
import { openIdentity, parseProxy } from '../http/proxy.ts';
import { RateLimit } from '../dns/rate-limit.ts';
import { CtDnsServer, type Endpoint } from '../dns/server.ts';
import { badInput } from '../base/errors.ts';
import { plural, time } from '../base/text.ts';
import { aborted } from '../base/stop-signals.ts';
import { clientOf } from '../ask/asker-of.ts';
import { directFetch } from '../http/request.ts';
import { isInService, type Log } from '../logs/log.ts';
import { findLog, parseZone, zonesOf } from '../logs/zones.ts';
import { Mirror } from '../mirror/mirror.ts';
import { PublishedHeads } from '../mirror/published.ts';
import { ServiceNotice } from '../services/notice.ts';
import { stateAt } from '../store/state.ts';
import {
  endpoint,
  logsInForce,
  repeated,
  seconds,
  wholeNumber,
  withLogs,
  withState,
  type LogOptions,
  type StateOption,
} from './options.ts';
import { print, printJsonLine, warn } from './output.ts';
import { stopRequest } from './run.ts';

interface ServeOptions extends StateOption, LogOptions {
  readonly log: readonly string[];
  readonly listen: readonly Endpoint[];
  readonly nsAddress: readonly string[];
  readonly proxy?: string;
  readonly every: number;
  readonly rate: number;
}

const LEAST_INTERVAL = 3600;

export function dnsServeCommand(): Command {
  const serve = new Command('serve')
    .description(
      "publish logs' tree heads and proofs in the DNS, where clients' questions give nothing away to the logs",
    )
    .addOption(
      repeated(
        '--log <name>',
        'a log to publish; may be repeated (default: every log in service)',
        (text) => text,
      ),
    )
    .addOption(
      repeated(
        '--listen <address>',
        'ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT; may be repeated (default: all, port 53)',
        endpoint,
      ),
    )
    .addOption(
      repeated(
        '--ns-address <address>',
        'where the server is reached, for A and AAAA of its zones; may be repeated',
        address,
      ),
    )
    .option('--proxy <url>', 'ask the logs through this SOCKS5 proxy instead of directly')
    .option(
      '--every <seconds>',
      'publish no new head of a log before; an hour is the least',
      interval,
      LEAST_INTERVAL,
    )
    .option(
      '--rate <n>',
      'answers a second to one client, five times that at once',
      wholeNumber(1, 100_000),
      20,
    )
    .addHelpText(
      'after',
      `
Each log is at NAME.ZONE, ZONE being what --zone-suffix says, and answers (draft-ct-over-dns-01):
  sth.NAME.ZONE                                    its tree head
  START.FIRST.SECOND.sth-consistency.NAME.ZONE     a consistency proof, 7 hashes at a time
  HASH.hash.NAME.ZONE                              the index of a leaf, by its hash in base32
  START.INDEX.SIZE.tree.NAME.ZONE                  an inclusion proof
Delegate the zone to this host: an NS record, and an address of the name server. Try it first with
  ctga dns serve --zone-suffix ct.example.net --listen 127.0.0.1:5300
  ctga dns query NAME.ct.example.net --server 127.0.0.1:5300`,
    );
  return withLogs(withState(serve)).action(runServer);
}

async function runServer(options: ServeOptions): Promise<void> {
  const state = stateAt(options.stateDir);
  const all = logsInForce(state, options);
  const chosen =
    options.log.length > 0
      ? options.log.map((name) => findLog(all, name))
      : all.filter(isInService);
  const zones = servedZones(chosen, options);
  const heads = new PublishedHeads(state.directory, chosen);
  const say = options.json === true ? printJsonLine : printEvent;
  const proxy = options.proxy === undefined ? undefined : parseProxy(options.proxy);
  const mirrors = new Map<Log, Mirror>();
  for (const log of chosen) {
    const { allowPrivateAddress } = log;
    const fetch =
      proxy === undefined
        ? directFetch({ allowPrivateAddress })
        : openIdentity(proxy, { allowPrivateAddress }).fetch;
    const mirror = new Mirror({
      log,
      client: clientOf(log, fetch),
      interval: options.every * 1000,
      now: Date.now,
      last: heads.get(log),
      onPublished: (_, published) => {
        heads.put(log, published);
        say({ event: 'published', log: log.description, treeSize: published.head.treeSize });
      },
      onFailed: (_, error) =>
        say({ event: 'log-failed', log: log.description, message: error.message }),
    });
    mirrors.set(log, mirror);
  }
  const limit = new RateLimit({ perSecond: options.rate, burst: options.rate * 5, now: Date.now });
  const sources = new Map([...zones].map(([zone, log]) => [zone, log && mirrors.get(log)]));
  const addresses = options.nsAddress.length > 0 ? { addresses: options.nsAddress } : {};
  const servers: CtDnsServer[] = [];
  const stop = stopRequest();
  try {
    for (const listen of options.listen.length > 0 ? options.listen : defaultEndpoints()) {
      const server = new CtDnsServer({ zones: sources, limit, ...addresses });
      const { port } = await server.listen(listen);
      servers.push(server);
      say({ event: 'listening', address: listen.address, port, zones: [...zones.keys()] });
    }
    const notice = new ServiceNotice(`answering for ${zones.size} zones`);
    await aborted(stop);
    notice.stopping();
  } finally {
    await Promise.all(servers.map((server) => server.close()));
  }
}

/** The zone itself, which has no tree heads, and one below it for each log; and those of --zone. */
function servedZones(logs: readonly Log[], options: ServeOptions): Map<string, Log | undefined> {
  if (options.zoneSuffix === undefined && options.zone.length === 0)
    throw badInput(
      'in which zone? Give --zone-suffix ZONE',
      'For example --zone-suffix ct.example.net, a zone that is delegated to this host.',
    );
  // Zones that once were Google's, or that a list names, are not ours to answer for.
  const bare = logs.map(({ dns: _, ...log }): Log => log);
  const original = new Map(bare.map((log, i) => [log, logs[i]]));
  const suffix = options.zoneSuffix;
  const zones = zonesOf(bare, { zones: options.zone, zoneSuffix: suffix });
  const own = new Map<string, Log | undefined>();
  if (suffix !== undefined) own.set(parseZone(suffix, '--zone-suffix'), undefined);
  for (const [zone, log] of zones) {
    const served = original.get(log);
    if (served !== undefined && !zone.endsWith('.ct.googleapis.com')) own.set(zone, served);
  }
  return own;
}

type ServerEvent =
  | {
      readonly event: 'listening';
      readonly address: string;
      readonly port: number;
      readonly zones: readonly string[];
    }
  | { readonly event: 'published'; readonly log: string; readonly treeSize: bigint }
  | { readonly event: 'log-failed'; readonly log: string; readonly message: string };

function printEvent(report: ServerEvent): void {
  switch (report.event) {
    case 'listening': {
      const example = report.zones.at(-1) ?? '';
      print(
        `Listening on ${report.address} port ${report.port}, for ${plural(report.zones.length, 'zone')}.`,
      );
      return print(
        `  Try: dig @${isUnspecified(report.address) ? '127.0.0.1' : report.address} -p ${report.port} TXT sth.${example}`,
      );
    }
    case 'published':
      return print(
        `${time(Date.now())}  ${report.log}: published its tree of size ${report.treeSize}`,
      );
    case 'log-failed':
      return warn(`${report.log}: ${report.message}`);
  }
}

const isUnspecified = (text: string): boolean => text === '0.0.0.0' || text === '::';

/** IPv6 sockets take IPv4 as well. */
function defaultEndpoints(): Endpoint[] {
  let ipv6 = false;
  try {
    ipv6 = readFileSync('/proc/net/if_inet6', 'utf8') !== '';
  } catch {
    // A kernel without IPv6.
  }
  return [{ address: ipv6 ? '::' : '0.0.0.0', port: 53 }];
}

function address(text: string): string {
  if (isIP(text) === 0) throw new InvalidArgumentError('want an IPv4 or IPv6 address.');
  return text;
}

function interval(text: string): number {
  const value = seconds(text);
  if (value < LEAST_INTERVAL)
    throw new InvalidArgumentError(
      'want 3600 or more: heads that are published oftener can mark who was given them.',
    );
  return value;
}
