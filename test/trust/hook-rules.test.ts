// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkImage } from '../../src/services/trust-hook.ts';
import { readRules, rulesFor } from '../../src/trust/hook-rules.ts';

const TEXT = ['h.test/app:v1', 'h.test/app:v2', 'h.test:5000/app:v1', 'h.test/app/sub:v1']
  .map((name) => `[[image]]\nname = "${name}"\nverify = ["alice/app:v1"]\n`)
  .join('');
const rules = readRules(TEXT, 'rules.toml');
const digest = `sha256:${'ab'.repeat(32)}`;

test('every name needs a rule of its own, and one with a digest any of its repository', () => {
  const cases: [string[], string[][] | string][] = [
    [['h.test/app:v1'], [['h.test/app:v1']]],
    [
      ['h.test/app:v1', 'h.test/app:v2'],
      [['h.test/app:v1'], ['h.test/app:v2']],
    ],
    [[`h.test/app@${digest}`], [['h.test/app:v1', 'h.test/app:v2']]],
    [[`h.test:5000/app@${digest}`], [['h.test:5000/app:v1']]],
    [['h.test/app:v1', 'h.test/app:v3'], 'h.test/app:v3'],
    [['localhost/app:v1'], 'localhost/app:v1'],
    [[`h.test@${digest}`], `h.test@${digest}`],
    [['h.test/app'], 'h.test/app'],
    [['H.test/app:v1'], 'H.test/app:v1'],
    [[''], ''],
  ];
  for (const [names, want] of cases) {
    const needed = rulesFor(names, rules);
    const got =
      'without' in needed ? needed.without : needed.map((any) => any.map(({ name }) => name));
    assert.deepEqual(got, want, names.join(' '));
  }
});

test('rules that are wrong are refused, with the place', () => {
  for (const [text, want] of [
    ['image = 1', /rules\.toml: image: /],
    ['x = 1', /rules\.toml: /],
    ['[[image]]\nname = "h.test/a:v1"', /image\.0\.verify/],
    ['[[image]]\nname = "h.test/a:v1"\nverify = []', /image\.0\.verify/],
    ['[[image]]\nname = "a:v1"\nverify = ["x"]', /image\.0\.name: want HOST\/REPOSITORY:TAG/],
    ['[[image]]\nname = "h.test/a"\nverify = ["x"]', /image\.0\.name/],
    ['[[image]]\nname = "h.test/a:v1"\nverify = ["x"]\nmore = 1', /more/],
    ['[[image', /rules\.toml: /],
  ] as const)
    assert.throws(() => readRules(text, 'rules.toml'), want, text);
  assert.deepEqual(readRules('', 'rules.toml'), []);
});

test('a rule whose command ends well and verifies nothing lets nothing run', async () => {
  const name = 'h.test/app:v1';
  const image = { id: 'ab'.repeat(32), names: [name], digests: [digest] };
  for (const [verify, why] of [
    [['--help'], /its rule verifies nothing/],
    [['alice/app:v1', '-h'], /its rule verifies nothing/],
    [['alice/app:v1', '--proof', '/nowhere/proof'], /want|--root-key|cannot read/],
  ] as const)
    await assert.rejects(checkImage(image, [{ name, verify: [...verify] }]), why, verify.join(' '));
});
