// SPDX-License-Identifier: Apache-2.0
/** What a gossiper makes of objects, in whichever order they come. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Gossiper, type GossiperParts } from '../../src/ctng/gossiper.ts';
import {
  decodeObject,
  encodeObject,
  messageOf,
  readSignature,
  type GossipObject,
} from '../../src/ctng/object.ts';
import { Periods } from '../../src/ctng/periods.ts';
import { fc, random } from '../support/random.ts';
import { headOf, partOf, standIn, stated } from './stand-in.ts';

const START = 13 * 60_000;
const WAIT_MS = 1000;
/** With what objects take on their way, all are there before anybody signs. */
const MOST_DELAY_MS = 50;

/** Gossipers that tell each other, with a clock of their own. */
class Network {
  now = START;
  readonly gossipers: Gossiper[] = [];
  readonly told: GossipObject[][] = [];
  readonly #events: { at: number; order: number; work: () => void }[] = [];
  readonly #draw: ((below: number) => number) | undefined;

  /** With a seed, objects are late, twice, and before others that were sent earlier. */
  constructor(count: number, threshold: number, seed?: number) {
    this.#draw = seed === undefined ? undefined : random(seed);
    const periods = new Periods(60_000, () => this.now);
    for (let i = 0; i < count; i++) {
      this.told.push([]);
      const parts: GossiperParts = {
        signatures: standIn(`g${i}`, threshold),
        periods,
        later: (work) => this.after(WAIT_MS, work),
        gossip: (object) => {
          const text = encodeObject(object);
          for (const peer of [i + 1, i + 2]) this.deliver(peer % count, decodeObject(text));
        },
        toOwner: (object) => this.told[i]?.push(object),
      };
      this.gossipers.push(new Gossiper(parts));
    }
  }

  after(milliseconds: number, work: () => void): void {
    const order = this.#draw?.(1 << 30) ?? this.#events.length;
    this.#events.push({ at: this.now + milliseconds, order, work });
  }

  deliver(to: number, object: GossipObject): void {
    const times = this.#draw?.(5) === 0 ? 2 : 1;
    for (let i = 0; i < times; i++)
      this.after(this.#draw?.(MOST_DELAY_MS) ?? 1, () => void this.gossipers[to]?.take(object));
  }

  run(): void {
    let delivered = 0;
    while (this.#events.length > 0) {
      this.#events.sort((a, b) => a.at - b.at || a.order - b.order);
      // All of one moment at once; what comes of it is later.
      const { at = 0 } = this.#events[0] ?? {};
      const due = this.#events.splice(0, this.#events.filter((event) => event.at <= at).length);
      this.now = Math.max(this.now, at);
      for (const { work } of due) work();
      delivered += due.length;
    }
    this.deliveries = delivered;
  }

  deliveries = 0;
}

interface Sent {
  readonly to: number;
  readonly object: GossipObject;
}

/** What four monitors hear in a period from so many loggers and CAs, some of which lie or are mute. */
function world(entities: number, seed: number): Sent[] {
  const draw = random(seed);
  return Array.from({ length: entities }, (_, i) => {
    const kind = draw(6);
    return Array.from({ length: 4 }, (__, monitor): Sent => {
      const [logger, ca] = [`logger${i}`, `ca${i}`];
      const accusation = (accused: string): GossipObject =>
        stated('ACC', `m${monitor}`, [accused, '', '']);
      const rev = (crv: number): GossipObject =>
        stated('REV', ca, [ca, 'CRV', `{"Day":1,"Delta_CRV":"${crv}"}`]);
      const object = [
        headOf(logger, 'same'),
        headOf(logger, `split ${draw(4)}`),
        rev(0),
        rev(draw(2)),
        monitor < draw(5) ? accusation(logger) : headOf(logger, 'same'),
        accusation(ca),
      ][kind];
      assert(object !== undefined);
      return { to: monitor, object };
    });
  }).flat();
}

function play(sent: readonly Sent[], seed?: number): Network {
  const network = new Network(4, 2, seed);
  for (const { to, object } of sent) network.deliver(to, object);
  network.run();
  return network;
}

describe('stores', () => {
  test('are the same at all gossipers, however objects come: late, twice, in any order', () => {
    let deliveries = 0;
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (worldSeed, seed) => {
        const sent = world(60, worldSeed);
        const want = play(sent).gossipers[0]?.contents();
        const network = play(sent, seed);
        deliveries = Math.max(deliveries, network.deliveries);
        for (const gossiper of network.gossipers) assert.deepEqual(gossiper.contents(), want);
        const counters = network.gossipers.map((each) => ({
          ...each.counters(),
          Gossiper_URL: '',
        }));
        for (const each of counters) assert.deepEqual(each, counters[0]);
      }),
      { numRuns: 12 },
    );
    assert(deliveries > 4000, `${deliveries}`);
  });

  test('hold a proof against each who lied, no signature for them, and one for all others', () => {
    const sent = world(60, 7);
    const heads = new Map<string, Set<string>>();
    for (const { object } of sent)
      if (object.type !== 'ACC')
        heads.set(object.signer, (heads.get(object.signer) ?? new Set()).add(messageOf(object)));
    const liars = [...heads].filter(([, said]) => said.size > 1).map(([name]) => name);
    const { gossipers, told } = play(sent, 8);
    const { pom = [], full = [] } = gossipers[0]?.contents() ?? {};
    assert(liars.length > 5);
    assert.equal(pom.length, liars.length);
    for (const liar of liars) {
      assert(pom.some((key) => key.includes(`"${liar}"`)));
      assert(!full.some((key) => key.includes(`"${liar}"`)));
    }
    // Each monitor hears of all that its gossiper has.
    for (const each of told)
      assert.equal(each.filter(({ type }) => type === 'CON_FULL').length, liars.length);
  });
});

/** One gossiper, g0, whose peers are the test. */
function alone(threshold = 2): { network: Network; gossiper: Gossiper; said: GossipObject[] } {
  const network = new Network(1, threshold);
  const said: GossipObject[] = [];
  const gossiper = new Gossiper({
    signatures: standIn('g0', threshold),
    periods: new Periods(60_000, () => network.now),
    later: (work) => network.after(WAIT_MS, work),
    gossip: (object) => said.push(object),
    toOwner: () => undefined,
  });
  return { network, gossiper, said };
}

describe('signing together', () => {
  for (const threshold of [2, 3, 4])
    test(`takes ${threshold} where the threshold is ${threshold}, and more do no harm`, () => {
      const { network, gossiper, said } = alone(threshold);
      const head = headOf('logger', 'x');
      gossiper.take(head);
      network.run();
      for (let i = 1; i < 6; i++) {
        assert.equal(gossiper.counters().Num_STH_FULL, i >= threshold ? 1 : 0);
        assert.equal(gossiper.take(partOf('STH_FRAG', `g${i}`, head)).kind, 'new');
      }
      const fulls = said.filter(({ type }) => type === 'STH_FULL');
      assert.equal(fulls.length, 1);
      assert.equal(fulls[0]?.signers?.length, threshold);
    });

  test('adds up what is signed, not whatever is about one entity', () => {
    const { gossiper, said } = alone();
    gossiper.take(partOf('STH_FRAG', 'g1', headOf('logger', 'x')));
    gossiper.take(partOf('STH_FRAG', 'g2', headOf('logger', 'y')));
    assert.equal(gossiper.counters().Num_STH_FULL, 0);
    gossiper.take(partOf('STH_FRAG', 'g3', headOf('logger', 'y')));
    const [full] = said.filter(({ type }) => type === 'STH_FULL');
    assert.deepEqual(full?.signers, ['g2', 'g3']);
    assert.deepEqual(readSignature(full.signature[0]).ids, ['g2', 'g3']);
  });

  test('a gossiper that signs ever more about one entity is refused', () => {
    const { gossiper } = alone();
    const kinds = Array.from(
      { length: 20 },
      (_, i) => gossiper.take(partOf('STH_FRAG', 'g1', headOf('logger', `${i}`))).kind,
    );
    assert.deepEqual([kinds.indexOf('refused'), kinds.lastIndexOf('new')], [4, 3]);
  });

  const [one, other] = [headOf('logger', 'x'), headOf('logger', 'y')];
  const written = (a: GossipObject, b: GossipObject): GossipObject => ({
    ...a,
    type: 'CON',
    signer: '',
    cryptoScheme: '',
    signature: [a.signature[0], b.signature[0]],
    payload: ['logger', messageOf(a), messageOf(b)],
  });
  const typesOf = (said: readonly GossipObject[]): string[] => said.map(({ type }) => type);

  test('a conflict is written down once nobody else has, and signed', () => {
    const { network, gossiper, said } = alone();
    gossiper.take(one);
    gossiper.take(other);
    assert.deepEqual(typesOf(said), ['STH', 'STH']);
    assert.equal(gossiper.counters().Num_con, 2);
    network.run();
    assert.deepEqual(typesOf(said), ['STH', 'STH', 'CON', 'CON_FRAG']);
  });

  // The Go programs end when a third part comes: their own of a second order is one too many.
  const first = written(one, other);
  for (const conflict of [first, written(other, one)])
    test(`as a peer has written it down, which is told nobody else (${conflict === first ? 'x first' : 'y first'})`, () => {
      const { network, gossiper, said } = alone();
      gossiper.take(one);
      gossiper.take(other);
      assert.equal(gossiper.take(conflict).kind, 'new');
      assert.equal(gossiper.take(conflict).kind, 'known');
      network.run();
      assert.deepEqual(typesOf(said), ['STH', 'STH', 'CON_FRAG']);
      assert.equal(messageOf(said[2] ?? one), messageOf(conflict));
      gossiper.take(partOf('CON_FRAG', 'g1', conflict));
      assert.deepEqual(gossiper.convictions().map(messageOf), [messageOf(conflict)]);
    });

  test('what only a peer has heard is told as the two statements that it is', () => {
    const { network, gossiper, said } = alone();
    assert.equal(gossiper.take(written(one, other)).kind, 'new');
    assert.deepEqual(
      said.map(encodeObject).sort(),
      [one, other].map((each) => encodeObject({ ...each, timestamp: '13' })).sort(),
    );
    network.run();
    assert.deepEqual(typesOf(said), ['STH', 'STH', 'CON_FRAG']);
  });

  for (const [name, later] of [
    ['at the end of the period by a peer', 1],
    ['when nobody has heard of it for an hour and more', 87],
  ] as const)
    test(`a conflict that is written down ${name} convicts all the same`, () => {
      const { network, gossiper, said } = alone();
      network.now += later * 60_000;
      const conflict = { ...written(one, other), period: String((13 + later) % 60) };
      const swapped = { ...written(other, one), period: conflict.period };
      assert.equal(gossiper.take(conflict).kind, 'new');
      assert.equal(gossiper.take(conflict).kind, 'known');
      network.run();
      assert.deepEqual(typesOf(said), ['CON_FRAG']);
      assert.equal(said[0]?.period, conflict.period);
      assert.equal(gossiper.take(swapped).kind, 'new');
      assert.deepEqual(typesOf(said), ['CON_FRAG', 'CON_FRAG']);
      gossiper.take(partOf('CON_FRAG', 'g1', swapped));
      assert.deepEqual(gossiper.convictions().map(messageOf), [messageOf(swapped)]);
      assert.equal(gossiper.counters().Num_sth, 0);
    });

  test('both orders are signed if both come, and one that two have signed is the proof', () => {
    const { network, gossiper, said } = alone();
    gossiper.take(written(one, other));
    gossiper.take(written(other, one));
    network.run();
    assert.equal(said.filter(({ type }) => type === 'CON_FRAG').length, 2);
    assert.equal(gossiper.counters().Num_con_frag, 1);
    assert.equal(gossiper.counters().Num_CON_FULL, 0);
    gossiper.take(partOf('CON_FRAG', 'g1', written(other, one)));
    assert.deepEqual(gossiper.convictions().map(messageOf), [messageOf(written(other, one))]);
  });
});

describe('what is refused or forgotten', () => {
  test('other periods, unknown entities, and whatever is not signed', () => {
    const { gossiper } = alone();
    const head = headOf('logger', 'x');
    for (const [object, want] of [
      [{ ...head, period: '15' }, /is of period 15, and now is 13/],
      [headOf('unknown', 'x'), /not known here/],
      [{ ...head, payload: ['logger', 'other', ''] }, /not signed/],
    ] as [GossipObject, RegExp][]) {
      const outcome = gossiper.take(object);
      assert(outcome.kind === 'refused');
      assert.match(outcome.reason, want);
    }
    assert.equal(gossiper.counters().Num_sth, 0);
  });

  test('an hour later the same minute is another period, and proofs are for ever', () => {
    const { network, gossiper } = alone();
    const full: GossipObject = {
      ...partOf('STH_FRAG', 'g1', headOf('logger', 'x')),
      type: 'STH_FULL',
      signer: '',
      signers: ['g1', 'g2'],
      signature: [
        partOf('STH_FRAG', 'g1', headOf('logger', 'x')).signature[0].replace(
          '"id":"g1"',
          '"ids":["g1","g2"]',
        ),
        '',
      ],
    };
    assert.equal(gossiper.take(full).kind, 'new');
    assert.equal(gossiper.restore({ ...full, type: 'CON_FULL', period: '0' }), undefined);
    network.now += 59 * 60_000;
    gossiper.wipe();
    assert.equal(gossiper.counters().Num_STH_FULL, 1);
    network.now += 60_000;
    gossiper.wipe();
    assert.equal(gossiper.counters().Num_STH_FULL, 0);
    assert.equal(gossiper.counters().Num_CON_FULL, 1);
    assert.equal(gossiper.take(headOf('logger', 'z')).kind, 'late');
  });
});
