// SPDX-License-Identifier: Apache-2.0
/**
 * Domain names: text and wire, folding, compression (RFC 1035, Sections 3.1, 4.1.4 and 5.1; RFC
 * 4343; RFC 9267).
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  encodeName,
  equalNames,
  foldName,
  formatName,
  labelsOf,
  readName,
} from '../../src/dns/name.ts';
import { ByteCursor, FormatError } from '../../src/base/cursor.ts';
import { concat } from '../support/packets.ts';
import { u16 } from './messages.ts';
import { fc } from '../support/random.ts';

const wire = (...labels: readonly string[]): Uint8Array =>
  concat(
    ...labels.map((label) => concat(Uint8Array.of(label.length), Buffer.from(label, 'latin1'))),
    Uint8Array.of(0),
  );

describe('text to wire', () => {
  const cases: readonly (readonly [text: string, wire: Uint8Array])[] = [
    ['sth.log.example', wire('sth', 'log', 'example')],
    ['sth.log.example.', wire('sth', 'log', 'example')],
    ['.', wire()],
    ['', wire()],
    ['a\\.b.c', wire('a.b', 'c')],
    ['a\\\\.c', wire('a\\', 'c')],
    ['\\000\\255.c', wire('\x00\xff', 'c')],
    ['STH.Log', wire('STH', 'Log')],
    [`${'a'.repeat(63)}.b`, wire('a'.repeat(63), 'b')],
    [Array(127).fill('a').join('.'), wire(...(Array(127).fill('a') as string[]))],
  ];
  for (const [text, want] of cases) {
    test(JSON.stringify(text.slice(0, 40)), () => assert.deepEqual(encodeName(text), want));
  }

  const refused: readonly (readonly [text: string, message: RegExp])[] = [
    ['a..b', /empty label/],
    ['.a', /empty label/],
    ['..', /empty label/],
    [`${'a'.repeat(64)}.b`, /label longer than 63/],
    [Array(128).fill('a').join('.'), /longer than 255/],
    ['a\\256', /not ASCII/],
    ['bücher.example', /not ASCII/],
    ['a\\', /what follows/],
    ['a\\1', /what follows/],
  ];
  for (const [text, message] of refused) {
    test(`refused: ${JSON.stringify(text.slice(0, 40))}`, () =>
      assert.throws(
        () => encodeName(text),
        (error) => error instanceof RangeError && message.test(error.message),
      ));
  }
});

const anyName = fc
  .array(fc.uint8Array({ minLength: 1, maxLength: 63 }), { maxLength: 10 })
  .map((labels) =>
    concat(...labels.map((label) => concat(Uint8Array.of(label.length), label)), Uint8Array.of(0)),
  )
  .filter((name) => name.length <= 255);

test('text and wire are two spellings of one name, for any bytes in labels', () => {
  fc.assert(fc.property(anyName, (name) => assert.deepEqual(encodeName(formatName(name)), name)));
});

test('unprintable bytes, dots and backslashes are escaped in text', () => {
  assert.equal(formatName(wire('a.b\\c', '\x00 \x7f')), 'a\\.b\\\\c.\\000\\032\\127');
  assert.equal(formatName(wire()), '.');
});

describe('case', () => {
  test('only ASCII letters fold (RFC 4343)', () => {
    assert.deepEqual(foldName(wire('AZaz@[`{', '\xc4')), wire('azaz@[`{', '\xc4'));
  });
  test('names are equal in any case, and unlike names are not', () => {
    assert.ok(equalNames(encodeName('sTh.Log'), encodeName('StH.lOG')));
    assert.ok(!equalNames(encodeName('sth.log'), encodeName('sth.lod')));
    assert.ok(!equalNames(encodeName('sth.log'), encodeName('sth.log.x')));
    assert.ok(!equalNames(wire('a.b'), wire('a', 'b')), 'a dot inside a label is no border');
  });
  test('folding never changes a length byte', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const lengths = (each: Uint8Array): number[] => labelsOf(each).map((label) => label.length);
        assert.deepEqual(lengths(foldName(name)), lengths(name));
        assert.ok(equalNames(name, foldName(name)));
      }),
    );
  });
});

describe('reading compressed names', () => {
  const header = new Uint8Array(12);
  const read = (bytes: Uint8Array, at: number): Uint8Array | string => {
    try {
      return readName(new ByteCursor(bytes, at));
    } catch (error) {
      assert.ok(error instanceof FormatError);
      return `${error.reason} at ${error.offset}`;
    }
  };
  /** `count` pointers, each to the one before; the first to a name at 12. */
  const chain = (count: number): Uint8Array =>
    concat(
      header,
      wire('a'),
      ...Array.from({ length: count }, (_, i) => u16(0xc000 | (i === 0 ? 12 : 13 + 2 * i))),
    );

  const cases: readonly {
    name: string;
    bytes: Uint8Array;
    at: number;
    want: Uint8Array | string;
  }[] = [
    { name: 'no pointer', bytes: concat(header, wire('a', 'b')), at: 12, want: wire('a', 'b') },
    {
      name: 'a pointer to an earlier name',
      bytes: concat(header, wire('a', 'b'), Uint8Array.of(1, 0x63), u16(0xc00e)),
      at: 17,
      want: wire('c', 'b'),
    },
    {
      name: 'a pointer to itself',
      bytes: concat(header, u16(0xc00c)),
      at: 12,
      want: 'pointer not backwards at 12',
    },
    {
      name: 'a pointer to the labels before it, which would grow the name for ever',
      bytes: concat(header, Uint8Array.of(1, 0x61), u16(0xc00c)),
      at: 12,
      want: 'pointer not backwards at 14',
    },
    {
      name: 'two pointers to each other',
      bytes: concat(header, u16(0xc00e, 0xc00c)),
      at: 14,
      want: 'pointer not backwards at 12',
    },
    {
      name: 'a pointer forwards',
      bytes: concat(header, u16(0xc00e), wire('a')),
      at: 12,
      want: 'pointer not backwards at 12',
    },
    {
      name: 'a pointer past the end',
      bytes: concat(header, u16(0xffff)),
      at: 12,
      want: 'pointer not backwards at 12',
    },
    {
      name: 'a pointer into the header',
      bytes: concat(header, u16(0xc004)),
      at: 12,
      want: 'pointer into header at 12',
    },
    {
      name: 'a pointer cut in half',
      bytes: concat(header, wire('a'), Uint8Array.of(0xc0)),
      at: 15,
      want: 'truncated at 16',
    },
    { name: '16 pointers', bytes: chain(16), at: 15 + 2 * 15, want: wire('a') },
    { name: '17 pointers', bytes: chain(17), at: 15 + 2 * 16, want: 'too many pointers at 15' },
    {
      name: '256 bytes by way of a pointer',
      bytes: concat(
        header,
        wire('a'.repeat(63), 'b'.repeat(63), 'c'.repeat(63)),
        Uint8Array.of(62),
        new Uint8Array(62),
        u16(0xc00c),
      ),
      at: 12 + 193,
      want: 'name too long at 140',
    },
    {
      name: 'label type 01',
      bytes: concat(header, Uint8Array.of(0x41, 0)),
      at: 12,
      want: 'label type at 12',
    },
    {
      name: 'label type 10',
      bytes: concat(header, Uint8Array.of(0x80, 0)),
      at: 12,
      want: 'label type at 12',
    },
    {
      name: 'a label past the end',
      bytes: concat(header, Uint8Array.of(5, 0x61)),
      at: 12,
      want: 'truncated at 13',
    },
    {
      name: 'no end',
      bytes: concat(header, Uint8Array.of(1, 0x61)),
      at: 12,
      want: 'truncated at 14',
    },
  ];
  for (const { name, bytes, at, want } of cases) {
    test(name, () => assert.deepEqual(read(bytes, at), want));
  }

  test('the cursor ends up after the pointer, not after what it points to', () => {
    const cursor = new ByteCursor(concat(header, wire('a'), u16(0xc00c), Uint8Array.of(7)), 15);
    readName(cursor);
    assert.equal(cursor.u8(), 7);
  });
});
