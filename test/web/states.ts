// SPDX-License-Identifier: Apache-2.0
/** Stores in the states that a status page is looked at in. Their logs are made up. */
import { join } from 'node:path';
import { MemberStore, type MemberState } from '../../src/fleet/members.ts';
import { judgeWithoutProof } from '../../src/evidence/judge.ts';
import { keepEvidence } from '../../src/evidence/keep.ts';
import type { State } from '../../src/store/state.ts';
import { sourceOf } from '../../src/store/exchange.ts';
import type { Store } from '../../src/store/store.ts';
import type { Verdict } from '../../src/store/verdicts.ts';
import { planeState } from '../support/plane-state.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const NAMES = [
  'Alder2026h2',
  'Birch2026h2',
  'Cedar2027h1',
  'Dogwood2027h1',
  'Elm2026h2',
  'Fir2027',
];

export class Scene {
  readonly store: Store;
  readonly state: State;
  readonly now = Date.now();
  readonly logs: readonly SigningLog[];

  constructor(store: Store, state: State, names: readonly string[] = NAMES) {
    this.store = store;
    this.state = state;
    this.logs = names.map(() => new SigningLog());
    store.logs.put(this.logs.map((log, i) => log.asLog({ description: nameOf(names, i) })));
  }

  /** The fleet that the store is of, as `self` has it; `heard` has what is heard of some of the members. */
  fleet(
    self: string,
    members: readonly { readonly name: string; readonly role: 'site' | 'collector' }[],
    heard: readonly (Partial<MemberState> & { readonly member: string })[],
    refused: ReadonlyMap<string, ReadonlyMap<string, number>> = new Map(),
  ): void {
    const kept = MemberStore.open(this.state.directory);
    kept.putFleet({ fleet: 'example', self, intervalSeconds: 10, members });
    kept.put(
      heard.map((each) => ({
        heard: [],
        allowance: { left: 20, at: this.now, number: 1 },
        lastHeard: this.now - 4_000,
        clockOff: 0,
        batches: 8_640,
        missing: 0,
        waiting: 0,
        givenUp: 0,
        ...each,
      })),
      refused,
    );
    kept.close();
  }

  /** A tree head of log number `of` that these sites saw, each on two interfaces. */
  seeAt(sites: readonly string[], of: number, size: number, at: number, tree = 'public'): void {
    const log = this.logs[of];
    if (log === undefined) throw new RangeError(`there is no log ${of}`);
    const head = log.verified(size, treeOf(size, tree).root(), BigInt(at - 40_000));
    const seen = { head, firstSeen: at, lastSeen: at, count: 1 };
    this.store.heads.record(
      sites.flatMap((host) =>
        ['eth0', 'eth1'].map((source) => ({
          ...seen,
          source: sourceOf({ host, store: '0badcafe' }, source),
        })),
      ),
    );
  }

  /** A tree head of log number `of`, seen once at `at`; `tree` tells trees of one size apart. */
  see(of: number, size: number, at: number, verdict: Verdict = 'pending', tree = 'public'): void {
    const log = this.logs[of];
    if (log === undefined) throw new RangeError(`there is no log ${of}`);
    const head = log.verified(size, treeOf(size, tree).root(), BigInt(at - 40_000));
    const seen = { head, firstSeen: at, lastSeen: at, count: 1 };
    this.store.heads.record([{ ...seen, source: of % 2 === 0 ? 'eth0' : 'eth1' }]);
    if (verdict === 'pending') return;
    const stored = this.store.heads.treeOf(head);
    const provenAgainst = verdict === 'consistent' ? stored.id : undefined;
    this.store.verdicts.set(stored, at, { verdict, provenAgainst });
  }

  /** A month of every log, with this verdict; the last few of each have none yet. */
  month(verdict: Verdict, waiting = 0): void {
    for (const [of] of this.logs.entries()) {
      const heads = 26 - of * 3;
      for (let i = 0; i < heads; i++) {
        const at =
          this.now - Math.round(((heads - 1 - i) / heads + 0.003 * of) * 30 * DAY) - 3 * MINUTE;
        this.see(of, 60 + i * (11 + of), at, heads - i <= waiting ? 'pending' : verdict);
      }
    }
  }

  /** What another member concluded of the last tree that each log showed in the month. */
  say(host: string, verdict: string): void {
    this.store.exchange.putVerdicts(
      this.logs.map((log, of) => {
        const size = 60 + (25 - of * 3) * (11 + of);
        const head = log.verified(size, treeOf(size, 'public').root());
        return { head, origin: { host, store: '0badcafe' }, verdict, reason: undefined };
      }),
    );
  }

  watch(name: string, blindSince: number | null = null, lost = 0): void {
    const counters = {
      packets: name === 'eth0' ? 48_211_937 : 1_203_455,
      answersCopied: 4_211,
      fragmentsCopied: 73,
      answersOverBudget: 12,
      answersRingFull: lost,
    };
    const settings = { answersShare: 1, fragmentsShare: 0.005 };
    this.store.planes.put(name, planeState({ counters, settings, blindSince }), this.now - 4_000);
  }

  /** Log number `of` signs two trees of one size, the second for one client alone. */
  split(of: number, size: number, at: number): string {
    const log = this.logs[of];
    if (log === undefined) throw new RangeError(`there is no log ${of}`);
    this.see(of, size, at, 'consistent');
    this.see(of, size, at + 20 * MINUTE, 'fork-proven', `victim of ${size}`);
    const pair = this.store.evidence
      .missing()
      .find(
        ([first]) =>
          Buffer.from(first.logId).equals(log.key.logId) && first.treeSize === BigInt(size),
      );
    const judgement = pair && judgeWithoutProof(...pair);
    if (pair === undefined || judgement?.verdict !== 'fork-proven')
      throw new Error('it is no fork');
    const asLog = log.asLog({ description: nameOf(NAMES, of) });
    const path = keepEvidence(
      this.store,
      this.state.evidence,
      asLog,
      pair,
      judgement,
      at + DAY / 24,
    );
    if (path === undefined) throw new Error('there is no evidence');
    return path;
  }
}

function nameOf(names: readonly string[], i: number): string {
  const name = names[i] ?? `${i}`;
  return name.includes(' ') ? name : `Example '${name}' log`;
}

/** Fifty routers of a provider. */
export const SITES = ['ams', 'ber', 'cph', 'dub', 'edi', 'fra', 'gva', 'hel', 'ist', 'kbp'].flatMap(
  (city) => [1, 2, 3, 4, 5].map((i) => `${city}${i}`),
);
const COLLECTING = [
  { name: 'hub', role: 'collector' as const },
  { name: 'hub2', role: 'collector' as const },
];
const asSites = (names: readonly string[]): { name: string; role: 'site' }[] =>
  names.map((name) => ({ name, role: 'site' }));

/** What a log's owner may call it, and what must not become markup. */
export const HOSTILE = '<img src=x onerror="document.title=\'owned\'">';

/** What is done to an empty store for each state. */
export const SCENES: Readonly<Record<string, (scene: Scene) => void>> = {
  'nothing-seen': () => undefined,
  'not-asked': (scene) => {
    scene.watch('eth0');
    scene.month('pending');
  },
  'all-well': (scene) => {
    scene.watch('eth0');
    scene.watch('eth1');
    scene.month('consistent', 1);
    scene.store.counters.add('observer', {
      'answer: signature of no known log': 1_312,
      'answer: not a tree head': 88,
    });
  },
  'split-view': (scene) => {
    scene.watch('eth0');
    scene.watch('eth1');
    scene.month('consistent', 1);
    scene.split(1, 301, scene.now - 6 * DAY);
    scene.store.counters.add('observer', { 'answer: signature of no known log': 1_312 });
  },
  'blind-and-lost': (scene) => {
    scene.watch('eth0', scene.now - 40 * MINUTE);
    scene.watch('eth1', null, 21);
    scene.month('consistent', 1);
    scene.see(3, 2000, scene.now - 5 * DAY, 'unprovable');
  },
  'fleet-without-sites': (scene) => {
    scene.fleet('hub', COLLECTING, []);
  },
  'fleet-not-heard': (scene) => {
    scene.fleet('hub', [...COLLECTING, ...asSites(['ams1', 'ber1'])], []);
  },
  'fleet-split': (scene) => {
    scene.month('consistent', 1);
    scene.split(1, 301, scene.now - 6 * DAY);
    const victims = ['dub1', 'dub2', 'edi4'];
    scene.seeAt(
      SITES.filter((_, i) => i % 3 === 0 && i < 42),
      1,
      301,
      scene.now - 6 * DAY,
    );
    scene.seeAt(victims, 1, 301, scene.now - 6 * DAY + 20 * MINUTE, 'victim of 301');
    for (const [of] of scene.logs.entries())
      for (const back of [0, 1])
        scene.seeAt(
          SITES.filter((_, i) => (i * 7 + of) % 5 !== 0 && (back > 0 || i % 2 === 0)),
          of,
          400 + 9 * of - back,
          scene.now - back * 40 * MINUTE - 2 * MINUTE,
        );
    const heard = SITES.slice(0, -1).map((member) => ({ member }));
    scene.fleet(
      'hub',
      [...COLLECTING, ...asSites(SITES)],
      [
        ...heard,
        { member: 'hub2', batches: 4 },
        { member: 'fra2', lastHeard: scene.now - 3 * 3_600_000 },
        { member: 'gva1', missing: 12, waiting: 3_107, givenUp: 44 },
      ],
      new Map([['hel3', new Map([['a head that its log did not sign', 7]])]]),
    );
  },
  'fleet-site': (scene) => {
    scene.watch('eth0');
    scene.month('consistent', 1);
    scene.fleet('ams1', [...COLLECTING, ...asSites(SITES)], [{ member: 'hub' }]);
    for (const host of ['east', 'hub', 'hub2', 'west']) scene.say(host, 'consistent');
    scene.say('a-challenger-with-a-very-long-name', 'skewed');
    scene.say('liar', 'fork-proven');
    scene.say('<b>', 'consistent');
    scene.say('joker', '<script>alert(1)</script>');
  },
  'fleet-extremes': (scene) => {
    const names = Array.from(
      { length: 1000 },
      (_, i) => `${'w'.repeat(28)}${String(i).padStart(4, '0')}`,
    );
    scene.month('pending');
    scene.split(0, 301, scene.now - DAY);
    scene.seeAt(names, 0, 301, scene.now - DAY);
    scene.seeAt(names.slice(500, 501), 0, 301, scene.now - DAY, 'victim of 301');
    for (const [of] of scene.logs.entries()) scene.seeAt(names, of, 900, scene.now - MINUTE);
    const host = names[0] ?? '';
    const log = scene.logs[0];
    if (log === undefined) throw new Error('there is no log');
    const head = log.verified(
      900,
      treeOf(900, 'public').root(),
      BigInt(scene.now - MINUTE - 40_000),
    );
    for (const way of [HOSTILE, 'x'.repeat(200), `/srv/${'a-long-name/'.repeat(9)}`])
      scene.store.heads.record([
        {
          head,
          source: sourceOf({ host, store: '0badcafe' }, way),
          firstSeen: 1,
          lastSeen: 1,
          count: 1,
        },
      ]);
    scene.fleet(
      'hub',
      [...COLLECTING, ...asSites(names)],
      names.map((member) => ({
        member,
        lastHeard: 8_640_000_000_000_000,
        batches: Number.MAX_SAFE_INTEGER,
        missing: Number.MAX_SAFE_INTEGER,
        waiting: Number.MAX_SAFE_INTEGER,
        givenUp: Number.MAX_SAFE_INTEGER,
      })),
    );
  },
  extremes: (scene) => {
    scene.watch('eth0', null, 10 ** 13 - 1);
    scene.watch('eth7', null, Number.MAX_SAFE_INTEGER);
    scene.watch('enx0123456789ab');
    const names = [HOSTILE, `A log with a ${'very '.repeat(30)}long name`, 'W'.repeat(200)];
    const logs = [...names.map((description) => ({ description })), undefined].map((named) => {
      const log = new SigningLog();
      if (named !== undefined) scene.store.logs.put([log.asLog(named)]);
      return log;
    });
    const most = 2n ** 64n - 1n;
    for (const [i, log] of logs.entries())
      for (const [back, treeSize] of [most, most - 1n, BigInt(i + 1)].entries()) {
        const at = scene.now - back * DAY;
        const head = log.verified(treeSize, treeOf(i + 1).root(), back === 0 ? most : BigInt(at));
        const sources = [
          'eth0',
          `/srv/captures/${'a-long-name/'.repeat(9)}capture.pcap.zst`,
          'x'.repeat(90),
        ];
        for (const source of sources)
          scene.store.heads.record([{ head, source, firstSeen: at, lastSeen: at, count: 2 ** 50 }]);
        if (back === 1)
          scene.store.evidence.add(
            join(scene.state.evidence, `fork-${i}.json`),
            scene.store.heads.treeOf(head),
            { treeSize: most, rootHash: head.rootHash },
            at,
          );
      }
    scene.store.counters.add('observer', {
      [`a reason ${'that is long '.repeat(9)}`]: Number.MAX_SAFE_INTEGER,
    });
  },
};
