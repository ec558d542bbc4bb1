// SPDX-License-Identifier: Apache-2.0
/**
 * What ctga does, for Prometheus (exposition format 0.0.4). docs/OPERATIONS.md lists the names,
 * which are as Prometheus has them: base units, `_total` for what only grows, and
 * `_timestamp_seconds` for points in time. Labels are cleaned here. No label has more values than
 * there are interfaces, logs and members of a fleet, but for evidence, of which measurements.ts gives
 * so much.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import { clean } from '../base/clean.ts';
import {
  ALERT_OUTCOMES,
  alertCounter,
  BLIND,
  LOST_AT_END,
  NO_ROOM,
  NOT_STORED,
  UNREADABLE,
} from '../store/counters.ts';
import { refusedIn } from '../fleet/overview.ts';
import type { Measurements } from './measurements.ts';
import type { Overview } from './overview.ts';

/** Labels for a data plane's counters of packets that do not match. */
const PASSED_BY: Readonly<Record<string, string>> = {
  notIp: 'not_ip',
  encapsulatedTags: 'encapsulated_tags',
  encapsulatedMpls: 'encapsulated_mpls',
  encapsulatedIp: 'encapsulated_ip',
  encapsulatedGre: 'encapsulated_gre',
  encapsulatedUdp: 'encapsulated_udp',
  encapsulatedIpsec: 'encapsulated_ipsec',
  notUdp: 'not_udp',
  otherPort: 'other_port',
  malformed: 'malformed',
  notTreeHead: 'not_tree_head',
  unknownName: 'unknown_name',
  answersTooLarge: 'answer_too_large',
  fragmentsTooLarge: 'fragment_too_large',
};
/** Labels for what becomes of a match, by the end of the counter's name. */
const OUTCOMES: Readonly<Record<string, string>> = {
  Copied: 'copied',
  SampledOut: 'sampled_out',
  OverBudget: 'over_budget',
  Seen: 'seen',
  RingFull: 'ring_full',
};

/** Labels for what was copied and is lost, by the counter in the store. */
const LOST: Readonly<Record<string, string>> = {
  [NO_ROOM]: 'not_verified',
  [NOT_STORED]: 'not_stored',
  [LOST_AT_END]: 'left_behind',
  [UNREADABLE]: 'unreadable',
  'packet: datagramEvicted': 'fragments_evicted',
  'packet: fragmentOverBudget': 'fragments_over_budget',
  'packet: fragmentTooMany': 'fragments_too_many',
};
const CHANNELS = ['mail', 'webhook', 'command', 'journal'];
/** Counters of the store that have a metric of their own. */
const ELSEWHERE = new Set([
  BLIND,
  ...Object.keys(LOST),
  ...CHANNELS.flatMap((kind) => ALERT_OUTCOMES.map((outcome) => alertCounter(kind, outcome))),
]);

type Labels = Readonly<Record<string, string>>;

export class Metrics {
  readonly #version: string;

  constructor(version: string) {
    this.#version = version;
  }

  get contentType(): string {
    return Registry.PROMETHEUS_CONTENT_TYPE;
  }

  /** Renders what is measured in the exposition format. */
  render(overview: Overview, measured: Measurements): Promise<string> {
    const page = new Page();
    interfaces(page, overview, measured);
    store(page, overview, measured);
    logs(page, overview, measured);
    fleet(page, overview);
    processes(page, overview, measured);
    page.gauge(
      'ctga_build_info',
      'Always 1; the label is the version.',
      ['version'],
      [[{ version: this.#version }, 1]],
    );
    return page.text();
  }
}

/** The metrics of one answer. */
class Page {
  readonly #registry = new Registry();

  counter(name: string, help: string, labels: readonly string[], series: Series): void {
    const counter = new Counter(this.#describe(name, help, labels));
    for (const [of, value] of series) counter.inc(cleaned(of), value);
  }

  gauge(name: string, help: string, labels: readonly string[], series: Series): void {
    const gauge = new Gauge(this.#describe(name, help, labels));
    for (const [of, value] of series) gauge.set(cleaned(of), value);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #describe(name: string, help: string, labelNames: readonly string[]) {
    return { name, help, labelNames: [...labelNames], registers: [this.#registry] };
  }
}

type Series = readonly (readonly [labels: Labels, value: number])[];

function cleaned(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).map(([name, text]) => [name, clean(text)]));
}

const INTERFACE = ['interface'];

function interfaces(page: Page, { interfaces: planes }: Overview, { blind }: Measurements): void {
  type Plane = (typeof planes)[number];
  const each = (value: (plane: Plane) => number): Series =>
    planes.map((plane) => [{ interface: plane.interface }, value(plane)]);
  const kinds = (value: (plane: Plane, kind: 'answers' | 'fragments') => number): Series =>
    planes.flatMap((plane) =>
      (['answers', 'fragments'] as const).map(
        (kind) => [{ interface: plane.interface, kind }, value(plane, kind)] as const,
      ),
    );
  page.counter(
    'ctga_packets_total',
    'Frames that arrived; every one went on.',
    INTERFACE,
    each(({ counters }) => counters['packets'] ?? 0),
  );
  page.counter(
    'ctga_passed_by_total',
    'Frames that did not match, by reason.',
    ['interface', 'reason'],
    planes.flatMap(({ interface: name, counters }) =>
      Object.entries(PASSED_BY).map(
        ([counter, reason]) => [{ interface: name, reason }, counters[counter] ?? 0] as const,
      ),
    ),
  );
  page.counter(
    'ctga_matches_total',
    'Answers to known names and IP fragments, by what became of them.',
    ['interface', 'kind', 'outcome'],
    planes.flatMap(({ interface: name, counters }) =>
      ['answers', 'fragments'].flatMap((kind) =>
        Object.entries(OUTCOMES).map(
          ([suffix, outcome]) =>
            [{ interface: name, kind, outcome }, counters[`${kind}${suffix}`] ?? 0] as const,
        ),
      ),
    ),
  );
  page.gauge(
    'ctga_copied_ratio',
    'Share of the latest matches that was copied, 0 to 1.',
    ['interface', 'kind'],
    kinds(({ settings }, kind) => settings[`${kind}Share`]),
  );
  page.gauge(
    'ctga_copy_budget',
    'The most copies a second on each CPU; 0: no limit.',
    ['interface', 'kind'],
    kinds(({ settings }, kind) => settings[`${kind}PerSecond`]),
  );
  page.gauge(
    'ctga_sampling_every',
    'One match in this many is copied.',
    INTERFACE,
    each(({ settings }) => settings.everyNth),
  );
  page.gauge(
    'ctga_fragment_threshold_bytes',
    'Largest IP length of a fragment that is copied.',
    INTERFACE,
    each(({ settings }) => settings.threshold),
  );
  page.gauge(
    'ctga_known_names',
    'DNS names whose answers are copied.',
    INTERFACE,
    each(({ names }) => names),
  );
  page.gauge(
    'ctga_interface_info',
    'Always 1; the label says how the interface is attached.',
    ['interface', 'mode'],
    planes.map(({ interface: name, mode }) => [{ interface: name, mode }, 1]),
  );
  page.gauge(
    'ctga_interface_blind',
    '1 while no packet is examined.',
    INTERFACE,
    each(({ blindSince, isStale }) => (blindSince !== null || isStale ? 1 : 0)),
  );
  const names = [...new Set([...planes.map((plane) => plane.interface), ...Object.keys(blind)])];
  page.counter(
    'ctga_interface_blind_seconds_total',
    'For how long packets passed unseen, added when the interface is seen again.',
    INTERFACE,
    names.map((name) => [{ interface: name }, (blind[name] ?? 0) / 1000]),
  );
  page.gauge(
    'ctga_interface_updated_timestamp_seconds',
    'When the observer last wrote, Unix time.',
    INTERFACE,
    each(({ updated }) => updated / 1000),
  );
}

function store(page: Page, overview: Overview, measured: Measurements): void {
  const { counts, verdicts, room } = overview;
  page.counter(
    'ctga_lost_total',
    'What was copied and is lost, by reason.',
    ['reason'],
    Object.entries(LOST).map(([counter, reason]) => [{ reason }, counts[counter] ?? 0]),
  );
  page.counter(
    'ctga_observed_total',
    'What the observer counted and did not store, by reason.',
    ['what'],
    Object.entries(counts)
      .filter(([what]) => !ELSEWHERE.has(what))
      .map(([what, count]) => [{ what }, count]),
  );
  page.gauge('ctga_tree_heads', 'Distinct signed tree heads seen.', [], [[{}, overview.treeHeads]]);
  page.gauge(
    'ctga_trees',
    'Distinct trees, by verdict.',
    ['verdict'],
    Object.entries(verdicts).map(([verdict, count]) => [{ verdict }, count]),
  );
  page.gauge(
    'ctga_evidence_files',
    'Proven split views and broken promises.',
    [],
    [[{}, overview.evidence.length]],
  );
  page.gauge(
    'ctga_evidence_created_timestamp_seconds',
    'When a split view or a broken promise was proven, Unix time; the first of each log.',
    [...LOG, 'evidence'],
    measured.evidence.map(({ name, created, ...log }) => [
      { ...labelsOf(log), evidence: name },
      created / 1000,
    ]),
  );
  page.gauge(
    'ctga_log_evidence_files',
    'Proven split views and broken promises of a log.',
    LOG,
    measured.evidenceOf.map((log) => [labelsOf(log), log.count]),
  );
  page.gauge(
    'ctga_evidence_chain_files',
    'Evidence that the chain has; ctga evidence list and state.json have its head.',
    [],
    [[{}, measured.chain.length]],
  );
  page.gauge(
    'ctga_evidence_faults',
    'Evidence that is missing, changed, unreadable or not in the chain, and faults of the chain.',
    ['state'],
    Object.entries(measured.chain.faults).map(([state, count]) => [{ state }, count]),
  );
  page.gauge(
    'ctga_damaged_rows',
    'Rows of the store that were damaged and are set aside.',
    [],
    [[{}, measured.damagedRows]],
  );
  page.gauge(
    'ctga_store_size_bytes',
    'What the state directory takes on the disk, by part.',
    ['part'],
    Object.entries(measured.bytes).map(([part, bytes]) => [{ part }, bytes]),
  );
  page.gauge(
    'ctga_disk_free_bytes',
    'Room on the disk that the store is on.',
    [],
    [...(room === undefined ? [] : [[{}, room.freeBytes] as const])],
  );
  page.gauge(
    'ctga_disk_free_inodes',
    'Files that the disk of the store can take.',
    [],
    [...(room?.freeInodes === undefined ? [] : [[{}, room.freeInodes] as const])],
  );
  page.gauge(
    'ctga_alerts_raised',
    'Alerts that were raised and have not ended.',
    [],
    [[{}, measured.alerts]],
  );
  page.counter(
    'ctga_alert_messages_total',
    'Attempts of ctga alert run to deliver a message, by kind of channel and outcome.',
    ['channel', 'outcome'],
    CHANNELS.flatMap((channel) =>
      ALERT_OUTCOMES.map(
        (outcome) => [{ channel, outcome }, counts[alertCounter(channel, outcome)] ?? 0] as const,
      ),
    ),
  );
}

const LOG = ['log', 'log_id'];

/** Two logs may have one description, so the ID tells them apart. */
function labelsOf({ log, logId }: { readonly log: string; readonly logId: string }): Labels {
  return { log, log_id: logId };
}

function logs(page: Page, { following }: Overview, measured: Measurements): void {
  const { visited, headsOf, stale } = measured;
  page.counter(
    'ctga_log_tree_heads_total',
    'Distinct tree heads of a log that were seen.',
    LOG,
    headsOf.map((log) => [labelsOf(log), log.count]),
  );
  page.gauge(
    'ctga_log_head_stale',
    '1 for a log whose current tree head is older or smaller than it may be.',
    LOG,
    stale.map((log) => [labelsOf(log), 1]),
  );
  page.counter(
    'ctga_log_visits_total',
    'How often the challenger asked a log.',
    LOG,
    visited.map((log) => [labelsOf(log), log.visits]),
  );
  page.counter(
    'ctga_log_visits_failed_total',
    'How often a log, or the way to it, gave not all that was asked for.',
    LOG,
    visited.map((log) => [labelsOf(log), log.failed]),
  );
  page.gauge(
    'ctga_log_last_visit_timestamp_seconds',
    'When the challenger last asked a log, Unix time.',
    LOG,
    visited.map((log) => [labelsOf(log), log.last / 1000]),
  );
  page.gauge(
    'ctga_log_last_success_timestamp_seconds',
    'When a log last gave all that was asked for, Unix time; 0: never.',
    LOG,
    visited.map((log) => [labelsOf(log), (log.lastSuccess ?? 0) / 1000]),
  );
  page.counter(
    'ctga_log_requests_total',
    'Requests to a log, to follow it.',
    LOG,
    visited.map((log) => [labelsOf(log), log.requests]),
  );
  page.counter(
    'ctga_log_received_bytes_total',
    'What these requests brought.',
    LOG,
    visited.map((log) => [labelsOf(log), log.bytes]),
  );
  page.gauge(
    'ctga_follow_budget_bytes',
    'The most bytes of a log in a day.',
    LOG,
    following.map((log) => [labelsOf(log), log.budget]),
  );
  page.gauge(
    'ctga_follow_growth_bytes',
    'What it takes to fetch all that a log adds in a day, in bytes.',
    LOG,
    following.flatMap((log) =>
      log.growth === undefined ? [] : [[labelsOf(log), log.growth] as const],
    ),
  );
  page.gauge(
    'ctga_follow_entries_held',
    'Entries of a log whose hashes are held.',
    LOG,
    following.map((log) => [
      labelsOf(log),
      log.held === undefined ? 0 : Number(log.held.end - log.held.start),
    ]),
  );
  page.gauge(
    'ctga_follow_info',
    'Always 1; mode: leaves, or blocks where a log outgrows its budget.',
    [...LOG, 'mode'],
    following.map((log) => [{ ...labelsOf(log), mode: log.mode }, 1]),
  );
}

/** So many sites have series of their own, in the order of the roster: no member can make more. */
const SITES_NAMED = 2000;

/** By site. Who sends under a name that the roster does not have is counted together, as nobody. */
function fleet(page: Page, { fleet: known }: Overview): void {
  if (known === undefined) return;
  const members = [...known.others, ...known.sites].slice(0, SITES_NAMED);
  const labels = ['member', 'role'];
  type Member = (typeof members)[number];
  const each = (value: (member: Member) => number | undefined): Series =>
    members.flatMap((member) => {
      const of = value(member);
      return of === undefined ? [] : [[{ member: member.member, role: member.role }, of] as const];
    });
  page.gauge(
    'ctga_fleet_info',
    'Always 1; which member of which fleet this store is of.',
    ['fleet', 'member', 'role'],
    [[{ fleet: known.fleet, member: known.self, role: known.role }, 1]],
  );
  page.gauge(
    'ctga_fleet_members',
    'Members that this one is to hear, by whether it does.',
    ['state'],
    (['heard', 'silent', 'never'] as const).map((state) => [
      { state },
      [...known.others, ...known.sites].filter(({ hearing }) => hearing === state).length,
    ]),
  );
  page.gauge(
    'ctga_member_silent',
    '1 while a member that was heard is not.',
    labels,
    each(({ hearing }) => (hearing === 'silent' ? 1 : 0)),
  );
  page.gauge(
    'ctga_member_last_heard_timestamp_seconds',
    'When the bus had the last batch of a member, Unix time by its clock.',
    labels,
    each(({ lastHeard }) => (lastHeard === undefined ? undefined : lastHeard / 1000)),
  );
  page.gauge(
    'ctga_member_clock_ahead_seconds',
    'By how much the clock of a member was ahead of that of the bus.',
    labels,
    each(({ clockOff, lastHeard }) => (lastHeard === undefined ? undefined : clockOff / 1000)),
  );
  page.counter(
    'ctga_member_batches_total',
    'Batches of a member that were taken in.',
    labels,
    each(({ batches }) => batches),
  );
  page.gauge(
    'ctga_member_batches_missing',
    'Batches that a member sent and that did not come, or not yet.',
    labels,
    each(({ missing }) => missing),
  );
  page.gauge(
    'ctga_member_heads_waiting',
    'Tree heads that wait at a member to be told.',
    labels,
    each(({ waiting }) => waiting),
  );
  page.counter(
    'ctga_member_heads_given_up_total',
    'Tree heads that a member will not tell, because too many waited.',
    labels,
    each(({ givenUp }) => givenUp),
  );
  page.counter(
    'ctga_member_refused_total',
    'What a member sent and was refused; member="": under a name that is not in the fleet.',
    labels,
    [
      ...each(({ refused }) => refusedIn(refused)),
      [{ member: '', role: '' }, known.fromNobody] as const,
    ],
  );
}

/** Of this process by the names that every exporter has, and of the observers, which it reads of. */
function processes(page: Page, { interfaces: planes }: Overview, measured: Measurements): void {
  const { cpuSeconds, residentBytes, openDescriptors, maxDescriptors, startTime } =
    measured.process;
  const one = (value: number | undefined): Series => (value === undefined ? [] : [[{}, value]]);
  const name = 'process';
  page.counter(`${name}_cpu_seconds_total`, 'CPU time of ctga web.', [], one(cpuSeconds));
  page.gauge(`${name}_resident_memory_bytes`, 'Memory of ctga web.', [], one(residentBytes));
  page.gauge(`${name}_open_fds`, 'Open file descriptors of ctga web.', [], one(openDescriptors));
  page.gauge(`${name}_max_fds`, 'The most that it may open.', [], one(maxDescriptors));
  page.gauge(`${name}_start_time_seconds`, 'Start of ctga web, Unix time.', [], one(startTime));
  const observers = new Map<number, { usage: Usage; names: string[] }>();
  for (const { process: usage, isStale, interface: plane } of planes) {
    if (usage === undefined || isStale) continue;
    const known = observers.get(usage.pid);
    if (known === undefined) observers.set(usage.pid, { usage, names: [plane] });
    else known.names.push(plane);
  }
  const each = (value: (usage: Usage) => number | undefined): Series =>
    [...observers.values()].flatMap(({ usage, names }) => {
      const of = value(usage);
      return of === undefined ? [] : [[{ interfaces: names.join(' ') }, of] as const];
    });
  const labels = ['interfaces'];
  page.counter(
    'ctga_observer_cpu_seconds_total',
    'CPU time of an observer.',
    labels,
    each(({ cpuSeconds: seconds }) => seconds),
  );
  page.gauge(
    'ctga_observer_resident_memory_bytes',
    'Memory of an observer.',
    labels,
    each(({ residentBytes: bytes }) => bytes),
  );
  page.gauge(
    'ctga_observer_open_fds',
    'Open file descriptors of an observer.',
    labels,
    each(({ openDescriptors: open }) => open),
  );
  page.gauge(
    'ctga_observer_start_time_seconds',
    'Start of an observer, Unix time.',
    labels,
    each(({ startTime: start }) => start),
  );
}

type Usage = NonNullable<Overview['interfaces'][number]['process']>;
