// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Intake } from '../../src/fleet/intake.ts';

interface Said {
  readonly name: string;
  ack(): void;
  nak(): void;
}

function messages(said: string[]): (name: string) => Said {
  return (name) => ({
    name,
    ack: () => void said.push(`ack ${name}`),
    nak: () => void said.push(`nak ${name}`),
  });
}

test('what came is taken at a moment and answered at the next, however little there is to do', () => {
  const said: string[] = [];
  const message = messages(said);
  const intake = new Intake<Said>((all) =>
    said.push(`take ${all.map(({ name }) => name).join(' ')}`),
  );
  intake.put(message('a'));
  intake.put(message('b'));
  assert.deepEqual(said, [], 'nothing is done before its moment');
  intake.moment();
  assert.deepEqual(said.splice(0), ['take a b'], 'and nothing answered with it');
  intake.put(message('c'));
  intake.moment();
  assert.deepEqual(said.splice(0), ['ack a', 'ack b', 'take c'], 'answers wait for no work');
  intake.moment();
  intake.moment();
  assert.deepEqual(said.splice(0), ['ack c'], 'each once');
});

test('what could not be taken is brought again, by an answer at the same moment', () => {
  const said: string[] = [];
  const message = messages(said);
  let isFull = true;
  let elapsed = 0;
  const intake = new Intake<Said>(
    (all) => {
      if (isFull) throw new Error('the disk is full');
      said.push(`take ${all.map(({ name }) => name).join(' ')}`);
    },
    () => elapsed,
  );
  intake.put(message('a'));
  intake.moment();
  intake.moment();
  assert.deepEqual(said.splice(0), ['nak a']);
  isFull = false;
  // What is newer waits until the bus has brought again what is older: else that would be missing.
  intake.put(message('b'));
  for (; elapsed < 6000; elapsed += 500) intake.moment();
  assert.deepEqual(said.splice(0), []);
  intake.put(message('a'));
  intake.moment();
  intake.moment();
  assert.deepEqual(said, ['take b a', 'ack b', 'ack a']);
});

test('what was taken is answered at the end, and who comes next is brought what was not', () => {
  const said: string[] = [];
  const message = messages(said);
  const intake = new Intake<Said>(() => undefined);
  intake.put(message('a'));
  intake.moment();
  intake.put(message('b'));
  intake.end();
  intake.end();
  assert.deepEqual(said, ['ack a', 'nak b']);
});
