// SPDX-License-Identifier: Apache-2.0
/** HTML from templates: a value is cleaned and escaped as text unless it is an Html already. */

import { clean } from './clean.ts';

export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | bigint | Html | readonly Html[];

export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let text = strings[0] ?? '';
  for (const [i, part] of parts.entries()) text += toHtml(part) + (strings[i + 1] ?? '');
  return new Html(text);
}

function toHtml(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(({ text }) => text).join('');
  return clean(`${part}`).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
