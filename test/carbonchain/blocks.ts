// SPDX-License-Identifier: Apache-2.0
/** Blocks of regtest, mined here. */
import { doubleSha256, showHash, toHex } from '../../src/carbonchain/bytes.ts';
import { hasWork, NETWORKS, parseHeader } from '../../src/carbonchain/header.ts';
import { merkleRoot } from '../../src/carbonchain/merkle.ts';
import { NodeError, type BitcoinNode } from '../../src/carbonchain/node.ts';
import { scriptFor } from '../../src/carbonchain/packet.ts';
import { parseTransaction } from '../../src/carbonchain/transaction.ts';

const { regtest } = NETWORKS;

/** The same header with a nonce that gives it its work. */
export function mined(header: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(header);
  const view = new DataView(bytes.buffer);
  for (let nonce = 0; !hasWork(parseHeader(bytes), regtest); nonce++)
    view.setUint32(76, nonce, true);
  return bytes;
}

/** A header ten minutes later, which differs by `seed`. */
export function headerAfter(
  before: Uint8Array,
  { seed = 0, root = new Uint8Array(32) }: { seed?: number; root?: Uint8Array },
): Uint8Array {
  const bytes = new Uint8Array(80);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 4 + seed, true);
  bytes.set(doubleSha256(before), 4);
  bytes.set(root, 36);
  view.setUint32(68, parseHeader(before).time + 600, true);
  view.setUint32(72, regtest.genesis.bits, true);
  return mined(bytes);
}

/** A transaction with these inputs and scripts of outputs, as it is serialised. */
export function transaction(
  inputs: readonly { id?: string; index?: number; script?: string }[],
  scripts: readonly Uint8Array[],
): Uint8Array {
  const out: string[] = ['01000000', byte(inputs.length)];
  for (const { id = '11'.repeat(32), index = 0, script = '' } of inputs) {
    const place = Buffer.alloc(4);
    place.writeUInt32LE(index);
    out.push(Buffer.from(id, 'hex').reverse().toString('hex'), place.toString('hex'));
    out.push(byte(script.length / 2), script, 'ffffffff');
  }
  out.push(byte(scripts.length));
  for (const script of scripts) out.push('e803000000000000', byte(script.length), toHex(script));
  return Buffer.from(`${out.join('')}00000000`, 'hex');
}

const byte = (value: number): string => value.toString(16).padStart(2, '0');

/** A block's first transaction; `height` makes it another one for each block. */
export function coinbase(height: number): Uint8Array {
  const script = `04${height.toString(16).padStart(8, '0')}`;
  return transaction([{ id: '00'.repeat(32), index: 0xffff_ffff, script }], [Uint8Array.of(0x51)]);
}

export function payTo(owner: string): Uint8Array {
  return Buffer.from(`76a914${owner}88ac`, 'hex');
}

/** A transaction with a packet that belongs to `owner`. */
export function withPacket(
  packet: Uint8Array,
  owner: string,
  spends?: { id: string; index: number },
): Uint8Array {
  return transaction([spends ?? {}], [payTo(owner), scriptFor(packet)]);
}

export function idOf(bytes: Uint8Array): string {
  return showHash(parseTransaction(bytes).id);
}

export function blockOf(header: Uint8Array, transactions: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([header, Uint8Array.of(transactions.length), ...transactions]);
}

/** A node in memory, whose blocks a test makes; it keeps those that leave its chain. */
export class FakeNode implements BitcoinNode {
  readonly name: string;
  readonly chain: { header: Uint8Array; block: Uint8Array }[] = [];
  readonly blocks = new Map<string, Uint8Array>();
  readonly sent: Uint8Array[] = [];

  constructor(name: string) {
    this.name = name;
    this.#push(regtest.genesis.bytes, Buffer.alloc(0));
  }

  #push(header: Uint8Array, block: Uint8Array): void {
    this.chain.push({ header, block });
    this.blocks.set(parseHeader(header).hash, block);
  }

  mine(transactions: readonly Uint8Array[] = [], seed = 0): void {
    const all = [coinbase(this.chain.length), ...transactions];
    const root = merkleRoot(all.map((each) => parseTransaction(each).id));
    const header = headerAfter((this.chain.at(-1) as { header: Uint8Array }).header, {
      seed,
      root: root,
    });
    this.#push(header, blockOf(header, all));
  }

  /** Takes the last blocks off. */
  cut(height: number): void {
    this.chain.length = height + 1;
  }

  height = (): Promise<number> => Promise.resolve(this.chain.length - 1);

  hashAt(height: number): Promise<string> {
    const at = this.chain[height];
    if (at === undefined) return Promise.reject(new NodeError('node-refused', 'no block there'));
    return Promise.resolve(parseHeader(at.header).hash);
  }

  header(hash: string): Promise<Uint8Array> {
    const found = this.chain.find(({ header }) => parseHeader(header).hash === hash);
    if (found === undefined) return Promise.reject(new NodeError('node-refused', 'no such block'));
    return Promise.resolve(found.header);
  }

  block(hash: string): Promise<Uint8Array> {
    const found = this.blocks.get(hash);
    if (found === undefined) return Promise.reject(new NodeError('node-refused', 'no such block'));
    return Promise.resolve(found);
  }

  send(bytes: Uint8Array): Promise<string> {
    this.sent.push(bytes);
    return Promise.resolve(idOf(bytes));
  }
}
