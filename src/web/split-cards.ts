// SPDX-License-Identifier: Apache-2.0
/** What is proven, as cards: the picture, the trees, the evidence and how to check it. */
import { html, type Html } from '../base/html.ts';
import { shellWord } from '../base/text.ts';
import { sign, splitPicture } from './picture.ts';
import type { BrokenPromise, Finding, Split, SplitTree } from './splits.ts';
import { group, logName, timeOf, verdictChip } from './words.ts';

/**
 * `stateOption` is as in PageData; `others` tells of further ones, and `atSites` where in a fleet it was
 * seen.
 */
export function findingCard(
  finding: Finding,
  stateOption: string,
  others: Html = html``,
  atSites: Html = html``,
): Html {
  const body = finding.kind === 'fork' ? splitBody(finding) : promiseBody(finding);
  return html`<article class="card alarm-card">
    ${body} ${atSites} ${evidenceOf(finding, stateOption)}
    <p class="quiet small">Log ID <code>${finding.logId}</code>. ${others}</p>
  </article>`;
}

function splitBody(split: Split): Html {
  const { log, trees, created } = split;
  return html`<h3>${logName(log)} showed two trees</h3>
    <p>${claimOf(split)} Proven ${timeOf(created)}.</p>
    ${splitPicture(split)}
    <div class="trees">${trees.map((tree) => treeOf(tree))}</div>`;
}

function promiseBody({ log, leafIndex, tree, created }: BrokenPromise): Html {
  return html`<h3>${logName(log)} broke a promise</h3>
    <p>
      It signed that a certificate is entry ${group(leafIndex)} of its tree, and it signed a tree in
      which that entry is another. Proven ${timeOf(created)}.
    </p>
    <div class="trees">${treeOf(tree)}</div>`;
}

function claimOf({ trees: [smaller, larger] }: Split): string {
  if (smaller.isListed || larger.isListed)
    return 'The log signed one of them, and a signed log list names the other as its last: no append-only log has both.';
  return smaller.treeSize === larger.treeSize
    ? 'It signed both, of one size and with different roots: no append-only log has both.'
    : 'It signed both, and the larger does not continue the smaller: no append-only log has both.';
}

function treeOf({
  treeSize,
  isListed,
  root,
  verdict,
  signed,
  firstSeen,
  sources,
}: SplitTree): Html {
  const row = (name: string, value: Html): Html =>
    html`<div>
      <dt>${name}</dt>
      <dd>${value}</dd>
    </div>`;
  return html`<section class="tree">
    <h4>
      ${sign(verdict === 'consistent' ? 'good' : 'alarm')} Size ${group(treeSize)}
      ${verdict === undefined ? '' : verdictChip(verdict)}
    </h4>
    <dl>
      ${root === undefined ? '' : row('Root', html`<code>${root}</code>`)}
      ${signed === undefined ? '' : row('Signed', timeOf(Number(signed)))}
      ${firstSeen === undefined ? '' : row('First seen', timeOf(firstSeen))}
      ${sources === undefined ? '' : row('Where', sourcesOf(sources))}
      ${isListed ? row('Named by', html`the log list, as the log&#8217;s last tree`) : ''}
      ${!isListed && root === undefined ? row('Details', html`in the evidence file`) : ''}
    </dl>
  </section>`;
}

const SOURCES = 3;

/** Interfaces and files, the first of them. */
export function sourcesOf(sources: readonly string[]): Html {
  const rest = sources.length - SOURCES;
  return html`${sources.slice(0, SOURCES).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** What is wrong with an evidence file, beside its path, as `ctga evidence list` has it. */
const FAULTS: Readonly<Record<Finding['state'], string | undefined>> = {
  kept: undefined,
  missing: 'is gone from',
  changed: 'was changed, and is not what the chain of evidence has:',
  unreadable: 'cannot be read:',
  unknown: 'is not in the chain of evidence:',
};

function evidenceOf({ name, path, state }: Finding, stateOption: string): Html {
  const fault = FAULTS[state];
  const said =
    fault === undefined
      ? html``
      : html`<p class="missing">
          <strong>The evidence file ${fault}</strong> <code>${path}</code>. Bring it back from a
          backup; <code>ctga evidence list${stateOption}</code> says what else is wrong.
        </p>`;
  if (state === 'missing' || state === 'unreadable') return said;
  return html`${said}${downloadsOf(name, stateOption)}`;
}

function downloadsOf(name: string, stateOption: string): Html {
  return html`<p class="actions">
      <a class="button" href="/evidence/${encodeURIComponent(name)}" download
        >Download the evidence<span class="hidden"> ${name}</span></a
      >
      <a href="/verify-evidence.sh" download>Download verify-evidence.sh</a>
    </p>
    <p class="small">
      Check it anywhere, offline: with ctga, or with a script that needs openssl alone.
    </p>
    <pre
      tabindex="0"
      role="group"
      aria-label="Commands that check ${name}"
    ><code>ctga evidence verify ${shellWord(name)}${stateOption}
sh verify-evidence.sh ${shellWord(name)}</code></pre>`;
}
