// SPDX-License-Identifier: Apache-2.0
/**
 * What the writer takes of what it is handed. It believes nobody: what is no evidence is refused,
 * and so is what goes beyond a log's share, because whoever hands over may have been taken over and
 * may make keys, and so logs that show two histories, without end.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../logs/log.ts';
import { logIdText } from '../logs/log.ts';
import { CHROME_LIST_KEY } from '../logs/signed-list.ts';
import { equalHash } from '../merkle/hash.ts';
import { evidenceFileName, exhibitsOf, isListed, parseEvidence, type Evidence } from './bundle.ts';
import { keepFile } from './directory.ts';
import type { WriterAnswer } from './hand-over.ts';
import { faultOf, isEvidence } from './write.ts';

export interface Share {
  readonly files: number;
  readonly bytes: number;
}

export interface Shares {
  /** Of each log that is built in: nobody else has its key. */
  readonly known: Share;
  /** Of each other log. */
  readonly unknown: Share;
  /** Of all other logs together. */
  readonly allUnknown: Share;
}

const MB = 1 << 20;
const SHARES: Shares = {
  known: { files: 2000, bytes: 128 * MB },
  unknown: { files: 1000, bytes: 64 * MB },
  allUnknown: { files: 4000, bytes: 256 * MB },
};

/** What all logs that are not built in are counted under, together. */
const ALL_UNKNOWN = 'unknown';

export class EvidenceWriter {
  readonly #directory: string;
  readonly #shares: Shares;
  readonly #known: ReadonlySet<string>;
  readonly #used = new Map<string, { files: number; bytes: number }>();

  /** `known`: the logs of whose keys it is certain. Reads what is in the directory. */
  constructor(directory: string, known: readonly Log[], shares: Shares = SHARES) {
    this.#directory = directory;
    this.#shares = shares;
    this.#known = new Set(known.map(({ key }) => logIdText(key.logId)));
    const names = existsSync(directory) ? readdirSync(directory) : [];
    for (const name of names.filter((each) => each.endsWith('.json')))
      try {
        const path = join(directory, name);
        const evidence = parseEvidence(readFileSync(path, 'utf8'), name);
        this.#count(this.#accountsOf(evidence), statSync(path).size);
      } catch {
        // It takes room from nobody's share.
      }
  }

  /** Keeps a bundle durably, or says why not. Never throws, whatever the text is. */
  take(text: string): WriterAnswer {
    try {
      const fault = faultOf(text);
      if (fault !== undefined) return { refused: `this is no evidence: ${fault}` };
      const evidence = parseEvidence(text, 'it');
      const name = evidenceFileName(evidence);
      const accounts = this.#accountsOf(evidence);
      const isNew = !existsSync(join(this.#directory, name));
      const full = isNew && accounts.find(({ id, share }) => this.#isUsedUp(id, share, text));
      if (full)
        return {
          refused: `there are ${full.share.files} files, or ${full.share.bytes / MB} MiB, of ${full.id === ALL_UNKNOWN ? 'logs that are not built in' : 'this log'} already`,
        };
      const kept = keepFile(this.#directory, { name, text, holds: isEvidence });
      if (isNew || kept !== name) this.#count(accounts, Buffer.byteLength(text));
      return { kept };
    } catch (error) {
      return { refused: messageOf(error) };
    }
  }

  /** What a bundle counts against. */
  #accountsOf(evidence: Evidence): { readonly id: string; readonly share: Share }[] {
    const { log } = evidence;
    const id = Buffer.from(log.logId).toString('base64');
    // Anybody may sign a list, and so contradict any log's head.
    const isCertain = exhibitsOf(evidence).every(
      (each) => !isListed(each) || equalHash(each.list.key, CHROME_LIST_KEY),
    );
    if (this.#known.has(id) && isCertain) return [{ id, share: this.#shares.known }];
    return [
      { id: `${ALL_UNKNOWN} ${id}`, share: this.#shares.unknown },
      { id: ALL_UNKNOWN, share: this.#shares.allUnknown },
    ];
  }

  #isUsedUp(id: string, share: Share, text: string): boolean {
    const { files, bytes } = this.#used.get(id) ?? { files: 0, bytes: 0 };
    return files >= share.files || bytes + Buffer.byteLength(text) > share.bytes;
  }

  #count(accounts: readonly { readonly id: string }[], size: number): void {
    for (const { id } of accounts) {
      const used = this.#used.get(id) ?? { files: 0, bytes: 0 };
      this.#used.set(id, { files: used.files + 1, bytes: used.bytes + size });
    }
  }
}
