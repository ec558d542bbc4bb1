// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publicKeyOf } from '../../src/bls/signatures.ts';
import {
  decodePublicKey,
  encodePublicKey,
  proofOfPossession,
  standard,
} from '../../src/bls/standard.ts';
import { Bits } from '../../src/federation/bytes.ts';
import {
  formatRosterBody,
  formatSignedRoster,
  parseRosterBody,
  parseSignedRoster,
  Roster,
  rosterBytes,
  rosterHash,
  successor,
  type Member,
  type RosterBody,
} from '../../src/federation/roster.ts';
import { generateSignerKey, parseSignerKey } from '../../src/statements/cosignature.ts';
import { formatNoteKey, toNoteKey } from '../../src/statements/note-key.ts';
import { agreed, drawKeys, keysOf, Network, rosterBody, signedBy, signRoster } from './network.ts';

const keys = keysOf(4);
const first = rosterBody(keys);
const all = [0, 1, 2, 3];

function changed(index: number, change: Partial<Member>): RosterBody {
  const members = first.members.map((member, i) =>
    i === index ? { ...member, ...change } : member,
  );
  return { ...first, members };
}

interface Raw {
  readonly type: number;
  readonly publicKey: Uint8Array;
}

test('a roster says only what a roster may say', () => {
  const [one1, other1] = ['a', 'b'].map(() => {
    const { key } = parseSignerKey(generateSignerKey('m.example', 'Ed25519 cosignature'));
    return { type: key.type, publicKey: key.publicKey };
  }) as [Raw, Raw];
  const withKeys = (
    ...all: readonly (readonly [] | readonly [string, ...Raw[]])[]
  ): RosterBody => ({
    ...first,
    members: first.members.map((member, i) => {
      const [name = '', ...of] = all[i] ?? [];
      const vkeys = of.map((key) => formatNoteKey(toNoteKey(name, key.type, key.publicKey)));
      return { ...member, vkeys };
    }),
  });
  const [one, two] = first.members;
  assert.ok(one !== undefined && two !== undefined);
  const [k1, k2] = keys;
  assert.ok(k1 !== undefined && k2 !== undefined);
  const rogue = encodePublicKey(
    publicKeyOf(standard, k1.secret).subtract(decodePublicKey(two.bls)),
  );
  const cases: readonly (readonly [string, RosterBody, RegExp])[] = [
    ['no majority', { ...first, threshold: 2 }, /no majority/],
    ['more than there are', { ...first, threshold: 5 }, /there are 4 members/],
    ['a rogue key', changed(0, { bls: rogue }), /nothing proves/],
    ["another's proof", changed(0, { proof: proofOfPossession(k2.secret) }), /nothing proves/],
    ['one BLS key twice', changed(0, { bls: two.bls, proof: two.proof }), /one BLS key/],
    ['one key twice', changed(0, { key: two.key }), /one key/],
    ['one name twice', changed(0, { name: two.name }), /one name/],
    ['no key', changed(0, { bls: new Uint8Array(96) }), /is none/],
    ['one vkey twice', withKeys(['a', one1], ['a', one1]), /one verifier key/],
    ['one key under two names', withKeys(['a', one1], ['b', one1]), /one verifier key/],
    ['two of one type', withKeys(['a', one1, other1], []), /two verifier keys of one type/],
    ['a key of notes', withKeys(['a', { ...one1, type: 1 }], []), /no key of cosignatures/],
    ['no verifier key', changed(0, { vkeys: ['a+00000000+AAAA'] }), /no key of cosignatures/],
    ['a first one with one before', { ...first, previous: new Uint8Array(32).fill(1) }, /first/],
  ];
  for (const [what, body, message] of cases)
    assert.throws(() => Roster.of(body), { code: 'bad-input', message }, what);
  assert.ok(Roster.of(first));
});

test('its text is the one that is signed, and reads as it was written', () => {
  const text = formatRosterBody(first);
  assert.deepEqual(parseRosterBody(text, 'draft'), first);
  assert.throws(() => parseRosterBody(text.replace('  ', ' '), 'draft'), /not in the form/);
  assert.throws(() => parseRosterBody(text.replace('"epoch": 0', '"epoch": -1'), 'x'), /epoch/);
  assert.throws(() => parseRosterBody(text.replace('https:', 'http:'), 'x'), /https/);
  const signed = signRoster(keys, all, first);
  assert.deepEqual(parseSignedRoster(formatSignedRoster(signed), 'roster'), signed);
});

test('a roster is in force by a threshold of the one before, and by nothing else', () => {
  const roster = successor(undefined, signRoster(keys, all, first));
  assert.throws(
    () => successor(undefined, signRoster(keys, [0, 1, 2], first)),
    /3 have signed it, and it takes 4/,
  );
  const next: RosterBody = {
    ...first,
    epoch: 1,
    previous: rosterHash(first),
    start: 10,
    members: first.members.slice(0, 3),
    threshold: 2,
  };
  assert.equal(successor(roster, signRoster(keys, [0, 1, 3], next)).size, 3);
  const wrong: readonly (readonly [string, RosterBody, readonly number[]])[] = [
    ['too few', next, [0, 1]],
    ['another before it', { ...next, previous: new Uint8Array(32).fill(7) }, [0, 1, 2]],
    ['an epoch left out', { ...next, epoch: 2 }, [0, 1, 2]],
    ['the same periods', { ...next, start: 0 }, [0, 1, 2]],
    ['other periods', { ...next, period: 61 }, [0, 1, 2]],
    ['another federation', { ...next, name: 'other' }, [0, 1, 2]],
  ];
  for (const [what, body, members] of wrong)
    assert.throws(() => successor(roster, signRoster(keys, members, body)), Error, what);
  // Of those that it names, and of this roster.
  const { signature } = signedBy(keys, [0, 1, 2], rosterBytes(next));
  for (const signers of [[0, 1, 3], [0, 1, 2, 3], []])
    assert.throws(() =>
      successor(roster, { body: next, signature: { signers: Bits.of(4, signers), signature } }),
    );
  const other = { ...next, start: 11 };
  assert.throws(() =>
    successor(roster, { body: other, signature: signedBy(keys, [0, 1, 2], rosterBytes(next)) }),
  );
  // New members have no say in it, however many they are.
  const strangers = [drawKeys(), drawKeys(), drawKeys(), drawKeys()];
  assert.throws(() => successor(roster, signRoster(strangers, [0, 1, 2, 3], next)));
});

test('a new roster reaches all, and governs from its period on', () => {
  const network = new Network({ count: 4, logs: 1, changes: { patience: 300 } });
  const now = Math.floor(network.now / 60_000);
  const body: RosterBody = {
    ...network.roster.body,
    epoch: 1,
    previous: network.roster.hash,
    start: now + 2,
    threshold: 2,
    members: network.roster.body.members.slice(0, 3),
  };
  network.run(1000);
  network.give(network.node(3), { kind: 'roster', signed: signRoster(keysOf(4), [0, 1, 2], body) });
  for (let i = 0; i < 4; i++) network.runToNextPeriod();
  for (const { member } of network.nodes) assert.equal(member.newestRoster.body.epoch, 1);
  // The fourth is no member any more, and is told nothing.
  assert.deepEqual(agreed(network.node(3), now + 3), []);
  for (const node of network.nodes.slice(0, 3)) {
    for (const period of [now, now + 1, now + 2, now + 3])
      assert.equal(agreed(node, period).length, 1, `period ${period}`);
    assert.deepEqual(node.member.certificates(now + 1)[0]?.roster, network.roster.hash);
    assert.deepEqual(node.member.certificates(now + 2)[0]?.roster, node.member.newestRoster.hash);
  }
});
