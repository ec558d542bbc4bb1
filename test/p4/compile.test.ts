// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  builtWith,
  compile,
  compilerVersion,
  hashOfSources,
  PROGRAM,
} from '../../src/p4/compile.ts';

test('the program that comes with ctga was compiled from these sources', () =>
  assert.equal(
    builtWith().sources,
    hashOfSources(),
    'sources have changed since: ctga p4 compile',
  ));

const version = compilerVersion();
const skip =
  version === undefined
    ? 'p4c does NOT run: it is not on PATH'
    : version !== builtWith().p4c &&
      `the program was compiled with p4c ${builtWith().p4c}, and here is ${version}`;

test('p4c makes the same of them', { skip }, () =>
  assert.equal(compile().json, readFileSync(PROGRAM, 'utf8')),
);
