// SPDX-License-Identifier: Apache-2.0
/**
 * Certificate authorities that publish the root of what they revoked, and what a member states of
 * them. CTng has CAs give that in an object of its own (REV); here it is a note that any witness can
 * read (docs/FEDERATION.md, "Revocations"): the first three lines of a checkpoint, where the number is
 * not that of a tree's entries but of the publication. Two notes of one number with two roots convict
 * the authority, by the evidence that convicts a log.
 */
import { badInput } from '../base/errors.ts';
import { FormatError } from '../base/cursor.ts';
import { makeEvidence, formatEvidence } from '../evidence/bundle.ts';
import { judgeWithoutProof } from '../evidence/judge.ts';
import type { Fetch } from '../http/request.ts';
import type { Log } from '../logs/log.ts';
import { checkpointStatement, parseCheckpoint } from '../statements/checkpoint.ts';
import { isCheckpointKey, toCheckpointKey } from '../statements/key.ts';
import { isMalformed, type VerifiedStatement } from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';
import { concat, hex, isSame, readAll, readU64, u64 } from './bytes.ts';
import { attachmentOf, signedHeadOf } from './cosignatures.ts';
import type { Judgement, Observer } from './round.ts';
import type { Proposed } from './statement.ts';

/** One statement of each, of the 512 of a period. */
const MAX_AUTHORITIES = 128;
/** Three lines and some signatures. */
const MAX_NOTE = 64 * 2 ** 10;
/** What was fetched longer ago than this, or than three periods, is stated no more. */
const FRESH_MS = 600_000;
/** Contradictions that are kept until they are asked for. */
const MAX_OPEN = 16;

/**
 * The file of `--authorities`: of each authority a line with its verifier key (c2sp.org/signed-note)
 * and the URL of its note; empty lines and those that begin with # are passed over. Throws CtgaError
 * `bad-input`.
 */
export function parseAuthorities(text: string, name: string): Log[] {
  const found = new Map<string, Log>();
  for (const [i, line] of text.split('\n').entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const wrong = (what: string): never => {
      throw badInput(`${name}: line ${i + 1}: ${what}`, 'Want a line: NAME+ID+KEY https://URL');
    };
    const [vkey = '', url = '', ...more] = line.trim().split(/\s+/);
    if (more.length > 0 || !/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ''))
      wrong('it is no verifier key with a URL');
    try {
      const key = toCheckpointKey(vkey);
      const log = { key, description: key.origin, url, api: 'tlog-tiles', mmd: 86_400 } as const;
      if (found.has(hex(key.logId))) wrong('the authority is there already');
      found.set(hex(key.logId), { ...log, allowPrivateAddress: true });
    } catch (error) {
      if (error instanceof RangeError) wrong(error.message);
      throw error;
    }
  }
  if (found.size > MAX_AUTHORITIES)
    throw badInput(`${name}: ${found.size} authorities, and a federation takes ${MAX_AUTHORITIES}`);
  return [...found.values()];
}

interface Published {
  readonly note: VerifiedStatement;
  /** When it was fetched last, in ms. */
  readonly at: number;
}

export class Authorities implements Observer {
  readonly #authorities: ReadonlyMap<string, Log>;
  readonly #fresh: number;
  readonly #now: () => number;
  readonly #published = new Map<string, Published>();
  readonly #open = new Map<string, string>();

  /** `period` is how long one takes, in ms. */
  constructor(authorities: readonly Log[], period: number, now: () => number) {
    this.#authorities = new Map(authorities.map((each) => [hex(each.key.logId), each]));
    this.#fresh = Math.max(FRESH_MS, 3 * period);
    this.#now = now;
  }

  get all(): readonly Log[] {
    return [...this.#authorities.values()];
  }

  /**
   * Fetches what an authority publishes. Rejects with what stands in the way, and with RangeError
   * where it is no note of the authority's, or an older one than before.
   */
  async ask(authority: Log, fetch: Fetch): Promise<void> {
    const { status, body } = await fetch(authority.url, { maxBytes: MAX_NOTE });
    if (status !== 200) throw new RangeError(`answers with status ${status}`);
    const checkpoint = parseCheckpoint(body.toString('utf8'));
    const { key } = authority;
    const claimed = isCheckpointKey(key) ? checkpointStatement(checkpoint, key) : undefined;
    const note = claimed && verifyStatement(claimed, key);
    if (note === undefined) throw new RangeError('gives a note that it did not sign');
    if (isMalformed(note)) throw new RangeError('gives a note that nobody may sign');
    const before = this.#published.get(hex(key.logId))?.note;
    if (before !== undefined) this.#hold(authority, before, note);
    if (before !== undefined && note.treeSize < before.treeSize)
      throw new RangeError(`gives number ${note.treeSize}, and gave ${before.treeSize} before`);
    this.#published.set(hex(key.logId), { note, at: this.#now() });
  }

  candidates(): Proposed[] {
    return this.#recent().map(({ note }) => ({
      statement: { kind: 'revocations', id: note.logId, rootHash: note.rootHash },
      attachment: concat([u64(note.treeSize), attachmentOf(note)]),
    }));
  }

  judge({ statement, attachment }: Proposed): Judgement {
    const authority = this.#authorities.get(hex(statement.id));
    if (authority === undefined || statement.kind !== 'revocations') return 'unknown';
    const note = signedNoteOf(authority, statement.rootHash, attachment);
    if (note === undefined) return 'refused';
    const mine = this.#recent().find(({ note: { logId } }) => isSame(logId, authority.key.logId));
    if (mine === undefined) return 'unknown';
    if (isSame(mine.note.rootHash, note.rootHash)) return 'stated';
    this.#hold(authority, mine.note, note);
    return mine.note.treeSize === note.treeSize ? 'refused' : 'unknown';
  }

  /** Evidence of the contradictions that came up since the last call. */
  convictions(): string[] {
    const found = [...this.#open.values()];
    this.#open.clear();
    return found;
  }

  #recent(): Published[] {
    return [...this.#published.values()].filter(({ at }) => this.#now() - at < this.#fresh);
  }

  #hold(authority: Log, one: VerifiedStatement, other: VerifiedStatement): void {
    if (one.treeSize !== other.treeSize || isSame(one.rootHash, other.rootHash)) return;
    const name = `${hex(authority.key.logId)} ${one.treeSize}`;
    if (this.#open.has(name) || this.#open.size >= MAX_OPEN) return;
    const finding = judgeWithoutProof(one, other);
    if (finding?.verdict === 'fork-proven')
      this.#open.set(
        name,
        formatEvidence(makeEvidence(authority, one, other, finding, this.#now())),
      );
  }
}

/** The note behind a statement; undefined where the authority did not sign it. */
function signedNoteOf(
  authority: Log,
  rootHash: Uint8Array,
  attachment: Uint8Array,
): VerifiedStatement | undefined {
  try {
    const [treeSize, rest] = readAll(attachment, (cursor) => [
      readU64(cursor),
      cursor.take(cursor.remaining).slice(),
    ]) as [bigint, Uint8Array];
    const statement = { kind: 'head', id: authority.key.logId, treeSize, rootHash } as const;
    const head = signedHeadOf({ statement, attachment: rest }, authority);
    return head === undefined || isMalformed(head) ? undefined : head;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** What a member knows by its challenger of logs, and by asking of authorities. */
export function observeBoth(logs: Observer, authorities: Observer): Observer {
  return {
    candidates: (period) => [...logs.candidates(period), ...authorities.candidates(period)],
    judge: (item) => (item.statement.kind === 'revocations' ? authorities : logs).judge(item),
  };
}
