// SPDX-License-Identifier: Apache-2.0
/** A node in memory, for commands that are given its URL. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { toHex } from '../../src/carbonchain/bytes.ts';
import type { FakeNode } from './blocks.ts';

/** The node's JSON-RPC, as `ctga` asks it. */
export async function served(t: TestContext, node: FakeNode): Promise<string> {
  const answer = async (method: string, [of]: readonly unknown[]): Promise<unknown> => {
    if (method === 'sendrawtransaction') return node.send(Buffer.from(of as string, 'hex'));
    if (method === 'getblockcount') return node.height();
    if (method === 'getblockhash') return node.hashAt(of as number);
    return toHex(
      await (method === 'getblock' ? node.block(of as string) : node.header(of as string)),
    );
  };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { method, params } = JSON.parse(Buffer.concat(parts).toString()) as {
        method: string;
        params: unknown[];
      };
      answer(method, params).then(
        (result) => response.end(JSON.stringify({ result, error: null })),
        (error: unknown) =>
          response.end(JSON.stringify({ error: { code: -5, message: String(error) } })),
      );
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => (server.closeAllConnections(), server.close()));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
