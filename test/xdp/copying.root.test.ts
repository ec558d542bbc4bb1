// SPDX-License-Identifier: Apache-2.0
/**
 * Which matches the XDP program copies: sampling, budget, the cache of seen answers, and their
 * accounting.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';

import { xdpObjectPath } from '../../src/dataplane/xdp-object.ts';
import { loadXdp, type LoadedXdp, type XdpOptions } from '../../src/dataplane/xdp.ts';
import type { AnswerPlace, DataPlaneCounters, SeenEntry } from '../../src/dataplane/types.ts';
import {
  concat,
  dnsAnswer,
  encodeName,
  ethernet,
  EtherType,
  fragmentIpv4,
  fragmentIpv6,
  frameV4,
  frameV6,
  ipv4,
  ipv6,
  udp,
  type DnsAnswerOptions,
} from '../support/packets.ts';
import { alias, message, record, signature, strings, u16 } from '../dns/messages.ts';
import { answersTo } from '../support/xdp.ts';
import { accountingErrors, moved } from './verdict.ts';

const NAME = 'sth.log.example';
const UNLIMITED = { seenMilliseconds: 0, answersPerSecond: 0, fragmentsPerSecond: 0 };

const text = (n: number): string => `${n}.1529486742541.${'r'.repeat(44)}.${'s'.repeat(96)}`;
/** The text in strings of 255 bytes, the most that one has. */
const inStrings = (whole: Buffer): Buffer[] =>
  Array.from({ length: Math.ceil(whole.length / 255) }, (_, i) =>
    whole.subarray(i * 255, (i + 1) * 255),
  );
const answerFrame = (n: number, options: DnsAnswerOptions = {}): Uint8Array =>
  frameV4(dnsAnswer({ name: NAME, strings: [text(n)], ...options }));

const TEXT = record({ rdata: strings(text(1)) });
const SIGNATURE = signature();
const ALIAS = alias(encodeName('heads.example'));

async function withProgram(
  options: XdpOptions & { readonly objectPath?: string },
  work: (xdp: LoadedXdp) => Promise<void> | void,
): Promise<void> {
  const xdp = loadXdp(options);
  try {
    xdp.setMatchRules(answersTo([NAME, 'sth.other.example'].map(encodeName)));
    await work(xdp);
    assert.deepEqual(accountingErrors(xdp.counters()), []);
  } finally {
    xdp.close();
  }
}

interface Copy {
  readonly frame: Buffer;
  readonly answer: AnswerPlace | undefined;
}

/** What waits in the rings. */
async function drain(xdp: LoadedXdp): Promise<Copy[]> {
  const copies: Copy[] = [];
  xdp.start(
    ({ frame, answer }) =>
      copies.push({ frame: Buffer.from(frame), answer: answer && placeOf(answer) }),
    () => undefined,
  );
  await xdp.stop();
  return copies;
}

/** The place is valid only during the call, as the packet is. */
function placeOf(answer: AnswerPlace): AnswerPlace {
  const { tag, nameOffset, nameLength, rdataOffset, rdataLength, entry, ended } = answer;
  return { tag, nameOffset, nameLength, rdataOffset, rdataLength, entry, ended };
}

/** What the program counts for some frames. */
function counted(xdp: LoadedXdp, frames: readonly Uint8Array[]): ReturnType<typeof moved> {
  const before = xdp.counters();
  for (const frame of frames) xdp.testRun(frame);
  return moved(before, xdp.counters());
}

describe('sampling', () => {
  test('copies every n-th answer', () =>
    withProgram({ ...UNLIMITED, everyNth: 4 }, (xdp) => {
      xdp.testRun(answerFrame(1), 40);
      const { answers, answersCopied, answersSampledOut } = xdp.counters();
      assert.equal(answers, 40n);
      // Counted per CPU: one more for each CPU that the repetitions were moved to meanwhile.
      assert(answersCopied >= 10n && answersCopied <= 14n, `${answersCopied} answers`);
      assert.equal(answersCopied + answersSampledOut, 40n);
      xdp.setSettings({ everyNth: 1 });
      assert.deepEqual(counted(xdp, [answerFrame(2)]), {
        packets: 1,
        answers: 1,
        answersCopied: 1,
      });
    }));

  for (const family of ['IPv4', 'IPv6']) {
    test(`copies one datagram of n, with all its fragments: ${family}`, () =>
      withProgram({ ...UNLIMITED, everyNth: 4 }, async (xdp) => {
        const payload = udp({ payload: dnsAnswer({ name: NAME, strings: [text(1)] }) });
        const datagrams = 2000;
        const perDatagram = 5;
        const fragments = Array.from({ length: datagrams }, (_, id) =>
          (family === 'IPv4'
            ? fragmentIpv4(ipv4({ payload, identification: id }), 48)
            : fragmentIpv6(ipv6({ payload }), 48, id * 65_537)
          ).map((packet) => ethernet({ payload: packet })),
        );
        assert.equal(fragments[0]?.length, perDatagram);
        // All first fragments, then all second ones, ...: counting packets would tear datagrams
        // apart.
        for (let i = 0; i < perDatagram; i++) {
          for (const of of fragments) xdp.testRun(of[i] ?? assert.fail());
        }
        const byDatagram = new Map<number, number>();
        for (const { frame } of await drain(xdp)) {
          const id = family === 'IPv4' ? frame.readUInt16BE(18) : frame.readUInt32BE(14 + 40 + 4);
          byDatagram.set(id, (byDatagram.get(id) ?? 0) + 1);
        }
        assert.deepEqual(new Set(byDatagram.values()), new Set([perDatagram]));
        // Binomial with p = 1/4: six standard deviations to either side.
        assert(
          byDatagram.size > 500 - 6 * 20 && byDatagram.size < 500 + 6 * 20,
          `${byDatagram.size} datagrams`,
        );
        const { fragmentsSampledOut } = xdp.counters();
        assert.equal(Number(fragmentsSampledOut), (datagrams - byDatagram.size) * perDatagram);
      }));
  }

  test('which datagrams are copied is drawn anew with each load', async () => {
    const chosen = async (): Promise<string> => {
      let ids = '';
      await withProgram({ ...UNLIMITED, everyNth: 2 }, async (xdp) => {
        for (let identification = 0; identification < 64; identification++) {
          xdp.testRun(
            ethernet({
              payload: ipv4({ payload: new Uint8Array(8), identification, moreFragments: true }),
            }),
          );
        }
        ids = (await drain(xdp)).map(({ frame }) => frame.readUInt16BE(18)).join();
      });
      return ids;
    };
    assert.notEqual(await chosen(), await chosen());
  });
});

describe('the budget', () => {
  /** So small that nothing is added while the test runs: half a minute gives one copy. */
  const tiny = { seenMilliseconds: 0, answersPerSecond: 1, fragmentsPerSecond: 1 };
  const BURST = 64;

  test('caps the copies of answers, on each CPU', () =>
    withProgram(tiny, (xdp) => {
      xdp.testRun(answerFrame(1), 5000);
      const { answersCopied, answersOverBudget } = xdp.counters();
      assert.equal(answersCopied + answersOverBudget, 5000n);
      assert(answersCopied >= 1n && answersCopied <= BigInt(BURST * 8), `${answersCopied} copied`);
    }));

  test('is separate for the two kinds', () =>
    withProgram(tiny, (xdp) => {
      xdp.testRun(frameV4(new Uint8Array(0)), 1);
      const fragment = ethernet({
        payload: ipv4({ payload: new Uint8Array(8), moreFragments: true }),
      });
      xdp.testRun(fragment, 5000);
      assert(xdp.counters().fragmentsOverBudget > 0n);
      assert.deepEqual(counted(xdp, [answerFrame(1)]), {
        packets: 1,
        answers: 1,
        answersCopied: 1,
      });
    }));

  test('comes back with time, up to what user space allows', () =>
    withProgram({ ...tiny, answersPerSecond: 4000 }, async (xdp) => {
      xdp.testRun(answerFrame(1), 5000);
      const before = xdp.counters().answersCopied;
      assert(xdp.counters().answersOverBudget > 0n);
      await sleep(500);
      xdp.testRun(answerFrame(1), 5000);
      assert(xdp.counters().answersCopied > before);
      xdp.setSettings({ answersPerSecond: 0 });
      assert.deepEqual(counted(xdp, [answerFrame(2)]), {
        packets: 1,
        answers: 1,
        answersCopied: 1,
      });
    }));

  test('leaves whole datagrams while it runs low', () =>
    withProgram({ ...tiny, fragmentsPerSecond: 4 * 4000 }, async (xdp) => {
      // The bucket holds 4,000: 2,500 datagrams of two fragments each, a first fragment and right
      // then the last.
      const datagrams = 2500;
      for (let identification = 0; identification < datagrams; identification++) {
        for (const fragmentOffset of [0, 8]) {
          const options = { identification, fragmentOffset, moreFragments: fragmentOffset === 0 };
          xdp.testRun(ethernet({ payload: ipv4({ payload: new Uint8Array(8), ...options }) }));
        }
      }
      const byDatagram = new Map<number, number>();
      for (const { frame } of await drain(xdp)) {
        const id = frame.readUInt16BE(18);
        byDatagram.set(id, (byDatagram.get(id) ?? 0) + 1);
      }
      const torn = [...byDatagram.values()].filter((count) => count === 1).length;
      assert(byDatagram.size > 1000, `${byDatagram.size} datagrams`);
      assert(
        torn < byDatagram.size / 100,
        `${torn} of ${byDatagram.size} datagrams are torn apart`,
      );
    }));
});

describe('the cache of seen answers', () => {
  const cached = { ...UNLIMITED, seenMilliseconds: 60_000 };
  const cpusOf = (entries: readonly SeenEntry[]): number =>
    new Set(entries.map(({ entry }) => entry >> 48n)).size;

  test('copies an answer once on a CPU, then counts it', () =>
    withProgram(cached, async (xdp) => {
      xdp.testRun(answerFrame(1), 1000);
      const copies = await drain(xdp);
      const { answersCopied, answersSeen } = xdp.counters();
      assert.equal(BigInt(copies.length), answersCopied);
      assert.equal(answersCopied + answersSeen, 1000n);
      const entries = xdp.seen();
      assert.equal(
        entries.reduce((sum, { repeats }) => sum + repeats, 0),
        Number(answersSeen),
      );
      // One copy began each entry.
      const begun = new Set(copies.map(({ answer }) => answer?.entry));
      for (const { entry } of entries) assert(begun.has(entry), `entry ${entry}`);
      assert(answersCopied <= BigInt(cpusOf(entries)) + 1n);
    }));

  test('knows no repeats when it is switched off', () =>
    withProgram({ ...UNLIMITED, seenMilliseconds: 0 }, async (xdp) => {
      xdp.testRun(answerFrame(1), 10);
      const copies = await drain(xdp);
      assert.equal(copies.length, 10);
      assert.deepEqual(xdp.seen(), []);
      assert(copies.every(({ answer }) => answer !== undefined && answer.entry === undefined));
    }));

  test('inserts only what was copied: what found no room is copied later', () =>
    withProgram({ ...cached, ringBytes: 65_536 }, async (xdp) => {
      const frames = Array.from({ length: 200 }, (_, n) => answerFrame(n));
      for (const frame of frames) xdp.testRun(frame);
      assert.equal(xdp.counters().answersCopied, 127n);
      assert.equal((await drain(xdp)).length, 127);
      const { answersCopied = 0, answersSeen = 0, answersRingFull = 0 } = counted(xdp, frames);
      assert(answersCopied >= 73, 'all that found no room');
      assert.equal(answersCopied + answersSeen + answersRingFull, 200);
    }));

  test('ends a entry with its repeats in the record that begins the next', () =>
    withProgram({ ...cached, seenMilliseconds: 100 }, async (xdp) => {
      const repeats = new Map<bigint, number>();
      let ended = 0;
      for (let round = 0; round < 5; round++) {
        xdp.testRun(answerFrame(1), 100);
        for (const { answer } of await drain(xdp)) {
          if (answer?.ended === undefined) continue;
          assert.equal(
            answer.ended.repeats,
            repeats.get(answer.ended.entry),
            'as it was when it was looked at',
          );
          assert.equal(answer.ended.entry + 1n, answer.entry);
          ended++;
        }
        for (const { entry, repeats: count } of xdp.seen()) repeats.set(entry, count);
        await sleep(150);
      }
      assert(ended > 0, 'no entry ended');
      const { answersCopied, answersSeen } = xdp.counters();
      assert.equal(answersCopied + answersSeen, 500n);
      assert.equal(
        [...repeats.values()].reduce((sum, count) => sum + count, 0),
        Number(answersSeen),
      );
    }));

  test('counts every answer once, however often entries are replaced and keys drawn', () =>
    withProgram({ ...cached, seenMilliseconds: 200, ringBytes: 16 << 20 }, async (xdp) => {
      // More answers than slots.
      const frames = Array.from({ length: 1500 }, (_, n) => answerFrame(n));
      const final = new Map<bigint, number>();
      let [sent, copied] = [0, 0];
      for (let round = 0; round < 8; round++) {
        for (const [n, frame] of frames.entries()) {
          const times = 1 + ((n * 7 + round) % 5);
          // One by one: the kernel takes 20 ms to begin a repetition.
          for (let i = 0; i < times; i++) xdp.testRun(frame);
          sent += times;
          if (n % 500 === round * 20) xdp.redrawKeys();
        }
        for (const { answer } of await drain(xdp)) {
          copied += 1;
          const { entry, repeats } = answer?.ended ?? {};
          if (entry === undefined || repeats === undefined) continue;
          assert((final.get(entry) ?? 0) <= repeats, 'a count only grows');
          final.set(entry, repeats);
        }
        for (const { entry, repeats } of xdp.seen()) final.set(entry, repeats);
      }
      const repeats = [...final.values()].reduce((sum, count) => sum + count, 0);
      assert.equal(copied + repeats, sent);
      assert(repeats > 0 && copied > frames.length, `${copied} copies, ${repeats} repeats`);
    }));

  // Both ways to read a frame compute the same tags.
  for (const readsInPlace of [true, false]) {
    const how = readsInPlace ? '' : ', without CAP_PERFMON';
    const objectPath = xdpObjectPath(readsInPlace);
    test(`takes another answer for another, whatever byte of its text differs${how}`, () =>
      withProgram({ ...cached, objectPath }, async (xdp) => {
        for (const length of [8, 9, 15, 16, 62, 63, 64, 65, 71, 127, 128, 129, 200, 255, 700]) {
          const base = Buffer.alloc(length, 'a');
          const variants = [base];
          for (let at = 0; at < length; at++) {
            const other = Buffer.from(base);
            other[at] = 0x62;
            variants.push(other);
          }
          const tags = new Set<number>();
          for (const variant of variants)
            xdp.testRun(frameV4(dnsAnswer({ name: NAME, strings: inStrings(variant) })));
          for (const { answer } of await drain(xdp)) tags.add(answer?.tag ?? assert.fail('no tag'));
          assert.equal(tags.size, variants.length, `texts of ${length} bytes`);
        }
      }));

    test(`takes another for another too once an answer is well known${how}`, () =>
      withProgram({ ...cached, objectPath, ringBytes: 64 << 20 }, (xdp) => {
        // In one go, so on one CPU. From the third time on, an answer is compared with what was kept.
        const send = (variant: Buffer, times = 1): readonly [bigint, bigint] => {
          const before = xdp.counters();
          xdp.testRun(frameV4(dnsAnswer({ name: NAME, strings: inStrings(variant) })), times);
          const { answersCopied, answersSeen } = xdp.counters();
          return [answersCopied - before.answersCopied, answersSeen - before.answersSeen];
        };
        for (const length of [8, 63, 64, 127, 128, 200, 700]) {
          const base = Buffer.alloc(length, 'a');
          assert.deepEqual(send(base, 4), [1n, 3n]);
          for (let at = 0; at < length; at++) {
            const other = Buffer.from(base);
            other[at] = 0x62;
            assert.deepEqual(send(other), [1n, 0n], `byte ${at} of ${length}`);
          }
          assert.deepEqual(send(base.subarray(3)), [1n, 0n], 'shorter');
          xdp.redrawKeys();
          assert.deepEqual(send(base, 4), [1n, 3n], 'other keys');
        }
      }));

    test(`takes the same text of two hundred names for as many answers${how}`, () =>
      withProgram({ ...cached, objectPath }, (xdp) => {
        const names = Array.from({ length: 200 }, (_, n) => `sth.n${n}.example`);
        xdp.setMatchRules(answersTo(names.map(encodeName)));
        for (const name of names) xdp.testRun(frameV4(dnsAnswer({ name, strings: [text(1)] })), 4);
        const { answersCopied, answersSeen } = xdp.counters();
        assert.deepEqual([answersCopied, answersSeen], [200n, 600n]);
      }));

    test(`takes an answer for the same, whatever else differs${how}`, () =>
      withProgram({ ...UNLIMITED, objectPath }, async (xdp) => {
        const same = [
          answerFrame(1),
          answerFrame(1, { name: 'StH.lOg.ExAmPlE' }),
          answerFrame(1, { id: 0x9999 }),
          answerFrame(1, { compressed: true }),
          answerFrame(1, { optSize: 4096 }),
          answerFrame(1, { padding: 100 }),
          frameV6(dnsAnswer({ name: NAME, strings: [text(1)] })),
          frameV4(dnsAnswer({ name: NAME, strings: [text(1)] }), {
            checksum: 'none',
            identification: 7,
          }),
          frameV4(dnsAnswer({ name: NAME, strings: [text(1)] }), {
            tags: [{ tpid: EtherType.vlan, vlanId: 3 }],
          }),
          // What user space takes all the same.
          answerFrame(1, { truncated: true }),
          answerFrame(1, { answerName: 'sth.log.exampl3' }),
          altered(answerFrame(1), 14 + 20 + 8 + 2, 0x84, 0x03),
          altered(answerFrame(1), 14 + 20 + 8 + 2, 0xa4, 0x00),
          ofRecords(TEXT, SIGNATURE),
          ofRecords(SIGNATURE, TEXT, SIGNATURE, SIGNATURE),
          ofRecords(
            ALIAS,
            SIGNATURE,
            record({ owner: encodeName('heads.example'), rdata: strings(text(1)) }),
            SIGNATURE,
          ),
        ];
        for (const frame of same) xdp.testRun(frame);
        const copies = await drain(xdp);
        assert.equal(copies.length, same.length);
        assert.equal(
          new Set(copies.map(({ answer }) => answer?.tag ?? assert.fail('no tag'))).size,
          1,
        );
        for (const { frame, answer } of copies) {
          const { nameOffset = 0, nameLength = 0, rdataOffset = 0, rdataLength = 0 } = answer ?? {};
          const name = frame.subarray(nameOffset, nameOffset + nameLength);
          assert.equal(
            name.toString('latin1').toLowerCase(),
            Buffer.from(encodeName(NAME)).toString('latin1'),
          );
          const rdata = frame.subarray(rdataOffset, rdataOffset + rdataLength);
          assert.equal(
            rdata.toString('latin1'),
            `${String.fromCharCode(text(1).length)}${text(1)}`,
          );
        }
        xdp.testRun(answerFrame(1, { name: 'sth.other.example' }));
        const [other] = await drain(xdp);
        assert.notEqual(other?.answer?.tag, copies[0]?.answer?.tag, 'the name is part of it');
      }));
  }

  const untagged: readonly { readonly what: string; readonly frame: Uint8Array }[] = [
    { what: 'a text of less than 8 bytes', frame: answerFrame(1, { strings: ['1234'] }) },
    {
      what: 'more than 1,024 bytes of text',
      frame: answerFrame(1, { strings: Array.from({ length: 5 }, () => 'x'.repeat(255)) }),
    },
    { what: 'one of two texts', frame: ofRecords(TEXT, record({ rdata: strings(text(2)) })) },
    { what: 'one of two texts of another class', frame: ofRecords(TEXT, record({ class: 3 })) },
    {
      what: 'one of five records',
      frame: ofRecords(TEXT, SIGNATURE, SIGNATURE, SIGNATURE, SIGNATURE),
    },
    {
      what: 'one whose text is the fifth record',
      frame: ofRecords(SIGNATURE, SIGNATURE, SIGNATURE, SIGNATURE, TEXT),
    },
    { what: 'one without text', frame: ofRecords(ALIAS, SIGNATURE) },
    { what: 'one behind two questions', frame: altered(answerFrame(1), 14 + 20 + 8 + 4, 0, 2) },
    {
      what: 'one that promises more records',
      frame: altered(answerFrame(1), 14 + 20 + 8 + 6, 0, 2),
    },
    {
      what: 'one beside a record that does not hold together',
      frame: ofRecords(TEXT, record({ type: 1, rdlength: 999 })),
    },
    {
      what: 'RDATA that goes on behind the datagram',
      frame: altered(answerFrame(1), rdataLengthAt(), 0x40),
    },
  ];
  for (const { what, frame } of untagged) {
    test(`never takes ${what} for a repeat`, () =>
      withProgram(cached, async (xdp) => {
        xdp.testRun(frame, 3);
        const copies = await drain(xdp);
        assert.equal(copies.length, 3);
        assert(copies.every(({ answer }) => answer === undefined));
      }));
  }

  test('a forgery that user space refuses does not hide the genuine answer', () =>
    withProgram(cached, async (xdp) => {
      // All that a refusal could depend on is in the tag, or the answer has none.
      const genuine = answerFrame(1);
      for (const frame of untagged.map(({ frame: forgery }) => forgery)) xdp.testRun(frame);
      await drain(xdp);
      xdp.testRun(genuine);
      assert.equal((await drain(xdp)).length, 1);
    }));

  test('a text that came alone does not hide another one beside it', () =>
    withProgram(cached, async (xdp) => {
      const other = record({ rdata: strings(text(2)) });
      for (const frame of [ofRecords(TEXT), ofRecords(TEXT, SIGNATURE)]) xdp.testRun(frame, 20);
      await drain(xdp);
      const pairs = [
        ofRecords(TEXT, other),
        ofRecords(other, TEXT),
        ofRecords(SIGNATURE, TEXT, other),
      ];
      for (const frame of pairs) xdp.testRun(frame);
      const copies = await drain(xdp);
      assert.deepEqual(
        copies.map(({ frame }) => frame.length),
        pairs.map(({ length }) => length),
      );
    }));
});

/** An answer of these records. */
function ofRecords(...answers: readonly Uint8Array[]): Uint8Array {
  return frameV4(message({ question: concat(encodeName(NAME), u16(16, 1)), answers }));
}

/** `frame` with other bytes at an offset; a lie, so no checksum is put right. */
function altered(frame: Uint8Array, at: number, ...bytes: readonly number[]): Uint8Array {
  const copy = Uint8Array.from(frame);
  copy.set(bytes, at);
  return copy;
}

/** Where answerFrame(1) says how long its RDATA is: the record ends the message. */
function rdataLengthAt(): number {
  return answerFrame(1).length - text(1).length - 1 - 2;
}

test('every match is accounted for, whichever limit it meets', () =>
  withProgram({ ringBytes: 65_536, everyNth: 2, seenMilliseconds: 1000 }, async (xdp) => {
    const totals: DataPlaneCounters[] = [];
    let sent = 0n;
    for (let round = 0; round < 200; round++) {
      for (let n = 0; n < 20; n++) {
        xdp.testRun(answerFrame((round * 7 + n) % 1000));
        sent += 1n;
      }
      const counters = xdp.counters();
      assert.deepEqual(accountingErrors(counters), []);
      assert.equal(counters.answers, sent);
      totals.push(counters);
      if (round === 100) xdp.setSettings({ answersPerSecond: 1 }); // 64 at once on each CPU, and then hardly any
      if (round % 50 === 49 || round > 100) await drain(xdp);
    }
    const { answersCopied, answersSampledOut, answersOverBudget, answersSeen, answersRingFull } =
      totals.at(-1) ?? assert.fail();
    for (const outcome of [answersCopied, answersSampledOut, answersOverBudget, answersSeen])
      assert(outcome > 0n);
    assert(answersRingFull >= 0n);
  }));
