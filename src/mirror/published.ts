// SPDX-License-Identifier: Apache-2.0
/**
 * What `dns serve` or `dns publish` published of each log, on the disk: a server that starts again publishes no
 * second head within the hour and no smaller tree, and goes on to give proofs of the trees that it
 * published before, even after a power cut.
 *
 * Each log has a file of its own, because the sizes of a year are 100 kB.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { messageOf } from '../base/errors.ts';
import { StoreError } from '../disk/error.ts';
import { logIdText, type Log } from '../logs/log.ts';
import { writeDurably } from '../disk/write.ts';
import { isCheckpointKey } from '../statements/key.ts';
import { jsonInteger, treeHeadSchema, treeHeadToJson, uint64 } from '../statements/json.ts';
import { verifyStatement } from '../statements/verify.ts';
import { publishedIn } from './directory.ts';
import type { Published } from './publication.ts';

/** Beside the head, which is as in other files of tree heads: see `ctga heads import`. */
const publicationSchema = z.object({
  published: z.number(),
  sizes: z.array(uint64),
  others: z.array(z.string()).optional(),
});

export class PublishedHeads {
  readonly #directory: string;

  /** `directory` is the state directory. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * What was published of the log last. Undefined where nothing was, and where the file is damaged
   * or has a head that does not verify under the log's key.
   */
  get(log: Log): Published | undefined {
    try {
      const json: unknown = JSON.parse(this.#read(log));
      const { published: at, sizes, others } = publicationSchema.parse(json);
      const statement = treeHeadSchema.parse(json);
      const head = verifyStatement(others ? { ...statement, others } : statement, log.key);
      return head && { head, at, sizes: new Set(sizes) };
    } catch {
      return undefined;
    }
  }

  /** Another one whenever something else was published; undefined where nothing was. */
  mark(log: Log): string | undefined {
    try {
      const { ino, mtimeNs } = statSync(this.#pathOf(log), { bigint: true });
      return `${ino} ${mtimeNs}`;
    } catch {
      return undefined;
    }
  }

  /**
   * Replaces what was published of the log. It survives a power cut once this returns. Throws
   * CtgaError `store-failed`; what was published before it is on the disk then.
   */
  put(log: Log, { at, head, sizes }: Published): void {
    const path = this.#pathOf(log);
    const json = {
      log_id: logIdText(log.key.logId),
      ...treeHeadToJson(head),
      others: isCheckpointKey(log.key) ? head.others : undefined,
      published: at,
      sizes: Array.from(sizes, jsonInteger),
    };
    try {
      writeDurably(path, `${JSON.stringify(json)}\n`);
    } catch (error) {
      throw new StoreError('store-failed', `cannot write ${path}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  #read(log: Log): string {
    try {
      return readFileSync(this.#pathOf(log), 'utf8');
    } catch {
      // Where earlier versions had it.
      return readFileSync(join(this.#directory, nameOf(log)), 'utf8');
    }
  }

  #pathOf(log: Log): string {
    return join(publishedIn(this.#directory), nameOf(log));
  }
}

function nameOf({ key }: Log): string {
  return `dns-published-${Buffer.from(key.logId).toString('hex')}.json`;
}
