// SPDX-License-Identifier: Apache-2.0
/**
 * How long a tile takes, by what stands between us and the log on this machine. microsocks passes on
 * 1,024 bytes at a time and leaves Nagle's algorithm on, so that the second piece waits until we
 * acknowledge the first, which Linux delays by 40 ms. Relays of our own show that it is this.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openIdentity } from '../src/http/proxy.ts';
import { directFetch } from '../src/http/request.ts';
import { makeCertificate } from '../src/lab/api.ts';
import { startMicrosocks } from '../test/support/microsocks.ts';
import { trust } from '../test/support/trust.ts';

export interface TileTime {
  readonly protocol: 'HTTP/1.1' | 'HTTP/2';
  readonly way: string;
  readonly atOnce: number;
  /** Milliseconds a tile: the median round's. */
  readonly ms: number;
  /** To the same without a proxy. */
  readonly ratio: number;
}

const PIECE_BYTES = 1024;
const TILE = Buffer.alloc(8192, 1);

export async function measureWire(tiles: number, rounds: number): Promise<TileTime[]> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-bench-'));
  const certificate = await makeCertificate(directory, 'localhost');
  const { distrust } = trust(certificate);
  const keys = {
    key: readFileSync(certificate.keyPath),
    cert: readFileSync(certificate.certificatePath),
  };
  const plain = createHttpServer((_, response) => response.end(TILE));
  const secure = createSecureServer(keys, (_, response) => response.end(TILE));
  const relays = [relay(false), relay(true)];
  const ports = await Promise.all([plain, secure, ...relays].map(listen));
  const [plainPort = 0, securePort = 0, delaying = 0, prompt = 0] = ports;
  const microsocks = await startMicrosocks();
  const ways = [
    ['no proxy', undefined],
    ['microsocks', microsocks.port],
    ['a relay of 1,024 bytes at a time, as microsocks', delaying],
    ['the same, with TCP_NODELAY', prompt],
  ] as const;
  const results: TileTime[] = [];
  try {
    for (const [protocol, url] of [
      ['HTTP/1.1', `http://127.0.0.1:${plainPort}/`],
      ['HTTP/2', `https://localhost:${securePort}/`],
    ] as const) {
      for (const atOnce of [1, 8]) {
        let direct = 0;
        for (const [way, port] of ways) {
          const ms = await measure(url, port, atOnce, tiles, rounds);
          direct ||= ms;
          results.push({ protocol, way, atOnce, ms, ratio: ms / direct });
        }
      }
    }
  } finally {
    microsocks.stop();
    for (const server of [plain, secure, ...relays]) server.close();
    distrust();
    rmSync(directory, { recursive: true });
  }
  return results;
}

async function measure(
  url: string,
  proxyPort: number | undefined,
  atOnce: number,
  tiles: number,
  rounds: number,
): Promise<number> {
  const here = { allowPrivateAddress: true };
  const identity =
    proxyPort === undefined
      ? undefined
      : openIdentity({ host: '127.0.0.1', port: proxyPort }, here);
  const fetch = identity?.fetch ?? directFetch(here);
  const times: number[] = [];
  await fetch(url);
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    let left = tiles;
    const ask = async (): Promise<void> => {
      while (left-- > 0) await fetch(url);
    };
    await Promise.all(Array.from({ length: atOnce }, ask));
    times.push((performance.now() - began) / tiles);
  }
  identity?.close();
  return times.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? NaN;
}

/** A SOCKS5 server that believes everybody and writes small pieces, with Nagle's algorithm or not. */
function relay(noDelay: boolean): Server {
  return createServer((client) => {
    client.setNoDelay(noDelay);
    client.once('data', () => {
      client.write(Uint8Array.of(5, 2)); // a user name and a password, please
      client.once('data', () => {
        client.write(Uint8Array.of(1, 0));
        client.once('data', (request: Buffer) => {
          const upstream = connect(request.readUInt16BE(request.length - 2), '127.0.0.1', () => {
            client.write(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
            pass(client, upstream);
            pass(upstream, client);
          });
          upstream.setNoDelay(noDelay);
        });
      });
    });
  });
}

function pass(from: Socket, to: Socket): void {
  from.on('data', (bytes: Buffer) => {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES)
      to.write(bytes.subarray(at, at + PIECE_BYTES));
  });
  from.on('error', () => undefined);
  from.once('close', () => to.destroy());
}

async function listen(server: Pick<Server, 'listen' | 'address'>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
