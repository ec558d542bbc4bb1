// SPDX-License-Identifier: Apache-2.0
/** Addresses, prefixes and the longest of them: against a naive look-up, and against pyasn. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Fault } from '../../src/impact/fault.ts';
import {
  isPrivate,
  parseAddress,
  parsePrefix,
  PrefixTable,
  type Address,
} from '../../src/impact/prefix.ts';
import { needsPython, python } from '../support/python.ts';
import { fc, random, SEED } from '../support/random.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

describe('an address', () => {
  for (const [text, address] of [
    ['0.0.0.0', 0],
    ['255.255.255.255', 2 ** 32 - 1],
    ['192.0.2.1', 0xc000_0201],
    ['::', 0n],
    ['2001:db8::1', 0x2001_0db8_0000_0000_0000_0000_0000_0001n],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', (1n << 128n) - 1n],
    ['::ffff:192.0.2.1', 0xffff_c000_0201n],
  ] as const)
    test(text, () => assert.equal(parseAddress(text), address));

  for (const text of [
    ...['', '1', '1.2.3', '1.2.3.4.5', '1.2.3.256', '01.2.3.4', '1.2.3.4 ', '1..3.4', '-1.2.3.4'],
    ...[
      '.1.2.3',
      '1.2.3.',
      '0x1.2.3.4',
      '12345',
      ':',
      ':::',
      '1::2::3',
      'g::',
      '1:2:3:4:5:6:7:8:9',
    ],
    ...['*', 'localhost', '2001:db8::/32'],
  ])
    test(`${JSON.stringify(text)} is none`, () => assert.throws(() => parseAddress(text), Fault));

  test('is private by RFC 1918 alone', () => {
    for (const text of [
      '10.0.0.0',
      '10.255.255.255',
      '172.16.0.0',
      '172.31.255.255',
      '192.168.9.9',
    ])
      assert(isPrivate(parseAddress(text)), text);
    for (const text of ['9.255.255.255', '11.0.0.0', '172.15.255.255', '172.32.0.0', '192.167.0.0'])
      assert(!isPrivate(parseAddress(text)), text);
    for (const text of ['192.169.0.0', '100.64.0.1', 'fd00::1'])
      assert(!isPrivate(parseAddress(text)), text);
  });
});

describe('a prefix', () => {
  test('has a start and a length', () => {
    assert.deepEqual(parsePrefix('192.0.2.0/24'), { start: 0xc000_0200, length: 24 });
    assert.deepEqual(parsePrefix('0.0.0.0/0'), { start: 0, length: 0 });
    assert.deepEqual(parsePrefix('2001:db8::/32'), { start: 0x2001_0db8n << 96n, length: 32 });
  });

  for (const text of ['192.0.2.0', '192.0.2.0/33', '192.0.2.1/24', '::1/64', '::/129', '/8', '1/8'])
    test(`${text} is none`, () => assert.throws(() => parsePrefix(text), Fault));
});

/** The naive way: every prefix is tried. */
function naive(
  prefixes: ReadonlyMap<string, number>,
  address: Address,
): { value: number; length: number } {
  let best = { value: 0, length: -1 };
  for (const [text, value] of prefixes) {
    const { start, length } = parsePrefix(text);
    const has =
      typeof start === 'number' && typeof address === 'number'
        ? Math.floor(address / 2 ** (32 - length)) === Math.floor(start / 2 ** (32 - length))
        : typeof start === 'bigint' &&
          typeof address === 'bigint' &&
          address >> BigInt(128 - length) === start >> BigInt(128 - length);
    if (has && length > best.length) best = { value, length };
  }
  return best;
}

/** Few bits, so that prefixes nest and meet. */
const arbitraryPrefix = fc.oneof(
  fc.tuple(fc.nat(32), fc.nat(0xff), fc.constantFrom(0, 8, 24)).map(([length, bits, shift]) => {
    const size = 2 ** (32 - length);
    const start = Math.floor(((bits << shift) >>> 0) / size) * size;
    return `${[24, 16, 8, 0].map((by) => Math.floor(start / 2 ** by) % 256).join('.')}/${length}`;
  }),
  fc.tuple(fc.nat(128), fc.nat(0xff)).map(([length, bits]) => {
    const rest = BigInt(128 - length);
    const start = ((BigInt(bits) << 120n) >> rest) << rest;
    return `${(start >> 112n).toString(16)}::/${length}`;
  }),
);

test('the longest prefix is the one that a naive look-up finds', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(arbitraryPrefix, fc.integer({ min: 1, max: 9 })), { maxLength: 40 }),
      fc.array(fc.oneof(fc.nat(0xff), fc.nat(2 ** 32 - 1)), { maxLength: 20 }),
      (entries, numbers) => {
        const prefixes = new Map(entries);
        const table = new PrefixTable();
        for (const [text, value] of prefixes) table.set(parsePrefix(text), value);
        const ends = [...prefixes.keys()].flatMap((text): Address[] => {
          const { start, length } = parsePrefix(text);
          return typeof start === 'number'
            ? [start, start + 2 ** (32 - length) - 1, start + 2 ** (32 - length), start - 1]
            : [start, start + (1n << BigInt(128 - length)) - 1n];
        });
        const addresses: Address[] = [
          ...numbers.flatMap((n) => [n, (n << 24) >>> 0, BigInt(n) << 120n]),
          ...ends,
        ];
        for (const address of addresses)
          if (address >= 0 && address < (typeof address === 'number' ? 2 ** 32 : 1n << 128n))
            assert.equal(table.find(address), naive(prefixes, address).value);
      },
    ),
  );
});

test('the space of an AS counts each address once', () => {
  const table = new PrefixTable();
  for (const [text, asn] of [
    ['10.0.0.0/8', 1],
    ['10.1.0.0/16', 2],
    ['10.1.1.0/24', 1],
    ['11.0.0.0/24', 1],
    ['11.0.0.0/25', 1],
    ['2001:db8::/32', 1],
  ] as const)
    table.set(parsePrefix(text), asn);
  assert.deepEqual(
    table.ipv4Space(),
    new Map([
      [1, 2 ** 24 + 256],
      [2, 2 ** 16],
    ]),
  );
});

const PYASN = `
import json, pyasn, sys
db = pyasn.pyasn(sys.argv[1])
addresses = [line.strip() for line in sys.stdin]
# Its get_as_size takes prefixes of IPv6 for some of IPv4.
size = lambda a: sum(2 ** (32 - int(p.split('/')[1])) for p in db.get_as_prefixes_effective(a) if ':' not in p)
print(json.dumps([[db.lookup(a)[0] or 0 for a in addresses], {a: size(a) for a in range(1, 51)}]))
`;

test('pyasn finds the same ASes, 100,000 times', { skip: needsPython('pyasn') }, () => {
  const draw = random(SEED);
  const dotted = (address: number): string =>
    [24, 16, 8, 0].map((by) => Math.floor(address / 2 ** by) % 256).join('.');
  const table = new PrefixTable();
  const lines: string[] = [];
  const put = (text: string): void => {
    const asn = 1 + draw(50);
    if (table.valueOf(parsePrefix(text)) > 0) return;
    table.set(parsePrefix(text), asn);
    lines.push(`${text}\t${asn}`);
  };
  for (let i = 0; i < 20_000; i++) {
    const length = 8 + draw(25);
    const size = 2 ** (32 - length);
    put(`${dotted(Math.floor(draw(2 ** 32) / size) * size)}/${length}`);
    if (i % 4 > 0) continue;
    const bits = 16 + draw(17);
    const high = Math.floor(draw(2 ** 32) / 2 ** (32 - bits)) * 2 ** (32 - bits);
    put(`${(high >>> 16).toString(16)}:${(high & 0xffff).toString(16)}::/${bits}`);
  }
  const file = join(directory, 'ip2as.db');
  writeFileSync(file, `; made for a test\n${lines.join('\n')}\n`);
  const addresses = Array.from({ length: 100_000 }, (_, i) => {
    const word = draw(2 ** 32);
    return i % 4 > 0
      ? dotted(word)
      : `${(word >>> 16).toString(16)}:${(word & 0xffff).toString(16)}::${draw(65536).toString(16)}`;
  });
  const [theirs, sizes] = python(PYASN, `${addresses.join('\n')}\n`, file) as [
    number[],
    Record<string, number>,
  ];
  assert(theirs.filter((asn) => asn > 0).length > 10_000);
  for (const [i, address] of addresses.entries())
    assert.equal(table.find(parseAddress(address)), theirs[i], address);
  assert.deepEqual(Object.fromEntries(table.ipv4Space()), sizes);
});
