// SPDX-License-Identifier: Apache-2.0
/**
 * Each object loads with no more than the capabilities that it is for. Root's tests do not show
 * that: the verifier lets root do more.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { release } from 'node:os';
import { test } from 'node:test';

import { xdpObjectPath } from '../../src/dataplane/xdp-object.ts';

const [major = 0, minor = 0] = release().split('.').map(Number.parseFloat);
const isNew = major > 6 || (major === 6 && minor >= 18);

for (const readsInPlace of [true, false])
  for (const hook of ['xdp', 'tc', 'cpu'] as const) {
    const rights = readsInPlace ? '+bpf,+net_admin,+perfmon' : '+bpf,+net_admin';
    const skip = !readsInPlace && !isNew && 'the verifier before Linux 6.18 refuses this object';
    test(`the program for ${hook} loads with ${rights}`, { skip }, () => {
      const options = JSON.stringify({ objectPath: xdpObjectPath(readsInPlace), hook });
      const load = `
        import { loadXdp } from '${import.meta.resolve('../../src/dataplane/xdp.ts')}';
        loadXdp(${options}).close();`;
      const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', load];
      const { status, stderr } = spawnSync('setpriv', [`--bounding-set=-all,${rights}`, ...node], {
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr);
    });
  }
