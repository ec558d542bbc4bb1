// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga lab run`, whole and broken off: whatever the end, nothing is left but evidence. Needs root.
 */
import assert from 'node:assert/strict';
import { noSimpleSwitch } from '../support/simple-switch.ts';
import { spawn, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, afterEach, describe, test } from 'node:test';
import { LabNetwork } from '../../src/lab/network.ts';
import { removeServiceFiles } from '../../src/lab/services.ts';
import { runLab, type LabResult } from '../../src/lab/story.ts';
import { ctga, startCtga } from '../support/ctga.ts';
import { noFirefox } from '../support/firefox.ts';

const names = {
  lab: `ctga-test-${process.pid}-lab`,
  interfacePrefix: `l${process.pid % 1_000_000}-`,
};
const network = new LabNetwork(names);
const stateDir = mkdtempSync(join(tmpdir(), 'ctga-lab-test-'));
// The challenger gives root up and must be able to walk in here.
chmodSync(stateDir, 0o755);

afterEach(async () => {
  await network.down();
  removeServiceFiles(network);
});
after(() => rmSync(stateDir, { recursive: true }));

/** Everything of the lab that is on this machine: namespaces, pins, processes. */
function leftovers(): string[] {
  const processes = readdirSync('/proc').filter((name) => {
    try {
      return readFileSync(`/proc/${name}/environ`, 'latin1')
        .split('\0')
        .includes(`CTGA_LAB=${names.lab}`);
    } catch {
      return false;
    }
  });
  const unbound = `/var/lib/unbound/${names.lab}`;
  const files = [...network.pinDirectories(), ...(existsSync(unbound) ? [unbound] : [])];
  const namespaces = readdirSync('/run/netns').filter((name) => name.startsWith(names.lab));
  return [...processes.map((pid) => `process ${pid}`), ...files, ...namespaces];
}

/** Runs the story in a process of its own and calls `at` when the step of that number begins. */
async function runUntil(
  step: number,
  at: (child: ChildProcess) => void,
): Promise<{ code: number | null; out: string }> {
  const script = join(stateDir, 'run.mts');
  const storyModule = JSON.stringify(join(import.meta.dirname, '../../src/lab/story.ts'));
  writeFileSync(
    script,
    `import { runLab } from ${storyModule};
     const options = ${JSON.stringify({ stateDir, names })};
     console.log(JSON.stringify(await runLab({ ...options, onLine: console.error })));`,
  );
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.startsWith(`[${String(step).padStart(2)}/`)) at(child);
  });
  return { code: await gone, out };
}

test('the whole story holds, tells itself, and leaves evidence alone', async () => {
  const told: string[] = [];
  const result = await runLab({ stateDir, names, onLine: (line) => void told.push(line) });
  assert.deepEqual(result.failure, undefined);
  assert.ok(result.held);
  assert.ok(result.steps.every(({ held, found }) => held && found !== undefined));
  const { summary } = result;
  assert.equal(summary?.verdicts['fork-proven'], 1);
  assert.deepEqual(Object.keys(summary.interfaces).sort(), [...network.routerInterfaces].sort());
  const [bundle] = summary.evidence;
  assert.ok(bundle !== undefined && existsSync(bundle));
  assert.ok(told.some((line) => line.includes(bundle)));
  for (const { title } of result.steps)
    assert.ok(
      told.some((line) => line.endsWith(title)),
      title,
    );
  assert.deepEqual(leftovers(), []);
  await lookAt(summary.look, told);
});

/** An account that owns nothing, and has no part in the lab. */
const SOMEBODY = 54_321;

/** Runs the summary's commands as somebody who is not root. */
async function lookAt(
  { page, verify }: NonNullable<LabResult['summary']>['look'],
  told: readonly string[],
): Promise<void> {
  for (const command of [page, ...verify]) assert(told.includes(`  ${command}`), command);
  const [check = ''] = verify;
  process.seteuid?.(SOMEBODY);
  try {
    const verified = await ctga(check.split(' ').slice(1));
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    const web = startCtga([...page.split(' ').slice(1), '--listen', '127.0.0.1:0']);
    const url = /http:\/\/[\d.:]+\//;
    await web.until(() => url.test(web.said()), 'it listened');
    const text = await (await fetch(url.exec(web.said())?.[0] ?? '')).text();
    assert.match(text, /A split view is proven/);
    assert.match(text, /href="\/evidence\/fork-[^"]+"/);
    assert.doesNotMatch(text, /unknown log|No observer has watched/);
    await web.stop();
  } finally {
    process.seteuid?.(0);
  }
}

test(
  'with Firefox as the client, both the split view and the broken promise are proven',
  { skip: noFirefox },
  async () => {
    const told: string[] = [];
    const result = await runLab({
      stateDir,
      names,
      firefox: true,
      onLine: (line) => void told.push(line),
    });
    assert.deepEqual(result.failure, undefined, told.join('\n'));
    assert.equal(result.summary?.verdicts['fork-proven'], 1);
    assert.deepEqual(
      result.summary.evidence.map((path) => /\/(fork|promise)-[^/]+$/.exec(path)?.[1]),
      ['fork', 'promise'],
    );
    assert.deepEqual(leftovers(), []);
  },
);

test(
  'with P4 in simple_switch on the path, it ends in the same verdict',
  { skip: noSimpleSwitch },
  async () => {
    const told: string[] = [];
    const result = await runLab({
      stateDir,
      names,
      dataPlane: 'bmv2',
      onLine: (line) => void told.push(line),
    });
    assert.deepEqual(result.failure, undefined, told.join('\n'));
    assert.deepEqual(result.summary?.verdicts, { consistent: 7, 'fork-proven': 1 });
    assert.deepEqual(leftovers(), []);
  },
);

describe('interrupted', () => {
  for (const step of [1, 2, 3, 4, 6]) {
    test(`at step ${step}: says so and takes everything down`, async () => {
      const { code, out } = await runUntil(step, (child) =>
        child.kill(step % 2 === 0 ? 'SIGINT' : 'SIGTERM'),
      );
      const result = JSON.parse(out) as LabResult;
      assert.equal(code, 0, 'the process that asked for the story decides on its own exit code');
      assert.ok(!result.held);
      assert.match(result.failure?.message ?? '', /^interrupted by SIG(INT|TERM)$/);
      assert.equal(result.steps.length, step);
      assert.deepEqual(leftovers(), []);
    });
  }
});

test('killed outright, with programs attached: the next one finds and removes it all', async () => {
  const { out } = await runUntil(5, (child) => child.kill('SIGKILL'));
  assert.equal(out, '');
  assert.ok(leftovers().some((left) => left.startsWith('/sys/fs/bpf/')));
  await network.up();
  assert.ok(
    leftovers().every((left) => left.startsWith(names.lab) || left.startsWith('/var/lib/unbound')),
  );
});

test('one lab at a time', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(`\0${names.lab}`, resolve));
  try {
    await assert.rejects(runLab({ stateDir, names, onLine: () => undefined }), {
      name: 'CtgaError',
      code: 'busy',
    });
  } finally {
    other.close();
  }
});
