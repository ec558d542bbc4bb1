// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { exhibitsOf, parseEvidence } from '../../src/evidence/bundle.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import { readLogList } from '../../src/logs/list.ts';
import { logIdText } from '../../src/logs/log.ts';
import { CapturePlane } from '../../src/dataplane/capture.ts';
import { zonesOf } from '../../src/logs/zones.ts';
import { Backlog } from '../../src/observer/backlog.ts';
import { Observer, type ObserverEvent } from '../../src/observer/observer.ts';
import { replayPlanes } from '../../src/observer/replay.ts';
import { CtOverDns } from '../../src/sources/ct-over-dns/source.ts';
import { openDatabase } from '../../src/store/sqlite/open.ts';
import { StoreInUse } from '../../src/upkeep/in-use.ts';
import { StoreError } from '../../src/disk/error.ts';
import { NOT_STORED } from '../../src/store/counters.ts';
import { memoryStore, stateAt } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import type { Statement } from '../../src/statements/statement.ts';
import {
  concat,
  encodeName,
  dnsAnswer,
  ethernet,
  fragmentIpv4,
  fragmentIpv6,
  frameV4,
  frameV6,
  ipv4,
  ipv6,
  udp,
  AUTHORITY_V6,
  CLIENT_V6,
  type DnsAnswerOptions,
} from '../support/packets.ts';
import { message, record, strings, u16 } from '../dns/messages.ts';
import { EMPTY_ROOT, toMerkleHash } from '../../src/merkle/hash.ts';
import { eventually } from '../support/eventually.ts';
import { needsShared, sharedPath } from '../support/shared.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { fc } from '../support/random.ts';

const bundlesIn = (path: string): string[] =>
  readdirSync(path).filter((name) => name.endsWith('.json'));
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const alpha = new SigningLog();
const big = new SigningLog('rsa');
const tree = treeOf(100);
const NAME = 'sth.alpha.example';
const NOW = 1_800_000_000_000;

function setUp(
  evidence?: string,
  secondPlace?: string,
): {
  observer: Observer;
  store: Store;
  events: ObserverEvent[];
  see: (frame: Uint8Array, at?: number) => void;
  finish: () => ObserverEvent[];
} {
  const store = memoryStore();
  const events: ObserverEvent[] = [];
  const zones = new Map([
    ['alpha.example', alpha.asLog()],
    ['big.example', big.asLog({ description: 'Big log' })],
  ]);
  const observer = new Observer({
    sources: [new CtOverDns(zones)],
    store,
    evidenceDirectory: evidence === undefined ? directory : join(directory, evidence),
    secondPlace,
    onEvent: (event) => events.push(event),
  });
  const see = (frame: Uint8Array, timestamp = NOW): void =>
    observer.receive({
      kind: 'unknown',
      frame,
      frameLength: frame.length,
      timestamp,
      interfaceName: 'eth0',
    });
  const finish = (): ObserverEvent[] => {
    observer.endBatch(NOW);
    return events;
  };
  return { observer, store, events, see, finish };
}

/** Character-strings are at most 255 bytes: an RSA head needs two. */
function answer(head: Statement, options: DnsAnswerOptions = {}): Uint8Array {
  return dnsAnswer({
    name: NAME,
    strings: formatTreeHeadText(head).match(/.{1,255}/g) ?? [],
    ...options,
  });
}

const text = formatTreeHeadText;

/** An answer of a TXT record for each of these. */
function ofRecords(...texts: readonly string[]): Uint8Array {
  const question = concat(encodeName(NAME), u16(16, 1));
  const answers = texts.map((each) =>
    record({ rdata: strings(...(each.match(/.{1,255}/g) ?? [])) }),
  );
  return message({ question, answers });
}

const head = alpha.sign(100, tree.root());

describe('a tree head reaches the store', () => {
  const cases: [string, Uint8Array][] = [
    ['over IPv4', frameV4(answer(head))],
    ['over IPv6', frameV6(answer(head))],
    ['with a VLAN tag', frameV4(answer(head), { tags: [{ tpid: 0x8100, vlanId: 7 }] })],
    ['with IP options', frameV4(answer(head), { options: Uint8Array.of(148, 4, 0, 0) })],
    ['with Ethernet padding', frameV4(answer(head), { padTo: 600 })],
    ['with no UDP checksum', frameV4(answer(head), { checksum: 'none' })],
    ['with the checksum left to the network card', frameV4(answer(head), { checksum: 'partial' })],
    ['in mixed case', frameV4(answer(head, { name: 'sTh.aLPhA.eXAMple' }))],
    ['with an OPT record and padding', frameV4(answer(head, { optSize: 1232, padding: 200 }))],
    [
      'in many character-strings',
      frameV4(answer(head, { strings: formatTreeHeadText(head).match(/.{1,10}/g) ?? [] })),
    ],
    ['twice in one answer', frameV4(answer(head, { answers: 2 }))],
    [
      'under another name than the one asked for, as at the end of a CNAME chain',
      frameV4(answer(head, { answerName: 'heads.example' })),
    ],
    ['with TC set', frameV4(answer(head, { truncated: true }))],
    ['in a TXT record beside others', frameV4(ofRecords('v=spf1 -all', text(head), 'x'))],
    [
      'in pieces of a record each, as some clients join them',
      frameV4(ofRecords(text(head).slice(0, 90), text(head).slice(90))),
    ],
    [
      'in pieces that a resolver has rotated',
      frameV4(ofRecords(text(head).slice(50, 90), text(head).slice(90), text(head).slice(0, 50))),
    ],
    ['with something behind it', frameV4(ofRecords(`${text(head)} and more`))],
  ];
  for (const [name, frame] of cases) {
    test(name, () => {
      const { store, see, finish } = setUp();
      see(frame);
      const [event] = finish();
      assert(event?.event === 'tree-head' && event.isNew);
      const [stored] = store.heads.latest();
      assert.equal(stored?.treeSize, 100n);
      assert.deepEqual(stored.rootHash, tree.root());
      assert.deepEqual(stored.sources, ['eth0']);
    });
  }

  test('of an RSA log, in two character-strings', () => {
    const { store, see, finish } = setUp();
    const signed = big.sign(100, tree.root());
    see(frameV4(answer(signed, { name: 'sth.big.example' })));
    finish();
    assert.equal(store.heads.latest().length, 1);
  });

  test('cut into fragments of every legal size, over IPv4 and IPv6, in any order, with duplicates', () => {
    const message = answer(head, { optSize: 1232 });
    const packetV4 = ipv4({ payload: udp({ payload: message }) });
    const packetV6 = ipv6({
      payload: udp({ payload: message, source: AUTHORITY_V6, destination: CLIENT_V6 }),
    });
    const longest = Math.floor((message.length + 8) / 8) * 8;
    let cut = 0;
    for (let size = 8; size <= longest; size += 8) {
      for (const fragments of [fragmentIpv4(packetV4, size), fragmentIpv6(packetV6, size)]) {
        if (fragments.length < 2) continue;
        const order =
          fc.sample(
            fc.shuffledSubarray([...fragments, ...fragments.slice(0, 2)], {
              minLength: fragments.length + 2,
            }),
            { numRuns: 1, seed: size },
          )[0] ?? assert.fail();
        const { store, see, finish } = setUp();
        for (const payload of order) see(ethernet({ payload }));
        const events = finish();
        assert.equal(store.heads.latest().length, 1, `fragments of ${size}`);
        assert(events[0]?.event === 'tree-head' && events[0].reassembled > 0);
        cut += 1;
      }
    }
    assert(cut > 40);
  });
});

test('a fragment that ends before the receiver hides no tree head', () => {
  const { store, see, finish } = setUp();
  const [first, ...rest] = fragmentIpv4(ipv4({ payload: udp({ payload: answer(head) }) }), 96);
  const fragmentOffset = 96 * rest.length;
  const forged = ipv4({ payload: new Uint8Array(8), fragmentOffset, hops: 1 });
  for (const payload of [forged, first ?? assert.fail(), ...rest]) see(ethernet({ payload }));
  finish();
  assert.equal(store.heads.latest().length, 1);
});

test('a flood of fragments does not push out one that began as an answer to a watched name', () => {
  const { store, see, finish } = setUp();
  const fragments = fragmentIpv4(ipv4({ payload: udp({ payload: answer(head) }) }), 200);
  const [first, ...rest] = fragments.map((payload) => ethernet({ payload }));
  see(first ?? assert.fail());
  for (let i = 0; i < 20_000; i++) {
    const source = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
    see(
      ethernet({
        payload: ipv4({
          payload: new Uint8Array(64),
          source,
          identification: i & 0xffff,
          moreFragments: true,
        }),
      }),
    );
  }
  for (const frame of rest) see(frame);
  finish();
  assert.equal(store.heads.latest().length, 1);
});

describe('what is no tree head is counted and not stored', () => {
  const forged = alpha.sign(100, treeOf(100, 'b').root());
  const cases: [string, Uint8Array, RegExp][] = [
    [
      'an unknown name',
      frameV4(answer(head, { name: 'sth.gamma.example' })),
      /answer: unknown name/,
    ],
    [
      'a name below ours',
      frameV4(answer(head, { name: 'sth.alpha.example.com' })),
      /answer: unknown name/,
    ],
    [
      'another source port',
      frameV4(answer(head), { sourcePort: 5353 }),
      /datagram: from another port/,
    ],
    ['an answer without records', frameV4(answer(head, { answers: 0 })), /^answer: no text/],
    ['an A record', frameV4(answer(head, { type: 'A' })), /^answer: /],
    [
      'text that is no tree head',
      frameV4(answer(head, { strings: ['v=spf1 -all'] })),
      /tree head: not four fields/,
    ],
    [
      'a signature of another head',
      frameV4(answer({ ...head, rootHash: forged.rootHash })),
      /tree head: bad signature/,
    ],
    [
      "another log's signature",
      frameV4(answer(head, { name: 'sth.big.example' })),
      /tree head: bad signature/,
    ],
    ['a cut frame', frameV4(answer(head)).subarray(0, 100), /^packet: /],
    ['noise', Uint8Array.from({ length: 80 }, (_, i) => (i * 37) & 255), /^packet: /],
  ];
  for (const [name, frame, reason] of cases) {
    test(name, () => {
      const { observer, store, see, finish } = setUp();
      see(frame);
      assert.deepEqual(finish(), []);
      assert.deepEqual(store.heads.latest(), []);
      assert(
        Object.keys(observer.counts()).some((each) => reason.test(each)),
        JSON.stringify(observer.counts()),
      );
    });
  }

  test('anything at all, changed anywhere', () => {
    const { observer, store, see, finish } = setUp();
    const good = frameV4(answer(head));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.nat(good.length),
        (changes, length) => {
          const frame = Uint8Array.from(good);
          for (const [at, value] of changes) frame[at] = value;
          see(frame.subarray(0, length === 0 ? good.length : length));
        },
      ),
      { numRuns: 2000 },
    );
    finish();
    // Every change that still verifies is the same head: the signature covers all there is.
    assert(store.heads.latest().length <= 1);
    assert(Object.keys(observer.counts()).length > 3);
  });
});

describe('sightings', () => {
  test('of one head are one row, counted and dated', () => {
    const { store, see, finish } = setUp();
    for (const at of [NOW + 5, NOW, NOW + 9.4]) see(frameV4(answer(head)), at);
    finish();
    see(frameV4(answer(head)), NOW + 20);
    const events = finish();
    const [stored, ...others] = store.heads.latest();
    assert.deepEqual(others, []);
    assert.deepEqual([stored?.count, stored?.headFirstSeen, stored?.lastSeen], [4, NOW, NOW + 20]);
    assert.deepEqual(
      events.map((event) => event.event === 'tree-head' && event.isNew),
      [true, false],
    );
  });

  test('of one head in two spellings are one row, first seen when the earlier one was', () => {
    const text = formatTreeHeadText(head);
    // The signature covers the number, so it verifies whichever way the number is written.
    for (const [spelling, other, at, otherAt] of [
      [`0${text}`, text, NOW + 10, NOW + 9],
      [`0${text}`, text, NOW + 9, NOW + 10],
      [text, `0${text}`, NOW + 10, NOW + 9],
      [text, `0${text}`, NOW + 9, NOW + 10],
    ] as const) {
      const { store, see, finish } = setUp();
      see(frameV4(answer(head, { strings: [spelling] })), at);
      see(frameV4(answer(head, { strings: [other] })), otherAt);
      finish();
      const [stored, ...others] = store.heads.latest();
      assert.deepEqual(others, []);
      assert.deepEqual(
        [stored?.count, stored?.headFirstSeen, stored?.lastSeen],
        [2, NOW + 9, NOW + 10],
      );
    }
  });

  test('wait while the store cannot be written, and are not lost', () => {
    const { store, observer, see, finish, events } = setUp();
    const record = store.heads.record.bind(store.heads);
    store.heads.record = () => {
      throw new Error('database or disk is full');
    };
    see(frameV4(answer(head)));
    finish();
    finish();
    assert.deepEqual(events, [{ event: 'store-failed', message: 'database or disk is full' }]);
    store.heads.record = record;
    observer.endBatch(NOW);
    assert.equal(store.heads.latest().length, 1);
  });

  test('wait in the backlog when memory is full, and are not lost', () => {
    const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    const store = memoryStore();
    const observer = new Observer({
      sources: [new CtOverDns(new Map([['alpha.example', alpha.asLog()]]))],
      store,
      evidenceDirectory: directory,
      onEvent: () => undefined,
      backlog: new Backlog(join(directory, 'backlog'), 1),
      mostGathered: 4,
    });
    const record = store.heads.record.bind(store.heads);
    store.heads.record = () => {
      throw new StoreError('store-failed', 'database is locked');
    };
    const sizes = Array.from({ length: 20 }, (_, i) => i + 1);
    for (const size of sizes) {
      const strings = [formatTreeHeadText(alpha.sign(size, treeOf(size).root()))];
      const frame = frameV4(dnsAnswer({ name: 'sth.alpha.example', strings }));
      const seen = { frame, frameLength: frame.length, timestamp: NOW, interfaceName: 'eth0' };
      observer.receive({ kind: 'unknown', ...seen });
      observer.endBatch(NOW);
    }
    store.heads.record = record;
    // Each batch takes as much from the backlog as memory holds.
    for (let batch = 0; batch < sizes.length; batch++) observer.endBatch(NOW);
    assert.deepEqual(
      store.heads.latest().map(({ treeSize, count }) => [Number(treeSize), count]),
      sizes.map((size) => [size, 1]),
    );
    assert.equal(observer.counts()[NOT_STORED], undefined);
    assert.equal(observer.counts()['tree heads'], sizes.length);
    assert.deepEqual(readdirSync(join(directory, 'backlog')), []);
    rmSync(directory, { recursive: true });
  });

  describe('prove a split view while the store cannot be written', () => {
    const forked = alpha.sign(100, treeOf(100, 'b').root());
    const forks = (events: readonly ObserverEvent[]): readonly string[] =>
      events.flatMap((event) => (event.event === 'fork-proven' ? [event.evidence] : []));

    /** Returns what lets the store be written again. */
    function breakStore({ heads }: Store): () => void {
      const record = heads.record.bind(heads);
      heads.record = () => {
        throw new StoreError('store-failed', 'database or disk is full');
      };
      return () => void (heads.record = record);
    }

    for (const where of ['the store', 'memory']) {
      test(`against what is in ${where}, once, and the store has it later`, () => {
        const { store, see, finish } = setUp(`unwritten ${where}`);
        see(frameV4(answer(head)));
        if (where === 'the store') finish();
        const mend = breakStore(store);
        see(frameV4(answer(forked)));
        const [evidence = '', ...others] = forks(finish());
        assert.deepEqual(others, []);
        const bundle = parseEvidence(readFileSync(evidence, 'utf8'), evidence);
        assert(verifyEvidence(bundle).every(({ holds }) => holds));
        assert.deepEqual(
          exhibitsOf(bundle).map(({ rootHash }) => rootHash),
          [head, forked].map(({ rootHash }) => rootHash),
        );
        see(frameV4(answer(head)));
        see(frameV4(answer(forked)));
        assert.equal(forks(finish()).length, 1, 'once');
        mend();
        assert.equal(forks(finish()).length, 1, 'once more it is no news');
        assert.deepEqual(
          store.evidence.all().map(({ path }) => path),
          [evidence],
        );
        assert.equal(store.verdicts.counts()['fork-proven'], 1);
      });
    }

    test('but not with a head that the log did not sign as the store has it', () => {
      const { store, see, finish } = setUp('unwritten damage');
      see(frameV4(answer(head)));
      finish();
      const headsOf = store.heads.headsOf.bind(store.heads);
      // One flipped bit in what is read.
      store.heads.headsOf = (stored) =>
        headsOf
          .call(store.heads, stored)
          .map((each) => ({ ...each, timestamp: each.timestamp ^ 1n }));
      breakStore(store);
      see(frameV4(answer(forked)));
      assert.deepEqual(forks(finish()), []);
    });

    test('when its file can be written, if that fails too', () => {
      const { store, see, finish } = setUp('unwritten late');
      breakStore(store);
      const evidenceDirectory = join(directory, 'unwritten late');
      writeFileSync(evidenceDirectory, '');
      see(frameV4(answer(head)));
      see(frameV4(answer(forked)));
      assert.deepEqual(forks(finish()), []);
      rmSync(evidenceDirectory);
      assert.equal(forks(finish()).length, 1);
    });

    test('in a second place, if the first takes no file', () => {
      const secondPlace = join(directory, 'second place');
      const { store, see, finish } = setUp('unwritten at all', secondPlace);
      breakStore(store);
      writeFileSync(join(directory, 'unwritten at all'), '');
      see(frameV4(answer(head)));
      see(frameV4(answer(forked)));
      const [evidence = ''] = forks(finish());
      assert.deepEqual(
        [evidence],
        bundlesIn(secondPlace).map((name) => join(secondPlace, name)),
      );
    });

    test('and nothing while heads agree, or are of different sizes or logs', () => {
      const { store, see, finish } = setUp('unwritten peace');
      breakStore(store);
      see(frameV4(answer(head)));
      see(frameV4(answer(alpha.sign(100, tree.root(), 5n))));
      see(frameV4(answer(alpha.sign(99, treeOf(99, 'b').root()))));
      see(frameV4(answer(big.sign(100, treeOf(100, 'b').root()), { name: 'sth.big.example' })));
      see(frameV4(answer(alpha.sign(0, tree.root(5), 5n))));
      see(frameV4(answer(alpha.sign(0, tree.root(6), 5n))));
      assert.deepEqual(forks(finish()), []);
    });
  });
});

test('an empty tree with wrong roots is malformed, said once for each, and no evidence', () => {
  const { store, see, finish } = setUp();
  const zero = toMerkleHash(new Uint8Array(32));
  for (const [root, at] of [
    [zero, 1n],
    [zero, 2n],
    [EMPTY_ROOT, 3n],
    [tree.root(1), 4n],
  ] as const) {
    see(frameV4(answer(alpha.sign(0, root, at))));
    finish();
  }
  see(frameV4(answer(head)));
  const events = finish();
  assert.equal(events.filter(({ event }) => event === 'tree-head').length, 5);
  assert.equal(events.filter(({ event }) => event === 'malformed-head').length, 2);
  assert.equal(events.length, 7);
  const { pending, 'malformed-head': malformed } = store.verdicts.counts();
  assert.deepEqual([pending, malformed], [2, 2]);
});

describe('two roots for one size', () => {
  const other = alpha.sign(100, treeOf(100, 'b').root());

  for (const together of ['in one answer', 'in one batch', 'batches apart']) {
    test(`are evidence at once, ${together}`, () => {
      const { store, see, finish } = setUp();
      if (together === 'in one answer') see(frameV4(ofRecords(text(head), text(other))));
      else {
        see(frameV4(answer(head)));
        if (together === 'batches apart') finish();
        see(frameV4(answer(other)));
      }
      const fork = finish().find((event) => event.event === 'fork-proven');
      assert(fork?.event === 'fork-proven');
      const checks = verifyEvidence(
        parseEvidence(readFileSync(fork.evidence, 'utf8'), fork.evidence),
      );
      assert.deepEqual(
        checks.filter(({ holds }) => !holds),
        [],
      );
      assert.equal(store.verdicts.counts()['fork-proven'], 1);
      finish();
      assert.equal(store.evidence.all().length, 1);
    });
  }

  test('that cannot be written down are written when the disk has room, though nothing more is seen', async () => {
    const evidenceDirectory = join(directory, 'full');
    writeFileSync(evidenceDirectory, '');
    const events: string[] = [];
    const observer = new Observer({
      sources: [new CtOverDns(new Map([['alpha.example', alpha.asLog()]]))],
      store: memoryStore(),
      evidenceDirectory,
      onEvent: ({ event }) => events.push(event),
    });
    for (const each of [head, other, head]) {
      const frame = frameV4(answer(each));
      observer.receive({
        kind: 'unknown',
        frame,
        frameLength: frame.length,
        timestamp: NOW,
        interfaceName: 'eth0',
      });
      observer.endBatch(NOW);
    }
    assert.equal(events.filter((event) => event === 'store-failed').length, 1);
    rmSync(evidenceDirectory);
    await eventually(() => {
      observer.endBatch(NOW);
      return events.includes('fork-proven');
    }, 'the evidence');
    assert.equal(bundlesIn(evidenceDirectory).length, 1);
  });

  test('seen before a crash are evidence when the next observer starts', () => {
    const { store } = setUp();
    const sighting = { source: 'eth0', firstSeen: NOW, lastSeen: NOW, count: 1 };
    store.heads.record([
      { ...sighting, head: alpha.verified(7, tree.root(7)) },
      { ...sighting, head: alpha.verified(7, treeOf(7, 'b').root()) },
    ]);
    const evidenceDirectory = join(directory, 'after-crash');
    const sources = [new CtOverDns(new Map([['alpha.example', alpha.asLog()]]))];
    new Observer({ sources, store, evidenceDirectory, onEvent: () => undefined });
    assert.equal(bundlesIn(evidenceDirectory).length, 1);
  });
});

test('a database that is damaged while it is written is set aside, and no tree head is lost with it', () => {
  const state = stateAt(join(directory, 'damaged'));
  const said: string[] = [];
  const storeFile = new StoreInUse({ state, onSetAside: (message) => void said.push(message) });
  const { store } = storeFile;
  const events: ObserverEvent[] = [];
  const observer = new Observer({
    sources: [new CtOverDns(new Map([['alpha.example', alpha.asLog({ dns: 'alpha.example' })]]))],
    store,
    storeFile,
    evidenceDirectory: state.evidence,
    onEvent: (event) => void events.push(event),
  });
  const see = (size: number): void => {
    const frame = frameV4(answer(alpha.sign(size, tree.root(size))));
    observer.receive({
      kind: 'unknown',
      frame,
      frameLength: frame.length,
      timestamp: NOW,
      interfaceName: 'eth0',
    });
    observer.endBatch(NOW);
  };
  see(5);
  // Another connection writes, so that ours has to read again; then the disk holds noise.
  const other = openDatabase(state.database);
  other.exec("INSERT INTO counters VALUES ('test', 'x', 1)");
  other.pragma('wal_checkpoint(TRUNCATE)');
  other.close();
  const file = openSync(state.database, 'r+');
  writeSync(file, Buffer.alloc(statSync(state.database).size, 'noise'), 0);
  closeSync(file);
  see(6);
  see(7);
  assert.match(said.join(), /is damaged; it is kept as .*\.damaged-.*, and a new one is started/);
  assert.equal(said.length, 1);
  assert.deepEqual(
    store.heads.latest().map(({ treeSize }) => treeSize),
    [6n, 7n],
  );
  assert(!events.some(({ event }) => event === 'store-failed'));
  store.close();
  assert.equal(
    readdirSync(state.directory).filter((name) => /^ctga\.db\.damaged-[0-9TZ-]+$/.test(name))
      .length,
    1,
  );
});

describe('a real capture', { skip: needsShared('ct-over-dns/ct-over-dns-2018.pcap') }, () => {
  const capture = (): string => sharedPath('ct-over-dns/ct-over-dns-2018.pcap') ?? assert.fail();

  test("of 2018 holds one verified tree head, under crt.sh's list", async () => {
    const store = memoryStore();
    const { logs } = readLogList(
      sharedPath('loglists/crtsh/v3/all/all_logs_list.json') ?? assert.fail(),
    );
    const replay = await replayPlanes([new CapturePlane(capture())], {
      sources: [new CtOverDns(zonesOf(logs, { zones: [] }))],
      store,
      evidenceDirectory: directory,
    });
    assert.equal(replay.failures.size, 0);
    assert.equal(replay.packets, 2);
    const [only, ...others] = replay.treeHeads;
    assert.deepEqual(others, []);
    assert.equal(only?.treeSize, 314_423_677n);
    assert.equal(logIdText(only.log.key.logId), '7ku9t3XOYLrhQmkfq+GeZqMPfl+wctiDAMR7iXqo/cs=');
  });

  test('that is cut short delivers what came before, and says where it ends', async () => {
    const path = join(directory, 'cut.pcapng');
    const bytes = readFileSync(capture());
    writeFileSync(path, bytes.subarray(0, bytes.length - 30));
    const store = memoryStore();
    const replay = await replayPlanes([new CapturePlane(path)], {
      sources: [],
      store,
      evidenceDirectory: directory,
    });
    assert(replay.packets > 0);
    assert.match(replay.failures.get(0)?.message ?? '', /cut\.pcapng.*packet/);
  });
});
