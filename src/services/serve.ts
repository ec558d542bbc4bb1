// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga dns serve` as a service: a mirror of each log, and DNS servers that answer from them. It
 * knows no process: the caller gives it the way to the logs, a clock and where to listen.
 */
import { readFileSync } from 'node:fs';
import { askerOf } from '../ask/asker-of.ts';
import { badInput } from '../base/errors.ts';
import { aborted } from '../base/stop-signals.ts';
import { plural } from '../base/text.ts';
import { RateLimit } from '../dns/rate-limit.ts';
import { DnsServer, type Endpoint } from '../dns/server.ts';
import type { Fetch } from '../http/request.ts';
import type { Log } from '../logs/log.ts';
import { parseZone, zonesOf, type ZoneOptions } from '../logs/zones.ts';
import { Authority } from '../mirror/authority.ts';
import type { FollowedHashes } from '../mirror/followed.ts';
import { Mirror } from '../mirror/mirror.ts';
import { HourlyPublication, PublicationElsewhere } from '../mirror/publication.ts';
import type { PublishedHeads } from '../mirror/published.ts';
import { ServiceNotice } from './notice.ts';

export interface DnsServiceOptions {
  /** Lower-case zone names and their logs; see `servedZones`. */
  readonly zones: ReadonlyMap<string, Log | undefined>;
  /** What earlier runs published; the service adds to it. */
  readonly published: PublishedHeads;
  /** Hashes from which proofs are made without asking the log. */
  readonly followed: FollowedHashes;
  /** The way to a log: directly or through a proxy. */
  readonly fetchFor: (log: Log) => Fetch;
  /** The least number of milliseconds between two tree heads of a log. */
  readonly interval: number;
  /** Answers a second to one client; in a burst it gets five times as many. */
  readonly answersPerSecond: number;
  readonly listen: readonly Endpoint[];
  /**
   * Serves proofs alone, for tree heads that another process publishes, in zones of their own below
   * those of the logs; this is the name of the server.
   */
  readonly proofsAt?: string | undefined;
  /** The server's own addresses, for the A and AAAA records of its zones. */
  readonly addresses: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly onEvent: (event: DnsServiceEvent) => void;
  /** Gives up root, which binding port 53 may have taken: called once it listens everywhere. */
  readonly becomeAccount?: () => unknown;
}

export type DnsServiceEvent =
  | {
      readonly event: 'listening';
      readonly address: string;
      readonly port: number;
      readonly zones: readonly string[];
    }
  | HeadEvent;

/** Of the tree head of a log. */
export type HeadEvent =
  | { readonly event: 'published'; readonly log: string; readonly treeSize: bigint }
  | { readonly event: 'log-failed'; readonly log: string; readonly message: string };

export class DnsService {
  readonly #servers: readonly DnsServer[];

  private constructor(servers: readonly DnsServer[]) {
    this.#servers = servers;
  }

  /** Rejects with CtgaError if it cannot listen somewhere; then it listens nowhere. */
  static async start(options: DnsServiceOptions): Promise<DnsService> {
    const { zones, listen, addresses, answersPerSecond, now, onEvent, becomeAccount } = options;
    const mirrors = new Map<Log, Mirror>();
    for (const log of zones.values())
      if (log !== undefined && !mirrors.has(log)) mirrors.set(log, mirrorOf(log, options));
    const sources = new Map([...zones].map(([zone, log]) => [zone, log && mirrors.get(log)]));
    const burst = answersPerSecond * 5;
    const limit = new RateLimit({ perSecond: answersPerSecond, burst, now });
    const authority = new Authority({
      zones: sources,
      addresses: addresses.length > 0 ? addresses : undefined,
      proofsAt: options.proofsAt,
    });
    const servers: DnsServer[] = [];
    const service = new DnsService(servers);
    try {
      for (const endpoint of listen) {
        const server = new DnsServer(authority, { limit });
        const { port } = await server.listen(endpoint);
        servers.push(server);
        onEvent({ event: 'listening', address: endpoint.address, port, zones: authority.zones });
      }
      becomeAccount?.();
    } catch (error) {
      await service.close();
      throw error;
    }
    return service;
  }

  /** Tells the service manager that it serves, and serves until `stop` is aborted. */
  async run(stop: AbortSignal): Promise<void> {
    const notice = new ServiceNotice(
      `answering on ${plural(this.#servers.length, 'address', 'addresses')}`,
    );
    await aborted(stop);
    notice.stopping();
    await this.close();
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }
}

function mirrorOf(log: Log, options: DnsServiceOptions): Mirror {
  const { published, followed, fetchFor, now, onEvent, proofsAt } = options;
  const onFailed = (_: Log, { message }: Error): void =>
    onEvent({ event: 'log-failed', log: log.description, message });
  return new Mirror({
    log,
    client: askerOf(log, fetchFor(log)),
    publication:
      proofsAt === undefined
        ? hourly(log, { ...options, onFailed })
        : new PublicationElsewhere(log, published, now),
    hashes: (size) => followed.comparison(log, size),
    now,
    onFailed,
  });
}

/** Goes on with what earlier runs published of the log, and writes down what it publishes first. */
export function hourly(
  log: Log,
  {
    published,
    fetchFor,
    interval,
    now,
    onEvent,
    onFailed,
  }: Pick<DnsServiceOptions, 'published' | 'fetchFor' | 'interval' | 'now'> & {
    readonly onEvent: (event: HeadEvent) => void;
    readonly onFailed: (log: Log, error: Error) => void;
  },
): HourlyPublication {
  return new HourlyPublication({
    log,
    client: askerOf(log, fetchFor(log)),
    interval,
    now,
    last: published.get(log),
    onPublished: (_, head) => {
      published.put(log, head);
      onEvent({ event: 'published', log: log.description, treeSize: head.head.treeSize });
    },
    onFailed,
  });
}

/**
 * The zones to serve: the zone suffix itself, which has no tree heads, one zone below it for each
 * log, and those of `--zone`. The server answers neither for the zones that once were Google's nor
 * for those that a log list names, because they belong to others. Throws CtgaError `bad-input` if
 * no zone is given.
 */
export function servedZones(
  logs: readonly Log[],
  { zones, zoneSuffix }: ZoneOptions,
): Map<string, Log | undefined> {
  if (zoneSuffix === undefined && zones.length === 0)
    throw badInput(
      'it is not clear in which zone to serve the logs',
      'Give --zone-suffix ZONE with a zone that is delegated to this host, such as ct.example.net.',
    );
  const withoutZone = new Map(logs.map((log): [Log, Log] => [{ ...log, dns: undefined }, log]));
  const served = new Map<string, Log | undefined>();
  if (zoneSuffix !== undefined) served.set(parseZone(zoneSuffix, '--zone-suffix'), undefined);
  for (const [zone, log] of zonesOf([...withoutZone.keys()], { zones, zoneSuffix }))
    if (!zone.endsWith('.ct.googleapis.com')) served.set(zone, withoutZone.get(log));
  return served;
}

/** Port 53 on all addresses: an IPv6 socket accepts IPv4 as well, but a kernel may lack IPv6. */
export function everyAddress(): Endpoint {
  let hasIpv6 = false;
  try {
    hasIpv6 = readFileSync('/proc/net/if_inet6', 'utf8') !== '';
  } catch {
    // A kernel without IPv6 has no such file.
  }
  return { address: hasIpv6 ? '::' : '0.0.0.0', port: 53 };
}
