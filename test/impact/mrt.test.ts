// SPDX-License-Identifier: Apache-2.0
/** Routing tables in MRT: every form, against pyasn, and what is none. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Fault } from '../../src/impact/fault.ts';
import { MrtReader } from '../../src/impact/mrt.ts';
import { parsePrefix, type Prefix } from '../../src/impact/prefix.ts';
import { needsPython, python } from '../support/python.ts';
import { fc, random, SEED } from '../support/random.ts';
import { ribV1, ribV2, type Route } from './rib.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

/** All prefixes of a table with their origins, in their order, read in pieces of so many bytes. */
function read(bytes: Uint8Array, piece = bytes.length): (readonly [Prefix, number])[] {
  const found: (readonly [Prefix, number])[] = [];
  const reader = new MrtReader((prefix, origin) => found.push([prefix, origin]));
  for (let i = 0; i < bytes.length; i += piece) reader.push(bytes.subarray(i, i + piece));
  reader.end();
  return found;
}

const ROUTES: readonly (Route & { readonly origin: number })[] = [
  { prefix: '192.0.2.0/24', paths: [[1, 2, 3]], origin: 3 },
  { prefix: '198.51.100.0/22', paths: [[1, 70_000]], origin: 70_000 },
  { prefix: '10.0.0.0/7', paths: [[1, [5]]], origin: 5 },
  {
    prefix: '203.0.113.128/25',
    paths: [
      [1, [5, 6]],
      [1, 7],
    ],
    origin: 7,
  },
  { prefix: '203.0.113.0/25', paths: [[1, [5, 6]]], origin: 0 },
  {
    prefix: '203.0.112.0/24',
    paths: [
      [1, 8],
      [1, 9],
      [2, 9],
    ],
    origin: 8,
  },
  {
    prefix: '2001:db8::/32',
    paths: [
      [1, 2],
      [3, 4],
    ],
    origin: 2,
  },
  { prefix: '2001:db8:1:2:3:4:5:6/128', paths: [[9]], origin: 9 },
  { prefix: '192.0.3.7/32', paths: [[1, [4, 5], 6]], origin: 6 },
];
const expected = ROUTES.map(({ prefix, origin }) => [parsePrefix(prefix), origin] as const);

describe('a table', () => {
  test('of TABLE_DUMP_V2', () => assert.deepEqual(read(ribV2(ROUTES)), expected));
  test('with additional paths', () => assert.deepEqual(read(ribV2(ROUTES, true)), expected));
  test('of TABLE_DUMP, one route a record', () => {
    const old = ROUTES.filter(({ origin }) => origin < 65_536).map((route) => ({
      ...route,
      paths: route.paths.slice(-1),
    }));
    assert.deepEqual(
      read(ribV1(old)).map(([prefix]) => prefix),
      old.map(({ prefix }) => parsePrefix(prefix)),
    );
    assert.equal(read(ribV1([{ prefix: '192.0.2.0/24', paths: [[1, 2]] }]))[0]?.[1], 2);
  });
  test('in pieces of any size', () => {
    for (const piece of [1, 2, 7, 13, 100]) assert.deepEqual(read(ribV2(ROUTES), piece), expected);
  });
  test('without its default route', () =>
    assert.deepEqual(
      read(
        ribV2([
          { prefix: '0.0.0.0/0', paths: [[1]] },
          { prefix: '::/0', paths: [[1]] },
        ]),
      ),
      [],
    ));
  test('with bits behind a prefix, which count as 0', () => {
    const bytes = ribV2([{ prefix: '192.0.2.0/23', paths: [[1]] }]);
    bytes[bytes.indexOf(Buffer.from([192, 0, 2, 0])) + 2] = 3;
    assert.deepEqual(read(bytes), [[parsePrefix('192.0.2.0/23'), 1]]);
  });
});

describe('what is no table', () => {
  const whole = ribV2(ROUTES);
  for (const [what, bytes, message] of [
    ['nothing', Buffer.alloc(0), /file is empty/],
    [
      'updates',
      Buffer.concat([whole, Buffer.from('00000000001000040000000100', 'hex')]),
      /its type is 16/,
    ],
    ['an unknown subtype', Buffer.from('00000000000d006300000000', 'hex'), /unknown subtype 99/],
    [
      'a prefix of 33 bits',
      Buffer.from('00000000000d00020000000a0000000021c0000201000000', 'hex'),
      /33 bits/,
    ],
    ['a giant record', Buffer.from('00000000000d0002ffffffff', 'hex'), /length of 4294967295/],
  ] as const)
    test(what, () =>
      assert.throws(
        () => read(bytes),
        (error) => error instanceof Fault && message.test(error.message),
      ),
    );

  test('is a table that ends anywhere but behind a record', () => {
    const ends = new Set<number>([0]);
    for (let at = 0; at < whole.length; at += 12 + whole.readUInt32BE(at + 8)) ends.add(at);
    for (let length = 1; length < whole.length; length++)
      if (ends.has(length)) read(whole.subarray(0, length));
      else assert.throws(() => read(whole.subarray(0, length)), Fault);
  });

  test('is refused in words, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        (changes) => {
          const bytes = Buffer.from(whole);
          for (const [at, value] of changes) bytes[at] = value;
          try {
            read(bytes);
          } catch (error) {
            assert(error instanceof Fault, String(error));
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

const PYASN = `
import json, sys
from pyasn import mrtx
found = mrtx.parse_mrt_file(sys.argv[1])
print(json.dumps([[p, o if isinstance(o, int) else 0] for p, o in found.items()]))
`;

test('pyasn reads the same origins', { skip: needsPython('pyasn') }, () => {
  const draw = random(SEED);
  const routes = Array.from({ length: 3000 }, (_, i): Route => {
    const length = 8 + draw(17);
    const size = 2 ** (32 - length);
    const start = Math.floor(draw(2 ** 32) / size) * size;
    const dotted = [24, 16, 8, 0].map((by) => Math.floor(start / 2 ** by) % 256).join('.');
    const path = Array.from({ length: 1 + draw(4) }, () => 1 + draw(60_000));
    return {
      prefix: i % 5 === 0 ? `2001:${i.toString(16)}::/${32 + draw(17)}` : `${dotted}/${length}`,
      paths: Array.from({ length: 1 + draw(3) }, (_, n) => [n + 1, ...path]),
    };
  });
  const file = join(directory, 'rib');
  writeFileSync(file, gzipSync(ribV2(routes)));
  const ours = new Map<string, number>();
  for (const [{ start, length }, origin] of read(ribV2(routes))) {
    const key = `${start}/${length}`;
    if (!ours.has(key)) ours.set(key, origin);
  }
  const theirs = python(PYASN, '', file) as [string, number][];
  assert.equal(theirs.length, ours.size);
  for (const [text, origin] of theirs) {
    const { start, length } = parsePrefix(text);
    assert.equal(ours.get(`${start}/${length}`), origin, text);
  }
});
