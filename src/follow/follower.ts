// SPDX-License-Identifier: Apache-2.0
/**
 * Following one log as any mirror of it does. What is asked, of whom and when is a function of
 * public data (the log list, what the log shows to everybody, the configuration) and of chance. This
 * folder cannot read what was seen: the lint rules keep it from the store.
 *
 * A visit asks for the log's head on several ways at once. Then, in the mode `leaves`, it fetches
 * the hashes of all leaves that are new, and as many older ones as the budget leaves room for; in
 * the mode `blocks`, for a log that grows faster than that, it has the log prove that its public
 * heads are of one history. Last it asks for some blocks (pattern.ts).
 */
import { askerOf } from '../ask/asker-of.ts';
import { LogError, type Asker } from '../ask/asker.ts';
import { Courtesy } from '../ask/courtesy.ts';
import { prove } from '../ask/prove.ts';
import { askForSignedHead } from '../ask/signed-head.ts';
import type { Finding } from '../evidence/judge.ts';
import { ProxyError } from '../http/error.ts';
import type { Fetch } from '../http/request.ts';
import { isTiled, type Log } from '../logs/log.ts';
import { equalHash } from '../merkle/hash.ts';
import { isMalformed, MALFORMED, type VerifiedStatement } from '../statements/statement.ts';
import { blockCost, blockLeaves, blockOf, fetchBlock } from './block.ts';
import { growthOf } from './growth.ts';
import type { HashStore } from './hash-store.ts';
import { NO_USAGE, type LogRows, type PublicHead, type Usage } from './log-rows.ts';
import { LogHashes } from './log-hashes.ts';
import { MAX_FOLLOWED_SIZE, TILE_LEAVES, type LogState } from './log-state.ts';
import { newPattern, nextBlock } from './pattern.ts';
import { Window, type Mismatch } from './window.ts';

/** A way to the log with an identity of its own, which nothing else ever uses. */
export interface Path {
  readonly fetch: Fetch;
  close(): void;
}

export interface FollowOptions {
  readonly hashes: HashStore;
  /** Opens another way to the log. */
  readonly open: () => Path;
  /** On how many ways the log is asked for its head at once. */
  readonly paths: number;
  /** The most bytes that are fetched of one log in a day (UTC). */
  readonly budget: number;
  /** For how many milliseconds hashes are kept. */
  readonly window: number;
  /** How many blocks are asked for in one visit; see pattern.ts. */
  readonly blocks: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** 0 <= x < 1; a log cannot foretell it. */
  readonly chance: () => number;
  /** How a short Retry-After is waited out. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly signal: AbortSignal;
  /**
   * The sizes that wait for a block, the one that has waited longest first. It is read at every
   * visit, and what it says decides nothing but the block at a place that was drawn before.
   */
  readonly wanted: () => readonly bigint[];
}

/** Two public heads that contradict each other. */
export interface PublicFork {
  readonly first: VerifiedStatement;
  readonly second: VerifiedStatement;
  readonly finding: Finding;
}

export interface Visit {
  /** Every head that the log showed on this visit and signed, malformed ones too. */
  readonly heads: readonly VerifiedStatement[];
  /** The largest of them that is well-formed; undefined where no path gave one. */
  readonly current: VerifiedStatement | undefined;
  readonly forks: readonly PublicFork[];
  /**
   * What went wrong, in the order in which it did: LogError or ProxyError. Nothing of it accuses
   * the log.
   */
  readonly failures: readonly Error[];
  /**
   * Why hashes that were to come on this visit did not; one of the failures. LogError `log-refused`
   * says that the log gave none, or others than it signed.
   */
  readonly stuck?: Error | undefined;
  /** What a person should know, each the end of a sentence about the log. */
  readonly notices: readonly string[];
}

/** The most public heads that a visit has the log link to its newest one. */
const MAX_LINKED = 4;

/** Follows `log` once. Rejects only if the signal is given or the hash store fails. */
export async function visit(log: Log, options: FollowOptions): Promise<Visit> {
  const { signal } = options;
  signal.throwIfAborted();
  const visiting = new Visiting(log, options);
  const close = (): void => visiting.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    return await visiting.run();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', close);
    close();
    visiting.countUsage();
  }
}

interface Answer {
  readonly asker: Asker;
  readonly head: VerifiedStatement;
}

class Visiting {
  readonly #log: Log;
  readonly #options: FollowOptions;
  readonly #rows: LogRows;
  #state: LogState;
  readonly #paths: Path[] = [];
  readonly #forks: PublicFork[] = [];
  readonly #failures: Error[] = [];
  readonly #notices: string[] = [];
  #stuck: LogError | ProxyError | undefined;
  #answers = 0;
  /** Since usage was last written. */
  #used: Usage = NO_USAGE;

  constructor(log: Log, options: FollowOptions) {
    this.#log = log;
    this.#options = options;
    this.#rows = options.hashes.rows(log);
    this.#state = this.#rows.state() ?? {
      mode: 'leaves',
      shown: 0,
      held: undefined,
      target: 0n,
      bytesPerLeaf: isTiled(log) ? 32 : 8000,
      budget: options.budget,
      pattern: newPattern(options.chance),
    };
  }

  close(): void {
    for (const path of this.#paths) path.close();
  }

  async run(): Promise<Visit> {
    const answers = await this.#askForHeads();
    const heads = answers.map(({ head }) => head);
    const usable = answers.filter(({ head }) => this.#isUsable(head));
    const newest = usable.reduce<Answer | undefined>(
      (best, each) => (best === undefined || each.head.treeSize > best.head.treeSize ? each : best),
      undefined,
    );
    if (newest !== undefined) {
      this.#putDown(
        usable.map(({ head }) => head),
        newest.head,
      );
      this.#stuck = await this.#attempt(() => this.#follow(newest.asker));
      await this.#linkHeads(newest.asker);
      await this.#askForBlocks();
      this.#rows.transaction(() => this.#forget());
    }
    return {
      heads,
      current: newest?.head,
      forks: this.#forks,
      failures: this.#failures,
      stuck: this.#stuck,
      notices: this.#notices,
    };
  }

  /** Asks on every path at once. */
  async #askForHeads(): Promise<Answer[]> {
    const askers = Array.from({ length: this.#options.paths }, () => this.#open());
    const asked = await Promise.allSettled(
      askers.map(async (asker) => ({ asker, head: await askForSignedHead(this.#log, asker) })),
    );
    return asked.flatMap((each) => {
      if (each.status === 'fulfilled') return [each.value];
      this.#failed(each.reason);
      return [];
    });
  }

  #isUsable(head: VerifiedStatement): boolean {
    const fault = isMalformed(head)
      ? `the log's tree head is malformed: ${MALFORMED}`
      : head.treeSize >= MAX_FOLLOWED_SIZE
        ? `the log's tree head is of size ${head.treeSize}, more than anybody can fetch`
        : undefined;
    if (fault === undefined) return true;
    this.#failures.push(
      new LogError('log-unavailable', fault, {
        remedy: 'This accuses the log of nothing. Its operator should know of it.',
      }),
    );
    return false;
  }

  #putDown(heads: readonly VerifiedStatement[], newest: VerifiedStatement): void {
    const { budget, now } = this.#options;
    this.#rows.transaction(() => {
      for (const head of heads) this.#rows.putHead(head, now());
      const shown = this.#rows.putHead(newest, now()).id;
      const growth = growthOf(this.#rows.heads(), now());
      this.#state = { ...this.#state, shown, growth, budget };
      this.#rows.setState(this.#state);
    });
  }

  /** Fetches the leaves that the mode wants. */
  async #follow(asker: Asker): Promise<void> {
    const { shown } = this.#hashes();
    const { budget, window } = this.#options;
    if (shown === undefined || shown.head.treeSize === 0n) return;
    const days = window / DAY_MS;
    const leaves = new Window({
      log: this.#log,
      rows: this.#rows,
      asker,
      head: shown,
      state: this.#state,
      growth: this.#state.growth,
      left: () => this.#left(),
      budget,
      days,
    });
    if (leaves.outgrown !== undefined) return this.#leaveWindow(leaves.outgrown, shown, asker);
    for await (const state of leaves.steps()) {
      this.#state = state;
      this.countUsage();
    }
    if (leaves.mismatch !== undefined) await this.#explain(leaves.mismatch, asker);
  }

  /** Goes on with blocks, once the log has proven that it is as large as it says. */
  async #leaveWindow(reason: string, shown: PublicHead, asker: Asker): Promise<void> {
    const held = this.#rows.head(this.#state.held?.head ?? 0);
    if (held !== undefined) await this.#compare(held, shown, asker);
    if (this.#forks.length > 0) return this.#begin();
    this.#notices.push(reason);
    this.#state = { ...this.#state, mode: 'blocks' };
    this.#rows.setState(this.#state);
  }

  /**
   * The hashes that are held and those that came do not lead to a signed root together: the log's
   * trees contradict each other, what it gave is no part of its tree, or a disk lost some of ours.
   */
  async #explain({ held, head, isOurs }: Mismatch, asker: Asker): Promise<void> {
    if (held !== undefined && !isOurs && held.id !== head.id) {
      await this.#compare(held, head, asker);
      if (this.#forks.length > 0) return this.#begin();
    }
    if (isOurs) {
      this.#notices.push('the hashes of it that were kept are damaged, and are fetched again');
      return this.#begin();
    }
    throw new LogError(
      'log-refused',
      `the hashes of entries that it gives do not lead to the root of its tree of size ${head.head.treeSize}`,
    );
  }

  /** Forgets the window: the next visit begins a new one. */
  #begin(): void {
    const { held } = this.#state;
    this.#state = { ...this.#state, held: undefined };
    this.#rows.transaction(() => {
      if (held !== undefined)
        this.#rows.forgetTiles(held.start / TILE_LEAVES, held.end / TILE_LEAVES + 1n);
      this.#rows.setState(this.#state);
    });
  }

  /** Links public heads to a larger one, by the hashes that are here or else by asking. */
  async #linkHeads(asker: Asker): Promise<void> {
    // One for all heads: what it has computed of the window takes long to compute.
    const hashes = this.#hashes();
    const { shown } = hashes;
    if (shown === undefined) return;
    const alone = this.#rows
      .heads()
      .filter(({ next }) => next === undefined)
      .sort((a, b) => b.seen - a.seen || b.id - a.id);
    let asked = 0;
    for (const each of alone) {
      const local = hashes.comparison(each.head.treeSize);
      const against = local && this.#rows.headOf(local.against);
      if (local !== undefined && against !== undefined && against.id !== each.id) {
        if (equalHash(local.root, each.head.rootHash)) this.#rows.link(each, against);
        else await this.#attempt(() => this.#compare(each, against, local.asker));
      } else if (asked < MAX_LINKED && this.#isBelow(each, shown)) {
        asked += 1;
        await this.#attempt(() => this.#compare(each, shown, asker));
      }
    }
  }

  #isBelow({ id, head }: PublicHead, other: PublicHead): boolean {
    return id !== other.id && head.treeSize <= other.head.treeSize;
  }

  /** Whether one public head is a prefix of the other. Rejects as the asker does. */
  async #compare(
    first: PublicHead,
    second: PublicHead,
    asker: Parameters<typeof prove>[0],
  ): Promise<void> {
    const found = await prove(asker, first.head, second.head);
    if (found.verdict === 'consistent') return this.#rows.link(first, second);
    if (found.verdict === 'fork-proven') {
      this.#forks.push({ first: first.head, second: second.head, finding: found });
      this.#rows.forgetHead(first.id);
    } else
      throw new LogError(
        'log-unavailable',
        `no proof between its trees of sizes ${first.head.treeSize} and ${second.head.treeSize}: ${found.reason}`,
      );
  }

  /** Each over an identity of its own. */
  async #askForBlocks(): Promise<void> {
    const { blocks, chance, signal } = this.#options;
    for (let i = 0; i < blocks; i++) {
      const { shown } = this.#hashes();
      const leaves = blockLeaves(this.#log);
      const count = (shown?.head.treeSize ?? 0n) / leaves;
      const { mode, target, pattern } = this.#state;
      // No place is left out, not even for a block that is here: a batch has its full number.
      const end = mode === 'leaves' ? min(count, target / leaves) : count;
      if (shown === undefined || end === 0n || this.#left() <= 0) return;
      const wanted = this.#wantedBlock(end * leaves);
      const next = nextBlock(pattern, { end, count }, wanted && wanted / leaves, chance);
      const start = next.block * leaves;
      this.#state = { ...this.#state, pattern: next.pattern };
      this.#rows.transaction(() => {
        this.#rows.setState(this.#state);
        // It is asked for once, whatever comes.
        if (next.isWanted)
          this.#rows.putBlock({ start, head: shown.id, leaves: NOTHING, path: NOTHING });
      });
      this.#count({ blocks: 1 });
      const before = this.#answers;
      const failure = await this.#attempt(async () => {
        const block = await fetchBlock(this.#log, this.#open(true), shown, start);
        this.#rows.putBlock(block);
      });
      // The proxy let nothing through: the log has not been asked.
      const isUnasked = failure instanceof ProxyError && this.#answers === before;
      if (next.isWanted && isUnasked) this.#rows.forgetBlock(start);
      signal.throwIfAborted();
      this.countUsage();
    }
  }

  /** The block of the size that has waited longest, if it was never asked for. */
  #wantedBlock(end: bigint): bigint | undefined {
    for (const size of this.#options.wanted()) {
      const start = blockOf(size, this.#log);
      if (size >= 0n && start < end && this.#rows.block(start) === undefined) return start;
    }
    return undefined;
  }

  #forget(): void {
    const { now, window } = this.#options;
    const keep = [this.#state.shown, this.#state.held?.head];
    this.#rows.forgetHeads(
      now() - window,
      keep.filter((id) => id !== undefined),
    );
  }

  #hashes(): LogHashes {
    return new LogHashes(this.#log, this.#rows, this.#state);
  }

  #open(isForBlock = false): Asker {
    const { open, now, sleep } = this.#options;
    const path = open();
    this.#paths.push(path);
    const courtesy = new Courtesy(now, sleep);
    const counted: Fetch = async (url, request) => {
      this.#count({ requests: 1 });
      const answer = await path.fetch(url, request);
      const bytes = answer.body.length;
      this.#count({ bytes, followed: isForBlock ? 0 : bytes });
      this.#answers += 1;
      return answer;
    };
    return askerOf(this.#log, courtesy.fetch(counted), now);
  }

  #count(more: Partial<Usage>): void {
    const { requests = 0, bytes = 0, followed = 0, blocks = 0 } = more;
    this.#used = {
      requests: this.#used.requests + requests,
      bytes: this.#used.bytes + bytes,
      followed: this.#used.followed + followed,
      blocks: this.#used.blocks + blocks,
    };
  }

  /** What is left of today's budget, in bytes. Nothing of it tells which blocks were asked for. */
  #left(): number {
    const { budget, now } = this.#options;
    const { followed, blocks } = this.#rows.usage(now());
    const used = followed + this.#used.followed;
    return budget - used - (blocks + this.#used.blocks) * blockCost(this.#log);
  }

  /** Writes down what was asked and what came. */
  countUsage(): void {
    if (this.#used === NO_USAGE) return;
    this.#rows.addUsage(this.#options.now(), this.#used);
    this.#used = NO_USAGE;
  }

  /** Resolves to what the log, or the proxy, failed with. */
  async #attempt(work: () => Promise<void>): Promise<LogError | ProxyError | undefined> {
    try {
      await work();
    } catch (error) {
      return this.#failed(error);
    }
    return undefined;
  }

  /** Throws what is neither the log's failure nor the proxy's. */
  #failed(error: unknown): LogError | ProxyError {
    this.#options.signal.throwIfAborted();
    if (!(error instanceof LogError || error instanceof ProxyError)) throw error;
    this.#failures.push(error);
    return error;
  }
}

const NOTHING = new Uint8Array();
const DAY_MS = 86_400_000;

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
