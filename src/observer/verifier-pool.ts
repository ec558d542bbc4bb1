/**
 * Checks signatures on a thread of its own, fair by log and within a share of one core.
 *
 * Whoever answers for a log's name can make us check signatures, so each log has a queue of its
 * own, they take turns, and each is bounded: a flood for one log delays another log's head by one
 * batch and no more. Within a log the first come is the first checked; what finds no room comes
 * again, since it is not remembered (see Observer).
 */
import { Worker } from 'node:worker_threads';
import { logIdText, type Log } from '../logs/log.ts';
import type { Statement, VerifiedStatement } from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';
import type { Settle, Verifier } from './verifier.ts';

/** Heads of one log that may wait. */
const MAX_WAITING = 256;
/** Heads that are checked before somebody else's turn comes; some 1 ms of work. */
const BATCH = 8;
/** Of one core, while more waits than a batch. */
const CPU_SHARE = 0.5;
/** A worker that fails so often is given up, and heads are checked on this thread. */
const MAX_FAILURES = 3;

export interface Job {
  /** SubjectPublicKeyInfo of the log. */
  readonly spki: Uint8Array;
  readonly head: Statement;
}

/**
 * What the worker answers: for each job the verified head, if it is one; and how long all took, in
 * ms.
 */
export interface Checked {
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
  /** By log ID; a log that had its turn goes to the end. */
  readonly #queues = new Map<string, Waiting[]>();
  #batch: readonly Waiting[] = [];
  #worker: Worker | undefined;
  #failures = 0;
  #resting = false;
  #hurry = false;
  #whenIdle: (() => void)[] = [];

  /** `onSettled` is called after each batch, so that what it brought can be stored. */
  constructor(onSettled: () => void, start: () => Worker = startWorker) {
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

  /** Resolves when nothing waits any more; from now on the CPU share is not kept. */
  idle(): Promise<void> {
    this.#hurry = true;
    this.#resting = false;
    this.#next();
    if (this.#batch.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** Ends the thread; what still waits is never settled. */
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
      // Between two batches, others on this thread have their turn.
      setImmediate(() =>
        this.#settle(batch.map(({ log, head }) => verifyStatement(head, log.key))),
      );
    } else {
      worker.ref(); // the process waits for an answer, and for nothing else of the worker
      worker.postMessage(batch.map(({ log, head }): Job => ({ spki: log.key.spki, head })));
    }
  }

  /** One of each log in turn, until the batch is full. */
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

  /** Its batch goes to another worker, or in the end to this thread. */
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
    batch.forEach(({ settle }, i) => settle(heads[i]));
    this.#onSettled();
    const rest = this.#hurry || this.#queues.size === 0 ? 0 : milliseconds * (1 / CPU_SHARE - 1);
    if (rest === 0) return this.#next();
    this.#resting = true;
    setTimeout(() => {
      this.#resting = false;
      this.#next();
    }, rest);
  }
}

/** Node 20 runs no TypeScript in a worker, even where the process does: tsx is told to. */
function startWorker(): Worker {
  const module = import.meta.resolve(
    `./verify-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  );
  const bootstrap = `
    import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))}).then(({ register }) => {
      register();
      return import(${JSON.stringify(module)});
    });`;
  return new Worker(bootstrap, { eval: true });
}
