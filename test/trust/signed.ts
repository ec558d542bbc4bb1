// SPDX-License-Identifier: Apache-2.0
/** Somebody who signs images in a chain in memory, as `ctga trust` does in Bitcoin's. */
import { NETWORKS } from '../../src/carbonchain/header.ts';
import { packetsOf } from '../../src/carbonchain/packet.ts';
import type { KeyPair } from '../../src/ddt/keys.ts';
import { DDT_ID } from '../../src/ddt/ledger.ts';
import {
  encodeCommand,
  signCommand,
  type Command,
  type UnsignedCommand,
} from '../../src/ddt/version1.ts';
import { prove } from '../../src/services/trust.ts';
import { FakeNode, idOf, withPacket } from '../carbonchain/blocks.ts';

const network = NETWORKS.regtest;
const OWNER = '44'.repeat(20);

export class Signer {
  readonly #node = new FakeNode('node');
  readonly #of: { readonly user: string; readonly image: string; readonly keyId: number };
  readonly #root: KeyPair;
  readonly #tagging: KeyPair;
  #serial = 1;

  constructor(user: string, image: string, root: KeyPair, tagging: KeyPair) {
    this.#of = { user, image, keyId: 0 };
    this.#root = root;
    this.#tagging = tagging;
    const { publicKey } = root;
    this.write({ kind: 'register-root-key', user, serial: this.#serial++, publicKey }, root);
    const key = { ...this.#of, until: 0, publicKey: tagging.publicKey };
    this.write({ kind: 'register-key', ...key, serial: this.#serial++ }, root);
  }

  /** The node that has the chain. */
  get node(): FakeNode {
    return this.#node;
  }

  sign(tag: string, digest: string): void {
    const metadata = { ...this.#of, tag, until: 0, digests: [digest], serial: this.#serial++ };
    this.write({ kind: 'register-metadata', ...metadata }, this.#tagging);
  }

  /** Takes the tagging key back. */
  revoke(): void {
    this.write({ kind: 'delete-key', ...this.#of, serial: this.#serial++ }, this.#root);
  }

  /** A proof file of what the chain says now. */
  prove(tag: string): Promise<string> {
    for (let i = 0; i < 6; i++) this.#node.mine();
    const options = {
      network,
      nodes: [this.#node],
      directory: undefined,
      onEvent: () => undefined,
    };
    const { user, image } = this.#of;
    return prove(options, { user, image, tag }, undefined, new AbortController().signal);
  }

  /** In the next block, each transaction spending the one before. */
  write(command: Command | UnsignedCommand, by: KeyPair): void {
    const bytes = encodeCommand(
      'signature' in command ? command : signCommand(command, by, network.genesis.hash),
    );
    const transactions: Uint8Array[] = [];
    for (const packet of packetsOf(bytes, { id: DDT_ID, version: 1 })) {
      const before = transactions.at(-1);
      transactions.push(withPacket(packet, OWNER, before && { id: idOf(before), index: 0 }));
    }
    this.#node.mine(transactions);
  }
}
