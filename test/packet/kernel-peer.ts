// SPDX-License-Identifier: Apache-2.0
/**
 * The kernel as an oracle for reassembly: sends IP packets to this host and tells what a UDP socket
 * gets of them. To be run in a network namespace of its own, as root.
 *
 * Reads lines from standard input, each a JSON list of IP packets in hexadecimal, to port 5300 of a
 * loopback address. Answers each with a line: the JSON list of payloads that arrived, in
 * hexadecimal.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import raw from 'raw-socket';

const PORT = 5300;
const MARKER = Buffer.from('ctga: all fragments of this case are sent');
const IPPROTO_RAW = 255;

interface Peer {
  readonly receiver: UdpSocket;
  readonly sender: ReturnType<typeof raw.createSocket>;
  readonly address: string;
}

async function peer(version: 4 | 6): Promise<Peer> {
  const receiver = createSocket({ type: version === 4 ? 'udp4' : 'udp6', recvBufferSize: 1 << 20 });
  const address = version === 4 ? '127.0.0.1' : '::1';
  receiver.bind(PORT, address);
  await once(receiver, 'listening');
  // raw-socket's own numbers for address families are 1 and 2.
  const sender = raw.createSocket({ protocol: IPPROTO_RAW, addressFamily: version === 4 ? 1 : 2 });
  sender.on('error', (error) => {
    throw error;
  });
  return { receiver, sender, address };
}

function send({ sender, address }: Peer, packet: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    sender.send(packet, 0, packet.length, address, (error) =>
      error === null ? resolve() : reject(error),
    );
  });
}

/**
 * On loopback a packet is delivered before the call that sends it returns, so the marker comes
 * last.
 */
async function received(to: Peer, packets: readonly Buffer[]): Promise<string[]> {
  const payloads: string[] = [];
  const done = new Promise<void>((resolve) => {
    const onMessage = (payload: Buffer): void => {
      if (!payload.equals(MARKER)) return void payloads.push(payload.toString('hex'));
      to.receiver.off('message', onMessage);
      resolve();
    };
    to.receiver.on('message', onMessage);
  });
  for (const packet of packets) await send(to, packet);
  to.receiver.send(MARKER, PORT, to.address);
  await done;
  return payloads;
}

const peers = { 4: await peer(4), 6: await peer(6) };
for await (const line of createInterface({ input: process.stdin })) {
  const packets = (JSON.parse(line) as string[]).map((hex) => Buffer.from(hex, 'hex'));
  const version = (packets[0]?.[0] ?? 0) >>> 4 === 6 ? 6 : 4;
  console.log(JSON.stringify(await received(peers[version], packets)));
}
for (const { receiver, sender } of Object.values(peers)) {
  receiver.close();
  sender.close();
}
