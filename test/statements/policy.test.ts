// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { noteSigner, type NoteSignerType } from '../../src/statements/cosignature.ts';
import { formatNoteKey } from '../../src/statements/note-key.ts';
import { meetsQuorum, parsePolicy, type Policy } from '../../src/statements/policy.ts';
import { fc } from '../support/random.ts';

const keyOf = (name: string, n: number, type: NoteSignerType = 'Ed25519 cosignature'): string =>
  formatNoteKey(noteSigner(name, type, Buffer.alloc(32, n)).key);
const LOG = keyOf('log.test', 1, 'Ed25519');
const [W1, W2, W3, W4, W5, W6] = [1, 2, 3, 4, 5, 6].map((n) => keyOf(`w${n}.test`, n)) as [
  string,
  string,
  string,
  string,
  string,
  string,
];
const policy = (text: string): Policy => parsePolicy(Buffer.from(text));

/** The example of c2sp.org/tlog-policy. */
const EXAMPLE = `log ${LOG}

witness X1 ${W1}
witness X2 ${W2}
witness X3 ${W3}
group X-witnesses 2 X1 X2 X3

witness Y1 ${W4}
witness Y2 ${W5}
witness Y3 ${W6}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`;

describe('a policy', () => {
  test("is read: the specification's example", () => {
    const { logs, witnesses, groups, quorum } = policy(EXAMPLE);
    assert.deepEqual(
      logs.map(({ key }) => key.name),
      ['log.test'],
    );
    assert.deepEqual([...witnesses.keys()], ['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3']);
    assert.deepEqual(
      [...groups].map(([name, { threshold, members }]) => [name, threshold, members.length]),
      [
        ['X-witnesses', 2, 3],
        ['Y-witnesses', 1, 3],
        ['X-and-Y', 2, 2],
      ],
    );
    assert.equal(quorum, 'X-and-Y');
  });

  test('says of each set of witnesses whether it is a quorum, as the example means it', () => {
    const example = policy(EXAMPLE);
    const names = [...example.witnesses.keys()];
    for (let set = 0; set < 64; set++) {
      const there = new Set(names.filter((_, i) => (set >> i) & 1));
      const x = ['X1', 'X2', 'X3'].filter((name) => there.has(name)).length;
      const y = ['Y1', 'Y2', 'Y3'].filter((name) => there.has(name)).length;
      assert.equal(meetsQuorum(example, there), x >= 2 && y >= 1, [...there].join(' '));
    }
  });

  test('takes names of groups, strangers and "none" in the set for nothing', () => {
    const example = policy(EXAMPLE);
    assert.equal(
      meetsQuorum(example, new Set(['X-and-Y', 'X-witnesses', 'Y-witnesses', 'none'])),
      false,
    );
    assert.equal(meetsQuorum(policy('quorum none'), new Set()), true);
  });

  test('counts a member of two groups in both, and a witness alone as a quorum', () => {
    const shared = policy(
      `witness a ${W1}\nwitness b ${W2}\nwitness c ${W3}\ngroup p all a b\ngroup q all b c\ngroup r any p q\nquorum r`,
    );
    assert.equal(meetsQuorum(shared, new Set(['a', 'c'])), false);
    assert.equal(meetsQuorum(shared, new Set(['b', 'c'])), true);
    const one = policy(`witness a ${W1}\nquorum a`);
    assert.deepEqual(
      [meetsQuorum(one, new Set()), meetsQuorum(one, new Set(['a']))],
      [false, true],
    );
  });

  test('may have tabs, comments, empty lines, URLs, names that are no UTF-8', () => {
    const text = Buffer.concat([
      Buffer.from(
        `\t # a comment\n\n \t\nwitness\t\u212a ${W1} https://w.test/\u00e4\t\nwitness K ${W2}\nwitness `,
      ),
      Buffer.from([0xff, 0xfe]),
      Buffer.from(` ${W3}\ngroup g 03 K\n`),
    ]);
    // A number with a leading zero is no decimal that the specification has.
    assert.throws(
      () => parsePolicy(text),
      /^RangeError: line 7: want any, all, or a number from 1 to 1/,
    );
    const { witnesses } = parsePolicy(
      Buffer.concat([text.subarray(0, text.indexOf('group')), Buffer.from('quorum K\n')]),
    );
    assert.equal(witnesses.size, 3);
    assert.equal([...witnesses.values()][0]?.url, 'https://w.test/\u00e4');
  });

  const refused: [string, string, RegExp][] = [
    ['no quorum', `witness a ${W1}`, /no quorum/],
    ['two quorums', 'quorum none\nquorum none', /line 2: a second quorum/],
    ['a quorum of nobody', 'quorum x', /line 1: no line before defines "x"/],
    ['a quorum before its witness', `quorum a\nwitness a ${W1}`, /line 1: no line before/],
    ['a quorum of two', `witness a ${W1}\nquorum a a`, /line 2: want: quorum/],
    ['a group of itself', 'group g any g\nquorum g', /line 1: no line before defines "g"/],
    ['a group of none', `witness a ${W1}\ngroup g 1 none\nquorum g`, /line 2: no line before/],
    ['an empty group', 'group g any\nquorum none', /line 1: want: group/],
    ['a member twice', `witness a ${W1}\ngroup g 2 a a\nquorum g`, /line 2: "a" is a member twice/],
    ['a threshold of 0', `witness a ${W1}\ngroup g 0 a\nquorum g`, /from 1 to 1, not "0"/],
    ['a threshold above n', `witness a ${W1}\ngroup g 2 a\nquorum g`, /from 1 to 1, not "2"/],
    ['a threshold below 0', `witness a ${W1}\ngroup g -1 a\nquorum g`, /not "-1"/],
    ['a huge threshold', `witness a ${W1}\ngroup g 4294967297 a\nquorum g`, /not "4294967297"/],
    [
      'one name twice',
      `witness a ${W1}\nwitness a ${W2}\nquorum a`,
      /line 2: the name "a" is taken/,
    ],
    ['a group with a witness name', `witness a ${W1}\ngroup a any a\nquorum a`, /is taken/],
    ['a witness called none', `witness none ${W1}\nquorum none`, /means that no quorum/],
    [
      'one key under two names',
      `witness a ${keyOf('a.test', 9)}\nwitness b ${keyOf('b.test', 9)}\ngroup g 2 a b\nquorum g`,
      /line 2: a witness before has the same public key/,
    ],
    [
      'a log twice',
      `log ${LOG}\nlog ${keyOf('log2.test', 1, 'Ed25519')}\nquorum none`,
      /line 2: a log before/,
    ],
    [
      'a log with a cosigner key',
      `log ${W1}\nquorum none`,
      /type 4 is not one of a log: want 1 or 6/,
    ],
    [
      'a witness with a log key',
      `witness a ${LOG}\nquorum a`,
      /type 1 is not one of a witness: want 4 or 6/,
    ],
    [
      'a wrong key ID',
      `log ${LOG.replace('log', 'lag')}\nquorum none`,
      /its key: its key ID should be/,
    ],
    ['an unknown word', 'logs x\nquorum none', /line 1: "logs" is none of/],
    ['words in capitals', 'Quorum none', /"Quorum" is none of/],
    ['a carriage return', 'quorum none\r\n', /line 1: it has a control character/],
    ['a zero byte', 'quorum none\0', /control character/],
    ['more on a line', `log ${LOG} https://a b\nquorum none`, /want: log/],
    ['a comment behind', 'quorum none # no', /want: quorum/],
  ];
  for (const [what, text, reason] of refused)
    test(`with ${what} is refused`, () => assert.throws(() => policy(text), reason));

  test('of any bytes is read or refused with RangeError', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc
            .array(
              fc.constantFrom(
                'log',
                'witness',
                'group',
                'quorum',
                'a',
                'any',
                '1',
                W1,
                LOG,
                '\n',
                '\n',
              ),
            )
            .map((words) => Buffer.from(words.join(' '))),
        ),
        (bytes) => {
          try {
            parsePolicy(bytes);
          } catch (error) {
            assert.ok(error instanceof RangeError);
          }
        },
      ),
    );
  });

  test('that is huge is refused; one of 1,000 witnesses and groups is not', () => {
    assert.throws(() => parsePolicy(new Uint8Array(5 * 1024 * 1024)), /more than \d+ bytes/);
    assert.throws(() => policy('\n'.repeat(20_000)), /more than 10000 lines/);
    const many = Array.from({ length: 1000 }, (_, i) => `g${i}`);
    const lines = many.map((name, i) => `group ${name} any ${many[i - 1] ?? 'w'}`);
    const deep = policy(`witness w ${W1}\n${lines.join('\n')}\nquorum g999\n`);
    assert.equal(meetsQuorum(deep, new Set(['w'])), true);
    assert.equal(meetsQuorum(deep, new Set()), false);
  });
});
