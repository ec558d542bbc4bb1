// SPDX-License-Identifier: Apache-2.0
/** What is refused before the kernel is asked, so without root and without the addon. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { attachXdp, detachXdp, loadXdp, openAttached } from '../../src/dataplane/xdp.ts';
import { CtgaError, ExitCode } from '../../src/base/errors.ts';

function isBadInput(error: unknown): boolean {
  return (
    error instanceof CtgaError && error.code === 'bad-input' && error.exitCode === ExitCode.badInput
  );
}

for (const interfaceName of [
  '',
  '.',
  '..',
  '../maps',
  'a/b',
  'a b',
  'eth0:1',
  'sixteen-letters-',
  'eth\n0',
]) {
  test(`no interface can be named ${JSON.stringify(interfaceName)}`, () => {
    assert.throws(() => attachXdp({ interfaceName }), isBadInput);
    assert.throws(() => openAttached(interfaceName), isBadInput);
    assert.throws(() => detachXdp(interfaceName), isBadInput);
  });
}

for (const options of [
  { threshold: -1 },
  { threshold: 2031 },
  { threshold: 1.5 },
  { everyNth: 0 },
  { everyNth: 2 ** 32 },
  { everyNth: NaN },
  { ringBytes: 0 },
  { ringBytes: 32768 },
  { ringBytes: 100_000 },
  { ringBytes: 2 ** 31 },
]) {
  test(`refuses ${JSON.stringify(options)}`, () =>
    assert.throws(() => loadXdp(options), isBadInput));
}
