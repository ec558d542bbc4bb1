// SPDX-License-Identifier: Apache-2.0
/**
 * Calls over Thrift, against a server that answers with bytes that were put together by hand from
 * Thrift's specification of the binary protocol: so what is called and read by name here is known
 * to have the right numbers there.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { BMV2_API, type Bmv2Method } from '../../src/p4/bmv2-api.ts';
import {
  ThriftConnection,
  ThriftRefusal,
  type AnswerOf,
  type ArgumentsOf,
} from '../../src/p4/thrift-call.ts';

const [REPLY, EXCEPTION] = [2, 3];

/** Hexadecimal digits and texts, one after the other. */
function bytes(...parts: readonly (string | { text: string })[]): Buffer {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === 'string'
        ? Buffer.from(part.replaceAll(' ', ''), 'hex')
        : Buffer.concat([i32(part.text.length), Buffer.from(part.text)]),
    ),
  );
}

function i32(value: number): Buffer {
  const four = Buffer.alloc(4);
  four.writeInt32BE(value);
  return four;
}

/** A message with version 1 in its first two bytes. */
function message(type: number, name: string, sequence: number, body: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from([0x80, 0x01, 0, type]),
    bytes({ text: name }),
    i32(sequence),
    body,
  ]);
}

describe('a call', () => {
  const asked: Buffer[] = [];
  let answer: (socket: Socket) => void;
  let connection: ThriftConnection;
  const server = createServer((socket) => {
    socket.on('data', (chunk) => {
      asked.push(chunk);
      answer(socket);
    });
  });
  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => connection.close());
  after(() => server.close());

  async function call<N extends Bmv2Method>(
    name: N,
    given: ArgumentsOf<(typeof BMV2_API)[N]>,
    answered: (socket: Socket) => void,
  ): Promise<AnswerOf<(typeof BMV2_API)[N]>> {
    asked.length = 0;
    answer = answered;
    connection = await ThriftConnection.connect(
      '127.0.0.1',
      (server.address() as AddressInfo).port,
    );
    return connection.call<(typeof BMV2_API)[N]>(name, BMV2_API[name], given);
  }

  test('names its service, and gives arguments by their numbers and types', async () => {
    const reply = message(REPLY, 'bm_mt_add_entry', 1, bytes('08 0000 00000007', '00'));
    const handle = await call(
      'bm_mt_add_entry',
      {
        cxt_id: 0,
        table_name: 't',
        match_key: [{ type: 0, exact: { key: Uint8Array.of(0xab) } }],
        action_name: 'a',
        action_data: [Uint8Array.of(0, 1)],
        options: {},
      },
      (socket) => socket.write(reply),
    );
    assert.equal(handle, 7);
    assert.deepEqual(
      Buffer.concat(asked),
      message(
        1,
        'standard:bm_mt_add_entry',
        1,
        bytes(
          '08 0001 00000000', // cxt_id
          '0b 0002',
          { text: 't' },
          '0f 0003 0c 00000001', // match_key: a list of one struct
          '08 0001 00000000', // its type
          '0c 0002 0b 0001 00000001 ab 00 00', // the exact key; the ends of both structs
          '0b 0004',
          { text: 'a' },
          '0f 0005 0b 00000001 00000002 0001', // action_data
          '0c 0006 00', // options
          '00',
        ),
      ),
    );
  });

  test('reads an answer by its names, in pieces, and skips fields that it does not know', async () => {
    const reply = message(
      REPLY,
      'bm_dev_mgr_show_ports',
      1,
      bytes(
        '0f 0000 0c 00000001',
        '08 0001 00000002',
        '0b 0002',
        { text: 'eth0' },
        '02 0003 01',
        '0d 0004 0b 0b 00000000', // a map that the table does not have
        '00 00',
      ),
    );
    const ports = await call('bm_dev_mgr_show_ports', {}, (socket) => {
      socket.setNoDelay();
      for (const byte of reply) socket.write(Uint8Array.of(byte));
    });
    assert.deepEqual(ports, [{ port_num: 2, iface_name: 'eth0', is_up: true }]);
  });

  test('reads counters of 64 bits, and optional fields that are not given', async () => {
    const counter = bytes('0c 0000 0a 0001 0000000000000000 0a 0002 0000000100000000 00 00');
    assert.deepEqual(
      await call('bm_counter_read', { cxt_id: 0, counter_name: 'c', index: 1 }, (socket) =>
        socket.write(message(REPLY, 'bm_counter_read', 1, counter)),
      ),
      { bytes: 0n, packets: 0x1_0000_0000n },
    );
    connection.close();
    assert.deepEqual(
      await call('mirroring_session_get', { mirror_id: 250 }, (socket) =>
        socket.write(message(REPLY, 'mirroring_session_get', 1, bytes('0c 0000 00 00'))),
      ),
      {},
    );
  });

  const faults = [
    {
      name: 'an exception names the method and what it means',
      reply: message(REPLY, 'bm_mt_read_counter', 1, bytes('0c 0001 08 0001 00000007 00 00')),
      want: /^bm_mt_read_counter was refused: INVALID_TABLE_NAME$/,
    },
    {
      name: 'an exception with a code of another version keeps its number',
      reply: message(REPLY, 'bm_mt_read_counter', 1, bytes('0c 0001 08 0001 00000063 00 00')),
      want: /^bm_mt_read_counter was refused: code 99$/,
    },
    {
      name: 'a method that is unknown there is no answer',
      reply: message(EXCEPTION, 'bm_mt_read_counter', 1, bytes('0b 0001', { text: 'no' }, '00')),
      want: /does not know bm_mt_read_counter as it is called here: no$/,
    },
    {
      name: 'the answer to another call is no answer',
      reply: message(REPLY, 'bm_mt_read_counter', 2, bytes('0c 0001 08 0001 00000007 00 00')),
      want: /answered another call than bm_mt_read_counter$/,
    },
    {
      name: 'a struct without a field that it must have is no answer',
      reply: message(
        REPLY,
        'bm_mt_read_counter',
        1,
        bytes('0c 0000 0a 0001 0000000000000000 00 00'),
      ),
      want: /has no field packets$/,
    },
    {
      name: 'a reply without what the method returns is no answer',
      reply: message(REPLY, 'bm_mt_read_counter', 1, bytes('00')),
      want: /did not answer bm_mt_read_counter/,
    },
  ];
  const counterOf = { cxt_id: 0, table_name: 't', entry_handle: 1 };
  for (const { name, reply, want } of faults)
    test(name, () =>
      assert.rejects(
        call('bm_mt_read_counter', counterOf, (socket) => socket.write(reply)),
        (error: Error) =>
          want.test(error.message) &&
          error instanceof ThriftRefusal === error.message.includes('refused'),
      ),
    );

  test('whoever hangs up does not answer', () =>
    assert.rejects(
      call('bm_mt_read_counter', counterOf, (socket) => socket.destroy()),
      /hung up \(bm_mt_read_counter\)/,
    ));
});

test('a host that is silent ends the wait', async () => {
  // The kernel drops what comes to a listener whose queue is full.
  const full = `import socket, sys, time
listener = socket.socket(); listener.bind(('127.0.0.1', 0)); listener.listen(0)
waiting = [socket.socket() for _ in range(4)]
for each in waiting: each.setblocking(False); each.connect_ex(listener.getsockname())
time.sleep(0.2); print(listener.getsockname()[1], flush=True); sys.stdin.read()`;
  const child = spawn('python3', ['-c', full], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    await assert.rejects(
      ThriftConnection.connect('127.0.0.1', Number(port.toString()), 300),
      /no switch answers at 127\.0\.0\.1:\d+: the host is silent$/,
    );
  } finally {
    child.stdin.end();
  }
});
