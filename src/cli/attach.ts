/** `ctga attach`: watch interfaces. */
import { Command, Option } from 'commander';
import { spawnChallenger } from '../challenger/spawn.ts';
import { attachXdp, type XdpDataPlane } from '../dataplane/xdp.ts';
import { knownLogs } from '../logs/known.ts';
import { zonesOf } from '../logs/zones.ts';
import { Observer, type ObserverEvent } from '../observer/observer.ts';
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
  const report = options.json === true ? printJsonLine : printEvent;
  const planes = attachAll([...new Set(interfaces)], options);
  try {
    const store = openOrStartAnew(state, warn);
    try {
      const logs = knownLogs(store, options.logList, warn);
      const zones = zonesOf(logs, { zones: options.zone, ...suffix(options) });
      const observer = new Observer({
        zones,
        store,
        evidenceDirectory: state.evidence,
        onEvent: (event) => report(toReport(event)),
      });
      // The logs watched by a list of this run are needed by the challenger and `heads list` too.
      if (options.logList !== undefined) store.putLogs(logs);
      for (const { interfaceName, mode, tookOver, nativeRefusal } of planes) {
        const logCount = new Set(zones.values()).size;
        report({
          event: 'attached',
          interface: interfaceName,
          mode,
          nativeRefusal,
          tookOver,
          logs: logCount,
          names: zones.size,
        });
      }
      if (options.json !== true) printNextSteps(zones.size, options, state.directory);
      await watchUntilSignalled(planes, observer, store, options, state.directory);
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
  store: Store,
  options: AttachOptions,
  stateDirectory: string,
): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
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
    await watch(planes, observer, store, stop.signal);
  } finally {
    stop.abort();
    challenger?.kill('SIGTERM');
  }
}

type Report = Record<string, unknown> & { readonly event: string };

function toReport(event: ObserverEvent): Report {
  switch (event.event) {
    case 'tree-head': {
      const { head, log, source, count, reassembled, isNew } = event;
      const { treeSize, timestamp, rootHash } = head;
      return {
        event: event.event,
        log: log.description,
        treeSize,
        timestamp,
        rootHash,
        treeHead: isNew ? 'new' : 'seen',
        interface: source,
        count,
        reassembled,
      };
    }
    case 'fork-proven':
      return {
        event: event.event,
        log: event.log.description,
        treeSize: event.treeSize,
        evidence: event.evidence,
      };
    case 'store-failed':
      return { ...event };
  }
}

function printEvent(report: Report): void {
  const { event } = report;
  if (event === 'attached') {
    const again = report['tookOver'] === true ? ', taken over as it was' : '';
    print(
      `Watching ${String(report['interface'])} (XDP, ${String(report['mode'])} mode${again}): ${plural(Number(report['names']), 'DNS name')} of ${plural(Number(report['logs']), 'log')}.`,
    );
    if (report['nativeRefusal'] !== undefined)
      warn(`its driver refused native mode: ${String(report['nativeRefusal'])}`);
  } else if (event === 'tree-head' && report['treeHead'] === 'new') {
    const how = Number(report['reassembled']) > 0 ? ', reassembled from fragments' : '';
    print(
      `${time(Date.now())}  new tree head: ${String(report['log'])}, size ${String(report['treeSize'])} (${String(report['interface'])}${how})`,
    );
  } else if (event === 'fork-proven') {
    print(
      `${time(Date.now())}  SPLIT VIEW PROVEN: ${String(report['log'])} signed two trees of size ${String(report['treeSize'])}`,
    );
    print(`  Evidence: ${String(report['evidence'])}`);
  } else if (event === 'store-failed') {
    warn(`the store cannot be written, tree heads wait in memory: ${String(report['message'])}`);
  } else if (event === 'stopped') {
    const names = (report['stillAttached'] as string[]).join(' ');
    print(
      `Stopped. The data plane goes on copying: "ctga attach ${names}" takes over, "ctga detach ${names}" removes it.`,
    );
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
