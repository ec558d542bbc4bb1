// SPDX-License-Identifier: Apache-2.0
/**
 * The contents of `ctga status` for Prometheus (exposition format 0.0.4). docs/OPERATIONS.md lists
 * the names.
 */
import { Counter, Gauge, Registry } from 'prom-client';
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

export class Metrics {
  readonly #registry = new Registry();
  readonly #counters = {
    packets: this.#counter('packets_total', 'Frames that arrived; every one went on.', [
      'interface',
    ]),
    passedBy: this.#counter('passed_by_total', 'Frames that did not match, by reason.', [
      'interface',
      'reason',
    ]),
    matches: this.#counter(
      'matches_total',
      'Answers to known names and IP fragments, by what became of them.',
      ['interface', 'kind', 'outcome'],
    ),
    observed: this.#counter(
      'observed_total',
      'What the observer counted and did not store, and blind time.',
      ['what'],
    ),
  };
  readonly #gauges = {
    share: this.#gauge('copied_share', 'Share of the latest matches that was copied, 0 to 1.', [
      'interface',
      'kind',
    ]),
    budget: this.#gauge('copy_budget', 'The most copies a second on each CPU; 0: no limit.', [
      'interface',
      'kind',
    ]),
    every: this.#gauge('sampling_every', 'One match in this many is copied.', ['interface']),
    threshold: this.#gauge(
      'fragment_threshold_bytes',
      'Largest IP length of a fragment that is copied.',
      ['interface'],
    ),
    names: this.#gauge('known_names', 'DNS names whose answers are copied.', ['interface']),
    mode: this.#gauge('interface_info', 'Always 1; the label says how the interface is attached.', [
      'interface',
      'mode',
    ]),
    blind: this.#gauge('interface_blind', '1 while no packet is examined.', ['interface']),
    updated: this.#gauge('interface_updated_seconds', 'When the observer last wrote, Unix time.', [
      'interface',
    ]),
    heads: this.#gauge('tree_heads', 'Distinct signed tree heads seen.', []),
    trees: this.#gauge('trees', 'Distinct trees, by verdict.', ['verdict']),
    evidence: this.#gauge('evidence_files', 'Proven split views.', []),
    freeBytes: this.#gauge('disk_free_bytes', 'Room on the disk that the store is on.', []),
    freeInodes: this.#gauge('disk_free_inodes', 'Files that the disk of the store can take.', []),
    today: this.#gauge('log_tree_heads_today', 'New tree heads of a log since midnight UTC.', [
      'log',
    ]),
    followRequests: this.#gauge(
      'follow_requests_today',
      'Requests to a log since midnight UTC, to follow it.',
      ['log'],
    ),
    followBytes: this.#gauge('follow_bytes_today', 'What they brought, in bytes.', ['log']),
    followBudget: this.#gauge('follow_budget_bytes', 'The most bytes of a log in a day.', ['log']),
    followGrowth: this.#gauge(
      'follow_growth_bytes',
      'What it takes to fetch all that a log adds in a day, in bytes.',
      ['log'],
    ),
    followHeld: this.#gauge('follow_entries_held', 'Entries of a log whose hashes are held.', [
      'log',
    ]),
    followMode: this.#gauge(
      'follow_info',
      'Always 1; mode: leaves, or blocks where a log outgrows its budget.',
      ['log', 'mode'],
    ),
    info: this.#gauge('build_info', 'Always 1; the label is the version.', ['version']),
  };
  readonly #version: string;

  constructor(version: string) {
    this.#version = version;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Renders an overview in the exposition format. */
  async render(overview: Overview): Promise<string> {
    this.#registry.resetMetrics();
    const { packets, passedBy, matches, observed } = this.#counters;
    const { share, budget, every, threshold, names, mode, blind, updated } = this.#gauges;
    const { heads, trees, evidence, today, info } = this.#gauges;
    for (const plane of overview.interfaces) {
      const { interface: name, counters, settings } = plane;
      packets.inc({ interface: name }, counters['packets'] ?? 0);
      for (const [counter, reason] of Object.entries(PASSED_BY))
        passedBy.inc({ interface: name, reason }, counters[counter] ?? 0);
      for (const kind of ['answers', 'fragments'] as const) {
        for (const [suffix, outcome] of Object.entries(OUTCOMES))
          matches.inc({ interface: name, kind, outcome }, counters[`${kind}${suffix}`] ?? 0);
        share.set({ interface: name, kind }, settings[`${kind}Share`]);
        budget.set({ interface: name, kind }, settings[`${kind}PerSecond`]);
      }
      every.set({ interface: name }, settings.everyNth);
      threshold.set({ interface: name }, settings.threshold);
      names.set({ interface: name }, plane.names);
      mode.set({ interface: name, mode: plane.mode }, 1);
      blind.set({ interface: name }, plane.blindSince !== null || plane.isStale ? 1 : 0);
      updated.set({ interface: name }, plane.updated / 1000);
    }
    for (const [what, count] of Object.entries(overview.counts)) observed.inc({ what }, count);
    for (const [verdict, count] of Object.entries(overview.verdicts)) trees.set({ verdict }, count);
    for (const { name, heads: byDay } of overview.logs) today.set({ log: name }, byDay.at(-1) ?? 0);
    for (const { log, mode, held, ...cost } of overview.following) {
      const { followRequests, followBytes, followBudget, followGrowth } = this.#gauges;
      followRequests.set({ log }, cost.requests);
      followBytes.set({ log }, cost.bytes);
      followBudget.set({ log }, cost.budget);
      if (cost.growth !== undefined) followGrowth.set({ log }, cost.growth);
      this.#gauges.followHeld.set({ log }, held === undefined ? 0 : Number(held.end - held.start));
      this.#gauges.followMode.set({ log, mode }, 1);
    }
    if (overview.room !== undefined) {
      this.#gauges.freeBytes.set(overview.room.freeBytes);
      const { freeInodes } = overview.room;
      if (freeInodes !== undefined) this.#gauges.freeInodes.set(freeInodes);
    }
    heads.set(overview.treeHeads);
    evidence.set(overview.evidence.length);
    info.set({ version: this.#version }, 1);
    return this.#registry.metrics();
  }

  #counter(name: string, help: string, labelNames: readonly string[]): Counter {
    return new Counter({
      name: `ctga_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
    });
  }

  #gauge(name: string, help: string, labelNames: readonly string[]): Gauge {
    return new Gauge({
      name: `ctga_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
    });
  }
}
