// SPDX-License-Identifier: Apache-2.0
/**
 * A zone by dynamic updates. Whatever is changed is read first, and the update holds only if it is
 * still so; records that somebody else made are left alone. What was put is written down, so that
 * it is taken out again when a log has ended, also by a later process.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { messageOf } from '../base/errors.ts';
import { StoreError } from '../disk/error.ts';
import { writeDurably } from '../disk/write.ts';
import { RecordType } from '../dns/message.ts';
import { PrimaryServer, type Change, type RrSet } from '../dns/primary.ts';
import type { Endpoint } from '../dns/server.ts';
import type { TsigKey } from '../dns/tsig.ts';
import { noteOfRdata } from '../sources/checkpoints/text.ts';
import { textOfRdata } from '../sources/ct-over-dns/answer.ts';
import { verifyClaim } from '../statements/claim.ts';
import { isCheckpointKey, type LogKey } from '../statements/key.ts';
import { recordsOf, sameRecords } from './records.ts';
import type { Applied, ZoneTarget, ZoneWish } from './target.ts';

export interface UpdateOptions {
  readonly server: Endpoint;
  readonly key: TsigKey;
  /** Where it is written down what was put. */
  readonly directory: string;
  readonly now: () => number;
}

/** Sets of records in one message, of at most 64 KiB: a tree head takes 1 KiB, before and after. */
const MAX_CHANGES = 32;
/** How often others may change what was just read, before it is left for the next time. */
const ATTEMPTS = 3;

/** By name and type, the data that a set of records may have that was put here, each sorted. */
const putSchema = z.record(z.string(), z.array(z.array(z.string())));
type Put = z.infer<typeof putSchema>;

interface Wanted {
  readonly name: string;
  readonly type: number;
  readonly set: RrSet | undefined;
}

export class UpdateTarget implements ZoneTarget {
  readonly #options: UpdateOptions;

  constructor(options: UpdateOptions) {
    this.#options = options;
  }

  async apply(wish: ZoneWish): Promise<Applied> {
    const { server, key, now } = this.#options;
    const primary = new PrimaryServer(server, key, now);
    try {
      await primary.negativeTtl(wish.parent);
      return await this.#apply(primary, wish);
    } finally {
      primary.close();
    }
  }

  async #apply(primary: PrimaryServer, wish: ZoneWish): Promise<Applied> {
    const { parent } = wish;
    const put = this.#readPut(parent);
    const sets = recordsOf(wish.heads, wish.logs, parent, wish.proofs);
    const names = new Map(sets.map((set): [string, Wanted] => [keyOf(set), { ...set, set }]));
    for (const each of Object.keys(put)) {
      const [name = '', type] = each.split(' ');
      if (!names.has(each)) names.set(each, { name, type: Number(type), set: undefined });
    }
    let changed = false;
    for (let attempt = 1; ; attempt++) {
      const wanted = [...names.values()];
      const present = await primary.read(wanted);
      const kept: { name: string; why: string }[] = [];
      const changes = wanted.flatMap(({ name, type, set }, i): Change[] => {
        const before = present[i];
        const isAlias = before !== undefined && before.type !== type;
        if (isAlias && set !== undefined) kept.push({ name, why: 'it is an alias (CNAME)' });
        if (isAlias || sameRecords(before, set)) return [];
        const why = reasonToKeep(before, set, put[`${name} ${type}`], wish);
        if (why !== undefined) kept.push({ name, why });
        return why === undefined ? [{ name, type, before, after: set }] : [];
      });
      if (changes.length === 0) {
        this.#writePut(parent, put, settled(put, names, kept));
        return { changed, records: sets.length, kept };
      }
      if (attempt > ATTEMPTS) {
        const why = 'it is not as it was just put: the server, or somebody else, changes it';
        return {
          changed,
          records: sets.length,
          kept: [...kept, ...changes.map(({ name }) => ({ name, why }))],
        };
      }
      // Before: a process that is killed in between must know what it may have put.
      for (const change of changes)
        if (change.after !== undefined)
          put[keyOf(change)] = [...(put[keyOf(change)] ?? []).slice(-1), dataOf(change.after)];
      this.#writePut(parent, undefined, put);
      for (let at = 0; at < changes.length; at += MAX_CHANGES)
        changed = (await primary.update(parent, changes.slice(at, at + MAX_CHANGES))) || changed;
    }
  }

  #readPut(parent: string): Put {
    try {
      return putSchema.parse(JSON.parse(readFileSync(this.#pathOf(parent), 'utf8')));
    } catch {
      // Nothing was put, or nobody knows what: what has a signature is known by that.
      return {};
    }
  }

  #writePut(parent: string, before: Put | undefined, put: Put): void {
    if (JSON.stringify(before) === JSON.stringify(put)) return;
    const path = this.#pathOf(parent);
    try {
      writeDurably(path, `${JSON.stringify(put)}\n`);
    } catch (error) {
      throw new StoreError('store-failed', `cannot write ${path}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  #pathOf(parent: string): string {
    const { directory, server } = this.#options;
    return join(directory, `put-${parent}-${server.address}-${server.port}.json`);
  }
}

/** What remains to be known once all is as it is wished, but for what is kept. */
function settled(
  put: Put,
  names: ReadonlyMap<string, Wanted>,
  kept: readonly { readonly name: string }[],
): Put {
  return Object.fromEntries(
    [...names].flatMap(([each, { name, set }]) => {
      const earlier = put[each];
      if (kept.some((one) => one.name === name))
        return earlier === undefined ? [] : [[each, earlier]];
      return set === undefined ? [] : [[each, [dataOf(set)]]];
    }),
  );
}

/** Undefined if the present records may be replaced. */
function reasonToKeep(
  before: RrSet | undefined,
  after: RrSet | undefined,
  put: readonly (readonly string[])[] | undefined,
  { heads, logs }: ZoneWish,
): string | undefined {
  if (before === undefined) return undefined;
  const isOurs = put?.some((data) => data.join() === dataOf(before).join()) === true;
  if (before.type === RecordType.txt && after !== undefined) {
    const zone = before.name.replace(/^(sth|checkpoint)\./, '');
    const size = sizeOfHead(before, logs.get(zone)?.key);
    const ours = heads.get(zone)?.treeSize ?? 0n;
    if (size !== undefined)
      return size > ours
        ? `it has a later tree head, of size ${size}: another process publishes there`
        : undefined;
  }
  if (isOurs) return undefined;
  return after === undefined
    ? 'it was put here, and somebody has changed it since'
    : 'it has records that ctga did not put there';
}

/** Of the one tree head of this log that these records are; undefined where they are not. */
function sizeOfHead({ rdatas }: RrSet, key: LogKey | undefined): bigint | undefined {
  const [rdata, ...more] = rdatas;
  if (rdata === undefined || more.length > 0 || key === undefined) return undefined;
  const claim = isCheckpointKey(key)
    ? ({ log: { key }, bytes: noteOfRdata(rdata), form: 'checkpoint' } as const)
    : ({ log: { key }, bytes: textOfRdata(rdata), form: 'ct-over-dns' } as const);
  const verified = verifyClaim(claim);
  return verified.kind === 'verified' ? verified.statement.treeSize : undefined;
}

function keyOf({ name, type }: Pick<RrSet, 'name' | 'type'>): string {
  return `${name} ${type}`;
}

function dataOf({ rdatas }: RrSet): string[] {
  return rdatas.map((rdata) => Buffer.from(rdata).toString('base64')).sort();
}
