// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeTxt } from '../../src/dns/encode.ts';
import { RecordType } from '../../src/dns/message.ts';
import { encodeName } from '../../src/dns/name.ts';
import { formatRecords, formatTxt, nextSerial, readZoneFile } from '../../src/zone/master-file.ts';

describe('serials', () => {
  const NOW = 1_800_000_000;
  const cases: readonly [string, number, number, number][] = [
    ['the time in seconds', 7, 7, NOW],
    ['one after the last, twice within a second', NOW, 7, NOW + 1],
    ['one after the last, where that was a date', 2_026_112_601, 7, 2_026_112_602],
    ["the file's own, where that is later", NOW, 2_026_112_601, 2_026_112_601],
    ['the time, once the numbers have gone round', 2 ** 32 - 1, 2 ** 32 - 5, NOW],
  ];
  for (const [what, last, own, want] of cases)
    test(what, () => assert.equal(nextSerial(last, own, NOW * 1000), want));

  test('are never 0', () => assert.equal(nextSerial(2 ** 32 - 1, 2 ** 32 - 5, 0), 1));

  test('always come after the last, as RFC 1982 has it', () => {
    for (let last = 0; last < 2 ** 32; last += 9_999_991) {
      const ahead = (nextSerial(last, last - 1, NOW * 1000) - last + 2 ** 32) % 2 ** 32;
      assert(ahead > 0 && ahead < 2 ** 31, `${last}`);
    }
  });
});

describe('a zone file', () => {
  const soas: readonly [string, string, number, number][] = [
    ['on one line', '@ 3600 IN SOA ns a 12 1 2 3 300\n', 12, 300],
    [
      'in parentheses, with comments',
      '@ SOA ns a ( ; SOA x y 5\n 12 ; serial\n1 2 3\n1h30m )\n',
      12,
      5400,
    ],
    [
      'with no owner, behind directives',
      '$TTL 1\n$ORIGIN x.\n@\tSOA ns a 12 1 2 3 1d\r\n',
      12,
      86_400,
    ],
    [
      'of a zone whose first record is called soa',
      'soa TXT "SOA a b 4"\n@ soa ns a 12 1 2 3 0\n',
      12,
      0,
    ],
  ];
  for (const [what, text, serial, minimum] of soas)
    test(`${what}: its SOA`, () => {
      const file = readZoneFile(text, 'it');
      assert.deepEqual([file.serial, file.minimum], [serial, minimum]);
      assert.equal(text.slice(file.serialStart, file.serialEnd), `${serial}`);
    });
  for (const text of [
    '',
    '@ NS a\n',
    '; @ SOA ns a 12 1 2 3 4\n',
    '@ SOA ns a x 1 2 3 4\n',
    '@ SOA ns a 4294967296 1 2 3 4',
  ])
    test(`${JSON.stringify(text)}: none`, () =>
      assert.throws(() => readZoneFile(text, 'it'), /^CtgaError: it has no SOA record/));

  test('its owners, with the origin that holds for each', () => {
    const text =
      '@ SOA ns a ( 1 2 3 4\n5 )\n A 192.0.2.1\nb A 192.0.2.1\n$ORIGIN c.\nd TXT "\ne"\n';
    assert.deepEqual(readZoneFile(text, 'it').owners, [
      { text: '@', origin: undefined },
      { text: 'b', origin: undefined },
      { text: 'd', origin: 'c.' },
    ]);
  });
});

describe('records as text', () => {
  test('a text of more than 255 bytes is split, and what is no plain character is escaped', () => {
    assert.equal(formatTxt(Buffer.alloc(0)), '""');
    assert.equal(
      formatTxt(Buffer.from('a"b\\c\0\x7f\xff', 'latin1')),
      '"a\\"b\\\\c\\000\\127\\255"',
    );
    const long = formatTxt(Buffer.alloc(511, 'x'));
    assert.deepEqual(
      long.split(' ').map(({ length }) => length - 2),
      [255, 255, 1],
    );
  });
  test('of each type', () => {
    const line = (type: number, rdata: Uint8Array): string[] =>
      formatRecords({ name: 'a.b', type, ttl: 9, rdatas: [rdata] });
    assert.deepEqual(line(RecordType.txt, encodeTxt('x'.repeat(256))), [
      `a.b. 9 IN TXT "${'x'.repeat(255)}" "x"`,
    ]);
    assert.deepEqual(line(RecordType.ns, encodeName('c.d')), ['a.b. 9 IN NS c.d.']);
    assert.deepEqual(line(RecordType.a, Uint8Array.of(192, 0, 2, 1)), ['a.b. 9 IN A 192.0.2.1']);
  });
});
