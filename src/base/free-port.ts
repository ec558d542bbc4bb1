// SPDX-License-Identifier: Apache-2.0
/** Ports for programs that cannot choose one themselves and say which. */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Given by this process, and perhaps not listened on yet. */
const given = new Set<number>();

/**
 * A port of 127.0.0.1 that is free for TCP and UDP, another each time. It is none of those that the
 * kernel gives to whoever names none: on a busy machine one of these is taken again before the
 * program that it was for has started.
 */
export async function freePort(): Promise<number> {
  const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
  const lowest = Number(range.split('\t')[0]);
  const [from, to] = lowest > 11_000 ? [10_000, lowest] : [10_000, 65_536];
  for (;;) {
    const port = from + (randomBytes(4).readUInt32BE() % (to - from));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const socket = createSocket('udp4');
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    await once(socket.bind(port, '127.0.0.1'), 'listening');
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
    if (server.listening) await once(server.close(), 'close');
  }
}
