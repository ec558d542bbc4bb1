// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga trust log serve`: takes commands, has the tree that they lead to cosigned, publishes it, and
 * anchors what was published in a Bitcoin chain once a period.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { badInput, messageOf } from '../base/errors.ts';
import { sha256 } from '../carbonchain/bytes.ts';
import { decodeCommand } from '../ddt/version1.ts';
import type { Fetch } from '../http/request.ts';
import { Refused } from '../http/serving.ts';
import { parseCheckpoint } from '../statements/checkpoint.ts';
import { formatNoteKey } from '../statements/note-key.ts';
import type { Policy } from '../statements/policy.ts';
import {
  decodeEntry,
  encodeEntry,
  LogState,
  MAX_COMMAND,
  type LogEntry,
} from '../trust/log-entry.ts';
import { LogServer, type Added } from '../trust/log-server.ts';
import { LogStore } from '../trust/log-store.ts';
import { Witnesses } from '../trust/log-witness.ts';
import { anchor, forgetAnchor, untaken } from './anchor.ts';
import { ChainService, type ChainOptions } from './ddt.ts';

export type TrustLogEvent =
  | { readonly event: 'listening'; readonly url: string; readonly vkey: string }
  | { readonly event: 'published'; readonly size: number; readonly cosignatures: number }
  | { readonly event: 'waiting'; readonly faults: readonly string[] }
  | { readonly event: 'anchoring'; readonly size: number; readonly transaction: string }
  | { readonly event: 'anchored'; readonly size: number; readonly height: number }
  | { readonly event: 'failed'; readonly message: string };

export interface TrustLogOptions {
  readonly directory: string;
  readonly address: string;
  readonly port: number;
  readonly policy: Policy;
  readonly fetch: Fetch;
  /** Seconds between two cosigned checkpoints if nothing is added. */
  readonly refresh: number;
  /** Seconds between two anchored ones, and the chain; undefined: none is anchored. */
  readonly anchoring:
    | {
        readonly chain: ChainOptions;
        readonly period: number;
        readonly fee: bigint;
        readonly every?: number;
      }
    | undefined;
  readonly onEvent: (event: TrustLogEvent) => void;
}

/** How long commands are gathered for one checkpoint. */
const GATHER_MS = 100;
/** Until witnesses that were no quorum are asked again. */
const RETRY_MS = 2000;
/** How far ahead of the witnesses' clocks the log's own may be, in seconds. */
const MAX_AHEAD = 3600;
/** How many commands wait at most. */
const MAX_WAITING = 1000;

/** Serves until `stop` is aborted. Rejects with CtgaError if there is no log, or it cannot listen. */
export async function serveTrustLog(options: TrustLogOptions, stop: AbortSignal): Promise<void> {
  const store = LogStore.open(options.directory);
  try {
    const vkey = formatNoteKey(store.signer.key);
    if (!options.policy.logs.some(({ key }) => formatNoteKey(key) === vkey))
      throw badInput(`the policy does not have this log`, `Add a line: log ${vkey} URL`);
    const log = new TrustLog(store, options);
    const { address, port, directory, onEvent } = options;
    const server = await LogServer.start({
      address,
      port,
      directory: join(directory, 'public'),
      add: (command) => log.add(command),
      onError: (error) => onEvent({ event: 'failed', message: messageOf(error) }),
    });
    const ended = new AbortController();
    const end = AbortSignal.any([stop, ended.signal]);
    onEvent({ event: 'listening', url: server.at.url, vkey });
    try {
      const anchoring = anchorEachPeriod(store, options, end).finally(() => ended.abort());
      const publishing = log.run(end).finally(() => ended.abort());
      await Promise.all([anchoring, publishing]);
    } finally {
      ended.abort();
      await server.stop();
    }
  } finally {
    store.close();
  }
}

interface Waiting {
  readonly entry: LogEntry;
  readonly bytes: Uint8Array;
  readonly done: (added: Added) => void;
  readonly refuse: (why: Refused) => void;
}

class TrustLog {
  readonly #store: LogStore;
  readonly #options: TrustLogOptions;
  readonly #state: LogState;
  readonly #witnesses: Witnesses;
  #queue: Waiting[] = [];
  /** When witnesses saw the log last, in Unix seconds, and when that was by a clock that nobody sets. */
  #seen: { readonly time: number; readonly at: number } | undefined;
  #isSetBack = false;

  constructor(store: LogStore, options: TrustLogOptions) {
    this.#store = store;
    this.#options = options;
    this.#witnesses = new Witnesses(options.policy, options.fetch);
    this.#state = new LogState(store.signer.key);
    for (let i = 0; i < store.size; i++) {
      const entry = decodeEntry(store.entry(i));
      if (entry !== undefined) this.#state.apply(entry);
    }
  }

  /** Resolves when the command is in the log. Rejects with Refused. */
  async add(bytes: Uint8Array): Promise<Added> {
    const command = bytes.length <= MAX_COMMAND ? decodeCommand(bytes) : undefined;
    if (command === undefined)
      throw new Refused(400, `That is no command of version 1 of at most ${MAX_COMMAND} bytes.`);
    if (this.#queue.length >= MAX_WAITING)
      throw new Refused(503, 'Too many commands wait.', { 'retry-after': '10' });
    const time = Math.max(Date.now(), this.#state.milliseconds);
    const refusal = this.#state.state.refusalOf(command, Math.floor(time / 1000));
    if (refusal !== undefined) throw new Refused(409, `Not taken: ${refusal}.`);
    return new Promise((done, refuse) => {
      this.#queue.push({ entry: { time, command }, bytes, done, refuse });
    });
  }

  /** Adds and publishes until `stop` is aborted. Rejects if the disk does not do its part. */
  async run(stop: AbortSignal): Promise<void> {
    // Before anything is taken: the witnesses' clocks show whether the log's own is right.
    let isPublished = await this.#publish();
    let last = performance.now();
    for (;;) {
      await sleep(isPublished ? GATHER_MS : RETRY_MS, undefined, { signal: stop }).catch(
        () => undefined,
      );
      if (stop.aborted) break;
      // A machine that slept is not ahead.
      const isDoubtful = this.#queue.length > 0 && this.#isAhead();
      if (isDoubtful) isPublished = await this.#publish();
      const added = this.#append();
      if (added.length > 0) isPublished = false;
      const isDue = performance.now() - last >= this.#options.refresh * 1000;
      if (!isPublished || isDue) {
        isPublished = await this.#publish();
        last = performance.now();
      }
      for (const { done, index } of added) done({ index, published: isPublished });
    }
    for (const { refuse } of this.#queue) refuse(new Refused(503, 'The log ends.'));
  }

  /** What waits and is not refused in the meantime, with its index. */
  #append(): { readonly done: Waiting['done']; readonly index: number }[] {
    const waiting = this.#queue;
    this.#queue = [];
    if (waiting.length === 0) return [];
    const why = this.#whyNone();
    if (why !== undefined) {
      for (const { refuse } of waiting)
        refuse(new Refused(503, `Not taken: ${why}.`, { 'retry-after': '600' }));
      this.#options.onEvent({ event: 'failed', message: `nothing is taken: ${why}` });
      return [];
    }
    const taken = waiting.filter(({ entry, refuse }) => {
      const refusal = this.#state.apply(entry);
      if (refusal !== undefined) refuse(new Refused(409, `Not taken: ${refusal}.`));
      return refusal === undefined;
    });
    const first = this.#store.size;
    if (taken.length > 0)
      this.#store.append(taken.map(({ entry, bytes }) => encodeEntry(entry.time, bytes)));
    return taken.map(({ done }, i) => ({ done, index: first + i }));
  }

  /** Why nothing may be added now, as a clause. */
  #whyNone(): string | undefined {
    // Another tree of a size that was signed before would convict it.
    if (this.#isSetBack)
      return 'its witnesses have cosigned more than the log has: it was set back';
    // Times in a log never go back: every key that has an end would be over for good.
    if (this.#isAhead())
      return "the log's clock is more than an hour ahead of those of its witnesses";
    return undefined;
  }

  #isAhead(): boolean {
    if (this.#seen === undefined) return false;
    const { time, at } = this.#seen;
    return Date.now() / 1000 > time + (performance.now() - at) / 1000 + MAX_AHEAD;
  }

  async #publish(): Promise<boolean> {
    const { onEvent } = this.#options;
    const { note, isAccepted, faults, seen, isSetBack } = await this.#witnesses.cosign(
      this.#store.signed,
      this.#store.tree,
    );
    this.#isSetBack = isSetBack;
    if (seen !== undefined) this.#seen = { time: seen, at: performance.now() };
    if (isAccepted) {
      this.#store.publish(note);
      const cosignatures = parseCheckpoint(note).signatures.length - 1;
      onEvent({ event: 'published', size: this.#store.size, cosignatures });
    }
    if (faults.length > 0) onEvent({ event: 'waiting', faults });
    return isAccepted;
  }
}

async function anchorEachPeriod(
  store: LogStore,
  { directory, anchoring, onEvent }: TrustLogOptions,
  stop: AbortSignal,
): Promise<void> {
  if (anchoring === undefined) {
    await new Promise<void>((resolve) => {
      if (stop.aborted) resolve();
      stop.addEventListener('abort', () => resolve(), { once: true });
    });
    return;
  }
  const { chain: options, period, fee, every } = anchoring;
  const chain = await ChainService.open(options, {
    connect: () => undefined,
    rebuild: () => undefined,
  });
  try {
    while (!stop.aborted) {
      const begun = performance.now();
      const note = noteToAnchor(store);
      let isDone = true;
      if (note !== undefined) {
        store.beginAnchor(note);
        isDone = await anchorNote(store, { chain, directory, note, fee, every, onEvent }, stop);
      }
      // Without one there soon is one: the first of a log.
      const wait = isDone && store.anchored !== undefined ? period * 1000 : RETRY_MS;
      const rest = Math.max(GATHER_MS, begun + wait - performance.now());
      await sleep(rest, undefined, { signal: stop }).catch(() => undefined);
    }
  } finally {
    await chain.close();
  }
}

/** The one that was begun, or the published one unless its tree is anchored or empty. */
function noteToAnchor({ anchoring, anchored, published }: LogStore): string | undefined {
  if (anchoring !== undefined || published === undefined) return anchoring;
  const { text, treeSize } = parseCheckpoint(published);
  // What a note says of its tree is anchored once; new cosignatures of it are not.
  const isAnchored = anchored !== undefined && parseCheckpoint(anchored).text === text;
  return treeSize === 0n || isAnchored ? undefined : published;
}

async function anchorNote(
  store: LogStore,
  {
    chain,
    directory,
    note,
    fee,
    every,
    onEvent,
  }: {
    readonly chain: ChainService;
    readonly directory: string;
    readonly note: string;
    readonly fee: bigint;
    readonly every: number | undefined;
    readonly onEvent: TrustLogOptions['onEvent'];
  },
  stop: AbortSignal,
): Promise<boolean> {
  const digests = [sha256(Buffer.from(note))];
  const size = Number(parseCheckpoint(note).treeSize);
  try {
    const onSent = ({ transaction }: { transaction: string }): void =>
      onEvent({ event: 'anchoring', size, transaction });
    const onUntaken = (file: string): void =>
      onEvent({
        event: 'failed',
        message: `the tree of ${size} is not anchored yet: ${untaken(file)}`,
      });
    const done = await anchor(
      chain,
      directory,
      { digests, fee, every: every ?? 10_000, onSent, onUntaken },
      stop,
    );
    const [stamp] = done?.stamps ?? [];
    if (done === undefined || stamp === undefined) return false;
    store.publishAnchor(note, stamp);
    forgetAnchor(directory, chain.follower.chain.network.name, digests);
    onEvent({ event: 'anchored', size, height: done.height });
    return true;
  } catch (error) {
    onEvent({ event: 'failed', message: `cannot anchor the tree of ${size}: ${messageOf(error)}` });
    return false;
  }
}
