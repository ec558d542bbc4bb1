// SPDX-License-Identifier: Apache-2.0
/** How the pages write times, numbers, names and verdicts. */
import type { EvidenceKind } from '../store/evidence.ts';
import type { ForeignVerdict } from '../store/exchange.ts';
import { time } from '../base/text.ts';
import type { Verdict } from '../store/verdicts.ts';
import { html, type Html } from '../base/html.ts';

export function timeOf(milliseconds: number): Html {
  const date = new Date(milliseconds);
  if (Number.isNaN(date.getTime())) return html`an impossible time`;
  return html`<time datetime="${date.toISOString()}">${time(milliseconds)}</time>`;
}

/** "2026-11-26" on an axis of days, "2026-11-26 06:51" on one of minutes, and with seconds below. */
export function dateOf(milliseconds: number, stretch: number): Html {
  const iso = new Date(milliseconds).toISOString();
  const length = stretch > 3 * 86_400_000 ? 10 : stretch > 600_000 ? 16 : 19;
  return html`<time datetime="${iso}">${iso.slice(0, length).replace('T', ' ')}</time>`;
}

/** Separates thousands, so that large numbers can be read. */
export function group(value: number | bigint): string {
  return value.toLocaleString('en').replaceAll(',', '\u202f');
}

const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** "1.2M": a number where there is no room for one that is not below `most`. */
export function compact(value: number, most = 1_000_000): string {
  return value < most ? group(value) : COMPACT.format(value);
}

/** As plural in base/text, with thousands apart. */
export function count(of: number | bigint, one: string, many = `${one}s`): string {
  return `${group(of)} ${BigInt(of) === 1n ? one : many}`;
}

const LOG_ID = /^[A-Za-z0-9+/]{43}=$/;
const LONGEST_NAME = 60;

/** What a log is called, on one line. One that no list names has the beginning of its ID. */
export function logName(name: string): string {
  if (LOG_ID.test(name)) return `unknown log ${name.slice(0, 8)}…`;
  const characters = Array.from(name);
  return characters.length <= LONGEST_NAME
    ? name
    : `${characters.slice(0, LONGEST_NAME - 1).join('')}…`;
}

/** How a verdict is to be taken. */
export type Kind = 'good' | 'waiting' | 'warning' | 'alarm';

interface VerdictWords {
  readonly kind: Kind;
  readonly meaning: string;
}

/** What each verdict means, in the order in which a person should see them. */
export const VERDICT_WORDS: Readonly<Record<Verdict, VerdictWords>> = {
  'fork-proven': {
    kind: 'alarm',
    meaning:
      'A split view: signatures and arithmetic prove that no append-only log has this tree and another one that it signed.',
  },
  unprovable: {
    kind: 'warning',
    meaning:
      'The log has given no proof for far too long. This is no evidence yet, and may become some.',
  },
  'malformed-head': {
    kind: 'warning',
    meaning:
      'An empty tree with a root that no empty tree has: a mistake of the log, and no split view.',
  },
  'bad-proof': { kind: 'waiting', meaning: 'The log’s answer proves nothing. It is asked again.' },
  unreachable: {
    kind: 'waiting',
    meaning: 'No answer came that the log must have given. It is asked again.',
  },
  skewed: { kind: 'waiting', meaning: 'The log shows no tree this large yet. It is asked again.' },
  pending: { kind: 'waiting', meaning: 'Nothing is concluded yet.' },
  consistent: {
    kind: 'good',
    meaning:
      'Proven: this tree, and all others of its log with this verdict, belong to one append-only log.',
  },
};

export const VERDICT_ORDER = Object.keys(VERDICT_WORDS) as Verdict[];

export function verdictChip(verdict: Verdict): Html {
  return html`<span class="chip ${VERDICT_WORDS[verdict].kind}">${verdict}</span>`;
}

/** So many members are named for one verdict. */
const NAMED = 2;

/**
 * What others concluded of a tree, which is their word, by verdict. That a tree is forked is nobody's
 * word: its evidence shows it, to whoever has it.
 */
export function wordsOf(elsewhere: readonly ForeignVerdict[]): Html[] {
  return VERDICT_ORDER.filter((verdict) => verdict !== 'fork-proven').flatMap((verdict) => {
    const words = elsewhere.filter((each) => each.verdict === verdict);
    const who = [...new Set(words.map(({ origin }) => origin.host))].sort();
    if (who.length === 0) return [];
    const more = who.length - NAMED;
    const named = who.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${group(more)} more` : '');
    return [html`<span class="word">${named}: ${verdict}</span>`];
  });
}

/** What findings are called together, in the singular; no findings are no split views. */
export function findingNoun(findings: readonly { readonly kind: EvidenceKind }[]): string {
  const kinds = new Set(findings.map(({ kind }) => kind));
  if (kinds.size > 1) return 'finding';
  return kinds.has('promise-broken') ? 'broken promise' : 'split view';
}
