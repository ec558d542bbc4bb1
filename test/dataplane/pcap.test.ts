/**
 * Capture files, written byte by byte: formats, byte orders, link types, and every lie a length can
 * tell.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { readCapture, type CapturedFrame } from '../../src/dataplane/pcap.ts';
import { CtgaError } from '../../src/base/errors.ts';
import { DatagramDecoder } from '../../src/packet/decode.ts';
import { concat, frameV4, frameV6 } from '../support/packets.ts';
import { needsShared, sharedPath } from '../support/shared.ts';
import { fc } from '../support/random.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-pcap-test-'));
after(() => rmSync(directory, { recursive: true }));
const file = join(directory, 'capture');

/** Reads to the end, or to the error. */
function read(bytes: Uint8Array): { frames: CapturedFrame[]; error: CtgaError | undefined } {
  writeFileSync(file, bytes);
  const frames: CapturedFrame[] = [];
  try {
    for (const captured of readCapture(file))
      frames.push({ ...captured, frame: Uint8Array.from(captured.frame) });
  } catch (error) {
    assert.ok(error instanceof CtgaError && error.code === 'bad-input', String(error));
    assert.ok(error.message.includes(file) && error.remedy !== undefined);
    return { frames, error };
  }
  return { frames, error: undefined };
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
  options: { order?: Order; magic?: number; linkType?: number } = {},
): Uint8Array {
  const { order = 'little', magic = 0xa1b2c3d4, linkType = 1 } = options;
  return concat(
    numbers(order, 4, magic),
    numbers(order, 2, 2, 4),
    numbers(order, 4, 0, 0, 65_535, linkType),
    ...packets.flatMap(
      ({ bytes, seconds = 1, fraction = 0, length = bytes.length, wireLength = bytes.length }) => [
        numbers(order, 4, seconds, fraction, length, wireLength),
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
          {
            frame: FRAME,
            timestamp: 1_529_398_586_123,
            frameLength: FRAME.length,
            truncated: false,
            index: 1,
          },
          {
            frame: OTHER,
            timestamp: (2 ** 32 - 1) * 1000,
            frameLength: 1500,
            truncated: true,
            index: 2,
          },
        ]);
      });
    }
  }
  test('no packets', () => assert.deepEqual(read(classic([])), { frames: [], error: undefined }));
  test('what the link type says of frame check sequences is no part of it', () => {
    assert.equal(read(classic([{ bytes: FRAME }], { linkType: 0x3000_0001 })).frames.length, 1);
  });
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
        { frame: FRAME, timestamp: 1_529_398_586_123, frameLength: 99, truncated: true, index: 1 },
        {
          frame: OTHER,
          timestamp: 1_529_398_586_123,
          frameLength: OTHER.length,
          truncated: false,
          index: 2,
        },
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
      truncated: true,
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
  test('packets too short for their link layer are frames that decoding refuses', () => {
    for (const linkType of [0, 1, 101, 108, 113, 276]) {
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
    assert.match(
      read(classic([{ bytes: FRAME }], { linkType: 105 })).error?.message ?? '',
      /packet 1: link type 105/,
    );
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
    { name: 'gzip', bytes: Uint8Array.of(0x1f, 0x8b, 8, 0, 0), frames: 0, message: /compressed/ },
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
      message: /at most \d+ bytes, but this one claims 4294967280/,
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
      name: 'an interface option that lies',
      bytes: concat(section('little'), described('little', 1, 0, numbers('little', 2, 9, 99))),
      frames: 0,
      message: /option 9 is 99 bytes/,
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
  test('a file that is not there', () => {
    assert.throws(
      () => [...readCapture(join(directory, 'none'))],
      (error) => error instanceof CtgaError && /cannot read .*none/.test(error.message),
    );
  });
  test('a directory', () => {
    assert.throws(
      () => [...readCapture(directory)],
      (error) => error instanceof CtgaError && error.code === 'bad-input',
    );
  });
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
    { numRuns: 1500 },
  );
});

test('reading may stop early', () => {
  writeFileSync(file, classic([{ bytes: FRAME }, { bytes: OTHER }]));
  for (const { index } of readCapture(file)) {
    assert.equal(index, 1);
    break;
  }
});

const rocketeer = 'ct-over-dns/ct-over-dns-2018.pcap';
test(
  'the capture of 2018, which is pcapng whatever its name says',
  { skip: needsShared(rocketeer) },
  () => {
    const frames = [...readCapture(sharedPath(rocketeer) ?? '')];
    assert.deepEqual(
      frames.map(({ frameLength, truncated }) => [frameLength, truncated]),
      [
        [114, false],
        [284, false],
      ],
    );
    assert.deepEqual(
      frames.map(({ timestamp }) => timestamp),
      [1_529_402_202_491, 1_529_402_202_640],
    );
  },
);
