// SPDX-License-Identifier: Apache-2.0
/**
 * Replays with the filter of captures against replays that decode every packet: the same tree
 * heads, as often, and the same refusals of what claims to be one.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CapturePlane } from '../../src/dataplane/capture.ts';
import { hashLeaf } from '../../src/merkle/hash.ts';
import { Observer } from '../../src/observer/observer.ts';
import { replayPlanes } from '../../src/observer/replay.ts';
import { CtOverDns } from '../../src/sources/ct-over-dns/source.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { memoryStore } from '../../src/store/state.ts';
import { captureFile } from '../../src/traffic/traffic.ts';
import { mutate, seedsOf } from '../support/corpus.ts';
import {
  dnsAnswer,
  ethernet,
  fragmentIpv4,
  fragmentIpv6,
  frameV4,
  frameV6,
  ipv4,
  ipv6,
  udp,
} from '../support/packets.ts';
import { random, SEED } from '../support/random.ts';
import { SigningLog } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const log = new SigningLog();
const zones = new Map([['log.example', log.asLog()]]);

/** Answers with tree heads in every way to send them, and others, mixed and in part damaged. */
function frames(count: number, seed: number): Uint8Array[] {
  const below = random(seed);
  const messages = Array.from({ length: 8 }, (_, i) =>
    dnsAnswer({
      name: i % 2 === 0 ? 'sth.log.example' : 'sTH.log.eXample',
      strings: [formatTreeHeadText(log.sign(i + 1, hashLeaf(Buffer.of(i))))],
    }),
  );
  let identification = 0;
  const good: ((message: Uint8Array) => Uint8Array[])[] = [
    (message) => [frameV4(message)],
    (message) => [frameV6(message, { tags: [{ tpid: 0x8100, vlanId: 7 }] })],
    (message) => [frameV4(message, { checksum: 'partial' })],
    (message) => [frameV4(message, { sourcePort: 5353 })],
    (message) =>
      fragmentIpv4(
        ipv4({ payload: udp({ payload: message }), identification: ++identification & 0xffff }),
        128,
      ).map((payload) => ethernet({ payload })),
    (message) =>
      fragmentIpv6(ipv6({ payload: udp({ payload: message }) }), 128, ++identification).map(
        (payload) => ethernet({ payload }),
      ),
  ];
  const others = [...seedsOf('sth.other.example'), ...seedsOf('www.example')];
  return Array.from({ length: count }, () => {
    if (below(3) === 0) return others[below(others.length)] ?? [];
    const message = messages[below(messages.length)] ?? new Uint8Array(0);
    return good[below(good.length)]?.(message) ?? [];
  })
    .flatMap((each) => (each instanceof Uint8Array ? [each] : each))
    .map((frame) => (below(8) === 0 ? mutate(frame, below) : frame));
}

test(`the filter changes no result (CTGA_TEST_SEED=${SEED})`, async (context) => {
  const all = frames(6000, SEED);
  const path = join(directory, 'mixed.pcap');
  writeFileSync(path, captureFile(all));
  const sources = [new CtOverDns(zones)];
  const fast = await replayPlanes([new CapturePlane(path)], {
    sources,
    store: memoryStore(),
    evidenceDirectory: directory,
  });

  const heads = new Map<bigint, number>();
  const slow = new Observer({
    sources,
    store: memoryStore(),
    evidenceDirectory: directory,
    acceptsNoIpv4Checksum: true,
    onEvent: (event) => {
      assert(event.event === 'tree-head');
      const { treeSize } = event.head;
      heads.set(treeSize, (heads.get(treeSize) ?? 0) + event.count);
    },
  });
  all.forEach((frame, i) =>
    slow.receive({
      kind: 'unknown',
      frame,
      frameLength: frame.length,
      timestamp: Math.floor(i / 1000),
      interfaceName: 'replay:mixed.pcap',
    }),
  );
  slow.endBatch(0);

  assert.equal(fast.packets, all.length);
  assert.deepEqual(
    new Map(fast.treeHeads.map(({ treeSize, seen }) => [treeSize, seen])),
    new Map([...heads].sort()),
  );
  // What became of claims and of fragments; other reasons are what a filter is there to leave out.
  const ofHeads = (counts: Readonly<Record<string, number>>): unknown =>
    Object.fromEntries(
      Object.entries(counts).filter(([name]) =>
        /^tree head|^packet: (fragment|datagram[^W])/.test(name),
      ),
    );
  assert.deepEqual(ofHeads(fast.counts), ofHeads(slow.counts()));
  const passed = all.length - sumOf(fast.counts, /^no match: /);
  context.diagnostic(`${all.length} frames, ${passed} passed, ${heads.size} heads`);
  assert(passed < all.length && heads.size === 8);
});

function sumOf(counts: Readonly<Record<string, number>>, pattern: RegExp): number {
  return Object.entries(counts)
    .filter(([name]) => pattern.test(name))
    .reduce((sum, [, count]) => sum + count, 0);
}
