// SPDX-License-Identifier: Apache-2.0
/**
 * The observer knows sources and claims, and nothing of what carries them: a source that exists
 * only here, checkpoints in plain UDP datagrams, works as CT-over-DNS does.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Log } from '../../src/logs/log.ts';
import { Observer } from '../../src/observer/observer.ts';
import { CtOverDns } from '../../src/sources/ct-over-dns/source.ts';
import type { MatchRules } from '../../src/sources/match-rules.ts';
import type { Source, SourceClaim } from '../../src/sources/source.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { memoryStore } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import { dnsAnswer, ethernet, fragmentIpv4, frameV4, ipv4, udp } from '../support/packets.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const NOW = 1_800_000_000_000;
const CHECKPOINT_PORT = 4433;
const alpha = new SigningLog();
const beta = new SigningLog('rsa');
const tree = treeOf(20);

/** One log's checkpoints, each alone in a datagram. */
class CheckpointsInUdp implements Source {
  readonly name = 'checkpoints-in-udp';
  readonly logs: readonly Log[];
  readonly matchRules: MatchRules;
  readonly #log: Log;

  constructor(log: Log, port = CHECKPOINT_PORT) {
    this.#log = log;
    this.logs = [log];
    this.matchRules = { udpSourcePorts: [port], dnsNames: [] };
  }

  read(message: Uint8Array): SourceClaim[] {
    return [{ kind: 'claim', log: this.#log, bytes: message, form: 'checkpoint' }];
  }

  recognises(start: Uint8Array): boolean {
    return Buffer.from(start).toString('utf8').startsWith('log.test/');
  }
}

function observe(sources: readonly Source[]): {
  readonly observer: Observer;
  readonly store: Store;
  readonly see: (...frames: readonly Uint8Array[]) => void;
} {
  const store = memoryStore();
  const observer = new Observer({
    sources,
    store,
    evidenceDirectory: directory,
    onEvent: () => undefined,
  });
  const see = (...frames: readonly Uint8Array[]): void => {
    for (const frame of frames)
      observer.receive({
        kind: 'unknown',
        frame,
        frameLength: frame.length,
        timestamp: NOW,
        interfaceName: 'eth0',
      });
    observer.endBatch(NOW);
  };
  return { observer, store, see };
}

const sizes = (store: Store): bigint[] =>
  store.heads
    .latest()
    .map(({ treeSize }) => treeSize)
    .sort();
const otherCounts = (observer: Observer): [string, number][] =>
  Object.entries(observer.counts()).filter(([name]) => !name.startsWith('packet'));
const checkpointFrame = (size: number, log = alpha): Uint8Array =>
  frameV4(Buffer.from(log.checkpoint(size, tree.root(size))), { sourcePort: CHECKPOINT_PORT });
const dnsFrame = (size: number, log = alpha, zone = 'alpha.example'): Uint8Array =>
  frameV4(
    dnsAnswer({
      name: `sth.${zone}`,
      strings: formatTreeHeadText(log.sign(size, tree.root(size))).match(/.{1,255}/g) ?? [],
    }),
  );

describe('a source that the observer has never heard of', () => {
  const both = (): readonly Source[] => [
    new CtOverDns(new Map([['beta.example', beta.asLog({ description: 'Beta' })]])),
    new CheckpointsInUdp(alpha.asLog()),
  ];

  test('brings tree heads to the store, beside CT-over-DNS', () => {
    const { observer, store, see } = observe(both());
    see(checkpointFrame(7), dnsFrame(9, beta, 'beta.example'), checkpointFrame(7));
    assert.deepEqual(
      new Map(store.heads.latest().map(({ treeSize, count }) => [treeSize, count])),
      new Map([
        [7n, 2],
        [9n, 1],
      ]),
    );
    assert.deepEqual(otherCounts(observer), [['tree heads', 3]]);
  });

  test('has its fragments held while others flood the reassembly', () => {
    const { store, see } = observe(both());
    const payload = udp({
      payload: Buffer.from(alpha.checkpoint(7, tree.root(7))),
      sourcePort: CHECKPOINT_PORT,
    });
    const [first, ...rest] = fragmentIpv4(ipv4({ payload }), 64).map((each) =>
      ethernet({ payload: each }),
    );
    see(first ?? assert.fail());
    for (let i = 0; i < 20_000; i++)
      see(
        ethernet({
          payload: ipv4({
            payload: new Uint8Array(64),
            source: `10.0.${(i >> 8) & 255}.${i & 255}`,
            identification: i & 0xffff,
            moreFragments: true,
          }),
        }),
      );
    see(...rest);
    assert.deepEqual(sizes(store), [7n]);
  });

  test('is refused what its log did not sign, and what is no checkpoint', () => {
    const { observer, store, see } = observe(both());
    const genuine = alpha.checkpoint(7, tree.root(7));
    const messages = [
      genuine.replace('\n7\n', '\n8\n'),
      beta.checkpoint(7, tree.root(7)),
      'no checkpoint at all',
      genuine.padEnd(8193, '\n'),
    ];
    for (const message of messages)
      see(frameV4(Buffer.from(message), { sourcePort: CHECKPOINT_PORT }));
    assert.deepEqual(sizes(store), []);
    assert.deepEqual(otherCounts(observer), [
      ['tree head: bad signature', 1],
      ['tree head: no signature line of this log', 1],
      ['tree head: no blank line between text and signatures', 1],
      ['tree head: too long', 1],
    ]);
  });

  test('may share a port: the first source that finds a claim is the one', () => {
    const log = alpha.asLog();
    const { store, see } = observe([
      new CtOverDns(new Map([['alpha.example', log]]), [CHECKPOINT_PORT]),
      new CheckpointsInUdp(log),
    ]);
    see(checkpointFrame(7));
    assert.deepEqual(sizes(store), [7n]);
  });

  test('adds its packets to those that data planes look for', () => {
    const { observer } = observe(both());
    assert.deepEqual(observer.matchRules.udpSourcePorts, [53, CHECKPOINT_PORT]);
    assert.equal(observer.matchRules.dnsNames.length, 1);
  });

  test('is not asked about datagrams from other ports', () => {
    const { observer, store, see } = observe([new CheckpointsInUdp(alpha.asLog())]);
    see(dnsFrame(9));
    assert.deepEqual(sizes(store), []);
    assert.deepEqual(otherCounts(observer), [['datagram: from another port', 1]]);
  });
});
