// SPDX-License-Identifier: Apache-2.0
/** The status page: the verdict first, then what proves it, then what is watched. */
import type { Condition } from '../alert/conditions.ts';
import { megabytes } from '../base/text.ts';
import type { StoreError } from '../disk/error.ts';
import { renderDocument } from './document.ts';
import { html, type Html } from '../base/html.ts';
import { DAYS, type InterfaceOverview, type Overview, type RecentHead } from './overview.ts';
import { command } from './parts.ts';
import { lanePicture, sign } from './picture.ts';
import { fleetSection } from './site-pages.ts';
import { findingCard, sourcesOf } from './split-cards.ts';
import type { Finding } from './splits.ts';
import { SLOTS, type Lane, type Timeline } from './timeline.ts';
import {
  compact,
  count,
  dateOf,
  findingNoun,
  group,
  logName,
  timeOf,
  VERDICT_ORDER,
  VERDICT_WORDS,
  verdictChip,
  wordsOf,
  type Kind,
} from './words.ts';

export interface PageData {
  readonly overview: Overview;
  /** The latest finding about each log, of some logs. */
  readonly splits: readonly Finding[];
  readonly timeline: Timeline;
  /** Where in a fleet each of them was seen, by evidence file. */
  readonly atSites?: ReadonlyMap<string, Html>;
  /** What commands need to find this store, with a space before it; empty if they need nothing. */
  readonly stateOption: string;
}

export function renderPage(data: PageData): string {
  const { overview, timeline } = data;
  const verdict = verdictOf(data);
  return renderDocument({
    title: `ctga: ${verdict.title}`,
    kind: verdict.kind,
    generated: overview.generated,
    main: html`
      <section id="verdict" aria-labelledby="verdict-title" class="verdict-box">
        ${verdictSection(verdict)}
      </section>
      <section id="facts" aria-label="In numbers">${factsSection(overview)}</section>
      <section id="splits" aria-labelledby="splits-title">${splitsSection(data)}</section>
      ${
        overview.fleet === undefined
          ? ''
          : html`<section id="sites" aria-labelledby="sites-title">
              ${fleetSection(overview.fleet, data.stateOption)}
            </section>`
      }
      <section id="logs" aria-labelledby="logs-title">${logsSection(timeline)}</section>
      <section id="verdicts" aria-labelledby="verdicts-title">${verdictsSection(overview)}</section>
      <section id="interfaces" aria-labelledby="interfaces-title">
        ${interfacesSection(data)}
      </section>
      <section id="following" aria-labelledby="following-title">${followingSection(data)}</section>
      <section id="recent" aria-labelledby="recent-title">${recentSection(data)}</section>
      <section id="counts" aria-labelledby="counts-title">${countsSection(overview)}</section>
    `,
  });
}

/**
 * The page where the store cannot be read: the error, and what to do, with commands as they have to be
 * typed.
 */
export function renderUnreadable(
  { code, message }: StoreError,
  remedy: string | undefined,
  now: number,
): string {
  const headline = `The store ${code === 'store-damaged' ? 'is damaged' : 'cannot be read'}`;
  const details = html`<p>${sentence(message)}</p>
    ${remedy === undefined ? '' : html`<p>${remedy}</p>`}
    <p>Nothing else can be shown until it is mended. That does not say that all is well.</p>`;
  return renderDocument({
    title: `ctga: ${headline}`,
    kind: 'alarm',
    generated: now,
    main: html`<section id="verdict" aria-labelledby="verdict-title" class="verdict-box">
      ${verdictSection({ kind: 'alarm', title: headline, headline, details })}
    </section>`,
  });
}

const sentence = (clause: string): string => `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`;

interface VerdictView {
  readonly kind: Kind;
  readonly title: string;
  readonly headline: string;
  readonly details: Html;
}

/** It is shown as a card. */
const isProven = ({ key }: Condition): boolean => /^(fork|promise):/.test(key);

/** What an operator is to know first. It says what was proven and no more. */
function verdictOf({ overview, stateOption }: PageData): VerdictView {
  const { evidence, verdicts, interfaces, treeHeads, following } = overview;
  const trees = Object.values(verdicts).reduce((sum, each) => sum + each, 0);
  const conditions = overview.conditions.filter((condition) => !isProven(condition));
  const problems = conditionList(conditions);
  if (evidence.length > 0 || verdicts['fork-proven'] > 0) {
    const noun = findingNoun(evidence);
    const logs = [...new Set(evidence.map(({ log }) => logName(log)))];
    const named =
      logs.slice(0, 2).join(' and ') + (logs.length > 2 ? ` and ${logs.length - 2} more logs` : '');
    return {
      kind: 'alarm',
      title: `${count(evidence.length, noun)} proven`,
      headline: `${evidence.length === 1 ? `A ${noun} is` : `${count(evidence.length, noun)} are`} proven`,
      details:
        evidence.length === 0
          ? html`<p>
                ${count(verdicts['fork-proven'], 'tree')} proven a fork, but no evidence is on
                record. Start the observer, which writes it again:
                <code>sudo ctga attach eth0${stateOption}</code>
              </p>
              ${problems}`
          : html`<p>
                ${named} signed
                ${noun === 'split view' ? 'trees that no append-only log can have together' : 'what no log that keeps its promises signs'}.
                <a href="#splits">See what proves it</a>, and show it to those who trust the log.
              </p>
              ${problems}`,
    };
  }
  const proven = provenSentence(overview, trees);
  if (conditions.length > 0)
    return {
      kind: conditions.some(({ severity }) => severity === 'critical') ? 'alarm' : 'warning',
      title: `${count(conditions.length, 'thing')} to look at`,
      headline: `${count(conditions.length, 'thing needs', 'things need')} attention`,
      details: html`${problems}
        <p>No split view is proven. ${treeHeads === 0 ? '' : proven}</p>`,
    };
  if (treeHeads === 0)
    return {
      kind: 'waiting',
      title: 'nothing seen yet',
      headline: 'Nothing has been seen yet',
      details:
        interfaces.length > 0
          ? watchingSteps(stateOption)
          : isCollected(overview.fleet)
            ? collectingSteps(overview.fleet)
            : firstSteps(stateOption),
    };
  if (verdicts.consistent === 0)
    return {
      kind: 'waiting',
      title: 'no verdict yet',
      headline: 'No verdict yet',
      details: html`<p>
          ${count(treeHeads, 'tree head was', 'tree heads were')} seen, each signed by its log.
          Whether the logs show everybody the same is not known yet.
        </p>
        ${
          following.length === 0
            ? html`<p>No challenger has asked the logs here. Ask each of them once, through Tor:</p>
                ${command(`sudo ctga challenge --once${stateOption}`)}`
            : html`<p>
                A challenger follows ${count(following.length, 'log')}. These trees wait for what it
                is yet to fetch.
              </p>`
        }`,
    };
  return {
    kind: verdicts.consistent * 2 < trees ? 'waiting' : 'good',
    title: 'no split view',
    headline: 'No split view is proven',
    details: html`<p>${proven} ${watchedSentence(overview)}</p>`,
  };
}

/** Whether what the store has comes from sites of a fleet. */
function isCollected(fleet: Overview['fleet']): fleet is NonNullable<Overview['fleet']> {
  return fleet !== undefined && fleet.role !== 'site';
}

function provenSentence({ verdicts }: Overview, trees: number): string {
  const { consistent } = verdicts;
  const waiting = trees - consistent;
  const wait = `${count(waiting, 'waits', 'wait')} for a proof`;
  if (consistent === 0) return `Of ${count(trees, 'tree')} seen, ${wait}.`;
  const proven = `${consistent === 1 ? 'is' : 'are'} proven to belong to ${consistent === 1 ? 'its' : 'their'} log’s one append-only history`;
  if (waiting > 0)
    return `${group(consistent)} of ${count(trees, 'tree')} seen ${proven}; ${wait}.`;
  return trees === 1 ? `The one tree seen ${proven}.` : `All ${group(trees)} trees seen ${proven}.`;
}

function watchedSentence({ interfaces, fleet }: Overview): string {
  if (interfaces.length === 0 && isCollected(fleet))
    return `${group(fleet.sites.filter(({ hearing }) => hearing === 'heard').length)} of ${count(fleet.sites.length, 'site')} ${fleet.sites.length === 1 ? 'is' : 'are'} heard.`;
  if (interfaces.length === 0) return 'No interface is watched here.';
  return `${count(interfaces.length, 'interface')} ${interfaces.length === 1 ? 'is' : 'are'} watched.`;
}

function firstSteps(stateOption: string): Html {
  return html`<p>
      ctga copies the signed tree heads that pass this machine in DNS answers, and has each log
      prove, from elsewhere, that all of them are of one append-only log. To begin:
    </p>
    <ol class="steps">
      <li>Watch an interface: ${command(`sudo ctga attach eth0${stateOption}`)}</li>
      <li>Ask the logs, through Tor: ${command(`sudo ctga challenge${stateOption}`)}</li>
      <li>Or see it catch a log first, in a network of its own: ${command('sudo ctga lab run')}</li>
    </ol>`;
}

function collectingSteps({ sites }: NonNullable<Overview['fleet']>): Html {
  const heard = sites.filter(({ hearing }) => hearing === 'heard').length;
  if (heard > 0)
    return html`<p>
      ${count(heard, 'site is', 'sites are')} heard, and none has told of a tree head so far.
    </p>`;
  return html`<p>
      No site of the fleet is heard yet. On each of them something has to tell what is seen, either
      <code>ctga attach</code> with <code>--publish</code>, or beside it:
    </p>
    ${command('ctga fleet publish --bus tls://bus1.example.net,bus2.example.net,bus3.example.net')}`;
}

function watchingSteps(stateOption: string): Html {
  return html`<p>
      No tree head has passed in a DNS answer so far. <code>ctga logs list</code> shows the names
      that are watched; whether packets arrive is below, and with:
    </p>
    ${command(`sudo ctga status${stateOption}`)}`;
}

/** Browsers would end a line behind the dashes of an option. */
function wholeOptions(text: string): Html[] {
  return text
    .split(/(--[a-z][\w-]*)/)
    .map((part, i) => (i % 2 === 1 ? html`<span class="option">${part}</span>` : html`${part}`));
}

const CONDITIONS = 8;

function conditionList(conditions: readonly Condition[]): Html {
  if (conditions.length === 0) return html``;
  const rest = conditions.length - CONDITIONS;
  return html`<ul class="conditions">
    ${conditions.slice(0, CONDITIONS).map(
      ({ severity, message, remedy }) =>
        html`<li>
          ${sign(severity === 'critical' ? 'alarm' : 'warning')}
          <div><strong>${message}</strong> <span>${wholeOptions(remedy)}</span></div>
        </li>`,
    )}
    ${
      rest > 0
        ? html`<li>
            ${sign('warning')}
            <div>And ${rest} more, in <a href="/state.json">state.json</a>.</div>
          </li>`
        : ''
    }
  </ul>`;
}

function verdictSection({ kind, headline, details }: VerdictView): Html {
  return html`<div class="verdict ${kind}">
    <svg class="verdict-sign" viewBox="0 0 44 44" aria-hidden="true">${SIGNS[kind]}</svg>
    <h1 id="verdict-title">${headline}</h1>
    <div class="verdict-details">${details}</div>
  </div>`;
}

const SIGNS: Readonly<Record<Kind, Html>> = {
  good: html`<circle cx="22" cy="22" r="19" /><path d="M13 23l6 6 12-13" />`,
  waiting: html`<circle class="dashed" cx="22" cy="22" r="19" /><path d="M22 13v10l6 4" />`,
  warning: html`<path d="M22 5L41 38H3Z" /><path d="M22 17v10M22 32v1" />`,
  alarm: html`<path d="M4 34H40M10 34C24 34 18 10 30 10" /><path d="M34 4L40 10 34 16 28 10Z" />`,
};

/** From the packet to the verdict, one number each. */
function factsSection({ interfaces, treeHeads, verdicts, evidence, fleet }: Overview): Html {
  const noun = findingNoun(evidence);
  const seeing = interfaces.filter(isSeeing).length;
  const sum = (name: string): number =>
    interfaces.reduce((total, { counters }) => total + (counters[name] ?? 0), 0);
  const trees = Object.values(verdicts).reduce((total, each) => total + each, 0);
  const fact = (value: string, label: string, kind: Kind | '' = ''): Html =>
    html`<li class="fact ${kind}"><strong>${value}</strong> <span>${label}</span></li>`;
  const seenFacts = (): Html => html`
    ${fact(compact(treeHeads), treeHeads === 1 ? 'signed tree head seen' : 'signed tree heads seen')}
    ${fact(trees === 0 ? 'none' : `${compact(verdicts.consistent)} of ${compact(trees)}`, 'trees proven consistent')}
    ${fact(compact(evidence.length), `${noun}${evidence.length === 1 ? '' : 's'} proven`, evidence.length > 0 ? 'alarm' : '')}
  `;
  const collected = isCollected(fleet) ? fleet.sites : undefined;
  const heard = collected?.filter(({ hearing }) => hearing === 'heard').length ?? 0;
  const fell = collected?.some(({ hearing }) => hearing === 'silent') === true;
  if (collected !== undefined && interfaces.length === 0)
    return html`<ol class="facts four">
      ${fact(
        collected.length === 0 ? 'none' : `${group(heard)} of ${group(collected.length)}`,
        collected.length === 1 ? 'site heard' : 'sites heard',
        fell ? 'warning' : '',
      )}
      ${seenFacts()}
    </ol>`;
  return html`<ol class="facts">
    ${fact(
      interfaces.length === 0 ? 'none' : `${seeing} of ${interfaces.length}`,
      interfaces.length === 1 ? 'interface watched' : 'interfaces watched',
      seeing < interfaces.length ? 'warning' : '',
    )}
    ${fact(compact(sum('packets')), 'packets passed, every one unchanged')} ${seenFacts()}
  </ol>`;
}

function splitsSection({
  overview: { evidence, verdicts, chain },
  splits,
  stateOption,
  atSites,
}: PageData): Html {
  const noun = findingNoun(evidence);
  const title = html`<h2 id="splits-title" data-splits="${evidence.length}" data-noun="${noun}">
    ${noun === 'split view' ? 'Split views' : 'Findings'}
  </h2>`;
  if (evidence.length === 0)
    return html`${title}
      <p>
        ${verdicts.consistent === 0 ? 'None is proven, and nothing is ruled out yet.' : 'None is proven.'}
        A log that is caught is shown here, with evidence that anybody can check.
      </p>`;
  return html`${title}
  ${splits.map((split) => {
    const ofLog = evidence.filter(({ log }) => log === split.log).length;
    return findingCard(
      split,
      stateOption,
      ofLog > 1 ? html`<a href="/evidence">${group(ofLog - 1)} more of this log</a>.` : html``,
      atSites?.get(split.path),
    );
  })}
  ${
    evidence.length > splits.length
      ? html`<p><a href="/evidence">All ${count(evidence.length, noun)}</a></p>`
      : ''
  }
  ${
    chain === undefined || chain.length === 0
      ? ''
      : html`<p class="quiet small">
          The chain of evidence has ${count(chain.length, 'file')}, and its head is
          <code>${chain.head}</code>. Note it elsewhere: whoever has it can tell later that nothing
          before it was taken away.
        </p>`
  }`;
}

export const NO_LOG =
  'No log was seen yet. Each log will have a line here, along which its trees appear as they are seen.';

function logsSection(timeline: Timeline): Html {
  const { lanes, logs } = timeline;
  const title = html`<h2 id="logs-title">Logs</h2>`;
  if (lanes.length === 0)
    return html`${title}
      <p>${NO_LOG}</p>`;
  return html`${title} ${timelineList(timeline)}
  ${logs > lanes.length ? html`<p><a href="/logs">All ${group(logs)} logs</a></p>` : ''}`;
}

/** The lanes, one under the other, and what the marks mean. */
export function timelineList({ lanes, from, to }: Timeline): Html {
  const middle = from + (to - from) / 2;
  return html`<div class="card">
    <p class="legend">
      <span>${sign('good')} consistent</span>
      <span>${sign('waiting')} no verdict yet</span>
      <span>${sign('warning')} needs a look</span>
      <span>${sign('alarm')} fork-proven</span>
    </p>
    <ul class="lanes">
      ${lanes.map((lane) => laneItem(lane))}
    </ul>
    <p class="axis">
      <span>${dateOf(from, to - from)}</span>
      <span class="wide">${dateOf(middle, to - from)}</span>
      <span>${dateOf(to, to - from)}</span>
    </p>
    <p class="quiet small">
      Trees by when they were first seen (UTC); each mark stands for one ${SLOTS}th of the time
      shown. A branch is a tree that was proven a fork.
    </p>
  </div>`;
}

function laneItem(lane: Lane): Html {
  const trees = (kind: Kind): number =>
    lane.slots
      .filter(({ verdict }) => VERDICT_WORDS[verdict].kind === kind)
      .reduce((sum, each) => sum + each.trees, 0);
  const largest = lane.slots.reduce(
    (most, each) => (each.largest > most ? each.largest : most),
    0n,
  );
  const heads = lane.days?.heads ?? [];
  const total = heads.reduce((sum, each) => sum + each, 0);
  const said = (
    [
      ['alarm', 'proven a fork'],
      ['warning', 'that need a look'],
      ['good', 'proven consistent'],
      ['waiting', 'without a verdict'],
    ] as const
  )
    .filter(([kind]) => trees(kind) > 0)
    .map(([kind, words]) => `${count(trees(kind), 'tree')} ${words}`)
    .join(', ');
  const [alarms, warnings] = [trees('alarm'), trees('warning')];
  return html`<li class="lane">
    <div class="lane-words">
      <p class="name">${logName(lane.log)}</p>
      <p class="quiet small">
        ${alarms > 0 ? html`<span class="chip alarm">${count(alarms, 'fork')}</span>` : ''}
        ${warnings > 0 ? html`<span class="chip warning">${group(warnings)} to look at</span>` : ''}
        ${group(heads.at(-1) ?? 0)} today, ${group(total)} in ${DAYS} days, up to size
        ${group(largest)}
      </p>
    </div>
    ${lanePicture(lane, `${logName(lane.log)}: ${said}.`)}
  </li>`;
}

function verdictsSection({ verdicts }: Overview): Html {
  const title = html`<h2 id="verdicts-title">Verdicts on trees</h2>`;
  const row = (verdict: (typeof VERDICT_ORDER)[number]): Html =>
    html`<li class="verdict-row">
      ${sign(VERDICT_WORDS[verdict].kind)}
      <strong class="number">${group(verdicts[verdict])}</strong>
      <span class="verdict-name">${verdict}</span>
      <span class="meaning">${VERDICT_WORDS[verdict].meaning}</span>
    </li>`;
  const some = VERDICT_ORDER.filter((verdict) => verdicts[verdict] > 0);
  const none = VERDICT_ORDER.filter((verdict) => verdicts[verdict] === 0);
  return html`${title}
    <div class="card">
      ${
        some.length === 0
          ? html`<p>
              No tree was seen yet, so there is none. Each tree that is seen gets one of these:
            </p>`
          : html`${shareBar(verdicts)}
              <ul class="verdict-rows">
                ${some.map(row)}
              </ul>`
      }
      ${
        none.length === 0
          ? ''
          : html`<details ${some.length === 0 ? html`open` : ''}>
              <summary>
                ${some.length === 0 ? 'All verdicts' : `${count(none.length, 'verdict')} that no tree has`}
              </summary>
              <ul class="verdict-rows">
                ${none.map(row)}
              </ul>
            </details>`
      }
    </div>`;
}

function shareBar(verdicts: Overview['verdicts']): Html {
  const total = Object.values(verdicts).reduce((sum, each) => sum + each, 0);
  let x = 0;
  return html`<svg class="share" width="100%" height="8" aria-hidden="true">
    ${(['good', 'waiting', 'warning', 'alarm'] as const).map((kind) => {
      const trees = VERDICT_ORDER.filter((verdict) => VERDICT_WORDS[verdict].kind === kind).reduce(
        (sum, verdict) => sum + verdicts[verdict],
        0,
      );
      if (trees === 0) return html``;
      const width = Math.max(0.6, (100 * trees) / total);
      const bar = html`<rect
        class="${kind}"
        x="${Math.min(x, 99.4)}%"
        width="${width}%"
        height="8"
      />`;
      x += width;
      return bar;
    })}
  </svg>`;
}

const isSeeing = ({ isStale, blindSince }: InterfaceOverview): boolean =>
  !isStale && blindSince === null;

const INTERFACES = 24;

function interfacesSection({ overview: { interfaces, fleet }, stateOption }: PageData): Html {
  const title = html`<h2 id="interfaces-title">Interfaces</h2>`;
  if (interfaces.length === 0 && isCollected(fleet))
    return html`${title}
      <p>None is watched from here: what is in this store comes from the sites of the fleet.</p>`;
  if (interfaces.length === 0)
    return html`${title}
      <p>None is watched from here. Watch one with:</p>
      ${command(`sudo ctga attach eth0${stateOption}`)}`;
  const shown = interfaces
    .toSorted((a, b) => Number(isSeeing(a)) - Number(isSeeing(b)))
    .slice(0, INTERFACES);
  const rest = interfaces.length - shown.length;
  return html`${title}
    <p class="quiet small">
      Packets since each interface was attached. Every one went on unchanged, copied or not.
    </p>
    <div class="interfaces">${shown.map(interfaceCard)}</div>
    ${rest > 0 ? html`<p>And ${group(rest)} more, in <a href="/state.json">state.json</a>.</p>` : ''}`;
}

function interfaceCard(plane: InterfaceOverview): Html {
  const sum = (...names: readonly string[]): number =>
    names.reduce((total, name) => total + (plane.counters[name] ?? 0), 0);
  const exact = (of: number): string => compact(of, 10 ** 13);
  const share = (of: number): string => `${(of * 100).toFixed(of < 0.1 && of > 0 ? 2 : 0)} %`;
  const lost = sum('answersRingFull', 'fragmentsRingFull');
  const row = (name: string, value: string, kind: Kind | '' = ''): Html =>
    html`<div class="${kind}">
      <dt>${name}</dt>
      <dd>${value}</dd>
    </div>`;
  return html`<article class="card ${isSeeing(plane) ? '' : 'warning-card'}">
    <h3>${plane.interface} ${stateChip(plane)}</h3>
    <p class="quiet small">${stateOf(plane)}</p>
    <dl class="numbers">
      ${row('Packets', exact(sum('packets')))} ${row('Answers copied', exact(sum('answersCopied')))}
      ${row('Fragments copied', exact(sum('fragmentsCopied')))}
      ${row('Sampled out', exact(sum('answersSampledOut', 'fragmentsSampledOut')))}
      ${row('Over budget', exact(sum('answersOverBudget', 'fragmentsOverBudget')))}
      ${row('Lost, ring full', exact(lost), lost > 0 ? 'warning' : '')}
      ${row('Answers copied of late', share(plane.settings.answersShare))}
      ${row('Fragments of late', share(plane.settings.fragmentsShare))}
      ${row('Names watched', group(plane.names))}
    </dl>
  </article>`;
}

function stateChip({ blindSince, isStale }: InterfaceOverview): Html {
  if (blindSince !== null) return html`<span class="chip warning">blind</span>`;
  if (isStale) return html`<span class="chip warning">no observer</span>`;
  return html`<span class="chip good">watched</span>`;
}

function stateOf({ mode, isStale, blindSince, updated }: InterfaceOverview): Html {
  if (blindSince !== null) return html`No packet is seen since ${timeOf(blindSince)}.`;
  if (isStale) return html`Nobody has read its copies since ${timeOf(updated)}.`;
  return html`Attached as ${mode}; last report ${timeOf(updated)}.`;
}

const OUTGROWN = 5;

function followingSection({ overview: { following }, stateOption }: PageData): Html {
  const title = html`<h2 id="following-title">Challenger</h2>`;
  if (following.length === 0)
    return html`${title}
      <p>
        None has followed the logs from this store. It asks each log for what any mirror of it
        fetches, so that no log learns what was seen here. Start one, best on another host, with:
      </p>
      ${command(`sudo ctga challenge${stateOption}`)}`;
  const sum = (of: 'requests' | 'bytes'): number =>
    following.reduce((total, log) => total + log[of], 0);
  const blocks = following.filter(({ mode }) => mode === 'blocks');
  return html`${title}
    <div class="card">
      <dl class="numbers">
        <div>
          <dt>Logs followed</dt>
          <dd>${group(following.length)}</dd>
        </div>
        <div>
          <dt>Requests today</dt>
          <dd>${group(sum('requests'))}</dd>
        </div>
        <div>
          <dt>Fetched today</dt>
          <dd>${megabytes(sum('bytes'))}</dd>
        </div>
        <div class="${blocks.length > 0 ? 'warning' : ''}">
          <dt>Outgrow their budget</dt>
          <dd>${group(blocks.length)}</dd>
        </div>
      </dl>
      ${
        blocks.length === 0
          ? ''
          : html`<p class="small">
              ${blocks
                .slice(0, OUTGROWN)
                .map(({ log }) => logName(log))
                .join(', ')}
              ${blocks.length > OUTGROWN ? ` and ${blocks.length - OUTGROWN} more` : ''} grow by
              more than
              <code>ctga challenge --budget</code> lets be fetched, so trees of theirs that are not
              public wait longer for a verdict.
            </p>`
      }
    </div>`;
}

/** So many of the latest heads are listed. */
const RECENT = 12;

function recentSection({ overview: { recent } }: PageData): Html {
  const title = html`<h2 id="recent-title">Latest tree heads</h2>`;
  if (recent.length === 0)
    return html`${title}
      <p>None yet. The latest that are seen are listed here, each with its verdict.</p>`;
  const head = (words: string, kind = ''): Html =>
    html`<th role="columnheader" scope="col" class="${kind}">${words}</th>`;
  return html`${title}
    <table class="card stacks" role="table" aria-labelledby="recent-title">
      <thead role="rowgroup">
        <tr role="row">
          ${head('Log')} ${head('Verdict')} ${head('Tree size', 'number')} ${head('Signed')}
          ${head('First seen')} ${head('Times', 'number')} ${head('Where')}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${recent.slice(0, RECENT).map(recentRow)}
      </tbody>
    </table>`;
}

/** A name that stays on one line whatever else is in its row. */
const SHORT = 36;

function recentRow(head: RecentHead): Html {
  const name = logName(head.log);
  const cell = (words: string, value: Html, kind = ''): Html =>
    html`<td role="cell" class="${kind}">
      <span class="cell-name">${words}</span> <span>${value}</span>
    </td>`;
  return html`<tr role="row">
    <th role="rowheader" scope="row" class="name ${name.length <= SHORT ? 'short' : ''}">
      ${name}
    </th>
    <td role="cell" class="cell-verdict">
      ${verdictChip(head.verdict)} ${wordsOf(head.elsewhere)}
    </td>
    ${cell('Tree size', html`${group(head.treeSize)}`, 'number')}
    ${cell('Signed', head.timestamp === 0n ? html`no time` : timeOf(Number(head.timestamp)))}
    ${cell('First seen', timeOf(head.headFirstSeen))}
    ${cell('Times', html`${group(head.count)}`, 'number')}
    ${cell('Where', sourcesOf(head.sources), 'where')}
  </tr>`;
}

function countsSection({ counts }: Overview): Html {
  const entries = Object.entries(counts);
  const title = html`<h2 id="counts-title">Counted and not stored</h2>`;
  if (entries.length === 0)
    return html`${title}
      <p>
        Nothing. What the observer refuses, such as answers with false signatures, is counted here.
      </p>`;
  return html`${title}
    <details class="card">
      <summary>${count(entries.length, 'reason')}</summary>
      <ul class="counts">
        ${entries.map(
          ([name, times]) =>
            html`<li><strong class="number">${group(times)}</strong> <span>${name}</span></li>`,
        )}
      </ul>
    </details>`;
}
