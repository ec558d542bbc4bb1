// SPDX-License-Identifier: Apache-2.0
/**
 * A member that was away. `CTGA_WEEK=1` has it be a week, 10,080 periods of a minute, which takes some
 * minutes; otherwise it is some hours. What it takes is said, by `--test-reporter spec`.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Bits, hex, list, long } from '../../src/federation/bytes.ts';
import { encodeCertificate, statementsBytes } from '../../src/federation/certificate.ts';
import { Member } from '../../src/federation/member.ts';
import { formatSignedRoster } from '../../src/federation/roster.ts';
import { FederationStore } from '../../src/federation/store.ts';
import { random, SEED } from '../support/random.ts';
import { FoundByChallenger, head, keysOf, rosterOf, signedBy, signRoster } from './network.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const PERIODS = process.env['CTGA_WEEK'] === undefined ? 200 : 10_080;
const FIRST = 29_000_000;
const LOGS = 8;

test(`who was away for ${PERIODS} periods learns them, beginning with the newest, in bounded memory`, (context) => {
  const keys = keysOf(3);
  const roster = rosterOf(3, { threshold: 2 });
  const stores = ['here', 'away'].map((name) => FederationStore.open(join(directory, name)));
  const [full, empty] = stores as [FederationStore, FederationStore];
  for (const store of stores)
    store.addRoster(0, formatSignedRoster(signRoster(keys, [0, 1, 2], roster.body)));
  const mask = Bits.of(
    LOGS,
    Array.from({ length: LOGS }, (_, i) => i),
  );
  let size = 0;
  for (let period = FIRST; period < FIRST + PERIODS; period++) {
    const place = { roster: roster.hash, period, view: 0 };
    const items = Array.from({ length: LOGS }, (_, log) => head(log, period - FIRST + 1));
    const signed = signedBy(keys, [0, 1], statementsBytes(place, items, mask));
    const bytes = encodeCertificate({ ...place, items, groups: [{ mask, ...signed }] });
    size += list([long(bytes)]).length;
    full.addCertificate(period, bytes);
  }
  const draw = random(SEED);
  const members = stores.map((store, i) => {
    const { key, signer } = keys[i] ?? assert.fail();
    const observer = new FoundByChallenger();
    for (let log = 0; log < LOGS; log++) observer.logs.set(log, PERIODS + 1);
    return new Member({
      rosters: [roster],
      key,
      signer,
      observer: { candidates: () => [], judge: (item) => observer.judge(item) },
      convicts: () => undefined,
      goodCosignatures: () => 'unknown',
      store,
      random: () => draw(2 ** 20) / 2 ** 20,
    });
  });
  const [here, away] = members as [Member, Member];
  const peers = keys.map(({ key }) => hex(key));
  const waiting: (readonly [to: number, from: string, bytes: Uint8Array])[] = [];
  const memory = process.memoryUsage().rss;
  const begun = process.cpuUsage();
  let [most, sent, longest] = [0, 0, 0];
  const first: number[] = [];
  // In one period: nothing waits for the next.
  let now = (FIRST + PERIODS) * 60_000;
  const hand = (i: number, input: Parameters<Member['handle']>[0]): void => {
    const before = process.cpuUsage();
    for (const output of members[i]?.handle(input, now) ?? [])
      if (output.kind === 'send') {
        const to = peers.indexOf(output.peer);
        if (to < 2) waiting.push([to, peers[i] ?? '', output.bytes]);
        if (to === 1) sent += output.bytes.length;
      } else if (output.kind === 'certified') {
        // The first message has these; of the others, comparisons find now older and now newer ones.
        if (first.length < 100) first.push(output.certificate.period);
      }
    const { user, system } = process.cpuUsage(before);
    longest = Math.max(longest, (user + system) / 1000);
    most = Math.max(most, process.memoryUsage().rss);
  };
  for (const i of [0, 1]) hand(i, { kind: 'time' });
  while (away.latest().length === 0 || empty.periods().length < PERIODS) {
    const next = waiting.shift();
    if (next !== undefined) hand(next[0], { kind: 'message', peer: next[1], bytes: next[2] });
    else {
      // Whoever owes nothing now goes on when it is time.
      const wake = Math.min(here.wakeAt, away.wakeAt);
      now = Math.max(now, wake);
      assert(now < (FIRST + PERIODS + 5) * 60_000, `it stands at ${empty.periods().length}`);
    }
    for (const i of [0, 1]) if ((members[i]?.wakeAt ?? Infinity) <= now) hand(i, { kind: 'time' });
  }
  assert.deepEqual(
    first,
    Array.from({ length: 100 }, (_, i) => FIRST + PERIODS - 1 - i),
  );
  for (const period of [FIRST, FIRST + PERIODS - 1])
    assert.deepEqual(away.stated(period), here.stated(period));
  // Beside what it lacked, it is sent what it takes to find that out.
  assert(sent < 1.2 * size + 100_000, `${sent} of ${size} bytes`);
  assert(statSync(join(directory, 'away/federation.sqlite')).size < 8 * size + 2 ** 20);
  // Not the week itself is in memory.
  assert(most - memory < 256 * 2 ** 20, `${most - memory} bytes`);
  const { user, system } = process.cpuUsage(begun);
  const periodsTaken = now / 60_000 - FIRST - PERIODS;
  context.diagnostic(
    `${PERIODS} periods: ${sent} bytes sent of ${size}; ${((user + system) / 1e6).toFixed(1)} s of CPU in both, ${longest.toFixed(0)} ms at most at once; ${((most - memory) / 2 ** 20).toFixed(0)} MiB more; ${periodsTaken.toFixed(2)} periods later`,
  );
  for (const store of stores) store.close();
});
