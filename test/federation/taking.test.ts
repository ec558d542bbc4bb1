// SPDX-License-Identifier: Apache-2.0
/** What a member takes from its peers, keeps of it, and gives on. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bits, hex, list, long, readAll, sha256 } from '../../src/federation/bytes.ts';
import {
  encodeCertificate,
  faultOf,
  readCertificate,
  statementsBytes,
  type Certificate,
} from '../../src/federation/certificate.ts';
import { encodeFault, type Fault, type Said } from '../../src/federation/fault.ts';
import { idOf, KEPT_PERIODS, type Output } from '../../src/federation/member.ts';
import {
  decodeMessage,
  encodeMessage,
  MAX_IDS,
  proposalBytes,
  type Message,
  type SetObject,
} from '../../src/federation/messages.ts';
import type { RosterBody, SignedRoster } from '../../src/federation/roster.ts';
import { proposalDigest } from '../../src/federation/statement.ts';
import { updateOf } from '../../src/federation/serve.ts';
import { MemoryStore } from '../../src/federation/store.ts';
import { verifyUpdate, type Update } from '../../src/federation/update.ts';
import {
  agreed,
  head,
  idOfLog,
  keysOf,
  Network,
  rosterOf,
  signedBy,
  signRoster,
  type Node,
} from './network.ts';

const FOUR = { count: 4, logs: 1 };
const PERIOD = 1000;
const keys = keysOf(4);

/** Tells a node something as a peer does, and has it work until it has nothing more to do at once. */
function tell(network: Network, to: Node, from: Node, message: Message | Uint8Array): Output[] {
  const bytes = message instanceof Uint8Array ? message : encodeMessage(message, network.roster);
  const outputs = to.member.handle({ kind: 'message', peer: from.peer, bytes }, network.now);
  while (to.member.wakeAt === 0) outputs.push(...to.member.handle({ kind: 'time' }, network.now));
  return outputs;
}

const evidence = (log: number): SetObject => ({
  id: idOf('evidence', 0, idOfLog(log)),
  bytes: Uint8Array.of(0xbb, log),
});

/** That it is called what it is not, with an ID of its own. */
const falseEvidence = (number: number): SetObject => ({
  id: idOf('evidence', 0, sha256(String(number))),
  bytes: Uint8Array.of(0, number),
});

const objects = (...all: readonly SetObject[]): Message => ({ kind: 'objects', objects: all });

function sent(network: Network, outputs: readonly Output[]): Message['kind'][] {
  return outputs.flatMap((output) =>
    output.kind === 'send' ? [decodeMessage(output.bytes, network.roster).kind] : [],
  );
}

describe('who brings what is false three times', () => {
  const falseOnes: readonly (readonly [string, (i: number) => Message | Uint8Array])[] = [
    ['evidence', (i) => objects(falseEvidence(i))],
    [
      'no object',
      (i) => objects({ id: new Uint8Array(41).fill(200 + i), bytes: Uint8Array.of(i) }),
    ],
    ['no message', (i) => Uint8Array.of(99, i)],
    [
      'cosignatures of another',
      (i) =>
        objects({
          id: idOf('cosignatures', PERIOD, sha256(keys[0]?.key ?? '')),
          bytes: Uint8Array.of(i),
        }),
    ],
  ];
  for (const [what, make] of falseOnes)
    test(`is taken nothing from in that period any more: ${what}`, () => {
      const network = new Network(FOUR);
      network.run(2000);
      const [honest, victim, liar] = [network.node(1), network.node(2), network.node(3)];
      for (let i = 0; i < 2; i++) tell(network, victim, liar, make(i));
      tell(network, victim, liar, objects(evidence(5)));
      assert.deepEqual([...victim.member.evidence().keys()], [hex(idOfLog(5))], 'after two');
      tell(network, victim, liar, make(2));
      tell(network, victim, liar, objects(evidence(6)));
      assert.equal(victim.member.evidence().size, 1, 'after three');
      // It is asked for nothing either, and everybody else is.
      const all = { from: new Uint8Array(0), to: undefined, has: [evidence(6).id] };
      const compare: Message = { kind: 'compare', ranges: [all] };
      assert.ok(!sent(network, tell(network, victim, liar, compare)).includes('want'));
      assert.ok(sent(network, tell(network, victim, honest, compare)).includes('want'));
      tell(network, victim, honest, objects(evidence(6)));
      assert.equal(victim.member.evidence().size, 2);
      network.runToNextPeriod();
      tell(network, victim, liar, objects(evidence(7)));
      assert.ok(victim.member.evidence().has(hex(idOfLog(7))), 'in the next period');
    });

  test('costs three checks, however many it brings', () => {
    let checks = 0;
    const convicts = (): undefined => void (checks += 1);
    const network = new Network({ ...FOUR, member: { convicts } });
    network.run(2000);
    const lies = Array.from({ length: 200 }, (_, i) => falseEvidence(i));
    tell(network, network.node(2), network.node(3), objects(...lies));
    assert.equal(checks, 3);
  });
});

/** The same members, of whom fewer are a threshold from `start` on. */
function nextBody(network: Network, start: number, changes: Partial<RosterBody> = {}): RosterBody {
  const { body, hash } = network.roster;
  return { ...body, epoch: 1, previous: hash, start, patience: 2000, ...changes };
}

/** What a threshold of a roster, whoever it is, stated. */
function certified(
  roster: Uint8Array,
  items: Certificate['items'],
  members: readonly number[],
  period = PERIOD,
): Certificate {
  const mask = Bits.of(items.length, items.keys());
  const place = { roster, period, view: 0 };
  const group = signedBy(keys, members, statementsBytes(place, items, mask));
  return { ...place, items, groups: [{ ...group, mask }] };
}

function periodObject(...certificates: readonly Certificate[]): SetObject {
  const bytes = list(certificates.map((each) => long(encodeCertificate(each))));
  return { id: idOf('period', certificates[0]?.period ?? 0, sha256(bytes)), bytes };
}

describe('a certificate is by the roster of its period', () => {
  test('what those signed who are in force no more is void, and nobody is a liar by it', () => {
    const network = new Network(FOUR);
    const [victim, peer] = [network.node(2), network.node(3)];
    for (const node of [victim, peer]) node.isUp = false;
    network.give(victim, { kind: 'time' });
    const next = nextBody(network, PERIOD);
    victim.member.handle(
      { kind: 'roster', signed: signRoster(keys, [0, 1, 2], next) },
      network.now,
    );
    const { hash } = victim.member.newestRoster;
    const old = [1, 2, 3, 4].map((i) => certified(network.roster.hash, [head(i, 100)], [0, 1, 2]));
    for (const each of old) tell(network, victim, peer, objects(periodObject(each)));
    assert.deepEqual(agreed(victim, PERIOD), []);
    const now = certified(hash, [head(0, 100)], [0, 1, 2]);
    tell(network, victim, peer, objects(periodObject(now)));
    assert.equal(agreed(victim, PERIOD).length, 1);
    // And the new one has no say before its time.
    const early = certified(hash, [head(0, 100)], [0, 1, 2], PERIOD - 1);
    tell(network, victim, peer, objects(periodObject(early)));
    assert.deepEqual(agreed(victim, PERIOD - 1), []);
  });

  test('what was stated by the old one is void once it is known', () => {
    const network = new Network(FOUR);
    network.run(2000);
    const node = network.node(0);
    assert.equal(agreed(node, PERIOD).length, 1);
    const signed = signRoster(keys, [0, 1, 2], nextBody(network, PERIOD));
    node.member.handle({ kind: 'roster', signed }, network.now);
    assert.deepEqual(agreed(node, PERIOD), []);
    assert.deepEqual(node.member.latest(), []);
  });

  test('its members, keys and signatures are none of another', () => {
    const [roster, other] = [rosterOf(4), rosterOf(4, { patience: 1001 })];
    const good = certified(roster.hash, [head(0, 100)], [0, 1, 2]);
    assert.equal(faultOf(good, roster), undefined);
    assert.equal(faultOf(good, other), 'it is of another roster');
    assert.match(faultOf({ ...good, roster: other.hash }, other) ?? '', /not of those/);
    const few = certified(roster.hash, [head(0, 100)], [0, 1]);
    assert.match(faultOf(few, roster) ?? '', /has the 3 signatures/);
    const twice = { ...few, groups: [...few.groups, ...few.groups] };
    assert.equal(faultOf(twice, roster), 'somebody signed twice');
  });

  test('a client takes none for a period that it has no say in', () => {
    const network = new Network(FOUR);
    const first: SignedRoster = signRoster(keys, [0, 1, 2, 3], network.roster.body);
    const next = signRoster(keys, [0, 1, 2], nextBody(network, PERIOD));
    const hashes = [network.roster.hash, rosterOf(4, next.body).hash];
    const says = (of: number, period: number): boolean => {
      const certificate = certified(
        hashes[of] ?? next.body.previous,
        [head(0, 9)],
        [0, 1, 2],
        period,
      );
      const update: Update = {
        federation: 'test',
        period: PERIOD,
        rosters: [first, next],
        certificates: [certificate],
        checkpoints: [],
        evidence: [],
        faults: [],
      };
      return verifyUpdate(update, first).checks.every(({ holds }) => holds);
    };
    assert.deepEqual(
      [says(0, PERIOD - 1), says(1, PERIOD - 1), says(0, PERIOD), says(1, PERIOD)],
      [true, false, false, true],
    );
  });
});

describe('what is sent out of its place', () => {
  test('a certificate of a period that is still to come, or is forgotten, is not kept', () => {
    const network = new Network(FOUR);
    const [victim, peer] = [network.node(2), network.node(3)];
    victim.member.handle({ kind: 'time' }, network.now);
    const { hash } = network.roster;
    const of = (period: number): Certificate => certified(hash, [head(0, 100)], [0, 1, 2], period);
    const start = 60_000 * 1000 + KEPT_PERIODS * 60_000;
    network.now = start;
    const now = PERIOD + KEPT_PERIODS;
    for (const period of [now + 2, now + 1e9, now - KEPT_PERIODS - 1, 0])
      tell(network, victim, peer, objects(periodObject(of(period))));
    assert.deepEqual(victim.store.periods(), []);
    // Whatever they are called: it is what they are that counts.
    const called = { ...periodObject(of(now + 2)), id: periodObject(of(now)).id };
    tell(network, victim, peer, objects(called));
    assert.deepEqual(victim.store.periods(), []);
    const kept = [now - KEPT_PERIODS, now, now + 1];
    for (const period of kept) tell(network, victim, peer, objects(periodObject(of(period))));
    assert.deepEqual([...victim.store.periods()].sort(), kept.map(Number).sort());
  });

  test('more in one message than there may be is no message, and three of them are the last', () => {
    const ids = (count: number): Uint8Array[] =>
      Array.from({ length: count }, (_, i) => idOf('evidence', i));
    const many: readonly Message[] = [
      { kind: 'want', ids: ids(MAX_IDS + 1) },
      {
        kind: 'compare',
        ranges: [{ from: new Uint8Array(0), to: undefined, has: ids(MAX_IDS + 1) }],
      },
      {
        kind: 'compare',
        ranges: ids(300).map((from, i) => ({ from, to: idOf('evidence', i + 1), has: [] })),
      },
      objects(...Array.from({ length: 257 }, (_, i) => falseEvidence(i))),
    ];
    for (const message of many) {
      const network = new Network(FOUR);
      network.run(2000);
      const [victim, liar] = [network.node(2), network.node(3)];
      for (let i = 0; i < 3; i++) assert.deepEqual(tell(network, victim, liar, message), []);
      tell(network, victim, liar, objects(evidence(6)));
      assert.equal(victim.member.evidence().size, 0);
    }
  });

  test('what was said under an old roster, said again under the new one, changes nothing', () => {
    const said: { from: Node; to: Node; bytes: Uint8Array }[] = [];
    const network = new Network({ ...FOUR, delays: (each) => (said.push(each), [1]) });
    network.run(2000);
    const signed = signRoster(keys, [0, 1, 2], nextBody(network, PERIOD + 2));
    network.give(network.node(0), { kind: 'roster', signed });
    for (let i = 0; i < 2; i++) network.runToNextPeriod();
    const old = said.splice(0);
    assert(old.length > 20);
    const before = network.nodes.map(({ news }) => news.length);
    const agreedBefore = network.nodes.map((node) => agreed(node, PERIOD + 2));
    for (const { from, to, bytes } of old) tell(network, to, from, bytes);
    assert.deepEqual(
      network.nodes.map(({ news }) => news.length),
      before,
    );
    assert.deepEqual(
      network.nodes.map((node) => agreed(node, PERIOD + 2)),
      agreedBefore,
    );
    for (let i = 0; i < 2; i++) network.runToNextPeriod();
    for (const { member, news } of network.nodes) {
      assert.equal(member.newestRoster.body.epoch, 1);
      assert.equal(member.stated(PERIOD + 3).length, 1);
      assert(!news.some(({ kind }) => kind === 'fault' || kind === 'disagreement'));
    }
  });

  test("cosignatures of what is not known yet are nobody's lie, and wait", () => {
    let isKnown = false;
    let checks = 0;
    const goodCosignatures = (
      _: unknown,
      __: unknown,
      bytes: Uint8Array,
    ): Uint8Array | 'unknown' => {
      checks += 1;
      return isKnown ? bytes : 'unknown';
    };
    const network = new Network({ ...FOUR, logs: 2, member: { goodCosignatures } });
    const [victim, peer] = [network.node(2), network.node(3)];
    for (const node of network.nodes) node.isUp = false;
    victim.member.handle({ kind: 'time' }, network.now);
    const { hash } = network.roster;
    const items = [0, 1].map((log) => head(log, 100));
    tell(network, victim, peer, objects(periodObject(certified(hash, [head(0, 100)], [0, 1, 2]))));
    const own = {
      id: idOf('cosignatures', PERIOD, sha256(keys[3]?.key ?? '')),
      bytes: Uint8Array.of(1),
    };
    for (let i = 0; i < 5; i++) tell(network, victim, peer, objects(own));
    assert.equal(victim.member.cosignatures(PERIOD).size, 0);
    tell(network, victim, peer, objects(evidence(5)));
    assert.equal(victim.member.evidence().size, 1, 'it is listened to all the same');
    // Once more each when there is news, and then no more.
    const other = certified(hash, [head(2, 100)], [0, 1, 2]);
    tell(network, victim, peer, objects(periodObject(other)));
    assert.equal(checks, 10);
    tell(network, victim, peer, objects(own));
    isKnown = true;
    tell(network, victim, peer, objects(periodObject(certified(hash, items.slice(1), [0, 1, 2]))));
    assert.equal(victim.member.cosignatures(PERIOD).size, 1);
    assert.equal(checks, 12);
  });
});

test('what has too few signatures in one certificate and enough in another is shown by that one', () => {
  const network = new Network({ ...FOUR, logs: 2 });
  const [victim, peer] = [network.node(2), network.node(3)];
  victim.member.handle({ kind: 'time' }, network.now);
  const { hash } = network.roster;
  const items = [head(0, 100), head(1, 100)];
  const place = { roster: hash, period: PERIOD, view: 0 };
  const groups = [[Bits.of(2, [0, 1]), [0, 1]] as const, [Bits.of(2, [0]), [2]] as const].map(
    ([mask, members]) => ({
      mask,
      ...signedBy(keys, members, statementsBytes(place, items, mask)),
    }),
  );
  tell(network, victim, peer, objects(periodObject({ ...place, items, groups })));
  assert.equal(agreed(victim, PERIOD).length, 1);
  const second = certified(hash, [head(1, 100)], [0, 1, 2]);
  tell(network, victim, peer, objects(periodObject({ ...second })));
  assert.equal(agreed(victim, PERIOD).length, 2);
  const first = signRoster(keys, [0, 1, 2, 3], network.roster.body);
  const update = updateOf(victim.member, [first], new Map(), PERIOD);
  const { checks, latest } = verifyUpdate(update, first);
  assert(checks.every(({ holds }) => holds));
  assert.equal(latest.length, 2);
});

test('false proofs beside what was agreed on are replaced by own ones, or dropped, and passed on to nobody', () => {
  const network = new Network(FOUR);
  const [late, knows] = [network.node(2), network.node(3)];
  late.found.logs.clear();
  for (const node of network.nodes) node.isUp = false;
  for (const node of [late, knows]) node.member.handle({ kind: 'time' }, network.now);
  const attachment = new Uint8Array(8000).fill(7);
  const items = [{ ...head(0, 100), attachment }];
  const certificate = certified(network.roster.hash, items, [0, 1, 2]);
  const attachments = [late, knows].map((node) => {
    tell(network, node, network.node(0), objects(periodObject(certificate)));
    const [bytes] = node.store.certificates(PERIOD);
    assert.ok(bytes !== undefined);
    const [kept] = readAll(bytes, (cursor) => readCertificate(cursor, 4)).items;
    return Buffer.from(kept?.attachment ?? []).toString();
  });
  assert.deepEqual(attachments, ['', 'signed by log 0']);
});

/** A disk that takes nothing of what binds. */
class FullStore extends MemoryStore {
  isFull = false;

  override keepRound(...args: Parameters<MemoryStore['keepRound']>): void {
    if (this.isFull) throw new Error('the disk is full');
    super.keepRound(...args);
  }
}

/** A signature in it that binds whoever sends it, or that of what binds him. */
function isBinding(message: Message): boolean {
  if (message.kind === 'ready') return message.seen !== undefined || message.locks.length > 0;
  return ['proposal', 'vote', 'lock', 'statements'].includes(message.kind);
}

for (const full of [[0], [1], [2], [3], [0, 1, 2, 3]])
  test(`members ${full.join(', ')}, whose disks are full, say nothing that binds, and go on when there is room`, () => {
    const network = new Network(FOUR);
    const stores = full.map(() => new FullStore());
    const bindings: string[] = [];
    full.forEach((index, i) => {
      const node = network.node(index);
      const store = stores[i] as FullStore;
      store.isFull = true;
      Object.assign(node, { store });
      network.restart(index);
      const { member } = node;
      const handle = member.handle.bind(member);
      member.handle = (input, now) => {
        try {
          const outputs = handle(input, now);
          for (const output of store.isFull ? outputs : []) {
            if (output.kind !== 'send') continue;
            const message = decodeMessage(output.bytes, network.roster);
            // The first proposal that others sign is theirs to tell of.
            if (isBinding(message) && (full.length > 1 || message.kind !== 'ready'))
              bindings.push(`${index}: ${message.kind}`);
          }
          return outputs;
        } catch (error) {
          assert.match((error as Error).message, /the disk is full/);
          return [];
        }
      };
    });
    network.run(8000);
    assert.deepEqual(bindings, []);
    for (const store of stores) store.isFull = false;
    network.run(20_000);
    for (const node of network.nodes) assert.equal(agreed(node, PERIOD).length, 1);
  });

/** All that a member gives to clients, as text. */
function given({ member }: Node, periods: readonly number[]): string {
  return JSON.stringify([
    member
      .latest()
      .map(({ period, item }) => [period, item.statement.kind, hex(item.statement.id)]),
    periods.map((period) =>
      member.certificates(period).map((each) => hex(encodeCertificate(each))),
    ),
    periods.map((period) =>
      [...member.cosignatures(period)].map(([key, bytes]) => [key, hex(bytes)]),
    ),
    [...member.evidence()].map(([id, bytes]) => [id, hex(bytes)]),
    member.faults().map(hex),
    hex(member.newestRoster.hash),
  ]);
}

test('its version is another whenever it gives something else, and seldom otherwise', () => {
  const network = new Network({ ...FOUR, logs: 2 });
  const versions = network.nodes.map(() => new Map<number, string>());
  const changes = network.nodes.map(() => new Set<string>());
  const periods = [0, 1, 2, 3, 4, 5].map((i) => PERIOD + i);
  let count = 0;
  network.nodes.forEach((node, i) => {
    const handle = node.member.handle.bind(node.member);
    node.member.handle = (input, now) => {
      const outputs = handle(input, now);
      count += 1;
      const text = given(node, periods);
      assert.equal(versions[i]?.get(node.member.version) ?? text, text);
      versions[i]?.set(node.member.version, text);
      changes[i]?.add(text);
      return outputs;
    };
  });
  network.run(2000);
  network.nodes.forEach((node, i) =>
    network.give(node, { kind: 'cosigned', period: PERIOD, bytes: Buffer.from(`by m${i}`) }),
  );
  network.run(2000);
  network.give(network.node(1), { kind: 'evidence', bytes: Uint8Array.of(0xbb, 0) });
  network.run(2000);
  const said = [head(0, 1), head(0, 2)].map((each): Said => {
    const header = { view: 7, digest: proposalDigest([each]) };
    const bytes = proposalBytes(network.roster, PERIOD, header);
    return { body: header.digest, signature: keys[3]?.signer.sign(bytes) ?? bytes };
  }) as [Said, Said];
  const place = {
    purpose: 'proposal',
    roster: network.roster.hash,
    period: PERIOD,
    view: 7,
  } as const;
  const fault: Fault = { ...place, member: 3, said };
  const id = idOf('fault', 0, sha256(keys[3]?.key ?? ''));
  const bytes = encodeMessage(objects({ id, bytes: encodeFault(fault) }), network.roster);
  network.give(network.node(0), { kind: 'message', peer: network.node(3).peer, bytes });
  network.run(2000);
  const signed = signRoster(keys, [0, 1, 2], nextBody(network, PERIOD + 2));
  network.give(network.node(0), { kind: 'roster', signed });
  for (let i = 0; i < 6; i++) network.runToNextPeriod();
  for (const [i, { member }] of network.nodes.entries()) {
    assert.equal(member.evidence().size, 1);
    assert.equal(member.faults().length, 1);
    assert.equal(member.newestRoster.body.epoch, 1);
    const [made, needed] = [versions[i]?.size ?? 0, changes[i]?.size ?? 0];
    assert.ok(made <= needed + 8, `${made} versions of ${needed} texts`);
    assert.ok(count > 2 * 4 * made, `${made} of ${count}`);
  }
});
