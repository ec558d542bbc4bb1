// SPDX-License-Identifier: Apache-2.0
/**
 * `node slow-clients.ts PORT COUNT SOURCE [--tls]`: slow clients of an HTTP server on this machine (slowloris). Each
 * sends a request a line at a time, one every ten seconds, and never its end; one that is closed comes back
 * a second later. Writes a line when all have come, and goes when its standard input ends.
 */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

const [port, count] = process.argv.slice(2, 4).map(Number) as [number, number];
/** An address of this machine: from one there are fewer than 28,000 ports. */
const localAddress = process.argv[4];
const isTls = process.argv.includes('--tls');
const EVERY_MS = 10_000;
/** New connections a second, so that the server's queue is not what fails. */
const A_SECOND = 2000;

function come(): void {
  const host = '127.0.0.1';
  const begins = (): void => void socket.write(`GET /v2/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`);
  const tcp = connect({ host, port, ...(localAddress !== undefined && { localAddress }) });
  const socket: Socket = isTls ? connectTls({ socket: tcp, rejectUnauthorized: false }) : tcp;
  socket.once(isTls ? 'secureConnect' : 'connect', begins);
  const drip = setInterval(() => socket.write('X-a: b\r\n'), EVERY_MS);
  socket.on('error', () => undefined).resume();
  tcp.on('error', () => socket.destroy());
  socket.once('close', () => {
    clearInterval(drip);
    setTimeout(come, 1000);
  });
}

let started = 0;
const starting = setInterval(() => {
  for (let i = 0; i < A_SECOND / 20 && started < count; i++, started++) come();
  if (started >= count) clearInterval(starting);
}, 50);
setInterval(() => console.log(JSON.stringify({ started })), 500);
process.stdin.on('end', () => process.exit(0)).resume();
