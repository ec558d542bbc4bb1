// SPDX-License-Identifier: Apache-2.0
/**
 * The small files beside the traceroutes and the graph: prefixes with their AS, exchange points,
 * ranks, probes, and how much IPv4 space an AS has. Each has a reader that takes line after line
 * and throws Fault at one that it does not understand. Pure.
 */
import { asNumber, Fault, parseDocument, parseJson, shown } from './fault.ts';
import { parseAddress, parsePrefix, PrefixTable, type Prefix } from './prefix.ts';

/** Takes a file line by line; `end` says what only the end shows. */
export interface LineReader {
  line: (text: string, number: number) => void;
  end: () => void;
}

/** A prefix of which it is known that nobody knows whose it is; see MrtReader. */
export const UNKNOWN_ORIGIN = -1;

/** pyasn's IPASN files: a prefix, a blank, an AS; comments begin with a semicolon. */
export function pyasnReader(table: PrefixTable): LineReader {
  const before = table.size;
  return {
    line(text) {
      if (text.trim() === '' || /^[;#]/.test(text)) return;
      const [prefix = '', asn, ...more] = text.trim().split(/\s+/);
      if (more.length > 0) throw new Fault(`${shown(text)}: want PREFIX AS`);
      addOnce(table, parsePrefix(prefix), asNumber(asn), prefix);
    },
    end() {
      if (table.size === before) throw new Fault('there is no prefix in it');
    },
  };
}

function addOnce(table: PrefixTable, prefix: Prefix, value: number, text: string): void {
  const earlier = table.valueOf(prefix);
  if (earlier > 0 && earlier !== value)
    throw new Fault(`${text} is of ${value}, but an earlier line has ${earlier}`);
  table.set(prefix, value);
}

/** Exchange points by prefix, with names. */
export interface Exchanges {
  readonly table: PrefixTable;
  /** By what the file calls them. */
  readonly names: Map<number, string>;
}

/**
 * Exchange points, in any of these forms, one a line or the whole file one document:
 * - CAIDA's ixs: {"ix_id": 1, "name": "...", "prefixes": {"ipv4": [...], "ipv6": [...]}};
 * - CAIDA's ix-asns, as the paper has it: {"ix_id": 1, "asn": ..., "ipv4": [addresses], "ipv6": [...]};
 * - PeeringDB's ixpfx, or a dump of it: {"data": [{"ixlan_id": 1, "prefix": "..."}]};
 * - text: a prefix or an address, a blank, the exchange point's number, perhaps a name.
 * An address of several gets the lowest number, as in the paper.
 */
export function exchangeReader({ table, names }: Exchanges): LineReader {
  const document: string[] = [];
  let isDocument = false;
  const add = (text: unknown, id: number): void => {
    if (typeof text !== 'string') throw new Fault(`${shown(text)} is no prefix`);
    const address = text.includes('/') ? undefined : parseAddress(text);
    const prefix =
      address === undefined
        ? parsePrefix(text)
        : { start: address, length: typeof address === 'number' ? 32 : 128 };
    const earlier = table.valueOf(prefix);
    if (earlier === 0 || id < earlier) table.set(prefix, id);
  };
  const read = (value: unknown): void => {
    const item = objectOf(value);
    const data = item['data'] ?? (item['ixpfx'] as { data?: unknown } | undefined)?.data;
    if (Array.isArray(data)) {
      data.forEach(read);
      return;
    }
    const id = exchangeId(item['ix_id'] ?? item['ixlan_id']);
    if (typeof item['name'] === 'string') names.set(id, item['name']);
    if (typeof item['prefix'] === 'string') return add(item['prefix'], id);
    const lists = objectOf(item['prefixes'] ?? item);
    const found = [lists['ipv4'] ?? [], lists['ipv6'] ?? []];
    if (lists['ipv4'] === undefined && lists['ipv6'] === undefined)
      throw new Fault(`has no prefixes: want "prefixes", "prefix", or "ipv4" and "ipv6"`);
    for (const list of found) {
      if (!Array.isArray(list)) throw new Fault(`has ${shown(list)} for a list of prefixes`);
      for (const each of list) add(each, id);
    }
  };
  return {
    line(text, number) {
      if (isDocument) {
        document.push(text);
        return;
      }
      if (text.trim() === '' || text.startsWith('#')) return;
      if (!text.trim().startsWith('{')) {
        const [, prefix, id, name] = /^(\S+)\s+(\d+)(?:\s+(.*))?$/.exec(text.trim()) ?? [];
        if (prefix === undefined)
          throw new Fault(`${shown(text)}: want PREFIX NUMBER, or an object of CAIDA or PeeringDB`);
        if (name !== undefined) names.set(exchangeId(id), name);
        return add(prefix, exchangeId(id));
      }
      // One document may go over several lines; then its first line is none by itself.
      if (number === 1 && !isJson(text)) {
        isDocument = true;
        document.push(text);
      } else read(parseJson(text));
    },
    end() {
      if (isDocument) {
        const value = parseDocument(document);
        try {
          read(value);
        } catch (error) {
          throw error instanceof Fault ? new Fault(error.message, { line: 1 }) : error;
        }
      }
      if (table.size === 0) throw new Fault('there is no exchange point in it');
    },
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function exchangeId(value: unknown): number {
  const id = Number(value);
  if (/^\d{1,10}$/.test(String(value)) && id > 0) return id;
  throw new Fault(`${shown(value)} is no number of an exchange point`);
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw new Fault(`is ${shown(value)}: want an object`);
}

/**
 * ASes in CAIDA's order: the array of its API, as the paper kept it, or lines of its export, each
 * {"asn": ..., "rank": ...}, or one AS a line. That API gave its list page by page, and some ASes on
 * two pages: the first place counts. `onRepeated` is told how many are named again.
 */
export function rankReader(
  ranking: number[],
  onRepeated: (count: number) => void = () => undefined,
): LineReader {
  const known = new Map<number, { rank: number; line: number }>();
  let repeated = 0;
  const ranks: { asn: number; rank: number }[] = [];
  const add = (value: unknown, line: number): void => {
    const item = typeof value === 'object' && value !== null ? objectOf(value) : { asn: value };
    const asn = asNumber(item['asn']);
    const rank = 'rank' in item ? Number(item['rank']) : ranks.length + 1;
    if (!Number.isSafeInteger(rank) || rank < 1)
      throw new Fault(`AS${asn} has the rank ${shown(item['rank'])}`);
    const earlier = known.get(asn);
    if (earlier !== undefined) {
      if ('rank' in item && rank !== earlier.rank)
        throw new Fault(
          `AS${asn} has the rank ${rank}, but ${earlier.rank} by line ${earlier.line}`,
        );
      repeated++;
      return;
    }
    known.set(asn, { rank, line });
    ranks.push({ asn, rank });
  };
  let document: string[] | undefined;
  return {
    line(text, number) {
      if (document !== undefined) document.push(text);
      else if (text.trim().startsWith('[')) {
        if (number !== 1) throw new Fault('an array begins here: want it alone in its file');
        document = [text];
      } else if (text.trim() !== '' && !text.startsWith('#'))
        add(text.trim().startsWith('{') ? parseJson(text) : text.trim(), number);
    },
    end() {
      if (document !== undefined) {
        const all = parseDocument(document) as readonly unknown[];
        const lines = document.flatMap((text, i) =>
          Array.from(text.matchAll(/[^\s,[\]]+/g), () => i + 1),
        );
        for (const [i, each] of all.entries()) {
          if (typeof each === 'object') throw new Fault('want an array of ASes alone', { line: 1 });
          const line = lines[i] ?? 1;
          try {
            add(each, line);
          } catch (error) {
            throw error instanceof Fault ? new Fault(error.message, { line }) : error;
          }
        }
      }
      if (ranks.length === 0) throw new Fault('there is no AS in it');
      ranks.sort((a, b) => a.rank - b.rank);
      for (const { asn } of ranks) ranking.push(asn);
      if (repeated > 0) onRepeated(repeated);
    },
  };
}

/** A probe's AS, and the line that says so. */
export interface ProbeAs {
  readonly asn: number;
  readonly line: number;
}

/** Probes and their ASes: a probe's number, a blank, an AS; or one AS a line, each of one client. */
export function probeReader(probes: Map<number, ProbeAs>): LineReader {
  return {
    line(text, line) {
      if (text.trim() === '' || text.startsWith('#')) return;
      const words = text.trim().split(/[\s,]+/);
      if (words.length > 2) throw new Fault(`${shown(text)}: want PROBE AS`);
      const probe = words.length === 2 ? Number(words[0]) : probes.size + 1;
      if (!Number.isSafeInteger(probe) || probe < 0)
        throw new Fault(`${shown(words[0])} is no number of a probe`);
      const asn = asNumber(words[words.length - 1]);
      const earlier = probes.get(probe);
      if (earlier !== undefined)
        throw new Fault(`probe ${probe} is in AS${earlier.asn} by line ${earlier.line}`);
      probes.set(probe, { asn, line });
    },
    end() {
      if (probes.size === 0) throw new Fault('there is no probe in it');
    },
  };
}

/** IPv4 space by AS: an AS, a blank, a number in whatever unit, since only shares are shown. */
export function spaceReader(space: Map<number, number>): LineReader {
  return {
    line(text) {
      if (text.trim() === '' || text.startsWith('#')) return;
      const [asn, size = '', ...more] = text.trim().split(/\s+/);
      if (more.length > 0 || !/^\d+(\.\d+)?$/.test(size))
        throw new Fault(`${shown(text)}: want AS SIZE`);
      const key = asNumber(asn);
      if (space.has(key)) throw new Fault(`AS${key} has a size already`);
      space.set(key, Number(size));
    },
    end() {
      if (space.size === 0) throw new Fault('there is no AS in it');
    },
  };
}
