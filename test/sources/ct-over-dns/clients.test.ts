// SPDX-License-Identifier: Apache-2.0
/**
 * What clients make of an answer, ctga must see: c-ares (Node's own resolver), dig and kdig get
 * answers of every shape from a server on loopback, and whatever text one of them takes is among
 * those that are read from the same message.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { promises as dns } from 'node:dns';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { parseTreeHeadAnswer } from '../../../src/sources/ct-over-dns/answer.ts';
import { QUESTIONS_ELSEWHERE } from '../../support/corpus.ts';
import { concat, encodeName } from '../../support/packets.ts';
import { fc, SEED } from '../../support/random.ts';
import { needs } from '../../support/unbound.ts';
import {
  alias,
  message,
  NAME,
  opt,
  QUESTION,
  RECORDS_AT,
  record,
  signature,
  strings,
  u16,
} from '../../dns/messages.ts';

/** Reads what the client prints or returns: texts, each of one record. */
type Client = (port: number) => Promise<readonly string[]>;

const run = promisify(execFile);
const printed = (program: string, ...options: readonly string[]): Client => {
  return async (port) => {
    const args = ['@127.0.0.1', '-p', String(port), '+short', '+ignore', '+noedns', '+time=1'];
    // Where the message is malformed, the program prints what it could read and then fails.
    const { stdout } = await run(program, [...args, ...options, NAME, 'TXT']).catch(
      (error: unknown) => error as { stdout: string },
    );
    const lines = stdout.split('\n').filter((line) => line.startsWith('"'));
    return lines.map((line) =>
      line
        .slice(1, line.lastIndexOf('"'))
        .replaceAll('" "', '')
        .replace(/\\(\d{3})/g, (_, byte: string) => String.fromCharCode(Number(byte))),
    );
  };
};
const cAres: Client = async (port) => {
  const resolver = new dns.Resolver({ timeout: 1000, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  const found = await resolver.resolveTxt(NAME).catch(() => []);
  return found.map((parts) => parts.join(''));
};

/** Records as an honest server, a hostile one and a broken one put them into an answer. */
const owners: readonly Uint8Array[] = [
  u16(0xc00c),
  u16(0xc010),
  u16(0xc000 | RECORDS_AT),
  u16(0xc000 | (RECORDS_AT + 12)),
  encodeName('sTh.LOG.example'),
  encodeName('heads.example'),
  concat(Uint8Array.of(1, 0x61), u16(0xc00c)),
  Uint8Array.of(0),
];
const owner = fc.constantFrom(...owners);
const text = fc.string({ unit: fc.constantFrom('a', 'b', '1', '.'), maxLength: 6 });
const records = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(owner, fc.array(text, { minLength: 1, maxLength: 3 }))
      .map(([name, parts]) => record({ owner: name, rdata: strings(...parts) })),
  },
  { weight: 2, arbitrary: fc.tuple(owner, owner).map(([name, to]) => alias(to, name)) },
  fc.tuple(owner, owner).map(([name, to]) => record({ owner: name, type: 39, rdata: to })),
  fc.tuple(owner, fc.constantFrom(5, 16)).map(([name, covered]) => signature(covered, name)),
  fc.constantFrom(opt(), record({ type: 1, rdata: new Uint8Array(4) }), record({ class: 3 })),
  fc.constantFrom(record({ rdata: Uint8Array.of(7, 1) }), record({ rdlength: 90 })),
);
const answers = fc
  .record({
    // dig, c-ares, Go's resolver and unbound take a question whose name ends elsewhere.
    question: fc.oneof(
      { weight: 5, arbitrary: fc.constant(QUESTION) },
      fc.constantFrom(...QUESTIONS_ELSEWHERE),
    ),
    flags: fc.constantFrom(0x8400, 0x8400, 0x8400, 0x8180, 0x8600, 0x8403, 0xa400, 0x0100),
    answers: fc.array(records, { minLength: 1, maxLength: 6 }),
    additionals: fc.constantFrom([], [], [opt()], [opt(), opt()]),
    missing: fc.constantFrom(0, 0, 0, 1, -1),
  })
  .map(({ question, flags, answers, additionals, missing }) =>
    message({
      question,
      flags,
      answers,
      additionals,
      counts: [1, answers.length + missing, 0, additionals.length],
    }),
  );

describe('what a client takes is seen:', () => {
  let server: Socket;
  let answer: Uint8Array;
  before(async () => {
    server = createSocket('udp4');
    server.on('message', (query, { port, address }) => {
      // The question is echoed, whatever its case, unless its name is compressed.
      const response = Buffer.from(answer);
      query.copy(response, 0, 0, 2);
      if (response.subarray(12, 12 + QUESTION.length).indexOf(0) === QUESTION.length - 5)
        query.copy(response, 12, 12, 12 + QUESTION.length);
      server.send(response, port, address);
    });
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => server.close());

  const clients: readonly [name: string, client: Client, skip: false | string, runs: number][] = [
    ['c-ares', cAres, false, 1000],
    ['dig', printed('dig', '+tries=1'), needs('dig', 'bind9-dnsutils'), 60],
    ['kdig', printed('kdig', '+retry=0'), needs('kdig', 'knot-dnsutils'), 60],
  ];
  for (const [name, client, skip, runs] of clients)
    test(name, { skip }, async (context) => {
      let [taken, several] = [0, 0];
      await fc.assert(
        fc.asyncProperty(answers, async (bytes) => {
          answer = bytes;
          const theirs = await client(server.address().port);
          if (theirs.length === 0) return;
          taken++;
          if (theirs.length > 1) several++;
          const ours = parseTreeHeadAnswer(bytes);
          assert(ours.kind === 'answer', Buffer.from(bytes).toString('hex'));
          const seen = new Set(ours.texts.map((each) => each.toString('latin1')));
          // As certificate-transparency-go takes them.
          for (const each of [...theirs, theirs.join('')])
            assert(seen.has(each), `${each}: ${Buffer.from(bytes).toString('hex')}`);
        }),
        { numRuns: runs },
      );
      context.diagnostic(`CTGA_TEST_SEED=${SEED}: ${taken} of ${runs} answers taken`);
      assert(taken > runs / 10 && several > 0, `${taken} of ${runs}`);
    });
});
