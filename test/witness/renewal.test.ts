// SPDX-License-Identifier: Apache-2.0
/** A certificate that is renewed reaches the server, in whatever order its two files come. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { renewal, type Tls } from '../../src/witness/renewal.ts';

interface Renewing {
  readonly taken: Tls[];
  readonly errors: unknown[];
  readonly look: () => void;
  readonly write: (name: 'certificate' | 'key', text: string) => void;
  readonly remove: (name: 'certificate' | 'key') => void;
}

/** Takes a certificate only with the key of the same name, as TLS does. */
function renewing(t: TestContext): Renewing {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const files = { certificate: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
  let time = 1_700_000_000;
  const write: Renewing['write'] = (name, text) => {
    writeFileSync(files[name], text);
    utimesSync(files[name], time, (time += 60));
  };
  write('certificate', 'one');
  write('key', 'one');
  const [taken, errors]: [Tls[], unknown[]] = [[], []];
  const renew = (tls: Tls): void => {
    if (tls.cert !== tls.key) throw new Error('key values mismatch');
    taken.push(tls);
  };
  const look = renewal(files, renew, (error) => errors.push(error));
  return { taken, errors, look, write, remove: (name) => rmSync(files[name]) };
}

for (const order of [
  ['certificate', 'key'],
  ['key', 'certificate'],
] as const)
  test(`the ${order[0]} is there first, and the ${order[1]} a minute later`, (t) => {
    const { taken, errors, look, write } = renewing(t);
    look();
    assert.deepEqual(taken, []);
    const [first, second] = order;
    write(first, 'two');
    look();
    look();
    assert.deepEqual([taken, errors.length], [[], 1], 'it is told once');
    write(second, 'two');
    look();
    look();
    assert.deepEqual(taken, [{ cert: 'two', key: 'two' }]);
    assert.equal(errors.length, 1);
  });

test('a file that is away for a while is waited for', (t) => {
  const { taken, errors, look, write, remove } = renewing(t);
  remove('key');
  look();
  write('certificate', 'two');
  look();
  assert.deepEqual([taken, errors], [[], []]);
  write('key', 'two');
  look();
  assert.deepEqual(taken, [{ cert: 'two', key: 'two' }]);
});
