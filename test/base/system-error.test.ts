// SPDX-License-Identifier: Apache-2.0
/** What the system refused is said in words, whatever it was. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { getSystemErrorMap } from 'node:util';
import { badFile, messageOf } from '../../src/base/errors.ts';
import { systemSentence } from '../../src/base/system-error.ts';

/** Any name of an error number: a person need not know it. */
const RAW = /\bE[A-Z0-9]{3,}\b|errno|syscall/;

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('what the system refused', () => {
  test('is a clause in words, for every error that there is', () => {
    for (const [errno, [code]] of getSystemErrorMap()) {
      const error = Object.assign(new Error(`${code}: x, open '/x'`), {
        errno,
        code,
        syscall: 'open',
        path: '/x',
      });
      assert.doesNotMatch(messageOf(error), RAW, code);
      assert.match(messageOf(error), /^[a-z]/i);
      // Of what may not be entered or written in, the directory is named.
      const names =
        code === 'EACCES' ? /^this account may not write in the directory \/$/ : /^\/x: /;
      assert.match(systemSentence(error) ?? '', names);
      assert.doesNotMatch(badFile('read', '/x', error).message, RAW);
    }
  });

  test('is what Node throws too', () => {
    for (const [work, says] of [
      [() => readFileSync('/nonexistent'), 'there is no such file or directory'],
      [() => readFileSync('/'), 'it is a directory'],
      [() => readFileSync('/etc/passwd/x'), 'a part of this path is not a directory'],
      [() => mkdirSync('/'), 'something of this name is there already'],
      [() => rmdirSync('/nonexistent'), 'there is no such file or directory'],
      [() => spawnSync('/nonexistent').error, 'there is no program /nonexistent here'],
    ] as const)
      assert.equal(messageOf(thrownBy(work)), says);
  });

  test('is that of the first of several addresses', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), {
      errno: -111,
      code: 'ECONNREFUSED',
      syscall: 'connect',
    });
    assert.match(messageOf(new AggregateError([refused, refused])), /connection refused/);
  });

  test('leaves alone what is not the system’s', () => {
    assert.equal(messageOf(new Error('ENOENT is a word')), 'ENOENT is a word');
    assert.equal(systemSentence(new Error('x')), undefined);
  });
});
