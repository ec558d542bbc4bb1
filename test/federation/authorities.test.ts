// SPDX-License-Identifier: Apache-2.0
/** Certificate authorities that publish what they revoked, as a federation sees them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseEvidence } from '../../src/evidence/bundle.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import { Authorities, observeBoth, parseAuthorities } from '../../src/federation/authorities.ts';
import { hex } from '../../src/federation/bytes.ts';
import type { Fetch } from '../../src/http/request.ts';
import { toMerkleHash } from '../../src/merkle/hash.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { FIRST_PERIOD, TimedNetwork } from '../support/federation.ts';
import { accusation, FoundByChallenger } from './network.ts';

const PERIOD_MS = 60_000;
const root = (fill: number): ReturnType<typeof toMerkleHash> =>
  toMerkleHash(new Uint8Array(32).fill(fill));
const ca = new CheckpointLog({ name: 'ca.example/revocations' });
const url = 'https://ca.example/note';
const [authority = ca.asLog()] = parseAuthorities(`${ca.vkey} ${url}\n`, 'authorities');

const giving =
  (text: string, status = 200): Fetch =>
  (asked) => {
    assert.equal(asked, url);
    return Promise.resolve({ status, body: Buffer.from(text), retryAfter: undefined });
  };
const note = (number: number, fill: number): string => ca.checkpoint(number, root(fill));

async function told(text: string, now: () => number = () => 0): Promise<Authorities> {
  const authorities = new Authorities([authority], PERIOD_MS, now);
  await authorities.ask(authority, giving(text));
  return authorities;
}

describe('the file of authorities', () => {
  test('has a line for each', () => {
    const other = new CheckpointLog({ name: 'other.example', algorithm: 'ml-dsa-44' });
    const text = `# who\n\n${ca.vkey} ${url}\n  ${other.vkey}\thttp://127.0.0.1:1/x  \n`;
    assert.deepEqual(
      parseAuthorities(text, 'f').map(({ description, url: at }) => [description, at]),
      [
        ['ca.example/revocations', url],
        ['other.example', 'http://127.0.0.1:1/x'],
      ],
    );
  });
  for (const [what, text] of [
    ['no URL', ca.vkey],
    ['no key', `x ${url}`],
    ['a URL of another kind', `${ca.vkey} file:///etc/passwd`],
    ['something more', `${ca.vkey} ${url} x`],
    ['one twice', `${ca.vkey} ${url}\n${ca.vkey} ${url}/2`],
  ] as const)
    test(`is refused with ${what}`, () =>
      assert.throws(() => parseAuthorities(text, 'f'), /^\w*Error: f: line \d: /));
});

describe('what an authority publishes', () => {
  test('is stated as it signed it, for as long as it is fresh', async () => {
    let now = 0;
    const authorities = await told(note(3, 7), () => now);
    const [mine, ...others] = authorities.candidates();
    assert(mine?.statement.kind === 'revocations' && others.length === 0);
    assert.equal(hex(mine.statement.rootHash), hex(root(7)));
    assert.equal(authorities.judge(mine), 'stated');
    now = 600_000;
    assert.deepEqual(authorities.candidates(), []);
    assert.equal(authorities.judge(mine), 'unknown');
  });

  test('is nothing where it did not sign it, or where it goes back', async () => {
    const authorities = await told(note(3, 7));
    const cases: readonly (readonly [what: string, text: string, status?: number])[] = [
      ['an older one', note(2, 6)],
      ['another number under the signature', note(3, 7).replace('\n3\n', '\n4\n')],
      ['the note of another', new CheckpointLog({ name: ca.name }).checkpoint(4, root(1))],
      ['no note', 'x'],
      ['number 0', note(0, 7)],
      ['a fault of the server', note(4, 7), 500],
    ];
    for (const [what, text, status] of cases)
      await assert.rejects(authorities.ask(authority, giving(text, status)), what);
    const [mine] = authorities.candidates();
    assert(mine?.statement.kind === 'revocations');
    assert.equal(hex(mine.statement.rootHash), hex(root(7)));
    assert.deepEqual(authorities.convictions(), []);
  });

  test('is judged by its note, and never believed without', async () => {
    const authorities = await told(note(3, 7));
    const [mine] = authorities.candidates();
    const [later] = (await told(note(4, 8))).candidates();
    assert(mine !== undefined && later?.statement.kind === 'revocations');
    assert.equal(authorities.judge(later), 'unknown');
    for (const attachment of [new Uint8Array(), new Uint8Array(8), mine.attachment])
      assert.equal(authorities.judge({ ...later, attachment }), 'refused');
    const { logId: id } = new CheckpointLog().key;
    assert.equal(authorities.judge({ ...later, statement: { ...later.statement, id } }), 'unknown');
    const both = observeBoth(new FoundByChallenger(), authorities);
    assert.equal(both.judge(mine), 'stated');
    assert.equal(both.candidates(1).length, 1);
    assert.equal(both.judge(accusation(1)), 'unknown');
    assert.deepEqual(authorities.convictions(), []);
  });

  test('convicts it where it publishes two roots under one number', async () => {
    // To one member twice, and to two members one each.
    const once = await told(note(3, 7));
    await once.ask(authority, giving(note(3, 8)));
    const [theirs] = (await told(note(3, 9))).candidates();
    const other = await told(note(3, 7));
    assert(theirs !== undefined);
    assert.equal(other.judge(theirs), 'refused');
    for (const authorities of [once, other]) {
      const [bundle = '', ...more] = authorities.convictions();
      assert.deepEqual([more, authorities.convictions()], [[], []]);
      const evidence = parseEvidence(bundle, 'evidence');
      assert.equal(hex(evidence.log.logId), hex(ca.key.logId));
      assert(verifyEvidence(evidence).every(({ holds }) => holds));
    }
  });
});

describe('a federation', () => {
  test('agrees on what a threshold was shown, and on nothing where none was', async () => {
    const shown = await Promise.all([7, 7, 7, 8].map((fill) => told(note(fill, fill))));
    const network = new TimedNetwork({
      size: 4,
      threshold: 3,
      observer: (i) => shown[i] ?? new FoundByChallenger(),
    });
    network.start();
    let period = FIRST_PERIOD;
    const stated = (): (string[] | undefined)[] => {
      network.runPeriod(period);
      const all = [...network.members.values()].map((member) =>
        member
          .stated(period)
          .flatMap(({ statement }) => ('rootHash' in statement ? hex(statement.rootHash) : [])),
      );
      period += 1;
      return all;
    };
    const all = (...roots: string[]): string[][] => Array.from({ length: 4 }, () => roots);
    assert.deepEqual(stated(), all(hex(root(7))));
    // Two were asked before a publication, and two behind it.
    await shown[2]?.ask(authority, giving(note(8, 8)));
    assert.deepEqual(stated(), all());
    for (const each of shown) await each.ask(authority, giving(note(9, 9)));
    assert.deepEqual(stated(), all(hex(root(9))));
  });
});
