/**
 * Who floods one log's name, or sends fragments from one place, uses up what others leave of the
 * budget, and not their shares.
 *
 * The budgets here are so small that next to nothing is paid back while a test runs. What is
 * expected holds on however many CPUs the kernel runs the program: each has a budget of its own.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { xdpObjectPath } from '../../src/dataplane/xdp-object.ts';
import { loadXdp, type LoadedXdp } from '../../src/dataplane/xdp.ts';
import {
  dnsAnswer,
  encodeName,
  ethernet,
  frameV4,
  ipv4,
  ipv6Fragment,
  type Ipv4Options,
} from '../support/packets.ts';
import { answersTo } from '../support/xdp.ts';
import { compileMutant } from './mutant.ts';
import { accountingErrors, moved } from './verdict.ts';

/** One copy a second. The common bucket holds 64 copies, a name's 8 and a sender's 64. */
const TINY = { seenMilliseconds: 0, answersPerSecond: 1, fragmentsPerSecond: 1 };
const COMMON = 64;
const OF_A_NAME = 8;
const OF_A_SENDER = 64;
/** Of what the bursts of all CPUs allow; and a minute's budget, in case the test takes so long. */
const most = (share: number): number => availableParallelism() * (COMMON + share) + 60;
const FLOOD = 3000;

const FLOODED = 'sth.flooded.example';
const OTHERS = Array.from({ length: 16 }, (_, n) => `sth.log${n}.example`);

const head = (name: string, n: number): Uint8Array =>
  frameV4(dnsAnswer({ name, strings: [`${n}.1529486742541.${'r'.repeat(44)}.${'s'.repeat(96)}`] }));

function withProgram(objectPath: string, work: (xdp: LoadedXdp) => void): void {
  const xdp = loadXdp({ ...TINY, objectPath });
  try {
    xdp.setMatchRules(answersTo([FLOODED, ...OTHERS].map(encodeName)));
    work(xdp);
    assert.deepEqual(accountingErrors(xdp.counters()), []);
  } finally {
    xdp.close();
  }
}

/** How many of the frames are copied. */
function copied(xdp: LoadedXdp, frames: Iterable<Uint8Array>): number {
  const before = xdp.counters();
  for (const frame of frames) xdp.testRun(frame);
  const { answersCopied = 0, fragmentsCopied = 0 } = moved(before, xdp.counters());
  return answersCopied + fragmentsCopied;
}

interface Outcome {
  readonly genuine: number;
  readonly copied: number;
}

/** Forged heads of one log, and of each other log a genuine one in each round. */
function floodName(xdp: LoadedXdp, betweenRounds: () => void): Outcome {
  const outcome = { genuine: 0, copied: 0 };
  for (let round = 0; round < OF_A_NAME; round++) {
    xdp.testRun(head(FLOODED, round), FLOOD);
    outcome.genuine += OTHERS.length;
    outcome.copied += copied(
      xdp,
      OTHERS.map((name) => head(name, round)),
    );
    betweenRounds();
  }
  return outcome;
}

const fragmentFrom = (source: string, options: Partial<Ipv4Options> = {}): Uint8Array =>
  ethernet({
    payload: ipv4({ payload: new Uint8Array(8), source, moreFragments: true, ...options }),
  });

/**
 * Fragments from one address, and from each of 20 others a datagram of two in each round. New keys
 * choose new buckets in each round: one in a thousand senders shares that of the flood.
 */
function floodSource(xdp: LoadedXdp): Outcome {
  const outcome = { genuine: 0, copied: 0 };
  for (let round = 0; round < 8; round++) {
    for (let identification = 0; identification < FLOOD; identification++)
      xdp.testRun(fragmentFrom('203.0.113.66', { identification }));
    const genuine = Array.from({ length: 20 }, (_, n) =>
      [true, false].map((moreFragments) =>
        fragmentFrom(`192.0.2.${n}`, {
          identification: round,
          moreFragments,
          fragmentOffset: moreFragments ? 0 : 8,
        }),
      ),
    );
    outcome.genuine += genuine.length;
    for (const datagram of genuine)
      if (copied(xdp, datagram) === datagram.length) outcome.copied += 1;
    xdp.redrawKeys();
  }
  return outcome;
}

describe('fairness', () => {
  let directory = '';
  /** All share one bucket, as ctga once did. */
  let common = '';
  /** A sender is known by his /64, of which a site has 65,536. */
  let by64 = '';

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'ctga-fairness-'));
    const mutant = (name: string, ...change: [file: string, from: string, to: string]): string =>
      compileMutant(join(directory, name), ...change);
    common = mutant(
      'common',
      'copy.h',
      'if (is_lucky(share_left, ',
      'if (0 && is_lucky(share_left, ',
    );
    by64 = mutant('by64', 'headers.h', 'site >> 16 | 1ULL << 63', 'site | 1ULL << 63');
  });
  after(() => {
    rmSync(directory, { recursive: true });
  });

  for (const readsInPlace of [true, false]) {
    const how = readsInPlace ? '' : ', without CAP_PERFMON';
    const objectPath = xdpObjectPath(readsInPlace);

    test(`forged heads of one log leave the shares of all others${how}`, () => {
      withProgram(objectPath, (xdp) => {
        const { genuine, copied } = floodName(xdp, () => undefined);
        assert.equal(copied, genuine);
      });
    });

    test(`fragments from one address leave the shares of all others${how}`, () => {
      withProgram(objectPath, (xdp) => {
        const { genuine, copied } = floodSource(xdp);
        // One in a thousand is lost on average; more than 16 of 160 once in 10^13 tests.
        assert(copied > genuine * 0.9, `${copied} of ${genuine}`);
      });
    });
  }

  test('new keys do not change that, and give the flood no share anew', () => {
    withProgram(xdpObjectPath(), (xdp) => {
      const before = xdp.counters();
      const outcome = floodName(xdp, () => {
        xdp.redrawKeys();
      });
      assert.equal(outcome.copied, outcome.genuine);
      const { answersCopied = 0 } = moved(before, xdp.counters());
      assert(answersCopied - outcome.copied <= most(OF_A_NAME), `${answersCopied} copied`);
    });
  });

  test('one bucket for all, as it once was, loses what is genuine', () => {
    withProgram(common, (xdp) => {
      const { genuine, copied } = floodName(xdp, () => undefined);
      assert(copied < genuine / 2, `${copied} of ${genuine} heads`);
    });
    withProgram(common, (xdp) => {
      const { genuine, copied } = floodSource(xdp);
      assert(copied < genuine / 2, `${copied} of ${genuine} datagrams`);
    });
  });

  test('what others leave is there for the one that comes alone', () => {
    withProgram(xdpObjectPath(), (xdp) => {
      xdp.testRun(head(FLOODED, 1), FLOOD);
      const { answersCopied } = xdp.counters();
      assert(answersCopied > COMMON * 0.75, `${answersCopied} copied`);
      assert(answersCopied <= BigInt(most(OF_A_NAME)), `${answersCopied} copied`);
    });
  });

  test('first fragments from a thousand addresses push out no genuine datagram', () => {
    withProgram(xdpObjectPath(), (xdp) => {
      for (let n = 0; n < 1024; n++)
        xdp.testRun(fragmentFrom(`203.0.${n >> 8}.${n & 255}`, { identification: n }));
      assert.equal(
        copied(xdp, [
          fragmentFrom('192.0.2.1'),
          fragmentFrom('192.0.2.1', { moreFragments: false, fragmentOffset: 8 }),
        ]),
        2,
      );
    });
  });

  describe('a site of IPv6 has one share, however many addresses it has', () => {
    const hop = (n: number): Uint8Array =>
      ethernet({
        payload: ipv6Fragment({
          payload: new Uint8Array(8),
          source: `2001:db8:bad:${n.toString(16)}::1`,
          identification: n,
          moreFragments: true,
        }),
      });
    const hops = Array.from({ length: FLOOD }, (_, n) => hop(n));

    test('by the first 48 bits', () => {
      withProgram(xdpObjectPath(), (xdp) => {
        const count = copied(xdp, hops);
        assert(count <= most(OF_A_SENDER), `${count} copied`);
      });
    });
    test('which 64 bits would not notice', () => {
      withProgram(by64, (xdp) => {
        assert.equal(copied(xdp, hops), FLOOD);
      });
    });
  });
});
