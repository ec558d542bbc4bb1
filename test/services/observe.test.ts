// SPDX-License-Identifier: Apache-2.0
/** The observer as a service, with planes, a keeper and an account of the test's own. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { badInput, CtgaError } from '../../src/base/errors.ts';
import { CapturePlane } from '../../src/dataplane/capture.ts';
import type { PlaneTarget } from '../../src/dataplane/kind.ts';
import type { SupervisionEvent } from '../../src/dataplane/sight.ts';
import type {
  CopySettings,
  DataPlane,
  DataPlaneCounters,
  PacketHandler,
  SeenEntry,
  Supervision,
} from '../../src/dataplane/types.ts';
import type { AttachedLink } from '../../src/dataplane/xdp.ts';
import { makeEvidence } from '../../src/evidence/bundle.ts';
import { judgeWithoutProof } from '../../src/evidence/judge.ts';
import { writeEvidence } from '../../src/evidence/write.ts';
import { immediately } from '../../src/observer/verifier.ts';
import {
  observe,
  type ObservationEvent,
  type ObserveDependencies,
  type ObserveOptions,
} from '../../src/services/observe.ts';
import type { MatchRules } from '../../src/sources/match-rules.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { openDatabase } from '../../src/store/sqlite/open.ts';
import { BLIND } from '../../src/store/counters.ts';
import { openForReading, openForWriting, stateAt } from '../../src/store/state.ts';
import { eventually } from '../support/eventually.ts';
import { dnsAnswer, frameV4 } from '../support/packets.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const log = new SigningLog();
const tree = treeOf(7);
const headFrame = frameV4(
  dnsAnswer({ name: 'sth.alpha.example', strings: [formatTreeHeadText(log.sign(7, tree.root()))] }),
);
const NOW = 1_800_000_000_000;

const SETTINGS: CopySettings = {
  threshold: 400,
  everyNth: 1,
  answersPerSecond: 0,
  fragmentsPerSecond: 0,
  answersShare: 1,
  fragmentsShare: 1,
};

class FakePlane implements DataPlane {
  readonly interfaceName: string;
  readonly mode = 'fake';
  readonly tookOver: boolean;
  readonly keepsSeenEntries = false;
  readonly link: AttachedLink | undefined;
  /** What was done to it. */
  readonly done: string[] = [];
  rules: MatchRules | undefined;
  started = false;
  deliver: (frame: Uint8Array) => void = () => assert.fail('not started');
  tell: (event: SupervisionEvent) => void = () => assert.fail('not supervised');

  constructor(
    interfaceName: string,
    { tookOver = false, isKept = true }: { tookOver?: boolean; isKept?: boolean } = {},
  ) {
    this.interfaceName = interfaceName;
    this.tookOver = tookOver;
    this.link = isKept ? { options: { interfaceName }, pinDirectory: '' } : undefined;
  }

  get target(): PlaneTarget {
    return {
      attach: () => Promise.resolve(this),
      detach: () => Promise.reject(new Error('not by its name')),
    };
  }

  setMatchRules(rules: MatchRules): void {
    this.rules = rules;
  }

  counters(): DataPlaneCounters {
    return { packets: 3n } as DataPlaneCounters;
  }

  seen(): SeenEntry[] {
    return [];
  }

  copyBudget(): undefined {
    return undefined;
  }

  setCopyBudget(): void {
    assert.fail('it has none');
  }

  settings(): CopySettings {
    return SETTINGS;
  }

  start(onPacket: PacketHandler, onBatchEnd: (now: number) => void): void {
    const { interfaceName } = this;
    this.started = true;
    this.deliver = (frame) => {
      const frameLength = frame.length;
      onPacket({ kind: 'unknown', frame, frameLength, interfaceName, timestamp: NOW });
      onBatchEnd(NOW);
    };
  }

  stop(): Promise<void> {
    this.done.push('stop');
    return Promise.resolve();
  }

  supervise(onEvent: (event: SupervisionEvent) => void): Supervision {
    assert(this.rules !== undefined, 'its rules come first');
    this.tell = onEvent;
    return { stop: () => Promise.resolve(void this.done.push('stop supervision')) };
  }

  close(): void {
    this.done.push('close');
  }

  detach(): void {
    this.done.push('detach');
  }
}

describe('observing', () => {
  let made = 0;
  let events: ObservationEvent[];
  let warnings: string[];
  let keeper: {
    links: string[];
    /** What has happened to a link and nobody was told of. */
    untold: SupervisionEvent[];
    removed: string[];
    isStopped: boolean;
    mayRemove: boolean;
    tell: (event: SupervisionEvent) => void;
    end: (how: string) => void;
  };
  let stop: AbortController;
  let options: ObserveOptions;
  let dependencies: ObserveDependencies;
  let elapsed = 0;

  beforeEach(() => {
    [events, warnings, stop] = [[], [], new AbortController()];
    const untold = (): never => assert.fail('nobody listens to the keeper');
    keeper = {
      links: [],
      untold: [],
      removed: [],
      isStopped: false,
      mayRemove: true,
      tell: untold,
      end: untold,
    };
    made += 1;
    options = {
      state: stateAt(join(directory, String(made))),
      planes: [],
      planeOptions: {},
      logs: [log.asLog({ dns: 'alpha.example' })],
      zones: { zones: [] },
      ports: [5353],
      user: undefined,
      keepMilliseconds: undefined,
      secondPlace: join(directory, `${made} spool`),
      challenger: undefined,
      onEvent: (event) => events.push(event),
      warn: (message) => warnings.push(message),
    };
    dependencies = {
      startKeeper: (links, fresh) => {
        keeper.links = links.map(({ options: { interfaceName } }) => interfaceName);
        return {
          listen: (onEvent, onEnd) => Object.assign(keeper, { tell: onEvent, end: onEnd }),
          parsing: () => (keeper.mayRemove = false),
          stop: () => {
            for (const event of keeper.untold.splice(0)) keeper.tell(event);
            if (keeper.mayRemove && !keeper.isStopped) keeper.removed.push(...fresh);
            keeper.isStopped = true;
            return Promise.resolve(true);
          },
        };
      },
      startBeside: () => assert.fail('nothing was asked for beside'),
      becomeAccount: () => 'somebody',
      startVerifier: () => ({
        ...immediately,
        idle: () => Promise.resolve(),
        close: () => Promise.resolve(),
      }),
      now: () => NOW,
      elapsed: () => elapsed,
    };
  });

  /** Starts, and waits until the planes deliver. */
  async function start(...planes: FakePlane[]): Promise<{ readonly ended: Promise<boolean> }> {
    options = { ...options, planes: planes.map(({ target }) => target) };
    const ended = observe(options, stop.signal, dependencies);
    await Promise.race([
      ended,
      eventually(() => told().includes('observing'), 'the planes to be attached'),
    ]);
    return { ended };
  }
  const told = (): string[] => events.map(({ event }) => event);
  function inStore<T>(read: (store: ReturnType<typeof openForReading>) => T): T {
    const store = openForReading(options.state);
    try {
      return read(store);
    } finally {
      store.close();
    }
  }

  test('a head that a plane copies reaches the store, and is told', async () => {
    const plane = new FakePlane('eth0', { tookOver: true });
    const { onEvent } = options;
    options = {
      ...options,
      onEvent: (event) => {
        // Who is told that it is watched may ask at once.
        assert(plane.rules !== undefined && plane.started, event.event);
        onEvent(event);
      },
    };
    const { ended } = await start(plane);
    assert.deepEqual(plane.rules?.udpSourcePorts, [5353]);
    assert.equal(plane.rules.dnsNames.length, 1);
    plane.deliver(headFrame);
    stop.abort();
    assert.equal(await ended, true);
    // The frame comes from port 53, where no answer is expected.
    assert.deepEqual(told(), ['attached', 'observing', 'stopped']);
    assert.equal(
      inStore((store) => store.heads.count()),
      0,
    );

    options = { ...options, ports: undefined };
    [events, stop] = [[], new AbortController()];
    const again = await start(plane);
    plane.deliver(headFrame);
    stop.abort();
    assert.equal(await again.ended, true);
    assert.deepEqual(told(), ['attached', 'observing', 'tree-head', 'stopped']);
    assert.equal(
      inStore((store) => store.heads.count()),
      1,
    );
  });

  describe('while another process holds the store', () => {
    const hold = (): (() => void) => {
      mkdirSync(options.state.directory, { recursive: true });
      openForWriting(options.state).close();
      const other = openDatabase(options.state.database);
      other.exec('BEGIN IMMEDIATE');
      return () => void other.close();
    };

    test('it starts, goes on whatever happens to an interface, and writes all later', async () => {
      const release = hold();
      options = { ...options, ports: undefined };
      const plane = new FakePlane('eth0');
      const { ended } = await start(plane);
      plane.deliver(headFrame);
      keeper.tell({ event: 'blind', interface: 'eth0', since: NOW });
      const again = { event: 'seeing-again', interface: 'eth0', mode: 'native' } as const;
      keeper.tell({ ...again, blindMilliseconds: 5000 });
      assert(
        warnings.some((each) => each.startsWith('the store cannot be written')),
        warnings.join(),
      );
      release();
      plane.deliver(headFrame);
      stop.abort();
      assert.equal(await ended, true);
      assert(warnings.includes('the store can be written again'), warnings.join());
      assert.deepEqual(
        inStore((store) => [
          store.heads.latest().map(({ count }) => count),
          store.counters.totals()['blind, in milliseconds'],
        ]),
        [[2], 5000],
      );
      assert(!told().includes('not-stored'));
    });

    for (const isDiskFull of [false, true]) {
      test(`to its end, the next one stores what it saw${isDiskFull ? ', though the disk was full' : ''}`, async () => {
        const release = hold();
        // Nothing can be written there.
        const backlog = join(options.state.directory, 'backlog');
        if (isDiskFull) writeFileSync(backlog, '');
        options = { ...options, ports: undefined };
        const first = new FakePlane('eth0');
        const { ended } = await start(first);
        first.deliver(headFrame);
        stop.abort();
        assert.equal(await ended, true);
        assert.deepEqual(
          events.filter(({ event }) => event === 'not-stored'),
          [{ event: 'not-stored', left: 1, lost: 0, secondPlace: options.secondPlace }],
        );
        release();
        if (isDiskFull) rmSync(backlog);
        stop = new AbortController();
        const next = await start(new FakePlane('eth0', { tookOver: true }));
        await eventually(() => told().includes('tree-head'), 'what was left');
        stop.abort();
        assert.equal(await next.ended, true);
        assert.deepEqual(
          inStore((store) => store.heads.latest().map(({ count }) => count)),
          [1],
        );
      });
    }

    test('and was killed, its evidence in the second place is brought back', async () => {
      const [first, second] = ['a', 'b'].map((branch) => log.verified(7, treeOf(7, branch).root()));
      assert(first !== undefined && second !== undefined);
      const finding = judgeWithoutProof(first, second);
      assert(finding?.verdict === 'fork-proven');
      const { secondPlace = '', state } = options;
      mkdirSync(secondPlace, { mode: 0o700 });
      writeEvidence(secondPlace, makeEvidence(log.asLog(), first, second, finding, NOW));
      writeFileSync(join(secondPlace, 'rubbish.json'), '{}');
      const { ended } = await start(new FakePlane('eth0'));
      stop.abort();
      await ended;
      const [name = '', ...more] = readdirSync(state.evidence).filter((each) =>
        each.endsWith('.json'),
      );
      assert.deepEqual(more, []);
      assert.deepEqual(
        inStore((store) => store.evidence.all().map(({ path }) => path)),
        [join(state.evidence, name)],
      );
    });

    test('and with no other place either, it says what is lost, and ends badly', async () => {
      const release = hold();
      writeFileSync(join(options.state.directory, 'backlog'), '');
      // Others may write there.
      const secondPlace = join(options.state.directory, 'open');
      mkdirSync(secondPlace);
      chmodSync(secondPlace, 0o777);
      options = { ...options, ports: undefined, secondPlace };
      const plane = new FakePlane('eth0');
      const { ended } = await start(plane);
      plane.deliver(headFrame);
      stop.abort();
      assert.equal(await ended, false);
      assert.deepEqual(
        events.filter(({ event }) => event === 'not-stored'),
        [{ event: 'not-stored', left: 1, lost: 1, secondPlace: undefined }],
      );
      assert.deepEqual(readdirSync(secondPlace), []);
      release();
    });
  });

  test('when it is stopped, planes stay attached and their state is on record', async () => {
    const plane = new FakePlane('eth0');
    const { ended } = await start(plane);
    assert.deepEqual(events[0], {
      event: 'attached',
      interface: 'eth0',
      mode: 'fake',
      why: undefined,
      tookOver: false,
      logs: 1,
      names: 1,
    });
    assert.deepEqual(events[1], { event: 'observing', names: 1, account: 'somebody' });
    stop.abort();
    await ended;
    assert.deepEqual(events.at(-1), {
      event: 'stopped',
      stillAttached: ['eth0'],
      blind: [],
      isKnown: true,
    });
    assert.deepEqual(plane.done, ['stop', 'stop supervision', 'close']);
    assert.deepEqual([keeper.links, keeper.removed, keeper.isStopped], [['eth0'], [], true]);
    const [row] = inStore((store) => store.planes.all());
    assert.equal(row?.updated, NOW);
    const { process: usage, ...state } = row.state;
    assert.equal(usage?.pid, process.pid);
    assert.deepEqual(state, {
      mode: 'fake',
      names: 1,
      counters: { packets: 3 },
      settings: SETTINGS,
      blindSince: null,
    });
  });

  test('who is blind is told and on record, and for how long it was is counted', async () => {
    const [near, far] = [new FakePlane('eth0'), new FakePlane('eth1')];
    const { ended } = await start(near, far);
    keeper.tell({ event: 'blind', interface: 'eth0', since: NOW - 1000 });
    far.tell({ event: 'blind', interface: 'eth1', since: NOW - 2000 });
    keeper.tell({
      event: 'seeing-again',
      interface: 'eth0',
      mode: 'fake',
      blindMilliseconds: 1500,
    });
    stop.abort();
    await ended;
    assert.deepEqual(events.at(-1), {
      event: 'stopped',
      stillAttached: ['eth0'],
      blind: ['eth1'],
      isKnown: true,
    });
    assert.deepEqual(told().slice(3, 6), ['blind', 'blind', 'seeing-again']);
    const since = inStore((store) => store.planes.all()).map(({ interface: name, state }) => [
      name,
      state.blindSince,
    ]);
    assert.deepEqual(Object.fromEntries(since), { eth0: null, eth1: NOW - 2000 });
    assert.deepEqual(
      inStore((store) => store.counters.bySource(BLIND)),
      { eth0: 1500 },
    );
  });

  test('a plane that somebody detaches is not missed, and the last one ends it', async () => {
    const { ended } = await start(new FakePlane('eth0'), new FakePlane('eth1'));
    keeper.tell({ event: 'detached', interface: 'eth0' });
    assert(!stop.signal.aborted);
    keeper.tell({ event: 'detached', interface: 'eth1' });
    assert.equal(await ended, true);
    assert.deepEqual(events.at(-1), {
      event: 'stopped',
      stillAttached: [],
      blind: [],
      isKnown: true,
    });
    assert.deepEqual(
      inStore((store) => store.planes.all()),
      [],
    );
  });

  test('one that was detached right before the end does not stay attached, nor on record', async () => {
    const { ended } = await start(new FakePlane('eth0'), new FakePlane('eth1'));
    keeper.untold.push({ event: 'detached', interface: 'eth1' });
    stop.abort();
    assert.equal(await ended, true);
    assert.deepEqual(events.slice(-2), [
      { event: 'detached', interface: 'eth1' },
      { event: 'stopped', stillAttached: ['eth0'], blind: [], isKnown: true },
    ]);
    const names = inStore((store) => store.planes.all()).map(({ interface: name }) => name);
    assert.deepEqual(names, ['eth0']);
  });

  test('a plane whose interface is renamed is on record under its present name', async () => {
    const { ended } = await start(new FakePlane('eth0'), new FakePlane('eth1'));
    keeper.tell({ event: 'renamed', interface: 'eth0', to: 'wan0' });
    stop.abort();
    await ended;
    assert.deepEqual(events.at(-1), {
      event: 'stopped',
      stillAttached: ['wan0', 'eth1'],
      blind: [],
      isKnown: true,
    });
    const names = inStore((store) => store.planes.all()).map(({ interface: name }) => name);
    assert.deepEqual(names.sort(), ['eth1', 'wan0']);
  });

  test('the end of the keeper ends it, and is a failure', async () => {
    const { ended } = await start(new FakePlane('eth0'));
    keeper.end('SIGKILL');
    assert.equal(await ended, false);
    assert.match(warnings.join(), /what keeps the data planes attached ended by itself: SIGKILL/);
    assert.equal(events.at(-1)?.event, 'stopped');
  });

  test('the end of the challenger is told, and watching goes on', async () => {
    let isAskedToEnd = false;
    const stdin = { end: () => (isAskedToEnd = true) };
    const child = Object.assign(new EventEmitter(), { stdin });
    let args: readonly string[] = [];
    dependencies = {
      ...dependencies,
      startBeside: (given) => {
        args = given;
        return child as never;
      },
    };
    options = { ...options, challenger: ['challenge', '--json'] };
    const { ended } = await start(new FakePlane('eth0'));
    child.emit('exit', 1);
    assert.deepEqual(warnings, [
      'the challenger ended with exit code 1; watching goes on without it. To start it again: ctga challenge --json',
    ]);
    assert.equal(events.at(-1)?.event, 'observing');
    stop.abort();
    await ended;
    assert(isAskedToEnd);
    assert.deepEqual(args, ['challenge', '--json']);
  });

  const unattachable: PlaneTarget = {
    attach: () => Promise.reject(badInput('no such plane')),
    detach: () => Promise.reject(new Error('not by its name')),
  };
  test('where one plane cannot be attached, those before it are taken back', async () => {
    const [made, taken] = [new FakePlane('eth0'), new FakePlane('eth1', { tookOver: true })];
    options = { ...options, planes: [made.target, taken.target, unattachable] };
    await assert.rejects(observe(options, stop.signal, dependencies), /no such plane/);
    assert.deepEqual([made.done, taken.done], [['detach'], ['close']]);
    assert.deepEqual(keeper.links, []);
  });

  test('a plane that is asked over the network leaves this process its sockets', async () => {
    let withoutNetwork: boolean | undefined;
    dependencies = {
      ...dependencies,
      becomeAccount: (_state, _user, without) => {
        withoutNetwork = without;
        return 'somebody';
      },
    };
    const { ended } = await start(new FakePlane('switch'));
    stop.abort();
    await ended;
    assert.equal(withoutNetwork, false, 'it is kept by the keeper, and its switch is asked');
  });

  test('a switch whose interface and program both went sees again when both are back', async () => {
    const plane = new FakePlane('eth0');
    const { ended } = await start(plane);
    const again = { event: 'seeing-again', interface: 'eth0', blindMilliseconds: 5 } as const;
    plane.tell({ event: 'blind', interface: 'eth0', since: NOW - 3000 });
    elapsed += 2000;
    keeper.tell({ event: 'blind', interface: 'eth0', since: NOW - 1000 });
    elapsed += 1000;
    keeper.tell({ ...again, mode: 'native' });
    assert.deepEqual(told().slice(2), ['blind']);
    plane.tell({ ...again, mode: 'bmv2' });
    assert.deepEqual(events.slice(3), [{ ...again, mode: 'bmv2', blindMilliseconds: 3000 }]);
    stop.abort();
    await ended;
  });

  test('a plane that comes to an end is not watched', async () => {
    const attach = (): Promise<DataPlane> => Promise.resolve(new CapturePlane('some.pcap'));
    options = { ...options, planes: [{ ...unattachable, attach }] };
    await assert.rejects(
      observe(options, stop.signal, dependencies),
      (error) => error instanceof CtgaError && /ctga replay/.test(error.remedy ?? ''),
    );
  });

  for (const [what, fail] of [
    [
      'the account cannot be become',
      () => {
        dependencies = {
          ...dependencies,
          becomeAccount: () => {
            throw new Error('from within');
          },
        };
      },
    ],
  ] as const)
    test(`where ${what}, the keeper takes back what was made, and nothing else`, async () => {
      fail();
      const planes = [
        new FakePlane('eth0'),
        new FakePlane('eth1', { tookOver: true }),
        new FakePlane('unkept', { isKept: false }),
      ];
      options = { ...options, planes: planes.map(({ target }) => target) };
      await assert.rejects(observe(options, stop.signal, dependencies));
      assert.deepEqual(
        planes.map(({ done }) => done),
        [['close'], ['close'], ['detach']],
      );
      assert.deepEqual(keeper.removed, ['eth0']);
      assert(keeper.isStopped);
    });

  for (const [what, wrong] of [
    ['a zone of no log', { zones: { zones: ['nowhere=No such log'] } }],
    ['a zone that is none', { zones: { zones: ['..=Test'] } }],
    ['an account that is not there', { user: 'no-such-account' }],
  ] as const)
    test(`${what} is refused before anything is touched`, async () => {
      const plane = new FakePlane('eth0');
      options = { ...options, ...wrong, planes: [plane.target] };
      const started = keeper.links;
      await assert.rejects(observe(options, stop.signal, dependencies), { code: 'bad-input' });
      assert.deepEqual([plane.done, plane.rules, keeper.links], [[], undefined, started]);
      assert(!existsSync(options.state.database));
    });
});
