// SPDX-License-Identifier: Apache-2.0
/**
 * The CT-over-DNS server: by its own messages, and by the programs that will ask it: dig, kdig and
 * an unbound that mixes the case of names ("0x20"). All on loopback, on ports of nobody's.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  parseMessage,
  Rcode,
  readTxt,
  RecordType,
  type DnsMessage,
} from '../../src/dns/message.ts';
import { encodeName, formatName } from '../../src/dns/name.ts';
import { DnsServer, type DnsServerOptions, type Exchange } from '../../src/dns/server.ts';
import { Authority, type ZoneSource } from '../../src/mirror/authority.ts';
import { parseTreeHeadAnswer } from '../../src/sources/ct-over-dns/answer.ts';
import { CtgaError } from '../../src/base/errors.ts';
import { concat } from '../support/packets.ts';
import { needs, startUnbound, type Unbound } from '../support/unbound.ts';
import { message, opt, record, u16 } from './messages.ts';
import { fc } from '../support/random.ts';
import { eventually } from '../support/eventually.ts';

const ZONE = 'lab-log.ct.test';
const ECDSA_TEXT = `120.1700000000000.${'r'.repeat(43)}=.${'s'.repeat(100)}`;
/** An RSA-2048 tree head has 413 characters. */
const RSA_TEXT = `120.1700000000000.${'r'.repeat(43)}=.${'s'.repeat(413 - 63)}`;

/** A zone that has tree heads alone. */
const headsOf = (treeHead: ZoneSource['treeHead']): ZoneSource => ({ treeHead });

const zones = new Map<string, ZoneSource>([
  [ZONE, headsOf(() => ECDSA_TEXT)],
  ['rsa.ct.test', headsOf(() => Promise.resolve(RSA_TEXT))],
  [`inner.${ZONE}`, headsOf(({ address }) => `for.${address}`)],
  ['large.ct.test', headsOf(() => 'x'.repeat(3000))],
  ['immense.ct.test', headsOf(() => 'x'.repeat(70_000))],
  [
    'broken.ct.test',
    headsOf(() => {
      throw new Error('the log is away');
    }),
  ],
]);

function query(
  name: string,
  type: number = RecordType.txt,
  rest: Parameters<typeof message>[0] = {},
): Uint8Array {
  return message({
    flags: 0,
    answers: [],
    question: concat(encodeName(name), u16(type, 1)),
    ...rest,
  });
}

describe('authority', () => {
  const authority = new Authority({ zones, ttl: 300 });
  const udp: Exchange = {
    client: { address: '192.0.2.7' },
    serverAddress: '192.0.2.53',
    transport: 'udp',
  };
  const ask = async (bytes: Uint8Array, exchange = udp): Promise<DnsMessage> => {
    const response = await authority.respond(bytes, exchange);
    assert.ok(response !== undefined);
    return parseMessage(response);
  };
  const textOf = async (name: string, exchange = udp, rest = {}): Promise<string> => {
    const response = await authority.respond(query(name, RecordType.txt, rest), exchange);
    const answer = parseTreeHeadAnswer(response ?? new Uint8Array(0));
    assert.ok(answer.kind === 'answer');
    return answer.texts.join();
  };

  test('sth of a zone is its text, authoritative, with our TTL', async () => {
    const response = await ask(query(`sth.${ZONE}`));
    assert.ok(response.isResponse && response.authoritative && !response.truncated);
    assert.equal(response.id, 0x1234);
    assert.equal(response.answers[0]?.ttl, 300);
    assert.equal(response.edns, undefined, 'no OPT where none was asked for');
    assert.equal(await textOf(`sth.${ZONE}`), ECDSA_TEXT);
  });

  test('an RSA tree head takes two character-strings and still fits 512 bytes', async () => {
    assert.equal(await textOf('sth.rsa.ct.test'), RSA_TEXT);
    const bytes = await authority.respond(query('sth.rsa.ct.test'), udp);
    assert.ok(bytes !== undefined && bytes.length <= 512);
    const [answer] = parseMessage(bytes).answers;
    assert.ok(answer !== undefined);
    assert.deepEqual(
      readTxt(answer, bytes).map((string) => string.length),
      [255, 158],
    );
  });

  test('the question is echoed byte for byte, the answer owned by a pointer to it', async () => {
    const bytes = await authority.respond(query('sTh.LAB-log.cT.TeSt'), udp);
    assert.ok(bytes !== undefined);
    const { question, answers } = parseMessage(bytes);
    assert.deepEqual(question.name, encodeName('sTh.LAB-log.cT.TeSt'));
    assert.deepEqual(answers[0]?.name, question.name);
    assert.equal(bytes.readUInt16BE(12 + question.wire.length), 0xc00c);
  });

  test('the closest zone answers, and is told who asks', async () => {
    assert.equal(await textOf(`sth.inner.${ZONE}`), 'for.192.0.2.7');
  });

  const rows: readonly {
    name: string;
    query: Uint8Array;
    rcode: number;
    answers?: number;
    soa?: boolean;
  }[] = [
    {
      name: 'another type',
      query: query(`sth.${ZONE}`, RecordType.a),
      rcode: Rcode.noError,
      soa: true,
    },
    { name: 'ANY', query: query(`sth.${ZONE}`, RecordType.any), rcode: Rcode.noError, soa: true },
    {
      name: 'an unknown name in the zone',
      query: query(`nothing.${ZONE}`),
      rcode: Rcode.noError,
      soa: true,
    },
    { name: 'a name below sth', query: query(`a.sth.${ZONE}`), rcode: Rcode.noError, soa: true },
    { name: 'sth further down', query: query(`sth.a.${ZONE}`), rcode: Rcode.noError, soa: true },
    { name: 'TXT of the apex', query: query(ZONE), rcode: Rcode.noError, soa: true },
    { name: 'NS of the apex', query: query(ZONE, RecordType.ns), rcode: Rcode.noError, answers: 1 },
    {
      name: 'SOA of the apex',
      query: query(ZONE, RecordType.soa),
      rcode: Rcode.noError,
      answers: 1,
    },
    { name: 'A of the apex', query: query(ZONE, RecordType.a), rcode: Rcode.noError, answers: 1 },
    {
      name: 'AAAA of the apex, of which we have none',
      query: query(ZONE, RecordType.aaaa),
      rcode: Rcode.noError,
      soa: true,
    },
    {
      name: 'class CH',
      query: query('', 0, { question: concat(encodeName(`sth.${ZONE}`), u16(16, 3)) }),
      rcode: Rcode.noError,
    },
    { name: 'another zone', query: query('sth.example.com'), rcode: Rcode.refused },
    {
      name: 'a zone whose name only ends like ours',
      query: query(`sth.x${ZONE}`),
      rcode: Rcode.refused,
    },
    { name: 'the parent', query: query('ct.test'), rcode: Rcode.refused },
    { name: 'the root', query: query('.'), rcode: Rcode.refused },
    { name: 'a source that fails', query: query('sth.broken.ct.test'), rcode: Rcode.serverFailure },
    {
      name: 'a text that no message holds',
      query: query('sth.immense.ct.test'),
      rcode: Rcode.serverFailure,
    },
    {
      name: 'NOTIFY',
      query: query(`sth.${ZONE}`, RecordType.txt, { flags: 0x2000 }),
      rcode: Rcode.notImplemented,
    },
    {
      name: 'EDNS version 1',
      query: query(`sth.${ZONE}`, RecordType.txt, {
        additionals: [
          record({
            owner: Uint8Array.of(0),
            type: 41,
            class: 1232,
            ttl: 0x1_0000,
            rdata: new Uint8Array(0),
          }),
        ],
      }),
      rcode: Rcode.badVersion,
    },
  ];
  for (const { name, query: bytes, rcode, answers = 0, soa = false } of rows) {
    test(`${name}: rcode ${rcode}, ${answers} answers${soa ? ', SOA' : ''}`, async () => {
      const response = await ask(bytes);
      assert.equal(response.rcode, rcode);
      assert.equal(response.answers.length, answers);
      const [authorityRecord] = response.authorities;
      assert.equal(authorityRecord?.type === RecordType.soa, soa);
      if (authorityRecord) assert.equal(formatName(authorityRecord.name), ZONE);
    });
  }

  test('malformed queries: FORMERR with the identification, or silence where that is not known', async () => {
    const whole = query(`sth.${ZONE}`);
    const respond = (bytes: Uint8Array): Promise<Buffer | undefined> =>
      authority.respond(bytes, udp);
    for (let length = 0; length < 12; length++)
      assert.equal(await respond(whole.subarray(0, length)), undefined);
    for (let length = 12; length < whole.length; length++) {
      assert.deepEqual(
        await respond(whole.subarray(0, length)),
        Buffer.from(u16(0x1234, 0x8001, 0, 0, 0, 0)),
      );
    }
    const none = await respond(
      message({ flags: 0, counts: [0, 0, 0, 0], question: new Uint8Array(0), answers: [] }),
    );
    assert.equal(none?.readUInt16BE(2), 0x8001);
  });

  test('responses are never answered, malformed ones neither', async () => {
    assert.equal(
      await authority.respond(query(`sth.${ZONE}`, RecordType.txt, { flags: 0x8000 }), udp),
      undefined,
    );
    assert.equal(await authority.respond(u16(1, 0x8000, 9, 9, 9, 9), udp), undefined);
  });

  describe('size', () => {
    const large = (additionals: readonly Uint8Array[]): Uint8Array =>
      query('sth.large.ct.test', RecordType.txt, { additionals });
    test('what does not fit UDP is cut to nothing, with TC', async () => {
      for (const additionals of [[], [opt()]]) {
        const response = await ask(large(additionals));
        assert.ok(response.truncated && response.answers.length === 0);
        assert.equal(response.edns?.udpPayloadSize, additionals.length === 0 ? undefined : 1232);
      }
    });
    test('TCP takes it whole', async () => {
      const response = await ask(large([]), { ...udp, transport: 'tcp' });
      assert.ok(!response.truncated && response.answers[0]?.rdata.length === 3000 + 12);
    });
    test('padding fills the response to the byte, never beyond what the client takes', async () => {
      const asked = query(`sth.${ZONE}`, RecordType.txt, { additionals: [opt()] });
      const sizes = [0, 100, 600, 1232, 5000].map(
        async (padTo) => (await authority.respond(asked, { ...udp, padTo }))?.length,
      );
      const [plain = 0, ...rest] = await Promise.all(sizes);
      assert.deepEqual(rest, [plain, 600, 1232, 1232]);
      for (let padTo = plain; padTo < plain + 8; padTo++) {
        const length = (await authority.respond(asked, { ...udp, padTo }))?.length;
        assert.equal(
          length,
          padTo < plain + 4 ? plain : padTo,
          'an option takes four bytes itself',
        );
      }
      assert.equal(
        await textOf(`sth.${ZONE}`, { ...udp, padTo: 900 }, { additionals: [opt()] }),
        ECDSA_TEXT,
      );
    });
    test('a client without EDNS gets no padding', async () => {
      const asked = query(`sth.${ZONE}`);
      const response = await authority.respond(asked, { ...udp, padTo: 500 });
      assert.deepEqual(response, await authority.respond(asked, udp));
    });
  });

  test('any bytes: an answer or silence, never an error', async () => {
    const base = query(`sth.${ZONE}`, RecordType.txt, { additionals: [opt()] });
    const mutated = fc
      .array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { maxLength: 5 })
      .map((changes) => {
        const bytes = Uint8Array.from(base);
        for (const [at, value] of changes) bytes[at] = value;
        return bytes;
      });
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 80 }), mutated), async (bytes) => {
        const response = await authority.respond(bytes, udp);
        if (response !== undefined) assert.ok(parseMessageOrFormErr(response));
      }),
      { numRuns: 1000 },
    );
  });

  test('a zone that is no name is refused at once', () => {
    assert.throws(
      () => new Authority({ zones: new Map([['a..b', headsOf(() => '')]]), ttl: 1 }),
      RangeError,
    );
    assert.throws(
      () =>
        new Authority({
          zones: new Map([[Array(127).fill('a').join('.'), headsOf(() => '')]]),
          ttl: 1,
        }),
      /too long/,
    );
  });
});

/** FORMERR has no question, so parseMessage does not take it. */
function parseMessageOrFormErr(response: Buffer): boolean {
  return (response.readUInt16BE(2) & 0xf) === 1
    ? response.length === 12
    : parseMessage(response).isResponse;
}

async function listening(
  options: Partial<DnsServerOptions> = {},
  address = '127.0.0.1',
): Promise<[DnsServer, number]> {
  const server = new DnsServer(new Authority({ zones }), options);
  const { port } = await server.listen({ address, port: 0 });
  return [server, port];
}

describe('sockets', () => {
  let server: DnsServer;
  let port: number;
  before(async () => {
    [server, port] = await listening();
  });
  after(() => server.close());

  /** Reads length-prefixed messages until the peer ends the connection. */
  async function tcp(...writes: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const socket = connect(port, '127.0.0.1');
    for (const bytes of writes) {
      socket.write(bytes);
      await sleep(5); // so that each write is a segment of its own
    }
    socket.end();
    let received = Buffer.alloc(0);
    for await (const chunk of socket as AsyncIterable<Buffer>)
      received = Buffer.concat([received, chunk]);
    const messages: Uint8Array[] = [];
    for (let at = 0; at < received.length; at += 2 + received.readUInt16BE(at)) {
      messages.push(received.subarray(at + 2, at + 2 + received.readUInt16BE(at)));
    }
    return messages;
  }
  const framed = (bytes: Uint8Array): Uint8Array => concat(u16(bytes.length), bytes);

  test('TCP: several questions in one segment, and one question in many', async () => {
    const one = framed(query(`sth.${ZONE}`));
    assert.equal((await tcp(concat(one, one, one))).length, 3);
    const bytes = Array.from(one, (byte) => Uint8Array.of(byte));
    const [answer] = await tcp(...bytes);
    const parsed = parseTreeHeadAnswer(answer ?? new Uint8Array(0));
    assert.ok(parsed.kind === 'answer');
    assert.deepEqual(parsed.texts.map(String), [ECDSA_TEXT]);
  });

  test('TCP: a message that never ends gets nothing, and the server lives on', async () => {
    assert.deepEqual(await tcp(u16(65_535), new Uint8Array(100)), []);
    assert.deepEqual(await tcp(framed(new Uint8Array(3))), []);
    assert.equal((await tcp(framed(query(`sth.${ZONE}`)))).length, 1);
  });

  describe('TCP: clients that only hold connections', () => {
    /** `count` connections from `address`, each with the first byte of a query. */
    async function hold(count: number, address: (i: number) => string): Promise<Socket[]> {
      const sockets: Socket[] = [];
      for (let i = 0; i < count; i++) {
        const socket = connect({ port, host: '127.0.0.1', localAddress: address(i) });
        socket.on('error', () => undefined);
        await once(socket, 'connect');
        socket.write(Uint8Array.of(0));
        sockets.push(socket);
      }
      return sockets;
    }
    const cases: [name: string, address: (i: number) => string][] = [
      ['one client', () => '127.0.0.2'],
      ['a client of many addresses', (i) => `127.0.${1 + (i >> 7)}.${1 + (i & 127)}`],
      ['the client itself', () => '127.0.0.1'],
    ];
    for (const [name, address] of cases) {
      test(`keep nobody out: ${name}`, async () => {
        const held = await hold(300, address);
        assert.equal((await tcp(framed(query(`sth.${ZONE}`)))).length, 1);
        for (const socket of held) socket.destroy();
      });
    }

    test('are dropped, however often they send a byte', async (t) => {
      t.mock.timers.enable({ apis: ['setTimeout'] });
      const [socket = assert.fail()] = await hold(1, () => '127.0.0.1');
      const closed = once(socket, 'close');
      for (let i = 0; i < 3; i++) {
        // Until the server has seen the byte, its timer must not be moved on.
        await new Promise((resolve) => socket.write(Uint8Array.of(0), resolve));
        await new Promise(setImmediate);
        t.mock.timers.tick(4000);
      }
      await closed;
    });
  });

  test('UDP: garbage, then a question', async () => {
    const socket = createSocket('udp4');
    for (const garbage of ['', 'x', 'x'.repeat(1000)]) socket.send(garbage, port, '127.0.0.1');
    socket.send(query(`sth.${ZONE}`), port, '127.0.0.1');
    let received: Buffer;
    // The thousand x's have an identification and get FORMERR.
    do [received] = (await once(socket, 'message')) as [Buffer];
    while (received.readUInt16BE(0) !== 0x1234);
    assert.equal(parseTreeHeadAnswer(received).kind, 'answer');
    socket.close();
  });

  test('transmit takes over sending, and is told all it needs', async () => {
    const taken: unknown[] = [];
    const [other, otherPort] = await listening({
      transmit: (response, client, own) =>
        taken.push([parseTreeHeadAnswer(response).kind, client, own]) > 0,
    });
    const socket = createSocket('udp4');
    socket.on('message', () => taken.push('sent twice'));
    socket.send(query(`sth.${ZONE}`), otherPort, '127.0.0.1');
    await once(socket, 'listening');
    await eventually(() => taken.length > 0, 'an answer');
    await sleep(20);
    const client = { address: '127.0.0.1', port: socket.address().port, family: 'IPv4' };
    assert.deepEqual(taken, [['answer', client, { address: '127.0.0.1', port: otherPort }]]);
    socket.close();
    await other.close();
  });

  test('what cannot be listened on is one sentence with a remedy', async () => {
    const second = new DnsServer(new Authority({ zones }));
    const rows = [
      [{ address: '127.0.0.1', port }, 'busy'],
      [{ address: '192.0.2.1', port: 0 }, 'bad-input'],
      [{ address: 'localhost', port: 0 }, 'bad-input'],
    ] as const;
    for (const [endpoint, code] of rows) {
      await assert.rejects(
        second.listen(endpoint),
        (error) => error instanceof CtgaError && error.code === code,
      );
    }
    assert.ok(
      (await second.listen({ address: '127.0.0.1', port: 0 })).port > 0,
      'a failure leaves nothing behind',
    );
    await second.close();
  });

  test('after close nobody listens, and closing again is nothing', async () => {
    const [other, otherPort] = await listening();
    const held = connect(otherPort, '127.0.0.1');
    await once(held, 'connect');
    const dropped = once(held, 'close');
    await other.close();
    await other.close();
    await dropped;
    const again = new DnsServer(new Authority({ zones }));
    await again.listen({ address: '127.0.0.1', port: otherPort });
    await again.close();
  });
});

function needsAddress(address: string): false | string {
  const here = Object.values(networkInterfaces()).some((all) =>
    all?.some((each) => each.address === address),
  );
  return here ? false : `this host has no ${address}`;
}
const run = async (program: string, ...args: readonly string[]): Promise<string> =>
  (await promisify(execFile)(program, args)).stdout;
const unquote = (txt: string): string => txt.trim().replaceAll('" "', '').replaceAll('"', '');

describe('real clients', () => {
  for (const address of ['127.0.0.1', '::1']) {
    const here = (): Promise<[DnsServer, number]> => listening({}, address);

    test(
      `dig over UDP and TCP, ${address}`,
      { skip: needsAddress(address) || needs('dig', 'bind9-dnsutils') },
      async (t) => {
        const [server, port] = await here();
        t.after(() => server.close());
        const dig = (...args: readonly string[]): Promise<string> =>
          run('dig', `@${address}`, '-p', String(port), '+tries=1', ...args);
        assert.equal(unquote(await dig(`sTh.${ZONE}`, 'TXT', '+short')), ECDSA_TEXT);
        assert.equal(unquote(await dig('sth.rsa.ct.test', 'TXT', '+short', '+tcp')), RSA_TEXT);
        assert.equal(
          unquote(await dig('sth.large.ct.test', 'TXT', '+short')),
          'x'.repeat(3000),
          'TC, then TCP',
        );
        assert.match(await dig('sth.example.com', 'TXT'), /status: REFUSED/);
        assert.match(
          await dig(`none.${ZONE}`, 'TXT', '+noall', '+authority'),
          /SOA\s+lab-log\.ct\.test\. hostmaster\./,
        );
        for (const name of [`sth.${ZONE}`, `none.${ZONE}`, ZONE]) {
          for (const type of ['TXT', 'NS', 'SOA', 'A', 'AAAA', 'ANY']) {
            assert.doesNotMatch(await dig(name, type, '+dnssec', '+norec'), /malformed|warning/i);
          }
        }
      },
    );

    test(
      `kdig over UDP and TCP, ${address}`,
      { skip: needsAddress(address) || needs('kdig', 'knot-dnsutils') },
      async (t) => {
        const [server, port] = await here();
        t.after(() => server.close());
        const kdig = (...args: readonly string[]): Promise<string> =>
          run('kdig', `@${address}`, '-p', String(port), ...args);
        assert.equal(unquote(await kdig(`sth.${ZONE}`, 'TXT', '+short')), ECDSA_TEXT);
        const tcp = await kdig('sth.rsa.ct.test', 'TXT', '+tcp', '+bufsize=4096', '+padding=200');
        assert.match(tcp, /status: NOERROR/);
        assert.doesNotMatch(tcp, /WARNING|malformed/i);
      },
    );
  }

  describe('unbound with use-caps-for-id', { skip: needs('unbound', 'unbound') }, () => {
    const asked: string[] = [];
    let server: DnsServer;
    let unbound: Unbound;

    before(async () => {
      server = new DnsServer(new Authority({ zones, ttl: 0 }), {
        padTo: () => 700,
        // Notes how names are spelt when they arrive, and leaves the sending alone.
        transmit: (response) => {
          asked.push(formatName(parseMessage(response).question.name));
          return false;
        },
      });
      const { port: serverPort } = await server.listen({ address: '127.0.0.1', port: 0 });
      unbound = await startUnbound('ct.test', serverPort);
    });
    after(async () => {
      await unbound.stop();
      await server.close();
    });

    const resolve = (name: string, ...args: readonly string[]): Promise<string> =>
      run('dig', '@127.0.0.1', '-p', String(unbound.port), '+tries=2', '+time=3', name, ...args);

    test(
      'tree heads come through, and names reach us in mixed case',
      { skip: needs('dig', 'bind9-dnsutils') },
      async () => {
        for (let i = 0; i < 5; i++) {
          assert.equal(unquote(await resolve(`sth.${ZONE}`, 'TXT', '+short')), ECDSA_TEXT);
        }
        assert.equal(unquote(await resolve('sth.rsa.ct.test', 'TXT', '+short')), RSA_TEXT);
        assert.ok(
          asked.some((name) => name !== name.toLowerCase()),
          asked.join(' '),
        );
      },
    );

    test(
      'still after a client has asked for the name servers',
      { skip: needs('dig', 'bind9-dnsutils') },
      async () => {
        assert.match(await resolve(ZONE, 'NS'), /status: NOERROR/);
        assert.match(await resolve(`none.${ZONE}`, 'TXT'), /status: NOERROR/);
        assert.equal(unquote(await resolve(`sth.${ZONE}`, 'TXT', '+short')), ECDSA_TEXT);
      },
    );
  });
});
