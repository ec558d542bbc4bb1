// SPDX-License-Identifier: Apache-2.0
/**
 * Capture files, written byte by byte: formats, byte orders, link types, and every lie a length can
 * tell.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DatagramDecoder } from '../../src/packet/decode.ts';
import { readBytes, readCapture, type ReadCapture } from '../support/captures.ts';
import { concat, ethernet, frameV4, frameV6, overPppoe } from '../support/packets.ts';
import { needsShared, sharedPath } from '../support/shared.ts';
import { fc } from '../support/random.ts';

/** Reads to the end, or to the error, which is the same however the bytes come. */
function read(bytes: Uint8Array): ReadCapture {
  const result = readBytes(bytes, 'a capture');
  const { error } = result;
  if (error !== undefined) {
    assert.equal(error.code, 'bad-input');
    assert.ok(error.message.includes('a capture') && error.remedy !== undefined);
  }
  for (const chunk of [7, 1000]) assert.deepEqual(readBytes(bytes, 'a capture', chunk), result);
  return result;
}

type Order = 'little' | 'big';
const orders: readonly Order[] = ['little', 'big'];

function numbers(order: Order, size: 2 | 4, ...values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * size);
  values.forEach((value, i) =>
    order === 'little'
      ? bytes.writeUIntLE(value, i * size, size)
      : bytes.writeUIntBE(value, i * size, size),
  );
  return bytes;
}

interface Packet {
  readonly bytes: Uint8Array;
  readonly seconds?: number;
  readonly fraction?: number;
  readonly length?: number;
  readonly wireLength?: number;
}

function classic(
  packets: readonly Packet[],
  options: {
    order?: Order;
    magic?: number;
    version?: number;
    snapLength?: number;
    linkType?: number;
    packetExtra?: number;
    afterFileHeader?: number;
  } = {},
): Uint8Array {
  const { order = 'little', magic = 0xa1b2c3d4, linkType = 1 } = options;
  return concat(
    numbers(order, 4, magic),
    numbers(order, 2, 2, options.version ?? 4),
    numbers(order, 4, 0, 0, options.snapLength ?? 65_535, linkType),
    new Uint8Array(options.afterFileHeader ?? 0),
    ...packets.flatMap(
      ({ bytes, seconds = 1, fraction = 0, length = bytes.length, wireLength = bytes.length }) => [
        numbers(order, 4, seconds, fraction, length, wireLength),
        new Uint8Array(options.packetExtra ?? 0),
        bytes,
      ],
    ),
  );
}

function padded(bytes: Uint8Array): Uint8Array {
  return concat(bytes, new Uint8Array(-bytes.length & 3));
}
function block(
  order: Order,
  type: number,
  body: Uint8Array,
  total = 12 + padded(body).length,
  trailer = total,
): Uint8Array {
  return concat(numbers(order, 4, type, total), padded(body), numbers(order, 4, trailer));
}
function section(order: Order): Uint8Array {
  return block(
    order,
    0x0a0d0d0a,
    concat(numbers(order, 4, 0x1a2b3c4d), numbers(order, 2, 1, 0), new Uint8Array(8).fill(0xff)),
  );
}
function option(order: Order, code: number, value: Uint8Array): Uint8Array {
  return concat(numbers(order, 2, code, value.length), padded(value));
}
function described(
  order: Order,
  linkType = 1,
  snapLength = 0,
  ...options: readonly Uint8Array[]
): Uint8Array {
  return block(
    order,
    1,
    concat(numbers(order, 2, linkType, 0), numbers(order, 4, snapLength), ...options),
  );
}
function enhanced(
  order: Order,
  bytes: Uint8Array,
  options: { id?: number; time?: bigint; length?: number; wireLength?: number } = {},
): Uint8Array {
  const { id = 0, time = 0n, length = bytes.length, wireLength = bytes.length } = options;
  return block(
    order,
    6,
    concat(
      numbers(order, 4, id, Number(time >> 32n), Number(time & 0xffff_ffffn), length, wireLength),
      bytes,
    ),
  );
}
function simple(order: Order, bytes: Uint8Array, wireLength = bytes.length): Uint8Array {
  return block(order, 3, concat(numbers(order, 4, wireLength), bytes));
}

const FRAME = frameV4(Uint8Array.of(1, 2, 3));
const OTHER = frameV6(Uint8Array.of(4, 5));

describe('classic pcap', () => {
  for (const order of orders) {
    for (const [unit, magic, fraction] of [
      ['micro', 0xa1b2c3d4, 123_999],
      ['nano', 0xa1b23c4d, 123_999_999],
    ] as const) {
      test(`${order}-endian, ${unit}seconds`, () => {
        const { frames, error } = read(
          classic(
            [
              { bytes: FRAME, seconds: 1_529_398_586, fraction },
              { bytes: OTHER, wireLength: 1500, seconds: 2 ** 32 - 1 },
            ],
            { order, magic },
          ),
        );
        assert.equal(error, undefined);
        assert.deepEqual(frames, [
          { frame: FRAME, timestamp: 1_529_398_586_123, frameLength: FRAME.length, index: 1 },
          { frame: OTHER, timestamp: (2 ** 32 - 1) * 1000, frameLength: 1500, index: 2 },
        ]);
      });
    }
  }
  test('no packets', () => {
    const { frames, error } = read(classic([]));
    assert.deepEqual([frames, error], [[], undefined]);
  });
  test('what the link type says of frame check sequences is no part of it', () => {
    for (const linkType of [0x3000_0001, 0x5400_0001, 0xfc00_0001])
      assert.equal(read(classic([{ bytes: FRAME }], { linkType })).frames.length, 1);
  });
  test('what was cut off is counted, whatever the file says of its snap length', () => {
    for (const snapLength of [0, 1, 65_535, 0x7fff_ffff, 0xffff_ffff]) {
      const packets = [{ bytes: FRAME }, { bytes: OTHER.subarray(0, 60), wireLength: 90 }];
      const { summary, error } = read(classic(packets, { snapLength }));
      assert.equal(error, undefined);
      assert.deepEqual([summary.packets, summary.cut], [2, 1]);
    }
  });
  test('lengths in the other order, as before version 2.3', () => {
    const packet = { bytes: FRAME, length: 1500, wireLength: FRAME.length };
    for (const version of [2, 3])
      assert.deepEqual(
        read(classic([packet], { version })).frames.map(({ frame, frameLength }) => [
          frame,
          frameLength,
        ]),
        [[FRAME, 1500]],
      );
  });
  for (const order of orders) {
    test(`${order}-endian variants of the format`, () => {
      const variants: readonly [magic: number, perSecond: number, extra: object][] = [
        [0xa12b3c4d, 1e9, {}],
        [0xa1b2cd34, 1e6, { packetExtra: 8 }],
        [0x1c0001ac, 1e9, { afterFileHeader: 4 }],
        [0x1c0001ab, 1e9, { afterFileHeader: 4 }],
      ];
      for (const [magic, perSecond, extra] of variants) {
        const packets = [FRAME, OTHER].map((bytes) => ({ bytes, fraction: perSecond / 2 }));
        const { frames, error } = read(classic(packets, { order, magic, ...extra }));
        assert.equal(error, undefined);
        assert.deepEqual(
          frames.map(({ frame, timestamp }) => [frame, timestamp]),
          [
            [FRAME, 1500],
            [OTHER, 1500],
          ],
        );
      }
    });
  }
});

describe('pcapng', () => {
  for (const order of orders) {
    test(`${order}-endian: enhanced and simple packets, other blocks passed over`, () => {
      const statistics = block(order, 5, new Uint8Array(8));
      const { frames, error } = read(
        concat(
          section(order),
          described(order),
          statistics,
          enhanced(order, FRAME, { time: 1_529_398_586_123_999n, wireLength: 99 }),
          simple(order, OTHER),
        ),
      );
      assert.equal(error, undefined);
      assert.deepEqual(frames, [
        { frame: FRAME, timestamp: 1_529_398_586_123, frameLength: 99, index: 1 },
        { frame: OTHER, timestamp: 1_529_398_586_123, frameLength: OTHER.length, index: 2 },
      ]);
    });
    test(`${order}-endian: resolution and offset of times`, () => {
      const times: readonly (readonly [
        options: readonly Uint8Array[],
        time: bigint,
        ms: number,
      ])[] = [
        [[option(order, 9, Uint8Array.of(9))], 1_529_398_586_123_456_789n, 1_529_398_586_123],
        [[option(order, 9, Uint8Array.of(3))], 1_529_398_586_123n, 1_529_398_586_123],
        [
          [option(order, 9, Uint8Array.of(0x80 | 10))],
          1_529_398_586n * 1024n + 512n,
          1_529_398_586_500,
        ],
        [[option(order, 9, Uint8Array.of(0))], 1_529_398_586n, 1_529_398_586_000],
        [
          [
            option(
              order,
              14,
              order === 'little'
                ? Uint8Array.of(100, 0, 0, 0, 0, 0, 0, 0)
                : Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 100),
            ),
          ],
          1_000_000n,
          101_000,
        ],
        [
          [
            option(order, 2, Buffer.from('eth0')),
            option(order, 0, new Uint8Array(0)),
            option(order, 9, Uint8Array.of(9)),
          ],
          5_000_000n,
          5000,
        ],
      ];
      for (const [options, time, ms] of times) {
        const { frames } = read(
          concat(
            section(order),
            described(order, 1, 0, ...options),
            enhanced(order, FRAME, { time }),
          ),
        );
        assert.equal(frames[0]?.timestamp, ms);
      }
    });
  }
  test('a new section may turn the byte order and has interfaces of its own', () => {
    const { frames, error } = read(
      concat(
        section('little'),
        described('little'),
        enhanced('little', FRAME),
        section('big'),
        described('big', 101),
        enhanced('big', OTHER.subarray(14)),
      ),
    );
    assert.equal(error, undefined);
    assert.deepEqual(
      frames.map(({ frame }) => frame.subarray(12)),
      [FRAME.subarray(12), OTHER.subarray(12)],
    );
  });
  test('each packet has the link type of its interface', () => {
    const { frames } = read(
      concat(
        section('little'),
        described('little', 1),
        described('little', 101),
        enhanced('little', FRAME.subarray(14), { id: 1 }),
        enhanced('little', FRAME, { id: 0 }),
      ),
    );
    assert.deepEqual(
      frames.map(({ frame }) => frame.subarray(12)),
      [FRAME.subarray(12), FRAME.subarray(12)],
    );
  });
  for (const order of orders) {
    test(`${order}-endian: obsolete packet blocks`, () => {
      const obsolete = (id: number, bytes: Uint8Array, wireLength: number): Uint8Array =>
        block(
          order,
          2,
          concat(
            numbers(order, 2, id, 0xffff),
            numbers(order, 4, 0, 2_000_000, bytes.length, wireLength),
            padded(bytes),
            option(order, 2, Uint8Array.of(0, 0, 0, 1)),
          ),
        );
      const { frames, error, summary } = read(
        concat(
          section(order),
          described(order),
          described(order, 101),
          obsolete(0, FRAME, FRAME.length),
          obsolete(1, OTHER.subarray(14), 1500),
        ),
      );
      assert.equal(error, undefined);
      assert.deepEqual(
        frames.map(({ frame, timestamp, frameLength }) => [
          frame.subarray(12),
          timestamp,
          frameLength,
        ]),
        [
          [FRAME.subarray(12), 2000, FRAME.length],
          [OTHER.subarray(12), 2000, 1500],
        ],
      );
      assert.equal(summary.cut, 1);
    });
  }
  test('packets of unread link types are counted by link type, however large they are', () => {
    const can = new Uint8Array(16);
    const usb = new Uint8Array(3_000_000);
    const { frames, error, summary } = read(
      concat(
        section('little'),
        described('little', 227),
        described('little', 1),
        described('little', 220),
        enhanced('little', can),
        simple('little', can),
        enhanced('little', FRAME, { id: 1 }),
        enhanced('little', usb, { id: 2 }),
        enhanced('little', OTHER, { id: 1 }),
      ),
    );
    assert.equal(error, undefined);
    assert.deepEqual(
      frames.map(({ frame, index }) => [frame, index]),
      [
        [FRAME, 3],
        [OTHER, 5],
      ],
    );
    assert.deepEqual(
      [...summary.unread],
      [
        [227, 2],
        [220, 1],
      ],
    );
    assert.equal(summary.packets, 5);
  });
  test('options that lie about their length cost nothing but the time', () => {
    for (const damaged of [
      numbers('little', 2, 9, 99),
      concat(option('little', 2, Buffer.from('eth0')), numbers('little', 2, 9, 0xffff, 6)),
    ]) {
      const { frames, error, summary } = read(
        concat(section('little'), described('little', 1, 0, damaged), enhanced('little', FRAME)),
      );
      assert.equal(error, undefined);
      assert.equal(frames.length, 1);
      assert.match(summary.notes.join(), /^the options of interface 0 are damaged/);
    }
  });
  test('a simple packet is cut to the snap length', () => {
    const { frames } = read(
      concat(
        section('little'),
        described('little', 1, 20),
        simple('little', FRAME.subarray(0, 20), FRAME.length),
      ),
    );
    assert.deepEqual(frames[0], {
      frame: FRAME.subarray(0, 20),
      timestamp: 0,
      frameLength: FRAME.length,
      index: 1,
    });
  });
  test('a block larger than the buffer is passed over', () => {
    const large = block('little', 0x0bad, new Uint8Array(3_000_000));
    assert.equal(
      read(concat(section('little'), large, described('little'), enhanced('little', FRAME))).frames
        .length,
      1,
    );
  });
});

describe('link types all decode as Ethernet does', () => {
  const [v4, v6] = [FRAME.subarray(14), OTHER.subarray(14)];
  const sll = (etherType: number): Uint8Array =>
    concat(new Uint8Array(14), numbers('big', 2, etherType));
  const ppp = (protocol: number): Uint8Array => numbers('big', 2, protocol);
  const hdlc = Uint8Array.of(0xff, 3);
  const cisco = (etherType: number, packet: Uint8Array): Uint8Array =>
    concat(numbers('big', 2, 0x0f00, etherType), packet);
  /** As netfilter writes it: the packet's hook, its mark, and the packet itself. */
  const nflog = (family: number, packet: Uint8Array): Uint8Array =>
    concat(
      Uint8Array.of(family, 0, 0, 30),
      numbers('little', 2, 8, 1, 0x0800, 1),
      numbers('little', 2, 5, 10, 0, 0),
      numbers('little', 2, 4 + packet.length, 9),
      padded(packet),
    );
  const inner = { tpid: 0x8100, vlanId: 5 };
  const sll2 = (etherType: number): Uint8Array =>
    concat(numbers('big', 2, etherType), new Uint8Array(18));
  const cases: readonly (readonly [
    name: string,
    linkType: number,
    v4: Uint8Array,
    v6: Uint8Array,
  ])[] = [
    ['Ethernet', 1, FRAME, OTHER],
    ...[12, 14, 101].map((type) => [`raw IP (${type})`, type, v4, v6] as const),
    [
      'null, little-endian',
      0,
      concat(numbers('little', 4, 2), v4),
      concat(numbers('little', 4, 30), v6),
    ],
    ['null, big-endian', 0, concat(numbers('big', 4, 2), v4), concat(numbers('big', 4, 10), v6)],
    ['loop', 108, concat(numbers('big', 4, 2), v4), concat(numbers('big', 4, 24), v6)],
    ['Linux cooked', 113, concat(sll(0x0800), v4), concat(sll(0x86dd), v6)],
    [
      'Linux cooked, with a VLAN tag',
      113,
      concat(sll(0x8100), numbers('big', 2, 5, 0x0800), v4),
      concat(sll(0x8100), numbers('big', 2, 5, 0x86dd), v6),
    ],
    ...[9, 50].flatMap(
      (type) =>
        [
          [`PPP (${type})`, type, concat(ppp(0x21), v4), concat(ppp(0x57), v6)],
          [
            `PPP in HDLC-like framing (${type})`,
            type,
            concat(hdlc, ppp(0x21), v4),
            concat(hdlc, ppp(0x57), v6),
          ],
          [
            `PPP with short protocols (${type})`,
            type,
            concat(hdlc, Uint8Array.of(0x21), v4),
            concat(Uint8Array.of(0x57), v6),
          ],
          [`Cisco HDLC as PPP (${type})`, type, cisco(0x0800, v4), cisco(0x86dd, v6)],
        ] as const,
    ),
    [
      'pppd',
      166,
      concat(Uint8Array.of(0, 3, 0, 0x21), v4),
      concat(Uint8Array.of(1, 3, 0, 0x57), v6),
    ],
    [
      'PPP with direction',
      204,
      concat(Uint8Array.of(1), hdlc, ppp(0x21), v4),
      concat(Uint8Array.of(0), ppp(0x57), v6),
    ],
    ['PPPoE', 51, overPppoe(FRAME).subarray(14), overPppoe(OTHER).subarray(14)],
    ['Cisco HDLC', 104, cisco(0x0800, v4), cisco(0x86dd, v6)],
    [
      'Cisco HDLC with direction',
      205,
      concat(Uint8Array.of(1), cisco(0x0800, v4)),
      concat(Uint8Array.of(0), cisco(0x86dd, v6)),
    ],
    ['IPv4 and IPv6', 228, v4, v6],
    ['IPv6 and IPv4', 229, v4, v6],
    ['ENC', 109, concat(new Uint8Array(12), v4), concat(new Uint8Array(12), v6)],
    ['netfilter log', 239, nflog(2, v4), nflog(10, v6)],
    [
      'Linux cooked, with two older VLAN tags',
      113,
      concat(sll(0x9100), numbers('big', 2, 5, 0x9100, 6, 0x0800), v4),
      concat(sll(0x9200), numbers('big', 2, 5, 0x88a8, 6, 0x86dd), v6),
    ],
    ...[0x88a8, 0x9100, 0x9200, 0x9300].map(
      (tpid) =>
        [
          `Ethernet with a tag 0x${tpid.toString(16)}`,
          1,
          ethernet({ payload: v4, tags: [{ tpid, vlanId: 9 }, inner] }),
          ethernet({ payload: v6, tags: [{ tpid, vlanId: 9 }] }),
        ] as const,
    ),
    ['Linux cooked, version 2', 276, concat(sll2(0x0800), v4), concat(sll2(0x86dd), v6)],
  ];
  for (const [name, linkType, ...packets] of cases) {
    test(name, () => {
      const { frames } = read(
        classic(
          packets.map((bytes) => ({ bytes })),
          { linkType },
        ),
      );
      const decoder = new DatagramDecoder();
      const payloads = frames.map(({ frame }) => decoder.push(frame, 0, 'x')?.payload);
      assert.deepEqual(payloads, [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5)]);
      assert.deepEqual(
        frames.map(({ frameLength }) => frameLength),
        packets.map(({ length }) => length),
      );
    });
  }
  test("NFLOG's fields are in the byte order of the file", () => {
    const packet = concat(
      Uint8Array.of(2, 0, 0, 0),
      numbers('big', 2, 5, 10, 0, 0, 4 + v4.length, 9),
      v4,
    );
    const { frames } = read(classic([{ bytes: packet }], { linkType: 239, order: 'big' }));
    assert.deepEqual(frames[0]?.frame.subarray(14), v4);
  });
  test('packets too short for their link layer are frames that decoding refuses', () => {
    for (const linkType of [0, 1, 9, 51, 101, 104, 108, 113, 204, 205, 239, 276]) {
      const { frames, error } = read(
        classic([{ bytes: new Uint8Array(0) }, { bytes: new Uint8Array(3) }], { linkType }),
      );
      assert.equal(error, undefined);
      const decoder = new DatagramDecoder();
      for (const { frame } of frames) assert.equal(decoder.push(frame, 0, 'x'), undefined);
      assert.equal(frames.length, 2);
    }
  });
  test('another link type is named', () => {
    for (const bytes of [
      classic([{ bytes: FRAME }], { linkType: 105 }),
      concat(section('big'), described('big', 105), enhanced('big', FRAME)),
    ]) {
      const { error, summary } = read(bytes);
      assert.match(error?.message ?? '', /link type 105 \(IEEE 802\.11\) cannot be read/);
      assert.match(error?.remedy ?? '', /tshark -r FILE -U IP -w IP\.pcapng/);
      assert.deepEqual([...summary.unread], [[105, 1]]);
    }
  });
});

describe('damage: named by packet and byte, after the packets before it', () => {
  const good: Packet = { bytes: FRAME };
  const at = 24 + 16 + FRAME.length;
  const head = concat(section('little'), described('little'), enhanced('little', FRAME));
  const cases: readonly { name: string; bytes: Uint8Array; frames: number; message: RegExp }[] = [
    {
      name: 'an empty file',
      bytes: new Uint8Array(0),
      frames: 0,
      message: /not a capture file: it has 0 bytes/,
    },
    {
      name: 'text',
      bytes: Buffer.from('not a capture'),
      frames: 0,
      message: /not a capture file: it begins with 0x6e6f7420/,
    },
    {
      name: 'half a file header',
      bytes: classic([]).subarray(0, 20),
      frames: 0,
      message: /byte 0: the file header is 24 bytes, but 20/,
    },
    {
      name: 'half a packet header',
      bytes: classic([good, good]).subarray(0, at + 7),
      frames: 1,
      message: new RegExp(`packet 2, byte ${at}: .* 16 bytes, but 7`),
    },
    {
      name: 'a packet cut',
      bytes: classic([good, good]).subarray(0, at + 16 + 5),
      frames: 1,
      message: new RegExp(
        `packet 2, byte ${at}: the packet is ${FRAME.length} bytes, but 5 are left`,
      ),
    },
    {
      name: 'a length that swallows the next packet and more',
      bytes: classic([good, { ...good, length: 5000 }, good]),
      frames: 1,
      message: /packet 2, byte \d+: the packet is 5000 bytes/,
    },
    {
      name: 'a length of 4 GiB',
      bytes: classic([good, { ...good, length: 0xffff_ffff }]),
      frames: 1,
      message: /at most 262144 bytes, but this one claims 4294967295/,
    },
    {
      name: 'a block length of 0',
      bytes: concat(head, numbers('little', 4, 6, 0, 0)),
      frames: 1,
      message:
        /packet 2, byte \d+: a block length is a multiple of 4 from 12 up, but this one is 0/,
    },
    {
      name: 'a block length of 13',
      bytes: concat(head, numbers('little', 4, 6, 13, 0)),
      frames: 1,
      message: /multiple of 4/,
    },
    {
      name: 'a packet block of 4 GiB',
      bytes: concat(head, numbers('little', 4, 6, 0xffff_fff0, 0)),
      frames: 1,
      message: /the block is 4294967280 bytes, but 12 are left/,
    },
    {
      name: 'a packet block of 4 MiB',
      bytes: concat(head, enhanced('little', new Uint8Array(1 << 22))),
      frames: 1,
      message: /a block is at most \d+ bytes, but this one claims 4194336/,
    },
    {
      name: 'a packet block larger than any, all of it there',
      bytes: concat(head, block('little', 6, new Uint8Array(400_000))),
      frames: 1,
      message: /a block is at most \d+ bytes, but this one claims 400012/,
    },
    {
      name: 'another block of 4 GiB',
      bytes: concat(head, numbers('little', 4, 5, 0xffff_fff0, 0)),
      frames: 1,
      message: /the file ends before/,
    },
    {
      name: 'a block cut',
      bytes: concat(head, enhanced('little', FRAME).subarray(0, 40)),
      frames: 1,
      message: /40 are left/,
    },
    {
      name: 'half a block header',
      bytes: concat(head, new Uint8Array(5)),
      frames: 1,
      message: /at least 12 bytes, but 5/,
    },
    {
      name: 'lengths that differ at both ends of a block',
      bytes: concat(head, block('little', 6, new Uint8Array(20), undefined, 36)),
      frames: 1,
      message: /ends with its length, 32, but it says 36/,
    },
    {
      name: 'a packet longer than its block',
      bytes: concat(head, enhanced('little', FRAME, { length: FRAME.length + 4 })),
      frames: 1,
      message: /packet 2, byte \d+: the packet is \d+ bytes, but its block has room for/,
    },
    {
      name: 'a simple packet longer than its block',
      bytes: concat(head, simple('little', FRAME, 5000)),
      frames: 1,
      message: /room for/,
    },
    {
      name: 'a packet block too short',
      bytes: concat(head, block('little', 6, new Uint8Array(16))),
      frames: 1,
      message: /at least 20 bytes, but 16/,
    },
    {
      name: 'a simple packet block too short',
      bytes: concat(head, block('little', 3, new Uint8Array(0))),
      frames: 1,
      message: /at least 4 bytes/,
    },
    {
      name: 'an interface that is not described',
      bytes: concat(head, enhanced('little', FRAME, { id: 7 })),
      frames: 1,
      message: /interface 7 is not, of 1/,
    },
    {
      name: 'a packet before any interface',
      bytes: concat(section('little'), simple('little', FRAME)),
      frames: 0,
      message: /interface 0 is not, of 0/,
    },
    {
      name: 'an interface description too short',
      bytes: concat(section('little'), block('little', 1, new Uint8Array(4))),
      frames: 0,
      message: /8 bytes, but 4/,
    },
    {
      name: 'no byte order magic',
      bytes: concat(numbers('little', 4, 0x0a0d0d0a, 28, 7), new Uint8Array(16)),
      frames: 0,
      message: /0x1a2b3c4d/,
    },
    {
      name: 'a section header too short',
      bytes: concat(numbers('little', 4, 0x0a0d0d0a, 12, 0x1a2b3c4d)),
      frames: 0,
      message: /section header is at least 28/,
    },
  ];
  for (const { name, bytes, frames, message } of cases) {
    test(name, () => {
      const result = read(bytes);
      assert.match(result.error?.message ?? 'no error', message);
      assert.equal(result.frames.length, frames);
      for (const { frame } of result.frames) assert.deepEqual(frame, FRAME);
    });
  }
});

test('a file larger than the buffer, packets across its borders', () => {
  const frames = Array.from({ length: 5000 }, (_, i) =>
    new Uint8Array(100 + (i % 1000)).fill(i & 0xff),
  );
  const result = read(classic(frames.map((bytes) => ({ bytes }))));
  assert.equal(result.error, undefined);
  assert.deepEqual(
    result.frames.map(({ frame }) => frame),
    frames,
  );
  assert.equal(result.frames.at(-1)?.index, 5000);
  const largest = new Uint8Array(262_144).fill(7);
  assert.deepEqual(
    read(
      classic([
        { bytes: FRAME },
        { bytes: largest },
        { bytes: largest },
        { bytes: largest },
        { bytes: largest },
        { bytes: OTHER },
      ]),
    ).frames.at(-1)?.frame,
    OTHER,
  );
});

test('any damage to a good file: frames or one error, nothing else', () => {
  const files = orders.flatMap((order) => [
    classic([{ bytes: FRAME }, { bytes: OTHER }], { order }),
    concat(
      section(order),
      described(order, 1, 0, option(order, 9, Uint8Array.of(9))),
      enhanced(order, FRAME),
      simple(order, OTHER),
    ),
  ]);
  const damaged = fc
    .tuple(
      fc.constantFrom(...files),
      fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 4 }),
      fc.nat(400),
    )
    .map(([bytes, changes, length]) => {
      const copy = Uint8Array.from(bytes);
      for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
      return copy.subarray(0, length);
    });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 60 })), (bytes) => void read(bytes)),
    { numRuns: 1000 },
  );
});

const rocketeer = 'ct-over-dns/ct-over-dns-2018.pcap';
test(
  'the capture of 2018, which is pcapng whatever its name says',
  { skip: needsShared(rocketeer) },
  () => {
    const { frames, summary } = readCapture(sharedPath(rocketeer) ?? '');
    assert.deepEqual(
      frames.map(({ frameLength }) => frameLength),
      [114, 284],
    );
    assert.equal(summary.cut, 0);
    assert.deepEqual(
      frames.map(({ timestamp }) => timestamp),
      [1_529_402_202_491, 1_529_402_202_640],
    );
  },
);
