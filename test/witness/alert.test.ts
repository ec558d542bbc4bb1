// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga alert run` on a witness's own state directory, while `ctga witness serve` works in it: what a
 * refusal convicts is told, of every kind of log, once; what nothing shows is not.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ctga, startCtga } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { addBody } from './harness.ts';

const [tree, fork] = [treeOf(9, 'a', 2), treeOf(9, 'b', 2)];

test('what convicts a log by a refusal is told by alerts, once, and what shows nothing is not', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const [state, told, list] = ['state', 'told', 'logs.txt'].map((name) => join(directory, name));
  assert(state !== undefined && told !== undefined && list !== undefined);
  const [one, two] = [new CheckpointLog(), new SigningLog()];
  const lagging = new CheckpointLog({ name: 'log.test/lagging' });
  writeFileSync(list, `${one.vkey}\n${two.vkey()}\n${lagging.vkey}\n`);
  const made = await ctga(['witness', 'keygen', 'witness.test/w', '--state-dir', state]);
  assert.equal(made.code, 0, made.stderr);
  const witness = startCtga([
    ...['witness', 'serve', '--json', '--state-dir', state],
    ...['--listen', '127.0.0.1:0', '--log-list', list],
  ]);
  t.after(() => witness.stop());
  await witness.until(() => witness.said().includes('"listening"'), 'to listen');
  const { url } = JSON.parse(
    witness
      .said()
      .split('\n')
      .find((line) => line.includes('"listening"')) ?? '',
  ) as { readonly url: string };
  const command = `echo "$CTGA_EVENT $CTGA_SEVERITY $CTGA_KEY" >>${told}`;
  const alerts = startCtga(['alert', 'run', '--state-dir', state, '--command', command]);
  t.after(() => alerts.stop());
  const bring = async (log: typeof one | typeof two, of: typeof tree, old: number, n: number) => {
    const body = addBody(old, [], log.checkpoint(n, of.root(n)));
    return (await fetch(`${url}add-checkpoint`, { method: 'POST', body })).status;
  };
  assert.equal(await bring(lagging, tree, 0, 7), 200);
  assert.equal(await bring(lagging, tree, 0, 5), 409, 'of which nothing shows what it is');
  for (const log of [one, two]) {
    assert.equal(await bring(log, tree, 0, 6), 200);
    assert.equal(await bring(log, fork, 6, 6), 422);
  }
  const lines = (): string[] =>
    existsSync(told) ? readFileSync(told, 'utf8').trim().split('\n') : [];
  const forks = (): string[] => lines().filter((line) => line.includes(' fork:'));
  await eventually(
    () => forks().length >= 2,
    () => `two alerts: ${lines().join()} ${alerts.said()}`,
  );
  for (const log of [one, two]) assert.equal(await bring(log, fork, 6, 6), 422, 'again');
  // Nobody alerts for a while, and then what is new is told alone.
  await alerts.stop();
  assert.equal(await bring(lagging, fork, 7, 7), 422);
  const again = startCtga(['alert', 'run', '--state-dir', state, '--command', command]);
  t.after(() => again.stop());
  await eventually(
    () => forks().length >= 3,
    () => `a third alert: ${lines().join()} ${again.said()}`,
  );
  for (const line of forks()) assert.match(line, /^\S+ critical fork:\S+\.json$/);
  const files = forks().map((line) => join(state, 'evidence', line.split('fork:')[1] ?? ''));
  assert.equal(new Set(files).size, 3);
  assert.equal(files.length, 3);
  for (const file of files) {
    const verified = await ctga(['evidence', 'verify', file, '--log-list', list]);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  }
});
