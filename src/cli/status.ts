// SPDX-License-Identifier: Apache-2.0
/** `ctga status`: what is watched, what was seen, what was concluded. */
import { Command } from 'commander';
import type { PlaneStatus } from '../dataplane/kind.ts';
import { describePlanes, listPlanesElsewhere, nameOfMode } from '../dataplane/registry.ts';
import { Conditions, LOSSES, PLANE_LOSSES, type Condition } from '../alert/conditions.ts';
import { makeCounts, toCounters } from '../dataplane/dnstap/counts.ts';
import { CtgaError, ExitCode, messageOf } from '../base/errors.ts';
import { megabytes, plural } from '../base/text.ts';
import { StoreError } from '../disk/error.ts';
import { FOLLOWED_SHARE } from '../follow/growth.ts';
import { followedLogs, type FollowedLog } from '../follow/followed-logs.ts';
import { knownLogs } from '../store/known-logs.ts';
import { openForReading, stateAt, type State } from '../store/state.ts';
import { isStale, type PlaneState } from '../store/plane-state.ts';
import type { Store } from '../store/store.ts';
import type { Verdict } from '../store/verdicts.ts';
import { withState, type StateOption } from './options.ts';
import { print, printHanging, printJson, printTable } from './output.ts';
import { setExitCode } from './run.ts';

/** The mode of planes that no kernel knows of. */
const RESOLVER = 'dnstap';

export function statusCommand(): Command {
  const status = new Command('status')
    .description(
      'interfaces and their counters, tree heads, verdicts, evidence, and what following the logs costs; the exit code is 1 if some of it could not be looked at',
    )
    .action((options: StateOption) => {
      const state = stateAt(options.stateDir);
      const store = openForReading(state);
      const summary = {
        ...dataPlanes(store),
        stateDirectory: state.directory,
        treeHeads: store.heads.count(),
        verdicts: store.verdicts.counts(),
        damagedRows: store.heads.damagedRows(),
        evidence: store.evidence.all().map(({ path }) => path),
        conditions: new Conditions().present(store, Date.now(), 0),
        counts: store.counters.totals(),
        ...following(state, store),
      };
      store.close();
      if (options.json === true) printJson(summary);
      else printSummary(summary);
      // What was not seen may be ill: a script must not take it for well.
      if (summary.dataPlanesUnknown !== undefined || summary.followingUnknown !== undefined)
        setExitCode(ExitCode.failed);
    });
  return withState(status);
}

interface Planes {
  readonly dataPlanes: readonly PlaneStatus[];
  /** Names of those in other network namespaces. */
  readonly elsewhere: readonly string[];
  /** Why the data planes could not be read, if so. */
  readonly dataPlanesUnknown?: string;
  /** What helps against that. */
  readonly dataPlanesRemedy?: string | undefined;
}

function dataPlanes({ planes }: Pick<Store, 'planes'>): Planes {
  const resolvers = planes.all().flatMap(({ interface: name, state, updated }) => {
    const isWatched = state.mode === RESOLVER && !isStale(Date.now() - updated);
    return isWatched ? [remembered(name, state)] : [];
  });
  try {
    return { dataPlanes: [...describePlanes(), ...resolvers], elsewhere: listPlanesElsewhere() };
  } catch (error) {
    return {
      dataPlanes: resolvers,
      elsewhere: [],
      dataPlanesUnknown: messageOf(error),
      dataPlanesRemedy: error instanceof CtgaError ? error.remedy : undefined,
    };
  }
}

/** What is not in the kernel is known from what its observer wrote down. */
function remembered(name: string, state: PlaneState): PlaneStatus {
  const counted = Object.fromEntries(
    Object.entries(state.counters).map(([counter, count]) => [counter, BigInt(Math.trunc(count))]),
  );
  return {
    interface: name,
    attached: state.blindSince === null,
    mode: state.mode,
    behind: [],
    knownNames: state.names,
    settings: state.settings,
    ports: [],
    ringBytes: 0,
    // The observer may be of another version, which counts less.
    counters: { ...toCounters(makeCounts()), ...counted },
  };
}

interface Following {
  readonly following: readonly FollowedLog[];
  /** Why it is not known what is followed, if so. */
  readonly followingUnknown?: string;
}

function following({ directory }: State, store: Pick<Store, 'logs'>): Following {
  try {
    const logs = knownLogs(store, undefined, () => undefined);
    return { following: followedLogs(directory, logs, Date.now()) };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return { following: [], followingUnknown: error.message };
  }
}

type Summary = Planes &
  Following & {
    readonly stateDirectory: string;
    readonly treeHeads: number;
    readonly verdicts: Readonly<Record<Verdict, number>>;
    readonly damagedRows: number;
    readonly conditions: readonly Condition[];
    readonly counts: Readonly<Record<string, number>>;
  };

function printSummary(summary: Summary): void {
  printFaults(summary);
  if (summary.dataPlanes.length === 0 && summary.dataPlanesUnknown === undefined)
    printHanging('Interfaces: none. Watch one with: ctga attach eth0');
  for (const plane of summary.dataPlanes) printPlane(plane);
  if (summary.elsewhere.length > 0) {
    print();
    printHanging(
      `In other network namespaces (lsns -t net lists them): ${summary.elsewhere.join(', ')}. Ask there: nsenter --net=... ctga status`,
    );
  }
  printStore(summary);
  printFollowing(summary);
}

/** More than these would push all else off the screen. */
const CONDITIONS = 20;

/** What a person has to look at, before all else. */
function printFaults(summary: Summary): void {
  const { conditions, dataPlanes, followingUnknown, counts } = summary;
  printUnknownPlanes(summary);
  for (const { message, remedy } of conditions.slice(0, CONDITIONS)) {
    printHanging(message);
    printHanging(remedy, '  ');
  }
  const rest = conditions.length - CONDITIONS;
  if (rest > 0) printHanging(`And ${rest} more, which you can see with: ctga status --json`);
  const told = new Set(conditions.map(({ key }) => key));
  for (const { interface: name, attached, mode, behind, counters } of dataPlanes) {
    const why =
      mode === RESOLVER
        ? 'no resolver is connected'
        : 'the interface went away, or ctga was taken off by force';
    if (!attached && !told.has(`blind:${name}`)) printHanging(`BLIND: ${name}: ${why}`);
    if (behind.length > 0) print(`${name}: IT SEES ONLY WHAT THESE LET PASS: ${behind.join(', ')}`);
    for (const { of, message } of PLANE_LOSSES)
      printLoss(
        of.reduce((sum, counter) => sum + counters[counter as keyof typeof counters], 0n),
        message(name),
      );
  }
  for (const { of, message } of LOSSES)
    printLoss(
      of.reduce((sum, name) => sum + BigInt(counts[name] ?? 0), 0n),
      message,
    );
  if (followingUnknown !== undefined) printHanging(`Followed: not known (${followingUnknown})`);
}

function printUnknownPlanes({ dataPlanesUnknown, dataPlanesRemedy }: Planes): void {
  if (dataPlanesUnknown === undefined) return;
  printHanging(`Interfaces: not known (${dataPlanesUnknown})`);
  if (dataPlanesRemedy !== undefined) printHanging(dataPlanesRemedy, '  ');
}

function printLoss(lost: bigint, message: string): void {
  if (lost > 0n) printHanging(`LOST: ${lost} so far. ${message}`);
}

function printStore({ stateDirectory, treeHeads, verdicts, counts }: Summary): void {
  print();
  print(`Store: ${stateDirectory}`);
  printCounts(
    ['KEPT', 'COUNT'],
    [
      ['tree heads', treeHeads],
      ...WORST_FIRST.filter((verdict) => verdicts[verdict] > 0).map(
        (verdict) => [`trees: ${verdict}`, verdicts[verdict]] as const,
      ),
    ],
  );
  const refused = Object.entries(counts);
  if (refused.length === 0) return;
  print();
  printCounts(['COUNTED AND NOT KEPT', 'COUNT'], refused);
}

const WORST_FIRST = [
  'fork-proven',
  'unprovable',
  'malformed-head',
  'bad-proof',
  'unreachable',
  'skewed',
  'pending',
  'consistent',
] as const satisfies readonly Verdict[];

function printCounts(
  [what, ...titles]: readonly [string, ...string[]],
  rows: readonly (readonly [string, ...(number | bigint | string)[]])[],
): void {
  printTable(
    [what, ...titles.map((title) => ({ title, is: 'number' as const }))],
    rows.map((cells) => ({ cells: cells.map(String) })),
  );
}

function printFollowing({ following: logs }: Following): void {
  if (logs.length === 0) return;
  print();
  const sum = (of: (log: FollowedLog) => number): number =>
    logs.reduce((total, log) => total + of(log), 0);
  printHanging(
    `Followed: ${plural(logs.length, 'log')}, today with ${plural(
      sum(({ requests }) => requests),
      'request',
    )} and ${megabytes(sum(({ bytes }) => bytes))}. Data of a day:`,
  );
  printTable(
    [
      'FOLLOWED LOG',
      ...['HELD', 'ENTRIES', 'REQUESTS', 'DATA', 'BUDGET', 'GROWTH'].map((title) => ({
        title,
        is: 'number' as const,
      })),
    ],
    logs.map((log) => {
      const { mode, publicSize, held, requests, bytes, budget, growth } = log;
      const isWhole = mode !== 'blocks';
      return {
        cells: [
          log.log,
          isWhole ? `${held === undefined ? 0 : held.end - held.start}` : 'blocks',
          `${publicSize}`,
          `${requests}`,
          megabytes(bytes),
          megabytes(budget),
          growth === undefined ? '' : megabytes(growth),
        ],
        notes: isWhole ? [] : [lossOf(log)],
      };
    }),
  );
}

/** What is lost where a log is followed by blocks. */
function lossOf({ growth = 0, budget }: FollowedLog): string {
  const loss = 'tree heads of it that are not public wait for blocks, of which one in 64 is theirs';
  if (growth < budget * FOLLOWED_SHARE) return `For now, ${loss}.`;
  const share = growth > budget ? 'the budget' : `${FOLLOWED_SHARE * 100} % of the budget`;
  return `It grows by ${megabytes(growth)} a day, more than ${share} of ${megabytes(budget)}: ${loss}. ctga challenge --budget gives it more.`;
}

function printPlane(plane: PlaneStatus): void {
  const { interface: name, attached, mode, why, knownNames, ports, settings, counters: c } = plane;
  const isResolver = mode === RESOLVER;
  const from = isResolver ? 'any transport' : `UDP from port ${ports.join(', ')}`;
  print();
  printHanging(
    `${name}: ${attached ? nameOfMode(mode) : 'BLIND'}, ${plural(knownNames, 'name')}, ${from}`,
  );
  if (attached && why !== undefined) printHanging(`why there: ${why}`, '  ');
  const rows = [
    ['lost: ring full', c.answersRingFull, c.fragmentsRingFull],
    ['over budget', c.answersOverBudget, c.fragmentsOverBudget],
    ['sampled out', c.answersSampledOut, c.fragmentsSampledOut],
    ['already seen', c.answersSeen, c.fragmentsSeen],
    ['copied', c.answersCopied, c.fragmentsCopied],
    ['all', c.answers, c.fragments],
  ] as const;
  const share = (of: number): string => `${(of * 100).toFixed(of < 0.1 ? 2 : 0)} %`;
  const limit = (copies: number): string => (copies === 0 ? 'none' : `${copies}`);
  printCounts(
    ['MATCHES', 'ANSWERS', 'FRAGMENTS'],
    [
      ...rows.filter(([what, ...counts]) => what === 'all' || counts.some((count) => count > 0n)),
      ['of the latest, copied', share(settings.answersShare), share(settings.fragmentsShare)],
      ...(settings.everyNth > 1
        ? [['copied: one in', `${settings.everyNth}`, `${settings.everyNth}`] as const]
        : []),
      [
        'most copies a second and CPU',
        limit(settings.answersPerSecond),
        limit(settings.fragmentsPerSecond),
      ],
    ],
  );
  const passedBy = [
    ['answer too large', c.answersTooLarge],
    ['fragment too large', c.fragmentsTooLarge],
    ['malformed', c.malformed],
    ['below more VLAN tags', c.encapsulatedTags],
    ['in MPLS', c.encapsulatedMpls],
    ['IP in IP', c.encapsulatedIp],
    ['in GRE', c.encapsulatedGre],
    ['in VXLAN, Geneve or GTP', c.encapsulatedUdp],
    ['in IPsec', c.encapsulatedIpsec],
    ['unknown name', c.unknownName],
    ['no tree head', c.notTreeHead],
    ['another port', c.otherPort],
    ['not UDP', c.notUdp],
    ['not IP', c.notIp],
    ['answers and fragments that match', c.answers + c.fragments],
  ] as const;
  print();
  printCounts(
    [isResolver ? 'FRAMES' : 'PACKETS', 'COUNT'],
    [...passedBy.filter(([, count]) => count > 0n), ['all', c.packets]],
  );
}
