// SPDX-License-Identifier: Apache-2.0
/** What a client takes of a federation's update, and what it does not. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fetchUpdate, updateUrl } from '../../src/federation/fetch-update.ts';
import { LogHeads } from '../../src/client/heads.ts';
import { ClientStore } from '../../src/client/store.ts';
import { formatEvidence, makeEvidence } from '../../src/evidence/bundle.ts';
import { judgeWithoutProof } from '../../src/evidence/judge.ts';
import { Bits } from '../../src/federation/bytes.ts';
import { statementsBytes } from '../../src/federation/certificate.ts';
import { attachmentOf, checkpointFor } from '../../src/federation/cosignatures.ts';
import { makeKeys } from '../../src/federation/keys.ts';
import { Roster, rosterBytes, type RosterBody } from '../../src/federation/roster.ts';
import { formatUpdate, type Update } from '../../src/federation/update.ts';
import type { Fetch } from '../../src/http/request.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const START = Date.UTC(2026, 0, 1);
const PERIOD = START / 60_000;

const { member, signer } = makeKeys(join(directory, 'a'), 'a', 'https://a.example/');
const body: RosterBody = {
  name: 'demo',
  epoch: 0,
  previous: new Uint8Array(32),
  start: PERIOD,
  threshold: 1,
  period: 60,
  patience: 1000,
  members: [member],
};
const { hash } = Roster.of(body);
const signers = Bits.of(1, [0]);
const trusted = { body, signature: { signers, signature: signer.signBls(rosterBytes(body)) } };

const log = new SigningLog();
const known = log.asLog({ description: 'A log' });
const shown = log.verified(9, treeOf(9).root(), BigInt(START));
const other = log.verified(9, treeOf(9, 'b').root(), BigInt(START + 1));

/** The update of a federation of one that states `head`. */
function updateWith(head: typeof shown, changes: Partial<Update> = {}): string {
  const { logId: id, treeSize, rootHash } = head;
  const item = {
    statement: { kind: 'head', id, treeSize, rootHash },
    attachment: attachmentOf(head),
  } as const;
  const place = { roster: hash, period: PERIOD + 1, view: 0 };
  const mask = Bits.of(1, [0]);
  const signature = signer.signBls(statementsBytes(place, [item], mask));
  return formatUpdate({
    federation: 'demo',
    period: PERIOD + 2,
    rosters: [trusted],
    certificates: [{ ...place, items: [item], groups: [{ mask, signers, signature }] }],
    checkpoints: [checkpointFor(item, known) ?? ''],
    evidence: [],
    faults: [],
    ...changes,
  });
}

const giving =
  (text: string, status = 200): Fetch =>
  (url) => {
    assert.equal(url, 'https://a.example/federation/v1/update');
    return Promise.resolve({ status, body: Buffer.from(text), retryAfter: undefined });
  };
const take = (text: string, status?: number): ReturnType<typeof fetchUpdate> =>
  fetchUpdate('https://a.example/', giving(text, status), trusted, [known]);

describe('an update', () => {
  const finding = judgeWithoutProof(shown, other);
  assert(finding?.verdict === 'fork-proven');
  const evidence = makeEvidence(known, shown, other, finding, START);

  function headsIn(name: string, told: string[]): { heads: LogHeads; evidence: string } {
    const own = join(directory, name);
    const heads = new LogHeads(
      known,
      ClientStore.open(join(own, 'client')),
      join(own, 'evidence'),
      { onFinding: (_, what) => told.push(what), onFailure: (error) => assert.fail(String(error)) },
      () => START,
    );
    return { heads, evidence: join(own, 'evidence') };
  }

  test('that holds gives heads as their log signed them, and when they were stated', async () => {
    const { heads, statedAt, verified, evidence: none } = await take(updateWith(shown));
    assert.equal(statedAt, (PERIOD + 1) * 60_000);
    assert.deepEqual(
      heads.map(({ head }) => [head.treeSize, head.timestamp]),
      [[9n, BigInt(START)]],
    );
    assert.deepEqual(verified.latest[0]?.signers, ['a']);
    assert.deepEqual(none, []);
  });

  test('whose head contradicts what this client was shown convicts the log', async () => {
    const told: string[] = [];
    const { heads, evidence: at } = headsIn('split', told);
    heads.take(other, 'dns');
    for (const { head } of (await take(updateWith(shown))).heads) heads.take(head, 'pool');
    assert.equal(told.length, 1);
    assert.equal(readdirSync(at).filter((name) => name.endsWith('.json')).length, 1);
    assert(heads.isConvicted);
  });

  test('with evidence convicts the log once, and of a log that is unknown nothing is kept', async () => {
    const { heads, evidence: at } = headsIn('convicted', []);
    const text = updateWith(shown, { evidence: [formatEvidence(evidence)] });
    const [found, ...others] = (await take(text)).evidence;
    assert(found !== undefined && others.length === 0);
    assert.match(heads.takeEvidence(found.evidence)?.what ?? '', /A log/);
    assert.equal(heads.takeEvidence(found.evidence), undefined);
    assert(heads.isConvicted);
    assert.equal(readdirSync(at).filter((name) => name.endsWith('.json')).length, 1);
    const unknown = await fetchUpdate('https://a.example/', giving(text), trusted, []);
    assert.deepEqual([unknown.heads, unknown.evidence], [[], []]);
  });

  test('that does not hold gives nothing', async () => {
    const good = updateWith(shown);
    const cases: readonly (readonly [what: string, text: string, why: RegExp])[] = [
      ['no JSON', '{', /the update/],
      ['another size', good.replace('"tree_size": 9', '"tree_size": 10'), /does not hold/],
      ['a checkpoint of another tree', good.replace('\\n9\\n', '\\n10\\n'), /does not hold/],
      [
        'evidence that is none',
        updateWith(shown, { evidence: [formatEvidence({ ...evidence, second: evidence.first })] }),
        /does not hold/,
      ],
      [
        'another roster',
        updateWith(shown, {
          rosters: [{ ...trusted, body: { ...body, threshold: 1, name: 'x' } }],
        }),
        /roster that is trusted/,
      ],
    ];
    // Somebody else's rosters, of which none was looked at but its hash.
    const own = { ...body, name: 'own' };
    const others = Array.from({ length: 100 }, () => ({ ...trusted, body: own }));
    await assert.rejects(
      take(updateWith(shown, { rosters: [...others, trusted] })),
      /each roster names the one before it/,
    );
    for (const [what, text, why] of cases) await assert.rejects(take(text), why, what);
    await assert.rejects(take(good, 503), /status 503/);
  });

  test('does not go back behind a roster that was seen, and comes to no other of its epoch', async () => {
    const text = updateWith(shown);
    const takeAfter = (epoch: number, seen: Uint8Array): Promise<unknown> =>
      fetchUpdate('https://a.example/', giving(text), trusted, [known], { epoch, hash: seen });
    await takeAfter(0, hash);
    // As those give it who were in force then, and may have been put out since.
    await assert.rejects(takeAfter(1, hash), /is of epoch 0, and epoch 1 was seen already/);
    await assert.rejects(takeAfter(0, new Uint8Array(32)), /another roster of epoch 0/);
  });

  test('is asked for where the member is', () => {
    for (const url of ['https://a.example', 'https://a.example/', 'https://a.example//'])
      assert.equal(updateUrl(url), 'https://a.example/federation/v1/update');
    assert.equal(updateUrl('https://a.example/x'), 'https://a.example/x/federation/v1/update');
  });
});
