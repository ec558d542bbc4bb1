// SPDX-License-Identifier: Apache-2.0
/** Which kind of plane a name is of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CtgaError } from '../../src/base/errors.ts';
import { nameOfMode, parsePlane } from '../../src/dataplane/registry.ts';

function fails(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof CtgaError && error.code === code && message.test(error.message);
}

for (const [name, message] of [
  ['bmv2:', /names no switch/],
  ['bmv2:nowhere', /names no switch/],
  ['bmv2:localhost:70000', /names no switch/],
  ['unbound:/run/unbound', /names no data plane/],
  [':', /names no data plane/],
] as const)
  test(`"${name}" is refused`, () => {
    assert.throws(() => parsePlane(name), fails('bad-input', message));
  });

test('a capture is a plane that comes to an end, and is not attached to anything', async () => {
  const target = parsePlane('replay:/tmp/some.pcap');
  const plane = await target.attach({});
  assert.equal(plane.interfaceName, 'replay:some.pcap');
  assert(plane.finished !== undefined);
  await assert.rejects(async () => target.detach(), fails('not-attached', /is a file/));
});

test('what cannot be the name of an interface is refused when it is attached', async () => {
  await assert.rejects(
    async () => parsePlane('a/b').attach({}),
    fails('bad-input', /network interface/),
  );
  await assert.rejects(
    async () => parsePlane('').detach(),
    fails('bad-input', /network interface/),
  );
});

test('every mode is printed in words, and one of another version as it is', () => {
  assert.deepEqual(['tc', 'bmv2', 'replay', 'new'].map(nameOfMode), [
    'TC ingress, clsact filter',
    'copies of a P4 switch',
    'a capture',
    'new',
  ]);
});
