/**
 * What was published, on disk: a server that is started again publishes no second head within the
 * hour, and no smaller tree.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CtgaError, messageOf } from '../base/errors.ts';
import { logIdText, type Log } from '../logs/log.ts';
import { makeDirectory } from '../disk/directory.ts';
import { treeHeadSchema, treeHeadToJson } from '../statements/json.ts';
import { verifyStatement } from '../statements/verify.ts';
import type { Published } from './mirror.ts';

const fileSchema = z.record(z.string(), z.object({ at: z.number(), head: treeHeadSchema }));

export class PublishedHeads {
  readonly #path: string;
  readonly #heads = new Map<string, Published>();

  /** What the file has that verifies; a damaged file is as good as none. */
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

  /** Throws CtgaError `store-failed`. */
  put(log: Log, published: Published): void {
    this.#heads.set(logIdText(log.key.logId), published);
    const json = Object.fromEntries(
      Array.from(this.#heads, ([id, { head, at }]) => [id, { at, head: treeHeadToJson(head) }]),
    );
    try {
      makeDirectory(join(this.#path, '..'));
      writeFileSync(`${this.#path}.new`, `${JSON.stringify(json, null, 1)}\n`);
      renameSync(`${this.#path}.new`, this.#path);
    } catch (error) {
      throw new CtgaError('store-failed', `cannot write ${this.#path}: ${messageOf(error)}`, {
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
