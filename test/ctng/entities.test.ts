// SPDX-License-Identifier: Apache-2.0
/** The loggers and CAs of CTng's local network: what they state, and how they misbehave. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import type { EntityConfig } from '../../src/ctng/config.ts';
import { answersOf, type Behaviour } from '../../src/ctng/entities.ts';
import { decodeObject, messageOf } from '../../src/ctng/object.ts';
import { Periods } from '../../src/ctng/periods.ts';
import { RECORDED } from './vectors.ts';

const config: EntityConfig = {
  signer: 'localhost:9000',
  port: 9000,
  key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  seed: 'x',
  misbehaviorInterval: 2,
  revoked: 5,
};

function asked(kind: 'logger' | 'ca', behaviour: Behaviour, minute = 13): (string | undefined)[] {
  const periods = new Periods(60_000, () => minute * 60_000);
  const answer = answersOf({ kind, config, behaviour, periods });
  return Array.from({ length: 4 }, () => {
    const object = answer();
    return object === undefined ? undefined : messageOf(object);
  });
}

describe('a logger and a CA', () => {
  test('state what the Go programs state: in period 13, the two heads of the recorded run', () => {
    const [, con = ''] = RECORDED;
    const [, ...recorded] = decodeObject(con).payload;
    const [split, honest] = asked('logger', 2);
    assert.deepEqual([split, honest].sort(), [...recorded].sort());
    assert.equal(asked('logger', 1)[0], honest);
  });

  for (const kind of ['logger', 'ca'] as const) {
    test(`${kind}: misbehaves for every second who asks, as it is told to`, () => {
      const [honest] = asked(kind, 1);
      assert.deepEqual(new Set(asked(kind, 1)), new Set([honest]));
      const [split, ...others] = asked(kind, 2);
      assert.notEqual(split, honest);
      assert.deepEqual(others, [honest, split, honest]);
      assert.deepEqual(asked(kind, 3), [undefined, honest, undefined, honest]);
      assert.deepEqual(asked(kind, 4), Array(4).fill(undefined));
    });
    test(`${kind}: states the same when it is started again, and another thing in each period`, () => {
      assert.deepEqual(asked(kind, 1), asked(kind, 1));
      const all = Array.from({ length: 60 }, (_, minute) => asked(kind, 1, minute)[0]);
      assert.equal(new Set(all).size, 60);
    });
  }
});
