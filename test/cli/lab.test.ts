// SPDX-License-Identifier: Apache-2.0
/** What `ctga lab up` says, which is commands to type, one a line. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { say } from '../../src/cli/lab.ts';
import { asRun } from '../../src/cli/run.ts';

test('a message of several lines is printed as such, and as one text for scripts', async () => {
  const printed = async (json: boolean): Promise<string> => {
    let text = '';
    const stream = { write: (more: string) => (text += more) };
    await asRun({ stdout: stream, stderr: stream }, json, () =>
      Promise.resolve(say('try:\n  sudo a\n  sudo b', json)),
    );
    return text;
  };
  assert.equal(await printed(false), 'try:\n  sudo a\n  sudo b\n');
  assert.deepEqual(JSON.parse(await printed(true)), { message: 'try:\n  sudo a\n  sudo b' });
});
