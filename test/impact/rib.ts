// SPDX-License-Identifier: Apache-2.0
/** Routing tables in MRT, as tests make them (RFC 6396). */
import { parsePrefix } from '../../src/impact/prefix.ts';

export interface Route {
  readonly prefix: string;
  /** Of each entry, the AS path; a set of ASes within it is a list. */
  readonly paths: readonly (readonly (number | readonly number[])[])[];
}

function prefixBytes(text: string): { length: number; bytes: number[] } {
  const { start, length } = parsePrefix(text);
  const hex =
    typeof start === 'number'
      ? start.toString(16).padStart(8, '0')
      : start.toString(16).padStart(32, '0');
  return { length, bytes: [...Buffer.from(hex, 'hex')] };
}

const u16 = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value & 0xffff)];

/** ORIGIN, an AS path and a NEXT_HOP, the path's length being of one byte or two. */
function attributes(
  path: Route['paths'][number],
  asn: (value: number) => number[],
  isLong: boolean,
): number[] {
  const segments: number[] = [];
  let sequence: number[] = [];
  const flush = (): void => {
    if (sequence.length > 0) segments.push(2, sequence.length, ...sequence.flatMap(asn));
    sequence = [];
  };
  for (const each of path)
    if (typeof each === 'number') sequence.push(each);
    else {
      flush();
      segments.push(1, each.length, ...each.flatMap(asn));
    }
  flush();
  const head = isLong ? [0x50, 2, ...u16(segments.length)] : [0x40, 2, segments.length];
  return [0x40, 1, 1, 0, ...head, ...segments, 0x40, 3, 4, 192, 0, 2, 1];
}

function record(type: number, subtype: number, body: readonly number[]): Buffer {
  return Buffer.from([
    ...u32(1_520_863_200),
    ...u16(type),
    ...u16(subtype),
    ...u32(body.length),
    ...body,
  ]);
}

/** TABLE_DUMP_V2; with `addPath`, with RFC 8050's path identifiers. */
export function ribV2(routes: readonly Route[], addPath = false): Buffer {
  const peers = record(13, 1, [
    ...u32(0xc000_0201),
    ...u16(0),
    ...u16(1),
    2,
    ...u32(1),
    ...u32(1),
    ...u32(65_000),
  ]);
  return Buffer.concat([
    peers,
    ...routes.map(({ prefix, paths }, i) => {
      const { length, bytes } = prefixBytes(prefix);
      const isSix = bytes.length === 16;
      const entries = paths.flatMap((path, n) => {
        const attribute = attributes(path, u32, n % 2 === 1);
        return [
          ...u16(0),
          ...u32(7),
          ...(addPath ? u32(n) : []),
          ...u16(attribute.length),
          ...attribute,
        ];
      });
      return record(13, (isSix ? 4 : 2) + (addPath ? 6 : 0), [
        ...u32(i),
        length,
        ...bytes.slice(0, Math.ceil(length / 8)),
        ...u16(paths.length),
        ...entries,
      ]);
    }),
  ]);
}

/** TABLE_DUMP: a record for each path, and ASes of two bytes. */
export function ribV1(routes: readonly Route[]): Buffer {
  return Buffer.concat(
    routes.flatMap(({ prefix, paths }) =>
      paths.map((path) => {
        const { length, bytes } = prefixBytes(prefix);
        const attribute = attributes(path, u16, false);
        return record(12, bytes.length === 16 ? 2 : 1, [
          ...u16(0),
          ...u16(0),
          ...bytes,
          length,
          1,
          ...u32(7),
          ...bytes,
          ...u16(65_000),
          ...u16(attribute.length),
          ...attribute,
        ]);
      }),
    ),
  );
}
