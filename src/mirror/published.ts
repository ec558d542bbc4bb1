/**
 * The tree heads that `dns serve` published, on the disk: a server that starts again publishes no
 * second head within the hour and no smaller tree, even after a power cut.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../base/errors.ts';
import { StoreError } from '../disk/error.ts';
import { logIdText, type Log } from '../logs/log.ts';
import { writeDurably } from '../disk/write.ts';
import { treeHeadSchema, treeHeadToJson } from '../statements/json.ts';
import { verifyStatement } from '../statements/verify.ts';
import type { Published } from './mirror.ts';

const fileSchema = z.record(z.string(), z.object({ at: z.number(), head: treeHeadSchema }));

export class PublishedHeads {
  readonly #path: string;
  readonly #heads = new Map<string, Published>();

  /** Reads the heads in the file that verify under the keys of `logs`; ignores a damaged file. */
  constructor(directory: string, logs: readonly Log[]) {
    this.#path = join(directory, 'dns-published.json');
    const read = this.#read();
    for (const log of logs) {
      const { head, at } = read[logIdText(log.key.logId)] ?? {};
      const verified = head && verifyStatement(head, log.key);
      if (verified !== undefined && at !== undefined)
        this.#heads.set(logIdText(log.key.logId), { head: verified, at });
    }
  }

  get(log: Log): Published | undefined {
    return this.#heads.get(logIdText(log.key.logId));
  }

  /**
   * Replaces the log's published head. It survives a power cut once this returns. Throws CtgaError
   * `store-failed`; the head before it is the published one then.
   */
  put(log: Log, published: Published): void {
    const id = logIdText(log.key.logId);
    const json = Object.fromEntries(
      Array.from(new Map(this.#heads).set(id, published), ([each, { head, at }]) => [
        each,
        { at, head: treeHeadToJson(head) },
      ]),
    );
    try {
      writeDurably(this.#path, `${JSON.stringify(json, null, 1)}\n`);
      this.#heads.set(id, published);
    } catch (error) {
      throw new StoreError('store-failed', `cannot write ${this.#path}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  #read(): z.infer<typeof fileSchema> {
    try {
      return fileSchema.parse(JSON.parse(readFileSync(this.#path, 'utf8')));
    } catch {
      return {};
    }
  }
}
