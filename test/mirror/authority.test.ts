// SPDX-License-Identifier: Apache-2.0
/** How much of a proof an answer carries: as many hashes as one small IP packet can hold. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import dnsPacket from 'dns-packet';
import { hashLeaf, type MerkleHash } from '../../src/merkle/hash.ts';
import { Authority } from '../../src/mirror/authority.ts';
import { encodeName } from '../support/packets.ts';

/** The longest IP packet that data planes copy as a fragment. */
const MAX_IP_LENGTH = 400;
/** RFC 8200, Section 3 and RFC 768. */
const IPV6_AND_UDP = 40 + 8;
const HASH_BYTES = 32;

const proof: MerkleHash[] = Array.from({ length: 20 }, (_, i) => hashLeaf(Buffer.from(`${i}`)));

/** A name of `length` bytes in wire format, of labels as long as may be. */
function zoneOf(length: number): string {
  const labels: string[] = [];
  for (let left = length - 1; left > 0;) {
    // No label may be left with a length byte and nothing after it.
    const label = left - 64 === 1 ? 62 : Math.min(63, left - 1);
    labels.push('z'.repeat(label));
    left -= 1 + label;
  }
  const zone = labels.join('.');
  assert.equal(encodeName(zone).length, length);
  return zone;
}

async function ask(labels: string, zone: string): Promise<{ text: Buffer; size: number }> {
  const authority = new Authority({
    zones: new Map([
      [
        zone,
        {
          treeHead: () => 'none here',
          proofs: {
            leafIndex: () => Promise.resolve(0n),
            consistency: () => Promise.resolve(proof),
            inclusion: () => Promise.resolve(proof),
          },
        },
      ],
    ]),
    ttl: 300,
  });
  const query = dnsPacket.encode({
    type: 'query',
    id: 1,
    questions: [{ type: 'TXT', name: `${labels}.${zone}` }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: 1232,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  });
  const response = await authority.respond(query, {
    client: { address: '2001:db8::7' },
    transport: 'udp',
  });
  assert(response !== undefined);
  const [answer, ...others] = dnsPacket.decode(response).answers ?? [];
  assert(answer?.type === 'TXT' && Array.isArray(answer.data) && others.length === 0);
  const [text, ...more] = answer.data as Buffer[];
  assert(text !== undefined && more.length === 0, 'one character-string');
  return { text, size: response.length };
}

describe('an answer carries as many hashes of a proof as fit an IP packet of 400 bytes', () => {
  /** The question's name in front of the zone, and the bytes that it takes in wire format. */
  const questions = [
    '0.5.9.sth-consistency',
    '0.1.2.tree',
    '3.123456789.9876543210.sth-consistency',
  ];
  for (const labels of questions) {
    const taken = encodeName(labels).length - 1;
    // From 400 bytes: the headers (48 and 12), type and class (4), the record (12), a length (1)
    // and OPT (11) leave 312 for the name and the hashes.
    const cases: readonly [nameLength: number, hashes: number][] = [
      [taken + 3, 7],
      [88, 7],
      [89, 6],
      [120, 6],
      [121, 5],
      [152, 5],
      [153, 4],
      [184, 4],
      [185, 3],
      [216, 3],
      [217, 2],
      [248, 2],
      [249, 1],
      [255, 1],
    ];
    for (const [nameLength, hashes] of cases) {
      // The zone's own limit: hostmaster is to fit in front of it.
      if (nameLength - taken > 244 || nameLength - taken < 3) continue;
      test(`${hashes} beside a name of ${nameLength} bytes: ${labels}`, async () => {
        const start = Number(labels.split('.')[0]);
        const { text, size } = await ask(labels, zoneOf(nameLength - taken));
        assert.deepEqual(
          text,
          Buffer.concat(proof.slice(start, start + hashes)),
          `${text.length / HASH_BYTES} hashes`,
        );
        assert(
          IPV6_AND_UDP + size <= MAX_IP_LENGTH,
          `an IP packet of ${IPV6_AND_UDP + size} bytes`,
        );
        assert(hashes === 7 || IPV6_AND_UDP + size + HASH_BYTES > MAX_IP_LENGTH, 'one more fits');
      });
    }
  }

  test('the last answer has the rest', async () => {
    const { text } = await ask('18.5.9.sth-consistency', 'log.example');
    assert.deepEqual(text, Buffer.concat(proof.slice(18)));
  });
});

test('a proof that is given to nobody is no record, which resolvers may remember', async () => {
  const nothing = {
    leafIndex: () => Promise.resolve(0n),
    consistency: () => Promise.resolve(undefined),
    inclusion: () => Promise.resolve(undefined),
  };
  const authority = new Authority({
    zones: new Map([['log.example', { treeHead: () => '', proofs: nothing }]]),
  });
  for (const labels of ['0.5.9.sth-consistency', '0.5.9.tree']) {
    const query = dnsPacket.encode({
      type: 'query',
      id: 1,
      questions: [{ type: 'TXT', name: `${labels}.log.example` }],
    });
    const response = await authority.respond(query, {
      client: { address: '192.0.2.7' },
      transport: 'udp',
    });
    const { answers, authorities, ...decoded } = dnsPacket.decode(response ?? Buffer.alloc(0));
    assert('rcode' in decoded && decoded.rcode === 'NOERROR');
    assert.deepEqual(answers, []);
    assert.equal(authorities?.[0]?.type, 'SOA');
  }
});
