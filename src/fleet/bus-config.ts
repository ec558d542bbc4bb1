// SPDX-License-Identifier: Apache-2.0
/**
 * The configuration of a bus's servers (nats-server 2.9 and later), from the roster. Who may do what
 * is by subject: a site can publish under its own name, hear the findings, and nothing else. Pure.
 */
import {
  ALERTS,
  alertSubject,
  keySubject,
  leaseKey,
  LEASES,
  presenceKey,
  streamOf,
  subjectOf,
  type Stream,
} from './bus-subjects.ts';
import { FILES, hears, tells, type BusNode, type Roster, type RosterMember } from './roster.ts';

/** In a node's directory. */
export const NODE_FILES = {
  config: 'nats-server.conf',
  users: 'users.conf',
  certificate: 'server.pem',
  key: 'server.key',
  authority: FILES.authority,
} as const;

/** Where a node's files are on its machine, and where it keeps what it is told. */
export interface NodePlaces {
  readonly files: string;
  readonly store: string;
}
const USUAL_PLACES: NodePlaces = { files: '/etc/ctga-bus', store: '/var/lib/ctga-bus' };

export function nodeConfig(roster: Roster, node: BusNode, places = USUAL_PLACES): string {
  const tls = (isVerified: boolean): string =>
    `{
    cert_file: "${places.files}/${NODE_FILES.certificate}"
    key_file: "${places.files}/${NODE_FILES.key}"
    ca_file: "${places.files}/${NODE_FILES.authority}"
    timeout: 5${isVerified ? '\n    verify: true' : ''}
  }`;
  const routes = roster.nodes
    .filter(({ name }) => name !== node.name)
    .map(({ host, clusterPort }) => `    "nats-route://${bracketed(host)}:${clusterPort}"`);
  const cluster =
    routes.length === 0
      ? ''
      : `
cluster {
  name: "${roster.name}"
  listen: "${bracketed(listenAddress(node.host))}:${node.clusterPort}"
  # Only servers with a certificate of the fleet's authority are let in.
  tls: ${tls(true)}
  routes: [
${routes.join('\n')}
  ]
}
`;
  return `# Written by "ctga fleet init": a server of the bus of the fleet ${roster.name}.
# Its files are to be in ${places.files} there.
server_name: "${node.name}"
listen: "${bracketed(listenAddress(node.host))}:${node.port}"
max_payload: ${roster.batchBytes + 4096}
# With TLS alone.
tls: ${tls(false)}
jetstream {
  store_dir: "${places.store}"
  max_memory_store: 64MB
}
${cluster}
# Written anew by "ctga fleet join"; then: nats-server --signal reload
include "${NODE_FILES.users}"
`;
}

/** Members with an NKEY. Those with a certificate the operator of the bus maps to such users. */
export function usersConfig({ members }: Roster): string {
  const users = members.flatMap((member) => (member.nkey === undefined ? [] : user(member)));
  return `# Written by "ctga fleet join". A change takes effect with: nats-server --signal reload
accounts {
  FLEET {
    jetstream: enabled
    users: [
${users.join('\n')}
    ]
  }
  SYS {}
}
system_account: SYS
`;
}

function user({ name, role, nkey = '' }: RosterMember): string {
  const publish = [
    subjectOf(tells(role), name),
    ...hears(role)
      .map(streamOf)
      .flatMap((stream) => [
        `$JS.API.CONSUMER.INFO.${stream}.${name}`,
        `$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`,
        `$JS.ACK.${stream}.${name}.>`,
      ]),
    ...(role === 'site' ? [] : ['$JS.API.INFO', ...STREAMS.flatMap(mayMake), ...MAY_AGREE]),
    ...(role === 'challenger' ? mayLease(name) : []),
  ];
  return `      { nkey: ${nkey}, permissions: {
        publish: { allow: [${publish.map((subject) => `"${subject}"`).join(', ')}] }
        subscribe: { allow: ["_INBOX.${name}.>"] }
      } } # ${name}, a ${role}`;
}

const STREAMS: readonly Stream[] = ['SITES', 'FINDINGS'];

/** Who hears what sites tell makes the streams, and everybody's consumers. */
function mayMake(stream: Stream): string[] {
  return [
    `$JS.API.STREAM.INFO.${stream}`,
    `$JS.API.STREAM.CREATE.${stream}`,
    `$JS.API.STREAM.UPDATE.${stream}`,
    // From NATS 2.9 on the name of a new consumer is in the subject.
    `$JS.API.CONSUMER.CREATE.${stream}.*`,
    `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.*`,
  ];
}

/** Any lease, and of presences its own. */
function mayLease(name: string): string[] {
  return [
    `$JS.API.STREAM.CREATE.${LEASES}`,
    `$JS.API.STREAM.MSG.GET.${LEASES}`,
    keySubject(leaseKey('*')),
    keySubject(presenceKey(name)),
  ];
}

/** Who of the alerters tells: not for sites, which could suppress what others found. */
const MAY_AGREE: readonly string[] = [
  `$JS.API.STREAM.CREATE.${ALERTS}`,
  `$JS.API.STREAM.MSG.GET.${ALERTS}`,
  alertSubject('*'),
];

/** A server behind a name listens at every address. */
function listenAddress(host: string): string {
  return /^[0-9.]+$|:/.test(host) ? host : '0.0.0.0';
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
