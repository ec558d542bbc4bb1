// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DnsError } from '../../src/dns/client.ts';
import { lookUpTxt, nameservers } from '../../src/dns/resolv-conf.ts';
import { DnsServer } from '../../src/dns/server.ts';
import { Authority } from '../../src/mirror/authority.ts';

describe('resolv.conf', () => {
  for (const [what, text, want] of [
    ['one server', 'nameserver 127.0.0.53\noptions edns0\n', ['127.0.0.53']],
    [
      'more than are asked',
      [1, 2, 3, 4].map((i) => `nameserver 192.0.2.${i}\n`).join(''),
      ['192.0.2.1', '192.0.2.2', '192.0.2.3'],
    ],
    [
      'IPv6, and a link',
      'nameserver 2001:db8::1\nnameserver fe80::1%eth0',
      ['2001:db8::1', 'fe80::1%eth0'],
    ],
    [
      'comments',
      '# nameserver 192.0.2.1\n;nameserver 192.0.2.2\nnameserver\t192.0.2.3 # x',
      ['192.0.2.3'],
    ],
    ['what is no address', 'nameserver localhost\nnameserver 192.0.2.999', []],
    ['nothing', '', []],
  ] as const)
    test(`has ${what}`, () => {
      assert.deepEqual(
        nameservers(text).map(({ address }) => address),
        want,
      );
    });

  test('is asked server by server until one answers', async () => {
    const zones = new Map([['log.example', { treeHead: () => 'a head' }]]);
    const server = new DnsServer(new Authority({ zones }));
    const { port } = await server.listen({ address: '127.0.0.1', port: 0 });
    const [dead, live] = [1, port].map((each) => ({ address: '127.0.0.1', port: each }));
    const servers = [dead, live].filter((each) => each !== undefined);
    try {
      const text = await lookUpTxt(() => servers, 'sth.log.example');
      assert.equal(Buffer.concat(text).toString(), 'a head');
      for (const none of [[], servers.slice(0, 1)])
        await assert.rejects(
          lookUpTxt(() => none, 'sth.log.example'),
          (error) => error instanceof DnsError && error.code === 'dns-no-answer',
        );
      const stopped = AbortSignal.abort();
      await assert.rejects(
        lookUpTxt(() => servers, 'sth.log.example', stopped),
        DnsError,
      );
    } finally {
      await server.close();
    }
  });
});
