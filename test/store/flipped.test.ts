// SPDX-License-Identifier: Apache-2.0
/**
 * Flipped bits anywhere in a store: each command and service goes on or ends in a sentence, and none
 * in a stack.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { CtgaError } from '../../src/base/errors.ts';
import { recordHeads } from '../../src/evidence/record.ts';
import { AlertService } from '../../src/services/alert.ts';
import { openForWriting, stateAt, type State } from '../../src/store/state.ts';
import { StoreInUse } from '../../src/upkeep/in-use.ts';
import { ctga } from '../support/ctga.ts';
import { planeState } from '../support/plane-state.ts';
import { random, SEED } from '../support/random.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const root = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(root, { recursive: true }));
const AT = 1_700_000_000_000;
const log = new SigningLog();
const seen = { source: 'eth0', firstSeen: AT, lastSeen: AT + 1, count: 3 };
const head = (size: number, branch?: string): ReturnType<SigningLog['verified']> =>
  log.verified(size, treeOf(size, branch).root());
const context = (state: State, store: StoreInUse['store']): Parameters<typeof recordHeads>[0] => ({
  store,
  evidenceDirectory: state.evidence,
  logs: [log.asLog()],
  now: AT,
});

/** Something in every table. */
const good = stateAt(join(root, 'good'));
{
  const store = openForWriting(good);
  const list = {
    source: 'list',
    json: Buffer.from('{}'),
    signed: undefined,
    etag: 'x',
    fetched: AT,
  };
  store.logs.put([log.asLog()], list, AT);
  const heads = [1, 2, 3, 4].map((size) => ({ head: head(size), ...seen }));
  recordHeads(context(good, store), heads);
  recordHeads(context(good, store), [{ head: head(3, 'b'), ...seen }]);
  const imported = { ...seen, source: 'a/01234567:eth0', origin: '01234567' };
  recordHeads(context(good, store), [{ head: head(2), ...imported }]);
  store.heads.record([], {
    put: [{ source: 'eth0', entry: 5n, head: head(2), credited: 2 }],
    over: [],
  });
  const [first, second] = store.heads.trees(log.key.logId);
  assert(first !== undefined && second !== undefined);
  const consistent = { verdict: 'consistent', provenAgainst: second.id, askAfter: AT } as const;
  store.verdicts.set(first, AT, consistent);
  store.verdicts.set(second, AT, { verdict: 'unprovable', reason: 'none came' });
  store.planes.put('eth0', planeState({}), AT);
  store.alerts.raise({ key: 'blind:eth0', since: AT, message: 'm' }, '{}', ['test']);
  store.alerts.noteCounts(new Map([['gap:eth0', 5]]));
  store.counters.add('observer', { a: 5 });
  store.logs.setQuietUntil(log.key.logId, AT);
  store.logs.setStale(log.key.logId, AT, 'lags');
  store.close();
  const database = new Database(good.database);
  database.exec("INSERT INTO damaged_rows (content, reason, set_aside) VALUES ('{}', 'x', 1)");
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
}

const bad = stateAt(join(root, 'bad'));
const COMMANDS = [
  'status',
  'heads list --json',
  'heads export',
  'evidence list',
  'alert list',
  'logs list',
  'store check',
  'store export',
];

function observe(): void {
  const file = new StoreInUse({ state: bad, onSetAside: () => undefined });
  const { store } = file;
  try {
    file.use(() =>
      recordHeads(
        context(bad, store),
        [2, 3, 7].map((size) => ({ head: head(size), ...seen })),
      ),
    );
    assert(store.heads.find(head(7)) !== undefined, 'what is new is recorded');
    file.use(() => store.heads.seenEntries('eth0'));
    file.use(() => store.heads.rollUp(AT + 10, 100));
    file.use(() => store.counters.add('observer', { a: 1 }));
    file.use(() => store.planes.put('eth0', planeState({}), AT));
  } finally {
    store.close();
  }
}

function conclude(): void {
  const file = new StoreInUse({ state: bad, onSetAside: () => undefined });
  const { store } = file;
  try {
    file.use(() => {
      for (const logId of store.heads.logIds())
        for (const which of ['open', 'all'] as const)
          for (const page of store.verdicts.pages(logId, which))
            for (const tree of page) store.verdicts.set(tree, AT, { verdict: 'skewed' });
    });
  } finally {
    store.close();
  }
}

async function alert(): Promise<void> {
  const service = new AlertService({
    state: bad,
    channels: [{ name: 'test', kind: 'command', send: () => Promise.resolve() }],
    heartbeat: { send: () => Promise.resolve(), every: Infinity },
    clock: { now: Date.now, elapsed: () => performance.now() },
    warn: (message) => assert.doesNotMatch(message, /TypeError|RangeError|Cannot read/),
  });
  await service.look();
  service.close();
}

/** Runs everything over a store that `damage` has damaged, each anew. */
async function runAll(
  damage: (path: string) => void,
  commands: readonly string[] = COMMANDS,
): Promise<void> {
  const anew = (): void => {
    rmSync(bad.directory, { recursive: true, force: true });
    cpSync(good.directory, bad.directory, { recursive: true });
    damage(bad.database);
  };
  anew();
  for (const command of commands) {
    const ran = await ctga([...command.split(' '), '--state-dir', bad.directory]);
    assert.notEqual(ran.code, 70, `${command}: ${ran.stderr}`);
    assert.doesNotMatch(ran.stderr, /\n {4}at /, command);
  }
  for (const work of [observe, conclude, alert]) {
    anew();
    try {
      await Promise.resolve(work());
    } catch (error) {
      assert(error instanceof CtgaError, `${work.name}: ${String(error)}`);
    }
  }
}

describe('a store with a number that cannot be', () => {
  const database = new Database(good.database, { readonly: true });
  const columns = database
    .prepare<[], { table: string; column: string }>(
      `SELECT m.name AS "table", p.name AS "column" FROM sqlite_schema m, pragma_table_info(m.name) p
       WHERE m.type = 'table' AND p.type = 'INTEGER'`,
    )
    .all();
  database.close();
  for (const { table, column } of columns)
    test(`in ${table}.${column}`, async () => {
      await runAll(
        (path) => {
          const writing = new Database(path);
          writing.pragma('foreign_keys = OFF');
          writing
            .prepare(
              `UPDATE OR IGNORE "${table}" SET "${column}" = ? WHERE "${column}" IS (SELECT "${column}" FROM "${table}" LIMIT 1)`,
            )
            .run(2n ** 63n - 1n);
          writing.close();
        },
        ['heads list --json'],
      );
    });
});

test(`a store with any bit flipped (CTGA_TEST_SEED=${SEED})`, async () => {
  const below = random(SEED);
  const bytes = readFileSync(good.database);
  for (let i = 0; i < 6; i++) {
    // Most of a page is unused: a bit in what is not zero.
    let at = below(bytes.length);
    while (bytes[at] === 0) at = below(bytes.length);
    const bit = 1 << below(8);
    await runAll((path) => {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ bit;
      writeFileSync(path, flipped);
    });
  }
});
