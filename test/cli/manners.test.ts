// SPDX-License-Identifier: Apache-2.0
/**
 * What all commands have in common, tried on every one of them, and on every option: wrong usage
 * ends with exit code 2, a sentence and the way to the help, before anything is touched.
 */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Command, Option } from 'commander';
import { CARRIED } from '../../src/cli/next.ts';
import { wholeProgram } from '../../src/cli/program.ts';
import { builtinLogs } from '../../src/logs/builtin.ts';
import { findLog } from '../../src/logs/zones.ts';
import { commandLines, RAW } from '../support/command-lines.ts';
import { ctga, startCtga } from '../support/ctga.ts';
import { chooser, WHOLE } from '../support/share.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const { ARGUMENTS, empty, coinKey } = commandLines(directory);

// Those that go through all options know all commands.
const program = await wholeProgram();
const every = (command: Command): Command[] => [command, ...command.commands.flatMap(every)];
const pathOf = (command: Command): string[] =>
  command.parent === null ? [] : [...pathOf(command.parent), command.name()];
const all = every(program).filter((command) => command !== program);
const leaves = all.filter((command) => command.commands.length === 0 && command.name() !== 'help');

const MISSING = join(directory, 'missing', 'file');
const NUMBER = ['x', '-1', '1e3', ''];
const socket = join(directory, 'socket');
const server = createServer().listen(socket);
after(() => server.close());
const huge = join(directory, 'huge');
writeFileSync(huge, '');
truncateSync(huge, 2 ** 31);
/** What has no end, or is no file, or more than memory holds; test/base/read-file.test.ts has pipes. */
const NO_FILES = ['/dev/zero', socket, huge, '/proc/self/mem'];
/** Wrong values of options that take one, by name. */
const WRONG: Readonly<Record<string, readonly string[]>> = {
  after: [MISSING, directory, empty],
  'anchor-every': [...NUMBER, '0'],
  auditor: ['x', 'ftp://host'],
  authorities: [MISSING, directory],
  btcd: [MISSING, directory],
  budget: NUMBER,
  bus: ['x', 'tls://', 'http://host', 'nats://bus.example', 'tls://a,,b', 'tls://a:70000'],
  calibrate: ['x', 'AS2=1:101', 'AS2=6:1', 'no=1:1'],
  client: ['x'],
  coins: [MISSING, directory, empty],
  'data-plane': ['x'],
  delay: NUMBER,
  dir: [MISSING],
  digest: ['x', 'sha256:', 'sha256:0'],
  domain: ['a b', '*', '*.*.example', '-x.example', ''],
  draft: [MISSING, directory, empty],
  'direct-peering': [...NUMBER, '1.1'],
  entry: [MISSING, directory],
  every: NUMBER,
  'every-nth': [...NUMBER, '0'],
  federation: ['A', 'a b', ''],
  'federation-roster': [MISSING, directory, empty],
  feed: ['x', '-1', '1e3'],
  fee: [...NUMBER, '0', '0.000000001', '10', '5', '0.02'],
  format: ['pdf'],
  from: ['nobody', 'ftp://host/list.json'],
  graph: [MISSING, directory, empty],
  headers: [MISSING, directory, empty],
  heartbeat: ['x', 'ftp://host'],
  'heartbeat-every': [...NUMBER, '0'],
  ixps: [MISSING, directory, empty],
  'keep-days': NUMBER,
  id: [...NUMBER, '256', '0x100'],
  interval: [...NUMBER, '0'],
  'key-id': [...NUMBER, '256'],
  'key-file': [MISSING, directory, empty],
  leaf: ['x', 'AAAA'],
  'leaf-hash': ['x', 'AAAA', ''],
  limit: NUMBER,
  'list-key': [MISSING, directory, empty],
  listen: ['x', 'host:80', '127.0.0.1:99999'],
  log: ['no such log'],
  'log-list': [MISSING, directory, empty],
  mail: ['a b', '-x'],
  'max-age': ['x', '7', '0d', '1w', '-1d'],
  'max-delay': NUMBER,
  mine: ['x', '7', '0'],
  mix: [...NUMBER, '0', '1001'],
  mode: ['x'],
  name: ['', 'A', 'a b', 'a.b'],
  network: ['x'],
  'new-key-file': [MISSING, directory],
  node: ['x', '=host', 'n1=', 'n1=a:0', 'n1=a:65000', 'n1=a/b', 'ftp://host'],
  'node-auth': [MISSING, directory, coinKey],
  'ns-address': ['x'],
  packets: [...NUMBER, '0'],
  parent: ['..', 'a b', 'elsewhere.example'],
  paths: [...NUMBER, '0'],
  patience: [...NUMBER, '0'],
  p4runtime: ['x', '127.0.0.1:1/x'],
  peer: ['x', '1', '7'],
  period: ['x', '4s', '61m', '10'],
  periods: [...NUMBER, '0', '1', '60'],
  pollinate: ['x'],
  pool: ['x', 'ftp://host'],
  port: [...NUMBER, '0', '65536'],
  probes: [MISSING, directory, empty],
  proof: [MISSING, directory, empty],
  proofs: ['..', 'a b'],
  policy: [MISSING, directory, empty],
  proxy: ['x', 'http://127.0.0.1:1', 'socks5h://127.0.0.1'],
  publish: ['x', 'nats://bus.example'],
  'public-key': ['x', '04'.repeat(33)],
  questions: NUMBER,
  rank: [MISSING, directory, empty],
  rate: [...NUMBER, '0'],
  rates: ['x', '101'],
  role: ['x'],
  refresh: [...NUMBER, '0'],
  resolver: ['x', '127.0.0.1:99999'],
  rib: [MISSING, directory, empty],
  roster: [MISSING, directory, empty],
  'root-key-file': [MISSING, directory, empty],
  'root-key': ['x', '04'.repeat(33)],
  route: ['x', '1='],

  rules: [MISSING, directory],
  runs: [...NUMBER, '0', '1002'],
  salt: ['x', '00', ''],
  seen: NUMBER,
  serial: [...NUMBER, '0'],
  server: ['x', '127.0.0.1:99999'],
  set: ['x'],
  signature: [MISSING, directory],
  since: [MISSING, 'x'],
  start: NUMBER,
  space: [MISSING, directory, empty],
  subscribe: ['x', 'tls://', 'http://host', 'nats://bus.example', 'tls://a,,b', 'tls://a:70000'],
  target: ['x', 'a=1.2.3.4'],
  targets: ['x', 'a=x', '0', '7', '1,1'],
  threshold: [...NUMBER, '99999'],
  template: [MISSING, directory, empty],
  thrift: ['x'],
  'tls-cert': [MISSING, directory],
  'tls-key': [MISSING, directory],
  tool: ['x'],
  type: [...NUMBER, '0', '5'],
  until: ['x', '2027-13-01', '1900-01-01'],
  update: ['x', '127.0.0.1:99999'],
  url: ['x', 'http://host/', 'https://host/?x'],
  user: ['no-such-account'],
  'zone-file': [empty, directory],
  view: ['x', 'ftp://host', 'https://host/?x'],
  webhook: ['x', 'ftp://host'],
  'webhook-secret-file': [MISSING, directory],
  window: [...NUMBER, '0'],
  witness: ['x'],
  zone: ['x', '=', '..=Argon2018', 'a.example=no such log'],
  'zone-suffix': ['..', 'a b'],
  write: [MISSING, empty],
};
/** Options whose file is written, or run. */
const NOT_READ = new Set(['btcd', 'write', 'zone-file']);
/** Options whose value may be anything, or is wrong only once it is used. */
const ANYTHING = new Set([
  'command',
  'cpu-interface',
  'cpu-port',
  'fleet',
  'heartbeat-command',
  'host',
  'interface',
  'output',
  'reload',
  'spool',
  'state-dir',
  'tee',
]);

/** Commands that are run with another --user, as root. */
const STAY = new Set([
  'alert run',
  'audit run',
  'challenge',
  'dns publish',
  'collect',
  'dns serve',
  'fleet publish',
  'federation join',
  'federation run',
  'pool serve',
  'web',
  'witness keygen',
  'witness serve',
]);

interface Case {
  readonly args: readonly string[];
  readonly state: string;
}

const draw = chooser();
const known = new Set<string>();

/** All wrong values where an option of this name is met first, or tests run whole; else one. */
function tried({ flags }: Option, values: readonly string[]): readonly string[] {
  if (WHOLE || !known.has(flags)) {
    known.add(flags);
    return values;
  }
  const one = draw(values.length);
  return values.slice(one, one + 1);
}

let count = 0;
/** Whatever is accepted goes on for ever, maybe. */
const PATIENCE_MS = 20_000;
/** The command with these words, and with a store that nobody has made. */
function caseOf(command: Command, words: readonly string[]): Case {
  const path = pathOf(command);
  const state = join(directory, `state-${count++}`);
  const hasState = command.options.some(({ long }) => long === '--state-dir');
  const args = [
    ...path,
    ...(ARGUMENTS[path.join(' ')] ?? []),
    ...words,
    ...(hasState && !words.includes('--state-dir') ? ['--state-dir', state] : []),
  ];
  return { args, state };
}

async function assertRefused({ args, state }: Case): Promise<void> {
  const what = args.join(' ');
  const running = startCtga(args);
  const late = setTimeout(() => void running.stop(), PATIENCE_MS);
  const { code, stdout, stderr } = await running.ended;
  clearTimeout(late);
  assert.equal(code, 2, `${what}: ${stdout}${stderr}`);
  assert.equal(stdout, '', what);
  assert.match(
    stderr,
    /^ctga: .+\n( {2}.+\n)* {2}See: ctga [a-z0-9 -]+ --help\n$/,
    `${what}: ${stderr}`,
  );
  assert.doesNotMatch(stderr, RAW, `${what}: ${stderr}`);
  assert(!existsSync(state), `${what} made ${state}`);
}

describe('wrong usage', () => {
  for (const command of leaves) {
    const name = pathOf(command).join(' ');
    test(`of ctga ${name} is refused before anything is touched`, async () => {
      await assertRefused(caseOf(command, ['--no-such-option']));
      if (command.registeredArguments.every(({ variadic }) => !variadic))
        await assertRefused(caseOf(command, ['one', 'argument', 'too', 'many']));
      const needed = command.registeredArguments.filter(({ required }) => required);
      if (needed.length > 0) {
        const { code, stderr } = await ctga([...pathOf(command)]);
        assert.equal(code, 2);
        assert.match(stderr, /^ctga: missing required argument/);
      }
      for (const option of command.options as Option[]) {
        if (option.isBoolean()) continue;
        // The process of a test stays who it is (test/support/ctga.ts).
        if (option.name() === 'user' && STAY.has(name)) continue;
        if (/<(?:command|dir|directory|file|path)>/.test(option.flags))
          await assertRefused(caseOf(command, [`--${option.name()}`, '']));
        const values = WRONG[option.name()];
        if (values === undefined) {
          assert(ANYTHING.has(option.name()), `no wrong value is known for ${option.flags}`);
          continue;
        }
        assert.equal((await ctga([...pathOf(command), `--${option.name()}`])).code, 2);
        const isRead = values.includes(MISSING) && !NOT_READ.has(option.name());
        for (const value of tried(option, isRead ? [...values, ...NO_FILES] : values)) {
          // "every" of dns serve and others take decimals; all refuse text.
          await assertRefused(caseOf(command, [`--${option.name()}`, value]));
        }
      }
    });
  }

  test('without an option that is needed is refused, unless the configuration has it', async () => {
    const state = join(directory, 'needed');
    const args = ['pool', 'serve', '--listen', '127.0.0.1:0', '--state-dir', state];
    const { code, stderr } = await ctga(args);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^ctga: required option '--domain <name>' not specified\n {2}See: ctga pool serve --help\n$/,
    );
    assert(!existsSync(state));
    const config = join(directory, 'needed.toml');
    writeFileSync(config, '[pool.serve]\ndomain = "www.example.net"\n');
    // The process of a test stays who it is.
    const stay = process.geteuid?.() === 0 ? ['--user', 'root'] : [];
    const pool = startCtga(['--config', config, ...args, ...stay]);
    await pool.until(() => pool.said().includes('The pool is at '), 'to listen');
    assert.equal((await pool.stop()).code, 0);
    for (const path of [
      ['bench', 'traffic'],
      ['impact', 'traceroutes', empty],
      ['impact', 'where'],
    ]) {
      const refused = await ctga(path);
      assert.equal(refused.code, 2);
      assert.match(refused.stderr, /^ctga: required option '.*' not specified\n/);
    }
  });

  test('of a group, or of ctga itself, is refused as well', async () => {
    for (const command of [program, ...all.filter(({ commands }) => commands.length > 0)]) {
      const path = pathOf(command);
      const none = await ctga(path);
      assert.equal(none.code, 2, path.join(' '));
      assert.match(none.stderr, /^Usage: ctga/);
      const other = await ctga([...path, 'no-such-command']);
      assert.equal(other.code, 2, path.join(' '));
      assert.match(
        other.stderr,
        /^ctga: unknown command 'no-such-command'\n( {2}.+\n)* {2}See: ctga.* --help\n$/,
      );
    }
  });
});

describe('a file', () => {
  test('or an argument of JSON that lacks something is said to lack it', async () => {
    const none = join(directory, 'none.json');
    writeFileSync(none, '{}');
    const own = ['--state-dir', join(directory, 'state')];
    for (const [args, says] of [
      [['heads', 'import', none, ...own], `${none}: tree_size: is missing, or of another kind`],
      [
        ['lab', 'tell', '{"do":"grow"}'],
        'count: Invalid input: expected number, and there is none',
      ],
      [['lab', 'tell', '{"do":'], "no command for the lab's log: it ends in the middle"],
    ] as const) {
      const { code, stderr } = await ctga(args);
      assert.equal(code, 2, stderr);
      assert(stderr.includes(says), stderr);
      assert.doesNotMatch(stderr, RAW);
    }
  });

  test('of evidence is not overwritten by the report on it, whatever name that is given', async () => {
    const evidence = join(directory, 'evidence.json');
    writeFileSync(evidence, '{"is": "evidence"}');
    const link = join(directory, 'link.md');
    symlinkSync(evidence, link);
    for (const output of [evidence, link]) {
      const { code, stderr } = await ctga(['evidence', 'report', evidence, '--output', output]);
      assert.equal(code, 2);
      assert(stderr.startsWith(`ctga: ${output} is the evidence itself\n`), stderr);
      assert.equal(readFileSync(evidence, 'utf8'), '{"is": "evidence"}');
    }
  });

  test('of a secret that is empty is refused, since anybody could sign with it', async () => {
    const blank = join(directory, 'blank');
    writeFileSync(blank, '\n');
    const args = ['--webhook', 'http://127.0.0.1:1/', '--webhook-secret-file', blank];
    const { code, stderr } = await ctga(['alert', 'test', ...args]);
    assert.equal(code, 2);
    assert.match(stderr, /blank: is empty: want a secret\n/);
  });

  test('with a wrong key or wrong headers is named, as one of several may be meant', async () => {
    const chain = ['--network', 'regtest', '--node', 'http://127.0.0.1:1'];
    for (const args of [
      ['carbonchain', 'write', coinKey, ...chain, '--coins', empty],
      ['evidence', 'anchor', '--check', coinKey, '--headers', empty],
    ]) {
      const { code, stderr } = await ctga([...args, '--state-dir', join(directory, 'state')]);
      assert.equal(code, 2, stderr);
      assert(stderr.includes(empty), stderr);
    }
  });

  const garbage = join(directory, 'garbage');
  writeFileSync(
    garbage,
    Uint8Array.from({ length: 400 }, (_, i) => (i * 37) % 256),
  );
  const open = join(directory, 'open.json');
  writeFileSync(open, '{"a": [1, 2');
  /** Some read nothing of the file before they have a store. */
  const ownStore = (path: string): string[] => {
    const command = leaves.find((leaf) => pathOf(leaf).join(' ') === path);
    const has = command?.options.some(({ long }) => long === '--state-dir') === true;
    return has ? ['--state-dir', join(directory, 'state')] : [];
  };
  for (const [path, needed] of Object.entries(ARGUMENTS))
    for (const [i, each] of needed.entries()) {
      if (each !== empty) continue;
      test(`of ctga ${path} (${i}) that is no file is refused, with what it is`, async () => {
        for (const file of [directory, ...NO_FILES]) {
          const args = [...path.split(' '), ...needed.with(i, file), ...ownStore(path)];
          const { code, stderr } = await ctga(args);
          assert.doesNotMatch(stderr, RAW);
          // What is read as it comes may be as large as it likes.
          if (file === huge) {
            assert(code === 1 || code === 2, `${args.join(' ')}: ${stderr}`);
            continue;
          }
          assert.equal(code, 2, `${args.join(' ')}: ${stderr}`);
          // Some read another file first.
          const isOther = needed.filter((other) => other === empty).length > 1;
          if (!isOther || !stderr.includes(empty))
            assert(stderr.startsWith(`ctga: cannot read ${file}: it is `), stderr);
        }
      });

      test(`of ctga ${path} (${i}) that is none of its kind is refused in words`, async () => {
        for (const file of [garbage, open]) {
          const args = [...path.split(' '), ...needed.with(i, file), ...ownStore(path)];
          const { code, stderr } = await ctga(args);
          assert(code === 1 || code === 2, stderr);
          assert.doesNotMatch(stderr, RAW);
        }
      });
    }
});

describe('with --json', () => {
  for (const command of leaves) {
    const path = pathOf(command);
    test(`ctga ${path.join(' ')} fails as JSON, on stderr`, async () => {
      const { code, stdout, stderr } = await ctga([...path, '--no-such-option', '--json']);
      assert.equal(code, 2);
      assert.equal(stdout, '');
      assert.deepEqual(Object.keys(JSON.parse(stderr) as object), ['error', 'message', 'remedy']);
      if (!command.options.some(({ long }) => long === '--json')) return;
      const needed = ARGUMENTS[path.join(' ')] ?? [];
      const failed = await ctga(['--config', MISSING, ...path, ...needed, '--json']);
      assert.equal(failed.code, 2, failed.stderr);
      assert.deepEqual(JSON.parse(failed.stderr), {
        error: 'bad-input',
        message: `cannot read ${MISSING}: there is no such file or directory`,
        remedy: `Check the name and the directory.\nSee: ctga ${path.join(' ')} --help`,
      });
    });
  }
});

describe('help', () => {
  for (const command of [program, ...all])
    test(`of ctga ${pathOf(command).join(' ')} fits 80 columns and dumps no data`, async () => {
      const { code, stdout } = await ctga([...pathOf(command), '--help']);
      assert.equal(code, 0);
      for (const line of stdout.split('\n')) assert(line.length <= 80, line);
      const text = stdout.replaceAll(/\s+/g, ' ');
      assert.doesNotMatch(text, /default: [[{]/);
      assert.doesNotMatch(text, /default: [^()]*\) \(default:/);
      assert.doesNotMatch(stdout, /undefined|\[object/);
      for (const option of command.options as Option[]) assert.notEqual(option.description, '');
    });

  test('shows commands that run as typed: what goes on in the next line has a backslash', async () => {
    for (const command of [program, ...all]) {
      const { stdout } = await ctga([...pathOf(command), '--help']);
      const lines = stdout.split('\n').filter((line) => !line.startsWith('Usage:'));
      for (const [i, line] of lines.entries()) {
        if (!/^ {2}(?:(?:sudo )?ctga .* -|curl )/.test(line)) continue;
        const next = lines[i + 1] ?? '';
        const goesOn = /^ +(?:-|https?:|[a-z]+=|["'/~])/.test(next);
        assert.equal(line.endsWith('\\'), goesOn, `${line}\n${next}`);
      }
    }
  });

  test('of a command is the same by "help", and a command that there is not is said', async () => {
    for (const command of all.filter((each) => each.name() !== 'help')) {
      const path = pathOf(command);
      const [by, of] = [await ctga(['help', ...path]), await ctga([...path, '--help'])];
      assert.deepEqual([by.code, by.stdout, by.stderr], [0, of.stdout, '']);
    }
    const group = await ctga(['heads', 'help', 'list']);
    assert.deepEqual(
      [group.code, group.stdout.split('\n')[0]],
      [0, 'Usage: ctga heads list [options]'],
    );
    const { code, stdout, stderr } = await ctga(['help', 'statsu']);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /^ctga: unknown command 'statsu'\n {2}Did you mean status\?\n/);
    for (const args of [
      ['statsu', '--help'],
      ['-h', 'statsu'],
      ['--config', 'heads', 'statsu', '--json', '-h'],
      ['heads', 'lsit', '--help'],
      ['heads', '--help', 'lsit'],
    ]) {
      const { code, stdout, stderr } = await ctga(args);
      assert.deepEqual([code, stdout], [2, ''], args.join(' '));
      assert.match(stderr, /unknown command '(statsu|lsit)'.*Did you mean (status|list)\?/s);
    }
  });

  test('names logs that exist', async () => {
    const texts = await Promise.all(
      [program, ...all].map(async (command) => (await ctga([...pathOf(command), '--help'])).stdout),
    );
    const text = texts.join('\n').replaceAll(/\s+/g, ' ');
    const logs = builtinLogs();
    const zones = new Map(
      [...text.matchAll(/zone = \["([\w.-]+)=(\w+)"\]/g)].map(([, a, b]) => [a, b]),
    );
    assert(zones.size > 0);
    for (const name of zones.values()) findLog(logs, name ?? '');
    const asked = [...text.matchAll(/([a-z]+20\d\d(?:h\d)?)\.ct\.example\.(?:net|org)/g)];
    assert(asked.length > 1);
    for (const [, name = ''] of asked) findLog(logs, name);
  });
});

test('next commands carry options that they have, and no others', () => {
  const byPath = new Map(leaves.map((command) => [pathOf(command).join(' '), command]));
  const carried = new Set(Object.values(CARRIED).flat());
  for (const [path, names] of Object.entries(CARRIED)) {
    if (path === 'bench' || path.startsWith('lab ')) continue;
    const command = byPath.get(path);
    assert(command !== undefined, path);
    const has = command.options.map((option) => option.name()).filter((name) => carried.has(name));
    if (path === 'p4 compile') continue;
    assert.deepEqual([...names].sort(), has.sort(), path);
  }
});
