// SPDX-License-Identifier: Apache-2.0
/**
 * The session of p4/README.md, in a real mininet with a real simple_switch: a split view caught by
 * the program in P4.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { CTGA } from '../support/ctga.ts';
import { noSimpleSwitch } from '../support/simple-switch.ts';

/** Debian's own Python: its package mininet is there for no other. */
const PYTHON = '/usr/bin/python3';
const TOPOLOGY = resolve(import.meta.dirname, '../../p4/mininet/topology.py');
const noMininet =
  spawnSync(PYTHON, ['-c', 'import mininet']).status === 0
    ? noSimpleSwitch
    : "the session in mininet does NOT run: Debian's package mininet is not installed";

test(
  'the session in mininet ends in a proven fork, and leaves nothing',
  { skip: noMininet },
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    chmodSync(directory, 0o755); // for the account that the challenger becomes
    const [lab, state] = [join(directory, 'lab'), `--state-dir ${join(directory, 'state')}`];
    const list = `--log-list ${join(lab, 'log-list.json')}`;
    const trust = `NODE_EXTRA_CA_CERTS=${join(lab, 'services/api-certificate.pem')}`;
    const dig = 'client dig +short @198.18.3.2 TXT sth.log.ctga.test';
    const commands = join(directory, 'commands');
    const watching = join(directory, 'attach.log');
    const until = (text: string): string =>
      `sh timeout 60 sh -c 'until grep -q "${text}" ${watching}; do sleep 0.1; done'`;
    writeFileSync(
      commands,
      `sh ctga p4 deploy --cpu-port s1-cpu ${state} ${list}
sh ctga attach bmv2:9090 ${state} ${list} > ${watching} 2>&1 & echo $! > ${directory}/pid
${until('Watching')}
sh ctga lab tell '{"do":"grow","count":20}' --state-dir ${lab}
${dig}
sh ctga lab tell '{"do":"equivocate","fromSize":8,"treeSize":12}' --state-dir ${lab}
${dig}
${until('size 12')}
challenger env ${trust} ctga challenge --once --max-delay 0.5 ${state} ${list}
sh kill $(cat ${directory}/pid); ctga detach bmv2:9090
`,
    );
    const child = spawn(PYTHON, [TOPOLOGY, commands], {
      env: {
        ...process.env,
        PATH: `${dirname(CTGA)}:${process.env['PATH'] ?? ''}`,
        CTGA_NODE: process.execPath,
        NO_COLOR: '1', // mininet's commands have a terminal
        CTGA_MININET: lab,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const code = await new Promise((done) => child.once('close', done));
    assert.equal(code, 0, said);
    assert.match(said, /"20\.\d+\./, said);
    assert.match(said, /"12\.\d+\./, said);
    assert.match(said, /Trees: 1 consistent, 1 fork-proven\./, said);
    assert.match(said, /Detached from s1-copies\./, said);
    const links = spawnSync('ip', ['-br', 'link'], { encoding: 'utf8' }).stdout;
    assert.doesNotMatch(links, /s1-/);
    rmSync(directory, { recursive: true });
  },
);
