// SPDX-License-Identifier: Apache-2.0
/** JSON as Go's encoding/json reads and writes it, as far as CTng's programs need it. Pure. */

/** What may be written: a Map is a Go map, whose keys Go sorts as text. */
export type GoValue =
  | string
  | number
  | bigint
  | null
  | readonly GoValue[]
  | ReadonlyMap<string, GoValue>
  | { readonly [field: string]: GoValue };

/**
 * As JSON.parse, with whole numbers of 16 digits and more as bigints: RSA keys have them. Throws
 * SyntaxError, also for what is nested too deep for JavaScript's stack (Go's limit is 10,000).
 */
export function parseGo(text: string): unknown {
  // First as it is: of what is no JSON, the search for numbers would look at each quote anew.
  JSON.parse(text);
  const marked = text.replace(
    /"(?:[^"\\]|\\.)*"|(?<![\d.eE+-])-?\d{16,5000}(?![\d.eE])/g,
    (token) => (token.startsWith('"') ? token : `{"${BIG}":"${token}"}`),
  );
  try {
    return JSON.parse(marked, (_key, value: unknown) => {
      if (typeof value === 'string') return value.replace(/\p{Surrogate}/gu, '\ufffd');
      if (typeof value !== 'object' || value === null || !(BIG in value)) return value;
      return /^-?\d+$/.test(String(value[BIG])) ? BigInt(String(value[BIG])) : value;
    });
  } catch (cause) {
    if (cause instanceof RangeError) throw new SyntaxError('is nested too deep', { cause });
    throw cause;
  }
}

/** A field that stands for a number, while JSON.parse reads. */
const BIG = '~whole~';

/** As json.Marshal, or with `indented` as json.MarshalIndent(value, " ", " "). */
export function writeGo(value: GoValue, indented = false): string {
  return write(value, indented ? '\n ' : undefined);
}

/** `line` begins a line of what is around the value. */
function write(value: GoValue, line: string | undefined): string {
  if (typeof value === 'bigint') return value.toString();
  if (value === null || typeof value !== 'object')
    // Go escapes what HTML would act on, and what JavaScript once took for ends of lines.
    return JSON.stringify(value).replace(
      /[<>&\u2028\u2029]/g,
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  const inner = line === undefined ? undefined : `${line} `;
  if (Array.isArray(value))
    return bracketed(
      '[]',
      (value as readonly GoValue[]).map((each) => write(each, inner)),
      line,
    );
  const fields =
    value instanceof Map
      ? [...(value as ReadonlyMap<string, GoValue>)].sort(([a], [b]) => (a < b ? -1 : 1))
      : Object.entries(value as { readonly [field: string]: GoValue });
  const colon = line === undefined ? ':' : ': ';
  return bracketed(
    '{}',
    fields.map(([name, each]) => `${write(name, undefined)}${colon}${write(each, inner)}`),
    line,
  );
}

function bracketed(
  [open = '', close = '']: string,
  parts: readonly string[],
  line: string | undefined,
): string {
  if (line === undefined || parts.length === 0) return `${open}${parts.join(',')}${close}`;
  return `${open}${parts.map((part) => `${line} ${part}`).join(',')}${line}${close}`;
}

/**
 * The fields of a document by the names that a Go struct has for them: Go does not mind upper and
 * lower case, and knows no other fields. What is null was not there. Throws RangeError for what is
 * no object.
 */
export function goFields<Name extends string>(
  document: unknown,
  names: readonly Name[],
): Partial<Record<Name, unknown>> {
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new RangeError('is no JSON object');
  const fields: Partial<Record<Name, unknown>> = {};
  for (const [given, value] of Object.entries(document as Record<string, unknown>)) {
    const name =
      names.find((each) => each === given) ??
      names.find((each) => each.toLowerCase() === given.toLowerCase());
    if (name !== undefined && value !== null) fields[name] = value;
  }
  return fields;
}
