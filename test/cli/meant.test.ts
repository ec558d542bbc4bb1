// SPDX-License-Identifier: Apache-2.0
/** Words of people who do not know ctga's: none is a command, and each leads to commands that are. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { meantBy, TYPED_WORDS } from '../../src/cli/meant.ts';
import { version } from '../../src/version.ts';
import { ctga } from '../support/ctga.ts';

describe('what was typed in place of a command', () => {
  for (const typed of new Set(TYPED_WORDS))
    test(`"${typed}" is refused, and what may be meant is named`, async () => {
      const meant = meantBy(typed);
      assert(meant.length > 0);
      const { code, stdout, stderr } = await ctga(typed.split(' '));
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr, /^ctga: unknown (command|option) '.*'\n {2}Did you mean .*\?\n/);
      for (const command of meant) {
        assert(stderr.includes(command.slice('ctga '.length)), stderr);
        // The names alone: what they are done to need not be there.
        const names = command
          .split(' ')
          .slice(1)
          .filter((word) => /^[a-z]+$/.test(word) && word !== 'eth0');
        const help = await ctga([...names, '--help']);
        assert.equal(help.code, 0, command);
        assert(
          help.stdout.startsWith(`Usage: ctga ${names.join(' ')}`) || names.length === 0,
          `${command}: ${help.stdout}`,
        );
      }
    });

  test('commander is asked where it is only spelled wrong', async () => {
    assert.match((await ctga(['statsu'])).stderr, /Did you mean status\?/);
    assert.match((await ctga(['no-such-thing'])).stderr, /^.*\n {2}See: ctga --help\n$/);
  });

  test('the version is asked for as of other programs', async () => {
    for (const asked of ['version', '--version', '-V']) {
      const { code, stdout } = await ctga([asked]);
      assert.deepEqual([code, stdout], [0, `${version}\n`]);
    }
  });
});
