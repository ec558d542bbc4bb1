// SPDX-License-Identifier: Apache-2.0
/**
 * The lab's network: namespaces and veth pairs on one machine.
 *
 *   client ── resolver ── router ── log     the victim's path; the router is the packet processor
 *                                    │
 *        challenger ── proxy ────────┘       the challenger's path, which shares no link with it
 *
 *   client ── site ── proxy                  a web site, which the client visits and an auditor polls
 *
 * With XDP the router is an ordinary IP router. With a P4 switch it is a wire: a frame that arrives
 * on one side leaves on the other, and resolver and log find each other by ARP.
 *
 * The network uses only IPv4, from 198.18.0.0/15, which RFC 2544 reserves for tests and nobody
 * routes. Every link has its own /30, so that each packet has only one way to go.
 */
import { existsSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { endMarkedProcesses, must, type Surroundings } from './processes.ts';

const ONE_PATH_ROLES = [
  'client',
  'resolver',
  'router',
  'log',
  'challenger',
  'proxy',
  'site',
] as const;
/** What only the lab of a fleet has (fleet-plan.ts). */
const FLEET_ROLES = [
  'client2',
  'resolver2',
  'router2',
  'client3',
  'resolver3',
  'router3',
  'challenger2',
  'proxy2',
  'hub',
  'bus1',
  'bus2',
  'bus3',
] as const;
const ROLES = [...ONE_PATH_ROLES, ...FLEET_ROLES];
export type Role = (typeof ROLES)[number];

/** One veth pair: an interface in each of two namespaces. */
export interface Link {
  readonly ends: readonly [LinkEnd, LinkEnd];
}
interface LinkEnd {
  readonly role: Role;
  /**
   * Follows the lab's prefix. Interface names have at most 15 characters, and are the names of pin
   * directories.
   */
  readonly suffix: string;
  readonly address: string;
}

export function link(net: number, a: [Role, string], b: [Role, string]): Link {
  return {
    ends: [
      { role: a[0], suffix: a[1], address: `198.18.${net}.1` },
      { role: b[0], suffix: b[1], address: `198.18.${net}.2` },
    ],
  };
}

const LINKS: readonly Link[] = [
  link(1, ['resolver', 'res-c'], ['client', 'c-res']),
  link(2, ['router', 'r-res'], ['resolver', 'res-r']),
  link(3, ['router', 'r-log'], ['log', 'log-r']),
  link(4, ['proxy', 'px-ch'], ['challenger', 'ch-px']),
  link(5, ['log', 'log-px'], ['proxy', 'px-log']),
  link(6, ['site', 'st-c'], ['client', 'c-st']),
  link(7, ['site', 'st-px'], ['proxy', 'px-st']),
];

/**
 * The router's data plane: XDP in the kernel, or bmv2's simple_switch. The lab builds the network
 * that a plane stands in (a switch needs cables that XDP does not), so it knows the planes by name.
 */
export type LabDataPlane = 'xdp' | 'bmv2';

/**
 * The switch's Thrift server, in the router's namespace. Its port differs from that of a switch
 * which watches a real interface.
 */
export const LAB_SWITCH = 'bmv2:29090';
const SWITCH_COPIES = 'ctga-cpu29090';

/** Where the services listen. */
export const ADDRESS = {
  resolver: '198.18.1.1',
  authority: '198.18.3.2',
  proxy: '198.18.4.1',
  api: '198.18.5.1',
  siteForClient: '198.18.6.1',
  siteForProxy: '198.18.7.1',
} as const;

export const PROXY_PORT = 1080;
/** Of each server of a bus, for members. */
export const BUS_PORT = 4222;

export interface Route {
  readonly role: Role;
  readonly via: string;
  /** 'default' by default. */
  readonly to?: string;
  /** The end of a link that a switch joins with others. */
  readonly wire?: string;
}

const DEFAULT_ROUTES: readonly Route[] = [
  { role: 'resolver', via: '198.18.2.1', wire: 'res-r' },
  { role: 'log', via: '198.18.3.1', wire: 'log-r' },
  // This route leads nowhere: the proxy does not forward, and the filter below drops everything but
  // packets to the proxy's port. Without it, a stray packet would fail for want of a route before
  // any counter saw it, and a count of no stray packets would prove nothing.
  { role: 'challenger', via: ADDRESS.proxy },
];

/** A network as it is to be made. */
export interface LabPlan {
  readonly roles: readonly Role[];
  readonly links: readonly Link[];
  readonly routes: readonly Route[];
  /** Whose kernel forwards, unless a switch does. */
  readonly routers: readonly Role[];
  /** The challengers, and the only ways that each may take. */
  readonly challengers: readonly { readonly role: Role; readonly proxy: string }[];
  /** The addresses of a bus, where there is one. */
  readonly bus?: string;
}

export const ONE_PATH: LabPlan = {
  roles: ONE_PATH_ROLES,
  links: LINKS,
  routes: DEFAULT_ROUTES,
  routers: ['router'],
  challengers: [{ role: 'challenger', proxy: ADDRESS.proxy }],
};

/**
 * Counts what the challenger's namespace sends to the proxy's port, and to the bus, and counts and
 * drops everything else. It includes the loopback interface, where a program that looked up names
 * itself would ask a resolver.
 */
function challengerRules(proxy: string, bus: string | undefined): string {
  const toBus =
    bus === undefined ? '' : `ip daddr ${bus} tcp dport ${BUS_PORT} counter name bus accept`;
  return `
table inet ctga_lab {
  counter proxied {}
  counter bus {}
  counter stray {}
  chain output {
    type filter hook output priority filter; policy drop;
    ip daddr ${proxy} tcp dport ${PROXY_PORT} counter name proxied accept
    ${toBus}
    counter name stray drop
  }
}
`;
}

/** Packets that left, or tried to leave, the challenger's namespace since it was made. */
export interface ChallengerPackets {
  readonly toProxy: number;
  /** Where there is a bus. */
  readonly toBus: number;
  readonly stray: number;
}

/**
 * IP packets that the router's kernel received, which is after XDP, and forwarded. With a switch:
 * frames at both sides.
 */
export interface RoutedPackets {
  readonly received: number;
  readonly forwarded: number;
}

/** Those on which ctga watches. */
export const ROUTERS = ['router', 'router2', 'router3'] as const;
export type Router = (typeof ROUTERS)[number];

export interface LabNames {
  /** It also marks the lab's processes. The namespaces are named `<lab>-<role>`. */
  readonly lab: string;
  /** It has at most 9 characters. */
  readonly interfacePrefix: string;
}

export const LAB_NAMES: LabNames = { lab: 'ctga-lab', interfacePrefix: 'ctga-' };

export class LabNetwork {
  readonly names: LabNames;
  readonly dataPlane: LabDataPlane;
  readonly #plan: LabPlan;

  constructor(
    names: LabNames = LAB_NAMES,
    dataPlane: LabDataPlane = 'xdp',
    plan: LabPlan = ONE_PATH,
  ) {
    this.names = names;
    this.dataPlane = dataPlane;
    this.#plan = plan;
  }

  /** The surroundings of commands in the namespace of `role`. */
  in(role: Role, env?: Readonly<Record<string, string>>): Surroundings {
    return { lab: this.names.lab, namespace: this.namespace(role), env };
  }

  namespace(role: Role): string {
    return `${this.names.lab}-${role}`;
  }

  /** The router's two interfaces, which ctga watches: to the resolver and to the log. */
  get routerInterfaces(): readonly [string, string] {
    return this.interfacesOf('router');
  }

  /** The same of one of several routers. */
  interfacesOf(router: Router): readonly [string, string] {
    const own = `${this.names.interfacePrefix}${router.replace('router', 'r')}`;
    return [`${own}-res`, `${own}-log`];
  }

  /** Whether any of the lab's namespaces exists. */
  get exists(): boolean {
    return ROLES.some((role) => existsSync(`/run/netns/${this.namespace(role)}`));
  }

  /**
   * Removes what a crashed run left, and makes the network. If it rejects (CtgaError), it has
   * removed everything again.
   */
  async up(): Promise<void> {
    await this.down();
    try {
      const { roles, links, routes, challengers, bus } = this.#plan;
      await Promise.all(roles.map((role) => this.#makeNamespace(role)));
      for (const { ends } of links) await this.#makeLink(ends);
      for (const { role, via, to = 'default', wire } of routes) {
        if (this.dataPlane === 'bmv2' && wire !== undefined) await this.#joinWire(role, wire);
        else await this.#ip(['-n', this.namespace(role), 'route', 'add', to, 'via', via]);
      }
      for (const { role, proxy } of challengers)
        await must('nft', ['-f', '-'], this.in(role), { input: challengerRules(proxy, bus) });
    } catch (error) {
      await this.down();
      throw error;
    }
  }

  /**
   * Ends the lab's processes and removes its namespaces with their interfaces, and the pins of
   * programs that were attached to these. It may be called when some or all of this is gone.
   */
  async down(): Promise<void> {
    await endMarkedProcesses(this.names.lab);
    for (const pins of this.pinDirectories()) rmSync(pins, { recursive: true, force: true });
    for (const role of ROLES) {
      const namespace = this.namespace(role);
      if (existsSync(`/run/netns/${namespace}`)) await this.#ip(['netns', 'delete', namespace]);
    }
  }

  /** Where programs are pinned that were attached to the lab's interfaces. */
  pinDirectories(): string[] {
    const root = '/sys/fs/bpf/ctga';
    if (!existsSync(root)) return [];
    const interfaces = [...ROUTERS.flatMap((router) => this.interfacesOf(router)), SWITCH_COPIES];
    return readdirSync(root)
      .map((name) => join(root, name))
      .filter((path) => {
        try {
          return interfaces.includes(readlinkSync(join(path, 'interface')));
        } catch {
          return false; // pinned by an earlier version, or removed meanwhile
        }
      });
  }

  async challengerPackets(role: Role = 'challenger'): Promise<ChallengerPackets> {
    const json = await must(
      'nft',
      ['--json', 'list', 'counters', 'table', 'inet', 'ctga_lab'],
      this.in(role),
    );
    const packets = new Map<string, number>();
    for (const { counter } of nftCounters.parse(JSON.parse(json)).nftables) {
      if (counter !== undefined) packets.set(counter.name, counter.packets);
    }
    const [toProxy, toBus, stray] = ['proxied', 'bus', 'stray'].map((name) => packets.get(name));
    if (toProxy === undefined || toBus === undefined || stray === undefined)
      throw new Error('nft lists no counters that we made');
    return { toProxy, toBus, stray };
  }

  async routedPackets(router: Router = 'router'): Promise<RoutedPackets> {
    if (this.dataPlane === 'bmv2') return this.#switchedFrames();
    // Two lines begin with "Ip:": the names and the numbers, as in RFC 2011.
    const snmp = await must('cat', ['/proc/net/snmp'], this.in(router));
    const [names = [], values = []] = snmp
      .split('\n')
      .filter((line) => line.startsWith('Ip:'))
      .map((line) => line.split(' '));
    const value = (name: string): number => Number(values[names.indexOf(name)]);
    return { received: value('InReceives'), forwarded: value('ForwDatagrams') };
  }

  async #switchedFrames(): Promise<RoutedPackets> {
    const json = await must('ip', ['-j', '-s', 'link', 'show'], this.in('router'));
    const sides = linkStatistics
      .parse(JSON.parse(json))
      .filter(({ ifname }) => this.routerInterfaces.includes(ifname))
      .map(({ stats64 }) => stats64);
    const sum = (side: 'rx' | 'tx'): number =>
      sides.reduce((total, each) => total + each[side].packets, 0);
    return { received: sum('rx'), forwarded: sum('tx') };
  }

  /**
   * With a switch, all hosts are neighbours. A veth leaves checksums to a network card, of which
   * there is none: a switch that reads packet sockets would send them on unfinished.
   */
  async #joinWire(role: Role, suffix: string): Promise<void> {
    const name = `${this.names.interfacePrefix}${suffix}`;
    await this.#ip(['-n', this.namespace(role), 'route', 'add', 'default', 'dev', name]);
    await must('ethtool', ['-K', name, 'tx', 'off'], this.in(role));
  }

  async #makeNamespace(role: Role): Promise<void> {
    await this.#ip(['netns', 'add', this.namespace(role)]);
    // A new namespace may inherit these from the host (net.core.devconf_inherit_init_net), so each
    // one is set.
    await this.#sysctl(
      role,
      'net/ipv4/ip_forward',
      this.#plan.routers.includes(role) && this.dataPlane === 'xdp' ? '1' : '0',
    );
    // Otherwise router solicitations and the like would count as packets of the story.
    for (const conf of ['all', 'default'])
      await this.#sysctl(role, `net/ipv6/conf/${conf}/disable_ipv6`, '1');
    await this.#ip(['-n', this.namespace(role), 'link', 'set', 'lo', 'up']);
  }

  async #makeLink([a, b]: Link['ends']): Promise<void> {
    const name = (end: LinkEnd): string => `${this.names.interfacePrefix}${end.suffix}`;
    await this.#ip([
      'link',
      'add',
      name(a),
      'netns',
      this.namespace(a.role),
      'type',
      'veth',
      'peer',
      'name',
      name(b),
      'netns',
      this.namespace(b.role),
    ]);
    for (const end of [a, b]) {
      const namespace = this.namespace(end.role);
      const isWire = this.dataPlane === 'bmv2' && end.role === 'router';
      if (!isWire)
        await this.#ip(['-n', namespace, 'address', 'add', `${end.address}/30`, 'dev', name(end)]);
      await this.#ip(['-n', namespace, 'link', 'set', name(end), 'up']);
    }
  }

  /** /proc/sys/net shows the namespace of the process that opens it, so this runs one inside. */
  async #sysctl(role: Role, key: string, value: string): Promise<void> {
    const path = `/proc/sys/${key}`;
    if (!existsSync(path)) return; // a kernel without IPv6
    await must('tee', [path], this.in(role), { input: value });
  }

  async #ip(args: readonly string[]): Promise<void> {
    await must('ip', args, { lab: this.names.lab });
  }
}

const nftCounters = z.object({
  nftables: z.array(
    z.object({ counter: z.object({ name: z.string(), packets: z.number() }).optional() }),
  ),
});

const packetCount = z.object({ packets: z.number() });
const linkStatistics = z.array(
  z.object({ ifname: z.string(), stats64: z.object({ rx: packetCount, tx: packetCount }) }),
);
