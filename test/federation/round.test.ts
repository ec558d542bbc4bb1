// SPDX-License-Identifier: Apache-2.0
/** One member in a period, to whom the others say what the test wants them to say. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bits } from '../../src/federation/bytes.ts';
import { statementsBytes } from '../../src/federation/certificate.ts';
import {
  proposalBytes,
  voteBytes,
  type RoundMessage,
  type WholeLock,
} from '../../src/federation/messages.ts';
import {
  Round,
  type KeptRound,
  type Observer,
  type RoundOptions,
  type RoundOutput,
} from '../../src/federation/round.ts';
import { proposalDigest, type Proposed } from '../../src/federation/statement.ts';
import { head, keysOf, rosterOf } from './network.ts';

const ME = 3;
const PERIOD = 1000;
const roster = rosterOf(4, { patience: 1000 });
const keys = keysOf(4);

/** Both are trees of one log, and true: a member can state either, and not both in one period. */
const [x, y] = [head(0, 100), head(0, 90)];
/** Of another log. */
const z = head(1, 50);

const observer: Observer = {
  candidates: () => [x, z],
  judge: ({ attachment }) =>
    Buffer.from(attachment).toString().startsWith('signed by log') ? 'stated' : 'refused',
};

/** A statement beside which is what its log did not sign. */
const withFalseProof = (item: Proposed): Proposed => ({ ...item, attachment: Uint8Array.of(7) });

function optionsOf(leaders: readonly number[]): RoundOptions {
  const signer = keys[ME]?.signer;
  assert.ok(signer !== undefined);
  const doubted = new Set<string>();
  return { roster, me: ME, signer, observer, period: PERIOD, leaders, start: 0, doubted };
}

function begin(kept?: KeptRound, leaders: readonly number[] = [0, 1, 2, ME]): Round {
  return new Round({ ...optionsOf(leaders), kept });
}

type Proposal = Extract<RoundMessage, { readonly kind: 'proposal' }>;

function propose(
  view: number,
  items: readonly Proposed[],
  locks: readonly WholeLock[] = [],
  leader = view % 4,
): Proposal {
  const bytes = proposalBytes(roster, PERIOD, { view, digest: proposalDigest(items) });
  const signature = keys[leader]?.signer.sign(bytes) ?? bytes;
  return { kind: 'proposal', period: PERIOD, view, items, signature, locks };
}

/** What these members make a lock by, who each vote for all of the items. */
function lockOn(view: number, items: readonly Proposed[], voters = [0, 1, 2]): WholeLock {
  const { signature } = propose(view, items);
  const header = { view, digest: proposalDigest(items), signature };
  const mask = Bits.of(
    items.length,
    items.map((_, i) => i),
  );
  const bytes = voteBytes(roster, PERIOD, header, mask);
  const signatures = new Map(voters.map((i) => [i, keys[i]?.signer.sign(bytes) ?? bytes]));
  return { header, items, chosen: mask, votes: [{ mask, signatures }] };
}

function lockMessage({ items, ...lock }: WholeLock): RoundMessage {
  return { kind: 'lock', period: PERIOD, view: lock.header.view, lock, count: items.length };
}

function told<Kind extends RoundMessage['kind']>(
  outputs: readonly RoundOutput[],
  kind: Kind,
): Extract<RoundMessage, { readonly kind: Kind }>[] {
  return outputs.flatMap((output) =>
    output.kind === 'tell' && output.message.kind === kind
      ? [output.message as Extract<RoundMessage, { readonly kind: Kind }>]
      : [],
  );
}

/** Which of the items of a proposal are voted for; undefined: it is not voted on. */
function votesFor(round: Round, view: number, proposal: Proposal): number[] | undefined {
  const votes = told(round.take(view % 4, proposal, round.beginningOf(view)), 'vote');
  assert.ok(votes.length <= 1);
  return votes[0]?.mask.members();
}

/** Has a round come to hold a lock of view 0 on these, and go on to a later view. */
function locked(items: readonly Proposed[], view: number): Round {
  const round = begin();
  round.time(0);
  assert.deepEqual(votesFor(round, 0, propose(0, items)), [...items.keys()]);
  const outputs = round.take(0, lockMessage(lockOn(0, items)), 1);
  assert.equal(told(outputs, 'statements').length, 1);
  round.time(round.beginningOf(view));
  return round;
}

describe('who has a lock', () => {
  const cases: readonly (readonly [string, readonly WholeLock[], readonly number[]])[] = [
    ['without a lock', [], []],
    ['with the lock that one has', [lockOn(0, [x])], []],
    ['with a lock of the same view', [lockOn(0, [y])], []],
    ['with a later lock on something else', [lockOn(1, [z])], []],
    ['with a later lock of too few', [lockOn(1, [y], [0, 1])], []],
    ['with a later lock on it', [lockOn(1, [y])], [0]],
  ];
  for (const [what, locks, votes] of cases)
    test(`${votes.length > 0 ? 'votes' : 'does not vote'} for something else ${what}`, () => {
      assert.deepEqual(votesFor(locked([x], 2), 2, propose(2, [y], locks)), votes);
    });

  test('does not vote for something else in the next view either', () => {
    assert.deepEqual(votesFor(locked([x], 1), 1, propose(1, [y])), []);
  });

  test('votes for the same again, and for what it has no lock on', () => {
    assert.deepEqual(votesFor(locked([x], 1), 1, propose(1, [x, z])), [0, 1]);
    assert.deepEqual(votesFor(locked([x], 1), 1, propose(1, [y, z])), [1]);
  });

  test('has no lock where its signatures are of others, or of too few, and states nothing', () => {
    const good = lockOn(0, [x]);
    const [votes] = good.votes;
    assert.ok(votes !== undefined);
    const [one, two, three] = [0, 1, 2].map((i) => votes.signatures.get(i) ?? new Uint8Array(64));
    assert.ok(one !== undefined && two !== undefined && three !== undefined);
    const withVotes = (signatures: ReadonlyMap<number, Uint8Array>): WholeLock => ({
      ...good,
      votes: [{ ...votes, signatures }],
    });
    for (const lock of [
      lockOn(0, [x], [0, 1]),
      withVotes(
        new Map([
          [0, one],
          [1, two],
          [2, two],
        ]),
      ),
      { ...good, votes: [...good.votes, ...good.votes] },
      { ...good, votes: [0, 1, 2].map(() => ({ ...votes, signatures: new Map([[0, one]]) })) },
    ]) {
      const round = begin();
      round.time(0);
      votesFor(round, 0, propose(0, [x]));
      assert.deepEqual(round.take(0, lockMessage(lock), 1), []);
      round.time(round.beginningOf(1));
      assert.deepEqual(votesFor(round, 1, propose(1, [y])), [0]);
    }
  });

  test('tells the next leader of it', () => {
    const round = begin();
    round.time(0);
    votesFor(round, 0, propose(0, [x]));
    round.take(0, lockMessage(lockOn(0, [x])), 1);
    const [ready] = told(round.time(round.beginningOf(1)), 'ready');
    assert.deepEqual(ready?.locks, [lockOn(0, [x])]);
  });
});

test('what one is not asked in its view, nobody but its leader asks, and nothing twice', () => {
  const round = begin();
  round.time(0);
  assert.deepEqual(round.take(1, propose(0, [x], [], 1), 1), []);
  assert.deepEqual(round.take(0, propose(0, [x], [], 1), 1), []);
  assert.deepEqual(votesFor(round, 0, propose(0, [x])), [0]);
  assert.equal(votesFor(round, 0, propose(0, [x])), undefined);
  assert.equal(votesFor(round, 0, propose(0, [y])), undefined);
  assert.equal(told(round.take(0, lockMessage(lockOn(0, [x])), 1), 'statements').length, 1);
  assert.deepEqual(round.take(0, lockMessage(lockOn(0, [x])), 1), []);
});

/** The outputs before the first that tells something of a kind; fails where nothing does. */
function before(outputs: readonly RoundOutput[], kind: RoundMessage['kind']): RoundOutput[] {
  const place = outputs.findIndex(
    (output) => output.kind === 'tell' && output.message.kind === kind,
  );
  assert.ok(place >= 0, `no ${kind}`);
  return outputs.slice(0, place);
}

function keptIn(outputs: readonly RoundOutput[]): KeptRound | undefined {
  return outputs.flatMap((output) => (output.kind === 'keep-round' ? [output.kept] : [])).at(-1);
}

/** A round whose member leads view 0, and was told what the others could state. */
function leading(kept?: KeptRound): RoundOutput[] {
  const round = begin(kept, [ME, 0, 1, 2]);
  round.time(0);
  return [0, 1, 2].flatMap((from) =>
    round.take(
      from,
      { kind: 'ready', period: PERIOD, view: 0, candidates: [x], seen: undefined, locks: [] },
      1,
    ),
  );
}

describe('what binds is kept before it is sent; after a crash in between', () => {
  test('no second proposal is made in a view', () => {
    const kept = keptIn(before(leading(), 'proposal'));
    assert.equal(kept?.view, 0);
    assert.equal(told(leading(kept), 'proposal').length, 0);
  });

  test('no second vote is given in a view, and one in the next', () => {
    const round = begin();
    round.time(0);
    const kept = keptIn(before(round.take(0, propose(0, [x]), 1), 'vote'));
    const again = begin(kept);
    again.time(0);
    assert.equal(votesFor(again, 0, propose(0, [y])), undefined);
    assert.deepEqual(again.take(0, lockMessage(lockOn(0, [y])), 1), []);
    again.time(again.beginningOf(1));
    assert.deepEqual(votesFor(again, 1, propose(1, [y])), [0]);
  });

  test('the lock behind which one signed is still there', () => {
    const round = begin();
    round.time(0);
    votesFor(round, 0, propose(0, [x]));
    const outputs = round.take(0, lockMessage(lockOn(0, [x])), 1);
    const [stated] = told(outputs, 'statements');
    const place = { roster: roster.hash, period: PERIOD, view: 0 };
    const bytes = statementsBytes(place, [x], Bits.of(1, [0]));
    const signers = Bits.of(4, [ME]);
    assert.ok(stated && roster.isSignedTogether({ signers, signature: stated.signature }, bytes));
    const again = begin(keptIn(before(outputs, 'statements')));
    again.time(again.beginningOf(1));
    assert.deepEqual(votesFor(again, 1, propose(1, [y])), []);
  });
});

describe('beside a true statement a false proof', () => {
  test('in a proposal has nobody vote for it', () => {
    const round = begin();
    round.time(0);
    assert.deepEqual(votesFor(round, 0, propose(0, [withFalseProof(x), z])), [1]);
  });

  for (const liar of [0, 1])
    test(`from one that is heard as number ${liar + 1}, while another is silent, is not what is proposed`, () => {
      const round = begin(undefined, [ME, 0, 1, 2]);
      const outputs = round.time(0);
      for (const from of [0, 1]) {
        const candidates = [from === liar ? withFalseProof(x) : x];
        outputs.push(
          ...round.take(
            from,
            { kind: 'ready', period: PERIOD, view: 0, candidates, seen: undefined, locks: [] },
            1,
          ),
        );
      }
      const [proposal] = told(outputs, 'proposal');
      assert.deepEqual(proposal?.items, [x]);
    });

  test('from all is proposed by nobody', () => {
    const round = new Round({
      ...optionsOf([ME, 0, 1, 2]),
      observer: { ...observer, candidates: () => [] },
    });
    const outputs = round.time(0);
    const candidates = [withFalseProof(x)];
    for (const from of [0, 1, 2])
      outputs.push(
        ...round.take(
          from,
          { kind: 'ready', period: PERIOD, view: 0, candidates, seen: undefined, locks: [] },
          1,
        ),
      );
    assert.equal(told(outputs, 'proposal').length, 0);
  });
});
