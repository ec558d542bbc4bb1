// SPDX-License-Identifier: Apache-2.0
/**
 * An auditor of logs (draft-linus-trans-gossip-ct-02, Sections 5.1.2, 5.2.2 and 5.3): it has each SCT
 * and each tree head that pools and clients bring proven by its log, at times that chance draws.
 *
 * What a client sends is nobody else's to know. So everything that leaves here is a function of what is
 * public, of chance, and of what has mixed with what enough others sent (AuditStore.addSubmitted).
 */
import type { Asker } from '../ask/asker.ts';
import { LogError } from '../ask/asker.ts';
import { prove } from '../ask/prove.ts';
import { makeEvidence, makePromiseEvidence, type Evidence } from '../evidence/bundle.ts';
import { judgeWithoutProof, type Conclusion, type Finding } from '../evidence/judge.ts';
import type { HashStore } from '../follow/hash-store.ts';
import { isInService, logIdText, type Log } from '../logs/log.ts';
import type { CheckedPair } from '../pool/feedback.ts';
import type { Brought } from '../pool/forms.ts';
import { leafHashOf, verifySct } from '../scts/sct.ts';
import type { LogId, VerifiedStatement } from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';
import { lookHere, lookThere, type Look } from './inclusion.ts';
import type {
  AuditStore,
  AuditedHead,
  AuditedSct,
  AuditState,
  Due,
  NewHead,
  NewSct,
  Outcome,
} from './store.ts';

export type AuditEvent =
  | { readonly event: 'convicted'; readonly log: string; readonly evidence: string }
  | {
      readonly event: 'unprovable';
      readonly log: string;
      readonly what: 'sct' | 'head';
      readonly reason: string;
    }
  | { readonly event: 'failed'; readonly message: string };

export interface AuditorOptions {
  readonly store: AuditStore;
  /** The logs that are known; those that are not are passed over. */
  readonly logs: readonly Log[];
  /** What a challenger here follows; undefined: nobody does. Called for each look. */
  readonly hashes: () => HashStore | undefined;
  /** Asks a log, on a way that nothing else ever uses. Rejects as the asker does. */
  readonly ask: <T>(log: Log, errand: (asker: Asker) => Promise<T>) => Promise<T>;
  /** Keeps evidence durably, and returns its path. Throws StoreError. */
  readonly keep: (evidence: Evidence) => string;
  /** Each is asked about after a time drawn evenly from 0 to this, in ms; and again, where it has to. */
  readonly delay: number;
  /** What clients send mixes until so many sources have sent something. */
  readonly mix: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** 0 <= x < 1, and a log cannot foretell it. */
  readonly chance: () => number;
  readonly onEvent: (event: AuditEvent) => void;
}

/** Nobody answers for it, and that is no fault. */
const RETIRED = { kind: 'early', reason: 'the log is retired' } as const;
/** It may be in the next list. */
const UNKNOWN = { kind: 'early', reason: 'its log is not known now' } as const;
/** How often a log has to answer without showing what it promised, before that is said of it. */
const REFUSALS = 3;
/** Whoever signs a later time is not asked. */
const MAX_TIME = Number.MAX_SAFE_INTEGER;
/** Looked at in one go. */
const AT_ONCE = 256;
/** A scan of a window takes this much of a day at most. */
const SCAN_SHARE = 20;

export class Auditor {
  readonly #options: AuditorOptions;
  readonly #logs: ReadonlyMap<string, Log>;
  /** When a log's window may be scanned again, by the clock of `now`. */
  readonly #scanAfter = new Map<string, number>();

  constructor(options: AuditorOptions) {
    this.#options = options;
    this.#logs = new Map(options.logs.map((log) => [logIdText(log.key.logId), log]));
  }

  /** Takes what a pool gives to everybody. Throws StoreError. */
  takePublic(origin: string, pairs: readonly CheckedPair[], heads: readonly Brought[] = []): void {
    const [scts, verified] = [pairs.map(toNewSct), this.#verified(heads)];
    this.#options.store.addPublic(origin, scts, verified, this.#due);
  }

  /** Takes what one request brought; false if a known log signed nothing of it. Throws StoreError. */
  takeSubmitted(pairs: readonly CheckedPair[], heads: readonly Brought[]): boolean {
    const [scts, verified] = [pairs.map(toNewSct), this.#verified(heads)];
    if (scts.length + verified.length === 0) return false;
    this.#options.store.addSubmitted(scts, verified, this.#options.mix, this.#due);
    return true;
  }

  /** Takes a head that a log showed to everybody. Of two the larger is the one to be compared with. */
  takeShown(log: Log, head: VerifiedStatement): void {
    const { store, now } = this.#options;
    const before = this.#shown(log);
    if (before === undefined || head.treeSize > before.treeSize) store.setShown(head);
    const other = before === undefined || head.treeSize > before.treeSize ? before : head;
    if (other !== undefined && other.treeSize > 0n)
      store.addPublic('', [], [other], { ...this.#due, head: now });
  }

  /** The newest heads that the logs showed to everybody and that are fresh. */
  headsToShare(fresh: number): VerifiedStatement[] {
    const { now } = this.#options;
    return [...this.#logs.values()]
      .flatMap((log) => this.#shown(log) ?? [])
      .filter(({ timestamp }) => now() - Number(timestamp) < fresh);
  }

  /**
   * Checks all whose time has come, one after another of each log. Resolves when that is done; rejects
   * with ProxyError, and with StoreError.
   */
  async work(): Promise<void> {
    const { store, now } = this.#options;
    const [scts, heads] = [store.dueScts(now(), AT_ONCE), store.dueHeads(now(), AT_ONCE)];
    const ids = new Set([...scts, ...heads].map(({ logId }) => logIdText(logId)));
    const results = await Promise.allSettled(
      [...ids].map(async (id) => {
        const log = this.#logs.get(id);
        const ofLog = ({ logId }: { readonly logId: LogId }): boolean => logIdText(logId) === id;
        await this.#checkScts(log, scts.filter(ofLog));
        for (const head of heads.filter(ofLog)) await this.#checkHead(log, head);
      }),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** When something is to be done next, in ms since the epoch. */
  nextDue(): number | undefined {
    return this.#options.store.nextDue();
  }

  readonly #due: Due = {
    // What is asked of a log by its hash is asked once its maximum merge delay has passed.
    sct: (signed, logId) => {
      const log = this.#logs.get(logIdText(logId));
      return this.#drawn(log?.api === 'rfc6962' ? Number(signed) + log.mmd * 1000 : 0);
    },
    head: () => this.#drawn(0),
  };

  /** A time from now, or from `ripe`, on. */
  #drawn(ripe: number): number {
    const { now, delay, chance } = this.#options;
    // Logs may sign any 64-bit time.
    return Math.min(MAX_TIME, Math.ceil(Math.max(now(), ripe) + chance() * delay));
  }

  #shown(log: Log): VerifiedStatement | undefined {
    const head = this.#options.store.shown(log.key.logId);
    return head && verifyStatement(head, log.key);
  }

  /** Those of `heads` that a log signed that is known. */
  #verified(heads: readonly Brought[]): NewHead[] {
    return heads.flatMap(({ head, logId }) => {
      const named =
        logId === undefined ? [...this.#logs.values()] : [this.#logs.get(logIdText(logId))];
      for (const log of named) {
        const verified = log && verifyStatement(head, log.key);
        if (verified !== undefined) return verified.treeSize === 0n ? [] : verified;
      }
      return [];
    });
  }

  async #checkScts(log: Log | undefined, scts: readonly AuditedSct[]): Promise<void> {
    if (scts.length === 0) return;
    const found = log?.api === 'rfc6962' ? await this.#scan(log, scts) : new Map<string, bigint>();
    if (found === undefined) return this.#postpone(log, scts);
    for (const sct of scts) await this.#checkSct(log, sct, found);
  }

  /** Where the window has these leaves. Undefined: it was scanned a moment ago, and they can wait. */
  async #scan(log: Log, scts: readonly AuditedSct[]): Promise<Map<string, bigint> | undefined> {
    const { hashes, now } = this.#options;
    const store = hashes();
    if (store === undefined) return new Map();
    const id = logIdText(log.key.logId);
    if (now() < (this.#scanAfter.get(id) ?? 0)) return undefined;
    const start = performance.now();
    const found = await store.of(log).find(new Set(scts.map(({ leaf }) => hex(leaf))));
    this.#scanAfter.set(id, now() + SCAN_SHARE * (performance.now() - start));
    return found;
  }

  #postpone(log: Log | undefined, scts: readonly AuditedSct[]): void {
    const { store } = this.#options;
    const due = log && this.#scanAfter.get(logIdText(log.key.logId));
    for (const { id, state, refusals, asked } of scts)
      store.settle('sct', id, { state, due: Math.ceil(due ?? 0), refusals, asked });
  }

  async #checkSct(
    log: Log | undefined,
    sct: AuditedSct,
    found: ReadonlyMap<string, bigint>,
  ): Promise<void> {
    const { ask, hashes, keep, now } = this.#options;
    const { promise, logId, leaf } = sct;
    if (log === undefined) return this.#settle('sct', sct, log, UNKNOWN);
    if (!verifySct({ ...promise, logId }, promise.entry, log.key))
      return this.#drop('sct', sct, log);
    const store = hashes();
    const look =
      (store && lookHere(log, sct, store.of(log), found.get(hex(leaf)))) ??
      (isInService(log)
        ? await lookThere(log, sct, this.#shown(log), (errand) => ask(log, errand))
        : RETIRED);
    if (look.kind !== 'broken') return this.#settle('sct', sct, log, look, promise.timestamp);
    const { head, proof, promised } = look;
    this.#convict('sct', sct, log, () =>
      keep(makePromiseEvidence(log, promise, head, proof, promised, now())),
    );
  }

  async #checkHead(log: Log | undefined, audited: AuditedHead): Promise<void> {
    const { ask, hashes, keep, now } = this.#options;
    if (log === undefined) return this.#settle('head', audited, log, UNKNOWN);
    const head = verifyStatement(audited.head, log.key);
    if (head === undefined) return this.#drop('head', audited, log);
    const shown = this.#shown(log);
    const rival = this.#rival(log, head, shown);
    if (rival !== undefined)
      return this.#convict('head', audited, log, () =>
        keep(makeEvidence(log, head, rival.head, rival.finding, now())),
      );
    const here = hashes()?.of(log).inWindow(head.treeSize);
    const against = here?.against ?? shown;
    if (here === undefined && !isInService(log)) return this.#settle('head', audited, log, RETIRED);
    if (against === undefined || against.treeSize < head.treeSize)
      return this.#settle(
        'head',
        audited,
        log,
        against === undefined
          ? { kind: 'silent', reason: 'the log has shown no tree head' }
          : {
              kind: 'refused',
              reason: `the log shows no tree of size ${head.treeSize} or more, but of ${against.treeSize}`,
            },
        head.timestamp,
      );
    let conclusion: Conclusion;
    try {
      conclusion =
        here === undefined
          ? await ask(log, (asker) => prove(asker, head, against))
          : await prove(here.asker, head, against);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      const kind = error.code === 'log-refused' ? 'refused' : 'silent';
      return this.#settle('head', audited, log, { kind, reason: error.message }, head.timestamp);
    }
    switch (conclusion.verdict) {
      case 'consistent':
      case 'malformed-head':
        return this.#settle('head', audited, log, { kind: 'proven' });
      case 'bad-proof': {
        const look: Look = { kind: 'refused', reason: conclusion.reason };
        return this.#settle('head', audited, log, look, head.timestamp);
      }
      case 'fork-proven': {
        const finding = conclusion;
        return this.#convict('head', audited, log, () =>
          keep(makeEvidence(log, head, against, finding, now())),
        );
      }
    }
  }

  /**
   * Another root that the log signed for this size. That convicts it by itself, so it is looked for
   * before anybody is asked: a log that shows no proofs, or shows none any more, must not get off.
   */
  #rival(
    log: Log,
    head: VerifiedStatement,
    shown: VerifiedStatement | undefined,
  ): { readonly head: VerifiedStatement; readonly finding: Finding } | undefined {
    for (const each of [shown, ...this.#options.store.rivals(head)]) {
      if (each?.treeSize !== head.treeSize) continue;
      const other = verifyStatement(each, log.key);
      if (other === undefined) continue;
      const finding = judgeWithoutProof(head, other);
      if (finding?.verdict === 'fork-proven') return { head: other, finding };
    }
    return undefined;
  }

  /**
   * Forgets what a log signed when it came and no log signed now, because a disk changed a bit of it.
   * Whoever brings it again has it checked.
   */
  #drop(what: 'sct' | 'head', { id }: AuditedSct | AuditedHead, log: Log): void {
    const { store, onEvent } = this.#options;
    store.drop(what, id);
    const name = what === 'sct' ? 'an SCT' : 'a tree head';
    const message = `${name} of the log "${log.description}" has changed on the disk since it came: it cannot be checked, and is forgotten until it comes again`;
    onEvent({ event: 'failed', message });
  }

  /** Evidence is on the disk before anybody is told. Where it cannot be kept, all is done again. */
  #convict(
    what: 'sct' | 'head',
    audited: AuditedSct | AuditedHead,
    log: Log,
    keep: () => string,
  ): void {
    const { store, onEvent } = this.#options;
    const evidence = keep();
    const { id, refusals, asked } = audited;
    store.settle(what, id, { state: 'convicted', due: 0, refusals, asked, evidence });
    onEvent({ event: 'convicted', log: log.description, evidence });
  }

  #settle(
    what: 'sct' | 'head',
    { id, state: before, refusals, asked }: AuditedSct | AuditedHead,
    log: Log | undefined,
    look: Exclude<Look, { kind: 'broken' }>,
    signed = 0n,
  ): void {
    const { store, now, onEvent } = this.#options;
    const at = now();
    if (look.kind === 'proven')
      return store.settle(what, id, { state: 'proven', due: 0, refusals, asked });
    const outcome: Outcome = {
      state: 'waiting',
      due: this.#drawn(0),
      refusals: look.kind === 'refused' ? refusals + 1 : refusals,
      asked: asked ?? at,
      reason: look.reason,
    };
    const state: AuditState =
      log !== undefined && isOverdue(log, signed, outcome, look.kind, at)
        ? 'unprovable'
        : 'waiting';
    store.settle(what, id, { ...outcome, state });
    if (state === 'unprovable' && before !== 'unprovable')
      onEvent({ event: 'unprovable', log: log?.description ?? '', what, reason: look.reason });
  }
}

/**
 * Whether the log has had all the time that it promised to take at most. A log that answers has been
 * asked more than once, because a front end may lag; one that does not may be down for as long.
 */
function isOverdue(
  { mmd }: Log,
  signed: bigint,
  { refusals, asked = 0 }: Outcome,
  kind: Look['kind'],
  now: number,
): boolean {
  const allowed = mmd * 1000;
  if (now < Number(signed) + allowed) return false;
  if (kind === 'early') return false;
  return kind === 'refused' ? refusals >= REFUSALS : now >= asked + allowed;
}

function toNewSct({ log, promise }: CheckedPair): NewSct {
  return { logId: log.key.logId, leaf: leafHashOf(promise, promise.entry), promise };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
