// SPDX-License-Identifier: Apache-2.0
/** Sends IPv4 packets as they are, with IPPROTO_RAW (raw(7)) and npm's raw-socket. */
import raw from 'raw-socket';

const IPPROTO_RAW = 255;

/**
 * Sends whole IPv4 packets, one after the other, to `address`. Needs CAP_NET_RAW. Rejects with the
 * kernel's error.
 */
export async function sendRaw(packets: readonly Buffer[], address: string): Promise<void> {
  const socket = raw.createSocket({ protocol: IPPROTO_RAW });
  let fail: (error: Error) => void = () => undefined;
  socket.on('error', (error) => fail(error));
  try {
    for (const packet of packets) {
      await new Promise<void>((resolve, reject) => {
        fail = reject;
        socket.send(packet, 0, packet.length, address, (error) =>
          error === null ? resolve() : reject(error),
        );
      });
    }
  } finally {
    socket.close();
  }
}
