// SPDX-License-Identifier: Apache-2.0
/**
 * Repeats that a data plane counts instead of copying, credited to the sightings of the head they
 * repeat.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { AnswerPlace, SeenEntry } from '../../src/dataplane/types.ts';
import { Observer } from '../../src/observer/observer.ts';
import type { Settle, Verifier } from '../../src/observer/verifier.ts';
import { CtOverDns } from '../../src/sources/ct-over-dns/source.ts';
import type { Refusal, Source, SourceClaim } from '../../src/sources/source.ts';
import { memoryStore } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { verifyStatement } from '../../src/statements/verify.ts';
import { dnsAnswer, encodeName, frameV4 } from '../support/packets.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { fc } from '../support/random.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const log = new SigningLog();
const tree = treeOf(50);
const NAME = 'sth.alpha.example';
const NOW = 1_800_000_000_000;
const PLANE = 'eth0';
const texts = Array.from({ length: 20 }, (_, i) =>
  formatTreeHeadText(log.sign(i + 1, tree.root(i + 1))),
);

/** A verifier that keeps everybody waiting until it is told. */
class Later implements Verifier {
  #waiting: (() => void)[] = [];
  submit(
    of: ReturnType<SigningLog['asLog']>,
    head: Parameters<Verifier['submit']>[1],
    settle: Settle,
  ): boolean {
    this.#waiting.push(() => settle(verifyStatement(head, of.key)));
    return true;
  }
  settle(): void {
    for (const each of this.#waiting.splice(0)) each();
  }
}

const zones = new Map([['alpha.example', log.asLog()]]);

/** An observer over one data plane; `store` outlives it, as the database does. */
function observe(
  store: Store,
  keepsSeenEntries = false,
  verifier?: Verifier,
  sources: readonly Source[] = [new CtOverDns(zones)],
): Observer {
  const observer = new Observer({
    sources,
    store,
    evidenceDirectory: directory,
    onEvent: () => undefined,
    verifier,
  });
  observer.beginPlane(PLANE, keepsSeenEntries);
  return observer;
}

const newStore = (): Store => memoryStore();

/** A record as the data plane makes it: see xdp/answer.h for what it calls the usual form. */
function receive(
  observer: Observer,
  text: string,
  {
    tag,
    entry,
    ended,
    name = NAME,
  }: { tag: number; entry?: bigint; ended?: SeenEntry; name?: string },
): void {
  const strings = text.match(/.{1,255}/g) ?? [];
  const frame = frameV4(dnsAnswer({ name, strings }));
  const nameLength = encodeName(name).length;
  const rdataLength = text.length + strings.length;
  const answer: AnswerPlace = {
    tag,
    nameOffset: 14 + 20 + 8 + 12,
    nameLength,
    rdataOffset: frame.length - rdataLength,
    rdataLength,
    entry,
    ended,
  };
  observer.receive({
    kind: 'answer',
    frame,
    frameLength: frame.length,
    timestamp: NOW,
    interfaceName: PLANE,
    answer,
  });
}

/** Sightings by tree size. */
const counts = (store: Store): [number, number][] =>
  store.heads
    .latest()
    .map(({ treeSize, count }) => [Number(treeSize), count] as [number, number])
    .sort(([a], [b]) => a - b);

const [first = '', second = ''] = texts;
/** Slots are counted in bits 32 to 47; 12n would be the next generation in the slot of 11n. */
const OTHER_SLOT = (1n << 32n) | 1n;

describe('repeats', () => {
  test('belong to the head whose record began the entry, and count once however often they are told', () => {
    const store = newStore();
    const observer = observe(store);
    receive(observer, first, { tag: 1, entry: 11n });
    receive(observer, second, { tag: 2, entry: OTHER_SLOT });
    for (const repeats of [5, 5, 7]) observer.repeats(PLANE, [{ entry: 11n, repeats }], NOW);
    observer.endBatch(NOW);
    assert.deepEqual(counts(store), [
      [1, 8],
      [2, 1],
    ]);
  });

  test('are told at last by the record that begins the next entry', () => {
    const store = newStore();
    const observer = observe(store);
    receive(observer, first, { tag: 1, entry: 11n });
    observer.repeats(PLANE, [{ entry: 11n, repeats: 3 }], NOW);
    receive(observer, second, { tag: 2, entry: 12n, ended: { entry: 11n, repeats: 10 } });
    observer.repeats(PLANE, [{ entry: 11n, repeats: 99 }], NOW); // over: nobody's
    observer.endBatch(NOW);
    assert.deepEqual(counts(store), [
      [1, 11],
      [2, 1],
    ]);
  });

  test('that are told before their record was read wait for it', () => {
    const store = newStore();
    const observer = observe(store);
    observer.repeats(PLANE, [{ entry: 11n, repeats: 4 }], NOW);
    receive(observer, first, { tag: 1, entry: 11n });
    observer.repeats(PLANE, [{ entry: 11n, repeats: 4 }], NOW);
    observer.endBatch(NOW);
    assert.deepEqual(counts(store), [[1, 5]]);
  });

  test('wait for the signature, and go with it', () => {
    const store = newStore();
    const verifier = new Later();
    const observer = observe(store, false, verifier);
    receive(observer, first, { tag: 1, entry: 11n });
    receive(observer, `${first.slice(0, -4)}AAAA`, { tag: 2, entry: 21n });
    observer.repeats(
      PLANE,
      [11n, 21n].map((entry) => ({ entry, repeats: 6 })),
      NOW,
    );
    observer.endBatch(NOW);
    assert.deepEqual(counts(store), []);
    verifier.settle();
    observer.repeats(
      PLANE,
      [11n, 21n].map((entry) => ({ entry, repeats: 8 })),
      NOW,
    );
    observer.endBatch(NOW);
    assert.deepEqual(counts(store), [[1, 9]]);
    assert.equal(observer.counts()['tree head: bad signature'], 9);
  });

  test('of what was refused are nobody’s', () => {
    const store = newStore();
    const observer = observe(store);
    receive(observer, 'no tree head at all', { tag: 1, entry: 11n });
    receive(observer, first, { tag: 2, entry: 21n, name: 'sth.stranger.example' });
    observer.repeats(
      PLANE,
      [11n, 21n].map((entry) => ({ entry, repeats: 6 })),
      NOW,
    );
    observer.endBatch(NOW);
    assert.deepEqual(counts(store), []);
    assert.deepEqual(
      Object.entries(observer.counts()).filter(([name]) => !name.startsWith('packet')),
      [
        ['tree head: not four fields', 1],
        ['answer: unknown name', 1],
      ],
    );
  });

  test('go on where an earlier process ended, neither lost nor counted twice', () => {
    const store = newStore();
    const before = observe(store);
    receive(before, first, { tag: 1, entry: 11n });
    before.repeats(PLANE, [{ entry: 11n, repeats: 3 }], NOW);
    before.endBatch(NOW);
    before.repeats(PLANE, [{ entry: 11n, repeats: 5 }], NOW); // and is killed before it is written
    const next = observe(store, true);
    next.repeats(PLANE, [{ entry: 11n, repeats: 9 }], NOW);
    next.endBatch(NOW);
    assert.deepEqual(counts(store), [[1, 10]]);
  });

  test('of a data plane that is gone mean nothing to the next', () => {
    const store = newStore();
    const before = observe(store);
    receive(before, first, { tag: 1, entry: 11n });
    before.endBatch(NOW);
    const next = observe(store, false);
    next.repeats(PLANE, [{ entry: 11n, repeats: 9 }], NOW);
    next.endBatch(NOW);
    assert.deepEqual(counts(store), [[1, 1]]);
    assert.deepEqual(store.heads.seenEntries(PLANE), []);
  });

  test('add up to what passed, whatever is copied, evicted, polled, restarted', () => {
    // A model of one slot of the cache: what it holds, its generation and repeats.
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ do: fc.constant('pass' as const), which: fc.nat({ max: 2 }) }),
      },
      { weight: 2, arbitrary: fc.constant({ do: 'poll' as const }) },
      { weight: 1, arbitrary: fc.constant({ do: 'expire' as const }) },
      { weight: 2, arbitrary: fc.constant({ do: 'commit' as const }) },
      { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const store = newStore();
        let observer = observe(store);
        let held: { which: number; expired: boolean } | undefined;
        let entry = 0n;
        let repeats = 0;
        const passed = [0, 0, 0];
        const poll = (): void =>
          observer.repeats(PLANE, repeats > 0 ? [{ entry, repeats }] : [], NOW);
        for (const each of steps) {
          if (each.do === 'pass') {
            passed[each.which] = (passed[each.which] ?? 0) + 1;
            if (held?.which === each.which && !held.expired) {
              repeats += 1;
              continue;
            }
            const ended = repeats > 0 ? { ended: { entry, repeats } } : {};
            entry += 1n;
            repeats = 0;
            held = { which: each.which, expired: false };
            receive(observer, texts[each.which] ?? '', { tag: each.which, entry, ...ended });
          } else if (each.do === 'expire' && held !== undefined) {
            held.expired = true;
          } else if (each.do === 'poll') {
            poll();
          } else if (each.do === 'commit') {
            observer.endBatch(NOW);
          } else if (each.do === 'restart') {
            observer.endBatch(NOW); // records are taken from the ring a batch at a time, and committed with it
            observer = observe(store, true);
          }
        }
        poll();
        observer.endBatch(NOW);
        assert.deepEqual(
          counts(store),
          passed.flatMap((count, which) => (count > 0 ? [[which + 1, count]] : [])),
        );
      }),
      { numRuns: 300 },
    );
  });
});

describe('an answer that the data plane found', () => {
  test('is judged by name and RDATA alone: what its tag does not cover decides nothing', () => {
    const store = newStore();
    const observer = observe(store);
    const frame = frameV4(dnsAnswer({ name: 'STH.alpha.EXAMPLE', strings: [first] }), {
      checksum: 'full',
    });
    frame[14 + 20 + 6] = 0xff; // the UDP checksum is wrong
    frame.fill(0, 14 + 20 + 8, 14 + 20 + 8 + 12); // so is the whole DNS header
    const nameLength = encodeName(NAME).length;
    observer.receive({
      kind: 'answer',
      frame,
      frameLength: frame.length,
      timestamp: NOW,
      interfaceName: PLANE,
      answer: {
        tag: 5,
        nameOffset: 14 + 20 + 8 + 12,
        nameLength,
        rdataOffset: frame.length - first.length - 1,
        rdataLength: first.length + 1,
        entry: undefined,
        ended: undefined,
      },
    });
    observer.endBatch(NOW);
    assert.deepEqual(counts(store), [[1, 1]]);
  });

  test('is parsed once: repeats are told by their texts', () => {
    const store = newStore();
    let read = 0;
    class Counting extends CtOverDns {
      override readPlaced(...place: Parameters<CtOverDns['readPlaced']>): SourceClaim | Refusal {
        read += 1;
        return super.readPlaced(...place);
      }
    }
    const observer = observe(store, false, undefined, [new Counting(zones)]);
    for (const name of [NAME, 'sTh.ALPHA.example', NAME.toUpperCase()])
      receive(observer, first, { tag: 9, name });
    observer.endBatch(NOW);
    assert.equal(read, 1);
    assert.deepEqual(counts(store), [[1, 3]]);
  });

  const forged = `${first.slice(0, -8)}AAAAAAA=`;
  for (const [what, twin] of [
    ['was refused', 'no tree head at all'],
    ['is forged', forged],
    ['is of a name that nobody watches', first],
    ['is another one, and genuine', second],
  ] as const) {
    const name = twin === first ? 'sth.stranger.example' : NAME;
    test(`is judged for itself, whatever had its tag before: a twin that ${what}`, () => {
      for (const inOneBatch of [true, false]) {
        const store = newStore();
        const verifier = new Later();
        const observer = observe(store, false, verifier);
        receive(observer, twin, { tag: 9, entry: 11n, name });
        if (!inOneBatch) verifier.settle();
        receive(observer, first, { tag: 9, entry: 12n });
        verifier.settle();
        // A twin that comes later takes nothing away, and nothing is credited to it.
        receive(observer, twin, { tag: 9, entry: 13n, name });
        receive(observer, first, { tag: 9, entry: 14n });
        verifier.settle();
        observer.endBatch(NOW);
        assert.deepEqual(counts(store)[0], [1, 2]);
        assert.equal(counts(store).length, twin === second ? 2 : 1);
      }
    });

    test(`is judged for itself after a restart: a twin that ${what}`, () => {
      const store = newStore();
      const before = observe(store);
      receive(before, second, { tag: 9, entry: 11n });
      before.endBatch(NOW);
      const observer = observe(store, true);
      receive(observer, twin, { tag: 9, entry: 12n, ended: { entry: 11n, repeats: 3 }, name });
      receive(observer, first, { tag: 9, entry: 13n, ended: { entry: 12n, repeats: 5 } });
      observer.endBatch(NOW);
      assert.deepEqual(counts(store)[0], [1, 1]);
      // Repeats are those of the entry that counted them.
      assert.deepEqual(counts(store)[1], [2, 4 + (twin === second ? 6 : 0)]);
    });
  }

  test('never throws, wherever its place is said to be', () => {
    const observer = observe(newStore());
    const offset = fc.nat({ max: 400 });
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        offset,
        offset,
        offset,
        offset,
        fc.nat(),
        (frame, a, b, c, d, tag) => {
          const answer = {
            tag,
            nameOffset: a,
            nameLength: b,
            rdataOffset: c,
            rdataLength: d,
            entry: undefined,
            ended: undefined,
          };
          observer.receive({
            kind: 'answer',
            frame,
            frameLength: 0,
            timestamp: NOW,
            interfaceName: PLANE,
            answer,
          });
        },
      ),
    );
    observer.endBatch(NOW);
  });
});

describe('a genuine tree head that found the verifier full', () => {
  /** Has no room until it is told. */
  class Full implements Verifier {
    full = true;
    submit(
      of: ReturnType<SigningLog['asLog']>,
      head: Parameters<Verifier['submit']>[1],
      settle: Settle,
    ): boolean {
      if (!this.full) settle(verifyStatement(head, of.key));
      return !this.full;
    }
  }

  const untagged = (observer: Observer): void => {
    const frame = frameV4(dnsAnswer({ name: NAME, strings: [first] }));
    observer.receive({
      kind: 'unknown',
      frame,
      frameLength: frame.length,
      timestamp: NOW,
      interfaceName: PLANE,
    });
  };
  const tagged = (observer: Observer): void => receive(observer, first, { tag: 7, entry: 11n });
  const ways: readonly [string, (observer: Observer) => void, (observer: Observer) => void][] = [
    ['untagged, and comes untagged again', untagged, untagged],
    ['with a tag, and comes with it again', tagged, tagged],
    ['with a tag, and comes untagged again', tagged, untagged],
    ['untagged, and comes with a tag', untagged, tagged],
  ];
  for (const [name, before, then] of ways) {
    test(`is not remembered as refused: it came ${name}`, () => {
      const store = newStore();
      const verifier = new Full();
      const observer = observe(store, false, verifier);
      before(observer);
      before(observer);
      observer.endBatch(NOW);
      assert.deepEqual(counts(store), []);
      assert.equal(observer.counts()['tree head: not verified, too many wait'], 2);
      verifier.full = false;
      then(observer);
      observer.endBatch(NOW);
      assert.deepEqual(counts(store), [[1, 1]]);
      assert.equal(observer.counts()['tree heads'], 1);
    });
  }
});
