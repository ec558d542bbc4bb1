// SPDX-License-Identifier: Apache-2.0
/** A federation as its cleverest enemies meet it: members that lie in whichever way pays them most. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { publicKeyOf } from '../../src/bls/signatures.ts';
import { encodePublicKey, standard } from '../../src/bls/standard.ts';
import { Bits, list, long, readAll } from '../../src/federation/bytes.ts';
import { encodeCertificate, readCertificate } from '../../src/federation/certificate.ts';
import {
  idOf,
  Member as HonestMember,
  type Input,
  type Member,
  type Output,
} from '../../src/federation/member.ts';
import {
  decodeMessage,
  encodeMessage,
  proposalBytes,
  type Message,
} from '../../src/federation/messages.ts';
import { Roster, successor } from '../../src/federation/roster.ts';
import { proposalDigest, slotOf } from '../../src/federation/statement.ts';
import { MemoryStore } from '../../src/federation/store.ts';
import { fc, random } from '../support/random.ts';
import {
  accusation,
  agreed,
  FoundByChallenger,
  head,
  keysOf,
  Network,
  rosterBody,
  signRoster,
  type Delivery,
  type NetworkOptions,
  type Node,
} from './network.ts';

const PERIOD = 1000;
const PERIOD_MS = 60_000;
const PATIENCE = 1000;

/** What a member of a network says instead of what an honest one would. */
type Lies = (input: Input, now: number, honest: Member) => Output[];

function corrupt(network: Network, index: number, lies: Lies): void {
  const node = network.node(index);
  const honest = node.member;
  const liar = {
    handle: (input: Input, now: number) => lies(input, now, honest),
    get wakeAt() {
      return honest.wakeAt;
    },
    stated: (period: number) => honest.stated(period),
  };
  node.member = liar as unknown as Member;
}

/** Says what an honest member would, but for messages that `alter` makes others of; none: nothing. */
function altering(
  network: Network,
  alter: (message: Message, to: string) => Message | undefined,
): Lies {
  return (input, now, honest) =>
    honest.handle(input, now).flatMap((output): Output[] => {
      if (output.kind !== 'send') return [output];
      const message = alter(decodeMessage(output.bytes, network.roster), output.peer);
      return message === undefined
        ? []
        : [{ ...output, bytes: encodeMessage(message, network.roster) }];
    });
}

/** Who leads the first period of such a network: of members that are the same it is the same. */
function leaderOf(options: NetworkOptions): number {
  const told = new Set<Node>();
  const network = new Network({ ...options, delays: ({ to }) => (told.add(to), []) });
  network.run(0);
  const [leader] = told;
  assert(leader !== undefined && told.size === 1);
  return network.nodes.indexOf(leader);
}

/** The members but the leader of the first period. */
function othersThan(leader: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => i).filter((i) => i !== leader);
}

/** Whom an honest node holds for proven false. */
function accusedBy(node: Node): string[] {
  return node.news.flatMap((each) => (each.kind === 'fault' ? [each.member] : []));
}

/** How many pairings checking signatures of several takes, by whom no matter. */
function countPairings(network: Network): () => number {
  let count = 0;
  const { roster } = network;
  const isSignedTogether = roster.isSignedTogether.bind(roster);
  Object.assign(roster, {
    isSignedTogether: (...args: Parameters<typeof isSignedTogether>) => {
      count += 1;
      return isSignedTogether(...args);
    },
  });
  return () => {
    Reflect.deleteProperty(roster, 'isSignedTogether');
    return count;
  };
}

/** That all of these hold the same for agreed, of both logs. */
function assertAgreed(network: Network, honest: readonly number[], period = PERIOD): void {
  for (const i of honest) {
    const node = network.node(i);
    const heads = agreed(node, period).filter((each) => each.includes('head'));
    assert.equal(heads.length, 2, `member ${i}: ${agreed(node, period).join(', ')}`);
    assert.deepEqual(agreed(node, period), agreed(network.node(honest[0] ?? 0), period));
  }
}

const FOUR = { count: 4 };

/** True heads, beside which is what the log did not sign. */
function falseProofs(network: Network): Lies {
  const attachment = new Uint8Array(8000).fill(7);
  return altering(network, (message) =>
    message.kind === 'ready'
      ? { ...message, candidates: message.candidates.map((each) => ({ ...each, attachment })) }
      : message,
  );
}

describe('before there is a proposal', () => {
  const leader = leaderOf(FOUR);
  const others = othersThan(leader, 4);

  for (const place of [0, 1, 2])
    test(`false proofs beside true heads, heard as number ${place + 1}`, () => {
      const [liar = 0, ...rest] = others;
      const order = rest.toSpliced(place, 0, liar);
      const network: Network = new Network({
        ...FOUR,
        delays: ({ from }) => [1 + order.indexOf(network.nodes.indexOf(from))],
      });
      corrupt(network, liar, falseProofs(network));
      network.run(PATIENCE / 4 - 1);
      assertAgreed(network, [leader, ...rest]);
      for (const { attachment } of network.node(leader).member.stated(PERIOD))
        assert.match(Buffer.from(attachment).toString(), /^signed by log/);
    });

  test('false proofs, heard last, while another says nothing', () => {
    const count = 7;
    const first = leaderOf({ count });
    const [silent = 0, liar = 0, ...rest] = othersThan(first, count);
    const network: Network = new Network({
      count,
      delays: ({ from }) => [network.nodes.indexOf(from) === liar ? 2 : 1],
    });
    network.node(silent).isUp = false;
    corrupt(network, liar, falseProofs(network));
    network.run(PATIENCE / 4 - 1);
    assertAgreed(network, [first, ...rest]);
  });

  test('logs that nobody else has heard of are not waited for', () => {
    const network = new Network(FOUR);
    const [liar = 0, ...rest] = others;
    const lies = altering(network, (message) =>
      message.kind === 'ready'
        ? {
            ...message,
            candidates: [
              ...message.candidates,
              ...Array.from({ length: 200 }, (_, i) => accusation(20 + i)),
            ],
          }
        : message,
    );
    corrupt(network, liar, lies);
    network.run(PATIENCE / 4 - 1);
    assertAgreed(network, [leader, ...rest]);
  });

  test('trees larger than there are, smaller ones, and accusations', () => {
    for (const candidates of [
      [head(0, 1e6), head(1, 1e6)],
      [head(0, 1), head(1, 1)],
      [accusation(0), accusation(1)],
      [head(0, 100, 9), head(1, 100, 9)],
      [],
    ]) {
      const network = new Network(FOUR);
      const [liar = 0, ...rest] = others;
      corrupt(
        network,
        liar,
        altering(network, (message) =>
          message.kind === 'ready' ? { ...message, candidates } : message,
        ),
      );
      network.run(PATIENCE / 4 - 1);
      assertAgreed(network, [leader, ...rest]);
      const sizes = network
        .node(leader)
        .member.stated(PERIOD)
        .map(({ statement }) => (statement.kind === 'head' ? statement.treeSize : 0n));
      assert.deepEqual(sizes, [100n, 100n]);
    }
  });
});

describe('behind the proposal', () => {
  const SIXTEEN = { count: 16 };
  const leader = leaderOf(SIXTEEN);
  const others = othersThan(leader, 16);

  test('a signature of something else costs the leader a few checks, and nobody a view', () => {
    const network = new Network(SIXTEEN);
    const [liar = 0, ...rest] = others;
    corrupt(
      network,
      liar,
      altering(network, (message) =>
        message.kind === 'statements'
          ? {
              ...message,
              signature: keysOf(16)[liar]?.signer.signBls(new Uint8Array(9)) ?? message.signature,
            }
          : message,
      ),
    );
    const counted = countPairings(network);
    network.run(PATIENCE / 4 - 1);
    const pairings = counted();
    assertAgreed(network, [leader, ...rest]);
    // One of each member that verifies what is agreed on; the leader looks for the liar by halves.
    assert(pairings <= 16 + 1 + 2 * Math.log2(16) + 1, `${pairings}`);
  });

  test('who sent one is checked alone from then on, so that all others need not be', () => {
    const count = 7;
    let leader = -1;
    let liar = -1;
    const network: Network = new Network({
      count,
      delays: ({ from, bytes }) => {
        const { kind } = decodeMessage(bytes, network.roster);
        const sender = network.nodes.indexOf(from);
        if (kind === 'proposal') leader = sender;
        return [sender === liar ? 1 : 2];
      },
    });
    const first = leaderOf({ count });
    [liar = 0] = othersThan(first, count);
    corrupt(
      network,
      liar,
      altering(network, (message) =>
        message.kind === 'statements'
          ? { ...message, signature: network.node(liar).keys.signer.signBls(new Uint8Array(9)) }
          : message,
      ),
    );
    const costs: number[] = [];
    // Each period has a leader of its own, drawn by the keys that this run made: one may lead again late.
    while (costs.length < 2) {
      const counted = countPairings(network);
      network.run(PATIENCE / 4 - 1);
      const pairings = counted();
      if (leader === first) costs.push(pairings);
      network.runToNextPeriod();
    }
    const [once = 0, again = 0] = costs;
    // All who verify what is agreed on, the liar's, and those of the others together.
    assert.equal(again, count + 2);
    assert(once > again, `${once}`);
  });

  test('false certificates cost a check or two, however many', () => {
    const network = new Network(SIXTEEN);
    const [liar = 0, ...rest] = others;
    let proposal: Extract<Message, { kind: 'proposal' }> | undefined;
    corrupt(network, liar, (input, now, honest) => {
      const outputs = honest.handle(input, now);
      if (input.kind !== 'message' || proposal !== undefined) return outputs;
      const message = decodeMessage(input.bytes, network.roster);
      if (message.kind !== 'proposal') return outputs;
      proposal = message;
      const vote = outputs.flatMap((output) =>
        output.kind === 'send' ? [decodeMessage(output.bytes, network.roster)] : [],
      )[0];
      assert(vote?.kind === 'vote');
      const all = Bits.of(message.items.length, [0, 1]);
      const signers = Bits.of(
        16,
        Array.from({ length: 11 }, (_, i) => i),
      );
      const lie = (i: number): Message => ({
        kind: 'certificate',
        period: message.period,
        view: message.view,
        digest: vote.digest,
        chosen: all,
        count: message.items.length,
        groups: [
          {
            mask: all,
            signers,
            signature: keysOf(16)[liar]?.signer.signBls(Uint8Array.of(i)) ?? new Uint8Array(48),
          },
        ],
      });
      const lies = Array.from({ length: 10 }, (_, i) => encodeMessage(lie(i), network.roster));
      const victims = network.nodes.filter((_, i) => i !== liar);
      return [
        ...outputs,
        ...victims.flatMap(({ peer }) =>
          lies.map((bytes): Output => ({ kind: 'send', peer, bytes })),
        ),
      ];
    });
    const counted = countPairings(network);
    network.run(PATIENCE / 4 - 1);
    const pairings = counted();
    assert(proposal !== undefined);
    assertAgreed(network, [leader, ...rest]);
    assert(pairings <= 2 * 16, `${pairings}`);
  });
});

describe('a leader', () => {
  const SEVEN = { count: 7 };
  const leader = leaderOf(SEVEN);
  const others = othersThan(leader, 7);

  test('that proposes one thing to some and another to others is proven false, once', () => {
    const network = new Network(SEVEN);
    let count = 0;
    corrupt(network, leader, (input, now, honest) =>
      honest.handle(input, now).map((output) => {
        if (output.kind !== 'send') return output;
        const message = decodeMessage(output.bytes, network.roster);
        if (message.kind !== 'proposal' || count++ % 2 === 0) return output;
        const items = message.items.slice(0, 1);
        const twin = sayAsLeader(network, leader, message, items);
        return { ...output, bytes: encodeMessage(twin, network.roster) };
      }),
    );
    network.run(PERIOD_MS);
    assertAgreed(network, others);
    for (const i of others)
      assert.deepEqual(accusedBy(network.node(i)), [network.node(leader).peer], `member ${i}`);
  });

  for (const silentFrom of ['proposal', 'lock', 'certificate'] as const)
    test(`that goes silent before its ${silentFrom} costs a view`, () => {
      const network = new Network(SEVEN);
      corrupt(
        network,
        leader,
        altering(network, (message) => (message.kind === silentFrom ? undefined : message)),
      );
      network.run(2 * PATIENCE);
      assertAgreed(network, others);
    });

  test('that tells its certificate to one member alone', () => {
    const network = new Network(SEVEN);
    const [chosen = 0] = others;
    corrupt(
      network,
      leader,
      altering(network, (message, to) =>
        message.kind === 'certificate' && to !== network.node(chosen).peer ? undefined : message,
      ),
    );
    network.run(PERIOD_MS);
    assertAgreed(network, others);
  });
});

/** A proposal of a leader that says something else than what it should. */
function sayAsLeader(
  network: Network,
  leader: number,
  message: Extract<Message, { kind: 'proposal' }>,
  items: readonly ReturnType<typeof head>[],
): Message {
  const { period, view } = message;
  const digest = proposalDigest(items);
  const bytes = proposalBytes(network.roster, period, { view, digest });
  return { ...message, items, signature: keysOf(leader + 1)[leader]?.signer.sign(bytes) ?? bytes };
}

describe('floods', () => {
  test('of garbage, and of messages with a bit that is wrong: nobody fails, and nothing is believed', () => {
    const recorded: Delivery[] = [];
    const network = new Network({ ...FOUR, delays: (each) => (recorded.push(each), [1]) });
    network.run(PERIOD_MS / 2);
    const before = network.nodes.map((node) => agreed(node, PERIOD));
    fc.assert(
      fc.property(
        fc.nat(recorded.length - 1),
        fc.nat(),
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(3),
        (which, bit, garbage, how) => {
          const { bytes, to, from } = recorded[which] as Delivery;
          const wrong = new Uint8Array(bytes);
          const at = bit % (8 * wrong.length);
          if (how === 0) wrong[at >> 3] = (wrong[at >> 3] ?? 0) ^ (1 << (at & 7));
          const said = [
            wrong,
            wrong.subarray(0, at >> 3),
            new Uint8Array([...bytes, ...garbage]),
            new Uint8Array([...bytes.subarray(0, 9), ...garbage]),
          ][how] as Uint8Array;
          for (const output of to.member.handle(
            { kind: 'message', peer: from.peer, bytes: said },
            network.now,
          ))
            assert.equal(output.kind, 'send');
        },
      ),
      { numRuns: 2000 },
    );
    assert.deepEqual(
      network.nodes.map((node) => agreed(node, PERIOD)),
      before,
    );
  });

  test('a member that sends without end is not listened to any more, and the next period is as ever', () => {
    const network = new Network(FOUR);
    const [liar, victim] = [network.node(3), network.node(0)];
    let answered = 0;
    network.run(2 * PATIENCE);
    const compare = encodeMessage(
      { kind: 'want', ids: Array.from({ length: 512 }, () => new Uint8Array(41)) },
      network.roster,
    );
    for (let i = 0; i < 20_000; i++)
      answered += victim.member.handle(
        { kind: 'message', peer: liar.peer, bytes: compare },
        network.now,
      ).length;
    assert(answered <= 5000, `${answered}`);
    network.runToNextPeriod();
    network.run(PATIENCE / 4 - 1);
    assertAgreed(network, [0, 1, 2, 3], PERIOD + 1);
  });

  test('comparing the same ranges again and again in one message', () => {
    const network = new Network(FOUR);
    network.run(2 * PATIENCE);
    const all = {
      from: new Uint8Array(0),
      to: undefined,
      has: { count: 7, hash: new Uint8Array(16) },
    };
    const overlapping: Message = {
      kind: 'compare',
      ranges: Array.from({ length: 200 }, () => all),
    };
    const bytes = encodeMessage(overlapping, network.roster);
    const [liar, victim] = [network.node(3), network.node(0)];
    const outputs = victim.member.handle({ kind: 'message', peer: liar.peer, bytes }, network.now);
    assert.deepEqual(outputs, []);
  });

  test('who is no member is not heard at all', () => {
    const network = new Network(FOUR);
    const recorded: Uint8Array[] = [];
    const spy = new Network({ ...FOUR, delays: ({ bytes }) => (recorded.push(bytes), [1]) });
    spy.run(2 * PATIENCE);
    for (const bytes of recorded)
      assert.deepEqual(
        network
          .node(0)
          .member.handle({ kind: 'message', peer: '00'.repeat(32), bytes }, network.now)
          .filter((each) => each.kind !== 'send'),
        [],
      );
  });
});

describe('what was said before', () => {
  test('said again, to anybody, in this period and the next, changes nothing and accuses nobody', () => {
    const recorded: Delivery[] = [];
    let isRecording = true;
    const network: Network = new Network({
      ...FOUR,
      delays: (each) => {
        if (isRecording) recorded.push(each);
        return [1];
      },
    });
    network.run(PERIOD_MS / 2);
    isRecording = false;
    const news = (): string[] =>
      network.nodes.map(({ news: all }) => all.map(({ kind }) => kind).join());
    const [before, told] = [network.nodes.map((node) => agreed(node, PERIOD)), news()];
    const replay = (): void => {
      for (const { from, bytes } of recorded)
        for (const to of network.nodes)
          if (to !== from) network.give(to, { kind: 'message', peer: from.peer, bytes });
    };
    replay();
    network.restart(1);
    replay();
    assert.deepEqual(news(), told);
    network.runToNextPeriod();
    replay();
    network.run(PERIOD_MS / 2);
    assert.deepEqual(
      network.nodes.map((node) => agreed(node, PERIOD)),
      before,
    );
    assertAgreed(network, [0, 1, 2, 3], PERIOD + 1);
    for (const node of network.nodes) assert.deepEqual(accusedBy(node), []);
  });
});

describe('crashes', () => {
  test('at any moment, with whatever is lost: no honest member contradicts itself', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const draw = random(seed);
        const network: Network = new Network({
          ...FOUR,
          delays: () =>
            draw(8) === 0 ? [] : [1 + draw(400), ...(draw(5) === 0 ? [draw(900)] : [])],
        });
        for (let i = 0; i < 12; i++) {
          network.run(draw(1200));
          network.restart(draw(4));
        }
        network.runToNextPeriod();
        network.run(PERIOD_MS);
        const stated = new Map<string, string>();
        for (const node of network.nodes) {
          assert.deepEqual(accusedBy(node), []);
          assert(!node.news.some(({ kind }) => kind === 'disagreement'));
          for (const period of [PERIOD, PERIOD + 1])
            for (const { statement } of node.member.stated(period)) {
              const slot = `${period} ${slotOf(statement)}`;
              const said = statement.kind === 'head' ? `${statement.treeSize}` : statement.kind;
              assert.equal(stated.get(slot) ?? said, said);
              stated.set(slot, said);
            }
        }
      }),
      { numRuns: 10 },
    );
  });
});

describe('time', () => {
  for (const skew of [-86_400_000, -20_000, -2000, 2000, 20_000, 86_400_000])
    test(`a member whose clock is ${skew} ms off costs nobody else anything`, () => {
      const leader = leaderOf(FOUR);
      const [wrong = 0, ...rest] = othersThan(leader, 4);
      const network = new Network({ ...FOUR, start: PERIOD * PERIOD_MS - 30_000 });
      const node = network.node(wrong);
      const honest = node.member;
      node.member = {
        handle: (input: Input, now: number) => honest.handle(input, now + skew),
        get wakeAt() {
          return honest.wakeAt - skew;
        },
        stated: (period: number) => honest.stated(period),
      } as unknown as Member;
      network.run(30_000 + PATIENCE / 4 - 1);
      assertAgreed(network, [leader, ...rest]);
      network.run(2 * PERIOD_MS);
      // Whose clock is a day behind takes nothing of what it holds for tomorrow.
      const learns = skew < -PERIOD_MS ? [] : [wrong];
      assertAgreed(network, [leader, ...rest, ...learns]);
      for (const each of network.nodes) assert.deepEqual(accusedBy(each), []);
    });

  test('who is late and is told what was agreed on with false proofs beside it', () => {
    const network = new Network(FOUR);
    const [liar, late] = [network.node(2), network.node(3)];
    late.isUp = false;
    network.run(PERIOD_MS / 2);
    const bytes = network.node(0).store.certificates(PERIOD)[0] as Uint8Array;
    const certificate = readAll(bytes, (cursor) => readCertificate(cursor, 4));
    const attachment = new Uint8Array(8000).fill(7);
    const items = certificate.items.map((each) => ({ ...each, attachment }));
    const told = list([long(encodeCertificate({ ...certificate, items }))]);
    const object = { id: idOf('period', PERIOD, new Uint8Array(32).fill(1)), bytes: told };
    const message = encodeMessage({ kind: 'objects', objects: [object] }, network.roster);
    late.isUp = true;
    network.give(late, { kind: 'message', peer: liar.peer, bytes: message });
    assertAgreed(network, [0, 1, 3]);
    for (const each of late.member.stated(PERIOD))
      assert.match(Buffer.from(each.attachment).toString(), /^signed by log/);
  });

  test('two halves that find each other within the period agree in it', () => {
    let isParted = true;
    const network: Network = new Network({
      count: 8,
      delays: ({ from, to }) =>
        isParted && network.nodes.indexOf(from) % 2 !== network.nodes.indexOf(to) % 2 ? [] : [1],
    });
    network.run(15_000);
    for (const node of network.nodes) assert.deepEqual(agreed(node, PERIOD), []);
    isParted = false;
    network.run(15_000);
    assertAgreed(network, [0, 1, 2, 3, 4, 5, 6, 7]);
  });
});

describe('rosters', () => {
  const keys = keysOf(4);

  test('a key made of those of others, without its secret, is refused', () => {
    const body = rosterBody(keys);
    const [, ...others] = keys;
    const rogue = others.reduce(
      (key, { secret }) => key.subtract(publicKeyOf(standard, secret)),
      publicKeyOf(standard, keys[0]?.secret ?? 1n),
    );
    const bls = encodePublicKey(rogue);
    for (const change of [
      { bls },
      { bls, proof: body.members[1]?.proof ?? bls },
      { proof: body.members[1]?.proof ?? bls },
    ])
      assert.throws(
        () =>
          Roster.of({
            ...body,
            members: body.members.map((each, i) => (i === 0 ? { ...each, ...change } : each)),
          }),
        /nothing proves that it has the secret/,
      );
    for (const bytes of [new Uint8Array(96), new Uint8Array([0xc0, ...new Uint8Array(95)])])
      assert.throws(
        () =>
          Roster.of({
            ...body,
            members: body.members.map((each, i) => (i === 0 ? { ...each, bls: bytes } : each)),
          }),
        /its BLS key is none/,
      );
  });

  test('of an epoch that does not follow, of another federation, or of too few', () => {
    const first = rosterBody(keys);
    const before = Roster.of(first);
    const next = { ...first, epoch: 1, previous: before.hash, start: PERIOD + 2 };
    const enough = [0, 1, 2];
    assert(successor(before, signRoster(keys, enough, next)) instanceof Roster);
    const wrong: [string, number[], Partial<typeof next>, RegExp][] = [
      ['epoch', enough, { epoch: 2 }, /does not follow/],
      ['before', enough, { previous: new Uint8Array(32).fill(1) }, /follows another roster/],
      ['name', enough, { name: 'other' }, /another federation/],
      ['few', [0, 1], {}, /2 have signed it, and it takes 3/],
      ['twice', [0, 0, 1], {}, /takes 3/],
    ];
    for (const [what, signers, change, want] of wrong)
      assert.throws(
        () => successor(before, signRoster(keys, signers, { ...next, ...change })),
        want,
        what,
      );
  });

  test('two for one epoch, each signed by a threshold: who signed both is proven false', () => {
    const network = new Network({ ...FOUR, changes: {} });
    const next = {
      ...rosterBody(keys),
      epoch: 1,
      previous: network.roster.hash,
      start: PERIOD + 2,
    };
    const one = signRoster(keys, [0, 2, 3], next);
    const other = signRoster(keys, [1, 2, 3], { ...next, patience: 500 });
    network.give(network.node(0), { kind: 'roster', signed: one });
    network.give(network.node(1), { kind: 'roster', signed: other });
    for (let i = 0; i < 4; i++) network.runToNextPeriod();
    for (const i of [0, 1]) {
      const found = network.node(i).news.map(({ kind }) => kind);
      assert(found.includes('fault') || found.includes('disagreement'), found.join());
    }
  });
});

test('cosignatures go once to each, though all send theirs at the same time', () => {
  const count = 7;
  let sent = 0;
  const network: Network = new Network({
    count,
    delays: ({ from, bytes }) => {
      const message = decodeMessage(bytes, network.roster);
      if (message.kind === 'objects') sent += message.objects.length;
      return [5 * (1 + network.nodes.indexOf(from))];
    },
  });
  network.run(2 * PATIENCE);
  sent = 0;
  for (const [i, node] of network.nodes.entries()) {
    const bytes = new Uint8Array(Buffer.from(`by m${i}`));
    network.give(node, { kind: 'cosigned', period: PERIOD, bytes });
  }
  network.run(2 * PATIENCE);
  assert.equal(sent, count * (count - 1));
  for (const { member } of network.nodes) assert.equal(member.cosignatures(PERIOD).size, count);
});

describe('more liars than the threshold allows for', () => {
  test('can have two agreements, and everybody who sees both says so', () => {
    // Members 2 and 3 tell each of the others what that one has seen, of a log that has two faces.
    const network = new Network({ ...FOUR, logs: 1 });
    network.node(1).found.branch = 1;
    for (const liar of [2, 3]) {
      const faces = [0, 1].map((branch) => {
        const found = new FoundByChallenger();
        found.branch = branch;
        found.logs.set(0, 100);
        return faceOf(network, liar, found);
      });
      const node = network.node(liar);
      node.member = {
        handle: (input: Input, now: number) =>
          faces.flatMap((face, i) =>
            face
              .handle(input, now)
              .filter(
                (output) => output.kind !== 'send' || output.peer !== network.node(1 - i).peer,
              ),
          ),
        get wakeAt() {
          return Math.min(...faces.map(({ wakeAt }) => wakeAt));
        },
        stated: () => [],
      } as unknown as Member;
    }
    for (let i = 0; i < 6; i++) network.runToNextPeriod();
    const seen = [0, 1].map((i) => network.node(i).news.map(({ kind }) => kind));
    const liars = new Set([2, 3].map((i) => network.node(i).peer));
    for (const i of [0, 1])
      for (const accused of accusedBy(network.node(i))) assert(liars.has(accused));
    const periods = [0, 1, 2, 3, 4, 5].map((i) => PERIOD + i);
    const isForked = periods.some(
      (period) =>
        agreed(network.node(0), period).length > 0 &&
        agreed(network.node(1), period).length > 0 &&
        agreed(network.node(0), period).join() !== agreed(network.node(1), period).join(),
    );
    if (isForked) for (const kinds of seen) assert(kinds.includes('disagreement'), kinds.join());
    else
      for (const kinds of seen)
        assert(kinds.includes('fault') || !kinds.includes('certified'), kinds.join());
  });
});

function faceOf(network: Network, liar: number, found: FoundByChallenger): Member {
  const { keys } = network.node(liar);
  return new HonestMember({
    rosters: [network.roster],
    key: keys.key,
    signer: keys.signer,
    observer: found,
    convicts: () => undefined,
    goodCosignatures: (_, __, bytes) => bytes,
    store: new MemoryStore(),
    random: () => 0.5,
  });
}
