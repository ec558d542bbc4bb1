/** `ctga attach`: watch interfaces. */
import { Command, Option } from 'commander';
import { spawnChallenger } from '../challenger/spawn.ts';
import { attachXdp, type XdpDataPlane } from '../dataplane/xdp.ts';
import { knownLogs } from '../logs/known.ts';
import { zonesOf } from '../logs/zones.ts';
import { Observer, type ObserverEvent } from '../observer/observer.ts';
import { VerifierPool } from '../observer/verifier-pool.ts';
import { watch } from '../observer/watch.ts';
import { openOrStartAnew, stateAt } from '../store/state.ts';
import type { Store } from '../store/store.ts';
import { suffix } from './logs.ts';
import { wholeNumber, withLogs, withState, type LogOptions, type StateOption } from './options.ts';
import { plural, print, printJsonLine, time, warn } from './output.ts';

interface AttachOptions extends StateOption, LogOptions {
  readonly mode?: 'native' | 'generic';
  readonly threshold: number;
  readonly everyNth: number;
  readonly challenge?: boolean;
  readonly proxy?: string;
}

export function attachCommand(): Command {
  const attach = new Command('attach')
    .description('watch interfaces: copy tree heads that pass by, verify and store them (needs root)')
    .argument('<interface...>')
    .addOption(
      new Option('--mode <mode>', 'force the XDP mode')
        .choices(['native', 'generic'])
        .default(undefined, 'native, else generic'),
    )
    .option('--threshold <bytes>', 'copy IP fragments up to this IP length', wholeNumber(28, 2000), 400)
    .option('--every-nth <n>', 'copy only every n-th match', wholeNumber(1, 0xffff_ffff), 1)
    .option('--challenge', 'also start a challenger, as a process without privileges')
    .option('--proxy <url>', "the challenger's SOCKS5 proxy (default: Tor's, socks5h://127.0.0.1:9050)")
    .addHelpText(
      'after',
      `
Every packet goes on as it came; ctga only copies. The data plane is pinned under
/sys/fs/bpf/ctga/INTERFACE: it goes on copying when this command ends, attaching again
takes over what it copied meanwhile, and "ctga detach INTERFACE" removes it.`,
    );
  return withLogs(withState(attach)).action(run);
}

async function run(interfaces: readonly string[], options: AttachOptions): Promise<void> {
  const state = stateAt(options.stateDir);
  const report: (report: Report) => void = options.json === true ? printJsonLine : printEvent;
  // Before anything is made: a signal that comes early must not leave a new data plane without its reader.
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
  const planes = attachAll([...new Set(interfaces)], options);
  try {
    const store = openOrStartAnew(state, warn);
    try {
      const logs = knownLogs(store, options.logList, warn);
      const zones = zonesOf(logs, { zones: options.zone, ...suffix(options) });
      const verifier = new VerifierPool(() => observer.endBatch(Date.now()));
      const observer: Observer = new Observer({
        zones,
        store,
        evidenceDirectory: state.evidence,
        onEvent: (event) => report(toReport(event)),
        verifier,
      });
      // The logs watched by a list of this run are needed by the challenger and `heads list` too.
      if (options.logList !== undefined) store.putLogs(logs);
      for (const { interfaceName, mode, tookOver, refusal } of planes) {
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
      if (options.json !== true) printNextSteps(zones.size, options, state.directory);
      await watchUntilSignalled(planes, observer, verifier, store, options, state.directory, stop);
      await verifier.close();
      report({ event: 'stopped', stillAttached: planes.map(({ interfaceName }) => interfaceName) });
    } finally {
      store.close();
    }
  } catch (error) {
    removeNew(planes);
    throw error;
  }
  for (const plane of planes) plane.close();
}

/** All or none: an interface that cannot be attached takes back those attached before it. */
function attachAll(interfaces: readonly string[], options: AttachOptions): XdpDataPlane[] {
  const { threshold, everyNth, mode } = options;
  const planes: XdpDataPlane[] = [];
  try {
    for (const interfaceName of interfaces) {
      planes.push(attachXdp({ interfaceName, threshold, everyNth, ...(mode === undefined ? {} : { mode }) }));
    }
    return planes;
  } catch (error) {
    removeNew(planes);
    throw error;
  }
}

function removeNew(planes: readonly XdpDataPlane[]): void {
  for (const plane of planes) {
    if (plane.tookOver) plane.close();
    else plane.detach();
  }
}

async function watchUntilSignalled(
  planes: readonly XdpDataPlane[],
  observer: Observer,
  verifier: VerifierPool,
  store: Store,
  options: AttachOptions,
  stateDirectory: string,
  stop: AbortController,
): Promise<void> {
  const challenger =
    options.challenge === true
      ? spawnChallenger([
          '--state-dir',
          stateDirectory,
          ...(options.proxy === undefined ? [] : ['--proxy', options.proxy]),
          ...(options.json === true ? ['--json'] : []),
        ])
      : undefined;
  challenger?.once('exit', (code) => {
    if (!stop.signal.aborted)
      warn(`the challenger ended with exit code ${code ?? 'by a signal'}; watching goes on without it`);
  });
  try {
    await watch(planes, observer, store, stop.signal, () => verifier.idle());
  } finally {
    stop.abort();
    challenger?.kill('SIGTERM');
  }
}

type Report =
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
      print(`Watching ${report.interface} (XDP, ${report.mode} mode${again}): ${names}.`);
      if (report.refusal !== undefined) warn(`its driver refused native mode: ${report.refusal}`);
      return;
    }
    case 'tree-head': {
      if (report.treeHead === 'seen') return;
      const how = report.reassembled > 0 ? ', reassembled from fragments' : '';
      return print(
        `${time(Date.now())}  new tree head: ${report.log}, size ${report.treeSize} (${report.interface}${how})`,
      );
    }
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

function printNextSteps(names: number, options: AttachOptions, stateDirectory: string): void {
  print(
    `  Copied: ${options.everyNth === 1 ? 'every match' : `one match in ${options.everyNth}`}, and IP fragments up to ${options.threshold} bytes. Kept in ${stateDirectory}.`,
  );
  if (names === 0)
    print('  No log has a DNS zone, so nothing will match: see "ctga logs import --help" and --zone.');
  print('  Names watched: ctga logs list. In another terminal: ctga status, ctga heads list.');
  if (options.challenge !== true)
    print(
      '  Make the logs prove what is seen: ctga challenge --once (through Tor), or attach with --challenge.',
    );
  print('  Ctrl-C stops watching.');
}
