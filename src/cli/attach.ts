// SPDX-License-Identifier: Apache-2.0
/** `ctga attach`: watch interfaces. */
import { Command, Option } from 'commander';
import { ExitCode } from '../base/errors.ts';
import { plural, shellWord, time } from '../base/text.ts';
import { switchPlaceOf } from '../dataplane/bmv2.ts';
import { nameOfMode, parsePlane, PLANE_SYNTAX } from '../dataplane/registry.ts';
import type { XdpMode } from '../dataplane/xdp.ts';
import { parseProxy } from '../http/proxy-address.ts';
import { readListedLogs } from '../logs/list.ts';
import { keptZones, type SwitchZones } from '../p4/switch-zones.ts';
import type { ObservationEvent } from '../services/observe.ts';
import { MALFORMED } from '../statements/statement.ts';
import { stateAt } from '../store/state.ts';
import { bus, FLEET_DIRECTORY } from './fleet-member.ts';
import {
  ports,
  wholeNumber,
  withLogs,
  withState,
  type LogOptions,
  type StateOption,
} from './options.ts';
import { withNextCommands } from './next.ts';
import { print, printJsonLine, warn } from './output.ts';
import { setExitCode, stopRequest } from './run.ts';

interface AttachOptions extends StateOption, LogOptions {
  readonly mode?: XdpMode;
  readonly threshold: number;
  readonly everyNth: number;
  readonly port?: readonly number[];
  readonly seen: number;
  readonly budget: number;
  readonly cpuInterface?: string;
  readonly tee?: string;
  readonly user?: string;
  readonly keepDays: number;
  readonly spool?: string;
  readonly challenge?: boolean;
  readonly proxy?: string;
  readonly publish?: string;
  readonly fleet: string;
}

export function attachCommand(): Command {
  const attach = new Command('attach')
    .description(
      'watch interfaces: copy tree heads that pass by, verify and store them (needs root)',
    )
    .argument('<interface...>', `what to watch: ${PLANE_SYNTAX}`)
    .addOption(
      new Option('--mode <mode>', 'force the mode')
        .choices(['native', 'generic', 'tc'])
        .default(undefined, 'what costs least: XDP in drivers that run it, else TC ingress'),
    )
    .option(
      '--threshold <bytes>',
      'copy IP fragments up to this IP length',
      wholeNumber(28, 2000),
      400,
    )
    .option('--every-nth <n>', 'copy only every n-th match', wholeNumber(1, 0xffff_ffff), 1)
    .option('--port <number>', 'UDP source port of answers, may be repeated (default: 53)', ports)
    .option(
      '--seen <seconds>',
      'only count an answer that was copied so recently; 0: never',
      wholeNumber(0, 86_400),
      10,
    )
    .option(
      '--budget <copies>',
      'copies a second, on each CPU and of each kind, to begin with; 0: no limit',
      wholeNumber(0, 0xffff_ffff),
      50_000,
    )
    .option(
      '--cpu-interface <name>',
      "where a P4 switch's copies arrive (default: the peer of its CPU port)",
    )
    .option(
      '--tee <path>',
      "pass resolvers' dnstap on to the reader that listens at this Unix socket",
    )
    .option(
      '--keep-days <days>',
      'after so long, only the sum of sightings of a tree head is kept; 0: keep all',
      wholeNumber(0, 36_500),
      90,
    )
    .option(
      '--spool <directory>',
      'a second place, for evidence and tree heads that the state directory does not take (default: a directory of the account in /tmp)',
    )
    .option(
      '--user <name>',
      'as root: whom to become once attached (default: ctga-observer if there is one, else ctga, else nobody)',
    )
    .option('--challenge', 'also start a challenger, as a process without privileges')
    .option(
      '--proxy <url>',
      "the challenger's SOCKS5 proxy (default: Tor's, socks5h://127.0.0.1:9050)",
    )
    .option(
      '--publish <urls>',
      'also tell a fleet what is seen, over a bus at tls://HOST,HOST,HOST, as a process without privileges',
      (text) => {
        bus(text);
        return text;
      },
    )
    .option(
      '--fleet <dir>',
      'with --publish: the directory of this site, as "ctga fleet join" made it',
      FLEET_DIRECTORY,
    )
    .addHelpText(
      'after',
      `
Every packet goes on as it came; ctga only copies. Drivers that run XDP get an XDP program; software interfaces such as
veth, where TC ingress costs less, get a tcx link (a clsact filter before Linux 6.6), which runs first there and goes
first again if another program gets before it. Another's XDP program is never replaced: ctga runs first in libxdp's
dispatcher (xdp-loader, xdp-filter), and is at TC ingress behind a program that stands alone, so it misses what that one
drops. ctga status says which hook, and why.

A P4 switch is named by its Thrift server: ctga p4 deploy sets it up first. Its copies are read at the other end of its CPU
port, and it is set up again with what is looked for whenever it comes back. Without --zone and --zone-suffix, that is what it was
deployed with; when it looks for other names than before, that is said.

A resolver is named by the socket to which it writes dnstap, such as dnstap:/run/ctga/dnstap.sock: ctga listens there
and needs no root. It sees answers over TCP, DoT and DoH too, and reads nothing of who asked. docs/RESOLVERS.md has the
configuration of unbound, knot-resolver, BIND and dnsdist.

When an interface goes away, or somebody detaches ctga by force, that is said and timed, and ctga attaches again as soon
as it can. The data plane is pinned under /sys/fs/bpf/ctga, by network namespace and interface index: it follows the
interface when that is renamed and goes on copying when this command ends, attaching again takes over what it copied
meanwhile, and "ctga detach INTERFACE" removes it.

With --publish, batches of one size go to the bus at constant intervals, whatever passed by, and what is concluded
elsewhere comes back; docs/FLEET.md has the rest. While the bus is away, what it is to be told waits in the store.`,
    );
  return withLogs(withState(attach)).action(run);
}

/** Of the challenger that is started beside: it reads the same configuration file. */
export function challengerArguments(
  directory: string,
  config: string | undefined,
  { proxy, json }: Pick<AttachOptions, 'proxy' | 'json'>,
): string[] {
  return [
    ...(config === undefined ? [] : ['--config', config]),
    ...['challenge', '--state-dir', directory],
    ...(proxy === undefined ? [] : ['--proxy', proxy]),
    ...(json === true ? ['--json'] : []),
  ];
}

/** Of what tells a fleet, which is started beside. */
export function publisherArguments(
  directory: string,
  config: string | undefined,
  { publish, fleet, json }: Pick<AttachOptions, 'publish' | 'fleet' | 'json'>,
): string[] | undefined {
  if (publish === undefined) return undefined;
  return [
    ...(config === undefined ? [] : ['--config', config]),
    ...['fleet', 'publish', '--state-dir', directory, '--bus', publish, '--fleet', fleet],
    ...(json === true ? ['--json'] : []),
  ];
}

async function run(
  names: readonly string[],
  options: AttachOptions,
  command: Command,
): Promise<void> {
  const { json, logList, zone, zoneSuffix, port, user, keepDays, spool, challenge } = options;
  const state = stateAt(options.stateDir);
  const { config } = command.optsWithGlobals<{ config?: string }>();
  if (options.proxy !== undefined) parseProxy(options.proxy);
  // Read as root, if this is root: the observer's own account may not.
  const logs = logList === undefined ? undefined : readListedLogs(logList, warn);
  const { observe } = await import('../services/observe.ts');
  // Before anything is made: a signal that comes early must not leave a new data plane without its
  // reader.
  const stop = stopRequest();
  const endedWell = await observe(
    {
      state,
      planes: [...new Set(names)].map(parsePlane),
      planeOptions: {
        threshold: options.threshold,
        everyNth: options.everyNth,
        seenMilliseconds: options.seen * 1000,
        answersPerSecond: options.budget,
        fragmentsPerSecond: options.budget,
        mode: options.mode,
        cpuInterface: options.cpuInterface,
        tee: options.tee,
      },
      logs,
      zones: zonesFor(names, { zones: zone, zoneSuffix }, state.directory),
      ports: port,
      user,
      keepMilliseconds: keepDays === 0 ? undefined : keepDays * 86_400_000,
      secondPlace: spool,
      challenger:
        challenge === true ? challengerArguments(state.directory, config, options) : undefined,
      publisher: publisherArguments(state.directory, config, options),
      onEvent: (event) => {
        if (json === true) printJsonEvent(event);
        else if (event.event === 'observing') printNextSteps(event, options, state.directory);
        else printEvent(event);
      },
      warn,
    },
    stop,
  );
  if (!endedWell) setExitCode(ExitCode.failed);
}

/** Whoever gives no zones means those that a switch was deployed with. */
function zonesFor(names: readonly string[], given: SwitchZones, directory: string): SwitchZones {
  if (given.zones.length > 0 || given.zoneSuffix !== undefined) return given;
  const kept = names.flatMap((name) => {
    const place = switchPlaceOf(name);
    return (place && keptZones(directory, place)) ?? [];
  });
  return {
    zones: kept.flatMap(({ zones }) => zones),
    zoneSuffix: kept.find(({ zoneSuffix }) => zoneSuffix !== undefined)?.zoneSuffix,
  };
}

function printJsonEvent(event: ObservationEvent): void {
  switch (event.event) {
    case 'observing':
      return;
    case 'tree-head': {
      const { head, log, source, count, reassembled, isNew } = event;
      const { treeSize, timestamp, rootHash } = head;
      return printJsonLine({
        event: 'tree-head',
        log: log.description,
        treeSize,
        timestamp,
        rootHash,
        treeHead: isNew ? 'new' : 'seen',
        interface: source,
        count,
        reassembled,
      });
    }
    case 'fork-proven':
      return printJsonLine({ ...event, log: event.log.description });
    case 'malformed-head': {
      const { head, log, source } = event;
      const { timestamp, rootHash } = head;
      return printJsonLine({
        event: 'malformed-head',
        log: log.description,
        timestamp,
        rootHash,
        interface: source,
      });
    }
    default:
      return printJsonLine(event);
  }
}

function printEvent(event: Exclude<ObservationEvent, { readonly event: 'observing' }>): void {
  switch (event.event) {
    case 'attached': {
      const again = event.tookOver ? ', taken over as it was' : '';
      const names = `${plural(event.names, 'DNS name')} of ${plural(event.logs, 'log')}`;
      print(`Watching ${event.interface} (${nameOfMode(event.mode)}${again}): ${names}.`);
      if (event.why !== undefined) print(`  Why there: ${event.why}.`);
      return;
    }
    case 'tree-head': {
      if (!event.isNew) return;
      const { head, log, source, reassembled } = event;
      const how = reassembled > 0 ? ', reassembled from fragments' : '';
      return print(
        `${time(Date.now())}  new tree head: ${log.description}, size ${head.treeSize} (${source}${how})`,
      );
    }
    case 'blind':
      return warn(
        `${event.interface} is blind since ${time(event.since)}: ${event.why ?? 'it went away, or ctga was taken off by force'}`,
      );
    case 'still-blind':
      return warn(`${event.interface} is still blind: ${event.message}`);
    case 'seeing-again':
      return print(
        `${time(Date.now())}  ${event.interface} is watched again (${nameOfMode(event.mode)}), after ${(event.blindMilliseconds / 1000).toFixed(1)} s`,
      );
    case 'names-changed':
      return print(
        [
          `${time(Date.now())}  the switch of ${event.interface} looks for other names:`,
          ...changeOf('added', event.added),
          ...changeOf('removed', event.removed),
        ].join('\n'),
      );
    case 'detached':
      return print(
        `${time(Date.now())}  ${event.interface} was detached: it is left alone from now on`,
      );
    case 'renamed':
      return print(
        `${time(Date.now())}  ${event.interface} is named ${event.to} now, and watched as before; the next "ctga attach" takes that name`,
      );
    case 'overtaken':
      return warn(
        `${event.interface}: ${event.by.join(', ')} came first and may have kept packets from ctga${event.isFirstAgain ? ', which is first again' : ''}`,
      );
    case 'mtu-changed':
      return print(
        `${time(Date.now())}  ${event.interface}: the MTU is ${event.to} now, and was ${event.from}`,
      );
    case 'fork-proven':
      print(
        `${time(Date.now())}  SPLIT VIEW PROVEN: ${event.log.description} signed two trees of size ${event.treeSize}`,
      );
      return print(`  Evidence: ${event.evidence}`);
    case 'malformed-head':
      return warn(
        `malformed tree head of ${event.log.description} (${event.source}): ${MALFORMED}. It is a mistake of the log and no split view.`,
      );
    case 'store-failed':
      return warn(`the store cannot be written, tree heads wait in memory: ${event.message}`);
    case 'not-stored': {
      const { left, lost, secondPlace } = event;
      const places = ['the state directory', ...(secondPlace === undefined ? [] : [secondPlace])];
      if (left > 0)
        warn(
          `${plural(left, 'tree head')} could not be stored, and ${left === 1 ? 'waits' : 'wait'} for the next "ctga attach" in ${places.join(' or ')}`,
        );
      if (lost > 0)
        warn(
          `${plural(lost, 'copied answer')} could be written nowhere and ${lost === 1 ? 'is' : 'are'} lost`,
        );
      return;
    }
    case 'stopped':
      return printStopped(event);
  }
}

/** More than so many names are counted. */
const NAMES_LISTED = 5;

function changeOf(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const rest = names.length - NAMES_LISTED;
  const more = rest > 0 ? `, and ${rest} more` : '';
  return [`  ${what}: ${names.slice(0, NAMES_LISTED).join(', ')}${more}`];
}

function printStopped({
  stillAttached,
  blind,
  isKnown,
}: Extract<ObservationEvent, { readonly event: 'stopped' }>): void {
  print('Stopped.');
  const names = stillAttached.map(shellWord).join(' ');
  if (!isKnown)
    return print(
      withNextCommands('  What was attached may be attached still. To see it, run: ctga status'),
    );
  if (names !== '')
    print(
      withNextCommands(
        `  The data plane goes on copying: "ctga attach ${names}" takes over, "ctga detach ${names}" removes it.`,
      ),
    );
  const blindNames = blind.map(shellWord).join(' ');
  if (blindNames !== '')
    print(
      withNextCommands(
        `  Nothing is copied at ${blind.join(', ')}: "ctga attach ${blindNames}" watches again, "ctga detach ${blindNames}" clears away what is left.`,
      ),
    );
}

function printNextSteps(
  { names, account }: Extract<ObservationEvent, { readonly event: 'observing' }>,
  { everyNth, threshold, challenge }: AttachOptions,
  stateDirectory: string,
): void {
  const matches = everyNth === 1 ? 'every match' : `one match in ${everyNth}`;
  const owner = account === undefined ? '' : `, as ${account}`;
  print(
    `  Copied: ${matches}, and IP fragments up to ${threshold} bytes. Kept in ${stateDirectory}${owner}.`,
  );
  if (names === 0)
    print(
      '  No log has a DNS zone, so nothing will match: see "ctga logs import --help" and --zone.',
    );
  const steps: [string, string][] = [
    ['Names that are watched', 'ctga logs list'],
    ['What was seen, in another terminal', 'ctga status'],
    ['Each tree head', 'ctga heads list'],
  ];
  if (challenge !== true)
    steps.push(['To make the logs prove it, through Tor', 'ctga challenge --once']);
  for (const [what, command] of steps) print(`  ${what}: ${withNextCommands(command)}`);
  print('  Ctrl-C stops watching.');
}
