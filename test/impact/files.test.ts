// SPDX-License-Identifier: Apache-2.0
/** Files: lines, arrays, compressed ones, and what is wrong with them, with the line. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { CtgaError } from '../../src/base/errors.ts';
import {
  readExchanges,
  readProbes,
  readRanking,
  readResults,
  readRibs,
  readSpace,
  ResultSplitter,
} from '../../src/impact/files.ts';
import { parseAddress, parsePrefix } from '../../src/impact/prefix.ts';
import { fc } from '../support/random.ts';
import { ribV2 } from './rib.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

let made = 0;
function file(content: string | Uint8Array): string {
  const path = join(directory, `file-${made++}`);
  writeFileSync(path, content);
  return path;
}

/** What is said of a file, its name left out. */
async function refusal(
  of: (path: string) => Promise<unknown>,
  content: string | Uint8Array,
): Promise<string> {
  const path = file(content);
  try {
    await of(path);
  } catch (error) {
    assert(error instanceof CtgaError, String(error));
    assert.equal((error as CtgaError).code, 'bad-input');
    assert(error.message.startsWith(path), error.message);
    return error.message.slice(path.length);
  }
  assert.fail('it was taken');
}

async function results(content: string | Uint8Array): Promise<string[]> {
  const found: string[] = [];
  await readResults(file(content), (json) => found.push(json));
  return found;
}

describe('results', () => {
  test('are lines, or an array in any layout', async () => {
    const two = ['{"a":1}', '{"b":"]},{\\"\\\\"}'];
    for (const text of [
      two.join('\n'),
      `\n${two.join('\n\n')}\n`,
      `[${two.join(',')}]`,
      ` [\n${two.join('\n,\n')}\n]\n`,
    ]) {
      assert.deepEqual(await results(text), two, text);
      assert.deepEqual(await results(gzipSync(text)), two);
    }
    assert.deepEqual(await results(two.join('\r\n')), [`${two[0] ?? ''}\r`, two[1]]);
    assert.deepEqual(await results('[]'), []);
  });

  test('are the same in pieces of any size', () => {
    fc.assert(
      fc.property(
        fc.array(fc.json(), { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 20 }),
        (values, isArray, piece) => {
          const objects = values.map((json) => `{"x":${json}}`);
          const bytes = Buffer.from(isArray ? `[${objects.join(' ,')}]` : objects.join('\n'));
          const found: string[] = [];
          const splitter = new ResultSplitter((json) => found.push(json));
          for (let i = 0; i < bytes.length; i += piece) splitter.push(bytes.subarray(i, i + piece));
          splitter.end();
          assert.deepEqual(found, objects);
        },
      ),
    );
  });

  for (const [what, text, said] of [
    [
      'an array that is not closed',
      '[{"a":1},\n{"b"',
      ', line 2: the array of results ends before it is closed',
    ],
    [
      'no comma',
      '[{"a":1}\n{"b":1}]',
      ', line 2: is no JSON: "{" between the results of an array: want a comma or the end',
    ],
    [
      'a comma before the end',
      '[{"a":1},\n]',
      ', line 2: is no JSON: "]" between the results of an array: want an object',
    ],
    [
      'a number',
      '[\n\n7]',
      ', line 3: is no JSON: "7" between the results of an array: want an object',
    ],
    ['two arrays', '[]\n[]', ', line 2: something follows the array of results'],
    ['nothing', '\n \n', ', line 1: there is no result in it'],
  ] as const)
    test(`of ${what} are refused`, async () => assert.equal(await refusal(results2, text), said));
  const results2 = (path: string): Promise<void> => readResults(path, () => undefined);

  test('of a gzip file that ends early are read up to there, and refused with the line', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `{"a":${i},"b":"${i * i}"}`);
    const cut = gzipSync(lines.join('\n')).subarray(0, 60_000);
    let read = 0;
    const said = await refusal((path) => readResults(path, () => read++), cut);
    assert(read > 1000 && read < lines.length);
    assert.equal(
      said.replace(/decompressed: .*/, 'decompressed'),
      `, line ${read}: cannot be decompressed`,
    );
  });
});

describe('a file of', () => {
  for (const [kind, read, content, said] of [
    [
      'prefixes',
      readAnyRib,
      '; c\n10.0.0.0/8\t1\n10.0.0.0/8 2\n',
      ', line 3: 10.0.0.0/8 is of 2, but an earlier line has 1',
    ],
    ['prefixes', readAnyRib, '10.0.0.0/8 x\n', ', line 1: "x" is no AS number'],
    ['prefixes', readAnyRib, '10.0.0.0/8 0\n', ', line 1: "0" is no AS number'],
    ['prefixes', readAnyRib, '10.0.0.0/8 4294967296\n', ', line 1: "4294967296" is no AS number'],
    ['prefixes', readAnyRib, '10.0.0.0/8 1 2\n', ', line 1: "10.0.0.0/8 1 2": want PREFIX AS'],
    [
      'prefixes',
      readAnyRib,
      '10.0.0.0/8 1\n10.0.0.1/8 1\n',
      ', line 2: "10.0.0.1/8" is no prefix: it has bits behind its length',
    ],
    ['prefixes', readAnyRib, '; nothing\n', ': there is no prefix in it'],
    ['prefixes', readAnyRib, '', ': there is no prefix in it'],
    [
      'routes',
      readAnyRib,
      ribV2([{ prefix: '10.0.0.0/8', paths: [[1]] }]).subarray(0, 50),
      ', record 2: is not whole: the file ends within it',
    ],
    [
      'exchange points',
      readExchanges,
      '10.0.0.0/8\n',
      ', line 1: "10.0.0.0/8": want PREFIX NUMBER, or an object of CAIDA or PeeringDB',
    ],
    [
      'exchange points',
      readExchanges,
      '{"ix_id": 1}\n',
      ', line 1: has no prefixes: want "prefixes", "prefix", or "ipv4" and "ipv6"',
    ],
    [
      'exchange points',
      readExchanges,
      '10.0.0.0/8 1\n{"ix_id":1,"ipv4":["x"]}\n',
      ', line 2: "x" is no IP address',
    ],
    [
      'exchange points',
      readExchanges,
      '{"ix_id": 0, "ipv4": []}\n',
      ', line 1: 0 is no number of an exchange point',
    ],
    ['exchange points', readExchanges, '# none\n', ': there is no exchange point in it'],
    ['ranks', readRanking, '{"asn": 1, "rank": 0}\n', ', line 1: AS1 has the rank 0'],
    [
      'ranks',
      readRanking,
      '{"asn": 1, "rank": 1}\n{"asn": 1, "rank": 2}\n',
      ', line 2: AS1 has the rank 2, but 1 by line 1',
    ],
    ['ranks', readRanking, '[1,\n "x"]', ', line 2: "x" is no AS number'],
    ['ranks', readRanking, '1\n[2]\n', ', line 2: an array begins here: want it alone in its file'],
    ['ranks', readRanking, '[1,\n 2\n', ', line 2: is no JSON'],
    ['ranks', readRanking, '[1,\n 2 3]', ', line 2: is no JSON'],
    ['ranks', readRanking, '[1,\n [2]]', ', line 1: want an array of ASes alone'],
    ['ranks', readRanking, '[1,\n null]', ', line 1: want an array of ASes alone'],
    ['ranks', readRanking, '', ': there is no AS in it'],
    ['probes', readProbes, '1 2\n1 3\n', ', line 2: probe 1 is in AS2 by line 1'],
    ['probes', readProbes, 'x 2\n', ', line 1: "x" is no number of a probe'],
    ['probes', readProbes, '1 2 3\n', ', line 1: "1 2 3": want PROBE AS'],
    ['sizes', readSpace, '1 2\n1 3\n', ', line 2: AS1 has a size already'],
    ['sizes', readSpace, '1 -2\n', ', line 1: "1 -2": want AS SIZE'],
  ] as const)
    test(`${kind} is refused: ${said}`, async () => {
      const found = await refusal(read, content);
      assert.equal(found.replace(/(is no JSON): .*/, '$1'), said);
    });

  test('exchange points in each of their forms', async () => {
    for (const [text, address, id] of [
      [
        '{"ix_id": 5, "name": "X", "prefixes": {"ipv4": ["10.0.0.0/24"], "ipv6": ["2001:db8::/32"]}}',
        '2001:db8::1',
        5,
      ],
      [
        '{"ix_id": 5, "asn": 1, "ipv4": ["10.0.0.1"]}\n{"ix_id": 3, "ipv4": ["10.0.0.1"]}',
        '10.0.0.1',
        3,
      ],
      ['{"data": [{"ixlan_id": 9, "prefix": "10.0.0.0/24"}]}', '10.0.0.1', 9],
      ['{\n"ixpfx": {"data": [\n{"ixlan_id": 9, "prefix": "10.0.0.0/24"}]}\n}', '10.0.0.1', 9],
      ['# a comment\n10.0.0.0/24 4 Some IX\n', '10.0.0.1', 4],
    ] as const)
      assert.equal((await readExchanges(file(text))).table.find(parseAddress(address)), id, text);
    const { names } = await readExchanges(file('10.0.0.0/24 4 Some IX\n'));
    assert.equal(names.get(4), 'Some IX');
  });

  test('ranks in each of their forms', async () => {
    for (const text of [
      '[30, 10, 20]',
      '[\n30,\n10,\n20\n]',
      '30\nAS10\n# c\n20\n',
      '{"asn":"10","rank":2}\n{"asn":"20","rank":3}\n{"asn":30,"rank":1}\n',
    ])
      assert.deepEqual(await readRanking(file(text)), [30, 10, 20], text);
  });

  test('ranks that name an AS again, whose first place counts', async () => {
    const said: string[] = [];
    const path = file('[3, 1, 3, 2, 1]');
    assert.deepEqual(await readRanking(path, (message) => said.push(message)), [3, 1, 2]);
    assert.deepEqual(said, [`${path} names 2 ASes again: the first place of each counts`]);
  });

  test('probes, with or without their numbers', async () => {
    assert.deepEqual(
      await readProbes(file('7\t3\n8,AS4\n')),
      new Map([
        [7, { asn: 3, line: 1 }],
        [8, { asn: 4, line: 2 }],
      ]),
    );
    assert.deepEqual(
      await readProbes(file('3\n3\n')),
      new Map([
        [1, { asn: 3, line: 1 }],
        [2, { asn: 3, line: 2 }],
      ]),
    );
  });

  test('space by AS, as sizes, prefixes or routes', async () => {
    assert.deepEqual(
      (await readSpace(file('1 256\n2 7.5\n'))).byAs,
      new Map([
        [1, 256],
        [2, 7.5],
      ]),
    );
    for (const content of [
      '10.0.0.0/24 1\n',
      gzipSync(ribV2([{ prefix: '10.0.0.0/24', paths: [[1]] }])),
    ])
      assert.deepEqual(await readSpace(file(content)), { byAs: new Map([[1, 256]]), all: 2 ** 32 });
  });

  test('routes in several compressions, together', async () => {
    const table = await readRibs([
      file(gzipSync(ribV2([{ prefix: '10.0.0.0/24', paths: [[1]] }]))),
      file(
        ribV2([
          { prefix: '10.0.0.0/24', paths: [[2]] },
          { prefix: '2001:db8::/32', paths: [[3]] },
        ]),
      ),
      file('10.1.0.0/24 4\n'),
    ]);
    assert.deepEqual(
      ['10.0.0.0/24', '2001:db8::/32', '10.1.0.0/24'].map((text) =>
        table.valueOf(parsePrefix(text)),
      ),
      [1, 3, 4],
    );
  });
});

function readAnyRib(path: string): Promise<unknown> {
  return readRibs([path]);
}
