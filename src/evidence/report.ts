// SPDX-License-Identifier: Apache-2.0
/**
 * A bundle as a report that a person reads: a browser vendor's CT team, or the log's operator.
 * Markdown, or an HTML page that loads nothing. Pure.
 */
import { createHash } from 'node:crypto';
import { clean } from '../base/clean.ts';
import { encodeBase64 } from '../base/base64.ts';
import { shellWord } from '../base/text.ts';
import type { Log } from '../logs/log.ts';
import { fingerprintOf } from '../logs/signed-list.ts';
import { checkpointOf } from '../statements/checkpoint.ts';
import { verifierKeyOf } from '../statements/key.ts';
import {
  claimOf,
  isListed,
  signerOf,
  type Evidence,
  type Exhibit,
  type ForkEvidence,
  type PromiseEvidence,
} from './bundle.ts';
import type { Check } from './verify.ts';

type Block =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'table'; readonly rows: readonly (readonly [name: string, value: string])[] }
  | { readonly kind: 'code'; readonly text: string };

/** The log whose key it is, says a list. */
export interface KnownKey extends Pick<Log, 'description' | 'url' | 'api'> {
  /** The list, with its date. */
  readonly list: string;
}

export interface ReportOptions {
  /** Undefined: no list has the key, so anybody may have made the bundle. */
  readonly known: KnownKey | undefined;
  readonly format: 'markdown' | 'html';
  /** What `verifyEvidence` says of it. */
  readonly checks: readonly Check[];
  /** Of the bundle, to be named; and its SHA-256, in hexadecimal. */
  readonly file: { readonly name: string; readonly sha256: string };
}

export function formatReport(
  evidence: Evidence,
  { format, checks, file, known }: ReportOptions,
): string {
  const what = evidence.kind === 'fork' ? 'Split view' : 'Broken promise';
  const title = `${what} by ${known === undefined ? 'an UNKNOWN KEY' : `the ${signerOf(evidence) === undefined ? 'CT log' : 'log'} ${known.description}`}`;
  const blocks = blocksOf(evidence, checks, file, known);
  return format === 'html' ? toHtml(title, blocks) : toMarkdown(title, blocks);
}

export const UNKNOWN_KEY =
  'UNKNOWN KEY: no log list at hand has this key, so anybody may have made this file, and it accuses no log.';

function blocksOf(
  evidence: Evidence,
  checks: readonly Check[],
  { sha256, ...file }: ReportOptions['file'],
  known: KnownKey | undefined,
): Block[] {
  const name = clean(file.name);
  const { log, created } = evidence;
  const signer = signerOf(evidence);
  const isFork = evidence.kind === 'fork';
  const stands = checks.every(({ holds }) => holds);
  return [
    {
      kind: 'text',
      text: stands
        ? `${known === undefined ? `${UNKNOWN_KEY} The file claims: ` : ''}${claimOf(evidence, known)} ${isFork ? 'No append-only history has both.' : 'No log that keeps its promises signs both.'} This can be checked offline from the evidence file alone.`
        : 'THE EVIDENCE DOES NOT STAND: a check below fails, and nothing is shown of the log.',
    },
    {
      kind: 'table',
      rows: [
        ['Key', known === undefined ? 'UNKNOWN KEY' : `${known.description}, in ${known.list}`],
        ['Log, the file claims', log.description],
        ['URL, the file claims', log.url],
        ['Log ID', encodeBase64(log.logId)],
        ...(signer === undefined
          ? ([['Public key', encodeBase64(log.key)]] as const)
          : ([
              ['Origin', signer.origin],
              ['Public key', verifierKeyOf(signer)],
            ] as const)),
        ['Found', created],
        ['Evidence file', name],
        ['SHA-256 of the file', sha256],
      ],
    },
    ...(evidence.kind === 'fork' ? blocksOfFork(evidence) : blocksOfPromise(evidence)),
    { kind: 'heading', text: 'Checks' },
    {
      kind: 'list',
      items: checks.map(({ what, holds }) => `${holds ? 'holds' : 'FAILS'}: ${what}`),
    },
    { kind: 'heading', text: 'Checking it yourself' },
    {
      kind: 'text',
      text: 'With ctga, or without it by openssl and a page of shell arithmetic (docs/verify-evidence.sh in the source; docs/EVIDENCE.md has the format and the reasoning):',
    },
    {
      kind: 'code',
      text: `ctga evidence verify ${shellWord(name)}\nsh docs/verify-evidence.sh ${shellWord(name)}`,
    },
    { kind: 'heading', text: 'What it does not show' },
    {
      kind: 'text',
      text: isFork
        ? 'Which of the two trees is the right one, who was shown which, or why.'
        : 'Who was given the promise, or why it was broken.',
    },
  ];
}

function blocksOfFork(evidence: ForkEvidence): Block[] {
  const { first, second, proof, derivation } = evidence;
  const signer = signerOf(evidence);
  return [
    { kind: 'heading', text: 'The two trees' },
    ...(
      [
        ['First', first],
        ['Second', second],
      ] as const
    ).flatMap(([name, exhibit]): Block[] =>
      signer === undefined || isListed(exhibit)
        ? [{ kind: 'table', rows: rowsOf(name, exhibit) }]
        : [
            { kind: 'text', text: `${name}, as the log signed it:` },
            { kind: 'code', text: (checkpointOf(exhibit, signer) ?? '').trimEnd() },
          ],
    ),
    { kind: 'heading', text: 'Why they contradict each other' },
    { kind: 'text', text: reasonOf(evidence) },
    ...(proof.kind === 'none'
      ? []
      : ([
          {
            kind: 'text',
            text: `The log's own answer (${proof.kind}), ${proof.hashes.length} hashes:`,
          },
          { kind: 'code', text: proof.hashes.map((hash) => encodeBase64(hash)).join('\n') },
          {
            kind: 'table',
            rows: [
              [`It leads to, for size ${second.treeSize}`, encodeBase64(derivation.secondRoot)],
              [`and for size ${first.treeSize}`, encodeBase64(derivation.firstRoot)],
              [`where the tree above has`, encodeBase64(first.rootHash)],
            ],
          },
        ] satisfies Block[])),
  ];
}

function blocksOfPromise({ promise, head, proof, derivation }: PromiseEvidence): Block[] {
  const { entry } = promise;
  const bytes = entry.type === 'precert' ? entry.tbsCertificate : entry.certificate;
  return [
    { kind: 'heading', text: 'The promise' },
    {
      kind: 'table',
      rows: [
        ['Timestamp', `${promise.timestamp} (${isoOf(promise.timestamp)})`],
        ['Entry', entry.type === 'precert' ? 'a precertificate' : 'a certificate'],
        ['SHA-256 of it', createHash('sha256').update(bytes).digest('hex')],
        ['Promised place (leaf_index)', `${derivation.leafIndex}`],
        ['Promised leaf hash', encodeBase64(derivation.leafHash)],
        ['Signature', encodeBase64(promise.signature)],
      ],
    },
    { kind: 'heading', text: 'The tree' },
    { kind: 'table', rows: rowsOf('Tree', head) },
    { kind: 'heading', text: 'Why they contradict each other' },
    {
      kind: 'text',
      text: `The log signed that this entry is number ${derivation.leafIndex} of its tree, and it signed a tree of ${head.treeSize} entries. The audit path below leads from another leaf at that number to the root of that tree. Whoever disputes it has to show two inputs with one SHA-256.`,
    },
    { kind: 'table', rows: [['The leaf that is there', encodeBase64(proof.leafHash)]] },
    { kind: 'text', text: `Its audit path, ${proof.hashes.length} hashes:` },
    { kind: 'code', text: proof.hashes.map((hash) => encodeBase64(hash)).join('\n') },
  ];
}

function rowsOf(name: string, exhibit: Exhibit): (readonly [string, string])[] {
  const { treeSize, rootHash } = exhibit;
  const tree: (readonly [string, string])[] = [
    [`${name}: size`, `${treeSize}`],
    ['Root hash', encodeBase64(rootHash)],
  ];
  return isListed(exhibit)
    ? [
        ...tree,
        ['Final tree in', 'a signed log list'],
        ["SHA-256 of the list's key", fingerprintOf(exhibit.list.key)],
      ]
    : [
        ...tree,
        ['Timestamp', `${exhibit.timestamp} (${isoOf(exhibit.timestamp)})`],
        ['Signature', encodeBase64(exhibit.signature)],
      ];
}

/** Logs may sign any 64-bit time; not all of them are dates. */
function isoOf(timestamp: bigint): string {
  const date = new Date(Number(timestamp));
  return Number.isNaN(date.getTime()) ? 'no date' : date.toISOString();
}

function reasonOf({ first, second }: ForkEvidence): string {
  const [m, n] = [first.treeSize, second.treeSize];
  if (m === n)
    return `Both are of size ${n}, and their roots differ. A Merkle tree of one history has one root for a size.`;
  return `Asked for a proof between the sizes ${m} and ${n}, the log answered with hashes that lead to the root of the second tree, which fixes every entry of it. The same hashes show what the root of its first ${m} entries is, and that is not the root of the first tree. Whoever disputes this has to show two inputs with one SHA-256.`;
}

function toMarkdown(title: string, blocks: readonly Block[]): string {
  const text = blocks.map((block) => {
    switch (block.kind) {
      case 'heading':
        return `## ${plain(block.text)}`;
      case 'text':
        return plain(block.text);
      case 'list':
        return block.items.map((item) => `- ${plain(item)}`).join('\n');
      case 'table':
        return [
          `| | |`,
          `|---|---|`,
          ...block.rows.map(([name, value]) => `| ${plain(name)} | ${plain(value)} |`),
        ].join('\n');
      case 'code':
        return block.text
          .split('\n')
          .map((line) => `    ${clean(line)}`)
          .join('\n');
    }
  });
  return `# ${plain(title)}\n\n${text.join('\n\n')}\n`;
}

/** What a log calls itself is the log's to choose: it must be no markup, and stay on its line. */
function plain(text: string): string {
  return clean(text).replaceAll(/[\\`*_{}[\]<>#|]/g, '\\$&');
}

function toHtml(title: string, blocks: readonly Block[]): string {
  const text = blocks.map((block) => {
    switch (block.kind) {
      case 'heading':
        return `<h2>${escaped(block.text)}</h2>`;
      case 'text':
        return `<p>${escaped(block.text)}</p>`;
      case 'list':
        return `<ul>${block.items.map((item) => `<li>${escaped(item)}</li>`).join('')}</ul>`;
      case 'table':
        return `<table>${block.rows.map(([name, value]) => `<tr><th scope="row">${escaped(name)}</th><td>${escaped(value)}</td></tr>`).join('')}</table>`;
      case 'code':
        return `<pre>${block.text.split('\n').map(escaped).join('\n')}</pre>`;
    }
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 }
th { text-align: left; vertical-align: top; padding: .2rem 1rem .2rem 0; white-space: nowrap }
td, pre { font-family: ui-monospace, monospace; font-size: .9rem; overflow-wrap: anywhere; white-space: pre-wrap }
</style>
</head>
<body>
<h1>${escaped(title)}</h1>
${text.join('\n')}
</body>
</html>
`;
}

function escaped(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return clean(text).replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}
