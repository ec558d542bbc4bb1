// SPDX-License-Identifier: Apache-2.0
/**
 * A real private Tor network in the lab: what the challenger's identities become there, and the
 * whole story through it.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runLab } from '../../src/lab/story.ts';
import { isOnPath } from '../../src/lab/processes.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
// The challenger becomes nobody, who must be able to walk in here.
chmodSync(directory, 0o755);
after(() => rmSync(directory, { recursive: true }));
const skip = isOnPath('tor') ? false : 'tor is not installed: run npm run setup as root';

test(
  'the whole story, through Tor: circuits of their own, names resolved by tor, nothing astray',
  { skip },
  async () => {
    const names = { lab: `ctga-t${process.pid}`, interfacePrefix: `t${process.pid % 10_000}-` };
    const lines: string[] = [];
    const result = await runLab({
      tor: true,
      names,
      stateDir: directory,
      onLine: (line) => lines.push(line),
    });
    assert(result.held, lines.join('\n'));
    const circuits = result.steps.find(({ title }) => title.startsWith('Asking Tor'))?.found ?? '';
    const [, identities, used] =
      /^(\d+) identities, (\d+) circuits, none shared/.exec(circuits) ?? assert.fail(circuits);
    // Two challenges, each on two paths.
    assert(Number(identities) >= 4 && Number(used) >= 4, circuits);
    const { summary } = result;
    assert(summary !== undefined);
    assert.equal(summary.challenger.stray, 0);
    assert(summary.challenger.toProxy > 0);
    assert.equal(summary.verdicts['fork-proven'], 1);
    const { stdout } = spawnSync('pgrep', ['-f', directory], { encoding: 'utf8' });
    assert.equal(stdout, '', 'a tor process is left');
  },
);
