// SPDX-License-Identifier: Apache-2.0
/** Block headers, proof of work and the rules of difficulty, for each of Bitcoin's networks. Pure. */
import { doubleSha256, fromHex, showHash } from './bytes.ts';
import { HEADER_LENGTH } from './transaction.ts';

export interface Header {
  /** The 80 bytes. */
  readonly bytes: Uint8Array;
  /** As Bitcoin shows it. */
  readonly hash: string;
  readonly previous: string;
  /** Unix time, in seconds. */
  readonly time: number;
  /** The target, compact. */
  readonly bits: number;
}

export type NetworkName = 'mainnet' | 'testnet3' | 'testnet4' | 'regtest' | 'simnet';

export interface Network {
  readonly name: NetworkName;
  readonly genesis: Header;
  /** The easiest target that a block may have. */
  readonly limit: number;
  /** Whether a block that comes 20 minutes after the one before it may be of the easiest. */
  readonly allowsEasyBlocks: boolean;
  /** Whether the difficulty never changes. */
  readonly isFixed: boolean;
  /** BIP 94: what a period begins with decides, and its first block is not of long before. */
  readonly hasBip94: boolean;
  /** What the chain has at least, in hashes: less is a made-up one. */
  readonly leastWork: bigint;
  /** The first byte of addresses, and of keys for wallets. */
  readonly address: {
    readonly pubKeyHash: number;
    readonly scriptHash: number;
    readonly wif: number;
    readonly bech32: string;
  };
}

/** @throws RangeError unless there are 80 bytes */
export function parseHeader(bytes: Uint8Array): Header {
  if (bytes.length !== HEADER_LENGTH)
    throw new RangeError(`a header is ${HEADER_LENGTH} bytes, not ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    bytes: Uint8Array.from(bytes),
    hash: showHash(doubleSha256(bytes)),
    previous: showHash(bytes.subarray(4, 36)),
    time: view.getUint32(68, true),
    bits: view.getUint32(72, true),
  };
}

/** The number that a header's hash must not exceed; 0 if `bits` stands for none. */
export function targetOf(bits: number): bigint {
  const mantissa = BigInt(bits & 0x7f_ffff);
  if ((bits & 0x80_0000) !== 0) return 0n;
  const exponent = bits >>> 24;
  const target =
    exponent <= 3 ? mantissa >> BigInt(8 * (3 - exponent)) : mantissa << BigInt(8 * (exponent - 3));
  return target < 1n << 256n ? target : 0n;
}

/** The inverse of targetOf, which rounds down. */
export function bitsOf(target: bigint): number {
  let exponent = Math.ceil(target.toString(2).length / 8);
  const mantissa = (): number =>
    Number(
      exponent <= 3 ? target << BigInt(8 * (3 - exponent)) : target >> BigInt(8 * (exponent - 3)),
    );
  // The highest bit of the mantissa is a sign.
  if (mantissa() >= 0x80_0000) exponent++;
  return exponent * 0x100_0000 + mantissa();
}

/** How many hashes it takes on average to find a block of this target. */
export function workOf(bits: number): bigint {
  return (1n << 256n) / (targetOf(bits) + 1n);
}

export function hasWork({ hash, bits }: Header, { limit }: Network): boolean {
  const target = targetOf(bits);
  return target > 0n && target <= targetOf(limit) && BigInt(`0x${hash}`) <= target;
}

/** Blocks in a period of one difficulty, and the time that one should take, in seconds. */
export const PERIOD = 2016;
const SPACING = 600;
const TIMESPAN = PERIOD * SPACING;

/** A header in its place. */
export interface Placed {
  readonly height: number;
  readonly time: number;
  readonly bits: number;
}

/** The difficulty after a period from `first` to `last`. */
export function retargeted(first: Placed, last: Placed, { limit, hasBip94 }: Network): number {
  const took = Math.min(Math.max(last.time - first.time, TIMESPAN / 4), TIMESPAN * 4);
  const target = (targetOf((hasBip94 ? first : last).bits) * BigInt(took)) / BigInt(TIMESPAN);
  const easiest = targetOf(limit);
  return bitsOf(target < easiest ? target : easiest);
}

/**
 * The bits that the block after `last` has to have if its time is `time`. `at` finds the blocks before it.
 */
export function bitsAfter(
  last: Placed,
  time: number,
  at: (height: number) => Placed,
  network: Network,
): number {
  if (network.isFixed) return network.limit;
  const height = last.height + 1;
  if (height % PERIOD === 0) return retargeted(at(height - PERIOD), last, network);
  if (!network.allowsEasyBlocks) return last.bits;
  if (time > last.time + 2 * SPACING) return network.limit;
  let usual = last;
  while (usual.bits === network.limit && usual.height % PERIOD !== 0) usual = at(usual.height - 1);
  return usual.bits;
}

/** BIP 94: what the first block of a period may be earlier than the one before it, in seconds. */
export const TIME_WARP = 600;

const SATOSHIS = '3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a';

function genesis(root: string, time: number, bits: number, nonce: number): Header {
  const bytes = new Uint8Array(HEADER_LENGTH);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 1, true);
  bytes.set(fromHex(root, 32) as Uint8Array, 36);
  for (const [i, field] of [time, bits, nonce].entries()) view.setUint32(68 + 4 * i, field, true);
  return parseHeader(bytes);
}

const TEST_ADDRESS = { pubKeyHash: 0x6f, scriptHash: 0xc4, wif: 0xef };

const usual = {
  leastWork: 0n,
  isFixed: false,
  hasBip94: false,
  allowsEasyBlocks: false,
  limit: 0x1d00ffff,
};
const easy = {
  leastWork: 0n,
  isFixed: true,
  hasBip94: false,
  allowsEasyBlocks: true,
  limit: 0x207fffff,
};

/** The parameters of Bitcoin Core's chainparams.cpp, and of btcd's simnet. */
export const NETWORKS: Readonly<Record<NetworkName, Network>> = {
  mainnet: {
    ...usual,
    name: 'mainnet',
    // It passed this in 2023.
    leastWork: 1n << 94n,
    genesis: genesis(SATOSHIS, 1_231_006_505, 0x1d00ffff, 2_083_236_893),
    address: { pubKeyHash: 0, scriptHash: 5, wif: 0x80, bech32: 'bc' },
  },
  testnet3: {
    ...usual,
    name: 'testnet3',
    allowsEasyBlocks: true,
    genesis: genesis(SATOSHIS, 1_296_688_602, 0x1d00ffff, 414_098_458),
    address: { ...TEST_ADDRESS, bech32: 'tb' },
  },
  testnet4: {
    ...usual,
    name: 'testnet4',
    allowsEasyBlocks: true,
    hasBip94: true,
    genesis: genesis(
      '4e7b2b9128fe0291db0693af2ae418b767e657cd407e80cb1434221eaea7a07a',
      1_714_777_860,
      0x1d00ffff,
      393_743_547,
    ),
    address: { ...TEST_ADDRESS, bech32: 'tb' },
  },
  regtest: {
    ...easy,
    name: 'regtest',
    genesis: genesis(SATOSHIS, 1_296_688_602, 0x207fffff, 2),
    address: { ...TEST_ADDRESS, bech32: 'bcrt' },
  },
  simnet: {
    ...easy,
    name: 'simnet',
    isFixed: false,
    genesis: genesis(SATOSHIS, 1_401_292_357, 0x207fffff, 2),
    address: { pubKeyHash: 0x3f, scriptHash: 0x7b, wif: 0x64, bech32: 'sb' },
  },
};
