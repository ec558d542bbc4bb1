// SPDX-License-Identifier: Apache-2.0
/**
 * The TypeScript parser on the frames that the data planes are tested with
 * (test/xdp/fuzz.root.test.ts, test/p4), against the model of their verdict: whatever it would make
 * a tree head of is among what they copy. They copy more, by the name alone: what an answer says,
 * and its checksum, is for this parser to judge.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseTreeHeadAnswer } from '../../src/sources/ct-over-dns/answer.ts';
import { DatagramDecoder, type FrameOutcome } from '../../src/packet/decode.ts';
import {
  capturedFrames,
  cutOff,
  cutOffTruly,
  damaged,
  NAMES,
  NAMES_HEX,
  seeds,
} from '../support/corpus.ts';
import { needsShared } from '../support/shared.ts';
import { expectedOf } from '../xdp/verdict.ts';
import { SEED } from '../support/random.ts';

/** Fragments above the threshold are no disagreement. */
const NO_THRESHOLD = 65_535;
const TAKEN: readonly FrameOutcome[] = ['fragmentHeld', 'datagramReassembled'];

/** What the parser makes of a frame by itself. */
function parsed(frame: Uint8Array): 'answers' | 'fragments' | undefined {
  const decoder = new DatagramDecoder();
  const datagram = decoder.push(frame, 0, 'test');
  if (datagram === undefined)
    return TAKEN.some((outcome) => decoder.counters[outcome] > 0) ? 'fragments' : undefined;
  if (datagram.sourcePort !== 53) return undefined;
  const answer = parseTreeHeadAnswer(datagram.payload);
  if (answer.kind === 'refused') return undefined;
  return NAMES_HEX.has(Buffer.from(answer.name).toString('hex')) ? 'answers' : undefined;
}

describe('what the parser takes, the data planes copy:', () => {
  const corpora = [
    ['good frames', seeds, false],
    ['frames cut off', [...cutOff(), ...cutOffTruly()], false],
    [`frames with faults (CTGA_TEST_SEED=${SEED})`, damaged(50_000, SEED), false],
    ['real captures', capturedFrames(), needsShared('captures')],
  ] as const;
  for (const [name, frames, skip] of corpora)
    test(name, { skip }, (context) => {
      const taken = { answers: 0, fragments: 0 };
      for (const frame of frames) {
        const wanted = parsed(frame);
        if (wanted === undefined) continue;
        taken[wanted]++;
        const { verdict } = expectedOf(frame, NAMES_HEX, NO_THRESHOLD);
        // Reassembly goes by the first fragment's next header (RFC 8200, Section 4.5); data planes
        // by each one's own.
        const notUdp =
          wanted === 'fragments' && (verdict === 'notUdp' || verdict.startsWith('encapsulated'));
        // Damage makes a fragment a whole datagram: it has the fragment's header and is copied as
        // one.
        const isAtomic = wanted === 'answers' && verdict === 'fragments';
        const agrees = notUdp || isAtomic || [wanted, `${wanted}TooLarge`].includes(verdict);
        assert(agrees, `${wanted} here, ${verdict} there: ${Buffer.from(frame).toString('hex')}`);
      }
      context.diagnostic(
        `${frames.length} frames: ${taken.answers} answers, ${taken.fragments} fragments`,
      );
      assert(taken.answers + taken.fragments > 0);
    });
});

test('and an answer to each known name is taken', () => {
  assert.equal(NAMES.length, 3);
  assert(seeds.filter((frame) => parsed(frame) === 'answers').length >= 8);
});
