// SPDX-License-Identifier: Apache-2.0
/**
 * Answers from bytes that were made once: the same, to the byte, as those that are made anew, or
 * none at all.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RecordType } from '../../src/dns/message.ts';
import { encodeName } from '../../src/dns/name.ts';
import { ReadyAnswers } from '../../src/dns/ready-answers.ts';
import type { Exchange } from '../../src/dns/server.ts';
import { toMerkleHash } from '../../src/merkle/hash.ts';
import { Authority, type ZoneSource } from '../../src/mirror/authority.ts';
import { concat } from '../support/packets.ts';
import { fc } from '../support/random.ts';
import { message, opt, u16 } from './messages.ts';

const udp: Exchange = { client: { address: '192.0.2.7' }, transport: 'udp' };

function query(name: string, rest: Parameters<typeof message>[0] = {}): Uint8Array {
  return message({
    flags: 0,
    answers: [],
    question: concat(encodeName(name), u16(RecordType.txt, 1)),
    ...rest,
  });
}

/** A zone whose head and version the test sets, and which counts how often it was asked. */
class Source implements ZoneSource {
  head = '1.2.3.4';
  current: object | undefined = {};
  asked = 0;
  version = (): object | undefined => this.current;
  treeHead = (): string => {
    this.asked += 1;
    return this.head;
  };
  readonly proofs = {
    leafIndex: () => Promise.reject(new Error('no such leaf')),
    consistency: (first: bigint) =>
      Promise.resolve(first === 7n ? undefined : [toMerkleHash(Buffer.alloc(32, Number(first)))]),
    inclusion: () => Promise.resolve([toMerkleHash(Buffer.alloc(32, 9))]),
  };
}

const authorityOf = (source: ZoneSource): Authority =>
  new Authority({ zones: new Map([['log.test', source]]) });

describe('an answer that is ready', () => {
  const others: readonly [string, Uint8Array][] = [
    ['another identification', Uint8Array.from(query('sth.log.test')).fill(0x43, 0, 2)],
    ['another case', query('STH.lOg.TEst')],
  ];
  for (const [what, other] of others)
    test(`is given to a query with ${what}, as it would be made for it`, async () => {
      const source = new Source();
      const authority = authorityOf(source);
      assert.equal(authority.ready(query('sth.log.test')), undefined);
      await authority.respond(query('sth.log.test'), udp);
      const found = authority.ready(other);
      assert.equal(source.asked, 1);
      assert.deepEqual(found, await authority.respond(other, udp));
    });

  test('whatever is asked, is the one that would be made', async () => {
    const authority = authorityOf(new Source());
    const names = ['sth', '0.3.9.sth-consistency', '0.7.9.sth-consistency', '0.1.9.tree', 'x.y'];
    const bases = names.flatMap((name) => [
      query(`${name}.log.test`),
      query(`${name}.log.test`, { additionals: [opt()] }),
    ]);
    for (const base of bases) await authority.respond(base, udp);
    let ready = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...bases),
        fc.array(fc.tuple(fc.nat(80), fc.oneof(fc.nat(255), fc.constant(0x20))), { maxLength: 2 }),
        fc.nat(3),
        async (base, changes, cut) => {
          const bytes = Uint8Array.from(base.subarray(0, base.length - (cut === 3 ? 1 : 0)));
          for (const [at, value] of changes)
            if (at < bytes.length)
              bytes[at] = value === 0x20 ? (bytes[at] as number) ^ 0x20 : value;
          const found = authority.ready(bytes);
          if (found === undefined) return;
          ready += 1;
          assert.deepEqual(found, await authority.respond(bytes, udp));
        },
      ),
      { numRuns: 5000 },
    );
    assert(ready > 500, `only ${ready} were ready`);
  });

  const kept: readonly [string, string, Exchange, boolean][] = [
    ['a tree head', 'sth.log.test', udp, true],
    ['a proof', '0.3.9.sth-consistency.log.test', udp, true],
    ['no proof, which there may be later', '0.7.9.sth-consistency.log.test', udp, false],
    ['a failure', `${'a'.repeat(51)}a.hash.log.test`, udp, false],
    ['no such name', 'x.log.test', udp, false],
    ['a zone of others', 'sth.elsewhere.test', udp, false],
    ['over TCP', 'sth.log.test', { ...udp, transport: 'tcp' }, false],
    ['padded', 'sth.log.test', { ...udp, padTo: 300 }, false],
    ['over the limit', 'sth.log.test', { ...udp, overLimit: true }, false],
  ];
  for (const [what, name, exchange, isKept] of kept)
    test(`${what}: ${isKept ? 'kept' : 'not kept'}`, async () => {
      const authority = authorityOf(new Source());
      assert.notEqual(await authority.respond(query(name), exchange), undefined);
      assert.equal(authority.ready(query(name)) !== undefined, isKept);
    });

  test('is none of a zone that answers each client in its own way', async () => {
    const authority = authorityOf({ treeHead: ({ address }) => address });
    await authority.respond(query('sth.log.test'), udp);
    assert.equal(authority.ready(query('sth.log.test')), undefined);
  });

  test('is forgotten when the version is another, also while it was being made', async () => {
    const source = new Source();
    const authority = authorityOf(source);
    const asked = query('sth.log.test');
    await authority.respond(asked, udp);
    Object.assign(source, { head: '2.2.3.4', current: {} });
    assert.equal(authority.ready(asked), undefined);
    const changing = authorityOf({
      version: source.version,
      treeHead: () => {
        source.current = {};
        return '3.2.3.4';
      },
    });
    await changing.respond(asked, udp);
    assert.equal(changing.ready(asked), undefined);
  });
});

describe('so many answers', () => {
  test('are kept, and the oldest goes', () => {
    const answers = new ReadyAnswers(10);
    const all = Array.from({ length: 30 }, (_, i) => query(`${i}.log.test`));
    for (const each of all) answers.put(each, each, () => true);
    const left = all.filter((each) => answers.find(each) !== undefined);
    // Two of them may have one hash.
    assert(left.length <= 10 && left.length >= 8, `${left.length}`);
    assert.deepEqual(left, all.slice(-left.length));
  });

  test('of queries that have no whole question there is none', () => {
    const answers = new ReadyAnswers(10);
    const whole = query('sth.log.test');
    const pointer = Uint8Array.from(whole);
    pointer[12] = 0xc0;
    const long = new Uint8Array(513);
    long.set(whole);
    for (const bytes of [whole.subarray(0, 13), whole.subarray(0, -1), pointer, long]) {
      answers.put(bytes, bytes, () => true);
      assert.equal(answers.find(bytes), undefined);
    }
  });
});
