// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { doubleSha256 } from '../../src/carbonchain/bytes.ts';
import {
  bitsAfter,
  bitsOf,
  hasWork,
  NETWORKS,
  parseHeader,
  retargeted,
  targetOf,
  workOf,
  type Placed,
} from '../../src/carbonchain/header.ts';
import { HeaderChain } from '../../src/carbonchain/header-chain.ts';
import { headerAfter, mined } from './blocks.ts';

const { mainnet, testnet3, testnet4, regtest } = NETWORKS;

test('the first blocks have the hashes that everybody knows, and their work', () => {
  const hashes = {
    mainnet: '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f',
    testnet3: '000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943',
    testnet4: '00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043',
    regtest: '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206',
    simnet: '683e86bd5c6d110d91b94b97137ba6bfe02dbbdb8e3dff722a669b5d69d77af6',
  };
  for (const network of Object.values(NETWORKS)) {
    assert.equal(network.genesis.hash, hashes[network.name]);
    assert.ok(hasWork(network.genesis, network));
  }
});

test("retargeting gives the bits of mainnet's blocks (Bitcoin Core, pow_tests.cpp)", () => {
  const cases: [first: number, height: number, last: number, bits: number, want: number][] = [
    [1_261_130_161, 32_255, 1_262_152_739, 0x1d00ffff, 0x1d00d86a],
    [1_231_006_505, 2015, 1_233_061_996, 0x1d00ffff, 0x1d00ffff],
    [1_279_008_237, 68_543, 1_279_297_671, 0x1c05a3f4, 0x1c0168fd],
    [1_263_163_443, 46_367, 1_269_211_443, 0x1c387f6f, 0x1d00e1fd],
  ];
  for (const [first, height, last, bits, want] of cases) {
    const end = { height, time: last, bits };
    const at = (): Placed => ({ height: height - 2015, time: first, bits });
    assert.equal(bitsAfter(end, last + 600, at, mainnet), want, `${height + 1}`);
  }
});

test('compact targets (Bitcoin Core, arith_uint256_tests.cpp)', () => {
  for (const [bits, target] of [
    [0, 0n],
    [0x0012_3456, 0n],
    [0x0112_3456, 0x12n],
    [0x0200_8000, 0x80n],
    [0x0412_3456, 0x1234_5600n],
    [0x0492_3456, 0n],
    [0x2012_3456, 0x12_3456n << 232n],
    [0xff12_3456, 0n],
  ] as const)
    assert.equal(targetOf(bits), target, bits.toString(16));
  for (const bits of [0x1d00ffff, 0x207fffff, 0x1b0404cb, 0x0200_8000])
    assert.equal(bitsOf(targetOf(bits)), bits);
  assert.equal(workOf(0x1d00ffff), 0x1_0001_0001n);
});

test('testnets have easy blocks, and go back to the usual difficulty', () => {
  const at = (height: number): Placed => ({
    height,
    time: height * 600,
    bits: height === 9 ? 0x1c00ffff : 0x1d00ffff,
  });
  assert.equal(bitsAfter(at(9), 9 * 600 + 1200, at, testnet3), 0x1c00ffff);
  assert.equal(bitsAfter(at(9), 9 * 600 + 1201, at, testnet3), 0x1d00ffff);
  assert.equal(bitsAfter(at(12), 12 * 600 + 1, at, testnet3), 0x1c00ffff);
  assert.equal(bitsAfter(at(12), 12 * 600 + 1201, at, mainnet), 0x1d00ffff);
});

test('BIP 94 retargets from what the period began with', () => {
  const first = { height: 0, time: 0, bits: 0x1c00ffff };
  const last = { height: 2015, time: 2016 * 600, bits: 0x1d00ffff };
  assert.equal(retargeted(first, last, testnet4), 0x1c00ffff);
  assert.equal(retargeted(first, last, testnet3), 0x1d00ffff);
});

/** `count` regtest headers behind `from`. */
function row(from: Uint8Array, count: number, seed = 0): Uint8Array[] {
  const headers: Uint8Array[] = [];
  for (let i = 0, last = from; i < count; i++) headers.push((last = headerAfter(last, { seed })));
  return headers;
}
const NOW = 2_000_000_000;

test('the chain goes on, and a branch of more work takes its place', () => {
  const chain = new HeaderChain(regtest, { header: regtest.genesis.bytes, height: 0 });
  const main = row(regtest.genesis.bytes, 10);
  assert.deepEqual(chain.offer(main, 0, NOW), { is: 'taken', fork: 0 });
  const same = row(main[3] as Uint8Array, 6, 1);
  assert.deepEqual(chain.offer(same, 4, NOW), { is: 'lighter', fork: 4 });
  assert.equal(chain.tip.hash, parseHeader(main[9] as Uint8Array).hash);
  const more = row(main[3] as Uint8Array, 7, 1);
  // What it has in common with the chain may be offered too.
  assert.deepEqual(chain.offer([...main.slice(2, 4), ...more], 2, NOW), { is: 'taken', fork: 4 });
  assert.equal(chain.height, 11);
  assert.equal(chain.tip.hash, parseHeader(more[6] as Uint8Array).hash);
  assert.deepEqual(chain.offer(main, 0, NOW), { is: 'lighter', fork: 4 });
});

test('a header that breaks a rule is refused, and the chain stays', () => {
  const chain = new HeaderChain(regtest, { header: regtest.genesis.bytes, height: 0 });
  const main = row(regtest.genesis.bytes, 12);
  chain.offer(main, 0, NOW);
  const tip = main[11] as Uint8Array;
  const [fine] = row(tip, 1) as [Uint8Array];
  const change = (edit: (view: DataView) => void, work = true): Uint8Array => {
    const bytes = Uint8Array.from(fine);
    edit(new DataView(bytes.buffer));
    return work ? mined(bytes) : bytes;
  };
  const lazy = Uint8Array.from(fine);
  while (hasWork(parseHeader(lazy), regtest)) lazy[76] = (lazy[76] as number) + 1;
  const cases: [string, Uint8Array, RegExp][] = [
    ['no work', lazy, /not the work/],
    ['another difficulty', change((view) => view.setUint32(72, 0x207ffffe, true)), /difficulty/],
    [
      'an easier one than there is',
      change((view) => view.setUint32(72, 0x217fffff, true), false),
      /difficulty/,
    ],
    ['another block before it', change((view) => view.setUint8(4, view.getUint8(4) ^ 1)), /follow/],
    [
      'a time that is too early',
      change((view) => view.setUint32(68, chain.medianTime(12), true)),
      /later/,
    ],
    [
      'a time that is too late',
      change((view) => view.setUint32(68, NOW + 7201, true)),
      /unless that is slow/,
    ],
  ];
  for (const [name, header, why] of cases) {
    const offered = chain.offer([header], 12, NOW);
    assert.match(offered.is === 'invalid' ? offered.why : offered.is, why, name);
    assert.equal(chain.height, 12);
  }
  const early = change((view) => view.setUint32(68, chain.medianTime(12) + 1, true));
  assert.equal(chain.offer([early], 12, NOW).is, 'taken');
});

test('who trusts a later block begins there, where a period begins', () => {
  const main = row(regtest.genesis.bytes, 5);
  const chain = new HeaderChain(regtest, { header: main[2] as Uint8Array, height: 3 });
  assert.equal(chain.offer(main.slice(3), 3, NOW).is, 'taken');
  assert.equal(chain.height, 5);
  assert.throws(
    () => new HeaderChain(mainnet, { header: mainnet.genesis.bytes, height: 3 }),
    RangeError,
  );
  assert.equal(
    Buffer.compare(doubleSha256(main[3] as Uint8Array), (main[4] as Uint8Array).subarray(4, 36)),
    0,
  );
});

test('a long chain is taken in parts, up to the header that is invalid', () => {
  const chain = new HeaderChain(regtest, { header: regtest.genesis.bytes, height: 0 });
  const long = row(regtest.genesis.bytes, 4100);
  assert.equal(chain.extend(long, NOW).is, 'taken');
  assert.equal(chain.height, 4100);
  const other = new HeaderChain(regtest, { header: regtest.genesis.bytes, height: 0 });
  const broken = long.with(3000, long[2999] as Uint8Array);
  const offered = other.extend(broken, NOW);
  assert.deepEqual(offered.is === 'invalid' && offered.height, 3001);
  assert.equal(other.height, 2000);
  assert.equal(chain.work, 4101n * workOf(regtest.genesis.bits));
});
