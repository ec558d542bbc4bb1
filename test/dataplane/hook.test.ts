// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { chooseHook } from '../../src/dataplane/hook.ts';

const CASES = [
  { kind: 'veth', driver: 'veth', prefersTc: true },
  { kind: 'tun', driver: 'tun', prefersTc: true },
  { kind: 'bridge', driver: 'bridge', prefersTc: true },
  { kind: 'bond', driver: 'bonding', prefersTc: true },
  { kind: 'vlan', driver: '802.1Q VLAN Support', prefersTc: true },
  { kind: 'wireguard', driver: '', prefersTc: true },
  { kind: '', driver: '', prefersTc: true }, // lo
  { kind: '', driver: 'virtio_net', prefersTc: true },
  { kind: '', driver: 'mlx5_core', prefersTc: false },
  { kind: '', driver: 'ixgbe', prefersTc: false },
] as const;

for (const { prefersTc, ...device } of CASES)
  test(`${device.kind} ${device.driver}: ${prefersTc ? 'TC ingress' : 'XDP'}`, () => {
    const chosen = chooseHook({ atCpuPort: false, mode: undefined }, device);
    assert.equal(chosen.prefersTc, prefersTc);
    const named =
      device.driver === 'virtio_net' || device.kind === '' ? device.driver : device.kind;
    assert(chosen.why.includes(named), chosen.why);
  });

test('what was asked for goes before what the device is', () => {
  const veth = { kind: 'veth', driver: 'veth' };
  const forced = chooseHook({ atCpuPort: false, mode: 'native' }, veth);
  assert.deepEqual(forced, { prefersTc: false, why: '--mode native' });
  assert.equal(chooseHook({ atCpuPort: true, mode: undefined }, veth).prefersTc, false);
  assert.equal(chooseHook({ atCpuPort: false, mode: undefined }).prefersTc, true);
});
