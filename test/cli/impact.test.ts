// SPDX-License-Identifier: Apache-2.0
/** `ctga impact`, from files to tables, JSON and figures. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Figures } from '../../src/impact/figures.ts';
import { ribV2 } from '../impact/rib.ts';
import { ctga } from '../support/ctga.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
};

describe('ctga impact traceroutes', () => {
  const rib = file(
    'rib.gz',
    gzipSync(
      ribV2([
        ...[1, 2, 3].map((n) => ({ prefix: `20.${n}.0.0/16`, paths: [[9, n]] })),
        { prefix: '50.0.0.0/8', paths: [[100]] },
      ]),
    ),
  );
  const trace = (probe: number, ...addresses: readonly string[]): string =>
    JSON.stringify({
      ...{ timestamp: 1, msm_id: 1, prb_id: probe, fw: 5080, type: 'traceroute', af: 4 },
      ...{ from: `20.${probe}.0.9`, dst_addr: '50.0.0.1' },
      result: [
        ...addresses.map((from, hop) => ({ hop, result: [{ from, rtt: 1 }] })),
        { hop: 9, result: [{ from: '50.0.0.1', rtt: 2 }] },
      ],
    });
  const lines = [
    trace(1, '20.1.0.1', '30.0.0.1'),
    trace(2, '20.2.0.1', '20.1.0.1'),
    trace(3, '20.3.0.1'),
  ];
  const results = file('results.gz', gzipSync(`${lines.join('\n')}\n`));
  const array = file('results.json', `[${lines.join(',\n')}]`);
  const ixps = file('ixps', '30.0.0.0/24 7\n');
  const rank = file('rank', '[3, 1]');
  const args = ['--rib', rib, '--target', 'one=50.0.0.0/24', '--ixps', ixps, '--rank', rank];

  test('prints the figures of the paper', async () => {
    const { code, stdout, stderr } = await ctga(['impact', 'traceroutes', results, ...args]);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^one: 3 clients, one in each AS; their ASes have 0\.0 % of the IPv4 space\./,
    );
    const rows = stdout.split('\n').map((line) => line.trim().split(/ {2,}/));
    assert.deepEqual(
      rows.find(([n]) => n === '1'),
      ['1', '66.7', '33.3'],
      stdout,
    );
    assert.match(stdout, /\nN +AS POP +AS RANK +AS HEGEMONY +AS GREEDY +IXP POP/);
    assert.match(stdout, /\n1 +66\.7 +33\.3 +66\.7 +66\.7 +33\.3 /);
    assert.match(stdout, /\n2 +66\.7 +100\.0 +66\.7 +100\.0 +/);
    assert.match(stdout, /\n3 traceroutes: 0 failed, 0 to other targets, 0 in a form from/);
  });

  test('reads an array, several files and standard JSON alike', async () => {
    const [one, other] = await Promise.all(
      [results, array].map(async (path) => {
        const { stdout } = await ctga(['impact', 'traceroutes', path, ...args, '--json']);
        return JSON.parse(stdout) as Figures;
      }),
    );
    assert.deepEqual(one, other);
    assert.equal(one?.kind, 'measured');
    const [first] = one.targets;
    assert.deepEqual(first?.lengths[0]?.series.values, [0, 2 / 3, 1 / 3, 0, 0, 0]);
    assert.equal(first.coverage[0]?.clients.values.length, 1024);
  });

  test('writes the figures and a page', async () => {
    const output = join(directory, 'figures', 'here');
    const { code, stderr } = await ctga([
      'impact',
      'traceroutes',
      results,
      ...args,
      '--output',
      output,
    ]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /4 figures and a page with them: .*impact\.html/);
    assert.deepEqual(readdirSync(output).sort(), [
      'client-coverage-one.svg',
      'impact.html',
      'path-length.svg',
      'path-stability.svg',
      'space-coverage-one.svg',
    ]);
    assert.match(readFileSync(join(output, 'impact.html'), 'utf8'), /<svg[\s\S]*<table>/);
  });

  for (const [what, content, said] of [
    ['impossible JSON', `${lines[0] ?? ''}\n{"a": \n`, /, line 2: is no JSON: /],
    [
      'another measurement',
      `\n${(lines[0] ?? '').replace('"traceroute"', '"ping"')}\n`,
      /, line 2: has the type "ping": want "traceroute"/,
    ],
    [
      'an address that is none',
      (lines[0] ?? '').replace('20.1.0.1', '20.1.0.256'),
      /, line 1: "20\.1\.0\.256" is no IP address/,
    ],
    [
      'a truncated gzip file',
      gzipSync(lines.join('\n').repeat(50)).subarray(0, 200),
      /, line \d+: cannot be decompressed: /,
    ],
    [
      'traceroutes to others alone',
      lines.join('\n').replaceAll('50.0.0.1"', '51.0.0.1"'),
      /no successful traceroute to a target/,
    ],
  ] as const)
    test(`refuses ${what}, with the line, and writes nothing`, async () => {
      const bad = file('bad', content);
      const output = join(directory, `none-${what}`);
      const { code, stdout, stderr } = await ctga([
        'impact',
        'traceroutes',
        bad,
        ...args,
        '--output',
        output,
      ]);
      assert.equal(code, 2, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, said);
      assert(!existsSync(join(output, 'impact.html')));
    });
});

describe('ctga impact simulate', () => {
  const graph = file('graph', '# serial-1\n10|100|-1\n20|100|-1\n10|1|-1\n20|1|-1\n10|2|-1\n');
  const probes = file('probes', '7 1\n8 2\n9 1\n');
  const args = ['--graph', graph, '--targets', 'one=100', '--probes', probes];

  test('says of every figure that it is a model, with its band', async () => {
    const output = join(directory, 'model');
    const { code, stdout, stderr } = await ctga([
      'impact',
      'simulate',
      ...args,
      '--output',
      output,
    ]);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^one: 2 clients, one in each AS\.\nModel, not measured: the middle of 11 runs/,
    );
    assert.match(stdout, /\n2 +100\.0 \(100\.0-100\.0\)\n/);
    for (const name of readdirSync(output))
      assert.match(
        readFileSync(join(output, name), 'utf8'),
        /Model, not measured: the middle of 11 runs, with the band over ties and seeds/,
        name,
      );
  });

  test('prints JSON, with bands', async () => {
    const { stdout } = await ctga(['impact', 'simulate', ...args, '--runs', '3', '--json']);
    const found = JSON.parse(stdout) as Figures;
    assert.equal(found.kind, 'model');
    assert.equal(found.runs, 3);
    for (const { clients } of found.targets[0]?.coverage ?? [])
      assert.equal(clients.low?.length, clients.values.length);
  });

  test('calibrates', async () => {
    const { code, stderr } = await ctga([
      'impact',
      'simulate',
      ...args,
      '--calibrate',
      'one=1:100',
      '--json',
    ]);
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /one: paths are nearest to those measured if [\d.]+ % of all ASes peer with it/,
    );
  });

  test('leaves out ASes that the graph does not have, and says where they are', async () => {
    const some = file('some-probes', '1 1\n2 77\n3 78\n4 77\n');
    const { code, stderr } = await ctga([
      'impact',
      'simulate',
      '--graph',
      graph,
      '--targets',
      '100',
      '--probes',
      some,
    ]);
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /2 ASes of clients are not in the graph and left out: first AS77 \(.*some-probes, line 2\)/,
    );
  });

  for (const [what, more, said] of [
    [
      'a target that is not in the graph',
      ['--targets', '101'],
      /--targets 101: AS101 is not in .*graph/,
    ],
    ['two targets of one name', ['--targets', 'one=10'], /two have the same name/],
    [
      'a calibration of no target',
      ['--calibrate', 'two=1:5'],
      /--calibrate two: there is no target of that name/,
    ],
    [
      'two ways to say one thing',
      ['--calibrate', 'one=1:5', '--direct-peering', '0.5'],
      /want one of them/,
    ],
    [
      'a circle',
      ['--graph', file('circle', '1|2|-1\n2|3|-1\n3|1|-1\n')],
      /circle, line 3: providers form a circle: AS/,
    ],
    [
      'clients that are nowhere',
      ['--probes', file('nowhere', '1 77\n')],
      /no AS of a client is in/,
    ],
  ] as const)
    test(`refuses ${what}`, async () => {
      const { code, stdout, stderr } = await ctga(['impact', 'simulate', ...args, ...more]);
      assert.equal(code, 2, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, said);
    });
});

describe('ctga impact where', () => {
  const graph = file(
    'where-graph',
    '10|100|-1\n20|100|-1\n10|1|-1\n20|1|-1\n10|2|-1\n30|3|-1\n10|30|0\n',
  );
  const probes = file('where-probes', '1\n2\n3\n');
  const args = ['--graph', graph, '--targets', 'one=100', '--probes', probes, '--mine', '10'];

  test('says whom mine cover, what a neighbour adds and what an attacker leaves', async () => {
    const output = join(directory, 'where');
    const { code, stdout, stderr } = await ctga([
      'impact',
      'where',
      ...args,
      '--peer',
      '20',
      '--output',
      output,
    ]);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^one: mine cover [\d.]+ \([\d.]+-100\.0\) % of 3 clients\.\nModel, not measured: /,
    );
    assert.match(stdout, /\nCovered: AS2, AS3, AS1 \(\d+ % of runs\)\./);
    assert.match(stdout, /\nNEIGHBOUR +IS MY +CLIENTS MORE, %\n/);
    assert.match(stdout, /\nAS20 +[\d.]+ \([\d.]+-[\d.]+\)\n/);
    assert.match(stdout, /\nfragments from 16 places +/);
    assert.match(stdout, /\nknows the 1024 most likely +/);
    for (const name of readdirSync(output))
      assert.match(readFileSync(join(output, name), 'utf8'), /Model, not measured/, name);
    assert.equal(readdirSync(output).length, 4);
  });

  test('prints JSON', async () => {
    const { stdout } = await ctga(['impact', 'where', ...args, '--runs', '3', '--json']);
    const found = JSON.parse(stdout) as { kind: string; mine: number[]; targets: object[] };
    assert.deepEqual([found.kind, found.mine, found.targets.length], ['model', [10], 1]);
  });

  for (const [what, more, said] of [
    ['an AS that is not in the graph', ['--mine', '77'], /--mine 77: AS77 is not in /],
    ['a peer that is not in the graph', ['--peer', '77'], /--peer 77: AS77 is not in /],
    ['a peer that is mine', ['--peer', '10'], /AS10 is one of --mine/],
    [
      'a peer that is a neighbour already',
      ['--peer', '2'],
      /AS2 is a customer of mine in the graph already/,
    ],
  ] as const)
    test(`refuses ${what}`, async () => {
      const { code, stdout, stderr } = await ctga(['impact', 'where', ...args, ...more]);
      assert.equal(code, 2, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, said);
    });
});
