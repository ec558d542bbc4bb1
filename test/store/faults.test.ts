// SPDX-License-Identifier: Apache-2.0
/**
 * What is left of the store after a power cut at every system call, and when a system call fails.
 * The program's own calls are recorded by strace and played on a disk that has kept nothing,
 * everything, or some of what was not yet synced; then the real code opens what is there. Nothing
 * that was acknowledged may be missing, and what is there must be whole.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { PublishedHeads } from '../../src/mirror/published.ts';
import { checkStore } from '../../src/upkeep/maintenance.ts';
import { StoreInUse } from '../../src/upkeep/in-use.ts';
import { openForReading, stateAt, type State } from '../../src/store/state.ts';
import { FaultyRuns } from '../support/fault-loops.ts';
import { noStrace } from '../support/strace.ts';
import { random, SEED } from '../support/random.ts';

const runs = new FaultyRuns(join(import.meta.dirname, 'faults-child.ts'), 'faults-child');
after(() => {
  runs.end();
});
/** In the state directory, and opened to be synced. */
const DIRECTORIES = ['evidence', 'dns'];

/** Puts a damaged database there before a run, or none. */
const withDatabase =
  (damaged: Buffer | undefined) =>
  (directory: string): void => {
    if (damaged === undefined) return;
    mkdirSync(directory);
    writeFileSync(stateAt(directory).database, damaged);
  };

/** No database any more. */
const DAMAGED = Buffer.alloc(4 * 4096, 'damaged');

function isThere(content: Buffer, directory: string): boolean {
  return readdirSync(directory, { withFileTypes: true }).some(
    (entry) => entry.isFile() && readFileSync(join(directory, entry.name)).equals(content),
  );
}

/** Opens what is there as the observer would, and holds it against what was acknowledged. */
function examine(state: State, acks: readonly string[], when: string): void {
  const acked = (prefix: string): number => acks.filter((ack) => ack.startsWith(prefix)).length;
  if (!existsSync(state.database)) {
    assert.equal(acks.length, 0, `${when}: the database is gone, with ${acks.join(', ')}`);
    return;
  }
  // Where the power failed before the new one was there, the damaged one is still in its place.
  new StoreInUse({ state, onSetAside: () => undefined }).store.close();
  const { faults } = checkStore(state);
  // A fork is written down before its evidence is recorded: the observer does so when it starts
  // again.
  assert.deepEqual(faults, [], when);
  const store = openForReading(state);
  const [heads, evidence] = [store.heads.count(), store.evidence.all()];
  const logs = store.logs.all();
  store.close();
  assert(heads >= acked('head '), `${when}: ${heads} heads of ${acked('head ')}`);
  assert(logs.length >= acked('log'), `${when}: the log is gone`);
  const [log] = logs;
  const published = log && new PublishedHeads(state.directory).get(log);
  const promised = acks.flatMap((ack) => /^published (\d+)$/.exec(ack)?.[1] ?? []).at(-1);
  assert(
    Number(published?.head.treeSize ?? 0) >= Number(promised ?? 0),
    `${when}: a published head is gone`,
  );
  for (const ack of acks.filter((each) => each.startsWith('evidence '))) {
    const name = basename(ack);
    assert(
      evidence.some(({ path }) => basename(path) === name),
      `${when}: evidence is not on record`,
    );
    assert(existsSync(join(state.evidence, name)), `${when}: the evidence file is gone`);
  }
}

describe('the store', { skip: noStrace }, () => {
  for (const [how, damaged] of [
    ['one that is new', undefined],
    ['one that takes the place of a damaged one, which stays', DAMAGED],
  ] as const)
    test(`after a power cut at any moment has all that was acknowledged, whatever of the rest was kept: ${how}`, (context) => {
      const run = runs.whole(withDatabase(damaged));
      assert.equal(run.acks.length, 11);
      const { database } = stateAt(run.directory);
      const there = damaged === undefined ? [] : ([[database, damaged]] as const);
      const below = random(SEED);
      const cuts = runs.cutEverywhere(run, {
        directories: DIRECTORIES,
        there: new Map(there),
        fates: [
          ['nothing', () => false],
          ['everything', () => true],
          ['some', () => below(2) === 0],
          ['most', () => below(8) !== 0],
        ],
        examine: (left, told, when) => {
          if (damaged !== undefined)
            assert(isThere(damaged, left), `${when}: the damaged one is gone`);
          examine(stateAt(left), told, when);
        },
      });
      context.diagnostic(`${cuts} power cuts (CTGA_TEST_SEED=${SEED})`);
      assert(cuts > 100);
    });

  for (const [call, damaged] of [
    ...['pwrite64', 'fsync', 'fdatasync', 'rename', 'ftruncate', 'link', 'unlink'].map(
      (name) => [name, undefined] as const,
    ),
    ['rename', DAMAGED],
  ] as const)
    test(`when the N-th ${call} fails, for N = 1, 2, ...${damaged === undefined ? '' : ', on a damaged one'}`, (context) => {
      const failures = runs.failEach(call, {
        prepare: withDatabase(damaged),
        examine: ({ directory, status, acks, stderr }, nth) => {
          // It goes on where SQLite could do without, and otherwise ends with a reason; it never
          // says what is not so.
          if (status !== 0)
            assert.match(stderr, /CtgaError|SqliteError|EIO|ENOSPC/, `${nth}: ${stderr}`);
          examine(stateAt(directory), acks, `${call} ${nth}`);
        },
      });
      context.diagnostic(`${failures} failures`);
    });
});
