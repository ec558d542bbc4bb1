// SPDX-License-Identifier: Apache-2.0
/**
 * The network of `ctga lab run --fleet`: three paths to one log, two challengers, and a bus.
 *
 *   client  ── resolver  ── router  ──┐            ┌── proxy  ── challenger
 *   client2 ── resolver2 ── router2 ──┼─── log ────┤
 *   client3 ── resolver3 ── router3 ──┘            └── proxy2 ── challenger2
 *
 *   hub: a router with a link to each router, challenger and server of the bus (bus1, bus2, bus3)
 *
 * Each path has a link of its own to the log, whose name server has an address on each.
 */
import {
  ADDRESS,
  link,
  ONE_PATH,
  ROUTERS,
  type LabPlan,
  type Link,
  type Role,
  type Router,
} from './network.ts';

/** The path of one site. */
export interface Path {
  /** The site's name in the fleet. */
  readonly site: string;
  readonly router: Router;
  readonly client: Role;
  readonly resolver: Role;
  /** Where the resolver answers its client. */
  readonly resolverAddress: string;
  /** Where it asks the log. */
  readonly authority: string;
}

export interface LabChallenger {
  /** Its name in the fleet. */
  readonly name: string;
  readonly role: Role;
  readonly proxy: Role;
  readonly proxyAddress: string;
}

/** The first is the one whose clients the log deceives. */
export const PATHS: readonly [Path, Path, Path] = [
  {
    site: 'router1',
    router: 'router',
    client: 'client',
    resolver: 'resolver',
    resolverAddress: ADDRESS.resolver,
    authority: ADDRESS.authority,
  },
  {
    site: 'router2',
    router: 'router2',
    client: 'client2',
    resolver: 'resolver2',
    resolverAddress: '198.18.11.1',
    authority: '198.18.13.2',
  },
  {
    site: 'router3',
    router: 'router3',
    client: 'client3',
    resolver: 'resolver3',
    resolverAddress: '198.18.21.1',
    authority: '198.18.23.2',
  },
];

export const CHALLENGERS: readonly [LabChallenger, LabChallenger] = [
  { name: 'east', role: 'challenger', proxy: 'proxy', proxyAddress: ADDRESS.proxy },
  { name: 'west', role: 'challenger2', proxy: 'proxy2', proxyAddress: '198.18.14.1' },
];

/** The servers of the bus, and where they listen. */
export const BUS_SERVERS = [
  { name: 'bus1', role: 'bus1', address: '198.18.41.2' },
  { name: 'bus2', role: 'bus2', address: '198.18.42.2' },
  { name: 'bus3', role: 'bus3', address: '198.18.43.2' },
] as const satisfies readonly { name: string; role: Role; address: string }[];
export type BusServerName = (typeof BUS_SERVERS)[number]['name'];

/** All of the addresses of the bus. */
const BUS = '198.18.40.0/22';

const OF_ONE_PATH = ONE_PATH.links.filter(({ ends }) => ends.every(({ role }) => role !== 'site'));

const LINKS: readonly Link[] = [
  ...OF_ONE_PATH,
  link(11, ['resolver2', 'res2-c'], ['client2', 'c2-res']),
  link(12, ['router2', 'r2-res'], ['resolver2', 'res2-r']),
  link(13, ['router2', 'r2-log'], ['log', 'log-r2']),
  link(21, ['resolver3', 'res3-c'], ['client3', 'c3-res']),
  link(22, ['router3', 'r3-res'], ['resolver3', 'res3-r']),
  link(23, ['router3', 'r3-log'], ['log', 'log-r3']),
  link(14, ['proxy2', 'px2-ch'], ['challenger2', 'ch2-px']),
  link(15, ['log', 'log-p2'], ['proxy2', 'p2-log']),
  link(31, ['hub', 'h-r'], ['router', 'r-h']),
  link(32, ['hub', 'h-r2'], ['router2', 'r2-h']),
  link(33, ['hub', 'h-r3'], ['router3', 'r3-h']),
  link(34, ['hub', 'h-ch'], ['challenger', 'ch-h']),
  link(35, ['hub', 'h-ch2'], ['challenger2', 'ch2-h']),
  link(41, ['hub', 'h-b1'], ['bus1', 'b1-h']),
  link(42, ['hub', 'h-b2'], ['bus2', 'b2-h']),
  link(43, ['hub', 'h-b3'], ['bus3', 'b3-h']),
];

export const FLEET: LabPlan = {
  roles: [...new Set(LINKS.flatMap(({ ends }) => ends.map(({ role }) => role)))],
  links: LINKS,
  routes: [
    ...ONE_PATH.routes,
    { role: 'resolver2', via: '198.18.12.1' },
    { role: 'resolver3', via: '198.18.22.1' },
    { role: 'log', to: '198.18.12.0/30', via: '198.18.13.1' },
    { role: 'log', to: '198.18.22.0/30', via: '198.18.23.1' },
    { role: 'challenger2', via: '198.18.14.1' },
    { role: 'proxy2', to: `${ADDRESS.api}/32`, via: '198.18.15.1' },
    { role: 'router', to: BUS, via: '198.18.31.1' },
    { role: 'router2', to: BUS, via: '198.18.32.1' },
    { role: 'router3', to: BUS, via: '198.18.33.1' },
    { role: 'challenger', to: BUS, via: '198.18.34.1' },
    { role: 'challenger2', to: BUS, via: '198.18.35.1' },
    { role: 'bus1', via: '198.18.41.1' },
    { role: 'bus2', via: '198.18.42.1' },
    { role: 'bus3', via: '198.18.43.1' },
  ],
  routers: [...ROUTERS, 'hub'],
  challengers: CHALLENGERS.map(({ role, proxyAddress: proxy }) => ({ role, proxy })),
  bus: BUS,
};
