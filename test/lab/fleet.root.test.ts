// SPDX-License-Identifier: Apache-2.0
/** `ctga lab run --fleet`, whole. Nothing is left of it but stores and evidence. Needs root. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FLEET } from '../../src/lab/fleet-plan.ts';
import { runFleetLab } from '../../src/lab/fleet-story.ts';
import { LabNetwork } from '../../src/lab/network.ts';
import { removeServiceFiles } from '../../src/lab/services.ts';
import { noNats } from '../support/bus.ts';
import { ctga } from '../support/ctga.ts';

const names = {
  lab: `ctga-test-${process.pid}-fleet`,
  interfacePrefix: `f${process.pid % 1_000_000}-`,
};
const network = new LabNetwork(names, 'xdp', FLEET);
const stateDir = mkdtempSync(join(tmpdir(), 'ctga-lab-test-'));
// Members give root up and must be able to walk in here.
chmodSync(stateDir, 0o755);

after(async () => {
  await network.down();
  removeServiceFiles(network);
  rmSync(stateDir, { recursive: true });
});

/** Namespaces, pins and processes of the lab. */
function leftovers(): string[] {
  const processes = readdirSync('/proc').filter((name) => {
    try {
      const environment = readFileSync(`/proc/${name}/environ`, 'latin1');
      return environment.split('\0').includes(`CTGA_LAB=${names.lab}`);
    } catch {
      return false;
    }
  });
  const namespaces = readdirSync('/run/netns').filter((name) => name.startsWith(names.lab));
  return [...processes, ...network.pinDirectories(), ...namespaces];
}

test(
  'a fleet loses one of each, and all sites learn what one of them was shown',
  { skip: noNats },
  async () => {
    const told: string[] = [];
    const result = await runFleetLab({ stateDir, names, onLine: (line) => void told.push(line) });
    assert.deepEqual(result.failure, undefined, told.join('\n'));
    assert.ok(result.held);
    const { summary } = result;
    assert(summary !== undefined);
    assert.deepEqual(leftovers(), []);
    assert.equal(summary.killed.length, 3);
    const { toVerdict, toSites } = summary.seconds;
    assert.deepEqual(Object.keys(toSites).sort(), ['router1', 'router2', 'router3']);
    assert.ok(toVerdict > 0 && toVerdict <= Math.max(...Object.values(toSites)));
    // What one site alone saw is the other tree, and it is known as that.
    const alone = summary.trees.filter(({ sites }) => sites.join(' ') === 'router1');
    assert.equal(alone.length, 1);
    assert.ok(existsSync(summary.evidence));
    for (const command of summary.look) assert(told.includes(`  ${command}`), command);
    const [verify = '', heads = ''] = summary.look;
    for (const command of [verify, heads]) {
      const ran = await ctga(command.split(' ').slice(1));
      assert.equal(ran.code, 0, ran.stdout + ran.stderr);
    }
    assert.ok(readdirSync(join(stateDir, 'state', 'router2')).length > 0);
  },
);
