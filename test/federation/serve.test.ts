// SPDX-License-Identifier: Apache-2.0
/** The policy by which clients that know witnesses take a federation for a quorum. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeKeys } from '../../src/federation/keys.ts';
import { Roster, type Member, type RosterBody } from '../../src/federation/roster.ts';
import { policyOf } from '../../src/federation/serve.ts';
import { NOTE_KEY_TYPE, parseNoteKey } from '../../src/statements/note-key.ts';
import { SigningLog } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const members = ['none', 'x', 'x.quorum'].map(
  (name, i) => makeKeys(join(directory, `${i}`), name, `https://m${i}.example/`).member,
);
const rosterOf = (name: string, of: readonly Member[], changes: Partial<RosterBody> = {}): Roster =>
  Roster.of({
    name,
    epoch: 0,
    previous: new Uint8Array(32),
    start: 0,
    threshold: 2,
    period: 60,
    patience: 1000,
    members: of,
    ...changes,
  });
const words = (policy: string, first: string): string[][] =>
  policy
    .split('\n')
    .filter((line) => line.startsWith(`${first} `))
    .map((line) => line.split(' '));

test('a policy has keys of one type, since clients refuse those that they do not know', () => {
  const roster = rosterOf('x', members);
  for (const [keys, type] of [
    ['ed25519', NOTE_KEY_TYPE.cosignature],
    ['ml-dsa-44', NOTE_KEY_TYPE.mlDsa44],
  ] as const) {
    const policy = policyOf(roster, [new SigningLog().asLog()], keys);
    const types = words(policy, 'witness').map(([, , vkey = '']) => parseNoteKey(vkey).type);
    assert.deepEqual(types, [type, type, type]);
    assert.equal(words(policy, 'log').length, 1);
  }
});

test('no name of a member or a federation means something else in it', () => {
  for (const name of ['none', 'x', 'any']) {
    const policy = policyOf(rosterOf(name, members), [], 'ed25519');
    const names = words(policy, 'witness').map(([, witness]) => witness);
    const [group = []] = words(policy, 'group');
    assert.deepEqual(group, ['group', `${name}.quorum`, '2', ...names]);
    assert.equal(new Set([...names, group[1]]).size, 4);
    // `quorum none` would take a checkpoint that nobody cosigned.
    assert.deepEqual(words(policy, 'quorum'), [['quorum', `${name}.quorum`]]);
  }
});

test('where fewer than a threshold have such keys nothing is good by it', () => {
  const bare = members.map((member, i) => (i === 0 ? member : { ...member, vkeys: [] }));
  const policy = policyOf(rosterOf('x', bare), [new SigningLog().asLog()], 'ed25519');
  assert.match(policy, /^# Fewer than a threshold .*\n$/);
});
