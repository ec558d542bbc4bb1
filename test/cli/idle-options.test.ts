// SPDX-License-Identifier: Apache-2.0
/** Options that would do nothing where they are given are refused, and are taken where they count. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Command } from 'commander';
import { IDLE_OPTIONS } from '../../src/cli/idle-options.ts';
import { wholeProgram } from '../../src/cli/program.ts';
import { ctga } from '../support/ctga.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const NODE = '--node http://127.0.0.1:1';
const POLICY = '--policy policy';
const SINCE = `--since 0:${'0'.repeat(64)}`;
const ROOT_KEY = `02${'79'.repeat(32)}`;
const DIGEST = `sha256:${'ab'.repeat(32)}`;
const BUS = 'tls://bus.example';

interface Row {
  /** The command, in vain with each of the options. */
  readonly command: string;
  readonly options: readonly string[];
  /** What is said of when they count. */
  readonly counts: string;
  /** The command in another way, or what is added to it, with which each of them counts. */
  readonly instead: string;
}

const row = (
  command: string,
  options: readonly string[],
  counts: string,
  instead: string,
): Row => ({
  command,
  options,
  counts,
  instead: instead.startsWith('-') ? `${command} ${instead}` : instead,
});
const chain = ['--network regtest', '--node-auth file', SINCE];
const writing = (command: string): Row =>
  row(`${command} ${POLICY}`, [...chain, '--fee 0.00001'], 'with --node', `${command} ${NODE}`);
const sign = (kind: string, name: string, set = '1'): string =>
  `ddt sign ${kind} ${name} --key-file key --set ${set}`;
const tagging = ['--key-id 1', '--until 2030-01-01'];
const keyNew = `trust key new user ${NODE} --coins key --key-file key`;

const ROWS: readonly Row[] = [
  row('attach eth0', ['--proxy socks5h://127.0.0.1:1'], 'with --challenge', '--challenge'),
  row('attach eth0', ['--fleet dir'], 'with --publish', `--publish ${BUS}`),
  row(
    'attach dnstap:/run/socket bmv2:9090',
    ['--mode native'],
    'for network interfaces',
    'attach eth0 bmv2:9090',
  ),
  row('attach eth0', ['--cpu-interface copies'], 'for P4 switches', 'attach bmv2:9090'),
  row('attach eth0', ['--tee /run/other'], 'for sockets of dnstap', 'attach dnstap:/run/socket'),
  row(
    'attach dnstap:/run/socket',
    ['--threshold 500', '--budget 7', '--port 5353'],
    'for network interfaces and P4 switches',
    'attach dnstap:/run/socket eth0',
  ),
  row('detach eth0', ['--all'], 'where no interface is named', 'detach'),
  row('challenge', ['--max-delay 5'], 'with --once', '--once'),
  row('challenge --once', ['--every 60'], 'without --once', 'challenge'),
  row('challenge', ['--fleet dir'], 'with --subscribe', `--subscribe ${BUS}`),
  row('evidence anchor file', ['--headers file'], 'with --check', '--check'),
  row(
    `evidence anchor file --check ${NODE}`,
    ['--coins key', '--fee 0.00001'],
    'without --check',
    `evidence anchor file ${NODE}`,
  ),
  row('evidence anchor file --check', ['--node-auth file'], 'with --node', NODE),
  row(
    'logs update',
    ['--list-key key', '--allow-private-address'],
    'with --from and a URL',
    '--from https://list.example/list.json',
  ),
  row('dns serve --proofs ns.example', ['--every 7200'], 'without --proofs', 'dns serve'),
  row(
    'dns publish --update 192.0.2.1',
    ['--template file', '--reload true'],
    'with --zone-file',
    'dns publish --zone-file file',
  ),
  row(
    'dns publish --zone-file file',
    ['--key-file key'],
    'with --update',
    'dns publish --update 192.0.2.1',
  ),
  row('dns publish', ['--ns-address 192.0.2.1'], 'with --proofs', '--proofs ns.example'),
  row('dns publish --once', ['--every 7200'], 'without --once', 'dns publish'),
  row(
    'pool serve --domain www.example',
    ['--proxy socks5h://127.0.0.1:1'],
    'with --auditor',
    '--auditor https://auditor.example',
  ),
  ...['--pool https://pool.example', '--pollinate-visited', '--federation https://a.example/'].map(
    (partner) =>
      row(
        'client run',
        ['--proxy socks5h://127.0.0.1:1'],
        'with --pool or --pollinate-visited or --federation',
        partner,
      ),
  ),
  ...['--feed', '--feed 60'].map((feed) =>
    row('witness serve', ['--proxy socks5h://127.0.0.1:1'], 'with --feed', feed),
  ),
  row(
    'federation init file --draft file',
    ['--federation demo', '--threshold 3', '--every 30', '--patience 100', '--start 7'],
    'without --draft',
    'federation init file',
  ),
  row(
    'federation init file --after file',
    ['--every 30'],
    'without --after',
    'federation init file',
  ),
  row(
    'federation join file',
    ['--name a', '--url https://a.example/'],
    'where no file is given, for new keys',
    'federation join',
  ),
  row(
    'federation status --policy-ml-dsa-44',
    ['--policy'],
    'without --policy-ml-dsa-44',
    'federation status',
  ),
  row(
    sign('register-root-key', 'user'),
    ['--new-key-file key'],
    'for replace-root-key',
    sign('replace-root-key', 'user'),
  ),
  ...[sign('register-key', 'user/image'), sign('delete-key', 'user/image', 'original')].map(
    (instead) =>
      row(
        sign('delete-key', 'user/image'),
        [`--public-key ${ROOT_KEY}`],
        'for register-key, and for delete-key of --set original',
        instead,
      ),
  ),
  ...[sign('delete-key', 'user/image'), sign('delete-metadata', 'user/image:tag')].map((instead) =>
    row(sign('delete-root-key', 'user'), ['--key-id 1'], 'for tagging keys and metadata', instead),
  ),
  row(
    sign('delete-metadata', 'user/image:tag'),
    [`--digest ${DIGEST}`],
    'for register-metadata, and for delete-metadata of --set original',
    sign('delete-metadata', 'user/image:tag', 'original'),
  ),
  row(
    sign('register-key', 'user/image', 'original'),
    ['--until 2030-01-01'],
    'for register-key and register-metadata of --set 1',
    sign('register-key', 'user/image'),
  ),
  row(
    sign('register-root-key', 'user'),
    ['--until 2030-01-01'],
    'for register-key and register-metadata of --set 1',
    sign('register-metadata', 'user/image:tag'),
  ),
  row(
    sign('delete-root-key', 'user', 'original'),
    ['--serial 7', '--network regtest'],
    'with --set 1',
    sign('delete-root-key', 'user'),
  ),
  row(
    keyNew,
    ['--root-key-file key', ...tagging],
    'for tagging keys: USER/IMAGE',
    keyNew.replace(' user ', ' user/image '),
  ),
  row(
    keyNew.replace(' new ', ' rotate '),
    tagging,
    'for tagging keys: USER/IMAGE',
    keyNew.replace(' new user ', ' rotate user/image '),
  ),
  row(
    'trust key revoke user',
    ['--key-id 1'],
    'for tagging keys: USER/IMAGE',
    'trust key revoke user/image',
  ),
  writing('trust key new user/image --key-file key'),
  writing('trust key rotate user/image --key-file key'),
  writing('trust key revoke user/image'),
  writing(`trust sign ${DIGEST} user/image:tag --key-file key`),
  row(
    `trust prove user/image:tag --output proof ${NODE}`,
    ['--whole'],
    'with --policy',
    `trust prove user/image:tag --output proof ${POLICY}`,
  ),
  row(
    `trust prove user/image:tag --output proof ${POLICY}`,
    chain,
    'with --node',
    `trust prove user/image:tag --output proof ${NODE}`,
  ),
  row(`trust show user ${POLICY}`, chain, 'with --node', `trust show user ${NODE}`),
  row(
    `trust verify ${DIGEST} user/image:tag --proof file --root-key ${ROOT_KEY}`,
    [NODE],
    'without --proof',
    `trust verify ${DIGEST} user/image:tag`,
  ),
  row(
    `trust verify ${DIGEST} user/image:tag`,
    ['--headers file', '--offline'],
    'with --proof',
    '--proof file',
  ),
  row(
    `trust verify ${DIGEST} user/image:tag ${POLICY}`,
    ['--node-auth file'],
    'with --node',
    `trust verify ${DIGEST} user/image:tag ${NODE}`,
  ),
  ...[
    `trust verify ${DIGEST} user/image:tag ${NODE}`,
    `trust verify ${DIGEST} user/image:tag --proof file`,
    `trust verify ${DIGEST} user/image:tag --proof file ${POLICY} --headers file`,
  ].map((instead) =>
    row(
      `trust verify ${DIGEST} user/image:tag ${POLICY} --proof file`,
      ['--network regtest', SINCE],
      'for a chain, or with --headers',
      instead,
    ),
  ),
  row(
    `trust log serve dir ${POLICY}`,
    [...chain, '--fee 0.00001', '--anchor-every 60'],
    'with --node',
    NODE,
  ),
  row('p4 compile', ['--output dir'], 'with --target sume or psa', '--target psa'),
  ...['--target sume', '--target psa --output dir'].map((instead) =>
    row(
      'p4 compile --target psa',
      ['--log-list list', '--zone a.example=log', '--zone-suffix ct.example'],
      'with --target sume, or psa and --output',
      `p4 compile ${instead}`,
    ),
  ),
  ...['deploy', 'status', 'undeploy'].map((name) =>
    row(
      `p4 ${name} --p4runtime 127.0.0.1:1`,
      ['--thrift 127.0.0.1:9090'],
      'without --p4runtime',
      `p4 ${name}`,
    ),
  ),
  row('alert run', ['--fleet dir'], 'with --bus', `--bus ${BUS}`),
  ...['--heartbeat https://beat.example', '--heartbeat-command true'].map((partner) =>
    row('alert run', ['--heartbeat-every 60'], 'with --heartbeat or --heartbeat-command', partner),
  ),
  row(
    'alert run --mail root',
    ['--webhook-secret-file file'],
    'with --webhook',
    '--webhook https://hook.example',
  ),
  ...['--webhook https://hook.example', '--heartbeat https://beat.example'].map((partner) =>
    row('alert run', ['--webhook-allow-private'], 'with --webhook or --heartbeat', partner),
  ),
  row(
    'alert test --mail root',
    ['--webhook-secret-file file', '--webhook-allow-private'],
    'with --webhook',
    '--webhook https://hook.example',
  ),
];

const words = (command: string): string[] => command.split(' ');
const nameOf = (option: string): string => /^--([\w-]+)/.exec(option)?.[1] ?? '';

const leavesOf = (command: Command): Command[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
const pathOf = (command: Command): string =>
  command.parent?.parent == null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;

/** Rejects with why a command line is refused before the command does anything. */
async function taken(line: string): Promise<void> {
  const program = await wholeProgram();
  for (const leaf of leavesOf(program)) leaf.action(() => undefined);
  await program.parseAsync([...words(line), ...state(line, program)], { from: 'user' });
}

/** Nothing is said of a store that is not there. */
function state(line: string, program: Command): string[] {
  const leaf = leavesOf(program).find((each) => `${line} `.startsWith(`${pathOf(each)} `));
  return leaf?.options.some(({ long }) => long === '--state-dir') === true
    ? ['--state-dir', join(directory, 'state')]
    : [];
}

describe('an option that counts for nothing', () => {
  for (const { command, options, counts, instead } of ROWS)
    for (const option of options) {
      const line = `${command} ${option}`;
      test(`is refused: ctga ${line}`, async () => {
        const { code, stdout, stderr } = await ctga(words(line));
        assert.deepEqual([code, stdout], [2, ''], stderr);
        const [said, remedy, help] = stderr.split('\n').slice(-4);
        assert.equal(said, `ctga: --${nameOf(option)} counts only ${counts}`);
        assert.match(
          remedy ?? '',
          /^ {2}(Give --.+ as well(, here or in the configuration)?, or l|L)eave --.+ out\.|, or --.+\.$/,
        );
        assert.match(help ?? '', /^ {2}See: ctga .+ --help$/);
      });
      test(`and taken where it counts: ctga ${instead} ${option}`, () =>
        taken(`${instead} ${option}`));
    }

  test('may be in the configuration, for a run in which it counts', async () => {
    const config = join(directory, 'ctga.toml');
    writeFileSync(config, '[alert.run]\nfleet = "dir"\nheartbeat-every = 60\n');
    await taken(`--config ${config} alert run`);
    // And what it counts with may be there.
    writeFileSync(config, `[alert.run]\nbus = "${BUS}"\n`);
    await taken(`--config ${config} alert run --fleet dir`);
    writeFileSync(config, '[dns.publish]\nproofs = "ns.example"\nevery = 7200\n');
    await taken(`--config ${config} dns publish --once --ns-address 192.0.2.1`);
    writeFileSync(config, '[p4.status]\np4runtime = "127.0.0.1:1"\n');
    await assert.rejects(
      taken(`--config ${config} p4 status --thrift 127.0.0.1:9090`),
      /--thrift counts only without --p4runtime/,
    );
    assert(!existsSync(join(directory, 'state')));
  });

  test('is in the table above with all of its kind', async () => {
    const program = await wholeProgram();
    const leaves = new Map(leavesOf(program).map((leaf) => [pathOf(leaf), leaf]));
    for (const [path, rules] of Object.entries(IDLE_OPTIONS)) {
      const leaf = leaves.get(path);
      const has = (name: string): boolean =>
        leaf?.options.some((option) => option.name() === name) === true;
      assert(leaf !== undefined, path);
      for (const { options, counts } of rules) {
        for (const name of [
          ...options,
          ...Array.from(counts.matchAll(/--([\w-]+)/g), ([, m = '']) => m),
        ])
          assert(has(name), `ctga ${path} has no --${name}`);
        for (const name of options)
          assert(
            ROWS.some(
              (each) =>
                `${each.command} `.startsWith(`${path} `) &&
                each.counts === counts &&
                each.options.some((option) => nameOf(option) === name),
            ),
            `ctga ${path} --${name} ${counts}`,
          );
      }
    }
    // What the help says of when an option counts is so.
    for (const [path, leaf] of leaves)
      for (const option of leaf.options) {
        const [, partner] = /^with --([\w-]+)[:,]/.exec(option.description) ?? [];
        const isRuled = (IDLE_OPTIONS[path] ?? []).some(
          ({ options, counts }) =>
            options.includes(option.name()) && counts.includes(`--${partner ?? ''}`),
        );
        if (partner !== undefined) assert(isRuled, `ctga ${path} ${option.flags}`);
      }
  });
});
