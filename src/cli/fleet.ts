// SPDX-License-Identifier: Apache-2.0
/** `ctga fleet`: a fleet of sites and collectors over a bus. */
import { isIP } from 'node:net';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { MemberRole } from '../fleet/roster.ts';
import { plural, shellWord, utc } from '../base/text.ts';
import { badInput } from '../base/errors.ts';
import { stateAt } from '../store/state.ts';
import {
  busOption,
  FLEET_DIRECTORY,
  runFleetMember,
  type FleetMemberOptions,
} from './fleet-member.ts';
import { repeated, wholeNumber, withState, type StateOption } from './options.ts';
import { print, printHanging, printJsonLine, printTable } from './output.ts';

export function fleetCommand(): Command {
  return new Command('fleet')
    .description('found a fleet, have sites and collectors join it, and see how they are')
    .addCommand(initCommand())
    .addCommand(joinCommand())
    .addCommand(publishCommand())
    .addCommand(statusCommand())
    .addCommand(headsCommand());
}

interface NodeGiven {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

function initCommand(): Command {
  return new Command('init')
    .description('make a directory with the configuration, keys and certificates of a bus')
    .argument('<dir>', 'the directory of the fleet; it holds secrets of all of it')
    .addOption(
      repeated(
        '--node <name=host>',
        'a server of the bus, as NAME=HOST or NAME=HOST:PORT (default port: 4222, and 2000 more between servers); give three',
        node,
      ).makeOptionMandatory(),
    )
    .option('--name <name>', 'what the fleet is called', name, 'ctga')
    .option('--json', 'print JSON for scripts')
    .action(runInit);
}

async function runInit(
  directory: string,
  options: { readonly node: readonly NodeGiven[]; readonly name: string; readonly json?: boolean },
): Promise<void> {
  const { node: nodes, name: fleet, json } = options;
  if (new Set(nodes.map((each) => each.name)).size < nodes.length)
    throw badInput('two nodes have one name', 'Give each --node a name of its own.');
  const withCluster = nodes.map((each) => ({ ...each, clusterPort: each.port + CLUSTER_OFFSET }));
  const addresses = withCluster.flatMap(({ host, port, clusterPort }) =>
    [port, clusterPort].map((each) => `${host.toLowerCase()} ${each}`),
  );
  if (new Set(addresses).size < addresses.length)
    throw badInput(
      'two nodes have one address',
      `Give one of them another port: NAME=HOST:PORT. Servers meet at that and ${CLUSTER_OFFSET} more.`,
    );
  const { foundFleet } = await import('../fleet/found.ts');
  const founded = foundFleet(directory, fleet, withCluster, Date.now());
  if (json === true) return printJsonLine({ fleet, directory, nodes: founded.nodes });
  print(`The fleet ${fleet} is in ${directory}. Keep it where nobody else reads it.`);
  if (nodes.length < 3)
    print(
      `  With ${plural(nodes.length, 'server')} the bus stands still when one is down: three go on.`,
    );
  for (const { name: own, directory: files } of founded.nodes)
    print(
      `  Bring ${files} to ${own} as /etc/ctga-bus, and run there: nats-server -c /etc/ctga-bus/nats-server.conf`,
    );
  print(`  Then, for each site and collector: ctga fleet join NAME --dir ${shellWord(directory)}`);
}

/** From the port of clients to that between servers: 6222, as is usual. */
const CLUSTER_OFFSET = 2000;

function joinCommand(): Command {
  return new Command('join')
    .description('make the keys of a site, a collector or a challenger, and let it in')
    .argument('<name>', 'what it is called, in small letters, digits and hyphens', name)
    .requiredOption('--dir <dir>', 'the directory of the fleet, as "ctga fleet init" made it')
    .addOption(
      new Option('--role <role>', 'what it is')
        .choices(['site', 'collector', 'challenger'])
        .default('site'),
    )
    .option('--json', 'print JSON for scripts')
    .action(runJoin);
}

async function runJoin(
  member: string,
  options: { readonly dir: string; readonly role: MemberRole; readonly json?: boolean },
): Promise<void> {
  const { dir, role, json } = options;
  const { joinFleet } = await import('../fleet/found.ts');
  const joined = joinFleet(dir, member, role);
  if (json === true) return printJsonLine({ member, role, ...joined });
  print(`${member} is a ${role} of the fleet. Its keys are in ${joined.directory}.`);
  print(`  1. Bring that directory to its machine as ${FLEET_DIRECTORY}.`);
  print(
    `  2. Bring each server its new users.conf (${joined.users.join(', ')}), and run there: nats-server --signal reload`,
  );
  print(
    `  3. Bring ${joined.roster} to the other members, into ${FLEET_DIRECTORY}; they read it anew within a minute.`,
  );
  const command = {
    site: 'ctga attach INTERFACE --publish',
    collector: 'ctga collect --bus',
    challenger: 'ctga challenge --subscribe',
  }[role];
  print(`  4. There: ${command} ${joined.bus}`);
}

function publishCommand(): Command {
  const publish = new Command('publish')
    .description('tell the fleet what this store has; "ctga attach --publish" starts it')
    .addOption(busOption().makeOptionMandatory())
    .option(
      '--fleet <dir>',
      'the directory of this site, as "ctga fleet join" made it',
      FLEET_DIRECTORY,
    )
    .option(
      '--user <name>',
      'if started as root: the account to run as (default: ctga-fleet if it exists, else ctga, else nobody)',
    );
  return withState(publish).action((options: FleetMemberOptions) =>
    runFleetMember(['site'], options),
  );
}

function statusCommand(): Command {
  const status = new Command('status').description(
    'show which members this one hears, and what is missing or was refused of each',
  );
  return withState(status).action(runStatus);
}

async function runStatus({ stateDir, json }: StateOption): Promise<void> {
  const { memberStatus } = await import('../services/fleet-status.ts');
  const { fleet, publishing, members } = memberStatus(stateAt(stateDir));
  if (json === true)
    return printJsonLine({
      publishing,
      fleet: fleet && { name: fleet.fleet, self: fleet.self, role: fleet.role },
      members,
      fromNobody: fleet?.fromNobody ?? 0,
    });
  if (publishing !== undefined) {
    const { waiting, givenUp } = publishing;
    print(
      `${plural(waiting, 'tree head')} of this store ${waiting === 1 ? 'waits' : 'wait'} to be told${givenUp > 0 ? `; ${givenUp} were given up` : ''}.`,
    );
  }
  if (fleet === undefined || members.length === 0)
    return print('No other member of a fleet was heard here.');
  const silent = members.filter(({ hearing }) => hearing === 'silent').length;
  const unheard = members.filter(({ hearing }) => hearing === 'never').length;
  print(
    `${fleet.self}, a ${fleet.role} of the fleet ${fleet.fleet}, hears ${plural(members.length - silent - unheard, 'member')}${silent > 0 ? `; ${silent} fell silent` : ''}${unheard > 0 ? `; ${unheard} never heard` : ''}.`,
  );
  printTable(
    [
      'MEMBER',
      'ROLE',
      'STATE',
      { title: 'LAST HEARD (UTC)', is: 'whole' },
      { title: 'BATCHES', is: 'number' },
      { title: 'MISSING', is: 'number' },
      { title: 'WAITING', is: 'number' },
      { title: 'GIVEN UP', is: 'number' },
    ],
    members.map((each) => ({
      cells: [
        each.member,
        each.role,
        each.hearing,
        each.lastHeard === undefined ? '' : utc(each.lastHeard),
        String(each.batches),
        String(each.missing),
        String(each.waiting),
        String(each.givenUp),
      ],
      notes: Object.entries(each.refused).map(
        ([reason, count]) => `refused, ${plural(count, 'time')}: ${reason}`,
      ),
    })),
  );
}

function headsCommand(): Command {
  const heads = new Command('heads')
    .description('show which sites saw which tree, of a collector: split views first')
    .option('--limit <n>', 'the last so many tree heads that were new', wholeNumber(0), 20);
  return withState(heads).action(runHeads);
}

async function runHeads({
  stateDir,
  json,
  limit,
}: StateOption & { readonly limit: number }): Promise<void> {
  const { treesAtSites } = await import('../services/fleet-status.ts');
  const { treeToJson } = await import('../fleet/sites.ts');
  const { sites, contested, latest, nameOf } = treesAtSites(stateAt(stateDir), limit);
  if (json === true)
    return printJsonLine({
      sites,
      contested: contested.map(({ logId, evidence, trees }) => ({
        log: nameOf(logId),
        evidence,
        trees: trees.map(treeToJson),
      })),
      latest: latest.map((each) => ({ log: nameOf(each.tree.logId), ...treeToJson(each) })),
    });
  for (const { logId, evidence, trees } of contested) {
    print(`SPLIT VIEW: ${nameOf(logId)}`);
    // In a store that is of no fleet, nothing is known of sites.
    for (const each of sites === 0 ? [] : trees) {
      const { treeSize, rootHash } = each.tree;
      const where = each.sites.length > 0 ? `: ${each.sites.join(', ')}` : '';
      const old = each.isRolledUp ? '; longer ago at sites that are not known any more' : '';
      print(
        `  size ${treeSize}, root ${shortRoot(rootHash)}: seen at ${of(each.sites.length, sites)}${where}${old}`,
      );
    }
    print(`  Evidence: ${evidence}`);
  }
  if (sites === 0)
    return printHanging('This store knows of no site of a fleet. What it has: ctga heads list');
  if (contested.length + latest.length === 0) return print('No tree heads were collected yet.');
  if (latest.length === 0) return;
  printTable(
    [
      'LOG',
      { title: 'TREE SIZE', is: 'number' },
      { title: 'ROOT', is: 'whole' },
      'SEEN AT',
      'VERDICT',
    ],
    latest.map(({ tree, sites: at }) => ({
      cells: [
        nameOf(tree.logId),
        tree.treeSize.toString(),
        shortRoot(tree.rootHash),
        of(at.length, sites),
        tree.verdict,
      ],
    })),
  );
}

function of(count: number, sites: number): string {
  return `${count} of ${plural(sites, 'site')}`;
}

function shortRoot(root: Uint8Array): string {
  return Buffer.from(root).toString('hex', 0, 4);
}

function name(text: string): string {
  if (/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError('want 1 to 32 small letters, digits and hyphens.');
}

function node(text: string): NodeGiven {
  const [, own = '', bracketed, plain, port = '4222'] =
    /^([a-z0-9-]+)=(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '';
  const number = Number(port);
  const isHost = bracketed === undefined ? isIP(host) === 4 || isHostName(host) : isIP(host) === 6;
  if (!isHost || number < 1 || number > 65_535 - CLUSTER_OFFSET)
    throw new InvalidArgumentError(
      'want NAME=HOST or NAME=HOST:PORT, with an IPv6 address in brackets.',
    );
  return { name: name(own), host, port: number };
}

/** And no address with a number too many, or too large. */
function isHostName(text: string): boolean {
  const labels = text.split('.');
  const isLabel = (label: string): boolean => /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/.test(label);
  return text.length <= 253 && labels.every(isLabel) && !/^[0-9]+$/.test(labels.at(-1) ?? '');
}
