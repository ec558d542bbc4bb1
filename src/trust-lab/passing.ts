// SPDX-License-Identifier: Apache-2.0
/**
 * A place that DNS answers pass on their way to a client, and the capture of what passed there: every
 * answer as it came from the server, in an IP packet from port 53.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { fragmentUdp } from '../packet/fragments.ts';
import { captureFile } from '../traffic/traffic.ts';

const ETHERNET = Buffer.from('020000000001' + '020000000002' + '0800', 'hex');
const MTU = 1500;

export class Passing {
  readonly #frames: Buffer[] = [];
  readonly #sockets: Socket[] = [];

  /** Passes questions on to the server at this port of loopback. Resolves to where it takes them. */
  async to(port: number): Promise<string> {
    const [front, back] = [createSocket('udp4'), createSocket('udp4')];
    this.#sockets.push(front, back);
    const clients = new Map<number, RemoteInfo>();
    front.on('message', (question, from) => {
      if (question.length >= 2) clients.set(question.readUInt16BE(0), from);
      back.send(question, port, '127.0.0.1');
    });
    back.on('message', (answer) => {
      const client = answer.length < 2 ? undefined : clients.get(answer.readUInt16BE(0));
      if (client === undefined) return;
      this.#seen(answer, client.port);
      front.send(answer, client.port, client.address);
    });
    front.bind(0, '127.0.0.1');
    await once(front, 'listening');
    return `127.0.0.1:${front.address().port}`;
  }

  /** What passed, as a capture file. */
  capture(): Buffer {
    return captureFile(this.#frames);
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  #seen(payload: Buffer, destinationPort: number): void {
    const ends = { source: '192.0.2.53', destination: '198.51.100.7', sourcePort: 53 };
    const datagram = { ...ends, destinationPort, payload };
    const packets = fragmentUdp(datagram, this.#frames.length + 1, MTU);
    for (const packet of packets) this.#frames.push(Buffer.concat([ETHERNET, packet]));
  }
}
