// SPDX-License-Identifier: Apache-2.0
/**
 * What following a log costs: requests, bytes of answers (headers left out) and disk, day by day, of
 * logs in memory and on a clock of the bench's own. No tree head is seen, and none need be: what is
 * asked does not depend on it.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeBase64 } from '../src/base/base64.ts';
import { visit } from '../src/follow/follower.ts';
import { HashStore } from '../src/follow/hash-store.ts';
import type { Fetch } from '../src/http/request.ts';
import type { Log } from '../src/logs/log.ts';
import {
  DEFAULT_BUDGET_MB,
  DEFAULT_QUESTIONS,
  DEFAULT_WINDOW_DAYS,
} from '../src/services/challenge-defaults.ts';
import { entriesAsked, FakeApi, json } from '../test/support/fake-api.ts';
import { random } from '../test/support/random.ts';
import { LogTree } from '../test/support/signing-log.ts';
import { UniformLog } from '../test/support/uniform-log.ts';

export interface FollowedDay {
  readonly api: Log['api'];
  readonly perDay: number;
  readonly day: number;
  readonly mode: string;
  readonly visits: number;
  readonly requests: number;
  readonly bytes: number;
  /** At the end of the day: leaves whose hashes are here, and bytes of all files of the hash store. */
  readonly held: number;
  readonly disk: number;
}

/** A log, and what it shows. */
interface Growing {
  readonly log: Log;
  readonly fetch: Fetch;
  /** The log shows so many entries from now on. */
  show(size: number, timestamp: number): void;
}

const DAY_MS = 86_400_000;
/** The mean time between two visits. */
const EVERY_MS = 3_600_000;
const BEGIN = 20_000 * DAY_MS;
/** How many entries the RFC 6962 log gives at a time. */
const ENTRIES_LIMIT = 256;
/** A leaf and its chain, as in today's logs: 8 kB an entry as JSON. */
const [LEAF_BYTES, CHAIN_BYTES] = [1600, 4400];

/** With the default budget: a tiled log, and RFC 6962 logs that fit into it and that do not. */
export async function measureFollowing(scale: number): Promise<FollowedDay[]> {
  const found: FollowedDay[] = [];
  for (const [api, perDay, before, days] of [
    ['static-ct', 2_000_000, 400_000_000, 3],
    ['rfc6962', 8000, 50_000, 3],
    ['rfc6962', 100_000, 300_000, 2],
  ] as const) {
    const growth = Math.ceil(perDay / scale);
    const growing =
      api === 'static-ct'
        ? new UniformLog()
        : rfc6962Log(Math.ceil(before / scale) + days * growth);
    found.push(...(await followForDays(growing, growth, Math.ceil(before / scale), days)));
  }
  return found;
}

function rfc6962Log(most: number): Growing {
  const filler = Buffer.alloc(LEAF_BYTES, 'leaf');
  const tree = new LogTree(most, (i) => {
    const entry = Buffer.from(filler);
    entry.writeUInt32BE(i);
    return entry;
  });
  const api = new FakeApi(tree);
  const chain = encodeBase64(Buffer.alloc(CHAIN_BYTES, 'chain'));
  return {
    log: api.log.asLog(),
    fetch: (url) => {
      const { pathname, searchParams: query } = new URL(url);
      if (!pathname.endsWith('/get-entries')) return api.fetch(url);
      const entries = entriesAsked(tree, api.size, query, ENTRIES_LIMIT) ?? [];
      return Promise.resolve(
        json({
          entries: entries.map((entry) => ({ leaf_input: encodeBase64(entry), extra_data: chain })),
        }),
      );
    },
    show: (size, timestamp) => {
      api.size = size;
      api.timestamp = BigInt(timestamp);
    },
  };
}

/** Follows the log from nothing on, at random times. */
async function followForDays(
  growing: Growing,
  perDay: number,
  before: number,
  days: number,
): Promise<FollowedDay[]> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-bench-'));
  const hashes = HashStore.open(directory);
  const below = random(1);
  const chance = (): number => below(2 ** 30) / 2 ** 30;
  const found: FollowedDay[] = [];
  let now = BEGIN;
  try {
    for (let day = 1; day <= days; day++) {
      const end = BEGIN + day * DAY_MS;
      let visits = 0;
      const next = (): number => Math.ceil(now - Math.log(1 - chance()) * EVERY_MS);
      for (now = next(); now < end; now = next()) {
        growing.show(before + Math.floor(((now - BEGIN) / DAY_MS) * perDay), now);
        const { failures } = await visit(growing.log, {
          hashes,
          open: () => ({ fetch: growing.fetch, close: () => undefined }),
          paths: 2,
          budget: DEFAULT_BUDGET_MB * 1e6,
          window: DEFAULT_WINDOW_DAYS * DAY_MS,
          blocks: DEFAULT_QUESTIONS.blocks,
          now: () => now,
          chance,
          sleep: () => Promise.resolve(),
          signal: new AbortController().signal,
          wanted: () => [],
        });
        for (const failure of failures) throw failure;
        visits += 1;
      }
      const summary = hashes.of(growing.log).summary(end - 1);
      if (summary === undefined) throw new Error('the log was not followed');
      const { mode, held, requests, bytes } = summary;
      found.push({
        api: growing.log.api,
        perDay,
        day,
        mode,
        visits,
        requests,
        bytes,
        held: held === undefined ? 0 : Number(held.end - held.start),
        disk: sizeOf(directory),
      });
    }
  } finally {
    hashes.close();
    rmSync(directory, { recursive: true });
  }
  return found;
}

function sizeOf(directory: string): number {
  return readdirSync(directory).reduce(
    (sum, file) => sum + statSync(join(directory, file)).size,
    0,
  );
}
