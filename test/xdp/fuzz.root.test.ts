// SPDX-License-Identifier: Apache-2.0
/**
 * The XDP program on damaged frames, against a second implementation of its verdict.
 *
 * Deterministic: the same frames every time, and others with CTGA_TEST_SEED=<number>; the seed is
 * printed.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';

import { xdpObjectPath } from '../../src/dataplane/xdp-object.ts';
import { parseTreeHeadAnswer, textOfRdata } from '../../src/sources/ct-over-dns/answer.ts';
import { loadXdp, type LoadedXdp, type LoadXdpOptions } from '../../src/dataplane/xdp.ts';
import {
  answer,
  capturedFrames,
  cutOff,
  cutOffTruly,
  damaged,
  NAMES,
  NAMES_HEX,
  SHORTEST_FRAME,
} from '../support/corpus.ts';
import { frameV4 } from '../support/packets.ts';
import { answersTo } from '../support/xdp.ts';
import { needsShared } from '../support/shared.ts';
import { accountingErrors, expectedOf, moved, type Expectation } from './verdict.ts';
import { SEED } from '../support/random.ts';

const XDP_DROP = 1;
const XDP_PASS = 2;
const TC_ACT_UNSPEC = 0xffff_ffff;
const THRESHOLD = 400;
const DNS_HEADER = 12;
const MUTATIONS = Number(process.env['CTGA_MUTATIONS'] ?? 20_000);

/**
 * What a P4 switch puts in front of a copy: port 7, an answer, version 1, lengths and times of no
 * interest.
 */
const CPU_HEADER = Uint8Array.of(0, 7, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);

/**
 * The program and the model on one frame. At the CPU port the frame has a header, which is taken
 * off, and ends there.
 */
function check(xdp: LoadedXdp, frame: Uint8Array, { hook }: LoadXdpOptions, linear: number): void {
  const counted = xdp.counters();
  const given = hook === 'cpu' ? Buffer.concat([CPU_HEADER, frame]) : frame;
  const result = xdp.testRun(given, 1, linear);
  const frameText = (): string => `frame ${Buffer.from(frame).toString('hex')}`;
  const verdicts = { xdp: XDP_PASS, tc: TC_ACT_UNSPEC, cpu: XDP_DROP };
  assert.equal(result.verdict, verdicts[hook ?? 'xdp'], frameText());
  assert(Buffer.from(frame).equals(result.packet), `altered: ${frameText()}`);

  const { verdict, copied } = expectedOf(frame, NAMES_HEX, THRESHOLD);
  const outcome = copied > 0 ? { [`${verdict}Copied`]: 1 } : {};
  assert.deepEqual(
    moved(counted, xdp.counters()),
    { packets: 1, [verdict]: 1, ...outcome },
    frameText(),
  );
}

/** `linear`: bytes in the frame's first buffer, 0 for all. See program.root.test.ts. */
const forms: readonly {
  readonly form: string;
  readonly options: LoadXdpOptions;
  readonly linear: number;
}[] = [
  { form: 'in one buffer', options: {}, linear: 0 },
  { form: 'in two buffers, 14 bytes in the first', options: {}, linear: 14 },
  { form: 'in two buffers, 70 bytes in the first', options: {}, linear: 70 },
  { form: 'read without CAP_PERFMON', options: { objectPath: xdpObjectPath(false) }, linear: 0 },
  { form: 'at TC ingress', options: { hook: 'tc' }, linear: 0 },
  {
    form: 'at TC ingress, as on Linux 6.1',
    options: { hook: 'tc', partsMerged: false },
    linear: 0,
  },
  { form: "at a P4 switch's CPU port", options: { hook: 'cpu' }, linear: 0 },
  { form: "at a P4 switch's CPU port, in two buffers", options: { hook: 'cpu' }, linear: 40 },
  {
    form: "at a P4 switch's CPU port, without CAP_PERFMON",
    options: { hook: 'cpu', objectPath: xdpObjectPath(false) },
    linear: 0,
  },
];
for (const { form, options, linear } of forms) {
  const skip =
    linear !== 0 && !canSpread() && 'BPF_PROG_TEST_RUN of this kernel cannot spread a frame';
  describe(`the program on damaged frames ${form}`, { skip }, () =>
    onDamagedFrames(options, linear),
  );
}

function canSpread(): boolean {
  const xdp = loadXdp();
  try {
    xdp.testRun(frameV4(answer), 1, 14);
    return true;
  } catch {
    return false;
  } finally {
    xdp.close();
  }
}

function onDamagedFrames(options: LoadXdpOptions, linear: number): void {
  let xdp: LoadedXdp;
  before(() => {
    // Room for every frame of a test, were all of them copied in large records.
    xdp = loadXdp({
      ...options,
      threshold: THRESHOLD,
      ringBytes: 64 << 20,
      seenMilliseconds: 0,
      answersPerSecond: 0,
      fragmentsPerSecond: 0,
    });
    xdp.setMatchRules(answersTo(NAMES));
  });
  after(() => xdp.close());

  /**
   * Feeds the frames, then takes the copies: they must be the beginnings of what was fed, in order.
   */
  async function run(t: TestContext, all: readonly Uint8Array[]): Promise<void> {
    // BPF_PROG_TEST_RUN makes no socket buffer of a frame that ends within its IP header.
    const frames =
      options.hook === 'tc' ? all.filter(({ length }) => length >= SHORTEST_FRAME + 40) : all;
    const earlier = xdp.counters();
    for (const frame of frames) check(xdp, frame, options, linear);

    // Each kind has a ring of its own, and keeps its order there.
    type Copy = Pick<Expectation, 'text'> & { readonly bytes: Uint8Array };
    const expected = { answer: [] as Copy[], fragment: [] as Copy[] };
    for (const frame of frames) {
      const { verdict, copied, text } = expectedOf(frame, NAMES_HEX, THRESHOLD);
      const kind = verdict === 'answers' ? 'answer' : 'fragment';
      if (copied > 0) expected[kind].push({ bytes: frame.subarray(0, copied), text });
    }
    const delivered = { answer: 0, fragment: 0 };
    let tagged = 0;
    xdp.start(
      ({ kind, frame, answer: place }) => {
        if (kind === 'unknown') assert.fail('a record of no kind');
        const { bytes, text } = expected[kind][delivered[kind]++] ?? assert.fail('too many');
        const copy = Buffer.from(frame);
        assert(copy.equals(bytes), `${kind}: ${copy.toString('hex')}`);
        const found = place && { offset: place.rdataOffset, length: place.rdataLength };
        assert.deepEqual(found, text, `the text in ${copy.toString('hex')}`);
        if (place === undefined) return;
        // Nothing else in there may be a tree head, or it would be hidden by a repeat of the text.
        const rdata = copy.subarray(place.rdataOffset, place.rdataOffset + place.rdataLength);
        const answer = parseTreeHeadAnswer(copy.subarray(place.nameOffset - DNS_HEADER));
        assert(answer.kind === 'answer');
        assert.deepEqual(answer.texts, [textOfRdata(rdata)], copy.toString('hex'));
        tagged++;
      },
      () => undefined,
    );
    await xdp.stop();
    assert.deepEqual(delivered, {
      answer: expected.answer.length,
      fragment: expected.fragment.length,
    });

    const counters = xdp.counters();
    assert.deepEqual(accountingErrors(counters), []);
    assert.equal(counters.packets - earlier.packets, BigInt(frames.length));
    t.diagnostic(
      `${frames.length} frames, ${delivered.answer} answers (${tagged} with a tag) and ${delivered.fragment} fragments copied`,
    );
  }

  test('cut off at every length', (t) => run(t, cutOff()));

  test('cut off at every length, IP and UDP telling the truth about it', (t) =>
    run(t, cutOffTruly()));

  test('of real captures', { skip: needsShared('captures') }, (t) => run(t, capturedFrames()));

  test('with random faults', async (t) => {
    t.diagnostic(`CTGA_TEST_SEED=${SEED}`);
    await run(t, damaged(MUTATIONS, SEED));
  });
}

test("at a P4 switch's CPU port, what is no copy goes on", () => {
  const xdp = loadXdp({ hook: 'cpu' });
  xdp.setMatchRules(answersTo(NAMES));
  const [version, reason] = [Buffer.from(CPU_HEADER), Buffer.from(CPU_HEADER)];
  [version[3], reason[2]] = [2, 3];
  for (const header of [version, reason, new Uint8Array(0)]) {
    const frame = Buffer.concat([header, frameV4(answer)]);
    const result = xdp.testRun(frame);
    assert.equal(result.verdict, XDP_PASS);
    assert(frame.equals(result.packet));
  }
  assert.equal(xdp.counters().packets, 0n);
  xdp.close();
});
