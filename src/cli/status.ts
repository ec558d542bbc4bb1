// SPDX-License-Identifier: Apache-2.0
/** `ctga status`: what is watched, what was seen, what was concluded. */
import { Command } from 'commander';
import type { PlaneStatus } from '../dataplane/kind.ts';
import { describePlanes, listPlanesElsewhere, nameOfMode } from '../dataplane/registry.ts';
import { messageOf } from '../base/errors.ts';
import { megabytes, plural } from '../base/text.ts';
import { StoreError } from '../disk/error.ts';
import { FOLLOWED_SHARE } from '../follow/growth.ts';
import { followedLogs, type FollowedLog } from '../follow/followed-logs.ts';
import { knownLogs } from '../store/known-logs.ts';
import { openForReading, stateAt, type State } from '../store/state.ts';
import { isStale, type PlaneState } from '../store/plane-state.ts';
import type { Store } from '../store/store.ts';
import { withState, type StateOption } from './options.ts';
import { withNextCommands } from './next.ts';
import { print, printJson } from './output.ts';

/** The mode of planes that no kernel knows of. */
const RESOLVER = 'dnstap';

export function statusCommand(): Command {
  const status = new Command('status')
    .description(
      'interfaces and their counters, tree heads, verdicts, evidence, and what following the logs costs',
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
        counts: store.counters.totals(),
        ...following(state, store),
      };
      store.close();
      if (options.json === true) printJson(summary);
      else printSummary(summary);
    });
  return withState(status);
}

interface Planes {
  readonly dataPlanes: readonly PlaneStatus[];
  /** Names of those in other network namespaces. */
  readonly elsewhere: readonly string[];
  /** Why the data planes could not be read, if so. */
  readonly dataPlanesUnknown?: string;
}

function dataPlanes({ planes }: Pick<Store, 'planes'>): Planes {
  const resolvers = planes.all().flatMap(({ interface: name, state, updated }) => {
    const isWatched = state.mode === RESOLVER && !isStale(Date.now() - updated);
    return isWatched ? [remembered(name, state)] : [];
  });
  try {
    return { dataPlanes: [...describePlanes(), ...resolvers], elsewhere: listPlanesElsewhere() };
  } catch (error) {
    return { dataPlanes: resolvers, elsewhere: [], dataPlanesUnknown: messageOf(error) };
  }
}

/** What is not in the kernel is known from what its observer wrote down. */
function remembered(name: string, state: PlaneState): PlaneStatus {
  const counters = Object.fromEntries(
    Object.entries(state.counters).map(([counter, count]) => [counter, BigInt(count)]),
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
    // As the observer of this version writes them: see planeStateOf.
    counters: counters as unknown as PlaneStatus['counters'],
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

function printSummary(
  summary: Planes &
    Following & {
      stateDirectory: string;
      treeHeads: number;
      verdicts: Record<string, number>;
      damagedRows: number;
      evidence: string[];
      counts: Record<string, number>;
    },
): void {
  if (summary.dataPlanesUnknown !== undefined)
    print(`Interfaces: not known (${summary.dataPlanesUnknown})`);
  else if (summary.dataPlanes.length === 0)
    print(withNextCommands('Interfaces: none. Watch one with: ctga attach eth0'));
  for (const plane of summary.dataPlanes) printPlane(plane);
  if (summary.elsewhere.length > 0)
    print(
      `In other network namespaces (lsns -t net lists them): ${summary.elsewhere.join(', ')}. Ask there: nsenter --net=... ctga status`,
    );
  print(`Tree heads: ${summary.treeHeads} (${summary.stateDirectory})`);
  const verdicts = Object.entries(summary.verdicts).filter(([, count]) => count > 0);
  if (verdicts.length > 0)
    print(`Verdicts: ${verdicts.map(([verdict, count]) => `${count} ${verdict}`).join(', ')}`);
  if (summary.damagedRows > 0)
    print(
      withNextCommands(
        `${plural(summary.damagedRows, 'damaged row')} of the store set aside: ctga store check`,
      ),
    );
  for (const path of summary.evidence) print(`SPLIT VIEW PROVEN: ${path}`);
  for (const [name, count] of Object.entries(summary.counts)) print(`  ${count} x ${name}`);
  printFollowing(summary);
}

function printFollowing({ following: logs, followingUnknown }: Following): void {
  if (followingUnknown !== undefined) print(`Followed: not known (${followingUnknown})`);
  if (logs.length === 0) return;
  const sum = (of: (log: FollowedLog) => number): number =>
    logs.reduce((total, log) => total + of(log), 0);
  print(
    `Followed: ${plural(logs.length, 'log')}, today with ${plural(
      sum(({ requests }) => requests),
      'request',
    )} and ${megabytes(sum(({ bytes }) => bytes))}`,
  );
  for (const log of logs) {
    const { mode, publicSize, held, requests, bytes, budget, growth } = log;
    const how =
      mode === 'blocks'
        ? 'by blocks'
        : `${held === undefined ? 0 : held.end - held.start} of ${publicSize} entries held`;
    print(
      `  ${log.log}: ${how}; today ${plural(requests, 'request')}, ${megabytes(bytes)} of ${megabytes(budget)}${growth === undefined || mode === 'blocks' ? '' : `; it grows by ${megabytes(growth)} a day`}`,
    );
    if (mode === 'blocks') print(`    ${lossOf(log)}`);
  }
}

/** What is lost where a log is followed by blocks. */
function lossOf({ growth = 0, budget }: FollowedLog): string {
  const loss = 'tree heads of it that are not public wait for blocks, of which one in 64 is theirs';
  if (growth < budget * FOLLOWED_SHARE) return `For now, ${loss}.`;
  const share = growth > budget ? 'the budget' : `${FOLLOWED_SHARE * 100} % of the budget`;
  return `It grows by ${megabytes(growth)} a day, more than ${share} of ${megabytes(budget)}: ${loss}. ${withNextCommands('ctga challenge')} --budget gives it more.`;
}

function printPlane({
  interface: name,
  attached,
  mode,
  why,
  behind,
  knownNames,
  ports,
  settings,
  counters: c,
}: PlaneStatus): void {
  const isResolver = mode === RESOLVER;
  const blind = isResolver
    ? 'no resolver is connected'
    : 'the interface went away, or ctga was taken off by force';
  const how = attached ? nameOfMode(mode) : `BLIND: ${blind}`;
  const from = isResolver ? 'any transport' : `UDP from port ${ports.join(', ')}`;
  print(`${name}: ${how}, ${plural(knownNames, 'name')}, ${from}`);
  if (attached && why !== undefined) print(`  why there: ${why}`);
  if (behind.length > 0) print(`  IT SEES ONLY WHAT THESE LET PASS: ${behind.join(', ')}`);
  const passedBy = [
    ['not IP', c.notIp],
    ['below more VLAN tags', c.encapsulatedTags],
    ['in MPLS', c.encapsulatedMpls],
    ['IP in IP', c.encapsulatedIp],
    ['in GRE', c.encapsulatedGre],
    ['in VXLAN, Geneve or GTP', c.encapsulatedUdp],
    ['in IPsec', c.encapsulatedIpsec],
    ['not UDP', c.notUdp],
    ['another port', c.otherPort],
    ['malformed', c.malformed],
    ['no tree head', c.notTreeHead],
    ['unknown name', c.unknownName],
    ['answer too large', c.answersTooLarge],
    ['fragment too large', c.fragmentsTooLarge],
  ] as const;
  const reasons = passedBy
    .filter(([, count]) => count > 0n)
    .map(([reason, count]) => `${count} ${reason}`);
  print(
    `  ${c.packets} ${isResolver ? 'frames' : 'packets'}${reasons.length > 0 ? `; passed by: ${reasons.join(', ')}` : ''}`,
  );
  const matches = [
    [
      'answers',
      c.answers,
      c.answersCopied,
      c.answersSampledOut,
      c.answersOverBudget,
      c.answersSeen,
      c.answersRingFull,
    ],
    [
      'fragments',
      c.fragments,
      c.fragmentsCopied,
      c.fragmentsSampledOut,
      c.fragmentsOverBudget,
      c.fragmentsSeen,
      c.fragmentsRingFull,
    ],
  ] as const;
  for (const [kind, matched, copied, sampledOut, overBudget, seen, ringFull] of matches) {
    print(
      `  ${matched} ${kind} = ${copied} copied + ${sampledOut} sampled out + ${overBudget} over budget + ${seen} already seen + ${ringFull} ring full`,
    );
  }
  const share = (of: number): string => `${(of * 100).toFixed(of < 0.1 ? 2 : 0)} %`;
  const limit = (copies: number): string =>
    copies === 0 ? 'no limit' : `at most ${copies} a second and CPU`;
  const sampled = settings.everyNth > 1 ? `1 in ${settings.everyNth}, ` : '';
  print(
    `  of the latest matches copied: answers ${share(settings.answersShare)} (${sampled}${limit(settings.answersPerSecond)}), fragments ${share(settings.fragmentsShare)} (${sampled}${limit(settings.fragmentsPerSecond)})`,
  );
}
