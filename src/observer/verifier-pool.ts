// SPDX-License-Identifier: Apache-2.0
/**
 * Checks signatures on a thread of its own, fairly among logs and within a share of one core.
 *
 * Whoever answers for a log's name can make us check signatures. So each log has a bounded queue of
 * its own, and the queues take turns: a flood for one log delays another log's statement by no more
 * than one batch. Within a log, the statement that came first is checked first. One that finds no
 * room is not remembered (see Observer), so it is submitted again when it is seen again.
 */
import type { Worker } from 'node:worker_threads';
import { startThread } from '../base/thread.ts';
import { logIdText, type Log } from '../logs/log.ts';
import type { Statement, VerifiedStatement } from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';
import type { Settle, Verifier } from './verifier.ts';

/** Statements of one log that may wait. */
const MAX_WAITING = 256;
/** Statements that the thread checks at a time; some 1 ms of work. */
const BATCH = 8;
/** The share of one core that the thread may use while more than a batch waits. */
const CPU_SHARE = 0.5;
/** After so many failures no worker is started again, and this thread checks. */
const MAX_FAILURES = 3;

export interface Job {
  /** SubjectPublicKeyInfo of the log. */
  readonly spki: Uint8Array;
  readonly head: Statement;
}

/** The worker's answer: what each job came to, and how long they all took. */
export interface Checked {
  /** Undefined where the log did not sign the statement. */
  readonly heads: readonly (VerifiedStatement | undefined)[];
  readonly milliseconds: number;
}

interface Waiting {
  readonly log: Log;
  readonly head: Statement;
  readonly settle: Settle;
}

export class VerifierPool implements Verifier {
  readonly #onSettled: () => void;
  readonly #start: () => Worker;
  /** By log ID. A log goes to the end when it has had its turn. */
  readonly #queues = new Map<string, Waiting[]>();
  #batch: readonly Waiting[] = [];
  #worker: Worker | undefined;
  #failures = 0;
  #resting = false;
  #hurry = false;
  #whenIdle: (() => void)[] = [];

  /** `onSettled` is called after each batch, so that the results can be stored. */
  constructor(
    onSettled: () => void,
    start: () => Worker = () => startThread('observer/verify-worker'),
  ) {
    this.#onSettled = onSettled;
    this.#start = start;
  }

  submit(log: Log, head: Statement, settle: Settle): boolean {
    const id = logIdText(log.key.logId);
    const queue = this.#queues.get(id) ?? [];
    if (queue.length >= MAX_WAITING) return false;
    queue.push({ log, head, settle });
    this.#queues.set(id, queue);
    this.#next();
    return true;
  }

  /** Resolves when nothing waits any more. From now on the thread does not rest in between. */
  idle(): Promise<void> {
    this.#hurry = true;
    this.#resting = false;
    this.#next();
    if (this.#batch.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** Ends the thread. Statements that still wait are never settled. */
  async close(): Promise<void> {
    this.#queues.clear();
    const worker = this.#worker;
    this.#worker = undefined;
    this.#failures = MAX_FAILURES;
    await worker?.terminate();
  }

  #next(): void {
    if (this.#batch.length > 0 || this.#resting) return;
    this.#batch = this.#take();
    if (this.#batch.length === 0) {
      for (const resolve of this.#whenIdle.splice(0)) resolve();
      return;
    }
    this.#check(this.#batch);
  }

  #check(batch: readonly Waiting[]): void {
    const worker = this.#running();
    if (worker === undefined) {
      // Not at once: others on this thread have their turn between two batches.
      setImmediate(() =>
        this.#settle(batch.map(({ log, head }) => verifyStatement(head, log.key))),
      );
    } else {
      worker.ref(); // the process does not end while an answer is outstanding
      worker.postMessage(batch.map(({ log, head }): Job => ({ spki: log.key.spki, head })));
    }
  }

  /** Takes one statement of each log in turn, until the batch is full. */
  #take(): Waiting[] {
    const batch: Waiting[] = [];
    while (batch.length < BATCH) {
      const [first] = this.#queues;
      if (first === undefined) break;
      const [id, queue] = first;
      this.#queues.delete(id);
      const job = queue.shift();
      if (job !== undefined) batch.push(job);
      if (queue.length > 0) this.#queues.set(id, queue);
    }
    return batch;
  }

  #running(): Worker | undefined {
    if (this.#worker !== undefined || this.#failures >= MAX_FAILURES) return this.#worker;
    try {
      const worker = this.#start();
      worker.unref();
      worker.on('message', ({ heads, milliseconds }: Checked) => this.#settle(heads, milliseconds));
      worker.on('error', () => undefined); // 'exit' follows
      worker.on('exit', () => this.#failed(worker));
      return (this.#worker = worker);
    } catch {
      this.#failures = MAX_FAILURES;
      return undefined;
    }
  }

  /** Hands the batch of a worker that has ended to another, or in the end to this thread. */
  #failed(worker: Worker): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#failures += 1;
    if (this.#batch.length > 0) this.#check(this.#batch);
  }

  #settle(heads: readonly (VerifiedStatement | undefined)[], milliseconds = 0): void {
    const batch = this.#batch;
    this.#batch = [];
    this.#worker?.unref();
    // What is submitted meanwhile waits for the rest, too.
    this.#resting = true;
    batch.forEach(({ settle }, i) => settle(heads[i]));
    this.#onSettled();
    const rest = this.#hurry || this.#queues.size === 0 ? 0 : milliseconds * (1 / CPU_SHARE - 1);
    if (rest === 0) {
      this.#resting = false;
      return this.#next();
    }
    setTimeout(() => {
      this.#resting = false;
      this.#next();
    }, rest);
  }
}
