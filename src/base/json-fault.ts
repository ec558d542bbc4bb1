// SPDX-License-Identifier: Apache-2.0
/** What keeps a text from being JSON (RFC 8259), in words; what JSON.parse says is for programmers. */

export interface JsonFault {
  /** Counted from 1. */
  readonly line: number;
  readonly what: string;
}

const SPACE = /[ \t\n\r]*/y;
/** But strings, of which one may be longer than a regular expression takes. */
const TOKEN = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[[\]{},:]/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

const WANTED = {
  value: 'a value',
  first: 'a value, or ] at the end of the list',
  name: 'a name in double quotes',
  member: 'a name in double quotes, or } at the end of the object',
  colon: '":" behind the name',
  list: '"," or ] behind the value',
  object: '"," or } behind the value',
  end: 'nothing more',
} as const;
type Want = keyof typeof WANTED;

/** JSON.parse takes a second for so many, and minutes for as many as a file has room for. */
const MOST_NESTED = 1_000_000;

/** Whether a text has more lists and objects within each other than JSON.parse is to be given. */
export function isNestedTooDeeply(text: string): boolean {
  if (text.length <= MOST_NESTED) return false;
  for (let at = 0, depth = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '[' || char === '{') depth += 1;
    else if (char === ']' || char === '}') depth -= 1;
    else if (char === '"') at = stringEnd(text, at);
    if (depth > MOST_NESTED) return true;
  }
  return false;
}

/** The place of the quote that ends a string; where there is none, the end of the text. */
function stringEnd(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at;
    while (text[before - 1] === '\\') before -= 1;
    if ((at - before) % 2 === 0) return at;
  }
  return text.length;
}

/** The first fault of a text that JSON.parse refuses. */
export function jsonFault(text: string): JsonFault {
  const start = text.slice(0, 4096);
  if (start.trim() === '' && text.trim() === '') return { line: 1, what: 'it is empty' };
  // Its senders must not begin with one (RFC 8259 section 8.1).
  if (start.startsWith('\ufeff'))
    return { line: 1, what: 'it begins with a byte order mark; save it as UTF-8 without one' };
  if (/[\0\ufffd]/.test(start)) return { line: 1, what: 'it is no text' };
  if (/^\s*</.test(start)) return { line: 1, what: 'it is a page of HTML or XML' };
  const open: ('list' | 'object')[] = [];
  let want: Want = 'value';
  for (let at = 0; ;) {
    SPACE.lastIndex = at;
    at += SPACE.exec(text)?.[0].length ?? 0;
    const end = tokenEnd(text, at);
    const next: Want | undefined =
      end === undefined ? undefined : after(text.slice(at, end), want, open);
    if (end === undefined || next === undefined) return faultAt(text, at, want);
    [want, at] = [next, end];
  }
}

/** Undefined where there is none. */
function tokenEnd(text: string, at: number): number | undefined {
  if (text[at] !== '"') {
    TOKEN.lastIndex = at;
    return TOKEN.test(text) ? TOKEN.lastIndex : undefined;
  }
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '"') return i + 1;
    if (text.charCodeAt(i) < 0x20) return undefined;
    if (text[i] !== '\\') continue;
    ESCAPE.lastIndex = i;
    if (!ESCAPE.test(text)) return undefined;
    i = ESCAPE.lastIndex - 1;
  }
  return undefined;
}

/** What is wanted behind a token; undefined if it is not wanted itself. */
function after(token: string, want: Want, open: ('list' | 'object')[]): Want | undefined {
  const behind = (): Want => open.at(-1) ?? 'end';
  if (want === 'colon') return token === ':' ? 'value' : undefined;
  if (want === 'end') return undefined;
  if (token.startsWith('"') && (want === 'name' || want === 'member')) return 'colon';
  if (token === ',') return want === 'list' ? 'value' : want === 'object' ? 'name' : undefined;
  if (token === ']' && (want === 'first' || want === 'list')) {
    open.pop();
    return behind();
  }
  if (token === '}' && (want === 'member' || want === 'object')) {
    open.pop();
    return behind();
  }
  if ((want !== 'value' && want !== 'first') || /^[\]},:]$/.test(token)) return undefined;
  if (token === '[') open.push('list');
  if (token === '{') open.push('object');
  return token === '[' ? 'first' : token === '{' ? 'member' : behind();
}

function faultAt(text: string, at: number, want: Want): JsonFault {
  const line = text.slice(0, at).split('\n').length;
  // An unfinished string is no token, and goes to the end.
  const isCut = at >= text.length || /^"[^"\n]*$/.test(text.slice(at, at + 4096));
  if (isCut) return { line, what: 'it ends in the middle' };
  const column = at - text.lastIndexOf('\n', at - 1);
  return { line, what: `line ${line}, column ${column}: want ${WANTED[want]}` };
}
