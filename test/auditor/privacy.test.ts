// SPDX-License-Identifier: Apache-2.0
/**
 * What a client sends shows in nothing that leaves the auditor, until it has mixed: the same run with
 * and without it, or with another in its place, is the same byte for byte and time for time.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FeedbackChecks, type CheckedPair } from '../../src/pool/feedback.ts';
import { AUDITOR_PATH } from '../../src/pool/auditor-url.ts';
import { startAuditServer } from '../../src/auditor/server.ts';
import { AuditMetrics } from '../../src/auditor/metrics.ts';
import { encodeBase64 } from '../../src/base/base64.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { Certificate } from '../../src/scts/certificate.ts';
import { encodePromise } from '../../src/scts/sct.ts';
import type { Brought } from '../../src/pool/forms.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { FakeApi } from '../support/fake-api.ts';
import { fc } from '../support/random.ts';
import { indexExtension, LogTree, SigningLog, treeOf } from '../support/signing-log.ts';
import { TiledFiles } from '../support/tiled-files.ts';
import { DAY, Harness, HOUR, pairOf, seeded } from './harness.ts';

const NOW = 1_800_000_000_000;
const K = 4;
const [one, two] = [new SigningLog(), new SigningLog()];
const rfc6962 = one.asLog();
const tiled = two.asLog({ api: 'static-ct' });
/** Some are in the logs, and some are not. */
const NAMES = Array.from({ length: 12 }, (_, i) => `certificate ${i}`);
const byHash = NAMES.map((name) => pairOf(rfc6962, one, name, NOW - 3 * DAY));
const byPlace = NAMES.map((name, i) => pairOf(tiled, two, name, NOW - DAY, indexExtension(i)));
const leafOf = ({ promise }: CheckedPair): Uint8Array => encodePromise(promise, promise.entry);
const treeWith = (pairs: readonly CheckedPair[]): LogTree =>
  new LogTree(300, (i) => {
    const pair = i % 3 === 0 ? undefined : pairs[i];
    return pair === undefined ? Buffer.from(`leaf ${i}`) : leafOf(pair);
  });
const [firstTree, secondTree] = [treeWith(byHash), treeWith(byPlace)];

/** What one client sends at a time: indexes of SCTs and sizes of heads. */
interface Sent {
  readonly at: number;
  readonly hashed: readonly number[];
  readonly placed: readonly number[];
  readonly sizes: readonly number[];
}

const pairsOf = ({ hashed, placed }: Sent): CheckedPair[] => [
  ...hashed.flatMap((i) => byHash[i] ?? []),
  ...placed.flatMap((i) => byPlace[i] ?? []),
];
const headsOf = ({ sizes }: Sent): Brought[] =>
  sizes.map((size) => ({
    head: one.sign(size, firstTree.root(size), BigInt(NOW - HOUR)),
    logId: one.key.logId,
  }));

/** Days of an auditor: what is public, and what clients send. Returns all that left it. */
async function run(sent: readonly Sent[], collected: readonly CheckedPair[]): Promise<string[]> {
  const [api, files] = [new FakeApi(firstTree, 300, one), new TiledFiles(two, secondTree)];
  const harness = new Harness({
    logs: [
      { log: rfc6962, fetch: api.fetch },
      { log: tiled, fetch: files.fetch },
    ],
    now: NOW,
    mix: K,
    delay: 6 * HOUR,
    chance: seeded(7),
  });
  const given: string[] = [];
  for (let hour = 0; hour < 48; hour++) {
    for (const each of sent)
      if (each.at === hour) harness.auditor.takeSubmitted(pairsOf(each), headsOf(each));
    if (hour % 6 === 1) {
      harness.show(rfc6962, one, 300, firstTree.root());
      harness.show(tiled, two, 300, secondTree.root());
    }
    if (hour === 9) harness.auditor.takePublic('pool', collected);
    given.push(
      harness.auditor
        .headsToShare(14 * DAY)
        .map(({ treeSize, logId }) => `${hour} ${encodeBase64(logId)} ${treeSize}`)
        .join(),
    );
    await harness.pass(HOUR);
  }
  // Signatures are drawn anew, so evidence is told by what it is about.
  const convicted = harness.evidence.map((each) => `${each.kind} ${each.log.url}`);
  return [...harness.out, ...given, ...convicted];
}

const indexes = fc.uniqueArray(fc.nat(NAMES.length - 1), { maxLength: 3 });
const sentBy = (from: number): fc.Arbitrary<Sent> =>
  fc.record({
    at: fc.integer({ min: from, max: 40 }),
    hashed: indexes,
    placed: indexes,
    sizes: fc.uniqueArray(fc.integer({ min: 1, max: 290 }), { maxLength: 2 }),
  });

describe('what one client sends', () => {
  test('changes nothing that leaves, with any that fewer than k sources send', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(sentBy(0), { maxLength: K - 1 }),
        fc.array(sentBy(0), { maxLength: K - 1 }),
        indexes,
        async (sent, others, collected) => {
          const pool = collected
            .flatMap((i) => [byHash[i], byPlace[i]])
            .filter((each) => each !== undefined);
          assert.deepEqual(await run(sent, pool), await run(others, pool));
        },
      ),
      { numRuns: 25 },
    );
  });

  test('is told by nothing although it comes again and again', async () => {
    // Each time with something new, as whoever visits another site has it.
    const again = Array.from({ length: 40 }, (_, at) => ({
      at,
      hashed: [at % NAMES.length, (at + 1) % NAMES.length],
      placed: [2],
      sizes: [20 + at, 21 + at],
    }));
    assert.deepEqual(await run(again, []), await run([], []));
    // Two clients are no k.
    const other = { hashed: [], placed: [4, 5], sizes: [] };
    const both = again.map((each, at) =>
      at % 2 === 0 ? { ...each, hashed: [1] } : { at, ...other },
    );
    assert.deepEqual(await run(both, []), await run([], []));
  });

  test('is asked about once k sources have sent something, among all of theirs', async () => {
    const sent = [1, 2, 4, 5].map((i, at) => ({ at, hashed: [i], placed: [], sizes: [] }));
    const asked = (await run(sent, [])).filter((each) => each.includes('get-proof-by-hash'));
    assert.equal(new Set(asked.map((each) => /hash=[^&]*/.exec(each)?.[0])).size, K);
    // Whoever came last is not asked about last, or first: any order is as likely.
    const orders = new Set<string>();
    for (let seed = 0; seed < 40; seed++) orders.add(await orderOf(seeded(seed)));
    assert(orders.size > 10, `${orders.size} of 24 orders`);
  });
});

/** In which order the log is asked about four SCTs that came one after another. */
async function orderOf(chance: () => number): Promise<string> {
  const api = new FakeApi(firstTree, 300, one);
  const harness = new Harness({
    logs: [{ log: rfc6962, fetch: api.fetch }],
    now: NOW,
    mix: K,
    delay: HOUR,
    chance,
  });
  harness.show(rfc6962, one, 300, firstTree.root());
  for (const i of [1, 2, 4, 5]) harness.auditor.takeSubmitted(byHash.slice(i, i + 1), []);
  await harness.pass(HOUR);
  return harness.out
    .map((each) => new URL(each.split(' ')[1] ?? '').searchParams.get('hash'))
    .join();
}

test('the answer is the same for what is new, known, mixing, proven and convicted', async () => {
  const authority = new Authority();
  const harness = new Harness({
    logs: [{ log: rfc6962, fetch: new FakeApi(treeOf(9), 9, one).fetch }],
    mix: 2,
  });
  const server = await startAuditServer({
    address: '127.0.0.1',
    port: 0,
    checks: new FeedbackChecks(undefined, [rfc6962]),
    take: (pairs, heads) => harness.auditor.takeSubmitted(pairs, heads),
    metrics: new AuditMetrics(harness.store),
    share: () => [],
    onError: (error) => assert.fail(String(error)),
  });
  try {
    const answers = new Set<string>();
    const send = async (der: Uint8Array): Promise<void> => {
      const response = await fetch(new URL(AUDITOR_PATH, server.at.url), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          sct_feedback: [
            {
              x509_chain: [der, authority.der].map(encodeBase64),
              sct_data: new Certificate(der).embeddedScts.map(encodeBase64),
            },
          ],
          sths: [
            {
              log_id: encodeBase64(one.key.logId),
              ...treeHeadToJson(one.sign(9, treeOf(9).root())),
            },
          ],
        }),
      });
      const { date: _, ...headers } = Object.fromEntries(response.headers);
      answers.add(JSON.stringify([response.status, headers, await response.text()]));
    };
    const [a, b] = ['a.example', 'b.example'].map((name) =>
      authority.issue([name], { logs: [one] }),
    );
    assert(a !== undefined && b !== undefined);
    for (const der of [a, a, b, b, a]) await send(der);
    assert.equal(answers.size, 1, [...answers].join('\n'));
  } finally {
    await server.stop();
  }
});
