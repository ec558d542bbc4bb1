// SPDX-License-Identifier: Apache-2.0
/** Answers as a real server writes them from a signed zone, asked with DO. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { encodeName } from '../../../src/dns/name.ts';
import { parseTreeHeadAnswer } from '../../../src/sources/ct-over-dns/answer.ts';
import { concat, frameV4 } from '../../support/packets.ts';
import { needs, startAuthority, type Unbound } from '../../support/unbound.ts';
import { message, opt, u16 } from '../../dns/messages.ts';
import { expectedOf } from '../../xdp/verdict.ts';

const SIGNED =
  'RRSIG %s 13 %d 60 20360101000000 20260101000000 1 example. ' + 'A'.repeat(86) + '==';
const rrsig = (type: string, labels: number): string =>
  SIGNED.replace('%s', type).replace('%d', String(labels));
const ZONE = `$ORIGIN example.
$TTL 60
@ SOA ns.example. a.example. 1 60 60 60 60
@ NS ns.example.
ns A 127.0.0.1
sth.signed TXT "224556042.1520614811284.root." "signature"
sth.signed ${rrsig('TXT', 3)}
sth.alias CNAME heads
sth.alias ${rrsig('CNAME', 3)}
heads TXT "the head of an alias"
heads ${rrsig('TXT', 2)}
sth.two TXT "one head and"
sth.two TXT "another one"
sth.two ${rrsig('TXT', 3)}
sub.dname DNAME below
sub.dname ${rrsig('DNAME', 3)}
sth.below TXT "the head below a DNAME"
`;

describe('answers of unbound from a signed zone', { skip: needs('unbound', 'unbound') }, () => {
  let unbound: Unbound;
  before(async () => {
    unbound = await startAuthority('example', ZONE);
  });
  after(() => unbound.stop());

  async function ask(name: string): Promise<Uint8Array> {
    const socket = createSocket('udp4');
    const dnssecOk = opt();
    dnssecOk[7] = 0x80;
    const query = message({
      flags: 0,
      question: concat(encodeName(name), u16(16, 1)),
      answers: [],
      additionals: [dnssecOk],
    });
    socket.send(query, unbound.port, '127.0.0.1');
    const [answer] = (await once(socket, 'message')) as [Uint8Array];
    socket.close();
    return answer;
  }

  const cases: readonly { name: string; records: number; texts: string[]; hasTag: boolean }[] = [
    {
      name: 'sth.signed.example',
      records: 2,
      texts: ['224556042.1520614811284.root.signature'],
      hasTag: true,
    },
    { name: 'sth.alias.example', records: 4, texts: ['the head of an alias'], hasTag: true },
    { name: 'sth.two.example', records: 3, texts: ['one head and', 'another one'], hasTag: false },
    { name: 'sth.sub.dname.example', records: 4, texts: ['the head below a DNAME'], hasTag: true },
  ];
  for (const { name, records, texts, hasTag } of cases)
    test(name, async () => {
      const bytes = await ask(name);
      assert.equal(Buffer.from(bytes).readUInt16BE(6), records);
      const answer = parseTreeHeadAnswer(bytes);
      assert(answer.kind === 'answer');
      const seen = answer.texts.map(String);
      for (const text of texts) assert(seen.includes(text), seen.join('|'));
      // What the XDP program makes of it, by the model that it is compared with.
      const known = new Set([Buffer.from(encodeName(name)).toString('hex')]);
      const { verdict, text } = expectedOf(frameV4(bytes), known, 400);
      assert.equal(verdict, 'answers');
      assert.equal(text !== undefined, hasTag);
    });
});
