// SPDX-License-Identifier: Apache-2.0
/** An auditor with a clock, chance and logs of the test's own, and all that leaves it written down. */
import { askerOf } from '../../src/ask/asker-of.ts';
import { Auditor, type AuditEvent } from '../../src/auditor/auditor.ts';
import { AuditStore, type AuditLimits } from '../../src/auditor/store.ts';
import { formatEvidence, type Evidence } from '../../src/evidence/bundle.ts';
import { faultOf } from '../../src/evidence/write.ts';
import type { HashStore } from '../../src/follow/hash-store.ts';
import type { Fetch } from '../../src/http/request.ts';
import { logIdText, type Log } from '../../src/logs/log.ts';
import type { CheckedPair } from '../../src/pool/feedback.ts';
import { parseSct, type LogEntry } from '../../src/scts/sct.ts';
import { verifyStatement } from '../../src/statements/verify.ts';
import type { SigningLog } from '../support/signing-log.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Asked {
  readonly log: string;
  readonly fetch: Fetch;
}

export class Harness {
  readonly store: AuditStore;
  readonly auditor: Auditor;
  readonly events: AuditEvent[] = [];
  readonly evidence: Evidence[] = [];
  /** All requests to logs, with their times. */
  readonly out: string[] = [];
  now: number;

  constructor({
    logs,
    now = Date.now(),
    delay = DAY,
    mix = 3,
    chance = seeded(1),
    hashes,
    limits,
    store = AuditStore.inMemory(limits),
  }: {
    readonly logs: readonly { readonly log: Log; readonly fetch: Fetch }[];
    readonly now?: number;
    readonly delay?: number;
    readonly mix?: number;
    readonly chance?: () => number;
    readonly hashes?: HashStore;
    readonly limits?: AuditLimits;
    readonly store?: AuditStore;
  }) {
    this.now = now;
    this.store = store;
    this.auditor = new Auditor({
      store: this.store,
      logs: logs.map(({ log }) => log),
      hashes: () => hashes,
      ask: (log, errand) => {
        const of = logs.find((each) => each.log === log);
        if (of === undefined) throw new Error('no such log');
        const fetch: Fetch = (url, options) => {
          this.out.push(`${this.now} ${url}`);
          return of.fetch(url, options);
        };
        return errand(askerOf(log, fetch, () => this.now));
      },
      keep: (evidence) => {
        const fault = faultOf(formatEvidence(evidence));
        if (fault !== undefined) throw new Error(fault);
        this.evidence.push(evidence);
        return `evidence-${this.evidence.length}.json`;
      },
      delay,
      mix,
      now: () => this.now,
      chance,
      onEvent: (event) => this.events.push(event),
    });
  }

  /** Goes on for so many ms, doing what is due when it is due. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      const due = this.auditor.nextDue();
      if (due === undefined || due > end) break;
      this.now = Math.max(this.now, due);
      await this.auditor.work();
    }
    this.now = end;
  }

  /** Has the log show a head of this tree to everybody. */
  show(log: Log, signer: SigningLog, size: number, root: Uint8Array, at = this.now): void {
    const head = verifyStatement(
      signer.sign(size, root as Parameters<SigningLog['sign']>[1], BigInt(at)),
      log.key,
    );
    if (head !== undefined) this.auditor.takeShown(log, head);
  }

  get counts(): string {
    const { scts, heads } = this.store.counts();
    const text = (counts: Readonly<Record<string, number>>): string =>
      Object.entries(counts)
        .filter(([, n]) => n > 0)
        .map(([state, n]) => `${n} ${state}`)
        .join(', ');
    return `${text(scts)}; ${text(heads)}`;
  }
}

/** What a client has: an SCT of this log for an entry of its own. */
export function pairOf(
  log: Log,
  signer: SigningLog,
  name: string,
  timestamp: number,
  extensions?: Uint8Array,
): CheckedPair {
  const entry: LogEntry = { type: 'x509', certificate: Buffer.from(name) };
  const sct = signer.promise(entry, BigInt(timestamp), extensions);
  return { chain: [entry.certificate], sct, log, promise: { ...parseSct(sct), entry } };
}

export const nameOf = (log: Log): string => logIdText(log.key.logId);
