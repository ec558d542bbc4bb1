// SPDX-License-Identifier: Apache-2.0
/**
 * The object for loaders without CAP_PERFMON, loaded by one: the verifier asks more of it than of
 * the same object when root loads it. Needs root, to give rights up.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { xdpObjectPath } from '../../src/dataplane/xdp-object.ts';

/** Loads the programs for both hooks and lets each see an IPv4 packet whose header has no length. */
const SCRIPT = `
  import { loadXdp } from '${new URL('../../src/dataplane/xdp.ts', import.meta.url).href}';
  const objectPath = process.argv[1];
  const frame = new Uint8Array(60).fill(0x08, 12, 13).fill(17, 23, 24);
  const seen = ['xdp', 'tc'].map((hook) => {
    const plane = loadXdp({ hook, objectPath });
    plane.testRun(frame);
    const { malformed } = plane.counters();
    plane.close();
    return [hook, Number(malformed)];
  });
  console.log(JSON.stringify(seen));`;

describe('with CAP_BPF and CAP_NET_ADMIN alone', () => {
  const load = (objectPath: string): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(
      'setpriv',
      [
        // What root has of these after it starts a program.
        '--bounding-set=-all,+bpf,+net_admin',
        process.execPath,
        ...[
          '--import',
          import.meta.resolve('tsx'),
          '--input-type=module',
          '-e',
          SCRIPT,
          objectPath,
        ],
      ],
      { encoding: 'utf8' },
    );

  test('both programs of the object that is for them load and run', () => {
    const { status, stdout, stderr } = load(xdpObjectPath(false));
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), [
      ['xdp', 1],
      ['tc', 1],
    ]);
  });

  test('those of the other object do not: the rights were given up', () => {
    const { status, stderr } = load(xdpObjectPath(true));
    assert.notEqual(status, 0);
    assert.match(stderr, /load the BPF program: /);
  });
});
