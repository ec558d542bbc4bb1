// SPDX-License-Identifier: Apache-2.0
/**
 * The tables of known names in the programs for SUME and PSA (p4/sume/known_names.p4): four, each
 * for 32 bytes of a name behind its first four. Pure.
 */
import { MAX_P4_NAME } from './simple-switch.ts';

const TABLES = 4;
const WORDS = 4;
const WORD_BYTES = 8;
const TABLE_BYTES = WORDS * WORD_BYTES;
/** In bytes: what the parser knows a name by, of which the tables look at the length alone. */
const BEGINNING = 4;
/** The first labels that there are. */
const LABELS = ['\x03sth', '\x0acheckpoint'] as const;

/** An entry: what the table looks for, and the number of what it has found. */
export interface NameEntry {
  /** From 1 to 4. */
  readonly table: number;
  /** What the table before has found; for the first the length of the name's first label. */
  readonly soFar: number;
  /** 64 bits each, in network byte order. */
  readonly words: readonly Buffer[];
  readonly id: number;
}

/**
 * The entries that make the program know `names`, which are in wire format; their case does not
 * matter. `left` has the names that the program cannot look for: those longer than MAX_P4_NAME
 * bytes, those whose first label is neither `sth` nor `checkpoint`, and those for which a table has no room, since it
 * holds `size` entries.
 */
export function nameEntries(
  names: readonly Uint8Array[],
  size: number,
): { readonly entries: NameEntry[]; readonly left: Uint8Array[] } {
  const tables = Array.from({ length: TABLES }, () => new Map<string, NameEntry>());
  const left = names.filter((name) => !addName(tables, name, size));
  return { entries: tables.flatMap((table) => [...table.values()]), left };
}

function addName(
  tables: readonly Map<string, NameEntry>[],
  name: Uint8Array,
  size: number,
): boolean {
  const folded = Buffer.from(name).map((byte) =>
    byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte,
  );
  const text = Buffer.from(folded).toString('latin1');
  if (name.length > MAX_P4_NAME || !LABELS.some((label) => text.startsWith(label))) return false;
  const key = Buffer.alloc(TABLES * TABLE_BYTES);
  key.set(folded.subarray(BEGINNING));
  const added: NameEntry[] = [];
  let soFar = folded[0] ?? 0;
  for (const [i, table] of tables.entries()) {
    const part = key.subarray(i * TABLE_BYTES, (i + 1) * TABLE_BYTES);
    const found = table.get(placeOf(soFar, part));
    if (found === undefined) {
      if (table.size === size) return false;
      const words = Array.from({ length: WORDS }, (_, word) =>
        part.subarray(word * WORD_BYTES, (word + 1) * WORD_BYTES),
      );
      added.push({ table: i + 1, soFar, words, id: table.size + 1 });
    }
    soFar = found?.id ?? table.size + 1;
  }
  for (const entry of added)
    tables[entry.table - 1]?.set(placeOf(entry.soFar, Buffer.concat(entry.words)), entry);
  return true;
}

const placeOf = (soFar: number, part: Buffer): string => `${soFar} ${part.toString('hex')}`;
