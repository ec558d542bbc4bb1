// SPDX-License-Identifier: Apache-2.0
/**
 * A UDP socket that takes many datagrams in one system call, and sends the answers to them in
 * another: a server would spend most of its time on single ones. The addon does no more than that
 * (native/core/udp_socket.hpp); what strangers write is read here and behind.
 */
import ipaddr from 'ipaddr.js';
import { addon, type AddonUdp } from '../native/addon.ts';
import type { Endpoint } from './server.ts';

/**
 * Where a datagram came from and to, as the addon has it: what it hands over stands before the
 * bytes of an answer again. A view of the batch: whoever keeps it copies it.
 */
export type Peer = Uint8Array;

export interface UdpClient extends Endpoint {
  readonly family: 'IPv4' | 'IPv6';
}

/** In bytes: struct DatagramHeader, and where in it is what. */
const HEADER = 40;
const LENGTH = 0;
const PORT = 2;
const ADDRESS = 8;
const OWN_ADDRESS = 24;
const ADDRESS_BYTES = 16;
/** In bytes: what a datagram takes of a batch. */
const SLOT = HEADER + 4096;
/** In bytes: answers are sent when there are so many, or when the batch is at its end. */
const OUTGOING = 1 << 18;
const MAX_DATAGRAM = 65_535;

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

export class UdpSocket {
  readonly port: number;
  readonly #socket: AddonUdp;
  readonly #onDatagram: (bytes: Uint8Array, peer: Peer) => void;
  readonly #outgoing = new Uint8Array(OUTGOING + HEADER + MAX_DATAGRAM);
  readonly #lengths = new DataView(this.#outgoing.buffer);
  #length = 0;
  #isInBatch = false;
  #isOpen = true;
  /** The views of a batch, which is the same buffer each time. */
  #batch: ArrayBuffer | undefined;
  #numbers = new DataView(new ArrayBuffer(0));
  #peers: Peer[] = [];

  /**
   * Binds at once, and calls `onDatagram` from the next turn of the event loop on; `bytes` is a
   * view of the batch. Throws NativeError, and CtgaError where there is no addon.
   */
  constructor({ address, port }: Endpoint, onDatagram: (bytes: Uint8Array, peer: Peer) => void) {
    this.#socket = addon().openUdp(address, port);
    this.#onDatagram = onDatagram;
    this.port = this.#socket.port;
    this.#socket.start((batch, length) => this.#onBatch(batch, length));
  }

  /** Sends an answer to a peer; those of one batch go out together. UDP may lose it. */
  send(bytes: Uint8Array, peer: Peer): void {
    if (!this.#isOpen || bytes.length > MAX_DATAGRAM) return;
    this.#outgoing.set(peer, this.#length);
    this.#lengths.setUint16(this.#length + LENGTH, bytes.length, isLittleEndian);
    this.#outgoing.set(bytes, this.#length + HEADER);
    this.#length = (this.#length + HEADER + bytes.length + 7) & ~7;
    if (!this.#isInBatch || this.#length >= OUTGOING) this.#flush();
  }

  /** Frees the port, and may be called twice. */
  close(): void {
    this.#isOpen = false;
    this.#socket.close();
  }

  #onBatch(batch: ArrayBuffer, length: number): void {
    if (batch !== this.#batch) {
      this.#batch = batch;
      this.#numbers = new DataView(batch);
      this.#peers = Array.from(
        { length: Math.floor(batch.byteLength / SLOT) },
        (_, i) => new Uint8Array(batch, i * SLOT, HEADER),
      );
    }
    this.#isInBatch = true;
    try {
      for (let i = 0; i * SLOT < length && this.#isOpen; i++) {
        const size = this.#numbers.getUint16(i * SLOT + LENGTH, isLittleEndian);
        const bytes = new Uint8Array(batch, i * SLOT + HEADER, Math.min(size, SLOT - HEADER));
        this.#onDatagram(bytes, this.#peers[i] as Peer);
      }
    } finally {
      this.#isInBatch = false;
      this.#flush();
    }
  }

  #flush(): void {
    if (this.#length > 0) this.#socket.send(this.#outgoing, this.#length);
    this.#length = 0;
  }
}

/** The peer's address, as 16 bytes of IPv6. */
export function addressBytes(peer: Peer): Uint8Array {
  return peer.subarray(ADDRESS, ADDRESS + ADDRESS_BYTES);
}

export function clientOfPeer(peer: Peer): UdpClient {
  const { buffer, byteOffset } = peer;
  const port = new DataView(buffer, byteOffset).getUint16(PORT, isLittleEndian);
  const address = addressText(addressBytes(peer));
  return { address, port, family: address.includes(':') ? 'IPv6' : 'IPv4' };
}

/** The address that the peer sent to, if the socket is bound to all; else undefined. */
export function ownAddress(peer: Peer): string | undefined {
  const bytes = peer.subarray(OWN_ADDRESS, OWN_ADDRESS + ADDRESS_BYTES);
  return bytes.some((byte) => byte !== 0) ? addressText(bytes) : undefined;
}

function addressText(bytes: Uint8Array): string {
  // An IPv4 client of an IPv6 socket has an address ::ffff:192.0.2.1.
  const address = new ipaddr.IPv6([...bytes]);
  return (address.isIPv4MappedAddress() ? address.toIPv4Address() : address).toString();
}
