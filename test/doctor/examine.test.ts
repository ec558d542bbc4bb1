// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga doctor` as a whole: what it looks at, and what it says of the configuration and of logs.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Command } from 'commander';
import { checkConfiguration, examine } from '../../src/doctor/examine.ts';
import { stateAt } from '../../src/store/state.ts';
import { freePort } from '../support/ports.ts';
import { SigningLog } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

/** A program that has just one command. */
function programWith(): Promise<Command> {
  const program = new Command('ctga');
  program.command('watch').option('--name <text>', 'a text');
  return Promise.resolve(program);
}

function file(text: string): string {
  const path = join(directory, 'ctga.toml');
  writeFileSync(path, text);
  return path;
}

describe('the configuration', () => {
  for (const [what, text, state, found] of [
    ['that sets an option', '[watch]\nname = "a"\n', 'well', /ctga\.toml$/],
    ['with a fault', '[watch]\nnames = "a"\n', 'failure', /names/],
    ['with two faults', '[watch]\nnames = "a"\n[match]\n', 'failure', /\(and 1 more\)$/],
    ['that is no TOML', '[watch', 'failure', /ctga\.toml/],
  ] as const)
    test(what, async () => {
      const result = await checkConfiguration(file(text), programWith);
      assert.equal(result.state, state, result.found);
      assert.match(result.found, found);
      assert.equal(result.remedy !== undefined, state === 'failure');
    });

  test('that was named and is not there', async () => {
    const { state } = await checkConfiguration(join(directory, 'none.toml'), programWith);
    assert.equal(state, 'failure');
  });
});

test('everything has a result; a log that cannot be asked is a warning', async () => {
  const results = await examine({
    state: { ...stateAt(join(directory, 'state')), isNamed: false },
    proxy: { host: '127.0.0.1', port: await freePort() },
    config: file('[watch]\nname = "a"\n'),
    programWith,
    logs: ['Rome', 'Oslo'].map((description) => new SigningLog().asLog({ description })),
  });
  const stateOf = (what: string): string | undefined =>
    results.find((result) => result.what.startsWith(what))?.state;
  for (const what of ['kernel', 'BPF', 'disk', 'clock']) assert(stateOf(what) !== undefined, what);
  assert.deepEqual(['store', 'configuration', 'proxy', 'log Rome', 'log Oslo'].map(stateOf), [
    'well',
    'well',
    'failure',
    'warning',
    'warning',
  ]);
});
