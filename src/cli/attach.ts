/** `ctga attach`: watch interfaces. */
import { Command, Option } from 'commander';
import type { ChildProcess } from 'node:child_process';
import { spawnChallenger } from '../challenger/spawn.ts';
import { attachBmv2, SwitchKeeper, type AttachedBmv2 } from '../dataplane/bmv2.ts';
import { Keeper, type SupervisionEvent } from '../dataplane/keeper.ts';
import {
  attachXdp,
  mapsNeedNoRights,
  type AttachXdpOptions,
  type XdpDataPlane,
  type XdpMode,
} from '../dataplane/xdp.ts';
import { ExitCode } from '../base/errors.ts';
import { plural, time } from '../base/text.ts';
import { knownLogs } from '../store/known-logs.ts';
import { readLogList } from '../logs/list.ts';
import { zonesOf } from '../logs/zones.ts';
import { Observer, type ObserverEvent } from '../observer/observer.ts';
import { VerifierPool } from '../observer/verifier-pool.ts';
import { watch } from '../observer/watch.ts';
import { dropPrivileges, OBSERVER_ACCOUNTS } from '../services/privileges.ts';
import { ServiceNotice } from '../services/notice.ts';
import { recordFoundEvidence } from '../upkeep/found-evidence.ts';
import { CtOverDns } from '../sources/ct-over-dns/source.ts';
import { StoreInUse } from '../upkeep/in-use.ts';
import { stateAt, type State } from '../store/state.ts';
import type { Store } from '../store/store.ts';
import { BLIND, nameOfMode } from './status.ts';
import {
  placeOf,
  ports,
  wholeNumber,
  withLogs,
  withState,
  type LogOptions,
  type StateOption,
} from './options.ts';
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
  readonly user?: string;
  readonly keepDays: number;
  readonly challenge?: boolean;
  readonly proxy?: string;
}

export function attachCommand(): Command {
  const attach = new Command('attach')
    .description(
      'watch interfaces: copy tree heads that pass by, verify and store them (needs root)',
    )
    .argument(
      '<interface...>',
      'network interfaces, or bmv2:PORT and bmv2:HOST:PORT for a P4 switch',
    )
    .addOption(
      new Option('--mode <mode>', 'force the mode')
        .choices(['native', 'generic', 'tc'])
        .default(undefined, 'XDP, native or else generic; else TC ingress'),
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
      '--keep-days <days>',
      'after so long, only the sum of sightings of a tree head is kept; 0: keep all',
      wholeNumber(0, 36_500),
      90,
    )
    .option(
      '--user <name>',
      'as root: whom to become once attached (default: ctga if there is one, else nobody)',
    )
    .option('--challenge', 'also start a challenger, as a process without privileges')
    .option(
      '--proxy <url>',
      "the challenger's SOCKS5 proxy (default: Tor's, socks5h://127.0.0.1:9050)",
    )
    .addHelpText(
      'after',
      `
Every packet goes on as it came; ctga only copies. Where an interface takes no XDP program, or has another's, which is
never replaced, ctga looks at TC ingress: behind that program, so it misses what the program drops.

A P4 switch is named by its Thrift server: ctga p4 deploy sets it up first. Its copies are read at the other end of its CPU
port, and it is set up again with what is looked for whenever it comes back.

When an interface goes away, or somebody detaches ctga by force, that is said and timed, and ctga attaches again as soon
as it can. The data plane is pinned under
/sys/fs/bpf/ctga/INTERFACE: it goes on copying when this command ends, attaching again
takes over what it copied meanwhile, and "ctga detach INTERFACE" removes it.`,
    );
  return withLogs(withState(attach)).action(run);
}

async function run(interfaces: readonly string[], options: AttachOptions): Promise<void> {
  const state = stateAt(options.stateDir);
  const report: (report: Report) => void = options.json === true ? printJsonLine : printEvent;
  // Before anything is made: a signal that comes early must not leave a new data plane without its
  // reader.
  const stop = new AbortController();
  stopRequest().addEventListener('abort', () => stop.abort(), { once: true });
  // Read as root, where this is root: the observer's own account may not.
  const listed = options.logList === undefined ? undefined : readLogList(options.logList).logs;
  const attached = await attachAll([...new Set(interfaces)], options);
  const planes = attached.map(({ plane }) => plane);
  const keeper = Keeper.start(attached.map(({ kept }) => kept));
  let challenger: ChildProcess | undefined;
  try {
    if (options.challenge === true) challenger = startChallenger(options, state.directory, stop);
    const account = becomeObserver(state, options.user);
    // Those of a list of this run are needed by the challenger and `heads list` too, and all in a
    // database that is new.
    let logs = listed ?? [];
    const storeFile = new StoreInUse({
      state,
      onSetAside: warn,
      onOpened: (opened) => {
        recordFoundEvidence(opened, state.evidence);
        opened.logs.put(logs);
      },
    });
    const { store } = storeFile;
    try {
      if (listed === undefined) logs = knownLogs(store, undefined, warn);
      const zones = zonesOf(logs, { zones: options.zone, zoneSuffix: options.zoneSuffix });
      const verifier = new VerifierPool(() => observer.endBatch(Date.now()));
      const observer: Observer = new Observer({
        sources: [new CtOverDns(zones, options.port)],
        store,
        storeFile,
        evidenceDirectory: state.evidence,
        onEvent: (event) => report(toReport(event)),
        verifier,
      });
      for (const { plane, mode } of attached) {
        const { interfaceName, tookOver, refusal } = plane;
        const logCount = new Set(zones.values()).size;
        report({
          event: 'attached',
          interface: interfaceName,
          mode,
          refusal,
          tookOver,
          logs: logCount,
          names: zones.size,
        });
      }
      const notice = new ServiceNotice(
        `watching ${planes.map((plane) => plane.interfaceName).join(', ')}`,
      );
      if (options.json !== true) printNextSteps(zones.size, options, state.directory, account);
      const surveillance: Surveillance = { blind: new Map(), gone: new Set() };
      const lookAfter = supervisor(planes.length, surveillance, store, stop, report);
      keeper.listen(lookAfter, (how) => {
        warn(`what keeps the data planes attached ended by itself: ${how}`);
        setExitCode(ExitCode.failed);
        stop.abort();
      });
      const switches = attached.flatMap(({ bmv2 }) =>
        bmv2 === undefined ? [] : [new SwitchKeeper(bmv2, observer.matchRules, lookAfter)],
      );
      try {
        await watch(planes, observer, store, stop.signal, {
          settled: () => verifier.idle(),
          blindSince: (name) => surveillance.blind.get(name),
          storeFile,
          keepMilliseconds: options.keepDays === 0 ? undefined : options.keepDays * 86_400_000,
        });
      } finally {
        notice.stopping();
        stop.abort();
        await Promise.all(switches.map((each) => each.stop()));
      }
      for (const name of surveillance.gone) store.planes.forget(name);
      for (const plane of planes) plane.close();
      await verifier.close();
      report({ event: 'stopped', stillAttached: planes.map(({ interfaceName }) => interfaceName) });
    } finally {
      store.close();
    }
  } catch (error) {
    // What was made is removed by whom who still may; what was taken over goes on.
    for (const plane of planes) plane.close();
    await keeper.detach(
      planes.filter(({ tookOver }) => !tookOver).map((plane) => plane.interfaceName),
    );
    throw error;
  } finally {
    stop.abort();
    challenger?.kill('SIGTERM');
    keeper.stop();
  }
}

/** Returns the account's name; undefined where this process stays who it is. */
function becomeObserver(state: State, user: string | undefined): string | undefined {
  if (process.geteuid?.() === 0 && user === undefined && !mapsNeedNoRights()) {
    warn(
      'this kernel lets nobody but root read what was copied: it stays root (Linux 5.19 needs that no more)',
    );
    return undefined;
  }
  return dropPrivileges(state, user, OBSERVER_ACCOUNTS);
}

/** What was attached, how it is called, and how it is attached again. */
interface Attached {
  readonly plane: XdpDataPlane;
  readonly mode: string;
  readonly kept: AttachXdpOptions;
  readonly bmv2?: AttachedBmv2;
}

/** All or none: an interface that cannot be attached takes back those attached before it. */
async function attachAll(
  interfaces: readonly string[],
  options: AttachOptions,
): Promise<Attached[]> {
  const attached: Attached[] = [];
  try {
    for (const name of interfaces) attached.push(await attachOne(name, options));
    return attached;
  } catch (error) {
    for (const { plane } of attached) {
      if (plane.tookOver) plane.close();
      else plane.detach();
    }
    throw error;
  }
}

async function attachOne(name: string, options: AttachOptions): Promise<Attached> {
  const { threshold, everyNth, mode, seen, budget, cpuInterface } = options;
  const settings = {
    threshold,
    everyNth,
    seenMilliseconds: seen * 1000,
    answersPerSecond: budget,
    fragmentsPerSecond: budget,
    mode,
  };
  const place = placeOf(name);
  if (place === undefined) {
    const kept = { ...settings, interfaceName: name };
    const plane = attachXdp(kept);
    return { plane, mode: plane.mode, kept };
  }
  const bmv2 = await attachBmv2({ ...settings, place, cpuInterface });
  return { plane: bmv2.plane, mode: 'bmv2', kept: bmv2.options, bmv2 };
}

/** Of interfaces by name. */
interface Surveillance {
  /** Since when, in ms since the epoch. */
  readonly blind: Map<string, number>;
  /** Detached by hand: they are not missed. */
  readonly gone: Set<string>;
}

/** When the last interface was detached by hand, there is nothing left to do. */
function supervisor(
  interfaces: number,
  { blind, gone }: Surveillance,
  store: Pick<Store, 'counters'>,
  stop: AbortController,
  report: (event: SupervisionEvent) => void,
): (event: SupervisionEvent) => void {
  let left = interfaces;
  return (event) => {
    report(event);
    if (event.event === 'blind') blind.set(event.interface, event.since);
    if (event.event === 'seeing-again') {
      blind.delete(event.interface);
      store.counters.add(event.interface, { [BLIND]: event.blindMilliseconds });
    }
    if (event.event !== 'detached') return;
    gone.add(event.interface);
    if (--left === 0) stop.abort();
  };
}

/** Before root is given up: it is to become another account than ours. */
function startChallenger(
  options: AttachOptions,
  stateDirectory: string,
  stop: AbortController,
): ChildProcess {
  const challenger = spawnChallenger([
    '--state-dir',
    stateDirectory,
    ...(options.proxy === undefined ? [] : ['--proxy', options.proxy]),
    ...(options.json === true ? ['--json'] : []),
  ]);
  challenger.once('exit', (code) => {
    if (!stop.signal.aborted)
      warn(
        `the challenger ended with exit code ${code ?? 'by a signal'}; watching goes on without it`,
      );
  });
  return challenger;
}

type Report =
  | SupervisionEvent
  | {
      readonly event: 'attached';
      readonly interface: string;
      readonly mode: string;
      /** Why the driver refused native mode, if it did. */
      readonly refusal: string | undefined;
      readonly tookOver: boolean;
      readonly logs: number;
      readonly names: number;
    }
  | {
      readonly event: 'tree-head';
      readonly log: string;
      readonly treeSize: bigint;
      readonly timestamp: bigint;
      readonly rootHash: Uint8Array;
      readonly treeHead: 'new' | 'seen';
      readonly interface: string;
      /** Sightings since the last report, and how many of them came as fragments. */
      readonly count: number;
      readonly reassembled: number;
    }
  | {
      readonly event: 'fork-proven';
      readonly log: string;
      readonly treeSize: bigint;
      readonly evidence: string;
    }
  | { readonly event: 'store-failed'; readonly message: string }
  | { readonly event: 'stopped'; readonly stillAttached: readonly string[] };

function toReport(event: ObserverEvent): Report {
  switch (event.event) {
    case 'tree-head': {
      const { head, log, source, count, reassembled, isNew } = event;
      const { treeSize, timestamp, rootHash } = head;
      const treeHead = isNew ? 'new' : 'seen';
      return {
        event: 'tree-head',
        log: log.description,
        treeSize,
        timestamp,
        rootHash,
        treeHead,
        interface: source,
        count,
        reassembled,
      };
    }
    case 'fork-proven':
      return { ...event, log: event.log.description };
    case 'store-failed':
      return event;
  }
}

function printEvent(report: Report): void {
  switch (report.event) {
    case 'attached': {
      const again = report.tookOver ? ', taken over as it was' : '';
      const names = `${plural(report.names, 'DNS name')} of ${plural(report.logs, 'log')}`;
      print(`Watching ${report.interface} (${nameOfMode(report.mode)}${again}): ${names}.`);
      if (report.refusal !== undefined) warn(`no better mode is possible: ${report.refusal}`);
      return;
    }
    case 'tree-head': {
      if (report.treeHead === 'seen') return;
      const how = report.reassembled > 0 ? ', reassembled from fragments' : '';
      return print(
        `${time(Date.now())}  new tree head: ${report.log}, size ${report.treeSize} (${report.interface}${how})`,
      );
    }
    case 'blind':
      return warn(
        `${report.interface} is blind since ${time(report.since)}: it went away, or ctga was taken off by force`,
      );
    case 'still-blind':
      return warn(`${report.interface} is still blind: ${report.message}`);
    case 'seeing-again':
      return print(
        `${time(Date.now())}  ${report.interface} is watched again (${nameOfMode(report.mode)}), after ${(report.blindMilliseconds / 1000).toFixed(1)} s`,
      );
    case 'detached':
      return print(
        `${time(Date.now())}  ${report.interface} was detached: it is left alone from now on`,
      );
    case 'mtu-changed':
      return print(
        `${time(Date.now())}  ${report.interface}: the MTU is ${report.to} now, and was ${report.from}`,
      );
    case 'fork-proven':
      print(
        `${time(Date.now())}  SPLIT VIEW PROVEN: ${report.log} signed two trees of size ${report.treeSize}`,
      );
      return print(`  Evidence: ${report.evidence}`);
    case 'store-failed':
      return warn(`the store cannot be written, tree heads wait in memory: ${report.message}`);
    case 'stopped': {
      const names = report.stillAttached.join(' ');
      return print(
        `Stopped. The data plane goes on copying: "ctga attach ${names}" takes over, "ctga detach ${names}" removes it.`,
      );
    }
  }
}

function printNextSteps(
  names: number,
  options: AttachOptions,
  stateDirectory: string,
  account: string | undefined,
): void {
  print(
    `  Copied: ${options.everyNth === 1 ? 'every match' : `one match in ${options.everyNth}`}, and IP fragments up to ${options.threshold} bytes. Kept in ${stateDirectory}${account === undefined ? '' : `, as ${account}`}.`,
  );
  if (names === 0)
    print(
      '  No log has a DNS zone, so nothing will match: see "ctga logs import --help" and --zone.',
    );
  print('  Names watched: ctga logs list. In another terminal: ctga status, ctga heads list.');
  if (options.challenge !== true)
    print(
      '  Make the logs prove what is seen: ctga challenge --once (through Tor), or attach with --challenge.',
    );
  print('  Ctrl-C stops watching.');
}
