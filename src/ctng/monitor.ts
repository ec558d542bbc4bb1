// SPDX-License-Identifier: Apache-2.0
/**
 * What a monitor keeps and says (monitor/monitor.go, types.go, client-update-monitor.go): what a
 * threshold of gossipers has signed, the accusation of whoever does not answer, and the update for
 * a client. No network, no clock of its own.
 */
import type { Signatures } from './crypto.ts';
import { writeGo, parseGo } from './go-json.ts';
import type { Outcome } from './gossiper.ts';
import {
  encodeObject,
  FOR_EVER,
  idOf,
  rsaSignatureText,
  type GossipObject,
  type TypeName,
} from './object.ts';
import { PERIODS, type Periods } from './periods.ts';

/** The programs' files, by the name of each. */
export const MONITOR_FILES = {
  CON_FULL: 'CONFLICT_POM.json',
  ACC_FULL: 'ACCUSATION_POM.json',
  STH_FULL: 'STH_FULL.json',
  REV_FULL: 'REV_FULL.json',
} as const;
export type FullType = keyof typeof MONITOR_FILES;

export class Monitor {
  readonly #signatures: Signatures;
  readonly #periods: Periods;
  /** By idOf, with when it came. */
  readonly #kept: Readonly<
    Record<FullType, Map<string, { readonly object: GossipObject; readonly since: number }>>
  > = { CON_FULL: new Map(), ACC_FULL: new Map(), STH_FULL: new Map(), REV_FULL: new Map() };

  constructor(signatures: Signatures, periods: Periods) {
    this.#signatures = signatures;
    this.#periods = periods;
  }

  /** Takes what a threshold has signed, whoever brings it: gossipers do. */
  take(object: GossipObject): Outcome {
    if (!isFull(object.type))
      return { kind: 'refused', reason: `is ${object.type}, which no threshold has signed` };
    if (object.type !== 'CON_FULL' && !this.#periods.isNear(object.period))
      return {
        kind: 'refused',
        reason: `is of period ${object.period}, and now is ${this.#periods.current}`,
      };
    const kept = this.#kept[object.type];
    if (kept.has(idOf(object))) return { kind: 'known' };
    const fault = this.#signatures.fault(object);
    if (fault !== undefined) return { kind: 'refused', reason: fault };
    kept.set(idOf(object), { object, since: this.#periods.now });
    return { kind: 'new' };
  }

  /**
   * Takes up what is in a file that this monitor wrote, but for what is older than an hour by its
   * time. Returns why it does not count, or undefined.
   */
  restore(object: GossipObject): string | undefined {
    if (!isFull(object.type)) return `is ${object.type}, which no threshold has signed`;
    const since = Date.parse(object.timestamp);
    const isOld = !(this.#periods.now - since < (PERIODS - 1) * this.#periods.length);
    if (object.type !== 'CON_FULL' && isOld) return undefined;
    const fault = this.#signatures.fault(object);
    if (fault === undefined) this.#kept[object.type].set(idOf(object), { object, since });
    return fault;
  }

  /** Whether nothing more is asked of the entity: it is convicted, or accused in this period. */
  hasPom(entity: string): boolean {
    const has = (type: FullType, period: string): boolean =>
      this.#kept[type].has(JSON.stringify([period, type, entity]));
    return has('CON_FULL', FOR_EVER) || has('ACC_FULL', String(this.#periods.current));
  }

  /** That the entity has not answered as it must, signed by this monitor. */
  accusation(entity: string): GossipObject {
    return {
      type: 'ACC',
      period: String(this.#periods.current),
      signer: this.#signatures.self,
      signers: undefined,
      signature: [rsaSignatureText(this.#signatures.sign(entity)), ''],
      timestamp: this.#periods.timestamp,
      cryptoScheme: 'RSA',
      payload: [entity, '', ''],
    };
  }

  /**
   * Forgets accusations of other periods, what was signed when this period's number was last, and
   * the statements of whoever is convicted.
   */
  wipe(): void {
    const { current, now, length } = this.#periods;
    for (const [id, { object }] of this.#kept.ACC_FULL)
      if (object.period !== String(current)) this.#kept.ACC_FULL.delete(id);
    for (const type of ['STH_FULL', 'REV_FULL'] as const)
      for (const [id, { object, since }] of this.#kept[type])
        if (
          now - since > (PERIODS - 1) * length ||
          this.#kept.CON_FULL.has(JSON.stringify([FOR_EVER, 'CON_FULL', object.payload[0]]))
        )
          this.#kept[type].delete(id);
  }

  list(type: FullType): GossipObject[] {
    return [...this.#kept[type].values()].map(({ object }) => object);
  }

  /**
   * The update for a client that had its last one in period `since`: what was signed from then on
   * and before this period, and all proofs of misbehaviour, which this monitor signs. The Go
   * programs never get as far as to write one; the names are those of their Clientupdate, and lists
   * are as in their files. As JSON.
   */
  update(since: number): string {
    const { current } = this.#periods;
    const age = (period: number): number => (current - period + PERIODS) % PERIODS;
    const recent = (type: FullType): GossipObject[] =>
      this.list(type).filter(({ period }) => {
        const old = age(Number(period));
        return old > 0 && old <= age(since);
      });
    const document = (objects: readonly GossipObject[]): string =>
      `[${objects.map(encodeObject).join(',')}]`;
    const poms = document(this.list('CON_FULL'));
    const fields = {
      MonitorID: this.#signatures.self,
      Period: String(current),
      PoMsig: rsaSignatureText(this.#signatures.sign(poms)),
    };
    const [sths, revs] = [document(recent('STH_FULL')), document(recent('REV_FULL'))];
    return `{"STHs":${sths},"REVs":${revs},"PoMs":${poms},${writeGo(fields).slice(1)}`;
  }
}

export function isFull(type: TypeName): type is FullType {
  return type in MONITOR_FILES;
}

/** A client's question. Throws SyntaxError or RangeError. */
export function decodeQuery(text: string): { client: string; since: number } {
  const query = parseGo(text) as { Client_URL?: unknown; LastUpdatePeriod?: unknown } | null;
  const { Client_URL: client, LastUpdatePeriod: since } = query ?? {};
  if (typeof client !== 'string' || typeof since !== 'string')
    throw new RangeError('want {"Client_URL":"HOST:PORT","LastUpdatePeriod":"0"}');
  if (!/^(?:[0-9]|[1-5][0-9])$/.test(since))
    throw new RangeError(`LastUpdatePeriod is '${since}', want 0 to 59`);
  return { client, since: Number(since) };
}
